"""One /metrics for all workers: each worker's own, under a `worker` label.

Runs in the supervisor, which asks the workers over their sockets; counts nothing of theirs.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

__all__ = ["serve_metrics"]

TIMEOUT_S = 2.0


@contextlib.contextmanager
def serve_metrics(
    address: str,
    port: int,
    sockets: Mapping[int, Path],
    restarts: Callable[[], Mapping[int, int]],
) -> Iterator[int]:
    """Serve /metrics until the block ends; yields the port."""
    registry = CollectorRegistry()
    registry.register(_Workers(sockets, restarts))
    server, thread = start_http_server(port, address, registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Workers(Collector):
    """Asks every worker when it is asked; one that does not answer is left out and counted."""

    def __init__(
        self, sockets: Mapping[int, Path], restarts: Callable[[], Mapping[int, int]]
    ) -> None:
        self._sockets = sockets
        self._restarts = restarts

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("opencif_worker_up", "Whether it answers.", None, ["worker"])
        merged: dict[str, Metric] = {}
        for number, path in self._sockets.items():
            text = _asked(path)
            up.add_metric([str(number)], 0 if text is None else 1)
            for family in text_string_to_metric_families(text or ""):
                _merge(merged, family, str(number))
        restarted = CounterMetricFamily(
            "opencif_worker_restarts", "How often it had to be started again.", None, ["worker"]
        )
        for number, count in self._restarts().items():
            restarted.add_metric([str(number)], count)
        yield from (up, restarted, *merged.values())


def _merge(merged: dict[str, Metric], family: Metric, worker: str) -> None:
    whole = merged.setdefault(
        family.name, Metric(family.name, family.documentation, family.type, family.unit)
    )
    for sample in family.samples:
        whole.add_sample(
            sample.name, {"worker": worker, **sample.labels}, sample.value, sample.timestamp
        )


def _asked(path: Path) -> str | None:
    """All that a worker writes to whoever connects; None when it does not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(path))
            parts = list(iter(lambda: connection.recv(1 << 16), b""))
        except OSError:
            return None
    return b"".join(parts).decode()
