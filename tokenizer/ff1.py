"""AES-FF1 format-preserving encryption (NIST SP 800-38G r1, algorithms 7 and 8).

Owns the cipher over numerals, one value or a whole batch; must not know what the numerals stand
for. `b` and every other size is computed in integers: floating point gets long inputs wrong.

Errors: `FF1Error` is the parent of `DomainTooSmall`, `BadNumeral`, `BadTweak` and `BadRadix`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tokenizer.ff1_words import (
    BLOCK_BYTES,
    ROUNDS,
    Numeral,
    Shape,
    fixed_words,
    spread,
    to_words,
    word_rounds,
)

DOMAIN_MIN = 1_000_000
LENGTH_MAX = 2**32 - 1
TWEAK_MAX_BYTES = 2**32 - 1
RADIX_MAX = 2**16
TEXT_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_NUMERAL_OF = {character: numeral for numeral, character in enumerate(TEXT_ALPHABET)}
_INT_TEXT_MAX = 1280  # two numbers of what int() takes at least of any text
_DOMAIN_SURE_LENGTH = 20  # 2**20 is above DOMAIN_MIN already
_SHAPES_MAX = 1024  # lengths and tweak lengths whose fixed parts are kept
_CHUNK_ROWS = 8192  # a round's arrays of this many rows stay in the L2 cache


class FF1Error(ValueError):
    """The input is outside what FF1 takes. The text never holds the input."""


class DomainTooSmall(FF1Error):
    """radix ** length is below 1,000,000 (SP 800-38G r1 section 5.2)."""


class BadNumeral(FF1Error):
    """A numeral is not below the radix."""


class BadTweak(FF1Error):
    """A tweak is too long, or a batch has not one tweak for each value."""


class BadRadix(FF1Error):
    """The radix is outside 2..65536, or has no text form."""


class FF1:
    """AES-FF1 under a key of 16, 24 or 32 bytes and a radix of 2 to 65536.

    Text helpers use 0-9A-Z, so radix 36 at most.
    """

    __slots__ = ("_aes", "_alphabet", "_ecb", "_shapes", "radix")

    def __init__(self, key: bytes, radix: int) -> None:
        if not 2 <= radix <= RADIX_MAX:
            raise BadRadix("the radix is 2 to 65536")
        self.radix = radix
        # ECB of single blocks is the raw permutation that FF1's CBC-MAC is built on
        self._aes = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - see above
        self._ecb = self._aes.encryptor()
        self._shapes: dict[tuple[int, int], Shape] = {}
        self._alphabet = frozenset(TEXT_ALPHABET[:radix])

    def __repr__(self) -> str:
        return f"FF1(radix={self.radix}, key hidden)"

    def encrypt(self, numerals: Sequence[int], tweak: bytes = b"") -> list[int]:
        """Return the encrypted numerals; raises DomainTooSmall, BadNumeral, BadTweak."""
        return self._one(numerals, tweak, decrypting=False)

    def decrypt(self, numerals: Sequence[int], tweak: bytes = b"") -> list[int]:
        """Return the decrypted numerals; raises DomainTooSmall, BadNumeral, BadTweak."""
        return self._one(numerals, tweak, decrypting=True)

    def encrypt_text(self, text: str, tweak: bytes = b"") -> str:
        """Return the encrypted text; raises as `encrypt`, BadRadix above radix 36."""
        return self._one_text(text, tweak, decrypting=False)

    def decrypt_text(self, text: str, tweak: bytes = b"") -> str:
        """Return the decrypted text; raises as `decrypt`, BadRadix above radix 36."""
        return self._one_text(text, tweak, decrypting=True)

    def encrypt_batch(
        self, numerals: npt.NDArray[Numeral], tweaks: npt.NDArray[np.uint8]
    ) -> npt.NDArray[Numeral]:
        """Return numerals [n, length] encrypted, each row under its row of tweaks [n, t].

        One AES call per round and chunk of rows where a half fits 64 bits. Raises as `encrypt`.
        """
        return self._many(numerals, tweaks, decrypting=False)

    def decrypt_batch(
        self, numerals: npt.NDArray[Numeral], tweaks: npt.NDArray[np.uint8]
    ) -> npt.NDArray[Numeral]:
        """Return numerals [n, length] decrypted, each row under its row of tweaks [n, t]."""
        return self._many(numerals, tweaks, decrypting=True)

    def _one(self, numerals: Sequence[int], tweak: bytes, *, decrypting: bool) -> list[int]:
        shape = self._shape(len(numerals), len(tweak))
        if min(numerals) < 0 or max(numerals) >= self.radix:
            raise BadNumeral("a numeral is not below the radix")
        left = self._number(numerals[: shape.left])
        right = self._number(numerals[shape.left :])
        left, right = self._rounds((left, right), tweak, shape, decrypting=decrypting)
        return self._numerals(left, shape.left) + self._numerals(right, shape.right)

    def _one_text(self, text: str, tweak: bytes, *, decrypting: bool) -> str:
        """Translate a text; one of ordinary length without a list of its numerals."""
        if self.radix > len(TEXT_ALPHABET):
            raise BadRadix("a radix above 36 has no text form")
        if not self._alphabet.issuperset(text):
            raise BadNumeral("a character is no numeral of the radix")
        if len(text) > _INT_TEXT_MAX:
            numerals = self._one([_NUMERAL_OF[c] for c in text], tweak, decrypting=decrypting)
            return "".join([TEXT_ALPHABET[numeral] for numeral in numerals])
        shape = self._shape(len(text), len(tweak))
        halves = int(text[: shape.left], self.radix), int(text[shape.left :], self.radix)
        left, right = self._rounds(halves, tweak, shape, decrypting=decrypting)
        return self._spell(left, shape.left) + self._spell(right, shape.right)

    def _rounds(
        self, halves: tuple[int, int], tweak: bytes, shape: Shape, *, decrypting: bool
    ) -> tuple[int, int]:
        """Run step 6 of algorithm 7 (or 8) on one value, its halves as integers."""
        head = tweak + bytes(shape.padding)
        cut = len(head) // BLOCK_BYTES * BLOCK_BYTES  # these blocks are the same in every round
        state = self._chained(shape.state, head[:cut])
        size = len(head) - cut + 1 + shape.numeral_bytes
        fixed = int.from_bytes(head[cut:]) << 8 * (1 + shape.numeral_bytes)
        fixed ^= int.from_bytes(state) << 8 * (size - BLOCK_BYTES)
        is_short = size == BLOCK_BYTES >= shape.word_bytes
        word_of = self._block_word if is_short else self._chained_word
        step = 8 * shape.numeral_bytes
        even, odd = shape.moduli
        left, right = halves
        if decrypting:
            for i in range(ROUNDS - 2, -1, -2):
                right = (right - word_of(fixed ^ (i + 1) << step ^ left, size, shape)) % odd
                left = (left - word_of(fixed ^ i << step ^ right, size, shape)) % even
        else:
            for i in range(0, ROUNDS, 2):
                left = (left + word_of(fixed ^ i << step ^ right, size, shape)) % even
                right = (right + word_of(fixed ^ (i + 1) << step ^ left, size, shape)) % odd
        return left, right

    def _block_word(self, message: int, _: int, shape: Shape) -> int:
        """Return a round's y where its message and S are one block: the usual case, the fastest."""
        block = self._ecb.update(message.to_bytes(BLOCK_BYTES))
        return int.from_bytes(block) >> 8 * (BLOCK_BYTES - shape.word_bytes)

    def _chained_word(self, message: int, size: int, shape: Shape) -> int:
        """Return a round's y from a message of `size` bytes, the state of its first block in it."""
        data = message.to_bytes(size)
        block = self._chained(self._ecb.update(data[:BLOCK_BYTES]), data[BLOCK_BYTES:])
        return int.from_bytes(self._stretched(block, shape.word_bytes))

    def _chained(self, state: bytes, data: bytes) -> bytes:
        """Return the CBC-MAC state after whole blocks of data (algorithm 6, PRF)."""
        for at in range(0, len(data), BLOCK_BYTES):
            block = int.from_bytes(data[at : at + BLOCK_BYTES]) ^ int.from_bytes(state)
            state = self._ecb.update(block.to_bytes(BLOCK_BYTES))
        return state

    def _stretched(self, block: bytes, size: int) -> bytes:
        """Return S: the first bytes of R, CIPH(R xor [1]), CIPH(R xor [2]) ..."""
        if size > BLOCK_BYTES:
            number = int.from_bytes(block)
            counters = range(1, -(-size // BLOCK_BYTES))
            block += self._ecb.update(b"".join((number ^ j).to_bytes(16) for j in counters))
        return block[:size]

    def _many(
        self, numerals: npt.NDArray[Numeral], tweaks: npt.NDArray[np.uint8], *, decrypting: bool
    ) -> npt.NDArray[Numeral]:
        count, length = numerals.shape
        if len(tweaks) != count:
            raise BadTweak("a batch has one tweak for each value")
        shape = self._shape(length, tweaks.shape[1])
        if count and int(numerals.max()) >= self.radix:
            raise BadNumeral("a numeral is not below the radix")
        ecb = self._aes.encryptor()  # a long update lets other threads in: none may share it
        out = np.empty_like(numerals)
        if not shape.fits_words:
            for row in range(count):
                values, tweak = numerals[row].tolist(), tweaks[row].tobytes()
                out[row] = self._one(values, tweak, decrypting=decrypting)
            return out
        for at in range(0, count, _CHUNK_ROWS):
            rows = slice(at, at + _CHUNK_ROWS)
            left = to_words(numerals[rows, : shape.left], self.radix)
            right = to_words(numerals[rows, shape.left :], self.radix)
            fixed = fixed_words(ecb, tweaks[rows], shape)
            left, right = word_rounds(ecb, (left, right), fixed, shape, decrypting=decrypting)
            spread(left, self.radix, out[rows, : shape.left])
            spread(right, self.radix, out[rows, shape.left :])
        return out

    def _shape(self, length: int, tweak_bytes: int) -> Shape:
        shape = self._shapes.get((length, tweak_bytes))
        if shape is None:
            if len(self._shapes) >= _SHAPES_MAX:
                self._shapes.clear()
            shape = self._shapes[length, tweak_bytes] = self._new_shape(length, tweak_bytes)
        return shape

    def _new_shape(self, length: int, tweak_bytes: int) -> Shape:
        """Check the sizes and run steps 1 to 5 of algorithm 7."""
        if length < 2 or self.radix ** min(length, _DOMAIN_SURE_LENGTH) < DOMAIN_MIN:
            raise DomainTooSmall("radix ** length is below 1,000,000")
        if tweak_bytes > TWEAK_MAX_BYTES or length > LENGTH_MAX:
            raise BadTweak("tweak and value are shorter than 2**32")
        left = length // 2
        right = length - left
        moduli = (self.radix**left, self.radix**right)
        numeral_bytes = ((moduli[1] - 1).bit_length() + 7) // 8
        head = bytes((1, 2, 1)) + self.radix.to_bytes(3) + bytes((ROUNDS, left % 256))
        return Shape(
            left=left,
            right=right,
            numeral_bytes=numeral_bytes,
            word_bytes=4 * (-(-numeral_bytes // 4)) + 4,
            padding=-(tweak_bytes + numeral_bytes + 1) % BLOCK_BYTES,
            state=self._ecb.update(head + length.to_bytes(4) + tweak_bytes.to_bytes(4)),
            moduli=moduli,
        )

    def _number(self, numerals: Sequence[int]) -> int:
        """Return NUM_radix of numerals, most significant first."""
        number = 0
        for numeral in numerals:
            number = number * self.radix + numeral
        return number

    def _numerals(self, number: int, length: int) -> list[int]:
        """Return STR_radix: `length` numerals, most significant first."""
        numerals = [0] * length
        for at in range(length - 1, -1, -1):
            number, numerals[at] = divmod(number, self.radix)
        return numerals

    def _spell(self, number: int, length: int) -> str:
        if self.radix == 10:
            return str(number).zfill(length)
        return "".join([TEXT_ALPHABET[numeral] for numeral in self._numerals(number, length)])
