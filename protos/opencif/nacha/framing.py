"""Cuts a stream of bytes into records, whatever separates them. Looks at no record's content."""

from __future__ import annotations

from opencif.nacha.fields import WIDTH

_WINDOW_BYTES = 2 * WIDTH + 4
"""Enough to see a separator behind the first record, even a somewhat overlong one."""
_LINE_MAX_BYTES = 4096
"""A longer line is a fault whatever follows; its surplus is not kept."""
_PRINTABLE = bytes(range(0x20, 0x7F))


class Framer:
    """Takes chunks, gives lines: LF, CRLF, CR or no separators at all, told by the first records.

    Memory is bounded by the chunk and one line.
    """

    __slots__ = ("_rest", "_separator")

    def __init__(self) -> None:
        self._rest = b""
        self._separator: bytes | None = None

    def joined(self, data: bytes) -> tuple[bytes, bytes | None]:
        """What was left over and these bytes, for who cuts them; their separator, once told.

        What is not cut off is to be fed again.
        """
        data, self._rest = self._rest + data, b""
        if self._separator is None and len(data) >= _WINDOW_BYTES:
            self._separator = _separator(data)
        return data, self._separator

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their separators."""
        data = self._rest + data
        if self._separator is None:
            if len(data) < _WINDOW_BYTES:
                self._rest = data
                return []
            self._separator = _separator(data)
        if not self._separator:
            end = len(data) // WIDTH * WIDTH
            self._rest = data[end:]
            return [data[i : i + WIDTH] for i in range(0, end, WIDTH)]
        lines = data.split(self._separator)
        self._rest = lines.pop()[:_LINE_MAX_BYTES]
        return _without_returns(lines) if b"\r" in data else lines

    def close(self) -> list[bytes]:
        """The lines left over at the end of the stream; a last separator leaves none."""
        data, self._rest = self._rest, b""
        separator = _separator(data) if self._separator is None else self._separator
        if separator:
            lines = data.split(separator)
        else:
            data = data.removesuffix(b"\n").removesuffix(b"\r")
            lines = [data[i : i + WIDTH] for i in range(0, len(data), WIDTH)] or [b""]
        lines = _without_returns(lines)
        return lines if lines[-1] else lines[:-1]


def all_printable(lines: list[bytes]) -> bool:
    """Whether no line has a byte outside printable ASCII; one pass for the whole list."""
    return not b"".join(lines).translate(None, _PRINTABLE)


def bad_column(line: bytes) -> int:
    """The 1-based column of the first byte outside printable ASCII, 0 when there is none."""
    return next((i for i, byte in enumerate(line, 1) if not 0x20 <= byte <= 0x7E), 0)


def _separator(data: bytes) -> bytes:
    window = data[:_WINDOW_BYTES]
    return b"\n" if b"\n" in window else b"\r" if b"\r" in window else b""


def _without_returns(lines: list[bytes]) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in lines]
