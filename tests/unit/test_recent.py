"""The bounded map: what it keeps, and that it stays bounded."""

from hypothesis import given
from hypothesis import strategies as st

from server.recent import Recent


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=200))
def test_it_stays_bounded_and_never_answers_wrong(steps: list[tuple[int, bool]]) -> None:
    kept: Recent[int, int] = Recent(10)
    said: dict[int, int] = {}
    for at, (key, puts) in enumerate(steps):
        if puts:
            kept.put(key, at)
            said[key] = at
        else:
            assert kept.get(key) in {None, said.get(key)}
        assert len(kept) <= 10


def test_what_is_asked_for_outlives_what_is_not() -> None:
    kept: Recent[int, str] = Recent(10)
    kept.put(0, "asked for")
    for key in range(1, 100):
        kept.put(key, "once")
        assert kept.get(0) == "asked for"
    assert kept.get(1) is None
