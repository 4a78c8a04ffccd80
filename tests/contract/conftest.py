"""The repository on real servers: one worker with a cache, and the same in three modes."""

from collections.abc import AsyncIterator

import pytest

from deploy.embedded import EmbeddedValkey
from tests.conftest import Database
from tests.contract.stand import Stand, set_up


@pytest.fixture
async def stand(database: Database, empty_valkey: EmbeddedValkey) -> AsyncIterator[Stand]:
    """A worker with a cache."""
    stand = await set_up(await database("main"), empty_valkey)
    yield stand
    await stand.close()


@pytest.fixture(params=["cached", "uncached", "cut off"])
async def any_stand(
    request: pytest.FixtureRequest, database: Database, empty_valkey: EmbeddedValkey
) -> AsyncIterator[Stand]:
    """A worker with a cache, without one, and with one that dies at `halfway()`."""
    valkey = None if request.param == "uncached" else empty_valkey
    stand = await set_up(await database("main"), valkey, cuts=request.param == "cut off")
    yield stand
    await stand.close()


@pytest.fixture
async def pair(
    database: Database, empty_valkey: EmbeddedValkey
) -> AsyncIterator[tuple[Stand, Stand]]:
    """Two workers on the same servers: what one writes the other learns by polling."""
    dsn = await database("main")
    stands = await set_up(dsn, empty_valkey), await set_up(dsn, empty_valkey)
    yield stands
    for stand in stands:
        await stand.close()
