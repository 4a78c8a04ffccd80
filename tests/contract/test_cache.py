"""A cache that is slow, full of garbage, cut off or cold costs misses, never answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from unittest.mock import ANY

import hiredis
import pytest
import redis.asyncio

from repository import pipeline
from repository.breaker import FAILURES_MAX, Breaker
from repository.cache import UNKNOWN_TTL_S, Cache
from repository.proof import FEW
from repository.reading import Reader
from repository.record import Entry
from repository.values import EMPTY_SIZE, HEAD, HEAD_SIZE, NONCE_SIZE, TAG_SIZE
from repository.window import Window
from tests.contract.stand import (
    ACCOUNT,
    HashBoxes,
    Stand,
    all_open,
    key_of,
    origin,
    raw,
    some_id,
    write,
)


@pytest.fixture
async def behind(stand: Stand) -> AsyncIterator[redis.asyncio.Redis]:
    """The cache behind the repository's back."""
    client = raw(stand)
    yield client
    await client.aclose()


def cache_of(stand: Stand) -> Cache:
    assert stand.cache is not None
    return stand.cache


def breaker_of(cache: Cache) -> Breaker:
    return cache._servers._first.breaker


async def test_values_hold_a_head_and_a_box_and_nothing_else(
    stand: Stand, behind: redis.asyncio.Redis
) -> None:
    id_ = some_id()
    await stand.create(id_)
    value = await behind.get(key_of(stand, id_))
    assert isinstance(value, bytes)
    entry = await stand.get(id_)
    lengths = len(entry.operational), len(entry.private)
    assert HEAD.unpack_from(value) == (entry.version, entry.horizon, *lengths)
    text = entry.operational + entry.private
    padding = bytes(-len(text) % 16)
    assert value[HEAD_SIZE + NONCE_SIZE : -TAG_SIZE] == text + padding
    assert [key async for key in behind.scan_iter()] == [key_of(stand, id_)]


@pytest.mark.parametrize(
    ("garbage", "cause"),
    [
        (b"", "mac"),
        (b"x", "mac"),
        (b"\xff" * (EMPTY_SIZE - 1), "mac"),
        (b"\xff" * 400, "mac"),
        (HEAD.pack(9, 2**60, 8, 8) + b"n" * 16 + b"16 bytes of seal" + b"t" * 16, "mac"),
    ],
)
async def test_garbage_is_a_miss_and_is_replaced(
    stand: Stand, behind: redis.asyncio.Redis, garbage: bytes, cause: str
) -> None:
    id_, sound = some_id(), some_id()
    await stand.create(id_, sound)
    await behind.set(key_of(stand, id_), garbage)
    entries = await stand.reader.get_many(ACCOUNT, [id_, sound])
    assert [entry.version for entry in entries] == [1, 1]
    assert cache_of(stand).stats.misses == {cause: 1}
    await stand.settle()
    await stand.get(id_)  # where discarding overtook the fill, this fills it
    before = stand.reader.stats.statements
    assert (await stand.get(id_)).version == 1
    assert stand.reader.stats.statements == before


async def test_a_truncated_entry_is_a_miss(stand: Stand, behind: redis.asyncio.Redis) -> None:
    id_ = some_id()
    await stand.create(id_)
    value = await behind.get(key_of(stand, id_))
    assert value is not None
    for cut in (1, 16, len(value) - EMPTY_SIZE, len(value) - 3):
        await behind.set(key_of(stand, id_), value[:-cut])
        before = cache_of(stand).stats.misses.get("mac", 0)
        assert (await stand.get(id_)).version == 1
        assert cache_of(stand).stats.misses["mac"] == before + 1


async def test_a_key_of_another_type_is_a_miss_and_is_replaced(
    stand: Stand, behind: redis.asyncio.Redis
) -> None:
    id_ = some_id()
    await stand.create(id_)
    await behind.delete(key_of(stand, id_))
    await behind.rpush(key_of(stand, id_), b"a", b"b")
    assert (await stand.get(id_)).version == 1
    assert await behind.type(key_of(stand, id_)) == b"string"


@pytest.mark.parametrize("count", [1, FEW + 1])
@pytest.mark.parametrize("garbage", [7, True, [b"x"], {b"x": b"y"}, hiredis.ReplyError("x")])
async def test_what_is_no_string_is_a_miss(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, count: int, garbage: object
) -> None:
    ids = [some_id() for _ in range(count + 1)]
    await stand.create(*ids)
    cache = cache_of(stand)
    mget = cache._servers.mget_bulk

    async def garbled(*how: object) -> tuple[list[object], int]:
        values, unanswered = await mget(*how)  # type: ignore[arg-type]  # passed through
        return [*values[:-1], garbage], unanswered

    monkeypatch.setattr(cache._servers, "mget_bulk", garbled)
    assert await cache.peek(ACCOUNT, ids) == dict.fromkeys(ids[:-1], (1, ANY))
    entries = await stand.reader.get_many(ACCOUNT, ids)
    assert {entry.version for entry in entries} == {1}
    assert sum(cache.stats.misses.values()) == 1


