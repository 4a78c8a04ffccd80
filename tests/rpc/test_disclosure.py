"""Nobody sees a private field that is not on record: every RPC that shows one, on a real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import customer_pb2, lookup_pb2, options_pb2
from opencif.v1.lookup_pb2 import StreamLookupAccountsRequest, StreamLookupAccountsResponse
from opencif.v1.record_pb2 import VIEW_BASIC, VIEW_FULL, View
from tests.rpc import people
from tests.rpc.bank import ROUTING, new_number, open_account
from tests.rpc.conftest import Serving

BIRTH = "1980-12-10"

Ask = Callable[[Client, "Case", View], Awaitable[Any]]
METHOD_RULE: Any = options_pb2.method_rule


class Case:
    """A customer, and an account of theirs."""

    def __init__(self, name: str, ssn: str, number: str) -> None:
        self.name = name
        self.id = UUID(name.removeprefix("customers/")).bytes
        self.ssn = ssn
        self.number = number

    @property
    def account(self) -> lookup_pb2.AccountKey:
        number = {"routing_number": ROUTING, "account_number": self.number}
        return lookup_pb2.AccountKey(number=number)


def branch_of(ssn: str) -> str:
    """A branch with one customer in it."""
    return "B" + "".join(chr(ord("A") + int(digit)) for digit in ssn)


async def get(client: Client, case: Case, view: View) -> Any:
    request = customer_pb2.GetCustomerRequest(name=case.name, view=view)
    return await client.customers.GetCustomer(request)


async def get_version(client: Client, case: Case, view: View) -> Any:
    request = customer_pb2.GetCustomerRequest(name=case.name, view=view, version=1)
    return await client.customers.GetCustomer(request)


async def batch_get(client: Client, case: Case, view: View) -> Any:
    request = customer_pb2.BatchGetCustomersRequest(names=[case.name], view=view)
    return await client.customers.BatchGetCustomers(request)


async def list_all(client: Client, case: Case, view: View) -> Any:
    request = customer_pb2.ListCustomersRequest(view=view, branch=branch_of(case.ssn), page_size=10)
    return await client.customers.ListCustomers(request)


async def revisions(client: Client, case: Case, view: View) -> Any:
    request = customer_pb2.ListCustomerRevisionsRequest(name=case.name, view=view)
    return await client.customers.ListCustomerRevisions(request)


async def lookup(client: Client, case: Case, view: View) -> Any:
    key = customer_pb2.CustomerKey(type="IDENTIFIER_TYPE_SSN", value=case.ssn)
    return await client.customers.LookupCustomers(
        customer_pb2.LookupCustomersRequest(keys=[key], view=view)
    )


async def owners(client: Client, case: Case, view: View) -> Any:
    request = lookup_pb2.LookupAccountsRequest(keys=[case.account], view=view, with_owners=True)
    return await client.lookup.LookupAccounts(request)


async def stream_owners(client: Client, case: Case, view: View) -> Any:
    chunk = StreamLookupAccountsRequest(
        lookup={"keys": [case.account], "view": view, "with_owners": True}
    )
    answers: list[StreamLookupAccountsResponse] = []
    async for answer in client.lookup.StreamLookupAccounts(iter([chunk])):
        answers.append(answer)  # noqa: PERF401  what has come before an error counts
    return answers


# What ResolveAch... show is a name in a correction: see test_ach.py.
ASKS: dict[str, list[Ask]] = {
    "CustomerService/GetCustomer": [get, get_version],
    "CustomerService/BatchGetCustomers": [batch_get],
    "CustomerService/ListCustomers": [list_all],
    "CustomerService/ListCustomerRevisions": [revisions],
    "CustomerService/LookupCustomers": [lookup],
    "LookupService/LookupAccounts": [owners],
    "LookupService/StreamLookupAccounts": [stream_owners],
}
EVERY = [(method, ask) for method, asks in ASKS.items() for ask in asks]


@pytest.fixture
async def case(client: Client) -> Case:
    ssn, number = people.ssn(), new_number()
    made = await people.create(
        client, people.person(**people.identified(ssn), branch=branch_of(ssn))
    )
    await open_account(client, made.name, number=number)
    return Case(made.name, ssn, number)


@pytest.fixture
async def behind(serving: Serving) -> AsyncIterator[asyncpg.Connection]:
    """A way to the shared server's database past the server."""
    connection = await asyncpg.connect(serving.environment["OPENCIF_DATABASE_DSN"])
    yield connection
    await connection.close()


@asynccontextmanager
async def no_audit(behind: asyncpg.Connection) -> AsyncIterator[None]:
    """Nothing can be recorded while the block lasts."""
    async with behind.transaction():
        await behind.execute("LOCK TABLE audit")
        yield


async def recorded(behind: asyncpg.Connection, case: Case) -> list[tuple[str, str, str]]:
    """(method, actor, outcome) of every call on record that showed the customer."""
    rows = await behind.fetch("SELECT method, actor, outcome, items, customer_ids FROM audit")
    for row in rows:
        assert row["customer_ids"] == b"" or len(row["customer_ids"]) == 16 * row["items"]
    return [
        (row["method"], row["actor"], row["outcome"])
        for row in rows
        if case.id in row["customer_ids"]
    ]


def test_every_rpc_that_discloses_is_tried() -> None:
    disclosing = {
        f"{service.name}/{method.name}"
        for file in (customer_pb2.DESCRIPTOR, lookup_pb2.DESCRIPTOR)
        for service in file.services_by_name.values()
        for method in service.methods
        if method.GetOptions().Extensions[METHOD_RULE].discloses
    }
    assert disclosing == ASKS.keys()


@pytest.mark.parametrize(("method", "ask"), EVERY, ids=[ask.__name__ for _, ask in EVERY])
async def test_what_is_shown_is_on_record_and_a_basic_view_is_not(
    client: Client, case: Case, behind: asyncpg.Connection, method: str, ask: Ask
) -> None:
    assert BIRTH not in str(await ask(client, case, VIEW_BASIC))
    assert await recorded(behind, case) == []
    assert BIRTH in str(await ask(client, case, VIEW_FULL))
    assert await recorded(behind, case) == [(f"opencif.v1.{method}", "dev", "OK")]


@pytest.mark.parametrize(("method", "ask"), EVERY, ids=[ask.__name__ for _, ask in EVERY])
async def test_what_cannot_be_recorded_is_not_shown(
    serving: Serving, case: Case, behind: asyncpg.Connection, method: str, ask: Ask
) -> None:
    async with Client(serving.addresses, timeout_s=60, attempts=1) as client, no_audit(behind):
        assert await ask(client, case, VIEW_BASIC)
        with pytest.raises(OpencifError) as refused:
            await ask(client, case, VIEW_FULL)
    assert refused.value.code is grpc.StatusCode.UNAVAILABLE, method
    assert BIRTH not in str(refused.value)
