"""Numbers and options that are asked for, checked by name before anything is read."""

from collections.abc import Iterable
from typing import Any

from ledgerkit.errors import InvalidRequest, shorten


def whole_number(name: str, value: Any) -> None:
    """Refuse what is no whole number of at least 0; None is none that was asked for.

    Raises
    ------
    InvalidRequest
        It is none.
    """
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise InvalidRequest(f"`{name}` = {shorten(value)}: it takes a whole number of 0 or more.", field=name)


def one_of(name: str, value: Any, options: Iterable[str]) -> None:
    """Refuse what is none of these options.

    Raises
    ------
    InvalidRequest
        It is none.
    """
    known = list(options)
    if not isinstance(value, str) or value not in known:
        raise InvalidRequest(f"`{name}` = {shorten(value)}: it is one of {', '.join(known)}.", field=name)
