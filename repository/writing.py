"""Begins transactions on the primary and sees every COMMIT through to its answer.

What a transaction may do is in work.py. A COMMIT is never cancelled: not by a deadline, not by a
caller that went away.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

import asyncpg

from repository.certainty import NO_ANSWER, commit
from repository.database import Connection, Database, Position, seconds_left
from repository.window import unnamed
from repository.work import Origin, Work, Written

__all__ = ["Writer"]

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {}"
STATEMENT_TIMEOUT_MAX_MS: Final = 30_000
ROLLBACK_MAX_S: Final = 5.0

# The server's own timeline has no name yet where it is not the one that the row tells of.
GET_LIFE = """
SELECT id, timeline,
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer AS timeline_now
FROM incarnation"""

FORGET = """
DELETE FROM idempotency WHERE key IN (
    SELECT key FROM idempotency WHERE time < $1 ORDER BY time LIMIT $2)
RETURNING 1"""


class Writer:
    """Begins units of work on the primary and sees each COMMIT through to its answer.

    `on_commit` is called with (position, written) once a COMMIT is known to have happened, even
    when its caller no longer waits.
    """

    def __init__(
        self,
        database: Database,
        on_commit: Callable[[Position, Sequence[Written]], None],
    ) -> None:
        self._database = database
        self._on_commit = on_commit

    @asynccontextmanager
    async def begin(self, origin: Origin, deadline: float | None = None) -> AsyncIterator[Work]:
        """One transaction; `deadline` is time.monotonic seconds.

        Before COMMIT a cancelled or failed block rolls back. COMMIT itself is never cancelled:
        when the deadline passes first, CommitUnknown is raised and it goes on by itself.

        Raises TimedOut, Unavailable, OperationInProgress, CommitUnknown.
        """
        connection = await self._database.acquire(deadline)
        work = Work(connection, origin)
        try:
            async with asyncio.timeout(seconds_left(deadline)):
                await connection.execute(BEGIN.format(_timeout_ms(deadline)))
                yield work
                await work.remember()
                position = await _position_of(work)
        except BaseException as error:
            await asyncio.shield(self._database.see_through(self._roll_back(connection)))
            if (named := await self._database.name(error)) is None:
                raise
            raise named from error
        # A task of its own, so that neither deadline nor cancellation touches the COMMIT.
        work.committed_at = await self._database.outlasting(self._finish(work, position), deadline)

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` idempotency rows older than `before`; how many there were."""
        return len(await self._database.write(FORGET, before, limit))

    async def settled(self) -> None:
        """Wait for every COMMIT and ROLLBACK under way: for shutting down."""
        await self._database.settled()

    async def _finish(self, work: Work, position: Position) -> Position:
        try:
            await commit(work.connection)
        except asyncpg.PostgresError as error:  # an answer: whoever refuses has rolled back
            if (named := await self._database.name(error)) is None:
                raise
            raise named from error
        finally:
            await self._database.release(work.connection)
        # In the loop's next round: before the caller goes on, and no failure of a listener can
        # make a commit that happened look like one that did not.
        asyncio.get_running_loop().call_soon(self._on_commit, position, work.written)
        return position

    async def _roll_back(self, connection: Connection) -> None:
        try:
            await connection.execute("ROLLBACK", timeout=ROLLBACK_MAX_S)
        except NO_ANSWER:
            with suppress(asyncpg.InterfaceError):  # the pool has taken it back already
                connection.terminate()  # the server rolls back what nobody is connected to
        finally:
            await self._database.release(connection)


async def _position_of(work: Work) -> Position:
    """Where the transaction will stand once it is committed.

    It is of the incarnation that the server says it lives, whatever this worker knows of that: in
    another life the xid is another transaction's. A primary keeps its timeline for as long as its
    connections, so that what it says before the COMMIT holds for that. Who asked afterwards would
    have an acknowledged write and no position where the server goes in between, and only another
    primary could tell that it shows that write.
    """
    [(life, timeline, timeline_now)] = await work.connection.fetch(GET_LIFE)
    return Position(life if timeline == timeline_now else unnamed(timeline_now), work.xid)


def _timeout_ms(deadline: float | None) -> int:
    left = seconds_left(deadline)
    return STATEMENT_TIMEOUT_MAX_MS if left is None else int(left * 1000) + 1
