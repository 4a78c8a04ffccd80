"""One mutation: idempotency, one transaction, versions, seals, change rows and the answer.

Owns everything about a change that is the same for every kind of record; what a change means is
its servicer's rule. The cache learns of commits from the Writer's `on_commit`.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, Generic, NamedTuple, Protocol
from uuid import UUID

from repository.errors import IdempotencyKeyReused
from repository.record import RecordStore
from repository.work import Idempotency, Origin, Replay
from repository.work import Work as Transaction
from repository.writing import Writer
from server.cursor import Cursors
from server.rpc import Call
from server.sealed import SealedRecords
from server.shape import SHAPES, M, shape_of
from server.work import Work
from tokenizer.mac import Macs

__all__ = ["Answer", "Edit", "Mutation", "Mutations"]

PAYLOAD_DOMAIN: Final = "idempotency"


class Mutation(Protocol):
    """A mutation's request: every one has these (AIP-155)."""

    request_id: str
    source_system: str
    reason: str

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:  # noqa: D102 - protobuf's
        ...


class Edit(Mutation, Protocol):
    """The request of a mutation that edits one record by name."""

    name: str
    etag: str


class Answer(NamedTuple, Generic[M]):
    """The record after the change, without numbers, and the token that makes reads include it."""

    message: M
    consistency_token: str


class Mutations:
    """Runs mutations: the same request again gets the first answer again, for 24 hours."""

    __slots__ = ("_clock", "_cursors", "_macs", "_records", "_sealed", "_writer")

    def __init__(
        self,
        writer: Writer,
        records: RecordStore,
        sealed: SealedRecords,
        cursors: Cursors,
        macs: Macs,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._writer = writer
        self._records = records
        self._sealed = sealed
        self._cursors = cursors
        self._macs = macs
        self._clock = clock

    async def run(
        self, request: Mutation, call: Call, change: Callable[[Work], Awaitable[M]]
    ) -> Answer[M]:
        """Run `change` in a transaction, once per request_id.

        `change` reads and puts records through its Work and returns the message that answers,
        one it has put, created or deleted. Raises what it raises, and the repository's errors.
        """
        origin = Origin(
            actor=call.caller.identity,
            method=call.method,
            request_id=UUID(request.request_id),
            time=self._clock(),
            source_system=request.source_system,
            reason=request.reason,
        )
        async with self._writer.begin(origin, call.deadline) as transaction:
            replay = await self._claim(transaction, request)
            if replay is None:
                work = Work(transaction, self._sealed, call)
                answer = await change(work)
                await work.flush(answer)
                shape_of(type(answer)).hide_numbers(answer)
        if replay is not None:
            answer = await self._repeated(replay, call)
        return Answer(answer, self._cursors.consistency_token(transaction.position))

    async def edit(
        self, of: type[M], request: Edit, call: Call, rule: Callable[[M, Work], None]
    ) -> Answer[M]:
        """Run a mutation whose rule needs one record only: it edits the message it is given."""

        async def change(work: Work) -> M:
            message = await work.read(of, request.name, request.etag)
            rule(message, work)
            return work.put(message)

        return await self.run(request, call, change)

    async def follow_up(
        self, origin: Origin, call: Call, change: Callable[[Work], Awaitable[None]]
    ) -> None:
        """Run `change` in a transaction of its own, for what an earlier mutation left to do."""
        async with self._writer.begin(origin, call.deadline) as transaction:
            work = Work(transaction, self._sealed, call)
            await change(work)
            await work.flush()

    async def _claim(self, transaction: Transaction, request: Mutation) -> Replay | None:
        """Claim the request, its payload MACed under any generation that still serves."""
        origin = transaction.origin
        name = "\0".join((origin.actor, origin.method, str(origin.request_id)))
        key = hashlib.sha256(name.encode()).digest()
        payload = request.SerializeToString(deterministic=True)
        tags = self._macs.mac_under_each(PAYLOAD_DOMAIN, payload)
        for tag in tags[:-1]:
            try:
                return await transaction.claim(Idempotency(key, tag))
            except IdempotencyKeyReused:
                continue
        return await transaction.claim(Idempotency(key, tags[-1]))

    async def _repeated(self, replay: Replay, call: Call) -> Any:
        """The record as the first run of the request left it, from its change row."""
        of = SHAPES[replay.kind].message
        revision = await self._records.revision(
            replay.kind, replay.id, version=replay.version, deadline=call.deadline
        )
        if revision.operational is None:
            return of()
        found = await self._sealed.open_many(
            of, [replay.id], [revision], private=True, deadline=call.deadline
        )
        return found[0]
