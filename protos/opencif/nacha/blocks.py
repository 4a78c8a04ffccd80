"""Runs of plain entries as columns: numpy views over a file's bytes, checked many at a time.

What is not plain goes record by record through `Reader`, whose events and findings these are.
Needs numpy, which nothing else of the codec does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from opencif.nacha.checks import SLOT_LIVE_MAX, SLOTS, OpenBatch
from opencif.nacha.entries import CheckEntry, Entry, PurchaseEntry, TruncatedEntry
from opencif.nacha.fields import WIDTH
from opencif.nacha.reader import Event, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from opencif.nacha.records import BatchHeader

__all__ = ["RUN_MIN", "Block", "BlockReader"]

RUN_MIN: Final = 32
"""Entries in a row from which on columns are quicker than records one by one."""
_ENTRY, _ADDENDA, _ZERO = b"670"
_LAYOUTS: Final = frozenset({Entry, CheckEntry, PurchaseEntry, TruncatedEntry})
"""Layouts that have a plain entry's numeric columns and no others, and no card number."""
_SLOT_OF: Final = np.array([SLOTS.get(b"%02d" % code, 0) for code in range(100)], np.int64)
_SLOTS: Final = 7
_CHECK_WEIGHTS: Final = np.array([3, 7, 1] * 3, np.uint8)
_TRACE_WIDTH: Final = 15


class Block:
    """Plain entries of one batch that follow one another, without addenda and without findings.

    `rows` are their records, [n, 94] bytes, the first on `line`; `codes` their transaction codes,
    [n], and `routings` their routing numbers of nine digits, [n].
    """

    __slots__ = ("batch", "codes", "line", "routings", "rows")

    def __init__(
        self,
        batch: BatchHeader,
        line: int,
        rows: NDArray[np.uint8],
        codes: NDArray[np.int64],
        routings: NDArray[np.int64],
    ) -> None:
        self.batch = batch
        self.line = line
        self.rows = rows
        self.codes = codes
        self.routings = routings

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Block line={self.line} entries={len(self)} sec={self.batch.sec_code}>"

    def entry(self, layout: type[Entry], place: int) -> Entry:
        """One of them as a record; `layout` is its batch's."""
        return layout(self.rows[place].tobytes(), self.line + place, self.batch)

    def entries(self, layout: type[Entry]) -> Iterator[Entry]:
        """The same as records; `layout` is its batch's."""
        raw, batch = self.rows.tobytes(), self.batch
        for i in range(len(self)):
            yield layout(raw[i * WIDTH : i * WIDTH + WIDTH], self.line + i, batch)


class _Columns(NamedTuple):
    """The numbers of entries, and which of them are right by themselves."""

    codes: NDArray[np.int64]
    routings: NDArray[np.int64]
    amounts: NDArray[np.int64]
    traces: NDArray[np.int64]
    slots: NDArray[np.int64]
    right: NDArray[np.bool_]

    def part(self, start: int, stop: int) -> _Columns:
        """Those of some of the entries."""
        return _Columns(*[one[start:stop] for one in self])  # type: ignore[arg-type]  # in step


