"""What reads found, opened: what the cache gave is open already, rows are opened by their seals.

Written for speed. Must not know keys.
"""

from collections.abc import Sequence

import numpy as np

from repository.record import Entry, Rows
from repository.values import Columns, Found, Sizes
from server.sealed import SealedRecords
from tokenizer.sealing import OPENED_TEXT

__all__ = ["places_of", "texts_of"]


def texts_of(sealed: SealedRecords, kind: int, ids: Sequence[bytes], found: Found) -> list[bytes]:
    """What the operational segments say, in order; empty where there is no record.

    Raises SealBroken.
    """
    if isinstance(found, Columns):
        return _cut(found)
    if isinstance(found, Rows):
        if found.sizes.all():
            return sealed.texts(kind, found)
        found = found.entries()
    return _one_by_one(sealed, kind, ids, found)


def places_of(columns: Columns) -> tuple[Sizes, Sizes]:
    """Where in columns the texts begin and end. What stands before one is of no use any more.

    A tombstone's segment is shorter than that: it ends before it begins.
    """
    return columns.places + OPENED_TEXT.start, columns.places + columns.heads[2].astype(np.intp)


def _cut(columns: Columns) -> list[bytes]:
    opened = columns.opened.tobytes()
    begins, ends = places_of(columns)
    return [opened[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]


def _one_by_one(
    sealed: SealedRecords, kind: int, ids: Sequence[bytes], entries: Sequence[Entry]
) -> list[bytes]:
    """The same, each by itself."""
    there = [entry for entry in entries if entry.operational]
    if len(there) == len(entries):
        return sealed.current(kind, ids, entries)
    holders = [id_ for id_, entry in zip(ids, entries, strict=True) if entry.operational]
    texts = iter(sealed.current(kind, holders, there))
    return [next(texts) if entry.operational else b"" for entry in entries]
