"""Streams of lookups in memory: chunk by chunk, each read from its bytes as a call is."""

import pytest

from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LookupAccountsRequest,
    LookupAccountsResponse,
    StreamLookupAccountsRequest,
    StreamLookupAccountsResponse,
    StreamLookupCardsRequest,
    StreamLookupCardsResponse,
)
from repository.record import Kind
from server.errors import InvalidArgument
from tests.unit.card_numbers import VISA
from tests.unit.lookup_records import (
    NUMBERS,
    Records,
    account,
    account_id,
    by_number,
    call,
    card,
    servicer,
    with_cards,
)


async def chunks(*said: bytes):
    for each in said:
        yield each


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


async def test_cards_come_in_streams_too():
    said = StreamLookupCardsRequest(lookup={"keys": [{"pan": VISA}]}).SerializeToString()
    stream = servicer(with_cards(card(VISA))).StreamLookupCards(chunks(said, said), call())
    answers = [StreamLookupCardsResponse.FromString(each) async for each in stream]
    assert [answer.answer.results[0].card for answer in answers] == [card(VISA)] * 2


ONE = StreamLookupAccountsRequest(lookup={"keys": [by_number(NUMBERS[0])]}).SerializeToString()
UNKNOWN_FIELD = bytes([15 << 3 | 2, 1, 0])


@pytest.mark.parametrize(
    "said",
    [
        ONE,
        ONE + UNKNOWN_FIELD,
        UNKNOWN_FIELD + ONE,
        bytes([0x0A, 0x80 | len(ONE) - 2, 0]) + ONE[2:],  # a length longer than it must be
        bytes([0x0A, 4, 0x0A, 0, 0x20, 0]) + ONE,  # two of the field: they are merged
    ],
)
async def test_a_chunk_means_what_the_generated_class_reads_in_it(said):
    records = Records()
    records.put(Kind.ACCOUNT, account_id(NUMBERS[0]), account(NUMBERS[0]))
    request = StreamLookupAccountsRequest.FromString(said).lookup
    (answer,) = [
        each async for each in servicer(records).StreamLookupAccounts(chunks(said), call())
    ]
    alone = servicer(records).LookupAccounts(request.SerializeToString(), call())
    assert not isinstance(alone, bytes)
    expected = LookupAccountsResponse.FromString(await alone)
    assert StreamLookupAccountsResponse.FromString(answer).answer == expected


@pytest.mark.parametrize(
    ("said", "reason", "field"),
    [
        (b"", "REQUIRED", "lookup"),
        (b"\x0a", "MALFORMED", ""),
        (b"\x0a\x05\x0a", "MALFORMED", ""),
        (b"\x0a\x00", "EMPTY_BATCH", "lookup.keys"),
        (
            StreamLookupAccountsRequest(lookup={"view": 1}).SerializeToString(),
            "EMPTY_BATCH",
            "lookup.keys",
        ),
        (ONE[:2] + b"\xff" * (len(ONE) - 2), "MALFORMED", ""),
    ],
)
async def test_what_is_wrong_with_a_chunk_is_named_as_the_chunk_has_it(said, reason, field):
    with pytest.raises(InvalidArgument) as refused:
        async for _ in servicer(Records()).StreamLookupAccounts(chunks(said), call()):
            pass
    assert (refused.value.reason, refused.value.field) == (reason, field)
