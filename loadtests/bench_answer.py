"""What an answer of a bench must be: the messages of a stream, and which of them are right.

Of a message it looks at the size and, where that is another, at its end; it decodes nothing else.
"""

import re
from struct import Struct
from typing import Final

__all__ = ["Messages", "framed", "is_stale"]

_HEAD: Final = Struct(">BI")  # gRPC's frame: not compressed, length
_SINCE_BYTES: Final = range(8, 15)
_SINCE: Final = re.compile(
    rb"\x12."  # field 2 of every answer, and its length
    rb"\x08[\x80-\xff]{4}[\x01-\x7f]"  # seconds, from 1978 to 3058
    rb"(?:\x10[\x80-\xff]{0,4}[\x01-\x7f])?",  # nanoseconds, if there are any
    re.DOTALL,
)


def framed(size: int) -> int:
    """Bytes of a field with a number below 16 that holds so many."""
    return 1 + max(1, (size.bit_length() + 6) // 7) + size


def is_stale(size: int, owed: int, end: bytes, *, streams: bool) -> bool:
    """Whether an answer is the one of size `owed` with `stale_since` behind its results.

    So says a worker that has heard nothing of the primary for a second: the results are right.
    """
    for more in _SINCE_BYTES:
        grown = framed(_held(owed) + more) if streams else owed + more
        if grown == size:
            since = end[-more:]
            return _SINCE.fullmatch(since) is not None and since[1] == more - 2
    return False


def _held(size: int) -> int:
    """What a field of so many bytes holds: the inverse of `framed`."""
    return next(size - head for head in range(2, 7) if framed(size - head) == size)


class Messages:
    """The messages that come on one stream, of which it keeps their ends and no more."""

    __slots__ = ("_end", "_head", "_left")

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0
        self._end = b""

    def take(self, body: memoryview) -> list[tuple[int, bytes]]:
        """The size and the last bytes of each message that ends within these bytes."""
        ended, at = [], 0
        while at < len(body):
            if len(self._head) < _HEAD.size:
                part = body[at : at + _HEAD.size - len(self._head)]
                self._head += part
                at += len(part)
                if len(self._head) < _HEAD.size:
                    break
                self._left = _size(self._head)
            part = body[at : at + self._left]
            at += len(part)
            self._left -= len(part)
            self._end = (self._end + part[-_SINCE_BYTES[-1] :])[-_SINCE_BYTES[-1] :]
            if not self._left:
                ended.append((_size(self._head), self._end))
                self._head.clear()
                self._end = b""
        return ended

    @property
    def is_between(self) -> bool:
        """Whether no message has begun that has not ended."""
        return not self._head


def _size(head: bytearray) -> int:
    size: int = _HEAD.unpack(head)[1]
    return size
