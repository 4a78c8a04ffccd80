"""What one worker has acknowledged, another shows to whoever asks for it: at once, every time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from opencif.client import Client
from opencif.v1 import account_pb2, card_pb2, lookup_pb2
from opencif.v1.lookup_pb2 import LOOKUP_OUTCOME_FOUND, LOOKUP_OUTCOME_NOT_FOUND
from opencif.v1.record_pb2 import Consistency
from tests.rpc.bank import INVALID, ROUTING, account, active_card, new_number, new_pan, refused
from tests.rpc.conftest import PATIENT_S, until

ROUNDS = 25  # each is a chance to be served what was true a moment ago
FULLY = Consistency(fully_consistent=True)


@pytest.fixture
async def first(addresses: list[str]) -> AsyncIterator[Client]:
    """A client of one worker, which remembers no token."""
    async with Client(addresses[0], timeout_s=PATIENT_S, carry_consistency=False) as client:
        yield client


@pytest.fixture
async def second(addresses: list[str]) -> AsyncIterator[Client]:
    """A client of the other worker, which remembers no token."""
    async with Client(addresses[1], timeout_s=PATIENT_S, carry_consistency=False) as client:
        yield client


def after(token: str) -> Consistency:
    return Consistency(at_least_as_fresh=token)


async def move(client: Client, name: str, branch: str) -> str:
    """Change an account; the token of the change."""
    answer = await client.accounts.UpdateAccount(
        account_pb2.UpdateAccountRequest(
            account={"name": name, "branch": branch}, update_mask={"paths": ["branch"]}
        )
    )
    return answer.consistency_token


async def by_get(client: Client, name: str, fresh: Consistency) -> str:
    request = account_pb2.GetAccountRequest(name=name, consistency=fresh)
    return (await client.accounts.GetAccount(request)).account.branch


async def by_batch_get(client: Client, name: str, fresh: Consistency) -> str:
    request = account_pb2.BatchGetAccountsRequest(names=[name], consistency=fresh)
    return (await client.accounts.BatchGetAccounts(request)).accounts[0].branch


async def by_lookup(client: Client, name: str, fresh: Consistency) -> str:
    answer = await client.lookup_accounts([lookup_pb2.AccountKey(name=name)], consistency=fresh)
    return answer.results[0].account.branch


async def by_stream(client: Client, name: str, fresh: Consistency) -> str:
    request = lookup_pb2.StreamLookupAccountsRequest(
        lookup={"keys": [{"name": name}], "consistency": fresh}
    )
    answers = [one async for one in client.lookup.StreamLookupAccounts(iter([request]))]
    return answers[0].answer.results[0].account.branch


Read = Callable[[Client, str, Consistency], Awaitable[str]]
READS = [by_get, by_batch_get, by_lookup, by_stream]


@pytest.mark.parametrize("read", READS)
async def test_a_change_is_seen_with_its_token_on_the_other_worker(
    first: Client, second: Client, read: Read
):
    made = await account(first)
    for turn in range(ROUNDS):
        writer, reader = (first, second) if turn % 2 else (second, first)
        token = await move(writer, made.name, f"B{turn}")
        assert await read(reader, made.name, after(token)) == f"B{turn}"
        await read(reader, made.name, Consistency())  # keeps the record in every cache


@pytest.mark.parametrize("read", READS)
async def test_a_change_is_seen_by_who_asks_the_primary(first: Client, second: Client, read: Read):
    made = await account(first)
    for turn in range(ROUNDS):
        writer, reader = (first, second) if turn % 2 else (second, first)
        await move(writer, made.name, f"B{turn}")
        assert await read(reader, made.name, FULLY) == f"B{turn}"


async def test_a_change_is_seen_without_a_token_soon(first: Client, second: Client):
    made = await account(first)
    await by_get(second, made.name, Consistency())
    await move(first, made.name, "SOON")

    async def is_seen() -> bool:
        return await by_get(second, made.name, Consistency()) == "SOON"

    await until(is_seen)


async def test_what_was_seen_stays_seen(first: Client, second: Client):
    """No read goes back behind another of the same worker, whatever is written meanwhile."""
    made = await account(first)
    done = asyncio.Event()

    async def watch(reader: Client) -> None:
        seen = 0
        while not done.is_set():
            request = account_pb2.GetAccountRequest(name=made.name)
            version = (await reader.accounts.GetAccount(request)).account.version
            assert version >= seen
            seen = version

    async with asyncio.TaskGroup() as tasks:
        for reader in (first, second, first, second):
            tasks.create_task(watch(reader))
        for turn in range(ROUNDS):
            await move(first if turn % 2 else second, made.name, f"B{turn}")
        done.set()


async def test_a_client_of_all_workers_sees_its_own_changes(client: Client):
    made = await account(client)
    for turn in range(ROUNDS):
        await move(client, made.name, f"B{turn}")
        answer = await client.accounts.GetAccount(account_pb2.GetAccountRequest(name=made.name))
        assert answer.account.branch == f"B{turn}"


async def test_a_number_that_was_unknown_is_found_at_once_when_it_is_created(
    first: Client, second: Client
):
    """The tombstone of an unknown number, in Valkey and in both workers, outlives no create."""
    for _ in range(ROUNDS):
        number = new_number()
        key = lookup_pb2.AccountKey(number={"routing_number": ROUTING, "account_number": number})
        for client in (first, second, second):
            unknown = (await client.lookup_accounts([key])).results[0]
            assert unknown.outcome == LOOKUP_OUTCOME_NOT_FOUND
        answer = await first.accounts.CreateAccount(
            account_pb2.CreateAccountRequest(
                account={
                    "routing_number": ROUTING,
                    "account_number": number,
                    "account_type": 1,
                    "holder_class": 1,
                    "currency": "USD",
                }
            )
        )
        fresh = after(answer.consistency_token)
        found = (await second.lookup_accounts([key], consistency=fresh)).results[0]
        assert (found.outcome, found.account.name) == (LOOKUP_OUTCOME_FOUND, answer.account.name)


async def test_a_card_is_found_at_once_by_number_and_by_a_token_given_to_it(
    first: Client, second: Client
):
    for _ in range(5):
        pan, dpan = new_pan(), new_pan()
        keys = [lookup_pb2.CardKey(pan=pan), lookup_pb2.CardKey(dpan=dpan)]
        answer = await second.lookup_cards(keys)
        assert [result.network_response for result in answer.results] == ["14", "14"]
        card = await active_card(first, pan=pan)
        given = await first.cards.ProvisionCardToken(
            card_pb2.ProvisionCardTokenRequest(name=card.name, token={"dpan": dpan}, activate=True)
        )
        found = await second.lookup_cards(keys, consistency=after(given.consistency_token))
        assert [result.card.name for result in found.results] == [card.name] * 2
        assert [result.card.version for result in found.results] == [given.card.version] * 2


async def test_what_is_deleted_is_gone_at_once(first: Client, second: Client):
    made = await account(first)
    assert await by_lookup(second, made.name, Consistency()) == "NORTH"
    answer = await first.accounts.DeleteAccount(account_pb2.DeleteAccountRequest(name=made.name))
    key = lookup_pb2.AccountKey(name=made.name)
    fresh = after(answer.consistency_token)
    gone = (await second.lookup_accounts([key], consistency=fresh)).results[0]
    assert gone.outcome == LOOKUP_OUTCOME_NOT_FOUND


def flipped(token: str) -> str:
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token[:-1],
        lambda token: token[1:],
        lambda token: token + "A",
        lambda token: token + "=",
        flipped,
        lambda _: "AAAA",
        lambda _: "no token",
        lambda token: "\uff21" + token[1:],
        lambda token: token.swapcase(),
    ],
)
async def test_a_forged_token_is_refused_by_every_read(first: Client, forge: Any):
    made = await account(first)
    forged = after(forge(await move(first, made.name, "EAST")))
    path = "consistency.at_least_as_fresh"
    for read in READS:
        call = read(first, made.name, forged)
        await refused(call, INVALID, "INVALID_CONSISTENCY_TOKEN", path)
