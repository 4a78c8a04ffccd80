"""Lookups over records in memory: keys to records, faults to results, answers as built ones."""

import asyncio
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1 import card_pb2
from opencif.v1.account_pb2 import Account, AccountParty, NumberToken
from opencif.v1.card_pb2 import Card, CardAccount
from opencif.v1.customer_pb2 import Customer
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_INVALID,
    LOOKUP_OUTCOME_NOT_FOUND,
    AccountKey,
    AccountResult,
    CardKey,
    CardResult,
    LookupAccountsRequest,
    LookupAccountsResponse,
    LookupCardsRequest,
    LookupCardsResponse,
    StreamLookupAccountsRequest,
    StreamLookupAccountsResponse,
)
from opencif.v1.record_pb2 import VIEW_BASIC, VIEW_FULL
from repository.link import Relation
from repository.reading import Consistency
from repository.record import Entry, Kind
from repository.window import Window
from server import names
from server.frames import Frames
from server.lookup import LookupServicer
from server.lookup_keys import AccountKeys, CardKeys
from server.network_response import network_response
from server.opened import OpenedRecords
from server.reading import Reads
from server.routing_table import ANY_SCHEME, Scheme
from server.rpc import Call, Caller
from tests.unit.card_numbers import AMEX, MASTERCARD, VISA
from tests.unit.keyrings import KEK, ring, table
from tokenizer.formats import Tokens
from tokenizer.identity import Identity
from tokenizer.keyring import Keyring, Purpose

ROUTING, OTHER = "021000021", "011000015"
IBAN = "DE89370400440532013000"
TODAY = "2025-06-15"
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
MONTH = "2025-06"
HORIZON = 7
UNKNOWN = Entry(0, HORIZON, b"", b"")
RING = ring()
NUMBERS = [f"{number:010}" for number in range(1_234_567_000, 1_234_567_006)]
PANS = [VISA, MASTERCARD, AMEX]


class Polled:
    """Stands for the poll: a window that proves everything, and how stale it is."""

    def __init__(self) -> None:
        self.window = Window()
        self.window.begin([], 0, HORIZON)
        self.on_change = []
        self.on_drop = []
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
        self.links = Linked()
        self.poll = Polled()
        self.opened = OpenedRecords(self.poll, opened_max_bytes)
        self.now = NOON

    def put(self, kind: int, id_: bytes, operational, private=None) -> None:
        private = private.SerializeToString() if private is not None else b""
        self.there[kind][id_] = Entry(1, HORIZON, operational.SerializeToString(), private)

    async def get_many(self, kind, ids, freshness, *, deadline):
        self.asked.append(kind)
        assert len(set(ids)) == len(ids)
        return [self.there[kind].get(id_, UNKNOWN) for id_ in ids]

    def may_be_seen(self, freshness):
        return freshness is Consistency.MINIMIZE_LATENCY


def servicer(records, keyring=RING, scheme_of=lambda _: ANY_SCHEME) -> LookupServicer:
    identity, tokens, sealed = Identity(keyring), Tokens(keyring), Unsealed()
    frames = Frames(records, sealed, records.opened, clock=lambda: records.now)
    reads = Reads(records, None, None, records.poll, frames=frames, sealed=sealed, cursors=None)
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


def wide(digits: str) -> str:
    """Full-width digits, which str.isdigit takes for digits."""
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


def by_number(text, routing=ROUTING) -> AccountKey:
    return AccountKey(number={"routing_number": routing, "account_number": text})


def by_token(text, routing=ROUTING, version=0) -> AccountKey:
    return AccountKey(token={"routing_number": routing, "token": text, "key_version": version})


OWNERS = [bytes([kind]) * 16 for kind in range(1, 4)]
PARTIES = st.builds(
    AccountParty,
    customer=st.sampled_from([names.format(Kind.CUSTOMER, owner) for owner in OWNERS]),
    role=st.sampled_from([1, 2, 3]),
    state=st.sampled_from([1, 2]),
    valid_from=st.sampled_from(["2020-01-01", "2025-06-15", "2025-06-16"]),
    valid_to=st.sampled_from(["", "2025-06-14", "2025-06-15"]),
)
KEYS = st.tuples(
    st.sampled_from(["number", "name", "token", "spaced", "bad"]), st.integers(0, len(NUMBERS) - 1)
)


