"""What the rows of a plan come to: their sums, and whether balances cover them all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from ledgerkit.amounts import Unit, display_unit, to_display
from ledgerkit.errors import NotFound, PermissionDenied
from ledgerkit.plans.rows import PlannedRow


class Lookups(Protocol):
    """What a plan asks of :class:`ledgerkit.lookups.Lookups`, which knows the accounts that its drafts looked up.

    Not that class itself: it reads accounts, whose section offers plans.
    """

    def units(self, account: int) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """Return the units of an account's amounts, and of the fees that it pays."""

    def account(self, account: int) -> "pd.Series[Any]":
        """Return an account."""

    def stop(self) -> None:
        """Look nothing more up."""


def show_amounts(lookups: Lookups, rows: list[PlannedRow]) -> None:
    """Give each row its amounts in the units that people speak in."""
    for row in rows:
        if row.draft is not None:
            amount_unit, fees_unit = _row_units(lookups, row)
            row.shown = {
                **_shown("amount", "ticker", row.value("amount"), amount_unit),
                **_shown("max_fees", "fees_ticker", row.value("max_fees"), fees_unit),
            }


def totals(lookups: Lookups, rows: list[PlannedRow]) -> pd.DataFrame:
    """Return the sums of amounts and of fees; those that are not known are counted, and are in no sum."""
    found: dict[tuple[str, str, str | None], _Total] = {}
    for row in rows:
        if row.draft is None:
            continue
        currency, amount, fees = (row.value(name) for name in ("currency", "amount", "max_fees"))
        contract = row.value("contract_address") or row.value("token_mint")
        amount_unit, fees_unit = _row_units(lookups, row)
        found.setdefault(("amount", currency, contract), _Total(amount_unit)).add(amount)
        found.setdefault(("fees, at most", currency, None), _Total(fees_unit)).add(fees)
    records = [
        {
            "of": of,
            "currency": currency,
            "contract": contract,
            "requests": total.known,
            "not_known": total.unknown,
            "base_units": total.base if total.known else None,
            "display": to_display(total.base, total.unit.magnitude) if total.known and total.unit else None,
            "ticker": total.unit.code if total.unit else None,
        }
        for (of, currency, contract), total in found.items()
    ]
    # Inferred, a column with a gap would be floats.
    return pd.DataFrame(records, dtype=object)


def balances(lookups: Lookups, rows: list[PlannedRow]) -> pd.DataFrame:
    """Return what rows need of each account, beside what it has available, and of how many the fees are not known."""
    needs: dict[int, _Total] = {}
    for row in rows:
        if row.draft is not None:
            for account, base in _spent(lookups, row):
                needs.setdefault(account, _Total(None)).add(base)
    records = [
        {
            "account_id": account,
            "needed": total.base,
            "available": _whole(lookups, account, "available_balance"),
            "fees_not_known": total.unknown,
        }
        for account, total in needs.items()
    ]
    return pd.DataFrame(records, dtype=object)


def flag_uncovered(lookups: Lookups, rows: list[PlannedRow]) -> None:
    """Note on each row that the balance does not cover it with those before it."""
    needs: dict[int, int] = {}
    for row in rows:
        if row.draft is None:
            continue
        for account, base in _spent(lookups, row):
            needs[account] = needs.get(account, 0) + (base or 0)
        for account in dict(_spent(lookups, row)):
            available = _whole(lookups, account, "available_balance")
            if available is None:
                row.warnings.append(f"balance: what account {account} has available can't be told")
            elif needs[account] > available:
                row.problems.append(
                    f"balance: account {account} has {available} base units available, and the rows up to this one "
                    f"need {needs[account]}, fees included"
                )


@dataclass
class _Total:
    """A sum, of how many it is, and how many are not known."""

    unit: Unit | None
    base: int = 0
    known: int = 0
    unknown: int = 0

    def add(self, base: int | None) -> None:
        if base is None:
            self.unknown += 1
        else:
            self.known += 1
            self.base += base


def _row_units(lookups: Lookups, row: PlannedRow) -> tuple[Unit | None, Unit | None]:
    amount, fees = _units(lookups, row.value("account_id"))
    return None if row.value("token_mint") else amount, fees


def _spent(lookups: Lookups, row: PlannedRow) -> list[tuple[int, int | None]]:
    """Return what a row takes of which account, its amount and then its fees; None where they are not known."""
    account, mint = row.value("account_id"), row.value("token_mint")
    # A token's fees are paid by its parent, in the parent's coin.
    payer = _whole(lookups, account, "parent") if row.value("contract_address") and not mint else account
    return [
        (account, 0 if mint else row.value("amount")),
        *([] if payer is None else [(payer, row.value("max_fees"))]),
    ]


def _shown(column: str, ticker: str, base: int | None, unit: Unit | None) -> dict[str, Any]:
    if base is None or unit is None:
        return {}
    return {f"{column}_display": to_display(base, unit.magnitude), ticker: unit.code}


def _units(lookups: Lookups, account: int) -> tuple[Unit | None, Unit | None]:
    try:
        amount, fees = lookups.units(account)
    except (NotFound, PermissionDenied):
        return None, None
    return display_unit(amount), display_unit(fees)


def _whole(lookups: Lookups, account: int, column: str) -> int | None:
    """Return a whole number of an account; None where it has none, or can't be seen."""
    try:
        found = lookups.account(account)[column]
    except (NotFound, PermissionDenied):
        return None
    return None if pd.isna(found) else int(found)
