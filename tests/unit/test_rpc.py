"""The wrapper round every method, on a real gRPC server with servicers made for the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from opencif.v1 import (
    account_pb2,
    card_pb2,
    card_pb2_grpc,
    import_pb2,
    import_pb2_grpc,
    lookup_pb2,
    lookup_pb2_grpc,
    tokenization_pb2,
    tokenization_pb2_grpc,
)
from repository import errors as stored
from server.admission import Admission
from server.contract import ContractIncomplete
from server.errors import FailedPrecondition, NotFound, Unavailable
from server.metrics import Metrics
from server.rpc import Call, Caller, bind
from tests.unit.card_numbers import VISA
from tests.unit.served_calls import (
    PERMISSIONS,
    Recorded,
    Serve,
    Served,
    empty,
    failure,
    raising,
    servicers,
)

NAME = "cards/" + "a" * 25 + "a"
REQUEST_ID = "0190b6c0-1234-7abc-8def-0123456789ab"


def unary(served: Served, path: str) -> Any:
    """A call of plain bytes: the stubs know none."""
    return served.channel.unary_unary(f"/opencif.v1.{path}")


def block(**fields: Any) -> card_pb2.BlockCardRequest:
    return card_pb2.BlockCardRequest(**{"name": NAME, "request_id": REQUEST_ID, **fields})


async def test_a_servicer_gets_the_caller_the_method_and_the_time_left(serve: Serve) -> None:
    seen: list[Call] = []

    async def note(_servicer: object, _request: Any, call: Call) -> card_pb2.BlockCardResponse:
        seen.append(call)
        return card_pb2.BlockCardResponse(consistency_token="t")

    served = await serve(BlockCard=note)
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    answer = await stub.BlockCard(block(), timeout=30)
    await stub.BlockCard(block())
    assert answer.consistency_token == "t"
    assert [call.caller.identity for call in seen] == ["tester", "tester"]
    assert seen[0].method == "opencif.v1.CardService/BlockCard"
    assert 20 < seen[0].remaining_s() <= 31  # gRPC rounds a timeout up on the wire
    assert 0 < seen[1].remaining_s() <= 5


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (NotFound("name"), grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
        (
            FailedPrecondition("ILLEGAL_TRANSITION", "state", "a closed card stays closed"),
            grpc.StatusCode.FAILED_PRECONDITION,
            "ILLEGAL_TRANSITION",
        ),
        (stored.VersionMismatch(1, b"i", 2, 3), grpc.StatusCode.ABORTED, "ETAG_MISMATCH"),
        (stored.LinkTaken(6, b"k", b"h"), grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS"),
        (stored.CommitUnknown(), grpc.StatusCode.UNAVAILABLE, "COMMIT_UNKNOWN"),
        (stored.Unavailable("x"), grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"),
        (stored.TimedOut(), grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE"),
    ],
)
async def test_errors_become_statuses_with_a_reason(
    serve: Serve, error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    served = await serve(BlockCard=raising(error))
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    got_code, got_reason, told = await failure(stub.BlockCard(block()))
    assert (got_code, got_reason) == (code, reason)
    assert ("RetryInfo" in told) == (code is grpc.StatusCode.UNAVAILABLE)


async def test_an_unforeseen_error_tells_an_incident_and_nothing_else(serve: Serve) -> None:
    served = await serve(BlockCard=raising(ValueError(f"bad number {VISA} of Ann Lee")))
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    code, reason, told = await failure(stub.BlockCard(block()))
    assert (code, reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert VISA not in str(told)
    assert "Ann" not in str(told)
    (event,) = served.events
    assert event["incident"] == told["ErrorInfo"].metadata["incident"]
    assert event["error_type"] == "ValueError"
    assert any(frame.startswith("server/rpc.py") for frame in event["frames"])
    assert VISA not in json.dumps(event)


async def test_a_bad_request_names_the_field_and_not_the_value(serve: Serve) -> None:
    served = await serve()
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    code, reason, told = await failure(stub.BlockCard(block(name="cards/nonsense")))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")
    (violation,) = told["BadRequest"].field_violations
    assert (violation.field, violation.reason) == ("name", "MALFORMED")
    assert "nonsense" not in str(told)


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\x7f", b"\x0b" * 400],
    ids=["garbage", "bad UTF-8", "cut short", "nested too deep"],
)
async def test_bytes_that_are_no_message_are_malformed(serve: Serve, data: bytes) -> None:
    served = await serve()
    code, reason, _ = await failure(unary(served, "CardService/BlockCard")(data))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")


async def test_garbage_inside_a_stream_is_malformed(serve: Serve) -> None:
    async def drain(_servicer: object, requests: AsyncIterator[Any], _call: Call) -> bytes:
        async for _ in requests:
            pass
        return b""

    served = await serve(ImportRecords=drain)
    call: Any = served.channel.stream_unary("/opencif.v1.ImportService/ImportRecords")
    code, reason, _ = await failure(call(iter([b"\xff\xff"])))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")


async def test_an_unknown_method_is_unimplemented(serve: Serve) -> None:
    served = await serve()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await unary(served, "CardService/Shred")(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_fields_the_contract_does_not_have_are_dropped(serve: Serve) -> None:
    sizes: list[int] = []

    async def note(_servicer: object, request: Any, _call: Call) -> bytes:
        sizes.append(request.ByteSize())
        return b""

    served = await serve(BlockCard=note)
    known = block().SerializeToString()
    unknown = b"\xfa\x3f\x03123"  # field 1023
    await unary(served, "CardService/BlockCard")(known + unknown)
    assert sizes == [len(known)]


async def test_a_card_number_in_metadata_is_refused(serve: Serve) -> None:
    served = await serve()
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    code, reason, told = await failure(stub.BlockCard(block(), metadata=(("x-note", VISA),)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CARD_NUMBER_IN_TEXT")
    assert VISA not in str(told)
    await stub.BlockCard(block(), metadata=(("x-request-id", REQUEST_ID),))


async def test_a_missing_permission_is_denied(serve: Serve) -> None:
    served = await serve(permissions=frozenset({"card.read"}))
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    code, reason, _ = await failure(stub.BlockCard(block()))
    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION")
    assert [event["event"] for event in served.events] == ["permission_denied"]


async def test_beyond_admission_calls_are_shed_with_a_hint(serve: Serve) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def wait(_servicer: object, _request: Any, _call: Call) -> bytes:
        entered.set()
        await gate.wait()
        return b""

    served = await serve(BlockCard=wait, admission=Admission(1))
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    first = asyncio.ensure_future(stub.BlockCard(block()))
    await entered.wait()
    code, reason, told = await failure(stub.BlockCard(block()))
    gate.set()
    await first
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert told["RetryInfo"].retry_delay.nanos > 0
    await stub.BlockCard(block())


async def test_who_gets_no_connection_is_counted_among_those_turned_away(serve: Serve) -> None:
    admission = Admission(1)
    served = await serve(GetCard=raising(stored.Busy()), admission=admission)
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    code, reason, told = await failure(stub.GetCard(card_pb2.GetCardRequest(name=NAME)))
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert "RetryInfo" in told
    assert admission.shed == {"CONNECTIONS": 1}


class Waited:
    """A call's context, as a server has it when the call has waited: gRPC's own may never come."""

    def __init__(self, left_s: float | None) -> None:
        self._left_s = left_s
        self.code: grpc.StatusCode | None = None

    def time_remaining(self) -> float | None:
        return self._left_s

    async def abort(self, code: grpc.StatusCode, *_: object) -> None:
        self.code = code
        raise grpc.aio.AbortError


@pytest.mark.parametrize("left_s", [None, 1.0, 0.0])
async def test_a_call_that_waited_longer_than_its_caller_is_not_begun(left_s: float | None) -> None:
    begun: list[Call] = []

    async def note(_servicer: object, _request: Any, call: Call) -> bytes:
        begun.append(call)
        return b""

    handlers = bind(
        servicers(GetCard=note),
        lambda _: Caller("tester", PERMISSIONS),
        Admission(1),
        Metrics(),
        audit=Recorded(),
    )
    details = SimpleNamespace(method="/opencif.v1.CardService/GetCard", invocation_metadata=())
    handler: Any = handlers.service(details)
    context = Waited(left_s)
    with suppress(grpc.aio.AbortError):
        await handler.unary_unary(card_pb2.GetCardRequest(name=NAME), context)
    assert len(begun) == (left_s != 0.0)
    assert context.code == (None if begun else grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_a_draining_worker_sends_calls_elsewhere(serve: Serve) -> None:
    admission = Admission(1)
    admission.draining = True
    served = await serve(admission=admission)
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    code, reason, _ = await failure(stub.BlockCard(block()))
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")


@pytest.mark.parametrize(
    ("method", "code", "reason"),
    [
        ("BlockCard", grpc.StatusCode.UNAVAILABLE, "COMMIT_UNKNOWN"),
        ("GetCard", grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE"),
    ],
)
async def test_a_servicer_that_overruns_is_cut_off_and_a_change_is_not_denied(
    serve: Serve, method: str, code: grpc.StatusCode, reason: str
) -> None:
    async def hang(_servicer: object, _request: Any, _call: Call) -> bytes:
        await asyncio.Event().wait()
        return b""

    served = await serve(unary_deadline_s=0.01, **{method: hang})
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    request = block() if method == "BlockCard" else card_pb2.GetCardRequest(name=NAME)
    assert (await failure(getattr(stub, method)(request)))[:2] == (code, reason)


async def test_hot_streams_answer_spliced_bytes(serve: Serve) -> None:
    async def answer(
        _servicer: object, requests: AsyncIterator[Any], _call: Call
    ) -> AsyncIterator[bytes]:
        async for request in requests:
            results = [lookup_pb2.CardResult(outcome="LOOKUP_OUTCOME_NOT_FOUND")] * len(
                request.lookup.keys
            )
            yield lookup_pb2.StreamLookupCardsResponse(
                answer=lookup_pb2.LookupCardsResponse(results=results)
            ).SerializeToString()

    served = await serve(StreamLookupCards=answer)
    stub = lookup_pb2_grpc.LookupServiceStub(served.channel)
    key = lookup_pb2.CardKey(name="whatever: an item's fault is its own")
    chunks = [
        lookup_pb2.StreamLookupCardsRequest(lookup=lookup_pb2.LookupCardsRequest(keys=[key] * n))
        for n in (1, 3)
    ]
    answers = [answer async for answer in stub.StreamLookupCards(iter(chunks))]
    assert [len(answer.answer.results) for answer in answers] == [1, 3]
    empty = lookup_pb2.StreamLookupCardsRequest(lookup=lookup_pb2.LookupCardsRequest())
    code, reason, told = await failure(anext(aiter(stub.StreamLookupCards(iter([empty])))))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EMPTY_BATCH")
    assert told["BadRequest"].field_violations[0].field == "lookup.keys"


async def test_a_clients_stream_is_read_message_by_message(serve: Serve) -> None:
    async def load(
        _servicer: object, requests: AsyncIterator[Any], _call: Call
    ) -> import_pb2.ImportRecordsResponse:
        counts = [len(request.records) async for request in requests]
        return import_pb2.ImportRecordsResponse(cards=sum(counts))

    served = await serve(ImportRecords=load)
    stub = import_pb2_grpc.ImportServiceStub(served.channel)
    row = import_pb2.ImportRecord(account=account_pb2.Account())
    chunks = [import_pb2.ImportRecordsRequest(records=[row] * n) for n in (2, 3)]
    assert (await stub.ImportRecords(iter(chunks))).cards == 5


async def test_every_message_of_a_stream_moves_its_deadline_on(serve: Serve) -> None:
    deadlines = []

    async def load(
        _servicer: object, requests: AsyncIterator[Any], call: Call
    ) -> import_pb2.ImportRecordsResponse:
        deadlines.append(call.deadline)
        deadlines.extend([call.deadline async for _ in requests])
        return import_pb2.ImportRecordsResponse()

    served = await serve(ImportRecords=load)
    row = import_pb2.ImportRecord(account=account_pb2.Account())
    chunks = [import_pb2.ImportRecordsRequest(records=[row])] * 2
    await import_pb2_grpc.ImportServiceStub(served.channel).ImportRecords(iter(chunks))
    assert len(set(deadlines)) == 3
    assert deadlines == sorted(deadlines)


@pytest.mark.parametrize("kind", ["stream_stream", "stream_unary"])
async def test_streams_that_stay_open_do_not_keep_others_out(serve: Serve, kind: str) -> None:
    begun, over = asyncio.Semaphore(0), asyncio.Event()

    async def load(_servicer: object, _requests: AsyncIterator[Any], _call: Call) -> bytes:
        begun.release()
        await over.wait()
        return b""

    async def answer(
        servicer: object, requests: AsyncIterator[Any], call: Call
    ) -> AsyncIterator[bytes]:
        await load(servicer, requests, call)
        return
        yield b""

    admission = Admission(4)
    served = await serve(admission=admission, StreamLookupCards=answer, ImportRecords=load)
    path = {
        "stream_stream": "LookupService/StreamLookupCards",
        "stream_unary": "ImportService/ImportRecords",
    }
    stream = getattr(served.channel, kind)(f"/opencif.v1.{path[kind]}")
    calls = [stream(iter([])) for _ in range(2)]
    for _ in calls:
        await begun.acquire()
    third = stream(iter([]), timeout=20)
    assert await third.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert admission.shed == {"CALLER_SHARE": 1}
    await unary(served, "CardService/GetCard")(
        card_pb2.GetCardRequest(name=NAME).SerializeToString()
    )
    over.set()
    for call in calls:
        assert await call.code() is grpc.StatusCode.OK
    assert admission.running == 0


async def test_calls_are_counted_by_method_and_code(serve: Serve) -> None:
    served = await serve(GetCard=raising(NotFound("name")))
    stub = card_pb2_grpc.CardServiceStub(served.channel)
    await failure(stub.GetCard(card_pb2.GetCardRequest(name=NAME)))
    await stub.BatchGetCards(card_pb2.BatchGetCardsRequest(names=[NAME] * 7))
    for line in (
        'opencif_rpc_started_total{method="CardService/GetCard"} 1.0',
        'opencif_rpc_handled_total{code="NOT_FOUND",method="CardService/GetCard"} 1.0',
        'opencif_rpc_handled_total{code="OK",method="CardService/BatchGetCards"} 1.0',
        'opencif_rpc_in_flight{method="CardService/GetCard"} 0.0',
        'opencif_rpc_duration_seconds_count{method="CardService/GetCard"} 1.0',
        'opencif_rpc_batch_items_bucket{le="5",method="CardService/BatchGetCards"} 0.0',
        'opencif_rpc_batch_items_bucket{le="10",method="CardService/BatchGetCards"} 1.0',
    ):
        assert line in served.counted


@pytest.mark.parametrize(
    ("permissions", "handler", "outcome"),
    [
        (PERMISSIONS, empty, "OK"),
        (PERMISSIONS, raising(NotFound("tokens")), "NOT_FOUND"),
        (frozenset(), empty, "PERMISSION"),
    ],
)
async def test_an_audited_call_is_on_record_before_it_is_answered(
    serve: Serve, permissions: frozenset[str], handler: Callable[..., Any], outcome: str
) -> None:
    audit = Recorded()
    served = await serve(permissions=permissions, audit=audit, Detokenize=handler)
    stub = tokenization_pb2_grpc.TokenizationServiceStub(served.channel)
    token = tokenization_pb2.Token(type=tokenization_pb2.TOKEN_TYPE_PAN, value=VISA)
    request = tokenization_pb2.DetokenizeRequest(tokens=[token, token], purpose="DISPUTE")
    with suppress(grpc.aio.AioRpcError):
        await stub.Detokenize(request)
    method = "opencif.v1.TokenizationService/Detokenize"
    assert audit.calls == [("tester", method, request, 2, outcome)]


async def test_an_audited_call_that_cannot_be_recorded_is_not_answered(serve: Serve) -> None:
    served = await serve(audit=Recorded(Unavailable("DATABASE_UNAVAILABLE")))
    stub = tokenization_pb2_grpc.TokenizationServiceStub(served.channel)
    token = tokenization_pb2.Token(type=tokenization_pb2.TOKEN_TYPE_PAN, value=VISA)
    request = tokenization_pb2.DetokenizeRequest(tokens=[token], purpose="DISPUTE")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.Detokenize(request)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_method_without_an_implementation_is_refused_at_start() -> None:
    incomplete = servicers()
    for servicer in incomplete:
        if type(servicer).__name__ == "CardServicer":
            del type(servicer).BlockCard  # type: ignore[attr-defined]  # made by `type` above
    with pytest.raises(ContractIncomplete, match="BlockCard"):
        bind(
            incomplete,
            lambda _: Caller("x", frozenset()),
            Admission(1),
            Metrics(),
            audit=Recorded(),
        )


def test_a_service_without_a_servicer_is_refused_at_start() -> None:
    with pytest.raises(ContractIncomplete):
        bind(
            servicers()[1:],
            lambda _: Caller("x", frozenset()),
            Admission(1),
            Metrics(),
            audit=Recorded(),
        )
