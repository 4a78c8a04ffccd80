"""A worker that is behind with its calls notices, and turns some away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest

from opencif.v1 import card_pb2, card_pb2_grpc
from server.admission import REFUSED_OF_LIGHT, Admission
from server.metrics import Metrics
from server.queue_probe import QueueProbe
from server.rpc import Call, Caller, bind
from tests.unit.served_calls import PERMISSIONS, Recorded, failure, servicers

CALL_S = 0.05
CALLERS = 8
CALLS_EACH = 6
NAME = "cards/" + "a" * 26


async def block_the_loop(_servicer: object, _request: Any, _call: Call) -> bytes:
    """Takes the event loop's time, as parsing and opening do."""
    time.sleep(CALL_S)  # noqa: ASYNC251  that is the point
    return b""


@asynccontextmanager
async def served(admission: Admission, *, is_probed: bool) -> AsyncIterator[grpc.aio.Channel]:
    handlers = bind(
        servicers(GetCard=block_the_loop),
        lambda _: Caller("tester", PERMISSIONS),
        admission,
        Metrics(),
        audit=Recorded(),
    )
    probe = QueueProbe(admission)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers, probe))
    port = server.add_insecure_port("127.0.0.1:0")
    async with AsyncExitStack() as opened:
        if is_probed:
            await opened.enter_async_context(probe.running(server))
        else:
            await server.start()
        opened.push_async_callback(server.stop, 0)
        yield await opened.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))


async def calm(admission: Admission) -> None:
    """Wait until calls are let in again."""
    async with asyncio.timeout(30):
        while admission.is_overloaded:  # noqa: ASYNC110  the probe's own loop is waited for
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_probed", [True, False], ids=["probed", "the control: not probed"])
async def test_calls_that_pile_up_before_the_loop_are_seen(is_probed: bool) -> None:
    admission = Admission(1_000, wait_max_s=CALL_S)
    async with served(admission, is_probed=is_probed) as channel:
        stub = card_pb2_grpc.CardServiceStub(channel)
        request = card_pb2.GetCardRequest(name=NAME)
        shed: list[grpc.aio.AioRpcError] = []

        async def call_and_call_again() -> None:
            for _ in range(CALLS_EACH):
                try:
                    await stub.GetCard(request, timeout=60)
                except grpc.aio.AioRpcError as error:
                    shed.append(error)

        await asyncio.gather(*(call_and_call_again() for _ in range(CALLERS)))
        assert len(shed) == admission.shed["OVERLOADED"]
        assert bool(shed) is is_probed
        assert len(shed) < CALLERS * CALLS_EACH
        assert {error.code() for error in shed} <= {grpc.StatusCode.RESOURCE_EXHAUSTED}
        await calm(admission)
        await stub.GetCard(request, timeout=60)


async def test_a_call_that_is_turned_away_is_told_when_to_come_again() -> None:
    admission = Admission(1)
    admission.waited(60.0)
    async with served(admission, is_probed=False) as channel:
        stub = card_pb2_grpc.CardServiceStub(channel)
        request = card_pb2.GetCardRequest(name=NAME)
        for _ in range(REFUSED_OF_LIGHT - 1):
            await stub.GetCard(request)
        code, reason, told = await failure(stub.GetCard(request))
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert told["RetryInfo"].retry_delay.ToMilliseconds() > 0


async def test_while_few_call_nobody_is_probed() -> None:
    admission = Admission(1)
    admission.waited(60.0)
    async with served(admission, is_probed=True):
        await calm(admission)


class Deaf:
    """A server that nobody can reach."""

    def add_insecure_port(self, _: str) -> None:
        pass

    async def start(self) -> None:
        pass


async def test_who_cannot_tell_any_more_turns_nobody_away() -> None:
    """As when somebody has tidied the socket away."""
    admission = Admission(1)
    admission.waited(60.0)
    async with QueueProbe(admission).running(Deaf()):  # type: ignore[arg-type]  # all it is asked
        await calm(admission)
