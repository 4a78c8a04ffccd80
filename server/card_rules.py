"""What may happen to a card: its states, its months, the scheme its number belongs to.

Pure: edits the message it is given and raises before it is stored. Network tokens have their own
rules in card_token_rules.py.
"""

import re
from datetime import date, datetime
from typing import Final

from opencif.v1 import card_pb2
from opencif.v1.card_pb2 import Card
from server import card_token_rules
from server.errors import FailedPrecondition, InvalidArgument
from server.lifecycle import Transitions, advance
from server.shape import BOOKKEEPING

__all__ = [
    "CLOSED",
    "activate",
    "block",
    "check_expiry",
    "check_form",
    "close",
    "expire",
    "is_live",
    "issue",
    "network_of",
    "replace",
    "report",
    "successor",
    "unblock",
]

ORDERED: Final = card_pb2.CARD_STATE_ORDERED
ISSUED: Final = card_pb2.CARD_STATE_ISSUED
ACTIVE: Final = card_pb2.CARD_STATE_ACTIVE
BLOCKED: Final = card_pb2.CARD_STATE_BLOCKED
LOST: Final = card_pb2.CARD_STATE_LOST
STOLEN: Final = card_pb2.CARD_STATE_STOLEN
COMPROMISED: Final = card_pb2.CARD_STATE_COMPROMISED
DAMAGED: Final = card_pb2.CARD_STATE_DAMAGED
EXPIRED: Final = card_pb2.CARD_STATE_EXPIRED
REPLACED: Final = card_pb2.CARD_STATE_REPLACED
CLOSED: Final = card_pb2.CARD_STATE_CLOSED

ACTIVATION: Final[Transitions] = {ORDERED: ACTIVE, ISSUED: ACTIVE}
BLOCKING: Final[Transitions] = {ACTIVE: BLOCKED}
UNBLOCKING: Final[Transitions] = {BLOCKED: ACTIVE}
REPORTS: Final[dict[int, Transitions]] = {
    state: dict.fromkeys((ISSUED, ACTIVE, BLOCKED), state)
    for state in (LOST, STOLEN, COMPROMISED, DAMAGED)
}
EXPIRY: Final[Transitions] = dict.fromkeys((ACTIVE, BLOCKED), EXPIRED)
REPLACEMENT: Final[Transitions] = dict.fromkeys(
    (LOST, STOLEN, COMPROMISED, DAMAGED, EXPIRED), REPLACED
)
CLOSURE: Final[Transitions] = dict.fromkeys(
    (ORDERED, ISSUED, ACTIVE, BLOCKED, LOST, STOLEN, COMPROMISED, DAMAGED, EXPIRED), CLOSED
)

_OVER: Final = frozenset({REPLACED, CLOSED, card_pb2.CARD_STATE_DELETED})
_REASONS: Final = {
    LOST: card_pb2.CARD_STATE_REASON_LOST,
    STOLEN: card_pb2.CARD_STATE_REASON_STOLEN,
    COMPROMISED: card_pb2.CARD_STATE_REASON_COMPROMISED,
    DAMAGED: card_pb2.CARD_STATE_REASON_DAMAGED,
    EXPIRED: card_pb2.CARD_STATE_REASON_EXPIRED,
}
_DRAWS_ON_ACCOUNTS: Final = frozenset({card_pb2.CARD_TYPE_DEBIT, card_pb2.CARD_TYPE_ATM})
_PAR: Final = re.compile("[A-Z0-9]{29}")  # EMVCo payment account reference
_PSN_MAX: Final = 99

# What belongs to one number and one record, not to the card's business.
_NOT_CARRIED: Final = (
    *BOOKKEEPING,
    "state_reason",
    "bin",
    "last4",
    "pan_length",
    "tokens",
    "network",
    "psn",
    "pan",
    "dpans",
    "replaces",
    "replaced_by",
    "issue_time",
    "activate_time",
    "card_tokens",
    "source_system",
)

# First eight digits -> scheme, the narrower range first where two overlap (ISO/IEC 7812 IINs as
# the schemes publish them).
_RANGES: Final = (
    ("4", "4", card_pb2.CARD_NETWORK_VISA),
    ("51", "55", card_pb2.CARD_NETWORK_MASTERCARD),
    ("2221", "2720", card_pb2.CARD_NETWORK_MASTERCARD),
    ("34", "34", card_pb2.CARD_NETWORK_AMEX),
    ("37", "37", card_pb2.CARD_NETWORK_AMEX),
    ("6011", "6011", card_pb2.CARD_NETWORK_DISCOVER),
    ("644", "659", card_pb2.CARD_NETWORK_DISCOVER),
    ("3528", "3589", card_pb2.CARD_NETWORK_JCB),
    ("62", "62", card_pb2.CARD_NETWORK_UNIONPAY),
    ("81", "81", card_pb2.CARD_NETWORK_UNIONPAY),
    ("300", "305", card_pb2.CARD_NETWORK_DINERS),
    ("3095", "3095", card_pb2.CARD_NETWORK_DINERS),
    ("36", "36", card_pb2.CARD_NETWORK_DINERS),
    ("38", "39", card_pb2.CARD_NETWORK_DINERS),
    ("50", "50", card_pb2.CARD_NETWORK_MAESTRO),
    ("56", "58", card_pb2.CARD_NETWORK_MAESTRO),
    ("6304", "6304", card_pb2.CARD_NETWORK_MAESTRO),
    ("67", "67", card_pb2.CARD_NETWORK_MAESTRO),
)


