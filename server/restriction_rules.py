"""What may be done with restrictions on an account: scope, limits, who may release them.

Pure: edits the message it is given and raises before it is stored.
"""

from datetime import datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from opencif.nacha.codes import SEC_RULES
from opencif.v1 import account_pb2
from opencif.v1.account_pb2 import Account, AccountRestriction, RestrictionScope
from server.account_rules import LIVE_STATES
from server.errors import FailedPrecondition, InvalidArgument, NotFound
from tokenizer.identity import uuid7

__all__ = ["OVERRIDE", "RESTRICTIONS_MAX", "complete", "place", "release"]

RESTRICTIONS_MAX: Final = 32
# Who holds this permission may release what they placed themselves: a bank gives it to nobody,
# a laptop with the one identity `dev` needs it.
OVERRIDE: Final = "account.restrict.override"

_ACTIVE: Final = account_pb2.RESTRICTION_STATE_ACTIVE
_RELEASED: Final = account_pb2.RESTRICTION_STATE_RELEASED


def place(account: Account, given: AccountRestriction, placed_by: str, now: datetime) -> None:
    """Add a restriction; the oldest released ones beyond 32 go, their revisions have them.

    Raises InvalidArgument; FailedPrecondition ILLEGAL_TRANSITION, LIMIT_REACHED.
    """
    if account.state not in LIVE_STATES:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    restriction = account.restrictions.add()
    restriction.CopyFrom(given)
    restriction.restriction_id = str(uuid7())
    restriction.placed_by = placed_by
    restriction.state = _ACTIVE
    complete(restriction, placed_by, now)
    _make_room(account)


def release(
    account: Account, restriction_id: str, released_by: str, now: datetime, *, override: bool
) -> None:
    """Release a restriction; who does must not be who placed it, unless `override`.

    Raises NotFound; FailedPrecondition ILLEGAL_TRANSITION, INVARIANT.
    """
    found = [one for one in account.restrictions if one.restriction_id == restriction_id]
    if not found:
        raise NotFound("restriction_id")
    restriction = found[0]
    if restriction.state != _ACTIVE:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    if restriction.placed_by == released_by and not override:
        raise FailedPrecondition("INVARIANT", "", "who releases is not who placed it")
    restriction.state = _RELEASED
    restriction.released_by = released_by
    restriction.release_time.FromDatetime(now)


def complete(restriction: AccountRestriction, placed_by: str, now: datetime) -> None:
    """Fill in what a restriction does not say of itself, and hold it to its terms.

    Raises InvalidArgument with paths that begin with `restriction`.
    """
    _check_terms(restriction)
    restriction.restriction_id = restriction.restriction_id or str(uuid7())
    restriction.placed_by = restriction.placed_by or placed_by
    restriction.state = restriction.state or _ACTIVE
    if not restriction.HasField("effective_time"):
        restriction.effective_time.FromDatetime(now)
    if restriction.HasField("expire_time") and _nanos(restriction.expire_time) <= _nanos(
        restriction.effective_time
    ):
        raise InvalidArgument("INVALID_PERIOD", "restriction.expire_time")


def _check_terms(given: AccountRestriction) -> None:
    """Raise InvalidArgument unless the restriction says what its type needs said."""
    _check_scope(given.scope)
    if given.type == account_pb2.RESTRICTION_TYPE_ACH_DEBIT_FILTER and not given.scope.company_ids:
        raise InvalidArgument("REQUIRED", "restriction.scope.company_ids")
    if given.type == account_pb2.RESTRICTION_TYPE_AMOUNT_HOLD and not given.HasField("amount"):
        raise InvalidArgument("REQUIRED", "restriction.amount")
    if given.amount.units < 0:
        raise InvalidArgument("MALFORMED", "restriction.amount.units")


def _check_scope(scope: RestrictionScope) -> None:
    for position, code in enumerate(scope.sec_codes):
        if code not in SEC_RULES:
            raise InvalidArgument("MALFORMED", f"restriction.scope.sec_codes[{position}]")
    for position, company in enumerate(scope.company_ids):
        if not company or company != company.strip():  # entries' have no blanks around them
            raise InvalidArgument("MALFORMED", f"restriction.scope.company_ids[{position}]")
    if scope.amount_min_minor < 0:
        raise InvalidArgument("MALFORMED", "restriction.scope.amount_min_minor")
    if scope.amount_max_minor < 0 or 0 < scope.amount_max_minor < scope.amount_min_minor:
        raise InvalidArgument("MALFORMED", "restriction.scope.amount_max_minor")
    trace = scope.trace_number
    if trace and not (len(trace) == 15 and trace.isascii() and trace.isdigit()):
        raise InvalidArgument("MALFORMED", "restriction.scope.trace_number")


def _make_room(account: Account) -> None:
    over = len(account.restrictions) - RESTRICTIONS_MAX
    released = sorted(
        (one for one in account.restrictions if one.state == _RELEASED),
        key=lambda one: _nanos(one.release_time),
    )
    if over > len(released):
        raise FailedPrecondition("LIMIT_REACHED")
    for one in released[: max(0, over)]:
        account.restrictions.remove(one)


def _nanos(time: Timestamp) -> int:
    return time.seconds * 10**9 + time.nanos
