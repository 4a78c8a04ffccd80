"""Wraps every method of the contract once: who calls, until when, what is counted, how it fails.

Owns the way from bytes to a servicer and back; must not know what any method does. Whatever goes
wrong, the caller gets a status of errors.py, never UNKNOWN and never an exception's text.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn, Protocol, TypeAlias, TypeVar

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message

from repository.errors import Busy
from server import log
from server.admission import Admission, weight_of
from server.card_data import metadata_holds_card_data
from server.contract import (
    ContractIncomplete,
    check_contract,
    field_rule,
    method_rule,
    services,
)
from server.errors import (
    InvalidArgument,
    PermissionDenied,
    Unavailable,
    Unimplemented,
    reason_of,
    status_of,
)
from server.metrics import Metrics
from server.time_limit import within
from server.validation import validate

__all__ = ["Audit", "Call", "Caller", "Elsewhere", "Identify", "bind", "takes_bytes"]

DETAILS_KEY: Final = "grpc-status-details-bin"
BACKSTOP_S: Final = 0.25  # what a servicer gets beyond the deadline to say so itself
STREAM_STEP_S: Final = 600.0  # for a stream without a deadline, from one message to the next
SLOW_S: Final = 1.0
_STANDARD_METADATA: Final = frozenset({"user-agent", "grpc-accept-encoding", "accept-encoding"})
# Ids that tracing draws at random (W3C, B3, Envoy, Datadog): one in so many looks like a card
# number, and who calls often enough would be refused for it. None of them is kept.
_TRACING_METADATA: Final = frozenset(
    {
        "b3", "traceparent", "x-b3-parentspanid", "x-b3-spanid", "x-b3-traceid",
        "x-client-trace-id", "x-datadog-parent-id", "x-datadog-trace-id", "x-request-id",
    }
)  # fmt: skip
_UNSEARCHED_METADATA: Final = _STANDARD_METADATA | _TRACING_METADATA
_INCIDENTS: Final = frozenset({"INTERNAL", "SEAL_BROKEN"})

_log = log.logger("rpc")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what they may do."""

    identity: str
    permissions: frozenset[str]


class Call:
    """One call: the caller, the method's full name, and when it must be over."""

    __slots__ = ("caller", "deadline", "items", "method")

    def __init__(self, caller: Caller, method: str, deadline: float) -> None:
        self.caller = caller
        self.method = method  # "opencif.v1.CardService/BlockCard"
        self.deadline = deadline  # time.monotonic, which is the event loop's clock too
        self.items = 0  # how many a request held: told by a method that takes bytes

    def remaining_s(self) -> float:
        """Seconds until the deadline; 0 when it has passed."""
        return max(0.0, self.deadline - time.monotonic())


Context = grpc.aio.ServicerContext[Any, Any]


class Audit(Protocol):
    """Where audited calls are recorded; who cannot record does not answer."""

    async def record(
        self, actor: str, method: str, request: Message | None, *, items: int, outcome: str
    ) -> None:
        """Record a call; `outcome` is OK or the reason it was refused for. Raises Unavailable."""


Identify = Callable[[Context], Caller]  # raises Unauthenticated
Implementation = Callable[[Any, Call], Any]
_M = TypeVar("_M", bound=Callable[..., Any])
_TAKES_BYTES: Final = "takes_bytes"


def takes_bytes(method: _M) -> _M:
    """Mark a servicer's method that is given its request, or each of a stream, as bytes.

    It parses and validates by itself and tells `call.items`, before it returns or yields. A unary
    one returns bytes, or an awaitable of bytes when it has to wait. Only reading methods without
    audit may be marked, unary ones and those with streams both ways.
    """
    setattr(method, _TAKES_BYTES, True)
    return method


class _Malformed:
    """Stands for bytes that are no message of the type: deserializers must not raise."""


_MALFORMED: Final = _Malformed()


@dataclass(frozen=True, slots=True)
class _Gate:
    """What every method shares."""

    identify: Identify
    admission: Admission
    metrics: Metrics
    audit: Audit
    unary_deadline_s: float


