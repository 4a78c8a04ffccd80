"""`make bench`: how fast OpenCIF is beside the parts it stands on, measured in turns in one run.

It starts everything, takes the measurements in rounds and writes the results; what is compared
with what is said in loadtests/bench_figures.py.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy import bench_ff1, bench_h2load
from deploy.bench_rig import Rig, RunFailed
from deploy.service import DATA, Service, one_line_errors
from loadtests.bench_cases import SHAPES, SOURCES, NotAsExpected, Shape, cases, gather
from loadtests.bench_figures import Measured, Run, standings
from loadtests.bench_machine import Cores, facts, pin
from loadtests.bench_plots import draw
from loadtests.bench_report import Report
from loadtests.sample_bank import SampleBank
from loadtests.sample_load import load
from opencif.client import Client

__all__ = ["Plan", "main"]

_ROOT: Final = Path(__file__).resolve().parents[1]
_RESULTS: Final = _ROOT / "loadtests" / "results"
_FF1: Final = "FF1"
_TIMEOUT_S: Final = 60.0

Take = Callable[[], Run]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, how long and how often."""

    rounds: int
    warm_s: float
    measure_s: float
    accounts: int


FULL: Final = Plan(rounds=5, warm_s=0.15, measure_s=0.8, accounts=20_000)
QUICK: Final = Plan(rounds=2, warm_s=0.03, measure_s=0.06, accounts=500)


class Bench:
    """One bench over a running service."""

    def __init__(self, rig: Rig, plan: Plan, tell: Callable[[str], None]) -> None:
        self._rig = rig
        self._plan = plan
        self._tell = tell
        self.measured: list[Measured] = []

    def run(self) -> None:
        """Take everything. Raises: RunFailed."""
        for shape in SHAPES:
            self._in_turns(shape.name, "lookups", dict(self._takes(shape)))
        self._in_turns(_FF1, "tokens", dict(self._ff1_takes()))

    def _takes(self, shape: Shape) -> Iterator[tuple[str, Take]]:
        """What is measured of a shape: what is beside it first, then every case."""
        if shape.items == 1:
            yield "empty grpc.aio handler", partial(self._handler, shape, empty=True)
        yield "echo of the same bytes", partial(self._handler, shape, empty=False)
        if not shape.streams:
            for name in ("raw MGET", "raw asyncpg = ANY"):
                yield name, partial(self._rig.baseline, name, shape, *self._times())
        for case in cases(shape):
            yield case.name, partial(self._rig.case, case, *self._times())

    def _ff1_takes(self) -> Iterator[tuple[str, Take]]:
        for name in bench_ff1.NAMES:
            yield name, partial(self._rig.baseline, name, None, *self._times())

    def _handler(self, shape: Shape, *, empty: bool) -> Run:
        return self._rig.handler(shape, *self._times(), empty=empty)

    def _times(self) -> tuple[float, float]:
        return self._plan.warm_s, self._plan.measure_s

    def _in_turns(self, group: str, unit: str, takes: dict[str, Take]) -> None:
        """Round after round, one run of each. Raises: RunFailed."""
        found = {name: Measured(name, group, unit) for name in takes}
        for number in range(1, 1 + self._plan.rounds):
            self._tell(f"{group}: round {number} of {self._plan.rounds}")
            for name, take in takes.items():
                try:
                    run = take()
                except RunFailed as failure:
                    raise RunFailed(f"{name}, {group}: {failure}") from failure
                if run.wrong or not run.done:
                    raise RunFailed(f"{name}, {group}: {run.wrong} of {run.done} were wrong")
                found[name].runs.append(run)
        self.measured += found.values()


async def _fill(service: Service, rig: Rig, plan: Plan, tell: Callable[[str], None]) -> str:
    """Load the bank, ask every server for every key, keep the requests; says how many keys."""
    bank = SampleBank(plan.accounts)
    async with Client(service.addresses, timeout_s=_TIMEOUT_S) as client:
        await load(client, bank, lambda step: tell(f"loading {step}"))
        tell("asking for every key")
        gathered = await gather(client, bank, plan.accounts)
    rig.prepare(gathered, SHAPES)
    return ", ".join(
        f"{len(keys.keys):,} {kind}" for (kind, known), keys in gathered.items() if known
    )


