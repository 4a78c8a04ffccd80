"""Every bad input gets its status and its reason, and no error says what was sent."""

from collections.abc import AsyncIterator, Iterable, Iterator
from operator import attrgetter
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, card_pb2, customer_pb2
from opencif.v1.lookup_pb2 import LookupOutcome
from tests.rpc import bad_inputs, bad_states, people
from tests.rpc.bad_inputs import INVALID, OK, Ground, Row
from tests.rpc.bank import active_card, new_number, new_pan, open_account
from tests.rpc.bank import customer as a_customer

AMEX = ("34", "37")  # which have 15 digits
SHORTEST_TOLD = 5  # shorter texts, such as codes, may be part of an error's fixed words

TABLE = [
    *bad_inputs.IDS,
    *bad_inputs.NUMBERS,
    *bad_inputs.TEXTS,
    *bad_states.STATES,
    *bad_states.PAGES,
    *bad_states.FORMS,
    *bad_states.BATCHES,
]


@pytest.fixture(scope="session")
async def patient(addresses: list[str]) -> AsyncIterator[Client]:
    async with Client(addresses, timeout_s=60.0) as client:
        yield client


@pytest.fixture(scope="session")
async def ground(patient: Client) -> Ground:
    ssn, number, pan, dpan = people.ssn(), new_number(), new_pan(), new_pan()
    made = await patient.customers.CreateCustomer(
        customer_pb2.CreateCustomerRequest(
            customer={
                "kind": 1,
                "person": {"given_name": "Ann", "family_name": "Bell", "birth_date": "1980-02-29"},
                "identifiers": [{"type": 1, "value": ssn}],
            }
        )
    )
    customer = made.customer.name
    account = await open_account(patient, customer, number=number)
    closed = await open_account(patient, customer)
    await patient.accounts.CloseAccount(account_pb2.CloseAccountRequest(name=closed.name))
    card = await active_card(patient, account.name, pan=pan, cardholder=customer)
    while card.tokens[0].value.startswith(AMEX):  # too long for one: no check digit is looked at
        pan = new_pan()
        card = await active_card(patient, account.name, pan=pan, cardholder=customer)
    await active_card(patient, account.name, cardholder=customer)
    await patient.cards.ProvisionCardToken(
        card_pb2.ProvisionCardTokenRequest(name=card.name, token={"dpan": dpan}, activate=True)
    )
    cards = await patient.cards.ListCards(card_pb2.ListCardsRequest(customer=customer, page_size=1))
    accounts = await patient.accounts.ListAccounts(
        account_pb2.ListAccountsRequest(customer=customer, page_size=1)
    )
    return Ground(
        customer=customer,
        other_customer=await a_customer(patient),
        ssn=ssn,
        account=account,
        account_number=number,
        closed=closed.name,
        card=card,
        pan=pan,
        dpan=dpan,
        cards_page=cards.next_page_token,
        accounts_page=accounts.next_page_token,
    )


@pytest.mark.parametrize("row", TABLE, ids=str)
async def test_a_bad_input_gets_its_status_and_reason(patient: Client, ground: Ground, row: Row):
    request = row.request(ground)
    call = attrgetter(row.rpc)(patient)
    if row.code is OK:
        answer = await call(request)
        if row.reason:
            assert of_last_item(answer) == row.reason
        return
    with pytest.raises(OpencifError) as refusal:
        await call(request)
    error = refusal.value
    assert (error.code, error.reason) == (row.code, row.reason)
    assert_named(error, row.path)
    assert isinstance(error.__cause__, grpc.aio.AioRpcError)
    assert_silent(error.__cause__, texts_of(request), row.path)


def of_last_item(answer: Any) -> str:
    """What an answer says of its last item: why it is refused, or whether it is found."""
    result = answer.results[-1]
    if result.error_reason:
        return result.error_reason
    return LookupOutcome.Name(result.outcome).removeprefix("LOOKUP_OUTCOME_")


def assert_named(error: OpencifError, path: str) -> None:
    """The path stands at the head of the message, and in BadRequest where the request is wrong."""
    assert error.message.startswith(f"{path}: ") if path else ": " not in error.message
    if error.code is INVALID:
        assert [violation.field for violation in error.fields] == [path]


def texts_of(message: Message) -> Iterator[str]:
    """Every text of a message that is long enough to be known again."""
    for field, value in message.ListFields():
        for each in value if field.is_repeated else [value]:
            if isinstance(each, Message):
                yield from texts_of(each)
            elif isinstance(each, str) and len(each) >= SHORTEST_TOLD:
                yield each


def assert_silent(failure: grpc.aio.AioRpcError, texts: Iterable[str], path: str = "") -> None:
    """Nothing of what was sent is in the status, the details or the metadata of an error.

    A field that a mask rightly names may be: it is the `path` of what is wrong.
    """
    told = [failure.details() or "", failure.debug_error_string() or ""]
    metadata = [*failure.initial_metadata(), *failure.trailing_metadata()]
    sent = b"\n".join(
        value if isinstance(value, bytes) else value.encode() for _, value in metadata
    )
    for text in texts:
        if path.endswith(f".{text}"):
            continue
        assert all(text not in each for each in told)
        assert text.encode() not in sent
