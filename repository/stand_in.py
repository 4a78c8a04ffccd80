"""What a worker may believe of standbys before it has heard of a primary. Pure bookkeeping.

The rule: a standby that shows a heartbeat has replayed all that was acknowledged before that beat
was written, so an answer of it is right as of then. How long ago that was nobody here has watched:
the standby's clock is compared with the heartbeat, which has the former primary's. It is the one
place where clocks of different machines are believed, those of the database's nodes; a heartbeat
from the future is not. The cache proves nothing meanwhile: there is no window to prove it against.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from repository.replicas import LAG_MAX_S, Look
from repository.window import NO_LIFE

__all__ = ["StandIn"]

CLOCKS_APART_MAX_S: Final = 1.0
HELD_S: Final = 3.0
"""For so long after a look its standby may still be answering what was asked of it then."""


class StandIn:
    """Takes looks at standbys; `life` is the latest that any of them has been seen to live.

    It is on `timeline`.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.life = NO_LIFE
        self.timeline = 0
        self._taken: deque[tuple[float, float]] = deque()  # (asked, right as of), both monotonic
        self._clock = clock

    def takes(self, look: Look) -> bool:
        """Whether a standby may be read from: of the latest life, and not behind the others."""
        if look.age_s < -CLOCKS_APART_MAX_S:
            return False
        if look.timeline > self.timeline:
            self.life, self.timeline = look.life, look.timeline
            self._taken.clear()
        as_of_s = look.asked_s - max(0.0, look.age_s)
        newest_s = max(self._held(), default=as_of_s)
        if look.life != self.life or as_of_s < newest_s - LAG_MAX_S:
            return False
        self._taken.append((look.asked_s, as_of_s))
        return True

    @property
    def as_of_s(self) -> float:
        """When, on this clock, all was right that standbys answer now; minus infinity for never.

        The oldest of the last seconds: an answer may have been read before the latest look.
        """
        return min(self._held(), default=float("-inf"))

    def _held(self) -> list[float]:
        """As of when the looks of the last seconds were right."""
        while self._taken and self._taken[0][0] < self._clock() - HELD_S:
            self._taken.popleft()
        return [as_of_s for _, as_of_s in self._taken]
