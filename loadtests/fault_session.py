"""What one card went through under faults, and what an answer about it may say.

Pure: it is told of writes and reads and tells which answers break a promise.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

__all__ = ["FRESH_AFTER_S", "Session"]

FRESH_AFTER_S: Final = 1.0
"""How long after an acknowledged change every read shows it, unless the answer says otherwise."""


@dataclass(slots=True)
class Session:
    """One card: the versions its changes were acknowledged with, and when (monotonic seconds)."""

    name: str
    token: str = ""
    versions: list[int] = field(default_factory=list)
    acked_at: list[float] = field(default_factory=list)
    states: dict[int, int] = field(default_factory=dict)

    @property
    def acked(self) -> int:
        """The newest acknowledged version; 0 before the first."""
        return self.versions[-1] if self.versions else 0

    def acknowledge(self, version: int, token: str, at: float) -> str:
        """Take an acknowledged change; what is wrong with it, empty if nothing."""
        before = self.acked
        self.versions.append(max(version, before))
        self.acked_at.append(at)
        self.token = token
        return "" if version > before else f"acknowledged version {version} after {before}"

    def required(self, sent_at: float, *, with_token: bool, stale_for_s: float) -> int:
        """The least version that an answer to a read sent then may show.

        With the last change's token that change; without it, what was acknowledged a second
        before, or before the time since when the answer says it may be stale.
        """
        if with_token:
            return self.acked
        before = sent_at - max(FRESH_AFTER_S, stale_for_s)
        count = bisect_right(self.acked_at, before)
        return self.versions[count - 1] if count else 0

    def misread(self, name: str, version: int, state: int) -> str:
        """What is wrong with what an answer shows as this card, however old; empty if nothing.

        A version has one content for ever: whoever first showed it said what that is.
        """
        if name != self.name:
            return f"{name} shown for it"
        known = self.states.setdefault(version, state)
        return "" if known == state else f"version {version} shown in states {known} and {state}"
