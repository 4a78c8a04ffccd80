"""The routing numbers' rows and the revision that every import makes.

Rows are the directory's or the bank's additions; laying one over the other is the server's.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from repository.database import Connection, Database
from repository.errors import Unavailable

__all__ = ["RoutingRow", "RoutingStore"]

NO_REVISION: Final = -1
"""Of rows that may be older than any revision: they are loaded again."""

GET_ALL = """
SELECT routing_number, is_addition, office_code, servicing_frb, record_type, change_date,
       new_routing_number, customer_name, town, region, ours, participates, limited,
       sold_to_routing_number, scheme_length_min, scheme_length_max, scheme_digits_only,
       scheme_check, strip_leading_zeros
FROM routing_number"""

GET_REVISION = "SELECT revision FROM routing_revision"

# Taken first, so that imports queue here and the last one to begin is the last one to count.
BUMP_REVISION = "UPDATE routing_revision SET revision = revision + 1 RETURNING revision"

DELETE_DIRECTORY = "DELETE FROM routing_number WHERE NOT is_addition"

DELETE_ADDITIONS = """
DELETE FROM routing_number WHERE is_addition AND routing_number = ANY($1::text[])"""


class RoutingRow(NamedTuple):
    """A row of the directory, or one that the bank lays over it (`is_addition`)."""

    routing_number: str
    is_addition: bool
    office_code: str = ""
    servicing_frb: str = ""
    record_type: int = 1
    change_date: date | None = None
    new_routing_number: str = ""
    customer_name: str = ""
    town: str = ""
    region: str = ""
    ours: bool = False
    participates: bool = True
    limited: bool = False
    sold_to_routing_number: str = ""
    scheme_length_min: int = 0
    scheme_length_max: int = 0
    scheme_digits_only: bool = False
    scheme_check: int = 0
    strip_leading_zeros: bool = False


class RoutingStore:
    """Reads the whole table, and replaces the directory or single additions in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_all(self, *, deadline: float | None = None) -> tuple[int, list[RoutingRow]]:
        """(revision, all rows), from the primary; without one NO_REVISION and a replica's rows.

        The revision is read first: rows newer than it are loaded again, never passed over.
        Raises TimedOut, Unavailable.
        """
        try:
            found = await self._database.fetch(GET_REVISION, primary=True, deadline=deadline)
            rows = await self._database.fetch(GET_ALL, primary=True, deadline=deadline)
            revision = found[0][0]
        except Unavailable:
            rows = await self._database.fetch(GET_ALL, deadline=deadline)
            revision = NO_REVISION
        return revision, [RoutingRow(*row) for row in rows]

    async def replace(
        self, directory: Sequence[RoutingRow] | None, additions: Sequence[RoutingRow]
    ) -> int:
        """Take a whole directory (None leaves it) and single additions; the new revision.

        Repeating it does no harm. Raises CommitUnknown, TimedOut, Unavailable.
        """
        return await self._database.transact(
            lambda connection: _replace(connection, directory, additions)
        )


async def _replace(
    connection: Connection, directory: Sequence[RoutingRow] | None, additions: Sequence[RoutingRow]
) -> int:
    revision: int = await connection.fetchval(BUMP_REVISION)
    if directory is not None:
        await connection.execute(DELETE_DIRECTORY)
    await connection.execute(DELETE_ADDITIONS, [row.routing_number for row in additions])
    await connection.copy_records_to_table(
        "routing_number", records=[*(directory or ()), *additions], columns=RoutingRow._fields
    )
    return revision
