"""The whole service on this machine: PostgreSQL, Valkey, both databases, the server's workers.

What `make demo` and `make serve` share. It talks to the server as anybody would, and ends with
its owner.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deploy.embedded import EmbeddedError, Stack
from deploy.process import Server, run
from opencif.errors import OpencifError

__all__ = ["DATA", "Service", "one_line_errors"]

DATA: Final = Path(__file__).resolve().parents[1] / ".opencif"
"""Where everything on this machine is kept."""
_DATABASES: Final = ("opencif", "opencif_keys")
_START_MAX_S: Final = 60
_KEK: Final = "kek.hex"
_STOPPED: Final = 130  # what shells say of a program that Ctrl-C ended


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
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.stack = Stack(directory, durable=True)
        self.addresses: list[str] = []
        self.metrics = ""
        self._workers = workers
        self._port = port
        self._fresh = fresh
        self._tell = tell
        self._server: Server | None = None
        self._held = contextlib.ExitStack()

    def start(self) -> None:
        """Start everything; returns when all workers serve. Raises: EmbeddedError."""
        with contextlib.ExitStack() as held:
            held.callback(self.stack.stop)
            self.stack.start(self._tell)
            is_new = asyncio.run(self._make_databases())
            self._command("migrate")
            if is_new:
                self._command("keys", "init")
            server = self._server = self._launch()
            held.callback(server.stop)
            self._await(server)
            self._held = held.pop_all()
        self._tell(f"OpenCIF with {self._workers} workers at {', '.join(self.addresses)}")

    def stop(self) -> None:
        """Drain the server, then stop the rest."""
        self._held.close()

    def is_alive(self) -> bool:
        """Tell whether the server runs."""
        return self._server is not None and self._server.is_alive()

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "logs" / "server.log"

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
        (self.home / _KEK).unlink(missing_ok=True)
        return True

    def _command(self, *arguments: str) -> None:
        run([sys.executable, "-m", "server", *arguments], None, self._environment())

    def _launch(self) -> Server:
        self._ports_file.unlink(missing_ok=True)
        return Server(
            [sys.executable, "-m", "server", "serve", "--ports-file", str(self._ports_file)],
            None,
            log=self.log,
            stop_signal=signal.SIGTERM,
            environment=self._environment(),
        )

    def _await(self, server: Server) -> None:
        server.wait_until(self._ports_file.exists, timeout_s=_START_MAX_S)
        told = json.loads(self._ports_file.read_text())
        self.addresses, self.metrics = told["addresses"], told["metrics"]

    @property
    def _ports_file(self) -> Path:
        return self.home / "ports.json"

    def _environment(self) -> dict[str, str]:
        main, keys = map(self.stack.postgres.dsn, _DATABASES)
        return {
            "OPENCIF_DATABASE_DSN": main,
            "OPENCIF_KEY_DATABASE_DSN": keys,
            "OPENCIF_CACHE_URL": self.stack.valkey.url,
            "OPENCIF_KEK_FILE": str(self.home / _KEK),
            "OPENCIF_PORT": str(self._port),
            "OPENCIF_WORKERS": str(self._workers),
            "OPENCIF_DRAIN_WAIT_S": "0",  # nothing here asks for health before it calls
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


@contextlib.contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """End the program in one line, whatever a person can mend and however he stops it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except (EmbeddedError, OpencifError, OSError) as error:
        sys.exit(f"{name}: {error}")
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{name}: stopped\n")
        sys.exit(_STOPPED)
