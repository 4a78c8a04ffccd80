"""Purpose keys by generation: the table that lists them and the ring that serves them.

Owns which generation creates, which still serve and which are retired; must not know what a
purpose key is used for.

Errors: `KeyringError` is the parent of `KeyTableTampered`, `KeyTableUnsound`, `GenerationRefused`,
`UnknownGeneration` and `KeyRetired`.
"""

import hmac
import os
import struct
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from tokenizer.kek import KEY_BYTES, KeyProvider, derive

__all__ = [
    "GenerationRefused",
    "KeyRetired",
    "KeyRow",
    "KeyState",
    "KeyTable",
    "KeyTableTampered",
    "KeyTableUnsound",
    "Keyring",
    "KeyringError",
    "Purpose",
    "UnknownGeneration",
    "create_table",
]

GENERATION_MAX = 255  # one byte of every account and card id
PAN_TOKEN_CLASSES = 9  # a PAN token names its generation modulo 9
_OWNER = b"opencif"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Purpose(StrEnum):
    """What a purpose key is for. The text is stored: it never changes."""

    IDENTITY = "identity"
    TOKEN_PAN = "token-pan"  # noqa: S105 - the name of a purpose, not a secret
    TOKEN_ACCOUNT = "token-account"  # noqa: S105 - the name of a purpose, not a secret
    TOKEN_SSN = "token-ssn"  # noqa: S105 - the name of a purpose, not a secret
    TOKEN_EIN = "token-ein"  # noqa: S105 - the name of a purpose, not a secret
    TOKEN_IDENTIFIER = "token-identifier"  # noqa: S105 - the name of a purpose, not a secret
    OPERATIONAL = "operational"
    NUMBER = "number"
    CACHE = "cache"
    TOKEN_MAC = "token-mac"  # noqa: S105 - the name of a purpose, not a secret
    AUDIT = "audit"
    CUSTOMER_WRAP = "customer-wrap"


class KeyState(StrEnum):
    """What a generation still does. The text is stored: it never changes."""

    ACTIVE = "active"  # creates, opens, looks up: exactly one per purpose
    LIVE = "live"  # opens and looks up, creates nothing
    RETIRED = "retired"  # serves nothing


class KeyringError(Exception):
    """A purpose key cannot be served or changed."""


class KeyTableTampered(KeyringError):
    """The key table is not the one this KEK vouched for."""


class KeyTableUnsound(KeyringError):
    """The key table vouches for itself but a purpose has no single active generation."""


class GenerationRefused(KeyringError):
    """The change would break a rule of generations."""


class UnknownGeneration(KeyringError):
    """No key of this purpose and generation was ever made here."""


class KeyRetired(KeyringError):
    """The generation is retired: it opens and creates nothing."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One generation of one purpose key, wrapped by the KEK. `create_time` is in UTC."""

    purpose: str
    generation: int
    state: KeyState
    wrapped: bytes = field(repr=False)
    create_time: datetime


@dataclass(frozen=True, slots=True)
class KeyTable:
    """All generations of all purpose keys under one MAC of the KEK; every change makes a new table.

    The MAC stops rows from being added, changed or left out, not an older whole table from being
    put back: that takes the KEK provider or an audit of the database.
    """

    rows: tuple[KeyRow, ...]
    mac: bytes = field(repr=False)

    @classmethod
    def sign(cls, rows: Iterable[KeyRow], provider: KeyProvider) -> "KeyTable":
        """Return the table of `rows`, ordered and MACed."""
        ordered = tuple(sorted(rows, key=lambda row: (row.purpose, row.generation)))
        return cls(ordered, provider.mac(_table_bytes(ordered)))

    def verify(self, provider: KeyProvider) -> None:
        """Raise KeyTableTampered unless the MAC is the KEK's over exactly these rows."""
        ordered = tuple(sorted(self.rows, key=lambda row: (row.purpose, row.generation)))
        if not hmac.compare_digest(provider.mac(_table_bytes(ordered)), self.mac):
            raise KeyTableTampered("the key table was changed, or belongs to another KEK")

    def with_new_generation(
        self, purpose: Purpose, provider: KeyProvider, now: datetime | None = None
    ) -> "KeyTable":
        """Return the table with a new active generation; the former active one is live.

        Raises KeyTableTampered; GenerationRefused after 255 generations, or when two generations
        of PAN tokens that serve would share their class.
        """
        self.verify(provider)
        mine = [row for row in self.rows if row.purpose == purpose]
        generation = max((row.generation for row in mine), default=0) + 1
        if generation > GENERATION_MAX:
            raise GenerationRefused(f"{purpose} has used all its generations")
        demoted = [
            replace(row, state=KeyState.LIVE)
            if row.purpose == purpose and row.state is KeyState.ACTIVE
            else row
            for row in self.rows
        ]
        fresh = _new_row(purpose, generation, provider, now or datetime.now(UTC))
        _refuse_shared_classes([*demoted, fresh])
        return KeyTable.sign([*demoted, fresh], provider)

    def with_retired(self, purpose: Purpose, generation: int, provider: KeyProvider) -> "KeyTable":
        """Return the table with a live generation retired; raises GenerationRefused otherwise."""
        self.verify(provider)
        rows = {(row.purpose, row.generation): row for row in self.rows}
        row = rows.get((purpose, generation))
        if row is None or row.state is not KeyState.LIVE:
            raise GenerationRefused(f"{purpose}/{generation} is not live")
        rows[purpose, generation] = replace(row, state=KeyState.RETIRED)
        return KeyTable.sign(rows.values(), provider)


