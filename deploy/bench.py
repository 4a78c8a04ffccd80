"""`make bench`: how fast OpenCIF is beside the parts it stands on, measured in turns in one run.

It starts everything, takes the measurements in rounds and writes the results; what is compared
with what is said in loadtests/bench_ratios.py.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console

from deploy import bench_ff1, bench_h2load
from deploy.bench_partner import RunFailed
from deploy.bench_rig import FILLED, Rig
from deploy.revision import revision
from deploy.service import DATA, Service, one_line_errors
from loadtests.bench_cases import (
    KINDS,
    SECURED_SOURCES,
    SHAPES,
    SOURCES,
    Case,
    NotAsExpected,
    Shape,
    cases,
    gather,
)
from loadtests.bench_figures import Measured, Run
from loadtests.bench_machine import Cores, facts, pin
from loadtests.bench_plots import draw
from loadtests.bench_ratios import ACH, RATIOS, SECURED, SECURITY, UNSECURED, standings
from loadtests.bench_report import Report
from loadtests.sample_bank import SampleBank
from loadtests.sample_large import LargeFile
from loadtests.sample_load import load
from opencif.client import Client

__all__ = [
    "QUICK", "RESULTS", "Plan", "Take", "Teller", "about", "fill", "in_turns", "main",
    "settle", "telling",
]  # fmt: skip

RESULTS: Final = Path(__file__).resolve().parents[1] / "loadtests" / "results"
_FF1: Final = "FF1"
_WARMING: Final = next(shape for shape in SHAPES if shape.items == 10)  # leaves out few keys
_TIMEOUT_S: Final = 600.0
_SECURITY_ROUNDS: Final = 4  # times those of others: its price is less than one round's noise
_HELD_ROUNDS: Final = 2  # the same, besides the others', of lookups that are held to a floor

_SHAPES: Final = frozenset(shape.name for shape in SHAPES)
_HELD: Final = {(each.group, name) for each in RATIOS for name in (*each.ours, *each.theirs)}

Take = Callable[[], Run]
Teller = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured, how long and how often."""

    rounds: int
    warm_s: float
    measure_s: float
    accounts: int
    file_entries: int

    @property
    def times(self) -> tuple[float, float]:
        """Seconds before a measurement, and of it."""
        return self.warm_s, self.measure_s


FULL: Final = Plan(rounds=5, warm_s=0.15, measure_s=0.7, accounts=20_000, file_entries=200_000)
QUICK: Final = Plan(rounds=1, warm_s=0.0, measure_s=0.005, accounts=500, file_entries=1_000)


def in_turns(
    takes: Mapping[tuple[str, str], Take], unit: str, rounds: int, tell: Teller
) -> list[Measured]:
    """Round after round, one run of each: they are by group and name. Raises: RunFailed."""
    found = {place: Measured(place[1], place[0], unit) for place in takes}
    groups = ", ".join(dict.fromkeys(group for group, _ in takes))
    for number in range(1, 1 + rounds):
        tell(f"{groups}: round {number} of {rounds}")
        for place, take in takes.items():
            named = f"{place[1]}, {place[0]}"
            try:
                run = take()
            except RunFailed as failure:
                raise RunFailed(f"{named}: {failure}") from failure
            if run.wrong or not run.done:
                raise RunFailed(f"{named}: {run.wrong} of {run.done} were wrong")
            found[place].runs.append(run)
    return list(found.values())


class Bench:
    """One bench over a running service; `file` is the NACHA file to be resolved."""

    def __init__(self, rig: Rig, plan: Plan, file: Path, tell: Teller) -> None:
        self._rig = rig
        self._plan = plan
        self._file = file
        self._tell = tell

    def run(self) -> list[Measured]:
        """Take everything. Raises: RunFailed."""
        self._rig.resolve(self._file)  # what a later file of the day finds, not the day's first
        groups: list[tuple[str, str, Mapping[str, Take]]] = [
            *((shape.name, "lookups", dict(self._takes(shape))) for shape in SHAPES),
            (SECURITY, "lookups", dict(self._pairs())),
            (ACH, "entries", {self._file_name(): partial(self._rig.resolve, self._file)}),
            (_FF1, "tokens", dict(self._ff1_takes())),
        ]
        measured: list[Measured] = []
        held: dict[tuple[str, str], Take] = {}
        for group, unit, takes in groups:
            placed = {(group, name): take for name, take in takes.items()}
            rounds = self._plan.rounds * (_SECURITY_ROUNDS if group == SECURITY else 1)
            measured += in_turns(placed, unit, rounds, self._tell)
            if group in _SHAPES:
                held |= {place: take for place, take in placed.items() if place in _HELD}
        known = {(one.group, one.name): one for one in measured}
        for more in in_turns(held, "lookups", self._plan.rounds * _HELD_ROUNDS, self._tell):
            known[more.group, more.name].runs += more.runs
        return measured

    def _takes(self, shape: Shape) -> Iterator[tuple[str, Take]]:
        """What is measured of a shape: what is beside it first, then every case."""
        if shape.items == 1:
            yield "empty grpc.aio handler", partial(self._handler, shape, empty=True)
        yield "echo of the same bytes", partial(self._handler, shape, empty=False)
        if not shape.streams:
            for name in ("raw MGET", "raw asyncpg = ANY"):
                yield name, partial(self._rig.baseline, name, shape, *self._plan.times)
        for case in cases(shape):
            yield case.name, partial(self._rig.case, case, *self._plan.times)

    def _pairs(self) -> Iterator[tuple[str, Take]]:
        """Batches from each cache, unsecured and secured."""
        shape = next(shape for shape in SHAPES if shape.items == 1_000)
        for sources, name in ((SOURCES, UNSECURED), (SECURED_SOURCES, SECURED)):
            for source in sources[: len(SECURED_SOURCES)]:
                case = Case(KINDS[0], shape, source)
                yield f"{source.name}, {name}", partial(self._rig.case, case, *self._plan.times)

    def _ff1_takes(self) -> Iterator[tuple[str, Take]]:
        for name in bench_ff1.NAMES:
            yield name, partial(self._rig.baseline, name, None, *self._plan.times)

    def _handler(self, shape: Shape, *, empty: bool) -> Run:
        return self._rig.handler(shape, *self._plan.times, empty=empty)

    def _file_name(self) -> str:
        return f"{self._plan.file_entries:,} entries, client to client"


