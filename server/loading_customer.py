"""Rows of an import that are customers: held to the rules of new ones, their states as given."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from opencif.v1 import customer_pb2
from opencif.v1.customer_pb2 import Customer
from repository.link import Link, Relation
from repository.record import Kind
from repository.work import Work
from server import customer_children, customer_rules, identifier_rules, names
from server.customer_links import CustomerLinks
from server.errors import InvalidArgument
from server.identifier_rules import Claim
from server.loading_batch import Batch, New, hold_to_contract
from server.loading_references import Referenced, References, Wants
from server.rpc import Call
from tokenizer.identity import uuid7

__all__ = ["CustomerLoader"]

DELETED: Final = customer_pb2.CUSTOMER_STATE_DELETED
DECEASED: Final = customer_pb2.CUSTOMER_STATE_DECEASED


class CustomerLoader:
    """Makes customers of rows; a name that is given is kept, so that other rows can use it."""

    of: Final = Customer
    id_field: Final = "customer.name"
    link_field: Final = "customer.identifiers"
    opens_customers: Final = False

    def __init__(self, links: CustomerLinks) -> None:
        self._links = links

    def stands_apart(self, message: Customer) -> bool:
        """Never."""
        return False

    async def begin(self, batch: Batch[Customer]) -> None:
        """Do all: customers refer to nobody."""
        await batch.each(lambda new: _make(new, batch))
        batch.name(Kind.CUSTOMER)
        claims: dict[int, set[Claim]] = {new.row: _claims(new.message) for new in batch.news}
        keys = self._links.keys_of({claim for each in claims.values() for claim in each})
        for new in batch.news:
            new.links = [
                Link(Relation.IDENTIFIER_CUSTOMER, key, new.id, claim.is_exclusive)
                for claim in claims[new.row]
                for key in keys[claim]
            ]

    def wants(self, batch: Batch[Customer]) -> Wants:
        """Nothing."""
        return {}

    async def complete(
        self,
        batch: Batch[Customer],
        referenced: Referenced,
        references: References,
        work: Work,
        call: Call,
    ) -> AsyncGenerator[Sequence[New[Customer]], None]:
        """Nothing is to be done: `begin` has done all."""
        yield batch.news


def _make(new: New[Customer], batch: Batch[Customer]) -> None:
    given = new.message
    hold_to_contract(given, "customer", DELETED)
    if given.state == DECEASED and not given.deceased_date:
        raise InvalidArgument("REQUIRED", "customer.deceased_date")
    if given.deceased_date and given.deceased_date < given.person.birth_date:
        raise InvalidArgument("INVALID_DATE", "customer.deceased_date")
    customer = Customer()
    customer.CopyFrom(given)
    for children in ("identifiers", "identifier_values", "contact_points", "addresses"):
        customer.ClearField(children)
    source_system = given.source_system or batch.origin.source_system
    customer_rules.begin(customer, source_system, onboard=False)
    customer.state = given.state or customer.state
    customer_children.adopt(customer, given, batch.today)
    new.message = customer
    new.id = names.parse(Kind.CUSTOMER, given.name) if given.name else uuid7().bytes


def _claims(customer: Customer) -> set[Claim]:
    return identifier_rules.claims(customer) | customer_children.contact_claims(customer)
