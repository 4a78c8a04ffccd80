"""Where the time of a file's resolution goes: at any moment one stage counts. Decides nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from opencif.v1.ach_pb2 import StageTime

__all__ = ["Stage", "Stages"]


class Stage(StrEnum):
    """What a call is at, or waits for."""

    RECEIVING = "receiving"
    """Nothing to do but to wait for bytes of the file."""
    READING = "reading"
    """Records, their checks and control totals, the file's hash."""
    IDS = "ids"
    LOOKUPS = "lookups"
    """The worker's own table, and waiting for cache or database."""
    OPENING = "opening"
    """Seals of accounts that the table did not have."""
    DECIDING = "deciding"
    WRITING = "writing"
    """Results, return file and NOC file."""
    SENDING = "sending"
    """Waiting until the client takes what is written."""


class Stages:
    """Stages of one call; their times add up to the time since it was made."""

    __slots__ = ("_now", "_since_ns", "_spent_ns")

    def __init__(self) -> None:
        self._now = Stage.RECEIVING
        self._since_ns = time.perf_counter_ns()
        self._spent_ns = dict.fromkeys(Stage, 0)

    @property
    def now(self) -> Stage:
        """The stage that counts at present."""
        return self._now

    def enter(self, stage: Stage) -> Stage:
        """Count for this stage from now on; the one before."""
        before, now_ns = self._now, time.perf_counter_ns()
        self._spent_ns[before] += now_ns - self._since_ns
        self._now, self._since_ns = stage, now_ns
        return before

    @contextmanager
    def during(self, stage: Stage) -> Iterator[None]:
        """Count a block for this stage, which must not wait for anything."""
        before = self.enter(stage)
        try:
            yield
        finally:
            self.enter(before)

    def told(self) -> list[StageTime]:
        """The time of each stage until now."""
        self.enter(self._now)
        return [
            StageTime(stage=stage, duration_us=spent_ns // 1_000)
            for stage, spent_ns in self._spent_ns.items()
        ]
