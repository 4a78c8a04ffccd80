"""Changes of customers that touch more than their own record: accounts, cards, links.

Owns their order within one transaction; what may happen to one customer is customer_rules'.
"""

from collections.abc import AsyncIterator, Callable
from typing import Final

from opencif.v1 import account_pb2
from opencif.v1 import customer_pb2 as pb
from opencif.v1.account_pb2 import Account, AccountParty
from opencif.v1.card_pb2 import Card
from opencif.v1.customer_pb2 import Customer
from opencif.v1.relationship_pb2 import CustomerRelationship
from repository.link import Relation
from repository.record import Kind
from server import (
    account_rules,
    card_rules,
    customer_children,
    customer_rules,
    identifier_rules,
    names,
    relationship_rules,
)
from server.customer_accounts import CustomerAccounts
from server.customer_links import CustomerLinks
from server.errors import FailedPrecondition
from server.shape import M, kind_of
from server.work import Work
from tokenizer.identity import uuid7

__all__ = ["CustomerRecords"]

READ_AT_ONCE: Final = 100
_PARTY_ACTIVE: Final = account_pb2.PARTY_STATE_ACTIVE


class CustomerRecords:
    """Each method is one change: it gets the mutation's Work and returns the answering customer."""

    __slots__ = ("_accounts", "_links")

    def __init__(self, links: CustomerLinks, accounts: CustomerAccounts) -> None:
        self._links = links
        self._accounts = accounts

    async def create(self, work: Work, request: pb.CreateCustomerRequest) -> Customer:
        """A new customer with the children that come along.

        Its key is stored before the transaction ends: if that fails, the key is nobody's and
        harms nothing.
        """
        given = request.customer
        customer = Customer()
        customer.CopyFrom(given)
        customer.DiscardUnknownFields()
        del customer.identifiers[:], customer.contact_points[:], customer.addresses[:]
        customer_rules.begin(customer, request.source_system, onboard=request.onboard)
        customer_children.adopt(customer, given, work.today)
        id_ = uuid7().bytes
        work.create(customer, id_)
        claims = identifier_rules.claims(customer) | customer_children.contact_claims(customer)
        self._links.relink(work, id_, frozenset(), claims)
        return customer

    async def update(self, work: Work, request: pb.UpdateCustomerRequest) -> Customer:
        """The fields that the mask names; accounts' digests follow the names."""
        customer = await work.read(Customer, request.customer.name, request.etag, "customer.name")
        before = self._accounts.name_digests(customer)
        customer_rules.update(customer, request.customer, request.update_mask)
        if self._accounts.name_digests(customer) != before:
            await self._accounts.bring_in_line(work, customer)
        return work.put(customer)

    async def delete(self, work: Work, request: pb.DeleteCustomerRequest) -> Customer:
        """Delete a customer on whom nothing live depends; its identifiers are free again.

        Its key stays: history is sealed under it until it is erased. Links from accounts,
        cards and relationships that are over stay theirs.
        """
        customer = await work.numbers(await work.read(Customer, request.name, request.etag))
        customer_rules.require_deletable(customer)
        await self._require_unused(work, customer, lambda _: True)
        async for relationship in self._linked(
            work, CustomerRelationship, Relation.CUSTOMER_RELATIONSHIP, customer
        ):
            if relationship_rules.is_live(relationship, work.today):
                raise FailedPrecondition("RECORD_IN_USE", "", "the customer has relationships")
        claims = identifier_rules.claims(customer) | customer_children.contact_claims(customer)
        self._links.relink(work, _id(customer), claims, frozenset())
        return work.delete(customer)

    async def close(self, work: Work, request: pb.CloseCustomerRequest) -> Customer:
        """To OFFBOARDING, or CLOSED once no account is owned and no card is live."""
        customer = await work.read(Customer, request.name, request.etag)
        customer_rules.close(customer, request.reason, begin_only=request.begin_only)
        if not request.begin_only:
            await self._require_unused(work, customer, _is_owner)
        return work.put(customer)

    async def die(self, work: Work, request: pb.MarkDeceasedRequest) -> Customer:
        """Record a death, and on the accounts; relationships stay as they are."""
        customer = await work.read(Customer, request.name, request.etag)
        customer_rules.die(customer, request.deceased_date, request.reason)
        await self._accounts.bring_in_line(work, customer)
        return work.put(customer)

    async def add_identifier(self, work: Work, request: pb.AddIdentifierRequest) -> Customer:
        """One identifier more, and found by it."""
        customer = await work.numbers(await work.read(Customer, request.name, request.etag))
        before = identifier_rules.claims(customer)
        identifier_rules.add(customer, request.identifier, "identifier")
        self._links.relink(work, _id(customer), before, identifier_rules.claims(customer))
        return work.put(customer)

    async def update_identifier(self, work: Work, request: pb.UpdateIdentifierRequest) -> Customer:
        """One identifier changed; found by it only while it is ACTIVE."""
        customer = await work.numbers(await work.read(Customer, request.name, request.etag))
        before = identifier_rules.claims(customer)
        identifier_rules.update(customer, request)
        self._links.relink(work, _id(customer), before, identifier_rules.claims(customer))
        return work.put(customer)

    async def add_contact_point(self, work: Work, request: pb.AddContactPointRequest) -> Customer:
        """One contact point more, and found by it."""
        customer = await work.read(Customer, request.name, request.etag)
        before = customer_children.contact_claims(customer)
        customer_children.add_contact_point(
            customer, request.contact_point, work.today, "contact_point"
        )
        self._links.relink(work, _id(customer), before, customer_children.contact_claims(customer))
        return work.put(customer)

    async def end_contact_point(self, work: Work, request: pb.EndContactPointRequest) -> Customer:
        """One contact point retired, and no longer found by it."""
        customer = await work.read(Customer, request.name, request.etag)
        before = customer_children.contact_claims(customer)
        customer_children.end_contact_point(
            customer, request.contact_point_id, request.end_date, work.today
        )
        self._links.relink(work, _id(customer), before, customer_children.contact_claims(customer))
        return work.put(customer)

    async def _require_unused(
        self, work: Work, customer: Customer, counts: Callable[[AccountParty], bool]
    ) -> None:
        """Raise RECORD_IN_USE while a live account has the customer as such a party, or a card.

        The customer's lock keeps anybody from becoming a party or cardholder meanwhile.
        """
        day = work.today.isoformat()
        async for account in self._linked(work, Account, Relation.CUSTOMER_ACCOUNT, customer):
            if account.state in account_rules.LIVE_STATES and any(
                party.customer == customer.name
                and party.state == _PARTY_ACTIVE
                and (not party.valid_to or party.valid_to >= day)
                and counts(party)
                for party in account.parties
            ):
                raise FailedPrecondition("RECORD_IN_USE", "", "the customer has live accounts")
        async for card in self._linked(work, Card, Relation.CUSTOMER_CARD, customer):
            if card_rules.is_live(card):
                raise FailedPrecondition("RECORD_IN_USE", "", "the customer holds live cards")

    async def _linked(
        self, work: Work, of: type[M], relation: Relation, customer: Customer
    ) -> AsyncIterator[M]:
        """The records linked to a customer, locked a hundred at a time."""
        after = b""
        while ids := await work.linked(relation, _id(customer), READ_AT_ONCE, after):
            found = await work.read_many(of, [names.format(kind_of(of), id_) for id_ in ids])
            for record in found.values():
                yield record
            after = ids[-1]


def _is_owner(party: AccountParty) -> bool:
    return party.role in account_rules.OWNERS


def _id(customer: Customer) -> bytes:
    return names.parse(Kind.CUSTOMER, customer.name)
