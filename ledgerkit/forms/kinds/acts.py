"""Writes that are no requests, with the face of a draft: shown first, sent once, looked for if the answer is lost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import InvalidRequest, OutcomeUnknown
from ledgerkit.forms.kinds.base import capital
from ledgerkit.outcomes import Outcome
from ledgerkit.payloads import Body, Line, Preview
from ledgerkit.payloads.rules import Text


class Act(Draft):
    """A write of a section, before it is sent; :meth:`submit` sends it, once.

    Parameters
    ----------
    connection
        The way to the workspace.
    payload
        What is shown, and sent.
    call
        The call of the section; its argument is whether a second one of the same content is meant.
    makes
        What is made, in words.
    made
        Reads off the answer what was made.
    same
        What makes another one the same: operation, path and body.
    look
        How to look for it where the answer is lost and the error can't.
    named
        What it makes, where that is known beforehand.
    """

    def __init__(
        self,
        connection: Connection,
        payload: Body,
        call: Callable[[bool], pd.DataFrame],
        *,
        makes: str,
        made: Callable[["pd.Series[Any]"], Any],
        same: Mapping[str, Any],
        look: str,
        named: Any = None,
        facts: Sequence[tuple[str, str]] = (),
        checks: Sequence[Check] = (),
    ) -> None:
        super().__init__(
            payload,
            send=call,
            find=lambda _: self._looked(),
            outbox=connection.outbox,
            facts=facts,
            checks=checks,
            identity=dict(same),
            environment=str(connection.origin["environment"]),
            sent_after=connection.transport.server_time(),
            makes=makes,
        )
        self._call = call
        self._made = made
        self._look = look
        self._named = named
        self._finder: Callable[[], Outcome] | None = None

    def submit(self, *, again: bool = False, look_alike: bool = False) -> pd.DataFrame:
        """Send it, once; ``again`` and ``look_alike`` say what is meant all the same, as of every draft.

        Raises
        ------
        InvalidRequest
            A check found a problem, it was sent before, or the service refuses it.
        OutcomeUnknown
            The answer was lost: :meth:`find` looks what it did.
        """
        with self._lock:
            if self.state != "draft":
                raise InvalidRequest(f"this was sent before, {self._told()}. Nothing was sent.", field="draft")
            self._refuse_problems(look_alike)
            way = "review it again, and say that a second one is meant"
            with self._outbox.claim(self._identity, f"a {self._makes}", again=again, way=way) as self._claim:
                try:
                    frame = self._call(again)
                except OutcomeUnknown as error:
                    self._finder, error.finder = error.finder, self.find
                    raise
                made = self._made(frame.iloc[0])
                if pd.isna(made):
                    raise OutcomeUnknown(
                        f"the service accepted it, and its answer does not say what it made. {self._look}"
                    )
                self._settle(made if isinstance(made, str) else int(made))  # type: ignore[arg-type]  # a UUID
            return frame

    def _looked(self) -> Outcome:
        if self._finder is None:
            return Outcome("can't tell", self._look)
        outcome = self._finder()
        return replace(outcome, request_id=self._named) if outcome.state == "found" else outcome

    def _kind(self) -> str:
        return capital(self._makes)

    def _next(self) -> str:
        return super()._next() if self.state == "draft" else ""


class Bodiless(Body, frozen=True, kw_only=True):
    """A write without a body: its path says everything.

    Parameters
    ----------
    does
        What it does, in words.
    where
        The call, with its path.
    about
        What it is about.
    """

    destination: ClassVar[str] = ""

    does: Annotated[str, Text()]
    where: Annotated[str, Text()]
    about: Annotated[str, Text()]

    def arranged(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return that nothing is sent but the call itself."""
        return {}

    def preview(self) -> Preview:
        """Return what this does, and the call."""
        return Preview(self.title(), tuple(self.lines()), {}, self.where)

    def title(self) -> str:
        """Return what it does."""
        return self.does

    def lines(self) -> list[Line]:
        """Return what it is about."""
        return [Line("What", self.about)]
