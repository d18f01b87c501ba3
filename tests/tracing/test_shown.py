"""What is shown of the wide tables of a trace, and what is said of the rest."""

from collections.abc import Callable
from pathlib import Path

import pytest
from serving import Reply

import ledgerkit as lk
from ledgerkit.tracing.shown import COLUMNS, narrowed
from tracing.small import HASH, OWN, RECIPIENT, Small

Open = Callable[[Small], lk.Session]
SINCE = "2025-12-01"


@pytest.mark.parametrize("what", [HASH, RECIPIENT, "account 1", "user 8", "group 3", "whitelist 4", "request 29"])
def test_of_wide_tables_few_columns_are_shown_and_the_others_counted(small: Open, what: str) -> None:
    trace = lk.trace(small(Small()), what, since=SINCE)
    for name, frame in narrowed(trace.tables).items():
        assert 0 < len(frame.columns) <= 14, name
        assert len(frame) == len(trace[name])
        hidden = len(trace[name].columns) - len(frame.columns)
        if hidden and len(frame):
            assert f"{name} {hidden}" in trace._repr_html_()


def test_what_matters_first_stands_first(small: Open) -> None:
    shown = narrowed(lk.trace(small(Small()), HASH, since=SINCE).tables)
    assert shown["transactions"].columns.tolist()[:4] == ["id", "created_on", "account_id", "account_name"]
    assert "fees_base" not in shown["transactions"]


def test_what_says_that_something_is_missing_is_shown_with_it(small: Open) -> None:
    workspace = Small()
    workspace.instead["/accounts/1/currency"] = Reply({"message": "not for you"}, status=403)
    trace = lk.trace(small(workspace), HASH, since=SINCE)
    assert "display_note" in narrowed(trace.tables)["transactions"]
    assert "failure" not in narrowed(trace.tables)["transactions"]
    assert "no unit known" in trace._repr_html_()


def test_a_page_says_which_columns_it_leaves_out_and_the_workbook_has_them(small: Open, tmp_path: Path) -> None:
    trace = lk.trace(small(Small()), HASH, since=SINCE)
    page = trace.to_html(tmp_path / "trace.html").read_text(encoding="utf-8")
    assert "Columns that are not shown here, and are in the workbook of to_excel: " in page
    assert ">fees_base<" not in page
    assert RECIPIENT in page
    assert HASH in page
    assert not any("not shown here" in note for note in trace.notes)


def test_candidates_are_shown_whole(small: Open) -> None:
    assert "not shown here" not in lk.trace(small(Small()), 29, since=SINCE)._repr_html_()


def test_names_stand_beside_their_ids(small: Open) -> None:
    columns = lk.trace(small(Small()), "whitelist 4", since=SINCE)["whitelist"].columns.tolist()
    assert columns[columns.index("created_by") + 1] == "created_by_name"


def test_the_columns_that_are_shown_are_columns_of_their_tables(small: Open) -> None:
    session = small(Small())
    for what in (HASH, OWN, "account 1", "request 29"):
        for name, frame in lk.trace(session, what, since=SINCE).tables.items():
            assert set(COLUMNS.get(name, ())) <= set(frame.columns) | {"username", "role", "description"}, name
