"""Entries of the cache sealed under one key, AES-OCB (RFC 7253): a batch opens in three AES calls.

Owns the key and what a box binds; must not know what is in one. One by one the library's own OCB
does it, which a batch equals.
"""

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3

from tokenizer.blobs import Octets, split
from tokenizer.keyring import Keyring, Purpose
from tokenizer.mac import BLOCK_BYTES, doubled

__all__ = ["HEAD_BLOCKS", "Boxes", "Ocb"]

Words = npt.NDArray[np.uint64]  # [2n], a block in two
Blocks = npt.NDArray[np.complex128]  # [n], a block each
Places = npt.NDArray[np.intp]  # [n]
Flags = npt.NDArray[np.bool_]  # [n]

HEAD_BLOCKS = 2  # in clear before a box
_NONCE, _TEXT = HEAD_BLOCKS, HEAD_BLOCKS + 1  # where they begin, in blocks
_AROUND = HEAD_BLOCKS + 2  # blocks of an entry that are not of its text: head, nonce and tag
_LABEL = b"seal/entry/3"
_BLOCK = np.dtype(np.complex128)  # any of 16 bytes that numpy moves in one piece
_NONCE_LEAD = 1  # the byte before a nonce of 15: no short tag, and nothing is left out
_DERIVED_BITS = 6  # the last ones of a nonce, by which OCB shifts what it derives from the others
_LAST_BYTES = [bytes((byte >> _DERIVED_BITS << _DERIVED_BITS,)) for byte in range(256)]


class Boxes:
    """Seals and opens entries under the active generation of purpose `cache`.

    After a rotation nothing opens and the cache is cold. For one thread: calls share ciphers.
    """

    __slots__ = ("_keyring", "_made")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._made: dict[int, Ocb] = {}

    def __repr__(self) -> str:
        return "Boxes(keys hidden)"

    def sealed(self, lead: bytes, heads: Sequence[bytes], texts: Sequence[bytes]) -> list[bytes]:
        """Return the boxes of texts, whole blocks each: nonce, sealed text and tag, in order.

        Each is bound to `lead`, one block, and to its head: an id and HEAD_BLOCKS blocks.
        """
        return self._ocb().sealed(lead, heads, texts)

    def few_opened(
        self, lead: bytes, heads: Sequence[bytes], boxes: Sequence[bytes]
    ) -> list[bytes | None]:
        """Return what is in boxes, one by one; None where one does not open."""
        return self._ocb().few_opened(lead, heads, boxes)

    def opened(
        self, lead: bytes, ids: Words, joined: bytes, starts: Places, counts: Places
    ) -> tuple[Octets, Flags]:
        """Return what `Ocb.opened` does."""
        return self._ocb().opened(lead, ids, joined, starts, counts)

    def _ocb(self) -> "Ocb":
        generation = self._keyring.active(Purpose.CACHE)
        made = self._made.get(generation)
        if made is None:
            made = self._made[generation] = Ocb(
                self._keyring.subkey(Purpose.CACHE, generation, _LABEL)
            )
        return made


