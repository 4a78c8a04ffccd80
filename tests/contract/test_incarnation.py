"""Another life of the database, after a failover or a restore: nothing of the former is served."""

import asyncio
from typing import Any

import pytest

from repository.changes import GET_HORIZON, POLL, ChangePoll
from repository.errors import OtherLife, Unavailable
from repository.heartbeat import BEAT
from repository.record import Entry
from repository.window import NO_LIFE, Window, unnamed
from tests.contract.stand import (
    ACCOUNT,
    HeldStore,
    Stand,
    origin,
    raw,
    segment,
    some_id,
    statements,
    write,
)

# As if the database had been restored to before these rows were written: the incarnation's row
# still says which timeline it was written on.
REWIND = """
WITH lost AS (DELETE FROM record RETURNING 1), undone AS (DELETE FROM change RETURNING 1)
UPDATE incarnation SET timeline = timeline + 1"""


async def another_life(stand: Stand) -> None:
    """The poll finds another timeline, names the new life, and knows it the next time."""
    with pytest.raises(Unavailable, match="another life"):
        await stand.poll.poll()
    await stand.poll.poll()


async def test_a_new_life_has_a_name_of_its_own_that_all_workers_know(
    pair: tuple[Stand, Stand],
) -> None:
    here, there = pair
    former = here.window.incarnation
    assert former == there.window.incarnation != NO_LIFE
    await here.database.write("UPDATE incarnation SET timeline = timeline + 1")
    with pytest.raises(Unavailable):
        await here.poll.poll()
    await there.poll.poll()
    await here.poll.poll()
    assert here.window.incarnation == there.window.incarnation != former


async def test_a_position_of_a_life_that_has_ended_needs_no_primary(
    pair: tuple[Stand, Stand],
) -> None:
    """What has survived of that life the present one began with; of a life to come nobody knows."""
    here, there = pair
    position = await here.create(id_ := some_id())
    await there.get(id_)
    await here.database.write("UPDATE incarnation SET timeline = timeline + 1")
    with pytest.raises(Unavailable):
        await here.poll.poll()
    await there.poll.poll()
    begun = position._replace(incarnation=there.window.incarnation)
    assert not here.reader.may_be_seen(begun), "the new life has not been entered here"
    await here.poll.poll()
    with statements(here, 1):
        assert (await here.get(id_)).version == 1
    here.database.beware(lambda: True)
    with statements(here, 0):
        assert (await here.reader.get_many(ACCOUNT, [id_], position))[0].version == 1
    with pytest.raises(Unavailable):
        await here.reader.get_many(ACCOUNT, [id_], position._replace(incarnation=b"8 others"))


@pytest.mark.parametrize(("beats", "is_proven"), [(0, False), (1, False), (2, True), (3, True)])
async def test_its_first_xid_is_a_horizon_of_two_beats_before(
    stand: Stand, beats: int, is_proven: bool
) -> None:
    """All below had ended when the last beat began that the new life has; else nothing is known."""
    former = stand.window.incarnation
    await stand.create(some_id())
    await stand.poll.poll()
    horizon = stand.window.horizon
    for _ in range(beats):
        await stand.database.write("UPDATE heartbeat SET beat = beat + 1")
    await stand.database.write("UPDATE incarnation SET timeline = timeline + 1")
    await another_life(stand)
    rows = await stand.database.fetch("SELECT first_xid FROM incarnation", primary=True)
    assert rows[0][0] == (horizon if is_proven else 0)
    assert await stand.poll.shared_below(former, None) == rows[0][0]
    assert await stand.poll.shared_below(b"8 others", None) == 0
    assert [beat for beat, *_ in stand.poll._beats] == [1 + beats], "beats of the former life"


async def test_a_life_without_a_name_has_no_heart(stand: Stand) -> None:
    """How far the former one had come is told by its last beat."""
    due = "UPDATE heartbeat SET time = time - interval '1 s' RETURNING beat"
    await stand.database.write("UPDATE incarnation SET timeline = timeline + 1")
    (before,) = await stand.database.write(due)
    await stand.database.write(BEAT)
    assert await stand.database.write(due) == [before]
    await another_life(stand)
    await stand.database.write(BEAT)
    assert (await stand.database.write(due))[0][0] == before[0] + 1


@pytest.mark.parametrize(("is_noticed", "version"), [(False, 1), (True, 0)])
async def test_the_cache_serves_nothing_of_a_lost_future(
    stand: Stand, is_noticed: bool, version: int
) -> None:
    """Not noticed is the control: what was written and lost would be served."""
    id_ = some_id()
    await stand.create(id_)
    assert (await stand.get(id_)).version == 1
    await stand.database.write(REWIND)
    if is_noticed:
        await another_life(stand)
    assert (await stand.get(id_)).version == version


@pytest.mark.parametrize("forgets", ["late", "at once: the control"])
async def test_reads_go_on_until_the_new_life_is_known(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, forgets: str
) -> None:
    """Its primary may be gone again before it has said what there is in it."""
    id_ = some_id()
    await stand.create(id_)
    fetch = stand.poll._fetch

    async def lost(sql: str, *xids: int) -> list[Any]:
        if sql is GET_HORIZON:
            if forgets != "late":
                stand.poll._forget()
            raise Unavailable("gone again")
        return await fetch(sql, *xids)

    await stand.database.write("UPDATE incarnation SET timeline = timeline + 1")
    monkeypatch.setattr(stand.poll, "_fetch", lost)
    for why in ("another life", "gone again", "gone again"):
        with pytest.raises(Unavailable, match=why):
            await stand.poll.poll()
    if forgets == "late":
        with statements(stand, 0):
            assert (await stand.get(id_)).version == 1
    else:
        with pytest.raises(OtherLife):
            await stand.get(id_)
    monkeypatch.undo()
    former = stand.window.incarnation
    await stand.poll.poll()
    assert stand.window.incarnation != former


