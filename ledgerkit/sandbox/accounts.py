"""The accounts of a sandbox world: what they are called, who rules them, where they receive."""

from dataclasses import dataclass, field
from random import Random

from .chains import UTXO_FORMS, base58check_encode, make_address
from .currencies import COINS, Coin, Token, coin_units, find_token, is_testnet, token_units
from .governance import Step
from .material import Counter, Material, Node, counter, public_point, stamp
from .people import People, moment

# name, type, currency, token, parent, department, status, day, weight in the traffic, dollars of a usual transfer
_Row = tuple[str, str, str, str | None, str | None, str, str, float, float, float]
_PLAN: tuple[_Row, ...] = (
    ("BTC Treasury 1", "Bitcoin", "bitcoin", None, None, "treasury", "ACTIVE", 6.00, 5, 400_000),
    ("BTC Trading Hot", "Bitcoin", "bitcoin", None, None, "trading", "ACTIVE", 6.05, 10, 90_000),
    ("BTC Clients", "Bitcoin", "bitcoin", None, None, "clients", "ACTIVE", 6.10, 9, 25_000),
    ("BCH Treasury", "Bitcoin", "bitcoin_cash", None, None, "treasury", "ACTIVE", 6.15, 1, 15_000),
    ("LTC Clients", "Bitcoin", "litecoin", None, None, "clients", "ACTIVE", 6.20, 2, 8_000),
    ("DOGE Clients", "Bitcoin", "dogecoin", None, None, "clients", "ACTIVE", 6.25, 1.5, 3_000),
    ("DASH Archive", "Bitcoin", "dash", None, None, "treasury", "VIEW_ONLY", 6.30, 0.3, 4_000),
    ("TBTC Test 1", "Bitcoin", "bitcoin_testnet", None, None, "test", "ACTIVE", 6.35, 1, 500),
    ("ETH Treasury 1", "Ethereum", "ethereum", None, None, "treasury", "ACTIVE", 7.00, 5, 300_000),
    ("ETH Trading Hot", "Ethereum", "ethereum", None, None, "trading", "ACTIVE", 7.05, 10, 70_000),
    ("ETH Clients", "Ethereum", "ethereum", None, None, "clients", "ACTIVE", 7.10, 8, 18_000),
    ("ETH Staking", "Ethereum", "ethereum", None, None, "staking", "ACTIVE", 7.15, 1, 60_000),
    ("ETH Sepolia Test", "Ethereum", "ethereum_sepolia", None, None, "test", "ACTIVE", 7.20, 1, 800),
    ("ARB Trading", "Ethereum", "arbitrum", None, None, "trading", "ACTIVE", 7.25, 2, 9_000),
    ("BASE Trading", "Ethereum", "base", None, None, "trading", "ACTIVE", 7.30, 2, 7_000),
    ("OP Trading", "Ethereum", "optimism", None, None, "trading", "ACTIVE", 7.35, 1, 6_000),
    ("AVAX Treasury", "Ethereum", "avalanche_c_chain", None, None, "treasury", "ACTIVE", 7.40, 1, 20_000),
    ("BNB Trading", "Ethereum", "bsc", None, None, "trading", "ACTIVE", 7.45, 2, 15_000),
    ("ETC Archive", "Ethereum", "ethereum_classic", None, None, "treasury", "VIEW_ONLY", 7.50, 0.3, 2_000),
    ("POL Treasury", "Polygon", "polygon", None, None, "treasury", "ACTIVE", 7.55, 1.5, 6_000),
    ("TRX Clients", "Tron", "tron", None, None, "clients", "ACTIVE", 7.60, 1.5, 2_500),
    ("XRP Treasury", "Ripple", "ripple", None, None, "treasury", "ACTIVE", 7.65, 1, 60_000),
    ("XRP Clients", "Ripple", "ripple", None, None, "clients", "ACTIVE", 7.70, 4, 6_000),
    ("XLM Clients", "Stellar", "stellar", None, None, "clients", "ACTIVE", 7.75, 3, 3_000),
    ("XTZ Staking", "Tezos", "tezos", None, None, "staking", "ACTIVE", 7.80, 1, 9_000),
    ("ADA Staking", "Cardano", "cardano", None, None, "staking", "ACTIVE", 7.85, 1, 14_000),
    ("SOL Trading", "Solana", "solana", None, None, "trading", "ACTIVE", 7.90, 4, 30_000),
    ("SOL Staking", "Solana", "solana", None, None, "staking", "ACTIVE", 7.95, 1, 40_000),
    ("DOT Staking", "Polkadot", "polkadot", None, None, "staking", "ACTIVE", 8.00, 1, 16_000),
    ("WND Test", "Polkadot", "westend", None, None, "test", "ACTIVE", 8.05, 0.4, 300),
    ("ATOM Treasury", "Cosmos", "cosmos", None, None, "treasury", "ACTIVE", 8.10, 1, 9_000),
    ("NEAR Treasury", "Near", "near", None, None, "treasury", "ACTIVE", 8.15, 1, 7_000),
    ("KMD Raw Signing", "Generic", "komodo", None, None, "treasury", "ACTIVE", 8.20, 0, 0),
    ("USDC Treasury", "Erc20", "ethereum", "USDC", "ETH Treasury 1", "treasury", "ACTIVE", 9.00, 6, 500_000),
    ("USDT Treasury", "Erc20", "ethereum", "USDT", "ETH Treasury 1", "treasury", "ACTIVE", 9.05, 4, 350_000),
    ("EURC Treasury", "Erc20", "ethereum", "EURC", "ETH Treasury 1", "treasury", "ACTIVE", 9.10, 1, 80_000),
    ("USDC Trading", "Erc20", "ethereum", "USDC", "ETH Trading Hot", "trading", "ACTIVE", 9.15, 8, 120_000),
    ("USDT Trading", "Erc20", "ethereum", "USDT", "ETH Trading Hot", "trading", "ACTIVE", 9.20, 7, 110_000),
    ("DAI Trading", "Erc20", "ethereum", "DAI", "ETH Trading Hot", "trading", "ACTIVE", 9.25, 2, 40_000),
    ("LINK Trading", "Erc20", "ethereum", "LINK", "ETH Trading Hot", "trading", "ACTIVE", 9.30, 2, 12_000),
    ("UNI Trading", "Erc20", "ethereum", "UNI", "ETH Trading Hot", "trading", "ACTIVE", 9.35, 1, 9_000),
    ("SHIB Trading", "Erc20", "ethereum", "SHIB", "ETH Trading Hot", "trading", "ACTIVE", 9.40, 1, 15_000),
    ("WBTC Trading", "Erc20", "ethereum", "WBTC", "ETH Trading Hot", "trading", "ACTIVE", 9.45, 1, 60_000),
    ("stETH Staking", "Erc20", "ethereum", "stETH", "ETH Staking", "staking", "ACTIVE", 9.50, 0.6, 50_000),
    ("USDC Clients", "Erc20", "ethereum", "USDC", "ETH Clients", "clients", "ACTIVE", 9.55, 6, 30_000),
    ("USDC ARB Trading", "Erc20", "arbitrum", "USDC", "ARB Trading", "trading", "ACTIVE", 9.60, 2, 45_000),
    ("USDC BASE Trading", "Erc20", "base", "USDC", "BASE Trading", "trading", "ACTIVE", 9.65, 2, 35_000),
    ("USDC POL Treasury", "Erc20", "polygon", "USDC", "POL Treasury", "treasury", "ACTIVE", 9.70, 1, 20_000),
    ("USDT BNB Trading", "Bep20", "bsc", "USDT", "BNB Trading", "trading", "ACTIVE", 9.75, 2, 60_000),
    ("CAKE BNB Trading", "Bep20", "bsc", "CAKE", "BNB Trading", "trading", "ACTIVE", 9.80, 1, 5_000),
    ("USDT TRX Clients", "Trc20", "tron", "USDT", "TRX Clients", "clients", "ACTIVE", 9.85, 4, 20_000),
    ("TL-0001-BTC-CLP-HSE", "Bitcoin", "bitcoin", None, None, "clearport", "ACTIVE", 20.00, 0.6, 500_000),
    ("TL-0002-ETH-CLP-HSE", "Ethereum", "ethereum", None, None, "clearport", "ACTIVE", 20.05, 0.6, 400_000),
    ("TL-0003-ETH-HAL-HSE", "Ethereum", "ethereum", None, None, "halcyon", "ACTIVE", 20.10, 0.6, 400_000),
    (
        "TL-0003-USD-HAL-HSE",
        "Erc20",
        "ethereum",
        "USDC",
        "TL-0003-ETH-HAL-HSE",
        "halcyon",
        "ACTIVE",
        20.15,
        1,
        900_000,
    ),
    ("LTC Old Desk", "Bitcoin", "litecoin", None, None, "trading", "REJECTED", 150.0, 0, 0),
    ("SOL Meme Desk", "Solana", "solana", None, None, "trading", "ACTIVATION_ABORTED", 260.0, 0, 0),
    ("ETH Migrated", "Ethereum", "ethereum", None, None, "treasury", "HSM_COIN_UPDATED", 300.0, 0.4, 25_000),
    ("LDO Staking", "Erc20", "ethereum", "LDO", "ETH Staking", "staking", "PENDING_VIEW_ONLY", -6.0, 0, 0),
    ("XLM Treasury", "Stellar", "stellar", None, None, "treasury", "PENDING_ACTIVATION", -5.0, 0, 0),
    ("AAVE Trading", "Erc20", "ethereum", "AAVE", "ETH Trading Hot", "trading", "APPROVED", -4.0, 0, 0),
    ("BTC Fund Beta", "Bitcoin", "bitcoin", None, None, "treasury", "PENDING_CREATE_IN_HSM", -3.0, 0, 0),
    ("ETH Fund Beta", "Ethereum", "ethereum", None, None, "treasury", "PENDING", -2.0, 0, 0),
)
# accounts of these statuses have a key and so an address
_KEYED = frozenset({"ACTIVE", "VIEW_ONLY", "HSM_COIN_UPDATED", "PENDING_ACTIVATION"})
# name, accounts, status, day
_ENTITIES: tuple[tuple[str, tuple[str, ...], str, float], ...] = (
    (
        "Treasury",
        ("BTC Treasury 1", "ETH Treasury 1", "USDC Treasury", "USDT Treasury", "EURC Treasury"),
        "ACTIVE",
        15.0,
    ),
    (
        "Fund Alpha",
        ("BTC Trading Hot", "ETH Trading Hot", "USDC Trading", "LINK Trading", "SOL Trading"),
        "ACTIVE",
        15.1,
    ),
    (
        "Client Custody",
        ("BTC Clients", "ETH Clients", "USDC Clients", "XRP Clients", "USDT TRX Clients"),
        "ACTIVE",
        15.2,
    ),
    ("Staking", ("ETH Staking", "XTZ Staking", "ADA Staking", "SOL Staking", "DOT Staking"), "ACTIVE", 15.3),
    ("Collateral", ("TL-0001-BTC-CLP-HSE", "TL-0002-ETH-CLP-HSE", "TL-0003-ETH-HAL-HSE"), "ACTIVE", 21.0),
    ("Pilot Fund", ("TBTC Test 1", "WND Test"), "REVOKED", 50.0),
    ("Family Office", ("AVAX Treasury",), "REJECTED", 190.0),
    ("Fund Beta", ("ATOM Treasury", "NEAR Treasury"), "PENDING", -2.6),
)
# the path of keys that wallets use per currency, where the name of the family does not tell
_COIN_TYPES = {
    "bitcoin": 0,
    "bitcoin_cash": 145,
    "bitcoin_testnet": 1,
    "cardano": 1815,
    "cosmos": 118,
    "dash": 5,
    "dogecoin": 3,
    "ethereum_classic": 61,
    "komodo": 141,
    "litecoin": 2,
    "near": 397,
    "polkadot": 354,
    "ripple": 144,
    "solana": 501,
    "stellar": 148,
    "tezos": 1729,
    "tron": 195,
    "westend": 354,
}
USED_ADDRESSES = 24
FRESH_ADDRESSES = 3


