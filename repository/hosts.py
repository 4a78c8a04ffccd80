"""Finds the primary among several hosts.

Every pooled connection to a primary comes from here; what it is used for is not known here.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

__all__ = ["Connect", "Plain", "PrimaryFinder", "dsns_of"]

Plain: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect: TypeAlias = Callable[..., Coroutine[Any, Any, Plain]]
"""What makes a connection: asyncpg.connect, and in its place what has its arguments."""

HOST_MAX_S: Final = 2.0
"""How long a host has to take a connection: one that swallows packets costs no more."""
PAUSE_S: Final = 0.25
"""How long nobody tries again after a round that found no primary."""

NO_ANSWER = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a standby is to who asks for a primary
)


def dsns_of(dsn: str) -> list[str]:
    """A DSN for each host of a `postgresql://` DSN that names several, in their order."""
    parts = urlsplit(dsn)
    credentials, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [dsn]
    return [parts._replace(netloc=f"{credentials}{at}{host}").geturl() for host in hosts.split(",")]


class PrimaryFinder:
    """Connects to the first of the hosts that answers as a primary; all are asked at once.

    To be a pool's `connect`.
    """

    def __init__(self, dsn: str, connect: Connect = asyncpg.connect) -> None:
        self._dsns = dsns_of(dsn)
        self._connect = connect
        self._pause_ends = 0.0

    async def __call__(self, *_: Any, **options: Any) -> Plain:
        """A connection to the primary, with asyncpg.connect's options.

        Raises what the last host raised; for a moment after that ConnectionError at once: nobody
        waits for what has just been seen to be gone.
        """
        if time.monotonic() < self._pause_ends:
            raise ConnectionError("no host was the primary a moment ago")
        options |= {"target_session_attrs": SessionAttribute.primary, "timeout": HOST_MAX_S}
        waiting = {asyncio.create_task(self._try(dsn, options)) for dsn in self._dsns}
        failure: Exception = ConnectionError("there is no host")
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for trial in done:
                    if (error := trial.exception()) is None:
                        waiting |= done - {trial}
                        found: Plain = trial.result()
                        return found
                    if not isinstance(error, NO_ANSWER):
                        raise error
                    failure = error
        finally:
            for trial in waiting:
                trial.add_done_callback(_discard)
                trial.cancel()
        self._pause_ends = time.monotonic() + PAUSE_S
        raise failure

    async def _try(self, dsn: str, options: dict[str, Any]) -> Plain:
        return await self._connect(dsn, **options)


def _discard(trial: asyncio.Task[Plain]) -> None:
    """Close a connection that came too late to be of use."""
    if not trial.cancelled() and trial.exception() is None:
        trial.result().terminate()
