"""Payments, and the calls and contracts of EVM chains."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads.parts import BitcoinFees, ContractData, EthereumFees, SpeedOnly, StellarMemo
from ledgerkit.payloads.rules import LARGEST_TAG, Currency, Integer
from ledgerkit.payloads.transactions import (
    ALL_CURRENCIES,
    BaseUnits,
    BitcoinCurrency,
    Bytes,
    CardanoCurrency,
    ChainAddress,
    EthereumCurrency,
    FeePaying,
    RippleCurrency,
    StellarCurrency,
    TezosCurrency,
    TronCurrency,
)

# Bitcoin, Ethereum and the like


class BitcoinLikeSend(FeePaying, frozen=True, kw_only=True):
    """Send an amount from an account of the bitcoin family."""

    transaction_type: ClassVar[str] = "BITCOIN_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[BitcoinCurrency | str, Currency(BitcoinCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    fees_strategy: BitcoinFees


class EthereumLikeSend(FeePaying, frozen=True, kw_only=True):
    """Send an amount of the network's currency, or of a token, from an EVM account.

    Parameters
    ----------
    contract_address
        The contract of the token; None for the network's own currency.
    """

    transaction_type: ClassVar[str] = "ETHEREUM_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[EthereumCurrency | str, Currency(EthereumCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    contract_address: ChainAddress | None = None
    fees_strategy: EthereumFees


class EthereumLikeExecuteContract(FeePaying, frozen=True, kw_only=True):
    """Call a contract.

    Parameters
    ----------
    recipient
        The contract.
    amount
        What is paid to the contract, in base units of the network's currency.
    contract_data
        The call: a dict with ``function_name``, ``function_arguments`` and ``abi`` (read from JSON, no text), or the
        encoded bytes in hexadecimal digits after ``0x``.
    encoded_contract_data
        The encoded bytes; deprecated by the API in favour of ``contract_data``.
    """

    transaction_type: ClassVar[str] = "ETHEREUM_LIKE_EXECUTE_CONTRACT"
    does: ClassVar[str] = "Call a contract"

    currency: Annotated[EthereumCurrency | str, Currency(EthereumCurrency, ALL_CURRENCIES)]
    amount: BaseUnits = 0  # the API wants "0", not null
    recipient: ChainAddress
    contract_data: Annotated[Mapping[str, Any] | str, ContractData()] | None = None
    encoded_contract_data: Bytes | None = None
    fees_strategy: EthereumFees

    def check(self) -> None:
        """Check that the call is said once."""
        if (self.contract_data is None) == (self.encoded_contract_data is None):
            raise InvalidRequest(
                "`contract_data` or `encoded_contract_data` must say what is called, and not both; the latter is "
                "deprecated.",
                field="contract_data",
            )


class EthereumLikeDeployContract(FeePaying, frozen=True, kw_only=True):
    """Deploy a contract.

    Parameters
    ----------
    encoded_contract_bytecode
        The bytecode in hexadecimal digits after ``0x``.
    amount
        What is paid to the contract, in base units of the network's currency.
    """

    transaction_type: ClassVar[str] = "ETHEREUM_LIKE_DEPLOY_CONTRACT"
    does: ClassVar[str] = "Deploy a contract"

    currency: Annotated[EthereumCurrency | str, Currency(EthereumCurrency, ALL_CURRENCIES)]
    amount: BaseUnits = 0
    encoded_contract_bytecode: Bytes
    fees_strategy: EthereumFees


# Currencies of one chain


class RippleLikeSend(FeePaying, frozen=True, kw_only=True):
    """Send XRP.

    Parameters
    ----------
    tag
        The destination tag, by which exchanges tell their customers apart: an integer below 2^32.
    """

    transaction_type: ClassVar[str] = "RIPPLE_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[RippleCurrency | str, Currency(RippleCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    tag: Annotated[int, Integer(LARGEST_TAG)] | None = None
    fees_strategy: SpeedOnly


class StellarLikeSend(FeePaying, frozen=True, kw_only=True):
    """Send XLM.

    Parameters
    ----------
    memo
        MemoText, MemoId, MemoHash or MemoReturn, by which exchanges tell their customers apart.
    """

    transaction_type: ClassVar[str] = "STELLAR_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[StellarCurrency | str, Currency(StellarCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    memo: StellarMemo | None = None
    fees_strategy: SpeedOnly


class TronLikeSend(FeePaying, frozen=True, kw_only=True):
    """Send TRX."""

    transaction_type: ClassVar[str] = "TRON_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[TronCurrency | str, Currency(TronCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    fees_strategy: SpeedOnly


class TezosLikeSend(FeePaying, frozen=True, kw_only=True):
    """Send XTZ."""

    transaction_type: ClassVar[str] = "TEZOS_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[TezosCurrency | str, Currency(TezosCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    fees_strategy: SpeedOnly


class CardanoLikeSend(FeePaying, frozen=True, kw_only=True):
    """Send ADA."""

    transaction_type: ClassVar[str] = "CARDANO_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[CardanoCurrency | str, Currency(CardanoCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    fees_strategy: SpeedOnly
