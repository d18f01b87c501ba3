"""What a text may be by its shape, and what is nearly the same: slips of a letter, ends of an address, lookalikes."""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from ledgerkit.addresses import EVM_ADDRESS, KnownAddresses, same_address

# What has an id of the service, and what is known by a text.
NUMBERED: Final = ("account", "transaction", "request", "message", "user", "group", "whitelist", "entity")
TEXTUAL: Final = ("hash", "address", "pledge", "settlement", "note")
NAMED_KINDS: Final = ("account", "user", "group", "whitelist", "entity")
HEX_HASH: Final = re.compile(r"(0x)?[0-9a-fA-F]{64}")
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MARK: Final = re.compile(r"lk-[0-9A-Z]{6,}")
# Ripple's addresses have 25 characters at least; a colon parts the network of some (`bitcoincash:q...`).
_ON_CHAIN: Final = re.compile(r"[0-9A-Za-z_]+:?[0-9A-Za-z]{20,}")
_PREFIXED: Final = re.compile(rf"({'|'.join((*NUMBERED, *TEXTUAL))})\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_ELLIPSIS: Final = re.compile(r"…|\.{2,}")
# So many characters of an end are no accident in one workspace.
LEAST_OF_AN_END: Final = 4
# From this on difflib calls two names close: one letter of eight.
ALIKE: Final = 0.82
MOST_NEAR: Final = 6


def prefixed(text: str) -> tuple[str, str] | None:
    """Return the kind and the rest of a text such as ``"request 29"``; None where it has no such beginning."""
    found = _PREFIXED.fullmatch(text)
    return None if found is None else (found[1].lower(), found[2])


def may_be_on_chain(text: str) -> bool:
    """Say whether a text may be an address or a hash."""
    return _ON_CHAIN.fullmatch(text) is not None


def hash_spellings(text: str) -> list[str]:
    """Return how one hash may be written: hex digits in either case, with ``0x`` or without."""
    if not HEX_HASH.fullmatch(text):
        return [text]
    digits = text.removeprefix("0x")
    return list(dict.fromkeys([text, f"0x{digits.lower()}", digits.lower(), digits.upper()]))


def same_hash(one: str, other: str) -> bool:
    """Say whether two texts are the same hash; in Base58 the case has a meaning."""
    return one == other or other in hash_spellings(one) or one in hash_spellings(other)


def address_spellings(text: str, known: Iterable[str]) -> list[str]:
    """Return an address as it is written among known ones, whose filter may compare letter by letter."""
    return list(dict.fromkeys([text, *(one for one in known if same_address(one, text))]))


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """Return names that differ from a name by little: a letter, the case, or what can't be seen."""
    there = list(dict.fromkeys(names))
    plain = _plain(name)
    same = [one for one in there if one != name and _plain(one) == plain]
    by_plain: dict[str, list[str]] = {}
    for one in there:
        by_plain.setdefault(_plain(one), []).append(one)
    close = difflib.get_close_matches(plain, by_plain, n=MOST_NEAR, cutoff=ALIKE)
    inside = [one for one in there if len(plain) >= LEAST_OF_AN_END and plain in _plain(one)]
    return list(dict.fromkeys([*same, *(one for key in close for one in by_plain[key] if one != name), *inside]))


def looks_like(name: str, other: str) -> bool:
    """Say whether two different names may be read as one: by case, blanks, letters of another alphabet."""
    if name == other:
        return False
    one, two = _plain(name), _plain(other)
    if one == two:
        return True
    # A letter in the place of another one, of which one is foreign: `Treasury` with a Cyrillic `е`.
    return len(one) == len(two) and all(
        left == right or not (left + right).isascii() for left, right in zip(one, two, strict=True)
    )


def near_texts(text: str, known: Iterable[str]) -> list[str]:
    """Return addresses or hashes that a text may be meant for: by its ends, or with one character off."""
    head, tail = _ends(text)
    there = dict.fromkeys(known)
    if _ELLIPSIS.search(text):
        return [one for one in there if _fold(one).startswith(head) and _fold(one).endswith(tail)]
    folded = _fold(text)
    ends = [
        one
        for one in there
        if len(folded) >= LEAST_OF_AN_END
        and len(folded) < len(one)
        and (_fold(one).startswith(folded) or _fold(one).endswith(folded))
    ]
    return ends or [one for one in there if _one_off(folded, _fold(one))]


def has_ends(text: str) -> bool:
    """Say whether a text may be the beginning or the end of an address or hash, or both with dots between."""
    if _ELLIPSIS.search(text):
        head, tail = _ends(text)
        return len(head.removeprefix("0x")) + len(tail) >= LEAST_OF_AN_END and " " not in text.strip()
    return re.fullmatch(r"[0-9A-Za-z:]{4,}", text) is not None and any(one.isdigit() for one in text)


def lookalikes(address: str, known: Iterable[str]) -> list[str]:
    """Return other addresses with the same first and last characters, which is what people compare."""
    alike = KnownAddresses((one, "") for one in known).alike(address)
    return [one.address for one in alike if not one.nearly]


def _ends(text: str) -> tuple[str, str]:
    parts = _ELLIPSIS.split(text.strip())
    return (_fold(parts[0]), _fold(parts[-1])) if len(parts) > 1 else (_fold(text), "")


def _fold(text: str) -> str:
    # To find what may be meant, case never matters: what is found is shown, and not taken.
    return text.lower()


def _one_off(one: str, other: str) -> bool:
    """Say whether two long texts differ by one character that is another, missing or too much, or by two swapped."""
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < len("lk-0000000000"):
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    left, right = one[start:], other[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[2:] == right[2:] and left[:2] == right[1::-1])
    )


def _plain(name: str) -> str:
    """Return a name without what is not seen of it: case, blanks, marks, invisible characters."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return "".join(one for one in folded if unicodedata.category(one)[0] in "LNPS")


def is_evm(address: str) -> bool:
    """Say whether a text is an address of an Ethereum-like network."""
    return EVM_ADDRESS.fullmatch(address) is not None
