"""Encoded rows, the older ones packed: a million transactions take a third of their text."""

import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator

# a page of a hundred rows unpacks four blocks, in half a millisecond
ROWS = 32
# so many of the youngest blocks stay as they are, since they are read and changed the most; a workspace of a hundred
# thousand transactions is never packed, and is served without that half of a millisecond
PLAIN = 3200
UNPACKED_KEPT = 64
# 1 saves no time, 6 takes nearly twice as long and saves a tenth more
EFFORT = 3


class Blocks:
    """Rows by position. Encoded JSON has no line break in it, so lines are what a block consists of."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._plain: list[list[bytes]] = []
        self._unpacked: OrderedDict[int, list[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(self._count))

    def __getitem__(self, position: int) -> bytes:
        if not 0 <= position < self._count:
            raise IndexError(position)
        block, row = divmod(position, ROWS)
        with self._lock:
            return self._rows(block)[row]

    def take(self, positions: Iterable[int]) -> list[bytes]:
        """Return several rows."""
        with self._lock:
            return [self._rows(position // ROWS)[position % ROWS] for position in positions]

    def __setitem__(self, position: int, encoded: bytes) -> None:
        block, row = divmod(position, ROWS)
        with self._lock:
            rows = self._rows(block)
            rows[row] = encoded
            if block < len(self._packed):
                self._packed[block] = _pack(rows)

    def append(self, encoded: bytes) -> None:
        """Add a row at the young end."""
        with self._lock:
            if self._count % ROWS == 0:
                self._plain.append([])
                if len(self._plain) > PLAIN:
                    self._packed.append(_pack(self._plain.pop(0)))
            self._plain[-1].append(encoded)
            self._count += 1

    def _rows(self, block: int) -> list[bytes]:
        if block >= len(self._packed):
            return self._plain[block - len(self._packed)]
        rows = self._unpacked.get(block)
        if rows is None:
            rows = self._unpacked[block] = zlib.decompress(self._packed[block]).split(b"\n")
            if len(self._unpacked) > UNPACKED_KEPT:
                self._unpacked.popitem(last=False)
        else:
            self._unpacked.move_to_end(block)
        return rows


def _pack(rows: list[bytes]) -> bytes:
    return zlib.compress(b"\n".join(rows), EFFORT)
