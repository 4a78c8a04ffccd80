"""A simulation's time and turns: real servers answer, one call at a time, and nobody waits.

Owns the clock that the whole process reads meanwhile, and who goes next; must not know what a call
does.
"""

import asyncio
import contextlib
import os
import random
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any, Final, TypeVar
from unittest import mock

__all__ = ["ACTOR", "SimulationStuck", "Turns", "loop_of"]

ACTOR: Final[ContextVar[str]] = ContextVar("ACTOR", default="")
"""In whose name something is done: what is set off in the background is done in it too."""

_EPOCH_NS: Final = 1_790_000_000_000_000_000
_FIRST_S: Final = float(2**21)
"""All times until twice as late are rounded alike, to half of what an event loop tells apart: which
whole second a seed begins with changes nothing."""
_LOOK_S: Final = 0.001
_LOOK_MAX_S: Final = 0.016
_LOOKS_MAX: Final = 6_000  # counted, not timed: whoever is stopped for a while is not stuck

T = TypeVar("T")
Events = list[tuple[selectors.SelectorKey, int]]
Select = Callable[[float | None], Events]


class SimulationStuck(Exception):
    """Nothing can go on: a call never ended, or somebody waits for what nobody does."""


class Turns:
    """Who goes next, by chance from a seed, and what time it is.

    A call asks for its turn before it goes out. When nothing in the process can go on, one of those
    that ask is let go; when nobody asks, the clock goes on to the next timer. While a call is under
    way the clock stands still, unless the call waits for a lock: `is_blocked` asks the database
    whether the server process with this number does.
    """

    def __init__(self, is_blocked: Callable[[int], bool]) -> None:
        self.now_s = _FIRST_S
        self.is_settling: Callable[[], bool] = lambda: False
        self._is_blocked = is_blocked
        self._random = random.Random(0)  # noqa: S311 - chance, no secret
        self._asking: list[tuple[str, int, asyncio.Future[None]]] = []
        self._asked = 0
        self._under_way: dict[object, int | None] = {}

    @contextlib.contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Within the block all chance of this process follows from the seed, and time is ours."""
        self._random = random.Random(f"turns/{seed}")  # noqa: S311 - chance, no secret
        self._asked = 0
        self.now_s = float(int(self.now_s) + 1)
        began_s = self.now_s
        entropy = random.Random(f"entropy/{seed}")  # noqa: S311 - nothing real is sealed meanwhile
        jitter = random.getstate()
        random.seed(f"jitter/{seed}")

        def worked_s() -> float:
            """All of its time in every other seed, in which reads then keep their distance."""
            return self.now_s if seed % 2 else 0.0

        def now_ns() -> int:
            return _EPOCH_NS + int((self.now_s - began_s) * 1e9)

        with (
            mock.patch.object(os, "urandom", entropy.randbytes),
            mock.patch.object(time, "time_ns", now_ns),
            mock.patch.object(time, "thread_time", worked_s),
        ):
            try:
                yield
            finally:
                random.setstate(jitter)

    async def turn(self, place: str) -> None:
        """Wait until it is this call's turn."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked += 1
        self._asking.append((f"{ACTOR.get()} {place}", self._asked, future))
        await future

    @contextlib.contextmanager
    def under_way(self, process: int | None = None) -> Iterator[None]:
        """Round a call that waits for a server, `process` being its number where it has locks."""
        key = object()
        self._under_way[key] = process
        try:
            yield
        finally:
            del self._under_way[key]

    def wait(self, select: Select, timeout: float | None) -> Events:
        """What the event loop is given when it has nothing left to do."""
        if (events := self._until_still(select)) or self._let_go():
            return events
        if events := select(0):
            return events
        if timeout is None:
            return self._last_resort(select)
        self.now_s += timeout
        return []

    def _until_still(self, select: Select) -> Events:
        """Wait for an answer; nothing when all that is under way waits for a lock."""
        for look in range(_LOOKS_MAX):
            if not self._under_way and not self.is_settling():
                return []
            if events := select(_LOOK_S * 2 ** min(look, 4)):
                return events
            if not self.is_settling() and all(map(self._waits_for_lock, self._under_way.values())):
                return select(0)
        raise SimulationStuck("a call is not answered")

    def _waits_for_lock(self, process: int | None) -> bool:
        return process is not None and self._is_blocked(process)

    def _let_go(self) -> bool:
        """Let one of those go who ask; whether there was any."""
        self._asking = [one for one in self._asking if not one[2].done()]
        if not self._asking:
            return False
        self._asking.sort(key=lambda one: one[:2])
        self._asking.pop(self._random.randrange(len(self._asking)))[2].set_result(None)
        return True

    def _last_resort(self, select: Select) -> Events:
        """Nobody asks and no timer runs: what comes now comes from a server by itself."""
        for _ in range(_LOOKS_MAX):
            if events := select(_LOOK_MAX_S):
                return events
        raise SimulationStuck("nothing is left that could happen")


class _Selector(selectors.DefaultSelector):
    """Asks the turns when the loop has nothing to do, and lets no answer in between."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def select(self, timeout: float | None = None) -> Events:
        if timeout is not None and timeout <= 0:
            return []
        return self._turns.wait(super().select, timeout)


@contextlib.contextmanager
def loop_of(turns: Turns) -> Iterator[Callable[[Coroutine[Any, Any, T]], T]]:
    """What runs a coroutine on an event loop that keeps the turns; all read their clock then."""

    def make() -> asyncio.AbstractEventLoop:
        return asyncio.SelectorEventLoop(_Selector(turns))

    def now() -> float:
        return turns.now_s

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        with mock.patch.object(time, "monotonic", now):
            return runner.run(coroutine)

    with asyncio.Runner(loop_factory=make) as runner:
        yield run
