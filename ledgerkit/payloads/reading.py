"""Bodies back to payloads: to compare with what was meant, and to read what was kept."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ledgerkit.payloads.base import Payload
from ledgerkit.payloads.requests import AccountCreation, ForcedUnpledge, MessageSigning, PledgeIncrement, Raw
from ledgerkit.payloads.rules import refused
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
from ledgerkit.payloads.transactions import Transaction

_TRANSACTIONS: Final[tuple[type[Transaction], ...]] = (
    BitcoinLikeSend,
    EthereumLikeSend,
    EthereumLikeExecuteContract,
    EthereumLikeDeployContract,
    RippleLikeSend,
    StellarLikeSend,
    TronLikeSend,
    TezosLikeSend,
    CardanoLikeSend,
    SolanaLikeSend,
    SolanaLikeSendSplTokenChecked,
    SolanaLikeCreateSplTokenAccount,
    PolkadotLikeSend,
    PolkadotLikeBondExtra,
    PolkadotLikeUnbond,
    PolkadotLikeRebond,
    PolkadotLikeSetPayee,
    PolkadotLikeWithdrawUnbonded,
    PolkadotLikeChill,
)
_OTHERS: Final[tuple[type[Payload], ...]] = (MessageSigning, PledgeIncrement, ForcedUnpledge, AccountCreation)
_BY_TYPE: Final = {kind.type: kind for kind in _OTHERS}
# Every kind of transaction by its constant, as ``KINDS["BITCOIN_LIKE_SEND"]``.
KINDS: Final[Mapping[str, type[Transaction]]] = MappingProxyType(
    {kind.transaction_type: kind for kind in _TRANSACTIONS}
)


def from_json(body: Mapping[str, Any]) -> Payload:
    """Return the payload whose ``to_json()`` is this body; of a type that the kit does not know, a :class:`Raw`.

    Raises
    ------
    InvalidRequest
        The body is of a known type, but has a field more or less, or a value that the type can't have.
    """
    if not isinstance(body, Mapping):
        raise refused("body", body, "it takes a dict")
    named = body.get("type")
    kind: type[Payload] = _BY_TYPE.get(named, Raw) if isinstance(named, str) else Raw
    if named == Transaction.type:
        data = body.get("data")
        named = data.get("transaction_type") if isinstance(data, Mapping) else None
        if not isinstance(named, str):
            raise refused("data", data, "that of a transaction is a dict with a `transaction_type`")
        kind = KINDS.get(named, Raw)
    return kind.from_json(body)
