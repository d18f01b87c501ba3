"""The extension: before Sphinx looks for pages, the notebooks and the reference are put among them.

Both are made anew from what stands in the checkout, and neither is kept in git.
"""

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector

import ledgerkit
from building import reference

_RAISES = re.compile(r"^% raises: (\w+)\n\n(```python\n.*?^```\n)", re.MULTILINE | re.DOTALL)
# A bar of tqdm, as the text beside its widget.
_PROGRESS = re.compile(r"[^\n]*:\s+\d+%\|[^\n]*\|[^\n]*\[[^\n]*\]\s*$")
# What a form says of itself as text: its title, where it works, how far it is.
_FORM = re.compile(r"[^\n]+ · (SANDBOX|PRODUCTION|TENANT|LOCAL) · \w+(\n|$)")
FORM_IS = "A form. Run the notebook in JupyterLab (make lab) to see and use it; as text it says:"
ROOT = Path(ledgerkit.__file__).resolve().parents[1]
NOTEBOOKS = "notebooks"
REFERENCE = "reference"
GROUPS = {"": "Tutorials", "reports": "Reports", "investigations": "Investigations"}


def setup(app: Any) -> dict[str, Any]:
    """Say to Sphinx what this extension does."""
    app.connect("builder-inited", _lay)
    app.connect("source-read", _errors_told)
    app.connect("doctree-read", _tidied)
    app.connect("missing-reference", _by_its_last_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _errors_told(app: Any, name: str, source: list[str]) -> None:
    """Say below a block that ends with an error that it does: the mark above it is for the test that runs it."""
    source[0] = _RAISES.sub(r"\2\nThis ends with {py:exc}`~ledgerkit.\1`.\n", source[0])


def _tidied(app: Any, doctree: nodes.document) -> None:
    """Take out of outputs what is of the moment: bars of progress, and where the checkout is on this machine.

    The state of widgets goes too: no script is there to show them, and it holds what was in every form.
    """
    NbMetadataCollector.get_js_files(app.env, app.env.docname).pop("ipywidgets_state", None)
    _forms_told(doctree)
    for block in list(doctree.findall(nodes.literal_block)):
        if _PROGRESS.match(block.astext()):
            block.parent.remove(block)
        elif f"{ROOT}/" in block.astext():
            text = block.astext().replace(f"{ROOT}/", "")
            block.rawsource = text
            block.children = [nodes.Text(text)]


def _forms_told(doctree: nodes.document) -> None:
    """Say beside each form that it is one: without a script a page has its text alone."""
    for block in list(doctree.findall(nodes.literal_block)):
        if _FORM.match(block.astext()):
            block.parent.insert(block.parent.index(block), nodes.paragraph("", FORM_IS, classes=["lk-form-here"]))


def _by_its_last_names(app: Any, env: Any, node: Any, inside: Any) -> Any:
    """Resolve a name that a docstring shortens, as readers of the module may, where only one thing ends so."""
    if node.get("refdomain") != "py":
        return None
    domain, target = env.get_domain("py"), node.get("reftarget", "")
    places = {found.node_id: name for name, found in domain.objects.items() if name.endswith(f".{target}")}
    if len(places) > 1:
        places = {where: name for where, name in places.items() if name.startswith(f"{node.get('py:module')}.")}
    if len(places) != 1:
        return None
    [name] = places.values()
    return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], name, node, inside)


def _lay(app: Any) -> None:
    source = Path(app.srcdir)
    notebooks = {path.relative_to(ROOT / NOTEBOOKS).as_posix(): path for path in sorted(_notebooks())}
    laid = {name: path.read_bytes() for name, path in notebooks.items()}
    laid["index.md"] = _notebook_index(list(notebooks)).encode()
    _fill(source / NOTEBOOKS, laid)
    _fill(source / REFERENCE, {f"{name}.rst": text.encode() for name, text in reference.pages().items()})


def _notebooks() -> list[Path]:
    found = (ROOT / NOTEBOOKS).rglob("*.ipynb")
    return [path for path in found if ".ipynb_checkpoints" not in path.parts]


def _notebook_index(names: list[str]) -> str:
    text = [
        "# Notebooks",
        "",
        "These pages are the notebooks of the folder `notebooks/`, run when the documentation was built.",
        "`make lab` opens them in JupyterLab: all run on the embedded sandbox and need no credentials.",
    ]
    folders = {name.rpartition("/")[0] for name in names}
    order = list(GROUPS)
    for folder in sorted(folders, key=lambda one: (order.index(one) if one in order else len(order), one)):
        title = GROUPS.get(folder, folder.replace("_", " ").capitalize())
        listed = [name.removesuffix(".ipynb") for name in names if name.rpartition("/")[0] == folder]
        text += ["", f"```{{toctree}}\n:caption: {title}\n:maxdepth: 1\n", *listed, "```"]
    return "\n".join(text) + "\n"


def _fill(folder: Path, wanted: dict[str, bytes]) -> None:
    """Write what differs, so that Sphinx reads again only what changed, and remove what is no longer there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in wanted.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
        elif path.is_dir() and (not any(path.iterdir()) or path.name == ".ipynb_checkpoints"):
            shutil.rmtree(path)
