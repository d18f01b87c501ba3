"""Charts that JupyterLab draws by itself: one look, readable in light and dark, with the units on the axes.

A chart is drawn with floats, made where it is drawn: the frames beside it keep the exact values.
"""

import importlib
import importlib.util
import zlib
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import ConfigurationError
from ledgerkit.showing import visible

# JupyterLab 4 draws Vega-Lite 5 by itself, and would fetch 6 from the network. altair 6 names 6, and writes the same.
MIME: Final = "application/vnd.vegalite.v5+json"
VERSION: Final = "5.20"
SCHEMA: Final = f"https://vega.github.io/schema/vega-lite/v{VERSION}.1.json"
# A chart as wide as its container makes JupyterLab's page grow without an end.
WIDTH: Final = 640
HEIGHT: Final = 280
# Each has a contrast of at least 3:1 on white and on the grey of Vega's dark theme, and they differ for readers who
# tell some colours apart less well. A test computes both.
BLUE: Final = "#2b8cc4"
ORANGE: Final = "#d9730d"
GREEN: Final = "#009e73"
VIOLET: Final = "#a876d6"
RED: Final = "#e05a5a"
TEAL: Final = "#1f9aa8"
BROWN: Final = "#b07d4a"
OLIVE: Final = "#7f8f1f"
GREY: Final = "#8a8a8a"
PALETTE: Final = (BLUE, ORANGE, GREEN, VIOLET, RED, TEAL, BROWN, OLIVE)
# States and differences: as the pills of cards, whose words carry the meaning.
WAITING, DONE, REFUSED, NEUTRAL = "#b8860b", GREEN, RED, GREY
# The well-known ones share no colour with their neighbours in most charts; a coin and its ticker are one.
_OF_CURRENCY: Final = {
    **dict.fromkeys(("bitcoin", "btc", "wbtc", "tron", "trx"), ORANGE),
    **dict.fromkeys(("ethereum", "eth", "steth", "near"), VIOLET),
    **dict.fromkeys(("solana", "sol", "jitosol", "usdt"), GREEN),
    **dict.fromkeys(("tezos", "xtz", "usdc", "litecoin", "ltc"), BLUE),
    **dict.fromkeys(("cardano", "ada", "ripple", "xrp", "eurc"), TEAL),
    **dict.fromkeys(("polkadot", "dot", "avalanche_c_chain", "avax"), RED),
    **dict.fromkeys(("dogecoin", "doge", "bsc", "bnb"), BROWN),
    **dict.fromkeys(("stellar", "xlm", "polygon", "pol", "dai"), OLIVE),
}
# The size and font of direct labels, as those of axes; their colour is `label_colour()`.
LABEL: Final = "guide-label"


def altair() -> ModuleType:
    """Return the library of charts.

    Raises
    ------
    ConfigurationError
        It is not installed, or a version that this Python can't import.
    """
    try:
        return importlib.import_module("altair")
    except (ImportError, TypeError):  # altair 5 on Python 3.14: its own types are refused
        raise ConfigurationError(
            "charts need the package altair, version 6, which is not installed: pip install "
            "'ledgerkit-enterprise[lab]'. The tables of a report need it not."
        ) from None


class Chart:
    """A chart as the last line of a cell.

    Parameters
    ----------
    chart
        An altair chart. Its ``title`` is its message; it gets the width and height of all charts where it has none.
    words
        The same in a sentence, for whoever can't see it.

    Attributes
    ----------
    altair
        The altair chart, to be changed or saved.
    """

    def __init__(self, chart: Any, words: str) -> None:
        self.altair = chart
        self.words = visible(words)

    def spec(self) -> dict[str, Any]:
        """Return the chart as Vega-Lite."""
        alt = altair()
        # Rows are bounded by who makes the chart; altair's own bound is for notebooks that grow.
        with alt.data_transformers.enable("default", max_rows=None):
            spec: dict[str, Any] = self.altair.to_dict()
        spec["$schema"] = SCHEMA
        # altair gives every chart its own default width and font sizes, and a background that a dark page would show.
        spec.pop("background", None)
        config = spec.setdefault("config", {})
        config["view"] = {"continuousWidth": WIDTH, "continuousHeight": HEIGHT, "stroke": None}
        config["title"] = {"anchor": "start", "fontSize": 13, "fontWeight": "bold", "subtitleFontSize": 12}
        config["axis"] = {"gridOpacity": 0.35, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal"}
        config["legend"] = {"labelFontSize": 11, "titleFontSize": 11, "symbolStrokeWidth": 3}
        return spec

    def svg(self) -> str:
        """Return the chart as an SVG drawing on white, which needs no script to be shown.

        Raises
        ------
        ConfigurationError
            vl-convert-python is not installed.
        """
        try:
            convert = importlib.import_module("vl_convert")
        except ImportError:
            raise ConfigurationError(
                "drawing a chart without a browser needs the package vl-convert-python, which is not installed: "
                "pip install 'ledgerkit-enterprise[lab]'."
            ) from None
        drawing: str = convert.vegalite_to_svg({**self.spec(), "background": "white"}, vl_version=VERSION)
        return drawing

    def __repr__(self) -> str:
        return f"Chart: {self.words}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        # JupyterLab takes the first and draws it in its own colours; a page that runs no script takes the drawing.
        shown: dict[str, Any] = {MIME: self.spec(), "text/plain": repr(self)}
        if importlib.util.find_spec("vl_convert") is not None:
            shown["image/svg+xml"] = self.svg()
        return shown


def colour(currency: str) -> str:
    """Return the colour of a currency, the same in all charts.

    Parameters
    ----------
    currency
        Its name, such as ``"bitcoin"``, or of a token its ticker.
    """
    name = currency.lower()
    return _OF_CURRENCY.get(name) or PALETTE[zlib.crc32(name.encode()) % len(PALETTE)]


def colours(currencies: Iterable[str]) -> Any:
    """Return the altair scale of the colours of currencies."""
    names = list(dict.fromkeys(currencies))
    return altair().Scale(domain=names, range=[colour(name) for name in names])


def label_colour() -> Any:
    """Return the colour of direct labels: dark on a light page, light on a dark one.

    Vega-Lite writes black into every text, and no style of a theme comes after that.
    """
    return altair().expr("background && luminance(background) < 0.4 ? '#dddddd' : '#333333'")


def drawn(values: "pd.Series[Any]") -> "pd.Series[float]":
    """Return exact values as the floats that a chart is drawn with; none stays none."""
    return pd.Series(
        [float("nan") if pd.isna(one) else float(one) for one in values], index=values.index, dtype=float
    )
