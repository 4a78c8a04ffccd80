"""Spliced messages are byte for byte what generated classes would serialize."""

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.customer_pb2 import Customer
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_INVALID,
    LOOKUP_OUTCOME_NOT_FOUND,
    AccountResult,
    CardResult,
    LookupAccountsResponse,
    LookupCardsResponse,
    StreamLookupAccountsResponse,
)
from server import splice

# Around every length at which a length takes one byte more.
TEXTS = st.sampled_from([0, 1, 100, 117, 127, 128, 4_090, 16_380, 16_384, 70_000]).map("x".__mul__)
ACCOUNTS = TEXTS.map(lambda text: Account(product=text))
TIMES = st.none() | st.builds(Timestamp, seconds=st.integers(1, 2**33), nanos=st.integers(0, 999))


@given(ACCOUNTS, st.lists(TEXTS.map(lambda text: Customer(display_name=text)), max_size=3), TIMES)
def test_found_accounts_with_their_owners(account, owners, stale_since):
    result = AccountResult(outcome=LOOKUP_OUTCOME_FOUND, account=account, owners=owners)
    built = LookupAccountsResponse(results=[result, result], stale_since=stale_since)
    one = splice.found(account.SerializeToString(), [each.SerializeToString() for each in owners])
    assert splice.answer(one + one, stale_since) == built.SerializeToString()


@given(ACCOUNTS, st.text("0123456789", min_size=2, max_size=2))
def test_cards_with_what_comes_behind_their_accounts(account, response):
    card = Card(product="P")
    tail = splice.embedded(5, response.encode())
    found = CardResult(outcome=LOOKUP_OUTCOME_FOUND, card=card, network_response=response)
    found.accounts.append(account)
    missing = CardResult(outcome=LOOKUP_OUTCOME_NOT_FOUND, network_response=response)
    refused = CardResult(
        outcome=LOOKUP_OUTCOME_INVALID, error_reason="IS_A_TOKEN", network_response=response
    )
    built = LookupCardsResponse(results=[found, missing, refused])
    spliced = [
        splice.found(card.SerializeToString(), [account.SerializeToString()], tail),
        splice.not_found(tail),
        splice.refused("IS_A_TOKEN", tail),
    ]
    assert splice.answer(b"".join(spliced), None) == built.SerializeToString()


@given(ACCOUNTS)
def test_a_chunk_of_a_stream(account):
    result = AccountResult(outcome=LOOKUP_OUTCOME_FOUND, account=account)
    built = StreamLookupAccountsResponse(answer=LookupAccountsResponse(results=[result]))
    answer = splice.answer(splice.found(account.SerializeToString()), None)
    assert splice.embedded(1, answer) == built.SerializeToString()


@given(st.lists(st.binary(max_size=300) | st.sampled_from([bytes(16_380), bytes(70_000)])))
def test_a_record_is_found_again_in_its_frame(records):
    tails = [splice.embedded(5, b"%02d" % (at % 100)) for at in range(len(records))]
    plain = splice.result_form(splice.not_found())
    tailed = splice.result_form(splice.not_found(tails[0] if tails else b""), tail_size=4)
    for form, frames in (
        (plain, plain.frames(records)),
        (tailed, tailed.frames(records, tails)),
        (splice.BARE, splice.BARE.frames(records)),
    ):
        assert [form.record(frame) for frame in frames] == records
        assert all(len(frame) > len(form.missing) for frame in frames if form is not splice.BARE)
    assert plain.frames(records) == [splice.found(record) for record in records]
    framed = zip(tailed.frames(records, tails), records, tails, strict=True)
    for frame, record, tail in framed:
        assert frame == splice.found(record, (), tail)
        assert tailed.tail(frame) == tail


RECORD = st.integers(1, 600) | st.sampled_from([1, 127, 128, 4_095])


@given(st.lists(RECORD, min_size=1, max_size=60), st.booleans(), st.binary(min_size=1))
def test_records_are_framed_where_they_lie(sizes, is_one_long, noise):
    """As `frames` does, whatever stood before them, and by it where one is too long for that."""
    sizes = [*sizes, *[5_000] * is_one_long]
    records = [bytes(n % 251 for n in range(at, at + size)) for at, size in enumerate(sizes)]
    joined, begins = bytearray(), []
    for record in records:
        joined += (noise * 16)[: 16 + len(noise) % 9]
        begins.append(len(joined))
        joined += record
    starts = np.array(begins)
    for form in (splice.result_form(splice.not_found()), splice.BARE):
        octets = np.frombuffer(bytes(joined), np.uint8).copy()
        frames = form.framed(octets, starts, starts + np.array(sizes))
        assert frames == form.frames(records)
        assert [form.record(frame) for frame in frames] == records


@given(st.binary(max_size=300) | st.sampled_from([bytes(16_380), bytes(70_000)]))
def test_a_payload_is_what_was_embedded(payload):
    data = splice.embedded(1, payload)
    assert splice.payload(1, data) == payload
    for other in (data + b"\x10\x00", data[:-1], b"\x12" + data[1:], b""):
        assert splice.payload(1, other) is None
