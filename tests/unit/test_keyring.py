"""Key tables, their MAC, generations and the providers of the key that wraps them."""

import base64
import hashlib
import hmac
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.keyrings import KEK, ring, table
from tokenizer.kek import (
    EnvironmentKeyProvider,
    FileKeyProvider,
    KekMalformed,
    LocalKek,
    PublishedKek,
    WrapBroken,
    derive,
    is_published,
)
from tokenizer.keyring import (
    GenerationRefused,
    KeyRetired,
    Keyring,
    KeyState,
    KeyTable,
    KeyTableTampered,
    KeyTableUnsound,
    Purpose,
    UnknownGeneration,
    create_table,
)

SECRET = bytes.fromhex("8d1f7a90c3e45b26d70812fe9ab634cd5e6f0172839405a6b7c8d9eaf1020384")


def row(made: KeyTable, purpose: Purpose, generation: int):
    return next(r for r in made.rows if (r.purpose, r.generation) == (purpose, generation))


def changed(made: KeyTable, name: Purpose, **change) -> KeyTable:
    """The table with one row changed by somebody who has no KEK."""
    old = row(made, name, 1)
    return replace(made, rows=tuple(replace(r, **change) if r is old else r for r in made.rows))


def test_a_new_table_serves_generation_one_of_every_purpose():
    keyring = ring()
    for purpose in Purpose:
        assert keyring.active(purpose) == 1
        assert keyring.generations(purpose) == (1,)
        assert len(keyring.subkey(purpose, 1, b"x")) == 32


def test_a_rotation_keeps_the_former_generation_live():
    made = table(Purpose.IDENTITY, Purpose.IDENTITY)
    keyring = Keyring.open(KEK, made)
    assert keyring.active(Purpose.IDENTITY) == 3
    assert keyring.generations(Purpose.IDENTITY) == (3, 2, 1)
    assert keyring.active(Purpose.NUMBER) == 1
    assert row(made, Purpose.IDENTITY, 2).state is KeyState.LIVE


def test_a_retired_generation_serves_nothing():
    made = table(Purpose.NUMBER).with_retired(Purpose.NUMBER, 1, KEK)
    keyring = Keyring.open(KEK, made)
    assert keyring.generations(Purpose.NUMBER) == (2,)
    assert keyring.retired(Purpose.NUMBER) == (1,)
    with pytest.raises(KeyRetired):
        keyring.subkey(Purpose.NUMBER, 1, b"x")
    with pytest.raises(UnknownGeneration):
        keyring.subkey(Purpose.NUMBER, 3, b"x")


@pytest.mark.parametrize("generation", [0, 2, 3])
def test_only_a_live_generation_can_be_retired(generation):
    with pytest.raises(GenerationRefused):
        table(Purpose.NUMBER).with_retired(Purpose.NUMBER, generation, KEK)


def test_every_subkey_differs():
    keyring = ring(Purpose.OPERATIONAL)
    keys = {
        keyring.subkey(purpose, generation, label)
        for purpose in Purpose
        for generation in keyring.generations(purpose)
        for label in (b"", b"a", b"b")
    }
    assert len(keys) == 3 * (len(Purpose) + 1)


