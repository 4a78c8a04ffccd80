"""A server for methods that a test writes itself."""

from collections.abc import AsyncIterator, Callable
from io import StringIO
from typing import Any

import grpc
import pytest

from server import log
from server.admission import Admission
from server.metrics import Metrics
from server.rpc import Caller, bind
from tests.unit.served_calls import PERMISSIONS, Recorded, Serve, Served, servicers


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    running: list[Any] = []

    async def start(
        *,
        permissions: frozenset[str] = PERMISSIONS,
        admission: Admission | None = None,
        audit: Recorded | None = None,
        unary_deadline_s: float = 5.0,
        **given: Callable[..., Any],
    ) -> Served:
        logged = StringIO()
        log.configure(logged)
        metrics = Metrics()
        handlers = bind(
            servicers(**given),
            lambda _: Caller("tester", permissions),
            admission or Admission(100),
            metrics,
            audit=audit or Recorded(),
            unary_deadline_s=unary_deadline_s,
        )
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((handlers,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        running.extend((channel, server))
        return Served(channel, metrics, logged)

    yield start
    for each in running:
        await (each.close() if isinstance(each, grpc.aio.Channel) else each.stop(0))
