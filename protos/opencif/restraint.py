"""What a client does about an address that turns calls away: it repeats few, and asks for less.

Knows only what came of attempts, not what they are.
"""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP: Final = 0.02
_REFUSED_SHARE: Final = 0.1
"""Of what is sent to an overloaded address about so much is refused: enough to tell that it is."""
_HELD_BACK_MAX: Final = 0.95
_FORGOTTEN_S: Final = 2.0
_REPEATS_MAX: Final = 10.0
_REPEATS_EARNED: Final = 0.1


class Restraint:
    """How much of what is wanted of one address is sent: all, until it turns much of it away.

    Part of the attempts is held back by chance, a larger one with each that is refused, a smaller
    one with each that is taken and with time. What is not sent costs the other side nothing.
    Repetitions of what was refused are earned by what is taken, one by ten.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._dice = dice
        self._held_back = 0.0  # the part
        self._at = clock()
        self._repeats = _REPEATS_MAX

    def lets_go(self) -> bool:
        """Whether an attempt is to be sent; `taken` or `refused` tells what came of it."""
        if not self._held_back:
            return True
        now = self._clock()
        self._held_back *= math.exp((self._at - now) / _FORGOTTEN_S)
        self._at = now
        return self._dice() >= self._held_back

    def taken(self) -> None:
        """Note an attempt that was not turned away."""
        self._repeats = min(self._repeats + _REPEATS_EARNED, _REPEATS_MAX)
        if self._held_back:
            less = _STEP * _REFUSED_SHARE / (1.0 - _REFUSED_SHARE)
            self._held_back = max(0.0, self._held_back - less)

    def refused(self) -> None:
        """Note an attempt that was turned away because there were too many."""
        if not self._held_back:
            self._at = self._clock()
        self._held_back = min(self._held_back + _STEP, _HELD_BACK_MAX)

    def may_repeat(self) -> bool:
        """Whether there is room for repeating what was turned away; it is taken up."""
        if self._repeats < 1.0:
            return False
        self._repeats -= 1.0
        return True
