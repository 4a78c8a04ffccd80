"""The faults: how each is made, how it is taken away, what is promised meanwhile.

Numbers are those of the fault table in docs/availability.md.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from deploy.cluster import Cluster
from deploy.fault_links import Links
from deploy.fault_proxy import Fault

__all__ = ["SCENARIOS", "Scenario"]

Deed = Callable[[Cluster, Links], None]


def _nothing(_: Cluster, __: Links) -> None:
    """What heals by itself."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault. `hold_s` is how long it lasts, `hold_short_s` in the short form.

    `reads_hidden`: no read may fail that the published client's retries do not hide.
    `write_gap_max_s`: the longest that writes may be refused, None where the fault stops them for
    as long as it lasts.
    """

    number: str
    name: str
    strike: Deed
    heal: Deed = _nothing
    hold_s: float = 30.0
    hold_short_s: float = 12.0
    is_starred: bool = False
    reads_hidden: bool = True
    write_gap_max_s: float | None = 10.0


def _kill_postmaster(cluster: Cluster, _: Links) -> None:
    cluster.primary_now().signal_postgres(signal.SIGKILL)


def _lose_node(cluster: Cluster, _: Links) -> None:
    cluster.primary_now().kill()


def _heal(cluster: Cluster, links: Links) -> None:
    links.heal()
    cluster.heal()


def _switch_over(cluster: Cluster, _: Links) -> None:
    cluster.switch_over()


def _kill_etcd(cluster: Cluster, _: Links) -> None:
    cluster.etcd.kill()


def _kill_valkey(cluster: Cluster, _: Links) -> None:
    next(node for node in cluster.valkeys.values() if node.role == "master").kill()


def _stop_valkey(cluster: Cluster, _: Links) -> None:
    for node in cluster.valkeys.values():
        node.pause()


def _go_on_valkey(cluster: Cluster, _: Links) -> None:
    for node in cluster.valkeys.values():
        node.go_on()


def _slow_valkey(_: Cluster, links: Links) -> None:
    links.put(Fault(delay_s=0.25), of="server", to="valkey-*")


SCENARIOS: Final = (
    Scenario("1", "kill -9 of the primary's postmaster", _kill_postmaster, is_starred=True),
    Scenario(
        "2", "loss of the primary's node", _lose_node, _heal, hold_short_s=35.0,
        is_starred=True, write_gap_max_s=30.0,
    ),
    Scenario("5", "etcd down", _kill_etcd, _heal, hold_s=60.0, write_gap_max_s=3.0),
    Scenario("7", "switchover", _switch_over, write_gap_max_s=3.0),
    Scenario(
        "10", "kill -9 of Valkey's primary", _kill_valkey, _heal,
        is_starred=True, write_gap_max_s=0.0,
    ),
    Scenario("11a", "Valkey stopped", _stop_valkey, _go_on_valkey, write_gap_max_s=0.0),
    Scenario("11b", "Valkey 500 ms away", _slow_valkey, _heal, write_gap_max_s=0.0),
)  # fmt: skip
