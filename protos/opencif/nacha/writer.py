"""Writes NACHA files: records as they were read, or new files whose controls are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencif.nacha.checks import SLOTS, FileTotals, OpenBatch
from opencif.nacha.codes import entry_hash
from opencif.nacha.entries import Entry
from opencif.nacha.fields import FieldError
from opencif.nacha.findings import Finding
from opencif.nacha.records import (
    BLOCKING_FACTOR,
    NINES,
    AdvFileControl,
    FileControl,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opencif.nacha.reader import Event
    from opencif.nacha.records import BatchHeader, FileHeader


def write(events: Iterable[Event], separator: bytes = b"\n") -> Iterator[bytes]:
    """The records of these events, byte for byte; findings are no records and are passed over."""
    for event in events:
        if not isinstance(event, Finding):
            yield event.raw + separator
        if isinstance(event, Entry):
            for addenda in event.addenda:
                yield addenda.raw + separator


class Writer:
    """Builds one file piece by piece; every method returns the bytes that follow.

    Controls and padding are computed, batch numbers are the headers' own.
    """

    def __init__(self, header: FileHeader, separator: bytes = b"\n") -> None:
        self._header = header
        self._separator = separator
        self._records = 0
        self._totals = FileTotals()
        self._batch: OpenBatch | None = None
        self._advices = False

    def batch(self, header: BatchHeader) -> bytes:
        """Begins a batch, ending the one before."""
        written = self._end_batch() if self._records else self._put(self._header.raw)
        self._batch = OpenBatch(header)
        self._advices = self._advices or header.sec_code == "ADV"
        return written + self._put(header.raw)

    def entry(self, entry: Entry) -> bytes:
        """Adds an entry with its addenda to the open batch.

        Raises: FieldError when no batch is open or the batch has another layout.
        """
        batch = self._batch
        if batch is None or not isinstance(entry, batch.entry_class):
            raise FieldError("entry", "does not fit the open batch")
        return self.record(entry.raw, [addenda.raw for addenda in entry.addenda])

    def record(self, raw: bytes, addenda: Sequence[bytes] = ()) -> bytes:
        """Adds an entry to the open batch, given as records of the batch's layout.

        Raises: FieldError when no batch is open.
        """
        batch = self._batch
        if batch is None:
            raise FieldError("entry", "does not fit the open batch")
        batch.add(raw, SLOTS.get(raw[1:3], 0), int(raw[3:11]))
        batch.addenda_count += len(addenda)
        return self._put(raw) + b"".join([self._put(one) for one in addenda])

    def close(self) -> bytes:
        """Ends the last batch and the file, padded with nines to whole blocks.

        Raises: FieldError when a total does not fit its field.
        """
        written = self._end_batch() if self._records else self._put(self._header.raw)
        totals = self._totals
        control = (AdvFileControl if self._advices else FileControl).build(
            batch_count=totals.batch_count,
            block_count=totals.block_count(),
            entry_addenda_count=totals.entry_addenda_count,
            entry_hash=entry_hash(totals.rdfi_sum),
            debit_total=totals.debit_total,
            credit_total=totals.credit_total,
        )
        written += self._put(control.raw)
        return written + (NINES + self._separator) * (-self._records % BLOCKING_FACTOR)

    def _end_batch(self) -> bytes:
        batch, self._batch = self._batch, None
        if batch is None:
            return b""
        self._totals.add(batch)
        return self._put(batch.control().raw)

    def _put(self, raw: bytes) -> bytes:
        self._records += 1
        return raw + self._separator


def compose(
    header: FileHeader,
    batches: Iterable[tuple[BatchHeader, Iterable[Entry]]],
    separator: bytes = b"\n",
) -> Iterator[bytes]:
    """A whole new file, streamed: each batch is its header and its entries. Raises: FieldError."""
    writer = Writer(header, separator)
    for batch, entries in batches:
        yield writer.batch(batch)
        for entry in entries:
            yield writer.entry(entry)
    yield writer.close()
