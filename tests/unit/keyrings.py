"""Keyrings for the tests of the tokenizer."""

import hashlib

from tokenizer.kek import LocalKek
from tokenizer.keyring import Keyring, KeyTable, Purpose, create_table

KEK = LocalKek(hashlib.sha256(b"the KEK of the unit tests").digest())


def table(*rotated: Purpose) -> KeyTable:
    """Return a key table in which each purpose named has had one more generation made."""
    made = create_table(KEK)
    for purpose in rotated:
        made = made.with_new_generation(purpose, KEK)
    return made


def ring(*rotated: Purpose) -> Keyring:
    return Keyring.open(KEK, table(*rotated))
