"""Who is let in: by slots, by shares, and by how long calls wait before they begin."""

import random
from collections import Counter
from contextlib import ExitStack, suppress

import pytest

from server.admission import QUIET_CALLS, STANDING_S, WARY_S, WINDOW_S, Admission, weight_of
from server.errors import ResourceExhausted, RpcError, Unavailable

WAIT_MAX_S = 0.1
BATCH = 21


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def admission(clock: Clock, slots: int = 100, share: float = 0.5) -> Admission:
    return Admission(slots, share=share, wait_max_s=WAIT_MAX_S, clock=clock)


def overload(one: Admission, clock: Clock, wait_s: float = 2 * WAIT_MAX_S) -> None:
    one.waited(wait_s)
    clock.now += STANDING_S
    one.waited(wait_s)


class TestSlots:
    def test_as_many_as_there_are_slots_are_let_in(self, clock: Clock):
        one = admission(clock, slots=2)
        one.enter("a")
        one.enter("a")
        with pytest.raises(ResourceExhausted, match="OVERLOADED"):
            one.enter("a")
        one.leave("a")
        one.enter("a")
        assert one.running == 2
        assert one.shed == {"OVERLOADED": 1}

    def test_a_batch_weighs_more_than_a_call(self, clock: Clock):
        assert weight_of() == weight_of(items=49) == weight_of(size_bytes=100) == 1
        assert weight_of(changes=True) == 4
        assert weight_of(items=1_000) == weight_of(size_bytes=20 * 2048) == 21
        one = admission(clock, slots=50)
        one.enter("a", 21)
        one.enter("a", 21)
        with pytest.raises(ResourceExhausted):
            one.enter("a", 21)
        one.enter("a", 8)

    def test_what_weighs_more_than_all_slots_is_let_in_alone(self, clock: Clock):
        one = admission(clock, slots=4)
        one.enter("a", 21)
        with pytest.raises(ResourceExhausted):
            one.enter("a")
        one.leave("a", 21)
        assert one.running == 0

    def test_changes_leave_slots_for_reads(self, clock: Clock):
        """Without a primary they wait where they are, and replicas answer reads."""
        one = admission(clock, slots=8)
        one.enter("a", 4, changes=True)
        with pytest.raises(ResourceExhausted, match="OVERLOADED"):
            one.enter("a", 4, changes=True)
        one.enter("a", 4)
        one.leave("a", 4, changes=True)
        one.enter("a", 4, changes=True)

    def test_a_draining_worker_lets_nobody_in(self, clock: Clock):
        one = admission(clock)
        one.draining = True
        with pytest.raises(Unavailable, match="SHUTTING_DOWN"):
            one.enter("a")
        assert one.refusal().reason == "SHUTTING_DOWN"


class TestShares:
    def test_alone_a_caller_may_have_all_slots(self, clock: Clock):
        one = admission(clock, slots=4)
        for _ in range(4):
            one.enter("a")

    def test_while_others_call_it_may_have_its_share(self, clock: Clock):
        one = admission(clock, slots=4)
        one.enter("b")
        one.enter("a")
        one.enter("a")
        with pytest.raises(ResourceExhausted, match="CALLER_SHARE"):
            one.enter("a")
        one.enter("b")
        assert one.shed == {"CALLER_SHARE": 1}

    def test_who_finds_all_slots_taken_gets_them_as_they_become_free(self, clock: Clock):
        one = admission(clock, slots=4)
        for _ in range(4):
            one.enter("a")
        with pytest.raises(ResourceExhausted):
            one.enter("b")
        one.leave("a")
        with pytest.raises(ResourceExhausted):
            one.enter("a")
        one.enter("b")

    def test_others_count_until_they_have_not_called_for_a_while(self, clock: Clock):
        one = admission(clock, slots=4)
        one.enter("b")
        one.leave("b")
        for _ in range(2):
            clock.now += WINDOW_S
            one.turn()
        for _ in range(4):
            one.enter("a")

    def test_streams_leave_slots_for_callers_that_have_yet_to_come(self, clock: Clock):
        """They may last for hours: no slot of theirs would become free."""
        one = admission(clock, slots=4)
        with ExitStack() as opened:
            for _ in range(2):
                one.enter("a")
                opened.enter_context(one.stream("a"))
            one.enter("a")
            with pytest.raises(ResourceExhausted, match="CALLER_SHARE"):
                opened.enter_context(one.stream("a"))
            one.leave("a")
            one.enter("b")
            opened.enter_context(one.stream("b"))
        one.leave("a")
        with one.stream("a"):
            assert one.shed == {"CALLER_SHARE": 1}

    def test_one_call_of_a_caller_may_always_run(self, clock: Clock):
        one = admission(clock, slots=40, share=0.1)
        one.enter("b")
        one.enter("a", 21)
        one.leave("a", 21)
        one.enter("a", 21)


