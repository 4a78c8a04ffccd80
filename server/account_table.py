"""What plain decisions ask of accounts, a million of them in a table of a stated size.

Rows of 64 bytes by id, looked up and put by the thousand with numpy, under ADR 9's rule
for entries in a process: proven when put in, removed by the poll, all dropped when it has a gap.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repository.changes import ChangePoll
from repository.record import Entry, Kind
from repository.window import Change
from server.account_facts import NO_LEDGER, AccountFacts
from tokenizer.identity import ID_BYTES

__all__ = ["ABSENT", "ROW", "WORDS_MAX", "AccountTable", "Ids", "Rows", "packed"]

WORDS_MAX: Final = 8
ROW: Final = np.dtype(
    [
        ("words", "<u4", (WORDS_MAX,)),
        ("version", "<i8"),
        ("plain_from", "<i4"),
        ("exists", "u1"),
        ("ledger", "u1"),
        ("is_named", "u1"),
        ("state", "<u2"),
        ("account_type", "<u2"),
        ("filler", "V5"),
        ("head", "<u8"),
    ]
)
"""A row: digests of the owners' words (the first again where there are fewer), the account's
version, the day it is plain from (YYYYMMDD), whether it exists, its plain ledger, whether there are
words at all, its state and type, and the first half of its id."""
_PACKED: Final = struct.Struct(f"<{WORDS_MAX}IqiBBBHH13x")
ABSENT: Final = _PACKED.pack(*[0] * (WORDS_MAX + 7))
"""The row of an id under which there is no account."""

Ids = NDArray[np.uint8]
Rows = NDArray[Any]  # of ROW

_WAYS: Final = 8
_BUCKETS_FIRST: Final = 256
_MOVED: Final = 16_384  # rows at once while it grows: their copies are the price
_FILLED: Final = 2.5  # slots a row at least: of three in a bucket of eight few overflow
_BUCKET_BYTES: Final = _WAYS * (ROW.itemsize + 8 + 8)


def packed(account: AccountFacts) -> bytes:
    """The row of an account. One that does not fit into a row is not plain."""
    words = sorted(account.owner_words)
    since = account.plain_from.replace("-", "") or "0"
    is_plain = len(words) <= WORDS_MAX and not account.superseded_ids and len(since) <= 8
    is_plain = is_plain and since.isdecimal() and since.isascii()
    filled = (words + words[:1] * WORDS_MAX if words else [0] * WORDS_MAX)[:WORDS_MAX]
    return _PACKED.pack(
        *filled,
        account.version,
        int(since) if is_plain else 0,
        1,
        account.plain_ledger if is_plain else NO_LEDGER,
        bool(words),
        account.state,
        account.account_type,
    )


class AccountTable:
    """A cache of `size_max_bytes` at most: buckets of eight rows, of which the oldest gives way.

    It begins small and quadruples, for which what it had is needed once more for a moment. Ids are
    [n, 16] bytes, each a MAC: their last eight choose the bucket and are compared first. What it
    holds is right as of the poll's last answer; that this is fresh enough is for who asks to see.
    """

    def __init__(self, poll: ChangePoll, size_max_bytes: int) -> None:
        self._window = poll.window
        self._buckets_max = max(1, size_max_bytes // _BUCKET_BYTES)
        self.drop()
        poll.on_change.append(self._changed)
        poll.on_drop.append(self.drop)

    def __repr__(self) -> str:
        return f"AccountTable({self._count} rows)"

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        """What it takes now."""
        return len(self._tails) * _BUCKET_BYTES

    def drop(self) -> None:
        """Drop everything: nothing known before may be relied on."""
        self._make(min(_BUCKETS_FIRST, self._buckets_max))

    def get(self, ids: Ids) -> tuple[Rows, NDArray[np.bool_]]:
        """A copy of each id's row, and whether there is one: the row says nothing otherwise."""
        slots, found, rows = self._find(ids)
        self._clock += 1
        self._used.reshape(-1)[slots[found]] = self._clock
        return rows, found

    def put(self, ids: Sequence[bytes], rows: Rows, entries: Sequence[Entry]) -> None:
        """Keep the rows made of those entries that are proven current at this moment.

        An id comes once. A row that differs from the one there leaves neither: which is newer is
        for a read to say.
        """
        fresh = np.ones(len(ids), np.bool_)
        fresh[self._window.unproven(Kind.ACCOUNT, ids, entries)] = False
        joined = _joined(ids)
        rows = rows.copy()
        rows["head"] = joined.view("<u8")[:, 0]
        slots, there, old = self._find(joined)
        self._remove(slots[there & (old != rows)])
        chosen = np.flatnonzero(fresh & ~there)
        room = self._count + len(chosen)
        if _FILLED * room > self._used.size and len(self._tails) < self._buckets_max:
            self._grow(room)
        self._clock += 1
        tails = joined.view("<u8")[chosen, 1]
        self._place(tails, rows[chosen], np.full(len(chosen), self._clock))

    def _changed(self, changes: Sequence[Change]) -> None:
        """Forget the accounts that have changed."""
        ids = [change.id for change in changes if change.kind == Kind.ACCOUNT]
        if ids:
            slots, found, _ = self._find(_joined(ids))
            self._remove(slots[found])

    def _remove(self, slots: NDArray[np.int64]) -> None:
        slots = np.unique(slots)
        self._tails.reshape(-1)[slots] = 0
        self._used.reshape(-1)[slots] = 0
        self._count -= len(slots)

    def _make(self, buckets: int) -> None:
        self._tails = np.zeros((buckets, _WAYS), np.uint64)  # the ids' second halves; 0 is nothing
        self._used = np.zeros((buckets, _WAYS), np.int64)  # when last asked for; 0 is never
        self._rows = np.zeros(buckets * _WAYS, ROW)
        self._count = self._clock = 0

    def _grow(self, room: int) -> None:
        """Four times the size, or more where so many want it."""
        tails, used, rows, clock = self._tails, self._used, self._rows, self._clock
        buckets = max(4 * len(tails), int(_FILLED * room) // _WAYS)
        self._make(min(buckets, self._buckets_max))
        self._clock = clock
        (live,) = np.nonzero(tails.reshape(-1))
        for start in range(0, len(live), _MOVED):
            part = live[start : start + _MOVED]
            self._place(tails.reshape(-1)[part], rows[part], used.reshape(-1)[part])

    def _bucket(self, tails: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The bucket of each id: its upper 32 bits, brought into range by a multiplication."""
        return ((tails >> np.uint64(32)) * np.uint64(len(self._tails)) >> np.uint64(32)).astype(
            np.int64
        )

    def _find(self, ids: Ids) -> tuple[NDArray[np.int64], NDArray[np.bool_], Rows]:
        """The slot of each id, whether it holds that id's row, and a copy of what it holds."""
        halves = ids.view("<u8")
        heads, tails = halves[:, 0], halves[:, 1]
        buckets = self._bucket(tails)
        same = self._tails[buckets] == tails[:, None]
        slots = buckets * _WAYS + same.argmax(axis=1)
        rows = self._rows[slots]
        return slots, same.any(axis=1) & (rows["head"] == heads) & (tails != 0), rows

    def _place(self, tails: NDArray[np.uint64], rows: Rows, used: NDArray[np.int64]) -> None:
        """Put rows, those of one bucket one after the other."""
        buckets = self._bucket(tails)
        todo = np.flatnonzero(tails)
        while len(todo):
            _, first = np.unique(buckets[todo], return_index=True)
            now = todo[first]
            mine = buckets[now]
            same = self._tails[mine] == tails[now, None]
            oldest = self._used[mine].argmin(axis=1)
            ways = np.where(same.any(axis=1), same.argmax(axis=1), oldest)
            self._count += int(np.count_nonzero(self._tails[mine, ways] == 0))
            self._tails[mine, ways] = tails[now]
            self._used[mine, ways] = used[now]
            self._rows[mine * _WAYS + ways] = rows[now]
            todo = np.delete(todo, first)


def _joined(ids: Sequence[bytes]) -> Ids:
    return np.frombuffer(b"".join(ids), np.uint8).reshape(-1, ID_BYTES)
