"""FF1 against published vectors, the standard's pseudo code and two other implementations."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fastfpe.ff1
import ffx
import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer.ff1 import FF1, TEXT_ALPHABET, BadNumeral, BadRadix, BadTweak, DomainTooSmall

GOLDEN = Path(__file__).parents[1] / "golden"
NIST = json.loads((GOLDEN / "ff1_nist.json").read_text())["samples"]
WYCHEPROOF = json.loads((GOLDEN / "ff1_wycheproof.json").read_text())["samples"]


def slow_ff1(key: bytes, radix: int, numerals: list[int], tweak: bytes) -> list[int]:
    """SP 800-38G r1, algorithm 7, step by step and without any of the product's code."""

    def ciph(block):
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)

    def prf(text):
        state = bytes(16)
        for at in range(0, len(text), 16):
            state = ciph(bytes(a ^ b for a, b in zip(state, text[at : at + 16], strict=True)))
        return state

    def num(digits):
        return sum(digit * radix**power for power, digit in enumerate(reversed(digits)))

    def spell(number, length):
        return [number // radix**power % radix for power in range(length - 1, -1, -1)]

    n, t = len(numerals), len(tweak)
    u = n // 2
    v = n - u
    a, b_half = numerals[:u], numerals[u:]
    bits = 0
    while 2**bits < radix**v:  # ceil(v * LOG2(radix))
        bits += 1
    b = math.ceil(bits / 8)
    d = 4 * math.ceil(b / 4) + 4
    p = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256])
    p += n.to_bytes(4, "big") + t.to_bytes(4, "big")
    for i in range(10):
        q = tweak + bytes((-t - b - 1) % 16) + bytes([i]) + num(b_half).to_bytes(b, "big")
        r = prf(p + q)
        s = r
        for j in range(1, math.ceil(d / 16)):
            s += ciph(bytes(x ^ y for x, y in zip(r, j.to_bytes(16, "big"), strict=True)))
        y = int.from_bytes(s[:d], "big")
        m = u if i % 2 == 0 else v
        c = (num(a) + y) % radix**m
        a, b_half = b_half, spell(c, m)
    return a + b_half


def rows(numerals: list[int], tweak: bytes, count: int = 3):
    """The same value `count` times, as a batch."""
    values = np.array([numerals] * count, np.uint16)
    return values, np.array([list(tweak)] * count, np.uint8).reshape(count, len(tweak))


@pytest.mark.parametrize("sample", NIST)
def test_nist_samples(sample):
    cipher = FF1(bytes.fromhex(sample["key"]), sample["radix"])
    tweak = bytes.fromhex(sample["tweak"])
    assert cipher.encrypt(sample["pt"], tweak) == sample["ct"]
    assert cipher.decrypt(sample["ct"], tweak) == sample["pt"]
    values, tweaks = rows(sample["pt"], tweak)
    assert cipher.encrypt_batch(values, tweaks).tolist() == [sample["ct"]] * 3
    assert (
        slow_ff1(bytes.fromhex(sample["key"]), sample["radix"], sample["pt"], tweak) == sample["ct"]
    )


@pytest.mark.parametrize("vector", WYCHEPROOF, ids=lambda vector: str(vector["tcId"]))
def test_wycheproof_vectors_pass_or_are_refused(vector):
    key, tweak = bytes.fromhex(vector["key"]), bytes.fromhex(vector["tweak"])
    if vector["result"] == "invalid":
        with pytest.raises(BadNumeral):
            FF1(key, vector["radix"]).encrypt_text(vector["msg"], tweak)
        return
    cipher = FF1(key, vector["radix"])
    if len(vector["msg"]) < 6:
        with pytest.raises(DomainTooSmall):
            cipher.encrypt_text(vector["msg"], tweak)
        return
    assert cipher.encrypt_text(vector["msg"], tweak) == vector["ct"]
    assert cipher.decrypt_text(vector["ct"], tweak) == vector["msg"]
    values, tweaks = rows([int(digit) for digit in vector["msg"]], tweak)
    encrypted = cipher.encrypt_batch(values, tweaks)
    assert encrypted.tolist() == [[int(digit) for digit in vector["ct"]]] * 3
    assert (cipher.decrypt_batch(encrypted, tweaks) == values).all()


