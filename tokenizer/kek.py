"""Key-encryption keys: providers that wrap purpose keys and MAC the table of their generations.

Owns the one place of this package that reads a secret from outside; must never show one.

Errors: `KekError` is the parent of `KekMalformed` (no 32-byte key there), `PublishedKek` (a key
that anybody can know) and `WrapBroken` (wrapped bytes that do not open).
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import struct
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_BYTES = 32
NONCE_BYTES = 12
_DISTINCT_BYTES_MIN = 16  # 32 random bytes have about 30 distinct values
_PUBLISHED = frozenset(
    bytes.fromhex(key)
    for key in (
        # NIST SP 800-38A, the AES-256 key of every example (and of SP 800-38B and 800-38G)
        "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
        # NIST SP 800-38G samples 7 to 9
        "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94",
        # FIPS 197 appendix C.3 and RFC 3394 section 4.6
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    )
)


class KekError(Exception):
    """A key-encryption key cannot do what was asked of it."""


class KekMalformed(KekError):
    """The secret is not 32 bytes as 64 hexadecimal digits or 44 base64 characters."""


class PublishedKek(KekError):
    """The key is published or made of a few bytes: for development only."""


class WrapBroken(KekError):
    """The wrapped key was not made by this key for this purpose, generation and owner."""


class KeyProvider(Protocol):
    """Where the KEK lives: a file, the environment, a KMS, an HSM. It never gives the KEK away."""

    def wrap(self, key: bytes, purpose: str, generation: int, owner: bytes) -> bytes:
        """Return `key` wrapped, bound to purpose, generation and owner."""
        ...

    def unwrap(self, wrapped: bytes, purpose: str, generation: int, owner: bytes) -> bytes:
        """Return the key that was wrapped; raises WrapBroken."""
        ...

    def mac(self, data: bytes) -> bytes:
        """Return a 32-byte MAC of `data` under the KEK."""
        ...


def derive(key: bytes, label: bytes) -> bytes:
    """Return the 32-byte subkey of a uniformly random key (HKDF-Expand, RFC 5869, SHA-256)."""
    return HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=b"opencif/1/" + label).derive(key)


def is_published(kek: bytes) -> bool:
    """Tell whether a KEK is a published test key, typed text, few bytes repeated or a count."""
    steps = {(after - before) % 256 for before, after in pairwise(kek)}
    is_plain = len(set(kek)) < _DISTINCT_BYTES_MIN or len(steps) == 1
    return kek in _PUBLISHED or is_plain or all(0x20 <= byte < 0x7F for byte in kek)


def parse_kek(text: str) -> bytes:
    """Return the 32 bytes of a KEK given as hexadecimal or base64; raises KekMalformed."""
    text = text.strip()
    try:
        if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
            return bytes.fromhex(text)
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KekMalformed("the key-encryption key is neither hexadecimal nor base64") from None
    if len(key) != KEY_BYTES:
        raise KekMalformed("the key-encryption key is not 32 bytes")
    return key


class LocalKek:
    """A KEK in this process's memory: AES-256-GCM wraps, HMAC-SHA-256 MACs, a subkey for each.

    A published key raises PublishedKek unless `development` is true.
    """

    __slots__ = ("_mac_key", "_wrapping")

    def __init__(self, kek: bytes, *, development: bool = False) -> None:
        if len(kek) != KEY_BYTES:
            raise KekMalformed("the key-encryption key is not 32 bytes")
        if is_published(kek) and not development:
            raise PublishedKek("the key-encryption key is published: it serves development only")
        self._wrapping = AESGCM(derive(kek, b"kek/wrap"))
        self._mac_key = derive(kek, b"kek/mac")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key hidden)"

    def wrap(self, key: bytes, purpose: str, generation: int, owner: bytes) -> bytes:
        """Return nonce and AES-256-GCM ciphertext of `key`, bound to its name."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key, _binding(purpose, generation, owner))

    def unwrap(self, wrapped: bytes, purpose: str, generation: int, owner: bytes) -> bytes:
        """Return the key that was wrapped; raises WrapBroken."""
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._wrapping.decrypt(nonce, sealed, _binding(purpose, generation, owner))
        except (InvalidTag, ValueError):
            raise WrapBroken(f"key {purpose}/{generation} does not open under this KEK") from None

    def mac(self, data: bytes) -> bytes:
        """Return HMAC-SHA-256 of `data`, 32 bytes."""
        return hmac.digest(self._mac_key, data, hashlib.sha256)


class FileKeyProvider(LocalKek):
    """The KEK from a file (a mounted secret): 64 hexadecimal digits or base64."""

    __slots__ = ()

    def __init__(self, path: Path | str, *, development: bool = False) -> None:
        try:
            text = Path(path).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise KekMalformed(f"no key-encryption key in {path}") from error
        super().__init__(parse_kek(text), development=development)


class EnvironmentKeyProvider(LocalKek):
    """The KEK from an environment variable, for development and tests."""

    __slots__ = ()

    def __init__(self, variable: str = "OPENCIF_KEK", *, development: bool = False) -> None:
        text = os.environ.get(variable)
        if not text:
            raise KekMalformed(f"{variable} holds no key-encryption key")
        super().__init__(parse_kek(text), development=development)


def _binding(purpose: str, generation: int, owner: bytes) -> bytes:
    """Return the associated data of a wrap: every field with its length."""
    name = purpose.encode()
    return struct.pack(">B", len(name)) + name + struct.pack(">HH", generation, len(owner)) + owner
