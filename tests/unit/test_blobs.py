"""Bytes side by side: cut apart as slices would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenizer.blobs import Blobs, split

PLACES = st.lists(st.tuples(st.integers(0, 90), st.integers(4, 10)), max_size=40)


@given(st.binary(max_size=40 * 7), st.integers(1, 7))
def test_pieces_of_one_size_are_slices(joined, size):
    whole = joined[: len(joined) - len(joined) % size]
    assert split(whole, size) == [whole[at : at + size] for at in range(0, len(whole), size)]


@given(st.binary(min_size=100, max_size=100), PLACES)
def test_blobs_are_slices_in_whatever_order_they_lie(joined, each):
    places, sizes = np.array(each, np.intp).reshape(-1, 2).T
    blobs = Blobs(joined, places, sizes)
    expected = [joined[place : place + size] for place, size in each]
    assert blobs.each() == expected
    assert blobs.after(3) == [blob[3:] for blob in expected]
    assert [bytes(front) for front in blobs.fronts(4)] == [blob[:4] for blob in expected]


@pytest.mark.parametrize(("place", "size"), [(0, 3), (-1, 4), (7, 4), (100, 4), (2**62, 2**62)])
def test_a_front_that_is_not_there_is_told(place, size):
    blobs = Blobs(bytes(10), np.array([0, place]), np.array([10, size]))
    with pytest.raises(ValueError, match=r"shorter|beyond"):
        blobs.fronts(4)


def test_nothing_at_all_has_no_front():
    nothing = Blobs(b"", np.empty(0, np.intp), np.empty(0, np.intp))
    assert (nothing.fronts(4).shape, nothing.each()) == ((0, 4), [])


def test_it_shows_nothing():
    assert repr(Blobs(b"secret", np.array([0]), np.array([6]))) == "Blobs(1 hidden)"
