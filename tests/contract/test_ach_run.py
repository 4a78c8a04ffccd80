"""Runs of NACHA files: what a repeated one is told, and how long they are known."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from repository.ach_run import AchRun, AchRunStore, RunKey
from repository.errors import IdempotencyKeyReused
from server.housekeeping import forget
from tests.contract.stand import Stand

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = (RunKey("actor", UUID(int=n)) for n in (1, 2, 3))


def run(file: bytes) -> AchRun:
    return AchRun(file * 32, 940, 1, 2, {"POST": 2}, 0, 5)


async def began(runs: AchRunStore, key: RunKey, as_of: datetime = NOW) -> datetime:
    return await runs.begin(key, as_of, "1234567890", "076401251", "261123 0600")


async def test_a_run_repeated_under_its_id_is_told_what_the_first_one_was(stand: Stand) -> None:
    runs = AchRunStore(stand.database)
    assert await began(runs, FIRST) == NOW
    assert not (await runs.finish(FIRST, run(b"a"))).duplicate
    assert await began(runs, FIRST, NOW + timedelta(days=1)) == NOW
    assert not (await runs.finish(FIRST, run(b"a"))).duplicate
    with pytest.raises(IdempotencyKeyReused):
        await runs.finish(FIRST, run(b"b"))


async def test_a_file_that_came_before_is_a_duplicate_until_that_is_forgotten(
    stand: Stand,
) -> None:
    runs = AchRunStore(stand.database)
    for key, duplicate in ((FIRST, False), (SECOND, True)):
        await began(runs, key)
        assert (await runs.finish(key, run(b"a"))).duplicate == duplicate
    assert await forget(runs, timedelta(days=1)) == 0
    assert await forget(runs, timedelta(days=-1)) == 2
    await began(runs, THIRD)
    assert not (await runs.finish(THIRD, run(b"a"))).duplicate
