"""The asynchronous client: the contract's services, as their generated stubs, over all addresses.

It adds what goes beyond one call: any number of items, pages, files, loads.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

import grpc
from google.protobuf.message import Message

from opencif.batches import file_requests, import_requests, in_calls
from opencif.calls import AnyIterable, CallPolicy, Calls, Freshness
from opencif.channel import Endpoint, Endpoints, TlsOptions, parse_addresses
from opencif.errors import InternalError, error_from
from opencif.v1 import ach_pb2, customer_pb2, import_pb2, lookup_pb2, routing_pb2, tokenization_pb2
from opencif.v1.account_pb2_grpc import AccountServiceStub
from opencif.v1.ach_pb2_grpc import AchResolutionServiceStub
from opencif.v1.card_pb2_grpc import CardServiceStub
from opencif.v1.customer_pb2_grpc import CustomerServiceStub
from opencif.v1.import_pb2_grpc import ImportServiceStub
from opencif.v1.lookup_pb2_grpc import LookupServiceStub
from opencif.v1.record_pb2 import Consistency, View
from opencif.v1.relationship_pb2_grpc import RelationshipServiceStub
from opencif.v1.routing_pb2_grpc import RoutingServiceStub
from opencif.v1.tokenization_pb2_grpc import TokenizationServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from types import TracebackType

RequestT = TypeVar("RequestT", bound=Message)
AnswerT = TypeVar("AnswerT", bound=Message)

DEFAULT_ADDRESS: Final = "127.0.0.1:7420"
_HEALTH: Final = "/grpc.health.v1.Health/Check"
_HEALTH_STATES: Final = {b"": "UNKNOWN", b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING"}


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """What one address says of itself."""

    address: str
    state: str
    """SERVING, NOT_SERVING or UNKNOWN (`grpc.health.v1`), or the status of a failed call."""
    answer_ms: float


class Client:
    """A client of one or more OpenCIF workers; use it with `async with`.

    `addresses`: `host:port`, a range `host:7420-7423`, several with commas, or a list of such.
    Calls go round them; one that fails is left out for a while.

    The services are attributes, typed as generated: `await client.cards.BlockCard(request)`. A
    unary call ends within `timeout_s` (all attempts together) in an answer or an `OpencifError`; it
    is repeated, up to `attempts` times, when that is safe: an empty request_id is filled in once
    for all attempts. Streams end within `stream_timeout_s` and are never repeated.

    With `carry_consistency`, a read without a consistency of its own sees the client's own last
    change; `consistency_token` may be read and set, to carry it from process to process.
    """

    def __init__(
        self,
        addresses: str | Iterable[str] = DEFAULT_ADDRESS,
        *,
        tls: TlsOptions | None = None,
        timeout_s: float = 5.0,
        stream_timeout_s: float = 3600.0,
        attempts: int = 6,
        calls_at_once: int = 8,
        carry_consistency: bool = True,
    ) -> None:
        self.addresses = parse_addresses(addresses)
        self._tls = tls
        self._calls_at_once = calls_at_once
        policy = CallPolicy(timeout_s, stream_timeout_s, attempts)
        self._calls = Calls(policy, Freshness(carried=carry_consistency))
        channel = cast("grpc.aio.Channel", self._calls)
        self.accounts = AccountServiceStub(channel)
        self.ach = AchResolutionServiceStub(channel)
        self.cards = CardServiceStub(channel)
        self.customers = CustomerServiceStub(channel)
        self.imports = ImportServiceStub(channel)
        self.lookup = LookupServiceStub(channel)
        self.relationships = RelationshipServiceStub(channel)
        self.routing = RoutingServiceStub(channel)
        self.tokens = TokenizationServiceStub(channel)

    async def __aenter__(self) -> Self:
        self._calls.endpoints = Endpoints(self.addresses, self._tls)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        endpoints = self._calls.opened()
        self._calls.endpoints = None
        await endpoints.close()

    @property
    def consistency_token(self) -> str:
        """The last change that this client made or was told of; empty for none."""
        return self._calls.freshness.token

    @consistency_token.setter
    def consistency_token(self, token: str) -> None:
        self._calls.freshness.token = token

    async def lookup_accounts(
        self,
        keys: Iterable[lookup_pb2.AccountKey],
        *,
        view: View = View.VIEW_BASIC,
        consistency: Consistency | None = None,
        with_owners: bool = False,
    ) -> lookup_pb2.LookupAccountsResponse:
        """Any number of accounts: one result per key, in the order of the keys."""
        return await in_calls(
            self.lookup.LookupAccounts,
            keys,
            lambda part: lookup_pb2.LookupAccountsRequest(
                keys=part, view=view, consistency=consistency, with_owners=with_owners
            ),
            lookup_pb2.LookupAccountsResponse(),
            at_once=self._calls_at_once,
        )

    async def lookup_cards(
        self,
        keys: Iterable[lookup_pb2.CardKey],
        *,
        view: View = View.VIEW_BASIC,
        consistency: Consistency | None = None,
        with_accounts: bool = False,
    ) -> lookup_pb2.LookupCardsResponse:
        """Any number of cards: one result per key, in the order of the keys."""
        return await in_calls(
            self.lookup.LookupCards,
            keys,
            lambda part: lookup_pb2.LookupCardsRequest(
                keys=part, view=view, consistency=consistency, with_accounts=with_accounts
            ),
            lookup_pb2.LookupCardsResponse(),
            at_once=self._calls_at_once,
        )

    async def lookup_customers(
        self, keys: Iterable[customer_pb2.CustomerKey], *, view: View = View.VIEW_BASIC
    ) -> customer_pb2.LookupCustomersResponse:
        """The customers that bear an identifier, for any number of identifiers, in their order."""
        return await in_calls(
            self.customers.LookupCustomers,
            keys,
            lambda part: customer_pb2.LookupCustomersRequest(keys=part, view=view),
            customer_pb2.LookupCustomersResponse(),
            at_once=self._calls_at_once,
        )

    async def lookup_routing_numbers(
        self, numbers: Iterable[str]
    ) -> routing_pb2.LookupRoutingNumbersResponse:
        """Any number of routing numbers, in their order."""
        return await in_calls(
            self.routing.LookupRoutingNumbers,
            numbers,
            lambda part: routing_pb2.LookupRoutingNumbersRequest(routing_numbers=part),
            routing_pb2.LookupRoutingNumbersResponse(),
            at_once=self._calls_at_once,
        )

    async def tokenize(
        self, items: Iterable[tokenization_pb2.Plain]
    ) -> tokenization_pb2.TokenizeResponse:
        """Tokens for any number of numbers, in their order."""
        return await in_calls(
            self.tokens.Tokenize,
            items,
            lambda part: tokenization_pb2.TokenizeRequest(items=part),
            tokenization_pb2.TokenizeResponse(),
            at_once=self._calls_at_once,
        )

    async def detokenize(
        self, tokens: Iterable[tokenization_pb2.Token], *, purpose: str
    ) -> tokenization_pb2.DetokenizeResponse:
        """Numbers for any number of tokens, in their order; every call of 1,000 is recorded."""
        return await in_calls(
            self.tokens.Detokenize,
            tokens,
            lambda part: tokenization_pb2.DetokenizeRequest(tokens=part, purpose=purpose),
            tokenization_pb2.DetokenizeResponse(),
            at_once=self._calls_at_once,
        )

    async def resolve_entries(
        self, entries: Iterable[ach_pb2.AchEntry], *, policy: ach_pb2.AchPolicy | None = None
    ) -> ach_pb2.ResolveAchEntriesResponse:
        """What any number of entries earn, in their order."""
        return await in_calls(
            self.ach.ResolveAchEntries,
            entries,
            lambda part: ach_pb2.ResolveAchEntriesRequest(entries=part, policy=policy),
            ach_pb2.ResolveAchEntriesResponse(),
            at_once=self._calls_at_once,
        )

    async def resolve_file(
        self, chunks: AnyIterable[bytes], *, options: ach_pb2.ResolveAchFileOptions | None = None
    ) -> AsyncIterator[ach_pb2.ResolveAchFileResponse]:
        """Resolves a NACHA file given as bytes; yields the parts of the answer as they come.

        Chunks may have any size. With `options.request_id` the same file may be sent again. The
        last part is the summary; without it none of the others counts: InternalError is raised.
        """
        is_whole = False
        async for part in self.ach.ResolveAchFile(file_requests(chunks, options)):
            is_whole = part.HasField("summary")
            yield part
        if not is_whole:
            raise InternalError(
                grpc.StatusCode.INTERNAL,
                message="the answer broke off",
                method="opencif.v1.AchResolutionService/ResolveAchFile",
            )

    async def import_records(
        self, records: AnyIterable[import_pb2.ImportRecord], *, source_system: str = ""
    ) -> import_pb2.ImportRecordsResponse:
        """Loads any number of records; memory is that of one chunk.

        A load that broke off may be given again: rows that are there already are then rejected.
        """
        return await self.imports.ImportRecords(import_requests(records, source_system))

    async def pages(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, AnswerT],
        request: RequestT,
    ) -> AsyncIterator[AnswerT]:
        """Every page of a list: `client.pages(client.cards.ListCards, ListCardsRequest(...))`."""
        following: Any = type(request)()
        following.CopyFrom(request)
        while True:
            page: Any = await method(following)
            yield page
            following.page_token = page.next_page_token
            if not following.page_token:
                return

    async def health(self) -> list[WorkerHealth]:
        """Asks every address, each once, how it is (`grpc.health.v1`)."""
        endpoints = self._calls.opened()
        return list(await asyncio.gather(*(self._health_of(each) for each in endpoints)))

    async def _health_of(self, endpoint: Endpoint) -> WorkerHealth:
        check = endpoint.callable("unary_unary", _HEALTH, {})
        begin = time.perf_counter()
        try:
            answer: bytes = await check(b"", timeout=self._calls.policy.timeout_s)
            state = _HEALTH_STATES.get(answer, "UNKNOWN")
        except grpc.aio.AioRpcError as failure:
            state = error_from(failure, _HEALTH).code.name
        return WorkerHealth(endpoint.address, state, (time.perf_counter() - begin) * 1e3)
