"""LookupService, the hot path: keys -> ids -> frames at hand, in the cache or in the database.

Written for speed: no await where all is at hand, no task and no message per item. What is missing
or malformed is its item's result.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Final, TypeAlias

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.lookup_pb2 import (
    LookupAccountsRequest,
    LookupCardsRequest,
    StreamLookupAccountsRequest,
    StreamLookupCardsRequest,
)
from opencif.v1.record_pb2 import VIEW_FULL
from opencif.v1.record_pb2 import Consistency as Asked
from repository.link import LinkStore, Relation
from repository.reading import Consistency, Freshness
from repository.record import Kind
from server import card_rules, names, network_response, splice
from server.account_rules import OWNERS, current_parties
from server.errors import InvalidArgument
from server.frames import FORMS, Frames
from server.lookup_keys import AccountKeys, CardKeys, Wanted
from server.reading import Reads
from server.rpc import Call, takes_bytes
from server.validation import validate

__all__ = ["LookupServicer"]

_ANSWER: Final = 1  # Stream...Response.answer
_LOOKUP: Final = 1  # Stream...Request.lookup
_ANYHOW: Final = Asked()  # what a request asks for that says nothing about consistency

Answer: TypeAlias = bytes | Awaitable[bytes]
Chunk: TypeAlias = StreamLookupAccountsRequest | StreamLookupCardsRequest


class LookupServicer:
    """Implements opencif.v1.LookupService."""

    def __init__(
        self,
        reads: Reads,
        frames: Frames,
        links: LinkStore,
        account_keys: AccountKeys,
        card_keys: CardKeys,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reads = reads
        self._frames = frames
        self._links = links
        self._account_keys = account_keys
        self._card_keys = card_keys
        self._clock = clock

    @takes_bytes
    def LookupAccounts(self, data: bytes, call: Call) -> Answer:
        """Look accounts up, with their current owners if asked for."""
        if (id_ := self._account_keys.one(data)) is not None:
            return self._one(Kind.ACCOUNT, id_, call)
        wanted, request = self._account_keys.read(data)
        call.items = len(wanted)
        ids = wanted.single
        if ids is None or request.with_owners:
            return self._accounts(wanted, request, call)
        return self._plain(Kind.ACCOUNT, ids, request.consistency, call)

    @takes_bytes
    def LookupCards(self, data: bytes, call: Call) -> Answer:
        """Look cards up, with the accounts they draw on if asked for."""
        if (id_ := self._card_keys.one(data)) is not None:
            return self._one(Kind.CARD, id_, call)
        wanted, dpans, request = self._card_keys.read(data)
        call.items = len(wanted)
        ids = wanted.single
        if ids is None or request.with_accounts:
            return self._cards(wanted, dpans, request, call)
        return self._plain(Kind.CARD, ids, request.consistency, call)

    @takes_bytes
    async def StreamLookupAccounts(
        self, requests: AsyncIterator[bytes], call: Call
    ) -> AsyncIterator[bytes]:
        """Answer chunk by chunk: the next is read when this answer has been taken."""
        async for data in requests:
            yield await _chunk(StreamLookupAccountsRequest, data, self.LookupAccounts, call)

    @takes_bytes
    async def StreamLookupCards(
        self, requests: AsyncIterator[bytes], call: Call
    ) -> AsyncIterator[bytes]:
        """Answer chunk by chunk: the next is read when this answer has been taken."""
        async for data in requests:
            yield await _chunk(StreamLookupCardsRequest, data, self.LookupCards, call)

    def _one(self, kind: int, id_: bytes, call: Call) -> Answer:
        """The answer to a request for one id and nothing else: its frame."""
        call.items = 1
        return self._frames.one(kind, id_, call) or self._plain(kind, [id_], _ANYHOW, call)

    def _plain(self, kind: int, ids: list[bytes], asked: Asked, call: Call) -> Answer:
        """An answer whose results are frames as they are, one for each id."""
        since = self._reads.stale_since(asked)
        results = self._frames.joined(kind, ids, self._reads.freshness(asked), call)
        if since is None:
            return results
        if isinstance(results, bytes):
            return splice.answer(results, since)
        return self._plain_when_read(results, since)

    async def _plain_when_read(self, results: Awaitable[bytes], since: Timestamp) -> bytes:
        return splice.answer(await results, since)

    async def _accounts(self, wanted: Wanted, request: LookupAccountsRequest, call: Call) -> bytes:
        freshness = self._reads.freshness(request.consistency)
        since = self._reads.stale_since(request.consistency)
        ids = wanted.every_id()
        if wanted.tokens or request.with_owners:  # what is to be read in a record is not its frame
            records = wanted.hits(await self._frames.records(Kind.ACCOUNT, ids, freshness, call))
            owners = await self._owners(records, request, freshness, call)
            hits = [
                None if record is None else splice.found(record, linked)
                for record, linked in zip(records, owners, strict=True)
            ]
        else:
            hits = wanted.hits(await self._frames.found(Kind.ACCOUNT, ids, freshness, call))
        return splice.answer(_results(hits, wanted.refused, b""), since)

    async def _owners(
        self,
        accounts: Sequence[bytes | None],
        request: LookupAccountsRequest,
        freshness: Freshness,
        call: Call,
    ) -> list[list[bytes]]:
        """Each account's current owners, if they are asked for: one read for all of them."""
        if not request.with_owners:
            return [[]] * len(accounts)
        today = self._clock().date().isoformat()
        ids = [[] if account is None else _owners_of(account, today) for account in accounts]
        found = await self._reads.plaintexts(
            Kind.CUSTOMER,
            chain.from_iterable(ids),
            call,
            freshness=freshness,
            private=request.view == VIEW_FULL,
        )
        return [[found[id_] for id_ in each if id_ in found] for each in ids]

    async def _cards(
        self,
        wanted: Wanted,
        dpans: Mapping[int, Sequence[bytes]],
        request: LookupCardsRequest,
        call: Call,
    ) -> bytes:
        freshness = self._reads.freshness(request.consistency)
        since = self._reads.stale_since(request.consistency)
        if dpans:
            await self._follow(dpans, wanted, freshness, call)
        hits = wanted.hits(await self._frames.found(Kind.CARD, wanted.every_id(), freshness, call))
        if request.with_accounts:
            hits = await self._with_accounts(hits, freshness, call)
        return splice.answer(_results(hits, wanted.refused, network_response.NOT_THERE), since)

    async def _with_accounts(
        self, hits: Sequence[bytes | None], freshness: Freshness, call: Call
    ) -> list[bytes | None]:
        """The cards' results with the accounts they draw on: one read for all of them."""
        form = FORMS[Kind.CARD]
        records = [b"" if hit is None else form.record(hit) for hit in hits]
        ids = [_accounts_of(record) for record in records]
        found = await self._frames.records(Kind.ACCOUNT, chain.from_iterable(ids), freshness, call)
        return [
            None
            if hit is None
            else splice.found(record, [found[i] for i in each if i in found], form.tail(hit))
            for hit, record, each in zip(hits, records, ids, strict=True)
        ]

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