async def test_whoever_keeps_records_is_told_to_drop_them(stand: Stand) -> None:
    dropped = []
    stand.poll.on_drop.append(lambda: dropped.append(True))
    await stand.database.write(REWIND)
    await another_life(stand)
    assert dropped


async def test_a_read_that_the_new_life_overtook_is_read_again(
    stand: Stand, held: HeldStore
) -> None:
    id_ = some_id()
    await stand.create(id_)
    async with raw(stand) as behind:
        await behind.flushall()
    reading = asyncio.create_task(stand.reader.get_many(ACCOUNT, [id_]))
    await held.asked.wait()
    await stand.database.write(REWIND)
    await another_life(stand)
    held.go_on.set()
    assert (await reading)[0].version == 0
    await stand.settle()
    assert (await stand.get(id_)).version == 0, "nor is it in the cache of the new life"


@pytest.mark.parametrize(("is_overtaken", "kept"), [(True, 0), (False, 1)])
async def test_a_fill_that_the_new_life_overtakes_is_not_made(
    stand: Stand, is_overtaken: bool, kept: int
) -> None:
    """The poll may be heard before the fill has begun: its entry is of the life that it was in."""
    assert stand.cache is not None
    entry = Entry(1, stand.window.horizon, segment(b"an id", 1), b"")
    stand.cache.put(ACCOUNT, [(some_id(), entry)])
    if is_overtaken:
        stand.window.enter(b"elsewise", 2)
    await stand.settle()
    async with raw(stand) as behind:
        assert await behind.dbsize() == kept


async def test_a_stamp_that_the_new_life_overtakes_is_not_made(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = some_id()
    await stand.create(id_)
    monkeypatch.setattr(Window, "restamp_below", 2**63)
    assert stand.cache is not None
    async with raw(stand) as behind:
        (before,) = await behind.keys()
        assert await stand.cache.get_many(ACCOUNT, [id_])
        assert stand.cache.stats.restamped == 1
        stand.window.enter(b"elsewise", 2)
        await stand.settle()
        assert await behind.keys() == [before]


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_write_says_which_life_it_was_made_in(
    pair: tuple[Stand, Stand], is_named: bool
) -> None:
    """Whoever wrote it knew of the former one only, in which its xid was another's.

    A worker that knows no better either must not take that xid for one that it has seen, and once
    it has entered the new life it shows the write to whoever has that position.
    """
    here, there = pair
    for former in (here.window, there.window):
        former._timeline -= 1  # the server cannot change its own
    id_ = some_id()
    await there.create(id_)
    await here.poll.poll()
    assert (await here.get(id_)).version == 1
    await there.database.write(
        "UPDATE incarnation SET id = 'elsewise'"
        if is_named
        else "UPDATE incarnation SET timeline = timeline + 1"
    )
    async with there.writer.begin(origin()) as work:
        await work.update(write(id_, 2))
    position = work.position
    timeline = here.poll._timeline
    assert position.incarnation == (b"elsewise" if is_named else unnamed(timeline))
    here.window.horizon = position.xid + 1  # as if the former life had come that far
    assert here.reader.may_be_seen(position._replace(incarnation=here.incarnation)), "the control"
    assert not here.reader.may_be_seen(position)
    if not is_named:
        with pytest.raises(Unavailable, match="another life"):
            await here.poll.poll()
    await here.poll.poll()
    assert here.reader.may_be_seen(position)


async def test_a_primary_of_an_older_timeline_is_not_believed(stand: Stand) -> None:
    left = []

    async def leave() -> None:
        left.append(True)

    stand.poll.on_leave.append(leave)
    await stand.poll.poll()
    stand.poll._timeline += 1
    with pytest.raises(Unavailable, match="former primary"):
        await stand.poll.poll()
    assert left


async def test_a_primary_of_a_life_that_others_have_named_ends_what_waits_for_the_former(
    stand: Stand,
) -> None:
    """The poll's own next connection may have found it, so that no look finds another."""
    left = []

    async def leave() -> None:
        left.append(True)

    ask = stand.poll._fetch

    async def later(sql: str, *xids: int) -> list[Any]:
        rows = await ask(sql, *xids)
        if sql is not POLL:
            return rows
        return [(*row[:4], row["timeline"] + 1, row["timeline_now"] + 1, *row[6:]) for row in rows]

    stand.poll.on_leave.append(leave)
    for _ in range(2):
        await stand.poll.poll()
    assert not left, "the control: the same life"
    stand.poll._fetch = later  # type: ignore[method-assign]
    for _ in range(2):
        await stand.poll.poll()
    assert left == [True]


async def test_an_answer_vouches_only_while_the_heart_beats(stand: Stand) -> None:
    now = 0.0
    poll = ChangePoll(stand.database, Window(), heart_beats=True, clock=lambda: now)
    poll._beat = 0  # it has been seen to beat
    await poll.poll()
    now = 5.0
    await poll.poll()
    assert poll.age_s == 5.0, "the primary answers, and no commit of it is confirmed"
    assert poll.stale_since is not None
    await stand.database.write("UPDATE heartbeat SET time = time - interval '1 s'")
    await stand.database.write(BEAT)
    await poll.poll()
    assert poll.age_s == 0.0


async def test_one_beat_is_enough_for_all_workers(stand: Stand) -> None:
    async def beat() -> int:
        found: int = (await stand.database.fetch("SELECT beat FROM heartbeat", primary=True))[0][0]
        return found

    await stand.database.write("UPDATE heartbeat SET time = time - interval '1 s'")
    before = await beat()
    for _ in range(5):
        await stand.database.write(BEAT)
    assert await beat() == before + 1
