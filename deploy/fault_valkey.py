"""Faults of the cache: servers that die, hang, fill up, forget, or hold what nobody put there."""

import contextlib
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import redis

from deploy.cluster import Cluster
from deploy.cluster_parts import ValkeyNode
from deploy.fault_proxy import Fault
from deploy.fault_stage import Scenario, Stage, fault

__all__ = ["VALKEY_FAULTS", "poisoned"]

Values = dict[bytes, bytes]
"""Entries of the cache: what they are kept under, what is kept."""

_SEED: Final = 7420
_PUT_EVERY_S: Final = 0.5
_LATE_S: Final = 2.0
_KEYS_MAX: Final = 2_000
_TRUNCATED_BYTES: Final = 40
_SLOW_S: Final = 0.25  # each way
_DETECTED: Final = ("mac", "horizon", "version", "garbled", "seal")
_QUIET: Final = {"write_gap_max_s": 2.0, "writes_hidden": True, "is_short": True}


@fault(
    "10a", "kill -9 of Valkey's primary", hold_s=15, is_starred=True, yearly=12, **_QUIET
)  # fmt: skip
def _kill(stage: Stage) -> Iterator[None]:
    _primary(stage.cluster).kill()
    yield
    stage.cluster.heal()


@fault(
    "10b", "Valkey's primary restarted, empty",
    hold_s=10, short_s=3, is_starred=True, yearly=12, **{**_QUIET, "is_short": False},
)  # fmt: skip
def _restart_empty(stage: Stage) -> Iterator[None]:
    node = _primary(stage.cluster)
    node.kill()
    node.start()
    yield


@fault("10c", "FLUSHALL", hold_s=10, short_s=2, is_starred=True, yearly=12, **_QUIET)
def _flush(stage: Stage) -> Iterator[None]:
    _primary(stage.cluster).command("FLUSHALL")
    yield


@fault("11a", "Valkey frozen", short_s=3, yearly=4, **_QUIET)
def _freeze(stage: Stage) -> Iterator[None]:
    for node in stage.cluster.valkeys.values():
        node.pause()
    yield
    for node in stage.cluster.valkeys.values():
        node.go_on()


@fault("11b", "Valkey 500 ms away", short_s=3, yearly=4, **_QUIET)
def _slow(stage: Stage) -> Iterator[None]:
    stage.links.put(Fault(delay_s=_SLOW_S), of="server", to="valkey-*")
    yield
    stage.links.heal()


@fault("11c", "Valkey swallows all it is sent", short_s=3, yearly=4, **_QUIET)
def _half_open(stage: Stage) -> Iterator[None]:
    stage.links.put(Fault(stalled=True), of="server", to="valkey-*")
    yield
    stage.links.heal()


@fault("12", "Valkey full, and takes no writes", short_s=3, yearly=12, **_QUIET)
def _full(stage: Stage) -> Iterator[None]:
    node = _primary(stage.cluster)
    settings = {"maxmemory-policy": "noeviction", "maxmemory": "1mb", "min-replicas-to-write": "5"}
    with node.client() as client:
        before = {name: client.config_get(name)[name] for name in settings}
        for name, value in settings.items():
            client.config_set(name, value)
        yield
        for name, value in before.items():
            client.config_set(name, value)


@fault("13", "entries of the cache poisoned", short_s=4, yearly=1, **_QUIET)
def _poison(stage: Stage) -> Iterator[None]:
    dice = random.Random(_SEED)  # noqa: S311  not a secret
    old = _values(_primary(stage.cluster))
    with _putting(stage, lambda values: poisoned(values, old, dice)):
        yield


@fault(
    "14", "entries of the cache put back as they were seconds before",
    hold_s=12, short_s=4, is_starred=True, yearly=12, **{**_QUIET, "is_short": False},
)  # fmt: skip
def _put_back(stage: Stage) -> Iterator[None]:
    """What a fill comes to that was held up on its way, for every entry at once."""
    seen: deque[Values] = deque(maxlen=int(_LATE_S / _PUT_EVERY_S))

    def late(values: Values) -> Values:
        seen.append(values)
        return {name: value for name, value in seen[0].items() if values.get(name) != value}

    with _putting(stage, late):
        yield


@contextlib.contextmanager
def _putting(stage: Stage, made: Callable[[Values], Values]) -> Iterator[None]:
    """Again and again put into the cache what is made of its entries; all must be noticed."""
    node = _primary(stage.cluster)
    ends = threading.Event()
    before = _detected(stage)
    total = 0

    def put() -> None:
        nonlocal total
        while not ends.wait(_PUT_EVERY_S):
            with contextlib.suppress(redis.RedisError):
                total += _put(node, made(_values(node)))

    thread = threading.Thread(target=put)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
    stage.figures["put"] = total
    stage.figures["detected"] = found = _detected(stage) - before
    if not found:
        stage.broken.append(f"none of {total} entries that were put was noticed")
    node.command("FLUSHALL")


def poisoned(values: Values, old: Values, dice: random.Random) -> Values:
    """What to put in the place of entries: each of five sorts of what they must not be."""
    names = list(values)
    put = {}
    for name, value in values.items():
        flipped = bytearray(value or b"\0")
        flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
        put[name] = dice.choice(
            [
                dice.randbytes(len(value)),
                values[dice.choice(names)],
                value[:_TRUNCATED_BYTES],
                old.get(name, b""),
                bytes(flipped),
            ]
        )
    return put


def _primary(cluster: Cluster) -> ValkeyNode:
    return next(node for node in cluster.valkeys.values() if node.role == "master")


def _values(node: ValkeyNode) -> Values:
    """Some of the entries that are there."""
    with node.client() as client:
        names: list[bytes] = list(islice(client.scan_iter(count=500), _KEYS_MAX))
        found = client.mget(names) if names else []
    return {name: value for name, value in zip(names, found, strict=True) if value is not None}


def _put(node: ValkeyNode, values: Values) -> int:
    with node.client() as client, client.pipeline(transaction=False) as pipe:
        for name, value in values.items():
            pipe.set(name, value, keepttl=True)
        pipe.execute()
    return len(values)


def _detected(stage: Stage) -> float:
    """How many entries the servers have refused as unproven."""
    return sum(
        value
        for line, value in stage.metrics()
        if line.startswith("opencif_cache_misses_total")
        and any(f'cause="{cause}"' in line for cause in _DETECTED)
    )


VALKEY_FAULTS: Final[tuple[Scenario, ...]] = (
    _kill, _restart_empty, _flush, _freeze, _slow, _half_open, _full, _poison, _put_back,
)  # fmt: skip
