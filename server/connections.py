"""Opens what the server stands on, as its settings have it, and closes it in the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from repository.cache import Cache
from repository.changes import ChangePoll
from repository.database import Database
from repository.heartbeat import Heart
from repository.keys import KeyStore
from repository.window import Window
from server.schema import require_schema
from server.sealed import SealedRecords
from server.settings import Settings
from tokenizer.boxes import Boxes

__all__ = ["cache_of", "database_of", "key_store_of", "poll_of"]

WATCH_CONNECTIONS: Final = 3
"""A poll, a beat, and one that neither of them got an answer on."""


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[Database]:
    """The main database. Raises SchemaOutdated, Unavailable."""
    primary = settings.database_dsn.get_secret_value()
    replica = settings.replica_dsn.get_secret_value() if settings.replica_dsn else None
    await require_schema(primary, "main", replica)
    database = Database(
        primary,
        replica,
        connections_max=settings.database_connections,
        connection_wait_max_s=settings.connection_wait_max_s,
        may_lack_primary=True,
    )
    async with _connected(database):
        yield database


@asynccontextmanager
async def poll_of(
    settings: Settings, database: Database, key_store: KeyStore
) -> AsyncIterator[ChangePoll]:
    """The poll, to be started, and the heartbeat, which beats; on connections of their own.

    Calls never keep them waiting; `database` and `key_store` leave a primary that they find to be
    none.
    Raises Unavailable.
    """
    primary = settings.database_dsn.get_secret_value()
    watch = Database(primary, connections_max=WATCH_CONNECTIONS, may_lack_primary=True)
    async with _connected(watch), Heart(watch).running():
        poll = ChangePoll(watch, Window(), max_stale_s=settings.max_stale_s, heart_beats=True)
        poll.on_leave += [database.leave, key_store.leave]
        database.beware(lambda: not poll.has_begun or poll.age_s > settings.primary_silent_s)
        async with database.replicas.watched(poll.is_fit):
            yield poll


@asynccontextmanager
async def key_store_of(settings: Settings) -> AsyncIterator[KeyStore]:
    """The key database. Raises SchemaOutdated, Unavailable."""
    dsn = settings.key_database_dsn.get_secret_value()
    await require_schema(dsn, "keys")
    connections = settings.database_connections
    database = Database(dsn, dsn, connections_max=connections, may_lack_primary=True)
    async with _connected(database):
        yield KeyStore(database)


@asynccontextmanager
async def cache_of(
    settings: Settings, boxes: Boxes, sealed: SealedRecords, window: Window
) -> AsyncIterator[Cache | None]:
    """The cache; None when there is none. Never raises because of the cache's server."""
    if settings.cache_url is None:
        yield None
        return
    url = settings.cache_url.get_secret_value()
    cache = Cache(url, boxes, sealed.opened, window)
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
