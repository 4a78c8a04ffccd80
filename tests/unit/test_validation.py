"""Requests against their contract: every format, every limit, and where the fault is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from opencif.v1 import (
    account_pb2,
    card_pb2,
    customer_pb2,
    import_pb2,
    lookup_pb2,
    options_pb2,
    relationship_pb2,
    tokenization_pb2,
)
from server import validation
from server.card_data import holds_card_data, metadata_holds_card_data
from server.contract import check_contract, messages, record_kind
from server.errors import InvalidArgument
from server.forms import FORMS
from server.validation import check_mask, validate
from tests.unit import card_numbers

REQUEST_ID = "0190b6c0-1234-7abc-8def-0123456789ab"
UNKNOWN_ENUM: Any = 9999
CUSTOMER = f"customers/{REQUEST_ID}"
ACCOUNT = "accounts/" + "a" * 26
CARD = "cards/" + "a" * 26
ARABIC_VISA = "".join(chr(0x660 + int(digit)) for digit in card_numbers.VISA)
WIDE_VISA = "".join(chr(0xFF10 + int(digit)) for digit in card_numbers.VISA)


def fault(message: Message, **options: Any) -> tuple[str, str] | None:
    """(reason, field) of what is wrong with a message; None when nothing is."""
    try:
        validate(message, **options)
    except InvalidArgument as error:
        return error.reason, error.field
    return None


def new_customer(**person: Any) -> customer_pb2.CreateCustomerRequest:
    given: dict[str, Any] = {"given_name": "Ann", "family_name": "Lee", **person}
    customer = customer_pb2.Customer(
        kind="CUSTOMER_KIND_PERSON", person=customer_pb2.Person(**given)
    )
    return customer_pb2.CreateCustomerRequest(customer=customer, request_id=REQUEST_ID)


def account_update(*paths: str, **fields: Any) -> account_pb2.UpdateAccountRequest:
    return account_pb2.UpdateAccountRequest(
        account=account_pb2.Account(**{"name": ACCOUNT, **fields}),
        update_mask=FieldMask(paths=paths),
        request_id=REQUEST_ID,
    )


def test_every_field_and_method_of_the_contract_has_its_rule() -> None:
    check_contract()
    assert {record_kind(m) for m in messages()} == {0, 1, 2, 3, 4}


def test_every_format_of_the_contract_has_its_form() -> None:
    assert set(FORMS) == set(options_pb2.Format.values()) - {options_pb2.FORMAT_UNSPECIFIED}


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("DATE", ["2024-02-29", "0001-01-01"], ["24-02-29", "2024-2-9", "2024-02-29 "]),
        ("MONTH", ["2027-12"], ["2027-13", "2027", "2027-12-01"]),
        ("COUNTRY", ["US", "XK"], ["XX", "us", "USA", "U"]),
        ("CURRENCY", ["USD", "XAU"], ["ZZZ", "usd", "US"]),
        ("ROUTING_NUMBER", ["021000021"], ["021000022", "02100002", "\uff1021000021", "000000000"]),
        ("CODE", ["LOST_CARD_1", "T0123_45678"], ["lost", "", "A" * 65, "A B", "X078051120"]),
        ("UUID", [REQUEST_ID, REQUEST_ID.upper()], ["1", REQUEST_ID + "0", "x" + REQUEST_ID[1:]]),
        ("CUSTOMER_NAME", [CUSTOMER], [CUSTOMER.upper(), "customers/1", ACCOUNT, ""]),
        ("ACCOUNT_NAME", [ACCOUNT], [ACCOUNT.upper(), ACCOUNT + "a", CARD, "accounts/" + "1" * 26]),
        ("CARD_NAME", [CARD], [CARD[:-1], "cards/" + "a" * 25 + "b", CUSTOMER]),
        ("RELATIONSHIP_NAME", [f"relationships/{REQUEST_ID}"], [CUSTOMER, REQUEST_ID]),
        ("ACCOUNT_NUMBER", ["12-3456 78", "AB12"], ["", "1" * 18, "12_3", "١٢٣"]),
        (
            "PAN",
            [*card_numbers.ALL, "4111 1111 1111 1111", "4111-1111-1111-1111"],
            ["4111111111111112", "411111111111", "1" * 20, "3782822463100051", WIDE_VISA],
        ),
        ("IBAN", ["GB82 WEST 1234 5698 7654 32"], ["GB82WEST12345698765433", "XX82", "GB82"]),
        ("LOCALE", ["en", "pt-BR", "zh-Hant-TW"], ["e", "en_US", "123"]),
        ("TIME_ZONE", ["America/New_York", "UTC", "Etc/GMT+5"], ["New York", "/UTC", "a/b/c/d"]),
        ("PAST_DATE", ["1990-02-28"], ["9999-01-01", "1990-02-30"]),
        ("TOKEN", ["4111111111111112", "AB1"], ["", "ab", "1 2", "A" * 65]),
    ],
)
def test_forms(form: str, good: list[str], bad: list[str]) -> None:
    check = FORMS[options_pb2.Format.Value(f"FORMAT_{form}")]
    assert [text for text in good if check(text)] == []
    assert [text for text in bad if not check(text)] == []


@pytest.mark.parametrize(
    ("form", "text", "reason"),
    [
        ("PAN", "4111111111111112", "CHECK_DIGIT"),
        ("PAN", "3400000000000005", "MALFORMED"),
        ("ROUTING_NUMBER", "021000022", "CHECK_DIGIT"),
        ("IBAN", "GB82WEST12345698765433", "CHECK_DIGIT"),
        ("DATE", "2024-02-30", "INVALID_DATE"),
        ("DATE", "0000-01-01", "INVALID_DATE"),
        ("DATE", "tomorrow", "MALFORMED"),
        ("COUNTRY", "XX", "MALFORMED"),
    ],
)
def test_forms_say_why(form: str, text: str, reason: str) -> None:
    assert FORMS[options_pb2.Format.Value(f"FORMAT_{form}")](text) == reason


def test_a_past_date_may_be_today_anywhere_on_earth() -> None:
    check = FORMS[options_pb2.FORMAT_PAST_DATE]
    assert check((datetime.now(UTC) + timedelta(hours=13, minutes=59)).date().isoformat()) is None
    assert check((datetime.now(UTC) + timedelta(days=2)).date().isoformat()) == "INVALID_DATE"


@pytest.mark.parametrize(
    ("request_", "wrong"),
    [
        (card_pb2.BlockCardRequest(), ("REQUIRED", "name")),
        (card_pb2.BlockCardRequest(name=CARD), ("REQUIRED", "request_id")),
        (card_pb2.BlockCardRequest(name=CUSTOMER), ("MALFORMED", "name")),
        (card_pb2.GetCardRequest(name=CARD, view=UNKNOWN_ENUM), ("UNKNOWN_ENUM_VALUE", "view")),
        (card_pb2.ListCardsRequest(page_size=-1), ("INVALID_PAGE_SIZE", "page_size")),
        (card_pb2.BatchGetCardsRequest(), ("EMPTY_BATCH", "names")),
        (card_pb2.BatchGetCardsRequest(names=[CARD] * 1001), ("TOO_LONG", "names")),
        (card_pb2.BatchGetCardsRequest(names=[CARD, "x"]), ("MALFORMED", "names[1]")),
        (new_customer(), None),
        (new_customer(given_name=""), ("REQUIRED", "customer.person.given_name")),
        (new_customer(given_name="x" * 141), ("TOO_LONG", "customer.person.given_name")),
        (new_customer(given_name="é" * 71), ("TOO_LONG", "customer.person.given_name")),
        (new_customer(given_name="é" * 70), None),
        (new_customer(given_name="A\0B"), ("NUL_IN_TEXT", "customer.person.given_name")),
        (new_customer(birth_date="2024-02-30"), ("INVALID_DATE", "customer.person.birth_date")),
        (
            new_customer(nationalities=["US", "XX"]),
            ("MALFORMED", "customer.person.nationalities[1]"),
        ),
        (new_customer(nationalities=["US"] * 9), ("TOO_LONG", "customer.person.nationalities")),
        (
            new_customer(occupation=f"card {card_numbers.VISA}"),
            ("CARD_NUMBER_IN_TEXT", "customer.person.occupation"),
        ),
        (new_customer(family_name="O'); DROP TABLE record;-- {{7*7}} \u202e 👩🏽‍🚀 𠮷"), None),
    ],
)
def test_requests(request_: Message, wrong: tuple[str, str] | None) -> None:
    assert fault(request_) == wrong


def test_an_enum_that_must_be_given_may_not_be_unspecified() -> None:
    request = new_customer()
    request.customer.ClearField("kind")
    assert fault(request) == ("UNKNOWN_ENUM_VALUE", "customer.kind")


def test_a_time_beyond_the_calendar_is_refused() -> None:
    request = card_pb2.GetCardRequest(name=CARD)
    request.as_of.seconds = 2**62
    assert fault(request) == ("INVALID_DATE", "as_of")


def test_output_only_fields_are_cleared_unless_a_loader_gives_them() -> None:
    card = card_pb2.Card(name=CARD, version=7, etag="7", state="CARD_STATE_ISSUED", last4="1111")
    request = card_pb2.IssueCardRequest(card=card, request_id=REQUEST_ID)
    fault(request)
    assert not request.card.name
    assert not request.card.version
    assert not request.card.state
    row = import_pb2.ImportRecord(card=card)
    fault(row, keep_output_only=True)
    assert (row.card.name, row.card.state) == (CARD, 2)


def test_an_updates_record_is_held_to_what_its_mask_names() -> None:
    assert fault(account_update("product")) is None
    assert fault(account_update("account_type")) == (
        "UNKNOWN_ENUM_VALUE",
        "account.account_type",
    )
    assert fault(account_update("product", name="")) == ("REQUIRED", "account.name")
    assert fault(account_update("product", name=CARD)) == ("MALFORMED", "account.name")
    assert fault(account_update("product", name=ACCOUNT, state=3)) is None


def test_an_updates_nested_fields_are_held_in_full_when_named_whole() -> None:
    customer = customer_pb2.Customer(name=CUSTOMER, person=customer_pb2.Person(given_name="Ann"))
    request = customer_pb2.UpdateCustomerRequest(customer=customer, request_id=REQUEST_ID)
    request.update_mask.paths[:] = ["person.given_name"]
    assert fault(request) is None
    request.update_mask.paths[:] = ["person"]
    assert fault(request) == ("REQUIRED", "customer.person.family_name")
    request.update_mask.paths[:] = ["person.family_name"]
    assert fault(request) == ("REQUIRED", "customer.person.family_name")


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "state",
        "name",
        "version",
        "routing_number",
        "create_time.seconds",
        "",
        "*",
        "a.b",
    ],
)
def test_a_mask_may_name_only_what_callers_may_change(path: str) -> None:
    assert fault(account_update(path)) == ("INVALID_FIELD_MASK", "update_mask")


def test_a_mask_must_name_something_and_not_everything_over_again() -> None:
    record: Any = relationship_pb2.CustomerRelationship.DESCRIPTOR
    for paths, reason in (([], "REQUIRED"), (["evidence"] * 257, "TOO_LONG")):
        with pytest.raises(InvalidArgument) as raised:
            check_mask(record, FieldMask(paths=paths))
        assert (raised.value.reason, raised.value.field) == (reason, "update_mask")


def test_an_items_fault_is_its_own_where_the_contract_says_so() -> None:
    bad = lookup_pb2.CardKey(name="nonsense")
    assert fault(lookup_pb2.LookupCardsRequest(keys=[bad])) is None
    assert fault(lookup_pb2.LookupCardsRequest(keys=[bad] * 1001)) == ("TOO_LONG", "keys")
    item = tokenization_pb2.Plain()
    assert fault(tokenization_pb2.TokenizeRequest(items=[item])) is None
    assert fault(item) == ("UNKNOWN_ENUM_VALUE", "type")


def test_a_token_may_look_like_a_card_number() -> None:
    token = tokenization_pb2.Token(type="TOKEN_TYPE_PAN", value=card_numbers.VISA)
    assert fault(token) is None


@pytest.mark.parametrize(
    "text",
    [
        *card_numbers.ALL,
        "4222222222222",  # the shortest there are: 13 digits
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        f"paid 12 {card_numbers.VISA} twice",
        f"x{card_numbers.MASTERCARD}y",
        f"{card_numbers.VISA}@example.com",
        WIDE_VISA,
        ARABIC_VISA,
        f"%B{card_numbers.VISA}^LEE/ANN^2512",
        f";{card_numbers.VISA}=25121011000012345678?",
        "CVV: 123",
        "cvc2 1234",
        "PIN 4321",
    ],
)
def test_card_data_in_text_is_seen(text: str) -> None:
    assert holds_card_data(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ann Lee",
        "12 Main St, Springfield 62704-1234",
        "+49 1512 3456789",
        "PIN 560001",
        "4111111111111112",
        "1234567890123",
        "2026-11-22 2026-11-23",
        "0" * 16,
        "021000021",
    ],
)
def test_other_numbers_in_text_pass(text: str) -> None:
    assert not holds_card_data(text)


def test_ids_in_metadata_are_no_card_numbers() -> None:
    assert not metadata_holds_card_data("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    assert not metadata_holds_card_data(f"4{'1' * 15}-aaaa-4aaa-8aaa-411111111111")
    assert metadata_holds_card_data(card_numbers.VISA.encode())
    assert metadata_holds_card_data(f"card={card_numbers.AMEX}")


def test_a_value_that_was_right_before_lets_no_other_through() -> None:
    def of(currency: str, opened: str, kind: Any) -> account_pb2.Account:
        return account_pb2.Account(
            account_type=kind,
            holder_class="HOLDER_CLASS_CONSUMER",
            currency=currency,
            open_date=opened,
        )

    for _ in range(2):
        assert fault(of("USD", "2020-02-29", 1), keep_output_only=True) is None
        bad = [of("USX", "2020-02-29", 1), of("USD", "2021-02-29", 1), of("USD", "2020-02-29", 77)]
        assert [fault(message, keep_output_only=True) for message in bad] == [
            ("MALFORMED", "currency"),
            ("INVALID_DATE", "open_date"),
            ("UNKNOWN_ENUM_VALUE", "account_type"),
        ]
        assert fault(account_pb2.Account(currency="USD"), keep_output_only=True) == (
            "UNKNOWN_ENUM_VALUE",
            "account_type",
        )


def test_values_of_persons_and_accounts_are_not_kept() -> None:
    kept = {
        field.name
        for message in messages()
        for field in message.fields
        if field.enum_type is None and validation._accepted(field) is not None
    }
    assert {"currency", "open_date", "branch", "routing_number"} <= kept
    assert not kept & {"birth_date", "account_number", "pan", "value", "given_name"}


def test_no_more_values_are_kept_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "ACCEPTED_MAX", 3)
    first = datetime(1990, 1, 1, tzinfo=UTC)
    dates = [(first + timedelta(days=n)).date().isoformat() for n in range(9)]
    party: Any = account_pb2.AccountParty.DESCRIPTOR.fields_by_name["valid_from"]
    kept = validation._accepted(party)
    assert kept is not None
    walk = validation._walk({party.number: lambda _: None}, {}, {}, {party.number: kept})
    for date in dates * 2:
        walk(account_pb2.AccountParty(valid_from=date))
    assert kept == set(dates[:3])