def test_no_published_vector_is_left_out():
    assert len(NIST) == 9
    assert len(WYCHEPROOF) == 240
    invalid = [vector for vector in WYCHEPROOF if vector["result"] == "invalid"]
    assert [vector["flags"] for vector in invalid] == [["InvalidPlaintext"]] * 27


@st.composite
def messages(draw, radix_max=2**16, length_max=48):
    """A key, radix, tweak and message in FF1's domain."""
    radix = draw(st.integers(2, radix_max) | st.sampled_from([2, 10, 36, 256, 2**16]))
    radix = min(radix, radix_max)
    shortest = next(n for n in range(2, 21) if radix**n >= 1_000_000)
    length = draw(st.integers(shortest, max(shortest, length_max)))
    numerals = draw(st.lists(st.integers(0, radix - 1), min_size=length, max_size=length))
    key = draw(st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
    return key, radix, draw(st.binary(max_size=40)), numerals


@settings(deadline=None, max_examples=150)
@given(messages())
def test_scalar_and_batch_equal_the_pseudo_code_and_round_trip(message):
    key, radix, tweak, numerals = message
    cipher = FF1(key, radix)
    encrypted = cipher.encrypt(numerals, tweak)
    assert encrypted == slow_ff1(key, radix, numerals, tweak)
    assert cipher.decrypt(encrypted, tweak) == numerals
    values, tweaks = rows(numerals, tweak, 2)
    assert cipher.encrypt_batch(values, tweaks).tolist() == [encrypted] * 2
    assert (
        cipher.decrypt_batch(cipher.encrypt_batch(values, tweaks), tweaks).tolist()
        == [numerals] * 2
    )


@settings(deadline=None, max_examples=100)
@given(messages(radix_max=36))
def test_two_other_implementations_agree(message):
    key, radix, tweak, numerals = message
    text = "".join(TEXT_ALPHABET[numeral] for numeral in numerals)
    encrypted = FF1(key, radix).encrypt_text(text, tweak)
    alphabet = TEXT_ALPHABET[:radix]
    assert ffx.FF1(key, alphabet=alphabet).encrypt(text, tweak=tweak) == encrypted
    assert fastfpe.ff1.encrypt(key.hex(), tweak.hex(), alphabet, text) == encrypted


@pytest.mark.parametrize("radix", [2, 10, 36, 256])
@pytest.mark.parametrize("tweak_bytes", [0, 5, 9, 11, 12, 40])
def test_every_row_of_a_batch_has_its_own_value_and_tweak(radix, tweak_bytes):
    generator = np.random.default_rng(radix)
    cipher = FF1(bytes(range(32)), radix)
    for length in (20, 21, 35, 36, 37, 60):  # halves below, at and beyond 64 bits
        values = generator.integers(0, radix, (20, length)).astype(np.uint8)
        tweaks = generator.integers(0, 256, (20, tweak_bytes)).astype(np.uint8)
        encrypted = cipher.encrypt_batch(values, tweaks)
        assert encrypted.dtype == np.uint8
        for row in range(20):
            expected = cipher.encrypt(values[row].tolist(), tweaks[row].tobytes())
            assert encrypted[row].tolist() == expected
        assert (cipher.decrypt_batch(encrypted, tweaks) == values).all()


def test_a_batch_longer_than_one_chunk_is_whole():
    values = np.random.default_rng(1).integers(0, 10, (20_000, 16)).astype(np.uint8)
    tweaks = np.zeros((20_000, 5), np.uint8)
    cipher = FF1(bytes(range(32)), 10)
    encrypted = cipher.encrypt_batch(values, tweaks)
    for row in (0, 8191, 8192, 16_384, 19_999):
        assert encrypted[row].tolist() == cipher.encrypt(values[row].tolist(), bytes(5))
    assert (cipher.decrypt_batch(encrypted, tweaks) == values).all()


def test_threads_may_share_one_cipher():
    cipher = FF1(bytes(range(32)), 10)
    values = np.random.default_rng(2).integers(0, 10, (8192, 16)).astype(np.uint8)
    tweaks = np.zeros((8192, 5), np.uint8)
    expected = cipher.encrypt_batch(values, tweaks)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: cipher.encrypt_batch(values, tweaks), range(40)))
    assert all((each == expected).all() for each in made)


