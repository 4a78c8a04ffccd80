"""LookupService, the hot path: keys -> ids -> cache or one statement -> splice.

Written for speed: no await and no task per item, no message built for an answer. What is missing
or malformed is its item's result.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import chain, repeat
from typing import Final

from opencif.v1 import card_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.lookup_pb2 import (
    LookupAccountsRequest,
    LookupCardsRequest,
    StreamLookupAccountsRequest,
    StreamLookupCardsRequest,
)
from opencif.v1.record_pb2 import VIEW_FULL
from repository.link import LinkStore, Relation
from repository.reading import Consistency, Freshness
from repository.record import Kind
from server import card_rules, names, splice
from server.account_rules import OWNERS, current_parties
from server.lookup_keys import AccountKeys, CardKeys, Wanted
from server.reading import Reads
from server.rpc import Call

__all__ = ["LookupServicer", "network_response"]

GOOD: Final = "00"
UNKNOWN: Final = "14"
EXPIRED: Final = "54"
# ISO 8583 DE 39 by state. A card that is gone for good is as unknown as one that never was.
_RESPONSES: Final = {
    card_pb2.CARD_STATE_ORDERED: "78",
    card_pb2.CARD_STATE_ISSUED: "78",
    card_pb2.CARD_STATE_ACTIVE: GOOD,
    card_pb2.CARD_STATE_BLOCKED: "62",
    card_pb2.CARD_STATE_LOST: "41",
    card_pb2.CARD_STATE_STOLEN: "43",
    card_pb2.CARD_STATE_COMPROMISED: "62",
    card_pb2.CARD_STATE_DAMAGED: "62",
    card_pb2.CARD_STATE_EXPIRED: EXPIRED,
    card_pb2.CARD_STATE_REPLACED: UNKNOWN,
    card_pb2.CARD_STATE_CLOSED: UNKNOWN,
}
# Whose month does not matter: the answer is about the card's whereabouts, not its age.
_WHATEVER_THE_MONTH: Final = frozenset({"41", "43", UNKNOWN})

_ANSWER: Final = 1  # Stream...Response.answer
_NETWORK_RESPONSE: Final = 5  # CardResult.network_response


class LookupServicer:
    """Implements opencif.v1.LookupService."""

    def __init__(
        self,
        reads: Reads,
        links: LinkStore,
        account_keys: AccountKeys,
        card_keys: CardKeys,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reads = reads
        self._links = links
        self._account_keys = account_keys
        self._card_keys = card_keys
        self._clock = clock

    async def LookupAccounts(self, request: LookupAccountsRequest, call: Call) -> bytes:
        """Look accounts up, with their current owners if asked for."""
        wanted = self._account_keys.wanted(request.keys)
        freshness = self._reads.freshness(request.consistency)
        opened = await self._reads.plaintexts(
            Kind.ACCOUNT, wanted.every_id(), call, freshness=freshness
        )
        hits = wanted.hits(opened)
        linked: Iterable[Sequence[bytes]] = repeat(())
        if request.with_owners:
            today = self._clock().date().isoformat()
            owners = [() if hit is None else _owners(hit, today) for hit in hits]
            found = await self._reads.plaintexts(
                Kind.CUSTOMER,
                chain.from_iterable(owners),
                call,
                freshness=freshness,
                private=request.view == VIEW_FULL,
            )
            linked = _of_each(owners, found)
        results = _spliced(hits, wanted.refused, linked, repeat(b""))
        return splice.answer(results, self._reads.stale_since(request.consistency))

    async def LookupCards(self, request: LookupCardsRequest, call: Call) -> bytes:
        """Look cards up, with the accounts they draw on if asked for."""
        wanted, dpans = self._card_keys.wanted(request.keys)
        freshness = self._reads.freshness(request.consistency)
        if dpans:
            await self._follow(dpans, wanted, freshness, call)
        opened = await self._reads.plaintexts(
            Kind.CARD, wanted.every_id(), call, freshness=freshness
        )
        hits = wanted.hits(opened)
        cards = [None if hit is None else Card.FromString(hit) for hit in hits]
        linked: Iterable[Sequence[bytes]] = repeat(())
        if request.with_accounts:
            drawn = [() if card is None else _accounts(card) for card in cards]
            found = await self._reads.plaintexts(
                Kind.ACCOUNT, chain.from_iterable(drawn), call, freshness=freshness
            )
            linked = _of_each(drawn, found)
        today = self._clock().date()
        tails = [_response_field(network_response(card, today)) for card in cards]
        results = _spliced(hits, wanted.refused, linked, tails)
        return splice.answer(results, self._reads.stale_since(request.consistency))

    async def StreamLookupAccounts(
        self, requests: AsyncIterator[StreamLookupAccountsRequest], call: Call
    ) -> AsyncIterator[bytes]:
        """Answer chunk by chunk: the next is read when this answer has been taken."""
        async for request in requests:
            yield splice.embedded(_ANSWER, await self.LookupAccounts(request.lookup, call))

    async def StreamLookupCards(
        self, requests: AsyncIterator[StreamLookupCardsRequest], call: Call
    ) -> AsyncIterator[bytes]:
        """Answer chunk by chunk: the next is read when this answer has been taken."""
        async for request in requests:
            yield splice.embedded(_ANSWER, await self.LookupCards(request.lookup, call))

    async def _follow(
        self,
        dpans: Mapping[int, Sequence[bytes]],
        wanted: Wanted,
        freshness: Freshness,
        call: Call,
    ) -> None:
        """Put the cards that device PANs lead to: one statement for all of them."""
        links = await self._links.get_many(
            Relation.DPAN_CARD,
            list(dict.fromkeys(chain.from_iterable(dpans.values()))),
            primary=freshness is not Consistency.MINIMIZE_LATENCY,
            deadline=call.deadline,
        )
        for position, keys in dpans.items():
            wanted.ids[position] = [id_ for key in keys for id_ in links.get(key, ())]


def network_response(card: Card | None, today: date) -> str:
    """The hint at ISO 8583 DE 39 that a card's state and last month call for."""
    if card is None:
        return UNKNOWN
    response = _RESPONSES.get(card.state, UNKNOWN)
    if response not in _WHATEVER_THE_MONTH and card.expiry < today.isoformat()[:7]:
        return EXPIRED
    return response


