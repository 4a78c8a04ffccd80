"""Customers as parties of accounts: whether they may be, and what is copied of them.

Reads customers through a mutation's Work, so that they cannot change before the account does.
"""

from collections.abc import Sequence
from datetime import date

from opencif.v1.account_pb2 import Account, AccountParty
from opencif.v1.customer_pb2 import Customer
from repository.link import Relation
from repository.record import Kind
from server import account_rules, names
from server.errors import FailedPrecondition
from server.work import Work
from tokenizer import normal
from tokenizer.identity import Identity

__all__ = ["Parties"]


class Parties:
    """Makes parties from customers' records, and keeps the links from customer to account."""

    __slots__ = ("_identity",)

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def written(
        self, work: Work, given: Sequence[AccountParty], fields: Sequence[str]
    ) -> list[AccountParty]:
        """The parties as they are stored; their customers stay locked.

        `fields` says where the request has each. Raises FailedPrecondition REFERENCE_NOT_FOUND
        for a customer that is not there or not fit, InvalidArgument INVALID_PERIOD.
        """
        customers = await work.read_many(Customer, [party.customer for party in given])
        made = []
        for party, field in zip(given, fields, strict=True):
            customer = customers.get(party.customer)
            if customer is None or not account_rules.is_fit_for_party(customer):
                raise FailedPrecondition("REFERENCE_NOT_FOUND", f"{field}.customer")
            made.append(self._written(party, customer, work.today, field))
        return made

    def name_digests(self, customer: Customer) -> list[int]:
        """Keyed digests of the words a payer may know a customer by, the likeliest 16 first."""
        return self.digests_of([customer])[0]

    def digests_of(self, customers: Sequence[Customer]) -> list[list[int]]:
        """The name digests of each customer, computed together."""
        words = [_name_words(customer) for customer in customers]
        distinct = list(dict.fromkeys(word for each in words for word in each))
        digests = dict(zip(distinct, self._identity.name_digests(distinct), strict=True))
        return [[digests[word] for word in each] for each in words]

    @staticmethod
    def link(work: Work, account: Account, parties: Sequence[AccountParty]) -> None:
        """Have the account found by its parties; it stays so after they have ended."""
        account_id = names.parse(Kind.ACCOUNT, account.name)
        for party in parties:
            customer_id = names.parse(Kind.CUSTOMER, party.customer)
            work.link(Relation.CUSTOMER_ACCOUNT, customer_id, account_id)

    @staticmethod
    def unlink(work: Work, account: Account, parties: Sequence[AccountParty]) -> None:
        """Have the account no longer found by parties that it keeps no trace of."""
        account_id = names.parse(Kind.ACCOUNT, account.name)
        for party in parties:
            customer_id = names.parse(Kind.CUSTOMER, party.customer)
            work.unlink(Relation.CUSTOMER_ACCOUNT, customer_id, account_id)

    def _written(
        self, party: AccountParty, customer: Customer, today: date, field: str
    ) -> AccountParty:
        digests = self.name_digests(customer)
        return account_rules.new_party(party, customer, digests, today, field=field)


def _name_words(customer: Customer) -> list[str]:
    """The words a payer may know a customer by, the likeliest first, no more than are kept."""
    person, organization = customer.person, customer.organization
    known = (
        person.family_name,
        person.given_name,
        organization.legal_name,
        *organization.trading_names,
        customer.display_name,
        person.middle_name,
        *person.former_names,
    )
    words = dict.fromkeys(word for name in known for word in normal.name_words(name))
    return list(words)[: account_rules.NAME_DIGESTS_MAX]
