"""A pipelining client of one Redis-compatible server: RESP3 over one connection, shared by all.

Owns the order of replies, every command's wait, reconnecting and the bounds on what is under way.
A command's future never raises: its result is the reply, an error reply, or why there is none.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias, cast

import hiredis
from hiredis import PushNotification

from repository.breaker import Breaker
from repository.server_address import ServerAddress

__all__ = ["Busy", "Late", "Lost", "NoAnswer", "Pipe", "Refused", "bulk", "packed"]

SLICE_S: Final = 0.002  # of waiting, each measured by itself
WAITS_MAX: Final = 10  # however busy this process has been meanwhile
SERVER_MAX_S: Final = 1.0  # for a connection to be made, and for the oldest command to be answered
UNDER_WAY_MAX: Final = 4096
UNDER_WAY_MAX_BYTES: Final = 32 * 1024 * 1024
PAUSE_FIRST_S: Final = 0.020
PAUSE_MAX_S: Final = 0.400  # no longer than a breaker's pause: its trial finds us trying
BUFFER_KEPT_BYTES: Final = 1024 * 1024  # by the parser between replies


class NoAnswer(Exception):
    """The server did not answer; what it holds, and whether it did what it was told, is not known.

    NoAnswer
    ├── Busy  too much is under way already
    ├── Late  the wait was over
    ├── Lost  there is no connection, or it ended
    └── Refused  it said that it cannot
    """


class Busy(NoAnswer):
    """Too much is under way already."""


class Late(NoAnswer):
    """The wait was over."""


class Lost(NoAnswer):
    """There is no connection, or it ended."""


class Refused(NoAnswer):
    """It said that it cannot: it is loading, has lost its cluster, knows us not."""


# Where a reply is expected: the caller's future, the command's size in bytes, its wait, and when it
# was sent by the server's own clock (as of the last look at it) and by everybody's.
_Slot: TypeAlias = tuple[asyncio.Future[Any], int, float, float, float]

_PENDING: Final = object()


def packed(*words: str | bytes | int) -> bytes:
    """A command as it goes over the wire."""
    return cast("bytes", hiredis.pack_command(words))  # type: ignore[arg-type]  # typed as of one


def bulk(*words: str | bytes | int) -> bytes:
    """Words of a command as it goes over the wire, without their number that stands before it."""
    command = packed(*words)
    return command[command.index(b"\n") + 1 :]


class _Connection(asyncio.Protocol):
    """One connection's life: commands out in order, replies to whoever asked, in that order.

    A caller who is gone, or was told that it is too late, leaves its slot: the reply is discarded.
    Only time in which the server could have answered counts as waiting: an answer that lies unread
    while this thread works, or is kept from its processor, is no fault of the server's.
    """

    def __init__(self, lost: Callable[["_Connection"], None]) -> None:
        self.answered = False
        self._loop = asyncio.get_running_loop()
        self._lost = lost
        self._reader = hiredis.Reader(notEnoughData=_PENDING)
        self._reader.setmaxbuf(BUFFER_KEPT_BYTES)
        self._transport: asyncio.WriteTransport | None = None
        self._open = False  # greeted: commands may go out
        self._ended = False
        self._slots: deque[_Slot] = deque()
        self._out: list[bytes] = []
        self._size_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._own_s = 0.0  # what the server has had to answer in, since the connection began
        self._wall_s = self._worked_s = 0.0

    def send(self, command: bytes, wait_s: float) -> asyncio.Future[Any]:
        """Write a command at the end of this tick; what it is answered, or why it is not."""
        future = self._loop.create_future()
        size = len(command)
        slots = self._slots
        if len(slots) >= UNDER_WAY_MAX or self._size_bytes + size > UNDER_WAY_MAX_BYTES:
            future.set_result(Busy())
            return future
        if self._timer is None:
            self._watch()
        self._size_bytes += size
        slots.append((future, size, wait_s, self._own_s, time.monotonic()))
        if not self._out and self._open:
            self._loop.call_soon(self._flush)
        self._out.append(command)
        return future

    async def greet(self, address: ServerAddress) -> None:
        """Say who we are, and then what was sent meanwhile.

        Raises Lost, also when this is not the server that is looked for, and ReplyError.
        """
        commands = address.greeting()
        if self._transport is None or self._ended:
            raise Lost
        futures = [self._loop.create_future() for _ in commands]
        self._slots.extendleft(
            (future, 0, SERVER_MAX_S, self._own_s, time.monotonic()) for future in reversed(futures)
        )
        self._transport.write(b"".join(packed(*words) for words in commands))
        replies = [await future for future in futures]
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        if not address.is_met_by(replies[0]):
            raise Lost
        self._open = True
        self._flush()

    def drop(self) -> None:
        """End the connection; nothing under way will be answered."""
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        slots, self._slots = self._slots, deque()
        self._out.clear()
        self._lost(self)
        for future, *_ in slots:
            if not future.done():
                future.set_result(Lost())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the transport; one that nobody waits for any more is closed."""
        self._transport = cast("asyncio.WriteTransport", transport)
        if self._ended:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is under way."""
        self.drop()

    def data_received(self, data: bytes) -> None:
        """Hand out replies in the order of the commands; push messages belong to none."""
        gets = self._reader.gets
        try:
            self._reader.feed(data)
            while (reply := gets()) is not _PENDING:
                if type(reply) is PushNotification:
                    continue
                future, size, _, _, _ = self._slots.popleft()
                self._size_bytes -= size
                if not future.done():
                    future.set_result(reply)
        except Exception:  # whatever garbage makes of the parser, or of our order
            self.drop()
        else:
            self.answered = self._open

    def _flush(self) -> None:
        out = self._out
        if self._transport is not None and self._open and out:
            self._out = []
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _watch(self) -> None:
        """Look at the clocks from now on, until nothing is under way."""
        self._wall_s, self._worked_s = time.monotonic(), time.thread_time()
        self._timer = self._loop.call_later(SLICE_S, self._look)

    def _look(self) -> None:
        """Count a slice, however long it took, less our own work; tell those whose wait is over."""
        if not self._slots:
            self._timer = None
            return
        wall_s, worked_s = self._wall_s, self._worked_s
        self._watch()
        worked_s = self._worked_s - worked_s
        self._own_s += max(0.0, min(SLICE_S, self._wall_s - wall_s) - worked_s)
        if self._is_over(self._slots[0], SERVER_MAX_S):
            self.drop()
            return
        for slot in self._slots:
            if not slot[0].done() and self._is_over(slot, slot[2]):
                slot[0].set_result(Late())

    def _is_over(self, slot: _Slot, wait_s: float) -> bool:
        _, _, _, own_s, wall_s = slot
        return (
            self._own_s - own_s >= wait_s + SLICE_S or self._wall_s - wall_s >= wait_s * WAITS_MAX
        )


class Pipe:
    """One server, connected to when something is sent, and again when the connection was lost.

    It may be at one of several places: each is tried after the one before it has been lost.
    After a connection that came to nothing there is a jittered pause, in which nothing is sent.
    """

    def __init__(self, address: ServerAddress) -> None:
        self.breaker = Breaker()
        self.address = address
        self._connection: _Connection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._failures = 0
        self._resumes_s = 0.0

    def send(self, command: bytes, wait_s: float) -> asyncio.Future[Any]:
        """A packed command's future: its reply, an error reply or a NoAnswer, as result.

        Those of one tick leave in one write. Giving up on it shifts no other reply.
        """
        connection = self._connection
        if connection is None:
            if time.monotonic() < self._resumes_s:
                future = asyncio.get_running_loop().create_future()
                future.set_result(Lost())
                return future
            self._connection = connection = _Connection(self._lost)
            self._opening = asyncio.create_task(self._open(connection))
        return connection.send(command, wait_s)

    def drop(self) -> None:
        """Disconnect at once: what was said made no sense. What is under way is lost."""
        if self._connection is not None:
            self._connection.drop()

    async def close(self) -> None:
        """Disconnect; what is under way is lost."""
        self.drop()
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})

    async def _open(self, connection: _Connection) -> None:
        with suppress(OSError, NoAnswer, hiredis.HiredisError):  # a TimeoutError is an OSError
            try:
                async with asyncio.timeout(SERVER_MAX_S):
                    await self.address.connect(lambda: connection)
                    await connection.greet(self.address)
            except BaseException:
                connection.drop()
                raise

    def _lost(self, connection: _Connection) -> None:
        self._connection = None
        self.address = self.address.next()
        self._failures = 0 if connection.answered else self._failures + 1
        if self._failures:
            most_s = min(PAUSE_MAX_S, PAUSE_FIRST_S * 2**self._failures)
            spread = random.uniform(0.5, 1.0)  # noqa: S311 - spreads the retries of many workers
            self._resumes_s = time.monotonic() + most_s * spread
