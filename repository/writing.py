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

from repository.certainty import commit
from repository.database import Connection, Database, Position, seconds_left
from repository.window import Window
from repository.work import Origin, Work, Written

__all__ = ["LSN_UNKNOWN", "Writer"]

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {}"
STATEMENT_TIMEOUT_MAX_MS: Final = 30_000
ROLLBACK_MAX_S: Final = 5.0

GET_FLUSHED_LSN = "SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint"

# When the position cannot be read after a COMMIT that did happen: no replica has reached it.
LSN_UNKNOWN: Final = 2**63 - 1

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
        window: Window,
        on_commit: Callable[[Position, Sequence[Written]], None],
    ) -> None:
        self._database = database
        self._window = window
        self._on_commit = on_commit

    @asynccontextmanager
    async def begin(self, origin: Origin, deadline: float | None = None) -> AsyncIterator[Work]:
        """One transaction; `deadline` is time.monotonic seconds.

        Before COMMIT a cancelled or failed block rolls back. COMMIT itself is never cancelled:
        when the deadline passes first, CommitUnknown is raised and it goes on by itself.

        Raises TimedOut, Unavailable, OperationInProgress, CommitUnknown.
        """
        connection = await self._database.acquire(deadline)
        incarnation = self._window.incarnation
        work = Work(connection, origin)
        try:
            async with asyncio.timeout(seconds_left(deadline)):
                await connection.execute(BEGIN.format(_timeout_ms(deadline)))
                yield work
                await work.remember()
        except BaseException as error:
            await asyncio.shield(self._database.see_through(self._roll_back(connection)))
            if (named := await self._database.name(error)) is None:
                raise
            raise named from error
        # A task of its own, so that neither deadline nor cancellation touches the COMMIT.
        work.committed_at = await self._database.outlasting(
            self._finish(work, incarnation), deadline
        )

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` idempotency rows older than `before`; how many there were."""
        return len(await self._database.write(FORGET, before, limit))

    async def settled(self) -> None:
        """Wait for every COMMIT and ROLLBACK under way: for shutting down."""
        await self._database.settled()

    async def _finish(self, work: Work, incarnation: bytes) -> Position:
        """COMMIT, then read the position in a statement of its own (DESIGN section 6).

        It is of the incarnation that was known when the work began: of a later one it would claim
        an xid that is another's there, of an earlier one it asks for no more than the primary.
        """
        try:
            await commit(work.connection)
            lsn = await _flushed_lsn(work.connection)
        finally:
            await self._database.release(work.connection)
        position = Position(incarnation, work.xid, lsn)
        # In the loop's next round: before the caller goes on, and no failure of a listener can
        # make a commit that happened look like one that did not.
        asyncio.get_running_loop().call_soon(self._on_commit, position, work.written)
        return position

    async def _roll_back(self, connection: Connection) -> None:
        try:
            await connection.execute("ROLLBACK", timeout=ROLLBACK_MAX_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            with suppress(asyncpg.InterfaceError):  # the pool has taken it back already
                connection.terminate()  # the server rolls back what nobody is connected to
        finally:
            await self._database.release(connection)


async def _flushed_lsn(connection: Connection) -> int:
    try:
        lsn: int = await connection.fetchval(GET_FLUSHED_LSN, timeout=ROLLBACK_MAX_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return LSN_UNKNOWN
    return lsn


def _timeout_ms(deadline: float | None) -> int:
    left = seconds_left(deadline)
    return STATEMENT_TIMEOUT_MAX_MS if left is None else int(left * 1000) + 1