def _owners(record: bytes, today: str) -> list[bytes]:
    """The ids of an account's current owners, each once."""
    parties = current_parties(Account.FromString(record).parties, today)
    owners = dict.fromkeys(party.customer for party in parties if party.role in OWNERS)
    return [names.parse(Kind.CUSTOMER, owner) for owner in owners]


def _accounts(card: Card) -> list[bytes]:
    """The ids of the accounts a card draws on, each once."""
    if not card_rules.is_live(card):
        return []  # what it drew on may have been closed, and its number given to somebody else
    accounts = dict.fromkeys(drawn.account for drawn in card.accounts)
    return [names.parse(Kind.ACCOUNT, account) for account in accounts]


def _of_each(
    ids: Sequence[Sequence[bytes]], found: Mapping[bytes, bytes]
) -> Iterable[Sequence[bytes]]:
    """The records linked to each item, of those that exist."""
    return [[found[id_] for id_ in each if id_ in found] for each in ids]


def _spliced(
    hits: Sequence[bytes | None],
    refused: Mapping[int, str],
    linked: Iterable[Sequence[bytes]],
    tails: Iterable[bytes],
) -> list[bytes]:
    """The results in order; `tails` are the fields behind the linked records."""
    return [
        _missing(refused.get(position), tail) if hit is None else splice.found(hit, more, tail)
        for position, (hit, more, tail) in enumerate(zip(hits, linked, tails, strict=False))
    ]


@cache
def _missing(reason: str | None, tail: bytes) -> bytes:
    return splice.not_found(tail) if reason is None else splice.refused(reason, tail)


@cache
def _response_field(response: str) -> bytes:
    return splice.embedded(_NETWORK_RESPONSE, response.encode())
