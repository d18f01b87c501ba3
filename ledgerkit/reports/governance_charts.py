"""The charts of governance: how few people move money, and which weak spots there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart, altair
from ledgerkit.reports.rows import counted, records
from ledgerkit.reports.weak_spots import SEVERITIES
from ledgerkit.showing import visible

MOST_BARS: Final = 30
# What the note of an account says from which nobody can move money.
STUCK: Final = "no rule set lets anybody move money"
ONE, TWO, MORE, UNKNOWN, NOBODY = "one person", "two people", "three or more", "can't be told", "nobody"


def draw_fewest(accounts: pd.DataFrame) -> Chart:
    """Draw how few people are enough to move money from accounts, those with the fewest first.

    Every account is counted: one of which nothing can be told may need one person.
    """
    alt = altair()
    rows = [_bar(row) for row in records(accounts)]
    # What can't be told may be fewer: it stands before what is known to need as many.
    rows.sort(key=lambda row: (row["people"] == 0, row["people"], row["kind"] != UNKNOWN, row["account"]))
    shown = rows[:MOST_BARS]
    # Names may repeat: the id keeps each account a bar of its own.
    names = _distinct([row["account"] for row in shown], [row["id"] for row in shown])
    data = pd.DataFrame(
        [{**row, "account": name} for row, name in zip(shown, names, strict=True)],
        columns=["account", "people", "told", "kind"],
    ).astype({"people": "float64"})
    scale = alt.Scale(
        domain=[ONE, TWO, MORE, UNKNOWN, NOBODY],
        range=[charts.REFUSED, charts.WAITING, charts.DONE, charts.NEUTRAL, charts.NEUTRAL],
    )
    of_kind = Counter(row["kind"] for row in rows)
    title = (
        f"One person alone can move money from {of_kind[ONE]} of {len(rows)} accounts"
        if of_kind[ONE]
        else f"No account of {len(rows)} is known to be moved by one person"
    )
    if of_kind[UNKNOWN]:
        title += f"; of {of_kind[UNKNOWN]} it can't be told"
    cut = f"the {len(shown)} of {len(rows)} accounts that need fewest" if len(shown) < len(rows) else "all accounts"
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


def _bar(row: Mapping[str, Any]) -> dict[str, Any]:
    account = {"account": visible(str(row["account_name"])), "id": row["account_id"]}
    sure, least = row["fewest_people"], row["at_least"]
    if sure is not None:
        kind = ONE if sure == 1 else TWO if sure == 2 else MORE
        return {**account, "people": sure, "told": counted(sure, "person", "people"), "kind": kind}
    if row["note"] == STUCK:
        return {**account, "people": 0, "told": "nobody can", "kind": NOBODY}
    least = least or 1
    told = f"can't be told, {counted(least, 'person', 'people')} at least"
    return {**account, "people": least, "told": told, "kind": UNKNOWN}


def _distinct(names: Sequence[str], ids: Sequence[int]) -> list[str]:
    return [f"{name} ({number})" if names.count(name) > 1 else name for name, number in zip(names, ids, strict=True)]


def draw_spots(spots: pd.DataFrame) -> Chart:
    """Draw how many weak spots of each kind there are, the gravest first."""
    alt = altair()
    groups = spots.groupby(["severity", "kind"], sort=False).size().reset_index(name="findings")
    rank = {severity: position for position, severity in enumerate(SEVERITIES)}
    data = groups.assign(rank=groups["severity"].map(rank)).sort_values(
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
