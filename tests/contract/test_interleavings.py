"""The cache's dangerous interleavings, each twice: served right with every check in place, and
served stale once exactly the check it needs is taken out. The second run is what shows that the
first one proves something.
"""

from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import redis.asyncio

from repository.cache import Cache
from repository.record import Entry
from repository.values import HEAD, NONCE_SIZE, TAG_SIZE
from repository.window import Window
from tests.contract.stand import ACCOUNT, HashBoxes, Stand, key_of, raw, segment, some_id

Pair = tuple[Stand, Stand]


class Trusting(HashBoxes):
    """Takes every box for one of ours."""

    def few_opened(self, _: bytes, __: object, boxes: Sequence[bytes]) -> list[bytes | None]:
        return [box[NONCE_SIZE:-TAG_SIZE] for box in boxes]


class BlindWindow(Window):
    """A window without one of its two checks."""


def without_version_check(stand: Stand) -> None:
    """No entry is ever too old by version: nothing is known to have changed."""
    assert stand.cache is not None
    blind = BlindWindow(stand.window.incarnation)
    blind.oldest_xid, blind.horizon = stand.window.oldest_xid, stand.window.horizon
    stand.cache._proof._window = blind


def without_horizon_check(stand: Stand) -> None:
    """No entry is ever too old by horizon: everything is taken to be within the window."""
    assert stand.cache is not None
    blind = BlindWindow(stand.window.incarnation)
    blind.oldest_xid, blind.horizon = 0, stand.window.horizon
    blind.changed = stand.window.changed
    stand.cache._proof._window = blind


def without_authentication(stand: Stand) -> None:
    """Whatever lies in the cache is taken to be ours."""
    assert stand.cache is not None
    stand.cache._proof._prover = Trusting()


@pytest.fixture
async def behind(pair: Pair) -> AsyncIterator[redis.asyncio.Redis]:
    """The cache behind the repository's back."""
    client = raw(pair[0])
    yield client
    await client.aclose()


async def outlive_the_window(stand: Stand) -> None:
    """Bring the window so far that it no longer knows of what was changed until now."""
    window = stand.window
    window._ids_max = 0
    await stand.poll.poll()
    window._ids_max = 1_000_000
    await stand.poll.poll()
    assert not window.changed[ACCOUNT]


async def served(stand: Stand, id_: bytes) -> int:
    """The version that `stand` serves; asked once, so that no repair can hide the answer."""
    return (await stand.reader.get_many(ACCOUNT, [id_]))[0].version


async def put_back(behind: redis.asyncio.Redis, key: bytes, value: bytes | str | None) -> None:
    """Eviction, or the past: the cache holds this again, whatever it held."""
    if value is None:
        await behind.delete(key)
    else:
        await behind.set(key, value)


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_version_check, 1)])
async def test_slow_fill_after_a_newer_write_with_eviction_between(
    pair: Pair,
    behind: redis.asyncio.Redis,
    take_out: Callable[[Stand], None] | None,
    expected: int,
) -> None:
    """R reads v1 and stalls; W writes v2, its entry is evicted; R's fill of v1 lands."""
    slow, writer = pair
    id_ = some_id()
    await writer.create(id_)
    await put_back(behind, key_of(slow, id_), None)
    rows = (await slow.store.get_many(ACCOUNT, [id_])).by_id()
    await writer.update(id_, 2)
    await put_back(behind, key_of(slow, id_), None)
    assert slow.cache is not None
    slow.cache.put(ACCOUNT, rows.items())
    await slow.settle()
    await slow.poll.poll()
    if take_out:
        take_out(slow)
    assert await served(slow, id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_horizon_check, 1)])
async def test_slow_fill_that_lands_after_the_window_has_moved_on(
    pair: Pair,
    behind: redis.asyncio.Redis,
    take_out: Callable[[Stand], None] | None,
    expected: int,
) -> None:
    """As above, but so slow that the change of v2 is known to nobody any more."""
    slow, writer = pair
    id_ = some_id()
    await writer.create(id_)
    rows = (await slow.store.get_many(ACCOUNT, [id_])).by_id()
    await writer.update(id_, 2)
    await put_back(behind, key_of(slow, id_), None)
    await slow.poll.poll()
    await outlive_the_window(slow)
    assert slow.cache is not None
    slow.cache.put(ACCOUNT, rows.items())
    await slow.settle()
    if take_out:
        take_out(slow)
    assert await served(slow, id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 3), (without_version_check, 1)])
