"""Valkey as a cache of sealed entries, each served only when it is proven current.

Owns the entry's layout, its proof (DESIGN section 8) and the rule that a slow, full, garbled or
absent cache changes no answer. Knows no cryptography: MACs come from the prover handed in.
"""

import asyncio
import random
import time
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from struct import Struct
from typing import Any, Final, Protocol, TypeAlias

import hiredis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from repository.breaker import Breaker
from repository.record import Entry
from repository.window import Window

__all__ = ["Cache", "CacheStats", "Prover", "client_of"]

# version, horizon, length of operational, length of private: what the MAC covers, after the key.
HEAD: Final = Struct(">QQII")
MAC_SIZE: Final = 16
HEAD_SIZE: Final = HEAD.size
BODY: Final = HEAD_SIZE + MAC_SIZE
TAGS: Final = [b"{%02x}" % slot for slot in range(64)]
TAG_SIZE: Final = 4

WAIT_S: Final = 0.020
SLICES: Final = 10  # of the wait, each measured by itself
WAITS_MAX: Final = 10  # however busy this process has been meanwhile
TTL_S: Final = 3600
UNKNOWN_TTL_S: Final = 30  # of version-0 tombstones: unknown ids are asked for in floods
FILLS_MAX: Final = 256
CONNECTIONS_MAX: Final = 32
SERVER_MAX_S: Final = 1.0  # what nobody waits for any more ends here

UNREACHABLE: Final = (RedisError, OSError)

# Newer version, or same version and newer horizon: compared as four words of 32 bits, because
# Lua has no 64-bit integers and compares strings by locale. Only saves misses; proves nothing.
FUNCTION: Final = """#!lua name=opencif
local function newer(new, old)
  local a, b = {struct.unpack('>I4I4I4I4', new)}, {struct.unpack('>I4I4I4I4', old)}
  for i = 1, 4 do
    if a[i] ~= b[i] then return a[i] > b[i] end
  end
  return false
end
local function put(keys, args)
  local written = 0
  for i, key in ipairs(keys) do
    local value, old = args[2 * i - 1], redis.pcall('GETRANGE', key, 0, 15)
    if type(old) ~= 'string' or #old < 16 or newer(value, old) then
      redis.call('SET', key, value, 'PX', args[2 * i])
      written = written + 1
    end
  end
  return written
end
redis.register_function('opencif_put', put)
"""

# An id, its key and the value found there.
Found: TypeAlias = tuple[bytes, bytes, bytes]


class Prover(Protocol):
    """Authenticates messages of equal length under the purpose key `cache`."""

    def macs(self, messages: Sequence[bytes]) -> Sequence[bytes]:
        """One MAC of 16 bytes per message."""


@dataclass(slots=True)
class CacheStats:
    """Counters the server turns into metrics. `misses` is by cause."""

    hits: int = 0
    misses: dict[str, int] = field(default_factory=dict)
    filled: int = 0
    restamped: int = 0
    fills_dropped: int = 0

    def miss(self, cause: str, count: int = 1) -> None:
        """Count `count` misses: absent, mac, horizon, version, garbled, seal, timeout, down."""
        self.misses[cause] = self.misses.get(cause, 0) + count


