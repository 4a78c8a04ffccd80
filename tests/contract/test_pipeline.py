"""The pipelining client on a real Valkey, and on servers that are none."""

import asyncio
import os
import random
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.embedded import EmbeddedValkey
from repository import pipeline
from repository.pipeline import Busy, Late, Lost, Pipe, packed
from repository.server_address import ServerAddress
from tests.unit.test_client_tls import self_signed

PATIENT_S = 10.0
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GREETING = b"%1\r\n+server\r\n+valkey\r\n"


@pytest.fixture
async def pipe(empty_valkey: EmbeddedValkey) -> AsyncIterator[Pipe]:
    made = Pipe(ServerAddress.parse(empty_valkey.url))
    yield made
    await made.close()


@pytest.fixture
async def behind(empty_valkey: EmbeddedValkey) -> AsyncIterator[redis.asyncio.Redis]:
    """The server behind the pipe's back."""
    client = redis.asyncio.Redis.from_url(empty_valkey.url)
    yield client
    await client.aclose()


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[Pipe]:
    """A pipe to a server that does as `talk` says."""

    async def to_its_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(to_its_end, "127.0.0.1", 0)
    pipe = Pipe(ServerAddress.parse(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    try:
        yield pipe
    finally:
        await pipe.close()
        server.close()


async def call(pipe: Pipe, *words: str | bytes | int, wait_s: float = PATIENT_S) -> Any:
    return await pipe.send(packed(*words), wait_s)


async def test_replies_belong_to_their_commands(pipe: Pipe) -> None:
    for n in range(100):
        pipe.send(packed("SET", f"k{n}", n), PATIENT_S)
    replies = await asyncio.gather(*(call(pipe, "GET", f"k{n}") for n in range(100)))
    assert replies == [b"%d" % n for n in range(100)]
    assert await call(pipe, "MGET", "k1", "none", "k2") == [b"1", None, b"2"]


async def test_what_is_sent_in_one_turn_leaves_in_one_write(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(pipe, "PING")
    assert pipe._connection is not None
    transport, written = pipe._connection._transport, []
    assert transport is not None
    recording = type("Recording", (), {"write": lambda _, data: written.append(data)})()
    monkeypatch.setattr(pipe._connection, "_transport", recording)
    callers = [asyncio.create_task(call(pipe, "GET", f"k{n}")) for n in range(3)]
    await asyncio.sleep(0.01)
    assert written == [b"".join(packed("GET", f"k{n}") for n in range(3))]
    monkeypatch.setattr(pipe._connection, "_transport", transport)
    transport.write(written[0])
    assert await asyncio.gather(*callers) == [None] * 3


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32))
async def test_giving_up_shifts_no_reply(pipe: Pipe, seed: int) -> None:
    """Callers come, are cancelled or run out of time in any order; each gets its own or none."""
    chance = random.Random(seed)
    blocking = chance.randrange(90)
    await asyncio.gather(*(call(pipe, "SET", f"k{n}", n) for n in range(20)))

    async def one(n: int) -> None:
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        impatient = chance.random() < 0.3
        if n == blocking:  # all behind it wait
            pipe.send(packed("BLPOP", "nothing", "0.001"), PATIENT_S)
        reply = await call(pipe, "GET", f"k{n % 20}", wait_s=0 if impatient else PATIENT_S)
        assert reply == b"%d" % (n % 20) or (impatient and isinstance(reply, Late)), (n, reply)

    callers = [asyncio.create_task(one(n)) for n in range(60)]
    for _ in range(20):
        await asyncio.sleep(0)
        chance.choice(callers).cancel()
    ended = await asyncio.gather(*callers, return_exceptions=True)
    wrong = [end for end in ended if not isinstance(end, asyncio.CancelledError | None)]
    assert not wrong


async def test_what_comes_too_late_is_discarded(pipe: Pipe) -> None:
    await call(pipe, "SET", "key", "value")
    blocked = pipe.send(packed("BLPOP", "nothing", "0.2"), 0.02)
    behind_it = pipe.send(packed("GET", "key"), 0.02)
    patient = pipe.send(packed("GET", "key"), PATIENT_S)
    assert isinstance(await blocked, Late)
    assert isinstance(await behind_it, Late)
    assert await patient == b"value"
    assert await call(pipe, "ECHO", "next") == b"next"


async def test_a_stopped_server_is_given_up_and_found_again(
    pipe: Pipe, empty_valkey: EmbeddedValkey
) -> None:
    await call(pipe, "SET", "key", "value")
    assert empty_valkey.pid is not None
    os.kill(empty_valkey.pid, signal.SIGSTOP)
    try:
        assert isinstance(await call(pipe, "GET", "key", wait_s=0.02), Late)
        assert isinstance(await call(pipe, "GET", "key"), Lost), "the oldest was never answered"
        assert pipe._connection is None
    finally:
        os.kill(empty_valkey.pid, signal.SIGCONT)
    assert await found_again(pipe) == b"value"


async def test_what_is_under_way_is_bounded(
    pipe: Pipe, empty_valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(pipe, "PING")
    monkeypatch.setattr(pipeline, "UNDER_WAY_MAX", 10)
    monkeypatch.setattr(pipeline, "UNDER_WAY_MAX_BYTES", 2000)
    assert empty_valkey.pid is not None
    os.kill(empty_valkey.pid, signal.SIGSTOP)
    try:
        many = [pipe.send(packed("ECHO", n), PATIENT_S) for n in range(12)]
        busy = await asyncio.gather(*many[10:])
        big = Pipe(pipe.address)
        large = [big.send(packed("ECHO", b"x" * 900), PATIENT_S) for _ in range(3)]
        busy.append(await large[2])
    finally:
        os.kill(empty_valkey.pid, signal.SIGCONT)
    assert [type(each) for each in busy] == [Busy] * 3
    assert await asyncio.gather(*many[:10]) == [b"%d" % n for n in range(10)]
    assert await asyncio.gather(*large[:2]) == [b"x" * 900] * 2
    assert await asyncio.gather(*(call(big, "ECHO", n) for n in range(10))), "room again"
    await big.close()


async def test_a_killed_server_fails_all_at_once_and_is_found_again(
    pipe: Pipe, empty_valkey: EmbeddedValkey
) -> None:
    blocked = pipe.send(packed("BLPOP", "nothing", 0), PATIENT_S)
    queued = [pipe.send(packed("GET", "key"), PATIENT_S) for _ in range(10)]
    await asyncio.sleep(0.05)
    empty_valkey.kill()
    assert {type(end) for end in await asyncio.gather(blocked, *queued)} == {Lost}
    assert isinstance(await call(pipe, "GET", "key"), Lost), "nothing listens"
    empty_valkey.start()
    assert await found_again(pipe) is None


async def found_again(pipe: Pipe) -> Any:
    """The reply to GET key once the pauses between attempts are over."""
    for _ in range(100):
        reply = await call(pipe, "GET", "key")
        if not isinstance(reply, Lost):
            break
        await asyncio.sleep(0.02)
    return reply


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff junk\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*2\r\n$-7\r\n",
        b"%1\r\n*0\r\n:1\r\n",  # a map whose key is a list
        b"*4294967296\r\n",
        b":1\r\n:2\r\n:3\r\n",  # more than was asked for
    ],
)
async def test_garbage_ends_the_connection(garbage: bytes) -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(1000)
        writer.write(GREETING)
        await reader.read(1000)
        writer.write(garbage)
        await reader.read()

    async with serving(talk) as pipe:
        under_way = [pipe.send(packed("GET", n), PATIENT_S) for n in range(2)]
        replies = await asyncio.gather(*under_way)
        assert isinstance(replies[1], Lost) or garbage.startswith(b":")
        assert pipe._connection is None
        if not garbage.startswith(b":"):
            assert isinstance(await call(pipe, "GET", "x"), Lost), "no pause"
            assert connections == 1


