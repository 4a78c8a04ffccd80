"""Proving many entries as columns says the same as proving each by itself, and both the rule."""

import hashlib
from collections.abc import Sequence

import hiredis
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repository import window as window_module
from repository.proof import FEW, Proof, Proven
from repository.record import Entry, Kind
from repository.values import (
    EMPTY_SIZE,
    HEAD,
    HEAD_SIZE,
    entries_of,
    entry_of,
    is_record,
    stamps_of,
    text_of,
)
from repository.window import NOTHING_PROVABLE, Change, Window
from tests.unit.keyrings import ring
from tokenizer.mac import Macs

MACS = Macs(ring())
INCARNATION = b"our life"
OLDEST, HORIZON = 100, 1000
KINDS = st.sampled_from([Kind.CUSTOMER, Kind.ACCOUNT])
NUMBERS = st.integers(0, 2**64 - 1)
SEGMENTS = st.sampled_from([b"", b"p", b"private" * 9])

# What is done to a sound value before it is read back.
DAMAGES = st.sampled_from(
    ["none"] * 6
    + ["absent", "head", "mac", "segment", "cut", "block", "longer", "stub", "empty"]
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


def damaged(proof: Proof, kind: Kind, item: tuple[bytes, Entry], damage: str) -> bytes | None:
    _, entry = item
    (value,) = proof.values(kind, [item])
    if damage == "other id":
        (value,) = proof.values(kind, [(id_of(10**6), entry)])
    elif damage == "other kind":
        (value,) = proof.values(Kind.CARD, [item])
    elif damage == "lengths":  # which only who has the key can make so
        text = text_of(entry)
        text = text[:16] + HEAD.pack(0, 0, 2**64 - 8, 9)[16:] + text[HEAD_SIZE:]
        lead = (INCARNATION + bytes([kind])).ljust(16, b"\0")
        return text + MACS.few_entries([lead + item[0] + text])[0]
    changed = {
        "absent": None,
        "head": bytes([value[0] ^ 1]) + value[1:],
        "mac": value[:-1] + bytes([value[-1] ^ 1]),
        "segment": value[:-20] + bytes([value[-20] ^ 1]) + value[-19:],
        "cut": value[:-1],
        "block": value[:-16],
        "longer": value + b"\0",
        "stub": value[: EMPTY_SIZE - 3],
        "empty": b"",
    }
    return changed.get(damage, value)


def judged(
    window: Window, kind: Kind, items: Sequence[tuple[bytes, Entry]], damages: Sequence[str]
) -> Proven:
    """The rule, spelled out."""
    expected = Proven({}, {}, [], [])
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
            (expected.values[id_],) = Proof(MACS, window).values(kind, [(id_, entry)])
            if entry.horizon < below:
                expected.restamped.append((id_, entry._replace(horizon=window.horizon)))
            continue
        expected.misses[cause] = expected.misses.get(cause, 0) + 1
        if cause in {"mac", "garbled"}:
            expected.broken.append(id_)
    return expected


@settings(deadline=None, max_examples=60)
@given(data=st.data(), kind=KINDS, count=st.sampled_from([1, 2, 3, 9, 20, FEW, FEW + 1, FEW + 9]))
def test_a_batch_equals_one_by_one_and_both_the_rule(data, kind, count):
    changed = data.draw(st.lists(st.tuples(st.integers(0, count), st.integers(1, 5))))
    oldest = data.draw(st.sampled_from([0, OLDEST, NOTHING_PROVABLE]))
    window = window_of(changed, kind, oldest)
    proof = Proof(MACS, window)
    entry = st.builds(
        Entry,
        version=st.integers(0, 5),
        horizon=st.sampled_from([0, OLDEST - 1, OLDEST, 500, 549, 550, HORIZON, 2**64 - 1]),
        operational=st.sampled_from([b"", b"o" * 300]),
        private=SEGMENTS,
    )
    items = [(id_of(n), data.draw(entry)) for n in range(count)]
    damages = data.draw(st.lists(DAMAGES, min_size=count, max_size=count))
    ids = [id_ for id_, _ in items]
    values = [damaged(proof, kind, *pair) for pair in zip(items, damages, strict=True)]
    expected = judged(window, kind, items, damages)
    for found in (
        proof.proven(kind, ids, values),
        by(proof._few_proven, kind, ids, values),
        by(proof._many_proven, kind, ids, values),
    ):
        assert found.values == expected.values
        assert entries_of(list(found.values.values())) == [
            entry for id_, entry in items if id_ in expected.values
        ]
        assert found.misses == expected.misses
        assert sorted(found.broken) == sorted(expected.broken)
        assert found.restamped == expected.restamped


def test_what_had_to_be_looked_up_is_stamped_anew_once(monkeypatch):
    """An entry older than the recent changes, of a record in the map of all, contains its own."""
    monkeypatch.setattr(window_module, "RECENT_MAX", 2)
    window, count = Window(INCARNATION), 2 * FEW
    window.begin([Change(2, id_of(n), 1, 10) for n in range(count)], oldest_xid=1, horizon=20)
    window.advance([Change(2, id_of(n), 9, 30) for n in range(count, count + 9)], 40)
    assert window.recent_from > 20
    proof = Proof(MACS, window)
    ids = [id_of(n) for n in range(count)]
    values = proof.values(2, [(id_, Entry(1, 20, b"o", b"")) for id_ in ids])
    for prove in (proof._few_proven, proof._many_proven):
        found = prove(2, ids, values, {})
        assert len(found.values) == count
        assert found.restamped == [(id_, Entry(1, 40, b"o", b"")) for id_ in ids]
    again = proof.values(2, found.restamped)
    assert proof.proven(2, ids, again).restamped == []


def by(prove, kind, ids, values):
    """What one of the two ways says, of which neither is asked about absent values."""
    absent = {"absent": values.count(None)} if None in values else {}
    there = [(id_, value) for id_, value in zip(ids, values, strict=True) if value is not None]
    if not there:
        return Proven({}, absent, [], [])
    return prove(kind, [id_ for id_, _ in there], [value for _, value in there], absent)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**9), max_size=FEW + 9), KINDS)
