"""What accounts hold, each in its own unit: the rows that reports about holdings are made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import Unit, display_unit, to_display
from ledgerkit.coins import is_testnet, magnitude_of
from ledgerkit.frames import exact
from ledgerkit.reports.choosing import listed
from ledgerkit.reports.exactly import known, total
from ledgerkit.reports.making import Making
from ledgerkit.reports.prices import asset_key
from ledgerkit.reports.rows import records
from ledgerkit.showing import visible

ACCOUNT: Final = "account"
LIGHT: Final = "light token account"
# Labels of axes: 20k, 3M, and B where d3 writes G for a thousand million; small numbers without a prefix such as µ.
THOUSANDS: Final = (
    "abs(datum.value) < 1000 ? format(datum.value, ',.8~f') : replace(format(datum.value, '~s'), 'G', 'B')"
)
# A refused account never came to be: what the service says it holds is shown, and not counted.
NOT_COUNTED: Final = frozenset({"REJECTED"})
# Where accounts say what they have staked, by family.
_STAKED: Final = (
    "coin_fields_staking_balances_total_staked",
    "coin_fields_staking_total_staking",
    "coin_fields_staking_active_balance",
    "coin_fields_balances_bonded",
)


@dataclass
class Holding:
    """What one account, or one light token account, holds of one thing. Amounts are in base units."""

    account_id: int
    account: str | None
    kind: str
    type: str | None
    status: str | None
    parent_id: int | None
    currency: str | None
    contract: str | None
    unit: Unit | None
    total: Any
    available: Any
    pending: Any
    notes: list[str] = field(default_factory=list)
    # What does not fit together in what the service says of it.
    odd: list[str] = field(default_factory=list)
    entities: list[str] = field(default_factory=list)
    counted: bool = True

    @property
    def key(self) -> tuple[str, str | None]:
        """What is the same for all holdings of one coin or token; an account that says no currency is on its own."""
        if self.currency is None:
            return f"account {self.account_id}", None
        return asset_key(self.currency, self.contract)

    @property
    def ticker(self) -> str | None:
        """The code of the unit that people speak of."""
        return None if self.unit is None else self.unit.code

    @property
    def name(self) -> str:
        """How notes call it."""
        return visible(self.account) if self.account else f"account {self.account_id}"

    @property
    def something(self) -> bool:
        """Whether it holds something, or may."""
        return not known(self.total) or self.total != 0

    def shown(self, amount: Any) -> Any:
        """Return an amount in the display unit; None where there is no amount or no unit."""
        return None if self.unit is None or not known(amount) else to_display(amount, self.unit.magnitude)

    def said(self) -> str:
        """Return what is held in words, such as ``"0.5 BTC"``."""
        if not known(self.total):
            return "a balance that is not known"
        if self.unit is None:
            return f"{self.total} base units"
        return f"{plain(self.shown(self.total))} {visible(self.unit.code)}"


def plain(amount: Any) -> str:
    """Return an exact number with its digits in threes and without zeros that say nothing."""
    text = format(amount, ",f") if not isinstance(amount, int) else f"{amount:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_test(currency: str | None) -> bool:
    """Say whether a currency is that of a test network, whose coins are worth nothing."""
    return currency is not None and is_testnet(currency)


def held(making: Making, accounts: pd.DataFrame, everything: pd.DataFrame) -> list[Holding]:
    """Return what accounts hold, and the light token accounts under them.

    Parameters
    ----------
    accounts
        Rows of a search for accounts.
    everything
        All of its rows: a light token account that has an account of its own is no holding beside it, also where that
        one was not asked for, or two parts of a workspace would have the same tokens.
    """
    accounts = _with_balances(making, accounts)
    units = making.units(int(one) for one in accounts["id"])
    found = []
    for row in records(accounts):
        own = units[int(row["id"])]
        holding = Holding(
            account_id=int(row["id"]),
            account=_text(row["name"]),
            kind=ACCOUNT,
            type=_text(row["type"]),
            status=_text(row["status"]),
            parent_id=None if row["parent"] is None else int(row["parent"]),
            currency=_text(row["currency"]),
            contract=_text(row["contract_address"]),
            unit=own.amount,
            total=row["balance"],
            available=row["available_balance"],
            pending=row["pending_balance"],
        )
        if not known(holding.total):
            why = _text(row.get("balance_error"))
            holding.notes.append(f"balance not known: {why or 'the service gives none'}")
        if own.amount is None:
            holding.notes.append(f"no unit known: {own.error or 'the service names none'}")
        _check(holding)
        found.append(holding)
    light = _light_tokens(making, accounts, everything)
    _note_staked(making, accounts, {one.account_id: one for one in found})
    return [*found, *light]


def note_unknown(making: Making, holdings: Iterable[Holding]) -> None:
    """Say which accounts have no balance or no unit: sums leave them out."""
    unknown = [one for one in holdings if not known(one.total)]
    if unknown:
        names = listed(one.name for one in unknown)
        making.note(
            f"The balance of {names} is not known: each total that they belong to is incomplete, and its row says so."
        )
    unitless = [one for one in holdings if one.unit is None and known(one.total)]
    if unitless:
        making.note(
            f"No unit is known of {listed(one.name for one in unitless)}: what they hold is in base units alone."
        )


def _with_balances(making: Making, accounts: pd.DataFrame) -> pd.DataFrame:
    """Ask for the balances that the list leaves out."""
    lacking = accounts.loc[accounts["balance"].isna(), "id"]
    if lacking.empty:
        return accounts
    result = accounts.copy()
    answers = making.part("balances that the list leaves out", lambda: making.session.accounts.balances(lacking))
    if answers is None:
        return result
    rows = {row["account_id"]: row for row in records(answers)}
    result["balance_error"] = None
    for place in result.index[result["id"].isin(lacking)]:
        row = rows.get(result.at[place, "id"])
        if row is None:
            continue
        result.at[place, "balance_error"] = row["error"]
        for name, answer in (
            ("balance", "total"),
            ("available_balance", "available"),
            ("pending_balance", "pending"),
        ):
            result.at[place, name] = row[answer]
    return result


def _check(holding: Holding) -> None:
    """Say what does not fit together: none of it may be silent."""
    expected = magnitude_of(holding.currency) if holding.currency and holding.contract is None else None
    if expected is not None and holding.unit is not None and holding.unit.magnitude != expected:
        holding.odd.append(
            f"the service says that {holding.unit.code} has {holding.unit.magnitude} decimal places, and "
            f"{holding.currency} is known to have {expected}"
        )
    if all(known(one) for one in (holding.total, holding.available, holding.pending)):
        parts = total([holding.available, holding.pending])
        if parts != holding.total:
            holding.odd.append(
                f"available and pending make {plain(parts)} base units, and the balance is {plain(holding.total)}"
            )


def _light_tokens(making: Making, accounts: pd.DataFrame, everything: pd.DataFrame) -> list[Holding]:
    """Return the light token accounts that are no accounts of their own."""
    listed_inside = {
        int(row["id"]): row["token_accounts"] for row in records(accounts) if _is_list(row["token_accounts"])
    }
    solana = accounts["type"].eq("Solana") | accounts["id"].isin(
        [one for one, nodes in listed_inside.items() if nodes]
    )
    parents = {int(row["id"]): row for row in records(accounts[solana])}
    if not parents:
        return []
    answers = making.part("the light token accounts", lambda: making.session.accounts.tokens(list(parents)))
    nodes: list[Mapping[Any, Any]] = []
    refused = set(parents) if answers is None else set()
    if answers is not None:
        refused = {int(one) for one in answers.loc[answers["error"].notna(), "account_id"]}
        nodes += records(answers[answers["error"].isna()])
    for number in refused:
        inside = [node for node in listed_inside.get(number, []) if isinstance(node, dict)]
        nodes += [
            {**node, "account_id": number, **{name: _exact(node.get(name)) for name in ("available", "pending")}}
            for node in inside
        ]
    if refused:
        names = listed(visible(str(parents[one]["name"])) for one in refused)
        making.note(
            f"The light token accounts of {names} could not be asked for; those that stand in the list of accounts "
            "are taken, as old as that list may be."
        )
    # One that was refused never came to be, and what it is said to hold is in no sum.
    own = {
        (int(row["parent"]), asset_key(str(row["currency"]), _text(row["contract_address"]))): int(row["id"])
        for row in records(everything)
        if row["parent"] is not None and _text(row["contract_address"]) and row["status"] not in NOT_COUNTED
    }
    found, double = [], []
    for node in nodes:
        parent = parents[int(node["account_id"])]
        currency, contract = _text(parent["currency"]), _text(node.get("contract_address"))
        holding = Holding(
            account_id=int(node["account_id"]),
            account=_text(node.get("account_name")) or _text(parent["name"]),
            kind=LIGHT,
            type=_text(parent["type"]),
            status=_text(node.get("status")),
            parent_id=int(node["account_id"]),
            currency=currency,
            contract=contract,
            unit=None,
            total=_sum_of(node.get("available"), node.get("pending")),
            available=node.get("available"),
            pending=node.get("pending"),
            notes=["a light token account: it has no account id of its own, and its total is available + pending"],
        )
        if (holding.account_id, holding.key) in own:
            double.append(holding)
        else:
            found.append(holding)
    if double:
        asked = set(accounts["id"])
        said = []
        for one in double:
            number = own[one.account_id, one.key]
            said.append(f"{one.name} (account {number}{'' if number in asked else ', which was not asked for'})")
        making.note(
            f"Light token accounts that have an account of their own are left out, to be counted once: "
            f"{listed(said)}."
        )
    _give_units(making, found)
    return found


def _give_units(making: Making, holdings: list[Holding]) -> None:
    by_network: dict[str, list[Holding]] = {}
    for holding in holdings:
        if holding.currency is not None and holding.contract is not None:
            by_network.setdefault(holding.currency, []).append(holding)
        else:
            holding.notes.append("no unit known: the service names no contract")
    for network, tokens in by_network.items():
        contracts = list(dict.fromkeys(str(one.contract) for one in tokens))
        frame = making.part(
            f"the units of tokens on {network}",
            lambda network=network, contracts=contracts: making.session.currencies.token(network, contracts),  # type: ignore[misc]  # mypy does not infer lambdas with defaults
        )
        rows = {row["contract_address"]: row for row in records(frame)}
        for holding in tokens:
            row = rows.get(holding.contract, {})
            holding.unit = display_unit(row["units"]) if _is_list(row.get("units")) else None
            if holding.unit is None:
                holding.notes.append(f"no unit known: {_text(row.get('error')) or 'the service names none'}")


def _note_staked(making: Making, accounts: pd.DataFrame, holdings: Mapping[int, Holding]) -> None:
    said = []
    for column in _STAKED:
        if column not in accounts.columns:
            continue
        for row in records(accounts[["id", column]].dropna()):
            holding, amount = holdings[int(row["id"])], row[column]
            if known(amount) and amount:
                shown = holding.shown(amount)
                unit = visible(holding.unit.code) if holding.unit else "base units"
                said.append(f"{holding.name} {plain(amount if shown is None else shown)} {unit}")
    if said:
        making.note(
            f"Staked, as the service says beside the balances: {listed(said)}. It is not added to any balance here; "
            "whether a balance includes it differs by network, and the API does not say."
        )


def asset_labels(holdings: Iterable[Holding]) -> dict[tuple[str, str | None], str]:
    """Return what charts call each thing that is held: its ticker, and where that is not unique the network."""
    first: dict[tuple[str, str | None], Holding] = {}
    for holding in holdings:
        if first.setdefault(holding.key, holding).unit is None:
            first[holding.key] = holding  # one without a unit has no ticker
    tickers: dict[str, int] = {}
    pairs: dict[tuple[str, str], int] = {}
    for key, one in first.items():
        tickers[_word(one)] = tickers.get(_word(one), 0) + 1
        pairs[_word(one), key[0]] = pairs.get((_word(one), key[0]), 0) + 1
    labels = {}
    for key, one in first.items():
        label = _word(one)
        if tickers[label] > 1:
            label += f" · {visible(key[0])}"
        if pairs[_word(one), key[0]] > 1:
            label += f" · {visible((one.contract or 'coin')[:10])}"
        labels[key] = label
    return labels


def colour_name(holding: Holding) -> str:
    """Return the name by which charts choose the colour: that of a coin, or the ticker of a token."""
    return (holding.currency if holding.contract is None else holding.ticker) or "unknown"


def _word(holding: Holding) -> str:
    return visible(holding.ticker or holding.currency or holding.name)


def _sum_of(available: Any, pending: Any) -> Any:
    return total([available, pending]) if known(available) and known(pending) else None


def _exact(value: Any) -> Any:
    try:
        return exact(value)
    except (ArithmeticError, TypeError, ValueError):
        return None  # a total that can't be read is not known, and its row says so


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
