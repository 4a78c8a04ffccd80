"""What a worker does behind everybody's back; must never be in a call's way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple, Protocol

from repository.ach_run import AchRunStore
from repository.keys import KeyStore
from repository.migrate import keep_months
from repository.writing import Writer
from server import log, seal_counts
from server.settings import Settings
from tokenizer.sealing import SealCounts

__all__ = ["Chore", "Housekeeping", "chores"]

IDEMPOTENCY_KEPT: Final = timedelta(hours=24)
ROWS_A_TIME: Final = 1000
MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0

_log = log.logger("housekeeping")


class Chore(NamedTuple):
    """What is done at once, then every `interval_s`, and where `at_end` says so once more then."""

    name: str
    interval_s: float
    do: Callable[[], Awaitable[object]]
    at_end: bool = False


class Forgetful(Protocol):
    """What keeps rows that grow old."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` rows older than `before`; how many there were."""


def chores(
    settings: Settings,
    writer: Writer,
    runs: AchRunStore,
    counts: SealCounts,
    key_store: KeyStore,
) -> list[Chore]:
    """What every worker sees to: workers may do the same at the same time."""
    dsn = settings.database_dsn.get_secret_value()
    settle = partial(seal_counts.settle, counts, key_store)
    return [
        Chore("forget_requests", 10 * MINUTE_S, partial(forget, writer, IDEMPOTENCY_KEPT)),
        Chore("forget_runs", DAY_S, partial(forget, runs, timedelta(days=settings.runs_kept_days))),
        Chore("count_seals", MINUTE_S, settle, at_end=True),
        Chore("make_months", DAY_S, partial(keep_months, dsn)),
    ]


class Housekeeping:
    """Does chores in the background; one that fails is told and done again when its time comes."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work in the background until the block ends."""
        tasks = [asyncio.create_task(_keep_doing(chore)) for chore in self._chores]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for chore in self._chores:
                if chore.at_end:
                    await _do(chore)


async def forget(store: Forgetful, kept: timedelta) -> int:
    """Forget what is older than it is kept for, a thousand at a time; how much there was."""
    before = datetime.now(UTC) - kept
    total = 0
    while count := await store.forget(before, ROWS_A_TIME):
        total += count
    return total


async def _keep_doing(chore: Chore) -> None:
    while True:
        await _do(chore)
        await asyncio.sleep(chore.interval_s)


async def _do(chore: Chore) -> None:
    try:
        await chore.do()
    except Exception as error:  # whatever it is, the next time may be better
        _log.warning("chore_failed", action=chore.name, error_type=type(error).__name__)
