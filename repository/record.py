"""The one table that holds every kind of record, and its history: row types and reads.

Knows nothing of what a segment says; writing is in writing.py.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import partial
from itertools import accumulate, chain, repeat
from struct import iter_unpack, unpack
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt

from repository.database import Database, Row
from repository.errors import NotFound
from repository.pacing import Pacing

__all__ = [
    "DELETED", "Entry", "Kind", "Operation", "Record", "RecordStore", "Revision", "Rows", "Sizes",
]  # fmt: skip

Sizes: TypeAlias = npt.NDArray[np.intp]

DELETED: Final = 99  # state of a deleted record: versioned like any other, without segments


class Kind(IntEnum):
    """Kinds of records, numbered as in the contract."""

    CUSTOMER = 1
    ACCOUNT = 2
    CARD = 3
    RELATIONSHIP = 4


def _get_many(kind: Kind) -> str:
    """One row whatever is found, with what its snapshot is of: incarnation, and horizon.

    Ids come as one value of 16 bytes each and go back like that, versions of 8, operational
    segments end to end and their lengths of 4, `private` as an array, or NULL where there is none:
    `Rows` takes it apart. Planned once: with the kind in it one partition is read, and `unnest` is
    taken to be short, where generate_series is not and would have every execution planned anew.
    """
    return f"""
SELECT (SELECT id FROM incarnation), pg_snapshot_xmin(pg_current_snapshot()),
       string_agg(id, ''), string_agg(int8send(version), ''), string_agg(operational, ''),
       string_agg(int4send(coalesce(octet_length(operational), 0)), ''),
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
IDS_LONG: Final = 250  # from so many on a read waits for its turn
ORDERED_MIN: Final = 50  # from so many on numpy is the cheaper way to put rows in order
_ID: Final = np.dtype([("first", np.uint64), ("second", np.uint64)])


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


@dataclass(slots=True, eq=False, repr=False)
class Rows:
    """What was read by ids, side by side: deleted records too, missing ones not."""

    horizon: int
    ids: bytes
    """16 bytes each."""
    versions: bytes
    """8 bytes each, the highest first."""
    operational: bytes
    """What holds all of the segments, as they are sealed."""
    places: Sizes
    """Where in it they begin, in bytes, [n]."""
    sizes: Sizes
    """How long they are, in bytes, [n]; 0 of a deleted record."""
    private: list[bytes] | None
    """The segments as they are sealed; None where no record has any."""

    @classmethod
    def read(cls, columns: Sequence[Any]) -> "Rows":
        """Take what a statement returned, segments end to end in the order of the ids."""
        horizon, ids, versions, operational, lengths, private = columns
        sizes = np.frombuffer(lengths or b"", ">i4").astype(np.intp)
        places = np.cumsum(sizes) - sizes
        return cls(horizon, ids or b"", versions or b"", operational or b"", places, sizes, private)

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """All of what several statements brought, as of the oldest."""
        if len(parts) == 1:
            return parts[0]
        private: list[bytes] | None = None
        if any(part.private for part in parts):
            private = [one for part in parts for one in part.private or [b""] * len(part)]
        ends = accumulate((len(part.operational) for part in parts), initial=0)
        return cls(
            min(part.horizon for part in parts),
            b"".join([part.ids for part in parts]),
            b"".join([part.versions for part in parts]),
            b"".join([part.operational for part in parts]),
            np.concatenate([part.places + end for part, end in zip(parts, ends, strict=False)]),
            np.concatenate([part.sizes for part in parts]),
            private,
        )

    def __repr__(self) -> str:
        return f"Rows({len(self)} hidden)"

    def __len__(self) -> int:
        return len(self.sizes)

    def stamps(self) -> list[tuple[int, int]]:
        """The version and the horizon of each."""
        return list(zip(self._versions(), repeat(self.horizon), strict=False))

    def entries(self) -> list[Entry]:
        """An object each; no line of Python runs for any of them but a cut."""
        operational, begins = self.operational, self.places.tolist()
        ends = (self.places + self.sizes).tolist()
        cuts = [operational[begin:end] for begin, end in zip(begins, ends, strict=True)]
        private = self.private or repeat(b"")
        columns = zip(self._versions(), repeat(self.horizon), cuts, private, strict=False)
        return list(map(tuple.__new__, repeat(Entry), columns))

    def by_id(self) -> dict[bytes, Entry]:
        """An object each."""
        ids = chain.from_iterable(iter_unpack(f"{ID_BYTES}s", self.ids))
        return dict(zip(ids, self.entries(), strict=True))

    def in_order_of(self, ids: Sequence[bytes]) -> "Rows | None":
        """The same in the order of `ids`; None where these are not exactly the rows' ids.

        None, too, of a few: those are objects sooner.
        """
        if len(ids) != len(self) or len(self) < ORDERED_MIN:
            return None
        joined = b"".join(ids)
        wanted, there = (np.frombuffer(each, _ID) for each in (joined, self.ids))
        order = np.empty(len(self), np.intp)
        order[np.argsort(wanted["first"])] = np.argsort(there["first"])
        if (there[order] != wanted).any():  # one id twice, or not there, or two that begin alike
            return None
        return Rows(
            self.horizon,
            joined,
            np.frombuffer(self.versions, np.uint64)[order].tobytes(),
            self.operational,
            self.places[order],
            self.sizes[order],
            self.private and list(map(self.private.__getitem__, order.tolist())),
        )

    def _versions(self) -> tuple[int, ...]:
        return unpack(f">{len(self)}Q", self.versions)


# Of ids and the rows there are of them: whether these will do.
Suits: TypeAlias = Callable[[Sequence[bytes], Rows], bool]


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
        self._pacing = Pacing()
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
    ) -> Rows:
        """The rows of those `ids` that have one, deleted ones too.

        One statement for every 1,000. `after_xid` asks for a server that has replayed its COMMIT,
        `life` for one whose rows are of that incarnation, `suits` for a replica that has what
        suits, or else the primary. Raises TimedOut, OtherLife, Unavailable.
        """
        parts = []
        for start in range(0, len(ids), IDS_MAX):
            part = ids[start : start + IDS_MAX]
            packed = b"".join(part)
            assert not len(packed) % ID_BYTES, "ids have 16 bytes"
            async with self._pacing.turn() if len(part) >= IDS_LONG else nullcontext():
                (row,) = await self._database.fetch(
                    _GET[kind],
                    packed,
                    primary=primary,
                    after_xid=after_xid,
                    deadline=deadline,
                    life=life,
                    suits=suits and partial(_suit, suits, part),
                )
            parts.append(Rows.read(row[1:]))
        return Rows.joined(parts)

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
    return suits(ids, Rows.read(rows[0][1:]))
