"""A gRPC server on a thread that answers the contract's methods as a test scripts them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from typer.testing import CliRunner, Result

from opencif.cli import app

HEALTH = "/grpc.health.v1.Health/Check"


class Refusal(Exception):
    """What a scripted answer raises to end its call with a status."""

    def __init__(self, code: grpc.StatusCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass
class Script(grpc.GenericRpcHandler):
    """Method name -> function of the request (of the list of requests, for streams)."""

    answers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    seen: list[Any] = field(default_factory=list)
    address: str = ""

    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method
        if path == HEALTH:
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"\x08\x01")
        method = descriptor_pool.Default().FindMethodByName(path.strip("/").replace("/", "."))
        codec: dict[str, Any] = {
            "request_deserializer": GetMessageClass(method.input_type).FromString,
            "response_serializer": GetMessageClass(method.output_type).SerializeToString,
        }
        if method.client_streaming and method.server_streaming:
            return grpc.stream_stream_rpc_method_handler(self._stream(method.name), **codec)
        if method.client_streaming:
            return grpc.stream_unary_rpc_method_handler(self._unary(method.name, list), **codec)
        return grpc.unary_unary_rpc_method_handler(self._unary(method.name), **codec)

    def _unary(self, name: str, taken: Callable[[Any], Any] = lambda request: request) -> Any:
        def answer(request: Any, context: Any) -> Any:
            self.seen.append(taken(request))
            try:
                return self.answers[name](self.seen[-1])
            except Refusal as refusal:
                refuse(context, refusal)

        return answer

    def _stream(self, name: str) -> Any:
        def answer(requests: Any, context: Any) -> Iterator[Any]:
            self.seen.append(list(requests))
            try:
                yield from self.answers[name](self.seen[-1])
            except Refusal as refusal:
                refuse(context, refusal)

        return answer


def refuse(context: Any, refusal: Refusal) -> None:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=refusal.reason, domain="opencif"))
    status = status_pb2.Status(code=refusal.code.value[0], details=[detail])
    context.abort_with_status(rpc_status.to_status(status))


@contextmanager
def scripted() -> Iterator[Script]:
    script = Script()
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((script,))
        script.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield script
        finally:
            server.stop(None).wait()


def run(script: Script, *words: str, stdin: str = "") -> Result:
    """The `opencif` command against the script."""
    return CliRunner().invoke(app, ["--address", script.address, *words], input=stdin)
