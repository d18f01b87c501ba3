"""Those who work while it storms: they search, archive, pay, approve, and send plans, as careful people do."""

import random
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

import ledgerkit as lk
from chaos import checks
from chaos.checks import Intent, Read
from chaos.chronicle import Chronicle, Fits, Node
from chaos.clock import SwiftClock
from chaos.weather import restless
from ledgerkit.outcomes import Outcome
from ledgerkit.plans import Plan
from ledgerkit.sandbox import Sandbox

T = TypeVar("T")
Query = tuple[str, dict[str, Any], Fits]
ACCOUNT = 1
# The archive goes so far back: a whole one is eighteen files.
SINCE = "2026-12-20"
HURRIED = {"read_timeout": 1.0, "connect_timeout": 1.0, "retry_seconds": 30.0, "concurrency": 4}
PATIENT = {"read_timeout": 30.0, "connect_timeout": 30.0, "retry_seconds": 600.0, "concurrency": 4}


@dataclass
class Diary:
    """What happened in one run, by all threads."""

    actions: Counter[str] = field(default_factory=Counter)
    # Of those, what came to a good end.
    ended: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    incomplete: int = 0
    violations: list[str] = field(default_factory=list)
    # What each error said: a test that fails shows them.
    told: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def did(self, what: str) -> None:
        with self.lock:
            self.actions[what] += 1

    def worked(self, what: str) -> None:
        with self.lock:
            self.ended[what] += 1

    def failed(self, what: str, error: BaseException, allowed: tuple[type[BaseException], ...]) -> None:
        with self.lock:
            self.errors[type(error).__name__] += 1
            self.told.append(f"{what}: {type(error).__name__}: {error}")
            self.violations += checks.of_error(error, allowed, what)

    def found(self, violations: list[str]) -> None:
        with self.lock:
            self.violations += violations


class Warned:
    """Which thread was warned that a result may not be complete, since it asked last."""

    def __init__(self) -> None:
        self._threads: set[int] = set()
        warnings.showwarning = self._show

    def _show(self, message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, lk.IncompleteResult):
            self._threads.add(threading.get_ident())

    def take(self) -> bool:
        """Say whether the thread that asks was warned, and forget it."""
        here = threading.get_ident()
        told = here in self._threads
        self._threads.discard(here)
        return told


class Doors:
    """Sessions of one user: opened anew where the credentials were replaced, as by somebody who mends ``.env``."""

    def __init__(self, sandbox: Sandbox, clock: SwiftClock, settings: dict[str, Any]) -> None:
        self._sandbox = sandbox
        self.clock = clock
        self._settings = settings
        self._lock = threading.Lock()
        self._opened: list[lk.Session] = []

    def session(self) -> lk.Session:
        """Return the session that serves now."""
        with self._lock:
            return self._opened[-1] if self._opened else self._open()

    def renew(self, old: lk.Session) -> None:
        """Open another one in place of this one, unless somebody has."""
        with self._lock:
            if self._opened[-1] is old:
                self._open()

    def close(self) -> None:
        for session in self._opened:
            session.close()

    def _open(self) -> lk.Session:
        user = self._sandbox.credentials.api_users[0]
        credentials = lk.ApiUser(
            self._sandbox.world.workspace, user.key_id, user.key_secret, private_key=user.private_key_pem
        )
        # Its address is kept: a sandbox that restarts has none for a moment.
        session = lk.Session(credentials, base_url=self.url, writes=True, clock=self.clock, **self._settings)
        self._opened.append(session)
        return session

    @property
    def url(self) -> str:
        if not hasattr(self, "_url"):
            self._url = self._sandbox.url
        return self._url


@dataclass
class Scene:
    """What the actors of one run share."""

    seed: int
    sandbox: Sandbox
    doors: Doors
    chronicle: Chronicle
    diary: Diary
    warned: Warned
    folder: Path
    recipient: str

    def attempt(
        self, what: str, act: Callable[[lk.Session], T], allowed: tuple[type[BaseException], ...]
    ) -> T | None:
        """Do something with the session that serves now; None where it failed, which the diary has."""
        session = self.doors.session()
        self.diary.did(what)
        try:
            result = act(session)
        except Exception as error:  # noqa: BLE001 - judged by the diary
            self.diary.failed(what, error, allowed)
            if isinstance(error, lk.AuthenticationError | lk.ConfigurationError):
                self.doors.renew(session)
            return None
        self.diary.worked(what)
        return result


def search(scene: Scene, turns: int, who: int) -> None:
    """Search lists with and without filters, and hold each answer against the truth."""
    draw = random.Random(f"searches {scene.seed} {who}")
    for query in draw.choices(QUERIES, k=turns):
        search_once(scene, query, checks.OF_READS)


