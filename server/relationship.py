"""RelationshipService: what customers are to one another, over time.

Each RPC loads under lock, applies a rule of relationship_rules, and answers.
"""

from opencif.v1 import relationship_pb2 as pb
from opencif.v1.customer_pb2 import Customer
from opencif.v1.relationship_pb2 import CustomerRelationship
from repository.link import LinkStore, Relation
from repository.reading import Consistency
from repository.record import Kind
from server import names, relationship_rules
from server.errors import NotFound
from server.hierarchy import Hierarchies
from server.mutation import Mutations
from server.reading import Reads
from server.relationship_records import RelationshipRecords
from server.rpc import Call

__all__ = ["RelationshipServicer"]


class RelationshipServicer:
    """The handlers of RelationshipService."""

    def __init__(self, mutations: Mutations, reads: Reads, links: LinkStore) -> None:
        self._mutations = mutations
        self._reads = reads
        self._hierarchies = Hierarchies(reads, links)
        self._records = RelationshipRecords()

    async def CreateRelationship(
        self, request: pb.CreateRelationshipRequest, call: Call
    ) -> pb.CreateRelationshipResponse:
        """A new relationship in ACTIVE or PROPOSED."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.create(work, request)
        )
        return pb.CreateRelationshipResponse(
            relationship=answer.message, consistency_token=answer.consistency_token
        )

    async def GetRelationship(
        self, request: pb.GetRelationshipRequest, call: Call
    ) -> pb.GetRelationshipResponse:
        """One relationship, now or at a version."""
        found, stale_since = await self._reads.get(CustomerRelationship, request, call)
        return pb.GetRelationshipResponse(relationship=found, stale_since=stale_since)

    async def UpdateRelationship(
        self, request: pb.UpdateRelationshipRequest, call: Call
    ) -> pb.UpdateRelationshipResponse:
        """The fields that the mask names, replaced."""
        known = await self._known(request.relationship.name, "relationship.name", call)
        answer = await self._mutations.run(
            request, call, lambda work: self._records.update(work, request, known)
        )
        return pb.UpdateRelationshipResponse(
            relationship=answer.message, consistency_token=answer.consistency_token
        )

    async def ConfirmRelationship(
        self, request: pb.ConfirmRelationshipRequest, call: Call
    ) -> pb.ConfirmRelationshipResponse:
        """PROPOSED to ACTIVE."""
        known = await self._known(request.name, "name", call)
        answer = await self._mutations.run(
            request, call, lambda work: self._records.confirm(work, request, known)
        )
        return pb.ConfirmRelationshipResponse(
            relationship=answer.message, consistency_token=answer.consistency_token
        )

    async def EndRelationship(
        self, request: pb.EndRelationshipRequest, call: Call
    ) -> pb.EndRelationshipResponse:
        """PROPOSED or ACTIVE to ENDED."""
        known = await self._known(request.name, "name", call)
        answer = await self._mutations.run(
            request, call, lambda work: self._records.end(work, request, known)
        )
        return pb.EndRelationshipResponse(
            relationship=answer.message, consistency_token=answer.consistency_token
        )

    async def ListRelationships(
        self, request: pb.ListRelationshipsRequest, call: Call
    ) -> pb.ListRelationshipsResponse:
        """A page of a customer's relationships; those that do not fit the request are left out."""
        key = names.parse(Kind.CUSTOMER, request.customer, "customer")
        if key not in await self._reads.get_many(Customer, [key], call):
            raise NotFound("customer")
        page = await self._reads.page_linked(
            CustomerRelationship, request, call, Relation.CUSTOMER_RELATIONSHIP, key
        )
        return pb.ListRelationshipsResponse(
            relationships=[each for each in page.messages if _fits(each, request)],
            next_page_token=page.next_page_token,
        )

    async def ListRelationshipRevisions(
        self, request: pb.ListRelationshipRevisionsRequest, call: Call
    ) -> pb.ListRelationshipRevisionsResponse:
        """A page of what the relationship was, newest first."""
        page = await self._reads.revisions(CustomerRelationship, request.name, request, call)
        return pb.ListRelationshipRevisionsResponse(
            revisions=[
                pb.RelationshipRevision(revision=revision, relationship=relationship)
                for revision, relationship in page.revisions
            ],
            next_page_token=page.next_page_token,
        )

    async def GetHierarchy(
        self, request: pb.GetHierarchyRequest, call: Call
    ) -> pb.GetHierarchyResponse:
        """Ownership and group relationships followed from a customer."""
        return await self._hierarchies.get(request, call)

    async def _known(self, name: str, field: str, call: Call) -> CustomerRelationship:
        """The relationship as it stands now, for what never changes of it: its ends and type.

        Its customers are locked before it, so they must be known before it is.
        """
        id_ = names.parse(Kind.RELATIONSHIP, name, field)
        found = await self._reads.get_many(
            CustomerRelationship, [id_], call, freshness=Consistency.FULLY_CONSISTENT
        )
        if id_ not in found:
            raise NotFound(field)
        return found[id_]


def _fits(relationship: CustomerRelationship, request: pb.ListRelationshipsRequest) -> bool:
    """Whether a relationship is seen from the side and valid on the day asked for."""
    if request.side == pb.RELATIONSHIP_SIDE_FROM and relationship.from_customer != request.customer:
        return False
    if request.side == pb.RELATIONSHIP_SIDE_TO and relationship.to_customer != request.customer:
        return False
    return not request.as_of or relationship_rules.is_in_force_on(relationship, request.as_of)
