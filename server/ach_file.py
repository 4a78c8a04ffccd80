"""The pipeline of one NACHA file: bytes to chunks of entries to results, with bounded memory.

While chunks are looked up the next is read; results leave in the file's order.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Final, NamedTuple

from opencif import nacha
from opencif.nacha import BatchControl, BatchHeader, Entry, FileControl, FileHeader
from opencif.nacha.blocks import Block, BlockReader
from opencif.v1 import ach_pb2
from opencif.v1.ach_pb2 import AchFinding, ResolveAchFileResponse
from repository.ach_run import AchRun, RunKey
from server.ach_batch import OpenBatch
from server.ach_chunk import Answered, Chunk
from server.ach_messages import file_finding
from server.ach_resolving import ChunkResolver, Tools
from server.ach_results import ResultWriter
from server.ach_stages import Stage, Stages
from server.ach_tally import control_totals
from server.errors import InvalidArgument
from server.resolution import Judge, Policy
from server.rpc import Call
from tokenizer.normal import NotNormal, pan

__all__ = ["FileRun", "Wanted"]

AHEAD_MAX: Final = 2  # chunks being looked up while the next is read
UNSENT_MAX: Final = 16  # responses, 64 KiB each or a little more
PIECE_BYTES: Final = 1 << 16  # nobody waits longer for the loop than it takes to read this
_FINDINGS: Final = {
    "DUPLICATE_FILE": "the same bytes were resolved before",
    "NUMBER_NOT_LUHN": "the card number fails its check digit and was dropped",
}


class Wanted(NamedTuple):
    """What a call asks for."""

    policy: Policy
    as_of: datetime
    all_results: bool = True
    files: bool = True
    stages: bool = False


class FileRun:
    """One file of one call. Feed it bytes through `responses`; use it once."""

    def __init__(self, tools: Tools, wanted: Wanted, key: RunKey, call: Call) -> None:
        self._tools = tools
        self._wanted = wanted
        self._key = key
        self._call = call
        self._started = time.monotonic()
        self._stages = Stages()
        self._reader = BlockReader()
        self._hash = hashlib.sha256()
        self._position = self._findings = 0
        self._results = ResultWriter(writes_all=wanted.all_results)
        self._chunk = Chunk(1)
        self._batch: OpenBatch | None = None
        self._ahead: deque[tuple[Chunk, asyncio.Task[Answered]]] = deque()
        self._looked_up = 0  # chunks that are being looked up
        self._header: FileHeader | None = None
        self._control: FileControl | None = None
        judge = Judge(wanted.policy, wanted.as_of)
        self._resolver = ChunkResolver(tools, judge, call, self._stages)
        self._fault: nacha.Finding | None = None

    async def responses(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """ResolveAchFileResponses, as they are made. Raises InvalidArgument INVALID_FILE.

        The next are made while the client takes these, up to UNSENT_MAX of them.
        """
        unsent: asyncio.Queue[bytes | None] = asyncio.Queue()
        room = asyncio.Semaphore(UNSENT_MAX)
        running = asyncio.create_task(self._run(pieces, unsent, room))
        try:
            while (response := await unsent.get()) is not None:
                yield response
                room.release()
            await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run(
        self,
        pieces: AsyncIterator[bytes],
        unsent: asyncio.Queue[bytes | None],
        room: asyncio.Semaphore,
    ) -> None:
        try:
            async with aclosing(self._made(pieces)) as made:
                async for response in made:
                    self._stages.enter(Stage.SENDING)
                    await room.acquire()
                    unsent.put_nowait(response)
        finally:
            unsent.put_nowait(None)

    async def _made(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        enter = self._stages.enter
        try:
            async for piece in pieces:
                enter(Stage.READING)
                self._hash.update(piece)
                self._position += len(piece)
                for at in range(0, len(piece), PIECE_BYTES):
                    enter(Stage.READING)
                    events = self._reader.feed(piece[at : at + PIECE_BYTES])
                    for response in await self._take(events):
                        yield response
                    self._refuse_if_broken()
                    self._wait()
                    await asyncio.sleep(0)  # answers of the cache come in while this reads on
            enter(Stage.READING)
            for response in await self._take(list(self._reader.close())):
                yield response
            self._refuse_if_broken()
            for response in await self._finish():
                yield response
        finally:
            for _, task in self._ahead:
                task.cancel()
            await asyncio.gather(*(task for _, task in self._ahead), return_exceptions=True)

    def _wait(self) -> None:
        """Count what comes as waiting for what is owed: accounts, else the file."""
        self._stages.enter(Stage.LOOKUPS if self._looked_up else Stage.RECEIVING)

    async def _take(self, events: Sequence[nacha.Event | Block]) -> list[bytes]:
        """The responses that became ready; reading stops at a structural fault."""
        responses: list[bytes] = []
        for event in events:
            if isinstance(event, Block):
                self._enter_block(event)
            elif isinstance(event, Entry):
                self._enter(event, responses)
            elif isinstance(event, nacha.Finding):
                self._findings += 1
                responses.append(file_finding(event))
                if event.severity is nacha.Severity.STRUCTURAL:
                    self._fault = event
                    break
            elif isinstance(event, BatchHeader):
                self._batch = OpenBatch(event, self._resolver.judge.day)
                self._chunk.begin(self._batch)
            elif isinstance(event, BatchControl):
                self._chunk.parts[-1].is_last = True
            elif isinstance(event, FileHeader):
                await self._begin(event)
            elif isinstance(event, FileControl):
                self._control = event
            if self._chunk.is_full:
                responses += await self._turn()
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
        self._resolver.judge = Judge(self._wanted.policy, as_of)
        if self._wanted.files:
            self._results.begin_files(header, as_of)

    def _enter_block(self, block: Block) -> None:
        """Put a block into the chunk, or its entries where they have not the plain layout."""
        batch = self._batch
        assert batch is not None, "the reader gives entries within batches only"
        if batch.is_plain:
            self._chunk.add_block(block, batch)
            return
        for entry in block.entries(batch.layout):
            self._chunk.add(entry, *self._resolver.submitted(entry, batch))

    def _enter(self, entry: Entry, responses: list[bytes]) -> None:
        """Put an entry into the chunk."""
        chunk, batch = self._chunk, self._batch
        assert batch is not None, "the reader gives entries within batches only"
        if batch.has_cards:
            entry = self._hold_card(entry, responses)
        chunk.add(entry, *self._resolver.submitted(entry, batch))

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

    async def _turn(self) -> list[bytes]:
        """Send the chunk to be looked up; the responses of the first, when there are enough."""
        chunk = self._chunk
        self._chunk = Chunk(chunk.first_seq + chunk.count)
        if chunk.parts and not chunk.parts[-1].is_last:
            self._chunk.begin(chunk.parts[-1].batch)
        self._ahead.append((chunk, asyncio.create_task(self._look_up(chunk))))
        return await self._first() if len(self._ahead) > AHEAD_MAX else []

    async def _first(self) -> list[bytes]:
        """The responses of the chunk that was sent first."""
        self._wait()
        chunk, task = self._ahead.popleft()
        answered = await task
        self._stages.enter(Stage.WRITING)
        responses = self._results.responses(chunk, answered)
        self._stages.enter(Stage.READING)
        return responses

    async def _look_up(self, chunk: Chunk) -> Answered:
        self._looked_up += 1
        answered = await self._resolver.resolve(chunk)
        self._looked_up -= 1
        if self._stages.now is Stage.LOOKUPS:
            self._wait()
        return answered

    async def _finish(self) -> list[bytes]:
        """The last results, the ends of the files, and the summary."""
        responses = await self._turn()
        while self._ahead:
            responses += await self._first()
        responses += self._results.close()
        return responses + await self._summary()

    async def _summary(self) -> list[bytes]:
        """Record the run; say whether the same file came before, and what it came to."""
        assert self._header is not None, "a file without a header is broken"
        assert self._control is not None, "a file without a control record is broken"
        run = AchRun(
            file_hash=self._hash.digest(),
            position=self._position,
            batches=self._reader.totals.batch_count,
            entries=self._results.tally.entries,
            entries_by_outcome=self._results.tally.by_outcome(),
            findings=self._findings,
            duration_ms=int((time.monotonic() - self._started) * 1000),
        )
        finished = await self._tools.runs.finish(self._key, run)
        responses = [self._find("DUPLICATE_FILE", 0, 0)] if finished.duplicate else []
        summary = self._results.tally.summary()
        summary.file_hash = run.file_hash.hex()
        summary.immediate_origin = self._header.immediate_origin
        summary.immediate_destination = self._header.immediate_destination
        summary.totals.CopyFrom(control_totals(self._reader, self._control))
        summary.findings = self._findings
        summary.duration_ms = finished.duration_ms
        summary.duplicate = finished.duplicate
        summary.return_file_bytes, summary.noc_file_bytes = self._results.file_bytes
        if self._wanted.stages:
            summary.stages.extend(self._stages.told())
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
