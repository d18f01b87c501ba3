"""What the accounts hold: balances now and then, token accounts, and the fields of each family."""

from datetime import UTC, datetime, timedelta

from .accounts import Account, Chart
from .chains import make_address
from .material import Material, Node
from .staking import Stakes
from .traffic import Traffic
from .transactions import Purse

# families for which the service keeps no history of balances
_WITHOUT_HISTORY = frozenset({"cosmos", "near", "polkadot", "stellar"})
_DUST = 546


def write_balances(chart: Chart, traffic: Traffic) -> None:
    """Write the balances of the ledger into the accounts."""
    for account in chart.accounts:
        purse = traffic.ledger.purse(account)
        account.node["balance"] = str(purse.balance)
        account.node["pending_balance"] = str(purse.pending)
        account.node["available_balance"] = str(purse.available)


def light_token_accounts(material: Material, traffic: Traffic) -> dict[int, list[Node]]:
    """Return the token accounts of Solana by the account they hang under."""
    result: dict[int, list[Node]] = {}
    for account in traffic.light_accounts:
        purse = traffic.ledger.purse(account)
        created = traffic.marks[f"spl {account.ticker}"]
        seed = material.derive("token account", account.node["id"], account.ticker)
        node = {
            "account_name": account.node["name"],
            "associated_token_account": make_address("solana", "solana", seed),
            "available": purse.available,
            "contract_address": account.token.contract if account.token else "",
            "creation_transaction_hash": created["tx_hash"],
            "parent_id": account.node["id"],
            "pending": purse.pending,
            "status": "ACTIVE",
            "ticker": account.ticker,
        }
        result.setdefault(account.node["id"], []).append(node)
        account.node["token_accounts"].append(node)
    return result


def write_coin_fields(chart: Chart, stakes: Stakes) -> None:
    """Write what only some families know about an account."""
    for account in chart.accounts:
        node = account.node
        if node["address"] is None or account.token:
            continue
        if node["type"] == "Ethereum":
            node["coin_fields"] = {"type": "EthereumAndEvm", "staking": _ethereum(account, stakes)}
        elif node["type"] == "Polygon":
            staking = dict.fromkeys(("total_rewards", "total_staking", "total_unbonded", "total_unbonding"), "0")
            node["coin_fields"] = {"type": "Polygon", "staking": staking}
        elif node["type"] == "Tezos":
            active = [stake for stake in stakes.stakes["tezos"].get(node["id"], ()) if stake["status"] == "ACTIVE"]
            node["coin_fields"] = {"type": "Tezos", "staking": active[0]["blockchain_state"] if active else None}
        elif node["type"] == "Solana":
            nothing = {"last7": "0", "last30": "0", "total": "0"}
            rewards = stakes.periodic["solana"].get(node["id"], nothing)
            state: Node = {"balances": solana_balances(account, stakes), "rewards": rewards}
            node["coin_fields"] = {"type": "Solana", "staking": state}
        elif node["type"] == "Polkadot":
            node["coin_fields"] = _polkadot(account)


def _ethereum(account: Account, stakes: Stakes) -> Node | None:
    held = stakes.stakes["ethereum"].get(account.node["id"])
    if not held:
        return None
    effective = sum(int(stake["blockchain_state"]["effective_balance"]) for stake in held)
    rewards = str(sum(int(stake["total_reward"]) for stake in held))
    return {"available_rewards": "0", "network_apy": 3.114, "total_rewards": rewards, "total_staking": str(effective)}


def solana_balances(account: Account, stakes: Stakes) -> Node:
    """Return how much of an account is staked, in the strings of the schema."""
    held = stakes.stakes["solana"].get(account.node["id"], [])

    def total(*statuses: str) -> str:
        states = [stake["blockchain_state"] for stake in held if stake["status"] in statuses]
        return str(sum(int(state["total_balance"]) for state in states))

    return {
        "activating": total("ACTIVATING"),
        "deactivating": total("DEACTIVATING"),
        "delegated": total("ACTIVE", "UNKNOWN"),
        "undelegated": total("DEACTIVATED"),
        "total_staked": total("ACTIVATING", "DEACTIVATING", "ACTIVE", "UNKNOWN", "DEACTIVATED"),
        "token_accounts": account.node["token_accounts"] or None,
    }


