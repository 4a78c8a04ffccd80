"""AES-CMAC (SP 800-38B), one message or a whole batch at a time, and the MACs built on it.

Must not know what a MACed text means: the caller names the domain.
"""

import hmac

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from tokenizer.blobs import split
from tokenizer.keyring import Keyring, Purpose

BLOCK_BYTES = 16
FEW_MAX = 32  # messages that `Cmac.few` is faster on than numpy
_FIELD_POLYNOMIAL = 0x87  # SP 800-38B section 5.3, R for 128-bit blocks


class Cmac:
    """AES-CMAC under one key of 16, 24 or 32 bytes."""

    __slots__ = ("_aes", "_ecb", "_fresh", "_padded", "_whole")

    def __init__(self, key: bytes) -> None:
        # ECB of single blocks is the raw permutation that CMAC is defined on
        algorithm = algorithms.AES(key)
        self._fresh = CMAC(algorithm)
        self._aes = Cipher(algorithm, modes.ECB())  # noqa: S305 - see above
        self._ecb = self._aes.encryptor()  # for updates too short to let other threads in
        self._whole = doubled(self._ecb.update(bytes(BLOCK_BYTES)))
        self._padded = doubled(self._whole)

    def __repr__(self) -> str:
        return "Cmac(key hidden)"

    def one(self, message: bytes) -> bytes:
        """Return the 16-byte CMAC of a message of any length."""
        context = self._fresh.copy()  # a third of what a new one takes
        context.update(message)
        return context.finalize()

    def pair(self, message: bytes) -> bytes:
        """Return the 16-byte CMAC of a message of two blocks: as `one`, at half its price."""
        first, second = message[:BLOCK_BYTES], message[BLOCK_BYTES:]
        state = int.from_bytes(self._ecb.update(first)) ^ int.from_bytes(second)
        return self._ecb.update((state ^ int.from_bytes(self._whole)).to_bytes(BLOCK_BYTES))

    def joined(self, joined: bytes, size_bytes: int) -> bytes:
        """Return the CMACs, joined, of joined messages of `size_bytes`, whole blocks each."""
        if len(joined) == size_bytes:
            return self.one(joined)
        if len(joined) <= FEW_MAX * size_bytes:
            return self.few(joined, size_bytes)
        return self.rows(np.frombuffer(joined, np.uint8).reshape(-1, size_bytes)).tobytes()

    def few(self, joined: bytes, size_bytes: int) -> bytes:
        """Return the CMACs, joined, of joined messages of `size_bytes`, whole blocks each.

        The same as `rows`, faster for the FEW_MAX messages at most whose arrays would cost more
        than their AES.
        """
        pieces = split(joined, BLOCK_BYTES)
        blocks = size_bytes // BLOCK_BYTES
        last = self._whole * (len(pieces) // blocks)
        tags = bytes(len(last))
        for block in range(blocks):
            state = int.from_bytes(tags) ^ int.from_bytes(b"".join(pieces[block::blocks]))
            if block == blocks - 1:
                state ^= int.from_bytes(last)
            tags = self._ecb.update(state.to_bytes(len(last)))
        return tags

    def rows(self, messages: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return the CMACs, [n, 16], of the rows of [n, length]."""
        count, length = messages.shape
        blocks = max(1, -(-length // BLOCK_BYTES))
        padded = np.zeros((count, blocks * BLOCK_BYTES), np.uint8)
        padded[:, :length] = messages
        subkey = self._whole
        if length != blocks * BLOCK_BYTES:
            subkey = self._padded
            padded[:, length] = 0x80
        # the first blocks of all, then the second of all: the arithmetic likes them side by side
        words = np.ascontiguousarray(padded.view("V16").T).view(np.uint64)
        words[-1].reshape(count, 2)[:] ^= np.frombuffer(subkey, np.uint64)
        ecb = self._aes.encryptor()  # a long update lets other threads in: none may share it
        state = ecb.update(words[0].tobytes())
        for block in words[1:]:
            state = ecb.update((block ^ np.frombuffer(state, np.uint64)).tobytes())
        return np.frombuffer(state, np.uint8).reshape(count, BLOCK_BYTES)


class Macs:
    """16-byte MACs of cursors, page and consistency tokens, idempotency payloads, audited calls.

    A domain is the name of one use: the same bytes in two domains have unrelated MACs.
    """

    __slots__ = ("_keyring", "_made")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._made: dict[tuple[Purpose, int, str], Cmac] = {}

    def __repr__(self) -> str:
        return "Macs(keys hidden)"

    def mac(self, domain: str, data: bytes) -> bytes:
        """Return the MAC of `data` in `domain` under the active generation."""
        return self._cmac(domain, self._keyring.active(Purpose.TOKEN_MAC)).one(data)

    def mac_under_each(self, domain: str, data: bytes) -> list[bytes]:
        """Return the MACs under every generation that serves, newest first.

        For MACs that are looked up: a key rotated in between must not hide the former row.
        """
        return [
            self._cmac(domain, generation).one(data)
            for generation in self._keyring.generations(Purpose.TOKEN_MAC)
        ]

    def verify(self, domain: str, data: bytes, tag: bytes) -> bool:
        """Tell whether `tag` is the MAC of `data` in `domain` under a generation that serves."""
        return any(hmac.compare_digest(mac, tag) for mac in self.mac_under_each(domain, data))

    def audit(self, data: bytes) -> bytes:
        """Return the MAC of an audited request under the active generation of purpose `audit`."""
        generation = self._keyring.active(Purpose.AUDIT)
        return self._cmac("request", generation, Purpose.AUDIT).one(data)

    def _cmac(self, domain: str, generation: int, purpose: Purpose = Purpose.TOKEN_MAC) -> Cmac:
        made = self._made.get((purpose, generation, domain))
        if made is None:
            made = Cmac(self._keyring.subkey(purpose, generation, b"mac/" + domain.encode()))
            self._made[purpose, generation, domain] = made
        return made


def doubled(block: bytes) -> bytes:
    """Return the block times x in GF(2^128) (SP 800-38B section 6.1)."""
    value = int.from_bytes(block) << 1
    if value >> 128:
        value ^= (1 << 128) | _FIELD_POLYNOMIAL
    return value.to_bytes(BLOCK_BYTES)
