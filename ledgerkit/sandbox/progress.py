"""What becomes of the object of a request: from the request's creation to the chain, or to nothing."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from operator import eq
from typing import TYPE_CHECKING, Any, cast

from .catalogue import Relations, rule_parties
from .chains import keccak256, make_hash
from .fee_quotes import TOKEN_ACCOUNT_RENT, Strategy, quote, read_strategy
from .governance import SECTIONS
from .store import Collection, Node, Where, wire_time
from .terms import Fees, block_of, coin_fields
from .transactions import OUTGOING
from .world import World, move_bonded

if TYPE_CHECKING:
    from .intent import Intent

Schedule = Callable[[float, Callable[[float], None]], None]

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


_INTERACTIONS = {"approve": "APPROVAL", "deposit": "WRAP", "swap": "SWAP", "withdraw": "UNWRAP"}


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
        if intent.target_type in ("ACCOUNT", "DIGESTS", "MESSAGE"):
            section = SECTIONS[intent.target_type]
            node: Node = {
                "id": self._collections[section].next_id(),
                **self._fields_of(intent),
                "created_by": creator,
                "created_on": wire_time(now),
                "last_request": request_id,
            }
            if section == "accounts":
                self._world.open_account(node)
                self._relate(node)
            self._collections[section].append(node)
            return int(node["id"])
        requests = self._collections["requests"]
        same = requests.select([Where("target_type", partial(eq, intent.target_type))], hidden=True)
        return max((requests.columns["target_id"][position] for position in same), default=0) + 1

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
        elif section in ("digests", "messages"):
            self._update(section, node, status="APPROVED" if outcome == "APPROVED" else "ABORTED")
            if outcome == "APPROVED":
                self._schedule(now + self._pace, lambda when: self._sign(section, node["id"]))
        elif request["type"] == "CREATE_ACCOUNT":
            self._end_account(node, outcome, now)
        elif request["type"] in _OUTCOMES:
            self._update(str(section), node, status=_OUTCOMES[request["type"]][outcome != "APPROVED"])

    # --- accounts and signatures ----------------------------------------------------------------------------------

    def _relate(self, node: Node) -> None:
        """Let filters find a new account by whom its rules name."""
        identifier, relations = node["id"], self._relations
        groups, users, whitelists = rule_parties(node)
        relations.groups[identifier], relations.whitelists[identifier] = groups, whitelists
        relations.users[identifier] = users.union(*(relations.members.get(group, ()) for group in groups))
        relations.entities[identifier] = set()
        relations.contracts[identifier] = (node["contract_address"] or "").lower() or None

    def _fields_of(self, intent: "Intent") -> Node:
        """Return what a new account, message or digests node has of its own."""
        data, notes = intent.data, [intent.note] if intent.note else []
        if intent.account is None:
            kind = data["account_type"].removesuffix("_LIKE").capitalize()
            return self._world.account_fields(kind, data["account_data"])
        common = {"account_id": intent.account["id"], "status": "PENDING_APPROVAL", "notes": notes}
        if intent.target_type == "DIGESTS":
            return {**common, "digests_data": [dict(item) for item in data["digests_data"]["digests"]]}
        return {
            **common,
            "type": "MESSAGE_SIGNATURE",
            "message_type": data["message_type"],
            "data": data["message_data"]["raw_message"],
            "address": intent.account["address"],
            "signature": None,
        }

    def _sign(self, section: str, identifier: int) -> None:
        node = self._found(section, identifier)
        name = self._account(node["account_id"])["name"]
        if section == "messages":
            self._update(section, node, status="SIGNED", signature=self._world.sign_message(name, node["data"]))
            return
        items = [self._world.sign_digest(name, index, item) for index, item in enumerate(node["digests_data"])]
        self._update(section, node, status="SIGNED", digests_data=items)

    def _end_account(self, node: Node, outcome: str, now: float) -> None:
        if outcome != "APPROVED":
            self._update("accounts", node, status="REJECTED")
        elif node["status"] == "PENDING_VIEW_ONLY":
            self._activate(node["id"], "VIEW_ONLY")
        else:
            self._update("accounts", node, status="PENDING_CREATE_IN_HSM")
            self._schedule(now + self._pace, lambda when: self._activate(node["id"], "ACTIVE"))

    def _activate(self, identifier: int, status: str) -> None:
        node = self._account(identifier)
        self._world.give_addresses(node)
        self._owners.clear()
        self._update("accounts", node, status=status)
        self._announce("NEW_ACCOUNT_HAS_BEEN_CREATED", f"{node['type'].upper()}_ACCOUNT", identifier, None)

    # --- transactions ---------------------------------------------------------------------------------------------

    def _begin_transaction(self, intent: "Intent", creator: int, request_id: int, now: float) -> int:
        account = cast(Node, intent.account)
        transactions = self._collections["transactions"]
        identifier = transactions.next_id()
        books = self._world.books.account(account["id"])
        kind = intent.kind.partition("_LIKE_")[2]
        amount = TOKEN_ACCOUNT_RENT if kind == "CREATE_SPL_TOKEN_ACCOUNT" else intent.amount or 0
        node: Node = {
            "id": identifier,
            "uid": uuid.uuid4().hex,
            "account_id": account["id"],
            "account_index": account["index"],
            "type": kind,
            "status": "PENDING_APPROVAL",
            "currency": account["currency"],
            "currency_family": books.coin.family,
            "amount": str(amount),
            "fees": None,
            "max_fees": None if intent.max_fees is None else str(intent.max_fees),
            "speed": _speed(intent.data),
            "recipient": intent.recipient,
            "senders": None,
            "tx_hash": None,
            "block": None,
            "confirmations": 0,
            "min_confirmations": books.coin.confirmations,
            "coin_fields": self._coin_fields(intent, account, kind),
            "compliance": None,
            "failure_reasons": None,
            "interaction_type": _interaction(intent),
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

    def _coin_fields(self, intent: "Intent", account: Node, kind: str) -> Node | None:
        """Return the fields of the family, with what the body asked for."""
        books, data = self._world.books.account(account["id"]), intent.data["transaction_data"]
        fields = coin_fields(random.Random(0), books, kind, Fees(0, 0), data.get("tag"))
        if fields is None:
            return None
        family = books.coin.family
        if family in ("bitcoin", "ethereum", "polygon"):
            strategy = read_strategy(intent.data["fees_strategy"], account["currency"])
            quoted = quote(self._world.seed, account, intent.kind, strategy).coin_fields or {}
            fields |= {name: str(value) for name, value in quoted.items() if name in fields}
        if family == "bitcoin":
            fields["utxo_picking_strategy"] = None
        elif family == "stellar":
            memo = data.get("memo")
            fields["memo"] = memo and {"type": next(iter(memo)), **memo}
        elif family == "polkadot":
            payee = {"type": "SetPayee", "payee": data["payee"]} if "payee" in data else {}
            fields["tx_parameters"] = {"is_proxy": False, "real": None, **payee}
        elif family == "solana":
            fields["tx_parameters"] = {"token_mint": data["token_mint"]} if "token_mint" in data else None
        if kind == "DEPLOY_CONTRACT":
            fields["contract_deployment"] = {"creation_bytecode": data["encoded_contract_bytecode"]}
        elif kind == "EXECUTE_CONTRACT":
            fields["contract_interaction"] = _contract_call(data)
        return fields

    def _paid(self, node: Node) -> int:
        """Return the fees of a transaction: worked out anew, whatever room the ceiling leaves, and never above it."""
        account, family = self._account(node["account_id"]), node["currency_family"]
        speed = node["speed"] if node["speed"] in ("FAST", "SLOW") else "NORMAL"
        kind = f"{prefix_of(family)}_LIKE_{node['type']}"
        estimate = quote(self._world.seed, account, kind, Strategy(speed=speed)).max_fees
        if node["type"] == "CREATE_SPL_TOKEN_ACCOUNT":
            estimate -= TOKEN_ACCOUNT_RENT
        if node["max_fees"] is None:
            return estimate
        # estimates of a ceiling are half as much again as the fee on bitcoin, and twice the fee elsewhere
        fees = estimate * 2 // 3 if family == "bitcoin" else estimate // 2
        return min(fees, _integer(node["max_fees"]))

    def _submit(self, identifier: int, when: float) -> None:
        node = self._transaction(identifier)
        # what is done elsewhere with a transaction, as for a settlement, takes it off this course
        if node["status"] != "APPROVED":
            return
        self._update(
            "transactions",
            node,
            status="SUBMITTED",
            fees=str(self._paid(node)),
            tx_hash=make_hash(node["currency_family"], random.Random(f"hash {node['uid']}").randbytes(32)),
            senders=[entry["address"] for entry in self._world.addresses[node["account_id"]][:1]],
            broadcast_on=wire_time(when),
        )
        self._count(node, "mempool", 1)
        self._announce("NEW_TRANSACTION_HAS_BEEN_SIGNED", "TRANSACTION", identifier, None)
        self._announce("NEW_TRANSACTION_HAS_BEEN_BROADCASTED", "TRANSACTION", identifier, None)
        self._schedule(when + self._pace, lambda then: self._confirm(identifier, then))

    def _confirm(self, identifier: int, when: float) -> None:
        node = self._transaction(identifier)
        if node["status"] != "SUBMITTED":
            return
        coin = self._world.books.account(node["account_id"]).coin
        moment = datetime.fromtimestamp(when, UTC)
        self._update("transactions", node, status="CONFIRMED", block=block_of(coin, moment), confirmations=1)
        self._reserve(node, -1)
        if node["type"] in OUTGOING:
            self._hold(node["account_id"], 0, -_integer(node["amount"]), moment, _mint(node))
        self._hold(self._payer(node["account_id"]), 0, -_integer(node["fees"]), moment)
        if node["type"] == "CREATE_SPL_TOKEN_ACCOUNT":
            self._open_token_account(node)
        elif node["currency_family"] == "polkadot":
            account = self._account(node["account_id"])
            move_bonded(account, node["type"], _integer(node["amount"]))
            self._collections["accounts"].replace(account)
        self._count(node, "mempool", -1)
        self._count(node, "under_confirmation", 1)
        self._await_block(identifier, coin.block_seconds, when)
        self._arrive(node, when)

    def _await_block(self, identifier: int, block_seconds: float, when: float) -> None:
        """Count confirmations up to the number that the currency asks for; nobody looks at more."""
        node = self._transaction(identifier)
        if node["confirmations"] >= node["min_confirmations"]:
            self._count(node, "under_confirmation", -1)
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
        mint = _mint(sent)
        receiver = self._receiver(sent, mint) if sent["type"] in ("SEND", "SEND_SPL_TOKEN_CHECKED") else None
        if receiver is None:
            return
        identifier = self._collections["transactions"].next_id()
        books = self._world.books.account(receiver)
        fields = sent["coin_fields"]
        # both ends of one transfer carry its tag, its memo or its token
        if sent["currency_family"] not in ("ripple", "solana", "stellar"):
            fields = coin_fields(random.Random(0), books, "RECEIVE", None, None)
        node = {
            **sent,
            "id": identifier,
            "uid": uuid.uuid4().hex,
            "account_id": receiver,
            "account_index": self._account(receiver)["index"],
            "type": "RECEIVE" if mint is None else "RECEIVE_SPL_TOKEN_CHECKED",
            "fees": None,
            "max_fees": None,
            "speed": None,
            "coin_fields": fields,
            "labels": [],
            "notes": [],
            # the system itself writes what arrives
            "created_by": 1,
            "created_on": wire_time(when),
            "broadcast_on": None,
            "last_request": None,
        }
        self._collections["transactions"].append(node)
        self._world.history[("transactions", identifier)] = []
        self._hold(receiver, 0, _integer(sent["amount"]), datetime.fromtimestamp(when, UTC), mint)
        self._count(node, "under_confirmation", 1)
        self._await_block(identifier, books.coin.block_seconds, when)
        self._announce("NEW_TRANSACTION_HAS_BEEN_RECEIVED", "TRANSACTION", identifier, None)

    def _receiver(self, sent: Node, mint: str | None) -> int | None:
        """Return the account of the workspace that a transfer pays."""
        if not self._owners:
            for identifier, addresses in self._world.addresses.items():
                for entry in addresses:
                    key = self._account(identifier)["currency"], _folded(entry["address"])
                    self._owners.setdefault(key, []).append(identifier)
        contract = self._account(sent["account_id"])["contract_address"]
        for owner in self._owners.get((sent["currency"], _folded(sent["recipient"] or "")), []):
            if mint is not None and self._token_account(owner, mint) is None:
                continue
            if _folded(self._account(owner)["contract_address"] or "") == _folded(contract or ""):
                return owner
        return None

    # --- balances -------------------------------------------------------------------------------------------------

    def _reserve(self, node: Node, sign: int) -> None:
        """Set aside what a transaction may cost, or release it with a sign of -1."""
        if node["type"] in OUTGOING:
            self._hold(node["account_id"], sign * _integer(node["amount"]), mint=_mint(node))
        self._hold(self._payer(node["account_id"]), sign * _integer(node["max_fees"]))

    def _hold(
        self, account_id: int, pending: int, total: int = 0, moment: datetime | None = None, mint: str | None = None
    ) -> None:
        """Change what an account holds in base units, everywhere it is told; `mint` names a token of Solana."""
        account = self._account(account_id)
        if mint is not None:
            self._hold_token(account, mint, pending, total)
            return
        account["balance"] = str(int(account["balance"]) + total)
        account["pending_balance"] = str(int(account["pending_balance"]) + pending)
        account["available_balance"] = str(int(account["balance"]) - int(account["pending_balance"]))
        if account["type"] == "Polkadot" and account["coin_fields"]:
            held = account["coin_fields"]["balances"]
            held |= {part: str(int(held[part]) + total) for part in ("available", "free", "total")}
        self._collections["accounts"].replace(account)
        balances = self._world.balances[account_id]
        if "total" in balances:
            balances["total"], balances["pending"] = int(account["balance"]), int(account["pending_balance"])
            balances["available"] = int(account["available_balance"])
        if moment is not None:
            self._world.books.move(account_id, total, moment)

    def _hold_token(self, account: Node, mint: str, pending: int, total: int) -> None:
        held = self._token_account(account["id"], mint)
        if held is not None:
            held["pending"] += pending
            held["available"] += total - pending
            self._show_tokens(account)

    def _open_token_account(self, node: Node) -> None:
        account = self._account(node["account_id"])
        made = self._world.token_account(account, str(_mint_of(node)), node["tx_hash"])
        self._world.light_tokens.setdefault(account["id"], []).append(made)
        self._show_tokens(account)

    def _show_tokens(self, account: Node) -> None:
        """Write the token accounts of Solana into everything that shows them."""
        held = self._world.light_tokens[account["id"]]
        account["token_accounts"] = held
        self._world.balances[account["id"]]["token_accounts"] = held
        if account["coin_fields"]:
            account["coin_fields"]["staking"]["balances"]["token_accounts"] = held
        self._collections["accounts"].replace(account)

    def _token_account(self, account_id: int, mint: str) -> Node | None:
        held = self._world.light_tokens.get(account_id, [])
        return next((node for node in held if node["contract_address"] == mint), None)

    def _count(self, node: Node, part: str, sign: int) -> None:
        """Move an amount in or out of a part of a bitcoin account's balance."""
        balances = self._world.balances[node["account_id"]]
        key = f"{part}_{'in' if node['type'] == 'RECEIVE' else 'out'}"
        # only accounts of bitcoin show these, and the past has transactions that no part counts any more
        if key in balances:
            balances[key] = max(0, balances[key] + sign * _integer(node["amount"]))
            balances["confirmed"] = max(0, balances["total"] - balances["under_confirmation_in"])

    def _payer(self, account_id: int) -> int:
        """Return the account that pays fees: those of a token fall on its parent."""
        return self._account(account_id)["parent"] or account_id

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


