"""Work beside a block ends with it, tells what it failed with, and hides nobody's cancellation."""

import asyncio
import contextlib

import pytest

from repository.beside import beside


async def test_it_goes_on_beside_the_block_and_has_ended_after_it() -> None:
    began, told = asyncio.Event(), list[str]()

    async def work() -> None:
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            told.append("ended")

    async with beside(work()):
        await began.wait()
        assert told == []
    assert told == ["ended"]


async def test_what_it_failed_with_is_raised_at_the_end() -> None:
    async def work() -> None:
        raise ValueError("of no use")

    with pytest.raises(ValueError, match="of no use"):
        async with beside(work()):
            await asyncio.sleep(0)


async def test_who_is_cancelled_while_it_ends_is_cancelled() -> None:
    ending, may_end = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ending.set()
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()

    async def block() -> None:
        async with beside(work()):
            await asyncio.sleep(0)

    task = asyncio.create_task(block())
    await ending.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    may_end.set()
    assert task.cancelled()
