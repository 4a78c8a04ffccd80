"""What a bench has measured: runs, what they come to, and the ratios that are held to a floor.

Arithmetic on what was counted; it measures nothing and prints nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

__all__ = ["CLIENT_MAX", "RATIOS", "Measured", "Ratio", "Run", "Spread", "Standing", "standings"]

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
        return not (self.is_clients or self.has_strayed or self.others > OTHERS_MAX)

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


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the design's table of ratios. `ours` and `theirs` name what is measured.

    The first of `ours` that was measured counts: sources may be added in front.
    """

    text: str
    group: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    """The best of them counts."""
    floor: float
    goal: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A ratio as it came out: round by round, and by the CPU that each side's core spent."""

    ratio: Ratio
    by_rate: Spread | None
    """None where no round has a run of either side that counts."""
    by_cpu: Spread

    @property
    def value(self) -> float:
        """What is held to the floor."""
        return (self.by_rate or self.by_cpu).median

    @property
    def verdict(self) -> str:
        """Where it stands."""
        if self.value >= self.ratio.goal:
            return "goal"
        return "floor" if self.value >= self.ratio.floor else "below the floor"


_BY_NUMBER: Final = "accounts by number"
RATIOS: Final = (
    Ratio(
        "batch of 1,000 from the worker's own cache / echo of the same bytes",
        "1,000", (f"{_BY_NUMBER}, own cache",), ("echo of the same bytes",), 0.09, 0.18,
    ),
    Ratio(
        "batch of 1,000 from Valkey, proven and opened / raw MGET",
        "1,000", (f"{_BY_NUMBER}, Valkey",), ("raw MGET",), 0.35, 0.45,
    ),
    Ratio(
        "batch of 1,000 uncached / raw asyncpg = ANY",
        "1,000", (f"{_BY_NUMBER}, database",), ("raw asyncpg = ANY",), 0.6, 0.8,
    ),
    Ratio(
        "unary cached / empty grpc.aio handler",
        "1", (f"{_BY_NUMBER}, own cache", f"{_BY_NUMBER}, Valkey"), ("empty grpc.aio handler",),
        0.7, 0.9,
    ),
    Ratio(
        "FF1 batch / the best other in Python",
        "FF1", ("OpenCIF, batch of 1,000",), ("libffx",), 30, 60,
    ),
    Ratio(
        "FF1 batch / the best native one",
        "FF1", ("OpenCIF, batch of 1,000",), ("fastfpe",), 3, 6,
    ),
)  # fmt: skip


def standings(measured: Sequence[Measured]) -> Iterator[Standing]:
    """Every ratio of which both sides were measured."""
    known = {(one.group, one.name): one for one in measured if one.runs}
    for ratio in RATIOS:
        ours = [known[ratio.group, name] for name in ratio.ours if (ratio.group, name) in known]
        theirs = [known[ratio.group, name] for name in ratio.theirs if (ratio.group, name) in known]
        if ours and theirs:
            best = max(theirs, key=lambda one: one.rate.median)
            yield _standing(ratio, ours[0], best)


def _standing(ratio: Ratio, ours: Measured, theirs: Measured) -> Standing:
    """Each round's two sides are compared with each other, since they ran side by side."""
    rounds = list(zip(ours.runs, theirs.runs, strict=True))
    sound = [a.rate / b.rate for a, b in rounds if a.counts and b.counts]
    costs = [b.cost_us("server") / max(a.cost_us("server"), 1e-9) for a, b in rounds]
    return Standing(ratio, Spread.of(sound) if sound else None, Spread.of(costs))
