"""Histograms of a worker, whose first bucket is found without a search."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.metrics import BATCH_BOUNDS, DURATION_BOUNDS_S, Histogram


@given(
    st.sampled_from([BATCH_BOUNDS, DURATION_BOUNDS_S]),
    st.lists(st.floats(0, 10_000) | st.sampled_from([*BATCH_BOUNDS, *DURATION_BOUNDS_S])),
)
def test_every_value_is_counted_under_the_first_bound_that_is_not_below_it(
    bounds: tuple[float, ...], values: list[float]
) -> None:
    histogram = Histogram(bounds)
    for value in values:
        histogram.observe(value)
    places = [bisect_left(bounds, value) for value in values]
    assert histogram.counts == [places.count(place) for place in range(len(bounds) + 1)]
    assert histogram.sum == pytest.approx(sum(values))
    cumulative = [count for _, count in histogram.buckets()]
    assert cumulative == [sum(histogram.counts[: at + 1]) for at in range(len(bounds) + 1)]
