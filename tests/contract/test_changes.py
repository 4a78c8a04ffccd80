"""The poll sees every visible change, says when it cannot, and reads history in the background."""

import asyncio

import pytest

from repository.changes import GET_HISTORY, START_WINDOW_XIDS, ChangePoll
from repository.database import Row
from repository.errors import Unavailable
from repository.window import NOTHING_PROVABLE, Change, Window
from tests.contract.stand import ACCOUNT, Stand, origin, some_id, write

BUMP = "UPDATE routing_revision SET revision = revision + 1"


class Heard:
    """What the listeners of a poll were told."""

    def __init__(self, poll: ChangePoll) -> None:
        self.changes: list[tuple[bytes, int]] = []
        self.drops = 0
        self.revisions: list[int] = []
        poll.on_change.append(lambda new: self.changes.extend((c.id, c.version) for c in new))
        poll.on_drop.append(self._dropped)
        poll.on_routing.append(self.revisions.append)

    def _dropped(self) -> None:
        self.drops += 1


async def test_a_change_elsewhere_is_seen_by_the_next_poll(pair: tuple[Stand, Stand]) -> None:
    here, there = pair
    heard, id_ = Heard(here.poll), some_id()
    await there.create(id_)
    await there.update(id_, 2)
    assert heard.changes == []
    await here.poll.poll()
    assert heard.changes == [(id_, 1), (id_, 2)]
    assert here.window.changed[ACCOUNT] == {id_: 2}
    await here.poll.poll()
    assert len(heard.changes) == 2


async def test_a_change_of_our_own_is_told_once(stand: Stand) -> None:
    heard, id_ = Heard(stand.poll), some_id()
    await stand.create(id_)
    assert heard.changes == [(id_, 1)]
    await stand.poll.poll()
    assert heard.changes == [(id_, 1)]


async def test_a_commit_that_overtakes_an_older_transaction_is_seen(
    pair: tuple[Stand, Stand],
) -> None:
    """The older one holds the horizon; what is visible above it must be seen all the same."""
    here, there = pair
    older, newer = some_id(), some_id()
    async with there.writer.begin(origin()) as work:
        await work.insert(write(older))
        await there.create(newer)
        await here.poll.poll()
        assert here.window.changed[ACCOUNT] == {newer: 1}
        assert here.window.horizon <= work.xid
        assert not here.window.has_seen(work.xid)
    await here.poll.poll()
    assert here.window.changed[ACCOUNT] == {newer: 1, older: 1}
    assert here.window.has_seen(work.position.xid)


async def test_more_than_a_poll_reads_is_a_gap(pair: tuple[Stand, Stand]) -> None:
    here, there = pair
    heard = Heard(here.poll)
    here.poll._rows_max = 5
    known = some_id()
    await there.create(known)
    await here.poll.poll()
    before = here.window.oldest_xid
    ids = [some_id() for _ in range(6)]
    await there.create(*ids)
    await here.poll.poll()
    assert heard.drops == 1
    assert here.window.oldest_xid > before
    assert not here.window.proves(ACCOUNT, known, 1, before)
    for id_ in (known, *ids):  # and the answers are right none the less
        assert (await here.get(id_)).version == 1


async def test_a_horizon_that_runs_backwards_is_a_gap(stand: Stand) -> None:
    heard = Heard(stand.poll)
    stand.window.horizon += 10**9
    await stand.poll.poll()
    assert heard.drops == 1
    assert stand.window.horizon < 10**9


async def test_too_much_even_for_a_start_proves_nothing(stand: Stand) -> None:
    async with stand.writer.begin(origin()) as work:
        await work.insert(write(some_id()))
        poll = ChangePoll(stand.database, Window(), rows_max=0)
        async with stand.writer.begin(origin()) as other:
            await other.insert(write(some_id()))
        with pytest.raises(Unavailable):  # the first holds the horizon, the second lies above it
            await poll.poll()
    assert poll.window.oldest_xid == NOTHING_PROVABLE
    with pytest.raises(Unavailable):
        poll.check_age()


