"""What may happen to a card's network tokens: their states, their limit, their move to a new card.

Pure: edits the message it is given and raises before it is stored. The tokens' numbers (dpans)
are edited along, where the caller has opened them.
"""

from typing import Final

from opencif.v1 import card_pb2
from opencif.v1.card_pb2 import Card, CardToken, DpanValue
from server.errors import FailedPrecondition, InvalidArgument, NotFound
from server.lifecycle import Transitions, advance
from tokenizer.identity import uuid7

__all__ = [
    "TOKENS_MAX",
    "activate",
    "check_terms",
    "deactivate",
    "deactivate_all",
    "dpan_of",
    "find",
    "move",
    "provision",
    "resume",
    "resume_blocked",
    "suspend",
    "suspend_all",
]

TOKENS_MAX: Final = 64
REQUESTOR_ID_DIGITS: Final = 11
ASSURANCE_MAX: Final = 99

INACTIVE: Final = card_pb2.CARD_TOKEN_STATE_INACTIVE
ACTIVE: Final = card_pb2.CARD_TOKEN_STATE_ACTIVE
SUSPENDED: Final = card_pb2.CARD_TOKEN_STATE_SUSPENDED
DEACTIVATED: Final = card_pb2.CARD_TOKEN_STATE_DEACTIVATED

ACTIVATION: Final[Transitions] = {INACTIVE: ACTIVE}
SUSPENSION: Final[Transitions] = {ACTIVE: SUSPENDED}
RESUMPTION: Final[Transitions] = {SUSPENDED: ACTIVE}
DEACTIVATION: Final[Transitions] = dict.fromkeys((INACTIVE, ACTIVE, SUSPENDED), DEACTIVATED)

_BY_CARD: Final = card_pb2.TOKEN_SUSPENDED_BY_CARD_BLOCKED
_USABLE_CARDS: Final = frozenset({card_pb2.CARD_STATE_ISSUED, card_pb2.CARD_STATE_ACTIVE})


def provision(card: Card, given: CardToken, dpan: str, *, activated: bool) -> CardToken:
    """Add a token; the oldest deactivated ones beyond 64 go, their revisions have them.

    Raises InvalidArgument; FailedPrecondition ILLEGAL_TRANSITION, LIMIT_REACHED.
    """
    if card.state not in _USABLE_CARDS:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    check_terms(given)
    token = card.card_tokens.add()
    token.CopyFrom(given)
    token.ClearField("dpan")
    token.token_id = str(uuid7())
    token.dpan_last4 = dpan[-4:]
    token.state = ACTIVE if activated else INACTIVE
    card.dpans.add(token_id=token.token_id, dpan=dpan)
    _make_room(card)
    return token


def check_terms(token: CardToken) -> None:
    """Raise InvalidArgument, below `token`, where a token's terms are not in its contract."""
    requestor = token.token_requestor_id
    if requestor and not (
        len(requestor) == REQUESTOR_ID_DIGITS and requestor.isascii() and requestor.isdigit()
    ):
        raise InvalidArgument("MALFORMED", "token.token_requestor_id")
    if not 0 <= token.assurance <= ASSURANCE_MAX:
        raise InvalidArgument("MALFORMED", "token.assurance")


def find(card: Card, token_id: str) -> CardToken:
    """The card's token of that id. Raises NotFound."""
    for token in card.card_tokens:
        if token.token_id == token_id:
            return token
    raise NotFound("token_id")


def activate(card: Card, token_id: str) -> None:
    """INACTIVE to ACTIVE, on a card that is in use."""
    token = find(card, token_id)
    if card.state not in _USABLE_CARDS:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    advance(token, ACTIVATION)


def suspend(card: Card, token_id: str, by: card_pb2.TokenSuspendedBy) -> None:
    """ACTIVE to SUSPENDED; only BlockCard suspends for the card's sake."""
    if by == _BY_CARD:
        raise InvalidArgument("MALFORMED", "suspended_by")
    token = find(card, token_id)
    advance(token, SUSPENSION)
    token.suspended_by = by or card_pb2.TOKEN_SUSPENDED_BY_ISSUER


def resume(card: Card, token_id: str) -> None:
    """SUSPENDED to ACTIVE, unless the card is BLOCKED."""
    token = find(card, token_id)
    if card.state == card_pb2.CARD_STATE_BLOCKED:
        raise FailedPrecondition("ILLEGAL_TRANSITION", "", "the card is blocked")
    advance(token, RESUMPTION)
    token.ClearField("suspended_by")


def deactivate(card: Card, token_id: str) -> None:
    """Any state to DEACTIVATED, for good."""
    token = find(card, token_id)
    advance(token, DEACTIVATION)
    token.ClearField("suspended_by")
    _forget(card, {token_id})


def suspend_all(card: Card) -> None:
    """What blocking the card does to its active tokens."""
    for token in card.card_tokens:
        if token.state == ACTIVE:
            token.state = SUSPENDED
            token.suspended_by = _BY_CARD


def resume_blocked(card: Card) -> None:
    """What unblocking the card does to the tokens that blocking it suspended."""
    for token in card.card_tokens:
        if token.state == SUSPENDED and token.suspended_by == _BY_CARD:
            token.state = ACTIVE
            token.ClearField("suspended_by")


def deactivate_all(card: Card) -> None:
    """What closing the card does to its tokens."""
    for token in card.card_tokens:
        token.state = DEACTIVATED
        token.ClearField("suspended_by")
    del card.dpans[:]


def move(card: Card, new: Card) -> None:
    """Have every token that is not deactivated stand for the new card, which is not blocked."""
    moving = [token for token in card.card_tokens if token.state != DEACTIVATED]
    ids = {token.token_id for token in moving}
    new.card_tokens.extend(moving)
    new.dpans.extend(value for value in card.dpans if value.token_id in ids)
    resume_blocked(new)
    for token in moving:
        card.card_tokens.remove(token)
    _forget(card, ids)


def dpan_of(card: Card, token_id: str) -> str:
    """A token's number, of a card whose numbers are open; empty when it has none any more."""
    return next((value.dpan for value in card.dpans if value.token_id == token_id), "")


def _forget(card: Card, token_ids: set[str]) -> None:
    kept = [value for value in card.dpans if value.token_id not in token_ids]
    del card.dpans[:]
    card.dpans.extend(DpanValue(token_id=value.token_id, dpan=value.dpan) for value in kept)


def _make_room(card: Card) -> None:
    over = len(card.card_tokens) - TOKENS_MAX
    deactivated = [token for token in card.card_tokens if token.state == DEACTIVATED]
    if over > len(deactivated):
        raise FailedPrecondition("LIMIT_REACHED")
    for token in deactivated[: max(0, over)]:
        card.card_tokens.remove(token)
