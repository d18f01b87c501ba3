"""What each chain asks for a transaction: fees, blocks, and the fields that only its family has."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from random import Random

from .accounts import Account
from .addressbook import CONTRACTS
from .chains import make_address
from .currencies import Coin
from .material import Node, stamp

# wei per unit of gas on a usual day
_GAS_PRICES = {
    "arbitrum": 20_000_000,
    "avalanche_c_chain": 26_000_000_000,
    "base": 12_000_000,
    "bsc": 3_000_000_000,
    "ethereum": 14_000_000_000,
    "optimism": 9_000_000,
    "polygon": 45_000_000_000,
}
_LEGACY_GAS = frozenset({"bsc", "ethereum_classic"})
# fees in base units of the chains whose fees hardly move
_FLAT_FEES = {
    "cardano": 171_000,
    "cosmos": 4_800,
    "near": 446_000_000_000_000_000_000,
    "polkadot": 158_000_000,
    "ripple": 12,
    "solana": 5_000,
    "stellar": 100,
    "tezos": 420,
    "tron": 1_100_000,
}
# the moments at which chains began, as seconds since 1970: heights follow from them
_GENESIS = {
    "bitcoin": 1_231_006_505,
    "cardano": 1_506_203_091,
    "cosmos": 1_552_500_000,
    "near": 1_595_350_000,
    "polkadot": 1_590_507_378,
    "ripple": 1_357_000_000,
    "solana": 1_584_368_940,
    "stellar": 1_443_600_000,
    "tezos": 1_530_380_397,
    "tron": 1_529_891_469,
}


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction costs: the fee, its ceiling, and how the chain words it."""

    paid: int
    ceiling: int | None
    # per byte or per unit of gas
    rate: int = 0
    gas_limit: int = 0