async def test_history_is_read_back_stretch_by_stretch(stand: Stand) -> None:
    ids = [some_id() for _ in range(5000)]
    for start in range(0, 5000, 500):
        await stand.create(*ids[start : start + 500])
    horizon = stand.window.horizon
    await stand.poll.poll()
    poll = ChangePoll(stand.database, Window())
    now = stand.window.horizon
    poll.window.begin([], now, now)
    stretches = 0
    while await poll.read_back():
        stretches += 1
    assert stretches >= 3
    assert poll.window.oldest_xid <= horizon
    assert poll.window.changed[ACCOUNT] == dict.fromkeys(ids, 1)
    assert not await poll.read_back()


async def test_history_stops_where_the_window_is_full(stand: Stand) -> None:
    for _ in range(5):
        await stand.create(some_id())
    poll = ChangePoll(stand.database, Window(ids_max=3))
    horizon = stand.window.horizon + START_WINDOW_XIDS
    changes = [Change(ACCOUNT, some_id(), 1, horizon + n) for n in range(3)]
    poll.window.begin(changes, horizon, horizon + 9)
    assert not await poll.read_back()
    assert poll.window.oldest_xid == horizon


@pytest.mark.parametrize("looks", [True, False])
async def test_what_may_be_under_way_is_not_history(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    """A window that was trimmed beyond the horizon learns what is below it from polls alone.

    History is told to no listener: what a transaction wrote that was under way would stay in the
    worker's own cache. The control reads it all the same.
    """
    heard, id_ = Heard(stand.poll), some_id()
    async with stand.writer.begin(origin()) as work:
        await work.insert(write(some_id()))
        await stand.poll.poll()
        async with stand.writer.begin(origin()) as other:
            await other.insert(write(id_))
        stand.window.oldest_xid = other.xid + 1
        stand.window.changed[ACCOUNT].forget(id_, 1)
        heard.changes.clear()
        if not looks:
            monkeypatch.setattr(stand.window, "horizon", stand.window.oldest_xid)
        assert await stand.poll.read_back() is not looks or not looks
        monkeypatch.undo()
        stand.window.horizon = min(stand.window.horizon, work.xid)
    await stand.poll.poll()
    assert ((id_, 1) in heard.changes) is looks


async def test_history_read_for_a_window_that_is_no_more_is_left_out(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await stand.create(some_id())
    poll = ChangePoll(stand.database, Window())
    begun = stand.window.horizon + START_WINDOW_XIDS
    poll.window.begin([], begun, begun)
    fetch = poll._fetch

    async def overtaken(sql: str, *xids: int) -> list[Row]:
        rows = await fetch(sql, *xids)
        if sql == GET_HISTORY:
            poll.window.begin([], begun + 7, begun + 7)
        return rows

    monkeypatch.setattr(poll, "_fetch", overtaken)
    assert await poll.read_back()
    assert poll.window.oldest_xid == begun + 7
    assert not poll.window.changed[ACCOUNT]


async def test_an_import_of_the_routing_table_is_heard(pair: tuple[Stand, Stand]) -> None:
    here, there = pair
    heard = Heard(here.poll)
    await here.poll.poll()
    assert heard.revisions == []
    await there.database.fetch(BUMP, primary=True)
    await here.poll.poll()
    assert heard.revisions == [here.poll.routing_revision]


async def test_a_failing_poll_goes_on_and_counts(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.poll._interval_s = 0.0
    polled = stand.poll.poll
    calls = 0

    async def sometimes() -> None:
        nonlocal calls
        calls += 1
        if calls in {2, 3}:
            raise Unavailable("no answer")
        await polled()

    monkeypatch.setattr(stand.poll, "poll", sometimes)
    await stand.poll.start()
    id_ = some_id()
    await stand.create(id_)
    while calls < 5:  # noqa: ASYNC110 - the poll has no event of its own to wait for
        await asyncio.sleep(0.001)
    await stand.poll.stop()
    assert stand.poll.failures == 2
    assert isinstance(stand.poll.last_failure, Unavailable)
