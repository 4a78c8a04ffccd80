"""The poll of the primary's change rows: what feeds the window, and tells how old it is.

One statement per interval serves all that every worker has to know of the primary: its heartbeat,
its incarnation and the routing table's revision are in it too.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from os import urandom
from typing import Final, NamedTuple

from repository.database import Database, Row
from repository.errors import CommitUnknown, TooStale, Unavailable
from repository.replicas import LAG_MAX_S, Look
from repository.stand_in import StandIn
from repository.window import NO_LIFE, Change, Window

__all__ = ["ChangePoll"]

INTERVAL_S: Final = 0.1
SILENT_AFTER_S: Final = 1.0
LOOK_EVERY_S: Final = 1.0
MAX_STALE_S: Final = 60.0
BEATS_KEPT: Final = 32  # eight seconds of them
BEATS_BETWEEN: Final = 2  # the second after a poll began when all that the poll saw had ended
STATEMENT_MAX_S: Final = 1.0
ROWS_MAX: Final = 200_000
PRIMARY_MAX_S: Final = 2.0
"""For so long a primary is looked for at the start where standbys could stand in for it."""
START_MAX_S: Final = 10.0
START_EVERY_S: Final = 0.05
START_WINDOW_XIDS: Final = 1_000
NO_CHANGES: Final = 2**63  # beyond every transaction

GET_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())"

# Everything visible from the last horizon on, not only what is below xmin. One row more than
# ROWS_MAX says that the rest was cut off. A WAL file's name begins with its timeline; a standby
# has none to name, and is no primary.
POLL = """
WITH horizon AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin)
SELECT horizon.xmin, routing_revision.revision, heartbeat.beat, incarnation.id,
       incarnation.timeline,
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer AS timeline_now,
       recent.kind, recent.id, recent.version, recent.xid
