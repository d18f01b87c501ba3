"""Charts: readable in light and dark, the same colour for the same currency, drawn without a network."""

import importlib
from decimal import Decimal
from typing import Any

import altair as alt
import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit import charts
from ledgerkit.charts import Chart, colour, colours, drawn

WHITE = "#ffffff"
DARK = "#333333"  # the ground of Vega's dark theme, which JupyterLab takes


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, brighter = sorted([luminance(one), luminance(other)])
    return (brighter + 0.05) / (darker + 0.05)


def chart() -> Chart:
    rows = pd.DataFrame({"name": ["a", "b"], "value": drawn(pd.Series([Decimal("0.5"), 2**70], dtype=object))})
    bars = alt.Chart(rows, title="Two values").mark_bar()
    return Chart(bars.encode(x=alt.X("value:Q", title="BTC"), y=alt.Y("name:N", title=None)), "a has 0.5, b has more")


@pytest.mark.parametrize("ground", [WHITE, DARK])
@pytest.mark.parametrize("ink", [*charts.PALETTE, charts.GREY, charts.WAITING, charts.DONE, charts.REFUSED])
def test_every_colour_is_told_from_a_light_and_a_dark_ground(ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= 3


def test_the_colours_of_one_chart_differ() -> None:
    assert len(set(charts.PALETTE)) == len(charts.PALETTE)


def test_a_currency_has_one_colour_in_all_charts() -> None:
    first, second = colours(["bitcoin", "ripple"]), colours(["ripple", "stellar", "bitcoin"])
    assert dict(zip(first.domain, first.range, strict=True))["ripple"] == colour("ripple")
    assert dict(zip(second.domain, second.range, strict=True))["ripple"] == colour("RIPPLE")
    assert colour("bitcoin") != colour("ethereum")


def test_a_chart_is_drawn_by_jupyterlab_in_its_own_colours() -> None:
    shown: dict[str, Any] = chart()._repr_mimebundle_()
    assert next(iter(shown)) == charts.MIME
    spec = shown[charts.MIME]
    assert "background" not in spec
    assert spec["config"]["view"]["continuousWidth"] == charts.WIDTH
    assert spec["title"] == "Two values"
    assert shown["text/plain"] == "Chart: a has 0.5, b has more"
    # What JupyterLab 4 has with it, whichever version altair names.
    assert spec["$schema"] == "https://vega.github.io/schema/vega-lite/v5.20.1.json"


def test_a_page_without_scripts_has_the_drawing() -> None:
    svg = chart()._repr_mimebundle_()["image/svg+xml"]
    assert svg.startswith("<svg")
    assert "Two values" in svg
    assert "<script" not in svg


def test_more_rows_than_altair_takes_by_itself_are_drawn() -> None:
    rows = pd.DataFrame({"x": range(6000), "y": [float(one) for one in range(6000)]})
    spec = Chart(alt.Chart(rows).mark_line().encode(x="x:Q", y="y:Q"), "many").spec()
    assert len(next(iter(spec["datasets"].values()))) == 6000


def test_what_has_no_value_is_a_gap() -> None:
    values = drawn(pd.Series([1, pd.NA, Decimal("0.1"), None], dtype=object))
    assert values.isna().tolist() == [False, True, False, True]
    assert values[2] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("package", "error"),
    [("altair", ImportError), ("altair", TypeError), ("vl_convert", ImportError)],
    ids=["altair", "altair 5 on Python 3.14", "vl_convert"],
)
def test_a_package_that_is_not_there_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, package: str, error: type[Exception]
) -> None:
    made, there = chart(), importlib.import_module

    def without(name: str) -> Any:
        if name == package:
            raise error(name)
        return there(name)

    monkeypatch.setattr(charts.importlib, "import_module", without)  # type: ignore[attr-defined]  # what it imported
    with pytest.raises(lk.ConfigurationError, match=r"pip install 'ledgerkit-enterprise\[lab\]'"):
        made.svg()


def test_words_that_deceive_are_made_visible() -> None:
    assert "\u202e" not in repr(Chart(None, "a\u202eb"))
    assert repr(Chart(None, "two\nlines")).splitlines() == [r"Chart: two\nlines"]
