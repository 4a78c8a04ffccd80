"""Records in memory, with everything between them and a lookup's answer but keys and storage."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from opencif.v1 import card_pb2
from opencif.v1.account_pb2 import Account, NumberToken
from opencif.v1.card_pb2 import Card
from opencif.v1.lookup_pb2 import (
    AccountKey,
    LookupAccountsRequest,
    LookupAccountsResponse,
    LookupCardsRequest,
    LookupCardsResponse,
)
from repository.link import Relation
from repository.reading import Consistency
from repository.record import Entry, Kind
from server import names
from server.frames import Frames
from server.lookup import LookupServicer
from server.lookup_keys import AccountKeys, CardKeys
from server.opened import OpenedRecords
from server.reading import Reads
from server.routing_table import ANY_SCHEME
from server.rpc import Call, Caller
from tests.unit.keyrings import ring
from tokenizer.formats import Tokens
from tokenizer.identity import Identity

ROUTING, OTHER = "021000021", "011000015"
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
HORIZON = 7
UNKNOWN = Entry(0, HORIZON, b"", b"")
RING = ring()
NUMBERS = [f"{number:010}" for number in range(1_234_567_000, 1_234_567_006)]


class Proving:
    """Stands for a window that proves everything."""

    def unproven(self, *_):
        return []


class Polled:
    """Stands for the poll: its window, and how stale it is."""

    def __init__(self) -> None:
        self.window = Proving()
        self.on_change: list[Any] = []
        self.on_drop: list[Any] = []
        self.stale_since: datetime | None = None


class Unsealed:
    """Stands for seals: what is stored is what it says."""

    def current(self, kind, ids, rows):
        return [row.operational for row in rows]

    async def plaintexts(self, kind, ids, rows, *, private, deadline):
        return [row.operational + (row.private if private else b"") for row in rows]


class Linked:
    """Stands for the links of device numbers."""

    def __init__(self) -> None:
        self.cards: dict[bytes, list[bytes]] = {}

    async def get_many(self, relation, keys, *, primary, deadline):
        assert relation == Relation.DPAN_CARD
        return {key: self.cards[key] for key in keys if key in self.cards}


class Records:
    """Stands for the reading of records: what is there, and what was asked for."""

    def __init__(self, opened_max_bytes: int = 0) -> None:
        self.there: dict[int, dict[bytes, Entry]] = {kind: {} for kind in Kind}
        self.asked: list[int] = []
        self.disclosed: list[tuple[str, list[bytes]]] = []
        self.links = Linked()
        self.poll = Polled()
        poll: Any = self.poll
        self.opened = OpenedRecords(poll, opened_max_bytes)
        self.now = NOON

    def put(self, kind: int, id_: bytes, operational, private=None) -> None:
        private = private.SerializeToString() if private is not None else b""
        self.there[kind][id_] = Entry(1, HORIZON, operational.SerializeToString(), private)

    async def get_many(self, kind, ids, freshness, *, deadline):
        return await self.find(kind, ids, freshness, deadline=deadline)

    async def find(self, kind, ids, freshness, *, deadline):
        self.asked.append(kind)
        assert len(set(ids)) == len(ids)
        return [self.there[kind].get(id_, UNKNOWN) for id_ in ids]

    async def shown(self, call, customer_ids):
        self.disclosed.append((call.method, customer_ids))

    @property
    def is_current(self):
        return self.poll.stale_since is None

    def may_be_seen(self, freshness):
        return freshness is Consistency.MINIMIZE_LATENCY


def servicer(records, keyring=RING, scheme_of=lambda _: ANY_SCHEME) -> LookupServicer:
    identity, tokens = Identity(keyring), Tokens(keyring)
    sealed: Any = Unsealed()
    nothing: Any = None
    frames = Frames(records, sealed, records.opened, clock=lambda: records.now)
    reads = Reads(
        records,
        nothing,
        nothing,
        records.poll,
        frames=frames,
        sealed=sealed,
        cursors=nothing,
        audit=records,
    )
    return LookupServicer(
        reads,
        frames,
        records.links,
        AccountKeys(identity, tokens, scheme_of),
        CardKeys(identity, tokens),
        clock=lambda: records.now,
    )


def answered(answer) -> bytes:
    """An answer, whether it was there at once or not."""

    async def waited() -> bytes:
        return answer if isinstance(answer, bytes) else await answer

    return asyncio.run(waited())


def accounts(records, keys, keyring=RING, scheme_of=lambda _: ANY_SCHEME, **said):
    request = LookupAccountsRequest(keys=keys, **said).SerializeToString()
    made = servicer(records, keyring, scheme_of)
    return LookupAccountsResponse.FromString(answered(made.LookupAccounts(request, call())))


def cards(records, keys, keyring=RING, **said):
    request = LookupCardsRequest(keys=keys, **said).SerializeToString()
    answer = servicer(records, keyring).LookupCards(request, call())
    return LookupCardsResponse.FromString(answered(answer))


def call() -> Call:
    return Call(Caller("tester", frozenset()), "opencif.v1.LookupService/LookupAccounts", 1e12)


def account_id(number, keyring=RING, generation=None, routing=ROUTING) -> bytes:
    return Identity(keyring).account_ids([routing], [number], generation)[0]


def token(number, keyring=RING, generation=None) -> str:
    (made,) = Tokens(keyring).account_tokens([ROUTING], [number], generation)
    assert made is not None
    return made


def account(number, keyring=RING, generations=(1,), **fields) -> Account:
    tokens = [
        NumberToken(key_version=generation, value=token(number, keyring, generation))
        for generation in generations
    ]
    name = names.format(Kind.ACCOUNT, account_id(number, keyring))
    return Account(name=name, tokens=tokens, routing_number=ROUTING, **fields)


def card(pan, keyring=RING, **fields) -> Card:
    (id_,) = Identity(keyring).pan_ids([pan])
    said: dict[str, Any] = {"state": card_pb2.CARD_STATE_ACTIVE, "expiry": "2025-06"}
    return Card(name=names.format(Kind.CARD, id_), last4=pan[-4:], **(said | fields))


def with_cards(*there: Card) -> Records:
    records = Records()
    for each in there:
        records.put(Kind.CARD, names.parse(Kind.CARD, each.name), each)
    return records


def pan_token(pan, keyring=RING) -> str:
    return Tokens(keyring).pan_tokens([pan])[0]


def wide(digits: str) -> str:
    """Full-width digits, which str.isdigit takes for digits."""
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


def by_number(text, routing=ROUTING) -> AccountKey:
    return AccountKey(number={"routing_number": routing, "account_number": text})


def by_token(text, routing=ROUTING, version=0) -> AccountKey:
    return AccountKey(token={"routing_number": routing, "token": text, "key_version": version})
