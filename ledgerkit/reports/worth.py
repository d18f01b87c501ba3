"""Holdings of one currency together, and what they are worth at the prices that were put to them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from ledgerkit.reports.exactly import known, product, total
from ledgerkit.reports.holdings import Holding
from ledgerkit.reports.prices import Key, Price


class Priced:
    """Prices put to holdings."""

    def __init__(self, prices: dict[Key, Price]) -> None:
        self._prices = prices

    def price(self, holding: Holding) -> Price | None:
        """Return the price of a holding; none where it does not count, or no unit is known."""
        return self._prices.get(holding.key) if holding.counted and holding.unit is not None else None

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

    def split(self, holdings: Iterable[Holding]) -> tuple[list[list[Holding]], list[list[Holding]]]:
        """Return what is held of each currency, with a price and without; what nobody holds is in neither."""
        groups = [group for group in grouped(holdings).values() if any(one.something for one in group)]
        with_price = [group for group in groups if all(self.price(one) is not None for one in group)]
        return with_price, [group for group in groups if not all(self.price(one) is not None for one in group)]


def grouped(holdings: Iterable[Holding]) -> dict[Key, list[Holding]]:
    """Return holdings by what is held, each currency and contract together."""
    groups: dict[Key, list[Holding]] = {}
    for one in holdings:
        groups.setdefault(one.key, []).append(one)
    return groups


def complete(holdings: Iterable[Holding]) -> bool:
    """Return whether all balances are known."""
    return all(known(one.total) for one in holdings)


def has_one_unit(group: Sequence[Holding]) -> bool:
    """Return whether holdings of one currency are counted in one unit."""
    return len({None if one.unit is None else one.unit.magnitude for one in group}) == 1


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
