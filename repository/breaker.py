"""A circuit breaker: after a run of failures the cache is left alone for a moment."""

import random
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Breaker"]

FAILURES_MAX: Final = 5
PAUSE_S: Final = 0.5


class Breaker:
    """Open after FAILURES_MAX failures in a row; then one trial per pause until one succeeds."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or time.monotonic
        self._failures = 0
        self._closed_again_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are held back now."""
        return self._failures >= FAILURES_MAX and self._clock() < self._closed_again_at

    def admits(self) -> bool:
        """Whether to call; while open, one caller per pause is let through as a trial."""
        if self._failures < FAILURES_MAX:
            return True
        if self._clock() < self._closed_again_at:
            return False
        self._pause()
        return True

    def succeeded(self) -> None:
        """Note a call that was answered in time."""
        self._failures = 0

    def failed(self) -> None:
        """Note a call that was not."""
        self._failures += 1
        if self._failures == FAILURES_MAX:
            self._pause()

    def _pause(self) -> None:
        spread = random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries of many workers
        self._closed_again_at = self._clock() + PAUSE_S * spread