@dataclass(slots=True, eq=False)
class Account:
    """An account with what the other parts need to know about it beside its node."""

    node: Node
    coin: Coin
    token: Token | None
    department: str
    day: float
    weight: float
    size: float
    parent: "Account | None" = None
    # the approvals that each rule set asks for, creators first
    paths: list[tuple[Step, ...]] = field(default_factory=list)
    addresses: list[Node] = field(default_factory=list)

    @property
    def magnitude(self) -> int:
        """The power of ten between base and display unit."""
        return self.token.magnitude if self.token else self.coin.magnitude

    @property
    def price(self) -> float:
        """Dollars of one display unit."""
        return self.token.price if self.token else self.coin.price

    @property
    def used(self) -> list[str]:
        """The addresses that have been given out."""
        fresh = FRESH_ADDRESSES if self.coin.name in UTXO_FORMS else 0
        return [node["address"] for node in self.addresses[: len(self.addresses) - fresh]]

    @property
    def ticker(self) -> str:
        """The code of the display unit."""
        return self.token.ticker if self.token else self.coin.ticker


@dataclass(slots=True)
class Chart:
    """All accounts and entities."""

    accounts: list[Account]
    entities: list[Node]
    by_name: dict[str, Account]

    def entity_ids(self) -> dict[str, int]:
        """Return the ids of the entities by name."""
        return {node["name"]: node["id"] for node in self.entities}


