"""Tokens and numbers, as a client sees them."""

import grpc
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1.tokenization_pb2 import (
    DetokenizeRequest,
    DetokenizeResponse,
    Token,
    TokenizeRequest,
    TokenizeResponse,
)
from tests.rpc.bank import ROUTING, new_number, new_pan

PAN, ACCOUNT, SSN, EIN, OTHER = (
    f"TOKEN_TYPE_{name}" for name in ("PAN", "ACCOUNT", "SSN", "EIN", "IDENTIFIER")
)
VISA, AMEX = "4111111111111111", "378282246310005"
WIDE = str.maketrans({str(digit): chr(0xFF10 + digit) for digit in range(10)})


def plain(type_: str, value: str, routing: str = "") -> dict[str, str]:
    return {"type": type_, "value": value, "routing_number": routing}


async def tokenize(client: Client, *items: dict[str, str]) -> TokenizeResponse:
    return await client.tokens.Tokenize(TokenizeRequest(items=items))


async def detokenize(client: Client, *tokens: Token | dict[str, object]) -> DetokenizeResponse:
    request = DetokenizeRequest(tokens=tokens, purpose="DISPUTE")
    return await client.tokens.Detokenize(request)


async def made(client: Client, type_: str, value: str, routing: str = "") -> Token:
    answer = await tokenize(client, plain(type_, value, routing))
    assert not answer.results[0].error_reason
    return answer.results[0].token


@pytest.mark.parametrize(
    ("type_", "value", "routing"),
    [
        (PAN, VISA, ""),
        (PAN, AMEX, ""),
        (ACCOUNT, "0001234567", ROUTING),
        (ACCOUNT, "AB12CD34", ROUTING),
        (ACCOUNT, "12345678901234567", ROUTING),
        (SSN, "078051120", ""),
        (EIN, "123456789", ""),
        (OTHER, "X1Y2Z3", ""),
        (OTHER, "1234567", ""),
    ],
)
async def test_a_token_looks_like_its_number_and_leads_back(
    client: Client, type_: str, value: str, routing: str
) -> None:
    token = await made(client, type_, value, routing)
    assert token.value != value
    assert (len(token.value), token.value.isdigit()) == (len(value), value.isdigit())
    assert (token.key_version, token.routing_number) == (1, routing)
    assert (await detokenize(client, token)).results[0].value == value


async def test_results_keep_order_duplicates_and_each_others_faults_out(client: Client) -> None:
    pans = [new_pan() for _ in range(40)]
    items = [plain(PAN, pan) for pan in pans] + [plain(SSN, "078-05-1120"), plain(PAN, pans[0])]
    items.insert(20, plain(PAN, "4111111111111112"))
    answer = await tokenize(client, *items)
    assert answer.results.pop(20).error_reason == "CHECK_DIGIT"
    tokens = [result.token for result in answer.results]
    assert tokens[0] == tokens[-1]
    back = [result.value for result in (await detokenize(client, *tokens)).results]
    assert back == [*pans, "078051120", pans[0]]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (plain(PAN, ""), "REQUIRED"),
        (plain(PAN, "41111111111"), "MALFORMED"),
        (plain(PAN, "4" * 20), "MALFORMED"),
        (plain(PAN, "3782822463100055"), "MALFORMED"),
        (plain(PAN, "4111111111111112"), "CHECK_DIGIT"),
        (plain(PAN, VISA.translate(WIDE)), "MALFORMED"),
        (plain("TOKEN_TYPE_UNSPECIFIED", VISA), "UNKNOWN_ENUM_VALUE"),
        ({"type": 99, "value": VISA}, "UNKNOWN_ENUM_VALUE"),
        (plain(ACCOUNT, "1234567"), "REQUIRED"),
        (plain(ACCOUNT, "1234567", "021000022"), "CHECK_DIGIT"),
        (plain(ACCOUNT, "12345", ROUTING), "DOMAIN_TOO_SMALL"),
        (plain(ACCOUNT, "1" * 18, ROUTING), "MALFORMED"),
        (plain(SSN, "000112222"), "MALFORMED"),
        (plain(SSN, "07805112"), "MALFORMED"),
        (plain(EIN, "001234567"), "MALFORMED"),
        (plain(OTHER, "12345"), "DOMAIN_TOO_SMALL"),
        (plain(OTHER, "ab_cd"), "MALFORMED"),
        (plain(OTHER, "1" * 65), "TOO_LONG"),
        (plain(OTHER, "12\x0034567"), "NUL_IN_TEXT"),
    ],
)
async def test_a_number_that_cannot_be_tokenized_says_why(
    client: Client, item: dict[str, str], reason: str
) -> None:
    answer = await tokenize(client, plain(PAN, VISA), item)
    assert [result.error_reason for result in answer.results] == ["", reason]
    assert not answer.results[1].HasField("token")


