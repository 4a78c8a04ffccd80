"""Records framed as lookups send them: from the worker's own cache, else read, opened and framed.

Written for speed: no await where nothing is missing, no task and no message per record.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from repository.reading import Consistency, Freshness, Reader
from repository.record import Kind
from repository.values import Columns, Found
from server import network_response, splice
from server.opened import OpenedRecords
from server.opening import places_of, texts_of
from server.rpc import Call
from server.sealed import SealedRecords
from tokenizer.sealing import SealBroken

__all__ = ["FORMS", "Frames"]

FORMS: Final[dict[int, splice.Form]] = {
    Kind.ACCOUNT: splice.result_form(splice.not_found()),
    Kind.CARD: splice.result_form(
        splice.not_found(network_response.NOT_THERE), network_response.FIELD_BYTES
    ),
    Kind.CUSTOMER: splice.BARE,
    Kind.RELATIONSHIP: splice.BARE,
}
"""By kind: accounts and cards as results without linked records, the others as they are."""


class Frames:
    """Frames by kind and id, in the forms of `FORMS`. None shows a private segment."""

    __slots__ = ("_clock", "_month", "_opened", "_reader", "_sealed", "_today")

    def __init__(
        self,
        reader: Reader,
        sealed: SealedRecords,
        opened: OpenedRecords,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reader = reader
        self._sealed = sealed
        self._opened = opened
        self._clock = clock
        self._today = clock().date()
        self._month = self._today.isoformat()[:7]

    def one(self, kind: int, id_: bytes, call: Call) -> bytes | Awaitable[bytes] | None:
        """The frame of one id, at once when it is at hand; None while answers may be stale.

        Written for speed: `joined` gives the same.
        """
        if not self._reader.is_current:
            return None
        if kind == Kind.CARD:
            self._turn_month()
        return self._opened.one(kind, id_) or self._read_one(kind, id_, call)

    def joined(
        self, kind: int, ids: Sequence[bytes], freshness: Freshness, call: Call
    ) -> bytes | Awaitable[bytes]:
        """A frame per id, in order, in one piece: at once when the worker has all of them at hand.

        Raises as `found` does.
        """
        frames = self._at_hand(kind, ids, freshness)
        try:
            whole = b"".join(frames)  # type: ignore[arg-type]  # None is what the except is for
        except TypeError:
            return self._joined(kind, ids, frames, freshness, call)
        self._opened.hit(kind, ids)
        return whole

    async def found(
        self, kind: int, ids: Iterable[bytes], freshness: Freshness, call: Call
    ) -> dict[bytes, bytes]:
        """Id -> frame of the records that exist, each once.

        What a cache returned and does not open is asked of the primary once. Raises SealBroken,
        TimedOut, TooStale, Unavailable.
        """
        wanted = list(dict.fromkeys(ids))
        frames = await self._completed(
            kind, wanted, self._at_hand(kind, wanted, freshness), freshness, call
        )
        missing = FORMS[kind].missing
        return {id_: frame for id_, frame in zip(wanted, frames, strict=True) if frame != missing}

    async def records(
        self, kind: int, ids: Iterable[bytes], freshness: Freshness, call: Call
    ) -> dict[bytes, bytes]:
        """Id -> serialized record, of those that exist; raises as `found` does."""
        record_of = FORMS[kind].record
        found = await self.found(kind, ids, freshness, call)
        return {id_: record_of(frame) for id_, frame in found.items()}

    def _at_hand(self, kind: int, ids: Sequence[bytes], freshness: Freshness) -> list[bytes | None]:
        """The frames that may be served from the worker's own cache. Raises TooStale."""
        if not self._reader.may_be_seen(freshness):
            return [None] * len(ids)
        if kind == Kind.CARD:
            self._turn_month()
        return self._opened.find(kind, ids)

    async def _joined(
        self,
        kind: int,
        ids: Sequence[bytes],
        frames: list[bytes | None],
        freshness: Freshness,
        call: Call,
    ) -> bytes:
        return b"".join(await self._completed(kind, ids, frames, freshness, call))

    async def _completed(
        self,
        kind: int,
        ids: Sequence[bytes],
        frames: list[bytes | None],
        freshness: Freshness,
        call: Call,
    ) -> list[bytes]:
        """The frames with what is missing read: once each, in one go."""
        if frames.count(None) == len(ids):
            missing = dict.fromkeys(ids)
        else:
            missing = dict.fromkeys(
                id_ for id_, frame in zip(ids, frames, strict=True) if frame is None
            )
            self._opened.hit(kind, [id_ for id_ in ids if id_ not in missing])
        wanted = list(missing)
        read = await self._read(kind, wanted, freshness, call) if wanted else []
        if len(read) == len(ids):  # nothing was at hand, and nothing asked for twice
            return read
        by_id = dict(zip(wanted, read, strict=True))
        return [
            by_id[id_] if frame is None else frame for id_, frame in zip(ids, frames, strict=True)
        ]

    async def _read_one(self, kind: int, id_: bytes, call: Call) -> bytes:
        (frame,) = await self._read(kind, [id_], Consistency.MINIMIZE_LATENCY, call)
        return frame

    async def _read(
        self, kind: int, ids: Sequence[bytes], freshness: Freshness, call: Call
    ) -> list[bytes]:
        """The frames of ids that the own cache did not give; it is given them, where proven.

        From the records' arrival on nothing is awaited: the proof is as of when they are put in.
        """
        found = await self._reader.find(kind, ids, freshness, deadline=call.deadline)
        try:
            frames = self._framed(kind, ids, found)
        except SealBroken:
            found = await self._reader.reread(kind, ids, deadline=call.deadline)
            frames = self._framed(kind, ids, found)
        self._opened.put(kind, ids, frames, found)
        return frames

    def _framed(self, kind: int, ids: Sequence[bytes], found: Found) -> list[bytes]:
        """The frames of what was found, in order. Raises SealBroken."""
        form = FORMS[kind]
        if isinstance(found, Columns) and not form.has_tails and found.exist.all():
            return form.framed(found.opened, *places_of(found))
        records = texts_of(self._sealed, kind, ids, found)
        there = records if all(records) else [record for record in records if record]
        tails: list[bytes] = []
        if kind == Kind.CARD:
            self._turn_month()
            tails = network_response.fields(there, self._month)
        frames = form.frames(there, tails)
        if there is records:
            return frames
        left = iter(frames)
        return [next(left) if record else form.missing for record in records]

    def _turn_month(self) -> None:
        """In a new month cards answer anew: some are past their last one."""
        today = self._clock().date()
        if today == self._today:
            return
        self._today = today
        if today.isoformat()[:7] != self._month:
            self._month = today.isoformat()[:7]
            self._opened.forget(Kind.CARD)