def _polkadot(account: Account) -> Node:
    total = int(account.node["balance"])
    staking = account.node["name"] == "DOT Staking"
    bonded = min(total // 2, 8_500 * 10**account.magnitude) if staking else 0
    unbonding = bonded // 20
    return {
        "type": "Polkadot",
        "anonymous_proxy": None,
        "balances": {
            "available": str(total - bonded - unbonding),
            "bonded": str(bonded),
            "free": str(total),
            "frozen": str(bonded + unbonding),
            "reserved": "0",
            "total": str(total),
            "total_unbonded": "0",
            "total_unbonding": str(unbonding),
            "unbonded": [],
            "unbonding": [{"amount": str(unbonding), "waiting_time": 1_209_600, "withdrawable_date": "in 14 days"}]
            if unbonding
            else [],
        },
        "staking": {
            "controller_address": account.node["address"] if staking else None,
            "is_nominator": staking,
            "legacy_staking": False,
            "proxies": [],
            "rewards_destination": "Staked" if staking else None,
        },
    }


def balances_node(account: Account, purse: Purse, stakes: Stakes) -> Node:
    """Return what `/accounts/{id}/balances` answers: bare integers, where the schema says strings."""
    if account.node["type"] == "Solana":
        strings = solana_balances(account, stakes)
        return {key: int(value) if isinstance(value, str) else value for key, value in strings.items()}
    node: Node = {"available": purse.available, "pending": purse.pending, "total": purse.balance}
    if account.node["type"] != "Bitcoin":
        return node
    parts = dict.fromkeys(
        ("mempool_in", "mempool_out", "mempool_change", "under_confirmation_in", "under_confirmation_out"), 0
    )
    for transaction in purse.recent:
        side = "in" if transaction["type"] == "RECEIVE" else "out"
        amount = int(transaction["amount"] or 0)
        if transaction["status"] == "SUBMITTED":
            parts[f"mempool_{side}"] += amount
        else:
            parts[f"under_confirmation_{side}"] += amount
    node |= parts
    node["under_confirmation_change"] = 0
    node["confirmed"] = max(0, purse.balance - parts["under_confirmation_in"])
    node["worthless"] = _DUST if purse.balance > 10 * _DUST else 0
    return node


class History:
    """Balances by day, which the service keeps for some currencies only."""

    def __init__(self, chart: Chart, traffic: Traffic, now: datetime) -> None:
        self._purses = {account.node["id"]: traffic.ledger.purse(account) for account in chart.accounts}
        self._now = now

    def read(self, account_id: int, start: datetime | None, end: datetime | None) -> Node | None:
        """Return the balances at the end of each day, or None where there is no history."""
        purse = self._purses.get(account_id)
        if purse is None:
            return None
        account = purse.account
        if account.coin.family in _WITHOUT_HISTORY or account.node["type"] == "Generic":
            return None
        created = datetime.fromisoformat(account.node["created_on"]).toordinal()
        last = min((end or self._now).astimezone(UTC).toordinal(), self._now.toordinal())
        first = max((start or self._now - timedelta(days=30)).astimezone(UTC).toordinal(), created)
        balance = sum(change for day, change in purse.daily.items() if day < first)
        entries = []
        for day in range(first, last + 1):
            balance += purse.daily.get(day, 0)
            # now and then the service has no value for a day, which is not a balance of zero
            gap = (day * 31 + account_id * 7) % 37 == 0 and day != self._now.toordinal()
            date = datetime.fromordinal(day).replace(tzinfo=UTC).isoformat()
            entries.append({"date": date, "value": None if gap else str(balance)})
        return {
            "account_index": account.node["index"],
            "currency": {
                "magnitude": account.magnitude,
                "name": account.token.name if account.token else account.coin.name,
                "network": account.coin.name,
                "token_address": account.token.contract if account.token else None,
            },
            "balances": entries,
        }
