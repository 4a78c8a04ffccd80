"""Texts of ids, and new UUIDs, a batch at a time: what identity.py does for one.

Written for speed; knows no record and no key.
"""

import os
import time
from collections.abc import Sequence

import numpy as np

from tokenizer.blobs import split

__all__ = ["record_texts", "uuid7s", "uuid_texts"]

_ID_BYTES = 16
_TEXT_CHARACTERS = 26
_PAIR_BITS = 10  # of two characters
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = np.array([(first + second).encode() for first in _ALPHABET for second in _ALPHABET])


def record_texts(ids: Sequence[bytes]) -> list[str]:
    """`identity.id_to_text` of each id of 16 bytes."""
    high, low = np.frombuffer(b"".join(ids), ">u8").reshape(-1, 2).T.astype(np.uint64)
    pairs = np.empty((len(ids), _TEXT_CHARACTERS // 2), _PAIRS.dtype)
    for place in range(pairs.shape[1]):
        behind = 128 - _PAIR_BITS * (place + 1)  # bits of the id behind the pair
        if behind >= 64:
            value = high >> np.uint64(behind - 64)
        elif behind >= 0:
            value = high << np.uint64(64 - behind) | low >> np.uint64(behind)
        else:
            value = low << np.uint64(-behind)
        pairs[:, place] = _PAIRS[value & np.uint64((1 << _PAIR_BITS) - 1)]
    text = pairs.tobytes().decode("ascii")
    return [text[i : i + _TEXT_CHARACTERS] for i in range(0, len(text), _TEXT_CHARACTERS)]


def uuid7s(count: int) -> list[bytes]:
    """So many UUIDv7 of this moment, 16 bytes each: `identity.uuid7`, the time read once."""
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    head = (millis & (1 << 48) - 1) << 16 | 0x7000 | (nanos << 12) // 1_000_000
    made = np.empty((count, _ID_BYTES), np.uint8)
    made[:, :8] = np.frombuffer(head.to_bytes(8), np.uint8)
    made[:, 8:] = np.frombuffer(os.urandom(8 * count), np.uint8).reshape(-1, 8)
    made[:, 8] = made[:, 8] & 0x3F | 0x80
    return split(made.tobytes(), _ID_BYTES)


def uuid_texts(uuids: Sequence[bytes]) -> list[str]:
    """The canonical lower-case text of each UUID of 16 bytes (RFC 9562 section 4)."""
    text = b"".join(uuids).hex()
    return [
        f"{text[i : i + 8]}-{text[i + 8 : i + 12]}-{text[i + 12 : i + 16]}"
        f"-{text[i + 16 : i + 20]}-{text[i + 20 : i + 32]}"
        for i in range(0, len(text), 2 * _ID_BYTES)
    ]
