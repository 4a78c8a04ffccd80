"""The one table that holds every kind of record, and its history: row types and reads.

Knows nothing of what a segment says; writing is in writing.py.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import partial
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from repository.database import Database, Row
from repository.errors import NotFound
from repository.one_a_turn import OneATurn

__all__ = ["DELETED", "Entry", "Kind", "Operation", "Record", "RecordStore", "Revision"]

DELETED: Final = 99  # state of a deleted record: versioned like any other, without segments


class Kind(IntEnum):
    """Kinds of records, numbered as in the contract."""

    CUSTOMER = 1
    ACCOUNT = 2
    CARD = 3
    RELATIONSHIP = 4


def _get_many(kind: Kind) -> str:
    """One row whatever is found, with what its snapshot is of: incarnation, and horizon.

    Ids come as one value of 16 bytes each and columns go back as arrays, `private` as NULL where
    there is none: the driver takes half as long with them. Planned once: with the kind in it one
    partition is read, and `unnest` is taken to be short, where generate_series is not and would
    have every execution planned anew.
    """
    return f"""
SELECT (SELECT id FROM incarnation), pg_snapshot_xmin(pg_current_snapshot()),
       array_agg(id), array_agg(version), array_agg(coalesce(operational, '')),
       CASE WHEN count(private) > 0 THEN array_agg(coalesce(private, '')) END
FROM record
WHERE kind = {kind:d} AND id = ANY(ARRAY(
    SELECT substr($1::bytea, 16 * place::integer - 15, 16)
    FROM unnest(array_fill(true, ARRAY[octet_length($1::bytea) / 16]))
         WITH ORDINALITY AS ids (is_one, place)))"""  # noqa: S608 - the kind is a number of ours


GET_CUSTOMERS = _get_many(Kind.CUSTOMER)
GET_ACCOUNTS = _get_many(Kind.ACCOUNT)
GET_CARDS = _get_many(Kind.CARD)
GET_RELATIONSHIPS = _get_many(Kind.RELATIONSHIP)
_GET: Final[dict[int, str]] = {
    Kind.CUSTOMER: GET_CUSTOMERS,
    Kind.ACCOUNT: GET_ACCOUNTS,
    Kind.CARD: GET_CARDS,
    Kind.RELATIONSHIP: GET_RELATIONSHIPS,
}

GET_NUMBERS = """
SELECT id, number FROM record WHERE kind = $1 AND id = ANY($2::bytea[]) AND number IS NOT NULL"""

PAGE = """
SELECT kind, id, uid, version, state, branch, create_time, update_time, operational, private,
       NULL::bytea AS number
FROM record WHERE kind = $1 AND id > $2 AND state <> 99 ORDER BY id LIMIT $3"""

PAGE_BY_BRANCH = """
SELECT kind, id, uid, version, state, branch, create_time, update_time, operational, private,
       NULL::bytea AS number
FROM record WHERE kind = $1 AND branch = $4 AND id > $2 AND state <> 99 ORDER BY id LIMIT $3"""

GET_REVISION = """
SELECT kind, id, uid, version, state, branch, time, operation, paths, actor, method,
       source_system, reason, request_id, operational, private
FROM change WHERE kind = $1 AND id = $2 AND version = $3"""

GET_REVISION_AS_OF = """
SELECT kind, id, uid, version, state, branch, time, operation, paths, actor, method,
       source_system, reason, request_id, operational, private
FROM change WHERE kind = $1 AND id = $2 AND time <= $3
ORDER BY version DESC LIMIT 1"""

# The life is NULL where the primary's timeline has no name yet: it is not the one of the row.
PAGE_REVISIONS = """
SELECT (SELECT CASE WHEN timeline
                    = ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
                    THEN incarnation.id END FROM incarnation), xid,
       kind, id, uid, version, state, branch, time, operation, paths, actor, method,
       source_system, reason, request_id, operational, private
FROM change WHERE kind = $1 AND id = $2 AND version < $3
ORDER BY version DESC LIMIT $4"""

VERSION_MAX: Final = 2**63 - 1
ID_BYTES: Final = 16
IDS_MAX: Final = 1_000  # of one statement: what it answers is taken at one go, others wait
IDS_LONG: Final = 250  # from so many on answers are taken one a turn of the event loop


class Operation(IntEnum):
    """What a change did to its record."""

    CREATE = 1
    UPDATE = 2
    DELETE = 3
    RECREATE = 4  # a closed or deleted record became a new incarnation
    IMPORT = 5


class Entry(NamedTuple):
    """A record as readers get it: sealed, and with what proves it current.

    version 0: no such record. operational empty: no such record, or a deleted one.
    """

    version: int
    horizon: int
    operational: bytes
    private: bytes

    @property
    def exists(self) -> bool:
        """Whether there is a record, not a tombstone."""
        return bool(self.operational)


# Of ids, a horizon and the entries of those that have a row: whether these will do.
Suits: TypeAlias = Callable[[Sequence[bytes], int, dict[bytes, Entry]], bool]


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the record table. Segments are sealed bytes; None where there is none."""

    kind: int
    id: bytes
    uid: UUID
    version: int
    state: int
    branch: str
    create_time: datetime
    update_time: datetime
    operational: bytes | None
    private: bytes | None
    number: bytes | None

    @classmethod
    def from_row(cls, row: Row) -> "Record":
        """The record in a row of any statement that selects these columns in this order."""
        return cls(*row)


