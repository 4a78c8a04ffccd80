"""Rows of an import that are cards: held to the rules of new ones, states and dates as given."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from opencif.v1 import card_pb2, customer_pb2
from opencif.v1.card_pb2 import Card
from repository.link import Link, Relation
from repository.loading import hold
from repository.record import Kind
from repository.work import Work
from server import account_rules, card_records, card_rules, card_token_rules
from server.card_numbers import CardNumbers
from server.card_records import DRAWABLE_STATES
from server.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from server.loading_batch import Batch, New, hold_to_contract, moved, require_distinct
from server.loading_references import Referenced, References, Wants
from server.rpc import Call

__all__ = ["CardLoader"]

DELETED: Final = card_pb2.CARD_STATE_DELETED
DECEASED: Final = customer_pb2.CUSTOMER_STATE_DECEASED
_STATES: Final = (card_token_rules.ACTIVE, card_token_rules.DEACTIVATED)  # of a card: live, over


class CardLoader:
    """Makes cards of rows."""

    of: Final = Card
    id_field: Final = "card.pan"
    link_field: Final = "card.card_tokens"
    opens_customers: Final = False

    def __init__(self, numbers: CardNumbers) -> None:
        self._numbers = numbers

    def stands_apart(self, message: Card) -> bool:
        """Never."""
        return False

    async def begin(self, batch: Batch[Card]) -> None:
        """Do what needs nothing but the rows: forms, numbers, ids and tokens of all at once."""
        await batch.each(lambda new: self._check(new.message, batch))
        numbers = [new.message.pan for new in batch.news]
        await batch.take_keys(self._numbers.keys(numbers, self.id_field))

    def wants(self, batch: Batch[Card]) -> Wants:
        """Cardholders, accounts, and the cards before and after."""
        cards = [new.message for new in batch.news]
        neighbours = {name for card in cards for name in (card.replaces, card.replaced_by)}
        return {
            Kind.CUSTOMER: {card.cardholder for card in cards},
            Kind.ACCOUNT: {drawn.account for card in cards for drawn in card.accounts},
            Kind.CARD: neighbours - {""},
        }

    async def complete(
        self,
        batch: Batch[Card],
        referenced: Referenced,
        references: References,
        work: Work,
        call: Call,
    ) -> AsyncGenerator[Sequence[New[Card]], None]:
        """Hold each card to its references, and give it its number and links."""
        older = {id_: new.id for new in batch.news for id_ in new.key.ids[1:]}
        if older:
            await work.reserve([new.key.ids[-1] for new in batch.news])
        taken = {older[id_] for id_ in await hold(work, Kind.CARD, list(older))}
        await batch.each(lambda new: self._complete(new, referenced, taken))
        batch.name(Kind.CARD)
        yield batch.news

    def _check(self, card: Card, batch: Batch[Card]) -> None:
        hold_to_contract(card, "card", DELETED)
        card_rules.check_form(card)
        card.state = card.state or card_rules.ISSUED
        is_over = not card_rules.is_live(card)
        ids = [token.token_id for token in card.card_tokens]
        require_distinct(ids, "card.card_tokens", "token_id")
        del card.dpans[:]
        for position, token in enumerate(card.card_tokens):
            field = f"card.card_tokens[{position}]"
            try:
                card_token_rules.check_terms(token)
            except InvalidArgument as fault:
                raise moved(fault, "token", field) from None
            token.token_id = token.token_id or batch.fresh_uuid()
            token.state = token.state or _STATES[is_over]
            if is_over and token.state != card_token_rules.DEACTIVATED:
                raise InvalidArgument("MALFORMED", f"{field}.state")  # its number would find it
            if token.state != card_token_rules.DEACTIVATED:
                token.dpan = self._numbers.dpan(token.dpan, f"{field}.dpan")
                token.dpan_last4 = token.dpan[-4:]
                card.dpans.add(token_id=token.token_id, dpan=token.dpan)

    def _complete(self, new: New[Card], referenced: Referenced, taken: set[bytes]) -> None:
        card, key = new.message, new.key
        if new.id in taken:
            raise AlreadyExists(self.id_field)
        _check_references(card, referenced)
        self._numbers.stamp(card, key)
        new.links = [
            Link(relation, parent, new.id) for relation, parent in card_records.parents(card)
        ]
        new.links += self._token_links(card, new.id)

    def _token_links(self, card: Card, id_: bytes) -> Iterator[Link]:
        """What the card is found by of its network tokens."""
        references = {token.token_id: token.token_unique_reference for token in card.card_tokens}
        for value in card.dpans:
            for found_by in self._numbers.dpan_keys(value.dpan):
                yield Link(Relation.DPAN_CARD, found_by, id_, exclusive=True)
            if reference := references[value.token_id]:
                for found_by in self._numbers.reference_keys(reference):
                    yield Link(Relation.TOKEN_REFERENCE_CARD, found_by, id_)


def _check_references(card: Card, referenced: Referenced) -> None:
    """Raise FailedPrecondition REFERENCE_NOT_FOUND unless what a live card needs is fit for it.

    Of a card that is over it is enough that they are there.
    """
    is_live = card_rules.is_live(card)
    holder = referenced.state(Kind.CUSTOMER, card.cardholder, "card.cardholder")
    if is_live and (holder == DECEASED or holder in account_rules.UNFIT_CUSTOMERS):
        raise FailedPrecondition("REFERENCE_NOT_FOUND", "card.cardholder")
    for position, drawn in enumerate(card.accounts):
        field = f"card.accounts[{position}].account"
        state = referenced.state(Kind.ACCOUNT, drawn.account, field)
        if is_live and state not in DRAWABLE_STATES:
            raise FailedPrecondition("REFERENCE_NOT_FOUND", field)
    for neighbour in ("replaces", "replaced_by"):
        if name := getattr(card, neighbour):
            referenced.state(Kind.CARD, name, f"card.{neighbour}")
