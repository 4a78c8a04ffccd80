"""Proving many entries as columns says the same as proving each by itself, and both the rule."""

import hashlib
import os
from collections.abc import Sequence

import hiredis
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repository import window as window_module
from repository.proof import FEW, Proof, Proven
from repository.record import Kind
from repository.values import (
    EMPTY_SIZE,
    HEAD,
    HEAD_SIZE,
    Cached,
    Columns,
    entries_of,
    exist_in,
    head_of,
    stamps_of,
    text_of,
)
from repository.window import NOTHING_PROVABLE, Change, Window
from tests.unit.keyrings import ring
from tokenizer.boxes import Boxes

BOXES = Boxes(ring())
INCARNATION = b"our life"
OLDEST, HORIZON = 100, 1000
KINDS = st.sampled_from([Kind.CUSTOMER, Kind.ACCOUNT])
NUMBERS = st.integers(0, 2**64 - 1)
SEGMENTS = st.sampled_from([b"", b"p", b"private" * 9])

# What is done to a sound value before it is read back.
DAMAGES = st.sampled_from(
    ["none"] * 6
    + ["absent", "head", "mac", "nonce", "segment", "cut", "block", "longer", "stub", "empty"]
    + ["other id", "other kind", "lengths"]
)


def id_of(n: int) -> bytes:
    return hashlib.sha256(b"%d" % n).digest()[:16]


def window_of(changed: Sequence[tuple[int, int]], kind: int, oldest: int) -> Window:
    window = Window(INCARNATION)
    window.begin(
        [Change(kind, id_of(n), version, HORIZON - 1) for n, version in changed], 1, HORIZON
    )
    window.oldest_xid = oldest
    return window


def damaged(proof: Proof, kind: Kind, item: tuple[bytes, Cached], damage: str) -> bytes | None:
    _, entry = item
    (value,) = proof.values(kind, [item])
    if damage == "other id":
        (value,) = proof.values(kind, [(id_of(10**6), entry)])
    elif damage == "other kind":
        (value,) = proof.values(Kind.CARD, [item])
    elif damage == "lengths":  # which only who has the key can make so
        head = value[:16] + HEAD.pack(0, 0, 2**64 - 8, 9)[16:]
        lead = (INCARNATION + bytes([kind])).ljust(16, b"\0")
        return head + BOXES.sealed(lead, [item[0] + head], [text_of(entry)])[0]
    changed = {
        "absent": None,
        "head": bytes([value[0] ^ 1]) + value[1:],
        "mac": value[:-1] + bytes([value[-1] ^ 1]),
        "segment": value[:-20] + bytes([value[-20] ^ 1]) + value[-19:],
        "nonce": value[:HEAD_SIZE] + bytes([value[HEAD_SIZE] ^ 2]) + value[HEAD_SIZE + 1 :],
        "cut": value[:-1],
        "block": value[:-16],
        "longer": value + b"\0",
        "stub": value[: EMPTY_SIZE - 3],
        "empty": b"",
    }
    return changed.get(damage, value)


Judged = tuple[dict[bytes, Cached], dict[str, int], list[bytes], list[tuple[bytes, Cached]]]


def judged(
    window: Window, kind: Kind, items: Sequence[tuple[bytes, Cached]], damages: Sequence[str]
) -> Judged:
    """The rule, spelled out: what is found, the misses, the broken, what is stamped anew."""
    found: dict[bytes, Cached] = {}
    misses: dict[str, int] = {}
    broken: list[bytes] = []
    restamped: list[tuple[bytes, Cached]] = []
    below = window.restamp_below
    for (id_, entry), damage in zip(items, damages, strict=True):
        if damage == "absent":
            cause = "absent"
        elif damage == "lengths":
            cause = "garbled"
        elif damage != "none":
            cause = "mac"
        elif entry.horizon < window.oldest_xid:
            cause = "horizon"
        elif not window.proves(kind, id_, entry.version, entry.horizon):
            cause = "version"
        else:
            found[id_] = entry
            if entry.horizon < below:
                restamped.append((id_, entry._replace(horizon=window.horizon)))
            continue
        misses[cause] = misses.get(cause, 0) + 1
        if cause in {"mac", "garbled"}:
            broken.append(id_)
    return found, misses, broken, restamped


