"""The ten rounds of FF1 over a whole batch, each half of a value one 64-bit word.

Owns the arithmetic of `tokenizer.ff1.FF1` on numpy arrays; must not know keys or check input.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import CipherContext

ROUNDS = 10
BLOCK_BYTES = 16
_WORD_MAX = 2**64 - 1

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


@lru_cache
def _powers(radix: int, length: int) -> Words:
    """Return what each numeral of a half counts, most significant first."""
    return np.array([radix**place for place in reversed(range(length))], np.uint64)


def to_words(numerals: npt.NDArray[Numeral], radix: int) -> Words:
    """Return NUM_radix of every row as a 64-bit word."""
    words: Words = numerals.astype(np.uint64) @ _powers(radix, numerals.shape[1])
    return words


def spread(words: Words, radix: int, out: npt.NDArray[Numeral]) -> None:
    """Write STR_radix of every word into the rows of `out`."""
    quotients = words // _powers(radix, out.shape[1])[:, None]
    out[:, 0] = quotients[0]
    out[:, 1:] = (quotients[1:] - quotients[:-1] * np.uint64(radix)).T


@lru_cache
def _counters(numeral_bytes: int) -> Words:
    """Return what each round's number adds to the low word, in AES byte order."""
    numbers = [i << 8 * numeral_bytes & _WORD_MAX for i in range(ROUNDS)]
    return np.array(numbers, ">u8").view(np.uint64)


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
    left, right = halves
    block = fixed.copy()
    message = block.data.cast("B")
    prf = bytearray(block.nbytes + BLOCK_BYTES - 1)  # as large as OpenSSL may need
    found = np.frombuffer(prf, ">u8", block.size).reshape(-1, 2)
    low = fixed[:, 1] ^ _counters(shape.numeral_bytes)[:, None]
    for i in reversed(range(ROUNDS)) if decrypting else range(ROUNDS):
        number = left if decrypting else right
        np.bitwise_xor(number.byteswap(), low[i], out=block[:, 1])
        if shape.numeral_bytes == 8:  # the round number is the last byte of the high word
            block[:, 0] = fixed[:, 0] ^ np.array(i, ">u8").view(np.uint64)
        ecb.update_into(message, prf)
        modulus = shape.moduli[i & 1]
        word = _residue(found, shape, modulus)
        if decrypting:
            np.subtract(right, word, out=word)
            left, right = np.minimum(word, word + np.uint64(modulus)), left
        else:
            word += left
            left, right = right, np.minimum(word, word - np.uint64(modulus))
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
