"""Lookups on real servers: what they ask of the database, and what the cache may answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from opencif.v1.import_pb2 import ImportRecord, ImportRecordsRequest, ImportRecordsResponse
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_NOT_FOUND,
    AccountKey,
    LookupAccountsRequest,
    LookupAccountsResponse,
    LookupCardsRequest,
    LookupCardsResponse,
)
from repository.audit import AuditStore
from repository.database import Database as Connected
from repository.keys import KeyStore
from repository.record import Entry
from repository.values import entries_of
from server.account_numbers import AccountNumbers
from server.audit import Audit
from server.card_numbers import CardNumbers
from server.cursor import Cursors
from server.customer_keys import CustomerSealers
from server.customer_links import CustomerLinks
from server.frames import Frames
from server.loading import ImportServicer, Loading
from server.lookup import LookupServicer
from server.lookup_keys import AccountKeys, CardKeys
from server.opened import OpenedRecords
from server.party import Parties
from server.reading import Reads
from server.routing_table import RoutingTable
from server.rpc import Call, Caller
from server.sealed import SealedRecords
from tests.conftest import Database
from tests.contract.stand import Stand
from tests.unit.card_numbers import VISA
from tests.unit.keyrings import ring
from tokenizer.customer import CustomerKeys
from tokenizer.formats import Tokens
from tokenizer.identity import Identity
from tokenizer.keyring import Keyring, Purpose
from tokenizer.mac import Macs
from tokenizer.sealing import Sealer

ROUTING = "021000021"
OWNER = f"customers/{UUID(int=(0x7 << 76) | (0b10 << 62) | 1)}"
DPAN = "5555555555554444"


class Bank:
    """A worker's lookups and loads over a stand's database and cache."""

    def __init__(
        self, stand: Stand, keys: Connected, keyring: Keyring, opened_max_bytes: int = 0
    ) -> None:
        identity, tokens, table = Identity(keyring), Tokens(keyring), RoutingTable()
        sealers = CustomerSealers(CustomerKeys(keyring), KeyStore(keys))
        sealed, cursors = SealedRecords(Sealer(keyring), sealers), Cursors(Macs(keyring))
        if stand.cache is not None:
            stand.cache._opens = sealed.opened  # the records are real, and so are their seals
        self.opened = OpenedRecords(stand.poll, opened_max_bytes)
        frames = Frames(stand.reader, sealed, self.opened)
        reads = Reads(
            stand.reader,
            stand.store,
            stand.links,
            stand.poll,
            frames=frames,
            sealed=sealed,
            cursors=cursors,
            audit=Audit(AuditStore(stand.database), Macs(keyring)),
        )
        self.stand = stand
        self._lookup = LookupServicer(
            reads,
            frames,
            stand.links,
            AccountKeys(identity, tokens, table.scheme),
            CardKeys(identity, tokens),
        )
        self._imports = ImportServicer(
            Loading(stand.writer, sealed, Parties(identity), cursors),
            AccountNumbers(identity, tokens, table.scheme),
            CardNumbers(identity, tokens),
            CustomerLinks(identity),
        )

    async def load(self, *records: ImportRecord) -> ImportRecordsResponse:
        async def chunks() -> AsyncIterator[ImportRecordsRequest]:
            yield ImportRecordsRequest(records=records)

        answer = await self._imports.ImportRecords(chunks(), _call("ImportService/ImportRecords"))
        assert not answer.rejected
        return answer

    async def accounts(self, *numbers: str, **said: bool) -> LookupAccountsResponse:
        keys = [
            AccountKey(number={"routing_number": ROUTING, "account_number": number})
            for number in numbers
        ]
        return await self.by_keys(*keys, **said)

    async def by_keys(self, *keys: AccountKey, **said: Any) -> LookupAccountsResponse:
        request = LookupAccountsRequest(keys=keys, **said)
        call = _call("LookupService/LookupAccounts")
        answer = self._lookup.LookupAccounts(request.SerializeToString(), call)
        whole = answer if isinstance(answer, bytes) else await answer
        await self.stand.settle()
        return LookupAccountsResponse.FromString(whole)

    async def cards(self, *keys: dict[str, str], **said: Any) -> LookupCardsResponse:
        request = LookupCardsRequest(keys=keys, **said)
        call = _call("LookupService/LookupCards")
        answer = self._lookup.LookupCards(request.SerializeToString(), call)
        whole = answer if isinstance(answer, bytes) else await answer
        await self.stand.settle()
        return LookupCardsResponse.FromString(whole)

    async def statements(self, *numbers: str, **said: bool) -> int:
        """How many statements looking these accounts up takes."""
        self.stand.statements.clear()
        await self.accounts(*numbers, **said)
        return len(self.stand.statements)


def _call(method: str) -> Call:
    return Call(Caller("tester", frozenset()), f"opencif.v1.{method}", time.monotonic() + 60)


def account(number: str) -> ImportRecord:
    party = {"customer": OWNER, "role": 1, "valid_from": "2020-01-01"}
    return ImportRecord(
        account={
            "routing_number": ROUTING,
            "account_number": number,
            "account_type": "ACCOUNT_TYPE_CHECKING",
            "holder_class": "HOLDER_CLASS_CONSUMER",
            "currency": "USD",
            "state": "ACCOUNT_STATE_OPEN",
            "parties": [party],
        }
    )


def owner() -> ImportRecord:
    person = {"given_name": "Ann", "family_name": "Bell"}
    return ImportRecord(
        customer={"name": OWNER, "kind": "CUSTOMER_KIND_PERSON", "person": person, "state": 3}
    )


def card() -> ImportRecord:
    token = {"dpan": DPAN, "token_unique_reference": "REF"}
    said = {"pan": VISA, "card_type": "CARD_TYPE_CREDIT", "expiry": "2999-12"}
    return ImportRecord(card=said | {"cardholder": OWNER, "card_tokens": [token]})


def numbers(count: int) -> list[str]:
    return [f"{number:09}" for number in range(100_000_000, 100_000_000 + count)]


@pytest.fixture(params=[0, 2**20], ids=["valkey alone", "own cache"])
async def bank(
    request: pytest.FixtureRequest, stand: Stand, database: Database
) -> AsyncIterator[Bank]:
    """A worker with a cache of its own before Valkey, and one without."""
    keys = Connected(await database("keys"))
    await keys.connect()
    yield Bank(stand, keys, ring(), request.param)
    await keys.close()


async def test_a_miss_takes_one_statement_and_a_cached_lookup_none(bank: Bank) -> None:
    (number,) = numbers(1)
    await bank.load(owner(), account(number))
    await bank.stand.poll.poll()
    assert await bank.statements(number) == 1
    assert await bank.statements(number) == 0
    assert (await bank.accounts(number)).results[0].outcome == LOOKUP_OUTCOME_FOUND


async def test_a_thousand_misses_take_one_statement(bank: Bank) -> None:
    there = numbers(1_000)
    await bank.load(owner(), *(account(number) for number in there[:600]))
    await bank.stand.poll.poll()
    assert await bank.statements(*there) == 1
    assert await bank.statements(*there) == 0
    outcomes = [result.outcome for result in (await bank.accounts(*there)).results]
    assert outcomes == [LOOKUP_OUTCOME_FOUND] * 600 + [LOOKUP_OUTCOME_NOT_FOUND] * 400


async def test_owners_take_one_statement_more_for_the_whole_batch(bank: Bank) -> None:
    there = numbers(100)
    await bank.load(owner(), *(account(number) for number in there))
    await bank.stand.poll.poll()
    assert await bank.statements(*there, with_owners=True) == 2
    assert await bank.statements(*there, with_owners=True) == 0
    answer = await bank.accounts(*there, with_owners=True)
    assert {owner.name for result in answer.results for owner in result.owners} == {OWNER}


async def test_device_numbers_take_one_statement_for_their_links(bank: Bank) -> None:
    await bank.load(owner(), card())
    await bank.stand.poll.poll()
    await bank.cards({"pan": VISA})
    bank.stand.statements.clear()
    answer = await bank.cards(*[{"dpan": DPAN}] * 50)
    assert len(bank.stand.statements) == 1
    assert {result.outcome for result in answer.results} == {LOOKUP_OUTCOME_FOUND}


async def test_callers_of_one_cold_key_share_its_statement(bank: Bank) -> None:
    (number,) = numbers(1)
    await bank.load(owner(), account(number))
    await bank.stand.poll.poll()
    bank.stand.statements.clear()
    answers = await asyncio.gather(*(bank.accounts(number) for _ in range(200)))
    assert len(bank.stand.statements) == 1
    assert all(answer.results[0].outcome == LOOKUP_OUTCOME_FOUND for answer in answers)


async def test_a_tombstone_is_served_only_until_the_poll_has_seen_the_load(bank: Bank) -> None:
    (number,) = numbers(1)
    await bank.load(owner())
    await bank.stand.poll.poll()
    assert (await bank.accounts(number)).results[0].outcome == LOOKUP_OUTCOME_NOT_FOUND
    assert await bank.statements(number) == 0  # the tombstone is cached and proven
    await bank.load(account(number))
    await bank.stand.poll.poll()
    assert await bank.statements(number) == 1
    assert (await bank.accounts(number)).results[0].outcome == LOOKUP_OUTCOME_FOUND


async def test_a_seal_that_does_not_open_is_read_from_the_primary(bank: Bank) -> None:
    """A row whose seal is broken: of a replica on a bad disk."""
    (number,) = numbers(1)
    await bank.load(owner(), account(number))
    await bank.stand.poll.poll()
    await bank.accounts(number)
    bank.opened.drop()
    reader = bank.stand.reader
    kept = reader.find

    async def broken(kind, ids, freshness, *, deadline=None):
        entries = entries_of(await kept(kind, ids, freshness, deadline=deadline))
        return [Entry(*entry[:2], entry.operational[:-1], b"") for entry in entries]

    reader.find = broken  # type: ignore[method-assign,assignment]  # stands for such a replica
    calls = []
    reread = reader.reread

    async def counted(kind, ids, *, deadline=None):
        calls.append(len(ids))
        reader.find = kept
        return await reread(kind, ids, deadline=deadline)

    reader.reread = counted  # type: ignore[method-assign]
    assert (await bank.accounts(number)).results[0].outcome == LOOKUP_OUTCOME_FOUND
    assert calls == [1]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_token_is_given_to_one_account_only(
    stand: Stand, database: Database, *, at_once: bool
) -> None:
    """ADR 8: what one generation makes of a number may be another's of another number."""
    keyring = ring(Purpose.TOKEN_ACCOUNT, Purpose.IDENTITY)
    tokens = Tokens(keyring)
    first = numbers(20)
    given = tokens.account_tokens([ROUTING] * 20, first, 2)
    rivals = tokens.account_numbers([ROUTING] * 20, [token or "" for token in given], 1)
    keys = Connected(await database("keys"))
    await keys.connect()
    bank = Bank(stand, keys, keyring)
    loads = [[owner(), *map(account, first)], [account(number) for number in rivals]]
    for rows in [[*loads[0], *loads[1]]] if at_once else loads:
        await bank.load(*rows)
    await stand.poll.poll()
    found = [result.account for result in (await bank.accounts(*first, *rivals)).results]
    assert [len(each.tokens) for each in found] == [2] * 20 + [1] * 20
    for each in found:
        by_token = [
            AccountKey(
                token={"routing_number": ROUTING, "token": token.value, "key_version": named}
            )
            for token in each.tokens
            for named in (0, token.key_version)
        ]
        answers = (await bank.by_keys(*by_token)).results
        assert {answer.account.name for answer in answers} == {each.name}
    await keys.close()
