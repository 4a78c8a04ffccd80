"""CMAC against SP 800-38B, batches against single messages, and the MACs built on it."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.keyrings import ring
from tokenizer.keyring import Purpose
from tokenizer.mac import FEW_MAX, Cmac, Macs

VECTORS = json.loads((Path(__file__).parents[1] / "golden" / "cmac.json").read_text())["samples"]


@pytest.mark.parametrize("vector", VECTORS)
def test_published_vectors(vector):
    cmac, message = Cmac(bytes.fromhex(vector["key"])), bytes.fromhex(vector["message"])
    assert cmac.one(message).hex() == vector["mac"]
    rows = np.frombuffer(message * 3, np.uint8).reshape(3, len(message))
    assert [mac.tobytes().hex() for mac in cmac.rows(rows)] == [vector["mac"]] * 3


@settings(deadline=None)
@given(st.data(), st.integers(0, 70))
def test_a_batch_equals_one_by_one(data, length):
    messages = data.draw(st.lists(st.binary(min_size=length, max_size=length), max_size=20))
    cmac = Cmac(data.draw(st.sampled_from([16, 24, 32]).map(lambda size: bytes(range(size)))))
    rows = np.frombuffer(b"".join(messages), np.uint8).reshape(len(messages), length)
    assert [mac.tobytes() for mac in cmac.rows(rows)] == [cmac.one(each) for each in messages]


def test_domains_are_unrelated_and_a_changed_byte_is_noticed():
    macs = Macs(ring())
    mac = macs.mac("page-token", b"payload")
    assert len(mac) == 16
    assert macs.verify("page-token", b"payload", mac)
    assert not macs.verify("cursor", b"payload", mac)
    assert not macs.verify("page-token", b"payloae", mac)
    assert not macs.verify("page-token", b"payload", mac[:15])
    assert not macs.verify("page-token", b"payload", b"")


def test_a_mac_outlives_a_rotation():
    before = Macs(ring()).mac("cursor", b"x")
    after = Macs(ring(Purpose.TOKEN_MAC))
    # keys of two rings differ: the generations of one ring are what must agree
    newest, oldest = after.mac_under_each("cursor", b"x")
    assert newest == after.mac("cursor", b"x") != oldest
    assert after.verify("cursor", b"x", oldest)
    assert not after.verify("cursor", b"x", before)


def test_no_key_is_shown():
    assert repr(Cmac(bytes(32))) == "Cmac(key hidden)"
    assert "hidden" in repr(Macs(ring()))


@settings(deadline=None)
@given(st.data(), st.integers(1, 4))
def test_a_few_messages_of_whole_blocks_equal_one_by_one(data, blocks):
    size = 16 * blocks
    messages = data.draw(st.lists(st.binary(min_size=size, max_size=size), max_size=FEW_MAX))
    cmac = Cmac(bytes(range(32)))
    expected = b"".join([cmac.one(message) for message in messages])
    assert cmac.few(b"".join(messages), size) == expected


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_pair_of_blocks_equals_one_message(key, message):
    cmac = Cmac(key)
    assert cmac.pair(message) == cmac.one(message)
