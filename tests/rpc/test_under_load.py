"""Servers restart and workers die while they are called, and the published client hides it."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import customer_pb2
from tests.rpc import people
from tests.rpc.conftest import PATIENT_S, Launch, Serving, until

CALLERS = 8


class Load:
    """What callers got: answers counted, errors kept."""

    def __init__(self) -> None:
        self.answers = 0
        self.errors: list[str] = []


@asynccontextmanager
async def load(client: Client) -> AsyncIterator[Load]:
    """Callers that read and write one after the other until the block ends."""
    done, ending = Load(), asyncio.Event()
    name = (await people.create(client)).name

    async def call() -> None:
        while not ending.is_set():
            try:
                await people.create(client)
                await client.customers.GetCustomer(customer_pb2.GetCustomerRequest(name=name))
            except OpencifError as error:
                done.errors.append(str(error))
            done.answers += 2

    callers = [asyncio.create_task(call()) for _ in range(CALLERS)]
    try:
        yield done
    finally:
        ending.set()
        await asyncio.gather(*callers)


async def goes_on(done: Load) -> None:
    """Return when everybody has been answered a few times more."""
    wanted = done.answers + 4 * CALLERS

    async def answered() -> bool:
        return done.answers >= wanted

    await until(answered)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@asynccontextmanager
async def fixed(launch: Launch, directory: Path) -> AsyncIterator[tuple[Serving, Serving]]:
    """Two servers on the same databases, each on a port that it has again after a restart."""
    first = await launch(OPENCIF_PORT=free_port())
    second = Serving(first.environment | {"OPENCIF_PORT": free_port()}, directory)
    try:
        await second.start()
        yield first, second
    finally:
        await second.end()


async def test_a_rolling_restart_costs_no_caller_an_error(launch: Launch, tmp_path: Path) -> None:
    async with fixed(launch, tmp_path) as servers:
        addresses = [address for server in servers for address in server.addresses]
        async with Client(addresses, timeout_s=PATIENT_S) as client, load(client) as done:
            for server in servers:
                await goes_on(done)
                assert await server.stop() == 0
                await goes_on(done)
                await server.start()
            await goes_on(done)
        assert done.errors == []
        assert addresses == [address for server in servers for address in server.addresses]
        for server in servers:
            assert await server.stop() == 0


async def test_a_worker_that_is_killed_costs_no_caller_an_error_and_comes_back(
    launch: Launch,
) -> None:
    serving = await launch(OPENCIF_WORKERS="2")
    async with Client(serving.addresses, timeout_s=PATIENT_S) as client, load(client) as done:
        await goes_on(done)
        os.kill(await serving.worker_pid(), signal.SIGKILL)
        await goes_on(done)

        async def is_back() -> bool:
            return await serving.counted("opencif_worker_up") == 2

        await until(is_back)
        await goes_on(done)
    assert done.errors == []
    assert await serving.counted("opencif_worker_restarts_total") == 1
    assert '"backoff_s": 0.0' in serving.log.read_text()
    assert await serving.stop() == 0
