"""What a reconciliation draws: how many accounts agree, which break, and since when one is off."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart
from ledgerkit.reports.checking import BROKEN, CANCEL, IN_PART, RECONCILES, UNKNOWN
from ledgerkit.reports.rows import Row, counted
from ledgerkit.reports.scaling import rounded
from ledgerkit.showing import visible

_OF_STATUS: Final[Mapping[str, str]] = {
    RECONCILES: charts.DONE,
    IN_PART: charts.BLUE,
    CANCEL: charts.WAITING,
    BROKEN: charts.REFUSED,
    UNKNOWN: charts.NEUTRAL,
}
MOST_BARS: Final = 20
MOST_LINES: Final = 3
MOST_TICKS: Final = 10


def drawings(accounts: Sequence[Row], breaks: Sequence[Row], days: Sequence[Row]) -> dict[str, Any]:
    """Return what draws each chart, by name."""
    made: dict[str, Any] = {}
    if accounts:
        made["accounts by status"] = partial(_draw_states, accounts)
    if breaks:
        made["breaks by account"] = partial(_draw_breaks, breaks)
    broken = sorted(
        (row for row in accounts if row["status"] == BROKEN and row["ticker"] is not None),
        key=lambda row: (row["first_break"], row["account_id"]),
    )
    for row in broken[:MOST_LINES]:
        its = [day for day in days if day["account_id"] == row["account_id"]]
        name = f"difference of {row['account_name'] or row['account_id']}"
        # Two accounts may have one name.
        name = f"{name} ({row['account_id']})" if name in made else name
        made[name] = partial(_draw_difference, row, its)
    return made


def _draw_states(accounts: Sequence[Row]) -> Chart:
    alt = charts.altair()
    states = [row["status"] for row in accounts]
    frame = pd.DataFrame({"status": list(_OF_STATUS), "accounts": [states.count(one) for one in _OF_STATUS]})
    broken = states.count(BROKEN)
    title = f"{counted(broken, 'account')} broken" if broken else "No account is broken"
    title += f", {states.count(RECONCILES)} of {len(states)} reconcile"
    return Chart(_bars(alt, frame, "status", "accounts", list(_OF_STATUS.values()), title), f"{title}.")


def _draw_breaks(breaks: Sequence[Row]) -> Chart:
    alt = charts.altair()
    numbers: dict[Any, int] = defaultdict(int)
    for row in breaks:
        numbers[_label(row)] += 1
    most = sorted(numbers, key=lambda name: (-numbers[name], name))[:MOST_BARS]
    frame = pd.DataFrame({"account": most, "breaks": [numbers[one] for one in most]})
    title = f"{counted(len(breaks), 'break')} in {counted(len(numbers), 'account')}"
    if len(numbers) > len(most):
        title += f", the {len(most)} with most of them"
    return Chart(_bars(alt, frame, "account", "breaks", [charts.REFUSED] * len(most), title), f"{title}.")


def _label(row: Row) -> str:
    return visible(f"{row['account_name'] or 'no name'} ({row['account_id']})")


def _bars(alt: Any, frame: pd.DataFrame, name: str, number: str, colours: Sequence[str], title: str) -> Any:
    names = frame[name].tolist()
    # Half a break between two ticks would be labelled as a whole one.
    step = max(1, -(-int(frame[number].max()) // MOST_TICKS))
    ticks = list(range(0, int(frame[number].max()) + step, step))
    base = alt.Chart(frame).encode(
        y=alt.Y(f"{name}:N", sort=names, title=None),
        x=alt.X(f"{number}:Q", title=f"number of {number}", axis=alt.Axis(values=ticks, format="d")),
    )
    bars = base.mark_bar().encode(
        color=alt.Color(f"{name}:N", scale=alt.Scale(domain=names, range=colours), legend=None)
    )
    words = base.mark_text(align="left", dx=4, style=charts.LABEL, color=charts.label_colour()).encode(
        text=f"{number}:Q"
    )
    return (bars + words).properties(title=title, width=charts.WIDTH)


def _draw_difference(account: Row, days: Sequence[Row]) -> Chart:
    alt = charts.altair()
    ticker = visible(account["ticker"])
    frame = pd.DataFrame(
        {
            "moment": [row["moment"] for row in days],
            "difference": charts.drawn(pd.Series([row["difference"] for row in days], dtype=object)),
            "exact": [str(row["difference"]) for row in days],
        }
    )
    last = rounded(days[-1]["difference"])
    title = f"{_label(account)}: off by {last} {ticker}, first on {account['first_break']:%Y-%m-%d}"
    line = (
        alt.Chart(frame)
        .mark_line(interpolate="step-before", color=charts.REFUSED, point=len(days) < 3)
        .encode(
            x=alt.X(
                "moment:T",
                title="midnight (UTC)",
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format="%Y-%m-%d", labelOverlap="greedy", tickCount=8),
            ),
            y=alt.Y("difference:Q", title=f"balance less movements, {ticker}", axis=alt.Axis(format=",.8~g")),
            tooltip=[alt.Tooltip("moment:T", title="UTC"), alt.Tooltip("exact:N", title=ticker)],
        )
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=charts.NEUTRAL).encode(y="zero:Q")
    return Chart((zero + line).properties(title=title), f"{title}.")
