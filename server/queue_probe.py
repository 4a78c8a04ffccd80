"""A worker's calls to itself, which tell how long calls wait before it begins with them.

gRPC keeps calls that a busy event loop has not come to in a queue that nothing tells the length of.
These go through it like all others, over a socket that only this user can reach; nothing else about
them is like a caller's.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import grpc

from repository.beside import beside
from server.admission import Admission

__all__ = ["QueueProbe"]

PATH: Final = "/opencif.worker/Probe"
CALM_S: Final = 0.1
LATE_S: Final = 0.05
"""A wait that is looked at again soon: a fifth of the longest that is set."""
SOON_S: Final = 0.02
PROBE_MAX_S: Final = 10.0


class QueueProbe(grpc.GenericRpcHandler):
    """Tells the admission how long calls wait: ten times a second while there is much to do."""

    def __init__(
        self, admission: Admission, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._admission = admission
        self._clock = clock
        self._sent_at: float | None = None  # of a probe that has not begun
        self._handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            _answer
        )

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a probe, which has now waited for as long as it had to."""
        if handler_call_details.method != PATH:
            return None
        if self._sent_at is not None:
            self._admission.waited(self._clock() - self._sent_at)
            self._sent_at = None
        return self._handler

    @contextlib.asynccontextmanager
    async def running(self, server: grpc.aio.Server) -> AsyncIterator[None]:
        """Listen on a socket of its own, start the server, and probe it until the block ends."""
        with tempfile.TemporaryDirectory(prefix="opencif-") as directory:
            address = f"unix:{Path(directory, 'probe')}"
            server.add_insecure_port(address)
            await server.start()
            async with (
                grpc.aio.insecure_channel(address) as channel,
                beside(self._run(channel.unary_unary(PATH))),
            ):
                yield

    async def _run(self, ask: Callable[..., Any]) -> None:
        """Probe while many call, or few whose calls keep the event loop from coming round."""
        late_s = 0.0
        while True:
            if self._admission.turn() or late_s > SOON_S / 2:
                await self._probe(ask)
            else:
                self._admission.waited(0.0)
            pause_s = SOON_S if self._admission.wait_s > LATE_S else CALM_S
            due = self._clock() + pause_s
            await asyncio.sleep(pause_s)
            late_s = self._clock() - due

    async def _probe(self, ask: Callable[..., Any]) -> None:
        """Ask once; until it begins it has waited at least until now."""
        self._sent_at = self._clock()
        answer = asyncio.ensure_future(ask(b"", timeout=PROBE_MAX_S))
        try:
            while not (await asyncio.wait({answer}, timeout=SOON_S))[0]:
                if self._sent_at is not None:
                    self._admission.waited(self._clock() - self._sent_at, still_waits=True)
        finally:
            answer.cancel()
        try:
            await answer
        except grpc.aio.AioRpcError as failure:
            if failure.code() is grpc.StatusCode.UNAVAILABLE:  # nothing is known any more
                self._admission.waited(0.0)


async def _answer(_: bytes, __: object) -> bytes:
    return b""
