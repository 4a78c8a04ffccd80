"""Three Valkey servers as one cluster, from the program of the embedded wheel."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from deploy.embedded import temporary_directory
from deploy.embedded_valkey import find_program
from deploy.places import own, settle
from deploy.process import Server, service_account

SLOTS = 16384
START_S = 20.0
PASSWORD = "of the cluster"

CONFIGURATION = """
bind 127.0.0.1
port {port}
cluster-enabled yes
cluster-port {bus_port}
cluster-config-file nodes-{port}.conf
cluster-node-timeout 2000
cluster-require-full-coverage no
requirepass "{password}"
masterauth "{password}"
dir {directory}
save ""
"""


class Node:
    """One server of the cluster."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port
        self.admin = redis.Redis(port=port, password=PASSWORD)
        self.id: str = ""

    def command(self, *words: Any) -> Any:
        return self.admin.execute_command(*words)


class ValkeyCluster:
    """Primaries that share all slots; `url` names the first."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.url = f"redis://:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{nodes[0].port}"

    def owner(self, slot: int) -> Node:
        """The node that serves a slot, as the first node has it."""
        for low, high, (_, port, *_), *_ in self.nodes[0].command("CLUSTER SLOTS"):
            if low <= slot <= high:
                return next(node for node in self.nodes if node.port == port)
        raise LookupError(slot)

    def begin_move(self, slot: int, to: Node) -> Node:
        """Half of moving a slot: keys that are not there any more are at `to`. Returns from."""
        source = self.owner(slot)
        to.command("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
        source.command("CLUSTER SETSLOT", slot, "MIGRATING", to.id)
        return source

    def move_keys(self, slot: int, source: Node, to: Node, most: int = 1000) -> None:
        """Bring keys of a slot that is being moved to where they go."""
        keys = source.command("CLUSTER", "GETKEYSINSLOT", slot, most)  # as bytes: two words
        if keys:
            where = ("127.0.0.1", to.port, "", 0, 5000, "AUTH", PASSWORD)
            source.command("MIGRATE", *where, "KEYS", *keys)

    def end_move(self, slot: int, to: Node) -> None:
        """The other half: every node knows the new owner."""
        for node in (to, *self.nodes):
            node.command("CLUSTER SETSLOT", slot, "NODE", to.id)

    def give_up(self, slot: int) -> Node:
        """Have no node serve a slot, nor name one that does. Returns who did."""
        owner = self.owner(slot)
        for node in (owner, *self.nodes):
            with suppress(redis.ResponseError):  # it has heard of it
                node.command("CLUSTER DELSLOTS", slot)
        return owner

    def move(self, slot: int, to: Node) -> None:
        """Move a slot with all it has."""
        source = self.begin_move(slot, to)
        self.move_keys(slot, source, to)
        self.end_move(slot, to)


@contextmanager
def valkey_cluster(count: int = 3) -> Iterator[ValkeyCluster]:
    """A cluster of `count` primaries that stops when the block ends."""
    with ExitStack() as opened:
        directory = opened.enter_context(temporary_directory())
        nodes = [_start(directory, opened) for _ in range(count)]
        shares = [round(SLOTS * at / count) for at in range(count + 1)]
        for node, low, high in zip(nodes, shares, shares[1:], strict=False):
            node.command("CLUSTER ADDSLOTSRANGE", low, high - 1)
            node.id = node.command("CLUSTER MYID").decode()
        for node in nodes[1:]:
            port = int(nodes[0].admin.config_get("cluster-port")["cluster-port"] or 0)
            node.command("CLUSTER MEET", "127.0.0.1", nodes[0].port, port)
        _await(lambda: all(_covers(node, count) for node in nodes))
        yield ValkeyCluster(nodes)


def _start(directory: Path, opened: ExitStack) -> Node:
    account = service_account()
    program, _ = find_program(account)
    port, bus_port = _free_ports(2)
    home = settle(directory / str(port), account)
    own(home / "data", account)
    configuration = CONFIGURATION.format(
        port=port, bus_port=bus_port, directory=home / "data", password=PASSWORD
    )
    server = Server(
        [str(program), "-"],
        account,
        log=home / "logs" / "valkey.log",
        stop_signal=signal.SIGTERM,
        configuration=configuration.encode(),
    )
    opened.callback(server.stop, 5)
    server.wait_until(lambda: _listens(port), START_S)
    node = Node(server, port)
    opened.callback(node.admin.close)
    return node


def _covers(node: Node, count: int) -> bool:
    info = node.admin.cluster("INFO")
    known = int(info["cluster_known_nodes"])
    return info["cluster_state"] == "ok" and known == count and _slots(node) == SLOTS


def _slots(node: Node) -> int:
    return sum(high - low + 1 for low, high, *_ in node.command("CLUSTER SLOTS"))


def _await(is_so: Any) -> None:
    deadline = time.monotonic() + START_S
    while not is_so():
        assert time.monotonic() < deadline, "the cluster did not form"
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
