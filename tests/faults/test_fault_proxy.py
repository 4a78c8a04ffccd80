"""The proxy that fault scenarios put between components: each fault is what its name says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from deploy.fault_proxy import HEALTHY, Fault, FaultProxy, Way

SHORT_S = 0.2


class Echo:
    """A server that sends back what it gets, and remembers how much that was."""

    def __init__(self) -> None:
        self.got = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self.got += data
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def server(echo: Echo) -> AsyncIterator[asyncio.Server]:
    async with await asyncio.start_server(echo.serve, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture
async def link(server: asyncio.Server) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(server.sockets[0].getsockname()[:2]) as proxy:
        yield proxy


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connected(link: FaultProxy) -> AsyncIterator[Ends]:
    reader, writer = await asyncio.open_connection(*link.address)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def refuses(link: FaultProxy) -> bool:
    async with connected(link) as (reader, _):
        try:
            return await asyncio.wait_for(reader.read(1), 5) == b""
        except OSError:  # a reset says the same
            return True


async def silent(reader: asyncio.StreamReader) -> bool:
    try:
        await asyncio.wait_for(reader.read(1), SHORT_S)
    except TimeoutError:
        return True
    return False


async def test_healthy_carries_every_byte_and_the_end(link: FaultProxy) -> None:
    sent = bytes(range(256)) * 4096
    async with connected(link) as (reader, writer):

        async def send() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        assert await asyncio.wait_for(reader.read(-1), 10) == sent
        await sending


async def test_delay_is_latency_in_each_direction(link: FaultProxy) -> None:
    async with connected(link) as (reader, writer):
        await link.put(Fault(delay_s=0.1))
        clock = asyncio.get_running_loop().time
        began = clock()
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        assert clock() - began >= 0.2


async def test_stalled_holds_bytes_until_it_is_healed(link: FaultProxy) -> None:
    async with connected(link) as (reader, writer):
        await link.put(Fault(stalled=True))
        writer.write(b"late")
        assert await silent(reader)
        await link.put(HEALTHY)
        assert await asyncio.wait_for(reader.readexactly(4), 5) == b"late"


async def test_lost_drops_bytes_and_keeps_the_connection(link: FaultProxy, echo: Echo) -> None:
    async with connected(link) as (reader, writer):
        await link.put(Fault(lost=True, ways=frozenset({Way.BACK})))
        writer.write(b"gone")
        assert await silent(reader)
        assert echo.got == b"gone", "only the answer is lost: one way"
        await link.put(HEALTHY)
        writer.write(b"here")
        assert await asyncio.wait_for(reader.readexactly(4), 5) == b"here"


async def test_cut_resets_what_is_connected_and_refuses_what_comes(link: FaultProxy) -> None:
    async with connected(link) as (reader, writer):
        writer.write(b"x")
        await reader.readexactly(1)
        await link.put(Fault(cut=True))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
    assert await refuses(link)
    await link.put(HEALTHY)
    async with connected(link) as (reader, writer):
        writer.write(b"y")
        assert await asyncio.wait_for(reader.readexactly(1), 5) == b"y"


async def test_flip_changes_one_bit_of_each_so_many_bytes(link: FaultProxy) -> None:
    async with connected(link) as (reader, writer):
        await link.put(Fault(flip_every=100, ways=frozenset({Way.BACK})))
        writer.write(bytes(1000))
        came = await asyncio.wait_for(reader.readexactly(1000), 5)
    assert [at for at, byte in enumerate(came) if byte] == list(range(99, 1000, 100))
    assert set(came) == {0, 1}


async def test_a_target_that_is_gone_refuses(link: FaultProxy, server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
    assert await refuses(link)