def key_of(kind: str, position: int) -> AccountKey:
    number = NUMBERS[position]
    return {
        "number": by_number(number),
        "spaced": by_number(f" {number[:3]}-{number[3:]}"),
        "name": AccountKey(name=names.format(Kind.ACCOUNT, account_id(number))),
        "token": by_token(token(number)),
        "bad": by_number("\uff11" + number[1:]),
    }[kind]


def expected_owners(found: Account, view: int, customers) -> list[Customer]:
    """The current owners as the contract has them, told without the server's code."""
    day = TODAY
    current = [
        party.customer
        for party in found.parties
        if party.role in (1, 2)
        and party.state == 1
        and party.valid_from <= day <= (party.valid_to or "9999-12-31")
    ]
    owners = []
    for name in dict.fromkeys(current):
        if name in customers:
            owner = Customer()
            owner.CopyFrom(customers[name])
            if view != VIEW_FULL:
                owner.ClearField("display_name")
            owners.append(owner)
    return owners


@given(
    st.lists(KEYS, min_size=1, max_size=12),
    st.lists(st.lists(PARTIES, max_size=4), min_size=4, max_size=4),
    st.sampled_from([VIEW_BASIC, VIEW_FULL]),
    st.booleans(),
    st.tuples(st.booleans(), st.sampled_from([0, 2**20])),
)
def test_a_spliced_answer_is_the_built_one(wanted, parties, view, with_owners, worker):
    is_stale, kept = worker
    records, there, customers = Records(kept), {}, {}
    for number, some in zip(NUMBERS, parties, strict=False):  # the last two are not there
        there[number] = account(number, state=2, branch=number[-1] * 70, parties=some)
        records.put(Kind.ACCOUNT, account_id(number), there[number])
    for owner in OWNERS[:2]:  # the last one is gone
        whole = Customer(name=names.format(Kind.CUSTOMER, owner), display_name="Ann" * 50)
        customers[whole.name] = whole
        operational, private = Customer(name=whole.name), Customer(display_name=whole.display_name)
        records.put(Kind.CUSTOMER, owner, operational, private)
    stale = Timestamp(seconds=1_700_000_000) if is_stale else None
    records.poll.stale_since = stale.ToDatetime(UTC) if stale else None
    built = LookupAccountsResponse(stale_since=stale)
    for kind, position in wanted:
        result = built.results.add(outcome=LOOKUP_OUTCOME_NOT_FOUND)
        found = there.get(NUMBERS[position])
        if kind == "bad":
            result.outcome, result.error_reason = LOOKUP_OUTCOME_INVALID, "MALFORMED"
        elif found is not None:
            result.outcome = LOOKUP_OUTCOME_FOUND
            result.account.CopyFrom(found)
            if with_owners:
                result.owners.extend(expected_owners(found, view, customers))
    request = LookupAccountsRequest(
        keys=[key_of(*each) for each in wanted], view=view, with_owners=with_owners
    )
    made, said = servicer(records), request.SerializeToString()
    for _ in range(2):  # the second time from what the worker has kept, if it may
        assert answered(made.LookupAccounts(said, call())) == built.SerializeToString()
    assert set(records.asked) <= {Kind.ACCOUNT, Kind.CUSTOMER}
    if kept and not (with_owners and view == VIEW_FULL):
        assert len(records.asked) == len(set(records.asked))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (AccountKey(), "REQUIRED"),
        (AccountKey(name="accounts/1"), "MALFORMED"),
        (AccountKey(name="cards/" + "a" * 26), "MALFORMED"),
        (AccountKey(name=""), "MALFORMED"),
        (by_number(""), "REQUIRED"),
        (by_number("1" * 40), "MALFORMED"),
        (by_number("1" * 300), "TOO_LONG"),
        (by_number("12\x0034"), "NUL_IN_TEXT"),
        (by_number(wide("1234567")), "MALFORMED"),
        (by_number("٣٤٥٦٧٨"), "MALFORMED"),
        (by_number("12#4"), "MALFORMED"),
        (by_number("1234567", routing=""), "REQUIRED"),
        (by_number("1234567", routing="02100002"), "MALFORMED"),
        (by_number("1234567", routing="021000022"), "CHECK_DIGIT"),
        (by_token("", ROUTING), "REQUIRED"),
        (by_token("12345 7"), "MALFORMED"),
        (by_token(wide("12345")), "MALFORMED"),
        (by_token("1" * 18), "TOO_LONG"),
        (by_token("1234567", routing="021000022"), "CHECK_DIGIT"),
        (AccountKey(iban="DE89370400440532013001"), "CHECK_DIGIT"),
        (AccountKey(iban="XX89370400440532013000"), "MALFORMED"),
    ],
)
def test_a_malformed_account_key_leaves_the_others_right(key, reason):
    records = Records()
    for number in NUMBERS:
        records.put(Kind.ACCOUNT, account_id(number), account(number))
    good = [by_number(number) for number in NUMBERS]
    answer = accounts(records, [*good[:3], key, *good[3:]])
    outcomes = [result.outcome for result in answer.results]
    assert outcomes == [1, 1, 1, LOOKUP_OUTCOME_INVALID, 1, 1, 1]
    assert answer.results[3] == AccountResult(outcome=LOOKUP_OUTCOME_INVALID, error_reason=reason)


