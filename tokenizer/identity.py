"""Record ids and lookup keys, computed from normalised numbers under the identity key.

Owns the encodings that ids are MACs of and their text form; must not know where records live.
Values are taken as `tokenizer.normal` returns them.
"""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tokenizer.blobs import split
from tokenizer.keyring import Keyring, Purpose
from tokenizer.mac import Cmac
from tokenizer.normal import NotNormal
from tokenizer.rows import Words

ID_BYTES = 16
NUMBER_BYTES = 32  # encoding of routing + number, PAN, DPAN
IBAN_BYTES = 48
NAME_BYTES = 32

Rows = npt.NDArray[np.uint8] | npt.NDArray[np.uint64]  # [n, 32] bytes, or the same as words

_ID_TEXT = re.compile(r"[a-z2-7]{25}[aeimquy4]")  # 130 bits: the last two are zero
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_TO_INT_BASE_32 = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


class IdKind(IntEnum):
    """First byte of what an id is a MAC of. Never renumbered: it is part of every id."""

    ACCOUNT = 1
    PAN = 2
    IBAN = 3
    DPAN = 4
    NAME_WORD = 5


class NotAnId(ValueError):
    """The text is not 26 characters of canonical lower-case base32."""


class Identity:
    """Computes ids: byte 0 the generation, then 15 bytes of AES-256-CMAC (SP 800-38B).

    The MACed encoding is injective and of one length per kind: kind byte, length byte, text, zero
    padding. Methods take whole batches and keep order; `generation` defaults to the active one.
    """

    __slots__ = ("_keyring", "_made")

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._made: dict[tuple[int, bytes], Cmac] = {}

    def __repr__(self) -> str:
        return f"Identity(generations={self.generations}, keys hidden)"

    @property
    def generations(self) -> tuple[int, ...]:
        """Generations that serve, newest first: lookups by number ask under each."""
        return self._keyring.generations(Purpose.IDENTITY)

    def account_ids(
        self, routings: Sequence[str], numbers: Sequence[str], generation: int | None = None
    ) -> list[bytes]:
        """Return account ids of 9-digit routing numbers and account numbers."""
        if any(len(routing) != 9 for routing in routings):
            raise NotNormal("ROUTING_NUMBER_LENGTH")
        texts = [routing + number for routing, number in zip(routings, numbers, strict=True)]
        return self._ids(IdKind.ACCOUNT, texts, NUMBER_BYTES, generation)

    def iban_ids(self, ibans: Sequence[str], generation: int | None = None) -> list[bytes]:
        """Return ids of accounts named by IBAN."""
        return self._ids(IdKind.IBAN, ibans, IBAN_BYTES, generation)

    def pan_ids(self, pans: Sequence[str], generation: int | None = None) -> list[bytes]:
        """Return card ids of PANs."""
        return self._ids(IdKind.PAN, pans, NUMBER_BYTES, generation)

    def dpan_ids(self, dpans: Sequence[str], generation: int | None = None) -> list[bytes]:
        """Return lookup keys of device PANs."""
        return self._ids(IdKind.DPAN, dpans, NUMBER_BYTES, generation)

    def row_ids(self, rows: Words, generation: int | None = None) -> list[bytes]:
        """Return ids of rows that are encoded already (`tokenizer.rows.encode`), [n, 4]."""
        return self._finish(b"id", rows.tobytes(), NUMBER_BYTES, generation)

    def only_id(self, kind: IdKind, text: bytes) -> bytes | None:
        """Return the id of an ASCII text of at most 30 bytes; None while several generations serve.

        Written for speed: a lookup of one number comes here.
        """
        generations = self._keyring.generations(Purpose.IDENTITY)
        if len(generations) != 1:
            return None
        (generation,) = generations
        encoded = bytes((kind, len(text))) + text
        tag = self._cmac(b"id", generation).pair(encoded.ljust(NUMBER_BYTES, b"\0"))
        return bytes((generation,)) + tag[:-1]

    def identifier_keys(
        self,
        type: int,  # noqa: A002 - the contract's word
        country: str,
        values: Sequence[str],
        generation: int | None = None,
    ) -> list[bytes]:
        """Return lookup keys of customers' identifiers of one type and issuing country.

        `type` is the contract's number and has a subkey of its own; `country` is two letters or
        empty. Values may be long (e-mail), so the MAC is of SHA-256(country, text): 32 bytes.
        """
        if len(country) not in (0, 2) or not country.isascii():
            raise NotNormal("COUNTRY_CODE")
        head = country.encode("ascii").ljust(2, b"\0")
        digests = [hashlib.sha256(head + _encoded(value)).digest() for value in values]
        return self._finish(b"identifier/%d" % type, b"".join(digests), NUMBER_BYTES, generation)

    def name_digests(self, words: Iterable[str], generation: int | None = None) -> list[int]:
        """Return keyed 32-bit digests of words of `normal.name_words`; 30 bytes of each count."""
        encoded = [_encoded(word)[: NAME_BYTES - 2] for word in words]
        joined = b"".join(
            (bytes((IdKind.NAME_WORD, len(word))) + word).ljust(NAME_BYTES, b"\0")
            for word in encoded
        )
        tags = self._tags(b"name", joined, NAME_BYTES, self._generation(generation))
        found: list[int] = np.frombuffer(tags, ">u4")[::4].tolist()
        return found

    def ids_of(self, rows: Rows, generation: int | None = None) -> npt.NDArray[np.uint8]:
        """Return the ids, [n, 16], of rows of 32 bytes that are encoded as ids are MACs of."""
        generation = self._generation(generation)
        tags = self._cmac(b"id", generation).rows(rows.view(np.uint8))
        ids = np.empty_like(tags)
        ids[:, 0] = generation
        ids[:, 1:] = tags[:, :-1]
        return ids

    def name_digests_of(self, rows: Rows, generation: int | None = None) -> npt.NDArray[np.uint32]:
        """Return the digests, [n], of words encoded in rows of 32 bytes, as `name_digests` does."""
        tags = self._cmac(b"name", self._generation(generation)).rows(rows.view(np.uint8))
        return tags[:, :4].copy().view(">u4").reshape(-1).astype(np.uint32)

    def _ids(
        self, kind: IdKind, texts: Sequence[str], size: int, generation: int | None
    ) -> list[bytes]:
        """Return ids of ASCII texts of at most `size` - 2 characters."""
        head = chr(kind)
        joined = "".join([f"{head}{chr(len(text))}{text}".ljust(size, "\0") for text in texts])
        if len(joined) != size * len(texts):
            raise NotNormal("NUMBER_LENGTH")
        try:
            return self._finish(b"id", joined.encode("ascii"), size, generation)
        except UnicodeEncodeError:
            raise NotNormal("NUMBER_CHARACTERS") from None

    def _finish(
        self, label: bytes, joined: bytes, size: int, generation: int | None
    ) -> list[bytes]:
        """Return generation byte + 15 bytes of the CMAC of each `size` bytes."""
        generation = self._generation(generation)
        tags = self._tags(label, joined, size, generation)
        ids = bytearray(b"\0" + tags)  # every tag one byte on: its last makes room
        ids.pop()
        ids[::ID_BYTES] = bytes((generation,)) * (len(joined) // size)
        return split(bytes(ids), ID_BYTES)

    def _tags(self, label: bytes, joined: bytes, size: int, generation: int) -> bytes:
        return self._cmac(label, generation).joined(joined, size)

    def _cmac(self, label: bytes, generation: int) -> Cmac:
        cmac = self._made.get((generation, label))
        if cmac is None:
            cmac = Cmac(self._keyring.subkey(Purpose.IDENTITY, generation, label))
            self._made[generation, label] = cmac
        return cmac

    def _generation(self, generation: int | None) -> int:
        return self._keyring.active(Purpose.IDENTITY) if generation is None else generation


def id_to_text(record_id: bytes) -> str:
    """Return the 26 lower-case base32 characters (RFC 4648, no padding) of 16 bytes."""
    bits = int.from_bytes(record_id) << 2
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


def text_to_id(text: str) -> bytes:
    """Return the 16 bytes of an id's text; raises NotAnId for any other spelling."""
    if not _ID_TEXT.fullmatch(text):
        raise NotAnId("not 26 characters of canonical lower-case base32")
    return (int(text.translate(_TO_INT_BASE_32), 32) >> 2).to_bytes(ID_BYTES)


def uuid7() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562 section 5.7): milliseconds, then fractions of one, then random.

    The 12 bits after the version hold the sub-millisecond fraction (section 6.2, method 3).
    """
    millis, nanos = divmod(time.time_ns(), 1_000_000)
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (nanos << 12) // 1_000_000 << 64
    return uuid.UUID(int=value | 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        raise NotNormal("TEXT_ENCODING") from None
