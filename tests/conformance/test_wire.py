"""What a call puts on the wire: the path of its operation, and parameters under the names of the contract alone."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from serving import Reply, Seen, Server, page

import ledgerkit as lk
from conformance.calls import BY_OPERATION
from conformance.contract import needs_contract, parameters, reads
from conformance.differences import NEVER_PARAMETERS, RENAMED_PARAMETERS

pytestmark = needs_contract

# These are the reader's: it asks in the order in which completeness can be shown, and sorts the frame as asked.
READERS = {*NEVER_PARAMETERS, "order", "order_by"}
# A bound is asked for a second wider than it was given, since whether it is in or out is documented nowhere.
WIDER = {"created_after": "2026-01-30T23:59:59Z", "created_before": "2026-01-31T00:00:01Z"}


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve(lambda seen: page([]))


@pytest.fixture
def session(server: Server) -> Iterator[lk.Session]:
    with lk.Session(lk.LAM("api_lam_user", "api-key", "store-token"), base_url=f"{server.url}/gate") as opened:
        yield opened


def sent(session: lk.Session, server: Server, operation: str, **given: Any) -> Seen:
    """Make a call, whatever becomes of the empty answer, and return what arrived."""
    with contextlib.suppress(lk.ContractViolation):
        BY_OPERATION[operation].make(session, **given)
    return server.seen[0]


def text(operation: str, name: str) -> str:
    call = BY_OPERATION[operation]
    value = call.sample(name)
    if name == "message_type":
        value = value.replace("EIP-", "EIP")  # taken as objects spell it, sent as the filter does
    plain = {"time": "2026-01-31T00:00:00Z", "flag": "true"}.get(call.filters[name].kind, str(value))
    return WIDER.get(name, plain)


@pytest.mark.parametrize("operation", reads())
def test_every_filter_arrives_under_the_name_of_the_contract(
    session: lk.Session, server: Server, operation: str
) -> None:
    renamed = RENAMED_PARAMETERS.get(operation, {})
    call = BY_OPERATION[operation]
    documented = parameters(operation, "query")
    names = {name: renamed.get(name, name) for name in documented.keys() - NEVER_PARAMETERS}

    given = {name: call.sample(name) for name in names.values() if name != "order_by"}
    arrived = sent(session, server, operation, **given)

    expected = {name: [text(operation, own)] for name, own in names.items() if name not in READERS}
    assert {name: values for name, values in arrived.query.items() if name not in READERS} == expected
    assert arrived.query.keys() <= documented.keys()


@pytest.mark.parametrize("operation", reads())
def test_the_path_is_the_one_of_the_operation_behind_the_base_url(
    session: lk.Session, server: Server, operation: str
) -> None:
    method, _, template = operation.partition(" ")
    values = {name: BY_OPERATION[operation].sample(name) for name in parameters(operation, "path")}
    index = {"index": 7} if "{index}" in template else {}

    arrived = sent(session, server, operation, **index)

    assert (arrived.method, arrived.path) == (method, f"/gate{template.format(**values)}")
    assert arrived.headers["X-Ledger-API-User"] == "api_lam_user"
    assert arrived.headers["X-Ledger-API-Key"] == "api-key"
    assert arrived.headers["X-Ledger-Store-Auth-Token"] == "store-token"


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        (operation, name)
        for operation in reads()
        for name, schema in parameters(operation, "query").items()
        if schema.get("type") == "array"
    ],
)
def test_a_list_repeats_its_parameter(session: lk.Session, server: Server, operation: str, name: str) -> None:
    values = BY_OPERATION[operation].samples(name)

    arrived = sent(session, server, operation, **{name: values})

    assert arrived.query[name] == [str(value) for value in values]


def test_the_other_name_of_the_state_of_pledges(session: lk.Session, server: Server) -> None:
    assert sent(session, server, "GET /pledges", status="PLEDGE_READY").query["state"] == ["PLEDGE_READY"]


def test_an_aborted_request_is_searched_as_a_rejected_one(session: lk.Session, server: Server) -> None:
    assert sent(session, server, "GET /requests", status=["ABORTED"]).query["status"] == ["REJECTED"]


def test_the_type_of_a_message_is_taken_as_objects_spell_it(session: lk.Session, server: Server) -> None:
    assert sent(session, server, "GET /messages", message_type="EIP-712").query["message_type"] == ["EIP712"]


def test_a_limit_is_a_number_of_rows_and_no_parameter(serve: Callable[..., Server]) -> None:
    nodes = [{"id": number, "created_on": "2026-01-31T00:00:00Z"} for number in range(9, 0, -1)]
    server = serve(lambda seen: page(nodes[: int(seen.query["page_size"][0])], count=9, has_next=True))
    with lk.Session(lk.LAM("api_lam_user"), base_url=server.url) as session:
        frame = session.groups.search(limit=4)

    assert frame["id"].tolist() == [9, 8, 7, 6]
    assert [seen.query.keys() <= READERS for seen in server.seen] == [True]


def test_an_answer_of_another_shape_is_never_an_empty_frame(serve: Callable[..., Server]) -> None:
    for operation in reads():
        server = serve(lambda seen: Reply("nothing that the contract knows"))
        with (
            lk.Session(lk.LAM("api_lam_user"), base_url=server.url) as session,
            pytest.raises(lk.ContractViolation) as raised,
        ):
            BY_OPERATION[operation].make(session)
        assert raised.value.details.get("field"), operation
        assert str(raised.value).startswith("GET /"), operation
