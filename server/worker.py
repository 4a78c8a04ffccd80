"""One worker: one event loop, one port, all services, until it is told to drain.

Owns the gRPC server and its limits, health and reflection; the supervisor owns the process.
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import uvloop
from google.protobuf.internal import api_implementation
from grpc_health.v1 import (  # type: ignore[import-untyped]  # ships no stubs
    health,
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]  # ships no stubs
    reflection,
    reflection_pb2_grpc,
)

from server import log
from server.admission import FLOODED, Admission
from server.app import wired
from server.callers import identify_by, server_credentials
from server.contract import services
from server.memory import keep_freed
from server.metrics import Metrics
from server.queue_probe import QueueProbe
from server.rpc import Elsewhere, bind
from server.settings import Settings

__all__ = ["Place", "PortTaken", "StartRefused", "channel_options", "run", "serving"]

_GC_THRESHOLDS: Final = (10_000, 50, 100)
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_log = log.logger("worker")


class StartRefused(Exception):
    """The machine or the build is not fit to serve; the text is one line for a person."""


class PortTaken(StartRefused):
    """Something else serves on the port."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a supervisor tells a worker: its port, and where to answer about itself."""

    port: int
    ready_fd: int | None = None  # the port that was bound is written here as text
    metrics_socket: Path | None = None  # metrics are written to whoever connects


def run(settings: Settings, place: Place) -> None:
    """Serve until SIGTERM, SIGINT or the supervisor's end, then drain.

    Raises StartRefused, and what `wired` raises.
    """
    log.configure()
    keep_freed()
    uvloop.run(_serve(settings, place))


async def _serve(settings: Settings, place: Place) -> None:
    told = asyncio.Event()
    _heed_signals(told)
    if place.ready_fd is not None:
        await _heed_supervisor(told)
    async with serving(settings, place) as port:
        _calm_collector()
        _tell_ready(place, port)
        await told.wait()
        _log.info("draining", port=port, grace_s=settings.drain_grace_s)
    _log.info("stopped", port=port)


def _calm_collector() -> None:
    """Collect garbage seldom: a chunk of a batch makes thousands of objects that live a moment.

    With Python's own threshold of 700 the collector took half the time of clearing a file. Nor too
    seldom: grpc.aio leaves three objects in a cycle for every call, and 100,000 of them are cold
    when they are collected, all calls waiting for a tenth of a second; 10,000 take a millisecond.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


@contextlib.asynccontextmanager
async def serving(settings: Settings, place: Place) -> AsyncIterator[int]:
    """All services on a port (yielded) until the block ends; then drained and closed."""
    if api_implementation.Type() != "upb":
        raise StartRefused("protobuf runs without its compiled core: reinstall it from a wheel")
    admission = Admission(
        settings.calls_max, share=settings.caller_share, wait_max_s=settings.wait_max_s
    )
    metrics = Metrics(admission)
    async with contextlib.AsyncExitStack() as opened:
        made = await opened.enter_async_context(wired(settings, metrics.gauges))
        contract = bind(
            made.servicers,
            identify_by(settings),
            admission,
            metrics,
            audit=made.audit,
            unary_deadline_s=settings.unary_deadline_s,
        )
        server = grpc.aio.server(options=channel_options(settings))
        server.add_generic_rpc_handlers((contract,))
        checks = _add_health(server, settings)
        probe = QueueProbe(admission)
        server.add_generic_rpc_handlers((probe, Elsewhere()))
        port = _bind_port(server, settings, place.port)
        if place.metrics_socket is not None:
            await opened.enter_async_context(_metrics_on(place.metrics_socket, metrics))
        try:
            async with probe.running(server):
                for name in ("", *_service_names()):
                    await checks.set(name, _SERVING)
                yield port
        finally:
            await _drain(server, checks, admission, settings)


async def _drain(
    server: grpc.aio.Server,
    checks: health.aio.HealthServicer,
    admission: Admission,
    settings: Settings,
) -> None:
    """Tell health checks, wait for balancers to hear it, refuse new calls, let old ones end."""
    await checks.enter_graceful_shutdown()
    await asyncio.sleep(settings.drain_wait_s)
    admission.draining = True
    await server.stop(settings.drain_grace_s)


def channel_options(settings: Settings) -> list[tuple[str, int]]:
    """The limits of connections and messages; the bench's baselines serve under the same."""
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.receive_max_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", settings.metadata_max_bytes),
        ("grpc.absolute_max_metadata_size", settings.metadata_max_bytes),
        ("grpc.max_concurrent_streams", settings.streams_max),
        # Calls that have waited for so long are given up before Python sees them: a flood of
        # light ones costs too much to refuse. In whole seconds; the core's own default is 30.
        (
            "grpc.server_max_unrequested_time_in_server",
            max(1, round(FLOODED * settings.wait_max_s)),
        ),
        ("grpc.server_handshake_timeout_ms", int(settings.handshake_timeout_s * 1000)),
        ("grpc.max_connection_idle_ms", int(settings.connection_idle_s * 1000)),
        ("grpc.max_connection_age_ms", int(settings.connection_age_s * 1000)),
        ("grpc.max_connection_age_grace_ms", int(settings.connection_grace_s * 1000)),
    ]


def _service_names() -> list[str]:
    return [service.full_name for service in services()]


class _ByPath:
    """A server as generated code sees it, which it adds handlers to by path alone.

    It would register every method with the core as well, and then each call of any method costs a
    look at all that are registered: a tenth of a call for health and reflection.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Leave it at the handlers by path."""


def _add_health(server: grpc.aio.Server, settings: Settings) -> health.aio.HealthServicer:
    by_path = _ByPath(server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, by_path)
    if settings.reflection:
        names = (*_service_names(), health.SERVICE_NAME, reflection.SERVICE_NAME)
        answers = reflection.aio.ReflectionServicer(names)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(answers, by_path)
    return checks


def _bind_port(server: grpc.aio.Server, settings: Settings, port: int) -> int:
    host = f"[{settings.address}]" if ":" in settings.address else settings.address
    address = f"{host}:{port}"
    credentials = server_credentials(settings)
    try:
        if credentials is not None:
            return server.add_secure_port(address, credentials)
        return server.add_insecure_port(address)
    except RuntimeError:
        raise PortTaken(f"cannot serve on {address}: the port is taken or not allowed") from None


@contextlib.asynccontextmanager
async def _metrics_on(path: Path, metrics: Metrics) -> AsyncIterator[None]:
    """Write the metrics to whoever connects to a socket that only this user can reach."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(metrics.exposition())
            await writer.drain()
        writer.close()

    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of a worker that crashed in this place
    async with await asyncio.start_unix_server(answer, path):
        yield


def _heed_signals(told: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)


class _Lifeline(asyncio.Protocol):
    """Standard input, which the supervisor holds open for as long as it lives."""

    def __init__(self, told: asyncio.Event) -> None:
        self._told = told

    def eof_received(self) -> None:
        self._told.set()

    def connection_lost(self, _: Exception | None) -> None:
        self._told.set()


async def _heed_supervisor(told: asyncio.Event) -> None:
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Lifeline(told), sys.stdin)


def _tell_ready(place: Place, port: int) -> None:
    _log.info("serving", port=port)
    if place.ready_fd is not None:
        with _closing(place.ready_fd):
            os.write(place.ready_fd, f"{port}\n".encode())


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
