"""Single fields of a creation body: what the service takes in each, and how it refuses the rest."""

import re
from collections.abc import Iterable
from typing import Any

from .answers import Refusal
from .store import Node

# a text that holds an amount has at most as many digits as 2 to the 256 minus 1, the largest that a chain can hold
_DIGITS = re.compile(r"[0-9]{1,78}")
_SIGNED_DIGITS = re.compile(r"-?[0-9]{1,78}")
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})+")
SHOWN = 80


def refused(name: str, value: Any, rule: str) -> Refusal:
    """Return the refusal of a field that names the field, the value and the rule."""
    text = repr(value)
    if len(text) > SHOWN:
        text = text[:SHOWN] + "..."
    return Refusal(400, f"Invalid value {text} for '{name}': {rule}")


def record(value: Any, name: str, required: Iterable[str], optional: Iterable[str] = ()) -> Node:
    """Return an object that has all of the required fields, and none but those and the optional ones."""
    if not isinstance(value, dict):
        raise refused(name, value, "an object is expected")
    needed = tuple(required)
    known = (*needed, *optional)
    prefix = f"{name}." if name else ""
    for field in needed:
        if field not in value:
            raise Refusal(400, f"Missing field '{prefix}{field}'")
    for field in value:
        if field not in known:
            raise Refusal(400, f"Unknown field '{prefix}{field}': known are {', '.join(known)}")
    return value


def text(value: Any, name: str) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str):
        raise refused(name, value, "a string is expected")
    if not value:
        raise refused(name, value, "must not be empty")
    return value


def integer(value: Any, name: str, maximum: int) -> int:
    """Return an integer from 0 to a maximum; JSON's true is none, though Python takes it for 1."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise refused(name, value, "an integer is expected")
    if not 0 <= value <= maximum:
        raise refused(name, value, f"must be between 0 and {maximum}")
    return value


def choice(value: Any, name: str, allowed: Iterable[str]) -> str:
    """Return one of the texts that are allowed."""
    values = tuple(allowed)
    if not isinstance(value, str) or value not in values:
        raise refused(name, value, f"must be one of {', '.join(values)}")
    return value


def amount(value: Any, name: str, *, signed: bool = False) -> int:
    """Return an amount in base units from its text of digits; only a pledge's may have a sign."""
    pattern = _SIGNED_DIGITS if signed else _DIGITS
    if not isinstance(value, str) or not pattern.fullmatch(value):
        sign = ", negative ones with a leading minus" if signed else ", without sign, exponent or separator"
        raise refused(name, value, f"a string of digits in base units is expected{sign}")
    return int(value)


def hexadecimal(value: Any, name: str) -> str:
    """Return bytes written as hexadecimal digits after 0x."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise refused(name, value, "hexadecimal bytes that begin with 0x are expected")
    return value
