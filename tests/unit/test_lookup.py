"""Lookups of accounts in memory: keys to records, faults to results, answers as built ones."""

from datetime import UTC

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1.account_pb2 import Account, AccountParty
from opencif.v1.customer_pb2 import Customer
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_INVALID,
    LOOKUP_OUTCOME_NOT_FOUND,
    AccountKey,
    AccountResult,
    CardKey,
    LookupAccountsRequest,
    LookupAccountsResponse,
)
from opencif.v1.record_pb2 import VIEW_BASIC, VIEW_FULL
from repository.record import Kind
from server import names
from server.routing_table import ANY_SCHEME, Scheme
from tests.unit.keyrings import KEK, ring, table
from tests.unit.lookup_records import (
    NOON,
    NUMBERS,
    OTHER,
    RING,
    ROUTING,
    Records,
    account,
    account_id,
    accounts,
    answered,
    by_number,
    by_token,
    call,
    cards,
    servicer,
    token,
    wide,
)
from tokenizer.formats import Tokens
from tokenizer.identity import Identity
from tokenizer.keyring import Keyring, Purpose

IBAN = "DE89370400440532013000"
TODAY = "2025-06-15"

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


class ComingBack(Records):
    """A poll that is silent until a read is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.poll.stale_since = NOON

    async def find(self, kind, ids, freshness, *, deadline):
        self.poll.stale_since = None
        return await super().find(kind, ids, freshness, deadline=deadline)


@pytest.mark.parametrize("said", [{}, {"with_owners": True}])
def test_a_poll_that_comes_back_proves_no_earlier_read(said):
    """What was found may have been proven by the last poll of long before."""
    records = ComingBack()
    first = accounts(records, [by_number(NUMBERS[0])], **said)
    assert first.stale_since.ToDatetime(UTC) == NOON
    assert not accounts(records, [by_number(NUMBERS[0])], **said).HasField("stale_since")


def test_nor_of_cards():
    records = ComingBack()
    first = cards(records, [CardKey(name=names.format(Kind.CARD, bytes(16)))])
    assert first.stale_since.ToDatetime(UTC) == NOON


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
