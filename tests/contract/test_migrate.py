"""Migrations: applied once, in order, never altered; and what schema they make."""

import difflib
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded import EmbeddedPostgres
from repository import migrate as runner
from repository.errors import (
    MigrationAltered,
    MigrationForbidden,
    MigrationLocked,
    MigrationOutOfTurn,
    Unavailable,
)
from repository.migrate import applied_versions, keep_months, make_months, migrate, migrations
from tests.conftest import Database

PASSWORD = "norights"
GOLDEN = Path(__file__).parents[1] / "golden" / "schema.txt"

# Months come and go with the calendar; not-null constraints have rows of their own from 18 on.
SCHEMA = """
WITH relation AS (
    SELECT oid, relname, relkind, relpartbound FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relname !~ '^change_[0-9]{6}'
)
SELECT relname || coalesce(' ' || pg_get_expr(relpartbound, oid), '') AS line
FROM relation WHERE relkind IN ('r', 'p', 'S')
UNION ALL
SELECT relname || '.' || attname || ' ' || format_type(atttypid, atttypmod)
       || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
       || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
       || CASE attstorage WHEN 'e' THEN ' EXTERNAL' ELSE '' END
FROM relation JOIN pg_attribute ON attrelid = oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relkind IN ('r', 'p')
UNION ALL
SELECT relname || ' CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid)
FROM relation JOIN pg_constraint ON conrelid = relation.oid WHERE contype <> 'n'
UNION ALL
SELECT relname || ' ' || pg_get_indexdef(indexrelid)
FROM relation JOIN pg_index ON indrelid = relation.oid
ORDER BY line"""

# All that stands in clear. A column not named here has to be sealed, a keyed MAC or wrapped.
CLEAR = {
    "record": "kind uid version state branch xid create_time update_time",
    "change": "kind version time xid sequence uid operation paths state branch actor method"
    " source_system reason request_id",
    "link": "relation exclusive",
    "idempotency": "kind version time replays",
    "incarnation": "only_one id timeline first_xid",
    "former_incarnation": "id shared_xid",
    "audit": "audit_id time actor method purpose items outcome",
    "follow_up": "actor method source_system reason request_id create_time",
    "schema_migration": "version sha256 apply_time",
    "purpose_key": "purpose generation state create_time",
    "purpose_table_mac": "only_one",
    "customer_key": "wrap_generation create_time",
    "seal_count": "purpose generation seals",
    "routing_revision": "only_one revision",
    "heartbeat": "only_one beat time",
}
OPAQUE = {
    "record": "id operational private number",
    "change": "id operational private number",
    "link": "key id",
    "idempotency": "key payload_mac id",
    "follow_up": "id after",
    "audit": "request_mac customer_ids",
    "purpose_key": "wrapped",
    "purpose_table_mac": "mac",
    "customer_key": "customer_id wrapped",
}
# The Federal Reserve's public directory, and counts about files: nothing about a person in it.
PUBLIC = {"routing_number", "ach_run"}

COLUMNS = """
SELECT relname, attname, format_type(atttypid, atttypmod) FROM pg_class
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"""


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> str:
    """The DSN of a database without a schema."""
    await postgres.drop_database("test_migrate")
    await postgres.create_database("test_migrate")
    return postgres.dsn("test_migrate")


