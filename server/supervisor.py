"""Starts the workers, keeps them running, drains them, and serves one /metrics for all.

Never touches gRPC or a database: it must stay up when they do not, and nothing is forked.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Final

from server import log
from server.settings import Settings
from server.worker_metrics import serve_metrics

__all__ = ["EXIT_REFUSED", "AlreadyServing", "Supervisor"]

EXIT_REFUSED: Final = 2  # a worker that cannot start and has said why
BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 5.0  # what kept it from starting may be over any moment
STEADY_S: Final = 60.0  # a worker that lived this long is started again at once
KILL_AFTER_S: Final = 5.0  # beyond what draining may take

_log = log.logger("supervisor")


class AlreadyServing(Exception):
    """Another supervisor serves here, or something else has the port; one line for a person."""


class _Worker:
    """One worker's place: its number, its port once known, its process while it lives."""

    def __init__(self, number: int, port: int, directory: Path) -> None:
        self.number = number
        self.port = port
        self.metrics_socket = directory / f"worker-{number}.sock"
        self.ready = asyncio.Event()
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None

    async def live(self) -> int:
        """Run the process once, to its end; returns its exit code.

        Raises OSError when the machine has no room for another one.
        """
        ready, told = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server", "worker"),
                *("--port", str(self.port), "--ready-fd", str(told)),
                *("--metrics-socket", str(self.metrics_socket)),
                stdin=asyncio.subprocess.PIPE,  # its end tells the worker of ours
                pass_fds=(told,),
            )
        except OSError:
            os.close(ready)
            raise
        finally:
            os.close(told)
        self._process = process
        async with _reading(ready) as lines:
            if line := await lines.readline():
                self.port = int(line)
                self.ready.set()
        return await process.wait()

    def drain(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


class Supervisor:
    """N workers; worker i serves on the first port + i, or on a free one when that is 0."""

    def __init__(self, settings: Settings, ports_file: Path | None = None) -> None:
        self._settings = settings
        self._ports_file = ports_file
        self._ending = asyncio.Event()
        self._refused = False

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; returns the exit code. Raises AlreadyServing."""
        self._heed_signals()
        with (
            _held(_lock_path(self._settings)),
            tempfile.TemporaryDirectory(prefix="opencif-") as directory,
        ):
            workers = self._places(Path(directory))
            lives = [asyncio.create_task(self._keep(worker)) for worker in workers]
            try:
                await self._serve(workers)
            finally:
                await self._end(workers, lives)
        return 1 if self._refused else 0

    def _heed_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ending.set)

    def _places(self, directory: Path) -> list[_Worker]:
        first = self._settings.port
        ports = [first + i if first else 0 for i in range(self._settings.workers)]
        for port in filter(None, ports):
            _require_free(self._settings.address, port)
        return [_Worker(number, port, directory) for number, port in enumerate(ports)]

    async def _serve(self, workers: list[_Worker]) -> None:
        """Wait until all are ready, say so, and wait for the end."""
        ending = asyncio.create_task(self._ending.wait())
        ready = asyncio.create_task(_all_ready(workers))
        await asyncio.wait({ready, ending}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._ending.is_set():
            return
        sockets = {worker.number: worker.metrics_socket for worker in workers}
        with serve_metrics(
            self._settings.address,
            self._settings.metrics_port,
            sockets,
            lambda: {worker.number: worker.restarts for worker in workers},
        ) as metrics_port:
            ports = [worker.port for worker in workers]
            _log.info("ready", ports=ports, workers=len(workers), port=metrics_port)
            self._write_ports(ports, metrics_port)
            await ending

    async def _keep(self, worker: _Worker) -> None:
        """Run a worker again and again, at once unless it fails soon, until the end."""
        backoff_s = None
        clock = asyncio.get_running_loop().time
        while not self._ending.is_set():
            began = clock()
            exit_code = None
            try:
                exit_code = await worker.live()
            except OSError as error:  # there may be room for a process the next time
                _log.error(
                    "worker_not_started", worker=worker.number, error_type=type(error).__name__
                )
            if self._ending.is_set():
                return
            if not worker.ready.is_set():  # it never worked: nothing to keep
                self._refused = True
                self._ending.set()
                return
            backoff_s = next_backoff_s(backoff_s, clock() - began)
            _log.error(
                "worker_ended", worker=worker.number, exit_code=exit_code, backoff_s=backoff_s
            )
            worker.restarts += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), backoff_s)

    async def _end(self, workers: list[_Worker], lives: list[asyncio.Task[None]]) -> None:
        """Drain every worker; kill those that take longer than they may."""
        self._ending.set()
        for worker in workers:
            worker.drain()
        settings = self._settings
        allowed_s = settings.drain_wait_s + settings.drain_grace_s + KILL_AFTER_S
        _, late = await asyncio.wait(lives, timeout=allowed_s)
        for worker in workers:
            worker.kill()
        if late:
            _log.error("killed_while_draining", count=len(late))
            await asyncio.wait(late)
        for life in lives:
            life.result()

    def _write_ports(self, ports: list[int], metrics_port: int) -> None:
        """Write where to find everything, whole or not at all."""
        if self._ports_file is None:
            return
        host = self._settings.address
        told = {
            "addresses": [f"{host}:{port}" for port in ports],
            "metrics": f"http://{host}:{metrics_port}/metrics",
        }
        part = self._ports_file.with_name(f".{self._ports_file.name}.part")
        part.write_text(json.dumps(told) + "\n", "utf-8")
        part.replace(self._ports_file)


def next_backoff_s(former_s: float | None, lived_s: float) -> float:
    """How long a worker that has died waits; `former_s` is how long it did the last time.

    The first time not at all, for its share of the calls is the others' meanwhile.
    """
    if former_s is None or lived_s > STEADY_S:
        return 0.0
    return min(max(2 * former_s, BACKOFF_FIRST_S), BACKOFF_MAX_S)


async def _all_ready(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        await worker.ready.wait()


@contextlib.asynccontextmanager
async def _reading(descriptor: int) -> AsyncIterator[asyncio.StreamReader]:
    """The reading end of a pipe as a stream."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    try:
        yield reader
    finally:
        transport.close()


def _lock_path(settings: Settings) -> Path | None:
    if settings.lock_file is not None:
        return settings.lock_file
    if not settings.port:
        return None  # free ports: any number of servers may live here
    return Path(tempfile.gettempdir()) / f"opencif-{os.getuid()}-{settings.port}.lock"


@contextlib.contextmanager
def _held(path: Path | None) -> Iterator[None]:
    """Hold the lock file; the kernel lets go of it when we die, so it is never stale."""
    if path is None:
        yield
        return
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyServing(f"another server holds {path}; stop it first") from None
        yield


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise AlreadyServing(
                f"port {port} on {host} is taken or not allowed: stop what serves there, "
                "or set OPENCIF_PORT"
            ) from None
