"""Open-loop load during a fault: writes that are kept in a ledger, reads that are held to it.

Arrivals keep their rate whatever the answers do, and times count from when a call was due. It sees
the service as any caller does: through the published client and its standard retries.
"""

import argparse
import asyncio
import json
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc

from loadtests.fault_session import Session
from loadtests.ledger import Ledger, entries
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import card_pb2
from opencif.v1.lookup_pb2 import LOOKUP_OUTCOME_FOUND, CardKey, LookupCardsRequest
from opencif.v1.record_pb2 import Consistency

__all__ = ["Load", "audit", "main"]

_BATCH: Final = 4
_TIMEOUT_S: Final = 5.0
_IN_FLIGHT_MAX: Final = 2_000
_SEED: Final = 7420
_SETTLE_S: Final = 60.0
# After these nobody knows whether the change was made: only repeating the call tells.
_OPEN: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)


@dataclass(slots=True)
class Second:
    """What became of the calls that were due in one second."""

    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    read_ms: list[float] = field(default_factory=list)
    write_ms: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "reads": dict(self.reads),
            "writes": dict(self.writes),
            "read_ms_max": round(max(self.read_ms, default=0.0), 1),
            "write_ms_max": round(max(self.write_ms, default=0.0), 1),
        }


class Load:
    """The load on one service; `run` until `stop`, then `results`."""

    def __init__(self, client: Client, ledger: Ledger) -> None:
        self._client = client
        self._ledger = ledger
        self._sessions: list[Session] = []
        self._idle: list[Session] = []
        self._blocked: set[str] = set()
        self._dice = random.Random(_SEED)
        self._seconds: dict[int, Second] = {}
        self._violations: list[str] = []
        self._running: set[asyncio.Task[None]] = set()
        self._ends = asyncio.Event()
        self._began = time.monotonic()
        self._skipped = 0

    async def take(self, cards: Iterable[str]) -> None:
        """Use those of these cards that are active or blocked: others cannot be blocked."""
        found = await self._client.lookup_cards(CardKey(name=name) for name in cards)
        for card in (result.card for result in found.results):
            if card.state in (card_pb2.CARD_STATE_ACTIVE, card_pb2.CARD_STATE_BLOCKED):
                self._sessions.append(Session(card.name))
            if card.state == card_pb2.CARD_STATE_BLOCKED:
                self._blocked.add(card.name)
        self._idle = list(self._sessions)

    def stop(self) -> None:
        """Let no more calls begin."""
        self._ends.set()

    async def run(self, reads_s: float, writes_s: float) -> None:
        """So many calls a second of each, until stopped and all are answered."""
        self._began = time.monotonic()
        await asyncio.gather(
            self._arrivals(reads_s, self._read), self._arrivals(writes_s, self._write)
        )
        if self._running:
            await asyncio.wait(self._running, timeout=_SETTLE_S)

    def results(self) -> dict[str, Any]:
        """What became of the calls, second by second."""
        seconds = {str(second): told.told() for second, told in sorted(self._seconds.items())}
        return {
            "began": self._began,
            "seconds": seconds,
            "violations": self._violations,
            "skipped": self._skipped,
            "unanswered": len(self._running),
        }

    async def _arrivals(self, rate_s: float, call: Callable[[float], Awaitable[None]]) -> None:
        due = time.monotonic()
        while not self._ends.is_set():
            due += self._dice.expovariate(rate_s)
            if (left_s := due - time.monotonic()) > 0:
                await asyncio.sleep(left_s)
            if len(self._running) >= _IN_FLIGHT_MAX:
                self._skipped += 1
                continue
            task = asyncio.ensure_future(call(due))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _read(self, due: float) -> None:
        """Look some cards up, every other time held to the last change of the first of them."""
        sessions = self._dice.sample(self._sessions, _BATCH)
        token = sessions[0].token if self._dice.random() < 0.5 else ""
        required = [
            session.required(due, with_token=bool(token) and session is sessions[0], stale_for_s=0)
            for session in sessions
        ]
        second = self._second(due)
        try:
            answer = await self._client.lookup.LookupCards(
                LookupCardsRequest(
                    keys=[CardKey(name=session.name) for session in sessions],
                    consistency=Consistency(at_least_as_fresh=token) if token else None,
                )
            )
        except OpencifError as error:
            second.reads[error.code.name] += 1
            return
        second.reads["OK"] += 1
        second.read_ms.append((time.monotonic() - due) * 1e3)
        stale_for_s = 0.0
        if answer.HasField("stale_since"):
            second.reads["stale"] += 1
            stale_for_s = max(0.0, time.time() - answer.stale_since.ToNanoseconds() / 1e9)
        for session, least, result in zip(sessions, required, answer.results, strict=True):
            held = bool(token) and session is sessions[0]
            if stale_for_s and not held:
                due_for = session.required(due, with_token=False, stale_for_s=stale_for_s)
            else:
                due_for = least
            shown = result.card.version if result.outcome == LOOKUP_OUTCOME_FOUND else 0
            if shown < due_for:
                self._violations.append(
                    f"{due - self._began:.1f} s: {session.name} shown at version {shown}, "
                    f"{due_for} was acknowledged ({'token' if held else 'a second before'})"
                )

    async def _write(self, due: float) -> None:
        """Block a card or unblock it; repeat what was left open until it is known."""
        if not self._idle:
            self._skipped += 1
            return
        session = self._idle.pop(self._dice.randrange(len(self._idle)))
        request_id = str(uuid.uuid4())
        change = self._change(session, request_id)
        second = self._second(due)
        first = True
        while True:
            try:
                answer: Any = await change()
            except OpencifError as error:
                if first:
                    second.writes[error.code.name] += 1
                if error.code not in _OPEN:
                    self._violations.append(f"{session.name} was refused: {error.code.name}")
                    return
                first = False
                await asyncio.sleep(0.2)
                continue
            now = time.monotonic()
            second.writes["OK" if first else "OK later"] += 1
            second.write_ms.append((now - due) * 1e3)
            await self._acknowledged(session, answer, request_id, now)
            return

    def _change(self, session: Session, request_id: str) -> Callable[[], Awaitable[Any]]:
        """The call that changes the card, the same whenever it is repeated."""
        if session.name in self._blocked:
            unblock = card_pb2.UnblockCardRequest(name=session.name, request_id=request_id)
            return lambda: self._client.cards.UnblockCard(unblock)
        block = card_pb2.BlockCardRequest(name=session.name, request_id=request_id)
        return lambda: self._client.cards.BlockCard(block)

    async def _acknowledged(
        self, session: Session, answer: Any, request_id: str, at: float
    ) -> None:
        card = answer.card
        wrong = session.acknowledge(card.version, answer.consistency_token, at)
        if wrong:
            self._violations.append(f"{session.name}: {wrong}")
        self._blocked ^= {session.name}
        await self._ledger.append(
            {"name": session.name, "request_id": request_id, "version": card.version, "at": at}
        )
        self._idle.append(session)

    def _second(self, due: float) -> Second:
        return self._seconds.setdefault(int(due - self._began), Second())


