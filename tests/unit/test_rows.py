"""Rows of short texts: each operation against its counterpart on one text."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.keyrings import ring
from tokenizer import rows
from tokenizer.identity import ID_BYTES, Identity, IdKind, NotAnId, id_to_text, text_to_id
from tokenizer.normal import luhn_sum_mod10

IDENTITY = Identity(ring())
digits = st.text("0123456789", min_size=1, max_size=28)


def placed(texts: list[str], before: int) -> tuple[rows.Words, rows.Places]:
    """Rows whose texts start `before` bytes behind theirs, with other text all around."""
    joined = ("x" * 40).join(["", *texts, ""]).encode("ascii")
    starts = np.cumsum([40, *(len(text) + 40 for text in texts[:-1])])
    return rows.rows_at(joined, starts - before), np.array([len(text) for text in texts])


@given(st.lists(digits, min_size=1, max_size=40))
def test_luhn_sums_are_those_of_each_text(texts):
    found, lengths = placed(texts, rows.TEXT_AT)
    sums = rows.luhn_sums(rows.texts(found, lengths), lengths)
    assert sums.tolist() == [luhn_sum_mod10(text) for text in texts]


@given(st.lists(st.text("0123456789ABCXYZ", min_size=1, max_size=30), min_size=1, max_size=60))
def test_ids_of_rows_are_those_of_each_text(texts):
    found, lengths = placed(texts, rows.TEXT_AT)
    found = rows.texts(found, lengths)
    rows.encode(IdKind.PAN, found, lengths)
    assert IDENTITY.row_ids(found) == IDENTITY.pan_ids(texts)


spelt = st.binary(min_size=ID_BYTES, max_size=ID_BYTES).map(id_to_text)
misspelt = st.one_of(
    st.text("abyz2789AZ1/{`", min_size=26, max_size=26),
    st.tuples(spelt, st.sampled_from("aeimquy4bz7")).map(lambda pair: pair[0][:-1] + pair[1]),
)


@given(st.lists(st.one_of(spelt, misspelt), min_size=1, max_size=30))
def test_names_stand_for_the_ids_that_each_text_stands_for(texts):
    found, _ = placed(texts, 0)
    ids, well = rows.spelt_ids(found)
    for text, id_, is_spelt in zip(texts, ids, well.tolist(), strict=True):
        try:
            expected = text_to_id(text)
        except NotAnId:
            assert not is_spelt
        else:
            assert is_spelt
            assert id_ == expected
