"""Entries of a file that are looked up together, whatever batches they stand in."""

from typing import NamedTuple

from opencif.nacha import CorrectedData, Entry
from server.ach_accounts import Resolved, Submitted
from server.ach_batch import OpenBatch

__all__ = ["Answered", "Chunk", "Part"]


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

    __slots__ = ("entries", "first_seq", "names", "pans", "parts", "submitted")

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self.parts: list[Part] = []
        self.entries: list[Entry] = []
        self.submitted: list[Submitted] = []
        self.names: list[str] = []
        self.pans: dict[int, str] = {}

    def begin(self, batch: OpenBatch) -> None:
        """What is added from now on stands in this batch."""
        self.parts.append(Part(batch, len(self.entries)))

    def add(self, entry: Entry, submitted: Submitted, name: str) -> None:
        """Add an entry of the batch begun last."""
        self.entries.append(entry)
        self.submitted.append(submitted)
        self.names.append(name)
        self.parts[-1].end += 1


class Answered(NamedTuple):
    """A chunk's results, and by position what its notifications say and its cards' tokens."""

    resolved: list[Resolved]
    corrected: dict[int, CorrectedData]
    cards: dict[int, str]
