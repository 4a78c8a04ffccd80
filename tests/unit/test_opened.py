"""The worker's own cache: what may stand in it, for how long, and how much of it."""

import gc
import os
import tracemalloc
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.record import Entry, Kind
from repository.window import Change, Window
from server.opened import SPARED_MAX, OpenedRecords

ACCOUNT, CARD = Kind.ACCOUNT, Kind.CARD
HORIZON = 100
ROOM = 2**20
_serials = count(1)


class Polled:
    """Stands for the poll: listeners, and a window that tests advance."""

    def __init__(self) -> None:
        self.on_change: list[Any] = []
        self.on_drop: list[Any] = []
        self.window = Window(ids_max=1_000)
        self.window.begin([], HORIZON, HORIZON)

    def sees(self, *changes: Change) -> None:
        fresh = self.window.advance(changes, self.window.horizon + 1)
        for listener in self.on_change:
            listener(fresh)

    def loses_track(self) -> None:
        self.window.drop()
        for listener in self.on_drop:
            listener()


def made(bytes_max: int = ROOM) -> tuple[OpenedRecords, Polled]:
    polled = Polled()
    return OpenedRecords(polled, bytes_max), polled  # type: ignore[arg-type]  # all it asks of one


def new_id() -> bytes:
    return next(_serials).to_bytes(16)


def entry(version: int = 1, horizon: int = HORIZON) -> Entry:
    return Entry(version, horizon, b"sealed" if version else b"", b"")


def frame(size: int = 400) -> bytes:
    return bytes(size)


def put(opened: OpenedRecords, *ids: bytes, size: int = 400, kind: int = ACCOUNT) -> None:
    opened.put(kind, ids, [frame(size) for _ in ids], [entry()] * len(ids))


def put_unknown(opened: OpenedRecords, *ids: bytes) -> None:
    opened.put(ACCOUNT, ids, [b"none"] * len(ids), [entry(0)] * len(ids))


def there(opened: OpenedRecords, *ids: bytes, kind: int = ACCOUNT) -> int:
    """How many of the ids it holds."""
    return sum(found is not None for found in opened.find(kind, ids))


def test_what_is_put_in_is_found_under_its_kind_alone() -> None:
    opened, _ = made()
    mine, other = new_id(), new_id()
    opened.put(ACCOUNT, [mine], [b"frame"], [entry()])
    assert opened.find(ACCOUNT, [other, mine, mine]) == [None, b"frame", b"frame"]
    assert opened.find(CARD, [mine]) == [None]


def test_a_change_that_the_poll_sees_removes_the_entry() -> None:
    opened, polled = made()
    mine, other = new_id(), new_id()
    put(opened, mine, other)
    polled.sees(Change(CARD, mine, 2, HORIZON))
    assert there(opened, mine, other) == 2
    polled.sees(Change(ACCOUNT, mine, 2, HORIZON))
    assert opened.find(ACCOUNT, [mine, other]) == [None, frame()]
    polled.sees(Change(99, mine, 1, HORIZON))  # of a kind that a newer release writes
    assert (opened.stats.entries, opened.stats.changed) == (1, 1)


def test_a_record_that_comes_into_being_removes_what_said_there_is_none() -> None:
    opened, polled = made()
    mine = new_id()
    put_unknown(opened, mine)
    assert opened.find(ACCOUNT, [mine]) == [b"none"]
    polled.sees(Change(ACCOUNT, mine, 1, HORIZON))
    assert opened.find(ACCOUNT, [mine]) == [None]


def test_a_read_from_before_a_change_puts_nothing_in_after_it() -> None:
    opened, polled = made()
    mine = new_id()
    old = entry(1)  # read, then held up: the change is polled first
    polled.sees(Change(ACCOUNT, mine, 2, HORIZON))
    opened.put(ACCOUNT, [mine], [frame()], [old])
    assert there(opened, mine) == 0
    opened.put(ACCOUNT, [mine], [frame()], [entry(2)])
    assert there(opened, mine) == 1


def test_a_read_from_before_the_window_puts_nothing_in() -> None:
    opened, _ = made()
    mine = new_id()
    opened.put(ACCOUNT, [mine], [frame()], [entry(1, HORIZON - 1)])
    assert there(opened, mine) == 0


def test_a_gap_in_the_poll_drops_everything_and_lets_nothing_in_until_it_is_over() -> None:
    opened, polled = made()
    mine, late = new_id(), new_id()
    put(opened, mine)
    before = entry(1)  # read before the gap, put in during it and after it
    polled.loses_track()
    opened.put(ACCOUNT, [late], [frame()], [before])
    assert there(opened, mine, late) == 0
    polled.window.begin([Change(ACCOUNT, late, 2, HORIZON)], HORIZON, HORIZON + 5)
    opened.put(ACCOUNT, [late], [frame()], [before])
    assert there(opened, late) == 0
    assert (opened.stats.dropped, opened.stats.entries, opened.stats.bytes) == (1, 0, 0)


def test_a_commit_of_the_workers_own_removes_the_entry_at_once() -> None:
    opened, polled = made()
    mine = new_id()
    put(opened, mine)
    for listener in polled.on_change:  # as ChangePoll.note does
        listener(polled.window.note([Change(ACCOUNT, mine, 2, HORIZON + 3)]))
    opened.put(ACCOUNT, [mine], [frame()], [entry(1)])
    assert there(opened, mine) == 0


