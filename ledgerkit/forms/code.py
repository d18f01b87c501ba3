"""A line of code to be copied."""

from pathlib import Path

import anywidget
import traitlets


class CodeBox(anywidget.AnyWidget):
    """Shows code, and copies it at a click.

    Attributes
    ----------
    code
        What is shown; nothing is shown where it is empty.
    """

    _esm = Path(__file__).with_name("code.js").read_text(encoding="utf-8")  # as text, as a table's

    code = traitlets.Unicode("").tag(sync=True)

    def __init__(self, code: str = "") -> None:
        super().__init__(code=code)
