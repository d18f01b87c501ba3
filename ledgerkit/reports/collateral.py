"""Collateral accounts with what is pledged of them, all exact, in base units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ledgerkit.reports.exactly import difference, known, total
from ledgerkit.reports.holdings import ACCOUNT, Holding, held, note_unknown
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import records

# By their names nothing is locked in these any more. All other states count, unknown ones too: too much is said to be
# pledged rather than too little.
NOT_COUNTED: Final = frozenset({"PLEDGE_REJECTED", "PLEDGE_CONSUMED"})


@dataclass
class Pledge:
    """One pledge. Amounts are in base units of its account."""

    id: str
    state: str | None
    exchange_id: str | None
    exchange: str | None
    amount: Any
    pending: Any
    row: Mapping[Any, Any]

    @property
    def counted(self) -> bool:
        """Whether it locks collateral."""
        return self.state not in NOT_COUNTED

    @property
    def party(self) -> tuple[str | None, str | None]:
        """The exchange that it is pledged to: names need not be unique."""
        return self.exchange_id, self.exchange


@dataclass
class Collateral:
    """One collateral account with its pledges; without a holding it is not visible."""

    id: int | None
    holding: Holding | None
    pledges: list[Pledge] = field(default_factory=list)
    leaving: Any = 0

    @property
    def name(self) -> str:
        """How notes call it."""
        if self.holding is not None:
            return self.holding.name
        return f"account {self.id}" if self.id is not None else "no account"

    @property
    def balance(self) -> Any:
        """All that it holds, or None."""
        return self.holding.total if self.holding is not None and known(self.holding.total) else None

    @property
    def available(self) -> Any:
        """What of it is available, or None."""
        return self.holding.available if self.holding is not None and known(self.holding.available) else None

    @property
    def counted(self) -> list[Pledge]:
        """Its pledges that lock something."""
        return [one for one in self.pledges if one.counted]

    @property
    def complete(self) -> bool:
        """Whether the amounts of all its pledges are known."""
        return all(known(one.amount) for one in self.counted)

    @property
    def pledged(self) -> Any:
        """What is pledged of it, all its pledges together; a part of that where it is not complete."""
        return total(one.amount for one in self.counted)

    @property
    def free(self) -> Any:
        """What no pledge locks, below zero where it does not cover them; None where that is not known."""
        return None if self.balance is None or not self.complete else difference(self.balance, self.pledged)

    @property
    def covered(self) -> bool | None:
        """Whether it covers its pledges; what is known to be too much is enough to say no."""
        if self.balance is None:
            return None
        if self.pledged > self.balance:
            return False
        return True if self.complete else None

    @property
    def covered_by_available(self) -> bool | None:
        """Whether what is available of it covers its pledges."""
        return None if self.available is None or not self.complete else bool(self.available >= self.pledged)

    @property
    def free_after_pending_in(self) -> Any:
        """What is free once all increments are approved and nothing is un-pledged; None where that is not known."""
        coming, _ = pendings(self.counted)
        return None if self.free is None or coming is None else difference(self.free, coming)

    @property
    def free_after_pending(self) -> Any:
        """What is free once all that is pending is approved; None where that is not known."""
        coming, going = pendings(self.counted)
        return None if self.free is None or coming is None else difference(self.free, total([coming, going]))

    @property
    def covered_after_pending_in(self) -> bool | None:
        """Whether it covers its pledges in the bad case: what comes is approved first, or what goes is refused."""
        if self.covered is False:
            return False
        if self.free_after_pending_in is not None:
            return bool(self.free_after_pending_in >= 0)
        least = total(one.pending for one in self.counted if known(one.pending) and one.pending > 0)
        return False if self.balance is not None and total([self.pledged, least]) > self.balance else None

    def shown(self, amount: Any) -> Any:
        """Return an amount in the unit of the account; None where there is none."""
        return None if self.holding is None else self.holding.shown(amount)

    def asset(self) -> dict[str, Any]:
        """Return what it holds."""
        one = self.holding
        if one is None:
            return {}
        return {"ticker": one.ticker, "currency": one.currency, "contract_address": one.contract}


def read_collaterals(making: Making, found: pd.DataFrame, accounts: pd.DataFrame) -> list[Collateral]:
    """Return the collateral accounts with their pledges, in the order of their ids."""
    wanted = accounts[accounts["id"].isin(found["account_id"].dropna())].reset_index(drop=True)
    holdings = {one.account_id: one for one in held(making, wanted, accounts) if one.kind == ACCOUNT}
    note_unknown(making, holdings.values())
    collaterals: dict[int | None, Collateral] = {}
    for row in records(found):
        number = None if row["account_id"] is None else int(row["account_id"])
        collateral = collaterals.setdefault(
            number, Collateral(number, None if number is None else holdings.get(number))
        )
        collateral.pledges.append(
            Pledge(
                id=str(row["id"]),
                state=text(row["state"]),
                exchange_id=text(row["exchange_id"]),
                exchange=text(row["exchange_name"]) or text(row["exchange_code"]),
                amount=row["amount"] if known(row["amount"]) else None,
                pending=row["pending"] if known(row["pending"]) else None,
                row=row,
            )
        )
    return sorted(collaterals.values(), key=lambda one: (one.id is None, one.id or 0))


def pendings(pledges: Iterable[Pledge]) -> tuple[Any, Any]:
    """Return what is to come, and what is to go; None for both where it is not known of one of them."""
    amounts = [one.pending for one in pledges]
    if not all(known(one) for one in amounts):
        return None, None
    return total(one for one in amounts if one > 0), total(one for one in amounts if one < 0)


def by_exchange(
    collaterals: Sequence[Collateral],
) -> dict[tuple[tuple[str | None, str | None], Any], list[Collateral]]:
    """Return the collateral accounts of each exchange, those of one currency together."""
    groups: dict[tuple[tuple[str | None, str | None], Any], list[Collateral]] = {}
    for one in collaterals:
        asset = ("not visible", one.id) if one.holding is None else one.holding.key
        for party in dict.fromkeys(pledge.party for pledge in one.counted):
            groups.setdefault((party, asset), []).append(one)
    return groups


def parties(pledges: Iterable[Pledge]) -> list[str]:
    """Return the names of the exchanges of pledges."""
    return [str(name or number or "no exchange") for number, name in dict.fromkeys(one.party for one in pledges)]


def every_one(values: Iterable[bool | None]) -> bool | None:
    """Return whether all are so: one no is a no, and else one unknown is unknown."""
    every = list(values)
    if False in every:
        return False
    return None if None in every else True


def text(value: Any) -> str | None:
    """Return a text, or None."""
    return value if isinstance(value, str) and value else None


def whole(value: Any) -> int | None:
    """Return an id, or None."""
    return None if pd.isna(value) else int(value)
