"""What the rows of a plan come to: their sums, and whether balances cover them all."""

from collections.abc import Mapping
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


def sums(lookups: Lookups, rows: list[PlannedRow], *, covered: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return totals and balances, and give each row its amounts in the units that people speak in.

    Parameters
    ----------
    covered
        Whether to note on each row that the balance does not cover it with those before it. Of a plan that has begun,
        part is spent already.
    """
    totals: dict[tuple[str, str, str | None], list[Any]] = {}
    needs: dict[int, int] = {}

    def add(of: str, currency: str, contract: str | None, base: int, unit: Unit | None) -> None:
        total = totals.setdefault((of, currency, contract), [0, 0, unit])
        total[0] += 1
        total[1] += base

    for row in rows:
        if row.draft is None:
            continue
        account, currency, amount, fees = (
            row.value(name) for name in ("account_id", "currency", "amount", "max_fees")
        )
        mint = row.value("token_mint")
        contract = row.value("contract_address") or mint
        amount_unit, fees_unit = _units(lookups, account)
        amount_unit = None if mint else amount_unit
        add("amount", currency, contract, amount, amount_unit)
        row.shown = {
            **_shown("amount", "ticker", amount, amount_unit),
            **_shown("max_fees", "fees_ticker", fees, fees_unit),
        }
        if isinstance(fees, int):
            add("fees, at most", currency, None, fees, fees_unit)
        # A token's fees are paid by its parent, in the parent's coin.
        payer = account if contract is None or mint else _whole(lookups, account, "parent")
        spent = {account: 0 if mint else amount}
        if payer is not None:
            spent[payer] = spent.get(payer, 0) + (fees or 0)
        for one, base in spent.items():
            needs[one] = needs.get(one, 0) + base
            if not covered:
                continue
            available = _whole(lookups, one, "available_balance")
            if available is None:
                row.warnings.append(f"balance: what account {one} has available can't be told")
            elif needs[one] > available:
                row.problems.append(
                    f"balance: account {one} has {available} base units available, and the rows up to this one need "
                    f"{needs[one]}, fees included"
                )
    of_totals = [
        {
            "of": of,
            "currency": currency,
            "contract": contract,
            "requests": count,
            "base_units": base,
            "display": None if unit is None else to_display(base, unit.magnitude),
            "ticker": None if unit is None else unit.code,
        }
        for (of, currency, contract), (count, base, unit) in totals.items()
    ]
    of_accounts = [
        {"account_id": account, "needed": base, "available": _whole(lookups, account, "available_balance")}
        for account, base in needs.items()
    ]
    # Inferred, a column with a gap would be floats.
    return pd.DataFrame(of_totals, dtype=object), pd.DataFrame(of_accounts, dtype=object)


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
