"""Finding the request that a draft made, where the answer was lost; and what the service itself says of a request.

It reads by calls of its own: the sections make drafts, and drafts find by this module, so that it can't import them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Integral
from typing import Any, Final

import pandas as pd

from ledgerkit.connection import Connection
from ledgerkit.drafts import Draft
from ledgerkit.errors import ContractViolation, InvalidRequest, NotFound, shorten
from ledgerkit.filters import instant_text
from ledgerkit.frames import AMOUNT, FEES, INTEGER, LIST, NUMBER, TEXT, TIME, Table
from ledgerkit.operations import check_family
from ledgerkit.outcomes import Outcome, look
from ledgerkit.paging import Listing
from ledgerkit.parallel import Progress
from ledgerkit.resources.request_tables import REQUEST
from ledgerkit.resources.users import Users
from ledgerkit.transport import path_with

# What is looked at; other fields follow these.
MESSAGE: Final = Table("message", {"id": INTEGER, "created_on": TIME, "notes": LIST})
TRANSACTION: Final = Table(
    "transaction",
    {
        "id": INTEGER,
        "account_id": INTEGER,
        "amount": AMOUNT,
        "currency": TEXT,
        "max_fees": FEES,
        "recipient": TEXT,
        "created_on": TIME,
        "notes": LIST,
        "coin_fields": {
            "destination_tag": INTEGER,
            "memo": {"MEMO_HASH": TEXT, "MEMO_ID": NUMBER, "MEMO_RETURN": TEXT, "MEMO_TEXT": TEXT},
            "tx_parameters": {"token_mint": TEXT},
        },
    },
)
ACCOUNT: Final = Table("account", {"id": INTEGER, "name": TEXT, "contract_address": TEXT})
# By how much the clock of the service may have been set back since a draft was made. A mark is in no other note, so
# that looking further back for it finds nothing else.
MOST_SET_BACK: Final = 86_400.0
# In searches a message has another name than in its creation.
_SEARCHED: Final = {"CREATE_MESSAGE_SIGNING": "MESSAGE_SIGNING"}


def find(connection: Connection, draft: Draft) -> Outcome:
    """Look for the request of a draft: by its mark, or by creator, type and time."""
    if draft.mark is None:
        try:
            candidates = _candidates(connection, draft)
        except NotFound as error:  # who asks is not known, as after the key pair of the user was replaced
            return Outcome("can't tell", f"a {draft.payload.type} carries no note, and so no mark; {error.message}")
        told = (
            "no request of yours of this type was made since then."
            if candidates.empty
            else f"{len(candidates)} of your requests of this type were made since then; read them."
        )
        return Outcome(
            "can't tell", f"a {draft.payload.type} carries no note, and so no mark: {told}", None, candidates
        )
    mark = draft.mark

    def once() -> Outcome | None:
        if draft.payload.type == "CREATE_TRANSACTION":
            kind, made = "TRANSACTION", _transactions(connection, draft, mark)
        else:
            asked = {"created_after": _since(draft, MOST_SET_BACK)}
            kind, made = "MESSAGE", _listed(connection, "GET /messages", MESSAGE, **asked)
        carrying = _carrying(made, mark)
        return carrying if isinstance(carrying, Outcome | None) else _request_of(connection, kind, carrying, mark)

    return look(once, connection.transport.clock, _unseen(mark))


def find_on_lam(connection: Connection, draft: Draft) -> Outcome:
    """Look for the transaction of a draft that went to a LAM, by its mark."""
    mark = str(draft.mark)

    def once() -> Outcome | None:
        carrying = _carrying(_transactions(connection, draft, mark), mark)
        if isinstance(carrying, Outcome | None):
            return carrying
        return Outcome("found", f"transaction {carrying} carries the mark {mark}.", carrying)

    return look(once, connection.transport.clock, _unseen(mark))


def _unseen(mark: str) -> Outcome:
    return Outcome(
        "not found",
        f"nothing with the mark {mark} was seen in several looks. A service that is slow may still carry it out: "
        "look once more before you make a new draft.",
    )


def _since(draft: Draft, earlier: float = 0.0) -> str:
    return instant_text(datetime.fromtimestamp(max(0.0, draft.sent_after - earlier), UTC))


def _transactions(connection: Connection, draft: Draft, mark: str) -> pd.DataFrame:
    return _listed(
        connection, "GET /transactions", TRANSACTION, title=mark, created_after=_since(draft, MOST_SET_BACK)
    )


def _carrying(made: pd.DataFrame, mark: str) -> int | Outcome | None:
    """Return the id of the one object that carries a mark; where several do, that it can't be told."""
    carrying = made[[_has(notes, mark) for notes in made["notes"]]]
    if len(carrying) > 1:
        ids = ", ".join(map(str, carrying["id"].tolist()))
        return Outcome("can't tell", f"the mark {mark} is in the notes of several objects: {ids}.", None, carrying)
    return None if carrying.empty else int(carrying["id"].iloc[0])


