"""Opens what the server stands on, as its settings have it, and closes it in the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from repository.cache import Cache
from repository.database import Database
from repository.keys import KeyStore
from repository.window import Window
from server.schema import require_schema
from server.settings import Settings
from tokenizer.mac import Macs

__all__ = ["cache_of", "database_of", "key_store_of"]


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[Database]:
    """The main database. Raises SchemaOutdated, Unavailable."""
    primary = settings.database_dsn.get_secret_value()
    await require_schema(primary, "main")
    replica = settings.replica_dsn
    database = Database(
        primary,
        replica.get_secret_value() if replica else None,
        connections_max=settings.database_connections,
    )
    async with _connected(database):
        yield database


@asynccontextmanager
async def key_store_of(settings: Settings) -> AsyncIterator[KeyStore]:
    """The key database. Raises SchemaOutdated, Unavailable."""
    dsn = settings.key_database_dsn.get_secret_value()
    await require_schema(dsn, "keys")
    database = Database(dsn, connections_max=settings.database_connections)
    async with _connected(database):
        yield KeyStore(database)


@asynccontextmanager
async def cache_of(
    settings: Settings, macs: Macs, incarnation: bytes, window: Window
) -> AsyncIterator[Cache | None]:
    """The cache; None when there is none. Never raises because of the cache's server."""
    if settings.cache_url is None:
        yield None
        return
    url = settings.cache_url.get_secret_value()
    cache = Cache(url, macs.cache_entries, incarnation, window)
    try:
        yield cache
    finally:
        await cache.close()


@asynccontextmanager
async def _connected(database: Database) -> AsyncIterator[None]:
    try:
        await database.connect()
        yield
    finally:
        await database.close()