async def fill(service: Service, rig: Rig, plan: Plan, tell: Teller) -> str:
    """Load the bank, ask every server for every key, keep the requests; says how many keys."""
    bank = SampleBank(plan.accounts)
    async with Client(service.addresses, timeout_s=_TIMEOUT_S) as client:
        await load(client, bank, lambda step: tell(f"loading {step}"))
        await settle(service)
        tell("asking for every key")
        gathered = await gather(client, bank, plan.accounts)
    rig.prepare(gathered, SHAPES)
    rig.warm(KINDS, _WARMING)
    return ", ".join(
        f"{len(keys.keys):,} {kind}" for (kind, known), keys in gathered.items() if known
    )


async def settle(service: Service) -> None:
    """Have PostgreSQL do at once what it would do in the background, while it is measured."""
    connection = await asyncpg.connect(service.stack.postgres.dsn("opencif"))
    try:
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


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


def _notes(rig: Rig, cores: Cores) -> Iterator[str]:
    if cores.is_crowded:
        yield (
            "The machine has fewer than four cores: client, Valkey and PostgreSQL share what the "
            "server leaves, so what waits for them shows a server's core that is not full. CPU "
            "per lookup does not suffer from that."
        )
    names = [source.name for source in SOURCES]
    yield (
        f"Sources: {', '.join(names)}. All but the first are measured with the worker's own cache "
        "off. Unknown ids are answered from tombstones while those live (30 s), then from the "
        "database."
    )
    yield (
        "The NACHA file (PPD, CCD and WEB, three exceptions in a hundred entries, every account "
        "once and the rest to few of them) is read, sent and its answers taken by the published "
        "client, on the client's core; the worker had resolved the same file before."
    )
    yield (
        "FF1: fpr-ff1 is left out, since it needs Python 3.12; where it runs it is slower than the "
        "two that are here."
    )
    memory = (f"{mib:,.0f} MiB ({name})" for name, mib in rig.resident_mib().items())
    yield f"Memory of the workers at the end: {', '.join(memory)}."
    yield _check_client(rig, cores)


def about(service: Service, cores: Cores) -> dict[str, str]:
    """What a reader needs to know of the machine, its software and who had which core."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}, revision {revision()}",
        **facts(),
        "PostgreSQL": service.stack.postgres.origin,
        "Valkey": service.stack.valkey.origin,
        "cores": (
            f"server or baseline {cores.server}, client {', '.join(map(str, cores.clients))}, "
            f"Valkey {cores.valkey}, PostgreSQL {cores.postgres}"
        ),
    }


def _facts(service: Service, plan: Plan, cores: Cores, keys: str) -> dict[str, str]:
    return {
        **about(service, cores),
        "rounds": (
            f"{plan.rounds} of {plan.measure_s:g} s each, after {plan.warm_s:g} s unmeasured; "
            f"{plan.rounds * (1 + _HELD_ROUNDS)} of lookups held to a floor, "
            f"{plan.rounds * _SECURITY_ROUNDS} of security"
        ),
        "keys": keys,
        "calls under way": ", ".join(f"{s.in_flight} ({s.name})" for s in SHAPES),
    }


@contextmanager
def telling() -> Iterator[tuple[Console, Teller]]:
    """A console, and what tells it a fact with the seconds since the start.

    A measurement that fails ends the program in one line.
    """
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    began = time.monotonic()

    def tell(fact: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:5.1f} s[/]  {fact}", soft_wrap=True)

    with one_line_errors("bench"):
        try:
            yield console, tell
        except (RunFailed, NotAsExpected) as error:
            sys.exit(f"bench: {error}")


def _bench(directory: Path, plan: Plan, output: Path, console: Console, tell: Teller) -> None:
    cores = Cores.plan(os.sched_getaffinity(0))
    service = Service(directory, workers=1, fresh=True, settings=FILLED, tell=tell)
    with service, Rig(service, cores, (*SOURCES, *SECURED_SOURCES)) as rig:
        pin(os.getpid(), cores.clients[0])
        rig.start()
        keys = asyncio.run(fill(service, rig, plan, tell))
        file = service.home / "bench.ach"
        LargeFile(SampleBank(plan.accounts), plan.file_entries).write(file)
        measured = Bench(rig, plan, file, tell).run()
        notes = list(_notes(rig, cores))
        told = _facts(service, plan, cores, keys)
    items = {shape.name: shape.items for shape in SHAPES} | {SECURITY: 1_000}
    Report(told, measured, items, notes).write(output)
    draw(measured, items, output)
    for one in standings(measured):
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
    output = given.output or (given.directory / "results" if given.quick else RESULTS)
    with telling() as (console, tell):
        _bench(given.directory, plan, output, console, tell)


if __name__ == "__main__":
    main()
