"""One example of every write that is sent at once: the call, what it puts on the wire, and what is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from serving import Handler, Reply, Seen, signed_in

import ledgerkit as lk
from ledgerkit.payloads import BitcoinLikeSend, Speed

PLEDGE = "0f8fad5b-d9cb-469f-a165-70867728950e"
SETTLEMENT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
INVITATION = "dbb3a760-b876-4400-afa1-9d435bfd33be"
HOOK = "https://hooks.acme.example/ledger"
SECRET = "canary-webhook-secret"

OUTBOUND = BitcoinLikeSend(
    account_id=2,
    account_name="TL-0001-BTC",
    currency="bitcoin_testnet",
    amount=12_000_000,
    recipient="tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek",
    max_fees=211,
    fees_strategy=Speed("FAST"),
)
SETTLED = {
    "id": SETTLEMENT,
    "from_pledge_id": PLEDGE,
    "state": "CREATED",
    "meta": {},
    "outbound_transaction": {"request_id": 71, "transaction_hash": None, "transaction_id": 70},
}
TRANSACTION = {"id": 90, "account_id": 3, "status": "PENDING_APPROVAL", "max_fees": "2100", "amount": None}
STAKE = {"id": 42, "amount": "10000", "status": "PENDING", "last_request": 42, "created_on": "2023-02-01T16:37:15Z"}
LABEL = {"id": 5, "name": "SPAM", "created_by": 42, "created_on": "2019-08-24T14:15:22Z"}
API_USER = {
    "device_id": "1a24480566ce42c2",
    "name": "desk_1",
    "role": "OPERATOR",
    "type_": "SOFT_PSD",
    "workspace": "acme",
}


@dataclass(frozen=True)
class Write:
    """A call that writes.

    Parameters
    ----------
    path
        The parameters of the path.
    several
        The parameters that name one object, each with a call that gives several.
    """

    operation: str
    make: Callable[[lk.Session], pd.DataFrame]
    answer: Any
    path: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    several: Mapping[str, Callable[[lk.Session], Any]] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.operation.split()[0]

    @property
    def target(self) -> str:
        return self.operation.split()[1].format(**self.path)

    def handler(self, seen: Seen) -> Reply:
        """Answer the write, and the question what there was before."""
        return Reply(self.answer) if seen.method == self.method else Reply({"message": "none is set"}, 404)

    def served(self) -> Handler:
        return signed_in(self.handler)

    def __repr__(self) -> str:
        return self.operation


WRITES = [
    Write(
        "POST /settlements",
        lambda session: session.settlements.create(
            PLEDGE,
            inbound_transaction_intent={"amount": 10**19, "to_account_id": 4, "to_address": "tb1qasset"},
            outbound_transaction_intent=OUTBOUND,
            meta={"reference": "T+1"},
            id=SETTLEMENT,
        ),
        SETTLED,
        body={
            "id": SETTLEMENT,
            "from_pledge_id": PLEDGE,
            "meta": {"reference": "T+1"},
            "inbound_transaction_intent": {"amount": 10**19, "to_account_id": 4, "to_address": "tb1qasset"},
            "outbound_transaction_intent": {
                "account_id": 2,
                "transaction_type": "BITCOIN_LIKE_SEND",
                "fees_strategy": {"type": "SPEED", "data": {"speed": "FAST"}},
                "transaction_data": {
                    "account_name": "TL-0001-BTC",
                    "amount": "12000000",
                    "currency": "bitcoin_testnet",
                    "max_fees": "211",
                    "recipient": "tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek",
                },
            },
        },
        several={
            "from_pledge_id": lambda session: session.settlements.create(
                [PLEDGE, SETTLEMENT],  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
                outbound_transaction_intent=OUTBOUND,
            )
        },
    ),
    Write(
        "POST /settlements/{settlement_id}/cancel",
        lambda session: session.settlements.cancel(SETTLEMENT),
        SETTLED,
        path={"settlement_id": SETTLEMENT},
        several={"settlement_id": lambda session: session.settlements.cancel([SETTLEMENT, PLEDGE])},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "POST /settlements/{settlement_id}/recover",
        lambda session: session.settlements.recover(SETTLEMENT, fee_strategy=Speed("FAST"), max_fee=5000),
        SETTLED,
        path={"settlement_id": SETTLEMENT},
        body={"fee_strategy": {"type": "SPEED", "data": {"speed": "FAST"}}, "max_fee": "5000"},
        several={
            "settlement_id": lambda session: session.settlements.recover(
                pd.Series([SETTLEMENT]),  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
                fee_strategy=Speed("FAST"),
                max_fee=5000,
            )
        },
    ),
    Write(
        "PUT /notifications/configuration",
        lambda session: session.notifications.set(HOOK, SECRET),
        {"all": {"webhook": {"url": HOOK, "secret": SECRET}}},
        body={"all": {"webhook": {"url": HOOK, "secret": SECRET}}},
    ),
    Write(
        "PUT /notifications/configuration",
        lambda session: session.notifications.clear(),
        {"all": {"webhook": None}},
        body={"all": {"webhook": None}},
    ),
]

LAM_WRITES = [
    Write(
        "POST /api_users",
        lambda session: session.api_users.create("desk_1"),
        API_USER,
        body={"name": "desk_1"},
        several={"name": lambda session: session.api_users.create(["desk_1", "desk_2"])},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "POST /api_users/{name}/register/{url_id}",
        lambda session: session.api_users.register("desk_1", INVITATION),
        {"success": True},
        path={"name": "desk_1", "url_id": INVITATION},
        body={"name": "desk_1"},
        several={"name": lambda session: session.api_users.register(["desk_1", "desk_2"], INVITATION)},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "POST /labels",
        lambda session: session.labels.create("SPAM", "#fe3423", "Dust of strangers"),
        LABEL,
        body={"name": "SPAM", "info": {"color": "#fe3423", "description": "Dust of strangers"}},
        several={"name": lambda session: session.labels.create(["SPAM", "SCAM"])},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "DELETE /labels/{label_id}",
        lambda session: session.labels.delete(5),
        {"success": True},
        path={"label_id": 5},
        several={"label_id": lambda session: session.labels.delete([5, 6])},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "POST /accounts/{account_id}/labels",
        lambda session: session.labels.attach(5, account_id=3),
        {"success": True},
        path={"account_id": 3},
        body={"label_id": 5},
        several={
            "label_id": lambda session: session.labels.attach([5, 6], account_id=3),  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
            "account_id": lambda session: session.labels.attach(5, account_id=[3, 4]),  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
        },
    ),
    Write(
        "POST /transactions/{transaction_id}/labels",
        lambda session: session.labels.attach(5, transaction_id=90),
        {"success": True},
        path={"transaction_id": 90},
        body={"label_id": 5},
        several={"transaction_id": lambda session: session.labels.attach(5, transaction_id={90, 91})},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "DELETE /accounts/{account_id}/labels/{label_id}",
        lambda session: session.labels.detach(5, account_id=3),
        {"success": True},
        path={"account_id": 3, "label_id": 5},
        several={"account_id": lambda session: session.labels.detach(5, account_id=range(3))},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "DELETE /transactions/{transaction_id}/labels/{label_id}",
        lambda session: session.labels.detach(5, transaction_id=90),
        {"success": True},
        path={"transaction_id": 90, "label_id": 5},
        several={"label_id": lambda session: session.labels.detach((5, 6), transaction_id=90)},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "POST /ethereum/accounts/{account_id}/stakes",
        lambda session: session.stakes.ethereum.create(
            3, max_fees=2 * 10**16, provider_fields={"validators": 1}, speed="CUSTOM", gas_limit=90000, gas_price=30
        ),
        TRANSACTION,
        path={"account_id": 3},
        body={
            "max_fees": "20000000000000000",
            "provider": "kiln",
            "provider_fields": {"validators": 1},
            "speed": "CUSTOM",
            "gas_limit": "90000",
            "gas_price": "30",
        },
        several={
            "account_id": lambda session: session.stakes.ethereum.create([3, 4], max_fees=1, provider_fields={})  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
        },
    ),
    Write(
        "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate",
        lambda session: session.stakes.solana.deactivate(
            3, 42, stake_account="9bqA5QJnegJPC3i5YR13HJd1KDEYJVVoh2araKt448iX", account_name="Staking"
        ),
        STAKE,
        path={"account_id": 3, "stake_id": 42},
        body={"stake_account": "9bqA5QJnegJPC3i5YR13HJd1KDEYJVVoh2araKt448iX", "account_name": "Staking"},
        several={"stake_id": lambda session: session.stakes.solana.deactivate(3, [42, 43], stake_account="9bqA")},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
    Write(
        "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve",
        lambda session: session.stakes.solana.approve(
            3,
            42,
            "deactivate",
            request_id=71,
            amount=7_653_545,
            validator="4QUZQ4c7bZuJ4o4L8tYAEGnePFV27SUFEVmC7BYfsXRp",
        ),
        STAKE,
        path={"account_id": 3, "stake_id": 42, "staking_action": "deactivate"},
        body={"request_id": 71, "amount": 7_653_545, "validator": "4QUZQ4c7bZuJ4o4L8tYAEGnePFV27SUFEVmC7BYfsXRp"},
        several={
            "stake_id": lambda session: session.stakes.solana.approve(
                3,
                [42, 43],  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
                "deactivate",
                request_id=71,
                amount=1,
                validator="4QUZ",
            )
        },
    ),
    Write(
        "POST /tezos/accounts/{account_id}/stake/actions/undelegate",
        lambda session: session.stakes.tezos.undelegate(3, max_fees=5478, storage_limit=65764),
        STAKE,
        path={"account_id": 3},
        body={"max_fees": "5478", "speed": "NORMAL", "storage_limit": "65764"},
        several={"account_id": lambda session: session.stakes.tezos.undelegate([3, 4], max_fees=1)},  # type: ignore[arg-type]  # several ids, which the signature forbids: refused by name
    ),
]
