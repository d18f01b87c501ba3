"""When two texts are one address, and when they only look like one.

Who makes addresses on purpose that begin and end like one that somebody pays ("address poisoning") counts on people
who compare the ends alone, or who copy an address from a history. One rule serves payments, approvals, whitelists and
traces.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

EVM_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
# Names of networks whose addresses are Bech32: one address in lower or in upper case, never in both.
_BECH32: Final = re.compile(r"(bc|tb|ltc|addr|addr_test|cosmos)1[ac-hj-np-z02-9]+")
# What every address of a network begins with, and nobody looks at.
_START: Final = re.compile(
    r"0x|bitcoincash:|(?:bc|tb|bcrt|ltc|addr|addr_test|cosmos)1[a-z0-9]|[a-z_]{2,16}1(?=[ac-hj-np-z02-9]{30,}$)",
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
_MOST_PLACES: Final = 3


def same_address(one: str, other: str) -> bool:
    """Say whether two texts are the same address: case is a checksum to some chains, and has a meaning to others."""
    if one == other:
        return True
    if EVM_ADDRESS.fullmatch(one) and EVM_ADDRESS.fullmatch(other):
        return one.lower() == other.lower()
    return one.lower() == other.lower() and all(
        text in (text.lower(), text.upper()) and _BECH32.fullmatch(text.lower()) for text in (one, other)
    )


def one_key(address: str) -> str:
    """Return the same text for all spellings of an address, as :func:`same_address` has it."""
    lower = address.lower()
    return lower if same_address(address, lower) else address


def ends(address: str, first: int = SHOWN, last: int = SHOWN) -> str | None:
    """Return what people compare of an address, the first and last characters behind what all begin with."""
    start = _START.match(address)
    rest = address[start.end() :] if start else address
    if len(rest) < _SHORTEST:
        return None
    # The first letter of other addresses is that of their network.
    head = first if start else first + 1
    return f"{rest[:head]}…{rest[-last:]}".lower()


def as_read(text: str) -> str:
    """Return the same text for all texts that are read as one, whatever letters, case or hidden signs they have."""
    plain = unicodedata.normalize("NFKD", text).casefold().translate(_DRAWN_LIKE)
    seen = "".join(one for one in plain if not _is_hidden(one))
    return seen.translate(_READ_ALIKE)


def apart(one: str, other: str) -> str:
    """Say where two addresses differ, in words, counted from 1."""
    if EVM_ADDRESS.fullmatch(one) and EVM_ADDRESS.fullmatch(other):
        one, other = one.lower(), other.lower()
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
    nearly
        Whether one character more at an end differs than people compare.
    """

    address: str
    known_as: str
    how: str
    nearly: bool = False

    def words(self, address: str) -> str:
        """Return a sentence without its point: which known address it resembles, and where they differ."""
        return (
            f"it {self.how} {self.address} ({self.known_as}), and is another address: {apart(address, self.address)}"
        )


class KnownAddresses:
    """Addresses that are known, found by what others may share with them; thousands cost no more than one.

    Parameters
    ----------
    known
        Each address, and what it is known as, in words. Of one that comes twice the first words count.
    """

    def __init__(self, known: Iterable[tuple[str, str]] = ()) -> None:
        self._words: dict[str, str] = {}
        self._spelled: dict[str, str] = {}
        self._alike: dict[tuple[str, str], dict[str, None]] = {}
        for address, words in known:
            key = one_key(address)
            if key in self._words:
                continue
            self._words[key], self._spelled[key] = words, address
            for place in _places(address):
                self._alike.setdefault(place, {})[key] = None

    def __len__(self) -> int:
        return len(self._words)

    def words(self, address: str) -> str | None:
        """Return what an address is known as, None where it is not."""
        return self._words.get(one_key(address))

    def alike(self, address: str) -> list[Resemblance]:
        """Return the known addresses that this one may be taken for, and is not."""
        own = one_key(address)
        found: dict[str, Resemblance] = {}
        for kind, text in _places(address):
            for key in self._alike.get((kind, text), ()):
                if key != own and key not in found:
                    how, nearly = _how(kind, key, own)
                    found[key] = Resemblance(self._spelled[key], self._words[key], how, nearly)
        return list(found.values())


def told(address: object, known: KnownAddresses) -> str:
    """Return in words which known addresses an unknown one may be taken for; empty where it is like none."""
    if not isinstance(address, str) or not address or known.words(address) is not None:
        return ""
    return "; ".join(one.words(address) for one in known.alike(address) if not one.nearly)


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
