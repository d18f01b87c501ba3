"""The charts of the report on compliance."""

from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart
from ledgerkit.reports.screening import one_address
from ledgerkit.reports.tabled import records
from ledgerkit.showing import visible

MOST_BARS: Final = 12


def draw_months(months: pd.DataFrame) -> Chart:
    """Draw the alerts of each month by severity."""
    alt = charts.altair()
    total = int(months["alerts"].sum())
    said = "No transaction was rated as risky" if not total else f"{_count(total, 'transaction')} rated as risky"
    severities = list(dict.fromkeys(months["severity"]))
    scale = alt.Scale(domain=[visible(one) for one in severities], range=[_shade(one) for one in severities])
    data = months[["month", "severity", "alerts"]].astype({"alerts": int})
    data = data.assign(severity=[visible(one) for one in data["severity"]])
    base = alt.Chart(data)
    bars = base.mark_bar().encode(
        x=alt.X("month:O", title="month of creation (UTC)", axis=alt.Axis(labelAngle=-45)),
        y=alt.Y("alerts:Q", title="transactions", axis=whole_numbers(months.groupby("month")["alerts"].sum())),
        color=alt.Color("severity:N", scale=scale, title=None, legend=alt.Legend(orient="top")),
        tooltip=["month:O", "severity:N", "alerts:Q"],
    )
    span = f"{months['month'].iloc[0]} to {months['month'].iloc[-1]}"
    return Chart(
        bars.properties(title=f"{said}, {span}", width=charts.WIDTH),
        f"{said}, {span}: "
        + ", ".join(f"{int(months.loc[months['severity'] == one, 'alerts'].sum())} {one}" for one in severities),
    )


def draw_counterparties(counterparties: pd.DataFrame) -> Chart:
    """Draw the counterparties with most alerts, and those under sanctions."""
    alt = charts.altair()
    counts: dict[str, tuple[int, str, bool]] = {}
    for row in records(counterparties):
        key = one_address(row["address"])
        before = counts.get(key, (0, row["address"], False))
        # An address without alerts is shown only for its sanctions.
        counts[key] = (before[0] + row["alerts"], before[1], before[2] or row["sanctioned"] is True)
    bad = sorted((one for one in counts.values() if one[0] or one[2]), key=lambda one: (-one[0], one[1]))
    shown = [
        {
            "address": f"{_short(address)}{' (sanctions)' if sanctioned else ''}",
            "whole": visible(address),
            "alerts": alerts,
            "label": str(alerts),
            "kind": "sanctions" if sanctioned else "no sanctions known",
        }
        for alerts, address, sanctioned in bad[:MOST_BARS]
    ]
    said = (
        "No counterparty with an alert or under sanctions"
        if not bad
        else f"{_count(len(bad), 'counterparty', 'counterparties')} with alerts or sanctions"
        + (f", the {MOST_BARS} with most" if len(bad) > MOST_BARS else "")
    )
    data = pd.DataFrame(shown, columns=["address", "whole", "alerts", "label", "kind"]).astype({"alerts": int})
    order = [one["address"] for one in shown]
    base = alt.Chart(data).encode(
        y=alt.Y("address:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
        x=alt.X("alerts:Q", title="transactions with an alert", axis=whole_numbers(data["alerts"])),
    )
    scale = alt.Scale(domain=["sanctions", "no sanctions known"], range=[charts.REFUSED, charts.ORANGE])
    bars = base.mark_bar().encode(
        color=alt.Color("kind:N", scale=scale, legend=None), tooltip=["whole:N", "alerts:Q"]
    )
    labels = base.mark_text(align="left", dx=4, color=charts.label_colour()).encode(text="label:N")
    chart = (bars + labels).properties(title=said, width=charts.WIDTH, height=max(60, 24 * len(shown)))
    return Chart(chart, f"{said}: " + ", ".join(f"{one['address']} {one['alerts']}" for one in shown))


def whole_numbers(counts: "pd.Series[Any]") -> Any:
    """Return an axis of counts, which has no fractions however few there are."""
    most = max((int(one) for one in counts), default=0)
    step = max(1, -(-most // 6))
    return charts.altair().Axis(values=list(range(0, most + step, step)), format=",d")


def _shade(severity: str) -> str:
    return {"SEVERE": charts.REFUSED, "HIGH": charts.ORANGE}.get(severity, charts.VIOLET)


def _short(address: str) -> str:
    shown = visible(address)
    return shown if len(shown) <= 19 else f"{shown[:8]}…{shown[-8:]}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
