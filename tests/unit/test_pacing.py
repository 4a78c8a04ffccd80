"""Long reads go out two at a time, and all the same where they are not back soon."""

import asyncio
from contextlib import AsyncExitStack

from repository.pacing import AT_ONCE, Pacing

COUNT = 8
NEVER_S = 3600.0


class Reads:
    """Reads that are out until they are told to come back."""

    def __init__(self, pacing: Pacing) -> None:
        self.pacing = pacing
        self.out = list[int]()
        self.all_are_out = asyncio.Event()
        self.may_come_back = [asyncio.Event() for _ in range(COUNT)]
        self.tasks = [asyncio.create_task(self.read(number)) for number in range(COUNT)]

    async def read(self, number: int) -> None:
        async with self.pacing.turn():
            self.out.append(number)
            if len(self.out) == COUNT:
                self.all_are_out.set()
            await self.may_come_back[number].wait()

    async def settled(self) -> list[int]:
        """Who has gone out, once nobody moves."""
        for _ in range(20):
            await asyncio.sleep(0)
        return self.out

    async def ended(self) -> None:
        for event in self.may_come_back:
            event.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_the_next_goes_out_when_one_is_back() -> None:
    reads = Reads(Pacing(NEVER_S))
    assert await reads.settled() == [0, 1]
    reads.may_come_back[1].set()
    assert await reads.settled() == [0, 1, 2]
    await reads.ended()
    assert reads.out == list(range(COUNT))


async def test_who_has_waited_for_a_moment_goes_out_all_the_same() -> None:
    """The database is slow, or waits for its disk: nobody is to wait for it in a row."""
    reads = Reads(Pacing(0.01))
    async with asyncio.timeout(60):
        await reads.all_are_out.wait()
    assert not any(task.done() for task in reads.tasks)
    await reads.ended()


async def test_who_gives_up_is_in_nobodys_way() -> None:
    pacing = Pacing(NEVER_S)
    reads = Reads(pacing)
    await reads.settled()
    for number in (0, 2, 3):
        reads.tasks[number].cancel()
    assert await reads.settled() == [0, 1, 4]
    await reads.ended()
    async with AsyncExitStack() as held, asyncio.timeout(60):
        for _ in range(AT_ONCE):
            await held.enter_async_context(pacing.turn())
