"""What a bench asks for: kinds of keys, shapes of calls, sources of records; and the requests.

Every key is asked for once with the published client first: what it finds is checked, and its size
is what every later answer is held to.
"""

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from google.protobuf.message import Message

from loadtests.bench_answer import framed
from loadtests.bench_ratios import OWN, VALKEY
from loadtests.sample_accounts import pan
from loadtests.sample_bank import SampleBank
from loadtests.sample_numbers import MAIN, account_number
from opencif.client import Client
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_NOT_FOUND,
    AccountKey,
    AccountNumber,
    CardKey,
    LookupAccountsRequest,
    LookupCardsRequest,
    StreamLookupAccountsRequest,
    StreamLookupCardsRequest,
)
from opencif.v1.tokenization_pb2 import TOKEN_TYPE_PAN, Plain

__all__ = [
    "KINDS", "SECURED_SOURCES", "SHAPES", "SOURCES", "Case", "Keys", "Kind", "NotAsExpected",
    "Shape", "Source", "asked", "cases", "gather",
]  # fmt: skip

_SERVICE: Final = "/opencif.v1.LookupService/"
_UNKNOWN_FROM: Final = 10_000_000  # slots beyond any bank that a bench loads
_PLACE: Final = 12  # a character of a name that is exchanged to make it nobody's
_SEED: Final = 7420


class NotAsExpected(Exception):
    """The server did not find what is there, or found what is not; says of which kind of key."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many keys a call has, and how many calls are under way; `streams`: chunks of them."""

    name: str
    items: int
    in_flight: int
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of key: which of the two lookups takes it."""

    name: str
    is_card: bool

    def method(self, shape: Shape) -> str:
        """The path of the method."""
        noun = "Cards" if self.is_card else "Accounts"
        return f"{_SERVICE}{'StreamLookup' if shape.streams else 'Lookup'}{noun}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from: the server's settings that make it so, and which keys are asked."""

    name: str
    settings: Mapping[str, str]
    known: bool = True
    counted_as: str = ""
    """What the server's metric of cache hits calls it, where it can be checked by that."""
    is_secured: bool = False
    """Whether its server has mutual TLS and a table of permissions."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure."""

    kind: Kind
    shape: Shape
    source: Source

    @property
    def name(self) -> str:
        """Its name in every result."""
        return f"{self.kind.name}, {self.source.name}"


SHAPES: Final = (
    Shape("1", 1, in_flight=64),
    Shape("10", 10, in_flight=32),
    Shape("100", 100, in_flight=8),
    Shape("1,000", 1_000, in_flight=8),
    Shape("stream of 1,000", 1_000, in_flight=2, streams=True),
)
KINDS: Final = (
    Kind("accounts by number", is_card=False),
    Kind("accounts by name", is_card=False),
    Kind("cards by PAN", is_card=True),
    Kind("cards by token", is_card=True),
)
_NO_OWN: Final = {"OPENCIF_OPENED_MAX_BYTES": "0"}
SOURCES: Final = (
    Source(OWN, {}, counted_as="own"),
    Source(VALKEY, _NO_OWN, counted_as="valkey"),
    Source("database", {**_NO_OWN, "OPENCIF_CACHE_URL": ""}),
    Source("unknown ids", _NO_OWN, known=False),
)
SECURED_SOURCES: Final = tuple(replace(source, is_secured=True) for source in SOURCES[:2])