def plan_departments(people: People) -> dict[str, list[tuple[str, tuple[Step, ...]]]]:
    """Return the rule sets of each department: a name and its approvals, creators first."""

    def group(name: str, quorum: int = 1, hidden: bool = False) -> Step:
        identifier = people.group_ids[name]
        members = tuple(people.members[identifier])
        return Step(members, quorum, None if hidden else identifier, frozenset(members if hidden else ()))

    def users(names: tuple[str, ...], quorum: int, hidden: tuple[str, ...] = ()) -> Step:
        ids = tuple(people.user_ids[name] for name in names)
        return Step(ids, quorum, None, frozenset(people.user_ids[name] for name in hidden))

    board = users(("elena.petrova", "marcus.stein", "yuki.sato"), 2, ("marcus.stein", "yuki.sato"))
    return {
        "treasury": [
            ("Everyday", (group("Treasury"), group("Risk"))),
            ("Large transfers", (group("Treasury"), group("Risk"), group("Management", 2))),
        ],
        "trading": [
            ("Desk", (group("Trading Desk"), group("API Signers"))),
            ("Contracts", (group("Trading Desk"), group("Risk"))),
        ],
        "clients": [
            ("Client payments", (group("Client Services"), group("Treasury"))),
            # the last step is one that the API does not show
            ("Large payments", (group("Client Services"), group("Treasury"), group("Management", 1, hidden=True))),
        ],
        "staking": [("Staking", (group("Staking"), board))],
        "test": [("Testing", (users(("api-operator", "isabel.ortega"), 1), group("API Signers")))],
        "clearport": [("Collateral", (group("Clearport"), group("Asset Managers"), group("Custody Desk")))],
        "halcyon": [("Collateral", (group("Halcyon"), group("Asset Managers"), group("Custody Desk")))],
    }


