"""Records that RPC tests make, each under a number of its own, and how calls are refused."""

import itertools
import os
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, card_pb2, customer_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card

ROUTING, OTHER_ROUTING = "021000021", "011000015"
PRIMARY = account_pb2.PARTY_ROLE_PRIMARY_OWNER
JOINT, GUARDIAN = account_pb2.PARTY_ROLE_JOINT_OWNER, account_pb2.PARTY_ROLE_GUARDIAN

FAILED = grpc.StatusCode.FAILED_PRECONDITION
INVALID = grpc.StatusCode.INVALID_ARGUMENT
EXISTS = grpc.StatusCode.ALREADY_EXISTS
MISSING = grpc.StatusCode.NOT_FOUND
ABORTED = grpc.StatusCode.ABORTED

_serials = itertools.count(int.from_bytes(os.urandom(3)) * 1000)


def new_number() -> str:
    """An account number that no other test uses."""
    return f"9{next(_serials):011}"


def new_pan(prefix: str = "4111") -> str:
    """A Luhn-correct card number of 16 digits that no other test uses."""
    digits = prefix + f"{next(_serials):011}"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(digits)]
    return digits + str(-sum(digit - 9 * (digit > 9) for digit in doubled) % 10)


async def customer(client: Client, birth_date: str = "1980-02-29", **names: str) -> str:
    """The name of a new person."""
    person = {"given_name": "Ann", "family_name": "Bell", "birth_date": birth_date} | names
    answer = await client.customers.CreateCustomer(
        customer_pb2.CreateCustomerRequest(
            customer={"kind": "CUSTOMER_KIND_PERSON", "person": person}
        )
    )
    return answer.customer.name


def terms(number: str | None = None, **fields: Any) -> dict[str, Any]:
    """What an account is created from."""
    return {
        "routing_number": ROUTING,
        "account_number": number or new_number(),
        "account_type": "ACCOUNT_TYPE_CHECKING",
        "holder_class": "HOLDER_CLASS_CONSUMER",
        "currency": "USD",
        "branch": "NORTH",
    } | fields


async def account(
    client: Client, *owners: str, number: str | None = None, **fields: Any
) -> Account:
    """A new account in PENDING, the first of its owners the primary one."""
    answer = await client.accounts.CreateAccount(
        account_pb2.CreateAccountRequest(
            account=terms(number, **fields),
            parties=[
                {"customer": owner, "role": JOINT if position else PRIMARY}
                for position, owner in enumerate(owners)
            ],
        )
    )
    return answer.account


async def open_account(client: Client, *owners: str, **fields: Any) -> Account:
    """A new account in OPEN, with an owner if none is given."""
    made = await account(client, *(owners or [await customer(client)]), **fields)
    request = account_pb2.OpenAccountRequest(name=made.name)
    return (await client.accounts.OpenAccount(request)).account


async def card(client: Client, *accounts: str, **fields: Any) -> Card:
    """A new card in ISSUED that draws on accounts, the first of them the primary one."""
    given = {
        "pan": new_pan(),
        "card_type": "CARD_TYPE_DEBIT" if accounts else "CARD_TYPE_CREDIT",
        "expiry": "2035-01",
        "accounts": [
            {"account": name, "role": 2 if position else 1}
            for position, name in enumerate(accounts)
        ],
    } | fields
    given.setdefault("cardholder", await customer(client))
    return (await client.cards.IssueCard(card_pb2.IssueCardRequest(card=given))).card


async def active_card(client: Client, *accounts: str, **fields: Any) -> Card:
    """A new card in ACTIVE."""
    made = await card(client, *accounts, **fields)
    request = card_pb2.ActivateCardRequest(name=made.name)
    return (await client.cards.ActivateCard(request)).card


async def refused(
    call: Awaitable[object], code: grpc.StatusCode, reason: str, field: str | None = None
) -> OpencifError:
    """Assert that a call is refused so; `field` is the path that the error names."""
    with pytest.raises(OpencifError) as error:
        await call
    assert (error.value.code, error.value.reason) == (code, reason)
    if field is not None:
        assert [violation.field for violation in error.value.fields] == [field]
    return error.value
