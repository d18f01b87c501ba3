"""The charts of approvals: how long they take by type, and how long what waits has waited."""

from typing import Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart, altair
from ledgerkit.states import words

MOST_TYPES: Final = 12
# What has waited for longer than the first of these, up to the next.
AGES: Final = (
    (pd.Timedelta(0), "under 4 h"),
    (pd.Timedelta(hours=4), "4 h to 1 day"),
    (pd.Timedelta(days=1), "1 to 3 days"),
    (pd.Timedelta(days=3), "3 to 7 days"),
    (pd.Timedelta(days=7), "over 7 days"),
)
SOON: Final = pd.Timedelta(days=1)


def draw_latency(latency: pd.DataFrame) -> Chart:
    """Draw within what time half, and nine in ten, of the requests of each type were approved."""
    alt = altair()
    told = latency[(latency["stage"] == "approved") & (latency["told"] > 0)]
    every = told[told["type"] == "all types"]
    shown = told[told["type"] != "all types"].head(MOST_TYPES)
    hour = pd.Timedelta(hours=1)
    half = [one / hour for one in shown["half_within"]]
    most = [
        one / hour if not pd.isna(one) else near for one, near in zip(shown["nine_in_ten_within"], half, strict=True)
    ]
    data = pd.DataFrame(
        {
            "type": [words(one) for one in shown["type"]],
            "half": half,
            "most": most,
            "told": [
                f"{_hours(near)}{'' if pd.isna(far) else f', nine in ten {_hours(far / hour)}'} (of {number})"
                for near, far, number in zip(half, shown["nine_in_ten_within"], shown["told"], strict=True)
            ],
        }
    ).astype({"half": float, "most": float})
    if len(every):
        title = f"Half of {int(every['told'].iloc[0]):,} approved requests had all approvals within "
        title += _hours(every["half_within"].iloc[0] / hour)
    else:
        title = "No approved request tells how long it took"
    base = alt.Chart(data).encode(y=alt.Y("type:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)))
    span = base.mark_rule(strokeWidth=4, opacity=0.5, color=charts.BLUE).encode(
        x=alt.X(
            "half:Q",
            title="hours from creation to the last approval: half (dot), nine in ten (line)",
            axis=alt.Axis(tickCount=8),
        ),
        x2="most:Q",
    )
    dots = base.mark_circle(size=90, opacity=1, color=charts.BLUE).encode(x="half:Q", tooltip=["type:N", "told:N"])
    labels = base.mark_text(align="left", dx=8, style=charts.LABEL, color=charts.label_colour()).encode(
        x="most:Q", text="told:N"
    )
    chart = (span + dots + labels).properties(
        title={"text": title, "subtitle": "by type of request, those with most requests first"},
        height={"step": 22},
        width=charts.WIDTH,
    )
    return Chart(chart, f"{title}.")


def draw_ages(inbox: pd.DataFrame) -> Chart:
    """Draw for how long requests that wait have waited."""
    alt = altair()
    ages = inbox["age"].dropna()
    bounds = [start for start, _ in AGES[1:]]
    counted = [0] * len(AGES)
    for age in ages:
        counted[sum(age >= bound for bound in bounds)] += 1
    names = [name for _, name in AGES]
    data = pd.DataFrame({"age": names, "requests": counted})
    left = inbox["time_to_expiry"].dropna()
    soon, gone = int(((left <= SOON) & (left >= pd.Timedelta(0))).sum()), int((left < pd.Timedelta(0)).sum())
    hour = pd.Timedelta(hours=1)
    if len(ages):
        title = f"{len(inbox)} requests wait, the oldest for {_hours(ages.max() / hour)}"
        subtitle = f"{soon} expire within a day" + (f", {gone} are past their expiry" if gone else "")
    else:
        title, subtitle = "Nothing waits", "or nothing that these credentials may see"
    base = alt.Chart(data).encode(
        x=alt.X("age:N", sort=names, title="time since creation, by the server's clock", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("requests:Q", title="requests", axis=alt.Axis(tickMinStep=1, format="d")),
    )
    bars = base.mark_bar(color=charts.WAITING).encode(tooltip=["age:N", "requests:Q"])
    labels = base.mark_text(dy=-7, style=charts.LABEL, color=charts.label_colour()).encode(text="requests:Q")
    chart = (bars + labels).properties(
        title={"text": title, "subtitle": subtitle}, height=charts.HEIGHT, width=charts.WIDTH
    )
    return Chart(chart, f"{title}; {subtitle}.")


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
