"""Pools to the primary and its replicas, and what any failure to ask them is called.

Owns connections, routing and timeouts; must not know a table other than `incarnation`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import asyncpg

from repository.certainty import NO_ANSWER, Connection, certain, commit, translate
from repository.errors import (
    Busy,
    CommitUnknown,
    OtherLife,
    RepositoryError,
    Stalled,
    TimedOut,
    Unavailable,
)
from repository.hosts import Connect, Plain, PrimaryFinder, dsns_of, host_of
from repository.replicas import ANSWER_MAX_S, Pool, Replicas
from repository.turns import WAIT_MAX_S, Turns, WriteTurns

__all__ = ["Connection", "Database", "Incarnation", "Position", "Row", "seconds_left"]

T = TypeVar("T")
Row: TypeAlias = "asyncpg.Record"

CONNECT_MAX_S = 5.0
STATEMENT_TIMEOUT_MAX_S = 30
IDLE_IN_TRANSACTION_MAX_S = 15
CLOSE_MAX_S = 5
SETTLE_MAX_S = 15
RENEW_EVERY_S = 1.0

# The driver asks the server about every array type it meets first: once, before it serves.
LEARN_TYPES = """
SELECT $1::bytea[], $2::text[], $3::smallint[], $4::bigint[], $5::boolean[], $6::uuid[],
       $7::timestamptz[], $8::integer[]"""

GET_INCARNATION = "SELECT id, timeline, first_xid FROM incarnation"

# Of a transaction that was committed somewhere: whether this server's next snapshot has it. What
# is to come is an error to ask about, what is so old that its end is forgotten has no status.
HAS_COMMIT = """
SELECT CASE WHEN $1::xid8 < pg_snapshot_xmax(pg_current_snapshot())
            THEN coalesce(pg_xact_status($1), 'committed') = 'committed'
            ELSE false END"""


class _Behind(Exception):
    """The server has not replayed what it is asked for."""


class Incarnation(NamedTuple):
    """One life of the database: a restore or a failover begins another (ADR 11)."""

    id: bytes
    timeline: int
    first_xid: int


class Position(NamedTuple):
    """Where a write stands: what a consistency token says once the server has MACed it."""

    incarnation: bytes
    xid: int


def seconds_left(deadline: float | None) -> float | None:
    """Seconds until `deadline` (time.monotonic), None for none. Raises TimedOut when passed."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut
    return left


