"""Batches of strings as arrays of numerals and back, and FF1 over them.

Owns grouping by length, the alphabet and the cycle walk; must not know what a token is.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tokenizer.ff1 import DOMAIN_MIN, FF1, TEXT_ALPHABET
from tokenizer.normal import is_digits

DIGITS = 10
ALPHANUMERICS = 36
BATCH_MIN = 12  # below this, one value at a time is faster than numpy
LENGTH_MIN = {DIGITS: 6, ALPHANUMERICS: 4}
assert all(radix**length >= DOMAIN_MIN for radix, length in LENGTH_MIN.items())

Array = npt.NDArray[np.uint8]
Result = TypeVar("Result")

_FOREIGN = 255
_NUMERAL_OF = np.full(256, _FOREIGN, np.uint8)
_NUMERAL_OF[list(TEXT_ALPHABET.encode())] = np.arange(ALPHANUMERICS)
_CHARACTER_OF = np.frombuffer(TEXT_ALPHABET.encode(), np.uint8)
_ALPHABET = frozenset(TEXT_ALPHABET)
_LUHN_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.uint8)


def length_and_radix(text: str) -> tuple[int, int]:
    """Return the length of a text and 10 if it is all digits, else 36."""
    return len(text), DIGITS if is_digits(text) else ALPHANUMERICS


def by_group(
    texts: Sequence[str],
    key: Callable[[str], Hashable],
    work: Callable[[list[int], list[str]], list[Result]],
) -> list[Result]:
    """Return what `work(positions, texts)` makes of the texts of each key, in the order given."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        groups[key(text)].append(position)
    if len(groups) == 1:
        return work(list(range(len(texts))), list(texts))
    results: dict[int, Result] = {}
    for positions in groups.values():
        made = work(positions, [texts[position] for position in positions])
        results.update(zip(positions, made, strict=True))
    return [results[position] for position in range(len(texts))]


def first_foreign(texts: Sequence[str]) -> int | None:
    """Return the index of the first text with a character other than 0-9A-Z, None if none has."""
    if _ALPHABET.issuperset("".join(texts)):
        return None
    return next(i for i, text in enumerate(texts) if not _ALPHABET.issuperset(text))


def to_numerals(texts: Sequence[str]) -> Array:
    """Return texts of 0-9A-Z, all of one length, as numerals [n, length]."""
    codes = np.frombuffer("".join(texts).encode("ascii"), np.uint8)
    return _NUMERAL_OF[codes].reshape(len(texts), -1)


def to_texts(numerals: Array) -> list[str]:
    """Return the rows of numerals as texts."""
    joined = _CHARACTER_OF[numerals].tobytes().decode("ascii")
    length = numerals.shape[1]
    return [joined[at : at + length] for at in range(0, len(joined), length)]


def luhn_rows(digits: Array) -> Array:
    """Return the Luhn sum modulo 10 of every row of digits."""
    plain = digits[:, ::-2].sum(axis=1, dtype=np.uint8)
    doubled = _LUHN_DOUBLED[digits[:, -2::-2]].sum(axis=1, dtype=np.uint8)
    sums: Array = (plain + doubled) % 10  # at most 19 * 9: it fits a byte
    return sums


def walked(
    cipher: FF1, texts: Sequence[str], tweaks: Sequence[bytes], *, opening: bool
) -> list[str]:
    """Return texts of one length and radix encrypted, or opened, each under its tweak.

    In radix 36 a result without a letter is walked on: it would be read in radix 10. Texts with a
    letter are closed under that walk, so opening undoes it.
    """
    if len(texts) < BATCH_MIN:
        pairs = zip(texts, tweaks, strict=True)
        return [_walked_one(cipher, text, tweak, opening=opening) for text, tweak in pairs]
    translate = cipher.decrypt_batch if opening else cipher.encrypt_batch
    rows = np.frombuffer(b"".join(tweaks), np.uint8).reshape(len(texts), -1)
    out = translate(to_numerals(texts), rows)
    while cipher.radix == ALPHANUMERICS:
        bare = np.flatnonzero(out.max(axis=1) < DIGITS)
        if not len(bare):
            break
        out[bare] = translate(out[bare], rows[bare])
    return to_texts(out)


def _walked_one(cipher: FF1, text: str, tweak: bytes, *, opening: bool) -> str:
    translate = cipher.decrypt_text if opening else cipher.encrypt_text
    text = translate(text, tweak)
    while cipher.radix == ALPHANUMERICS and is_digits(text):
        text = translate(text, tweak)
    return text
