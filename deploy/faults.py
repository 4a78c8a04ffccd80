"""`make faults`: every fault of the table on a cluster of our own, under open-loop load.

The short form makes as many as fit into five minutes under one load and fails when a promise was
broken; the full form makes each again and again, some minutes under one load, appends their runs to
a file once the load's ledger is audited, and goes on from there the next time.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy.fault_judge import Run, Window, broken, judged
from deploy.fault_rig import FaultRig, Load, LoadFailed
from deploy.fault_scenarios import SCENARIOS, SHORT
from deploy.fault_stage import NotHere, Scenario
from deploy.revision import revision
from deploy.service import DATA, one_line_errors

__all__ = ["RESULTS", "kept_runs", "main"]

RESULTS: Final = Path(__file__).resolve().parents[1] / "loadtests" / "results" / "faults.jsonl"
_WARM_S: Final = 2.0
_APART_S: Final = 1.1
"""No second is of two faults."""
_AFTER_S: Final = {False: 1.5, True: 2.5}
_RATES: Final[Mapping[bool, Mapping[str, float]]] = {
    False: {"reads": 40.0, "writes": 10.0, "private": 3.0},
    True: {"reads": 60.0, "writes": 30.0, "private": 5.0},
}
_SHORT_S: Final = 245.0
"""After so long no scenario of the short form begins: it then ends within five minutes."""
_ROUND_S: Final = 240.0
"""After so long a load of the full form ends and is audited: no more is lost if it breaks off."""
_STARRED_RUNS: Final = 10
_OTHER_RUNS: Final = 3

Teller = Callable[[str], None]


def one_window(rig: FaultRig, scenario: Scenario, *, is_full: bool) -> Window:
    """Strike, hold, heal, under load. Raises: EmbeddedError, NotHere."""
    stage = rig.stage(is_full=is_full)
    time.sleep(_APART_S)
    struck_at = time.monotonic()
    with scenario.on(stage):
        stage.wait(scenario.short_s, scenario.hold_s)
        healed_at = time.monotonic()
    rig.cluster.wait_healthy()
    well_at = time.monotonic()
    stage.broken += rig.loop.run(rig.watch.unlike())
    time.sleep(_AFTER_S[is_full])
    seen = rig.watch.taken()
    stage.broken += seen.broken()
    stage.figures.update(seen.figures())
    return Window(scenario, stage, struck_at, healed_at, well_at, time.monotonic())


def _runs(load: Load, windows: Sequence[Window], *, is_full: bool) -> list[Run]:
    """What the load's end says of each."""
    outcome, acked = load.end()
    runs = []
    for window in windows:
        run = judged(window, outcome, acked)
        run["time"] = datetime.now(UTC).isoformat(timespec="seconds")
        run["revision"] = revision()
        run["form"] = "full" if is_full else "short"
        run["broken"] = broken(window.scenario, run, window.stage.broken)
        runs.append(run)
    return runs


def _short(rig: FaultRig, chosen: Sequence[Scenario], ends: float, tell: Teller) -> list[Run]:
    """All under one load; those for which there is no time left are named."""
    windows = []
    with rig.load(_RATES[False]) as load:
        time.sleep(_WARM_S)
        for scenario in chosen:
            if time.monotonic() > ends:
                tell(_left_out(scenario, "more than five minutes"))
                continue
            try:
                windows.append(one_window(rig, scenario, is_full=False))
            except NotHere as reason:
                tell(_left_out(scenario, reason))
        runs = _runs(load, windows, is_full=False)
    for run in runs:
        tell(_line(run))
    return runs


