"""Faults of what is stored: bytes that have changed, an audit that cannot be written."""

import base64
from collections.abc import Iterator
from typing import Any, Final

import grpc

from deploy.fault_stage import Scenario, Stage, fault
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import card_pb2
from opencif.v1.record_pb2 import Consistency
from opencif.v1.tokenization_pb2 import (
    TOKEN_TYPE_PAN,
    DetokenizeRequest,
    Plain,
    Token,
    TokenizeRequest,
)

__all__ = ["STORED_FAULTS"]

_CARDS: Final = 5
_POSITIONS: Final = (0, 1, 2)  # the first byte, the middle one, the last
_UNCHANGED: Final = """
    SELECT id, operational FROM record
    WHERE kind = 3 AND state <> 99 AND state <> ALL($1::smallint[]) ORDER BY id LIMIT $2"""
_PUT: Final = "UPDATE record SET operational = $2 WHERE kind = 3 AND id = $1"
_AUDITED: Final = "SELECT coalesce(sum(items), 0) AS count FROM audit WHERE purpose = $1"
_PAN: Final = "4111111111111111"
_CALLS: Final = 3
_SOON_S: Final = 1.0
_CHANGED_BY_LOAD: Final = [card_pb2.CARD_STATE_ACTIVE, card_pb2.CARD_STATE_BLOCKED]
_REFUSED: Final = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
)  # fmt: skip


@fault(
    "23", "a byte of a stored record flipped",
    hold_s=1, short_s=0.5, is_short=True, write_gap_max_s=2.0, writes_hidden=True, yearly=1,
)  # fmt: skip
def _flip(stage: Stage) -> Iterator[None]:
    primary = stage.cluster.primary_now()
    rows = stage.sql(primary, _UNCHANGED, _CHANGED_BY_LOAD, _CARDS)
    tried = found = 0
    for row in rows:
        name = "cards/" + base64.b32encode(row["id"]).decode().rstrip("=").lower()
        right = stage.called(_card(stage.address, name))
        for position in _POSITIONS:
            stage.sql(primary, _PUT, row["id"], _flipped(row["operational"], position))
            answer = stage.called(_card(stage.address, name))
            tried += 1
            found += answer is grpc.StatusCode.DATA_LOSS
            if answer != right and answer is not grpc.StatusCode.DATA_LOSS:
                stage.broken.append(f"{name} was answered from changed bytes: {type(answer)}")
        stage.sql(primary, _PUT, row["id"], row["operational"])
        if stage.called(_card(stage.address, name)) != right:
            stage.broken.append(f"{name} is not well again")
    stage.figures.update(flipped=tried, detected=found)
    if not rows or found < tried:
        stage.broken.append(f"{found} of {tried} changed records were noticed")
    yield


@fault(
    "24", "the audit cannot be written",
    hold_s=10, short_s=2, is_short=True, write_gap_max_s=3.0, yearly=1,
)  # fmt: skip
def _lock_audit(stage: Stage) -> Iterator[None]:
    primary = stage.cluster.primary_now()
    with stage.hold_sql(primary, "LOCK TABLE audit IN ACCESS EXCLUSIVE MODE"):
        answers = stage.called(_detokenized(stage.address, "LOCKED", _CALLS))
        stage.figures["refused"] = sum(answer in _REFUSED for answer in answers)
        stage.broken += [
            f"detokenize answered {answer} without an audit"
            for answer in answers
            if answer not in _REFUSED
        ]
        yield
    if any(stage.called(_detokenized(stage.address, "AFTER", 1, timeout_s=5))):
        stage.broken.append("detokenize does not answer again")
    audited = stage.sql(primary, _AUDITED, "AFTER")[0]["count"]
    if not audited:
        stage.broken.append("a detokenization is in no audit")


def _flipped(data: bytes, position: int) -> bytes:
    changed = bytearray(data)
    changed[(0, len(changed) // 2, -1)[position]] ^= 1
    return bytes(changed)


async def _card(address: str, name: str) -> Any:
    """The card as the primary has it now, or the code of the refusal."""
    request = card_pb2.GetCardRequest(name=name, consistency=Consistency(fully_consistent=True))
    async with Client(address) as client:
        try:
            return (await client.cards.GetCard(request)).card
        except OpencifError as error:
            return error.code


async def _detokenized(
    address: str, purpose: str, calls: int, timeout_s: float = _SOON_S
) -> list[grpc.StatusCode | None]:
    """The codes of so many calls; None for one that was answered with the number."""
    codes: list[grpc.StatusCode | None] = []
    async with Client(address) as client:
        items = [Plain(type=TOKEN_TYPE_PAN, value=_PAN)]
        made = await client.tokens.Tokenize(TokenizeRequest(items=items))
        tokens = [Token(type=TOKEN_TYPE_PAN, value=made.results[0].token.value)]
        request = DetokenizeRequest(tokens=tokens, purpose=purpose)
        for _ in range(calls):
            try:
                await client.tokens.Detokenize(request, timeout=timeout_s)
                codes.append(None)
            except OpencifError as error:
                codes.append(error.code)
    return codes


STORED_FAULTS: Final[tuple[Scenario, ...]] = (_flip, _lock_audit)
