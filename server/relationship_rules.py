"""What customers may be to one another: states, periods, shares, circles, who stands above whom.

Pure: edits the message it is given and raises before it is stored. Shares are basis points.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask

from opencif.v1 import relationship_pb2 as pb
from opencif.v1.relationship_pb2 import CustomerRelationship
from server import masks, periods
from server.errors import FailedPrecondition, InvalidArgument
from server.lifecycle import Transitions, advance
from server.periods import Period

__all__ = [
    "ACYCLIC",
    "OWNERSHIP",
    "WHOLE_BP",
    "begin",
    "check_shares",
    "confirm",
    "effective_bp",
    "end",
    "is_in_force",
    "is_in_force_on",
    "is_live",
    "lower",
    "period_of",
    "share_bp",
    "update",
    "upper",
]

PROPOSED: Final = pb.RELATIONSHIP_STATE_PROPOSED
ACTIVE: Final = pb.RELATIONSHIP_STATE_ACTIVE
ENDED: Final = pb.RELATIONSHIP_STATE_ENDED
BENEFICIAL_OWNER_OF: Final = pb.RELATIONSHIP_TYPE_BENEFICIAL_OWNER_OF
SUBSIDIARY_OF: Final = pb.RELATIONSHIP_TYPE_SUBSIDIARY_OF
BRANCH_OF: Final = pb.RELATIONSHIP_TYPE_BRANCH_OF

CONFIRMATION: Final[Transitions] = {PROPOSED: ACTIVE}
END: Final[Transitions] = {PROPOSED: ENDED, ACTIVE: ENDED}

# What a hierarchy follows, and what of it must not run in circles.
OWNERSHIP: Final = frozenset({BENEFICIAL_OWNER_OF, SUBSIDIARY_OF, BRANCH_OF})
ACYCLIC: Final = frozenset({SUBSIDIARY_OF, BRANCH_OF})
_SHARED_TYPES: Final = frozenset({BENEFICIAL_OWNER_OF, SUBSIDIARY_OF})

WHOLE_BP: Final = 10_000


def begin(
    relationship: CustomerRelationship, source_system: str, today: date, *, propose: bool
) -> None:
    """Make a relationship as given ACTIVE, or PROPOSED. Raises InvalidArgument."""
    if relationship.from_customer == relationship.to_customer:
        raise InvalidArgument(
            "MALFORMED", "relationship.to_customer", "is the same customer as from_customer"
        )
    relationship.state = PROPOSED if propose else ACTIVE
    relationship.source_system = source_system
    relationship.valid_from = relationship.valid_from or today.isoformat()
    _check_form(relationship)


def update(
    relationship: CustomerRelationship, given: CustomerRelationship, mask: FieldMask
) -> None:
    """Replace the fields that a mask, checked before, names. One that has ended stays as it was.

    Raises InvalidArgument; FailedPrecondition ILLEGAL_TRANSITION.
    """
    if relationship.state == ENDED:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    given.DiscardUnknownFields()
    masks.apply(mask, given, relationship)
    if not relationship.valid_from:
        raise InvalidArgument("REQUIRED", "relationship.valid_from")
    _check_form(relationship)


def confirm(relationship: CustomerRelationship) -> None:
    """PROPOSED to ACTIVE."""
    advance(relationship, CONFIRMATION)


def end(relationship: CustomerRelationship, end_date: str, today: date) -> None:
    """To ENDED at once; `end_date` says which day was its last, today when empty.

    One that was only proposed was in force on no day: its period goes.
    Raises InvalidArgument; FailedPrecondition ILLEGAL_TRANSITION.
    """
    was_proposed = relationship.state == PROPOSED
    advance(relationship, END)
    if end_date > today.isoformat():
        raise InvalidArgument("INVALID_DATE", "end_date")
    if was_proposed:
        relationship.ClearField("valid_from")
        relationship.ClearField("valid_to")
        return
    periods.end(relationship, end_date, today)


def is_live(relationship: CustomerRelationship, today: date) -> bool:
    """Whether a relationship is proposed, or in force today or later."""
    if relationship.state == PROPOSED:
        return True
    period = period_of(relationship)
    return relationship.state == ACTIVE and period is not None and today.isoformat() <= period.last


def is_in_force(relationship: CustomerRelationship) -> bool:
    """Whether a relationship is in force while its period lasts, or was."""
    return relationship.state in {ACTIVE, ENDED} and bool(relationship.valid_from)


def is_in_force_on(relationship: CustomerRelationship, day: str) -> bool:
    """Whether a relationship was in force on a day."""
    period = period_of(relationship)
    return period is not None and period.first <= day <= period.last


def period_of(relationship: CustomerRelationship) -> Period | None:
    """The days a relationship is in force; None when there is none."""
    return periods.of(relationship) if is_in_force(relationship) else None


def upper(relationship: CustomerRelationship) -> str:
    """The customer that owns, or has the other under it."""
    if relationship.type == BENEFICIAL_OWNER_OF:
        return relationship.from_customer
    return relationship.to_customer


def lower(relationship: CustomerRelationship) -> str:
    """The customer that is owned, or is part of the other."""
    if relationship.type == BENEFICIAL_OWNER_OF:
        return relationship.to_customer
    return relationship.from_customer


def check_shares(
    relationship: CustomerRelationship, others: Iterable[CustomerRelationship]
) -> None:
    """Hold the shares in one organization to 10,000 on every day the relationship is in force.

    `others` are the organization's other beneficial owners. Raises InvalidArgument INVALID_SHARE.
    """
    period = period_of(relationship)
    if period is None:
        return
    changes: dict[str, int] = {}
    for other in others:
        shared = (held := period_of(other)) and held.overlap(period)
        if shared:
            changes[shared.first] = changes.get(shared.first, 0) + other.ownership_bp
            if shared.last < period.last:
                after = f"{shared.last}+"  # orders behind that day and before the next
                changes[after] = changes.get(after, 0) - other.ownership_bp
    total = relationship.ownership_bp
    for day in sorted(changes):
        total += changes[day]
        if total > WHOLE_BP:
            raise InvalidArgument("INVALID_SHARE", "relationship.ownership_bp")


def share_bp(relationship: CustomerRelationship) -> int:
    """The share that a step in a hierarchy stands for; a branch is wholly part of its owner."""
    return WHOLE_BP if relationship.type == BRANCH_OF else relationship.ownership_bp


def effective_bp(shares_bp: Iterable[int]) -> int:
    """The product of the shares along a chain, rounded down once, at the end."""
    product, steps = WHOLE_BP, 0
    for share_bp in shares_bp:
        product *= share_bp
        steps += 1
    return int(product // WHOLE_BP**steps)


def _check_form(relationship: CustomerRelationship) -> None:
    if not 0 <= relationship.ownership_bp <= WHOLE_BP:
        raise InvalidArgument("INVALID_SHARE", "relationship.ownership_bp")
    if relationship.ownership_bp and relationship.type not in _SHARED_TYPES:
        raise InvalidArgument("INVALID_SHARE", "relationship.ownership_bp")
    periods.check(relationship, "relationship.valid_to")
