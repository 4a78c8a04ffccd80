"""The rest of the table of bad inputs: what the state, the page, the batch or the form forbids."""

from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1 import account_pb2 as accounts
from opencif.v1 import card_pb2 as cards
from opencif.v1 import customer_pb2 as customers
from opencif.v1 import lookup_pb2 as lookup
from opencif.v1 import routing_pb2 as routing
from opencif.v1 import tokenization_pb2 as tokens
from opencif.v1.ach_pb2 import ResolveAchEntriesRequest
from tests.rpc.bad_inputs import (
    ABORTED,
    EXISTS,
    FAILED,
    OK,
    PAN,
    Row,
    account_update,
    address,
    by_number,
    customer_update,
    identifier,
    invalid,
    item,
    new_account,
    new_card,
    new_person,
    provision,
    restriction,
)

UNKNOWN_ENUM: Final[Any] = 9999
GOOD_IBAN: Final = "DE89370400440532013000"


def page_of_cards(**fields: Any) -> cards.ListCardsRequest:
    return cards.ListCardsRequest(**fields)


STATES: Final = [
    Row(22, "accounts.CreateAccount", lambda g: new_account(account_number=g.account_number),
        EXISTS, "ALREADY_EXISTS", "account.account_number"),
    Row(22, "cards.IssueCard", lambda g: new_card(g, pan=g.pan),
        EXISTS, "ALREADY_EXISTS", "card.pan"),
    Row(22, "cards.ProvisionCardToken", lambda g: provision(g, dpan=g.dpan),
        EXISTS, "ALREADY_EXISTS", "token.dpan"),
    Row(22, "customers.CreateCustomer", lambda g: identifier(value=g.ssn),
        EXISTS, "ALREADY_EXISTS", "customer.identifiers"),
    Row(22, "customers.AddIdentifier", lambda g: customers.AddIdentifierRequest(
        name=g.other_customer, identifier={"type": 1, "value": g.ssn}),
        EXISTS, "ALREADY_EXISTS", "identifier.value"),
    Row(23, "accounts.UpdateAccount", lambda g: account_update(
        g.account.name, "branch", etag="999", branch="WEST"), ABORTED, "ETAG_MISMATCH", "etag"),
    Row(23, "cards.BlockCard", lambda g: cards.BlockCardRequest(name=g.card.name, etag="999"),
        ABORTED, "ETAG_MISMATCH", "etag"),
    Row(23, "customers.UpdateCustomer", lambda g: customer_update(
        g, "branch", etag="no-etag", branch="WEST"), ABORTED, "ETAG_MISMATCH", "etag"),
    Row(24, "accounts.CloseAccount", lambda g: accounts.CloseAccountRequest(name=g.account.name),
        FAILED, "RECORD_IN_USE"),
    Row(24, "accounts.UpdateAccount", lambda g: account_update(g.closed, "branch", branch="WEST"),
        FAILED, "ILLEGAL_TRANSITION"),
    Row(24, "accounts.PlaceRestriction", lambda g: accounts.PlaceRestrictionRequest(
        name=g.closed, restriction={"type": 1}), FAILED, "ILLEGAL_TRANSITION"),
    Row(24, "accounts.OpenAccount", lambda g: accounts.OpenAccountRequest(name=g.account.name),
        FAILED, "ILLEGAL_TRANSITION"),
    Row(24, "cards.UnblockCard", lambda g: cards.UnblockCardRequest(name=g.card.name),
        FAILED, "ILLEGAL_TRANSITION"),
    Row(24, "cards.ActivateCard", lambda g: cards.ActivateCardRequest(name=g.card.name),
        FAILED, "ILLEGAL_TRANSITION"),
]  # fmt: skip

