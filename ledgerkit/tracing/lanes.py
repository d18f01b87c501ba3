"""The chart of a timeline: a lane for each person, and for what nobody did."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart
from ledgerkit.showing import visible
from ledgerkit.tracing.tables import HIDDEN, Row, records

# More points than these are no timeline but a cloud, and more lanes have no room.
MOST_DRAWN: Final = 300
MOST_LANES: Final = 12
MOST_LABELLED: Final = 18
LONGEST_LANE: Final = 30
LANE: Final = 46
# Labels this near to each other, as a part of the whole time, would stand over one another.
NEAR: Final = 0.2
ROWS: Final = 3
NOBODY: Final = {"in a block": "chain"}
OTHERS: Final = "other people"
COLOURS: Final = {
    "created": charts.BLUE,
    "approved": charts.DONE,
    "rejected": charts.REFUSED,
    "broadcast": charts.VIOLET,
    "in a block": charts.TEAL,
    "came in": charts.BROWN,
    "other": charts.NEUTRAL,
}


def draw(title: str, events: pd.DataFrame, focus: Sequence[str]) -> Chart:
    """Draw the events of some kinds, or all where there are none of these."""
    rows = records(events)
    chosen = [row for row in rows if row["kind"] in focus] or rows
    drawn = chosen[-MOST_DRAWN:]
    alt = charts.altair()
    lanes = _lanes(drawn)
    points = _points(drawn, lanes)
    frame = pd.DataFrame(points, columns=["time", "lane", "what", "words", "detail", "row"])
    order = list(dict.fromkeys(lanes[at] for at in range(len(drawn))))
    said = _said(len(rows), len(chosen), len(drawn))
    labelled = len(points) <= MOST_LABELLED
    kinds = [one for one in COLOURS if one in set(frame["what"])]
    colour = alt.Color(
        "what:N",
        scale=alt.Scale(domain=kinds, range=[COLOURS[one] for one in kinds]),
        legend=alt.Legend(title=None, orient="bottom") if len(kinds) > 1 else None,
    )
    time = alt.X(
        "time:T", title="Time (UTC)", scale=alt.Scale(type="utc", nice=False, padding=24), axis=_axis(alt, frame)
    )
    lane = alt.Y("lane:N", title=None, sort=order, scale=alt.Scale(domain=order), axis=_lane_axis(alt))
    base = alt.Chart(frame).encode(x=time, y=lane)
    marks = [
        base.mark_point(filled=True, size=90, opacity=0.9).encode(
            color=colour,
            tooltip=[
                alt.Tooltip("words:N", title="Event"),
                alt.Tooltip("detail:N", title="Detail"),
                alt.Tooltip("utcyearmonthdatehoursminutesseconds(time):T", title="Time (UTC)"),
            ],
        )
    ]
    if labelled:
        for row in range(ROWS):
            shown = base.transform_filter(f"datum.row == {row}")
            # The first label of a crowd stands above its point, the next ones below, none over another.
            offset = (-12, 13, 25)[row]
            marks.append(
                shown.mark_text(style=charts.LABEL, align="center", dy=offset, fontSize=10).encode(text="words:N")
            )
    chart = alt.layer(*marks).properties(
        title=alt.Title(visible(title), subtitle=said),
        height=max(120, LANE * len(order)),
        width=charts.WIDTH,
    )
    first, last = (f"{one:%Y-%m-%d %H:%M}" for one in (drawn[0]["time"], drawn[-1]["time"])) if drawn else ("", "")
    span = f" from {first} to {last} UTC" if drawn else ""
    return Chart(chart, f"{title}: {len(drawn)} events{span}, a lane for each of {', '.join(order) or 'nobody'}.")


def _said(everything: int, chosen: int, drawn: int) -> str:
    if not everything:
        return "no event has a time"
    text = f"{drawn} events, time in UTC" if drawn != 1 else "1 event, time in UTC"
    if drawn < chosen:
        text = f"the newest {drawn} of {chosen} events, time in UTC"
    more = everything - chosen
    return f"{text}; {more} of what stands around are in the timeline alone" if more else text


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
        words = f"{visible(row['event'])}"
        detail = visible(f"{row['kind']} {row['id']}: {row['detail'] or ''}")
        points.append((time, lane, _what(str(row["event"])), words, detail, level))
    return points


def _what(event: str) -> str:
    if event == "incoming transaction recorded":
        return "came in"
    if event in COLOURS:
        return event
    return "created" if event.endswith("created") else "other"


def _axis(alt: Any, frame: pd.DataFrame) -> Any:
    if not len(frame):
        return alt.Axis()
    hours = (pd.Timestamp(frame["time"].iloc[-1]) - pd.Timestamp(frame["time"].iloc[0])).total_seconds() / 3600
    form = "%H:%M" if hours < 20 else "%b %d %H:%M" if hours < 24 * 4 else "%b %d" if hours < 24 * 200 else "%b %Y"
    if hours < 20:
        form = "%b %d %H:%M" if hours >= 1 else "%H:%M:%S"
    return alt.Axis(format=form, formatType="utc", labelOverlap=True, tickCount=6)


def _lane_axis(alt: Any) -> Any:
    return alt.Axis(grid=True, domain=False, ticks=False, labelLimit=240, labelPadding=8)