@pytest.mark.parametrize("text", ["12345", "A12", "7654321", "ZZZZZZ"])
def test_a_token_that_is_nobodys_is_not_found(text):
    answer = accounts(Records(), [by_token(text)])
    assert answer.results[0] == AccountResult(outcome=LOOKUP_OUTCOME_NOT_FOUND)


def test_an_iban_leads_to_its_account():
    records, identity = Records(), Identity(RING)
    (id_,) = identity.iban_ids([IBAN])
    records.put(Kind.ACCOUNT, id_, Account(name=names.format(Kind.ACCOUNT, id_)))
    answer = accounts(records, [AccountKey(iban="de89 3704 0044 0532 0130 00")])
    assert answer.results[0].account.name == names.format(Kind.ACCOUNT, id_)


def test_leading_zeros_are_as_the_routing_numbers_scheme_says():
    strips = {ROUTING: Scheme(strips_leading_zeros=True)}
    records = Records()
    records.put(Kind.ACCOUNT, account_id("1234567"), account("1234567"))
    keys = [by_number("0001234567"), by_number("0001234567", routing=OTHER)]
    answer = accounts(records, keys, scheme_of=lambda one: strips.get(one, ANY_SCHEME))
    outcomes = [result.outcome for result in answer.results]
    assert outcomes == [LOOKUP_OUTCOME_FOUND, LOOKUP_OUTCOME_NOT_FOUND]


def test_a_record_of_an_older_identity_key_is_found_by_its_number():
    both = ring(Purpose.IDENTITY)
    records = Records()
    records.put(Kind.ACCOUNT, account_id(NUMBERS[0], both, 1), account(NUMBERS[0], both))
    records.put(Kind.ACCOUNT, account_id(NUMBERS[1], both, 2), account(NUMBERS[1], both))
    answer = accounts(records, [by_number(number) for number in NUMBERS[:3]], both)
    assert [result.outcome for result in answer.results] == [1, 1, LOOKUP_OUTCOME_NOT_FOUND]


def test_a_token_counts_only_where_the_record_carries_exactly_it():
    """A token opens to something plausible under every key: what it opens to may exist."""
    both = ring(Purpose.TOKEN_ACCOUNT)
    mine, records = NUMBERS[0], Records()
    old = token(mine, both, 1)
    (rival,) = Tokens(both).account_numbers([ROUTING], [old], 2)
    records.put(Kind.ACCOUNT, account_id(mine, both), account(mine, both, (1,)))
    records.put(Kind.ACCOUNT, account_id(rival, both), account(rival, both, (1,)))
    answer = accounts(
        records, [by_token(old), by_token(old, version=1), by_token(old, version=2)], both
    )
    found = [result.account.name for result in answer.results]
    assert found == [account(mine, both).name] * 2 + [""]


