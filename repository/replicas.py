"""The replicas that reads may be sent to: there, of the primary's life, and not behind it.

Owns a pool for each and looks after them; what is read is not known here.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from repository.certainty import NO_ANSWER
from repository.hosts import Plain

if TYPE_CHECKING:
    import asyncpg

__all__ = ["ANSWER_MAX_S", "LAG_MAX_S", "Look", "Pool", "Replicas"]

Pool: TypeAlias = "asyncpg.pool.Pool[asyncpg.Record]"

LAG_MAX_S: Final = 1.0
LOOK_EVERY_S: Final = 0.25
ANSWER_MAX_S: Final = 1.0
"""How long a replica has to take a connection, and to answer a look: then it is silent."""
GRACE_S: Final = 0.1
"""How long after the alarm an answer may come: who stood still himself finds both at once."""
UNWATCHED_S: Final = 5.0
"""After so long one that could not be reached is tried again, where nobody looks at it."""

GET_BEAT = """
SELECT beat, incarnation.id, incarnation.timeline,
       extract(epoch FROM clock_timestamp() - heartbeat.time)::float8
FROM heartbeat CROSS JOIN incarnation"""


class Look(NamedTuple):
    """What a replica said when asked at `asked_s` (time.monotonic).

    `age_s` is how old its heartbeat was by its own clock; a beat has the time of the primary's.
    """

    asked_s: float
    beat: int
    life: bytes
    timeline: int
    age_s: float


@dataclass(slots=True, repr=False)
class _Replica:
    """Its `line` is for looks alone: those must not wait for reads that a frozen server holds."""

    pool: Pool
    dial: Callable[[], Awaitable[Plain]]
    line: "Plain | None" = None
    alarm: asyncio.TimerHandle | None = None
    is_usable: bool = True

    def end_line(self) -> None:
        if self.line is not None:
            self.line.terminate()


class Replicas:
    """Pools to replicas, in turn. Until `watched` all of them are taken to be usable.

    `hang_up` ends all connections of a pool whose server has fallen silent: who waits for it is to
    ask another, and not to wait for the deadline.
    """

    def __init__(self, hang_up: Callable[[Pool], None]) -> None:
        self._hang_up = hang_up
        self._all: list[_Replica] = []
        self._is_watched = False
        self._turn = 0

    def add(self, pool: Pool, dial: Callable[[], Awaitable[Plain]]) -> None:
        """Take the pool to a host, which may not be there yet; `dial` has ANSWER_MAX_S for it."""
        self._all.append(_Replica(pool, dial))

    def usable(self) -> list[Pool]:
        """Those that may be asked now, another first each time; empty when there is none."""
        self._turn += 1
        found = [replica.pool for replica in self._all if replica.is_usable]
        first = self._turn % len(found) if found else 0
        return found[first:] + found[:first]

    def failed(self, pool: Pool) -> None:
        """Leave one out that could not be reached, until a look at it is answered again."""
        for replica in self._all:
            if replica.pool is pool:
                replica.is_usable = False
                if not self._is_watched:
                    loop = asyncio.get_running_loop()
                    loop.call_later(UNWATCHED_S, setattr, replica, "is_usable", True)

    @property
    def pools(self) -> list[Pool]:
        """All of them."""
        return [replica.pool for replica in self._all]

    @contextlib.asynccontextmanager
    async def watched(self, is_fit: Callable[[Look], bool]) -> AsyncIterator[None]:
        """Until the block ends leave out whoever is not fit to be read from, by a look at it.

        One that lags is not, nor one of another life than the primary's: on a former timeline, or
        after a restore that goes back, a replica can be ahead of the primary. Its heartbeat is
        young, its rows are undone.
        """
        self._is_watched = True
        tasks = [asyncio.create_task(self._watch(replica, is_fit)) for replica in self._all]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for replica in self._all:
                replica.end_line()

    async def _watch(self, replica: _Replica, is_fit: Callable[[Look], bool]) -> None:
        """Look again and again whether the replica has replayed a heartbeat that is young enough.

        It is of a life once it has replayed that life's name, which nobody knows before it begins.
        """
        while True:
            asked_s = time.monotonic()
            try:
                row = await self._asked(replica)
            except NO_ANSWER:
                replica.is_usable = False
            else:
                replica.is_usable = is_fit(Look(asked_s, *row))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _asked(self, replica: _Replica) -> "asyncpg.Record":
        """What it says of its heart; a server that does not answer is left out, and hung up on.

        To cancel the statement would not do: its connection would wait for the server to hear that.
        """
        loop = asyncio.get_running_loop()
        replica.alarm = loop.call_later(ANSWER_MAX_S, self._grant_grace, replica)
        try:
            if replica.line is None or replica.line.is_closed():
                replica.line = await replica.dial()
            [row] = await replica.line.fetch(GET_BEAT)
        finally:
            replica.alarm.cancel()
        return row

    def _grant_grace(self, replica: _Replica) -> None:
        loop = asyncio.get_running_loop()
        replica.alarm = loop.call_later(GRACE_S, self._fell_silent, replica)

    def _fell_silent(self, replica: _Replica) -> None:
        replica.is_usable = False
        replica.end_line()
        self._hang_up(replica.pool)
