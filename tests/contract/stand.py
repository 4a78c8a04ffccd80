"""A repository wired up on real servers, and the rows that tests put in it."""

import asyncio
import hashlib
import hmac
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import redis.asyncio

from deploy.embedded import EmbeddedValkey
from repository.cache import Cache
from repository.changes import ChangePoll
from repository.database import Database, Position
from repository.errors import Unavailable
from repository.link import LinkStore
from repository.reading import Consistency, Reader
from repository.record import Entry, Kind, RecordStore, Rows
from repository.values import HEAD_SIZE, NONCE_SIZE, TAG_SIZE, Flags, Octets, Sizes, Words
from repository.window import Window
from repository.work import Idempotency, Origin, Write, Written
from repository.writing import Writer

ACCOUNT = Kind.ACCOUNT
OPEN = 2
PATIENT_S = 10.0  # the cache's bounded wait is tested on its own; elsewhere a busy machine is none

_numbers = itertools.count(1)


class HashBoxes:
    """Authenticates with a keyed hash and hides nothing: the repository does not care how."""

    nonce = b"16 bytes are one"

    def sealed(self, lead: bytes, heads: Sequence[bytes], texts: Sequence[bytes]) -> list[bytes]:
        return [
            self.nonce + text + self._tag(lead + head + text)
            for head, text in zip(heads, texts, strict=True)
        ]

    def few_opened(
        self, lead: bytes, heads: Sequence[bytes], boxes: Sequence[bytes]
    ) -> list[bytes | None]:
        texts = [box[NONCE_SIZE:-TAG_SIZE] for box in boxes]
        return [
            text if self.nonce + text + self._tag(lead + head + text) == box else None
            for head, text, box in zip(heads, texts, boxes, strict=True)
        ]

    def opened(
        self, lead: bytes, ids: Words, joined: bytes, starts: Sizes, counts: Sizes
    ) -> tuple[Octets, Flags]:
        texts = zip(starts.tolist(), counts.tolist(), strict=True)
        values = [joined[16 * start : 16 * (start + count)] for start, count in texts]
        each_id = [id_.tobytes() for id_ in np.split(ids, len(starts))]
        heads = [id_ + value[:HEAD_SIZE] for id_, value in zip(each_id, values, strict=True)]
        found = self.few_opened(lead, heads, [value[HEAD_SIZE:] for value in values])
        opened = np.frombuffer(joined, np.uint8).copy()  # the caller may write over it
        return opened, np.array([text is not None for text in found])

    def _tag(self, message: bytes) -> bytes:
        return hmac.digest(b"test key", message, "sha256")[:TAG_SIZE]


def all_open(_: int, __: Sequence[bytes], entries: Sequence[Entry]) -> list[bytes | None]:
    """Takes every seal for open: what stands for sealed bytes here is none."""
    return [entry.operational for entry in entries]


def some_id(name: str | None = None) -> bytes:
    """A new 16-byte id, or the one that `name` always has."""
    text = f"number {next(_numbers)}" if name is None else name
    return hashlib.sha256(text.encode()).digest()[:16]


def some_uid() -> UUID:
    return UUID(bytes=some_id())


def origin(**changes: object) -> Origin:
    said: dict[str, object] = {
        "actor": "tester",
        "method": "/opencif.v1.AccountService/Test",
        "request_id": some_uid(),
        "time": datetime.now(UTC),
    }
    return Origin(**(said | changes))  # type: ignore[arg-type]  # the values above have the types


def segment(id_: bytes, version: int, what: str = "operational") -> bytes:
    """Stands for sealed bytes: tells apart every id, version and segment."""
    return hashlib.sha256(id_ + bytes([version]) + what.encode()).digest() * 3


def write(id_: bytes, version: int = 1, kind: int = ACCOUNT, **changes: object) -> Write:
    said: dict[str, object] = {
        "kind": kind,
        "id": id_,
        "version": version,
        "state": OPEN,
        "branch": "north",
        "operational": segment(id_, version),
        "private": segment(id_, version, "private"),
        "uid": some_uid() if version == 1 else None,
    }
    return Write(**(said | changes))  # type: ignore[arg-type]  # the values above have the types


