"""The Python of a guide: its fenced blocks in order, and what stands above them says whether one is run.

``% not run: <reason>`` above a block leaves it out, ``% raises: <error>`` says that it ends with an error.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ABOVE = re.compile(r"^% (not run|raises): (.+)\n+\Z", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of Python: where it begins, what it says, and what is expected of it."""

    line: int
    code: str
    not_run: str | None = None
    raises: str | None = None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        above = _ABOVE.search(text[: match.start()])
        said = {above[1]: above[2].strip()} if above else {}
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(line, match[1], said.get("not run"), said.get("raises")))
    return found


def run(page: Path, into: dict[str, object]) -> None:
    """Run the blocks of a page one after the other, as a reader would in one notebook."""
    import ledgerkit as lk

    for block in blocks(page):
        if block.not_run:
            continue
        # Lines of a traceback are those of the page.
        code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
        try:
            exec(code, into)  # noqa: S102 - the pages are ours, and running them is what is tested
        except lk.LedgerError as error:
            if block.raises != type(error).__name__:
                raise
        else:
            assert block.raises is None, f"{page.name}:{block.line} was to end with {block.raises}"