def search_once(scene: Scene, query: Query, allowed: tuple[type[BaseException], ...], when: str = "") -> Read | None:
    """Search one list, and hold the answer against the truth."""
    section, asked, fits = query
    scene.warned.take()
    begin = scene.chronicle.now()
    frame = scene.attempt(f"{when}search {section}", partial(_search, section=section, asked=asked), allowed)
    end = scene.chronicle.now()
    warned = scene.warned.take()
    if frame is None:
        return None
    scene.diary.incomplete += warned
    read = Read(section, fits, begin, end, frame, warned)
    scene.diary.found(checks.of_frame(read, scene.chronicle))
    return read


def search_a_restless_list(scene: Scene) -> None:
    """Search a list that moves with each page: what can not be shown to be there is said, and what was shown is."""
    with restless(scene.sandbox) as shown:
        read = search_once(scene, ("transactions", {}, _all), (), "restless ")
    if read is not None:
        scene.diary.found(checks.of_shown(read, shown))


def _search(session: lk.Session, section: str, asked: dict[str, Any]) -> pd.DataFrame:
    frame: pd.DataFrame = getattr(session, section).search(**asked)
    return frame


def _found(scene: Scene, error: lk.OutcomeUnknown) -> Outcome | None:
    """Look for what became of a call; not with the session that serves now, but with that which made it."""
    return scene.attempt("find", lambda _: error.find(), checks.OF_READS)


def _from(moment: str) -> Fits:
    bound = pd.Timestamp(moment, tz="UTC")
    return lambda node: pd.Timestamp(node["created_on"]) >= bound


def _until(moment: str) -> Fits:
    bound = pd.Timestamp(moment, tz="UTC")
    return lambda node: pd.Timestamp(node["created_on"]) < bound


def _is(name: str, value: Any) -> Fits:
    return lambda node: node[name] == value


def _all(node: Node) -> bool:
    return True


QUERIES: list[Query] = [
    ("transactions", {}, _all),
    ("transactions", {"account": ACCOUNT}, _is("account_id", ACCOUNT)),
    ("transactions", {"status": "CONFIRMED"}, _is("status", "CONFIRMED")),
    ("transactions", {"status": "PENDING_APPROVAL"}, _is("status", "PENDING_APPROVAL")),
    ("transactions", {"created_after": "2026-09-01"}, _from("2026-09-01")),
    ("transactions", {"created_before": "2026-10-01"}, _until("2026-10-01")),
    ("transactions", {"type": "RECEIVE"}, _is("type", "RECEIVE")),
    ("requests", {}, _all),
    ("requests", {"created_after": "2026-06-01"}, _from("2026-06-01")),
    ("requests", {"target_type": "TRANSACTION"}, _is("target_type", "TRANSACTION")),
    ("accounts", {}, _all),
    ("accounts", {"status": "ACTIVE"}, _is("status", "ACTIVE")),
    ("users", {}, _all),
]


def payee_of(sandbox: Sandbox) -> str:
    """Return an address that may be paid from the account."""
    address: str = next(
        entry["address"]
        for whitelist in sandbox.world.whitelists
        for entry in whitelist["addresses"]
        if whitelist["status"] == "ACTIVE" and entry["currency"] == "bitcoin"
    )
    return address


def balances(scene: Scene, accounts: list[int], *, calm: bool = False) -> None:
    """Ask for many accounts at once: each is a row, once, with its numbers or with what became of its call."""
    before = {one: dict(scene.sandbox.world.balances[one]) for one in accounts}
    what, allowed = ("calm balances", ()) if calm else ("balances", checks.OF_READS)
    frame = scene.attempt(what, lambda session: session.accounts.balances(accounts), allowed)
    if frame is not None:
        # What is paid from the account meanwhile has it change more than once.
        after = {one: dict(scene.sandbox.world.balances[one]) for one in accounts}
        known = {one: [before[one], after[one]] for one in accounts if calm or one != ACCOUNT}
        scene.diary.found(checks.of_balances(frame, accounts, known, errors=not calm))


def archive(scene: Scene, turns: int, allowed: tuple[type[BaseException], ...] = checks.OF_READS) -> None:
    """Archive the latest transactions, again and again; what is there can be read back after each run."""
    for _ in range(turns):
        if scene.attempt("archive", lambda session: _archive(session, scene.folder), allowed) is not None:
            read_archive(scene)  # what a run that failed left is read when all is over


def _archive(session: lk.Session, folder: Path) -> pd.DataFrame:
    return session.transactions.archive(folder, created_after=SINCE)


def read_archive(scene: Scene) -> pd.DataFrame | None:
    """Read the archive back."""
    frame = scene.attempt("read archive", lambda session: lk.read_archive(scene.folder), ())
    if frame is not None and frame["id"].duplicated().any():
        scene.diary.found([f"archive: rows twice: {frame['id'].tolist()}"])
    return frame


