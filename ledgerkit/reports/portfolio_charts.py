"""The charts of a portfolio: values where there are prices, and shares of each currency by entity."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from ledgerkit.charts import GREY, LABEL, PALETTE, WIDTH, Chart, altair, colour, drawn, label_colour
from ledgerkit.reports.exactly import percent, rounded, short, total
from ledgerkit.reports.folders import NO_ENTITY
from ledgerkit.reports.holdings import THOUSANDS, Holding, asset_labels, colour_name, plain
from ledgerkit.reports.rows import counted as number_of
from ledgerkit.reports.worth import face, sums
from ledgerkit.showing import visible

Worth = Sequence[tuple[Holding, Decimal]]
MOST_BARS: Final = 20
# More parts of one bar, or more entities, can't be told apart.
MOST_PARTS: Final = 7
OTHERS: Final = "all others"
STEP: Final = 22
# Inside of a bar text is black in light and dark: on each colour of the palette its contrast is over 5:1.
INSIDE: Final = "black"


def by_currency(counted: Sequence[Holding], worth: Worth, quote: str) -> Chart:
    """Draw the value of each currency, the highest first."""
    alt = altair()
    values, colours = _by_label(counted, worth)
    whole = total(values.values())
    frame = _bars(values, colours)
    frame["text"] = [f"{plain(rounded(value, 0))} ({percent(value, whole)} %)" for value in frame["exact"]]
    frame["value"] = drawn(frame.pop("exact"))
    named = visible(quote)
    title = f"{frame['label'].iloc[0]} is {percent(values[frame['label'].iloc[0]], whole)} % of what has a price"
    chart = alt.Chart(frame, title=title)
    y = alt.Y("label:N", sort=None, title=None)
    bars = chart.mark_bar().encode(
        x=alt.X("value:Q", title=f"value, {named}", axis=alt.Axis(labelExpr=THOUSANDS, tickCount=6)),
        y=y,
        color=alt.Color("colour:N", scale=None),
    )
    texts = chart.mark_text(style=LABEL, color=label_colour(), align="left", dx=4).encode(
        x="value:Q", y=y, text="text:N"
    )
    drawing = (bars + texts).properties(width=WIDTH - 140, height=alt.Step(STEP))
    return Chart(drawing, f"{title}, in {named}: {_words(frame)}")


def by_entity(counted: Sequence[Holding], worth: Worth, quote: str) -> Chart:
    """Draw the value of each entity, a part for each currency; an account in several is in several bars."""
    alt = altair()
    values, colours = _by_label(counted, worth)
    top = sorted(values, key=lambda label: -values[label])[:MOST_PARTS]
    labels = asset_labels(counted)
    parts: dict[tuple[str, str], list[Decimal]] = {}
    sums: dict[str, list[Decimal]] = {}
    for holding, value in worth:
        label = labels[holding.key] if labels[holding.key] in top else OTHERS
        for name in holding.entities or [NO_ENTITY]:
            parts.setdefault((name, label), []).append(value)
            sums.setdefault(name, []).append(value)
    whole = {name: total(inside) for name, inside in sums.items()}
    order = sorted(whole, key=lambda name: -whole[name])[:MOST_BARS]
    highest = max(whole.values())
    rows = []
    for name in order:
        at = 0.0
        for label in [*top, OTHERS]:
            if (name, label) not in parts:
                continue
            value = total(parts[name, label])
            size = float(value)
            rows.append(
                {
                    "entity": visible(name),
                    "label": label,
                    "start": at,
                    "end": at + size,
                    "middle": at + size / 2,
                    "colour": colours.get(label, GREY),
                    # A part that is narrower than its name goes without.
                    "text": label if size / float(highest) * (WIDTH - 160) > 8 * len(label) else "",
                    "worth": f"{plain(rounded(value, 0))} {visible(quote)}",
                }
            )
            at += size
    frame = pd.DataFrame(rows)
    ends = pd.DataFrame(
        [
            {"entity": visible(name), "end": float(whole[name]), "text": plain(rounded(whole[name], 0))}
            for name in order
        ]
    )
    named = visible(quote)
    title = f"{visible(order[0])} holds the most of what has a price"
    overlap = any(len(holding.entities) > 1 for holding, _ in worth)
    subtitle = "entities overlap: an account in several is in each of them" if overlap else ""
    y = alt.Y("entity:N", sort=None, title=None)
    chart = alt.Chart(frame, title=alt.Title(title, subtitle=subtitle) if overlap else title)
    bars = chart.mark_bar(stroke=INSIDE, strokeWidth=0.5).encode(
        x=alt.X("start:Q", title=f"value, {named}", axis=alt.Axis(labelExpr=THOUSANDS, tickCount=6)),
        x2="end:Q",
        y=y,
        color=_legend("label", rows),
        tooltip=["entity:N", "label:N", "worth:N"],
    )
    inside = chart.mark_text(color=INSIDE, fontSize=11).encode(x="middle:Q", y=y, text="text:N")
    outside = (
        alt.Chart(ends)
        .mark_text(style=LABEL, color=label_colour(), align="left", dx=4)
        .encode(x="end:Q", y=y, text="text:N")
    )
    drawing = (bars + inside + outside).properties(width=WIDTH - 160, height=alt.Step(STEP + 6))
    said = "; ".join(f"{name} {text}" for name, text in zip(ends["entity"], ends["text"], strict=True))
    return Chart(drawing, f"{title}, in {named}: {said}")


def shares(held: Sequence[Holding]) -> Chart:
    """Draw who holds what: for each currency the share of each entity, so that no two units are on one axis.

    What one alone holds would be a bar of one colour, and is there only where nothing is split.
    """
    alt = altair()
    labels = asset_labels(held)
    groups: dict[str, list[Holding]] = {}
    for holding in held:
        groups.setdefault(labels[holding.key], []).append(holding)
    owners: dict[str, int] = {}
    for holding in held:
        owner = _owner(holding)
        owners[owner] = owners.get(owner, 0) + 1
    named = sorted((one for one in owners if one != NO_ENTITY), key=lambda one: (-owners[one], one))
    top = named[:MOST_PARTS]
    rows, ends = [], []
    # What is spread over the most entities says the most.
    holders = {label: len({_owner(one) for one in group}) for label, group in groups.items()}
    split = [label for label in groups if holders[label] > 1] or list(groups)
    order = sorted(split, key=lambda label: (-holders[label], label))
    for label in order[:MOST_BARS]:
        group = groups[label]
        whole = total(one.total for one in group)
        at = 0.0
        for owner in [*top, OTHERS, NO_ENTITY]:
            own = [one.total for one in group if _among(_owner(one), top) == owner]
            if not own:
                continue
            share = percent(total(own), whole) or Decimal(0)
            size = float(share)
            rows.append(
                {
                    "label": label,
                    "owner": visible(owner),
                    "start": at,
                    "end": at + size,
                    "middle": at + size / 2,
                    "colour": PALETTE[top.index(owner)] if owner in top else GREY,
                    "text": visible(owner) if size * (WIDTH - 260) / 100 > 7 * len(owner) else "",
                    "share": f"{share} %",
                }
            )
            at += size
        amount = sums(group)["amount"]
        text = f"{plain(whole)} base units" if amount is None else f"{plain(short(amount))} {face(group).ticker}"
        ends.append({"label": label, "end": 100.0, "text": visible(text)})
    frame, amounts = pd.DataFrame(rows), pd.DataFrame(ends)
    spread = sum(1 for group in groups.values() if len({name for one in group for name in one.entities}) > 1)
    title = (
        f"{spread} of {number_of(len(groups), 'currency or token is', 'currencies and tokens are')} "
        "held in more than one entity"
    )
    more = f"the first {MOST_BARS} of {len(order)}; " if len(order) > MOST_BARS else ""
    alone = len(groups) - len(order)
    rest = f"; not drawn: {alone} with one holder each" if alone else ""
    subtitle = f"{more}at the right: all that is held of it{rest}"
    chart = alt.Chart(frame, title=alt.Title(title, subtitle=subtitle))
    y = alt.Y("label:N", sort=None, title=None)
    bars = chart.mark_bar(stroke=INSIDE, strokeWidth=0.5).encode(
        x=alt.X("start:Q", title="share of what is held of it, %", scale=alt.Scale(domain=[0, 100], nice=False)),
        x2="end:Q",
        y=y,
        color=_legend("owner", rows),
        tooltip=["label:N", "owner:N", "share:N"],
    )
    inside = chart.mark_text(color=INSIDE, fontSize=11).encode(x="middle:Q", y=y, text="text:N")
    outside = (
        alt.Chart(amounts)
        .mark_text(style=LABEL, color=label_colour(), align="left", dx=4)
        .encode(x="end:Q", y=y, text="text:N")
    )
    drawing = (bars + inside + outside).properties(width=WIDTH - 260, height=alt.Step(STEP))
    said = "; ".join(
        f"{label}: " + ", ".join(f"{row['owner']} {row['share']}" for row in rows if row["label"] == label)
        for label in dict.fromkeys(frame["label"])
    )
    return Chart(drawing, f"{title}. {said}{rest}")


def _legend(field: str, rows: Sequence[dict[str, Any]]) -> Any:
    """Return the colours of parts of bars by name, with a legend: a narrow part has no room for its name."""
    alt = altair()
    colours = {row[field]: row["colour"] for row in rows}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = alt.Legend(orient="bottom", title=None, columns=4, symbolStrokeWidth=0)
    return alt.Color(f"{field}:N", scale=scale, legend=legend)


def _owner(holding: Holding) -> str:
    """Return the entities of a holding as one: what is in two is a part of its own, so that no share is twice."""
    return " + ".join(holding.entities) or NO_ENTITY


def _among(owner: str, top: Sequence[str]) -> str:
    return owner if owner in top or owner == NO_ENTITY else OTHERS


def _by_label(counted: Sequence[Holding], worth: Worth) -> tuple[dict[str, Decimal], dict[str, str]]:
    labels = asset_labels(counted)
    parts: dict[str, list[Decimal]] = {}
    colours = {}
    for holding, value in worth:
        parts.setdefault(labels[holding.key], []).append(value)
        colours[labels[holding.key]] = colour(colour_name(holding))
    return {label: total(values) for label, values in parts.items()}, colours


def _bars(values: dict[str, Decimal], colours: dict[str, str]) -> pd.DataFrame:
    """Return a bar for each of the highest values, and one for all others."""
    order = sorted(values, key=lambda label: -values[label])
    shown = order if len(order) <= MOST_BARS else order[: MOST_BARS - 1]
    rows = [{"label": label, "exact": values[label], "colour": colours[label]} for label in shown]
    if rest := order[len(shown) :]:
        rows.append({"label": OTHERS, "exact": total(values[label] for label in rest), "colour": GREY})
    return pd.DataFrame(rows)


def _words(frame: pd.DataFrame) -> str:
    return "; ".join(f"{label} {text}" for label, text in zip(frame["label"], frame["text"], strict=True))
