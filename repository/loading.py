"""Loads many new records at once by binary COPY, with their change rows and links.

Runs inside a unit of work; the caller sizes batches so that a commit comes every second or so,
because an open write transaction holds everybody's horizon back.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Final, NamedTuple

import asyncpg

from repository.copying import Copied, change_rows, link_rows, own_columns, record_rows
from repository.errors import OperationInProgress
from repository.link import Link
from repository.record import Entry
from repository.work import Work

__all__ = ["Held", "LoadRow", "Reject", "hold", "load", "mark", "read"]

# Shared: other loads may refer to the same records, a change of one waits until this commits.
HOLD = """
SELECT id, version, state FROM record
WHERE kind = $1 AND id = ANY($2::bytea[]) AND state <> 99 ORDER BY id FOR SHARE"""


READ = """
SELECT id, version, operational, private FROM record
WHERE kind = $1 AND id = ANY($2::bytea[]) AND state <> 99"""

GET_KNOWN = "SELECT id FROM record WHERE kind = $1 AND id = ANY($2::bytea[])"

MARK = "SELECT pg_current_xact_id()"

UNPROVEN: Final = 0  # a horizon below every xid


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
    """A new record at version 1, its segments sealed, and the links that come with it."""

    id: bytes
    uid: bytes
    state: int
    branch: str
    operational: bytes
    private: bytes | None = None
    number: bytes | None = None
    links: Sequence[Link] = ()


async def hold(work: Work, kind: int, ids: Collection[bytes]) -> dict[bytes, Held]:
    """Id -> version and state of those of `ids` that exist, held in id order until the commit."""
    if not ids:
        return {}
    rows = await work.connection.fetch(HOLD, kind, ids)
    return {row[0]: Held(row[1], row[2]) for row in rows}


async def read(work: Work, kind: int, ids: Collection[bytes]) -> dict[bytes, Entry]:
    """Id -> entry of those of `ids` that exist, as this transaction sees them: not for a cache."""
    if not ids:
        return {}
    rows = await work.connection.fetch(READ, kind, ids)
    return {row[0]: Entry(row[1], UNPROVEN, row[2], row[3] or b"") for row in rows}


async def mark(work: Work) -> None:
    """Give an otherwise empty transaction a position behind all that was committed before it.

    Who has seen that one has seen them, in whatever order they were committed.
    """
    work.xid = await work.connection.fetchval(MARK)


async def load(
    work: Work, kind: int, rows: Sequence[LoadRow], *, asks_first: bool
) -> dict[int, Reject]:
    """Write the rows; index -> reason of those left out. Their links are left out with them.

    Unless it asks first it leaves out none, and the indexes tell. Raises LinkTaken and
    OperationInProgress when a record or a key is there already, or another writer takes one
    meanwhile: run the transaction again, and ask.
    """
    rejects = await _known(work, kind, rows) if asks_first and rows else {}
    taken = [row for index, row in enumerate(rows) if index not in rejects]
    if not taken:
        return rejects
    await mark(work)
    taken.sort(key=attrgetter("id"))  # two loads wait for one another in one order
    own = own_columns(taken)
    await _copy(work, record_rows(kind, work.origin, own))
    await _copy(work, change_rows(kind, work.origin, own))
    links = sorted(link for row in taken for link in row.links)
    if asks_first:  # then some may be there
        await work.link(links)
    elif links:
        await _copy(work, link_rows(links))
    return rejects


async def _known(work: Work, kind: int, rows: Sequence[LoadRow]) -> dict[int, Reject]:
    rejects = _repeated(rows)
    rejects |= await _taken(work, rows, rejects)
    found = await work.connection.fetch(GET_KNOWN, kind, [row.id for row in rows])
    known = {row[0] for row in found}
    there = {index: Reject.EXISTS for index, row in enumerate(rows) if row.id in known}
    return there | rejects


async def _copy(work: Work, copied: Copied) -> None:
    table, columns, data = copied
    try:
        await work.connection.copy_to_table(
            table,
            source=memoryview(data),  # type: ignore[arg-type]  # the driver takes any buffer
            columns=columns,
            format="binary",
        )
    except asyncpg.UniqueViolationError as error:
        raise OperationInProgress from error


def _repeated(rows: Sequence[LoadRow]) -> dict[int, Reject]:
    seen: set[object] = set()
    rejects = {}
    for index, row in enumerate(rows):
        claims: set[object] = {row.id}
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
