"""The charts of governance: how few people move money, and which weak spots there are."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart, altair
from ledgerkit.reports.weak_spots import SEVERITIES
from ledgerkit.showing import visible

MOST_BARS: Final = 30


def draw_fewest(accounts: pd.DataFrame) -> Chart:
    """Draw how few people are enough to move money from accounts, those with the fewest first."""
    alt = altair()
    looked = accounts[accounts["at_least"].notna()]
    sorted_rows = looked.sort_values(["at_least", "account_name"], kind="stable")
    shown = sorted_rows.head(MOST_BARS)
    sure = shown["fewest_people"].notna()
    told = [
        ("1 person" if number == 1 else f"{number} people") + ("" if known else " at least")
        for number, known in zip(shown["at_least"].tolist(), sure.tolist(), strict=True)
    ]
    kinds = [
        "can't be told"
        if not known
        else "one person"
        if number == 1
        else "two people"
        if number == 2
        else "three or more"
        for number, known in zip(shown["at_least"].tolist(), sure.tolist(), strict=True)
    ]
    data = pd.DataFrame(
        {
            "account": [visible(str(name)) for name in shown["account_name"]],
            "people": shown["at_least"].astype("float64").tolist(),
            "told": told,
            "kind": kinds,
        }
    )
    # Names may repeat: the row number keeps each account a bar of its own.
    data["account"] = _distinct(data["account"].tolist(), shown["account_id"].tolist())
    scale = alt.Scale(
        domain=["one person", "two people", "three or more", "can't be told"],
        range=[charts.REFUSED, charts.WAITING, charts.DONE, charts.NEUTRAL],
    )
    alone = int((looked["fewest_people"] == 1).sum())
    title = (
        f"One person alone can move money from {alone} of {len(looked)} accounts"
        if alone
        else f"No account of {len(looked)} is known to be moved by one person"
    )
    cut = (
        f"the {len(shown)} of {len(looked)} accounts that need fewest" if len(shown) < len(looked) else "all accounts"
    )
    base = alt.Chart(data).encode(
        y=alt.Y("account:N", sort=None, title=None, axis=alt.Axis(labelLimit=220)),
        x=alt.X(
            "people:Q",
            title="people needed, at least",
            axis=alt.Axis(values=list(range(int(data["people"].max() if len(data) else 1) + 1)), format="d"),
        ),
    )
    bars = base.mark_bar().encode(
        color=alt.Color("kind:N", scale=scale, legend=None), tooltip=["account:N", "told:N"]
    )
    labels = base.mark_text(align="left", dx=4, style=charts.LABEL, color=charts.label_colour()).encode(text="told:N")
    chart = (bars + labels).properties(
        title={"text": title, "subtitle": f"{cut}; a person counts in each step that names them"},
        height={"step": 16},
        width=charts.WIDTH,
    )
    return Chart(chart, f"{title}; {cut}.")


def _distinct(names: Sequence[str], ids: Sequence[int]) -> list[str]:
    return [f"{name} ({number})" if names.count(name) > 1 else name for name, number in zip(names, ids, strict=True)]


def draw_spots(spots: pd.DataFrame) -> Chart:
    """Draw how many weak spots of each kind there are, the gravest first."""
    alt = altair()
    counted = spots.groupby(["severity", "kind"], sort=False).size().reset_index(name="findings")
    rank = {severity: position for position, severity in enumerate(SEVERITIES)}
    data = counted.assign(rank=counted["severity"].map(rank)).sort_values(
        ["rank", "findings"], ascending=[True, False], kind="stable"
    )
    data = data.assign(
        label=[f"{kind} ({severity})" for kind, severity in zip(data["kind"], data["severity"], strict=True)]
    )
    scale = alt.Scale(
        domain=list(SEVERITIES),
        range=[charts.RED, charts.ORANGE, charts.WAITING, charts.BLUE, charts.GREY],
    )
    grave = int(spots["severity"].isin(["critical", "high"]).sum())
    title = f"{grave} of {len(spots)} findings are critical or high" if len(spots) else "Nothing weak was found"
    base = alt.Chart(data[["label", "severity", "findings"]]).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=280)),
        x=alt.X("findings:Q", title="findings", axis=alt.Axis(tickMinStep=1, format="d")),
    )
    bars = base.mark_bar().encode(
        color=alt.Color("severity:N", scale=scale, legend=None), tooltip=["label:N", "findings:Q"]
    )
    labels = base.mark_text(align="left", dx=4, style=charts.LABEL, color=charts.label_colour()).encode(
        text="findings:Q"
    )
    chart = (bars + labels).properties(title=title, height={"step": 20}, width=charts.WIDTH)
    return Chart(chart, f"{title}.")