class Database:
    """The primary, and the replicas when `replica_dsn` names any; else the primary reads too.

    `on_statement` is told the text of every statement the driver runs: tests count with it. All
    connections come from `connect`: whoever makes faults puts in what makes them.
    """

    def __init__(
        self,
        primary_dsn: str,
        replica_dsn: str | None = None,
        *,
        connections_max: int = 10,
        connection_wait_max_s: float = WAIT_MAX_S,
        may_lack_primary: bool = False,
        on_statement: Callable[[str], None] | None = None,
        connect: Connect = asyncpg.connect,
    ) -> None:
        self.has_replicas = bool(replica_dsn)
        self._primary_dsn = primary_dsn
        self._replica_dsn = replica_dsn
        self._connections_max = connections_max
        self._connection_wait_max_s = connection_wait_max_s
        self._turns: dict[Pool, Turns] = {}
        self._write_turns = WriteTurns(connections_max, connection_wait_max_s)
        self._members: dict[Pool, WeakSet[Plain]] = {}
        self._is_silent: Callable[[], bool] = bool
        self._may_lack_primary = may_lack_primary
        self._on_statement = on_statement
        self._connect = connect
        self._writers: Pool | None = None
        self.replicas = Replicas(self._hang_up)
        self._finder = PrimaryFinder(primary_dsn, self._dial)
        self._renewed_at: dict[Pool, float] = {}
        self._connections: WeakKeyDictionary[Plain, str] = WeakKeyDictionary()  # to which DSN
        self._unfinished: set[asyncio.Task[Any]] = set()

    async def connect(self) -> None:
        """Open the pools. Raises Unavailable without a primary, unless there may be none yet."""
        for dsn in dsns_of(self._replica_dsn) if self._replica_dsn else []:
            pool = await self._pool(dsn, self._dial, min_size=0, timeout_s=ANSWER_MAX_S)
            self.replicas.add(pool, partial(self._dial, dsn, **_options(ANSWER_MAX_S)))
        try:
            self._writers = await self._pool(self._primary_dsn, self._finder)
        except Exception as error:
            if (named := translate(error)) is None:
                raise
            if not self._may_lack_primary:
                raise named from error
            self._writers = await self._pool(self._primary_dsn, self._finder, min_size=0)

    def beware(self, is_silent: Callable[[], bool]) -> None:
        """Do not ask the primary for anything while `is_silent()`: whoever needs it is told so.

        Without it they would wait for their deadline on connections that nobody answers.
        """
        self._is_silent = is_silent

    async def close(self) -> None:
        """Close the pools, once writes are through; they and the rest are given some seconds."""
        with suppress(TimeoutError):  # a COMMIT that no standby confirms may never end
            async with asyncio.timeout(SETTLE_MAX_S):
                await self.settled()
        for pool in self._pools:
            try:
                async with asyncio.timeout(CLOSE_MAX_S):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def look_for_another(self) -> bool:
        """Whether another host is the primary now than the one that was known; it is known then."""
        return await self._finder.look()

    async def leave(self) -> None:
        """Part with a primary that is none any more: what waits for it will not be answered.

        A COMMIT under way there ends as CommitUnknown. Connections to other hosts are kept: to
        make all of them anew takes a worker seconds.
        """
        self._hang_up_on_former()
        await self.look_for_another()
        self._hang_up_on_former()

    @property
    def _pools(self) -> list[Pool]:
        writers = [] if self._writers is None else [self._writers]
        return writers + self.replicas.pools

    @property
    def idle_connections(self) -> int:
        """How many of the primary's pooled connections are free or not yet open, for metrics."""
        if self._writers is None:
            return 0
        return self._connections_max - self._writers.get_size() + self._writers.get_idle_size()

    async def incarnation(self) -> Incarnation:
        """The life of the database that the primary is living."""
        rows = await self.fetch(GET_INCARNATION, primary=True)
        return Incarnation(rows[0]["id"], rows[0]["timeline"], rows[0]["first_xid"])

    async def fetch(
        self,
        sql: str,
        *args: Any,
        primary: bool = False,
        after_xid: int | None = None,
        deadline: float | None = None,
        life: bytes | None = None,
        suits: Callable[[list[Row]], bool] | None = None,
    ) -> list[Row]:
        """Run one reading statement, cancelled at `deadline`; on a replica unless `primary`.

        A replica that cannot be reached is left out, and the next one asked, in the end the
        primary, unless they are there and busy. With `after_xid` those are passed by that have not
        replayed its COMMIT, with `suits` those whose rows do not. With `life` the first column is
        the id of the incarnation, and a server that lives another is none to ask. Raises TimedOut,
        Busy, OtherLife, Unavailable.
        """
        busy: Busy | None = None
        is_behind = False
        for pool in [] if primary else self.replicas.usable():
            try:
                rows = await self._fetch(pool, sql, args, deadline, life=life, after_xid=after_xid)
                if suits is None or suits(rows):
                    return rows
                is_behind = True
            except _Behind:
                is_behind = True  # another may have it, and the primary may be gone
            except TimedOut:
                if deadline is not None:
                    raise
                self.replicas.failed(pool)
            except Busy as error:
                busy = error
            except Unavailable:
                self.replicas.failed(pool)
        if busy is not None and not is_behind:
            raise busy
        return await self._fetch(self._primary(), sql, args, deadline, life=life)

    async def _fetch(
        self,
        pool: Pool,
        sql: str,
        args: tuple[Any, ...],
        deadline: float | None,
        *,
        life: bytes | None = None,
        after_xid: int | None = None,
    ) -> list[Row]:
        turns = await self._turn(pool, deadline)
        connection: Connection | None = None
        try:
            connection = await self._connection(pool, deadline)
            try:
                if after_xid is not None:
                    await _check_has(connection, after_xid, deadline)
                rows = await connection.fetch(sql, *args, timeout=seconds_left(deadline))
            finally:
                await pool.release(connection)
        except Exception as error:
            if (named := await self._named(pool, error, is_used=connection is not None)) is None:
                raise
            raise named from error
        finally:
            turns.give()
        if not _is_of(life, rows):
            if pool is self._writers:
                await self._renew(pool)  # a former primary's: there is another by now
            raise OtherLife
        return rows

    async def write(self, sql: str, *args: Any, deadline: float | None = None) -> list[Row]:
        """Run one writing statement as a transaction of its own, which is never cancelled.

        At `deadline` the statement goes on by itself: only ones that may be repeated belong here.
        Raises CommitUnknown, TimedOut, Unavailable, OperationInProgress.
        """
        return await self.outlasting(self._write(sql, args), deadline)

    async def transact(
        self, work: Callable[[Connection], Awaitable[T]], deadline: float | None = None
    ) -> T:
        """Run `work` in a transaction on the primary, neither of them ever cancelled.

        What `write` is for one statement, with the same errors and the same caution.
        """
        return await self.outlasting(self._transact(work), deadline)

    async def outlasting(self, work: Coroutine[Any, Any, T], deadline: float | None) -> T:
        """See `work`, which commits, through, but wait no longer than `deadline`.

        Raises what it raises, and CommitUnknown at the deadline.
        """
        task = self.see_through(work)
        left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        done, _ = await asyncio.wait({task}, timeout=left_s)
        if not done:
            raise CommitUnknown
        return task.result()

    def see_through(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` to its end whatever becomes of the caller; `settled` waits for it."""
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._ended)
        return task

    async def settled(self) -> None:
        """Wait for every write under way: for shutting down."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)

    async def acquire(self, deadline: float | None = None) -> Connection:
        """A connection to the primary, for a transaction; hand it back with `release`.

        Raises TimedOut, Stalled, Unavailable.
        """
        pool = self._primary()
        await self._write_turns.take(self._turns[pool], seconds_left(deadline))
        try:
            return await self._connection(pool, deadline)
        except BaseException as error:
            self._write_turns.give(self._turns[pool])
            if (named := translate(error)) is None:
                raise
            raise named from error

    async def name(self, error: BaseException) -> RepositoryError | None:
        """The typed error for what went wrong on a connection of `acquire`, None if it has none."""
        assert self._writers is not None, "connect() first"
        return await self._named(self._writers, error)

    async def release(self, connection: Connection) -> None:
        """Take a connection of `acquire` back.

        One that cannot be made ready for the next is parted with: what was done on it is done.
        """
        assert self._writers is not None, "connect() first"
        try:
            with suppress(*NO_ANSWER):
                await self._writers.release(connection)
        finally:
            self._write_turns.give(self._turns[self._writers])

    def _primary(self) -> Pool:
        """The pool of the primary. Raises Unavailable while it is silent."""
        assert self._writers is not None, "connect() first"
        if self._is_silent():
            raise Unavailable("the primary has been silent")
        return self._writers

    async def _turn(self, pool: Pool, deadline: float | None) -> Turns:
        """A turn at the pool for a read, to be given back.

        Where there is no room for what only the primary can answer it is the database that is slow:
        were callers told of too many calls, they would hold back what replicas answer too. Raises
        TimedOut, Busy, Stalled.
        """
        turns = self._turns[pool]
        try:
            await turns.take(seconds_left(deadline))
        except Busy as error:
            if self.has_replicas and pool is self._writers:
                raise Stalled from error
            raise
        return turns

    async def _connection(self, pool: Pool, deadline: float | None) -> Connection:
        """A connection of the pool, for whoever has a turn at it."""
        try:
            return await pool.acquire(timeout=seconds_left(deadline))
        finally:
            self._turns[pool].opened()

    async def _write(self, sql: str, args: tuple[Any, ...]) -> list[Row]:
        async with self._writing() as connection:
            with certain(connection):
                return await connection.fetch(sql, *args)

    async def _transact(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._writing() as connection:
            await connection.execute("BEGIN")
            try:
                result = await work(connection)
            except BaseException:
                with suppress(*NO_ANSWER):
                    await connection.execute("ROLLBACK")
                raise
            await commit(connection)
            return result

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Connection]:
        """A connection to the primary; what goes wrong on it comes out under its name."""
        connection = await self.acquire(time.monotonic() + STATEMENT_TIMEOUT_MAX_S)
        try:
            yield connection
        except Exception as error:
            if (named := await self.name(error)) is None:
                raise
            raise named from error
        finally:
            await self.release(connection)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._unfinished.discard(task)
        _ = task.cancelled() or task.exception()  # looked at: its caller may be gone

    async def _named(
        self, pool: Pool, error: BaseException, *, is_used: bool = True
    ) -> RepositoryError | None:
        """The typed error; pooled connections are renewed when the server may be another now.

        Not when there was none to use: those that are there then have just been made.
        """
        named = translate(error)
        if is_used and isinstance(named, Unavailable) and not isinstance(named, TimedOut):
            await self._renew(pool)
        return named

    async def _renew(self, pool: Pool) -> None:
        """Have the pool's connections made anew, unless they just were.

        What fails late, on the last connections to a server that was, must not cost those to the
        one that is.
        """
        now = time.monotonic()
        if now - self._renewed_at.get(pool, -RENEW_EVERY_S) >= RENEW_EVERY_S:
            self._renewed_at[pool] = now
            await pool.expire_connections()

    async def _dial(self, dsn: str, **options: Any) -> Plain:
        """A connection, known by where it leads. Who does not take it in time is not there."""
        try:
            connection = await self._connect(dsn, **options)
        except TimeoutError as error:
            raise ConnectionError("no connection in time") from error
        self._connections[connection] = dsn
        return connection

    def _hang_up_on_former(self) -> None:
        hosts = set(map(host_of, self._finder.left()))
        for connection, dsn in list(self._connections.items()):
            if host_of(dsn) in hosts:
                connection.terminate()

    def _hang_up(self, pool: Pool) -> None:
        for connection in list(self._members[pool]):
            connection.terminate()

    async def _pool(
        self, dsn: str, connect: Connect, *, min_size: int = 1, timeout_s: float = CONNECT_MAX_S
    ) -> Pool:
        members = WeakSet[Plain]()
        pool = await asyncpg.create_pool(
            dsn,
            connect=connect,
            min_size=min_size,
            max_size=self._connections_max,
            max_queries=2**31,
            init=partial(self._prepare, members),
            reset=_leave_as_is,
            **_options(timeout_s),
        )
        self._members[pool] = members
        self._turns[pool] = Turns(
            self._connections_max, self._connection_wait_max_s, pool.get_idle_size
        )
        return pool

    async def _prepare(self, members: WeakSet[Plain], connection: Plain) -> None:
        members.add(connection)
        await connection.prepare(LEARN_TYPES)
        told = self._on_statement
        if told is not None:
            connection.add_query_logger(lambda logged: told(logged.query))


def _options(timeout_s: float) -> dict[str, Any]:
    """asyncpg.connect's, for a connection that has `timeout_s` to come about."""
    return {
        "timeout": timeout_s,
        "max_cached_statement_lifetime": 0,
        "server_settings": {
            "application_name": "opencif",
            "jit": "off",
            "statement_timeout": f"{STATEMENT_TIMEOUT_MAX_S}s",
            "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_MAX_S}s",
        },
    }


async def _check_has(connection: Connection, xid: int, deadline: float | None) -> None:
    """Raise _Behind where the server has not replayed the COMMIT of `xid`.

    In a statement before the one that reads rows: read together, the rows could be older than
    the answer.
    """
    if not await connection.fetchval(HAS_COMMIT, xid, timeout=seconds_left(deadline)):
        raise _Behind


def _is_of(life: bytes | None, rows: Sequence[Row]) -> bool:
    """Whether an answer is of the life that is asked about; None asks about none."""
    return life is None or not rows or rows[0][0] == life


async def _leave_as_is(connection: Plain) -> None:
    """Spare the round trip of RESET ALL: no code here sets anything beyond its transaction."""
