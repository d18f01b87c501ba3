"""Whatever a write calls the address that it pays, and whatever stands around it, a look-alike stops it."""

from collections.abc import Callable
from typing import Any

import pytest
from serving import Reply, Seen, Server, listing, page, signed_in
from writes.conftest import listed_address, open_session

import ledgerkit as lk
from hostile.test_look_alikes import EVM, POISON, poisoned, whitelisted, workspace
from ledgerkit import payloads
from ledgerkit.addresses import KnownAddresses, destinations, mark
from ledgerkit.known_addresses import checked, look_alikes
from ledgerkit.sandbox import Sandbox

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]
OPERATOR = lk.ApiUser("acme", "key-id", "canary-key-secret")
PLEDGE = "11111111-2222-4333-8444-555555555555"
OTHER = "0x" + "7" * 40
KNOWN = KnownAddresses([(EVM, "“Acme” on whitelist Vendors")])


def paid(transfer_to: str) -> dict[str, Any]:
    return {"function_name": "transfer", "function_arguments": {"to": transfer_to, "amounts": ["5", transfer_to]}}


def encoded(transfer_to: str) -> str:
    return f"0xa9059cbb{transfer_to[2:]:0>64}{5:064x}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "CREATE_TRANSACTION", "data": {"recipient": POISON}}, [POISON]),
        ({"inbound_transaction_intent": {"to_address": POISON}}, [POISON]),
        ({"repledge_intent": {"to_address": POISON}}, [POISON]),
        ({"type": "EDIT_WHITELIST", "data": {"addresses": [{"address": EVM}, {"address": POISON}]}}, [EVM, POISON]),
        ({"data": {"recipient": OTHER, "contract_data": paid(POISON)}}, [OTHER, POISON]),
        ({"data": {"contract_data": encoded(POISON)}}, [POISON]),
        ({"data": {"encoded_contract_data": encoded(POISON)}}, [POISON]),
        ({"transaction_data_recipient": POISON}, [POISON]),  # as a frame calls it
        ({"data": {"contract_address": POISON, "token_mint": POISON, "validator": POISON}}, []),
        ({"data": {"recipient": None, "addresses": [None, {"address": None}], "contract_data": "0x"}}, []),
    ],
)
def test_a_destination_is_known_by_the_names_that_the_api_has_for_it(
    body: dict[str, Any], expected: list[str]
) -> None:
    assert [one.lower() for one in destinations(body)] == [one.lower() for one in expected]


@pytest.mark.parametrize(
    "around",
    [
        "ethereum:{}",
        "{}@1",
        "{}?value=1",
        "{}/",
        "{},",
        "./{}",
        "0x{}",
        "pay-{}",
        "pay{}",
        "{}%2F",
        "ethereum%3A{}",
    ],
)
def test_what_stands_around_a_look_alike_silences_nothing(around: str) -> None:
    text = around.format(POISON)
    check = checked(text, KNOWN)
    assert (check.verdict, check.allowed_by) == ("problem", "look_alike")
    assert check.text.startswith(f"{POISON} in it begins and ends like {EVM} (")
    assert "of its 42 characters the first 6 and the last 4 are the same" in check.text
    said = mark(text, KNOWN)
    assert said is not None
    assert said.label == "LOOK-ALIKE"
    # The known one itself resembles nothing there, and the beginning of a hash is no address.
    assert checked(around.format(EVM), KNOWN).verdict == "ok"
    assert mark(around.format(EVM), KNOWN) is None
    assert mark(around.format(POISON + "0" * 24), KNOWN) is None


def test_beside_a_known_address_a_look_alike_of_it_is_marked() -> None:
    said = mark(f"pay {EVM} or {POISON} now", KNOWN)
    assert said is not None
    assert said.text.startswith(f"{POISON} in it begins and ends like {EVM}")
    two = mark(f"pay 0xdAC{'9' * 33}1ec7 or {POISON} now", KNOWN)
    assert two is not None
    assert (two.sure, two.text.count(" in it ")) == (True, 1)


