"""Rules of fields: what a value may be, how it is kept, and how it is written.

A payload is annotated with these rules, as ``amount: Annotated[int | str, Amount()]``: one annotation gives the
check, the JSON, and the way back from it.
"""

import difflib
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, get_args
from urllib.parse import urlsplit
from uuid import UUID

from ledgerkit.errors import InvalidRequest, UnknownValue, shorten, warn
from ledgerkit.secret import MASK, Secret
from ledgerkit.vocabulary import CurrencyName

# 2^256 - 1, the largest amount of any chain, has 78 digits.
MOST_AMOUNT_DIGITS: Final = 78
# Addresses have up to some 110 characters, bytecode tens of thousands.
LONGEST_SAID: Final = 200
LARGEST_ID: Final = 2**63 - 1
LARGEST_TAG: Final = 2**32 - 1
# One source says at most 19, another less than 19: the service decides on a name of exactly 19.
LONGEST_ACCOUNT_NAME: Final = 19
# The list of currencies has these two, but no account can be in them.
FIAT: Final = frozenset({"Dollar", "Euro"})
KNOWN_CURRENCIES: Final = frozenset(get_args(CurrencyName)) - FIAT


def refused(name: str, value: Any, why: str, **details: Any) -> InvalidRequest:
    """Return the error for a value that a field can't have."""
    return InvalidRequest(
        f"`{name}` = {shorten(value)} can't be used: {why}.".replace("?.", "?"), field=name, **details
    )


def near_misses(value: str, choices: tuple[str, ...]) -> list[str]:
    """Return the choices that somebody who typed this value may have meant, the likeliest first."""
    alike = {_plain(choice): choice for choice in choices}
    near = [alike[_plain(value)]] if _plain(value) in alike else []
    return near + [choice for choice in difflib.get_close_matches(value, choices, n=3) if choice not in near]


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).upper()


class Rule:
    """What a field takes. This one takes anything, and writes it as it is."""

    def read(self, name: str, value: Any) -> Any:
        """Return the value as it is kept.

        Raises
        ------
        InvalidRequest
            The field can't have this value.
        """
        return value

    def write(self, value: Any) -> Any:
        """Return the JSON of a value that is kept."""
        return value

    def show(self, value: Any) -> Any:
        """Return the JSON of a value as people may see it."""
        return self.write(value)

    def said(self, value: Any) -> str:
        """Return the value as a repr has it: an address whole, bytecode cut."""
        return shorten(value, LONGEST_SAID)

    def parse(self, name: str, found: Any) -> Any:
        """Return what to give the field for this JSON."""
        return found

    def returns(self, value: Any, found: Any) -> bool:
        """Return whether the value that is kept is written as the JSON that it was read from."""
        return bool(self.write(value) == found)


class Integer(Rule):
    """A bare integer of JSON within bounds, such as an id."""

    def __init__(self, most: int = LARGEST_ID) -> None:
        self.most = most

    def read(self, name: str, value: Any) -> int:
        """Return an int for any integer, those of NumPy included."""
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise refused(name, value, "it takes an integer")
        number = int(value.__index__())
        if not 0 <= number <= self.most:
            raise refused(name, value, f"it takes an integer from 0 to {self.most}")
        return number


class Amount(Rule):
    """A number of base units: kept as int, written as a text of plain digits.

    Parameters
    ----------
    negative
        Whether it may be below zero.
    """

    def __init__(self, *, negative: bool = False) -> None:
        self.negative = negative

    def read(self, name: str, value: Any) -> int:
        """Return an int for an int or a text of plain digits."""
        number = self._number(name, value)
        if number < 0 and not self.negative:
            raise refused(name, value, "it can't be negative")
        if abs(number) >= 10**MOST_AMOUNT_DIGITS:
            raise refused(name, value, f"no amount has more than {MOST_AMOUNT_DIGITS} digits")
        return number

    def _number(self, name: str, value: Any) -> int:
        if isinstance(value, float):
            raise refused(name, value, "a float may have lost digits; give base units as an int or a text of digits")
        if isinstance(value, Decimal):
            # Decimal('2.00') is whole, but comes from a column of display units: 2 bitcoin, not 2 satoshi.
            if not value.is_finite() or value.as_tuple().exponent != 0:
                raise refused(name, value, "base units are whole: give an int, or a Decimal without places")
            return int(value)
        if isinstance(value, str):
            digits = value.removeprefix("-") if self.negative else value
            # isdecimal() and int() also take digits of other scripts, and int() underscores
            if not (digits.isascii() and digits.isdecimal()):
                raise refused(name, value, "it takes base units in plain digits, such as '150000000'")
            if len(digits) > MOST_AMOUNT_DIGITS:
                raise refused(name, value, f"no amount has more than {MOST_AMOUNT_DIGITS} digits")
            return int(value)
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise refused(name, value, "it takes base units: an int, or a text of digits such as '150000000'")
        return int(value.__index__())

    def write(self, value: Any) -> str:
        """Return plain digits."""
        return str(value)

    def parse(self, name: str, found: Any) -> Any:
        """Take a text only: that is how this API writes amounts."""
        if not isinstance(found, str):
            raise refused(name, found, "in JSON it is a text of digits")
        return found