async def test_unknown_ids_are_kept_briefly(stand: Stand, behind: redis.asyncio.Redis) -> None:
    known, unknown = some_id(), some_id()
    await stand.create(known)
    await stand.get(unknown)
    assert 0 < await behind.pttl(key_of(stand, unknown)) <= UNKNOWN_TTL_S * 1100
    assert await behind.pttl(key_of(stand, known)) > UNKNOWN_TTL_S * 1100


@pytest.fixture
async def silent_url() -> AsyncIterator[str]:
    """A server that takes connections and never says a word."""
    hang_up = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang_up.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    hang_up.set()
    server.close()
    await server.wait_closed()


async def test_a_silent_cache_is_gone_round_and_then_left_alone(
    stand: Stand, silent_url: str
) -> None:
    id_ = some_id()
    await stand.create(id_)
    cache = Cache(silent_url, HashBoxes(), all_open, stand.window, wait_s=0.02)
    reader = Reader(stand.store, stand.poll, cache)
    for _ in range(FAILURES_MAX):
        breaker_of(cache)._closed_again_at = 0.0
        assert (await reader.get_many(ACCOUNT, [id_]))[0].version == 1
    breaker_of(cache)._closed_again_at = float("inf")
    assert (await reader.get_many(ACCOUNT, [id_]))[0].version == 1
    assert cache.stats.misses == {"timeout": FAILURES_MAX, "down": 1}
    await cache.close()
    assert (cache.stats.filled, cache.stats.fills_dropped) == (0, 0), "it was given more to do"


async def test_our_own_work_is_not_taken_for_a_slow_cache(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the answer takes comes in between spells of work, each longer than the wait."""
    monkeypatch.setattr(pipeline, "WAITS_MAX", 1000)  # others may have the processor for long
    id_ = some_id()
    await stand.create(id_)
    assert stand.valkey is not None
    cache = Cache(stand.valkey.url, HashBoxes(), all_open, stand.window, wait_s=10)
    assert await cache.get_many(ACCOUNT, [id_])  # connected from now on
    cache._wait_s = 0.05
    reading = asyncio.create_task(cache.get_many(ACCOUNT, [id_]))
    while not reading.done():
        began_s = time.thread_time()
        while time.thread_time() < began_s + 0.06:
            pass
        await asyncio.sleep(0)
    assert reading.result() is not None
    assert cache.stats.misses.get("timeout", 0) == 0
    await cache.close()


async def test_a_cache_that_comes_back_is_used_again(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_)
    cache = cache_of(stand)
    assert stand.valkey is not None
    stand.valkey.kill()
    for _ in range(FAILURES_MAX + 1):
        assert (await stand.get(id_)).version == 1
    assert breaker_of(cache).is_open
    stand.valkey.start()
    breaker_of(cache)._closed_again_at = 0.0
    await stand.get(id_)  # the trial: nothing there, and by now no function either
    await stand.get(id_)
    assert not breaker_of(cache).is_open
    hits = cache.stats.hits
    assert (await stand.get(id_)).version == 1
    assert cache.stats.hits == hits + 1


def test_the_breaker_lets_one_trial_through_per_pause() -> None:
    now = [100.0]
    breaker = Breaker(clock=lambda: now[0])
    for _ in range(FAILURES_MAX):
        assert breaker.admits()
        breaker.failed()
    assert not breaker.admits()
    now[0] += 1
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.failed()
    assert not breaker.admits()
    now[0] += 1
    assert breaker.admits()
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


async def test_a_proven_entry_past_half_the_window_is_stamped_anew(
    stand: Stand, behind: redis.asyncio.Redis
) -> None:
    id_ = some_id()
    await stand.create(id_)
    for _ in range(20):
        await stand.create(some_id())
    stand.window.oldest_xid = (await stand.get(id_)).horizon  # as if the window had shrunk
    await stand.poll.poll()
    before = stand.reader.stats.statements
    await stand.get(id_)
    value = await behind.get(key_of(stand, id_))
    assert isinstance(value, bytes)
    assert HEAD.unpack_from(value)[:2] == (1, stand.window.horizon)
    assert stand.reader.stats.statements == before
    assert (await stand.get(id_)).horizon == stand.window.horizon


async def test_another_incarnation_starts_cold(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_)
    assert stand.valkey is not None
    other = Cache(stand.valkey.url, HashBoxes(), all_open, Window(b"another!"), wait_s=10)
    hits = await other.get_many(ACCOUNT, [id_])
    assert hits is not None
    assert len(hits) == 0
    assert other.stats.misses == {"absent": 1}
    await other.close()


async def test_fills_that_nobody_waits_for_are_bounded(stand: Stand) -> None:
    cache = cache_of(stand)
    for _ in range(400):
        cache.put(ACCOUNT, [(some_id(), Entry(0, 1, b"", b""))])
    assert cache.stats.fills_dropped == 400 - 256
    await stand.settle()
    assert cache.stats.filled == 256


async def test_a_write_is_in_the_cache_before_its_caller_goes_on(stand: Stand) -> None:
    id_ = some_id()
    async with stand.writer.begin(origin()) as work:
        await work.insert(write(id_))
    assert cache_of(stand)._fills
    assert stand.window.changed[ACCOUNT][id_] == 1
