"""Addresses of whitelists: which are one and the same, which only look so, and what else is odd about them."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledgerkit.addresses import NEARLY, SHOWN, ends, one_key
from ledgerkit.known_addresses import DEAD
from ledgerkit.showing import spelled, visible

COMPARED: Final = (
    f"A look-alike has the first {SHOWN} and last {SHOWN} characters of a listed address, behind a prefix "
    f"that all of its network have (high), or {SHOWN} at one end and {SHOWN - 1} at the other (medium), upper case "
    "taken for lower. Fewer are not compared."
)


@dataclass(frozen=True)
class Whitelist:
    """A whitelist without its addresses."""

    id: int
    name: str
    status: str | None

    @property
    def living(self) -> bool:
        """Whether it may allow something, now or when it is approved."""
        return self.status not in DEAD


@dataclass(frozen=True)
class Entry:
    """One address on one whitelist."""

    whitelist: Whitelist
    id: int | None
    name: str
    currency: str
    address: str
    tags: tuple[int, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """The same for all spellings of this address in this currency."""
        return self.currency, one_key(self.address)

    @property
    def words(self) -> str:
        """How it is called in sentences."""
        return f"“{visible(self.name)}” on {visible(self.whitelist.name)}"

    def admits(self, tag: int | None) -> bool:
        """Say whether a payment with this tag, or none, goes to what is listed."""
        return not self.tags or tag in self.tags


@dataclass(frozen=True)
class Finding:
    """What was found about some entries, or about one whitelist."""

    severity: str
    kind: str
    sentence: str
    evidence: str
    entries: tuple[Entry, ...] = ()
    whitelist: Whitelist | None = None


@dataclass(frozen=True)
class Seen:
    """An address that is on no whitelist, and what it was seen as: an own account, a recipient, or a sender."""

    address: str
    words: str


def entries_of(whitelist: Whitelist, addresses: Any) -> tuple[list[Entry], int]:
    """Read the addresses of a whitelist, and how many of them could not be read."""
    found, unread = [], 0
    for one in addresses if isinstance(addresses, list) else []:
        address, currency = (one.get("address"), one.get("currency")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(address, str) or not isinstance(currency, str) or not address:
            unread += 1
            continue
        number = one.get("id")
        # The schema has `destination_tags`, a sample of the service `destination_tag`.
        tags = one.get("destination_tags") or one.get("destination_tag") or []
        listed = tags if isinstance(tags, list) else [tags]
        found.append(
            Entry(
                whitelist,
                number if type(number) is int else None,
                str(one.get("name") or ""),
                currency,
                address,
                tuple(tag for tag in listed if type(tag) is int),
            )
        )
    return found, unread


def words_of(entries: Iterable[Entry]) -> str:
    """Return how entries are called in sentences: each name once, with its whitelists."""
    lists: dict[str, dict[str, None]] = {}
    for one in entries:
        lists.setdefault(visible(one.name), {})[visible(one.whitelist.name)] = None
    return "; ".join(f"“{name}” on {', '.join(names)}" for name, names in lists.items())


def odd(entries: Sequence[Entry], seen: Iterable[Seen]) -> Iterator[Finding]:
    """Give what is odd about addresses that are listed: duplicates, look-alikes, addresses and names that mislead.

    Parameters
    ----------
    entries
        Those of living whitelists.
    seen
        Addresses that are on no whitelist: those of own accounts, and of who took part in transactions.
    """
    for same in _by(entries, lambda one: one.key):
        yield from _duplicates(same)
    for same in _by(entries, lambda one: (one.whitelist.id, one.currency, one.name)):
        different = {one.key for one in same}
        if len(different) > 1:
            sentence = f"{same[0].words} is the name of {len(different)} different {same[0].currency} addresses."
            yield Finding("medium", "one name, several addresses", sentence, _texts(same), tuple(same))
    for one in entries:
        if visible(one.address) != one.address or not one.address.isascii():
            sentence = f"The address of {one.words} is not what it looks like: it holds signs that no address has."
            yield Finding("high", "misleading address", sentence, spelled(one.address), (one,))
        if visible(one.name) != one.name:
            sentence = f"The name {one.words} is not what it looks like."
            yield Finding("medium", "misleading name", sentence, visible(one.name), (one,))
    yield from _look_alikes(entries, list(seen))


def _duplicates(same: Sequence[Entry]) -> Iterator[Finding]:
    if len(same) < 2:
        return
    lists = dict.fromkeys(one.whitelist.id for one in same)
    spellings = dict.fromkeys(one.address for one in same)
    names = dict.fromkeys(one.name for one in same)
    what = f"{visible(same[0].currency)} address {visible(same[0].address)}"
    where = words_of(same)
    evidence = f"{what}: {where}"
    if len(lists) > 1:
        sentence = f"One {same[0].currency} address is on {len(lists)} whitelists: {where}."
        yield Finding("low", "on several whitelists", sentence, evidence, tuple(same))
    for twice in _by(same, lambda one: one.whitelist.id):
        # Several tags of one address are several payees.
        if len(twice) > len({one.tags for one in twice}):
            sentence = f"One {same[0].currency} address is {len(twice)} times on one whitelist: {where}."
            yield Finding("medium", "twice on one whitelist", sentence, evidence, tuple(twice))
    if len(names) > 1 and len({one.tags for one in same}) < len(same):
        sentence = f"One {same[0].currency} address has {len(names)} names: {where}."
        yield Finding("medium", "several names", sentence, evidence, tuple(same))
    if len(spellings) > 1:
        sentence = f"One {same[0].currency} address is written in {len(spellings)} ways, by case or prefix: {where}."
        yield Finding("low", "several spellings", sentence, ", ".join(map(visible, spellings)), tuple(same))


def _look_alikes(entries: Sequence[Entry], seen: Sequence[Seen]) -> Iterator[Finding]:
    """Give addresses that people take for each other: the same ends, or the same but for a case that counts."""
    for found in _alike(entries, seen, (SHOWN, SHOWN)):
        keys = dict.fromkeys(one.key for one in found)
        how = "differ only in case" if len({key.lower() for key in keys}) < len(keys) else "begin and end alike"
        yield _taken_for_another("high", "look-alike", how, found)
    told: set[frozenset[str]] = set()
    for found in (some for shown in NEARLY for some in _alike(entries, seen, shown)):
        # What begins and ends alike in full is told above.
        apart = {ends(one.address): one for one in found}
        if len(apart) > 1 and (keys_of := frozenset(one.key for one in found)) not in told:
            told.add(keys_of)
            yield _taken_for_another("medium", "near look-alike", "begin and end nearly alike", found)


@dataclass(frozen=True)
class _Place:
    address: str
    key: str
    words: str
    entry: Entry | None = None


def _alike(entries: Sequence[Entry], seen: Sequence[Seen], shown: tuple[int, int]) -> Iterator[list[_Place]]:
    """Give the addresses of which so many first and last characters are the same, where one is listed."""
    places: dict[str, list[_Place]] = {}
    for entry in entries:
        if (both := ends(entry.address, *shown)) is not None:
            places.setdefault(both, []).append(_Place(entry.address, one_key(entry.address), entry.words, entry))
    for one in seen:
        if (both := ends(one.address, *shown)) is not None and both in places:
            places[both].append(_Place(one.address, one_key(one.address), one.words))
    return (found for found in places.values() if len({one.key for one in found}) > 1)


def _taken_for_another(severity: str, kind: str, how: str, found: Sequence[_Place]) -> Finding:
    first = {one.key: one.words for one in reversed(found)}
    keys = dict.fromkeys(one.key for one in found)
    listed = tuple(one.entry for one in found if one.entry is not None)
    words = " and ".join(first[key] for key in keys)
    sentence = f"{words} {how}, and are different addresses: compare the whole before anything is paid."
    return Finding(severity, kind, sentence, ", ".join(map(spelled, keys)), listed)


def _by(entries: Iterable[Entry], key: Callable[[Entry], Hashable]) -> list[list[Entry]]:
    groups: dict[Hashable, list[Entry]] = {}
    for one in entries:
        groups.setdefault(key(one), []).append(one)
    return list(groups.values())


def _texts(entries: Iterable[Entry]) -> str:
    return ", ".join(dict.fromkeys(visible(one.address) for one in entries))
