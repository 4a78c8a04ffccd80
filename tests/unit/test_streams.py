"""Opening proven segments without their tags says what opening them with their tags does."""

import hashlib
import random as chance

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.keyrings import KEK, ring, table
from tokenizer.keyring import Keyring, Purpose
from tokenizer.sealing import OPERATIONAL_SEAL_BYTES, SealBroken, Sealer

KIND = 2
OLD = table()
NEW = OLD.with_new_generation(Purpose.OPERATIONAL, KEK)
BEFORE = Sealer(Keyring.open(KEK, OLD))
SEALER = Sealer(Keyring.open(KEK, NEW))
SIZES = st.sampled_from([0, 1, 15, 16, 17, 100, 203, 70_000])


def id_of(n: int) -> bytes:
    return hashlib.sha256(b"%d" % n).digest()[:16]


def opened(sealer: Sealer, ids: list[bytes], blobs: list[bytes], before: int = 32) -> list[bytes]:
    """What `blobs` say, laid out as in values of the cache."""
    joined, places = b"", []
    for blob in blobs:
        joined += bytes(before)
        places.append(len(joined))
        joined += blob + bytes(-len(blob) % 16) + b"MAC of 16 bytes."
    last_bytes = np.array([id_[-1] for id_ in ids], np.uint8)
    texts = sealer.open_sound_operational(joined, np.array(places, np.intp), last_bytes)
    return [
        texts[place - places[0] :][: len(blob) - OPERATIONAL_SEAL_BYTES]
        for place, blob in zip(places, blobs, strict=True)
    ]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=30),
    st.integers(0, 2**32),
    st.sampled_from([0, 16, 32]),
    st.booleans(),
)
@example([(16, False)] * 2, 0, 0, True)
def test_a_batch_equals_opening_by_tags(segments, seed, before, is_sorted):
    """Of any lengths, under two generations of the key, in the order of keys or in none."""
    random = chance.Random(seed)
    ids = [id_of(random.randrange(10**6)) for _ in segments]
    if is_sorted:
        ids.sort(key=lambda id_: id_[-1])
    texts = [random.randbytes(size) for size, _ in segments]
    blobs = [
        (BEFORE if is_old else SEALER).seal_operational(KIND, id_, (7, 0, 0), text)
        for id_, text, (_, is_old) in zip(ids, texts, segments, strict=True)
    ]
    assert SEALER.open_operational_many(KIND, ids, blobs) == texts
    assert opened(SEALER, ids, blobs, before) == texts


def test_a_generation_that_does_not_serve_breaks_the_seal():
    ids = [id_of(1), id_of(2)]
    blobs = [SEALER.seal_operational(KIND, id_, (1, 0, 0), b"text") for id_ in ids]
    assert opened(SEALER, ids, blobs) == [b"text"] * 2
    with pytest.raises(SealBroken):
        opened(BEFORE, ids, blobs)


def test_it_proves_nothing():
    """Which is why nothing may come here that was not opened by its tag, and MACed, before."""
    blob = SEALER.seal_operational(KIND, id_of(1), (1, 0, 0), b"text")
    changed = blob[:37] + bytes([blob[37] ^ 1]) + blob[38:]
    assert opened(SEALER, [id_of(1)], [changed]) == [b"uext"]
    assert SEALER.opens_operational_many(KIND, [id_of(1)], [1], [changed]) == [False]


def test_no_key_is_shown():
    assert "hidden" in repr(SEALER._streams)


@given(st.lists(st.sampled_from(["sound", "tag", "version", "short", "empty", "key"]), max_size=9))
def test_which_segments_open(damages):
    ids = [id_of(n) for n in range(len(damages))]
    stranger = Sealer(ring())
    blobs = []
    for id_, damage in zip(ids, damages, strict=True):
        sealer = stranger if damage == "key" else SEALER
        blob = sealer.seal_operational(KIND, id_, (8 if damage == "version" else 7, 0, 0), b"text")
        cut = {"tag": blob[:-1] + bytes([blob[-1] ^ 1]), "short": blob[:9], "empty": b""}
        blobs.append(cut.get(damage, blob))
    expected = [damage == "sound" for damage in damages]
    assert SEALER.opens_operational_many(KIND, ids, [7] * len(ids), blobs) == expected
