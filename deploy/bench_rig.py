"""The processes of a bench, each on its core: servers, load, baselines.

It runs one job at a time and knows nothing of rounds, ratios or reports.
"""

import contextlib
import json
import re
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from deploy.bench_baselines import DSN, ECHO, EMPTY, URL
from deploy.bench_partner import Partner, RunFailed
from deploy.bench_security import Secured, secured
from deploy.service import Service, Workers
from loadtests.bench_cases import KINDS, SHAPES, Case, Keys, Kind, Shape, Source
from loadtests.bench_client import read_requests, write_requests
from loadtests.bench_figures import Run
from loadtests.bench_machine import Cores, descendants, pin, resident_mib
from tokenizer.identity import text_to_id

__all__ = ["FILLED", "Rig", "UnaryCall"]

FILLED: Final[Mapping[str, str]] = {
    "OPENCIF_WAIT_MAX_S": "30",
    "OPENCIF_CONNECTION_WAIT_MAX_S": "30",
    "OPENCIF_PRIMARY_SILENT_S": "30",
    "OPENCIF_UNARY_DEADLINE_S": "30",
}
"""The settings of servers that are measured: kept as full as can be, they are not overloaded, and
where they are kept waiting they wait: a call that is turned away has no figure."""

_HITS: Final = re.compile(r'^opencif_cache_hits_total\{.*source="(\w+)".*\} (\S+)$', re.MULTILINE)
_MISSES: Final = re.compile(r"^opencif_cache_misses_total\{.*\} (\S+)$", re.MULTILINE)
_UP: Final = re.compile(r"^opencif_worker_up\{.*\} 1\.0$", re.MULTILINE)
_END_MAX_S: Final = 30
_ASKED_MAX: Final = 10
_FIRST: Final = KINDS[0]
"""The kind of key that what is compared is measured with."""
_ECHO, _EMPTY = "echo", "empty"


class UnaryCall(NamedTuple):
    """A call of one framed message, and how many are under way at once."""

    address: str
    method: str
    message: Path
    in_flight: int


