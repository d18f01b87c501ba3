"""The 19 kinds of transactions that can be created.

All amounts and fees are in base units (satoshi, wei, ...). For tokens, ``amount`` is in base units of the token and
``max_fees`` in those of the network's own currency.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_args

from ledgerkit.payloads.base import Payload
from ledgerkit.payloads.parts import (
    HEXADECIMAL,
    AnyNote,
    Part,
)
from ledgerkit.payloads.preview import Form, Line
from ledgerkit.payloads.rules import Address, Amount, Currency, Integer, Text, thawed
from ledgerkit.vocabulary import CurrencyName

BitcoinCurrency = Literal["bitcoin", "bitcoin_testnet"]
EthereumCurrency = Literal[
    "arbitrum",
    "arbitrum_goerli",
    "arbitrum_sepolia",
    "avalanche_c_chain",
    "avalanche_c_chain_fuji",
    "base",
    "base_goerli",
    "base_sepolia",
    "blast",
    "blast_sepolia",
    "bsc",
    "celo",
    "celo_alfajores",
    "cronos",
    "cronos_testnet",
    "ethereum",
    "ethereum_classic",
    "ethereum_goerli",
    "ethereum_holesky",
    "ethereum_hoodi",
    "ethereum_pow",
    "ethereum_ropsten",
    "ethereum_sepolia",
    "etherlink",
    "fantom",
    "fantom_testnet",
    "filecoin",
    "filecoin_calibration",
    "flare",
    "flare_coston",
    "kava_evm",
    "kava_evm_testnet",
    "klaytn",
    "klaytn_baobab",
    "komodo",
    "linea",
    "mantle",
    "mantle_sepolia",
    "neon_evm",
    "optimism",
    "optimism_goerli",
    "optimism_sepolia",
    "polygon",
    "polygon_amoy",
    "polygon_mumbai",
    "polygon_zk_evm",
    "polygon_zk_evm_testnet",
    "pulsechain",
    "pulsechain_testnet",
    "scroll",
    "scroll_sepolia",
    "sonic",
    "tomo",
    "tomo_testnet",
    "tron",
    "viction",
    "viction_testnet",
]
RippleCurrency = Literal["ripple"]
StellarCurrency = Literal["stellar"]
TronCurrency = Literal["tron"]
TezosCurrency = Literal["tezos"]
CardanoCurrency = Literal["cardano"]
SolanaCurrency = Literal["solana", "solana_devnet", "solana_testnet"]
PolkadotCurrency = Literal["polkadot", "westend"]
Payee = Literal["Staked", "Stash"]

_SETS: Final = (
    BitcoinCurrency,
    EthereumCurrency,
    RippleCurrency,
    StellarCurrency,
    TronCurrency,
    TezosCurrency,
    CardanoCurrency,
    SolanaCurrency,
    PolkadotCurrency,
)
ALL_CURRENCIES: Final = frozenset(name for one in _SETS for name in get_args(one))

# The fields in the order in which they are read before signing, and how each is shown.
SHOWN: Final[Mapping[str, tuple[str, Form]]] = {
    "amount": ("Amount", "amount"),
    "recipient": ("To", "address"),
    "contract_address": ("Contract of the token", "address"),
    "token_mint": ("Mint of the token", "address"),
    "tag": ("Destination tag", "text"),
    "memo": ("Memo", "text"),
    "contract_data": ("Call", "text"),
    "encoded_contract_data": ("Call, encoded", "text"),
    "encoded_contract_bytecode": ("Bytecode", "text"),
    "payee": ("Rewards go to", "text"),
    "currency": ("Currency", "text"),
    "max_fees": ("At most for fees", "amount"),
    "max_priority_fee": ("Highest priority fee", "amount"),
    "fees_strategy": ("Fees", "text"),
    "note": ("Note", "text"),
}

Id: TypeAlias = Annotated[int, Integer()]
Name: TypeAlias = Annotated[str, Text()]
BaseUnits: TypeAlias = Annotated[int | str, Amount()]
ChainAddress: TypeAlias = Annotated[str, Address()]
# The documented kinds have currencies that the list of currencies lacks.
AnyCurrency: TypeAlias = Annotated[CurrencyName | str, Currency(Literal[CurrencyName, EthereumCurrency])]
Bytes: TypeAlias = Annotated[str, HEXADECIMAL]


class Transaction(Payload, frozen=True, kw_only=True):
    """A transaction of an account.

    Parameters
    ----------
    account_id, account_name
        The account that starts it; the HSM knows it by its name, so both must be of the same account.
    note
        What people search by later.
    """

    type: ClassVar[str] = "CREATE_TRANSACTION"
    transaction_type: ClassVar[str]
    details: ClassVar[str] = "transaction_data"
    beside: ClassVar[tuple[str, ...]] = ("account_id", "fees_strategy")
    does: ClassVar[str]  # in plain words

    account_id: Id
    account_name: Name
    note: AnyNote | None = None

    @classmethod
    def constants(cls) -> Mapping[str, str]:
        """Return the kind of the transaction, by which the service tells bodies apart."""
        return {"transaction_type": cls.transaction_type}

    def intent(self) -> dict[str, Any]:
        """Return the part of the JSON that a settlement takes: ``data``, without type and note."""
        data: dict[str, Any] = self.to_json()["data"]
        return data

    def title(self) -> str:
        """Return in one line what this does."""
        return f"{self.does} on {self.given()['currency']} ({self.transaction_type})"

    def lines(self) -> list[Line]:
        """Return the summary: from where, how much, to whom, at what cost."""
        given = self.given()
        token = given.get("contract_address") or given.get("token_mint")
        currency = given["currency"]
        units = {"amount": f"base units of the token {token}" if token else f"base units of {currency}"}
        account = Line("Account", f"{given['account_name']} (id {given['account_id']})")
        return [
            account,
            *(
                line(name, given[name], units.get(name, f"base units of {currency}"))
                for name in SHOWN
                if name in given
            ),
        ]


class FeePaying(Transaction, frozen=True, kw_only=True):
    """A transaction with a ceiling of its fees.

    Parameters
    ----------
    max_fees
        The most that may be paid as fees, in base units of the network's currency; 0 to ask for an estimate.
    """

    max_fees: BaseUnits

    def lines(self) -> list[Line]:
        """Return the summary."""
        lines = super().lines()
        if self.max_fees == 0:
            lines.append(Line("Attention", "with max_fees 0 this is a question for an estimate, not to be created"))
        return lines


def line(name: str, value: Any, unit: str) -> Line:
    """Return the line of a field."""
    label, form = SHOWN[name]
    if isinstance(value, Part):
        value = value.said()
    if isinstance(value, Mapping):
        value = json.dumps(thawed(value), ensure_ascii=False)
    return Line(label, str(value), form, unit if form == "amount" else "")
