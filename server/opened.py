"""The worker's own cache: opened records in the form they are sent, while known to be current.

Owns its bound in bytes and ADR 9's rule for entries in a process: proven when put in,
removed by the poll, all dropped when the poll has a gap. Reads, opens and parses nothing.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import choice
from typing import Final

from repository.changes import ChangePoll
from repository.record import Kind
from repository.values import Found, exist_in, stamps_of
from repository.window import Change

__all__ = ["OpenedRecords", "OpenedStats"]

# Bytes of CPython 3.11 beside a frame's own, rounded up: see test_opened.py, which measures them.
FRAME_BYTES: Final = 48  # a bytes object's head, and what the allocator rounds up
ENTRY_BYTES: Final = 96  # a dict's slot, in one that has just grown, and what fragments
ID_BYTES: Final = 80  # an id and its place in a queue
MARK_BYTES: Final = 128  # an id as a request had it, and its slot in a set
CHUNK_BYTES: Final = 160

# S3-FIFO with one bit for each entry and no ghosts: ADR 9 has what was measured.
NEW_SHARE: Final = 10  # one part in so many of the bound is for what has yet to be asked for again
UNKNOWN_SHARE: Final = 16  # one part in so many is for ids that no record has
CHUNK_IDS: Final = 256  # puts smaller than this share a chunk
SPARED_MAX: Final = 8  # chunks a single put lets live because they were asked for again


@dataclass(slots=True)
class OpenedStats:
    """Counters the server turns into metrics."""

    hits: int = 0
    entries: int = 0
    bytes: int = 0
    evicted: int = 0
    changed: int = 0
    dropped: int = 0


@dataclass(slots=True)
class _Chunk:
    """Ids that came in one after the other."""

    kind: int
    ids: list[bytes]
    bytes: int


class _Queue:
    """Ids in the order they came in, some of which may have left since; `bytes` is as they came."""

    __slots__ = ("_chunks", "bytes")

    def __init__(self) -> None:
        self._chunks: deque[_Chunk] = deque()
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def add(self, kind: int, ids: Sequence[bytes], size_bytes: int) -> int:
        """Take ids to the end; returns what that costs beside their frames."""
        self.bytes += size_bytes
        cost = ID_BYTES * len(ids)
        last = self._chunks[-1] if self._chunks else None
        if last is not None and last.kind == kind and len(last.ids) < CHUNK_IDS:
            last.ids += ids
            last.bytes += size_bytes
            return cost
        self._chunks.append(_Chunk(kind, list(ids), size_bytes))
        return cost + CHUNK_BYTES

    def pick(self) -> tuple[int, bytes]:
        """Kind and id of one that came in, by chance."""
        chunk = choice(self._chunks)  # noqa: S311 - a sample, nobody's secret
        return chunk.kind, choice(chunk.ids)  # noqa: S311 - as above

    def pop(self) -> _Chunk:
        """The oldest chunk."""
        chunk = self._chunks.popleft()
        self.bytes -= chunk.bytes
        return chunk


class OpenedRecords:
    """Frames by kind and id, at most `bytes_max` of them; 0 keeps nothing.

    What it holds is right as of the poll's last answer, and whoever asks sees to it that this is
    fresh enough (`Reader.may_be_seen`).
    """

    def __init__(self, poll: ChangePoll, bytes_max: int) -> None:
        self.stats = OpenedStats()
        self._window = poll.window
        self._bytes_max = bytes_max
        self._clear()
        poll.on_change.append(self._changed)
        poll.on_drop.append(self.drop)

    def __repr__(self) -> str:
        return f"OpenedRecords({self.stats.entries} hidden)"

    def one(self, kind: int, id_: bytes) -> bytes | None:
        """The frame of one id, None where there is none; found, it is counted as by `hit`."""
        frame = self._frames[kind].get(id_)
        if frame is not None:
            self.stats.hits += 1
            if self._is_short:
                self._marks[kind].add(id_)
        return frame

    def find(self, kind: int, ids: Iterable[bytes]) -> list[bytes | None]:
        """The frame of each id, None where there is none. Tell `hit` what was made use of."""
        return list(map(self._frames[kind].get, ids))

    def hit(self, kind: int, ids: Sequence[bytes]) -> None:
        """Count what was found; while room is short, also have it outlive what nobody asks for."""
        self.stats.hits += len(ids)
        if self._is_short:
            self._marks[kind].update(ids)

    def some(self, count: int) -> list[tuple[int, bytes]]:
        """Kind and id of at most `count` entries, picked by chance though not evenly."""
        queues = [queue for queue in (self._new, self._used, self._unknown) if queue]
        picked = [choice(queues).pick() for _ in range(count) if queues]  # noqa: S311 - as above
        return [(kind, id_) for kind, id_ in picked if id_ in self._frames[kind]]

    def put(self, kind: int, ids: Sequence[bytes], frames: Sequence[bytes], found: Found) -> None:
        """Keep the frames made of what was found, where it is proven current at this moment.

        One that differs from what is there leaves neither: which is newer is for a read to say.
        """
        if not self._bytes_max:
            return
        fresh = dict(zip(ids, frames, strict=True))
        for at in self._window.unproven(kind, ids, stamps_of(found)):
            fresh.pop(ids[at], None)
        there = self._frames[kind]
        if not there.keys().isdisjoint(fresh):
            for id_ in there.keys() & fresh.keys():
                if fresh.pop(id_) != there[id_]:
                    self._remove(kind, id_)
        unknown = {
            id_: fresh.pop(id_)
            for id_, exists in zip(ids, exist_in(found), strict=True)
            if not exists and id_ in fresh
        }
        self._add(kind, self._new, fresh)
        self._add(kind, self._unknown, unknown)
        self._shrink()

    def forget(self, kind: int) -> None:
        """Drop all of a kind: what their frames say besides the records is over."""
        there = self._frames[kind]
        self.stats.dropped += len(there)
        for id_ in list(there):
            self._remove(kind, id_)

    def drop(self) -> None:
        """Drop everything: nothing known before may be relied on."""
        self.stats.dropped += self.stats.entries
        self._clear()

    def _clear(self) -> None:
        self._frames: dict[int, dict[bytes, bytes]] = {kind: {} for kind in Kind}
        self._marks: dict[int, set[bytes]] = {kind: set() for kind in Kind}
        self._new, self._used, self._unknown = _Queue(), _Queue(), _Queue()
        self._bytes = self.stats.entries = 0  # bytes without those of marks
        self._is_short = False
        self._tell()

    def _changed(self, changes: Sequence[Change]) -> None:
        before = self.stats.entries
        for change in changes:
            if change.kind in self._frames:  # a newer release may write kinds unknown here
                self._remove(change.kind, change.id)
        self.stats.changed += before - self.stats.entries

    def _add(self, kind: int, queue: _Queue, frames: dict[bytes, bytes]) -> None:
        if not frames:
            return
        size_bytes = sum(map(len, frames.values())) + len(frames) * (FRAME_BYTES + ENTRY_BYTES)
        self._frames[kind].update(frames)
        self._bytes += size_bytes + queue.add(kind, list(frames), size_bytes)
        self.stats.entries += len(frames)

    def _remove(self, kind: int, id_: bytes) -> None:
        frame = self._frames[kind].pop(id_, None)
        if frame is not None:
            self._bytes -= len(frame) + FRAME_BYTES + ENTRY_BYTES
            self.stats.entries -= 1

    def _shrink(self) -> None:
        """Evict until what is left is within the bounds."""
        unknown_max, new_max = self._bytes_max // UNKNOWN_SHARE, self._bytes_max // NEW_SHARE
        while self._unknown.bytes > unknown_max:
            self._evict(self._unknown, spares=False)
        spared = 0
        while self._tell() > self._bytes_max:
            queue = self._new if self._new.bytes > new_max or not self._used else self._used
            spared += self._evict(queue or self._unknown, spares=spared < SPARED_MAX)
        self._is_short = self.stats.bytes > self._bytes_max // 2

    def _evict(self, queue: _Queue, *, spares: bool) -> bool:
        """Take the oldest chunk out; those asked for since it came in may stay. Whether any did."""
        chunk = queue.pop()
        kind, marks, there = chunk.kind, self._marks[chunk.kind], self._frames[chunk.kind]
        self._bytes -= ID_BYTES * len(chunk.ids) + CHUNK_BYTES
        spared = {id_: there[id_] for id_ in chunk.ids if id_ in marks and id_ in there}
        marks.difference_update(chunk.ids)
        before = self.stats.entries
        for id_ in chunk.ids:
            self._remove(kind, id_)
        if spares:
            self._add(kind, self._used, spared)
        self.stats.evicted += before - self.stats.entries
        return spares and bool(spared)

    def _tell(self) -> int:
        """What is held at present, in bytes."""
        self.stats.bytes = self._bytes + MARK_BYTES * sum(map(len, self._marks.values()))
        return self.stats.bytes
