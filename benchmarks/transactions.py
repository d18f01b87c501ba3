"""The transactions that are served: as bytes, made before any clock starts, and what is true of them."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final

import orjson

from ledgerkit.sandbox.world import build

Node = dict[str, Any]

TEMPLATES: Final = 2000
# The sandbox's transactions depend on the hour: every process of a run must make the same.
MADE: Final = datetime(2026, 6, 1, tzinfo=UTC)
# From one to the next: a day has 1,661, whatever the number, and a month more than a part of an archive holds.
INTERVAL: Final = timedelta(seconds=52)
# The newest is this old: nothing that is read is younger than any bound that a client may set.
AGE: Final = timedelta(hours=1)
LABELS: Final = (
    {"id": 4, "name": "Client money", "color": "#2f6b9a", "created_on": "2025-03-03T09:00:00.000000+00:00"},
    {"id": 9, "name": "Quarterly audit", "color": "#8a5a00", "created_on": "2025-04-01T09:00:00.000000+00:00"},
)
NOTE: Final = {
    "title": "Reconciled",
    "content": "Matched with the books of the fund administrator, \u2116 17 \u2013 see the statement of the month.",
}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Truth:
    """What a client must have found, counted while the rows were made and independently of any client."""

    rows: int = 0
    # Fractions, since one amount in many has a fraction, and no sum of decimals is exact beyond 28 digits.
    amount: Fraction = Fraction(0)
    fees: Fraction = Fraction(0)
    without_amount: int = 0
    created_microseconds: int = 0
    labels: int = 0
    notes: int = 0
    bytes_of_json: int = 0
    # SHA-256 of the ids, newest first, each on a line.
    ids: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it: sums as text, since they have more than 64 bits."""
        return {name: str(value) if name in ("amount", "fees") else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Prepared:
    """All rows as the bytes of JSON, newest first."""

    edges: bytes
    # Where each edge begins; one more than there are rows.
    offsets: list[int]
    # Seconds since the epoch, negated, so that they ascend.
    created: list[float] = field(repr=False)
    truth: Truth = field(repr=False)

    def __len__(self) -> int:
        return len(self.created)

    def older_than(self, moment: float) -> int:
        """Return the position of the newest row that was created before a moment."""
        return bisect_right(self.created, -moment)

    def page(self, begin: int, end: int, first: int, last: int) -> bytes:
        """Return the page of rows ``first`` to ``last``, of a list that goes from ``begin`` to ``end``."""
        edges = self.edges[self.offsets[first] : max(self.offsets[first], self.offsets[last] - 1)]
        info = b'],"page_info":{"count":%d,"has_next_page":%s}}' % (end - begin, b"true" if last < end else b"false")
        return b'{"edges":[' + edges + info


def nodes(count: int) -> Iterator[Node]:
    """Give transactions as the service sends them, newest first: the sandbox's, each made another one."""
    templates = build(seed=7, transactions=TEMPLATES, now=MADE).transactions
    newest = datetime.now(UTC) - AGE
    for position in range(count):
        yield _varied(templates[-1 - position % TEMPLATES], count - position, newest - INTERVAL * position)


def prepare(count: int) -> Prepared:
    """Make so many rows, and count what is true of them."""
    truth, ids, created, parts = Truth(), hashlib.sha256(), [], []
    for position, node in enumerate(nodes(count)):
        moment = datetime.fromisoformat(node["created_on"])
        created.append(-moment.timestamp())
        truth.rows += 1
        truth.amount += Fraction(node["amount"] or 0)
        truth.fees += Fraction(node["fees"] or 0)
        truth.without_amount += node["amount"] is None
        truth.created_microseconds += (moment - EPOCH) // timedelta(microseconds=1)
        truth.labels += len(node["labels"])
        truth.notes += len(node["notes"])
        ids.update(b"%d\n" % node["id"])
        parts.append(orjson.dumps({"cursor": position, "node": node}) + b",")
    truth.ids = ids.hexdigest()
    edges = b"".join(parts)
    truth.bytes_of_json = len(edges)
    return Prepared(edges, [0, *accumulate(map(len, parts))], created, truth)


def _varied(template: Node, number: int, created: datetime) -> Node:
    """Make another transaction of one: other ids, hashes, amounts, times, and of the size that they have in life."""
    mark = hashlib.sha256(b"%d" % number).hexdigest()
    node = {**template, "id": number, "uid": mark[:32], "created_on": _written(created)}
    if node["tx_hash"]:
        node["tx_hash"] = ("0x" if node["tx_hash"].startswith("0x") else "") + mark
    if node["amount"]:
        # One in fifty is as large as a token of 18 decimals gets, one in a thousand is not known.
        amount = str(10**27 + number) if number % 50 == 0 else _more(node["amount"], number)
        node["amount"] = amount if number % 997 else None
    if node["fees"]:
        node["fees"] = _more(node["fees"], number)
    if node["broadcast_on"]:
        node["broadcast_on"] = _written(created + timedelta(minutes=37))
    if node["block"]:
        later = (created + timedelta(minutes=41)).replace(microsecond=0)
        node["block"] = {**node["block"], "height": node["block"]["height"] + number, "time": _written(later)}
    if number % 3 == 0:
        node["labels"] = list(LABELS)
    if number % 2:
        node["notes"] = [*(node["notes"] or []), NOTE]
    return node


def _more(amount: str, number: int) -> str:
    return str(int(amount) + number) if amount.isdecimal() else amount


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def decoded_pages(count: int, size: int) -> list[list[Node]]:
    """Return so many nodes in pages, decoded as a client decodes them: no object in two of them is the same."""
    rows = [json.loads(orjson.dumps(node)) for node in nodes(count)]
    return [rows[begin : begin + size] for begin in range(0, count, size)]
