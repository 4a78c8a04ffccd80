"""Reads a FedACH participant directory: rows of 155 characters, chunk by chunk. Pure.

Layout: frbservices.org, FedACH directory file format.
"""

from datetime import date
from typing import Final

from opencif.nacha import is_routing_number
from repository.routing import RoutingRow

__all__ = ["DirectoryReader", "RowRefused"]

_LENGTH_MIN, _LENGTH_MAX = 150, 155  # senders strip the filler of the last five
_LINE_MAX_BYTES: Final = 4_096
_RECORD_TYPES: Final = {b"0": 0, b"1": 1, b"2": 2}
_RETIRED: Final = 2
_RECEIVES: Final = b"1"  # institution status: receives government and commercial entries


class RowRefused(Exception):
    """A row that is not taken: its reason as in the contract, and the field."""

    def __init__(self, reason: str, field: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


class DirectoryReader:
    """Takes a directory in chunks; keeps its good rows and says of the others why not."""

    __slots__ = ("_rest", "_row", "refused", "rows")

    def __init__(self) -> None:
        self.rows: dict[str, RoutingRow] = {}
        self.refused: list[tuple[int, RowRefused]] = []
        self._row = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes; memory is the chunk, one line and the rows so far."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[:_LINE_MAX_BYTES]
        for line in lines:
            self._take(line)

    def close(self) -> None:
        """Take what stands behind the last line end."""
        if self._rest:
            self._take(self._rest)
        self._rest = b""

    def _take(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        if not line.strip():
            return
        self._row += 1
        try:
            row = _parsed(line)
        except RowRefused as refused:
            self.refused.append((self._row, refused))
            return
        if self.rows.setdefault(row.routing_number, row) is not row:
            self.refused.append((self._row, RowRefused("ALREADY_EXISTS", "routing_number")))


def _parsed(line: bytes) -> RoutingRow:
    """The row in a line. Raises: RowRefused."""
    if not _LENGTH_MIN <= len(line) <= _LENGTH_MAX or not line.isascii() or b"\0" in line:
        raise RowRefused("MALFORMED", "")
    record_type = _RECORD_TYPES.get(line[19:20])
    if record_type is None:
        raise RowRefused("MALFORMED", "record_type")
    is_retired = record_type == _RETIRED
    return RoutingRow(
        routing_number=_routing_number(line[0:9], "routing_number"),
        is_addition=False,
        office_code=_text(line, 10, 10),
        servicing_frb=_text(line, 11, 19),
        record_type=record_type,
        change_date=_date(line[20:26]),
        new_routing_number=(
            _routing_number(line[26:35], "new_routing_number") if is_retired else ""
        ),
        customer_name=_text(line, 36, 71),
        town=_text(line, 108, 127),
        region=_text(line, 128, 129),
        participates=line[148:149] == _RECEIVES,
    )


def _text(line: bytes, first: int, last: int) -> str:
    return line[first - 1 : last].decode("ascii").strip()


def _routing_number(field: bytes, name: str) -> str:
    number = field.decode("ascii")
    if not is_routing_number(number):
        raise RowRefused("CHECK_DIGIT" if field.isdigit() else "MALFORMED", name)
    return number


def _date(field: bytes) -> date | None:
    """MMDDYY; zeros say that there is none."""
    if not field.strip(b"0 "):
        return None
    try:
        return date(2000 + int(field[4:6]), int(field[0:2]), int(field[2:4]))
    except ValueError:
        raise RowRefused("INVALID_DATE", "change_date") from None
