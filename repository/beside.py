"""Work that goes on beside a block of code, and ends with it. Knows nothing of what is done."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

__all__ = ["beside"]


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do `work` in the background until the block ends.

    Raises at the end what the work has failed with, if it has.
    """
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})  # not the task itself: who cancels this wait is heard
        if not task.cancelled():
            task.result()
