"""The composition root: the only place where what the server is made of is put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from repository.ach_run import AchRunStore
from repository.audit import AuditStore
from repository.follow_up import FollowUpStore
from repository.link import LinkStore
from repository.reading import Reader
from repository.record import RecordStore
from repository.routing import RoutingStore
from repository.writing import Writer
from server.account import AccountServicer
from server.account_numbers import AccountNumbers, AccountScheme
from server.account_table import AccountTable
from server.ach import AchResolutionServicer
from server.ach_accounts import AccountResolver
from server.ach_columns import ColumnResolver
from server.ach_corrections import Corrections
from server.ach_resolving import Tools
from server.audit import Audit
from server.card import CardServicer
from server.card_numbers import CardNumbers
from server.connections import cache_of, database_of, key_store_of, poll_of
from server.cursor import Cursors
from server.customer import CustomerServicer
from server.customer_accounts import CustomerAccounts
from server.customer_keys import CustomerSealers
from server.customer_links import CustomerLinks
from server.frames import Frames
from server.housekeeping import Housekeeping, chores
from server.key_table import open_keyring
from server.loading import ImportServicer, Loading
from server.lookup import LookupServicer
from server.lookup_keys import AccountKeys, CardKeys
from server.metrics import Gauges
from server.mutation import Mutations
from server.name_words import NameWords
from server.opened import OpenedRecords
from server.party import Parties
from server.reading import Reads
from server.relationship import RelationshipServicer
from server.routing import RoutingNumbers, RoutingServicer
from server.sampler import Sampler
from server.sealed import SealedRecords
from server.settings import Settings
from server.tokenization import TokenizationServicer
from tokenizer.boxes import Boxes
from tokenizer.customer import CustomerKeys
from tokenizer.formats import Tokens
from tokenizer.identity import Identity
from tokenizer.mac import Macs
from tokenizer.sealing import Sealer

__all__ = ["Wired", "wired"]


class Wired(NamedTuple):
    """What serves: one servicer per service, and where audited calls are recorded."""

    servicers: list[object]
    audit: Audit


class _Parts(NamedTuple):
    """What the servicers of records share."""

    mutations: Mutations
    reads: Reads
    frames: Frames
    links: LinkStore
    followed: CustomerAccounts
    identity: Identity
    tokens: Tokens
    scheme_of: Callable[[str], AccountScheme]


@asynccontextmanager
async def wired(settings: Settings, gauges: Gauges) -> AsyncIterator[Wired]:
    """Every servicer, on open connections, until the block ends.

    Raises SchemaOutdated, Unavailable, KeysMissing, KekError, KeyringError.
    """
    async with AsyncExitStack() as opened:
        enter = opened.enter_async_context
        database = await enter(database_of(settings))
        key_store = await enter(key_store_of(settings))
        keyring = await open_keyring(settings, key_store)
        macs, sealer = Macs(keyring), Sealer(keyring)
        identity, tokens = Identity(keyring), Tokens(keyring)
        poll = await enter(poll_of(settings, database, key_store))
        sealed = SealedRecords(sealer, CustomerSealers(CustomerKeys(keyring), key_store))
        cache = await enter(cache_of(settings, Boxes(keyring), sealed, poll.window))
        records, links, runs = RecordStore(database), LinkStore(database), AchRunStore(database)
        reader = Reader(records, poll, cache)
        writer = Writer(database, reader.committed)
        opened.push_async_callback(writer.settled)
        cursors, audit = Cursors(macs), Audit(AuditStore(database), macs)
        own = OpenedRecords(poll, settings.opened_max_bytes)
        frames = Frames(reader, sealed, own)
        reads = Reads(
            reader, records, links, poll, frames=frames, sealed=sealed, cursors=cursors, audit=audit
        )
        mutations = Mutations(writer, records, sealed, cursors, macs)
        routing = RoutingNumbers(RoutingStore(database))
        opened.push_async_callback(routing.close)
        followed = CustomerAccounts(mutations, Parties(identity), FollowUpStore(database))
        parts = _Parts(mutations, reads, frames, links, followed, identity, tokens, routing.scheme)
        resolver = AccountResolver(reader, identity, sealed)
        corrections = Corrections(records, sealer, reads)
        columns = ColumnResolver(resolver, AccountTable(poll, settings.account_table_max_bytes))
        clearing = Tools(resolver, columns, corrections, NameWords(identity), tokens, routing, runs)
        servicers: list[object] = [
            *_record_servicers(parts, Loading(writer, sealed, Parties(identity), cursors)),
            AchResolutionServicer(clearing, reads),
            RoutingServicer(routing, RoutingStore(database)),
        ]
        poll.on_routing.append(routing.revised)
        await poll.start()
        opened.push_async_callback(poll.stop)
        await routing.load()
        await enter(followed.running())
        sampler = Sampler(database, poll, own, cache, count=settings.sampled_per_s)
        todo = chores(settings, writer, runs, sealer.counts, key_store)
        await enter(Housekeeping([*todo, sampler.chore]).running())
        gauges.poll_age_s = lambda: poll.age_s
        gauges.idle_connections = lambda: database.idle_connections
        gauges.reads, gauges.own, gauges.samples = reader.stats, own.stats, sampler.stats
        gauges.audit = audit.stats
        gauges.cache = cache.stats if cache else gauges.cache
        yield Wired(servicers, audit)


def _record_servicers(parts: _Parts, loading: Loading) -> list[object]:
    """Those that create, change, load, find and tokenize."""
    mutations, reads, frames, links, followed, identity, tokens, scheme_of = parts
    accounts = AccountNumbers(identity, tokens, scheme_of)
    account_keys = AccountKeys(identity, tokens, scheme_of)
    cards, customers = CardNumbers(identity, tokens), CustomerLinks(identity)
    return [
        AccountServicer(mutations, reads, accounts, loading.parties),
        CardServicer(mutations, reads, cards),
        CustomerServicer(mutations, reads, links, customers, followed),
        ImportServicer(loading, accounts, cards, customers),
        LookupServicer(reads, frames, links, account_keys, CardKeys(identity, tokens)),
        RelationshipServicer(mutations, reads, links),
        TokenizationServicer(tokens, scheme_of),
    ]
