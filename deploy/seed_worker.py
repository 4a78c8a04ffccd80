"""Workers of one service inside this process, called as gRPC calls them but without gRPC.

Has server/app.py put them together, on connections that go over a stage; must not know what is
called.
"""

import contextlib
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from unittest import mock

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from deploy.seed_faults import Stage
from repository.cache import Cache
from repository.changes import ChangePoll
from repository.database import Database
from repository.errors import Unavailable
from repository.keys import KeyStore
from repository.window import Window
from server import app, connections
from server.admission import Admission
from server.callers import identify_by
from server.metrics import Metrics
from server.rpc import bind
from server.settings import Settings
from tokenizer.kek import LocalKek
from tokenizer.keyring import Keyring, create_table

__all__ = ["Refused", "Servers", "Worker", "fixed_keys"]

_CONNECTIONS: Final = {"main": 3, "watch": 1, "keys": 2}
_OPENED_MAX_BYTES: Final = 2**18
_TABLE_MAX_BYTES: Final = 2**16
_CALLS_MAX: Final = 100
_DETAILS: Final = "grpc-status-details-bin"


class Refused(Exception):
    """A call ended with another status than OK: its code's name, its reason, and all it told."""

    def __init__(self, code: str, reason: str, told: bytes) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason
        self.told = told


def fixed_keys() -> Keyring:
    """Keys that are the same in every process: what is computed from a number is too."""
    entropy = random.Random("keys")  # noqa: S311 - nothing real is ever sealed with them
    with mock.patch.object(os, "urandom", entropy.randbytes):
        kek = LocalKek(os.urandom(32))
        return Keyring.open(kek, create_table(kek))


class Servers:
    """The pools of one worker, kept from seed to seed: to connect takes longer than a seed."""

    def __init__(self, stage: Stage, main_dsn: str, keys_dsn: str) -> None:
        dsns = {"main": main_dsn, "watch": main_dsn, "keys": keys_dsn}
        self.main_dsn = main_dsn
        self.pools = {
            part: Database(dsns[part], connections_max=connections, connect=stage.connecting(part))
            for part, connections in _CONNECTIONS.items()
        }

    async def connect(self) -> None:
        """Open the pools."""
        for pool in self.pools.values():
            await pool.connect()

    async def close(self) -> None:
        """Close the pools."""
        for pool in self.pools.values():
            await pool.close()

    async def warm(self) -> None:
        """Have every connection there may be, each as good as new: a seed begins with that."""
        for part, pool in self.pools.items():
            await pool.settled()
            held = [await pool.acquire() for _ in range(max(1, _CONNECTIONS[part] - 1))]
            if len(held) < _CONNECTIONS[part]:
                await pool.fetch("SELECT 1")  # on the one that writes leave to reads
            for connection in held:
                await pool.release(connection)


@dataclass
class _Context:
    """What a handler is told of a call, and how it refuses."""

    seconds: float

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> float:
        return self.seconds

    async def abort(self, code: grpc.StatusCode, _: str, trailing: Any) -> NoReturn:
        told: bytes = dict(trailing)[_DETAILS]
        info = error_details_pb2.ErrorInfo()
        for detail in status_pb2.Status.FromString(told).details:
            if detail.Unpack(info):
                break
        raise Refused(code.name, info.reason, told)


class _HandPoll(ChangePoll):
    """A poll that asks when it is told to, and at the start until it has seen the heart beat."""

    def __init__(self, pool: Database, max_stale_s: float, beat: Callable[[], None]) -> None:
        super().__init__(pool, Window(), max_stale_s=max_stale_s, heart_beats=True)
        self._make_beat = beat

    async def start(self) -> None:
        with contextlib.suppress(Unavailable):
            await self.poll()
        self._make_beat()
        await self.poll()


class _NoChores:
    """Stands for housekeeping, which works by the wall clock."""

    def __init__(self, _: object) -> None:
        pass

    def running(self) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()


class Worker:
    """One worker of a seed, put together as every worker is. It polls when it is told to."""

    def __init__(
        self,
        servers: Servers,
        stage: Stage,
        cache_url: str,
        keyring: Keyring,
        beat: Callable[[], None],
    ) -> None:
        self._pools = servers.pools
        self._stage = stage
        self._keyring = keyring
        self._settings = Settings.model_validate(
            {
                "database_dsn": servers.main_dsn,
                "key_database_dsn": servers.main_dsn,
                "cache_url": cache_url,
                "opened_max_bytes": _OPENED_MAX_BYTES,
                "account_table_max_bytes": _TABLE_MAX_BYTES,
            }
        )
        self.poll = _HandPoll(self._pools["watch"], self._settings.max_stale_s, beat)
        self.cache: Cache | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the block ends, and have nothing left to do then."""
        admission = Admission(_CALLS_MAX)
        metrics = Metrics(admission)
        with self._put_in():
            async with app.wired(self._settings, metrics.gauges) as made:
                self._routes = bind(
                    made.servicers, identify_by(self._settings), admission, metrics,
                    audit=made.audit,
                )  # fmt: skip
                try:
                    yield
                finally:
                    await self.settled()

    @contextlib.contextmanager
    def _put_in(self) -> Iterator[None]:
        """Have the composition root find these databases, this poll, and a cache on the stage."""
        here = contextlib.nullcontext

        async def keyring(*_: object) -> Keyring:
            return self._keyring

        def cache(*args: Any) -> Cache:
            self.cache = Cache(*args, pipe_of=self._stage.pipe)
            return self.cache

        with (
            mock.patch.multiple(
                app,
                database_of=lambda _: here(self._pools["main"]),
                key_store_of=lambda _: here(KeyStore(self._pools["keys"])),
                poll_of=lambda *_: here(self.poll),
                open_keyring=keyring,
                Housekeeping=_NoChores,
            ),
            mock.patch.object(connections, "Cache", cache),
        ):
            yield

    async def settled(self) -> None:
        """Wait for what goes on behind the calls' back."""
        for pool in self._pools.values():
            await pool.settled()
        if self.cache is not None:
            await self.cache.settled()

    async def call(self, method: str, request: Message, seconds: float) -> bytes:
        """The bytes that a method, `Service/Method`, answers. Raises Refused."""
        handler = self._routes.service(_Details(f"/opencif.v1.{method}"))  # type: ignore[arg-type]
        assert handler is not None, method
        data: Any = request.SerializeToString()
        if handler.request_deserializer is not None:
            data = handler.request_deserializer(data)
        serve: Any = handler.unary_unary
        answer: bytes = await serve(data, _Context(seconds))
        return answer


@dataclass(frozen=True, slots=True)
class _Details:
    """What a handler is looked up by."""

    method: str
    invocation_metadata: tuple[()] = ()
