"""The whole service on this machine: PostgreSQL, Valkey, both databases, the server's workers.

What `make demo` and `make serve` share. It talks to the server as anybody would, and ends with
its owner.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

from deploy.embedded import EmbeddedError, Stack
from deploy.process import Server, run
from opencif.errors import OpencifError

__all__ = ["DATA", "KEK", "Service", "Workers", "one_line_errors", "server_command"]

_TREE: Final = Path(__file__).resolve().parents[1]
DATA: Final = _TREE / ".opencif"
"""Where everything on this machine is kept."""
_CODE: Final = {"PYTHONPATH": f"{_TREE}:{_TREE / 'protos'}"}
"""The server is that of this very tree, wherever else an installation leads."""
_DATABASES: Final = ("opencif", "opencif_keys")
_START_MAX_S: Final = 60
KEK: Final = "kek.hex"
"""The file with the key-encryption key, in the directory of a service."""
_STOPPED: Final = 130  # what shells say of a program that Ctrl-C ended


class Workers:
    """A server process with its workers, which serve once `wait` has returned."""

    def __init__(self, home: Path, name: str, environment: Mapping[str, str]) -> None:
        self.addresses: list[str] = []
        self.metrics = ""
        self.log = home / "logs" / f"{name}.log"
        self._ports_file = home / f"{name}-ports.json"
        self._ports_file.unlink(missing_ok=True)
        self._process = Server(
            [sys.executable, "-m", "server", "serve", "--ports-file", str(self._ports_file)],
            None,
            log=self.log,
            stop_signal=signal.SIGTERM,
            environment={**_CODE, **environment},
        )

    def wait(self) -> None:
        """Return when all workers serve. Raises: StartFailed."""
        self._process.wait_until(self._ports_file.exists, timeout_s=_START_MAX_S)
        told = json.loads(self._ports_file.read_text())
        self.addresses, self.metrics = told["addresses"], told["metrics"]

    def stop(self) -> None:
        """Drain and end."""
        self._process.stop()

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process.is_alive()

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid


class Service:
    """A running service in one directory. With port 0 the workers take free ports.

    `fresh` begins with empty databases and new keys; otherwise what was there is kept.
    """

    def __init__(
        self,
        directory: Path,
        *,
        workers: int = 2,
        port: int = 0,
        fresh: bool = False,
        settings: Mapping[str, str] = MappingProxyType({}),
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.stack = Stack(directory, durable=True, over_tcp=True)
        self._settings = settings
        self._workers = workers
        self._port = port
        self._fresh = fresh
        self._tell = tell
        self._server: Workers | None = None
        self._held = contextlib.ExitStack()

    def start(self) -> None:
        """Start everything; returns when all workers serve. Raises: EmbeddedError."""
        with contextlib.ExitStack() as held:
            held.callback(self.stack.stop)
            self.stack.start(self._tell)
            is_new = asyncio.run(self._make_databases())
            server_command(self._environment(), "migrate")
            if is_new:
                server_command(self._environment(), "keys", "init")
            self._server = self._launch(held, "server", {})
            self._held = held.pop_all()
        self._tell(f"OpenCIF with {self._workers} workers at {', '.join(self.addresses)}")

    def stop(self) -> None:
        """Drain the server, then stop the rest."""
        self._held.close()

    def serve_also(self, name: str, settings: Mapping[str, str]) -> Workers:
        """Start another server on the same data, with these settings besides; ends with this one.

        Raises: StartFailed.
        """
        return self._launch(self._held, name, settings)

    def is_alive(self) -> bool:
        """Tell whether the server runs."""
        return self._server is not None and self._server.is_alive()

    @property
    def server(self) -> Workers:
        """The server, once started."""
        assert self._server is not None, "not started"
        return self._server

    @property
    def addresses(self) -> list[str]:
        """Where the workers serve."""
        return self.server.addresses

    @property
    def metrics(self) -> str:
        """Where they tell about themselves."""
        return self.server.metrics

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.server.log

    @property
    def home(self) -> Path:
        """The directory in which everything is kept."""
        return self.stack.postgres.home

    async def _make_databases(self) -> bool:
        """Both databases, empty when they are to be; tells whether they have just been made."""
        postgres = self.stack.postgres
        known = [await postgres.has_database(name) for name in _DATABASES]
        if all(known) and not self._fresh:
            return False
        for name in _DATABASES:
            await postgres.drop_database(name)
            await postgres.create_database(name)
        (self.home / KEK).unlink(missing_ok=True)
        return True

    def _launch(
        self, held: contextlib.ExitStack, name: str, settings: Mapping[str, str]
    ) -> Workers:
        workers = Workers(self.home, name, {**self._environment(), **settings})
        held.callback(workers.stop)  # before it serves: whatever ends the wait ends it too
        workers.wait()
        return workers

    def _environment(self) -> dict[str, str]:
        main, keys = map(self.stack.postgres.dsn, _DATABASES)
        return {
            "OPENCIF_DATABASE_DSN": main,
            "OPENCIF_KEY_DATABASE_DSN": keys,
            "OPENCIF_CACHE_URL": self.stack.valkey.url,
            "OPENCIF_KEK_FILE": str(self.home / KEK),
            "OPENCIF_PORT": str(self._port),
            "OPENCIF_WORKERS": str(self._workers),
            "OPENCIF_DRAIN_WAIT_S": "0",  # nothing here asks for health before it calls
            **self._settings,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def server_command(environment: Mapping[str, str], *arguments: str) -> None:
    """Run one of the server's commands to its end. Raises: StartFailed."""
    run([sys.executable, "-m", "server", *arguments], None, {**_CODE, **environment})


@contextlib.contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """End the program in one line, whatever a person can mend and however he stops it."""
    for stop in (signal.SIGINT, signal.SIGTERM):  # a script's shell lets `&` ignore SIGINT
        signal.signal(stop, signal.default_int_handler)
    try:
        yield
    except (EmbeddedError, OpencifError, OSError) as error:
        sys.exit(f"{name}: {error}")
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{name}: stopped\n")
        sys.exit(_STOPPED)
