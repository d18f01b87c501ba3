"""Eighteen months of business: which account sends what, when, and why."""

import heapq
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from .accounts import Account, Chart
from .addressbook import CONTRACTS, AddressBook
from .chains import UTXO_FORMS
from .currencies import find_token
from .docket import Docket
from .material import Material, Node
from .people import People
from .script import MONTHLY, SCRIPT, Scene
from .store import EPOCH, Collection, microseconds
from .terms import fee_reserve
from .transactions import RESERVED, Ledger, Move

# share of outgoing transactions that do not end well
_OUTCOMES = (
    ("REJECTED", 0.018),
    ("DROPPED", 0.006),
    ("REPLACED", 0.006),
    ("FAILED_TO_BROADCAST", 0.005),
    ("FAILED", 0.004),
    ("FAILED_TO_CRAFT", 0.003),
    ("FAILED_TO_SIGN", 0.003),
)
_PURPOSES = {
    "treasury": ("Rebalancing", "Liquidity transfer", "Loan repayment", "Fund administration"),
    "trading": ("Margin call", "OTC settlement", "Exchange funding", "Basis trade"),
    "clients": ("Client withdrawal", "Redemption", "Custody fees", "Dividend payout"),
    "staking": ("Stake top-up", "Validator fees"),
    "test": ("Test", "Rehearsal"),
    "clearport": ("Settlement", "Withdrawal of collateral"),
    "halcyon": ("Settlement", "Withdrawal of collateral"),
}
# lamports that keep a token account of Solana alive
TOKEN_ACCOUNT_RENT = 2_039_280
_SPL_TOKENS = (
    ("SOL Trading", "USDC", 3.0, 40_000.0),
    ("SOL Trading", "USDT", 1.0, 25_000.0),
    ("SOL Trading", "BONK", 0.5, 4_000.0),
    ("SOL Staking", "JitoSOL", 0.5, 30_000.0),
)


Told = Callable[[int, int], None]
TOLD_EVERY = 1000


@dataclass(slots=True)
class Traffic:
    """The transactions of a world, with the ones that other parts refer to by name."""

    ledger: Ledger
    light_accounts: list[Account]
    marks: dict[str, Node] = field(default_factory=dict)


def light_accounts(chart: Chart) -> list[Account]:
    """Return the token accounts of Solana, which hang under an account and have no node of their own."""
    accounts = []
    for parent_name, ticker, weight, size in _SPL_TOKENS:
        parent = chart.by_name[parent_name]
        token = find_token("solana", ticker)
        account = replace(parent, token=token, parent=parent, weight=weight, size=size, day=parent.day + 4)
        accounts.append(account)
    return accounts


