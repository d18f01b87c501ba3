"""Estimates of fees: what they answer, and that they fit what a creation then takes."""

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import jsonschema
import pytest

from ledgerkit.sandbox import Sandbox, intents
from ledgerkit.sandbox.answers import Refusal, decode, encode
from ledgerkit.sandbox.fee_quotes import DRIFT_SECONDS
from ledgerkit.sandbox.fees import estimate
from ledgerkit.sandbox.service import Call, Service
from ledgerkit.sandbox.viewers import Viewer

from .conftest import NOW, HandClock
from .creations import TRANSACTIONS, Node, account, creation, creator
from .test_answers_match_contract import definitions, needs_contract

DETAILS = "transaction_data"
LOWEST = NOW.timestamp() // (20 * DRIFT_SECONDS) * 20 * DRIFT_SECONDS


@pytest.fixture(scope="module")
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(autouse=True)
def lowest(clock: HandClock) -> None:
    """Let each test begin when estimates are at their lowest: the twenty that they go through begin anew."""
    clock.seconds = LOWEST


@pytest.fixture(scope="module")
def sandbox(clock: HandClock) -> Iterator[Sandbox]:
    with Sandbox(transactions=600, now=NOW, clock=clock) as running:
        yield running


@pytest.fixture(scope="module")
def service(sandbox: Sandbox) -> Service:
    return sandbox._build()


def asked(service: Service, body: Any, viewer: Viewer | None = None) -> Any:
    """Return the estimate of a body."""
    caller = viewer or creator(service, body)
    call = Call("POST", "/transactions/estimate-fees", caller, {}, httpx.QueryParams(), encode(body))  # type: ignore[arg-type]  # unused
    return decode(estimate(service, call))


def with_strategy(body: Node, strategy: Node) -> Node:
    changed = copy.deepcopy(body)
    changed["data"]["fees_strategy"] = strategy
    return changed


def at(body: Node, speed: str) -> Node:
    return with_strategy(body, {"type": "SPEED", "data": {"speed": speed}})


def custom(body: Node, **values: Any) -> Node:
    return with_strategy(body, {"type": "CUSTOM", "data": values})


SPEEDY = [
    *("bitcoin", "ether", "polygon", "legacy gas", "ERC-20", "XRP", "stellar", "tron", "tezos", "cardano"),
    *("contract call", "deployment"),
]
SCHEMAS = {
    "BITCOIN": "Bitcoin",
    "ETHEREUM": "Ethereum",
    "TEZOS": "Tezos",
    "POLKADOT": "Polkadot",
    "STELLAR": "Stellar",
    "RIPPLE": "Ripple",
    "SOLANA": "Solana",
    "CARDANO": "Cardano",
}


@needs_contract
@pytest.mark.parametrize("name", [name for name in TRANSACTIONS if name not in ("tron", "TRC-20")])
def test_an_estimate_has_the_shape_of_its_family(service: Service, name: str) -> None:
    body = creation(service, name)
    family = SCHEMAS[body["data"]["transaction_type"].partition("_")[0]]
    schema = {"$ref": f"#/$defs/{family}TransactionFeeEstimation", "$defs": definitions()}
    jsonschema.validate(asked(service, body), schema)


def test_an_estimate_is_asked_over_http_as_a_creation_with_a_ceiling_of_nothing(
    sandbox: Sandbox, client: httpx.Client
) -> None:
    body = creation(sandbox._build(), "bitcoin")
    body["data"][DETAILS]["max_fees"] = "0"
    answer = client.post("/transactions/estimate-fees", json=body)
    assert answer.status_code == 200
    # a testnet, at the usual speed: 2 units per byte, and half as much again as ceiling
    assert answer.json()["coin_fields"] == {"UTXO_limit": 100, "fees_per_byte": 2}
    assert int(answer.json()["max_fees"]) % 3 == 0


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_a_creation_with_the_estimate_as_its_ceiling_is_accepted(service: Service, name: str) -> None:
    body = creation(service, name)
    if "max_fees" in body["data"][DETAILS]:
        body["data"][DETAILS]["max_fees"] = "0"
        body["data"][DETAILS]["max_fees"] = asked(service, body)["max_fees"]
    assert intents.read(service, creator(service, body), body).kind == body["data"]["transaction_type"]


