"""Accounts and cards on a real database while generations of the keys come and go."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from opencif.v1 import account_pb2 as pb
from opencif.v1 import card_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.customer_pb2 import Customer
from repository.changes import ChangePoll
from repository.database import Database
from repository.keys import KeyStore
from repository.link import LinkStore
from repository.reading import Reader
from repository.record import RecordStore
from repository.window import Window
from repository.writing import Writer
from server.account import AccountServicer
from server.account_numbers import AccountNumbers
from server.card import CardServicer
from server.card_numbers import CardNumbers
from server.cursor import Cursors
from server.customer_keys import CustomerSealers
from server.errors import AlreadyExists
from server.mutation import Mutations
from server.party import Parties
from server.reading import Reads
from server.routing_table import RoutingTable
from server.rpc import Call, Caller
from server.sealed import SealedRecords
from server.work import Work
from tests.conftest import Database as Databases
from tests.unit.keyrings import KEK, table
from tokenizer.customer import CustomerKeys
from tokenizer.formats import Tokens
from tokenizer.identity import Identity, text_to_id, uuid7
from tokenizer.keyring import Keyring, KeyTable, Purpose
from tokenizer.mac import Macs
from tokenizer.sealing import Sealer

ROUTING = "021000021"
CALL_S = 60.0


@dataclass
class Bank:
    """The servicers of one worker, under one state of the key table."""

    accounts: AccountServicer
    cards: CardServicer
    mutations: Mutations

    def call(self, method: str) -> Call:
        caller = Caller("dev", frozenset())
        return Call(caller, f"opencif.v1.Test/{method}", time.monotonic() + CALL_S)

    async def create(self, number: str, request_id: str | None = None) -> Account:
        request = pb.CreateAccountRequest(
            request_id=request_id or str(uuid.uuid4()),
            account={"routing_number": ROUTING, "account_number": number, "currency": "USD"},
        )
        return (await self.accounts.CreateAccount(request, self.call("CreateAccount"))).account

    async def delete(self, name: str) -> None:
        request = pb.DeleteAccountRequest(name=name, request_id=str(uuid.uuid4()))
        await self.accounts.DeleteAccount(request, self.call("DeleteAccount"))

    async def change(self, change) -> object:
        """The answer of a change that no RPC makes."""
        request = pb.OpenAccountRequest(request_id=str(uuid.uuid4()))
        return (await self.mutations.run(request, self.call("Change"), change)).message


@asynccontextmanager
async def bank(database: Database, key_store: KeyStore, keys: KeyTable) -> AsyncIterator[Bank]:
    keyring = Keyring.open(KEK, keys)
    incarnation = (await database.incarnation()).id
    records, links, poll = (
        RecordStore(database),
        LinkStore(database),
        ChangePoll(database, Window()),
    )
    reader = Reader(records, poll, incarnation)
    writer = Writer(database, incarnation, reader.committed)
    sealers = CustomerSealers(CustomerKeys(keyring), key_store)
    sealed, macs = SealedRecords(Sealer(keyring), sealers), Macs(keyring)
    cursors, identity, tokens = Cursors(macs), Identity(keyring), Tokens(keyring)
    reads = Reads(reader, records, links, poll, sealed=sealed, cursors=cursors)
    mutations = Mutations(writer, records, sealed, cursors, macs)
    numbers = AccountNumbers(identity, tokens, RoutingTable().scheme)
    await poll.start()
    yield Bank(
        AccountServicer(mutations, reads, numbers, Parties(identity)),
        CardServicer(mutations, reads, CardNumbers(identity, tokens)),
        mutations,
    )
    await poll.stop()
    await writer.settled()


@pytest.fixture
async def under(database: Databases):
    """`await under(keys)` is a bank on this test's database under a state of the key table."""
    async with AsyncExitStack() as opened:
        main, keys = Database(await database("main")), Database(await database("keys"))
        for each in (main, keys):
            await each.connect()
            opened.push_async_callback(each.close)

        async def start(state: KeyTable) -> Bank:
            return await opened.enter_async_context(bank(main, KeyStore(keys), state))

        yield start


def generation(name: str) -> int:
    return text_to_id(name.partition("/")[2])[0]


OLD = table()


def rotated(*purposes: Purpose) -> KeyTable:
    keys = OLD
    for purpose in purposes:
        keys = keys.with_new_generation(purpose, KEK)
    return keys


