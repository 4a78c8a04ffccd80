"""Records what must not be shown unrecorded: calls the contract calls audited, and private fields.

A call that cannot be recorded is not answered. Must not record a value: of a request it keeps the
purpose code, a count and a keyed digest, of what was shown the customers' ids.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from google.protobuf.message import Message

from opencif.v1 import options_pb2
from repository.audit import AuditEvent, AuditStore
from repository.errors import RepositoryError
from server.contract import ContractIncomplete, disclosing_methods
from server.errors import Unavailable
from server.forms import FORMS
from server.metrics import AuditStats
from server.rpc import Call
from tokenizer.identity import uuid7
from tokenizer.mac import Macs

__all__ = ["UNDER_WAY_MAX", "Audit"]

WRITE_MAX_S: Final = 1.0
EVENTS_MAX: Final = 500  # of one statement
UNDER_WAY_MAX: Final = 2
"""Statements that may be late at once. A connection may be lost without a word, so that one is not
enough; and where all wait for the same lock, the other writes of this worker need theirs."""
_NO_CODE: Final = FORMS[options_pb2.FORMAT_CODE]

Waiting: TypeAlias = tuple[AuditEvent, "asyncio.Future[None]"]


class Audit:
    """Writes the record, one statement at a time: what comes while one is under way goes together.

    So the record costs a commit for all that is shown meanwhile, not one for each call. Behind a
    statement that is late another follows, and no more: each holds a connection until it ends.
    """

    __slots__ = (
        "_disclosing", "_macs", "_store", "_under_way", "_waiting", "_writing", "stats",
    )  # fmt: skip

    def __init__(self, store: AuditStore, macs: Macs) -> None:
        self.stats = AuditStats()
        self._store = store
        self._macs = macs
        self._disclosing = disclosing_methods()
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def record(
        self, actor: str, method: str, request: Message | None, *, items: int, outcome: str
    ) -> None:
        """Record a call; `request` is None when it was no message at all.

        `outcome` is OK or the reason it was refused for. Raises Unavailable when it cannot be
        recorded, however late the call itself is.
        """
        purpose = getattr(request, "purpose", "")
        data = b"" if request is None else request.SerializeToString(deterministic=True)
        await self._recorded(
            AuditEvent(
                audit_id=uuid7(),
                time=datetime.now(UTC),
                actor=actor,
                method=method,
                purpose="" if _NO_CODE(purpose) else purpose,
                items=items,
                outcome=outcome,
                request_mac=self._macs.audit(data),
            )
        )

    async def shown(self, call: Call, customer_ids: Sequence[bytes]) -> None:
        """Record whose private fields a call is about to show; nothing when they are nobody's.

        Raises Unavailable when that cannot be recorded, ContractIncomplete where the contract does
        not say of the method that it discloses: then nothing may be shown.
        """
        if call.method not in self._disclosing:
            raise ContractIncomplete(f"{call.method} opens private fields and has no rule for it")
        if not customer_ids:
            return
        await self._recorded(
            AuditEvent(
                audit_id=uuid7(),
                time=datetime.now(UTC),
                actor=call.caller.identity,
                method=call.method,
                purpose="",
                items=len(customer_ids),
                outcome="OK",
                request_mac=b"",
                customer_ids=b"".join(customer_ids),
            )
        )

    async def _recorded(self, event: AuditEvent) -> None:
        """Return when the event is durable. Raises Unavailable."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((event, waiter))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        try:
            async with asyncio.timeout(WRITE_MAX_S):
                await waiter
        except TimeoutError:  # it may be under way, and written yet: rather a record too many
            self.stats.refused += 1
            raise Unavailable("DATABASE_UNAVAILABLE") from None
        except Exception:
            self.stats.refused += 1
            raise
        self.stats.recorded += 1

    async def _write_all(self) -> None:
        """Write until nothing waits; begins after this turn of the loop, with all of it.

        Events of calls that were refused meanwhile are left out: behind those of a slow second
        the next ones would be too late as well, and so on.
        """
        try:
            while waiting := [pair for pair in self._waiting if not pair[1].done()]:
                batch, self._waiting = waiting[:EVENTS_MAX], waiting[EVENTS_MAX:]
                await self._write_in_turn(batch)
            self._waiting.clear()
        finally:
            self._writing = None

    async def _write_in_turn(self, batch: Sequence[Waiting]) -> None:
        """Write a batch; return when it is written, or late and another may go."""
        writing = asyncio.create_task(self._write(batch))
        self._under_way.add(writing)
        writing.add_done_callback(self._under_way.discard)
        await asyncio.wait({writing}, timeout=WRITE_MAX_S)
        if len(self._under_way) >= UNDER_WAY_MAX:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    async def _write(self, batch: Sequence[Waiting]) -> None:
        """Write a batch and tell those who wait; one that spoils it is refused alone."""
        failure: Exception | None = None
        try:
            events = [event for event, _ in batch]
            await self._store.insert_many(events)
        except RepositoryError:
            failure = Unavailable("DATABASE_UNAVAILABLE")
        except Exception as error:  # a defect must not keep them waiting
            if len(batch) > 1:
                for each in batch:
                    await self._write([each])
                return
            failure = error
        for _, waiter in batch:
            if waiter.done():  # nobody waits any more
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(failure)