async def test_flush_then_an_old_entry_put_back(
    pair: Pair,
    behind: redis.asyncio.Redis,
    take_out: Callable[[Stand], None] | None,
    expected: int,
) -> None:
    """The cache loses everything, and an older replica's entry takes its place."""
    here, there = pair
    id_ = some_id()
    await there.create(id_)
    old = await behind.get(key_of(here, id_))
    for version in (2, 3):
        await there.update(id_, version)
    await behind.flushall()
    await here.poll.poll()
    await put_back(behind, key_of(here, id_), old)
    if take_out:
        take_out(here)
    assert await served(here, id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_horizon_check, 1)])
async def test_an_old_entry_put_back_after_the_window_has_moved_on(
    pair: Pair,
    behind: redis.asyncio.Redis,
    take_out: Callable[[Stand], None] | None,
    expected: int,
) -> None:
    here, there = pair
    id_ = some_id()
    await there.create(id_)
    old = await behind.get(key_of(here, id_))
    await there.update(id_, 2)
    await here.poll.poll()
    await outlive_the_window(here)
    await put_back(behind, key_of(here, id_), old)
    if take_out:
        take_out(here)
    assert await served(here, id_) == expected


@pytest.mark.parametrize(
    ("take_out", "late", "expected"),
    [
        (None, False, 1),
        (without_version_check, False, 0),
        (None, True, 1),
        (without_horizon_check, True, 0),
    ],
)
async def test_a_tombstone_of_version_0_after_the_create(
    pair: Pair,
    behind: redis.asyncio.Redis,
    take_out: Callable[[Stand], None] | None,
    late: bool,
    expected: int,
) -> None:
    """The id was asked for before it existed; that answer outlives the create's own entry."""
    here, there = pair
    id_ = some_id()
    assert (await here.get(id_)).version == 0
    tombstone = await behind.get(key_of(here, id_))
    await there.create(id_)
    await here.poll.poll()
    if late:
        await outlive_the_window(here)
    await put_back(behind, key_of(here, id_), tombstone)
    if take_out:
        take_out(here)
    assert await served(here, id_) == expected


@pytest.mark.parametrize(("take_out", "expected"), [(None, 2), (without_authentication, 9)])
async def test_an_old_entry_that_claims_a_newer_version(
    pair: Pair,
    behind: redis.asyncio.Redis,
    take_out: Callable[[Stand], None] | None,
    expected: int,
) -> None:
    """Whoever can write to the cache cannot make an old record pass for a new one."""
    here, there = pair
    id_ = some_id()
    await there.create(id_)
    old = await behind.get(key_of(here, id_))
    assert isinstance(old, bytes)
    await there.update(id_, 2)
    await here.poll.poll()
    _, horizon, *lengths = HEAD.unpack_from(old)
    await put_back(behind, key_of(here, id_), HEAD.pack(9, horizon, *lengths) + old[HEAD.size :])
    if take_out:
        take_out(here)
    assert await served(here, id_) == expected


@pytest.mark.parametrize(
    ("take_out", "expected"), [(None, b""), (without_authentication, b"other")]
)
async def test_an_entry_of_another_id(
    pair: Pair,
    behind: redis.asyncio.Redis,
    take_out: Callable[[Stand], None] | None,
    expected: bytes,
) -> None:
    here, there = pair
    id_, other = some_id(), some_id()
    await there.create(other)
    await here.poll.poll()
    value = await behind.get(key_of(here, other))
    await put_back(behind, key_of(here, id_), value)
    if take_out:
        take_out(here)
    entry = (await here.reader.get_many(ACCOUNT, [id_]))[0]
    assert entry.operational == (segment(other, 1) if expected else b"")


async def test_compare_and_set_only_saves_misses(pair: Pair, behind: redis.asyncio.Redis) -> None:
    """An older fill does not displace a newer entry; a newer horizon of the same version does."""
    here, _ = pair
    assert isinstance(here.cache, Cache)
    id_ = some_id()
    key = key_of(here, id_)
    for version, horizon, expected in (
        (5, 100, (5, 100)),
        (4, 900, (5, 100)),
        (5, 99, (5, 100)),
        (5, 2**33, (5, 2**33)),
        (6, 1, (6, 1)),
        (2**40, 1, (2**40, 1)),
        (2**40 - 1, 2**63, (2**40, 1)),
    ):
        here.cache.put(ACCOUNT, [(id_, Entry(version, horizon, b"operational", b""))])
        await here.settle()
        value = await behind.get(key)
        assert isinstance(value, bytes)
        assert HEAD.unpack_from(value)[:2] == expected
