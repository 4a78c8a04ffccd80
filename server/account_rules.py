"""What may happen to an account: its states and who may be a party to it.

Pure: edits the message it is given and raises before it is stored; knows no row and no key.
Restrictions have their own rules in restriction_rules.py.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask

from opencif.v1 import account_pb2, customer_pb2
from opencif.v1.account_pb2 import Account, AccountParty, Replacement
from opencif.v1.customer_pb2 import Customer
from server import masks, periods
from server.errors import FailedPrecondition, InvalidArgument, NotFound
from server.lifecycle import Transitions, advance
from server.shape import BOOKKEEPING
from tokenizer.identity import uuid7

__all__ = [
    "CLOSED",
    "LIVE_STATES",
    "NAME_DIGESTS_MAX",
    "OWNERS",
    "PARTIES_MAX",
    "add_party",
    "begin_closing",
    "charge_off",
    "check_form",
    "check_parties",
    "close",
    "complete_party",
    "copied_of",
    "current_parties",
    "end_party",
    "escheat",
    "is_fit_for_party",
    "mark_dormant",
    "new_party",
    "open_account",
    "point_to",
    "reactivate",
    "record_death",
    "record_names",
    "reopen",
    "replace",
    "require_deletable",
    "successor",
    "update",
]

PARTIES_MAX: Final = 64
NAME_DIGESTS_MAX: Final = 16
ADULT_YEARS: Final = 18

_ISO_TYPE: Final = re.compile("[A-Z]{4}")  # ExternalCashAccountType1Code
# As an entry carries it: printable ASCII, the blanks around it cut off.
_INDIVIDUAL_ID: Final = re.compile("[!-~](?:[ -~]*[!-~])?")

PENDING: Final = account_pb2.ACCOUNT_STATE_PENDING
OPEN: Final = account_pb2.ACCOUNT_STATE_OPEN
DORMANT: Final = account_pb2.ACCOUNT_STATE_DORMANT
CLOSING: Final = account_pb2.ACCOUNT_STATE_CLOSING
CLOSED: Final = account_pb2.ACCOUNT_STATE_CLOSED
ESCHEATED: Final = account_pb2.ACCOUNT_STATE_ESCHEATED
CHARGED_OFF: Final = account_pb2.ACCOUNT_STATE_CHARGED_OFF

OPENING: Final[Transitions] = {PENDING: OPEN}
CLOSURE: Final[Transitions] = dict.fromkeys((OPEN, DORMANT, CLOSING, CHARGED_OFF), CLOSED)
BEGIN_CLOSURE: Final[Transitions] = {OPEN: CLOSING, DORMANT: CLOSING}
REOPENING: Final[Transitions] = {CLOSED: OPEN}
DORMANCY: Final[Transitions] = {OPEN: DORMANT}
REACTIVATION: Final[Transitions] = {DORMANT: OPEN}
ESCHEATMENT: Final[Transitions] = {DORMANT: ESCHEATED}
CHARGE_OFF: Final[Transitions] = {OPEN: CHARGED_OFF}
RENUMBERING: Final[Transitions] = {OPEN: CLOSED, DORMANT: CLOSED}

# States in which an account may still be changed; CLOSED and ESCHEATED are only read.
LIVE_STATES: Final = frozenset({PENDING, OPEN, DORMANT, CLOSING, CHARGED_OFF})
_DELETABLE: Final = frozenset({PENDING, CLOSED})
_OWNED_STATES: Final = frozenset({OPEN, DORMANT})

PRIMARY_OWNER: Final = account_pb2.PARTY_ROLE_PRIMARY_OWNER
OWNERS: Final = frozenset({PRIMARY_OWNER, account_pb2.PARTY_ROLE_JOINT_OWNER})
_GUARDIANS: Final = frozenset({account_pb2.PARTY_ROLE_GUARDIAN, account_pb2.PARTY_ROLE_CUSTODIAN})
_ACTIVE: Final = account_pb2.PARTY_STATE_ACTIVE
# What belongs to one number and one record, not to the account's business.
_NOT_CARRIED: Final = (
    *BOOKKEEPING,
    "routing_number",
    "number_mask",
    "tokens",
    "account_number",
    "iban",
    "replaces",
    "replacement",
    "dormant_since",
    "approval_ref",
    "source_system",
)
UNFIT_CUSTOMERS: Final = frozenset(
    {
        customer_pb2.CUSTOMER_STATE_OFFBOARDING,
        customer_pb2.CUSTOMER_STATE_CLOSED,
        customer_pb2.CUSTOMER_STATE_ERASED,
        customer_pb2.CUSTOMER_STATE_DISSOLVED,
        customer_pb2.CUSTOMER_STATE_MERGED,
    }
)


def check_form(account: Account, field: str) -> None:
    """Raise InvalidArgument where a field's form is not in the contract's options."""
    if account.iso_type and not _ISO_TYPE.fullmatch(account.iso_type):
        raise InvalidArgument("MALFORMED", f"{field}.iso_type")
    for position, known in enumerate(account.individual_ids):
        if not _INDIVIDUAL_ID.fullmatch(known):
            raise InvalidArgument("MALFORMED", f"{field}.individual_ids[{position}]")


def update(account: Account, given: Account, mask: FieldMask) -> None:
    """Replace the fields that a mask, checked before, names; one left empty is cleared.

    What has ended stays as it was. Raises FailedPrecondition ILLEGAL_TRANSITION.
    """
    if account.state not in LIVE_STATES:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    given.DiscardUnknownFields()
    masks.apply(mask, given, account)
    check_form(account, "account")


def open_account(account: Account, today: date) -> None:
    """PENDING to OPEN, owned as an open account must be."""
    advance(account, OPENING)
    account.open_date = today.isoformat()
    check_parties(account, today)


def begin_closing(account: Account) -> None:
    """OPEN or DORMANT to CLOSING."""
    advance(account, BEGIN_CLOSURE)
    account.ClearField("dormant_since")


def close(account: Account, reason: str, today: date) -> None:
    """OPEN, DORMANT, CLOSING or CHARGED_OFF to CLOSED."""
    advance(account, CLOSURE)
    account.close_date = today.isoformat()
    account.close_reason = reason
    account.ClearField("dormant_since")


def reopen(account: Account, approval_ref: str, today: date) -> None:
    """CLOSED to OPEN; an account that was renumbered lives on under its new number."""
    advance(account, REOPENING)
    if account.HasField("replacement"):
        raise FailedPrecondition("INVARIANT", "", "the account lives on under another number")
    account.approval_ref = approval_ref
    account.ClearField("close_date")
    account.ClearField("close_reason")
    check_parties(account, today)


def mark_dormant(account: Account, today: date) -> None:
    """OPEN to DORMANT."""
    advance(account, DORMANCY)
    account.dormant_since = today.isoformat()


def reactivate(account: Account, today: date) -> None:
    """DORMANT to OPEN."""
    advance(account, REACTIVATION)
    account.ClearField("dormant_since")
    check_parties(account, today)


def escheat(account: Account) -> None:
    """DORMANT to ESCHEATED."""
    advance(account, ESCHEATMENT)


def charge_off(account: Account) -> None:
    """OPEN to CHARGED_OFF."""
    advance(account, CHARGE_OFF)


def successor(account: Account) -> Account:
    """The account as it goes on under another number, which the caller is to give it.

    Current parties and restrictions go along; ended and released ones stay where they happened.
    """
    new = Account()
    new.CopyFrom(account)
    for name in _NOT_CARRIED:
        new.ClearField(name)
    del new.parties[:], new.restrictions[:]
    new.parties.extend(party for party in account.parties if party.state == _ACTIVE)
    new.restrictions.extend(
        restriction
        for restriction in account.restrictions
        if restriction.state == account_pb2.RESTRICTION_STATE_ACTIVE
    )
    new.state = OPEN
    new.replaces = account.name
    return new


def replace(account: Account, new: Account, terms: Replacement, today: date) -> None:
    """Close an account whose business goes on as `new`, on these terms."""
    advance(account, RENUMBERING)
    day = today.isoformat()
    if terms.effective_date > day:
        raise InvalidArgument("INVALID_DATE", "terms.effective_date")
    effective = terms.effective_date or day
    if terms.valid_to and terms.valid_to < effective:
        raise InvalidArgument("INVALID_PERIOD", "terms.valid_to")
    account.close_date = day
    account.close_reason = "RENUMBERED"
    account.ClearField("dormant_since")
    account.replacement.CopyFrom(
        Replacement(
            reason=terms.reason or account_pb2.RENUMBER_REASON_RENUMBER,
            effective_date=effective,
            valid_to=terms.valid_to,
        )
    )
    point_to(account, new)


def point_to(account: Account, new: Account) -> None:
    """Have a renumbered account name `new`, or what replaces that by now, on its own terms."""
    newest = new.replacement if new.HasField("replacement") else new
    account.replacement.account = new.replacement.account or new.name
    account.replacement.account_uid = new.replacement.account_uid or new.uid
    account.replacement.routing_number = newest.routing_number
    account.replacement.account_type = newest.account_type


def is_fit_for_party(customer: Customer) -> bool:
    """Whether a customer can become a party: known, and not on the way out.

    A deceased one can: records of old accounts are defined after the death too.
    """
    return customer.state not in UNFIT_CUSTOMERS


def new_party(
    given: AccountParty, customer: Customer, digests: Sequence[int], today: date, *, field: str
) -> AccountParty:
    """The party as it is stored: what the account needs of the customer is copied here.

    `field` is where the request has it. Raises InvalidArgument INVALID_PERIOD.
    """
    party = AccountParty()
    party.CopyFrom(given)
    party.party_id = str(uuid7())
    party.valid_from = given.valid_from or today.isoformat()
    party.state = _ACTIVE
    complete_party(party, copied_of(customer, digests, today), field=field)
    return party


def copied_of(customer: Customer, digests: Sequence[int], today: date) -> AccountParty:
    """What every party copies of its customer, as a party that says nothing else."""
    minor = _is_minor(customer.person.birth_date, today)
    return AccountParty(
        deceased_date=customer.deceased_date, name_digests=digests, minor=minor
    )  # fmt: skip


def complete_party(party: AccountParty, copied: AccountParty, *, field: str) -> None:
    """Write into a party what it copies of its customer, whatever it said of that itself.

    Raises InvalidArgument INVALID_PERIOD, and MALFORMED for a limit below nothing.
    """
    periods.check(party, f"{field}.valid_to")
    if party.HasField("per_transaction_limit") and party.per_transaction_limit.units < 0:
        raise InvalidArgument("MALFORMED", f"{field}.per_transaction_limit.units")
    party.ClearField("deceased_date")
    party.ClearField("name_digests")
    party.ClearField("minor")
    party.MergeFrom(copied)


def add_party(account: Account, party: AccountParty, today: date) -> list[AccountParty]:
    """Add a party; returns those that made room for it, ended ones, the oldest first.

    Raises FailedPrecondition LIMIT_REACHED, ILLEGAL_TRANSITION, INVARIANT.
    """
    _require_live(account)
    account.parties.append(party)
    dropped = _make_room(account)
    check_parties(account, today)
    return dropped


def end_party(
    account: Account, party_id: str, end_date: str, successor: AccountParty | None, today: date
) -> list[AccountParty]:
    """End a party, and add its successor in the same change.

    It is ENDED at once; `end_date` says which day was its last, today when empty. Returns as
    `add_party`. Raises NotFound, InvalidArgument, FailedPrecondition.
    """
    _require_live(account)
    party = next((each for each in account.parties if each.party_id == party_id), None)
    if party is None:
        raise NotFound("party_id")
    if party.state != _ACTIVE:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    if end_date > today.isoformat():
        raise InvalidArgument("INVALID_DATE", "end_date")
    if end_date and end_date < party.valid_from:
        raise InvalidArgument("INVALID_PERIOD", "end_date")
    party.valid_to = end_date or today.isoformat()
    party.state = account_pb2.PARTY_STATE_ENDED
    if successor is None:
        check_parties(account, today)
        return []
    return add_party(account, successor, today)


def check_parties(account: Account, today: date) -> None:
    """Hold the parties to the rules of ownership. Raises FailedPrecondition INVARIANT.

    An OPEN or DORMANT account has one current primary owner, and a guardian or custodian if an
    owner was a minor when written: replace the party (EndParty with successor) once they are of
    age. No account ever has two primary owners at a time.
    """
    parties = [(party.role, party) for party in account.parties if party.state == _ACTIVE]
    primary = [periods.of(party) for role, party in parties if role == PRIMARY_OWNER]
    if any(later.first <= earlier.last for earlier, later in pairwise(sorted(primary))):
        raise FailedPrecondition("INVARIANT", "", "one primary owner at a time")
    if account.state not in _OWNED_STATES:
        return
    day = today.isoformat()
    current = [(role, party) for role, party in parties if periods.is_valid_on(party, day)]
    roles = {role for role, _ in current}
    if PRIMARY_OWNER not in roles:
        raise FailedPrecondition("INVARIANT", "", "an open account has a current primary owner")
    if roles.isdisjoint(_GUARDIANS) and any(
        role in OWNERS and party.minor for role, party in current
    ):
        raise FailedPrecondition("INVARIANT", "", "a minor owner has a guardian or custodian")


def current_parties(parties: Iterable[AccountParty], day: str) -> Iterator[AccountParty]:
    """The parties that count on a day, YYYY-MM-DD."""
    return (
        party for party in parties if party.state == _ACTIVE and periods.is_valid_on(party, day)
    )


def record_names(account: Account, customer: str, digests: Sequence[int]) -> None:
    """Write the digests of a customer's present names on their parts in an account."""
    for party in account.parties:
        if party.customer == customer:
            del party.name_digests[:]
            party.name_digests.extend(digests)


