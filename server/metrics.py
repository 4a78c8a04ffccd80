"""What a worker counts, as plain integers that a collector turns into Prometheus families.

One event loop writes them, so there is no lock: a call costs a few additions. Label values are
names of the contract and codes, never anything of a request.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from repository.cache import CacheStats
from repository.reading import ReadStats
from server.admission import SHED_REASONS, Admission
from server.opened import OpenedStats

__all__ = ["AuditStats", "Gauges", "Histogram", "MethodStats", "Metrics", "SampleStats"]

DURATION_BOUNDS_S: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0
)  # fmt: skip
AGE_BOUNDS_S: Final = (1.0, 10.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
BATCH_BOUNDS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 5000)
VERSION: Final = "0.1.0"


class Histogram:
    """Counts by upper bound, and the sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        bounds = self.bounds
        # Most calls are quick and of one item: the first bucket needs no search.
        self.counts[0 if value <= bounds[0] else bisect_left(bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, as the exposition format has them."""
        found: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found


class MethodStats:
    """What one method did."""

    __slots__ = ("batch_items", "duration_s", "handled", "name", "started")

    def __init__(self, name: str) -> None:
        self.name = name  # "CardService/BlockCard"
        self.started = 0
        self.handled: dict[str, int] = {}
        self.duration_s = Histogram(DURATION_BOUNDS_S)
        self.batch_items = Histogram(BATCH_BOUNDS)

    def start(self) -> float:
        """Count a call that begins; returns when, for `finish`."""
        self.started += 1
        return time.monotonic()

    def finish(self, code: str, started: float) -> float:
        """Count a call that ends with a status code's name; returns its seconds."""
        self.handled[code] = self.handled.get(code, 0) + 1
        taken_s = time.monotonic() - started
        self.duration_s.observe(taken_s)
        return taken_s


def _by_source() -> dict[str, int]:
    return dict.fromkeys(("own", "valkey"), 0)


@dataclass(slots=True)
class SampleStats:
    """What the sampler counts, by the cache that an entry is in."""

    sampled: dict[str, int] = field(default_factory=_by_source)
    behind: dict[str, int] = field(default_factory=_by_source)
    stale: dict[str, int] = field(default_factory=_by_source)
    age_s: Histogram = field(default_factory=lambda: Histogram(AGE_BOUNDS_S))


@dataclass(slots=True)
class AuditStats:
    """What the audit counts: each is a call that was, or was not, to show what is recorded."""

    recorded: int = 0
    refused: int = 0


@dataclass(slots=True)
class Gauges:
    """What others count: read when metrics are asked for. app.py says whose it is."""

    audit: AuditStats = field(default_factory=AuditStats)
    cache: CacheStats = field(default_factory=CacheStats)
    own: OpenedStats = field(default_factory=OpenedStats)
    samples: SampleStats = field(default_factory=SampleStats)
    reads: ReadStats = field(default_factory=ReadStats)
    poll_age_s: Callable[[], float] = float
    idle_connections: Callable[[], int] = int


class Metrics:
    """All of a worker's metrics, in a registry of its own."""

    def __init__(self, admission: Admission | None = None) -> None:
        self.gauges = Gauges()
        self._methods: dict[str, MethodStats] = {}
        self._registry = CollectorRegistry()
        self._registry.register(_Families(self._methods.values(), self.gauges))
        self._registry.register(_Shedding(admission or Admission(1)))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def method(self, name: str) -> MethodStats:
        """The counters of one method, made when first asked for."""
        return self._methods.setdefault(name, MethodStats(name))

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)


class _Families(Collector):
    """Renders the plain counters."""

    def __init__(self, methods: Iterable[MethodStats], gauges: Gauges) -> None:
        self._methods = methods
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        yield from self._calls()
        yield from self._sizes()
        yield from self._cache()
        yield from self._samples()
        yield from self._audit()
        yield GaugeMetricFamily(
            "opencif_poll_age_seconds",
            "Seconds since the changes of the database were last read.",
            self._gauges.poll_age_s(),
        )
        yield GaugeMetricFamily(
            "opencif_database_idle_connections",
            "Pooled connections to the primary that are free.",
            self._gauges.idle_connections(),
        )
        yield CounterMetricFamily(
            "opencif_read_statements",
            "Statements run to read records that no cache could give.",
            self._gauges.reads.statements,
        )
        build = GaugeMetricFamily(
            "opencif_build_info", "The version, as a label.", None, ["version"]
        )
        build.add_metric([VERSION], 1)
        yield build

    def _calls(self) -> Iterator[Metric]:
        started = CounterMetricFamily("opencif_rpc_started", "Calls begun.", None, ["method"])
        handled = CounterMetricFamily(
            "opencif_rpc_handled", "Calls ended.", None, ["method", "code"]
        )
        in_flight = GaugeMetricFamily("opencif_rpc_in_flight", "Calls running.", None, ["method"])
        for method in self._methods:
            started.add_metric([method.name], method.started)
            for code, count in method.handled.items():
                handled.add_metric([method.name, code], count)
            in_flight.add_metric([method.name], method.started - sum(method.handled.values()))
        yield from (started, handled, in_flight)

    def _sizes(self) -> Iterator[Metric]:
        duration = HistogramMetricFamily(
            "opencif_rpc_duration_seconds", "How long calls took.", labels=["method"]
        )
        batch = HistogramMetricFamily(
            "opencif_rpc_batch_items", "Items a request held.", labels=["method"]
        )
        for method in self._methods:
            taken, items = method.duration_s, method.batch_items
            duration.add_metric([method.name], taken.buckets(), taken.sum)
            if any(items.counts):
                batch.add_metric([method.name], items.buckets(), items.sum)
        yield from (duration, batch)

    def _audit(self) -> Iterator[Metric]:
        stats = self._gauges.audit
        calls = CounterMetricFamily(
            "opencif_audit_calls",
            "Calls that show numbers or private fields, by whether that could be recorded.",
            None,
            ["outcome"],
        )
        calls.add_metric(["recorded"], stats.recorded)
        calls.add_metric(["refused"], stats.refused)
        yield calls

    def _samples(self) -> Iterator[Metric]:
        """How the caches compare with the primary."""
        samples = self._gauges.samples
        for name, words, counts in (
            ("sampled", "Cached entries compared with the primary.", samples.sampled),
            ("behind", "Of these, older than what the poll has yet to see.", samples.behind),
            ("stale", "Of these, older than what the poll has seen.", samples.stale),
        ):
            family = CounterMetricFamily(f"opencif_cache_{name}", words, None, ["source"])
            for source, count in counts.items():
                family.add_metric([source], count)
            yield family
        yield HistogramMetricFamily(
            "opencif_cache_age_seconds",
            "Since when sampled entries of Valkey were last filled or stamped, at least.",
            samples.age_s.buckets(),
            samples.age_s.sum,
        )

    def _cache(self) -> Iterator[Metric]:
        stats, own = self._gauges.cache, self._gauges.own
        hits = {"own": own.hits, "valkey": stats.hits}
        events = {
            "filled": stats.filled,
            "restamped": stats.restamped,
            "fill_dropped": stats.fills_dropped,
        }
        removed = {"changed": own.changed, "dropped": own.dropped, "evicted": own.evicted}
        for name, words, label, counts in (
            ("hits", "Entries served from a cache.", "source", hits),
            ("misses", "Entries that were absent or not proven.", "cause", stats.misses),
            ("events", "What was done to cached entries.", "event", events),
            ("own_removed", "Entries that left the worker's own cache.", "cause", removed),
        ):
            family = CounterMetricFamily(f"opencif_cache_{name}", words, None, [label])
            for value, count in counts.items():
                family.add_metric([value], count)
            yield family
        yield GaugeMetricFamily(
            "opencif_cache_own_bytes", "What the worker's own cache takes up.", own.bytes
        )
        yield GaugeMetricFamily(
            "opencif_cache_own_entries", "Entries in the worker's own cache.", own.entries
        )


class _Shedding(Collector):
    """Renders what the admission says."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def collect(self) -> Iterator[Metric]:
        shed = CounterMetricFamily(
            "opencif_rpc_shed", "Calls turned away before they began.", None, ["reason"]
        )
        for reason in SHED_REASONS:
            shed.add_metric([reason], self._admission.shed[reason])
        yield shed
        yield GaugeMetricFamily(
            "opencif_rpc_wait_seconds",
            "How long a call waited before it began, as last measured; 0 while few call.",
            self._admission.wait_s,
        )
        yield GaugeMetricFamily(
            "opencif_rpc_slots_taken", "Calls running, by their weight.", self._admission.running
        )
