"""What the sandbox takes as a creation, and what it refuses."""

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest

from ledgerkit.sandbox import Sandbox, intents
from ledgerkit.sandbox.answers import Refusal
from ledgerkit.sandbox.governance import Step
from ledgerkit.sandbox.service import Service
from ledgerkit.sandbox.viewers import Viewer

from .conftest import NOW
from .creations import (
    ACCOUNT,
    ALL,
    DETAILS,
    DIGESTS,
    OTHERS,
    SENDS,
    TOKEN_ACCOUNT,
    TRANSACTIONS,
    Node,
    account,
    creation,
    creator,
    drop,
    find,
    put,
    read,
    refusal,
)
from .test_answers_match_contract import contract, definitions, needs_contract, plain

# not among the bodies that the contract shows, though the service takes them
UNDOCUMENTED = {ACCOUNT, TOKEN_ACCOUNT, DIGESTS}


@pytest.fixture(scope="module")
def service() -> Service:
    return Sandbox(transactions=250, now=NOW)._build()


@pytest.mark.parametrize("name", ALL)
def test_every_kind_is_accepted_from_one_who_may_create_it(service: Service, name: str) -> None:
    body = creation(service, name)
    intent = read(service, body)
    assert intent.request_type == body["type"]
    assert intent.data == body["data"]
    assert intent.note == body.get("note")
    assert all(0 < step.quorum <= len(step.approvers) for step in intent.steps)


@cache
def creations_of_the_contract() -> jsonschema.Draft202012Validator:
    known = contract()
    assert known is not None
    schema = known["paths"]["/requests"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**plain(schema), "$defs": definitions()})


@needs_contract
@pytest.mark.parametrize("name", [name for name in ALL if name not in UNDOCUMENTED])
def test_what_is_accepted_is_what_the_contract_shows(service: Service, name: str) -> None:
    body = creation(service, name)
    assert not [error.message for error in creations_of_the_contract().iter_errors(body)]


@needs_contract
def test_all_transaction_types_of_the_contract_are_known() -> None:
    shown = {
        value
        for name, schema in definitions().items()
        if name.endswith(("TransactionCreationData", "AccountCreationData"))
        for value in schema["properties"]["transaction_type"]["enum"]
    }
    assert {kind for kind, *_ in (SENDS | OTHERS).values()} == shown


def test_an_intent_says_what_moves_where_and_at_which_cost(service: Service) -> None:
    body = creation(service, "ERC-20")
    intent = read(service, body)
    assert (intent.amount, intent.max_fees) == (1_000_000, 10**18)
    assert intent.account is not None
    assert intent.account["name"] == "USDC Trading"
    assert intent.recipient == body["data"]["transaction_data"]["recipient"]
    assert intent.contract == "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
    assert (intent.kind, intent.target_type) == ("ETHEREUM_LIKE_SEND", "TRANSACTION")


@pytest.mark.parametrize(
    ("name", "target_type"),
    [
        ("message", "MESSAGE"),
        ("digests", "DIGESTS"),
        ("account", "ACCOUNT"),
        ("pledge", "PLEDGE_INCREMENT"),
        ("forced unpledge", "FORCED_UNPLEDGE"),
    ],
)
def test_other_kinds_name_the_kind_of_object_that_they_make(service: Service, name: str, target_type: str) -> None:
    assert read(service, creation(service, name)).target_type == target_type


# Form


@pytest.mark.parametrize("body", [None, [], "CREATE_TRANSACTION", 1, {}, {"type": None}, {"type": ["x"]}])
def test_a_body_without_a_known_type_is_refused(service: Service, body: Any) -> None:
    answer = refusal(service, body, Viewer("api_user", 27))
    assert answer.status == 400
    assert "'body'" in answer.message or "'type'" in answer.message