async def test_a_token_is_not_tokenized_again(client: Client) -> None:
    token = await made(client, PAN, VISA)
    answer = await tokenize(client, plain(PAN, token.value))
    assert answer.results[0].error_reason == "IS_A_TOKEN"


async def test_a_number_is_no_token_and_is_not_opened(client: Client) -> None:
    answer = await detokenize(client, Token(type=PAN, value=VISA))
    assert (answer.results[0].error_reason, answer.results[0].value) == ("IS_A_NUMBER", "")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ({"type": PAN}, "REQUIRED"),
        ({"type": PAN, "value": "41111"}, "MALFORMED"),
        ({"type": PAN, "value": "4111-1111"}, "MALFORMED"),
        ({"type": "TOKEN_TYPE_UNSPECIFIED", "value": "1234567"}, "UNKNOWN_ENUM_VALUE"),
        ({"type": SSN, "value": "123456789"}, "REQUIRED"),
        ({"type": SSN, "value": "123456789", "key_version": 9}, "NOT_FOUND"),
        ({"type": SSN, "value": "12345", "key_version": 1}, "NOT_FOUND"),
        ({"type": SSN, "value": "ABC123", "key_version": 1}, "NOT_FOUND"),
        ({"type": ACCOUNT, "value": "1234567", "key_version": 1}, "REQUIRED"),
    ],
)
async def test_a_token_that_does_not_open_says_why(
    client: Client, token: dict[str, object], reason: str
) -> None:
    good = await made(client, PAN, VISA)
    answer = await detokenize(client, good, token)
    assert [result.error_reason for result in answer.results] == ["", reason]
    assert [result.value for result in answer.results] == [VISA, ""]


async def test_a_card_token_under_another_key_version_is_unknown(client: Client) -> None:
    token = await made(client, PAN, VISA)
    token.key_version = 7
    assert (await detokenize(client, token)).results[0].error_reason == "NOT_FOUND"
    token.key_version = 0  # the token names its own
    assert (await detokenize(client, token)).results[0].value == VISA


async def test_a_card_token_altered_so_that_no_key_made_it_is_unknown(client: Client) -> None:
    token = (await made(client, PAN, VISA)).value
    reasons = set()
    for digit in "0123456789":  # the fifth digit from the end says whether and by which key
        altered = token[:-5] + digit + token[-4:]
        answer = await detokenize(client, Token(type=PAN, value=altered))
        reasons.add(answer.results[0].error_reason)
    assert reasons == {"", "IS_A_NUMBER", "NOT_FOUND"}


async def test_a_routing_number_is_part_of_an_account_number(client: Client) -> None:
    number = new_number()
    here = await made(client, ACCOUNT, number, ROUTING)
    there = await made(client, ACCOUNT, number, "011000015")
    assert here.value != there.value


@pytest.mark.parametrize(
    ("count", "reason"), [(0, "EMPTY_BATCH"), (1_001, "TOO_LONG"), (1_000, None)]
)
async def test_a_batch_holds_1_to_1000(client: Client, count: int, reason: str | None) -> None:
    request = TokenizeRequest(items=[plain(PAN, VISA)] * count)
    if reason is None:
        assert len((await client.tokens.Tokenize(request)).results) == count
        return
    with pytest.raises(OpencifError) as refused:
        await client.tokens.Tokenize(request)
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.value.reason, refused.value.fields[0].field) == (reason, "items")


@pytest.mark.parametrize(("purpose", "reason"), [("", "REQUIRED"), ("why not", "MALFORMED")])
async def test_numbers_are_given_back_for_a_purpose_only(
    client: Client, purpose: str, reason: str
) -> None:
    token = await made(client, PAN, VISA)
    with pytest.raises(OpencifError) as refused:
        await client.tokens.Detokenize(DetokenizeRequest(tokens=[token], purpose=purpose))
    assert (refused.value.reason, refused.value.fields[0].field) == (reason, "purpose")
