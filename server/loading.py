"""ImportService: loads records in bulk, a batch of one kind in each transaction.

Owns the way of a chunk: what every kind's loader does for a batch, when that is committed, what
becomes of rows that cannot be taken. The rules of a kind are its loader's.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from opencif.v1.import_pb2 import ImportRecord, ImportRecordsRequest, ImportRecordsResponse
from repository.errors import LinkTaken, OperationInProgress
from repository.loading import LoadRow, Reject, load, mark
from repository.record import Kind
from repository.work import Origin, Work
from repository.writing import Writer
from server.account_numbers import AccountNumbers
from server.card_numbers import CardNumbers
from server.cursor import Cursors
from server.customer_links import CustomerLinks
from server.errors import AlreadyExists, InvalidArgument
from server.loading_account import AccountLoader
from server.loading_batch import Batch, New, Rejects
from server.loading_card import CardLoader
from server.loading_customer import CustomerLoader
from server.loading_pipeline import Pipeline
from server.loading_references import Referenced, References, Wants
from server.loading_relationship import RelationshipLoader
from server.party import Parties
from server.rpc import Call
from server.sealed import SealedParts, SealedRecords
from server.shape import M
from tokenizer.identity import uuid7

__all__ = ["ImportServicer", "Loader", "Loading"]

# A tenth of a second and more of a database's work: the commit's own time is small beside it, and
# an open transaction holds everybody's horizon back no longer than that.
ROWS_A_COMMIT: Final = 2_000
APART_A_COMMIT: Final = 200  # rows that are judged and written one after the other
COMMIT_MAX_S: Final = 20.0
ATTEMPTS: Final = 5
# Two, so that one is prepared while the database writes the other. Rows of one kind do not refer
# to one another, but for relationships: circles and shares depend on the order.
_AT_ONCE: Final[Mapping[int, int]] = {
    Kind.CUSTOMER: 2,
    Kind.ACCOUNT: 2,
    Kind.CARD: 2,
    Kind.RELATIONSHIP: 1,
}


class Loader(Protocol[M]):
    """What one kind of record does with a batch of rows."""

    @property
    def of(self) -> type[M]:
        """The message of the records."""

    @property
    def id_field(self) -> str:
        """What is taken when a record of the same id is there."""

    @property
    def link_field(self) -> str:
        """What is taken when another record is found by it already."""

    @property
    def opens_customers(self) -> bool:
        """Whether the rows need more of customers than that they are there."""

    def stands_apart(self, message: M) -> bool:
        """Whether a row must see every other that was written before it."""

    async def begin(self, batch: Batch[M]) -> None:
        """Do what needs nothing but the rows, once."""

    def wants(self, batch: Batch[M]) -> Wants:
        """What the rows refer to."""

    def complete(
        self,
        batch: Batch[M],
        referenced: Referenced,
        references: References,
        work: Work,
        call: Call,
    ) -> AsyncGenerator[Sequence[New[M]], None]:
        """Write into each row what follows from others, give it its name and links.

        Yields rows that can be written: what comes after them may depend on that. Done anew, on
        what it left, when the transaction has to be run again.
        """


@dataclass(frozen=True, slots=True)
class Loading:
    """What loading works with."""

    writer: Writer
    sealed: SealedRecords
    parties: Parties
    cursors: Cursors


class ImportServicer:
    """Implements opencif.v1.ImportService."""

    def __init__(
        self,
        loading: Loading,
        accounts: AccountNumbers,
        cards: CardNumbers,
        customers: CustomerLinks,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._loading = loading
        self._references = References(loading.sealed, loading.parties)
        self._loaders: dict[int, Loader[Any]] = {
            Kind.CUSTOMER: CustomerLoader(customers),
            Kind.ACCOUNT: AccountLoader(accounts),
            Kind.CARD: CardLoader(cards),
            Kind.RELATIONSHIP: RelationshipLoader(loading.sealed),
        }
        self._clock = clock
        self._under_way = 0

    async def ImportRecords(
        self, requests: AsyncIterator[ImportRecordsRequest], call: Call
    ) -> ImportRecordsResponse:
        """Load chunk by chunk: the next is read when there is room for its rows."""
        run = _Run(self._loading, self._loaders, self._references, call, self._clock)
        self._under_way += 1
        try:
            async for request in requests:
                await run.take(request)
            return await run.response()
        finally:
            await run.settle()
            self._under_way -= 1
            if not self._under_way:
                self._references.forget()


class _Run:
    """One import: its rows are counted from 1."""

    def __init__(
        self,
        loading: Loading,
        loaders: Mapping[int, Loader[Any]],
        references: References,
        call: Call,
        clock: Callable[[], datetime],
    ) -> None:
        self._loading = loading
        self._loaders = loaders
        self._call = call
        self._clock = clock
        self._references = references
        self._pipeline = Pipeline(_AT_ONCE)
        self._preparing = asyncio.Lock()
        self._asks_first = False  # until something turns out to be there already
        self._rejects = Rejects()
        self._request_id = uuid7()
        self._source_system = ""
        self._rows = 0
        self._loaded = dict.fromkeys(Kind, 0)

    async def take(self, request: ImportRecordsRequest) -> None:
        """Load a chunk: customers before accounts before cards, whatever order they came in."""
        self._source_system = request.source_system or self._source_system
        rows: dict[int, list[New[Any]]] = {kind: [] for kind in Kind}
        for record in request.records:
            self._rows += 1
            kind, message = _content(record)
            if kind:
                rows[kind].append(New(self._rows, message))
            else:
                self._rejects.add(self._rows, InvalidArgument("REQUIRED", "record"))
        for kind in Kind:
            for some in _slices(rows[kind], self._loaders[kind]):
                await self._pipeline.add(kind, self._load(kind, some))

    async def settle(self) -> None:
        """Return when nothing of the import is under way."""
        await self._pipeline.settle()

    async def response(self) -> ImportRecordsResponse:
        """What was loaded and what was not, once all of it is committed."""
        await self._pipeline.drain()
        return ImportRecordsResponse(
            customers=self._loaded[Kind.CUSTOMER],
            accounts=self._loaded[Kind.ACCOUNT],
            cards=self._loaded[Kind.CARD],
            relationships=self._loaded[Kind.RELATIONSHIP],
            rejected=self._rejects.shown(),
            rejected_count=self._rejects.count,
            consistency_token=await self._token() if any(self._loaded.values()) else "",
        )

    async def _token(self) -> str:
        """The token of a transaction behind all of the import's: none of theirs includes all."""
        deadline = min(self._call.deadline, time.monotonic() + COMMIT_MAX_S)
        async with self._loading.writer.begin(self._origin(), deadline) as work:
            await mark(work)
        return self._loading.cursors.consistency_token(work.position)

    async def _load(self, kind: Kind, rows: Sequence[New[Any]]) -> None:
        """Load rows of a kind, once more when other writers were in the way."""
        loader = self._loaders[kind]
        batch = Batch(rows, self._origin(), self._rejects)
        async with self._preparing:  # one after the other, so that one writes meanwhile
            await loader.begin(batch)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._write(kind, loader, batch)
                break
            except (LinkTaken, OperationInProgress):
                if attempt == ATTEMPTS:
                    raise
                self._asks_first = True
        self._loaded[kind] += len(batch.news)
        if kind is Kind.CUSTOMER:
            self._references.learn([new.message for new in batch.news])

    def _origin(self) -> Origin:
        return Origin(
            actor=self._call.caller.identity,
            method=self._call.method,
            request_id=self._request_id,
            time=self._clock(),
            source_system=self._source_system,
        )

    async def _write(self, kind: int, loader: Loader[Any], batch: Batch[Any]) -> None:
        """One transaction; what it leaves in the batch was written."""
        if not batch.news:
            return
        deadline = min(self._call.deadline, time.monotonic() + COMMIT_MAX_S)
        self._references.begin(batch.today)
        async with self._loading.writer.begin(batch.origin, deadline) as work:
            referenced = await self._references.hold(
                work, loader.wants(batch), deadline, opens_customers=loader.opens_customers
            )
            left_out: dict[int, Reject] = {}
            ready = loader.complete(batch, referenced, self._references, work, self._call)
            async with aclosing(ready):
                async for some in ready:
                    left_out |= await self._copy(kind, some, work, deadline)
        if left_out:
            await batch.each(lambda new: _refuse_left_out(new, left_out, loader))

    async def _copy(
        self, kind: int, news: Sequence[New[Any]], work: Work, deadline: float
    ) -> dict[int, Reject]:
        """Seal and write rows; row -> reason of those that the database left out."""
        ids = [new.id for new in news]
        messages = [new.message for new in news]
        loader = self._loaders[kind]
        sealed = await self._loading.sealed.seal_new(loader.of, ids, messages, deadline)
        rows = [_row(new, parts) for new, parts in zip(news, sealed, strict=True)]
        # What stands apart is judged by what was written: then nothing may turn out to be there.
        asks_first = self._asks_first or any(map(loader.stands_apart, messages))
        left_out = await load(work, kind, rows, asks_first=asks_first)
        return {news[index].row: why for index, why in left_out.items()}


