"""A TCP link that can be made to fail: late, silent, cut, deaf on one side, or garbled.

It stands between two components of a fault scenario and carries bytes; it must not know what they
mean. Nothing in production goes through it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

__all__ = ["HEALTHY", "Address", "Fault", "FaultProxy", "Way"]

Address = tuple[str, int]

_CHUNK_BYTES: Final = 64 << 10
_CHUNKS_MAX: Final = 16  # read ahead of a slow link; then TCP's own backpressure reaches the sender
_HOST: Final = "127.0.0.1"


class Way(Enum):
    """A direction through the link."""

    THERE = "there"  # from whoever connected to the target
    BACK = "back"


_BOTH: Final = frozenset(Way)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a link, in the directions of `ways`.

    `delay_s` is latency and costs no throughput. `stalled` holds bytes until the fault is over;
    `lost` drops them and lets the connections live (half-open, or one-way in one direction).
    `cut` resets what is connected and refuses what comes. `flip_every` garbles one bit of every
    so many bytes; 0 for none.
    """

    delay_s: float = 0.0
    stalled: bool = False
    lost: bool = False
    cut: bool = False
    flip_every: int = 0
    ways: frozenset[Way] = _BOTH


HEALTHY: Final = Fault()


class FaultProxy:
    """A link from `address`, known once started, to `target`. Use it as an asynchronous context."""

    def __init__(self, target: Address) -> None:
        self.target = target
        self.address: Address = (_HOST, 0)
        self._fault = HEALTHY
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def connections(self) -> int:
        """How many are open through it now."""
        return len(self._connections)

    async def start(self, port: int = 0) -> Address:
        """Listen on loopback; the address."""
        self._server = await asyncio.start_server(self._accept, _HOST, port)
        self.address = self._server.sockets[0].getsockname()[:2]
        return self.address

    async def put(self, fault: Fault) -> None:
        """From now on the link has this fault, and no other; HEALTHY heals it."""
        self._fault = fault
        if fault.cut:
            for writer in list(self._writers):
                writer.transport.abort()
        async with self._changed:
            self._changed.notify_all()

    async def stop(self) -> None:
        """Cut everything and stop listening."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close in the next turn of the loop

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._carry(reader, writer)
        except asyncio.CancelledError:  # stop(); the stream protocol would log it as an error
            pass
        finally:
            self._connections.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions of one connection, until both have ended or one has broken."""
        if self._fault.cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(Way.THERE, reader, far_writer))
                both.create_task(self._pump(Way.BACK, far_reader, writer))
        except* OSError:  # reset by either side, or cut: the other side hears of it below
            pass
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(
        self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One direction: what arrives is stamped, and sent on as the fault lets it."""
        arrived: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS_MAX)
        async with asyncio.TaskGroup() as both:
            both.create_task(_take(reader, arrived.put))
            both.create_task(self._give(way, arrived, writer))

    async def _give(
        self, way: Way, arrived: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        sent = 0
        while True:
            at, data = await arrived.get()
            fault = await self._passable(way, at)
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            if fault.lost:
                continue
            if fault.flip_every:
                data = _garbled(data, sent, fault.flip_every)
            sent += len(data)
            writer.write(data)
            await writer.drain()

    async def _passable(self, way: Way, arrived_at: float) -> Fault:
        """Wait until what arrived then may go on; the fault it goes on under."""
        clock = asyncio.get_running_loop().time
        while True:
            fault = self._fault if way in self._fault.ways else HEALTHY
            if fault.stalled:
                async with self._changed:
                    if self._fault is fault:
                        await self._changed.wait()
                continue
            if (left_s := arrived_at + fault.delay_s - clock()) <= 0:
                return fault
            await asyncio.sleep(left_s)


async def _take(
    reader: asyncio.StreamReader, put: Callable[[tuple[float, bytes]], Awaitable[None]]
) -> None:
    clock = asyncio.get_running_loop().time
    data = b"-"
    while data:
        data = await reader.read(_CHUNK_BYTES)
        await put((clock(), data))


def _garbled(data: bytes, before: int, every: int) -> bytes:
    """The data with a bit flipped in each `every`-th byte of the stream; `before` came earlier."""
    changed = bytearray(data)
    for at in range(-(before + 1) % every, len(changed), every):
        changed[at] ^= 1
    return bytes(changed)
