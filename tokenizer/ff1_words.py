"""The ten rounds of FF1 over a whole batch, each half of a value one 64-bit word.

Owns the arithmetic of `tokenizer.ff1.FF1` on numpy arrays; must not know keys or check input.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import CipherContext

ROUNDS = 10
BLOCK_BYTES = 16

Words = npt.NDArray[np.uint64]
Numeral = TypeVar("Numeral", np.uint8, np.uint16)


@dataclass(frozen=True, slots=True)
class Shape:
    """What is fixed for one length and tweak length: steps 1 to 5 of algorithm 7."""

    left: int  # u, numerals of the left half
    right: int  # v
    numeral_bytes: int  # b, bytes of NUM(B) in Q
    word_bytes: int  # d, bytes of S
    padding: int  # zero bytes between tweak and round number
    state: bytes  # PRF after block P
    moduli: tuple[int, int]  # radix**u for even rounds, radix**v for odd ones

    @property
    def fits_words(self) -> bool:
        """Tell whether the sum of two residues fits 64 bits (18 digits, 12 of radix 36 a half)."""
        return self.moduli[1].bit_length() < 64


def to_words(numerals: npt.NDArray[Numeral], radix: int) -> Words:
    """Return NUM_radix of every row as a 64-bit word."""
    columns = np.ascontiguousarray(numerals.T)
    words: Words = columns[0].astype(np.uint64)
    for column in columns[1:]:
        words *= np.uint64(radix)
        words += column
    return words


def spread(words: Words, radix: int, out: npt.NDArray[Numeral]) -> None:
    """Write STR_radix of every word into the rows of `out`."""
    divisor = np.uint64(radix)
    for at in range(out.shape[1] - 1, -1, -1):
        quotient = words // divisor
        out[:, at] = words - quotient * divisor
        words = quotient


def fixed_words(ecb: CipherContext, tweaks: npt.NDArray[np.uint8], shape: Shape) -> Words:
    """Return what every round's last block is xored with, [n, 2], in AES byte order."""
    count, length = tweaks.shape
    size = length + shape.padding + 1 + shape.numeral_bytes
    padded = np.zeros((count, size), np.uint8)
    padded[:, :length] = tweaks
    blocks = padded.view(np.uint64).reshape(count, size // BLOCK_BYTES, 2)
    state = np.broadcast_to(np.frombuffer(shape.state, np.uint64), (count, 2))
    for block in range(blocks.shape[1] - 1):
        encrypted = ecb.update((state ^ blocks[:, block]).tobytes())
        state = np.frombuffer(encrypted, np.uint64).reshape(count, 2)
    return state ^ blocks[:, -1]


def word_rounds(
    ecb: CipherContext,
    halves: tuple[Words, Words],
    fixed: Words,
    shape: Shape,
    *,
    decrypting: bool,
) -> tuple[Words, Words]:
    """Run step 6 of algorithm 7 (or 8) on many values, each half a 64-bit word.

    Sums and differences wrap round 2**64; the smaller of the two candidates is the residue.
    """
    block = fixed.copy()
    left, right = halves
    shift = 8 * shape.numeral_bytes
    for i in reversed(range(ROUNDS)) if decrypting else range(ROUNDS):
        modulus = np.uint64(shape.moduli[i & 1])
        number = left if decrypting else right
        if shift == 64:  # the round number is the last byte of the high word
            block[:, 0] = fixed[:, 0] ^ np.array(i, ">u8").view(np.uint64)
        else:
            number = number | np.uint64(i << shift)
        block[:, 1] = fixed[:, 1] ^ number.astype(">u8").view(np.uint64)
        prf = np.frombuffer(ecb.update(block.tobytes()), ">u8").reshape(-1, 2)
        word = _residue(prf, shape, int(modulus))
        if decrypting:
            difference = right - word
            left, right = np.minimum(difference, difference + modulus), left
        else:
            total = left + word
            left, right = right, np.minimum(total, total - modulus)
    return left, right


def _residue(prf: npt.NDArray[np.uint64], shape: Shape, modulus: int) -> Words:
    """Return the first 8 or 12 bytes (d) of each PRF block as a number, modulo `modulus`."""
    divisor = np.uint64(modulus)
    word = prf[:, 0].astype(np.uint64)
    word -= word // divisor * divisor
    if shape.word_bytes == 8:
        return word
    tail = prf[:, 1].astype(np.uint64)
    left = 32  # bits of the tail not yet taken
    while left:
        bits = min(left, 64 - modulus.bit_length())  # a residue shifted by more would overflow
        left -= bits
        piece = tail >> np.uint64(32 + left) & np.uint64((1 << bits) - 1)
        word = (word << np.uint64(bits)) + piece
        word -= word // divisor * divisor
    return word