def network_of(pan: str) -> card_pb2.CardNetwork:
    """The scheme that a number's first digits belong to; OTHER for none of those known."""
    for first, last, network in _RANGES:
        if first <= pan[: len(first)] <= last:
            return network
    return card_pb2.CARD_NETWORK_OTHER


def is_live(card: Card) -> bool:
    """Whether the card can still do anything, or be replaced by one that can."""
    return card.state not in _OVER


def check_expiry(card: Card, today: date) -> None:
    """Raise InvalidArgument where a new card's last month is over."""
    _check_expiry(card.expiry, today, "card.expiry")


def check_form(card: Card) -> None:
    """Raise InvalidArgument where a card's form is not in the contract's options."""
    if not 0 <= card.psn <= _PSN_MAX:
        raise InvalidArgument("MALFORMED", "card.psn")
    if card.par and not _PAR.fullmatch(card.par):
        raise InvalidArgument("MALFORMED", "card.par")
    if card.card_type in _DRAWS_ON_ACCOUNTS and not card.accounts:
        raise InvalidArgument("REQUIRED", "card.accounts")
    seen: set[str] = set()
    for position, drawn in enumerate(card.accounts):
        if drawn.account in seen:
            raise InvalidArgument("MALFORMED", f"card.accounts[{position}].account")
        seen.add(drawn.account)
    if sum(_is_primary(drawn) for drawn in card.accounts) > 1:
        raise InvalidArgument("MALFORMED", "card.accounts")


def issue(card: Card, now: datetime, *, order_only: bool) -> None:
    """A new card's first state."""
    card.state = ORDERED if order_only else ISSUED
    if not order_only:
        card.issue_time.FromDatetime(now)


def activate(card: Card, reason: int, now: datetime) -> None:
    """ORDERED (through ISSUED) or ISSUED to ACTIVE, while its month lasts."""
    advance(card, ACTIVATION)
    if _is_over(card.expiry, now.date()):
        raise FailedPrecondition("INVARIANT", "", "the card's last month is over")
    if not card.HasField("issue_time"):
        card.issue_time.FromDatetime(now)
    card.activate_time.FromDatetime(now)
    _give_reason(card, reason)


def block(card: Card, reason: int) -> None:
    """ACTIVE to BLOCKED; its active tokens become SUSPENDED."""
    advance(card, BLOCKING)
    card_token_rules.suspend_all(card)
    _give_reason(card, reason)


def unblock(card: Card, reason: int) -> None:
    """BLOCKED to ACTIVE; the tokens that `block` suspended become ACTIVE."""
    advance(card, UNBLOCKING)
    card_token_rules.resume_blocked(card)
    _give_reason(card, reason)


def report(card: Card, state: int, reason: int) -> None:
    """ISSUED, ACTIVE or BLOCKED to LOST, STOLEN, COMPROMISED or DAMAGED; its tokens stay."""
    advance(card, REPORTS[state])
    _give_reason(card, reason)


def expire(card: Card, reason: int, today: date) -> None:
    """ACTIVE or BLOCKED to EXPIRED, once its month is over."""
    if not _is_over(card.expiry, today):
        raise FailedPrecondition("ILLEGAL_TRANSITION", "", "the card's last month is not over")
    advance(card, EXPIRY)
    _give_reason(card, reason)


def close(card: Card, reason: int) -> None:
    """Any state but REPLACED to CLOSED; its tokens become DEACTIVATED."""
    advance(card, CLOSURE)
    card_token_rules.deactivate_all(card)
    _give_reason(card, reason)


def successor(card: Card, expiry: str, form: int, today: date) -> Card:
    """The card that takes another's place, which the caller is to give its number.

    It draws on the same accounts for the same cardholder; the payment account reference stays.
    """
    _check_expiry(expiry, today, "new_expiry")
    new = Card()
    new.CopyFrom(card)
    for name in _NOT_CARRIED:
        new.ClearField(name)
    new.expiry = expiry
    if form:
        new.form = card_pb2.CardForm.Name(form)  # type: ignore[assignment]  # names are taken too
    new.replaces = card.name
    return new


def replace(card: Card, new: Card) -> None:
    """LOST, STOLEN, COMPROMISED, DAMAGED or EXPIRED to REPLACED; its tokens go to `new`."""
    advance(card, REPLACEMENT)
    card.replaced_by = new.name
    card_token_rules.move(card, new)


def _check_expiry(expiry: str, today: date, field: str) -> None:
    if _is_over(expiry, today):
        raise InvalidArgument("INVALID_DATE", field)


def _is_over(month: str, today: date) -> bool:
    """Whether a month, YYYY-MM, is over: a card works through its last day."""
    return month < today.isoformat()[:7]


def _is_primary(drawn: card_pb2.CardAccount) -> bool:
    return drawn.role in (
        card_pb2.CARD_ACCOUNT_ROLE_UNSPECIFIED,
        card_pb2.CARD_ACCOUNT_ROLE_PRIMARY,
    )


def _give_reason(card: Card, reason: int) -> None:
    """Why the card is in its state: as the caller said, else what the state itself says."""
    why = reason or _REASONS.get(card.state, card_pb2.CARD_STATE_REASON_UNSPECIFIED)
    card.state_reason = why  # type: ignore[assignment]  # ints are taken
