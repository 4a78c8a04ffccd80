"""A service whose main database is backed up, lost, and restored to a moment: for the drill.

What pgBackRest does in production, PostgreSQL's own programs do here: `pg_basebackup`, an archive
of the log in a directory, recovery to a time. The key database is another server, which no restore
of the main one touches.
"""

import asyncio
import contextlib
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import asyncpg

from deploy.embedded import EmbeddedError, EmbeddedPostgres, EmbeddedValkey
from deploy.embedded_postgres import USER, find_programs
from deploy.places import await_vacancy, own, settle
from deploy.process import run, service_account
from deploy.service import KEK, Workers, server_command

__all__ = ["RestoreRig"]

_MAIN: Final = "opencif"
_KEYS: Final = "opencif_keys"
_WAIT_MAX_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.05
_BUFFERS: Final = {"shared_buffers": "64MB"}


class RestoreRig:
    """PostgreSQL twice, Valkey, and servers; everything in `directory`, ended with the context."""

    def __init__(self, directory: Path) -> None:
        self._account = service_account()
        self.home = settle(directory, self._account)
        self._archive = self.home / "archive"
        self._backup = self.home / "backup"
        # Under its final name an archived file is whole, and never another one than before.
        kept, passing = f'"{self._archive}/%f"', f'"{self._archive}/.%f"'
        archiving = {
            "archive_mode": "on",
            "archive_command": f'test ! -f {kept} && cp "%p" {passing} && mv {passing} {kept}',
        }
        self.main = EmbeddedPostgres(
            self.home / "main", durable=True, settings=_BUFFERS | archiving
        )
        self.keys = EmbeddedPostgres(self.home / "keys", durable=True, settings=_BUFFERS)
        self.valkey = EmbeddedValkey(self.home)
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            own(self._archive, self._account)
            own(self._backup, self._account)
            for server in (self.main, self.keys, self.valkey):
                held.callback(server.stop)
                server.start()
            asyncio.run(self.main.create_database(_MAIN))
            asyncio.run(self.keys.create_database(_KEYS))
            server_command(self._environment(), "migrate")
            server_command(self._environment(), "keys", "init")
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @contextlib.contextmanager
    def serving(self, name: str, *, workers: int = 1) -> Iterator[Workers]:
        """A server on these databases, while the block lasts. Raises: StartFailed."""
        environment = {**self._environment(), "OPENCIF_WORKERS": str(workers)}
        server = Workers(self.home, name, environment)
        try:
            server.wait()
            yield server
        finally:
            server.stop()

    def back_up(self) -> None:
        """Take a base backup of the main database's server. Raises: StartFailed."""
        self._run_program("pg_basebackup", f"--pgdata={self._backup}", "--checkpoint=fast")

    def archive_all(self) -> None:
        """Return when everything that has been committed so far is in the archive.

        Raises: EmbeddedError.
        """
        last = self.ask("SELECT pg_walfile_name(pg_switch_wal())")
        _await((self._archive / str(last)).exists, "the log is not archived")

    def lose_and_restore(self, moment: datetime) -> None:
        """Lose the main database's server at once; have it again as it was at `moment`.

        Raises: EmbeddedError.
        """
        self.main.kill()
        data = self.main.home / "postgres"
        await_vacancy(data, "postgres")
        data.rename(self.main.home / "postgres.lost")
        own(data, self._account)
        run(["/bin/cp", "-a", f"{self._backup}/.", str(data)], self._account)
        run(["/usr/bin/touch", str(data / "recovery.signal")], self._account)
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {self._archive}/%f %p'\n"
                f"recovery_target_time = '{moment.isoformat()}'\n"
                "recovery_target_action = 'promote'\n"
            )
        self.main.start()  # it can be read before it has reached T
        _await(lambda: not self.ask("SELECT pg_is_in_recovery()"), "T is not reached")

    def ask(self, sql: str) -> object:
        """One value of the main database, past every server."""

        async def asked() -> object:
            connection = await asyncpg.connect(self.main.dsn(_MAIN))
            try:
                return await connection.fetchval(sql)
            finally:
                await connection.close()

        return asyncio.run(asked())

    def await_poll(self, server: Workers, since: float) -> None:
        """Return when all workers have polled the database since `since`, a `time.monotonic()`.

        Raises: EmbeddedError.
        """

        def polled() -> bool:
            asked_at = time.monotonic()
            return max(counted(server, "opencif_poll_age_seconds")) < asked_at - since

        _await(polled, "a worker does not follow the restored database")

    def _run_program(self, name: str, *options: str) -> None:
        program = find_programs(self._account).directory / name
        command = [str(program), f"--host={self.main.sockets}", f"--username={USER}", *options]
        run(command, self._account, {"PGPASSWORD": self.main.password})

    def _environment(self) -> dict[str, str]:
        return {
            "OPENCIF_DATABASE_DSN": self.main.dsn(_MAIN),
            "OPENCIF_KEY_DATABASE_DSN": self.keys.dsn(_KEYS),
            "OPENCIF_CACHE_URL": self.valkey.url,
            "OPENCIF_KEK_FILE": str(self.home / KEK),
            "OPENCIF_PORT": "0",
            "OPENCIF_DRAIN_WAIT_S": "0",  # nothing here asks for health before it calls
        }


def counted(server: Workers, name: str, label: str = "") -> list[float]:
    """A metric's samples, one a worker; of those with `label` (`source="own"`) if given."""
    with urllib.request.urlopen(server.metrics) as answer:  # noqa: S310  ours
        lines = answer.read().decode().splitlines()
    named = (line for line in lines if line.startswith((f"{name}{{", f"{name} ")))
    return [float(line.rsplit(" ", 1)[1]) for line in named if label in line]


def _await(is_so: Callable[[], bool], otherwise: str) -> None:
    ends = time.monotonic() + _WAIT_MAX_S
    while not is_so():
        if time.monotonic() > ends:
            raise EmbeddedError(otherwise)
        time.sleep(_LOOK_EVERY_S)
