"""The world of the sandbox: an asset manager and its custody workspace, made from a seed."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec

from . import record
from .accounts import FRESH_ADDRESSES, Account, Chart, account_currency, build_accounts, write_rules
from .addressbook import address_risk, address_sanctions, build_address_book
from .chains import keccak256, make_address, valid_address
from .changes import draft_changes
from .currencies import COINS, TOKENS, currency_nodes, token_nodes
from .docket import Docket, Statuses
from .governance import Ballot
from .holdings import (
    History,
    balances_node,
    light_token_accounts,
    write_balances,
    write_coin_fields,
)
from .material import (
    Material,
    Node,
    certificate_chain,
    counter,
    public_point,
    sign,
    sign_digest,
    signature_der,
    stamp,
)
from .nfts import build_gallery
from .people import (
    ApiUserCredential,
    Credentials,
    People,
    ReportingKeyCredential,
    build_credentials,
    build_people,
    lam_users,
    moment,
)
from .record import Histories, Requests, Votes
from .signatures import build_digests, build_messages
from .staking import build_stakes
from .store import Collection, Where
from .tradelink import build_pledges, build_settlements, draft_pledges
from .traffic import Business, Told
from .transactions import Purse

__all__ = ["ApiUserCredential", "Credentials", "ReportingKeyCredential", "World", "build"]

WORKSPACE = "tidewell-sandbox"
# name, colour, description, accounts that carry it
_LABELS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("SPAM", "#FE4523", "Unasked for, ignore", ()),
    ("Tax 2025", "#2D7FF9", "Part of the tax file", ()),
    ("Audit", "#8B46FF", "Sampled by the auditors", ("BTC Treasury 1", "ETH Treasury 1")),
    ("Client money", "#20C933", "Held for clients", ("BTC Clients", "ETH Clients", "XRP Clients", "USDC Clients")),
    ("OTC", "#FCB400", "Settled over the counter", ()),
    ("Collateral", "#18BFFF", "Locked with an exchange", ("TL-0001-BTC-CLP-HSE", "TL-0002-ETH-CLP-HSE")),
    ("Internal", "#666666", "Between own accounts", ()),
    ("Review", "#F82B60", "Asked for a second look", ()),
)
# accounts on which the API's operator creates transactions
_API_ACCOUNTS = ("BTC Treasury 1", "ETH Treasury 1", "USDC Treasury", "XRP Treasury", "XLM Clients", "SOL Trading")


class Books(History):
    """What the accounts held day by day, which goes on after the world was made."""

    def account(self, account_id: int) -> Account:
        """Return an account with what the answers about it do not show."""
        return self._purses[account_id].account

    def open(self, account: Account) -> None:
        """Keep the days of a new account."""
        self._purses[account.node["id"]] = Purse(account)

    def move(self, account_id: int, amount: int, moment: datetime) -> None:
        """Book a change in base units of what an account holds."""
        self._now = max(self._now, moment)
        self._purses[account_id].move(amount, self._now.toordinal())


@dataclass(slots=True, repr=False)
class World:
    """A workspace in wire form: every node is what the API would answer."""

    seed: int
    now: datetime
    workspace: str
    organization: Node
    users: list[Node]
    groups: list[Node]
    entities: list[Node]
    labels: list[Node]
    whitelists: list[Node]
    accounts: list[Node]
    requests: Requests
    messages: list[Node]
    digests: list[Node]
    transactions: Collection
    pledges: list[Node]
    settlements: list[Node]
    currencies: list[Node]
    tokens: list[Node]
    # of tokens, in lower case, by account
    contracts: dict[int, str | None]
    account_currency: dict[int, Node]
    balances: dict[int, Node]
    # of a UTXO account the last three are fresh
    addresses: dict[int, list[Node]]
    nfts: dict[int, list[Node]]
    nft_collections: dict[int, list[Node]]
    nft_portfolio: dict[int, Node]
    light_tokens: dict[int, list[Node]]
    stakes: dict[str, dict[int, list[Node]]]
    stake_rewards: dict[str, dict[int, list[Node]]]
    periodic_rewards: dict[str, dict[int, Node]]
    history: Histories
    governance: Statuses
    challenges: dict[int, Node]
    certificates: list[str]
    lam_users: list[Node]
    credentials: Credentials
    bad_addresses: dict[str, list[str]]
    _books: Books
    _ballots: dict[int, Ballot]
    _leaf_key: ec.EllipticCurvePrivateKey

    @property
    def books(self) -> Books:
        """What the accounts held day by day."""
        return self._books

    @property
    def pending_by(self) -> Votes:
        """For whom each request waits."""
        return self.requests.pending_by

    @property
    def approved_by(self) -> Votes:
        """Who approved each request."""
        return self.requests.approved_by

    @property
    def rejected_by(self) -> Votes:
        """Who rejected each request."""
        return self.requests.rejected_by

    @property
    def ballots(self) -> dict[int, Ballot]:
        """The votes on the requests that wait, by the id of the request."""
        return self._ballots

    def balance_history(self, account_id: int, start: datetime | None, end: datetime | None) -> Node | None:
        """Return the balances of an account by day, or None where the service keeps none (501)."""
        return self._books.read(account_id, start, end)

    def address_jwt(self, account_id: int, index: int | None) -> str | None:
        """Return an address of an account as a JWT signed with the key of the leaf certificate."""
        addresses = self.addresses.get(account_id, [])
        if not 0 <= (index or 0) < len(addresses):
            return None
        node = addresses[index or 0]
        payload = {
            "address": node["address"],
            "derivation_path": node["derivation_path"],
            "blockchain_name": self.accounts[account_id - 1]["currency"],
        }
        parts = [_segment(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, payload)]
        signed = ".".join(parts)
        r, s = sign(self._leaf_key, signed.encode())
        return f"{signed}.{_segment(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def account_fields(self, kind: str, fields: Node) -> Node:
        """Return what a new account is made of, under a policy that API Signers create and managers approve."""
        accounts = self.accounts
        parent = next((node for node in accounts if node["id"] == fields.get("parent_id")), None)
        sibling = parent or next((node for node in accounts if node["currency"] == fields["currency"]), None)
        index = fields["index"] if parent is None else parent["index"]
        path = "44'/60'/0'" if sibling is None else sibling["derivation_path"]
        groups = {node["name"]: node["id"] for node in self.groups}
        steps = [{"group": groups["API Signers"], "quorum": 1}, {"group": groups["Management"], "quorum": 2}]
        rule_sets = [rules for node in accounts for rules in node["governance_rules"]]
        rule = {
            "id": max(rule["id"] for rules in rule_sets for rule in rules["rules"]) + 1,
            "type": "MULTI_AUTHORIZATIONS",
            "data": steps,
        }
        set_id = max(rules["id"] for rules in rule_sets) + 1
        return {
            "index": index,
            "name": fields["name"],
            "type": kind,
            "currency": fields["currency"],
            "status": "PENDING",
            "balance": "0",
            "available_balance": "0",
            "pending_balance": "0",
            "address": None,
            "xpub": None,
            "contract_address": fields.get("contract_address"),
            "coin_fields": None,
            "parent": fields.get("parent_id"),
            "labels": [],
            "token_accounts": [],
            "tradelink_data": None,
            "derivation_path": f"{path.rpartition('/')[0]}/{index}'",
            "governance_rules": [{"id": set_id, "index": 0, "name": fields["policy_name"], "rules": [rule]}],
        }

    def open_account(self, node: Node) -> None:
        """Keep the books of a new account, which holds nothing."""
        contract = (node["contract_address"] or "").lower()
        token = next((token for token in TOKENS if contract and token.contract.lower() == contract), None)
        account = Account(node, COINS[node["currency"]], token, "", 0.0, 0.0, 0.0)
        self._books.open(account)
        identifier = node["id"]
        self.account_currency[identifier] = account_currency(account)
        self.balances[identifier] = dict.fromkeys(("available", "pending", "total"), 0)
        self.addresses[identifier] = []
        self.history[("accounts", identifier)] = []

    def give_addresses(self, node: Node) -> None:
        """Give an account its addresses, where it has none yet: those of its parent, or of its own key."""
        if self.addresses[node["id"]]:
            return
        if node["parent"] is not None:
            given = [dict(entry) for entry in self.addresses[node["parent"]]]
        else:
            material, coin, path = Material(self.seed, self.now), COINS[node["currency"]], node["derivation_path"]
            utxo = node["type"] in ("Bitcoin", "Generic")
            given = [
                {
                    "address": make_address(
                        coin.name, coin.family, material.derive("address", coin.name, path, step)
                    ),
                    "derivation_path": f"{path}/0/{step}",
                }
                for step in range(FRESH_ADDRESSES if utxo else 1)
            ]
        self.addresses[node["id"]] = given
        if node["type"] not in ("Bitcoin", "Generic"):
            node["address"] = given[0]["address"]

    def token_account(self, account: Node, mint: str, tx_hash: str) -> Node:
        """Return a new token account of Solana."""
        token = next((token for token in TOKENS if token.contract == mint), None)
        seed = Material(self.seed, self.now).derive("token account", account["id"], mint)
        return {
            "account_name": account["name"],
            "associated_token_account": make_address("solana", "solana", seed),
            "available": 0,
            "contract_address": mint,
            "creation_transaction_hash": tx_hash,
            "parent_id": account["id"],
            "pending": 0,
            "status": "ACTIVE",
            "ticker": mint[:4] if token is None else token.ticker,
        }

    def sign_message(self, account_name: str, text: str) -> str:
        """Sign an EIP-191 message with the key of an account."""
        raw = f"\x19Ethereum Signed Message:\n{len(text.encode())}{text}".encode()
        key = Material(self.seed, self.now).key("account", account_name, curve=ec.SECP256K1())
        # the hash of the sandbox takes one block: the first bytes stand for a longer message, as in the past
        return "0x" + signature_der(sign_digest(key, keccak256(raw[:135]))).hex()

    def sign_digest(self, account_name: str, index: int, item: Node) -> Node:
        """Return a digest with its signature by a key of an account."""
        key = Material(self.seed, self.now).key("account", account_name, index, curve=ec.SECP256K1())
        r, s = sign_digest(key, bytes.fromhex(item["digest"]))
        signature = {"r": str(r), "s": str(s), "v": 37, "der": signature_der((r, s)).hex()}
        return {**item, "pub_key": "0x" + public_point(key), "signature": signature}

    def address_risk(self, address: str) -> Node:
        """Return the risk of any address."""
        return address_risk(self.bad_addresses, address)

    def address_sanctions(self, address: str) -> Node:
        """Return the sanctions on any address."""
        return address_sanctions(self.bad_addresses, address)

    def check_address(self, currency: str, address: str) -> bool:
        """Say whether an address has the form and the check digits of a currency."""
        coin = COINS.get(currency)
        return coin is not None and valid_address(currency, coin.family, address)


def move_bonded(account: Node, kind: str, amount: int) -> None:
    """Bond or free what a confirmed transaction of Polkadot says; base units, none of which leave the account."""
    held: Node = account["coin_fields"]["balances"]

    def move(source: str, destination: str, moved: int) -> None:
        held[source] = str(int(held[source]) - moved)
        held[destination] = str(int(held[destination]) + moved)

    if kind == "BONDEXTRA":
        move("available", "bonded", amount)
    elif kind == "UNBOND":
        move("bonded", "total_unbonding", amount)
        held["unbonding"].append(
            {"amount": str(amount), "waiting_time": 1_209_600, "withdrawable_date": "in 14 days"}
        )
    elif kind == "REBOND":
        move("total_unbonding", "bonded", amount)
        while amount and held["unbonding"]:
            # the chain takes the youngest first
            youngest = held["unbonding"].pop()
            rest = int(youngest["amount"]) - amount
            if rest > 0:
                held["unbonding"].append({**youngest, "amount": str(rest)})
            amount = max(0, -rest)
    elif kind == "WITHDRAWUNBONDED":
        move("total_unbonded", "available", int(held["total_unbonded"]))
        held["unbonded"] = []
    elif kind == "CHILL":
        account["coin_fields"]["staking"]["is_nominator"] = False
    held["frozen"] = str(int(held["bonded"]) + int(held["total_unbonding"]))


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def build(seed: int = 7, transactions: int = 4000, now: datetime | None = None, told: Told | None = None) -> World:
    """Build a world that ends at `now`; the same arguments give the same bytes.

    Parameters
    ----------
    seed
        Anything random follows from it.
    transactions
        How many there are in all; about 200 are scripted, and fewer there never are.
    now
        The moment at which the world ends; the current hour unless given.
    told
        Called now and then with how many transactions there are, and how many there will be.
    """
    moment_now = now or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    material = Material(seed, moment_now.astimezone(UTC))
    people = build_people(material)
    chart = build_accounts(material, people)
    book = build_address_book(material, people, chart)
    write_rules(people, chart, book.ruling)
    _write_api_rules(people, chart, book.ruling)
    labels = _labels(material)
    for label, (*_, names) in zip(labels, _LABELS, strict=True):
        for name in names:
            lite = {key: label[key] for key in ("id", "name", "info")}
            chart.by_name[name].node["labels"].append(lite)

    before = draft_changes(material, people, chart, book.whitelists)
    after = draft_pledges(material, people, chart)
    messages = build_messages(material, chart, after)
    digests = build_digests(material, people, chart, after)
    contracts = {
        account.node["id"]: (account.node["contract_address"] or "").lower() or None for account in chart.accounts
    }
    written = record.transactions(contracts)
    docket = Docket(material, written, before, after)
    traffic = Business(material, people, chart, book, labels, transactions, written, docket).run(told)
    docket.close()
    write_balances(chart, traffic)
    stakes = build_stakes(material, chart, traffic)
    light_tokens = light_token_accounts(material, traffic)
    write_coin_fields(chart, stakes)
    pledges = build_pledges(material, chart)
    gallery = build_gallery(material, chart)
    certificates, leaf_key = certificate_chain(material)

    for section, nodes in (("users", people.users), ("groups", people.groups)):
        for node in nodes:
            docket.history.setdefault((section, node["id"]), [])
    accounts = [account.node for account in chart.accounts]
    of_repledges = docket.requests.select([Where("type", "CREATE_REPLEDGE".__eq__)])
    repledges = [docket.requests[position] for position in of_repledges]
    return World(
        seed=seed,
        now=material.now,
        workspace=WORKSPACE,
        organization={
            "name": "Tidewell Asset Management (sandbox)",
            "workspace": WORKSPACE,
            "num_admins": len(people.members[1]),
            "num_shared_owners": 3,
            "num_wrapping_keys": 3,
            "quorum": 2,
        },
        users=people.users,
        groups=people.groups,
        entities=chart.entities,
        labels=labels,
        whitelists=book.whitelists,
        accounts=accounts,
        requests=docket.requests,
        messages=messages,
        digests=digests,
        transactions=written,
        pledges=pledges,
        settlements=build_settlements(material, chart, traffic, pledges, repledges),
        currencies=currency_nodes(),
        tokens=token_nodes(),
        contracts=contracts,
        account_currency={account.node["id"]: account_currency(account) for account in chart.accounts},
        balances={
            account.node["id"]: balances_node(account, traffic.ledger.purse(account), stakes)
            for account in chart.accounts
        },
        addresses={account.node["id"]: [dict(node) for node in account.addresses] for account in chart.accounts},
        nfts=gallery.nfts,
        nft_collections=gallery.collections,
        nft_portfolio=gallery.portfolios,
        light_tokens=light_tokens,
        stakes=stakes.stakes,
        stake_rewards=stakes.rewards,
        periodic_rewards=stakes.periodic,
        history=docket.history,
        governance=docket.governance,
        challenges=docket.challenges,
        certificates=certificates,
        lam_users=lam_users(material, WORKSPACE),
        credentials=build_credentials(material, people, chart.entity_ids()),
        bad_addresses=book.bad,
        _books=Books(chart, traffic, material.now),
        _ballots=docket.ballots,
        _leaf_key=leaf_key,
    )


def _write_api_rules(people: People, chart: Chart, whitelists: dict[str, int]) -> None:
    """Let the group of the API's operator create on accounts of several families, and two managers approve.

    The business of the past does not follow these rules: they are the youngest of the workspace.
    """
    rule_sets = [rules for account in chart.accounts for rules in account.node["governance_rules"]]
    set_ids = counter(max(rules["id"] for rules in rule_sets) + 1)
    rule_ids = counter(max(rule["id"] for rules in rule_sets for rule in rules["rules"]) + 1)
    creators = {"group": people.group_ids["API Signers"], "quorum": 1}
    managers = {"group": people.group_ids["Management"], "quorum": 2}
    for name in _API_ACCOUNTS:
        account = chart.by_name[name]
        node = account.node
        limit = round(account.size * 4 / account.price) * int(10**account.magnitude)
        rules: list[Node] = [
            {"id": rule_ids(), "type": "MULTI_AUTHORIZATIONS", "data": [creators, managers]},
            {"id": rule_ids(), "type": "WHITELIST", "data": [{"whitelist": whitelists[node["currency"]]}]},
            {"id": rule_ids(), "type": "THRESHOLD", "data": [{"currency_type": "CRYPTO", "min": 0, "max": limit}]},
        ]
        rule_set = {"id": set_ids(), "index": len(node["governance_rules"]), "name": "API payments", "rules": rules}
        node["governance_rules"].append(rule_set)


def _labels(material: Material) -> list[Node]:
    return [
        {
            "id": identifier,
            "name": name,
            "info": {"color": color, "description": description},
            "created_by": 8 + identifier % 4,
            "created_on": stamp(moment(material, 12.0 + identifier)),
            "updated_by": 8 + (identifier + 1) % 4,
            "updated_on": stamp(moment(material, 100.0 + identifier * 20)),
        }
        for identifier, (name, color, description, _) in enumerate(_LABELS, start=1)
    ]
