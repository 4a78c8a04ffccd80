"""The key of one customer: made, wrapped for the key database, and sealing that customer's data.

Owns what dies with the key: erasing its wrapped form makes private and number segments unreadable.
Wrapping is AES-KW (RFC 3394) under a subkey of `customer-wrap` of the customer's own, so a wrapped
key moved to another customer's row does not open.
"""

import os
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from tokenizer.kek import KEY_BYTES, WrapBroken
from tokenizer.keyring import Keyring, Purpose
from tokenizer.sealing import NONCE_BYTES, SealBroken, Segment

KIND_CUSTOMER = 1
KEY_GENERATION = 1  # a customer has one key for life: only its wrapping has generations
_HEADER = struct.Struct(">BQ")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A customer's key as the key database holds it: 40 bytes under a wrap generation."""

    generation: int
    wrapped: bytes = field(repr=False)


class CustomerSealer:
    """Seals and opens the private and number segments of one customer under that customer's key."""

    __slots__ = ("_cipher", "_customer_id")

    def __init__(self, customer_id: bytes, key: bytes) -> None:
        self._customer_id = customer_id
        self._cipher = AESGCM(key)

    def __repr__(self) -> str:
        return "CustomerSealer(key hidden)"

    def seal_private(self, version: int, plaintext: bytes) -> bytes:
        """Return the sealed private segment of that version."""
        return self._seal(Segment.PRIVATE, version, plaintext)

    def open_private(self, version: int, blob: bytes) -> bytes:
        """Return the plaintext; raises SealBroken unless it opens and is of that version."""
        return self._open(Segment.PRIVATE, version, blob)

    def seal_number(self, version: int, plaintext: bytes) -> bytes:
        """Return the sealed number segment of that version."""
        return self._seal(Segment.NUMBER, version, plaintext)

    def open_number(self, version: int, blob: bytes) -> bytes:
        """Return the plaintext; raises SealBroken unless it opens and is of that version."""
        return self._open(Segment.NUMBER, version, blob)

    def _seal(self, segment: Segment, version: int, plaintext: bytes) -> bytes:
        header = _HEADER.pack(KEY_GENERATION, version)
        nonce = os.urandom(NONCE_BYTES)
        return header + nonce + self._cipher.encrypt(nonce, plaintext, self._aad(segment, header))

    def _open(self, segment: Segment, version: int, blob: bytes) -> bytes:
        header = _HEADER.pack(KEY_GENERATION, version)
        if not blob.startswith(header):
            raise SealBroken
        nonce_end = _HEADER.size + NONCE_BYTES
        nonce, text = blob[_HEADER.size : nonce_end], blob[nonce_end:]
        try:
            return self._cipher.decrypt(nonce, text, self._aad(segment, header))
        except (InvalidTag, ValueError):
            raise SealBroken from None

    def _aad(self, segment: Segment, header: bytes) -> bytes:
        return bytes((KIND_CUSTOMER, segment)) + self._customer_id + header


class CustomerKeys:
    """Makes, wraps and unwraps customers' keys. Ids are the 16 bytes of the customer's UUID."""

    __slots__ = ("_keyring",)

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def __repr__(self) -> str:
        return "CustomerKeys(keys hidden)"

    def create(self, customer_id: bytes) -> tuple[CustomerSealer, WrappedKey]:
        """Return the sealer of a new random key and the key wrapped, to be stored."""
        key = os.urandom(KEY_BYTES)
        return CustomerSealer(customer_id, key), self._wrap(customer_id, key)

    def unwrap(self, customer_id: bytes, wrapped: WrappedKey) -> CustomerSealer:
        """Return the sealer of a stored key; raises WrapBroken, KeyRetired, UnknownGeneration."""
        return CustomerSealer(customer_id, self._key(customer_id, wrapped))

    def rewrap(self, customer_id: bytes, wrapped: WrappedKey) -> WrappedKey:
        """Return the same key wrapped under the active generation; raises as `unwrap`."""
        return self._wrap(customer_id, self._key(customer_id, wrapped))

    def _wrap(self, customer_id: bytes, key: bytes) -> WrappedKey:
        generation = self._keyring.active(Purpose.CUSTOMER_WRAP)
        return WrappedKey(generation, aes_key_wrap(self._wrapping(customer_id, generation), key))

    def _key(self, customer_id: bytes, wrapped: WrappedKey) -> bytes:
        wrapping = self._wrapping(customer_id, wrapped.generation)
        try:
            return aes_key_unwrap(wrapping, wrapped.wrapped)
        except (InvalidUnwrap, ValueError):
            raise WrapBroken("the key is not this customer's, or is damaged") from None

    def _wrapping(self, customer_id: bytes, generation: int) -> bytes:
        label = b"owner/" + customer_id
        return self._keyring.subkey(Purpose.CUSTOMER_WRAP, generation, label)