def bind(
    servicers: Sequence[object],
    identify: Identify,
    admission: Admission,
    metrics: Metrics,
    *,
    audit: Audit,
    unary_deadline_s: float = 5.0,
) -> grpc.GenericRpcHandler:
    """A handler for every method of the contract.

    A servicer of class AccountServicer serves AccountService. Raises ContractIncomplete when a
    method has no implementation or no rule, or a field has none.
    """
    check_contract()
    gate = _Gate(identify, admission, metrics, audit, unary_deadline_s)
    by_name = {type(servicer).__name__: servicer for servicer in servicers}
    return _Routes(
        {
            f"/{service.full_name}/{method.name}": _ways(method, by_name, gate)
            for service in services()
            for method in service.methods
        }
    )


def _ways(method: MethodDescriptor, by_name: dict[str, object], gate: _Gate) -> "_Ways":
    servicer = by_name.get(f"{method.containing_service.name}r")
    implementation = getattr(servicer, method.name, None)
    if implementation is None:
        raise ContractIncomplete(f"{method.full_name} is not implemented")
    plain = _Method(method, implementation, gate, reads_metadata=False)
    reading = _Method(method, implementation, gate, reads_metadata=True)
    return _Ways(plain.handler(), reading.handler())


_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class _Ways(NamedTuple):
    """How calls of one method may be handled."""

    plain: _Handler  # all of their metadata is standard
    reading: _Handler


