"""Reads a NACHA file from a stream of bytes into records and findings, with bounded memory.

Every byte ends up in a record, a separator or a finding; nothing is raised for bad input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencif.nacha.addenda import addenda_class
from opencif.nacha.checks import SLOT_LIVE_MAX, SLOTS, FileTotals, OpenBatch, check_header
from opencif.nacha.entries import Entry
from opencif.nacha.fields import WIDTH, Record
from opencif.nacha.findings import Finding, FindingCode
from opencif.nacha.framing import Framer, all_printable, bad_column
from opencif.nacha.records import (
    NINES,
    AdvFileControl,
    BatchControl,
    BatchHeader,
    FileControl,
    FileHeader,
    Padding,
    batch_control,
    batch_header,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator

    from opencif.nacha.addenda import Addenda

    Matcher = Callable[[bytes], re.Match[bytes] | None]

Event = FileHeader | BatchHeader | Entry | BatchControl | FileControl | Padding | Finding

_READ_BYTES = 65_536
_ADDENDA_MAX = 9999
_NEVER = Record.pattern.fullmatch
_LENGTH_MIN = {b"1": FileHeader.length_min, b"9": FileControl.length_min}
_PLAIN = ord("0")


class Reader:
    """Takes a file chunk by chunk: `feed` and `close` return the events that became certain.

    An entry is certain, and carries all its addenda, when the next record has been seen.
    """

    def __init__(self) -> None:
        self._framer = Framer()
        self._events: list[Event] = []
        self._line = 0
        self._batch: OpenBatch | None = None
        self._pending: Entry | None = None
        self._totals = FileTotals()
        self._known_routing: dict[bytes, int] = {}
        self._begun = self._headed = self._ended = self._advices = False
        self._batch_number = 0
        self._handlers = {
            b"1": self._file_header,
            b"5": self._batch_header,
            b"6": self._odd_entry,
            b"7": self._addenda,
            b"8": self._batch_control,
            b"9": self._file_control,
        }

    @property
    def totals(self) -> FileTotals:
        """What the batches that have ended add up to."""
        return self._totals

    def feed(self, data: bytes) -> list[Event]:
        """The events of this chunk; memory is the caller's chunk and one entry."""
        self._take(self._framer.feed(data))
        events, self._events = self._events, []
        return events

    def close(self) -> list[Event]:
        """The last events; a file without its end is a finding here."""
        self._take(self._framer.close())
        self._flush()
        if not self._begun:
            self._find(FindingCode.EMPTY_FILE, self._line or 1)
        elif not self._ended:
            self._find(FindingCode.MISSING_FILE_CONTROL, self._line)
        events, self._events = self._events, []
        return events

    def _take(self, lines: list[bytes]) -> None:
        """The hot loop, written for speed: plain entries here, everything else in `_record`."""
        if not all_printable(lines):
            for raw in lines:
                self._suspect(raw)
            return
        line, known, slot_of = self._line, self._known_routing.get, SLOTS.get
        batch, match = self._open()
        for raw in lines:
            line += 1
            if batch is None or not match(raw):
                self._line = line
                self._record(raw)
                batch, match = self._open()
                continue
            pending = self._pending
            if pending is not None:
                if pending.addenda or batch.wants_addenda or pending.raw[78] != _PLAIN:
                    self._events.extend(batch.settle(pending))
                self._events.append(pending)
            slot = slot_of(raw[1:3], 0)
            rdfi = known(raw[3:12])
            if (
                rdfi is None
                or not 0 < slot <= SLOT_LIVE_MAX
                or not batch.last_trace < raw[79:94] <= batch.trace_max
            ):
                rdfi = int(raw[3:11])
                self._events.extend(batch.doubt(raw, line, self._known_routing))
            batch.add(raw, slot, rdfi)
            self._pending = batch.entry_class(raw, line, batch.header)
        self._line = line

    def _open(self) -> tuple[OpenBatch | None, Matcher]:
        batch = self._batch
        return batch, (_NEVER if batch is None else batch.entry_class.pattern.fullmatch)

    def _suspect(self, raw: bytes) -> None:
        column = bad_column(raw)
        if not column:
            self._take([raw])
            return
        self._line += 1
        self._flush()
        self._begun = True
        self._find(FindingCode.BAD_CHARACTER, self._line, column)

    def _record(self, raw: bytes) -> None:
        if not raw.strip():
            if raw or not self._ended:
                self._find(FindingCode.BLANK_LINE, self._line)
            return
        kind = raw[:1]
        if kind != b"7":
            self._flush()
        if not self._begun and kind != b"1":
            self._find(FindingCode.OUT_OF_SEQUENCE, self._line)
            self._headed = True  # a header may not follow what should have followed it
        self._begun = True
        if not _LENGTH_MIN.get(kind, WIDTH) <= len(raw) <= WIDTH:
            self._find(FindingCode.BAD_LENGTH, self._line, min(len(raw), WIDTH) + 1)
            return
        raw = raw.ljust(WIDTH)
        if self._ended:
            if raw == NINES:
                self._events.append(Padding(raw, self._line))
            else:
                self._find(FindingCode.OUT_OF_SEQUENCE, self._line)
            return
        handler = self._handlers.get(kind)
        if handler is None:
            self._find(FindingCode.UNKNOWN_RECORD_TYPE, self._line)
        else:
            handler(raw)

    def _file_header(self, raw: bytes) -> None:
        if self._headed:
            self._find(FindingCode.OUT_OF_SEQUENCE, self._line)
            return
        self._headed = True
        if raw[34:40] != b"094101":
            self._find(FindingCode.FORMAT_CONSTANT, self._line, 35)
        self._events.append(FileHeader(raw, self._line))

    def _batch_header(self, raw: bytes) -> None:
        if self._batch is not None:
            self._find(FindingCode.MISSING_BATCH_CONTROL, self._line)
            self._end_batch(self._batch)
        header = batch_header(raw, self._line)
        if not self._numeric(type(header), raw):
            return
        self._events.extend(check_header(header))
        if header.batch_number <= self._batch_number:
            self._find(FindingCode.BATCH_NUMBER_ORDER, self._line, 88)
        self._batch_number = header.batch_number
        self._batch = OpenBatch(header)
        self._events.append(header)

    def _odd_entry(self, raw: bytes) -> None:
        """An entry that the hot loop did not take: out of place, or not numeric."""
        if self._batch is None:
            self._find(FindingCode.OUT_OF_SEQUENCE, self._line)
        else:
            self._numeric(self._batch.entry_class, raw)

    def _addenda(self, raw: bytes) -> None:
        batch, entry = self._batch, self._pending
        if batch is None or entry is None:
            self._find(FindingCode.OUT_OF_SEQUENCE, self._line)
            return
        batch.addenda_count += 1
        if len(entry.addenda) >= _ADDENDA_MAX:
            self._find(FindingCode.ADDENDA_LIMIT, self._line)
            return
        addenda: Addenda = addenda_class(raw, batch.header.is_iat)(raw, self._line)
        if isinstance(entry.addenda, list):
            entry.addenda.append(addenda)
        else:
            entry.addenda = [addenda]

    def _batch_control(self, raw: bytes) -> None:
        batch = self._batch
        if batch is None:
            self._find(FindingCode.OUT_OF_SEQUENCE, self._line)
            return
        self._end_batch(batch)
        layout = batch_control(batch.header)
        if self._numeric(layout, raw):
            control = layout(raw, self._line)
            self._events.extend(batch.close(control))
            self._events.append(control)

    def _file_control(self, raw: bytes) -> None:
        if self._batch is not None:
            self._find(FindingCode.MISSING_BATCH_CONTROL, self._line)
            self._end_batch(self._batch)
        self._ended = True
        if raw == NINES:
            self._find(FindingCode.MISSING_FILE_CONTROL, self._line)
            self._events.append(Padding(raw, self._line))
            return
        layout = AdvFileControl if self._advices else FileControl
        if self._numeric(layout, raw):
            control = layout(raw, self._line)
            self._events.extend(self._totals.close(control))
            self._events.append(control)

    def _end_batch(self, batch: OpenBatch) -> None:
        self._totals.add(batch)
        self._advices = self._advices or batch.header.sec_code == "ADV"
        self._batch = None

    def _flush(self) -> None:
        """The pending entry is complete: no more addenda can follow."""
        entry, batch = self._pending, self._batch
        if entry is not None and batch is not None:
            self._events.extend(batch.settle(entry))
            self._events.append(entry)
        self._pending = None

    def _numeric(self, layout: type[Record], raw: bytes) -> bool:
        column = layout.fault(raw)
        if column:
            self._find(FindingCode.NOT_NUMERIC, self._line, column)
        return not column

    def _find(self, code: FindingCode, line: int, column: int = 1) -> None:
        self._events.append(Finding(code, line, column))


def read(chunks: Iterable[bytes]) -> Iterator[Event]:
    """The events of a file given as chunks of any size; memory stays bounded.

    Findings about a record come before it. Text files opened in binary mode serve as chunks.
    """
    reader = Reader()
    for chunk in chunks:
        for start in range(0, len(chunk), _READ_BYTES):
            yield from reader.feed(chunk[start : start + _READ_BYTES])
    yield from reader.close()