def test_two_reads_that_differ_leave_neither() -> None:
    """Both are proven as of the last poll; which is newer the entry's frame does not say."""
    opened, _ = made()
    mine, other = new_id(), new_id()
    opened.put(ACCOUNT, [mine, other], [b"one", b"same"], [entry(1)] * 2)
    opened.put(ACCOUNT, [mine, other], [b"two", b"same"], [entry(2), entry(1)])
    assert opened.find(ACCOUNT, [mine, other]) == [None, b"same"]
    assert opened.stats.entries == 1


def test_without_room_nothing_is_kept() -> None:
    opened, _ = made(0)
    mine = new_id()
    put(opened, mine)
    assert there(opened, mine) == 0


def test_a_kind_can_be_forgotten() -> None:
    opened, _ = made()
    cards, account = [new_id() for _ in range(3)], new_id()
    put(opened, *cards, kind=CARD)
    put(opened, account)
    opened.forget(CARD)
    assert (there(opened, *cards, kind=CARD), there(opened, account)) == (0, 1)


def together(opened: OpenedRecords, ids: list[bytes]) -> None:
    opened.hit(ACCOUNT, ids)


def one_by_one(opened: OpenedRecords, ids: list[bytes]) -> None:
    assert all(opened.one(ACCOUNT, id_) for id_ in ids)


@pytest.mark.parametrize("ask", [together, one_by_one])
def test_what_is_asked_for_again_outlives_a_scan(
    ask: Callable[[OpenedRecords, list[bytes]], None],
) -> None:
    opened, _ = made()
    hot = [new_id() for _ in range(300)]
    put(opened, *hot)
    for _ in range(300):  # many times the bound
        put(opened, *(new_id() for _ in range(100)))
        ask(opened, hot)
    assert there(opened, *hot) == len(hot)
    assert opened.stats.evicted > 20_000
    assert opened.stats.hits == 300 * len(hot)
    assert opened.one(ACCOUNT, new_id()) is None


def test_ids_that_no_record_has_push_out_no_record() -> None:
    opened, _ = made(16 * ROOM)
    mine = [new_id() for _ in range(22_000)]
    put(opened, *mine)
    assert opened.stats.bytes > 13 * ROOM
    flood = [new_id() for _ in range(100_000)]
    for at in range(0, len(flood), 1000):
        put_unknown(opened, *flood[at : at + 1000])
    assert there(opened, *mine) == len(mine)
    assert there(opened, *flood[-100:]) == 100


def test_one_put_does_not_work_through_a_cache_of_which_all_is_asked_for() -> None:
    opened, _ = made(2**24)
    mine = [new_id() for _ in range(20_000)]
    for at in range(0, len(mine), 1000):
        put(opened, *mine[at : at + 1000])
    while not opened.stats.evicted:
        opened.hit(ACCOUNT, [id_ for id_ in mine if there(opened, id_)])
        put(opened, new_id(), size=2**16)
    assert there(opened, *mine) >= len(mine) - 1000 * (SPARED_MAX + 1)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "unknown", "hit", "change", "gap", "forget"]),
        st.sampled_from([ACCOUNT, CARD]),
        st.lists(st.integers(0, 40), min_size=1, max_size=30),
        st.integers(1, 2000),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=60)  # a window is a few ms of work to make
@given(ACTIONS, st.integers(500, 40_000))
def test_it_counts_what_it_holds_and_stays_within_its_bound(
    actions: list[tuple[str, Kind, list[int], int]], bytes_max: int
) -> None:
    opened, polled = made(bytes_max)
    for action, kind, numbers, size in actions:
        ids = [number.to_bytes(16) for number in dict.fromkeys(numbers)]
        if action == "put":
            put(opened, *ids, size=size, kind=kind)
        elif action == "unknown":
            put_unknown(opened, *ids)
        elif action == "hit":
            opened.hit(kind, [i for i in ids if there(opened, i, kind=kind)])
        elif action == "change":
            polled.sees(*(Change(kind, id_, 1, HORIZON) for id_ in ids))
        elif action == "gap":
            polled.loses_track()
            polled.window.begin([], HORIZON, HORIZON)
        else:
            opened.forget(kind)
        held = {k: opened.find(k, [n.to_bytes(16) for n in range(41)]) for k in (ACCOUNT, CARD)}
        frames = [f for found in held.values() for f in found if f is not None]
        assert opened.stats.entries == len(frames)
        assert opened.stats.bytes >= sum(map(len, frames))
        if action in {"put", "unknown"}:
            assert opened.stats.bytes <= bytes_max
    opened.drop()
    assert (opened.stats.entries, opened.stats.bytes) == (0, 0)


@pytest.mark.parametrize("at_once", [1, 1000])
def test_what_it_takes_up_is_no_more_than_it_says(at_once: int) -> None:
    """Python's own overhead included, marks too: filled to the brim, asked for, scanned."""
    opened, _ = made(8 * ROOM)
    gc.collect()
    tracemalloc.start()
    for _ in range(25_000 // at_once):
        ids = [os.urandom(16) for _ in range(at_once)]
        opened.put(ACCOUNT, ids, [os.urandom(350) for _ in ids], [entry()] * at_once)
        opened.hit(ACCOUNT, [bytes(bytearray(id_)) for id_ in ids if there(opened, id_)])
    del ids
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert opened.stats.evicted > 5_000
    assert held <= opened.stats.bytes <= 8 * ROOM
