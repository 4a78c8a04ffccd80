"""One written form per value, typed reasons, and no value in any error."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenizer import normal
from tokenizer.normal import NotNormal

ACCEPTED = [
    (normal.account_number, " 12-34 567a", "1234567A"),
    (normal.account_number, "0001", "0001"),
    (normal.account_number, "A" * 17, "A" * 17),
    (normal.pan, "4111 1111-1111 1111", "4111111111111111"),
    (normal.pan, "378282246310005", "378282246310005"),
    (normal.routing_number, "021000021 ", "021000021"),
    (normal.iban, "gb82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"),
    (normal.iban, "DE89370400440532013000", "DE89370400440532013000"),
    (normal.iban, "NO9386011117947", "NO9386011117947"),
    (normal.ssn, "078-05-1120", "078051120"),
    (normal.itin, "912-71-1234", "912711234"),
    (normal.ein, "12-3456789", "123456789"),
    (normal.lei, "5493001KJTIIGC8Y1R12", "5493001KJTIIGC8Y1R12"),
    (normal.bic, "deutdeff", "DEUTDEFFXXX"),
    (normal.bic, "DEUTDEFF500", "DEUTDEFF500"),
    (normal.email, " Jo.Doe@Example.COM ", "jo.doe@example.com"),
    (normal.email, "JÜRGEN@example.com", "jürgen@example.com"),
    (normal.phone, "+1 (212) 555-0100", "+12125550100"),
    (normal.identifier, "ab-12 /x", "AB12/X"),
]

REFUSED = [
    (normal.account_number, "", "ACCOUNT_NUMBER_CHARACTERS"),
    (normal.account_number, " - ", "ACCOUNT_NUMBER_CHARACTERS"),
    (normal.account_number, "12_34", "ACCOUNT_NUMBER_CHARACTERS"),
    (normal.account_number, "٤٤٤٤", "ACCOUNT_NUMBER_CHARACTERS"),
    (normal.account_number, "１２３４", "ACCOUNT_NUMBER_CHARACTERS"),  # noqa: RUF001 - full width
    (normal.account_number, "straße1", "ACCOUNT_NUMBER_CHARACTERS"),
    (normal.account_number, "1234\x00", "ACCOUNT_NUMBER_CHARACTERS"),
    (normal.account_number, "1" * 18, "ACCOUNT_NUMBER_LENGTH"),
    (normal.pan, "4111111111111112", "PAN_CHECK_DIGIT"),
    (normal.pan, "41111111111", "PAN_LENGTH"),
    (normal.pan, "4" * 20, "PAN_LENGTH"),
    (normal.pan, "3782822463100050", "PAN_LENGTH"),
    (normal.pan, "٤111111111111111", "PAN_CHARACTERS"),
    (normal.pan, "", "PAN_CHARACTERS"),
    (normal.routing_number, "021000022", "ROUTING_NUMBER_CHECK_DIGIT"),
    (normal.routing_number, "000000000", "ROUTING_NUMBER_CHECK_DIGIT"),
    (normal.routing_number, "02100002", "ROUTING_NUMBER_CHARACTERS"),
    (normal.routing_number, "٤21000021", "ROUTING_NUMBER_CHARACTERS"),
    (normal.iban, "GB82WEST12345698765433", "IBAN_CHECK_DIGITS"),
    (normal.iban, "GB82WEST1234569876543", "IBAN_LENGTH"),
    (normal.iban, "XX82WEST12345698765432", "IBAN_COUNTRY"),
    (normal.iban, "GB", "IBAN_CHARACTERS"),
    (normal.iban, "GB82WEST1234569876543٤", "IBAN_CHARACTERS"),
    (normal.ssn, "000-12-3456", "SSN_NOT_ISSUED"),
    (normal.ssn, "666123456", "SSN_NOT_ISSUED"),
    (normal.ssn, "900123456", "SSN_NOT_ISSUED"),
    (normal.ssn, "123004567", "SSN_NOT_ISSUED"),
    (normal.ssn, "123450000", "SSN_NOT_ISSUED"),
    (normal.ssn, "12345678", "SSN_CHARACTERS"),
    (normal.itin, "912-93-1234", "ITIN_NOT_ISSUED"),
    (normal.itin, "812711234", "ITIN_NOT_ISSUED"),
    (normal.ein, "00-1234567", "EIN_NOT_ISSUED"),
    (normal.ein, "12345678X", "EIN_CHARACTERS"),
    (normal.lei, "5493001KJTIIGC8Y1R13", "LEI_CHECK_DIGITS"),
    (normal.lei, "5493001KJTIIGC8Y1R1", "LEI_CHARACTERS"),
    (normal.bic, "DEUTDEF", "BIC_CHARACTERS"),
    (normal.bic, "DEUT1EFF", "BIC_CHARACTERS"),
    (normal.email, "no-at.example.com", "EMAIL_FORM"),
    (normal.email, "two@@example.com", "EMAIL_FORM"),
    (normal.email, "a b@example.com", "EMAIL_FORM"),
    (normal.email, "a\x00b@example.com", "EMAIL_FORM"),
    (normal.email, "a\ud800b@example.com", "EMAIL_FORM"),
    (normal.email, "a" * 250 + "@example.com", "EMAIL_LENGTH"),
    (normal.phone, "212-555-0100", "PHONE_FORM"),
    (normal.phone, "+0125550100", "PHONE_FORM"),
    (normal.phone, "+1234567890123456", "PHONE_FORM"),
    (normal.phone, "+٤2125550100", "PHONE_FORM"),
    (normal.identifier, " ", "IDENTIFIER_LENGTH"),
    (normal.identifier, "x" * 65, "IDENTIFIER_LENGTH"),
    (normal.identifier, "a\tb", "IDENTIFIER_CHARACTERS"),
    (normal.identifier, "é", "IDENTIFIER_CHARACTERS"),
]


def name(value) -> str:
    return value.__name__ if callable(value) else ascii(value)


@pytest.mark.parametrize(("form", "text", "expected"), ACCEPTED, ids=name)
def test_accepted(form, text, expected):
    assert form(text) == expected
    assert form(expected) == expected


@pytest.mark.parametrize(("form", "text", "reason"), REFUSED, ids=name)
def test_refused_with_a_reason_and_without_the_value(form, text, reason):
    with pytest.raises(NotNormal) as refused:
        form(text)
    assert refused.value.reason == reason
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert str(refused.value) == reason


@given(st.sampled_from([form for form, _, _ in ACCEPTED]), st.text())
def test_any_text_is_normal_once_and_for_all_or_refused(form, text):
    try:
        once = form(text)
    except NotNormal:
        return
    assert form(once) == once


def test_leading_zeros_are_kept_unless_the_scheme_strips_them():
    assert normal.account_number("00012") == "00012"
    assert normal.account_number("00012", strips_leading_zeros=True) == "12"
    assert normal.account_number("000", strips_leading_zeros=True) == "0"
    long = "0" * 5 + "1" * 17
    assert normal.account_number(long, strips_leading_zeros=True) == "1" * 17


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("José  O'Brien-Smith", ["jose", "o", "brien", "smith"]),
        ("JOSE\u0301", ["jose"]),
        ("STRASSE", ["strasse"]),
        ("Straße", ["strasse"]),
        ("ﬁnance_dept 2", ["finance", "dept", "2"]),
        ("İstanbul", ["istanbul"]),
        ("山田 太郎", ["山田", "太郎"]),
        (" ,;- ", []),
    ],
)
def test_name_words(text, words):
    assert normal.name_words(text) == words


@given(st.text())
def test_name_words_are_their_own_words_in_every_composition(text):
    words = normal.name_words(text)
    assert normal.name_words(" ".join(words)) == words
    assert normal.name_words(unicodedata.normalize("NFC", text)) == words
