"""How the drafts of a plan are made from rows, remade from a journal, looked for, and approved."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit import approvals, finding, payloads
from ledgerkit.connection import Connection
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import ConfigurationError, InvalidRequest, NotFound, PermissionDenied, ReviewFailed, shorten
from ledgerkit.outcomes import Outcome
from ledgerkit.plans.sums import Lookups
from ledgerkit.resources.requests import Requests
from ledgerkit.resources.users import Users
from ledgerkit.states import meaning

MEMOS: Final = {
    "text": payloads.MemoText,
    "id": payloads.MemoId,
    "hash": payloads.MemoHash,
    "return": payloads.MemoReturn,
}


@dataclass(frozen=True)
class Desk:
    """How the drafts of a plan are made and looked for.

    Parameters
    ----------
    make
        A new draft from the fields of a row.
    remake
        The draft of a body that is written down already, with its mark.
    find
        Whether a body with a mark, sent after a moment of the server's clock, was carried out.
    approve
        The creator's approval of the request that a body made, where the plan approves.
    waits
        Whether a request still waits for its creator's approval, where that has to come before the next row.
    refused
        With which status a request ended without being carried out; None while it did not.
    lookups
        What the drafts looked up; None where there are no amounts.
    expected
        What the fields of a row come to in the payload that it makes: a journal is held against it.
    check
        What is wrong with a payload that a journal holds, besides what the marks of the same journal paid.
    seen
        Whether something that is there already carries a mark; one look, without waiting.
    ready
        What keeps the plan as a whole from being carried through.
    """

    make: Callable[..., Draft]
    remake: Callable[[dict[str, Any], str | None], Draft]
    find: Callable[[dict[str, Any], str | None, float], Outcome]
    approve: Callable[[int, dict[str, Any]], Any] | None = None
    waits: Callable[[int], bool] | None = None
    refused: Callable[[int], str | None] | None = None
    lookups: Lookups | None = None
    expected: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    check: Callable[[Any, frozenset[str]], list[Check]] | None = None
    seen: Callable[[str], bool] | None = None
    ready: Callable[[], list[str]] | None = None


def for_payments(
    connection: Connection,
    lookups: Lookups,
    send: Callable[..., Draft],
    search: Callable[..., pd.DataFrame],
    *,
    expected: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    check: Callable[[Any, frozenset[str]], list[Check]] | None = None,
) -> Desk:
    """Return the desk of payments.

    Parameters
    ----------
    send
        What ``session.transactions.send`` does with these lookups.
    search
        ``session.transactions.search``.
    expected, check
        See :class:`Desk`; :mod:`ledgerkit.plans.rechecks` has them.
    """

    def make(
        *, note_title: str | None = None, note_content: str | None = None, memo: Any = None, **fields: Any
    ) -> Draft:
        if note_content is not None and note_title is None:
            raise InvalidRequest("`note_content` needs a `note_title`.", field="note_title")
        if note_title is not None:
            fields["note"] = payloads.Note(title=str(note_title), content=str(note_content or ""))
        if memo is not None:
            fields["memo"] = memo_of(memo)
        return send(**fields)

    def seen(mark: str) -> bool:
        return len(search(title=mark)) > 0

    return Desk(
        make,
        _remake(connection),
        _find(connection),
        lookups=lookups,
        expected=expected,
        check=check,
        seen=seen,
    )


def for_accounts(connection: Connection, create: Callable[..., Draft], *, approve: bool) -> Desk:
    """Return the desk of accounts, given ``session.accounts.create``."""
    requests = Requests(connection)

    def approval(request_id: int, body: dict[str, Any]) -> Any:
        meant = payloads.from_json(body)
        review = requests.review(request_id, meant)
        if review.level not in ("documented", "assumed"):
            raise ReviewFailed(
                f"nothing was signed: nobody knows what the challenge of request {request_id} means. Read it with "
                f"session.requests.review({request_id}), and approve it by hand.",
                request_id=request_id,
            )
        # The plan's own phrase says "assumed"; the challenge is fetched and compared again before it is signed.
        return requests.approve(request_id, meant, confirm=approvals.phrase_for(review, request_id))

    def waits(request_id: int) -> bool:
        user = approvals.operator_of(connection).user_id(Users(connection).search)
        return len(requests.search(id=request_id, pending_by=user)) > 0

    def refused(request_id: int) -> str | None:
        status = str(requests.get(request_id)["status"].iloc[0])
        return status if meaning("request", status) in ("refused", "neutral") else None

    remake, find = _remake(connection), _find(connection)
    return Desk(
        create,
        remake,
        find,
        approve=approval if approve else None,
        waits=waits,
        refused=refused,
        expected=lambda given: {"index": 0, "parent_id": None, "contract_address": None, **given},
        ready=(lambda: _keeps_from_approving(connection)) if approve else None,
    )


def _keeps_from_approving(connection: Connection) -> list[str]:
    """Return why no approval would come after the first account: it would be found out once that is made."""
    told = []
    try:
        operator = approvals.operator_of(connection)
    except InvalidRequest as error:
        return [error.message]
    try:
        operator.check_key()
    except ConfigurationError as error:
        told.append(f"nothing could be approved: {error.message}")
    try:
        role = operator.user(Users(connection).search)["role"].iloc[0]
    except (NotFound, PermissionDenied) as error:
        told.append(f"whether you are an administrator can't be told: {error.message}")
    else:
        if role != "ADMIN":
            told.append(
                f"your role is {shorten(role)}: accounts are created and approved by users with the role ADMIN"
            )
    return told


def _remake(connection: Connection) -> Callable[..., Draft]:
    requests = Requests(connection)

    def remake(body: dict[str, Any], mark: str | None, sent_after: float = 0.0) -> Draft:
        return Draft(
            payloads.from_json(body),
            send=requests._post,
            find=lambda draft: finding.find(connection, draft),
            # What keeps a row from being sent twice is the journal, which also outlives the session.
            outbox=None,
            mark=mark,
            environment=str(connection.origin["environment"]),
            sent_after=sent_after,
        )

    return remake


def _find(connection: Connection) -> Callable[[dict[str, Any], str | None, float], Outcome]:
    remake = _remake(connection)

    def find(body: dict[str, Any], mark: str | None, sent_at: float) -> Outcome:
        return finding.find(connection, remake(body, mark, sent_at))

    return find


def memo_of(memo: Any) -> Any:
    """Return a memo from its text: to an exchange, a number as text is another customer than the number.

    Raises
    ------
    InvalidRequest
        It does not say of which kind it is.
    """
    kind, colon, text = str(memo).partition(":")
    if not colon or kind not in MEMOS:
        raise InvalidRequest(
            f"`memo` = {shorten(memo)} can't be used: it says what kind it is, as in 'text:Invoice 42', 'id:12345', "
            "'hash:...' or 'return:...'.",
            field="memo",
        )
    if kind == "id" and re.fullmatch(r"0|[1-9][0-9]{0,19}", text):
        return MEMOS[kind](int(text))
    return MEMOS[kind](text)