@pytest.mark.parametrize("name", SPEEDY)
def test_faster_costs_more(service: Service, name: str) -> None:
    body = creation(service, name)
    slow, normal, fast = (int(asked(service, at(body, speed))["max_fees"]) for speed in ("SLOW", "NORMAL", "FAST"))
    assert 0 < slow < normal < fast


def test_the_same_question_has_the_same_answer(service: Service, clock: HandClock) -> None:
    body = creation(service, "ether")
    again = Sandbox(transactions=0, clock=clock)._build()
    assert asked(service, body) == asked(service, body) == asked(again, creation(again, "ether"))
    assert asked(service, body) != asked(service, creation(service, "polygon"))


def test_a_ceiling_of_the_slowest_speed_serves_at_every_speed_and_one_unit_less_at_none(service: Service) -> None:
    body = at(creation(service, "ether"), "FAST")
    slowest = int(asked(service, at(body, "SLOW"))["max_fees"])
    body["data"][DETAILS]["max_fees"] = str(slowest)
    assert intents.read(service, creator(service, body), body).max_fees == slowest
    body["data"][DETAILS]["max_fees"] = str(slowest - 1)
    with pytest.raises(Refusal, match=f"the estimate is {slowest} at the least"):
        intents.read(service, creator(service, body), body)


@pytest.mark.parametrize(
    ("name", "values", "max_fees", "coin_fields"),
    [
        ("ether", {"gas_limit": "21000", "gas_price": "7"}, 147_000, {"gas_limit": 21_000, "gas_price": 7}),
        ("legacy gas", {"gas_limit": "30000", "gas_price": "9"}, 270_000, {"gas_limit": 30_000, "gas_price": 9}),
        ("bitcoin", {"fees_per_byte": "30"}, None, {"UTXO_limit": 100, "fees_per_byte": 30}),
        ("bitcoin", {"fees_per_byte": "1.5"}, None, {"UTXO_limit": 100, "fees_per_byte": 1.5}),
        ("ether", {"gas_limit": "21000", "priority_fees": "5"}, None, {"gas_limit": 21_000, "priority_fees": 5}),
    ],
)
def test_own_values_are_honoured(
    service: Service, name: str, values: Node, max_fees: int | None, coin_fields: Node
) -> None:
    body = custom(creation(service, name), **values)
    answer = asked(service, body)
    assert answer["coin_fields"] == coin_fields
    assert max_fees is None or int(answer["max_fees"]) == max_fees
    body["data"][DETAILS]["max_fees"] = answer["max_fees"]
    assert intents.read(service, creator(service, body), body).max_fees == int(answer["max_fees"])


def test_own_rates_scale_exactly(service: Service) -> None:
    one, many = (
        int(asked(service, custom(creation(service, "bitcoin"), fees_per_byte=rate))["max_fees"])
        for rate in ("2", "200")
    )
    assert many == 100 * one


@pytest.mark.parametrize(
    ("name", "values", "part"),
    [
        ("bitcoin", {"fees_per_byte": 30}, "fees_per_byte"),
        ("bitcoin", {"fees_per_byte": "0"}, "fees_per_byte"),
        ("bitcoin", {"fees_per_byte": "-1"}, "fees_per_byte"),
        ("bitcoin", {"gas_limit": "21000", "gas_price": "7"}, "data.fees_strategy.data.fees_per_byte"),
        ("ether", {"gas_limit": "20999", "gas_price": "7"}, "must be between 21000 and 30000000"),
        ("ether", {"gas_limit": "21000", "gas_price": "0"}, "must be above 0"),
        ("ether", {"gas_limit": "21000"}, "data.fees_strategy.data.gas_price"),
        ("ether", {"gas_limit": "21000", "gas_price": "7", "priority_fees": "1"}, "gas_price"),
        ("ether", {"gas_limit": "21000", "priority_fees": "1e9"}, "priority_fees"),
        ("legacy gas", {"gas_limit": "21000", "priority_fees": "1"}, "bsc takes gas_price instead"),
        ("XRP", {"fees_per_byte": "30"}, "must be one of SPEED"),
    ],
)
def test_own_values_that_no_chain_takes_are_refused(service: Service, name: str, values: Node, part: str) -> None:
    with pytest.raises(Refusal, match=part) as caught:
        asked(service, custom(creation(service, name), **values))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "strategy", [None, "FAST", {}, {"type": "SPEED"}, {"type": "SPEED", "data": {"speed": "fast"}}]
)
def test_a_strategy_is_whole(service: Service, strategy: Any) -> None:
    with pytest.raises(Refusal, match=r"data\.fees_strategy"):
        asked(service, with_strategy(creation(service, "bitcoin"), strategy))


