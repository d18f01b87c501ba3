"""What the sandbox takes of messages, digests, accounts and pledges, and what it refuses."""

from typing import Any

import pytest

from ledgerkit.sandbox import Sandbox
from ledgerkit.sandbox.governance import Step
from ledgerkit.sandbox.service import Service
from ledgerkit.sandbox.viewers import Viewer

from .conftest import NOW
from .creations import account, creation, put, read, refusal


@pytest.fixture(scope="module")
def service() -> Service:
    return Sandbox(transactions=250, now=NOW)._build()


# Messages and digests


@pytest.mark.parametrize("kind", ["EIP-712", "EIP191", "eip-191", None])
def test_only_plain_messages_are_created(service: Service, kind: Any) -> None:
    answer = refusal(service, put(creation(service, "message"), "data.message_type", kind))
    assert answer.message == f"Invalid value {kind!r} for 'data.message_type': must be one of EIP-191"


def test_a_message_is_signed_with_the_address_of_its_account(service: Service) -> None:
    body, path = creation(service, "message"), "data.message_data.address"
    own = account(service, "ETH Trading Hot")["address"]
    read(service, put(body, path, own.lower()))
    other = account(service, "ETH Clients")["address"]
    assert f"signs as {own}" in refusal(service, put(body, path, other)).message


@pytest.mark.parametrize("name", ["TBTC Test 1", "USDC Trading"])
def test_other_accounts_sign_no_messages(service: Service, name: str) -> None:
    body = put(creation(service, "message"), "data.account_id", account(service, name)["id"])
    answer = refusal(service, put(body, "data.message_data.account_name", name))
    assert "messages are signed by EVM accounts" in answer.message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("digest", "66" * 31),
        ("digest", "0x" + "66" * 31),
        ("digest", None),
        ("derivation_path", "44'/0'/0'/0/0"),
        ("derivation_path", "m"),
        ("derivation_path", "m/44'/141'/0'x/0"),
    ],
)
def test_a_digest_has_32_bytes_and_a_path_of_the_account(service: Service, field: str, value: Any) -> None:
    body = creation(service, "digests")
    body["data"]["digests_data"]["digests"][0][field] = value
    assert f"'data.digests_data.digests[0].{field}'" in refusal(service, body).message


@pytest.mark.parametrize("leading", ["", "m", "m/"])
def test_a_path_may_begin_with_m(service: Service, leading: str) -> None:
    body = creation(service, "digests")
    own = account(service, "KMD Raw Signing")["derivation_path"]
    body["data"]["digests_data"]["digests"][0]["derivation_path"] = f"{leading}{own}/0/4"
    assert read(service, body).target_type == "DIGESTS"


# Accounts


@pytest.mark.parametrize("user", [27, 29, 12])
def test_only_administrators_create_accounts(service: Service, user: int) -> None:
    answer = refusal(service, creation(service, "account"), Viewer("api_user", user))
    assert (answer.status, f"user {user} is no administrator" in answer.message) == (403, True)


def test_the_administrators_approve_an_account_by_their_quorum(service: Service) -> None:
    intent = read(service, creation(service, "account"))
    assert intent.steps == (Step((8, 9, 10, 11, 28), 2, 1),)
    assert intent.account is None


@pytest.mark.parametrize("name", ["JST", "a" * 19, "Desk_2-b"])
def test_names_of_19_plain_characters_are_taken(service: Service, name: str) -> None:
    read(service, put(creation(service, "account"), "data.account_data.name", name))


@pytest.mark.parametrize("name", ["", "a" * 20, "Desk/2", "Fund é", "a.b", "x\n", "ETH Clients", 5])
def test_other_names_are_refused(service: Service, name: Any) -> None:
    answer = refusal(service, put(creation(service, "account"), "data.account_data.name", name))
    assert "'data.account_data.name'" in answer.message


def test_the_name_of_an_account_that_was_declined_is_free(service: Service) -> None:
    assert account(service, "LTC Old Desk")["status"] == "REJECTED"
    read(service, put(creation(service, "account"), "data.account_data.name", "LTC Old Desk"))


@pytest.mark.parametrize(
    ("name", "field", "value", "part"),
    [
        ("account", "currency", "tron", "accounts of type ETHEREUM_LIKE are not in it"),
        ("account", "currency", "Euro", "not a currency"),
        ("account", "index", 0, "another account of ethereum has this index, and 8 is free"),
        ("account", "index", "8", "an integer is expected"),
        ("account", "parent_id", 9, "only an account of a token has one"),
        ("account", "contract_address", "0x", "only an account of a token has one"),
        ("token account", "parent_id", None, "an integer is expected"),
        ("token account", "parent_id", 999, "Account 999 not found"),
        ("token account", "parent_id", 21, "is of type Tron in tron, not ethereum"),
        ("token account", "contract_address", None, "a string is expected"),
        ("token account", "contract_address", "0x" + "0" * 40, "no token of ethereum that is known"),
    ],
)
def test_an_account_fits_its_currency_and_its_parent(
    service: Service, name: str, field: str, value: Any, part: str
) -> None:
    answer = refusal(service, put(creation(service, name), f"data.account_data.{field}", value))
    assert part in answer.message


def test_a_parent_has_one_account_of_a_token(service: Service) -> None:
    contract = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48".lower()
    answer = refusal(service, put(creation(service, "token account"), "data.account_data.contract_address", contract))
    assert "account 'USDC Clients' holds it already" in answer.message


# Pledges


def test_a_negative_amount_takes_a_pledge_back(service: Service) -> None:
    intent = read(service, put(creation(service, "pledge"), "data.pledge_data.amount", "-5"))
    assert intent.amount == -5
    assert [step.group for step in intent.steps] == [11, 9]


def test_no_more_is_taken_back_than_is_pledged_and_no_more_pledged_than_is_there(service: Service) -> None:
    body, path = creation(service, "pledge"), "data.pledge_data.amount"
    pledge = next(node for node in service.collections["pledges"] if node["pledge_subaccount_id"] == 17)
    answer = refusal(service, put(body, path, str(-pledge["amount"] - 1)))
    assert f"{pledge['amount']} are pledged" in answer.message
    assert "Insufficient funds" in refusal(service, put(body, path, "1" + "0" * 30)).message


@pytest.mark.parametrize(
    ("field", "value", "part"),
    [
        ("pledge_subaccount_id", 999, "Pledge account 999 not found"),
        ("pledge_subaccount_id", 5, "the pledge is PLEDGE_CONSUMED"),
        ("pledge_data.account_name", "TL-0001-BTC-CLP-HSE", "has 'TL-0002-ETH-CLP-HSE'"),
        ("pledge_data.exchange_name", "Halcyon", "the pledge is with 'Clearport'"),
        ("pledge_data.contract_address", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "holds no token"),
        ("pledge_data.amount", "0", "must be above 0 to pledge, below 0 to take back"),
        ("pledge_data.amount", "+5", "negative ones with a leading minus"),
        ("pledge_data.amount", 5, "a string of digits"),
    ],
)
def test_a_pledge_is_named_in_full(service: Service, field: str, value: Any, part: str) -> None:
    assert part in refusal(service, put(creation(service, "pledge"), f"data.{field}", value)).message
