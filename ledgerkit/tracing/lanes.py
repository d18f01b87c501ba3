"""The chart of a timeline: a lane for each person, and for what nobody did."""

from collections.abc import Sequence
from itertools import pairwise
from textwrap import wrap
from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart
from ledgerkit.reports.rows import counted, records
from ledgerkit.showing import visible
from ledgerkit.tracing.tables import HIDDEN, Row

# More points than these are no timeline but a cloud, and more lanes have no room.
MOST_DRAWN: Final = 300
MOST_LANES: Final = 12
MOST_LABELLED: Final = 18
LONGEST_LANE: Final = 30
LANE: Final = 46
# Labels this near to each other, as a part of the whole time, would stand over one another.
NEAR: Final = 0.2
EDGE: Final = 0.12
# Of labels in one lane: the first of a crowd stands above its point, the next ones below.
OFFSETS: Final = (-12, 13, 25)
SHIFTS: Final = {"left": -6, "center": 0, "right": 6}
# Of a crowd, kinds of events that occur in one lane stand one below another, so many pixels apart, well inside of it.
APART: Final = 9
SPREAD: Final = 30
# A drawing is laid out with the font of whoever draws it, and may be shown in one that is half as wide again: names
# of lanes grow to the left, over the edge of the drawing, where there is no room left.
CHARACTER: Final = 3.4
MARGIN: Final = 12
LONGEST_LINE: Final = 100
LONGEST_NAME: Final = 24
NOBODY: Final = {"in a block": "chain"}
OTHERS: Final = "other people"
COLOURS: Final = {
    "created": charts.BLUE,
    "approved": charts.DONE,
    "rejected": charts.REFUSED,
    "broadcast": charts.VIOLET,
    "in a block": charts.TEAL,
    "came in": charts.BROWN,
    "expired": charts.NEUTRAL,
    "other": charts.OLIVE,
}


def draw(title: str, events: pd.DataFrame, focus: Sequence[str]) -> Chart:
    """Draw the events of some kinds, or all where there are none of these."""
    rows = records(events)
    chosen = [row for row in rows if row["kind"] in focus] or rows
    drawn = chosen[-MOST_DRAWN:]
    alt = charts.altair()
    lanes = _lanes(drawn)
    columns = ["time", "lane", "what", "words", "detail", "row", "side"]
    frame = pd.DataFrame(_points(drawn, lanes), columns=columns)
    order = list(dict.fromkeys(lanes.values()))
    found = finding(chosen)
    said = _said(len(rows), len(chosen), len(drawn))
    labelled = len(drawn) <= MOST_LABELLED
    kinds = [one for one in COLOURS if one in set(frame["what"])]
    time = alt.X(
        "time:T", title="Time (UTC)", scale=alt.Scale(type="utc", nice=False, padding=24), axis=_time_axis(alt, drawn)
    )
    lane = alt.Y("lane:N", title=None, scale=alt.Scale(domain=order), axis=_lane_axis(alt))
    base = alt.Chart(frame).encode(x=time, y=lane)
    # In a crowd, each kind of event has a line of its own in the lane, where it is not alone: none hides another.
    shifts = _shifts(frame) if not labelled else [0.0] * len(frame)
    frame["shift"] = shifts
    marks = [
        base.transform_filter(f"datum.shift == {shift}")
        .mark_point(filled=True, size=90 if labelled else 45, opacity=0.9, yOffset=shift)
        .encode(
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=kinds, range=[COLOURS[one] for one in kinds]),
                legend=alt.Legend(title=None, orient="bottom") if len(kinds) > 1 and not labelled else None,
            ),
            tooltip=[
                alt.Tooltip("words:N", title="Event"),
                alt.Tooltip("detail:N", title="Detail"),
                alt.Tooltip("utcyearmonthdatehoursminutesseconds(time):T", title="Time (UTC)"),
            ],
        )
        for shift in sorted(set(shifts))
    ]
    for row, side in sorted(set(zip(frame["row"], frame["side"], strict=True))) if labelled else ():
        shown = base.transform_filter(f"datum.row == {row} && datum.side == '{side}'")
        ink = charts.label_colour()
        text = shown.mark_text(align=side, dy=OFFSETS[row], dx=SHIFTS[side], fontSize=10, color=ink)
        marks.append(text.encode(text="words:N"))
    chart = alt.layer(*marks).properties(
        title=alt.Title(wrap(found, LONGEST_LINE), subtitle=[*wrap(visible(title), LONGEST_LINE), said]),
        height=max(120, LANE * len(order)),
        width=charts.WIDTH,
        padding={"left": _room(order), "right": MARGIN, "top": MARGIN, "bottom": MARGIN},
    )
    first, last = (f"{one:%Y-%m-%d %H:%M}" for one in (drawn[0]["time"], drawn[-1]["time"])) if drawn else ("", "")
    span = f" from {first} to {last} UTC" if drawn else ""
    return Chart(
        chart,
        f"{title}: {found}. {counted(len(drawn), 'event')}{span}, a lane for each of {', '.join(order) or 'nobody'}.",
    )


def _said(everything: int, chosen: int, drawn: int) -> str:
    if not everything:
        return "no event has a time"
    text = f"{drawn} events, time in UTC" if drawn != 1 else "1 event, time in UTC"
    if drawn < chosen:
        text = f"the newest {drawn} of {chosen} events, time in UTC"
    more = everything - chosen
    return f"{text}; the table `timeline` has {more} more, of what stands around" if more else text


def _lanes(rows: Sequence[Row]) -> dict[int, str]:
    """Return the lane of each event, the busiest people with one of their own."""
    names = {at: _lane(row) for at, row in enumerate(rows)}
    counts = pd.Series(list(names.values()), dtype=object).value_counts()
    kept = set(counts.index[:MOST_LANES])
    return {at: name if name in kept else OTHERS for at, name in names.items()}


