"""`make faults`: every fault of the table on a cluster of our own, under open-loop load.

The short form runs each once and fails when a promise was broken; the full form runs until so many
runs of each are kept, appends each to a file as it ends, and goes on from there the next time.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from deploy.fault_rig import FaultRig, Outcome
from deploy.fault_scenarios import SCENARIOS, Scenario
from deploy.service import DATA, one_line_errors
from loadtests.ledger import entries

__all__ = ["main"]

_RESULTS: Final = Path(__file__).resolve().parents[1] / "loadtests" / "results" / "faults.jsonl"
_WARM_S: Final = 3.0
_AFTER_S: Final = 4.0
_READS_S: Final = 100.0
_WRITES_S: Final = 20.0
_OK: Final = frozenset({"OK", "OK later", "stale"})
_STARRED_RUNS: Final = 10

Run = dict[str, Any]
"""One run of a scenario, as it is kept."""


def one_run(rig: FaultRig, scenario: Scenario, *, full: bool) -> Run:
    """Strike, hold, heal, under load; what came of it. Raises: EmbeddedError."""
    ledger = rig.cluster.home / "ledger.jsonl"
    ledger.unlink(missing_ok=True)
    load = rig.begin_load(ledger, _READS_S, _WRITES_S)
    try:
        time.sleep(_WARM_S)
        struck_at = time.monotonic()
        scenario.strike(rig.cluster, rig.links)
        time.sleep(scenario.hold_s if full else scenario.hold_short_s)
        healed_at = time.monotonic()
        scenario.heal(rig.cluster, rig.links)
        rig.cluster.wait_healthy()
        time.sleep(_AFTER_S)
    except BaseException:
        load.kill()
        load.communicate()
        raise
    outcome = rig.end_load(load, ledger)
    acked = [line["at"] for line in entries(ledger)]
    return {
        "number": scenario.number,
        "name": scenario.name,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "form": "full" if full else "short",
        "struck_at_s": round(struck_at - outcome["began"], 2),
        "healed_at_s": round(healed_at - outcome["began"], 2),
        **_judged(outcome, acked, struck_at),
    }


def _judged(outcome: Outcome, acked: Sequence[float], struck_at: float) -> Run:
    """The figures of a run: what failed in which seconds, what was lost, doubled or stale."""
    seconds: dict[str, dict[str, Any]] = outcome["seconds"]
    codes = {what: _sum(second[what] for second in seconds.values()) for what in _WHAT}
    gaps = [later - earlier for earlier, later in pairwise(acked) if later >= struck_at]
    return {
        **{key: outcome[key] for key in ("acknowledged", "lost", "double", "unanswered")},
        **codes,
        "failed_read_s": sum(_failed(second["reads"]) for second in seconds.values()),
        "failed_write_s": sum(_failed(second["writes"]) for second in seconds.values()),
        "write_gap_s": round(max(gaps, default=0.0), 2),
        "read_ms_max": max((second["read_ms_max"] for second in seconds.values()), default=0.0),
        "violations": outcome["violations"],
        "seconds": seconds,
    }


_WHAT: Final = ("reads", "writes")


def _sum(counts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


def _failed(counts: dict[str, int]) -> bool:
    return any(count for code, count in counts.items() if code not in _OK)


def broken(scenario: Scenario, run: Run) -> list[str]:
    """The promises that a run broke."""
    found = [f"{run[what]} {what}" for what in ("lost", "double", "unanswered") if run[what]]
    found += run["violations"][:3]
    if scenario.reads_hidden and run["failed_read_s"]:
        found.append(f"reads failed in {run['failed_read_s']} seconds: {run['reads']}")
    longest_s = scenario.write_gap_max_s
    if longest_s is not None and run["write_gap_s"] > max(longest_s, 1.0):
        found.append(f"no write for {run['write_gap_s']} s, at most {longest_s} s are promised")
    return found


def main() -> None:
    """Run the scenarios; fail when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m deploy.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="hold each fault as long as promised")
    parser.add_argument("--runs", type=int, default=0, help="of each in the full form")
    parser.add_argument("--only", default="", help="numbers, with commas")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="what the full form adds to")
    parser.add_argument("--directory", type=Path, default=DATA / "faults", help="for all data")
    given = parser.parse_args()
    numbers = set(filter(None, given.only.split(",")))
    chosen = [one for one in SCENARIOS if not numbers or one.number in numbers]
    console = Console(highlight=False)
    failed = 0
    with one_line_errors("faults"), FaultRig(given.directory, console.print) as rig:
        for scenario in chosen:
            run = one_run(rig, scenario, full=given.full)
            found = broken(scenario, run)
            failed += bool(found)
            console.print(_line(scenario, run, found), markup=False, soft_wrap=True)
            if given.full:
                with given.output.open("a") as kept:
                    kept.write(json.dumps(run) + "\n")
    if failed:
        sys.exit(f"faults: {failed} of {len(chosen)} broke a promise")


def _line(scenario: Scenario, run: Run, found: Sequence[str]) -> str:
    told = (
        f"{scenario.number:>3} {scenario.name:40} write gap {run['write_gap_s']:5.1f} s  "
        f"failed s {run['failed_read_s']}/{run['failed_write_s']}  "
        f"acknowledged {run['acknowledged']}, lost {run['lost']}, double {run['double']}"
    )
    return "\n    ".join([told, *found])


if __name__ == "__main__":
    main()
