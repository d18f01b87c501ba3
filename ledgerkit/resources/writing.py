"""Writes of a section: of one object, sent once, and what was answered as a frame of one row."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any, Final

import pandas as pd

from ledgerkit.answers import outcome_unknown
from ledgerkit.errors import ContractViolation, InvalidRequest, shorten
from ledgerkit.filters import ENCODERS, Filter, Kind
from ledgerkit.frames import FLAG, INTEGER, TEXT, Table
from ledgerkit.resources.base import Section
from ledgerkit.transport import path_with

# What a LAM answers to a write that makes no object to show.
DONE: Final = Table("write", {"success": FLAG})


def identifier(name: str, value: Any, kind: Kind = "integer") -> str:
    """Return the one id that a write is about, as it stands in a path.

    Raises
    ------
    InvalidRequest
        It is several ids, or none.
    """
    if isinstance(value, Mapping | pd.DataFrame) or (
        isinstance(value, Iterable) and not isinstance(value, str | bytes)
    ):
        raise InvalidRequest(
            f"`{name}` = {shorten(value)} was not sent: a write takes one id, so that each is looked at on its own. "
            "Make one call for each.",
            field=name,
        )
    return ENCODERS[kind](Filter(name, kind, many=False), value, UTC)


def write(
    section: Section,
    operation: str,
    table: Table,
    inside: Mapping[str, str],
    *,
    body: Any = None,
    lead: Mapping[str, str] | None = None,
    given: Mapping[str, Any] | None = None,
    shown: Callable[[Any], Any] = lambda answer: answer,
) -> pd.DataFrame:
    """Send a write and return its answer as a frame of one row.

    Parameters
    ----------
    inside
        The parameters of the path.
    lead
        The columns whose values are known beforehand: an answer may leave them out, but not name others.
    given
        What ``attrs`` say of the call, beside the parameters of the path.
    shown
        Takes out of an answer what must not be shown.

    Raises
    ------
    OutcomeUnknown
        The answer was lost, or is not about what was sent.
    InvalidRequest
        The service says that it was not done.
    """
    method, template = operation.split()
    answer = section._connection.send(operation, method, path_with(template, **inside), json=body)
    lead = lead or {}
    try:
        node = {} if answer.body is None else shown(answer.body)
        if isinstance(node, dict):
            _check(node, lead, table, answer.call)
            node = {**node, **lead}
        frame = section._frame(operation, table, [(answer.call, [node])], {**inside, **(given or {})})
    except ContractViolation as error:
        # Not that error itself: a caller who takes it for a failed call would send the write again.
        problem = outcome_unknown(f"the service accepted it, but {error.message.rstrip('.')}", answer.call, None)
    else:
        if "success" in frame and (frame["success"] == False).any():  # noqa: E712 - NA is not False
            raise InvalidRequest("the service answered that it was not done.", call=answer.call)
        return frame
    raise problem


def _check(node: Mapping[str, Any], lead: Mapping[str, str], table: Table, call: str) -> None:
    for column, asked in lead.items():
        answered = node.get(column)
        if answered is None or table.kinds[column] not in (INTEGER, TEXT):
            continue
        if str(answered).casefold() != str(asked).casefold():
            raise ContractViolation(
                f"it answered for `{column}` {shorten(answered)} instead of {shorten(asked)}", call=call, field=column
            )
