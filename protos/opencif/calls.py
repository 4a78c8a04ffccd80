"""The calls themselves, as the generated stubs want them from a channel.

Unary calls are balanced, repeated where that is safe, and end within their deadline in an answer or
an `OpencifError`; streams have a deadline and typed errors, and are never repeated.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.message import Message

from opencif.errors import DeadlineExceeded, OpencifError, ResourceExhausted, error_from

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from opencif.channel import Endpoint, Endpoints

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=Message)
AnyIterable = Iterable[T] | AsyncIterable[T]
_NEVER: Final = math.inf
_REQUEST_ID: Final = "request_id"
_OVERLOADED: Final = "OVERLOADED"
_HELD_BACK_S: Final = 0.2
_GIVEN_UP_AFTER_S: Final = 1.0
"""So long after its deadline a call is given up: gRPC (1.85) may never end those whose connection
was lost while it was full."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """How long calls may take and how they are repeated."""

    timeout_s: float = 5.0
    """For a unary call, all attempts together."""
    stream_timeout_s: float = 3600.0
    attempts: int = 6
    pause_first_s: float = 0.1
    """The longest first pause; the real one is drawn at random from its upper half, and it doubles.

    From all of it one call in twenty would have used up its attempts within half a second.
    """
    pause_max_s: float = 2.0

    def pauses_s(self) -> Iterator[float]:
        """The pause before each further attempt."""
        for attempt in range(self.attempts - 1):
            longest = min(self.pause_first_s * 2.0**attempt, self.pause_max_s)
            yield random.uniform(longest / 2.0, longest)  # noqa: S311  spreads load, hides nothing


class Freshness:
    """The consistency token that later reads are held to: of the change answered last."""

    __slots__ = ("carried", "token")

    def __init__(self, *, carried: bool) -> None:
        self.carried = carried
        self.token = ""

    def note(self, answer: Any) -> None:
        """Keep the token of a mutation's answer."""
        if self.carried and _traits(answer.DESCRIPTOR).has_token:
            self.token = answer.consistency_token or self.token

    def prepared(self, request: RequestT) -> RequestT:
        """The request as it is sent, copied if it changes.

        A mutation gets the request_id that all its attempts share, a read without a consistency of
        its own the last mutation's token.
        """
        traits = _traits(request.DESCRIPTOR)
        lacks_id = traits.has_request_id and not getattr(request, _REQUEST_ID)
        lacks_token = (
            bool(self.token) and traits.has_consistency and not request.HasField("consistency")
        )
        if not lacks_id and not lacks_token:
            return request
        copy: Any = type(request)()
        copy.CopyFrom(request)
        if lacks_id:
            copy.request_id = str(uuid4())
        if lacks_token:
            copy.consistency.at_least_as_fresh = self.token
        return copy  # type: ignore[no-any-return]  # made from its own type


@dataclass(frozen=True, slots=True)
class _Traits:
    has_request_id: bool
    has_consistency: bool
    has_token: bool


@cache
def _traits(kind: Descriptor) -> _Traits:
    fields = kind.fields_by_name
    return _Traits(_REQUEST_ID in fields, "consistency" in fields, "consistency_token" in fields)


class Calls:
    """What a generated stub wants of its channel, over many addresses.

    Unary answers are plain awaitables, streamed answers asynchronous iterators: neither is a
    `grpc.aio.Call`.
    """

    def __init__(self, policy: CallPolicy, freshness: Freshness) -> None:
        self.policy = policy
        self.freshness = freshness
        self.endpoints: Endpoints | None = None

    def opened(self) -> Endpoints:
        """Raises: RuntimeError before the client is open and after it is closed."""
        if self.endpoints is None:
            raise RuntimeError("the client is not open: use `async with`")
        return self.endpoints

    def unary_unary(self, method: str, **codec: Any) -> Any:
        """As `grpc.aio.Channel.unary_unary`."""
        return _Unary(self, method, codec)

    def stream_unary(self, method: str, **codec: Any) -> Any:
        """As `grpc.aio.Channel.stream_unary`."""
        return _StreamUnary(self, method, codec)

    def stream_stream(self, method: str, **codec: Any) -> Any:
        """As `grpc.aio.Channel.stream_stream`."""
        return _StreamStream(self, method, codec)


class _Method:
    """One method of the contract; `kind` names the channel's own factory of it."""

    kind = ""

    def __init__(self, calls: Calls, method: str, codec: dict[str, Any]) -> None:
        self._calls = calls
        self._method = method
        self._codec = codec

    def _on(self, endpoint: Endpoint) -> Any:
        return endpoint.callable(self.kind, self._method, self._codec)

    def _error(self, failure: grpc.aio.AioRpcError, endpoint: Endpoint) -> OpencifError:
        error = error_from(failure, self._method)
        if error.speaks_of_the_address:
            endpoint.failed()
        else:
            endpoint.answered()
        return error


