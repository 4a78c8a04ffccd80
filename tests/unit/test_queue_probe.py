"""A worker that is behind with its calls notices, and turns some away."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc

from opencif.v1 import card_pb2, card_pb2_grpc
from server.admission import REFUSED_OF_LIGHT, STANDING_S, Admission
from server.metrics import Metrics
from server.queue_probe import QueueProbe
from server.rpc import Call, Caller, bind
from tests.unit.served_calls import PERMISSIONS, Recorded, failure, servicers

CALL_S = 0.01
"""So short that the probe sees many of them between two of its looks, on any machine."""
CALLERS = 32
CALLS_EACH = 8
WAIT_MAX_S = 0.05
PATIENT_S = 60
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


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what the probe's own loop does."""
    async with asyncio.timeout(PATIENT_S):
        while not holds():  # noqa: ASYNC110  nothing tells when it does
            await asyncio.sleep(0.01)


class Pile:
    """Callers that go on calling: more calls than the event loop comes to."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = card_pb2_grpc.CardServiceStub(channel)
        self.answered = 0
        self.refused: list[grpc.StatusCode] = []

    async def call(self) -> None:
        try:
            await self._stub.GetCard(card_pb2.GetCardRequest(name=NAME), timeout=PATIENT_S)
            self.answered += 1
        except grpc.aio.AioRpcError as error:
            self.refused.append(error.code())

    async def up(self) -> None:
        """All of them call, one after the other, until the first is refused."""

        async def call_and_call_again() -> None:
            for _ in range(CALLS_EACH):
                if not self.refused:
                    await self.call()

        await asyncio.gather(*(call_and_call_again() for _ in range(CALLERS)))


async def test_calls_that_pile_up_before_the_loop_are_seen() -> None:
    admission = Admission(1_000, wait_max_s=WAIT_MAX_S)
    async with served(admission, is_probed=True) as channel, asyncio.timeout(PATIENT_S):
        pile = Pile(channel)
        while not pile.refused:  # a machine that stood still has no short wait to compare with
            await until(lambda: admission.wait_s < CALL_S)
            await pile.up()
        assert len(pile.refused) == admission.shed["OVERLOADED"]
        assert set(pile.refused) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert pile.answered
        answered = pile.answered
        while pile.answered == answered:
            await until(lambda: not admission.is_overloaded)
            await pile.call()


async def test_the_control_where_nobody_probes_no_pile_is_seen() -> None:
    admission = Admission(1_000, wait_max_s=WAIT_MAX_S)
    async with served(admission, is_probed=False) as channel:
        pile = Pile(channel)
        await pile.up()
    assert (pile.answered, pile.refused) == (CALLERS * CALLS_EACH, [])


def overloaded() -> Admission:
    """Where calls have waited too long for as long as it takes to be called an overload."""
    now = [0.0]
    admission = Admission(1, clock=lambda: now[0])
    for now[0] in (0.0, STANDING_S):
        admission.waited(60.0)
    assert admission.is_overloaded
    return admission


async def test_a_call_that_is_turned_away_is_told_when_to_come_again() -> None:
    admission = overloaded()
    async with served(admission, is_probed=False) as channel:
        stub = card_pb2_grpc.CardServiceStub(channel)
        request = card_pb2.GetCardRequest(name=NAME)
        for _ in range(REFUSED_OF_LIGHT - 1):
            await stub.GetCard(request)
        code, reason, told = await failure(stub.GetCard(request))
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert told["RetryInfo"].retry_delay.ToMilliseconds() > 0


async def test_while_few_call_nobody_is_probed() -> None:
    admission = overloaded()
    async with served(admission, is_probed=True):
        await until(lambda: not admission.is_overloaded)


class Deaf:
    """A server that nobody can reach."""

    def add_insecure_port(self, _: str) -> None:
        pass

    async def start(self) -> None:
        pass


async def test_who_cannot_tell_any_more_turns_nobody_away() -> None:
    """As when somebody has tidied the socket away."""
    admission = overloaded()
    async with QueueProbe(admission).running(Deaf()):  # type: ignore[arg-type]  # all it is asked
        await until(lambda: not admission.is_overloaded)
