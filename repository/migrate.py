"""Runs the migration files (dbmate's format) of a database, and makes the months ahead.

Files are ordered, applied once, each in its transaction unless it says `transaction:false`; an
applied file must never change. `NNN_name.sql` only adds, so that servers of the release before go
on; what they need is taken away by `NNN_name_post.sql`, once none of them runs.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from repository.certainty import translate
from repository.errors import (
    MigrationAltered,
    MigrationForbidden,
    MigrationLocked,
    MigrationOutOfTurn,
    Unavailable,
)
from repository.hosts import dsns_of

__all__ = [
    "Migration",
    "Phase",
    "Which",
    "applied_versions",
    "is_post",
    "keep_months",
    "make_months",
    "migrate",
    "migrations",
]

Which = Literal["main", "keys"]
Phase = Literal["pre", "post"]
Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

FOLDER: Final = Path(__file__).parent / "migrations"
POST: Final = "_post"
CONNECT_MAX_S: Final = 5.0
MONTHS_AHEAD: Final = 12
LOCK: Final = 0x4F70656E43494600  # "OpenCIF\0": one migration at a time in a database

# A table that stays locked must not make every reader queue behind us.
SET_LOCK_TIMEOUT = "SET lock_timeout = '10s'"
TRY_LOCK = "SELECT pg_try_advisory_lock($1)"

CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migration (
    version    text        NOT NULL PRIMARY KEY,
    sha256     text        NOT NULL,
    apply_time timestamptz NOT NULL DEFAULT now()
)"""

HAS_LEDGER = "SELECT to_regclass('schema_migration') IS NOT NULL"
GET_APPLIED = "SELECT version, sha256 FROM schema_migration ORDER BY version"
SET_APPLIED = "INSERT INTO schema_migration (version, sha256) VALUES ($1, $2)"

# While serving: whoever waits for the parent table stands in everybody's way meanwhile.
SET_SHORT_LOCK_TIMEOUT = "SET lock_timeout = '500ms'"

GET_MONTHS = """
SELECT child.relname FROM pg_inherits
JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
WHERE pg_inherits.inhparent = 'change'::regclass"""

CREATE_MONTH = """
CREATE TABLE {name} PARTITION OF change
FOR VALUES FROM ('{first} 00:00+00') TO ('{next} 00:00+00')"""


class Migration(NamedTuple):
    """One migration file: its version, digest, forward SQL and whether it runs in a transaction."""

    version: str
    sha256: str
    up: str
    transactional: bool


def migrations(which: Which) -> list[Migration]:
    """The migration files of a database, in order."""
    return [_parse(path) for path in sorted((FOLDER / which).glob("*.sql"))]


def is_post(version: str) -> bool:
    """Whether a migration takes away what releases before it need: its name says so."""
    return version.endswith(POST)


async def migrate(dsn: str, which: Which = "main", phase: Phase | None = None) -> list[str]:
    """Bring the database to this release's schema, or through one phase; the versions applied now.

    Raises MigrationAltered, MigrationForbidden, MigrationLocked, Unavailable; MigrationOutOfTurn
    where a migration of the other phase comes first.
    """
    async with _session(dsn) as session:
        await session.execute(SET_LOCK_TIMEOUT)
        if not await session.fetchval(TRY_LOCK, LOCK):
            raise MigrationLocked("another process is migrating this database")
        await session.execute(CREATE_LEDGER)
        applied = {row[0]: row[1] for row in await session.fetch(GET_APPLIED)}
        wanted = migrations(which)
        _check_unaltered(applied, wanted)
        missing = _due([each for each in wanted if each.version not in applied], phase)
        for migration in missing:
            await _apply(session, migration)
        if which == "main":
            await make_months(session, datetime.now(UTC).date())
    return [migration.version for migration in missing]


async def applied_versions(dsn: str, standby_dsn: str | None = None) -> list[str]:
    """The migrations applied, in order, as the primary says; without one, as a standby does.

    A standby may be one of `dsn` or of `standby_dsn`. Raises Unavailable when nobody answers.
    """
    try:
        async with _session(dsn) as session:
            return await _applied(session)
    except Unavailable:
        for host in (*dsns_of(dsn), *(dsns_of(standby_dsn) if standby_dsn else ())):
            with suppress(Unavailable):
                async with _session(host, SessionAttribute.any) as session:
                    return await _applied(session)
        raise


