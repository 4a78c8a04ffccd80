"""The servicers of a worker on a real database, under any state of the key table."""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from opencif.v1 import account_pb2, card_pb2, import_pb2, lookup_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.customer_pb2 import Customer
from repository.audit import AuditStore
from repository.changes import ChangePoll
from repository.database import Database
from repository.follow_up import FollowUpStore
from repository.keys import KeyStore
from repository.link import LinkStore
from repository.reading import Reader
from repository.record import RecordStore
from repository.window import Window
from repository.writing import Writer
from server.account import AccountServicer
from server.account_numbers import AccountNumbers
from server.ach_accounts import AccountResolver
from server.audit import Audit
from server.card import CardServicer
from server.card_numbers import CardNumbers
from server.cursor import Cursors
from server.customer import CustomerServicer
from server.customer_accounts import CustomerAccounts
from server.customer_keys import CustomerSealers
from server.customer_links import CustomerLinks
from server.frames import Frames
from server.loading import ImportServicer, Loading
from server.lookup import LookupServicer
from server.lookup_keys import AccountKeys, CardKeys
from server.mutation import Mutations
from server.opened import OpenedRecords
from server.party import Parties
from server.reading import Reads
from server.routing_table import RoutingTable
from server.rpc import Call, Caller
from server.sealed import SealedRecords
from server.work import Work
from tests.unit.keyrings import KEK, table
from tokenizer.customer import CustomerKeys
from tokenizer.formats import Tokens
from tokenizer.identity import Identity, text_to_id, uuid7
from tokenizer.keyring import Keyring, KeyTable, Purpose
from tokenizer.mac import Macs
from tokenizer.sealing import Sealer

ROUTING = "021000021"
CALL_S = 60.0
OPENED_MAX_BYTES = 2**20
OLD = table()


def rotated(*purposes: Purpose) -> KeyTable:
    """The same keys with one generation more of these."""
    keys = OLD
    for purpose in purposes:
        keys = keys.with_new_generation(purpose, KEK)
    return keys


def generation(name: str) -> int:
    """The generation of the identity key that a record's name was computed under."""
    return text_to_id(name.partition("/")[2])[0]


def request_id() -> str:
    return str(uuid.uuid4())


async def new_person(work: Work) -> Customer:
    customer = Customer(kind="CUSTOMER_KIND_PERSON", state="CUSTOMER_STATE_PROSPECT")
    customer.person.given_name, customer.person.family_name = "Ann", "Bell"
    customer.identifier_values.add(identifier_id="i", value="078051120")
    return work.create(customer, uuid7().bytes)