class Ocb:
    """AES-OCB with tags of 16 bytes under one key of 16, 24 or 32 bytes.

    Nonces have 15 bytes of which the last six bits are 0: then what a text's offsets begin with is
    one block of AES (RFC 7253 section 4.2, `bottom` is 0). 114 bits are random.
    """

    __slots__ = ("_decrypt", "_encrypt", "_last", "_next", "_offsets", "_one")

    def __init__(self, key: bytes) -> None:
        # ECB of single blocks is the raw permutation that OCB is defined on
        cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - see above
        self._one = AESOCB3(key)
        self._encrypt = cipher.encryptor()
        self._decrypt = cipher.decryptor()
        self._last = doubled(self._encrypt.update(bytes(BLOCK_BYTES)))  # RFC 7253's L_$
        self._next = doubled(self._last)  # L_0, and later L_k of the next doubling of the offsets
        self._offsets: Blocks = np.zeros(1, _BLOCK)

    def __repr__(self) -> str:
        return "Ocb(key hidden)"

    def sealed(self, lead: bytes, heads: Sequence[bytes], texts: Sequence[bytes]) -> list[bytes]:
        """As `Boxes.sealed`."""
        encrypt = self._one.encrypt
        nonces = [
            block[:14] + _LAST_BYTES[block[14]]
            for block in split(os.urandom(BLOCK_BYTES * len(texts)), BLOCK_BYTES)
        ]
        return [
            b"\1" + nonce + encrypt(nonce, text, lead + head)
            for nonce, head, text in zip(nonces, heads, texts, strict=True)
        ]

    def few_opened(
        self, lead: bytes, heads: Sequence[bytes], boxes: Sequence[bytes]
    ) -> list[bytes | None]:
        """As `Boxes.few_opened`."""
        return [self._opened_one(lead + head, box) for head, box in zip(heads, boxes, strict=True)]

    def _opened_one(self, associated: bytes, box: bytes) -> bytes | None:
        if len(box) < 2 * BLOCK_BYTES or box[0] != _NONCE_LEAD:
            return None
        try:
            return self._one.decrypt(box[1:BLOCK_BYTES], box[BLOCK_BYTES:], associated)
        except InvalidTag:
            return None

    def opened(
        self, lead: bytes, ids: Words, joined: bytes, starts: Places, counts: Places
    ) -> tuple[Octets, Flags]:
        """Return entries with their texts opened in place, and which of them are authentic.

        The n-th entry is `counts` blocks of `joined` from the block `starts` on: its head, its box;
        its id are the n-th two of `ids`. Heads, nonces, tags, and texts of entries that are not
        authentic, come out as noise.
        """
        blocks = np.frombuffer(joined, _BLOCK)
        firsts, hashes = self._begun(lead, ids, blocks, starts)
        offsets = self._offsets_of(firsts, starts, counts)
        opened = self._decrypted(blocks, offsets)
        ends = starts + (counts - 1)  # the tags' places
        between = np.empty(2 * len(starts), np.intp)
        between[::2], between[1::2] = starts + _TEXT, ends
        pairs = np.bitwise_xor.reduceat(opened.reshape(-1, 2), between)
        sums = pairs[::2].copy().reshape(-1)
        sums.view(_BLOCK)[counts == _AROUND] = 0  # of no text at all
        sums ^= offsets.take(ends - 1, mode="clip").view(np.uint64)
        _xor(sums, self._last)
        tags = np.frombuffer(self._encrypt.update(sums.tobytes()), np.uint64) ^ hashes
        tags ^= blocks.take(ends, mode="clip").view(np.uint64)
        return opened.view(np.uint8), (tags[::2] | tags[1::2]) == 0

    def _begun(
        self, lead: bytes, ids: Words, blocks: Blocks, starts: Places
    ) -> tuple[Blocks, Words]:
        """What each text's offsets begin with, and the hash, [2n], of what its box is bound to."""
        places = split(self._reaching(2 + HEAD_BLOCKS)[1 : 3 + HEAD_BLOCKS].tobytes(), BLOCK_BYTES)
        asked = np.empty((2 + HEAD_BLOCKS, 2 * len(starts)), np.uint64)
        asked[0] = blocks.take(starts + _NONCE, mode="clip").view(np.uint64)
        asked[1] = ids
        for at in range(HEAD_BLOCKS):
            asked[2 + at] = blocks.take(starts + at, mode="clip").view(np.uint64)
        for row, place in zip(asked[1:], places[1:], strict=False):
            _xor(row, place)
        made = np.frombuffer(self._encrypt.update(asked.view(np.uint8).data), np.uint64)
        firsts, hashes, *others = made.reshape(asked.shape)
        hashes = hashes.copy()
        for each in others:
            hashes ^= each
        first = int.from_bytes(lead) ^ int.from_bytes(places[0])
        _xor(hashes, self._encrypt.update(first.to_bytes(BLOCK_BYTES)))
        return firsts.view(_BLOCK), hashes

    def _offsets_of(self, firsts: Blocks, starts: Places, counts: Places) -> Blocks:
        """What each block of the entries is XORed with, before AES and after.

        A text's blocks have numbers from 1 on; that of its nonce, 0, has what they begin with.
        """
        ends = starts + counts
        numbers = np.arange(starts[0], ends[-1])
        numbers -= np.repeat(starts + _NONCE, counts)  # of what is not a text's: any
        offsets = self._reaching(int(counts.max())).take(numbers, mode="clip")
        words = offsets.view(np.uint64)
        words ^= np.repeat(firsts, counts).view(np.uint64)
        return offsets

    def _decrypted(self, blocks: Blocks, offsets: Blocks) -> Words:
        words = offsets.view(np.uint64)
        decrypted = np.empty(len(words) + 2, np.uint64)  # more than it takes: as it must be
        masked = blocks.view(np.uint64) ^ words
        self._decrypt.update_into(masked.view(np.uint8).data, decrypted.view(np.uint8).data)
        opened = decrypted[: len(words)]
        opened ^= words
        return opened

    def _reaching(self, count: int) -> Blocks:
        """The offsets of blocks 0 to `count` at least, before a nonce has its part in them.

        The n-th is the sum of L_k over the bits of n's Gray code (RFC 7253 section 4.2, where each
        is made of the one before): the second half of any power of two is the first half, read
        backwards, with one more L_k.
        """
        while len(self._offsets) <= count:
            half = self._offsets[::-1].copy()
            _xor(half.view(np.uint64), self._next)
            self._offsets = np.concatenate([self._offsets, half])
            self._next = doubled(self._next)
        return self._offsets


def _xor(words: Words, block: bytes) -> None:
    """XOR one block to each, in place."""
    even, odd = np.frombuffer(block, np.uint64)
    words[::2] ^= even
    words[1::2] ^= odd
