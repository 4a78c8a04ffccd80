"""A worker as a model, offered more than it can do: what it answers in time, second by second.

The queue is gRPC's (first in, first out, given up after a second), the prices are those of a real
worker, the admission and the client's restraint are the real ones. No time is measured.
"""

import random
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import pytest

from opencif.restraint import Restraint
from server.admission import Admission
from server.errors import RpcError
from server.queue_probe import CALM_S, LATE_S, SOON_S

IN_TIME_S = 1.0
GIVEN_UP_S = 1.0  # gRPC's server_max_unrequested_time_in_server
GIVING_UP_S = 0.00002
SECONDS = 18


@dataclass(slots=True)
class Kind:
    """What is called: its price, and what it weighs."""

    price_s: float
    weight: int
    refusing_s: float = 0.0002

    @property
    def peak_s(self) -> float:
        return 1.0 / self.price_s


BATCH = Kind(0.004, 21)
LIGHT = Kind(0.00035, 1)
CHEAP_BATCH = Kind(0.0015, 21, refusing_s=0.0004)  # of short rows, behind a balancer


class Worker:
    """One event loop, one queue before it. `is_starved` is a machine that lets everything wait."""

    def __init__(
        self, kind: Kind, *, admits: bool = True, restrains: bool = False, starved_s: float = 0.0
    ) -> None:
        self.now = 0.0
        self._kind = kind
        self._starved_s = starved_s
        self._admission = Admission(1_000, clock=lambda: self.now) if admits else None
        dice = random.Random(7420).random
        self._restraint = Restraint(lambda: self.now, dice) if restrains else None
        self._queue: deque[float] = deque()  # when each call came; the probe's is negative
        self._probe_at: float | None = None
        self._next_probe = 0.0
        self.good = [0] * SECONDS

    def run(self, times: float) -> list[int]:
        """Offer so many times what it can do; how many it answers in time, each second."""
        every_s = self._kind.price_s / times
        due = 0.0
        while self.now < SECONDS:
            while due <= self.now:
                if self._restraint is None or self._restraint.lets_go():
                    self._queue.append(due)
                due += every_s
            self._look()
            if self._queue:
                self._take(self._queue.popleft())
            else:
                self.now = max(self.now, min(due, self._next_probe))
        return self.good

    def _look(self) -> None:
        """What the probe does."""
        if self._admission is None:
            return
        if self._probe_at is not None:
            self._note(still_waits=True)
        elif self.now >= self._next_probe:
            if self._admission.turn():
                self._probe_at = self.now
                self._queue.append(-1.0)
            else:
                self._admission.waited(0.0)
                self._next_probe = self.now + CALM_S

    def _note(self, *, still_waits: bool) -> None:
        assert self._admission is not None
        assert self._probe_at is not None
        wait_s = self.now - self._probe_at + self._starved_s
        self._admission.waited(wait_s, still_waits=still_waits)

    def _take(self, came: float) -> None:
        if came < 0.0:
            self._note(still_waits=False)
            self._probe_at = None
            assert self._admission is not None
            is_late = self._admission.wait_s > LATE_S
            self._next_probe = self.now + (SOON_S if is_late else CALM_S)
        elif self.now - came > GIVEN_UP_S:
            self.now += GIVING_UP_S
            self._tell(taken=False)
        elif self._is_let_in():
            self.now += self._kind.price_s
            self._tell(taken=True)
            if self.now - came <= IN_TIME_S and self.now < SECONDS:
                self.good[int(self.now)] += 1
        else:
            self.now += self._kind.refusing_s
            self._tell(taken=False)

    def _is_let_in(self) -> bool:
        if self._admission is None:
            return True
        with suppress(RpcError):
            self._admission.enter("caller", self._kind.weight)
            self._admission.leave("caller", self._kind.weight)
            return True
        return False

    def _tell(self, *, taken: bool) -> None:
        if self._restraint is not None:
            if taken:
                self._restraint.taken()
            else:
                self._restraint.refused()


def share(good: list[int], kind: Kind, after_s: int = 1) -> float:
    """Of the peak, from so many seconds on."""
    later = good[after_s:]
    return sum(later) / len(later) / kind.peak_s


@pytest.mark.parametrize("times", [1.2, 2, 3, 4])
def test_of_batches_four_fifths_of_the_peak_are_answered_in_time(times: float):
    assert share(Worker(BATCH).run(times), BATCH) >= 0.8


@pytest.mark.parametrize("times", [2, 3])
def test_of_light_calls_too_when_their_callers_have_learnt_to_hold_back(times: float):
    good = Worker(LIGHT, restrains=True).run(times)
    assert share(good, LIGHT, after_s=6) >= 0.8


@pytest.mark.parametrize("times", [2, 3, 4])
def test_that_callers_hold_back_does_not_harm_batches(times: float):
    assert share(Worker(BATCH, restrains=True).run(times), BATCH) >= 0.8


def test_where_refusing_takes_nearly_all_time_the_rest_of_it_is_not_lost_too():
    """Three refusals cost as much as what is left; a fifth of the peak is little, but no collapse.

    While a queue that never empties counted as a slow machine, it was nothing from some second on.
    """
    assert share(Worker(CHEAP_BATCH).run(3), CHEAP_BATCH, after_s=9) >= 0.2


@pytest.mark.parametrize("times", [2, 3, 4])
def test_nor_where_callers_hold_back(times: float):
    good = Worker(CHEAP_BATCH, restrains=True).run(times)
    assert share(good, CHEAP_BATCH, after_s=2) >= 0.8


@pytest.mark.parametrize("kind", [BATCH, LIGHT])
def test_without_admission_what_is_answered_comes_too_late(kind: Kind):
    """The control."""
    assert share(Worker(kind, admits=False).run(3), kind) < 0.5


@pytest.mark.parametrize("kind", [BATCH, LIGHT])
@pytest.mark.parametrize("times", [0.3, 0.9])
def test_below_its_peak_a_worker_turns_nobody_away(kind: Kind, times: float):
    assert share(Worker(kind).run(times), kind) >= 0.98 * times


def test_a_machine_that_lets_everything_wait_is_no_overload():
    """Turning calls away helps where calls wait for calls, and nowhere else."""
    assert share(Worker(BATCH, starved_s=0.4).run(0.9), BATCH) >= 0.8 * 0.9
