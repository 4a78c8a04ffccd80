"""Turns at a pool's connections: first come, first served, and nobody waits long.

Owns the queue in front of a pool, which is there so that the pool itself has none; what connections
are used for is not known here.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from repository.errors import Busy, Stalled, TimedOut

__all__ = ["WAIT_MAX_S", "Turns", "WriteTurns"]

WAIT_MAX_S: Final = 0.5
OPENING_MAX: Final = 2
"""So many connections of a pool are opened at once. That takes a server longer than most reads do:
where all who find none open one, as after a failover, they take each other the time for it, and
those that are there stand idle."""
WRITES_PATIENCE: Final = 4.0
READS_SHARE: Final = 5
"""One connection in so many to the primary, one at least, no write may have: those may wait for as
long as no standby confirms them, and what only the primary can answer is asked beside them."""


class Turns:
    """So many at once; whoever has waited for `wait_max_s` is told that there is no room.

    And which it is: too much to do, or nobody who has a connection is answered on it. `idle` tells
    how many connections are open and not in use: beyond those a few at a time are to be opened.
    """

    def __init__(
        self, count: int, wait_max_s: float = WAIT_MAX_S, idle: Callable[[], int] | None = None
    ) -> None:
        self.free = count
        self._idle = idle
        self._opening = 0
        self._wait_max_s = wait_max_s
        self._given = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, left_s: float | None, patience: float = 1.0) -> None:
        """Wait for a turn, `patience` times as long as others do; `opened` and `give` follow.

        Raises Busy, Stalled, and TimedOut after `left_s`.
        """
        if not self._waiting and self._has_room:
            self.free -= 1
            self._opening += 1
            return
        wait_s = patience * self._wait_max_s
        wait_s = wait_s if left_s is None else min(left_s, wait_s)
        given = self._given
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(wait_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.opened()
                self.give()  # it came in the very moment in which nobody waited any more
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if not isinstance(error, TimeoutError):
                raise
            no_room = Stalled if self._given == given else Busy
            raise (TimedOut if wait_s == left_s else no_room) from None

    def opened(self) -> None:
        """Whoever has a turn has a connection by now, or gets none."""
        self._opening -= 1
        self._hand_out()

    def give(self) -> None:
        """Hand a turn to who waits longest."""
        self._given += 1
        self.free += 1
        self._hand_out()

    @property
    def _has_room(self) -> bool:
        if self._idle is None or self._opening < OPENING_MAX:
            return self.free > 0
        return self.free > 0 and self._opening < OPENING_MAX + self._idle()

    def _hand_out(self) -> None:
        while self._waiting and self._has_room:
            turn = self._waiting.popleft()
            if not turn.done():  # one that has been cancelled and does not know it yet
                self.free -= 1
                self._opening += 1
                turn.set_result(None)


class WriteTurns:
    """Turns of writes at a pool of `count`, not all of which they may have at once.

    After an outage the writes of all who waited come at once. They wait for one another longer than
    reads do; where there is no room for them, it is the database that is slow.
    """

    def __init__(self, count: int, wait_max_s: float = WAIT_MAX_S) -> None:
        self._among = Turns(max(1, count - max(1, count // READS_SHARE)), wait_max_s)

    async def take(self, turns: Turns, left_s: float | None) -> None:
        """Wait for a turn among writes, and then at the pool; `opened` there, and `give` follow.

        Raises Stalled, and TimedOut after `left_s`.
        """
        ends = None if left_s is None else time.monotonic() + left_s
        try:
            await self._among.take(left_s, WRITES_PATIENCE)
            try:
                left_s = None if ends is None else max(0.0, ends - time.monotonic())
                await turns.take(left_s, WRITES_PATIENCE)
            except BaseException:
                self._among.give()
                raise
        except Busy as error:
            raise Stalled from error

    def give(self, turns: Turns) -> None:
        """Hand both on."""
        turns.give()
        self._among.give()
