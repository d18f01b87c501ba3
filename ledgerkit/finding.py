"""Finding the request that a draft made, where the answer was lost; and what the service itself says of a request."""

from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Integral
from typing import Any, Final

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.drafts import Draft
from ledgerkit.errors import InvalidRequest, NotFound
from ledgerkit.outcomes import Outcome, look

# In searches a message has another name than in its creation.
_SEARCHED: Final = {"CREATE_MESSAGE_SIGNING": "MESSAGE_SIGNING"}


def find(connection: Connection, draft: Draft) -> Outcome:
    """Look for the request of a draft: by its mark, or by creator, type, time and target."""
    since = datetime.fromtimestamp(draft.sent_after, UTC)
    clock = connection.transport.clock
    if draft.mark is None:
        candidates = _candidates(connection, draft, since)
        told = (
            "no request of yours of this type was made since then."
            if candidates.empty
            else f"{len(candidates)} of your requests of this type were made since then; read them."
        )
        return Outcome(
            "can't tell", f"a {draft.payload.type} carries no note, and so no mark: {told}", None, candidates
        )
    mark = draft.mark
    return look(lambda: _by_mark(connection, draft, mark, since), clock, _unseen(mark))


def find_on_lam(connection: Connection, draft: Draft) -> Outcome:
    """Look for the transaction of a draft that went to a LAM, by its mark."""
    from ledgerkit.resources.transactions import Transactions

    mark, since = str(draft.mark), datetime.fromtimestamp(draft.sent_after, UTC)

    def once() -> Outcome | None:
        made = Transactions(connection).search(title=mark, created_after=since)
        carrying = made[[_carries(notes, mark) for notes in made["notes"]]]
        if carrying.empty:
            return None
        found = int(carrying["id"].iloc[0])
        return Outcome("found", f"transaction {found} carries the mark {mark}.", found)

    return look(once, connection.transport.clock, _unseen(mark))


def _unseen(mark: str) -> Outcome:
    return Outcome(
        "not found",
        f"nothing with the mark {mark} was seen in several looks. A service that is slow may still carry it out: "
        "look once more before you make a new draft.",
    )


def _by_mark(connection: Connection, draft: Draft, mark: str, since: datetime) -> Outcome | None:
    from ledgerkit.resources.messages import Messages
    from ledgerkit.resources.transactions import Transactions

    if draft.payload.type == "CREATE_TRANSACTION":
        made = Transactions(connection).search(title=mark, created_after=since)
    else:
        made = Messages(connection).search(created_after=since)
    carrying = made[[_carries(notes, mark) for notes in made["notes"]]]
    if carrying.empty:
        return None
    if len(carrying) > 1:
        ids = ", ".join(map(str, carrying["id"].tolist()))
        return Outcome("can't tell", f"the mark {mark} is in the notes of several objects: {ids}.", None, carrying)
    row = carrying.iloc[0]
    target_type = "TRANSACTION" if draft.payload.type == "CREATE_TRANSACTION" else "MESSAGE"
    requests = _requests(connection).search(target_id=int(row["id"]), target_type=target_type)
    created = requests[requests["type"].isin(["CREATE_TRANSACTION", "MESSAGE_SIGNING", "CREATE_MESSAGE_SIGNING"])]
    if len(created) != 1:
        return Outcome("can't tell", f"{target_type} {row['id']} carries the mark {mark}.", None, requests)
    request_id = int(created["id"].iloc[0])
    return Outcome("found", f"{target_type} {row['id']} carries the mark {mark}: request {request_id}.", request_id)


def _candidates(connection: Connection, draft: Draft, since: datetime) -> pd.DataFrame:
    from ledgerkit.resources.users import Users

    user = None if connection.operator is None else connection.operator.user_id(Users(connection).search)
    kind = _SEARCHED.get(draft.payload.type, draft.payload.type)
    found: pd.DataFrame = _requests(connection).search(created_by=user, type=kind, created_after=since)
    return found


def _carries(notes: Any, mark: str) -> bool:
    return isinstance(notes, list) and any(
        isinstance(note, Mapping) and mark in f"{note.get('title')} {note.get('content')}" for note in notes
    )


def as_the_service_says(connection: Connection, request_id: int) -> dict[str, Any]:
    """Return what the service says that a request would do, as a statement; it shows consistency only."""
    from ledgerkit.resources.accounts import Accounts
    from ledgerkit.resources.transactions import Transactions

    request = _requests(connection).get(request_id).iloc[0]
    if request["target_type"] != "TRANSACTION":
        raise InvalidRequest(
            f"request {request_id} is about a {request['target_type']}, which is not compared with itself: give what "
            "you mean as `intent`.",
            field="intent",
        )
    transaction = Transactions(connection).get(int(request["target_id"])).iloc[0]
    try:
        account: Mapping[Any, Any] = Accounts(connection).get(int(transaction["account_id"])).iloc[0].to_dict()
    except NotFound:
        account = {}
    memos = ("MEMO_TEXT", "MEMO_ID", "MEMO_HASH", "MEMO_RETURN")
    memo = {one: transaction[f"coin_fields_memo_{one}"] for one in memos}
    said = {
        "amount": transaction["amount"],
        "recipient": transaction["recipient"],
        "currency": transaction["currency"],
        "max_fees": transaction["max_fees"],
        "account_name": account.get("name"),
        "contract_address": account.get("contract_address"),
        "tag": transaction["coin_fields_destination_tag"],
        "token_mint": transaction["coin_fields_tx_parameters_token_mint"],
    }
    told, memo = _present(said), _present(memo)
    return {**told, **({"memo": memo} if memo else {})}


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are there, integers of NumPy as Python's."""
    return {
        name: int(value) if isinstance(value, Integral) else value
        for name, value in fields.items()
        if not pd.isna(value)
    }


def _requests(connection: Connection) -> Any:
    from ledgerkit.resources.requests import Requests

    return Requests(connection)
