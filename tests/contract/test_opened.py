"""The own cache's dangerous interleavings on real servers, each twice: served right with every
check in place, and served stale once exactly the check it needs is taken out.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from repository.database import Position
from repository.errors import TooStale
from repository.reading import Consistency, Freshness
from server.frames import FORMS, Frames
from server.opened import OpenedRecords
from server.rpc import Call, Caller
from tests.contract.stand import ACCOUNT, Stand, origin, segment, some_id, write

Pair = tuple[Stand, Stand]
FAST = Consistency.MINIMIZE_LATENCY


class Unsealed:
    """Stands for seals: what is stored is what it says."""

    def current(self, _kind: int, _ids: object, rows: Sequence[Any]) -> list[bytes]:
        return [row.operational for row in rows]


class Worker:
    """A stand with a cache of its own."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.opened = OpenedRecords(stand.poll, 2**20)
        self.frames = Frames(stand.reader, Unsealed(), self.opened)  # type: ignore[arg-type]

    async def version(self, id_: bytes, freshness: Freshness = FAST) -> int:
        """The version of the record it shows; 0 for none."""
        call = Call(Caller("tester", frozenset()), "method", time.monotonic() + 60)
        answer = self.frames.joined(ACCOUNT, [id_], freshness, call)
        frame = answer if isinstance(answer, bytes) else await answer
        await self.stand.settle()
        if frame == FORMS[ACCOUNT].missing:
            return 0
        record = FORMS[ACCOUNT].record(frame)
        return next(version for version in range(1, 9) if record == segment(id_, version))


TakeOut = Callable[[Worker], None] | None


def without_proof(worker: Worker) -> None:
    """Whatever was read may be put in."""
    worker.opened._window = Trusting()  # type: ignore[assignment]  # that is the point


def without_removal(worker: Worker) -> None:
    """What the poll sees leaves the cache as it is."""
    worker.stand.poll.on_change.clear()


def without_drop(worker: Worker) -> None:
    """A gap in the poll leaves the cache as it is."""
    worker.stand.poll.on_drop.clear()


def without_freshness(worker: Worker) -> None:
    """What a caller asks for is not looked at."""
    worker.stand.reader.may_be_seen = (  # type: ignore[method-assign]  # as above
        lambda freshness: True
    )


class Trusting:
    """A window that proves everything."""

    def unproven(self, *_: object) -> list[int]:
        return []


@pytest.fixture
def workers(pair: Pair) -> tuple[Worker, Worker]:
    """Two workers on the same servers: what one writes the other learns by polling."""
    return Worker(pair[0]), Worker(pair[1])


def held_up(worker: Worker, meanwhile: Callable[[], Any]) -> None:
    """Have something happen between the next read and what is done with it."""
    reader = worker.stand.reader
    read = reader.find

    async def slow(*args: Any, **kwargs: Any) -> Any:
        entries = await read(*args, **kwargs)
        reader.find = read  # type: ignore[method-assign]  # once
        await meanwhile()
        return entries

    reader.find = slow  # type: ignore[method-assign]  # a stand-in for a slow network


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_removal, 1)])
async def test_a_change_elsewhere_is_shown_once_it_is_polled(
    workers: tuple[Worker, Worker], take_out: TakeOut, expected: int
) -> None:
    here, there = workers
    id_ = some_id()
    await there.stand.create(id_)
    await here.stand.poll.poll()
    if take_out:
        take_out(here)
    assert await here.version(id_) == 1
    await there.stand.update(id_, 2)
    assert await here.version(id_) == 1  # right as of the last poll
    await here.stand.poll.poll()
    assert await here.version(id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 1), (without_removal, 0)])
async def test_a_record_that_was_unknown_is_shown_once_it_is_polled(
    workers: tuple[Worker, Worker], take_out: TakeOut, expected: int
) -> None:
    here, there = workers
    id_ = some_id()
    if take_out:
        take_out(here)
    assert await here.version(id_) == 0
    await there.stand.create(id_)
    await here.stand.poll.poll()
    assert await here.version(id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_removal, 1)])
async def test_a_change_of_its_own_is_shown_before_any_poll(
    workers: tuple[Worker, Worker], take_out: TakeOut, expected: int
) -> None:
    here, _ = workers
    id_ = some_id()
    await here.stand.create(id_)
    if take_out:
        take_out(here)
    assert await here.version(id_) == 1
    await here.stand.update(id_, 2)
    assert await here.version(id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_proof, 1)])
