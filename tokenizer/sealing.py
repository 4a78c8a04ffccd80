"""Segments of records sealed with AES-256-GCM under 256 subkeys a generation, and their headers.

Owns what a seal binds; must not know what a segment holds. A sealed segment is header, nonce,
ciphertext and tag; its associated data is kind byte, segment byte, 16-byte id and header.

Errors: `SealBroken` (does not open, or is not what was expected) and `KeyExhausted`.
"""

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tokenizer.blobs import Blobs, split
from tokenizer.identity import ID_BYTES
from tokenizer.keyring import Keyring, KeyringError, Purpose

NONCE_BYTES = 12
TAG_BYTES = 16
SEALS_MAX = 2**38  # 2**30 a subkey on average; SP 800-38D section 8.3 allows 2**32 random nonces

_OPERATIONAL_HEADER = struct.Struct(">BQQQ")
OPENED_TEXT = slice(_OPERATIONAL_HEADER.size, None)
"""Where an operational segment that was opened has its text: behind its header."""
_SEALED_FROM: Final = _OPERATIONAL_HEADER.size + NONCE_BYTES
_HEADER = struct.Struct(">BQ")
_VERSION = slice(1, _HEADER.size)
# What a seal binds: kind and segment, id, header.
_HEAD_BYTES: Final = 2
_BOUND_ID: Final = slice(_HEAD_BYTES, _HEAD_BYTES + ID_BYTES)
_BOUND_BYTES: Final = _BOUND_ID.stop + _OPERATIONAL_HEADER.size


class Segment(IntEnum):
    """Which part of a record a seal holds. Part of every seal: never renumbered."""

    OPERATIONAL = 1
    PRIVATE = 2
    NUMBER = 3


_SEGMENT_OF = {Purpose.OPERATIONAL: Segment.OPERATIONAL, Purpose.NUMBER: Segment.NUMBER}
# Where header, nonce and text with tag stand: slices are dear to make for every blob.
_PARTS = {
    purpose: (slice(size), slice(size, size + NONCE_BYTES), slice(size + NONCE_BYTES, None))
    for purpose, size in (
        (Purpose.OPERATIONAL, _OPERATIONAL_HEADER.size),
        (Purpose.NUMBER, _HEADER.size),
    )
}


class SealBroken(Exception):
    """A sealed segment does not open, or names another version than expected.

    `position` is that of the segment in its batch, counted from 0.
    """

    def __init__(self, position: int = 0) -> None:
        super().__init__(f"segment {position} of the batch")
        self.position = position


class KeyExhausted(Exception):
    """A generation has made 2**38 seals: a new one is due before anything else is sealed."""


class Versions(NamedTuple):
    """Versions an operational segment carries: the record's, its private and number segments'.

    A segment's version is the record's version when it was last sealed; 0 is no such segment.
    """

    version: int
    private_version: int = 0
    number_version: int = 0


class Opened(NamedTuple):
    """An opened operational segment; its plaintext is not shown."""

    version: int
    private_version: int
    number_version: int
    plaintext: bytes

    def __repr__(self) -> str:
        versions = f"{self.version}, {self.private_version}, {self.number_version}"
        return f"Opened({versions}, {len(self.plaintext)} bytes hidden)"


class SealCounts:
    """Seals made per (purpose, generation): those other workers told of, and our own since then."""

    __slots__ = ("_known", "_since")

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], int] = {}
        self._since: dict[tuple[str, int], int] = {}

    def add(self, purpose: str, generation: int, seals: int) -> None:
        """Count seals about to be made; raises KeyExhausted when they would pass 2**38."""
        key = (purpose, generation)
        since = self._since.get(key, 0) + seals
        if self._known.get(key, 0) + since > SEALS_MAX:
            raise KeyExhausted(f"{purpose}/{generation} has made 2**38 seals")
        self._since[key] = since

    def drain(self) -> dict[tuple[str, int], int]:
        """Return our seals since the last drain, to be added to all workers'; they stay known."""
        drained, self._since = self._since, {}
        for key, seals in drained.items():
            self._known[key] = self._known.get(key, 0) + seals
        return drained

    def restore(self, drained: Mapping[tuple[str, int], int]) -> None:
        """Take back what was drained and could not be added."""
        for key, seals in drained.items():
            self._known[key] -= seals
            self._since[key] = self._since.get(key, 0) + seals

    def learn(self, purpose: str, generation: int, seals: int) -> None:
        """Take the total of all workers and drains."""
        self._known[purpose, generation] = seals


