"""Units of the service in the labels of fields, and how far its word on them goes."""

import re
from typing import Final

from ledgerkit.amounts import Unit

_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,16}")


def code_for_label(unit: Unit | None) -> str | None:
    """Return the code of a unit where a label can show it as it is, or None: read and say base units then.

    ipywidgets typesets what a label has between dollar signs, and a code may turn the direction of the text around
    it: what is shown would not be what is compared.
    """
    return unit.code if unit is not None and _CODE.fullmatch(unit.code) else None
