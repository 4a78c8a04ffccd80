"""Changes of accounts that touch other records too: customers, cards, the accounts they replace.

Owns their order within one transaction; what may happen to one account is account_rules'.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from opencif.v1 import account_pb2 as pb
from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.customer_pb2 import Customer
from repository.link import Relation
from repository.record import Kind
from server import account_rules, card_rules, names
from server.account_numbers import AccountKey, AccountNumbers
from server.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from server.party import Parties
from server.work import Work

__all__ = ["AccountRecords"]

CARDS_REPOINTED_MAX: Final = 100
CARDS_A_TIME: Final = 1_000
PREDECESSORS_MAX: Final = 16


class AccountRecords:
    """Each method is one change: it gets the mutation's Work and returns the answering account."""

    __slots__ = ("_numbers", "_parties")

    def __init__(self, numbers: AccountNumbers, parties: Parties) -> None:
        self._numbers = numbers
        self._parties = parties

    async def create(self, work: Work, request: pb.CreateAccountRequest) -> Account:
        """A new account in PENDING with its first parties."""
        key = self._numbers.key_of(request.account)
        fields = [f"parties[{position}]" for position in range(len(request.parties))]
        parties = await self._parties.written(work, request.parties, fields)
        id_, rivals = await self._reserve(work, key, "account.account_number")
        account = Account()
        account.CopyFrom(request.account)
        account.DiscardUnknownFields()
        account_rules.check_form(account, "account")
        account.state = pb.ACCOUNT_STATE_PENDING
        account.source_system = request.source_system
        account.parties.extend(parties)
        account_rules.check_parties(account, work.today)
        self._numbers.stamp(account, key, rivals)
        work.create(account, id_)
        self._parties.link(work, account, parties)
        return account

    async def delete(self, work: Work, request: pb.DeleteAccountRequest) -> Account:
        """Delete a PENDING or CLOSED account that no live card draws on."""
        account = await work.read(Account, request.name, request.etag)
        account_rules.require_deletable(account)
        await self._require_no_live_cards(work, account)
        await self._unlink(work, account)
        return work.delete(account)

    async def close(self, work: Work, request: pb.CloseAccountRequest) -> Account:
        """Close, or begin to; a card is closed, or replaced, before its account."""
        account = await work.read(Account, request.name, request.etag)
        if request.begin_only:
            account_rules.begin_closing(account)
        else:
            account_rules.close(account, request.close_reason, work.today)
            await self._require_no_live_cards(work, account)
        return work.put(account)

    async def reopen(
        self, work: Work, request: pb.ReopenAccountRequest, customers: Sequence[str]
    ) -> Account:
        """Open a closed account again, for owners who may become parties still.

        `customers` are its parties' as last read: they are locked before the account, whose
        parties nobody changes while it is closed.
        """
        known = await work.read_many(Customer, customers)
        account = await work.read(Account, request.name, request.etag)
        account_rules.reopen(account, request.approval_ref, work.today)
        for party in account_rules.current_parties(account.parties, work.today.isoformat()):
            customer = known.get(party.customer)
            if customer is None:
                raise FailedPrecondition("REFERENCE_NOT_FOUND", "", "a party is there no more")
            if party.role in account_rules.OWNERS and not account_rules.is_fit_for_party(customer):
                raise FailedPrecondition("REFERENCE_NOT_FOUND", "", "an owner is no customer now")
        return work.put(account)

    async def escheat(self, work: Work, request: pb.EscheatAccountRequest) -> Account:
        """Hand to the state; a card is closed, or replaced, before."""
        account = await work.read(Account, request.name, request.etag)
        account_rules.escheat(account)
        await self._require_no_live_cards(work, account)
        return work.put(account)

    async def renumber(self, work: Work, request: pb.RenumberAccountRequest) -> Account:
        """The same account under another number, as a new record.

        Up to 100 live cards are re-pointed to it in the same transaction; with more of them the
        account is not renumbered (LIMIT_REACHED). Up to 16 earlier numbers come to name it too.
        """
        old = await work.read(Account, request.name, request.etag)
        routing_number = request.new_routing_number or old.routing_number
        if not routing_number:
            raise InvalidArgument("REQUIRED", "new_routing_number")
        key = self._numbers.key(routing_number, request.new_account_number, "new_account_number")
        id_, rivals = await self._reserve(work, key, "new_account_number")
        new = account_rules.successor(old)
        new.source_system = request.source_system
        new.account_type = request.new_account_type or old.account_type
        self._numbers.stamp(new, key, rivals)
        work.create(new, id_)
        account_rules.replace(old, new, request.terms, work.today)
        work.put(old)
        self._parties.link(work, new, new.parties)
        await self._repoint_predecessors(work, old, new)
        await self._repoint_cards(work, old, new)
        return new

    async def add_party(self, work: Work, request: pb.AddPartyRequest) -> Account:
        """One party more."""
        parties = await self._parties.written(work, [request.party], ["party"])
        account = await work.read(Account, request.name, request.etag)
        dropped = account_rules.add_party(account, parties[0], work.today)
        self._relink(work, account, parties, dropped)
        return work.put(account)

    async def end_party(self, work: Work, request: pb.EndPartyRequest) -> Account:
        """One party ended, and its successor in place."""
        given = [request.successor] if request.HasField("successor") else []
        parties = await self._parties.written(work, given, ["successor"][: len(given)])
        account = await work.read(Account, request.name, request.etag)
        dropped = account_rules.end_party(
            account, request.party_id, request.end_date, parties[0] if parties else None, work.today
        )
        self._relink(work, account, parties, dropped)
        return work.put(account)

    async def _reserve(
        self, work: Work, key: AccountKey, field: str
    ) -> tuple[bytes, list[Account]]:
        """The id for a new account, and the accounts that may carry one of its tokens.

        The id is that of a closed account under the same number, else a new one. Raises
        AlreadyExists while an account under the number is not closed.
        """
        found = await work.reserve(Account, key.ids, key.rivals)
        former = {id_: found.pop(id_) for id_ in key.ids if id_ in found}
        if any(account.state != account_rules.CLOSED for account in former.values()):
            raise AlreadyExists(field)
        for account in former.values():
            await self._unlink(work, account)
        return next(iter(former), key.ids[0]), list(found.values())

    async def _unlink(self, work: Work, account: Account) -> None:
        """Have the account no longer found by anybody: its number may be somebody else's next."""
        self._parties.unlink(work, account, account.parties)
        account_id = names.parse(Kind.ACCOUNT, account.name)
        async for ids in _card_ids(work, account_id):
            for card_id in ids:
                work.unlink(Relation.ACCOUNT_CARD, account_id, card_id)

    async def _require_no_live_cards(self, work: Work, account: Account) -> None:
        if await self._live_cards(work, account):
            raise FailedPrecondition("RECORD_IN_USE", "", "live cards draw on the account")

    async def _live_cards(self, work: Work, account: Account) -> list[Card]:
        """Cards that draw on the account, locked. To issue or replace one needs its lock."""
        account_id = names.parse(Kind.ACCOUNT, account.name)
        live: list[Card] = []
        async for ids in _card_ids(work, account_id):
            cards = await work.read_many(Card, [names.format(Kind.CARD, id_) for id_ in ids])
            live += [card for card in cards.values() if card_rules.is_live(card)]
        return live

    async def _repoint_predecessors(self, work: Work, old: Account, new: Account) -> None:
        """Have every earlier number of the account name the newest."""
        name, newer = old.replaces, old.name
        for _ in range(PREDECESSORS_MAX):
            found = await work.read_many(Account, [name]) if name else {}
            earlier = found.get(name)
            if earlier is None or earlier.replacement.account != newer:
                return  # given to somebody else since
            account_rules.point_to(earlier, new)
            work.put(earlier)
            name = earlier.replaces

    async def _repoint_cards(self, work: Work, old: Account, new: Account) -> None:
        cards = await self._live_cards(work, old)
        if len(cards) > CARDS_REPOINTED_MAX:
            raise FailedPrecondition("LIMIT_REACHED", "", "more than 100 live cards to re-point")
        old_id, new_id = (names.parse(Kind.ACCOUNT, account.name) for account in (old, new))
        for card in cards:
            for drawn in card.accounts:
                if drawn.account == old.name:
                    drawn.account = new.name
            work.put(card)
            card_id = names.parse(Kind.CARD, card.name)
            work.unlink(Relation.ACCOUNT_CARD, old_id, card_id)
            work.link(Relation.ACCOUNT_CARD, new_id, card_id)

    def _relink(
        self,
        work: Work,
        account: Account,
        added: Sequence[pb.AccountParty],
        dropped: Sequence[pb.AccountParty],
    ) -> None:
        kept = {party.customer for party in account.parties}
        gone = [party for party in dropped if party.customer not in kept]
        self._parties.unlink(work, account, gone)
        self._parties.link(work, account, added)


async def _card_ids(work: Work, account_id: bytes) -> AsyncIterator[list[bytes]]:
    """The ids of all cards that draw or drew on an account, so many at a time."""
    after = b""
    while ids := await work.linked(Relation.ACCOUNT_CARD, account_id, CARDS_A_TIME, after):
        yield ids
        after = ids[-1]
