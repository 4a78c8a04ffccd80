"""An upgrade while serving: workers of the release before go on, and can be started, until the end.

This release is the one before here; what the next one does to the database is done by hand.
"""

import os
import signal

import asyncpg

from opencif.client import Client
from opencif.v1 import customer_pb2
from tests.rpc import people
from tests.rpc.conftest import Launch, Serving, until

PRE = """
ALTER TABLE record ADD COLUMN next_release text;
ALTER TABLE change ADD COLUMN next_release text;
INSERT INTO schema_migration (version, sha256) VALUES ('998_next_release', 'x')"""
POST = "INSERT INTO schema_migration (version, sha256) VALUES ('999_next_release_post', 'x')"


async def migrate(serving: Serving, sql: str) -> None:
    connection = await asyncpg.connect(serving.environment["OPENCIF_DATABASE_DSN"])
    await connection.execute(sql)
    await connection.close()


async def serves(serving: Serving) -> None:
    async with Client(serving.addresses, timeout_s=60, attempts=200) as client:
        made = await people.create(client)
        request = customer_pb2.GetCustomerRequest(name=made.name)
        assert (await client.customers.GetCustomer(request)).customer.name == made.name


async def test_a_worker_starts_after_pre_and_not_after_post(launch: Launch) -> None:
    serving = await launch()
    await migrate(serving, PRE)
    await serves(serving)
    os.kill(await serving.worker_pid(), signal.SIGKILL)
    await serves(serving)
    await migrate(serving, POST)
    await serves(serving)
    os.kill(await serving.worker_pid(), signal.SIGKILL)

    async def has_said_so() -> bool:
        return "has 999_next_release_post, which a newer release" in serving.log.read_text()

    await until(has_said_so)
    refused = serving.run("worker")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
