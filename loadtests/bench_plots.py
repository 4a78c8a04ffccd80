"""The results of a bench as pictures: rates by keys a call, CPU by role, FF1, ratios."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from loadtests.bench_figures import Measured
from loadtests.bench_ratios import standings

__all__ = ["PLOTS", "draw"]

PLOTS: Final = ("rates.png", "cpu.png", "ff1.png", "ratios.png")
_KIND: Final = "accounts by number"
_LARGEST: Final = "1,000"
_ROLES: Final = {"server": "server", "valkey": "Valkey", "postgres": "PostgreSQL"}
_DPI: Final = 120


def draw(measured: Sequence[Measured], items: Mapping[str, int], directory: Path) -> None:
    """Write every plot. `items`: keys a call, by group."""
    directory.mkdir(parents=True, exist_ok=True)
    drawn = (_rates(measured, items), _cpu(measured), _ff1(measured), _ratios(measured))
    with mpl.rc_context({"font.size": 9}):
        for name, figure in zip(PLOTS, drawn, strict=True):
            figure.savefig(directory / name, dpi=_DPI, metadata={"Software": None})


def _rates(measured: Sequence[Measured], items: Mapping[str, int]) -> Figure:
    """Lookups a second by keys a call, both logarithmic, with what they are measured beside."""
    figure, axes = _figure("keys a call", "lookups a second, one server core")
    lines: dict[str, list[tuple[int, float, float, float]]] = {}
    for one in measured:
        is_ours = one.name.startswith(_KIND)
        if one.group in items and one.group[0].isdigit() and (is_ours or "," not in one.name):
            rate = one.rate
            lines.setdefault(one.name, []).append(
                (items[one.group], rate.median, rate.median - rate.low, rate.high - rate.median)
            )
    for name, points in lines.items():
        x, y, below, above = zip(*points, strict=True)
        style = "-o" if name.startswith(_KIND) else "--s"
        axes.errorbar(x, y, (below, above), fmt=style, label=name, capsize=2, markersize=4)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend()
    return figure


def _cpu(measured: Sequence[Measured]) -> Figure:
    """CPU of each role for a lookup, at the largest calls."""
    figure, axes = _figure("CPU microseconds a lookup, 1,000 keys a call", "")
    rows = [one for one in measured if one.group == _LARGEST]
    names = [one.name for one in rows]
    left = [0.0] * len(rows)
    for role, label in _ROLES.items():
        costs = [one.cost_us(role).median for one in rows]
        axes.barh(names, costs, left=left, label=label)
        left = [start + cost for start, cost in zip(left, costs, strict=True)]
    axes.invert_yaxis()
    axes.legend()
    return figure


def _ff1(measured: Sequence[Measured]) -> Figure:
    """Tokens a second of every FF1, logarithmic."""
    figure, axes = _figure("tokens a second, one core", "")
    rows = [one for one in measured if one.group == "FF1"]
    rates = [one.rate.median for one in rows]
    axes.barh([one.name for one in rows], rates)
    axes.set_xscale("log")
    axes.invert_yaxis()
    return figure


def _ratios(measured: Sequence[Measured]) -> Figure:
    """Each ratio as a part of its goal, with its floor."""
    figure, axes = _figure("part of the goal", "")
    rows = list(standings(measured))
    places = range(len(rows))
    axes.barh(places, [one.value / one.ratio.goal for one in rows])
    floors = [one.ratio.floor / one.ratio.goal for one in rows]
    axes.plot(floors, places, "k|", markersize=18, label="floor")
    axes.axvline(1.0, linestyle="--", color="k", label="goal")
    axes.set_yticks(places, [one.ratio.text for one in rows])
    axes.invert_yaxis()
    axes.legend()
    return figure


def _figure(across: str, up: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes
