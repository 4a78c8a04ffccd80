"""Customers' identifiers: their one written form, what may be done with them, what they claim.

Pure: edits the message it is given and raises before it is stored; knows no row and no key.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from opencif.v1 import customer_pb2
from opencif.v1.customer_pb2 import Customer, Identifier, UpdateIdentifierRequest
from server.account_numbers import mask
from server.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    reason_of,
)
from tokenizer import normal
from tokenizer.identity import uuid7

__all__ = [
    "CHILDREN_MAX",
    "Claim",
    "add",
    "claim_of",
    "claims",
    "current",
    "normalised",
    "update",
]

CHILDREN_MAX: Final = 64  # of each sort, ended ones included

ACTIVE: Final = customer_pb2.IDENTIFIER_STATE_ACTIVE
EMAIL: Final = customer_pb2.IDENTIFIER_TYPE_EMAIL
PHONE: Final = customer_pb2.IDENTIFIER_TYPE_PHONE
BIC: Final = customer_pb2.IDENTIFIER_TYPE_BIC

_SHARED: Final = frozenset({BIC, EMAIL, PHONE})
_LOOKUP_ONLY: Final = frozenset({EMAIL, PHONE})
# SSN, ITIN and EIN are American whatever else is said; others' numbers mean nothing without their
# country; all other types are unique by themselves.
_AMERICAN: Final = frozenset(
    {
        customer_pb2.IDENTIFIER_TYPE_SSN,
        customer_pb2.IDENTIFIER_TYPE_ITIN,
        customer_pb2.IDENTIFIER_TYPE_EIN,
    }
)
_NATIONAL: Final = frozenset(
    {
        customer_pb2.IDENTIFIER_TYPE_NATIONAL_ID,
        customer_pb2.IDENTIFIER_TYPE_TAX_ID,
        customer_pb2.IDENTIFIER_TYPE_COMPANY_REGISTRATION,
        customer_pb2.IDENTIFIER_TYPE_PASSPORT,
        customer_pb2.IDENTIFIER_TYPE_DRIVING_LICENCE,
    }
)
_FINAL_STATES: Final = frozenset(
    {customer_pb2.IDENTIFIER_STATE_SUPERSEDED, customer_pb2.IDENTIFIER_STATE_REVOKED}
)


def _duns(text: str) -> str:
    number = normal.identifier(text)
    if len(number) != 9 or not normal.is_digits(number):
        raise normal.NotNormal("DUNS_CHARACTERS")
    return number


_NORMAL: Final[dict[int, Callable[[str], str]]] = {
    customer_pb2.IDENTIFIER_TYPE_SSN: normal.ssn,
    customer_pb2.IDENTIFIER_TYPE_ITIN: normal.itin,
    customer_pb2.IDENTIFIER_TYPE_EIN: normal.ein,
    customer_pb2.IDENTIFIER_TYPE_LEI: normal.lei,
    customer_pb2.IDENTIFIER_TYPE_DUNS: _duns,
    BIC: normal.bic,
    EMAIL: normal.email,
    PHONE: normal.phone,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a customer is found by: an identifier or contact in its one written form."""

    type: int
    country: str
    value: str = field(repr=False)

    @property
    def is_exclusive(self) -> bool:
        """Whether one customer at most bears it."""
        return self.type not in _SHARED


def normalised(normalise: Callable[[str], str], text: str, where: str) -> str:
    """The one written form of a value. Raises InvalidArgument naming the field `where`."""
    try:
        return normalise(text)
    except normal.NotNormal as fault:
        raise InvalidArgument(reason_of(fault), where) from None


def claim_of(type_: int, country: str, value: str, where: str = "") -> Claim:
    """The claim of an identifier as it was given. Raises InvalidArgument below `where`."""
    at = f"{where}." if where else ""
    if type_ in _AMERICAN:
        if country not in {"", "US"}:
            raise InvalidArgument("MALFORMED", f"{at}issuing_country")
        country = "US"
    elif type_ not in _NATIONAL:
        country = ""
    elif not country:
        raise InvalidArgument("REQUIRED", f"{at}issuing_country")
    text = normalised(_NORMAL.get(type_, normal.identifier), value, f"{at}value")
    return Claim(type_, country, text)


def claims(customer: Customer) -> set[Claim]:
    """What the identifiers in force claim; the customer's numbers must be opened."""
    values = {each.identifier_id: each.value for each in customer.identifier_values}
    return {
        claim_of(each.type, each.issuing_country, values[each.identifier_id])
        for each in customer.identifiers
        if each.state == ACTIVE
    }


def add(customer: Customer, given: Identifier, where: str) -> None:
    """Add an identifier, its number apart from it; the customer's numbers must be opened.

    Raises InvalidArgument below `where`; AlreadyExists, FailedPrecondition LIMIT_REACHED.
    """
    if given.type in _LOOKUP_ONLY:
        raise InvalidArgument("UNKNOWN_ENUM_VALUE", f"{where}.type")
    if not given.value:
        raise InvalidArgument("REQUIRED", f"{where}.value")
    if given.expiry_date and given.expiry_date < given.issue_date:
        raise InvalidArgument("INVALID_PERIOD", f"{where}.expiry_date")
    claim = claim_of(given.type, given.issuing_country, given.value, where)
    if len(customer.identifiers) >= CHILDREN_MAX:
        raise FailedPrecondition("LIMIT_REACHED", where)
    if claim in claims(customer):
        raise AlreadyExists(f"{where}.value")
    identifier = customer.identifiers.add()
    identifier.CopyFrom(given)
    identifier.ClearField("value")
    identifier.identifier_id = str(uuid7())
    identifier.issuing_country = claim.country or given.issuing_country
    identifier.mask = mask(claim.value)
    identifier.state = ACTIVE
    identifier.verification = given.verification or customer_pb2.VERIFICATION_UNVERIFIED
    customer.identifier_values.add(identifier_id=identifier.identifier_id, value=claim.value)


def update(customer: Customer, request: UpdateIdentifierRequest) -> None:
    """Change what of an identifier the request sets; superseded and revoked ones stay that.

    Raises NotFound; FailedPrecondition ILLEGAL_TRANSITION; InvalidArgument INVALID_PERIOD.
    """
    identifier = next(
        (each for each in customer.identifiers if each.identifier_id == request.identifier_id), None
    )
    if identifier is None:
        raise NotFound("identifier_id")
    if request.state and request.state != identifier.state:
        if identifier.state in _FINAL_STATES:
            raise FailedPrecondition("ILLEGAL_TRANSITION", "state")
        identifier.state = request.state
    if request.expiry_date:
        if request.expiry_date < identifier.issue_date:
            raise InvalidArgument("INVALID_PERIOD", "expiry_date")
        identifier.expiry_date = request.expiry_date
    identifier.verification = request.verification or identifier.verification


def current(customer: Customer, day: date) -> Iterator[Identifier]:
    """The identifiers in force on that day, which is between their dates."""
    text = day.isoformat()
    return (
        each
        for each in customer.identifiers
        if each.state == ACTIVE
        and each.issue_date <= text
        and (not each.expiry_date or text <= each.expiry_date)
    )
