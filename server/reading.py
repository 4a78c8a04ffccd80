"""Reads of records by name, in pages and in their history: the same for every kind of record.

Messages are for all but the hot path: LookupService sends the frames of frames.py.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1 import record_pb2
from repository.changes import ChangePoll
from repository.errors import NotFound as NoSuchRow
from repository.link import LinkStore
from repository.reading import Consistency, Freshness, Reader
from repository.record import Kind, RecordStore, Revision
from server import names
from server.audit import Audit
from server.cursor import Cursors
from server.errors import FailedPrecondition, InvalidArgument, NotFound
from server.frames import Frames
from server.rpc import Call
from server.sealed import SealedRecords, SealedRow
from server.shape import M, kind_of
from tokenizer.sealing import SealBroken

__all__ = ["Found", "Page", "Reads", "RevisionPage"]

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 1_000

_HISTORY: Final = struct.Struct(">8sQQ")  # incarnation, an xid above all that was shown, version


class GetRequest(Protocol):
    """What asks for one record. Most have a view and an as_of too: relationships have neither."""

    name: str
    version: int

    @property
    def consistency(self) -> record_pb2.Consistency:
        """How fresh."""

    def HasField(self, field_name: Literal["consistency"]) -> bool: ...


class Found(NamedTuple, Generic[M]):
    """Records, and since when they could not be proven current (None: they are)."""

    messages: list[M]
    stale_since: Timestamp | None


class Page(NamedTuple, Generic[M]):
    """A page of a list; the token is empty at its end."""

    messages: list[M]
    next_page_token: str


class RevisionPage(NamedTuple, Generic[M]):
    """A page of a history, newest first; a deletion has no message."""

    revisions: list[tuple[record_pb2.Revision, M | None]]
    next_page_token: str


class Reads:
    """Reads records as their views show them: numbers are in none.

    Whose private fields a view shows is on record before anybody gets them.
    """

    __slots__ = (
        "_audit",
        "_cursors",
        "_frames",
        "_links",
        "_poll",
        "_reader",
        "_records",
        "_sealed",
    )

    def __init__(
        self,
        reader: Reader,
        records: RecordStore,
        links: LinkStore,
        poll: ChangePoll,
        *,
        frames: Frames,
        sealed: SealedRecords,
        cursors: Cursors,
        audit: Audit,
    ) -> None:
        self._audit = audit
        self._reader = reader
        self._records = records
        self._links = links
        self._poll = poll
        self._frames = frames
        self._sealed = sealed
        self._cursors = cursors

    async def get(self, of: type[M], request: GetRequest, call: Call) -> tuple[M, Timestamp | None]:
        """One record, now, at a version or as of a time, and since when it may be stale.

        History is the primary's own answer, whatever the consistency asked for. Raises NotFound (a
        deleted record is not found either), InvalidArgument.
        """
        id_ = names.parse(kind_of(of), request.name)
        if request.version or _as_of(request):
            return await self._get_revision(of, id_, request, call), None
        since = self.stale_since(request.consistency)
        found = await self.get_many(
            of,
            [id_],
            call,
            freshness=self.freshness(request.consistency),
            private=_view(request) == record_pb2.VIEW_FULL,
        )
        if id_ not in found:
            raise NotFound("name")
        return found[id_], since

    async def batch_get(
        self,
        of: type[M],
        wanted: Sequence[str],
        call: Call,
        *,
        view: int,
        consistency: record_pb2.Consistency,
    ) -> Found[M]:
        """Records in the order of `wanted`, all or nothing (AIP-231). Raises NotFound."""
        kind = kind_of(of)
        ids = [names.parse(kind, name, f"names[{i}]") for i, name in enumerate(wanted)]
        freshness = self.freshness(consistency)
        since = self.stale_since(consistency)
        private = view == record_pb2.VIEW_FULL
        found = await self.get_many(of, ids, call, freshness=freshness, private=private)
        for position, id_ in enumerate(ids):
            if id_ not in found:
                raise NotFound(f"names[{position}]")
        return Found([found[id_] for id_ in ids], since)

    async def get_many(
        self,
        of: type[M],
        ids: Sequence[bytes],
        call: Call,
        *,
        freshness: Freshness = Consistency.MINIMIZE_LATENCY,
        private: bool = False,
    ) -> dict[bytes, M]:
        """Id -> message of those of `ids` that exist.

        What a cache returned and does not open is asked of the primary once. Raises SealBroken.
        """
        opened = await self.plaintexts(kind_of(of), ids, call, freshness=freshness, private=private)
        return {id_: of.FromString(plaintext) for id_, plaintext in opened.items()}

    async def plaintexts(
        self,
        kind: int,
        ids: Iterable[bytes],
        call: Call,
        *,
        freshness: Freshness = Consistency.MINIMIZE_LATENCY,
        private: bool = False,
    ) -> dict[bytes, bytes]:
        """The same as serialized messages, as hot answers are spliced of: none is parsed."""
        if not private or kind != Kind.CUSTOMER:
            return await self._frames.records(kind, ids, freshness, call)
        wanted = list(dict.fromkeys(ids))
        entries = await self._reader.get_many(kind, wanted, freshness, deadline=call.deadline)
        try:
            return await self._opened(kind, wanted, entries, call, private=private)
        except SealBroken:
            entries = await self._reader.reread(kind, wanted, deadline=call.deadline)
            return await self._opened(kind, wanted, entries, call, private=private)

    async def page_linked(
        self, of: type[M], request: Message, call: Call, relation: int, key: bytes
    ) -> Page[M]:
        """A page of the records linked to `key`, in the order of their ids."""
        size = page_size(request)
        after = self._cursors.page_position(request, call)
        ids = await self._links.page(
            relation, key, after=after, limit=size + 1, deadline=call.deadline
        )
        private = _view(request) == record_pb2.VIEW_FULL
        found = await self.get_many(of, ids[:size], call, private=private)
        messages = [found[id_] for id_ in ids[:size] if id_ in found]
        return Page(messages, self._next(request, call, ids, size))

    async def page(
        self, of: type[M], request: Message, call: Call, branch: str | None = None
    ) -> Page[M]:
        """A page of a branch's records, or of all, in the order of their ids."""
        size = page_size(request)
        rows = await self._records.page(
            kind_of(of),
            branch=branch or None,
            after=self._cursors.page_position(request, call),
            limit=size + 1,
            deadline=call.deadline,
        )
        ids = [row.id for row in rows]
        private = _view(request) == record_pb2.VIEW_FULL
        found = await self._open(of, ids[:size], rows[:size], call, private=private)
        return Page(list(found.values()), self._next(request, call, ids, size))

    async def revisions(
        self, of: type[M], name: str, request: Message, call: Call
    ) -> RevisionPage[M]:
        """A page of what the record was, newest first.

        Raises NotFound when it never was, and FailedPrecondition HISTORY_REWOUND when what former
        pages showed may not have happened: the database was restored to before it.
        """
        size = page_size(request)
        id_ = names.parse(kind_of(of), name)
        life = self._poll.window.incarnation
        shown_below, before = await self._history_position(request, call, life)
        rows, ceiling = await self._records.revisions(
            kind_of(of),
            id_,
            before_version=before,
            limit=size + 1,
            life=life,
            deadline=call.deadline,
        )
        if not rows and before is None:
            raise NotFound("name")
        shown = [row for row in rows[:size] if row.operational is not None]
        private = _view(request) == record_pb2.VIEW_FULL
        opened = await self._sealed.open_many(
            of, [id_] * len(shown), shown, private=private, deadline=call.deadline
        )
        if private and kind_of(of) == Kind.CUSTOMER:
            await self._audit.shown(call, [id_] if shown else [])
        by_version = {row.version: message for row, message in zip(shown, opened, strict=True)}
        token = ""
        if len(rows) > size:
            last = _HISTORY.pack(life, max(ceiling, shown_below), rows[size - 1].version)
            token = self._cursors.page_token(request, call, last)
        return RevisionPage(
            [(_revision(row), by_version.get(row.version)) for row in rows[:size]], token
        )

    async def _history_position(
        self, request: Message, call: Call, life: bytes
    ) -> tuple[int, int | None]:
        """An xid above all that former pages showed, and the version they ended with.

        Raises InvalidArgument, FailedPrecondition HISTORY_REWOUND.
        """
        position = self._cursors.page_position(request, call)
        if position is None:
            return 0, None
        if len(position) != _HISTORY.size:
            raise InvalidArgument("INVALID_PAGE_TOKEN", "page_token")
        shown_in, ceiling, version = _HISTORY.unpack(position)
        if shown_in != life and ceiling > await self._poll.shared_below(shown_in, call.deadline):
            raise FailedPrecondition("HISTORY_REWOUND", "page_token")
        return ceiling, version

    def freshness(self, consistency: record_pb2.Consistency) -> Freshness:
        """What a request's consistency asks of the reader. Raises InvalidArgument."""
        if consistency.fully_consistent:
            return Consistency.FULLY_CONSISTENT
        if consistency.at_least_as_fresh:
            return self._cursors.consistency_position(consistency.at_least_as_fresh)
        return Consistency.MINIMIZE_LATENCY

    def stale_since(self, consistency: record_pb2.Consistency) -> Timestamp | None:
        """Since when what is read from now on may be stale; None if it is proven current.

        To be asked before the read: a poll that comes back meanwhile proves nothing of it.
        """
        since = None if consistency.fully_consistent else self._poll.stale_since
        if since is None:
            return None
        stamp = Timestamp()
        stamp.FromDatetime(since)
        return stamp

    async def _open(
        self,
        of: type[M],
        ids: Sequence[bytes],
        rows: Sequence[SealedRow],
        call: Call,
        *,
        private: bool,
    ) -> dict[bytes, M]:
        opened = await self._opened(kind_of(of), ids, rows, call, private=private)
        return {id_: of.FromString(plaintext) for id_, plaintext in opened.items()}

    async def _opened(
        self,
        kind: int,
        ids: Sequence[bytes],
        rows: Sequence[SealedRow],
        call: Call,
        *,
        private: bool,
    ) -> dict[bytes, bytes]:
        pairs = [(id_, row) for id_, row in zip(ids, rows, strict=True) if row.operational]
        found = [id_ for id_, _ in pairs]
        opened = await self._sealed.plaintexts(
            kind, found, [row for _, row in pairs], private=private, deadline=call.deadline
        )
        if private and kind == Kind.CUSTOMER:
            await self._audit.shown(call, found)
        return dict(zip(found, opened, strict=True))

    async def _get_revision(self, of: type[M], id_: bytes, request: GetRequest, call: Call) -> M:
        stamp = _as_of(request)
        if request.version < 0 or (request.version and stamp):
            raise InvalidArgument("MALFORMED", "version")
        try:
            as_of = stamp.ToDatetime(UTC) if stamp else None
        except (OverflowError, ValueError):
            raise InvalidArgument("INVALID_DATE", "as_of") from None
        try:
            row = await self._records.revision(
                kind_of(of),
                id_,
                version=request.version or None,
                as_of=as_of,
                deadline=call.deadline,
            )
        except NoSuchRow:
            raise NotFound("name") from None
        private = _view(request) == record_pb2.VIEW_FULL
        found = await self._open(of, [id_], [row], call, private=private)
        if not found:
            raise NotFound("name")
        return found[id_]

    def _next(self, request: Message, call: Call, ids: Sequence[bytes], size: int) -> str:
        if len(ids) <= size:
            return ""
        return self._cursors.page_token(request, call, ids[size - 1])


def page_size(request: Message) -> int:
    """How many a List request wants: 50 unless it says, 1,000 at most; validation saw the sign."""
    size: int = request.page_size  # type: ignore[attr-defined]  # every List request has one
    return min(size or PAGE_SIZE, PAGE_SIZE_MAX)


def _view(request: Any) -> int:
    """How much a request wants to see; a record without private fields is seen one way only."""
    view: int = getattr(request, "view", record_pb2.VIEW_BASIC)
    return view


def _as_of(request: Any) -> Timestamp | None:
    """The time a request asks about, if it does."""
    if "as_of" not in request.DESCRIPTOR.fields_by_name or not request.HasField("as_of"):
        return None
    stamp: Timestamp = request.as_of
    return stamp


def _revision(row: Revision) -> record_pb2.Revision:
    revision = record_pb2.Revision(
        version=row.version,
        operation=record_pb2.Operation.Name(row.operation),
        paths=row.paths,
        actor=row.actor,
        method=row.method,
        source_system=row.source_system,
        reason=row.reason,
        request_id=str(row.request_id),
        uid=str(row.uid),
    )
    revision.time.FromDatetime(row.time)
    return revision
