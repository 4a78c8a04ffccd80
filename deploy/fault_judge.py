"""What a run of a scenario comes to, and which promises it broke. Pure.

A window is what one scenario has of a load that may run under several, one after the other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from deploy.fault_stage import Scenario, Stage
from loadtests.fault_record import CLASSES, HIDDEN

__all__ = ["Run", "Window", "broken", "judged", "longest_gap_s"]

Run = dict[str, Any]
"""One run of a scenario, as it is kept."""

_BEFORE_S: Final = 2
_QUIET_AFTER_S: Final = 0.5
"""What a standby kept before it was killed may be acknowledged so much later."""
_GAP_MIN_S: Final = 1.0
"""Random arrivals leave gaps too."""
_TOLD_MAX: Final = 3
_FORBIDDEN: Final = ("lost", "double", "phantom", "unanswered")


@dataclass(slots=True)
class Window:
    """When (monotonic seconds) a fault struck, was taken away, and all was well again."""

    scenario: Scenario
    stage: Stage
    struck_at: float
    healed_at: float
    well_at: float
    ended_at: float


def judged(window: Window, outcome: dict[str, Any], acked: Sequence[float]) -> Run:
    """The figures of a run. `acked`: when (monotonic seconds) writes were acknowledged, sorted."""
    began = outcome["began"]
    first = max(0, int(window.struck_at - began) - _BEFORE_S)
    last = int(window.ended_at - began) + 1
    within = [at for at in acked if window.struck_at <= at < window.ended_at]
    stage = window.stage
    run: Run = {
        "number": window.scenario.number,
        "name": window.scenario.name,
        "held_s": round(window.healed_at - window.struck_at, 1),
        "well_after_s": round(window.well_at - window.healed_at, 1),
        "struck_second": int(window.struck_at - began) - first,
        "acknowledged": len(within),
        "write_gap_s": round(longest_gap_s(acked, window.struck_at, window.ended_at), 2),
        **{
            what: sum(window.struck_at <= at < window.ended_at for at in outcome[what])
            for what in _FORBIDDEN
        },
        "violations": [
            text for at, text in outcome["violations"] if window.struck_at <= at < window.ended_at
        ],
        "figures": stage.figures,
        "curve": stage.curve,
    }
    for name in CLASSES:
        told = outcome["classes"][name]
        counts, ms_max = (told[what][first:last] for what in ("counts", "ms_max"))
        run[name] = _class_told(counts, ms_max, run["struck_second"])
    if stage.quiet:
        since, until = stage.quiet
        run["figures"]["false_acknowledgements"] = sum(
            since + _QUIET_AFTER_S <= at < until for at in acked
        )
    return run


def longest_gap_s(acked: Sequence[float], since: float, until: float) -> float:
    """The longest time without an acknowledged write that ended after `since`."""
    before = max((at for at in acked if at < since), default=since)
    marks = [before, *(at for at in acked if since <= at < until), until]
    return max(later - earlier for earlier, later in pairwise(marks))


def broken(scenario: Scenario, run: Run, told: Sequence[str] = ()) -> list[str]:
    """The promises that a run broke; `told` are those that were seen while it ran.

    The short form runs wherever CI does, beside whatever else is busy there: times are held to
    three times what is promised, and three seconds may fail. What must never happen is the same.
    """
    slack, failed_max_s = (1, 0) if run.get("form", "full") == "full" else (3, 3)
    found = [*told, *run["violations"][:_TOLD_MAX]]
    found += [f"{run[what]} {what}" for what in _FORBIDDEN if run[what]]
    if false := run["figures"].get("false_acknowledgements"):
        found.append(f"{false} writes were acknowledged that one node had")
    if scenario.reads_hidden and run["reads"]["failed_s"] > failed_max_s:
        found.append(_failed("reads", run))
    found += [
        _failed(name, run)
        for name in ("writes", "private")
        if scenario.writes_hidden and run[name]["failed_s"] > failed_max_s
    ]
    longest_s = scenario.write_gap_max_s
    if longest_s is not None and run["write_gap_s"] > slack * max(longest_s, _GAP_MIN_S):
        found.append(f"no write for {run['write_gap_s']} s, at most {longest_s} s are promised")
    return found


def _failed(name: str, run: Run) -> str:
    return f"{name} failed in {run[name]['failed_s']} seconds: {run[name]['codes']}"


def _class_told(
    counts: Sequence[dict[str, int]], ms_max: Sequence[float], struck: int
) -> dict[str, Any]:
    """Second by second how many were answered and how many failed, and with what since the fault.

    What is shown of the seconds before it may be the end of what another fault left.
    """
    codes: Counter[str] = Counter()
    for count in counts[struck:]:
        codes.update(count)
    failed = [_sum(count, hidden=False) for count in counts]
    return {
        "ok": [_sum(count, hidden=True) for count in counts],
        "failed": failed,
        "failed_s": sum(map(bool, failed[struck:])),
        "ms_max": list(ms_max),
        "codes": dict(codes),
    }


def _sum(count: dict[str, int], *, hidden: bool) -> int:
    """`stale` says more of an answer that is counted already; `OK later` was a failure first."""
    return sum(
        number
        for code, number in count.items()
        if code not in ("stale", "OK later") and (code in HIDDEN) is hidden
    )