class _Unary(_Method):
    kind = "unary_unary"

    async def __call__(self, request: Message, **options: Any) -> Message:
        calls = self._calls
        request = calls.freshness.prepared(request)
        timeout_s = options.pop("timeout", None) or calls.policy.timeout_s
        deadline = time.monotonic() + timeout_s
        pauses = calls.policy.pauses_s()
        endpoints = calls.opened()
        while True:
            endpoint = endpoints.next(self.kind)
            options["timeout"] = max(deadline - time.monotonic(), 0.001)
            try:
                answer = await self._attempt(endpoint, request, options)
            except OpencifError as error:
                pause_s = max(next(pauses, _NEVER), error.retry_after_s or 0.0)
                if error.speaks_of_the_address and pause_s < _NEVER:
                    pause_s = 0.0 if endpoints.has_another(endpoint) else pause_s
                if time.monotonic() + pause_s >= deadline or not self._may_repeat(error, endpoint):
                    raise
                await asyncio.sleep(pause_s)
            else:
                calls.freshness.note(answer)
                return answer

    async def _attempt(
        self, endpoint: Endpoint, request: Message, options: dict[str, Any]
    ) -> Message:
        """The answer of an address, unless it had better not be asked."""
        restraint = endpoint.restraint(self._method)
        if not restraint.lets_go():
            raise ResourceExhausted(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                _OVERLOADED,
                message="not sent: too much of what was sent before was turned away",
                method=self._method,
                retry_after_s=_HELD_BACK_S,
            )
        try:
            async with asyncio.timeout(options["timeout"] + _GIVEN_UP_AFTER_S):
                answer: Message = await self._on(endpoint)(request, **options)
        except TimeoutError as never:
            endpoint.failed()
            raise DeadlineExceeded(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                message="gRPC has not ended it by its deadline",
                method=self._method,
            ) from never
        except grpc.aio.AioRpcError as failure:
            error = self._error(failure, endpoint)
            if error.tells_of_an_overload:
                restraint.refused()
            elif error.tells_of_a_look:
                restraint.taken()
            raise error from failure
        endpoint.answered()
        restraint.taken()
        return answer

    def _may_repeat(self, error: OpencifError, endpoint: Endpoint) -> bool:
        """Whether it may; what was turned away, not given up unseen, only while there is room."""
        if not error.tells_of_an_overload or error.code is grpc.StatusCode.CANCELLED:
            return error.may_be_repeated
        return endpoint.restraint(self._method).may_repeat()


class _Stream(_Method):
    async def _begin(
        self, requests: AnyIterable[Message], options: dict[str, Any]
    ) -> tuple[Endpoint, Any, _Source]:
        """Calls an address that is connected: only so much of a stream can be tried again."""
        policy, endpoints = self._calls.policy, self._calls.opened()
        deadline = time.monotonic() + policy.timeout_s
        endpoint = endpoints.next(self.kind)
        for pause_s in policy.pauses_s():
            left_s = deadline - time.monotonic()
            if left_s <= 0 or await endpoint.is_reached(left_s):
                break
            endpoint.failed()
            await asyncio.sleep(0.0 if endpoints.has_another(endpoint) else pause_s)
            endpoint = endpoints.next(self.kind)
        source = _Source(requests)
        timeout_s = options.pop("timeout", None) or policy.stream_timeout_s
        call = self._on(endpoint)(source.requests(), timeout=timeout_s, **options)
        return endpoint, call, source


class _StreamUnary(_Stream):
    kind = "stream_unary"

    async def __call__(
        self, request_iterator: AnyIterable[Message] = (), **options: Any
    ) -> Message:
        endpoint, call, source = await self._begin(request_iterator, options)
        try:
            answer: Message = await call
        except grpc.aio.AioRpcError as failure:
            raise self._error(failure, endpoint) from failure
        except asyncio.CancelledError:
            source.raise_failure()
            raise
        endpoint.answered()
        self._calls.freshness.note(answer)
        return answer


class _StreamStream(_Stream):
    kind = "stream_stream"

    async def __call__(
        self, request_iterator: AnyIterable[Message] = (), **options: Any
    ) -> AsyncIterator[Message]:
        endpoint, call, source = await self._begin(request_iterator, options)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as failure:
            raise self._error(failure, endpoint) from failure
        except asyncio.CancelledError:
            source.raise_failure()
            raise
        finally:
            call.cancel()
        endpoint.answered()


class _Source:
    """The caller's requests, and what went wrong in making them: gRPC itself only cancels then."""

    def __init__(self, requests: AnyIterable[Message]) -> None:
        self._requests = requests
        self._failure: Exception | None = None

    async def requests(self) -> AsyncIterator[Message]:
        try:
            async for request in each(self._requests):
                yield request
        except Exception as failure:
            self._failure = failure
            raise

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


async def each(items: AnyIterable[T]) -> AsyncIterator[T]:
    """The items of either kind of iterable."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
