"""The balances of accounts day by day, and how they changed over a period."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.frames import INTEGER, NUMBER, OBJECT, TEXT, TIME
from ledgerkit.reports.balance_history_charts import drawings
from ledgerkit.reports.balance_lines import Line, closed, opened, values_of, with_gaps
from ledgerkit.reports.choosing import as_asked, chosen_ids, listed, told
from ledgerkit.reports.daily import DAY, Reading
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import framed, records
from ledgerkit.session import Session
from ledgerkit.showing import visible

_WHO: Final = {"account_id": INTEGER, "account_name": TEXT}
_ASSET: Final = {"ticker": TEXT, "currency": TEXT, "contract_address": TEXT}
CHANGES: Final = {
    **_WHO,
    "status": TEXT,
    **_ASSET,
    "opening": OBJECT,
    "opening_on": TIME,
    "closing": OBJECT,
    "closing_on": TIME,
    "change": OBJECT,
    "lowest": OBJECT,
    "lowest_on": TIME,
    "highest": OBJECT,
    "highest_on": TIME,
    "days": INTEGER,
    "days_without_value": INTEGER,
    "opening_base": NUMBER,
    "closing_base": NUMBER,
    "change_base": NUMBER,
    "note": TEXT,
}
DAILY: Final = {"date": TIME, **_WHO, **_ASSET, "balance": OBJECT, "balance_base": NUMBER, "note": TEXT}
MISSING: Final = {**_WHO, "status": TEXT, **_ASSET, "reason": TEXT}


def balance_history(
    session: Session,
    account: Any = None,
    *,
    start: Any,
    end: Any = None,
    value_of_day: Reading | None = None,
) -> Report:
    """Report the balances of accounts day by day, and how they changed over a period.

    Parameters
    ----------
    session
        Where it is read from.
    account
        Ids or names, one or several; by default all accounts that are visible.
    start, end
        Dates. The day of ``start`` is in the period, the day of ``end`` is not; by default it ends with today.
    value_of_day
        What the value of a day is: the balance at its ``"start"`` or its ``"end"``. The service does not say; by
        default the end is assumed, and the report ``reconciliation`` tells by the movements which fits.

    Returns
    -------
    Report
        ``changes``: a row for each account with a value in the period: opening, closing, change, lowest and highest
        with their days, and on how many days there is no value. ``daily``: each day of each account. ``missing``: the
        accounts without a history, and why.

        Amounts are exact Decimals in the unit of ``ticker``, ``*_base`` the same in base units. A day without a value
        is a gap: it is never a zero, and never filled. ``opening`` is the balance as the period begins, ``closing``
        as it ends, each told by the value of the day beside it: where a day has its value at its end, the opening is
        that of the day before ``start``. Where that day has none, opening, or closing, and ``change`` are empty; an
        account that was created in the period opens with 0. ``note`` says so.

        Charts: one for each currency that was held, named by its ticker, such as ``BTC``.

    Raises
    ------
    NotFound
        An account is not visible.
    InvalidRequest
        A date can't be read, the period is empty, or a name is that of several.

    Notes
    -----
    ``GET /accounts``, ``GET /accounts/{account_id}/balances/history``, ``GET /accounts/{account_id}/currency``. Days
    are those of the service, in UTC. Where the period goes on today, the closing balance is that of the list of
    accounts, of now.
    """
    if value_of_day not in (None, "start", "end"):
        raise InvalidRequest(f"`value_of_day` = {shorten(value_of_day)}: it is start or end.", field="value_of_day")
    account = as_asked(account)
    asked = {"start": str(start), "end": None if end is None else str(end), "value_of_day": value_of_day}
    with Making.of(session, account=told(account), **asked) as making:
        first, last = _days_of(making, start, end)
        reading = _reading(making, value_of_day)
        everything = session.accounts.search()
        accounts = everything
        if account is not None:
            accounts = everything[everything["id"].isin(chosen_ids(everything, account, "account"))]
        lines, missing = _read(making, accounts.reset_index(drop=True), first, last, reading)
        _notes(making, lines, missing, first, last)
        _note_light(making, accounts)
        tables = {
            "changes": _changes(lines),
            "daily": _daily(lines),
            "missing": framed(MISSING, missing),
        }
        return making.report("Balance history", tables, drawings(lines, reading))


def _days_of(making: Making, start: Any, end: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first day, and the first day after the period, as the dates of the session's zone say them."""
    began, ended = making.period(start, end)
    zone = making.session.tz
    first = pd.Timestamp(began.tz_convert(zone).date(), tz=UTC)
    until = ended.tz_convert(zone)
    last = pd.Timestamp(until.date(), tz=UTC)
    if until.normalize() != until:  # in the middle of a day, which is in
        last += DAY
    if first > making.now:
        raise InvalidRequest(f"`start` = {start!r}: this day has not begun yet in UTC.", field="start")
    return first, last


def _reading(making: Making, asked: Reading | None) -> Reading:
    """Choose what the value of a day is, and say so: no movement is read here that could tell."""
    reading: Reading = asked or "end"
    assumed = "it is assumed; the report `reconciliation` holds it against what moved"
    why = assumed if asked is None else "it is as you asked"
    making.note(
        f"The value of a day is read as the balance at the {reading} of the day in UTC. The contract does not say "
        f"which; {why}."
    )
    return reading


