"""Child processes of the embedded stack: their user, their directories, their life and death.

It knows neither PostgreSQL nor Valkey, and it starts nothing that outlives its owner.
"""

import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nothing of the owner's leaks
POLL_S = 0.01


class EmbeddedError(Exception):
    """The embedded stack cannot do what was asked; the text is one line for a person.

    EmbeddedError
    ├── BinaryMissing     no server program of a version that will do
    ├── DirectoryInUse    another instance lives in the directory
    ├── DirectoryUnusable stale, foreign or half-made: to be removed by a person
    ├── NotOurs           an external server was asked to do what only a child can
    └── StartFailed       the server ended or stayed silent; names its log
    """


class BinaryMissing(EmbeddedError):
    """No server program of a version that will do."""


class DirectoryInUse(EmbeddedError):
    """Another instance lives in the directory."""


class DirectoryUnusable(EmbeddedError):
    """What the directory holds is stale, foreign or half-made."""


class NotOurs(EmbeddedError):
    """An external server was asked to do what only a child process can."""


class StartFailed(EmbeddedError):
    """The server ended or stayed silent instead of serving."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the servers run as when the owner is root, whom PostgreSQL refuses."""

    name: str
    uid: int
    gid: int


def service_account() -> Account | None:
    """`postgres`, else `nobody`, for root; None for everybody else, who runs servers as himself.

    It must be an entry of the passwd file: initdb looks its own name up.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("running as root needs a user `postgres` or `nobody` to run servers as")


def spawn(
    command: list[str],
    account: Account | None,
    *,
    death_signal: signal.Signals,
    output: int,
    configuration: bytes | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program as `account`, in a session of its own, with `configuration` on its stdin.

    `death_signal` reaches it when the owner dies, however that happens. A session of its own keeps
    Ctrl-C from it: the owner decides in which order things stop.

    Raises: EmbeddedError outside the main thread, since the kernel ties a child to the thread.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedError("servers are started from the main thread, whose death ends them")
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    owner = [str(number) for number in (os.getpid(), int(death_signal), uid, gid)]
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(CHILD), *owner, *command],
        stdin=subprocess.DEVNULL if configuration is None else subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=ENVIRONMENT | dict(environment or {}),
        start_new_session=True,
    )
    if configuration is not None and child.stdin is not None:
        with child.stdin:
            child.stdin.write(configuration)
    return child


def run(
    command: list[str], account: Account | None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program to its end and return what it printed.

    Raises: StartFailed with its last line when it fails.
    """
    child = spawn(
        command,
        account,
        death_signal=signal.SIGKILL,
        output=subprocess.PIPE,
        environment=environment,
    )
    printed = child.communicate()[0].decode(errors="replace").strip()
    if child.returncode != 0:
        raise StartFailed(f"{command[0]} failed: {printed.splitlines()[-1] if printed else '-'}")
    return printed


class Server:
    """One server process: waited for when it starts, stopped, or killed; never left a zombie."""

    def __init__(
        self,
        command: list[str],
        account: Account | None,
        *,
        log: Path,
        stop_signal: signal.Signals,
        configuration: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log = log
        self._stop_signal = stop_signal
        log.parent.mkdir(exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))  # bounded: two runs are kept
        with log.open("wb") as output:
            self._process = spawn(
                command,
                account,
                death_signal=stop_signal,
                output=output.fileno(),
                configuration=configuration,
                environment=environment,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process.poll() is None

    def wait_until(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once `is_ready()`; otherwise end the process and raise StartFailed."""
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if not self.is_alive() or time.monotonic() > deadline:
                self.kill()
                raise StartFailed(f"no start: {self._last_words()} (log: {self._log})")
            time.sleep(POLL_S)

    def stop(self, timeout_s: float = 30) -> None:
        """Ask it to end, wait, and kill it if it has not ended in time."""
        if self.is_alive():
            self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if "FATAL" in line), (lines or ["-"])[-1])
