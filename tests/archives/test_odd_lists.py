"""Runs over lists, services and workspaces that are not as most are."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Server

import ledgerkit as lk
from archives.looking import PENDING, Connected, files, one
from archives.service import NOON, Service, at, ids, spread, transaction
from ledgerkit.archives import parts


@pytest.mark.parametrize("slice_rows", [1000, 20])
def test_a_service_that_goes_by_no_dates_is_archived_completely_and_once(
    archived: Connected, folder: Path, slice_rows: int
) -> None:
    rows = [transaction(number, at("2025-11-03") + timedelta(days=number)) for number in range(1, 61)]
    service = Service(rows, ignores=("created_after", "created_before"))
    one(archived(service)(slice_rows=slice_rows), rows=60)
    assert sorted(ids(lk.read_archive(folder))) == list(range(1, 61))


@pytest.mark.parametrize("how", ["ignores", "refuses"])
def test_a_service_that_knows_no_order_is_archived_completely(archived: Connected, folder: Path, how: str) -> None:
    rows = [transaction(number, at("2025-11-03") + timedelta(hours=number)) for number in range(1, 401)]
    options: dict[str, Any] = {how: ("order", "order_by")}
    one(archived(Service(rows, **options))(), rows=400, complete=True)
    assert ids(lk.read_archive(folder)) == list(range(400, 0, -1))


def test_nothing_is_written_of_an_empty_workspace(archived: Connected, folder: Path) -> None:
    run = archived(Service([]))
    done = run()
    one(done, rows=0, parts=0, open=0, complete=True)
    assert done["since"].isna().all()
    assert files(folder) == []
    assert list(lk.read_archive(folder)["id"]) == []
    filled = archived(Service([transaction(1, at("2026-03-05"))]))(into=folder / "other")
    assert done.dtypes.to_dict() == filled.dtypes.to_dict()


def test_a_row_without_a_date_is_refused_by_its_id(archived: Connected, folder: Path) -> None:
    rows = [transaction(1, at("2026-03-05")), {**transaction(77, NOON), "created_on": None}]
    with pytest.raises(lk.ContractViolation, match="the first of them is 77"):
        archived(Service(rows))()
    assert files(folder) == []


def test_rows_that_no_search_by_date_shows_are_told(archived: Connected, folder: Path) -> None:
    rows = [transaction(1, at("2026-03-05")), {**transaction(77, NOON), "created_on": None}]
    run = archived(Service(rows, shows_undated=False))
    for _ in range(2):
        with pytest.warns(
            lk.IncompleteResult, match="archive has 1 that .* 0 are newer, and all in all it counts 2.*again="
        ):
            one(run(), rows=1, complete=False)
    with pytest.warns(lk.IncompleteResult):
        lk.read_archive(folder)


@pytest.mark.parametrize("slice_rows", [1000, 20])
@pytest.mark.parametrize("counted", [lambda rows: 0, lambda rows: min(rows, 1)], ids=["nothing", "one"])
def test_a_count_that_its_page_shows_to_be_wrong_is_not_believed(
    archived: Connected, folder: Path, slice_rows: int, counted: Callable[[int], int]
) -> None:
    service = Service(spread(150, at("2026-02-01"), at("2026-03-10")), counted=counted)
    run = archived(service)
    with pytest.warns(lk.IncompleteResult):
        one(run(slice_rows=slice_rows), rows=150, complete=False)
    service.add(transaction(999, at("2026-02-11T11:11:11")))
    with pytest.warns(lk.IncompleteResult):
        one(run(slice_rows=slice_rows), rows=151, new=1, complete=False)
    service.counted = int
    one(run(slice_rows=slice_rows), rows=151, complete=True)
    assert sorted(ids(lk.read_archive(folder))) == [*range(1, 151), 999]


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00", "0001-01-31T00:00:00", "0987-06-05T00:00:00"])
def test_a_row_from_the_beginning_of_the_calendar_is_archived(archived: Connected, folder: Path, date: str) -> None:
    service = Service([transaction(1, at(date), **PENDING), transaction(2, at("2026-03-05"))])
    run = archived(service)
    one(run(), rows=2, complete=True)
    service.later(days=1)
    service.add(transaction(3, NOON))
    one(run(), rows=3, new=1, changed=0, complete=True)
    kept = lk.read_archive(folder).set_index("id")
    assert kept["created_on"][1] == pd.Timestamp(at(date))


@pytest.mark.parametrize("what", ["service", "family"])
def test_rows_of_another_origin_are_refused_before_anything_is_asked(
    archived: Connected, serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path, what: str
) -> None:
    service = Service([transaction(1, at("2026-03-05"))])
    run = archived(service)
    run()
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    server = serve(service)
    credentials = lk.LAM("lam-user") if what == "family" else None
    session = connect_to(server, credentials)
    service.asked()
    name = "acme"
    if what == "family":
        run_there = run.session.base_url  # type: ignore[attr-defined]  # see conftest
        session = lk.Session(lk.LAM("lam-user"), base_url=run_there)
    with session, pytest.raises(lk.ConfigurationError, match=r"another folder, or under another name=") as caught:
        session.transactions.archive(folder, name=name)
    assert service.asked() == {}
    there, here = ("'reporting_key'", "'lam'") if what == "family" else (run.session.base_url, session.base_url)  # type: ignore[attr-defined]  # see conftest
    assert there in str(caught.value)
    assert here in str(caught.value)
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before


def test_a_lam_must_say_what_the_workspace_is_called(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path
) -> None:
    server = serve(Service([transaction(1, at("2026-03-05"))]))
    session = connect_to(server, lk.LAM("lam-user"))
    with pytest.raises(lk.InvalidRequest, match="give name="):
        session.transactions.archive(folder)
    assert server.seen == []
    one(session.transactions.archive(folder, name="treasury"), workspace="treasury", rows=1)
    assert list(lk.read_archive(folder)["workspace"]) == ["treasury"]


@pytest.mark.parametrize("name", ["../../escape", "a/b", "..", "Zürich & co", "x=y", "100%"])
def test_a_name_that_is_no_name_of_a_folder_stays_inside(archived: Connected, folder: Path, name: str) -> None:
    archived(Service([transaction(1, at("2026-03-05"))]))(name=name)
    [path] = folder.parent.rglob("*.parquet")
    assert len(path.relative_to(folder).parts) == 5
    assert list(lk.read_archive(folder)["workspace"]) == [name]
    assert list(lk.read_archive(folder, workspace=name)["id"]) == [1]


@pytest.mark.parametrize("name", ["", " ", "x" * 100, "a\nb", 7])
def test_a_name_that_can_not_be_one_is_refused(archived: Connected, folder: Path, name: Any) -> None:
    with pytest.raises(lk.InvalidRequest):
        archived(Service([]))(name=name)
    assert not folder.exists()


def test_a_list_without_end_states_is_read_again_at_once(archived: Connected, folder: Path) -> None:
    rows = [{"id": n, "name": f"group {n}", "created_on": f"2026-0{n}-05T00:00:00Z"} for n in (1, 2, 3)]
    service = Service(rows, path="/groups")
    run = archived(service)
    one(run("groups"), rows=3, open=3, parts=3)
    service.later(hours=1)
    service.rows[2]["name"] = "renamed"
    service.asked()
    one(run("groups"), rows=3, changed=1)
    assert service.asked() == {"count": 3, "page": 1}
    assert list(lk.read_archive(folder, "groups")["name"]) == ["group 3", "renamed", "group 1"]


def test_a_long_list_without_end_states_is_read_again_part_by_part(archived: Connected, folder: Path) -> None:
    rows = [{"id": n, "name": f"user {n}", "created_on": f"2026-01-{n:02}T10:00:00Z"} for n in range(1, 31)]
    service = Service(rows, path="/groups")
    run = archived(service)
    one(run("groups", slice_rows=10), rows=30, new=30)
    assert len(files(folder)) >= 3
    service.later(hours=1)
    for row in service.rows.values():
        row["name"] = "renamed"
    one(run("groups", slice_rows=10), rows=30, changed=30)
    assert set(lk.read_archive(folder, "groups")["name"]) == {"renamed"}


def test_a_list_without_dates_keeps_its_order(archived: Connected, folder: Path) -> None:
    rows = [{"id": f"0000000{n}-0000-4000-8000-000000000000", "status": "ACTIVE"} for n in (3, 1, 2)]
    service = Service(rows, path="/pledges")
    run = archived(service)
    run("pledges")
    assert [text[7] for text in lk.read_archive(folder, "pledges")["id"]] == ["3", "1", "2"]
    service.remove(rows[0]["id"])
    service.rows = {row["id"]: row for row in (*reversed(rows[1:]), {**rows[0], "id": "4" * 8 + rows[0]["id"][8:]})}
    with pytest.warns(lk.NoLongerListed):
        run("pledges")
    assert [text[7] for text in lk.read_archive(folder, "pledges")["id"]] == ["2", "1", "4", "3"]


def test_a_file_of_an_older_kit_is_written_anew_where_it_lacks_a_column(
    archived: Connected, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service([transaction(1, at("2026-03-05"), maker_note="hello"), transaction(2, at("2026-02-05"))])
    run = archived(service)
    run()
    table = type(run.session.transactions).search.table  # type: ignore[attr-defined]  # see conftest
    newer = table.extended(after={"maker_note": "text"})
    monkeypatch.setattr(type(run.session.transactions).search, "table", newer)  # type: ignore[attr-defined]  # see conftest
    one(run(), rows=2, changed=0)
    [path] = folder.rglob("202603*.parquet")
    part, rows = parts.read_whole(path)
    assert part.further == []
    assert rows["maker_note"].to_pylist() == ["hello"]


def test_a_list_without_dates_is_one_file(archived: Connected, folder: Path) -> None:
    rows = [{"id": f"0000000{n}-0000-4000-8000-000000000000", "status": "ACTIVE"} for n in (3, 1, 2)]
    service = Service(rows, path="/pledges")
    run = archived(service)
    one(run("pledges"), rows=3, parts=1, complete=True)
    assert files(folder) == ["pledges/workspace=acme/all.parquet"]
    service.remove(rows[0]["id"])
    service.add({"id": "00000004-0000-4000-8000-000000000000", "status": "ACTIVE"})
    with pytest.warns(lk.NoLongerListed, match="00000003-"):
        one(run("pledges"), rows=4, new=1, no_longer_listed=1)
    one(run("pledges"), rows=4, new=0, no_longer_listed=1)
    with pytest.raises(lk.InvalidRequest, match="can't be searched by date"):
        run("pledges", created_after="2026-01-01")


@pytest.mark.parametrize("section", ["currencies", "api_users", "compliance", "organization"])
def test_what_has_no_list_of_rows_with_ids_is_refused(archived: Connected, folder: Path, section: str) -> None:
    with pytest.raises(lk.Unsupported, match=f"session.{section}"):
        archived(Service([]))(section)
    assert not folder.exists()
