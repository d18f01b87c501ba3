"""The balances of accounts day by day, and how they changed over a period."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.charts import HEIGHT, LABEL, PALETTE, WIDTH, Chart, altair, colour, drawn, label_colour
from ledgerkit.frames import INTEGER, NUMBER, OBJECT, TEXT, TIME, Table
from ledgerkit.reports.choosing import as_asked, chosen_ids, listed, told
from ledgerkit.reports.exactly import difference, known, rounded, total
from ledgerkit.reports.holdings import THOUSANDS, plain
from ledgerkit.reports.making import Making
from ledgerkit.reports.prices import Key, asset_key
from ledgerkit.reports.report import Report
from ledgerkit.session import Session
from ledgerkit.showing import visible

DAY: Final = pd.Timedelta(days=1)
# More lines in one chart can't be told apart.
MOST_LINES: Final = 6
_WHO: Final = {"account_id": INTEGER, "account": TEXT}
_ASSET: Final = {"ticker": TEXT, "currency": TEXT, "contract_address": TEXT}
CHANGES: Final = Table(
    "change",
    {
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
    },
)
DAILY: Final = Table("day", {"date": TIME, **_WHO, **_ASSET, "balance": OBJECT, "balance_base": NUMBER, "note": TEXT})
MISSING: Final = Table("missing", {**_WHO, "status": TEXT, **_ASSET, "reason": TEXT})
NO_ROW: Final = "the service lists no value for this day"
NULL: Final = "the service has no value for this day"


@dataclass
class Line:
    """The days of one account. Amounts are in base units."""

    id: int
    name: str | None
    status: str | None
    currency: str | None
    contract: str | None
    ticker: str | None
    magnitude: int | None
    # The value of each day, None for a gap, with what is to be said of it.
    days: dict[pd.Timestamp, tuple[Any, str | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """What has one unit, and so one chart."""
        if self.currency is None or self.magnitude is None:
            return f"account {self.id}", None
        return asset_key(self.currency, self.contract)

    @property
    def label(self) -> str:
        """How charts and notes call it."""
        return visible(self.name) if self.name else f"account {self.id}"

    @property
    def known(self) -> list[tuple[pd.Timestamp, Any]]:
        """The days that have a value, in order."""
        return [(day, value) for day, (value, _) in sorted(self.days.items()) if known(value)]

    def shown(self, amount: Any) -> Any:
        """Return an amount in the display unit; None where there is none, or no unit."""
        return to_display(amount, self.magnitude) if known(amount) and self.magnitude is not None else None

    def asset(self) -> dict[str, Any]:
        """Return what it is a balance of."""
        return {"ticker": self.ticker, "currency": self.currency, "contract_address": self.contract}


def balance_history(session: Session, account: Any = None, *, start: Any, end: Any = None) -> Report:
    """Report the balances of accounts day by day, and how they changed over a period.

    Parameters
    ----------
    session
        Where it is read from.
    account
        Ids or names, one or several; by default all accounts that are visible.
    start, end
        Dates. The day of ``start`` is in the period, the day of ``end`` is not; by default it ends with today.

    Returns
    -------
    Report
        ``changes``: a row for each account with a value in the period: opening, closing, change, lowest and highest
        with their days, and on how many days there is no value. ``daily``: each day of each account. ``missing``: the
        accounts without a history, and why.

        Amounts are exact Decimals in the unit of ``ticker``, ``*_base`` the same in base units. A day without a value
        is a gap: it is never a zero, and never filled. ``opening`` and ``closing`` are the first and the last value
        that there is, of the days beside them.

    Raises
    ------
    NotFound
        An account is not visible.
    InvalidRequest
        A date can't be read, the period is empty, or a name is that of several.

    Notes
    -----
    ``GET /accounts``, ``GET /accounts/{account_id}/balances/history``, ``GET /accounts/{account_id}/currency``. Days
    are those of the service, in UTC; whether a value is of the beginning or of the end of its day, the API does not
    say.
    """
    account = as_asked(account)
    with Making.of(session, account=told(account), start=str(start), end=None if end is None else str(end)) as making:
        first, last = _days_of(making, start, end)
        everything = session.accounts.search()
        accounts = everything
        if account is not None:
            accounts = everything[everything["id"].isin(chosen_ids(everything, account, "account"))]
        lines, missing = _read(making, accounts.reset_index(drop=True), first, last)
        _notes(making, lines, missing, first, last)
        _note_light(making, accounts)
        tables = {
            "changes": _changes(lines),
            "daily": _daily(lines),
            "missing": MISSING.frame(MISSING.leaves(missing)),
        }
        return making.report("Balance history", tables, _drawings(lines))


def _days_of(making: Making, start: Any, end: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first day, and the first day after the period, as the dates of the session's zone say them."""
    began, ended = making.period(start, end)
    zone = making.session.tz
    first = pd.Timestamp(began.tz_convert(zone).date(), tz=UTC)
    until = ended.tz_convert(zone)
    last = pd.Timestamp(until.date(), tz=UTC)
    if until.normalize() != until:  # in the middle of a day, which is in
        last += DAY
    return first, last


