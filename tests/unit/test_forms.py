"""Text to fields and back, by the contract's descriptors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.commands.forms import FormError, described, enum_names, masked, setter, texts
from opencif.v1 import account_pb2, customer_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.customer_pb2 import Customer


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("branch", "MAIN"),
        ("version", "17"),
        ("account_type", "SAVINGS"),
        ("transactional", "no"),
        ("create_time", "2026-01-31T12:00:00Z"),
        ("restrictions.0.scope.company_ids", "A, B"),
        ("parties.1.role", "TRUSTEE"),
        ("parties.0.per_transaction_limit.units", "5"),
        ("replacement.reason", "MERGER"),
    ],
)
def test_what_is_written_is_what_is_shown(path: str, text: str) -> None:
    account = Account()
    setter(described(account), path)(account, text.replace(", ", ";"))
    assert (path, text) in list(texts(account))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("account_type", "ACCOUNT_TYPE_SAVINGS"),
        ("account_type", ""),
        ("version", "1.5"),
        ("version", "99999999999999999999"),
        ("parties.0.role", "PIRATE"),
        ("branch", "\ud800"),
        ("transactional", "perhaps"),
        ("create_time", "yesterday"),
        ("replacement", '{"nonsense": 1}'),
        ("replacement", "reason"),
    ],
)
def test_a_wrong_text_is_refused_without_being_repeated(path: str, text: str) -> None:
    account = Account()
    with pytest.raises(FormError) as raised:
        setter(described(account), path)(account, text)
    assert raised.value.path == path
    assert not text or text not in str(raised.value)


@pytest.mark.parametrize(
    "path", ["colour", "branch.x", "parties.x.role", "parties.99.role", "parties.0", "parties."]
)
def test_a_wrong_path_is_refused(path: str) -> None:
    with pytest.raises(FormError):
        setter(described(Account()), path)


def test_a_message_is_given_in_short_or_as_json() -> None:
    short, long = Customer(), Customer()
    setter(described(short), "addresses")(short, "type=LEGAL, town_name=Utica")
    setter(described(long), "addresses")(
        long, '{"type": "ADDRESS_TYPE_LEGAL", "townName": "Utica"}'
    )
    assert short == long


def test_full_numbers_are_masked() -> None:
    account = Account(account_number="123456789", iban="GB33BUKB20201555555555")
    assert dict(texts(account)) == {
        "account_number": "*****6789",
        "iban": "******************5555",
    }


@given(st.text(max_size=30))
def test_a_mask_keeps_the_length_and_at_most_four(text: str) -> None:
    shown = masked(text)
    assert len(shown) == len(text)
    assert sum(a == b and a != "*" for a, b in zip(text, shown, strict=True)) <= 4
    assert len(text) > 4 or set(shown) <= {"*"}


def test_enums_lose_their_prefix_and_their_zero() -> None:
    assert list(enum_names(customer_pb2.CustomerKind.DESCRIPTOR)) == ["PERSON", "ORGANIZATION"]
    assert enum_names(account_pb2.HolderClass.DESCRIPTOR)["FI"] == 5
