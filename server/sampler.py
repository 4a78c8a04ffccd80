"""Compares what the caches would serve with what the primary has, a few records all the time.

The caches' rule says that it never finds anything: this is what would tell if that were not so. It
mends nothing, and must not count as a reader of the caches.
"""

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from repository.cache import Cache
from repository.changes import ChangePoll
from repository.database import Database
from repository.errors import RepositoryError
from repository.sampling import Newest, SamplingStore
from server import log
from server.frames import FORMS
from server.housekeeping import Chore
from server.metrics import SampleStats
from server.opened import OpenedRecords
from server.shape import SHAPES

__all__ = ["Sampler"]

EVERY_S: Final = 1.0
ANSWER_MAX_S: Final = 1.0
MARKS_MAX: Final = 4_500  # of a second each: longer than Valkey keeps an entry

_log = log.logger("sampler")


class Sampler:
    """Looks at up to `count` entries at a time, half of them of the worker's own cache.

    First the primary is asked for the newest versions, then the caches for what they would serve:
    so an entry is stale, for certain, if a version is newer whose transaction this worker's poll
    has seen. One that the poll has yet to see is `behind`, as it may be.
    """

    def __init__(
        self,
        database: Database,
        poll: ChangePoll,
        own: OpenedRecords,
        cache: Cache | None,
        *,
        count: int,
    ) -> None:
        self.stats = SampleStats()
        self._store = SamplingStore(database)
        self._poll = poll
        self._window = poll.window
        self._own = own
        self._cache = cache
        self._count = count
        self._marks: deque[tuple[int, float]] = deque(maxlen=MARKS_MAX)  # horizon, since when
        poll.on_drop.append(self._marks.clear)

    @property
    def chore(self) -> Chore:
        """What is to be done all the time."""
        return Chore("sample_caches", EVERY_S, self.look)

    async def look(self) -> None:
        """Compare once; without a primary there is nothing to compare with."""
        with suppress(RepositoryError):
            self._poll.check_age()
            await self._compare()

    async def _compare(self) -> None:
        life = self._window.life
        if life is None:
            return
        self._marks.append((self._window.horizon, time.monotonic()))
        own = self._own.some(self._count // 2)
        kept = await self._cache.some(self._count - len(own)) if self._cache is not None else []
        if not own and not kept:
            return
        deadline = time.monotonic() + ANSWER_MAX_S
        newest = await self._store.newest({*own, *kept}, life, deadline)
        if self._window.life == life:
            self._compare_own(own, newest)
        for kind in {kind for kind, _ in kept}:
            await self._compare_kept(kind, {id_ for of, id_ in kept if of == kind}, newest)

    def _compare_own(
        self, pairs: Iterable[tuple[int, bytes]], newest: dict[tuple[int, bytes], Newest]
    ) -> None:
        for kind, id_ in pairs:
            (frame,) = self._own.find(kind, [id_])
            if frame is None:  # removed meanwhile
                continue
            last = newest[kind, id_]
            if frame == FORMS[kind].missing:
                self._judge("own", kind, 0 if last.exists else last.version, last)
            else:
                record = SHAPES[kind].message.FromString(FORMS[kind].record(frame))
                version: int = record.version  # type: ignore[attr-defined]  # every record has one
                self._judge("own", kind, version, last)

    async def _compare_kept(
        self, kind: int, ids: set[bytes], newest: dict[tuple[int, bytes], Newest]
    ) -> None:
        """What is proven at this moment is judged at this moment: nothing is awaited between."""
        assert self._cache is not None, "what was found in it"
        life = self._window.life
        for id_, (version, horizon) in (await self._cache.peek(kind, list(ids))).items():
            if self._window.life == life:
                self._judge("valkey", kind, version, newest[kind, id_])
                self.stats.age_s.observe(self._age_s(horizon))

    def _judge(self, source: str, kind: int, version: int, newest: Newest) -> None:
        self.stats.sampled[source] += 1
        if version >= newest.version:
            return
        if not self._window.has_seen(newest.xid):
            self.stats.behind[source] += 1
            return
        self.stats.stale[source] += 1
        _log.error("stale_entry", kind=kind, cause=source, version=version)

    def _age_s(self, horizon: int) -> float:
        """For how long the database has been past a horizon, as far back as is known here."""
        if not self._marks:  # the poll has had a gap since this look began
            return 0.0
        at = bisect_right(self._marks, horizon, key=lambda mark: mark[0])
        return time.monotonic() - self._marks[max(at - 1, 0)][1]
