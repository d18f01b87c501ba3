"""The chart of the report on API users: since when they are there, and when they did something last."""

from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart
from ledgerkit.reports.rows import records
from ledgerkit.showing import visible

MOST_ROWS: Final = 40
USED, UNUSED, NOT_ACTIVE, UNTOLD = "used", "unused", "not active", "use not known"
_SHADES: Final = {
    USED: charts.DONE,
    UNUSED: charts.WAITING,
    NOT_ACTIVE: charts.NEUTRAL,
    UNTOLD: charts.BLUE,
}


def draw_users(users: pd.DataFrame, findings: pd.DataFrame, now: pd.Timestamp, unused_days: int) -> Chart:
    """Draw a line for each from its creation to what was seen of it last."""
    alt = charts.altair()
    unused = set(findings.loc[findings["finding"] == "active and unused", "user_id"])
    rows = [_row(row, unused) for row in records(users) if row["created_on"] is not None]
    rows.sort(key=lambda row: (list(_SHADES).index(row["state"]), row["began"]))
    shown = rows[:MOST_ROWS]
    active = [row for row in records(users) if row["status"] == "ACTIVE" and row["kind"] != "reporting key"]
    said = (
        "No active API user"
        if not active
        else f"{len(unused)} of {len(active)} active API users without a request for {unused_days} days"
    )
    if len(shown) < len(rows):
        said += f" ({len(shown)} of {len(rows)} shown)"
    data = pd.DataFrame(shown, columns=["user", "state", "began", "last", "label", "at"])
    order = [row["user"] for row in shown]
    domain = [row["began"] for row in shown]
    span = [min(domain, default=now), now]
    x = alt.X("began:T", title="time (UTC)", scale=alt.Scale(domain=[_moment(one) for one in span], type="utc"))
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=list(_SHADES), range=list(_SHADES.values())),
        title=None,
        legend=alt.Legend(orient="top"),
    )
    plain = alt.Chart(data).encode(y=alt.Y("user:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)))
    base = plain.encode(color=colour)
    tooltip = ["user:N", "state:N", "began:T", "last:T"]
    lines = base.mark_rule(strokeWidth=3).encode(x=x, x2="last:T", tooltip=tooltip)
    starts = base.mark_point(filled=False, size=50).encode(x=x, tooltip=tooltip)
    ends = base.transform_filter("isValid(datum.last)").mark_point(filled=True, size=70, opacity=1)
    ends = ends.encode(x=alt.X("last:T"), tooltip=tooltip)
    labels = plain.mark_text(align="left", dx=8, color=charts.label_colour()).encode(x=alt.X("at:T"), text="label:N")
    height = max(60, 22 * len(shown))
    chart = (lines + starts + ends + labels).properties(title=said, width=charts.WIDTH - 120, height=height)
    return Chart(chart, f"{said}: " + ", ".join(f"{row['user']}: {row['label']}" for row in shown))


def _row(row: dict[str, Any], unused: set[int]) -> dict[str, Any]:
    if row["status"] != "ACTIVE":
        state, label = NOT_ACTIVE, str(row["status"]).replace("_", " ").capitalize()
    elif row["kind"] == "reporting key":
        state, label = UNTOLD, "use not told"
    elif row["user_id"] in unused:
        state, label = UNUSED, _ago(row)
    else:
        state, label = (UNTOLD if row["last_seen_on"] is None else USED), _ago(row)
    last = row["last_seen_on"]
    return {
        "user": visible(f"{row['username']} ({row['user_id']})"),
        "state": state,
        "began": row["created_on"],
        "last": last,
        "label": visible(label),
        "at": last if last is not None else row["created_on"],
    }


def _ago(row: dict[str, Any]) -> str:
    days = row["days_since"]
    return str(row["last_seen_by"]) if days is None else f"{days:,} d ago" if days else "today"


def _moment(moment: pd.Timestamp) -> int:
    return int(moment.timestamp() * 1000)
