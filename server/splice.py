"""Serialized messages put together from serialized parts, without building a message.

Written for speed: a length-delimited field is tag, length and bytes (protobuf wire format). Must
not know keys or records' fields.
"""

from collections.abc import Iterable
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1 import lookup_pb2

__all__ = ["answer", "embedded", "found", "not_found", "refused"]

_LENGTHS_READY: Final = 1 << 12
_LENGTH_DELIMITED: Final = 2


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


def answer(results: Iterable[bytes], stale_since: Timestamp | None) -> bytes:
    """A whole response: its results in order, and since when they may be stale."""
    whole = b"".join(results)
    if stale_since is None:
        return whole
    return whole + embedded(2, stale_since.SerializeToString())


def _length(payload: bytes) -> bytes:
    size = len(payload)
    return _LENGTHS[size] if size < _LENGTHS_READY else _varint(size)