def _read(
    making: Making, accounts: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp
) -> tuple[list[Line], list[dict[str, Any]]]:
    session = making.session
    if accounts.empty:
        return [], []
    now = pd.Timestamp.now(tz="UTC").floor("s")
    # A day earlier, and cut: whether the day of `start` is in is up to the service. Nothing is asked of the future.
    frame = session.accounts.balance_history(
        accounts["id"].tolist(), start=(first - DAY).to_pydatetime(), end=min(last, now).to_pydatetime()
    )
    units = session._directory.units([int(one) for one in accounts["id"]])
    answers: dict[int, list[dict[Any, Any]]] = {}
    for row in frame.to_dict("records"):
        answers.setdefault(int(row["account_id"]), []).append(row)
    lines, missing = [], []
    for row in accounts.to_dict("records"):
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
            _fill(line, rows, first, last)
            _calendar(line, row["created_on"], first, min(last, now.normalize() + DAY))
            if not line.known:
                reason = "the service has no value for any day of the period"
        if reason is not None:
            missing.append(
                {"account_id": number, "account": line.name, "status": line.status, **line.asset(), "reason": reason}
            )
        if line.known:
            lines.append(line)
    return lines, missing


def _fill(line: Line, rows: Sequence[Mapping[Any, Any]], first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Write the days of an answer into a line."""
    said = {int(one["currency_magnitude"]) for one in rows if not pd.isna(one["currency_magnitude"])}
    if line.magnitude is None and len(said) == 1:
        line.magnitude = said.pop()
        line.notes.append("no unit known: the decimal places are those that stand beside the history")
    elif line.magnitude is not None and said - {line.magnitude}:
        line.notes.append(
            f"the history says {' and '.join(map(str, sorted(said)))} decimal places, and the unit of the account "
            f"has {line.magnitude}: amounts are in the unit of the account"
        )
    elif line.magnitude is None:
        line.notes.append("no unit known: amounts are in base units alone")
    # Several values of one day: the last one stands, and the row says so.
    for row in sorted((one for one in rows if not pd.isna(one["date"])), key=lambda one: one["date"]):
        day = row["date"].normalize()
        if not first <= day < last:
            continue
        value = row["value"] if known(row["value"]) else None
        note = None if value is not None else NULL
        if day in line.days:
            note = "the service lists several values for this day, of which this is the last"
        line.days[day] = value, note


def _calendar(line: Line, created: Any, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Add the days that an answer leaves out, from the day of the account's creation on."""
    begin = first if pd.isna(created) else max(first, created.normalize())
    for day in pd.date_range(begin, last - DAY, freq="D"):
        line.days.setdefault(day, (None, NO_ROW))


def _notes(
    making: Making,
    lines: Sequence[Line],
    missing: Sequence[Mapping[str, Any]],
    first: pd.Timestamp,
    last: pd.Timestamp,
) -> None:
    making.note(
        f"Days are those of the service, in UTC, from {first:%Y-%m-%d} to {last - DAY:%Y-%m-%d}; whether a value is "
        "of the beginning or of the end of its day, the API does not say."
    )
    now = pd.Timestamp.now(tz="UTC").floor("s")
    if first <= now < last:
        making.note(f"The day {now:%Y-%m-%d} is not over: its value is that of now.")
    if missing:
        names = listed(visible(str(one["account"] or f"account {one['account_id']}")) for one in missing)
        making.note(f"Without a history: {names}. The table `missing` says why.")
    gaps = [line for line in lines if len(line.known) < len(line.days)]
    if gaps:
        said = [f"{line.label} ({len(line.days) - len(line.known)} of {len(line.days)} days)" for line in gaps]
        making.note(f"Days without a value are gaps, and none is filled: {listed(said)}.")
    for line in lines:
        for note in line.notes:
            making.note(f"{line.label}: {note}.")


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
        (opening_on, opening), (closing_on, closing) = days[0], days[-1]
        lowest_on, lowest = min(days, key=lambda one: one[1])
        highest_on, highest = max(days, key=lambda one: one[1])
        change = difference(closing, opening)
        notes = [*line.notes]
        if opening_on != min(line.days):
            notes.append("the period begins with days without a value")
        if closing_on != max(line.days):
            notes.append("the period ends with days without a value")
        rows.append(
            {
                "account_id": line.id,
                "account": line.name,
                "status": line.status,
                **line.asset(),
                "opening": line.shown(opening),
                "opening_on": opening_on.isoformat(),
                "closing": line.shown(closing),
                "closing_on": closing_on.isoformat(),
                "change": line.shown(change),
                "lowest": line.shown(lowest),
                "lowest_on": lowest_on.isoformat(),
                "highest": line.shown(highest),
                "highest_on": highest_on.isoformat(),
                "days": len(line.days),
                "days_without_value": len(line.days) - len(days),
                "opening_base": opening,
                "closing_base": closing,
                "change_base": change,
                "note": "; ".join(notes) or None,
            }
        )
    rows.sort(key=lambda row: (str(row["ticker"] or "").casefold(), str(row["currency"]), row["account_id"]))
    return CHANGES.frame(CHANGES.leaves(rows))


def _daily(lines: Sequence[Line]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "date": day.isoformat(),
            "account_id": line.id,
            "account": line.name,
            **line.asset(),
            "balance": line.shown(value),
            "balance_base": value,
            "note": note,
        }
        for line in sorted(lines, key=lambda one: one.id)
        for day, (value, note) in sorted(line.days.items())
    ]
    return DAILY.frame(DAILY.leaves(rows))


