"""A whole OpenCIF cluster on this machine, on loopback: what `make cluster` and `make faults` run.

Three PostgreSQL nodes under Patroni, etcd, a Valkey pair with its sentinels, two servers of two
workers, Envoy in front. It ends with its owner; it must not know what a fault is.
"""

import asyncio
import contextlib
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from deploy.cluster_guard import MARK, Guard
from deploy.cluster_parts import Envoy, Etcd, Part, Sentinel, ValkeyNode
from deploy.embedded_postgres import Programs, find_programs
from deploy.patroni_node import PatroniNode
from deploy.places import await_vacancy, settle
from deploy.ports import HOST, Address
from deploy.process import EmbeddedError, service_account
from deploy.process_tree import send, tree
from deploy.service import KEK, Workers, server_command

__all__ = ["Cluster", "Route", "Unhealthy"]

_USER: Final = "opencif"
_DATABASES: Final = ("opencif", "opencif_keys")
_NODES: Final = ("postgres-1", "postgres-2", "postgres-3")
_VALKEYS: Final = ("valkey-1", "valkey-2")
_SENTINELS: Final = ("sentinel-1", "sentinel-2", "sentinel-3")
_SERVERS: Final = ("server-1", "server-2")
_WORKERS: Final = 2
_HEALTHY_MAX_S: Final = 90
_LOOK_EVERY_S: Final = 0.2

Route = Callable[[str, str, Address], Address]
"""What the first is told of where the second listens, which is not where it does if a proxy stands
between them."""


class Unhealthy(EmbeddedError):
    """The cluster did not become healthy in time; says what is missing."""


def _straight(_: str, __: str, address: Address) -> Address:
    return address


