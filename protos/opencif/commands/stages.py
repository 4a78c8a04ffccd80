"""Where the time of a command that streams a file goes, on this side. Prints nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stages:
    """Where the time of a run goes on this side: what is not spent here is waiting."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._began_cpu = time.process_time()
        self._spent = dict.fromkeys(("reading", "writing"), 0.0)

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Counts a block for a stage."""
        began = time.perf_counter()
        yield
        self._spent[stage] += time.perf_counter() - began

    def read(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces of the file, whose reading is counted."""
        while True:
            with self.during("reading"):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    @property
    def elapsed_s(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self._began

    def told(self) -> dict[str, float]:
        """Seconds of each stage, which add up to those elapsed; and of processor time, besides."""
        waiting = self.elapsed_s - sum(self._spent.values())
        return self._spent | {"waiting": waiting, "cpu": time.process_time() - self._began_cpu}
