"""Several workspaces in one archive: side by side, apart, and none stopped by another."""

import _thread
import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Act, Handler, Reply, Seen, Server, page

import ledgerkit as lk
from archives.handmade import day, node, put
from archives.looking import write_profiles
from ledgerkit import watching
from ledgerkit.archives import many
from ledgerkit.errors import Cancelled
from ledgerkit.transport import Transport

COLUMNS = {
    **dict.fromkeys(["dataset", "workspace", "note", "error"], "str"),
    **dict.fromkeys(["rows", "new", "changed", "no_longer_listed", "open", "parts", "requests"], "Int64"),
    **dict.fromkeys(["since", "until"], "datetime64[us, UTC]"),
    "complete": "boolean",
}
DENIED = Reply({"message": "this key may not"}, status=403)


@pytest.fixture(scope="module")
def workspaces() -> Iterator[dict[str, lk.Session]]:
    """Two institutions, each on a sandbox of its own."""
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(lk.connect("sandbox", transactions=transactions, seed=seed))
            for name, transactions, seed in (("north", 400, 7), ("south", 300, 11))
        }


def ids_of(session: lk.Session, path: str) -> list[int]:
    """Read a list page by page, without the kit's own search."""
    found: list[int] = []
    while True:
        answer = session.raw("GET", path, params={"page_size": 100, "page": len(found) // 100 + 1})
        found += [edge["node"]["id"] for edge in answer["edges"]]
        if not answer["page_info"]["has_next_page"]:
            return sorted(found)


def test_every_workspace_is_kept_whole_and_apart(workspaces: dict[str, lk.Session], tmp_path: Path) -> None:
    done = lk.archive(tmp_path, workspaces)
    assert done.dtypes.astype(str).to_dict() == COLUMNS
    assert done[["workspace", "dataset"]].to_numpy().tolist() == [
        ["north", "transactions"],
        ["north", "requests"],
        ["south", "transactions"],
        ["south", "requests"],
    ]
    assert done["error"].isna().all()
    for (name, session), dataset in (
        (one, two) for one in workspaces.items() for two in ("transactions", "requests")
    ):
        kept = lk.read_archive(tmp_path, dataset, workspace=name)
        assert sorted(kept["id"]) == ids_of(session, f"/{dataset}")
    both = lk.query("select workspace, count(*) as rows from transactions group by all order by all", tmp_path)
    assert both.to_dict("list") == {"workspace": ["north", "south"], "rows": [400, 300]}
    # The sessions are the caller's.
    assert len(workspaces["north"].organization.get()) == 1
    assert lk.archive(tmp_path, workspaces)["new"].tolist() == [0, 0, 0, 0]


def test_workspaces_run_at_the_same_time(
    workspaces: dict[str, lk.Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)

    def wait_for_the_other(*_: Any, **__: Any) -> Any:
        both.wait(timeout=30)  # broken, and an error in the frame, where one runs after the other
        return many._failed(many._Workspace("x", "x"), "transactions", ValueError("met"))

    monkeypatch.setattr(many._Job, "_one", wait_for_the_other)
    with pytest.raises(lk.LedgerError, match="met"):
        lk.archive(tmp_path, workspaces, sections="transactions")


def test_one_that_fails_stops_no_other(
    workspaces: dict[str, lk.Session],
    tmp_path: Path,
    serve: Callable[..., Server],
    connect_to: Callable[..., lk.Session],
) -> None:
    broken = connect_to(serve(lambda seen: DENIED))
    with pytest.warns(lk.IncompleteResult, match="1 of 2 lists were not archived to the end: broken, transactions"):
        done = lk.archive(tmp_path, {"broken": broken, "north": workspaces["north"]}, sections=["transactions"])
    assert done.dtypes.astype(str).to_dict() == COLUMNS
    assert done["rows"].isna().tolist() == [True, False]
    assert done["error"].tolist()[0].startswith("PermissionDenied: ")
    assert "this key may not" in done["error"].tolist()[0]
    assert len(lk.read_archive(tmp_path, workspace="north")) == 400


def test_a_list_that_fails_stops_no_other_list(
    tmp_path: Path, serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    def handle(seen: Seen) -> Act:
        return DENIED if seen.path == "/transactions" else page([])

    with pytest.warns(lk.IncompleteResult, match="1 of 2"):
        done = lk.archive(tmp_path, {"half": connect_to(serve(handle))})
    assert done["error"].isna().tolist() == [False, True]
    assert done["rows"].tolist()[1] == 0


def test_where_all_fail_the_error_names_each(
    tmp_path: Path, serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    sessions = {name: connect_to(serve(lambda seen: DENIED)) for name in ("one", "two")}
    with pytest.raises(lk.LedgerError, match="nothing was archived") as raised:
        lk.archive(tmp_path, sessions, sections="requests")
    assert "one, requests: PermissionDenied" in str(raised.value)
    assert "two, requests: PermissionDenied" in str(raised.value)


def test_an_error_that_nobody_expected_is_told_too(
    workspaces: dict[str, lk.Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a fault of the kit")

    monkeypatch.setattr(workspaces["north"].requests, "archive", fail)
    with pytest.warns(lk.IncompleteResult):
        done = lk.archive(tmp_path, workspaces)
    assert done["error"].dropna().tolist() == ["ZeroDivisionError: a fault of the kit"]


# Two that would be one


@pytest.fixture
def counted(serve: Callable[..., Server]) -> Server:
    return serve(lambda seen: page([]))


def test_two_of_one_name_are_refused_before_anything_is_sent(
    tmp_path: Path, counted: Server, serve: Callable[..., Server], connect_to: Callable[..., lk.Session]
) -> None:
    other = serve(lambda seen: page([]))
    with pytest.raises(lk.InvalidRequest, match="into one directory"):
        lk.archive(tmp_path, [connect_to(counted), connect_to(other)])
    with pytest.raises(lk.InvalidRequest, match="into one directory"):
        lk.archive(tmp_path, {"Acme": connect_to(counted), "acme": connect_to(other)})
    assert (counted.seen, other.seen, list(tmp_path.iterdir())) == ([], [], [])


def test_one_workspace_under_two_names_is_refused_since_sums_would_count_it_twice(
    tmp_path: Path, counted: Server, connect_to: Callable[..., lk.Session]
) -> None:
    with pytest.raises(lk.InvalidRequest, match="in the archive twice"):
        lk.archive(tmp_path, {"a": connect_to(counted), "b": connect_to(counted)})
    assert counted.seen == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param([], "`workspaces` is empty", id="none"),
        pytest.param({}, "`workspaces` is empty", id="no names"),
        pytest.param([7], "names of profiles", id="a number"),
        pytest.param({"a": None}, "names of profiles", id="nothing"),
    ],
)
def test_what_names_no_workspace_is_refused(tmp_path: Path, given: Any, says: str) -> None:
    with pytest.raises(lk.InvalidRequest, match=says):
        lk.archive(tmp_path, given)


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        pytest.param(["transaction"], "did you mean 'transactions'", id="misspelt"),
        pytest.param("currencies", "can't be archived", id="rows without ids"),
        pytest.param("stakes.solana", "can't be archived", id="one account at a time"),
        pytest.param("organization", "can't be archived", id="no search"),
        pytest.param([], "`sections` is empty", id="none"),
    ],
)
def test_sections_that_are_none_are_refused_before_anything_is_sent(
    tmp_path: Path, counted: Server, connect_to: Callable[..., lk.Session], sections: Any, says: str
) -> None:
    with pytest.raises(lk.InvalidRequest, match=says):
        lk.archive(tmp_path, {"a": connect_to(counted)}, sections=sections)
    assert counted.seen == []


# Profiles


@pytest.fixture
def profiles(
    tmp_path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Server]]:
    """Write a ``.env`` with a profile for each name, each a workspace on a server of its own."""

    def make(**handlers: Handler) -> dict[str, Server]:
        servers = {name: serve(handler) for name, handler in handlers.items()}
        prefixes = {f"{name.upper()}_": name for name in servers}
        write_profiles(
            tmp_path,
            {prefix: servers[name] for prefix, name in prefixes.items()},
            {prefix: f"{name}-workspace" for prefix, name in prefixes.items()},
        )
        monkeypatch.chdir(tmp_path)
        return servers

    return make


def test_profiles_are_kept_under_the_names_of_their_workspaces(profiles: Callable[..., dict[str, Server]]) -> None:
    profiles(treasury=lambda seen: page([]), custody=lambda seen: page([]))
    done = lk.archive("data", ["treasury", "custody"], sections="requests")
    assert done["workspace"].tolist() == ["treasury-workspace", "custody-workspace"]
    named = lk.archive("other", {"a": "treasury"}, sections="requests")
    assert named["workspace"].tolist() == ["a"]
    named = lk.archive("third", ["a=treasury", "custody"], sections="requests")
    assert named["workspace"].tolist() == ["a", "custody-workspace"]


def test_the_end_of_one_workspace_stops_no_other(
    profiles: Callable[..., dict[str, Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The session of the first was closed, and whatever still ran gave up without a word of why.
    closed, close = threading.Event(), Transport.close

    def and_told(transport: Transport) -> None:
        close(transport)
        closed.set()

    def after_the_first(seen: Seen) -> Reply:
        assert closed.wait(10)
        return page([])

    monkeypatch.setattr(Transport, "close", and_told)
    profiles(treasury=lambda seen: page([]), custody=after_the_first)
    done = lk.archive("data", ["treasury", "custody"], sections=["requests", "transactions"])
    assert done["error"].isna().all()
    assert done["rows"].tolist() == [0, 0, 0, 0]


def test_two_profiles_of_one_name_are_told_what_to_write(
    profiles: Callable[..., dict[str, Server]], tmp_path: Path
) -> None:
    servers = profiles(treasury=lambda seen: page([]), custody=lambda seen: page([]))
    text = (tmp_path / ".env").read_text().replace("custody-workspace", "treasury-workspace")
    (tmp_path / ".env").write_text(text)
    with pytest.raises(lk.InvalidRequest, match="into one directory") as raised:
        lk.archive("data", ["treasury", "custody"], sections="requests")
    assert "'treasury-workspace-1=treasury' and 'treasury-workspace-2=custody'" in str(raised.value)
    assert [server.seen for server in servers.values()] == [[], []]
    done = lk.archive("data", ["treasury-workspace-1=treasury", "treasury-workspace-2=custody"], sections="requests")
    assert done["error"].isna().all()


def test_a_lam_is_kept_under_the_name_of_its_profile(
    tmp_path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "".join(
            f"LEDGER_ENTERPRISE_{name}LAM_{variable}={value}\n"
            for name in ("COLD_", "")
            for variable, value in (("URL", serve(lambda seen: page([])).url), ("USER", "u"))
        )
    )
    monkeypatch.chdir(tmp_path)
    done = lk.archive("data", ["cold", "warm="], sections="requests")
    assert done["workspace"].tolist() == ["cold", "warm"]
    assert done["error"].isna().all()
    with lk.connect("cold") as session, pytest.raises(lk.InvalidRequest, match=r"\{'treasury': session\}"):
        lk.archive("data", [session])
    with pytest.raises(lk.InvalidRequest, match="'treasury='"):
        lk.archive("data", [""])


def test_one_session_is_a_workspace(workspaces: dict[str, lk.Session], tmp_path: Path) -> None:
    done = lk.archive(tmp_path, workspaces["north"], sections="requests")
    assert done["workspace"].tolist() == [workspaces["north"].workspace]
    with pytest.raises(lk.InvalidRequest, match="`name` = 'a\\\\nb' can't be used"):
        lk.archive(tmp_path, {"a\nb": workspaces["south"]})


def test_the_sandbox_of_another_kernel_is_told_to_go_elsewhere(
    workspaces: dict[str, lk.Session], tmp_path: Path
) -> None:
    workspaces["north"].labels.archive(tmp_path, name="sandbox")
    with pytest.raises(lk.ConfigurationError, match="another institution with each kernel: archive it into a temp"):
        workspaces["south"].labels.archive(tmp_path, name="sandbox")


def test_only_lists_that_grow_without_end_are_bounded(workspaces: dict[str, lk.Session], tmp_path: Path) -> None:
    sections = ["accounts", "pledges", "transactions"]
    done = lk.archive(tmp_path, {"north": workspaces["north"]}, sections=sections, created_after="2026-10-01")
    assert done["error"].isna().all()
    rows = dict(zip(done["dataset"], done["rows"], strict=True))
    assert rows["accounts"] == len(ids_of(workspaces["north"], "/accounts"))
    assert 0 < rows["transactions"] < 400
    notes = dict(zip(done["dataset"], done["note"].isna(), strict=True))
    assert notes == {"accounts": False, "pledges": False, "transactions": True}
    assert done["note"][0].startswith("kept whole: created_after bounds transactions, requests")


def test_it_is_told_how_far_each_list_is(
    workspaces: dict[str, lk.Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "SECONDS_BETWEEN", 0.01)
    written, told = threading.Event(), threading.Event()
    said: list[str] = []
    # What stands there from earlier runs is not counted.
    put(
        tmp_path,
        [node(1, "1", "2025-01-02T00:00:00Z")],
        workspace="north",
        start=datetime(2025, 1, 1, tzinfo=UTC),
        until=datetime(2025, 2, 1, tzinfo=UTC),
    )

    def run(folder: Path, name: str) -> Any:
        put(folder, [node(2, "1", "2026-03-02T00:00:00Z")], workspace=name, start=day(3), until=day(4))
        put(folder, [node(3, "1", "2026-04-02T00:00:00Z")], workspace=name, start=day(4), until=day(5))
        written.set()
        assert told.wait(timeout=30)
        raise ZeroDivisionError

    def tell(line: str) -> None:
        said.append(line)
        if written.is_set() and said.count(line) > 1:
            told.set()

    monkeypatch.setattr(workspaces["north"].transactions, "archive", run)
    with pytest.raises(lk.LedgerError, match="ZeroDivisionError"):
        many.archive(tmp_path, {"north": workspaces["north"]}, sections="transactions", told=tell)
    assert said[-1] == "north transactions: back to 2026-03, 2 rows"


def test_the_bar_of_a_notebook_counts_the_calls_of_all(
    workspaces: dict[str, lk.Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[Any] = []

    class Bar:
        def __init__(self, **options: Any) -> None:
            self.total, self.done = 0, 0
            bars.append(self)

        def refresh(self) -> None: ...
        def close(self) -> None: ...

        def update(self) -> None:
            self.done += 1

    monkeypatch.setattr("ledgerkit.parallel.in_notebook", lambda: True)
    monkeypatch.setattr("tqdm.notebook.tqdm", Bar)
    for session in workspaces.values():
        found = session.transactions.search

        def read(folder: Path, name: str, search: Any = found) -> pd.DataFrame:
            search()  # of several pages
            return pd.DataFrame({"dataset": ["transactions"], "workspace": [name]})

        monkeypatch.setattr(session.transactions, "archive", read)
    lk.archive(tmp_path, workspaces, sections="transactions")
    assert len(bars) == 1
    # One for each workspace, and one for each page but the first.
    assert (bars[0].total, bars[0].done) == (2 + 3 + 2, 2 + 3 + 2)


def test_a_profile_that_is_not_set_up_stops_no_other(profiles: Callable[..., dict[str, Server]]) -> None:
    profiles(treasury=lambda seen: page([]))
    with pytest.warns(lk.IncompleteResult, match="2 of 4"):
        done = lk.archive("data", ["treasury", "nowhere"])
    assert done["error"].isna().tolist() == [True, True, False, False]
    assert "ConfigurationError: No credentials found for the profile nowhere" in done["error"].tolist()[2]
    assert "canary" not in done.to_string()


def test_why_a_profile_failed_is_said_once_and_not_for_each_list(profiles: Callable[..., dict[str, Server]]) -> None:
    profiles(treasury=lambda seen: page([]))
    with pytest.raises(lk.LedgerError, match="nowhere, transactions and requests: ConfigurationError") as raised:
        lk.archive("data", ["nowhere"])
    assert str(raised.value).count("No credentials found") == 1


def test_a_service_that_does_not_answer_stops_no_other(profiles: Callable[..., dict[str, Server]]) -> None:
    profiles(treasury=lambda seen: page([]), custody=lambda seen: Reply({"message": "no"}, status=401))
    with pytest.warns(lk.IncompleteResult, match="AuthenticationError"):
        done = lk.archive("data", ["treasury", "custody"], sections="transactions")
    assert done["error"].isna().tolist() == [True, False]


def test_an_interrupt_ends_all_of_them_and_waits_for_their_ends(
    workspaces: dict[str, lk.Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, ended = threading.Barrier(2, action=_thread.interrupt_main), []

    def hang(*_: Any, **__: Any) -> Any:
        watch = watching.current()
        assert watch is not None
        both.wait(timeout=30)
        assert watch.cancel.wait(timeout=30)
        ended.append(threading.current_thread())
        raise Cancelled

    for session in workspaces.values():
        monkeypatch.setattr(session.transactions, "archive", hang)
    with pytest.raises(KeyboardInterrupt):
        lk.archive(tmp_path, workspaces)
    assert len(ended) == 2
    # What was interrupted is free to be run again.
    monkeypatch.undo()
    assert lk.archive(tmp_path, workspaces)["error"].isna().all()
