"""Spaces out what is long to digest: one at a time, and turns of the event loop between.

Knows nothing of what it lets through.
"""

import asyncio

__all__ = ["OneATurn"]


class OneATurn:
    """A gate that lets one through, in the order of arrival, and then others have their turn.

    What arrives together would be worked off in one turn of the event loop, for tens of
    milliseconds, and whoever asks next would be heard only after all of it, a step in each turn:
    the database would have nothing to do meanwhile, then everything at once, and answer all of it
    at once again. A turn without such work between two lets the next question come in.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: asyncio.Future[None] | None = None

    async def passed(self) -> None:
        """Wait until whoever came before has passed, and a turn after that."""
        loop = asyncio.get_running_loop()
        before, mine = self._last, loop.create_future()
        self._last = mine
        try:
            if before is not None and not before.done():
                await asyncio.shield(before)
        finally:  # whoever gives up lets the next one through all the same
            loop.call_soon(mine.set_result, None)
