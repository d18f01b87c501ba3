"""Rows are held in little memory, and are found as if they were a plain list: packed, in windows, at the far end."""

import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerkit.sandbox import Sandbox, blocks
from ledgerkit.sandbox.blocks import ROWS, Blocks
from ledgerkit.sandbox.columns import Codes, Column, Numbers, Values
from ledgerkit.sandbox.store import Collection, Where, Window, codes, created, numbers, values
from ledgerkit.sandbox.world import build

from .conftest import NOW, ids, log_in


@pytest.fixture
def packing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pack all but the youngest rows, as in a workspace of a million transactions."""
    monkeypatch.setattr(blocks, "PLAIN", 1)


# --- blocks ---------------------------------------------------------------------------------------------------------


def rows(count: int) -> list[bytes]:
    return [b'{"id":%d,"note":"%s"}' % (number, b"x" * (number % 50)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS, 9 * ROWS + 5])
def test_packed_rows_are_those_that_were_written(packing: None, count: int) -> None:
    held, written = Blocks(), rows(count)
    for row in written:
        held.append(row)
    assert len(held) == count
    assert list(held) == written
    with pytest.raises(IndexError):
        held[count]


def test_a_packed_row_can_be_written_anew(packing: None) -> None:
    held, written = Blocks(), rows(8 * ROWS)
    for row in written:
        held.append(row)
    for position in (0, ROWS - 1, ROWS, 5 * ROWS + 3, 8 * ROWS - 1):
        held[position] = written[position] = b'{"id":%d,"status":"REJECTED"}' % position
    # read other blocks until none of these is still unpacked
    assert list(held) == written
    assert list(held) == written


def test_a_usual_workspace_is_not_packed_at_all() -> None:
    world = build(transactions=4000, now=NOW)
    assert not world.transactions.encoded._packed


# --- columns --------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**63) + 1, 2**63 - 1)), max_size=40),
    st.sampled_from([Values, Codes, Numbers]),
    st.randoms(),
)
def test_every_kind_of_column_answers_as_a_list_does(
    held: list[int | None], kind: type[Column], chance: random.Random
) -> None:
    column = kind()
    for value in held:
        column.append(value)
    if held:
        position = chance.randrange(len(held))
        column[position] = held[position] = 5
    assert list(column) == held
    assert [column[position] for position in range(len(column))] == held
    collection = Collection(({"value": value} for value in held), {"value": (kind, lambda node: node["value"])})
    found = collection.select([Where("value", lambda value: value is not None and value > 3)])
    assert list(found) == [position for position, value in enumerate(held) if value is not None and value > 3]


@given(st.lists(st.one_of(st.none(), st.integers(-9, 9)), max_size=30), st.integers(-10, 10), st.integers(-10, 10))
def test_a_window_is_what_a_scan_finds_whether_numbers_rise_or_not(
    held: list[int | None], low: int, high: int
) -> None:
    for order in (held, sorted(value for value in held if value is not None)):
        collection = Collection(({"n": value} for value in order), {"n": numbers(lambda node: node["n"])})
        expected = [at for at, value in enumerate(order) if value is not None and low <= value <= high]
        assert list(collection.select([Window("n", low, high)])) == expected


@pytest.mark.parametrize("bound", [2**63 - 1, 2**63, 2**70, -(2**63), -(2**70)])
def test_bounds_beyond_64_bits_are_bounds_nevertheless(bound: int) -> None:
    for order in ([1, 2, None, 3], [1, 2, 3]):
        collection = Collection(({"n": value} for value in order), {"n": numbers(lambda node: node["n"])})
        known = [at for at, value in enumerate(order) if value is not None]
        assert list(collection.select([Window("n", -(2**80), bound)])) == (known if bound > 0 else [])
        assert list(collection.select([Window("n", bound, 2**80)])) == ([] if bound > 0 else known)


# --- ids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "identifiers",
    [
        pytest.param([3, 5, 9], id="rising"),
        pytest.param([9, 3, 5], id="not rising"),
        pytest.param(["a-1", "c-3", "b-2"], id="texts"),
    ],
)
def test_a_row_is_found_by_its_id_until_it_is_removed(identifiers: list[Any]) -> None:
    collection = Collection(({"id": identifier} for identifier in identifiers), {})
    assert [collection.position(identifier) for identifier in identifiers] == [0, 1, 2]
    assert [collection.find(other) for other in (None, 4, "z", 2**80)] == [None] * 4
    collection.remove(identifiers[1])
    assert collection.find(identifiers[1]) is None
    assert list(collection.select([])) == [0, 2]
    assert list(collection.select([], hidden=True)) == [0, 1, 2]
    with pytest.raises(KeyError):
        collection.replace({"id": identifiers[1]})
    collection.append({"id": identifiers[1], "again": True})
    assert collection.find(identifiers[1]) == {"id": identifiers[1], "again": True}
    assert list(collection.ids) == [*identifiers, identifiers[1]]


def test_many_ids_are_looked_up_at_once_as_one_by_one() -> None:
    wanted = [5, 1, 3, 4, 99, -7]
    for known in ([], [1, 3, 4, 8], [8, 1, 4, 3]):
        collection = Collection(({"id": number} for number in known), {})
        for _ in range(2):
            one_by_one = [collection.position(number) for number in wanted]
            found = collection.positions(np.array(wanted)).tolist()
            assert found == [-1 if position is None else position for position in one_by_one]
            if known and collection.position(4) is not None:
                collection.remove(4)


def test_the_next_id_is_above_all_that_there_ever_were() -> None:
    assert Collection((), {}).next_id() == 1
    collection = Collection(({"id": number} for number in (4, 8, 2)), {})
    assert collection.next_id() == 9
    collection.remove(8)
    assert collection.next_id() == 9


def test_fields_with_objects_or_lists_cannot_be_ordered_by() -> None:
    collection = Collection([{"id": 1, "fees": "7", "block": None}, {"id": 2, "notes": [], "block": {}}], {})
    assert collection.fields == {"id": True, "fees": True, "block": False, "notes": False}


def test_pages_of_one_search_share_a_view_until_something_changes() -> None:
    collection = Collection(({"id": number} for number in range(1, 9)), {"id": numbers(lambda node: node["id"])})

    def view() -> list[int]:
        return list(collection.view("key", lambda: [Window("id", 3, 6)], None, descending=True))

    assert view() == [5, 4, 3, 2]
    collection.hide(3)
    assert view() == [5, 4, 2]
    collection.show(3)
    assert view() == [5, 4, 3, 2]
    # an id that is not above the last: the numbers rise no more, and a scan takes over
    collection.append({"id": 5, "late": True})
    assert view() == [8, 5, 4, 3, 2]


def test_views_in_all_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledgerkit.sandbox.store.VIEWED_AT_MOST", 25)
    collection = Collection(({"id": number} for number in range(10)), {"odd": codes(lambda node: node["id"] % 2)})
    for key in range(12):
        found = collection.view(key, lambda: [Where("odd", bool)], None, descending=False)
        assert list(found) == [1, 3, 5, 7, 9]
    assert len(collection._views) == 5


# --- memory ---------------------------------------------------------------------------------------------------------


def test_a_transaction_takes_less_memory_than_its_text(packing: None) -> None:
    """As nodes it took five times its text; requests, votes and histories are counted with it."""
    build(transactions=0, now=NOW)  # what is made once is not counted

    def measured(transactions: int) -> tuple[int, int, int]:
        tracemalloc.start()
        try:
            world = build(transactions=transactions, now=NOW)
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        text = sum(len(row) for listing in (world.transactions, world.requests) for row in listing.encoded)
        return held, peak, text

    (small, _, less), (large, peak, more) = measured(200), measured(800)
    assert large - small < more - less
    assert peak < 1.5 * large, "while it is made it takes little more than afterwards"


# --- a packed workspace ---------------------------------------------------------------------------------------------


def test_packed_and_plain_worlds_have_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = build(transactions=900, now=NOW)
    monkeypatch.setattr(blocks, "PLAIN", 1)
    packed = build(transactions=900, now=NOW)
    assert packed.transactions.encoded._packed
    for section in ("transactions", "requests"):
        assert list(getattr(packed, section).encoded) == list(getattr(plain, section).encoded)
    assert dict(packed.governance) == dict(plain.governance)
    assert dict(packed.history) == dict(plain.history)


@pytest.fixture
def packed(packing: None) -> Iterator[tuple[Sandbox, httpx.Client]]:
    with Sandbox(transactions=700, now=NOW) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        log_in(client, sandbox)
        yield sandbox, client


def test_all_pages_of_a_packed_workspace_are_complete_and_in_order(packed: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = packed
    assert ids(client, "/transactions") == list(range(700, 0, -1))
    last = client.get("/transactions", params={"page": 7, "page_size": 100}).json()
    assert [edge["node"] for edge in last["edges"]] == [sandbox.world.transactions[at] for at in range(99, -1, -1)]
    assert last["page_info"] == {"count": 700, "has_next_page": False}
    beyond = client.get("/transactions", params={"page": 8, "page_size": 100}).json()
    assert beyond == {"edges": [], "page_info": {"count": 700, "has_next_page": False}}


def test_counts_of_windows_are_those_of_a_scan(packed: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, client = packed
    dates = [node["created_on"] for node in sandbox.world.transactions]
    chance = random.Random(3)
    for _ in range(40):
        low, high = sorted(chance.sample(dates, 2))
        body = client.get(
            "/transactions", params={"page_size": 1, "created_after": low, "created_before": high}
        ).json()
        assert body["page_info"]["count"] == sum(low <= date < high for date in dates)
        narrowed = ids(client, "/transactions", created_after=low, created_before=high, status="CONFIRMED")
        assert narrowed == [
            node["id"]
            for node in reversed(list(sandbox.world.transactions))
            if low <= node["created_on"] < high and node["status"] == "CONFIRMED"
        ]


def test_a_window_makes_no_list_of_its_rows(packed: tuple[Sandbox, httpx.Client]) -> None:
    sandbox, _ = packed
    middle = created(sandbox.world.transactions[350])
    assert middle is not None
    found = sandbox.world.transactions.view(
        "key", lambda: [Window("created_on", middle, 2**63)], None, descending=True
    )
    assert isinstance(found, range)
    assert (found[0], found[-1]) == (699, 350)


def test_the_oldest_rows_can_be_written(packing: None) -> None:
    sandbox = Sandbox(transactions=700, now=NOW)
    transactions = sandbox._build().collections["transactions"]
    oldest = transactions[0]
    transactions.replace({**oldest, "status": "REJECTED", "labels": [{"id": 3, "name": "Audit", "info": {}}]})
    assert sandbox.world.transactions[0]["status"] == "REJECTED"
    assert 0 in transactions.select([Where("status", "REJECTED".__eq__)])
    assert list(transactions.select([Where("labels", lambda labels: "3" in labels), Window("id", 1, 1)])) == [0]
    assert transactions[1]["id"] == 2


# --- requests of the past -------------------------------------------------------------------------------------------


def test_what_is_said_of_a_request_that_is_over_is_said_again_alike() -> None:
    world = build(transactions=400, now=NOW)
    request = next(node for node in world.requests if node["status"] == "APPROVED" and world.approved_by[node["id"]])
    number = request["id"]
    status = world.governance[number]
    status["governance_steps"].clear()
    assert world.governance[number]["governance_steps"], "an answer that was altered alters nothing"
    votes = [vote for step in world.governance[number]["governance_steps"] for vote in step["approvals"]]
    assert len(votes) >= len(world.approved_by[number])
    # the column of a row that is written anew keeps who approved
    before = list(world.approved_by[number])
    world.requests.replace(request)
    assert world.approved_by[number] == before
    assert number in [
        world.requests[at]["id"]
        for at in world.requests.select([Where("approved_by", lambda users: before[0] in users)])
    ]


def test_the_history_of_a_transaction_is_its_request() -> None:
    world = build(transactions=400, now=NOW)
    for transaction in world.transactions:
        steps = world.history["transactions", transaction["id"]]
        assert [row["id"] for step in steps for row in step] == (
            [] if transaction["last_request"] is None else [transaction["last_request"]]
        )
    for absent in (("transactions", 401), ("transactions", 0), ("users", 9999), ("nothing", 1)):
        assert absent not in world.history
    assert len([key for key in world.history if key[0] == "transactions"]) == 400


def test_requests_that_nobody_has_are_in_no_list() -> None:
    world = build(transactions=200, now=NOW)
    beyond = len(world.requests) + 1
    for known in (world.governance, world.pending_by, world.approved_by, world.rejected_by):
        assert beyond not in known
        assert 0 not in known
        assert list(known) == list(range(1, beyond))


def test_columns_are_of_the_kind_they_were_declared() -> None:
    collection = Collection([{"id": 1}], {"id": values(lambda node: node["id"])})
    with pytest.raises(TypeError, match="id is no column of integers"):
        collection.numbers("id")
