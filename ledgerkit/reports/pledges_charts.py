"""The charts of pledges: what is pledged, in percent of the balance, so that currencies stand side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit.charts import DONE, LABEL, NEUTRAL, REFUSED, WAITING, WIDTH, Chart, altair, label_colour
from ledgerkit.reports.exactly import percent, short, total
from ledgerkit.reports.holdings import Holding, plain
from ledgerkit.showing import visible

STEP: Final = 26
MOST_BARS: Final = 30


@dataclass(frozen=True)
class Bar:
    """One bar. Amounts are in base units of the holding.

    Parameters
    ----------
    pending
        What is to come, and what is to go (negative); None for both where that is not known.
    complete
        Whether the amounts of all pledges are in ``pledged``.
    shared
        Whether the balance is pledged to others too.
    """

    label: str
    pledged: Any
    pending: tuple[Any, Any]
    balance: Any
    covered: bool | None
    complete: bool
    holding: Holding | None
    shared: bool = False


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
        least = "" if bar.complete else "at least "
        title = f"{bar.label}: {least}{share} % of the balance behind it is pledged to it, the most of all"
    also = "a balance behind several exchanges is behind each of them" if any(bar.shared for bar in bars) else ""
    return _draw(bars, title, also)


def _draw(bars: Sequence[Bar], title: str, also: str = "") -> Chart:
    alt = altair()
    # Those that need a look first: not covered, then unknown, then the highest share.
    ranked = sorted(
        bars, key=lambda bar: ({False: 0, None: 1, True: 2}[bar.covered], -(percent(bar.pledged, bar.balance) or 0))
    )
    rows = []
    for bar in ranked[:MOST_BARS]:
        share = percent(bar.pledged, bar.balance)
        coming, going = (0 if one is None else one for one in bar.pending)
        size, most, least = (
            float(percent(total(parts), bar.balance) or 0)
            for parts in ([bar.pledged], [bar.pledged, coming], [bar.pledged, going])
        )
        rows.append(
            {
                "label": visible(bar.label),
                "share": size,
                "least": least,
                "most": most,
                "colour": {True: DONE, False: REFUSED, None: NEUTRAL}[bar.covered],
                "text": _told(bar, share),
            }
        )
    frame = pd.DataFrame(rows)
    highest = max(100.0, float(frame["most"].max()))
    y = alt.Y("label:N", sort=None, title=None)
    scale = alt.Scale(domain=[0, highest], nice=False)
    more = f"the first {MOST_BARS} of {len(bars)}; " if len(bars) > MOST_BARS else ""
    subtitle = [f"{more}outlined beside a bar: pending to come; shaded in it: pending to go; 100 % is the balance"]
    subtitle += [also] if also else []
    chart = alt.Chart(frame, title=alt.Title(title, subtitle=subtitle))
    x = alt.X("share:Q", title="pledged, % of the balance", scale=scale, axis=alt.Axis(tickCount=6))
    shares = chart.mark_bar().encode(x=x, y=y, color=alt.Color("colour:N", scale=None))
    outlined = {"fill": WAITING, "stroke": WAITING, "strokeDash": [3, 2]}
    coming = chart.mark_bar(fillOpacity=0.15, **outlined).encode(x="share:Q", x2="most:Q", y=y)
    going = chart.mark_bar(fillOpacity=0.55, **outlined).encode(x="least:Q", x2="share:Q", y=y)
    limit = alt.Chart(pd.DataFrame({"whole": [100.0]})).mark_rule(strokeDash=[4, 3], color=label_colour())
    texts = chart.mark_text(style=LABEL, color=label_colour(), align="left", dx=5).encode(
        x="most:Q", y=y, text="text:N"
    )
    pending = coming.transform_filter("datum.most > datum.share") + going.transform_filter(
        "datum.least < datum.share"
    )
    layers = shares + pending + limit.encode(x="whole:Q") + texts
    drawing = layers.properties(width=WIDTH - 190, height=alt.Step(STEP))
    said = "; ".join(f"{row['label']}: {row['text']}" for row in rows)
    return Chart(drawing, f"{title}. {said}")


def _told(bar: Bar, share: Any) -> str:
    """Return the label of a bar."""
    state = {True: "", False: ", NOT COVERED", None: ", not known whether covered"}[bar.covered]
    least = "" if bar.complete else "at least "
    pledged = f"{least}{_amount(bar, bar.pledged)}"
    if bar.balance is None:
        return f"{pledged}, no balance is known{'' if bar.covered is None else state}"
    if share is None:
        return f"{pledged} of a balance of {_amount(bar, bar.balance)}{state}"
    pending = [f"{sign}{_amount(bar, abs(one))}" for sign, one in zip("+−", bar.pending, strict=True) if one]
    told = f" ({', '.join(pending)} pending)" if pending else ""
    return f"{least}{share} % · {pledged.removeprefix(least)}{told} of {_amount(bar, bar.balance)}{state}"


def _amount(bar: Bar, amount: Any) -> str:
    """Return an amount in its unit; in base units where none is known."""
    shown = None if bar.holding is None else bar.holding.shown(amount)
    if shown is None or bar.holding is None or bar.holding.unit is None:
        return f"{plain(amount)} base units"
    return f"{plain(short(shown))} {visible(bar.holding.unit.code)}"
