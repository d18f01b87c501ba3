"""Every notebook runs from top to bottom in a kernel of its own, shows no secret, and is stored without outputs."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from ledgerkit.sandbox import Sandbox

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
ALL = sorted(
    path.relative_to(NOTEBOOKS).as_posix()
    for path in NOTEBOOKS.rglob("*.ipynb")
    if ".ipynb_checkpoints" not in path.parts  # JupyterLab's copies of what was saved last
)
# Secrets of the sandbox begin so, in its own words; and every private key on P-256, as PEM (SEC1, PKCS#8) or its hex.
SECRETS = re.compile(r"(?<![\w-])sandbox-[\w-]{14}|MHcCAQEE|MIGHAgEA|4d48634341514545", re.IGNORECASE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


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
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in shown if output.output_type == "stream" and output.name == "stderr"] == []
    # JupyterLab saves all of it.
    assert SECRETS.findall(json.dumps(shown)) == []
    if any(cell.source == "answer = ..." for cell in notebook.cells):
        assert shown[-1].data["text/plain"].startswith("Not answered yet: ")


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


@pytest.mark.parametrize("name", ALL)
def test_the_links_of_a_notebook_lead_to_files(name: str) -> None:
    texts = [cell.source for cell in read(name).cells if cell.cell_type == "markdown"]
    links = [link for text in texts for link in LINK.findall(text) if "://" not in link and not link.startswith("#")]
    folder = (NOTEBOOKS / name).parent
    assert [link for link in links if not (folder / link.partition("#")[0]).exists()] == []


def test_the_first_notebook_leads_to_all_others() -> None:
    linked = {link for cell in read(ALL[0]).cells for link in LINK.findall(cell.source)}
    assert set(ALL[1:]) - linked == set()


@pytest.mark.parametrize("secret", ["key_id", "key_secret", "private_key_pem", "hex"])
def test_a_secret_would_be_seen(secret: str) -> None:
    with_secrets = Sandbox(transactions=10).credentials.api_users[0]
    text = with_secrets.private_key_pem.encode().hex() if secret == "hex" else getattr(with_secrets, secret)
    assert SECRETS.search(json.dumps([{"data": {"text/plain": text}}]))
