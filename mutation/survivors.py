"""Mutants that no test noticed, and why some of them may live."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

# A text of three words or more is read by people: in which case it is written, changes no number.
_WORDING = re.compile(r'"([^"]*)"')


@dataclass(frozen=True)
class Survivor:
    """A change that no test noticed: in which function, the lines as they are, and as they were changed."""

    module: str
    function: str
    was: str
    now: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by in `accepted.toml`."""
        return self.function, self.was, self.now

    @property
    def is_wording(self) -> bool:
        """Whether nothing is changed but the case of a text of three words or more, or a mark around it."""
        was, now = _WORDING.findall(self.was), _WORDING.findall(self.now)
        if _WORDING.sub('""', self.was) != _WORDING.sub('""', self.now):
            return False
        changed = [(a, b) for a, b in zip(was, now, strict=True) if a != b]
        return all(len(a.split()) >= 3 and (b == f"XX{a}XX" or a.casefold() == b.casefold()) for a, b in changed)


def accepted(path: Path, module: str) -> dict[tuple[str, str, str], str]:
    """Return the reasons why survivors of a module do not matter, by what each of them changes."""
    entries = tomllib.loads(path.read_text()).get(module, []) if path.exists() else []
    return {(one["function"], one["was"].strip(), one["now"].strip()): one["reason"] for one in entries}


def stanza(one: Survivor) -> str:
    """Return what to write into `accepted.toml`, after the reason has been found."""
    was, now = (f"'''{text}'''" if "\n" not in text else f"'''\n{text}\n'''" for text in (one.was, one.now))
    return f'[[{one.module}]]\nfunction = "{one.function}"\nwas = {was}\nnow = {now}\nreason = ""\n'