def test_solana_recommends_a_priority_fee(service: Service) -> None:
    answer = asked(service, creation(service, "solana"))
    assert answer["recommended_max_priority_fees"] == "5000"
    assert answer["coin_fields"] is None


def test_an_account_for_a_token_costs_its_rent(service: Service) -> None:
    send = int(asked(service, creation(service, "SPL token"))["max_fees"])
    opened = int(asked(service, creation(service, "SPL token account"))["max_fees"])
    assert opened > send + 2_000_000


def test_neither_the_ceiling_nor_the_balance_matters_to_an_estimate(service: Service) -> None:
    body = creation(service, "bitcoin")
    available = int(account(service, "TBTC Test 1")["available_balance"])
    body["data"][DETAILS] |= {"amount": str(available * 2), "max_fees": "1"}
    assert int(asked(service, body)["max_fees"]) > 1


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [("recipient", "tb1qnowhere", 400), ("amount", "1e3", 400), ("max_fees", 0, 400), ("currency", "bitcoin", 400)],
)
def test_the_faults_of_a_creation_are_faults_of_its_estimate(
    service: Service, field: str, value: Any, status: int
) -> None:
    body = creation(service, "bitcoin")
    body["data"][DETAILS][field] = value
    with pytest.raises(Refusal, match=field) as caught:
        asked(service, body)
    assert caught.value.status == status


@pytest.mark.parametrize("sent", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b'{"type":"CREATE_ACCOUNT"}'])
def test_a_body_that_is_no_transaction_is_refused(client: httpx.Client, sent: bytes) -> None:
    answer = client.post("/transactions/estimate-fees", content=sent)
    assert answer.status_code == 400
    assert answer.json()["name"] == "BAD_REQUEST"


# Time


def test_estimates_drift_slowly_with_the_clock_and_come_back(clock: HandClock) -> None:
    service = Sandbox(transactions=0, now=NOW, clock=clock)._build()
    body = creation(service, "ether")
    first = int(asked(service, body)["max_fees"])
    service.engine.skip(599)
    assert int(asked(service, body)["max_fees"]) == first
    seen = [first]
    for _ in range(20):
        service.engine.skip(600)
        seen.append(int(asked(service, body)["max_fees"]))
    assert all(one != other for one, other in pairwise(seen))
    assert max(seen) == first * 105 // 100
    assert seen[-1] == first


@pytest.mark.parametrize("speed", ["SLOW", "NORMAL", "FAST"])
@pytest.mark.parametrize("name", SPEEDY)
def test_an_estimate_of_any_moment_is_enough_for_a_creation_at_any_other(
    sandbox: Sandbox, service: Service, clock: HandClock, name: str, speed: str
) -> None:
    body = at(creation(service, name), speed)
    body["data"][DETAILS]["max_fees"] = asked(service, body)["max_fees"]
    for _ in range(20):
        clock.seconds += 600
        assert intents.read(service, creator(service, body), body).kind == body["data"]["transaction_type"]


def test_own_values_do_not_drift(service: Service, clock: HandClock) -> None:
    body = custom(creation(service, "ether"), gas_limit="21000", gas_price="7")
    clock.seconds += 3000
    assert asked(service, body)["max_fees"] == "147000"
