"""What arrives together passes apart, with a turn for others between, whoever gives up."""

import asyncio
from itertools import pairwise

from repository.one_a_turn import OneATurn

COUNT = 8


async def turns_of_passing(gate: OneATurn | None) -> list[int]:
    """In which turn of the event loop each of those passed who arrived in the same one."""
    turn, passed = 0, list[int]()

    async def pass_one() -> None:
        if gate is not None:
            await gate.passed()
        passed.append(turn)

    waiting = [asyncio.create_task(pass_one()) for _ in range(COUNT)]
    while not all(task.done() for task in waiting):
        turn += 1
        await asyncio.sleep(0)
    return passed


async def test_what_arrives_together_passes_with_a_turn_for_others_between() -> None:
    turns = await turns_of_passing(OneATurn())
    assert len(turns) == COUNT
    assert all(later - earlier > 1 for earlier, later in pairwise(turns))


async def test_without_the_gate_it_passes_in_one_turn() -> None:
    assert len(set(await turns_of_passing(None))) == 1


async def test_who_comes_alone_does_not_wait() -> None:
    gate = OneATurn()
    for _ in range(2):
        passing = gate.passed()
        try:
            passing.send(None)
        except StopIteration:
            await asyncio.sleep(0)
            continue
        raise AssertionError("it waited")


async def test_who_gives_up_is_in_nobodys_way() -> None:
    gate, passed = OneATurn(), list[int]()

    async def pass_one(number: int) -> None:
        await gate.passed()
        passed.append(number)

    waiting = [asyncio.create_task(pass_one(number)) for number in range(COUNT)]
    await asyncio.sleep(0)
    for number in (1, 2, COUNT - 1):
        waiting[number].cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting, return_exceptions=True)
        await gate.passed()
    assert passed == [0, *range(3, COUNT - 1)]
