"""Typed bodies of writes: immutable, checked when they are made, shown in plain words, and written exactly.

Examples
--------
>>> from ledgerkit.payloads import BitcoinLikeSend, Note, Speed
>>> payload = BitcoinLikeSend(
...     account_id=2,
...     account_name="ClientA COL TBTC 1",
...     currency="bitcoin_testnet",
...     amount=100,
...     recipient="tb1q9wexw9pzjklj7yqld6g3lejxzr0wgvwhzx0nek",
...     max_fees=211,
...     fees_strategy=Speed("FAST"),
...     note=Note("Invoice 42", "March"),
... )
>>> payload.to_json()["data"]["transaction_data"]["amount"]
'100'
"""

from ledgerkit.payloads.base import (
    Body,
    Payload,
)
from ledgerkit.payloads.lam import (
    ApiUserCreation,
    EthereumStakeCreation,
    LabelAssignment,
    LabelCreation,
    LamTransaction,
    LamTransactionApproval,
    SolanaStakeApproval,
    SolanaStakeDeactivation,
    TezosUndelegation,
)
from ledgerkit.payloads.notifications import (
    NotificationConfiguration,
)
from ledgerkit.payloads.parts import (
    FeesPerByte,
    GasPrice,
    MemoHash,
    MemoId,
    MemoReturn,
    MemoText,
    Note,
    PriorityFees,
    Speed,
)
from ledgerkit.payloads.preview import (
    Line,
    Preview,
)
from ledgerkit.payloads.reading import (
    KINDS,
    from_json,
)
from ledgerkit.payloads.requests import (
    AccountCreation,
    ForcedUnpledge,
    MessageSigning,
    PledgeIncrement,
    Raw,
)
from ledgerkit.payloads.sends import (
    BitcoinLikeSend,
    CardanoLikeSend,
    EthereumLikeDeployContract,
    EthereumLikeExecuteContract,
    EthereumLikeSend,
    RippleLikeSend,
    StellarLikeSend,
    TezosLikeSend,
    TronLikeSend,
)
from ledgerkit.payloads.settlements import (
    InboundTransactionIntent,
    RepledgeIntent,
    Settlement,
    SettlementRecovery,
)
from ledgerkit.payloads.solana_polkadot import (
    PolkadotLikeBondExtra,
    PolkadotLikeChill,
    PolkadotLikeRebond,
    PolkadotLikeSend,
    PolkadotLikeSetPayee,
    PolkadotLikeUnbond,
    PolkadotLikeWithdrawUnbonded,
    SolanaLikeCreateSplTokenAccount,
    SolanaLikeSend,
    SolanaLikeSendSplTokenChecked,
)
from ledgerkit.payloads.transactions import (
    FeePaying,
    Transaction,
)

__all__ = [
    "KINDS",
    "AccountCreation",
    "ApiUserCreation",
    "BitcoinLikeSend",
    "Body",
    "CardanoLikeSend",
    "EthereumLikeDeployContract",
    "EthereumLikeExecuteContract",
    "EthereumLikeSend",
    "EthereumStakeCreation",
    "FeePaying",
    "FeesPerByte",
    "ForcedUnpledge",
    "GasPrice",
    "InboundTransactionIntent",
    "LabelAssignment",
    "LabelCreation",
    "LamTransaction",
    "LamTransactionApproval",
    "Line",
    "MemoHash",
    "MemoId",
    "MemoReturn",
    "MemoText",
    "MessageSigning",
    "Note",
    "NotificationConfiguration",
    "Payload",
    "PledgeIncrement",
    "PolkadotLikeBondExtra",
    "PolkadotLikeChill",
    "PolkadotLikeRebond",
    "PolkadotLikeSend",
    "PolkadotLikeSetPayee",
    "PolkadotLikeUnbond",
    "PolkadotLikeWithdrawUnbonded",
    "Preview",
    "PriorityFees",
    "Raw",
    "RepledgeIntent",
    "RippleLikeSend",
    "Settlement",
    "SettlementRecovery",
    "SolanaLikeCreateSplTokenAccount",
    "SolanaLikeSend",
    "SolanaLikeSendSplTokenChecked",
    "SolanaStakeApproval",
    "SolanaStakeDeactivation",
    "Speed",
    "StellarLikeSend",
    "TezosLikeSend",
    "TezosUndelegation",
    "Transaction",
    "TronLikeSend",
    "from_json",
]
