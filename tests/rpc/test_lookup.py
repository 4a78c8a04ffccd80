"""Lookups, as a client sees them: by number, token, name, IBAN and device number."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import grpc
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, card_pb2
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_INVALID,
    LOOKUP_OUTCOME_NOT_FOUND,
    AccountKey,
    LookupAccountsRequest,
    LookupAccountsResponse,
    LookupCardsRequest,
    StreamLookupAccountsRequest,
    StreamLookupCardsRequest,
)
from opencif.v1.record_pb2 import VIEW_BASIC, VIEW_FULL, Consistency
from tests.rpc import bank
from tests.rpc.bank import ROUTING, new_number, new_pan

FOUND, NOT_FOUND, INVALID = (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_NOT_FOUND,
    LOOKUP_OUTCOME_INVALID,
)
FRESH = {"fully_consistent": True}


def by_number(number: str) -> AccountKey:
    return AccountKey(number={"routing_number": ROUTING, "account_number": number})


async def look_up(client: Client, *keys: AccountKey, **said) -> LookupAccountsResponse:
    request = LookupAccountsRequest(keys=keys, **({"consistency": FRESH} | said))
    return await client.lookup.LookupAccounts(request)


async def test_number_token_and_name_lead_to_the_same_record(client: Client) -> None:
    number = new_number()
    made = await bank.open_account(client, number=number)
    (token,) = made.tokens
    keys = [
        by_number(number),
        AccountKey(token={"routing_number": ROUTING, "token": token.value}),
        AccountKey(token={"routing_number": ROUTING, "token": token.value, "key_version": 1}),
        AccountKey(name=made.name),
    ]
    answer = await look_up(client, *keys)
    assert [result.account for result in answer.results] == [made] * 4
    assert not answer.HasField("stale_since")


async def test_results_keep_order_and_duplicates(client: Client) -> None:
    numbers = [new_number() for _ in range(3)]
    made = [await bank.open_account(client, number=number) for number in numbers]
    keys = [by_number(numbers[i]) for i in (2, 0, 2, 1)]
    keys.insert(1, by_number(new_number()))
    answer = await look_up(client, *keys)
    assert [result.account.name for result in answer.results] == [
        made[2].name,
        "",
        made[0].name,
        made[2].name,
        made[1].name,
    ]
    assert answer.results[1].outcome == NOT_FOUND


@pytest.mark.parametrize(
    ("number", "reason"),
    [("", "REQUIRED"), ("1" * 40, "MALFORMED"), ("12\x0034", "NUL_IN_TEXT"), ("12?4", "MALFORMED")],
)
async def test_one_bad_item_leaves_the_other_999_right(
    client: Client, number: str, reason: str
) -> None:
    good = new_number()
    made = await bank.open_account(client, number=good)
    keys = [by_number(good)] * 1_000
    keys[500] = by_number(number)
    answer = await look_up(client, *keys)
    bad = answer.results.pop(500)
    assert (bad.outcome, bad.error_reason, bad.HasField("account")) == (INVALID, reason, False)
    assert len(answer.results) == 999
    assert all(result.account == made for result in answer.results)


@pytest.mark.parametrize(("count", "reason"), [(0, "EMPTY_BATCH"), (1_001, "TOO_LONG")])
async def test_a_batch_holds_1_to_1000(client: Client, count: int, reason: str) -> None:
    calls: list[Awaitable[object]] = [
        client.lookup.LookupAccounts(LookupAccountsRequest(keys=[by_number("1")] * count)),
        client.lookup.LookupCards(LookupCardsRequest(keys=[{"pan": "1"}] * count)),
    ]
    for call in calls:
        with pytest.raises(OpencifError) as refused:
            await call
        assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
        assert (refused.value.reason, refused.value.fields[0].field) == (reason, "keys")


async def test_a_deleted_account_is_not_found(client: Client) -> None:
    number = new_number()
    made = await bank.account(client, number=number)
    assert (await look_up(client, by_number(number))).results[0].outcome == FOUND
    await client.accounts.DeleteAccount(account_pb2.DeleteAccountRequest(name=made.name))
    answer = await look_up(client, by_number(number), AccountKey(name=made.name))
    assert [result.outcome for result in answer.results] == [NOT_FOUND] * 2


@pytest.mark.parametrize("view", [VIEW_BASIC, VIEW_FULL])
async def test_current_owners_come_along_in_the_view_asked_for(client: Client, view: int) -> None:
    owner, joint, signer = [await bank.customer(client) for _ in range(3)]
    number = new_number()
    made = await bank.open_account(client, owner, joint, number=number)
    await client.accounts.AddParty(
        account_pb2.AddPartyRequest(
            name=made.name, party={"customer": signer, "role": "PARTY_ROLE_AUTHORIZED_SIGNER"}
        )
    )
    answer = await look_up(
        client, by_number(number), by_number(new_number()), with_owners=True, view=view
    )
    owners = answer.results[0].owners
    assert [each.name for each in owners] == [owner, joint]
    assert {each.person.family_name for each in owners} == {"Bell" if view == VIEW_FULL else ""}
    assert not answer.results[1].owners


async def test_no_view_shows_a_number(client: Client) -> None:
    number, pan = new_number(), new_pan()
    holder = await bank.customer(client)
    await bank.open_account(client, holder, number=number)
    await bank.card(client, cardholder=holder, pan=pan)
    accounts = await look_up(client, by_number(number), view=VIEW_FULL, with_owners=True)
    cards = await client.lookup.LookupCards(
        LookupCardsRequest(keys=[{"pan": pan}], view=VIEW_FULL, with_accounts=True)
    )
    assert number.encode() not in accounts.SerializeToString()
    assert pan.encode() not in cards.SerializeToString()
    assert cards.results[0].card.last4 == pan[-4:]


async def test_a_change_is_seen_by_who_brings_its_token(client: Client) -> None:
    number = new_number()
    made = await bank.open_account(client, number=number)
    await look_up(client, by_number(number))
    closed = await client.accounts.CloseAccount(
        account_pb2.CloseAccountRequest(name=made.name, close_reason="MOVED")
    )
    for _ in range(4):  # both workers
        answer = await look_up(
            client,
            by_number(number),
            consistency={"at_least_as_fresh": closed.consistency_token},
        )
        assert answer.results[0].account.state == account_pb2.ACCOUNT_STATE_CLOSED


async def test_a_forged_consistency_token_ends_the_call(client: Client) -> None:
    with pytest.raises(OpencifError) as refused:
        await look_up(client, by_number("1"), consistency={"at_least_as_fresh": "AAAA"})
    assert refused.value.reason == "INVALID_CONSISTENCY_TOKEN"


async def test_the_hint_changes_with_the_card(client: Client) -> None:
    pan = new_pan()
    made = await bank.card(client, pan=pan)
    request = LookupCardsRequest(keys=[{"pan": pan}, {"pan": new_pan()}], consistency=FRESH)
    hints = []

    async def hint() -> None:
        answer = await client.lookup.LookupCards(request)
        hints.append([result.network_response for result in answer.results])

    await hint()
    await client.cards.ActivateCard(card_pb2.ActivateCardRequest(name=made.name))
    await hint()
    await client.cards.BlockCard(card_pb2.BlockCardRequest(name=made.name))
    await hint()
    await client.cards.ReportStolen(card_pb2.ReportStolenRequest(name=made.name))
    await hint()
    assert hints == [["78", "14"], ["00", "14"], ["62", "14"], ["43", "14"]]


async def test_streams_answer_chunk_by_chunk(client: Client) -> None:
    number, pan = new_number(), new_pan()
    made = await bank.open_account(client, number=number)
    card = await bank.card(client, pan=pan)
    answered = asyncio.Queue[int]()

    async def chunks() -> AsyncIterator[StreamLookupAccountsRequest]:
        for size in (1, 1_000, 3):
            lookup = LookupAccountsRequest(keys=[by_number(number)] * size, consistency=FRESH)
            yield StreamLookupAccountsRequest(lookup=lookup)
            assert await answered.get() == size  # nothing more is sent before this is answered

    sizes = []
    async for chunk in client.lookup.StreamLookupAccounts(chunks()):
        sizes.append(len(chunk.answer.results))
        assert all(result.account == made for result in chunk.answer.results)
        answered.put_nowait(sizes[-1])
    assert sizes == [1, 1_000, 3]

    async def one() -> AsyncIterator[StreamLookupCardsRequest]:
        lookup = LookupCardsRequest(keys=[{"pan": pan}], consistency=FRESH)
        yield StreamLookupCardsRequest(lookup=lookup)

    answers = [chunk.answer async for chunk in client.lookup.StreamLookupCards(one())]
    assert [answer.results[0].card for answer in answers] == [card]


async def test_a_bad_chunk_ends_a_stream_by_its_field(client: Client) -> None:
    async def chunks() -> AsyncIterator[StreamLookupAccountsRequest]:
        yield StreamLookupAccountsRequest(lookup=LookupAccountsRequest())

    with pytest.raises(OpencifError) as refused:
        async for _ in client.lookup.StreamLookupAccounts(chunks()):
            pass
    assert (refused.value.reason, refused.value.fields[0].field) == ("EMPTY_BATCH", "lookup.keys")


async def test_any_number_of_keys_is_split_into_calls(client: Client) -> None:
    number = new_number()
    made = await bank.open_account(client, number=number)
    keys = [by_number(number)] * 2_500
    answer = await client.lookup_accounts(keys, consistency=Consistency(fully_consistent=True))
    assert len(answer.results) == 2_500
    assert {result.account.name for result in answer.results} == {made.name}
