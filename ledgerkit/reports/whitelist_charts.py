"""The chart of whitelists: addresses by currency, and the gravest of what was found about each."""

from collections import Counter
from typing import Final

import pandas as pd

from ledgerkit import charts
from ledgerkit.charts import Chart, altair
from ledgerkit.showing import visible

MOST_CURRENCIES: Final = 15
RISKY, ODD, UNUSED, NOTHING = "risky or not what it seems", "other findings", "unused", "in use, nothing found"
NOT_KNOWN: Final = "nothing found, use not known"
_COLOURS: Final = {
    RISKY: charts.RED,
    ODD: charts.ORANGE,
    UNUSED: charts.GREY,
    NOT_KNOWN: charts.BLUE,
    NOTHING: charts.GREEN,
}
_GRAVE: Final = frozenset({"sanctioned", "risky", "look-alike", "near look-alike", "misleading address"})


def draw_addresses(addresses: pd.DataFrame) -> Chart:
    """Draw how many addresses of whitelists there are by currency, and what was found about them."""
    alt = altair()
    counted: dict[tuple[str, str], int] = {}
    columns = (addresses[one].tolist() for one in ("currency", "findings", "transactions"))
    for currency, kinds, transactions in zip(*columns, strict=True):
        key = visible(str(currency)), _group(kinds, used=not pd.isna(transactions))
        counted[key] = counted.get(key, 0) + 1
    sums: dict[str, int] = {}
    for (currency, _), number in counted.items():
        sums[currency] = sums.get(currency, 0) + number
    largest = sorted(sums, key=lambda one: (-sums[one], one))
    shown, others = largest[:MOST_CURRENCIES], frozenset(largest[MOST_CURRENCIES:])
    told = {group for _, group in counted}
    groups = [one for one in _COLOURS if one != NOT_KNOWN or NOT_KNOWN in told]
    data = pd.DataFrame(
        [
            {"currency": currency, "found": group, "addresses": counted[currency, group], "order": order}
            for currency in shown
            for order, group in enumerate(groups)
            if (currency, group) in counted
        ],
        columns=["currency", "found", "addresses", "order"],
    )
    ends = pd.DataFrame({"currency": shown, "addresses": [sums[one] for one in shown]})
    of_group: Counter[str] = Counter()
    for (_, group), number in counted.items():
        of_group[group] += number
    total = len(addresses)
    if of_group[RISKY]:
        title = f"{of_group[RISKY]} of {total} whitelisted addresses are risky or not what they seem"
        title += f", and {of_group[ODD]} have other findings" if of_group[ODD] else ""
    elif of_group[ODD]:
        title = f"{of_group[ODD]} of {total} whitelisted addresses have findings, none of them known as a risk"
    else:
        title = f"Nothing odd was found about {total} whitelisted addresses"
    answered = int((addresses["checked"] == "yes").sum())
    asked = f"; compliance answered about {answered} of {total}"
    left = f"; {len(others)} more currencies have {sum(sums[one] for one in others)}" if others else ""
    scale = alt.Scale(domain=groups, range=[_COLOURS[one] for one in groups])
    y = alt.Y("currency:N", sort=list(shown), title=None)
    bars = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            y=y,
            x=alt.X("addresses:Q", title="addresses on whitelists", axis=alt.Axis(tickMinStep=1, format="d")),
            color=alt.Color("found:N", scale=scale, title=None, legend=alt.Legend(orient="top")),
            order="order:O",
            tooltip=["currency:N", "found:N", "addresses:Q"],
        )
    )
    labels = (
        alt.Chart(ends)
        .mark_text(align="left", dx=4, style=charts.LABEL, color=charts.label_colour())
        .encode(y=y, x="addresses:Q", text="addresses:Q")
    )
    chart = (bars + labels).properties(
        title={"text": title, "subtitle": f"each address once, by the gravest of what was found{asked}{left}"},
        height={"step": 20},
        width=charts.WIDTH,
    )
    return Chart(chart, f"{title}{asked}{left}.")


def _group(kinds: object, *, used: bool) -> str:
    found = set(kinds.split(", ")) if isinstance(kinds, str) else set()
    if found & _GRAVE:
        return RISKY
    if found - {"unused"}:
        return ODD
    return UNUSED if found else NOTHING if used else NOT_KNOWN
