"""The window proves exactly what it knows, and stops proving before it forgets."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.record import Entry
from repository.window import NOTHING_PROVABLE, Change, Window

KIND = 2
ID, OTHER = b"a" * 16, b"b" * 16


def begun(*changes: Change, oldest: int = 100, horizon: int = 110, **bounds: float) -> Window:
    window = Window(**bounds)  # type: ignore[arg-type]  # bounds of either type
    window.begin(changes, oldest, horizon)
    return window


def test_proves_nothing_before_it_began() -> None:
    window = Window()
    assert window.oldest_xid == NOTHING_PROVABLE
    assert not window.proves(KIND, ID, 10**9, 10**9)
    assert window.note([Change(KIND, ID, 1, 5)]) == []


def test_proves_by_horizon_and_version() -> None:
    window = begun(Change(KIND, ID, 4, 105))
    assert window.proves(KIND, ID, 4, 100)
    assert window.proves(KIND, OTHER, 0, 100)
    assert not window.proves(KIND, ID, 3, 100)
    assert not window.proves(KIND, ID, 4, 99)
    assert window.proves(KIND + 1, ID, 1, 100)  # ids are per kind


def test_takes_kinds_of_a_newer_release() -> None:
    window = begun(Change(77, ID, 1, 105))
    assert window.advance([Change(KIND, ID, 2, 111)], 112) == [Change(KIND, ID, 2, 111)]


def test_keeps_the_highest_version_whatever_the_order() -> None:
    window = begun(Change(KIND, ID, 4, 105))
    assert window.advance([Change(KIND, ID, 3, 104)], 112) == []
    fresh = [Change(KIND, ID, 6, 113)]
    assert window.advance([Change(KIND, ID, 4, 105), *fresh], 114) == fresh
    assert window.changed[KIND][ID] == 6


def test_has_seen_what_is_below_the_horizon_or_was_read() -> None:
    window = begun(Change(KIND, ID, 4, 115))
    assert [window.has_seen(xid) for xid in (90, 109, 110, 115)] == [True, True, False, True]
    window.note([Change(KIND, ID, 5, 118)])
    assert window.has_seen(118)
    window.advance([Change(KIND, ID, 4, 115)], 111)  # asked before that commit was visible
    assert not window.has_seen(118)
    assert window.changed[KIND][ID] == 5


def test_forgetting_by_count_moves_what_is_provable() -> None:
    window = begun(*(Change(KIND, bytes([n]) * 16, 2, 100 + n) for n in range(9)), ids_max=4)
    assert window.oldest_xid == 105
    assert sorted(window.changed[KIND]) == [bytes([n]) * 16 for n in range(5, 9)]
    assert not window.proves(KIND, b"\0" * 16, 1, 104)  # forgotten: by horizon only


def test_forgetting_by_age_moves_what_is_provable() -> None:
    now = [0.0]
    window = Window(age_max_s=60, clock=lambda: now[0])
    window.begin([Change(KIND, ID, 2, 101)], 100, 102)
    now[0] = 61
    window.advance([Change(KIND, OTHER, 2, 103)], 104)
    assert window.oldest_xid == 102
    assert window.changed[KIND] == {OTHER: 2}


def test_forgetting_an_older_version_keeps_the_newer() -> None:
    window = begun(Change(KIND, ID, 2, 101), Change(KIND, ID, 3, 105), ids_max=1)
    assert window.changed[KIND] == {ID: 3}
    assert window.oldest_xid == 102


def test_history_makes_older_entries_provable() -> None:
    window = begun(Change(KIND, ID, 4, 105))
    window.extend([Change(KIND, ID, 3, 60), Change(KIND, OTHER, 7, 70)], 50)
    assert window.proves(KIND, ID, 4, 50)
    assert not window.proves(KIND, OTHER, 6, 50)
    assert not window.proves(KIND, OTHER, 7, 49)


def test_history_is_forgotten_first() -> None:
    window = begun(Change(KIND, ID, 4, 105), ids_max=2)
    window.extend([Change(KIND, OTHER, 7, 60), Change(KIND, b"c" * 16, 1, 70)], 50)
    window.advance([], 111)
    assert window.oldest_xid == 61
    assert set(window.changed[KIND]) == {ID, b"c" * 16}


def test_restamps_below_the_middle() -> None:
    assert begun(oldest=100, horizon=200).restamp_below == 150
    assert begun(oldest=100, horizon=100).restamp_below == 100


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_never_proves_what_is_not_current(seed: int, ids_max: int) -> None:
    """Against the truth: any entry ever readable, whatever was forgotten or noted out of turn."""
    chance = random.Random(seed)
    ids = [bytes([n]) * 16 for n in range(4)]
    window = Window(ids_max=ids_max)
    window.begin([], 1, 1)
    truth: list[Change] = []
    polled = 0
    entries = [(id_, 0, 1) for id_ in ids]  # id, version, horizon as each was read
    for xid in range(1, 40):
        id_ = chance.choice(ids)
        version = 1 + max((c.version for c in truth if c.id == id_), default=0)
        truth.append(Change(KIND, id_, version, xid))
        entries.append((id_, version, chance.randint(1, xid + 1)))
        if chance.random() < 0.3:
            window.note(truth[-1:])
        if chance.random() < 0.4:
            window.advance([c for c in truth if c.xid >= window.horizon], xid + 1)
            polled = len(truth)
        known = truth[:polled]
        for id_, version, horizon in entries:
            if window.proves(KIND, id_, version, horizon):
                assert version >= max((c.version for c in known if c.id == id_), default=0)


def entry(version: int, horizon: int) -> Entry:
    return Entry(version, horizon, b"sealed", b"")


def test_proves_in_batches_what_it_proves_one_by_one() -> None:
    window = begun(Change(KIND, ID, 4, 105))
    ids = [OTHER, ID, ID, OTHER]
    assert window.newest(KIND, ids) == {1: 4, 2: 4}
    assert window.newest(KIND + 1, ids) == {}
    assert window.newest(77, ids) == {}
    entries = [entry(0, 100), entry(4, 100), entry(3, 100), entry(0, 99)]
    assert window.unproven(KIND, ids, entries) == [2, 3]
    assert window.unproven(KIND, ids[:3], entries[:3]) == [2]
    assert window.unproven(KIND, ids[:2], entries[:2]) == []
    assert Window().unproven(KIND, ids, entries) == [0, 1, 2, 3]


@pytest.mark.parametrize("recent_max", [0, 3, 10**6])
@given(st.integers(0, 2**32))
def test_batches_agree_with_one_by_one(recent_max: int, seed: int) -> None:
    """For every entry that was ever read, wherever what is recent begins."""
    chance = random.Random(seed)
    ids = [bytes([number]) * 16 for number in range(12)]
    window = Window(ids_max=chance.choice([3, 10**6]))
    window.begin([], 1, 1)
    truth: list[Change] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("repository.window.RECENT_MAX", recent_max)
        for xid in range(1, 30):
            known = {change.id: change.version for change in truth}
            id_ = chance.choice(ids)
            truth.append(Change(KIND, id_, known.get(id_, 0) + 1, xid))
            if chance.random() < 0.3:
                window.note(truth[-1:])
            if chance.random() < 0.4:
                window.advance([c for c in truth if c.xid >= window.horizon], xid + 1)
            least = chance.randint(1, xid + 1)
            horizons = [chance.randint(least, xid + 1) for _ in ids]
            entries = [  # what a statement at or after that horizon can have read
                entry(max((c.version for c in truth if c.id == of and c.xid < seen), default=0), at)
                for of, at in zip(ids, horizons, strict=True)
                for seen in [chance.randint(at, xid + 1)]
            ]
            assert window.unproven(KIND, ids, entries) == [
                at
                for at, (of, each) in enumerate(zip(ids, entries, strict=True))
                if not window.proves(KIND, of, each.version, each.horizon)
            ]


def test_what_entries_contain_is_not_asked_about() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("repository.window.RECENT_MAX", 1)
        window = begun(Change(KIND, ID, 4, 105), Change(KIND, OTHER, 2, 107))
        window.note([Change(KIND, OTHER, 3, 111)])
    assert window.newest(KIND, [ID, OTHER], 107) == {0: 4, 1: 3}
    assert window.newest(KIND, [ID, OTHER], 108) == {1: 3}
    assert window.newest(KIND, [ID, OTHER]) == {0: 4, 1: 3}
    window.drop()
    assert window.newest(KIND, [ID, OTHER], 108) == {}
    window.begin([Change(KIND, ID, 4, 5)], 0, 10)
    window._ids_max = 0
    window.advance([], 11)
    assert window.newest(KIND, [ID]) == {}


def test_batches_are_held_against_history_too() -> None:
    window = begun(Change(KIND, ID, 4, 105))
    window.extend([Change(KIND, OTHER, 7, 70)], 50)
    entries = [entry(4, 60), entry(6, 60)]
    assert window.unproven(KIND, [ID, OTHER], entries) == [1]
    assert window.newest(KIND, [ID, OTHER], 60) == {0: 4, 1: 7}
