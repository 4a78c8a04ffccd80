"""A whole service for tests that search all it leaves behind; stopped, its files stay a while."""

import asyncio
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from deploy.embedded import temporary_directory
from deploy.service import Service
from opencif.client import Client


class OwnService:
    """The service and what it left: its directory, Valkey's dump, its metrics."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.home = service.home
        self.dump = b""
        self.metrics = b""

    def call(self, calls: Callable[[Client], Awaitable[None]]) -> None:
        """Make calls as any client would."""

        async def connected() -> None:
            async with Client(self._service.addresses, timeout_s=60.0) as client:
                await calls(client)

        asyncio.run(connected())

    def write_plainly(self, value: str) -> None:
        """Put a value where it must never be, to see that it would be found."""

        async def written() -> None:
            connection = await asyncpg.connect(self._service.stack.postgres.dsn("opencif"))
            await connection.execute("CREATE TABLE plain AS SELECT $1::text AS value", value)
            await connection.close()

        asyncio.run(written())

    def settle(self) -> None:
        """Have everything written to disk, and keep what is only in memory."""
        with urllib.request.urlopen(self._service.metrics) as answer:
            self.metrics = answer.read()
        self.dump = self._service.stack.valkey.dump()
        self._service.stop()  # a fast shutdown of PostgreSQL makes a checkpoint

    @property
    def logs(self) -> list[Path]:
        """The logs of all servers."""
        return sorted((self.home / "logs").iterdir())


@contextmanager
def own_service() -> Iterator[OwnService]:
    """A running service in a directory that is gone afterwards."""
    with temporary_directory() as directory, Service(directory, workers=1) as service:
        yield OwnService(service)