def _lane(row: Row) -> str:
    if row["who_id"] is None:
        return HIDDEN if row["who"] == HIDDEN else NOBODY.get(row["event"], "service")
    # The id beside it: a name may be one of the other lanes.
    name = visible(str(row["who"] or ""))
    short = name if len(name) <= LONGEST_LANE else f"{name[: LONGEST_LANE - 1]}…"
    return f"{short} · user {row['who_id']}" if short else f"user {row['who_id']}"


def _points(rows: Sequence[Row], lanes: dict[int, str]) -> list[tuple[Any, ...]]:
    points: list[tuple[Any, ...]] = []
    whole = (rows[-1]["time"] - rows[0]["time"]).total_seconds() if rows else 0.0
    last: dict[str, tuple[float, int]] = {}
    for at, row in enumerate(rows):
        lane = lanes[at]
        place = (row["time"] - rows[0]["time"]).total_seconds() / whole if whole else 0.0
        before, level = last.get(lane, (-1.0, -1))
        level = level + 1 if place - before < NEAR else 0
        last[lane] = (place, level)
        # Without a zone, Vega takes a time for one of the reader's: ISO with Z is UTC.
        time = row["time"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        detail = visible(f"{row['kind']} {row['id']}: {row['detail'] or ''}".strip(": "))
        # At the ends, a label in the middle of its point would run out of the chart.
        side = "left" if place < EDGE else "right" if place > 1 - EDGE else "center"
        points.append(
            (time, lane, _what(str(row["event"])), visible(row["event"]), detail, min(level, len(OFFSETS) - 1), side)
        )
    return points


def _what(event: str) -> str:
    if event == "incoming transaction recorded":
        return "came in"
    if event == "request expired":
        return "expired"
    if event in COLOURS:
        return event
    return "created" if event.endswith("created") else "other"


def _time_axis(alt: Any, rows: Sequence[Row]) -> Any:
    hours = (rows[-1]["time"] - rows[0]["time"]).total_seconds() / 3600 if rows else 0.0
    form = "%Y-%m" if hours > 24 * 200 else "%Y-%m-%d" if hours > 24 * 6 else "%m-%d %H:%M"
    return alt.Axis(format=form if hours > 0.1 else "%m-%d %H:%M:%S", labelOverlap=True, tickCount=5)


def _lane_axis(alt: Any) -> Any:
    return alt.Axis(grid=True, domain=False, ticks=False, labelLimit=400, labelPadding=8)


def _room(lanes: Sequence[str]) -> int:
    return MARGIN + round(CHARACTER * max((len(one) for one in lanes), default=0))


def _shifts(frame: pd.DataFrame) -> list[float]:
    """Return how far below the middle of its lane each event stands."""
    there = {lane: set(kinds) for lane, kinds in frame.groupby("lane")["what"]}
    ordered = {lane: [one for one in COLOURS if one in kinds] for lane, kinds in there.items()}
    shifts: list[float] = []
    for lane, what in zip(frame["lane"], frame["what"], strict=True):
        others = len(ordered[lane]) - 1
        apart = min(APART, SPREAD / others) if others else 0.0
        shifts.append(round((ordered[lane].index(what) - others / 2) * apart, 1))
    return shifts


def finding(rows: Sequence[Row]) -> str:
    """Return what events show, in one line: how much of what, who approved and rejected, and the longest wait."""
    if not rows:
        return "Nothing here has a time"
    parts = [_things(rows), _voted(rows, "approved"), _voted(rows, "rejected"), _longest(rows)]
    said = "; ".join(part for part in parts if part)
    return said[:1].upper() + said[1:]


def _things(rows: Sequence[Row]) -> str:
    payments = {row["id"] for row in rows if row["kind"] == "transaction"}
    in_block = {row["id"] for row in rows if row["event"] == "in a block"}
    if payments:
        of_them = "in a block" if len(payments) == 1 else f"{len(in_block):,} in a block"
        # Their block may have been told without its time.
        told = of_them if in_block else "without the time of a block"
        return f"{counted(len(payments), 'transaction')}, {told}"
    requests = {row["id"] for row in rows if row["kind"] == "request"}
    return counted(len(requests), "request") if requests else counted(len(rows), "event")


def _voted(rows: Sequence[Row], vote: str) -> str:
    voters = list(dict.fromkeys((row["who_id"], row["who"]) for row in rows if row["event"] == vote))
    if not voters:
        return ""
    # Those who are hidden are one row, however many they are.
    named = [_short(who, key) for key, who in voters if key is not None]
    hidden = ["people hidden from you"] if len(named) < len(voters) else []
    shown = named if len(named) < 3 else [f"{len(named)} people"]
    return f"{vote} by {' and '.join([*shown, *hidden])}"


def _short(who: Any, key: Any) -> str:
    name = visible(str(who or f"user {key}"))
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _longest(rows: Sequence[Row]) -> str:
    """Return the longest wait of one object: between those of several, others may not have been looked for."""
    of_one: dict[tuple[Any, Any], list[pd.Timestamp]] = {}
    for row in rows:
        of_one.setdefault((row["kind"], row["id"]), []).append(row["time"])
    gaps = [
        (after - before, f"{kind} {key}")
        for (kind, key), times in of_one.items()
        for before, after in pairwise(times)
    ]
    if not gaps:
        return ""
    longest, whose = max(gaps, key=lambda gap: gap[0])
    seconds = longest.total_seconds()
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= 2 * size:
            return f"longest wait {seconds / size:.1f} {unit}, of {whose}"
    return ""