async def fetch(dsn: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def test_schema_is_the_committed_one(database: Database) -> None:
    lines: list[str] = []
    for which in ("main", "keys"):
        rows = await fetch(await database(which), SCHEMA)
        lines += [f"-- {which}", *(row[0] for row in rows)]
    if os.environ.get("OPENCIF_WRITE_GOLDEN"):
        GOLDEN.write_text("\n".join(lines) + "\n")
    golden = GOLDEN.read_text().splitlines()
    assert list(difflib.unified_diff(golden, lines, "golden", "migrated", lineterm="")) == []


async def test_every_clear_column_is_on_the_list(database: Database) -> None:
    for which in ("main", "keys"):
        for table, column, type_ in await fetch(await database(which), COLUMNS):
            if table in PUBLIC:
                continue
            opaque = column in OPAQUE.get(table, "").split()
            assert opaque != (column in CLEAR[table].split()), f"{table}.{column}"
            assert not opaque or type_ == "bytea", f"{table}.{column}"


async def test_applies_each_file_once(empty: str) -> None:
    assert await applied_versions(empty) == []
    applied = await migrate(empty)
    assert applied == [migration.version for migration in migrations("main")]
    assert await migrate(empty) == []
    assert await applied_versions(empty) == applied


async def test_refuses_an_altered_file(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate(empty)
    altered = [migration._replace(sha256="0" * 64) for migration in migrations("main")]
    monkeypatch.setattr(runner, "migrations", lambda _: altered)
    with pytest.raises(MigrationAltered):
        await migrate(empty)


async def test_keeps_what_a_newer_release_applied(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty)
    older = migrations("main")[:-1]
    monkeypatch.setattr(runner, "migrations", lambda _: older)
    assert await migrate(empty) == []


async def test_a_failing_file_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = runner.Migration("009_broken", "0" * 64, "CREATE TABLE half (); SELECT 1 / 0;", True)
    monkeypatch.setattr(runner, "migrations", lambda _: [broken])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty)
    assert await applied_versions(empty) == []
    assert (await fetch(empty, "SELECT to_regclass('half')"))[0][0] is None


async def test_one_at_a_time(empty: str) -> None:
    connection = await asyncpg.connect(empty)
    await connection.execute("SELECT pg_advisory_lock($1)", runner.LOCK)
    with pytest.raises(MigrationLocked):
        await migrate(empty)
    await connection.close()


async def test_a_file_can_ask_to_run_outside_a_transaction(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "001_table.sql").write_text("-- migrate:up\nCREATE TABLE t (a int);\n")
    (tmp_path / "keys" / "002_index.sql").write_text(
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (a);\n-- migrate:down\n"
    )
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    assert await migrate(empty, "keys") == ["001_table", "002_index"]
    assert (await fetch(empty, "SELECT to_regclass('i') IS NOT NULL"))[0][0]


async def test_months_are_made_ahead_whatever_the_session_calls_midnight(empty: str) -> None:
    await migrate(empty)
    connection = await asyncpg.connect(empty)
    await connection.execute("SET timezone = 'Pacific/Auckland'")
    await make_months(connection, date(2031, 11, 30))
    rows = await connection.fetch("""
        SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class
        WHERE relname IN ('change_203111', 'change_203112', 'change_203211', 'change_203212')
        ORDER BY relname""")
    await connection.execute("SET timezone = 'UTC'")
    bounds = await connection.fetchval(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'change_203112'"
    )
    await connection.close()
    assert [row[0] for row in rows] == ["change_203111", "change_203112", "change_203211"]
    assert bounds == ("FOR VALUES FROM ('2031-12-01 00:00:00+00') TO ('2032-01-01 00:00:00+00')")


async def test_months_are_made_while_serving_where_the_role_may(empty: str) -> None:
    await migrate(empty)
    later = datetime.now(UTC).date() + timedelta(days=400)
    await keep_months(empty, later)
    names = await fetch(empty, "SELECT relname FROM pg_class WHERE relname ~ '^change_[0-9]{6}$'")
    assert f"change_{later:%Y%m}" in {row[0] for row in names}
    await fetch(empty, f"CREATE ROLE months_test LOGIN PASSWORD '{PASSWORD}'")
    try:
        plain = re.sub("//[^@]*@", f"//months_test:{PASSWORD}@", empty)
        await keep_months(plain, later)  # there is nothing to do
        with pytest.raises(MigrationForbidden):
            await keep_months(plain, later + timedelta(days=400))
    finally:
        await fetch(empty, "DROP ROLE months_test")


async def test_months_are_left_to_whoever_makes_them_now(empty: str) -> None:
    await migrate(empty)
    later = datetime.now(UTC).date() + timedelta(days=400)
    connection = await asyncpg.connect(empty)
    await connection.execute("SELECT pg_advisory_lock($1)", runner.LOCK)
    await keep_months(empty, later)
    assert not await connection.fetchval("SELECT to_regclass($1)", f"change_{later:%Y%m}")
    await connection.execute("SELECT pg_advisory_unlock_all()")
    await connection.execute("BEGIN; LOCK TABLE change IN ROW EXCLUSIVE MODE")
    with pytest.raises(MigrationLocked):
        await keep_months(empty, later)
    await connection.close()


def release(monkeypatch: pytest.MonkeyPatch, *versions: str) -> None:
    """Have `migrations` be those of some release: each makes a table of its name."""
    files = [
        runner.Migration(version, version, f'CREATE TABLE "{version}" ()', True)
        for version in versions
    ]
    monkeypatch.setattr(runner, "migrations", lambda _: files)


async def test_what_takes_away_has_a_phase_of_its_own(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(monkeypatch, "001_first", "002_second", "003_away_post")
    with pytest.raises(MigrationOutOfTurn, match="001_first"):
        await migrate(empty, "keys", "post")
    assert await migrate(empty, "keys", "pre") == ["001_first", "002_second"]
    assert await migrate(empty, "keys", "pre") == []
    assert await migrate(empty, "keys", "post") == ["003_away_post"]
    assert await migrate(empty, "keys", "post") == []


async def test_the_next_release_waits_until_the_last_one_is_through(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(monkeypatch, "001_first", "002_away_post")
    await migrate(empty, "keys", "pre")
    release(monkeypatch, "001_first", "002_away_post", "003_third", "004_away_post")
    with pytest.raises(MigrationOutOfTurn, match="002_away_post"):
        await migrate(empty, "keys", "pre")
    assert await applied_versions(empty) == ["001_first"]
    assert await migrate(empty, "keys") == ["002_away_post", "003_third", "004_away_post"]


def test_files_are_numbered_one_after_the_other() -> None:
    for which in ("main", "keys"):
        numbers = [int(migration.version[:3]) for migration in migrations(which)]
        assert numbers == list(range(1, len(numbers) + 1))


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await migrate("postgresql://nobody@127.0.0.1:1/nothing")
