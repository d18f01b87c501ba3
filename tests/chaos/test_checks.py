"""The checks of the chaos can fail: each is shown what it is there for, made by hand."""

import socket
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from chaos import actors, checks
from chaos.actors import ACCOUNT, SINCE, Warned, payee_of
from chaos.checks import Intent, Read
from chaos.chronicle import Chronicle
from chaos.clock import BEGINS
from chaos.run import run
from chaos.storm import KINDS, OF_WRITES, RETRY_AFTER, WRITES, Storm, retry_after, storm_of
from chaos.summary import ENOUGH_FOR_EACH_KIND, SHARES, lacking, lines
from ledgerkit import pages, paging
from ledgerkit.sandbox import Sandbox
from ledgerkit.transport import Transport


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=40, clock=lambda: BEGINS, page_size_maximum=20) as sandbox:
        yield sandbox


@pytest.fixture
def chronicle(sandbox: Sandbox) -> Chronicle:
    return Chronicle(sandbox, ("transactions",))


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[lk.Session]:
    user = sandbox.credentials.api_users[0]
    credentials = lk.ApiUser(sandbox.world.workspace, user.key_id, user.key_secret, private_key=user.private_key_pem)
    with lk.Session(credentials, base_url=sandbox.url, writes=True) as session:
        yield session


def read(session: lk.Session, chronicle: Chronicle, change: Any = lambda frame: frame, **more: Any) -> Read:
    begin = chronicle.now()
    frame = session.transactions.search()
    changed = change(frame)
    changed.attrs = frame.attrs
    return Read("transactions", lambda node: True, begin, chronicle.now(), changed, **{"warned": False, **more})


def test_a_whole_frame_passes(session: lk.Session, chronicle: Chronicle) -> None:
    assert checks.of_frame(read(session, chronicle), chronicle) == []


def test_a_dropped_row_is_seen(session: lk.Session, chronicle: Chronicle) -> None:
    [told] = checks.of_frame(read(session, chronicle, lambda frame: frame.drop(index=7)), chronicle)
    assert told.startswith("transactions: rows missing without a word: [")


def test_a_doubled_row_is_seen(session: lk.Session, chronicle: Chronicle) -> None:
    doubled = read(session, chronicle, lambda frame: pd.concat([frame, frame.iloc[[3]]]))
    [told] = checks.of_frame(doubled, chronicle)
    assert told.startswith("transactions: rows twice: [")


def test_a_row_that_never_was_is_seen(session: lk.Session, chronicle: Chronicle) -> None:
    strange = read(session, chronicle, lambda frame: frame.assign(id=frame["id"].replace({7: 70_000})))
    assert checks.of_frame(strange, chronicle) == [
        "transactions: rows missing without a word: [7]",
        "transactions: rows that were not there: [70000]",
    ]


def test_an_amount_that_is_off_by_one_is_seen(session: lk.Session, chronicle: Chronicle) -> None:
    wrong = read(
        session, chronicle, lambda frame: frame.assign(amount=[frame["amount"][0] + 1, *frame["amount"][1:]])
    )
    [told] = checks.of_frame(wrong, chronicle)
    assert "is none of" in told


def test_a_row_that_was_said_to_be_missing_is_no_violation_but_a_word_without_the_flag_is(
    session: lk.Session, chronicle: Chronicle
) -> None:
    said = read(session, chronicle, lambda frame: frame.drop(index=7), warned=True)
    assert checks.of_frame(said, chronicle) == ["transactions: complete=True, and warned=True"]


def test_a_row_that_left_during_the_read_may_be_missing_and_one_that_stayed_may_not(
    sandbox: Sandbox, session: lk.Session, chronicle: Chronicle
) -> None:
    transactions = sandbox.world.transactions

    def leave(frame: pd.DataFrame) -> pd.DataFrame:
        transactions.hide(transactions.position(7))  # type: ignore[arg-type]  # row 7 is there
        return frame[frame["id"] != 7]

    assert checks.of_frame(read(session, chronicle, leave), chronicle) == []
    late = read(session, chronicle)
    assert 7 not in set(late.frame["id"])
    assert checks.of_frame(late, chronicle) == []


