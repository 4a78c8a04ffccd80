"""`make seeds`: random workloads with random faults, each of which follows from its seed.

Runs as many seeds as it is told, several at a time, each part of them on servers of its own; says
which broke a promise. One seed alone is run again with `--seed N --verbose`, which tells all that
happened in it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from deploy.places import temporary_directory
from deploy.seed_rig import Outcome, rig_in
from deploy.service import one_line_errors

__all__ = ["main"]

_AGAIN: Final = (sys.executable, "-m", "deploy.seeds")
_TOLD_EVERY: Final = 500
_SHOWN_MAX: Final = 20


def main() -> None:
    """Run seeds; fail when one broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m deploy.seeds", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--verbose", action="store_true", help="tell every operation and fault")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=300, help="how many seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--output", type=Path, help="write what ran to this file")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # what a job is told: first:step:count
    given = parser.parse_args()
    _fix_order_of_sets()
    with one_line_errors("seeds"):
        if given.part is not None:
            _run_part(*map(int, given.part.split(":")))
        elif given.seed is not None:
            _report([_one(given.seed, verbose=given.verbose)], given.seed, None)
        else:
            _report(_all(given.first, given.count, given.jobs), given.first, given.output)


def _fix_order_of_sets() -> None:
    """Begin again where texts hash by chance: in every process they are to come in one order."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        fixed = os.environ | {"PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [*_AGAIN, *sys.argv[1:]], fixed)  # noqa: S606 - this very program


def _run_part(first: int, step: int, count: int) -> None:
    """Run every `step`th seed, and write what became of each as a line of JSON."""
    with temporary_directory() as directory, rig_in(directory) as run:
        for seed in range(first, first + step * count, step):
            sys.stdout.write(json.dumps(_told(run(seed))) + "\n")
            sys.stdout.flush()


def _one(seed: int, *, verbose: bool) -> dict[str, Any]:
    with temporary_directory() as directory, rig_in(directory) as run:
        outcome = run(seed)
    if verbose:
        print("\n".join(outcome.told))
    print(f"seed {seed}: trace {outcome.trace}, {outcome.calls} calls")
    return _told(outcome)


def _all(first: int, count: int, jobs: int) -> Iterator[dict[str, Any]]:
    """What became of all seeds, as they end."""
    with ExitStack() as held:
        started = [
            held.enter_context(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "deploy.seeds",
                        "--part",
                        f"{first + job}:{jobs}:{size}",
                    ],
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for job in range(jobs)
            if (size := len(range(job, count, jobs)))
        ]
        for process in started:
            held.callback(process.terminate)
        yield from _lines(started)


def _lines(jobs: list["subprocess.Popen[str]"]) -> Iterator[dict[str, Any]]:
    """Their lines, one of each in turn: all have about as many."""
    while jobs:
        for job in list(jobs):
            assert job.stdout is not None
            line = job.stdout.readline()
            if line:
                yield json.loads(line)
                continue
            jobs.remove(job)
            if job.wait():
                sys.exit("seeds: a job failed")


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "seed": outcome.seed,
        "trace": outcome.trace,
        "operations": outcome.doings,
        "acknowledged": outcome.acknowledged,
        "calls": outcome.calls,
        "faults": {f"{place}: {fault}": n for (place, fault), n in outcome.faults.items()},
        "refusals": dict(outcome.refusals),
        "broken": outcome.broken,
    }


class _Sums:
    """What all seeds come to."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(seeds=0, operations=0, acknowledged=0, calls=0)
        self.faults: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.failures: list[dict[str, Any]] = []

    def add(self, one: Mapping[str, Any]) -> None:
        """Take one seed, and tell what it broke."""
        self.counts["seeds"] += 1
        for name in ("operations", "acknowledged", "calls"):
            self.counts[name] += one[name]
        self.faults.update(one["faults"])
        self.refusals.update(one["refusals"])
        if one["broken"]:
            self.failures.append({"seed": one["seed"], "broken": one["broken"]})
            if len(self.failures) <= _SHOWN_MAX:
                print(f"seed {one['seed']}: {'; '.join(one['broken'])}", flush=True)
        if self.counts["seeds"] % _TOLD_EVERY == 0:
            print(self, flush=True)

    def __str__(self) -> str:
        counts = self.counts
        return (
            f"{counts['seeds']} seeds: {counts['operations']} operations, {counts['calls']} calls, "
            f"{counts['acknowledged']} acknowledged changes, {self.faults.total()} faults; "
            f"{len(self.failures)} failed"
        )

    def result(self, first: int) -> dict[str, Any]:
        """All of it, for a file."""
        return {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "first_seed": first,
            **self.counts,
            "faults": self.faults.total(),
            "faults_by_place_and_kind": dict(sorted(self.faults.items())),
            "refusals_by_reason": dict(sorted(self.refusals.items())),
            "failures": self.failures,
        }


def _report(outcomes: Iterable[dict[str, Any]], first: int, output: Path | None) -> None:
    """Tell what became of the seeds, of those that ran when a person stops them."""
    sums = _Sums()
    try:
        for one in outcomes:
            sums.add(one)
    except KeyboardInterrupt:
        print("stopped")
    print(sums)
    if output is not None:
        output.write_text(json.dumps(sums.result(first), indent=1) + "\n")
    if sums.failures:
        again = sums.failures[0]["seed"]
        sys.exit(f"seeds: see one again with python -m deploy.seeds --seed {again} --verbose")


if __name__ == "__main__":
    main()