@dataclass
class Bank:
    """One worker."""

    accounts: AccountServicer
    cards: CardServicer
    customers: CustomerServicer
    imports: ImportServicer
    lookup: LookupServicer
    mutations: Mutations
    resolver: AccountResolver
    poll: ChangePoll

    def call(self, method: str) -> Call:
        caller = Caller("dev", frozenset())
        return Call(caller, f"opencif.v1.Test/{method}", time.monotonic() + CALL_S)

    async def create(self, number: str, asked: str | None = None) -> Account:
        request = account_pb2.CreateAccountRequest(
            request_id=asked or request_id(),
            account={"routing_number": ROUTING, "account_number": number, "currency": "USD"},
        )
        return (await self.accounts.CreateAccount(request, self.call("CreateAccount"))).account

    async def delete(self, name: str) -> None:
        request = account_pb2.DeleteAccountRequest(name=name, request_id=request_id())
        await self.accounts.DeleteAccount(request, self.call("DeleteAccount"))

    async def change(self, change: Callable[[Work], Awaitable[Any]]) -> Any:
        """The answer of a change that no RPC makes."""
        request = account_pb2.OpenAccountRequest(request_id=request_id())
        return (await self.mutations.run(request, self.call("Change"), change)).message

    async def close(self, name: str) -> None:
        await self.move(name, account_pb2.ACCOUNT_STATE_CLOSED)

    async def move(self, name: str, state: account_pb2.AccountState) -> None:
        """Into a state, with the owner that opening takes left out."""

        async def change(work: Work) -> Account:
            account = await work.read(Account, name)
            account.state = state
            return work.put(account)

        await self.change(change)

    async def issue(self, holder: str, pan: str, **fields: Any) -> str:
        card = {"pan": pan, "card_type": 2, "expiry": "2035-01", "cardholder": holder} | fields
        request = card_pb2.IssueCardRequest(request_id=request_id(), card=card)
        return (await self.cards.IssueCard(request, self.call("IssueCard"))).card.name

    async def provision(self, name: str, dpan: str) -> None:
        request = card_pb2.ProvisionCardTokenRequest(
            name=name, request_id=request_id(), token={"dpan": dpan}
        )
        await self.cards.ProvisionCardToken(request, self.call("ProvisionCardToken"))

    async def load(self, **record: Any) -> import_pb2.ImportRecordsResponse:
        async def requests() -> AsyncIterator[import_pb2.ImportRecordsRequest]:
            yield import_pb2.ImportRecordsRequest(records=[import_pb2.ImportRecord(**record)])

        return await self.imports.ImportRecords(requests(), self.call("ImportRecords"))

    async def find_cards(self, **fields: Any) -> lookup_pb2.LookupCardsResponse:
        request = lookup_pb2.LookupCardsRequest(consistency={"fully_consistent": True}, **fields)
        answer = self.lookup.LookupCards(request.SerializeToString(), self.call("LookupCards"))
        whole = answer if isinstance(answer, bytes) else await answer
        return lookup_pb2.LookupCardsResponse.FromString(whole)

    async def find_accounts(self, *keys: dict[str, Any]) -> lookup_pb2.LookupAccountsResponse:
        request = lookup_pb2.LookupAccountsRequest(
            consistency={"fully_consistent": True}, keys=keys
        )
        answer = self.lookup.LookupAccounts(
            request.SerializeToString(), self.call("LookupAccounts")
        )
        whole = answer if isinstance(answer, bytes) else await answer
        return lookup_pb2.LookupAccountsResponse.FromString(whole)


@asynccontextmanager
async def bank(database: Database, key_store: KeyStore, keys: KeyTable) -> AsyncIterator[Bank]:
    """A worker on these databases, wired as app.py does."""
    keyring = Keyring.open(KEK, keys)
    records, links, poll = (
        RecordStore(database),
        LinkStore(database),
        ChangePoll(database, Window()),
    )
    reader = Reader(records, poll)
    writer = Writer(database, reader.committed)
    sealers = CustomerSealers(CustomerKeys(keyring), key_store)
    sealer, macs = Sealer(keyring), Macs(keyring)
    sealed = SealedRecords(sealer, sealers)
    cursors, identity, tokens = Cursors(macs), Identity(keyring), Tokens(keyring)
    frames = Frames(reader, sealed, OpenedRecords(poll, OPENED_MAX_BYTES))
    audit = Audit(AuditStore(database), macs)
    reads = Reads(
        reader, records, links, poll, frames=frames, sealed=sealed, cursors=cursors, audit=audit
    )
    mutations = Mutations(writer, records, sealed, cursors, macs)
    scheme_of, parties = RoutingTable().scheme, Parties(identity)
    numbers = AccountNumbers(identity, tokens, scheme_of)
    card_numbers = CardNumbers(identity, tokens)
    customer_links = CustomerLinks(identity)
    followed = CustomerAccounts(mutations, parties, FollowUpStore(database))
    loading = Loading(writer, sealed, parties, cursors)
    await poll.start()
    yield Bank(
        AccountServicer(mutations, reads, numbers, parties),
        CardServicer(mutations, reads, card_numbers),
        CustomerServicer(mutations, reads, links, customer_links, followed),
        ImportServicer(loading, numbers, card_numbers, customer_links),
        LookupServicer(
            reads,
            frames,
            links,
            AccountKeys(identity, tokens, scheme_of),
            CardKeys(identity, tokens),
        ),
        mutations,
        AccountResolver(reader, identity, sealed),
        poll,
    )
    await poll.stop()
    await writer.settled()
