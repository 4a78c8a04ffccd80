"""Customers that RPC tests make, each under identifiers of its own."""

import itertools
from typing import Any

from opencif.client import Client
from opencif.v1 import account_pb2
from opencif.v1 import customer_pb2 as pb
from opencif.v1.account_pb2 import Account
from opencif.v1.record_pb2 import VIEW_FULL
from tests.rpc.bank import terms

LEI = "5493001KJTIIGC8Y1R12"
DIED = "2026-01-31"

numbers = itertools.count(1)


def ssn() -> str:
    """A social security number that no other test uses."""
    return f"32150{next(numbers):04}"


def email() -> str:
    """An address that no other test uses."""
    return f"person{next(numbers)}@example.com"


def person(**fields: Any) -> dict[str, Any]:
    """What a person is created from."""
    names = {"given_name": "Ada", "family_name": "Lovelace", "birth_date": "1980-12-10"}
    return {"kind": "CUSTOMER_KIND_PERSON", "person": names | fields.pop("person", {})} | fields


def organization(**fields: Any) -> dict[str, Any]:
    """What an organization is created from."""
    return {
        "kind": "CUSTOMER_KIND_ORGANIZATION",
        "organization": {"legal_name": "Analytical Engines Inc"},
    } | fields


def identified(number: str | None = None) -> dict[str, Any]:
    """What a person needs to become ACTIVE."""
    return {
        "identifiers": [{"type": "IDENTIFIER_TYPE_SSN", "value": number or ssn()}],
        "addresses": [
            {"type": "ADDRESS_TYPE_RESIDENTIAL", "town_name": "Springfield", "country": "US"}
        ],
    }


async def create(
    client: Client, customer: dict[str, Any] | None = None, **fields: Any
) -> pb.Customer:
    """A new customer."""
    request = pb.CreateCustomerRequest(customer=customer or person(), **fields)
    return (await client.customers.CreateCustomer(request)).customer


async def active(client: Client, **fields: Any) -> pb.Customer:
    """A new person in ACTIVE."""
    made = await create(client, person(**identified(), **fields), onboard=True)
    request = pb.ActivateCustomerRequest(name=made.name)
    return (await client.customers.ActivateCustomer(request)).customer


async def get(client: Client, name: str, **fields: Any) -> pb.Customer:
    """All of a customer."""
    request = pb.GetCustomerRequest(name=name, view=VIEW_FULL, **fields)
    return (await client.customers.GetCustomer(request)).customer


async def lookup(client: Client, *keys: tuple[str, str]) -> list[str | list[str]]:
    """For each key the names of the customers that bear it, or what is wrong with it."""
    given = [pb.CustomerKey(type=type_, value=value) for type_, value in keys]
    answer = await client.lookup_customers(given)
    return [
        result.error_reason or [customer.name for customer in result.customers]
        for result in answer.results
    ]


async def account(client: Client, *parties: tuple[str, str]) -> Account:
    """A new account with these customers in these roles."""
    request = account_pb2.CreateAccountRequest(
        account=terms(),
        parties=[{"customer": name, "role": f"PARTY_ROLE_{role}"} for name, role in parties],
    )
    return (await client.accounts.CreateAccount(request)).account


async def stored(client: Client, name: str) -> Account:
    """An account as the primary has it."""
    request = account_pb2.GetAccountRequest(name=name, consistency={"fully_consistent": True})
    return (await client.accounts.GetAccount(request)).account