def _read(
    making: Making, accounts: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp, reading: Reading
) -> tuple[list[Line], list[dict[str, Any]]]:
    if accounts.empty:
        return [], []
    # The day before the period and the day after it tell what it opens and closes with. Whether the day of a bound is
    # in is up to the service: a day more is asked for, and cut. Nothing is asked of the future.
    until = min(last + DAY, making.now)
    frame = making.session.accounts.balance_history(
        accounts["id"].tolist(), start=(first - 2 * DAY).to_pydatetime(), end=until.to_pydatetime()
    )
    units = making.units(int(one) for one in accounts["id"])
    answers: dict[int, list[dict[Any, Any]]] = {}
    for row in records(frame):
        answers.setdefault(int(row["account_id"]), []).append(row)
    lines, missing = [], []
    for row in records(accounts):
        number = int(row["id"])
        unit = units[number].amount
        line = Line(
            id=number,
            name=_text(row["name"]),
            status=_text(row["status"]),
            currency=_text(row["currency"]),
            contract=_text(row["contract_address"]),
            ticker=None if unit is None else unit.code,
            magnitude=None if unit is None else unit.magnitude,
        )
        rows = answers.get(number, [])
        reason = next((one["error"] for one in rows if _text(one["error"]) is not None), None)
        if reason is None:
            values = values_of(line, rows)
            line.days = {day: value for day, value in values.items() if first <= day < last}
            with_gaps(line, row["created_on"], first, min(last, making.now.normalize() + DAY))
            created = None if row["created_on"] is None else row["created_on"]
            shift = DAY if reading == "end" else pd.Timedelta(0)
            opened(line, values, first, shift, created)
            closed(line, values, last, shift, making.now, row["balance"])
            if not line.known:
                reason = "the service has no value for any day of the period"
                if created is not None and created >= last:
                    reason = f"created on {created:%Y-%m-%d}, after the period"
        if reason is not None:
            missing.append(
                {
                    "account_id": number,
                    "account_name": line.name,
                    "status": line.status,
                    **line.asset(),
                    "reason": reason,
                }
            )
        if line.known:
            lines.append(line)
    return lines, missing


def _notes(
    making: Making,
    lines: Sequence[Line],
    missing: Sequence[Mapping[str, Any]],
    first: pd.Timestamp,
    last: pd.Timestamp,
) -> None:
    making.note(f"Days are those of the service, in UTC, from {first:%Y-%m-%d} to {last - DAY:%Y-%m-%d}.")
    if making.now < last:
        making.note(
            f"The day {making.now:%Y-%m-%d} is not over: `closing` is the balance of now, by the list of accounts."
        )
    if missing:
        names = listed(visible(str(one["account_name"] or f"account {one['account_id']}")) for one in missing)
        making.note(f"Without a history: {names}. The table `missing` says why.")
    gaps = [line for line in lines if len(line.known) < len(line.days)]
    if gaps:
        said = [f"{line.label} ({len(line.days) - len(line.known)} of {len(line.days)} days)" for line in gaps]
        making.note(f"Days without a value are gaps, and none is filled: {listed(said)}.")
    doubtful = [f"{line.label} ({listed(f'{day:%Y-%m-%d}' for day in line.contradicted)})" for line in lines]
    doubtful = [said for said, line in zip(doubtful, lines, strict=True) if line.contradicted]
    if doubtful:
        making.note(f"Contradicted, since the service lists different values of one day: {listed(doubtful)}.")
    for note, said_of in _by_note(lines).items():
        making.note(f"{listed(line.label for line in said_of)}: {note}.")


def _by_note(lines: Sequence[Line]) -> dict[str, list[Line]]:
    """Return what is to be said, and of which accounts: what is the same of many is said once."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        for note in line.notes:
            found.setdefault(note, []).append(line)
    return found


def _note_light(making: Making, accounts: pd.DataFrame) -> None:
    """Say whose light token accounts are not here."""
    inside = [isinstance(one, list) and bool(one) for one in accounts["token_accounts"]]
    names = [visible(str(name)) for name, has in zip(accounts["name"], inside, strict=True) if has]
    if names:
        making.note(f"The light token accounts under {listed(names)} have no history at the service.")


def _changes(lines: Sequence[Line]) -> pd.DataFrame:
    rows = []
    for line in lines:
        days = line.known
        lowest_on, lowest = min(days, key=lambda one: one[1])
        highest_on, highest = max(days, key=lambda one: one[1])
        notes = [*line.notes]
        if line.contradicted:
            notes.append(f"different values of {listed(f'{day:%Y-%m-%d}' for day in line.contradicted)}")
        rows.append(
            {
                "account_id": line.id,
                "account_name": line.name,
                "status": line.status,
                **line.asset(),
                "opening": line.shown(line.opening),
                "opening_on": line.opening_on,
                "closing": line.shown(line.closing),
                "closing_on": line.closing_on,
                "change": line.shown(line.change),
                "lowest": line.shown(lowest),
                "lowest_on": lowest_on,
                "highest": line.shown(highest),
                "highest_on": highest_on,
                "days": len(line.days),
                "days_without_value": len(line.days) - len(days),
                "opening_base": line.opening,
                "closing_base": line.closing,
                "change_base": line.change,
                "note": "; ".join(notes) or None,
            }
        )
    rows.sort(key=lambda row: (str(row["ticker"] or "").casefold(), str(row["currency"]), row["account_id"]))
    return framed(CHANGES, rows)


def _daily(lines: Sequence[Line]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "date": day,
            "account_id": line.id,
            "account_name": line.name,
            **line.asset(),
            "balance": line.shown(value),
            "balance_base": value,
            "note": note,
        }
        for line in sorted(lines, key=lambda one: one.id)
        for day, (value, note) in sorted(line.days.items())
    ]
    return framed(DAILY, rows)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
