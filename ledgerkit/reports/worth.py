"""Holdings of one currency together, and what they are worth at the prices that were put to them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ledgerkit.reports.exactly import known, product, total
from ledgerkit.reports.holdings import Holding
from ledgerkit.reports.prices import Key, Price


class Split(NamedTuple):
    """What is held of each currency, by how much of it has a value; what nobody holds is in none of them."""

    priced: list[list[Holding]]
    in_part: list[list[Holding]]
    unpriced: list[list[Holding]]

    def counts(self) -> dict[str, Any]:
        """Return how many currencies and tokens are in each, as tables have it."""
        return {"priced": len(self.priced), "priced_in_part": len(self.in_part), "unpriced": len(self.unpriced)}

    @property
    def all_priced(self) -> bool:
        """Whether all that is held has a price."""
        return not self.in_part and not self.unpriced


class Priced:
    """Prices put to holdings.

    Attributes
    ----------
    asked
        Whether prices were given at all, whatever became of them.
    """

    def __init__(self, prices: dict[Key, Price], *, asked: bool = True) -> None:
        self._prices = prices
        self.asked = asked

    def price(self, holding: Holding) -> Price | None:
        """Return the price of a holding; none where it does not count, or no unit is known."""
        return self._prices.get(holding.key) if holding.counted and holding.unit is not None else None

    def has_one(self, holding: Holding) -> bool:
        """Return whether a price is given for what is held, whether or not it can be put to this holding."""
        return holding.key in self._prices

    def worth(self, holding: Holding) -> Decimal | None:
        """Return the exact value of a holding; None where price, unit or balance is not known."""
        price = self.price(holding)
        return (
            None if price is None or not known(holding.total) else product(holding.shown(holding.total), price.value)
        )

    def value(self, holdings: Iterable[Holding]) -> Any:
        """Return the value of what has a price; None where nothing has."""
        values = [worth for one in holdings if (worth := self.worth(one)) is not None]
        return total(values) if values else None

    def lacking(self, group: Iterable[Holding]) -> list[Holding]:
        """Return those that hold something, and have no price: none is given, or no unit is known of them."""
        return [one for one in group if one.something and self.price(one) is None]

    def split(self, holdings: Iterable[Holding]) -> Split:
        """Return what is held of each currency, by whether all, a part or nothing of it is in the value."""
        found = Split([], [], [])
        for group in grouped(holdings).values():
            there = [one for one in group if one.something]
            without = self.lacking(there)
            if there:
                place = found.priced if not without else found.unpriced if without == there else found.in_part
                place.append(group)
        return found


def grouped(holdings: Iterable[Holding]) -> dict[Key, list[Holding]]:
    """Return holdings by what is held, each currency and contract together."""
    groups: dict[Key, list[Holding]] = {}
    for one in holdings:
        groups.setdefault(one.key, []).append(one)
    return groups


def complete(holdings: Iterable[Holding]) -> bool:
    """Return whether all balances are known."""
    return all(known(one.total) for one in holdings)


def face(group: Sequence[Holding]) -> Holding:
    """Return the holding whose ticker stands for all of a currency: one that has a unit, where there is one."""
    return next((one for one in group if one.unit is not None), group[0])


def has_one_unit(group: Sequence[Holding]) -> bool:
    """Return whether holdings of one currency are all counted in one unit, which is known of each."""
    return len({None if one.unit is None else one.unit.magnitude for one in group}) == 1


def units_differ(group: Sequence[Holding]) -> bool:
    """Return whether holdings of one currency name different units: one of them is wrong, and nobody knows which."""
    return len({one.unit.magnitude for one in group if one.unit is not None}) > 1


def sums(group: Sequence[Holding]) -> dict[str, Any]:
    """Return the sums of a currency, in base units and in its display unit."""
    base = {
        "amount_base": total(one.total for one in group),
        "available_base": _total_of(group, [one.available for one in group]),
        "pending_base": _total_of(group, [one.pending for one in group]),
    }
    if not any(known(one.total) for one in group):
        base = dict.fromkeys(base)
    one_unit = has_one_unit(group)
    shown = {
        name.removesuffix("_base"): group[0].shown(amount) if one_unit else None for name, amount in base.items()
    }
    return {**base, **shown}


def _total_of(group: Sequence[Holding], parts: Sequence[Any]) -> Any:
    """Return the sum of a part of each balance; None where a balance is known and its part is not."""
    lacking = any(known(one.total) and not known(part) for one, part in zip(group, parts, strict=True))
    return None if lacking else total(parts)