class _Routes(grpc.GenericRpcHandler):
    """Every method of the contract by its path: one look-up a call, not one for each service."""

    def __init__(self, handlers: Mapping[str, _Ways]) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method; it must not raise, which would end the call as UNKNOWN."""
        found = self._handlers.get(handler_call_details.method)
        if found is None:
            return None
        for key, _ in handler_call_details.invocation_metadata:
            if key not in _UNSEARCHED_METADATA:
                return found.reading
        return found.plain


class Elsewhere(grpc.GenericRpcHandler):
    """Answers for methods that no other handler has; to be added last."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """One handler for all of them."""
        return grpc.stream_stream_rpc_method_handler(_no_such_method)


async def _no_such_method(_: AsyncIterator[bytes], context: Context) -> None:
    status = status_of(Unimplemented())
    details = ((DETAILS_KEY, status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, details)


class _Method:
    """One method of the contract with everything that surrounds it."""

    __slots__ = (
        "_answer",
        "_batch_field",
        "_default_s",
        "_gate",
        "_implementation",
        "_is_audited",
        "_is_mutation",
        "_is_stream",
        "_permission",
        "_reads_metadata",
        "_stats",
        "_takes_bytes",
        "descriptor",
        "name",
    )

    def __init__(
        self,
        descriptor: MethodDescriptor,
        implementation: Implementation,
        gate: _Gate,
        *,
        reads_metadata: bool,
    ) -> None:
        rule = method_rule(descriptor)
        service = descriptor.containing_service
        self.descriptor = descriptor
        self.name = f"{service.full_name}/{descriptor.name}"
        self._implementation = implementation
        self._gate = gate
        self._reads_metadata = reads_metadata
        self._permission = rule.permission
        self._is_audited = rule.audited
        self._is_stream = bool(descriptor.client_streaming or descriptor.server_streaming)
        if rule.audited and self._is_stream:
            raise ContractIncomplete(f"{descriptor.full_name} is audited and not unary")
        self._takes_bytes = getattr(implementation, _TAKES_BYTES, False)
        answers_alike = descriptor.client_streaming == descriptor.server_streaming
        if self._takes_bytes and (rule.audited or rule.mutation or not answers_alike):
            raise ContractIncomplete(f"{descriptor.full_name} must not take bytes")
        self._stats = gate.metrics.method(f"{service.name}/{descriptor.name}")
        self._batch_field = _batch_field(descriptor.input_type)
        self._default_s = STREAM_STEP_S if self._is_stream else gate.unary_deadline_s
        self._is_mutation = rule.mutation
        self._answer = self._way_to_answer()

    def handler(self) -> "grpc.RpcMethodHandler[Any, Any]":
        """The handler gRPC calls; it answers bytes."""
        parse = None if self._takes_bytes else _parser(self.descriptor.input_type)
        if self.descriptor.server_streaming:
            if self.descriptor.client_streaming:
                return grpc.stream_stream_rpc_method_handler(self._stream, parse, None)
            return grpc.unary_stream_rpc_method_handler(self._stream, parse, None)
        if self.descriptor.client_streaming:
            return grpc.stream_unary_rpc_method_handler(self._unary, parse, None)
        return grpc.unary_unary_rpc_method_handler(self._unary, parse, None)

    async def _unary(self, request: Any, context: Context) -> bytes:
        """Serve a call that has one answer."""
        started = self._stats.start()
        admission = self._gate.admission
        try:
            call = self._begin(context, started)
            caller, weight = call.caller.identity, self._weight(request)
            admission.enter(caller, weight, changes=self._is_mutation)
            try:
                answer = self._answer(request, call)
                if type(answer) is not bytes:
                    answer = _bytes(await answer)
            finally:
                admission.leave(caller, weight, changes=self._is_mutation)
        except asyncio.CancelledError:
            self._stats.finish("CANCELLED", started)
            raise
        except Exception as error:
            await self._refuse(error, context, started)
        taken_s = self._stats.finish("OK", started)
        if taken_s > SLOW_S and not self._is_stream:
            _log.warning("slow_call", method=self.name, duration_ms=int(taken_s * 1000))
        return answer

    def _way_to_answer(self) -> Callable[[Any, Call], Any]:
        """What gives the answer, or an awaitable of it: what needs not wait costs no coroutine."""
        if self._takes_bytes:
            return self._of_bytes
        if self._is_audited:
            return self._audited
        return self._of_stream if self.descriptor.client_streaming else self._of_message

    def _of_message(self, request: Any, call: Call) -> Any:
        self._permit(call)
        self._check(request)
        return self._in_time(self._implementation(request, call), call)

    async def _of_stream(self, requests: AsyncIterator[Any], call: Call) -> Any:
        with self._gate.admission.stream(call.caller.identity):
            self._permit(call)
            return await self._implementation(self._requests(requests, call), call)

    async def _audited(self, request: Any, call: Call) -> Any:
        """The answer of an audited call, once it is on record."""
        try:
            answer = await self._of_message(request, call)
        except Exception as error:
            await self._record(request, call, reason_of(error))
            raise
        await self._record(request, call, "OK")
        return answer

    def _of_bytes(self, data: bytes, call: Call) -> Any:
        """The answer of a method that takes bytes; only one that waits is timed.

        It changes nothing, so that it may be cut off without a word.
        """
        self._permit(call)
        try:
            answer = self._implementation(data, call)
        finally:
            self._count_items(call)
        if type(answer) is bytes:
            return answer
        return within(call.remaining_s() + BACKSTOP_S, answer)

    async def _in_time(self, answer: Awaitable[Any], call: Call) -> Any:
        try:
            return await within(call.remaining_s() + BACKSTOP_S, answer)
        except TimeoutError:
            if self._is_mutation:  # it may have been committed: the caller must not think not
                raise Unavailable("COMMIT_UNKNOWN") from None
            raise

    async def _stream(self, request: Any, context: Context) -> AsyncIterator[bytes]:
        """Serve a call that has many answers."""
        started = self._stats.start()
        admission = self._gate.admission
        try:
            call = self._begin(context, started)
            admission.enter(call.caller.identity)
            try:
                self._permit(call)
                if self.descriptor.client_streaming:
                    request = self._requests(request, call)
                else:
                    self._check(request)
                with admission.stream(call.caller.identity):
                    async with aclosing(self._implementation(request, call)) as answers:
                        async for answer in answers:
                            self._count_items(call)
                            yield _bytes(answer)
            finally:
                admission.leave(call.caller.identity)
        except (asyncio.CancelledError, GeneratorExit):
            self._stats.finish("CANCELLED", started)
            raise
        except Exception as error:
            await self._refuse(error, context, started)
        else:
            self._stats.finish("OK", started)

    def _begin(self, context: Context, started: float) -> Call:
        """Find out who calls, and until when. Raises TimeoutError when that is over."""
        if self._reads_metadata:
            for key, value in context.invocation_metadata() or ():
                if key not in _UNSEARCHED_METADATA and metadata_holds_card_data(value):
                    raise InvalidArgument("CARD_NUMBER_IN_TEXT", "metadata")
        caller = self._gate.identify(context)
        left_s = context.time_remaining()
        if left_s == 0:  # it waited longer than its caller does
            raise TimeoutError
        return Call(caller, self.name, started + (self._default_s if left_s is None else left_s))

    def _permit(self, call: Call) -> None:
        if self._permission not in call.caller.permissions:
            _log.warning(
                "permission_denied",
                method=self.name,
                identity=call.caller.identity,
                permission=self._permission,
            )
            raise PermissionDenied

    async def _record(self, request: Any, call: Call, outcome: str) -> None:
        """Have an audited call recorded before it is answered, whatever the answer is."""
        await self._gate.audit.record(
            call.caller.identity,
            self.name,
            None if request is _MALFORMED else request,
            items=self._items(request),
            outcome=outcome,
        )

    def _weight(self, request: Any) -> int:
        if type(request) is bytes:
            return weight_of(size_bytes=len(request))
        return weight_of(items=self._items(request), changes=self._is_mutation)

    def _items(self, request: Any) -> int:
        return len(getattr(request, self._batch_field, ())) if self._batch_field else 0

    async def _requests(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        """The messages of a stream, each held to its contract; each moves the deadline on."""
        async for request in requests:
            call.deadline = max(call.deadline, time.monotonic() + STREAM_STEP_S)
            if not self._takes_bytes:
                self._check(request)
            yield request

    def _check(self, request: Any) -> None:
        if request is _MALFORMED:
            raise InvalidArgument("MALFORMED")
        if items := self._items(request):
            self._stats.batch_items.observe(items)
        validate(request)

    def _count_items(self, call: Call) -> None:
        """Count what a method that takes bytes has told."""
        if call.items:
            self._stats.batch_items.observe(call.items)
            call.items = 0

    async def _refuse(self, error: Exception, context: Context, started: float) -> NoReturn:
        """End the call with the status of an error; tell the log when the fault is ours."""
        incident = ""
        if isinstance(error, Busy):
            self._gate.admission.shed["CONNECTIONS"] += 1
        if reason_of(error) in _INCIDENTS:
            incident = str(uuid.uuid4())
            _log.error(
                "call_failed",
                method=self.name,
                incident=incident,
                error_type=type(error).__name__,
                frames=log.where(error),
            )
        status = status_of(error, incident)
        code = _CODES[status.code]
        self._stats.finish(code.name, started)
        await context.abort(code, status.message, ((DETAILS_KEY, status.SerializeToString()),))


_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


def _parser(descriptor: Descriptor) -> Callable[[bytes], Any]:
    """A deserializer that does not raise and drops fields that the contract does not have."""
    from_bytes = message_factory.GetMessageClass(descriptor).FromString

    def parse(data: bytes) -> Any:
        try:
            request = from_bytes(data)
        except (DecodeError, RecursionError):
            return _MALFORMED
        request.DiscardUnknownFields()
        return request

    return parse


def _bytes(answer: Message | bytes) -> bytes:
    """An answer as it goes out: spliced bytes as they are."""
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def _batch_field(descriptor: Descriptor) -> str:
    """The repeated field whose items are the batch; empty for a request that is none."""
    for field in descriptor.fields:
        if field.is_repeated and (field_rule(field).item_results or field.name == "names"):
            return field.name
    return ""
