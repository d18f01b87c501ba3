"""What is held, by currency, by entity and by account, and what it is worth at prices of one's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.charts import Chart
from ledgerkit.frames import FLAG, INTEGER, NUMBER, OBJECT, TEXT
from ledgerkit.reports import portfolio_charts
from ledgerkit.reports.choosing import as_asked, chosen_ids, listed, told
from ledgerkit.reports.exactly import known, percent, rounded
from ledgerkit.reports.folders import NO_ENTITY, Folder, note_overlaps, read_folders
from ledgerkit.reports.holdings import (
    NOT_COUNTED,
    Holding,
    asset_labels,
    held,
    is_test,
    note_unknown,
    plain,
)
from ledgerkit.reports.making import Making
from ledgerkit.reports.prices import Asset, Key, Price, Prices, matched, read_prices
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import counted as number_of
from ledgerkit.reports.rows import framed
from ledgerkit.reports.worth import Priced, Split, complete, face, grouped, has_one_unit, sums, units_differ
from ledgerkit.session import Session
from ledgerkit.showing import visible

# Display amounts and values are exact Decimals.
_AMOUNTS: Final = {"amount": OBJECT, "available": OBJECT, "pending": OBJECT}
_BASE: Final = {"amount_base": NUMBER, "available_base": NUMBER, "pending_base": NUMBER}
_WORTH: Final = {"price": OBJECT, "priced_by": TEXT, "value_rounded": OBJECT, "value": OBJECT}
_PRICED: Final = {"priced": INTEGER, "priced_in_part": INTEGER, "unpriced": INTEGER, "all_priced": FLAG}
_ASSET: Final = {"ticker": TEXT, "currency": TEXT, "contract_address": TEXT}
TOTAL: Final = {
    "value_rounded": OBJECT,
    "value": OBJECT,
    "quote": TEXT,
    "of": TEXT,
    **_PRICED,
    "balances_complete": FLAG,
    "accounts": INTEGER,
}
CURRENCIES: Final = {
    **_ASSET,
    **_AMOUNTS,
    **_WORTH,
    "share_percent": OBJECT,
    "all_priced": FLAG,
    "balances_complete": FLAG,
    "accounts": INTEGER,
    **_BASE,
    "note": TEXT,
}
ENTITY_TOTALS: Final = {
    "entity_id": INTEGER,
    "entity_name": TEXT,
    "value_rounded": OBJECT,
    "value": OBJECT,
    **_PRICED,
    "balances_complete": FLAG,
    "accounts": INTEGER,
    "shares_accounts_with": TEXT,
}
ENTITIES: Final = {
    "entity_id": INTEGER,
    "entity_name": TEXT,
    **_ASSET,
    **_AMOUNTS,
    "value_rounded": OBJECT,
    "value": OBJECT,
    "all_priced": FLAG,
    "balances_complete": FLAG,
    "accounts": INTEGER,
    **_BASE,
}
ACCOUNTS: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "kind": TEXT,
    "type": TEXT,
    "status": TEXT,
    "entities": TEXT,
    "parent_id": INTEGER,
    "parent_name": TEXT,
    **_ASSET,
    **_AMOUNTS,
    **_WORTH,
    "counted": FLAG,
    **_BASE,
    "note": TEXT,
}
UNPRICED: Final = {**_ASSET, "amount": OBJECT, "amount_base": NUMBER, "price_by": TEXT, "reason": TEXT}


def portfolio(
    session: Session,
    *,
    entity: Any = None,
    account: Any = None,
    prices: Prices | None = None,
    quote: str = "USD",
) -> Report:
    """Report what is held, by currency, by entity and by account.

    Amounts are added only where currency and contract are the same: the coin of a parent account and the tokens of
    the accounts under it are never in one sum. Nothing is converted, unless prices are given.

    Parameters
    ----------
    session
        Where it is read from.
    entity, account
        Ids or names, one or several: only the accounts of these entities, and only these accounts.
    prices
        What one display unit costs: a dict, a DataFrame or the path of a CSV file. A key is a ticker (``"BTC"``), a
        currency (``"bitcoin"``) or a currency and a contract (``"ethereum:0x..."``); the columns are ``price``, and
        ``ticker`` or ``currency``, perhaps with ``contract_address``. Numbers are exact: text, int or Decimal.
    quote
        What the prices are in.

    Returns
    -------
    Report
        ``total``: one row, the value of what has a price. ``currencies``: one row for each currency and contract.
        ``entity_totals`` and ``entities``: the value of each entity, and its amount of each currency. ``accounts``:
        each account and light token account, with its status and whether it is counted. ``testnets``: as
        ``currencies``, in no total. ``unpriced``: what is held without a price, and how a price would name it.

        ``amount``, ``available``, ``pending`` are exact Decimals in the unit of ``ticker``, ``*_base`` the same in
        base units; ``value`` is exact, ``value_rounded`` the same with two places. ``balances_complete`` says whether
        the balances of all accounts are known, ``all_priced`` whether all that they hold is in the value;
        ``priced_in_part`` counts what is in it with some of its accounts.

        Charts: ``value by currency`` and ``value by entity`` where there are prices, ``who holds what``.

    Raises
    ------
    NotFound
        An entity or account is not visible.
    InvalidRequest
        A name is that of several, or a price can't be used: it is a float, or its ticker is that of several things.

    Notes
    -----
    ``GET /accounts``, whose balances these are; ``GET /accounts/{account_id}/balances`` where one is missing there;
    ``GET /entities``, ``GET /accounts/{account_id}/tokens``, ``GET /accounts/{account_id}/currency``,
    ``GET /currencies/{currency_name}/tokens/{contract_address}``.
    """
    entity, account = as_asked(entity), as_asked(account)
    given, remarks = ([], []) if prices is None else read_prices(prices, quote)
    with Making.of(session, entity=told(entity), account=told(account), quote=quote if given else None) as making:
        for remark in remarks:
            making.note(remark)
        everything = session.accounts.search()
        folders = read_folders(making, everything, entity)
        accounts = everything
        if entity is not None:
            inside = {one for folder in folders or () for one in folder.accounts}
            accounts = accounts[accounts["id"].isin(inside)]
        if account is not None:
            accounts = accounts[accounts["id"].isin(chosen_ids(everything, account, "account"))]
        holdings = held(making, accounts.reset_index(drop=True), everything)
        for holding in holdings:
            holding.entities = [one.name for one in folders or () if holding.account_id in one.accounts]
            holding.counted = holding.status not in NOT_COUNTED and not is_test(holding.currency)
        counted = [one for one in holdings if one.counted]
        _note_statuses(making, holdings)
        note_overlaps(making, counted, folders)
        note_unknown(making, holdings)
        priced = _priced(making, given, counted)
        tables = {
            "total": framed(TOTAL, [_total_row(counted, priced, quote if given else None)]),
            "currencies": _currencies(counted, priced),
            "entity_totals": _entity_totals(counted, priced, folders),
            "entities": _by_entity(counted, priced, folders),
            "accounts": _accounts(holdings, priced, everything),
            "testnets": _currencies([one for one in holdings if is_test(one.currency)], None),
            "unpriced": _unpriced(counted, priced),
        }
        if everything.empty:
            making.note("No account is visible: there may be some that these credentials do not see.")
        elif not counted:
            making.note("None of the accounts that were asked for counts: see the table `accounts`.")
        return making.report("Portfolio", tables, _drawings(counted, priced, quote))


def _total_row(counted: Sequence[Holding], priced: Priced, quote: str | None) -> dict[str, Any]:
    split, value = priced.split(counted), priced.value(counted)
    return {
        **_worth(value),
        "quote": None if value is None else quote,
        "of": f"what has a price: {_of_all(split)} held",
        **split.counts(),
        "all_priced": split.all_priced if priced.asked else None,
        "accounts": len({one.account_id for one in counted}),
        "balances_complete": complete(counted),
    }


def _of_all(split: Split) -> str:
    """Say how much of what is held is in a value."""
    part = f", and {len(split.in_part)} in part," if split.in_part else ""
    every = number_of(sum(map(len, split)), "currency or token", "currencies and tokens")
    return f"{len(split.priced)}{part} of {every}"


def _priced(making: Making, prices: Sequence[Price], counted: Sequence[Holding]) -> Priced:
    assets = [
        Asset(group[0].currency, group[0].contract, face(group).ticker)
        for group in grouped(counted).values()
        if group[0].currency is not None
    ]
    found, remarks = matched(prices, assets)
    for remark in remarks:
        making.note(remark)
    unclear = [group for group in grouped(counted).values() if units_differ(group) and group[0].key in found]
    for group in unclear:
        # One unit of the two is wrong, by powers of ten: a value would be too.
        del found[group[0].key]
    labels = asset_labels(counted)
    if unclear:
        making.note(
            f"Not valued, since its accounts name different units: {listed(labels[one[0].key] for one in unclear)}."
        )
    priced = Priced(found, asked=bool(prices))
    if prices:
        split = priced.split(counted)
        if not split.all_priced:
            note = f"The value is that of what has a price: {_of_all(split)}."
            if split.unpriced:
                note += f" Without a price: {listed(_amount_said(group, labels) for group in split.unpriced)}."
            if split.in_part:
                parts = (
                    f"{labels[group[0].key]} without {listed(one.name for one in priced.lacking(group))}"
                    for group in split.in_part
                )
                note += f" In part, since no unit is known of some accounts: {listed(parts)}."
            making.note(note)
        by_word = [
            f"{visible(one.ticker or '')} ({visible(one.currency or '')}:{visible(one.contract)})"
            for one in map(face, [*split.priced, *split.in_part])
            if one.contract is not None and (price := priced.price(one)) is not None and price.key is None
        ]
        if by_word:
            making.note(
                f"Tokens priced by ticker alone, and anybody can make a token with any ticker: {listed(by_word)}."
            )
    return priced


def _asset(holding: Holding) -> dict[str, Any]:
    return {"ticker": holding.ticker, "currency": holding.currency, "contract_address": holding.contract}


def _worth(value: Any) -> dict[str, Any]:
    return {"value": value, "value_rounded": None if value is None else rounded(value)}


def _amount_said(group: Sequence[Holding], labels: Mapping[Key, str]) -> str:
    amount, name = sums(group)["amount"], labels[group[0].key]
    return f"{plain(amount)} {name}" if known(amount) else f"{name}, of which the amount is not known"


def _order(row: Mapping[str, Any]) -> tuple[bool, bool, Any, str, str]:
    """Order by value, the highest first, then by name; what nobody holds is last."""
    value, base = row["value"], row["amount_base"]
    nothing = known(base) and base == 0
    return (
        nothing,
        value is None,
        0 if value is None else -value,
        str(row["ticker"] or "").casefold(),
        str(row["currency"] or ""),
    )


def _currencies(holdings: Sequence[Holding], priced: Priced | None) -> pd.DataFrame:
    whole = None if priced is None else priced.value(holdings)
    rows = []
    for group in grouped(holdings).values():
        price = None if priced is None else priced.price(face(group))
        value = None if priced is None else priced.value(group)
        rows.append(
            {
                **_asset(face(group)),
                **sums(group),
                "price": None if price is None else price.value,
                "priced_by": None if price is None else price.said,
                **_worth(value),
                "share_percent": percent(value, whole),
                "all_priced": not priced.lacking(group) if priced is not None and priced.asked else None,
                "accounts": len({one.account_id for one in group}),
                "balances_complete": complete(group),
                "note": _notes_of(group),
            }
        )
    return framed(CURRENCIES, sorted(rows, key=_order))


def _notes_of(group: Sequence[Holding]) -> str | None:
    notes = []
    if units_differ(group):
        notes.append("its accounts name different units: the sum is there in base units, and may mix them")
    elif not has_one_unit(group):
        nameless = listed(one.name for one in group if one.unit is None)
        notes.append(f"no unit is known of {nameless}: the sum is in base units alone, and no value has them")
    if any(not known(one.total) for one in group):
        notes.append(f"without {listed(one.name for one in group if not known(one.total))}")
    return "; ".join(notes) or None


def _accounts(holdings: Sequence[Holding], priced: Priced, everything: pd.DataFrame) -> pd.DataFrame:
    names = dict(zip(everything["id"].tolist(), everything["name"].tolist(), strict=True))
    rows = []
    for one in holdings:
        price = priced.price(one)
        notes = [*one.notes, *one.odd]
        if is_test(one.currency):
            notes.insert(0, "not counted: the coins of a test network are worth nothing")
        elif not one.counted:
            notes.insert(0, f"not counted: the account is {one.status}")
        rows.append(
            {
                "account_id": one.account_id,
                "account_name": one.account,
                "kind": one.kind,
                "type": one.type,
                "status": one.status,
                "entities": ", ".join(one.entities) or None,
                "parent_id": one.parent_id,
                "parent_name": None if one.parent_id is None else names.get(one.parent_id),
                **_asset(one),
                "amount": one.shown(one.total),
                "available": one.shown(one.available),
                "pending": one.shown(one.pending),
                "amount_base": one.total,
                "available_base": one.available,
                "pending_base": one.pending,
                "price": None if price is None else price.value,
                "priced_by": None if price is None else price.said,
                **_worth(priced.worth(one)),
                "counted": one.counted,
                "note": "; ".join(notes) or None,
            }
        )
    rows.sort(key=lambda row: (not row["counted"], *_order(row)))
    return framed(ACCOUNTS, rows)


def _unpriced(counted: Sequence[Holding], priced: Priced) -> pd.DataFrame:
    rows = []
    split = priced.split(counted) if priced.asked else Split([], [], [])
    for group in [*split.unpriced, *split.in_part]:
        lacking = priced.lacking(group)
        added, first = sums(lacking), face(group)
        reasons = [] if priced.has_one(first) or units_differ(group) else ["no price is given"]
        if units_differ(group):
            reasons.append("its accounts name different units")
        if nameless := [one.name for one in lacking if one.unit is None]:
            reasons.append(f"no unit is known of {listed(nameless)}")
        rows.append(
            {
                **_asset(first),
                "amount": added["amount"],
                "amount_base": added["amount_base"],
                "price_by": None
                if first.currency is None
                else Asset(first.currency, first.contract, first.ticker).named,
                "reason": "; ".join(reasons),
            }
        )
    rows.sort(key=lambda row: (str(row["ticker"] or ""), str(row["currency"] or "")))
    return framed(UNPRICED, rows)


def _members(counted: Sequence[Holding], folders: Sequence[Folder] | None) -> list[tuple[Folder, list[Holding]]]:
    """Return what is held in each entity, and at the end what is in none."""
    if folders is None:
        return []
    found = [(folder, [one for one in counted if one.account_id in folder.accounts]) for folder in folders]
    outside = [one for one in counted if not one.entities]
    if outside:
        found.append((Folder(None, NO_ENTITY, frozenset(one.account_id for one in outside), True), outside))
    return found


def _entity_totals(counted: Sequence[Holding], priced: Priced, folders: Sequence[Folder] | None) -> pd.DataFrame:
    rows = []
    for folder, inside in _members(counted, folders):
        split = priced.split(inside)
        others = dict.fromkeys(name for one in inside for name in one.entities if name != folder.name)
        rows.append(
            {
                "entity_id": folder.id,
                "entity_name": folder.name,
                **_worth(priced.value(inside)),
                **split.counts(),
                "all_priced": split.all_priced if priced.asked else None,
                "balances_complete": folder.complete and complete(inside),
                "accounts": len({one.account_id for one in inside}),
                "shares_accounts_with": ", ".join(others) or None,
            }
        )
    return framed(ENTITY_TOTALS, rows)


def _by_entity(counted: Sequence[Holding], priced: Priced, folders: Sequence[Folder] | None) -> pd.DataFrame:
    rows = []
    for folder, inside in _members(counted, folders):
        parts = [
            {
                "entity_id": folder.id,
                "entity_name": folder.name,
                **_asset(face(group)),
                **sums(group),
                **_worth(priced.value(group)),
                "all_priced": not priced.lacking(group) if priced.asked else None,
                "balances_complete": complete(group),
                "accounts": len({one.account_id for one in group}),
            }
            for group in grouped(inside).values()
        ]
        rows += sorted(parts, key=_order)
    return framed(ENTITIES, rows)


def _note_statuses(making: Making, holdings: Sequence[Holding]) -> None:
    """Say what is counted though its account is not active, and what is not counted."""
    other = [one for one in holdings if one.status != "ACTIVE" and one.something and not is_test(one.currency)]
    counted = [f"{one.name} ({one.status or 'no status'}): {one.said()}" for one in other if one.counted]
    if counted:
        making.note(f"Counted, though the account is not ACTIVE: {listed(counted)}.")
    left_out = [f"{one.name} ({one.status}): {one.said()}" for one in other if not one.counted]
    if left_out:
        making.note(f"Not counted, since the account was refused: {listed(left_out)}.")
    tests = [one for one in holdings if is_test(one.currency)]
    if tests:
        making.note(f"On test networks, and in no total: {listed(one.name for one in tests)} (table `testnets`).")
    odd = [f"{one.name}: {note}" for one in holdings for note in one.odd]
    odd += [
        f"{visible(group[0].ticker or group[0].name)}: its accounts name different units"
        for group in grouped(holdings).values()
        if units_differ(group)
    ]
    if odd:
        making.note(f"What does not fit together at the service: {listed(odd)}.")


def _drawings(counted: Sequence[Holding], priced: Priced, quote: str) -> dict[str, Callable[[], Chart]]:
    drawings: dict[str, Callable[[], Chart]] = {}
    worth = [(one, value) for one in counted if (value := priced.worth(one)) is not None and value > 0]
    if worth:
        drawings["value by currency"] = lambda: portfolio_charts.by_currency(counted, worth, quote)
        drawings["value by entity"] = lambda: portfolio_charts.by_entity(counted, worth, quote)
    held_now = [one for one in counted if known(one.total) and one.total > 0]
    if held_now:
        drawings["who holds what"] = lambda: portfolio_charts.shares(held_now)
    return drawings
