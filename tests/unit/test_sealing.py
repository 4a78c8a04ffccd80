"""Seals: what they bind, what swaps they notice, and how many one generation makes."""

import struct

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.keyrings import KEK, ring, table
from tokenizer.blobs import Blobs
from tokenizer.keyring import Keyring, Purpose
from tokenizer.sealing import (
    OPENED_TEXT,
    SEALS_MAX,
    KeyExhausted,
    Opened,
    SealBroken,
    SealCounts,
    Sealer,
    Segment,
    Versions,
    operational_versions,
    sealing_generation,
)

KEYRING = ring()
SEALER = Sealer(KEYRING)
ID = bytes(range(16))
OTHER_ID = bytes(range(1, 17))
TWIN_ID = b"\xff" + ID[1:]  # same last byte, so the same subkey
versions = st.tuples(*[st.integers(0, 2**64 - 1)] * 3)


@given(st.integers(1, 255), st.binary(min_size=16, max_size=16), versions, st.binary(max_size=99))
def test_operational_segments_round_trip(kind, record_id, found, plaintext):
    blob = SEALER.seal_operational(kind, record_id, found, plaintext)
    assert SEALER.open_operational(kind, record_id, blob) == (*found, plaintext)
    assert operational_versions(blob) == found
    assert sealing_generation(blob) == 1


def test_the_bytes_of_a_seal_are_header_nonce_ciphertext_and_tag():
    """Stored bytes outlive releases: header, associated data and subkey are fixed."""
    blob = SEALER.seal_operational(2, ID, Versions(7, 0, 5), b"plain")
    header = struct.pack(">BQQQ", 1, 7, 0, 5)
    assert blob[:25] == header
    cipher = AESGCM(KEYRING.subkey(Purpose.OPERATIONAL, 1, b"seal/15"))
    assert cipher.decrypt(blob[25:37], blob[37:], b"\x02\x01" + ID + header) == b"plain"
    number = SEALER.seal_number(2, ID, 7, b"plain")
    header = struct.pack(">BQ", 1, 7)
    assert number[:9] == header
    cipher = AESGCM(KEYRING.subkey(Purpose.NUMBER, 1, b"seal/15"))
    assert cipher.decrypt(number[9:21], number[21:], b"\x02\x03" + ID + header) == b"plain"
    assert list(Segment) == [1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "record_id"), [(3, ID), (2, OTHER_ID), (2, TWIN_ID), (1, ID)], ids=str
)
def test_a_seal_moved_to_another_row_or_kind_breaks(kind, record_id):
    operational = SEALER.seal_operational(2, ID, (1, 0, 1), b"plain")
    number = SEALER.seal_number(2, ID, 1, b"plain")
    with pytest.raises(SealBroken):
        SEALER.open_operational(kind, record_id, operational)
    with pytest.raises(SealBroken):
        SEALER.open_number(kind, record_id, 1, number)


def test_a_seal_moved_to_another_segment_breaks():
    operational = SEALER.seal_operational(2, ID, (1, 0, 0), b"plain" * 9)
    number = SEALER.seal_number(2, ID, 1, b"plain" * 9)
    with pytest.raises(SealBroken):
        SEALER.open_number(2, ID, 1, operational)
    with pytest.raises(SealBroken):
        SEALER.open_operational(2, ID, number)


@given(st.data())
def test_every_changed_bit_breaks_the_seal(data):
    blob = bytearray(SEALER.seal_operational(2, ID, (3, 2, 1), b"plaintext"))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealBroken):
        SEALER.open_operational(2, ID, bytes(blob))


@pytest.mark.parametrize("length", [0, 1, 24, 25, 30, 37, 52])
def test_a_cut_blob_breaks(length):
    blob = SEALER.seal_operational(2, ID, (3, 2, 1), b"x")[:length]
    with pytest.raises(SealBroken):
        SEALER.open_operational(2, ID, blob)
    with pytest.raises(SealBroken):
        SEALER.open_number(2, ID, 3, blob)


def test_a_number_segment_of_another_version_is_refused():
    older, newer = SEALER.seal_number(3, ID, 1, b"a"), SEALER.seal_number(3, ID, 2, b"b")
    assert SEALER.open_number(3, ID, 2, newer) == b"b"
    with pytest.raises(SealBroken):
        SEALER.open_number(3, ID, 2, older)
    forged = newer[:1] + (1).to_bytes(8) + newer[9:]
    with pytest.raises(SealBroken):
        SEALER.open_number(3, ID, 1, forged)


