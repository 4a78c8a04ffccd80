"""Many short texts at once, each a row of 32 bytes: what ids are MACs of, Luhn sums, ids in base32.

Owns the arithmetic, eight characters a word; must not know keys or where the bytes stood. Written
for speed: no string a text, and only a few operations on whole arrays.
"""

import numpy as np
import numpy.typing as npt

from tokenizer.blobs import split

ROW_BYTES = 32
TEXT_AT = 2  # of a row that is encoded: behind kind and length
TEXT_MAX = ROW_BYTES - TEXT_AT
ID_CHARACTERS = 26

Words = npt.NDArray[np.uint64]  # [n, 4], or one word a row [n]; the first character lowest
Places = npt.NDArray[np.intp]  # [n]
Flags = npt.NDArray[np.bool_]  # [n]
Octets = npt.NDArray[np.uint8]  # [n, 32], or of a row one byte each

_WORD = np.dtype("<u8")
_ROW = np.dtype((np.void, ROW_BYTES))


def _word(pattern: str) -> np.uint64:
    """Return a pattern of bytes in hexadecimal, the highest first, repeated to fill a word."""
    return np.uint64(int(pattern * (16 // len(pattern)), 16))


def _prefixes() -> Words:
    """Return for each length of text what keeps it: ones from TEXT_AT on."""
    kept = np.zeros((TEXT_MAX + 1, ROW_BYTES), np.uint8)
    for length in range(TEXT_MAX + 1):
        kept[length, TEXT_AT : TEXT_AT + length] = 0xFF
    return kept.view(_WORD)


_TEXT_OF = _prefixes()
_NIBBLE = _word("0f")
_ONE_EACH = _word("01")
_FIVE_AND_UP = _word("7b")  # added to a digit sets the high bit from 5 on
_DOUBLED = np.array([_word("00ff"), _word("ff00")], _WORD)  # by the length's lowest bit
_PAIR_LOW, _PAIR_HIGH = _word("001f"), _word("03e0")
_FOUR_LOW, _FOUR_HIGH = _word("000003ff"), _word("000ffc00")
_EIGHT_LOW, _EIGHT_HIGH = _word("00000000000fffff"), _word("000000fffff00000")
_NO_CHARACTERS = np.uint64(int.from_bytes(b"\0\0aaaaaa", "little"))


def rows_at(data: bytes, starts: Places) -> Words:
    """Return the 32 bytes of `data` from each start on, all of which must be there."""
    every = np.ndarray((len(data) - ROW_BYTES + 1,), _ROW, data, strides=(1,))
    return every[starts].view(_WORD).reshape(-1, ROW_BYTES // 8)


def octets(rows: Words) -> Octets:
    """Return the same rows byte by byte, [n, 32]; writing to them writes to the rows."""
    return rows.view(np.uint8).reshape(-1, ROW_BYTES)


def texts(rows: Words, lengths: Places) -> Words:
    """Return rows with all but their text, of `lengths` from TEXT_AT on, made zero."""
    kept: Words = rows & _TEXT_OF[lengths]
    return kept


def encode(kind: int, rows: Words, lengths: Places) -> None:
    """Make rows of `texts` what ids are MACs of: kind, length, text, zero padding."""
    rows[:, 0] |= (lengths << 8 | kind).astype(_WORD)


def luhn_sums(rows: Words, lengths: Places) -> npt.NDArray[np.uint8]:
    """Return Luhn sums modulo 10 of rows of `texts`, up to 28 digits (ISO/IEC 7812-1 annex B)."""
    digits = rows & _NIBBLE
    doubled = digits & _DOUBLED[lengths & 1][:, None]
    digits += doubled
    doubled += _FIVE_AND_UP
    doubled >>= np.uint64(7)
    doubled &= _ONE_EACH
    doubled *= np.uint64(9)
    digits -= doubled
    each = digits[:, 0] + digits[:, 1] + digits[:, 2] + digits[:, 3]
    each *= _ONE_EACH  # the highest byte becomes the sum of all eight
    sums: npt.NDArray[np.uint8] = (each >> np.uint64(56)).astype(np.uint8) % np.uint8(10)
    return sums


def spelt_ids(rows: Words) -> tuple[list[bytes], Flags]:
    """Return the ids that rows begin with the text of, and which of them are well spelt.

    As `identity.text_to_id`: 26 lower-case base32 characters, the last two bits zero.
    """
    rows[:, 3] &= np.uint64(0xFFFF)
    rows[:, 3] |= _NO_CHARACTERS
    characters = rows.view(np.uint8)
    letters = characters - np.uint8(ord("a"))
    is_letter = letters < 26
    known = is_letter | (characters - np.uint8(ord("2")) < 6)
    values = np.where(is_letter, letters, characters - np.uint8(ord("2") - 26))
    words = values.view(_WORD).reshape(rows.shape).byteswap()
    words = words >> np.uint64(3) & _PAIR_HIGH | words & _PAIR_LOW
    words = words >> np.uint64(6) & _FOUR_HIGH | words & _FOUR_LOW
    words = words >> np.uint64(12) & _EIGHT_HIGH | words & _EIGHT_LOW
    ids = np.empty((len(rows), 2), ">u8")
    ids[:, 0] = words[:, 0] << np.uint64(24) | words[:, 1] >> np.uint64(16)
    ids[:, 1] = words[:, 1] << np.uint64(48) | words[:, 2] << np.uint64(8)
    ids[:, 1] |= words[:, 3] >> np.uint64(32)
    spelt = np.bitwise_and.reduce(known.view(_WORD).reshape(rows.shape), axis=1) == _ONE_EACH
    spelt &= words[:, 3] >> np.uint64(30) & np.uint64(3) == 0
    return split(ids.tobytes(), 2 * _WORD.itemsize), spelt
