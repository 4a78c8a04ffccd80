"""What a worker knows of recent changes, and so which cached entries it can prove current.

Pure bookkeeping over xids and versions; the poll in changes.py feeds it, the cache asks it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import itemgetter
from typing import Final, TypeAlias

from repository.changed import Change, Changed, Order
from repository.record import Entry, Kind

__all__ = ["NO_LIFE", "Change", "Window", "unnamed"]

Stamp: TypeAlias = tuple[int, int]  # an entry's version and horizon

NO_LIFE: Final = bytes(8)
"""The incarnation before the first poll, which is none's."""

_UNNAMED: Final = bytes(4)

NOTHING_PROVABLE: Final = 2**64  # above every xid
IDS_MAX: Final = 1_000_000
AGE_MAX_S: Final = 86_400.0
RECENT_MAX: Final = 4_096

_horizon_of: Final = itemgetter(1)  # of an entry, in half the time that its name takes


def unnamed(timeline: int) -> bytes:
    """What stands for the incarnation on a timeline until a worker has given it its name."""
    return _UNNAMED + timeline.to_bytes(4)


class Window:
    """Every record changed by a transaction >= `oldest_xid` (ADR 4's W), by version.

    An entry that contains all transactions below its horizon is current as of the last poll if
    that horizon is at least `oldest_xid` and its version at least the one in `changed`. The map
    may know more than it must; it never knows less.

    All of it is of one `incarnation`: in another life of the database xids and versions mean
    something else.
    """

    def __init__(
        self,
        incarnation: bytes = NO_LIFE,
        *,
        ids_max: int = IDS_MAX,
        age_max_s: float = AGE_MAX_S,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.incarnation = incarnation
        self._timeline = 0
        self.oldest_xid = NOTHING_PROVABLE
        self.horizon = 0
        self.changed = {int(kind): Changed() for kind in Kind}
        # Of `changed`, what transactions >= `recent_from` wrote: all that has to be asked about
        # entries that contain what was written before, as those filled or stamped lately do.
        self._recent: dict[int, dict[bytes, int]] = {kind: {} for kind in self.changed}
        self.recent_from = 0
        self._last_xid = 0
        self._ids_max = ids_max
        self.age_max = timedelta(seconds=age_max_s)
        self._age_max_s = age_max_s
        self._clock = clock or time.monotonic
        self._order = Order()  # oldest xids first
        self._seen: set[int] = set()
        self._left: set[bytes] = set()  # lives: one for each failover

    def __len__(self) -> int:
        return len(self._order)

    @property
    def life(self) -> bytes | None:
        """The incarnation; None before any is known."""
        return None if self.incarnation == NO_LIFE else self.incarnation

    @property
    def full(self) -> bool:
        """Whether reading further back would push out what is known."""
        return len(self._order) >= self._ids_max

    def proves(self, kind: int, id_: bytes, version: int, horizon: int) -> bool:
        """Whether an authentic entry is current as of the last poll."""
        return horizon >= self.oldest_xid and version >= self.changed[kind].version(id_)

    def newest(self, kind: int, ids: Sequence[bytes], horizon: int = 0) -> dict[int, int]:
        """Position in `ids` -> version, of those that changed within the window: nearly none.

        The batch form of `proves` for who compares horizons itself: an authentic entry is current
        if its horizon is at least `oldest_xid` and its version at least the one here, if any.
        `horizon` is the lowest of the entries': what they all contain is left out where that is
        cheaper. Costs well below 0.1 us an id then, and when few of them changed.
        """
        if horizon < self.recent_from:
            known = self.changed.get(kind)
            return known.among(ids) if known else {}
        recent = self._recent.get(kind)
        if not recent or recent.keys().isdisjoint(ids):
            return {}
        return {at: recent[id_] for at, id_ in enumerate(ids) if id_ in recent}

    def unproven(
        self, kind: int, ids: Sequence[bytes], entries: Sequence[Entry | Stamp]
    ) -> list[int]:
        """Positions of the entries, one per id, that `proves` is False for: nearly none."""
        horizon = min(map(_horizon_of, entries), default=self.oldest_xid)
        if horizon < self.oldest_xid:
            return [
                at
                for at, (id_, entry) in enumerate(zip(ids, entries, strict=True))
                if not self.proves(kind, id_, entry[0], entry[1])
            ]
        newest = self.newest(kind, ids, horizon)
        return [at for at, version in newest.items() if entries[at][0] < version]

    def has_seen(self, xid: int) -> bool:
        """Whether everything that transaction `xid` changed is accounted for here."""
        return xid < self.horizon or xid in self._seen

    @property
    def restamp_below(self) -> int:
        """Proven entries with a horizon below this are past half the window: stamp them anew."""
        return self.oldest_xid + (self.horizon - self.oldest_xid) // 2

    def begin(self, changes: Sequence[Change], oldest_xid: int, horizon: int) -> list[Change]:
        """Start over with a poll that brought every visible change from `oldest_xid` on."""
        self.drop()
        self.oldest_xid = oldest_xid
        self.recent_from = max(1, oldest_xid)  # 0, no transaction's, asks about all
        return self.advance(changes, horizon)

    def advance(self, changes: Sequence[Change], horizon: int) -> list[Change]:
        """Take a poll: all visible changes from the former horizon on. Returns the new ones."""
        fresh = self._add(changes)
        self._seen = {change.xid for change in changes if change.xid >= horizon}
        self.horizon = horizon
        self._trim()
        return fresh

    def extend(self, changes: Sequence[Change], oldest_xid: int) -> None:
        """Take history: all changes from `oldest_xid` up to the present `oldest_xid`."""
        newest_first = sorted(changes, key=_xid, reverse=True)
        fresh = [change for change in newest_first if self._learn(change)]
        self._order.prepend(self._clock(), fresh[::-1])
        self.oldest_xid = oldest_xid

    def note(self, changes: Sequence[Change], *, is_of_this_life: bool = True) -> list[Change]:
        """Take a commit of this worker's own before the poll sees it. Returns what was new.

        One that may be of another life as well hides what is older, and reaches no position.
        """
        if self.oldest_xid == NOTHING_PROVABLE:
            return []
        fresh = self._add(changes)
        if is_of_this_life:
            self._seen.update(change.xid for change in changes)
        return fresh

    def enter(self, incarnation: bytes, timeline: int) -> None:
        """Know nothing of another life of the database, which is on `timeline`."""
        self.drop()
        self._left |= {self.incarnation, unnamed(self._timeline)}
        self._left -= {incarnation, unnamed(timeline), NO_LIFE}
        self.incarnation, self._timeline = incarnation, timeline

    def is_in(self, incarnation: bytes) -> bool:
        """Whether this is the life that is known here, under its name or before it had one."""
        if incarnation == self.incarnation:
            return True
        return self._timeline > 0 and incarnation == unnamed(self._timeline)

    def may_come(self, incarnation: bytes) -> bool:
        """Whether this stands for a life that has no name yet, and may be the next."""
        return incarnation.startswith(_UNNAMED) and not self.has_left(incarnation)

    def has_left(self, incarnation: bytes) -> bool:
        """Whether a life has been seen to end: all that is left of it this one began with."""
        return incarnation in self._left

    def drop(self) -> None:
        """Know nothing: no entry is proven until `begin`."""
        self.oldest_xid = NOTHING_PROVABLE
        self.horizon = 0
        self.changed = {int(kind): Changed() for kind in Kind}
        self._order = Order()
        self._seen.clear()
        self._recent = {kind: {} for kind in self.changed}
        self.recent_from = self._last_xid = 0

    def _add(self, changes: Sequence[Change]) -> list[Change]:
        """Take newer changes. Returns those that were not known."""
        fresh = [change for change in changes if self._learn(change)]
        if fresh:
            self._order.append(self._clock(), fresh)
            self._keep_recent(fresh)
        return fresh

    def _keep_recent(self, fresh: Sequence[Change]) -> None:
        """Take changes that are news; start anew, beyond all that is known, when they are many."""
        self._last_xid = max(self._last_xid, *map(_xid, fresh))
        for change in fresh:
            if change.xid >= self.recent_from:
                self._recent.setdefault(change.kind, {})[change.id] = change.version
        if sum(map(len, self._recent.values())) > RECENT_MAX:
            self._recent = {kind: {} for kind in self.changed}
            self.recent_from = self._last_xid + 1

    def _learn(self, change: Change) -> bool:
        """Whether this is the newest version that is known of its record now."""
        known = self.changed.get(change.kind)
        if known is None:  # a newer release may write kinds that this one does not read yet
            known = self.changed[change.kind] = Changed()
        return known.learn(change.id, change.version)

    def _trim(self) -> None:
        """Forget the oldest beyond the bounds; what they were can then no longer be proven."""
        order = self._order
        too_old_s = self._clock() - self._age_max_s
        while order:
            learned_s, kind, id_, version, xid = order.first()
            if len(order) <= self._ids_max and learned_s >= too_old_s:
                break
            order.forget_first()
            self.oldest_xid = max(self.oldest_xid, xid + 1)
            self.changed[kind].forget(id_, version)


def _xid(change: Change) -> int:
    return change.xid
