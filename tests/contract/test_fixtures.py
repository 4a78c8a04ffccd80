"""The fixtures of conftest.py keep tests apart from each other."""

from typing import Any

import asyncpg
import pytest
import redis

from deploy.embedded import EmbeddedValkey
from repository.migrate import Which
from tests.conftest import Database
from tests.databases import Databases

SOME_ROWS = """
INSERT INTO former_incarnation SELECT substr(sha256(n::text::bytea), 1, 8), '7'::xid8
FROM generate_series(1, 10) AS n"""


async def tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_each_database_is_migrated_and_its_own(database: Database) -> None:
    main, other, keys = await database("main"), await database("main"), await database("keys")
    assert len({main, other, keys}) == 3
    assert {"record", "change", "link", "idempotency"} <= await tables(main)
    assert await tables(main) == await tables(other)
    assert "customer_key" in await tables(keys)
    connection = await asyncpg.connect(main)
    await connection.execute("CREATE TABLE private_to_this_test ()")
    await connection.close()
    assert "private_to_this_test" not in await tables(other)


def test_cache_is_empty_and_up_whatever_was_done_to_it(empty_valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(empty_valkey.url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
    empty_valkey.kill()


def test_cache_is_back_for_the_next_test(empty_valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(empty_valkey.url) as client:
        assert client.dbsize() == 0


async def told(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def done(databases: Databases, template: str, sql: str) -> tuple[str, Any]:
    """The database in which it was done, as by a test, and what came of it."""
    name = await databases.take("main", template)
    came = await told(databases.dsn(name), sql)
    await databases.give_back("main", name)
    return name, came


@pytest.mark.parametrize(
    ("looks", "changes"),
    [
        ("SELECT timeline FROM incarnation", "UPDATE incarnation SET timeline = 1 + timeline"),
        ("SELECT count(*) FROM schema_migration", "DELETE FROM schema_migration"),
        ("SELECT count(*) FROM former_incarnation", SOME_ROWS),
        ("SELECT nextval('change_sequence')", "SELECT nextval('change_sequence')"),
    ],
)
async def test_a_database_is_handed_on_as_it_was_made(
    databases: Databases, templates: dict[Which, str], looks: str, changes: str
) -> None:
    as_made = await done(databases, templates["main"], looks)
    assert (await done(databases, templates["main"], changes))[0] == as_made[0]
    assert await done(databases, templates["main"], looks) == as_made


async def test_whoever_still_works_in_it_is_ended(
    databases: Databases, templates: dict[Which, str]
) -> None:
    name = await databases.take("main", templates["main"])
    left = await asyncpg.connect(databases.dsn(name))
    await left.execute("BEGIN; LOCK TABLE record")
    await databases.give_back("main", name)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await left.execute("COMMIT")


@pytest.mark.parametrize(
    "changes",
    [
        "CREATE TABLE private_to_this_test ()",
        "DROP INDEX change_by_xid",
        "ALTER TABLE record ALTER COLUMN branch DROP DEFAULT",
        "CREATE OR REPLACE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "GRANT SELECT ON record TO PUBLIC",
        "ANALYZE schema_migration",
        SOME_ROWS.replace("10", "60000"),
    ],
)
async def test_one_that_is_no_more_what_it_was_is_not_handed_on(
    databases: Databases, templates: dict[Which, str], changes: str
) -> None:
    altered, _ = await done(databases, templates["main"], changes)
    assert (await done(databases, templates["main"], "SELECT 1"))[0] != altered