def payment(session: lk.Session, sandbox: Sandbox, amount: int) -> Any:
    return session.transactions.send(ACCOUNT, payee_of(sandbox), amount, note="Invoice")


def test_a_client_that_repeats_a_post_is_caught(
    session: lk.Session, sandbox: Sandbox, chronicle: Chronicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Intent(50_001)
    draft = payment(session, sandbox, 50_001)
    once.request_id = int(draft.submit()["id"].iloc[0])
    assert checks.of_intents([once], chronicle) == []
    ask = Transport.request

    def twice(self: Transport, method: str, path: str, **more: Any) -> Any:
        if (method, path) == ("POST", "/requests"):
            ask(self, method, path, **more)
        return ask(self, method, path, **more)

    monkeypatch.setattr(Transport, "request", twice)
    draft = payment(session, sandbox, 50_002)
    doubled = Intent(50_002, int(draft.submit()["id"].iloc[0]))
    told = checks.of_intents([once, doubled], chronicle)
    assert [line.partition(":")[0] for line in told] == [
        "payment of 50002 was made 2 times",
        f"the mark {draft.mark} is there 2 times",
    ]


def test_a_payment_that_nobody_was_told_of_and_one_that_is_another_are_seen(
    session: lk.Session, sandbox: Sandbox, chronicle: Chronicle
) -> None:
    request_id = int(payment(session, sandbox, 50_001).submit()["id"].iloc[0])
    [told] = checks.of_intents([Intent(50_001)], chronicle)
    assert told.startswith("payment of 50001 was made, and nobody was told")
    assert checks.of_intents([Intent(50_001, in_doubt=True)], chronicle) == []
    [told] = checks.of_intents([Intent(50_001, request_id + 1)], chronicle)
    assert "is not its own" in told


def test_a_vote_that_is_there_twice_or_was_only_reported_is_seen() -> None:
    approved = Intent(50_001, 29, approved=True)
    vote = {"user": {"id": 27}}
    assert checks.of_votes([approved], {29: [vote]}, 27) == []
    assert checks.of_votes([approved], {29: [vote, vote]}, 27) == ["request 29 has 2 approvals of user 27"]
    assert checks.of_votes([approved], {29: []}, 27) == ["request 29 was said to be approved, and is not"]


@pytest.mark.parametrize("error", [KeyError("id"), lk.LedgerError("root"), lk.NotFound("of another call")], ids=repr)
def test_an_error_that_is_not_documented_is_seen(error: Exception) -> None:
    assert len(checks.of_error(error, checks.OF_READS, "search")) == 1
    assert checks.of_error(lk.ServerError("the service failed"), checks.OF_READS, "search") == []


@pytest.mark.parametrize(
    ("errors", "met", "told"),
    [
        ({"ContractViolation": 2}, {"truncate": 1}, []),
        (
            {"ContractViolation": 2},
            {"error": 3, "truncate": 0},
            ["ContractViolation came, and nothing that causes it"],
        ),
        ({"ConfigurationError": 2}, {"rotate key pair": 1}, []),
        ({"ConfigurationError": 3}, {"rotate key pair": 1}, ["3 signatures with a wrong key"]),
        ({"RateLimited": 1, "ConnectionFailed": 1}, {}, ["RateLimited came, and nothing that causes it"]),
    ],
    ids=lambda value: "-".join(value),
)
def test_an_error_that_nothing_caused_is_seen(errors: dict[str, int], met: dict[str, int], told: list[str]) -> None:
    found = checks.of_causes(errors, met)
    assert len(found) == len(told)
    assert all(one.startswith(begin) for one, begin in zip(found, told, strict=True))


def test_balances_that_are_shifted_by_a_row_or_stand_beside_an_error_are_seen(
    sandbox: Sandbox, session: lk.Session
) -> None:
    accounts = [1, 2, 9, 27]
    frame = session.accounts.balances(accounts)
    known = {one: [sandbox.world.balances[one]] for one in accounts}
    assert checks.of_balances(frame, accounts, known, errors=False) == []
    numbers = [str(name) for name in frame if name not in ("account_id", "error")]
    shifted = frame.copy()
    shifted[numbers] = shifted[numbers].shift(1, fill_value=0)
    assert len(checks.of_balances(shifted, accounts, known, errors=True)) == 4
    assert checks.of_balances(frame.iloc[::-1], accounts, known, errors=True) == [
        "balances of [1, 2, 9, 27] are those of [27, 9, 2, 1]"
    ]
    failed = frame.assign(error=["away", *frame["error"][1:]])
    [told] = checks.of_balances(failed, accounts, known, errors=True)
    assert told.startswith("balances of 1: ")
    failed.loc[0, numbers] = None
    assert checks.of_balances(failed, accounts, known, errors=True) == []
    [told] = checks.of_balances(failed, accounts, known, errors=False)
    assert told == "balances of 1 ended in an error in good weather: away"


def test_a_row_that_a_page_showed_and_the_frame_lacks_is_seen(session: lk.Session, chronicle: Chronicle) -> None:
    whole = read(session, chronicle, warned=True)
    shown = {int(one) for one in whole.frame["id"]}
    assert checks.of_shown(whole, shown) == []
    lacking = read(session, chronicle, lambda frame: frame.drop(index=7), warned=True)
    assert checks.of_shown(lacking, shown) == [
        f"transactions: rows that were shown are missing: [{whole.frame['id'][7]}]"
    ]


def never_works(session: lk.Session, **more: Any) -> pd.DataFrame:
    raise lk.ContractViolation("never")


def says_nothing(*read: Any) -> None:
    """As if it were complete."""


def sees_no_seam(*read: Any, **more: Any) -> list[int]:
    """As if pages that were read of a moving list always met."""
    return []


def loses_rows(read: Any) -> Any:
    return MERGED(read[-1:])


MERGED = pages.merged
BROKEN = [
    (actors, "_search", never_works, "is no documented error of it"),
    (paging, "_warn", says_nothing, "complete=False, and warned=False"),
    (paging, "open_seams", sees_no_seam, "rows missing without a word"),
    (paging, "merged", loses_rows, "rows missing without a word"),
]


@pytest.mark.parametrize(("where", "name", "instead", "noticed"), BROKEN, ids=[one[2].__name__ for one in BROKEN])
def test_a_run_notices_a_kit_that_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, instead: Any, noticed: str
) -> None:
    monkeypatch.setattr(where, name, instead)
    report = run(Storm(0, {"transactions": 40, "page_size_maximum": 20}, ()), tmp_path)
    assert any(noticed in violation for violation in report.violations)


