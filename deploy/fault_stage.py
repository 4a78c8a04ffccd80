"""What a fault is: how it is made and taken away, how long it lasts, what is promised meanwhile.

It knows no fault; those are in fault_postgres.py, fault_valkey.py, fault_service.py and
fault_stored.py.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import asyncpg

from deploy.cluster import Cluster
from deploy.fault_links import Links
from deploy.fault_loop import LoopThread
from deploy.patroni_node import PatroniNode

__all__ = ["ByTest", "Deed", "NotHere", "Scenario", "Stage", "fault"]

T = TypeVar("T")
DATABASE: Final = "opencif"
_CONNECT_MAX_S: Final = 5


class NotHere(Exception):
    """The fault cannot be made on this machine; says what it lacks."""


@dataclass(slots=True)
class Stage:
    """What a scenario acts on, and what it has to say: figures and broken promises."""

    cluster: Cluster
    links: Links
    loop: LoopThread
    address: str
    """Where callers find the service."""
    is_full: bool
    figures: dict[str, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    quiet: tuple[float, float] | None = None
    """From when to when (monotonic seconds) no write can have been kept by two nodes."""
    curve: list[int] = field(default_factory=list)
    """Good answers second by second, of an overload."""

    def wait(self, short_s: float, full_s: float) -> None:
        """Let time go by."""
        time.sleep(full_s if self.is_full else short_s)

    @contextmanager
    def hold_sql(self, node: PatroniNode, *statements: str) -> Iterator[Callable[[str], Any]]:
        """Run statements, and what else is asked for, in a transaction on this node.

        It goes past all proxies, and is rolled back when the context is left.
        """
        connection = self.loop.run(self._connected(node))

        def run(statement: str) -> Any:
            return self.loop.run(connection.execute(statement))

        try:
            for statement in ("BEGIN", *statements):
                run(statement)
            yield run
        finally:
            self.loop.run(_terminated(connection))

    def sql(self, node: PatroniNode, statement: str, *arguments: object) -> list[Any]:
        """The rows of a statement on this node, past all proxies."""

        async def rows() -> list[Any]:
            connection = await self._connected(node)
            try:
                return list(await connection.fetch(statement, *arguments))
            finally:
                connection.terminate()

        return self.loop.run(rows())

    def metrics(self) -> list[tuple[str, float]]:
        """What all servers tell of themselves: name with labels, value."""
        found = []
        for server in self.cluster.servers.values():
            with urllib.request.urlopen(server.metrics, timeout=5) as answer:  # noqa: S310  ours
                lines = answer.read().decode().splitlines()
            parts = (line.rpartition(" ") for line in lines if not line.startswith("#"))
            found += [(name, float(value)) for name, _, value in parts]
        return found

    def called(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What calls of the service come to, in a loop of their own."""
        return asyncio.run(coroutine)

    @contextmanager
    def beside(self, module: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
        """A program of ours that runs meanwhile; ended, if it has not ended by itself."""
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.cluster.mark, "GRPC_VERBOSITY": "NONE"},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def told(self, process: "subprocess.Popen[str]", timeout_s: float) -> dict[str, Any]:
        """The line of JSON that such a program ends with."""
        answer: dict[str, Any] = json.loads(process.communicate(timeout=timeout_s)[0])
        return answer

    async def _connected(self, node: PatroniNode) -> "asyncpg.Connection[asyncpg.Record]":
        dsn = self.cluster.node_dsn(node, DATABASE)
        return await asyncpg.connect(dsn, timeout=_CONNECT_MAX_S)


async def _terminated(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    connection.terminate()


Deed = Callable[[Stage], Iterator[None]]
"""Makes the fault, yields while it lasts, takes it away."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault. `hold_s` is how long it lasts in the full form, `short_s` in the short one.

    `reads_hidden` and `writes_hidden`: none may fail that the published client's retries do not
    hide; what the audit must see goes with the writes. `write_gap_max_s`: the longest time without
    an acknowledged write; None where the fault stops them for as long as it lasts. `yearly`: how
    many such faults the availability sum assumes.
    """

    number: str
    name: str
    deed: Deed
    hold_s: float = 20.0
    short_s: float = 5.0
    is_starred: bool = False
    is_short: bool = False
    reads_hidden: bool = True
    writes_hidden: bool = False
    write_gap_max_s: float | None = 10.0
    yearly: float = 1.0

    def on(self, stage: Stage) -> AbstractContextManager[None]:
        """The fault, from when it is entered until it is left."""
        return contextmanager(self.deed)(stage)


@dataclass(frozen=True, slots=True)
class ByTest:
    """A fault of the table that a test of its own makes, in every run of `make test`."""

    number: str
    name: str
    place: str


def fault(number: str, name: str, **promise: Any) -> Callable[[Deed], Scenario]:
    """Make a scenario of the function: see Scenario for the words of the promise."""
    return lambda deed: Scenario(number, name, deed, **promise)