async def test_a_read_that_a_polled_change_overtakes_is_not_kept(
    workers: tuple[Worker, Worker], take_out: TakeOut, expected: int
) -> None:
    """R reads v1 and stalls; W writes v2, which R's worker polls; R puts in what it read."""
    here, there = workers
    id_ = some_id()
    await there.stand.create(id_)
    await here.stand.poll.poll()
    if take_out:
        take_out(here)

    async def meanwhile() -> None:
        await there.stand.update(id_, 2)
        await here.stand.poll.poll()

    held_up(here, meanwhile)
    assert await here.version(id_) == 1  # what it was when it was read
    assert await here.version(id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_proof, 1)])
async def test_a_read_so_slow_that_the_change_is_forgotten_is_not_kept(
    workers: tuple[Worker, Worker], take_out: TakeOut, expected: int
) -> None:
    """As above, but the window has moved on and no longer knows of v2."""
    here, there = workers
    id_ = some_id()
    await there.stand.create(id_)
    await here.stand.poll.poll()
    if take_out:
        take_out(here)

    async def meanwhile() -> None:
        await there.stand.update(id_, 2)
        window = here.stand.window
        bound, window._ids_max = window._ids_max, 0
        await here.stand.poll.poll()
        window._ids_max = bound
        assert not window.newest(ACCOUNT, [id_])

    held_up(here, meanwhile)
    assert await here.version(id_) == 1
    assert await here.version(id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_drop, 1)])
async def test_a_gap_in_the_poll_leaves_nothing_that_was_known_before(
    workers: tuple[Worker, Worker], take_out: TakeOut, expected: int
) -> None:
    """More changes at once than a poll reads, of which v2 is one: the window starts over."""
    here, there = workers
    id_, others = some_id(), [some_id() for _ in range(8)]
    await there.stand.create(id_)
    await here.stand.poll.poll()
    if take_out:
        take_out(here)
    assert await here.version(id_) == 1
    await there.stand.update(id_, 2)
    await there.stand.create(*others)
    without_removal(here)  # what a gap holds is told to nobody
    poll = here.stand.poll
    bound, poll._rows_max = poll._rows_max, 4
    await poll.poll()
    poll._rows_max = bound
    await poll.poll()
    assert await here.version(id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_freshness, 1)])
@pytest.mark.parametrize("fully", [False, True])
async def test_a_token_of_a_change_that_is_not_polled_yet_goes_round_it(
    workers: tuple[Worker, Worker], take_out: TakeOut, expected: int, *, fully: bool
) -> None:
    here, there = workers
    id_ = some_id()
    await there.stand.create(id_)
    await here.stand.poll.poll()
    if take_out:
        take_out(here)
    assert await here.version(id_) == 1
    position = await updated(there.stand, id_)
    fresh: Freshness = Consistency.FULLY_CONSISTENT if fully else position
    assert await here.version(id_, fresh) == expected


async def test_a_token_that_the_poll_has_seen_may_be_served_from_it(
    workers: tuple[Worker, Worker],
) -> None:
    here, there = workers
    id_ = some_id()
    await there.stand.create(id_)
    position = await updated(there.stand, id_)
    await here.stand.poll.poll()
    assert await here.version(id_, position) == 2
    hits = here.opened.stats.hits
    assert await here.version(id_, position) == 2
    assert here.opened.stats.hits == hits + 1


async def test_what_a_fresher_read_has_shown_no_later_read_goes_behind(
    workers: tuple[Worker, Worker],
) -> None:
    here, there = workers
    id_ = some_id()
    await there.stand.create(id_)
    await here.stand.poll.poll()
    assert await here.version(id_) == 1
    await there.stand.update(id_, 2)
    assert await here.version(id_, Consistency.FULLY_CONSISTENT) == 2
    assert await here.version(id_) == 2  # nothing is polled yet


@pytest.mark.parametrize("take_out", [None, without_freshness])
async def test_a_poll_that_is_silent_for_too_long_ends_it(
    workers: tuple[Worker, Worker], take_out: TakeOut
) -> None:
    here, _ = workers
    id_ = some_id()
    await here.stand.create(id_)
    assert await here.version(id_) == 1
    if take_out:
        take_out(here)
    here.stand.poll._clock = lambda: time.monotonic() + 3600
    if take_out:
        assert await here.version(id_) == 1
    else:
        with pytest.raises(TooStale):
            await here.version(id_)


async def updated(stand: Stand, id_: bytes) -> Position:
    """Bring a record to version 2; the position of that write."""
    async with stand.writer.begin(origin()) as work:
        await work.update(write(id_, 2))
    await stand.settle()
    return work.position
