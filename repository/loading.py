"""Loads many new records at once by binary COPY, with their change rows and links.

Runs inside a unit of work; the caller sizes batches so that a commit comes every second or so,
because an open write transaction holds everybody's horizon back.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from repository.link import Link
from repository.record import GET_MANY, Entry
from repository.work import Work, Write

__all__ = ["Held", "LoadRow", "Reject", "hold", "load", "mark", "read"]

CREATE_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS loading (
    kind smallint, id bytea, uid uuid, state smallint, branch text,
    operational bytea, private bytea, number bytea
) ON COMMIT DELETE ROWS"""

STAGE_COLUMNS = ("kind", "id", "uid", "state", "branch", "operational", "private", "number")

LOAD = """
WITH written AS (
    INSERT INTO record (kind, id, uid, version, state, branch, create_time, update_time,
                        operational, private, number)
    SELECT kind, id, uid, 1, state, branch, $1, $1, operational, private, number FROM loading
    ON CONFLICT (kind, id) DO NOTHING
    RETURNING kind, id, uid, version, state, branch, xid, operational, private, number
), logged AS (
    INSERT INTO change (kind, id, version, time, uid, operation, paths, state, branch, actor,
                        method, source_system, reason, request_id, operational, private, number)
    SELECT kind, id, version, $1, uid, 5, '{}', state, branch, $2,
           $3, $4, $5, $6::uuid, operational, private, number
    FROM written
)
SELECT kind, id, xid FROM written"""


# Shared: other loads may refer to the same records, a change of one waits until this commits.
HOLD = """
SELECT id, version, state FROM record
WHERE kind = $1 AND id = ANY($2::bytea[]) AND state <> 99 ORDER BY id FOR SHARE"""


MARK = "SELECT pg_current_xact_id()"


class Held(NamedTuple):
    """A record that new ones refer to: it stays as it is until the load commits."""

    version: int
    state: int


class Reject(Enum):
    """Why a row of a load was left out."""

    EXISTS = "a record of this id exists, or existed"
    REPEATED = "the same id, or the same exclusive key, came earlier in the batch"
    LINK_TAKEN = "an exclusive key belongs to another record"


class LoadRow(NamedTuple):
    """A new record at version 1 with its uid, and the links that come with it."""

    write: Write
    links: Sequence[Link] = ()


async def hold(work: Work, kind: int, ids: Collection[bytes]) -> dict[bytes, Held]:
    """Id -> version and state of those of `ids` that exist, held in id order until the commit."""
    if not ids:
        return {}
    rows = await work.connection.fetch(HOLD, kind, ids)
    return {row[0]: Held(row[1], row[2]) for row in rows}


async def read(work: Work, kind: int, ids: Collection[bytes]) -> dict[bytes, Entry]:
    """Id -> entry of those of `ids` that exist, as this transaction sees them."""
    if not ids:
        return {}
    rows = await work.connection.fetch(GET_MANY, kind, ids)
    return {
        id_: Entry(version, horizon, operational, private or b"")
        for horizon, id_, version, operational, private in rows
        if operational
    }


async def mark(work: Work) -> None:
    """Give an otherwise empty transaction a position behind all that was committed before it.

    Who has seen that one has seen them, in whatever order they were committed.
    """
    work.xid = await work.connection.fetchval(MARK)


async def load(work: Work, rows: Sequence[LoadRow]) -> dict[int, Reject]:
    """Write the rows; index -> reason of those left out. Their links are left out with them.

    Raises LinkTaken when another writer takes an exclusive key meanwhile: run the batch again.
    """
    rejects = _repeated(rows)
    rejects |= await _taken(work, rows, rejects)
    await work.connection.execute(CREATE_STAGE)
    await work.connection.copy_records_to_table(
        "loading", records=_staged(rows, rejects), columns=STAGE_COLUMNS
    )
    origin = work.origin
    written = await work.connection.fetch(
        LOAD,
        origin.time,
        origin.actor,
        origin.method,
        origin.source_system,
        origin.reason,
        origin.request_id,
    )
    if written:
        work.xid = written[0][2]
    present = {(row[0], row[1]) for row in written}
    for index, row in enumerate(rows):
        if index not in rejects and (row.write.kind, row.write.id) not in present:
            rejects[index] = Reject.EXISTS
    await work.link([link for i, row in enumerate(rows) if i not in rejects for link in row.links])
    return rejects


def _repeated(rows: Sequence[LoadRow]) -> dict[int, Reject]:
    seen: set[object] = set()
    rejects = {}
    for index, row in enumerate(rows):
        claims = {(row.write.kind, row.write.id)}
        claims |= {link[:2] for link in row.links if link.exclusive}
        if claims & seen:
            rejects[index] = Reject.REPEATED
        else:
            seen |= claims
    return rejects


async def _taken(
    work: Work, rows: Sequence[LoadRow], rejects: Mapping[int, Reject]
) -> dict[int, Reject]:
    claims = {
        link[:2]: (index, link.id)
        for index, row in enumerate(rows)
        for link in row.links
        if link.exclusive and index not in rejects
    }
    holders = await work.holders(list(claims)) if claims else {}
    return {
        index: Reject.LINK_TAKEN
        for claim, (index, id_) in claims.items()
        if holders.get(claim, id_) != id_
    }


def _staged(rows: Sequence[LoadRow], rejects: Mapping[int, Reject]) -> Iterable[tuple[object, ...]]:
    for index, (write, _) in enumerate(rows):
        if index not in rejects:
            yield (
                write.kind,
                write.id,
                write.uid,
                write.state,
                write.branch,
                write.operational,
                write.private or None,
                write.number or None,
            )