def _has(notes: Any, mark: str) -> bool:
    return isinstance(notes, list) and any(
        isinstance(note, Mapping) and mark in f"{note.get('title')} {note.get('content')}" for note in notes
    )


def _request_of(connection: Connection, kind: str, target: int, mark: str) -> Outcome:
    requests = _listed(connection, "GET /requests", REQUEST, target_id=str(target), target_type=kind)
    created = requests[requests["type"].isin(["CREATE_TRANSACTION", "MESSAGE_SIGNING", "CREATE_MESSAGE_SIGNING"])]
    if len(created) != 1:
        return Outcome("can't tell", f"{kind} {target} carries the mark {mark}.", None, requests)
    request_id = int(created["id"].iloc[0])
    return Outcome("found", f"{kind} {target} carries the mark {mark}: request {request_id}.", request_id)


def _candidates(connection: Connection, draft: Draft) -> pd.DataFrame:
    kind = _SEARCHED.get(draft.payload.type, draft.payload.type)
    asked = {"type": kind, "created_after": _since(draft)}
    if connection.operator is not None:
        asked["created_by"] = str(connection.operator.user_id(Users(connection).search))
    return _listed(connection, "GET /requests", REQUEST, **asked)


def as_the_service_says(connection: Connection, request_id: int) -> dict[str, Any]:
    """Return what the service says that a request would do, as a statement; it shows consistency only."""
    request = _one(connection, "GET /requests/{request_id}", REQUEST, request_id)
    if request["target_type"] != "TRANSACTION":
        raise InvalidRequest(
            f"request {request_id} is about a {request['target_type']}, which is not compared with itself: "
            "give what you mean as `intent`.",
            field="intent",
        )
    transaction = _one(connection, "GET /transactions/{transaction_id}", TRANSACTION, int(request["target_id"]))
    try:
        account: Mapping[Any, Any] = _one(
            connection, "GET /accounts/{account_id}", ACCOUNT, int(transaction["account_id"])
        ).to_dict()
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


def _listed(connection: Connection, operation: str, table: Table, **asked: str) -> pd.DataFrame:
    """Read a whole list, newest first."""
    check_family(operation, connection.family, operation)
    path = operation.split()[1]
    progress = Progress(path)
    try:
        # A note may be changed later, so that an object enters the list of a title.
        listing = Listing(path, table, asked, settled="title" not in asked)
        rows, said = connection.reader.read(listing, limit=None, progress=progress)
    finally:
        progress.close()
    frame = table.frame(rows, call=operation, **said, **connection.provenance(operation, asked))
    return frame.sort_values("id", ascending=False, kind="stable", ignore_index=True)


def _one(connection: Connection, operation: str, table: Table, number: int) -> "pd.Series[Any]":
    """Read the object of an id, which must be that of the answer."""
    path = operation.split()[1]
    parameter = path.partition("{")[2].removesuffix("}")
    answer = connection.ask(operation, path_with(path, **{parameter: str(number)}))
    row = table.frame(table.leaves([answer.body], answer.call), call=answer.call).iloc[0]
    if row["id"] is not pd.NA and row["id"] != number:
        raise ContractViolation(
            f"the service was asked for {table.name} {number} and answered for {shorten(row['id'])}.",
            call=answer.call,
            field="id",
        )
    return row
