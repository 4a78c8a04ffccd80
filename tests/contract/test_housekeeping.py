"""Chores of a worker: done again and again, whatever becomes of one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from repository.database import Database
from repository.errors import Unavailable
from repository.keys import KeyStore
from server.housekeeping import Chore, Housekeeping
from server.seal_counts import DUE_SEALS, is_due, settle
from tests.conftest import Database as Databases
from tests.unit.keyrings import ring, table
from tokenizer.keyring import KeyState, Purpose
from tokenizer.sealing import SEALS_MAX, KeyExhausted, Sealer

ID = b"\1" * 16


@pytest.fixture
async def store(database: Databases) -> AsyncIterator[KeyStore]:
    pools = Database(await database("keys"))
    await pools.connect()
    yield KeyStore(pools)
    await pools.close()


async def test_chores_go_on_whatever_fails_and_the_last_are_done_once_more() -> None:
    done: list[str] = []
    twice = asyncio.Event()

    async def fails() -> None:
        done.append("fails")
        if done.count("fails") == 2:
            twice.set()
        raise ZeroDivisionError

    async def ends() -> None:
        done.append("ends")

    seldom = Chore("seldom", 3600.0, ends, at_end=True)
    async with Housekeeping([Chore("often", 0.0, fails), seldom]).running():
        await twice.wait()
        assert done.count("ends") == 1
    assert done[-1] == "ends"
    assert done.count("ends") == 2


async def test_seals_of_all_workers_are_added_up(store: KeyStore) -> None:
    first, second = Sealer(ring()), Sealer(ring())
    for sealer, times in ((first, 3), (second, 2)):
        sealer.seal_operational_many(2, [ID] * times, [(1, 0, 0)] * times, [b""] * times)
        await settle(sealer.counts, store)
        await settle(sealer.counts, store)
    second.seal_number(2, ID, 1, b"")
    await settle(second.counts, store)
    assert await store.seals() == {("operational", 1): 5, ("number", 1): 1}


async def test_a_key_that_others_have_used_up_seals_no_more(store: KeyStore) -> None:
    sealer = Sealer(ring())
    await store.add_seals({(Purpose.OPERATIONAL, 1): SEALS_MAX})
    await settle(sealer.counts, store)
    with pytest.raises(KeyExhausted):
        sealer.seal_operational(2, ID, (1, 0, 0), b"")
    sealer.seal_number(2, ID, 1, b"")


async def test_seals_that_cannot_be_counted_now_are_counted_later(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer = Sealer(ring())
    sealer.seal_operational(2, ID, (1, 0, 0), b"")

    async def gone(_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(store, "add_seals", gone)
        with pytest.raises(Unavailable):
            await settle(sealer.counts, store)
    await settle(sealer.counts, store)
    assert await store.seals() == {("operational", 1): 1}


@pytest.mark.parametrize(
    ("purpose", "state", "seals", "days", "due"),
    [
        (Purpose.OPERATIONAL, KeyState.ACTIVE, 0, 364, False),
        (Purpose.OPERATIONAL, KeyState.ACTIVE, 0, 365, True),
        (Purpose.NUMBER, KeyState.ACTIVE, DUE_SEALS, 1, True),
        (Purpose.NUMBER, KeyState.LIVE, DUE_SEALS, 999, False),
        (Purpose.IDENTITY, KeyState.ACTIVE, 0, 999, False),
    ],
)
def test_a_generation_is_due_in_time(
    purpose: Purpose, state: KeyState, seals: int, days: int, due: bool
) -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    [row] = [row for row in table().rows if row.purpose == purpose]
    row = type(row)(row.purpose, row.generation, state, row.wrapped, made)
    assert is_due(row, seals, made + timedelta(days=days)) == due
    assert DUE_SEALS < SEALS_MAX
