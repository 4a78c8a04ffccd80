"""Entries of a file that are looked up together, whatever batches they stand in.

An entry is one of a block's until it turns out not to be plain; then it is a record of its own.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from opencif.nacha import CorrectedData, Entry
from opencif.nacha.blocks import Block
from server.ach_accounts import Resolved, Submitted
from server.ach_batch import OpenBatch
from server.ach_columns import WALK, Columns, Plain

__all__ = ["Answered", "Chunk", "Part", "Placed"]

ENTRIES_MAX: Final = 1_000  # and what comes with the one that fills it
RECORDS_MAX: Final = 20_000  # an entry may have 9,999 addenda, and a batch no entries


class Part:
    """The entries from `start` up to `end` of a chunk: a batch, or a part of one."""

    __slots__ = ("batch", "end", "is_last", "start")

    def __init__(self, batch: OpenBatch, start: int) -> None:
        self.batch = batch
        self.start = self.end = start
        self.is_last = False


class Placed(NamedTuple):
    """A block of a batch and the position of its first entry in the chunk."""

    start: int
    block: Block
    batch: OpenBatch


class Chunk:
    """Blocks, and in step by themselves: records, what the table reads of them, names.

    `positions` says where in the chunk those records stand, `pans` are by their order. It holds
    card numbers and names, so it has no repr of its own; it lives until it is answered.
    """

    __slots__ = (
        "_records", "blocks", "count", "entries", "first_seq", "names", "pans", "parts",
        "positions", "submitted",
    )  # fmt: skip

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self.count = 0
        self.parts: list[Part] = []
        self.blocks: list[Placed] = []
        self.positions: list[int] = []
        self.entries: list[Entry] = []
        self.submitted: list[Submitted] = []
        self.names: list[str] = []
        self.pans: dict[int, str] = {}
        self._records = 0

    @property
    def is_full(self) -> bool:
        """Whether it holds as much as is looked up, or kept, at once."""
        return self.count >= ENTRIES_MAX or self._records >= RECORDS_MAX

    def begin(self, batch: OpenBatch) -> None:
        """What is added from now on stands in this batch."""
        self.parts.append(Part(batch, self.count))
        self._records += 1

    def add(self, entry: Entry, submitted: Submitted, name: str) -> None:
        """Add an entry of the batch begun last."""
        self._records += 1 + len(entry.addenda)
        self.put(self.count, entry, submitted, name)
        self._advance(1)

    def add_block(self, block: Block, batch: OpenBatch) -> None:
        """Add the entries of a block of the batch begun last."""
        self.blocks.append(Placed(self.count, block, batch))
        self._advance(len(block))

    def put(self, position: int, entry: Entry, submitted: Submitted, name: str) -> None:
        """Have the entry at a position decided by the table."""
        self.positions.append(position)
        self.entries.append(entry)
        self.submitted.append(submitted)
        self.names.append(name)

    def columns(self) -> Columns:
        """The entries of all blocks, one after the other."""
        blocks = [placed.block for placed in self.blocks]
        return Columns(
            np.concatenate([block.rows for block in blocks]),
            np.concatenate([block.codes for block in blocks]),
            np.concatenate([block.routings for block in blocks]),
        )

    def _advance(self, count: int) -> None:
        self.count += count
        self.parts[-1].end = self.count


class Answered:
    """A chunk's results: of blocks' entries that are plain, and of records, by their order."""

    __slots__ = ("_order", "_positions", "cards", "corrected", "plain", "resolved")

    def __init__(
        self,
        chunk: Chunk,
        plain: Plain | None,
        resolved: list[Resolved],
        corrected: dict[int, CorrectedData],
        cards: dict[int, str],
    ) -> None:
        self.plain = plain
        self.resolved = resolved
        self.corrected = corrected
        self.cards = cards
        self._order = sorted(range(len(resolved)), key=chunk.positions.__getitem__)
        self._positions = [chunk.positions[i] for i in self._order]

    def of(self, part: Part) -> Sequence[int]:
        """Which records stand in a part, in the file's order."""
        start = bisect_left(self._positions, part.start)
        return self._order[start : bisect_left(self._positions, part.end, start)]


def walked(chunk: Chunk, plain: Plain) -> Iterator[tuple[Placed, int]]:
    """The entries of blocks that the table must decide: their block and their place in it."""
    at = 0
    for placed in chunk.blocks:
        matches = plain.matches[at : at + len(placed.block)]
        at += len(matches)
        for i in np.flatnonzero(matches == WALK).tolist():
            yield placed, i
