"""How Sphinx builds the documentation; `make docs` does."""

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

import ledgerkit  # noqa: E402 - it is found by the line above

project = "ledgerkit"
author = "the authors of ledgerkit"
release = version = ledgerkit.__version__
language = "en"

extensions = ["building.pages", "myst_nb"]
exclude_patterns = ["_build", "building", "**/.ipynb_checkpoints", "jupyter_execute"]
nitpicky = True
# Exceptions and types of Python itself are named in docstrings, and are documented elsewhere.
nitpick_ignore_regex = [("py:.*", r"(collections|datetime|decimal|pathlib|typing|pandas|ipywidgets)\..*")]

html_theme = "furo"
html_title = "ledgerkit"
html_static_path = ["_static"]
html_css_files = ["ledgerkit.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
# The address of the repository is nowhere written down, so that a page has no link to edit it.
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Headings can be linked to, as in `open-questions.md#the-heading`.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]

# Notebooks are run by `make docs`, and kept until they or the kit change: an output of another kit would be untrue.
# The tests build without running them.
nb_execution_mode = "cache"
_kit = hashlib.sha256()
for _path in sorted(Path(ledgerkit.__file__).parent.rglob("*")):
    if _path.suffix in (".py", ".js", ".css"):
        _kit.update(_path.read_bytes())
nb_execution_cache_path = str(HERE / "_build" / "outputs" / _kit.hexdigest()[:16])
nb_execution_timeout = 180
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_render_error_lexer = "text"  # the message of an error is a sentence, and no Python
nb_merge_streams = True
# A page loads nothing from elsewhere: widgets would need a script from a CDN, so they show as the text that they have
# beside them, and charts as the drawing that stands beside each.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
suppress_warnings = ["mystnb.unknown_mime_type"]  # of charts, whose drawing is shown
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "application/javascript", None),
    ("html", "image/svg+xml", 1),
]

linkcheck_anchors = False
linkcheck_timeout = 20
# Addresses of examples, and of machines that no reader has.
linkcheck_ignore = [r"https?://(localhost|127\.0\.0\.1|.*\.example)(:\d+)?(/.*)?"]
