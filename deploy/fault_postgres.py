"""Faults of PostgreSQL, Patroni and etcd: nodes that die, freeze, lose each other or fill up."""

import contextlib
import signal
import time
from collections.abc import Iterator
from typing import Final

import asyncpg

from deploy.fault_proxy import Fault, Way
from deploy.fault_stage import Scenario, Stage, fault
from deploy.patroni_node import PatroniNode

__all__ = ["POSTGRES_FAULTS"]

_TTL_S: Final = 20
_PROMOTED_S: Final = _TTL_S + 10.0
"""The longest that writes stop when the primary is lost without a word."""
_HANDED_OVER_S: Final = 5.0
"""Of which Patroni sleeps two: one until it looks again, one for the standbys to catch up."""
_PARTED: Final = Fault(stalled=True)  # as TCP has it: what is under way arrives once it is healed
_DEAF: Final = Fault(stalled=True, ways=frozenset({Way.BACK}))
_CONNECTIONS_MAX: Final = 200
_LOCK: Final = "SELECT FROM record WHERE kind = 3 ORDER BY id LIMIT 20 FOR UPDATE"
_LOST: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname LIKE 'opencif%' AND pid <> pg_backend_pid() AND state = 'idle'"""


@fault(
    "1", "kill -9 of the primary's postmaster",
    hold_s=15, short_s=8, is_starred=True, is_short=True, yearly=4,
)  # fmt: skip
def _kill_postmaster(stage: Stage) -> Iterator[None]:
    stage.cluster.primary_now().signal_postgres(signal.SIGKILL)
    yield


@fault(
    "2", "loss of the primary's node",
    hold_s=30, short_s=30, is_starred=True, write_gap_max_s=_PROMOTED_S, yearly=1,
)  # fmt: skip
def _lose_node(stage: Stage) -> Iterator[None]:
    stage.cluster.primary_now().kill()
    yield
    began = time.monotonic()
    stage.cluster.heal()
    stage.figures["rejoined_s"] = time.monotonic() - began


@fault(
    "3", "the primary's node frozen for 60 s",
    hold_s=60, short_s=10, is_starred=True, write_gap_max_s=_PROMOTED_S, yearly=2,
)  # fmt: skip
def _freeze_node(stage: Stage) -> Iterator[None]:
    node = stage.cluster.primary_now()
    node.pause()
    yield
    node.go_on()


@fault(
    "4a", "the primary cut off from etcd",
    hold_s=32, short_s=10, is_starred=True, write_gap_max_s=_PROMOTED_S, yearly=1,
)  # fmt: skip
def _part_from_etcd(stage: Stage) -> Iterator[None]:
    stage.links.put(_PARTED, of=stage.cluster.primary_now().name, to="etcd")
    yield
    stage.links.heal()


@fault(
    "4b", "the primary cut off from its standbys",
    hold_s=30, short_s=8, is_starred=True, write_gap_max_s=None, yearly=1,
)  # fmt: skip
def _part_from_standbys(stage: Stage) -> Iterator[None]:
    primary = stage.cluster.primary_now().name
    for name in (primary, f"{primary}/rest"):
        stage.links.put(_PARTED, of="postgres", to=name)
    yield
    stage.links.heal()


@fault(
    "4c", "the primary hears nothing of etcd, which hears it",
    hold_s=32, short_s=10, is_starred=True, write_gap_max_s=_PROMOTED_S, yearly=1,
)  # fmt: skip
def _hear_nothing(stage: Stage) -> Iterator[None]:
    stage.links.put(_DEAF, of=stage.cluster.primary_now().name, to="etcd")
    yield
    stage.links.heal()


@fault(
    "4d", "the primary alone with the servers: cut off from its standbys, its Patroni hung",
    hold_s=32, short_s=10, write_gap_max_s=_PROMOTED_S, yearly=1,
)  # fmt: skip
def _isolate(stage: Stage) -> Iterator[None]:
    """A primary that nobody demotes: what it alone has is acknowledged to nobody."""
    node = stage.cluster.primary_now()
    node.pause_patroni()
    for name in (node.name, f"{node.name}/rest"):
        stage.links.put(_PARTED, of="postgres", to=name)
    yield
    stage.links.heal()
    node.go_on()


@fault(
    "5", "etcd down", hold_s=60, short_s=10, is_short=True, write_gap_max_s=3.0, yearly=4
)  # fmt: skip
def _lose_etcd(stage: Stage) -> Iterator[None]:
    stage.cluster.etcd.kill()
    yield
    stage.cluster.heal()


@fault(
    "6", "a standby killed, then the last one",
    hold_s=15, short_s=6, write_gap_max_s=None, yearly=1,
)  # fmt: skip
def _lose_standbys(stage: Stage) -> Iterator[None]:
    primary = stage.cluster.primary_now()
    first, last = (node for node in stage.cluster.nodes.values() if node is not primary)
    first.kill()
    stage.wait(3, 8)
    last.kill()
    alone_at = time.monotonic()
    yield
    stage.quiet = alone_at, time.monotonic()
    stage.cluster.heal()


@fault(
    "7", "switchover",
    hold_s=10, short_s=4, write_gap_max_s=_HANDED_OVER_S, writes_hidden=True, yearly=26,
)  # fmt: skip
def _switch_over(stage: Stage) -> Iterator[None]:
    began = time.monotonic()
    stage.cluster.switch_over()
    stage.figures["promoted_s"] = time.monotonic() - began
    yield


@fault(
    "8", "replay paused on a standby", is_short=True, short_s=4, write_gap_max_s=3.0, yearly=12
)  # fmt: skip
def _pause_replay(stage: Stage) -> Iterator[None]:
    standby = _standby(stage)
    stage.sql(standby, "SELECT pg_wal_replay_pause()")
    yield
    stage.sql(standby, "SELECT pg_wal_replay_resume()")


@fault(
    "19a", "no connection left on the primary",
    hold_s=20, short_s=5, write_gap_max_s=None, yearly=1,
)  # fmt: skip
def _exhaust_connections(stage: Stage) -> Iterator[None]:
    with contextlib.ExitStack() as taken:
        stage.figures["connections_taken"] = _take_all(stage, taken)
        yield


@fault("19b", "rows locked for long", is_short=True, short_s=5, write_gap_max_s=3.0, yearly=12)
def _lock_rows(stage: Stage) -> Iterator[None]:
    with stage.hold_sql(stage.cluster.primary_now(), _LOCK):
        yield


def _standby(stage: Stage) -> PatroniNode:
    primary = stage.cluster.primary_now()
    return next(node for node in stage.cluster.nodes.values() if node is not primary)


def _take_all(stage: Stage, taken: contextlib.ExitStack) -> int:
    """Hold every connection that is free, then those that the service loses; how many that is."""
    node = stage.cluster.primary_now()
    run = taken.enter_context(stage.hold_sql(node))

    def take_free() -> int:
        for count in range(_CONNECTIONS_MAX):
            try:
                taken.enter_context(stage.hold_sql(node))
            except (asyncpg.TooManyConnectionsError, OSError):
                return count
        return _CONNECTIONS_MAX

    free = take_free()
    run(_LOST)
    return free + take_free()


POSTGRES_FAULTS: Final[tuple[Scenario, ...]] = (
    _kill_postmaster, _lose_node, _freeze_node, _part_from_etcd, _part_from_standbys,
    _hear_nothing, _isolate, _lose_etcd, _lose_standbys, _switch_over, _pause_replay,
    _exhaust_connections, _lock_rows,
)  # fmt: skip