def _drawings(lines: Sequence[Line]) -> dict[str, Callable[[], Chart]]:
    """Return a chart for each currency in which something was held: two units are never on one axis."""
    groups: dict[Key, list[Line]] = {}
    for line in lines:
        if line.magnitude is not None and any(value for _, value in line.known):
            groups.setdefault(line.key, []).append(line)
    words: dict[str, int] = {}
    for group in groups.values():
        words[_word(group[0])] = words.get(_word(group[0]), 0) + 1
    drawings: dict[str, Callable[[], Chart]] = {}
    for group in sorted(groups.values(), key=lambda lines: (_word(lines[0]).casefold(), lines[0].id)):
        name = _word(group[0])
        if words[name] > 1:
            name += f" · {visible(group[0].currency or '')}"
        if name in drawings:
            name += f" · {visible(group[0].contract or 'coin')}"
        drawings[name] = partial(_draw, name, group)
    return drawings


def _draw(name: str, lines: Sequence[Line]) -> Chart:
    """Draw the balances of one currency, a line for each account, with a break where there is no value."""
    alt = altair()
    order = sorted(lines, key=lambda line: -max(value for _, value in line.known))
    shown = order[:MOST_LINES]
    rows, ends = [], []
    for place, line in enumerate(shown):
        label = line.label if sum(one.label == line.label for one in shown) == 1 else f"{line.label} ({line.id})"
        own = PALETTE[place] if len(lines) > 1 else colour(_colour_name(line))
        days = sorted(line.days.items())
        for position, (day, (value, _)) in enumerate(days):
            beside = [days[at][1][0] for at in (position - 1, position + 1) if 0 <= at < len(days)]
            alone = known(value) and not any(known(one) for one in beside)
            rows.append({"date": day, "exact": line.shown(value), "account": label, "colour": own, "alone": alone})
        last_day, last_value = line.known[-1]
        ends.append({"date": last_day, "exact": line.shown(last_value), "text": label, "colour": own})
    frame, tips = pd.DataFrame(rows), pd.DataFrame(ends)
    frame["balance"] = drawn(frame.pop("exact"))
    tips["balance"] = drawn(tips.pop("exact"))
    tips["at"] = _apart(tips["balance"].tolist(), frame["balance"].min(), frame["balance"].max())
    unit = visible(lines[0].ticker or "base units")
    title = _title(name, lines, unit)
    more = f"the {MOST_LINES} accounts with the highest balances of {len(lines)}; " if len(order) > len(shown) else ""
    chart = alt.Chart(frame, title=alt.Title(title, subtitle=f"{more}a break is a day without a value"))
    x = alt.X("date:T", title="day, UTC", scale=alt.Scale(type="utc"), axis=alt.Axis(tickCount=8, labelOverlap=True))
    y = alt.Y("balance:Q", title=f"balance, {unit}", scale=alt.Scale(zero=False), axis=alt.Axis(labelExpr=THOUSANDS))
    colours = alt.Color("colour:N", scale=None)
    paths = chart.mark_line(invalid="break-paths-filter-domains", interpolate="step-after").encode(
        x=x, y=y, color=colours, detail="account:N"
    )
    single = (
        chart.transform_filter("datum.alone")
        .mark_point(filled=True, size=20, opacity=1)
        .encode(x=x, y=y, color=colours)
    )
    names = (
        alt.Chart(tips)
        .mark_text(style=LABEL, color=label_colour(), align="left", dx=6)
        .encode(x=x, y=alt.Y("at:Q"), text="text:N")
    )
    dots = alt.Chart(tips).mark_point(filled=True, size=30, opacity=1).encode(x=x, y=y, color=colours)
    longest = max(len(text) for text in tips["text"])
    drawing = (paths + single + dots + names).properties(width=WIDTH - min(7 * longest, 240), height=HEIGHT)
    said = "; ".join(
        f"{line.label} from {plain(line.shown(line.known[0][1]))} to {plain(line.shown(line.known[-1][1]))}"
        for line in shown
    )
    return Chart(drawing, f"{title}. {more}{said}")


