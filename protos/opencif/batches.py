"""Any number of items in calls of bounded size: splits, merges, holds no more than it must."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from google.protobuf.message import Message

from opencif.calls import AnyIterable, each
from opencif.v1 import ach_pb2, import_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    import grpc

ItemT = TypeVar("ItemT")
RequestT = TypeVar("RequestT", bound=Message)
AnswerT = TypeVar("AnswerT", bound=Message)

ITEMS_MAX: Final = 1_000
"""Items a unary call may have, as the contract says."""
ROWS_MAX: Final = 5_000
"""Rows one message of a load may have."""
CHUNK_MAX_BYTES: Final = 3_000_000
"""What one message of a load may weigh: the server takes no message above 4 MiB."""
PIECE_MAX_BYTES: Final = 1 << 20
"""What one message of a file may carry."""


async def in_calls(
    method: grpc.aio.UnaryUnaryMultiCallable[RequestT, AnswerT],
    items: Iterable[ItemT],
    request_of: Callable[[list[ItemT]], RequestT],
    merged: AnswerT,
    *,
    at_once: int,
) -> AnswerT:
    """One answer for any number of items, from calls of up to 1,000, `at_once` at a time.

    `merged` is an empty answer to merge into; the first call that fails ends them all.
    """
    slots = asyncio.Semaphore(at_once)

    async def answer(part: list[ItemT]) -> AnswerT:
        try:
            return await method(request_of(part))
        finally:
            slots.release()

    tasks: list[asyncio.Task[AnswerT]] = []
    try:
        async with asyncio.TaskGroup() as group:
            for part in _parts(items):
                await slots.acquire()
                tasks.append(group.create_task(answer(part)))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    answers = [task.result() for task in tasks]
    return answers[0] if len(answers) == 1 else _merge(merged, answers)


def _parts(items: Iterable[ItemT]) -> Iterator[list[ItemT]]:
    source = iter(items)
    while part := list(islice(source, ITEMS_MAX)):
        yield part


def _merge(merged: AnswerT, answers: list[AnswerT]) -> AnswerT:
    """All answers as one; `stale_since` is the oldest of theirs."""
    stale: list[Any] = []
    for answer in answers:
        merged.MergeFrom(answer)
        if "stale_since" in answer.DESCRIPTOR.fields_by_name and answer.HasField("stale_since"):
            stale.append(answer.stale_since)  # type: ignore[attr-defined]  # as its descriptor says
    if stale:
        oldest = min(stale, key=lambda since: (since.seconds, since.nanos))
        merged.stale_since.CopyFrom(oldest)  # type: ignore[attr-defined]  # as its descriptor says
    return merged


async def file_requests(
    chunks: AnyIterable[bytes], options: ach_pb2.ResolveAchFileOptions | None
) -> AsyncIterator[ach_pb2.ResolveAchFileRequest]:
    """The options, with a request_id, then the bytes in pieces of at most 1 MiB."""
    first = ach_pb2.ResolveAchFileOptions()
    if options is not None:
        first.CopyFrom(options)
    first.request_id = first.request_id or str(uuid4())
    yield ach_pb2.ResolveAchFileRequest(options=first)
    async for chunk in each(chunks):
        for start in range(0, len(chunk), PIECE_MAX_BYTES):
            yield ach_pb2.ResolveAchFileRequest(data=chunk[start : start + PIECE_MAX_BYTES])


async def import_requests(
    records: AnyIterable[import_pb2.ImportRecord], source_system: str
) -> AsyncIterator[import_pb2.ImportRecordsRequest]:
    """The rows in messages of at most 5,000 and 3 MB."""
    rows: list[import_pb2.ImportRecord] = []
    size_bytes = 0
    async for record in each(records):
        record_bytes = record.ByteSize() + 8  # its tag and length
        if rows and (len(rows) == ROWS_MAX or size_bytes + record_bytes > CHUNK_MAX_BYTES):
            yield import_pb2.ImportRecordsRequest(records=rows, source_system=source_system)
            rows, size_bytes = [], 0
        rows.append(record)
        size_bytes += record_bytes
    if rows:
        yield import_pb2.ImportRecordsRequest(records=rows, source_system=source_system)
