"""Numbers to tokens and back, item by item, under keys that have been rotated and retired."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1 import tokenization_pb2 as pb
from opencif.v1.tokenization_pb2 import DetokenizeRequest, Plain, Token, TokenizeRequest
from server.routing_table import RoutingTable
from server.rpc import Call, Caller
from server.tokenization import TokenizationServicer, _is_plain
from server.validation import validate
from tests.unit.keyrings import KEK, ring, table
from tokenizer.formats import Tokens
from tokenizer.keyring import Keyring, KeyTable, Purpose

PAN, ACCOUNT = pb.TOKEN_TYPE_PAN, pb.TOKEN_TYPE_ACCOUNT
SSN, EIN, IDENTIFIER = pb.TOKEN_TYPE_SSN, pb.TOKEN_TYPE_EIN, pb.TOKEN_TYPE_IDENTIFIER
ROUTING = "021000021"
NUMBERS = [
    Plain(type=PAN, value="4111111111111111"),
    Plain(type=PAN, value="378282246310005"),
    Plain(type=ACCOUNT, value="0012345678", routing_number=ROUTING),
    Plain(type=ACCOUNT, value="AB12345", routing_number=ROUTING),
    Plain(type=SSN, value="212345678"),
    Plain(type=EIN, value="212345678"),
    Plain(type=IDENTIFIER, value="X1234567"),
]
EVERY = (
    Purpose.TOKEN_PAN,
    Purpose.TOKEN_ACCOUNT,
    Purpose.TOKEN_SSN,
    Purpose.TOKEN_EIN,
    Purpose.TOKEN_IDENTIFIER,
)


def servicer(keyring: Keyring) -> TokenizationServicer:
    return TokenizationServicer(Tokens(keyring), RoutingTable().scheme)


def call() -> Call:
    return Call(Caller("test", frozenset()), "Tokenize", time.monotonic() + 60)


async def tokens_of(made: TokenizationServicer, *items: Plain) -> list[Token]:
    answer = await made.Tokenize(TokenizeRequest(items=items), call())
    assert not any(result.error_reason for result in answer.results)
    return [result.token for result in answer.results]


async def numbers_of(made: TokenizationServicer, *tokens: Token) -> list[str]:
    """The number each token stands for, or why there is none."""
    answer = await made.Detokenize(DetokenizeRequest(tokens=tokens, purpose="TEST"), call())
    assert all(bool(result.value) != bool(result.error_reason) for result in answer.results)
    return [result.value or result.error_reason for result in answer.results]


async def test_every_token_gives_its_number_back_in_the_order_asked():
    made = servicer(ring())
    given = [*NUMBERS, *reversed(NUMBERS), *NUMBERS]
    tokens = await tokens_of(made, *given)
    assert all(token.value != plain.value for token, plain in zip(tokens, given, strict=True))
    assert await numbers_of(made, *tokens) == [plain.value for plain in given]


async def test_equal_numbers_of_different_types_have_different_tokens():
    tokens = await tokens_of(servicer(ring()), *NUMBERS[4:6])
    assert tokens[0].value != tokens[1].value


async def test_a_rotation_changes_the_token_and_former_tokens_still_open():
    first = table()
    former, present = (
        servicer(Keyring.open(KEK, first)),
        servicer(Keyring.open(KEK, next_of(first))),
    )
    old, new = await tokens_of(former, *NUMBERS), await tokens_of(present, *NUMBERS)
    assert {token.key_version for token in old} == {1}
    assert {token.key_version for token in new} == {2}
    assert not {token.value for token in old} & {token.value for token in new}
    numbers = [plain.value for plain in NUMBERS]
    assert await numbers_of(present, *old) == await numbers_of(present, *new) == numbers


def next_of(keys: KeyTable) -> KeyTable:
    for purpose in EVERY:
        keys = keys.with_new_generation(purpose, KEK)
    return keys


async def test_a_token_of_a_retired_key_is_told_from_one_of_no_key():
    first = table()
    retired = next_of(first)
    for purpose in EVERY:
        retired = retired.with_retired(purpose, 1, KEK)
    old = await tokens_of(servicer(Keyring.open(KEK, first)), *NUMBERS)
    made = servicer(Keyring.open(KEK, retired))
    assert await numbers_of(made, *old) == ["KEY_RETIRED"] * len(old)
    answer = await made.Tokenize(
        TokenizeRequest(items=[Plain(type=PAN, value=token.value) for token in old[:2]]), call()
    )
    assert [result.error_reason for result in answer.results] == ["IS_A_TOKEN"] * 2
    others = old[2:]  # a card number's token names its own generation
    for token in others:
        token.key_version = 7
    assert await numbers_of(made, *others) == ["NOT_FOUND"] * len(others)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (Token(type=PAN, value="4111111111111111"), "IS_A_NUMBER"),
        (Token(type=PAN, value="12345"), "MALFORMED"),
        (Token(type=PAN, value="ABCDEFGH12345678"), "MALFORMED"),
        (Token(type=ACCOUNT, key_version=1, value="12345678"), "REQUIRED"),
        (Token(type=ACCOUNT, routing_number=ROUTING, value="12345678"), "REQUIRED"),
        (Token(type=ACCOUNT, routing_number="021000022", key_version=1, value="12345678"),
         "CHECK_DIGIT"),
        (Token(type=ACCOUNT, routing_number=ROUTING, key_version=1, value="123"), "NOT_FOUND"),
        (Token(type=SSN, value="212345678"), "REQUIRED"),
        (Token(type=SSN, key_version=1, value="21234567"), "NOT_FOUND"),
        (Token(type=IDENTIFIER, key_version=1, value=""), "REQUIRED"),
        (Token(value="212345678"), "UNKNOWN_ENUM_VALUE"),
    ],
)  # fmt: skip
async def test_what_is_no_token_says_why_and_harms_no_other(token: Token, reason: str):
    made = servicer(ring())
    [good] = await tokens_of(made, NUMBERS[0])
    assert await numbers_of(made, good, token, good) == [NUMBERS[0].value, reason, NUMBERS[0].value]


texts = st.one_of(st.text("0123456789A", max_size=66), st.text(max_size=5))
routings = st.sampled_from(["", ROUTING, f" {ROUTING}", "021000022", "02100002"])
kinds = st.integers(-1, 7)


@given(
    st.one_of(
        st.builds(Plain, type=kinds, value=texts, routing_number=routings),
        st.builds(Token, type=kinds, value=texts, routing_number=routings),
    )
)
def test_what_is_taken_for_plain_keeps_its_contract(item: Plain | Token):
    if _is_plain(item):
        validate(item)


async def test_a_thousand_items_with_one_wrong_each_way():
    made = servicer(ring())
    numbers = [f"{at:010}" for at in range(1000)]
    items = [Plain(type=ACCOUNT, value=each, routing_number=ROUTING) for each in numbers]
    tokens = await tokens_of(made, *items)
    items[500].value = "1" * 40
    answer = await made.Tokenize(TokenizeRequest(items=items), call())
    assert answer.results[500].error_reason == "MALFORMED"
    tokens[321].value = "12;34567"
    found = await numbers_of(made, *tokens)
    assert found[:321] + found[322:] == numbers[:321] + numbers[322:]
    assert found[321] == "MALFORMED"
    kept = [result.token.value for at, result in enumerate(answer.results) if at not in (321, 500)]
    assert kept == [token.value for at, token in enumerate(tokens) if at not in (321, 500)]
