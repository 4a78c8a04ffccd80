"""Methods that take their requests as bytes, behind the wrapper that all methods have."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import grpc
import pytest

from opencif.v1 import lookup_pb2, lookup_pb2_grpc
from server.admission import Admission
from server.contract import ContractIncomplete
from server.errors import InvalidArgument, NotFound
from server.metrics import Metrics
from server.rpc import Call, Caller, bind, takes_bytes
from tests.unit.served_calls import Recorded, Serve, failure, raising, servicers

KEYS = lookup_pb2.LookupCardsRequest(keys=[lookup_pb2.CardKey(name="whatever")] * 3)


def answering(data: bytes, call: Call) -> bytes:
    """As many results as the request has keys, twice what was told of them."""
    call.items = len(lookup_pb2.LookupCardsRequest.FromString(data).keys)
    results = [lookup_pb2.CardResult(outcome="LOOKUP_OUTCOME_NOT_FOUND")] * call.items
    return lookup_pb2.LookupCardsResponse(results=results).SerializeToString()


@pytest.mark.parametrize("waits", [False, True])
async def test_a_method_that_takes_bytes_answers_at_once_or_later(
    serve: Serve, waits: bool
) -> None:
    async def later(found: bytes) -> bytes:
        await asyncio.sleep(0)
        return found

    @takes_bytes
    def answer(_servicer: object, data: bytes, call: Call) -> bytes | Awaitable[bytes]:
        assert data == KEYS.SerializeToString()
        found = answering(data, call)
        return later(found) if waits else found

    served = await serve(LookupCards=answer)
    found = await lookup_pb2_grpc.LookupServiceStub(served.channel).LookupCards(KEYS)
    assert len(found.results) == 3
    batches = 'opencif_rpc_batch_items_bucket{le="%d",method="LookupService/LookupCards"} %d.0'
    assert batches % (2, 0) in served.counted
    assert batches % (5, 1) in served.counted


@pytest.mark.parametrize("waits", [False, True])
async def test_an_error_of_a_method_that_takes_bytes_becomes_its_status(
    serve: Serve, waits: bool
) -> None:
    later = raising(NotFound("keys"))

    @takes_bytes
    def answer(servicer: object, data: bytes, call: Call) -> Awaitable[bytes]:
        if waits:
            return later(servicer, data, call)
        raise InvalidArgument("MALFORMED")

    served = await serve(LookupCards=answer)
    stub = lookup_pb2_grpc.LookupServiceStub(served.channel)
    code, reason, _ = await failure(stub.LookupCards(KEYS))
    wanted = (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    at_once = (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")
    assert (code, reason) == (wanted if waits else at_once)
    counted = f'opencif_rpc_handled_total{{code="{code.name}",method="LookupService/LookupCards"}}'
    assert f"{counted} 1.0" in served.counted


async def test_a_method_that_takes_bytes_and_waits_too_long_is_cut_off(serve: Serve) -> None:
    @takes_bytes
    async def hang(_servicer: object, _data: bytes, _call: Call) -> bytes:
        await asyncio.Event().wait()
        return b""

    served = await serve(unary_deadline_s=0.01, LookupCards=hang)
    stub = lookup_pb2_grpc.LookupServiceStub(served.channel)
    code, reason, _ = await failure(stub.LookupCards(KEYS))
    assert (code, reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE")


async def test_a_stream_that_takes_bytes_counts_each_message(serve: Serve) -> None:
    @takes_bytes
    async def answer(
        _servicer: object, requests: AsyncIterator[bytes], call: Call
    ) -> AsyncIterator[bytes]:
        async for data in requests:
            call.items = len(data)
            yield data

    served = await serve(StreamLookupCards=answer)
    call: Any = served.channel.stream_stream("/opencif.v1.LookupService/StreamLookupCards")
    sent = [b"whatever", b"", b"\xff"]
    assert [data async for data in call(iter(sent))] == sent
    counted = 'opencif_rpc_batch_items_count{method="LookupService/StreamLookupCards"} 2.0'
    assert counted in served.counted


@pytest.mark.parametrize("method", ["BlockCard", "Detokenize", "ImportRecords"])
def test_a_method_that_changes_or_is_audited_must_not_take_bytes(method: str) -> None:
    @takes_bytes
    def answer(_servicer: object, data: bytes, _call: Call) -> bytes:
        return data

    with pytest.raises(ContractIncomplete, match=method):
        bind(
            servicers(**{method: answer}),
            lambda _: Caller("x", frozenset()),
            Admission(1),
            Metrics(),
            audit=Recorded(),
        )
