"""Reads go to replicas that have what the primary had a moment ago, and round all others."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import asyncpg
import pytest

from deploy.ports import free_port
from repository import replicas
from repository.changes import BEATS_KEPT, ChangePoll
from repository.database import Database as Pools
from repository.database import _Behind
from repository.errors import OtherLife, Unavailable
from repository.hosts import PrimaryFinder, dsns_of
from repository.record import RecordStore
from repository.replicas import GRACE_S, LAG_MAX_S, LOOK_EVERY_S, Look, Replicas
from repository.turns import OPENING_MAX
from repository.window import NO_LIFE, Window
from tests.conftest import Database
from tests.contract.stand import ACCOUNT, Stand, set_up, some_id

WHO = "SELECT 1"
SOON_S = 0.05


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(LOOK_EVERY_S / 5)


def nobody() -> str:
    return f"postgresql://opencif:none@127.0.0.1:{free_port()}/opencif"


def test_a_dsn_of_several_hosts_is_one_for_each() -> None:
    assert dsns_of("postgresql://a:b%2C@h1:1,h2,[::1]:3/d?x=y") == [
        "postgresql://a:b%2C@h1:1/d?x=y",
        "postgresql://a:b%2C@h2/d?x=y",
        "postgresql://a:b%2C@[::1]:3/d?x=y",
    ]
    assert dsns_of("postgresql:///d?host=/run") == ["postgresql:///d?host=/run"]


async def test_a_replica_that_lags_is_left_out_until_it_has_caught_up(database: Database) -> None:
    dsn, lag_s = await database("main"), 0.0
    pools = Pools(dsn, dsn)
    await pools.connect()
    async with pools.replicas.watched(lambda _: lag_s <= LAG_MAX_S):
        await until(lambda: bool(pools.replicas.usable()))
        lag_s = 5.0
        await until(lambda: not pools.replicas.usable())
        assert await pools.fetch(WHO), "the primary reads instead"
        lag_s = 0.5
        await until(lambda: bool(pools.replicas.usable()))
    await pools.close()


async def test_where_nobody_looks_one_that_could_not_be_reached_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the key database's, of which there is no poll."""
    monkeypatch.setattr(replicas, "UNWATCHED_S", 0.05)
    dsn = await database("main")
    pools = Pools(dsn, dsn)
    await pools.connect()
    (replica,) = pools.replicas.usable()
    pools.replicas.failed(replica)
    assert not pools.replicas.usable()
    await until(lambda: pools.replicas.usable() == [replica])
    await pools.close()


@pytest.mark.parametrize("grace_s", [GRACE_S, 0.0], ids=["", "the control: no grace"])
async def test_who_stood_still_himself_does_not_take_a_replica_for_silent(
    database: Database, monkeypatch: pytest.MonkeyPatch, grace_s: float
) -> None:
    """The answer is there, and read only after the alarm."""
    monkeypatch.setattr(replicas, "GRACE_S", grace_s)
    monkeypatch.setattr(replicas, "ANSWER_MAX_S", SOON_S)
    told: list[object] = []
    one = Replicas(told.append)
    asked = asyncio.Event()

    class Line:
        """Answers a look some turns after the one in which the event loop stood still."""

        def is_closed(self) -> bool:
            return False

        def terminate(self) -> None:
            pass

        async def fetch(self, sql: str) -> list[tuple[Any, ...]]:
            await asyncio.sleep(0)
            time.sleep(2 * SOON_S)  # noqa: ASYNC251  that is the point
            for _ in range(5):
                await asyncio.sleep(0)
            asked.set()
            return [(1, b"life", 1, 0.0)]

    async def dial() -> Any:
        return Line()

    one.add(cast("Any", object()), dial)
    async with one.watched(lambda _: True):
        await asked.wait()
    assert bool(told) is (grace_s == 0.0)


@pytest.mark.parametrize("after_xid", [None, 1])
async def test_a_replica_that_is_gone_costs_one_read_its_way_and_no_more(
    database: Database, after_xid: int | None
) -> None:
    pools = Pools(await database("main"), nobody())
    await pools.connect()
    assert len(pools.replicas.usable()) == 1, "nobody has looked yet"
    assert await pools.fetch(WHO, after_xid=after_xid)
    assert not pools.replicas.usable()
    await pools.close()


@pytest.mark.parametrize("opening_max", [OPENING_MAX, 100])
async def test_reads_do_not_all_open_connections_where_that_takes_long(
    database: Database, monkeypatch: pytest.MonkeyPatch, opening_max: int
) -> None:
    """As after a failover; without the limit, the control, all but one of them would."""
    monkeypatch.setattr("repository.turns.OPENING_MAX", opening_max)
    dialled = 0

    async def connect(dsn: str, **options: Any) -> Any:
        nonlocal dialled
        dialled += 1
        if dialled > 1:
            await asyncio.Event().wait()
        return await asyncpg.connect(dsn, **options)

    pools = Pools(await database("main"), connections_max=8, connect=connect)
    await pools.connect()
    reads = [asyncio.create_task(pools.fetch(WHO)) for _ in range(8)]
    await until(lambda: sum(read.done() for read in reads) == 8 - min(opening_max, 7))
    assert dialled == 1 + min(opening_max, 7)
    for read in reads:
        read.cancel()
    await asyncio.gather(*reads, return_exceptions=True)
    await pools.close()