@settings(deadline=None, max_examples=60)
@given(data=st.data(), kind=KINDS, count=st.sampled_from([1, 2, 3, 9, 20, FEW, FEW + 1, FEW + 9]))
def test_a_batch_equals_one_by_one_and_both_the_rule(data, kind, count):
    changed = data.draw(st.lists(st.tuples(st.integers(0, count), st.integers(1, 5))))
    oldest = data.draw(st.sampled_from([0, OLDEST, NOTHING_PROVABLE]))
    window = window_of(changed, kind, oldest)
    proof = Proof(BOXES, window)
    entry = st.builds(
        Cached,
        version=st.integers(0, 5),
        horizon=st.sampled_from([0, OLDEST - 1, OLDEST, 500, 549, 550, HORIZON, 2**64 - 1]),
        operational=st.sampled_from([b"", b"o" * 300]),
        private=SEGMENTS,
    )
    items = [(id_of(n), data.draw(entry)) for n in range(count)]
    damages = data.draw(st.lists(DAMAGES, min_size=count, max_size=count))
    ids = [id_ for id_, _ in items]
    values = [damaged(proof, kind, *pair) for pair in zip(items, damages, strict=True)]
    there, misses, broken, restamped = judged(window, kind, items, damages)
    for found in (
        proof.proven(kind, ids, values),
        by(proof._few_proven, kind, ids, values),
        by(proof._many_proven, kind, ids, values),
    ):
        assert dict(zip(found.ids, entries_of(found.found), strict=True)) == there
        assert {type(each) for each in entries_of(found.found)} <= {Cached}
        assert stamps_of(found.found) == [entry[:2] for entry in there.values()]
        assert exist_in(found.found) == [entry.exists for entry in there.values()]
        assert found.misses == misses
        assert sorted(found.broken) == sorted(broken)
        assert found.restamped == restamped


def test_what_had_to_be_looked_up_is_stamped_anew_once(monkeypatch):
    """An entry older than the recent changes, of a record in the map of all, contains its own."""
    monkeypatch.setattr(window_module, "RECENT_MAX", 2)
    window, count = Window(INCARNATION), 2 * FEW
    window.begin([Change(2, id_of(n), 1, 10) for n in range(count)], oldest_xid=1, horizon=20)
    window.advance([Change(2, id_of(n), 9, 30) for n in range(count, count + 9)], 40)
    assert window.recent_from > 20
    proof = Proof(BOXES, window)
    ids = [id_of(n) for n in range(count)]
    values = proof.values(2, [(id_, Cached(1, 20, b"o", b"")) for id_ in ids])
    for prove in (proof._few_proven, proof._many_proven):
        found = prove(2, ids, values, {})
        assert len(found.ids) == len(found.found) == count
        assert found.restamped == [(id_, Cached(1, 40, b"o", b"")) for id_ in ids]
    again = proof.values(2, found.restamped)
    assert proof.proven(2, ids, again).restamped == []


def test_a_value_longer_than_any_record_is_not_looked_at(monkeypatch):
    proof = Proof(BOXES, window_of([], Kind.ACCOUNT, OLDEST))
    ids = [id_of(n) for n in range(FEW + 1)]
    long = Cached(1, HORIZON, b"o" * 300, b"")
    values = proof.values(Kind.ACCOUNT, [(ids[0], long)])
    values += proof.values(Kind.ACCOUNT, [(id_, Cached(1, HORIZON, b"o", b"")) for id_ in ids[1:]])
    assert proof.proven(Kind.ACCOUNT, ids, values).misses == {}, "the control"
    monkeypatch.setattr("repository.proof.VALUE_MAX", len(values[0]) - 1)
    found = proof.proven(Kind.ACCOUNT, ids, values)
    assert (found.misses, found.broken, found.ids) == ({"mac": 1}, ids[:1], ids[1:])


