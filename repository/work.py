"""What one transaction may do: claim a request, lock, write records with their change rows, link.

Rows come sealed and validated; what is decided here is only what two writers could disagree on.
Beginning and committing is in writing.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from repository.database import Connection, Position
from repository.errors import (
    AlreadyExists,
    IdempotencyKeyReused,
    LinkTaken,
    NotFound,
    OperationInProgress,
    VersionMismatch,
)
from repository.link import Link
from repository.record import DELETED, Entry, Operation, Record

__all__ = ["Idempotency", "Origin", "Replay", "Work", "Write", "Written"]

CLAIM = "SELECT pg_try_advisory_xact_lock($1)"

# A statement after CLAIM, never part of it: its snapshot must be younger than the lock, or the
# answer of a rival that commits between the two would not be seen.
REPLAY = """
UPDATE idempotency SET replays = replays + 1 WHERE key = $1
RETURNING payload_mac, kind, id, version, pg_current_xact_id()"""

REMEMBER = """
INSERT INTO idempotency (key, payload_mac, kind, id, version) VALUES ($1, $2, $3, $4, $5)"""

RESERVE = "SELECT pg_advisory_xact_lock(lock) FROM unnest($1::bigint[]) AS lock"

# LockRows sits above the sort: rows are locked in id order, so two batches cannot deadlock.
LOCK_MANY = """
SELECT kind, id, uid, version, state, branch, create_time, update_time, operational, private, number
FROM record WHERE kind = $1 AND id = ANY($2::bytea[]) ORDER BY id FOR UPDATE"""

# A deleted row is taken over at the version after its last: versions never restart.
INSERT = """
WITH written AS (
    INSERT INTO record AS former (kind, id, uid, version, state, branch, create_time, update_time,
                                  operational, private, number)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8,
            nullif($9, ''::bytea), nullif($10, ''::bytea))
    ON CONFLICT (kind, id) DO UPDATE SET
        uid = excluded.uid, version = excluded.version, state = excluded.state,
        branch = excluded.branch, create_time = excluded.create_time,
        update_time = excluded.update_time, operational = excluded.operational,
        private = excluded.private, number = excluded.number, xid = pg_current_xact_id()
    WHERE former.state = 99 AND former.version = excluded.version - 1
    RETURNING kind, id, uid, version, state, branch, xid, operational, private, number
), logged AS (
    INSERT INTO change (kind, id, version, time, uid, operation, paths, state, branch, actor,
                        method, source_system, reason, request_id, operational, private, number)
    SELECT kind, id, version, $7, uid, CASE version WHEN 1 THEN 1 ELSE 4 END, $11::text[], state,
           branch, $12, $13, $14, $15, $16::uuid, operational, private, number
    FROM written
)
SELECT xid, pg_snapshot_xmin(pg_current_snapshot()), private FROM written"""

# $9 and $10: NULL keeps the segment, empty removes it. $3: a new uid is a new incarnation.
UPDATE = """
WITH written AS (
    UPDATE record SET
        version = version + 1, state = $5, update_time = $7, operational = $8,
        branch = CASE WHEN $5::smallint = 99 THEN branch ELSE $6 END,
        uid = coalesce($3, uid), create_time = CASE WHEN $3 IS NULL THEN create_time ELSE $7 END,
        private = CASE WHEN $9::bytea IS NULL THEN private ELSE nullif($9, ''::bytea) END,
        number = CASE WHEN $10::bytea IS NULL THEN number ELSE nullif($10, ''::bytea) END,
        xid = pg_current_xact_id()
    WHERE kind = $1 AND id = $2 AND version = $4 - 1 AND state <> 99
    RETURNING kind, id, uid, version, state, branch, xid, operational, private, number
), logged AS (
    INSERT INTO change (kind, id, version, time, uid, operation, paths, state, branch, actor,
                        method, source_system, reason, request_id, operational, private, number)
    SELECT kind, id, version, $7, uid, $17, $11::text[], state, branch, $12,
           $13, $14, $15, $16::uuid, operational, private, number
    FROM written
)
SELECT xid, pg_snapshot_xmin(pg_current_snapshot()), private FROM written"""

GET_VERSION = "SELECT version, state FROM record WHERE kind = $1 AND id = $2"

LINK = """
INSERT INTO link (relation, key, id, exclusive)
SELECT relation, key, id, exclusive
FROM unnest($1::smallint[], $2::bytea[], $3::bytea[], $4::boolean[])
     AS given (relation, key, id, exclusive)
