"""A cache of a primary and its replica: whichever is the primary now is asked."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from deploy.cluster_parts import ValkeyNode
from deploy.places import settle
from deploy.process import service_account
from repository.cache import Cache
from repository.pipeline import Lost, Pipe, packed
from repository.record import Entry
from repository.server_address import ServerAddress
from repository.window import Window
from tests.contract.stand import ACCOUNT, PATIENT_S, HashBoxes, all_open, some_id

PASSWORD = "only-here"
TRIES = 100
HORIZON = 7


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[ValkeyNode, ValkeyNode]]:
    account = service_account()
    home = settle(tmp_path / "pair", account)
    first, second = (ValkeyNode(name, home, account, PASSWORD) for name in ("one", "two"))
    try:
        first.start()
        second.start(follows=first.address)
        yield first, second
    finally:
        first.stop()
        second.stop()


def pipe_to(*nodes: ValkeyNode) -> Pipe:
    hosts = ",".join(str(node.address) for node in nodes)
    return Pipe(ServerAddress.parse(f"redis://:{PASSWORD}@{hosts}"))


async def answered(pipe: Pipe, *words: str) -> Any:
    """The first answer there is; what is lost on the way is not repeated by the pipe itself."""
    for _ in range(TRIES):
        reply = await pipe.send(packed(*words), 5.0)
        if not isinstance(reply, Lost):
            return reply
        await asyncio.sleep(0.05)
    raise AssertionError("no answer")


async def test_the_primary_is_asked_wherever_it_stands_in_the_list(
    pair: tuple[ValkeyNode, ValkeyNode],
) -> None:
    primary, replica = pair
    for order in ((primary, replica), (replica, primary)):
        pipe = pipe_to(*order)
        assert await answered(pipe, "SET", "key", "value") == b"OK", "a replica refuses that"
        assert pipe.address.place.port == primary.address.port
        await pipe.close()


async def test_a_replica_that_was_promoted_is_followed(
    pair: tuple[ValkeyNode, ValkeyNode],
) -> None:
    primary, replica = pair
    pipe = pipe_to(primary, replica)
    assert await answered(pipe, "SET", "key", "old") == b"OK"
    primary.kill()
    promoted = redis.Redis(host=replica.address.host, port=replica.address.port, password=PASSWORD)
    promoted.replicaof("NO", "ONE")
    promoted.close()
    assert await answered(pipe, "SET", "key", "new") == b"OK"
    assert pipe.address.place.port == replica.address.port
    await pipe.close()


async def test_a_primary_that_was_made_a_replica_is_left_with_the_first_write_it_refuses(
    pair: tuple[ValkeyNode, ValkeyNode],
) -> None:
    """It keeps its connections and goes on answering reads."""
    first, second = pair
    window = Window()
    window.begin([], oldest_xid=1, horizon=HORIZON)
    url = f"redis://:{PASSWORD}@{first.address},{second.address}"
    cache = Cache(url, HashBoxes(), all_open, window, wait_s=PATIENT_S)
    entry = Entry(1, HORIZON, b"operational", b"")

    async def put_and_found(id_: bytes) -> bool:
        cache.put(ACCOUNT, [(id_, entry)])
        await cache.settled()
        hits = await cache.get_many(ACCOUNT, [id_])
        return hits is not None and len(hits) == 1

    assert await put_and_found(some_id())
    for node, follows in ((second, ("NO", "ONE")), (first, second.address)):
        with redis.Redis(
            host=node.address.host, port=node.address.port, password=PASSWORD
        ) as server:
            server.replicaof(*map(str, follows))
    for _ in range(TRIES):
        if await put_and_found(some_id()):
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("the former primary is written to for ever")
    await cache.close()
