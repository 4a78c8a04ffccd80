"""Which answers a bench takes for right: those of the size that is owed, stale or not."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.bench_answer import Messages, is_stale
from loadtests.bench_client import Calls, Load, Request, Streams
from loadtests.bench_wire import Connection, Received
from opencif.v1.account_pb2 import Account
from opencif.v1.lookup_pb2 import (
    AccountResult,
    LookupAccountsResponse,
    StreamLookupAccountsResponse,
)
from server import splice

SINCE = Timestamp(seconds=1_800_000_000, nanos=987_654_000)
TIME = SINCE.SerializeToString()
END = 2 + len(TIME)
TIMES = st.builds(
    Timestamp,
    seconds=st.integers(1_500_000_000, 4_500_000_000),
    nanos=st.integers(0, 999_999).map(lambda us: us * 1_000),
)
SIZES = st.integers(0, 400) | st.integers(16_350, 16_400)  # a length's varint grows at 128, 16,384


def results(size: int) -> bytes:
    """The results of an answer, of so many bytes or a few more."""
    name = "x" * size
    return LookupAccountsResponse(
        results=[AccountResult(account=Account(name=name))]
    ).SerializeToString()


def answer(parts: bytes, *, streams: bool, since: Timestamp | None = SINCE) -> bytes:
    """As the server splices it."""
    spliced = splice.answer(parts, since)
    if not streams:
        return spliced
    held = LookupAccountsResponse.FromString(spliced)
    return StreamLookupAccountsResponse(answer=held).SerializeToString()


@settings(deadline=None)
@given(SIZES, TIMES, st.booleans())
def test_the_results_that_are_owed_are_right_when_stale(
    size: int, since: Timestamp, streams: bool
) -> None:
    owed = len(answer(results(size), streams=streams, since=None))
    told = answer(results(size), streams=streams, since=since)
    assert is_stale(len(told), owed, told[-END:], streams=streams)
    longer = len(answer(results(size + 1), streams=streams, since=None))
    assert not is_stale(len(told), longer, told[-END:], streams=streams)
    told = answer(results(size + 1), streams=streams, since=since)
    assert not is_stale(len(told), owed, told[-END:], streams=streams)


@settings(deadline=None)
@given(SIZES, st.binary(min_size=1, max_size=END), st.booleans())
def test_whatever_else_is_longer_is_wrong(size: int, more: bytes, streams: bool) -> None:
    """Unless it is a field 2 that holds a time."""
    owed = len(answer(results(size), streams=streams, since=None))
    told = bytes(owed) + more
    assert not is_stale(len(told), owed, told[-END:], streams=streams) or more[0] == 0x12


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    "end",
    [
        b"\x0a\x0c" + TIME,  # another field
        b"\x12\x0b" + TIME,  # a length that is not its own
        b"\x12\x0c" + TIME[::-1],
        b"\x12\x0c" + bytes(12),
    ],
)
def test_an_end_of_the_same_size_that_is_no_time_is_wrong(end: bytes, streams: bool) -> None:
    owed = len(answer(results(50), streams=streams, since=None))
    assert not is_stale(owed + len(end), owed, end, streams=streams)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 50))
def test_messages_are_cut_wherever_frames_end(bodies: list[bytes], step: int) -> None:
    wire = b"".join(framed_message(body) for body in bodies)
    messages = Messages()
    found = []
    for at in range(0, len(wire), step):
        found += messages.take(memoryview(wire[at : at + step]))
    assert found == [(len(body), body[-END:]) for body in bodies]
    assert messages.is_between
    messages.take(memoryview(b"\0"))
    assert not messages.is_between


def framed_message(body: bytes) -> bytes:
    return b"\0" + len(body).to_bytes(4) + body


class Answering:
    """A connection whose other end answers each request with the next of these, then the first."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = answers
        self._asked: list[tuple[int, bool, bool]] = []
        self._streams = 0
        self._answered = 0

    def open(self, message: bytes, *, ends: bool) -> int:
        self._streams += 1
        self._asked.append((self._streams, True, ends))
        return self._streams

    def send(self, stream: int, message: bytes, *, ends: bool = False) -> None:
        self._asked.append((stream, not ends, ends))

    def flush(self) -> None:
        """Nothing is kept back."""

    def receive(self) -> list[Received]:
        asked, self._asked = self._asked, []
        return [self._answer(*each) for each in asked]

    def _answer(self, stream: int, has_message: bool, ends: bool) -> Received:
        body = b""
        if has_message:
            body = self._answers[self._answered % len(self._answers)]
            self._answered += 1
        return Received(stream, memoryview(body), ends)


def loaded(kind: type[Load], answers: Sequence[bytes], owed: int) -> Load:
    """A load that has had twelve answers or a few more, to requests of this size of answer."""
    connection: Any = Answering(answers)
    requests: list[Request] = [(b"request", owed)]
    load = kind(cast("Connection", connection), requests)
    load.begin(3)
    while load.answered < 12:
        load.turn()
    load.end()
    return load


@pytest.mark.parametrize("kind", [Calls, Streams])
def test_a_load_counts_stale_answers_as_right(kind: type[Load]) -> None:
    fresh = answer(results(200), streams=kind.streams, since=None)
    stale = answer(results(200), streams=kind.streams)
    load = loaded(kind, [framed_message(fresh), framed_message(stale)], len(fresh))
    assert (load.wrong, load.stale) == (0, load.answered // 2)


@pytest.mark.parametrize("kind", [Calls, Streams])
@pytest.mark.parametrize("since", [None, SINCE])
def test_a_load_counts_results_of_another_size_as_wrong(
    kind: type[Load], since: Timestamp | None
) -> None:
    owed = len(answer(results(200), streams=kind.streams, since=None))
    for size in (199, 201, 0, 200 + END):
        other = answer(results(size), streams=kind.streams, since=since)
        load = loaded(kind, [framed_message(other)], owed)
        assert (load.wrong, load.stale) == (load.answered, 0)


@pytest.mark.parametrize("sent", [b"", framed_message(b"right")[:-1], framed_message(b"right") * 2])
def test_a_call_has_one_whole_answer(sent: bytes) -> None:
    """None is what a call has that ends with an error."""
    load = loaded(Calls, [sent], len(b"right"))
    assert load.wrong >= load.answered
