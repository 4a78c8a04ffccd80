"""Follows ownership and group relationships from a customer, level by level.

Reads only: a level costs one statement for its links and one for the relationships they name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from opencif.v1 import relationship_pb2 as pb
from opencif.v1.customer_pb2 import Customer
from opencif.v1.relationship_pb2 import CustomerRelationship, HierarchyNode
from repository.link import LinkStore, Relation
from repository.record import Kind
from server import names, relationship_rules
from server.errors import InvalidArgument, NotFound
from server.reading import Reads
from server.relationship_records import lower_key, upper_key
from server.rpc import Call

__all__ = ["Hierarchies"]

DEPTH: Final = 3
DEPTH_MAX: Final = 10
NODES_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Chain:
    """A way from the beginning to a customer: who is on it, and the shares held in each step."""

    customers: tuple[str, ...]
    shares_bp: tuple[int, ...] = ()

    @property
    def end(self) -> str:
        """The customer it leads to."""
        return self.customers[-1]


class Hierarchies:
    """Answers GetHierarchy.

    A customer that is reached in two ways is there twice, once for each: its effective shares add
    up. No chain comes back to a customer that is on it.
    """

    __slots__ = ("_links", "_reads")

    def __init__(self, reads: Reads, links: LinkStore) -> None:
        self._reads = reads
        self._links = links

    async def get(self, request: pb.GetHierarchyRequest, call: Call) -> pb.GetHierarchyResponse:
        """Breadth first from a customer. Raises NotFound, InvalidArgument."""
        if not 0 <= request.depth <= DEPTH_MAX:
            raise InvalidArgument("MALFORMED", "depth")
        id_ = names.parse(Kind.CUSTOMER, request.customer, "customer")
        if id_ not in await self._reads.get_many(Customer, [id_], call):
            raise NotFound("customer")
        is_up = request.direction == pb.HIERARCHY_DIRECTION_UP
        day = request.as_of or datetime.now(UTC).date().isoformat()
        answer = pb.GetHierarchyResponse(
            nodes=[
                HierarchyNode(customer=request.customer, effective_bp=relationship_rules.WHOLE_BP)
            ]
        )
        level = [_Chain((request.customer,))]
        for depth in range(1, (request.depth or DEPTH) + 2):
            steps, cut_off = await self._steps(level, call, is_up=is_up, day=day)
            is_beyond = depth > (request.depth or DEPTH)
            room = 0 if is_beyond else NODES_MAX - len(answer.nodes)
            answer.truncated = answer.truncated or cut_off or len(steps) > room
            level = [_extend(answer, chain, step, is_up=is_up) for chain, step in steps[:room]]
            if not level:
                break
        return answer

    async def _steps(
        self, level: Sequence[_Chain], call: Call, *, is_up: bool, day: str
    ) -> tuple[list[tuple[_Chain, CustomerRelationship]], bool]:
        """Every step from a level that leads to a customer not yet on its chain.

        Also tells whether links were left unread.
        """
        key_of = upper_key if is_up else lower_key
        keys = {chain.end: key_of(names.parse(Kind.CUSTOMER, chain.end)) for chain in level}
        linked = await self._links.get_many(
            Relation.CUSTOMER_RELATIONSHIP,
            list(keys.values()),
            limit=NODES_MAX + 1,
            deadline=call.deadline,
        )
        ids = [id_ for ids in linked.values() for id_ in ids]
        found = await self._reads.get_many(CustomerRelationship, ids, call)
        far = _far(is_up=is_up)
        steps = [
            (chain, found[id_])
            for chain in level
            for id_ in linked.get(keys[chain.end], ())
            if id_ in found
            and relationship_rules.is_in_force_on(found[id_], day)
            and far(found[id_]) not in chain.customers
        ]
        return steps, any(len(ids) > NODES_MAX for ids in linked.values())


def _far(*, is_up: bool) -> Callable[[CustomerRelationship], str]:
    """Which end of a relationship a step leads to."""
    return relationship_rules.upper if is_up else relationship_rules.lower


def _extend(
    answer: pb.GetHierarchyResponse, chain: _Chain, step: CustomerRelationship, *, is_up: bool
) -> _Chain:
    """Add the node a step leads to, and return the chain to it."""
    customer = _far(is_up=is_up)(step)
    share_bp = relationship_rules.share_bp(step)
    longer = _Chain((*chain.customers, customer), (*chain.shares_bp, share_bp))
    answer.nodes.add(
        customer=customer,
        depth=len(longer.shares_bp),
        parent=chain.end,
        relationship=step.name,
        type=step.type,
        ownership_bp=step.ownership_bp,
        effective_bp=relationship_rules.effective_bp(longer.shares_bp),
    )
    return longer
