"""What a worker clears away behind everybody's back; must never be in a call's way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

from repository.errors import RepositoryError
from repository.writing import Writer
from server import log

__all__ = ["Housekeeping"]

IDEMPOTENCY_KEPT: Final = timedelta(hours=24)
ROWS_A_TIME: Final = 1000
INTERVAL_S: Final = 600.0

_log = log.logger("housekeeping")


class Housekeeping:
    """Forgets request ids that are older than a day, a thousand at a time."""

    def __init__(self, writer: Writer, interval_s: float = INTERVAL_S) -> None:
        self._writer = writer
        self._interval_s = interval_s

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background until the block ends."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.forget()
            except RepositoryError as error:  # the next round will do
                _log.warning("housekeeping_failed", error_type=type(error).__name__)

    async def forget(self) -> int:
        """Forget what is old now; how many request ids there were."""
        before = datetime.now(UTC) - IDEMPOTENCY_KEPT
        total = 0
        while count := await self._writer.forget(before, ROWS_A_TIME):
            total += count
        return total
