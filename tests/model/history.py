"""A primary's WAL in the model: which transactions began, how each ended, what that comes to."""

from functools import cache
from typing import Final, TypeAlias

__all__ = [
    "BEGUN", "FIRST", "Wal", "changes", "committed", "finished", "horizon_of", "opened",
    "version_of", "xids_of",
]  # fmt: skip

# (xid, BEGUN), then (xid, 0) where it ended without a trace or (xid, version) where it committed
# the next version of the record. Versions follow commits, under the row's lock; xids need not.
Wal: TypeAlias = tuple[tuple[int, int], ...]

BEGUN: Final = -1
FIRST: Final = 1
"""The version that is there before the first transaction, 1."""


@cache
def version_of(wal: Wal) -> int:
    """The record's version for a snapshot taken here."""
    return max((version for _, version in wal), default=0) if any_written(wal) else FIRST


@cache
def any_written(wal: Wal) -> bool:
    """Whether any transaction has written the record."""
    return any(version > 0 for _, version in wal)


@cache
def opened(wal: Wal) -> tuple[int, ...]:
    """The transactions that run."""
    ended = {xid for xid, what in wal if what != BEGUN}
    return tuple(xid for xid, what in wal if what == BEGUN and xid not in ended)


@cache
def committed(wal: Wal) -> frozenset[int]:
    """The transactions that wrote the record, for a snapshot taken here."""
    return frozenset(xid for xid, what in wal if what > 0)


@cache
def xids_of(wal: Wal) -> int:
    """How many transactions there were."""
    return sum(what == BEGUN for _, what in wal)


@cache
def horizon_of(wal: Wal) -> int:
    """`pg_snapshot_xmin` of a snapshot taken here: all below it have ended."""
    return min(opened(wal), default=xids_of(wal) + 1)


@cache
def changes(wal: Wal) -> tuple[tuple[int, int], ...]:
    """The visible change rows, (version, xid) in the order of their transactions."""
    rows = ((version, xid) for xid, version in wal if version > 0)
    return tuple(sorted(rows, key=lambda row: row[1]))


def finished(wal: Wal) -> Wal:
    """A prefix as a promoted server has it: what ran is rolled back."""
    return (*wal, *((xid, 0) for xid in opened(wal)))