def pay(scene: Scene, intent: Intent, *, again: bool = False) -> Any:
    """Make a payment; where its outcome is not known, look for it, and else leave it in doubt. Return the draft."""
    for _ in range(3):
        draft = scene.attempt(
            "draft",
            lambda session: session.transactions.send(
                ACCOUNT, scene.recipient, intent.amount, note=f"Invoice {intent.amount}", again=again
            ),
            checks.OF_READS,
        )
        if draft is None:
            continue
        scene.diary.did("submit")
        try:
            draft.submit()
        except lk.OutcomeUnknown as error:
            scene.diary.failed("submit", error, checks.OF_WRITES)
            intent.in_doubt = True
            outcome = _found(scene, error)
            if outcome is not None and outcome.state == "found":
                intent.request_id, intent.in_doubt = outcome.request_id, False
            return draft
        except Exception as error:  # noqa: BLE001 - judged by the diary
            scene.diary.failed("submit", error, checks.OF_WRITES)
            if isinstance(error, lk.AuthenticationError):
                scene.doors.renew(scene.doors.session())
            continue
        scene.diary.worked("submit")
        intent.request_id = draft.request_id
        return draft
    return None


def approve(
    scene: Scene, intent: Intent, draft: Any, allowed: tuple[type[BaseException], ...] = checks.OF_VOTES
) -> None:
    """Approve what the draft made; where the outcome is not known, look whether the approval is in."""
    number = intent.request_id
    assert number is not None
    for _ in range(3):
        session = scene.doors.session()
        scene.diary.did("approve")
        try:
            session.requests.approve(number, **_meant(intent, draft), confirm=f"approve {number}")
        except lk.OutcomeUnknown as error:
            scene.diary.failed("approve", error, allowed)
            outcome = _found(scene, error)
            if outcome is not None and outcome.state == "found":
                intent.approved = True
                return
        except lk.NotFound as error:  # it waits for no vote of the caller: an earlier one may be in, unseen
            scene.diary.failed("approve", error, (lk.NotFound,))
            return
        except Exception as error:  # noqa: BLE001 - judged by the diary
            scene.diary.failed("approve", error, allowed)
            if isinstance(error, lk.AuthenticationError | lk.ConfigurationError):
                scene.doors.renew(session)
        else:
            scene.diary.worked("approve")
            intent.approved = True
            return


def _meant(intent: Intent, draft: Any) -> dict[str, Any]:
    """Return what an approver says is meant: a draft that was lost and found by its mark does not know its id."""
    if draft.request_id is not None:
        return {"intent": draft}
    sent = draft.to_json()["data"]["transaction_data"]
    return {"amount": intent.amount, "recipient_end": sent["recipient"][-8:], "max_fees": int(sent["max_fees"])}


def pay_and_approve(scene: Scene, intents: list[Intent], drafts: dict[int, Any]) -> None:
    """Make payments one after the other, and approve each."""
    for intent in intents:
        drafts[intent.amount] = pay(scene, intent)
        if intent.request_id is not None:
            approve(scene, intent, drafts[intent.amount])


def settle(scene: Scene, intent: Intent, draft: Any) -> Any:
    """After the storm: look once more for what is in doubt, and only then make it again. Return the draft."""
    if intent.request_id is None and intent.in_doubt:
        outcome = scene.attempt("find", lambda _: draft.find(), checks.OF_READS)
        if outcome is None:  # the session that made it may have lost its key
            found = scene.attempt("look", lambda session: session.transactions.search(title=draft.mark), ())
            if found is None:
                return draft
            intent.request_id = int(found["last_request"].iloc[0]) if len(found) else None
        else:
            intent.request_id = outcome.request_id
        intent.in_doubt = False
    return pay(scene, intent, again=True) if intent.request_id is None else draft


def send_plan(scene: Scene, intents: list[Intent], turns: int) -> None:
    """Send a plan, and go on with it as often as it stops."""
    journal = scene.folder.with_name("plan.jsonl")
    for _ in range(turns):
        results = scene.attempt(
            "plan", partial(_send, intents=intents, scene=scene, journal=journal), checks.OF_WRITES
        )
        if results is None:
            continue
        for intent, number in zip(intents, results["request_id"], strict=True):
            intent.request_id = None if pd.isna(number) else int(number)
            intent.in_doubt = False
        return


def _send(session: lk.Session, intents: list[Intent], scene: Scene, journal: Path) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"account": ACCOUNT, "recipient": scene.recipient, "amount": [intent.amount for intent in intents]}
    )
    known = journal.exists()
    plan: Plan = session.transactions.plan(None if known else frame, journal=journal)
    for intent in intents:
        intent.in_doubt = True
    return plan.run(plan.phrase)
