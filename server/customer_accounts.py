"""Keeps accounts in line with their customers: days of death and digests of names.

What a change of a customer means for up to 100 accounts is written in its own transaction, for
more of them by follow-ups, a hundred a transaction. A step may be repeated: it states what is.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from opencif.v1.account_pb2 import Account
from opencif.v1.customer_pb2 import Customer
from repository.beside import beside
from repository.errors import RepositoryError
from repository.follow_up import FollowUp, FollowUpStore
from repository.link import Relation
from repository.record import Kind
from server import account_rules, log, names
from server.mutation import Mutations
from server.party import Parties
from server.rpc import Call, Caller
from server.work import Work

__all__ = ["CustomerAccounts"]

ACCOUNTS_A_TIME: Final = 100
INTERVAL_S: Final = 5.0  # until another worker's, or a dead one's, follow-ups are looked for
STEP_S: Final = 10.0
PENDING_MAX: Final = 16

_log = log.logger("follow_up")


class CustomerAccounts:
    """Writes on accounts what changed of their customers, now or as soon as may be."""

    def __init__(
        self,
        mutations: Mutations,
        parties: Parties,
        store: FollowUpStore,
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._mutations = mutations
        self._store = store
        self._interval_s = interval_s
        self.name_digests = parties.name_digests
        self._asked = asyncio.Event()

    async def bring_in_line(self, work: Work, customer: Customer) -> None:
        """Have every account the customer is a party to say what the changed customer says."""
        id_ = names.parse(Kind.CUSTOMER, customer.name)
        ids = await work.linked(Relation.CUSTOMER_ACCOUNT, id_, ACCOUNTS_A_TIME + 1)
        if len(ids) > ACCOUNTS_A_TIME:
            await self._store.ask(work.transaction, id_)
        else:
            await self._write(work, customer, ids)

    def wake(self) -> None:
        """Look for follow-ups now: one may have been committed."""
        self._asked.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do follow-ups in the background until the block ends."""
        async with beside(self._run()):
            yield

    async def follow_up(self) -> int:
        """Take every pending follow-up a step further; how many went on.

        Raises Unavailable. What keeps one from going on does not keep the others.
        """
        done = 0
        for one in await self._store.pending(datetime.now(UTC), PENDING_MAX):
            try:
                await self._step(one)
            except Exception as error:
                _log.warning("follow_up_failed", error_type=type(error).__name__)
            else:
                done += 1
        return done

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self._interval_s)
            self._asked.clear()
            try:
                while await self.follow_up():
                    pass  # one step of each at a time: none waits for another's thousands
            except RepositoryError as error:  # the next round will do
                _log.warning("follow_up_failed", error_type=type(error).__name__)

    async def _step(self, one: FollowUp) -> None:
        async def change(work: Work) -> None:
            name = names.format(Kind.CUSTOMER, one.id)
            customers = await work.read_many(Customer, [name])
            ids = await work.linked(Relation.CUSTOMER_ACCOUNT, one.id, ACCOUNTS_A_TIME, one.after)
            is_last = len(ids) < ACCOUNTS_A_TIME or name not in customers
            if not await self._store.advance(work.transaction, one, None if is_last else ids[-1]):
                return
            if name in customers:
                await self._write(work, customers[name], ids)

        caller = Caller(one.origin.actor, frozenset())
        call = Call(caller, one.origin.method, time.monotonic() + STEP_S)
        await self._mutations.follow_up(one.origin, call, change)

    async def _write(self, work: Work, customer: Customer, ids: list[bytes]) -> None:
        digests = self.name_digests(customer)
        accounts = await work.read_many(Account, [names.format(Kind.ACCOUNT, id_) for id_ in ids])
        for account in accounts.values():
            before = account.SerializeToString(deterministic=True)
            account_rules.record_names(account, customer.name, digests)
            if customer.deceased_date:
                account_rules.record_death(account, customer.name, customer.deceased_date)
            if account.SerializeToString(deterministic=True) != before:
                work.put(account)
