"""The sessions of a seed: callers that change, repeat and read, and what befalls caches meanwhile.

Owns what each does next, by the seed's chance, and what it is owed by whom it asks.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message_factory import GetMessageClass

from deploy.seed_changes import Change, Chooser
from deploy.seed_faults import CALLER
from deploy.seed_oracle import LATE, RECORD_FIELDS, UNSURE, Asked, Oracle
from deploy.seed_time import ACTOR
from deploy.seed_worker import Refused, Worker
from opencif.v1 import account_pb2, card_pb2, customer_pb2, lookup_pb2, relationship_pb2
from opencif.v1.record_pb2 import VIEW_BASIC, VIEW_FULL
from repository.errors import RepositoryError
from server.contract import services

if TYPE_CHECKING:
    import redis

__all__ = ["GETS", "Caller", "Session"]

_SECONDS: Final = (5.0, 5.0, 5.0, 0.5)
_ATTEMPTS_MAX: Final = 3
_PAUSE_S: Final = 0.05

GETS: Final[Mapping[str, tuple[str, Any, str]]] = {
    "Customer": ("CustomerService/GetCustomer", customer_pb2.GetCustomerRequest, "customer"),
    "Account": ("AccountService/GetAccount", account_pb2.GetAccountRequest, "account"),
    "Card": ("CardService/GetCard", card_pb2.GetCardRequest, "card"),
    "CustomerRelationship": (
        "RelationshipService/GetRelationship", relationship_pb2.GetRelationshipRequest,
        "relationship",
    ),
}  # fmt: skip
"""By kind: how a record is got, and what it is called in the answer."""


class Caller:
    """Calls workers as a client does: with time limits, and able to give up."""

    def __init__(
        self, workers: Sequence[Worker], oracle: Oracle, beat: Callable[[], object]
    ) -> None:
        self.workers = workers
        self.oracle = oracle
        self._beat = beat

    async def poll(self, worker: int) -> None:
        """Have a worker poll: what was acknowledged before, it knows from then on.

        Raises RepositoryError.
        """
        acknowledged = dict(self.oracle.acknowledged)
        self._beat()
        await self.workers[worker].poll.poll()
        self.oracle.polled(worker, acknowledged)

    async def call(self, worker: int, change: Change, seconds: float = 5.0) -> Any:
        """The answer of a worker. Raises Refused, CANCELLED when the call was given up."""

        async def called() -> bytes:
            CALLER.set(asyncio.current_task())
            return await self.workers[worker].call(change.method, change.request, seconds)

        task = asyncio.create_task(called())
        try:
            await asyncio.wait({task})
            data = task.result()
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            raise Refused("CANCELLED", "CANCELLED", b"") from None
        except Refused as refused:
            self.oracle.refused(change.method, refused.code, refused.reason)
            raise
        return _answer_of(change.method).FromString(data)

    async def ask(self, one: Asked, worker: int, seconds: float = 5.0) -> None:
        """Ask for a change, again if it was asked for before, and note what it is answered."""
        one.workers.append(worker)
        try:
            answer = await self.call(worker, Change(one.method, one.request), seconds)
        except Refused as refused:
            one.reasons.append(refused.reason)
            if one.is_done and refused.reason not in UNSURE | LATE:
                self.oracle.breach(f"{one.method} was done, and {refused.reason} when repeated")
        else:
            self.oracle.acknowledge(one, answer, record_of(answer))


class Session:
    """One caller: does one thing after the other, each by the seed's chance."""

    def __init__(
        self,
        caller: Caller,
        seed: int,
        number: int,
        cache: "redis.Redis",
        told: list[str],
    ) -> None:
        self._caller = caller
        self._oracle = caller.oracle
        self._number = number
        self._chance = random.Random(f"session/{seed}/{number}")  # noqa: S311 - chance, no secret
        self._chooser = Chooser(caller.oracle, self._chance, seed, number)
        self._tokens: list[tuple[str, dict[str, int]]] = []
        self._cache = cache
        self._kept: dict[Any, Any] = {}
        self._told = told

    async def found(self) -> None:
        """Make what all sessions begin with."""
        for change in self._chooser.founding():
            await self._ask(self._asked(change))

    async def run(self, count: int) -> None:
        """Do so many things."""
        ACTOR.set(f"session {self._number}")
        doings: list[tuple[Callable[[], Any], int]] = [
            (self._change, 40),
            (self._repeat, 6),
            (self._get, 25),
            (self._batch, 10),
            (self._look_up, 8),
            (self._poll, 14),
            (self._disturb, 8),
        ]
        makers, weights = zip(*doings, strict=True)
        for _ in range(count):
            await self._chance.choices(makers, weights)[0]()

    def _note(self, what: str, worker: int | None = None) -> None:
        where = "" if worker is None else f" on worker {worker}"
        self._told.append(f"> session {self._number}: {what}{where}")

    def _worker(self) -> int:
        return self._chance.randrange(len(self._caller.workers))

    async def _change(self) -> None:
        one = self._asked(self._chooser.change())
        for _ in range(self._chance.randint(1, _ATTEMPTS_MAX)):
            await self._ask(one)
            if one.is_done or one.reasons[-1] not in UNSURE | LATE:
                return
            await asyncio.sleep(_PAUSE_S)

    def _asked(self, change: Change) -> Asked:
        one = Asked(change.method, change.request, self._number)
        self._oracle.asked[change.request.request_id] = one
        return one

    async def _repeat(self) -> None:
        """Ask again for what was done, or is open; or for something else under its name."""
        asked = [one for one in self._oracle.asked.values() if one.session == self._number]
        if not asked:
            return
        one = self._chance.choice(asked)
        if one.is_done and self._chance.random() < 0.3:
            await self._reuse(one)
        elif one.is_done or one.is_open:
            await self._ask(one)

    async def _ask(self, one: Asked) -> None:
        worker, seconds = self._worker(), self._chance.choice(_SECONDS)
        await self._caller.ask(one, worker, seconds)
        said = f"version {one.version} of {one.name}" if one.is_done else one.reasons[-1]
        self._note(f"{one.method}: {said}", worker)
        token = getattr(one.answer, "consistency_token", "")
        if token:
            self._tokens.append((token, {one.name: one.version}))

    async def _reuse(self, one: Asked) -> None:
        """The same request_id with another payload must be refused, whatever else happens."""
        other = type(one.request).FromString(one.request.SerializeToString())
        other.reason = "OTHER"
        worker = self._worker()
        try:
            await self._caller.call(worker, Change(one.method, other))
        except Refused as refused:
            self._note(f"{one.method} under a used request_id: {refused.reason}", worker)
            if refused.reason not in {"IDEMPOTENCY_KEY_REUSED"} | UNSURE | LATE:
                self._oracle.breach(f"{one.method} with a used request_id: {refused.reason}")
        else:
            self._oracle.breach(f"{one.method} was done under a used request_id")

    def _owed(self, worker: int) -> tuple[dict[str, Any], dict[str, int]]:
        """A consistency to ask for, and the versions that a reading then must reach."""
        way = self._chance.randrange(3)
        if way == 0:
            return {"fully_consistent": True}, dict(self._oracle.acknowledged)
        if way == 1 and self._tokens:
            token, versions = self._chance.choice(self._tokens)
            floors = dict(self._oracle.seen_by[worker])
            for name, version in versions.items():
                floors[name] = max(version, floors.get(name, 0))
            return {"at_least_as_fresh": token}, floors
        return {"minimize_latency": True}, dict(self._oracle.seen_by[worker])

    async def _get(self) -> None:
        one = self._chooser.some(self._chance.choice(list(GETS)))
        if one is None:
            return
        worker = self._worker()
        consistency, floors = self._owed(worker)
        method, request, field = GETS[one.kind]
        view = {"view": self._view()} if one.kind != "CustomerRelationship" else {}
        asked = request(name=one.name, consistency=consistency, **view)
        try:
            answer = await self._caller.call(worker, Change(method, asked))
        except Refused as refused:
            self._note(f"{method} {one.name} {_way(consistency)}: {refused.reason}", worker)
            if refused.reason == "NOT_FOUND":
                self._oracle.judge(method, one.name, None, floors.get(one.name, 0))
            return
        record = getattr(answer, field)
        self._note(f"{method} {one.name} {_way(consistency)}: version {record.version}", worker)
        self._oracle.met(record, is_full=view.get("view") == VIEW_FULL)
        self._oracle.judge(method, one.name, record, floors.get(one.name, 0))
        self._oracle.tell(record)

    async def _batch(self) -> None:
        """Several accounts or cards at once, some of them twice."""
        kind = self._chance.choice(["Account", "Card"])
        names = [one.name for one in self._oracle.known.values() if one.kind == kind]
        if not names:
            return
        wanted = self._chance.choices(names, k=self._chance.randint(1, 6))
        worker = self._worker()
        consistency, floors = self._owed(worker)
        service, module = ("Account", account_pb2) if kind == "Account" else ("Card", card_pb2)
        request = getattr(module, f"BatchGet{service}sRequest")
        asked = Change(
            f"{service}Service/BatchGet{service}s", request(names=wanted, consistency=consistency)
        )
        try:
            answer = await self._caller.call(worker, asked)
        except Refused as refused:
            self._note(f"{asked.method} {_way(consistency)}: {refused.reason}", worker)
            return
        records = answer.accounts if kind == "Account" else answer.cards
        self._note(f"{asked.method} {_way(consistency)}: {[r.version for r in records]}", worker)
        self._judge_all(asked.method, wanted, list(records), floors)

    async def _look_up(self) -> None:
        """Accounts by name, through the hot path."""
        names = [one.name for one in self._oracle.known.values() if one.kind == "Account"]
        if not names:
            return
        wanted = self._chance.choices(names, k=self._chance.randint(1, 8))
        worker = self._worker()
        consistency, floors = self._owed(worker)
        request = lookup_pb2.LookupAccountsRequest(
            keys=[{"name": name} for name in wanted], consistency=consistency
        )
        asked = Change("LookupService/LookupAccounts", request)
        try:
            answer = await self._caller.call(worker, asked)
        except Refused as refused:
            self._note(f"{asked.method} {_way(consistency)}: {refused.reason}", worker)
            return
        records = [each.account if each.HasField("account") else None for each in answer.results]
        shown = [record and record.version for record in records]
        self._note(f"{asked.method} {_way(consistency)}: {shown}", worker)
        self._judge_all(asked.method, wanted, records, floors)

    def _judge_all(
        self, method: str, wanted: list[str], records: list[Any], floors: Mapping[str, int]
    ) -> None:
        if len(records) != len(wanted):
            self._oracle.breach(f"{method} answered {len(records)} for {len(wanted)}")
            return
        for name, record in zip(wanted, records, strict=True):
            if record is not None:
                self._oracle.met(record, is_full=False)
            self._oracle.judge(method, name, record, floors.get(name, 0))

    async def _poll(self) -> None:
        """A worker polls."""
        worker = self._worker()
        try:
            await self._caller.poll(worker)
        except RepositoryError as error:
            self._note(f"poll: {type(error).__name__}", worker)
        else:
            self._note("poll", worker)

    async def _disturb(self) -> None:
        """The cache loses everything, or something, or has its past put back."""
        keys = sorted(self._cache.keys())
        what = self._chance.randrange(3)
        if what == 0:
            self._note("the cache loses everything")
            self._cache.flushall()
        elif what == 1 and keys:
            self._note("the cache loses an entry, and keeps some for later")
            for key in self._chance.sample(keys, min(5, len(keys))):
                if value := self._cache.get(key):
                    self._kept[key] = value
            self._cache.delete(self._chance.choice(keys))
        elif self._kept:
            self._note("old entries are put back into the cache")
            for key, value in self._kept.items():
                self._cache.set(key, value)

    def _view(self) -> int:
        return self._chance.choice([VIEW_BASIC, VIEW_FULL])


def record_of(answer: Any) -> Any:
    """The record in an answer; None in that of a deletion."""
    for field, value in answer.ListFields():
        if field.name in RECORD_FIELDS:
            return value
    return None


def _way(consistency: Mapping[str, Any]) -> str:
    return next(iter(consistency))


@cache
def _answer_of(method: str) -> Any:
    service, _, name = method.partition("/")
    for each in services():
        if each.name == service:
            return GetMessageClass(each.methods_by_name[name].output_type)
    raise KeyError(method)
