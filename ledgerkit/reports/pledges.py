"""What is pledged to exchanges, and whether the collateral accounts cover it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pandas as pd

from ledgerkit.charts import Chart
from ledgerkit.frames import FLAG, INTEGER, NUMBER, OBJECT, TEXT, TIME
from ledgerkit.reports import pledges_charts
from ledgerkit.reports.choosing import listed
from ledgerkit.reports.collateral import (
    Collateral,
    by_exchange,
    every_one,
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
from ledgerkit.reports.rows import framed, records
from ledgerkit.reports.settling import SETTLEMENTS, read_settlements
from ledgerkit.session import Session
from ledgerkit.showing import visible
from ledgerkit.states import meaning

PARTIAL: Final = "the amount of a pledge is not known, and `pledged` is without it"
REQUESTS: Final = ("CREATE_PLEDGE_INCREMENT", "CREATE_FORCED_UNPLEDGE", "CREATE_REPLEDGE")
_ASSET: Final = {"ticker": TEXT, "currency": TEXT, "contract_address": TEXT}
EXCHANGES: Final = {
    "exchange_id": TEXT,
    "exchange": TEXT,
    **_ASSET,
    "pledged": OBJECT,
    "pledged_to_others": OBJECT,
    "pending_in": OBJECT,
    "pending_out": OBJECT,
    "balance": OBJECT,
    "free": OBJECT,
    "pledged_percent": OBJECT,
    "all_pledged_percent": OBJECT,
    "covered": FLAG,
    "complete": FLAG,
    "pledges": INTEGER,
    "accounts": INTEGER,
    "shares_accounts_with": TEXT,
    "pledged_base": NUMBER,
    "pledged_to_others_base": NUMBER,
    "balance_base": NUMBER,
    "free_base": NUMBER,
    "note": TEXT,
}
ACCOUNTS: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "status": TEXT,
    "exchanges": TEXT,
    **_ASSET,
    "balance": OBJECT,
    "available": OBJECT,
    "pledged": OBJECT,
    "free": OBJECT,
    "pending_in": OBJECT,
    "pending_out": OBJECT,
    "free_after_pending_in": OBJECT,
    "free_after_pending": OBJECT,
    "leaving": OBJECT,
    "pledged_percent": OBJECT,
    "covered": FLAG,
    "covered_by_available": FLAG,
    "covered_after_pending_in": FLAG,
    "complete": FLAG,
    "pledges": INTEGER,
    "balance_base": NUMBER,
    "available_base": NUMBER,
    "pledged_base": NUMBER,
    "free_base": NUMBER,
    "note": TEXT,
}
PLEDGES: Final = {
    "pledge_id": TEXT,
    "exchange_id": TEXT,
    "exchange": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
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
}
WAITING_REQUESTS: Final = {
    "request_id": INTEGER,
    "type": TEXT,
    "status": TEXT,
    "created_by": INTEGER,
    "created_by_name": TEXT,
    "created_on": TIME,
    "expires_at": TIME,
}


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
        ``pledged_percent`` is that in percent of their balance; where others share them, ``pledged_to_others`` and
        ``all_pledged_percent`` say what else is pledged of it. ``accounts``: each collateral account, with what is
        free of it (``free`` below zero: not covered), and what is left when all that is pending is approved
        (``free_after_pending``), or only what comes (``free_after_pending_in``, and
        ``covered_after_pending_in``). ``pledges``: each pledge with its state as the service says it.
        ``settlements``: with ``in_flight`` for those that are under way. ``requests``: what waits for approval.

        Amounts are exact Decimals in the unit of ``ticker``, ``*_base`` the same in base units. ``pending_out`` and
        increments to un-pledge are negative. Where ``complete`` is False the amount of a pledge is not known:
        ``pledged`` is a part, and there is no percent.

        Charts: ``pledged by account`` and ``pledged by exchange``.

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
        if waiting is not None:
            waiting = making.named(waiting, "created_by")
        _notes(making, collaterals, waiting)
        tables = {
            "exchanges": _exchanges(collaterals),
            "accounts": _accounts(collaterals),
            "pledges": _pledges(collaterals),
            "settlements": framed(SETTLEMENTS, settled),
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
        making.note(f"Covered by the balance, but not by what is available of it: {_names(thin)}.")
    after = [one for one in collaterals if one.covered and one.covered_after_pending_in is False]
    if after:
        making.note(
            f"Not covered any more once what is pending to come is approved: {_names(after)}. What is pending to "
            "go is not counted on: it may be refused, or come later."
        )
    unseen = [one for one in collaterals if one.holding is None]
    if unseen:
        making.note(f"Not visible to these credentials, so that nothing is known of its balance: {_names(unseen)}.")
    partly = [one for one in collaterals if not one.complete]
    if partly:
        making.note(f"The amount of some pledges is not known: {_names(partly)} (table `pledges`).")
    open_ends = [one for one in collaterals if any(not known(pledge.pending) for pledge in one.counted)]
    if open_ends:
        making.note(f"What is pending is not known of some pledges: {_names(open_ends)}.")
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
        notes = [] if one.holding is None else [*one.holding.notes, *one.holding.odd]
        if one.holding is None:
            notes.append("the account is not visible")
        if not one.complete:
            notes.append(PARTIAL)
        if coming is None:
            notes.append("what is pending is not known of one of its pledges")
        rows.append(
            {
                "account_id": one.id,
                "account_name": None if one.holding is None else one.holding.account,
                "status": None if one.holding is None else one.holding.status,
                "exchanges": ", ".join(parties(one.counted)) or None,
                **one.asset(),
                "balance": one.shown(one.balance),
                "available": one.shown(one.available),
                "pledged": one.shown(one.pledged),
                "free": one.shown(one.free),
                "pending_in": one.shown(coming),
                "pending_out": one.shown(going),
                "free_after_pending_in": one.shown(one.free_after_pending_in),
                "free_after_pending": one.shown(one.free_after_pending),
                "leaving": one.shown(one.leaving),
                "pledged_percent": percent(one.pledged, one.balance) if one.complete else None,
                "covered": one.covered,
                "covered_by_available": one.covered_by_available,
                "covered_after_pending_in": one.covered_after_pending_in,
                "complete": one.complete,
                "pledges": len(one.counted),
                "balance_base": one.balance,
                "available_base": one.available,
                "pledged_base": one.pledged,
                "free_base": one.free,
                "note": "; ".join(notes) or None,
            }
        )
    return framed(ACCOUNTS, rows)


def _exchanges(collaterals: Sequence[Collateral]) -> pd.DataFrame:
    rows = []
    for (party, _), shared in by_exchange(collaterals).items():
        own = [pledge for one in shared for pledge in one.counted if pledge.party == party]
        first = shared[0]
        coming, going = pendings(own)
        pledged, all_pledged = total(one.amount for one in own), total(one.pledged for one in shared)
        complete, all_complete = all(known(one.amount) for one in own), all(one.complete for one in shared)
        of_others = [pledge.amount for one in shared for pledge in one.counted if pledge.party != party]
        elsewhere = total(of_others) if all(known(one) for one in of_others) else None
        balances = [one.balance for one in shared]
        balance = total(balances) if all(known(one) for one in balances) else None
        free = total(one.free for one in shared) if all(known(one.free) for one in shared) else None
        others = dict.fromkeys(
            name for one in shared for name in parties(pledge for pledge in one.counted if pledge.party != party)
        )
        notes = ["its accounts are pledged to others too"] if others else []
        if not complete:
            notes.append(PARTIAL)
        if elsewhere is None:
            notes.append("the amount of a pledge of its accounts to others is not known")
        rows.append(
            {
                "exchange_id": party[0],
                "exchange": party[1],
                **first.asset(),
                "pledged": first.shown(pledged),
                "pledged_to_others": first.shown(elsewhere),
                "pending_in": first.shown(coming),
                "pending_out": first.shown(going),
                "balance": first.shown(balance),
                "free": first.shown(free),
                "pledged_percent": percent(pledged, balance) if complete else None,
                "all_pledged_percent": percent(all_pledged, balance) if all_complete else None,
                "complete": complete,
                "covered": every_one(one.covered for one in shared),
                "pledges": len(own),
                "accounts": len(shared),
                "shares_accounts_with": ", ".join(others) or None,
                "pledged_base": pledged,
                "pledged_to_others_base": elsewhere,
                "balance_base": balance,
                "free_base": free,
                "note": "; ".join(notes) or None,
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
    return framed(EXCHANGES, rows)


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
                    "account_name": None if one.holding is None else one.holding.account,
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
    return framed(PLEDGES, rows)


def _requests(waiting: pd.DataFrame | None) -> pd.DataFrame:
    return framed(WAITING_REQUESTS, ({**row, "request_id": row["id"]} for row in records(waiting)))


def _drawings(collaterals: Sequence[Collateral]) -> dict[str, Callable[[], Chart]]:
    bars = [
        pledges_charts.Bar(
            one.name, one.pledged, pendings(one.counted), one.balance, one.covered, one.complete, one.holding
        )
        for one in collaterals
        if one.counted
    ]
    of_exchanges = []
    for (party, _), shared in by_exchange(collaterals).items():
        own = [pledge for one in shared for pledge in one.counted if pledge.party == party]
        balances = [one.balance for one in shared]
        name = visible(party[1] or party[0] or "no exchange")
        of_exchanges.append(
            pledges_charts.Bar(
                label=f"{name} · {visible(shared[0].asset().get('ticker') or shared[0].name)}",
                pledged=total(one.amount for one in own),
                pending=pendings(own),
                balance=total(balances) if all(known(one) for one in balances) else None,
                covered=every_one(one.covered for one in shared),
                complete=all(known(one.amount) for one in own),
                holding=shared[0].holding,
                shared=any(pledge.party != party for one in shared for pledge in one.counted),
            )
        )
    if not bars:
        return {}
    return {
        "pledged by account": partial(pledges_charts.by_account, bars),
        "pledged by exchange": partial(pledges_charts.by_exchange, of_exchanges),
    }
