"""A real server, started as an operator would; tests talk to it with the published client."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from opencif.client import Client
from tests.conftest import ENDS_WITH_ITS_OWNER, EmbeddedPostgres, EmbeddedValkey, Which

START_MAX_S = 60.0
STOP_MAX_S = 30.0
POLL_S = 0.05
PATIENT_S = 60.0  # a busy machine is no fault of the server's: tests do not measure time

_numbers = itertools.count(1)


class Serving:
    """A running server: its supervisor's process, and where it serves."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self.environment = environment
        self.addresses: list[str] = []
        self.log = directory / "server.log"
        self._metrics_url = ""
        self._ports_file = directory / "ports.json"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run another of the server's commands to its end."""
        return subprocess.run(
            [sys.executable, "-m", "server", *command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_MAX_S,
        )

    async def start(self) -> None:
        """Start, and wait until all workers are ready. It ends when the tests do, however."""
        self._ports_file.unlink(missing_ok=True)
        starter = (sys.executable, "-I", "-S", str(ENDS_WITH_ITS_OWNER))
        owner = (os.getpid(), int(signal.SIGTERM), -1, -1)
        command = ("-m", "server", "serve", "--ports-file", str(self._ports_file))
        with self.log.open("ab") as log:  # by the main thread, with whose death it is to end
            self._process = subprocess.Popen(  # noqa: ASYNC220
                [*starter, *map(str, owner), sys.executable, *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        await asyncio.to_thread(self._wait)

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + START_MAX_S
        while not self._ports_file.exists():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, "the server did not get ready"
            time.sleep(POLL_S)
        told = json.loads(self._ports_file.read_text())
        self.addresses, self._metrics_url = told["addresses"], told["metrics"]

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return await asyncio.to_thread(self._process.wait, STOP_MAX_S)

    async def end(self) -> None:
        """Stop it unless that has been done."""
        if self._process is not None and self._process.poll() is None:
            await self.stop()

    async def worker_pid(self) -> int:
        """The process of the server's only worker, as it says itself."""
        listed = await asyncio.to_thread(Path("/proc").iterdir)
        wanted = self.environment["OPENCIF_KEK_FILE"].encode()
        for entry in listed:
            try:
                command = (entry / "cmdline").read_bytes()
                if b"worker" in command and wanted in (entry / "environ").read_bytes():
                    return int(entry.name)
            except OSError:
                continue
        raise AssertionError("no worker found")

    async def metrics(self) -> str:
        """All workers' metrics."""
        return await asyncio.to_thread(self._metrics)

    def _metrics(self) -> str:
        with urllib.request.urlopen(self._metrics_url, timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    async def counted(self, name: str, **labels: str) -> float:
        """The sum over workers of a metric's samples that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in (await self.metrics()).splitlines()
            if line.startswith((f"{name}{{", f"{name} ")) and all(w in line for w in wanted)
        )


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that happens in another process."""
    async with asyncio.timeout(PATIENT_S):
        while not await condition():  # noqa: ASYNC110  no event reaches us from there
            await asyncio.sleep(POLL_S)


Launch = Callable[..., Awaitable[Serving]]


@pytest.fixture(scope="session")
async def launch(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    templates: dict[Which, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Launch]:
    """`await launch(OPENCIF_X="y")` is a server of its own: fresh databases, fresh keys."""
    async with AsyncExitStack() as opened:

        async def start(**settings: str) -> Serving:
            directory = tmp_path_factory.mktemp("server")
            names: dict[Which, str] = {}
            for which, template in templates.items():
                names[which] = f"rpc_{next(_numbers)}"
                await postgres.create_database(names[which], template)
                opened.push_async_callback(postgres.drop_database, names[which])
            serving = Serving(
                {
                    **os.environ,
                    "OPENCIF_DATABASE_DSN": postgres.dsn(names["main"]),
                    "OPENCIF_KEY_DATABASE_DSN": postgres.dsn(names["keys"]),
                    "OPENCIF_CACHE_URL": valkey.url,
                    "OPENCIF_KEK_FILE": str(directory / "kek"),
                    "OPENCIF_PORT": "0",
                    "OPENCIF_DRAIN_WAIT_S": "0.1",
                    **settings,
                },
                directory,
            )
            made = await asyncio.to_thread(serving.run, "keys", "init")
            assert made.returncode == 0, made.stderr
            opened.push_async_callback(serving.end)
            await serving.start()
            return serving

        yield start


@pytest.fixture(scope="session")
async def serving(launch: Launch) -> Serving:
    """The server that most tests share: two workers; what one test leaves the next one finds."""
    return await launch(OPENCIF_WORKERS="2")


@pytest.fixture(scope="session")
def addresses(serving: Serving) -> list[str]:
    """Where the shared server's workers listen."""
    return serving.addresses


@pytest.fixture
async def client(serving: Serving) -> AsyncIterator[Client]:
    """A client of all workers, new for each test."""
    async with Client(serving.addresses, timeout_s=PATIENT_S) as made:
        yield made
