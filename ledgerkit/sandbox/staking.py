"""Stakes and their rewards on the four chains that the API reads."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from .accounts import Account, Chart
from .chains import bech32_encode, make_address
from .material import Material, Node, counter, stamp
from .traffic import Traffic

ETHER = 10**18
# mark of the transaction that opened it: status of the Vault, status of the chain, day of exit
_SOLANA = {
    "solana 1": ("ACTIVE", "activated", None),
    "solana 2": ("DELETED", "deleted", 193),
    "solana 3": ("ACTIVE", "activated", None),
    "solana 4": ("DEACTIVATING", "deactivating", 546),
    "solana 5": ("DEACTIVATED", "deactivated", 470),
    "solana 6": ("UNKNOWN", "not_sync", None),
    "solana 7": ("ACTIVATING", "activating", None),
    "solana 9": ("ABORTED", "pending", None),
    "solana 8": ("PENDING", "pending", None),
}
_TEZOS = {
    "tezos 1": ("DEACTIVATED", "inactive", 210),
    "tezos 2": ("UNKNOWN", "syncing", 500),
    "tezos 3": ("ACTIVE", "active", None),
    "tezos 4": ("ACTIVATING", "activating", None),
}
_CARDANO = {"cardano 1": ("DEACTIVATED", 400), "cardano 2": ("ACTIVE", None)}
_ETHEREUM_STATES = ("active_ongoing", "active_ongoing", "active_ongoing", "active_exiting", "withdrawal_done")


@dataclass(slots=True)
class Stakes:
    """What the API answers about stakes, by chain and account."""

    stakes: dict[str, dict[int, list[Node]]] = field(default_factory=dict)
    rewards: dict[str, dict[int, list[Node]]] = field(default_factory=dict)
    periodic: dict[str, dict[int, Node]] = field(default_factory=dict)


class _Builder:
    def __init__(self, material: Material, chart: Chart, traffic: Traffic) -> None:
        self.material = material
        self.chart = chart
        self.marks = traffic.marks
        self.rng = Random(f"stakes {material.seed}")
        self.ids = counter()

    def since(self, moment: datetime, days: float, last: datetime) -> list[datetime]:
        """Return the moments at which rewards were indexed."""
        count = max(0, int((last - moment) / timedelta(days=days)))
        return [
            moment + timedelta(days=days * (index + 1), seconds=self.rng.randrange(3600)) for index in range(count)
        ]

    def stake(self, mark: str, status: str, validator: str, amount: str, state: Node) -> Node:
        transaction = self.marks[mark]
        return {
            "id": self.ids(),
            "stake_uid": self.material.uuid("stake", mark),
            "status": status,
            "amount": amount,
            "validator": validator,
            "total_reward": "0",
            "blockchain_state": state,
            "created_by": transaction["created_by"],
            "created_on": transaction["created_on"],
            "creation_tx": transaction["id"],
            "last_request": transaction["last_request"],
        }

    def ended(self, exit_day: int | None) -> datetime:
        return self.material.now if exit_day is None else self.material.start + timedelta(days=exit_day)


def build_stakes(material: Material, chart: Chart, traffic: Traffic) -> Stakes:
    """Make all stakes; the transactions that opened them carry the marks of the script."""
    builder = _Builder(material, chart, traffic)
    result = Stakes()
    for chain, build in (("cardano", _cardano), ("ethereum", _ethereum), ("solana", _solana), ("tezos", _tezos)):
        account, stakes, rewards = build(builder)
        result.stakes[chain] = {account.node["id"]: stakes}
        result.rewards[chain] = {account.node["id"]: rewards}
        if chain in ("cardano", "solana"):
            result.periodic[chain] = {account.node["id"]: _periodic(material, stakes, rewards)}
    return result


def _periodic(material: Material, stakes: list[Node], rewards: list[Node]) -> Node:
    active = {stake["stake_uid"] for stake in stakes if stake["status"] == "ACTIVE"}
    counted = [reward for reward in rewards if reward["stake_uid"] in active]

    def total(days: int) -> str:
        edge = stamp(material.now - timedelta(days=days))
        return str(sum(int(reward["amount"]) for reward in counted if reward["created_on"] >= edge))

    return {"last7": total(7), "last30": total(30), "total": total(10_000)}


def _cardano(builder: _Builder) -> tuple[Account, list[Node], list[Node]]:
    account = builder.chart.by_name["ADA Staking"]
    stakes: list[Node] = []
    rewards: list[Node] = []
    for mark, (status, exit_day) in _CARDANO.items():
        opened = datetime.fromisoformat(builder.marks[mark]["created_on"])
        pool = bech32_encode("pool", builder.material.derive("pool", mark)[:28])
        key = builder.material.derive("stake key", mark)[:28]
        state: Node = {
            "balances": {},
            "block_number": int(opened.timestamp() - 1_506_203_091) // 20,
            "date": stamp(opened),
            "drep_delegation": "drep_always_abstain" if exit_day else bech32_encode("drep", b"\x22" + key),
            "epoch": int(opened.timestamp() - 1_506_203_091) // 432_000,
            "pool_id": pool,
            "stake_address": bech32_encode("stake", b"\xe1" + key),
        }
        stake = builder.stake(mark, status, pool, account.node["balance"], state)
        accumulated = 0
        for moment in builder.since(opened + timedelta(days=10), 5, builder.ended(exit_day)):
            amount = builder.rng.randrange(17_800_000, 19_200_000)
            accumulated += amount
            epoch = int(moment.timestamp() - 1_506_203_091) // 432_000
            info = {"accumulated": str(accumulated), "earned_in": str(epoch - 2), "received_in": str(epoch)}
            rewards.append(
                {"amount": str(amount), "created_on": stamp(moment), "info": info, "stake_uid": stake["stake_uid"]}
            )
        stake["total_reward"] = str(accumulated)
        stakes.append(stake)
    return account, stakes, rewards


def _ethereum(builder: _Builder) -> tuple[Account, list[Node], list[Node]]:
    account = builder.chart.by_name["ETH Staking"]
    stakes: list[Node] = []
    rewards: list[Node] = []
    for index, chain_state in enumerate(_ETHEREUM_STATES):
        opened = datetime.fromisoformat(builder.marks[f"ethereum {index + 1}"]["created_on"])
        ended = (
            builder.material.now - timedelta(days=20) if chain_state == "withdrawal_done" else builder.material.now
        )
        uid = "0x" + (builder.material.derive("validator", index) * 2)[:48].hex()
        total = consensus_total = execution_total = 0
        for moment in builder.since(opened + timedelta(days=2), 1, ended):
            consensus = builder.rng.randrange(2_400_000, 2_800_000) * 10**9
            execution = builder.rng.randrange(2 * 10**15, 9 * 10**16) if builder.rng.random() < 0.03 else 0
            consensus_total += consensus
            execution_total += execution
            total += consensus + execution
            info = {
                "cl_apy": round(consensus * 365 / (32 * ETHER) * 100, 3),
                "el_apy": round(execution * 365 / (32 * ETHER) * 100, 3),
                "gross_apy": round((consensus + execution) * 365 / (32 * ETHER) * 100, 3),
                "consensus_rewards": str(consensus),
                "execution_rewards": str(execution),
                "stake_balance": str(32 * ETHER),
            }
            reward = {
                "amount": str(consensus + execution),
                "created_on": stamp(moment),
                "info": info,
                "stake_uid": uid,
            }
            rewards.append(reward)
        done = chain_state == "withdrawal_done"
        stakes.append(
            {
                "uid": uid,
                "account_id": account.node["id"],
                "account_name": account.node["name"],
                "currency": "ethereum",
                "status": "DEACTIVATED" if done else "DEACTIVATING" if "exiting" in chain_state else "ACTIVE",
                "created_on": stamp(opened),
                "total_reward": str(total),
                "blockchain_state": {
                    "state": chain_state,
                    "validator_address": uid,
                    "delegated_at": stamp(opened),
                    "activated_at": stamp(opened + timedelta(days=1, hours=20)),
                    "balance": "0" if done else str(32 * ETHER + consensus_total % 10**16),
                    "effective_balance": "0" if done else str(32 * ETHER),
                    "consensus_rewards": str(consensus_total),
                    "execution_rewards": str(execution_total),
                    "deposit_tx_sender": account.node["address"],
                    "fee_recipient": account.node["address"],
                    "gross_apy": 3.114,
                    "withdrawal_credentials": "01" + "0" * 22 + account.node["address"][2:].lower(),
                },
            }
        )
    rewards.sort(key=lambda reward: reward["created_on"])
    return account, stakes, rewards


def _solana(builder: _Builder) -> tuple[Account, list[Node], list[Node]]:
    account = builder.chart.by_name["SOL Staking"]
    reserve = 2_282_880
    stakes: list[Node] = []
    rewards: list[Node] = []
    for mark, (status, chain_status, exit_day) in _SOLANA.items():
        transaction = builder.marks[mark]
        opened = datetime.fromisoformat(transaction["created_on"])
        amount = int(transaction["amount"])
        earning = status in ("ACTIVE", "DEACTIVATING", "DEACTIVATED", "DELETED", "UNKNOWN")
        uid = builder.material.uuid("stake", mark)
        total = 0
        for moment in builder.since(opened + timedelta(days=3), 2, builder.ended(exit_day)) if earning else ():
            reward = (amount + total) * builder.rng.randrange(340, 380) // 1_000_000
            total += reward
            info = {
                "date": None if builder.rng.random() < 0.02 else stamp(moment - timedelta(hours=2)),
                "effective_slot": str(int((moment.timestamp() - 1_584_368_940) / 0.4)),
                "epoch": str(int((moment.timestamp() - 1_584_368_940) / 172_800)),
                "post_balance": str(amount + total + reserve),
            }
            rewards.append({"amount": str(reward), "created_on": stamp(moment), "info": info, "stake_uid": uid})
        gone = status in ("DELETED", "ABORTED", "PENDING")
        active = 0 if gone or status == "DEACTIVATED" else amount + total
        idle = amount + total if status == "DEACTIVATED" else 0
        activated = opened + timedelta(days=2)
        state: Node = {
            "status": chain_status,
            "pub_key": make_address("solana", "solana", builder.material.derive("stake account", mark)),
            "validator_address": make_address(
                "solana", "solana", builder.material.derive("validator", mark[-1] < "5")
            ),
            "activation_date": None if status in ("ABORTED", "PENDING", "ACTIVATING") else stamp(activated),
            "activation_epoch": int((activated.timestamp() - 1_584_368_940) / 172_800) if earning else None,
            "deactivation_date": None if exit_day is None else stamp(builder.ended(exit_day)),
            "deactivation_epoch": int((builder.ended(exit_day).timestamp() - 1_584_368_940) / 172_800)
            if exit_day
            else None,
            "active_balance": str(active),
            "inactive_balance": str(idle),
            "rent_exempt_reserve": str(0 if gone else reserve),
            "total_balance": str(0 if gone else active + idle + reserve),
            "withdrawable_balance": str(idle + reserve if idle else 0),
        }
        stake = builder.stake(mark, status, state["validator_address"], transaction["amount"], state)
        stake["total_reward"] = str(total)
        stakes.append(stake)
    rewards.sort(key=lambda reward: reward["created_on"])
    return account, stakes, rewards


def _tezos(builder: _Builder) -> tuple[Account, list[Node], list[Node]]:
    account = builder.chart.by_name["XTZ Staking"]
    received = [node for mark, node in builder.marks.items() if mark.startswith("tezos reward")]
    stakes: list[Node] = []
    rewards: list[Node] = []
    for mark, (status, chain_state, exit_day) in _TEZOS.items():
        opened = datetime.fromisoformat(builder.marks[mark]["created_on"])
        baker = make_address("tezos", "tezos", builder.material.derive("baker", mark))
        uid = builder.material.derive("stake", mark).hex()[:12]
        total = 0
        for transaction in received:
            moment = datetime.fromisoformat(transaction["created_on"])
            if not opened < moment <= builder.ended(exit_day) or status == "ACTIVATING":
                continue
            total += int(transaction["amount"])
            cycle = _cycle(moment)
            info = {
                "active_balance": account.node["balance"],
                "cycle": cycle,
                "cycle_begins_at": stamp(moment - timedelta(days=3)),
                "gross_apy": "5.173441783252",
                "rewards": transaction["amount"],
            }
            rewards.append(
                {"amount": transaction["amount"], "created_on": stamp(moment), "info": info, "stake_uid": uid}
            )
        running = status != "ACTIVATING"
        state: Node = {
            "state": chain_state,
            "baker_address": baker,
            "delegated_at": stamp(opened),
            "delegated_block": str(int((opened.timestamp() - 1_530_380_397) / 10)),
            "delegated_cycle": _cycle(opened),
            "activated_at": stamp(opened + timedelta(days=8)) if running else None,
            "activated_cycle": _cycle(opened) + 3 if running else None,
            "active_balance": account.node["balance"] if status == "ACTIVE" else None,
            "gross_apy": "5.173441783252" if running else None,
            "rewards": str(total),
            "updated_at": stamp(builder.material.now),
        }
        stake = builder.stake(mark, status, baker, account.node["balance"], state)
        stake["stake_uid"] = uid
        stake["total_reward"] = str(total)
        stakes.append(stake)
    return account, stakes, rewards


def _cycle(moment: datetime) -> int:
    return int((moment.timestamp() - 1_530_380_397) / 245_760)
