"""Objects as the service sends them, typed as data: by the path that answers with them.

They follow the samples of the documentation, with what those samples lack (a hidden step, a hidden user, a memo).
"""

from typing import Any, Final

Node = dict[str, Any]

ACCOUNT: Final[Node] = {
    "id": 2,
    "index": 1,
    "name": "ClientA COL TBTC 1",
    "type": "Bitcoin",
    "currency": "bitcoin_testnet",
    "status": "ACTIVE",
    "balance": "10292",
    "available_balance": "9981",
    "pending_balance": "311",
    "address": None,
    "xpub": None,
    "contract_address": None,
    "coin_fields": None,
    "parent": None,
    "labels": [],
    "derivation_path": "84'/1'/1'",
    "created_by": 5,
    "created_on": "2024-01-24T07:36:17.591696+00:00",
    "last_request": 27,
    "governance_rules": [
        {
            "id": 2,
            "index": 0,
            "name": "Rule 1",
            "rules": [
                {
                    "id": 2,
                    "type": "MULTI_AUTHORIZATIONS",
                    # the third step is hidden from the caller
                    "data": [{"group": 1, "quorum": 1}, {"group": 2, "quorum": 1}, None],
                },
                {"id": 3, "type": "THRESHOLD", "data": [{"currency_type": "CRYPTO", "min": 0, "max": None}]},
            ],
        }
    ],
}
# Bare integers, though the schema says text.
BALANCES: Final[Node] = {"available": 9981, "pending": 311, "total": 10292}
BALANCE_HISTORY: Final[Node] = {
    "account_index": 1,
    "currency": {"magnitude": 18, "name": "ethereum", "network": "ethereum", "token_address": None},
    "balances": [
        {"date": "2026-08-01T00:00:00+00:00", "value": "12345678901234567890"},
        {"date": "2026-08-02T00:00:00+00:00", "value": None},
    ],
}
REQUEST: Final[Node] = {
    "id": 29,
    "type": "CREATE_TRANSACTION",
    "status": "PENDING_APPROVAL",
    "target_type": "TRANSACTION",
    "target_id": 305,
    "created_by": 24,
    "created_on": "2024-01-24T08:07:08.007892+00:00",
    "expires_at": "2024-01-31T08:07:08.007837+00:00",
    "used_admin_group": None,
}
# The other shape of the same thing, in which writes are answered.
REQUEST_AS_ANSWERED_TO_A_WRITE: Final[Node] = {
    "id": 30,
    "type": "CREATE_TRANSACTION",
    "status": "ABORTED",
    "target_type": "BITCOIN_LIKE_TRANSACTION",
    "target_id": 306,
    "created_by": {"id": 3},
    "created_on": "2024-01-24T08:07:08.007892+00:00",
    "expired_at": "2024-01-31T08:07:08.007837+00:00",
    "used_admin_group": None,
}
GOVERNANCE_STATUS: Final[Node] = {
    "is_complete": True,
    "governance_steps": [
        {
            "step_index": 0,
            "quorum": 1,
            "group": {"id": 11},
            "approvers": [{"id": None}, {"id": 27}, {"id": None}, {"id": None}, {"id": None}],
            "approvals": [
                {"type": "APPROVE", "created_on": "2024-02-01T10:00:00.000000+00:00", "user": {"id": None}}
            ],
        }
    ],
    "request": {
        "id": 62,
        "type": "CREATE_TRANSACTION",
        "status": "APPROVED",
        "target_type": "TRANSACTION",
        "target_id": 310,
        "current_step_index": 0,
        "created_by": {"id": 27},
        "created_on": "2024-02-01T09:59:00.000000+00:00",
        "expired_at": "2024-02-08T09:59:00.000000+00:00",
    },
}
TRANSACTION: Final[Node] = {
    "id": 305,
    "uid": "9f31c0de",
    "account_id": 2,
    "account_index": 1,
    "type": "SEND",
    "status": "SUBMITTED",
    "currency": "bitcoin_testnet",
    "currency_family": "bitcoin",
    "amount": "100",
    "fees": "141",
    "max_fees": "211",
    "speed": "FAST",
    "recipient": "tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek",
    "senders": ["tb1qrdw2mrllkm4lfjgnxeqz0yzjg6835sfyualdhy"],
    "tx_hash": "ab12",
    "block": None,
    "confirmations": 0,
    "min_confirmations": 1,
    "coin_fields": {"type": "Bitcoin", "fees_per_byte": "1", "utxo_picking_strategy": None},
    "compliance": None,
    "failure_reasons": None,
    "interaction_type": None,
    "labels": [],
    "notes": [{"title": "Invoice 42", "content": "March"}],
    "created_by": 24,
    "created_on": "2024-01-24T08:07:08.000000+00:00",
    "broadcast_on": "2024-01-24T09:00:00.000000+00:00",
    "last_request": 29,
}
# The largest memo that there is, one more than a signed 64-bit integer's double.
STELLAR_TRANSACTION: Final[Node] = {
    **TRANSACTION,
    "id": 306,
    "currency": "stellar",
    "currency_family": "stellar",
    "coin_fields": {"type": "Stellar", "memo": {"type": "MEMO_ID", "MEMO_ID": 2**64 - 1}},
}
WHITELIST: Final[Node] = {
    "id": 7,
    "name": "TBTC internal",
    "description": None,
    "status": "ACTIVE",
    "created_by": 5,
    "created_on": "2024-01-20T09:00:00.000000+00:00",
    "last_request": 12,
    "addresses": [
        {
            "id": 3,
            "name": "main account",
            "currency": "bitcoin_testnet",
            "address": "tb1qrdw2mrllkm4lfjgnxeqz0yzjg6835sfyualdhy",
            "destination_tags": None,
        }
    ],
}
GROUP: Final[Node] = {
    "id": 11,
    "name": "validators",
    "description": "",
    "status": "ACTIVE",
    "members": [11, 12],
    "created_by": 5,
    "created_on": "2024-01-20T09:00:00.000000+00:00",
    "last_request": 3,
}
USER: Final[Node] = {
    "id": 27,
    "username": "api-op-1",
    "user_id": "5CA88C5165CF3640",
    "role": "OPERATOR",
    "status": "ACTIVE",
    "is_api": True,
    "pub_key": "04ab",
    "key_handle": None,
    "created_by": 5,
    "created_on": "2024-01-19T09:00:00.000000+00:00",
    "last_request": 2,
}
ENTITY: Final[Node] = {
    "id": 4,
    "name": "Fund A",
    "accounts": [2, 3],
    "status": "ACTIVE",
    "created_by": 5,
    "created_on": "2024-01-20T09:00:00.000000+00:00",
    "last_request": 8,
}
PLEDGE_ID: Final = "6f1c0f4e-93a5-4f0a-9c0f-4a3f6a1f2d11"
PLEDGE: Final[Node] = {
    "id": PLEDGE_ID,
    "account_id": 40,
    "pledge_subaccount_id": 1,
    "amount": 100000000000000000000,
    "pending": 0,
    "state": "PLEDGE_READY",
    "asset_manager": {
        "id": "1",
        "name": "AM One",
        "code": "AM1",
        "role": "ASSET_MANAGER",
        "approver_group_id": 5,
        "whitelist_id": 7,
    },
    "custodian": {"id": "2", "name": "Cust", "code": "CU", "role": "CUSTODIAN"},
    "exchange": {
        "id": "3",
        "name": "Exch",
        "code": "EX",
        "role": "EXCHANGE",
        "approver_group_id": 6,
        "whitelist_id": 8,
    },
}
SETTLEMENT_ID: Final = "a0b1c2d3-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
SETTLEMENT: Final[Node] = {
    "id": SETTLEMENT_ID,
    "from_pledge_id": PLEDGE_ID,
    "state": "WAITING_FOR_OUTBOUND",
    "meta": {},
    "inbound_transaction_intent": None,
    "repledge_intent": None,
    "repledge": None,
    "outbound_transaction": {"request_id": 77, "transaction_id": 410, "transaction_hash": None},
}
# r and s are decimal texts of 256-bit numbers.
R: Final = str(2**255 + 19)
S: Final = str(2**254 + 7)
DIGEST: Final[Node] = {
    "id": 5,
    "account_id": 9,
    "status": "SIGNED",
    "notes": [],
    "created_by": 27,
    "created_on": "2024-03-01T09:00:00.000000+00:00",
    "last_request": 90,
    "digests_data": [
        {
            "digest": "66f3",
            "derivation_path": "44'/0'/0'/0/0",
            "pub_key": "0x04",
            "signature": {"r": R, "s": S, "v": 37, "der": "3044"},
        }
    ],
}
MESSAGE: Final[Node] = {
    "id": 6,
    "account_id": 101,
    "type": "MESSAGE_SIGNATURE",
    "message_type": "EIP-191",
    "data": "Hello",
    "address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F",
    "signature": None,
    "status": "PENDING_APPROVAL",
    "notes": [],
    "created_by": 27,
    "created_on": "2024-03-01T09:00:00.000000+00:00",
    "last_request": 91,
}
NFT: Final[Node] = {
    "contract_address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F",
    "token_id": "1234",
    "token_type": "ERC721",
    "value": 1,
    "metadata": None,
    "price": {"ticker": "ETH", "value": 0.8, "contract_address": None, "token_id": None},
    "tx_balance": None,
}
ADDRESS_RISK: Final[Node] = {
    "address": "0x71C7656EC7ab88b098defB751B7401B5f6d8976F",
    "risk": "HIGH",
    "provider_details": {
        "risk": "Severe",
        "reason": "> 49% Exposure To High Risk Jurisdiction",
        "exposures": [{"category": "exchange", "value": 424895.68594}],
    },
}
LIGHT_TOKEN: Final[Node] = {
    "account_name": "USDC",
    "associated_token_account": "2S4wKimi4PHKjdTYdzqN5HcEcNBM4Hv9db9QWKaZCxEr",
    "available": 1_500_000,
    "contract_address": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    "creation_transaction_hash": "5x",
    "parent_id": 12,
    "pending": 0,
    "status": "ACTIVE",
    "ticker": "USDC",
}
SOLANA_UNITS: Final[Node] = {
    "amount_units": [{"code": "lamport", "magnitude": 0}, {"code": "SOL", "magnitude": 9}],
    "fees_units": [{"code": "lamport", "magnitude": 0}, {"code": "SOL", "magnitude": 9}],
}
# One unit that stands alone, where the schema has a list.
TOKEN: Final[Node] = {
    "name": "USD Tether (erc20)",
    "contract_address": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    "parent_currency": "ethereum",
    "units": {"code": "USDT", "magnitude": 6},
}
STAKE: Final[Node] = {
    "id": 8,
    "stake_uid": "ca8b0b2d",
    "status": "ACTIVE",
    "amount": "1267766544284682",
    "total_reward": None,
    "validator": "26pV97Ce83ZQ6Kz9XT4td8tdoUFPTng8Fb8gPyc53dJx",
    "created_on": "2022-11-15T21:03:42+00:00",
    "created_by": 27,
    "creation_tx": 305,
    "last_request": None,
    "blockchain_state": {
        "activation_date": "2022-11-15T21:03:42+00:00",
        "activation_epoch": 373,
        "active_balance": "48975632",
        "deactivation_date": None,
        "deactivation_epoch": None,
        "inactive_balance": "0",
        "pub_key": "7hA7hpskq7vV8Wgn9JVyZMwbbqRszMes5GxeftApqv46",
        "rent_exempt_reserve": "2282880",
        "status": "activated",
        "total_balance": "51258512",
        "validator_address": "26pV97Ce83ZQ6Kz9XT4td8tdoUFPTng8Fb8gPyc53dJx",
        "withdrawable_balance": "0",
    },
}
# The same stake, asked for with light=false: whole objects where ids were.
FULL_STAKE: Final[Node] = {**STAKE, "created_by": USER, "creation_tx": TRANSACTION, "last_request": REQUEST}

