"""The charts of the report on staking: a chart of its own for each currency, for amounts of two do not compare."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.amounts import to_display
from ledgerkit.charts import Chart
from ledgerkit.reports.exactly import percent, rounded
from ledgerkit.reports.rows import counted, records
from ledgerkit.showing import visible

MOST_BARS: Final = 120
MOST_CHARTS: Final = 8
SMALL: Final = 90
# Characters of a title that fit above a chart.
LINE: Final = 92
# What is said of an amount is for reading: the tables have every digit.
DIGITS: Final = 4

Rows = Sequence[dict[str, Any]]


def by_asset(rewards: pd.DataFrame) -> dict[str, Rows]:
    """Return the rows of each currency or token by its ticker; one that two have is told by the currency too."""
    assets: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in records(rewards):
        if row["ticker"] is not None:
            assets.setdefault((row["ticker"], row["currency"], row["contract_address"]), []).append(row)
    tickers = [ticker for ticker, _, _ in assets]
    return {
        ticker if tickers.count(ticker) == 1 else f"{ticker} of {contract or currency}": rows
        for (ticker, currency, contract), rows in assets.items()
    }


def draw_all(rewards: pd.DataFrame, by: str) -> Chart:
    """Draw the rewards of each currency in a small chart, one below the other."""
    alt = charts.altair()
    assets = by_asset(rewards)
    shown = list(assets.items())[:MOST_CHARTS]
    if not shown:
        said = "No rewards in the period"
        empty = alt.Chart(pd.DataFrame({"period": [], "amount": []})).mark_bar()
        return Chart(empty.encode(x="period:O", y="amount:Q").properties(title=said, width=charts.WIDTH), said)
    span = f"{shown[0][1][0]['period']} to {shown[0][1][-1]['period']}"
    said = f"Rewards {span}: " + "; ".join(_came_out(label, rows, by) for label, rows in shown)
    how = f"Sums rounded; up and down: the last whole {by} against the first"
    how += "; each currency on its own scale" if len(shown) > 1 else ""
    if len(shown) < len(assets):
        how += f"; {counted(len(assets) - len(shown), 'currency', 'currencies')} more in the table"
    drawn = [
        _bars(label, rows, by, last=position == len(shown) - 1).properties(width=charts.WIDTH, height=SMALL)
        for position, (label, rows) in enumerate(shown)
    ]
    words = "; ".join(_words(label, rows) for label, rows in shown)
    title = alt.TitleParams(text=_lines(said), subtitle=how)
    return Chart(alt.vconcat(*drawn, spacing=8).properties(title=title), f"{said} ({how}). {words}")


def draw_one(label: str, rows: Rows, by: str) -> Chart:
    """Draw the rewards of one currency."""
    said = _words(label, rows)
    bars = _bars(label, rows, by, last=True)
    title = f"Rewards {rows[0]['period']} to {rows[-1]['period']}: {_came_out(label, rows, by)}"
    how = f"Sum rounded; up and down: the last whole {by} against the first"
    shown = charts.altair().TitleParams(text=_lines(title), subtitle=how)
    return Chart(bars.properties(title=shown, width=charts.WIDTH), f"{title} ({how}). {said}, by {by}")


def _bars(label: str, rows: Rows, by: str, *, last: bool) -> Any:
    alt = charts.altair()
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["period"]] = sums.get(row["period"], 0) + row["amount_base"]
    cut = {row["period"] for row in rows if not row["whole"]}
    kept = dict(list(sums.items())[-MOST_BARS:])
    exact = pd.Series([to_display(amount, _magnitude(rows)) for amount in kept.values()], dtype=object)
    data = pd.DataFrame(
        {
            "period": list(kept),
            "amount": charts.drawn(exact),
            "exact": [f"{amount} {visible(label)}" for amount in exact],
            "whole": [name not in cut for name in kept],
        }
    )
    title = (
        f"{by} (UTC)"
        + (", pale: cut by the period" if cut & kept.keys() else "")
        + (f", the last {MOST_BARS} of {len(sums)}" if len(kept) < len(sums) else "")
    )
    axis = alt.Axis(labelAngle=-45, labelOverlap=True) if last else alt.Axis(labels=False, ticks=False)
    # Of a token the ticker, of what is native to a chain its name.
    shade = charts.colour(label if rows[0]["contract_address"] else rows[0]["currency"] or label)
    return (
        alt.Chart(data)
        .mark_bar(color=shade)
        .encode(
            x=alt.X("period:O", sort=None, title=title if last else None, axis=axis),
            y=alt.Y("amount:Q", title=visible(label), axis=alt.Axis(tickCount=4)),
            opacity=alt.condition("datum.whole", alt.value(1), alt.value(0.5)),
            tooltip=["period:O", "exact:N"],
        )
    )


def _magnitude(rows: Rows) -> int:
    """Return the places of the unit, which exact amounts all have."""
    return -int(rows[0]["amount"].as_tuple().exponent)


def _words(label: str, rows: Rows) -> str:
    return f"{readable(_exact(rows))} {label} from {rows[0]['period']} to {rows[-1]['period']}"


def _exact(rows: Rows) -> Any:
    return to_display(sum(row["amount_base"] for row in rows), _magnitude(rows))


def readable(amount: Any) -> str:
    """Return an amount without zeros that say nothing."""
    text = str(amount)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _came_out(label: str, rows: Rows, by: str) -> str:
    """Say how much it was, and whether it rose or fell from the first whole part to the last."""
    sums: dict[str, int] = {}
    for row in rows:
        if row["whole"]:
            sums[row["period"]] = sums.get(row["period"], 0) + row["amount_base"]
    said = f"{_short(_exact(rows))} {visible(label)}"
    if len(sums) < 2:
        return said
    first, *_, last = sums.values()
    if first == last:
        return f"{said}, as much in the last {by} as in the first"
    percents = percent(last - first if last > first else first - last, first, places=0)
    way = "up" if last > first else "down"
    return f"{said}, {way} {percents:,} %" if percents else f"{said}, {way}"


def _short(amount: Decimal) -> str:
    """Return an amount with a few digits, rounded."""
    places = max(0, min(DIGITS - 1 - amount.adjusted(), -int(amount.as_tuple().exponent)))
    return readable(f"{rounded(amount, places):,f}")


def _lines(title: str) -> list[str]:
    """Return a title in lines that fit, cut between currencies."""
    lines = [""]
    for piece in visible(title).split("; "):
        joined = f"{lines[-1]}; {piece}" if lines[-1] else piece
        if lines[-1] and len(joined) > LINE:
            lines.append(piece)
        else:
            lines[-1] = joined
    return lines