def test_batches_keep_order_and_name_the_broken_position():
    ids = [bytes([n]) * 16 for n in range(50)]
    plaintexts = [b"record %d" % n for n in range(50)]
    blobs = SEALER.seal_operational_many(4, ids, [(n, 0, 0) for n in range(50)], plaintexts)
    assert SEALER.open_operational_many(4, ids, blobs) == plaintexts
    assert len({blob[25:37] for blob in blobs}) == 50
    blobs[17], blobs[18] = blobs[18], blobs[17]
    with pytest.raises(SealBroken) as broken:
        SEALER.open_operational_many(4, ids, blobs)
    assert broken.value.position == 17
    numbers = SEALER.seal_number_many(2, ids, range(50), plaintexts)
    assert SEALER.open_number_many(2, ids, range(50), numbers) == plaintexts
    with pytest.raises(SealBroken) as broken:
        SEALER.open_number_many(2, ids, [0, 1, 2, 4, *range(4, 50)], numbers)
    assert broken.value.position == 3
    with pytest.raises(ValueError, match="an id for each segment"):
        SEALER.open_operational_many(4, ids, blobs[:-1])


def test_the_same_plaintext_never_seals_to_the_same_bytes():
    blobs = SEALER.seal_operational_many(2, [ID] * 100, [(1, 0, 0)] * 100, [b"same"] * 100)
    assert len(set(blobs)) == 100


def test_seals_outlive_a_rotation_and_end_with_their_generation():
    before = table()
    old = Sealer(Keyring.open(KEK, before)).seal_operational(2, ID, (1, 0, 0), b"old")
    rotated = before.with_new_generation(Purpose.OPERATIONAL, KEK)
    both = Sealer(Keyring.open(KEK, rotated))
    new = both.seal_operational(2, ID, (2, 0, 0), b"new")
    assert [sealing_generation(blob) for blob in (old, new)] == [1, 2]
    assert both.open_operational_many(2, [ID, ID], [old, new]) == [b"old", b"new"]
    retired = rotated.with_retired(Purpose.OPERATIONAL, 1, KEK)
    with pytest.raises(SealBroken):
        Sealer(Keyring.open(KEK, retired)).open_operational(2, ID, old)


def test_seals_are_counted_by_purpose_and_generation():
    sealer = Sealer(ring(Purpose.NUMBER))
    sealer.seal_operational_many(2, [ID] * 3, [(1, 0, 0)] * 3, [b""] * 3)
    sealer.seal_number(2, ID, 1, b"")
    assert sealer.counts.drain() == {(Purpose.OPERATIONAL, 1): 3, (Purpose.NUMBER, 2): 1}
    assert sealer.counts.drain() == {}


def test_a_generation_refuses_the_seal_after_the_last():
    sealer = Sealer(ring())
    sealer.counts.learn(Purpose.OPERATIONAL, 1, SEALS_MAX - 2)
    sealer.seal_operational(2, ID, (1, 0, 0), b"")
    with pytest.raises(KeyExhausted):
        sealer.seal_operational_many(2, [ID] * 2, [(1, 0, 0)] * 2, [b""] * 2)
    sealer.seal_operational(2, ID, (1, 0, 0), b"")
    with pytest.raises(KeyExhausted):
        sealer.seal_operational(2, ID, (1, 0, 0), b"")
    sealer.seal_number(2, ID, 1, b"")


def test_drained_seals_still_count():
    counts = SealCounts()
    counts.add(Purpose.NUMBER, 1, SEALS_MAX)
    counts.drain()
    with pytest.raises(KeyExhausted):
        counts.add(Purpose.NUMBER, 1, 1)


def test_nothing_secret_is_shown():
    opened = SEALER.open_operational(2, ID, SEALER.seal_operational(2, ID, (3, 0, 1), b"secret"))
    assert opened == Opened(3, 0, 1, b"secret")
    assert repr(opened) == str(opened) == f"{opened}" == "Opened(3, 0, 1, 6 bytes hidden)"
    assert repr(SEALER) == "Sealer(keys hidden)"


