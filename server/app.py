"""The composition root: the only place where what the server is made of is put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from repository.audit import AuditStore
from repository.cache import Cache
from repository.changes import ChangePoll
from repository.database import Database
from repository.keys import KeyStore
from repository.link import LinkStore
from repository.reading import Reader
from repository.record import RecordStore
from repository.routing import RoutingStore
from repository.window import Window
from repository.writing import Writer
from server.audit import Audit
from server.cursor import Cursors
from server.customer_keys import CustomerSealers
from server.housekeeping import Housekeeping
from server.key_table import open_keyring
from server.metrics import Gauges
from server.mutation import Mutations
from server.reading import Reads
from server.routing import RoutingNumbers, RoutingServicer
from server.schema import require_schema
from server.sealed import SealedRecords
from server.settings import Settings
from tokenizer.customer import CustomerKeys
from tokenizer.mac import Macs
from tokenizer.sealing import Sealer

__all__ = ["Wired", "wired"]


class Wired(NamedTuple):
    """What serves: one servicer per service, and where audited calls are recorded."""

    servicers: list[object]
    audit: Audit


@asynccontextmanager
async def wired(settings: Settings, gauges: Gauges) -> AsyncIterator[Wired]:
    """Every servicer, on open connections, until the block ends.

    Raises SchemaOutdated, Unavailable, KeysMissing, KekError, KeyringError.
    """
    async with AsyncExitStack() as opened:
        database = await _database(settings, opened)
        key_store = await _key_store(settings, opened)
        keyring = await open_keyring(settings, key_store)
        macs, cursors = Macs(keyring), Cursors(Macs(keyring))
        customers = CustomerSealers(CustomerKeys(keyring), key_store)
        sealed = SealedRecords(Sealer(keyring), customers)

        incarnation = (await database.incarnation()).id
        poll = ChangePoll(database, Window(), max_stale_s=settings.max_stale_s)
        cache = _cache(settings, macs, incarnation, poll, opened)
        records, links = RecordStore(database), LinkStore(database)
        reader = Reader(records, poll, incarnation, cache)
        writer = Writer(database, incarnation, reader.committed)
        opened.push_async_callback(writer.settled)
        reads = Reads(reader, records, links, poll, sealed=sealed, cursors=cursors)
        mutations = Mutations(writer, records, sealed, cursors, macs)

        routing_store = RoutingStore(database)
        routing = RoutingNumbers(routing_store)
        opened.push_async_callback(routing.close)
        poll.on_routing.append(routing.revised)
        await poll.start()
        opened.push_async_callback(poll.stop)
        await routing.load()
        await opened.enter_async_context(Housekeeping(writer).running())
        _measure(gauges, database, poll, reader, cache)
        del reads, mutations
        yield Wired([RoutingServicer(routing, routing_store)], Audit(AuditStore(database), macs))


async def _database(settings: Settings, opened: AsyncExitStack) -> Database:
    await require_schema(settings.database_dsn.get_secret_value(), "main")
    replica = settings.replica_dsn
    database = Database(
        settings.database_dsn.get_secret_value(),
        replica.get_secret_value() if replica else None,
        connections_max=settings.database_connections,
    )
    opened.push_async_callback(database.close)
    await database.connect()
    return database


async def _key_store(settings: Settings, opened: AsyncExitStack) -> KeyStore:
    dsn = settings.key_database_dsn.get_secret_value()
    await require_schema(dsn, "keys")
    database = Database(dsn, connections_max=settings.database_connections)
    opened.push_async_callback(database.close)
    await database.connect()
    return KeyStore(database)


class _CacheProver:
    """The cache's MACs under their purpose key, as the repository asks for them."""

    def __init__(self, macs: Macs) -> None:
        self.macs = macs.cache_entries


def _cache(
    settings: Settings, macs: Macs, incarnation: bytes, poll: ChangePoll, opened: AsyncExitStack
) -> Cache | None:
    if settings.cache_url is None:
        return None
    url = settings.cache_url.get_secret_value()
    cache = Cache(url, _CacheProver(macs), incarnation, poll.window)
    opened.push_async_callback(cache.close)
    return cache


def _measure(
    gauges: Gauges, database: Database, poll: ChangePoll, reader: Reader, cache: Cache | None
) -> None:
    """Tell metrics where others count."""
    gauges.poll_age_s = lambda: poll.age_s
    gauges.idle_connections = lambda: database.idle_connections
    gauges.read_statements = lambda: reader.stats.statements
    if cache is not None:
        stats = cache.stats
        gauges.cache_hits = lambda: {"valkey": stats.hits}
        gauges.cache_misses = lambda: stats.misses
        gauges.cache_events = lambda: {
            "filled": stats.filled,
            "restamped": stats.restamped,
            "fill_dropped": stats.fills_dropped,
        }
