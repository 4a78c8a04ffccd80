"""What may happen to a customer: states, what being ACTIVE takes, names, fields, death and end.

Pure: edits the message it is given and raises before it is stored; knows no row and no key.
Identifiers, contact points and addresses have their own rules in customer_children.py.
"""

from datetime import date
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask

from opencif.v1 import customer_pb2
from opencif.v1.customer_pb2 import Customer
from server import identifier_rules, masks
from server.customer_children import current_addresses
from server.errors import FailedPrecondition, InvalidArgument
from server.lifecycle import Transitions, advance

__all__ = [
    "BEGIN_CLOSURE",
    "DORMANCY",
    "GONE",
    "ONBOARDING_BEGINS",
    "REINSTATEMENT",
    "RESTRICTION",
    "activate",
    "begin",
    "check_kind",
    "close",
    "die",
    "dissolve",
    "is_live",
    "move",
    "require_deletable",
    "update",
]

PROSPECT: Final = customer_pb2.CUSTOMER_STATE_PROSPECT
ONBOARDING: Final = customer_pb2.CUSTOMER_STATE_ONBOARDING
ACTIVE: Final = customer_pb2.CUSTOMER_STATE_ACTIVE
DORMANT: Final = customer_pb2.CUSTOMER_STATE_DORMANT
RESTRICTED: Final = customer_pb2.CUSTOMER_STATE_RESTRICTED
OFFBOARDING: Final = customer_pb2.CUSTOMER_STATE_OFFBOARDING
CLOSED: Final = customer_pb2.CUSTOMER_STATE_CLOSED
DECEASED: Final = customer_pb2.CUSTOMER_STATE_DECEASED
DISSOLVED: Final = customer_pb2.CUSTOMER_STATE_DISSOLVED

_SERVED: Final = (ACTIVE, DORMANT, RESTRICTED)
ONBOARDING_BEGINS: Final[Transitions] = {PROSPECT: ONBOARDING}
ACTIVATION: Final[Transitions] = {ONBOARDING: ACTIVE}
DORMANCY: Final[Transitions] = {ACTIVE: DORMANT}
RESTRICTION: Final[Transitions] = {ACTIVE: RESTRICTED}
REINSTATEMENT: Final[Transitions] = {DORMANT: ACTIVE, RESTRICTED: ACTIVE}
BEGIN_CLOSURE: Final[Transitions] = dict.fromkeys(_SERVED, OFFBOARDING)
CLOSURE: Final[Transitions] = dict.fromkeys((*_SERVED, OFFBOARDING, DECEASED, DISSOLVED), CLOSED)
# Nobody waits with dying until they are reinstated.
DEATH: Final[Transitions] = dict.fromkeys((*_SERVED, OFFBOARDING), DECEASED)
DISSOLUTION: Final[Transitions] = dict.fromkeys((*_SERVED, OFFBOARDING), DISSOLVED)

_DELETABLE: Final = frozenset({PROSPECT, ONBOARDING, CLOSED})
GONE: Final = frozenset(
    {CLOSED, customer_pb2.CUSTOMER_STATE_ERASED, customer_pb2.CUSTOMER_STATE_MERGED}
)
_PERSON: Final = customer_pb2.CUSTOMER_KIND_PERSON

# What counts as the identification number of 31 CFR 1020.220(a)(2)(i)(A)(4).
_PERSON_NUMBERS: Final = frozenset(
    {
        customer_pb2.IDENTIFIER_TYPE_SSN,
        customer_pb2.IDENTIFIER_TYPE_ITIN,
        customer_pb2.IDENTIFIER_TYPE_NATIONAL_ID,
        customer_pb2.IDENTIFIER_TYPE_TAX_ID,
        customer_pb2.IDENTIFIER_TYPE_PASSPORT,
        customer_pb2.IDENTIFIER_TYPE_DRIVING_LICENCE,
    }
)
_ORGANIZATION_NUMBERS: Final = frozenset(
    {
        customer_pb2.IDENTIFIER_TYPE_EIN,
        customer_pb2.IDENTIFIER_TYPE_TAX_ID,
        customer_pb2.IDENTIFIER_TYPE_COMPANY_REGISTRATION,
        customer_pb2.IDENTIFIER_TYPE_LEI,
    }
)
_PERSON_ADDRESSES: Final = frozenset(
    {customer_pb2.ADDRESS_TYPE_RESIDENTIAL, customer_pb2.ADDRESS_TYPE_LEGAL}
)
_DISPLAY_NAME_BYTES_MAX: Final = 350


def begin(customer: Customer, source_system: str, *, onboard: bool) -> None:
    """Make a customer as given a PROSPECT, or ONBOARDING. Raises InvalidArgument."""
    check_kind(customer)
    customer.state = ONBOARDING if onboard else PROSPECT
    customer.source_system = source_system
    if not customer.display_name:
        customer.display_name = made_name(customer)


