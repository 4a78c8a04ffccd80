"""The read path: ids -> cache -> one statement for what missed -> cache, shared by all callers.

Written for speed: no task per call or key. Whoever asks for few ids in one turn of the event loop
asks together, in a busy worker within four milliseconds; who asks for many asks the cache alone.
Decides which reads may share an answer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final, TypeAlias

from repository.cache import Cache
from repository.changes import ChangePoll
from repository.database import Position, seconds_left
from repository.errors import TimedOut, Unavailable
from repository.flight import Flight
from repository.headway import Headway
from repository.record import IDS_MAX, Entry, Kind, RecordStore, Rows
from repository.values import Found, Hits, entries_of, stamps_of
from repository.window import Change, Stamp
from repository.work import Written

__all__ = ["FEW", "Consistency", "Freshness", "ReadStats", "Reader"]

FEW: Final = 32  # ids that are better asked for with others' than at once

# What reads ids from the database until a deadline.
Read: TypeAlias = Callable[
    [int, Sequence[bytes], float | None], Awaitable[Mapping[bytes, Entry] | Hits]
]


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


class Reader:
    """Entries by id, from the cache where proven, else from the database.

    Without a cache the same answers come from the database alone.
    """

    def __init__(self, store: RecordStore, poll: ChangePoll, cache: Cache | None = None) -> None:
        self.stats = ReadStats()
        self._store = store
        self._poll = poll
        self._window = poll.window
        self._cache = cache
        self._flights: dict[int, dict[bytes, Flight]] = {kind: {} for kind in Kind}
        self._boarding: dict[int, Flight] = {}
        self._departures = 0
        self._headways: dict[int, Headway] = {
            kind: Headway(time.monotonic, time.thread_time) for kind in Kind
        }
        self._reads: set[asyncio.Task[None]] = set()

    async def get_many(
        self,
        kind: int,
        ids: Sequence[bytes],
        freshness: Freshness = Consistency.MINIMIZE_LATENCY,
        *,
        deadline: float | None = None,
    ) -> list[Entry]:
        """One entry per id, in the order of `ids`, duplicates included; tombstones where none is.

        As `find` has them. Raises TimedOut, Unavailable.
        """
        return list(entries_of(await self.find(kind, ids, freshness, deadline=deadline)))

    async def find(
        self,
        kind: int,
        ids: Sequence[bytes],
        freshness: Freshness = Consistency.MINIMIZE_LATENCY,
        *,
        deadline: float | None = None,
    ) -> Found:
        """The same as they came: what was cached in columns, where that is all.

        All are of the incarnation that the window has when this returns. Raises TimedOut,
        Unavailable.
        """
        if not ids:
            return []
        while True:
            incarnation = self._window.incarnation
            if not self.may_be_seen(freshness):
                found: Found = await self._fresh(kind, ids, freshness, deadline)
            elif len(ids) <= FEW:
                found = await self._flown(kind, ids, deadline)
            else:
                found = await self._cached(kind, ids, deadline)
            if self._window.incarnation == incarnation:
                return found

    @property
    def is_current(self) -> bool:
        """Whether what is proven against the window may be seen by whoever asks for no position."""
        return self._poll.is_current

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
        """Take a commit of this worker's own: known at once, and put in the cache.

        One of a life that has yet to be named is known too, and put nowhere.
        """
        is_of_this_life = self._window.is_in(position.incarnation)
        if not is_of_this_life and not self._window.may_come(position.incarnation):
            return
        self._poll.note(
            [Change(kind, id_, entry.version, position.xid) for kind, id_, entry in written],
            is_of_this_life=is_of_this_life,
        )
        if is_of_this_life and self._cache is not None:
            for kind in {one.kind for one in written}:
                self._cache.put(kind, [(w.id, w.entry) for w in written if w.kind == kind])

    def _reached(self, position: Position) -> bool:
        """Whether the cache, proven against the window, contains the write at `position`.

        What was written in a life that this worker has seen end, every row of the present one
        contains, or nobody: the primary, which may be gone by now, knows no more of it.
        """
        window = self._window
        if window.is_in(position.incarnation):
            return window.has_seen(position.xid)
        return window.has_left(position.incarnation)

    async def _fresh(
        self, kind: int, ids: Sequence[bytes], freshness: Freshness, deadline: float | None
    ) -> list[Entry]:
        """What is fresh enough for those whom the window is not."""
        wanted = list(dict.fromkeys(ids))
        if isinstance(freshness, Position) and self._window.is_in(freshness.incarnation):
            read = await self._read(kind, wanted, deadline, after_xid=freshness.xid)
        else:
            read = await self._read(kind, wanted, deadline, primary=True)
        return [read[id_] for id_ in ids]

    async def _cached(self, kind: int, ids: Sequence[bytes], deadline: float | None) -> Found:
        """What is found of many ids, the cache being asked by whoever wants them.

        It has most of them, and to let others know of each would take longer than asking twice.
        What it has not, others may wait for.
        """
        hits = None if self._cache is None else await self._cache.get_many(kind, ids)
        if hits is None:  # one that is behind is not given more to do: it may well hold this
            return await self._flown(kind, ids, deadline, self._read_alone)
        if len(hits) == len(ids):
            return hits.found
        cached = hits.by_id()
        missing = [id_ for id_ in ids if id_ not in cached]
        read = await self._flown(kind, missing, deadline, self._read)
        cached.update(zip(missing, entries_of(read), strict=True))
        return [cached[id_] for id_ in ids]

    async def _flown(
        self, kind: int, ids: Sequence[bytes], deadline: float | None, read: Read | None = None
    ) -> Found:
        """What is found of `ids` by flights under way, and by one for all who ask now.

        That is one of its own where `read` says what it does.
        """
        if self._flights[kind].keys().isdisjoint(ids):
            flight = self._board(kind, ids, deadline, read)
            await flight.bring(ids, deadline)
            return flight.brought(ids)
        began = self._departures
        found: dict[bytes, Entry] = {}
        wanted = list(dict.fromkeys(ids))
        while wanted:
            for flight, part in self._split(kind, wanted, deadline, read).items():
                is_older = flight.departure <= began
                found.update(await self._join(kind, flight, part, deadline, is_older=is_older))
            wanted = [id_ for id_ in wanted if id_ not in found]
        return [found[id_] for id_ in ids]

    def _split(
        self, kind: int, wanted: list[bytes], deadline: float | None, read: Read | None
    ) -> dict[Flight, list[bytes]]:
        """Which flight is to bring which of `wanted`: one under way, or that which boards now."""
        flights = self._flights[kind]
        parts: dict[Flight, list[bytes]] = {}
        shared = flights.keys() & wanted
        for id_ in shared:
            parts.setdefault(flights[id_], []).append(id_)
        self.stats.joined += len(shared)
        for flight in parts:
            flight.join(deadline)
        if alone := [id_ for id_ in wanted if id_ not in shared]:
            parts.setdefault(self._board(kind, alone, deadline, read), []).extend(alone)
        return parts

    async def _join(
        self, kind: int, flight: Flight, ids: list[bytes], deadline: float | None, *, is_older: bool
    ) -> dict[bytes, Entry]:
        """What a flight brings of `ids`.

        One that left before this caller asked may run out of time that this caller has, and what
        it found has to be proven against what is known now: what it fails at is left out.
        """
        try:
            await flight.bring(ids, deadline)
        except TimedOut:
            if not is_older:
                raise
            seconds_left(deadline)
            return {}
        found = flight.found
        brought = {id_: found[id_] for id_ in ids}
        if is_older:
            for at in self._window.unproven(kind, ids, list(brought.values())):
                del brought[ids[at]]
                self.stats.unproven_rows += 1
        return brought

    def _board(
        self, kind: int, ids: Sequence[bytes], deadline: float | None, read: Read | None
    ) -> Flight:
        """Put ids that no flight brings yet on the one that leaves next, or one of their own."""
        flight = None if read else self._boarding.get(kind)
        if flight is None:
            flight = Flight()
            if not read:
                self._boarding[kind] = flight
            task = asyncio.create_task(self._fly(kind, flight, read))
            self._reads.add(task)
            task.add_done_callback(self._reads.discard)
        aboard = dict.fromkeys(ids, flight)
        self._flights[kind].update(aboard)
        if flight.ids:
            flight.ids.update(aboard)
            flight.alone = None
        else:
            flight.ids = aboard
            flight.alone = ids if len(aboard) == len(ids) else None
        flight.allow(deadline)
        if len(flight.ids) >= IDS_MAX and self._boarding.get(kind) is flight:
            del self._boarding[kind]
        return flight

    async def _fly(self, kind: int, flight: Flight, read: Read | None) -> None:
        """See a flight through, whatever becomes of those aboard."""
        try:
            if not read and self._boarding.get(kind) is flight:
                await self._wait_for_others(kind, flight)
            self._departures += 1
            flight.departure = self._departures
            ids = flight.alone or list(flight.ids)
            if read:
                flight.complete(await read(kind, ids, flight.deadline))
            else:
                await self._ask(kind, ids, flight)
        except Exception as error:  # told to all who wait: a defect must not keep them waiting
            flight.fail(error)
        except asyncio.CancelledError:
            flight.fail(Unavailable("the read was given up"))
            raise
        finally:
            self._unlist(kind, flight.ids)
            flight.land()

    async def _wait_for_others(self, kind: int, flight: Flight) -> None:
        try:
            if wait_s := self._headways[kind].leave():
                await asyncio.sleep(wait_s)
        finally:
            if self._boarding.get(kind) is flight:
                del self._boarding[kind]

    async def _ask(self, kind: int, ids: Sequence[bytes], flight: Flight) -> None:
        """First the cache, then the database for what is not there."""
        hits = None if self._cache is None else await self._cache.get_many(kind, ids)
        if hits is None:
            flight.complete(await self._read_alone(kind, ids, flight.deadline))
            return
        if len(hits) == len(ids):
            flight.complete(hits)
            return
        cached = hits.by_id()
        if cached:
            ids = [id_ for id_ in ids if id_ not in cached]
            self._unlist(kind, cached)
            flight.ids = dict.fromkeys(ids, flight)
            flight.hand_out(cached)
        read = await self._read(kind, ids, flight.deadline)
        flight.complete({**cached, **read} if cached else read)

    def _unlist(self, kind: int, ids: Iterable[bytes]) -> None:
        """Have nobody join for these any more."""
        flights = self._flights[kind]
        for id_ in ids:
            del flights[id_]

    async def _insist(self, kind: int, entries: dict[bytes, Entry], deadline: float | None) -> None:
        """Replace entries that are not proven current: by another replica's, else the primary's.

        What is acknowledged one of the replicas has, and the primary may be gone.
        """
        stale = self._doubted(kind, list(entries), list(entries.values()))
        if stale:
            self.stats.unproven_rows += len(stale)
            entries.update(await self._read(kind, stale, deadline, proven=True))

    def _doubted(
        self, kind: int, ids: Sequence[bytes], entries: Sequence[Entry | Stamp]
    ) -> list[bytes]:
        """Of which ids a replica may lag behind what this worker knows, if it knows of changes."""
        if not self._store.has_replicas or not self._poll.has_begun:
            return []
        return [ids[at] for at in self._window.unproven(kind, ids, entries)]

    def _are_proven(self, kind: int, ids: Sequence[bytes], rows: Rows) -> bool:
        entries = _complete(ids, rows)
        return not self._window.unproven(kind, ids, [entries[id_] for id_ in ids])

    async def _read(
        self,
        kind: int,
        ids: Sequence[bytes],
        deadline: float | None,
        *,
        primary: bool = False,
        after_xid: int | None = None,
        proven: bool = False,
    ) -> dict[bytes, Entry]:
        """The database's answer; missing rows become tombstones; the cache is filled behind us."""
        incarnation = self._window.incarnation
        rows = await self._rows(
            kind, ids, deadline, primary=primary, after_xid=after_xid, proven=proven
        )
        entries = _complete(ids, rows)
        if not primary and not proven:
            await self._insist(kind, entries, deadline)
        if self._cache is not None and self._window.incarnation == incarnation:
            self._cache.put(kind, entries.items())
        return entries

    async def _read_alone(
        self, kind: int, ids: Sequence[bytes], deadline: float | None
    ) -> dict[bytes, Entry] | Hits:
        """The same where the cache is none, or behind; side by side where each id has a row."""
        rows = await self._rows(kind, ids, deadline)
        whole = rows.in_order_of(ids)
        if whole is not None and not self._doubted(kind, ids, stamps_of(whole)):
            return Hits(ids, whole)
        entries = _complete(ids, rows)
        await self._insist(kind, entries, deadline)
        return entries

    async def _rows(
        self,
        kind: int,
        ids: Sequence[bytes],
        deadline: float | None,
        *,
        primary: bool = False,
        after_xid: int | None = None,
        proven: bool = False,
    ) -> Rows:
        """What the database has of them: as it is, unless it is to be `proven`."""
        rows = await self._store.get_many(
            kind,
            ids,
            primary=primary or not self._store.has_replicas,
            after_xid=after_xid,
            life=self._window.life,
            suits=partial(self._are_proven, kind) if proven else None,
            deadline=deadline,
        )
        self.stats.statements += -(-len(ids) // IDS_MAX)
        self.stats.rows += len(rows)
        return rows


def _complete(ids: Sequence[bytes], rows: Rows) -> dict[bytes, Entry]:
    """What was found, with tombstones for what was not."""
    found = rows.by_id()
    if len(found) == len(ids):
        return found
    return dict.fromkeys(ids, Entry(0, rows.horizon, b"", b"")) | found
