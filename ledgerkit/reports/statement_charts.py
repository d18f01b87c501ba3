"""What a statement draws: what came in and went out by month, and apart from it what own accounts sent each other."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.amounts import to_display
from ledgerkit.charts import Chart
from ledgerkit.reports.rows import Row, counted
from ledgerkit.reports.scaling import rounded
from ledgerkit.showing import visible

MOST_CHARTS: Final = 3
IN, OUT = "came in", "went out"
INTERNAL_HEIGHT: Final = 110
_Unit = tuple[Any, Any, Any]


def drawings(inside: Sequence[Row], months: Sequence[Row]) -> dict[str, Any]:
    """Return what draws the currencies with most movements, those of them that have a unit, by name."""
    numbers: dict[_Unit, int] = defaultdict(int)
    for row in inside:
        if row["ticker"] is not None:
            numbers[_unit(row)] += 1
    most = sorted(numbers, key=lambda unit: (-numbers[unit], *(str(part) for part in unit)))[:MOST_CHARTS]
    made: dict[str, Any] = {}
    for unit in most:
        currency, contract, ticker = unit
        name = f"{ticker} on {currency}"
        # Two tokens of a network may have the same ticker.
        name = f"{name}, {contract}" if name in made else name
        made[name] = partial(_draw, [row for row in months if _unit(row) == unit], name, ticker)
    return made


def _unit(row: Row) -> _Unit:
    return row["currency"], row["contract_address"], row["ticker"]


def _draw(months: Sequence[Row], name: str, ticker: str) -> Chart:
    """Draw what came from outside above the line and what left below it; in a panel below, own transfers."""
    magnitude = months[0]["magnitude"]
    outside, own = [], []
    for row in months:
        arrived = row["received_base"] - row["internal_received_base"]
        left = row["sent_base"] - row["internal_sent_base"] + row["fees_base"]
        outside += [(row["month"], IN, arrived), (row["month"], OUT, left)]
        own += [(row["month"], IN, row["internal_received_base"]), (row["month"], OUT, row["internal_sent_base"])]
    net = sum(amount for *_, amount in outside)
    way = "more came in than went out" if net > 0 else "more went out than came in"
    title = visible(f"{name}: {way if net else 'as much came in as went out'}")
    shown = f"net {rounded(to_display(net, magnitude))} {ticker}, with the fees among what went out"
    upper = _bars(outside, ticker, magnitude).properties(width=charts.WIDTH)
    if not any(amount for *_, amount in own):
        chart = upper.properties(title={"text": title, "subtitle": [visible(shown)]})
        return Chart(chart, f"{title}: {shown}, in {counted(len(months), 'month')}.")
    apart = sum(amount for *_, amount in own)
    between = "transfers between own accounts are drawn below, and in no bar above"
    told = "Between own accounts: as much was sent as received"
    if apart:
        left = rounded(to_display(apart, magnitude))
        told = f"Between own accounts: net {left} {ticker}, since other sides are not in here"
    lower = _bars(own, ticker, magnitude).properties(width=charts.WIDTH, height=INTERNAL_HEIGHT, title=visible(told))
    head = {"text": title, "subtitle": [visible(shown), between]}
    return Chart(
        charts.altair().vconcat(upper, lower).properties(title=head),
        f"{title}: {shown}, in {counted(len(months), 'month')}, without transfers between own accounts. {told}.",
    )


def _bars(values: Sequence[tuple[pd.Timestamp, str, int]], ticker: str, magnitude: int) -> Any:
    alt = charts.altair()
    exact = [to_display(amount, magnitude) for *_, amount in values]
    frame = pd.DataFrame(
        {
            "month": [f"{month:%Y-%m}" for month, *_ in values],
            "side": [side for _, side, _ in values],
            # str() of each: pandas would write a small one as 1E-8.
            "amount": [str(one) for one in exact],
            "drawn": charts.drawn(pd.Series(exact, dtype=object)),
        }
    )
    colours = alt.Scale(domain=[IN, OUT], range=[charts.BLUE, charts.ORANGE])
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title="month (UTC)", axis=alt.Axis(labelAngle=0, labelOverlap="greedy")),
            y=alt.Y("drawn:Q", title=visible(ticker), axis=alt.Axis(format=",.8~g")),
            color=alt.Color("side:N", scale=colours, legend=alt.Legend(orient="top", title=None)),
            tooltip=[alt.Tooltip("month:O"), alt.Tooltip("side:N"), alt.Tooltip("amount:N", title=visible(ticker))],
        )
    )
