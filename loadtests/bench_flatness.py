"""What a lookup costs as the bank grows: ratios to the smallest size, held to floor and goal.

Arithmetic and its report; it measures nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from loadtests.bench_figures import Measured, Spread
from loadtests.bench_ratios import DATABASE, OWN, VALKEY

__all__ = ["FLOOR", "GOAL", "RAW", "Flat", "SizeReport", "flats", "group_of"]

FLOOR: Final = 1.10
GOAL: Final = 1.03
RAW: Final = "raw asyncpg = ANY"
_CACHED: Final = (OWN, VALKEY)
_DPI: Final = 120


@dataclass(frozen=True, slots=True)
class Flat:
    """How much more a lookup costs at a size than at the smallest, round by round."""

    text: str
    accounts: int
    growth: Spread

    @property
    def verdict(self) -> str:
        """Where it stands: small is good."""
        if self.growth.median <= GOAL:
            return "goal"
        return "floor" if self.growth.median <= FLOOR else "below the floor"


def group_of(accounts: int) -> str:
    """The name of a size."""
    return f"{accounts:,} accounts"


def flats(measured: Sequence[Measured], sizes: Sequence[int]) -> Iterator[Flat]:
    """CPU of the server at each size but the first, relative to that: uncached over raw reads."""
    costs = {(one.group, one.name): [run.cost_us("server") for run in one.runs] for one in measured}
    least, *others = sizes
    for accounts in others:
        before, after = group_of(least), group_of(accounts)
        for source in _CACHED:
            pairs = zip(costs[after, source], costs[before, source], strict=True)
            yield Flat(f"cached, {source}", accounts, Spread.of([a / b for a, b in pairs]))
        rounds = zip(
            costs[after, DATABASE], costs[after, RAW], costs[before, DATABASE],
            costs[before, RAW], strict=True,
        )  # fmt: skip
        growth = Spread.of([(a / b) / (c / d) for a, b, c, d in rounds])
        yield Flat("uncached, relative to raw = ANY", accounts, growth)


@dataclass(frozen=True, slots=True)
class SizeReport:
    """All of one bench over sizes."""

    facts: Mapping[str, str]
    sizes: Sequence[int]
    measured: Sequence[Measured]
    memory_mib: Mapping[str, Mapping[str, float]]
    """Size -> source -> memory of its worker."""

    def write(self, directory: Path) -> None:
        """Write sizes.json, sizes.md and sizes.png."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "sizes.json").write_text(json.dumps(self.as_json(), indent=1) + "\n")
        (directory / "sizes.md").write_text("\n".join(self._lines()) + "\n")
        self._figure().savefig(directory / "sizes.png", dpi=_DPI, metadata={"Software": None})

    def as_json(self) -> dict[str, object]:
        """Everything, run by run."""
        return {
            "facts": dict(self.facts),
            "sizes": list(self.sizes),
            "flatness": [
                {**asdict(one), "verdict": one.verdict} for one in flats(self.measured, self.sizes)
            ],
            "memory_mib": {size: dict(each) for size, each in self.memory_mib.items()},
            "measured": [asdict(one) for one in self.measured],
        }

    def _lines(self) -> Iterator[str]:
        yield "# Bench over sizes\n"
        yield from ("| | |", "|---|---|")
        yield from (f"| {name} | {value} |" for name, value in self.facts.items())
        yield "\n## Growth of the CPU of a lookup\n"
        yield "| 1,000 keys a call | accounts | to the least (range) | floor | goal | stands at |"
        yield "|---|---|---|---|---|---|"
        for one in flats(self.measured, self.sizes):
            growth = one.growth
            yield (
                f"| {one.text} | {one.accounts:,} | {growth.median:.3f} "
                f"({growth.low:.3f} to {growth.high:.3f}) | {FLOOR:g} | {GOAL:g} | {one.verdict} |"
            )
        yield "\n## CPU, µs a lookup, and memory of the worker\n"
        yield "| accounts | source | server (range) | Valkey | PostgreSQL | worker, MiB |"
        yield "|---|---|---|---|---|---|"
        yield from map(self._row, self.measured)

    def _row(self, one: Measured) -> str:
        cost = one.cost_us("server")
        others = (f"{one.cost_us(role).median:.2f}" for role in ("valkey", "postgres"))
        memory = self.memory_mib.get(one.group, {}).get(one.name)
        cells = (
            one.group.removesuffix(" accounts"),
            one.name,
            f"{one.doubt}{cost.median:.2f} ({cost.low:.2f} to {cost.high:.2f})",
            *others,
            f"{memory:,.0f}" if memory else "",
        )
        return f"| {' | '.join(cells)} |"

    def _figure(self) -> Figure:
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.add_subplot()
        lines: dict[str, list[tuple[int, float]]] = {}
        for size in self.sizes:
            for one in self.measured:
                if one.group == group_of(size):
                    point = size, one.cost_us("server").median
                    lines.setdefault(one.name, []).append(point)
        for name, points in lines.items():
            axes.plot(*zip(*points, strict=True), "-o", label=name)
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("accounts")
        axes.set_ylabel("server's CPU, µs a lookup, 1,000 keys a call")
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
        return figure
