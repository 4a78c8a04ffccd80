"""Runs seeds: servers that stay, and for each seed an empty database and two new workers.

Owns the order of a seed: begin clean, disturb, heal, judge.
"""

import asyncio
import contextlib
import hashlib
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import mock

import psycopg
import redis

from deploy.embedded import EmbeddedPostgres, EmbeddedValkey
from deploy.seed_changes import FAMILY_NAME
from deploy.seed_faults import Fault, Faults, Stage
from deploy.seed_oracle import Oracle
from deploy.seed_sessions import Caller, Session
from deploy.seed_time import Turns, loop_of
from deploy.seed_verdict import verify
from deploy.seed_worker import Servers, Worker, fixed_keys
from repository import changed
from repository.cache import FUNCTION
from repository.migrate import migrate
from server import log

__all__ = ["Outcome", "SeedRig", "rig_in"]

_WORKERS: Final = 2
_SESSIONS: Final = 3
_DOINGS_EACH: Final = 14
_PAUSE_S: Final = 8.0  # longer than any call is late
_SWEEP_EVERY: Final = 200
# A window for a million records takes longer to make than a seed to run.
_SMALL: Final[dict[str, Any]] = {
    "BUCKETS": 2**8,
    "BUCKET_MASK": 2**8 - 1,
    "MARKS": 2**16,
    "MARK_MASK": 2**16 - 1,
}
_EMPTY_MAIN: Final = (
    "DELETE FROM record; DELETE FROM change; DELETE FROM link; DELETE FROM idempotency; "
    "DELETE FROM follow_up; DELETE FROM audit"
)
_EMPTY_KEYS: Final = "DELETE FROM customer_key"
_BEAT: Final = "UPDATE heartbeat SET beat = beat + 1"
_IS_BLOCKED: Final = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
_IS_GONE: Final = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"


@dataclass(slots=True)
class Outcome:
    """What became of a seed. `trace` is a digest of all that was done, in its order."""

    seed: int
    broken: list[str]
    doings: int
    acknowledged: int
    calls: int
    faults: Counter[tuple[str, Fault]]
    refusals: Counter[str]
    trace: str
    told: list[str] = field(default_factory=list)


class SeedRig:
    """Servers for seeds."""

    def __init__(self, postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> None:
        self._main = psycopg.connect(postgres.dsn("seeds"), autocommit=True)
        self._keys_database = psycopg.connect(postgres.dsn("seeds_keys"), autocommit=True)
        self._cache = redis.Redis.from_url(valkey.url)
        self._cache.function_load(FUNCTION.decode(), replace=True)
        self._cache_url = valkey.url
        self.turns = Turns(lambda process: self._says(_IS_BLOCKED, process))
        self._stage = Stage(self.turns, lambda process: self._says(_IS_GONE, process))
        dsns = postgres.dsn("seeds"), postgres.dsn("seeds_keys")
        self._servers = [Servers(self._stage, *dsns) for _ in range(_WORKERS)]
        self._keyring = fixed_keys()
        self._runs = 0

    async def connect(self) -> None:
        """Open the workers' pools."""
        for servers in self._servers:
            await servers.connect()

    async def close(self) -> None:
        """Close them, and all else."""
        for servers in self._servers:
            await servers.close()
        self._main.close()
        self._keys_database.close()
        self._cache.close()

    async def run(self, seed: int) -> Outcome:
        """Run one seed."""
        await self._begin()
        logged = io.StringIO()
        log.configure(logged)
        told: list[str] = []
        with self.turns.seeded(seed):
            faults = Faults(seed)
            faults.are_on = False
            self._stage.faults, self._stage.told = faults, told.append
            oracle = Oracle(_WORKERS)
            async with self._workers() as workers:
                caller = Caller(workers, oracle, self._beat)
                sessions = [Session(caller, seed, n, self._cache, told) for n in range(_SESSIONS)]
                await sessions[0].found()
                faults.are_on = True
                await asyncio.gather(*(one.run(_DOINGS_EACH) for one in sessions))
                for worker in workers:
                    await worker.settled()
                faults.are_on = False
                calls = len(told)
                await self._heal()
                await verify(caller, self._main)
        if FAMILY_NAME in logged.getvalue():
            oracle.breach("a name is in the log")
        doings = [line for line in told if line.startswith("> ")]
        return Outcome(
            seed,
            oracle.broken,
            len(doings),
            sum(one.is_done for one in oracle.asked.values()),
            calls - len(doings),
            faults.happened,
            oracle.refusals,
            hashlib.sha256("\n".join(told).encode()).hexdigest()[:16],
            told,
        )

    @contextlib.asynccontextmanager
    async def _workers(self) -> AsyncIterator[list[Worker]]:
        async with contextlib.AsyncExitStack() as opened:
            made = [
                Worker(servers, self._stage, self._cache_url, self._keyring, self._beat)
                for servers in self._servers
            ]
            for worker in made:
                await opened.enter_async_context(worker.running())
            yield made

    async def _begin(self) -> None:
        """Nothing stored, nothing cached, every connection there."""
        self._stage.faults.are_on = False
        self._stage.told = lambda _: None
        await self._heal()
        self._main.execute(_EMPTY_MAIN)
        self._keys_database.execute(_EMPTY_KEYS)
        self._cache.flushall()
        self._runs += 1
        if self._runs % _SWEEP_EVERY == 0:
            self._main.execute("VACUUM")
            self._keys_database.execute("VACUUM")

    def _beat(self) -> None:
        self._main.execute(_BEAT)

    async def _heal(self) -> None:
        """Have what is late arrive, and every pool's connections again."""
        await asyncio.sleep(_PAUSE_S)
        for servers in self._servers:
            await servers.warm()

    def _says(self, question: str, process: int) -> bool:
        (answer,) = self._main.execute(question, (process,)).fetchone() or (False,)
        return bool(answer)


@contextlib.contextmanager
def rig_in(directory: Path) -> Iterator[Callable[[int], Outcome]]:
    """What runs a seed, on servers of its own in a directory."""
    with (
        EmbeddedPostgres(directory, durable=False) as postgres,
        EmbeddedValkey(directory) as valkey,
        mock.patch.multiple(changed, **_SMALL),
    ):
        asyncio.run(_make_databases(postgres))
        rig = SeedRig(postgres, valkey)
        with loop_of(rig.turns) as run:
            run(rig.connect())
            try:
                yield lambda seed: run(rig.run(seed))
            finally:
                run(rig.close())


async def _make_databases(postgres: EmbeddedPostgres) -> None:
    for name, which in (("seeds", "main"), ("seeds_keys", "keys")):
        await postgres.create_database(name)
        await migrate(postgres.dsn(name), which)  # type: ignore[arg-type]  # both are Which