def test_the_types_that_can_be_created_are_named(service: Service) -> None:
    answer = refusal(service, {"type": "CREATE_GROUP", "data": {}}, Viewer("api_user", 28))
    assert answer.message == (
        "Invalid value 'CREATE_GROUP' for 'type': must be one of CREATE_TRANSACTION, CREATE_MESSAGE_SIGNING, "
        "CREATE_PLEDGE_INCREMENT, CREATE_FORCED_UNPLEDGE, CREATE_ACCOUNT, SIGN_DIGESTS"
    )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("bitcoin", "data"),
        ("bitcoin", "data.fees_strategy"),
        ("bitcoin", f"{DETAILS}.max_fees"),
        ("bitcoin", f"{DETAILS}.recipient"),
        ("bitcoin", "note.content"),
        ("bitcoin", "data.fees_strategy.data.speed"),
        ("SPL token", f"{DETAILS}.token_mint"),
        ("message", "data.message_data.raw_message"),
        ("account", "data.account_data.policy_name"),
        ("pledge", "data.pledge_data.exchange_name"),
    ],
)
def test_a_missing_field_is_named(service: Service, name: str, field: str) -> None:
    body = creation(service, name)
    viewer = creator(service, body)
    answer = refusal(service, drop(body, field), viewer)
    assert answer.status == 400
    assert f"'{field}'" in answer.message


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("bitcoin", "memo"),
        ("bitcoin", "data.note"),
        ("bitcoin", f"{DETAILS}.memo"),
        ("bitcoin", f"{DETAILS}.Amount"),
        ("solana", "data.fees_strategy"),
        ("solana", f"{DETAILS}.max_fees"),
        ("bitcoin", "note.label"),
        ("account", "note"),
        ("forced unpledge", "data.forced_unpledge_data.amount"),
    ],
)
def test_an_unknown_field_is_named(service: Service, name: str, field: str) -> None:
    answer = refusal(service, put(creation(service, name), field, "1"))
    assert (answer.status, f"Unknown field '{field}'" in answer.message) == (400, True)


@pytest.mark.parametrize(
    "amount",
    [100, 1.5, None, "", "-100", "+100", "1e3", "1_000", "1,000", "1.0", " 100", "0x64", "١٠٠", True, "9" * 79],
)
def test_an_amount_is_a_text_of_digits(service: Service, amount: Any) -> None:
    answer = refusal(service, put(creation(service, "bitcoin"), f"{DETAILS}.amount", amount))
    assert answer.status == 400
    assert f"'{DETAILS}.amount'" in answer.message
    assert "digits" in answer.message


ODD: tuple[Any, ...] = (None, True, 0, -1, 10**30, 1.5, "", "x", "-", "0x", [], [[]], {}, {"x": None}, "é" * 300)


def paths(node: Any, path: str = "") -> Iterator[str]:
    if path:
        yield path
    if isinstance(node, dict):
        for name, value in node.items():
            yield from paths(value, f"{path}.{name}" if path else name)


@pytest.mark.parametrize("name", ALL)
def test_whatever_stands_in_a_field_is_read_or_refused(service: Service, name: str) -> None:
    body = creation(service, name)
    viewer = creator(service, body)
    for path in paths(body):
        for value in ODD:
            answer = outcome(service, viewer, put(body, path, copy.deepcopy(value)))
            assert answer is None or (answer.status in (400, 404) and len(answer.message) < 600), (path, value)


def outcome(service: Service, viewer: Viewer, body: Node) -> Refusal | None:
    try:
        intents.read(service, viewer, body)
    except Refusal as answer:
        return answer
    return None


# Account


def test_an_account_that_is_not_there_is_not_found(service: Service) -> None:
    answer = refusal(service, put(creation(service, "bitcoin"), "data.account_id", 999), Viewer("api_user", 27))
    assert (answer.status, answer.message) == (404, "Account 999 not found")


def test_an_account_that_the_caller_does_not_see_is_not_found(service: Service) -> None:
    body = creation(service, "stellar")
    partial = Viewer("api_user", 29, scope=service.sight.of_operator(29))
    assert refusal(service, body, partial).status == 404
    # one who sees it and is no creator is told so
    assert refusal(service, body, Viewer("api_user", 29)).status == 403


def test_a_name_of_another_account_is_refused(service: Service) -> None:
    answer = refusal(service, put(creation(service, "bitcoin"), f"{DETAILS}.account_name", "BTC Clients"))
    assert "'BTC Clients'" in answer.message
    assert "'TBTC Test 1'" in answer.message
    assert f"'{DETAILS}.account_name'" in answer.message


def test_another_currency_than_that_of_the_account_is_refused(service: Service) -> None:
    answer = refusal(service, put(creation(service, "bitcoin"), f"{DETAILS}.currency", "bitcoin"))
    assert answer.message == (
        "Invalid value 'bitcoin' for 'data.transaction_data.currency': account 8 has 'bitcoin_testnet'"
    )


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_a_type_of_another_family_is_refused(service: Service, name: str) -> None:
    other = "TEZOS_LIKE_SEND" if name != "tezos" else "BITCOIN_LIKE_SEND"
    body = put(creation(service, name), "data.transaction_type", other)
    body["data"].setdefault("fees_strategy", {"type": "SPEED", "data": {"speed": "FAST"}})
    answer = refusal(service, body)
    assert answer.status == 400
    assert f"'{other}' for 'data.transaction_type'" in answer.message


