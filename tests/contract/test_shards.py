"""Entries on a real cluster of three: found wherever their slots are, while those move too."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
import redis

from deploy.embedded import EmbeddedValkey
from repository import shards
from repository.cache import Cache
from repository.pipeline import Lost, NoAnswer
from repository.record import Entry
from repository.shards import SLOTS, TAGS, Shards
from repository.window import Window
from tests.contract.stand import ACCOUNT, PATIENT_S, HashBoxes, all_open, some_id
from tests.contract.valkey_cluster import Node, ValkeyCluster, valkey_cluster

HORIZON = 7


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyCluster]:
    with valkey_cluster() as made:
        yield made


@pytest.fixture
async def cache(cluster: ValkeyCluster) -> AsyncIterator[Cache]:
    """A cache on the cluster, empty; its worker's window proves whatever is authentic."""
    for node in cluster.nodes:
        node.command("FLUSHALL")
        node.command("FUNCTION FLUSH")
    made = cache_on(cluster.url)
    await made.get_many(ACCOUNT, [some_id() for _ in range(100)])  # tells it is a cluster
    made.stats.misses.clear()
    yield made
    await made.close()


def cache_on(url: str) -> Cache:
    window = Window()
    window.begin([], oldest_xid=1, horizon=HORIZON)
    return Cache(url, HashBoxes(), all_open, window, wait_s=PATIENT_S)


def some_entries(count: int) -> dict[bytes, Entry]:
    return {some_id(): Entry(n, HORIZON, b"operational %d" % n, b"") for n in range(1, count + 1)}


async def found(cache: Cache, ids: list[bytes]) -> Mapping[bytes, Entry]:
    hits = await cache.get_many(ACCOUNT, ids)
    assert hits is not None
    return hits.by_id()


async def filled(cache: Cache, entries: dict[bytes, Entry]) -> None:
    cache.put(ACCOUNT, entries.items())
    await cache.settled()


def elsewhere(cluster: ValkeyCluster, slot: int) -> Node:
    """A node that a slot can move to."""
    owner = cluster.owner(slot)
    return next(node for node in cluster.nodes if node is not owner)


def test_every_tag_has_the_slot_that_the_server_computes(cluster: ValkeyCluster) -> None:
    told = [cluster.nodes[0].command("CLUSTER KEYSLOT", tag + b"and more") for tag in TAGS]
    assert told == SLOTS
    assert len(set(SLOTS)) == 64


async def test_a_batch_is_spread_over_all_servers_and_found_again(
    cluster: ValkeyCluster, cache: Cache
) -> None:
    entries = some_entries(1000)
    await filled(cache, entries)
    assert (cache.stats.filled, cache.stats.fills_dropped) == (1000, 0)
    assert await found(cache, list(entries)) == entries
    assert cache.stats.misses == {}
    sizes = [node.command("DBSIZE") for node in cluster.nodes]
    assert sum(sizes) == 1000
    assert all(size > 100 for size in sizes)
    for id_, entry in list(entries.items())[:20]:
        assert await found(cache, [id_]) == {id_: entry}


async def test_a_slot_that_moves_while_it_is_read_costs_no_wrong_answer(
    cluster: ValkeyCluster, cache: Cache
) -> None:
    entries = some_entries(1000)
    await filled(cache, entries)
    moving = True

    async def read() -> int:
        rounds = 0
        while moving:
            seen = await found(cache, list(entries))
            assert seen.items() <= entries.items()
            rounds += 1
        return rounds

    readers = [asyncio.create_task(read()) for _ in range(3)]
    for slot in SLOTS[:6]:
        to = elsewhere(cluster, slot)
        source = cluster.begin_move(slot, to)
        await asyncio.sleep(0.02)
        cluster.move_keys(slot, source, to, most=5)  # some here, some there
        await asyncio.sleep(0.02)
        cluster.move_keys(slot, source, to)
        cluster.end_move(slot, to)
        await asyncio.sleep(0.02)
    moving = False
    assert min(await asyncio.gather(*readers)) > 6
    await asyncio.sleep(shards.MAP_PAUSE_S)
    await found(cache, list(entries))  # has the map read, if the last was too early
    await asyncio.sleep(0.1)
    assert await found(cache, list(entries)) == entries
    routes = cache._servers._routes
    assert routes is not None
    for slot, pipe in zip(SLOTS, routes, strict=True):
        assert pipe is not None
        assert pipe.address.place.port == cluster.owner(slot).port


