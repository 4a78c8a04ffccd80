"""What standbys may answer before a primary has been heard of, and as of when that is right."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.replicas import LAG_MAX_S, Look
from repository.stand_in import CLOCKS_APART_MAX_S, HELD_S, StandIn
from repository.window import NO_LIFE

LIFE, OTHER = b"a life..", b"another."


def look(asked_s: float, age_s: float, life: bytes = LIFE, timeline: int = 3) -> Look:
    return Look(asked_s, 7, life, timeline, age_s)


def stand_in(now: float = 100.0) -> StandIn:
    return StandIn(lambda: now)


def test_nothing_is_right_that_no_standby_vouches_for() -> None:
    assert stand_in().as_of_s == -math.inf
    assert stand_in().life == NO_LIFE


def test_an_answer_is_right_as_of_the_heartbeat_it_contains() -> None:
    standing = stand_in()
    assert standing.takes(look(99.0, 12.5))
    assert standing.as_of_s == 86.5
    assert standing.life == LIFE


def test_who_lacks_what_another_has_is_left_out() -> None:
    standing = stand_in()
    assert standing.takes(look(99.0, 10.0))
    assert standing.takes(look(99.0, 10.0 + LAG_MAX_S))
    assert not standing.takes(look(99.0, 10.1 + LAG_MAX_S))
    assert standing.as_of_s == 89.0 - LAG_MAX_S


def test_a_beat_from_the_future_proves_nothing() -> None:
    standing = stand_in()
    assert not standing.takes(look(99.0, -CLOCKS_APART_MAX_S - 0.1))
    assert standing.takes(look(99.0, -CLOCKS_APART_MAX_S)), "the clocks are not that exact"
    assert standing.as_of_s == 99.0, "and never right as of later than it was asked"


def test_the_latest_life_counts_and_no_other() -> None:
    standing = stand_in()
    assert standing.takes(look(99.0, 0.0))
    assert not standing.takes(look(99.0, 0.0, OTHER, timeline=2)), "a former one"
    assert standing.takes(look(99.0, 40.0, OTHER, timeline=4)), "however old its heartbeat"
    assert standing.as_of_s == 59.0
    assert not standing.takes(look(99.0, 0.0)), "the one before is undone"
    assert not standing.takes(look(99.0, 0.0, b"no third", timeline=4)), "nor is another of as late"


def test_what_was_seen_long_ago_vouches_no_more() -> None:
    now = 100.0
    standing = StandIn(lambda: now)
    assert standing.takes(look(99.0, 0.0))
    now = 99.0 + HELD_S + 0.1
    assert standing.as_of_s == -math.inf


def test_a_standby_that_was_ahead_and_is_gone_keeps_nobody_out() -> None:
    now = 100.0
    standing = StandIn(lambda: now)
    assert standing.takes(look(now, 0.0))
    assert not standing.takes(look(now, 20.0))
    now += HELD_S + 0.1
    assert standing.takes(look(now, 20.0))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100), st.booleans()), max_size=30))
def test_what_is_said_is_never_later_than_what_the_standby_had(
    steps: list[tuple[float, float, bool]],
) -> None:
    """Whatever standby answered within the last seconds, and whoever has been looked at since."""
    now, had = 100.0, dict[bool, list[tuple[float, float]]]()
    standing = StandIn(lambda: now)
    for pause_s, age_s, which in steps:
        now += pause_s
        if standing.takes(look(now, age_s)):
            had.setdefault(which, []).append((now, now - age_s))
    for looks in had.values():
        for asked_s, as_of_s in looks:
            assert asked_s < now - HELD_S or standing.as_of_s <= as_of_s


@pytest.mark.parametrize("held", [True, False])
def test_an_answer_read_before_the_latest_look_is_covered(
    held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control, without holding looks: the claim is later than what was read."""
    if not held:
        monkeypatch.setattr("repository.stand_in.HELD_S", 0.0)
    now = 100.0
    standing = StandIn(lambda: now)
    assert standing.takes(look(now, 50.0))
    read_as_of_s = 50.0
    now = 100.5
    assert standing.takes(look(now, 0.0))
    assert (standing.as_of_s <= read_as_of_s) is held
