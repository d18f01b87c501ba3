"""Every notebook runs from top to bottom in a kernel of its own, and is stored without outputs."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
ALL = sorted(path.relative_to(NOTEBOOKS).as_posix() for path in NOTEBOOKS.rglob("*.ipynb"))


def read(name: str) -> Any:
    return nbformat.read(NOTEBOOKS / name, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types


def test_there_are_notebooks() -> None:
    assert "00_start_here.ipynb" in ALL


@pytest.mark.parametrize("name", ALL)
def test_a_notebook_runs_from_top_to_bottom(name: str) -> None:
    notebook = read(name)
    # The working directory is the notebook's own, as in JupyterLab.
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str((NOTEBOOKS / name).parent)}})
    client.execute()
    said = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert said == []


@pytest.mark.parametrize("name", ALL)
def test_a_notebook_is_stored_without_outputs(name: str) -> None:
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("name", ALL)
def test_the_first_cells_of_a_notebook_need_no_credentials(name: str) -> None:
    sources = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")
    assert 'lk.connect("sandbox"' in sources
