"""Which records changed at which version, and in which order that may be forgotten, in few bytes.

A million of them are tens of megabytes, which each worker holds: as a dict and a deque of tuples
they were three hundred. Written for speed: a load brings tens of thousands a second. Knows
nothing of what is proven by it.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import Final, NamedTuple

import numpy as np

__all__ = ["Change", "Changed", "Order"]

BUCKETS: Final = 1 << 16
BUCKET_MASK: Final = BUCKETS - 1
MARKS: Final = 1 << 26
MARK_MASK: Final = MARKS - 1
MARK_BYTES: Final = 3  # whole ones in a mark
FEW: Final = 8  # ids, up to which one by one is cheaper than arrays
ID_BYTES: Final = 16
TAIL: Final = 12  # where the part of an id begins that finds its bucket and its mark: random bytes
ROW: Final = Struct(">16sQ")
CHUNK_BYTES: Final = 1 << 16


class Change(NamedTuple):
    """One version of one record, written by transaction `xid`."""

    kind: int
    id: bytes
    version: int
    xid: int


class Changed(Mapping[bytes, int]):
    """Id -> version, 1 or more, of records of one kind. Ids have 16 bytes.

    Rows of id and version lie side by side in 65,536 buckets, some fifteen in each at a million.
    A bit for each of 67 million remainders of ids tells at once that nearly all others are in
    none; ids that share a bit share a bucket.
    """

    __slots__ = ("_buckets", "_marked", "_marks", "_size")

    def __init__(self) -> None:
        self._buckets = [b""] * BUCKETS
        self._marks = np.zeros(MARKS // 8, np.uint8)  # what was never written to takes no memory
        self._marked = self._marks.data
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return (id_ for bucket in self._buckets for id_, _ in ROW.iter_unpack(bucket))

    def __getitem__(self, id_: bytes) -> int:
        if version := self.version(id_):
            return version
        raise KeyError(id_)

    def version(self, id_: bytes) -> int:
        """The version of an id, 0 where none is known."""
        bucket = self._buckets[int.from_bytes(id_[TAIL:], "little") & BUCKET_MASK]
        at = _place(bucket, id_)
        return int.from_bytes(bucket[at + ID_BYTES : at + ROW.size]) if at >= 0 else 0

    def among(self, ids: Sequence[bytes]) -> dict[int, int]:
        """Position in `ids` -> version, of those that are known; quick where nearly none is."""
        if not self._size:
            return {}
        if len(ids) <= FEW:
            return {at: known for at, id_ in enumerate(ids) if (known := self.version(id_))}
        tails = np.frombuffer(b"".join(ids), "<u4")[TAIL // 4 :: ID_BYTES // 4] & MARK_MASK
        marked = np.flatnonzero(self._marks[tails >> 3] >> (tails & 7).astype(np.uint8) & 1)
        numbers = (tails[marked] & BUCKET_MASK).tolist()
        found: dict[int, int] = {}
        for at, number in zip(marked.tolist(), numbers, strict=True):
            bucket = self._buckets[number]
            place = _place(bucket, ids[at])
            if place >= 0:
                found[at] = int.from_bytes(bucket[place + ID_BYTES : place + ROW.size])
        return found

    def learn(self, id_: bytes, version: int) -> bool:
        """Whether this version is newer than what was known, as from now on it is."""
        tail = int.from_bytes(id_[TAIL:], "little")
        number = tail & BUCKET_MASK
        bucket = self._buckets[number]
        at = _place(bucket, id_)
        if at < 0:
            self._buckets[number] = bucket + ROW.pack(id_, version)
            self._size += 1
            mark = tail & MARK_MASK
            self._marked[mark >> 3] |= 1 << (mark & 7)
            return True
        row, after = ROW.pack(id_, version), at + ROW.size
        if row <= bucket[at:after]:
            return False
        self._buckets[number] = bucket[:at] + row + bucket[after:]
        return True

    def forget(self, id_: bytes, version: int) -> None:
        """Know an id no more, unless at another version than this."""
        tail = int.from_bytes(id_[TAIL:], "little")
        number = tail & BUCKET_MASK
        bucket = self._buckets[number]
        at = _place(bucket, id_)
        if at < 0 or bucket[at : at + ROW.size] != ROW.pack(id_, version):
            return
        bucket = self._buckets[number] = bucket[:at] + bucket[at + ROW.size :]
        self._size -= 1
        # Ids of one mark have these bytes in common. A mark that is left standing does no harm.
        if id_[TAIL : TAIL + MARK_BYTES] not in bucket:
            mark = tail & MARK_MASK
            self._marked[mark >> 3] &= ~(1 << (mark & 7))


class Order:
    """Changes and when each was learned, in the order in which they may be forgotten."""

    __slots__ = ("_chunks", "_size", "_start")

    _ROW: Final = Struct(">dH16sQQ")

    def __init__(self) -> None:
        self._chunks: deque[bytearray] = deque()
        self._start = 0  # of the first that is left in the first chunk
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, learned_s: float, changes: Sequence[Change]) -> None:
        """Put these behind all others, in their order."""
        if not self._chunks or len(self._chunks[-1]) >= CHUNK_BYTES:
            self._chunks.append(bytearray())
        self._chunks[-1] += self._packed(learned_s, changes)

    def prepend(self, learned_s: float, changes: Sequence[Change]) -> None:
        """Put these before all others, in their order."""
        if self._start:
            del self._chunks[0][: self._start]
            self._start = 0
        if changes:
            self._chunks.appendleft(bytearray(self._packed(learned_s, changes)))

    def first(self) -> tuple[float, int, bytes, int, int]:
        """When the first was learned, and the change. Raises IndexError where there is none."""
        return self._ROW.unpack_from(self._chunks[0], self._start)

    def forget_first(self) -> None:
        """Go on to the next."""
        self._size -= 1
        self._start += self._ROW.size
        if self._start == len(self._chunks[0]):
            self._chunks.popleft()
            self._start = 0

    def _packed(self, learned_s: float, changes: Sequence[Change]) -> bytes:
        pack = self._ROW.pack
        self._size += len(changes)
        return b"".join([pack(learned_s, *change) for change in changes])


def _place(bucket: bytes, id_: bytes) -> int:
    """Where the row of an id begins, -1 where there is none."""
    at = bucket.find(id_)
    while at > 0 and at % ROW.size:  # across rows: not an id, however unlikely
        at = bucket.find(id_, at + 1)
    return at
