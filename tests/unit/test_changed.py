"""The compact map of changes and the order of forgetting, held against a dict and a list."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.changed import CHUNK_BYTES, FEW, Change, Changed, Order

# Few bytes and many zeros: ids that share buckets and marks, and that are found across rows.
IDS = st.builds(
    lambda head, tail: head + tail,
    st.sampled_from([bytes(12), b"\0" * 11 + b"\1", b"\1" * 12]),
    st.lists(st.sampled_from([0, 1, 4, 255]), min_size=4, max_size=4).map(bytes),
)
VERSIONS = st.sampled_from([1, 2, 255, 256, 2**32, 2**63 - 1])
STEPS = st.lists(st.tuples(st.booleans(), IDS, VERSIONS), max_size=60)


def after(steps: Sequence[tuple[bool, bytes, int]]) -> tuple[Changed, dict[bytes, int]]:
    """What the steps (learn or forget, id, version) make of the map, and of a dict."""
    compact, plain = Changed(), dict[bytes, int]()
    for learns, id_, version in steps:
        if learns:
            assert compact.learn(id_, version) == (version > plain.get(id_, 0))
            plain[id_] = max(version, plain.get(id_, 0))
        else:
            compact.forget(id_, version)
            if plain.get(id_) == version:
                del plain[id_]
    return compact, plain


@given(STEPS, st.lists(IDS, max_size=3 * FEW))
def test_knows_what_a_dict_knows(steps: list[tuple[bool, bytes, int]], others: list[bytes]) -> None:
    compact, plain = after(steps)
    assert compact == plain
    assert len(compact) == len(plain)
    asked = [*others, *plain, *others]
    assert [compact.version(id_) for id_ in asked] == [plain.get(id_, 0) for id_ in asked]
    assert compact.among(asked) == {at: plain[id_] for at, id_ in enumerate(asked) if id_ in plain}


def test_forgetting_leaves_no_marks() -> None:
    ids = [hashlib.sha256(b"%d" % n).digest()[:16] for n in range(2_000)]
    compact, _ = after([(True, id_, 1) for id_ in ids])
    assert np.bitwise_count(compact._marks).sum() == 2_000
    for id_ in ids:
        compact.forget(id_, 1)
    assert not compact
    assert not compact._marks.any()


def test_an_id_across_two_rows_is_none() -> None:
    compact = Changed()
    zeros = bytes(16)
    compact.learn(b"\1" * 12 + bytes(4), 256)  # a row that ends in a zero
    compact.learn(bytes(15) + b"\0", 7)  # and one that begins with sixteen
    assert compact.version(zeros) == 7
    compact.forget(zeros, 7)
    compact.learn(b"\0" * 11 + b"\1" + bytes(4), 7)
    assert compact.version(zeros) == 0


def test_an_unknown_id_has_no_item() -> None:
    with pytest.raises(KeyError):
        Changed()[bytes(16)]


def change(number: int) -> Change:
    return Change(2, number.to_bytes(16), number, 2**63 + number)


@given(st.lists(st.tuples(st.sampled_from("apf"), st.integers(0, 4)), max_size=40))
def test_forgets_in_order(steps: list[tuple[str, int]]) -> None:
    order, plain = Order(), list[tuple[float, Change]]()
    for learned_s, (what, count) in enumerate(steps):
        changes = [change(100 * learned_s + n) for n in range(count)]
        rows = [(float(learned_s), each) for each in changes]
        if what == "a":
            order.append(learned_s, changes)
            plain += rows
        elif what == "p":
            order.prepend(learned_s, changes)
            plain = rows + plain
        else:
            for _ in range(min(count, len(plain))):
                order.forget_first()
                plain.pop(0)
        assert len(order) == len(plain)
        if plain:
            assert order.first() == (plain[0][0], *plain[0][1])
    while plain:
        assert order.first() == (plain[0][0], *plain.pop(0)[1])
        order.forget_first()
    assert not order


def test_order_goes_on_from_chunk_to_chunk() -> None:
    order, many = Order(), CHUNK_BYTES // 16
    for number in range(many):
        order.append(0.5, [change(number)])
    assert len(order._chunks) > 2
    for number in range(many):
        assert order.first() == (0.5, *change(number))
        order.forget_first()
    assert not order
    assert not order._chunks