def test_an_empty_batch_is_empty():
    empty = np.zeros((0, 16), np.uint8)
    cipher = FF1(bytes(range(32)), 10)
    assert cipher.encrypt_batch(empty, np.zeros((0, 5), np.uint8)).shape == (0, 16)


def test_long_values_and_tweaks():
    cipher = FF1(bytes(range(32)), 10)
    numerals = [index * 7 % 10 for index in range(2000)]
    tweak = bytes(100_000)
    assert cipher.decrypt(cipher.encrypt(numerals, tweak), tweak) == numerals


@pytest.mark.parametrize(
    ("radix", "length"), [(10, 5), (36, 3), (2, 19), (999, 2), (2**16, 1), (10, 1), (10, 0)]
)
def test_a_domain_below_a_million_is_refused(radix, length):
    cipher = FF1(bytes(range(32)), radix)
    with pytest.raises(DomainTooSmall):
        cipher.encrypt([0] * length)
    with pytest.raises(DomainTooSmall):
        cipher.decrypt_batch(np.zeros((1, length), np.uint16), np.zeros((1, 0), np.uint8))


@pytest.mark.parametrize(("radix", "length"), [(10, 6), (36, 4), (2, 20), (1000, 2), (2**16, 2)])
def test_the_smallest_domains_work(radix, length):
    cipher = FF1(bytes(range(32)), radix)
    assert cipher.decrypt(cipher.encrypt([1] * length)) == [1] * length


@pytest.mark.parametrize("radix", [1, 0, -10, 2**16 + 1])
def test_a_radix_out_of_range_is_refused(radix):
    with pytest.raises(BadRadix):
        FF1(bytes(range(32)), radix)


def test_what_does_not_fit_is_refused_without_echo():
    cipher = FF1(bytes(range(32)), 10)
    with pytest.raises(BadNumeral):
        cipher.encrypt([1, 2, 3, 4, 5, 10])
    with pytest.raises(BadNumeral):
        cipher.encrypt([1, 2, 3, 4, 5, -1])
    with pytest.raises(BadNumeral):
        cipher.encrypt_batch(np.full((1, 6), 10, np.uint8), np.zeros((1, 0), np.uint8))
    with pytest.raises(BadTweak):
        cipher.encrypt_batch(np.zeros((2, 6), np.uint8), np.zeros((1, 0), np.uint8))
    with pytest.raises(BadNumeral) as refused:
        cipher.encrypt_text("41111٤")
    assert "41111" not in str(refused.value)
    with pytest.raises(BadRadix):
        FF1(bytes(range(32)), 37).encrypt_text("123456")


def test_the_key_is_not_shown():
    assert repr(FF1(bytes(range(32)), 10)) == "FF1(radix=10, key hidden)"


@pytest.mark.parametrize("length", [1280, 1281])
def test_a_text_too_long_to_be_read_as_two_numbers_is_read_all_the_same(length):
    cipher, text = FF1(bytes(32), 36), ("0Z9A" * length)[:length]
    expected = cipher.encrypt([int(character, 36) for character in text])
    made = cipher.encrypt_text(text)
    assert [int(character, 36) for character in made] == expected
    assert cipher.decrypt_text(made) == text
