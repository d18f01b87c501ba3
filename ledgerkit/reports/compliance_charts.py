"""The charts of the report on compliance."""

from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart
from ledgerkit.reports.rows import counted, records
from ledgerkit.reports.screening import one_address
from ledgerkit.showing import visible

MOST_BARS: Final = 12
# What is known of sanctions, the worst first: that nobody asked is no all-clear.
LISTED, NO_ANSWER, NOT_ASKED, CLEAR = "under sanctions", "no answer", "not asked", "no sanctions"
_SHADES: Final = {
    LISTED: charts.REFUSED,
    NO_ANSWER: charts.VIOLET,
    NOT_ASKED: charts.NEUTRAL,
    CLEAR: charts.ORANGE,
}


def draw_months(months: pd.DataFrame, coverage: pd.DataFrame) -> Chart:
    """Draw the alerts of each month by severity."""
    alt = charts.altair()
    total, every, scored = (
        int(months["alerts"].sum()),
        *(int(coverage[one].sum()) for one in ("transactions", "scored")),
    )
    said = "No transactions"
    if every:
        rated = counted(total, "alert") if total else "No alert" if scored else "Nothing is known of risk"
        said = f"{rated}, {scored:,} of {every:,} transactions scored"
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
    found: dict[str, dict[str, Any]] = {}
    for row in records(counterparties):
        entry = found.setdefault(
            one_address(row["address"]), {"address": row["address"], "alerts": 0, "kind": row["verdict"]}
        )
        entry["alerts"] += row["alerts"]
    # An address without alerts is shown only for its sanctions.
    bad = [entry for entry in found.values() if entry["alerts"] or entry["kind"] == LISTED]
    bad.sort(key=lambda entry: (-entry["alerts"], entry["kind"] != LISTED, entry["address"]))
    shown = [
        {
            "address": f"{_short(entry['address'])}{' (sanctions)' if entry['kind'] == LISTED else ''}",
            "whole": visible(entry["address"]),
            "alerts": entry["alerts"],
            "label": str(entry["alerts"]),
            "kind": entry["kind"],
        }
        for entry in bad[:MOST_BARS]
    ]
    said = _of_counterparties([entry["kind"] for entry in found.values()], len(bad))
    data = pd.DataFrame(shown, columns=["address", "whole", "alerts", "label", "kind"]).astype({"alerts": int})
    order = [one["address"] for one in shown]
    base = alt.Chart(data).encode(
        y=alt.Y("address:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
        x=alt.X("alerts:Q", title="transactions with an alert", axis=whole_numbers(data["alerts"])),
    )
    kinds = [kind for kind in _SHADES if any(one["kind"] == kind for one in shown)]
    scale = alt.Scale(domain=kinds, range=[_SHADES[kind] for kind in kinds])
    legend = alt.Legend(orient="top") if kinds else None
    bars = base.mark_bar().encode(
        color=alt.Color("kind:N", scale=scale, title=None, legend=legend),
        tooltip=["whole:N", "alerts:Q", "kind:N"],
    )
    labels = base.mark_text(align="left", dx=4, color=charts.label_colour()).encode(text="label:N")
    chart = (bars + labels).properties(title=said, width=charts.WIDTH, height=max(60, 24 * len(shown)))
    words = (f"{one['address']} {one['alerts']}, {one['kind']}" for one in shown)
    return Chart(chart, ": ".join(filter(None, (said, "; ".join(words)))))


def _of_counterparties(verdicts: list[str], bad: int) -> str:
    """Say what came out, and of how many nothing can be said."""
    if not verdicts:
        return "No counterparties"
    found = (
        f"{counted(bad, 'counterparty', 'counterparties')} with alerts or sanctions"
        if bad
        else "No counterparty with alerts or known sanctions"
    )
    if bad > MOST_BARS:
        found += f" (the {MOST_BARS} with most)"
    asked = len(verdicts) - verdicts.count(NOT_ASKED)
    said = f"{found}, sanctions asked for {asked:,} of {len(verdicts):,} counterparties"
    silent = verdicts.count(NO_ANSWER)
    return f"{said}, {silent:,} without an answer" if silent else said


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
