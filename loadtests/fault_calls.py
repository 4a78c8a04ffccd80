"""The calls of a load during faults, each held to what it promises.

They see the service as any caller does: through the published client and its standard retries.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import grpc

from loadtests.fault_record import Record
from loadtests.fault_session import FRESH_AFTER_S, Session
from loadtests.ledger import Ledger
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import card_pb2
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    CardKey,
    LookupCardsRequest,
    LookupCardsResponse,
)
from opencif.v1.record_pb2 import Consistency
from opencif.v1.tokenization_pb2 import (
    TOKEN_TYPE_PAN,
    DetokenizeRequest,
    Plain,
    Token,
    TokenizeRequest,
)

__all__ = ["FaultCalls"]

_BATCH: Final = 4
_SAMPLED: Final = 16
_SEED: Final = 7420
_REPEAT_S: Final = 0.2
_REFUSED_EVERY: Final = 20
_CHANGEABLE: Final = (card_pb2.CARD_STATE_ACTIVE, card_pb2.CARD_STATE_BLOCKED)
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
_NEVER: Final = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})
# Test numbers that networks have published, under which nobody has a card.
_PANS: Final = ("4111111111111111", "5555555555554444", "4012888888881881", "5105105105105100")

Found = Callable[[Session], int]
"""The least version that an answer may show of a card."""


class FaultCalls:
    """One call of each kind, due at a given time (monotonic seconds), judged into `record`."""

    def __init__(self, client: Client, ledger: Ledger, record: Record) -> None:
        self._client = client
        self._ledger = ledger
        self._record = record
        self._dice = random.Random(_SEED)
        self._sessions: list[Session] = []
        self._idle: list[Session] = []
        self._blocked: set[str] = set()
        self._numbers: dict[str, str] = {}

    async def take(self, cards: Iterable[str]) -> None:
        """Use those of these cards that are active or blocked: others cannot be blocked."""
        found = await self._client.lookup_cards(CardKey(name=name) for name in cards)
        for card in (result.card for result in found.results):
            if card.state in _CHANGEABLE:
                self._sessions.append(Session(card.name))
            if card.state == card_pb2.CARD_STATE_BLOCKED:
                self._blocked.add(card.name)
        self._idle = list(self._sessions)
        items = [Plain(type=TOKEN_TYPE_PAN, value=number) for number in _PANS]
        told = await self._client.tokens.Tokenize(TokenizeRequest(items=items))
        self._numbers = {
            result.token.value: number for number, result in zip(_PANS, told.results, strict=True)
        }

    async def read(self, due: float) -> None:
        """Look some cards up, every other time held to the last change of the first of them."""
        sessions = self._dice.sample(self._sessions, _BATCH)
        token = sessions[0].token if self._dice.random() < 0.5 else ""
        least = {
            session.name: session.required(
                due, with_token=bool(token) and session is sessions[0], stale_for_s=0
            )
            for session in sessions
        }
        consistency = Consistency(at_least_as_fresh=token) if token else None
        answer = await self._looked_up(sessions, consistency, due)
        if answer is None:
            return
        stale_for_s = _stale_for_s(answer)
        self._record.answered("reads", due)
        if stale_for_s:
            self._record.count("reads", due, "stale")

        def required(session: Session) -> int:
            held = bool(token) and session is sessions[0]
            if stale_for_s and not held:
                return session.required(due, with_token=False, stale_for_s=stale_for_s)
            return least[session.name]

        self._judge(sessions, answer, due, required)

    async def sample(self, due: float) -> None:
        """Hold random cards, a second later and from any cache, to what the primary said."""
        sessions = self._dice.sample(self._sessions, min(_SAMPLED, len(self._sessions)))
        exact = await self._looked_up(sessions, Consistency(fully_consistent=True), due, "sample")
        if exact is None:
            return
        at = time.monotonic()
        await asyncio.sleep(FRESH_AFTER_S)
        answer = await self._looked_up(sessions, None, time.monotonic(), "sample")
        if answer is None or _stale_for_s(answer) > time.monotonic() - at:
            return
        versions = {result.card.name: result.card.version for result in exact.results}
        self._judge(sessions, answer, due, lambda session: versions.get(session.name, 0))

    async def write(self, due: float) -> None:
        """Block a card or unblock it; repeat what was left open until it is known."""
        if not self._idle:
            self._record.count("writes", due, "SKIPPED")
            return
        session = self._idle.pop(self._dice.randrange(len(self._idle)))
        if self._dice.randrange(_REFUSED_EVERY) == 0:
            await self._refused(session, due)
        request_id = str(uuid.uuid4())
        change = self._change(session, request_id, unblocks=session.name in self._blocked)
        first = True
        while True:
            try:
                answer: Any = await change()
            except OpencifError as error:
                if first:
                    self._failed("writes", due, error)
                if error.code not in _OPEN:
                    self._record.violated(due, f"{session.name} was refused: {error.code.name}")
                    return
                first = False
                await asyncio.sleep(_REPEAT_S)
                continue
            self._record.answered("writes", due, "OK" if first else "OK later")
            await self._acknowledged(session, answer, request_id)
            return

    async def private(self, due: float) -> None:
        """Detokenize: what the audit must have seen before anybody is answered."""
        token, number = self._dice.choice(list(self._numbers.items()))
        request = DetokenizeRequest(
            tokens=[Token(type=TOKEN_TYPE_PAN, value=token)], purpose="FAULTS"
        )
        try:
            answer = await self._client.tokens.Detokenize(request)
        except OpencifError as error:
            self._failed("private", due, error)
            return
        self._record.answered("private", due)
        if [result.value for result in answer.results] != [number]:
            self._record.violated(due, "a token was given another number")

    async def _looked_up(
        self,
        sessions: Sequence[Session],
        consistency: Consistency | None,
        due: float,
        class_: str = "reads",
    ) -> LookupCardsResponse | None:
        """The answer; None when there was none, which is counted unless a sample asked."""
        request = LookupCardsRequest(
            keys=[CardKey(name=session.name) for session in sessions],
            consistency=consistency,
        )
        try:
            return await self._client.lookup.LookupCards(request)
        except OpencifError as error:
            if class_ == "reads":
                self._failed("reads", due, error)
            return None

    def _judge(
        self, sessions: Sequence[Session], answer: LookupCardsResponse, due: float, least: Found
    ) -> None:
        for session, result in zip(sessions, answer.results, strict=True):
            if result.outcome != LOOKUP_OUTCOME_FOUND:
                self._record.violated(due, f"{session.name} was not found")
                continue
            card = result.card
            if card.version < (required := least(session)):
                self._record.violated(
                    due, f"{session.name} shown at version {card.version}, {required} is due"
                )
            if wrong := session.misread(card.name, card.version, card.state):
                self._record.violated(due, f"{session.name}: {wrong}")

    async def _refused(self, session: Session, due: float) -> None:
        """Ask for what the card's state forbids: it must not be done, then or later."""
        request_id = str(uuid.uuid4())
        try:
            await self._change(session, request_id, unblocks=session.name not in self._blocked)()
        except OpencifError as error:
            if error.code is grpc.StatusCode.FAILED_PRECONDITION:
                self._record.count("writes", due, "refused")
                line = {"name": session.name, "request_id": request_id, "refused": True}
                await self._ledger.append({**line, "at": time.monotonic()})
        else:
            self._record.violated(due, f"{session.name} changed as its state forbids")

    def _change(
        self, session: Session, request_id: str, *, unblocks: bool
    ) -> Callable[[], Awaitable[Any]]:
        """The call that changes the card, the same whenever it is repeated."""
        if unblocks:
            unblock = card_pb2.UnblockCardRequest(name=session.name, request_id=request_id)
            return lambda: self._client.cards.UnblockCard(unblock)
        block = card_pb2.BlockCardRequest(name=session.name, request_id=request_id)
        return lambda: self._client.cards.BlockCard(block)

    async def _acknowledged(self, session: Session, answer: Any, request_id: str) -> None:
        card, at = answer.card, time.monotonic()
        wrong = session.acknowledge(card.version, answer.consistency_token, at)
        wrong = wrong or session.misread(card.name, card.version, card.state)
        if wrong:
            self._record.violated(at, f"{session.name}: {wrong}")
        self._blocked ^= {session.name}
        await self._ledger.append(
            {"name": session.name, "request_id": request_id, "version": card.version, "at": at}
        )
        self._idle.append(session)

    def _failed(self, class_: str, due: float, error: OpencifError) -> None:
        self._record.count(class_, due, f"{error.code.name} {error.reason}".rstrip())
        if error.code in _NEVER:
            self._record.violated(due, f"{class_} answered {error.code.name} {error.reason}")


def _stale_for_s(answer: LookupCardsResponse) -> float:
    """For how long the answer says that it may be behind; 0 when it is proven current."""
    if not answer.HasField("stale_since"):
        return 0.0
    return max(0.0, time.time() - answer.stale_since.ToNanoseconds() / 1e9)
