"""Requests: every change of the workspace, waiting for approvals or done."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import pandas as pd

from ledgerkit import approvals, finding
from ledgerkit.approvals import Vote
from ledgerkit.challenges import Review, compare
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import (
    Cancelled,
    ContractViolation,
    InvalidRequest,
    LedgerError,
    NotFound,
    OutcomeUnknown,
    shorten,
)
from ledgerkit.filters import Many, Time
from ledgerkit.following import follow
from ledgerkit.frames import Leaves
from ledgerkit.known_addresses import look_alikes
from ledgerkit.operations import operation
from ledgerkit.outcomes import Outcome, new_mark
from ledgerkit.payloads import Note, Payload, from_json
from ledgerkit.resources.base import Section
from ledgerkit.resources.request_tables import (
    CHALLENGE,
    FINAL,
    GOVERNANCE_STEP,
    PAYMENT,
    REQUEST,
    REQUEST_WITH_CHALLENGE,
    SETTLED,
)
from ledgerkit.resources.users import Users
from ledgerkit.resources.writing import write
from ledgerkit.vocabulary import Order, RequestStatus, RequestTargetType, RequestType

# What makes no other request of the same payment.
_FEES: Final = ("max_fees", "max_priority_fee")


class Requests(Section, name="requests"):
    """Requests, the governed changes of the workspace.

    The API has two shapes for them; here they have one: ``created_by`` is an id, ``expires_at`` a time, and a request
    that was aborted has the status REJECTED.
    """

    @operation("GET /requests", returns=REQUEST)
    def search(
        self,
        *,
        approved_by: int | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        created_by: int | None = None,
        id: int | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        pending_by: int | None = None,
        rejected_by: int | None = None,
        status: Many[RequestStatus | Literal["ABORTED"]] | None = None,
        target_id: int | None = None,
        target_type: Many[RequestTargetType] | None = None,
        type: Many[RequestType] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search requests.

        Parameters
        ----------
        approved_by, rejected_by, created_by, pending_by
            Ids of users; ``pending_by`` finds what waits for the approval of one.
        target_id, target_type
            The object that a request acts on.
        status
            ABORTED is taken for REJECTED.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        given = locals()
        given["status"] = _rejected(status)
        return self._list(Requests.search, given, settled=SETTLED)

    @operation("GET /requests/{request_id}", returns=REQUEST_WITH_CHALLENGE)
    def get(self, request_id: Many[int]) -> pd.DataFrame:
        """Get requests by id; for several ids, a column ``error`` says what could not be had.

        The ``challenge`` in this answer is deprecated by the API: :meth:`challenge` has the one to sign.
        """
        return self._each(Requests.get, locals(), lead={"request_id": "id"})

    @operation("GET /requests/{request_id}/challenge", returns=CHALLENGE)
    def challenge(self, request_id: Many[int]) -> pd.DataFrame:
        """Get what an approver of requests has to sign, as unpadded base64url of JSON."""
        return self._each(Requests.challenge, locals(), lead={"request_id": "id"})

    @operation("GET /requests/{request_id}/challenge/reject", returns=CHALLENGE)
    def reject_challenge(self, request_id: Many[int]) -> pd.DataFrame:
        """Get what has to be signed to reject requests, as unpadded base64url of JSON."""
        return self._each(Requests.reject_challenge, locals(), lead={"request_id": "id"})

    @operation("GET /requests/{request_id}/governance-status", returns=GOVERNANCE_STEP)
    def governance_status(self, request_id: Many[int]) -> pd.DataFrame:
        """Get how far requests have come: one row per step, with who may approve and who did.

        Ids of users that the caller may not see are null. A request without visible steps has one row without a step.
        """
        lead = {"request_id": "request_id"}
        return self._each(Requests.governance_status, locals(), lead=lead, nodes=_steps)

    # Making requests

    def draft(self, payload: Payload | Mapping[str, Any]) -> Draft:
        """Make a draft of a request: it shows what would be sent, and :meth:`Draft.submit` sends it once.

        Where the payload has a note, a short mark is added to it, by which the request can be told from an identical
        other one.

        Parameters
        ----------
        payload
            One of :mod:`ledgerkit.payloads`, or a body as a dict for what has none.
        """
        return self._draft(payload, (), look_alikes(self._connection, payload))

    @operation("POST /requests", returns=REQUEST)
    def create(
        self, payload: Payload | Mapping[str, Any], *, again: bool = False, look_alike: bool = False
    ) -> pd.DataFrame:
        """Create a request at once; :meth:`draft` shows it first, ``payload.preview()`` shows what is sent.

        It waits for its creator's approval: nobody else is told before.

        Parameters
        ----------
        payload
            One of :mod:`ledgerkit.payloads`, or a body as a dict for what has none.
        again
            That a second request of the same content is meant, where this session has sent one.
        look_alike
            That a recipient is meant that looks like a known address.

        Raises
        ------
        InvalidRequest
            Its recipient looks like a known address, the service refuses it, or this session sent the same before.
        OutcomeUnknown
            The answer was lost; its ``find()`` looks whether the request was made.
        """
        self._connection.check_writes("POST /requests")
        return self.draft(payload).submit(again=again, look_alike=look_alike)

    def _draft(
        self,
        payload: Payload | Mapping[str, Any],
        facts: Iterable[tuple[str, str]],
        checks: Iterable[Check],
        mark: str | None = None,
        *,
        again: bool = False,
    ) -> Draft:
        made = from_json(payload) if isinstance(payload, Mapping) else payload
        if not isinstance(made, Payload):
            raise InvalidRequest(
                f"`payload` = {shorten(payload)} can't be used: it is one of ledgerkit.payloads, or a dict.",
                field="payload",
            )
        identity = _identity(made)
        if "note" in made.values():
            mark = mark or new_mark()
            made = made.replace(note=with_mark(made.values()["note"], mark))
        else:
            mark = None
        connection = self._connection
        return Draft(
            made,
            send=self._post,
            find=lambda draft: finding.find(connection, draft),
            outbox=connection.outbox,
            facts=tuple(facts),
            checks=tuple(checks),
            mark=mark,
            identity=identity,
            environment=str(connection.origin["environment"]),
            again=again,
            sent_after=connection.transport.server_time(),
        )

    def _post(self, payload: Payload) -> pd.DataFrame:
        return write(self, "POST /requests", REQUEST, {}, body=payload.to_json())

    def new_form(self, kind: str | None = None) -> Any:
        """Return a form that makes a request of any kind: fields, review, confirmation, one send, progress.

        Parameters
        ----------
        kind
            What to begin with, as the form names it, such as ``"Payment"``; it can be changed there.
        """
        return self._form("kinds", "RequestForm", kind)

    # Approving

    def inbox_form(self) -> Any:
        """Return a form of what waits for the own approval, to compare, approve and reject it."""
        return self._form("inbox", "InboxForm")

    def inbox(self) -> pd.DataFrame:
        """Get what waits for the own approval, the oldest first.

        Returns
        -------
        DataFrame
            The columns of :meth:`search`, then ``age`` and ``time_to_expiry`` (timedelta, by the server's clock),
            ``step`` (from 0), ``approvals`` and ``quorum`` of the step in progress; these are missing where they are
            hidden. Then, of payments, what the service says that they are, which is no ground to approve:
            ``account_id``, ``currency``, ``transaction_type``, ``amount`` in base units (of a token where the type is
            one of SPL tokens), ``recipient``, and ``title`` of the note. Costs one search, one call per request, and
            one per payment.
        """
        found = self.search(pending_by=self._own_id(), status=["PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"])
        found = found.sort_values("id", ignore_index=True)
        now = pd.Timestamp(self._connection.transport.server_time(), unit="s", tz="UTC").as_unit("us")
        # The server tells its time in whole seconds: what it made within this one would be of a negative age.
        age = now - found["created_on"]
        steps = self.governance_status(found["id"].tolist())
        current = [_current(steps[steps["request_id"] == request]) for request in found["id"].tolist()]
        return found.assign(
            age=age.mask(age < pd.Timedelta(0), pd.Timedelta(0)),
            time_to_expiry=found["expires_at"] - now,
            step=pd.array([one[0] for one in current], dtype="Int64"),
            approvals=pd.array([one[1] for one in current], dtype="Int64"),
            quorum=pd.array([one[2] for one in current], dtype="Int64"),
            **self._described(found),
        )

    def _described(self, requests: pd.DataFrame) -> dict[str, Any]:
        """Return what the service says of the payments among requests, by column."""
        ids = requests["target_id"].where(requests["target_type"] == "TRANSACTION")
        said = self._payments(ids.dropna().unique().tolist()).set_index("id")
        titles = [notes[0].get("title") if isinstance(notes, list) and notes else None for notes in said["notes"]]
        said["transaction_type"] = said["type"]
        said["title"] = pd.Series(titles, index=said.index, dtype="str")
        return {
            column: pd.Series([said[column].get(one, pd.NA) for one in ids], dtype=said[column].dtype)
            for column in ("account_id", "currency", "transaction_type", "amount", "recipient", "title")
        }

    def _payments(self, transaction_id: Many[int]) -> pd.DataFrame:
        operation, lead = "GET /transactions/{transaction_id}", {"transaction_id": "id"}
        return self._each(Requests._payments, locals(), operation=operation, table=PAYMENT, lead=lead)

    def review(
        self,
        request_id: int,
        intent: approvals.Intent = None,
        *,
        amount: int | None = None,
        recipient: str | None = None,
        recipient_end: str | None = None,
        currency: str | None = None,
        account_name: str | None = None,
        max_fees: int | None = None,
        contract_address: str | None = None,
        tag: int | None = None,
        memo: Any = None,
        token_mint: str | None = None,
    ) -> Review:
        """Compare what approving a request would sign with what was meant, field by field; nothing is signed.

        Parameters
        ----------
        request_id
            The request.
        intent
            The draft, or the payload, that it was made from.
        amount, recipient, recipient_end, currency, account_name, max_fees, contract_address, tag, memo, token_mint
            Without a draft: what you know from a source of your own, at least the amount in base units and the
            recipient, or its last 8 or more characters (10 of an address in hex digits); of a token its contract or
            mint, and the tag or memo where the payment has one, because these decide who gets what. Without either,
            the challenge is compared with what the service itself says of the request, which shows consistency only,
            and is no ground to approve.
        """
        meant = approvals.intended(intent, _statement(locals()), request_id)
        challenge = approvals.fetch(self._connection, request_id, "approve")
        if meant is not None:
            return approvals.marked(self._connection, compare(challenge, meant))
        said = finding.as_the_service_says(self._connection, request_id)
        found = compare(challenge, said, basis="the request itself (consistency only)")
        return approvals.marked(self._connection, found)

    @operation("POST /requests/{request_id}/approve", returns=REQUEST)
    def approve(
        self,
        request_id: int,
        intent: approvals.Intent = None,
        *,
        amount: int | None = None,
        recipient: str | None = None,
        recipient_end: str | None = None,
        currency: str | None = None,
        account_name: str | None = None,
        max_fees: int | None = None,
        contract_address: str | None = None,
        tag: int | None = None,
        memo: Any = None,
        token_mint: str | None = None,
        confirm: str | None = None,
    ) -> Vote:
        """Approve a request: its challenge is fetched, compared with what you mean, shown, signed and posted.

        Parameters
        ----------
        request_id
            The request.
        intent
            The draft, or the payload, that it was made from.
        amount, recipient, recipient_end, currency, account_name, max_fees, contract_address, tag, memo, token_mint
            Without a draft: what you know from a source of your own, at least the amount in base units and the
            recipient, or its last 8 or more characters (10 of an address in hex digits); of a token its contract or
            mint, and the tag or memo where the payment has one, because these decide who gets what.
        confirm
            The phrase that you are asked for otherwise, such as ``"approve 29"``; ``"approve 29 assumed"`` where no
            documented sample shows what this kind looks like, ``"approve 29 unknown"`` where nothing is known of it.

        Raises
        ------
        ReviewFailed
            What would be signed is not what was meant, or was not confirmed. Nothing was signed.
        ConfigurationError
            There is no private key, or it is another user's.
        NotFound
            The request waits for no vote of yours: you voted, it is not your turn, or it is decided.
        OutcomeUnknown
            It was posted, and the answer lost; its ``find()`` looks whether your approval is in.
        """
        meant = approvals.intended(intent, _statement(locals()), request_id)
        return self._vote(request_id, "approve", meant, confirm)

    @operation("POST /requests/{request_id}/reject", returns=REQUEST)
    def reject(self, request_id: int, *, confirm: str | None = None) -> Vote:
        """Reject a request, at once and for good; whoever is asked at its current step can.

        The challenge that is signed must be one that rejects.

        Parameters
        ----------
        request_id
            The request.
        confirm
            The phrase that you are asked for otherwise, such as ``"reject 29 assumed"``: no sample of such a
            challenge is documented.

        Raises
        ------
        ReviewFailed
            The challenge is not one that rejects, or it was not confirmed. Nothing was signed.
        OutcomeUnknown
            It was posted, and the answer lost; its ``find()`` looks whether the request is rejected.
        """
        return self._vote(request_id, "reject", None, confirm)

    def _vote(
        self, request_id: int, verb: approvals.Verb, meant: Mapping[str, Any] | None, confirm: str | None
    ) -> Vote:
        jws = approvals.signed(
            self._connection, request_id, verb, meant, confirm=confirm, show=_show, ask=approvals.prompt
        )
        return self._post_vote(request_id, verb, jws)

    def _post_vote(self, request_id: int, verb: approvals.Verb, jws: str) -> Vote:
        post = f"POST /requests/{{request_id}}/{verb}"
        try:
            request = write(self, post, REQUEST, {"request_id": str(request_id)}, body={"jws": jws})
        except OutcomeUnknown as error:
            error.finder = lambda: self._look_for_vote(request_id, verb)
            raise
        try:
            steps = self.governance_status(request_id)
        except (LedgerError, Cancelled):  # the vote is in: nothing after it may look as if it were not
            steps = GOVERNANCE_STEP.frame(Leaves())
        return Vote(verb, request, steps)

    def _look_for_vote(self, request_id: int, verb: approvals.Verb) -> Outcome:
        try:
            user = self._own_id()
        except NotFound as error:  # who asks is not known, as after the key pair of the user was replaced
            return Outcome("can't tell", error.message)
        voted = self.search(
            id=request_id,
            approved_by=user if verb == "approve" else None,
            rejected_by=user if verb == "reject" else None,
        )
        if len(voted):
            return Outcome("found", f"your vote on request {request_id} is in.", request_id)
        return Outcome(
            "not found",
            f"the service lists no vote of yours on request {request_id}. To vote again does no harm: a user counts "
            "once.",
        )

    def watch(self, request_id: int, *, seconds: float = 900) -> pd.DataFrame:
        """Follow a request until nothing more happens to it, printing each change; returns it as one row.

        Parameters
        ----------
        request_id
            The request.
        seconds
            When to give up; the row then is not final, which is said.
        """
        return follow(
            lambda: self.get(request_id),
            lambda row: row["status"] in FINAL,
            lambda row: f"request {row['id']}: {row['status']}",
            self._connection.transport.clock,
            seconds=seconds,
        )

    def _own_id(self) -> int:
        return approvals.operator_of(self._connection).user_id(Users(self._connection).search)


def _show(review: Review) -> None:
    from IPython.display import display  # a table in a notebook, a text elsewhere; 0.1 s to import

    display(review)  # type: ignore[no-untyped-call]  # IPython has no types


def _statement(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in approvals.STATEMENT}


def _identity(payload: Payload) -> dict[str, Any]:
    """Return what makes another body the same request: of a transaction all but its note and what it pays for fees.

    Fees are estimated anew each time a cell runs, and a payment with other fees pays the same person a second time.
    """
    body = payload.to_json()
    data = body.get("data")
    if payload.type != "CREATE_TRANSACTION" or not isinstance(data, dict):
        return body
    kept = {name: value for name, value in data.items() if name != "fees_strategy"}
    details = kept.get("transaction_data")
    if isinstance(details, dict):
        kept["transaction_data"] = {name: value for name, value in details.items() if name not in _FEES}
    return {"type": payload.type, "data": kept}


def with_mark(note: Note | None, mark: str) -> Note:
    """Return a note with a mark in its content."""
    if note is None:
        return Note(title="ledgerkit", content=mark)
    return Note(title=note.title, content=f"{note.content} [{mark}]" if note.content else mark)


def _current(steps: pd.DataFrame) -> tuple[Any, Any, Any]:
    """Return the step in progress of a request: its index, the approvals that it has, and its quorum."""
    shown = steps[steps["step_index"].notna() & (steps["step_index"] == steps["request_current_step_index"])]
    if len(shown) != 1:
        return pd.NA, pd.NA, pd.NA
    row = shown.iloc[0]
    given = sum(one.get("type") == "APPROVE" for one in row["approvals"] or [])
    return row["step_index"], given, row["quorum"]


def _rejected(status: Any) -> Any:
    if isinstance(status, str) or not isinstance(status, Iterable):
        return "REJECTED" if status == "ABORTED" else status
    return ["REJECTED" if one == "ABORTED" else one for one in status]


def _steps(body: Any) -> list[Any]:
    if not isinstance(body, dict) or not isinstance(body.get("governance_steps"), list):
        raise ContractViolation(
            "this is no governance status: `governance_steps` is missing.",
            field="governance_steps",
            body=shorten(body, 500),
        )
    shared = {field: value for field, value in body.items() if field != "governance_steps"}
    request = shared.get("request")
    if isinstance(request, dict) and "id" in request:
        shared["request"] = {field: value for field, value in request.items() if field != "id"}
        shared["request_id"] = request["id"]
    # A step may be null as a whole: it is hidden from the caller, and stays a row.
    return [{**shared, **_flat_step(step)} for step in body["governance_steps"] or [None]]


def _flat_step(step: Any) -> dict[str, Any]:
    if step is None:
        return {}
    if not isinstance(step, dict):
        raise ContractViolation(
            f"a step is a {type(step).__name__} where an object belongs: whose approval is missing can't be told.",
            field="governance_steps",
            body=shorten(step, 500),
        )
    own = {field: value for field, value in step.items() if field != "group"}
    group = step.get("group")
    if group is None:
        return own
    inner = group if isinstance(group, dict) else {"id": group}
    return {**own, **{f"group_{field}": value for field, value in inner.items()}}