@dataclass(frozen=True, slots=True)
class Revision:
    """A record as it was at one version, with who made it so and why."""

    kind: int
    id: bytes
    uid: UUID
    version: int
    state: int
    branch: str
    time: datetime
    operation: int
    paths: tuple[str, ...]
    actor: str
    method: str
    source_system: str
    reason: str
    request_id: UUID
    operational: bytes | None
    private: bytes | None

    @classmethod
    def from_row(cls, row: Iterable[Any]) -> "Revision":
        """The revision in a row of a statement that selects these columns in this order."""
        values = list(row)
        values[8] = tuple(values[8])
        return cls(*values)


class RecordStore:
    """Reads of records and their history. Writes are the business of `writing.Work`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._long_answers = OneATurn()
        self.has_replicas = database.has_replicas

    async def get_many(
        self,
        kind: int,
        ids: Sequence[bytes],
        *,
        primary: bool = False,
        after_xid: int | None = None,
        life: bytes | None = None,
        suits: Suits | None = None,
        deadline: float | None = None,
    ) -> tuple[int, dict[bytes, Entry]]:
        """(horizon, id -> entry) of those `ids` that have a row, deleted ones too.

        One statement for every 1,000; the horizon is the oldest of theirs. `after_xid` asks for
        a server that has replayed its COMMIT, `life` for one whose rows are of that incarnation,
        `suits` for a replica that has what suits, or else the primary. Raises TimedOut, OtherLife,
        Unavailable.
        """
        found: dict[bytes, Entry] = {}
        horizons = []
        for start in range(0, len(ids), IDS_MAX):
            part = ids[start : start + IDS_MAX]
            packed = b"".join(part)
            assert not len(packed) % ID_BYTES, "ids have 16 bytes"
            (row,) = await self._database.fetch(
                _GET[kind],
                packed,
                primary=primary,
                after_xid=after_xid,
                deadline=deadline,
                life=life,
                suits=suits and partial(_suit, suits, part),
            )
            if len(packed) >= IDS_LONG * ID_BYTES:
                await self._long_answers.passed()
            horizons.append(row[1])
            found.update(_entries(*row[1:]))
        return min(horizons), found

    async def get_numbers(
        self, kind: int, ids: Sequence[bytes], *, deadline: float | None = None
    ) -> dict[bytes, bytes]:
        """Id -> sealed number segment, of those that have one, from the primary."""
        rows = await self._database.fetch(GET_NUMBERS, kind, ids, primary=True, deadline=deadline)
        return {row[0]: row[1] for row in rows}

    async def page(
        self,
        kind: int,
        *,
        branch: str | None = None,
        after: bytes | None = None,
        limit: int,
        deadline: float | None = None,
    ) -> list[Record]:
        """At most `limit` records in id order behind `after`, of one branch or of all.

        Deleted ones are left out; `number` is never read.
        """
        key = after or b""
        if branch is None:
            rows = await self._database.fetch(PAGE, kind, key, limit, deadline=deadline)
        else:
            rows = await self._database.fetch(
                PAGE_BY_BRANCH, kind, key, limit, branch, deadline=deadline
            )
        return [Record.from_row(row) for row in rows]

    async def revision(
        self,
        kind: int,
        id_: bytes,
        *,
        version: int | None = None,
        as_of: datetime | None = None,
        deadline: float | None = None,
    ) -> Revision:
        """The record at `version`, or as it stood at `as_of` (exactly one of them is given).

        Raises NotFound.
        """
        assert (version is None) != (as_of is None), "one of version and as_of"
        rows = await self._database.fetch(
            GET_REVISION if as_of is None else GET_REVISION_AS_OF,
            kind,
            id_,
            version if as_of is None else as_of,
            primary=True,
            deadline=deadline,
        )
        if not rows:
            raise NotFound(kind, id_)
        return Revision.from_row(rows[0])

    async def revisions(
        self,
        kind: int,
        id_: bytes,
        *,
        before_version: int | None = None,
        limit: int,
        life: bytes | None = None,
        deadline: float | None = None,
    ) -> tuple[list[Revision], int]:
        """At most `limit` revisions below `before_version`, newest first, and an xid above theirs.

        With `life` they are of that incarnation. Raises TimedOut, OtherLife, Unavailable.
        """
        rows = await self._database.fetch(
            PAGE_REVISIONS,
            kind,
            id_,
            VERSION_MAX if before_version is None else before_version,
            limit,
            primary=True,
            deadline=deadline,
            life=life,
        )
        ceiling = max((row[1] for row in rows), default=-1) + 1
        return [Revision.from_row(row[2:]) for row in rows], ceiling


def _suit(suits: Suits, ids: Sequence[bytes], rows: Sequence[Row]) -> bool:
    return suits(ids, rows[0][1], dict(_entries(*rows[0][1:])))


def _entries(
    horizon: int,
    ids: list[bytes] | None,
    versions: list[int],
    operational: list[bytes],
    private: list[bytes] | None,
) -> Iterable[tuple[bytes, Entry]]:
    """Id and entry of each row; no line of Python runs for any of them."""
    if ids is None:
        return ()
    columns = zip(versions, repeat(horizon), operational, private or repeat(b""), strict=False)
    return zip(ids, map(tuple.__new__, repeat(Entry), columns), strict=False)