def test_a_token_counts_only_under_the_key_that_made_it():
    both = ring(Purpose.TOKEN_ACCOUNT)
    mine, records = account(NUMBERS[0], both, (1,)), Records()
    mine.tokens[0].key_version = 2
    records.put(Kind.ACCOUNT, account_id(NUMBERS[0], both), mine)
    answer = accounts(records, [by_token(mine.tokens[0].value)], both)
    assert answer.results[0] == AccountResult(outcome=LOOKUP_OUTCOME_NOT_FOUND)


def test_a_token_of_a_retired_key_says_so():
    made = table(Purpose.TOKEN_ACCOUNT).with_retired(Purpose.TOKEN_ACCOUNT, 1, KEK)
    keys = [by_token("1234567", version=1), by_token("1234567", version=9)]
    answer = accounts(Records(), keys, Keyring.open(KEK, made))
    assert [(r.outcome, r.error_reason) for r in answer.results] == [
        (LOOKUP_OUTCOME_INVALID, "KEY_RETIRED"),
        (LOOKUP_OUTCOME_NOT_FOUND, ""),
    ]


def card(pan, keyring=RING, **fields) -> Card:
    (id_,) = Identity(keyring).pan_ids([pan])
    said = {"state": card_pb2.CARD_STATE_ACTIVE, "expiry": "2025-06"}
    return Card(name=names.format(Kind.CARD, id_), last4=pan[-4:], **(said | fields))


def with_cards(*there: Card) -> Records:
    records = Records()
    for each in there:
        records.put(Kind.CARD, names.parse(Kind.CARD, each.name), each)
    return records


def pan_token(pan, keyring=RING) -> str:
    return Tokens(keyring).pan_tokens([pan])[0]


def test_a_card_is_found_by_number_token_name_and_device_number():
    mine = card(VISA)
    records = with_cards(mine)
    (key,) = Identity(RING).dpan_ids([MASTERCARD])
    records.links.cards[key] = [names.parse(Kind.CARD, mine.name)]
    keys = [
        CardKey(pan="4111 1111-1111 1111"),
        CardKey(token=pan_token(VISA)),
        CardKey(name=mine.name),
        CardKey(dpan=MASTERCARD),
        CardKey(dpan=AMEX),
        CardKey(pan=AMEX),
    ]
    answer = cards(records, keys)
    good = CardResult(outcome=LOOKUP_OUTCOME_FOUND, card=mine, network_response="00")
    missing = CardResult(outcome=LOOKUP_OUTCOME_NOT_FOUND, network_response="14")
    assert list(answer.results) == [good] * 4 + [missing] * 2
    assert records.asked == [Kind.CARD]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (CardKey(), "REQUIRED"),
        (CardKey(name="cards/1"), "MALFORMED"),
        (CardKey(pan=""), "REQUIRED"),
        (CardKey(pan="41111111111"), "MALFORMED"),
        (CardKey(pan="4" * 20), "MALFORMED"),
        (CardKey(pan="4111x11111111111"), "MALFORMED"),
        (CardKey(pan=wide(VISA)), "MALFORMED"),
        (CardKey(pan="4111\x001111111111111"), "MALFORMED"),
        (CardKey(pan="4111111111111112"), "CHECK_DIGIT"),
        (CardKey(pan=pan_token(VISA)), "IS_A_TOKEN"),
        (CardKey(dpan=pan_token(VISA)), "IS_A_TOKEN"),
        (CardKey(token=VISA), "IS_A_NUMBER"),
        (CardKey(token="41111"), "MALFORMED"),
        (CardKey(token=""), "MALFORMED"),
    ],
)
def test_a_malformed_card_key_leaves_the_others_right(key, reason):
    records = with_cards(card(VISA), card(AMEX))
    answer = cards(records, [CardKey(pan=VISA), key, CardKey(pan=AMEX)])
    assert [result.outcome for result in answer.results] == [1, LOOKUP_OUTCOME_INVALID, 1]
    assert answer.results[1].error_reason == reason


