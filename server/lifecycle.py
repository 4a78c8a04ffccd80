"""States and the RPCs that lead from one to the next, as tables: state -> new state."""

from collections.abc import Mapping
from typing import Any

from server.errors import FailedPrecondition

__all__ = ["Transitions", "advance"]

Transitions = Mapping[int, int]


def advance(record: Any, transitions: Transitions) -> None:
    """Bring a record, or a child with a state, to the state its present one leads to.

    Raises FailedPrecondition ILLEGAL_TRANSITION.
    """
    if record.state not in transitions:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    record.state = transitions[record.state]
