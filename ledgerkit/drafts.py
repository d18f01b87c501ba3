"""A request before it is sent: what it would send, what the checks say, and sending it once."""

import html
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit.errors import InvalidRequest, OutcomeUnknown, shorten
from ledgerkit.outbox import Claim, Outbox
from ledgerkit.outcomes import Outcome
from ledgerkit.payloads import Body
from ledgerkit.showing import QUIET, beside, fields, page, spelled, told, visible

Verdict = Literal["ok", "warning", "problem"]
# The clocks of a service's servers are not one, and neither is this machine's.
_MARGIN: Final = 60.0
# How a second one of the same content is sent, of which a call may make the draft by itself.
_SECOND: Final = "draft.submit(again=True), or create(..., again=True) where that call made it"
_SIGNS: Final = {"ok": "✓", "warning": "!", "problem": "✗"}
_COLOURS: Final = {
    "ok": "var(--jp-success-color1,#2e7d32)",
    "warning": "var(--jp-warn-color1,#b26a00)",
    "problem": "var(--jp-error-color1,#c62828)",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at before sending; a problem stops the draft, a warning does not.

    ``allowed_by`` is the argument of :meth:`Draft.submit` by which a person says that it is meant for all that; empty
    where nothing allows it.
    """

    name: str
    verdict: Verdict
    text: str
    allowed_by: str = ""


class Draft:
    """A request that is shown first, and then sent once; :meth:`submit` sends it.

    Parameters
    ----------
    payload
        What is sent, to the last digit: ``payload.to_json()``.
    send
        Sends it and returns the one-row frame of the request.
    find
        Looks for it, where its answer was lost.
    outbox
        What the session sent before; None where what was sent is written down elsewhere, as a plan does.
    facts
        A plain summary, as names and texts.
    checks
        What was looked at.
    mark
        The short text in the note that tells this request from an identical other one.
    identity
        What makes another body the same request: the body without its mark.
    again
        That a second one of the same content is meant, as :meth:`submit` can be told too.
    sent_after
        What the server's clock showed when it was made, in seconds since the epoch.
    makes
        What it makes: a LAM makes transactions, without requests.
    """

    def __init__(
        self,
        payload: Body,
        *,
        send: Callable[[Any], pd.DataFrame],
        find: Callable[["Draft"], Outcome],
        outbox: Outbox | None,
        facts: Sequence[tuple[str, str]] = (),
        checks: Sequence[Check] = (),
        mark: str | None = None,
        identity: Mapping[str, Any] | None = None,
        environment: str = "",
        again: bool = False,
        sent_after: float = 0.0,
        makes: str = "request",
    ) -> None:
        self._payload = payload
        self._send = send
        self._find = find
        self._outbox = Outbox() if outbox is None else outbox
        # Both quote names of the service, which are not to look like a line or a check of ours.
        self._facts = tuple((visible(name), visible(value)) for name, value in facts)
        self._checks = tuple(
            Check(visible(one.name), one.verdict, visible(one.text), one.allowed_by) for one in checks
        )
        self._mark = mark
        self._identity = identity or payload.to_json()
        self._environment = environment
        self._again = again
        self._sent_after = sent_after
        self._makes = makes
        self._lock = threading.Lock()
        self._claim: Claim | None = None
        self._request_id: int | None = None
        self._missing = False

    @property
    def payload(self) -> Any:
        """What is sent."""
        return self._payload

    @property
    def mark(self) -> str | None:
        """The short text in the note by which the request is found; None where its kind has no note."""
        return self._mark

    @property
    def sent_after(self) -> float:
        """A moment of the server's clock before which it was surely not sent, in seconds since the epoch."""
        return self._sent_after - _MARGIN

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """A plain summary, as names and texts."""
        return self._facts

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was looked at before sending."""
        return self._checks

    @property
    def problems(self) -> list[str]:
        """What stops it from being sent."""
        return [f"{check.name}: {check.text}" for check in self._stopping()]

    @property
    def warnings(self) -> list[str]:
        """What to look at before sending it."""
        return [f"{check.name}: {check.text}" for check in self._checks if check.verdict == "warning"]

    @property
    def request_id(self) -> int | None:
        """The request that it made, once it was sent; on a LAM, the transaction."""
        return self._request_id

    @property
    def state(self) -> str:
        """``draft``, ``sent``, or ``unknown`` where the answer was lost."""
        if self._request_id is not None:
            return "sent"
        return "draft" if self._claim is None or self._claim.released else "unknown"

    def to_json(self) -> dict[str, Any]:
        """Return exactly what is sent."""
        return self._payload.to_json()

    def submit(self, *, again: bool = False, look_alike: bool = False) -> pd.DataFrame:
        """Send it, once: POST /requests, or on a LAM POST /transactions.

        Parameters
        ----------
        again
            That a second request of the same content is meant, where this session has sent one. It never sends this
            draft a second time.
        look_alike
            That the recipient is meant, though it begins and ends like a known address, or is read like one: it was
            compared whole, with a source of one's own.

        Returns
        -------
        DataFrame
            The request, as one row of :meth:`session.requests.get`. It waits for its creator's approval first:
            ``session.requests.approve(id, intent=draft)``.

        Raises
        ------
        InvalidRequest
            A check found a problem, the draft was sent before, or the service refuses it.
        OutcomeUnknown
            The answer was lost: :meth:`find` looks whether the request was made.
        """
        with self._lock:
            if self.state != "draft":
                raise InvalidRequest(
                    f"this draft was sent before, {self._told()}. Nothing was sent.{self._way_out()}", field="draft"
                )
            self._refuse_problems(look_alike)
            with self._outbox.claim(
                self._identity, self._kind(), again=again or self._again, way=_SECOND
            ) as self._claim:
                try:
                    frame = self._send(self._payload)
                    self._settle(_id_in(frame))
                except OutcomeUnknown as error:
                    error.finder = self.find
                    raise
            return frame

    def find(self) -> Outcome:
        """Look whether it was carried out, where the answer was lost.

        It is found by its mark. ``not found`` is said only after repeated looks, ``can't tell`` where its kind
        carries no note, ``not sent`` of a draft that was not sent, which looks for nothing.
        """
        if self.state == "draft":
            return Outcome(
                "not sent",
                "this draft was not sent yet, and nothing was looked for. What another draft of the same content "
                "made is found by that one.",
            )
        if self._request_id is not None:
            return Outcome("found", f"it made {self._makes} {self._request_id}.", self._request_id)
        outcome = self._find(self)
        self._missing = outcome.state == "not found"
        if outcome.request_id is not None:
            self._settle(outcome.request_id)
        return outcome

    def _stopping(self) -> list[Check]:
        return [check for check in self._checks if check.verdict == "problem"]

    def _refuse_problems(self, look_alike: bool) -> None:
        allowed = {"look_alike"} if look_alike else set()
        if stopping := [one for one in self._stopping() if one.allowed_by not in allowed]:
            told = " ".join(f"{one.name}: {one.text}." for one in stopping)
            raise InvalidRequest(f"nothing was sent: {told}", field="draft")

    def _settle(self, request_id: int) -> None:
        self._request_id = request_id
        if self._claim is not None:
            self._claim.record(f"{self._makes} {request_id}")

    def _kind(self) -> str:
        return str(getattr(self._payload, "type", "CREATE_TRANSACTION"))

    def _told(self) -> str:
        if self._request_id is not None:
            return f"as {self._makes} {self._request_id}"
        if self._missing:
            return "and draft.find() did not find it"
        return "and its outcome is not known: draft.find() looks for it"

    def _way_out(self) -> str:
        if self._request_id is not None:
            return " For another request of the same content make a new draft."
        # It was looked for, so that a second one is not sent blindly.
        return " To send it after all, make a new draft and submit(again=True)." if self._missing else ""

    def _title(self) -> str:
        done = {"draft": "DRAFT, nothing was sent", "unknown": "SENT, OUTCOME UNKNOWN: draft.find()"}
        return f"{self._kind()} · {done.get(self.state, f'SENT as {self._makes} {self._request_id}')}"

    def _headline(self) -> str:
        return f"{self._environment} · {self._title()}" if self._environment else self._title()

    def __repr__(self) -> str:
        facts = [f"  {name:<12} {spelled(value)}" for name, value in self._facts]
        checks = [f"  {_SIGNS[check.verdict]} {check.name}: {check.text}" for check in self._checks]
        shown = [visible(self._headline()), *facts, *checks, "", str(self._payload.preview()), "", self._next()]
        return "\n".join(shown)

    def _repr_html_(self) -> str:
        checks = "".join(
            f"<div><span style='color:{_COLOURS[check.verdict]}'>{_SIGNS[check.verdict]}</span> "
            f"<strong>{html.escape(check.name)}</strong> {told(check.text)}</div>"
            for check in self._checks
        )
        return page(
            "draft",
            fields((name, told(value) + html.escape(beside(value)), None) for name, value in self._facts),
            f"<div style='overflow-wrap:anywhere'>{checks}</div>",
            self._payload.preview()._repr_html_(),
            f"<div style='{QUIET}'>{html.escape(self._next())}</div>",
            title=self._headline(),
            environment=self._environment,
        )

    def _next(self) -> str:
        if self.state == "draft":
            ways = [one.allowed_by for one in self._stopping()]
            if not all(ways):
                return "It can't be sent as it is."
            arguments = ", ".join(f"{one}=True" for one in dict.fromkeys(ways))
            return f"To send it{' all the same' if ways else ''}: draft.submit({arguments})"
        if self._request_id is None:
            looked = "It was not found. To look once more: draft.find()." if self._missing else ""
            return f"{looked}{self._way_out()}" if looked else "Look whether it was made: draft.find()"
        return f"To approve it: session.requests.approve({self._request_id}, intent=draft)"


def _id_in(frame: pd.DataFrame) -> int:
    """Return the id of what was made; a service that answered without one has accepted it all the same."""
    made = frame["id"].iloc[0]
    if pd.isna(made):
        raise OutcomeUnknown(
            f"the service accepted it, and the answer can't be read: `id` = {shorten(made)}. It may have been "
            "carried out: look for it before you send it again."
        )
    return int(made)