def test_of_several_destinations_each_is_named(serve: Serve, connect_to: Connect) -> None:
    connection = connect_to(serve(workspace(EVM))).accounts._connection
    entries = [{"address": one} for one in (OTHER, POISON, "0x" + "8" * 40)]
    known, alike = look_alikes(connection, {"type": "CREATE_WHITELIST", "data": {"addresses": entries}})
    assert known.text.startswith(f"{OTHER}, 0x{'8' * 40}: like none of the")
    assert (known.verdict, alike.verdict) == ("ok", "problem")
    assert alike.text.startswith(f"{POISON}: it begins and ends like {EVM}")


def test_a_list_is_not_asked_for_that_holds_a_look_alike(serve: Serve, connect_to: Connect) -> None:
    server = serve(workspace(EVM))
    session = connect_to(server, OPERATOR, writes=True)
    body = {"type": "CREATE_WHITELIST", "data": {"name": "Vendors", "addresses": [{"address": POISON}]}}
    with pytest.raises(lk.InvalidRequest, match="nothing was sent: look-alike: it begins and ends like"):
        session.requests.create(body)
    assert "/requests" not in server.paths()


# Settlements


def settling(seen: Seen) -> Any:
    if seen.path == "/whitelists":
        return listing([whitelisted("ACTIVE", EVM)])(seen)
    return Reply(seen.json) if seen.method == "POST" else page([])


INBOUND = {"amount": "5", "to_account_id": 1}


@pytest.mark.parametrize(
    "intents",
    [
        {"inbound_transaction_intent": {**INBOUND, "to_address": POISON}},
        {
            "inbound_transaction_intent": {**INBOUND, "to_address": EVM},
            "outbound_transaction_intent": payloads.EthereumLikeSend(
                account_id=1,
                account_name="ETH",
                currency="ethereum",
                amount=1,
                max_fees=1,
                recipient=POISON,
                fees_strategy=payloads.Speed("FAST"),
            ),
        },
    ],
    ids=["in", "out"],
)
def test_a_settlement_that_pays_a_look_alike_is_made_by_who_says_that_it_is_meant(
    serve: Serve, connect_to: Connect, intents: dict[str, Any]
) -> None:
    server = serve(signed_in(settling))
    session = connect_to(server, OPERATOR, writes=True)

    with pytest.raises(lk.InvalidRequest, match=rf"nothing was sent: look-alike: .*begins and ends like {EVM}"):
        session.settlements.create(PLEDGE, **intents)
    assert "/settlements" not in server.paths()

    made = session.settlements.create(PLEDGE, **intents, look_alike=True)
    assert made["from_pledge_id"].tolist() == [PLEDGE]
    assert server.paths().count("/settlements") == 1


def test_a_settlement_with_a_listed_address_is_made(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(settling))
    session = connect_to(server, OPERATOR, writes=True)
    session.settlements.create(PLEDGE, inbound_transaction_intent={**INBOUND, "to_address": EVM})
    assert server.paths() == ["/whitelists", "/accounts", "/settlements"]


def test_a_session_that_may_not_write_is_asked_nothing(serve: Serve, connect_to: Connect) -> None:
    server = serve(signed_in(settling))
    with pytest.raises(lk.PermissionDenied, match="reads only"):
        connect_to(server, OPERATOR).settlements.create(
            PLEDGE, inbound_transaction_intent={**INBOUND, "to_address": EVM}
        )
    assert server.paths() == []


# One address, compared by hand


def test_an_address_is_compared_by_hand() -> None:
    with Sandbox(transactions=0, pace=0) as server, open_session(server) as session:
        listed = listed_address(session, "bitcoin")
        assert session.compare_address(f" {listed} ").verdict == "ok"
        check = session.compare_address(poisoned(listed))
        assert (check.verdict, check.text.startswith(f"it begins and ends like {listed} (")) == ("problem", True)
        for wrong in ("", "  ", None, 7):
            with pytest.raises(lk.InvalidRequest, match="it is a whole address, as text"):
                session.compare_address(wrong)  # type: ignore[arg-type]  # what people give all the same
