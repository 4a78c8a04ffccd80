"""Faults of the service itself: servers that die, restart, get too much, or are attacked."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from deploy.cluster_parts import Envoy, listens
from deploy.fault_stage import NotHere, Scenario, Stage, fault
from deploy.ports import Address
from deploy.process_tree import send, tree
from loadtests.bench_machine import Cores, pin

__all__ = ["SERVICE_FAULTS"]

_FAKETIME: Final = "faketime/libfaketimeMT.so.1"
_LIBRARIES: Final = Path("/usr/lib")
_LOOK_EVERY_S: Final = 0.05
_BACK_MAX_S: Final = 30.0
_GOODPUT_MIN: Final = 0.8
_GOODPUT_UNHELD_MIN: Final = 0.5
"""Of callers that hold nothing back: to turn away two calls of three takes their time, too."""
_GOODPUT_FIGURES: Final = ("peak_s", "offered_s", "good_s", "after_s", "well_after_s")
_BACK_MIN: Final = 0.5
"""To less of the peak it has not come back after the load: it has collapsed."""
_WELL_AFTER_MAX_S: Final = 10.0
_GROWTH_MAX_MB: Final = 150
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@fault(
    "16", "kill -9 of a server while it writes",
    hold_s=5, short_s=2, is_starred=True, is_short=True, write_gap_max_s=2.0, writes_hidden=True,
    yearly=12,
)  # fmt: skip
def _kill_server(stage: Stage) -> Iterator[None]:
    stage.cluster.kill_server("server-1")
    yield
    stage.cluster.heal()


@fault(
    "16b", "kill -9 of one worker",
    hold_s=5, short_s=2, write_gap_max_s=1.0, writes_hidden=True, yearly=52,
)  # fmt: skip
def _kill_worker(stage: Stage) -> Iterator[None]:
    server = stage.cluster.servers["server-1"]

    def are_up() -> bool:
        return all(map(listens, map(Address.of, server.addresses)))

    worker = next(one for one in tree(server.pid) if one.pid != server.pid)
    began = time.monotonic()
    send(signal.SIGKILL, [worker])
    while are_up():
        time.sleep(_LOOK_EVERY_S)
    while not are_up() and time.monotonic() < began + _BACK_MAX_S:
        time.sleep(_LOOK_EVERY_S)
    stage.figures["worker_back_s"] = round(time.monotonic() - began, 2)
    yield


@fault(
    "17", "rolling restart of every server",
    hold_s=2, short_s=1, is_short=True, write_gap_max_s=2.0, writes_hidden=True, yearly=52,
)  # fmt: skip
def _restart_all(stage: Stage) -> Iterator[None]:
    for name in list(stage.cluster.servers):
        stage.cluster.stop_server(name)
        stage.cluster.start_server(name)
        stage.cluster.wait_healthy()
    yield


@fault(
    "20", "three times the load that the service carries",
    hold_s=1, short_s=0.5, reads_hidden=False, write_gap_max_s=None, yearly=1,
)  # fmt: skip
def _overload(stage: Stage) -> Iterator[None]:
    cards = str(stage.cluster.home / "cards")
    before = _resident_mb(stage)
    held_s, unheld_s = (600, 60) if stage.is_full else (10, 5)
    with _straight(stage) as address:
        words = ("--address", address, "--cards", cards, "--seconds")
        held = _offered(stage, held_s, *words, str(held_s), "--holds-back")
        unheld = _offered(stage, unheld_s, *words, str(unheld_s))
    _judge_goodput(stage, held, unheld)
    stage.figures["grown_mb"] = round(_resident_mb(stage) - before, 1)
    yield


@fault("25a", "a server's clock an hour ahead", is_short=False, writes_hidden=True, yearly=1)
def _clock_ahead(stage: Stage) -> Iterator[None]:
    with _clock(stage, "+1h"):
        yield


@fault("25b", "a server's clock an hour behind", is_short=False, writes_hidden=True, yearly=1)
def _clock_behind(stage: Stage) -> Iterator[None]:
    with _clock(stage, "-1h"):
        yield


@fault(
    "27", "slow connections, pings, resets and huge messages",
    hold_s=2, short_s=1, is_short=True, write_gap_max_s=3.0, yearly=1,
)  # fmt: skip
def _attack(stage: Stage) -> Iterator[None]:
    seconds = 20 if stage.is_full else 5
    worker = stage.cluster.servers["server-1"].addresses[0]
    targets = (str(stage.cluster.envoy.address), worker)
    before = _resident_mb(stage)
    with stage.beside(
        "deploy.fault_attack", "--seconds", str(seconds), "--targets", *targets
    ) as running:
        told = stage.told(running, timeout_s=seconds + 60)
    stage.figures.update(told)
    stage.figures["grown_mb"] = grown = round(_resident_mb(stage) - before, 1)
    if grown > _GROWTH_MAX_MB:
        stage.broken.append(f"the servers grew by {grown} MB under attack")
    yield


@contextlib.contextmanager
def _straight(stage: Stage) -> Iterator[str]:
    """Another Envoy straight before the workers, which share a core of their own with it.

    The proxies of the links are written in Python and would be the first to have too much; and what
    it costs to offer a load is not to be paid by those who answer it.
    """
    home = stage.cluster.home / "straight"
    home.mkdir(exist_ok=True)
    envoy = Envoy(home)
    envoy.environment = stage.cluster.mark
    servers = stage.cluster.servers.values()
    everywhere = os.sched_getaffinity(0)
    envoy.start([address for server in servers for address in server.addresses])
    assert envoy.pid is not None
    pids = [envoy.pid, *(server.pid for server in servers)]
    try:
        for pid in pids:
            pin(pid, Cores.plan(everywhere).server)
        yield str(envoy.address)
    finally:
        for pid in pids:
            pin(pid, *everywhere)
        envoy.stop()


def _offered(stage: Stage, seconds: int, *words: str) -> dict[str, Any]:
    """What the overload came to; it runs on the clients' cores."""
    with stage.beside("loadtests.fault_overload", *words) as running:
        pin(running.pid, *Cores.plan(os.sched_getaffinity(0)).clients)
        return stage.told(running, timeout_s=2 * seconds + 90)


