"""A load that a crash breaks off: what was acknowledged stays, and none is doubled by another."""

import asyncio
import os
import signal
from collections.abc import Iterable

import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, lookup_pb2
from opencif.v1.import_pb2 import ImportRecord
from tests.rpc.bank import ROUTING
from tests.rpc.conftest import PATIENT_S, Launch, until

OWNER = "customers/00000000-0000-7000-8000-0000000000aa"
PERSON = {"given_name": "Ann", "family_name": "Bell", "birth_date": "1980-02-29"}


def rows(first: int, end: int) -> Iterable[ImportRecord]:
    account = {
        "routing_number": ROUTING,
        "account_type": "ACCOUNT_TYPE_CHECKING",
        "holder_class": "HOLDER_CLASS_CONSUMER",
        "currency": "USD",
        "state": "ACCOUNT_STATE_OPEN",
        "open_date": "2020-01-02",
        "parties": [{"customer": OWNER, "role": "PARTY_ROLE_PRIMARY_OWNER"}],
    }
    for number in range(first, end):
        yield ImportRecord(account=account | {"account_number": f"7{number:09d}"})


async def found(client: Client, numbers: Iterable[int]) -> list[account_pb2.Account]:
    answer = await client.lookup_accounts(
        lookup_pb2.AccountKey(
            number={"routing_number": ROUTING, "account_number": f"7{number:09d}"}
        )
        for number in numbers
    )
    is_there = lookup_pb2.LOOKUP_OUTCOME_FOUND
    return [result.account for result in answer.results if result.outcome == is_there]


async def test_a_crash_amid_batches_loses_nothing_acknowledged_and_doubles_nothing(
    launch: Launch,
) -> None:
    serving = await launch()
    owner = {"name": OWNER, "kind": "CUSTOMER_KIND_PERSON", "person": PERSON}
    async with Client(serving.addresses, timeout_s=PATIENT_S, attempts=50) as client:
        await client.import_records([ImportRecord(customer=owner)])
        acknowledged = await client.import_records(rows(0, 3_000))
        assert (acknowledged.accounts, acknowledged.rejected_count) == (3_000, 0)
        broken = asyncio.create_task(client.import_records(rows(3_000, 40_000)))
        await until(lambda: _is_there(client, 3_000))
        os.kill(await serving.worker_pid(), signal.SIGKILL)
        with pytest.raises(OpencifError):
            await broken
        assert len(await found(client, range(3_000))) == 3_000
        there = len(await found(client, range(3_000, 10_000)))
        assert there > 0
        again = await client.import_records(rows(0, 10_000))
        assert {rejected.reason for rejected in again.rejected} == {"ALREADY_EXISTS"}
        assert again.rejected_count == 3_000 + there
        assert again.accounts == 7_000 - there
        accounts = await found(client, range(10_000))
        assert {account.version for account in accounts} == {1}
        assert len({account.uid for account in accounts}) == len(accounts) == 10_000
        for account in accounts[::500]:
            await _has_one_revision(client, account.name)


async def _is_there(client: Client, number: int) -> bool:
    return bool(await found(client, [number]))


async def _has_one_revision(client: Client, name: str) -> None:
    answer = await client.accounts.ListAccountRevisions(
        account_pb2.ListAccountRevisionsRequest(name=name)
    )
    assert [one.revision.version for one in answer.revisions] == [1]
