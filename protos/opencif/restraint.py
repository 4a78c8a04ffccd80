"""What a client does where its calls are turned away: it repeats few, and asks for less.

Knows only what came of attempts, not what they are.
"""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RISE_S: Final = 0.5
"""By so much a second the part that is held back grows while all that is sent is refused."""
_STEP_MAX: Final = 0.05
_AT_ONCE_MAX: Final = 0.1
"""So much it grows at once, however many are refused in one go: that may have been one queue."""
_FALL: Final = 0.03
"""What is taken lets the part fall by so much of that: about so many in a hundred stay refused,
enough to tell that there is an overload."""
_FALL_AFTER: Final = 0.2
_AFTER_S: Final = 2.0
"""Without a refusal for so long it falls faster."""
_HELD_BACK_MAX: Final = 0.95
_FORGOTTEN_S: Final = 10.0
"""After so long more it is over, however little was sent: only what is sent can be taken, and who
calls once a minute would hold back for hours."""
_MEMORY_S: Final = 1.0
_REPEATS_MIN: Final = 10.0
"""So many may be saved up however little is sent; else as many as came to something in a second: a
queue that is turned away in one go, as after an outage, is then asked once more as a whole."""
_REPEATS_EARNED: Final = 0.1


class Restraint:
    """How much of what is wanted of an address is sent: all, until it turns much of it away.

    Part of the attempts is held back by chance, a larger one with each that is refused, a smaller
    one with each that is taken. What is not sent costs the other side nothing. Repetitions of what
    was refused are earned by what is taken, one by ten, and saved up: a second's worth.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._dice = dice
        self._held_back = 0.0  # the part
        self._told = 0.0  # how many attempts came to something in the last second, about
        self._told_at = self._refused_at = clock()
        self._room = _AT_ONCE_MAX
        self._repeats = _REPEATS_MIN

    def lets_go(self) -> bool:
        """Whether an attempt is to be sent; `taken` or `refused` tells what came of it."""
        if not self._held_back:
            return True
        calm_s = self._clock() - self._refused_at - _AFTER_S
        self._held_back = max(0.0, min(self._held_back, 1.0 - calm_s / _FORGOTTEN_S))
        return self._dice() >= self._held_back

    def taken(self) -> None:
        """Note an attempt that was not turned away."""
        step = self._step()
        saved_max = max(_REPEATS_MIN, self._told)
        if self._repeats < saved_max:
            self._repeats = min(self._repeats + _REPEATS_EARNED, saved_max)
        if self._held_back:
            is_over = self._told_at - self._refused_at > _AFTER_S
            fall = _FALL_AFTER if is_over else _FALL
            self._held_back = max(0.0, self._held_back - fall * step)

    def refused(self) -> None:
        """Note an attempt that was turned away because there were too many."""
        rise = self._step()
        self._room = min(self._room + _RISE_S * (self._told_at - self._refused_at), _AT_ONCE_MAX)
        rise = min(rise, self._room)
        self._room -= rise
        self._held_back = min(self._held_back + rise, _HELD_BACK_MAX)
        self._refused_at = self._told_at

    def may_repeat(self) -> bool:
        """Whether there is room for repeating what was turned away; it is taken up."""
        if self._repeats < 1.0:
            return False
        self._repeats -= 1.0
        return True

    def _step(self) -> float:
        """How much one attempt changes: many a second change as much as few."""
        now = self._clock()
        self._told = self._told * math.exp((self._told_at - now) / _MEMORY_S) + 1.0
        self._told_at = now
        return min(_RISE_S * _MEMORY_S / self._told, _STEP_MAX)