def test_other_utxo_currencies_are_not_sent_by_the_api(service: Service) -> None:
    body = creation(service, "bitcoin")
    litecoin = account(service, "LTC Clients")
    body = put(put(body, "data.account_id", litecoin["id"]), f"{DETAILS}.currency", "litecoin")
    answer = refusal(service, put(body, f"{DETAILS}.account_name", litecoin["name"]))
    assert "this type is for bitcoin and bitcoin_testnet" in answer.message


@pytest.mark.parametrize("name", ["ETH Fund Beta", "ETC Archive", "ETH Migrated"])
def test_an_account_that_is_not_active_makes_nothing(service: Service, name: str) -> None:
    node = account(service, name)
    answer = refusal(service, put(creation(service, "ether"), "data.account_id", node["id"]))
    assert (answer.status, f"is {node['status']}, not ACTIVE" in answer.message) == (400, True)


# Recipients, tokens and what only a family has


@pytest.mark.parametrize("name", SENDS)
def test_a_recipient_with_a_slip_is_refused(service: Service, name: str) -> None:
    body = creation(service, name)
    address = body["data"]["transaction_data"]["recipient"]
    slipped = address[:-1] + ("2" if address[-1] != "2" else "3")
    if "SOLANA" in body["data"]["transaction_type"]:
        slipped = address[:-2]  # its addresses have no check digits, only a length
    answer = refusal(service, put(body, f"{DETAILS}.recipient", slipped))
    assert answer.status == 400
    # without mixed case an EVM address has no check digits either: there the whitelist tells
    assert "not a valid address of" in answer.message or "is not on whitelist" in answer.message


def test_a_recipient_that_is_on_no_whitelist_is_refused(service: Service) -> None:
    own = service.world.addresses[8][0]["address"]
    answer = refusal(service, put(creation(service, "bitcoin"), f"{DETAILS}.recipient", own))
    assert answer.message == (
        f"No rule set of account 'TBTC Test 1' admits this. Testing: recipient {own} is not on whitelist 11"
    )


def test_the_case_of_an_evm_address_is_no_part_of_it(service: Service) -> None:
    body = creation(service, "ether")
    lower = body["data"]["transaction_data"]["recipient"].lower()
    assert read(service, put(body, f"{DETAILS}.recipient", lower)).recipient == lower


@pytest.mark.parametrize("contract", [None, "0xdAC17F958D2ee523a2206206994597C13D831ec7", "", 1])
def test_a_token_account_sends_its_own_token_alone(service: Service, contract: Any) -> None:
    answer = refusal(service, put(creation(service, "ERC-20"), f"{DETAILS}.contract_address", contract))
    assert f"'{DETAILS}.contract_address'" in answer.message
    assert "holds 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48" in answer.message


def test_a_coin_account_sends_no_token(service: Service) -> None:
    contract = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
    answer = refusal(service, put(creation(service, "ether"), f"{DETAILS}.contract_address", contract))
    assert "send from the account of the token" in answer.message


@pytest.mark.parametrize("tag", [-1, 2**32, "12", True, 1.0])
def test_a_tag_is_a_number_of_32_bits(service: Service, tag: Any) -> None:
    assert f"'{DETAILS}.tag'" in refusal(service, put(creation(service, "XRP"), f"{DETAILS}.tag", tag)).message


@pytest.mark.parametrize("tag", [None, 100_418])
def test_a_tag_that_the_whitelist_does_not_have_is_refused(service: Service, tag: int | None) -> None:
    answer = refusal(service, put(creation(service, "XRP"), f"{DETAILS}.tag", tag))
    assert f"tag {tag} of the recipient is not one of [100417, 4294967295]" in answer.message


@pytest.mark.parametrize(
    "memo",
    [
        None,
        {"MEMO_TEXT": "é" * 14},
        {"MEMO_TEXT": ""},
        {"MEMO_ID": 2**64 - 1},
        {"MEMO_HASH": "Ab" * 32},
        {"MEMO_RETURN": "0" * 64},
    ],
)
def test_memos_of_each_kind_are_taken(service: Service, memo: Any) -> None:
    read(service, put(creation(service, "stellar"), f"{DETAILS}.memo", memo))


