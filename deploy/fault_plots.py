"""The runs of faults as pictures: writes and failures second by second, goodput under overload."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["PLOTS", "draw"]

Run = Mapping[str, Any]

PLOTS: Final = ("faults.png", "overload.png")
_COLUMNS: Final = 3
_DPI: Final = 110
_OVERLOAD: Final = "20"


def draw(runs: Sequence[Run], directory: Path) -> None:
    """Write both plots."""
    directory.mkdir(parents=True, exist_ok=True)
    ended = [run for run in runs if "reads" in run]
    with mpl.rc_context({"font.size": 8}):
        for name, figure in zip(PLOTS, (_faults(ended), _overload(ended)), strict=True):
            figure.savefig(directory / name, dpi=_DPI, metadata={"Software": None})


def _faults(runs: Sequence[Run]) -> Figure:
    """A small picture for each fault that stopped writes in any run."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run["number"], []).append(run)
    shown = {
        number: group
        for number, group in groups.items()
        if any(run["writes"]["failed_s"] for run in group)
    } or groups
    rows = -(-len(shown) // _COLUMNS)
    figure = Figure(figsize=(4 * _COLUMNS, 2.4 * rows), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    for axis, group in zip_longest(axes, shown.values()):
        if group is None:
            axis.set_axis_off()
        else:
            _fault(axis, group)
    return figure


def _fault(axes: Axes, runs: Sequence[Run]) -> None:
    """Every run as a thin line; 0 is when the fault struck."""
    for run in runs:
        for name, what, colour in (
            ("writes", "ok", "tab:blue"), ("writes", "failed", "tab:red"),
            ("reads", "failed", "tab:orange"),
        ):  # fmt: skip
            values = run[name][what]
            seconds = [second - run["struck_second"] for second in range(len(values))]
            axes.plot(seconds, values, color=colour, alpha=0.5, linewidth=0.8)
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set_title(f"{runs[0]['number']} {runs[0]['name']}", fontsize=7)
    axes.set_xlabel("s after the fault")
    for what, colour in (("writes", "tab:blue"), ("failed writes", "tab:red")):
        axes.plot([], [], color=colour, label=f"{what} a second")
    axes.plot([], [], color="tab:orange", label="failed reads a second")
    axes.legend(fontsize=5)


def _overload(runs: Sequence[Run]) -> Figure:
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    for run in runs:
        if run["number"] == _OVERLOAD and run["curve"]:
            axes.plot(run["curve"], color="tab:blue", alpha=0.6)
            axes.axhline(run["figures"]["peak_s"], color="tab:gray", linewidth=0.6)
    axes.set_xlabel("seconds at three times the peak (gray: its mean)")
    axes.set_ylabel("calls answered in time a second")
    axes.set_ylim(bottom=0)
    return figure
