"""Entries of a file that are looked up together, whatever batches they stand in."""

from typing import Final, NamedTuple

from opencif.nacha import CorrectedData, Entry
from server.ach_accounts import Resolved, Submitted
from server.ach_batch import OpenBatch

__all__ = ["Answered", "Chunk", "Part"]

ENTRIES_MAX: Final = 1_000
RECORDS_MAX: Final = 20_000  # an entry may have 9,999 addenda, and a batch no entries


class Part:
    """The entries from `start` up to `end` of a chunk: a batch, or a part of one."""

    __slots__ = ("batch", "end", "is_last", "start")

    def __init__(self, batch: OpenBatch, start: int) -> None:
        self.batch = batch
        self.start = self.end = start
        self.is_last = False


class Chunk:
    """Lists in step: entries, what the table reads of them, names. `pans` are by position.

    It holds card numbers and names, so it has no repr of its own; it lives until it is answered.
    """

    __slots__ = ("_records", "entries", "first_seq", "names", "pans", "parts", "submitted")

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self.parts: list[Part] = []
        self.entries: list[Entry] = []
        self.submitted: list[Submitted] = []
        self.names: list[str] = []
        self.pans: dict[int, str] = {}
        self._records = 0

    @property
    def is_full(self) -> bool:
        """Whether it holds as much as is looked up, or kept, at once."""
        return len(self.entries) >= ENTRIES_MAX or self._records >= RECORDS_MAX

    def begin(self, batch: OpenBatch) -> None:
        """What is added from now on stands in this batch."""
        self.parts.append(Part(batch, len(self.entries)))
        self._records += 1

    def add(self, entry: Entry, submitted: Submitted, name: str) -> None:
        """Add an entry of the batch begun last."""
        self.entries.append(entry)
        self.submitted.append(submitted)
        self.names.append(name)
        self.parts[-1].end += 1
        self._records += 1 + len(entry.addenda)


class Answered(NamedTuple):
    """A chunk's results, and by position what its notifications say and its cards' tokens."""

    resolved: list[Resolved]
    corrected: dict[int, CorrectedData]
    cards: dict[int, str]