def client_of(url: str) -> redis.asyncio.Redis:
    """The client that every read of the cache goes through; what the bench holds the cache to."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=SERVER_MAX_S,
        socket_timeout=SERVER_MAX_S,
        socket_connect_timeout=SERVER_MAX_S,
        retry=Retry(NoBackoff(), 0),
    )
    pool.connection_class = _packing(pool.connection_class)
    return redis.asyncio.Redis.from_pool(pool)


class Cache:
    """Proven entries by kind and id. No method raises because of the cache server.

    `incarnation` (8 bytes) is part of every key: another life of the database starts cold.
    """

    def __init__(
        self,
        url: str,
        prover: Prover,
        incarnation: bytes,
        window: Window,
        *,
        wait_s: float = WAIT_S,
        ttl_s: float = TTL_S,
    ) -> None:
        self.stats = CacheStats()
        self.breaker = Breaker()
        self._prover = prover
        self._incarnation = incarnation
        self._window = window
        self._wait_s = wait_s
        self._ttl_s = ttl_s
        self._client = client_of(url)
        self._reads: set[asyncio.Task[Any]] = set()
        self._fills: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        await self.settled()
        await self._client.aclose()

    async def settled(self) -> None:
        """Wait for every fill under way: for tests and for shutting down."""
        while self._reads or self._fills:
            await asyncio.wait(self._reads | self._fills)

    async def get_many(self, kind: int, ids: Sequence[bytes]) -> dict[bytes, Entry] | None:
        """Id -> entry, tombstones included, of those that are proven current now.

        None when the cache did not answer: what is then read elsewhere is no news to it.
        """
        keys = self._keys(kind, ids)
        values = await self._read(keys)
        if values is None:
            return None
        proven = self._proven(kind, ids, keys, values)
        self.stats.hits += len(proven)
        if proven:
            self._restamp(kind, proven)
        return proven

    def put(self, kind: int, entries: Iterable[tuple[bytes, Entry]]) -> None:
        """Write entries in the background, each unless a newer one is there."""
        if len(self._fills) >= FILLS_MAX or self.breaker.is_open:
            self.stats.fills_dropped += 1
            return
        self._behind(self._write(kind, list(entries)))

    def discard(self, kind: int, ids: Sequence[bytes], cause: str) -> None:
        """Remove entries in the background that turned out to be broken, counted by `cause`."""
        self.stats.miss(cause, len(ids))
        self._behind(self._unlink(self._keys(kind, ids)))

    def _keys(self, kind: int, ids: Sequence[bytes]) -> list[bytes]:
        prefix = bytes([kind]) + self._incarnation
        return [TAGS[id_[-1] & 63] + prefix + id_ for id_ in ids]

    async def _read(self, keys: list[bytes]) -> list[bytes | None] | None:
        """The values, or None when the cache did not answer in time: the caller goes round it."""
        if not self.breaker.admits():
            self.stats.miss("down", len(keys))
            return None
        task = asyncio.create_task(self._mget(keys))
        self._reads.add(task)  # one that nobody waits for any more goes on to its end
        task.add_done_callback(self._read_ended)
        if not await self._in_time(task):
            cause = "timeout"
        elif isinstance(task.exception(), UNREACHABLE):
            cause = "down"
        else:
            values: list[bytes | None] = task.result()
            self.breaker.succeeded()
            return values
        self.breaker.failed()
        self.stats.miss(cause, len(keys))
        return None

    async def _in_time(self, task: asyncio.Task[Any]) -> bool:
        """Whether the cache answers within the wait, of which only what was its own time counts.

        An answer that lies unread while this thread works, or is kept from its processor, is no
        fault of the cache: of each slice, what went beyond it or into our own work does not count.
        """
        slice_s = self._wait_s / SLICES
        ends_s = time.monotonic() + WAITS_MAX * self._wait_s
        left_s = self._wait_s
        while left_s > 0:
            began_s, worked_s = time.monotonic(), time.thread_time()
            await asyncio.wait({task}, timeout=slice_s)
            now_s = time.monotonic()
            if task.done() or now_s > ends_s:
                break
            left_s -= max(0.0, min(slice_s, now_s - began_s) - (time.thread_time() - worked_s))
        return task.done()

    async def _mget(self, keys: list[bytes]) -> Any:
        """One MGET: the only place that would send one per hash tag to a cluster."""
        return await self._client.mget(keys)

    def _proven(
        self, kind: int, ids: Sequence[bytes], keys: list[bytes], values: list[bytes | None]
    ) -> dict[bytes, Entry]:
        """The proof of DESIGN section 8: MAC right, horizon >= W, version >= the last change's."""
        found = [
            (id_, key, value)
            for id_, key, value in zip(ids, keys, values, strict=True)
            if value is not None
        ]
        if len(found) < len(ids):
            self.stats.miss("absent", len(ids) - len(found))
        if not found:
            return {}
        authentic = self._authentic(found)
        if len(authentic) < len(found):
            sound = {id_ for id_, _, _ in authentic}
            self.discard(kind, [id_ for id_, _, _ in found if id_ not in sound], "mac")
        return self._current(kind, authentic)

    def _authentic(self, found: list[Found]) -> list[Found]:
        """Those whose MAC is right; all at once in the ordinary case that all are."""
        macs = self._prover.macs([key[TAG_SIZE:] + value[:HEAD_SIZE] for _, key, value in found])
        claimed = [value[HEAD_SIZE:BODY] for _, _, value in found]
        if compare_digest(b"".join(macs), b"".join(claimed)):
            return found
        return [
            item
            for item, mac, claim in zip(found, macs, claimed, strict=True)
            if compare_digest(mac, claim)
        ]

    def _current(self, kind: int, authentic: list[Found]) -> dict[bytes, Entry]:
        """Those that the window proves. This loop runs for every entry served: it is lean."""
        oldest_xid = self._window.oldest_xid
        changed = self._window.changed[kind].get
        unpack, new = HEAD.unpack_from, tuple.__new__
        proven: dict[bytes, Entry] = {}
        for id_, _, value in authentic:
            version, horizon, operational, private = unpack(value)
            cut = BODY + operational
            if len(value) != cut + private:
                self.discard(kind, [id_], "garbled")
            elif horizon < oldest_xid:
                self.stats.miss("horizon")
            elif version < changed(id_, 0):
                self.stats.miss("version")
            else:
                proven[id_] = new(Entry, (version, horizon, value[BODY:cut], value[cut:]))
        return proven

    def _restamp(self, kind: int, proven: dict[bytes, Entry]) -> None:
        """Stamp what is past half the window anew: it contains all below the last horizon."""
        below, horizon = self._window.restamp_below, self._window.horizon
        old = [
            (id_, entry._replace(horizon=horizon))
            for id_, entry in proven.items()
            if entry[1] < below
        ]
        if old:
            self.stats.restamped += len(old)
            self.put(kind, old)

    async def _write(self, kind: int, entries: list[tuple[bytes, Entry]]) -> None:
        keys = self._keys(kind, [id_ for id_, _ in entries])
        heads = [
            HEAD.pack(entry.version, entry.horizon, len(entry.operational), len(entry.private))
            for _, entry in entries
        ]
        macs = self._prover.macs(
            [key[TAG_SIZE:] + head for key, head in zip(keys, heads, strict=True)]
        )
        args: list[bytes | int] = []
        for (_, entry), head, mac in zip(entries, heads, macs, strict=True):
            args += (head + mac + entry.operational + entry.private, self._ttl_ms(entry))
        await self._call(keys, args)
        self.stats.filled += len(keys)

    def _ttl_ms(self, entry: Entry) -> int:
        ttl_s = self._ttl_s if entry.version else min(UNKNOWN_TTL_S, self._ttl_s)
        spread = random.uniform(0.9, 1.1)  # noqa: S311 - spreads expiry, keeps no secret
        return int(ttl_s * 1000 * spread)

    async def _call(self, keys: list[bytes], args: list[bytes | int]) -> None:
        """The compare-and-set, loading the function where the server does not have it yet."""
        try:
            await self._client.fcall("opencif_put", len(keys), *keys, *args)
        except ResponseError as error:
            if "not found" not in str(error).lower():
                raise
            await self._client.function_load(FUNCTION, replace=True)
            await self._client.fcall("opencif_put", len(keys), *keys, *args)

    async def _unlink(self, keys: list[bytes]) -> None:
        await self._client.unlink(*keys)

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background; a failure is counted and let go."""
        task = asyncio.create_task(work)
        self._fills.add(task)
        task.add_done_callback(self._fill_ended)

    def _read_ended(self, task: asyncio.Task[Any]) -> None:
        self._reads.discard(task)
        _ = task.cancelled() or task.exception()  # looked at: its caller may be gone

    def _fill_ended(self, task: asyncio.Task[Any]) -> None:
        self._fills.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, UNREACHABLE):
            self.stats.fills_dropped += 1
        elif error is not None:
            said = {"message": "a cache fill failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(said)


def _packing(of: type[AbstractConnection]) -> type[AbstractConnection]:
    """The class of connections, with commands packed in C: redis-py copies each argument often."""

    class Packing(of):  # type: ignore[valid-type,misc]  # whichever class the URL asked for
        def pack_command(self, *args: Any) -> list[bytes]:
            words = args[0].split() if isinstance(args[0], str) else args[:1]
            return [hiredis.pack_command((*words, *args[1:]))]

    return Packing