class TestWaits:
    def test_calls_are_turned_away_once_they_have_waited_too_long_for_a_while(self, clock: Clock):
        one = admission(clock)
        one.waited(0.15)
        one.enter("a")
        clock.now += STANDING_S
        one.waited(0.15)
        with pytest.raises(ResourceExhausted, match="OVERLOADED"):
            one.enter("a", BATCH)
        assert one.is_overloaded

    def test_one_long_wait_is_what_queued_up_for_an_event(self, clock: Clock):
        """As when a database is back, and all who waited for it go on at once."""
        one = admission(clock)
        one.waited(2 * WAIT_MAX_S + STANDING_S)
        assert not one.is_overloaded

    def test_but_not_where_there_was_an_overload_of_late(self, clock: Clock):
        one = admission(clock)
        overload(one, clock)
        one.waited(WAIT_MAX_S)
        clock.now += WARY_S / 2
        one.waited(2 * WAIT_MAX_S + STANDING_S)
        assert one.is_overloaded

    def test_one_short_wait_says_that_the_queue_was_empty(self, clock: Clock):
        one = admission(clock)
        for _ in range(20):
            clock.now += 0.1
            one.waited(0.15)
            clock.now += 0.1
            one.waited(0.01)
            one.enter("a")
        assert not one.shed

    def test_the_first_short_wait_ends_it(self, clock: Clock):
        one = admission(clock)
        overload(one, clock)
        one.waited(WAIT_MAX_S)
        one.enter("a", BATCH)

    def test_who_asks_for_less_than_others_is_let_in(self, clock: Clock):
        one = admission(clock)
        one.enter("quiet")
        for _ in range(10):
            one.enter("loud")
        overload(one, clock)
        with pytest.raises(ResourceExhausted, match="OVERLOADED"):
            one.enter("loud", BATCH)
        one.enter("quiet", BATCH)

    def test_of_equals_about_half_are_let_in(self, clock: Clock):
        one = admission(clock, slots=100_000)
        overload(one, clock)
        let_in: Counter[str] = Counter()
        dice = random.Random(7420)
        for _ in range(1_000):
            caller = dice.choice("ab")
            with suppress(RpcError):
                one.enter(caller, BATCH)
                let_in[caller] += 1
        assert 300 < let_in.total() < 700
        assert min(let_in.values()) > 100

    def test_nobody_is_when_the_wait_grows_all_the_same(self, clock: Clock):
        one = admission(clock)
        one.enter("quiet")
        one.enter("loud", 10)
        overload(one, clock, wait_s=5 * WAIT_MAX_S)
        with pytest.raises(ResourceExhausted):
            one.enter("quiet", BATCH)

    def test_of_light_calls_each_third_is_refused(self, clock: Clock):
        """To refuse them all would cost as much as to answer half of them, and answer none."""
        one = admission(clock, slots=1_000)
        overload(one, clock, wait_s=5 * WAIT_MAX_S)
        let_in = 0
        for _ in range(100):
            with suppress(RpcError):
                one.enter("a")
                let_in += 1
        assert let_in == 67

    def test_none_of_them_is_while_batches_and_changes_are_most_of_what_is_asked_for(
        self, clock: Clock
    ):
        """As after an outage, when all changes come again: reads are not what is too much."""
        one = admission(clock, slots=1_000)
        for _ in range(10):
            one.enter("a")
            one.enter("a", weight_of(changes=True), changes=True)
        clock.now += WINDOW_S
        one.turn()
        overload(one, clock)
        for _ in range(100):
            one.enter("a")
        with pytest.raises(ResourceExhausted):
            one.enter("a", weight_of(changes=True), changes=True)
        overload(one, clock, wait_s=5 * WAIT_MAX_S)
        one.enter("a")
        one.enter("a")
        with pytest.raises(ResourceExhausted):
            one.enter("a")


class TestRetry:
    def refusals(self, one: Admission) -> list[float]:
        found = []
        for _ in range(200):
            error = one.refusal()
            assert error.retry_s is not None
            found.append(error.retry_s)
        return found

    def test_the_hint_is_not_the_same_for_all(self, clock: Clock):
        hints = self.refusals(admission(clock))
        assert len(set(hints)) > 100
        assert max(hints) < 0.2

    def test_it_grows_with_the_load_and_not_for_ever(self, clock: Clock):
        one = admission(clock, slots=10)
        for _ in range(10):
            one.enter("a")
        for _ in range(90):
            with suppress(RpcError):
                one.enter("a")
        clock.now += WINDOW_S
        one.turn()
        later = self.refusals(one)
        assert min(later) > 0.4
        clock.now += WINDOW_S
        one.turn()
        assert max(self.refusals(one)) <= 7.5


def test_few_calls_are_not_worth_a_look(clock: Clock):
    one = admission(clock)
    one.enter("a")
    one.leave("a")
    assert not one.turn()
    for _ in range(QUIET_CALLS):
        one.enter("a")
        one.leave("a")
    assert one.turn()
    assert not one.turn()
