"""The book-keeping of a sandbox world: each transaction moves balances, and waits for approvals."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from .accounts import Account, choose_path
from .addressbook import AddressBook, bad_level
from .chains import make_address, make_hash
from .docket import Docket
from .governance import Draft, Step
from .material import Material, Node, stamp
from .store import Collection
from .terms import Fees, block_of, coin_fields, contract_interaction, estimate_fees

# types that bring the amount in
INCOMING = frozenset(
    {
        "RECEIVE",
        "RECEIVE_SPL_TOKEN_CHECKED",
        "RECEIVE_SPL_TOKEN_CHECKED_FUNDED",
        "REWARD",
        "STAKE_WITHDRAW",
        "STAKING_WITHDRAW",
    }
)
# types that take the amount out; all others cost fees only, their amount is what they lock, free or move inside
OUTGOING = frozenset(
    {
        "CREATE_SPL_TOKEN_ACCOUNT",
        "DEPLOY_CONTRACT",
        "EXECUTE_CONTRACT",
        "SEND",
        "SEND_SPL_TOKEN_CHECKED",
        "SEND_SPL_TOKEN_CHECKED_FUNDED",
        "STAKE",
        "STAKE_CREATE_DELEGATE",
    }
)
# types that arrive without anybody's request
UNREQUESTED = frozenset(
    {"RECEIVE", "RECEIVE_SPL_TOKEN_CHECKED", "RECEIVE_SPL_TOKEN_CHECKED_FUNDED", "REWARD", "UNKNOWN"}
)
# statuses whose amount and largest fees are set aside
RESERVED = frozenset({"APPROVED", "PENDING_APPROVAL", "PENDING_CREATE_IN_HSM", "SIGNED", "SUBMITTED"})
BROADCAST = frozenset({"CONFIRMED", "DROPPED", "REPLACED", "SUBMITTED"})
# the status of the request behind a transaction; APPROVED for the rest
_REQUEST_STATUS = {
    "FAILED": "BLOCKED",
    "PENDING_APPROVAL": "PENDING_APPROVAL",
    "REJECTED": "REJECTED",
    "SIGNED": "SIGNED",
    "SUBMITTED": "SUBMITTED",
}
_FAILURES = {
    "FAILED": ("The rules of the account changed while the transaction waited.", "GOVERNANCE_CHANGED"),
    "FAILED_TO_BROADCAST": ("The network refused the transaction.", "nonce too low"),
    "FAILED_TO_CRAFT": ("The amount and the fees exceed the balance.", "INSUFFICIENT_FUNDS"),
    "FAILED_TO_SIGN": ("The HSM could not sign the transaction.", "SIGNATURE_TIMEOUT"),
}
# confirmations up to which balances tell of a transaction apart
COUNTED = 6
_KYT_FAMILIES = frozenset({"bitcoin", "ethereum", "polygon", "tron"})


@dataclass(slots=True)
class Purse:
    """What an account holds as its transactions go by."""

    account: Account
    balance: int = 0
    pending: int = 0
    # change of the balance by the day (as an ordinal) of the block
    daily: dict[int, int] = field(default_factory=dict)
    # the transactions that blocks are still counted for
    recent: list[Node] = field(default_factory=list)

    @property
    def available(self) -> int:
        """The balance that is not set aside."""
        return self.balance - self.pending

    def move(self, amount: int, day: int) -> None:
        """Book a confirmed change."""
        self.balance += amount
        self.daily[day] = self.daily.get(day, 0) + amount


@dataclass(slots=True)
class Move:
    """What distinguishes one transaction from another before it is written down."""

    kind: str
    amount: int
    status: str = "CONFIRMED"
    recipient: str | None = None
    senders: list[str] | None = None
    tag: int | None = None
    notes: list[Node] = field(default_factory=list)
    interaction: str | None = None
    creator: int | None = None
    # the step that a pending request has reached; 0 with first=True: the creator has not approved yet
    stage: int | None = None
    first: bool = False
    expired: bool = False
    speed: str | None = None
    # of the sending side, for a transfer between own accounts
    twin: Node | None = None
    labels: list[Node] = field(default_factory=list)
    # an amount as it is shown against the rules: "" for null
    raw_amount: str | None = None


class Ledger:
    """Writes transactions in the order of their creation, and keeps every balance.

    Parameters
    ----------
    transactions
        Where each is written to, once its request has an id; nobody holds it as a node afterwards.
    docket
        Takes the requests.
    """

    def __init__(
        self, material: Material, book: AddressBook, system_user: int, transactions: Collection, docket: Docket
    ) -> None:
        self.material = material
        self.book = book
        self.rng = Random(f"transactions {material.seed}")
        self.system_user = system_user
        self.transactions = transactions
        self.docket = docket
        # keyed by the identity of the account, since a token account of Solana has no node of its own
        self.purses: dict[int, Purse] = {}

    def purse(self, account: Account) -> Purse:
        """Return the purse of an account."""
        purse = self.purses.get(id(account))
        if purse is None:
            purse = self.purses[id(account)] = Purse(account)
        return purse

    def payer(self, account: Account) -> Purse:
        """Return the purse that pays an account's fees: a token's fees fall on its parent."""
        return self.purse(account.parent or account)

    def write(self, created_on: datetime, account: Account, move: Move) -> Node:
        """Write one transaction, move the balances, and draft its request."""
        rng, coin, kind = self.rng, account.coin, move.kind
        requested = kind not in UNREQUESTED
        fees = estimate_fees(rng, account, kind) if requested else None
        broadcast = move.status in BROADCAST
        confirmed = move.status == "CONFIRMED"
        settled_on, broadcast_on, mined_on = self._times(created_on, account, move, requested)
        if move.twin:
            block, tx_hash = move.twin["block"], move.twin["tx_hash"]
        else:
            block = block_of(coin, mined_on) if confirmed else None
            tx_hash = make_hash(coin.family, rng.randbytes(32)) if broadcast else None
        elapsed = (self.material.now - mined_on).total_seconds()
        path = choose_path(rng, account, move.amount) if requested else ()
        creator = move.creator or (rng.choice(path[0].approvers) if requested else self.system_user)
        node: Node = {
            "id": len(self.transactions) + 1,
            "uid": f"{rng.getrandbits(128):032x}",
            "account_id": account.node["id"],
            "account_index": account.node["index"],
            "type": kind,
            "status": move.status,
            "currency": coin.name,
            "currency_family": coin.family,
            "amount": str(move.amount),
            "fees": str(fees.paid) if fees and broadcast else None,
            "max_fees": str(fees.ceiling) if fees and fees.ceiling is not None else None,
            "speed": move.speed or self._speed(fees),
            "recipient": move.recipient,
            "senders": move.senders if broadcast else None,
            "tx_hash": tx_hash,
            "block": block,
            "confirmations": int(elapsed / coin.block_seconds) + 1 if confirmed else 0,
            "min_confirmations": coin.confirmations,
            "coin_fields": self._coin_fields(account, move, fees),
            "compliance": self._compliance(account, move, created_on),
            "failure_reasons": _failure(move.status),
            "interaction_type": move.interaction,
            "labels": move.labels,
            "metadata": self._metadata(account, kind, move.amount),
            "notes": move.notes,
            "created_by": creator,
            "created_on": stamp(created_on),
            "broadcast_on": stamp(broadcast_on) if requested and broadcast else None,
            "last_request": None,
        }
        if move.interaction and node["coin_fields"]:
            node["coin_fields"]["contract_interaction"] = contract_interaction(move.interaction, move.amount)
        self._move_balances(account, move, fees, mined_on)
        if requested:
            self._draft(created_on, settled_on, account, move, node, path)
        if move.raw_amount is not None:
            node["amount"] = move.raw_amount or None
        if move.status in ("CONFIRMED", "SUBMITTED") and node["confirmations"] < COUNTED:
            self.purse(account).recent.append(node)
        self.transactions.append(node)
        return node

    def _speed(self, fees: Fees | None) -> str | None:
        if fees is None or fees.ceiling is None:
            return None
        return self.rng.choice(("FAST", "FAST", "NORMAL", "NORMAL", "NORMAL", "SLOW", "CUSTOM"))

    def _coin_fields(self, account: Account, move: Move, fees: Fees | None) -> Node | None:
        if move.twin and account.coin.family in ("ripple", "stellar"):
            # both ends of one transfer carry its tag or memo
            fields: Node = move.twin["coin_fields"]
            return dict(fields)
        return coin_fields(self.rng, account, move.kind, fees, move.tag)

    def _times(
        self, created_on: datetime, account: Account, move: Move, requested: bool
    ) -> tuple[datetime, datetime, datetime]:
        """Return when the approvals were in, when it was broadcast, and when it got into a block."""
        rng, now = self.rng, self.material.now
        if move.twin:
            return created_on, created_on, datetime.fromisoformat(move.twin["block"]["time"])
        if not requested:
            # incoming ones show up after their block: a send can't be mined before what it spends
            return created_on, created_on, created_on - timedelta(seconds=rng.randint(3, 90))
        age = (now - created_on).total_seconds()
        settled = min(rng.lognormvariate(8.3, 1.0), age * 0.6)
        wait = rng.randint(2, 40)
        mined = min(settled + wait + rng.expovariate(1 / account.coin.block_seconds) + 2, age * 0.9)
        return (
            created_on + timedelta(seconds=settled),
            created_on + timedelta(seconds=min(settled + wait, mined)),
            created_on + timedelta(seconds=mined),
        )

    def _move_balances(self, account: Account, move: Move, fees: Fees | None, mined_on: datetime) -> None:
        purse, payer = self.purse(account), self.payer(account)
        day = mined_on.toordinal()
        if move.kind == "CREATE_SPL_TOKEN_ACCOUNT":
            # the rent of a token account is paid in SOL
            purse = payer
        if move.status == "CONFIRMED":
            if move.kind in INCOMING:
                purse.move(move.amount, day)
            elif move.kind in OUTGOING:
                purse.move(-move.amount, day)
            if fees:
                payer.move(-fees.paid, day)
        elif move.status in RESERVED and fees:
            if move.kind in OUTGOING:
                purse.pending += move.amount
            payer.pending += fees.ceiling or 0

    def _draft(
        self,
        created_on: datetime,
        settled_on: datetime,
        account: Account,
        move: Move,
        node: Node,
        path: tuple[Step, ...],
    ) -> None:
        status = _REQUEST_STATUS.get(move.status, "APPROVED")
        stage = move.stage
        if status == "PENDING_APPROVAL":
            status = "PENDING_FIRST_APPROVAL" if move.first else status
            stage = 0 if move.first else min(move.stage or 1, len(path) - 1)
        elif status == "REJECTED":
            stage = len(path) - 1
            status = "EXPIRED" if move.expired else status
        draft = Draft(
            created_on + timedelta(milliseconds=20),
            "CREATE_TRANSACTION",
            status,
            "TRANSACTION",
            node,
            node["created_by"],
            path,
            settled_on,
            stage,
        )
        if draft.status.startswith("PENDING"):
            draft.subject = _signed_data(account, move, node)
        self.docket.file(draft)

    def _compliance(self, account: Account, move: Move, created_on: datetime) -> Node | None:
        """Return the screening of an incoming transaction, which is done for some chains only."""
        rng = self.rng
        if move.kind != "RECEIVE" or account.coin.family not in _KYT_FAMILIES or move.twin:
            return None
        level = bad_level(self.book.bad, move.senders[0]) if move.senders else None
        if level is None and rng.random() > 0.4:
            return None
        registration = {"chainalysis": self.material.uuid("kyt", len(self.transactions))}
        if created_on > self.material.now - timedelta(hours=1):
            return {"registration_ids": registration, "risk": None}
        if level is None:
            return {
                "registration_ids": registration,
                "risk": {"risk": "LOW", "provider_details": {"chainalysis": []}},
            }
        alert = {
            "provider_id": self.material.uuid("alert", len(self.transactions)),
            "category_id": {"Severe": 3, "High": 12, "Medium": 17}[level],
            "exposure_type": "DIRECT" if level == "Severe" else "INDIRECT",
            "service": "Umbra Mixer" if level == "Severe" else None,
            "risk": level,
            "value": round(move.amount / 10**account.magnitude * account.price, 2),
        }
        risk = "MEDIUM" if level == "Medium" else "HIGH"
        return {
            "registration_ids": registration,
            "risk": {"risk": risk, "provider_details": {"chainalysis": [alert]}},
        }

    def _metadata(self, account: Account, kind: str, amount: int) -> Node | None:
        if account.coin.family == "cardano" and kind != "RECEIVE":
            path = account.node["derivation_path"]
            return {"amount": amount, "change_path": f"{path}/1/0", "stake_path": f"{path}/2/0"}
        if kind.startswith("STAKE_") and account.coin.family == "solana":
            return {"stake_pubkey": make_address("solana", "solana", self.rng.randbytes(32))}
        return None


def _failure(status: str) -> Node | None:
    if status not in _FAILURES:
        return None
    client_reason, reason = _FAILURES[status]
    return {"client_reason": client_reason, "reason": reason}


def _signed_data(account: Account, move: Move, node: Node) -> Node:
    """Return what the challenge of a transaction shows to its approvers."""
    family = account.coin.family
    data: Node = {
        "account_name": account.node["name"],
        "amount": node["amount"],
        # the signing device spells currencies with spaces
        "currency": account.coin.name.replace("_", " "),
        "recipient": move.recipient,
    }
    if node["max_fees"] is not None:
        data["max_fees"] = node["max_fees"]
    if family == "ripple":
        data["tag"] = move.tag
    if family == "solana" and account.token:
        data["token_mint"] = account.token.contract
    elif account.token:
        data["contract_address"] = account.token.contract
    if move.interaction:
        data["encoded_contract_data"] = node["coin_fields"]["contract_interaction"]["contract_data"]
    prefix = "ETHEREUM" if family in ("ethereum", "polygon") else family.upper()
    return {"transaction_data": data, "transaction_type": f"{prefix}_LIKE_{move.kind}"}