class Business:
    """Drives a ledger through the calendar."""

    def __init__(
        self,
        material: Material,
        people: People,
        chart: Chart,
        book: AddressBook,
        labels: list[Node],
        count: int,
        transactions: Collection,
        docket: Docket,
    ) -> None:
        self.material = material
        self.people = people
        self.chart = chart
        self.book = book
        self.count = count
        self.ledger = Ledger(material, book, 1, transactions, docket)
        self.rng = self.ledger.rng
        self.traffic = Traffic(self.ledger, light_accounts(chart))
        self.labels = [{key: label[key] for key in ("id", "name", "info")} for label in labels]
        self.open = [account for account in chart.accounts if account.weight] + self.traffic.light_accounts
        # when an account takes part in everyday business, and when it is paid by its siblings
        self.busy = {id(account): self._at(account.day) + timedelta(days=2) for account in self.open}
        self.known = {id(account): self._at(account.day) + timedelta(days=3) for account in self.open}
        self.used = {id(account): account.used for account in chart.accounts + self.traffic.light_accounts}
        total = 0.0
        self.weights = [total := total + account.weight for account in self.open]
        self.siblings: dict[tuple[str, str | None], list[Account]] = {}
        for account in chart.accounts:
            if account.weight:
                self.siblings.setdefault((account.coin.name, account.node["contract_address"]), []).append(account)

    def run(self, told: Told | None = None) -> Traffic:
        """Write as many transactions as asked for, though never fewer than the script has.

        Parameters
        ----------
        told
            Called now and then with how many there are, and how many there will be.
        """
        scenes = self._scenes()
        count = max(self.count, len(scenes))
        arrivals: list[tuple[datetime, int, Account, Move]] = []
        for number, (moment, scene) in enumerate(self._agenda(scenes, count - len(scenes))):
            if told and number % TOLD_EVERY == 0:
                told(number, count)
            if scene:
                self._play(moment, scene)
            elif arrivals and arrivals[0][0] <= moment:
                # what follows from an earlier one takes the place of a chance event: the count stays exact
                _, _, account, move = heapq.heappop(arrivals)
                if move.kind == "SEND":
                    move.amount = min(move.amount, self.ledger.purse(account).available // 2)
                self.ledger.write(moment, account, move)
            else:
                arrival = self._chance(moment)
                if arrival:
                    heapq.heappush(arrivals, (arrival[0], len(self.ledger.transactions), arrival[1], arrival[2]))
        return self.traffic

    def _agenda(self, scenes: list[tuple[datetime, Scene]], fillers: int) -> Iterator[tuple[datetime, Scene | None]]:
        """Give the scenes and the moments of chance events in order, at one moment chance first."""
        waiting = iter(scenes)
        following = next(waiting, None)
        for number in self._filler_times(fillers):
            moment = EPOCH + timedelta(microseconds=number)
            while following and following[0] < moment:
                yield following
                following = next(waiting, None)
            yield moment, None
        while following:
            yield following
            following = next(waiting, None)

    # --- when -----------------------------------------------------------------------------------------------

    def _filler_times(self, count: int) -> Sequence[int]:
        """Draw moments, in microseconds and in order, that follow the working week and the end of the month."""
        first = self.material.start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=24)
        days = [first + timedelta(days=offset) for offset in range((self.material.now - first).days + 1)]
        total, weights = 0.0, []
        for day in days:
            weight = 0.3 if day.weekday() > 4 else 1.0
            weight *= 1.7 if (day + timedelta(days=3)).month != day.month else 1.0
            weights.append(total := total + weight)
        moments = array("q")
        latest = self.material.now - timedelta(minutes=8)
        for day in self.rng.choices(days, cum_weights=weights, k=count):
            moment = day + timedelta(seconds=self.rng.triangular(5 * 3600, 22 * 3600, 13 * 3600))
            moments.append(microseconds(moment if moment < latest else moment - timedelta(days=1)))
        # in place: a list of a million integers would take forty megabytes
        np.frombuffer(moments, np.int64).sort()
        return moments

    def _scenes(self) -> list[tuple[datetime, Scene]]:
        scenes = []
        for account in self.open:
            kind = "RECEIVE" if account not in self.traffic.light_accounts else "RECEIVE_SPL_TOKEN_CHECKED_FUNDED"
            days = account.day + 0.4 + (0.2 if account.token else 0)
            scenes.append((self._at(days), Scene(days, "", kind, account=account)))
        scenes += [(self._at(scene.day), scene) for scene in SCRIPT]
        scenes += self._monthly()
        return sorted(scenes, key=lambda pair: pair[0])

    def _monthly(self) -> list[tuple[datetime, Scene]]:
        scenes = []
        first = self.material.start + timedelta(days=30)
        for month in range(first.year * 12 + first.month, self.material.now.year * 12 + self.material.now.month + 1):
            year, position = divmod(month - 1, 12)
            for number, (day, hour, name, units, title, content) in enumerate(MONTHLY, start=1):
                moment = datetime(year, position + 1, day, hour, 7 * number, tzinfo=UTC)
                if first < moment < self.material.now - timedelta(days=1):
                    note = f"{title} {year}-{position + 1:02d}{number:02d}"
                    scene = Scene(0, name, "SEND", units, note=note, content=f"{content}, {moment:%B %Y}")
                    scenes.append((moment, scene))
        return scenes

    def _at(self, day: float) -> datetime:
        base = self.material.start if day >= 0 else self.material.now
        shift = int.from_bytes(self.material.derive("scene", day)[:4], "big") % 60_000_000
        return base + timedelta(days=day) + timedelta(microseconds=shift if day >= 0 else -shift)

    # --- what -----------------------------------------------------------------------------------------------

    def _play(self, moment: datetime, scene: Scene) -> None:
        """Write a transaction that the script asks for."""
        account = scene.account or self._named(scene.name)
        purse = self.ledger.purse(account)
        if scene.account:
            amount = _base_units(account.size * 30 / account.price * self.rng.uniform(0.8, 1.3), account.magnitude, 3)
        elif scene.kind == "CREATE_SPL_TOKEN_ACCOUNT":
            amount = TOKEN_ACCOUNT_RENT
        elif scene.units is None:
            amount = self._amount(account)
        else:
            # amounts of the script are exact to a millionth of a unit
            amount = round(scene.units * 1_000_000) * int(10**account.magnitude) // 1_000_000
        move = Move(scene.kind, amount, scene.status, stage=scene.stage, first=scene.first)
        move.expired = scene.expired
        move.interaction = scene.interaction
        move.raw_amount = scene.raw_amount
        if scene.creator:
            move.creator = self.people.user_ids[scene.creator]
        if scene.note:
            move.notes = [{"title": scene.note, "content": scene.content or f"{account.ticker} {moment:%B %Y}"}]
        if scene.status in RESERVED or (scene.status == "CONFIRMED" and scene.kind == "SEND"):
            move.amount = min(move.amount, purse.available // 4)
        self._address(account, move)
        if scene.bad is not None:
            move.senders = [self.book.bad[account.coin.name][scene.bad]]
        node = self.ledger.write(moment, account, move)
        if scene.mark:
            self.traffic.marks[scene.mark] = node

    def _named(self, name: str) -> Account:
        if "/" not in name:
            return self.chart.by_name[name]
        parent, ticker = name.split("/")
        return next(
            light
            for light in self.traffic.light_accounts
            if light.parent is self.chart.by_name[parent] and light.ticker == ticker
        )

    def _amount(self, account: Account) -> int:
        """Draw the amount of a transfer: round as people type it, or exact as systems do."""
        rng = self.rng
        units = rng.lognormvariate(math.log(account.size) - 0.5, 1.0) / account.price
        magnitude = account.magnitude
        if rng.random() < 0.55:
            return _base_units(units, magnitude, 2)
        if magnitude <= 9:
            return max(1, int(units * 10**magnitude))
        rest = int(10 ** (magnitude - 9))
        return int(units * 10**9) * rest + rng.randrange(rest)

    def _chance(self, moment: datetime) -> tuple[datetime, Account, Move] | None:
        """Write one transaction of everyday business; return what follows from it, and when."""
        rng, ledger = self.rng, self.ledger
        account = rng.choices(self.open, cum_weights=self.weights)[0]
        if moment < self.busy[id(account)]:
            account = self.chart.by_name["BTC Clients"]
        purse, payer = ledger.purse(account), ledger.payer(account)
        amount = self._amount(account)
        value = purse.available / 10**account.magnitude * account.price
        receive = rng.random() < (0.72 if value < account.size * 8 else 0.28 if value > account.size * 120 else 0.47)
        if payer.available < fee_reserve(account.coin):
            account, receive = payer.account, True
            amount = self._amount(account) + 2 * fee_reserve(account.coin)
        if receive or account.node["status"] == "VIEW_ONLY":
            self._receive(moment, account, amount)
            return None
        age = self.material.now - moment
        move = Move("SEND" if account.parent is None or account.node["parent"] else "SEND_SPL_TOKEN_CHECKED", amount)
        move.amount = max(1, min(amount, purse.available // 3))
        move.status = "SUBMITTED" if age < timedelta(hours=2) else self._outcome(account)
        move.expired = move.status == "REJECTED" and age > timedelta(days=8) and rng.random() < 0.2
        if rng.random() < 0.7:
            purpose = rng.choice(_PURPOSES[account.department])
            number = f"{moment:%Y-%m}-{rng.randrange(1, 400):03d}"
            move.notes = [{"title": f"{purpose} {number}", "content": f"{purpose} for {moment:%B %Y}"}]
        if rng.random() < 0.06:
            move.labels = [rng.choice(self.labels)]
        peers = self.siblings.get((account.coin.name, account.node["contract_address"]), [])
        peers = [peer for peer in peers if peer is not account and moment > self.known[id(peer)]]
        peer = rng.choice(peers) if move.kind == "SEND" and peers and rng.random() < 0.12 else None
        self._address(account, move, peer)
        node = ledger.write(moment, account, move)
        if move.status == "REPLACED":
            speed_up = replace(move, status="CONFIRMED", speed="FAST")
            speed_up.notes = [{"title": "Speed-up", "content": f"replaces transaction {node['id']}"}]
            return moment + timedelta(hours=2), account, speed_up
        if peer is None or move.status != "CONFIRMED" or age < timedelta(days=2):
            return None
        twin = Move("RECEIVE", move.amount, recipient=move.recipient, senders=move.senders, twin=node)
        mined = datetime.fromisoformat(node["block"]["time"])
        return mined + timedelta(seconds=rng.randint(5, 60)), peer, twin

    def _receive(self, moment: datetime, account: Account, amount: int) -> None:
        rng = self.rng
        kind = "RECEIVE" if account.parent is None or account.node["parent"] else "RECEIVE_SPL_TOKEN_CHECKED"
        move = Move(kind, amount)
        if rng.random() < 0.02:
            move.amount = max(1, amount // 100_000)
            move.labels = [self.labels[0]]
        elif rng.random() < 0.05:
            move.notes = [{"title": f"Subscription {moment:%Y-%m}", "content": "from the fund administrator"}]
        if self.material.now - moment < timedelta(minutes=40):
            move.status = "SUBMITTED"
        self._address(account, move)
        if rng.random() < 0.004:
            move.senders = [rng.choice(self.book.bad[account.coin.name])]
        self.ledger.write(moment, account, move)

    def _outcome(self, account: Account) -> str:
        draw = self.rng.random()
        for status, share in _OUTCOMES:
            draw -= share
            if draw < 0:
                replaceable = account.coin.name == "bitcoin" or account.coin.family == "ethereum"
                return "DROPPED" if status == "REPLACED" and not replaceable else status
        return "CONFIRMED"

    # --- between whom ---------------------------------------------------------------------------------------

    def _address(self, account: Account, move: Move, peer: Account | None = None) -> None:
        """Choose sender and recipient of a transaction."""
        rng, own = self.rng, self.used[id(account)]
        currency = account.coin.name
        utxo = currency in UTXO_FORMS
        if move.kind.startswith("RECEIVE"):
            sources = self.book.sources[currency]
            move.senders = rng.sample(sources, rng.randint(1, 3)) if utxo else [rng.choice(sources)]
            move.recipient = rng.choice(own)
            if currency == "ripple" and account.department == "clients":
                move.tag = rng.randint(1001, 1040)
            return
        move.senders = rng.sample(own, rng.randint(1, 2)) if utxo else [own[0]]
        if peer:
            move.recipient = rng.choice(self.used[id(peer)])
        elif move.kind.startswith("SEND"):
            destination = rng.choice(self.book.destinations[currency])
            move.recipient = destination.address
            move.tag = rng.choice(destination.tags) if destination.tags else None
        elif move.kind in ("EXECUTE_CONTRACT", "STAKE"):
            name = {"STAKE": "STAKE", "WRAP": "WRAP", "UNWRAP": "WRAP"}.get(move.interaction or "", "SWAP")
            move.recipient = CONTRACTS["DEPOSIT" if move.kind == "STAKE" else name][2]
        elif move.kind == "DEPLOY_CONTRACT":
            move.recipient = None
        elif move.kind == "UNKNOWN":
            move.recipient = own[0]
        elif move.kind == "REWARD":
            move.senders = [self.book.destinations[currency][1].address]
            move.recipient = own[0]
        elif "DELEGATE" in move.kind or move.kind == "BOND":
            move.recipient = self.book.destinations[currency][1].address


def _base_units(units: float, magnitude: int, digits: int) -> int:
    """Return an amount as people type it: a few digits, then zeros."""
    places = digits - 1 - math.floor(math.log10(units))
    return max(1, round(round(units, places) * 1_000_000) * int(10**magnitude) // 1_000_000)
