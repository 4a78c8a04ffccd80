"""What the restore drill writes before and after the moment T, and remembers of it.

All of it goes through the published client; what must be true after a restore is not known here.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from deploy.embedded import EmbeddedError
from deploy.restore_rig import counted
from deploy.service import Workers
from opencif.client import Client
from opencif.v1 import account_pb2, customer_pb2, lookup_pb2
from opencif.v1.account_pb2 import Account

__all__ = ["LOST_REQUEST", "PAGE", "PATIENT_S", "ROUTING", "Bounds", "Past", "moved", "opened"]

ROUTING: Final = "021000021"
PATIENT_S: Final = 60.0
"""How long a call may take: a busy machine is no fault of the service."""
PAGE: Final = 5
LOST_REQUEST: Final = "8f14e45f-ceea-467f-a0e6-5a9d1d1f7b52"
"""The request_id of a write that the restore undoes."""

_ACCOUNTS: Final = 24
_WRITERS: Final = 4
_WRITES: Final = 60  # of each writer, about half of them before T
_FIRST_NUMBER: Final = 710_000_000_000
_NOT_YET: Final = datetime.max.replace(tzinfo=UTC)
_NAMES: Final = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Faye")


class Write(NamedTuple):
    """One acknowledged write."""

    name: str
    version: int
    begun: datetime
    acked: datetime


class Bounds(NamedTuple):
    """Which versions a record may have at T; 0 is not there."""

    least: int
    most: int


@dataclass(slots=True)
class Past:
    """Everything written, in order, and what clients hold from before and after T."""

    writes: list[Write] = field(default_factory=list)
    customers: dict[str, str] = field(default_factory=dict)
    """Given names, by resource name."""
    numbers: dict[str, str] = field(default_factory=dict)
    """Account numbers, by resource name."""
    moment: datetime = _NOT_YET
    """T."""
    page_token: str = ""
    """Of the page behind `page_end`, made before T."""
    page_end: str = ""
    lost_page_token: str = ""
    lost_history_token: str = ""
    """Of the page behind the probe's last revision, which the restore undoes."""
    lost_token: str = ""
    """A consistency token of a write that the restore undoes."""
    probe: str = ""
    """The account changed after T by LOST_REQUEST, and cached everywhere as it was then."""
    lost: str = ""
    """The account opened after T."""
    deleted: str = ""
    """The account deleted after T."""

    @property
    def acknowledged(self) -> int:
        """How many writes were acknowledged before T."""
        return sum(write.acked <= self.moment for write in self.writes)

    def bounds(self) -> dict[str, Bounds]:
        """For each account what it may be at T."""
        least, most = defaultdict(int), defaultdict(int)
        for write in self.writes:
            if write.acked <= self.moment:
                least[write.name] = write.version
            if write.begun <= self.moment:
                most[write.name] = write.version
        return {write.name: Bounds(least[write.name], most[write.name]) for write in self.writes}

    async def begin(self, addresses: Sequence[str]) -> None:
        """Write what the base backup will hold."""
        async with Client(addresses, timeout_s=PATIENT_S) as client:
            for given in _NAMES:
                person = {"given_name": given, "family_name": "Bell", "birth_date": "1980-02-29"}
                request = customer_pb2.CreateCustomerRequest(
                    customer={"kind": "CUSTOMER_KIND_PERSON", "person": person}
                )
                answer = await client.customers.CreateCustomer(request)
                self.customers[answer.customer.name] = given
            for _ in range(_ACCOUNTS):
                await self.open(client)
            self.page_token, self.page_end = await first_page(client)

    async def write_across(self, addresses: Sequence[str]) -> None:
        """Change and open accounts from several writers at once; T falls in the midst of it."""
        half = len(self.writes) + _WRITERS * _WRITES // 2
        names = [write.name for write in self.writes]

        async def write(mine: Sequence[str], client: Client) -> None:
            versions = dict.fromkeys(mine, 1)
            for turn in range(_WRITES):
                if turn % 10 == 9:
                    await self.open(client)
                else:
                    name = mine[turn % len(mine)]
                    versions[name] += 1
                    await self.move(client, name, f"B{versions[name]}")
                if len(self.writes) == half:
                    self.moment = datetime.now(UTC)

        async with Client(addresses, timeout_s=PATIENT_S) as client, asyncio.TaskGroup() as tasks:
            for number in range(_WRITERS):
                tasks.create_task(write(names[number::_WRITERS], client))

    async def lose(self, addresses: Sequence[str]) -> None:
        """Write what the restore will undo, and have every worker and Valkey keep it."""
        async with Client(addresses, timeout_s=PATIENT_S) as client:
            self.probe, self.deleted = (write.name for write in self.writes[:2])
            await self.move(client, self.probe, "LOST", request_id=LOST_REQUEST)
            self.lost = (await self.open(client)).name
            await client.accounts.DeleteAccount(account_pb2.DeleteAccountRequest(name=self.deleted))
            self.lost_token = client.consistency_token
            self.lost_page_token, _ = await first_page(client)
            asked = account_pb2.ListAccountRevisionsRequest(name=self.probe, page_size=1)
            history = await client.accounts.ListAccountRevisions(asked)
            self.lost_history_token = history.next_page_token
        for address in addresses:
            async with Client(address, timeout_s=PATIENT_S) as client:
                client.consistency_token = self.lost_token
                keys = [lookup_pb2.AccountKey(name=write.name) for write in self.writes]
                for _ in range(2):
                    await client.lookup_accounts(keys)

    def check_cached(self, servers: Sequence[Workers]) -> None:
        """Make sure that every worker's own cache and Valkey have been filled.

        Raises: EmbeddedError.
        """
        for server in servers:
            own = counted(server, "opencif_cache_own_entries")
            filled = counted(server, "opencif_cache_events_total", 'event="filled"')
            if min(own) < len(self.numbers) // 2 or not sum(filled):
                raise EmbeddedError(f"nothing is cached: {own} entries, {filled} fills")

    async def open(self, client: Client) -> Account:
        """An account more."""
        number = str(_FIRST_NUMBER + len(self.numbers))
        self.numbers[number] = number  # taken, before another writer asks
        begun = datetime.now(UTC)
        made = await opened(client, number)
        self.numbers[made.name] = self.numbers.pop(number)
        self._took(made, begun)
        return made

    async def move(self, client: Client, name: str, branch: str, request_id: str = "") -> None:
        """Change an account's branch."""
        begun = datetime.now(UTC)
        self._took(await moved(client, name, branch, request_id), begun)

    def _took(self, made: Account, begun: datetime) -> None:
        self.writes.append(Write(made.name, made.version, begun, datetime.now(UTC)))


async def opened(client: Client, number: str) -> Account:
    """A new account in branch B1."""
    request = account_pb2.CreateAccountRequest(
        account={
            "routing_number": ROUTING,
            "account_number": number,
            "account_type": "ACCOUNT_TYPE_CHECKING",
            "holder_class": "HOLDER_CLASS_CONSUMER",
            "currency": "USD",
            "branch": "B1",
        }
    )
    return (await client.accounts.CreateAccount(request)).account


async def moved(client: Client, name: str, branch: str, request_id: str = "") -> Account:
    """The account in another branch."""
    request = account_pb2.UpdateAccountRequest(
        account={"name": name, "branch": branch},
        update_mask={"paths": ["branch"]},
        request_id=request_id,
    )
    return (await client.accounts.UpdateAccount(request)).account


async def first_page(client: Client) -> tuple[str, str]:
    """The token of a second page, and the name that the first one ends with."""
    page = await client.accounts.ListAccounts(account_pb2.ListAccountsRequest(page_size=PAGE))
    return page.next_page_token, page.accounts[-1].name
