"""Receivers' names as they stand in a file, compared with owners' by the thousand.

The same words and digests as name_words.py gives, from ASCII bytes. Names and digests are neither
logged nor kept here.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.identity import Identity, IdKind
from tokenizer.rows import ROW_BYTES, encode, rows_at, texts

__all__ = ["Compared", "compared"]

_SEPARATOR: Final = b"\0"
_WORD_BYTES: Final = b"0123456789abcdefghijklmnopqrstuvwxyz"
_FOLDED: Final = np.frombuffer(
    bytes(
        folded if (folded := ord(chr(byte).lower())) in _WORD_BYTES else _SEPARATOR[0]
        for byte in range(0x80)
    ).ljust(0x100, _SEPARATOR),
    np.uint8,
)
_AHEAD: Final = bytes(2)  # a row's text stands behind two other bytes


class Compared(NamedTuple):
    """For each name whether it has words at all, and whether all of them are known."""

    has_words: NDArray[np.bool_]
    matches: NDArray[np.bool_]


def compared(identity: Identity, names: NDArray[np.uint8], known: NDArray[np.uint32]) -> Compared:
    """Compare names, [n, width] ASCII bytes, each with its digests in `known`, [n, any].

    A name matches when all its words are known under one generation of the key that serves.
    """
    count, width = names.shape
    folded = np.zeros((count, width + 1), np.uint8)  # the last column ends the last word
    folded[:, :width] = _FOLDED[names]
    edges = np.flatnonzero(np.diff(folded.reshape(-1) != 0, prepend=False))
    starts, ends = edges[0::2], edges[1::2]
    of_name, lengths = starts // (width + 1), ends - starts
    rows = texts(rows_at(_AHEAD + folded.tobytes() + bytes(ROW_BYTES), starts), lengths)
    encode(IdKind.NAME_WORD, rows, lengths)
    words = np.bincount(of_name, minlength=count)
    matches = np.zeros(count, np.bool_)
    for generation in identity.generations:
        digests = identity.name_digests_of(rows, generation)
        is_known = (known[of_name] == digests[:, None]).any(axis=1)
        matches |= np.bincount(of_name[is_known], minlength=count) == words
    return Compared(words > 0, matches & (words > 0))
