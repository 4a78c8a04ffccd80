"""Open-loop load during a fault: writes that are kept in a ledger, reads that are held to it.

Arrivals keep their rate whatever the answers do, and times count from when a call was due. What the
calls are is said in fault_calls.py.
"""

import argparse
import asyncio
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from loadtests.fault_calls import FaultCalls
from loadtests.fault_record import Record
from loadtests.ledger import Ledger, entries
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import card_pb2

__all__ = ["Load", "audit", "main", "verdict"]

_TIMEOUT_S: Final = 5.0
_IN_FLIGHT_MAX: Final = 2_000
_SEED: Final = 7420
_SETTLE_S: Final = 60.0
_SAMPLES_S: Final = 1.0
_AUDITED_AT_ONCE: Final = 2
_AUDIT_MAX_S: Final = 120.0
_AUDIT_PAUSE_S: Final = 1.0


class Load:
    """The arrivals of all calls; `run` until `stop`."""

    def __init__(self, calls: FaultCalls, record: Record) -> None:
        self._calls = calls
        self._record = record
        self._dice = random.Random(_SEED)
        self._running: dict[asyncio.Task[None], float] = {}
        self._ends = asyncio.Event()

    def stop(self) -> None:
        """Let no more calls begin."""
        self._ends.set()

    async def run(self, reads_s: float, writes_s: float, private_s: float) -> list[float]:
        """So many calls a second of each, until stopped; when those were due that never end."""
        await asyncio.gather(
            self._arrivals("reads", reads_s, self._calls.read),
            self._arrivals("writes", writes_s, self._calls.write),
            self._arrivals("private", private_s, self._calls.private),
            self._arrivals("", _SAMPLES_S, self._calls.sample),
        )
        if self._running:
            await asyncio.wait(self._running, timeout=_SETTLE_S)
        return sorted(self._running.values())

    async def _arrivals(
        self, class_: str, rate_s: float, call: Callable[[float], Awaitable[None]]
    ) -> None:
        due = time.monotonic()
        while not self._ends.is_set() and rate_s:
            due += self._dice.expovariate(rate_s)
            if (left_s := due - time.monotonic()) > 0:
                await asyncio.sleep(left_s)
            if len(self._running) >= _IN_FLIGHT_MAX:
                if class_:
                    self._record.count(class_, due, "SKIPPED")
                continue
            task = asyncio.ensure_future(call(due))
            self._running[task] = due
            task.add_done_callback(self._running.pop)


async def audit(client: Client, ledger: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Hold the service's own history to the ledger."""
    found: dict[str, Counter[str]] = {line["name"]: Counter() for line in ledger}
    turn = asyncio.Semaphore(_AUDITED_AT_ONCE)
    ends = time.monotonic() + _AUDIT_MAX_S

    async def look(name: str) -> None:
        async with turn:
            found[name] = await _request_ids(client, name, ends)

    await asyncio.gather(*map(look, found))
    return verdict(ledger, found)


async def _request_ids(client: Client, name: str, ends: float) -> Counter[str]:
    """The request ids of a card's revisions; again, if it is turned away, until `ends`.

    What a fault has left to do may keep the service busy.
    """
    request = card_pb2.ListCardRevisionsRequest(name=name, page_size=1_000)
    while True:
        found: Counter[str] = Counter()
        try:
            async for page in client.pages(client.cards.ListCardRevisions, request):
                found.update(revision.revision.request_id for revision in page.revisions)
        except OpencifError:
            if time.monotonic() > ends:
                raise
            await asyncio.sleep(_AUDIT_PAUSE_S)
        else:
            return found


def verdict(
    ledger: Sequence[dict[str, Any]], found: dict[str, Counter[str]]
) -> dict[str, list[float]]:
    """When changes were answered (monotonic seconds) that are not as their answer said.

    `lost`: acknowledged and absent; `double`: acknowledged once and made twice; `phantom`: refused
    and made.
    """
    told: dict[str, list[float]] = {"lost": [], "double": [], "phantom": []}
    for line in ledger:
        made = found[line["name"]][line["request_id"]]
        if line.get("refused"):
            what = "phantom" if made else ""
        else:
            what = "lost" if not made else "double" if made > 1 else ""
        if what:
            told[what].append(line["at"])
    return told


async def _run(given: argparse.Namespace) -> dict[str, Any]:
    async with (
        # Whoever wants to see a change says so: all other reads may be served from anywhere.
        Client(given.address, timeout_s=_TIMEOUT_S, carry_consistency=False) as client,
        Ledger(given.ledger) as ledger,
    ):
        record = Record()
        calls = FaultCalls(client, ledger, record)
        await calls.take(given.cards.read_text().split())
        load = Load(calls, record)
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop, load.stop)
        unanswered = await load.run(given.reads, given.writes, given.private)
        return {**record.told(), "unanswered": unanswered}


async def _audit(given: argparse.Namespace) -> dict[str, Any]:
    async with Client(given.address, timeout_s=_AUDIT_MAX_S) as client:
        return await audit(client, entries(given.ledger))


def main() -> None:
    """Run until SIGTERM, or audit a ledger; print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.fault_load", description=__doc__)
    parser.add_argument("what", choices=["run", "audit"])
    parser.add_argument("--address", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--cards", type=Path, help="a file with the names of the cards to use")
    parser.add_argument("--reads", type=float, default=100.0, help="a second")
    parser.add_argument("--writes", type=float, default=20.0, help="a second")
    parser.add_argument("--private", type=float, default=5.0, help="a second")
    given = parser.parse_args()
    print(json.dumps(asyncio.run((_run if given.what == "run" else _audit)(given))))


if __name__ == "__main__":
    main()
