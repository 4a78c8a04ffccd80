"""The pipeline of one NACHA file: bytes to chunks of entries to results, with bounded memory.

While chunks are looked up the next is read; results leave in the file's order.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, NamedTuple

from opencif import nacha
from opencif.nacha import BatchControl, BatchHeader, Entry, FileControl, FileHeader
from opencif.v1 import ach_pb2
from opencif.v1.ach_pb2 import AchBatchResult, AchFinding, ResolveAchFileResponse
from repository.ach_run import AchRun, AchRunStore, RunKey
from repository.reading import Consistency
from server.ach_accounts import AccountResolver, Submitted, Terms
from server.ach_answers import AnswerFiles
from server.ach_batch import OpenBatch
from server.ach_chunk import Answered, Chunk, Part
from server.ach_corrections import Corrections
from server.ach_messages import Place, batch_part, file_finding, resolution
from server.ach_tally import Tally, control_totals
from server.errors import InvalidArgument
from server.name_words import NameWords
from server.resolution import Judge, Policy
from server.routing import RoutingNumbers
from server.routing_table import Route, RoutingTable
from server.rpc import Call
from tokenizer.formats import Tokens
from tokenizer.normal import NotNormal, pan

__all__ = ["FileRun", "Tools", "Wanted"]

AHEAD_MAX: Final = 2  # chunks being looked up while the next is read
PIECE_BYTES: Final = 1 << 13  # read in half a millisecond: nobody waits longer for the loop
_ROUTES_MAX: Final = 65_536
_FINDINGS: Final = {
    "DUPLICATE_FILE": "the same bytes were resolved before",
    "NUMBER_NOT_LUHN": "the card number fails its check digit and was dropped",
}


class Tools(NamedTuple):
    """What clearing works with; the same for every call."""

    resolver: AccountResolver
    corrections: Corrections
    words: NameWords
    tokens: Tokens
    routing: RoutingNumbers
    runs: AchRunStore


class Wanted(NamedTuple):
    """What a call asks for."""

    policy: Policy
    as_of: datetime
    all_results: bool = True
    files: bool = True


class FileRun:
    """One file of one call. Feed it bytes through `responses`; use it once."""

    def __init__(self, tools: Tools, wanted: Wanted, key: RunKey, call: Call) -> None:
        self._tools = tools
        self._wanted = wanted
        self._key = key
        self._call = call
        self._started = time.monotonic()
        self._reader = nacha.Reader()
        self._hash = hashlib.sha256()
        self._position = self._findings = 0
        self._table: RoutingTable = tools.routing.table
        self._routes: dict[bytes, Route] = {}
        self._tally = Tally()
        self._chunk = Chunk(1)
        self._batch: OpenBatch | None = None
        self._ahead: deque[tuple[Chunk, asyncio.Task[Answered]]] = deque()
        self._header: FileHeader | None = None
        self._control: FileControl | None = None
        self._judge = Judge(wanted.policy, wanted.as_of)
        self._answers: AnswerFiles | None = None
        self._fault: nacha.Finding | None = None

    async def responses(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """ResolveAchFileResponses, as they are made. Raises InvalidArgument INVALID_FILE."""
        try:
            async for piece in pieces:
                self._hash.update(piece)
                self._position += len(piece)
                for at in range(0, len(piece), PIECE_BYTES):
                    events = self._reader.feed(piece[at : at + PIECE_BYTES])
                    for response in await self._take(events):
                        yield response
                    self._refuse_if_broken()
                    await asyncio.sleep(0)  # answers of the cache come in while this reads on
            for response in await self._take(self._reader.close()):
                yield response
            self._refuse_if_broken()
            for response in await self._finish():
                yield response
        finally:
            for _, task in self._ahead:
                task.cancel()
            await asyncio.gather(*(task for _, task in self._ahead), return_exceptions=True)

    async def _take(self, events: list[nacha.Event]) -> list[bytes]:
        """The responses that became ready; reading stops at a structural fault."""
        responses: list[bytes] = []
        for event in events:
            if isinstance(event, Entry):
                self._enter(event, responses)
                if self._chunk.is_full:
                    responses += await self._turn()
            elif isinstance(event, nacha.Finding):
                self._findings += 1
                responses.append(file_finding(event))
                if event.severity is nacha.Severity.STRUCTURAL:
                    self._fault = event
                    break
            elif isinstance(event, BatchHeader):
                self._batch = OpenBatch(event, self._judge.day)
                self._chunk.begin(self._batch)
                if self._chunk.is_full:
                    responses += await self._turn()
            elif isinstance(event, BatchControl):
                self._chunk.parts[-1].is_last = True
            elif isinstance(event, FileHeader):
                await self._begin(event)
            elif isinstance(event, FileControl):
                self._control = event
        return responses

    def _refuse_if_broken(self) -> None:
        if self._fault is not None:
            place = f"line {self._fault.line}, column {self._fault.column}"
            raise InvalidArgument("INVALID_FILE", place)

    async def _begin(self, header: FileHeader) -> None:
        """Note the run; one repeated under its id decides as of the time the first one did."""
        self._header = header
        creation = f"{header.creation_date} {header.creation_time}".strip()
        as_of = await self._tools.runs.begin(
            self._key,
            self._wanted.as_of,
            header.immediate_origin,
            header.immediate_destination,
            creation,
        )
        self._judge = Judge(self._wanted.policy, as_of)
        if self._wanted.files:
            self._answers = AnswerFiles(header, as_of)

    def _enter(self, entry: Entry, responses: list[bytes]) -> None:
        """Put an entry into the chunk."""
        chunk, batch = self._chunk, self._batch
        assert batch is not None, "the reader gives entries within batches only"
        if batch.has_cards:
            entry = self._hold_card(entry, responses)
        routing = entry.raw[3:12]
        route = self._routes.get(routing) or self._route(routing)
        chunk.add(entry, Submitted(batch.facts(entry, route), route), batch.name(entry))

    def _hold_card(self, entry: Entry, responses: list[bytes]) -> Entry:
        """Keep a shared network entry's card number for its token; drop one that is none.

        The return file carries the entry as it came, a dropped number as zeros.
        """
        assert isinstance(entry, nacha.SharedNetworkEntry), "the layout has a card number"
        digits = entry.card_number.reveal()
        try:
            self._chunk.pans[len(self._chunk.entries)] = pan(digits)
        except NotNormal:
            if digits:
                column = entry.columns["card_number"].first
                responses.append(self._find("NUMBER_NOT_LUHN", entry.line, column))
            return entry.replace(card_number="")
        return entry

    def _route(self, routing: bytes) -> Route:
        if len(self._routes) >= _ROUTES_MAX:
            self._routes.clear()
        route = self._table.route(routing.decode("ascii"), self._judge.day)
        self._routes[routing] = route
        return route

    async def _turn(self) -> list[bytes]:
        """Send the chunk to be looked up; the responses of the first, when there are enough."""
        chunk = self._chunk
        self._chunk = Chunk(chunk.first_seq + len(chunk.entries))
        if chunk.parts and not chunk.parts[-1].is_last:
            self._chunk.begin(chunk.parts[-1].batch)
        self._ahead.append((chunk, asyncio.create_task(self._resolve(chunk))))
        return await self._first() if len(self._ahead) > AHEAD_MAX else []

    async def _first(self) -> list[bytes]:
        """The responses of the chunk that was sent first."""
        chunk, task = self._ahead.popleft()
        return self._responses(chunk, await task)

    async def _resolve(self, chunk: Chunk) -> Answered:
        if self._judge.compares_names:
            digests = self._tools.words.digests(chunk.names)
            for (facts, _), words in zip(chunk.submitted, digests, strict=True):
                facts.name_digests = words
        terms = Terms(Consistency.MINIMIZE_LATENCY, self._call.deadline)
        resolved = await self._tools.resolver.resolve(chunk.submitted, self._judge, terms)
        corrected = await self._tools.corrections.of(chunk.submitted, resolved, self._call)
        tokens = self._tools.tokens.pan_tokens(list(chunk.pans.values())) if chunk.pans else []
        return Answered(resolved, corrected, dict(zip(chunk.pans, tokens, strict=True)))

    def _responses(self, chunk: Chunk, answered: Answered) -> list[bytes]:
        """A chunk's results, part by part, and what they add to the files."""
        responses: list[bytes] = []
        for part in chunk.parts:
            results = self._results(chunk, part, answered)
            batch = part.batch
            if results or self._wanted.all_results or (batch.is_unfinished and part.is_last):
                batch.is_unfinished = not part.is_last
                head = AchBatchResult(
                    batch_number=batch.number,
                    sec_code=batch.sec_code,
                    company_id=batch.company_id,
                    more=batch.is_unfinished,
                )
                responses.append(batch_part(head, results))
        if self._answers is not None:
            responses += self._answers.taken()
        return responses

    def _results(self, chunk: Chunk, part: Part, answered: Answered) -> list[bytes]:
        """Written for speed: a plain entry is counted and, unless all are wanted, passed over."""
        results: list[bytes] = []
        settlement, plain = part.batch.settlement_date, 0
        for i in range(part.start, part.end):
            resolved = answered.resolved[i]
            decision = resolved.decision
            if not decision.findings:
                plain += 1
                if not self._wanted.all_results:
                    continue
            else:
                self._tally.add(decision)
                if self._answers is not None:
                    self._answers.add(chunk.entries[i], decision, answered.corrected.get(i))
            entry = chunk.entries[i]
            trace = chunk.submitted[i].entry.trace_number
            place = Place(chunk.first_seq + i, trace, entry.line, answered.cards.get(i, ""))
            results.append(resolution(place, resolved, settlement))
        self._tally.plain += plain
        return results

    async def _finish(self) -> list[bytes]:
        """The last results, the ends of the files, and the summary."""
        responses = await self._turn()
        while self._ahead:
            responses += await self._first()
        if self._answers is not None:
            responses += self._answers.close()
        return responses + await self._summary()

    async def _summary(self) -> list[bytes]:
        """Record the run; say whether the same file came before, and what it came to."""
        assert self._header is not None, "a file without a header is broken"
        assert self._control is not None, "a file without a control record is broken"
        run = AchRun(
            file_hash=self._hash.digest(),
            position=self._position,
            batches=self._reader.totals.batch_count,
            entries=self._tally.entries,
            entries_by_outcome=self._tally.by_outcome(),
            findings=self._findings,
            duration_ms=int((time.monotonic() - self._started) * 1000),
        )
        finished = await self._tools.runs.finish(self._key, run)
        responses = [self._find("DUPLICATE_FILE", 0, 0)] if finished.duplicate else []
        summary = self._tally.summary()
        summary.file_hash = run.file_hash.hex()
        summary.immediate_origin = self._header.immediate_origin
        summary.immediate_destination = self._header.immediate_destination
        summary.totals.CopyFrom(control_totals(self._reader, self._control))
        summary.findings = self._findings
        summary.duration_ms = finished.duration_ms
        summary.duplicate = finished.duplicate
        if self._answers is not None:
            summary.return_file_bytes = self._answers.return_bytes
            summary.noc_file_bytes = self._answers.noc_bytes
        responses.append(ResolveAchFileResponse(summary=summary).SerializeToString())
        return responses

    def _find(self, code: str, line: int, column: int) -> bytes:
        """A finding of the server's own; its words are fixed."""
        self._findings += 1
        finding = AchFinding(
            code=code,
            severity=ach_pb2.FINDING_SEVERITY_ADVISORY,
            line=line,
            column=column,
            message=_FINDINGS[code],
        )
        return ResolveAchFileResponse(finding=finding).SerializeToString()
