"""One read under way, and everybody who waits for what it brings.

Knows nothing of where entries come from: the reader sends it off, lands it, and picks who boards.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Final, TypeAlias

from repository.database import seconds_left
from repository.errors import TimedOut
from repository.record import Entry
from repository.values import Found, Hits

__all__ = ["NOT_YET", "Flight"]

# Who waits, for what, and until when.
_Waiting: TypeAlias = tuple[asyncio.Future[None], Collection[bytes], float | None]

NOT_YET: Final = 2**63  # the departure of what has not left: later than any that has


class Flight:
    """A read for all who asked before it left, and for those who join it for its ids later.

    What a caller meets is its own: a deadline or a cancellation ends that caller's wait and nobody
    else's, and what is found early is handed out early.
    """

    __slots__ = (
        "_alarm", "_found", "_hits", "_rings_at", "_waiting", "_where", "alone", "deadline",
        "departure", "error", "has_landed", "ids",
    )  # fmt: skip
    _where: TracebackType | None

    def __init__(self) -> None:
        self.ids: dict[bytes, Flight] = {}  # what it is still to bring, each to this flight itself
        self.alone: Sequence[bytes] | None = None  # the same as its only caller asked for it
        self.departure = NOT_YET
        self.deadline: float | None = 0.0  # the latest of those aboard; None for no end
        self._found: Mapping[bytes, Entry] = {}
        self._hits: Hits | None = None
        self.error: Exception | None = None
        self._where = None
        self.has_landed = False
        self._waiting: list[_Waiting] = []
        self._alarm: asyncio.TimerHandle | None = None  # one for all who wait
        self._rings_at = 0.0

    def allow(self, deadline: float | None) -> None:
        """Give the read until `deadline` at least."""
        if deadline is None or self.deadline is None:
            self.deadline = None
        elif deadline > self.deadline:
            self.deadline = deadline

    def join(self, deadline: float | None) -> None:
        """Have another caller wait for some of it: nobody gets what it brings as it came."""
        self.alone = None
        self.allow(deadline)

    async def bring(self, ids: Collection[bytes], deadline: float | None) -> None:
        """Wait until all of `ids`, which it is to bring, are found.

        Raises TimedOut at `deadline`, and what the flight failed with.
        """
        if self._has(ids):
            return
        if not self.has_landed:
            await self._landing(ids, deadline)
        if self.error is not None and not self._has(ids):
            # Raised by many: each from where it happened, or its traceback grows with them.
            raise self.error.with_traceback(self._where)

    def brought(self, ids: Sequence[bytes]) -> Found:
        """What it has found of `ids`, in their order, after `bring`: an only caller's as it came.

        That caller may write over it.
        """
        if self._hits is not None and ids is self.alone:
            return self._hits.found
        found = self.found
        return [found[id_] for id_ in ids]

    @property
    def found(self) -> Mapping[bytes, Entry]:
        """What it has found, by id."""
        if self._hits is not None and not self._found:
            self._found = self._hits.by_id()
        return self._found

    def complete(self, found: Mapping[bytes, Entry] | Hits) -> None:
        """Take what is found of all ids, before it lands."""
        if isinstance(found, Hits):
            self._hits = found
        else:
            self._found = found

    def hand_out(self, found: Mapping[bytes, Entry]) -> None:
        """Take what is found so far: who waits for no more than that need not wait longer."""
        self._found = found
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            waiter, ids, _ = each
            if not self._has(ids):
                self._waiting.append(each)
            elif not waiter.done():
                waiter.set_result(None)

    def fail(self, error: Exception) -> None:
        """Note why it will bring no more than it has."""
        self.error, self._where = error, error.__traceback__

    def land(self) -> None:
        """End it: it is complete, or it has failed.

        Its ids lead back to it. Left to the collector of such circles, what it found would stay for
        hundreds of flights more, and each of them would need memory that was not touched before.
        """
        self.has_landed = True
        self.ids = {}
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        for waiter, _, _ in self._waiting:
            if not waiter.done():  # cancelled, or out of time
                waiter.set_result(None)
        self._waiting.clear()

    def _landing(self, ids: Collection[bytes], deadline: float | None) -> asyncio.Future[None]:
        """What is done when all of `ids` are found, or the flight has landed, or at `deadline`."""
        left_s = seconds_left(deadline)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((waiter, ids, deadline))
        if deadline is not None and left_s is not None:
            self._see_to(deadline, left_s)
        return waiter

    def _see_to(self, deadline: float, left_s: float) -> None:
        """Have the alarm ring at this deadline at the latest, which is so many seconds away."""
        if self._alarm is not None:
            if self._rings_at <= deadline:
                return
            self._alarm.cancel()
        self._rings_at = deadline
        self._alarm = asyncio.get_running_loop().call_later(left_s, self._ring)

    def _ring(self) -> None:
        """Tell those whose time is over, and see to those whose is not."""
        self._alarm = None
        self._waiting = [each for each in self._waiting if not each[0].done()]
        for waiter, _, deadline in self._waiting:
            try:
                left_s = seconds_left(deadline)
            except TimedOut as late:
                waiter.set_exception(late)
            else:
                if deadline is not None and left_s is not None:
                    self._see_to(deadline, left_s)

    def _has(self, ids: Collection[bytes]) -> bool:
        return self._hits is not None or all(map(self._found.__contains__, ids))
