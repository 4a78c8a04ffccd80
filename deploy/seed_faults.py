"""Faults of database and cache calls that follow from a seed and a count of each place's calls.

Owns which call gets which fault and what that fault is; must not know what the calls are for. It
stands where the driver and the cache's client are put in: the service runs none of it.
"""

import asyncio
import hashlib
import pkgutil
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from enum import StrEnum
from importlib import import_module
from typing import Any, Final, TypeVar

import asyncpg
from hiredis import ReplyError

import repository
from deploy.seed_time import Turns
from repository.hosts import Connect
from repository.pipeline import SERVER_MAX_S, Late, Lost, Pipe
from repository.server_address import ServerAddress

__all__ = ["CALLER", "Fault", "Faults", "Stage"]

T = TypeVar("T")

CALLER: Final[ContextVar["asyncio.Task[Any] | None"]] = ContextVar("CALLER", default=None)
"""The task whose call this is, which its client may give up."""


class Fault(StrEnum):
    """What can happen to a call."""

    LOST_BEFORE = "connection lost before it was sent"
    LOST_AFTER = "done, and the connection lost before the answer"
    REFUSED = "refused by the server"
    SLOW_BEFORE = "late to arrive"
    SLOW_AFTER = "late to be answered"
    CANCELLED = "given up by the caller"
    WARNED = "committed, with a warning that no standby has confirmed it"
    GARBLED = "answered with something else"


_OF_STATEMENTS: Final = (
    Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.REFUSED, Fault.SLOW_BEFORE, Fault.SLOW_AFTER,
    Fault.CANCELLED,
)  # fmt: skip
_OF_COMMITS: Final = (*_OF_STATEMENTS, Fault.WARNED)
_OF_CONNECTING: Final = (Fault.LOST_BEFORE, Fault.REFUSED, Fault.SLOW_AFTER, Fault.CANCELLED)
_OF_CACHES: Final = (*_OF_STATEMENTS, Fault.GARBLED)

_RATES: Final = (0.0, 0.005, 0.02, 0.05, 0.12)
_COMMITS_MORE: Final = 4  # as many faults: nowhere else does so much depend on an answer
_DELAYS_S: Final = (0.004, 0.03, 0.3, 1.2, 6.0)
# cancelled by a timeout, too many connections, deadlock, not serializable, a standby, a lock not
# had in time, the disk full
_SQLSTATES: Final = ("57014", "53300", "40P01", "40001", "25006", "55P03", "53100")
_RAISE: Final = "DO $$ BEGIN RAISE EXCEPTION 'a fault' USING ERRCODE = '{}'; END $$"
_WARN: Final = "DO $$ BEGIN RAISE WARNING 'a fault'; END $$"


class Faults:
    """Which call of a place gets a fault: the same for the same seed, whatever the time.

    Each seed has its own rate of faults, and its own kinds that it favours.
    """

    def __init__(self, seed: int) -> None:
        self.happened: Counter[tuple[str, Fault]] = Counter()
        self.are_on = True
        self._seed = seed
        self._calls: Counter[str] = Counter()
        self._rate = _RATES[self._roll("rate") % len(_RATES)]
        self._favoured = {kind for kind in Fault if self._roll(f"favour/{kind}") % 2}

    def of(self, place: str, kinds: tuple[Fault, ...]) -> tuple[Fault | None, int]:
        """The fault of this call, None for none, and a number that says more about it."""
        self._calls[place] += 1
        roll = self._roll(f"{place}/{self._calls[place]}")
        rate = self._rate * (_COMMITS_MORE if place.endswith("COMMIT") else 1)
        if not self.are_on or roll % 10_000 >= rate * 10_000:
            return None, 0
        kinds = tuple(kind for kind in kinds if kind in self._favoured) or kinds
        fault = kinds[(roll >> 16) % len(kinds)]
        self.happened[place, fault] += 1
        return fault, roll >> 32

    def _roll(self, label: str) -> int:
        digest = hashlib.blake2b(f"{self._seed}/{label}".encode(), digest_size=12)
        return int.from_bytes(digest.digest())