def _check_client(rig: Rig, cores: Cores) -> str:
    """What h2load makes of the same two calls, or how to get it."""
    if not bench_h2load.is_there():
        return (
            f"h2load is not installed (on Debian and Ubuntu: apt-get install "
            f"{bench_h2load.PACKAGE}); with it, the two unary calls are measured by it too."
        )
    told = []
    for name, call in rig.unary_calls().items():
        try:
            rate = bench_h2load.calls_per_second(call, cores.clients[0])
        except RunFailed as failure:
            told.append(f"{name}: {failure}")
        else:
            told.append(f"{name} {rate:,.0f} calls/s")
    return f"The same unary calls by h2load, one request repeated: {', '.join(told)}."


def _notes(cores: Cores) -> Iterator[str]:
    if cores.is_crowded:
        yield (
            "The machine has fewer than four cores: client, Valkey and PostgreSQL share what the "
            "server leaves, so what waits for them shows a server's core that is not full. CPU "
            "per lookup does not suffer from that."
        )
    measured = [source.name for source in SOURCES]
    yield (
        f"Sources: {', '.join(measured)}. Unknown ids are answered from tombstones while those "
        "live (30 s), then from the database."
    )


def _facts(service: Service, plan: Plan, cores: Cores, keys: str) -> dict[str, str]:
    stack = service.stack
    git = ["git", "-c", f"safe.directory={_ROOT}", "-C", str(_ROOT)]
    described = subprocess.run(  # the bench is run from a clone; without one it is not known
        [*git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}, revision {described.stdout.strip() or '?'}",
        **facts(),
        "PostgreSQL": stack.postgres.origin,
        "Valkey": stack.valkey.origin,
        "cores": (
            f"server or baseline {cores.server}, client {', '.join(map(str, cores.clients))}, "
            f"Valkey {cores.valkey}, PostgreSQL {cores.postgres}"
        ),
        "rounds": f"{plan.rounds} of {plan.measure_s:g} s each, after {plan.warm_s:g} s unmeasured",
        "keys": keys,
        "calls under way": ", ".join(f"{s.in_flight} ({s.name})" for s in SHAPES),
    }


def _bench(directory: Path, plan: Plan, output: Path, console: Console) -> None:
    began = time.monotonic()

    def tell(fact: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:5.1f} s[/]  {fact}", soft_wrap=True)

    cores = Cores.plan(os.sched_getaffinity(0))
    service = Service(directory, workers=1, fresh=True, tell=tell)
    with service, Rig(service, cores, SOURCES) as rig:
        pin(os.getpid(), cores.clients[0])
        rig.start()
        keys = asyncio.run(_fill(service, rig, plan, tell))
        bench = Bench(rig, plan, tell)
        bench.run()
        notes = [*_notes(cores), _check_client(rig, cores)]
        told = _facts(service, plan, cores, keys)
    items = {shape.name: shape.items for shape in SHAPES}
    Report(told, bench.measured, items, notes).write(output)
    draw(bench.measured, items, output)
    for one in standings(bench.measured):
        console.print(f"{one.ratio.text}: {one.value:.3g} ({one.verdict})", highlight=False)
    tell(f"results are in {output}")


def main() -> None:
    """Measure; exits with 1 and one line when something did not do what it should."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="all of it, too short to mean much")
    parser.add_argument("--directory", type=Path, default=DATA / "bench", help="for all data")
    parser.add_argument("--output", type=Path, help="for the results")
    given = parser.parse_args()
    plan = QUICK if given.quick else FULL
    output = given.output or (given.directory / "results" if given.quick else _RESULTS)
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    with one_line_errors("bench"):
        try:
            _bench(given.directory, plan, output, console)
        except (RunFailed, NotAsExpected) as error:
            sys.exit(f"bench: {error}")


if __name__ == "__main__":
    main()
