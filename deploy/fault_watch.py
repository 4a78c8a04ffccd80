"""Looks at every PostgreSQL node directly while faults last: who takes writes, who keeps them.

It writes rows of its own into a database of its own, past all proxies: nothing of OpenCIF's.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import asyncpg

from deploy.fault_fencing import Commit, Look, two_primaries_s, unfenced
from deploy.patroni_node import PatroniNode
from repository.certainty import NO_ANSWER

__all__ = ["DATABASE", "PrimaryWatch", "Seen"]

DATABASE: Final = "fault_probe"
_TABLE: Final = "CREATE TABLE probe (id uuid PRIMARY KEY, node text, timeline integer)"
_LOOK: Final = "SELECT NOT pg_is_in_recovery()"
_COMMIT: Final = """
    INSERT INTO probe (id, node, timeline)
    VALUES ($1, $2,
            ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer)
    RETURNING timeline"""
_FAILED_SUMS: Final = "SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database"
_LOOK_EVERY_S: Final = 0.1
_COMMIT_EVERY_S: Final = 0.25
_ASK_EVERY_S: Final = 0.5
_ANSWER_MAX_S: Final = 1.0
_ALIKE_MAX_S: Final = 30.0

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Work: TypeAlias = Callable[[str, Connection], Awaitable[None]]


@dataclass(slots=True)
class Seen:
    """What a watch has seen since it was last asked."""

    looks: list[Look] = field(default_factory=list)
    asked: list[Look] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    acknowledged: set[uuid.UUID] = field(default_factory=set)

    def figures(self) -> dict[str, float]:
        """Seconds with two primaries, as PostgreSQL and as Patroni said."""
        return {
            "two_primaries_s": round(two_primaries_s(self.looks), 2),
            "two_primaries_patroni_s": round(two_primaries_s(self.asked), 2),
        }

    def broken(self) -> list[str]:
        """The promises that were broken: two that could write; and that nobody looked."""
        found = [
            f"{one.node} took a write on timeline {one.timeline} after a later one had"
            for one in unfenced(self.commits)
        ]
        return found if self.commits else [*found, "the watch has committed nothing"]


class PrimaryWatch:
    """Watches these nodes, in the loop that `run` is run in."""

    def __init__(self, nodes: Mapping[str, PatroniNode], dsns: Mapping[str, str]) -> None:
        self._nodes = nodes
        self._dsns = dsns
        self._primaries: set[str] = set()
        self.seen = Seen()

    async def prepare(self, primary: str) -> None:
        """Make the table, on the primary's DSN, in a database that is there."""
        async with _connected(primary) as connection:
            await connection.execute(_TABLE)

    async def begin(self) -> None:
        """Forget every row, and only then what was seen: a row must not be known that is gone."""
        for dsn in self._dsns.values():
            # A standby may not have the database yet.
            with contextlib.suppress(asyncpg.InvalidCatalogNameError):
                async with _connected(dsn) as connection:
                    if await connection.fetchval(_LOOK):
                        await connection.execute("TRUNCATE probe")
        self.seen = Seen()

    def taken(self) -> Seen:
        """What was seen since the last call; acknowledged rows are kept for the next too."""
        seen, self.seen = self.seen, Seen(acknowledged=set(self.seen.acknowledged))
        return seen

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as all_nodes:
            for name in self._dsns:
                all_nodes.create_task(self._always(name, self._look))
                all_nodes.create_task(self._always(name, self._commit))
                all_nodes.create_task(self._ask(name))

    async def unlike(self) -> list[str]:
        """What differs between the nodes once all have caught up; rows that were lost."""
        ends = time.monotonic() + _ALIKE_MAX_S
        while wrong := await self._differences():
            if time.monotonic() > ends:
                break
            await asyncio.sleep(_ASK_EVERY_S)
        return wrong

    async def _differences(self) -> list[str]:
        acknowledged = set(self.seen.acknowledged)
        timelines: set[int] = set()
        rows: dict[str, frozenset[uuid.UUID]] = {}
        wrong: list[str] = []
        for name, dsn in self._dsns.items():
            try:
                async with _connected(dsn) as connection:
                    failed_sums = await connection.fetchval(_FAILED_SUMS)
                    found = await connection.fetch("SELECT id FROM probe")
            except NO_ANSWER as error:
                return [f"{name} cannot be asked: {type(error).__name__}"]
            told = await asyncio.to_thread(self._nodes[name].status)
            timelines.add(int(told.get("timeline", 0)))
            rows[name] = frozenset(row["id"] for row in found)
            if lost := len(acknowledged - rows[name]):
                wrong.append(f"{name} lacks {lost} acknowledged rows")
            if failed_sums:
                wrong.append(f"{name} has pages whose checksum fails")
        if len(timelines) > 1:
            wrong.append(f"the nodes are on timelines {sorted(timelines)}")
        everywhere = frozenset.intersection(*rows.values())
        if strays := {
            name: len(ids - everywhere - acknowledged)
            for name, ids in rows.items()
            if ids - everywhere - acknowledged
        }:
            wrong.append(f"rows that not every node has: {strays}")
        return wrong

    async def _always(self, name: str, work: Work) -> None:
        """Do it on a connection to the node, on another whenever the last one has broken."""
        while True:
            with contextlib.suppress(*NO_ANSWER):
                async with _connected(self._dsns[name]) as connection:
                    await work(name, connection)
            self._primaries.discard(name)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self, name: str, connection: Connection) -> None:
        while True:
            is_primary = bool(await connection.fetchval(_LOOK, timeout=_ANSWER_MAX_S))
            self.seen.looks.append(Look(name, time.monotonic(), is_primary))
            (self._primaries.add if is_primary else self._primaries.discard)(name)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _commit(self, name: str, connection: Connection) -> None:
        """Commit a row again and again while the node is a primary; one that waits is let wait."""
        doubts: list[object] = []
        connection.add_log_listener(lambda _, message: doubts.append(message))
        while True:
            await asyncio.sleep(_COMMIT_EVERY_S)
            if name not in self._primaries:
                continue
            seen, id_, began = self.seen, uuid.uuid4(), time.monotonic()
            timeline = await connection.fetchval(_COMMIT, id_, name)
            if not doubts:  # a warning: the wait for a standby was cut short
                seen.commits.append(Commit(name, timeline, began, time.monotonic()))
                seen.acknowledged.add(id_)
            doubts.clear()

    async def _ask(self, name: str) -> None:
        while True:
            told = await asyncio.to_thread(self._nodes[name].status)
            is_primary = told.get("role") == "primary" and told.get("state") == "running"
            self.seen.asked.append(Look(name, time.monotonic(), is_primary))
            await asyncio.sleep(_ASK_EVERY_S)


@contextlib.asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn, timeout=_ANSWER_MAX_S)
    try:
        yield connection
    finally:
        connection.terminate()
