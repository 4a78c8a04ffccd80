"""Boxes: a batch opens as each by itself does in the library's OCB, and that as RFC 7253 says."""

import json
import random as chance
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.keyrings import KEK, ring, table
from tokenizer.boxes import HEAD_BLOCKS, Boxes, Ocb
from tokenizer.keyring import Keyring, Purpose

VECTORS = json.loads((Path(__file__).parents[1] / "golden" / "ocb.json").read_text())
BOXES = Boxes(ring())
LEAD = b"lead of 16 bytes"
HEAD_BYTES = 16 * HEAD_BLOCKS


def ids_and_heads(random: chance.Random, count: int) -> tuple[list[bytes], list[bytes]]:
    ids, heads = [[random.randbytes(size) for _ in range(count)] for size in (16, HEAD_BYTES)]
    return ids, heads


def sealed(boxes: Boxes | Ocb, ids: list[bytes], heads: list[bytes], texts: list[bytes]):
    bound = [id_ + head for id_, head in zip(ids, heads, strict=True)]
    return boxes.sealed(LEAD, bound, texts)


def opened(
    boxes: Boxes | Ocb, ids: list[bytes], heads: list[bytes], made: list[bytes]
) -> list[bytes | None]:
    """What the boxes hold, as a batch; None of one that is not authentic."""
    values = [head + box for head, box in zip(heads, made, strict=True)]
    counts = np.array([len(value) // 16 for value in values])
    starts = np.cumsum(counts) - counts
    words = np.frombuffer(b"".join(ids), np.uint64)
    found, authentic = boxes.opened(LEAD, words, b"".join(values), starts, counts)
    places = zip(starts.tolist(), counts.tolist(), strict=True)
    whole = found.tobytes()
    texts = [whole[16 * at + HEAD_BYTES + 16 : 16 * (at + count) - 16] for at, count in places]
    return [text if right else None for text, right in zip(texts, authentic.tolist(), strict=True)]


def few_opened(
    boxes: Boxes | Ocb, ids: list[bytes], heads: list[bytes], made: list[bytes]
) -> list[bytes | None]:
    bound = [id_ + head for id_, head in zip(ids, heads, strict=True)]
    return boxes.few_opened(LEAD, bound, made)


@pytest.mark.parametrize("vector", VECTORS["samples"])
def test_the_librarys_own_ocb_has_the_published_vectors(vector):
    ocb = AESOCB3(bytes.fromhex(VECTORS["key"]))
    nonce, bound, text, box = (bytes.fromhex(vector[each]) for each in "NAPC")
    assert ocb.encrypt(nonce, text, bound) == box


@pytest.mark.parametrize(("bits", "expected"), VECTORS["all lengths"].items())
def test_and_so_it_has_for_all_lengths(bits, expected):
    """RFC 7253, appendix A: what all texts up to 127 bytes come to, one after another."""
    key = bytes(int(bits) // 8 - 1) + b"\x80"
    ocb, made = AESOCB3(key), b""
    for size in range(128):
        zeros = bytes(size)
        for place, (text, bound) in enumerate(((zeros, zeros), (zeros, b""), (b"", zeros)), 1):
            made += ocb.encrypt((3 * size + place).to_bytes(12), text, bound)
    assert ocb.encrypt((385).to_bytes(12), b"", made).hex() == expected


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from([0, 1, 2, 3, 9, 28, 130, 4400]), min_size=1, max_size=40),
    st.sampled_from([16, 24, 32]),
    st.integers(0, 2**32),
)
@example([0], 32, 0)
@example([0, 0, 1], 32, 0)
@example([300] * 3, 16, 1)
def test_a_batch_equals_one_by_one(sizes, key_size, seed):
    """Of any lengths, the empty text too; of each a twin with one bit flipped somewhere."""
    random = chance.Random(seed)
    ocb = Ocb(random.randbytes(key_size))
    ids, heads = ids_and_heads(random, len(sizes))
    texts = [random.randbytes(16 * size) for size in sizes]
    made = sealed(ocb, ids, heads, texts)
    assert opened(ocb, ids, heads, made) == few_opened(ocb, ids, heads, made) == texts
    flipped = [bytearray(b"".join(each)) for each in zip(ids, heads, made, strict=True)]
    for each in flipped:
        each[random.randrange(len(each))] ^= 1 << random.randrange(8)
    parts = [[bytes(each[:16]), bytes(each[16:48]), bytes(each[48:])] for each in flipped]
    ids_too, heads_too, made_too = (
        [*sound, *damaged]
        for sound, damaged in zip((ids, heads, made), zip(*parts, strict=True), strict=True)
    )
    expected = [*texts, *[None] * len(texts)]
    assert opened(ocb, ids_too, heads_too, made_too) == expected
    assert few_opened(ocb, ids_too, heads_too, made_too) == expected


def test_what_a_box_is_bound_to_is_all_of_it():
    ids, heads = ids_and_heads(chance.Random(1), 3)
    made = sealed(BOXES, ids, heads, [b"text of 16 bytes"] * 3)
    swapped = [made[1], made[0], made[2]]
    for how in (opened, few_opened):
        assert how(BOXES, ids, heads, swapped) == [None, None, b"text of 16 bytes"]
        assert how(BOXES, [ids[1], ids[1], ids[2]], heads, made)[0] is None
        assert how(BOXES, ids, [heads[1], heads[1], heads[2]], made)[0] is None
    bound = [id_ + head for id_, head in zip(ids, heads, strict=True)]
    assert BOXES.few_opened(bytes(16), bound, made) == [None] * 3


def test_nonces_end_in_six_zero_bits_and_are_never_the_same():
    ids, heads = ids_and_heads(chance.Random(2), 500)
    made = sealed(BOXES, ids, heads, [b"text of 16 bytes"] * 500)
    nonces = {box[:16] for box in made}
    assert len(nonces) == 500
    assert all(nonce[0] == 1 and nonce[-1] & 63 == 0 for nonce in nonces)
    assert {nonce[-1] >> 6 for nonce in nonces} == {0, 1, 2, 3}
    assert len({box[16:32] for box in made}) == 500


def test_what_is_no_box_does_not_open():
    ids, heads = ids_and_heads(chance.Random(3), 3)
    assert few_opened(BOXES, ids, heads, [b"", b"\1" * 31, b"\1" * 47]) == [None] * 3


def test_a_rotation_makes_the_cache_cold():
    old = table()
    before = Boxes(Keyring.open(KEK, old))
    after = Boxes(Keyring.open(KEK, old.with_new_generation(Purpose.CACHE, KEK)))
    ids, heads = ids_and_heads(chance.Random(4), 2)
    made = sealed(before, ids, heads, [b"text of 16 bytes"] * 2)
    for how in (opened, few_opened):
        assert how(before, ids, heads, made) == [b"text of 16 bytes"] * 2
        assert how(after, ids, heads, made) == [None] * 2


def test_no_key_is_shown():
    assert "hidden" in repr(BOXES)
    assert "hidden" in repr(Ocb(bytes(32)))
