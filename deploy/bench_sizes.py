"""`make sizes`: what a lookup costs in banks of several sizes, measured in turns in one run.

Each bank is loaded once through ImportRecords into a directory of its own and found there again by
the next run.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from deploy.bench import RESULTS, Plan, Take, Teller, about, in_turns, settle, telling
from deploy.bench_rig import FILLED, Rig
from deploy.service import DATA, Service
from loadtests.bench_cases import KINDS, SHAPES, SOURCES, Case, Keys, asked
from loadtests.bench_flatness import RAW, SizeReport, flats, group_of
from loadtests.bench_machine import Cores, pin
from loadtests.sample_plain import ACCOUNTS_MAX, PlainBank
from loadtests.sample_plain_load import load_plain
from opencif.client import Client

__all__ = ["main"]

_SIZES: Final = (10_000, 1_000_000, 10_000_000)
_KEYS: Final = 20_000
_OWNERS_MAX: Final = 5_000
_SMALL_MAX: Final = 1_000  # such a bank is loaded before servers for it alone would have started
_LOADED: Final = "bench-bank-is-loaded"
_TOLD_EVERY: Final = 30
_TIMEOUT_S: Final = 6 * 3_600.0
_SHAPE: Final = next(shape for shape in SHAPES if shape.name == "1,000")
_SOURCES: Final = tuple(source for source in SOURCES if source.known)
FULL: Final = Plan(rounds=40, warm_s=0.2, measure_s=0.6, accounts=_KEYS, file_entries=0)
QUICK: Final = Plan(rounds=1, warm_s=0.0, measure_s=0.005, accounts=100, file_entries=0)


def _loaded(held: ExitStack, directory: Path, accounts: int, tell: Teller) -> Service:
    """A started service with a bank of so many accounts in it; a load goes on where one ended."""
    mark = directory / _LOADED
    if accounts > _SMALL_MAX and not mark.exists():
        with Service(directory, workers=os.cpu_count() or 1, tell=tell) as service:
            asyncio.run(_load(service, accounts, tell))
        mark.touch()
    service = held.enter_context(Service(directory, workers=1, settings=FILLED, tell=tell))
    if not mark.exists():
        asyncio.run(_load(service, accounts, tell))
        mark.touch()
    return service


async def _load(service: Service, accounts: int, tell: Teller) -> None:
    bank = PlainBank(min(accounts, _OWNERS_MAX))
    began = time.monotonic()
    async with Client(service.addresses, timeout_s=_TIMEOUT_S) as client:
        await load_plain(client, bank, accounts, tell=_seldom(tell))
    tell(f"{accounts:,} accounts loaded in {time.monotonic() - began:,.0f} s")
    await settle(service)


def _seldom(tell: Teller) -> Teller:
    """Tells one fact of thirty: a load has one a second."""
    told = count()

    def sometimes(fact: str) -> None:
        if next(told) % _TOLD_EVERY == 0:
            tell(fact)

    return sometimes


async def _prepare(service: Service, rig: Rig, accounts: int, keys: int) -> None:
    """Ask for the working set, which fills the cache, and keep its requests."""
    kind, wanted = KINDS[0], PlainBank(owners=1).working_set(accounts, keys)
    async with Client(service.addresses, timeout_s=_TIMEOUT_S) as client:
        found = Keys(kind, wanted, await asked(client.lookup_accounts, wanted, is_known=True))
    rig.prepare({(kind.name, True): found}, [_SHAPE])


def _takes(rig: Rig, plan: Plan) -> dict[str, Take]:
    takes: dict[str, Take] = {RAW: partial(rig.baseline, RAW, _SHAPE, *plan.times)}
    for source in _SOURCES:
        takes[source.name] = partial(rig.case, Case(KINDS[0], _SHAPE, source), *plan.times)
    return takes


def _measure(directory: Path, sizes: Sequence[int], plan: Plan, tell: Teller) -> SizeReport:
    cores = Cores.plan(os.sched_getaffinity(0))
    keys = min(plan.accounts, sizes[0])  # the same working set everywhere
    with ExitStack() as held:
        rigs = {}
        for accounts in sizes:
            service = _loaded(held, directory / str(accounts), accounts, tell)
            rigs[accounts] = rig = held.enter_context(Rig(service, cores, _SOURCES))
            rig.start()
            asyncio.run(_prepare(service, rig, accounts, keys))
            rig.warm(KINDS[:1], _SHAPE)
            told = about(service, cores)
        pin(os.getpid(), cores.clients[0])
        takes = {
            (group_of(accounts), name): take
            for accounts, rig in rigs.items()
            for name, take in _takes(rig, plan).items()
        }
        measured = in_turns(takes, "lookups", plan.rounds, tell)
        memory = {group_of(accounts): rig.resident_mib() for accounts, rig in rigs.items()}
    told |= {
        "rounds": f"{plan.rounds} of {plan.measure_s:g} s each, all sizes in turns",
        "working set": f"{keys:,} accounts by number, spread over the whole bank",
    }
    return SizeReport(told, sizes, measured, memory)


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(sorted(int(word) for word in text.split(",")))
    if not sizes or sizes[-1] > ACCOUNTS_MAX:
        raise ValueError
    return sizes


def main() -> None:
    """Measure; exits with 1 and one line when something did not do what it should."""
    parser = argparse.ArgumentParser(prog="python -m deploy.bench_sizes", description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=_SIZES, help="accounts, commas between")
    parser.add_argument("--quick", action="store_true", help="too short to mean much")
    parser.add_argument("--directory", type=Path, default=DATA / "sizes", help="for all data")
    parser.add_argument("--output", type=Path, help="for the results")
    given = parser.parse_args()
    plan = QUICK if given.quick else FULL
    output = given.output or (given.directory / "results" if given.quick else RESULTS)
    with telling() as (console, tell):
        report = _measure(given.directory, given.sizes, plan, tell)
        report.write(output)
        for one in flats(report.measured, report.sizes):
            console.print(f"{one.text}, {one.accounts:,}: {one.growth.median:.3f} ({one.verdict})")
        tell(f"results are in {output}")


if __name__ == "__main__":
    main()