def _row(new: New[Any], parts: SealedParts) -> LoadRow:
    return LoadRow(
        new.id,
        new.uid,
        new.message.state,
        getattr(new.message, "branch", ""),
        parts.operational,
        parts.private or None,
        parts.number or None,
        new.links,
    )


def _refuse_left_out(new: New[Any], left_out: Mapping[int, Reject], loader: Loader[Any]) -> None:
    """Raise AlreadyExists for a row that the database left out."""
    if why := left_out.get(new.row):
        raise AlreadyExists(loader.link_field if why is Reject.LINK_TAKEN else loader.id_field)


def _content(record: ImportRecord) -> tuple[int, Any]:
    """The kind and the message of a row; 0 for an empty one."""
    content = record.WhichOneof("record")
    return (_KINDS[content], getattr(record, content)) if content else (0, None)


def _slices(rows: Sequence[New[Any]], loader: Loader[Any]) -> Iterator[Sequence[New[Any]]]:
    """The rows of each transaction."""
    apart = [new for new in rows if loader.stands_apart(new.message)]
    together = [new for new in rows if not loader.stands_apart(new.message)] if apart else rows
    for some, rows_max in ((together, ROWS_A_COMMIT), (apart, APART_A_COMMIT)):
        for start in range(0, len(some), rows_max):
            yield some[start : start + rows_max]


_KINDS: Final[dict[str, Kind]] = {
    "customer": Kind.CUSTOMER,
    "account": Kind.ACCOUNT,
    "card": Kind.CARD,
    "relationship": Kind.RELATIONSHIP,
}
