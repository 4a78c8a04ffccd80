"""Reads keep their distance while the thread is busy, and only then."""

from itertools import pairwise

import pytest

from repository.headway import BUSY_FROM, HEADWAY_S, LOOK_S, Headway


class Clocks:
    """A thread that works a part of its time."""

    def __init__(self, part: float) -> None:
        self.part = part
        self.now_s = self.worked_s = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds
        self.worked_s += seconds * self.part


def headway_of(clocks: Clocks) -> Headway:
    return Headway(lambda: clocks.now_s, lambda: clocks.worked_s)


def left(clocks: Clocks, *, every_s: float, count: int) -> list[float]:
    """When reads leave that are asked for at regular times, from the first look on."""
    headway = headway_of(clocks)
    clocks.pass_by(LOOK_S)
    times = []
    for _ in range(count):
        times.append(clocks.now_s + headway.leave())
        clocks.pass_by(every_s)
    return times


def test_a_busy_thread_has_them_leave_at_a_distance():
    times = left(Clocks(BUSY_FROM), every_s=HEADWAY_S / 4, count=9)
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == pytest.approx([HEADWAY_S] * 8)


def test_one_that_is_far_behind_the_one_before_leaves_at_once():
    clocks = Clocks(1.0)
    assert left(clocks, every_s=2 * HEADWAY_S, count=5) == pytest.approx(
        [LOOK_S + 2 * HEADWAY_S * at for at in range(5)]
    )


def test_with_time_to_spare_every_one_leaves_at_once():
    clocks = Clocks(BUSY_FROM * 0.9)
    headway = headway_of(clocks)
    for _ in range(100):
        assert headway.leave() == 0.0
        clocks.pass_by(HEADWAY_S / 10)


def test_what_a_thread_was_it_need_not_stay():
    clocks = Clocks(1.0)
    headway = headway_of(clocks)
    clocks.pass_by(LOOK_S)
    assert [headway.leave(), headway.leave()] == pytest.approx([0.0, HEADWAY_S])
    clocks.part = 0.0
    clocks.pass_by(LOOK_S)
    assert (headway.leave(), headway.leave()) == (0.0, 0.0)
