"""The ratios that are held to their floors and goals, and the rates to quote.

Arithmetic on what was measured; it prints nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.bench_figures import Measured, Spread

__all__ = [
    "ACH", "OWN", "RATIOS", "SECURED", "SECURITY", "UNSECURED", "VALKEY", "Rate", "Ratio",
    "Standing", "rates", "standings", "verdict",
]  # fmt: skip

OWN: Final = "own cache"
VALKEY: Final = "Valkey"
DATABASE: Final = "database"
ACH: Final = "NACHA file"
SECURITY: Final = "security"
SECURED: Final = "mutual TLS and permissions"
UNSECURED: Final = "neither"


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
        return verdict(self.value, self.ratio.floor, self.ratio.goal)


_BY_NUMBER: Final = "accounts by number"
_MOST: Final = "1,000"
RATIOS: Final = (
    Ratio(
        "batch of 1,000 from the worker's own cache / echo of the same bytes",
        _MOST, (f"{_BY_NUMBER}, {OWN}",), ("echo of the same bytes",), 0.09, 0.18,
    ),
    Ratio(
        "batch of 1,000 from Valkey, proven and opened / raw MGET",
        _MOST, (f"{_BY_NUMBER}, {VALKEY}",), ("raw MGET",), 0.35, 0.45,
    ),
    Ratio(
        "batch of 1,000 uncached / raw asyncpg = ANY",
        _MOST, (f"{_BY_NUMBER}, {DATABASE}",), ("raw asyncpg = ANY",), 0.6, 0.8,
    ),
    Ratio(
        "unary from the worker's own cache / empty grpc.aio handler",
        "1", (f"{_BY_NUMBER}, {OWN}",), ("empty grpc.aio handler",), 0.7, 0.9,
    ),
    Ratio(
        "unary from Valkey / empty grpc.aio handler",
        "1", (f"{_BY_NUMBER}, {VALKEY}",), ("empty grpc.aio handler",), 0.7, 0.9,
    ),
    Ratio(
        "FF1 batch / the best other in Python",
        "FF1", ("OpenCIF, batch of 1,000",), ("libffx",), 30, 60,
    ),
    Ratio(
        "FF1 batch / the best native one",
        "FF1", ("OpenCIF, batch of 1,000",), ("fastfpe",), 3, 6,
    ),
    Ratio(
        "security on / off, batch of 1,000 from the worker's own cache",
        SECURITY, (f"{OWN}, {SECURED}",), (f"{OWN}, {UNSECURED}",), 0.9, 0.95,
    ),
    Ratio(
        "security on / off, batch of 1,000 from Valkey",
        SECURITY, (f"{VALKEY}, {SECURED}",), (f"{VALKEY}, {UNSECURED}",), 0.9, 0.95,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """A figure to quote: things a second, and the server's CPU for each."""

    text: str
    unit: str
    rate: Spread
    doubt: str
    server_us: float


_QUOTED: Final = (
    ("lookups, 1,000 a call, from the worker's own cache", _MOST, f"{_BY_NUMBER}, {OWN}"),
    ("lookups, 1,000 a call, from Valkey", _MOST, f"{_BY_NUMBER}, {VALKEY}"),
    ("lookups, 1,000 a call, from the database", _MOST, f"{_BY_NUMBER}, {DATABASE}"),
    ("lookups, one a call, from the worker's own cache", "1", f"{_BY_NUMBER}, {OWN}"),
    ("lookups, one a call, from Valkey", "1", f"{_BY_NUMBER}, {VALKEY}"),
    ("entries of a NACHA file, end to end", ACH, ""),
    ("FF1 tokens", "FF1", "OpenCIF, batch of 1,000"),
)


def rates(measured: Sequence[Measured]) -> Iterator[Rate]:
    """What is quoted of a bench, entries of files beside lookups."""
    for text, group, name in _QUOTED:
        for one in measured:
            if one.group == group and one.runs and name in {"", one.name}:
                cost = one.cost_us("server").median
                yield Rate(text, one.unit, one.rate, one.doubt, cost)


def verdict(value: float, floor: float, goal: float) -> str:
    """Where a ratio stands that is to be large."""
    if value >= goal:
        return "goal"
    return "floor" if value >= floor else "below the floor"


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