@example(list(range(FEW)), Kind.ACCOUNT)
@example(list(range(FEW + 1)), Kind.ACCOUNT)
def test_bulk_keys_are_the_keys_as_they_go_over_the_wire(numbers, kind):
    proof = Proof(MACS, Window(INCARNATION))
    ids = [id_of(n) for n in numbers]
    keys = proof.keys(kind, ids)
    packed = hiredis.pack_command(("MGET", *keys))
    assert b"*%d\r\n$4\r\nMGET\r\n%b" % (len(keys) + 1, proof.bulk_keys(kind, ids)) == packed
    assert all(
        key[4:] == bytes([kind, 2]) + INCARNATION + id_ for key, id_ in zip(keys, ids, strict=True)
    )


@settings(deadline=None)
@given(st.data(), KINDS, st.sampled_from([0, 1, 2, FEW, FEW + 9]))
def test_bulk_values_are_the_values_as_they_go_over_the_wire(data, kind, count):
    entry = st.builds(
        Entry,
        version=st.integers(0, 2**63),
        horizon=st.integers(0, 2**64 - 1),
        operational=st.binary(max_size=9),
        private=SEGMENTS,
    )
    proof = Proof(MACS, Window(INCARNATION))
    entries = [(id_of(n), data.draw(entry)) for n in range(count)]
    packed = hiredis.pack_command(("MSET", *proof.values(kind, entries)))
    bulk = proof.bulk_values(kind, entries)
    assert b"*%d\r\n$4\r\nMSET\r\n%b" % (count + 1, bulk) == packed


def test_values_are_head_sealed_bytes_zeros_and_mac():
    proof = Proof(MACS, Window(INCARNATION))
    id_, entry = id_of(1), Entry(3, 77, b"sealed", b"private")
    (value,) = proof.values(Kind.CUSTOMER, [(id_, entry)])
    text = HEAD.pack(3, 77, 6, 7) + b"sealedprivate\0\0\0"
    lead = INCARNATION + bytes([Kind.CUSTOMER]) + bytes(7)
    assert value == text + MACS.few_entries([lead + id_ + text])[0]


@settings(deadline=None)
@given(st.lists(st.builds(Entry, NUMBERS, NUMBERS, st.binary(max_size=40), SEGMENTS), max_size=9))
def test_values_come_apart_as_they_were_put_together(entries):
    values = Proof(MACS, Window(INCARNATION)).values(2, [(id_of(1), entry) for entry in entries])
    mixed = [value if at % 2 else entries[at] for at, value in enumerate(values)]
    for found in (values, mixed):
        assert entries_of(found) == [entry_of(each) for each in found] == entries
        assert {type(entry) for entry in entries_of(found)} <= {Entry}
        assert [is_record(each) for each in found] == [entry.exists for entry in entries]
        assert stamps_of(found) == [(entry.version, entry.horizon) for entry in entries]
