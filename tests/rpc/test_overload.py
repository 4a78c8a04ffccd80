"""More than the database answers, with no cache before it: what there is room for is answered."""

import asyncio
import base64
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import lookup_pb2
from opencif.v1.lookup_pb2 import CardKey, LookupCardsRequest
from tests.rpc.conftest import PATIENT_S, Launch, Serving

NO_CACHE = {
    "OPENCIF_CACHE_URL": "",
    "OPENCIF_OPENED_MAX_BYTES": "0",
    "OPENCIF_DATABASE_CONNECTIONS": "2",
    "OPENCIF_WAIT_MAX_S": "60",  # a busy machine lets calls wait, too
}
CALLS = 60
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def some_card() -> CardKey:
    """A card that nobody has asked for before, and that is not there."""
    text = base64.b32encode(b"\x01" + os.urandom(15)).decode()[:26].lower()
    return CardKey(name=f"cards/{text}")


async def lookup(client: Client, timeout_s: float) -> str:
    """What a look-up of a card that no cache has comes to."""
    request = LookupCardsRequest(keys=[some_card()])
    try:
        answer = await client.lookup.LookupCards(request, timeout=timeout_s)
    except OpencifError as error:
        return (error.reason or error.code.name) + (" later" if error.retry_after_s else "")
    assert answer.results[0].outcome == lookup_pb2.LOOKUP_OUTCOME_NOT_FOUND
    return "OK"


@asynccontextmanager
async def locked(serving: Serving) -> AsyncIterator[asyncpg.Connection]:
    """The records locked: whoever reads them keeps his connection and waits."""
    holder = await asyncpg.connect(serving.environment["OPENCIF_DATABASE_DSN"])
    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE record")
            yield holder
    finally:
        await holder.close()


async def both_taken(serving: Serving) -> None:
    """Wait until both connections of the worker wait for the lock."""
    observer = await asyncpg.connect(serving.environment["OPENCIF_DATABASE_DSN"])
    async with asyncio.timeout(PATIENT_S):
        while await observer.fetchval(WAITING) < 2:  # noqa: ASYNC110  another process is waited for
            await asyncio.sleep(0.02)
    await observer.close()


@pytest.mark.parametrize(
    ("wait_s", "timeout_s", "told"),
    [
        ("0.05", PATIENT_S, {"DATABASE_UNAVAILABLE later"}),
        ("600", 1.0, {"DEADLINE", "DEADLINE_EXCEEDED"}),
    ],
    ids=["bounded", "the control: to the deadline"],
)
async def test_a_database_that_does_not_come_round_is_waited_for_by_few(
    launch: Launch, wait_s: str, timeout_s: float, told: set[str]
) -> None:
    serving = await launch(**NO_CACHE, OPENCIF_CONNECTION_WAIT_MAX_S=wait_s)
    async with Client(serving.addresses, attempts=1) as client:
        assert await lookup(client, PATIENT_S) == "OK"
        async with locked(serving):
            stuck = []
            for _ in range(2):
                stuck.append(asyncio.ensure_future(lookup(client, PATIENT_S)))
                await asyncio.sleep(0.05)
            await both_taken(serving)
            ended = Counter(
                await asyncio.gather(*(lookup(client, timeout_s) for _ in range(CALLS)))
            )
        assert set(ended) <= told
        if timeout_s == PATIENT_S:
            assert await serving.counted("opencif_rpc_shed_total", reason="CONNECTIONS") > 0
        assert await asyncio.gather(*stuck) == ["OK", "OK"]
        assert await lookup(client, PATIENT_S) == "OK"
    assert await serving.stop() == 0


async def test_what_the_database_answers_it_answers_without_errors(launch: Launch) -> None:
    """As many callers as keep both connections busy all the time, each waiting for its answer."""
    serving = await launch(**NO_CACHE, OPENCIF_CONNECTION_WAIT_MAX_S=str(PATIENT_S))
    async with Client(serving.addresses, timeout_s=PATIENT_S) as client:

        async def call_on() -> list[str]:
            return [await lookup(client, PATIENT_S) for _ in range(8)]

        ended = await asyncio.gather(*(call_on() for _ in range(8)))
    assert {each for one in ended for each in one} == {"OK"}
    assert await serving.stop() == 0
