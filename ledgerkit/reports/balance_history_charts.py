"""The charts of balances by day: a line for each account, one chart for each currency."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pandas as pd

from ledgerkit.charts import HEIGHT, LABEL, PALETTE, WIDTH, Chart, altair, colour, drawn, label_colour
from ledgerkit.reports.balance_lines import Line
from ledgerkit.reports.daily import Reading
from ledgerkit.reports.exactly import known, short, total
from ledgerkit.reports.holdings import THOUSANDS, plain
from ledgerkit.reports.prices import Key
from ledgerkit.showing import visible

# More lines in one chart can't be told apart.
MOST_LINES: Final = 6


def drawings(lines: Sequence[Line], reading: Reading) -> dict[str, Callable[[], Chart]]:
    """Return a chart for each currency in which something was held: two units are never on one axis."""
    groups: dict[Key, list[Line]] = {}
    for line in lines:
        if line.magnitude is not None and any(value for _, value in line.known):
            groups.setdefault(line.key, []).append(line)
    words: dict[str, int] = {}
    for group in groups.values():
        words[_word(group[0])] = words.get(_word(group[0]), 0) + 1
    drawings: dict[str, Callable[[], Chart]] = {}
    for group in sorted(groups.values(), key=lambda lines: (_word(lines[0]).casefold(), lines[0].id)):
        name = _word(group[0])
        if words[name] > 1:
            name += f" · {visible(group[0].currency or '')}"
        if name in drawings:
            name += f" · {visible(group[0].contract or 'coin')}"
        drawings[name] = partial(_draw, name, group, reading)
    return drawings


def _draw(name: str, lines: Sequence[Line], reading: Reading) -> Chart:
    """Draw the balances of one currency, a line for each account, with a break where there is no value."""
    alt = altair()
    order = sorted(lines, key=lambda line: -max(value for _, value in line.known))
    shown = order[:MOST_LINES]
    rows, ends = [], []
    for place, line in enumerate(shown):
        label = line.label if sum(one.label == line.label for one in shown) == 1 else f"{line.label} ({line.id})"
        own = PALETTE[place] if len(lines) > 1 else colour(_colour_name(line))
        days = sorted(line.days.items())
        if line.opening_on is not None and line.opening_on not in line.days:
            days.insert(0, (line.opening_on, (line.opening, None)))  # what the change of the title begins with
        for position, (day, (value, _)) in enumerate(days):
            beside = [days[at][1][0] for at in (position - 1, position + 1) if 0 <= at < len(days)]
            alone = known(value) and not any(known(one) for one in beside)
            rows.append({"date": day, "exact": line.shown(value), "account": label, "colour": own, "alone": alone})
        last_day, last_value = line.known[-1]
        ends.append({"date": last_day, "exact": line.shown(last_value), "text": label, "colour": own})
    frame, tips = pd.DataFrame(rows), pd.DataFrame(ends)
    frame["balance"] = drawn(frame.pop("exact"))
    tips["balance"] = drawn(tips.pop("exact"))
    tips["at"] = _apart(tips["balance"].tolist(), frame["balance"].min(), frame["balance"].max())
    unit = visible(lines[0].ticker or "base units")
    title = _title(name, lines, unit)
    more = f"the {MOST_LINES} accounts with the highest balances of {len(lines)}; " if len(order) > len(shown) else ""
    chart = alt.Chart(frame, title=alt.Title(title, subtitle=f"{more}a break is a day without a value"))
    x = alt.X(
        "date:T",
        title=f"day, UTC; a value is of its {reading}",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(tickCount=8, labelOverlap=True),
    )
    y = alt.Y("balance:Q", title=f"balance, {unit}", scale=alt.Scale(zero=False), axis=alt.Axis(labelExpr=THOUSANDS))
    colours = alt.Color("colour:N", scale=None)
    paths = chart.mark_line(invalid="break-paths-filter-domains", interpolate="step-after").encode(
        x=x, y=y, color=colours, detail="account:N"
    )
    single = (
        chart.transform_filter("datum.alone")
        .mark_point(filled=True, size=20, opacity=1)
        .encode(x=x, y=y, color=colours)
    )
    names = (
        alt.Chart(tips)
        .mark_text(style=LABEL, color=label_colour(), align="left", dx=6)
        .encode(x=x, y=alt.Y("at:Q"), text="text:N")
    )
    dots = alt.Chart(tips).mark_point(filled=True, size=30, opacity=1).encode(x=x, y=y, color=colours)
    longest = max(len(text) for text in tips["text"])
    drawing = (paths + single + dots + names).properties(width=WIDTH - min(7 * longest, 240), height=HEIGHT)
    said = "; ".join(f"{line.label} {_moved(line)}" for line in shown)
    return Chart(drawing, f"{title}. {more}{said}")


def _title(name: str, lines: Sequence[Line], unit: str) -> str:
    """Return the message: the change of one account, or what several hold; a sum of changes would miss new ones."""
    first, last = min(min(line.days) for line in lines), max(max(line.days) for line in lines)
    if len(lines) == 1:
        if lines[0].change is None:
            return f"{lines[0].label}: the change is not known, since an end of the period has no value"
        change = short(lines[0].shown(lines[0].change))
        sign = "+" if change > 0 else "−" if change < 0 else ""
        return f"{lines[0].label}: {sign}{plain(abs(change))} {unit} from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    ended = [line for line in lines if known(line.closing)]
    if not ended:
        return f"{name}: what {len(lines)} accounts hold on {last:%Y-%m-%d} is not known"
    held = plain(short(lines[0].shown(total(line.closing for line in ended))))
    without = f"; of {len(lines) - len(ended)} more it is not known" if len(ended) < len(lines) else ""
    return f"{name}: {held} {unit} in {len(ended)} accounts on {last:%Y-%m-%d}{without}"


def _moved(line: Line) -> str:
    """Return from what to what it went."""
    began, ended = (
        plain(line.shown(one)) if known(one) else "a balance that is not known"
        for one in (line.opening, line.closing)
    )
    return f"from {began} to {ended}"


def _colour_name(line: Line) -> str:
    return (line.currency if line.contract is None else line.ticker) or "unknown"


def _apart(values: Sequence[float], lowest: float, highest: float) -> list[float]:
    """Return where labels stand beside values, so that none covers another."""
    step = (highest - lowest) * 14 / HEIGHT
    places: dict[int, float] = {}
    at = float("-inf")
    for position in sorted(range(len(values)), key=lambda one: values[one]):
        at = max(values[position], at + step)
        places[position] = at
    return [places[position] for position in range(len(values))]


def _word(line: Line) -> str:
    return visible(line.ticker or line.currency or line.label)
