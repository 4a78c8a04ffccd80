"""One cache server or a cluster of them: which server has a key, and where it says it has moved.

Owns the 64 hash tags and the map of slots. Every key begins with `{xx}`, xx being a tag.
"""

import asyncio
import random
import re
import time
from binascii import crc_hqx
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from hiredis import ReplyError

from repository.pipeline import Lost, NoAnswer, Pipe, Refused, packed
from repository.server_address import Place, ServerAddress

__all__ = ["TAGS", "TAG_SIZE", "Shards"]

TAGS: Final = [b"{%02x}" % tag for tag in range(64)]
TAG_SIZE: Final = 4
SLOTS: Final = [crc_hqx(tag[1:-1], 0) % 16384 for tag in TAGS]  # CRC16 of what the braces hold
CLUSTER_SLOTS: Final = packed("CLUSTER", "SLOTS")
ASKING: Final = packed("ASKING")
RANDOM_KEY: Final = packed("RANDOMKEY")
MAP_WAIT_S: Final = 0.25  # for one server's answer, of which any other's will do as well
MAP_PAUSE_S: Final = 0.2
REDIRECTS_MAX: Final = 3

_REDIRECT: Final = re.compile(r"(MOVED|ASK) \d+ (.*):(\d{1,5})")
_OF_CLUSTERS: Final = re.compile(r"MOVED|ASK|CROSSSLOT")
_DIGITS: Final = np.zeros(256, np.uint8)
_DIGITS[list(b"0123456789abcdef")] = range(16)


