"""The one style sheet of all forms, sent once."""

from pathlib import Path
from typing import Any

import ipywidgets as widgets

_SHEET = Path(__file__).with_name("style.css")
_SENT: list[Any] = []


def style() -> widgets.HTML:
    """Return the widget that carries the style sheet; all forms of a kernel show the same one."""
    if not _SENT or _SENT[0].comm is None:
        _SENT[:] = [widgets.HTML(f"<style>{_SHEET.read_text()}</style>")]
    return _SENT[0]
