"""Approving and rejecting: the challenge is fetched, compared, shown, asked about and signed in one go.

What the challenge says is what the HSM executes, whatever the request shows: it is compared with what the approver
means, never with what the same service says alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit.addresses import mark
from ledgerkit.challenges import LEAST_END, Challenge, Review, compare, decode, high_fees, shown_alone, unplaced
from ledgerkit.connection import Connection
from ledgerkit.drafts import Draft
from ledgerkit.errors import ContractViolation, InvalidRequest, NotFound, ReviewFailed, shorten
from ledgerkit.known_addresses import remembered
from ledgerkit.operator import Operator
from ledgerkit.reviews import label
from ledgerkit.showing import visible
from ledgerkit.transport import path_with

Verb = Literal["approve", "reject"]
# A draft, a payload, the body of a creation, or what an approver knows from elsewhere.
Intent = Any
STATEMENT: Final = (
    "amount",
    "recipient",
    "recipient_end",
    "currency",
    "account_name",
    "max_fees",
    "contract_address",
    "tag",
    "memo",
    "token_mint",
)
NEEDED: Final = (
    "an approver gives the draft (intent=draft), or at least the amount in base units and the end of the recipient "
    f"(amount=50000000, recipient_end='...', {LEAST_END} characters or more), from a source of their own and not "
    "from this request."
)
# The one kind of which a sample is documented: it comes in no other shape.
DOCUMENTED: Final = "BITCOIN_LIKE_SEND"
_PATHS: Final = {
    "approve": "GET /requests/{request_id}/challenge",
    "reject": "GET /requests/{request_id}/challenge/reject",
}


@dataclass(frozen=True)
class Vote:
    """An approval or a rejection that the service took, and how far the request is."""

    verb: Verb
    request: pd.DataFrame
    steps: pd.DataFrame

    def __repr__(self) -> str:
        row = self.request.iloc[0]
        done = "approval" if self.verb == "approve" else "rejection"
        lines = [f"Your {done} of request {row['id']} is in; its status is {visible(str(row['status']))}."]
        if self.steps.empty:
            lines.append("  How far it is can't be read now: session.requests.governance_status() asks again.")
        for step in self.steps.to_dict("records"):
            if isinstance(step["approvals"], list):
                given = sum(isinstance(one, Mapping) and one.get("type") == "APPROVE" for one in step["approvals"])
                group = "" if pd.isna(step["group_id"]) else f" of group {step['group_id']}"
                lines.append(f"  step {step['step_index']}: {given} of {step['quorum']}{group}")
            else:
                lines.append("  a step that is hidden from you")
        return "\n".join(lines)


def operator_of(connection: Connection) -> Operator:
    """Return who signs, or raise."""
    if connection.operator is None:
        raise InvalidRequest(
            "only an API user approves and rejects: connect() with its key and private key.", field="credentials"
        )
    return connection.operator


def intended(
    intent: Intent = None, statement: Mapping[str, Any] | None = None, request_id: Any = None
) -> dict[str, Any] | None:
    """Return what was meant: the body of a draft, or the statement of an approver; None where nothing was given.

    A draft stands for the one request that it made: notes are not signed, so that another request of the same content
    could be approved with it.
    """
    if isinstance(intent, Draft) and intent.request_id != request_id:
        made = "was not sent" if intent.request_id is None else f"made request {intent.request_id}"
        raise ReviewFailed(
            f"this draft {made}, not request {request_id}. Nothing was signed. To approve somebody else's request, "
            "give what you know of it.",
            request_id=request_id,
        )
    given = {name: value for name, value in (statement or {}).items() if value is not None}
    if intent is not None and given:
        raise InvalidRequest(
            f"give `intent` or what you know from elsewhere ({', '.join(given)}), not both.", field="intent"
        )
    if hasattr(intent, "to_json"):
        body: dict[str, Any] = intent.to_json()
        return body
    if isinstance(intent, Mapping):
        return dict(intent)
    if intent is not None:
        raise InvalidRequest(
            f"`intent` = {shorten(intent)} can't be used: it is a draft, a payload, or the body of one.",
            field="intent",
        )
    if not given:
        return None
    if "amount" not in given or not {"recipient", "recipient_end"} & given.keys():
        raise InvalidRequest(f"{NEEDED} {', '.join(given)} alone is not enough.", field="amount")
    amounts = {name: given[name] for name in ("amount", "max_fees") if name in given}
    if wrong := next(
        (n for n, one in amounts.items() if isinstance(one, bool) or not isinstance(one, Integral)), None
    ):
        raise InvalidRequest(
            f"`{wrong}` = {shorten(given[wrong])} can't be used: give an int of base units: 50000000 for 0.5 BTC.",
            field=wrong,
        )
    memo = {"memo": given["memo"].to_json()} if hasattr(given.get("memo"), "to_json") else {}
    return {**given, **memo, **{name: int(amount) for name, amount in amounts.items()}}


def fetch(connection: Connection, request_id: Any, verb: Verb) -> Challenge:
    """Get the challenge of a request, which must be that of the request and of the verb that were asked for."""
    if isinstance(request_id, bool) or not isinstance(request_id, Integral):  # of NumPy too, as columns give them
        raise InvalidRequest(
            f"`request_id` = {shorten(request_id)} can't be used: it is the id of one request.", field="request_id"
        )
    operation = _PATHS[verb]
    try:
        answer = connection.ask(operation, path_with(operation.split()[1], request_id=str(request_id)))
    except NotFound as error:
        raise NotFound(
            f"request {request_id} waits for no vote of yours: you voted, it is not your turn, or it is decided. "
            f"session.requests.governance_status({request_id}) shows how far it is. ({error.message})",
            call=error.call,
            status=error.status,
        ) from None
    body = answer.body
    if not isinstance(body, dict) or body.get("id") != request_id or not isinstance(body.get("challenge"), str):
        raise ContractViolation(
            f"this is not the challenge of request {request_id}. Nothing was signed.",
            call=answer.call,
            body=shorten(body, 500),
        )
    return decode(body["challenge"])


def signed(
    connection: Connection,
    request_id: int,
    verb: Verb,
    meant: Mapping[str, Any] | None,
    *,
    confirm: str | None,
    show: Callable[[Review], None],
    ask: Callable[[str], str],
) -> str:
    """Fetch, compare, show, ask and sign; return the JWS, which is to be posted at once.

    Raises
    ------
    ReviewFailed
        What would be signed differs from what was meant, is that of another verb, or was not confirmed.
    """
    call = f"POST /requests/{request_id}/{verb}"
    connection.check_writes(call)  # before a person compares anything
    operator = operator_of(connection)
    challenge = fetch(connection, request_id, verb)
    review = marked(
        connection, shown_alone(challenge, verb) if meant is None else compare(challenge, meant, verb=verb)
    )
    show(review)
    check(review, request_id, verb, meant)
    phrase = phrase_for(review, request_id)
    given = ask(phrase) if confirm is None else confirm
    if given.strip() != phrase:
        raise ReviewFailed(
            f"nothing was signed: it is confirmed by {phrase!r}, and {shorten(given)} was given.", call=call
        )
    return operator.sign(challenge, request_id)


def marked(connection: Connection, review: Review) -> Review:
    """Return a review that says which known addresses what would be signed may be taken for.

    It may be what was meant to the last letter: whoever meant it may have copied it from a history.
    """
    if review.verb != "approve":
        return review
    known = remembered(connection)
    found = [(label(row.field), said) for row in review.rows if (said := mark(row.to_be_signed, known)) is not None]
    remarks = [f"{said.label}: {field}: {said.text}. Compare them whole." for field, said in found]
    doubts = ["look-alike"] if any(said.sure for _, said in found) else []
    if known.uncompared:
        remarks.append(f"{known.uncompared[:1].upper()}{known.uncompared[1:]}. Compare all of it yourself.")
        doubts.append("uncompared")
    return replace(review, remarks=tuple(dict.fromkeys(remarks)), doubts=tuple(doubts))


def check(review: Review, request_id: int, verb: Verb, meant: Mapping[str, Any] | None) -> None:
    """Raise where a challenge may not be signed, whatever a person says."""
    said = review.challenge.verb
    if said not in (verb, None):
        raise ReviewFailed(
            f"nothing was signed: the service was asked for what would {verb} request {request_id}, and gave what "
            f"would {said} one.",
            request_id=request_id,
        )
    if verb == "reject":
        # Nothing to compare: one that says that it rejects can only end the request. Of one that does not say what it
        # does the phrase is another, and it was shown.
        return
    if meant is None:
        raise ReviewFailed(f"nothing was signed: {NEEDED}", request_id=request_id)
    review.require(assumed=True, unknown=True)
    if review.level == "display":
        equal = {row.field for row in review.rows if row.verdict == "match"}
        missing = [name for name in ("amount", "recipient") if name not in equal]
    elif review.level == "unknown":
        kind = meant["data"].get("transaction_type") if isinstance(meant.get("data"), Mapping) else None
        if kind == DOCUMENTED:
            raise ReviewFailed(
                f"nothing was signed: what a {kind} looks like is documented, and this is something else. Approve it "
                "on the service's own page, if you know why.",
                request_id=request_id,
            )
        missing = unplaced(review.challenge, meant)
    else:
        missing = []
    if missing:
        raise ReviewFailed(
            f"nothing was signed: what would be signed does not say what you mean, of {', '.join(missing)}.",
            request_id=request_id,
            fields=missing,
        )
    if (fees := high_fees(review.challenge, meant)) is not None:
        raise ReviewFailed(
            f"nothing was signed: it would pay fees of up to {fees} base units, more than a tenth of the amount. If "
            f"you know this from a source of your own, state max_fees={fees}.",
            request_id=request_id,
        )


def phrase_for(review: Review, request_id: int) -> str:
    """Return what a person types to sign: it says how well the challenge is known, and what it resembles."""
    if review.verb == "reject":  # no sample of one is documented
        doubt = " unknown" if review.challenge.verb is None else " assumed"
    else:
        doubt = {"documented": "", "assumed": " assumed"}.get(review.level, " unknown")
    return f"{review.verb} {request_id}{doubt}{''.join(f' {one}' for one in review.doubts)}"


def prompt(phrase: str) -> str:
    """Ask at the prompt; where there is none, say what to give instead."""
    try:
        return input(f"Type '{phrase}' to sign: ")
    except (EOFError, RuntimeError) as error:
        # A kernel that can't ask raises its own StdinNotImplementedError; it is a RuntimeError.
        reason = type(error).__name__
    raise InvalidRequest(f"nobody can be asked here ({reason}), and nothing was signed: give confirm={phrase!r}.")
