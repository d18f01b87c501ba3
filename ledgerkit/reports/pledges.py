"""What is pledged to exchanges, and whether the collateral accounts cover it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pandas as pd

from ledgerkit.charts import Chart
from ledgerkit.frames import FLAG, INTEGER, NUMBER, OBJECT, TEXT, TIME, Table
from ledgerkit.reports import pledges_charts
from ledgerkit.reports.choosing import listed
from ledgerkit.reports.collateral import (
    Collateral,
    by_exchange,
    every_one,
    left_after,
    parties,
    pendings,
    read_collaterals,
    text,
    whole,
)
from ledgerkit.reports.exactly import difference, known, percent, total
from ledgerkit.reports.holdings import plain
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.settling import SETTLEMENTS, read_settlements
from ledgerkit.session import Session
from ledgerkit.showing import visible
from ledgerkit.states import meaning

REQUESTS: Final = ("CREATE_PLEDGE_INCREMENT", "CREATE_FORCED_UNPLEDGE", "CREATE_REPLEDGE")
_ASSET: Final = {"ticker": TEXT, "currency": TEXT, "contract_address": TEXT}
EXCHANGES: Final = Table(
    "exchange",
    {
        "exchange_id": TEXT,
        "exchange": TEXT,
        **_ASSET,
        "pledged": OBJECT,
        "pending_in": OBJECT,
        "pending_out": OBJECT,
        "balance": OBJECT,
        "free": OBJECT,
        "pledged_percent": OBJECT,
        "covered": FLAG,
        "pledges": INTEGER,
        "accounts": INTEGER,
        "shares_accounts_with": TEXT,
        "pledged_base": NUMBER,
        "balance_base": NUMBER,
        "free_base": NUMBER,
        "note": TEXT,
    },
)
ACCOUNTS: Final = Table(
    "collateral account",
    {
        "account_id": INTEGER,
        "account": TEXT,
        "status": TEXT,
        "exchanges": TEXT,
        **_ASSET,
        "balance": OBJECT,
        "available": OBJECT,
        "pledged": OBJECT,
        "free": OBJECT,
        "pending_in": OBJECT,
        "pending_out": OBJECT,
        "free_after_pending": OBJECT,
        "leaving": OBJECT,
        "pledged_percent": OBJECT,
        "covered": FLAG,
        "covered_by_available": FLAG,
        "covered_after_pending": FLAG,
        "pledges": INTEGER,
        "balance_base": NUMBER,
        "available_base": NUMBER,
        "pledged_base": NUMBER,
        "free_base": NUMBER,
        "note": TEXT,
    },
)
PLEDGES: Final = Table(
    "pledge",
    {
        "pledge_id": TEXT,
        "exchange_id": TEXT,
        "exchange": TEXT,
        "account_id": INTEGER,
        "account": TEXT,
        "state": TEXT,
        **_ASSET,
        "amount": OBJECT,
        "pending": OBJECT,
        "counted": FLAG,
        "covered": FLAG,
        "pledge_subaccount_id": INTEGER,
        "asset_manager": TEXT,
        "custodian": TEXT,
        "amount_base": NUMBER,
        "pending_base": NUMBER,
        "note": TEXT,
    },
)
WAITING_REQUESTS: Final = Table(
    "request",
    {
        "request_id": INTEGER,
        "type": TEXT,
        "status": TEXT,
        "created_by": INTEGER,
        "created_by_name": TEXT,
        "created_on": TIME,
        "expires_at": TIME,
    },
)


def pledges(session: Session) -> Report:
    """Report what is pledged to exchanges, and whether the collateral accounts cover it.

    Several pledges of one account are added up, and held against its balance, of which they are a part.

    Parameters
    ----------
    session
        Where it is read from.

    Returns
    -------
    Report
        ``exchanges``: what is pledged to each exchange in each currency, and what its collateral accounts hold.
        ``accounts``: each collateral account, with what is free of it (``free`` below zero: not covered), and what
        is left when all that is pending is approved. ``pledges``: each pledge with its state as the service says it.
        ``settlements``: with ``in_flight`` for those that are under way. ``requests``: what waits for approval.

        Amounts are exact Decimals in the unit of ``ticker``, ``*_base`` the same in base units. ``pending_out`` and
        increments to un-pledge are negative.

    Notes
    -----
    ``GET /pledges``, ``GET /accounts``, ``GET /settlements``, ``GET /transactions/{transaction_id}``,
    ``GET /requests``, ``GET /accounts/{account_id}/currency``. Which states lock collateral, the API does not say:
    all are counted but ``PLEDGE_REJECTED`` and ``PLEDGE_CONSUMED``.
    """
    with Making.of(session) as making:
        found = session.pledges.search()
        accounts = session.accounts.search()
        collaterals = read_collaterals(making, found, accounts)
        settlements = making.part("the settlements", session.settlements.search)
        settled = read_settlements(making, settlements, collaterals)
        waiting = making.part(
            "the requests about pledges that wait for approval",
            lambda: session.requests.search(type=list(REQUESTS), status="PENDING_APPROVAL"),
        )
        if waiting is not None and not waiting.empty:
            requests = waiting
            named = making.part("the names of who made requests", lambda: session.with_names(requests))
            waiting = waiting if named is None else named
        _notes(making, collaterals, waiting)
        tables = {
            "exchanges": _exchanges(collaterals),
            "accounts": _accounts(collaterals),
            "pledges": _pledges(collaterals),
            "settlements": SETTLEMENTS.frame(SETTLEMENTS.leaves(settled)),
            "requests": _requests(waiting),
        }
        return making.report("Pledges", tables, _drawings(collaterals))


def _notes(making: Making, collaterals: Sequence[Collateral], waiting: pd.DataFrame | None) -> None:
    every = [pledge for one in collaterals for pledge in one.pledges]
    if not every:
        making.note("No pledge is visible: Tradelink may be off, or these credentials may not see any.")
        return
    short = [one for one in collaterals if one.covered is False]
    for one in short:
        lacking = difference(one.pledged, one.balance)
        shown = one.shown(lacking)
        unit = one.asset().get("ticker") or "base units"
        making.note(
            f"NOT COVERED: {one.name} lacks {plain(lacking if shown is None else shown)} {visible(str(unit))} of "
            f"what is pledged of it, by {len(one.counted)} pledges. Which of them can't be told: all are marked."
        )
    thin = [one for one in collaterals if one.covered and one.available is not None and one.available < one.pledged]
    if thin:
        making.note(
            f"Covered by the balance, but not by what is available of it: {listed(one.name for one in thin)}."
        )
    after = [one for one in collaterals if one.covered and left_after(one) is not None and left_after(one) < 0]
    if after:
        making.note(
            f"Not covered any more once all that is pending is approved: {listed(one.name for one in after)}."
        )
    unseen = [one for one in collaterals if one.holding is None]
    if unseen:
        making.note(f"Not visible to these credentials, so that nothing is known of its balance: {_names(unseen)}.")
    partly = [one for one in collaterals if not one.complete]
    if partly:
        making.note(f"The amount of some pledges is not known: {_names(partly)} (table `pledges`).")
    left_out = [pledge for pledge in every if not pledge.counted]
    if left_out:
        states = sorted({str(one.state) for one in left_out})
        making.note(
            f"Not counted, since by the names of their states nothing is locked in them: {len(left_out)} pledges in "
            f"{' and '.join(states)}. All other states count."
        )
    strange = sorted({str(one.state) for one in every if one.counted and not meaning("pledge", one.state or "")})
    if strange:
        making.note(f"States that are not documented, counted as pledged: {listed(map(visible, strange))}.")
    making.note(
        "Whether `amount` of a pledge includes its `pending`, and whether the available balance is without what is "
        "pledged, the API does not say: `free` is the balance without the amounts of the pledges."
    )
    if waiting is not None and not waiting.empty:
        making.note(
            f"{len(waiting)} requests about pledges wait for approval (table `requests`). The list of requests does "
            "not say of which pledge; what they change stands in `pending` of the pledges."
        )


def _names(collaterals: Sequence[Collateral]) -> str:
    return listed(one.name for one in collaterals)


def _accounts(collaterals: Sequence[Collateral]) -> pd.DataFrame:
    rows = []
    for one in collaterals:
        coming, going = pendings(one.counted)
        after = left_after(one)
        notes = [] if one.holding is None else [*one.holding.notes, *one.holding.odd]
        if one.holding is None:
            notes.append("the account is not visible")
        if not one.complete:
            notes.append("the amount of a pledge is not known")
        rows.append(
            {
                "account_id": one.id,
                "account": None if one.holding is None else one.holding.account,
                "status": None if one.holding is None else one.holding.status,
                "exchanges": ", ".join(parties(one.counted)) or None,
                **one.asset(),
                "balance": one.shown(one.balance),
                "available": one.shown(one.available),
                "pledged": one.shown(one.pledged),
                "free": one.shown(one.free),
                "pending_in": one.shown(coming),
                "pending_out": one.shown(going),
                "free_after_pending": one.shown(after),
                "leaving": one.shown(one.leaving),
                "pledged_percent": percent(one.pledged, one.balance),
                "covered": one.covered,
                "covered_by_available": None
                if one.available is None or not one.complete
                else one.available >= one.pledged,
                "covered_after_pending": None if after is None else after >= 0,
                "pledges": len(one.counted),
                "balance_base": one.balance,
                "available_base": one.available,
                "pledged_base": one.pledged,
                "free_base": one.free,
                "note": "; ".join(notes) or None,
            }
        )
    return ACCOUNTS.frame(ACCOUNTS.leaves(rows))


def _exchanges(collaterals: Sequence[Collateral]) -> pd.DataFrame:
    rows = []
    for (party, _), shared in by_exchange(collaterals).items():
        own = [pledge for one in shared for pledge in one.counted if pledge.party == party]
        first = shared[0]
        coming, going = pendings(own)
        pledged = total(one.amount for one in own)
        balances = [one.balance for one in shared]
        balance = total(balances) if all(known(one) for one in balances) else None
        free = total(one.free for one in shared) if all(known(one.free) for one in shared) else None
        others = dict.fromkeys(
            name for one in shared for name in parties(pledge for pledge in one.counted if pledge.party != party)
        )
        rows.append(
            {
                "exchange_id": party[0],
                "exchange": party[1],
                **first.asset(),
                "pledged": first.shown(pledged),
                "pending_in": first.shown(coming),
                "pending_out": first.shown(going),
                "balance": first.shown(balance),
                "free": first.shown(free),
                "pledged_percent": percent(pledged, balance),
                "covered": every_one(one.covered for one in shared),
                "pledges": len(own),
                "accounts": len(shared),
                "shares_accounts_with": ", ".join(others) or None,
                "pledged_base": pledged,
                "balance_base": balance,
                "free_base": free,
                "note": "its accounts are pledged to others too" if others else None,
            }
        )
    rows.sort(
        key=lambda row: (
            str(row["exchange"]),
            str(row["exchange_id"]),
            str(row.get("ticker")),
            str(row.get("currency")),
        )
    )
    return EXCHANGES.frame(EXCHANGES.leaves(rows))


def _pledges(collaterals: Sequence[Collateral]) -> pd.DataFrame:
    rows = []
    for one in collaterals:
        for pledge in one.pledges:
            note = None if known(pledge.amount) else "the service gives no amount"
            if not pledge.counted:
                note = "not counted: by the name of its state nothing is locked in it"
            rows.append(
                {
                    "pledge_id": pledge.id,
                    "exchange_id": pledge.exchange_id,
                    "exchange": pledge.exchange,
                    "account_id": one.id,
                    "account": None if one.holding is None else one.holding.account,
                    "state": pledge.state,
                    **one.asset(),
                    "amount": one.shown(pledge.amount),
                    "pending": one.shown(pledge.pending),
                    "counted": pledge.counted,
                    "covered": one.covered if pledge.counted else None,
                    "pledge_subaccount_id": whole(pledge.row["pledge_subaccount_id"]),
                    "asset_manager": text(pledge.row["asset_manager_name"]),
                    "custodian": text(pledge.row["custodian_name"]),
                    "amount_base": pledge.amount,
                    "pending_base": pledge.pending,
                    "note": note,
                }
            )
    rows.sort(key=lambda row: (not row["counted"], str(row["exchange"]), row["account_id"] or 0, str(row["state"])))
    return PLEDGES.frame(PLEDGES.leaves(rows))


def _requests(waiting: pd.DataFrame | None) -> pd.DataFrame:
    rows = [] if waiting is None else waiting.to_dict("records")
    return WAITING_REQUESTS.frame(
        WAITING_REQUESTS.leaves(
            [
                {
                    "request_id": whole(row["id"]),
                    "type": text(row["type"]),
                    "status": text(row["status"]),
                    "created_by": whole(row["created_by"]),
                    "created_by_name": text(row.get("created_by_name")),
                    "created_on": None if pd.isna(row["created_on"]) else row["created_on"].isoformat(),
                    "expires_at": None if pd.isna(row["expires_at"]) else row["expires_at"].isoformat(),
                }
                for row in rows
            ]
        )
    )


def _drawings(collaterals: Sequence[Collateral]) -> dict[str, Callable[[], Chart]]:
    bars = [
        pledges_charts.Bar(one.name, one.pledged, total(pendings(one.counted)), one.balance, one.covered, one.holding)
        for one in collaterals
        if one.counted
    ]
    of_exchanges = []
    for (party, _), shared in by_exchange(collaterals).items():
        own = [pledge for one in shared for pledge in one.counted if pledge.party == party]
        balances = [one.balance for one in shared]
        label = (
            f"{visible(party[1] or party[0] or 'no exchange')} · {shared[0].asset().get('ticker') or shared[0].name}"
        )
        of_exchanges.append(
            pledges_charts.Bar(
                label,
                total(one.amount for one in own),
                total(pendings(own)),
                total(balances) if all(known(one) for one in balances) else None,
                every_one(one.covered for one in shared),
                shared[0].holding,
            )
        )
    if not bars:
        return {}
    return {
        "pledged by account": partial(pledges_charts.by_account, bars),
        "pledged by exchange": partial(pledges_charts.by_exchange, of_exchanges),
    }
