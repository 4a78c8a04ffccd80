"""The parts of the cluster on one machine but PostgreSQL: etcd, Valkey, its sentinels, Envoy.

Each is one process of ours with its configuration from deploy/configuration; which of them there
are, and who talks to whom, is cluster.py's business.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

import redis

from deploy.embedded_valkey import find_program
from deploy.places import own
from deploy.ports import HOST, Address, free_port
from deploy.process import Account, BinaryMissing, Server

__all__ = [
    "Envoy", "Etcd", "Part", "Sentinel", "ValkeyNode", "asked", "listens",
]  # fmt: skip

_CONFIGURATION: Final = Path(__file__).with_name("configuration")
_START_MAX_S: Final = 30
_ANSWER_MAX_S: Final = 2


class Part:
    """One process of the cluster, in a directory of its own, run as `account`."""

    def __init__(self, name: str, home: Path, account: Account | None) -> None:
        self.name = name
        self._home = home
        self._account = account
        self._server: Server | None = None
        self.environment: Mapping[str, str] = {}

    @property
    def pid(self) -> int | None:
        """The process id; None when it is not running."""
        return self._server.pid if self._server and self._server.is_alive() else None

    def kill(self) -> None:
        """End it as a crash would."""
        if self._server:
            self._server.kill()

    def pause(self) -> None:
        """Freeze it: it keeps its connections and answers nobody."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in order."""
        if self._server:
            self._server.stop()

    def _signal(self, what: signal.Signals) -> None:
        if pid := self.pid:
            os.kill(pid, what)

    @property
    def _place(self) -> Path:
        """Its directory, made and given to its account."""
        place = self._home / self.name
        own(place, self._account)
        return place

    def _configuration(self, template: str, values: Mapping[str, str]) -> Path:
        """Its configuration with its values, readable by its user alone: it holds secrets."""
        text = Template((_CONFIGURATION / template).read_text()).substitute(values)
        path = self._place / template
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)
        return path

    def _launch(
        self,
        command: Sequence[object],
        account: Account | None,
        *,
        is_ready: Callable[[], bool] = lambda: True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._server = Server(
            [str(word) for word in command],
            account,
            log=self._home / "logs" / f"{self.name}.log",
            stop_signal=signal.SIGTERM,
            environment={**self.environment, **(environment or {})},
        )
        self._server.wait_until(is_ready, _START_MAX_S)


class Etcd(Part):
    """One etcd server, which keeps who is the primary."""

    def __init__(self, home: Path, account: Account | None) -> None:
        super().__init__("etcd", home, account)
        self.address = Address(HOST, free_port())
        self._peers = Address(HOST, free_port())

    def start(self) -> None:
        """Start; returns when it answers. Raises: BinaryMissing, StartFailed."""
        clients, peers = f"http://{self.address}", f"http://{self._peers}"
        command = [
            _program("etcd", "etcd (on Debian and Ubuntu: apt-get install etcd-server)"),
            f"--name={self.name}",
            f"--data-dir={self._place}/data",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster={self.name}={peers}",
        ]
        self._launch(command, self._account, is_ready=lambda: bool(asked(f"{clients}/health")))


class ValkeyNode(Part):
    """One Valkey server of a pair."""

    def __init__(self, name: str, home: Path, account: Account | None, password: str) -> None:
        super().__init__(name, home, account)
        self.address = Address(HOST, free_port())
        self._password = password

    @property
    def role(self) -> str:
        """`master` or `slave`, as the server says; empty when it is silent."""
        with contextlib.suppress(redis.RedisError), self.client() as client:
            told: Any = client.role()
            return str(told[0].decode())
        return ""

    @property
    def is_linked(self) -> bool:
        """Whether it is a replica that has all its primary has, and so may be promoted."""
        with contextlib.suppress(redis.RedisError), self.client() as client:
            told: Any = client.info("replication")
            return bool(told.get("master_link_status") == "up")
        return False

    def command(self, *words: str | bytes | int) -> Any:
        """What the server answers. Raises: redis.RedisError."""
        with self.client() as client:
            return client.execute_command(*words)

    def start(self, *, follows: Address | None = None, maxmemory_mb: int = 256) -> None:
        """Start, following a primary or none; returns when it answers.

        Raises: BinaryMissing, StartFailed.
        """
        program, _ = find_program(self._account)
        configuration = self._configuration(
            "valkey.conf",
            {
                "port": str(self.address.port),
                "password": self._password,
                "directory": str(self._place),
                "maxmemory_mb": str(maxmemory_mb),
                "role": f"replicaof {follows.host} {follows.port}" if follows else "",
            },
        )
        command = [program, configuration]
        self._launch(command, self._account, is_ready=lambda: bool(self.role))

    def client(self) -> redis.Redis:
        """A connection of redis-py's; a context."""
        return redis.Redis(
            host=self.address.host,
            port=self.address.port,
            password=self._password,
            socket_timeout=_ANSWER_MAX_S,
        )


class Sentinel(Part):
    """One of those who watch the Valkey pair; two of three promote the replica."""

    def __init__(self, name: str, home: Path, account: Account | None) -> None:
        super().__init__(name, home, account)
        self.address = Address(HOST, free_port())

    def start(self, primary: Address, password: str) -> None:
        """Start; returns when it listens. Raises: BinaryMissing, StartFailed."""
        program, _ = find_program(self._account)
        configuration = self._configuration(
            "sentinel.conf",
            {
                "port": str(self.address.port),
                "directory": str(self._place),
                "primary_port": str(primary.port),
                "password": password,
            },
        )
        command = [program, configuration, "--sentinel"]
        self._launch(command, self._account, is_ready=lambda: listens(self.address))


_LEFT_OUT_FOR: Final = ("failed_active_health_check", "failed_outlier_check")


class Envoy(Part):
    """The balancer in front of all workers; runs as we do."""

    def __init__(self, home: Path) -> None:
        super().__init__("envoy", home, None)
        self.address = Address(HOST, free_port())
        self._admin = Address(HOST, free_port())

    def start(self, workers: Sequence[str]) -> None:
        """Start before these addresses; returns when it is live.

        Raises: BinaryMissing, StartFailed.
        """
        addresses = (address.rpartition(":") for address in workers)
        endpoints = [
            {
                "endpoint": {
                    "address": {"socket_address": {"address": host, "port_value": int(port)}}
                }
            }
            for host, _, port in addresses
        ]
        configuration = self._configuration(
            "envoy.yaml",
            {
                "admin_port": str(self._admin.port),
                "listen_host": self.address.host,
                "listen_port": str(self.address.port),
                "endpoints": json.dumps(endpoints),
            },
        )
        command = [_envoy(), "-c", configuration, "--concurrency", "1", "-l", "warning"]
        command.append("--use-dynamic-base-id")  # there may be another on this machine
        self._launch(command, None, is_ready=lambda: listens(self.address))

    @property
    def left_out(self) -> list[str]:
        """The workers that no call is led to now: not found healthy since they were last found ill.

        All is well where nothing is known: nobody answers, or nothing has been looked at yet.
        """
        told = asked(f"http://{self._admin}/clusters?format=json")
        hosts = [host for one in told.get("cluster_statuses", ()) for host in one["host_statuses"]]
        return [
            "{address}:{port_value}".format_map(host["address"]["socket_address"])
            for host in hosts
            if any(host["health_status"].get(fault) for fault in _LEFT_OUT_FOR)
        ]


def asked(url: str) -> dict[str, Any]:
    """The JSON object at `url` whatever the status, since Patroni says 503 of a node that is down.

    Empty when nobody answers.
    """
    try:
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_MAX_S) as answer:  # noqa: S310  ours
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            text = refusal.read()
        found: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return {}
    return found


def _program(name: str, package: str) -> Path:
    if path := shutil.which(name):
        return Path(path)
    raise BinaryMissing(f"the cluster needs {package}")


def _envoy() -> Path:
    if spec := importlib.util.find_spec("envoy"):
        program = Path((spec.submodule_search_locations or [""])[0]) / "_bin" / "envoy"
        if program.exists():
            return program
    return _program("envoy", "Envoy: install the extra `cluster`")


def listens(address: Address) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection(address, _ANSWER_MAX_S):
        return True
    return False
