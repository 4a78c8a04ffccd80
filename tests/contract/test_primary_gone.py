"""A primary that is frozen, or whose connections are all in use: nobody waits for his deadline."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from deploy.embedded import EmbeddedPostgres, temporary_directory
from deploy.process_tree import send, tree
from repository.changes import ChangePoll
from repository.database import GET_INCARNATION, Database
from repository.errors import Busy, Stalled, TimedOut, Unavailable
from repository.keys import KeyStore
from repository.migrate import migrate
from repository.replicas import ANSWER_MAX_S, Replicas
from repository.window import Window
from repository.writing import Writer
from server.connections import poll_of
from server.settings import Settings
from tests.conftest import Database as Databases
from tests.contract.stand import origin, some_id, write

SILENT_S = 0.5
LONG_S = 60.0  # a deadline that nobody can wait for without the test being ended first
SOON_S = 0.3
PATIENT_S = 60.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT_S):
        while not condition():  # noqa: ASYNC110  another process is waited for
            await asyncio.sleep(0.02)


class Frozen:
    """A PostgreSQL of its own, polled; `freeze` stops it in the midst of whatever it does."""

    def __init__(self, server: EmbeddedPostgres, database: Database, poll: ChangePoll) -> None:
        self._server = server
        self.dsn = server.dsn("main")
        self.database = database
        self.poll = poll
        self.writer = Writer(database, lambda _position, _written: None)

    def freeze(self) -> None:
        assert self._server.pid is not None
        send(signal.SIGSTOP, tree(self._server.pid))

    def thaw(self) -> None:
        if self._server.pid is not None:
            send(signal.SIGCONT, tree(self._server.pid))

    def is_silent(self) -> bool:
        return self.poll.age_s > SILENT_S

    async def create(self) -> None:
        async with self.writer.begin(origin(), time.monotonic() + LONG_S) as work:
            await work.insert(write(some_id()))


@pytest.fixture
async def frozen() -> AsyncIterator[Frozen]:
    async with AsyncExitStack() as opened:
        directory = opened.enter_context(temporary_directory())
        server = opened.enter_context(EmbeddedPostgres(directory, durable=False))
        await server.create_database("main")
        await migrate(server.dsn("main"), "main")
        databases = Database(server.dsn("main")), Database(server.dsn("main"))
        for each in databases:
            await each.connect()
            opened.push_async_callback(each.close)
        database, watch = databases
        poll = ChangePoll(watch, Window())
        await poll.start()
        opened.push_async_callback(poll.stop)
        made = Frozen(server, database, poll)
        opened.callback(made.thaw)
        yield made


async def all_held(pools: Database) -> Callable[[], Awaitable[None]]:
    """Hold both connections to the primary, the write's and the read's, until the call."""
    write_held = await pools.acquire()
    turns = pools._turns[pools._primary()]
    await turns.take(None)

    async def let_go() -> None:
        turns.give()
        await pools.release(write_held)

    return let_go


async def test_a_frozen_primary_is_not_asked_until_it_moves_again(frozen: Frozen) -> None:
    frozen.database.beware(frozen.is_silent)
    await frozen.create()
    frozen.freeze()
    await until(frozen.is_silent)
    with pytest.raises(Unavailable, match="silent"):
        await frozen.create()
    with pytest.raises(Unavailable, match="silent"):
        await frozen.database.fetch(GET_INCARNATION, primary=True)
    with pytest.raises(Unavailable, match="silent"):
        await frozen.database.write("UPDATE heartbeat SET beat = beat + 1")
    frozen.thaw()
    await until(lambda: not frozen.is_silent())
    await frozen.create()


async def test_without_that_who_asks_waits_for_the_deadline(frozen: Frozen) -> None:
    """The control."""
    frozen.freeze()
    await until(frozen.is_silent)
    with pytest.raises(TimedOut):
        await frozen.database.fetch(
            GET_INCARNATION, primary=True, deadline=time.monotonic() + SOON_S
        )
    frozen.thaw()


async def test_before_the_first_poll_the_primary_is_not_relied_on(database: Databases) -> None:
    pools = Database(await database("main"))
    await pools.connect()
    poll = ChangePoll(pools, Window())
    pools.beware(lambda: poll.age_s > SILENT_S)
    with pytest.raises(Unavailable, match="silent"):
        await pools.fetch(GET_INCARNATION, primary=True)
    await pools.close()


@pytest.mark.parametrize(
    ("wait_max_s", "left_s", "told"),
    [(SOON_S, LONG_S, Busy), (LONG_S, SOON_S, TimedOut)],
    ids=["bounded", "the control: only the deadline ends the wait"],
)
async def test_who_finds_all_connections_in_use_does_not_wait_for_long(
    database: Databases, wait_max_s: float, left_s: float, told: type[Exception]
) -> None:
    pools = Database(await database("main"), connections_max=2, connection_wait_max_s=wait_max_s)
    await pools.connect()
    held = await all_held(pools)
    for ask in (
        lambda: pools.fetch(GET_INCARNATION, deadline=time.monotonic() + left_s),
        lambda: pools.fetch(GET_INCARNATION, primary=True, deadline=time.monotonic() + left_s),
        lambda: pools.acquire(time.monotonic() + left_s),
    ):
        with pytest.raises(told):
            await ask()
    await held()
    assert await pools.fetch(GET_INCARNATION)
    await pools.close()


async def test_a_busy_replica_is_neither_gone_nor_a_reason_to_ask_the_primary(
    database: Databases,
) -> None:
    dsn = await database("main")
    pools = Database(dsn, dsn, connections_max=2, connection_wait_max_s=SOON_S)
    await pools.connect()
    (replica,) = pools.replicas.usable()
    locked = await pools.acquire()
    async with locked.transaction():
        await locked.execute("LOCK TABLE heartbeat")
        waiting = [
            asyncio.ensure_future(pools.fetch("SELECT beat FROM heartbeat")) for _ in range(2)
        ]
        await until(lambda: replica.get_size() == 2 and replica.get_idle_size() == 0)
        with pytest.raises(Busy):
            await pools.fetch(GET_INCARNATION)
        assert pools.replicas.usable() == [replica]
    await asyncio.gather(*waiting)
    await pools.release(locked)
    assert await pools.fetch(GET_INCARNATION)
    await pools.close()


@pytest.mark.parametrize("has_replicas", [True, False])
async def test_a_busy_primary_is_an_overload_only_to_reads_that_have_no_replica(
    database: Databases, has_replicas: bool
) -> None:
    """Told of an overload callers hold everything back, and so what replicas answer."""
    dsn = await database("main")
    replicas = dsn if has_replicas else None
    pools = Database(dsn, replicas, connections_max=2, connection_wait_max_s=SOON_S)
    await pools.connect()
    held = await all_held(pools)
    turns = pools._turns[pools._primary()]

    async def told(ask: Callable[[], Awaitable[Any]]) -> type[Busy]:
        loop = asyncio.get_running_loop()
        loop.call_later(SOON_S / 2, setattr, turns, "_given", turns._given + 1)  # to others
        with pytest.raises(Busy) as error:
            await ask()
        return type(error.value)

    assert await told(pools.acquire) is Stalled
    read = await told(lambda: pools.fetch(GET_INCARNATION, primary=True))
    assert read is (Stalled if has_replicas else Busy)
    if has_replicas:
        assert await pools.fetch(GET_INCARNATION)
    await held()
    await pools.close()


@pytest.mark.parametrize("are_left", [True, False], ids=["", "the control: none is left"])
async def test_writes_leave_reads_a_connection_to_the_primary(
    database: Databases, are_left: bool
) -> None:
    """They wait as long as no standby confirms them, and some reads only it can answer."""
    pools = Database(await database("main"), connections_max=10, connection_wait_max_s=SOON_S)
    await pools.connect()
    if not are_left:
        pools._write_turns._among.free = 10
    held = [await pools.acquire() for _ in range(8 if are_left else 10)]
    with pytest.raises(Stalled):
        await pools.acquire()
    if are_left:
        assert await pools.fetch(GET_INCARNATION, primary=True)
    else:
        with pytest.raises(Busy):
            await pools.fetch(GET_INCARNATION, primary=True)
    await pools.release(held.pop())
    held.append(await pools.acquire())
    for connection in held:
        await pools.release(connection)
    await pools.close()


@pytest.mark.parametrize("is_hung_up_on", [True, False], ids=["", "the control: asked on"])
async def test_a_replica_that_freezes_is_left_out_and_who_waits_for_it_asks_another(
    frozen: Frozen,
    database: Databases,
    monkeypatch: pytest.MonkeyPatch,
    is_hung_up_on: bool,
) -> None:
    if not is_hung_up_on:
        monkeypatch.setattr(Replicas, "_fell_silent", lambda *_: None)
    pools = Database(await database("main"), frozen.dsn)
    await pools.connect()
    async with pools.replicas.watched(lambda _: True):
        await pools.fetch("SELECT 1")
        frozen.freeze()
        wait_s = LONG_S if is_hung_up_on else 3 * ANSWER_MAX_S
        reading = asyncio.ensure_future(pools.fetch("SELECT 1", deadline=time.monotonic() + LONG_S))
        done, _ = await asyncio.wait({reading}, timeout=wait_s)
        assert bool(done) is is_hung_up_on
        assert bool(pools.replicas.usable()) is not is_hung_up_on
        frozen.thaw()
        assert await reading
        await until(lambda: bool(pools.replicas.usable()))
    await pools.close()


async def test_who_has_yet_to_connect_to_a_replica_that_freezes_asks_another(
    frozen: Frozen, database: Databases
) -> None:
    pools = Database(await database("main"), frozen.dsn)
    await pools.connect()
    (replica,) = pools.replicas.usable()
    frozen.freeze()
    assert await pools.fetch("SELECT 1", deadline=time.monotonic() + LONG_S)
    assert not pools.replicas.usable()
    assert replica.get_size() == 0
    frozen.thaw()
    await pools.close()


@pytest.mark.parametrize("comes", ["before", "meanwhile", "never: the control"])
async def test_what_is_connected_to_a_former_primary_is_hung_up_on(
    database: Databases, monkeypatch: pytest.MonkeyPatch, comes: str
) -> None:
    """Also where it is only found out, by whoever connects, while the new one is looked for."""
    dsn = await database("main")
    pools = Database(dsn)
    await pools.connect()
    (connection,) = pools._connections
    finder = pools._finder

    def another_is_found() -> None:
        finder._found("postgresql://another.invalid/main")

    async def look() -> bool:
        if comes == "meanwhile":
            another_is_found()
        return False

    monkeypatch.setattr(finder, "look", look)
    if comes == "before":
        another_is_found()
    await pools.leave()
    assert connection.is_closed() is (comes in {"before", "meanwhile"})
    await pools.close()


async def test_the_key_databases_connections_are_parted_with_too(database: Databases) -> None:
    """Both databases are on the same servers, and one poll watches them."""
    dsn, left = await database("main"), []

    class Leaving(Database):
        async def leave(self) -> None:
            left.append(self)

    settings = Settings(database_dsn=dsn, key_database_dsn=dsn, port=0)
    main, keys = Leaving(dsn), Leaving(dsn)
    async with poll_of(settings, main, KeyStore(keys)) as poll:
        await poll.start()
        poll._timeline += 1
        with pytest.raises(Unavailable, match="former primary"):
            await poll.poll()
        await poll.stop()
    assert set(left) == {main, keys}
