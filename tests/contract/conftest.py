"""The repository on real servers: one worker with a cache, and the same in three modes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from deploy.embedded import EmbeddedValkey
from repository.database import Database as Pools
from repository.keys import KeyStore
from repository.reading import Reader
from tests.conftest import Database
from tests.contract.keyed_bank import Bank, bank
from tests.contract.stand import HeldStore, Stand, set_up
from tokenizer.keyring import KeyTable

Under = Callable[[KeyTable], Awaitable[Bank]]


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


@pytest.fixture
async def held(stand: Stand) -> AsyncIterator[HeldStore]:
    """The stand's reader now reads through this store."""
    store = HeldStore(stand)
    stand.reader = Reader(store, stand.poll, stand.cache)
    yield store
    store.go_on.set()


@pytest.fixture
async def under(database: Database) -> AsyncIterator[Under]:
    """`await under(keys)` is a bank on this test's database under a state of the key table."""
    async with AsyncExitStack() as opened:
        main, keys = Pools(await database("main")), Pools(await database("keys"))
        for each in (main, keys):
            await each.connect()
            opened.push_async_callback(each.close)

        async def start(state: KeyTable) -> Bank:
            return await opened.enter_async_context(bank(main, KeyStore(keys), state))

        yield start