@settings(deadline=None, max_examples=60)
@given(garbage=st.binary(min_size=1, max_size=200))
async def test_no_garbage_hangs_or_raises(garbage: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(GREETING)
        await reader.read(1000)
        writer.write(garbage)

    async with serving(talk) as pipe:
        await asyncio.gather(*(call(pipe, "GET", n) for n in range(3)))
        assert pipe._connection is None, "the server hung up"


async def test_a_half_open_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SERVER_MAX_S", 0.5)
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(1000)
        writer.write(GREETING)
        if connections > 1:
            await reader.read(1000)
            writer.write(b"+here\r\n")
        await reader.read()

    async with serving(talk) as pipe:
        assert isinstance(await call(pipe, "GET", "x"), Lost)
        for _ in range(100):
            reply = await call(pipe, "GET", "x")
            if not isinstance(reply, Lost):
                break
            await asyncio.sleep(0.01)
        assert reply == b"here"
        assert connections >= 2


async def test_a_server_that_takes_no_greeting_is_not_pestered() -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(1000)
        writer.write(b"-WRONGPASS who are you\r\n")

    async with serving(talk) as pipe:
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + 0.6
        while loop.time() < ends_s:
            assert isinstance(await call(pipe, "GET", "x"), Lost)
            await asyncio.sleep(0.001)
        assert 2 <= connections <= 10


async def test_push_messages_are_no_replies(pipe: Pipe, behind: redis.asyncio.Redis) -> None:
    assert await call(pipe, "CLIENT", "TRACKING", "ON", "BCAST") == b"OK"
    for n in range(50):
        await behind.set(f"k{n}", n)
    replies = await asyncio.gather(*(call(pipe, "GET", f"k{n}") for n in range(50)))
    assert replies == [b"%d" % n for n in range(50)]


async def test_large_values_and_error_replies(pipe: Pipe) -> None:
    large = os.urandom(8_000_000)
    assert await call(pipe, "SET", "large", large) == b"OK"
    replies = await asyncio.gather(
        call(pipe, "GET", "large"), call(pipe, "NO SUCH COMMAND"), call(pipe, "MGET", "large", "no")
    )
    assert replies[0] == large
    assert "unknown command" in str(replies[1])
    assert replies[2] == [large, None]


async def test_a_reply_in_single_bytes_is_one_reply() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(GREETING)
        while await reader.read(1000):
            for byte in b"*2\r\n$3\r\nabc\r\n_\r\n":
                writer.write(bytes([byte]))
                await asyncio.sleep(0)

    async with serving(talk) as pipe:
        assert await call(pipe, "MGET", "a", "b") == [b"abc", None]


async def test_a_wrong_password_is_no_connection(empty_valkey: EmbeddedValkey) -> None:
    address = ServerAddress.parse(empty_valkey.url)
    wrong = Pipe(ServerAddress(address.place, password="wrong"))
    assert isinstance(await call(wrong, "PING"), Lost)
    assert isinstance(await call(wrong, "PING"), Lost)
    await wrong.close()


async def test_databases_are_apart(
    empty_valkey: EmbeddedValkey, behind: redis.asyncio.Redis
) -> None:
    other = Pipe(ServerAddress.parse(f"{empty_valkey.url}?db=3"))
    assert await call(other, "SET", "key", "there") == b"OK"
    assert await behind.get("key") is None
    assert await call(other, "GET", "key") == b"there"
    await other.close()


async def test_tls_is_for_the_server_of_the_certificate(
    empty_valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    """The embedded server has no TLS: something in front of it has."""
    inside = ServerAddress.parse(empty_valkey.url)
    pair = self_signed(tmp_path, "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_unix_connection(inside.place.host)
        await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    url = f"rediss://:{inside.password}@localhost:{port}"
    trusting = Pipe(ServerAddress.parse(f"{url}?ssl_ca_certs={pair.certificate}"))
    value = os.urandom(300_000)
    assert await call(trusting, "SET", "key", value) == b"OK"
    assert await call(trusting, "GET", "key") == value
    await trusting.close()
    wary = Pipe(ServerAddress.parse(url))
    assert isinstance(await call(wary, "GET", "key"), Lost), "nobody vouches for it"
    await wary.close()
    server.close()
    await server.wait_closed()
