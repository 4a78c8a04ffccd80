"""One transaction per mutation: claimed once, never half, and honest about its COMMIT."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from repository.certainty import Connection
from repository.database import Database
from repository.errors import (
    CommitUnknown,
    IdempotencyKeyReused,
    OperationInProgress,
    RepositoryError,
    TimedOut,
    Unavailable,
)
from repository.reading import Consistency
from repository.work import Idempotency, Replay
from repository.writing import Writer
from tests.contract.stand import ACCOUNT, Stand, origin, request, some_id, write

SLOW_COMMIT_LOCK = 4711
REACHED_S = 2.0
"""In which any machine comes to the statement that then waits for ever."""

# COMMIT itself waits, or warns, as a synchronous standby can make it.
COMMIT_TRIGGER = """
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON change DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION at_commit()"""

IS_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"


@pytest.fixture
async def session(stand: Stand) -> AsyncIterator[asyncpg.Connection]:
    """A database session beside the repository."""
    connection = await asyncpg.connect(stand.database._primary_dsn)
    yield connection
    await connection.close()


async def create_once(
    stand: Stand, id_: bytes, asked: Idempotency, deadline: float | None = None
) -> Replay | None:
    async with stand.writer.begin(origin(), deadline) as work:
        replay = await work.claim(asked)
        if replay is None:
            await work.insert(write(id_))
    return replay


async def test_a_failed_block_leaves_nothing(stand: Stand) -> None:
    id_ = some_id()

    async def fails() -> None:
        async with stand.writer.begin(origin()) as work:
            await work.insert(write(id_))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert (await stand.get(id_)).version == 0


async def test_a_cancelled_block_leaves_nothing(stand: Stand) -> None:
    id_, inside = some_id(), asyncio.Event()

    async def blocked() -> None:
        async with stand.writer.begin(origin()) as work:
            await work.insert(write(id_))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(blocked())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stand.create(id_)  # nobody holds the row any more
    assert (await stand.get(id_)).version == 1


async def test_a_block_past_its_deadline_is_rolled_back(stand: Stand) -> None:
    id_ = some_id()

    async def dawdles(deadline: float) -> None:
        async with stand.writer.begin(origin(), deadline) as work:
            await work.insert(write(id_))
            await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await dawdles(time.monotonic() + 0.3)
    with pytest.raises(TimedOut):
        await dawdles(time.monotonic() - 1)
    assert (await stand.get(id_)).version == 0


async def test_waiting_for_a_row_ends_at_the_deadline(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_)
    async with stand.writer.begin(origin()) as holder:
        await holder.lock_many(ACCOUNT, [id_])
        with pytest.raises(TimedOut):
            async with stand.writer.begin(origin(), time.monotonic() + 0.3) as work:
                await work.lock_many(ACCOUNT, [id_])
        await holder.update(write(id_, 2))
    assert (await stand.get(id_)).version == 2


async def test_reserving_an_id_keeps_another_create_waiting(stand: Stand) -> None:
    ids = [some_id(), some_id()]
    async with stand.writer.begin(origin()) as first:
        await first.reserve(ids)
        with pytest.raises(TimedOut):
            async with stand.writer.begin(origin(), time.monotonic() + 0.3) as second:
                await second.reserve(ids[1:])
    async with stand.writer.begin(origin()) as second:
        await second.reserve(ids)
        await second.insert(write(ids[0]))


async def test_a_repeated_request_is_answered_from_the_first(any_stand: Stand) -> None:
    stand, id_ = any_stand, some_id()
    assert await create_once(stand, id_, request("a")) is None
    await stand.halfway()
    await stand.update(id_, 2)
    for _ in range(2):
        replay = await create_once(stand, id_, request("a"))
        assert replay == Replay(ACCOUNT, id_, 1)
    assert (await stand.store.revision(ACCOUNT, id_, version=1)).version == 1
    assert (await stand.get(id_)).version == 2


async def test_a_replay_is_as_durable_as_the_first_answer(stand: Stand) -> None:
    id_ = some_id()
    await create_once(stand, id_, request("a"))
    async with stand.writer.begin(origin()) as work:
        assert await work.claim(request("a"))
    rows = await stand.database.fetch("SELECT replays FROM idempotency", primary=True)
    assert [row[0] for row in rows] == [1]
    assert work.position.xid > 0


async def test_the_same_request_with_another_payload_is_refused(stand: Stand) -> None:
    id_ = some_id()
    await create_once(stand, id_, request("a"))
    with pytest.raises(IdempotencyKeyReused):
        await create_once(stand, some_id(), request("a", "other"))
    assert await create_once(stand, id_, request("a")) is not None


async def test_of_concurrent_repetitions_one_writes(stand: Stand) -> None:
    id_ = some_id()
    outcomes = await asyncio.gather(
        *(create_once(stand, id_, request("a")) for _ in range(8)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    others = [outcome for outcome in outcomes if outcome is not None]
    assert all(isinstance(o, OperationInProgress | Replay) for o in others)
    assert await create_once(stand, id_, request("a")) == Replay(ACCOUNT, id_, 1)


async def test_a_running_request_is_in_progress(stand: Stand) -> None:
    id_ = some_id()
    async with stand.writer.begin(origin()) as work:
        await work.claim(request("a"))
        await work.insert(write(id_))
        with pytest.raises(OperationInProgress):
            await create_once(stand, id_, request("a"))


async def test_old_requests_are_forgotten(stand: Stand) -> None:
    for name in "abc":
        await create_once(stand, some_id(), request(name))
    later = datetime.now(UTC) + timedelta(days=1)
    assert await stand.writer.forget(later - timedelta(days=2), limit=10) == 0
    assert await stand.writer.forget(later, limit=2) == 2
    assert await stand.writer.forget(later, limit=2) == 1


async def test_a_commit_outlives_its_deadline_and_the_retry_converges(
    stand: Stand, session: asyncpg.Connection
) -> None:
    id_, asked = some_id(), request("a")
    wait = f"PERFORM pg_advisory_xact_lock({SLOW_COMMIT_LOCK});"
    await session.execute(COMMIT_TRIGGER.format(wait))
    await session.execute(f"SELECT pg_advisory_lock({SLOW_COMMIT_LOCK})")
    with pytest.raises(CommitUnknown):
        await create_once(stand, id_, asked, time.monotonic() + REACHED_S)
    with pytest.raises(OperationInProgress):
        await create_once(stand, id_, asked)
    await session.execute(f"SELECT pg_advisory_unlock({SLOW_COMMIT_LOCK})")
    await stand.writer.settled()
    assert await create_once(stand, id_, asked) == Replay(ACCOUNT, id_, 1)
    await stand.poll.poll()
    assert (await stand.get(id_)).version == 1


async def test_a_caller_that_goes_away_does_not_stop_its_commit(
    stand: Stand, session: asyncpg.Connection
) -> None:
    id_, committing = some_id(), asyncio.Event()
    wait = f"PERFORM pg_advisory_xact_lock({SLOW_COMMIT_LOCK});"
    await session.execute(COMMIT_TRIGGER.format(wait))
    await session.execute(f"SELECT pg_advisory_lock({SLOW_COMMIT_LOCK})")

    async def writes() -> None:
        async with stand.writer.begin(origin()) as work:
            await work.insert(write(id_))
            committing.set()

    task = asyncio.create_task(writes())
    await committing.wait()
    while not await session.fetchval(IS_WAITING):  # noqa: ASYNC110 - it happens in the database
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await session.execute(f"SELECT pg_advisory_unlock({SLOW_COMMIT_LOCK})")
    await stand.writer.settled()
    assert (await stand.get(id_)).version == 1


async def test_a_commit_with_a_warning_is_unknown(
    stand: Stand, session: asyncpg.Connection
) -> None:
    await session.execute(COMMIT_TRIGGER.format("RAISE WARNING 'canceling wait';"))
    with pytest.raises(CommitUnknown):
        await stand.create(some_id())


async def test_a_commit_whose_connection_breaks_is_unknown(
    stand: Stand, session: asyncpg.Connection
) -> None:
    stop = "PERFORM pg_terminate_backend(pg_backend_pid());"
    await session.execute(COMMIT_TRIGGER.format(stop))
    with pytest.raises(CommitUnknown):
        await stand.create(some_id())


async def test_a_commit_the_database_refuses_did_not_happen(
    stand: Stand, session: asyncpg.Connection
) -> None:
    id_ = some_id()
    refuse = "RAISE check_violation USING MESSAGE = 'no';"
    await session.execute(COMMIT_TRIGGER.format(refuse))
    with pytest.raises(asyncpg.CheckViolationError):
        await stand.create(id_)
    await stand.poll.poll()
    assert (await stand.get(id_)).version == 0


async def test_a_swallowed_failure_is_no_success(stand: Stand) -> None:
    id_ = some_id()

    async def swallow(connection: Connection) -> None:
        with suppress(asyncpg.PostgresError):
            await connection.execute("SELECT 1 / 0")

    async def write_and_swallow() -> None:
        async with stand.writer.begin(origin()) as work:
            await work.insert(write(id_))
            await swallow(work.connection)

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await write_and_swallow()
    assert (await stand.get(id_)).version == 0
    with pytest.raises(RepositoryError, match="failed before its COMMIT"):
        await stand.database.transact(swallow)


async def test_a_statement_of_its_own_is_as_honest_about_its_commit(
    stand: Stand, session: asyncpg.Connection
) -> None:
    bump = "UPDATE routing_revision SET revision = revision + 1 RETURNING revision"
    await session.execute("BEGIN")
    [before] = await session.fetch(f"{bump} -- holds the row")
    with pytest.raises(CommitUnknown):
        await stand.database.write(bump, deadline=time.monotonic() + REACHED_S)
    await session.execute("ROLLBACK")
    await stand.database.settled()
    [after] = await stand.database.write(bump)
    assert after[0] == before[0] + 1
    warn = "DO $$ BEGIN RAISE WARNING 'canceling wait'; END $$"
    with pytest.raises(CommitUnknown):
        await stand.database.write(warn)
    with pytest.raises(asyncpg.CheckViolationError):
        await stand.database.write("UPDATE incarnation SET id = 'short'")


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [("40001", OperationInProgress), ("55P03", TimedOut), ("53100", Unavailable)],
)
async def test_a_refused_commit_has_its_name_and_leaves_nothing(
    stand: Stand, session: asyncpg.Connection, sqlstate: str, expected: type[RepositoryError]
) -> None:
    refusal = f"RAISE EXCEPTION USING ERRCODE = '{sqlstate}';"
    await session.execute(COMMIT_TRIGGER.format(refusal))
    id_ = some_id()
    with pytest.raises(expected):
        await stand.create(id_)
    assert (await stand.get(id_)).version == 0


async def test_a_position_names_the_commit(stand: Stand) -> None:
    first = await stand.create(some_id())
    second = await stand.create(some_id())
    assert first.incarnation == second.incarnation == stand.incarnation
    assert 0 < first.xid < second.xid


async def test_a_connection_that_does_not_end_well_undoes_no_commit(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other connections broke meanwhile: this one is to be made anew, and its server is silent."""

    async def close(connection: asyncpg.Connection, **_: object) -> None:
        connection.terminate()
        raise TimeoutError

    monkeypatch.setattr(asyncpg.Connection, "close", close)
    assert stand.database._writers is not None
    id_ = some_id()
    async with stand.writer.begin(origin()) as work:
        await work.insert(write(id_))
        await stand.database._writers.expire_connections()
    assert work.position.incarnation == stand.incarnation
    assert (await stand.get(id_)).version == 1


async def test_a_failing_listener_does_not_undo_a_commit(stand: Stand) -> None:
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    id_ = some_id()
    try:
        async with Writer(stand.database, fails).begin(origin()) as work:
            await work.insert(write(id_))
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert isinstance(reported[0]["exception"], ZeroDivisionError)
    entries = await stand.reader.get_many(ACCOUNT, [id_], Consistency.FULLY_CONSISTENT)
    assert entries[0].version == 1


async def test_without_a_server_everything_is_unavailable(stand: Stand) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable):
        await nowhere.connect()
    await nowhere.close()
