"""Races of caches, writers and primaries that test_interleavings.py does not have: each is lost
once the one check that it needs is taken out.
"""

import asyncio
from collections.abc import Callable

import pytest

from repository.changes import ChangePoll
from repository.errors import Unavailable
from repository.reading import Reader
from repository.window import Window
from repository.writing import Writer
from tests.contract.stand import (
    ACCOUNT,
    HeldStore,
    Stand,
    key_of,
    origin,
    raw,
    some_id,
    some_uid,
    write,
)
from tests.contract.test_interleavings import without_version_check

Pair = tuple[Stand, Stand]
TakeOut = Callable[[Stand], None] | None


async def served(stand: Stand, id_: bytes) -> int:
    """The version that is served; asked once, so that no repair can hide the answer."""
    return (await stand.reader.get_many(ACCOUNT, [id_]))[0].version


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_version_check, 1)])
async def test_a_writer_killed_between_its_commit_and_the_cache(
    pair: Pair, take_out: TakeOut, expected: int
) -> None:
    """What it wrote is in the database and nowhere else; the cache has the version before."""
    here, there = pair
    id_ = some_id()
    await there.create(id_)
    killed = Writer(there.database, lambda _position, _written: None)
    async with killed.begin(origin()) as work:
        await work.update(write(id_, 2))
    await here.poll.poll()
    if take_out:
        take_out(here)
    assert await served(here, id_) == expected


@pytest.mark.parametrize("old", [1, 2])
@pytest.mark.parametrize("take_out", [None, without_version_check])
async def test_a_record_deleted_and_made_anew(pair: Pair, take_out: TakeOut, old: int) -> None:
    """Neither what it was nor that it was gone comes back: versions never restart."""
    here, there = pair
    id_ = some_id()
    await there.create(id_)
    async with raw(there) as behind:
        found = {1: await behind.get(key_of(there, id_))}
        await there.delete(id_, 2)
        found[2] = await behind.get(key_of(there, id_))
        async with there.writer.begin(origin()) as work:
            await work.insert(write(id_, 3, uid=some_uid()))
        await there.settle()
        await here.poll.poll()
        value = found[old]
        assert value is not None
        await behind.set(key_of(there, id_), value)
        if take_out:
            take_out(here)
        assert await served(here, id_) == (old if take_out else 3)


@pytest.mark.parametrize(("is_shared", "statements"), [(True, 1), (False, 40)])
async def test_a_flush_at_peak_costs_the_database_one_statement(
    stand: Stand, is_shared: bool, statements: int
) -> None:
    """Forty callers of the same fifty records. The control: each reads for itself."""
    ids = [some_id() for _ in range(50)]
    await stand.create(*ids)
    async with raw(stand) as behind:
        await behind.flushall()
    readers = [
        stand.reader if is_shared else Reader(stand.store, stand.poll, stand.cache)
        for _ in range(40)
    ]
    before = len(stand.statements)
    answers = await asyncio.gather(*(reader.get_many(ACCOUNT, ids) for reader in readers))
    assert {entry.version for answer in answers for entry in answer} == {1}
    assert len(stand.statements) - before == statements
    await stand.settle()


@pytest.mark.parametrize(("heart_beats", "age_s"), [(True, 90.0), (False, 0.0)])
async def test_a_primary_that_was_cut_off_answers_and_does_not_vouch(
    stand: Stand, heart_beats: bool, age_s: float
) -> None:
    """Nothing that it commits is confirmed, a beat neither. The control takes its word for it."""
    now = 0.0
    window = Window()
    poll = ChangePoll(stand.database, window, heart_beats=heart_beats, clock=lambda: now)
    if heart_beats:  # a beat is seen before anything else is believed
        with pytest.raises(Unavailable):
            await poll.poll()
        await stand.database.write("UPDATE heartbeat SET beat = beat + 1")
    await poll.poll()
    for now in (30.0, 60.0, 90.0):  # noqa: B007  the clock reads it
        await poll.poll()
    assert poll.age_s == age_s
    assert (poll.stale_since is None) is not heart_beats


@pytest.mark.parametrize(("is_proven_again", "expected"), [(True, 1), (False, 0)])
async def test_who_joins_an_older_read_is_not_given_what_is_over(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, is_proven_again: bool, expected: int
) -> None:
    here, there = pair
    id_ = some_id()
    store = HeldStore(here)
    reader = Reader(store, here.poll)
    first = asyncio.create_task(reader.get_many(ACCOUNT, [id_]))
    await store.asked.wait()
    await there.create(id_)
    await here.poll.poll()
    if not is_proven_again:
        monkeypatch.setattr(here.window, "unproven", lambda *_: [])
    joining = asyncio.create_task(reader.get_many(ACCOUNT, [id_]))
    await asyncio.sleep(0)
    store.go_on.set()
    assert (await first)[0].version == 0
    assert (await joining)[0].version == expected