class Stage:
    """Where calls go out: each in its turn, with its fault. `faults` are those of the seed.

    `is_gone` asks the database whether a server process has ended.
    """

    def __init__(self, turns: Turns, is_gone: Callable[[int], bool]) -> None:
        self.turns = turns
        self.faults = Faults(0)
        self.is_gone = is_gone
        self.told: Callable[[str], None] = lambda _: None
        self.connections: set[_Connection] = set()
        turns.is_settling = self._is_settling

    def connecting(self, part: str) -> Connect:
        """What a Database of this part of the service connects with."""

        async def connect(dsn: str, **options: Any) -> _Connection:
            place = f"{part} connect"
            fault, more = self.faults.of(place, _OF_CONNECTING)
            await self._turn(place, fault)
            if fault in (Fault.LOST_BEFORE, Fault.REFUSED):
                raise ConnectionRefusedError
            with self.turns.under_way():
                made: _Connection = await asyncpg.connect(
                    dsn, **options | {"connection_class": _Connection}
                )
            made.enter(self, part)
            if fault is Fault.SLOW_AFTER:
                try:
                    await asyncio.sleep(delay_s(more))
                except asyncio.CancelledError:
                    made.terminate()  # as the driver does with one that nobody waits for any more
                    raise
            return made

        return connect

    def pipe(self, address: ServerAddress) -> Pipe:
        """What a Cache talks to its server with."""
        return _Pipe(address, self)

    async def _turn(self, place: str, fault: Fault | None) -> None:
        await self.turns.turn(place)
        self.told(f"{place}: {fault}" if fault else place)
        if fault is Fault.CANCELLED and (caller := CALLER.get()) is not None:
            caller.cancel()

    async def query(
        self, connection: "_Connection", sql: str, run: Callable[[], Awaitable[T]]
    ) -> T:
        """Run a statement on a connection, with its fault."""
        place = f"{connection.part} {_name_of(sql)}"
        fault, more = self.faults.of(place, _OF_COMMITS if sql == "COMMIT" else _OF_STATEMENTS)
        if fault is Fault.SLOW_BEFORE:
            await asyncio.sleep(delay_s(more))
        await self._turn(place, fault)
        with self.turns.under_way(connection.get_server_pid()):
            if fault is Fault.LOST_BEFORE:
                await connection.lose()
            if fault is Fault.REFUSED:
                await connection.be_refused(sql, _SQLSTATES[more % len(_SQLSTATES)])
            answer = await run()
            if fault is Fault.WARNED:
                await connection.warn()
            if fault is Fault.LOST_AFTER:
                await connection.lose()
        if fault is Fault.SLOW_AFTER:
            await asyncio.sleep(delay_s(more))
        return answer

    async def command(self, name: str, run: Callable[[], "asyncio.Future[Any]"]) -> Any:
        """Send a command to the cache, with its fault; its reply or why there is none."""
        place = f"cache {name}"
        fault, more = self.faults.of(place, _OF_CACHES)
        if fault is Fault.SLOW_BEFORE:
            await asyncio.sleep(delay_s(more))
        await self._turn(place, fault)
        if fault is Fault.LOST_BEFORE:
            return Lost()
        if fault is Fault.REFUSED:
            return ReplyError("OOM command not allowed when used memory > 'maxmemory'.")
        with self.turns.under_way():
            reply = await run()
        if fault is Fault.SLOW_AFTER:
            await asyncio.sleep(delay_s(more))
        if fault is Fault.LOST_AFTER:
            return Lost()
        return _garbled(reply, more) if fault is Fault.GARBLED else reply

    def _is_settling(self) -> bool:
        """Whether the driver is cancelling a statement by itself."""
        self.connections = {one for one in self.connections if not one.is_closed()}
        return any(one.is_cancelling for one in self.connections)


