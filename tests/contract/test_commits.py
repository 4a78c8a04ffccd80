"""Every way to commit is honest about it and outlives its caller and its deadline."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest

from repository.ach_run import AchRun, AchRunStore, RunKey
from repository.audit import AuditEvent, AuditStore
from repository.certainty import commit
from repository.database import Database
from repository.errors import CommitUnknown, OperationInProgress, TimedOut, Unavailable
from repository.keys import CustomerKey, KeyStore, PurposeKey
from repository.migrate import Which
from repository.routing import RoutingRow, RoutingStore
from tests.conftest import Database as Databases
from tests.contract.stand import some_id, some_uid

LOCK = 4712
NOW = datetime(2026, 1, 2, tzinfo=UTC)

# COMMIT itself waits for a lock that the test holds, as it may for a synchronous standby.
AT_COMMIT = """
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_advisory_xact_lock({lock}); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()"""
IS_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"

RUN = RunKey("tester", some_uid())
EVENT = AuditEvent(some_uid(), NOW, "tester", "m", "", 1, "OK", b"mac")
KEY = PurposeKey("operational", 1, "active", b"wrapped", NOW)


async def begin_run(database: Database) -> None:
    await AchRunStore(database).begin(RUN, NOW, "a", "b", "c")


async def finish_run(database: Database) -> None:
    await AchRunStore(database).finish(RUN, AchRun(b"h" * 32, 1, 1, 1, {}, 0, 1))


async def import_routing(database: Database) -> None:
    await RoutingStore(database).replace(None, [RoutingRow("021000021", True)])


async def audit(database: Database) -> None:
    await AuditStore(database).insert_many([EVENT])


async def make_customer_key(database: Database) -> None:
    await KeyStore(database).insert_many({some_id("customer"): CustomerKey(1, b"wrapped")})


async def set_purpose_keys(database: Database) -> None:
    await KeyStore(database).set_purpose_keys([KEY], b"mac", None)


Change = Callable[[Database], Awaitable[None]]
CHANGES: list[tuple[Which, str, Change]] = [
    ("main", "ach_run", begin_run),
    ("main", "ach_run", finish_run),
    ("main", "routing_number", import_routing),
    ("main", "audit", audit),
    ("keys", "customer_key", make_customer_key),
    ("keys", "purpose_key", set_purpose_keys),
]


@pytest.mark.parametrize(
    ("which", "table", "change"), CHANGES, ids=[change.__name__ for _, _, change in CHANGES]
)
async def test_a_caller_that_goes_away_does_not_stop_a_commit(
    database: Databases, which: Which, table: str, change: Change
) -> None:
    async with opened(database, which) as (pools, session):
        if change is finish_run:
            await begin_run(pools)
        await session.execute(AT_COMMIT.format(lock=LOCK, table=table))
        await session.execute(f"SELECT pg_advisory_lock({LOCK})")
        task = asyncio.ensure_future(change(pools))
        while not await session.fetchval(IS_WAITING):  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await session.execute(f"SELECT pg_advisory_unlock({LOCK})")
        await pools.settled()
        if change is finish_run:
            assert await session.fetchval("SELECT end_time IS NOT NULL FROM ach_run")
        else:
            assert await session.fetchval(f"SELECT count(*) FROM {table}") == 1


@pytest.mark.parametrize(
    ("which", "table", "change"), CHANGES, ids=[change.__name__ for _, _, change in CHANGES]
)
async def test_a_warning_leaves_a_commit_unknown(
    database: Databases, which: Which, table: str, change: Change
) -> None:
    async with opened(database, which) as (pools, session):
        if change is finish_run:
            await begin_run(pools)
        warns = AT_COMMIT.replace("PERFORM pg_advisory_xact_lock({lock})", "RAISE WARNING 'w'")
        await session.execute(warns.format(table=table))
        with pytest.raises(CommitUnknown):
            await change(pools)


async def test_what_goes_wrong_with_a_write_has_its_name(database: Databases) -> None:
    async with opened(database, "main") as (pools, _):
        with pytest.raises(TimedOut):
            await pools.write("DO $$ BEGIN RAISE lock_not_available; END $$")
        with pytest.raises(OperationInProgress):
            await pools.write("DO $$ BEGIN RAISE deadlock_detected; END $$")
        with pytest.raises(Unavailable):
            await pools.write("DO $$ BEGIN RAISE read_only_sql_transaction; END $$")


@asynccontextmanager
async def opened(
    database: Databases, which: Which
) -> AsyncIterator[tuple[Database, asyncpg.Connection]]:
    """Pools on a database, and a session beside them."""
    dsn = await database(which)
    pools = Database(dsn)
    await pools.connect()
    session = await asyncpg.connect(dsn)
    yield pools, session
    await session.close()
    await pools.close()


async def test_a_connection_lost_before_its_commit_leaves_nothing_open(
    database: Databases,
) -> None:
    pools = Database(await database("main"))
    await pools.connect()
    connection = await pools.acquire()
    await connection.execute("BEGIN")
    await pools.release(connection)
    with pytest.raises(Unavailable):
        await commit(connection)
    await pools.close()
