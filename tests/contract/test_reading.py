"""The read path: how many statements it takes, who shares them, and how fresh they are."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.embedded import EmbeddedValkey
from repository.certainty import Connection, commit
from repository.database import Database as Pools
from repository.database import Position
from repository.errors import TimedOut, Unavailable
from repository.reading import Consistency, Reader
from repository.record import GET_ACCOUNTS, ORDERED_MIN, RecordStore, Rows
from repository.values import entries_of
from tests.conftest import Database
from tests.contract.stand import (
    ACCOUNT,
    HeldStore,
    Stand,
    origin,
    segment,
    set_up,
    some_id,
    statements,
    write,
)

KILL = "SELECT pg_terminate_backend(pg_backend_pid())"
FULLY = Consistency.FULLY_CONSISTENT


async def test_a_cached_get_runs_no_statement(stand: Stand) -> None:
    id_, unknown = some_id(), some_id()
    await stand.create(id_)
    with statements(stand, 0):
        assert (await stand.get(id_)).version == 1
    with statements(stand, 1):
        await stand.get(unknown)
    with statements(stand, 0):
        assert (await stand.get(unknown)).version == 0


async def test_a_batch_of_misses_runs_one_statement(any_stand: Stand) -> None:
    ids = [some_id() for _ in range(1000)]
    with statements(any_stand, 1):
        entries = await any_stand.reader.get_many(ACCOUNT, ids)
    assert [entry.version for entry in entries] == [0] * 1000
    with statements(any_stand, 0):
        assert await any_stand.reader.get_many(ACCOUNT, []) == []


async def test_a_batch_reads_only_what_missed(stand: Stand) -> None:
    ids = [some_id() for _ in range(50)]
    await stand.create(*ids)
    unknown = [some_id() for _ in range(3)]
    before = stand.reader.stats.rows
    with statements(stand, 1):
        await stand.reader.get_many(ACCOUNT, ids + unknown)
    assert stand.reader.stats.rows == before


async def test_callers_of_one_cold_key_share_one_statement(any_stand: Stand) -> None:
    id_ = some_id()
    async with any_stand.writer.begin(origin()) as work:
        await work.insert(write(id_))
    await any_stand.settle()
    if any_stand.cache is not None:
        any_stand.cache.discard(ACCOUNT, [id_], "seal")
        await any_stand.settle()
    await any_stand.halfway()
    with statements(any_stand, 1):
        answers = await asyncio.gather(
            *(any_stand.reader.get_many(ACCOUNT, [id_]) for _ in range(200))
        )
    assert {answer[0].operational for answer in answers} == {segment(id_, 1)}


async def test_overlapping_batches_share(stand: Stand) -> None:
    ids = [some_id() for _ in range(30)]
    batches = [ids[:20], ids[10:], ids[::2]]
    with statements(stand, 1):
        answers = await asyncio.gather(*(stand.reader.get_many(ACCOUNT, b) for b in batches))
    assert [len(answer) for answer in answers] == [20, 20, 15]
    assert stand.reader.stats.joined == 25


async def test_a_cached_key_does_not_wait_for_a_cold_one(stand: Stand, held: HeldStore) -> None:
    warm, cold = some_id(), some_id()
    await stand.create(warm)
    slow = asyncio.create_task(stand.reader.get_many(ACCOUNT, [warm, cold]))
    await held.asked.wait()
    assert (await stand.reader.get_many(ACCOUNT, [warm]))[0].version == 1
    assert not slow.done()
    held.go_on.set()
    assert [entry.version for entry in await slow] == [1, 0]


async def test_a_caller_who_goes_away_takes_nothing_from_the_others(
    stand: Stand, held: HeldStore
) -> None:
    id_ = some_id()
    leader = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await held.asked.wait()
    joined = [asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_])) for _ in range(5)]
    await asyncio.sleep(0)
    leader.cancel()
    joined[0].cancel()
    held.go_on.set()
    with statements(stand, 0):
        answers = await asyncio.gather(*joined[1:])
    assert {answer[0].version for answer in answers} == {0}
    for gone in (leader, joined[0]):
        with pytest.raises(asyncio.CancelledError):
            await gone


async def test_a_leader_whose_time_is_up_fails_nobody_else(stand: Stand, held: HeldStore) -> None:
    id_, held.fault = some_id(), TimedOut()
    leader = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await held.asked.wait()
    joined = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await asyncio.sleep(0)
    held.go_on.set()
    with pytest.raises(TimedOut):
        await leader
    assert (await joined)[0].version == 0


async def test_a_database_that_is_gone_is_gone_for_all_who_joined(
    stand: Stand, held: HeldStore
) -> None:
    id_, held.fault = some_id(), Unavailable("gone")
    leader = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await held.asked.wait()
    joined = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await asyncio.sleep(0)
    held.go_on.set()
    with statements(stand, 0):
        told = await asyncio.gather(leader, joined, return_exceptions=True)
    assert [type(error) for error in told] == [Unavailable, Unavailable]


async def test_who_joined_keeps_a_deadline_of_its_own(stand: Stand, held: HeldStore) -> None:
    id_ = some_id()
    leader = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await held.asked.wait()
    with pytest.raises(TimedOut):
        await stand.reader.get_many(ACCOUNT, [id_], deadline=time.monotonic() + 0.05)
    held.go_on.set()
    assert (await leader)[0].version == 0


async def test_who_joined_a_read_older_than_the_poll_reads_again(
    pair: tuple[Stand, Stand],
) -> None:
    """A flight that began before a write must not answer a caller who came after the poll."""
    here, there = pair
    id_ = some_id()
    store = HeldStore(here)
    here.reader = Reader(store, here.poll)
    leader = asyncio.create_task(here.reader.get_many(ACCOUNT, [id_]))
    await store.asked.wait()
    await there.create(id_)
    await here.poll.poll()
    late = asyncio.create_task(here.reader.get_many(ACCOUNT, [id_]))
    await asyncio.sleep(0)
    store.go_on.set()
    assert (await leader)[0].version == 0
    assert (await late)[0].version == 1


async def test_fully_consistent_reads_the_primary_and_joins_nobody(
    stand: Stand, held: HeldStore
) -> None:
    id_ = some_id()
    early = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await held.asked.wait()
    async with stand.writer.begin(origin()) as work:
        await work.insert(write(id_))
    late = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_], FULLY))
    await asyncio.sleep(0)
    held.go_on.set()
    assert (await early)[0].version == 0
    assert (await late)[0].version == 1
    with statements(stand, 1):
        await stand.reader.get_many(ACCOUNT, [id_], FULLY)


async def test_at_least_as_fresh_is_served_from_the_cache_once_polled(
    pair: tuple[Stand, Stand],
) -> None:
    here, there = pair
    id_ = some_id()
    assert (await here.get(id_)).version == 0
    position = await there.create(id_)
    with statements(here, 1):
        entries = await here.reader.get_many(ACCOUNT, [id_], position)
    assert entries[0].version == 1
    await here.settle()
    with statements(here, 1):  # the poll has still not seen that write
        await here.reader.get_many(ACCOUNT, [id_], position)
    await here.poll.poll()
    with statements(here, 0):
        assert (await here.reader.get_many(ACCOUNT, [id_], position))[0].version == 1


async def test_a_position_of_our_own_needs_no_poll(stand: Stand) -> None:
    id_ = some_id()
    position = await stand.create(id_)
    with statements(stand, 0):
        assert (await stand.reader.get_many(ACCOUNT, [id_], position))[0].version == 1


async def test_a_position_of_another_life_is_read_from_the_primary(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_)
    with statements(stand, 1):
        await stand.reader.get_many(ACCOUNT, [id_], Position(b"8 others", 1))


async def test_a_server_that_goes_right_after_a_commit_leaves_its_position(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but another primary could show the write to who knows not where it stands."""

    async def last(connection: Connection) -> None:
        await commit(connection)
        connection.terminate()

    monkeypatch.setattr("repository.writing.commit", last)
    position = await stand.create(id_ := some_id())
    assert stand.reader.may_be_seen(position)
    with statements(stand, 0):
        assert (await stand.reader.get_many(ACCOUNT, [id_], position))[0].version == 1


