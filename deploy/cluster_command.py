"""`make cluster` and what goes with it: one process owns the cluster, short commands ask it.

The owner stays in the background until it is told to stop; what it has started ends with it.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy.cluster import Cluster
from deploy.embedded import temporary_directory
from deploy.process import EmbeddedError
from deploy.service import DATA, one_line_errors

__all__ = ["main"]

_HOME: Final = DATA / "cluster"
_OWNER: Final = "owner"
_LOG: Final = "cluster.log"
_START_MAX_S: Final = 180
_ANSWER_MAX_S: Final = 180
_LOOK_EVERY_S: Final = 0.2
_REFUSED: Final = "! "
"""What an answer begins with that tells why something was not done."""


def main() -> None:
    """Do what the command says."""
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster_command", description=__doc__)
    parser.add_argument("command", choices=["up", "own", "stop", *_DEEDS])
    parser.add_argument("--directory", type=Path, default=_HOME, help="for all data")
    given = parser.parse_args()
    with one_line_errors("cluster"):
        if given.command == "up":
            _up(given.directory)
        elif given.command == "own":
            _own(given.directory)
        elif given.command == "stop":
            _stop(given.directory)
        else:
            _tell(_ask(given.directory, given.command))


def _up(directory: Path) -> None:
    """Start the owner and wait until the cluster is healthy."""
    if _found(directory):
        raise EmbeddedError("the cluster is up; make cluster-stop ends it")
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / _LOG
    with log.open("wb") as output:
        owner = subprocess.Popen(
            [sys.executable, "-m", "deploy.cluster_command", "own", "--directory", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    ends = time.monotonic() + _START_MAX_S
    while not _found(directory):
        if owner.poll() is not None or time.monotonic() > ends:
            owner.terminate()
            raise EmbeddedError((log.read_text().strip().splitlines() or ["nothing started"])[-1])
        time.sleep(_LOOK_EVERY_S)
    _tell(log.read_text().strip())
    _tell(_ask(directory, "status"))


def _own(directory: Path) -> None:
    """Hold the cluster and do what is asked, until SIGTERM."""
    told = directory / _OWNER
    told.unlink(missing_ok=True)
    cluster = Cluster(directory, tell=lambda line: print(line, flush=True))
    with contextlib.ExitStack() as held:
        held.callback(told.unlink, missing_ok=True)  # last of all: `stop` waits for it
        held.enter_context(cluster)
        place = held.enter_context(temporary_directory()) / "cluster"
        asking = held.enter_context(socket.socket(socket.AF_UNIX))
        asking.bind(str(place))
        asking.listen()
        told.write_text(f"{os.getpid()} {place}")
        while True:
            with asking.accept()[0] as caller, contextlib.suppress(OSError):
                caller.sendall(_done(cluster, caller.recv(64).decode()).encode())


def _done(cluster: Cluster, command: str) -> str:
    """Do it, and what there is to say of it."""
    try:
        return _DEEDS[command](cluster)
    except (EmbeddedError, OSError) as error:
        return f"{_REFUSED}{error}"


def _stop(directory: Path) -> None:
    """Have the owner end everything, and wait until it has."""
    if not (found := _found(directory)):
        raise EmbeddedError("there is no cluster; make cluster starts one")
    pid, _ = found
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + _START_MAX_S
    while _found(directory):
        if time.monotonic() > ends:
            raise EmbeddedError(f"the cluster's owner (process {pid}) does not end")
        time.sleep(_LOOK_EVERY_S)


def _ask(directory: Path, command: str) -> str:
    """What the owner answers. Raises: EmbeddedError with its reason for a refusal."""
    if not (found := _found(directory)):
        raise EmbeddedError("there is no cluster; make cluster starts one")
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(_ANSWER_MAX_S)
        asking.connect(found[1])
        asking.sendall(command.encode())
        answer = b"".join(iter(lambda: asking.recv(65536), b"")).decode()
    if answer.startswith(_REFUSED):
        raise EmbeddedError(answer.removeprefix(_REFUSED))
    return answer


def _found(directory: Path) -> tuple[int, str] | None:
    """The owner's process id and where it is asked; None when there is none that serves."""
    try:
        pid, _, place = (directory / _OWNER).read_text().partition(" ")
        command = Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return None
    return (int(pid), place) if b"deploy.cluster_command" in command else None


def _tell(text: str) -> None:
    Console().print(text, highlight=False, markup=False, soft_wrap=True)


def _status(cluster: Cluster) -> str:
    return "\n".join(f"{name:12}{told}" for name, told in cluster.status())


def _switch_over(cluster: Cluster) -> str:
    began = time.monotonic()
    name = cluster.switch_over().name
    return f"{name} is the primary, {time.monotonic() - began:.1f} s after it was asked for"


def _kill_primary(cluster: Cluster) -> str:
    began = time.monotonic()
    killed, primary = cluster.kill_primary()
    took_s = time.monotonic() - began
    return f"killed PostgreSQL on {killed.name}; {primary.name} is the primary {took_s:.1f} s later"


def _heal(cluster: Cluster) -> str:
    cluster.heal()
    return _status(cluster)


_DEEDS: Final[dict[str, Callable[[Cluster], str]]] = {
    "status": _status,
    "switchover": _switch_over,
    "kill-primary": _kill_primary,
    "heal": _heal,
}


if __name__ == "__main__":
    main()