class Shards:
    """The servers behind one URL: a single one, until it says that it is a cluster.

    Where a cluster moves a key, the command follows it and the map is read anew. Each server is
    talked to through a pipe of `pipe_of`: whoever makes faults puts in what makes them.
    """

    def __init__(self, url: str, pipe_of: Callable[[ServerAddress], Pipe] = Pipe) -> None:
        self._pipe_of = pipe_of
        self._first = pipe_of(ServerAddress.parse(url))
        self._pipes: dict[Place, Pipe] = {}
        self._routes: list[Pipe | None] | None = None  # by tag; None while there is one server
        self._learning: asyncio.Task[None] | None = None
        self._map_due_s = 0.0

    async def close(self) -> None:
        """Disconnect from all; what is under way is lost."""
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.wait({self._learning})
        for pipe in (self._first, *self._pipes.values()):
            await pipe.close()

    @property
    def are_held_back(self) -> bool:
        """Whether no server is to be called now, after a run of failures."""
        return all(pipe.breaker.is_open for pipe in self._pipes.values() or (self._first,))

    async def mget(self, keys: Sequence[bytes], wait_s: float) -> list[bytes | None]:
        """The values of keys of one length, in their order. Raises NoAnswer when one has none."""
        if len(set(map(len, keys))) != 1:
            raise ValueError("keys of one call have one length")
        length = b"$%d\r\n" % len(keys[0])
        bulk = length + (b"\r\n" + length).join(keys) + b"\r\n"
        values, unanswered = await self.mget_bulk(bulk, len(keys), wait_s)
        if unanswered:
            raise Lost
        return values

    async def mget_bulk(
        self, keys: bytes, count: int, wait_s: float
    ) -> tuple[list[bytes | None], int]:
        """The values of `count` keys of one length, given as RESP bulk strings without a gap.

        Beside them the number of keys whose server did not answer. Raises NoAnswer when none did.
        """
        if self._routes is None:
            pipe = self._first
            if not pipe.breaker.admits():
                raise Lost
            reply = await pipe.send(_mget(keys, count), wait_s)
            if type(reply) is list and len(reply) == count:
                pipe.breaker.succeeded()
                return reply, 0
            if not await self._is_cluster(reply, wait_s):
                pipe.breaker.failed()
                raise _reason(pipe, reply)
        return await self._mget_split(keys, count, wait_s)

    async def each(
        self,
        tags: Iterable[int],
        count: int,
        do: Callable[[Pipe, Sequence[int]], Awaitable[None]],
    ) -> None:
        """Do it with every server and the positions of what may go into one command there.

        `tags` are those of `count` keys. All are done, also when some fail; then the first failure
        is raised.
        """
        if self._routes is None:
            await do(self._first, range(count))
            return
        by_tag: dict[int, list[int]] = {}
        for position, tag in enumerate(tags):
            by_tag.setdefault(tag, []).append(position)
        routed = [(self._routes[tag], at) for tag, at in by_tag.items()]
        done = await asyncio.gather(
            *(do(pipe, at) for pipe, at in routed if pipe is not None), return_exceptions=True
        )
        for failure in done:
            if failure is not None:
                raise failure

    async def random_keys(self, count: int, wait_s: float) -> list[bytes]:
        """At most `count` keys of one of the servers, some perhaps twice; fewer in any trouble."""
        pipes = list(self._pipes.values()) or [self._first]
        pipe = random.choice(pipes)  # noqa: S311 - a sample, nobody's secret
        replies = await asyncio.gather(*(pipe.send(RANDOM_KEY, wait_s) for _ in range(count)))
        return [reply for reply in replies if isinstance(reply, bytes)]

    async def call(self, pipe: Pipe, command: bytes, wait_s: float) -> Any:
        """The reply to a packed command, wherever its keys are now. Raises NoAnswer, ReplyError."""
        reply = await self._followed(await pipe.send(command, wait_s), pipe, command, wait_s)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def _mget_split(
        self, keys: bytes, count: int, wait_s: float
    ) -> tuple[list[bytes | None], int]:
        """One MGET per tag, all under way at once."""
        rows = np.frombuffer(keys, np.uint8).reshape(count, -1)
        values: list[bytes | None] = [None] * count
        unanswered, sound, failed = count, set(), dict[Pipe, Any]()
        asked = []
        admitted: dict[Pipe | None, bool] = {None: False}
        for pipe, positions in self._by_tag(rows, keys.index(b"{") + 1):
            if pipe not in admitted:
                admitted[pipe] = cast("Pipe", pipe).breaker.admits()
            if pipe is not None and admitted[pipe]:
                command = _mget(rows[positions].tobytes(), len(positions))
                asked.append((pipe, positions, command, pipe.send(command, wait_s)))
        for pipe, positions, command, future in asked:
            reply = await self._followed(await future, pipe, command, wait_s)
            if type(reply) is list and len(reply) == len(positions):
                for position, value in zip(positions.tolist(), reply, strict=True):
                    values[position] = value
                unanswered -= len(positions)
                sound.add(pipe)
            else:
                failed[pipe] = reply
        self._judge(sound, failed)
        if None in (self._routes or ()):
            self._learn()
        if unanswered == count:
            raise Lost
        return values, unanswered

    def _by_tag(
        self, rows: npt.NDArray[np.uint8], at: int
    ) -> Iterator[tuple[Pipe | None, npt.NDArray[np.intp]]]:
        """The positions of the rows with each tag, whose hexadecimal digits stand at `at`."""
        assert self._routes is not None, "only a cluster has its keys apart"
        tags = _DIGITS[rows[:, at]] << 4 | _DIGITS[rows[:, at + 1]]
        order = np.argsort(tags, kind="stable")
        for positions in np.split(order, np.flatnonzero(np.diff(tags[order])) + 1):
            yield self._routes[tags[positions[0]]], positions

    def _judge(self, sound: set[Pipe], failed: dict[Pipe, Any]) -> None:
        """Note which servers answered; a map that led to one that did not may be out of date."""
        for pipe in sound:
            pipe.breaker.succeeded()
        for pipe, reply in failed.items():
            _reason(pipe, reply)
            if pipe not in sound:
                pipe.breaker.failed()
        if failed:
            self._learn()

    async def _followed(self, reply: Any, pipe: Pipe, command: bytes, wait_s: float) -> Any:
        """The reply, after the redirects that it may say."""
        for _ in range(REDIRECTS_MAX):
            if not _is_of_cluster(reply):
                break
            told = _REDIRECT.match(str(reply))
            if told is None or told[1] == "MOVED":
                self._learn()
            if told is None:
                break
            pipe = self._pipe(Place(told[2] or pipe.address.place.host, int(told[3])))
            if told[1] == "ASK":
                pipe.send(ASKING, wait_s)  # it holds for the command that follows it
            reply = await pipe.send(command, wait_s)
        return reply

    async def _is_cluster(self, reply: Any, wait_s: float) -> bool:
        """Whether a reply came from a cluster whose map is known by now."""
        if not _is_of_cluster(reply):
            return False
        if self._routes is None:
            self._learn()
            if self._learning is not None:
                await asyncio.wait({self._learning}, timeout=wait_s)
        return self._routes is not None

    def _learn(self) -> None:
        """Have the map read in the background, not again and again."""
        if self._learning is None and time.monotonic() >= self._map_due_s:
            self._learning = asyncio.create_task(self._read_map())

    async def _read_map(self) -> None:
        try:
            pipes = [self._first, *self._pipes.values()]
            for pipe in random.sample(pipes, len(pipes)):
                ranges = _ranges(await pipe.send(CLUSTER_SLOTS, MAP_WAIT_S), pipe)
                if ranges:
                    await self._install(ranges)
                    break
        finally:
            self._learning = None
            self._map_due_s = time.monotonic() + MAP_PAUSE_S

    async def _install(self, ranges: list[tuple[int, int, Place]]) -> None:
        places = [
            next((place for low, high, place in ranges if low <= slot <= high), None)
            for slot in SLOTS
        ]
        self._routes = [None if place is None else self._pipe(place) for place in places]
        for gone in self._pipes.keys() - set(places):
            await self._pipes.pop(gone).close()

    def _pipe(self, place: Place) -> Pipe:
        pipe = self._pipes.get(place)
        if pipe is None:
            pipe = self._pipes[place] = self._pipe_of(self._first.address.at(place))
        return pipe


def _mget(keys: bytes, count: int) -> bytes:
    return b"*%d\r\n$4\r\nMGET\r\n%b" % (count + 1, keys)


def _is_of_cluster(reply: Any) -> bool:
    """Whether only a cluster refuses a command in this way."""
    return isinstance(reply, ReplyError) and _OF_CLUSTERS.match(str(reply)) is not None


def _reason(pipe: Pipe, reply: Any) -> NoAnswer:
    """Why there is no answer, if this is what came; what fits no question ends the connection."""
    if isinstance(reply, NoAnswer):
        return reply
    if isinstance(reply, ReplyError):
        return Refused()
    pipe.drop()
    return Lost()


def _ranges(reply: Any, pipe: Pipe) -> list[tuple[int, int, Place]]:
    """Slots from, up to, and their primary's place, as CLUSTER SLOTS says; empty if it does not."""
    try:
        return [
            (low, high, Place(host.decode() if host else pipe.address.place.host, port))
            for low, high, (host, port, *_), *_ in reply
        ]
    except (TypeError, ValueError, AttributeError):
        return []
