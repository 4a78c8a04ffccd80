"""The table of bad inputs: what is sent, and the status and the reason it must be answered with.

Rows bear the numbers of the list of bad inputs that the service is held to. Requests are made of
the `Ground` that the tests stand on, which holds one of everything.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from opencif.v1 import account_pb2 as accounts
from opencif.v1 import card_pb2 as cards
from opencif.v1 import customer_pb2 as customers
from opencif.v1 import lookup_pb2 as lookup
from opencif.v1 import tokenization_pb2 as tokens
from tests.rpc.bank import new_number, new_pan, terms

OK: Final = grpc.StatusCode.OK
INVALID: Final = grpc.StatusCode.INVALID_ARGUMENT
MISSING: Final = grpc.StatusCode.NOT_FOUND
EXISTS: Final = grpc.StatusCode.ALREADY_EXISTS
FAILED: Final = grpc.StatusCode.FAILED_PRECONDITION
ABORTED: Final = grpc.StatusCode.ABORTED

NOBODY: Final = "customers/01a00000-0000-7000-8000-000000000000"
NO_ACCOUNT: Final = "accounts/aeaqcaibaeaqcaibaeaqcaibae"
NO_CARD: Final = "cards/aeaqcaibaeaqcaibaeaqcaibae"
PAN: Final = "4111111111111111"
FULL_WIDTH: Final = "".join(chr(ord(digit) - ord("0") + 0xFF10) for digit in PAN)
ARABIC_INDIC: Final = "".join(chr(ord(digit) - ord("0") + 0x0660) for digit in PAN)


@dataclass(frozen=True)
class Ground:
    """One of everything, for requests to speak of."""

    customer: str
    other_customer: str
    ssn: str
    account: accounts.Account
    account_number: str
    closed: str
    card: cards.Card
    pan: str
    dpan: str
    cards_page: str
    accounts_page: str


@dataclass(frozen=True)
class Row:
    """One input. With the status OK, `reason` is what the answer says of its last item."""

    number: int
    rpc: str
    request: Callable[[Ground], Message] = field(repr=False)
    code: grpc.StatusCode
    reason: str
    path: str = ""

    def __str__(self) -> str:
        return "-".join([str(self.number), self.rpc.partition(".")[2], self.reason, self.path])


def invalid(number: int, rpc: str, request: Any, reason: str, path: str) -> Row:
    return Row(number, rpc, request, INVALID, reason, path)


def item(number: int, rpc: str, request: Any, reason: str) -> Row:
    """A batch whose last item fares so; the call itself is answered."""
    return Row(number, rpc, request, OK, reason)


def new_account(**fields: Any) -> accounts.CreateAccountRequest:
    return accounts.CreateAccountRequest(account=terms() | fields)


def new_card(ground: Ground, **fields: Any) -> cards.IssueCardRequest:
    given = {"pan": new_pan(), "card_type": 2, "expiry": "2035-01", "cardholder": ground.customer}
    return cards.IssueCardRequest(card=given | fields)


def new_person(**fields: Any) -> customers.CreateCustomerRequest:
    names = {"given_name": "Ann", "family_name": "Bell"} | fields.pop("person", {})
    return customers.CreateCustomerRequest(customer={"kind": 1, "person": names} | fields)


def new_company(**fields: Any) -> customers.CreateCustomerRequest:
    names = {"legal_name": "Bell Inc"} | fields
    return customers.CreateCustomerRequest(customer={"kind": 2, "organization": names})


def by_pan(pan: str) -> lookup.LookupCardsRequest:
    return lookup.LookupCardsRequest(keys=[{"pan": pan}])


def by_number(number: str, routing_number: str = "021000021") -> lookup.LookupAccountsRequest:
    key = {"routing_number": routing_number, "account_number": number}
    return lookup.LookupAccountsRequest(keys=[{"number": key}])


def tokenize(kind: int, value: str, **fields: Any) -> tokens.TokenizeRequest:
    return tokens.TokenizeRequest(items=[{"type": kind, "value": value} | fields])


def detokenize(kind: int, value: str, **fields: Any) -> tokens.DetokenizeRequest:
    given = {"type": kind, "value": value} | fields
    return tokens.DetokenizeRequest(tokens=[given], purpose="DISPUTE")


def provision(ground: Ground, **fields: Any) -> cards.ProvisionCardTokenRequest:
    return cards.ProvisionCardTokenRequest(name=ground.card.name, token=fields)


def replaced(ground: Ground, pan: str) -> cards.ReplaceCardRequest:
    return cards.ReplaceCardRequest(name=ground.card.name, new_pan=pan, new_expiry="2036-01")


def restriction(ground: Ground, **fields: Any) -> accounts.PlaceRestrictionRequest:
    return accounts.PlaceRestrictionRequest(name=ground.account.name, restriction=fields)


def account_update(name: str, *paths: str, **fields: Any) -> accounts.UpdateAccountRequest:
    mask = {"paths": paths}
    etag = fields.pop("etag", "")
    return accounts.UpdateAccountRequest(
        account={"name": name} | fields, update_mask=mask, etag=etag
    )


def customer_update(ground: Ground, *paths: str, **fields: Any) -> customers.UpdateCustomerRequest:
    mask = {"paths": paths}
    etag = fields.pop("etag", "")
    return customers.UpdateCustomerRequest(
        customer={"name": ground.customer} | fields, update_mask=mask, etag=etag
    )


def address(**fields: Any) -> customers.CreateCustomerRequest:
    return new_person(addresses=[{"type": 2, "town_name": "Springfield", "country": "US"} | fields])


def identifier(**fields: Any) -> customers.CreateCustomerRequest:
    return new_person(identifiers=[{"type": 1} | fields])


def check_digit_off(number: str) -> str:
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def altered(token: str) -> str:
    """A token of the same generation that differs in two digits, its Luhn sum unchanged."""
    digits = [int(digit) for digit in token]
    places = [place for place in range(1, 9) if place % 2]
    up = next(place for place in places if digits[place] < 9)
    down = next(place for place in places if place != up and digits[place] > 0)
    digits[up] += 1
    digits[down] -= 1
    return "".join(map(str, digits))


IDS: Final = [
    invalid(1, "cards.GetCard", lambda _: cards.GetCardRequest(), "REQUIRED", "name"),
    invalid(1, "accounts.GetAccount", lambda _: accounts.GetAccountRequest(), "REQUIRED", "name"),
    invalid(1, "customers.CreateCustomer", lambda _: customers.CreateCustomerRequest(),
            "REQUIRED", "customer"),
    invalid(1, "customers.CreateCustomer", lambda _: new_person(person={"family_name": ""}),
            "REQUIRED", "customer.person.family_name"),
    invalid(1, "customers.CreateCustomer", lambda _: address(town_name=""),
            "REQUIRED", "customer.addresses[0].town_name"),
    invalid(1, "cards.IssueCard", lambda g: new_card(g, expiry=""), "REQUIRED", "card.expiry"),
    invalid(1, "cards.IssueCard", lambda g: new_card(g, pan=""), "REQUIRED", "card.pan"),
    invalid(1, "tokens.Detokenize", lambda _: tokens.DetokenizeRequest(
        tokens=[{"type": 1, "value": "0"}]), "REQUIRED", "purpose"),
    item(1, "lookup.LookupAccounts", lambda _: lookup.LookupAccountsRequest(keys=[{}]), "REQUIRED"),
    item(1, "lookup.LookupCards", lambda _: lookup.LookupCardsRequest(keys=[{}]), "REQUIRED"),
    *(
        invalid(2, "customers.GetCustomer", lambda _, name=name: customers.GetCustomerRequest(
            name=name), "MALFORMED", "name")
        for name in ("customers/not-a-uuid", "people/01a00000-0000-7000-8000-000000000000",
                     "customers/01A00000-0000-7000-8000-000000000000", NOBODY + "\n", NO_CARD)
    ),
    *(
        invalid(2, "accounts.GetAccount", lambda _, name=name: accounts.GetAccountRequest(
            name=name), "MALFORMED", "name")
        for name in (NO_CARD, NO_ACCOUNT.upper(), NO_ACCOUNT[:-1], NO_ACCOUNT + "a",
                     NO_ACCOUNT[:-1] + "f", "accounts/" + "1" * 26, "accounts/-")
    ),
    invalid(2, "cards.BatchGetCards", lambda g: cards.BatchGetCardsRequest(
        names=[g.card.name, "cards/short"]), "MALFORMED", "names[1]"),
    invalid(2, "cards.BlockCard", lambda _: cards.BlockCardRequest(
        name=NO_CARD, request_id="41111111-1111-1111-1111"), "MALFORMED", "request_id"),
    invalid(2, "accounts.CreateAccount", lambda _: accounts.CreateAccountRequest(
        account=terms(), parties=[{"customer": NO_CARD, "role": 1}]),
        "MALFORMED", "parties[0].customer"),
    item(2, "lookup.LookupAccounts", lambda _: lookup.LookupAccountsRequest(
        keys=[{"name": NO_CARD}]), "MALFORMED"),
    item(2, "lookup.LookupCards", lambda _: lookup.LookupCardsRequest(
        keys=[{"name": NO_ACCOUNT}]), "MALFORMED"),
    Row(3, "customers.GetCustomer", lambda _: customers.GetCustomerRequest(name=NOBODY),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "accounts.GetAccount", lambda _: accounts.GetAccountRequest(name=NO_ACCOUNT),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "cards.GetCard", lambda _: cards.GetCardRequest(name=NO_CARD),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "cards.GetCard", lambda g: cards.GetCardRequest(name=g.card.name, version=10**12),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "cards.BatchGetCards", lambda g: cards.BatchGetCardsRequest(
        names=[g.card.name, NO_CARD]), MISSING, "NOT_FOUND", "names[1]"),
    Row(3, "cards.BlockCard", lambda _: cards.BlockCardRequest(name=NO_CARD),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "accounts.OpenAccount", lambda _: accounts.OpenAccountRequest(name=NO_ACCOUNT),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "customers.CloseCustomer", lambda _: customers.CloseCustomerRequest(name=NOBODY),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "cards.ListCardRevisions", lambda _: cards.ListCardRevisionsRequest(name=NO_CARD),
        MISSING, "NOT_FOUND", "name"),
    Row(3, "cards.SuspendCardToken", lambda g: cards.SuspendCardTokenRequest(
        name=g.card.name, token_id=str(uuid.uuid4())), MISSING, "NOT_FOUND", "token_id"),
    item(3, "lookup.LookupAccounts", lambda _: by_number(new_number()), "NOT_FOUND"),
    item(3, "lookup.LookupCards", lambda _: by_pan(new_pan()), "NOT_FOUND"),
]  # fmt: skip

NUMBERS: Final = [
    *(
        row
        for number, bad, reason in [
            (8, "4111111111111112", "CHECK_DIGIT"),
            (9, "41111111112", "MALFORMED"),
            (9, "41111111111111111113", "MALFORMED"),
            (9, "3711111111111114", "MALFORMED"),
            (10, "4111/1111/1111/1111", "MALFORMED"),
            (11, FULL_WIDTH, "MALFORMED"),
            (11, ARABIC_INDIC, "MALFORMED"),
            (11, PAN[:-1] + "\u00b9", "MALFORMED"),
            (32, "411111111111111\0" + "1", "NUL_IN_TEXT"),
        ]
        for row in [
            invalid(number, "cards.IssueCard", lambda g, bad=bad: new_card(g, pan=bad),
                    reason, "card.pan"),
            invalid(number, "cards.ReplaceCard", lambda g, bad=bad: replaced(g, bad),
                    reason, "new_pan"),
            invalid(number, "cards.ProvisionCardToken", lambda g, bad=bad: provision(g, dpan=bad),
                    reason, "token.dpan"),
        ]
    ),
    *(
        row
        for number, bad, reason in [
            (9, "41111111112", "MALFORMED"),
            (9, "3711111111111114", "MALFORMED"),
            (11, FULL_WIDTH, "MALFORMED"),
            (11, ARABIC_INDIC, "MALFORMED"),
        ]
        for row in [
            item(number, "lookup.LookupCards", lambda _, bad=bad: by_pan(bad), reason),
            item(number, "lookup.LookupCards", lambda _, bad=bad: lookup.LookupCardsRequest(
                keys=[{"dpan": bad}]), reason),
            item(number, "tokens.Tokenize", lambda _, bad=bad: tokenize(1, bad), reason),
        ]
    ),
    item(10, "lookup.LookupCards", lambda g: by_pan(f"{g.pan[:4]} {g.pan[4:]}"), "FOUND"),
    item(10, "lookup.LookupCards", lambda g: by_pan(f"{g.pan[:4]}-{g.pan[4:]}"), "FOUND"),
    item(10, "lookup.LookupAccounts", lambda g: by_number(
        f"{g.account_number[:4]}-{g.account_number[4:]}"), "FOUND"),
    *(
        invalid(number, "accounts.CreateAccount",
                lambda _, bad=bad: new_account(account_number=bad),
                reason, "account.account_number")
        for number, bad, reason in [
            (9, "123456789012345678", "MALFORMED"),
            (11, FULL_WIDTH[:10], "MALFORMED"),
            (11, ARABIC_INDIC[:10], "MALFORMED"),
            (2, "12345/67890", "MALFORMED"),
            (2, "- - -", "MALFORMED"),
            (32, "12345\00067890", "NUL_IN_TEXT"),
        ]
    ),
    item(9, "lookup.LookupAccounts", lambda _: by_number("123456789012345678"), "MALFORMED"),
    item(11, "lookup.LookupAccounts", lambda _: by_number(FULL_WIDTH[:10]), "MALFORMED"),
    item(11, "lookup.LookupAccounts", lambda g: by_number(g.account_number, ARABIC_INDIC[:9]),
         "MALFORMED"),
    invalid(11, "customers.CreateCustomer", lambda _: identifier(value=FULL_WIDTH[:9]),
            "MALFORMED", "customer.identifiers[0].value"),
    invalid(11, "customers.CreateCustomer", lambda _: new_person(
        person={"birth_date": "".join(chr(0x660 + int(c)) if c.isdigit() else c
                                      for c in "1980-01-01")}),
        "MALFORMED", "customer.person.birth_date"),
    item(14, "tokens.Tokenize", lambda g: tokenize(1, g.card.tokens[0].value), "IS_A_TOKEN"),
    item(14, "lookup.LookupCards", lambda g: by_pan(g.card.tokens[0].value), "IS_A_TOKEN"),
    invalid(14, "cards.IssueCard", lambda g: new_card(g, pan=g.card.tokens[0].value),
            "CHECK_DIGIT", "card.pan"),
    item(15, "tokens.Detokenize", lambda g: detokenize(1, g.pan), "IS_A_NUMBER"),
    item(15, "lookup.LookupCards", lambda g: lookup.LookupCardsRequest(keys=[{"token": g.pan}]),
         "IS_A_NUMBER"),
    item(16, "lookup.LookupCards", lambda g: lookup.LookupCardsRequest(
        keys=[{"token": altered(g.card.tokens[0].value)}]), "NOT_FOUND"),
    item(16, "lookup.LookupAccounts", lambda g: lookup.LookupAccountsRequest(keys=[{"token": {
        "routing_number": g.account.routing_number, "token": g.account.tokens[0].value[::-1]}}]),
        "NOT_FOUND"),
    item(16, "lookup.LookupAccounts", lambda g: lookup.LookupAccountsRequest(keys=[{"token": {
        "routing_number": "011000015", "token": g.account.tokens[0].value}}]), "NOT_FOUND"),
    item(16, "tokens.Detokenize", lambda g: detokenize(
        1, g.card.tokens[0].value, key_version=99), "NOT_FOUND"),
    item(16, "tokens.Detokenize", lambda g: detokenize(
        2, g.account.tokens[0].value, key_version=99, routing_number="021000021"), "NOT_FOUND"),
    item(18, "tokens.Tokenize", lambda _: tokenize(2, "12345", routing_number="021000021"),
         "DOMAIN_TOO_SMALL"),
    item(18, "tokens.Tokenize", lambda _: tokenize(5, "AB1"), "DOMAIN_TOO_SMALL"),
    item(18, "tokens.Tokenize", lambda _: tokenize(5, "12345"), "DOMAIN_TOO_SMALL"),
    *(
        item(31, "tokens.Tokenize", lambda _, bad=bad: tokenize(3, bad), "MALFORMED")
        for bad in ("000121234", "666121234", "12345678")
    ),
]  # fmt: skip

_CARD_DATA: Final = (
    (12, PAN),
    (12, "4111 1111 1111 1111"),
    (12, f"call me {PAN[:4]}-{PAN[4:8]}-{PAN[8:12]}-{PAN[12:]} ok"),
    (12, FULL_WIDTH),
    (13, "cvv 123"),
    (13, "CVC2:1234"),
    (13, "PIN: 1234"),
    (13, "%B4111111111111111^BELL/ANN^35011010000000000000?"),
    (13, ";4111111111111111=35011010000000000000?"),
)

TEXTS: Final = [
    *(
        row
        for number, text in _CARD_DATA
        for row in [
            invalid(number, "customers.CreateCustomer",
                    lambda _, text=text: new_person(person={"middle_name": text}),
                    "CARD_NUMBER_IN_TEXT", "customer.person.middle_name"),
            invalid(number, "accounts.PlaceRestriction",
                    lambda g, text=text: restriction(g, type=1, authority_ref=text),
                    "CARD_NUMBER_IN_TEXT", "restriction.authority_ref"),
        ]
    ),
    invalid(12, "customers.AddContactPoint", lambda g: customers.AddContactPointRequest(
        name=g.customer, contact_point={"type": 1, "value": f"{PAN}@example.com"}),
        "CARD_NUMBER_IN_TEXT", "contact_point.value"),
    invalid(12, "cards.IssueCard", lambda g: new_card(
        g, external_refs=[{"system": "CORE", "id": PAN}]),
        "CARD_NUMBER_IN_TEXT", "card.external_refs[0].id"),
    # Codes are stored in clear columns: a card number is a code by its form.
    invalid(12, "accounts.CreateAccount", lambda _: new_account(branch=PAN),
            "CARD_NUMBER_IN_TEXT", "account.branch"),
    invalid(12, "cards.BlockCard", lambda g: cards.BlockCardRequest(name=g.card.name, reason=PAN),
            "CARD_NUMBER_IN_TEXT", "reason"),
    invalid(12, "cards.BlockCard", lambda g: cards.BlockCardRequest(
        name=g.card.name, source_system=f"CORE_{PAN}"), "CARD_NUMBER_IN_TEXT", "source_system"),
    invalid(12, "customers.CreateCustomer", lambda _: new_person(
        preferred_locale="en-4111-1111-1111-1111"),
        "CARD_NUMBER_IN_TEXT", "customer.preferred_locale"),
    invalid(12, "customers.CreateCustomer", lambda _: new_person(time_zone=PAN),
            "CARD_NUMBER_IN_TEXT", "customer.time_zone"),
    invalid(12, "tokens.Detokenize", lambda g: tokens.DetokenizeRequest(
        tokens=[{"type": 1, "value": g.card.tokens[0].value}], purpose=PAN),
        "CARD_NUMBER_IN_TEXT", "purpose"),
    invalid(32, "customers.CreateCustomer", lambda _: new_person(person={"given_name": "An\0n"}),
            "NUL_IN_TEXT", "customer.person.given_name"),
    invalid(32, "customers.GetCustomer", lambda _: customers.GetCustomerRequest(name=NOBODY + "\0"),
            "NUL_IN_TEXT", "name"),
    invalid(32, "cards.BlockCard", lambda g: cards.BlockCardRequest(name=g.card.name, etag="1\0"),
            "NUL_IN_TEXT", "etag"),
    invalid(32, "customers.CreateCustomer", lambda _: identifier(value="123\000456789"),
            "NUL_IN_TEXT", "customer.identifiers[0].value"),
    invalid(32, "cards.ListCards", lambda _: cards.ListCardsRequest(page_token="ab\0cd"),
            "NUL_IN_TEXT", "page_token"),
    invalid(35, "customers.CreateCustomer", lambda _: new_person(person={"given_name": "A" * 141}),
            "TOO_LONG", "customer.person.given_name"),
    invalid(35, "customers.CreateCustomer", lambda _: new_person(person={"given_name": "é" * 71}),
            "TOO_LONG", "customer.person.given_name"),
    invalid(35, "customers.CreateCustomer", lambda _: new_company(trading_names=["Bell"] * 17),
            "TOO_LONG", "customer.organization.trading_names"),
    invalid(35, "accounts.GetAccount", lambda _: accounts.GetAccountRequest(name="a" * 100_000),
            "TOO_LONG", "name"),
    invalid(35, "cards.IssueCard", lambda g: new_card(g, pan="4" * 5_000), "TOO_LONG", "card.pan"),
    item(35, "lookup.LookupAccounts", lambda _: by_number("1" * 5_000), "TOO_LONG"),
    item(35, "lookup.LookupCards", lambda _: by_pan("4" * 5_000), "MALFORMED"),
]  # fmt: skip
