"""The machine of a bench: which core does what, who used how much of it, and what it is.

Reads /proc and pins processes; it measures no call.
"""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = [
    "Cores",
    "CpuWatch",
    "descendants",
    "facts",
    "peak_mib",
    "pin",
    "resident_mib",
    "thread_seconds",
]

_PROC: Final = Path("/proc")
_NANOSECONDS: Final = 1e9
_PACKAGES: Final = (
    "asyncpg", "cryptography", "fastfpe", "grpcio", "hiredis", "libffx", "numpy", "protobuf",
    "redis", "uvloop",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: the server, or the baseline in its place, has a core of its own."""

    server: int
    clients: tuple[int, ...]
    """One client process for each."""
    valkey: int
    postgres: int

    @classmethod
    def plan(cls, available: Iterable[int]) -> "Cores":
        """The cores of this machine: with two, client, Valkey and PostgreSQL share one."""
        *others, server = sorted(available)
        others = others or [server]  # one core: it works, and the report shows what it is worth
        valkey = others[1 % len(others)]
        postgres = others[2 % len(others)]
        return cls(server, (others[0], *others[3:4]), valkey, postgres)

    @property
    def is_crowded(self) -> bool:
        """Whether something shares the client's core."""
        return len({self.server, self.clients[0], self.valkey, self.postgres}) < 4


def pin(pid: int, *cores: int) -> None:
    """Bind a process, its descendants and all their threads, and whatever they start, to cores."""
    for process in descendants(pid):
        for thread in _threads(process):
            os.sched_setaffinity(thread, cores)


def descendants(pid: int) -> list[int]:
    """A process and all that descend from it, parents first."""
    return list(_tree(pid, _families()))


def thread_seconds(pid: int) -> dict[int, float]:
    """CPU seconds that each thread of a process has used, by the kernel's account."""
    return {thread: _run_ns(thread) / _NANOSECONDS for thread in _threads(pid)}


class CpuWatch:
    """CPU seconds used by trees of processes, by role, and by everybody on one core: `core`."""

    def __init__(self, roots: Mapping[str, int], core: int) -> None:
        self._roots = roots
        self._core = core

    def seconds(self) -> dict[str, float]:
        """What has been used so far: roles by the kernel's account, the core in its ticks."""
        children = _families()
        used = {
            role: sum(
                _run_ns(thread) for process in _tree(root, children) for thread in _threads(process)
            )
            / _NANOSECONDS
            for role, root in self._roots.items()
        }
        return used | {"core": _busy_ticks(self._core) / os.sysconf("SC_CLK_TCK")}


def resident_mib(pid: int) -> float:
    """Memory that a process has in use."""
    return _status_mib(pid, "VmRSS")


def peak_mib(pid: int) -> float:
    """The most memory that a process has had in use at a time."""
    return _status_mib(pid, "VmHWM")


def _status_mib(pid: int, wanted: str) -> float:
    for line in _read(_PROC / str(pid) / "status").splitlines():
        name, _, value = line.partition(":")
        if name == wanted:
            return int(value.split()[0]) / 1024
    return 0.0


def facts() -> dict[str, str]:
    """What a reader needs to know of the machine and its software; nothing that names it."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {
        "processor": f"{_field('cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{int(_field('meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libc": " ".join(platform.libc_ver()),
        **versions,
    }


def _busy_ticks(core: int) -> int:
    """All but idle and waiting, stolen time included (proc_stat(5))."""
    for line in _read(_PROC / "stat").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, *interrupts = map(int, ticks[:8])
            return user + nice + system + sum(interrupts)
    return 0


def _field(file: str, name: str) -> str:
    for line in (_PROC / file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "0 unknown"


def _families() -> dict[int, list[int]]:
    """The children of every process that lives."""
    children: dict[int, list[int]] = {}
    for name in os.listdir(_PROC):
        if name.isdigit():
            fields = _read(_PROC / name / "stat").rpartition(")")[2].split()
            if fields:
                children.setdefault(int(fields[1]), []).append(int(name))
    return children


def _tree(root: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    """A process and its descendants."""
    waiting = [root]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process, ())


def _threads(process: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC / str(process) / "task")]
    except OSError:
        return []  # it has ended


def _run_ns(thread: int) -> int:
    return int((_read(_PROC / str(thread) / "schedstat") or "0").split()[0])


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # it has ended


if sys.platform != "linux":
    raise ImportError("the bench reads /proc and pins processes: it needs Linux")
