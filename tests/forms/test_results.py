"""What a search found: the count of rows, the table, and what its buttons write."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

import ledgerkit as lk
from ledgerkit.forms.code import CodeBox
from ledgerkit.forms.results import Results, counted, empty
from ledgerkit.forms.style import style
from ledgerkit.forms.views import view
from ledgerkit.forms.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_frame_is_shown_with_its_count_and_its_files(session: lk.Session, workspace: Workspace) -> None:
    results = Results(workspace)
    results.show(session.requests.search(status="PENDING_APPROVAL"))
    results.wait()
    assert results.state == "done"
    assert f"{results.table.total:,} rows, complete" in results.count.value
    assert results.table.rows[0][3]["state"] == "waiting"
    assert results.saving.layout.display is None


def test_a_limit_is_said_and_so_is_what_may_be_missing(session: lk.Session) -> None:
    limited = session.transactions.search(limit=50)
    assert counted(limited)[0].startswith("newest 50 rows only: the limit is 50")
    limited.attrs["complete"] = False
    text, sure = counted(limited)
    assert text.startswith("50 rows, perhaps not complete")
    assert not sure


def test_a_row_that_could_not_be_read_is_counted(session: lk.Session, workspace: Workspace) -> None:
    frame = session.accounts.get([1, 99_999])
    assert counted(frame) == ("2 rows; 1 could not be read, see the column Error", False)
    results = Results(workspace)
    results.show(frame, view(workspace, frame))
    assert [column["name"] for column in results.table.columns][-1] == "error"


def test_nothing_says_which_filters_were_set_and_what_to_try(session: lk.Session, workspace: Workspace) -> None:
    frame = session.transactions.search(created_after="2099-01-01")
    results = Results(workspace)
    results.show(frame)
    results.wait()
    assert "created_after = 2099-01-01" in results.table.empty
    assert "the key sees only what its role" in results.table.empty
    assert results.saving.layout.display == "none"
    assert "No filter was set" in empty(pd.DataFrame())


def test_rows_of_before_do_not_stay_where_the_next_fail(
    session: lk.Session, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = Results(workspace)
    results.show(session.users.search())
    results.wait()
    other = session.groups.search()
    other.attrs["workspace"] = "another"
    results.show(other)
    results.wait()
    assert results.state == "failed"
    assert "another workspace" in results.message
    assert results.table.rows == []
    assert results.count.value == ""


def test_what_cannot_be_looked_up_is_said_and_the_rows_are_shown(
    session: lk.Session, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise lk.PermissionDenied("this key may not see accounts", call="GET /accounts")

    monkeypatch.setattr(workspace.directory, "units", refused)
    results = Results(workspace)
    results.show(session.transactions.search(limit=5))
    results.wait()
    assert len(results.table.rows) == 5
    assert results.message_kind == "warning"
    assert "no units could be looked up: GET /accounts: this key may not see accounts" in results.message
    amount = [column["name"] for column in results.table.columns].index("amount")
    assert results.table.rows[0][amount]["text"].endswith("base units")


def test_a_link_that_fails_says_so(session: lk.Session, workspace: Workspace) -> None:
    def fails(kind: str, id: Any) -> None:
        raise lk.NotFound(f"there is no {kind} {id}")

    results = Results(workspace, on_open=fails)
    results.show(session.users.search(limit=1))
    results.wait()
    link = results.table.rows[0][0]["link"]
    results.table._handle_custom_msg({"open": link}, [])
    assert results.message == f"there is no user {link['id']}"


def test_a_click_writes_a_new_file_and_says_where(session: lk.Session, workspace: Workspace, folder: Path) -> None:
    frame = session.transactions.search(limit=30)
    results = Results(workspace)
    results.show(frame, view(workspace, frame))
    results.file_name.value = "march"
    for _ in range(2):
        results.buttons["csv"].click()
        results.wait()
    assert results.message == f"30 rows were written to {folder / 'march-2.csv'}."
    assert sorted(path.name for path in folder.iterdir()) == ["march-2.csv", "march.csv"]
    pd.testing.assert_frame_equal(lk.read_csv(folder / "march.csv"), frame, check_flags=False)


def test_a_file_has_the_rows_that_the_table_found_and_says_how_many_it_left_out(
    session: lk.Session, workspace: Workspace, folder: Path
) -> None:
    frame = session.users.search()
    results = Results(workspace)
    results.show(frame, view(workspace, frame))
    results.table.query = "amelia"
    results.table.sort_column = "id"
    results.file_name.value = "amelia"
    results.buttons["csv"].click()
    results.wait()
    found = results.table.matching
    assert 0 < found < len(frame)
    assert results.message.startswith(f"{found} of {len(frame)} rows, those that have “amelia”, were written to")
    assert lk.read_csv(folder / "amelia.csv")["id"].is_monotonic_increasing
    assert len(lk.read_csv(folder / "amelia.csv")) == found


@pytest.mark.parametrize("name", ["", "../march", "a/b", "C:\\march", ".march", "march\n", "x" * 300])
def test_a_name_that_is_none_is_refused_with_the_way_out(
    session: lk.Session, workspace: Workspace, folder: Path, name: str
) -> None:
    frame = session.users.search(limit=1)
    results = Results(workspace)
    results.show(frame, view(workspace, frame))
    results.file_name.value = name if name != "march\n" else "mar\u202ech"
    results.buttons["csv"].click()
    assert results.state == "failed"
    assert "Take letters, digits, - and _." in results.message
    assert list(folder.iterdir()) == []


def test_a_second_click_while_a_file_is_written_writes_no_second_one(
    session: lk.Session, workspace: Workspace, folder: Path
) -> None:
    frame = session.users.search(limit=1)
    results = Results(workspace)
    results.show(frame, view(workspace, frame))
    results.buttons["csv"].click()
    results.buttons["csv"].click()
    results.wait()
    assert len(list(folder.iterdir())) == 1


def test_another_search_does_not_hide_where_a_file_went(
    session: lk.Session, workspace: Workspace, folder: Path
) -> None:
    frame = session.users.search(limit=2)
    results = Results(workspace)
    results.show(frame, view(workspace, frame))
    results.file_name.value = "users"
    results.buttons["csv"].click()
    results.clear()
    results.wait()
    assert results.message == f"2 rows were written to {folder / 'users.csv'}."


def test_results_leave_no_widget_behind(session: lk.Session, workspace: Workspace) -> None:
    def alive() -> set[str]:
        return set(_instances)

    style()  # shared by all forms: it stays
    before = alive()
    results = Results(workspace)
    results.show(session.users.search(limit=1))
    results.wait()
    results.close()
    assert alive() == before


def test_code_is_shown_as_it_is() -> None:
    assert CodeBox('session.users.search(role="ADMIN")').code == 'session.users.search(role="ADMIN")'
