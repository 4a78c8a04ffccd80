"""Who waits for a flight hears of what concerns them, when it does."""

import asyncio
import time

import pytest

from repository.errors import TimedOut, Unavailable
from repository.flight import Flight
from repository.record import Entry
from repository.values import Cached, Hits

A, B = b"a" * 16, b"b" * 16
FOUND = Entry(1, 1, b"sealed", b"")


async def aboard(flight: Flight, *waits: tuple[bytes, ...]) -> list[asyncio.Task[None]]:
    """Callers who wait for these ids."""
    callers = [asyncio.create_task(flight.bring(ids, None)) for ids in waits]
    await asyncio.sleep(0)
    return callers


async def test_what_is_found_early_is_handed_out_early() -> None:
    flight = Flight()
    first, second, both = await aboard(flight, (A, A), (B,), (A, B))
    flight.hand_out({A: FOUND})
    await first
    assert [second.done(), both.done()] == [False, False]
    await flight.bring([A], None)  # and to who comes later
    flight.complete({A: FOUND, B: FOUND})
    flight.land()
    await asyncio.gather(second, both)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_what_the_cache_gave_goes_to_a_lone_caller_as_it_came_and_to_several_by_id(
    *, is_shared: bool
) -> None:
    flight, ids = Flight(), [A, B]
    flight.alone = ids
    entries = [Cached(version, 9, b"open", b"") for version in (1, 2)]
    if is_shared:
        flight.join(None)
    waiting = await aboard(flight, ids, (B,))  # type: ignore[arg-type]  # the very list
    flight.complete(Hits(ids, entries))
    flight.land()
    await asyncio.gather(*waiting)
    assert (flight.brought(ids) is entries) is not is_shared
    assert flight.brought(ids) == entries
    assert flight.brought([B, A, B]) == [entries[1], entries[0], entries[1]]
    assert flight.found == {A: entries[0], B: entries[1]}


async def test_a_failure_is_not_for_those_who_have_all_they_wait_for() -> None:
    flight = Flight()
    first, second = await aboard(flight, (A,), (B,))
    flight.hand_out({A: FOUND})
    flight.fail(Unavailable("gone"))  # before the first has come to its turn
    flight.land()
    await first
    for waiting in (second, flight.bring([B], None)):
        with pytest.raises(Unavailable):
            await waiting


async def test_a_shared_failure_does_not_grow_with_those_who_raise_it() -> None:
    flight = Flight()
    with pytest.raises(Unavailable) as gone:
        raise Unavailable("gone")
    flight.fail(gone.value)
    flight.land()
    depths = []
    for _ in range(3):
        with pytest.raises(Unavailable) as raised:
            await flight.bring([A], None)
        depths.append(len(raised.traceback))
    assert len(set(depths)) == 1


async def test_a_wait_ends_at_its_own_deadline_or_with_its_own_cancellation() -> None:
    flight = Flight()
    (leaving,) = await aboard(flight, (A,))
    leaving.cancel()
    with pytest.raises(TimedOut):
        await flight.bring([A], time.monotonic() + 0.01)
    (staying,) = await aboard(flight, (A,))
    flight.complete({A: FOUND})
    flight.land()
    await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await flight.bring([A], time.monotonic() - 1)  # what is there needs no time


async def test_whoever_has_less_time_than_those_before_is_told_first() -> None:
    flight, now = Flight(), time.monotonic()
    patient, hasty, late = [
        asyncio.create_task(flight.bring([A], now + seconds)) for seconds in (60.0, 0.01, 0.03)
    ]
    with pytest.raises(TimedOut):
        await hasty
    assert (patient.done(), late.done()) == (False, False)
    with pytest.raises(TimedOut):
        await late
    assert not patient.done()
    flight.complete({A: FOUND})
    flight.land()
    await patient


@pytest.mark.parametrize(
    ("deadlines", "latest"), [([1.0, 3.0, 2.0], 3.0), ([1.0, None, 2.0], None), ([None], None)]
)
def test_a_flight_is_allowed_the_time_of_the_most_patient(
    deadlines: list[float | None], latest: float | None
) -> None:
    flight = Flight()
    for deadline in deadlines:
        flight.allow(deadline)
    assert flight.deadline == latest
