"""Lookups of cards in memory: keys to records, answers as built ones, the hint by month."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1 import card_pb2
from opencif.v1.card_pb2 import Card, CardAccount
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    LOOKUP_OUTCOME_INVALID,
    LOOKUP_OUTCOME_NOT_FOUND,
    CardKey,
    CardResult,
    LookupCardsRequest,
    LookupCardsResponse,
)
from repository.record import Kind
from server import names
from server.network_response import network_response
from tests.unit.card_numbers import AMEX, MASTERCARD, VISA
from tests.unit.keyrings import KEK, ring, table
from tests.unit.lookup_records import (
    NUMBERS,
    RING,
    Records,
    account,
    account_id,
    answered,
    call,
    card,
    cards,
    pan_token,
    servicer,
    wide,
    with_cards,
)
from tokenizer.formats import Tokens
from tokenizer.identity import Identity
from tokenizer.keyring import Keyring, Purpose

MONTH = "2025-06"


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


PANS = [VISA, MASTERCARD, AMEX]
CARDS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    state=st.sampled_from(card_pb2.CardState.values()[1:-1]),
    expiry=st.sampled_from(["2025-05", "2025-06", "2025-07"]),
    product=st.sampled_from([0, 1, 40, 128]).map("x".__mul__),
    accounts=st.lists(st.sampled_from(NUMBERS[:3]), max_size=3),
)
KEYS = st.tuples(st.sampled_from(["pan", "token", "name", "bad"]), st.sampled_from(PANS))
OVER = {"CARD_STATE_REPLACED", "CARD_STATE_CLOSED"}


def key_of(kind: str, pan: str) -> CardKey:
    name = names.format(Kind.CARD, Identity(RING).pan_ids([pan])[0])
    return {
        "pan": CardKey(pan=pan),
        "token": CardKey(token=pan_token(pan)),
        "name": CardKey(name=name),
        "bad": CardKey(pan=pan[:-1] + "x"),
    }[kind]


def built(there: dict[str, Card], wanted, month: str, *, with_accounts: bool) -> bytes:
    """The answer as the generated classes make it; the third account is nowhere."""
    answer = LookupCardsResponse()
    drawn = {account(number).name: account(number) for number in NUMBERS[:2]}
    for kind, pan in wanted:
        result = answer.results.add(outcome=LOOKUP_OUTCOME_NOT_FOUND, network_response="14")
        if kind == "bad":
            result.outcome, result.error_reason = LOOKUP_OUTCOME_INVALID, "MALFORMED"
        elif pan in there:
            found = there[pan]
            result.outcome = LOOKUP_OUTCOME_FOUND
            result.card.CopyFrom(found)
            result.network_response = network_response(found, month)
            if with_accounts and card_pb2.CardState.Name(found.state) not in OVER:
                names_once = dict.fromkeys(each.account for each in found.accounts)
                result.accounts.extend(drawn[name] for name in names_once if name in drawn)
    return answer.SerializeToString()


@given(
    st.lists(KEYS, min_size=1, max_size=12),
    st.lists(CARDS, max_size=2),
    st.booleans(),
    st.sampled_from([0, 2**20]),
)
def test_a_spliced_answer_is_the_built_one(wanted, some, with_accounts, kept):
    """The last card is nowhere. In the next month the same worker answers by the next month."""
    records, there = Records(kept), {}
    for pan, said in zip(PANS, some, strict=False):
        drawn = [CardAccount(account=account(number).name) for number in said["accounts"]]
        there[pan] = card(pan, **(said | {"accounts": drawn}))
        records.put(Kind.CARD, names.parse(Kind.CARD, there[pan].name), there[pan])
    for number in NUMBERS[:2]:
        records.put(Kind.ACCOUNT, account_id(number), account(number))
    request = LookupCardsRequest(
        keys=[key_of(*each) for each in wanted], with_accounts=with_accounts
    ).SerializeToString()
    made = servicer(records)
    for day, month in ((15, 6), (30, 6), (1, 7), (2, 7)):
        records.now = datetime(2025, month, day, 23, tzinfo=UTC)
        expected = built(there, wanted, f"2025-0{month}", with_accounts=with_accounts)
        assert answered(made.LookupCards(request, call())) == expected
    if kept:  # a month's first lookup alone reads cards
        assert records.asked.count(Kind.CARD) <= 2


def test_an_account_in_the_own_cache_outlives_the_month():
    records = Records(2**20)
    records.put(Kind.ACCOUNT, account_id(NUMBERS[0]), account(NUMBERS[0]))
    mine = card(VISA, accounts=[CardAccount(account=account(NUMBERS[0]).name)])
    records.put(Kind.CARD, names.parse(Kind.CARD, mine.name), mine)
    made = servicer(records)
    request = LookupCardsRequest(keys=[CardKey(pan=VISA)], with_accounts=True).SerializeToString()
    answered(made.LookupCards(request, call()))
    records.now = datetime(2025, 7, 1, tzinfo=UTC)
    answered(made.LookupCards(request, call()))
    assert records.asked == [Kind.CARD, Kind.ACCOUNT, Kind.CARD]
