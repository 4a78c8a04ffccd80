"""Valkey as a cache of sealed entries, each served only when it is proven current.

Owns what is asked of the cache server and the rule that a slow, full, garbled or absent one changes
no answer. What proves an entry is in proof.py, how a server is talked to in pipeline.py.
"""

import asyncio
from binascii import crc32
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from hiredis import ReplyError

from repository.pipeline import SERVER_MAX_S, Late, NoAnswer, Pipe, bulk, packed
from repository.proof import Proof, Proven, Prover
from repository.record import ID_BYTES, Entry, Kind
from repository.server_address import ServerAddress
from repository.shards import TAG_SIZE, Shards
from repository.values import Cached, Hits, stamps_of
from repository.window import Window

__all__ = ["Cache", "CacheStats", "Opens"]

# Of a kind, ids and their entries: the operational segments, open; None of one that does not open
# or is not of the version that its entry says.
Opens: TypeAlias = Callable[[int, Sequence[bytes], Sequence[Entry]], list[bytes | None]]

WAIT_S: Final = 0.020
TTL_S: Final = 3600
UNKNOWN_TTL_S: Final = 30  # of version-0 tombstones: unknown ids are asked for in floods
FILLS_MAX: Final = 256
KINDS: Final = frozenset(map(int, Kind))

# Newer version, or same version and newer horizon: compared as four words of 32 bits, because
# Lua has no 64-bit integers and compares strings by locale. Only saves misses; proves nothing.
# What was filled together does not expire together: an id's last byte but one is as good as chance.
_CODE: Final = """
local function newer(new, old)
  local a, b = {struct.unpack('>I4I4I4I4', new)}, {struct.unpack('>I4I4I4I4', old)}
  for i = 1, 4 do
    if a[i] ~= b[i] then return a[i] > b[i] end
  end
  return false
end
local function put(keys, args)
  local count, unknown = #keys, string.rep('\\0', 8)
  for i, key in ipairs(keys) do
    local value, old = args[i], redis.pcall('GETRANGE', key, 0, 15)
    if type(old) ~= 'string' or #old < 16 or newer(value, old) then
      local ttl_ms = args[count + (string.sub(value, 1, 8) == unknown and 2 or 1)]
      local spread = 0.9 + 0.2 * string.byte(key, -2) / 255
      redis.call('SET', key, value, 'PX', math.ceil(ttl_ms * spread))
    end
  end
end
"""
# Releases that know other functions may share a server: neither is to replace the other's.
FUNCTION_NAME: Final = b"opencif_put_%08x" % crc32(_CODE.encode())
FUNCTION: Final = b"#!lua name=%b%bredis.register_function('%b', put)" % (
    FUNCTION_NAME, _CODE.encode(), FUNCTION_NAME
)  # fmt: skip


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
        if count:
            self.misses[cause] = self.misses.get(cause, 0) + count


