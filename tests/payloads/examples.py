"""One example of every payload, and strategies that draw others."""

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

from ledgerkit import payloads
from ledgerkit.payloads import (
    KINDS,
    AccountCreation,
    BitcoinLikeSend,
    CardanoLikeSend,
    EthereumLikeDeployContract,
    EthereumLikeExecuteContract,
    EthereumLikeSend,
    FeesPerByte,
    ForcedUnpledge,
    GasPrice,
    MemoHash,
    MemoId,
    MemoReturn,
    MemoText,
    MessageSigning,
    Note,
    Payload,
    PledgeIncrement,
    PolkadotLikeBondExtra,
    PolkadotLikeChill,
    PolkadotLikeRebond,
    PolkadotLikeSend,
    PolkadotLikeSetPayee,
    PolkadotLikeUnbond,
    PolkadotLikeWithdrawUnbonded,
    PriorityFees,
    RippleLikeSend,
    SolanaLikeCreateSplTokenAccount,
    SolanaLikeSend,
    SolanaLikeSendSplTokenChecked,
    Speed,
    StellarLikeSend,
    TezosLikeSend,
    Transaction,
    TronLikeSend,
)

BITCOIN: Final = "tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek"
EVM: Final = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"
MINT: Final = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
PLEDGE: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"
ABI: Final = [{"type": "function", "name": "approve", "inputs": [{"name": "to"}, {"name": "amount"}], "outputs": []}]
CALL: Final = {"abi": ABI, "function_name": "approve", "function_arguments": {"to": EVM, "amount": 1000}}
HASH: Final = "66f3" * 16

SEND = BitcoinLikeSend(
    account_id=2,
    account_name="ClientA COL TBTC 1",
    currency="bitcoin_testnet",
    amount=100,
    recipient=BITCOIN,
    max_fees=211,
    fees_strategy=Speed("FAST"),
    note=Note("Invoice 42", "March"),
)


def _of(kind: type[Any], currency: str, **fields: Any) -> Any:
    return kind(account_id=101, account_name="Treasury 1", currency=currency, **fields)


def _paying(kind: type[Any], currency: str, **fields: Any) -> Any:
    return _of(kind, currency, **{"amount": 10**18, "max_fees": 500, "fees_strategy": Speed("NORMAL"), **fields})


EXAMPLES: Final[Mapping[str, Payload]] = {
    "bitcoin": SEND,
    "bitcoin, fees of one's own": SEND.replace(fees_strategy=FeesPerByte("30"), note=None),
    "ethereum": _paying(EthereumLikeSend, "ethereum", recipient=EVM, fees_strategy=GasPrice(21000, "2000")),
    "ethereum, a token": _paying(
        EthereumLikeSend, "polygon", recipient=EVM, contract_address=EVM, fees_strategy=PriorityFees("21000", 5)
    ),
    "ethereum, a call": _paying(EthereumLikeExecuteContract, "base", recipient=EVM, amount=0, contract_data=CALL),
    "ethereum, an encoded call": _paying(
        EthereumLikeExecuteContract, "base", recipient=EVM, contract_data="0xa9059cbb"
    ),
    "ethereum, a call encoded as before": _paying(
        EthereumLikeExecuteContract, "base", recipient=EVM, encoded_contract_data="0xa9059cbb"
    ),
    "ethereum, a contract": _paying(EthereumLikeDeployContract, "viction", encoded_contract_bytecode="0x6080"),
    "ripple": _paying(RippleLikeSend, "ripple", recipient="rDsbeomae4FXwgQTJp9Rs64Qg9vDiTCdBv", tag=12345),
    "stellar, text": _paying(StellarLikeSend, "stellar", recipient="GA7Y", memo=MemoText("Invoice 42")),
    "stellar, id": _paying(StellarLikeSend, "stellar", recipient="GA7Y", memo=MemoId(2**64 - 1)),
    "stellar, hash": _paying(StellarLikeSend, "stellar", recipient="GA7Y", memo=MemoHash(HASH)),
    "stellar, return": _paying(StellarLikeSend, "stellar", recipient="GA7Y", memo=MemoReturn(HASH)),
    "tron": _paying(TronLikeSend, "tron", recipient="TCFLL5dx5ZJdKnWuesXxi1VPwjLVmWZZy9"),
    "tezos": _paying(TezosLikeSend, "tezos", recipient="tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb"),
    "cardano": _paying(CardanoLikeSend, "cardano", recipient="addr1" + "q" * 98),
    "solana": _of(SolanaLikeSend, "solana", amount=5, recipient=MINT, max_priority_fee=5000),
    "solana, a token": _of(SolanaLikeSendSplTokenChecked, "solana_devnet", amount=5, recipient=MINT, token_mint=MINT),
    "solana, a token account": _of(SolanaLikeCreateSplTokenAccount, "solana_testnet", token_mint=MINT),
    "polkadot": _of(
        PolkadotLikeSend, "polkadot", amount=5, recipient="1FRMM8PEiWXYax7rpS6X4XZX1aAAxSWx1CrKTyrVYhV24fg"
    ),
    "polkadot, bond more": _of(PolkadotLikeBondExtra, "westend", amount=5),
    "polkadot, unbond": _of(PolkadotLikeUnbond, "westend", amount=5),
    "polkadot, bond again": _of(PolkadotLikeRebond, "westend", amount=5),
    "polkadot, payee": _of(PolkadotLikeSetPayee, "westend", payee="Stash"),
    "polkadot, withdraw": _of(PolkadotLikeWithdrawUnbonded, "westend"),
    "polkadot, chill": _of(PolkadotLikeChill, "westend"),
    "message": MessageSigning(account_id=101, account_name="Treasury 1", raw_message="Hello\nWorld", address=EVM),
    "pledge": PledgeIncrement(
        pledge_subaccount_id=1,
        account_name="TL-0001-ETH-XXX-XXX",
        amount=100,
        currency="ethereum_sepolia",
        exchange_name="Crypto.com",
    ),
    "pledge, less of it": PledgeIncrement(
        pledge_subaccount_id=1,
        account_name="TL-0001-ETH-XXX-XXX",
        amount="-100",
        currency="ethereum_sepolia",
        exchange_name="Crypto.com",
        contract_address=EVM,
    ),
    "pledge, freed by force": ForcedUnpledge(
        pledge_subaccount_id=1, account_name="TL-0001", currency="viction", exchange_name="Crypto.com"
    ),
}
# What the contract does not have.
ACCOUNT = AccountCreation(
    account_type="TRC20_LIKE",
    index=0,
    name="JST",
    currency="tron",
    policy_name="Multipolicy 1",
    parent_id=95,
    contract_address="TCFLL5dx5ZJdKnWuesXxi1VPwjLVmWZZy9",
)

