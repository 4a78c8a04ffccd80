"""What a bench makes of its runs: which count, what a ratio is, who has which core."""

import socket
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import pytest

from loadtests.bench_client import read_requests, write_requests
from loadtests.bench_figures import Measured, Run
from loadtests.bench_machine import Cores
from loadtests.bench_ratios import RATIOS, standings
from loadtests.bench_wire import Connection, ConnectionEnded

MGET, ECHO = RATIOS[1], RATIOS[0]


def run(rate: float, *, client: float = 0.2, server: float = 1.0, **more: object) -> Run:
    cpu_s = {"server": server, "client": client}
    return Run(int(rate), 1.0, cpu_s, **more)  # type: ignore[arg-type]


def pair(ours: list[Run], theirs: list[Run]) -> list[Measured]:
    return [
        Measured(MGET.ours[0], MGET.group, "lookups", ours),
        Measured(MGET.theirs[0], MGET.group, "lookups", theirs),
    ]


def test_a_ratio_compares_the_two_sides_of_each_round() -> None:
    (standing,) = standings(pair([run(100), run(50), run(30)], [run(200), run(200), run(100)]))
    assert standing.by_rate is not None
    assert (standing.by_rate.low, standing.value, standing.by_rate.high) == (0.25, 0.3, 0.5)
    assert standing.verdict == "below the floor"


@pytest.mark.parametrize(
    ("rate", "verdict"), [(34, "below the floor"), (35, "floor"), (45, "goal")]
)
def test_a_ratio_is_held_to_floor_and_goal(rate: int, verdict: str) -> None:
    (standing,) = standings(pair([run(rate)], [run(100)]))
    assert standing.verdict == verdict


def test_runs_that_measured_the_client_are_thrown_out() -> None:
    ours = Measured("x", "1", "calls", [run(100, client=0.86), run(60, client=0.85)])
    assert (ours.thrown_out, ours.rate.median, ours.doubt) == (1, 60, "")
    ours.runs.pop()
    assert (ours.thrown_out, ours.rate.median, ours.doubt) == (1, 100, "≥ ")


def test_runs_that_came_from_elsewhere_are_thrown_out() -> None:
    there, elsewhere = {"valkey": 99.0, "misses": 1.0}, {"valkey": 98.0, "misses": 2.0}
    ours = Measured("x", "1", "calls", [run(9, hits=elsewhere, wanted="valkey")])
    assert (ours.thrown_out, ours.doubt) == (1, "? ")
    ours.runs.append(run(7, hits=there, wanted="valkey"))
    assert (ours.rate.median, ours.doubt) == (7, "")


def test_runs_on_a_busy_machine_are_thrown_out() -> None:
    quiet, busy = run(100), run(50, server=0.5)
    busy.cpu_s["core"], quiet.cpu_s["core"] = 0.61, 1.09  # type: ignore[index]  # a dict here
    ours = Measured("x", "1", "calls", [quiet, busy])
    assert (ours.thrown_out, ours.rate.median, ours.doubt) == (1, 100, "")


def test_a_ratio_without_a_sound_round_is_judged_by_cpu() -> None:
    (standing,) = standings(pair([run(100, server=0.5)], [run(100, client=0.9, server=0.2)]))
    assert standing.by_rate is None
    assert standing.value == pytest.approx(0.4)
    assert standing.verdict == "floor"


def test_a_ratio_with_one_side_is_left_out() -> None:
    assert not list(standings([Measured(ECHO.theirs[0], ECHO.group, "lookups", [run(1)])]))


@pytest.mark.parametrize("count", range(1, 9))
def test_the_server_is_alone_where_it_can_be(count: int) -> None:
    cores = Cores.plan(range(count))
    others = {*cores.clients, cores.valkey, cores.postgres}
    assert (cores.server in others) == (count == 1)
    assert cores.is_crowded == (count < 4)
    assert len(cores.clients) == (2 if count > 4 else 1)


def test_requests_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_requests(tmp_path / "requests", [(b"one", 7), (b"", 0)])
    framed = [(b"\0\0\0\0\x03one", 7), (b"\0\0\0\0\0", 0)]
    assert list(read_requests(tmp_path / "requests")) == framed


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return pack(">I", len(body))[1:] + bytes([kind, flags]) + pack(">I", stream) + body


class Peer:
    """The other end of a connection: a test says what it says, frame by frame."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.got = b""

    def accept(self) -> None:
        self._socket, _ = self._listening.accept()
        self._socket.settimeout(10)

    def say(self, *frames: bytes) -> None:
        self._socket.sendall(b"".join(frames))

    def hear(self, size: int) -> bytes:
        """The payload bytes of DATA frames, once there are so many."""
        data = b""
        while len(data) < size:
            self.got += self._socket.recv(1 << 16)
            data = b"".join(body for kind, body in self.frames() if kind == 0)
        return data

    def frames(self) -> Iterator[tuple[int, bytes]]:
        at = 24  # the preface
        while at + 9 <= len(self.got):
            end = at + 9 + int.from_bytes(self.got[at : at + 3])
            if end <= len(self.got):
                yield self.got[at + 3], self.got[at + 9 : end]
            at = end

    def close(self) -> None:
        self._socket.close()
        self._listening.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def connection(peer: Peer) -> Iterator[Connection]:
    made = Connection(peer.address, "/a/B", 10)
    peer.accept()
    yield made
    made.close()


def test_an_answer_may_come_in_pieces_of_any_size(peer: Peer, connection: Connection) -> None:
    answer = frame(0, 0, 1, bytes(300)) + frame(8, 0, 0, pack(">I", 5)) + frame(1, 5, 1, b"\x88")
    stream = connection.open(b"request", ends=True)
    connection.flush()
    assert peer.hear(7) == b"request"
    received: list[tuple[int, bytes, bool]] = []
    for at in range(len(answer)):
        peer.say(answer[at : at + 1])
        received += [(at, bytes(body), ended) for at, body, ended in connection.receive()]
    assert received == [(stream, bytes(300), False), (stream, b"", True)]


def test_no_more_is_sent_than_the_windows_allow(peer: Peer, connection: Connection) -> None:
    message = bytes(range(256)) * 400
    connection.open(message, ends=True)
    connection.flush()
    assert peer.hear(65_535) == message[:65_535]
    peer.say(frame(8, 0, 0, pack(">I", 100_000)), frame(8, 0, 1, pack(">I", 10)))
    connection.receive()
    connection.flush()
    assert peer.hear(65_545) == message[:65_545]
    peer.say(frame(4, 0, 0, pack(">HI", 4, 1_000_000)))
    connection.receive()
    connection.flush()
    assert peer.hear(len(message)) == message


def test_settings_and_pings_are_acknowledged(peer: Peer, connection: Connection) -> None:
    connection.open(b"x", ends=False)
    connection.flush()
    peer.say(frame(4, 0, 0), frame(6, 0, 0, b"12345678"))
    connection.receive()
    connection.send(1, b"y", ends=True)
    connection.flush()
    assert peer.hear(2) == b"xy"
    assert list(peer.frames())[-3:-1] == [(4, b""), (6, b"12345678")]


@pytest.mark.parametrize("kind", [3, 7])
def test_a_reset_or_a_going_away_ends_the_run(
    peer: Peer, connection: Connection, kind: int
) -> None:
    connection.open(b"x", ends=True)
    connection.flush()
    peer.say(frame(kind, 0, 1, bytes(8)))
    with pytest.raises(ConnectionEnded):
        connection.receive()