class Campaign:
    """The full form: what is still to be run, until enough runs of each are kept."""

    def __init__(self, given: argparse.Namespace, chosen: Sequence[Scenario], tell: Teller) -> None:
        self._given = given
        self._left = list(chosen)
        self._ends = time.monotonic() + given.minutes * 60
        self._tell = tell
        self.runs: list[Run] = []

    def go(self) -> None:
        """Run all that is due; a cluster that a fault has ruined is begun anew."""
        while self._due():
            with FaultRig(self._given.directory, self._tell) as rig:
                while self._due() and self._round(rig):
                    pass

    def _round(self, rig: FaultRig) -> bool:
        """Faults one after another under one load; whether the cluster is fit for more."""
        windows: list[Window] = []
        is_fit, ends = True, time.monotonic() + _ROUND_S
        try:
            with rig.load(_RATES[True]) as load:
                time.sleep(_WARM_S)
                while is_fit and time.monotonic() < ends and (scenario := self._due(windows)):
                    is_fit = self._strike(rig, scenario, windows)
                for run in _runs(load, windows, is_full=True):
                    self._tell(_line(run))
                    self._keep(run)
        except LoadFailed as error:
            numbers = ", ".join(window.scenario.number for window in windows)
            self._tell(f"not kept, since nobody has audited them: {numbers or 'none'}; {error}")
            return False
        return is_fit

    def _strike(self, rig: FaultRig, scenario: Scenario, windows: list[Window]) -> bool:
        """One fault more; False when it has left the cluster, or this program, at a loss."""
        self._tell(f"{scenario.number:>3} {scenario.name}")
        try:
            windows.append(one_window(rig, scenario, is_full=True))
        except NotHere as reason:
            self._tell(_left_out(scenario, reason))
            self._left.remove(scenario)
        except Exception as error:  # whatever breaks a run off is its result
            told = f"{type(error).__name__}: {error}"
            self._tell(f"{scenario.number:>3} {scenario.name}: {told}")
            self._keep({"number": scenario.number, "name": scenario.name, "broken": [told]})
            return False
        return True

    def _due(self, windows: Sequence[Window] = ()) -> Scenario | None:
        """The scenario that lacks the largest part of its runs; `windows` are not yet kept."""
        if time.monotonic() > self._ends:
            return None
        made = Counter(run["number"] for run in kept_runs(self._given.output))
        made.update(window.scenario.number for window in windows)
        parts = {
            one.number: made[one.number] / _wanted(one, self._given.runs) for one in self._left
        }
        found = min(self._left, key=lambda one: parts[one.number], default=None)
        return found if found and parts[found.number] < 1 else None

    def _keep(self, run: Run) -> None:
        self.runs.append(run)
        self._given.output.parent.mkdir(exist_ok=True)
        with self._given.output.open("a") as kept:
            kept.write(json.dumps(run, separators=(",", ":")) + "\n")


def _wanted(scenario: Scenario, runs: int) -> int:
    return runs if scenario.is_starred else min(runs, _OTHER_RUNS)


def kept_runs(path: Path) -> list[Run]:
    """All runs that a file holds."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    """Run the scenarios; fail when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m deploy.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="hold each fault as long as promised")
    parser.add_argument(
        "--runs", type=int, default=_STARRED_RUNS,
        help=f"of each starred fault in the full form; of others at most {_OTHER_RUNS}",
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="for the full form")
    parser.add_argument("--only", default="", help="numbers, with commas")
    parser.add_argument("--output", type=Path, default=RESULTS, help="what the full form adds to")
    parser.add_argument("--directory", type=Path, default=DATA / "faults", help="for all data")
    given = parser.parse_args()
    began = time.monotonic()
    numbers = set(filter(None, given.only.split(",")))
    console = Console(highlight=False)

    def tell(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    chosen = [one for one in SCENARIOS if one.number in numbers]
    with one_line_errors("faults"):
        if given.full:
            campaign = Campaign(given, chosen or SCENARIOS, tell)
            campaign.go()
            runs = campaign.runs
        else:
            with FaultRig(given.directory, tell) as rig:
                runs = _short(rig, chosen or SHORT, began + _SHORT_S, tell)
    acknowledged = sum(run.get("acknowledged", 0) for run in runs)
    tell(f"{len(runs)} faults, {acknowledged} acknowledged writes")
    if failed := [run for run in runs if run["broken"]]:
        told = "; ".join(f"fault {run['number']}: {run['broken'][0]}" for run in failed)
        sys.exit(f"faults: a promise was broken. {told}")


def _left_out(scenario: Scenario, reason: object) -> str:
    return f"{scenario.number:>3} {scenario.name:58} left out, it needs {reason}"


def _line(run: Run) -> str:
    failed = "/".join(str(run[name]["failed_s"]) for name in ("reads", "writes", "private"))
    told = (
        f"{run['number']:>3} {run['name']:58} write gap {run['write_gap_s']:5.1f} s  "
        f"failed s {failed:8}  acknowledged {run['acknowledged']}, lost {run['lost']}, "
        f"double {run['double']}, phantom {run['phantom']}"
    )
    figures = ", ".join(f"{name} {value:g}" for name, value in run["figures"].items() if value)
    return "\n    ".join([told, *filter(None, [figures]), *run["broken"]])


if __name__ == "__main__":
    main()
