"""A server that starts while there is no primary: it reads from a standby, and heals by itself."""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from pathlib import Path

import grpc
import pytest

from deploy.embedded import EmbeddedValkey, temporary_directory
from deploy.process import StartFailed
from deploy.service import KEK, Workers, server_command
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import customer_pb2
from opencif.v1.record_pb2 import Consistency
from tests.faults.standby import Pair

PATIENT_S = 60.0


class Rig:
    """A pair of database servers, Valkey, and servers that are told of both or of the primary."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.pair = Pair(home)
        self.valkey = EmbeddedValkey(home)

    def environment(self, *, standby: bool) -> dict[str, str]:
        """Where everything is; without the standby for the control."""
        dsn = self.pair.both if standby else self.pair.primary.dsn
        said = {
            "OPENCIF_DATABASE_DSN": dsn("opencif"),
            "OPENCIF_KEY_DATABASE_DSN": self.pair.both("opencif_keys"),
            "OPENCIF_CACHE_URL": self.valkey.url,
            "OPENCIF_KEK_FILE": str(self.home / KEK),
            "OPENCIF_PORT": "0",
            "OPENCIF_DRAIN_WAIT_S": "0",
            "OPENCIF_MAX_STALE_S": "3600",  # a busy machine is no fault of the server's
        }
        return said | ({"OPENCIF_REPLICA_DSN": self.pair.standby.dsn("opencif")} if standby else {})

    def server(self, name: str, *, standby: bool = True) -> Workers:
        return Workers(self.home, name, self.environment(standby=standby))


@pytest.fixture
def rig() -> Iterator[Rig]:
    with temporary_directory() as directory, contextlib.ExitStack() as held:
        made = Rig(directory)
        held.callback(made.pair.stop)
        made.pair.start()
        held.callback(made.valkey.stop)
        made.valkey.start()
        server_command(made.environment(standby=True), "migrate")
        server_command(made.environment(standby=True), "keys", "init")
        yield made


def person() -> customer_pb2.CreateCustomerRequest:
    named = customer_pb2.Person(given_name="Ann", family_name="Lee")
    customer = customer_pb2.Customer(kind=customer_pb2.CUSTOMER_KIND_PERSON, person=named)
    return customer_pb2.CreateCustomerRequest(customer=customer)


async def written(addresses: list[str]) -> tuple[str, str]:
    """A customer's name, and the token of the change that made it."""
    async with Client(addresses, timeout_s=PATIENT_S) as client:
        made = await client.customers.CreateCustomer(person())
        return made.customer.name, made.consistency_token


async def reads_and_no_more(addresses: list[str], name: str, token: str) -> None:
    """What was written is read, and said to be possibly stale; what takes a primary is refused."""
    once = Client(addresses, timeout_s=PATIENT_S, attempts=1, carry_consistency=False)
    async with once as client:
        get = client.customers.GetCustomer
        for asked in (Consistency(), Consistency(at_least_as_fresh=token)):
            answer = await get(customer_pb2.GetCustomerRequest(name=name, consistency=asked))
            assert answer.customer.name == name
            assert answer.HasField("stale_since")
        fully = Consistency(fully_consistent=True)
        refused: list[Awaitable[object]] = [
            get(customer_pb2.GetCustomerRequest(name=name, consistency=fully)),
            get(customer_pb2.GetCustomerRequest(name=name, view="VIEW_FULL")),
            client.customers.CreateCustomer(person()),
        ]
        for call in refused:
            with pytest.raises(OpencifError) as error:
                await call
            assert error.value.code is grpc.StatusCode.UNAVAILABLE


async def becomes_whole(addresses: list[str], name: str) -> None:
    """The same worker writes, and its reads are proven current again."""
    async with Client(addresses, timeout_s=PATIENT_S, attempts=100) as client:
        await client.customers.CreateCustomer(person())
        wanted = customer_pb2.GetCustomerRequest(name=name, view="VIEW_FULL")
        answer = await client.customers.GetCustomer(wanted)
        assert answer.customer.person.given_name == "Ann"
        async with asyncio.timeout(PATIENT_S):
            while answer.HasField("stale_since"):
                await asyncio.sleep(0.1)
                answer = await client.customers.GetCustomer(wanted)


def test_reads_go_on_from_a_standby_until_there_is_a_primary(rig: Rig) -> None:
    before = rig.server("before")
    before.wait()
    name, token = asyncio.run(written(before.addresses))
    before.stop()
    rig.pair.await_standby()
    rig.pair.primary.kill()
    after = rig.server("after")
    after.wait()
    asyncio.run(reads_and_no_more(after.addresses, name, token))
    rig.pair.promote()
    asyncio.run(becomes_whole(after.addresses, name))
    after.stop()


def test_without_a_standby_nothing_can_be_served_and_no_server_starts(rig: Rig) -> None:
    """The control."""
    rig.pair.primary.kill()
    with pytest.raises(StartFailed):
        rig.server("alone", standby=False).wait()