class Sealer:
    """Seals and opens segments under purpose keys `operational` and `number`.

    Kinds are the contract's numbers, ids 16 bytes. Opening takes every generation that serves and
    raises SealBroken; sealing takes the active one and raises KeyExhausted.
    """

    __slots__ = ("_ciphers", "_keyring", "counts")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._ciphers = {purpose: _Ciphers(keyring, purpose) for purpose in _SEGMENT_OF}
        self.counts = SealCounts()

    def __repr__(self) -> str:
        return "Sealer(keys hidden)"

    def seal_operational(
        self, kind: int, record_id: bytes, versions: tuple[int, int, int], plaintext: bytes
    ) -> bytes:
        """Return the sealed operational segment; `versions` as in `Versions`."""
        return self.seal_operational_many(kind, [record_id], [versions], [plaintext])[0]

    def seal_operational_many(
        self,
        kind: int,
        record_ids: Sequence[bytes],
        versions: Sequence[tuple[int, int, int]],
        plaintexts: Sequence[bytes],
    ) -> list[bytes]:
        """Return sealed operational segments, in order."""
        generation = self._keyring.active(Purpose.OPERATIONAL)
        headers = [_OPERATIONAL_HEADER.pack(generation, *found) for found in versions]
        return self._seal(Purpose.OPERATIONAL, kind, record_ids, headers, plaintexts)

    def open_operational(self, kind: int, record_id: bytes, blob: bytes) -> Opened:
        """Return the versions and plaintext of a sealed operational segment."""
        plaintext = self.open_operational_many(kind, [record_id], [blob])[0]
        return Opened(*operational_versions(blob), plaintext)

    def open_operational_many(
        self, kind: int, record_ids: Sequence[bytes], blobs: Sequence[bytes]
    ) -> list[bytes]:
        """Return the plaintexts of sealed operational segments, in order.

        SealBroken names the first that does not open; `operational_versions` of the others is then
        to be trusted only after opening them one by one.
        """
        return self._open(Purpose.OPERATIONAL, kind, record_ids, blobs)

    def open_operational_blobs(
        self, kind: int, record_ids: bytes, versions: bytes, blobs: Blobs
    ) -> list[bytes]:
        """The same of segments side by side, each of the version expected: a quarter cheaper.

        Ids of 16 bytes each, versions of 8, the highest first. SealBroken names the first that is
        not of its version or, where all are, the first that does not open.
        """
        try:
            return self._open_blobs(kind, record_ids, versions, blobs)
        except (InvalidTag, ValueError, KeyringError):  # one by one tells which
            each = blobs.each()
            check_versions(each, struct.unpack(f">{len(each)}Q", versions))
            return self.open_operational_many(kind, split(record_ids, ID_BYTES), each)

    def opened_operational_many(
        self,
        kind: int,
        record_ids: Sequence[bytes],
        versions: Sequence[int],
        blobs: Sequence[bytes],
    ) -> list[bytes | None]:
        """Return operational segments opened, with the header that tells versions before the text.

        None of one that does not open, or does not name the version expected.
        """
        try:
            texts = self._open(Purpose.OPERATIONAL, kind, record_ids, blobs)
            check_versions(blobs, versions)
        except SealBroken:
            if len(blobs) == 1:
                return [None]
            each = zip(record_ids, versions, blobs, strict=True)
            return [
                self.opened_operational_many(kind, [record_id], [version], [blob])[0]
                for record_id, version, blob in each
            ]
        return [blob[: OPENED_TEXT.start] + text for blob, text in zip(blobs, texts, strict=True)]

    def seal_number(self, kind: int, record_id: bytes, version: int, plaintext: bytes) -> bytes:
        """Return the sealed number segment of an account or card."""
        return self.seal_number_many(kind, [record_id], [version], [plaintext])[0]

    def seal_number_many(
        self,
        kind: int,
        record_ids: Sequence[bytes],
        versions: Sequence[int],
        plaintexts: Sequence[bytes],
    ) -> list[bytes]:
        """Return sealed number segments, in order."""
        generation = self._keyring.active(Purpose.NUMBER)
        headers = [_HEADER.pack(generation, version) for version in versions]
        return self._seal(Purpose.NUMBER, kind, record_ids, headers, plaintexts)

    def open_number(self, kind: int, record_id: bytes, version: int, blob: bytes) -> bytes:
        """Return the plaintext of a number segment, which must be of that version."""
        return self.open_number_many(kind, [record_id], [version], [blob])[0]

    def open_number_many(
        self,
        kind: int,
        record_ids: Sequence[bytes],
        versions: Sequence[int],
        blobs: Sequence[bytes],
    ) -> list[bytes]:
        """Return the plaintexts of number segments, each of the version expected, in order."""
        check_versions(blobs, versions)
        return self._open(Purpose.NUMBER, kind, record_ids, blobs)

    def _seal(
        self,
        purpose: Purpose,
        kind: int,
        record_ids: Sequence[bytes],
        headers: Sequence[bytes],
        plaintexts: Sequence[bytes],
    ) -> list[bytes]:
        generation = self._keyring.active(purpose)
        self.counts.add(purpose, generation, len(record_ids))
        head = bytes((kind, _SEGMENT_OF[purpose]))
        ciphers = self._ciphers[purpose][generation]
        nonces = split(os.urandom(NONCE_BYTES * len(record_ids)), NONCE_BYTES)
        sealed = []
        for record_id, header, nonce, plaintext in zip(
            record_ids, headers, nonces, plaintexts, strict=True
        ):
            text = ciphers[record_id[15]].encrypt(nonce, plaintext, head + record_id + header)
            sealed.append(header + nonce + text)
        return sealed

    def _open_blobs(
        self, kind: int, record_ids: bytes, versions: bytes, blobs: Blobs
    ) -> list[bytes]:
        """Open a long batch: but for `decrypt` and two cuts no line runs for a single segment.

        ValueError, beside what opening raises: something is not as it should be.
        """
        fronts = blobs.fronts(_SEALED_FROM)
        if len(record_ids) != len(fronts) * ID_BYTES:
            raise ValueError("an id for each segment")
        headers, nonces = np.hsplit(fronts, [_OPERATIONAL_HEADER.size])
        if headers[:, _VERSION].tobytes() != versions:
            raise ValueError("not the versions expected")
        bound = np.empty((len(fronts), _BOUND_BYTES), np.uint8)
        bound[:, :_HEAD_BYTES] = kind, Segment.OPERATIONAL
        bound[:, _BOUND_ID] = np.frombuffer(record_ids, np.uint8).reshape(-1, ID_BYTES)
        bound[:, _BOUND_ID.stop :] = headers
        ciphers = self._ciphers[Purpose.OPERATIONAL]
        last_bytes = record_ids[ID_BYTES - 1 :: ID_BYTES]
        generations = headers[:, 0].tobytes()
        chosen: Iterable[AESGCM]
        if len(set(generations)) == 1:
            chosen = map(ciphers[generations[0]].__getitem__, last_bytes)
        else:
            each = zip(generations, last_bytes, strict=True)
            chosen = [ciphers[generation][last_byte] for generation, last_byte in each]
        return list(
            map(
                AESGCM.decrypt,
                chosen,
                split(nonces.tobytes(), NONCE_BYTES),
                blobs.after(_SEALED_FROM),
                split(bound.tobytes(), _BOUND_BYTES),
            )
        )

    def _open(
        self, purpose: Purpose, kind: int, record_ids: Sequence[bytes], blobs: Sequence[bytes]
    ) -> list[bytes]:
        """Open a batch; written for speed: a lookup opens every record it returns."""
        header, nonce, text = _PARTS[purpose]
        head = bytes((kind, _SEGMENT_OF[purpose]))
        ciphers = self._ciphers[purpose]
        if len(record_ids) != len(blobs):  # the zip's own error would be taken for a broken seal
            raise ValueError("an id for each segment")
        opened: list[bytes] = []
        try:
            for record_id, blob in zip(record_ids, blobs, strict=True):
                cipher = ciphers[blob[0]][record_id[15]]
                bound = head + record_id + blob[header]
                opened.append(cipher.decrypt(blob[nonce], blob[text], bound))
        except (InvalidTag, IndexError, ValueError, KeyringError):
            raise SealBroken(len(opened)) from None
        return opened