class _Connection(asyncpg.Connection):
    """A connection whose statements go over the stage."""

    __slots__ = ("part", "stage")

    def enter(self, stage: Stage, part: str) -> None:
        """Be of a part of the service from now on."""
        self.stage, self.part = stage, part
        stage.connections.add(self)

    @property
    def is_cancelling(self) -> bool:
        """Whether the driver waits for a statement's cancellation."""
        return bool(self._cancellations)  # type: ignore[attr-defined]  # nothing public tells

    # The driver's own signatures, as far as anybody makes use of them.
    async def execute(
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - the driver's
    ) -> str:
        done: str = await self._staged("execute", query, args, timeout)
        return done

    async def fetch(self, query: str, *args: Any, **how: Any) -> Any:
        return await self._staged("fetch", query, args, how.get("timeout"))

    async def fetchval(self, query: str, *args: Any, **how: Any) -> Any:
        return await self._staged("fetchval", query, args, how.get("timeout"))

    async def fetchrow(self, query: str, *args: Any, **how: Any) -> Any:
        return await self._staged("fetchrow", query, args, how.get("timeout"))

    async def prepare(self, query: str, **_: Any) -> Any:
        with self.stage.turns.under_way(self.get_server_pid()):
            return await super().prepare(query)

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        with self.stage.turns.under_way():
            await super().close(timeout=timeout)

    async def _staged(
        self, method: str, query: str, args: tuple[Any, ...], limit_s: float | None
    ) -> Any:
        async with asyncio.timeout(limit_s):
            return await self.stage.query(self, query, lambda: self.plain(method, query, *args))

    async def plain(self, method: str, query: str, *args: Any) -> Any:
        """What the driver does, without the stage."""
        return await getattr(super(), method)(query, *args)

    async def lose(self) -> None:
        """Lose the connection, and wait until the server has noticed. Raises what that is."""
        process = self.get_server_pid()
        self._transport.abort()  # type: ignore[attr-defined]  # terminate() does more than a cable
        while not self.is_closed():  # noqa: ASYNC110 - the loop tells the driver in its next rounds
            await asyncio.sleep(0)
        while not self.stage.is_gone(process):
            pass
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of it")

    async def be_refused(self, sql: str, sqlstate: str) -> None:
        """Have the server refuse. Raises its error; after a COMMIT nothing is open any more."""
        try:
            await self.plain("execute", _RAISE.format(sqlstate))
        finally:
            if sql == "COMMIT":
                await self.plain("execute", "ROLLBACK")

    async def warn(self) -> None:
        """Have the server say that a committed transaction may be nowhere else."""
        await self.plain("execute", _WARN)


class _Pipe(Pipe):
    """A pipe whose commands go over the stage."""

    def __init__(self, address: ServerAddress, stage: Stage) -> None:
        super().__init__(address)
        self._stage = stage
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, command: bytes, wait_s: float) -> "asyncio.Future[Any]":
        """A command's future, as every pipe gives it: it never raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        alarm = loop.call_later(wait_s, _answer, future, Late())
        task = loop.create_task(self._sent(command, future))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        future.add_done_callback(lambda _: alarm.cancel())
        return future

    async def _sent(self, command: bytes, future: "asyncio.Future[Any]") -> None:
        name = command.split(b"\r\n", 3)[2].decode()

        def run() -> "asyncio.Future[Any]":
            return super(_Pipe, self).send(command, SERVER_MAX_S)

        _answer(future, await self._stage.command(name, run))


def delay_s(more: int) -> float:
    """How long what is slow takes."""
    return _DELAYS_S[more % len(_DELAYS_S)]


def _answer(future: "asyncio.Future[Any]", reply: Any) -> None:
    if not future.done():
        future.set_result(reply)


def _garbled(reply: Any, more: int) -> Any:
    """Another reply than the server's: of another length, another's values, or altered ones."""
    if not isinstance(reply, list) or more % 4 == 0:
        return b"garbage"
    if more % 4 == 1:
        return reply[1:]
    if more % 4 == 2:
        return reply[::-1]
    at = more >> 8
    return [
        value and value[: (spot := at % len(value))] + bytes([value[spot] ^ 1]) + value[spot + 1 :]
        for value in reply
    ]


def _names() -> dict[str, str]:
    """SQL -> the name it has in its store."""
    names = {"COMMIT": "COMMIT", "ROLLBACK": "ROLLBACK"}
    for module in pkgutil.iter_modules(repository.__path__):
        if module.ispkg:
            continue
        for name, value in vars(import_module(f"repository.{module.name}")).items():
            if name.isupper() and isinstance(value, str):
                names.setdefault(value, f"{module.name}.{name}")
    return names


_NAMES: Final = _names()


def _name_of(sql: str) -> str:
    return _NAMES.get(sql) or sql.split(maxsplit=1)[0]