def estimate_fees(rng: Random, account: Account, kind: str) -> Fees:
    """Return plausible fees for a transaction of an account."""
    coin = account.coin
    if coin.family == "bitcoin":
        rate = rng.randint(4, 60)
        size = 141 + 68 * rng.randrange(3)
        return Fees(size * rate, size * rate * 3 // 2, rate)
    if coin.family in ("ethereum", "polygon"):
        base = _GAS_PRICES.get(coin.name, 1_500_000_000)
        rate = base * rng.randint(40, 260) // 100 + rng.randrange(1_000_000)
        gas = 21_000
        if kind == "DEPLOY_CONTRACT":
            gas = 1_900_000
        elif kind in ("EXECUTE_CONTRACT", "STAKE"):
            gas = 148_000
        elif account.token:
            gas = 52_000 + rng.randrange(13_000)
        limit = gas if gas == 21_000 else gas * 13 // 10
        return Fees(gas * rate, limit * rate * 2, rate, limit)
    flat = _FLAT_FEES[coin.family]
    paid = flat + rng.randrange(flat // 20 + 1)
    # Solana and Polkadot take no ceiling: the network sets the fee
    return Fees(paid, None if coin.family in ("solana", "polkadot") else flat * 2)


def fee_reserve(coin: Coin) -> int:
    """Return what an account should hold back, so that it can pay for a few transactions."""
    if coin.family == "bitcoin":
        return 100_000
    if coin.family in ("ethereum", "polygon"):
        return 800_000 * _GAS_PRICES.get(coin.name, 1_500_000_000)
    return 20 * _FLAT_FEES[coin.family]


def block_of(coin: Coin, moment: datetime) -> Node:
    """Return the block of a chain at a moment."""
    seconds = moment.timestamp()
    height = int((seconds - _GENESIS.get(coin.family, 1_438_269_988)) / coin.block_seconds)
    digest = hashlib.blake2b(f"{coin.name} {height}".encode(), digest_size=32).hexdigest()
    if coin.family == "bitcoin":
        digest = "0" * 16 + digest[16:]
    elif coin.family in ("ethereum", "polygon", "polkadot"):
        digest = "0x" + digest
    return {"height": height, "hash": digest, "time": stamp(moment.replace(microsecond=0)), "details": None}


def coin_fields(rng: Random, account: Account, kind: str, fees: Fees | None, tag: int | None) -> Node | None:
    """Return the fields of a transaction that only its family has."""
    family = account.coin.family
    if family == "bitcoin":
        strategy = rng.choice(("DEEP_OUTPUTS_FIRST", "MERGE_OUTPUTS", "OPTIMIZE_SIZE", None)) if fees else None
        return {
            "type": "Bitcoin",
            "fees_per_byte": str(fees.rate) if fees else None,
            "utxo_picking_strategy": strategy,
        }
    if family in ("ethereum", "polygon"):
        return _gas_fields(account.coin, kind, fees) if fees else None
    if family == "ripple":
        return {"type": "Ripple", "destination_tag": tag}
    if family == "stellar":
        return {"type": "Stellar", "memo": _memo(rng)}
    if family == "tezos":
        return {"type": "Tezos", "gas_limit": "1420", "storage_limit": "277"} if fees else None
    if family == "polkadot":
        return {"type": "Polkadot", "tx_parameters": _polkadot_parameters(rng, account, kind)}
    if family == "solana":
        return {"type": "Solana", "tx_parameters": _solana_parameters(rng, account, kind)}
    return {"type": family.capitalize()}


def _gas_fields(coin: Coin, kind: str, fees: Fees) -> Node:
    fields: Node = {
        "type": "EthereumAndEvm",
        "gas_limit": str(fees.gas_limit),
        "contract_interaction": None,
        "contract_deployment": None,
    }
    if coin.name in _LEGACY_GAS:
        fields["gas_price"] = str(fees.rate)
    else:
        fields["priority_fees"] = str(min(fees.rate // 10, 1_500_000_000))
    if kind == "DEPLOY_CONTRACT":
        fields["contract_deployment"] = {
            "creation_bytecode": "60806040526b06765c793fa10079d0000000600055348015620000215760"
        }
    return fields


def contract_interaction(kind: str, amount: int) -> Node:
    """Return how a contract call shows in the fields of an EVM transaction."""
    name, application, _ = CONTRACTS["WRAP" if kind == "UNWRAP" else kind if kind in CONTRACTS else "SWAP"]
    functions = {
        "APPROVAL": ("approve", "0x095ea7b3", {"spender": CONTRACTS["SWAP"][2], "amount": str(2**256 - 1)}),
        "STAKE": ("submit", "0xa1903eab", {"_referral": "0x" + "0" * 40}),
        "SWAP": ("exactInputSingle", "0x414bf389", {"amountIn": str(amount or 10**18), "fee": 3000}),
        "UNWRAP": ("withdraw", "0x2e1a7d4d", {"wad": str(amount or 10**18)}),
        "WRAP": ("deposit", "0xd0e30db0", {}),
    }
    function, selector, arguments = functions.get(kind, (None, "0xf0d5a7c1", None))
    return {
        "contract_data": selector + "0" * 64,
        "contract_name": None if kind == "UNKNOWN" else name,
        "dapp": None if kind == "UNKNOWN" else application,
        "function_name": function,
        "function_arguments": arguments,
        "smart_contract_interaction_type": kind.lower(),
    }


def _memo(rng: Random) -> Node | None:
    kind = rng.randrange(8)
    if kind < 3:
        return {"type": "MEMO_TEXT", "MEMO_TEXT": f"INV-{rng.randrange(1000, 9999)}"}
    if kind < 5:
        # an unsigned number of 64 bits, at times above what a signed one holds
        return {"type": "MEMO_ID", "MEMO_ID": rng.getrandbits(64) if kind == 4 else rng.randrange(100_000)}
    if kind == 5:
        return {"type": "MEMO_HASH", "MEMO_HASH": f"{rng.getrandbits(256):064x}"}
    if kind == 6:
        return {"type": "MEMO_RETURN", "MEMO_RETURN": f"{rng.getrandbits(256):064x}"}
    return None


def _polkadot_parameters(rng: Random, account: Account, kind: str) -> Node:
    own: str = account.node["address"]
    common: Node = {"is_proxy": False, "real": None}
    proxy = make_address(account.coin.name, "polkadot", hashlib.sha256(f"proxy {own}".encode()).digest())
    special: dict[str, Node] = {
        "BOND": {"type": "Bond", "controller": own, "payee": "Staked"},
        "SETCONTROLLER": {"type": "SetController", "controller": own},
        "SETPAYEE": {"type": "SetPayee", "payee": rng.choice(("Staked", "Stash"))},
        "ADDPROXY": {"type": "AddProxy/RemoveProxy", "kind": "Staking", "proxy": proxy},
        "REMOVEPROXY": {"type": "AddProxy/RemoveProxy", "kind": "Staking", "proxy": proxy},
        "ANONYMOUSPROXY": {"type": "Anonymous", "kind": "Any", "anonymousproxy_address": proxy},
        "KILLANONYMOUS": {"type": "KillAnonymous", "ext_index": 2, "height": 19_204_411, "index": 0, "kind": "Any"},
        "PROXY": {"is_proxy": True, "real": proxy},
    }
    return common | special.get(kind, {})


def _solana_parameters(rng: Random, account: Account, kind: str) -> Node | None:
    if "SPL" in kind and account.token:
        return {"token_mint": account.token.contract}
    if kind == "STAKE_MERGE":
        return {
            "merge_src_account": make_address("solana", "solana", rng.randbytes(32)),
            "merge_dst_account": make_address("solana", "solana", rng.randbytes(32)),
        }
    if kind.startswith("STAKE_"):
        return {"stake_account": make_address("solana", "solana", rng.randbytes(32))}
    return None
