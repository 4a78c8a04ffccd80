"""CustomerService: persons and organizations, their identifiers, contact points and addresses.

Each RPC loads under lock, applies a rule of customer_rules, identifier_rules or customer_children,
and answers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Final, LiteralString

from opencif.v1 import customer_pb2 as pb
from opencif.v1.customer_pb2 import Customer
from opencif.v1.record_pb2 import VIEW_FULL, Consistency
from repository.errors import LinkTaken
from repository.link import LinkStore, Relation
from server import customer_children, customer_rules, identifier_rules
from server.customer_accounts import CustomerAccounts
from server.customer_links import CustomerLinks
from server.customer_records import CustomerRecords
from server.errors import AlreadyExists, InvalidArgument
from server.lifecycle import Transitions
from server.mutation import Edit, Mutations
from server.reading import Reads
from server.rpc import Call
from server.validation import validate
from server.work import Work

__all__ = ["CustomerServicer"]

FOUND_MAX: Final = 100  # CustomerResult.customers


class CustomerServicer:
    """The handlers of CustomerService."""

    def __init__(
        self,
        mutations: Mutations,
        reads: Reads,
        link_store: LinkStore,
        links: CustomerLinks,
        accounts: CustomerAccounts,
    ) -> None:
        self._mutations = mutations
        self._reads = reads
        self._link_store = link_store
        self._links = links
        self._accounts = accounts
        self._records = CustomerRecords(links, accounts)

    async def CreateCustomer(
        self, request: pb.CreateCustomerRequest, call: Call
    ) -> pb.CreateCustomerResponse:
        """A new customer in PROSPECT or ONBOARDING."""
        with _taken("customer.identifiers"):
            answer = await self._mutations.run(
                request, call, lambda work: self._records.create(work, request)
            )
        return pb.CreateCustomerResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def GetCustomer(
        self, request: pb.GetCustomerRequest, call: Call
    ) -> pb.GetCustomerResponse:
        """One customer, now, at a version or as of a time."""
        customer, stale_since = await self._reads.get(Customer, request, call)
        if request.HasField("as_of"):
            customer_children.keep_valid(customer, request.as_of.ToDatetime(UTC).date())
        return pb.GetCustomerResponse(customer=customer, stale_since=stale_since)

    async def BatchGetCustomers(
        self, request: pb.BatchGetCustomersRequest, call: Call
    ) -> pb.BatchGetCustomersResponse:
        """Customers in the request's order, all or nothing."""
        found = await self._reads.batch_get(
            Customer, request.names, call, view=request.view, consistency=request.consistency
        )
        return pb.BatchGetCustomersResponse(customers=found.messages, stale_since=found.stale_since)

    async def UpdateCustomer(
        self, request: pb.UpdateCustomerRequest, call: Call
    ) -> pb.UpdateCustomerResponse:
        """The fields that the mask names, replaced."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.update(work, request)
        )
        self._accounts.wake()
        return pb.UpdateCustomerResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def DeleteCustomer(
        self, request: pb.DeleteCustomerRequest, call: Call
    ) -> pb.DeleteCustomerResponse:
        """Gone for readers: its version goes on, its identifiers are free."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.delete(work, request)
        )
        return pb.DeleteCustomerResponse(consistency_token=answer.consistency_token)

    async def ListCustomers(
        self, request: pb.ListCustomersRequest, call: Call
    ) -> pb.ListCustomersResponse:
        """A page of a branch's customers, or of all."""
        page = await self._reads.page(Customer, request, call, request.branch)
        return pb.ListCustomersResponse(
            customers=page.messages, next_page_token=page.next_page_token
        )

    async def ListCustomerRevisions(
        self, request: pb.ListCustomerRevisionsRequest, call: Call
    ) -> pb.ListCustomerRevisionsResponse:
        """A page of what the customer was, newest first."""
        page = await self._reads.revisions(Customer, request.name, request, call)
        return pb.ListCustomerRevisionsResponse(
            revisions=[
                pb.CustomerRevision(revision=revision, customer=customer)
                for revision, customer in page.revisions
            ],
            next_page_token=page.next_page_token,
        )

    async def LookupCustomers(
        self, request: pb.LookupCustomersRequest, call: Call
    ) -> pb.LookupCustomersResponse:
        """The customers that bear each identifier: one statement for links, one for records."""
        results = [pb.CustomerResult() for _ in request.keys]
        keys: list[list[bytes]] = []
        for key, result in zip(request.keys, results, strict=True):
            try:
                validate(key)
                claim = identifier_rules.claim_of(key.type, key.issuing_country, key.value)
            except InvalidArgument as fault:
                result.error_reason = fault.reason
                keys.append([])
            else:
                keys.append(self._links.keys(claim))
        stale_since = self._reads.stale_since(Consistency())
        linked = await self._link_store.get_many(
            Relation.IDENTIFIER_CUSTOMER,
            [key for of_one in keys for key in of_one],
            limit=FOUND_MAX,
            deadline=call.deadline,
        )
        found = await self._reads.get_many(
            Customer,
            [id_ for ids in linked.values() for id_ in ids],
            call,
            private=request.view == VIEW_FULL,
        )
        for of_one, result in zip(keys, results, strict=True):
            ids = dict.fromkeys(id_ for key in of_one for id_ in linked.get(key, ()))
            result.customers.extend([found[id_] for id_ in ids if id_ in found][:FOUND_MAX])
        return pb.LookupCustomersResponse(results=results, stale_since=stale_since)

    async def OnboardCustomer(
        self, request: pb.OnboardCustomerRequest, call: Call
    ) -> pb.OnboardCustomerResponse:
        """PROSPECT to ONBOARDING."""
        return pb.OnboardCustomerResponse(
            **await self._move(request, call, customer_rules.ONBOARDING_BEGINS)
        )

    async def ActivateCustomer(
        self, request: pb.ActivateCustomerRequest, call: Call
    ) -> pb.ActivateCustomerResponse:
        """ONBOARDING to ACTIVE, once what 31 CFR 1020.220 asks for is there."""
        answer = await self._mutations.edit(
            Customer,
            request,
            call,
            lambda it, work: customer_rules.activate(it, request.reason, work.today),
        )
        return pb.ActivateCustomerResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def MarkCustomerDormant(
        self, request: pb.MarkCustomerDormantRequest, call: Call
    ) -> pb.MarkCustomerDormantResponse:
        """ACTIVE to DORMANT."""
        return pb.MarkCustomerDormantResponse(
            **await self._move(request, call, customer_rules.DORMANCY)
        )

    async def RestrictCustomer(
        self, request: pb.RestrictCustomerRequest, call: Call
    ) -> pb.RestrictCustomerResponse:
        """ACTIVE to RESTRICTED."""
        return pb.RestrictCustomerResponse(
            **await self._move(request, call, customer_rules.RESTRICTION)
        )

    async def ReinstateCustomer(
        self, request: pb.ReinstateCustomerRequest, call: Call
    ) -> pb.ReinstateCustomerResponse:
        """DORMANT or RESTRICTED to ACTIVE."""
        return pb.ReinstateCustomerResponse(
            **await self._move(request, call, customer_rules.REINSTATEMENT)
        )

    async def CloseCustomer(
        self, request: pb.CloseCustomerRequest, call: Call
    ) -> pb.CloseCustomerResponse:
        """To CLOSED, unless accounts are owned or cards live, or to OFFBOARDING with begin_only."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.close(work, request)
        )
        return pb.CloseCustomerResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def MarkDeceased(
        self, request: pb.MarkDeceasedRequest, call: Call
    ) -> pb.MarkDeceasedResponse:
        """DECEASED, here and on the accounts."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.die(work, request)
        )
        self._accounts.wake()
        return pb.MarkDeceasedResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def MarkDissolved(
        self, request: pb.MarkDissolvedRequest, call: Call
    ) -> pb.MarkDissolvedResponse:
        """DISSOLVED; the accounts stay as they are."""
        answer = await self._mutations.edit(
            Customer,
            request,
            call,
            lambda it, _: customer_rules.dissolve(it, request.dissolved_date, request.reason),
        )
        return pb.MarkDissolvedResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def AddIdentifier(
        self, request: pb.AddIdentifierRequest, call: Call
    ) -> pb.AddIdentifierResponse:
        """One identifier more."""
        with _taken("identifier.value"):
            answer = await self._mutations.run(
                request, call, lambda work: self._records.add_identifier(work, request)
            )
        return pb.AddIdentifierResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def UpdateIdentifier(
        self, request: pb.UpdateIdentifierRequest, call: Call
    ) -> pb.UpdateIdentifierResponse:
        """One identifier in another state, checked, or with another expiry."""
        with _taken("state"):
            answer = await self._mutations.run(
                request, call, lambda work: self._records.update_identifier(work, request)
            )
        return pb.UpdateIdentifierResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def AddContactPoint(
        self, request: pb.AddContactPointRequest, call: Call
    ) -> pb.AddContactPointResponse:
        """One contact point more."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.add_contact_point(work, request)
        )
        return pb.AddContactPointResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def EndContactPoint(
        self, request: pb.EndContactPointRequest, call: Call
    ) -> pb.EndContactPointResponse:
        """One contact point RETIRED."""
        answer = await self._mutations.run(
            request, call, lambda work: self._records.end_contact_point(work, request)
        )
        return pb.EndContactPointResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def AddAddress(self, request: pb.AddAddressRequest, call: Call) -> pb.AddAddressResponse:
        """One address more; the one it follows ends."""
        answer = await self._mutations.edit(
            Customer,
            request,
            call,
            lambda it, work: customer_children.add_address(
                it, request.address, work.today, "address"
            ),
        )
        return pb.AddAddressResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def EndAddress(self, request: pb.EndAddressRequest, call: Call) -> pb.EndAddressResponse:
        """One address ended."""
        answer = await self._mutations.edit(
            Customer,
            request,
            call,
            lambda it, work: customer_children.end_address(
                it, request.address_id, request.end_date, work.today
            ),
        )
        return pb.EndAddressResponse(
            customer=answer.message, consistency_token=answer.consistency_token
        )

    async def _move(self, request: Edit, call: Call, transitions: Transitions) -> dict[str, Any]:
        """The fields of the answer to a change of state and nothing else."""

        def move(customer: Customer, _: Work) -> None:
            customer_rules.move(customer, transitions, request.reason)

        answer = await self._mutations.edit(Customer, request, call, move)
        return {"customer": answer.message, "consistency_token": answer.consistency_token}


@contextmanager
def _taken(field: LiteralString) -> Iterator[None]:
    """Name the field whose identifier turned out to be another customer's."""
    try:
        yield
    except LinkTaken:
        raise AlreadyExists(field) from None