def by(prove, kind, ids, values):
    """What one of the two ways says, of which neither is asked about absent values."""
    absent = {"absent": values.count(None)} if None in values else {}
    there = [(id_, value) for id_, value in zip(ids, values, strict=True) if value is not None]
    if not there:
        return Proven([], [], absent, [], [])
    return prove(kind, [id_ for id_, _ in there], [value for _, value in there], absent)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**9), max_size=FEW + 9), KINDS)
@example(list(range(FEW)), Kind.ACCOUNT)
@example(list(range(FEW + 1)), Kind.ACCOUNT)
def test_bulk_keys_are_the_keys_as_they_go_over_the_wire(numbers, kind):
    proof = Proof(BOXES, Window(INCARNATION))
    ids = [id_of(n) for n in numbers]
    keys = proof.keys(kind, ids)
    packed = hiredis.pack_command(("MGET", *keys))
    assert b"*%d\r\n$4\r\nMGET\r\n%b" % (len(keys) + 1, proof.bulk_keys(kind, ids)) == packed
    assert all(
        key[4:] == bytes([kind, 4]) + INCARNATION + id_ for key, id_ in zip(keys, ids, strict=True)
    )


def test_bulk_values_are_the_values_as_they_go_over_the_wire(monkeypatch):
    monkeypatch.setattr(os, "urandom", bytes)  # or no two boxes are the same
    proof = Proof(BOXES, Window(INCARNATION))
    for count in (0, 1, FEW + 9):
        entries = [(id_of(n), Cached(n, n, b"o" * n, b"p" * (n % 3))) for n in range(count)]
        packed = hiredis.pack_command(("MSET", *proof.values(2, entries)))
        bulk = proof.bulk_values(2, entries)
        assert b"*%d\r\n$4\r\nMSET\r\n%b" % (count + 1, bulk) == packed


def test_values_are_head_and_box():
    proof = Proof(BOXES, Window(INCARNATION))
    id_, entry = id_of(1), Cached(3, 77, b"opened", b"private")
    (value,) = proof.values(Kind.CUSTOMER, [(id_, entry)])
    head, box = value[:HEAD_SIZE], value[HEAD_SIZE:]
    assert head == head_of(entry) == HEAD.pack(3, 77, 6, 7)
    assert len(box) == 16 + 16 + 16
    assert b"opened" not in box
    lead = INCARNATION + bytes([Kind.CUSTOMER]) + bytes(7)
    assert BOXES.few_opened(lead, [id_ + head], [box]) == [b"openedprivate\0\0\0"]


@settings(deadline=None)
@given(st.lists(st.builds(Cached, NUMBERS, NUMBERS, st.binary(max_size=40), SEGMENTS), max_size=9))
def test_columns_come_apart_as_they_were_put_together(entries):
    texts = [head_of(entry) + bytes(16) + text_of(entry) + bytes(16) for entry in entries]
    places = np.cumsum([0, *map(len, texts)])[:-1] + HEAD_SIZE + 16
    heads = np.array([HEAD.unpack_from(text) for text in texts], np.uint64).reshape(-1, 4).T
    columns = Columns(np.frombuffer(b"".join(texts), np.uint8), places, heads)
    assert len(columns) == len(entries)
    assert entries_of(columns) == entries == entries_of(entries)
    assert exist_in(columns) == exist_in(entries)
    assert stamps_of(columns) == stamps_of(entries)
    assert entries_of(columns.chosen(list(range(1, len(entries), 2)))) == entries[1::2]


def test_nothing_that_is_open_shows_itself():
    entry = Cached(1, 2, b"opened", b"private")
    assert "opened" not in repr(entry)
    opened = np.frombuffer(b"opened", np.uint8)
    columns = Columns(opened, np.array([0]), np.array([[1], [2], [6], [0]], np.uint64))
    assert "opened" not in repr(columns)
