"""Record ids: CMACs of an injective encoding under every generation, and their text form."""

import base64
import uuid

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.keyrings import ring
from tokenizer.identity import Identity, NotAnId, id_to_text, text_to_id, uuid7
from tokenizer.keyring import Purpose
from tokenizer.normal import NotNormal, name_words

KEYRING = ring(Purpose.IDENTITY)
IDENTITY = Identity(KEYRING)
ROUTING = "021000021"
alphanumeric = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=17)


def cmac(label: bytes, message: bytes, generation: int) -> bytes:
    context = CMAC(algorithms.AES(KEYRING.subkey(Purpose.IDENTITY, generation, label)))
    context.update(message)
    return context.finalize()


@given(st.lists(alphanumeric, max_size=30), st.integers(1, 2))
def test_account_ids_are_generation_byte_and_cmac_of_the_padded_text(numbers, generation):
    ids = IDENTITY.account_ids([ROUTING] * len(numbers), numbers, generation)
    for number, record_id in zip(numbers, ids, strict=True):
        text = (ROUTING + number).encode()
        message = (bytes([1, len(text)]) + text).ljust(32, b"\0")
        assert record_id == bytes([generation]) + cmac(b"id", message, generation)[:15]


def test_every_kind_of_number_has_its_own_encoding():
    text = "4111111111111111"
    iban = "GB82WEST12345698765432"
    expected = [
        (IDENTITY.pan_ids([text]), bytes([2, 16]) + text.encode(), 32),
        (IDENTITY.dpan_ids([text]), bytes([4, 16]) + text.encode(), 32),
        (IDENTITY.iban_ids([iban]), bytes([3, 22]) + iban.encode(), 48),
    ]
    for ids, head, size in expected:
        assert ids == [b"\x02" + cmac(b"id", head.ljust(size, b"\0"), 2)[:15]]
    assert len({IDENTITY.account_ids([text[:9]], [text[9:]])[0], *(e[0][0] for e in expected)}) == 4


def test_the_newest_generation_is_the_default_and_all_are_named():
    assert IDENTITY.generations == (2, 1)
    assert IDENTITY.pan_ids(["4111111111111111"]) == IDENTITY.pan_ids(["4111111111111111"], 2)
    assert IDENTITY.pan_ids(["4111111111111111"], 1)[0][0] == 1


@pytest.mark.parametrize("number", ["1" * 22, "1" * 30, "1" * 200])
def test_a_number_too_long_for_its_encoding_is_refused(number):
    with pytest.raises(NotNormal):
        IDENTITY.account_ids([ROUTING] * 2, ["1", number])


def test_text_that_is_not_normal_is_refused_without_echo():
    for routings, numbers in ((["02100002"], ["11"]), ([ROUTING], ["٤٤"])):
        with pytest.raises(NotNormal) as refused:
            IDENTITY.account_ids(routings, numbers)
        assert numbers[0] not in str(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_batches_keep_order_and_duplicates():
    numbers = ["1", "2", "1"]
    first, second, third = IDENTITY.account_ids([ROUTING] * 3, numbers)
    assert first == third != second
    assert IDENTITY.account_ids([], []) == IDENTITY.identifier_keys(1, "US", []) == []
    with pytest.raises(ValueError, match="zip"):
        IDENTITY.account_ids([ROUTING], ["1", "2"])


def test_identifier_keys_bind_type_country_and_generation():
    value = ["123456789"]
    keys = {
        IDENTITY.identifier_keys(type_number, country, value, generation)[0]
        for type_number in (1, 3, 11)
        for country in ("", "US", "GB")
        for generation in (1, 2)
    }
    assert len(keys) == 18
    assert {key[0] for key in keys} == {1, 2}
    assert {len(key) for key in keys} == {16}
    assert IDENTITY.identifier_keys(1, "US", value) == IDENTITY.identifier_keys(1, "US", value, 2)


def test_identifiers_may_be_long_and_in_any_script():
    long = ["a" * 250 + end for end in ("1", "2")] + ["jürgen@example.com"]
    assert len(set(IDENTITY.identifier_keys(20, "", long))) == 3
    for bad in ("USA", "É1"):
        with pytest.raises(NotNormal):
            IDENTITY.identifier_keys(1, bad, ["1"])
    with pytest.raises(NotNormal):
        IDENTITY.identifier_keys(20, "", ["\ud800"])


def test_name_digests_are_32_bits_by_word_and_generation():
    words = name_words("José Jose Müller")
    digests = IDENTITY.name_digests(words)
    assert digests[0] == digests[1] != digests[2]
    assert all(0 <= digest < 2**32 for digest in digests)
    assert digests != IDENTITY.name_digests(words, 1)
    message = (bytes([5, 4]) + b"jose").ljust(32, b"\0")
    assert digests[0] == int.from_bytes(cmac(b"name", message, 2)[:4])
    long = "ä" * 40
    assert IDENTITY.name_digests([long]) == IDENTITY.name_digests([long + "x"])
    assert IDENTITY.name_digests([]) == []


@given(st.binary(min_size=16, max_size=16))
def test_id_text_is_rfc_4648_base32_in_lower_case(record_id):
    text = id_to_text(record_id)
    assert text == base64.b32encode(record_id).decode().rstrip("=").lower()
    assert text_to_id(text) == record_id


@settings(max_examples=300)
@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26))
def test_every_id_has_one_spelling(text):
    try:
        record_id = text_to_id(text)
    except NotAnId:
        return
    assert id_to_text(record_id) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 25,
        "a" * 27,
        "A" * 26,
        "a" * 25 + "b",
        "a" * 25 + "=",
        "1" + "a" * 25,
        " " + "a" * 25,
        "a" * 26 + "\n",
        "\uff41" * 26,
        "a" * 25 + "٤",
    ],
)
def test_any_other_spelling_is_refused(text):
    with pytest.raises(NotAnId):
        text_to_id(text)


def test_uuid7_has_version_variant_and_time_order():
    made = [uuid7() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {(each.version, each.variant) for each in made} == {(7, uuid.RFC_4122)}
    stamps = [each.int >> 64 for each in made]
    assert stamps == sorted(stamps)


def test_uuid7_holds_milliseconds_and_their_fraction(monkeypatch):
    """RFC 9562 appendix A.6 has this time; the fraction here is half a millisecond."""
    monkeypatch.setattr("tokenizer.identity.time.time_ns", lambda: 0x017F22E279B0 * 10**6 + 500_000)
    made = uuid7()
    assert str(made).startswith("017f22e2-79b0-7800-")


def test_no_key_is_shown():
    assert repr(IDENTITY) == "Identity(generations=(2, 1), keys hidden)"


@given(st.lists(alphanumeric, max_size=30), st.integers(1, 2))
def test_ids_and_digests_of_rows_are_those_of_the_same_texts(numbers, generation):
    def rows(kind: int, texts: list[str]) -> np.ndarray:
        joined = b"".join(
            (bytes([kind, len(text)]) + text.encode()).ljust(32, b"\0") for text in texts
        )
        return np.frombuffer(joined, np.uint8).reshape(-1, 32)

    ids = IDENTITY.ids_of(rows(1, [ROUTING + number for number in numbers]), generation)
    assert [one.tobytes() for one in ids] == IDENTITY.account_ids(
        [ROUTING] * len(numbers), numbers, generation
    )
    digests = IDENTITY.name_digests_of(rows(5, numbers).view("<u8"), generation)
    assert digests.tolist() == IDENTITY.name_digests(numbers, generation)