async def test_a_number_is_known_under_every_generation_that_serves(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    made = await before.create("1234567890")
    with pytest.raises(AlreadyExists):
        await after.create("12-345 67890")
    fresh = await after.create("1234567891")
    assert (generation(made.name), generation(fresh.name)) == (1, 2)


async def test_a_number_given_out_again_keeps_the_name_it_had(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    made = await before.create("1234567890")
    await close(before, made.name)
    again = await after.create("1234567890")
    assert again.name == made.name
    assert again.uid != made.uid


async def close(bank: Bank, name: str) -> None:
    """CLOSED, with the owner that opening takes left out."""

    async def change(work: Work) -> Account:
        account = await work.read(Account, name)
        account.state = pb.ACCOUNT_STATE_CLOSED
        return work.put(account)

    await bank.change(change)


async def test_every_generation_of_tokens_that_serves_is_given(under):
    after = await under(rotated(Purpose.TOKEN_ACCOUNT, Purpose.TOKEN_PAN))
    made = await after.create("1234567890")
    assert [token.key_version for token in made.tokens] == [2, 1]


async def test_a_token_is_given_to_one_account_only(under):
    both = rotated(Purpose.TOKEN_ACCOUNT)
    before, after = await under(OLD), await under(both)
    first = await before.create("1234567890")
    text = first.tokens[0].value
    rival = Tokens(Keyring.open(KEK, both)).account_numbers([ROUTING], [text], 2)[0]
    second = await after.create(rival)
    assert text not in {token.value for token in second.tokens}
    assert [token.key_version for token in second.tokens] == [1]
    await before.delete(first.name)
    await after.delete(second.name)
    assert text in {token.value for token in (await after.create(rival)).tokens}


async def test_a_repeated_request_is_known_under_the_former_key_too(under):
    before, after = await under(OLD), await under(rotated(Purpose.TOKEN_MAC))
    request_id = str(uuid.uuid4())
    first = await before.create("1234567890", request_id)
    assert await after.create("1234567890", request_id) == first


async def test_records_sealed_under_the_former_keys_open_and_move_on(under):
    before = await under(OLD)
    after = await under(rotated(Purpose.OPERATIONAL, Purpose.NUMBER, Purpose.CUSTOMER_WRAP))
    made = await before.create("1234567890")
    name = (await before.change(new_person)).name

    async def update(work: Work) -> Account:
        person = await work.numbers(await work.read(Customer, name))
        assert person.person.family_name == "Bell"
        assert person.identifier_values[0].value == "078051120"
        account = await work.numbers(await work.read(Account, made.name))
        assert account.account_number == "1234567890"
        account.branch = "SOUTH"
        return work.put(account)

    assert (await after.change(update)).branch == "SOUTH"


async def new_person(work: Work) -> Customer:
    customer = Customer(kind=1, state=1)
    customer.person.given_name, customer.person.family_name = "Ann", "Bell"
    customer.identifier_values.add(identifier_id="i", value="078051120")
    return work.create(customer, uuid7().bytes)


async def test_a_cards_number_and_its_tokens_are_known_under_every_generation(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    holder = (await before.change(new_person)).name
    first = await issue(before, holder, "4111111111111111")
    await provision(before, first, "4242424242424242")
    with pytest.raises(AlreadyExists):
        await issue(after, holder, "4111111111111111")
    second = await issue(after, holder, "5555555555554444")
    with pytest.raises(AlreadyExists):
        await provision(after, second, "4242424242424242")
    request = card_pb2.CloseCardRequest(name=first, request_id=str(uuid.uuid4()))
    await after.cards.CloseCard(request, after.call("CloseCard"))
    await provision(after, second, "4242424242424242")


async def issue(bank: Bank, holder: str, pan: str) -> str:
    request = card_pb2.IssueCardRequest(
        request_id=str(uuid.uuid4()),
        card={"pan": pan, "card_type": 2, "expiry": "2035-01", "cardholder": holder},
    )
    return (await bank.cards.IssueCard(request, bank.call("IssueCard"))).card.name


async def provision(bank: Bank, name: str, dpan: str) -> None:
    request = card_pb2.ProvisionCardTokenRequest(
        name=name, request_id=str(uuid.uuid4()), token={"dpan": dpan}
    )
    await bank.cards.ProvisionCardToken(request, bank.call("ProvisionCardToken"))
