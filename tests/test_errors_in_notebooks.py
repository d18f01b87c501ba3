"""An error of the kit in a notebook: its message and the reader's own line, not the frames of the kit."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import ledgerkit as lk
from ledgerkit.errors import ipython_shell
from ledgerkit.parallel import in_notebook

CONNECT = 'import ledgerkit as lk\n\nsession = lk.connect("sandbox", transactions=10)'
REFUSED = 'session.transactions.search(status="CONFIRMD")'
CELLS = [
    CONNECT,
    REFUSED,
    "%tb",
    "def mine(text):\n    return session.accounts.search(\n        name=text, status='OPEN'\n    )\n\nmine('a')",
    "1 / 0",
    "%xmode Verbose",
    REFUSED,
    "%xmode Context",
    "secret_of_mine = 'not-to-be-seen'\nlk.ReportingKey('', secret_of_mine)",
    "raise lk.NotFound('two\\nlines \\x1b[2J, and ' + 'a-word ' * 40 + 'f' * 130, call='GET /x')",
    "try:\n    mine('b')\nexcept lk.InvalidRequest as error:\n    raise RuntimeError('mine') from error",
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])  # type: ignore[no-untyped-call]  # nbformat has no types
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    NotebookClient(notebook, timeout=60, allow_errors=True, resources=where).execute()
    return list(notebook.cells)


def shown(cell: Any) -> list[str]:
    """Return the lines of what a cell ended with, without colours."""
    [error] = [output for output in cell.outputs if output.output_type == "error"]
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error.traceback)).split("\n")


def test_a_refused_call_shows_the_message_and_the_line_of_the_cell(cells: list[Any]) -> None:
    lines = shown(cells[1])
    assert lines[0].startswith("InvalidRequest: ")
    assert "CONFIRMD" in lines[0]
    assert lines[-4:] == ["Cell In[2], line 1", f"    {REFUSED}", "", "The whole traceback: %tb"]
    assert len(lines) < 12
    assert not [line for line in lines if "ledgerkit/" in line or "site-packages" in line]


def test_no_word_of_the_message_is_lost(cells: list[Any]) -> None:
    [error] = cells[1].outputs
    assert " ".join(shown(cells[1])).replace("  ", " ").startswith(f"InvalidRequest: {error.evalue}")


def test_every_traceback_of_the_kit_is_whole_with_tb_and_with_another_mode(cells: list[Any]) -> None:
    for cell in (cells[2], cells[6]):
        text = "\n".join([*(one.get("text", "") for one in cell.outputs), *(_error_text(cell))])
        assert "Traceback" in text
        assert "ledgerkit/filters.py" in text or "resources/transactions.py" in text


def _error_text(cell: Any) -> list[str]:
    return [re.sub(r"\x1b\[[\d;]*m", "", "\n".join(one.get("traceback", []))) for one in cell.outputs]


def test_the_way_through_the_readers_own_functions_is_shown(cells: list[Any]) -> None:
    lines = shown(cells[3])
    assert "Cell In[4], line 6" in lines
    assert "    mine('a')" in lines
    assert "Cell In[4], line 2, in mine" in lines


def test_other_errors_keep_their_traceback(cells: list[Any]) -> None:
    assert any("Traceback" in line for line in shown(cells[4]))
    assert shown(cells[4])[-1] == "ZeroDivisionError: division by zero"
    lines = shown(cells[10])
    assert lines[-1] == "RuntimeError: mine"
    assert any(line.startswith("InvalidRequest: ") for line in lines)


def test_no_value_of_a_variable_is_shown(cells: list[Any]) -> None:
    assert "not-to-be-seen" not in "\n".join(shown(cells[8]))
    assert "    lk.ReportingKey('', secret_of_mine)" in shown(cells[8])


def test_a_message_is_wrapped_and_obeyed_by_no_terminal(cells: list[Any]) -> None:
    [error] = cells[9].outputs
    lines = shown(cells[9])
    assert lines[0] == "NotFound: GET /x: two"
    assert r"\x1b[2J" in lines[1]
    assert "\x1b[2J" not in "\n".join(error.traceback)
    words = [line for line in lines if "a-word" in line and "raise" not in line]
    assert len(words) >= 3
    assert max(map(len, words)) <= 96
    assert "f" * 130 in lines  # an id is cut nowhere


def test_a_note_added_to_an_error_is_shown() -> None:
    error = lk.NotFound("there is none")
    error.add_note("it was looked for in May")
    assert error._render_traceback_()[:2] == ["\x1b[31mNotFound\x1b[39m: there is none", "it was looked for in May"]


def test_without_ipython_an_error_names_files_of_the_reader_alone(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    code = compile("from ledgerkit.errors import InvalidRequest\nraise InvalidRequest('no')", str(script), "exec")
    with pytest.raises(lk.InvalidRequest) as raised:
        exec(code, {})  # noqa: S102 - the code stands above
    assert "mine.py, line 2" in raised.value._render_traceback_()


def test_a_module_of_ipython_that_another_thread_still_imports_is_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    # A search beside the first approval of a process ended in an AttributeError of IPython.
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    assert not in_notebook()
    assert ipython_shell() is None