def _judge_goodput(stage: Stage, held: dict[str, Any], unheld: dict[str, Any]) -> None:
    """Keep the figures; say what is less than promised, to callers that hold back and others."""
    stage.curve = held["good"]
    stage.figures["load_cores"] = max(held["own_cores"], unheld["own_cores"])
    stage.figures["shed_untold"] = untold = held["shed_untold"] + unheld["shed_untold"]
    for prefix, told, least in (
        ("", held, _GOODPUT_MIN),
        ("unheld_", unheld, _GOODPUT_UNHELD_MIN),
    ):
        offered, peak, good = told["offered_s"], told["peak_s"], told["good_s"]
        stage.figures.update({prefix + name: told[name] for name in _GOODPUT_FIGURES})
        if good < least * peak:
            stage.broken.append(f"{prefix}goodput of {good}/s at {offered}/s; the peak is {peak}/s")
        if told["after_s"] < _BACK_MIN * peak:
            stage.broken.append(f"{prefix}only {told['after_s']}/s after it; the peak is {peak}/s")
        if told["well_after_s"] > _WELL_AFTER_MAX_S:
            stage.broken.append(f"{prefix}not back for {told['well_after_s']} s after it")
    if untold:
        stage.broken.append(f"{untold} calls were shed without a RetryInfo")


@contextlib.contextmanager
def _clock(stage: Stage, offset: str) -> Iterator[None]:
    """Have one of the servers run with another time; Raises: NotHere without libfaketime."""
    library = next(_LIBRARIES.glob(f"*/{_FAKETIME}"), None)
    if library is None:
        raise NotHere("libfaketime (on Debian and Ubuntu: apt-get install libfaketime)")
    name = "server-2"
    stage.cluster.stop_server(name)
    stage.cluster.start_server(
        name,
        {
            "LD_PRELOAD": str(library),
            "FAKETIME": offset,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        },
    )
    yield
    stage.cluster.stop_server(name)
    stage.cluster.start_server(name)


def _resident_mb(stage: Stage) -> float:
    """The memory of all servers."""
    total = 0
    for server in stage.cluster.servers.values():
        for process in tree(server.pid):
            with contextlib.suppress(OSError):
                pages = Path("/proc", str(process.pid), "statm").read_text().split()[1]
                total += int(pages) * _PAGE_BYTES
    return total / 1e6


SERVICE_FAULTS: Final[tuple[Scenario, ...]] = (
    _kill_server, _kill_worker, _restart_all, _overload, _clock_ahead, _clock_behind, _attack,
)  # fmt: skip
