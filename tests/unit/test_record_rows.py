"""Rows read by ids, side by side: the same records as one by one, in whatever order."""

import random
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.record import ORDERED_MIN, Entry, Rows
from repository.values import Hits, entries_of, exist_in, stamps_of

COUNT = ORDERED_MIN + 10
HORIZON = 77


def ids_of(count: int = COUNT, seed: int = 1) -> list[bytes]:
    chance = random.Random(seed)
    return [chance.randbytes(16) for _ in range(count)]


def entry_of(id_: bytes, *, private: bool = True) -> Entry:
    """Each id's own; one in eight is of a deleted record."""
    is_deleted = id_[0] % 8 == 0
    operational = b"" if is_deleted else b"operational of " + id_
    return Entry(1 + id_[1], HORIZON, operational, id_[:2] if private else b"")


def rows_of(ids: list[bytes], *, private: bool = True, horizon: int = HORIZON) -> Rows:
    entries = [entry_of(id_) for id_ in ids]
    segments = [entry.operational for entry in entries]
    return Rows.read(
        [
            horizon,
            b"".join(ids),
            pack(f">{len(ids)}Q", *[entry.version for entry in entries]),
            b"".join(segments),
            pack(f">{len(ids)}i", *map(len, segments)),
            [entry.private for entry in entries] if private else None,
        ]
    )


@given(st.permutations(range(COUNT)), st.booleans())
def test_in_the_order_asked_for_they_are_what_they_are_by_id(order, private):
    ids = ids_of()
    rows = rows_of(ids, private=private)
    wanted = [ids[at] for at in order]
    whole = rows.in_order_of(wanted)
    assert whole is not None
    expected = [entry_of(id_, private=private) for id_ in wanted]
    assert entries_of(whole) == expected
    assert stamps_of(whole) == [entry[:2] for entry in expected]
    assert exist_in(whole) == [entry.exists for entry in expected]
    assert Hits(wanted, whole).by_id() == whole.by_id() == rows.by_id()


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (ids_of()[1:], ids_of()),
        (ids_of(), ids_of()[1:]),
        (ids_of(), ids_of(seed=2)),
        (ids_of(), [*ids_of()[1:], ids_of()[1]]),
        (ids_of(), [*ids_of()[1:], ids_of()[0][:8] + bytes(8)]),
        (ids_of(ORDERED_MIN - 1), ids_of(ORDERED_MIN - 1)),
    ],
    ids=["missing", "beyond", "others", "twice", "begins alike", "few"],
)
def test_others_than_asked_for_are_put_in_no_order(there, wanted):
    assert rows_of(there).in_order_of(wanted) is None


@pytest.mark.parametrize("private", [(True, True), (True, False), (False, False)])
def test_what_several_statements_brought_is_one_as_of_the_oldest(private):
    parts = [ids_of(COUNT, seed) for seed in range(2)]
    joined = Rows.joined(
        [
            rows_of(part, private=has, horizon=HORIZON + at)
            for at, (part, has) in enumerate(zip(parts, private, strict=True))
        ]
    )
    assert joined.by_id() == {
        id_: entry_of(id_, private=has)
        for part, has in zip(parts, private, strict=True)
        for id_ in part
    }


def test_nothing_found_is_no_row():
    nothing = Rows.read([HORIZON, *[None] * 5])
    assert (len(nothing), nothing.by_id(), nothing.stamps()) == (0, {}, [])


def test_they_show_nothing():
    assert repr(rows_of(ids_of())) == f"Rows({COUNT} hidden)"
