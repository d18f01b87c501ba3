"""An archive read back is what the search gave, exactly."""

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from serving import Server

import ledgerkit as lk
from archives.handmade import TABLES, day, node, put
from archives.service import NOON, Service, at, ids, spread, transaction
from ledgerkit import watching
from ledgerkit.archives import folders, parts

SECTIONS = (
    "transactions",
    "requests",
    "accounts",
    "users",
    "groups",
    "whitelists",
    "entities",
    "labels",
    "messages",
    "digests",
)
OWN = ["workspace", "archived_at"]


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=OWN)


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with lk.connect("sandbox", transactions=700) as session:
        yield session


@pytest.mark.parametrize("section", SECTIONS)
def test_it_is_the_frame_of_the_search(sandbox: Any, folder: Path, section: str) -> None:
    searched = getattr(sandbox, section)
    searched.archive(folder)
    found, kept = searched.search(), lk.read_archive(folder, section)
    assert list(kept) == ["workspace", *found, "archived_at"]
    assert_frame_equal(plain(kept), found)
    assert kept["archived_at"].dtype == "datetime64[us, UTC]"
    assert kept["workspace"].dtype == "str"
    assert set(kept["workspace"]) == {sandbox.workspace}


@pytest.mark.parametrize("section", ["pledges", "settlements"])
def test_it_is_the_frame_of_a_search_without_dates_in_its_order(sandbox: Any, folder: Path, section: str) -> None:
    searched = getattr(sandbox, section)
    searched.archive(folder)
    searched.archive(folder)
    assert_frame_equal(plain(lk.read_archive(folder, section)), searched.search())


def test_after_a_day_of_the_sandbox_it_is_the_search_again(folder: Path) -> None:
    with lk.connect("sandbox", transactions=700) as session:
        session.transactions.archive(folder)
        session.requests.archive(folder)
        assert session.sandbox is not None
        session.sandbox.advance(24 * 3600)
        for section in ("transactions", "requests"):
            searched = getattr(session, section)
            searched.archive(folder)
            until = lk.read_archive(folder, section)["created_on"].max() + timedelta(microseconds=1)
            found = searched.search(created_before=until)
            assert_frame_equal(plain(lk.read_archive(folder, section)), found)


def test_a_reporting_key_archives_what_it_may_see(sandbox: Any, folder: Path) -> None:
    with lk.connect("sandbox", join=sandbox, family="reporting_key") as key:
        key.transactions.archive(folder)
        assert_frame_equal(plain(lk.read_archive(folder)), key.transactions.search())


NASTY: list[dict[str, Any]] = [
    {"amount": "1" + "0" * 45},
    {"amount": "-" + "9" * 38},
    {"amount": "9" * 38},
    {"amount": "1" + "0" * 38},
    {"amount": "-7"},
    {"amount": "0.100"},
    {"amount": "1E-9"},
    {"amount": "1E+30"},
    {"amount": None},
    {"amount": ""},
    {"amount": 10**27},
    {"senders": [], "notes": [{"title": '"quoted"', "content": "line\nbreak \N{GRINNING FACE} \x00"}]},
    {"labels": [1, 2.50, None, True, {"deep": [{"n": 10**40}]}]},
    {"block": {"details": {"fee": 0.1, "big": 2**80}, "height": 2**63 - 1, "time": "2026-01-01T00:00:00.000001Z"}},
    {"recipient": ""},
    {"recipient": "=1+1"},
    {"created_by": None},
    {"brand_new": {"a": 1.10}},
    {"brand_new": None, "archived_at": "mine", "workspace": "theirs"},
    {"only_null": None},
    {"amount_decimal": "5", "further": {"x": [1]}},
    {"coin_fields": {"type": "NEW", "unheard_of": "0.10", "tx_parameters": {"is_proxy": True}}},
    {"status": "STATE_OF_TOMORROW"},
]


def test_every_digit_null_list_and_unknown_field_comes_back(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path
) -> None:
    rows = [transaction(n, at("2026-02-03") + timedelta(hours=n)) | fields for n, fields in enumerate(NASTY, 1)]
    session = connect_to(serve(Service(rows)))
    session.transactions.archive(folder)
    found, kept = session.transactions.search(), lk.read_archive(folder)
    # A field of the service never takes the place of what the archive says.
    assert set(kept["workspace"]) == {"acme"}
    assert list(kept)[-1] == "archived_at"
    there = kept.drop(columns=OWN).rename(columns={"archived_at_": "archived_at", "workspace_": "workspace"})
    assert_frame_equal(there[list(found)], found)
    for name in found:
        for one, two in zip(found[name], there[name], strict=True):
            assert type(one) is type(two), name
            assert repr(one) == repr(two)
    amounts = dict(zip(kept["id"], kept["amount"], strict=True))
    assert amounts[1] == 10**45
    assert amounts[6] == Decimal("0.100")
    assert amounts[8] == 10**30


