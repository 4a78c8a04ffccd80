"""Rows of an import that are relationships: held to the rules of new ones, states as given."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from opencif.v1 import relationship_pb2
from opencif.v1.relationship_pb2 import CustomerRelationship
from repository.link import Link, Relation
from repository.record import Kind
from repository.work import Work as Transaction
from server import customer_rules, names, relationship_rules
from server.errors import FailedPrecondition, InvalidArgument, RpcError
from server.loading_batch import Batch, New, hold_to_contract
from server.loading_references import Referenced, References, Wants
from server.relationship_records import RelationshipRecords, link_keys
from server.rpc import Call
from server.sealed import SealedRecords
from server.work import Work
from tokenizer.identity import uuid7

__all__ = ["RelationshipLoader"]

DELETED: Final = relationship_pb2.RELATIONSHIP_STATE_DELETED
ENDED: Final = relationship_pb2.RELATIONSHIP_STATE_ENDED


class RelationshipLoader:
    """Makes relationships of rows; those of ownership are judged as CreateRelationship does."""

    of: Final = CustomerRelationship
    id_field: Final = "relationship.name"
    link_field: Final = ""
    opens_customers: Final = False

    def __init__(self, sealed: SealedRecords) -> None:
        self._sealed = sealed
        self._records = RelationshipRecords()

    def stands_apart(self, message: CustomerRelationship) -> bool:
        """Where circles and shares are checked, each row must see those before it."""
        return message.type in relationship_rules.OWNERSHIP

    async def begin(self, batch: Batch[CustomerRelationship]) -> None:
        """Do what needs nothing but the rows."""
        await batch.each(lambda new: _make(new, batch))
        batch.name(Kind.RELATIONSHIP)

    def wants(self, batch: Batch[CustomerRelationship]) -> Wants:
        """The customers at both ends; of ownership, they are locked when it is checked."""
        ends = {
            customer
            for new in batch.news
            for customer in (new.message.from_customer, new.message.to_customer)
        }
        return {} if self._stand_apart(batch) else {Kind.CUSTOMER: ends}

    async def complete(
        self,
        batch: Batch[CustomerRelationship],
        referenced: Referenced,
        references: References,
        work: Transaction,
        call: Call,
    ) -> AsyncGenerator[Sequence[New[CustomerRelationship]], None]:
        """Hold rows to their ends; those of ownership to circles and shares too, in turn."""
        if not self._stand_apart(batch):
            await batch.each(lambda new: _check_ends(new.message, batch, referenced))
            yield batch.news
            return
        held = Work(work, self._sealed, call)
        await self._records.lock_all(held, [new.message for new in batch.news])
        for new in list(batch.news):
            try:
                await self._records.admit(held, new.message)
            except RpcError as fault:
                batch.reject(new, fault)
            else:
                yield [new]

    def _stand_apart(self, batch: Batch[CustomerRelationship]) -> bool:
        return any(self.stands_apart(new.message) for new in batch.news)


def _make(new: New[CustomerRelationship], batch: Batch[CustomerRelationship]) -> None:
    relationship = new.message
    hold_to_contract(relationship, "relationship", DELETED)
    state = relationship.state
    if state == ENDED and not relationship.valid_to:
        raise InvalidArgument("REQUIRED", "relationship.valid_to")  # else it would never be over
    source_system = relationship.source_system or batch.origin.source_system
    relationship_rules.begin(relationship, source_system, batch.today, propose=False)
    relationship.state = state or relationship.state
    name = relationship.name
    new.id = names.parse(Kind.RELATIONSHIP, name) if name else uuid7().bytes
    new.links = [
        Link(Relation.CUSTOMER_RELATIONSHIP, key, new.id) for key in link_keys(relationship)
    ]


def _check_ends(
    relationship: CustomerRelationship,
    batch: Batch[CustomerRelationship],
    referenced: Referenced,
) -> None:
    """Raise FailedPrecondition REFERENCE_NOT_FOUND unless both ends are there.

    Those of a relationship that is not over must be customers still.
    """
    is_live = relationship_rules.is_live(relationship, batch.today)
    for end in ("from_customer", "to_customer"):
        field = f"relationship.{end}"
        state = referenced.state(Kind.CUSTOMER, getattr(relationship, end), field)
        if is_live and state in customer_rules.GONE:
            raise FailedPrecondition("REFERENCE_NOT_FOUND", field)