@pytest.mark.parametrize(
    "memo",
    [
        "INV-1",
        {},
        {"MEMO_TEXT": "é" * 15},
        {"MEMO_TEXT": 1},
        {"MEMO_ID": 2**64},
        {"MEMO_ID": "1"},
        {"MEMO_ID": -1},
        {"MEMO_HASH": "ab" * 31},
        {"MEMO_HASH": "zz" * 32},
        {"MEMO_RETURN": "0" * 65},
        {"MEMO_TEXT": "a", "MEMO_ID": 1},
        {"type": "MEMO_TEXT", "MEMO_TEXT": "a"},
    ],
)
def test_memos_that_stellar_could_not_carry_are_refused(service: Service, memo: Any) -> None:
    assert f"'{DETAILS}.memo" in refusal(service, put(creation(service, "stellar"), f"{DETAILS}.memo", memo)).message


@pytest.mark.parametrize("fee", [5000, "-1", "5e3", ""])
def test_a_priority_fee_is_a_text_of_digits(service: Service, fee: Any) -> None:
    answer = refusal(service, put(creation(service, "solana"), f"{DETAILS}.max_priority_fee", fee))
    assert f"'{DETAILS}.max_priority_fee'" in answer.message


def test_a_token_that_a_solana_account_does_not_hold_is_not_sent(service: Service) -> None:
    jupiter = "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN"
    answer = refusal(service, put(creation(service, "SPL token"), f"{DETAILS}.token_mint", jupiter))
    assert "has no token account for it" in answer.message
    held = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    answer = refusal(service, put(creation(service, "SPL token account"), f"{DETAILS}.token_mint", held))
    assert "has a token account for it" in answer.message


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("encoded_contract_data", "0x095ea7b3", "One of "),
        ("contract_data", None, "One of "),
        ("contract_data", "0x0", "hexadecimal"),
        ("contract_data.function_name", "mint", "the abi has no such function"),
        ("contract_data.function_arguments", {"to": "0x"}, "the function takes amount, spender"),
        ("amount", None, "digits"),
    ],
)
def test_a_contract_call_says_once_what_it_calls(service: Service, field: str, value: Any, part: str) -> None:
    answer = refusal(service, put(creation(service, "contract call"), f"{DETAILS}.{field}", value))
    assert part in answer.message


def test_a_function_that_the_rules_filter_out_is_not_called(service: Service) -> None:
    body = put(creation(service, "encoded contract call"), f"{DETAILS}.encoded_contract_data", "0xa9059cbb")
    answer = refusal(service, body)
    assert "Contracts: function '0xa9059cbb' is not one of swap, approve" in answer.message
    assert "Desk: smart contract interactions are not enabled" in answer.message


# Rules


def test_creators_are_the_first_step_and_the_groups_members_approve(service: Service) -> None:
    steps = read(service, creation(service, "bitcoin")).steps
    node = account(service, "TBTC Test 1")
    assert steps == rules_as_shown(service, node["governance_rules"][0])


def rules_as_shown(service: Service, rule_set: Node) -> tuple[Step, ...]:
    entries = next(rule["data"] for rule in rule_set["rules"] if rule["type"] == "MULTI_AUTHORIZATIONS")
    return tuple(
        Step(tuple(find(service, "groups", entry["group"])["members"]), entry["quorum"], entry["group"])
        if "group" in entry
        else Step(tuple(entry["users"]), entry["quorum"])
        for entry in entries
    )


@pytest.mark.parametrize(("above", "rule_set"), [(0, "Client payments"), (1, "Large payments")])
def test_the_amount_decides_between_two_rule_sets(service: Service, above: int, rule_set: str) -> None:
    node = account(service, "XRP Clients")
    limit = next(
        rule["data"][0]["max"] for rule in node["governance_rules"][0]["rules"] if rule["type"] == "THRESHOLD"
    )
    steps = read(service, put(creation(service, "XRP"), f"{DETAILS}.amount", str(limit + above))).steps
    assert len(steps) == {"Client payments": 2, "Large payments": 3}[rule_set]


def test_a_step_that_the_api_hides_still_asks_people(service: Service) -> None:
    node = account(service, "XRP Clients")
    shown = node["governance_rules"][1]["rules"][0]["data"]
    assert shown[-1] is None
    last = read(service, put(creation(service, "XRP"), f"{DETAILS}.amount", str(10**11))).steps[-1]
    assert last.approvers
    assert {last.shown(user) for user in last.approvers} == {None}


def test_users_whom_the_api_hides_count_for_the_quorum(service: Service) -> None:
    board = read(service, creation(service, "tezos")).steps[-1]
    assert (len(board.approvers), board.quorum) == (3, 2)
    assert [board.shown(user) for user in board.approvers].count(None) == 2


