"""How an entry lies in the cache: its value's bytes, taken apart one by one or by columns. No I/O.

Judges nothing: whether a value is authentic and current is proof.py's to say. What segments say,
opened as they may be, is nothing to this.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from repository.record import Entry, Rows, Sizes

__all__ = [
    "BLOCK_SIZE", "EMPTY_SIZE", "HEAD", "HEAD_SIZE", "NONCE_SIZE", "TAG_SIZE", "VALUE_MAX",
    "Cached", "Columns", "Flags", "Found", "Hits", "Laid", "Octets", "Sizes", "Words", "entries_of",
    "exist_in", "head_of", "padded_size", "stamps_of", "text_of",
]  # fmt: skip

Flags: TypeAlias = npt.NDArray[np.bool_]
Words: TypeAlias = npt.NDArray[np.uint64]
Octets: TypeAlias = npt.NDArray[np.uint8]

# Version, horizon, the segments' lengths, in clear. Then a box: a nonce, the segments and zeros up
# to a whole block, sealed, and a tag.
HEAD: Final = Struct(">QQQQ")
HEAD_SIZE: Final = HEAD.size
BLOCK_SIZE: Final = 16
NONCE_SIZE: Final = 16
TAG_SIZE: Final = 16
VALUE_MAX: Final = 4 << 20  # bytes; no record's message is longer
EMPTY_SIZE: Final = HEAD_SIZE + NONCE_SIZE + TAG_SIZE
"""A tombstone's: there is no shorter value."""

_LENGTH_MAX: Final = np.uint64(2**32 - 1)
_BLOCK_SHIFT: Final = np.uint64(4)
_ZEROS: Final = [bytes(-size % BLOCK_SIZE) for size in range(BLOCK_SIZE)]
_BLOCK: Final = np.dtype(np.complex128)  # any of 16 bytes that numpy moves in one piece


class Cached(Entry):
    """An entry as the cache has it: proven, and its operational segment is open.

    Nobody looks into that here, and it leaves the process only in a box.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Cached(version={self.version}, horizon={self.horizon}, hidden)"


def head_of(entry: Entry) -> bytes:
    """What stands before an entry's box."""
    version, horizon, operational, private = entry
    return HEAD.pack(version, horizon, len(operational), len(private))


def text_of(entry: Cached) -> bytes:
    """What an entry's box holds: whole blocks."""
    text = entry.operational + entry.private
    return text + _ZEROS[len(text) % BLOCK_SIZE]


def padded_size(operational: int, private: int) -> int:
    """How long the value is of an entry with segments of so many bytes."""
    return EMPTY_SIZE + operational + private + -(operational + private) % BLOCK_SIZE


class Laid(NamedTuple):
    """Values side by side, whole blocks each, and where they are."""

    joined: bytes
    starts: Sizes  # in blocks
    counts: Sizes  # in blocks

    @classmethod
    def of(cls, values: Sequence[bytes], sizes: Sizes) -> "Laid":
        """These values, whose sizes are multiples of a block's."""
        counts = sizes // BLOCK_SIZE
        return cls(b"".join(values), np.cumsum(counts) - counts, counts)

    @property
    def heads(self) -> Words:
        """Version, horizon and the lengths of the operational and the private segment, [4, n]."""
        blocks = np.frombuffer(self.joined, _BLOCK)
        halves = [blocks.take(self.starts + at, mode="clip") for at in (0, 1)]
        numbers = [half.view(">u8").astype(np.uint64) for half in halves]
        return np.array([each[at::2] for each in numbers for at in (0, 1)])

    def are_as_long_as_told(self, heads: Words) -> Flags:
        """Which values are as long as is to be with segments of these lengths."""
        _, _, operational, private = heads
        blocks = operational + private + np.uint64(BLOCK_SIZE - 1) >> _BLOCK_SHIFT
        fitting: Flags = blocks == self.counts - EMPTY_SIZE // BLOCK_SIZE
        fitting &= (operational | private) <= _LENGTH_MAX  # or their sum may be one modulo 2**64
        return fitting


class Columns:
    """Cached entries side by side, none an object by itself.

    One caller's: who frames them where they lie writes over what stands before a text.
    """

    __slots__ = ("heads", "opened", "places")

    def __init__(self, opened: Octets, places: Sizes, heads: Words) -> None:
        self.opened = opened
        """What holds them all, their segments open."""
        self.places = places
        """Where in it the operational segments begin, in bytes, [n]."""
        self.heads = heads
        """Version, horizon and the lengths of the operational and the private segment, [4, n]."""

    def __repr__(self) -> str:
        return f"Columns({len(self)} hidden)"

    def __len__(self) -> int:
        return len(self.places)

    @property
    def exist(self) -> Flags:
        """Which are records, not tombstones."""
        there: Flags = self.heads[2] > 0
        return there

    def chosen(self, which: Flags | Sequence[int]) -> "Columns":
        """Some of them."""
        return Columns(self.opened, self.places[which], self.heads[:, which])

    def entries(self) -> list[Cached]:
        """An object each; no line of Python runs for those without a private segment but a cut."""
        opened, begins = self.opened.tobytes(), self.places.tolist()
        versions, horizons, operational, private = self.heads.tolist()
        ends = list(map(add, begins, operational))
        cuts = [opened[begin:end] for begin, end in zip(begins, ends, strict=True)]
        privates: Iterable[bytes] = repeat(b"")
        if any(private):
            privates = [opened[end : end + size] for end, size in zip(ends, private, strict=True)]
        fields = zip(versions, horizons, cuts, privates, strict=False)
        return list(map(tuple.__new__, repeat(Cached), fields))


class Hits:
    """What was found of the ids that were asked for, in their order: nothing is missing."""

    __slots__ = ("found", "ids")

    def __init__(self, ids: Sequence[bytes], found: "Found") -> None:
        self.ids = ids
        self.found = found

    def __len__(self) -> int:
        return len(self.ids)

    def by_id(self) -> dict[bytes, Entry]:
        """An object each."""
        return dict(zip(self.ids, entries_of(self.found), strict=True))


# What a read brings, in the order of the ids: rows of the database are sealed, by themselves or
# among it, what is `Cached` or in columns is open.
Found: TypeAlias = Columns | Rows | Sequence[Entry]


def entries_of(found: Found) -> Sequence[Entry]:
    """The entries that were found, an object each."""
    return found.entries() if isinstance(found, Columns | Rows) else found


def exist_in(found: Found) -> list[bool]:
    """Of which ids there is a record, not a tombstone."""
    if isinstance(found, Columns):
        there: list[bool] = found.exist.tolist()
        return there
    if isinstance(found, Rows):
        exist: list[bool] = (found.sizes > 0).tolist()
        return exist
    return [entry.exists for entry in found]


def stamps_of(found: Found) -> list[tuple[int, int]]:
    """The version and the horizon of each."""
    if isinstance(found, Columns):
        versions, horizons = found.heads[:2].tolist()
        return list(zip(versions, horizons, strict=True))
    if isinstance(found, Rows):
        return found.stamps()
    return [entry[:2] for entry in found]
