"""A request has one effect, however often, wherever and how hastily it is sent."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, card_pb2, customer_pb2
from opencif.v1.account_pb2 import Account
from tests.rpc.bank import (
    ABORTED,
    INVALID,
    account,
    active_card,
    customer,
    new_number,
    new_pan,
    refused,
    terms,
)
from tests.rpc.conftest import PATIENT_S

AT_ONCE = 6
HASTE_S = [0.001, 0.002, 0.004, 0.006, 0.008, 0.012, 0.016, 0.024, 0.032, 0.05]
# What an interrupted write may be told: nothing happened, or nobody knows.
UNSURE = {
    (grpc.StatusCode.DEADLINE_EXCEEDED, ""),  # of the caller's own clock
    (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE"),
    (grpc.StatusCode.UNAVAILABLE, "COMMIT_UNKNOWN"),
}


@pytest.fixture
async def first(addresses: list[str]) -> AsyncIterator[Client]:
    """A client of one worker, which tries once."""
    async with Client(addresses[0], timeout_s=PATIENT_S, attempts=1) as client:
        yield client


@pytest.fixture
async def second(addresses: list[str]) -> AsyncIterator[Client]:
    """A client of the other worker, which tries once."""
    async with Client(addresses[1], timeout_s=PATIENT_S, attempts=1) as client:
        yield client


def fresh_id() -> str:
    return str(uuid.uuid4())


def creation(**fields: Any) -> account_pb2.CreateAccountRequest:
    return account_pb2.CreateAccountRequest(account=terms(**fields), request_id=fresh_id())


def moving(name: str, branch: str, etag: str = "") -> account_pb2.UpdateAccountRequest:
    return account_pb2.UpdateAccountRequest(
        account={"name": name, "branch": branch},
        update_mask={"paths": ["branch"]},
        etag=etag,
        request_id=fresh_id(),
    )


async def now(client: Client, name: str) -> Account:
    request = account_pb2.GetAccountRequest(name=name, consistency={"fully_consistent": True})
    return (await client.accounts.GetAccount(request)).account


async def versions(client: Client, name: str) -> list[int]:
    request = account_pb2.ListAccountRevisionsRequest(name=name)
    history = await client.accounts.ListAccountRevisions(request)
    return [each.revision.version for each in history.revisions]


async def an_account(client: Client) -> tuple[Any, Any]:
    return "accounts.CreateAccount", creation()


async def an_update(client: Client) -> tuple[Any, Any]:
    return "accounts.UpdateAccount", moving((await account(client)).name, "WEST", etag="1")


async def a_restriction(client: Client) -> tuple[Any, Any]:
    name = (await account(client)).name
    return "accounts.PlaceRestriction", account_pb2.PlaceRestrictionRequest(
        name=name, restriction={"type": 1}, request_id=fresh_id()
    )


async def a_customer(client: Client) -> tuple[Any, Any]:
    person = {"given_name": "Ann", "family_name": "Bell"}
    return "customers.CreateCustomer", customer_pb2.CreateCustomerRequest(
        customer={"kind": 1, "person": person}, request_id=fresh_id()
    )


async def a_card(client: Client) -> tuple[Any, Any]:
    card = {"pan": new_pan(), "card_type": 2, "expiry": "2035-01"}
    return "cards.IssueCard", card_pb2.IssueCardRequest(
        card=card | {"cardholder": await customer(client)}, request_id=fresh_id()
    )


async def a_block(client: Client) -> tuple[Any, Any]:
    name = (await active_card(client)).name
    return "cards.BlockCard", card_pb2.BlockCardRequest(name=name, request_id=fresh_id())


async def a_replacement(client: Client) -> tuple[Any, Any]:
    name = (await active_card(client)).name
    await client.cards.ReportLost(card_pb2.ReportLostRequest(name=name))
    return "cards.ReplaceCard", card_pb2.ReplaceCardRequest(
        name=name, new_pan=new_pan(), new_expiry="2036-01", request_id=fresh_id()
    )


Making = Callable[[Client], Awaitable[tuple[Any, Any]]]
WRITES = [an_account, an_update, a_restriction, a_customer, a_card, a_block, a_replacement]


def bound(client: Client, rpc: str) -> Callable[..., Awaitable[Any]]:
    service, _, method = rpc.partition(".")
    call: Callable[..., Awaitable[Any]] = getattr(getattr(client, service), method)
    return call


def record_of(answer: Any) -> Any:
    return next(value for field, value in answer.ListFields() if field.message_type)


@pytest.mark.parametrize("making", WRITES)
async def test_a_repeated_request_gets_the_first_answer_on_either_worker(
    first: Client, second: Client, making: Making
):
    rpc, request = await making(first)
    answer = await bound(first, rpc)(request)
    for client in (second, first, second):
        again = await bound(client, rpc)(request)
        assert record_of(again) == record_of(answer)


async def test_a_repeated_request_gets_the_first_answer_after_later_changes(
    first: Client, second: Client
):
    request = creation(branch="OLD")
    made = (await first.accounts.CreateAccount(request)).account
    await second.accounts.UpdateAccount(moving(made.name, "NEW"))
    again = await second.accounts.CreateAccount(request)
    assert again.account == made
    read = account_pb2.GetAccountRequest(
        name=made.name, consistency={"at_least_as_fresh": again.consistency_token}
    )
    assert (await first.accounts.GetAccount(read)).account.branch == "NEW"
    assert await versions(first, made.name) == [2, 1]


async def test_a_repeated_deletion_is_done(first: Client, second: Client):
    made = await account(first)
    request = account_pb2.DeleteAccountRequest(name=made.name, request_id=fresh_id())
    for client in (first, second, first):
        await client.accounts.DeleteAccount(request)
    assert await versions(first, made.name) == [2, 1]


@pytest.mark.parametrize("making", WRITES)
async def test_the_same_id_with_another_payload_is_refused_and_changes_nothing(
    first: Client, second: Client, making: Making
):
    rpc, request = await making(first)
    await bound(first, rpc)(request)
    request.reason = "OTHER"
    await refused(bound(second, rpc)(request), INVALID, "IDEMPOTENCY_KEY_REUSED", "request_id")


async def test_an_id_in_other_letters_is_the_same_id(first: Client):
    request = creation()
    await first.accounts.CreateAccount(request)
    request.request_id = request.request_id.upper()
    request.account.account_number = new_number()
    call = first.accounts.CreateAccount(request)
    await refused(call, INVALID, "IDEMPOTENCY_KEY_REUSED", "request_id")


async def test_ids_of_different_methods_are_different(first: Client):
    made = await account(first)
    request_id = fresh_id()
    one = moving(made.name, "WEST")
    one.request_id = request_id
    await first.accounts.UpdateAccount(one)
    await first.accounts.PlaceRestriction(
        account_pb2.PlaceRestrictionRequest(
            name=made.name, restriction={"type": 1}, request_id=request_id
        )
    )
    assert (await now(first, made.name)).version == 3


async def test_a_refused_request_may_be_sent_again_with_its_id(first: Client):
    """Nothing was done, so nothing is remembered."""
    made = await account(first)
    request = account_pb2.ReactivateAccountRequest(name=made.name, request_id=fresh_id())
    for _ in range(2):
        await refused(
            first.accounts.ReactivateAccount(request),
            grpc.StatusCode.FAILED_PRECONDITION,
            "ILLEGAL_TRANSITION",
        )


@pytest.mark.parametrize("making", WRITES)
async def test_the_same_request_at_once_has_one_effect(
    first: Client, second: Client, making: Making
):
    rpc, request = await making(first)
    answers = await asyncio.gather(
        *(fate(bound((first, second)[turn % 2], rpc)(request)) for turn in range(AT_ONCE))
    )
    given = [record_of(one) for one in answers if not isinstance(one, OpencifError)]
    others = [one for one in answers if isinstance(one, OpencifError)]
    assert given
    assert all(one == given[0] for one in given)
    assert set(map(told_of, others)) <= {(ABORTED, "OPERATION_IN_PROGRESS")}
    assert record_of(await bound(second, rpc)(request)) == given[0]


async def test_a_client_that_repeats_gets_through(client: Client):
    """What is told to be repeated is repeated by the published client itself."""
    request = creation()
    answers = await asyncio.gather(
        *(client.accounts.CreateAccount(request) for _ in range(AT_ONCE))
    )
    assert len({one.account.SerializeToString() for one in answers}) == 1


async def test_of_two_writers_with_one_etag_one_wins(first: Client, second: Client):
    made = await account(first)
    for turn in range(10):
        etag = str(turn + 1)
        answers = await asyncio.gather(
            *(
                fate(client.accounts.UpdateAccount(moving(made.name, f"{side}{turn}", etag)))
                for client, side in ((first, "A"), (second, "B"))
            )
        )
        lost = [one for one in answers if isinstance(one, OpencifError)]
        assert list(map(told_of, lost)) == [(ABORTED, "ETAG_MISMATCH")]
        won = next(one for one in answers if not isinstance(one, OpencifError))
        assert await now(first, made.name) == won.account
    assert await versions(first, made.name) == list(range(11, 0, -1))


async def test_writers_without_etags_all_write(first: Client, second: Client):
    made = await account(first)
    await asyncio.gather(
        *(
            (first, second)[turn % 2].accounts.PlaceRestriction(
                account_pb2.PlaceRestrictionRequest(name=made.name, restriction={"type": 1})
            )
            for turn in range(2 * AT_ONCE)
        )
    )
    account_now = await now(first, made.name)
    assert len(account_now.restrictions) == 2 * AT_ONCE
    assert account_now.version == 1 + 2 * AT_ONCE


@pytest.mark.parametrize("after_s", HASTE_S)
async def test_a_write_cut_off_by_its_deadline_converges_when_repeated(
    first: Client, second: Client, after_s: float
):
    request, made = creation(), await account(first)
    restrict = account_pb2.PlaceRestrictionRequest(
        name=made.name, restriction={"type": 1}, request_id=fresh_id()
    )
    calls: list[tuple[Any, object]] = [
        (first.accounts.CreateAccount, request),
        (first.accounts.PlaceRestriction, restrict),
    ]
    for call, sent in calls:
        outcome = await fate(call(sent, timeout=after_s))
        assert not isinstance(outcome, OpencifError) or told_of(outcome) in UNSURE
    await converges(second, request, restrict)


@pytest.mark.parametrize("after_s", HASTE_S)
async def test_a_write_whose_caller_leaves_converges_when_repeated(
    first: Client, second: Client, after_s: float
):
    request, made = creation(), await account(first)
    restrict = account_pb2.PlaceRestrictionRequest(
        name=made.name, restriction={"type": 1}, request_id=fresh_id()
    )
    calls: list[tuple[Any, object]] = [
        (first.accounts.CreateAccount, request),
        (first.accounts.PlaceRestriction, restrict),
    ]
    for call, sent in calls:
        leaving = asyncio.ensure_future(call(sent))
        await asyncio.wait({leaving}, timeout=after_s)
        leaving.cancel()
        await asyncio.wait({leaving})
    await converges(second, request, restrict)


async def converges(
    client: Client,
    creating: account_pb2.CreateAccountRequest,
    restricting: account_pb2.PlaceRestrictionRequest,
) -> None:
    """Sent again, on another worker, each request turns out to have had one effect."""
    created = (await settled(client.accounts.CreateAccount, creating)).account
    assert (await settled(client.accounts.CreateAccount, creating)).account == created
    assert await versions(client, created.name) == [1]
    restricted = (await settled(client.accounts.PlaceRestriction, restricting)).account
    assert (restricted.version, len(restricted.restrictions)) == (2, 1)
    assert await now(client, restricted.name) == restricted


async def settled(call: Callable[..., Awaitable[Any]], request: Any) -> Any:
    """The answer, once the first attempt is over: until then it is said to be running."""
    async with asyncio.timeout(PATIENT_S):
        while isinstance(outcome := await fate(call(request)), OpencifError):
            assert told_of(outcome) == (ABORTED, "OPERATION_IN_PROGRESS")
    return outcome


async def fate(call: Awaitable[Any]) -> Any:
    """The answer or the error."""
    try:
        return await call
    except OpencifError as error:
        return error


def told_of(error: OpencifError) -> tuple[grpc.StatusCode, str]:
    return error.code, error.reason