LISTED: Final[dict[str, list[Node]]] = {
    "/accounts": [ACCOUNT],
    "/accounts/9/nfts": [NFT],
    "/digests": [DIGEST],
    "/entities": [ENTITY],
    "/groups": [GROUP],
    "/messages": [MESSAGE],
    "/pledges": [PLEDGE],
    "/requests": [REQUEST],
    "/settlements": [SETTLEMENT],
    "/transactions": [TRANSACTION, STELLAR_TRANSACTION],
    "/users": [USER],
    "/whitelists": [WHITELIST],
    "/solana/accounts/12/stakes": [STAKE],
    "/solana/accounts/13/stakes": [FULL_STAKE],
}
ANSWERED: Final[dict[str, Any]] = {
    "/accounts/2": ACCOUNT,
    "/accounts/2/balances": BALANCES,
    "/accounts/2/balances/history": BALANCE_HISTORY,
    "/accounts/12/tokens": [LIGHT_TOKEN],
    "/accounts/12/currency": SOLANA_UNITS,
    "/compliance/address-risk/0x71C7656EC7ab88b098defB751B7401B5f6d8976F": ADDRESS_RISK,
    "/currencies/tokens": {"tokens": [TOKEN]},
    "/digests/5": DIGEST,
    "/entities/4": ENTITY,
    "/entities/4/users": {"users": [USER]},
    "/groups/11": GROUP,
    "/messages/6": MESSAGE,
    f"/pledges/{PLEDGE_ID}": PLEDGE,
    "/requests/29": REQUEST,
    "/requests/30": REQUEST_AS_ANSWERED_TO_A_WRITE,
    "/requests/62/governance-status": GOVERNANCE_STATUS,
    f"/settlements/{SETTLEMENT_ID}": SETTLEMENT,
    "/transactions/305": TRANSACTION,
    "/transactions/306": STELLAR_TRANSACTION,
    "/users/27": USER,
    "/whitelists/7": WHITELIST,
}
