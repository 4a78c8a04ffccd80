"""Turns at connections: in order, for no longer than the deadline, and never lost."""

import asyncio

import pytest

from repository.errors import Busy, Stalled, TimedOut
from repository.turns import OPENING_MAX, Turns, WriteTurns

SOON_S = 0.02


async def test_as_many_as_there_are_have_a_turn_at_once() -> None:
    turns = Turns(2)
    await turns.take(None)
    await turns.take(None)
    assert turns.free == 0
    turns.give()
    assert turns.free == 1


async def test_those_who_wait_are_served_in_their_order() -> None:
    turns, order = Turns(1), []

    async def work(name: int) -> None:
        await turns.take(None)
        order.append(name)
        await asyncio.sleep(0)
        turns.give()

    await asyncio.gather(*(work(name) for name in range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert turns.free == 1


async def test_nobody_passes_those_who_wait() -> None:
    turns = Turns(1)
    await turns.take(None)
    waiting = asyncio.ensure_future(turns.take(None))
    await asyncio.sleep(0)
    turns.give()
    late = asyncio.ensure_future(turns.take(None))
    await asyncio.sleep(0)
    await waiting
    assert not late.done()
    turns.give()
    await late


async def test_after_the_longest_wait_there_is_no_room() -> None:
    turns = Turns(1, wait_max_s=SOON_S)
    await turns.take(None)
    for left_s in (None, 60.0):
        with pytest.raises(Busy):
            await turns.take(left_s)
    turns.give()
    assert turns.free == 1
    await turns.take(None)


async def test_the_deadline_comes_first_when_it_is_nearer() -> None:
    turns = Turns(1, wait_max_s=60)
    await turns.take(None)
    with pytest.raises(TimedOut):
        await turns.take(SOON_S)


async def test_a_turn_that_nobody_waits_for_any_more_goes_to_the_next() -> None:
    turns = Turns(1)
    await turns.take(None)
    gone, next_one = (asyncio.ensure_future(turns.take(None)) for _ in range(2))
    await asyncio.sleep(0)
    turns.give()  # to `gone`, which is cancelled before it runs
    gone.cancel()
    await next_one
    assert gone.cancelled()
    turns.give()
    assert turns.free == 1


async def test_one_that_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    turns = Turns(1)
    await turns.take(None)
    gone = asyncio.ensure_future(turns.take(None))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    turns.give()
    assert turns.free == 1


async def test_one_that_is_cancelled_in_the_moment_of_its_turn_is_passed_over() -> None:
    turns = Turns(1)
    await turns.take(None)
    gone, next_one = (asyncio.ensure_future(turns.take(None)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    turns.give()  # before `gone` runs and leaves the queue
    await next_one
    with pytest.raises(asyncio.CancelledError):
        await gone
    turns.give()
    assert turns.free == 1


async def test_no_room_is_an_overload_only_while_turns_are_given() -> None:
    turns = Turns(1, wait_max_s=SOON_S)
    await turns.take(None)
    with pytest.raises(Stalled):
        await turns.take(None)
    first, second = (asyncio.ensure_future(turns.take(None)) for _ in range(2))
    await asyncio.sleep(0)
    turns.give()
    await first
    with pytest.raises(Busy) as no_room:
        await second
    assert type(no_room.value) is Busy


async def test_who_is_patient_waits_so_much_longer() -> None:
    turns = Turns(1, wait_max_s=SOON_S)
    await turns.take(None)
    patient = asyncio.ensure_future(turns.take(None, patience=1_000))
    with pytest.raises(Busy):
        await turns.take(None)
    turns.give()
    await patient


async def test_writes_do_not_have_all_turns_at_once() -> None:
    turns, writes = Turns(10), WriteTurns(10)
    for _ in range(8):
        await writes.take(turns, None)
    waiting = asyncio.ensure_future(writes.take(turns, None))
    await asyncio.sleep(0)
    assert (turns.free, waiting.done()) == (2, False)
    await turns.take(None)
    writes.give(turns)
    await waiting
    assert turns.free == 1


async def test_a_write_that_gets_no_turn_at_the_pool_keeps_none_from_others() -> None:
    turns, writes = Turns(1, wait_max_s=SOON_S), WriteTurns(2, wait_max_s=SOON_S)
    await turns.take(None)
    with pytest.raises(Stalled):
        await writes.take(turns, None)
    with pytest.raises(TimedOut):
        await writes.take(turns, SOON_S / 2)
    turns.give()
    await writes.take(turns, None)
    with pytest.raises(Stalled):
        await writes.take(turns, None)


async def test_a_pool_of_one_has_room_for_a_write() -> None:
    turns, writes = Turns(1, wait_max_s=SOON_S), WriteTurns(1, wait_max_s=SOON_S)
    await writes.take(turns, None)
    assert turns.free == 0


async def test_few_at_a_time_open_a_connection_and_those_that_are_there_are_used() -> None:
    idle = 0
    turns, begun = Turns(9, idle=lambda: idle), list[int]()

    async def begin(name: int) -> None:
        await turns.take(None)
        begun.append(name)

    waiting = [asyncio.ensure_future(begin(name)) for name in range(7)]
    await asyncio.sleep(0)
    assert (len(begun), turns.free) == (OPENING_MAX, 7)

    turns.opened()  # one has its connection, and another may open one
    await asyncio.sleep(0)
    assert len(begun) == OPENING_MAX + 1

    idle = 1
    turns.give()  # it is back, for one who need not open any
    await asyncio.sleep(0)
    assert len(begun) == OPENING_MAX + 2

    idle = 0
    turns.opened()  # and took it: as many as may are opening theirs still
    await asyncio.sleep(0)
    assert begun == list(range(OPENING_MAX + 2))
    for one in waiting:
        one.cancel()


async def test_who_is_gone_in_the_moment_of_its_turn_opens_no_connection() -> None:
    turns = Turns(9, idle=int)
    for _ in range(OPENING_MAX):
        await turns.take(None)
    gone, next_one = (asyncio.ensure_future(turns.take(None)) for _ in range(2))
    await asyncio.sleep(0)
    turns.opened()  # for `gone`, which is cancelled before it runs
    gone.cancel()
    await next_one
    assert gone.cancelled()
