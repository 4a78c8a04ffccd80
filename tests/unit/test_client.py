"""The published client against a server that speaks the generated stubs and fails on command."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, NoReturn
from uuid import UUID

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from opencif import errors
from opencif.client import Client
from opencif.v1 import (
    account_pb2,
    ach_pb2,
    ach_pb2_grpc,
    card_pb2,
    card_pb2_grpc,
    import_pb2,
    import_pb2_grpc,
    lookup_pb2,
    lookup_pb2_grpc,
)

Code = grpc.StatusCode
CARD = "cards/aaaaaaaaaaaaaaaaaaaaaaaaaa"


async def fail(
    context: Any, code: grpc.StatusCode, reason: str = "", retry_s: float | None = None
) -> NoReturn:
    """Ends a call as the server does: a status with ErrorInfo, field path and RetryInfo."""
    details = []
    if reason:
        violation = error_details_pb2.BadRequest.FieldViolation(field="name", reason=reason)
        for message in (
            error_details_pb2.ErrorInfo(
                reason=reason, domain="opencif", metadata={"incident": "i-1"}
            ),
            error_details_pb2.BadRequest(field_violations=[violation]),
        ):
            details.append(AnyMessage())
            details[-1].Pack(message)
    if retry_s is not None:
        delay = Duration()
        delay.FromMicroseconds(round(retry_s * 1e6))
        details.append(AnyMessage())
        details[-1].Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=code.value[0], message="fixed text", details=details)
    await context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError


class Fake(
    card_pb2_grpc.CardServiceServicer,
    lookup_pb2_grpc.LookupServiceServicer,
    import_pb2_grpc.ImportServiceServicer,
    ach_pb2_grpc.AchResolutionServiceServicer,
):
    """Answers, after failing as often as it was told to; keeps the requests it saw."""

    def __init__(self) -> None:
        self.failures: list[tuple[Any, ...]] = []
        self.seen: list[Any] = []
        self.calls_now = self.calls_most = 0

    async def take(self, request: Any, context: Any) -> None:
        self.seen.append(request)
        if self.failures:
            await fail(context, *self.failures.pop(0))

    async def BlockCard(self, request: Any, context: Any) -> card_pb2.BlockCardResponse:
        await self.take(request, context)
        return card_pb2.BlockCardResponse(
            card=card_pb2.Card(name=request.name), consistency_token=f"token-{len(self.seen)}"
        )

    async def GetCard(self, request: Any, context: Any) -> card_pb2.GetCardResponse:
        await self.take(request, context)
        return card_pb2.GetCardResponse(card=card_pb2.Card(name=request.name))

    async def ListCards(self, request: Any, context: Any) -> card_pb2.ListCardsResponse:
        await self.take(request, context)
        page = int(request.page_token or 0)
        return card_pb2.ListCardsResponse(
            cards=[card_pb2.Card(name=f"{request.customer}-{page}")],
            next_page_token=str(page + 1) if page < 2 else "",
        )

    async def LookupAccounts(self, request: Any, context: Any) -> lookup_pb2.LookupAccountsResponse:
        await self.take(request, context)
        self.calls_now += 1
        self.calls_most = max(self.calls_most, self.calls_now)
        turn = len(self.seen)
        await asyncio.sleep(0.02 / turn)  # later calls end earlier
        self.calls_now -= 1
        return lookup_pb2.LookupAccountsResponse(
            results=[
                lookup_pb2.AccountResult(account=account_pb2.Account(name=key.name))
                for key in request.keys
            ],
            stale_since=Timestamp(seconds=1_000 - turn, nanos=turn),
        )

    async def ImportRecords(
        self, requests: AsyncIterator[Any], context: Any
    ) -> import_pb2.ImportRecordsResponse:
        rows = 0
        async for request in requests:
            await self.take(request, context)
            rows += len(request.records)
        return import_pb2.ImportRecordsResponse(accounts=rows, consistency_token="loaded")

    async def ResolveAchFile(
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[ach_pb2.ResolveAchFileResponse]:
        size = 0
        async for request in requests:
            self.seen.append(request)
            if request.HasField("data"):
                size += len(request.data)
                yield ach_pb2.ResolveAchFileResponse(return_file=request.data[:1])
                if self.failures:
                    await fail(context, *self.failures.pop(0))
        yield ach_pb2.ResolveAchFileResponse(summary=ach_pb2.AchFileSummary(entries=size))


Start = Callable[[], Any]


@asynccontextmanager
async def serving(fake: Fake) -> AsyncIterator[str]:
    server = grpc.aio.server()
    card_pb2_grpc.add_CardServiceServicer_to_server(fake, server)
    lookup_pb2_grpc.add_LookupServiceServicer_to_server(fake, server)
    import_pb2_grpc.add_ImportServiceServicer_to_server(fake, server)
    ach_pb2_grpc.add_AchResolutionServiceServicer_to_server(fake, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@pytest.fixture
async def fake() -> AsyncIterator[tuple[Fake, Client]]:
    server = Fake()
    async with serving(server) as address, Client(address) as client:
        yield server, client


@pytest.mark.parametrize(
    "failure",
    [
        (Code.UNAVAILABLE, "COMMIT_UNKNOWN"),
        (Code.UNAVAILABLE, "SHUTTING_DOWN"),
        (Code.ABORTED, "OPERATION_IN_PROGRESS"),
        (Code.ABORTED, "CONFLICT"),
        (Code.RESOURCE_EXHAUSTED, "OVERLOADED", 0.01),
        (Code.CANCELLED, "CANCELLED"),
    ],
)
async def test_a_mutation_is_repeated_under_one_request_id(
    fake: tuple[Fake, Client], failure: tuple[Any, ...]
) -> None:
    server, client = fake
    server.failures = [failure]
    request = card_pb2.BlockCardRequest(name=CARD)
    answer = await client.cards.BlockCard(request)
    assert answer.card.name == CARD
    first, second = (seen.request_id for seen in server.seen)
    assert first == second
    assert UUID(first)
    assert not request.request_id, "the caller's request is not written to"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ((Code.ABORTED, "ETAG_MISMATCH"), errors.Aborted),
        ((Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"), errors.ResourceExhausted),
        ((Code.INVALID_ARGUMENT, "MALFORMED"), errors.InvalidArgument),
        ((Code.NOT_FOUND, "NOT_FOUND"), errors.NotFound),
        ((Code.ALREADY_EXISTS, "ALREADY_EXISTS"), errors.AlreadyExists),
        ((Code.FAILED_PRECONDITION, "ILLEGAL_TRANSITION"), errors.FailedPrecondition),
        ((Code.PERMISSION_DENIED, "PERMISSION"), errors.PermissionDenied),
        ((Code.UNAUTHENTICATED, "UNAUTHENTICATED"), errors.Unauthenticated),
        ((Code.DATA_LOSS, "SEAL_BROKEN"), errors.DataLoss),
        ((Code.INTERNAL, "INTERNAL"), errors.InternalError),
        ((Code.DEADLINE_EXCEEDED, "DEADLINE"), errors.DeadlineExceeded),
    ],
)
async def test_other_failures_are_raised_at_once_and_typed(
    fake: tuple[Fake, Client], failure: tuple[Any, ...], kind: type[errors.OpencifError]
) -> None:
    server, client = fake
    server.failures = [failure]
    with pytest.raises(kind) as raised:
        await client.cards.BlockCard(card_pb2.BlockCardRequest(name=CARD))
    assert len(server.seen) == 1
    assert (raised.value.code, raised.value.reason) == failure
    assert [violation.field for violation in raised.value.fields] == ["name"]
    assert raised.value.message == "fixed text"
    assert raised.value.incident == "i-1"
    assert CARD not in str(raised.value)


async def test_attempts_end(fake: tuple[Fake, Client]) -> None:
    server, _ = fake
    server.failures = [(Code.UNAVAILABLE, "TOO_STALE")] * 9
    async with serving(server) as address, Client(address, attempts=3) as client:
        with pytest.raises(errors.Unavailable):
            await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    assert len(server.seen) == 3


@pytest.mark.parametrize("addresses", [1, 2])
async def test_only_another_address_is_asked_at_once(
    fake: tuple[Fake, Client], monkeypatch: pytest.MonkeyPatch, addresses: int
) -> None:
    """Behind a balancer others are answered meanwhile: the address is well, and the call fails."""
    server, _ = fake
    server.failures = [(Code.UNAVAILABLE, "SHUTTING_DOWN")] * 5
    slept: list[float] = []

    async def sleep(pause_s: float) -> None:
        slept.append(pause_s)

    monkeypatch.setattr("opencif.channel.Endpoint.failed", lambda _: None)
    async with AsyncExitStack() as opened:
        known = [await opened.enter_async_context(serving(server)) for _ in range(addresses)]
        client = await opened.enter_async_context(Client(known))
        monkeypatch.setattr("opencif.calls.asyncio.sleep", sleep)
        await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
        monkeypatch.undo()
    if addresses == 1:
        assert all(
            longest / 2 <= pause_s <= longest
            for pause_s, longest in zip(slept, (0.1, 0.2, 0.4, 0.8, 1.6), strict=True)
        )
    else:
        assert slept == [0.0] * 5


async def test_a_pause_longer_than_the_deadline_is_not_waited_for(
    fake: tuple[Fake, Client],
) -> None:
    server, client = fake
    server.failures = [(Code.RESOURCE_EXHAUSTED, "OVERLOADED", 90.0)]
    with pytest.raises(errors.ResourceExhausted) as raised:
        await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD), timeout=60)
    assert raised.value.retry_after_s == pytest.approx(90.0)
    assert len(server.seen) == 1


async def test_every_call_has_a_deadline() -> None:
    class Mute(Fake):
        async def GetCard(self, request: Any, context: Any) -> card_pb2.GetCardResponse:
            self.seen.append(context.time_remaining())
            if len(self.seen) > 1:
                await asyncio.Event().wait()
            return card_pb2.GetCardResponse()

    server, request = Mute(), card_pb2.GetCardRequest(name=CARD)
    async with serving(server) as address:
        async with Client(address, timeout_s=60) as client:
            await client.cards.GetCard(request)
        assert server.seen[0] < 62  # gRPC rounds what it sends up
        async with Client(address, timeout_s=0.2) as client:
            with pytest.raises(errors.DeadlineExceeded):
                await client.cards.GetCard(request)
    assert len(server.seen) <= 2, "tried once"


@pytest.mark.parametrize("is_given_up", [True, False], ids=["", "the control: gRPC alone"])
async def test_a_call_that_grpc_does_not_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, is_given_up: bool
) -> None:
    async def never(*_: object, **__: object) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    if is_given_up:
        monkeypatch.setattr("opencif.calls._GIVEN_UP_AFTER_S", 0.05)
    monkeypatch.setattr("opencif.channel.Endpoint.callable", lambda *_: never)
    async with Client("127.0.0.1:1", timeout_s=0.05) as client:
        call = asyncio.ensure_future(client.cards.GetCard(card_pb2.GetCardRequest(name=CARD)))
        done, _ = await asyncio.wait({call}, timeout=30 if is_given_up else 0.5)
        assert bool(done) is is_given_up
        if is_given_up:
            with pytest.raises(errors.DeadlineExceeded):
                await call
        else:
            call.cancel()


async def test_a_channel_that_does_not_close_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("opencif.channel._CLOSE_MAX_S", 0.05)
    monkeypatch.setattr("grpc.aio.Channel.close", never)
    async with asyncio.timeout(30):
        async with Client(["127.0.0.1:1", "127.0.0.1:2"]):
            pass


async def test_calls_go_round_the_addresses_and_round_one_that_is_gone() -> None:
    one, two = Fake(), Fake()
    async with serving(one) as first:
        async with serving(two) as second, Client([first, second]) as client:
            for _ in range(6):
                await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
            assert (len(one.seen), len(two.seen)) == (3, 3)
        async with Client(f"{first},{second}") as client:
            for _ in range(6):
                await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
        assert (len(one.seen), len(two.seen)) == (9, 3)


async def test_changes_that_are_turned_away_hold_no_reads_back(
    fake: tuple[Fake, Client],
) -> None:
    server, client = fake
    server.failures = [(Code.RESOURCE_EXHAUSTED, "OVERLOADED", 0.001)] * 200
    while server.failures:
        with suppress(errors.ResourceExhausted, errors.DeadlineExceeded):
            await client.cards.BlockCard(card_pb2.BlockCardRequest(name=CARD), timeout=0.05)
    for _ in range(20):
        await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    assert sum(isinstance(seen, card_pb2.GetCardRequest) for seen in server.seen) == 20


async def test_a_question_before_each_stream_does_not_lead_all_streams_to_one_address() -> None:
    one, two = Fake(), Fake()
    async with serving(one) as first, serving(two) as second, Client([first, second]) as client:
        for _ in range(4):
            await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
            await client.imports.ImportRecords(iter([import_pb2.ImportRecordsRequest()]))
    for server in (one, two):
        assert sum(isinstance(seen, import_pb2.ImportRecordsRequest) for seen in server.seen) == 2


async def test_a_draining_worker_is_left_out_for_a_while() -> None:
    one, two = Fake(), Fake()
    one.failures = [(Code.UNAVAILABLE, "SHUTTING_DOWN")]
    async with serving(one) as first, serving(two) as second, Client([first, second]) as client:
        for _ in range(4):
            await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    assert len(one.seen) == 1


async def test_reads_are_held_to_the_last_change(fake: tuple[Fake, Client]) -> None:
    server, client = fake
    await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    await client.cards.BlockCard(card_pb2.BlockCardRequest(name=CARD))
    await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    own = card_pb2.GetCardRequest(name=CARD)
    own.consistency.minimize_latency = True
    await client.cards.GetCard(own)
    tokens = [seen.consistency.at_least_as_fresh for seen in server.seen if hasattr(seen, "view")]
    assert tokens == ["", "token-2", ""]
    assert client.consistency_token == "token-2"


async def test_consistency_can_be_left_alone() -> None:
    server = Fake()
    async with serving(server) as address, Client(address, carry_consistency=False) as client:
        await client.cards.BlockCard(card_pb2.BlockCardRequest(name=CARD))
        await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
    assert not server.seen[1].HasField("consistency")


@pytest.mark.parametrize("count", [0, 1, 1_000, 1_001, 12_345])
async def test_any_number_of_keys_in_order(fake: tuple[Fake, Client], count: int) -> None:
    server, client = fake
    keys = (lookup_pb2.AccountKey(name=f"accounts/{number}") for number in range(count))
    answer = await client.lookup_accounts(keys)
    assert [result.account.name for result in answer.results] == [
        f"accounts/{number}" for number in range(count)
    ]
    assert len(server.seen) == -(-count // 1_000)
    assert max((len(seen.keys) for seen in server.seen), default=0) <= 1_000
    assert server.calls_most <= 8
    if count:
        last = len(server.seen)
        assert (answer.stale_since.seconds, answer.stale_since.nanos) == (1_000 - last, last)


async def test_one_failed_part_fails_the_whole(fake: tuple[Fake, Client]) -> None:
    server, client = fake
    server.failures = [(Code.PERMISSION_DENIED, "PERMISSION")]
    keys = [lookup_pb2.AccountKey(name=f"accounts/{number}") for number in range(3_000)]
    with pytest.raises(errors.PermissionDenied):
        await client.lookup_accounts(keys)


async def test_pages_end_with_the_last(fake: tuple[Fake, Client]) -> None:
    _, client = fake
    request = card_pb2.ListCardsRequest(customer="customers/x")
    names = [
        card.name
        async for page in client.pages(client.cards.ListCards, request)
        for card in page.cards
    ]
    assert names == ["customers/x-0", "customers/x-1", "customers/x-2"]
    assert not request.page_token


@pytest.mark.parametrize(("product_bytes", "chunks"), [(0, 3), (1_000, 4)])
async def test_a_load_goes_in_chunks_by_count_and_size(
    fake: tuple[Fake, Client], product_bytes: int, chunks: int
) -> None:
    server, client = fake
    account = account_pb2.Account(product="x" * product_bytes)
    records = (import_pb2.ImportRecord(account=account) for _ in range(11_000))
    answer = await client.import_records(records, source_system="TEST")
    assert answer.accounts == 11_000
    assert len(server.seen) == chunks
    assert all(len(seen.records) <= 5_000 for seen in server.seen)
    assert all(seen.ByteSize() < 3 << 20 for seen in server.seen)
    assert {seen.source_system for seen in server.seen} == {"TEST"}
    assert client.consistency_token == "loaded"


async def test_a_fault_in_making_rows_is_raised_as_it_is(fake: tuple[Fake, Client]) -> None:
    _, client = fake

    def records() -> Any:
        yield import_pb2.ImportRecord()
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        await client.import_records(records())


async def test_a_file_goes_in_pieces_and_comes_back_in_parts(fake: tuple[Fake, Client]) -> None:
    server, client = fake
    parts = [part async for part in client.resolve_file([b"a" * (2 << 20), b"bc"])]
    assert [part.WhichOneof("part") for part in parts] == ["return_file"] * 3 + ["summary"]
    assert parts[-1].summary.entries == (2 << 20) + 2
    assert UUID(server.seen[0].options.request_id)


async def test_a_stream_is_not_repeated(fake: tuple[Fake, Client]) -> None:
    server, client = fake
    server.failures = [(Code.UNAVAILABLE, "DATABASE_UNAVAILABLE")]
    parts = client.resolve_file([b"a", b"b"])
    assert (await anext(parts)).return_file == b"a"
    with pytest.raises(errors.Unavailable):
        await anext(parts)
    assert sum(seen.HasField("options") for seen in server.seen) == 1


async def test_a_stream_goes_to_an_address_that_answers() -> None:
    server = Fake()
    async with serving(Fake()) as gone:
        pass
    async with serving(server) as address, Client([gone, address]) as client:
        parts = [part async for part in client.resolve_file([b"a"])]
    assert parts[-1].summary.entries == 1


async def test_nothing_there_is_unavailable_without_a_reason() -> None:
    async with serving(Fake()) as gone:
        pass
    async with Client(gone, attempts=2) as client:
        with pytest.raises(errors.Unavailable) as raised:
            await client.cards.GetCard(card_pb2.GetCardRequest(name=CARD))
        assert raised.value.reason == ""
        assert [worker.state for worker in await client.health()] == ["UNAVAILABLE"]


async def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client().cards.GetCard(card_pb2.GetCardRequest(name=CARD))