def _derivation_path(coin: Coin, index: int, utxo: bool) -> str:
    if utxo:
        segwit = coin.name in ("bitcoin", "bitcoin_testnet", "litecoin")
        return f"{84 if segwit else 44}'/{_COIN_TYPES[coin.name]}'/{index}'"
    if is_testnet(coin.name) and coin.family == "ethereum":
        return f"44'/1'/{index}'"
    purpose = 1852 if coin.family == "cardano" else 44
    return f"{purpose}'/{_COIN_TYPES.get(coin.name, 60)}'/{index}'"


def _xpub(material: Material, name: str) -> str:
    point = public_point(material.key("xpub", name))
    compressed = bytes([2 + int(point[-1], 16) % 2]) + bytes.fromhex(point[2:66])
    return base58check_encode(
        bytes.fromhex("0488b21e03")
        + material.derive("parent", name)[:8]
        + material.derive("chain", name)
        + compressed
    )


def _addresses(material: Material, coin: Coin, path: str, index: int, utxo: bool) -> list[Node]:
    if utxo:
        return [
            {
                "address": make_address(coin.name, coin.family, material.derive("address", coin.name, index, step)),
                "derivation_path": f"{path}/0/{step}",
            }
            for step in range(USED_ADDRESSES + FRESH_ADDRESSES)
        ]
    # accounts on several EVM networks share an address where their keys have the same path
    chain = coin.name
    if coin.family in ("ethereum", "polygon"):
        chain = f"evm {path.split('/')[1]}"
    entropy = material.derive("address", chain, index)
    return [{"address": make_address(coin.name, coin.family, entropy), "derivation_path": f"{path}/0/0"}]