async def _applied(session: Session) -> list[str]:
    if not await session.fetchval(HAS_LEDGER):
        return []
    return [row[0] for row in await session.fetch(GET_APPLIED)]


async def keep_months(dsn: str, today: date | None = None) -> None:
    """Make what is missing of the months ahead while others serve; nothing where somebody does.

    Raises MigrationLocked, MigrationForbidden where the role may not, Unavailable.
    """
    today = today or datetime.now(UTC).date()
    async with _session(dsn) as session:
        if not await _missing(session, today) or not await session.fetchval(TRY_LOCK, LOCK):
            return
        await session.execute(SET_SHORT_LOCK_TIMEOUT)
        await make_months(session, today)


async def make_months(session: Session, today: date) -> None:
    """Make the change partitions of this month and of the MONTHS_AHEAD after it."""
    for name, first, after in await _missing(session, today):
        await session.execute(CREATE_MONTH.format(name=name, first=first, next=after))


async def _missing(session: Session, today: date) -> list[tuple[str, date, date]]:
    """(partition, first day, first day of the next) of the months that are not there."""
    present = {row[0] for row in await session.fetch(GET_MONTHS)}
    starts = [_month(today, ahead) for ahead in range(MONTHS_AHEAD + 2)]
    named = [(f"change_{first:%Y%m}", first, after) for first, after in pairwise(starts)]
    return [month for month in named if month[0] not in present]


def _month(day: date, ahead: int) -> date:
    years, month = divmod(day.month - 1 + ahead, 12)
    return date(day.year + years, month + 1, 1)


def _parse(path: Path) -> Migration:
    text = path.read_text(encoding="utf-8")
    head, up = re.split(r"^-- migrate:up", text, maxsplit=1, flags=re.MULTILINE)[-2:]
    assert not head.strip(), f"{path.name} starts with -- migrate:up"
    options, _, body = up.partition("\n")
    forward = re.split(r"^-- migrate:down", body, maxsplit=1, flags=re.MULTILINE)[0]
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Migration(path.stem, digest, forward, "transaction:false" not in options)


def _check_unaltered(applied: dict[str, str], wanted: list[Migration]) -> None:
    digests = {migration.version: migration.sha256 for migration in wanted}
    for version, sha256 in applied.items():
        # A version this release does not know was applied by a newer one: it stays.
        if digests.get(version, sha256) != sha256:
            raise MigrationAltered(f"migration {version} was altered after it had been applied")


def _due(missing: Sequence[Migration], phase: Phase | None) -> list[Migration]:
    """Those of a phase, None for all, in their order. Raises MigrationOutOfTurn."""
    due = [each for each in missing if phase is None or is_post(each.version) is (phase == "post")]
    for before in missing:
        if before not in due and (phase == "post" or (due and before.version < due[-1].version)):
            raise MigrationOutOfTurn(
                f"migration {before.version} comes first: it is of phase "
                f"{'post of a release before this one' if phase == 'pre' else 'pre'}"
            )
    return due


async def _apply(session: Session, migration: Migration) -> None:
    if not migration.transactional:  # CREATE INDEX CONCURRENTLY: one statement in its file
        await session.execute(migration.up)
        await session.execute(SET_APPLIED, migration.version, migration.sha256)
        return
    async with session.transaction():
        await session.execute(migration.up)
        await session.execute(SET_APPLIED, migration.version, migration.sha256)


@asynccontextmanager
async def _session(
    dsn: str, role: SessionAttribute = SessionAttribute.primary
) -> AsyncIterator[Session]:
    session: Session | None = None
    try:
        session = await asyncpg.connect(dsn, timeout=CONNECT_MAX_S, target_session_attrs=role)
        yield session
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise Unavailable(
            "only standbys answer, and this needs the primary: name it too"
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationForbidden("the role may not change the schema") from error
    except asyncpg.LockNotAvailableError as error:
        raise MigrationLocked("a table stayed locked longer than lock_timeout") from error
    except Exception as error:
        if (named := translate(error)) is None:
            raise
        raise named from error
    finally:
        if session is not None:
            await session.close()
