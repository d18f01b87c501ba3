"""A challenge beside what was meant: shown whole, and required to match before anything is signed."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

import pandas as pd

from ledgerkit.coins import magnitude_of
from ledgerkit.decoding import Challenge, Level, Verb
from ledgerkit.errors import ReviewFailed
from ledgerkit.showing import address, amount, beside, page, told, visible

Basis = Literal["your draft", "your statement", "the request itself (consistency only)", "nothing"]
Verdict = Literal[
    "match", "differs", "missing_in_challenge", "missing_in_intent", "not_stated", "not_signed", "not_compared"
]
ADDRESSES: Final = {"recipient", "contract_address", "address", "token_mint"}
AMOUNTS: Final = {"amount", "max_fees", "max_priority_fee", "gas_limit", "gas_price", "priority_fees"}
# Those of a fee are in the coin of the network; an amount is too, unless the transaction names a token.
_OF_COIN: Final = frozenset({"max_fees", "max_priority_fee"})
_WHOLE: Final = re.compile(r"(-?)([0-9]{1,78})")
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
    "documented": "",
    "assumed": " The format of what is signed is not documented; its shape is assumed.",
    "display": " This is a text for display, of which only a part can be compared, in an assumed unit.",
    "unknown": " This is of unknown shape: look at every field of it.",
}
# What stands before an end, where the end of an address alone was stated.
ENDS_IN: Final = "ends in "
_LABELS: Final[Mapping[str, str]] = {
    "type": "What is signed",
    "challenge.type": "What is signed",
    "antireplay": "Antireplay value",
    "challenge.antireplay": "Antireplay value",
    "account_name": "Account",
    "max_fees": "Fees at most",
    "max_priority_fee": "Priority fee at most",
    "data.account_id": "Account id",
    "data.transaction_type": "Transaction type",
    "data.message_type": "Message type",
    "data.account_type": "Account type",
    "data.fees_strategy.type": "Fees strategy",
    "data.fees_strategy.data.speed": "Speed",
}
# Of these no other field may look like one.
_TAKEN: Final = frozenset(_LABELS.values())
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z0-9]+(_[a-z0-9]+)*)*")
_ONCE: Final = frozenset({"antireplay", "challenge.antireplay"})


@dataclass(frozen=True, slots=True)
class Row:
    """A field as it was meant and as it would be signed; None where it is missing."""

    field: str
    meant: str | None
    to_be_signed: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Side:
    """What one side says of the units of its amounts; the places of a coin are public, and on nobody's word."""

    currency: str | None = None
    # Where the amount may be of something else than the coin: what it is called.
    other: str | None = None

    def of(self, row: Row, value: str | None) -> str:
        """Return what stands behind an amount: base units are compared, the rest is for the eye."""
        if row.field not in ("amount", *_OF_COIN) or value is None or not (whole := _WHOLE.fullmatch(value)):
            return ""
        if self.other is not None and row.field not in _OF_COIN:
            return self.other
        places = None if self.currency is None else magnitude_of(self.currency)
        if places is None:
            return " base units"
        digits = whole[2].rjust(places + 1, "0")
        fraction = digits[len(digits) - places :].rstrip("0")
        spoken = digits[: len(digits) - places] + (f".{fraction}" if fraction else "")
        return f" base units = {whole[1]}{spoken} {self.currency}"


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
    remarks
        What else to know of what would be signed: known addresses that a recipient may be taken for.
    doubts
        What of the remarks a person says to sign, such as ``"look-alike"``.
    """

    challenge: Challenge
    rows: tuple[Row, ...]
    level: Level
    basis: Basis
    verb: Verb
    remarks: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

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
            sides = self._sides()
            listed = "; ".join(f"{label(row.field)}: {_said(row, *sides)}" for row in stopping)
            self._fail(
                f"what would be signed is not what was meant ({self.basis}). {listed}. Do not sign it", stopping
            )
        if self.level == "assumed" and not assumed:
            self._fail(f"{self._found()}.{_LEVELS['assumed']} Look at it, and agree with assumed=True")
        if not known and not unknown:
            self._fail(f"{_LEVELS[self.level].strip()} Look at it, and agree with unknown=True")

    def table(self) -> pd.DataFrame:
        """Return the fields as a frame: field, meant, to_be_signed, verdict."""
        rows = [(row.field, row.meant, row.to_be_signed, row.verdict) for row in self.rows]
        return pd.DataFrame(rows, columns=["field", "meant", "to_be_signed", "verdict"], dtype="str")

    def _sides(self) -> tuple[_Side, _Side]:
        """Return what is known of the units of what was meant, and of what would be signed."""
        if self.level not in ("documented", "assumed"):
            return _Side(), _Side()  # which of its fields says the currency is not known
        named = {_name(row) for row in self.rows}
        # On either side: an amount of a token is never shown as one of the coin.
        other = None
        if any(word in name for name in named for word in ("contract", "token", "mint", "asset")):
            # What is paid to a contract with its call is coin; what a token's payment carries is not.
            other = " base units" if any("data" in name for name in named) else " base units of the token"
        currency = next((row for row in self.rows if row.field == "currency"), None)
        said = (None, None) if currency is None else (currency.meant, currency.to_be_signed)
        # Challenges write a blank where requests have an underscore.
        meant, signed = (None if one is None else one.replace(" ", "_") for one in said)
        return _Side(meant, other), _Side(signed, other)

    def _unequal(self) -> list[Row]:
        return [row for row in self.rows if row.verdict not in _QUIET]

    def _fail(self, why: str, rows: list[Row] | None = None) -> NoReturn:
        fields = [row.field for row in rows or ()]
        raise ReviewFailed(f"{why}. Nothing was signed.", fields=fields, level=self.level)

    def _refuses(self) -> bool:
        """Whether this is shown to reject alone; what would approve is never told as what would be refused."""
        return self.basis == "nothing" and self.verb == self.challenge.verb == "reject"

    def _sentence(self) -> str:
        if self._refuses():
            return "Rejecting moves nothing. This is what would be refused:"
        if self.basis == "nothing":
            return f"Nothing was given to compare this with, to {self.verb} it.{_LEVELS[self.level]}"
        return f"{self._found()}.{_LEVELS[self.level]}"

    def _found(self) -> str:
        if unequal := len(self._unequal()):
            are = "is" if unequal == 1 else "are"
            return f"{unequal} of {len(self.rows)} fields {are} not as meant, compared with {self.basis}"
        if not self._unstated():
            return self._all_equal()
        # The type of the challenge follows from what was asked for: nobody states it.
        equal = sum(row.verdict == "match" and row.field != "type" for row in self.rows)
        unstated = self._unstated()
        source = "you stated" if self.basis == "your statement" else f"in {self.basis}"
        fields = "1 field is" if equal == 1 else f"{equal} fields are"
        return (
            f"{fields} as {source}; {len(unstated)} {'was' if len(unstated) == 1 else 'were'} not stated: "
            f"{', '.join(unstated)}"
        )

    def _all_equal(self) -> str:
        signed = len({row.field for row in self.rows if row.verdict == "match"})
        unsigned = sum(row.verdict == "not_signed" for row in self.rows)
        found = f"All {signed} signed fields are as meant"
        if not unsigned or self.basis != "your draft":
            return f"{found}, compared with {self.basis}"
        fields = "1 field of your draft is" if unsigned == 1 else f"{unsigned} fields of your draft are"
        return f"{found}; {fields} not part of what is signed"

    def _unstated(self) -> list[str]:
        return [label(row.field) for row in self.rows if row.verdict == "not_stated"]

    def _colour(self) -> str:
        if self._refuses():
            return "border"
        if not self.matches or self.doubts:
            return "error"
        # What nobody stated, or the service alone says, is left to the eye.
        known = self.basis in ("your draft", "your statement") and not self._unstated()
        return "success" if known and not self.remarks else "warn"

    def __repr__(self) -> str:
        rows = [row for row in self.rows if not (self._refuses() and row.field in _ONCE)]
        names = [label(row.field) for row in rows]
        wide = max(map(len, names), default=0)
        meant, signed = self._sides()
        said = [
            _value(row, row.to_be_signed, signed) if self._refuses() else _said(row, meant, signed) for row in rows
        ]
        lines = [f"{name:<{wide}}  {one}" for name, one in zip(names, said, strict=True)]
        return "\n".join(
            [
                self._sentence(),
                *map(visible, self.remarks),
                *lines,
                *([_LEVELS[self.level].strip()] if self._refuses() else []),
            ]
        )

    def _repr_html_(self) -> str:
        refuses, loud = self._refuses(), self._colour()
        once = [row for row in self.rows if refuses and row.field in _ONCE]
        sides = self._sides()
        cells = "".join(_html_row(row, *sides, alone=refuses) for row in self.rows if row not in once)
        titles = ("Field", "Would be refused") if refuses else ("Field", "Meant", "Would be signed", "")
        heads = "".join(f"<th style='text-align:left'>{name}</th>" for name in titles)
        remarks = "".join(
            f"<p style='border-left:4px solid var(--jp-{loud}-color1,currentColor);padding:4px 8px;margin:4px 0;"
            f"font-weight:600'>{told(visible(one))}</p>"
            for one in self.remarks
        )
        return page(
            "review",
            f"<p style='border-left:4px solid var(--jp-{loud}-color1,currentColor);padding:4px 8px;margin:4px 0'>"
            f"{html.escape(self._sentence())}</p>",
            remarks,
            "<table style='margin:4px 0;font-variant-numeric:tabular-nums'>"
            f"<thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table>",
            f"<p style='margin:4px 0'>{_LEVELS[self.level].strip()}</p>" if refuses else "",
            *(
                f"<details><summary>{label(row.field)}</summary>"
                f"{_html_value(row, row.to_be_signed, sides[1])}</details>"
                for row in once
            ),
        )


def label(field: str) -> str:
    """Return the name of a field in words; one that could be taken for another keeps its own, in quotes."""
    if known := _LABELS.get(field):
        return known
    shown = visible(field)
    if not _PLAIN_NAME.fullmatch(field):
        return f"'{shown}'"
    words = shown.replace("_", " ").replace(".", ": ")
    words = words[:1].upper() + words[1:]
    return f"'{shown}'" if words in _TAKEN else words


def _said(row: Row, meant: _Side, signed: _Side) -> str:
    if row.verdict in ("match", "not_stated", "not_compared"):
        return f"{_value(row, row.to_be_signed, signed)} ({_WORDS[row.verdict]})"
    if row.verdict == "not_signed":
        return f"{_value(row, row.meant, meant)} ({_WORDS[row.verdict]})"
    one = _value(row, row.meant, meant, quoted=True)
    other = _value(row, row.to_be_signed, signed, quoted=True)
    return f"{_WORDS[row.verdict]}: meant {one}, would be signed {other}"


def _value(row: Row, value: str | None, side: _Side, *, quoted: bool = False) -> str:
    if value is None:
        return "nothing"
    shown = visible(value)
    return f"{repr(shown) if quoted else shown}{_beside(row, value)}{side.of(row, value)}"


def _beside(row: Row, value: str) -> str:
    return beside(value) if _name(row) in _SPELLED else ""


def _name(row: Row) -> str:
    return row.field.rsplit(".", 1)[-1]


def _html_row(row: Row, meant: _Side, signed: _Side, *, alone: bool) -> str:
    quiet = row.verdict in (*_QUIET, "not_compared")
    style = "opacity:.8" if quiet else "border:1px solid var(--jp-error-color1,currentColor);font-weight:600"
    words = "" if row.verdict == "match" else html.escape(_WORDS[row.verdict])
    side = "right" if _name(row) in AMOUNTS and not alone else "left"
    name = f"<span title='{html.escape(visible(row.field))}'>{html.escape(label(row.field))}</span>"
    cells = [(name, "left"), (_html_value(row, row.to_be_signed, signed), side)]
    if not alone:
        cells[1:1] = [(_html_value(row, row.meant, meant), side)]
        cells.append((words, "left"))
    return (
        f"<tr style='{style}'>"
        + "".join(f"<td style='text-align:{side};vertical-align:top'>{cell}</td>" for cell, side in cells)
        + "</tr>"
    )


def _html_value(row: Row, value: str | None, side: _Side) -> str:
    if value is None:
        return "—"
    if _name(row) in ADDRESSES and value.startswith(ENDS_IN):
        return f"{ENDS_IN}{address(value.removeprefix(ENDS_IN))}"
    if _name(row) in ADDRESSES:
        return address(value) + html.escape(_beside(row, value))
    if _name(row) in AMOUNTS:
        whole, equals, spoken = side.of(row, value).partition(" = ")
        parts = [amount(value) + html.escape(whole), *([html.escape(f"= {spoken}")] if equals else [])]
        return " ".join(f"<span style='white-space:nowrap'>{part}</span>" for part in parts)
    font = "font-family:var(--jp-code-font-family,monospace);word-break:break-all;white-space:pre-wrap"
    return f"<span style='{font}'>{html.escape(_value(row, value, side))}</span>"