def build_accounts(material: Material, people: People) -> Chart:
    """Make the accounts of the institution; balances and rules that need other parts come later."""
    indexes: dict[str, Counter] = {}
    accounts: list[Account] = []
    by_name: dict[str, Account] = {}
    for identifier, row in enumerate(_PLAN, start=1):
        name, kind, currency, ticker, parent_name, department, status, day, weight, size = row
        coin = COINS[currency]
        parent = by_name[parent_name] if parent_name else None
        utxo = kind in ("Bitcoin", "Generic")
        index = parent.node["index"] if parent else indexes.setdefault(currency, counter(0))()
        token = find_token(currency, ticker) if ticker else None
        path = _derivation_path(coin, index, utxo)
        keyed = status in _KEYED
        addresses = (parent.addresses if parent else _addresses(material, coin, path, index, utxo)) if keyed else []
        node: Node = {
            "id": identifier,
            "index": index,
            "name": name,
            "type": kind,
            "currency": currency,
            "status": status,
            "balance": "0",
            "available_balance": "0",
            "pending_balance": "0",
            "address": addresses[0]["address"] if addresses and not utxo else None,
            "xpub": _xpub(material, name) if utxo and keyed else None,
            "contract_address": token.contract if token else None,
            "coin_fields": None,
            "parent": parent.node["id"] if parent else None,
            "labels": [],
            "token_accounts": [],
            "tradelink_data": {"total_repledge": "0"} if name.startswith("TL-") else None,
            "derivation_path": path,
            "governance_rules": [],
            "created_by": people.user_ids["amelia.hart"],
            "created_on": stamp(moment(material, day)),
            "last_request": None,
        }
        account = Account(node, coin, token, department, day, weight, size, parent, addresses=addresses)
        accounts.append(account)
        by_name[name] = account
    entities = [
        {
            "id": identifier,
            "name": name,
            "accounts": [by_name[account].node["id"] for account in names],
            "status": status,
            "created_by": people.user_ids["jonas.weber"],
            "created_on": stamp(moment(material, day)),
            "last_request": None,
        }
        for identifier, (name, names, status, day) in enumerate(_ENTITIES, start=1)
    ]
    return Chart(accounts, entities, by_name)


def write_rules(people: People, chart: Chart, whitelists: dict[str, int]) -> None:
    """Write the governance rules into the accounts; `whitelists` maps a family or currency to an id."""
    departments = plan_departments(people)
    set_ids, rule_ids = counter(), counter()
    for account in chart.accounts:
        node = account.node
        if node["status"] == "REJECTED":
            continue
        account.paths = [path for _, path in departments[account.department]]
        limit = round(account.size * 4 / account.price) * 10**account.magnitude if account.price else 0
        for index, (name, path) in enumerate(departments[account.department]):
            rules: list[Node] = [
                {"id": rule_ids(), "type": "MULTI_AUTHORIZATIONS", "data": [_entry(step) for step in path]}
            ]
            if node["currency"] in whitelists and name != "Contracts":
                entry = {"whitelist": whitelists[node["currency"]]}
                rules.append({"id": rule_ids(), "type": "WHITELIST", "data": [entry]})
            if len(departments[account.department]) == 2 and name != "Contracts" and limit:
                bounds = {"currency_type": "CRYPTO", "min": limit if index else 0, "max": None if index else limit}
                rules.append({"id": rule_ids(), "type": "THRESHOLD", "data": [bounds]})
            if name == "Contracts" and account.coin.family in ("ethereum", "polygon"):
                rules.append({"id": rule_ids(), "type": "SMART_CONTRACT_INTERACTION", "data": [{"enabled": True}]})
                filters: Node = {
                    "condition": "ANY",
                    "preset": None,
                    "filters": {"function_name": ["swap", "approve"]},
                }
                rules.append({"id": rule_ids(), "type": "TRANSACTION_FILTER", "data": [filters]})
            node["governance_rules"].append({"id": set_ids(), "index": index, "name": name, "rules": rules})


def _entry(step: Step) -> Node | None:
    if step.hidden and step.hidden == frozenset(step.approvers):
        return None
    if step.group is not None:
        return {"group": step.group, "quorum": step.quorum}
    return {"quorum": step.quorum, "users": [step.shown(user) for user in step.approvers]}


def account_currency(account: Account) -> Node:
    """Return the units of an account: those of its token, and those of the coin that pays the fees."""
    units = coin_units(account.coin)
    return {"amount_units": token_units(account.token) if account.token else units, "fees_units": units}


def choose_path(rng: Random, account: Account, amount: int) -> tuple[Step, ...]:
    """Return the approvals that a transfer of an amount asks for."""
    if len(account.paths) == 1:
        return account.paths[0]
    if account.department == "trading":
        return account.paths[0] if rng.random() < 0.85 else account.paths[1]
    large = amount * account.price / 10**account.magnitude > account.size * 4
    return account.paths[1 if large else 0]