async def test_where_one_replica_has_not_replayed_a_position_the_next_is_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary may be gone, and of its last changes one standby of the quorum has all."""
    dsn = await database("main")
    credentials, _, place = dsn.partition("@")
    host, _, name = place.partition("/")
    pools = Pools(dsn, f"{credentials}@{host},{host}/{name}")
    await pools.connect()
    asked = list[int]()

    async def check(_connection: object, xid: int, _deadline: object) -> None:
        asked.append(xid)
        if len(asked) == 1:
            raise _Behind

    def gone() -> None:
        raise Unavailable("the primary is gone")

    monkeypatch.setattr("repository.database._check_has", check)
    monkeypatch.setattr(pools, "_primary", gone)
    assert await pools.fetch(WHO, after_xid=7)
    assert asked == [7, 7]
    await pools.close()


async def of_two_lives(database: Database) -> tuple[str, str, bytes]:
    """A primary, a server that is ahead of it in another life, and the primary's life."""
    primary, other = await database("main"), await database("main")
    pools = Pools(other)
    await pools.connect()
    life = (await pools.incarnation()).id
    await pools.write("UPDATE incarnation SET id = 'elsewise'")
    await pools.write("UPDATE heartbeat SET beat = beat + 1000")
    await pools.close()
    return primary, other, life


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_replica_of_another_life_is_left_out(database: Database, is_known: bool) -> None:
    """However young its heartbeat. While no life is known, the control, it is not."""
    primary, other, life = await of_two_lives(database)
    pools = Pools(primary, other)
    await pools.connect()
    looks: list[Look] = []
    poll = ChangePoll(pools, Window(life if is_known else NO_LIFE))
    poll._asked_at = 0.0

    def is_fit(look: Look) -> bool:
        looks.append(look)
        return poll.is_fit(look)

    async with pools.replicas.watched(is_fit):
        await until(lambda: len(looks) > 1)
        assert bool(pools.replicas.usable()) is not is_known
    await pools.close()


@pytest.mark.parametrize("after_xid", [None, 1])
@pytest.mark.parametrize(("checks", "version"), [(True, 0), (False, 1)])
async def test_rows_of_another_life_are_not_taken(
    database: Database, checks: bool, version: int, after_xid: int | None
) -> None:
    """The statement that reads the rows says whose they are: nobody has looked yet."""
    primary, other, life = await of_two_lives(database)
    there = await set_up(other, None)
    id_ = some_id()
    await there.create(id_)
    await there.close()
    pools = Pools(primary, other)
    await pools.connect()
    assert pools.replicas.usable()
    rows = await RecordStore(pools).get_many(
        ACCOUNT, [id_], after_xid=after_xid, life=life if checks else None
    )
    assert [found for found, _ in rows.stamps()] == [version] * bool(version)
    await pools.close()


async def test_a_primary_of_another_life_is_no_primary(database: Database) -> None:
    """One that was cut off and is asked still: who asks is told, and asks another the next time."""
    _, other, life = await of_two_lives(database)
    pools = Pools(other)
    await pools.connect()
    for how in ({"primary": True}, {"after_xid": 1}):
        with pytest.raises(OtherLife):
            await RecordStore(pools).get_many(ACCOUNT, [some_id()], life=life, **how)
    await pools.close()


async def test_the_poll_knows_how_old_a_heartbeat_is(stand: Stand) -> None:
    poll, now = stand.poll, 100.0
    poll._clock = lambda: now
    poll._beats.clear()
    poll._beats.extend([(7, 90.0, 0), (8, 99.0, 0)])
    assert poll.lag_s(8, now) == poll.lag_s(9, now) == 0.0
    assert poll.lag_s(7, now) == 1.0
    poll._beats.extend((beat, 99.5, 0) for beat in range(9, 9 + BEATS_KEPT))
    assert poll.lag_s(1, now) == float("inf"), "nobody knows since when it lacks the next"


async def test_the_primary_is_found_among_hosts_that_are_not(database: Database) -> None:
    finder = PrimaryFinder(nobody())
    finder._dsns = [nobody(), await database("main"), nobody()]
    connection = await finder()
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_who_has_seen_no_primary_does_not_wait_for_one(database: Database) -> None:
    finder = PrimaryFinder(nobody())
    with pytest.raises(OSError, match="Connect"):
        await finder()
    with pytest.raises(ConnectionError, match="a moment ago"):
        await finder()
    finder._dsns = [await database("main")]
    async with asyncio.timeout(10):
        while True:
            with suppress(ConnectionError):
                connection = await finder()
                break
            await asyncio.sleep(0.05)
    await connection.close()
