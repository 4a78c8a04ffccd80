"""The read path: ids -> cache -> one statement for what missed -> cache, shared by all callers.

Written for speed: no await and no task per key. Decides which reads may share an answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from repository.cache import Cache
from repository.changes import ChangePoll
from repository.database import Position, seconds_left
from repository.errors import TimedOut, Unavailable
from repository.record import Entry, Kind, RecordStore
from repository.window import Change
from repository.work import Written

__all__ = ["Consistency", "Freshness", "ReadStats", "Reader"]


class Consistency(Enum):
    """How fresh an answer has to be when no position is asked for."""

    MINIMIZE_LATENCY = 1
    FULLY_CONSISTENT = 2


# A position asks for AT_LEAST_AS_FRESH as the write that returned it.
Freshness: TypeAlias = Consistency | Position


@dataclass(slots=True)
class ReadStats:
    """Counters the server turns into metrics."""

    statements: int = 0
    rows: int = 0
    joined: int = 0
    unproven_rows: int = 0


class _Flight:
    """One read under way, for every caller of its ids: first the cache, then the database."""

    __slots__ = ("error", "found", "landed", "looked")

    def __init__(self) -> None:
        self.found: dict[bytes, Entry] = {}
        self.error: Unavailable | None = None
        self.looked = asyncio.Event()
        self.landed = asyncio.Event()


class Reader:
    """Entries by id, from the cache where proven, else from the database.

    Without a cache the same answers come from the database alone.
    """

    def __init__(
        self, store: RecordStore, poll: ChangePoll, incarnation: bytes, cache: Cache | None = None
    ) -> None:
        self.stats = ReadStats()
        self._store = store
        self._poll = poll
        self._window = poll.window
        self._incarnation = incarnation
        self._cache = cache
        self._flights: dict[int, dict[bytes, _Flight]] = {kind: {} for kind in Kind}

    async def get_many(
        self,
        kind: int,
        ids: Sequence[bytes],
        freshness: Freshness = Consistency.MINIMIZE_LATENCY,
        *,
        deadline: float | None = None,
    ) -> list[Entry]:
        """One entry per id, in the order of `ids`, duplicates included; tombstones where none is.

        Raises TimedOut, Unavailable.
        """
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return []
        if self.may_be_seen(freshness):
            found = await self._shared(kind, wanted, deadline)
        elif isinstance(freshness, Position) and freshness.incarnation == self._incarnation:
            found = await self._read(kind, wanted, deadline, at_lsn=freshness.lsn)
        else:
            found = await self._read(kind, wanted, deadline, primary=True)
        return [found[id_] for id_ in ids]

    def may_be_seen(self, freshness: Freshness) -> bool:
        """Whether what is proven against the window is fresh enough, wherever it is kept.

        Raises TooStale when the window itself has not been fed for too long.
        """
        if freshness is Consistency.FULLY_CONSISTENT:
            return False
        if isinstance(freshness, Position) and not self._reached(freshness):
            return False
        self._poll.check_age()
        return True

    async def reread(
        self, kind: int, ids: Sequence[bytes], *, deadline: float | None = None
    ) -> list[Entry]:
        """Entries from the primary for those whose cached seals would not open.

        Raises TimedOut, Unavailable.
        """
        if self._cache is not None and ids:
            self._cache.discard(kind, ids, "seal")
        return await self.get_many(kind, ids, Consistency.FULLY_CONSISTENT, deadline=deadline)

    def committed(self, position: Position, written: Sequence[Written]) -> None:
        """Take a commit of this worker's own: known at once, and put in the cache."""
        self._poll.note(
            [Change(kind, id_, entry.version, position.xid) for kind, id_, entry in written]
        )
        if self._cache is not None:
            for kind in {one.kind for one in written}:
                self._cache.put(kind, [(w.id, w.entry) for w in written if w.kind == kind])

    def _reached(self, position: Position) -> bool:
        """Whether the cache, proven against the window, contains the write at `position`."""
        return position.incarnation == self._incarnation and self._window.has_seen(position.xid)

    async def _shared(
        self, kind: int, wanted: list[bytes], deadline: float | None
    ) -> dict[bytes, Entry]:
        """Lead a flight for what nobody is reading, join the others' for the rest."""
        found: dict[bytes, Entry] = {}
        flights = self._flights[kind]
        while wanted:
            leading = [id_ for id_ in wanted if id_ not in flights] if flights else wanted
            joining: dict[_Flight, list[bytes]] = {}
            if len(leading) < len(wanted):
                for id_ in wanted:
                    if id_ in flights:
                        joining.setdefault(flights[id_], []).append(id_)
            if leading:
                found.update(await self._lead(kind, leading, deadline))
            for flight, ids in joining.items():
                self.stats.joined += len(ids)
                found.update(await self._join(kind, flight, ids, deadline))
            wanted = [id_ for id_ in wanted if id_ not in found] if joining else []
        return found

    async def _lead(
        self, kind: int, ids: list[bytes], deadline: float | None
    ) -> dict[bytes, Entry]:
        flights = self._flights[kind]
        flight = _Flight()
        flights.update(dict.fromkeys(ids, flight))
        try:
            cached = None if self._cache is None else await self._cache.get_many(kind, ids)
            flight.found = cached or {}
            if len(flight.found) < len(ids):
                missing = [id_ for id_ in ids if id_ not in flight.found]
                flight.looked.set()
                # A cache that is behind is not given more to do: it may well hold what was asked.
                fills = cached is not None
                flight.found.update(await self._read(kind, missing, deadline, fills=fills))
        except Unavailable as error:
            # Whoever joined has a deadline of their own; a database that is gone is everybody's.
            flight.error = None if isinstance(error, TimedOut) else error
            raise
        finally:
            for id_ in ids:
                del flights[id_]
            flight.looked.set()
            flight.landed.set()
        return flight.found

    async def _join(
        self, kind: int, flight: _Flight, ids: list[bytes], deadline: float | None
    ) -> dict[bytes, Entry]:
        """What the flight brings of `ids`; nothing for those it was given up on.

        A flight may have begun before this caller's read did, so its entries are proven against
        what is known now; those that are not come from the primary.
        """
        try:
            async with asyncio.timeout(seconds_left(deadline)):
                await flight.looked.wait()
                if any(id_ not in flight.found for id_ in ids):
                    await flight.landed.wait()
        except TimeoutError as error:
            raise TimedOut from error
        if flight.error is not None:
            raise flight.error
        brought = {id_: flight.found[id_] for id_ in ids if id_ in flight.found}
        return await self._insist(kind, brought, deadline)

    async def _insist(
        self, kind: int, entries: dict[bytes, Entry], deadline: float | None
    ) -> dict[bytes, Entry]:
        """The entries, with those that are not proven current replaced by the primary's."""
        proves = self._window.proves
        stale = [
            id_
            for id_, entry in entries.items()
            if not proves(kind, id_, entry.version, entry.horizon)
        ]
        if stale:
            self.stats.unproven_rows += len(stale)
            entries.update(await self._read(kind, stale, deadline, primary=True))
        return entries

    async def _read(
        self,
        kind: int,
        ids: list[bytes],
        deadline: float | None,
        *,
        primary: bool = False,
        at_lsn: int | None = None,
        fills: bool = True,
    ) -> dict[bytes, Entry]:
        """One statement; missing rows become tombstones; the cache is filled behind our back."""
        primary = primary or not self._store.has_replicas
        horizon, rows = await self._store.get_many(
            kind, ids, primary=primary, at_lsn=at_lsn, deadline=deadline
        )
        self.stats.statements += 1
        self.stats.rows += len(rows)
        if len(rows) < len(ids):
            unknown = Entry(0, horizon, b"", b"")
            entries = {id_: rows.get(id_, unknown) for id_ in ids}
        else:
            entries = rows
        if not primary:  # a replica may lag behind what this worker knows to have changed
            entries = await self._insist(kind, entries, deadline)
        if fills and self._cache is not None:
            self._cache.put(kind, entries.items())
        return entries
