"""A card marks each address that only looks like a known one, or says that nothing was compared."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from serving import Reply, Seen, Server, listing, page, signed_in

import ledgerkit as lk
from hostile.test_look_alikes import EVM, POISON
from ledgerkit.cards import card
from ledgerkit.cards.layouts import MOST_ROWS
from ledgerkit.forms.detail import Detail

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]
NOT_YET = "Addresses are not compared with known ones yet: session.compare_address(address) does it."
MADE = {"created_on": "2026-01-01T00:00:00Z"}


def whitelist(number: int, status: str, *addresses: str) -> dict[str, Any]:
    entries = [{"id": at, "name": "Acme", "currency": "ethereum", "address": one} for at, one in enumerate(addresses)]
    return {"id": number, "name": f"List {number}", "status": status, "addresses": entries, **MADE}


ACTIVE, PENDING = whitelist(1, "ACTIVE", EVM), whitelist(2, "PENDING_APPROVAL", "0x" + "7" * 40, POISON)
LONG = whitelist(3, "PENDING_APPROVAL", *(f"0x{10**30 + 7 * at:040x}" for at in range(MOST_ROWS)), POISON)
WAITING = {"status": "PENDING_APPROVAL", **MADE}
OBJECTS: dict[str, dict[str, Any]] = {
    "/whitelists/1": ACTIVE,
    "/whitelists/2": PENDING,
    "/whitelists/3": LONG,
    "/requests/4": {"id": 4, "type": "CREATE_WHITELIST", "target_type": "WHITELIST", "target_id": 2, **WAITING},
    "/requests/5": {"id": 5, "type": "CREATE_TRANSACTION", "recipient": POISON, **WAITING},
    "/requests/6": {
        "id": 6,
        "type": "CREATE_TRANSACTION",
        "data": {"transaction_data": {"recipient": POISON}},
        **WAITING,
    },
    "/requests/7": {"id": 7, "type": "EDIT_WHITELIST", "data": {"addresses": [{"address": POISON}]}, **WAITING},
    "/transactions/8": {"id": 8, "type": "SEND", "recipient": POISON, **WAITING},
    "/accounts/9": {"id": 9, "name": "ETH", "status": "ACTIVE", "currency": "ethereum", "address": EVM, **MADE},
    "/groups/10": {"id": 10, "name": "Desk", "status": "ACTIVE", "members": [], **MADE},
}


@pytest.fixture
def server(serve: Serve) -> Server:
    def answer(seen: Seen) -> Any:
        if seen.path == "/whitelists":
            return listing([ACTIVE, PENDING])(seen)
        return Reply(OBJECTS[seen.path]) if seen.path in OBJECTS else page([])

    return serve(signed_in(answer))


def got(session: lk.Session, path: str) -> Any:
    section, number = path.strip("/").split("/")
    return getattr(session, section).get(int(number))


MARKED = ["/whitelists/2", "/requests/5", "/requests/6", "/requests/7", "/transactions/8"]


@pytest.mark.parametrize("path", MARKED)
def test_an_address_that_looks_like_a_known_one_is_marked(server: Server, connect_to: Connect, path: str) -> None:
    session = connect_to(server)
    session.compare_address(EVM)
    shown = got(session, path)
    assert f"LOOK-ALIKE: {POISON}: it begins and ends like {EVM}" in repr(shown)
    assert shown._repr_html_().count("LOOK-ALIKE: ") == 1
    assert "not compared" not in repr(shown)


@pytest.mark.parametrize("path", ["/whitelists/1", "/accounts/9", "/groups/10"])
def test_what_is_known_itself_is_not(server: Server, connect_to: Connect, path: str) -> None:
    session = connect_to(server)
    session.compare_address(EVM)
    shown = got(session, path)
    assert "LOOK-ALIKE" not in repr(shown) + shown._repr_html_()


def test_of_a_long_list_the_look_alike_is_none_of_those_that_are_left_out(
    server: Server, connect_to: Connect
) -> None:
    session = connect_to(server)
    session.compare_address(EVM)
    shown = got(session, "/whitelists/3")._repr_html_()
    assert "LOOK-ALIKE: " in shown
    assert "1 more are in All fields." in shown


@pytest.mark.parametrize("path", [*MARKED, "/whitelists/1", "/accounts/9"])
def test_a_card_says_that_nothing_was_compared_yet_and_makes_no_call(
    server: Server, connect_to: Connect, path: str
) -> None:
    session = connect_to(server)
    shown = got(session, path)
    assert repr(shown).splitlines()[-1] == NOT_YET
    assert shown._repr_html_().count(NOT_YET) == 1
    assert server.paths() == [path]
    # The way that it names is one: the same card says more from then on.
    session.compare_address(EVM)
    assert NOT_YET not in repr(shown) + shown._repr_html_()
    assert ("LOOK-ALIKE" in repr(shown)) is (path in MARKED)


def test_a_card_without_an_address_says_nothing(server: Server, connect_to: Connect) -> None:
    shown = got(connect_to(server), "/groups/10")
    assert "compared" not in repr(shown) + shown._repr_html_()


def test_a_card_without_a_session_says_it_and_names_no_way() -> None:
    frame = pd.DataFrame({"address": [POISON]})
    assert "Addresses are not compared with known ones." in card("address", frame)


@pytest.mark.parametrize(("kind", "number"), [("whitelist", 2), ("request", 4), ("request", 7), ("transaction", 8)])
def test_a_detail_compares_by_itself(server: Server, connect_to: Connect, kind: str, number: int) -> None:
    form = Detail.on(connect_to(server).accounts._connection)
    form.open(kind, number)
    form.wait()
    assert "LOOK-ALIKE: " in form.card.value
    assert f"LOOK-ALIKE: {POISON}: it begins and ends like {EVM}" in form.text()
    assert "not compared" not in form.card.value + form.text()
    form.close()
