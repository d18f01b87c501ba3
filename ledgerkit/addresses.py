"""When two texts are one address, and when they only look like one.

Who makes addresses on purpose that begin and end like one that somebody pays ("address poisoning") counts on people
who compare the ends alone, or who copy an address from a history. One rule serves payments, approvals, whitelists and
traces.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

EVM_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
# Behind a second `0x` too, but not the beginning of a hash.
_EVM_INSIDE: Final = re.compile(r"0[xX][0-9a-fA-F]{40}(?![0-9a-fA-F])")
# Hex digits are the same number in either case; the `0x` before those of 20 bytes is left out at times.
_HEX: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{40})|0[xX]([0-9a-fA-F]{41,64})")
_DATA: Final = "[ac-hj-np-z02-9]"
# One address in lower or in upper case (that of QR codes), never in both, whatever its network is called.
_BECH32: Final = re.compile(rf"(?:[xpc]-)?[a-z][a-z_]{{1,15}}1{_DATA}{{20,}}")
_CASH: Final = re.compile(rf"[qp]{_DATA}{{41}}")
# The prefix of Bitcoin Cash may be left out. Those of its test networks have check digits of their own.
_CASH_PREFIX: Final = re.compile(r"bitcoincash:", re.IGNORECASE)
# What all or most addresses of a network begin with, and nobody looks at. The one letter of others counts as the
# first of those that people compare.
_START: Final = re.compile(
    rf"0x|(?:bitcoincash|bchtest|bchreg):[qp]?|(?-i:[qp](?={_DATA}{{41}}$)|[QP](?=[AC-HJ-NP-Z02-9]{{41}}$))"
    rf"|(?:bc|tb|bcrt|ltc|addr|addr_test)1[a-z0-9]|(?:[xpc]-)?[a-z_]{{2,16}}1(?={_DATA}{{30,}}$)"
    r"|(?-i:tz[1-4]|KT1|DdzFF)",
    re.IGNORECASE,
)
# What people compare of an address, and thieves imitate: so many characters at either end.
SHOWN: Final = 4
# One character less at either end is still what a maker of such addresses has to search for long.
NEARLY: Final = ((SHOWN, SHOWN - 1), (SHOWN - 1, SHOWN))
# Of a shorter text the ends are most of it.
_SHORTEST: Final = 16
# Letters that fonts draw like a Latin letter or a digit, of the alphabets of which names are forged.
_DRAWN_LIKE: Final = str.maketrans(
    "абвгеіјкмнорстухѕԁԛԝһӏαβγικνορτυχıɑɡɩʏʟ",
    "a6breijkmhopctyxsdqwhlabyiknoptuxiagiyl",
)
# Apart in a hash, and not on a screen.
_READ_ALIKE: Final = str.maketrans("0il|5$8", "o111ssb")
# As it is read, what may be left out at the beginning.
_START_READ: Final = re.compile("ox|b1tco1ncash:")
_MOST_PLACES: Final = 3
# What the API calls an address that is paid.
_PAID: Final = ("recipient", "to_address")
# What a call of a contract begins with, and what each of its arguments fills.
_SELECTOR, _WORD = len("0x") + 8, 64
# An address fills the end of a word; a number that reaches as far is none of anything that is paid.
_ADDRESS_IN_WORD: Final = re.compile(r"0{24}(?!0000)([0-9a-fA-F]{40})")


def same_address(one: str, other: str) -> bool:
    """Say whether two texts are the same address: case is a checksum to some chains, and has a meaning to others."""
    return one == other or one_key(one) == one_key(other)


def one_key(address: str) -> str:
    """Return the same text for all spellings of an address: by case, where it has no meaning, and by prefix."""
    if digits := _HEX.fullmatch(address):
        return f"0x{(digits[1] or digits[2]).lower()}"
    body = _CASH_PREFIX.sub("", address, count=1) if _CASH_PREFIX.match(address) else address
    lower = body.lower()
    if body not in (lower, body.upper()):
        return address
    if _CASH.fullmatch(lower):
        return lower
    return address.lower() if _BECH32.fullmatch(address.lower()) else address


def ends(address: str, first: int = SHOWN, last: int = SHOWN) -> str | None:
    """Return what people compare of an address, the first and last characters behind what all begin with."""
    start = _START.match(address)
    rest = address[start.end() :] if start else address
    return f"{rest[:first]}…{rest[-last:]}".lower() if len(rest) >= _SHORTEST else None


def as_read(text: str) -> str:
    """Return the same text for all texts that are read as one, whatever letters, case or hidden signs they have."""
    seen = text.lower()
    if not (text.isascii() and text.isalnum()):  # all of an address but of a forged one, of which there are few
        plain = unicodedata.normalize("NFKD", text).casefold().translate(_DRAWN_LIKE)
        seen = "".join(one for one in plain if not _is_hidden(one))
    read = seen.translate(_READ_ALIKE)
    start = _START_READ.match(read)
    return read[start.end() :] if start else read


def candidates(text: str) -> list[str]:
    """Return all that may be an address in a text: its words, what stands between signs, 20 bytes within a word."""
    inside = [] if EVM_ADDRESS.fullmatch(text) else _EVM_INSIDE.findall(text)
    if text.isascii() and text.isalnum():  # all of an address but of a strange one, of which there are few
        return list(dict.fromkeys([text, *inside]))
    parted = "".join(" " if unicodedata.category(one)[0] in "PSZ" and one != "_" else one for one in text)
    found = [text, *text.split(), *parted.split(), *parted.replace("_", " ").split(), *inside]
    return list(dict.fromkeys(found))


def apart(one: str, other: str) -> str:
    """Say where two addresses differ, in words, counted from 1."""
    one, other = one_key(one), one_key(other)
    if len(one) == len(other):
        places = [at for at, (left, right) in enumerate(zip(one, other, strict=True), 1) if left != right]
        if 0 < len(places) <= _MOST_PLACES:
            said = ", ".join(f"{at} ({_told(one[at - 1])} here, {_told(other[at - 1])} there)" for at in places)
            return f"of {len(one)} characters they differ in {'those' if len(places) > 1 else 'that'} at {said}"
    shortest = min(len(one), len(other))
    head = next((at for at in range(shortest) if one[at] != other[at]), shortest)
    tail = next((at for at in range(shortest - head) if one[-1 - at] != other[-1 - at]), shortest - head)
    return (
        f"of its {len(one)} characters the first {head} and the last {tail} are the same, and those between are not"
    )


def destinations(body: Any) -> list[str]:
    """Return the addresses that a body or an object pays, or that may be paid once it is carried out.

    Those are recipients, what a list of addresses holds, and what a call of a contract is given. No destinations are
    contracts and mints of tokens, validators, and the address that signs a message: nobody is paid there.
    """
    return list(dict.fromkeys(_destinations(body)))


def _destinations(body: Any) -> Iterator[str]:
    for name, value in body.items() if isinstance(body, Mapping) else ():
        # In a frame the names of what it was inside of stand before.
        if str(name).endswith(_PAID) and isinstance(value, str) and value:
            yield value
        elif str(name).endswith("addresses") and isinstance(value, list):
            found = (one.get("address") if isinstance(one, Mapping) else one for one in value)
            yield from (one for one in found if isinstance(one, str) and one)
        elif str(name).endswith("function_arguments"):
            yield from _arguments(value)
        elif str(name).endswith("contract_data") and isinstance(value, str):
            words = (value[at : at + _WORD] for at in range(_SELECTOR, len(value), _WORD))
            yield from (f"0x{inside[1]}" for inside in map(_ADDRESS_IN_WORD.fullmatch, words) if inside)
        else:
            yield from _destinations(value)
    for one in body if isinstance(body, list) else ():
        yield from _destinations(one)


def _arguments(value: Any) -> Iterator[str]:
    if isinstance(value, str) and EVM_ADDRESS.fullmatch(value):
        yield value
    for one in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        yield from _arguments(one)


@dataclass(frozen=True)
class Resemblance:
    """A known address that another one may be taken for.

    Attributes
    ----------
    address
        The known one.
    known_as
        What it is known as, in words.
    how
        How they are alike, in words: "begins and ends like".
    part
        What resembles it, in the text that was compared: that without what stands around it.
    nearly
        Whether one character more at an end differs than people compare.
    """

    address: str
    known_as: str
    how: str
    part: str
    nearly: bool = False

    def words(self, text: str) -> str:
        """Return a sentence without its point: which known address a text resembles, and where they differ."""
        told = "it" if self.part == text else f"{self.part} in it"
        return (
            f"{told} {self.how} {self.address} ({self.known_as}), and is another address: "
            f"{apart(self.part, self.address)}"
        )


class KnownAddresses:
    """Addresses that are known, found by what others may share with them; thousands cost no more than one.

    Parameters
    ----------
    known
        Each address that may be paid without another look, and what it is known as, in words. One that comes twice is
        known as both.
    resembled
        Addresses that others may be taken for as well. They are not known for that: anybody may have put them there.
        Of one that comes twice the first words count.
    missing
        What could not be looked at, such as ``"whitelists"``.
    """

    def __init__(
        self,
        known: Iterable[tuple[str, str]] = (),
        resembled: Iterable[tuple[str, str]] = (),
        missing: Iterable[str] = (),
    ) -> None:
        self.missing = tuple(missing)
        self._words: dict[str, str] = {}
        self._spelled: dict[str, str] = {}
        self._alike: dict[tuple[str, str], dict[str, None]] = {}
        for address, words in known:
            key = one_key(address)
            if words and self._words.get(key, words) != words:
                self._words[key] += f", and {words}"
            self._add(address, words)
        self._known = frozenset(self._words)
        for address, words in resembled:
            self._add(address, words)

    def _add(self, address: str, words: str) -> None:
        key = one_key(address)
        if key in self._words:
            return
        self._words[key], self._spelled[key] = words, address
        for place in _places(address):
            self._alike.setdefault(place, {})[key] = None

    def __len__(self) -> int:
        return len(self._words)

    def __contains__(self, address: str) -> bool:
        return one_key(address) in self._words

    @property
    def uncompared(self) -> str:
        """Say among what no look-alike could be looked for; empty where all was there."""
        if not self.missing:
            return ""
        return f"no look-alike could be looked for: {' and '.join(self.missing)} can't be read"

    def words(self, address: str) -> str | None:
        """Return what an address is known as, None where it is not."""
        key = one_key(address)
        return self._words[key] if key in self._known else None

    def alike(self, text: str) -> list[Resemblance]:
        """Return the known addresses that this one, or a part of it, may be taken for, and is not."""
        whole = one_key(text)
        found: dict[tuple[str, str], Resemblance] = {}
        for part in candidates(text):
            if part != text and self.words(part) is not None:
                continue  # a known one in a text is no forgery of another
            own = one_key(part)
            for kind, place in _places(part):
                for key in self._alike.get((kind, place), ()):
                    if key not in (own, whole) and (key, own) not in found:
                        how, nearly = _how(kind, key, own)
                        found[key, own] = Resemblance(self._spelled[key], self._words[key], how, part, nearly)
        return list(found.values())


@dataclass(frozen=True)
class Mark:
    """What to say beside an unknown address that may be taken for a known one.

    Attributes
    ----------
    text
        Which known addresses, in words.
    sure
        Whether it has all that people compare of an address; one character less is told in quieter words.
    """

    text: str
    sure: bool

    @property
    def label(self) -> str:
        """What stands before the words."""
        return "LOOK-ALIKE" if self.sure else "Nearly alike"

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


def mark(address: object, known: KnownAddresses) -> Mark | None:
    """Return what to say of an unknown address that may be taken for a known one, None where it is like none."""
    if not isinstance(address, str) or not address or known.words(address) is not None:
        return None
    alike = known.alike(address)
    sure = [one for one in alike if not one.nearly]
    return Mark("; ".join(one.words(address) for one in sure or alike), bool(sure)) if alike else None


def _places(address: str) -> list[tuple[str, str]]:
    """Return under what an address is looked for, the surest first."""
    both = [("ends", ends(address)), *((f"near {first}", ends(address, first, last)) for first, last in NEARLY)]
    return [("read", as_read(address)), *((kind, text) for kind, text in both if text is not None)]


def _how(kind: str, known: str, own: str) -> tuple[str, bool]:
    if kind == "read":
        return ("differs only in case from" if known.lower() == own.lower() else "is read like"), False
    return ("begins and ends like", False) if kind == "ends" else ("begins and ends nearly like", True)


def _is_hidden(one: str) -> bool:
    return unicodedata.category(one) in ("Mn", "Me", "Cf", "Cc", "Zs", "Zl", "Zp", "Cn", "Co")


def _told(one: str) -> str:
    return f"“{one}”" if one.isascii() and one.isprintable() else f"U+{ord(one):04X}"
