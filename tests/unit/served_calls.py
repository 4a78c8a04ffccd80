"""A real gRPC server with servicers made for a test, and what it counted, logged and recorded."""

import json
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from server.contract import method_rule, services
from server.metrics import Metrics
from server.rpc import Call

PERMISSIONS = frozenset(method_rule(m).permission for s in services() for m in s.methods)


async def empty(_servicer: object, _request: Any, _call: Call) -> bytes:
    """Answer nothing to anything."""
    return b""


def servicers(**given: Callable[..., Any]) -> list[object]:
    """One servicer per service of the contract; methods that are not given answer nothing."""
    made: list[object] = []
    for service in services():
        body = {m.name: given.get(m.name, empty) for m in service.methods}
        made.append(type(f"{service.name}r", (), body)())
    return made


class Recorded:
    """Stands for the audit's table, which may be out of reach."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._error = error

    async def record(
        self, actor: str, method: str, request: Message | None, *, items: int, outcome: str
    ) -> None:
        if self._error is not None:
            raise self._error
        self.calls.append((actor, method, request, items, outcome))


class Served:
    """A running server, and what was counted and logged."""

    def __init__(self, channel: grpc.aio.Channel, metrics: Metrics, logged: StringIO) -> None:
        self.channel = channel
        self.metrics = metrics
        self._logged = logged

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._logged.getvalue().splitlines()]

    @property
    def counted(self) -> str:
        return self.metrics.exposition().decode()


Serve = Callable[..., Awaitable[Served]]


async def failure(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    """The status, the reason, and all that the caller was told about a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    error = raised.value
    status = rpc_status.from_call(error)
    assert status is not None, error.details()
    told: dict[str, Any] = {"message": error.details(), "raw": status.SerializeToString()}
    for detail in status.details:
        for kind in ("ErrorInfo", "BadRequest", "RetryInfo"):
            message = getattr(error_details_pb2, kind)()
            if detail.Unpack(message):
                told[kind] = message
    assert told["ErrorInfo"].domain == "opencif"
    return error.code(), told["ErrorInfo"].reason, told


def raising(error: Exception) -> Callable[..., Any]:
    async def method(_servicer: object, _request: Any, _call: Call) -> bytes:
        raise error

    return method
