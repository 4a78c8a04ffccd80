"""Changes of cards that touch other records or links too: cardholders, accounts, successors.

Owns their order within one transaction; what may happen to one card is card_rules'.
"""

from collections.abc import Iterable, Sequence
from typing import Final, LiteralString

from opencif.v1 import card_pb2 as pb
from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card, CardToken
from opencif.v1.customer_pb2 import Customer
from repository.link import Relation
from repository.record import Kind
from server import account_rules, card_rules, card_token_rules, names
from server.card_numbers import CardKey, CardNumbers
from server.errors import Aborted, AlreadyExists, FailedPrecondition
from server.work import Work

__all__ = ["DRAWABLE_STATES", "CardRecords", "parents"]

# Accounts that a card may draw on; one on the way out takes no new card.
DRAWABLE_STATES: Final = frozenset(
    {account_rules.PENDING, account_rules.OPEN, account_rules.DORMANT}
)


class CardRecords:
    """Each method is one change: it gets the mutation's Work and returns the answering card."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: CardNumbers) -> None:
        self._numbers = numbers

    async def issue(self, work: Work, request: pb.IssueCardRequest) -> Card:
        """A new card for a customer, drawing on accounts."""
        key = self._numbers.key(request.card.pan, "card.pan")
        card_rules.check_form(request.card)
        card_rules.check_expiry(request.card, work.today)
        await self._require_references(work, request.card)
        id_ = await self._free_id(work, key, "card.pan")
        card = Card()
        card.CopyFrom(request.card)
        card.DiscardUnknownFields()
        card.source_system = request.source_system
        card_rules.issue(card, work.now, order_only=request.order_only)
        self._numbers.stamp(card, key)
        work.create(card, id_)
        self._link(work, card)
        return card

    async def replace(
        self, work: Work, request: pb.ReplaceCardRequest, seen: Sequence[Card]
    ) -> Card:
        """The card that takes another's place; the other's tokens stand for it from now on.

        `seen` has the other as last read: its cardholder, who never changes, and its accounts are
        locked before it. Who closes one of those must not miss the new card.
        """
        key = self._numbers.key(request.new_pan, "new_pan")
        known = await work.read_many(Customer, [card.cardholder for card in seen])
        locked = {drawn.account for card in seen for drawn in card.accounts}
        await work.read_many(Account, locked)
        old = await work.numbers(await work.read(Card, request.name, request.etag))
        if not locked.issuperset(drawn.account for drawn in old.accounts):
            raise Aborted("CONFLICT")
        _require_holder(known.get(old.cardholder), "")
        id_ = await self._free_id(work, key, "new_pan")
        new = card_rules.successor(old, request.new_expiry, request.form, work.today)
        new.source_system = request.source_system
        card_rules.issue(new, work.now, order_only=False)
        self._numbers.stamp(new, key)
        work.create(new, id_)
        card_rules.replace(old, new)
        work.put(old)
        self._link(work, new)
        for token in new.card_tokens:
            dpan = card_token_rules.dpan_of(new, token.token_id)
            self._unlink_token(work, old, token, dpan)
            self._link_token(work, new, token, dpan)
        return new

    async def close(self, work: Work, request: pb.CloseCardRequest) -> Card:
        """Closed for good; its tokens' numbers no longer find it."""
        card = await work.numbers(await work.read(Card, request.name, request.etag))
        self._unlink_tokens(work, card)
        card_rules.close(card, request.state_reason)
        return work.put(card)

    async def provision(self, work: Work, request: pb.ProvisionCardTokenRequest) -> Card:
        """One network token more, whose number finds the card from now on."""
        dpan = self._numbers.dpan(request.token.dpan, "token.dpan")
        card = await work.numbers(await work.read(Card, request.name, request.etag))
        keys = self._numbers.dpan_keys(dpan)
        if await work.holders(Relation.DPAN_CARD, keys):
            raise AlreadyExists("token.dpan")
        token = card_token_rules.provision(card, request.token, dpan, activated=request.activate)
        self._link_token(work, card, token, dpan)
        return work.put(card)

    async def deactivate_token(self, work: Work, request: pb.DeactivateCardTokenRequest) -> Card:
        """One network token less: its number no longer finds the card."""
        card = await work.numbers(await work.read(Card, request.name, request.etag))
        token = card_token_rules.find(card, request.token_id)
        dpan = card_token_rules.dpan_of(card, request.token_id)
        card_token_rules.deactivate(card, request.token_id)
        self._unlink_token(work, card, token, dpan)
        return work.put(card)

    async def _require_references(self, work: Work, card: Card) -> None:
        """Raise FailedPrecondition REFERENCE_NOT_FOUND unless holder and accounts are fit."""
        customers = await work.read_many(Customer, [card.cardholder])
        _require_holder(customers.get(card.cardholder), "card.cardholder")
        accounts = await work.read_many(Account, [drawn.account for drawn in card.accounts])
        for position, drawn in enumerate(card.accounts):
            account = accounts.get(drawn.account)
            if account is None or account.state not in DRAWABLE_STATES:
                field = f"card.accounts[{position}].account"
                raise FailedPrecondition("REFERENCE_NOT_FOUND", field)

    async def _free_id(self, work: Work, key: CardKey, field: str) -> bytes:
        """The id for a new card: a closed one's under the same number, else a new one.

        Raises AlreadyExists while a card of any generation is not closed.
        """
        former = await work.reserve(Card, key.ids)
        if any(card.state != card_rules.CLOSED for card in former.values()):
            raise AlreadyExists(field)
        for card in former.values():
            self._unlink(work, card)
        return next(iter(former), key.ids[0])

    def _link(self, work: Work, card: Card) -> None:
        for relation, key in parents(card):
            work.link(relation, key, names.parse(Kind.CARD, card.name))

    def _unlink(self, work: Work, card: Card) -> None:
        for relation, key in parents(card):
            work.unlink(relation, key, names.parse(Kind.CARD, card.name))

    def _unlink_tokens(self, work: Work, card: Card) -> None:
        for token in card.card_tokens:
            dpan = card_token_rules.dpan_of(card, token.token_id)
            self._unlink_token(work, card, token, dpan)

    def _link_token(self, work: Work, card: Card, token: CardToken, dpan: str) -> None:
        """Have the card found by a token's number and by its provider's reference.

        Under every generation, as customers are: that keeps the number one card's.
        """
        card_id = names.parse(Kind.CARD, card.name)
        for key in self._numbers.dpan_keys(dpan):
            work.link(Relation.DPAN_CARD, key, card_id, exclusive=True)
        if token.token_unique_reference:
            for key in self._numbers.reference_keys(token.token_unique_reference):
                work.link(Relation.TOKEN_REFERENCE_CARD, key, card_id)

    def _unlink_token(self, work: Work, card: Card, token: CardToken, dpan: str) -> None:
        """Have the card no longer found by a token, under whichever generation it was."""
        card_id = names.parse(Kind.CARD, card.name)
        if dpan:
            for key in self._numbers.dpan_keys(dpan):
                work.unlink(Relation.DPAN_CARD, key, card_id)
        if token.token_unique_reference:
            for key in self._numbers.reference_keys(token.token_unique_reference):
                work.unlink(Relation.TOKEN_REFERENCE_CARD, key, card_id)


def _require_holder(holder: Customer | None, field: LiteralString) -> None:
    """Raise FailedPrecondition REFERENCE_NOT_FOUND unless a card can be issued to a customer."""
    if holder is None or not account_rules.is_fit_for_party(holder) or holder.deceased_date:
        raise FailedPrecondition(
            "REFERENCE_NOT_FOUND", field, "the cardholder is not there, dead or on the way out"
        )


def parents(card: Card) -> Iterable[tuple[int, bytes]]:
    """(relation, key) of everything that a card is listed under."""
    yield Relation.CUSTOMER_CARD, names.parse(Kind.CUSTOMER, card.cardholder)
    for drawn in card.accounts:
        yield Relation.ACCOUNT_CARD, names.parse(Kind.ACCOUNT, drawn.account)
