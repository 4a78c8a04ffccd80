"""A read that is held to a write, once the primary is gone and took what came after it along."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from deploy.embedded import temporary_directory
from repository.database import Database
from repository.errors import Unavailable
from tests.faults.standby import Pair

WRITE = """
SELECT pg_current_xact_id() FROM pg_logical_emit_message(true, 'a test', 'of some bytes')"""


@pytest.fixture
def pair() -> Iterator[Pair]:
    with temporary_directory() as directory:
        made = Pair(directory)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture
async def pools(pair: Pair) -> AsyncIterator[Database]:
    made = Database(pair.primary.dsn("opencif"), pair.standby.dsn("opencif"))
    await made.connect()
    yield made
    await made.close()


async def committed(primary: asyncpg.Connection) -> int:
    """The xid of a transaction that wrote something."""
    xid: int = await primary.fetchval(WRITE)
    return xid


async def test_a_standby_answers_for_what_it_has_though_it_lacks_what_came_after(
    pair: Pair, pools: Database
) -> None:
    """Its primary had flushed more than it sent: that was acknowledged to nobody."""
    primary = await asyncpg.connect(pair.primary.dsn("opencif"))
    has = await committed(primary)
    await asyncio.to_thread(pair.await_standby)
    standby = await asyncpg.connect(pair.standby.dsn("opencif"))
    await standby.execute("SELECT pg_wal_replay_pause()")
    lacks = await committed(primary)
    assert lacks > has
    await primary.close()
    await standby.close()
    pair.primary.kill()
    assert await pools.fetch("SELECT 1", after_xid=has)
    with pytest.raises(Unavailable):
        await pools.fetch("SELECT 1", after_xid=lacks)
