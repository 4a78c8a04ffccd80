"""The fault of a full disk: a node whose WAL lies on a small one of its own.

The disk is memory, mounted in a namespace that ends with the node: nothing is left behind.
"""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg

from deploy.fault_stage import NotHere, Scenario, Stage, fault
from deploy.patroni_node import PatroniNode

__all__ = ["DISK_FAULTS"]

_ROOM_BYTES: Final = 96 << 20
_BLOCK: Final = bytes(1 << 20)
_SWITCHES_MAX: Final = 60
_PAUSE_S: Final = 0.2
# $1: the node's directory; $2: the size of its disk; the rest is the node's own command.
_MOUNT: Final = """
mkdir -p "$1/disk" && mount -t tmpfs -o size="$2" tmpfs "$1/disk" &&
cp -a "$1/data/pg_wal/." "$1/disk/" && chown --reference="$1/data" "$1/disk" &&
chmod 0700 "$1/disk" && mount --bind "$1/disk" "$1/data/pg_wal" && shift 2 && exec "$@"
"""


@fault(
    "19c", "the disk of the primary's WAL full",
    hold_s=10, short_s=5, write_gap_max_s=30.0, yearly=1,
)  # fmt: skip
def _fill_disk(stage: Stage) -> Iterator[None]:
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        raise NotHere("root and unshare, for a small disk of its own")
    cluster = stage.cluster
    primary = cluster.primary_now()
    node = next(one for one in cluster.nodes.values() if one is not primary)
    size = _ROOM_BYTES + sum(
        path.stat().st_size for path in (node.data / "pg_wal").rglob("*") if path.is_file()
    )
    node.stop()
    cluster.start_node(
        node.name,
        [unshare, "--mount", "/bin/sh", "-c", _MOUNT, "mount", str(node.data.parent), str(size)],
    )
    cluster.wait_healthy()
    cluster.switch_over(to=node)
    filler = Path(f"/proc/{node.pid}/root{node.data.parent}/disk/filler")
    _fill(filler)
    _use_up(stage, node)
    yield
    filler.unlink()
    began = time.monotonic()
    cluster.wait_healthy()
    stage.figures["well_after_room_s"] = round(time.monotonic() - began, 1)
    if cluster.primary_now() is node:  # as whoever mends it would: hand over first
        cluster.switch_over()
        cluster.wait_healthy()
    node.stop()
    shutil.rmtree(node.data)  # what it had of the WAL went with its disk
    cluster.start_node(node.name)


def _fill(filler: Path) -> None:
    """Leave no room."""
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(_BLOCK)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def _use_up(stage: Stage, node: PatroniNode) -> None:
    """Have the node begin segments of WAL until it can make no more."""
    for count in range(_SWITCHES_MAX):
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            stage.sql(node, "SELECT pg_switch_wal()")
            time.sleep(_PAUSE_S)  # for the load to write something into the new one
            continue
        stage.figures["segments_left"] = count
        return
    stage.broken.append("the disk was never full")


DISK_FAULTS: Final[tuple[Scenario, ...]] = (_fill_disk,)