def request(name: str, payload: str = "payload") -> Idempotency:
    return Idempotency(name.encode(), payload.encode())


@dataclass
class Stand:
    """A worker's repository. `polls` are by hand: nothing is seen until `poll.poll()`."""

    database: Database
    incarnation: bytes
    poll: ChangePoll
    reader: Reader
    writer: Writer
    store: RecordStore
    links: LinkStore
    cache: Cache | None
    valkey: EmbeddedValkey | None
    statements: list[str]
    cuts: bool = False

    @property
    def window(self) -> Window:
        return self.poll.window

    async def halfway(self) -> None:
        """In the mode that cuts the cache off, cut it off, once."""
        if self.cuts and self.valkey is not None:
            self.valkey.kill()
            self.cuts = False

    async def create(self, *ids: bytes, kind: int = ACCOUNT, branch: str = "north") -> Position:
        async with self.writer.begin(origin()) as work:
            for id_ in ids:
                await work.insert(write(id_, kind=kind, branch=branch))
        await self.settle()
        return work.position

    async def update(self, id_: bytes, version: int) -> Written:
        async with self.writer.begin(origin()) as work:
            written = await work.update(write(id_, version))
        await self.settle()
        return written

    async def delete(self, id_: bytes, version: int) -> None:
        async with self.writer.begin(origin()) as work:
            await work.delete(ACCOUNT, id_, version)
        await self.settle()

    async def get(self, id_: bytes) -> Entry:
        entries = await self.reader.get_many(ACCOUNT, [id_], Consistency.MINIMIZE_LATENCY)
        await self.settle()
        return entries[0]

    async def settle(self) -> None:
        """Wait for fills under way, so that what follows finds them done."""
        if self.cache is not None:
            await self.cache.settled()

    async def close(self) -> None:
        await self.poll.stop()
        await self.writer.settled()
        if self.cache is not None:
            await self.cache.close()
        await self.database.close()


async def set_up(dsn: str, valkey: EmbeddedValkey | None, *, cuts: bool = False) -> Stand:
    """A worker of its own on these servers, with one poll behind it."""
    statements: list[str] = []
    database = Database(dsn, on_statement=statements.append)
    await database.connect()
    incarnation = (await database.incarnation()).id
    poll = ChangePoll(database, Window())
    store = RecordStore(database)
    cache = None
    if valkey is not None:
        cache = Cache(valkey.url, HashBoxes(), all_open, poll.window, wait_s=PATIENT_S)
    reader = Reader(store, poll, cache)
    writer = Writer(database, reader.committed)
    links = LinkStore(database)
    await poll.poll()
    return Stand(
        database,
        incarnation,
        poll,
        reader,
        writer,
        store,
        links,
        cache,
        valkey,
        statements,
        cuts,
    )


def raw(stand: Stand) -> redis.asyncio.Redis:
    """A client that reads and writes the cache behind the repository's back."""
    assert stand.valkey is not None
    return redis.asyncio.Redis.from_url(stand.valkey.url)


def key_of(stand: Stand, id_: bytes, kind: int = ACCOUNT) -> bytes:
    return b"{%02x}" % (id_[-1] & 63) + bytes([kind, 4]) + stand.incarnation + id_


@contextmanager
def statements(stand: Stand, expected: int) -> Iterator[None]:
    """Assert how many SQL statements the block runs."""
    before = len(stand.statements)
    yield
    ran = stand.statements[before:]
    assert len(ran) == expected, ran


class HeldStore(RecordStore):
    """A store whose answers wait, once read, until they are let go; the first may be a fault."""

    fault: Unavailable | None = None

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand.database)
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def get_many(self, *args: Any, **kwargs: Any) -> Rows:
        answer = await super().get_many(*args, **kwargs)
        self.asked.set()
        await self.go_on.wait()
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        return answer
