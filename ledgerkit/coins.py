"""How many decimal places the coins of networks have: public facts, against which the units of a service are held.

A service that says 10 places of bitcoin would have a hundredth of a payment made of what a person wrote. Of tokens
nobody but their contract knows.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# The networks whose accounts count in wei, or in what their network divides its coin into likewise.
_EVM: Final = (
    "arbitrum",
    "avalanche_c_chain",
    "base",
    "blast",
    "bsc",
    "celo",
    "cronos",
    "ethereum",
    "ethereum_classic",
    "ethereum_pow",
    "etherlink",
    "fantom",
    "filecoin",
    "flare",
    "kava_evm",
    "klaytn",
    "linea",
    "mantle",
    "neon_evm",
    "optimism",
    "polygon",
    "polygon_zk_evm",
    "pulsechain",
    "scroll",
    "sonic",
    "tomo",
    "viction",
)
_BITCOINS: Final = (
    "bitcoin",
    "bitcoin_cash",
    "bitcoin_gold",
    "dash",
    "digibyte",
    "dogecoin",
    "komodo",
    "litecoin",
    "pivx",
    "vertcoin",
    "viacoin",
)
_MAGNITUDES: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(_EVM, 18),
        **dict.fromkeys(_BITCOINS, 8),
        "cardano": 6,
        "cosmos": 6,
        "near": 24,
        "polkadot": 10,
        "ripple": 6,
        "solana": 9,
        "stellar": 7,
        "tezos": 6,
        "tron": 6,
        "westend": 12,
    }
)
_TESTNETS: Final = (
    "alfajores",
    "amoy",
    "baobab",
    "calibration",
    "coston",
    "devnet",
    "fuji",
    "goerli",
    "holesky",
    "hoodi",
    "mumbai",
    "ropsten",
    "sepolia",
    "testnet",
)


# Their account is that of the coin, and their amount counts a token, which has units of its own; a new SPL token
# account is paid for with the coin.
_OF_TOKENS: Final = (
    "RECEIVE_SPL_TOKEN_CHECKED",
    "RECEIVE_SPL_TOKEN_CHECKED_FUNDED",
    "SEND_SPL_TOKEN_CHECKED",
    "SEND_SPL_TOKEN_CHECKED_FUNDED",
)
# The column of frames of transactions that names the token.
TOKEN_MINT: Final = "coin_fields_tx_parameters_token_mint"  # noqa: S105  # the name of a column


def counts_a_token(transaction_type: object) -> bool:
    """Say whether the amount of a transaction of this type is in a token, and not in the coin of its account."""
    return transaction_type in _OF_TOKENS


def magnitude_of(currency: str) -> int | None:
    """Return the decimal places of the coin of a network, or of its test network; None where they are not known."""
    network, _, test = currency.rpartition("_")
    return _MAGNITUDES.get(network if test in _TESTNETS else currency)


def is_testnet(currency: str) -> bool:
    """Say whether a currency is that of a test network, whose coins are worth nothing."""
    return not {*_TESTNETS, "westend"}.isdisjoint(currency.lower().split("_"))
