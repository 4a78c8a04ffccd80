"""Which NACHA files were resolved, by whom, when and with what result: counts, never contents."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from repository.database import Connection, Database
from repository.errors import IdempotencyKeyReused

__all__ = ["AchRun", "AchRunStore", "Finished", "RunKey"]

# A run that began before under the same id keeps its as_of: repeated, it decides the same.
BEGIN = """
INSERT INTO ach_run (actor, run_id, as_of, immediate_origin, immediate_destination, file_creation)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (actor, run_id) DO UPDATE SET run_id = EXCLUDED.run_id
RETURNING as_of"""

# Two runs of one file at once end one after the other, so that the second sees the first.
LOCK_FILE = (
    "SELECT pg_advisory_xact_lock(('x' || encode(substr($1::bytea, 1, 8), 'hex'))::bit(64)::bigint)"
)

FINISH = """
UPDATE ach_run
SET end_time = now(), file_hash = $3, position = $4, batches = $5, entries = $6,
    entries_by_outcome = $7::jsonb, findings = $8, duration_ms = $9,
    duplicate = EXISTS (
        SELECT FROM ach_run AS other
        WHERE other.file_hash = $3 AND (other.actor, other.run_id) <> ($1, $2)
    )
WHERE actor = $1 AND run_id = $2 AND end_time IS NULL"""

GET_FINISHED = """
SELECT file_hash, duplicate, duration_ms FROM ach_run WHERE actor = $1 AND run_id = $2"""

FORGET = """
DELETE FROM ach_run WHERE (actor, run_id) IN (
    SELECT actor, run_id FROM ach_run WHERE start_time < $1 ORDER BY start_time LIMIT $2)
RETURNING 1"""


class RunKey(NamedTuple):
    """Whose run it is, and its name among theirs."""

    actor: str
    run_id: UUID


class AchRun(NamedTuple):
    """What a run came to. `position` is in bytes, `entries_by_outcome` counts codes."""

    file_hash: bytes
    position: int
    batches: int
    entries: int
    entries_by_outcome: Mapping[str, int]
    findings: int
    duration_ms: int


class Finished(NamedTuple):
    """What the first run under this id was told."""

    duplicate: bool
    duration_ms: int


class AchRunStore:
    """Begins and finishes runs; a run repeated under its id keeps what the first one wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, key: RunKey, as_of: datetime, origin: str, destination: str, creation: str
    ) -> datetime:
        """Note that a run begins; the time as of which it decides.

        Raises CommitUnknown, Unavailable: repeat it.
        """
        rows = await self._database.write(
            BEGIN, key.actor, key.run_id, as_of, origin, destination, creation
        )
        began: datetime = rows[0][0]
        return began

    async def finish(self, key: RunKey, run: AchRun) -> Finished:
        """Record a run's result and learn whether the same file came before.

        Raises IdempotencyKeyReused when another file was resolved under this id, CommitUnknown and
        Unavailable: repeat it.
        """
        return await self._database.transact(lambda connection: _finish(connection, key, run))

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` runs that began before then; how many there were.

        A file that was resolved by one of them only is no duplicate any more.
        """
        return len(await self._database.write(FORGET, before, limit))


async def _finish(connection: Connection, key: RunKey, run: AchRun) -> Finished:
    await connection.execute(LOCK_FILE, run.file_hash)
    await connection.execute(
        FINISH,
        *key,
        run.file_hash,
        run.position,
        run.batches,
        run.entries,
        json.dumps(dict(run.entries_by_outcome)),
        run.findings,
        run.duration_ms,
    )
    row = await connection.fetchrow(GET_FINISHED, *key)
    assert row is not None, "begin() first"
    if row["file_hash"] != run.file_hash:
        raise IdempotencyKeyReused
    return Finished(row["duplicate"], row["duration_ms"])
