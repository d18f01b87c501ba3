"""What becomes of the object of a request: from the request's creation to the chain, or to nothing."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from .catalogue import Relations
from .chains import make_hash
from .governance import SECTIONS
from .store import Collection, Node, wire_time
from .terms import Fees, block_of, coin_fields, estimate_fees
from .transactions import OUTGOING
from .world import World

if TYPE_CHECKING:
    from .intents import Intent

Action = Callable[[float], None]
Schedule = Callable[[float, Action], None]

# statuses of an object after its request was approved, and after it was not
_OUTCOMES = {
    "ACTIVATE": ("ACTIVE", "ACTIVATION_ABORTED"),
    "CREATE_ADMIN": ("APPROVED", "REJECTED"),
    "CREATE_API_USER_ACCESS": ("PENDING_SECRET", "ABORTED"),
    "CREATE_ENTITY": ("ACTIVE", "REJECTED"),
    "CREATE_GROUP": ("ACTIVE", "REJECTED"),
    "CREATE_OPERATOR": ("APPROVED", "REJECTED"),
    "CREATE_WHITELIST": ("ACTIVE", "REJECTED"),
    "REVOKE_ENTITY": ("REVOKED", "ACTIVE"),
    "REVOKE_GROUP": ("REVOKED", "ACTIVE"),
    "REVOKE_USER": ("REVOKED", "ACTIVE"),
}


class Progress:
    """Makes objects, and carries them through what follows the end of their requests."""

    def __init__(
        self,
        world: World,
        collections: dict[str, Collection],
        relations: Relations,
        schedule: Schedule,
        announce: Callable[[str, str, Any, frozenset[int] | None], None],
        pace: float,
    ) -> None:
        self._world = world
        self._collections = collections
        self._relations = relations
        self._schedule = schedule
        self._announce = announce
        self._pace = pace
        self._owners: dict[tuple[str, str], list[int]] = {}

    def begin(self, intent: "Intent", creator: int, request_id: int, now: float) -> int:
        """Make the object of a new request and return its id."""
        if intent.target_type == "TRANSACTION":
            return self._begin_transaction(intent, creator, request_id, now)
        targets = self._collections["requests"].columns
        pairs = zip(targets["target_type"], targets["target_id"], strict=True)
        return max((target for kind, target in pairs if kind == intent.target_type), default=0) + 1

    def end(self, request: Node, outcome: str, now: float) -> None:
        """Carry out a request that came through, or undo what it set aside."""
        section = SECTIONS.get(request["target_type"])
        node = self._collections[section].find(request["target_id"]) if section else None
        if node is None:
            return
        if section == "transactions":
            if outcome == "APPROVED":
                self._update("transactions", node, status="APPROVED")
                self._schedule(now + self._pace, lambda when: self._submit(node["id"], when))
            else:
                self._abort(node)
        elif request["type"] in _OUTCOMES:
            self._update(str(section), node, status=_OUTCOMES[request["type"]][outcome != "APPROVED"])

    def subject(self, intent: "Intent") -> Node:
        """Return what a challenge shows of a creation: what the service will carry out."""
        data = {key: value for key, value in intent.data.items() if key != "account_id"}
        if intent.target_type == "TRANSACTION":
            return {"transaction_data": _signed(data["transaction_data"]), "transaction_type": intent.kind}
        if intent.target_type == "MESSAGE":
            message = dict(data["message_data"])
            return {**data, "account_name": message.pop("account_name"), "message_data": message}
        if intent.target_type in ("FORCED_UNPLEDGE", "PLEDGE_INCREMENT"):
            return _signed(next(value for value in data.values() if isinstance(value, dict)))
        return data

    def units(self, request: Node) -> tuple[str, str]:
        """Return the names of the smallest units of amount and fees."""
        if request["target_type"] != "TRANSACTION":
            return "", ""
        node = self._collections["transactions"].find(request["target_id"])
        units = self._world.account_currency[node["account_id"]] if node else {}
        amount, fees = (units.get(key, [{"code": ""}]) for key in ("amount_units", "fees_units"))
        return amount[0]["code"].removesuffix(" base unit"), fees[0]["code"]

    def answered_target(self, request: Node) -> str:
        """Return the target type as answers to a POST word it."""
        if request["target_type"] != "TRANSACTION":
            return str(request["target_type"])
        node = self._collections["transactions"].find(request["target_id"])
        family = node["currency_family"] if node else "generic"
        return f"{'ETHEREUM' if family == 'polygon' else family.upper()}_LIKE_TRANSACTION"

    # --- transactions ---------------------------------------------------------------------------------------------

    def _begin_transaction(self, intent: "Intent", creator: int, request_id: int, now: float) -> int:
        account = cast(Node, intent.account)
        transactions = self._collections["transactions"]
        identifier = transactions.next_id()
        books = self._world.books.account(account["id"])
        kind = intent.kind.partition("_LIKE_")[2]
        fees = self._fees(identifier, account["id"], kind)
        data = intent.data["transaction_data"]
        node: Node = {
            "id": identifier,
            "uid": uuid.uuid4().hex,
            "account_id": account["id"],
            "account_index": account["index"],
            "type": kind,
            "status": "PENDING_APPROVAL",
            "currency": account["currency"],
            "currency_family": books.coin.family,
            "amount": str(intent.amount or 0),
            "fees": None,
            "max_fees": None if intent.max_fees is None else str(intent.max_fees),
            "speed": _speed(intent.data),
            "recipient": intent.recipient,
            "senders": None,
            "tx_hash": None,
            "block": None,
            "confirmations": 0,
            "min_confirmations": books.coin.confirmations,
            "coin_fields": coin_fields(random.Random(f"fields {identifier}"), books, kind, fees, data.get("tag")),
            "compliance": None,
            "failure_reasons": None,
            "interaction_type": None,
            "labels": [],
            "metadata": None,
            "notes": [intent.note] if intent.note else [],
            "created_by": creator,
            "created_on": wire_time(now),
            "broadcast_on": None,
            "last_request": request_id,
        }
        transactions.append(node)
        self._world.history[("transactions", identifier)] = []
        self._reserve(node, 1)
        return identifier

    def _submit(self, identifier: int, when: float) -> None:
        node = self._transaction(identifier)
        coin = self._world.books.account(node["account_id"]).coin
        fees = self._fees(identifier, node["account_id"], node["type"]).paid
        ceiling = _integer(node["max_fees"])
        self._update(
            "transactions",
            node,
            status="SUBMITTED",
            fees=str(fees if node["max_fees"] is None else min(fees, ceiling)),
            tx_hash=make_hash(coin.family, random.Random(f"hash {identifier} {node['uid']}").randbytes(32)),
            senders=[entry["address"] for entry in self._world.addresses[node["account_id"]][:1]],
            broadcast_on=wire_time(when),
        )
        self._announce("NEW_TRANSACTION_HAS_BEEN_SIGNED", "TRANSACTION", identifier, None)
        self._announce("NEW_TRANSACTION_HAS_BEEN_BROADCASTED", "TRANSACTION", identifier, None)
        self._schedule(when + self._pace, lambda then: self._confirm(identifier, then))

    def _confirm(self, identifier: int, when: float) -> None:
        node = self._transaction(identifier)
        coin = self._world.books.account(node["account_id"]).coin
        moment = datetime.fromtimestamp(when, UTC)
        self._update("transactions", node, status="CONFIRMED", block=block_of(coin, moment), confirmations=1)
        self._reserve(node, -1)
        if node["type"] in OUTGOING:
            self._hold(node["account_id"], 0, -_integer(node["amount"]), moment)
        self._hold(self._payer(node["account_id"]), 0, -_integer(node["fees"]), moment)
        self._arrive(node, when)
        self._await_block(identifier, coin.block_seconds, when)

    def _await_block(self, identifier: int, block_seconds: float, when: float) -> None:
        """Count confirmations up to the number that the currency asks for; nobody looks at more."""
        node = self._transaction(identifier)
        if node["confirmations"] >= node["min_confirmations"]:
            return

        def count(then: float) -> None:
            found = self._transaction(identifier)
            self._update("transactions", found, confirmations=found["confirmations"] + 1)
            self._await_block(identifier, block_seconds, then)

        self._schedule(when + (self._pace or block_seconds), count)

    def _abort(self, node: Node) -> None:
        self._update("transactions", node, status="REJECTED")
        self._reserve(node, -1)
        self._announce("NEW_TRANSACTION_HAS_BEEN_ABORTED", "TRANSACTION", node["id"], None)

    def _arrive(self, sent: Node, when: float) -> None:
        """Write the incoming side of a transfer to an account of the workspace."""
        receiver = self._receiver(sent)
        if receiver is None or sent["type"] != "SEND":
            return
        transactions = self._collections["transactions"]
        identifier = transactions.next_id()
        account = self._account(receiver)
        node = {
            **sent,
            "id": identifier,
            "uid": uuid.uuid4().hex,
            "account_id": receiver,
            "account_index": account["index"],
            "type": "RECEIVE",
            "fees": None,
            "max_fees": None,
            "speed": None,
            "labels": [],
            "notes": [],
            "metadata": None,
            # the system itself writes what arrives
            "created_by": 1,
            "created_on": wire_time(when),
            "broadcast_on": None,
            "last_request": None,
        }
        if node["currency_family"] not in ("ripple", "stellar"):
            books = self._world.books.account(receiver)
            node["coin_fields"] = coin_fields(random.Random(0), books, "RECEIVE", None, None)
        transactions.append(node)
        self._world.history[("transactions", identifier)] = []
        self._hold(receiver, 0, _integer(sent["amount"]), datetime.fromtimestamp(when, UTC))
        self._announce("NEW_TRANSACTION_HAS_BEEN_RECEIVED", "TRANSACTION", identifier, None)

    def _receiver(self, sent: Node) -> int | None:
        if sent["recipient"] is None:
            return None
        if not self._owners:
            for identifier, addresses in self._world.addresses.items():
                for entry in addresses:
                    key = self._account(identifier)["currency"], entry["address"].lower()
                    self._owners.setdefault(key, []).append(identifier)
        contract = self._account(sent["account_id"])["contract_address"]
        owners = self._owners.get((sent["currency"], sent["recipient"].lower()), [])
        return next((owner for owner in owners if self._account(owner)["contract_address"] == contract), None)

    # --- balances -------------------------------------------------------------------------------------------------

    def _reserve(self, node: Node, sign: int) -> None:
        """Set aside what a transaction may cost, or release it with a sign of -1."""
        if node["type"] in OUTGOING:
            self._hold(node["account_id"], sign * _integer(node["amount"]))
        self._hold(self._payer(node["account_id"]), sign * _integer(node["max_fees"]))

    def _hold(self, account_id: int, pending: int, total: int = 0, moment: datetime | None = None) -> None:
        """Change the balances of an account everywhere they are told; base units."""
        account = self._account(account_id)
        account["balance"] = str(int(account["balance"]) + total)
        account["pending_balance"] = str(int(account["pending_balance"]) + pending)
        account["available_balance"] = str(int(account["balance"]) - int(account["pending_balance"]))
        self._collections["accounts"].replace(account)
        balances = self._world.balances[account_id]
        if "total" in balances:
            balances["total"] = int(account["balance"])
            balances["pending"] = int(account["pending_balance"])
            balances["available"] = int(account["available_balance"])
        if moment is not None:
            self._world.books.move(account_id, total, moment)

    def _payer(self, account_id: int) -> int:
        """Return the account that pays fees: those of a token fall on its parent."""
        return self._account(account_id)["parent"] or account_id

    def _fees(self, identifier: int, account_id: int, kind: str) -> Fees:
        return estimate_fees(random.Random(f"fees {identifier}"), self._world.books.account(account_id), kind)

    # --- nodes ----------------------------------------------------------------------------------------------------

    def _account(self, identifier: int) -> Node:
        return self._found("accounts", identifier)

    def _transaction(self, identifier: int) -> Node:
        return self._found("transactions", identifier)

    def _found(self, section: str, identifier: int) -> Node:
        found = self._collections[section].find(identifier)
        if found is None:
            raise LookupError(f"{section} {identifier}")
        return found

    def _update(self, section: str, node: Node, **changes: Any) -> None:
        node.update(changes)
        self._collections[section].replace(node)


def _signed(fields: Node) -> Node:
    """Write fields as the signing device shows them: without what is null, and currencies with spaces."""
    shown = {key: value for key, value in fields.items() if value is not None}
    return {**shown, "currency": shown["currency"].replace("_", " ")}


def _integer(amount: str | None) -> int:
    # the past has amounts that are null, and one with a fraction
    return int(Decimal(amount or 0))


def _speed(data: Node) -> str | None:
    strategy = data.get("fees_strategy")
    if not strategy:
        return None
    return str(strategy["data"]["speed"]) if strategy["type"] == "SPEED" else "CUSTOM"
