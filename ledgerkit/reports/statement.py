"""What moved in a period, for whoever keeps the books: one row for each movement, with its sign and in its coin."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import Unit, to_display
from ledgerkit.frames import AMOUNT, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.asked import one_of, whole_number
from ledgerkit.reports.choosing import listed
from ledgerkit.reports.making import Making
from ledgerkit.reports.movement_kinds import APART, DATES, MOVEMENT, DateOf
from ledgerkit.reports.movements import (
    MARGIN_DAYS,
    Movements,
    Scope,
    movements_of,
    note_margin,
    open_end,
    place,
    place_apart,
    read_transactions,
    scope_of,
)
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import Row, counted, framed
from ledgerkit.reports.scaling import Scales
from ledgerkit.reports.statement_charts import drawings
from ledgerkit.session import Session

SUMS: Final = ("received", "sent", "fees", "net")
# What of `received` and `sent` was between own accounts.
INTERNAL: Final = ("internal_received", "internal_sent")
_SUMMED: Final[Mapping[str, str]] = {
    **dict.fromkeys(SUMS, NUMBER),
    "ticker": TEXT,
    **{f"{name}_base": AMOUNT for name in SUMS},
    "movements": INTEGER,
}
TOTAL: Final[Mapping[str, str]] = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "currency": TEXT,
    "contract_address": TEXT,
    **_SUMMED,
}
MONTH: Final[Mapping[str, str]] = {
    "month": TIME,
    "currency": TEXT,
    "contract_address": TEXT,
    **_SUMMED,
    **dict.fromkeys(INTERNAL, NUMBER),
    **{f"{name}_base": AMOUNT for name in INTERNAL},
}


def statement(
    session: Session,
    start: Any,
    end: Any = None,
    *,
    account: Any = None,
    date: DateOf = "block",
    confirmations: int | None = None,
    include_pending: bool = False,
    margin_days: int | None = MARGIN_DAYS,
) -> Report:
    """List what moved in a period, with its sign, in the coin in which it moved.

    Parameters
    ----------
    session
        Where it is read from.
    start, end
        The period: ``start`` is in it and ``end`` is not; a day is its first moment in the session's zone. None is
        now.
    account
        Ids or names of accounts; by default all. Fees that they pay for token accounts below them are in.
    date
        Which time of a transaction decides: of its ``block``, its ``broadcast`` or its ``creation``.
    confirmations
        From how many confirmations on a transaction counts, by default as many as its currency asks for.
    include_pending
        Whether what is not final, and what is not confirmed yet, is listed too, with ``final`` False.
    margin_days
        How many days before and after the period are searched, since the API searches by creation; None for all.

    Returns
    -------
    Report
        ``movements``: one row for each, ``amount`` as an exact Decimal in the unit of ``ticker``, positive for what
        came in and negative for what went out, ``amount_base`` in base units. ``movement`` is ``amount`` or ``fees``:
        fees stand on the account that pays them, in its coin, and ``for_account_id`` names the token account that
        they were paid for. ``counterparty`` is the recipient, or the senders; ``internal`` marks each side of a
        transfer between own accounts (of those that were chosen), wherever the other side lies in time, which
        ``pair_transaction_id`` and ``pair_account_id`` name.
        ``final`` says whether the confirmations are enough. Times are in UTC.

        ``totals``: for each account and currency what was received, sent and paid in fees, with signs, so that they
        add up to ``net``; a chosen account on which nothing moved has zeros. ``months``: the same for each currency
        by month (UTC), and how much of what was received and sent was between own accounts (``internal_received``,
        ``internal_sent``). ``undated``: movements that lack the time asked for, in no total. ``not_counted``:
        transactions of the period of which something is not counted, with the reason: so are amounts of tokens of
        Solana whose mint the service does not name.

        Charts, one for each of the three currencies with most movements, such as ``BTC on bitcoin``: what came in and
        went out by month, and apart from it what own accounts sent each other.

    Raises
    ------
    InvalidRequest
        The period can't be read, or another argument can't be used.
    NotFound
        No such account can be seen.

    Notes
    -----
    ``GET /transactions``, ``/accounts``, ``/users``, ``/accounts/{account_id}/currency`` and, for tokens of Solana,
    ``/currencies/{currency_name}/tokens/{contract_address}``.
    """
    one_of("date", date, DATES)
    whole_number("confirmations", confirmations)
    whole_number("margin_days", margin_days)
    told = {
        "margin_days": margin_days,
        "date": date,
        "confirmations": confirmations,
        "include_pending": include_pending,
    }
    with Making.of(session, start=start, end=end, account=account, **told) as making:
        first, last = making.period(start, end)
        scope = scope_of(making, account)
        rows = read_transactions(making, scope, first, last, margin_days)
        found = movements_of(scope, rows, confirmations=confirmations, include_pending=include_pending)
        if end is None:
            last = open_end(last, found.moved, date)
        moved = [row for row in found.moved if scope.holds(row["account_id"])]
        inside, undated = place(moved, date, first, last)
        apart = place_apart(found.apart, scope, date, first, None if end is None else last)
        still = sorted((scope.chosen or frozenset()) - {row["account_id"] for row in inside})
        scales = Scales(making, [*inside, *undated, *apart, *({"unit_of": (False, one)} for one in still)])
        without_unit = scales.write([*inside, *undated])
        scales.write(apart)
        note_margin(making, found, margin_days)
        if without_unit:
            why = scales.why(row["account_id"] for row in [*inside, *undated] if row["ticker"] is None)
            making.note(
                f"{counted(without_unit, 'movement')} in an unknown unit{why}: `amount` is empty there, "
                "`amount_base` exact."
            )
        _notes(making, scope, found, inside, undated, apart, date)
        _note_stillness(making, scope, still, inside, date)
        months = _months(inside)
        if str(session.tz) != "UTC":
            making.note(f"The period is of the zone {session.tz}; the months in `months` are those of UTC.")
        since, until = (_told(one, session.tz) for one in (first, last))
        return making.report(
            f"Statement from {since}, before {until}, by {date} time",
            {
                "movements": framed(MOVEMENT, inside),
                "totals": framed(TOTAL, [*totals_of(inside), *_zeros(scope, scales, still)]),
                "months": framed(MONTH, months),
                "undated": framed(MOVEMENT, undated),
                "not_counted": framed(APART, apart),
            },
            drawings(inside, months),
        )


def _notes(
    making: Making,
    scope: Scope,
    found: Movements,
    inside: Sequence[Row],
    undated: Sequence[Row],
    apart: Sequence[Row],
    date: DateOf,
) -> None:
    if undated:
        making.note(
            f"{counted(len(undated), 'movement')} without a {date} time: in the table `undated`, and in no total. "
            "They may belong to this period or to another."
        )
    if apart:
        making.note(
            f"{counted(len(apart), 'transaction')} of the period with something that is not counted: see the reasons "
            "in `not_counted`."
        )
    if found.pending:
        making.note(
            f"{counted(found.pending, 'transaction')} among those read not confirmed yet, and not listed; "
            "include_pending=True lists them."
        )
    if found.paid_by_others:
        making.note(
            f"{counted(found.paid_by_others, 'incoming transaction')} shown with fees by the service: the sender "
            "paid them, and they are no movement here."
        )
    if scope.chosen is not None:
        outside = {
            row["account_id"]: row["account_name"]
            for row in found.moved
            if row["movement"] == "fees"
            and row["for_account_id"] in scope.chosen
            and not scope.holds(row["account_id"])
        }
        if outside:
            names = ", ".join(str(name or one) for one, name in outside.items())
            making.note(f"Fees of chosen token accounts were paid by accounts that were not chosen: {names}.")
        making.note("A transfer between own accounts is marked as internal only where both accounts are chosen.")
    if any(row["type"] == "EXECUTE_CONTRACT" and row["movement"] == "amount" for row in inside):
        making.note(
            "A contract call counts for the coins that it sends. What a contract pays back has no transaction of its "
            "own unless the service lists it."
        )
    if any(row["type"] in ("STAKE", "STAKE_CREATE_DELEGATE", "STAKE_WITHDRAW") for row in inside):
        making.note("What goes into stakes of Solana and Ethereum counts as sent: an account holds it no longer.")


def _note_stillness(making: Making, scope: Scope, still: Sequence[int], inside: Sequence[Row], date: DateOf) -> None:
    """Say on which chosen accounts nothing moved, and of which transfers the period holds one side alone."""
    if still:
        names = (f"{scope.name(one) or 'no name'} ({one})" for one in still)
        making.note(f"Nothing moved in the period on {listed(names)}: zeros in `totals`.")
    there = {(row["transaction_id"], row["account_id"]) for row in inside}
    alone = sum(
        row["internal"] and (row["pair_transaction_id"], row["pair_account_id"]) not in there for row in inside
    )
    if alone:
        making.note(
            f"{counted(alone, 'movement')} between own accounts whose other side is not among `movements`: it lies "
            f"outside of the period, or has no {date} time. Internal for all that."
        )


def _zeros(scope: Scope, scales: Scales, still: Sequence[int]) -> list[Row]:
    """Return the totals of accounts on which nothing moved."""
    return [
        {
            **{name: (scope.accounts.get(one) or {}).get(name) for name in ("currency", "contract_address")},
            "account_id": one,
            "account_name": scope.name(one),
            **add_up((), scales.of((False, one))),
        }
        for one in still
    ]


def add_up(rows: Iterable[Row], unit: Unit | None = None) -> dict[str, Any]:
    """Return the sums of movements of one unit, exact in base units and in the unit that people use.

    Parameters
    ----------
    unit
        The unit where there are no movements to tell it.
    """
    sums = dict.fromkeys(SUMS, 0)
    number = 0
    ticker, magnitude = (None, None) if unit is None else (unit.code, unit.magnitude)
    for row in rows:
        kind = "fees" if row["movement"] == "fees" else "received" if row["direction"] == "in" else "sent"
        for name in (kind, "net"):
            sums[name] += row["amount_base"]
        number += 1
        ticker, magnitude = row["ticker"], row["magnitude"]
    shown = {name: None if magnitude is None else to_display(value, magnitude) for name, value in sums.items()}
    based = {f"{name}_base": value for name, value in sums.items()}
    return {**shown, **based, "ticker": ticker, "magnitude": magnitude, "movements": number}


def totals_of(rows: Sequence[Row]) -> list[Row]:
    """Return the sums for each account and currency."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["account_id"], row["currency"], row["contract_address"], row["ticker"], row["magnitude"]].append(
            row
        )
    return [
        {
            "account_id": account,
            "account_name": group[0]["account_name"],
            "currency": currency,
            "contract_address": contract,
            **add_up(group),
        }
        for (account, currency, contract, *_), group in sorted(groups.items(), key=lambda one: _sortable(one[0]))
    ]


def _months(rows: Sequence[Row]) -> list[Row]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_month(row["date"]), row["currency"], row["contract_address"], row["ticker"], row["magnitude"]].append(
            row
        )
    months = []
    for (month, currency, contract, *_), group in sorted(groups.items(), key=lambda one: _sortable(one[0])):
        sums = add_up(group)
        row = {"month": month, "currency": currency, "contract_address": contract, **sums}
        for name, way in zip(INTERNAL, ("in", "out"), strict=True):
            own = sum(one["amount_base"] for one in group if one["internal"] and one["direction"] == way)
            row[f"{name}_base"] = own
            row[name] = None if sums["magnitude"] is None else to_display(own, sums["magnitude"])
        months.append(row)
    return months


def _told(moment: pd.Timestamp, zone: tzinfo) -> str:
    local = moment.tz_convert(zone)
    return f"{local:%Y-%m-%d}" if local == local.normalize() else f"{local:%Y-%m-%d %H:%M}"


def _month(moment: pd.Timestamp) -> pd.Timestamp:
    return moment.normalize().replace(day=1)


def _sortable(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((part is not None, part if part is not None else 0) for part in key)