PAGES: Final = [
    invalid(26, "cards.ListCards", lambda _: page_of_cards(page_size=-1),
            "INVALID_PAGE_SIZE", "page_size"),
    invalid(26, "customers.ListCustomers", lambda _: customers.ListCustomersRequest(
        page_size=-(2**31)), "INVALID_PAGE_SIZE", "page_size"),
    invalid(26, "accounts.ListAccountRevisions", lambda g: accounts.ListAccountRevisionsRequest(
        name=g.account.name, page_size=-1), "INVALID_PAGE_SIZE", "page_size"),
    Row(26, "cards.ListCards", lambda g: page_of_cards(customer=g.customer, page_size=2**31 - 1),
        OK, ""),
    *(
        invalid(27, "cards.ListCards",
                lambda g, spoil=spoil: page_of_cards(
                    customer=g.customer, page_size=1, page_token=spoil(g)),
                "INVALID_PAGE_TOKEN", "page_token")
        for spoil in (
            lambda g: g.cards_page[:-1],
            lambda g: g.cards_page + "A",
            lambda g: g.cards_page[:20] + ("A" if g.cards_page[20] != "A" else "B")
            + g.cards_page[21:],
            lambda g: g.accounts_page,
            lambda _: "forged-token",
            lambda _: "AAAA" * 20,
            lambda _: "\u212a" * 30,
        )
    ),
    invalid(27, "cards.ListCards", lambda g: page_of_cards(page_size=1, page_token=g.cards_page),
            "INVALID_PAGE_TOKEN", "page_token"),
    invalid(27, "cards.ListCards", lambda g: page_of_cards(
        customer=g.customer, view=2, page_token=g.cards_page), "INVALID_PAGE_TOKEN", "page_token"),
    invalid(27, "cards.ListCards", lambda _: page_of_cards(page_token="A" * 513),
            "TOO_LONG", "page_token"),
    *(
        invalid(28, "accounts.UpdateAccount",
                lambda g, path=path: account_update(g.account.name, path),
                "INVALID_FIELD_MASK", "update_mask")
        for path in ("no_such_field", "state", "version", "currency", "account_number", "parties",
                     "*", "branch.deeper", "create_time.seconds", ".branch", "Branch", "")
    ),
    *(
        invalid(28, "customers.UpdateCustomer",
                lambda g, path=path: customer_update(g, path),
                "INVALID_FIELD_MASK", "update_mask")
        for path in ("kind", "person.no_such_name", "identifier_values", "identifiers.value",
                     "etag")
    ),
    invalid(28, "accounts.UpdateAccount", lambda g: account_update(g.account.name),
            "REQUIRED", "update_mask"),
    invalid(28, "customers.UpdateCustomer", lambda g: customer_update(
        g, "person.given_name", person={"given_name": ""}),
        "REQUIRED", "customer.person.given_name"),
]  # fmt: skip

