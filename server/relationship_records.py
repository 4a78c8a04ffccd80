"""Changes of relationships that must fit with others: references, circles, shares, links.

Locks, always in this order, what two writers could disagree on: the customers at both ends, then
whoever else draws a line in the hierarchy, then relationships.
"""

from collections.abc import Callable, Sequence
from typing import Final

from opencif.v1 import relationship_pb2 as pb
from opencif.v1.customer_pb2 import Customer
from opencif.v1.relationship_pb2 import CustomerRelationship
from repository.link import Relation
from repository.record import Kind
from server import customer_rules, names, relationship_rules
from server.errors import FailedPrecondition
from server.periods import Period
from server.work import Work
from tokenizer.identity import uuid7

__all__ = ["RelationshipRecords", "link_keys", "lower_key", "upper_key"]

# Whose advisory lock whoever adds to the hierarchy holds until commit: no record has this id.
HIERARCHY: Final = b"opencif/HIERARCH"
LINKS_MAX: Final = 1_000  # owners of one customer that are looked at, parents of one customer
STEPS_MAX: Final = 1_000  # customers above one that are looked at

_UP, _DOWN = b"\x01", b"\x02"


class RelationshipRecords:
    """Each method is one change: it gets the mutation's Work and returns the answering record."""

    __slots__ = ()

    async def create(
        self, work: Work, request: pb.CreateRelationshipRequest
    ) -> CustomerRelationship:
        """A new relationship between two customers that are there."""
        relationship = CustomerRelationship()
        relationship.CopyFrom(request.relationship)
        relationship.DiscardUnknownFields()
        relationship_rules.begin(
            relationship, request.source_system, work.today, propose=request.propose
        )
        id_ = uuid7().bytes
        work.create(relationship, id_)
        await self.admit(work, relationship)
        for key in link_keys(relationship):
            work.link(Relation.CUSTOMER_RELATIONSHIP, key, id_)
        return relationship

    async def admit(self, work: Work, relationship: CustomerRelationship) -> None:
        """Hold a new relationship, which has its name, to its ends and to what others leave it.

        One that is over may be between customers who are gone. Raises FailedPrecondition
        REFERENCE_NOT_FOUND, CYCLE, LIMIT_REACHED; InvalidArgument.
        """
        is_live = relationship_rules.is_live(relationship, work.today)
        await self._lock(work, relationship, customer_rules.is_live if is_live else _anybody)
        await self._check(work, relationship)

    async def lock_all(self, work: Work, relationships: Sequence[CustomerRelationship]) -> None:
        """Lock what `admit` will lock for each of them, in the order in which all do."""
        ends = {end for one in relationships for end in (one.from_customer, one.to_customer)}
        await work.read_many(Customer, ends)
        if any(one.type in relationship_rules.ACYCLIC for one in relationships):
            await work.reserve(CustomerRelationship, [HIERARCHY])

    async def update(
        self, work: Work, request: pb.UpdateRelationshipRequest, known: CustomerRelationship
    ) -> CustomerRelationship:
        """The fields that the mask names."""
        await self._lock(work, known)
        relationship = await work.read(
            CustomerRelationship, known.name, request.etag, "relationship.name"
        )
        relationship_rules.update(relationship, request.relationship, request.update_mask)
        await self._check(work, relationship)
        return work.put(relationship)

    async def confirm(
        self, work: Work, request: pb.ConfirmRelationshipRequest, known: CustomerRelationship
    ) -> CustomerRelationship:
        """Into force, held to what a new one is held to: its ends may have gone since."""
        await self._lock(work, known, customer_rules.is_live)
        relationship = await work.read(CustomerRelationship, known.name, request.etag)
        relationship_rules.confirm(relationship)
        await self._check(work, relationship)
        return work.put(relationship)

    async def end(
        self, work: Work, request: pb.EndRelationshipRequest, known: CustomerRelationship
    ) -> CustomerRelationship:
        """Over; an end only makes room for others."""
        await self._lock(work, known)
        relationship = await work.read(CustomerRelationship, known.name, request.etag)
        relationship_rules.end(relationship, request.end_date, work.today)
        return work.put(relationship)

    async def _lock(
        self,
        work: Work,
        relationship: CustomerRelationship,
        is_fit: Callable[[Customer], bool] | None = None,
    ) -> None:
        """Lock the ends of a relationship.

        Raises FailedPrecondition REFERENCE_NOT_FOUND for one that `is_fit` asks about in vain.
        """
        ends = ("from_customer", "to_customer")
        found = await work.read_many(Customer, [getattr(relationship, end) for end in ends])
        for end in ends if is_fit else ():
            customer = found.get(getattr(relationship, end))
            if customer is None or (is_fit and not is_fit(customer)):
                raise FailedPrecondition("REFERENCE_NOT_FOUND", f"relationship.{end}")
        if relationship.type in relationship_rules.ACYCLIC:
            await work.reserve(CustomerRelationship, [HIERARCHY])

    async def _check(self, work: Work, relationship: CustomerRelationship) -> None:
        """Hold an ACTIVE relationship to what the others leave room for."""
        period = relationship_rules.period_of(relationship)
        if period is None or relationship.state != pb.RELATIONSHIP_STATE_ACTIVE:
            return
        if relationship.type in relationship_rules.ACYCLIC:
            await self._check_circle(work, relationship, period)
        if relationship.type == relationship_rules.BENEFICIAL_OWNER_OF:
            above = await self._above(work, relationship.to_customer)
            relationship_rules.check_shares(
                relationship,
                (
                    other
                    for other in above
                    if other.type == relationship.type and other.name != relationship.name
                ),
            )

    async def _check_circle(
        self, work: Work, relationship: CustomerRelationship, period: Period
    ) -> None:
        """Walk up from the parent; raise CYCLE where, on some day, the child stands above it."""
        child = relationship_rules.lower(relationship)
        pending = [(relationship_rules.upper(relationship), period)]
        seen = set(pending)
        while pending:
            customer, days = pending.pop()
            if customer == child:
                raise FailedPrecondition("CYCLE", "relationship.to_customer")
            for other in await self._above(work, customer):
                known = relationship_rules.period_of(other)
                shared = known and known.overlap(days)
                if shared is None or other.type not in relationship_rules.ACYCLIC:
                    continue
                step = (relationship_rules.upper(other), shared)
                if other.name != relationship.name and step not in seen:
                    seen.add(step)
                    pending.append(step)
            if len(seen) > STEPS_MAX:
                raise FailedPrecondition("LIMIT_REACHED", "", "the hierarchy is too large")

    async def _above(self, work: Work, customer: str) -> list[CustomerRelationship]:
        """The relationships that lead up from a customer, locked."""
        key = upper_key(names.parse(Kind.CUSTOMER, customer))
        ids = await work.linked(Relation.CUSTOMER_RELATIONSHIP, key, LINKS_MAX + 1)
        if len(ids) > LINKS_MAX:
            raise FailedPrecondition("LIMIT_REACHED", "", "the customer has too many owners")
        wanted = [names.format(Kind.RELATIONSHIP, id_) for id_ in ids]
        return list((await work.read_many(CustomerRelationship, wanted)).values())


def _anybody(_: Customer) -> bool:
    """Whoever is there may have been an end of what is over."""
    return True


def upper_key(customer_id: bytes) -> bytes:
    """The link key of what leads from a customer to those above it."""
    return customer_id + _UP


def lower_key(customer_id: bytes) -> bytes:
    """The link key of what leads from a customer to those below it."""
    return customer_id + _DOWN


def link_keys(relationship: CustomerRelationship) -> list[bytes]:
    """What a relationship is linked under: both ends, and its place in the hierarchy.

    The latter apart, so that nobody's thousand employees stand in the way of their owners.
    """
    ends = (relationship.from_customer, relationship.to_customer)
    keys = [names.parse(Kind.CUSTOMER, end) for end in ends]
    if relationship.type in relationship_rules.OWNERSHIP:
        lower, upper = (
            relationship_rules.lower(relationship),
            relationship_rules.upper(relationship),
        )
        keys.append(upper_key(names.parse(Kind.CUSTOMER, lower)))
        keys.append(lower_key(names.parse(Kind.CUSTOMER, upper)))
    return keys