FROM horizon CROSS JOIN routing_revision CROSS JOIN heartbeat CROSS JOIN incarnation
LEFT JOIN LATERAL (
    SELECT kind, id, version, xid FROM change WHERE xid >= $1 ORDER BY xid LIMIT 200001
) AS recent ON true"""

# The first worker that sees another timeline begins another incarnation; $4 is the oldest xid that
# may have been another transaction's in the one before, and so in all before that.
BEGIN_INCARNATION = """
WITH begun AS (
    UPDATE incarnation SET id = $2, timeline = $3, first_xid = $4
    WHERE id = $1 AND timeline <> $3
    RETURNING first_xid
), older AS (
    UPDATE former_incarnation SET shared_xid = least(shared_xid, begun.first_xid) FROM begun
)
INSERT INTO former_incarnation (id, shared_xid) SELECT $1, first_xid FROM begun"""

GET_SHARED = "SELECT shared_xid FROM former_incarnation WHERE id = $1"

# Where a stretch of about 2,000 older changes begins; whole transactions only.
GET_STRETCH = "SELECT xid FROM change WHERE xid < $1 ORDER BY xid DESC OFFSET 1999 LIMIT 1"
GET_OLDEST = "SELECT xid FROM change WHERE xid < $1 ORDER BY xid LIMIT 1"
GET_HISTORY = """
SELECT kind, id, version, xid, time FROM change WHERE xid >= $1 AND xid < $2 ORDER BY xid"""


class _Answer(NamedTuple):
    """What a poll was told."""

    horizon: int
    routing_revision: int
    beat: int
    incarnation: bytes
    timeline: int  # as the incarnation has it
    timeline_now: int  # as the server has it
    changes: list[Change]


class ChangePoll:
    """Polls every `interval_s` once started; `note` tells it of commits it need not wait for.

    Listeners run in the event loop and must not fail: `on_change` gets what is new, `on_drop`
    is called when nothing known before may be relied on, `on_routing` gets the new revision, and
    `on_leave` is awaited when another server has become the primary.

    With `heart_beats` an answer vouches only where the heartbeat has moved since the one before
    that did: a primary that nobody follows any more can answer, and not commit a beat. Until the
    first one does, what standbys answer is as good as stand_in.py says.
    """

    def __init__(
        self,
        database: Database,
        window: Window,
        *,
        interval_s: float = INTERVAL_S,
        max_stale_s: float = MAX_STALE_S,
        rows_max: int = ROWS_MAX,
        heart_beats: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.window = window
        self.on_change: list[Callable[[Sequence[Change]], None]] = []
        self.on_drop: list[Callable[[], None]] = []
        self.on_routing: list[Callable[[int], None]] = []
        self.on_leave: list[Callable[[], Awaitable[None]]] = []
        self.routing_revision = 0
        self.failures = 0
        self.last_failure: Exception | None = None
        self._database = database
        self._interval_s = interval_s
        self._max_stale_s = max_stale_s
        self._rows_max = min(rows_max, ROWS_MAX)
        self._clock = clock or time.monotonic
        self._heart_beats = heart_beats
        self._beat: int | None = None
        self._beats: deque[tuple[int, float, int]] = deque(maxlen=BEATS_KEPT)
        self._timeline = 0
        self._asked_at: float | None = None
        self._looked_at = float("-inf")
        self._stand_in = StandIn(self._clock)
        self._history_read = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Poll until an answer vouches, or standbys stand in; then in the background.

        Raises Unavailable when there is neither.
        """
        began_at = self._clock()
        while not self.has_begun:
            try:
                await self.poll()
            except Unavailable:
                waited_s = self._clock() - began_at
                if waited_s >= PRIMARY_MAX_S and self.age_s <= self._max_stale_s:
                    break
                if waited_s >= START_MAX_S:
                    raise
                await asyncio.sleep(START_EVERY_S)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the background polling."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def has_begun(self) -> bool:
        """Whether a primary has been heard of; before, standbys' answers are all there is."""
        return self._asked_at is not None

    @property
    def age_s(self) -> float:
        """Seconds since the last poll whose answer vouches was asked, or what stands in for it."""
        as_of_s = self._stand_in.as_of_s if self._asked_at is None else self._asked_at
        return self._clock() - as_of_s

    @property
    def is_current(self) -> bool:
        """Whether what is proven against the window was right a second ago or later."""
        return self.age_s <= SILENT_AFTER_S and self.has_begun

    @property
    def stale_since(self) -> datetime | None:
        """When what is answered was right, if that is longer ago than a second or not polled."""
        age_s = self.age_s
        if age_s == float("inf") or self.is_current:
            return None
        return datetime.now(UTC) - timedelta(seconds=age_s)

    def is_fit(self, look: Look) -> bool:
        """Whether a replica may be read from, as it was seen: of this life, and not behind."""
        if self.has_begun:
            lag_s = self.lag_s(look.beat, look.asked_s)
            return lag_s <= LAG_MAX_S and self.window.life in {None, look.life}
        if not self._stand_in.takes(look):
            return False
        if self.window.incarnation != self._stand_in.life:
            self.window.enter(self._stand_in.life, self._stand_in.timeline)
        return True

    def lag_s(self, beat: int, at_s: float) -> float:
        """For how long a server that was at this heartbeat then had lacked the next one."""
        missed = [seen_s for later, seen_s, _ in self._beats if later > beat]
        if not missed:
            return 0.0
        return at_s - missed[0] if len(missed) < BEATS_KEPT else float("inf")

    def check_age(self) -> None:
        """Raise TooStale when the poll has been silent for longer than `max_stale_s`."""
        if self.age_s > self._max_stale_s:
            raise TooStale

    def note(self, changes: Sequence[Change], *, is_of_this_life: bool = True) -> None:
        """Take a commit of this worker's own before the poll sees it, as `Window.note` does."""
        self._tell(self.window.note(changes, is_of_this_life=is_of_this_life))

    async def poll(self) -> None:
        """Ask once. Raises TimedOut, Unavailable."""
        if self._heart_beats and not self.has_begun:
            await self._feel_heart()
        asked_at = self._clock()
        beat = await self._advance() if self.window.horizon else None
        if beat is None:
            beat = await self._begin()
        if beat != self._beat or not (self._heart_beats and self.has_begun):
            self._beat = beat
            self._beats.append((beat, asked_at, self.window.horizon))
            self._asked_at = asked_at

    async def shared_below(self, life: bytes, deadline: float | None) -> int:
        """The xid below which a former life's transactions are the present one's too; 0 for none.

        Raises TimedOut, Unavailable.
        """
        rows = await self._database.fetch(GET_SHARED, life, primary=True, deadline=deadline)
        return rows[0][0] if rows else 0

    async def read_back(self) -> bool:
        """Read a stretch of older history into the window; whether there is more to read.

        Not of what may still be under way: of changes that are learned here no listener is told.
        """
        window = self.window
        before = window.oldest_xid
        if self._history_read or window.full or before > window.horizon:
            return False
        rows = await self._fetch(GET_STRETCH, before) or await self._fetch(GET_OLDEST, before)
        if not rows:
            self._history_read = True
            return False
        first = rows[0][0]
        history = await self._fetch(GET_HISTORY, first, before)
        if window.oldest_xid != before:  # trimmed or dropped meanwhile: no longer adjacent
            return True
        window.extend([Change(*row[:4]) for row in history], first)
        self._history_read = history[0][4] < datetime.now(UTC) - window.age_max
        return not self._history_read

    async def _feel_heart(self) -> None:
        """Go on only when the heartbeat has moved since it was seen first. Raises Unavailable.

        It does not in a life that has no name yet, which asking sees to.
        """
        beat = (await self._ask(NO_CHANGES)).beat
        if self._beat is None or beat == self._beat:
            self._beat = beat
            raise Unavailable("the primary's heart has not been seen to beat yet")

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                if self.age_s > SILENT_AFTER_S:
                    await self._look_about()
                await self.poll()
                await self.read_back()
            except Exception as error:  # silence is measured by age_s; polling must go on
                self.failures += 1
                self.last_failure = error

    async def _advance(self) -> int | None:
        """Poll from the last horizon; None when that cannot be proven to be everything."""
        window = self.window
        epoch = window.horizon
        answer = await self._ask(epoch)
        is_of_this_life = answer.incarnation == window.incarnation
        if len(answer.changes) > self._rows_max or answer.horizon < epoch or not is_of_this_life:
            return None
        self._tell(window.advance(answer.changes, answer.horizon))
        return answer.beat

    async def _begin(self) -> int:
        """Start over with a short window, or none if that holds too much.

        What was known is forgotten once there is what takes its place: until then reads go on as of
        the last answer that vouched, where the primary may be gone again before there is.
        """
        horizon = (await self._fetch(GET_HORIZON))[0][0]
        # As many rows as a stretch has: a load's transactions have thousands each.
        stretch = await self._fetch(GET_STRETCH, horizon)
        begin = stretch[0][0] if stretch else max(horizon - START_WINDOW_XIDS, 0)
        for oldest in (begin, horizon):
            answer = await self._ask(oldest)
            if len(answer.changes) <= self._rows_max:
                self._forget()
                if answer.incarnation != self.window.incarnation:
                    self.window.enter(answer.incarnation, answer.timeline)
                    self._beats.clear()
                self._tell(self.window.begin(answer.changes, oldest, answer.horizon))
                return answer.beat
        raise Unavailable("more changes at once than a poll reads")

    def _forget(self) -> None:
        """Know nothing, and have nobody rely on what was known."""
        self._history_read = False
        if self.window.horizon:
            self.window.drop()
            for dropped in self.on_drop:
                dropped()

    async def _ask(self, oldest: int) -> _Answer:
        """Everything visible from `oldest` on, from a primary that is not of an older life.

        Raises TimedOut, Unavailable.
        """
        rows = await self._fetch(POLL, oldest)
        horizon, revision, beat, incarnation, timeline, timeline_now = rows[0][:6]
        changes = [] if rows[0][6] is None else [Change(*row[6:]) for row in rows]
        answer = _Answer(horizon, revision, beat, incarnation, timeline, timeline_now, changes)
        if answer.timeline_now < self._timeline:
            await self._leave()
            raise Unavailable("a former primary answered")
        if answer.timeline_now != answer.timeline:
            await self._begin_incarnation(answer)
            raise Unavailable("another life of the database has begun")
        if 0 < self._timeline < answer.timeline_now:  # which others have named
            await self._leave()
        self._timeline = answer.timeline_now
        if answer.routing_revision != self.routing_revision:
            self.routing_revision = answer.routing_revision
            for revised in self.on_routing:
                revised(answer.routing_revision)
        return answer

    async def _begin_incarnation(self, answer: _Answer) -> None:
        """Have the new life known under a name of its own, unless another worker was first.

        What was below the horizon of a poll had ended before the next beat but one of the heart
        began. A life that has that beat has all of it as the life before had. Nothing is known of
        xids from there on, and of a life that this worker has not polled.
        """
        is_known = answer.incarnation == self.window.incarnation
        latest = answer.beat - BEATS_BETWEEN
        seen = [horizon for beat, _, horizon in self._beats if is_known and beat <= latest]
        await self._leave()
        with contextlib.suppress(CommitUnknown):  # the next poll tells whether it has the name
            await self._database.write(
                BEGIN_INCARNATION, answer.incarnation, urandom(len(NO_LIFE)), answer.timeline_now,
                max(seen, default=0),
                deadline=time.monotonic() + STATEMENT_MAX_S,
            )  # fmt: skip

    async def _look_about(self) -> None:
        """See, once a second, whether the primary that is silent has been replaced.

        One that was cut off may go on answering whoever still reaches it.
        """
        if (now := self._clock()) - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            if await self._database.look_for_another():
                await self._leave()

    async def _leave(self) -> None:
        """Part with the primary that was, here and wherever else it is known."""
        await asyncio.gather(self._database.leave(), *(left() for left in self.on_leave))

    async def _fetch(self, sql: str, *xids: int) -> list[Row]:
        deadline = time.monotonic() + STATEMENT_MAX_S
        return await self._database.fetch(sql, *xids, primary=True, deadline=deadline)

    def _tell(self, fresh: Sequence[Change]) -> None:
        if fresh:
            for changed in self.on_change:
                changed(fresh)