def test_storms_in_which_too_little_came_to_a_good_end_have_shown_nothing() -> None:
    good = {
        "actions": Counter(dict.fromkeys(SHARES, 100)),
        "ended": Counter(dict.fromkeys(SHARES, 50)),
    }
    assert list(lacking([good])) == []
    [told] = lacking([{**good, "ended": {**good["ended"], "archive": 5}}])
    assert told == "of 100 times, archive came to a good end 5 times"


def test_a_kind_of_fault_that_never_struck_has_shown_nothing() -> None:
    good = dict.fromkeys(SHARES, 1)
    report = {"actions": good, "ended": good, "faults": dict.fromkeys(KINDS, 1)}
    lame = {**report, "faults": {**report["faults"], "expire refresh": 0}}
    once = [report] + [lame] * (ENOUGH_FOR_EACH_KIND - 1)
    assert list(lacking(once)) == []
    assert list(lacking([lame] * ENOUGH_FOR_EACH_KIND)) == ["in 48 seeds, expire refresh never struck"]
    del lame["faults"]["expire refresh"]  # it was not drawn either
    assert list(lacking([lame] * ENOUGH_FOR_EACH_KIND)) == ["in 48 seeds, expire refresh never struck"]
    assert list(lacking([lame] * (ENOUGH_FOR_EACH_KIND - 1))) == []


