"""Processes as the kernel tells of them: a process with all it has started, all of a directory.

It only looks and sends signals; whose processes they are its callers know.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Process", "now", "of_place", "send", "tree"]

_PROC = Path("/proc")


class Process(NamedTuple):
    """A process and when it began (clock ticks): its number alone may be another's by now."""

    pid: int
    began: int


def tree(root: int) -> list[Process]:
    """The process and all that descend from it, parents first; empty when there is none."""
    children: dict[int, list[Process]] = {}
    found: list[Process] = []
    for process, parent in _all():
        children.setdefault(parent, []).append(process)
        if process.pid == root:
            found.append(process)
    for process in found:  # grows while it is gone through
        found += children.get(process.pid, [])
    return found


def of_place(directory: Path, name: str, value: str) -> list[Process]:
    """Those that work in the directory, or were started with this environment variable.

    Servers that write their state where `ps` shows it write over their environment.
    """
    wanted = f"{name}={value}".encode()
    found = []
    for process, _ in _all():
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            place = _PROC / str(process.pid)
            works_there = (place / "cwd").readlink().is_relative_to(directory)
            if works_there or wanted in (place / "environ").read_bytes().split(b"\0"):
                found.append(process)
    return found


def now() -> int:
    """The time by which processes tell when they began."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def send(what: signal.Signals, processes: Iterable[Process]) -> int:
    """Send a signal to those that are still there; how many those are."""
    count = 0
    for process in processes:
        with contextlib.suppress(OSError):
            if _told(process.pid)[0] == process:
                os.kill(process.pid, what)
                count += 1
    return count


def _all() -> list[tuple[Process, int]]:
    """Every process and its parent."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                found.append(_told(int(entry.name)))
    return found


def _told(pid: int) -> tuple[Process, int]:
    # Its name stands in parentheses and may hold anything: what follows the last one is numbers.
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return Process(pid, int(fields[19])), int(fields[1])