class BareAmount(Amount):
    """A number of base units that JSON has as a bare integer."""

    def write(self, value: Any) -> int:  # type: ignore[override]  # the one amount that the API doesn't write as text
        """Return the integer."""
        return int(value)

    def parse(self, name: str, found: Any) -> Any:
        """Take an integer only."""
        if isinstance(found, str):
            raise refused(name, found, "in JSON it is an integer")
        return found


class Text(Rule):
    """A text.

    Parameters
    ----------
    empty
        Whether it may be empty, or of spaces alone.
    lines
        Whether it may hold line breaks and tabs.
    """

    def __init__(self, *, empty: bool = False, lines: bool = False) -> None:
        self.empty = empty
        self.lines = lines

    def read(self, name: str, value: Any) -> str:
        """Return the text as it is."""
        if not isinstance(value, str):
            raise refused(name, value, "it takes a text")
        if not self.empty and not value.strip():
            raise refused(name, value, "it can't be empty")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise refused(name, value, "it holds half of a character (a lone surrogate)") from None
        if not self.lines and not value.isprintable():
            raise refused(name, value, "it holds a character that can't be seen, such as a line break")
        if any(unicodedata.category(one) == "Cc" and one not in "\n\r\t" for one in value):
            raise refused(name, value, "it holds a control character")
        return value


class Pattern(Text):
    """A text of a certain form.

    Parameters
    ----------
    pattern
        What the whole text must match.
    form
        The form in words, after "it takes".
    """

    def __init__(self, pattern: str, form: str) -> None:
        super().__init__()
        self.pattern = re.compile(pattern)
        self.form = form

    def read(self, name: str, value: Any) -> str:
        """Return the text as it is."""
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise refused(name, value, f"it takes {self.form}")
        return value


class AccountName(Text):
    """The name of a new account."""

    def read(self, name: str, value: Any) -> str:
        """Return the name as it is."""
        text = super().read(name, value)
        if len(text) > LONGEST_ACCOUNT_NAME:
            raise refused(name, value, f"{len(text)} characters are more than {LONGEST_ACCOUNT_NAME}")
        if not re.fullmatch(r"[A-Za-z0-9_-]+( [A-Za-z0-9_-]+)*", text):
            raise refused(name, value, "it takes letters, digits, '-', '_' and single spaces between them")
        return text


class Address(Text):
    """An address of a chain; whether it is a good one of its currency is for the service to say."""

    def read(self, name: str, value: Any) -> str:
        """Return the address as it is."""
        text = super().read(name, value)
        if any(character.isspace() for character in text):
            raise refused(name, value, "an address has no spaces")
        if not text.isascii():
            # A Cyrillic letter looks like a Latin one; tables cut addresses in the middle with one character.
            strange = sorted({character for character in text if not character.isascii()})
            raise refused(name, value, f"an address has plain ASCII characters; {strange} are none")
        if "..." in text:
            raise refused(name, value, "it is an address that was cut for display; copy the whole")
        return text


class Choice(Rule):
    """One of a closed set of texts, given as a ``Literal``."""

    def __init__(self, literal: Any) -> None:
        self.choices: tuple[str, ...] = get_args(literal)

    def read(self, name: str, value: Any) -> str:
        """Return the choice."""
        if isinstance(value, str) and value in self.choices:
            return value
        near = near_misses(value, self.choices) if isinstance(value, str) else []
        if near:
            raise refused(name, value, f"did you mean {' or '.join(map(repr, near))}?", near=near)
        raise refused(name, value, f"it takes one of: {', '.join(self.choices)}")


class Currency(Rule):
    """A currency of a kind of payload.

    The documented sets lag behind the service, so a currency that none of them has is sent with a warning; one that
    belongs to another kind is refused.

    Parameters
    ----------
    literal
        The currencies that the kind is documented with, as a ``Literal``.
    others
        The currencies that the other kinds are documented with.
    """

    def __init__(self, literal: Any, others: frozenset[str] = frozenset()) -> None:
        self.choices: tuple[str, ...] = tuple(name for name in get_args(literal) if name not in FIAT)
        self.others = (others | FIAT) - set(self.choices)

    def read(self, name: str, value: Any) -> str:
        """Return the currency.

        Warns
        -----
        UnknownValue
            No documented set has the currency; it is sent as it is.
        """
        if isinstance(value, str) and value in self.choices:
            return value
        if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable() or " " in value:
            raise refused(name, value, "it takes the name of a currency, such as 'bitcoin'")
        if value in self.others:
            raise refused(name, value, f"this kind of payload is for {', '.join(self.choices)}")
        if value not in KNOWN_CURRENCIES and (near := near_misses(value, self.choices)):
            raise refused(name, value, f"did you mean {' or '.join(map(repr, near))}?", near=near)
        warn(
            f"`{name}` = {value!r} is not among the documented values ({', '.join(self.choices)}); it is sent as it "
            "is.",
            UnknownValue,
        )
        return value


class Uuid(Rule):
    """A UUID in its usual form, kept in lower case."""

    def read(self, name: str, value: Any) -> str:
        """Return the UUID as text."""
        text = str(value) if isinstance(value, UUID) else value
        try:
            if isinstance(text, str) and str(UUID(text)) == text.lower():
                return text.lower()
        except ValueError:
            pass
        raise refused(name, value, "it takes a UUID, such as '0f8fad5b-d9cb-469f-a165-70867728950e'")


class Url(Text):
    """An address of the web that events are sent to: https, or http on this machine."""

    def read(self, name: str, value: Any) -> str:
        """Return the address as it is."""
        text = super().read(name, value)
        try:
            parts = urlsplit(text)
            host = parts.hostname
            _ = parts.port  # reading it checks it
        except ValueError:
            raise refused(name, value, "it takes a URL such as 'https://example.com/hook'") from None
        if parts.username is not None or parts.password is not None:
            raise InvalidRequest(  # without the value: it holds a password
                f"`{name}` can't be used: it holds a user name or password, which would be shown wherever it is.",
                field=name,
            )
        if not host or any(character.isspace() for character in text):
            raise refused(name, value, "it takes a URL such as 'https://example.com/hook'")
        # The service takes https alone; the embedded server also delivers to http on the loopback.
        if parts.scheme != "https" and not (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")):
            raise refused(name, value, "it takes an https address")
        return text


class Hidden(Rule):
    """A :class:`~ledgerkit.secret.Secret`, shown as a mask."""

    def read(self, name: str, value: Any) -> Secret:
        """Return the secret."""
        if isinstance(value, str):
            value = Secret(value)
        if not isinstance(value, Secret):
            kind = type(value).__name__
            del value  # a traceback may show local variables
            raise InvalidRequest(f"`{name}` can't be used: it takes a Secret or a text, not {kind}.", field=name)
        if not value:
            raise InvalidRequest(f"`{name}` can't be used: it is empty.", field=name)
        return value

    def write(self, value: Any) -> str:
        """Return the secret in clear, for sending."""
        text: str = value.reveal()
        return text

    def show(self, value: Any) -> str:
        """Return the mask."""
        return MASK

    def said(self, value: Any) -> str:
        """Return the mask, also of what is no secret yet."""
        return repr(MASK)


class Json(Rule):
    """An object of JSON with keys of one's own."""

    def read(self, name: str, value: Any) -> Any:
        """Return a copy that can't change."""
        if not isinstance(value, Mapping):
            raise refused(name, value, "it takes a dict")
        return frozen(name, value)

    def write(self, value: Any) -> Any:
        """Return a dict that belongs to the caller."""
        return thawed(value)


class FrozenObject(Mapping[str, Any]):
    """An object of JSON that can't change, so that what was reviewed is what is sent."""

    __slots__ = ("_items",)
    __hash__ = None  # type: ignore[assignment]  # as a dict has none

    def __init__(self, items: Mapping[str, Any]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Any:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(thawed(self))


def frozen(name: str, value: Any) -> Any:
    """Return an immutable copy of JSON.

    Raises
    ------
    InvalidRequest
        It holds something that JSON has no exact form for, such as a float.
    """
    if isinstance(value, Mapping):
        for key in value:
            Text(empty=True, lines=True).read(f"{name} (a key)", key)
        return FrozenObject({key: frozen(f"{name}.{key}", inner) for key, inner in value.items()})
    if isinstance(value, list | tuple):
        return tuple(frozen(f"{name}[{place}]", inner) for place, inner in enumerate(value))
    if isinstance(value, str):
        return Text(empty=True, lines=True).read(name, value)
    if value is None or isinstance(value, bool) or type(value) is int:
        return value
    if isinstance(value, float | Decimal):
        raise refused(name, value, "JSON has no exact form for a fraction; give an int or a text")
    raise refused(name, value, f"{type(value).__name__} is not of JSON: give an int, a text, a list or a dict")


def thawed(value: Any) -> Any:
    """Return frozen JSON as dicts and lists that belong to the caller."""
    if isinstance(value, Mapping):
        return {key: thawed(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [thawed(inner) for inner in value]
    return value
