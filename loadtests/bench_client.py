"""The load of a bench, as a process of its own: keeps so many calls under way and counts answers.

It is told what to do by lines of JSON on its standard input and answers with one line each.
"""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from struct import Struct
from typing import Any, ClassVar, Final

from loadtests.bench_answer import Messages, is_stale
from loadtests.bench_machine import CpuWatch
from loadtests.bench_wire import Connection, ConnectionEnded, Tls

__all__ = ["Request", "read_requests", "write_requests"]

_SIZES: Final = Struct(">II")
_MESSAGE: Final = Struct(">BI")  # gRPC's frame: not compressed, length
_SILENCE_MAX_S: Final = 20.0
_CHUNKS_AHEAD: Final = 2  # chunks of a stream that are under way at once

Request = tuple[bytes, int]
"""A framed request and the size of its answer."""


def write_requests(path: Path, requests: Iterable[tuple[bytes, int]]) -> None:
    """Keep requests, each with the size of its answer, for the load to read."""
    with path.open("wb") as file:
        for request, answer_size in requests:
            file.write(_SIZES.pack(len(request), answer_size) + request)


def read_requests(path: Path) -> Iterator[Request]:
    """What `write_requests` kept, framed for the wire."""
    content = path.read_bytes()
    at = 0
    while at < len(content):
        size, answer_size = _SIZES.unpack_from(content, at)
        at += _SIZES.size
        framed = _MESSAGE.pack(0, size) + content[at : at + size]
        yield framed, answer_size
        at += size


class Load(ABC):
    """Keeps `in_flight` calls or streams under way and counts as it turns.

    An answer is right that has the size it must have, with `stale_since` behind it or without;
    `wrong` counts the others, `stale` the right ones that say it.
    """

    streams: ClassVar[bool]
    """Whether its answers are wrapped as those of streams are."""

    def __init__(self, connection: Connection, requests: Sequence[Request]) -> None:
        self.answered = 0
        self.wrong = 0
        self.stale = 0
        self._connection = connection
        self._requests = cycle(requests)
        self._is_ending = False
        self._under_way: dict[int, tuple[deque[int], Messages]] = {}
        """By stream: the sizes that are owed, in order, and what has come of them."""

    def begin(self, in_flight: int) -> None:
        """Send the first calls."""
        for _ in range(in_flight):
            self._open()
        self._connection.flush()

    def turn(self) -> None:
        """Take what has come, send as much again."""
        for stream, body, ended in self._connection.receive():
            self._take(stream, self._checked(stream, body), ended=ended)
        self._connection.flush()

    def end(self) -> None:
        """Let what is under way come to its end, so that the server has nothing to cancel."""
        self._is_ending = True
        while self._under_way:
            self.turn()

    def _call(self, *, ends: bool) -> int:
        """Begin a call with its first request; its stream."""
        request, answer_size = next(self._requests)
        stream = self._connection.open(request, ends=ends)
        self._under_way[stream] = deque([answer_size]), Messages()
        return stream

    def _checked(self, stream: int, body: memoryview) -> int:
        """Check the answers that end here; how many were owed."""
        owed, messages = self._under_way[stream]
        count = 0
        for size, end in messages.take(body):
            if not owed:
                self.wrong += 1  # more answers than requests
                continue
            count += 1
            wanted = owed.popleft()
            if size == wanted:
                continue
            if is_stale(size, wanted, end, streams=self.streams):
                self.stale += 1
            else:
                self.wrong += 1
        return count

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def _take(self, stream: int, answers: int, *, ended: bool) -> None:
        """Note that so many answers have come on a stream, and whether nothing more does."""


class Calls(Load):
    """Unary calls. One that ends without its answer is wrong too."""

    streams = False

    def _open(self) -> None:
        self._call(ends=True)

    def _take(self, stream: int, answers: int, *, ended: bool) -> None:
        if ended:
            owed, messages = self._under_way.pop(stream)
            self.wrong += bool(owed) or not messages.is_between
            self.answered += 1
            if not self._is_ending:
                self._open()


class Streams(Load):
    """Streams of chunks: one is sent for each that is answered."""

    streams = True

    def _open(self) -> None:
        stream = self._call(ends=False)
        for _ in range(_CHUNKS_AHEAD - 1):
            self._send(stream)

    def _send(self, stream: int) -> None:
        request, answer_size = next(self._requests)
        self._under_way[stream][0].append(answer_size)
        self._connection.send(stream, request)

    def _take(self, stream: int, answers: int, *, ended: bool) -> None:
        owed, messages = self._under_way[stream]
        if ended and (owed or not self._is_ending):
            raise ConnectionEnded("a stream ended before its chunks did")
        self.answered += answers
        for _ in range(answers):
            if not self._is_ending:
                self._send(stream)
        if self._is_ending and answers and not owed:
            self._connection.send(stream, b"", ends=True)
        if ended:
            self.wrong += not messages.is_between
            del self._under_way[stream]


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """One run: warm up, then measure. Raises: ConnectionEnded, OSError."""
    requests = list(read_requests(Path(job["requests"])))
    tls = Tls(*job["tls"]) if job.get("tls") else None
    connection = Connection(job["address"], job["method"], _SILENCE_MAX_S, tls)
    load = (Streams if job["streams"] else Calls)(connection, requests)
    watch = CpuWatch(job["watch"], job["core"])
    try:
        load.begin(job["in_flight"])
        _turn_until(load, time.perf_counter() + job["warm_s"], 0)
        own, began = time.process_time(), time.perf_counter()
        used, answered = watch.seconds(), load.answered
        least = len(requests) if job.get("whole") else 1
        _turn_until(load, began + job["measure_s"], answered + least)
        own, took = time.process_time() - own, time.perf_counter() - began
        spent, answered = watch.seconds(), load.answered - answered  # at the same point as before
        load.end()
    finally:
        connection.close()
    cpu_s = {role: spent[role] - used[role] for role in used} | {"client": own}
    return {
        "calls": answered,
        "wrong": load.wrong,
        "stale": load.stale,
        "seconds": took,
        "cpu_s": cpu_s,
    }


def _turn_until(load: Load, ends: float, answered: int) -> None:
    """Go on to a time, or until so many are answered if that takes longer."""
    while time.perf_counter() < ends or load.answered < answered:
        load.turn()


def main() -> None:
    """Do one job after the other until the input ends."""
    for line in sys.stdin:
        try:
            answer = run(json.loads(line))
        except (ConnectionEnded, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