async def test_single_keys_of_a_slot_on_its_way_are_found_where_they_are(
    cluster: ValkeyCluster, cache: Cache
) -> None:
    entries = some_entries(300)
    await filled(cache, entries)
    slot = SLOTS[20]
    there = {id_: entry for id_, entry in entries.items() if id_[-1] & 63 == 20}
    to = elsewhere(cluster, slot)
    source = cluster.begin_move(slot, to)
    cluster.move_keys(slot, source, to, most=1)
    for id_, entry in there.items():  # ASK leads to the one that has moved
        assert await found(cache, [id_]) == {id_: entry}
    new = {some_id_of(20): Entry(1, HORIZON, b"new", b"")}
    await filled(cache, new)
    assert await found(cache, list(new)) == new
    cluster.move_keys(slot, source, to)
    cluster.end_move(slot, to)
    assert await found(cache, list(entries | new)) == entries | new


def some_id_of(tag: int) -> bytes:
    return next(id_ for id_ in iter(some_id, None) if id_[-1] & 63 == tag)


async def test_a_server_that_is_down_costs_its_own_keys(
    cluster: ValkeyCluster, cache: Cache
) -> None:
    entries = some_entries(500)
    await filled(cache, entries)
    victim = cluster.nodes[1]
    theirs = {id_ for id_ in entries if cluster.owner(SLOTS[id_[-1] & 63]) is victim}
    rest = {id_: entry for id_, entry in entries.items() if id_ not in theirs}
    cache._wait_s = 0.3
    os.kill(victim.server.pid, signal.SIGSTOP)
    try:
        assert await found(cache, list(entries)) == rest
    finally:
        os.kill(victim.server.pid, signal.SIGCONT)
    assert cache.stats.misses == {"down": len(theirs)}
    cache._wait_s = PATIENT_S
    for _ in range(100):
        if await found(cache, list(entries)) == entries:
            break
        await asyncio.sleep(0.05)
    assert await found(cache, list(entries)) == entries


async def test_a_slot_that_no_server_has_costs_its_own_keys(
    cluster: ValkeyCluster, cache: Cache
) -> None:
    entries = some_entries(300)
    await filled(cache, entries)
    theirs = {id_: entry for id_, entry in entries.items() if id_[-1] & 63 == 30}
    rest = {id_: entry for id_, entry in entries.items() if id_ not in theirs}
    owner = cluster.give_up(SLOTS[30])
    try:
        while True:
            assert await found(cache, list(entries)) == rest
            if cache._servers._routes is None or cache._servers._routes[30] is None:
                break
            await asyncio.sleep(0.05)
        cache.stats.misses.clear()
        assert await found(cache, list(entries)) == rest
        assert cache.stats.misses == {"down": len(theirs)}
        await filled(cache, theirs)  # has nowhere to go, and fails nobody
    finally:
        owner.command("CLUSTER ADDSLOTS", SLOTS[30])
    async with asyncio.timeout(PATIENT_S):
        while await found(cache, list(entries)) != entries:
            await filled(cache, theirs)
            await asyncio.sleep(0.05)


async def test_a_first_fill_finds_out_that_it_is_a_cluster(cluster: ValkeyCluster) -> None:
    entries = some_entries(200)
    cache = cache_on(cluster.url)
    await filled(cache, entries)
    assert (cache.stats.filled, cache.stats.fills_dropped) == (0, 1)
    assert cache._servers._learning is not None
    await cache._servers._learning
    await filled(cache, entries)
    assert await found(cache, list(entries)) == entries
    await cache.close()


async def test_one_server_answers_a_batch_in_one_command(empty_valkey: EmbeddedValkey) -> None:
    def mgets() -> int:
        with redis.Redis.from_url(empty_valkey.url) as client:
            counts = client.info("commandstats").get("cmdstat_mget", {"calls": 0})
        return int(counts["calls"])

    servers, before = Shards(empty_valkey.url), mgets()
    keys = [TAGS[n % 64] + b"key %3d" % n for n in range(500)]
    assert await servers.mget(keys, PATIENT_S) == [None] * 500
    assert mgets() == before + 1
    assert servers._routes is None
    await servers.close()


async def test_keys_of_one_call_have_one_length(empty_valkey: EmbeddedValkey) -> None:
    servers = Shards(empty_valkey.url)
    with pytest.raises(ValueError, match="one length"):
        await servers.mget([b"{00}a", b"{00}bc"], PATIENT_S)
    await servers.close()


async def test_a_reply_that_fits_no_question_ends_the_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"+OK\r\n")
        while await reader.read(1000):
            writer.write(b"*1\r\n$3\r\nabc\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    servers = Shards(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert await servers.mget([b"{00}a"], PATIENT_S) == [b"abc"]
    with pytest.raises(Lost):
        await servers.mget([b"{00}a", b"{00}b"], PATIENT_S)
    assert servers._first._connection is None
    with pytest.raises(NoAnswer):
        await servers.mget([b"{00}a", b"{00}b"], PATIENT_S)
    await servers.close()
    server.close()