class BlockReader(Reader):
    """A reader that gives runs of plain entries as blocks; all else is as `Reader` gives it."""

    def feed(self, data: bytes) -> list[Event | Block]:  # type: ignore[override]  # and blocks
        """The events of this chunk. The larger it is the longer the runs: 64 KiB do."""
        data, separator = self._framer.joined(data)
        end = 0 if separator is None else self._rows(data, separator)
        return super().feed(data[end:])  # type: ignore[return-value]  # as said

    def _rows(self, data: bytes, separator: bytes) -> int:
        """Take the records of 94 printable bytes that `data` begins with; how many bytes it was."""
        separators = (b"\r\n", separator) if separator == b"\n" else (separator,)
        separator = next((one for one in separators if data.startswith(one, WIDTH)), separator)
        stride = WIDTH + len(separator)
        grid = np.frombuffer(data, np.uint8, len(data) // stride * stride).reshape(-1, stride)
        grid = grid[: _framed(grid, separator)]
        at, rows = 0, grid[:, :WIDTH]
        for start, stop in _runs(rows[:, 0] == _ENTRY):
            self._records(rows[at:start])
            at = start + self._run(rows[start:stop], rows[stop : stop + 1])
        self._records(rows[at:])
        return len(grid) * stride

    def _records(self, rows: NDArray[np.uint8]) -> None:
        """Take records one by one."""
        if len(rows):
            raw = rows.tobytes()
            self._take([raw[i : i + WIDTH] for i in range(0, len(raw), WIDTH)])

    def _run(self, rows: NDArray[np.uint8], after: NDArray[np.uint8]) -> int:
        """Take entries that follow one another up to the record `after`; how many.

        The last is left where an addenda may follow it.
        """
        batch = self._batch
        if batch is None or batch.wants_addenda or batch.entry_class not in _LAYOUTS:
            return 0
        if not len(after) or after[0, 0] == _ADDENDA:
            rows = rows[:-1]
        columns = _columns(rows)
        at = 0
        for start, stop in _runs(columns.right):
            self._records(rows[at:start])
            self._block(batch, rows[start:stop], columns.part(start, stop))
            at = stop
        return at

    def _block(self, batch: OpenBatch, rows: NDArray[np.uint8], columns: _Columns) -> None:
        """Take entries that are right by themselves, if their trace numbers are those of the batch.

        They ascend; so only the first and the last have to be compared with the batch's bounds.
        """
        first, last = rows[0, -_TRACE_WIDTH:].tobytes(), rows[-1, -_TRACE_WIDTH:].tobytes()
        if not (batch.last_trace < first and last <= batch.trace_max):
            self._records(rows)
            return
        self._flush()
        block = Block(batch.header, self._line + 1, rows, columns.codes, columns.routings)
        self._events.append(block)  # type: ignore[arg-type]  # as `feed` says
        self._line += len(rows)
        batch.last_trace = last
        batch.entry_count += len(rows)
        batch.rdfi_sum += int((columns.routings // 10).sum())
        for slot in range(_SLOTS):
            if (chosen := columns.slots == slot).any():
                batch.seen |= slot
                batch.totals[slot] += int(columns.amounts[chosen].sum())


def _framed(grid: NDArray[np.uint8], separator: bytes) -> int:
    """How many rows, from the first, are printable ASCII (0x20 to 0x7E) and then the separator."""
    odd = grid - np.uint8(0x20) > 0x7E - 0x20  # below 0x20 it wraps round
    marks = grid[:, WIDTH:] == np.frombuffer(separator, np.uint8)
    if np.count_nonzero(odd) == marks.size and marks.all():
        return len(grid)
    fits = ~odd[:, :WIDTH].any(axis=1) & marks.all(axis=1)
    return int(np.argmin(fits))


def _runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where rows are chosen, from and up to, `RUN_MIN` and more in a row."""
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False)).reshape(-1, 2)
    runs: list[tuple[int, int]] = edges[edges[:, 1] - edges[:, 0] >= RUN_MIN].tolist()
    return runs


def _columns(rows: NDArray[np.uint8]) -> _Columns:
    """The columns of entries; where one is no digit its row is not right, whatever it reads as."""
    digits = np.zeros((len(rows), 48), np.uint8)
    digits[:, 6:16] = rows[:, 1:11]  # code and routing number without its check digit
    digits[:, 22:32] = rows[:, 29:39]  # amount
    digits[:, 32:48] = rows[:, 78:94]  # addenda indicator and trace number
    digits -= np.uint8(_ZERO)
    digits[:, :6] = 0
    digits[:, 16:22] = 0
    check = rows[:, 11] - np.uint8(_ZERO)
    is_number = (digits <= 9).all(axis=1) & (check <= 9)
    codes, rdfis, amounts, traces = _numbers(digits)
    weighed = (digits[:, 8:16] * _CHECK_WEIGHTS[:8]).sum(axis=1, dtype=np.int64) + check
    slots = _SLOT_OF[np.where(is_number, codes, 0)]
    may_pay = (slots <= SLOT_LIVE_MAX) | (amounts == 0)
    right = is_number & (weighed % 10 == 0) & (slots > 0) & may_pay & (digits[:, 32] == 0)
    right[1:] &= traces[1:] > traces[:-1]
    return _Columns(codes, rdfis * 10 + check, amounts, traces, slots, right)


def _numbers(digits: NDArray[np.uint8]) -> tuple[NDArray[np.int64], ...]:
    """[n, 48] digits as four numbers of 8, 8, 16 and 16 digits: neighbours joined, four times."""
    pairs = digits.reshape(-1, 2)
    twos = pairs[:, 0] * np.uint8(10) + pairs[:, 1]
    fours = twos[0::2].astype(np.int64) * 100 + twos[1::2]
    eights = (fours[0::2] * 10_000 + fours[1::2]).reshape(-1, 6)
    wide = eights[:, 2::2] * 100_000_000 + eights[:, 3::2]
    return eights[:, 0], eights[:, 1], wide[:, 0], wide[:, 1]
