"""Decides which calls a worker takes: no more than it can answer in time, to each caller its share.

Knows who makes a call and what it weighs, and how long calls wait before they begin; must not know
what any method does.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from server.errors import ResourceExhausted, RpcError, Unavailable

__all__ = ["FLOODED", "SHED_REASONS", "Admission", "weight_of"]

SHED_REASONS: Final = ("OVERLOADED", "CALLER_SHARE", "CONNECTIONS", "SHUTTING_DOWN")
ITEMS_A_SLOT: Final = 50
BYTES_A_SLOT: Final = 2048  # of about as many keys
CHANGE_SLOTS: Final = 3  # more than a read takes
CHANGES_SHARE: Final = 0.75
"""Of the slots, that changes may have: without a primary they wait in them, and reads need none."""
STANDING_S: Final = 0.25
"""For how long waits must have been too long: what queued up for one event, and is being worked
off, is no overload."""
WARY_S: Final = 10.0
"""For so long after an overload waits count from when they began: the next is learnt sooner."""
ABOVE_FLOOR: Final = 2
"""A wait is too long from so many times the shortest of the last one or two seconds on: a machine
that lets a call wait however few there are is helped by turning none away."""
STARVED: Final = 3
"""So many times the longest wait are too long on any machine: a queue that never empties, too, has
a shortest wait, and what is answered from it would come too late for ever."""
FLOODED: Final = 4
"""At so many times the longest wait everybody is turned away, however little they have had."""
REFUSED_OF_LIGHT: Final = 3
WINDOW_S: Final = 1.0
QUIET_CALLS: Final = 4
RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 5.0


def weight_of(*, items: int = 0, size_bytes: int = 0, changes: bool = False) -> int:
    """The slots a call takes: one, and one more for every 50 items or as many bytes as they are.

    A change takes more: its transaction costs as much as several reads, and in the surge after an
    outage, when all changes of the outage come again at once, reads are to be answered first.
    """
    more = CHANGE_SLOTS if changes else 0
    return 1 + more + max(items // ITEMS_A_SLOT, size_bytes // BYTES_A_SLOT)


class Admission:
    """Lets calls in while there are slots for them, and turns them away while calls wait too long.

    `slots` is the weight that may run at once, `share` the part of it that one caller may hold
    while others call, and with streams at any time. `wait_max_s` is how long calls may wait before
    they begin. Once all of them have waited longer for a quarter of a second, callers that asked
    for more than an even part of the last second are turned away, and everybody when that is not
    enough: batches and changes all, light calls each third, and none while batches and changes are
    most of what is asked for. Changes may hold three quarters of the slots.
    """

    def __init__(
        self,
        slots: int,
        *,
        share: float = 0.5,
        wait_max_s: float = 0.25,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.draining = False
        self.running = 0  # weight
        self.wait_s = 0.0  # as last told
        self.shed: Counter[str] = Counter()  # calls turned away, by reason
        self._slots = slots
        self._share = max(1, int(slots * share))
        self._wait_max_s = wait_max_s
        self._clock = clock or time.monotonic
        self._changes_max = int(slots * CHANGES_SHARE)
        self._changing = 0  # weight
        self._held: dict[str, int] = {}
        self._streams: Counter[str] = Counter()  # of these, by caller
        self._asked: Counter[str] = Counter()  # weight asked for in this window, by caller
        self._callers: frozenset[str] = frozenset()  # of the window before
        self._window_ends = self._clock() + WINDOW_S
        self._taken = self._refused = self._seen = 0
        self._pressure = 0.0  # how many were refused for each that was taken, a window before
        self._floor_s = self._floor_before_s = 0.0  # the shortest waits of this window and the last
        self._too_long_since: float | None = None
        self._wary_until = -math.inf
        self.is_overloaded = False
        self._light_asked = 0  # light calls of this window
        self._spares_light = False
        self._light_calls = 0  # in overloads

    def enter(self, caller: str, weight: int = 1, *, changes: bool = False) -> None:
        """Count a call in; `leave` follows, unless this raises. Changes do not get all slots.

        Raises Unavailable SHUTTING_DOWN, ResourceExhausted OVERLOADED or CALLER_SHARE.
        """
        self._seen += 1
        weight = min(weight, self._slots)
        held, asked = self._held.get(caller, 0), self._asked[caller]
        self._asked[caller] = asked + weight  # whether it gets it or not
        if weight == 1:
            self._light_asked += 1
        if self.draining or (self.is_overloaded and self._is_too_much(asked, weight)):
            raise self.refusal()
        if held and held + weight > self._share and self._has_rivals():
            raise self._refusal(ResourceExhausted("CALLER_SHARE", retry_s=self._retry_s()))
        if self.running + weight > self._slots:
            raise self.refusal()
        if changes:
            if self._changing and self._changing + weight > self._changes_max:
                raise self.refusal()
            self._changing += weight
        self._taken += 1
        self._held[caller] = held + weight
        self.running += weight

    def leave(self, caller: str, weight: int = 1, *, changes: bool = False) -> None:
        """Count a call out that `enter` let in with this weight."""
        weight = min(weight, self._slots)
        self.running -= weight
        if changes:
            self._changing -= weight
        left = self._held[caller] - weight
        if left:
            self._held[caller] = left
        else:
            del self._held[caller]

    @contextmanager
    def stream(self, caller: str) -> Iterator[None]:
        """Count a call that was let in as a stream while the block lasts.

        A caller's streams have no more than its share, though nobody else calls: their slots may
        not become free for hours. Raises ResourceExhausted CALLER_SHARE.
        """
        if self._streams[caller] >= self._share:
            raise self._refusal(ResourceExhausted("CALLER_SHARE", retry_s=self._retry_s()))
        self._streams[caller] += 1
        try:
            yield
        finally:
            self._streams[caller] -= 1
            if not self._streams[caller]:
                del self._streams[caller]

    def refusal(self) -> RpcError:
        """What a call that is not let in ends with, counted."""
        if self.draining:
            return self._refusal(Unavailable("SHUTTING_DOWN"))
        return self._refusal(ResourceExhausted("OVERLOADED", retry_s=self._retry_s()))

    def waited(self, wait_s: float, *, still_waits: bool = False) -> None:
        """Take note of how long a call that begins now has waited, or one that still does.

        The latter tells nothing until it has waited longer than the one before.
        """
        if still_waits and wait_s <= self.wait_s:
            return
        self.wait_s = wait_s
        self._floor_s = min(self._floor_s, wait_s)
        if wait_s <= self._longest_s():
            if self.is_overloaded:
                self._wary_until = self._clock() + WARY_S
            self._too_long_since, self.is_overloaded = None, False
            return
        now = self._clock()
        if self._too_long_since is None:
            self._too_long_since = now - wait_s if now < self._wary_until else now
        if now - self._too_long_since >= STANDING_S:
            self.is_overloaded = True

    def turn(self) -> bool:
        """Begin another window when it is time; whether so many call that some may have to wait.

        To be called about ten times a second, and more often while they do.
        """
        seen, self._seen = self._seen, 0
        if self._clock() >= self._window_ends:
            self._window_ends = self._clock() + WINDOW_S
            self._pressure = self._refused / max(1, self._taken)
            self._taken = self._refused = 0
            self._callers = frozenset(self._asked)
            self._spares_light = 2 * self._light_asked <= self._asked.total()
            self._light_asked = 0
            self._asked.clear()
            self._floor_before_s, self._floor_s = self._floor_s, math.inf
        return self.is_overloaded or seen + self.running >= QUIET_CALLS

    @property
    def _is_flooded(self) -> bool:
        return self.wait_s > FLOODED * self._longest_s()

    def _longest_s(self) -> float:
        floor_s = min(self._floor_s, self._floor_before_s)
        longest_s = max(self._wait_max_s, ABOVE_FLOOR * floor_s)
        return min(longest_s, STARVED * self._wait_max_s)

    def _is_too_much(self, asked: int, weight: int) -> bool:
        """Whether a call is refused in an overload: of light ones only each third.

        And none of them while batches and changes are the greater part of what is asked for: it is
        for those to give way, and what waits for its turn after an outage is changes. To refuse a
        call costs gRPC as much as to answer a light one. Whoever refused all of them would do
        nothing else, and the more were offered the fewer would be answered. So many tell clients to
        hold back.
        """
        is_due = self._is_flooded or not self._has_rivals()
        if not is_due and asked * len(self._asked) <= self._asked.total() - weight:
            return False
        if weight > 1:
            return True
        if self._spares_light and not self._is_flooded:
            return False
        self._light_calls += 1
        return self._light_calls % REFUSED_OF_LIGHT == 0

    def _has_rivals(self) -> bool:
        """Whether more than one caller called of late."""
        return len(self._asked.keys() | self._callers) > 1

    def _refusal(self, error: RpcError) -> RpcError:
        self._refused += 1
        self.shed[error.reason] += 1
        return error

    def _retry_s(self) -> float:
        """The longer the more are refused, and not the same for all."""
        longest_s = min(RETRY_FIRST_S * (1.0 + self._pressure), RETRY_MAX_S)
        return longest_s * random.uniform(0.5, 1.5)  # noqa: S311  spreads load, hides nothing