def _title(name: str, lines: Sequence[Line], unit: str) -> str:
    """Return the message: the change of one account, or what several hold; a sum of changes would miss new ones."""
    closings = {line.known[-1][0] for line in lines}
    if len(lines) == 1:
        (began, opening), (ended, closing) = lines[0].known[0], lines[0].known[-1]
        change = _short(lines[0].shown(difference(closing, opening)))
        sign = "+" if change > 0 else "−" if change < 0 else ""
        return f"{lines[0].label}: {sign}{plain(abs(change))} {unit} from {began:%Y-%m-%d} to {ended:%Y-%m-%d}"
    held = _short(lines[0].shown(total(line.known[-1][1] for line in lines)))
    when = f"on {closings.pop():%Y-%m-%d}" if len(closings) == 1 else "by their last values"
    return f"{name}: {plain(held)} {unit} in {len(lines)} accounts {when}"


def _colour_name(line: Line) -> str:
    return (line.currency if line.contract is None else line.ticker) or "unknown"


def _apart(values: Sequence[float], lowest: float, highest: float) -> list[float]:
    """Return where labels stand beside values, so that none covers another."""
    step = (highest - lowest) * 14 / HEIGHT
    places: dict[int, float] = {}
    at = float("-inf")
    for position in sorted(range(len(values)), key=lambda one: values[one]):
        at = max(values[position], at + step)
        places[position] = at
    return [places[position] for position in range(len(values))]


def _short(amount: Any) -> Any:
    return rounded(amount, 2 if abs(amount) >= 1 else 8)


def _word(line: Line) -> str:
    return visible(line.ticker or line.currency or line.label)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
