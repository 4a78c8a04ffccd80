"""A client that is turned away asks for less and repeats little, and goes back to normal after."""

import random

import grpc
import pytest

from opencif import errors
from opencif.client import Client
from opencif.restraint import Restraint
from opencif.v1 import card_pb2
from tests.unit.test_client import CARD, Code, Fake, serving


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def offered(restraint: Restraint, clock: Clock, *, wanted: int, room: int, for_s: int) -> list[int]:
    """How many are sent, second by second, to a server that takes so many in each."""
    sent = [0] * for_s
    for second in range(for_s):
        for _ in range(wanted):
            clock.now += 1.0 / wanted
            if restraint.lets_go():
                sent[second] += 1
                if sent[second] > room:
                    restraint.refused()
                else:
                    restraint.taken()
    return sent


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def restraint(clock: Clock) -> Restraint:
    return Restraint(clock, random.Random(7420).random)


def test_a_server_that_takes_all_is_asked_for_all(restraint: Restraint, clock: Clock):
    assert offered(restraint, clock, wanted=300, room=300, for_s=20) == [300] * 20


@pytest.mark.parametrize("times", [2, 3, 5])
def test_an_overloaded_one_is_asked_for_little_more_than_it_takes(
    restraint: Restraint, clock: Clock, times: int
):
    sent = offered(restraint, clock, wanted=200 * times, room=200, for_s=30)[5:]
    assert 190 < sum(sent) / len(sent) < 280


def test_a_few_refusals_change_little(restraint: Restraint):
    for _ in range(3):
        restraint.refused()
    assert sum(restraint.lets_go() for _ in range(1_000)) > 800


def test_what_is_refused_in_one_go_holds_little_back(restraint: Restraint):
    """One queue that was turned away, as after an outage, is no overload that lasts."""
    for _ in range(100):
        restraint.refused()
    assert sum(restraint.lets_go() for _ in range(1_000)) > 800


def test_it_is_forgotten_when_the_overload_is_over(restraint: Restraint, clock: Clock):
    offered(restraint, clock, wanted=600, room=200, for_s=30)
    assert offered(restraint, clock, wanted=180, room=200, for_s=15)[-1] > 170


def test_who_calls_seldom_does_not_hold_back_what_is_over_since_long(
    restraint: Restraint, clock: Clock
):
    for _ in range(100):
        clock.now += 0.05
        restraint.refused()
    assert sum(restraint.lets_go() for _ in range(100)) < 20
    clock.now += 60.0
    assert all(restraint.lets_go() for _ in range(100))


def test_while_it_goes_on_time_alone_changes_nothing(restraint: Restraint, clock: Clock):
    for _ in range(100):
        clock.now += 1.0
        restraint.refused()
    assert sum(restraint.lets_go() for _ in range(1_000)) < 100


def test_however_much_was_refused_something_is_sent(restraint: Restraint):
    for _ in range(1_000):
        restraint.refused()
    assert sum(restraint.lets_go() for _ in range(1_000)) > 20


def test_repetitions_are_earned_by_what_is_taken(restraint: Restraint):
    assert sum(restraint.may_repeat() for _ in range(1_000)) == 10
    for _ in range(50):
        restraint.taken()
    assert sum(restraint.may_repeat() for _ in range(1_000)) in {4, 5}


def test_a_seconds_worth_of_repetitions_is_saved_up(restraint: Restraint, clock: Clock):
    offered(restraint, clock, wanted=60, room=60, for_s=10)
    assert 55 <= sum(restraint.may_repeat() for _ in range(1_000)) <= 61
    offered(restraint, clock, wanted=5, room=5, for_s=60)
    assert sum(restraint.may_repeat() for _ in range(1_000)) == 10


async def test_retries_do_not_multiply_an_overload() -> None:
    """A hundred calls, all of them turned away: without restraint it would be six hundred."""
    server = Fake()
    server.failures = [(Code.RESOURCE_EXHAUSTED, "OVERLOADED", 0.001)] * 1_000
    async with serving(server) as address, Client(address) as client:
        told = []
        for _ in range(100):
            with pytest.raises(errors.ResourceExhausted) as raised:
                await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
            told.append(raised.value)
    assert len(server.seen) <= 110, "ten may be repeated before anything is taken"
    assert {error.reason for error in told} == {"OVERLOADED"}
    assert all(error.retry_after_s for error in told)
    assert any("not sent" in error.message for error in told)
    assert {error.code for error in told} == {grpc.StatusCode.RESOURCE_EXHAUSTED}


async def test_other_failures_are_repeated_as_before() -> None:
    server = Fake()
    async with serving(server) as address, Client(address) as client:
        for _ in range(15):
            server.failures = [(Code.ABORTED, "CONFLICT")]
            await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    assert len(server.seen) == 30


@pytest.mark.parametrize(
    ("failure", "noted"),
    [
        ((Code.NOT_FOUND, "NOT_FOUND"), "taken"),
        ((Code.ABORTED, "CONFLICT"), "taken"),
        ((Code.RESOURCE_EXHAUSTED, "OVERLOADED", 0.001), "refused"),
        ((Code.UNAVAILABLE, "SHUTTING_DOWN"), None),
        ((Code.DEADLINE_EXCEEDED, "DEADLINE"), None),
    ],
)
async def test_what_is_refused_for_what_it_asks_is_no_overload(
    monkeypatch: pytest.MonkeyPatch, failure: tuple[object, ...], noted: str | None
) -> None:
    """Else whoever asks for much that is not there would go on holding back."""
    told: list[str] = []
    monkeypatch.setattr(Restraint, "taken", lambda _: told.append("taken"))
    monkeypatch.setattr(Restraint, "refused", lambda _: told.append("refused"))
    server = Fake()
    server.failures = [failure]
    async with serving(server) as address, Client(address, attempts=1) as client:
        with pytest.raises(errors.OpencifError):
            await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    assert told == ([noted] if noted else [])


async def test_a_repetition_that_is_not_made_takes_up_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Restraint] = []

    def may_repeat(it: Restraint) -> bool:
        asked.append(it)
        return True

    monkeypatch.setattr(Restraint, "lets_go", lambda _: True)
    monkeypatch.setattr(Restraint, "may_repeat", may_repeat)
    server = Fake()
    server.failures = [(Code.RESOURCE_EXHAUSTED, "OVERLOADED", 0.001)] * 2
    async with serving(server) as address, Client(address, attempts=2) as client:
        with pytest.raises(errors.ResourceExhausted):
            await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    assert len(server.seen) == 2
    assert len(asked) == 1
