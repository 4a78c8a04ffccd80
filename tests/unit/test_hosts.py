"""The search for the primary: whom it asks, when, and how often."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from repository import hosts
from repository.hosts import PrimaryFinder, host_of

DSN = "postgresql://user:secret@a,b,c/opencif"


class Hosts:
    """Hosts that take connections or do not; `asked` counts how often each was."""

    def __init__(self, primary: str | None) -> None:
        self.primary = primary
        self.silent: set[str] = set()
        self.asked: Counter[str] = Counter()

    async def connect(self, dsn: str, *, timeout: float, **_: Any) -> Any:  # noqa: ASYNC109  asyncpg's
        host = host_of(dsn)
        self.asked[host] += 1
        async with asyncio.timeout(timeout):
            await asyncio.sleep(3_600 if host in self.silent else 0)
        if host != self.primary:
            raise ConnectionRefusedError(host)
        return host


def found(primary: str | None = "b") -> tuple[Hosts, PrimaryFinder]:
    there = Hosts(primary)
    return there, PrimaryFinder(DSN, there.connect)


async def test_the_first_search_asks_all_and_later_ones_whom_it_found() -> None:
    there, finder = found()
    assert await finder() == "b"
    assert there.asked == Counter("abc")
    assert await finder() == "b"
    assert there.asked == Counter("abcb")


async def test_all_are_asked_when_it_is_none_any_more() -> None:
    there, finder = found()
    await finder()
    there.primary = "c"
    assert await finder() == "c"
    assert finder.left() == {"postgresql://user:secret@b/opencif"}
    assert finder.left() == set(), "told once"


async def test_one_that_was_it_and_hangs_holds_nobody_up_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosts, "KNOWN_MAX_S", 0.02)
    there, finder = found()
    await finder()
    there.primary, there.silent = "c", {"b"}
    async with asyncio.timeout(hosts.HOST_MAX_S):
        assert await finder() == "c"


async def test_one_that_was_it_and_is_it_again_has_not_been_left() -> None:
    there, finder = found()
    await finder()
    for there.primary in ("c", "b"):
        await finder()
    assert finder.left() == {"postgresql://user:secret@c/opencif"}


async def test_a_whole_pool_searches_once() -> None:
    there, finder = found()
    assert set(await asyncio.gather(*(finder() for _ in range(10)))) == {"b"}
    assert there.asked == Counter(a=1, b=10, c=1)


async def test_a_whole_pool_that_finds_none_has_searched_once() -> None:
    there, finder = found(None)
    answers = await asyncio.gather(*(finder() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(answer, ConnectionError) for answer in answers)
    assert there.asked == Counter("abc")
