"""Purpose keys from the key database to a keyring, and the commands that make and show them.

Owns the way between KeyStore's rows and the tokenizer's table; never shows a key.
"""

import os
import secrets
from collections.abc import Mapping

from repository.keys import KeyStore, PurposeKey
from server.connections import key_store_of
from server.seal_counts import SEALING, is_due
from server.settings import Settings
from tokenizer.kek import EnvironmentKeyProvider, FileKeyProvider, KeyProvider
from tokenizer.keyring import Keyring, KeyRow, KeyState, KeyTable, create_table

__all__ = ["KeysExist", "KeysMissing", "init", "key_provider", "open_keyring", "status"]


class KeysExist(Exception):
    """The key database has a key table already: making another would lose every record."""


class KeysMissing(Exception):
    """The key database has no key table, or the key-encryption key's file is not there."""


def key_provider(settings: Settings) -> KeyProvider:
    """The provider of the key-encryption key: the file that is named, else the environment.

    Raises KeysMissing; KekMalformed; PublishedKek for a key anybody can know, in production.
    """
    if settings.kek_file is None:
        return EnvironmentKeyProvider(development=settings.is_development)
    if not settings.kek_file.exists():
        cure = "run `keys init`" if settings.is_development else "production brings its own"
        raise KeysMissing(f"no key-encryption key in {settings.kek_file}: {cure}")
    return FileKeyProvider(settings.kek_file, development=settings.is_development)


async def open_keyring(settings: Settings, store: KeyStore) -> Keyring:
    """The keyring of all generations that serve.

    Raises KeysMissing, KeyTableTampered, KeyTableUnsound, WrapBroken, Unavailable.
    """
    return Keyring.open(key_provider(settings), await _load(store))


async def init(settings: Settings) -> list[str]:
    """Make the first generation of every purpose key, and in development the KEK's file.

    Raises KeysExist, KeysMissing (production brings its own key-encryption key),
    SchemaOutdated, Unavailable.
    """
    async with key_store_of(settings) as store:
        if (await store.purpose_keys())[1] is not None:
            raise KeysExist("the key database has its keys already; nothing was changed")
        made = _make_kek(settings)
        table = create_table(key_provider(settings))
        await store.set_purpose_keys([_stored(row) for row in table.rows], table.mac, None)
    return [*made, *_lines(table, {})]


async def status(settings: Settings) -> list[str]:
    """One line for each generation of each purpose key: its state, age, seals, whether it is due.

    Raises as `open_keyring`.
    """
    async with key_store_of(settings) as store:
        table, seals = await _load(store), await store.seals()
    table.verify(key_provider(settings))
    return _lines(table, seals)


def _make_kek(settings: Settings) -> list[str]:
    """In development, write a key-encryption key for this user's eyes only, unless there is one."""
    path = settings.kek_file
    if path is None or path.exists() or not settings.is_development:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    return [f"key-encryption key written to {path}"]


async def _load(store: KeyStore) -> KeyTable:
    rows, mac = await store.purpose_keys()
    if mac is None:
        raise KeysMissing("the key database has no keys: run `keys init`")
    return KeyTable(
        tuple(
            KeyRow(row.purpose, row.generation, KeyState(row.state), row.wrapped, row.create_time)
            for row in rows
        ),
        mac,
    )


def _stored(row: KeyRow) -> PurposeKey:
    return PurposeKey(row.purpose, row.generation, str(row.state), row.wrapped, row.create_time)


def _lines(table: KeyTable, seals: Mapping[tuple[str, int], int]) -> list[str]:
    return [_line(row, seals.get((row.purpose, row.generation), 0)) for row in table.rows]


def _line(row: KeyRow, seals: int) -> str:
    line = f"{row.purpose:<18} {row.generation:>3}  {row.state:<8} {row.create_time:%Y-%m-%d}"
    if row.purpose in SEALING:
        line += f"  {seals:,} seals"
    return f"{line}  DUE" if is_due(row, seals) else line
