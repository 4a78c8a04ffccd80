"""Rows of `record`, `change` and `link` as COPY takes them in binary, a batch at a time.

Written for speed: what all rows of a batch say alike is encoded once. Knows columns and their
types; must not know which rows may be written.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from repository.link import Link
from repository.record import Operation
from repository.work import Origin

__all__ = ["Copied", "NewRecord", "change_rows", "link_rows", "own_columns", "record_rows"]

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's
_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_NO_PATHS: Final = 25  # the type of an empty array's items: text
_length: Final = struct.Struct(">i").pack
_ID_LENGTH: Final = _length(16)


class NewRecord(Protocol):
    """What is written of a record at version 1; segments as they are sealed, None for none."""

    @property
    def id(self) -> bytes:
        """16 bytes."""

    @property
    def uid(self) -> bytes:
        """A UUID's 16 bytes."""

    @property
    def state(self) -> int:
        """In clear."""

    @property
    def branch(self) -> str:
        """In clear."""

    @property
    def operational(self) -> bytes:
        """Sealed."""

    @property
    def private(self) -> bytes | None:
        """Sealed."""

    @property
    def number(self) -> bytes | None:
        """Sealed."""


class Copied(NamedTuple):
    """What one COPY takes."""

    table: str
    columns: tuple[str, ...]
    data: bytes


_RECORD: Final = (
    "kind", "version", "create_time", "update_time", "id", "uid", "state", "branch",
    "operational", "private", "number",
)  # fmt: skip
_CHANGE: Final = (
    "kind", "version", "time", "operation", "paths", "actor", "method", "source_system", "reason",
    "request_id", "id", "uid", "state", "branch", "operational", "private", "number",
)  # fmt: skip
_LINK: Final = ("relation", "key", "id", "exclusive")


def own_columns(rows: Iterable[NewRecord]) -> list[bytes]:
    """What each record has of its own: the last columns of both its rows, encoded."""
    told: dict[tuple[int, str], bytes] = {}  # state and branch
    encoded = []
    for row in rows:
        known = told.get((row.state, row.branch))
        if known is None:
            known = _small(row.state) + _field(row.branch.encode())
            told[row.state, row.branch] = known
        segments = [
            _NULL if segment is None else _length(len(segment)) + segment
            for segment in (row.operational, row.private, row.number)
        ]
        encoded.append(b"".join((_ID_LENGTH, row.id, _ID_LENGTH, row.uid, known, *segments)))
    return encoded


def record_rows(kind: int, origin: Origin, own: Sequence[bytes]) -> Copied:
    """Rows of `record`, at version 1, as of the origin's time."""
    time = _time(origin.time)
    shared = _count(_RECORD) + _small(kind) + _big(1) + time + time
    return Copied("record", _RECORD, _joined(shared, own))


def change_rows(kind: int, origin: Origin, own: Sequence[bytes]) -> Copied:
    """The rows of `change` that tell of the same records."""
    shared = (
        _count(_CHANGE) + _small(kind) + _big(1) + _time(origin.time) + _small(Operation.IMPORT),
        _field(struct.pack(">iii", 0, 0, _NO_PATHS)),
        *(_field(text.encode()) for text in (origin.actor, origin.method)),
        *(_field(text.encode()) for text in (origin.source_system, origin.reason)),
        _field(origin.request_id.bytes),
    )
    return Copied("change", _CHANGE, _joined(b"".join(shared), own))


def link_rows(links: Iterable[Link]) -> Copied:
    """Rows of `link`."""
    count = _count(_LINK)
    heads = {relation: count + _small(relation) for relation in {link.relation for link in links}}
    flags = {exclusive: _field(bytes((exclusive,))) for exclusive in (False, True)}
    rows = [
        b"%b%b%b%b%b%b"
        % (heads[relation], _length(len(key)), key, _length(len(id_)), id_, flags[exclusive])
        for relation, key, id_, exclusive in links
    ]
    return Copied("link", _LINK, b"".join((_HEAD, *rows, _END)))


def _joined(shared: bytes, own: Sequence[bytes]) -> bytes:
    """Rows that all begin with the same columns; there is at least one."""
    return b"".join((_HEAD, shared, shared.join(own), _END))


def _count(columns: Sequence[str]) -> bytes:
    return struct.pack(">h", len(columns))


def _field(value: bytes) -> bytes:
    return _length(len(value)) + value


def _small(number: int) -> bytes:
    return _field(struct.pack(">h", number))


def _big(number: int) -> bytes:
    return _field(struct.pack(">q", number))


def _time(time: datetime) -> bytes:
    past = time - _EPOCH
    return _big((past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds)
