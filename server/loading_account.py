"""Rows of an import that are accounts: held to the rules of new ones, states and dates as given."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import date
from typing import Final

from opencif.v1 import account_pb2
from opencif.v1.account_pb2 import Account
from repository.link import Link, Relation
from repository.record import Kind
from repository.work import Work
from server import account_rules, names, restriction_rules
from server.account_numbers import AccountKey, AccountNumbers
from server.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from server.loading_batch import Batch, New, hold_to_contract, moved, require_distinct
from server.loading_references import KnownCustomer, Referenced, References, Wants
from server.rpc import Call

__all__ = ["AccountLoader"]

DELETED: Final = account_pb2.ACCOUNT_STATE_DELETED
_ACTIVE_PARTY: Final = account_pb2.PARTY_STATE_ACTIVE


class AccountLoader:
    """Makes accounts of rows."""

    of: Final = Account
    id_field: Final = "account.account_number"
    link_field: Final = ""
    opens_customers: Final = True

    def __init__(self, numbers: AccountNumbers) -> None:
        self._numbers = numbers

    def stands_apart(self, message: Account) -> bool:
        """Never."""
        return False

    async def begin(self, batch: Batch[Account]) -> None:
        """Do what needs nothing but the rows: forms, numbers, ids and tokens of all at once."""
        await batch.each(lambda new: _check(new.message, batch))
        await batch.take_keys(self._numbers.keys_of([new.message for new in batch.news]))

    def wants(self, batch: Batch[Account]) -> Wants:
        """The customers that are parties, and the accounts that renumbering leads to and from."""
        accounts = [new.message for new in batch.news]
        renumbered = {account.replacement.account for account in accounts}
        renumbered |= {account.replaces for account in accounts}
        return {
            Kind.CUSTOMER: {party.customer for account in accounts for party in account.parties},
            Kind.ACCOUNT: renumbered - {""},
        }

    async def complete(
        self,
        batch: Batch[Account],
        referenced: Referenced,
        references: References,
        work: Work,
        call: Call,
    ) -> AsyncGenerator[Sequence[New[Account]], None]:
        """Write into each account what follows from others; its ids stay reserved until commit."""
        keys: list[AccountKey] = [new.key for new in batch.news]
        older = [id_ for key in keys for id_ in (*key.ids[1:], *key.rivals)]
        if older:
            await work.reserve([key.ids[-1] for key in keys] + older)
        heirs = [
            names.parse(Kind.ACCOUNT, new.message.replacement.account)
            for new in batch.news
            if new.message.replacement.account
        ]
        known = await references.accounts(work, [*older, *heirs], call.deadline)
        await batch.each(lambda new: self._complete(new, batch, referenced, known))
        batch.name(Kind.ACCOUNT)
        yield batch.news

    def _complete(
        self,
        new: New[Account],
        batch: Batch[Account],
        referenced: Referenced,
        known: dict[bytes, Account],
    ) -> None:
        account, key = new.message, new.key
        if known and any(id_ in known for id_ in key.ids):
            raise AlreadyExists(self.id_field)
        owners = _complete_parties(account, batch, referenced.customers)
        account_rules.check_parties(account, batch.today)
        _renumber(account, referenced, known, batch.today)
        self._numbers.stamp(account, key, (known[id_] for id_ in key.rivals if id_ in known))
        if key.rivals:
            known[new.id] = account
        new.links = [Link(Relation.CUSTOMER_ACCOUNT, owner, new.id) for owner in owners]


def _check(account: Account, batch: Batch[Account]) -> None:
    hold_to_contract(account, "account", DELETED)
    account_rules.check_form(account, "account")
    account.state = account.state or account_rules.PENDING
    parties, restrictions = account.parties, account.restrictions
    require_distinct([party.party_id for party in parties], "account.parties", "party_id")
    require_distinct(
        [one.restriction_id for one in restrictions], "account.restrictions", "restriction_id"
    )
    for position, restriction in enumerate(restrictions):
        try:
            restriction_rules.complete(restriction, batch.origin.actor, batch.origin.time)
        except InvalidArgument as fault:
            path = f"account.restrictions[{position}]"
            raise moved(fault, "restriction", path) from None


def _complete_parties(
    account: Account, batch: Batch[Account], customers: Mapping[str, KnownCustomer]
) -> set[bytes]:
    """Bring the parties into the form in which they are stored, their states as given.

    Returns the ids of their customers. Raises FailedPrecondition REFERENCE_NOT_FOUND,
    InvalidArgument INVALID_PERIOD.
    """
    is_live = account.state in account_rules.LIVE_STATES
    ids = set()
    for position, party in enumerate(account.parties):
        field = f"account.parties[{position}]"
        known = customers.get(party.customer)
        if known is None or (is_live and not known.is_fit_for_party):
            raise FailedPrecondition("REFERENCE_NOT_FOUND", f"{field}.customer")
        if not party.valid_from:
            party.valid_from = account.open_date or batch.day
        account_rules.complete_party(party, known.copied, field=field)
        if not party.party_id:
            party.party_id = batch.fresh_uuid()
        party.state = party.state or _ACTIVE_PARTY
        ids.add(known.id)
    return ids


def _renumber(
    account: Account, referenced: Referenced, known: Mapping[bytes, Account], today: date
) -> None:
    """Have a renumbered account say what the account that replaces it is."""
    if account.replaces:
        referenced.state(Kind.ACCOUNT, account.replaces, "account.replaces")
    if not account.HasField("replacement"):
        return
    terms = account.replacement
    if account.state != account_rules.CLOSED:  # entries to it would go where nobody closed it for
        raise InvalidArgument("MALFORMED", "account.replacement")
    heir = known.get(names.parse(Kind.ACCOUNT, terms.account)) if terms.account else None
    if heir is None:
        raise FailedPrecondition("REFERENCE_NOT_FOUND", "account.replacement.account")
    terms.reason = terms.reason or account_pb2.RENUMBER_REASON_RENUMBER
    terms.effective_date = terms.effective_date or today.isoformat()
    if terms.valid_to and terms.valid_to < terms.effective_date:
        raise InvalidArgument("INVALID_PERIOD", "account.replacement.valid_to")
    account_rules.point_to(account, heir)