def _owners_of(account: bytes, today: str) -> list[bytes]:
    """The ids of an account's current owners, each once."""
    parties = current_parties(Account.FromString(account).parties, today)
    owners = dict.fromkeys(party.customer for party in parties if party.role in OWNERS)
    return [names.parse(Kind.CUSTOMER, owner) for owner in owners]


def _accounts_of(record: bytes) -> list[bytes]:
    """The ids of the accounts a card draws on, each once."""
    card = Card.FromString(record)
    if not card_rules.is_live(card):
        return []  # what it drew on may have been closed, and its number given to somebody else
    accounts = dict.fromkeys(drawn.account for drawn in card.accounts)
    return [names.parse(Kind.ACCOUNT, account) for account in accounts]


def _results(hits: Sequence[bytes | None], refused: Mapping[int, str], tail: bytes) -> bytes:
    """The results in order; `tail` ends those of keys that found nothing."""
    return b"".join(
        _missing(refused.get(position), tail) if hit is None else hit
        for position, hit in enumerate(hits)
    )


@cache
def _missing(reason: str | None, tail: bytes) -> bytes:
    return splice.not_found(tail) if reason is None else splice.refused(reason, tail)


async def _chunk(
    kind: type[Chunk], data: bytes, look_up: Callable[[bytes, Call], Answer], call: Call
) -> bytes:
    """One chunk's answer. Raises InvalidArgument naming the field as the chunk has it."""
    try:
        answer = look_up(_lookup_of(kind, data), call)
    except InvalidArgument:
        validate(_parsed(kind, data))
        raise
    return splice.embedded(_ANSWER, answer if isinstance(answer, bytes) else await answer)


def _lookup_of(kind: type[Chunk], data: bytes) -> bytes:
    """The bytes of a chunk's lookup: a part of the chunk's own where it holds nothing else."""
    lookup = splice.payload(_LOOKUP, data)
    if lookup is None:
        request = _parsed(kind, data)
        validate(request)
        lookup = request.lookup.SerializeToString()
    return lookup


def _parsed(kind: type[Chunk], data: bytes) -> Chunk:
    try:
        return kind.FromString(data)
    except (DecodeError, RecursionError):
        raise InvalidArgument("MALFORMED") from None