def test_an_archive_with_a_row_less_or_a_file_more_is_seen(
    session: lk.Session, chronicle: Chronicle, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    begin = chronicle.now()
    session.transactions.archive(folder, created_after=SINCE)
    frame = lk.read_archive(folder)
    span = (begin, chronicle.now())
    assert checks.of_archive(folder, frame, span, SINCE, chronicle) == []
    less = frame.iloc[1:].copy()
    less.attrs = frame.attrs
    (folder / ".x.tmp").touch()
    told = checks.of_archive(folder, less, span, SINCE, chronicle)
    assert [line.partition(": [")[0] for line in told] == ["archive: rows missing", "archive: left behind"]


def test_a_leaked_socket_file_or_thread_is_seen(tmp_path: Path) -> None:
    resources = checks.Resources()
    assert resources.left() == []
    leaked = socket.socket()
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    thread.start()
    with (tmp_path / "open").open("w"):
        assert resources.left(0.05) == [
            "thread forgotten",
            "descriptor of socket",
            f"descriptor of {tmp_path / 'open'}",
        ]
    leaked.close()
    end.set()
    assert resources.left() == []


def test_a_warning_belongs_to_the_thread_that_was_warned() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warned = Warned()
        other = threading.Thread(target=warnings.warn, args=("rows", lk.IncompleteResult))
        other.start()
        other.join()
        assert not warned.take()
        warnings.warn("rows", lk.IncompleteResult, stacklevel=1)
        assert warned.take()
        assert not warned.take()


def test_a_storm_is_a_function_of_its_seed_and_together_they_hold_every_kind() -> None:
    assert storm_of(17) == storm_of(17) != storm_of(18)
    met = {event.kind for seed in range(12) for event in storm_of(seed).events}
    assert met == set(KINDS)
    forms = {event.how["form"] for seed in range(60) for event in storm_of(seed).events if event.kind == "limit"}
    assert forms == set(RETRY_AFTER)


def test_writes_are_refused_by_the_service_and_by_gateways_which_have_passed_them_on_and_reads_are_not() -> None:
    events = [event for seed in range(60) for event in storm_of(seed).events if event.how.get("status") in OF_WRITES]
    assert {(event.kind, event.how["status"], event.how["answered"]) for event in events} == {
        ("error", 403, False),
        *(("error", 408, answered) for answered in (True, False)),
        *(("html", status, answered) for status in (403, 408) for answered in (True, False)),
    }
    assert {(event.how["method"], event.how["path"]) for event in events} == {("POST", path) for path in WRITES}


def test_every_form_of_a_wait_is_written_as_gateways_do() -> None:
    told = {form: retry_after(form, 2.0, 1_800_000_000.0) for form in RETRY_AFTER}
    assert told == {
        "seconds": "2",
        "fraction": "2.000",
        "date": "Fri, 15 Jan 2027 08:00:02 GMT",
        "past date": "Fri, 15 Jan 2027 07:00:00 GMT",
        "epoch": "1800000002",
        "milliseconds": "1800000002000",
        "junk": "soon, perhaps",
        "negative": "-5",
        "none": None,
    }


def test_a_summary_adds_up_the_reports() -> None:
    one = {
        "actions": {"search": 2},
        "ended": {"search": 2},
        "faults": {"stall": 1, "reset": 0},
        "errors": {},
        "incomplete": 1,
        "violations": [],
    }
    two = {
        "actions": {"search": 3, "pay": 1},
        "ended": {"search": 2},
        "faults": {"stall": 2},
        "errors": {"ServerError": 1},
        "incomplete": 0,
        "violations": ["rows missing"],
    }
    assert list(lines([one, two])) == [
        "seeds run: 2",
        "actions: 6 (pay 1, search 5)",
        "came to a good end: 4 (search 4)",
        "faults injected: 3 (stall 3)",
        "errors met: 1 (ServerError 1)",
        "incomplete results said: 1",
        "violations: 1",
    ]
