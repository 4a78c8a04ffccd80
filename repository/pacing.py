"""Lets out few long reads at a time, as long as they are answered soon.

Knows nothing of what they read.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

__all__ = ["Pacing"]

AT_ONCE: Final = 2
PATIENCE_S: Final = 0.01


class Pacing:
    """A gate that lets the next through when one is back, or when it has waited for a moment.

    All that is asked at once the database works at side by side, and answers at once: the worker
    has nothing to do until then, and the database while all of it is digested. Two at a time keep
    both busy where answers take a few milliseconds. Where they take longer, they wait for
    something else than a core, and more of them are to wait for it together.
    """

    __slots__ = ("_patience_s", "_turns")

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._patience_s = patience_s

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have a turn for the block, after `PATIENCE_S` at most; in the order of arrival."""
        is_counted = True
        try:
            async with asyncio.timeout(self._patience_s):
                await self._turns.acquire()
        except TimeoutError:
            is_counted = False
        try:
            yield
        finally:
            if is_counted:
                self._turns.release()
