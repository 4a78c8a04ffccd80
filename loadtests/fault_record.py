"""What a load saw, second by second, and which promises the answers broke.

It is told by the callers and calls nobody.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["CLASSES", "HIDDEN", "Record", "Second"]

CLASSES: Final = ("reads", "writes", "private")
"""The classes that the availability promise tells apart; `private` is what the audit must see."""
HIDDEN: Final = frozenset({"OK", "OK later", "stale", "refused"})
"""What is no failure: answers, the same after repeating the call, a refusal that was due."""
_VIOLATIONS_MAX: Final = 200


@dataclass(slots=True)
class Second:
    """What became of the calls that were due in one second; times count from when they were."""

    counts: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in CLASSES}
    )
    ms_max: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0.0))


class Record:
    """The seconds and the broken promises since `began` (monotonic seconds)."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.violations: list[tuple[float, str]] = []
        self._seconds: dict[int, Second] = {}

    def count(self, class_: str, due: float, what: str) -> None:
        """Count a call that was due then: OK, a code, or another word of what became of it."""
        self._second(due).counts[class_][what] += 1

    def answered(self, class_: str, due: float, what: str = "OK") -> None:
        """Count a call that has just been answered, and how long that took."""
        second = self._second(due)
        second.counts[class_][what] += 1
        took_ms = (time.monotonic() - due) * 1e3
        second.ms_max[class_] = max(second.ms_max[class_], took_ms)

    def violated(self, at: float, what: str) -> None:
        """Keep that a promise was broken then."""
        if len(self.violations) < _VIOLATIONS_MAX:
            self.violations.append((at, what))

    def told(self) -> dict[str, Any]:
        """As JSON: by class its counts second by second and the slowest answer of each."""
        last = max(self._seconds, default=-1)
        seconds = [self._seconds.get(number, Second()) for number in range(last + 1)]
        return {
            "began": self.began,
            "classes": {
                name: {
                    "counts": [dict(second.counts[name]) for second in seconds],
                    "ms_max": [round(second.ms_max[name]) for second in seconds],
                }
                for name in CLASSES
            },
            "violations": self.violations,
        }

    def _second(self, due: float) -> Second:
        return self._seconds.setdefault(max(0, int(due - self.began)), Second())