def test_no_rows_have_the_columns_of_many(folder: Path) -> None:
    put(folder, [node(1, "5", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    many, none = lk.read_archive(folder), lk.read_archive(folder, created_after="2027-01-01")
    assert len(none) == 0
    assert many.dtypes.to_dict() == none.dtypes.to_dict()


def test_bounds_are_half_open_and_read_only_the_files_of_their_months(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in (1, 2, 3, 4):
        rows = [node(10 * month + number, "1", f"2026-0{month}-0{number}T00:00:00Z") for number in (1, 2)]
        put(folder, rows, start=day(month), until=day(month + 1))
    opened: list[str] = []

    def noted(path: Path, original: Any = parts.read_whole) -> Any:
        opened.append(path.parent.name)
        return original(path)

    monkeypatch.setattr(parts, "read_whole", noted)
    frame = lk.read_archive(folder, created_after="2026-02-02", created_before="2026-03-02T00:00:00Z")
    assert ids(frame) == [31, 22]
    assert opened == ["month=02", "month=03"]


def test_several_workspaces_are_one_frame_newest_first(folder: Path) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z", extra="a")], workspace="acme", start=day(2), until=day(3))
    put(folder, [node(9, "2", "2026-02-01T00:00:00Z")], workspace="blue", start=day(2), until=day(3))
    put(folder, [node(5, "3", "2026-03-01T00:00:00Z", other=1)], workspace="blue", start=day(3), until=day(4))
    frame = lk.read_archive(folder)
    assert list(zip(frame["workspace"], frame["id"], frame["amount"], strict=True)) == [
        ("blue", 5, 3),
        ("acme", 5, 1),
        ("blue", 9, 2),
    ]
    assert list(frame)[-3:] == ["extra", "other", "archived_at"]
    assert list(frame["extra"].isna()) == [True, False, True]
    assert ids(lk.read_archive(folder, workspace="acme")) == [5]


def test_a_workspace_without_rows_changes_no_dtype(folder: Path) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], workspace="acme", start=day(2), until=day(3))
    one = lk.read_archive(folder)
    origin = replace(
        parts.kept_in(folder / "transactions" / "workspace=acme").parts[0].origin, identity="b", workspace="b"
    )
    parts.seal(folder, origin, [], since=None, until=day(3))
    assert lk.read_archive(folder).dtypes.to_dict() == one.dtypes.to_dict()


def test_a_row_that_is_there_twice_is_refused_by_its_id(folder: Path) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    put(folder, [node(5, "1", "2026-03-03T00:00:00Z")], start=day(3), until=day(4))
    with pytest.raises(lk.ContractViolation, match=r"twice.*: 5.*Archive again, which takes out the older.*stays"):
        lk.read_archive(folder)


@pytest.mark.parametrize("older_is_gone", [True, False])
def test_a_window_says_that_a_row_in_it_was_dated_anew(folder: Path, older_is_gone: bool) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3), gone=[5] if older_is_gone else [])
    put(
        folder,
        [node(5, "1", "2026-03-03T00:00:00Z"), node(6, "1", "2026-03-03T00:00:00Z")],
        start=day(3),
        until=day(4),
    )
    put(folder, [node(9, "1", "2026-04-03T00:00:00Z")], start=day(4), until=day(5), gone=[9])
    if older_is_gone:
        with pytest.raises(lk.ContractViolation, match=r"twice.*: 5"):
            lk.read_archive(folder, created_before="2026-03-01")
    # The newer one is what the service says; one that is merely gone is there once.
    assert ids(lk.read_archive(folder, created_after="2026-03-01")) == [9, 6, 5]


def test_a_first_run_that_did_not_end_is_told_also_where_it_wrote_no_file(folder: Path) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    with folders.held(parts.directory_of(folder, "transactions", "new")):
        pass
    with pytest.warns(lk.IncompleteResult, match="the beginning to the end of new"):
        frame = lk.read_archive(folder)
    assert frame.attrs["complete"] is False
    with pytest.warns(lk.IncompleteResult, match="transactions of new"):
        lk.query("select count(*) from transactions", folder)
    assert lk.read_archive(folder, workspace="acme").attrs["complete"] is True


def test_a_first_file_that_was_taken_away_is_not_where_the_archive_was_meant_to_begin(folder: Path) -> None:
    first = put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    put(folder, [node(6, "1", "2026-04-03T00:00:00Z")], start=day(4), until=day(5))
    assert lk.read_archive(folder).attrs["since"] is None
    first.unlink()
    with pytest.warns(lk.IncompleteResult, match="2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z of acme"):
        frame = lk.read_archive(folder)
    assert frame.attrs["since"] is None
    assert frame.attrs["complete"] is False
    assert lk.read_archive(folder, created_after="2026-03-01").attrs["complete"] is True