def test_an_amount_outside_of_every_threshold_is_refused(service: Service) -> None:
    node = account(service, "ETH Trading Hot")
    limit = next(
        rule["data"][0]["max"] for rule in node["governance_rules"][0]["rules"] if rule["type"] == "THRESHOLD"
    )
    body = creation(service, "legacy gas")
    body = put(put(body, "data.account_id", node["id"]), f"{DETAILS}.account_name", node["name"])
    body = put(put(body, f"{DETAILS}.currency", "ethereum"), f"{DETAILS}.amount", str(limit + 1))
    body = put(body, f"{DETAILS}.recipient", find(service, "whitelists", 2)["addresses"][0]["address"])
    answer = refusal(service, body)
    assert f"Desk: amount {limit + 1} is above its threshold of {limit}" in answer.message


@pytest.mark.parametrize("name", [*TRANSACTIONS, "message", "digests", "pledge", "forced unpledge"])
def test_one_who_is_no_creator_is_refused(service: Service, name: str) -> None:
    answer = refusal(service, creation(service, name), Viewer("api_user", 28))
    assert answer.status == 403
    assert "user 28" in answer.message


@pytest.mark.parametrize("viewer", [Viewer("reporting_key", 30), Viewer("lam", "sandbox_operator")])
def test_only_users_of_the_workspace_create(service: Service, viewer: Viewer) -> None:
    assert refusal(service, creation(service, "bitcoin"), viewer).status == 403


def test_a_whitelist_that_was_revoked_admits_nobody() -> None:
    service = Sandbox(transactions=0, now=NOW)._build()
    body = creation(service, "bitcoin")
    whitelists = service.collections["whitelists"]
    position = whitelists.position(11)
    assert position is not None
    whitelists.encoded[position] = whitelists.encoded[position].replace(b'"status":"ACTIVE"', b'"status":"REVOKED"')
    assert "is not on whitelist 11" in refusal(service, body).message


# Money


@pytest.mark.parametrize("max_fees", ["0", "1"])
def test_a_ceiling_below_the_slowest_estimate_is_refused(service: Service, max_fees: str) -> None:
    answer = refusal(service, put(creation(service, "bitcoin"), f"{DETAILS}.max_fees", max_fees))
    assert answer.message.startswith(f"Invalid value '{max_fees}' for '{DETAILS}.max_fees': the estimate is ")
    assert "POST /transactions/estimate-fees" in answer.message


def test_all_that_is_available_can_be_sent_and_not_one_unit_more(service: Service) -> None:
    body = creation(service, "bitcoin")
    available = int(account(service, "TBTC Test 1")["available_balance"])
    most = available - int(body["data"]["transaction_data"]["max_fees"])
    assert read(service, put(body, f"{DETAILS}.amount", str(most))).amount == most
    answer = refusal(service, put(body, f"{DETAILS}.amount", str(most + 1)))
    assert answer.message == (
        f"Insufficient funds: account 'TBTC Test 1' has {available} available, "
        f"amount {most + 1} and fees 100000 need {available + 1}"
    )


def test_a_token_is_paid_from_its_own_account_and_its_fees_from_the_parent(service: Service) -> None:
    body = put(creation(service, "ERC-20"), f"{DETAILS}.max_fees", str(10**24))
    assert "account 'ETH Trading Hot' has" in refusal(service, body).message
    token = account(service, "stETH Staking")
    body = put(creation(service, "ERC-20"), "data.account_id", token["id"])
    body = put(put(body, f"{DETAILS}.account_name", token["name"]), f"{DETAILS}.max_fees", str(10**17))
    body = put(body, f"{DETAILS}.contract_address", token["contract_address"])
    available = int(token["available_balance"])
    assert read(service, put(body, f"{DETAILS}.amount", str(available))).amount == available
    answer = refusal(service, put(body, f"{DETAILS}.amount", str(available + 1)))
    assert f"account 'stETH Staking' has {available} available" in answer.message


def test_no_more_is_unbonded_than_is_bonded(service: Service) -> None:
    bonded = int(account(service, "DOT Staking")["coin_fields"]["balances"]["bonded"])
    body = creation(service, "unbond")
    assert read(service, put(body, f"{DETAILS}.amount", str(bonded))).amount == bonded
    assert f"has {bonded} bonded" in refusal(service, put(body, f"{DETAILS}.amount", str(bonded + 1))).message


def test_nothing_is_no_amount(service: Service) -> None:
    assert "must be above 0" in refusal(service, put(creation(service, "bitcoin"), f"{DETAILS}.amount", "0")).message
