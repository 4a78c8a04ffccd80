"""What runs of one fault come to: how long calls failed, and the bound that the runs give. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from statistics import median
from typing import Any, Final

from loadtests.fault_record import CLASSES

__all__ = ["YEAR_S", "Sums", "availability", "share_bound", "sums"]

YEAR_S: Final = 365.25 * 86_400
_DOUBT: Final = 0.05
_HALVINGS: Final = 60
_SECOND: Final = 1.0


@dataclass(frozen=True, slots=True)
class Sums:
    """All complete runs of one fault. By class: the worst failed seconds, and their bound."""

    runs: int
    broken: int
    failed_max_s: Mapping[str, float]
    failed_bound_s: Mapping[str, float]
    gap_p50_s: float
    gap_max_s: float
    acknowledged: int
    wrong: Mapping[str, int]
    two_primaries_max_s: float


def share_bound(hits: int, runs: int) -> float:
    """The largest share of all runs that `hits` of `runs` leave possible, to 95 %.

    Clopper and Pearson's (1934), one-sided: the share at which so few hits have a chance of 5 %.
    """
    if hits >= runs:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        chance = sum(
            comb(runs, count) * share**count * (1 - share) ** (runs - count)
            for count in range(hits + 1)
        )
        low, high = (share, high) if chance > _DOUBT else (low, share)
    return high


def failed_bound_s(failed_s: Sequence[float]) -> float:
    """The failed seconds that one such fault costs at most on the average, to 95 %.

    The bound of the share of runs in which anything fails, times the worst run's seconds, which
    are taken to be one at least.
    """
    hits = sum(map(bool, failed_s))
    return share_bound(hits, len(failed_s)) * max(_SECOND, *failed_s)


def sums(runs: Sequence[Mapping[str, Any]]) -> Sums:
    """All runs of one fault, of which at least one has ended."""
    ended = [run for run in runs if "reads" in run]
    failed = {name: [float(run[name]["failed_s"]) for run in ended] for name in CLASSES}
    gaps = [run["write_gap_s"] for run in ended]
    violations = [text for run in ended for text in run["violations"]]
    defects = sum(" answered " in text for text in violations)
    return Sums(
        runs=len(runs),
        broken=sum(bool(run["broken"]) for run in runs),
        failed_max_s={name: max(failed[name]) for name in CLASSES},
        failed_bound_s={name: failed_bound_s(failed[name]) for name in CLASSES},
        gap_p50_s=median(gaps),
        gap_max_s=max(gaps),
        acknowledged=sum(run["acknowledged"] for run in ended),
        wrong={
            **{what: sum(run[what] for run in ended) for what in ("lost", "double", "phantom")},
            "stale": len(violations) - defects,
            "INTERNAL": defects,
        },
        two_primaries_max_s=max(run["figures"].get("two_primaries_s", 0.0) for run in ended),
    )


def availability(yearly: Sequence[tuple[float, float]]) -> float:
    """1 - the sum of (faults a year, failed seconds each) over the year's seconds."""
    return 1 - sum(faults * seconds for faults, seconds in yearly) / YEAR_S