@given(st.lists(st.sampled_from(["sound", "tag", "version", "short", "empty", "key"]), max_size=9))
def test_what_is_sound_is_opened_behind_its_header(damages):
    ids = [bytes([n]) * 16 for n in range(len(damages))]
    stranger = Sealer(ring())
    blobs = []
    for id_, damage in zip(ids, damages, strict=True):
        sealer = stranger if damage == "key" else SEALER
        blob = sealer.seal_operational(2, id_, (8 if damage == "version" else 7, 0, 5), b"text")
        cut = {"tag": blob[:-1] + bytes([blob[-1] ^ 1]), "short": blob[:9], "empty": b""}
        blobs.append(cut.get(damage, blob))
    opened = SEALER.opened_operational_many(2, ids, [7] * len(ids), blobs)
    assert [each is not None for each in opened] == [damage == "sound" for damage in damages]
    for segment, blob in zip(opened, blobs, strict=True):
        if segment is not None:
            assert segment[OPENED_TEXT] == b"text"
            assert operational_versions(segment) == (7, 0, 5)
            assert segment[: OPENED_TEXT.start] == blob[: OPENED_TEXT.start]


def side_by_side(segments):
    """These blobs with something between them, the last one first."""
    sizes = np.array([len(segment) for segment in segments], np.intp)
    places = (np.cumsum((sizes + 3)[::-1]) - (sizes + 3)[::-1])[::-1]
    return Blobs(b"gap".join([*segments[::-1], b""]), places, sizes)


@given(
    st.lists(st.tuples(st.binary(min_size=16, max_size=16), versions, st.binary(max_size=99))),
    st.sampled_from([1, 2]),
)
def test_what_lies_side_by_side_opens_as_one_by_one_does(records, generations):
    """Under one generation and under two, as after a rotation."""
    tables = [table()]
    tables.append(tables[0].with_new_generation(Purpose.OPERATIONAL, KEK))
    sealers = [Sealer(Keyring.open(KEK, each)) for each in tables]
    blobs = [
        sealers[at % generations].seal_operational(2, id_, found, text)
        for at, (id_, found, text) in enumerate(records)
    ]
    ids = [id_ for id_, _, _ in records]
    joined = b"".join(found[0].to_bytes(8) for _, found, _ in records)
    opened = sealers[1].open_operational_blobs(2, b"".join(ids), joined, side_by_side(blobs))
    assert opened == sealers[1].open_operational_many(2, ids, blobs)
    assert opened == [text for _, _, text in records]


@pytest.mark.parametrize("place", [0, 30, 59])
@pytest.mark.parametrize(
    "damage", ["tag", "version", "short", "empty", "key", "id", "kind", "generation", "length"]
)
def test_what_lies_side_by_side_and_does_not_open_is_named(damage, place):
    ids = [bytes([n]) * 16 for n in range(60)]
    blobs = SEALER.seal_operational_many(2, ids, [(7, 0, 5)] * 60, [b"text"] * 60)
    blob = blobs[place]
    blobs[place] = {
        "tag": blob[:-1] + bytes([blob[-1] ^ 1]),
        "version": SEALER.seal_operational(2, ids[place], (8, 0, 5), b"text"),
        "short": blob[:30],
        "empty": b"",
        "key": Sealer(ring()).seal_operational(2, ids[place], (7, 0, 5), b"text"),
        "id": SEALER.seal_operational(2, ids[place - 1], (7, 0, 5), b"text"),
        "kind": SEALER.seal_operational(3, ids[place], (7, 0, 5), b"text"),
        "generation": b"\x09" + blob[1:],
        "length": blob + b"\0",
    }[damage]
    with pytest.raises(SealBroken) as broken:
        SEALER.open_operational_blobs(2, b"".join(ids), (7).to_bytes(8) * 60, side_by_side(blobs))
    assert broken.value.position == place


def test_what_lies_side_by_side_has_an_id_each():
    blobs = SEALER.seal_operational_many(2, [ID] * 20, [(7, 0, 5)] * 20, [b"text"] * 20)
    with pytest.raises(ValueError, match="an id for each segment"):
        SEALER.open_operational_blobs(2, ID, (7).to_bytes(8) * 20, side_by_side(blobs))