AMOUNTS = st.integers(0, 10**78 - 1)
ADDRESSES = st.text("0123456789abcdefxyzABC:", min_size=1, max_size=110)
IDS = st.integers(0, 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40)
SPEEDS = st.builds(Speed, st.sampled_from(["SLOW", "NORMAL", "FAST"]))
MEMOS = st.one_of(
    st.builds(MemoText, st.text("aé ", max_size=14)),
    st.builds(MemoId, st.integers(0, 2**64 - 1)),
    st.builds(MemoHash, st.text("0123456789abcdefABCDEF", min_size=64, max_size=64)),
)
FIELDS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "account_id": IDS,
    "account_name": TEXTS,
    "note": st.none() | st.builds(Note, TEXTS, st.text(st.characters(codec="utf-8", exclude_categories=["C"]))),
    "amount": AMOUNTS | AMOUNTS.map(str),
    "max_fees": AMOUNTS,
    "max_priority_fee": st.none() | AMOUNTS,
    "recipient": ADDRESSES,
    "contract_address": st.none() | ADDRESSES,
    "token_mint": ADDRESSES,
    "tag": st.none() | st.integers(0, 2**32 - 1),
    "memo": st.none() | MEMOS,
    "payee": st.sampled_from(["Staked", "Stash"]),
    "contract_data": st.sampled_from([CALL, "0xa9059cbb"]),
    "encoded_contract_data": st.none(),
    "encoded_contract_bytecode": st.binary(min_size=1).map(lambda code: "0x" + code.hex()),
}
CUSTOM: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "BITCOIN": st.builds(FeesPerByte, AMOUNTS),
    "ETHEREUM": st.builds(GasPrice, AMOUNTS, AMOUNTS) | st.builds(PriorityFees, AMOUNTS, AMOUNTS),
}


def transactions(kind: type[Transaction]) -> st.SearchStrategy[Transaction]:
    """Draw transactions of a kind, of its documented currencies."""
    family = kind.transaction_type.partition("_")[0]
    fees = SPEEDS | CUSTOM[family] if family in CUSTOM else SPEEDS
    own = {"fees_strategy": fees, "currency": st.sampled_from(currencies(kind))}
    return st.builds(kind, **{name: {**FIELDS, **own}[name] for name in kind.__struct_fields__})


def currencies(kind: type[Transaction]) -> list[str]:
    """Return the currencies that a kind is documented with."""
    rule: Any = payloads.base.rules(kind)["currency"]
    return list(rule.choices)


ANY = st.sampled_from(list(KINDS.values())).flatmap(transactions)