class _Ciphers(dict[int, list[AESGCM]]):
    """A purpose's ciphers by generation, then by the last byte of the id."""

    def __init__(self, keyring: Keyring, purpose: Purpose) -> None:
        self._keyring = keyring
        self._purpose = purpose

    def __missing__(self, generation: int) -> list[AESGCM]:
        made = self[generation] = [
            AESGCM(self._keyring.subkey(self._purpose, generation, b"seal/%d" % last_byte))
            for last_byte in range(256)
        ]
        return made


def operational_versions(blob: bytes) -> Versions:
    """Return the versions in the header of an operational segment, proven only by opening it."""
    if len(blob) < _OPERATIONAL_HEADER.size:
        raise SealBroken
    return Versions(*_OPERATIONAL_HEADER.unpack_from(blob)[1:])


def check_versions(blobs: Sequence[bytes], versions: Sequence[int]) -> None:
    """Raise SealBroken at the first segment whose header does not name the version expected.

    Whether the header is authentic is proven only by opening it.
    """
    expected = struct.pack(f">{len(versions)}Q", *versions)
    if b"".join([blob[_VERSION] for blob in blobs]) != expected:
        pairs = zip(blobs, versions, strict=True)
        raise SealBroken([blob[_VERSION] == v.to_bytes(8) for blob, v in pairs].index(False))


def sealing_generation(blob: bytes) -> int:
    """Return the key generation in a segment's header: what a re-sealing job looks for."""
    if not blob:
        raise SealBroken
    return blob[0]
