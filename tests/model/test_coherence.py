"""Every state of the coherence model within bounds, and what each rule of it is there for.

`python -m tests.model.test_coherence XIDS LIVES` searches further than the tests do.
"""

import sys
from collections import deque
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.model.coherence import HELD_BY, RULES, START, Bounds, Rules, State, broken, steps


class Found(NamedTuple):
    """How many states were looked at, and the way to one in which a promise is broken."""

    states: int
    way: tuple[str, ...] = ()


def search(bounds: Bounds, rules: Rules = RULES, most: int = 10_000_000) -> Found:
    """Look at all states within bounds, the nearest first, until a promise is broken."""
    came_from: dict[State, tuple[State, str] | None] = {START: None}
    waiting = deque([START])
    while waiting:
        state = waiting.popleft()
        if wrong := broken(state, rules):
            way = [wrong]
            at = came_from[state]
            while at is not None:
                way.append(at[1])
                at = came_from[at[0]]
            return Found(len(came_from), tuple(reversed(way)))
        for name, after in steps(state, rules, bounds):
            if after not in came_from:
                came_from[after] = state, name
                waiting.append(after)
        assert len(came_from) < most, "the bounds are too wide for this"
    return Found(len(came_from))


SPACES = {
    "entries stamped anew": Bounds(xids=2, restamps=2),
    "reads under way": Bounds(xids=2, flights=True, restamps=0),
    "all of it, and little": Bounds(xids=1, lives=2, flights=True, restamps=1),
    "one life": Bounds(xids=3, restamps=0),
    "another life": Bounds(xids=2, lives=2, restamps=0),
}
"""From the narrowest to the widest, as a control is soon found; about 300,000 states in all."""


@pytest.mark.parametrize("space", SPACES)
def test_no_state_breaks_a_promise(space: str) -> None:
    found = search(SPACES[space])
    assert found.way == ()
    assert found.states > 1_000


@pytest.mark.parametrize("rule", sorted(RULES))
def test_without_a_rule_a_promise_is_broken(rule: str) -> None:
    """The controls: what each rule is there for is found, or it is there for nothing."""
    ways = (search(bounds, RULES - {rule}).way for bounds in SPACES.values())
    way = next((way for way in ways if way), ())
    assert way, f"nothing needs {rule}"


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_is_held_by_a_test_of_the_code(rule: str) -> None:
    path, _, name = HELD_BY[rule].partition("::")
    assert f"def {name}(" in (Path(__file__).parents[1] / path).read_text()


def main() -> None:
    """Search bounds of the command line's."""
    xids, lives = map(int, sys.argv[1:3])
    for flights in (False, True):
        bounds = Bounds(xids, lives, flights, restamps=1)
        sys.stdout.write(f"{bounds}: {search(bounds, most=10**9)}\n")


if __name__ == "__main__":
    main()
