"""Sealed segments known to be sound, opened without their tags: AES-CTR over whole batches.

Owns GCM's counters (SP 800-38D section 7.2) and which subkey is whose. Proves nothing: what it is
given has been opened with its tag once, and nobody but us can have touched it since.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tokenizer.keyring import Keyring, Purpose
from tokenizer.mac import BLOCK_BYTES

__all__ = ["NONCE_BYTES", "Streams", "seal_key"]

Places = npt.NDArray[np.intp]  # [n], as other numbers of each segment are
Octets = npt.NDArray[np.uint8]  # [n]

NONCE_BYTES = 12
_FIRST_COUNTER = 2  # of a text's first block; 1 is the tag's
_COUNTER = NONCE_BYTES // 4  # its place among the four words of a block
_BLOCK = np.dtype((np.void, BLOCK_BYTES))


def seal_key(keyring: Keyring, purpose: Purpose, generation: int, last_byte: int) -> bytes:
    """Return the subkey that seals records whose ids end in this byte.

    Raises KeyRetired, UnknownGeneration.
    """
    return keyring.subkey(purpose, generation, b"seal/%d" % last_byte)


class Streams:
    """Opens sound segments of one purpose, their nonces behind headers of one size.

    For one thread: its calls share ciphers.
    """

    __slots__ = ("_ciphers", "_nonce_at")

    def __init__(self, keyring: Keyring, purpose: Purpose, header_bytes: int) -> None:
        self._ciphers = _Ciphers(keyring, purpose)
        self._nonce_at = header_bytes

    def __repr__(self) -> str:
        return "Streams(keys hidden)"

    def opened(self, joined: bytes, places: Places, last_bytes: Octets) -> bytes:
        """Return the texts of segments: each as far from the first as the segments' places are.

        Segments stand in `joined` at `places`, whole blocks from its start and ascending. What
        follows a text is noise. `last_bytes` of their ids choose their keys: those of one key are
        to be neighbours, or it takes longer. Raises KeyRetired, UnknownGeneration.
        """
        firsts = places // BLOCK_BYTES
        firsts -= firsts[0]
        begin = int(places[0]) + self._nonce_at + NONCE_BYTES
        sealed = np.frombuffer(joined, np.uint8)
        blocks = -(-(len(joined) - begin) // BLOCK_BYTES)
        counters = self._counters(joined, places, firsts, blocks)
        keys = sealed[places].astype(np.intp) << 8 | last_bytes
        stream = np.empty(BLOCK_BYTES * (blocks + 1), np.uint8)  # more than it takes: as it must be
        self._encrypt(keys, firsts, counters, stream)
        return (sealed[begin:] ^ stream[: len(joined) - begin]).tobytes()

    def _counters(self, joined: bytes, places: Places, firsts: Places, blocks: int) -> Octets:
        """What is encrypted to open the texts: each nonce, with counters from 2 on."""
        after, offset = divmod(self._nonce_at, BLOCK_BYTES)
        aligned = np.frombuffer(joined, _BLOCK, (len(joined) - offset) // BLOCK_BYTES, offset)
        nonces = aligned.take(places // BLOCK_BYTES + after, mode="clip")
        nonces.view(np.uint32)[_COUNTER::4] = _FIRST_COUNTER - firsts  # modulo 2**32, as all are
        counters = np.repeat(nonces, np.diff(firsts, append=blocks)).view(np.uint32)
        counted = counters[_COUNTER::4]
        counted += np.arange(blocks, dtype=np.uint32)
        counted.byteswap(inplace=True)
        return counters.view(np.uint8)

    def _encrypt(self, keys: Places, firsts: Places, counters: Octets, into: Octets) -> None:
        """Encrypt the counters of neighbours under one key in one go."""
        turns = np.flatnonzero(keys[1:] != keys[:-1]) + 1
        begins = [0, *(firsts[turns] * BLOCK_BYTES).tolist()]
        blocks, stream, ciphers = counters.data, into.data, self._ciphers
        for key, begin, end in zip(
            keys[[0, *turns]].tolist(), begins, [*begins[1:], len(blocks)], strict=True
        ):
            ciphers[key](blocks[begin:end], stream[begin:])


class _Ciphers(dict[int, Any]):
    """What encrypts under each generation and last byte of an id, as 256 * generation + byte."""

    def __init__(self, keyring: Keyring, purpose: Purpose) -> None:
        self._keyring = keyring
        self._purpose = purpose

    def __missing__(self, key: int) -> Any:
        subkey = seal_key(self._keyring, self._purpose, *divmod(key, 256))
        # ECB of counters is counter mode, whose keystream is then XORed to the whole batch
        cipher = Cipher(algorithms.AES(subkey), modes.ECB())  # noqa: S305 - see above
        made = self[key] = cipher.encryptor().update_into
        return made
