"""Proving many entries as columns says the same as proving each by itself, and both the rule."""

import hashlib
import hmac
from collections.abc import Sequence

import hiredis
from hypothesis import example, given, settings
from hypothesis import strategies as st

from repository import window as window_module
from repository.proof import BODY, FEW, HEAD, Proof, Proven, shape
from repository.record import Entry, Kind
from repository.window import NOTHING_PROVABLE, Change, Window

INCARNATION = b"our life"
OLDEST, HORIZON = 100, 1000
KINDS = st.sampled_from([Kind.CUSTOMER, Kind.ACCOUNT])
SEGMENTS = st.sampled_from([b"", b"p", b"private" * 9])

# What is done to a sound value before it is read back.
DAMAGES = st.sampled_from(
    ["none"] * 6
    + ["absent", "head", "mac", "cut", "longer", "stub", "empty", "other id", "other kind"]
)


def macs(joined: bytes, size: int) -> bytes:
    messages = (joined[at : at + size] for at in range(0, len(joined), size))
    return b"".join(hmac.digest(b"test key", each, "sha256")[:16] for each in messages)


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
    changed = {
        "absent": None,
        "head": bytes([value[0] ^ 1]) + value[1:],
        "mac": value[: BODY - 1] + bytes([value[BODY - 1] ^ 1]) + value[BODY:],
        "cut": value[:-1],
        "longer": value + b"\0",
        "stub": value[:BODY][:-3],
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
        whole = len(entry.operational + entry.private) > 0
        if damage == "absent":
            cause = "absent"
        elif damage in {"head", "mac", "stub", "empty", "other id"} or (
            damage == "cut" and not whole
        ):
            cause = "mac"
        elif damage in {"cut", "longer", "other kind"}:
            cause = "garbled"
        elif entry.horizon < window.oldest_xid:
            cause = "horizon"
        elif not window.proves(kind, id_, entry.version, entry.horizon):
            cause = "version"
        else:
            expected.entries[id_] = entry
            if entry.horizon < below:
                expected.restamped.append((id_, entry._replace(horizon=window.horizon)))
            continue
        expected.misses[cause] = expected.misses.get(cause, 0) + 1
        if cause in {"mac", "garbled"}:
            expected.broken.append(id_)
    return expected


@settings(deadline=None, max_examples=150)
@given(data=st.data(), kind=KINDS, count=st.integers(1, 3 * FEW))
def test_a_batch_equals_one_by_one_and_both_the_rule(data, kind, count):
    changed = data.draw(st.lists(st.tuples(st.integers(0, count), st.integers(1, 5))))
    oldest = data.draw(st.sampled_from([0, OLDEST, NOTHING_PROVABLE]))
    window = window_of(changed, kind, oldest)
    proof = Proof(macs, window)
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
        assert found.entries == expected.entries
        assert {id_: type(entry) for id_, entry in found.entries.items()} == dict.fromkeys(
            expected.entries, Entry
        )
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
    proof = Proof(macs, window)
    ids = [id_of(n) for n in range(count)]
    values = proof.values(2, [(id_, Entry(1, 20, b"o", b"")) for id_ in ids])
    for prove in (proof._few_proven, proof._many_proven):
        found = prove(2, ids, values, {})
        assert len(found.entries) == count
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


@given(st.lists(st.integers(0, 10**9), max_size=3 * FEW), KINDS)
@example(list(range(FEW)), Kind.ACCOUNT)
@example(list(range(FEW + 1)), Kind.ACCOUNT)
def test_bulk_keys_are_the_keys_as_they_go_over_the_wire(numbers, kind):
    proof = Proof(macs, Window(INCARNATION))
    ids = [id_of(n) for n in numbers]
    keys = proof.keys(kind, ids)
    packed = hiredis.pack_command(("MGET", *keys))
    assert b"*%d\r\n$4\r\nMGET\r\n%b" % (len(keys) + 1, proof.bulk_keys(kind, ids)) == packed
    assert all(
        key[4:] == bytes([kind]) + INCARNATION + id_ for key, id_ in zip(keys, ids, strict=True)
    )


@settings(deadline=None)
@given(st.data(), KINDS, st.integers(0, 3 * FEW))
def test_bulk_values_are_the_values_as_they_go_over_the_wire(data, kind, count):
    entry = st.builds(
        Entry,
        version=st.integers(0, 2**63),
        horizon=st.integers(0, 2**64 - 1),
        operational=st.binary(max_size=9),
        private=SEGMENTS,
    )
    proof = Proof(macs, Window(INCARNATION))
    entries = [(id_of(n), data.draw(entry)) for n in range(count)]
    packed = hiredis.pack_command(("MSET", *proof.values(kind, entries)))
    bulk = proof.bulk_values(kind, entries)
    assert b"*%d\r\n$4\r\nMSET\r\n%b" % (count + 1, bulk) == packed


def test_values_are_head_mac_and_sealed_bytes():
    proof = Proof(macs, Window(INCARNATION))
    id_, entry = id_of(1), Entry(3, 77, b"sealed", b"private")
    (value,) = proof.values(Kind.CUSTOMER, [(id_, entry)])
    head = HEAD.pack(3, 77, shape(Kind.CUSTOMER, 6, 7))
    assert value == head + macs(INCARNATION + id_ + head, 48) + b"sealedprivate"


@given(st.integers(1, 255), st.integers(0, 2**28 - 1), st.integers(0, 2**28 - 1))
def test_a_shape_holds_kind_and_lengths_apart(kind, operational, private):
    packed = shape(kind, operational, private)
    assert packed < 2**64
    assert (packed & 0xFF, packed >> 8 & (2**28 - 1), packed >> 36) == (kind, operational, private)
