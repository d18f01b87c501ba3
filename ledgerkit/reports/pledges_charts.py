"""The charts of pledges: what is pledged, in percent of the balance, so that currencies stand side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit.charts import DONE, LABEL, NEUTRAL, REFUSED, WAITING, WIDTH, Chart, altair, label_colour
from ledgerkit.reports.exactly import percent, rounded, total
from ledgerkit.reports.holdings import Holding, plain
from ledgerkit.showing import visible

STEP: Final = 26
MOST_BARS: Final = 30


@dataclass(frozen=True)
class Bar:
    """One bar. Amounts are in base units of the holding."""

    label: str
    pledged: Any
    pending: Any
    balance: Any
    covered: bool | None
    holding: Holding | None


def by_account(bars: Sequence[Bar]) -> Chart:
    """Draw what is pledged of each collateral account."""
    short = sum(bar.covered is False for bar in bars)
    unknown = sum(bar.covered is None for bar in bars)
    title = f"{short} of {len(bars)} collateral accounts do not cover what is pledged of them"
    if not short:
        title = f"All {len(bars)} collateral accounts cover what is pledged of them"
        if unknown:
            title = f"{len(bars) - unknown} of {len(bars)} collateral accounts are known to cover their pledges"
    return _draw(bars, title)


def by_exchange(bars: Sequence[Bar]) -> Chart:
    """Draw what is pledged to each exchange in each currency, of the balance of its collateral accounts."""
    shares = [(percent(bar.pledged, bar.balance), bar) for bar in bars]
    drawn = [(share, bar) for share, bar in shares if share is not None]
    title = "Nothing is known of the balances behind the pledges"
    if drawn:
        share, bar = max(drawn, key=lambda one: one[0])
        title = f"{bar.label}: {share} % of the collateral is pledged, the most of all"
    return _draw(bars, title)


def _draw(bars: Sequence[Bar], title: str) -> Chart:
    alt = altair()
    # Those that need a look first: not covered, then unknown, then the highest share.
    ranked = sorted(
        bars, key=lambda bar: ({False: 0, None: 1, True: 2}[bar.covered], -(percent(bar.pledged, bar.balance) or 0))
    )
    rows = []
    for bar in ranked[:MOST_BARS]:
        share, after = percent(bar.pledged, bar.balance), percent(total([bar.pledged, bar.pending]), bar.balance)
        size = 0.0 if share is None else float(share)
        later = size if after is None else float(after)
        rows.append(
            {
                "label": visible(bar.label),
                "share": size,
                "from": min(size, later),
                "to": max(size, later),
                "end": max(size, later),
                "colour": {True: DONE, False: REFUSED, None: NEUTRAL}[bar.covered],
                "text": _told(bar, share),
            }
        )
    frame = pd.DataFrame(rows)
    highest = max(100.0, float(frame["end"].max()))
    y = alt.Y("label:N", sort=None, title=None)
    scale = alt.Scale(domain=[0, highest], nice=False)
    more = f"the first {MOST_BARS} of {len(bars)}; " if len(bars) > MOST_BARS else ""
    subtitle = f"{more}outlined: what is pending; the line at 100 % is the whole balance"
    chart = alt.Chart(frame, title=alt.Title(title, subtitle=subtitle))
    x = alt.X("share:Q", title="pledged, % of the balance", scale=scale, axis=alt.Axis(tickCount=6))
    shares = chart.mark_bar().encode(x=x, y=y, color=alt.Color("colour:N", scale=None))
    pending = chart.mark_bar(fillOpacity=0.15, fill=WAITING, stroke=WAITING, strokeDash=[3, 2]).encode(
        x="from:Q", x2="to:Q", y=y
    )
    limit = alt.Chart(pd.DataFrame({"whole": [100.0]})).mark_rule(strokeDash=[4, 3], color=label_colour())
    texts = chart.mark_text(style=LABEL, color=label_colour(), align="left", dx=5).encode(
        x="end:Q", y=y, text="text:N"
    )
    layers = shares + pending.transform_filter("datum.to > datum.from") + limit.encode(x="whole:Q") + texts
    drawing = layers.properties(width=WIDTH - 190, height=alt.Step(STEP))
    said = "; ".join(f"{row['label']}: {row['text']}" for row in rows)
    return Chart(drawing, f"{title}. {said}")


def _told(bar: Bar, share: Any) -> str:
    """Return the label of a bar."""
    held = bar.holding
    if held is None or held.unit is None or share is None:
        return "no balance is known" if bar.balance is None else "the balance is 0, NOT COVERED"
    pledged, balance = (_short(held.shown(one)) for one in (bar.pledged, bar.balance))
    state = "" if bar.covered else ", NOT COVERED" if bar.covered is False else ", not known whether covered"
    return f"{share} % · {plain(pledged)} of {plain(balance)} {visible(held.unit.code)}{state}"


def _short(amount: Any) -> Any:
    return rounded(amount, 2 if abs(amount) >= 1 else 8)