def check_kind(customer: Customer) -> None:
    """Hold a person to having a person's data and an organization to an organization's."""
    wanted, other = "person", "organization"
    if customer.kind != _PERSON:
        wanted, other = other, wanted
    if not customer.HasField(wanted):
        raise InvalidArgument("REQUIRED", f"customer.{wanted}")
    if customer.HasField(other):
        raise InvalidArgument("MALFORMED", f"customer.{other}")


def move(customer: Customer, transitions: Transitions, reason: str) -> None:
    """Bring a customer to the state its present one leads to, for the caller's reason.

    Raises FailedPrecondition ILLEGAL_TRANSITION.
    """
    advance(customer, transitions)
    customer.state_reason = reason


def activate(customer: Customer, reason: str, today: date) -> None:
    """ONBOARDING to ACTIVE. Raises FailedPrecondition INCOMPLETE, naming the fields that lack."""
    move(customer, ACTIVATION, reason)
    if lacking := missing(customer, today):
        raise FailedPrecondition("INCOMPLETE", ",".join(lacking))


def close(customer: Customer, reason: str, *, begin_only: bool) -> None:
    """To OFFBOARDING and, unless `begin_only`, through it to CLOSED."""
    move(customer, BEGIN_CLOSURE if begin_only else CLOSURE, reason)


def die(customer: Customer, day: str, reason: str) -> None:
    """Record a person's death. Raises FailedPrecondition, InvalidArgument INVALID_DATE."""
    if customer.kind != _PERSON:
        raise FailedPrecondition("ILLEGAL_TRANSITION", "name", "only a person dies")
    move(customer, DEATH, reason)
    if day < customer.person.birth_date:
        raise InvalidArgument("INVALID_DATE", "deceased_date")
    customer.deceased_date = day


def dissolve(customer: Customer, day: str, reason: str) -> None:
    """Record an organization's end. Raises FailedPrecondition, InvalidArgument INVALID_DATE.

    Its accounts stay as they are: a party's deceased_date is about persons, for whom entries are
    returned R14 or R15; a dissolved company's accounts are closed by the bank.
    """
    if customer.kind == _PERSON:
        raise FailedPrecondition("ILLEGAL_TRANSITION", "name", "only an organization dissolves")
    move(customer, DISSOLUTION, reason)
    if day < customer.organization.incorporation_date:
        raise InvalidArgument("INVALID_DATE", "dissolved_date")
    customer.dissolved_date = day


def require_deletable(customer: Customer) -> None:
    """Raise FailedPrecondition ILLEGAL_TRANSITION unless PROSPECT, ONBOARDING or CLOSED."""
    if customer.state not in _DELETABLE:
        raise FailedPrecondition("ILLEGAL_TRANSITION")


def is_live(customer: Customer) -> bool:
    """Whether others may come to refer to a customer; the dead may have executors."""
    return customer.state not in GONE


def update(customer: Customer, given: Customer, mask: FieldMask) -> None:
    """Replace the fields that a mask, checked before, names; a made display name is made anew.

    Raises InvalidArgument when a person ends up without a person's data, and the like.
    """
    if customer.state == customer_pb2.CUSTOMER_STATE_ERASED:
        raise FailedPrecondition("ILLEGAL_TRANSITION")
    for position, path in enumerate(mask.paths):
        if path.split(".")[0] in {"identifiers", "contact_points", "addresses"}:
            raise InvalidArgument("INVALID_FIELD_MASK", f"update_mask.paths[{position}]")
    was_made = customer.display_name == made_name(customer)
    given.DiscardUnknownFields()
    masks.apply(mask, given, customer)
    check_kind(customer)
    if not customer.display_name or (was_made and "display_name" not in mask.paths):
        customer.display_name = made_name(customer)


def missing(customer: Customer, today: date) -> list[str]:
    """The fields without which nobody becomes ACTIVE (31 CFR 1020.220), empty when all are there.

    Names are required of every customer from the start.
    """
    is_person = customer.kind == _PERSON
    numbers = _PERSON_NUMBERS if is_person else _ORGANIZATION_NUMBERS
    addresses = [
        address
        for address in current_addresses(customer, today)
        if not is_person or address.type in _PERSON_ADDRESSES
    ]
    lacking = []
    if is_person and not customer.person.birth_date:
        lacking.append("person.birth_date")
    if not addresses:
        lacking.append("addresses")
    identifiers = identifier_rules.current(customer, today)
    if not any(identifier.type in numbers for identifier in identifiers):
        lacking.append("identifiers")
    return lacking


def made_name(customer: Customer) -> str:
    """The name to show: given, middle, family name and suffix, or the legal name."""
    person = customer.person
    parts = (person.given_name, person.middle_name, person.family_name, person.suffix)
    made = customer.organization.legal_name or " ".join(part for part in parts if part)
    return made.encode()[:_DISPLAY_NAME_BYTES_MAX].decode(errors="ignore")
