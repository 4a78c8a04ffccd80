"""What reads found, opened: the cache's proven values all at once, a few and rows one by one.

Written for speed. Owns which way is taken; must not know keys.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

import numpy as np

from repository.values import EMPTY_SIZE, Found, Laid, Sizes, entries_of, sizes_of
from server.sealed import SealedRecords
from tokenizer.sealing import OPERATIONAL_SEAL_BYTES

__all__ = ["texts_of"]

FEW: Final = 48  # values, up to which one by one is cheaper
ID_BYTES: Final = 16


def texts_of(
    sealed: SealedRecords, kind: int, ids: Sequence[bytes], found: Sequence[Found]
) -> list[bytes]:
    """What the operational segments say, in order; empty where there is no record.

    Raises SealBroken.
    """
    if len(found) <= FEW:
        return _one_by_one(sealed, kind, ids, found)
    sizes = sizes_of(found)
    values = np.flatnonzero(sizes > EMPTY_SIZE).tolist()  # neither tombstones nor rows
    if len(values) == len(found):
        return _at_once(sealed, ids, found, sizes)  # type: ignore[arg-type]  # all are values
    others = np.flatnonzero(sizes <= EMPTY_SIZE).tolist()
    texts = dict(zip(values, texts_of(sealed, kind, *_chosen(values, ids, found)), strict=True))
    texts |= zip(others, _one_by_one(sealed, kind, *_chosen(others, ids, found)), strict=True)
    return [texts[at] for at in range(len(found))]


def _chosen(
    places: Sequence[int], ids: Sequence[bytes], found: Sequence[Found]
) -> tuple[list[bytes], list[Found]]:
    return [ids[at] for at in places], [found[at] for at in places]


def _one_by_one(
    sealed: SealedRecords, kind: int, ids: Sequence[bytes], found: Sequence[Found]
) -> list[bytes]:
    """The same, each by its seal."""
    entries = entries_of(found)
    there = [entry for entry in entries if entry.operational]
    if len(there) == len(entries):
        return sealed.current(kind, ids, entries)
    holders = [id_ for id_, entry in zip(ids, entries, strict=True) if entry.operational]
    texts = iter(sealed.current(kind, holders, there))
    return [next(texts) if entry.operational else b"" for entry in entries]


def _at_once(
    sealed: SealedRecords, ids: Sequence[bytes], values: Sequence[bytes], sizes: Sizes
) -> list[bytes]:
    """What values say that hold a record each.

    They were opened by their seals before they were put in the cache, and the proof has found them
    as they were: the seals' own tags are not looked at again.
    """
    last_bytes = np.frombuffer(b"".join(ids), np.uint8)[ID_BYTES - 1 :: ID_BYTES]
    order = np.argsort(last_bytes, kind="stable")  # by their keys
    ordered: tuple[bytes, ...] = itemgetter(*order.tolist())(values)
    laid = Laid.of(ordered, sizes[order])
    places = laid.operationals
    texts = sealed.current_of_sound(laid.joined, places, last_bytes[order])
    begins, ends = np.empty_like(places), np.empty_like(places)
    begins[order] = places - places[0]
    ends[order] = laid.lengths[::2]
    ends += begins - OPERATIONAL_SEAL_BYTES
    return [texts[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
