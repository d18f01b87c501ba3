"""Objects as the service sends them become the frames that they should: the values, to the last digit."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from domain_examples import ANSWERED, LISTED, PLEDGE_ID, SETTLEMENT_ID, R, S
from serving import Reply, Seen, Server, page

import ledgerkit as lk


def answer(seen: Seen) -> Reply:
    if seen.path in LISTED:
        return page(LISTED[seen.path])
    if seen.path in ANSWERED:
        return Reply(ANSWERED[seen.path])
    return Reply({"message": "no such object", "name": "NotFound", "status_code": 404}, status=404)


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve(answer)


@pytest.fixture
def session(server: Server) -> Iterator[lk.Session]:
    with lk.Session(lk.LAM("api_lam_user"), base_url=server.url) as opened:
        yield opened


def only(frame: pd.DataFrame) -> dict[str, Any]:
    """The one row of a frame; what is missing is None."""
    [row] = frame.to_dict("records")
    return {
        str(name): None if not isinstance(value, list | dict) and pd.isna(value) else value
        for name, value in row.items()
    }


def test_an_account_with_a_hidden_step_and_an_open_threshold(session: lk.Session) -> None:
    account = only(session.accounts.get(2))

    assert (account["id"], account["name"], account["currency"]) == (2, "ClientA COL TBTC 1", "bitcoin_testnet")
    assert (account["balance"], account["available_balance"], account["pending_balance"]) == (10292, 9981, 311)
    assert account["created_on"] == pd.Timestamp("2024-01-24T07:36:17.591696Z")
    assert (account["parent"], account["address"], account["labels"]) == (None, None, [])
    steps, threshold = account["governance_rules"][0]["rules"]
    assert steps["data"] == [{"group": 1, "quorum": 1}, {"group": 2, "quorum": 1}, None]
    assert threshold["data"] == [{"currency_type": "CRYPTO", "min": 0, "max": None}]
    assert not [name for name in account if name.startswith("coin_fields") and account[name] is not None]


def test_the_extended_public_key_is_there_only_where_it_is_asked_for(session: lk.Session) -> None:
    assert "xpub" not in session.accounts.search()
    assert "xpub" in session.accounts.search(include_xpub=True)
    assert session.accounts.search().equals(session.accounts.get(2))


def test_balances_that_come_as_bare_integers(session: lk.Session) -> None:
    balances = only(session.accounts.balances(2))

    assert (balances["account_id"], balances["total"]) == (2, 10292)
    assert (balances["available"], balances["pending"]) == (9981, 311)
    assert balances["worthless"] is None


def test_a_balance_history_with_a_gap(session: lk.Session) -> None:
    frame = session.accounts.balance_history(2, start="2026-08-01", end="2026-08-03")

    assert frame["value"].tolist() == [12345678901234567890, pd.NA]
    assert frame["account_id"].tolist() == [2, 2]
    assert frame["date"].tolist() == [pd.Timestamp("2026-08-01", tz="UTC"), pd.Timestamp("2026-08-02", tz="UTC")]
    assert (frame["currency_magnitude"].tolist(), frame["currency_name"].tolist()) == ([18, 18], ["ethereum"] * 2)


def test_a_request_that_waits(session: lk.Session) -> None:
    request = only(session.requests.search(pending_by=27))

    assert (request["id"], request["created_by"], request["status"]) == (29, 24, "PENDING_APPROVAL")
    assert (request["target_type"], request["target_id"]) == ("TRANSACTION", 305)
    assert request["expires_at"] - request["created_on"] == pd.Timedelta("7D") - pd.Timedelta("55us")
    assert request["used_admin_group"] is None


def test_a_request_in_the_shape_of_answers_to_writes_reads_like_any_other(session: lk.Session) -> None:
    request = only(session.requests.get(30))

    assert (request["created_by"], request["status"]) == (3, "REJECTED")
    assert request["expires_at"] == pd.Timestamp("2024-01-31T08:07:08.007837Z")
    assert "expired_at" not in request


def test_a_step_with_hidden_approvers(session: lk.Session) -> None:
    step = only(session.requests.governance_status(62))

    assert (step["request_id"], step["step_index"], step["quorum"], step["group_id"]) == (62, 0, 1, 11)
    assert [approver["id"] for approver in step["approvers"]] == [None, 27, None, None, None]
    assert step["approvals"][0]["user"] == {"id": None}
    assert (step["is_complete"], step["request_created_by"]) == (True, 27)
    assert step["request_expired_at"] == pd.Timestamp("2024-02-08T09:59:00Z")


def test_a_transaction_on_its_way(session: lk.Session) -> None:
    transaction = only(session.transactions.get(305))

    assert (transaction["amount"], transaction["fees"], transaction["max_fees"]) == (100, 141, 211)
    assert transaction["coin_fields_fees_per_byte"] == 1
    assert transaction["notes"] == [{"title": "Invoice 42", "content": "March"}]
    assert transaction["senders"] == ["tb1qrdw2mrllkm4lfjgnxeqz0yzjg6835sfyualdhy"]
    assert (transaction["block_height"], transaction["block_time"], transaction["compliance_risk_risk"]) == (
        None,
    ) * 3
    assert transaction["broadcast_on"] == pd.Timestamp("2024-01-24T09:00:00Z")


def test_a_memo_of_64_bits_beside_transactions_without_one(session: lk.Session) -> None:
    frame = session.transactions.search()

    assert frame["id"].tolist() == [306, 305]
    assert frame["coin_fields_memo_MEMO_ID"].tolist() == [18446744073709551615, pd.NA]
    assert frame["coin_fields_memo_type"].tolist()[0] == "MEMO_ID"


def test_a_whitelist_opened_into_its_addresses(session: lk.Session) -> None:
    whitelist = session.whitelists.get(7)

    assert only(whitelist)["addresses"][0]["destination_tags"] is None
    address = only(lk.explode(whitelist, "addresses"))
    assert (address["id"], address["addresses_name"], address["addresses_destination_tags"]) == (
        7,
        "main account",
        None,
    )


def test_a_group_a_user_and_an_entity(session: lk.Session) -> None:
    group, user, entity = (only(section.search()) for section in (session.groups, session.users, session.entities))

    assert (group["id"], group["members"], group["description"]) == (11, [11, 12], "")
    assert (user["user_id"], user["is_api"], user["key_handle"]) == ("5CA88C5165CF3640", True, None)
    assert (entity["name"], entity["accounts"]) == ("Fund A", [2, 3])
    assert only(session.entities.users(4)) == {"entity_id": 4, **user}


def test_a_pledge_of_a_hundred_ether(session: lk.Session) -> None:
    pledge = only(session.pledges.get(PLEDGE_ID))

    assert pledge["amount"] == 10**20
    assert type(pledge["amount"]) is int
    assert (pledge["asset_manager_id"], pledge["asset_manager_approver_group_id"]) == ("1", 5)
    assert (pledge["custodian_code"], pledge["exchange_whitelist_id"]) == ("CU", 8)
    assert session.pledges.search().equals(session.pledges.get(PLEDGE_ID))


def test_a_settlement_without_an_inbound_side(session: lk.Session) -> None:
    settlement = only(session.settlements.search())

    assert (settlement["id"], settlement["from_pledge_id"], settlement["meta"]) == (SETTLEMENT_ID, PLEDGE_ID, {})
    assert (settlement["outbound_transaction_transaction_id"], settlement["outbound_transaction_request_id"]) == (
        410,
        77,
    )
    assert (settlement["inbound_transaction_intent_amount"], settlement["repledge_repledge_id"]) == (None, None)


def test_a_digest_keeps_its_signature_to_the_last_digit(session: lk.Session) -> None:
    digest = only(lk.explode(session.digests.get(5), "digests_data"))

    assert digest["digests_data_signature"] == {"r": R, "s": S, "v": 37, "der": "3044"}
    assert (digest["digests_data_digest"], digest["notes"]) == ("66f3", [])


def test_a_message_that_is_not_signed_yet(session: lk.Session) -> None:
    message = only(session.messages.get(6))

    assert (message["message_type"], message["type"], message["signature"]) == ("EIP-191", "MESSAGE_SIGNATURE", None)


def test_fractions_are_decimals(session: lk.Session) -> None:
    nft = only(session.accounts.nfts(9))
    risk = only(session.compliance.address_risk("0x71C7656EC7ab88b098defB751B7401B5f6d8976F"))

    assert (nft["account_id"], nft["price_value"], nft["value"]) == (9, Decimal("0.8"), 1)
    assert risk["provider_details_exposures"] == [{"category": "exchange", "value": Decimal("424895.68594")}]
    assert (risk["risk"], risk["provider_details_risk"]) == ("HIGH", "Severe")


def test_a_stake_reads_the_same_light_and_full(session: lk.Session) -> None:
    light = only(session.stakes.solana.search(12))
    full = only(session.stakes.solana.search(13, light=False))

    assert (light["created_by"], light["creation_tx"], light["last_request"]) == (27, 305, None)
    assert (full["created_by"], full["creation_tx"], full["last_request"]) == (27, 305, 29)
    assert (full["created_by_username"], full["creation_tx_amount"]) == ("api-op-1", "100")
    assert {name: full[name] for name in light} == {**light, "account_id": 13, "last_request": 29}
    assert light["amount"] == 1267766544284682


def test_amounts_of_a_token_are_not_shown_in_the_unit_of_the_account_above_it(session: lk.Session) -> None:
    # 1.5 USDC are 1,500,000 base units; in the unit of the Solana account they read 0.0015 SOL.
    tokens = session.accounts.tokens(12)

    assert only(tokens)["available"] == 1_500_000
    shown = session.to_display(tokens)
    assert "available_display" not in shown
    assert "ticker_display" not in shown
    assert only(shown)["ticker"] == "USDC"


def test_a_token_with_one_unit_that_stands_alone(session: lk.Session) -> None:
    token = only(session.currencies.tokens())

    assert (token["name"], token["units"]) == ("USD Tether (erc20)", [{"code": "USDT", "magnitude": 6}])


def test_one_that_is_missing_among_several_is_a_row_with_its_reason(session: lk.Session) -> None:
    frame = session.users.get([27, 28])

    assert frame["id"].tolist() == [27, 28]
    assert frame["username"].tolist()[0] == "api-op-1"
    assert "no such object" in frame["error"].tolist()[1]