ON CONFLICT DO NOTHING RETURNING relation, key, id"""

GET_HOLDERS = """
SELECT link.relation, link.key, link.id
FROM unnest($1::smallint[], $2::bytea[]) AS given (relation, key)
JOIN link ON link.relation = given.relation AND link.key = given.key AND link.exclusive"""

LINKED = """
SELECT id FROM link WHERE relation = $1 AND key = $2 AND id > $4 ORDER BY id LIMIT $3"""

UNLINK = """
DELETE FROM link USING unnest($1::smallint[], $2::bytea[], $3::bytea[]) AS given (relation, key, id)
WHERE link.relation = given.relation AND link.key = given.key AND link.id = given.id"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks for a mutation, by which method and why; `time` is the mutation's own."""

    actor: str
    method: str
    request_id: UUID
    time: datetime
    source_system: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Keyed digests the server makes: of (caller, method, request id), and of the payload."""

    key: bytes
    payload_mac: bytes


class Replay(NamedTuple):
    """What the first run of this request wrote: answer with that revision."""

    kind: int
    id: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Write:
    """A record as it is to stand at `version`.

    In an update `uid` None keeps the incarnation, and `private` or `number` None keeps the
    segment as it is; b"" removes it. An insert needs the uid.
    """

    kind: int
    id: bytes
    version: int
    state: int
    branch: str
    operational: bytes
    private: bytes | None = None
    number: bytes | None = None
    uid: UUID | None = None


class Written(NamedTuple):
    """One record version that a transaction wrote, ready for the cache once committed."""

    kind: int
    id: bytes
    entry: Entry


class Work:
    """An open transaction. Leaving `Writer.begin` commits it, an exception rolls it back."""

    def __init__(self, connection: Connection, origin: Origin) -> None:
        self.connection = connection
        self.origin = origin
        self.written: list[Written] = []
        self.xid = 0
        self.committed_at: Position | None = None
        self._idempotency: Idempotency | None = None

    @property
    def position(self) -> Position:
        """Where the committed transaction stands; known once the block has been left."""
        assert self.committed_at is not None, "not committed yet"
        return self.committed_at

    async def claim(self, idempotency: Idempotency) -> Replay | None:
        """Claim the request, before anything else; a Replay when it was answered before.

        After a Replay just leave the block: that commits, so the repeated answer is as durable as
        the first. The first record written otherwise becomes what a repetition is answered with.
        Raises OperationInProgress, IdempotencyKeyReused.
        """
        if not await self.connection.fetchval(CLAIM, _lock_of(idempotency.key)):
            raise OperationInProgress
        row = await self.connection.fetchrow(REPLAY, idempotency.key)
        if row is None:
            self._idempotency = idempotency
            return None
        payload_mac, kind, id_, version, xid = row
        if payload_mac != idempotency.payload_mac:
            raise IdempotencyKeyReused
        self.xid = xid
        return Replay(kind, id_, version)

    async def reserve(self, ids: Sequence[bytes]) -> None:
        """Wait until no other transaction holds these ids: a create whose row is not there yet."""
        await self.connection.execute(RESERVE, sorted({_lock_of(id_[8:]) for id_ in ids}))

    async def lock_many(self, kind: int, ids: Sequence[bytes]) -> dict[bytes, Record]:
        """Id -> record, locked in id order, with all segments; deleted ones too, missing not."""
        rows = await self.connection.fetch(LOCK_MANY, kind, ids)
        return {row[1]: Record.from_row(row) for row in rows}

    async def insert(self, write: Write, paths: Sequence[str] = ()) -> Written:
        """Create the record: at version 1, or over a deleted row at its version + 1.

        Raises AlreadyExists.
        """
        assert write.uid is not None, "a new record has a uid"
        row = await self.connection.fetchrow(INSERT, *self._arguments(write, paths))
        if row is None:
            raise AlreadyExists(write.kind, write.id)
        return self._note(write, *row)

    async def update(self, write: Write, paths: Sequence[str] = ()) -> Written:
        """Bring the record from version - 1 to version; with a uid, as a new incarnation.

        Raises VersionMismatch, NotFound.
        """
        operation = Operation.UPDATE if write.uid is None else Operation.RECREATE
        return await self._update(write, paths, operation)

    async def delete(self, kind: int, id_: bytes, version: int) -> Written:
        """Delete: `version` is the deletion's own, one above the last; no segment stays.

        Raises VersionMismatch, NotFound.
        """
        gone = Write(kind, id_, version, DELETED, "", b"", b"", b"")
        return await self._update(gone, (), Operation.DELETE)

    async def link(self, links: Sequence[Link]) -> None:
        """Add links; one that is there already is left alone. Raises LinkTaken."""
        if not links:
            return
        relations, keys, ids, exclusive = map(list, zip(*links, strict=True))
        made = await self.connection.fetch(LINK, relations, keys, ids, exclusive)
        added = {(relation, key, id_) for relation, key, id_ in made}
        claims = [link for link in links if link.exclusive and link[:3] not in added]
        if claims:
            await self._check_holders(claims)

    async def unlink(self, links: Sequence[Link]) -> None:
        """Remove links; one that is not there is no error."""
        if links:
            relations, keys, ids, _ = map(list, zip(*links, strict=True))
            await self.connection.execute(UNLINK, relations, keys, ids)

    async def holders(self, claims: Sequence[tuple[int, bytes]]) -> dict[tuple[int, bytes], bytes]:
        """(relation, key) -> id of the record that holds it exclusively, where one does."""
        relations, keys = map(list, zip(*claims, strict=True))
        rows = await self.connection.fetch(GET_HOLDERS, relations, keys)
        return {(row[0], row[1]): row[2] for row in rows}

    async def linked(
        self, relation: int, key: bytes, limit: int, after: bytes = b""
    ) -> list[bytes]:
        """At most `limit` ids under `key` behind `after`, in id order."""
        rows = await self.connection.fetch(LINKED, relation, key, limit, after)
        return [row[0] for row in rows]

    async def remember(self) -> None:
        """Write the idempotency row of a claimed request. Raises OperationInProgress."""
        if self._idempotency is None:
            return
        assert self.written, "a claimed request writes a record"
        kind, id_, entry = self.written[0]
        try:
            await self.connection.execute(
                REMEMBER,
                self._idempotency.key,
                self._idempotency.payload_mac,
                kind,
                id_,
                entry.version,
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "idempotency_pkey":
                raise
            raise OperationInProgress from error

    async def _update(self, write: Write, paths: Sequence[str], operation: int) -> Written:
        row = await self.connection.fetchrow(UPDATE, *self._arguments(write, paths), operation)
        if row is None:
            await self._explain(write)
        assert row is not None
        return self._note(write, *row)

    async def _explain(self, write: Write) -> None:
        """Raise what kept an update from finding its row."""
        row = await self.connection.fetchrow(GET_VERSION, write.kind, write.id)
        if row is None or row["state"] == DELETED:
            raise NotFound(write.kind, write.id)
        raise VersionMismatch(write.kind, write.id, write.version - 1, row["version"])

    async def _check_holders(self, claims: list[Link]) -> None:
        holders = await self.holders([claim[:2] for claim in claims])
        for claim in claims:
            holder = holders.get(claim[:2])
            if holder is None:  # let go between the two statements: the caller may try again
                raise OperationInProgress
            if holder != claim.id:
                raise LinkTaken(claim.relation, claim.key, holder)

    def _arguments(self, write: Write, paths: Sequence[str]) -> tuple[object, ...]:
        origin = self.origin
        return (
            write.kind,
            write.id,
            write.uid,
            write.version,
            write.state,
            write.branch,
            origin.time,
            write.operational or None,
            write.private,
            write.number,
            paths,
            origin.actor,
            origin.method,
            origin.source_system,
            origin.reason,
            origin.request_id,
        )

    def _note(self, write: Write, xid: int, horizon: int, private: bytes | None) -> Written:
        self.xid = xid
        entry = Entry(write.version, horizon, write.operational, private or b"")
        written = Written(write.kind, write.id, entry)
        self.written.append(written)
        return written


def _lock_of(text: bytes) -> int:
    """The advisory lock for a key: its first eight bytes as the signed integer the server takes."""
    return int.from_bytes(text[:8], signed=True)
