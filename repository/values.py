"""How an entry lies in the cache: its value's bytes, taken apart one by one or by columns. No I/O.

Judges nothing: whether a value is authentic and current is proof.py's to say.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import itemgetter
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from repository.record import Entry

__all__ = [
    "BLOCK_SIZE", "EMPTY_SIZE", "HEAD", "HEAD_SIZE", "MAC_SIZE", "Found", "Laid", "Sizes", "Words",
    "entries_of", "entry_of", "is_record", "padded_size", "sizes_of", "stamps_of", "text_of",
]  # fmt: skip

Sizes: TypeAlias = npt.NDArray[np.intp]
Words: TypeAlias = npt.NDArray[np.uint64]

# What a read brings of a record: a row of the database, or the proven value of a cached entry.
Found: TypeAlias = Entry | bytes

# Version, horizon, the segments' lengths; then the segments, zeros up to a whole block, the MAC.
HEAD: Final = Struct(">QQQQ")
HEAD_SIZE: Final = HEAD.size
STAMP: Final = Struct(">QQ")  # its beginning
BLOCK_SIZE: Final = 16
MAC_SIZE: Final = 16
EMPTY_SIZE: Final = HEAD_SIZE + MAC_SIZE
"""A tombstone's: there is no shorter value."""

_OPERATIONAL_SIZE: Final = slice(STAMP.size, STAMP.size + 8)
_NONE: Final = bytes(8)
_LENGTH_MAX: Final = np.uint64(2**32 - 1)
_BLOCK_SHIFT: Final = np.uint64(4)
_ZEROS: Final = [bytes(-size % BLOCK_SIZE) for size in range(BLOCK_SIZE)]
_BLOCK: Final = np.dtype(np.complex128)  # any of 16 bytes that numpy moves in one piece
_head_of: Final = itemgetter(slice(0, HEAD_SIZE))


def text_of(entry: Entry) -> bytes:
    """The value that an entry is to have, without the MAC."""
    version, horizon, operational, private = entry
    head = HEAD.pack(version, horizon, len(operational), len(private))
    return head + operational + private + _ZEROS[(len(operational) + len(private)) % BLOCK_SIZE]


def padded_size(operational: int, private: int) -> int:
    """How long the value is of an entry with segments of so many bytes."""
    return EMPTY_SIZE + operational + private + -(operational + private) % BLOCK_SIZE


def sizes_of(found: Sequence[Found]) -> Sizes:
    """How many bytes each value has. An entry, which is none, counts for less than a tombstone."""
    return np.fromiter(map(len, found), np.intp, len(found))


def entry_of(found: Found) -> Entry:
    """The entry that was found, whichever form it has."""
    if isinstance(found, Entry):
        return found
    version, horizon, operational, private = HEAD.unpack_from(found)
    cut = HEAD_SIZE + operational
    return Entry(version, horizon, found[HEAD_SIZE:cut], found[cut : cut + private])


def entries_of(found: Sequence[Found]) -> list[Entry]:
    """The entries that were found; no line of Python runs for values without a private segment."""
    if set(map(type, found)) != {bytes}:
        return list(map(entry_of, found))
    values: Sequence[bytes] = found  # type: ignore[assignment]  # as has just been seen
    heads = np.frombuffer(b"".join(map(_head_of, values)), ">u8").reshape(-1, 4)
    cuts = (heads[:, 2] + HEAD_SIZE).tolist()
    operationals = [value[HEAD_SIZE:cut] for value, cut in zip(values, cuts, strict=True)]
    privates: Iterable[bytes] = repeat(b"")
    if heads[:, 3].any():
        ends = (heads[:, 2] + heads[:, 3] + HEAD_SIZE).tolist()
        privates = [value[cut:end] for value, cut, end in zip(values, cuts, ends, strict=True)]
    fields = zip(heads[:, 0].tolist(), heads[:, 1].tolist(), operationals, privates, strict=False)
    return list(map(tuple.__new__, repeat(Entry), fields))


def is_record(found: Found) -> bool:
    """Whether there is a record, not a tombstone."""
    return found.exists if isinstance(found, Entry) else found[_OPERATIONAL_SIZE] != _NONE


def stamps_of(found: Sequence[Found]) -> list[tuple[int, int]]:
    """The version and the horizon of each."""
    unpack = STAMP.unpack_from
    return [each[:2] if isinstance(each, Entry) else unpack(each) for each in found]


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
    def stamps(self) -> Words:
        """Version and horizon of each, [2n]."""
        return self._numbers(self.starts)

    @property
    def lengths(self) -> Words:
        """How long the operational and the private segment of each say they are, [2n]."""
        return self._numbers(self.starts + 1)

    @property
    def are_as_long_as_they_say(self) -> npt.NDArray[np.bool_]:
        """Which values are as long as is to be with segments of these lengths."""
        operational, private = self.lengths[::2], self.lengths[1::2]
        blocks = operational + private + np.uint64(BLOCK_SIZE - 1) >> _BLOCK_SHIFT
        fitting: npt.NDArray[np.bool_] = blocks == self.counts - EMPTY_SIZE // BLOCK_SIZE
        fitting &= (operational | private) <= _LENGTH_MAX  # or their sum may be one modulo 2**64
        return fitting

    @property
    def macs(self) -> Words:
        """The MAC that each ends with, [2n]."""
        return self._blocks(self.starts + self.counts - 1).view(np.uint64)

    @property
    def operationals(self) -> Sizes:
        """Where the operational segments begin, in bytes."""
        return self.starts * BLOCK_SIZE + HEAD_SIZE

    def _numbers(self, places: Sizes) -> Words:
        numbers: Words = self._blocks(places).view(">u8").astype(np.uint64)
        return numbers

    def _blocks(self, places: Sizes) -> npt.NDArray[np.complex128]:
        return np.frombuffer(self.joined, _BLOCK).take(places, mode="clip")