FORMS: Final = [
    *(
        row
        for value in (0, 9999)
        for row in [
            invalid(29, "cards.IssueCard", lambda g, value=value: new_card(g, card_type=value),
                    "UNKNOWN_ENUM_VALUE", "card.card_type"),
            invalid(29, "accounts.CreateAccount",
                    lambda _, value=value: new_account(account_type=value),
                    "UNKNOWN_ENUM_VALUE", "account.account_type"),
            invalid(29, "customers.CreateCustomer", lambda _, value=value: new_person(kind=value),
                    "UNKNOWN_ENUM_VALUE", "customer.kind"),
            invalid(29, "customers.CreateCustomer", lambda _, value=value: identifier(
                type=value, value="123456789"),
                "UNKNOWN_ENUM_VALUE", "customer.identifiers[0].type"),
            invalid(29, "accounts.PlaceRestriction", lambda g, value=value: restriction(
                g, type=value, authority_ref="COURT"), "UNKNOWN_ENUM_VALUE", "restriction.type"),
            item(29, "tokens.Tokenize", lambda g, value=value: tokens.TokenizeRequest(
                items=[{"type": value, "value": g.pan}]), "UNKNOWN_ENUM_VALUE"),
        ]
    ),
    invalid(29, "cards.GetCard", lambda g: cards.GetCardRequest(
        name=g.card.name, view=UNKNOWN_ENUM), "UNKNOWN_ENUM_VALUE", "view"),
    invalid(29, "lookup.LookupCards", lambda g: lookup.LookupCardsRequest(
        keys=[{"pan": g.pan}], view=UNKNOWN_ENUM), "UNKNOWN_ENUM_VALUE", "view"),
    invalid(29, "cards.BlockCard", lambda g: cards.BlockCardRequest(
        name=g.card.name, state_reason=UNKNOWN_ENUM), "UNKNOWN_ENUM_VALUE", "state_reason"),
    *(
        invalid(30, "customers.CreateCustomer",
                lambda _, day=day: new_person(person={"birth_date": day}),
                reason, "customer.person.birth_date")
        for day, reason in [
            ("2024-02-30", "INVALID_DATE"), ("2023-02-29", "INVALID_DATE"),
            ("0000-01-01", "INVALID_DATE"), ("2999-01-01", "INVALID_DATE"),
            ("2024-13-01", "INVALID_DATE"), ("24-01-01", "MALFORMED"), ("20240101", "MALFORMED"),
            ("2024-01-01T00:00:00Z", "MALFORMED"), (" 2024-01-01", "MALFORMED"),
            ("2024-01-01\n", "MALFORMED"),
        ]
    ),
    invalid(30, "cards.IssueCard", lambda g: new_card(g, expiry="2035-13"),
            "INVALID_DATE", "card.expiry"),
    invalid(30, "cards.IssueCard", lambda g: new_card(g, expiry="2001-01"),
            "INVALID_DATE", "card.expiry"),
    invalid(30, "cards.GetCard", lambda g: cards.GetCardRequest(
        name=g.card.name, as_of=Timestamp(seconds=-(10**12))), "INVALID_DATE", "as_of"),
    invalid(30, "cards.GetCard", lambda g: cards.GetCardRequest(
        name=g.card.name, as_of=Timestamp(seconds=10**12)), "INVALID_DATE", "as_of"),
    invalid(30, "accounts.PlaceRestriction", lambda g: restriction(
        g, type=1, expire_time=Timestamp(seconds=1, nanos=-1)),
        "INVALID_DATE", "restriction.expire_time"),
    *(
        invalid(31, "customers.CreateCustomer", lambda _, code=code: address(country=code),
                "MALFORMED", "customer.addresses[0].country")
        for code in ("XX", "us", "USA", "ZZ", "U\u0405")
    ),
    invalid(31, "customers.CreateCustomer", lambda _: new_person(person={"nationalities": [
        "US", "XX"]}), "MALFORMED", "customer.person.nationalities[1]"),
    invalid(31, "accounts.CreateAccount", lambda _: new_account(currency="XXY"),
            "MALFORMED", "account.currency"),
    *(
        invalid(31, "accounts.CreateAccount",
                lambda _, iban=iban: new_account(iban=iban, routing_number="", account_number=""),
                reason, "account.iban")
        for iban, reason in [
            (GOOD_IBAN[:-1] + "1", "CHECK_DIGIT"), (GOOD_IBAN[:-1], "MALFORMED"),
            ("XX" + GOOD_IBAN[2:], "MALFORMED"),
        ]
    ),
    item(31, "lookup.LookupAccounts", lambda _: lookup.LookupAccountsRequest(
        keys=[{"iban": GOOD_IBAN[:-1] + "1"}]), "CHECK_DIGIT"),
    *(
        invalid(31, "accounts.CreateAccount",
                lambda _, number=number: new_account(routing_number=number),
                reason, "account.routing_number")
        for number, reason in [
            ("021000022", "CHECK_DIGIT"), ("000000000", "CHECK_DIGIT"), ("02100002", "MALFORMED"),
        ]
    ),
    item(31, "lookup.LookupAccounts", lambda g: by_number(g.account_number, "021000022"),
         "CHECK_DIGIT"),
    item(31, "routing.LookupRoutingNumbers", lambda _: routing.LookupRoutingNumbersRequest(
        routing_numbers=["021000022"]), "CHECK_DIGIT"),
]  # fmt: skip