class Cache:
    """Proven entries by kind and id. No method raises because of the cache server.

    The window's incarnation is part of every key: another life of the database starts cold. What is
    put in has been opened by its own seal: what is found in an authentic box needs no other proof.
    """

    def __init__(
        self,
        url: str,
        prover: Prover,
        opens: Opens,
        window: Window,
        *,
        wait_s: float = WAIT_S,
        ttl_s: float = TTL_S,
        pipe_of: Callable[[ServerAddress], Pipe] = Pipe,
    ) -> None:
        self.stats = CacheStats()
        self._window = window
        self._opens = opens
        self._proof = Proof(prover, window)
        self._servers = Shards(url, pipe_of)
        self._wait_s = wait_s
        self._ttls = bulk(int(ttl_s * 1000), int(min(ttl_s, UNKNOWN_TTL_S) * 1000))
        self._fills: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        await self.settled()
        await self._servers.close()

    async def settled(self) -> None:
        """Wait for every fill under way: for tests and for shutting down."""
        while self._fills:
            await asyncio.wait(self._fills)

    async def get_many(self, kind: int, ids: Sequence[bytes]) -> Hits | None:
        """Those of distinct ids whose entries, tombstones included, are proven current now.

        None when the cache did not answer: what is then read elsewhere is no news to it.
        """
        stats, incarnation = self.stats, self._window.incarnation
        keys = self._proof.bulk_keys(kind, ids)
        try:
            values, unanswered = await self._servers.mget_bulk(keys, len(ids), self._wait_s)
        except NoAnswer as reason:
            stats.miss("timeout" if isinstance(reason, Late) else "down", len(ids))
            return None
        if self._window.incarnation != incarnation:
            stats.miss("absent", len(ids))
            return Hits([], [])
        proven = self._proven(kind, ids, values)
        stats.hits += len(proven.ids)
        if unanswered:  # by some servers of a cluster
            proven.misses["absent"] -= unanswered
            stats.miss("down", unanswered)
        for cause, count in proven.misses.items():
            stats.miss(cause, count)
        if proven.broken:
            self._behind(self._unlink(kind, proven.broken))
        if proven.restamped:
            stats.restamped += len(proven.restamped)
            # They are proven, and so have been put in once.
            self._fill(self._write(kind, proven.restamped, incarnation))
        return Hits(proven.ids, proven.found)

    async def some(self, count: int) -> list[tuple[int, bytes]]:
        """Kind and id of at most `count` entries, picked by chance; none while there is trouble."""
        if self._servers.are_held_back:
            return []
        keys = await self._servers.random_keys(count, SERVER_MAX_S)
        keys = [key for key in keys if len(key) > TAG_SIZE + ID_BYTES]
        named = [(key[TAG_SIZE], key[-ID_BYTES:]) for key in keys]
        # Former lives and other deployments have keys too.
        return [
            (kind, id_)
            for (kind, id_), key in zip(named, keys, strict=True)
            if kind in KINDS and [key] == self._proof.keys(kind, [id_])
        ]

    async def peek(self, kind: int, ids: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Version and horizon of what `get_many` would answer now.

        Nothing is counted, mended or stamped.
        """
        incarnation, keys = self._window.incarnation, self._proof.bulk_keys(kind, ids)
        try:
            values, _ = await self._servers.mget_bulk(keys, len(ids), SERVER_MAX_S)
        except NoAnswer:
            return {}
        if self._window.incarnation != incarnation:
            return {}
        proven = self._proven(kind, ids, values)
        return dict(zip(proven.ids, stamps_of(proven.found), strict=True))

    def put(self, kind: int, entries: Iterable[tuple[bytes, Entry]]) -> None:
        """Write entries in the background, each if it opens and unless a newer one is there.

        They are of the incarnation that the window has now: in another nothing is written.
        """
        self._fill(self._write_sound(kind, list(entries), self._window.incarnation))

    def discard(self, kind: int, ids: Sequence[bytes], cause: str) -> None:
        """Remove entries in the background that turned out to be broken, counted by `cause`."""
        self.stats.miss(cause, len(ids))
        self._behind(self._unlink(kind, ids))

    def _proven(self, kind: int, ids: Sequence[bytes], values: Sequence[bytes | None]) -> Proven:
        """What of these values is current; what is no string, in a garbled answer, is not."""
        try:
            return self._proof.proven(kind, ids, values)
        except (TypeError, KeyError):  # looked for only then: it takes time
            strings = [value if isinstance(value, bytes) else None for value in values]
            return self._proof.proven(kind, ids, strings)

    def _fill(self, write: Coroutine[Any, Any, None]) -> None:
        if len(self._fills) >= FILLS_MAX or self._servers.are_held_back:
            self.stats.fills_dropped += 1
            write.close()
        else:
            self._behind(write)

    async def _write_sound(
        self, kind: int, entries: list[tuple[bytes, Entry]], incarnation: bytes
    ) -> None:
        """Write those that open: what a bad disk has spoilt must never get into a box."""
        opened = self._opens(kind, [id_ for id_, _ in entries], [entry for _, entry in entries])
        sound = [
            (id_, Cached(entry.version, entry.horizon, segment, entry.private))
            for (id_, entry), segment in zip(entries, opened, strict=True)
            if segment is not None
        ]
        if sound:
            await self._write(kind, sound, incarnation)

    async def _write(
        self, kind: int, entries: list[tuple[bytes, Cached]], incarnation: bytes
    ) -> None:
        async def put(pipe: Pipe, positions: Sequence[int]) -> None:
            if self._window.incarnation != incarnation:
                return
            part = [entries[at] for at in positions]
            keys = self._proof.bulk_keys(kind, [id_ for id_, _ in part])
            values = self._proof.bulk_values(kind, part)
            fcall = bulk("FCALL", FUNCTION_NAME, len(part))
            words = 3 + 2 * len(part) + 2
            await self._put(pipe, b"*%d\r\n%b%b%b%b" % (words, fcall, keys, values, self._ttls))
            self.stats.filled += len(part)

        await self._servers.each(self._proof.tags(id_ for id_, _ in entries), len(entries), put)

    async def _put(self, pipe: Pipe, command: bytes) -> None:
        """The compare-and-set, loading the function where the server does not have it yet."""
        try:
            await self._servers.call(pipe, command, SERVER_MAX_S)
        except ReplyError as error:
            if str(error).startswith("READONLY"):
                pipe.drop()  # it is the primary no more: whoever is is looked for anew
            if "not found" not in str(error).lower():
                raise
            load = packed("FUNCTION", "LOAD", "REPLACE", FUNCTION)
            await self._servers.call(pipe, load, SERVER_MAX_S)
            await self._servers.call(pipe, command, SERVER_MAX_S)

    async def _unlink(self, kind: int, ids: Sequence[bytes]) -> None:
        async def unlink(pipe: Pipe, positions: Sequence[int]) -> None:
            keys = self._proof.bulk_keys(kind, [ids[at] for at in positions])
            command = b"*%d\r\n%b%b" % (1 + len(positions), bulk("UNLINK"), keys)
            await self._servers.call(pipe, command, SERVER_MAX_S)

        await self._servers.each(self._proof.tags(ids), len(ids), unlink)

    def _behind(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background; a failure is counted and let go."""
        task = asyncio.create_task(work)
        self._fills.add(task)
        task.add_done_callback(self._fill_ended)

    def _fill_ended(self, task: asyncio.Task[None]) -> None:
        self._fills.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, NoAnswer | ReplyError):
            self.stats.fills_dropped += 1
        elif error is not None:
            said = {"message": "a cache fill failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(said)
