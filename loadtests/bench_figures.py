"""What a bench has measured: runs, and what they come to.

Arithmetic on what was counted; it measures nothing and prints nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

__all__ = ["CLIENT_MAX", "OTHERS_MAX", "STRAYED_MIN", "Measured", "Run", "Spread"]

CLIENT_MAX: Final = 0.85
"""A run whose client used more of its core than this measured the client: it is thrown out."""
OTHERS_MAX: Final = 0.10
"""A run during which others used more of the server's core than this is thrown out."""
STRAYED_MIN: Final = 0.99
"""A run of which a smaller part came from where it should have is thrown out too."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: things done (lookups, calls, tokens) in so many seconds, and who used what CPU."""

    done: int
    seconds: float
    cpu_s: Mapping[str, float]
    """By role: server (or the baseline in its place), client, valkey, postgres; and `core`, what
    everybody together used of the server's core."""
    wrong: int = 0
    hits: Mapping[str, float] = field(default_factory=dict)
    """What the server's metrics counted meanwhile, by source, and `misses`."""
    wanted: str = ""
    """The source that should have answered; empty where it does not matter."""
    stale: int = 0
    """Answers that were right and said `stale_since`: the worker was kept from its poll."""

    @property
    def rate(self) -> float:
        """Things done a second."""
        return self.done / self.seconds

    @property
    def is_clients(self) -> bool:
        """Whether it was the client's rate rather than the server's."""
        return self.share("client") > CLIENT_MAX

    @property
    def has_strayed(self) -> bool:
        """Whether more than a few records came from elsewhere than was wanted."""
        asked = sum(self.hits.values())
        return bool(self.wanted) and self.hits.get(self.wanted, 0.0) < STRAYED_MIN * asked

    @property
    def others(self) -> float:
        """The part of the server's core that somebody else used."""
        return max(0.0, self.share("core") - self.share("server"))

    @property
    def counts(self) -> bool:
        """Whether it measured what it was to measure."""
        return not (self.is_clients or self.has_strayed or self.stale or self.others > OTHERS_MAX)

    def share(self, role: str) -> float:
        """The part of one core that a role used."""
        return self.cpu_s.get(role, 0.0) / self.seconds

    def cost_us(self, role: str) -> float:
        """CPU microseconds of a role for each thing done."""
        return self.cpu_s.get(role, 0.0) / max(1, self.done) * 1e6

    @property
    def from_cache(self) -> float | None:
        """The part of reads that a cache answered; None where there was none to ask."""
        asked = sum(self.hits.values())
        return (asked - self.hits["misses"]) / asked if asked else None


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and its range."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of one value or more."""
        return cls(median(values), min(values), max(values))


@dataclass(slots=True)
class Measured:
    """A thing that is measured again in every round."""

    name: str
    group: str
    """What it is measured beside: a shape of calls, or FF1."""
    unit: str
    runs: list[Run] = field(default_factory=list)

    @property
    def used(self) -> list[Run]:
        """The runs that count; all of them where none does."""
        return [run for run in self.runs if run.counts] or self.runs

    @property
    def doubt(self) -> str:
        """Empty when some runs count, `≥` when the client was the limit in all, else `?`."""
        if any(run.counts for run in self.runs):
            return ""
        return "≥ " if all(run.is_clients for run in self.runs) else "? "

    @property
    def thrown_out(self) -> int:
        """Runs that do not count."""
        return sum(not run.counts for run in self.runs)

    @property
    def rate(self) -> Spread:
        """Things done a second."""
        return Spread.of([run.rate for run in self.used])

    def share(self, role: str) -> Spread:
        """The part of a core that a role used."""
        return Spread.of([run.share(role) for run in self.used])

    @property
    def others(self) -> Spread:
        """The part of the server's core that somebody else used."""
        return Spread.of([run.others for run in self.used])

    def cost_us(self, role: str) -> Spread:
        """CPU microseconds of a role for each thing done."""
        return Spread.of([run.cost_us(role) for run in self.used])
