"""The key database: purpose keys replaced as a whole, customers' keys one by one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from repository.database import Database as Pools
from repository.errors import VersionMismatch
from repository.keys import CustomerKey, KeyStore, PurposeKey
from tests.conftest import Database
from tests.contract.stand import some_id

MADE = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
async def keys(database: Database) -> AsyncIterator[KeyStore]:
    pools = Pools(await database("keys"))
    await pools.connect()
    yield KeyStore(pools)
    await pools.close()


async def test_purpose_keys_come_with_the_mac_over_them(keys: KeyStore) -> None:
    assert await keys.purpose_keys() == ([], None)
    first = [PurposeKey("operational", 1, "active", b"wrapped 1", MADE)]
    await keys.set_purpose_keys(first, b"mac 1", None)
    assert await keys.purpose_keys() == (first, b"mac 1")
    both = [first[0]._replace(state="retired"), PurposeKey("operational", 2, "active", b"2", MADE)]
    await keys.set_purpose_keys(both, b"mac 2", b"mac 1")
    assert await keys.purpose_keys() == (both, b"mac 2")


async def test_of_two_who_replace_the_table_one_wins(keys: KeyStore) -> None:
    first = [PurposeKey("operational", 1, "active", b"wrapped 1", MADE)]
    await keys.set_purpose_keys(first, b"mac 1", None)
    for former in (None, b"mac 0"):
        with pytest.raises(VersionMismatch):
            await keys.set_purpose_keys([], b"mac 2", former)
    assert await keys.purpose_keys() == (first, b"mac 1")


async def test_customers_keys(keys: KeyStore) -> None:
    ids = [some_id() for _ in range(3)]
    stored = {id_: CustomerKey(1, b"wrapped " + id_) for id_ in ids}
    await keys.insert_many(stored)
    await keys.insert_many({ids[0]: CustomerKey(2, b"another")})
    await keys.insert_many({})
    assert await keys.get_many([*ids, some_id()]) == stored
    await keys.delete_many(ids[:2])
    assert await keys.get_many(ids) == {ids[2]: stored[ids[2]]}


def test_wrapped_keys_are_not_shown() -> None:
    assert "secret" not in repr(
        [PurposeKey("a", 1, "b", b"secret", MADE), CustomerKey(1, b"secret")]
    )
