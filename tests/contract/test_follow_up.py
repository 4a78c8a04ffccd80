"""Follow-ups: written with the change that asks for them, taken a step at a time, never lost."""

from datetime import UTC, datetime, timedelta

import pytest

from repository.follow_up import FollowUp, FollowUpStore
from tests.contract.stand import Stand, origin, some_id

NOW = datetime.now(UTC)


async def pending(stand: Stand) -> list[FollowUp]:
    return list(await FollowUpStore(stand.database).pending(NOW, 10))


async def ask(stand: Stand, id_: bytes, **said: object) -> None:
    async with stand.writer.begin(origin(**said)) as work:
        await FollowUpStore.ask(work, id_)


async def advance(stand: Stand, one: FollowUp, after: bytes | None) -> bool:
    async with stand.writer.begin(one.origin) as work:
        return await FollowUpStore.advance(work, one, after)


async def test_a_follow_up_outlives_who_asked_and_bears_their_name(stand: Stand) -> None:
    customer = some_id()
    asked = origin(reason="NOTICE", source_system="CORE", time=NOW - timedelta(hours=1))
    async with stand.writer.begin(asked) as work:
        await FollowUpStore.ask(work, customer)
    (found,) = await pending(stand)
    assert (found.id, found.after) == (customer, b"")
    assert found.origin == origin(
        request_id=asked.request_id, reason="NOTICE", source_system="CORE", time=NOW
    )


async def test_a_change_that_fails_leaves_nothing_to_do(stand: Stand) -> None:
    async def fail() -> None:
        async with stand.writer.begin(origin()) as work:
            await FollowUpStore.ask(work, some_id())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await pending(stand) == []


async def test_a_step_counts_once_whoever_takes_it(stand: Stand) -> None:
    await ask(stand, some_id())
    (first,) = await pending(stand)
    assert await advance(stand, first, b"\x01")
    assert not await advance(stand, first, b"\x02")
    (second,) = await pending(stand)
    assert second == first._replace(after=b"\x01")
    assert not await advance(stand, first, None)
    assert await advance(stand, second, None)
    assert await pending(stand) == []


async def test_a_newer_change_begins_again(stand: Stand) -> None:
    customer = some_id()
    await ask(stand, customer)
    (first,) = await pending(stand)
    await advance(stand, first, b"\x01")
    (halfway,) = await pending(stand)
    await ask(stand, customer, reason="NEWER")
    assert not await advance(stand, halfway, None)
    (again,) = await pending(stand)
    assert (again.after, again.origin.reason) == (b"", "NEWER")
