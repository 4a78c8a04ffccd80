"""Batches of an import on their way into the database: so many of one kind at once.

Knows the order in which kinds must come and nothing of what a batch holds.
"""

import asyncio
from collections.abc import Coroutine, Mapping

__all__ = ["Pipeline"]


class Pipeline:
    """Runs what loads a batch, each as a task; rows of one kind may refer to those before it.

    So another kind begins when all of the one before it is committed.
    """

    __slots__ = ("_at_once", "_kind", "_running")

    def __init__(self, at_once: Mapping[int, int]) -> None:
        self._at_once = at_once
        self._kind = 0
        self._running: set[asyncio.Task[None]] = set()

    async def add(self, kind: int, load: Coroutine[None, None, None]) -> None:
        """Begin a batch as soon as there is room for it. Raises what an earlier one raised."""
        try:
            if kind != self._kind:
                await self.drain()
                self._kind = kind
            while len(self._running) >= self._at_once[kind]:
                await self._step()
        except BaseException:
            load.close()  # it was never begun
            raise
        self._running.add(asyncio.create_task(load))

    async def drain(self) -> None:
        """Return when all batches have ended. Raises what one of them raised."""
        while self._running:
            await self._step()

    async def settle(self) -> None:
        """Return when all batches have ended, however they do: a caller is told of one fault."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _step(self) -> None:
        done, self._running = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
