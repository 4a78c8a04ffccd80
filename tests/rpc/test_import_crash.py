"""A load that a crash breaks off: what was acknowledged stays, and loading it again doubles none.

And plain accounts by the thousand, as a measurement at size loads them.
"""

import asyncio
import os
import signal
from collections.abc import Iterable

import pytest

from loadtests.sample_load import NotLoaded
from loadtests.sample_plain import PlainBank, plain_key
from loadtests.sample_plain_load import BLOCK, load_plain
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, lookup_pb2
from opencif.v1.import_pb2 import ImportRecord, ImportRecordsRequest
from tests.rpc.conftest import PATIENT_S, Launch, Serving, until

FOUND = lookup_pb2.LOOKUP_OUTCOME_FOUND
EXISTS = "ALREADY_EXISTS"
IMPORT = "ImportService/ImportRecords"
BANK = PlainBank(owners=40)


def rows(first: int, end: int) -> Iterable[ImportRecord]:
    for message in BANK.messages(first, end):
        yield from ImportRecordsRequest.FromString(message).records


async def found(client: Client, accounts: Iterable[int]) -> list[account_pb2.Account]:
    answer = await client.lookup_accounts(map(plain_key, accounts))
    return [result.account for result in answer.results if result.outcome == FOUND]


async def test_a_crash_amid_batches_loses_nothing_acknowledged_and_doubles_nothing(
    launch: Launch,
) -> None:
    serving = await launch()
    async with Client(serving.addresses, timeout_s=PATIENT_S, attempts=50) as client:
        await client.import_records(BANK.owners())
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
        assert {rejected.reason for rejected in again.rejected} == {EXISTS}
        assert again.rejected_count == 3_000 + there
        assert again.accounts == 7_000 - there
        accounts = await found(client, range(10_000))
        assert {account.version for account in accounts} == {1}
        assert len({account.uid for account in accounts}) == len(accounts) == 10_000
        for account in accounts[::500]:
            await _has_one_revision(client, account.name)


async def _is_there(client: Client, account: int) -> bool:
    return bool(await found(client, [account]))


async def _has_one_revision(client: Client, name: str) -> None:
    answer = await client.accounts.ListAccountRevisions(
        account_pb2.ListAccountRevisionsRequest(name=name)
    )
    assert [one.revision.version for one in answer.revisions] == [1]


async def test_plain_accounts_are_loaded_once_and_the_load_goes_on_where_it_ended(
    serving: Serving, client: Client
) -> None:
    told: list[str] = []
    total = BLOCK + 300
    assert (await load_plain(client, BANK, 500)).there == 500
    assert (await load_plain(client, BANK, total, tell=told.append)).there == total
    accounts = await found(client, range(total))
    assert len(accounts) == total
    assert {account.version for account in accounts} == {1}
    assert f"{total:,} of {total:,} accounts" in told[-1]
    before = await serving.counted(
        "opencif_rpc_started_total", method="ImportService/ImportRecords"
    )
    assert (await load_plain(client, BANK, total, first=300)).there == total - 300
    assert await serving.counted("opencif_rpc_started_total", method=IMPORT) == before
    keys = BANK.working_set(total, 200)
    answer = await client.lookup_accounts(keys)
    assert [result.outcome for result in answer.results] == [FOUND] * 200


async def test_a_refused_account_ends_the_load(client: Client) -> None:
    bank = PlainBank(owners=40, seed=1)
    bank._rows = bank._rows.copy()
    bank._rows[:, bank._rows[0].tobytes().index(b"USD")] = ord("X")
    with pytest.raises(NotLoaded, match=r"row 1: MALFORMED account\.currency"):
        await load_plain(client, bank, 500_010, first=500_000)