class Rig:
    """Everything that runs, and where its requests lie. Use it as a context."""

    def __init__(self, service: Service, cores: Cores, sources: Sequence[Source]) -> None:
        self._service = service
        self._cores = cores
        self._held = contextlib.ExitStack()
        self._servers: dict[str, Workers] = {}
        self._watch: dict[str, int] = {}
        self._requests = service.home / "requests"
        self._clients: list[Partner] = []
        self._baselines: Partner | None = None
        self._resolver: Partner | None = None
        self._security: Secured | None = None
        self._echo_sizes: dict[str, int] = {}
        self._ids: list[bytes] = []
        self._sources = sources
        self._counted: dict[str, dict[str, float]] = {}
        self.baselines_address = ""

    def start(self) -> None:
        """Start what the service is not yet, and bind all of it to its cores."""
        service, cores = self._service, self._cores
        for source in self._sources:
            if _key(source) not in self._servers:
                self._servers[_key(source)] = server = self._serve(source)
                pin(server.pid, cores.server)
        for role, pid, core in (
            ("valkey", service.stack.valkey.pid, cores.valkey),
            ("postgres", service.stack.postgres.pid, cores.postgres),
        ):
            if pid is not None:  # another's, elsewhere
                pin(pid, core)
                self._watch[role] = pid
        self._requests.mkdir(exist_ok=True)
        self._clients = [
            self._partner("loadtests.bench_client", core, {}) for core in cores.clients
        ]
        self._baselines = self._partner(
            "deploy.bench_baselines",
            cores.server,
            {
                DSN: service.stack.postgres.dsn("opencif"),
                URL: service.stack.valkey.url,
                **FILLED,
            },
        )
        self.baselines_address = str(self._baselines.answer()["address"])

    def _serve(self, source: Source) -> Workers:
        """The server that a source is measured with."""
        settings = dict(source.settings)
        if source.is_secured:
            self._security = self._security or secured(self._service.home / "security")
            settings |= self._security.settings
        if not settings:
            return self._service.server
        return self._service.serve_also(f"server-{len(self._servers)}", settings)

    def prepare(self, gathered: Mapping[tuple[str, bool], Keys], shapes: Sequence[Shape]) -> None:
        """Write all requests."""
        for shape in shapes:
            for (kind, known), keys in gathered.items():
                write_requests(self._path(kind, shape, known=known), keys.requests(shape))
            same = list(gathered[_FIRST.name, True].requests(shape))
            size = self._echo_sizes[shape.name] = same[0][1]
            for name, answer_size in ((_ECHO, size), (_EMPTY, 0)):
                requests = ((request, answer_size) for request, _ in same)
                write_requests(self._path(name, shape), requests)
        self._count()
        names = [result.account.name for result in gathered[_FIRST.name, True].results]
        self._ids = [text_to_id(name.partition("/")[2]) for name in names]

    def warm(self, kinds: Iterable[Kind], shape: Shape) -> None:
        """Ask every server that has a cache for everything, and show the baselines the records.

        Raises: RunFailed.
        """
        for kind in kinds:
            for source in self._sources:
                if source.counted_as:
                    self.case(Case(kind, shape, source), 0, 0, whole=True)
        told = self._baseline({"what": "gather", "ids": b"".join(self._ids).hex()})
        if told["keys"] < len(self._ids):
            raise RunFailed(f"the cache holds {told['keys']} of {len(self._ids)} accounts")

    def case(self, case: Case, warm_s: float, measure_s: float, *, whole: bool = False) -> Run:
        """One run of a case, with `whole` of all its requests at least. Raises: RunFailed."""
        server = self._servers[_key(case.source)]
        before = self._counted[_key(case.source)]
        run = self._load(
            {
                "address": server.addresses[0],
                "method": case.kind.method(case.shape),
                "requests": str(self._path(case.kind.name, case.shape, known=case.source.known)),
                "tls": self._security.tls if self._security and case.source.is_secured else None,
                "warm_s": warm_s,
                "measure_s": measure_s,
                "whole": whole,
            },
            case.shape,
            server.pid,
        )
        after = self._counted[_key(case.source)] = _hits(server)
        hits = {name: after[name] - before.get(name, 0.0) for name in after}
        return replace(run, hits=hits, wanted=case.source.counted_as)

    def handler(self, shape: Shape, warm_s: float, measure_s: float, *, empty: bool) -> Run:
        """One run against the empty handler or the echo, with the requests of the first kind."""
        assert self._baselines is not None
        echo = f"{ECHO}{'s' if shape.streams else ''}{self._echo_sizes[shape.name]}"
        job = {
            "address": self.baselines_address,
            "method": EMPTY if empty else echo,
            "requests": str(self._path(_EMPTY if empty else _ECHO, shape)),
            "warm_s": warm_s,
            "measure_s": measure_s,
        }
        return self._load(job, shape, self._baselines.pid)

    def baseline(self, what: str, shape: Shape | None, warm_s: float, measure_s: float) -> Run:
        """One run of a baseline that needs no client. Raises: RunFailed."""
        job: dict[str, Any] = {"what": what, "warm_s": warm_s, "measure_s": measure_s}
        job["core"] = self._cores.server
        if shape is not None:
            job |= {"items": shape.items, "in_flight": shape.in_flight, "watch": self._watch}
        told = self._baseline(job)
        return Run(told["done"], told["seconds"], told["cpu_s"], told.get("wrong", 0))

    def resolve(self, file: Path) -> Run:
        """One run of a NACHA file through the published client, end to end. Raises: RunFailed."""
        if self._resolver is None:
            core = self._cores.clients[0]
            self._resolver = self._partner("loadtests.bench_resolve", core, {})
        server = self._service.server
        self._resolver.ask(
            {
                "address": server.addresses[0],
                "file": str(file),
                "watch": {**self._watch, "server": server.pid},
                "core": self._cores.server,
            }
        )
        told = self._resolver.answer()
        self._count()
        return Run(told["entries"], told["seconds"], told["cpu_s"])

    def resident_mib(self) -> dict[str, float]:
        """Memory that the worker of each source's server has in use."""
        return {
            f"{source.name}{', secured' if source.is_secured else ''}": resident_mib(
                descendants(self.server_pid(source))[-1]
            )
            for source in self._sources
        }

    def unary_calls(self) -> dict[str, UnaryCall]:
        """The two unary calls that are compared, for another client to make."""
        shape = min(SHAPES, key=lambda one: one.items)
        message = self._requests / "one-call"
        message.write_bytes(next(read_requests(self._path(_FIRST.name, shape)))[0])
        server, most = self._service.addresses[0], shape.in_flight
        return {
            "empty grpc.aio handler": UnaryCall(self.baselines_address, EMPTY, message, most),
            _FIRST.name: UnaryCall(server, _FIRST.method(shape), message, most),
        }

    def server_pid(self, source: Source) -> int:
        """The supervisor of the server that a source is measured with."""
        return self._servers[_key(source)].pid

    def _count(self) -> None:
        """Note what the caches have answered so far, which is no later case's."""
        self._counted = {key: _hits(server) for key, server in self._servers.items()}

    def _baseline(self, job: Mapping[str, Any]) -> dict[str, Any]:
        assert self._baselines is not None
        self._baselines.ask(job)
        return self._baselines.answer()

    def _load(self, job: Mapping[str, Any], shape: Shape, server_pid: int) -> Run:
        """A run over all client processes, each with its part of the calls."""
        told_each = {
            **job,
            "watch": {**self._watch, "server": server_pid},
            "core": self._cores.server,
            "in_flight": -(-shape.in_flight // len(self._clients)),
            "streams": shape.streams,
        }
        for client in self._clients:
            client.ask(told_each)
        told = [client.answer() for client in self._clients]
        cpu_s = dict(told[0]["cpu_s"])
        cpu_s["client"] = max(one["cpu_s"]["client"] for one in told)
        calls = sum(one["calls"] for one in told)
        wrong, stale = (sum(one[which] for one in told) for which in ("wrong", "stale"))
        return Run(calls * shape.items, told[0]["seconds"], cpu_s, wrong, stale=stale)

    def _path(self, kind: str, shape: Shape, *, known: bool = True) -> Path:
        name = f"{kind}-{shape.name}-{known}".replace(" ", "-").replace(",", "")
        return self._requests / name

    def _partner(self, module: str, core: int, environment: Mapping[str, str]) -> Partner:
        partner = Partner(module, core, environment)
        self._held.callback(partner.stop)
        return partner

    def stop(self) -> None:
        """End what was started here."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _key(source: Source) -> str:
    """Sources of one key have one server."""
    return json.dumps([source.is_secured, sorted(source.settings.items())])


def _hits(server: Workers) -> dict[str, float]:
    """What the server's caches have answered so far, by source, and what they have not.

    A worker that is kept from answering is left out of its server's metrics, and asked again.
    Raises: RunFailed.
    """
    for _ in range(_ASKED_MAX):
        with urllib.request.urlopen(server.metrics, timeout=_END_MAX_S) as told:  # noqa: S310  ours
            text: str = told.read().decode()
        if _UP.search(text):
            break
    else:
        raise RunFailed("a worker does not tell its metrics")
    hits: dict[str, float] = {}
    for source, count in _HITS.findall(text):
        hits[source] = hits.get(source, 0.0) + float(count)
    return {**hits, "misses": sum(map(float, _MISSES.findall(text)))}
