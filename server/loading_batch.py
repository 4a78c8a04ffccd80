"""Rows of an import on their way into records: what survives, what was rejected and why.

Knows no kind of record: what a step does to a row is its caller's.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final, Generic

from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1.routing_pb2 import RejectedRow
from repository.link import Link
from repository.record import Kind
from repository.work import Origin
from server import names
from server.errors import InvalidArgument, RpcError
from server.shape import M
from server.validation import validate
from tokenizer.id_texts import uuid7s, uuid_texts

__all__ = ["Batch", "New", "Rejects", "hold_to_contract", "moved", "require_distinct"]

REJECTS_SHOWN_MAX: Final = 1_000
_ROWS_AT_A_STRETCH: Final = 250  # then others of the worker's calls have their turn
_UUIDS_AT_ONCE: Final = 250
_UUID_KINDS: Final = frozenset({Kind.CUSTOMER, Kind.RELATIONSHIP})


class Rejects:
    """The rows that were not taken, counted; the first 1,000 with their reasons."""

    __slots__ = ("_shown", "count")

    def __init__(self) -> None:
        self.count = 0
        self._shown: list[RejectedRow] = []

    def add(self, row: int, fault: RpcError) -> None:
        """Reject a row, counted from 1 over the call."""
        self.count += 1
        if len(self._shown) < REJECTS_SHOWN_MAX:
            self._shown.append(RejectedRow(row=row, reason=fault.reason, field=fault.field))

    def shown(self) -> list[RejectedRow]:
        """The rejected rows that are told, in order."""
        return sorted(self._shown, key=lambda rejected: rejected.row)


@dataclass(slots=True)
class New(Generic[M]):
    """A row that may become a record. `key` is what its number computes to, where it has one."""

    row: int
    message: M = field(repr=False)
    id: bytes = b""
    uid: bytes = b""
    key: Any = field(default=None, repr=False)
    links: list[Link] = field(default_factory=list, repr=False)


class Batch(Generic[M]):
    """Rows of one kind that are written in one transaction; a row that fails a step is out."""

    __slots__ = ("_stamp", "_uuids", "day", "news", "origin", "rejects", "today")

    def __init__(self, news: Iterable[New[M]], origin: Origin, rejects: Rejects) -> None:
        self.news = list(news)
        self.origin = origin
        self.rejects = rejects
        self.today = origin.time.astimezone(UTC).date()
        self.day = self.today.isoformat()
        self._stamp = Timestamp()
        self._stamp.FromDatetime(origin.time)
        self._uuids = _fresh_uuids()

    def fresh_uuid(self) -> str:
        """A new UUIDv7, for what belongs to a record."""
        return next(self._uuids)

    async def each(self, step: Callable[[New[M]], None]) -> None:
        """Take every row a step further; those for which it raises an RpcError are rejected."""
        kept = []
        for start in range(0, len(self.news), _ROWS_AT_A_STRETCH):
            if start:
                await asyncio.sleep(0)
            for new in self.news[start : start + _ROWS_AT_A_STRETCH]:
                try:
                    step(new)
                except RpcError as fault:
                    self.rejects.add(new.row, fault)
                else:
                    kept.append(new)
        self.news = kept

    def reject(self, new: New[M], fault: RpcError) -> None:
        """Take a row out."""
        self.rejects.add(new.row, fault)
        self.news.remove(new)

    async def take_keys(self, keys: Iterable[Any]) -> None:
        """Give every row its natural key, in order, or reject it for the fault in its place."""
        for new, key in zip(self.news, keys, strict=True):
            new.key = key
        await self.each(_take_key)

    def name(self, kind: int) -> None:
        """Write into each row what a record says of itself: a new one is at version 1."""
        ids = [new.id for new in self.news]
        uids = ids if kind in _UUID_KINDS else uuid7s(len(ids))
        given = zip(self.news, names.format_many(kind, ids), uids, uuid_texts(uids), strict=True)
        for new, name, uid, uid_text in given:
            new.uid = uid
            message: Any = new.message
            message.name = name
            message.uid = uid_text
            message.version = 1
            message.etag = "1"
            message.create_time.CopyFrom(self._stamp)
            message.update_time.CopyFrom(self._stamp)
            if not message.source_system:
                message.source_system = self.origin.source_system


def _fresh_uuids() -> Iterator[str]:
    while True:
        yield from uuid_texts(uuid7s(_UUIDS_AT_ONCE))


def _take_key(new: New[Any]) -> None:
    if isinstance(new.key, InvalidArgument):
        raise new.key
    new.id = new.key.ids[0]


def hold_to_contract(message: Any, prefix: str, deleted: int) -> None:
    """Hold a row to its contract, output-only fields included; nobody loads what is deleted.

    Raises InvalidArgument with a path that begins with `prefix`.
    """
    try:
        validate(message, keep_output_only=True)
    except InvalidArgument as fault:
        raise InvalidArgument(fault.reason, f"{prefix}.{fault.field}") from None
    if message.state == deleted:
        raise InvalidArgument("UNKNOWN_ENUM_VALUE", f"{prefix}.state")


def require_distinct(ids: Sequence[str], field: str, id_field: str) -> None:
    """Raise InvalidArgument where a child's id is another's: RPCs find children by it."""
    if len(ids) < 2:
        return
    seen: set[str] = set()
    for position, id_ in enumerate(ids):
        if id_ and id_ in seen:
            raise InvalidArgument("MALFORMED", f"{field}[{position}].{id_field}")
        seen.add(id_)


def moved(fault: InvalidArgument, root: str, path: str) -> InvalidArgument:
    """The fault of a child as a fault of the row: the path's `root` is found at `path`."""
    return InvalidArgument(fault.reason, path + fault.field.removeprefix(root), fault.detail)