def record_death(account: Account, customer: str, day: str) -> None:
    """Write a customer's day of death on their parts in an account.

    A primary owner's death ends the powers of attorney on it; the deceased's own end too.
    """
    mine = [party for party in account.parties if party.customer == customer]
    for party in mine:
        party.deceased_date = day
    owned = any(party.role == PRIMARY_OWNER and party.state == _ACTIVE for party in mine)
    for party in account.parties:
        if (
            party.role == account_pb2.PARTY_ROLE_POWER_OF_ATTORNEY
            and party.state == _ACTIVE
            and (owned or party.customer == customer)
        ):
            party.valid_to = min(max(day, party.valid_from), party.valid_to or periods.LAST_DAY)
            party.state = account_pb2.PARTY_STATE_ENDED


def require_deletable(account: Account) -> None:
    """Raise FailedPrecondition ILLEGAL_TRANSITION unless PENDING or CLOSED."""
    if account.state not in _DELETABLE:
        raise FailedPrecondition("ILLEGAL_TRANSITION")


def _require_live(account: Account) -> None:
    if account.state not in LIVE_STATES:
        raise FailedPrecondition("ILLEGAL_TRANSITION")


def _make_room(account: Account) -> list[AccountParty]:
    """Drop the oldest ended parties beyond the limit; their revisions still have them."""
    over = len(account.parties) - PARTIES_MAX
    if over <= 0:
        return []
    ended = sorted(
        (party for party in account.parties if party.state != _ACTIVE),
        key=lambda party: party.valid_to,
    )
    if len(ended) < over:
        raise FailedPrecondition("LIMIT_REACHED")
    dropped = ended[:over]
    for party in dropped:
        account.parties.remove(party)
    return dropped


def _is_minor(birth_date: str, today: date) -> bool:
    """Whether somebody born then is under 18 today; an unknown birth date is nobody's minority."""
    if not birth_date:
        return False
    of_age = f"{int(birth_date[:4]) + ADULT_YEARS:04}{birth_date[4:]}"
    return today.isoformat() < of_age
