"""Transactions of Solana and Polkadot, which have no ceiling of fees."""

from typing import Annotated, ClassVar

from ledgerkit.payloads.rules import Choice, Currency
from ledgerkit.payloads.transactions import (
    ALL_CURRENCIES,
    BaseUnits,
    ChainAddress,
    Payee,
    PolkadotCurrency,
    SolanaCurrency,
    Transaction,
)

# Solana: no ceiling of fees, but of the priority fee


class SolanaLikeSend(Transaction, frozen=True, kw_only=True):
    """Send SOL.

    Parameters
    ----------
    max_priority_fee
        The highest priority fee in base units (lamports); the fee estimate recommends some.
    """

    transaction_type: ClassVar[str] = "SOLANA_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[SolanaCurrency | str, Currency(SolanaCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    max_priority_fee: BaseUnits | None = None


class SolanaLikeSendSplTokenChecked(Transaction, frozen=True, kw_only=True):
    """Send an SPL token.

    Parameters
    ----------
    amount
        In base units of the token.
    token_mint
        The address of the token's mint.
    max_priority_fee
        The highest priority fee in base units of SOL (lamports).
    """

    transaction_type: ClassVar[str] = "SOLANA_LIKE_SEND_SPL_TOKEN_CHECKED"
    does: ClassVar[str] = "Send a token"

    currency: Annotated[SolanaCurrency | str, Currency(SolanaCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress
    token_mint: ChainAddress
    max_priority_fee: BaseUnits | None = None


class SolanaLikeCreateSplTokenAccount(Transaction, frozen=True, kw_only=True):
    """Create the account that holds an SPL token.

    Parameters
    ----------
    token_mint
        The address of the token's mint.
    max_priority_fee
        The highest priority fee in base units of SOL (lamports).
    """

    transaction_type: ClassVar[str] = "SOLANA_LIKE_CREATE_SPL_TOKEN_ACCOUNT"
    does: ClassVar[str] = "Create a token account"

    currency: Annotated[SolanaCurrency | str, Currency(SolanaCurrency, ALL_CURRENCIES)]
    token_mint: ChainAddress
    max_priority_fee: BaseUnits | None = None


# Polkadot: the network sets the fees


class PolkadotLikeSend(Transaction, frozen=True, kw_only=True):
    """Send DOT."""

    transaction_type: ClassVar[str] = "POLKADOT_LIKE_SEND"
    does: ClassVar[str] = "Send"

    currency: Annotated[PolkadotCurrency | str, Currency(PolkadotCurrency, ALL_CURRENCIES)]
    amount: BaseUnits
    recipient: ChainAddress


class PolkadotLikeBondExtra(Transaction, frozen=True, kw_only=True):
    """Add an amount to what is bonded."""

    transaction_type: ClassVar[str] = "POLKADOT_LIKE_BONDEXTRA"
    does: ClassVar[str] = "Bond more"

    currency: Annotated[PolkadotCurrency | str, Currency(PolkadotCurrency, ALL_CURRENCIES)]
    amount: BaseUnits


class PolkadotLikeUnbond(Transaction, frozen=True, kw_only=True):
    """Begin to unbond an amount."""

    transaction_type: ClassVar[str] = "POLKADOT_LIKE_UNBOND"
    does: ClassVar[str] = "Unbond"

    currency: Annotated[PolkadotCurrency | str, Currency(PolkadotCurrency, ALL_CURRENCIES)]
    amount: BaseUnits


class PolkadotLikeRebond(Transaction, frozen=True, kw_only=True):
    """Bond again an amount that is being unbonded."""

    transaction_type: ClassVar[str] = "POLKADOT_LIKE_REBOND"
    does: ClassVar[str] = "Bond again"

    currency: Annotated[PolkadotCurrency | str, Currency(PolkadotCurrency, ALL_CURRENCIES)]
    amount: BaseUnits


class PolkadotLikeSetPayee(Transaction, frozen=True, kw_only=True):
    """Set where staking rewards go.

    Parameters
    ----------
    payee
        ``Staked``: bonded as well; ``Stash``: to the account.
    """

    transaction_type: ClassVar[str] = "POLKADOT_LIKE_SETPAYEE"
    does: ClassVar[str] = "Set where rewards go"

    currency: Annotated[PolkadotCurrency | str, Currency(PolkadotCurrency, ALL_CURRENCIES)]
    payee: Annotated[Payee, Choice(Payee)]


class PolkadotLikeWithdrawUnbonded(Transaction, frozen=True, kw_only=True):
    """Withdraw all that is unbonded."""

    transaction_type: ClassVar[str] = "POLKADOT_LIKE_WITHDRAWUNBONDED"
    does: ClassVar[str] = "Withdraw all that is unbonded"

    currency: Annotated[PolkadotCurrency | str, Currency(PolkadotCurrency, ALL_CURRENCIES)]


class PolkadotLikeChill(Transaction, frozen=True, kw_only=True):
    """Stop to nominate; what is bonded stays bonded."""

    transaction_type: ClassVar[str] = "POLKADOT_LIKE_CHILL"
    does: ClassVar[str] = "Stop to nominate"

    currency: Annotated[PolkadotCurrency | str, Currency(PolkadotCurrency, ALL_CURRENCIES)]