def test_how_far_back_it_was_meant_to_be_and_how_far_it_goes_is_said(folder: Path) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3), since=day(1))
    put(folder, [node(5, "1", "2026-03-03T00:00:00Z")], workspace="blue", start=day(3), until=day(4))
    attrs = lk.read_archive(folder).attrs
    assert (attrs["since"], attrs["until"]) == ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z")
    assert lk.read_archive(folder, workspace="blue").attrs["since"] is None
    with pytest.warns(lk.IncompleteResult, match="transactions of acme are archived from 2026-01-01T00:00:00Z on"):
        lk.read_archive(folder, created_after="2025-12-31")


@pytest.mark.parametrize("moment", ["mark_in", "files_in", "read_whole"])
def test_a_run_that_ends_while_it_is_read_does_not_make_what_was_read_complete(
    folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    put(folder, [node(6, "1", "2026-04-03T00:00:00Z")], start=day(4), until=day(5), ended=False)
    original = getattr(parts, moment)

    def meanwhile(*arguments: Any) -> Any:
        found = original(*arguments)
        monkeypatch.setattr(parts, moment, original)
        put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
        return found

    monkeypatch.setattr(parts, moment, meanwhile)
    with pytest.warns(lk.IncompleteResult, match="did not come to its end"):
        frame = lk.read_archive(folder)
    assert frame.attrs["complete"] is False
    assert lk.read_archive(folder).attrs["complete"] is True


def test_a_home_is_one_place_for_both_readers(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    assert len(lk.read_archive(f"~/{folder.name}")) == 1
    assert lk.query("select count(*) as n from transactions", f"~/{folder.name}")["n"].tolist() == [1]


@pytest.mark.parametrize("name", ["a\0b", "../x", "", "/etc"], ids=["nul", "up", "no", "root"])
def test_names_that_try_to_deceive_are_refused(folder: Path, name: str) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    with pytest.raises(lk.InvalidRequest):
        lk.read_archive(folder, name)
    with pytest.raises(lk.InvalidRequest):
        lk.read_archive(folder, workspace=name)


def test_a_list_without_dates_stays_in_the_order_of_the_search(folder: Path) -> None:
    put(folder, [{"id": "b"}, {"id": "c"}, {"id": "a"}], dataset="pledges")
    assert lk.read_archive(folder, "pledges")["id"].tolist() == ["b", "c", "a"]


def test_what_is_not_there_is_said_with_what_is(folder: Path) -> None:
    with pytest.raises(lk.InvalidRequest, match="holds no archive"):
        lk.read_archive(folder)
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    with pytest.raises(lk.InvalidRequest, match="there are: transactions"):
        lk.read_archive(folder, "requests")
    with pytest.raises(lk.InvalidRequest, match="there are: acme"):
        lk.read_archive(folder, workspace="acne")


def test_a_process_that_has_no_session_reads_every_list(folder: Path) -> None:
    for dataset in TABLES:
        put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], dataset=dataset, start=day(2), until=day(3))
    code = "import sys, ledgerkit as lk; [print(len(lk.read_archive(sys.argv[1], one))) for one in sys.argv[2:]]"
    command = [sys.executable, "-c", code, str(folder), *TABLES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - fixed code
    assert done.stdout.split() == ["1"] * len(TABLES)
    assert done.stderr == ""


def test_attrs_say_where_it_came_from(folder: Path) -> None:
    put(folder, [node(5, "1", "2026-02-03T00:00:00Z")], start=day(2), until=day(3))
    attrs = lk.read_archive(folder).attrs
    assert attrs["table"] == "transaction"
    assert attrs["complete"] is True
    assert attrs["workspace"] == "acme"
    assert attrs["count"] == 1


def test_whoever_reads_during_a_run_sees_whole_parts_and_no_row_twice(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path
) -> None:
    service = Service(spread(600, at("2025-10-01T01:00:00"), NOON), latency=0.002)
    session = connect_to(serve(service))
    session.transactions.archive(folder, created_after=NOON - timedelta(days=2))
    frames: list[pd.DataFrame] = []
    warned: list[str] = []
    failures: list[BaseException] = []
    over = threading.Event()

    def reads() -> None:
        try:
            while not over.is_set():
                with watching.watched(watching.Watch()) as watch:
                    frames.append(lk.read_archive(folder))
                    warned.extend(watch.warnings)
        except BaseException as error:  # noqa: BLE001 - raised by the test
            failures.append(error)

    reader = threading.Thread(target=reads)
    reader.start()
    for number in range(5):
        session.transactions.archive(folder)
        service.later(hours=30)
        service.add(transaction(1000 + number, service.now - timedelta(hours=1)))
    session.transactions.archive(folder)
    over.set()
    reader.join()
    assert failures == []
    assert len(frames) > 3
    # While the first months are read, it is said that some are missing.
    assert all("did not come to its end" in message for message in warned)
    assert all(frame["id"].is_unique for frame in frames)
    seen = [set(ids(frame)) for frame in frames]
    assert all(before <= after for before, after in pairwise(seen))
    assert set(ids(lk.read_archive(folder))) == set(service.rows)
