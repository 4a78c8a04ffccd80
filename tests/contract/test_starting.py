"""A poll that begins: no primary is believed before its heart has beaten, and standbys stand in."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from repository import changes
from repository.changes import ChangePoll
from repository.database import Database as Pools
from repository.errors import CommitUnknown, TooStale, Unavailable
from repository.heartbeat import BEAT, Heart
from repository.reading import Reader
from repository.record import RecordStore
from repository.replicas import Look
from repository.window import Window
from tests.conftest import Database
from tests.contract.stand import ACCOUNT, Stand, set_up, some_id
from tests.contract.test_replicas import nobody

LIFE = b"a life.."
DUE = "UPDATE heartbeat SET time = time - interval '1 s'"


class Clock:
    """Time that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def look(clock: Clock, age_s: float, life: bytes = LIFE) -> Look:
    return Look(clock.now, 7, life, 3, age_s)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a primary."""
    monkeypatch.setattr(changes, "PRIMARY_MAX_S", 0.0)
    monkeypatch.setattr(changes, "START_MAX_S", 0.0)


@pytest.mark.parametrize("feels", [True, False])
async def test_a_primary_whose_heart_stands_still_vouches_for_nothing(
    stand: Stand, feels: bool
) -> None:
    """An old one that nobody follows answers like any other: without the heart, the control."""
    poll = ChangePoll(stand.database, Window(), heart_beats=feels)
    for _ in range(3):
        if feels:
            with pytest.raises(Unavailable, match="beat"):
                await poll.poll()
        else:
            await poll.poll()
    assert poll.has_begun is not feels
    assert (poll.age_s == float("inf")) is feels
    assert (poll.window.horizon == 0) is feels, "nor is a cache proven against what it says"


async def test_a_beat_makes_it_whole(stand: Stand) -> None:
    poll = ChangePoll(stand.database, Window(), heart_beats=True)
    with pytest.raises(Unavailable, match="beat"):
        await poll.poll()
    await stand.database.write(DUE)
    await stand.database.write(BEAT)
    await poll.poll()
    assert poll.has_begun
    assert poll.age_s < 5.0


async def test_a_worker_starts_by_its_own_beats(stand: Stand) -> None:
    poll = ChangePoll(stand.database, Window(), heart_beats=True)
    async with Heart(stand.database).running():
        await poll.start()
    assert poll.has_begun
    await poll.stop()


async def test_a_worker_starts_in_a_life_that_has_no_name_yet(stand: Stand) -> None:
    """Its heart does not beat before it has one: who starts then must see to it."""
    await stand.database.write("UPDATE incarnation SET timeline = timeline + 1")
    poll = ChangePoll(stand.database, Window(), heart_beats=True)
    async with Heart(stand.database).running():
        await poll.start()
    assert poll.has_begun
    assert poll.window.incarnation != stand.incarnation
    await poll.stop()


async def test_a_name_whose_commit_nobody_confirms_keeps_nobody_from_starting(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the life has it now, the next poll tells."""

    async def unconfirmed(*_: object, **__: object) -> None:
        raise CommitUnknown

    await stand.database.write("UPDATE incarnation SET timeline = timeline + 1")
    poll = ChangePoll(stand.database, Window())
    with monkeypatch.context() as silent:
        silent.setattr(stand.database, "write", unconfirmed)
        with pytest.raises(Unavailable, match="another life"):
            await poll.poll()
    await poll.start()
    assert poll.window.incarnation != stand.incarnation
    await poll.stop()


@pytest.fixture
async def lonely() -> AsyncIterator[Pools]:
    """A database whose primary is not there."""
    pools = Pools(nobody(), may_lack_primary=True)
    await pools.connect()
    yield pools
    await pools.close()


async def test_without_a_primary_and_without_a_standby_nothing_starts(
    lonely: Pools, quick: None
) -> None:
    with pytest.raises(Unavailable):
        await ChangePoll(lonely, Window()).start()


async def test_standbys_vouch_for_what_their_heartbeat_proves_and_no_longer(
    lonely: Pools, quick: None
) -> None:
    clock = Clock()
    poll = ChangePoll(lonely, Window(), max_stale_s=60.0, clock=clock)
    assert poll.is_fit(look(clock, 40.0))
    await poll.start()
    assert not poll.has_begun
    assert poll.window.incarnation == LIFE
    assert poll.age_s == 40.0
    assert poll.stale_since is not None
    poll.check_age()
    clock.now += 21.0
    assert poll.is_fit(look(clock, 61.0))
    with pytest.raises(TooStale):
        poll.check_age()
    await poll.stop()


async def test_a_standby_that_is_too_old_starts_nothing(lonely: Pools, quick: None) -> None:
    clock = Clock()
    poll = ChangePoll(lonely, Window(), max_stale_s=60.0, clock=clock)
    assert poll.is_fit(look(clock, 61.0))
    clock.now += 0.1
    with pytest.raises(Unavailable):
        await poll.start()


async def read_from_standby(database: Database, *, insists: bool) -> int:
    """The version that a reader without a primary reads of a record in version 1."""
    dsn, id_ = await database("main"), some_id()
    writing = await set_up(dsn, None)
    await writing.create(id_)
    pools, clock = Pools(nobody(), dsn, may_lack_primary=True), Clock()
    await pools.connect()
    poll = ChangePoll(pools, Window(), clock=clock)
    assert poll.is_fit(look(clock, 5.0, writing.incarnation))
    if insists:
        poll._asked_at = clock.now
    try:
        (entry,) = await Reader(RecordStore(pools), poll).get_many(ACCOUNT, [id_])
    finally:
        await pools.close()
        await writing.close()
    return entry.version


async def test_a_standbys_answer_is_not_held_to_a_window_that_is_not_there(
    database: Database,
) -> None:
    """The control insists on a proof, as it must once a primary has been heard of."""
    assert await read_from_standby(database, insists=False) == 1
    with pytest.raises(Unavailable):
        await read_from_standby(database, insists=True)


async def test_a_poll_that_hears_of_a_primary_leaves_the_standbys_word(stand: Stand) -> None:
    clock = Clock()
    poll = ChangePoll(stand.database, Window(), clock=clock)
    assert poll.is_fit(look(clock, 5.0))
    await poll.poll()
    assert poll.has_begun
    assert poll.window.incarnation == stand.incarnation
    assert poll.age_s == 0.0
    assert poll.stale_since is None
    assert not poll.is_fit(look(clock, 0.0)), "it is of another life than the primary"


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.02)


async def test_it_is_whole_by_itself_once_there_is_a_primary(
    stand: Stand, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = ChangePoll(stand.database, Window(), interval_s=0.01)
    is_there, fetch = False, stand.database.fetch

    async def maybe(*args: object, **how: object) -> object:
        if not is_there:
            raise Unavailable("not yet")
        return await fetch(*args, **how)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(stand.database, "fetch", maybe)
    clock = Clock()
    clock.now = poll._clock()
    assert poll.is_fit(look(clock, 5.0))
    await poll.start()
    assert not poll.has_begun
    is_there = True
    await eventually(lambda: poll.has_begun)
    await poll.stop()