def create_table(provider: KeyProvider, now: datetime | None = None) -> KeyTable:
    """Return a table with one new active generation of every purpose."""
    time = now or datetime.now(UTC)
    return KeyTable.sign((_new_row(purpose, 1, provider, time) for purpose in Purpose), provider)


class Keyring:
    """Serves subkeys of purpose keys by generation; the purpose keys themselves stay inside."""

    __slots__ = ("_active", "_keys", "_retired", "_serving")

    def __init__(self, keys: dict[tuple[str, int], bytes], rows: Iterable[KeyRow]) -> None:
        self._keys = keys
        self._retired = frozenset(
            (row.purpose, row.generation) for row in rows if row.state is KeyState.RETIRED
        )
        self._active = {row.purpose: row.generation for row in rows if row.state is KeyState.ACTIVE}
        serving: dict[str, list[int]] = defaultdict(list)
        for purpose, generation in sorted(keys, reverse=True):
            serving[purpose].append(generation)
        self._serving = {purpose: tuple(found) for purpose, found in serving.items()}

    @classmethod
    def open(cls, provider: KeyProvider, table: KeyTable) -> "Keyring":
        """Return the ring of every generation that serves.

        Raises KeyTableTampered, KeyTableUnsound (a purpose without a single active generation) and
        WrapBroken.
        """
        table.verify(provider)
        for purpose in Purpose:
            states = [row.state for row in table.rows if row.purpose == purpose]
            if states.count(KeyState.ACTIVE) != 1:
                raise KeyTableUnsound(f"{purpose} has no single active generation")
        _refuse_shared_classes(table.rows)
        keys = {
            (row.purpose, row.generation): provider.unwrap(
                row.wrapped, row.purpose, row.generation, _OWNER
            )
            for row in table.rows
            if row.state is not KeyState.RETIRED
        }
        return cls(keys, table.rows)

    def __repr__(self) -> str:
        return f"Keyring({len(self._keys)} keys hidden)"

    def active(self, purpose: Purpose) -> int:
        """Return the generation that creates."""
        return self._active[purpose]

    def generations(self, purpose: Purpose) -> tuple[int, ...]:
        """Return the generations that serve, newest first."""
        return self._serving[purpose]

    def require(self, purpose: Purpose, generation: int) -> None:
        """Raise KeyRetired or UnknownGeneration unless the generation serves."""
        if (purpose, generation) in self._keys:
            return
        if (purpose, generation) in self._retired:
            raise KeyRetired(f"{purpose}/{generation} is retired")
        raise UnknownGeneration(f"{purpose} has no generation {generation}")

    def retired(self, purpose: Purpose) -> tuple[int, ...]:
        """Return the generations that no longer serve, newest first."""
        return tuple(sorted((g for p, g in self._retired if p == purpose), reverse=True))

    def subkey(self, purpose: Purpose, generation: int, label: bytes) -> bytes:
        """Return the 32-byte subkey `label` of a purpose key; raises KeyRetired, UnknownGeneration.

        HKDF-Expand (RFC 5869) with SHA-256; each use has a label of its own.
        """
        self.require(purpose, generation)
        return derive(self._keys[purpose, generation], purpose.encode() + b"/" + label)


def _new_row(purpose: str, generation: int, provider: KeyProvider, now: datetime) -> KeyRow:
    wrapped = provider.wrap(os.urandom(KEY_BYTES), purpose, generation, _OWNER)
    return KeyRow(purpose, generation, KeyState.ACTIVE, wrapped, now)


def _refuse_shared_classes(rows: Iterable[KeyRow]) -> None:
    """Raise GenerationRefused when a PAN token could name two generations that serve."""
    serving = sorted(
        row.generation % PAN_TOKEN_CLASSES
        for row in rows
        if row.purpose == Purpose.TOKEN_PAN and row.state is not KeyState.RETIRED
    )
    if any(before == after for before, after in pairwise(serving)):
        raise GenerationRefused("two generations of PAN tokens share their class: retire one")


def _table_bytes(rows: tuple[KeyRow, ...]) -> bytes:
    """Return the injective encoding the table's MAC covers; times count in microseconds."""
    parts = [struct.pack(">BI", 1, len(rows))]
    for row in rows:
        micros = (row.create_time - _EPOCH) // _MICROSECOND
        texts = (row.purpose.encode(), str(row.state).encode(), row.wrapped)
        parts += [struct.pack(">I", len(text)) + text for text in texts]
        parts.append(struct.pack(">Qq", row.generation, micros))
    return b"".join(parts)