# A batch's RPC, a request of so many good items, and their field.
_BATCHES: Final[list[tuple[str, Any, str]]] = [
    ("lookup.LookupAccounts", lambda g, n: lookup.LookupAccountsRequest(
        keys=[{"name": g.account.name}] * n), "keys"),
    ("lookup.LookupCards", lambda g, n: lookup.LookupCardsRequest(
        keys=[{"pan": g.pan}] * n), "keys"),
    ("cards.BatchGetCards", lambda g, n: cards.BatchGetCardsRequest(
        names=[g.card.name] * n), "names"),
    ("accounts.BatchGetAccounts", lambda g, n: accounts.BatchGetAccountsRequest(
        names=[g.account.name] * n), "names"),
    ("customers.BatchGetCustomers", lambda g, n: customers.BatchGetCustomersRequest(
        names=[g.customer] * n), "names"),
    ("customers.LookupCustomers", lambda g, n: customers.LookupCustomersRequest(
        keys=[{"type": 1, "value": g.ssn}] * n), "keys"),
    ("routing.LookupRoutingNumbers", lambda _, n: routing.LookupRoutingNumbersRequest(
        routing_numbers=["021000021"] * n), "routing_numbers"),
    ("tokens.Tokenize", lambda g, n: tokens.TokenizeRequest(
        items=[{"type": 1, "value": g.pan}] * n), "items"),
    ("tokens.Detokenize", lambda g, n: tokens.DetokenizeRequest(
        tokens=[{"type": 1, "value": g.card.tokens[0].value}] * n, purpose="DISPUTE"), "tokens"),
    ("ach.ResolveAchEntries", lambda _, n: ResolveAchEntriesRequest(
        entries=[{"rdfi_routing": "021000021"}] * n), "entries"),
]  # fmt: skip

BATCHES: Final = [
    *(
        invalid(36, rpc, lambda g, many=many, size=size: many(g, size), reason, path)
        for rpc, many, path in _BATCHES
        for size, reason in [(0, "EMPTY_BATCH"), (1001, "TOO_LONG")]
    ),
    item(36, "lookup.LookupAccounts", lambda g: lookup.LookupAccountsRequest(
        keys=[{"name": g.account.name}, {"name": "accounts/bad"}]), "MALFORMED"),
    item(36, "lookup.LookupCards", lambda g: lookup.LookupCardsRequest(
        keys=[{"pan": g.pan}, {"pan": PAN[:-1] + "9"}]), "CHECK_DIGIT"),
    item(36, "customers.LookupCustomers", lambda g: customers.LookupCustomersRequest(
        keys=[{"type": 1, "value": g.ssn}, {"type": 1, "value": "9"}]), "MALFORMED"),
    item(36, "tokens.Tokenize", lambda g: tokens.TokenizeRequest(
        items=[{"type": 1, "value": g.pan}, {"type": 1, "value": "x"}]), "MALFORMED"),
    item(36, "tokens.Detokenize", lambda g: tokens.DetokenizeRequest(
        tokens=[{"type": 1, "value": g.card.tokens[0].value}, {"type": 1, "value": "lower-case"}],
        purpose="DISPUTE"), "MALFORMED"),
    item(36, "routing.LookupRoutingNumbers", lambda _: routing.LookupRoutingNumbersRequest(
        routing_numbers=["021000021", "nine"]), "MALFORMED"),
    invalid(36, "customers.CreateCustomer", lambda _: new_person(
        contact_points=[{"type": 1, "value": "ann@example.com"}, {"type": 1}]),
        "REQUIRED", "customer.contact_points[1].value"),
]  # fmt: skip
