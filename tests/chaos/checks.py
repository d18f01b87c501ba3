"""What has to hold whatever went wrong: each check returns what is not so, in words; nothing where all is well."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

import ledgerkit as lk
from chaos.chronicle import Chronicle, Fits, Node

# What ends a call that only reads, by the docstrings of ledgerkit.errors; a plan and an archive add their own.
OF_READS: Final = (
    lk.AuthenticationError,
    lk.ConnectionFailed,
    lk.ContractViolation,
    lk.RateLimited,
    lk.ServerError,
)
# Of a write too.
OF_WRITES: Final = (*OF_READS, lk.InvalidRequest, lk.OutcomeUnknown, lk.PermissionDenied)
# Of what is signed, where the key pair was replaced, or no address could be compared: the phrase is another then.
OF_VOTES: Final = (*OF_WRITES, lk.ConfigurationError, lk.ReviewFailed)
# What has an answer that can't be read.
SPOILING: Final = frozenset({"truncate", "html", "content type", "invalid JSON", "padding"})
SIGNING_OUT: Final = frozenset({"revoke", "refuse refresh", "expire refresh", "rotate secret", "rotate key pair"})
# What has to have happened where a call ended so. A call that nobody answers, or not in time, needs no storm but a
# machine with much else to do, nor does what follows from it.
CAUSES: Final[Mapping[str, frozenset[str]]] = {
    "AuthenticationError": SIGNING_OUT | SPOILING,
    "ConfigurationError": frozenset({"rotate key pair"}),
    "ContractViolation": SPOILING,
    "PermissionDenied": frozenset({"error"}),
    "RateLimited": frozenset({"limit"}),
    "ServerError": frozenset({"error", "html", "restart"}),
}
# A session that was opened while the key pair was replaced has to be opened once more.
SIGNED_WRONG_FOR_EACH: Final = 2
# Fields that every viewer is shown as they are, of the lists that are searched.
COMPARED: Final = {
    "transactions": (
        *("id", "account_id", "type", "status", "currency", "amount", "fees", "max_fees", "recipient", "notes"),
        *("tx_hash", "confirmations", "created_on", "last_request"),
    ),
    "requests": ("id", "type", "status", "target_type", "target_id", "created_on", "expires_at"),
    "accounts": ("id", "name", "currency", "type", "status", "parent", "created_on", "last_request"),
    "users": ("id", "username", "role", "status"),
}


@dataclass(frozen=True)
class Read:
    """One search that was answered: when it was under way, what it was to find, and what came."""

    section: str
    fits: Fits
    begin: int
    end: int
    frame: pd.DataFrame
    warned: bool


@dataclass
class Intent:
    """One payment that somebody wants made once, known by its amount."""

    amount: int
    # The request, where a call gave one; and whether a careful user may still be in doubt.
    request_id: int | None = None
    in_doubt: bool = False
    approved: bool = False


def of_frame(read: Read, chronicle: Chronicle) -> list[str]:
    """Every row that was there all the time is in the frame, none twice, none that never was, each as it was."""
    found, section = [], read.section
    ids = [int(one) for one in read.frame["id"]]
    must = chronicle.must(section, read.begin, read.end, read.fits)
    may = chronicle.may(section, read.begin, read.end, read.fits)
    said = read.frame.attrs.get("complete")
    if doubled := [one for one, times in Counter(ids).items() if times > 1]:
        found.append(f"{section}: rows twice: {doubled}")
    if (missing := sorted(must - set(ids))) and not read.warned:
        found.append(f"{section}: rows missing without a word: {missing}")
    if strange := sorted(set(ids) - set(may)):
        found.append(f"{section}: rows that were not there: {strange}")
    if said is not (not read.warned):
        found.append(f"{section}: complete={said}, and warned={read.warned}")
    return found + of_values(section, read.frame, may)


def of_values(section: str, frame: pd.DataFrame, nodes: Mapping[Any, list[Node]]) -> list[str]:
    """Each row is, in all compared fields at once, as the service had it at one moment."""
    names = COMPARED[section]
    columns = [frame[name] for name in names]
    found = []
    for values in zip(*columns, strict=True):
        row = dict(zip(names, values, strict=True))
        known = nodes.get(int(row["id"]), [])
        if known and not any(all(_same(row[name], node[name]) for name in names) for node in known):
            found.append(f"{section} {row['id']}: {row} is none of {[{n: k[n] for n in names} for k in known]}")
    return found


def _same(shown: Any, sent: Any) -> bool:
    if isinstance(sent, list):
        return isinstance(shown, list) and shown == sent
    if sent is None:
        return bool(pd.isna(shown))
    if isinstance(shown, pd.Timestamp):
        return shown == pd.Timestamp(sent)
    return str(shown) == str(sent)


def of_shown(read: Read, shown: set[Any]) -> list[str]:
    """Every row that a page showed is there; whether those that stayed are is looked at of every frame."""
    lost = sorted(shown - {int(one) for one in read.frame["id"]})
    return [f"{read.section}: rows that were shown are missing: {lost}"] if lost else []


def of_balances(
    frame: pd.DataFrame, accounts: list[int], known: Mapping[int, list[Node]], *, errors: bool
) -> list[str]:
    """Each account is a row, with the numbers that the service had, all of one moment, or with an error alone."""
    if [int(one) for one in frame["account_id"]] != accounts:
        return [f"balances of {accounts} are those of {frame['account_id'].tolist()}"]
    found = []
    names = [str(name) for name in frame]
    for values in frame.itertuples(index=False, name=None):
        row = dict(zip(names, values, strict=True))
        account = int(row.pop("account_id"))
        failed = not pd.isna(error := row.pop("error"))
        if failed and not errors:
            found.append(f"balances of {account} ended in an error in good weather: {error}")
        nodes = [{}] if failed else known.get(account, [])
        if nodes and not any(all(_same(row[name], node.get(name)) for name in row) for node in nodes):
            found.append(f"balances of {account}: {row} is none of {nodes}")
    return found


def of_causes(errors: Mapping[str, int], met: Mapping[str, int]) -> list[str]:
    """No call ended as nothing that went wrong could make it end."""
    found = [
        f"{error} came, and nothing that causes it: {sorted(kind for kind in met if met[kind])}"
        for error, times in errors.items()
        if times and error in CAUSES and not any(met.get(kind) for kind in CAUSES[error])
    ]
    wrong, changed = errors.get("ConfigurationError", 0), met.get("rotate key pair", 0)
    if wrong > SIGNED_WRONG_FOR_EACH * changed:
        found.append(f"{wrong} signatures with a wrong key, which was replaced {changed} times")
    return found


def of_intents(intents: Iterable[Intent], chronicle: Chronicle) -> list[str]:
    """Each payment that was meant exists once, the request of its result is its own, and no mark is there twice."""
    found = []
    made: dict[str, list[Node]] = {}
    marks: Counter[str] = Counter()
    for versions in chronicle.ever("transactions").values():
        node = versions[-1]
        made.setdefault(node["amount"], []).append(node)
        marks.update(note["content"] for note in node["notes"] if "lk-" in str(note["content"]))
    for intent in intents:
        there = made.get(str(intent.amount), [])
        if len(there) > 1:
            found.append(f"payment of {intent.amount} was made {len(there)} times: {[node['id'] for node in there]}")
        if intent.request_id is not None and intent.request_id not in [node["last_request"] for node in there]:
            found.append(f"payment of {intent.amount}: request {intent.request_id} is not its own: {there}")
        if intent.request_id is None and not intent.in_doubt and there:
            found.append(f"payment of {intent.amount} was made, and nobody was told: {there}")
    found += [f"the mark {mark} is there {times} times" for mark, times in marks.items() if times > 1]
    return found


def of_votes(intents: Iterable[Intent], votes: Mapping[int, list[Node]], voter: int) -> list[str]:
    """An approval that a call reported is in, once; and nothing was approved twice."""
    found = []
    for intent in intents:
        if intent.request_id is None:
            continue
        own = [one for one in votes.get(intent.request_id, []) if one["user"]["id"] == voter]
        if len(own) > 1:
            found.append(f"request {intent.request_id} has {len(own)} approvals of user {voter}")
        if intent.approved and not own:
            found.append(f"request {intent.request_id} was said to be approved, and is not")
    return found


def of_error(error: BaseException, allowed: tuple[type[BaseException], ...], what: str) -> list[str]:
    """A failure is one of the documented branches, and its message says something."""
    if not isinstance(error, lk.LedgerError) or not isinstance(error, allowed):
        return [f"{what}: {type(error).__name__} is no documented error of it: {error!r}"]
    if type(error) is lk.LedgerError or not error.message.strip():
        return [f"{what}: an error that says nothing: {error!r}"]
    return []


def of_archive(
    folder: Path, frame: pd.DataFrame, span: tuple[int, int], since: str, chronicle: Chronicle
) -> list[str]:
    """The archive has the rows of its time, each once, as the service had them; and no temporary file is left."""
    ids = [int(one) for one in frame["id"]]
    until = pd.Timestamp(frame.attrs["until"])
    lower = pd.Timestamp(since, tz="UTC")

    def is_inside(node: Node) -> bool:
        return lower <= pd.Timestamp(node["created_on"]) < until

    found = []
    must = chronicle.must("transactions", *span, is_inside)
    ever = chronicle.ever("transactions")
    if doubled := [one for one, times in Counter(ids).items() if times > 1]:
        found.append(f"archive: rows twice: {doubled}")
    if missing := sorted(must - set(ids)):
        found.append(f"archive: rows missing: {missing}")
    if strange := sorted(set(ids) - set(ever)):
        found.append(f"archive: rows that never were: {strange}")
    left = [path.name for path in folder.rglob("*") if path.name.endswith(".tmp")]
    found += [f"archive: left behind: {left}"] if left else []
    return found + of_values("transactions", frame, ever)


class Resources:
    """The threads, sockets and files of this process, to be the same afterwards."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._files = _files()

    def left(self, seconds: float = 5.0) -> list[str]:
        """Return what has come and does not go within the time."""
        deadline = time.monotonic() + seconds
        while (found := self._left()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    def _left(self) -> list[str]:
        threads = [f"thread {thread.name}" for thread in threading.enumerate() if thread not in self._threads]
        files = [f"descriptor of {name}" for name in (_files() - self._files).elements()]
        return threads + files


def _files() -> Counter[str]:
    """Return what the descriptors of this process are open on; a socket is known by its kind alone."""
    names: Counter[str] = Counter()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:  # the one that lists them
            continue
        names[target.partition(":")[0] if target.startswith(("socket:", "pipe:", "anon_inode:")) else target] += 1
    return names
