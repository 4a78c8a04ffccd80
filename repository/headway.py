"""When the next read of few ids may leave: reads that leave together cost one statement. Pure."""

from collections.abc import Callable
from typing import Final

__all__ = ["BUSY_FROM", "HEADWAY_S", "LOOK_S", "Headway"]

HEADWAY_S: Final = 0.004
"""From one read to the next, while this thread is busy."""
BUSY_FROM: Final = 0.5
"""The part of its time that a thread works, from which on it is."""
LOOK_S: Final = 0.02  # from one look at that to the next

Clock = Callable[[], float]


class Headway:
    """How long a read waits for others: not at all while this thread has time to spare.

    `clock` and `worked` tell the time, and how much of it this thread has worked, in seconds.
    A thread at its limit has callers waiting for their turn anyway, longer than this: that more of
    them are served by one read is what makes their wait shorter. To be asked by one thread.
    """

    __slots__ = ("_clock", "_is_busy", "_left_s", "_looked_s", "_worked", "_worked_s")

    def __init__(self, clock: Clock, worked: Clock) -> None:
        self._clock = clock
        self._worked = worked
        self._looked_s, self._worked_s = clock(), worked()
        self._is_busy = False
        self._left_s = -HEADWAY_S

    def leave(self) -> float:
        """Have a read leave, in as many seconds as are returned."""
        now_s = self._clock()
        if now_s - self._looked_s >= LOOK_S:
            self._look(now_s)
        wait_s = max(0.0, self._left_s + HEADWAY_S - now_s) if self._is_busy else 0.0
        self._left_s = now_s + wait_s
        return wait_s

    def _look(self, now_s: float) -> None:
        worked_s = self._worked()
        self._is_busy = worked_s - self._worked_s >= BUSY_FROM * (now_s - self._looked_s)
        self._looked_s, self._worked_s = now_s, worked_s