async def test_what_could_not_tell_its_position_is_not_committed(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stand.create(id_ := some_id())
    with monkeypatch.context() as fault:
        fault.setattr("repository.writing.GET_LIFE", KILL)
        with pytest.raises(Unavailable):
            await stand.update(id_, 2)
    assert (await stand.reader.reread(ACCOUNT, [id_]))[0].version == 1


async def test_seals_that_do_not_open_are_read_again(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_)
    with statements(stand, 1):
        entries = await stand.reader.reread(ACCOUNT, [id_, id_])
    assert [entry.version for entry in entries] == [1, 1]
    assert stand.cache is not None
    assert stand.cache.stats.misses["seal"] == 2


@dataclass
class Lagging:
    """A primary that is gone or not, and two replicas, the first of which has `old` rows.

    To be put in the place of `Database._fetch`.
    """

    pools: Pools
    old: list[Any]
    is_gone: bool
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._fetch = self.pools._fetch
        self._behind, self._level = self.pools.replicas.pools

    async def fetch(self, pool: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if pool is self._behind:
            self.asked.append("behind")
            return self.old
        if pool is self._level:
            self.asked.append("level")
        else:
            self.asked.append("primary")
            if self.is_gone:
                raise Unavailable("the primary is gone")
        return await self._fetch(pool, *args, **kwargs)


@pytest.fixture
async def lagging(
    database: Database, empty_valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Awaitable[tuple[Reader, bytes, Lagging]]]]:
    """What gives a reader of version 1, of which the window knows the second, and its servers."""
    async with AsyncExitStack() as opened:

        async def made(
            *, is_gone: bool, beside: Sequence[bytes] = ()
        ) -> tuple[Reader, bytes, Lagging]:
            dsn = await database("main")
            stand = await set_up(dsn, empty_valkey)
            opened.push_async_callback(stand.close)
            await stand.create(id_ := some_id(), *beside)
            credentials, _, place = dsn.partition("@")
            host, _, name = place.partition("/")
            pools = Pools(dsn, f"{credentials}@{host},{host}/{name}")
            await pools.connect()
            opened.push_async_callback(pools.close)
            old = await pools.fetch(GET_ACCOUNTS, b"".join([id_, *beside]))
            await stand.update(id_, 2)
            servers = Lagging(pools, old, is_gone)
            monkeypatch.setattr(pools, "_fetch", servers.fetch)
            # the first in turn is the one that is behind
            monkeypatch.setattr(pools.replicas, "usable", lambda: pools.replicas.pools)
            return Reader(RecordStore(pools), stand.poll), id_, servers

        yield made


@pytest.mark.parametrize("is_gone", [False, True])
async def test_a_replica_that_lags_does_not_answer_and_the_next_one_does(
    lagging: Callable[..., Awaitable[tuple[Reader, bytes, Lagging]]], is_gone: bool
) -> None:
    """A row that the window knows to be old is not served, though the primary be gone."""
    reader, id_, servers = await lagging(is_gone=is_gone)
    assert (await reader.get_many(ACCOUNT, [id_]))[0].version == 2
    assert reader.stats.unproven_rows == 1
    assert servers.asked == ["behind", "behind", "level"]


async def test_a_replica_that_lags_does_not_answer_for_one_of_many(
    lagging: Callable[..., Awaitable[tuple[Reader, bytes, Lagging]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So many come side by side where all are proven, and else one by one."""
    beside = [some_id() for _ in range(ORDERED_MIN)]
    reader, id_, servers = await lagging(is_gone=True, beside=beside)
    found = await reader.find(ACCOUNT, [*beside, id_])
    assert [entry.version for entry in entries_of(found)] == [1] * len(beside) + [2]
    assert servers.asked == ["behind", "behind", "level"]
    monkeypatch.setattr(Reader, "_doubted", lambda *_: [])
    found = await reader.find(ACCOUNT, [*beside, id_])
    assert isinstance(found, Rows), "the control"
    assert [version for version, _ in found.stamps()] == [1] * (len(beside) + 1)


async def test_where_all_replicas_lag_the_primary_answers(
    lagging: Callable[..., Awaitable[tuple[Reader, bytes, Lagging]]],
) -> None:
    reader, id_, servers = await lagging(is_gone=False)
    servers._level = servers._behind
    assert (await reader.get_many(ACCOUNT, [id_]))[0].version == 2
    assert servers.asked[-1] == "primary"


async def test_whoever_takes_any_replica_at_its_word_needs_the_primary(
    lagging: Callable[..., Awaitable[tuple[Reader, bytes, Lagging]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: without a look at what a replica says the next one is never asked."""
    monkeypatch.setattr(Reader, "_are_proven", lambda *_: True)
    reader, id_, _ = await lagging(is_gone=True)
    assert (await reader.get_many(ACCOUNT, [id_]))[0].version == 1


async def test_a_replica_answers_once_it_has_the_commit(
    database: Database, empty_valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have a transaction's rows, and what was written after them, and not its COMMIT."""
    dsn = await database("main")
    stand = await set_up(dsn, empty_valkey)
    pools = type(stand.database)(dsn, dsn)
    await pools.connect()

    def gone() -> None:
        raise Unavailable("the primary is gone")

    async def answers(xid: int) -> bool:
        try:
            return bool(await pools.fetch("SELECT 1", after_xid=xid))
        except Unavailable:
            return False

    monkeypatch.setattr(pools, "_primary", gone)
    async with stand.writer.begin(origin()) as work:
        await work.insert(write(some_id()))
        later = await stand.create(some_id())
        assert later.xid > work.xid
        assert await answers(later.xid)
        assert not await answers(work.xid)
    assert await answers(work.xid)
    assert not await answers(2**62), "one that has not begun"
    await pools.close()
    await stand.close()


async def test_a_silent_poll_is_told_and_then_refused(
    database: Database, empty_valkey: EmbeddedValkey
) -> None:
    stand = await set_up(await database("main"), empty_valkey)
    id_ = some_id()
    await stand.create(id_)
    now = time.monotonic()
    stand.poll._clock = lambda: now
    await stand.poll.poll()
    assert stand.poll.stale_since is None
    now += 1.5
    assert stand.poll.stale_since is not None
    assert (await stand.get(id_)).version == 1
    now += 60
    with pytest.raises(Unavailable):
        await stand.get(id_)
    assert (await stand.reader.get_many(ACCOUNT, [id_], FULLY))[0].version == 1
    await stand.close()