def test_a_card_token_names_its_generation():
    both = ring(Purpose.TOKEN_PAN)
    old, new = (Tokens(both).pan_tokens([VISA], generation)[0] for generation in (1, 2))
    answer = cards(with_cards(card(VISA, both)), [CardKey(token=old), CardKey(token=new)], both)
    assert [result.outcome for result in answer.results] == [1, 1]
    retired = Keyring.open(KEK, table(Purpose.TOKEN_PAN).with_retired(Purpose.TOKEN_PAN, 1, KEK))
    answer = cards(with_cards(card(VISA, both)), [CardKey(token=old), CardKey(pan=old)], retired)
    assert [result.error_reason for result in answer.results] == ["KEY_RETIRED", "IS_A_TOKEN"]
    never = cards(Records(), [CardKey(token=new)], RING)
    assert never.results[0].outcome == LOOKUP_OUTCOME_NOT_FOUND


def test_the_accounts_a_card_draws_on_come_along_once():
    drawn = [account(number) for number in NUMBERS[:2]]
    mine = card(VISA, accounts=[CardAccount(account=each.name) for each in (*drawn, drawn[0])])
    records = with_cards(mine)
    records.put(Kind.ACCOUNT, account_id(NUMBERS[0]), drawn[0])
    answer = cards(records, [CardKey(pan=VISA), CardKey(pan=AMEX)], with_accounts=True)
    assert list(answer.results[0].accounts) == drawn[:1]
    assert not answer.results[1].accounts
    assert records.asked == [Kind.CARD, Kind.ACCOUNT]


@pytest.mark.parametrize(
    ("state", "expiry", "response"),
    [
        ("ORDERED", "2025-06", "78"),
        ("ISSUED", "2025-06", "78"),
        ("ISSUED", "2025-05", "54"),
        ("ACTIVE", "2025-06", "00"),
        ("ACTIVE", "2025-05", "54"),
        ("BLOCKED", "2025-06", "62"),
        ("BLOCKED", "2025-05", "54"),
        ("LOST", "2025-05", "41"),
        ("STOLEN", "2025-05", "43"),
        ("COMPROMISED", "2025-06", "62"),
        ("DAMAGED", "2025-06", "62"),
        ("EXPIRED", "2025-06", "54"),
        ("REPLACED", "2025-06", "14"),
        ("CLOSED", "2025-05", "14"),
    ],
)
def test_the_hint_follows_state_and_month(state, expiry, response):
    it = Card(state=f"CARD_STATE_{state}", expiry=expiry)
    assert network_response(it, MONTH) == response


def test_every_state_of_a_card_has_its_hint():
    for name in card_pb2.CardState.keys()[1:-1]:
        hint = network_response(Card(state=name, expiry="2025-06"), MONTH)
        assert (hint == "14") == (name in {"CARD_STATE_REPLACED", "CARD_STATE_CLOSED"}), name


async def test_a_stream_reads_a_chunk_when_the_one_before_is_answered():
    records, read = Records(), []
    records.put(Kind.ACCOUNT, account_id(NUMBERS[0]), account(NUMBERS[0]))

    async def chunks():
        for number in NUMBERS[:3]:
            read.append(number)
            lookup = LookupAccountsRequest(keys=[by_number(number)])
            yield StreamLookupAccountsRequest(lookup=lookup).SerializeToString()

    answered = 0
    async for chunk in servicer(records).StreamLookupAccounts(chunks(), call()):
        answered += 1
        assert len(read) == answered
        (result,) = StreamLookupAccountsResponse.FromString(chunk).answer.results
        assert (result.outcome == LOOKUP_OUTCOME_FOUND) == (answered == 1)
    assert answered == 3
