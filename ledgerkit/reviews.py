"""A challenge beside what was meant: shown whole, and required to match before anything is signed."""

import html
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

import pandas as pd

from ledgerkit.decoding import Challenge, Level, Verb
from ledgerkit.errors import ReviewFailed
from ledgerkit.showing import address, amount, beside, page, visible

Basis = Literal["your draft", "your statement", "the request itself (consistency only)", "nothing"]
Verdict = Literal[
    "match", "differs", "missing_in_challenge", "missing_in_intent", "not_stated", "not_signed", "not_compared"
]
ADDRESSES: Final = {"recipient", "contract_address", "address", "token_mint"}
AMOUNTS: Final = {"amount", "max_fees", "max_priority_fee", "gas_limit", "gas_price", "priority_fees"}
# Letters of another alphabet may look like those of the name or the address that was meant.
_SPELLED: Final = {*ADDRESSES, "account_name", "currency", "exchange_name", "name", "policy_name"}

_QUIET: tuple[Verdict, ...] = ("match", "not_stated", "not_signed")
_WORDS: dict[Verdict, str] = {
    "match": "equal",
    "differs": "DIFFERS",
    "missing_in_challenge": "MISSING in what would be signed",
    "missing_in_intent": "NOT MEANT",
    "not_stated": "not stated: look at it",
    "not_signed": "not part of what is signed",
    "not_compared": "look at it",
}
_LEVELS: dict[Level, str] = {
    "documented": "a kind of challenge that is documented",
    "assumed": "a kind of challenge of which there is no documented sample: its shape is assumed",
    "display": "a text for display of which only a part can be compared, in an assumed unit",
    "unknown": "a challenge of unknown shape: look at every field of it",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A field as it was meant and as it would be signed; None where it is missing."""

    field: str
    meant: str | None
    to_be_signed: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, repr=False)
class Review:
    """A challenge beside what was meant.

    Attributes
    ----------
    matches
        Whether the shape is documented or assumed and every field of either side has its equal on the other.
    level
        How well the shape of the challenge is known.
    basis
        What it was compared with.
    verb
        What the signature is wanted for.
    """

    challenge: Challenge
    rows: tuple[Row, ...]
    level: Level
    basis: Basis
    verb: Verb

    @property
    def matches(self) -> bool:
        """Whether what would be signed is what was meant, in all its fields."""
        return self.level in ("documented", "assumed") and not self._unequal()

    def require(self, *, assumed: bool = False, unknown: bool = False) -> None:
        """Raise unless this may be signed.

        Parameters
        ----------
        assumed
            A person has looked at it, and agrees that the shape of the challenge is only assumed.
        unknown
            The same for a text for display, or a challenge of unknown shape, which can't be compared as a whole. A
            field that differs stops these too.

        Raises
        ------
        ReviewFailed
            With the fields in ``details["fields"]`` and the level in ``details["level"]``.
        """
        known = self.level in ("documented", "assumed")
        if stopping := [row for row in self._unequal() if known or row.verdict == "differs"]:
            listed = "; ".join(f"{row.field}: {_said(row)}" for row in stopping)
            self._fail(
                f"what would be signed is not what was meant ({self.basis}). {listed}. Do not sign it", stopping
            )
        if self.level == "assumed" and not assumed:
            self._fail(f"{self._found()}, but this is {_LEVELS['assumed']}. Look at it, and agree with assumed=True")
        if not known and not unknown:
            self._fail(f"this is {_LEVELS[self.level]}. Look at it, and agree with unknown=True")

    def table(self) -> pd.DataFrame:
        """Return the fields as a frame: field, meant, to_be_signed, verdict."""
        rows = [(row.field, row.meant, row.to_be_signed, row.verdict) for row in self.rows]
        return pd.DataFrame(rows, columns=["field", "meant", "to_be_signed", "verdict"], dtype="str")

    def _unequal(self) -> list[Row]:
        return [row for row in self.rows if row.verdict not in _QUIET]

    def _fail(self, why: str, rows: list[Row] | None = None) -> NoReturn:
        fields = [row.field for row in rows or ()]
        raise ReviewFailed(f"{why}. Nothing was signed.", fields=fields, level=self.level)

    def _sentence(self) -> str:
        if self.basis == "nothing":
            return f"Nothing was given to compare this with. To {self.verb}: {_LEVELS[self.level]}."
        return f"{self._found()}. To {self.verb}: {_LEVELS[self.level]}."

    def _found(self) -> str:
        if unequal := len(self._unequal()):
            return f"{unequal} of {len(self.rows)} fields are not as meant, compared with {self.basis}"
        unstated = self._unstated()
        if not unstated:
            return f"Every field is as meant, compared with {self.basis}"
        # The type of the challenge follows from what was asked for: nobody states it.
        equal = sum(row.verdict == "match" and row.field != "type" for row in self.rows)
        source = "you stated" if self.basis == "your statement" else f"in {self.basis}"
        fields = "1 field is" if equal == 1 else f"{equal} fields are"
        return (
            f"{fields} as {source}; {len(unstated)} {'was' if len(unstated) == 1 else 'were'} not stated: "
            f"{', '.join(unstated)}"
        )

    def _unstated(self) -> list[str]:
        return [visible(row.field) for row in self.rows if row.verdict == "not_stated"]

    def _colour(self) -> str:
        if not self.matches:
            return "error"
        # What nobody stated, or the service alone says, is left to the eye.
        known = self.basis in ("your draft", "your statement") and not self._unstated()
        return "success" if known else "warn"

    def __repr__(self) -> str:
        names = [visible(row.field) for row in self.rows]
        wide = max(map(len, names), default=0)
        lines = [f"{name:<{wide}}  {_said(row)}" for name, row in zip(names, self.rows, strict=True)]
        return "\n".join([self._sentence(), *lines])

    def _repr_html_(self) -> str:
        cells = "".join(_html_row(row) for row in self.rows)
        loud = self._colour()
        heads = "".join(
            f"<th style='text-align:left'>{name}</th>" for name in ("field", "meant", "would be signed", "")
        )
        return page(
            "review",
            f"<p style='border-left:4px solid var(--jp-{loud}-color1,currentColor);padding:4px 8px;margin:4px 0'>"
            f"{html.escape(self._sentence())}</p><table style='margin:4px 0;font-variant-numeric:tabular-nums'>"
            f"<thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table>",
        )


def _said(row: Row) -> str:
    if row.verdict in ("match", "not_stated", "not_compared"):
        return f"{_value(row, row.to_be_signed)} ({_WORDS[row.verdict]})"
    if row.verdict == "not_signed":
        return f"{_value(row, row.meant)} ({_WORDS[row.verdict]})"
    meant, signed = (_value(row, value, quoted=True) for value in (row.meant, row.to_be_signed))
    return f"{_WORDS[row.verdict]}: meant {meant}, would be signed {signed}"


def _value(row: Row, value: str | None, *, quoted: bool = False) -> str:
    if value is None:
        return "nothing"
    shown = visible(value)
    return f"{shown!r}{_beside(row, value)}" if quoted else f"{shown}{_beside(row, value)}"


def _beside(row: Row, value: str) -> str:
    return beside(value) if _name(row) in _SPELLED else ""


def _name(row: Row) -> str:
    return row.field.rsplit(".", 1)[-1]


def _html_row(row: Row) -> str:
    quiet = row.verdict in (*_QUIET, "not_compared")
    style = "opacity:.8" if quiet else "border:1px solid var(--jp-error-color1,currentColor);font-weight:600"
    words = "" if row.verdict == "match" else html.escape(_WORDS[row.verdict])
    side = "right" if _name(row) in AMOUNTS else "left"
    cells = [
        (html.escape(visible(row.field)), "left"),
        (_html_value(row, row.meant), side),
        (_html_value(row, row.to_be_signed), side),
        (words, "left"),
    ]
    return (
        f"<tr style='{style}'>"
        + "".join(f"<td style='text-align:{side};vertical-align:top'>{cell}</td>" for cell, side in cells)
        + "</tr>"
    )


def _html_value(row: Row, value: str | None) -> str:
    if value is None:
        return "—"
    if _name(row) in ADDRESSES:
        return address(value) + html.escape(_beside(row, value))
    if _name(row) in AMOUNTS:
        return amount(value)
    font = "font-family:var(--jp-code-font-family,monospace);word-break:break-all;white-space:pre-wrap"
    return f"<span style='{font}'>{html.escape(_value(row, value))}</span>"