async def audit(client: Client, acknowledged: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Hold the service's own history to the ledger: acknowledged, lost and double changes."""
    by_card: dict[str, Counter[str]] = {}
    for line in acknowledged:
        by_card.setdefault(line["name"], Counter())[line["request_id"]] += 1
    lost = double = 0
    for name, wanted in by_card.items():
        found: Counter[str] = Counter()
        request = card_pb2.ListCardRevisionsRequest(name=name, page_size=1_000)
        async for page in client.pages(client.cards.ListCardRevisions, request):
            found.update(revision.revision.request_id for revision in page.revisions)
        lost += sum(request_id not in found for request_id in wanted)
        double += sum(found[request_id] > 1 for request_id in wanted)
    return {"acknowledged": len(acknowledged), "lost": lost, "double": double}


async def _run(given: argparse.Namespace) -> dict[str, Any]:
    async with (
        Client(given.address, timeout_s=_TIMEOUT_S) as client,
        Ledger(given.ledger) as ledger,
    ):
        load = Load(client, ledger)
        await load.take(given.cards.read_text().split())
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop, load.stop)
        await load.run(given.reads, given.writes)
        return load.results()


async def _audit(given: argparse.Namespace) -> dict[str, Any]:
    async with Client(given.address, timeout_s=_TIMEOUT_S) as client:
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
    given = parser.parse_args()
    print(json.dumps(asyncio.run((_run if given.what == "run" else _audit)(given))))


if __name__ == "__main__":
    main()
