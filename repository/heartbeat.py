"""The primary's heartbeat: a row that one of all workers moves on every quarter of a second.

A beat is a commit like any other, as durable and never cancelled; what it proves is the poll's
business.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from repository.beside import beside
from repository.database import Database
from repository.errors import RepositoryError

__all__ = ["Heart"]

INTERVAL_S: Final = 0.25

# A beat that waits for its standby holds the row: the others pass by and do not queue. A life that
# has no name yet has no beat of its own: how far the one before had come can still be read.
BEAT = """
WITH due AS (
    SELECT beat FROM heartbeat JOIN incarnation ON incarnation.timeline
        = ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
    WHERE time < clock_timestamp() - interval '200 milliseconds' OR time > clock_timestamp()
    FOR UPDATE OF heartbeat SKIP LOCKED
)
UPDATE heartbeat SET beat = due.beat + 1, time = clock_timestamp() FROM due"""


class Heart:
    """Moves the heartbeat on, unless another worker just has."""

    def __init__(self, database: Database, *, interval_s: float = INTERVAL_S) -> None:
        self._database = database
        self._interval_s = interval_s

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Beat in the background until the block ends."""
        async with beside(self._run()):
            yield

    async def _run(self) -> None:
        """A beat at a time: one that its standby does not confirm is waited for."""
        while True:
            with contextlib.suppress(RepositoryError):  # the poll tells that nothing moves
                await self._database.write(BEAT)
            await asyncio.sleep(self._interval_s)
