"""Customers' contact points and addresses, and what of a customer was valid on a day.

Pure: edits the message it is given and raises before it is stored.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final

from opencif.v1 import customer_pb2
from opencif.v1.customer_pb2 import Address, ContactPoint, Customer
from server import identifier_rules, periods
from server.errors import FailedPrecondition, InvalidArgument, NotFound
from server.identifier_rules import CHILDREN_MAX, EMAIL, PHONE, Claim, normalised
from tokenizer import normal
from tokenizer.identity import uuid7

__all__ = [
    "add_address",
    "add_contact_point",
    "adopt",
    "contact_claims",
    "current_addresses",
    "end_address",
    "end_contact_point",
    "keep_valid",
]

RETIRED: Final = customer_pb2.CONTACT_POINT_STATE_RETIRED

_NORMAL: Final[dict[int, Callable[[str], str]]] = {
    customer_pb2.CONTACT_POINT_TYPE_EMAIL: normal.email,
    customer_pb2.CONTACT_POINT_TYPE_MOBILE: normal.phone,
    customer_pb2.CONTACT_POINT_TYPE_PHONE: normal.phone,
    customer_pb2.CONTACT_POINT_TYPE_FAX: normal.phone,
}
# Which contacts a customer is found by, and as what.
_FOUND_BY: Final = {
    customer_pb2.CONTACT_POINT_TYPE_EMAIL: EMAIL,
    customer_pb2.CONTACT_POINT_TYPE_MOBILE: PHONE,
    customer_pb2.CONTACT_POINT_TYPE_PHONE: PHONE,
}


def contact_claims(customer: Customer) -> set[Claim]:
    """What the contact points in use make the customer found by."""
    return {
        Claim(_FOUND_BY[point.type], "", point.value)
        for point in customer.contact_points
        if point.state != RETIRED and point.type in _FOUND_BY
    }


def adopt(customer: Customer, given: Customer, today: date) -> None:
    """Add the children that come along with a new customer, in the states that they have, if any.

    Raises InvalidArgument below `customer`; FailedPrecondition LIMIT_REACHED.
    """
    for position, identifier in enumerate(given.identifiers):
        identifier_rules.add(customer, identifier, f"customer.identifiers[{position}]")
        added = customer.identifiers[-1]
        added.state = identifier.state or added.state
    for position, point in enumerate(given.contact_points):
        add_contact_point(customer, point, today, f"customer.contact_points[{position}]")
        reached = customer.contact_points[-1]
        reached.state = point.state or reached.state
    for position, address in enumerate(given.addresses):
        add_address(customer, address, today, f"customer.addresses[{position}]")


def add_contact_point(customer: Customer, given: ContactPoint, today: date, where: str) -> None:
    """Add a contact point; a primary one takes the place of its type's primary.

    Raises InvalidArgument below `where`; FailedPrecondition LIMIT_REACHED.
    """
    if len(customer.contact_points) >= CHILDREN_MAX:
        raise FailedPrecondition("LIMIT_REACHED", where)
    normalise = _NORMAL.get(given.type)
    if given.primary:
        for other in customer.contact_points:
            other.primary = other.primary and other.type != given.type
    point = customer.contact_points.add()
    point.CopyFrom(given)
    point.contact_point_id = str(uuid7())
    if normalise is not None:
        point.value = normalised(normalise, given.value, f"{where}.value")
    point.state = customer_pb2.CONTACT_POINT_STATE_UNVERIFIED
    if given.HasField("verified_time"):
        point.state = customer_pb2.CONTACT_POINT_STATE_ACTIVE
    _set_period(point, today, where)


def end_contact_point(
    customer: Customer, contact_point_id: str, end_date: str, today: date
) -> None:
    """Retire a contact point at once; `end_date` says which day was its last, today when empty.

    Raises NotFound; FailedPrecondition ILLEGAL_TRANSITION; InvalidArgument.
    """
    point = _find(customer.contact_points, "contact_point_id", contact_point_id)
    if point.state == RETIRED:
        raise FailedPrecondition("ILLEGAL_TRANSITION", "contact_point_id")
    if end_date > today.isoformat():
        raise InvalidArgument("INVALID_DATE", "end_date")
    periods.end(point, end_date, today)
    point.state = RETIRED
    point.primary = False


def add_address(customer: Customer, given: Address, today: date, where: str) -> None:
    """Add an address; the one of its type that it follows ends the day before it begins.

    Raises InvalidArgument INVALID_PERIOD where the two would overlap all the same: the new one
    begins no later, or would cut a piece out of the old one; FailedPrecondition LIMIT_REACHED.
    """
    if len(customer.addresses) >= CHILDREN_MAX:
        raise FailedPrecondition("LIMIT_REACHED", where)
    address = Address()
    address.CopyFrom(given)
    address.address_id = str(uuid7())
    _set_period(address, today, where)
    for other in customer.addresses:
        if other.type == address.type and periods.of(other).overlap(periods.of(address)):
            _give_way(other, address, where)
    customer.addresses.append(address)


def end_address(customer: Customer, address_id: str, end_date: str, today: date) -> None:
    """End an address on a day, today when empty. Raises NotFound, InvalidArgument."""
    periods.end(_find(customer.addresses, "address_id", address_id), end_date, today)


def current_addresses(customer: Customer, day: date) -> Iterator[Address]:
    """The addresses that are valid on that day."""
    text = day.isoformat()
    return (address for address in customer.addresses if periods.is_valid_on(address, text))


def keep_valid(customer: Customer, day: date) -> None:
    """Leave out the children that were not valid on that day."""
    identifiers = list(identifier_rules.current(customer, day))
    text = day.isoformat()
    points = [point for point in customer.contact_points if periods.is_valid_on(point, text)]
    addresses = list(current_addresses(customer, day))
    del customer.identifiers[:], customer.contact_points[:], customer.addresses[:]
    customer.identifiers.extend(identifiers)
    customer.contact_points.extend(points)
    customer.addresses.extend(addresses)


def _set_period(child: ContactPoint | Address, today: date, where: str) -> None:
    child.valid_from = child.valid_from or today.isoformat()
    periods.check(child, f"{where}.valid_to")


def _give_way(former: Address, new: Address, where: str) -> None:
    """End `former` the day before `new` begins."""
    if former.valid_from >= new.valid_from:
        raise InvalidArgument("INVALID_PERIOD", f"{where}.valid_from")
    if periods.of(former).last > periods.of(new).last:
        raise InvalidArgument("INVALID_PERIOD", f"{where}.valid_to")
    before = date.fromisoformat(new.valid_from) - timedelta(days=1)
    former.valid_to = before.isoformat()


def _find(children: Any, id_field: str, wanted: str) -> Any:
    found = next((child for child in children if getattr(child, id_field) == wanted), None)
    if found is None:
        raise NotFound(id_field)
    return found
