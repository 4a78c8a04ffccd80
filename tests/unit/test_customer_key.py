"""Customers' own keys: wrapped for one owner, sealing what dies with them."""

from dataclasses import replace

import pytest

from tests.unit.keyrings import KEK, table
from tokenizer.customer import CustomerKeys, CustomerSealer
from tokenizer.identity import uuid7
from tokenizer.kek import WrapBroken
from tokenizer.keyring import KeyRetired, Keyring, Purpose, UnknownGeneration
from tokenizer.sealing import SealBroken, Sealer

ALICE, BORIS = uuid7().bytes, uuid7().bytes
TABLE = table(Purpose.CUSTOMER_WRAP)
KEYS = CustomerKeys(Keyring.open(KEK, TABLE))


def test_segments_round_trip_through_a_wrapped_key():
    sealer, wrapped = KEYS.create(ALICE)
    private, number = sealer.seal_private(4, b"private"), sealer.seal_number(5, b"number")
    assert private[:9] == b"\x01" + (4).to_bytes(8)
    again = KEYS.unwrap(ALICE, wrapped)
    assert again.open_private(4, private) == b"private"
    assert again.open_number(5, number) == b"number"
    assert (wrapped.generation, len(wrapped.wrapped)) == (2, 40)


def test_a_wrapped_key_serves_its_owner_only():
    _, wrapped = KEYS.create(ALICE)
    with pytest.raises(WrapBroken):
        KEYS.unwrap(BORIS, wrapped)
    with pytest.raises(WrapBroken):
        KEYS.unwrap(ALICE, replace(wrapped, generation=1))
    with pytest.raises(UnknownGeneration):
        KEYS.unwrap(ALICE, replace(wrapped, generation=3))
    for damaged in (b"", wrapped.wrapped[:-1], wrapped.wrapped[:-1] + b"\x00", bytes(40)):
        with pytest.raises(WrapBroken):
            KEYS.unwrap(ALICE, replace(wrapped, wrapped=damaged))


def test_swaps_of_rows_segments_and_versions_break():
    alice, _ = KEYS.create(ALICE)
    boris, _ = KEYS.create(BORIS)
    blob = alice.seal_private(4, b"private")
    for opens in (
        lambda: boris.open_private(4, blob),
        lambda: alice.open_number(4, blob),
        lambda: alice.open_private(5, blob),
        lambda: alice.open_private(5, blob[:1] + (5).to_bytes(8) + blob[9:]),
        lambda: alice.open_private(4, blob[:-1]),
        lambda: alice.open_private(4, blob[:12]),
        lambda: alice.open_private(4, b""),
    ):
        with pytest.raises(SealBroken):
            opens()


def test_one_key_under_two_ids_does_not_open_the_others_segment():
    blob = CustomerSealer(ALICE, bytes(range(32))).seal_private(1, b"x")
    with pytest.raises(SealBroken):
        CustomerSealer(BORIS, bytes(range(32))).open_private(1, blob)


def test_a_number_segment_of_the_purpose_key_is_not_a_customers():
    blob = Sealer(Keyring.open(KEK, TABLE)).seal_number(1, ALICE, 1, b"x")
    sealer, _ = KEYS.create(ALICE)
    with pytest.raises(SealBroken):
        sealer.open_number(1, blob)


def test_rewrapping_changes_the_wrap_and_not_the_key():
    first = CustomerKeys(Keyring.open(KEK, table()))
    assert first.create(ALICE)[1].generation == 1
    before = table()
    sealer, wrapped = CustomerKeys(Keyring.open(KEK, before)).create(ALICE)
    blob = sealer.seal_private(1, b"private")
    rotated = before.with_new_generation(Purpose.CUSTOMER_WRAP, KEK)
    rewrapped = CustomerKeys(Keyring.open(KEK, rotated)).rewrap(ALICE, wrapped)
    assert rewrapped.generation == 2
    last = rotated.with_retired(Purpose.CUSTOMER_WRAP, 1, KEK)
    keys = CustomerKeys(Keyring.open(KEK, last))
    assert keys.unwrap(ALICE, rewrapped).open_private(1, blob) == b"private"
    with pytest.raises(KeyRetired):
        keys.unwrap(ALICE, wrapped)


def test_nothing_secret_is_shown():
    sealer, wrapped = KEYS.create(ALICE)
    assert repr(sealer) == "CustomerSealer(key hidden)"
    assert repr(KEYS) == "CustomerKeys(keys hidden)"
    assert repr(wrapped) == "WrappedKey(generation=2)"
