"""What a servicer is given with every call."""

import time
from dataclasses import dataclass

__all__ = ["Call", "Caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what they may do."""

    identity: str
    permissions: frozenset[str]


class Call:
    """One call: the caller, the method's full name, and when it must be over."""

    __slots__ = ("caller", "deadline", "method")

    def __init__(self, caller: Caller, method: str, deadline: float) -> None:
        self.caller = caller
        self.method = method  # "opencif.v1.CardService/BlockCard"
        self.deadline = deadline  # time.monotonic, which is the event loop's clock too

    def remaining_s(self) -> float:
        """Seconds until the deadline; 0 when it has passed."""
        return max(0.0, self.deadline - time.monotonic())
