"""The fixtures of conftest.py keep tests apart from each other."""

import asyncpg
import redis

from deploy.embedded import EmbeddedValkey
from tests.conftest import Database


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
