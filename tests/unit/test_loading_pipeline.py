"""Batches on their way: so many of a kind at once, kinds one after the other, faults told."""

import asyncio
from collections.abc import Callable

import pytest

from server.loading_pipeline import Pipeline

FIRST, SECOND = 1, 2


class Stage:
    """Records what is under way; each batch ends when it is let go."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.most = 0
        self.seen: list[str] = []
        self.go = asyncio.Event()

    async def batch(self, name: str, fault: Callable[[], Exception] | None = None) -> None:
        self.running.add(name)
        self.most = max(self.most, len(self.running))
        try:
            await self.go.wait()
            await asyncio.sleep(0)
            if fault:
                raise fault()
            self.seen.append(name)
        finally:
            self.running.discard(name)


async def test_so_many_of_a_kind_run_at_once_and_another_kind_only_after_them() -> None:
    stage, pipeline = Stage(), Pipeline({FIRST: 2, SECOND: 3})

    async def feed() -> None:
        for number in range(5):
            await pipeline.add(FIRST, stage.batch(f"first {number}"))
        await pipeline.add(SECOND, stage.batch("second"))
        assert {name for name in stage.seen if name.startswith("first")} == {
            f"first {number}" for number in range(5)
        }
        await pipeline.drain()

    feeding = asyncio.create_task(feed())
    await asyncio.sleep(0.01)
    assert stage.running == {"first 0", "first 1"}
    stage.go.set()
    await feeding
    assert stage.most == 2
    assert stage.seen[-1] == "second"


async def test_a_fault_is_told_and_what_else_is_under_way_ends_by_itself() -> None:
    stage, pipeline = Stage(), Pipeline({FIRST: 2, SECOND: 1})
    await pipeline.add(FIRST, stage.batch("bad", lambda: LookupError("gone")))
    await pipeline.add(FIRST, stage.batch("good"))
    await asyncio.sleep(0)
    stage.go.set()
    with pytest.raises(LookupError, match="gone"):
        await pipeline.add(SECOND, stage.batch("never begun"))
    await pipeline.settle()
    assert (stage.seen, stage.running) == (["good"], set())
