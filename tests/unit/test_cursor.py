import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.v1.account_pb2 import ListAccountsRequest
from repository.database import Position
from server.cursor import Cursors
from server.errors import InvalidArgument
from server.rpc import Call, Caller
from tests.unit.keyrings import KEK, ring, table
from tokenizer.keyring import Keyring, Purpose
from tokenizer.mac import Macs

METHOD = "opencif.v1.AccountService/ListAccounts"
cursors = Cursors(Macs(ring()))


def call(identity="ann", method=METHOD):
    return Call(Caller(identity, frozenset()), method, 0.0)


def request(**fields):
    return ListAccountsRequest(branch="NORTH", page_size=10, **fields)


@given(st.binary(min_size=1, max_size=64))
def test_a_page_token_brings_its_position_back(position):
    token = cursors.page_token(request(), call(), position)
    assert cursors.page_position(request(page_token=token), call()) == position


def test_the_first_page_has_no_position():
    assert cursors.page_position(request(), call()) is None


def test_page_size_may_change_between_pages():
    token = cursors.page_token(request(), call(), b"key")
    asked = request(page_token=token)
    asked.page_size = 500
    assert cursors.page_position(asked, call()) == b"key"


@pytest.mark.parametrize(
    ("asked", "by"),
    [
        (lambda token: request(page_token=token), call(identity="bob")),
        (lambda token: request(page_token=token), call(method="opencif.v1.CardService/ListCards")),
        (lambda token: ListAccountsRequest(branch="SOUTH", page_token=token), call()),
        (lambda token: ListAccountsRequest(page_token=token), call()),
        (lambda token: request(page_token=token, view=2), call()),
        (lambda token: request(page_token=token[:-1]), call()),
        (lambda token: request(page_token=token + "A"), call()),
        (lambda token: request(page_token=("B" if token[0] == "A" else "A") + token[1:]), call()),
        (lambda token: request(page_token="!"), call()),
        (lambda token: request(page_token="é"), call()),
        (lambda token: request(page_token="AAAAAAAAAAAAAAAAAAAAAA"), call()),
    ],
)
def test_a_page_token_serves_nobody_and_nothing_else(asked, by):
    token = cursors.page_token(request(), call(), b"0123456789abcdef")
    with pytest.raises(InvalidArgument) as refused:
        cursors.page_position(asked(token), by)
    assert (refused.value.reason, refused.value.field) == ("INVALID_PAGE_TOKEN", "page_token")


@given(
    st.builds(
        Position,
        st.binary(min_size=8, max_size=8),
        st.integers(0, 2**64 - 1),
    )
)
def test_a_consistency_token_brings_its_position_back(position):
    assert cursors.consistency_position(cursors.consistency_token(position)) == position


def test_a_forged_consistency_token_is_refused():
    token = cursors.consistency_token(Position(b"12345678", 7))
    page = cursors.page_token(request(), call(), b"0123456789abcdef01234567")
    other = ("B" if token[0] == "A" else "A") + token[1:]
    for forged in (other, "", "AAAA", page, token + "=", "*" + token[1:]):
        with pytest.raises(InvalidArgument) as refused:
            cursors.consistency_position(forged)
        assert refused.value.reason == "INVALID_CONSISTENCY_TOKEN"
        assert refused.value.field == "consistency.at_least_as_fresh"


def test_tokens_outlive_a_new_generation_of_their_key():
    position = Position(b"12345678", 7)
    before = table()
    token = Cursors(Macs(Keyring.open(KEK, before))).consistency_token(position)
    after = before.with_new_generation(Purpose.TOKEN_MAC, KEK)
    assert Cursors(Macs(Keyring.open(KEK, after))).consistency_position(token) == position
