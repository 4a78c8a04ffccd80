"""The search for the primary: whom it asks, when, and how often."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from repository import hosts
from repository.hosts import PrimaryFinder, host_of

DSN = "postgresql://user:secret@a,b,c/opencif"
PATIENT_S = 60.0


class Hosts:
    """Hosts that take connections or do not; `asked` counts how often each was."""

    def __init__(self, primary: str | None) -> None:
        self.primary = primary
        self.timelines: dict[str | None, int] = {}
        self.silent: set[str] = set()
        self.asked: Counter[str] = Counter()

    async def connect(self, dsn: str, **options: Any) -> Any:
        host = host_of(dsn)
        self.asked[host] += 1
        async with asyncio.timeout(options.get("timeout")):
            await asyncio.sleep(3_600 if host in self.silent else 0)
        if host in self.timelines:
            return Primary(self.timelines[host])
        if host != self.primary:
            raise ConnectionRefusedError(host)
        return host


class Primary:
    """A connection to one that says it is a primary."""

    def __init__(self, timeline: int) -> None:
        self._timeline = timeline

    async def fetchval(self, _: str) -> int:
        return self._timeline

    def terminate(self) -> None:
        """Nothing is held."""


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
    monkeypatch.setattr(hosts, "HOST_MAX_S", 3_600)
    there.primary, there.silent = "c", {"b"}
    async with asyncio.timeout(PATIENT_S):
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


async def test_of_two_that_say_so_the_one_on_the_later_timeline_is_the_primary() -> None:
    """The other one was cut off before anybody could tell it."""
    there, finder = found()
    await finder()
    there.timelines = {"b": 4, "c": 5}
    assert await finder.look()
    assert not await finder.look(), "known by now"
    assert finder.left() == {"postgresql://user:secret@b/opencif"}


async def test_who_looks_and_finds_no_other_goes_on_with_the_one_that_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosts, "KNOWN_MAX_S", 0.05)
    there, finder = found()
    await finder()
    there.silent = {"a", "b", "c"}
    assert not await finder.look()
    there.silent, there.timelines = {"a"}, {"b": 4}
    assert not await finder.look()
    assert finder.left() == set()
