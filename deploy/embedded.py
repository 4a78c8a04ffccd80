"""The embedded stack of `make demo`, `make serve` and the tests: PostgreSQL and Valkey.

It must not know what OpenCIF stores in them.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded_postgres import EmbeddedPostgres
from deploy.embedded_valkey import EmbeddedValkey
from deploy.places import settle, temporary_directory
from deploy.process import DirectoryInUse, EmbeddedError, service_account

__all__ = [
    "DirectoryInUse",
    "EmbeddedError",
    "EmbeddedPostgres",
    "EmbeddedValkey",
    "Stack",
    "temporary_directory",
]


class Stack:
    """PostgreSQL and Valkey in one directory, for one owner at a time.

    Both end with the owner, whether he stops them, gets a signal or is killed. `over_tcp`: they are
    reached as over a network.
    """

    def __init__(self, directory: Path, *, durable: bool, over_tcp: bool = False) -> None:
        self._directory = directory
        self._held = contextlib.ExitStack()
        self.postgres = EmbeddedPostgres(directory, durable=durable, over_tcp=over_tcp)
        self.valkey = EmbeddedValkey(directory, over_tcp=over_tcp)

    def start(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """Start both; `tell` hears one line for each server that is up.

        Raises: EmbeddedError; DirectoryInUse when another owner has the directory.
        """
        with contextlib.ExitStack() as held:
            held.enter_context(_lock(settle(self._directory, service_account()) / "lock"))
            for server in (self.postgres, self.valkey):
                held.callback(server.stop)
                server.start()
                tell(server.origin)
            self._held = held.pop_all()

    def stop(self) -> None:
        """Stop both and let go of the directory; without effect when they are not running."""
        self._held.close()

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
def _lock(path: Path) -> Iterator[None]:
    """Hold the file; the kernel lets go of it when the owner dies, so it is never stale."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            message = f"another instance (process {owner}) uses {path.parent}; stop it first"
            raise DirectoryInUse(message) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
