"""What OpenCIF is measured beside, as a process in the server's place, on the server's core.

An empty handler, an echo, the caches' and the database's own clients, FF1 of others. It runs one of
them when a line of JSON on its standard input says so, and answers with one line.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import cache
from itertools import cycle
from typing import Any, Final

import asyncpg
import grpc
import uvloop

from deploy import bench_ff1
from loadtests.bench_machine import CpuWatch
from repository.database import GET_INCARNATION
from repository.proof import entry_keys
from repository.record import Kind
from repository.shards import Shards
from server.memory import keep_freed
from server.settings import Settings
from server.worker import channel_options
from tokenizer.blobs import split
from tokenizer.identity import ID_BYTES

__all__ = ["DSN", "ECHO", "EMPTY", "URL", "main"]

DSN: Final = "BENCH_DSN"
URL: Final = "BENCH_CACHE_URL"
"""Environment variables: addresses hold passwords, which arguments would show to everybody."""
EMPTY: Final = "/bench/Empty"
ECHO: Final = "/bench/"
"""The method of an echo is this and a number: the size of its answer; `s` before it streams."""
_CONNECTIONS: Final = 10  # to the database, as many as the server has
_GATHERED: Final = 1_000
_SILENCE_MAX_S: Final = 20.0
_PATIENT_S: Final = _SILENCE_MAX_S  # an MGET that a server would give up on is measured too

ROWS: Final = """
SELECT id, version, operational, private FROM record WHERE kind = $1 AND id = ANY($2::bytea[])"""

Read = Callable[[Sequence[bytes]], Awaitable[int]]
"""Reads what these keys name and tells how many there were."""


class _Handlers(grpc.GenericRpcHandler):
    """The empty handler and the echoes: bytes in, bytes out, nothing looked at."""

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return _handler(details.method)


@cache
def _handler(path: str) -> Any:
    if path == EMPTY:
        return grpc.unary_unary_rpc_method_handler(_echo_of(b""))
    size = path.removeprefix(ECHO)
    if size.startswith("s"):
        return grpc.stream_stream_rpc_method_handler(_stream_of(bytes(int(size[1:]))))
    return grpc.unary_unary_rpc_method_handler(_echo_of(bytes(int(size))))


def _echo_of(answer: bytes) -> Any:
    async def echo(request: bytes, context: Any) -> bytes:
        return answer

    return echo


def _stream_of(answer: bytes) -> Any:
    async def echo(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            yield answer

    return echo


class Baselines:
    """All baselines; opened once, run as told."""

    def __init__(self, pool: asyncpg.Pool, servers: Shards) -> None:
        self._pool = pool
        self._servers = servers
        self._keys: list[bytes] = []
        self._ids: list[bytes] = []

    async def gather(self, ids: list[bytes]) -> dict[str, int]:
        """Take note of the accounts to be read; of the cache, those that it has."""
        self._ids = ids
        incarnation = await self._pool.fetchval(GET_INCARNATION)
        keys = entry_keys(Kind.ACCOUNT, incarnation, ids)
        self._keys = []
        for at in range(0, len(keys), _GATHERED):
            part = keys[at : at + _GATHERED]
            values = await self._servers.mget(part, _PATIENT_S)
            self._keys += [key for key, value in zip(part, values, strict=True) if value]
        return {"keys": len(self._keys), "ids": len(self._ids)}

    async def run(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        """One run of what the job names."""
        what = job["what"]
        if what == "gather":
            return await self.gather(split(bytes.fromhex(job["ids"]), ID_BYTES))
        if what == "raw MGET":
            return await _saturate(self._mget, self._keys, job)
        if what == "raw asyncpg = ANY":
            return await _saturate(self._any, self._ids, job)
        watch = CpuWatch({"server": os.getpid()}, job["core"])
        return bench_ff1.measure(what, watch, job["measure_s"])

    async def _mget(self, keys: Sequence[bytes]) -> int:
        """By the very client that the server's cache uses, over one connection as there."""
        values = await self._servers.mget(keys, _PATIENT_S)
        return len(values) - values.count(None)

    async def _any(self, ids: Sequence[bytes]) -> int:
        async with self._pool.acquire() as connection:
            return len(await connection.fetch(ROWS, int(Kind.ACCOUNT), ids))


async def _saturate(read: Read, keys: Sequence[bytes], job: Mapping[str, Any]) -> dict[str, Any]:
    """Keep so many reads under way, each of so many keys, for the time given, or until one ends."""
    size = min(job["items"], len(keys))
    parts = cycle([keys[at : at + size] for at in range(0, len(keys) - size + 1, size)])
    done = wrong = 0
    answered, ended = asyncio.Event(), asyncio.Event()

    async def reader() -> None:
        nonlocal done, wrong
        while not ended.is_set():
            found = await read(next(parts))
            wrong += found != size
            done += found
            answered.set()

    watch = CpuWatch({**job["watch"], "server": os.getpid()}, job["core"])
    readers = [asyncio.create_task(reader()) for _ in range(job["in_flight"])]
    await asyncio.sleep(job["warm_s"])
    began, used, before = time.perf_counter(), watch.seconds(), done
    answered.clear()
    await asyncio.sleep(job["measure_s"])
    await asyncio.wait_for(answered.wait(), _SILENCE_MAX_S)
    took, spent, after = time.perf_counter() - began, watch.seconds(), done
    ended.set()
    await asyncio.gather(*readers)
    cpu_s = {role: spent[role] - used[role] for role in used}
    return {"done": after - before, "wrong": wrong, "seconds": took, "cpu_s": cpu_s}


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.fetch(ROWS, int(Kind.ACCOUNT), [])


async def _serve() -> None:
    """Serve the handlers, and run what the standard input asks for."""
    server = grpc.aio.server(options=channel_options(Settings.model_construct()))
    server.add_generic_rpc_handlers((_Handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    servers = Shards(os.environ[URL])
    async with asyncpg.create_pool(
        os.environ[DSN], min_size=_CONNECTIONS, max_size=_CONNECTIONS, init=_prepare,
        max_inactive_connection_lifetime=0,
    ) as pool:  # fmt: skip
        baselines = Baselines(pool, servers)
        print(json.dumps({"address": f"127.0.0.1:{port}"}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await baselines.run(json.loads(line))), flush=True)
    await servers.close()
    await server.stop(None)


def main() -> None:
    """Serve until the input ends."""
    keep_freed()
    uvloop.run(_serve())


if __name__ == "__main__":
    main()
