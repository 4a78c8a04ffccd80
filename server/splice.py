"""Serialized messages put together from serialized parts, without building a message.

Written for speed: a length-delimited field is tag, length and bytes (protobuf wire format). Must
not know keys or records' fields.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1 import lookup_pb2

__all__ = [
    "BARE",
    "LISTED",
    "Form",
    "answer",
    "embedded",
    "found",
    "not_found",
    "payload",
    "refused",
    "result_form",
]

Octets: TypeAlias = npt.NDArray[np.uint8]
Places: TypeAlias = npt.NDArray[np.intp]  # [n]
Blocks: TypeAlias = npt.NDArray[np.complex128]  # [n], of 16 bytes

_LENGTHS_READY: Final = 1 << 12
_LENGTH_DELIMITED: Final = 2
_ROOM: Final = 16  # before a record that is framed where it lies: no head is longer
_BLOCK: Final = np.dtype(np.complex128)  # any of 16 bytes that numpy moves in one piece


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_LENGTHS: Final = [_varint(length) for length in range(_LENGTHS_READY)]
_TAGS: Final = [_varint(number << 3 | _LENGTH_DELIMITED) for number in range(16)]

# Fields of AccountResult and CardResult: the same numbers mean the same in both.
_RESULT: Final = _TAGS[1]
_RECORD: Final = _TAGS[2]
_LINKED: Final = _TAGS[4]
_FOUND: Final = b"\x08" + _varint(lookup_pb2.LOOKUP_OUTCOME_FOUND) + _RECORD


def embedded(number: int, payload: bytes) -> bytes:
    """A field below 16 that holds a message, a string or bytes."""
    return _TAGS[number] + _length(payload) + payload


def payload(number: int, data: bytes) -> bytes | None:
    """What `embedded` made `data` of; None for anything else, though it may mean the same."""
    for head_size in range(2, min(len(data), 5) + 1):
        if data[:head_size] == _TAGS[number] + _varint(len(data) - head_size):
            return data[head_size:]
    return None


def found(record: bytes, linked: Iterable[bytes] = (), tail: bytes = b"") -> bytes:
    """A FOUND result: the record, the records linked to it, and fields that come after them."""
    parts = [_FOUND, _length(record), record]
    for each in linked:
        parts += (_LINKED, _length(each), each)
    parts.append(tail)
    body = b"".join(parts)
    return _RESULT + _length(body) + body


def not_found(tail: bytes = b"") -> bytes:
    """A NOT_FOUND result."""
    return embedded(1, b"\x08" + _varint(lookup_pb2.LOOKUP_OUTCOME_NOT_FOUND) + tail)


def refused(reason: str, tail: bytes = b"") -> bytes:
    """An INVALID result: `reason` is the ErrorReason's name."""
    head = b"\x08" + _varint(lookup_pb2.LOOKUP_OUTCOME_INVALID)
    return embedded(1, head + embedded(3, reason.encode()) + tail)


def answer(results: bytes, stale_since: Timestamp | None) -> bytes:
    """A whole response: its results in order, and since when they may be stale."""
    if stale_since is None:
        return results
    return results + embedded(2, stale_since.SerializeToString())


class Form:
    """A record's frame: a head that the record's length decides, the record, a tail of fixed size.

    `missing` is the frame where there is no record; it is shorter than any other.
    """

    __slots__ = ("_head", "_head_sizes", "_heads", "_ready", "_tail_size", "missing")

    def __init__(self, head: Callable[[int], bytes], missing: bytes, tail_size: int = 0) -> None:
        self.missing = missing
        self._head = head
        self._tail_size = tail_size
        self._heads: dict[int, bytes] = {}  # by the record's length, made once
        self._head_sizes: dict[int, int] = {}  # by the frame's length
        self._ready: tuple[Blocks, Places] | None = None  # heads of short records, their lengths

    def frames(self, records: Sequence[bytes], tails: Sequence[bytes] = ()) -> list[bytes]:
        """The records' frames, in order; with a tail each where this form has tails."""
        heads = self._heads
        try:
            if not self._tail_size:
                return [heads[len(record)] + record for record in records]
            return [
                heads[len(record)] + record + tail
                for record, tail in zip(records, tails, strict=True)
            ]
        except KeyError:
            self._learn(set(map(len, records)) - heads.keys())
            return self.frames(records, tails)

    def framed(self, joined: Octets, begins: Places, ends: Places) -> list[bytes]:
        """The same of records that lie in `joined`, for forms without tails.

        Heads are written before them there: the 16 bytes before each are nobody's.
        """
        sizes = ends - begins
        if int(sizes.max()) >= _LENGTHS_READY:
            whole = joined.tobytes()
            cuts = zip(begins.tolist(), ends.tolist(), strict=True)
            return self.frames([whole[begin:end] for begin, end in cuts])
        heads, head_sizes = self._ready or self._make_ready()
        anywhere = np.ndarray((len(joined) - _ROOM + 1,), _BLOCK, joined, strides=(1,))
        anywhere[begins - _ROOM] = heads[sizes]
        whole = joined.tobytes()
        cuts = zip((begins - head_sizes[sizes]).tolist(), ends.tolist(), strict=True)
        return [whole[begin:end] for begin, end in cuts]

    @property
    def has_tails(self) -> bool:
        """Whether something comes after each record."""
        return self._tail_size > 0

    def record(self, frame: bytes) -> bytes:
        """The record in a frame that was made by `frames`."""
        size = len(frame)
        return frame[self._head_sizes[size] : size - self._tail_size]

    def tail(self, frame: bytes) -> bytes:
        """What stands behind the record."""
        return frame[len(frame) - self._tail_size :]

    def _learn(self, sizes: Iterable[int]) -> None:
        """Make the heads of records of these lengths."""
        for size in sizes:
            head = self._heads[size] = self._head(size)
            self._head_sizes[len(head) + size + self._tail_size] = len(head)  # grows: no two alike

    def _make_ready(self) -> tuple[Blocks, Places]:
        """Make the heads of all short records, each the end of a block, and learn them."""
        self._learn(range(_LENGTHS_READY))
        heads = [self._heads[size] for size in range(_LENGTHS_READY)]
        blocks = np.frombuffer(b"".join(head.rjust(_ROOM, b"\0") for head in heads), _BLOCK)
        self._ready = blocks, np.fromiter(map(len, heads), np.intp, len(heads))
        return self._ready


def result_form(missing: bytes, tail_size: int = 0) -> Form:
    """The form of FOUND results without linked records."""

    def head(size: int) -> bytes:
        inner = _FOUND + _varint(size)
        return _RESULT + _varint(len(inner) + size + tail_size) + inner

    return Form(head, missing, tail_size)


def _length(payload: bytes) -> bytes:
    size = len(payload)
    return _LENGTHS[size] if size < _LENGTHS_READY else _varint(size)


BARE: Final = Form(lambda _: b"", b"")
"""The form of records that stand by themselves."""
LISTED: Final = Form(lambda size: _TAGS[1] + _varint(size), b"")
"""The form of records in an answer to List, all of which have them in field 1."""