def cases(shape: Shape) -> Iterator[Case]:
    """Everything of one shape: the sources of a kind beside each other."""
    for kind in KINDS:
        for source in SOURCES:
            yield Case(kind, shape, source)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Keys of one kind, all known or all unknown, in an order that no index has."""

    kind: Kind
    keys: Sequence[Any]
    results: Sequence[Any]
    """What the server answered to each."""

    def requests(self, shape: Shape) -> Iterator[tuple[bytes, int]]:
        """All keys in full calls of this shape: each request, and the size of its answer.

        Where there are too few for one call they are repeated.
        """
        repeats = -(-shape.items // len(self.keys))
        keys, results = [*self.keys] * repeats, [*self.results] * repeats
        sizes = [framed(result.ByteSize()) for result in results]
        for at in range(0, len(keys) - shape.items + 1, shape.items):
            size = sum(sizes[at : at + shape.items])
            part = keys[at : at + shape.items]
            request = self._request(part, streams=shape.streams).SerializeToString()
            yield request, framed(size) if shape.streams else size

    def _request(self, part: Sequence[Any], *, streams: bool) -> Message:
        if self.kind.is_card:
            cards = LookupCardsRequest(keys=part)
            return StreamLookupCardsRequest(lookup=cards) if streams else cards
        accounts = LookupAccountsRequest(keys=part)
        return StreamLookupAccountsRequest(lookup=accounts) if streams else accounts


Found = tuple[list[Any], list[Any]]
"""Keys and what each found."""


async def gather(
    client: Client, bank: SampleBank, most: int
) -> dict[tuple[str, bool], Keys]:  # fmt: skip
    """Keys by (kind, known), at most so many of each, every one asked for and found as it must be.

    Asking fills the cache. Raises: NotAsExpected.
    """
    known = [
        AccountKey(number=AccountNumber(
            routing_number=account.routing_number, account_number=account.account_number
        ))
        for account in islice(bank.accounts(), most)
    ]  # fmt: skip
    unknown = [
        AccountKey(number=AccountNumber(
            routing_number=MAIN, account_number=account_number(_UNKNOWN_FROM + slot)
        ))
        for slot in range(len(known))
    ]  # fmt: skip
    pans = [pan(bank.dice, slot) for slot, _, _ in islice(bank.carded(), most)]
    nobodys_pans = [pan(bank.dice, _UNKNOWN_FROM + slot) for slot in range(len(pans))]
    numbers = await _both(client.lookup_accounts, known, unknown)
    names = [result.account.name for result in numbers[True][1]]
    groups = (
        numbers,
        await _both(
            client.lookup_accounts,
            [AccountKey(name=name) for name in names],
            [AccountKey(name=_nobodys(name)) for name in names],
        ),
        await _both(
            client.lookup_cards,
            [CardKey(pan=number) for number in pans],
            [CardKey(pan=number) for number in nobodys_pans],
        ),
        await _both(
            client.lookup_cards,
            [CardKey(token=token) for token in await _tokens(client, pans)],
            [CardKey(token=token) for token in await _tokens(client, nobodys_pans)],
        ),
    )
    return {
        (kind.name, is_known): _shuffled(kind, *found)
        for kind, both in zip(KINDS, groups, strict=True)
        for is_known, found in both.items()
    }


async def _both(
    lookup: Callable[..., Awaitable[Any]], known: list[Any], unknown: list[Any]
) -> dict[bool, Found]:
    found: dict[bool, Found] = {}
    for is_known, keys in ((True, known), (False, unknown)):
        found[is_known] = keys, await asked(lookup, keys, is_known=is_known)
    return found


async def asked(
    lookup: Callable[..., Awaitable[Any]], keys: list[Any], *, is_known: bool
) -> list[Any]:
    """What each key found, which fills the cache. Raises: NotAsExpected."""
    results = list((await lookup(keys)).results)
    expected = LOOKUP_OUTCOME_FOUND if is_known else LOOKUP_OUTCOME_NOT_FOUND
    differing = sum(result.outcome != expected for result in results)
    if differing or len(results) != len(keys):
        what = type(keys[0]).__name__
        raise NotAsExpected(f"{differing} of {len(keys)} {what}s: known is {is_known}")
    return results


async def _tokens(client: Client, pans: Sequence[str]) -> list[str]:
    answer = await client.tokenize(Plain(type=TOKEN_TYPE_PAN, value=number) for number in pans)
    return [result.token.value for result in answer.results]


def _nobodys(name: str) -> str:
    """A name of the same form: that two ids differ in these five bits only does not happen."""
    place = name.index("/") + _PLACE
    return f"{name[:place]}{'a' if name[place] != 'a' else 'b'}{name[place + 1 :]}"


def _shuffled(kind: Kind, keys: list[Any], results: list[Any]) -> Keys:
    order = list(range(len(keys)))
    random.Random(_SEED).shuffle(order)
    return Keys(kind, [keys[n] for n in order], [results[n] for n in order])
