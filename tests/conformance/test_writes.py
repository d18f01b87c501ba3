"""What writes put on the wire is what the contract asks for: the path, every required field, and no other."""

from collections.abc import Callable
from typing import Any

import pytest
from serving import Server
from write_examples import LAM_WRITES, SETTLEMENT, WRITES, Write

import ledgerkit as lk
from conformance.calls import BY_OPERATION
from conformance.contract import columns, needs_contract, problems_of_body

pytestmark = needs_contract

# The reference of the LAM lists no body here, its tutorial sends the name.
WITH_A_BODY_ALL_THE_SAME = "POST /api_users/{name}/register/{url_id}"


def sent(serve: Callable[..., Server], connect_to: Callable[..., lk.Session], write: Write) -> Any:
    server = serve(write.served())
    credentials = lk.LAM("api_lam_user") if write in LAM_WRITES else lk.ApiUser("acme", "key-id", "key-secret")
    write.make(connect_to(server, credentials, writes=True))
    [arrived] = [seen for seen in server.seen if seen.method != "GET" and "/auth/" not in seen.path]
    return arrived.json if arrived.body else None


@pytest.mark.parametrize("write", [*WRITES, *LAM_WRITES], ids=repr)
def test_a_body_is_one_that_the_contract_takes(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], write: Write
) -> None:
    body = sent(serve, connect_to, write)

    if write.operation == WITH_A_BODY_ALL_THE_SAME:
        assert body == {"name": "desk_1"}
    else:
        assert problems_of_body(write.operation, body) == []


@pytest.mark.parametrize(
    ("operation", "body", "problem"),
    [
        ("POST /settlements", {"id": "7", "from_pledge_id": SETTLEMENT, "meta": {}}, "$.id: '7' is not a 'uuid'"),
        ("POST /settlements", {"id": SETTLEMENT, "meta": {}}, "$: 'from_pledge_id' is a required property"),
        ("POST /settlements/{settlement_id}/recover", {"fees_strategy": {}}, "$.fees_strategy: no such field"),
        ("POST /settlements/{settlement_id}/cancel", {}, "the operation takes no body"),
        ("POST /labels", {"name": "SPAM", "info": {}, "color": "red"}, "$.color: no such field"),
        ("POST /accounts/{account_id}/labels", {"label_id": "5"}, "$.label_id: '5' is not of type 'integer'"),
    ],
)
def test_a_body_that_the_contract_does_not_take_is_noticed(operation: str, body: Any, problem: str) -> None:
    assert problem in problems_of_body(operation, body)


@pytest.mark.parametrize("write", WRITES, ids=repr)
def test_the_frame_of_a_write_has_the_fields_of_its_answer(write: Write) -> None:
    added = {"replaced_url"} if write.operation.startswith("PUT ") else set()

    assert sorted(BY_OPERATION[write.operation].table.columns) == sorted({*columns(write.operation), *added})
