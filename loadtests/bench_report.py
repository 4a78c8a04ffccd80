"""The results of a bench as JSON and as a table for people.

It judges nothing that bench_ratios does not.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import TextWrapper
from typing import Final

from loadtests.bench_figures import (
    CLIENT_MAX,
    OTHERS_MAX,
    STRAYED_MIN,
    Measured,
    Spread,
)
from loadtests.bench_ratios import Standing, rates, standings

__all__ = ["Report"]

_WRAPPER: Final = TextWrapper(100, initial_indent="- ", subsequent_indent="  ")
ROLES: Final = ("server", "valkey", "postgres")
_HEAD: Final = (
    "| what | {unit}/s, median (range) | calls/s | server's core | others on it | client's core "
    "| server µs | Valkey µs | PostgreSQL µs | from cache | thrown out |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Report:
    """All of one bench. `facts`: machine, software, sizes; `notes`: what a reader must be told."""

    facts: Mapping[str, str]
    measured: Sequence[Measured]
    items: Mapping[str, int]
    """Keys a call, by group."""
    notes: list[str] = field(default_factory=list)

    def write(self, directory: Path) -> None:
        """Write bench.json and bench.md."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "bench.json").write_text(json.dumps(self.as_json(), indent=1) + "\n")
        (directory / "bench.md").write_text(self.as_markdown())

    def as_json(self) -> dict[str, object]:
        """Everything, run by run."""
        return {
            "facts": dict(self.facts),
            "notes": self.notes,
            "rates": [asdict(one) for one in rates(self.measured)],
            "ratios": [
                {**asdict(one.ratio), "by_rate": one.by_rate and asdict(one.by_rate),
                 "by_cpu": asdict(one.by_cpu), "verdict": one.verdict}
                for one in standings(self.measured)
            ],
            "measured": [asdict(one) for one in self.measured],
        }  # fmt: skip

    def as_markdown(self) -> str:
        """The tables."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# Bench\n"
        yield from ("| | |", "|---|---|")
        yield from (f"| {name} | {value} |" for name, value in self.facts.items())
        yield "\n## Rates\n"
        yield from self._rates()
        yield "\n## Ratios, with their floors and goals\n"
        yield from self._ratios()
        for group in dict.fromkeys(one.group for one in self.measured):
            members = [one for one in self.measured if one.group == group]
            title = f"{group} a call" if group[0].isdigit() else group
            yield f"\n## {title[0].upper()}{title[1:]}\n"
            yield _HEAD.format(unit=members[0].unit)
            yield from (_row(one, self.items.get(group)) for one in members)
        yield "\n## What to know\n"
        yield _METHOD
        yield from (_WRAPPER.fill(note) for note in self.notes)

    def _rates(self) -> Iterator[str]:
        yield "| one server core | a second, median (range) | server's CPU, µs each |"
        yield "|---|---|---|"
        for one in rates(self.measured):
            yield f"| {one.text} | {one.doubt}{_span(one.rate, _count)} | {one.server_us:.3g} |"

    def _ratios(self) -> Iterator[str]:
        yield "| ratio | by rate, median (range) | by the server's CPU | floor | goal | stands at |"
        yield "|---|---|---|---|---|---|"
        for one in standings(self.measured):
            by_rate = _span(one.by_rate, _ratio) if one.by_rate else "no sound round"
            yield (
                f"| {one.ratio.text} | {by_rate} | {_span(one.by_cpu, _ratio)} "
                f"| {one.ratio.floor:g} | {one.ratio.goal:g} | {_verdict(one)} |"
            )


_METHOD: Final = f"""\
- The runs of a table take turns, round by round, so that what a ratio compares stood within seconds
  of each other; a ratio is the median of the rounds' ratios.
- µs: CPU of all of a role's processes for each thing done, by the kernel's own account. A core's
  share below 90 % says that the rate is not that core's limit.
- A run whose client used more than {CLIENT_MAX:.0%} of its core is thrown out; `≥`: all were, and
  the rate is what the client could do. So is a run of which less than {STRAYED_MIN:.0%} came from
  its source, or during which others (another program, another guest of the host) used more than
  {OTHERS_MAX:.0%} of the server's core or kept the worker from its poll, so that answers said
  `stale_since`; `?`: none counts. A ratio without a sound round is judged by CPU.
- Client: requests made beforehand, frames written and counted, sizes of all answers checked; what
  each key finds was checked before with the published client.
- Keys are asked for in random order, each as often as every other."""


def _row(one: Measured, items: int | None) -> str:
    rate = one.rate
    calls = f"{rate.median / items:,.0f}" if items else ""
    cells = (
        one.name,
        f"{one.doubt}{_span(rate, _count)}",
        calls,
        _percent(one, "server"),
        f"{one.others.median:.0%}",
        _percent(one, "client"),
        *(_cost(one, role) for role in ROLES),
        _from_cache(one),
        f"{one.thrown_out} of {len(one.runs)}" if one.thrown_out else "",
    )
    return f"| {' | '.join(cells)} |"


def _percent(one: Measured, role: str) -> str:
    if not any(role in run.cpu_s for run in one.runs):
        return ""
    return f"{one.share(role).median:.0%}"


def _cost(one: Measured, role: str) -> str:
    if not any(run.cpu_s.get(role) for run in one.runs):
        return ""
    return f"{one.cost_us(role).median:.3g}"


def _from_cache(one: Measured) -> str:
    shares = [share for run in one.used if (share := run.from_cache) is not None]
    return f"{Spread.of(shares).median:.1%}" if shares else ""


def _span(spread: Spread, form: Callable[[float], str]) -> str:
    return f"{form(spread.median)} ({form(spread.low)} to {form(spread.high)})"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _ratio(value: float) -> str:
    return f"{value:.3g}"


def _verdict(one: Standing) -> str:
    text = one.verdict if one.by_rate else f"{one.verdict}, by CPU"
    return f"**{text}**" if one.verdict == "below the floor" else text