@pytest.mark.parametrize(
    "change",
    [
        {"state": KeyState.RETIRED},
        {"generation": 2},
        {"purpose": "identitx"},
        {"wrapped": bytes(60)},
        {"create_time": datetime.now(UTC) + timedelta(days=365)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_is_noticed(change):
    forged = changed(table(), Purpose.IDENTITY, **change)
    with pytest.raises(KeyTableTampered):
        Keyring.open(KEK, forged)
    with pytest.raises(KeyTableTampered):
        forged.with_new_generation(Purpose.NUMBER, KEK)
    with pytest.raises(KeyTableTampered):
        forged.with_retired(Purpose.NUMBER, 1, KEK)


def test_a_missing_row_an_added_row_and_another_kek_are_noticed():
    made = table(Purpose.NUMBER)
    for rows in (made.rows[1:], made.rows + made.rows[:1], ()):
        with pytest.raises(KeyTableTampered):
            Keyring.open(KEK, replace(made, rows=rows))
    with pytest.raises(KeyTableTampered):
        Keyring.open(LocalKek(SECRET), made)


def test_the_order_of_rows_does_not_matter():
    made = table(Purpose.NUMBER)
    keyring = Keyring.open(KEK, replace(made, rows=made.rows[::-1]))
    assert keyring.active(Purpose.NUMBER) == 2


def test_wrapped_keys_swapped_between_rows_do_not_open_even_under_a_right_mac():
    made = table()
    first, second = row(made, Purpose.NUMBER, 1), row(made, Purpose.CACHE, 1)
    others = [r for r in made.rows if r not in (first, second)]
    swapped = [
        replace(first, wrapped=second.wrapped),
        replace(second, wrapped=first.wrapped),
    ]
    with pytest.raises(WrapBroken):
        Keyring.open(KEK, KeyTable.sign([*others, *swapped], KEK))


@pytest.mark.parametrize("state", [KeyState.LIVE, KeyState.RETIRED])
def test_a_purpose_needs_one_active_generation(state):
    rows = [replace(r, state=state) if r.purpose == "audit" else r for r in table().rows]
    with pytest.raises(KeyTableUnsound):
        Keyring.open(KEK, KeyTable.sign(rows, KEK))


def test_a_purpose_of_a_later_release_is_left_alone():
    made = table()
    later = replace(row(made, Purpose.CACHE, 1), purpose="of-a-later-release")
    wrapped = KEK.wrap(bytes(32), later.purpose, 1, b"opencif")
    rows = [*made.rows, replace(later, wrapped=wrapped)]
    assert Keyring.open(KEK, KeyTable.sign(rows, KEK)).active(Purpose.CACHE) == 1


def test_two_serving_generations_of_pan_tokens_never_share_a_class():
    made = table(*[Purpose.TOKEN_PAN] * 8)
    with pytest.raises(GenerationRefused):
        made.with_new_generation(Purpose.TOKEN_PAN, KEK)
    freed = made.with_retired(Purpose.TOKEN_PAN, 1, KEK)
    keyring = Keyring.open(KEK, freed.with_new_generation(Purpose.TOKEN_PAN, KEK))
    assert keyring.generations(Purpose.TOKEN_PAN) == tuple(range(10, 1, -1))


def test_generations_end_at_one_byte():
    made = create_table(KEK)
    for _ in range(254):
        made = made.with_new_generation(Purpose.IDENTITY, KEK)
    with pytest.raises(GenerationRefused):
        made.with_new_generation(Purpose.IDENTITY, KEK)


@given(st.binary(max_size=64), st.text(max_size=20), st.integers(0, 255), st.binary(max_size=32))
def test_a_wrap_opens_only_under_its_name(key, purpose, generation, owner):
    wrapped = KEK.wrap(key, purpose, generation, owner)
    assert KEK.unwrap(wrapped, purpose, generation, owner) == key
    for other in (
        (purpose + "x", generation, owner),
        (purpose, generation + 1, owner),
        (purpose, generation, owner + b"x"),
    ):
        with pytest.raises(WrapBroken):
            KEK.unwrap(wrapped, *other)
    with pytest.raises(WrapBroken):
        KEK.unwrap(wrapped[:-1], purpose, generation, owner)
    with pytest.raises(WrapBroken):
        KEK.unwrap(b"", purpose, generation, owner)


@pytest.mark.parametrize(
    "text",
    [SECRET.hex(), SECRET.hex().upper(), base64.b64encode(SECRET).decode(), SECRET.hex() + "\n"],
)
def test_both_providers_read_hexadecimal_and_base64(text, tmp_path, monkeypatch):
    (tmp_path / "kek").write_text(text)
    monkeypatch.setenv("OPENCIF_KEK", text)
    wrapped = LocalKek(SECRET).wrap(b"key", "number", 1, b"")
    for provider in (FileKeyProvider(tmp_path / "kek"), EnvironmentKeyProvider()):
        assert provider.unwrap(wrapped, "number", 1, b"") == b"key"


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "A" * 43, SECRET.hex() + "00", "not a key"])
def test_a_malformed_kek_is_refused_and_not_shown(text, tmp_path, monkeypatch):
    (tmp_path / "kek").write_text(text)
    monkeypatch.setenv("OPENCIF_KEK", text)
    for provide in (lambda: FileKeyProvider(tmp_path / "kek"), EnvironmentKeyProvider):
        with pytest.raises(KekMalformed) as refused:
            provide()
        assert not text or text not in str(refused.value)


def test_a_missing_kek_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENCIF_KEK", raising=False)
    with pytest.raises(KekMalformed):
        EnvironmentKeyProvider()
    with pytest.raises(KekMalformed):
        FileKeyProvider(tmp_path / "none")


@pytest.mark.parametrize(
    "kek",
    [
        bytes(32),
        b"\xff" * 32,
        b"0123456789abcdef" * 2,
        bytes(range(32)),
        bytes(range(255, 223, -1)),
        bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
        bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94"),
    ],
    ids=bytes.hex,
)
def test_a_published_kek_serves_development_only(kek):
    with pytest.raises(PublishedKek):
        LocalKek(kek)
    assert LocalKek(kek, development=True).mac(b"")


def test_random_keks_are_not_taken_for_published_ones():
    assert not any(is_published(os.urandom(32)) for _ in range(10_000))


def test_derive_is_hkdf_expand():
    """RFC 5869: T(1) = HMAC(PRK, info | 0x01)."""
    expected = hmac.digest(SECRET, b"opencif/1/label\x01", hashlib.sha256)
    assert derive(SECRET, b"label") == expected


def test_no_secret_is_in_any_repr(monkeypatch):
    monkeypatch.setenv("OPENCIF_KEK", SECRET.hex())
    provider = EnvironmentKeyProvider()
    made = create_table(provider)
    keyring = Keyring.open(provider, made)
    shown = repr(provider) + repr(made) + repr(keyring) + str(made.rows[0])
    key = provider.unwrap(made.rows[0].wrapped, made.rows[0].purpose, 1, b"opencif")
    for secret in (SECRET, key, made.rows[0].wrapped, made.mac):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown
