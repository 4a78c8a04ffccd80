"""Who asks in one turn of the event loop asks together, and meets nobody else's fate."""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from repository.errors import TimedOut, Unavailable
from repository.flight import Flight
from repository.headway import Headway
from repository.reading import FEW, Consistency, Freshness
from repository.record import IDS_MAX, Entry, Kind, Rows
from repository.values import Hits
from tests.contract.stand import (
    ACCOUNT,
    HeldStore,
    Stand,
    key_of,
    raw,
    segment,
    some_id,
    statements,
)

FULLY = Consistency.FULLY_CONSISTENT


@contextmanager
def cache_reads(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many ids each read of the cache asked for."""
    assert stand.cache is not None
    get_many, asked = stand.cache.get_many, list[int]()

    async def counting(kind: int, ids: Sequence[bytes]) -> Hits | None:
        asked.append(len(ids))
        return await get_many(kind, ids)

    with monkeypatch.context() as patched:
        patched.setattr(stand.cache, "get_many", counting)
        yield asked


def read(
    stand: Stand,
    *ids: bytes,
    freshness: Freshness = Consistency.MINIMIZE_LATENCY,
    within_s: float | None = None,
) -> asyncio.Task[list[Entry]]:
    """A caller of its own."""
    deadline = None if within_s is None else time.monotonic() + within_s
    return asyncio.create_task(stand.reader.get_many(ACCOUNT, ids, freshness, deadline=deadline))


async def test_callers_of_one_turn_share_a_read_of_the_cache_and_a_statement(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [some_id() for _ in range(32)]
    await stand.create(*known)
    unknown = [some_id() for _ in range(32)]
    wanted = [pair for both in zip(known, unknown, strict=True) for pair in both]
    with cache_reads(stand, monkeypatch) as asked, statements(stand, 1):
        answers = await asyncio.gather(*(read(stand, id_) for id_ in wanted))
    assert asked == [64]
    assert [answer[0].operational for answer in answers] == [
        b"" if id_ in unknown else segment(id_, 1) for id_ in wanted
    ]


async def test_each_caller_gets_what_it_asked_for_in_its_order(any_stand: Stand) -> None:
    a, b, c = ids = [some_id() for _ in range(3)]
    await any_stand.create(*ids)
    await any_stand.halfway()
    asked = [(a, b, c), (c, b, a), (b, b), (c, a, c, some_id()), (b,)]
    answers = await asyncio.gather(*(read(any_stand, *each) for each in asked))
    told = {id_: segment(id_, 1) for id_ in ids}
    assert [[entry.operational for entry in answer] for answer in answers] == [
        [told.get(id_, b"") for id_ in each] for each in asked
    ]


async def test_kinds_are_read_apart(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_, kind=Kind.CARD)
    with statements(stand, 1):
        account, card = await asyncio.gather(
            stand.reader.get_many(ACCOUNT, [id_]), stand.reader.get_many(Kind.CARD, [id_])
        )
    assert [account[0].version, card[0].version] == [0, 1]


async def test_a_full_read_leaves_and_what_comes_after_takes_the_next(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [[some_id() for _ in range(FEW)] for _ in range(IDS_MAX // FEW + 1)]
    with cache_reads(stand, monkeypatch) as asked, statements(stand, 3):
        answers = await asyncio.gather(
            *(read(stand, *part) for part in parts),  # more than 1,000: two statements
            read(stand, parts[0][0], some_id()),
        )
    assert asked == [len(parts) * FEW, 1]
    assert [len(answer) for answer in answers] == [FEW] * len(parts) + [2]


async def test_many_ids_travel_alone(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [some_id() for _ in range(FEW + 1)]
    with cache_reads(stand, monkeypatch) as asked, statements(stand, 2):
        answers = await asyncio.gather(
            read(stand, some_id()), read(stand, *many), read(stand, some_id(), many[0])
        )
    assert sorted(asked) == [3, FEW + 1]
    assert [len(answer) for answer in answers] == [1, FEW + 1, 2]


async def test_what_the_cache_has_not_of_many_is_read_once_for_all(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [some_id() for _ in range(2 * FEW)]
    unknown = many[FEW - 3 :]
    await stand.create(*many)
    await stand.settle()
    async with raw(stand) as behind:
        await behind.unlink(*(key_of(stand, id_) for id_ in unknown))
    with cache_reads(stand, monkeypatch) as asked, statements(stand, 1):
        answers = await asyncio.gather(
            read(stand, *many), read(stand, *many, many[0]), read(stand, *unknown)
        )
    assert asked == [len(many), len(many) + 1, len(unknown)]
    told = {id_: segment(id_, 1) for id_ in many}
    assert [[entry.operational for entry in answer] for answer in answers] == [
        [told[id_] for id_ in each] for each in (many, [*many, many[0]], unknown)
    ]


async def test_in_a_busy_worker_callers_of_several_turns_share_a_read(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Headway, "leave", lambda _: 0.2)
    ids = [some_id() for _ in range(5)]
    await stand.create(*ids[:3])
    with cache_reads(stand, monkeypatch) as asked, statements(stand, 1):
        reads = []
        for id_ in ids:
            reads.append(read(stand, id_))
            await asyncio.sleep(0)
        answers = await asyncio.gather(*reads)
    assert asked == [5]
    assert [answer[0].version for answer in answers] == [1, 1, 1, 0, 0]


async def test_what_the_cache_has_does_not_wait_for_what_another_caller_lacks(
    stand: Stand, held: HeldStore
) -> None:
    warm, cold = some_id(), some_id()
    await stand.create(warm)
    lacking, having, both = read(stand, cold), read(stand, warm, warm), read(stand, warm, cold)
    assert [entry.version for entry in await having] == [1, 1]
    assert not lacking.done()
    held.go_on.set()
    assert [entry.version for entry in await both] == [1, 0]
    assert [entry.version for entry in await lacking] == [0]


async def test_a_database_that_is_gone_is_not_for_those_whom_the_cache_answers(
    stand: Stand, held: HeldStore
) -> None:
    warm, held.fault = some_id(), Unavailable("gone")
    await stand.create(warm)
    held.go_on.set()
    having, *lacking = await asyncio.gather(
        *(read(stand, warm), read(stand, some_id()), read(stand, warm, some_id())),
        return_exceptions=True,
    )
    assert isinstance(having, list)
    assert [type(error) for error in lacking] == [Unavailable, Unavailable]
    assert (await read(stand, some_id()))[0].version == 0  # and nothing is left behind


async def test_a_defect_keeps_nobody_waiting(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(stand.store, "get_many", broken)
        told = await asyncio.gather(
            *(read(stand, some_id()) for _ in range(3)), return_exceptions=True
        )
    assert [type(error) for error in told] == [ZeroDivisionError] * 3
    assert (await read(stand, some_id()))[0].version == 0


async def test_one_callers_deadline_is_its_own(stand: Stand, held: HeldStore) -> None:
    short, long, endless = (
        read(stand, some_id(), within_s=0.05),
        read(stand, some_id(), within_s=60),
        read(stand, some_id()),
    )
    with pytest.raises(TimedOut):
        await short
    assert not long.done()
    with statements(stand, 0):
        held.go_on.set()
        assert [len(answer) for answer in await asyncio.gather(long, endless)] == [1, 1]


@pytest.mark.parametrize("allowed", [(0.05, 60.0), (60.0, 0.05), (0.05, None), (None, 0.05)])
async def test_the_database_is_given_the_time_of_the_most_patient(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, allowed: tuple[float | None, float | None]
) -> None:
    given: list[float | None] = []
    get_many = stand.store.get_many

    async def noting(*args: Any, deadline: float | None = None, **kwargs: Any) -> Rows:
        given.append(deadline)
        return await get_many(*args, deadline=deadline, **kwargs)

    monkeypatch.setattr(stand.store, "get_many", noting)
    began = time.monotonic()
    callers = [read(stand, some_id(), within_s=within_s) for within_s in allowed]
    await asyncio.gather(*callers, return_exceptions=True)
    [deadline] = given
    assert (deadline is None) == (None in allowed)
    assert deadline is None or deadline >= began + 60


async def test_a_time_that_is_over_is_over_before_anything_is_asked(stand: Stand) -> None:
    with pytest.raises(TimedOut):
        await read(stand, some_id(), within_s=-1)


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_a_caller_who_leaves_takes_nobody_along(
    stand: Stand, held: HeldStore, leaver: int
) -> None:
    ids = [some_id() for _ in range(3)]
    callers = [read(stand, id_, ids[0]) for id_ in ids]
    await asyncio.sleep(0)
    callers[leaver].cancel()  # before the read has left
    await held.asked.wait()
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await callers.pop(leaver)
    answers = await asyncio.gather(*callers)
    assert [[entry.version for entry in answer] for answer in answers] == [[0, 0], [0, 0]]


async def test_who_is_stricter_reads_alone(pair: tuple[Stand, Stand]) -> None:
    """Of one turn of the loop, only those see another worker's commit who have to."""
    here, there = pair
    held = here.reader._store = HeldStore(here)
    id_ = some_id()
    early = read(here, id_)
    await held.asked.wait()
    position = await there.create(id_)
    with statements(here, 2):
        callers = [
            read(here, id_, freshness=FULLY),
            read(here, id_, freshness=position),
            read(here, id_),
            read(here, id_, freshness=position._replace(xid=1)),  # of which all have heard
        ]
        await asyncio.sleep(0)
        held.go_on.set()
        answers = await asyncio.gather(*callers)
    assert [answer[0].version for answer in answers] == [1, 1, 0, 0]
    assert (await early)[0].version == 0


async def test_two_hundred_callers_of_one_key_while_a_read_is_under_way(
    stand: Stand, held: HeldStore
) -> None:
    id_ = some_id()
    with statements(stand, 1):
        first = read(stand, id_)
        await held.asked.wait()
        others = [read(stand, id_) for _ in range(200)]
        await asyncio.sleep(0)
        held.go_on.set()
        await asyncio.gather(first, *others)
    assert stand.reader.stats.joined == 200


@pytest.mark.parametrize("lets_go", [True, False])
async def test_what_a_flight_brought_goes_with_the_last_who_wanted_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, *, lets_go: bool
) -> None:
    land = Flight.land

    def hold_on(flight: Flight) -> None:
        ids = flight.ids
        land(flight)
        flight.ids = ids

    if not lets_go:
        monkeypatch.setattr(Flight, "land", hold_on)
    gc.collect()
    gc.disable()
    try:
        await asyncio.gather(*(read(stand, some_id()) for _ in range(3)))
        await asyncio.sleep(0)
        left = [each for each in gc.get_objects() if isinstance(each, Flight)]
    finally:
        gc.enable()
    assert (left == []) is lets_go
