"""The newest version that the primary has of some records: what caches are compared with.

Reads beside all callers, a bounded number at once; what is made of it is not known here.
"""

from collections.abc import Collection
from typing import NamedTuple

from repository.database import Database
from repository.record import DELETED

__all__ = ["Newest", "SamplingStore"]

# OFFSET 0: a hundred looks at an index, never a join that reads the table. The life is NULL, and
# so nobody's, where the primary is on a timeline that has no name yet.
GET_NEWEST = """
SELECT CASE WHEN incarnation.timeline
            = ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
            THEN incarnation.id END,
       given.kind, given.id, coalesce(newest.version, 0), coalesce(newest.xid, '0'),
       coalesce(newest.state, 99)
FROM incarnation CROSS JOIN unnest($1::smallint[], $2::bytea[]) AS given (kind, id)
LEFT JOIN LATERAL (
    SELECT version, xid, state FROM record
    WHERE record.kind = given.kind AND record.id = given.id OFFSET 0
) AS newest ON true"""


class Newest(NamedTuple):
    """A record's last version (0: it has none), by transaction `xid`."""

    version: int
    xid: int
    exists: bool


class SamplingStore:
    """Reads versions only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self, wanted: Collection[tuple[int, bytes]], life: bytes, deadline: float
    ) -> dict[tuple[int, bytes], Newest]:
        """(kind, id) -> the newest version, from a primary that lives `life`.

        Raises TimedOut, OtherLife, Unavailable.
        """
        kinds, ids = map(list, zip(*wanted, strict=True))
        rows = await self._database.fetch(
            GET_NEWEST, kinds, ids, primary=True, deadline=deadline, life=life
        )
        return {
            (kind, id_): Newest(version, xid, state != DELETED)
            for _, kind, id_, version, xid, state in rows
        }
