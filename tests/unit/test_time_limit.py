"""The time limit beside asyncio.timeout, which it must not differ from in anything but price."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.time_limit import within

NEVER_S = 60.0
AT_ONCE_S = 0.0

Limit = Callable[[float, Awaitable[str]], Awaitable[str]]
Told = tuple[str, int]
"""How a task ended, and how many cancellations of it were still asked for."""


async def pythons_own(seconds: float, awaited: Awaitable[str]) -> str:
    async with asyncio.timeout(seconds):
        return await awaited


async def answers() -> str:
    return "answered"


async def answers_later() -> str:
    await asyncio.sleep(0)
    return "answered"


async def hangs() -> str:
    await asyncio.Event().wait()
    return "never"


async def fails() -> str:
    await asyncio.sleep(0)
    raise ValueError


async def fails_when_cut_off() -> str:
    try:
        return await hangs()
    except asyncio.CancelledError:
        raise ValueError from None


async def answers_when_cut_off() -> str:
    try:
        return await hangs()
    except asyncio.CancelledError:
        return "answered all the same"


async def cancels_itself() -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)
    return "never"


async def told(limit: Limit, seconds: float, work: Callable[[], Awaitable[str]]) -> Told:
    task = asyncio.current_task()
    assert task is not None
    try:
        ending = await limit(seconds, work())
    except (asyncio.CancelledError, TimeoutError, ValueError) as error:
        ending = type(error).__name__
    left = task.cancelling()
    for _ in range(left):
        task.uncancel()
    return ending, left


@pytest.mark.parametrize(
    ("seconds", "work", "ending"),
    [
        (NEVER_S, answers, ("answered", 0)),
        (NEVER_S, answers_later, ("answered", 0)),
        (NEVER_S, fails, ("ValueError", 0)),
        (NEVER_S, cancels_itself, ("CancelledError", 1)),
        (AT_ONCE_S, answers, ("answered", 0)),
        (AT_ONCE_S, hangs, ("TimeoutError", 0)),
        (AT_ONCE_S, fails_when_cut_off, ("ValueError", 0)),
        (AT_ONCE_S, answers_when_cut_off, ("answered all the same", 0)),
    ],
)
async def test_it_ends_as_pythons_own_does(
    seconds: float, work: Callable[[], Awaitable[str]], ending: Told
) -> None:
    assert await told(within, seconds, work) == ending
    assert await told(pythons_own, seconds, work) == ending


@pytest.mark.parametrize("limit", [within, pythons_own])
async def test_a_cancellation_in_the_moment_of_the_limit_stays_one(limit: Limit) -> None:
    async def cancelled_too() -> str:
        asyncio.get_running_loop().call_later(AT_ONCE_S, task.cancel)
        return await hangs()

    task = asyncio.create_task(told(limit, AT_ONCE_S, cancelled_too))
    assert await task == ("CancelledError", 1)


@pytest.mark.parametrize("limit", [within, pythons_own])
async def test_the_outer_of_two_limits_cuts_off_both(limit: Limit) -> None:
    async def inner() -> str:
        return (await told(limit, NEVER_S, hangs))[0]

    assert await told(limit, AT_ONCE_S, inner) == ("CancelledError", 0)
