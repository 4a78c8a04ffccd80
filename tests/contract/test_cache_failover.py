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
from repository.pipeline import Lost, Pipe, packed
from repository.server_address import ServerAddress

PASSWORD = "only-here"
TRIES = 100


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
