"""What the rows of a plan are together: their sums, the same row twice, and whether balances cover them all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from ledgerkit.amounts import Unit, display_unit, to_display
from ledgerkit.connection import Connection
from ledgerkit.errors import NotFound, PermissionDenied
from ledgerkit.transport import path_with


class Draft(Protocol):
    """What a plan needs of :class:`ledgerkit.drafts.Draft`."""

    @property
    def payload(self) -> Any:
        """What is sent."""

    @property
    def mark(self) -> str | None:
        """By what it is found."""

    @property
    def problems(self) -> list[str]:
        """What stops it."""

    @property
    def warnings(self) -> list[str]:
        """What to look at."""

    def submit(self, *, again: bool = False) -> pd.DataFrame:
        """Send it, once."""


@dataclass
class Row:
    """One row of a plan: what was given, and what is sent for it."""

    given: dict[str, Any]
    draft: Draft | None = None
    body: dict[str, Any] = field(default_factory=dict)
    mark: str | None = None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # Its amounts in display units, and their tickers, by column.
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def written(self) -> dict[str, Any]:
        """What the journal keeps of it."""
        return {"mark": self.mark, "body": self.body}

    def value(self, name: str) -> Any:
        """Return a field of what is sent, or else what was given for it."""
        of_payload = getattr(self.draft.payload, name, None) if self.draft else None
        return self.given.get(name) if of_payload is None else of_payload


def flag_duplicates(rows: list[Row], names: tuple[str, ...], rule: str | None) -> None:
    """Note on each row that is the same as an earlier one in these fields: a problem where a rule is against it."""
    first: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, 1):
        # Some chains write an address in two cases: one too many is flagged rather than one too few.
        key = tuple(str(row.value(name)).casefold() for name in names)
        if first.setdefault(key, number) != number:
            text = f"it is the same as row {first[key]}: " + ", ".join(name for name in names if row.value(name))
            if rule is None:
                row.warnings.append(text)
            else:
                row.problems.append(f"{text}. {rule}")


def sums(connection: Connection, rows: list[Row], *, covered: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return totals and balances, and give each row its amounts in the units that people speak in.

    Parameters
    ----------
    covered
        Whether to note on each row that the balance does not cover it with those before it. Of a plan that has begun,
        part is spent already.
    """
    known = _Accounts(connection)
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
        amount_unit, fees_unit = known.units(account)
        amount_unit = None if mint else amount_unit
        add("amount", currency, contract, amount, amount_unit)
        row.shown = {
            **_shown("amount", "ticker", amount, amount_unit),
            **_shown("max_fees", "fees_ticker", fees, fees_unit),
        }
        if isinstance(fees, int):
            add("fees, at most", currency, None, fees, fees_unit)
        # A token's fees are paid by its parent, in the parent's coin.
        payer = account if contract is None or mint else known.parent(account)
        spent = {account: 0 if mint else amount}
        if payer is not None:
            spent[payer] = spent.get(payer, 0) + (fees or 0)
        for one, base in spent.items():
            needs[one] = needs.get(one, 0) + base
            if not covered:
                continue
            available = known.available(one)
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
        {"account_id": account, "needed": base, "available": known.available(account)}
        for account, base in needs.items()
    ]
    # Inferred, a column with a gap would be floats.
    return pd.DataFrame(of_totals, dtype=object), pd.DataFrame(of_accounts, dtype=object)


def _shown(column: str, ticker: str, base: int | None, unit: Unit | None) -> dict[str, Any]:
    if base is None or unit is None:
        return {}
    return {f"{column}_display": to_display(base, unit.magnitude), ticker: unit.code}


class _Accounts:
    """What is asked of accounts for the sums of a plan, once for each."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._nodes: dict[str, Mapping[str, Any]] = {}

    def _node(self, operation: str, account: int) -> Mapping[str, Any]:
        path = path_with(operation.split()[1], account_id=account)
        if path not in self._nodes:
            try:
                body = self._connection.ask(operation, path).body
            except (NotFound, PermissionDenied):
                body = {}
            self._nodes[path] = body if isinstance(body, Mapping) else {}
        return self._nodes[path]

    def units(self, account: int) -> tuple[Unit | None, Unit | None]:
        units = self._node("GET /accounts/{account_id}/currency", account)
        amount, fees = (display_unit(units.get(name) or []) for name in ("amount_units", "fees_units"))
        return amount, fees

    def available(self, account: int) -> int | None:
        text = str(self._node("GET /accounts/{account_id}", account).get("available_balance"))
        return int(text) if text.isascii() and text.isdigit() else None

    def parent(self, account: int) -> int | None:
        parent = self._node("GET /accounts/{account_id}", account).get("parent")
        return parent if isinstance(parent, int) else None