class Cluster:
    """The cluster in one directory, begun anew at every start. Use it as a context.

    `settings` are the servers' besides those that say where everything is.
    """

    def __init__(
        self,
        directory: Path,
        *,
        route: Route = _straight,
        settings: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        account = service_account()
        self.home = settle(directory, account)
        self._account = account
        self._route = route
        self._settings = dict(settings or {})
        self._tell = tell
        self._password = secrets.token_urlsafe(24)
        self._programs: Programs | None = None
        self._held = contextlib.ExitStack()
        self.mark = {MARK: secrets.token_hex(8)}
        """In the environment of every process of the cluster, so that its guard finds it."""
        self.etcd = Etcd(self.home, account)
        self.nodes = {name: PatroniNode(name, self.home, account) for name in _NODES}
        self.valkeys = {
            name: ValkeyNode(name, self.home, account, self._password) for name in _VALKEYS
        }
        self.sentinels = [Sentinel(name, self.home, account) for name in _SENTINELS]
        self.servers: dict[str, Workers] = {}
        self.envoy = Envoy(self.home)
        parts: list[Part] = [self.etcd, self.envoy, *self.sentinels]
        for part in (*parts, *self.nodes.values(), *self.valkeys.values()):
            part.environment = self.mark

    def start(self) -> None:
        """Start everything from nothing; returns when it is healthy. Raises: EmbeddedError."""
        self._empty()
        with contextlib.ExitStack() as held:
            held.callback(Guard(self.home, self.mark[MARK]).dismiss)
            self._start_valkey(held)
            self._start_postgres(held)
            self._start_servers(held)
            self._held = held.pop_all()
        self._tell(f"Envoy at {self.envoy.address} before {', '.join(self.workers)}")

    def stop(self) -> None:
        """Stop everything, servers first."""
        self._held.close()

    @property
    def workers(self) -> list[str]:
        """Where the servers' workers listen, as Envoy is told."""
        return [
            str(self._route("envoy", f"{name}/{number}", Address.of(worker)))
            for name, server in self.servers.items()
            for number, worker in enumerate(server.addresses)
        ]

    @property
    def primary(self) -> PatroniNode | None:
        """The PostgreSQL node that says it is the primary and runs; None when none does."""
        for node in self.nodes.values():
            told = node.status()
            if told.get("role") == "primary" and told.get("state") == "running":
                return node
        return None

    def dsn(self, database: str, *, of: str = "server") -> str:
        """The DSN of a database over all nodes, as `of` is told where they are."""
        hosts = ",".join(
            str(self._route(of, name, node.listens)) for name, node in self.nodes.items()
        )
        return f"postgresql://{_USER}:{self._password}@{hosts}/{database}"

    def node_dsn(self, node: PatroniNode, database: str) -> str:
        """The DSN of a database on one node, past whatever stands before it."""
        return f"postgresql://{_USER}:{self._password}@{node.listens}/{database}"

    def environment(self) -> dict[str, str]:
        """The servers' settings."""
        main, keys = map(self.dsn, _DATABASES)
        valkeys = ",".join(
            str(self._route("server", name, node.address)) for name, node in self.valkeys.items()
        )
        return {
            "OPENCIF_DATABASE_DSN": main,
            "OPENCIF_REPLICA_DSN": main,
            "OPENCIF_KEY_DATABASE_DSN": keys,
            "OPENCIF_CACHE_URL": f"redis://:{self._password}@{valkeys}",
            "OPENCIF_KEK_FILE": str(self.home / KEK),
            "OPENCIF_PORT": "0",
            "OPENCIF_WORKERS": str(_WORKERS),
            **self._settings,
            **self.mark,
        }

    def start_server(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a server, also again; returns when its workers serve. Raises: StartFailed."""
        environment = {**self.environment(), **(environment or {})}
        self.servers[name] = Workers(self.home, name, environment)
        self.servers[name].wait()
        _ = self.workers  # whoever stands before the workers is told where they are now

    def stop_server(self, name: str) -> None:
        """Drain a server and end it."""
        if name in self.servers:
            self.servers[name].stop()

    def kill_server(self, name: str) -> None:
        """End a server and its workers as the loss of its machine would."""
        send(signal.SIGKILL, tree(self.servers[name].pid))
        self.servers[name].stop()

    def start_node(self, name: str, before: Sequence[str] = ()) -> None:
        """Start a PostgreSQL node that is not running; Patroni brings it in by itself.

        `before`: a command that is given the node's own as its last words.
        """
        assert self._programs is not None, "not started"
        etcd = self._route(name, "etcd", self.etcd.address)
        self.nodes[name].start(self._programs, etcd, self._values(), before)

    def heal(self) -> None:
        """Start again what is not running; returns when all is healthy. Raises: EmbeddedError."""
        if self.etcd.pid is None:
            self.etcd.start()
        for name, node in self.nodes.items():
            if node.pid is None:
                self.start_node(name)
        for valkey in self.valkeys.values():
            if valkey.pid is None:
                primaries = [one.address for one in self.valkeys.values() if one.role == "master"]
                valkey.start(follows=primaries[0] if primaries else None)
        for name, server in self.servers.items():
            if not server.is_alive():
                self.start_server(name)
        self.wait_healthy()

    def status(self) -> list[tuple[str, str]]:
        """Every part and what it says of itself."""
        told = [("etcd", "running" if self.etcd.pid else "down")]
        for name, node in self.nodes.items():
            found = node.status()
            words = [str(found.get(key, "")) for key in ("role", "state", "timeline")]
            told.append((name, " ".join(words) if found else "silent"))
        told += [(name, node.role or "silent") for name, node in self.valkeys.items()]
        told += [
            (name, ", ".join(server.addresses) if server.is_alive() else "down")
            for name, server in self.servers.items()
        ]
        return [*told, ("envoy", str(self.envoy.address) if self.envoy.pid else "down")]

    def switch_over(self, to: PatroniNode | None = None) -> PatroniNode:
        """Have the primary hand over to this standby or any; who it is then.

        Raises: Unhealthy, OSError.
        """
        primary = self.primary_now()
        before = primary.timeline
        primary.hand_over(to.name if to else None)
        return self.wait_promoted(before)

    def kill_primary(self) -> tuple[PatroniNode, PatroniNode]:
        """End the primary's postmaster as a crash would; which it was, and who is it then.

        That may be the same node again: Patroni promotes whoever is first to be fit for it.

        Raises: Unhealthy.
        """
        primary = self.primary_now()
        before = primary.timeline
        primary.signal_postgres(signal.SIGKILL)
        return primary, self.wait_promoted(before)

    def wait_promoted(self, timeline: int) -> PatroniNode:
        """The primary, once it is on a later timeline. Raises: Unhealthy."""
        ends = time.monotonic() + _HEALTHY_MAX_S
        while (primary := self.primary) is None or primary.timeline <= timeline:
            if time.monotonic() > ends:
                raise Unhealthy(f"nobody has been promoted beyond timeline {timeline}")
            time.sleep(_LOOK_EVERY_S)
        return primary

    def wait_healthy(self) -> None:
        """Return when a primary has its quorum of streaming standbys. Raises: Unhealthy."""
        ends = time.monotonic() + _HEALTHY_MAX_S
        while missing := self._missing():
            if time.monotonic() > ends:
                raise Unhealthy(f"{missing}; logs are in {self.home / 'logs'}")
            time.sleep(_LOOK_EVERY_S)

    def primary_now(self) -> PatroniNode:
        """The primary. Raises: Unhealthy when there is none."""
        if (primary := self.primary) is None:
            raise Unhealthy("PostgreSQL has no primary")
        return primary

    def _missing(self) -> str:
        """What is not yet as it should be; empty when all is."""
        primary = self.primary
        if primary is None:
            return "PostgreSQL has no primary"
        others = [member for member in primary.members() if member.get("name") != primary.name]
        following = [member for member in others if member.get("state") == "streaming"]
        if len(following) < len(_NODES) - 1:
            return f"{len(following)} standbys follow {primary.name}"
        if not all("quorum" in str(member.get("role")) for member in others):
            return f"not every standby of {primary.name} counts for its quorum"
        if sorted(valkey.role for valkey in self.valkeys.values()) != ["master", "slave"]:
            return "the Valkey pair is no pair"
        if not any(valkey.is_linked for valkey in self.valkeys.values()):
            return "Valkey's replica does not follow"
        down = [f"{name} is down" for name, one in self.servers.items() if not one.is_alive()]
        return ", ".join(down or [f"Envoy leaves out {one}" for one in self.envoy.left_out])

    def _values(self) -> dict[str, str]:
        """What this place puts into Patroni's configuration."""
        return {
            "password": self._password,
            "network": f"{HOST}/32",
            "connections_max": "200",
            "shared_buffers": "64MB",
            "watchdog": '"off"',
            "archive_command": '"true"',
        }

    def _empty(self) -> None:
        """Remove what an earlier cluster left."""
        for name in (self.etcd.name, *_NODES, *_VALKEYS, *_SENTINELS, "envoy"):
            place = self.home / name
            if (place / "data").exists():
                await_vacancy(place / "data", "postgres")
            shutil.rmtree(place, ignore_errors=True)
        (self.home / KEK).unlink(missing_ok=True)

    def _start_postgres(self, held: contextlib.ExitStack) -> None:
        self._programs = find_programs(self._account)
        held.callback(self.etcd.stop)
        self.etcd.start()
        for name, node in self.nodes.items():
            node.told = self._route("postgres", name, node.listens)
            node.told_rest = self._route("postgres", f"{name}/rest", node.rest)
            held.callback(node.stop)
            self.start_node(name)
        self.wait_healthy()
        self._tell(f"{self._programs.origin}: three nodes under Patroni")
        for name in _DATABASES:
            self.make_database(name)

    def _start_valkey(self, held: contextlib.ExitStack) -> None:
        first, second = self.valkeys.values()
        for node, follows in ((first, None), (second, first.address)):
            held.callback(node.stop)
            node.start(follows=follows)
        for sentinel in self.sentinels:
            held.callback(sentinel.stop)
            sentinel.start(first.address, self._password)
        self._tell(f"Valkey at {first.address}, its replica at {second.address}")

    def _start_servers(self, held: contextlib.ExitStack) -> None:
        for command in (("migrate",), ("keys", "init")):
            server_command(self.environment(), *command)
        for name in _SERVERS:
            held.callback(self.stop_server, name)
            self.start_server(name)
        held.callback(self.envoy.stop)
        self.envoy.start(self.workers)

    def make_database(self, name: str) -> None:
        """Make an empty database on the primary."""

        async def make() -> None:
            connection = await asyncpg.connect(
                self.dsn("postgres", of="owner"), target_session_attrs=SessionAttribute.primary
            )
            try:
                await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
            finally:
                await connection.close()

        asyncio.run(make())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
