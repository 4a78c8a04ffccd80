"""Batches of ids and UUIDs as text: the same as one by one."""

import time
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from tokenizer.id_texts import record_texts, uuid7s, uuid_texts
from tokenizer.identity import id_to_text

IDS = st.lists(st.binary(min_size=16, max_size=16), max_size=40)


@given(IDS)
def test_texts_of_a_batch_are_those_of_each(ids: list[bytes]) -> None:
    assert record_texts(ids) == [id_to_text(id_) for id_ in ids]
    assert uuid_texts(ids) == [str(UUID(bytes=id_)) for id_ in ids]


def test_new_uuids_are_of_version_7_of_now_and_all_different() -> None:
    before = time.time_ns() // 1_000_000
    made = [UUID(bytes=one) for one in uuid7s(1_000)]
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, uuid4().variant)}
    assert all(before <= one.int >> 80 <= after for one in made)
    assert len(set(made)) == len({one.int & (1 << 62) - 1 for one in made}) == 1_000
    assert uuid7s(0) == []
