"""The replicas that reads may be sent to: there, of the primary's life, and not behind it.

Owns a pool for each and looks after them; what is read is not known here.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

__all__ = ["Pool", "Replicas"]

Pool: TypeAlias = "asyncpg.pool.Pool[asyncpg.Record]"

LAG_MAX_S: Final = 1.0
LOOK_EVERY_S: Final = 0.25
ANSWER_MAX_S: Final = 1.0

GET_BEAT = "SELECT beat, incarnation.id FROM heartbeat CROSS JOIN incarnation"

NO_ANSWER = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(slots=True, repr=False)
class _Replica:
    pool: Pool
    is_usable: bool = True


class Replicas:
    """Pools to replicas, in turn. Until `watched` all of them are taken to be usable."""

    def __init__(self) -> None:
        self._all: list[_Replica] = []
        self._turn = 0

    async def connect(self, pools: list[Awaitable[Pool]]) -> None:
        """Take the pools, which may be to hosts that are not there yet."""
        self._all = [_Replica(await pool) for pool in pools]

    def usable(self) -> list[Pool]:
        """Those that may be asked now, another first each time; empty when there is none."""
        self._turn += 1
        found = [replica.pool for replica in self._all if replica.is_usable]
        first = self._turn % len(found) if found else 0
        return found[first:] + found[:first]

    def failed(self, pool: Pool) -> None:
        """Leave one out that could not be reached, until it has answered again."""
        for replica in self._all:
            if replica.pool is pool:
                replica.is_usable = False

    @property
    def pools(self) -> list[Pool]:
        """All of them."""
        return [replica.pool for replica in self._all]

    @contextlib.asynccontextmanager
    async def watched(
        self, lag_s: Callable[[int], float], life: Callable[[], bytes | None]
    ) -> AsyncIterator[None]:
        """Until the block ends leave out whoever lags or is not of the primary's `life`.

        `lag_s` says how old a heartbeat is; `life` is None while nobody knows. On a former
        timeline, or after a restore that goes back, a replica can be ahead of the primary: its
        heartbeat is young, its rows are undone.
        """
        tasks = [asyncio.create_task(_watch(replica, lag_s, life)) for replica in self._all]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(
    replica: _Replica, lag_s: Callable[[int], float], life: Callable[[], bytes | None]
) -> None:
    """Look again and again whether the replica has replayed a heartbeat that is young enough.

    It is of a life once it has replayed that life's name, which nobody knows before it begins.
    """
    while True:
        try:
            async with asyncio.timeout(ANSWER_MAX_S), replica.pool.acquire() as connection:
                [(beat, lived)] = await connection.fetch(GET_BEAT)
        except NO_ANSWER:
            replica.is_usable = False
        else:
            replica.is_usable = lag_s(beat) <= LAG_MAX_S and life() in {None, lived}
        await asyncio.sleep(LOOK_EVERY_S)