def _integer(amount: str | None) -> int:
    # the past has amounts that are null, and one with a fraction
    return int(Decimal(amount or 0))


def prefix_of(family: str) -> str:
    """Return what the types of transactions of a family begin with."""
    return "ETHEREUM" if family == "polygon" else family.upper()


def _folded(address: str) -> str:
    # the letters of an EVM address are hexadecimal digits; elsewhere their case matters
    return address.lower() if address.startswith("0x") else address


def _mint_of(node: Node) -> str | None:
    """Return the token of Solana that a transaction names."""
    parameters = (node["coin_fields"] or {}).get("tx_parameters") or {}
    return parameters.get("token_mint")


def _mint(node: Node) -> str | None:
    """Return the token of Solana that a transaction moves; opening an account for one costs SOL."""
    return _mint_of(node) if "SEND_SPL" in node["type"] else None


def _contract_call(data: Node) -> Node:
    described = data.get("contract_data")
    call = described if isinstance(described, dict) else {}
    name = call.get("function_name")
    encoded = data.get("encoded_contract_data") or (described if isinstance(described, str) else None)
    return {
        # the sandbox has no encoder of calls: the selector alone stands for one that was described
        "contract_data": encoded or "0x" + keccak256(str(name).encode()).hex()[:8],
        "contract_name": None,
        "dapp": None,
        "function_name": name,
        "function_arguments": call.get("function_arguments"),
        "smart_contract_interaction_type": _INTERACTIONS.get(str(name), "UNKNOWN").lower(),
    }


def _interaction(intent: "Intent") -> str | None:
    if not intent.kind.endswith("_EXECUTE_CONTRACT"):
        return None
    described = intent.data["transaction_data"].get("contract_data")
    name = described["function_name"] if isinstance(described, dict) else ""
    return _INTERACTIONS.get(name, "UNKNOWN")


def _speed(data: Node) -> str | None:
    strategy = data.get("fees_strategy")
    if not strategy:
        return None
    return str(strategy["data"]["speed"]) if strategy["type"] == "SPEED" else "CUSTOM"
