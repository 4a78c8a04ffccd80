"""Finds the primary among several hosts.

Every pooled connection to a primary comes from here; what it is used for is not known here.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from repository.certainty import NO_ANSWER

__all__ = ["Connect", "Plain", "PrimaryFinder", "dsns_of", "host_of"]

Plain: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect: TypeAlias = Callable[..., Coroutine[Any, Any, Plain]]
"""What makes a connection: asyncpg.connect, and in its place what has its arguments."""

_PRIMARY: Final = SessionAttribute.primary
HOST_MAX_S: Final = 2.0
"""How long a host has to take a connection: one that swallows packets costs no more."""
KNOWN_MAX_S: Final = 0.5
"""How long the host that was the primary the last time has before the others are asked too."""
PAUSE_S: Final = 0.25
"""How long nobody tries again after a round that found no primary."""

# A WAL file's name begins with its timeline; a standby has none to name.
GET_TIMELINE = "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"


def dsns_of(dsn: str) -> list[str]:
    """A DSN for each host of a `postgresql://` DSN that names several, in their order."""
    parts = urlsplit(dsn)
    credentials, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [dsn]
    return [parts._replace(netloc=f"{credentials}{at}{host}").geturl() for host in hosts.split(",")]


def host_of(dsn: str) -> str:
    """Where a DSN of one host leads."""
    return urlsplit(dsn).netloc.rpartition("@")[2]


class PrimaryFinder:
    """Connects to the host that was the primary the last time, else to the first that says it is.

    To be a pool's `connect`. All hosts are asked at once, and for one caller at a time: a whole
    pool that looks for another primary takes no more connections than it needs.
    """

    def __init__(self, dsn: str, connect: Connect = asyncpg.connect) -> None:
        self._dsns = dsns_of(dsn)
        self._connect = connect
        self._pause_ends = 0.0
        self._known: str | None = None
        self._former: set[str] = set()
        self._search = asyncio.Lock()

    async def __call__(self, *_: Any, **options: Any) -> Plain:
        """A connection to the primary, with asyncpg.connect's options.

        Raises what the last host raised; for a moment after that ConnectionError at once: nobody
        waits for what has just been seen to be gone.
        """
        self._check_pause()
        options |= {"target_session_attrs": _PRIMARY, "timeout": HOST_MAX_S}
        known = self._known
        if known is not None:
            with contextlib.suppress(*NO_ANSWER):
                return await self._try(known, options | {"timeout": KNOWN_MAX_S})
        async with self._search:
            self._check_pause()
            if self._known != known and self._known is not None:  # somebody else has found it
                return await self._try(self._known, options)
            return await self._first(options)

    async def look(self) -> bool:
        """Ask all hosts which of them is the primary; whether it is another than was known.

        Of two that say so it is the one on the later timeline: the other was cut off before it
        could be told that it is none any more.
        """
        timelines = await asyncio.gather(*(self._timeline(dsn) for dsn in self._dsns))
        timeline, dsn = max(zip(timelines, self._dsns, strict=True))
        if not timeline or dsn == self._known:
            return False
        self._found(dsn)
        return True

    async def _timeline(self, dsn: str) -> int:
        """The timeline of a primary; 0 of what is none, or silent."""
        try:
            async with asyncio.timeout(KNOWN_MAX_S):
                connection = await self._try(dsn, {"target_session_attrs": _PRIMARY})
                try:
                    return int(await connection.fetchval(GET_TIMELINE))
                finally:
                    connection.terminate()
        except NO_ANSWER:
            return 0

    def left(self) -> set[str]:
        """The DSNs of hosts that were the primary since this was last asked, and are no more."""
        former, self._former = self._former - {self._known}, set()
        return former

    def _check_pause(self) -> None:
        if time.monotonic() < self._pause_ends:
            raise ConnectionError("no host was the primary a moment ago")

    async def _first(self, options: dict[str, Any]) -> Plain:
        """To the first that answers as a primary."""
        dsns = {asyncio.create_task(self._try(dsn, options)): dsn for dsn in self._dsns}
        waiting, unused = set(dsns), set(dsns)
        failure: Exception = ConnectionError("there is no host")
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for trial in done:
                    unused.discard(trial)
                    if (error := trial.exception()) is None:
                        found: Plain = trial.result()
                        self._found(dsns[trial])
                        return found
                    if not isinstance(error, NO_ANSWER):
                        raise error
                    failure = error
        finally:
            for trial in unused:
                trial.add_done_callback(_discard)
                trial.cancel()
        self._pause_ends = time.monotonic() + PAUSE_S
        raise failure

    def _found(self, dsn: str) -> None:
        if self._known is not None:
            self._former.add(self._known)
        self._known = dsn

    async def _try(self, dsn: str, options: dict[str, Any]) -> Plain:
        return await self._connect(dsn, **options)


def _discard(trial: asyncio.Task[Plain]) -> None:
    """Close a connection that came too late to be of use."""
    if not trial.cancelled() and trial.exception() is None:
        trial.result().terminate()
