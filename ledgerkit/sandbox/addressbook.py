"""Everybody the institution deals with: whitelisted recipients, senders, contracts, and bad addresses."""

import hashlib
from dataclasses import dataclass

from .accounts import Chart
from .chains import make_address
from .currencies import COINS
from .material import Material, Node, counter, stamp
from .people import People, moment

_NAMES = (
    "Kestrel Exchange deposit",
    "Clearport settlement",
    "Halcyon settlement",
    "Brightwater OTC",
    "Fund administrator",
    "Custody fees Q account",
    "Client 0117 withdrawal",
    "Client 0242 withdrawal",
    "Client 0305 withdrawal",
    "Market maker Tidewell",
)
# contracts of public protocols on Ethereum: name, application, address
CONTRACTS = {
    "SWAP": ("Uniswap V3: Router", "uniswap", "0xE592427A0AEce92De3Edee1F18E0157C05861564"),
    "STAKE": ("Lido: stETH Token", "lido", "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84"),
    "WRAP": ("Wrapped Ether", None, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
    "DEPOSIT": ("Beacon Deposit Contract", None, "0x00000000219ab540356cBB839Cbe05303d7705Fa"),
}
_SOURCES = 40

# name, description, currencies, first and last destination of each, status, day
_WHITELISTS: tuple[tuple[str, str | None, tuple[str, ...], int, int, str, float], ...] = (
    ("BTC counterparties", "reviewed every quarter", ("bitcoin",), 0, 10, "ACTIVE", 5.00),
    ("ETH counterparties", "reviewed every quarter", ("ethereum",), 0, 10, "ACTIVE", 5.05),
    ("TRX counterparties", None, ("tron",), 0, 8, "ACTIVE", 5.10),
    ("XRP counterparties", "mind the destination tags", ("ripple",), 0, 10, "ACTIVE", 5.15),
    ("XLM counterparties", None, ("stellar",), 0, 8, "ACTIVE", 5.20),
    ("SOL counterparties", None, ("solana",), 0, 8, "ACTIVE", 5.25),
    ("L2 counterparties", "same desks on the second layers", ("arbitrum", "base", "optimism"), 0, 6, "ACTIVE", 5.30),
    ("Side chains", None, ("bsc", "polygon", "avalanche_c_chain"), 0, 6, "ACTIVE", 5.35),
    (
        "Exchanges",
        "every exchange on every chain",
        ("bitcoin", "ethereum", "ripple", "litecoin"),
        0,
        3,
        "ACTIVE",
        5.40,
    ),
    ("Stake operations", None, ("tezos", "cardano", "polkadot", "cosmos", "near"), 0, 4, "ACTIVE", 5.45),
    ("Test faucets", "testnets only", ("bitcoin_testnet", "ethereum_sepolia", "westend"), 0, 3, "ACTIVE", 5.50),
    (
        "Client withdrawals",
        "from the client register",
        ("bitcoin", "ethereum", "litecoin", "dogecoin"),
        6,
        9,
        "ACTIVE",
        35.0,
    ),
    ("Old exchanges", "closed relationships", ("bitcoin", "bitcoin_cash"), 3, 5, "REVOKED", 60.0),
    ("Gaming partners", "declined by risk", ("polygon",), 6, 8, "REJECTED", 220.0),
    ("Fund Beta payees", None, ("bitcoin", "ethereum"), 4, 6, "PENDING", -2.8),
)
# the list that the rules of accounts in a currency name, where several lists hold the currency
_RULING = {"bitcoin": 1, "ethereum": 2, "ripple": 4, "polygon": 8}


@dataclass(frozen=True, slots=True)
class Destination:
    """A recipient outside."""

    name: str
    address: str
    tags: tuple[int, ...] = ()


@dataclass(slots=True)
class AddressBook:
    """Recipients and senders by currency, and the whitelists made from them."""

    destinations: dict[str, list[Destination]]
    sources: dict[str, list[str]]
    bad: dict[str, list[str]]
    whitelists: list[Node]
    ruling: dict[str, int]


def build_address_book(material: Material, people: People, chart: Chart) -> AddressBook:
    """Make the counterparties for every currency in which there are accounts."""
    destinations: dict[str, list[Destination]] = {}
    sources: dict[str, list[str]] = {}
    bad: dict[str, list[str]] = {}
    for currency in dict.fromkeys(account.coin.name for account in chart.accounts):
        coin = COINS[currency]
        # the same desks own the same key, and so the same address, on every EVM chain
        chain = "evm" if coin.family in ("ethereum", "polygon") else currency

        def address(role: str, index: int, chain: str = chain, currency: str = currency) -> str:
            return make_address(currency, COINS[currency].family, material.derive(role, chain, index))

        destinations[currency] = [
            Destination(name, address("destination", index), _tags(currency, index))
            for index, name in enumerate(_NAMES)
        ]
        sources[currency] = [address("source", index) for index in range(_SOURCES)]
        bad[currency] = [address("bad", index) for index in range(3)]
        if chain == "evm":
            # made to be taken for the first recipient: somebody sends dust from it, and hopes to be copied
            bad[currency][1] = _look_alike(destinations[currency][0].address, material.derive("bad", chain, 1))
    whitelists, ruling = _whitelists(material, people, destinations)
    return AddressBook(destinations, sources, bad, whitelists, ruling)


def _look_alike(address: str, entropy: bytes) -> str:
    """Return another address that begins and ends like one of Ethereum."""
    digits = bytes.fromhex(address.removeprefix("0x"))
    return make_address("ethereum", "ethereum", digits[:2] + entropy[2:18] + digits[-2:])


def _tags(currency: str, index: int) -> tuple[int, ...]:
    if currency != "ripple" or index == 4:
        return ()
    return (100_400 + index * 17,) if index != 0 else (100_417, 4_294_967_295)


def _whitelists(
    material: Material, people: People, destinations: dict[str, list[Destination]]
) -> tuple[list[Node], dict[str, int]]:
    address_ids = counter()
    whitelists: list[Node] = []
    ruling: dict[str, int] = {}
    for identifier, row in enumerate(_WHITELISTS, start=1):
        name, description, currencies, first, last, status, day = row
        whitelists.append(
            {
                "id": identifier,
                "name": name,
                "description": description,
                "status": status,
                "addresses": [
                    {
                        "id": address_ids(),
                        "name": destination.name,
                        "currency": currency,
                        "address": destination.address,
                        "destination_tags": list(destination.tags) or None,
                    }
                    for currency in currencies
                    for destination in destinations[currency][first:last]
                ],
                "created_by": people.user_ids["priya.nair"],
                "created_on": stamp(moment(material, day)),
                "last_request": None,
            }
        )
        if status == "ACTIVE":
            for currency in currencies:
                ruling.setdefault(currency, _RULING.get(currency, identifier))
    return whitelists, ruling


_REASONS = {
    "Severe": "> 49% Exposure To Sanctioned Entity",
    "High": "> 30% Exposure To High Risk Exchange",
    "Medium": "> 10% Exposure To Gambling",
    "Low": None,
}
_SANCTION_URL = "https://sanctions.example.org/umbra-mixer"


def bad_level(bad: dict[str, list[str]], address: str) -> str | None:
    """Return the provider's rating of an address that the world knows to be bad."""
    for addresses in bad.values():
        if address in addresses:
            return ("Severe", "High", "Medium")[addresses.index(address)]
    return None


def address_risk(bad: dict[str, list[str]], address: str) -> Node:
    """Return the risk of any address: known for bad ones, the same each time for the rest."""
    digest = hashlib.sha256(address.encode()).digest()
    provider = bad_level(bad, address) or ("Medium" if digest[0] < 8 else "Low")
    categories = ("exchange", "hosted wallet", "mining pool", "gambling", "high risk exchange", "sanctioned entity")
    worst = {"Low": 2, "Medium": 4, "High": 5, "Severe": 6}[provider]
    exposures = [
        {"category": category, "value": round(int.from_bytes(digest[i : i + 4], "big") / 7919, 5)}
        for i, category in enumerate(categories[:worst])
    ]
    return {
        "address": address,
        "risk": {"Low": "LOW", "Medium": "MEDIUM"}.get(provider, "HIGH"),
        "provider_details": {"risk": provider, "reason": _REASONS[provider], "exposures": exposures},
    }


def address_sanctions(bad: dict[str, list[str]], address: str) -> Node:
    """Return whether an address is on the (invented) list of sanctions."""
    sanctioned = bad_level(bad, address) == "Severe"
    details = {
        "category": "sanctions",
        "name": "SANCTIONS: SANDBOX LIST Umbra Mixer 2025-02-11",
        "description": "An invented entry: the sandbox lists a mixer that does not exist.",
        "url": _SANCTION_URL,
    }
    return {
        "address": address,
        "has_sanctions": sanctioned,
        "provider_details": [details] if sanctioned else [],
    }
