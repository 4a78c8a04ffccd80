"""The records one mutation reads and writes, opened, inside one transaction.

Records are locked in the order customers, accounts, cards, relationships, so that two mutations
cannot wait for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic
from uuid import UUID

from google.protobuf.message import Message

from repository.link import Link
from repository.record import DELETED, Kind, Record
from repository.work import Work as Transaction
from repository.work import Write
from server import names
from server.errors import Aborted, NotFound
from server.rpc import Call
from server.sealed import Opened, SealedRecords
from server.shape import M, kind_of
from tokenizer.identity import uuid7

__all__ = ["Work"]


@dataclass(slots=True)
class _Held(Generic[M]):
    """A locked record. `opened` is None for a new one and for a deleted row taken over."""

    message: M
    record: Record | None = None
    opened: Opened[M] | None = None


class Work:
    """What a change works with. Messages are the servicer's to edit; `put` has them written.

    Every message read stays locked until the end. What is put or created is written once, when
    the change is complete: the answering record first, the others in the order of their first put.
    """

    __slots__ = ("_dirty", "_held", "_links", "_sealed", "_transaction", "_unlinks", "call")

    def __init__(self, transaction: Transaction, sealed: SealedRecords, call: Call) -> None:
        self.call = call
        self._transaction = transaction
        self._sealed = sealed
        self._held: dict[tuple[int, bytes], _Held[Any]] = {}
        self._dirty: dict[tuple[int, bytes], str] = {}
        self._links: list[Link] = []
        self._unlinks: list[Link] = []

    @property
    def transaction(self) -> Transaction:
        """The open transaction, for a store that writes beside the records."""
        return self._transaction

    @property
    def now(self) -> datetime:
        """The mutation's time, in UTC: one for all it writes."""
        return self._transaction.origin.time

    @property
    def today(self) -> date:
        """The mutation's day, in UTC."""
        return self.now.astimezone(UTC).date()

    async def read(self, of: type[M], name: str, etag: str = "", field: str = "name") -> M:
        """The live record called `name`, locked, without numbers.

        Raises NotFound naming `field`, and Aborted when `etag` is given and no longer current.
        """
        found = (await self.read_many(of, [name])).get(name)
        if found is None:
            raise NotFound(field)
        version: int = found.version  # type: ignore[attr-defined]  # every record has one
        if etag and etag != str(version):
            raise Aborted("ETAG_MISMATCH", "etag")
        return found

    async def read_many(self, of: type[M], wanted: Iterable[str]) -> dict[str, M]:
        """Name -> message of the live ones among the records called `wanted`, locked at once."""
        kind = kind_of(of)
        ids = {names.parse(kind, name): name for name in wanted}
        await self._lock(of, ids)
        held = {name: self._held.get((kind, id_)) for id_, name in ids.items()}
        return {name: found.message for name, found in held.items() if found and found.opened}

    async def reserve(
        self, of: type[M], ids: Sequence[bytes], rivals: Sequence[bytes] = ()
    ) -> dict[bytes, M]:
        """Reserve the ids of one number, one per generation, newest first, for `create`.

        Returns the records that have one of them, or one of `rivals`, and are not deleted; locked.
        Nobody who reserves one of them goes on before this mutation has ended.
        """
        kind = kind_of(of)
        wanted = [*ids, *rivals]
        await self._transaction.reserve([ids[-1], *rivals])
        await self._lock(of, wanted)
        held = {id_: self._held.get((kind, id_)) for id_ in wanted}
        return {id_: found.message for id_, found in held.items() if found and found.opened}

    async def numbers(self, message: M) -> M:
        """The message of a record read before, with its numbers merged in."""
        held = self._of(message)
        assert held.record is not None
        assert held.opened is not None
        await self._sealed.open_numbers(held.opened, held.record, self.call.deadline)
        return message

    async def linked(
        self, relation: int, key: bytes, limit: int, after: bytes = b""
    ) -> list[bytes]:
        """At most `limit` ids linked to `key` before this mutation, behind `after`, in id order."""
        return await self._transaction.linked(relation, key, limit, after)

    async def holders(self, relation: int, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Key -> id of the record that holds it exclusively now, of those keys that are held.

        Reserves the keys, one per generation, newest first, as `reserve` does ids.
        """
        await self._transaction.reserve(keys[-1:])
        found = await self._transaction.holders([(relation, key) for key in keys])
        return {key: id_ for (_, key), id_ in found.items()}

    def create(self, message: M, id_: bytes) -> M:
        """Have a new record written: over a closed or deleted one, it is a new incarnation.

        Gives the message its name and uid: customers and relationships have their id as uid.
        """
        kind = kind_of(type(message))
        former = self._held.get((kind, id_))
        assert former is None or former.message is not message, "a new message"
        uid = UUID(bytes=id_) if kind in (Kind.CUSTOMER, Kind.RELATIONSHIP) else uuid7()
        _set(message, name=names.format(kind, id_), uid=str(uid))
        record = former.record if former else None
        self._held[kind, id_] = _Held(message, record)
        self._dirty[kind, id_] = "create"
        return message

    def put(self, message: M) -> M:
        """Have the record that the message was read as written with what it says now."""
        self._of(message)
        self._dirty.setdefault(self._key(message), "put")
        return message

    def delete(self, message: M) -> M:
        """Have the record deleted: its version goes on, its segments go."""
        self._of(message)
        self._dirty[self._key(message)] = "delete"
        return message

    def link(self, relation: int, key: bytes, id_: bytes, *, exclusive: bool = False) -> None:
        """Have `id_` found under `key`; LinkTaken when an exclusive key is another record's."""
        self._links.append(Link(relation, key, id_, exclusive))

    def unlink(self, relation: int, key: bytes, id_: bytes) -> None:
        """Have `id_` no longer found under `key`: before anything is linked."""
        self._unlinks.append(Link(relation, key, id_))

    async def flush(self, answering: Message | None = None) -> None:
        """Seal and write everything, the answering record first: a repeated call gets that one."""
        first = self._key(answering) if answering is not None else None
        assert first is None or first in self._dirty, "the answering record is written"
        for key in sorted(self._dirty, key=lambda key: key != first):
            await self._write(key, self._dirty[key])
        await self._transaction.unlink(self._unlinks)
        await self._transaction.link(self._links)

    async def _write(self, key: tuple[int, bytes], what: str) -> None:
        kind, id_ = key
        held = self._held[key]
        record = held.record
        version = record.version + 1 if record else 1
        if what == "delete":
            await self._transaction.delete(kind, id_, version)
            return
        message = held.message
        _set(message, version=version, etag=str(version))
        message.update_time.FromDatetime(self.now)
        if held.opened is None:
            message.create_time.FromDatetime(self.now)
        parts = await self._sealed.seal(id_, message, held.opened, self.call.deadline)
        is_new = held.opened is None
        write = Write(
            kind=kind,
            id=id_,
            version=version,
            state=message.state,
            branch=getattr(message, "branch", ""),
            operational=parts.operational,
            private=parts.private or b"" if is_new else parts.private,
            number=parts.number or b"" if is_new else parts.number,
            uid=UUID(message.uid) if is_new else None,
        )
        if is_new and (record is None or record.state == DELETED):
            await self._transaction.insert(write, parts.paths)
        else:
            await self._transaction.update(write, parts.paths)

    async def _lock(self, of: type[M], ids: Iterable[bytes]) -> None:
        """Lock and open those of `ids` that are not held yet."""
        kind = kind_of(of)
        wanted = [id_ for id_ in dict.fromkeys(ids) if (kind, id_) not in self._held]
        if not wanted:
            return
        rows = await self._transaction.lock_many(kind, wanted)
        await self._sealed.fetch_keys(rows.values(), self.call.deadline)
        for id_, record in rows.items():
            held = _Held(of(), record)
            if record.state != DELETED:
                opened = await self._sealed.open(of, record, self.call.deadline)
                held = _Held(opened.message, record, opened)
            self._held[kind, id_] = held

    def _key(self, message: Message) -> tuple[int, bytes]:
        kind = kind_of(type(message))
        name: str = message.name  # type: ignore[attr-defined]  # every record has one
        return kind, names.parse(kind, name)

    def _of(self, message: M) -> _Held[M]:
        held = self._held[self._key(message)]
        assert held.message is message, "a message that was read here"
        return held


def _set(message: Message, **values: object) -> None:
    """Set scalar fields that every record's message has."""
    for name, value in values.items():
        setattr(message, name, value)
