"""Loading in bulk, as a client sees it."""

import asyncio
import itertools
import os
from collections.abc import Iterable
from uuid import UUID

import grpc
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, card_pb2, customer_pb2, lookup_pb2, record_pb2, relationship_pb2
from opencif.v1.import_pb2 import ImportRecord, ImportRecordsRequest, ImportRecordsResponse
from tests.rpc.bank import ROUTING, new_number, new_pan

FOUND = lookup_pb2.LOOKUP_OUTCOME_FOUND
FULL = record_pb2.VIEW_FULL
_serials = itertools.count(int.from_bytes(os.urandom(5)) * 1000)


def name() -> str:
    """A customer's name that no other test uses."""
    return f"customers/{UUID(int=(0x7 << 76) | (0b10 << 62) | next(_serials))}"


def person(called: str | None = None, **fields) -> ImportRecord:
    said = {"given_name": "Ann", "family_name": "Bell", "birth_date": "1980-02-29"}
    customer = {"name": called or name(), "kind": "CUSTOMER_KIND_PERSON", "person": said}
    return ImportRecord(customer=customer | {"state": "CUSTOMER_STATE_ACTIVE"} | fields)


def account(owner: str, digits: str | None = None, **fields) -> ImportRecord:
    party = {"customer": owner, "role": "PARTY_ROLE_PRIMARY_OWNER", "valid_from": "2020-01-02"}
    said = {
        "routing_number": ROUTING,
        "account_number": digits or new_number(),
        "account_type": "ACCOUNT_TYPE_CHECKING",
        "holder_class": "HOLDER_CLASS_CONSUMER",
        "currency": "USD",
        "state": "ACCOUNT_STATE_OPEN",
        "open_date": "2020-01-02",
        "parties": [party],
    }
    return ImportRecord(account=said | fields)


def card(holder: str, digits: str | None = None, **fields) -> ImportRecord:
    said = {"pan": digits or new_pan(), "card_type": "CARD_TYPE_CREDIT", "expiry": "2030-12"}
    return ImportRecord(card=said | {"cardholder": holder} | fields)


def relationship(from_: str, to: str, **fields) -> ImportRecord:
    said = {"from_customer": from_, "to_customer": to, "type": "RELATIONSHIP_TYPE_SPOUSE"}
    return ImportRecord(relationship=said | fields)


async def load(client: Client, *records: ImportRecord) -> ImportRecordsResponse:
    return await client.import_records(records, source_system="CORE")


def rejects(answer: ImportRecordsResponse) -> list[tuple[int, str, str]]:
    return [(one.row, one.reason, one.field) for one in answer.rejected]


async def found(client: Client, digits: str, token: str = "", **said) -> lookup_pb2.AccountResult:
    key = {"number": {"routing_number": ROUTING, "account_number": digits}}
    consistency = {"at_least_as_fresh": token} if token else None
    answer = await client.lookup.LookupAccounts(
        lookup_pb2.LookupAccountsRequest(keys=[key], consistency=consistency, **said)
    )
    return answer.results[0]


async def test_a_bank_is_loaded_whatever_the_order_of_its_rows(client: Client) -> None:
    owner, other, digits, card_digits = name(), name(), new_number(), new_pan()
    answer = await load(
        client,
        relationship(owner, other),
        card(owner, card_digits),
        account(owner, digits),
        person(other),
        person(owner),
    )
    assert rejects(answer) == []
    counts = (answer.customers, answer.accounts, answer.cards, answer.relationships)
    assert counts == (2, 1, 1, 1)
    hit = await found(client, digits, answer.consistency_token, with_owners=True, view=FULL)
    assert hit.outcome == FOUND
    assert [each.name for each in hit.owners] == [owner]
    assert hit.owners[0].person.family_name == "Bell"


async def test_a_loaded_account_says_what_a_created_one_says(client: Client) -> None:
    owner, digits = name(), new_number()
    answer = await load(client, person(owner), account(owner, digits, branch="NORTH"))
    loaded = (await found(client, digits, answer.consistency_token)).account
    made = (
        await client.accounts.CreateAccount(
            account_pb2.CreateAccountRequest(
                account={
                    "routing_number": ROUTING,
                    "account_number": new_number(),
                    "account_type": "ACCOUNT_TYPE_CHECKING",
                    "holder_class": "HOLDER_CLASS_CONSUMER",
                    "currency": "USD",
                    "branch": "NORTH",
                },
                parties=[{"customer": owner, "role": "PARTY_ROLE_PRIMARY_OWNER"}],
                source_system="CORE",
            )
        )
    ).account
    fields = {field.name for field, _ in made.ListFields()}
    assert {field.name for field, _ in loaded.ListFields()} == fields | {"open_date"}
    assert (loaded.version, loaded.etag, loaded.source_system) == (1, "1", "CORE")
    assert loaded.number_mask.endswith(digits[-4:])
    assert [token.key_version for token in loaded.tokens] == [1]
    assert list(loaded.parties[0].name_digests) == list(made.parties[0].name_digests)
    assert loaded.parties[0].valid_from == "2020-01-02"
    assert not loaded.account_number


async def test_states_dates_and_restrictions_are_taken_as_given(client: Client) -> None:
    owner, digits, closed = name(), new_number(), new_number()
    freeze = {
        "type": "RESTRICTION_TYPE_LEGAL_FREEZE",
        "placed_by": "court",
        "effective_time": {"seconds": 1_600_000_000},
    }
    answer = await load(
        client,
        person(owner, state="CUSTOMER_STATE_DECEASED", deceased_date="2024-05-06"),
        account(owner, digits, restrictions=[freeze]),
        account(owner, closed, state="ACCOUNT_STATE_CLOSED", close_date="2023-01-01"),
    )
    assert rejects(answer) == []
    frozen = (await found(client, digits, answer.consistency_token)).account
    assert frozen.restrictions[0].placed_by == "court"
    assert frozen.restrictions[0].state == account_pb2.RESTRICTION_STATE_ACTIVE
    assert frozen.restrictions[0].restriction_id
    assert frozen.parties[0].deceased_date == "2024-05-06"
    over = (await found(client, closed, answer.consistency_token)).account
    assert (over.state, over.close_date) == (account_pb2.ACCOUNT_STATE_CLOSED, "2023-01-01")


async def test_every_loaded_record_has_its_revision(client: Client) -> None:
    owner = name()
    await load(client, person(owner))
    answer = await client.customers.ListCustomerRevisions(
        customer_pb2.ListCustomerRevisionsRequest(name=owner, view=FULL)
    )
    (only,) = answer.revisions
    assert only.revision.operation == record_pb2.OPERATION_IMPORT
    assert only.revision.method == "opencif.v1.ImportService/ImportRecords"
    assert (only.revision.actor, only.revision.source_system) == ("dev", "CORE")
    assert only.customer.person.given_name == "Ann"


async def test_a_loaded_record_goes_on_like_any_other(client: Client) -> None:
    owner, digits = name(), new_number()
    answer = await load(client, person(owner), account(owner, digits))
    loaded = (await found(client, digits, answer.consistency_token)).account
    closed = await client.accounts.CloseAccount(
        account_pb2.CloseAccountRequest(name=loaded.name, etag="1", close_reason="MOVED")
    )
    assert (closed.account.version, closed.account.uid) == (2, loaded.uid)


async def test_a_card_is_found_by_its_number_its_token_and_its_device_number(
    client: Client,
) -> None:
    owner, digits, dpan = name(), new_pan(), new_pan("5200")
    token = {"dpan": dpan, "token_unique_reference": "REF1", "tsp": "TOKEN_SERVICE_PROVIDER_MDES"}
    answer = await load(client, person(owner), card(owner, digits, card_tokens=[token]))
    assert rejects(answer) == []
    keys = [{"pan": digits}, {"dpan": dpan}]
    first = await client.lookup.LookupCards(lookup_pb2.LookupCardsRequest(keys=keys))
    assert [one.outcome for one in first.results] == [FOUND, FOUND]
    loaded = first.results[0].card
    assert loaded.state == card_pb2.CARD_STATE_ISSUED
    assert loaded.card_tokens[0].dpan_last4 == dpan[-4:]
    assert loaded.card_tokens[0].state == card_pb2.CARD_TOKEN_STATE_ACTIVE
    assert not loaded.card_tokens[0].dpan
    again = await client.lookup.LookupCards(
        lookup_pb2.LookupCardsRequest(keys=[{"token": loaded.tokens[0].value}])
    )
    assert again.results[0].card == loaded == first.results[1].card


OWNER = name()
MINOR = name()


@pytest.mark.parametrize(
    ("bad", "reason", "field"),
    [
        (ImportRecord(), "REQUIRED", "record"),
        (person(state=99), "UNKNOWN_ENUM_VALUE", "customer.state"),
        (person(person={"family_name": "Bell"}), "REQUIRED", "customer.person.given_name"),
        (person(name="customers/1"), "MALFORMED", "customer.name"),
        (person(deceased_date="2024-02-30"), "INVALID_DATE", "customer.deceased_date"),
        (
            person(state="CUSTOMER_STATE_DECEASED"),
            "REQUIRED",
            "customer.deceased_date",
        ),
        (
            person(identifiers=[{"type": "IDENTIFIER_TYPE_SSN", "value": "000112222"}]),
            "MALFORMED",
            "customer.identifiers[0].value",
        ),
        (account(OWNER, "1" * 18), "MALFORMED", "account.account_number"),
        (account(OWNER, "\uff11234567"), "MALFORMED", "account.account_number"),
        (account(OWNER, routing_number="021000022"), "CHECK_DIGIT", "account.routing_number"),
        (account(OWNER, iban="DE89370400440532013000"), "MALFORMED", "account.iban"),
        (account(OWNER, currency="usd"), "MALFORMED", "account.currency"),
        (account(OWNER, state=99), "UNKNOWN_ENUM_VALUE", "account.state"),
        (account(OWNER, parties=[]), "INVARIANT", ""),
        (account(MINOR), "INVARIANT", ""),
        (account(name()), "REFERENCE_NOT_FOUND", "account.parties[0].customer"),
        (
            account(OWNER, restrictions=[{"type": "RESTRICTION_TYPE_ACH_DEBIT_FILTER"}]),
            "REQUIRED",
            "account.restrictions[0].scope.company_ids",
        ),
        (
            account(OWNER, replaces="accounts/" + "a" * 26),
            "REFERENCE_NOT_FOUND",
            "account.replaces",
        ),
        (
            account(OWNER, state=5, replacement={"reason": "RENUMBER_REASON_MERGER"}),
            "REFERENCE_NOT_FOUND",
            "account.replacement.account",
        ),
        (card(OWNER, "4111111111111112"), "CHECK_DIGIT", "card.pan"),
        (card(OWNER, "41111111111"), "MALFORMED", "card.pan"),
        (card(OWNER, psn=100), "MALFORMED", "card.psn"),
        (card(name()), "REFERENCE_NOT_FOUND", "card.cardholder"),
        (
            card(OWNER, accounts=[{"account": "accounts/" + "a" * 26}]),
            "REFERENCE_NOT_FOUND",
            "card.accounts[0].account",
        ),
        (
            card(OWNER, card_tokens=[{"tsp": "TOKEN_SERVICE_PROVIDER_VTS"}]),
            "REQUIRED",
            "card.card_tokens[0].dpan",
        ),
        (relationship(OWNER, OWNER), "MALFORMED", "relationship.to_customer"),
        (relationship(OWNER, name()), "REFERENCE_NOT_FOUND", "relationship.to_customer"),
    ],
)
async def test_a_row_that_cannot_be_taken_is_rejected_alone(
    client: Client, bad: ImportRecord, reason: str, field: str
) -> None:
    await load(client, person(OWNER), person(MINOR, person=CHILD))
    before, after = new_number(), new_number()
    answer = await load(client, account(OWNER, before), bad, account(OWNER, after))
    assert rejects(answer) == [(2, reason, field)]
    assert (answer.accounts, answer.rejected_count) == (2, 1)
    for digits in (before, after):
        assert (await found(client, digits, answer.consistency_token)).outcome == FOUND


CHILD = {"given_name": "Kid", "family_name": "Bell", "birth_date": "2025-01-01"}


async def test_what_is_there_already_is_left_as_it_is(client: Client) -> None:
    owner, digits, card_digits = name(), new_number(), new_pan()
    rows = [person(owner), account(owner, digits), card(owner, card_digits)]
    first = await load(client, *rows)
    assert rejects(first) == []
    renamed = person(owner, person={"given_name": "Eve", "family_name": "Other"})
    again = await load(client, renamed, account(owner, digits), card(owner, card_digits))
    assert rejects(again) == [
        (1, "ALREADY_EXISTS", "customer.name"),
        (2, "ALREADY_EXISTS", "account.account_number"),
        (3, "ALREADY_EXISTS", "card.pan"),
    ]
    assert again.consistency_token == ""
    hit = await found(client, digits, first.consistency_token, with_owners=True, view=FULL)
    assert (hit.account.version, hit.owners[0].person.family_name) == (1, "Bell")


async def test_a_row_that_comes_twice_is_taken_once(client: Client) -> None:
    owner, digits = name(), new_number()
    answer = await load(client, person(owner), account(owner, digits), account(owner, digits))
    assert rejects(answer) == [(3, "ALREADY_EXISTS", "account.account_number")]
    assert answer.accounts == 1


async def test_an_identifier_belongs_to_one_customer(client: Client) -> None:
    ssn = {"type": "IDENTIFIER_TYPE_SSN", "value": f"{next(_serials) % 700 + 1:03}121234"}
    core = {"type": "IDENTIFIER_TYPE_CIF", "value": new_number()}
    first = await load(client, person(identifiers=[core]))
    assert rejects(first) == []
    again = await load(client, person(identifiers=[core]))
    assert rejects(again) == [(1, "ALREADY_EXISTS", "customer.identifiers")]
    twice = await load(client, person(identifiers=[ssn]), person(identifiers=[ssn]))
    assert twice.rejected_count >= 1


async def test_of_two_loads_at_once_each_row_is_taken_by_one(client: Client) -> None:
    """In opposite order, so that each waits for what the other has written."""
    owner = name()
    await load(client, person(owner))
    claims = [[{"type": "IDENTIFIER_TYPE_CIF", "value": new_number()}] for _ in range(300)]
    numbers = [new_number() for _ in range(300)]

    def rows(step: int) -> list[ImportRecord]:
        people = [person(identifiers=claim) for claim in claims[::step]]
        return people + [account(owner, number) for number in numbers[::step]]

    first, second = await asyncio.gather(load(client, *rows(1)), load(client, *rows(-1)))
    assert first.customers + second.customers == 300
    assert first.accounts + second.accounts == 300
    refused = {
        (reason, field) for answer in (first, second) for _, reason, field in rejects(answer)
    }
    assert refused <= {
        ("ALREADY_EXISTS", "customer.identifiers"),
        ("ALREADY_EXISTS", "account.account_number"),
    }


async def test_accounts_of_customers_from_earlier_imports_carry_their_digests(
    client: Client,
) -> None:
    owner, first, second = name(), new_number(), new_number()
    await load(client, person(owner), account(owner, first))
    answer = await load(client, account(owner, second))
    digests = [
        list(
            (await found(client, digits, answer.consistency_token)).account.parties[0].name_digests
        )
        for digits in (first, second)
    ]
    assert digests[0] == digests[1] != []


async def test_a_renumbered_account_names_the_one_that_replaces_it(client: Client) -> None:
    owner, old, new = name(), new_number(), new_number()
    answer = await load(client, person(owner), account(owner, new))
    heir = (await found(client, new, answer.consistency_token)).account
    closed = {"state": "ACCOUNT_STATE_CLOSED", "close_date": "2024-01-01"}
    answer = await load(client, account(owner, old, replacement={"account": heir.name}, **closed))
    assert rejects(answer) == []
    said = (await found(client, old, answer.consistency_token)).account.replacement
    assert (said.account, said.routing_number) == (heir.name, ROUTING)
    assert said.account_type == account_pb2.ACCOUNT_TYPE_CHECKING
    assert said.reason == account_pb2.RENUMBER_REASON_RENUMBER


async def test_ownership_is_held_to_circles_and_shares_row_by_row(client: Client) -> None:
    one, two, three = name(), name(), name()
    firm = {"kind": "CUSTOMER_KIND_ORGANIZATION", "organization": {"legal_name": "Bell Ltd"}}
    firms = [ImportRecord(customer=firm | {"name": each}) for each in (one, two, three)]
    subsidiary = {"type": "RELATIONSHIP_TYPE_SUBSIDIARY_OF"}
    owns = {"type": "RELATIONSHIP_TYPE_BENEFICIAL_OWNER_OF", "ownership_bp": 6_000}
    answer = await load(
        client,
        *firms,
        relationship(one, two, **subsidiary),
        relationship(two, three, **subsidiary),
        relationship(three, one, **subsidiary),
        relationship(two, one, **owns),
        relationship(three, one, **owns),
    )
    assert answer.relationships == 3
    assert [(row, reason) for row, reason, _ in rejects(answer)] == [
        (6, "CYCLE"),
        (8, "INVALID_SHARE"),
    ]
    listed = await client.relationships.ListRelationships(
        relationship_pb2.ListRelationshipsRequest(customer=one)
    )
    assert len(listed.relationships) == 2


async def test_a_share_that_was_not_taken_counts_for_nobody(client: Client) -> None:
    firm, one, two = name(), name(), name()
    called = f"relationships/{name().removeprefix('customers/')}"
    said = {"kind": "CUSTOMER_KIND_ORGANIZATION", "organization": {"legal_name": "Bell Ltd"}}
    owns = {"type": "RELATIONSHIP_TYPE_BENEFICIAL_OWNER_OF"}
    answer = await load(
        client,
        *(ImportRecord(customer=said | {"name": each}) for each in (firm, one, two)),
        relationship(one, firm, name=called, ownership_bp=3_000, **owns),
        relationship(one, firm, name=called, ownership_bp=3_000, **owns),
        relationship(name(), firm, ownership_bp=3_000, **owns),
        relationship(two, firm, ownership_bp=7_000, **owns),
        relationship(two, firm, ownership_bp=1, **owns),
    )
    assert rejects(answer) == [
        (5, "ALREADY_EXISTS", "relationship.name"),
        (6, "REFERENCE_NOT_FOUND", "relationship.from_customer"),
        (8, "INVALID_SHARE", "relationship.ownership_bp"),
    ]


async def test_a_record_asked_for_before_it_was_loaded_is_found_afterwards(client: Client) -> None:
    """A tombstone in the cache does not hide the record once the change poll has seen it."""
    owner, digits = name(), new_number()
    await load(client, person(owner))
    for _ in range(4):  # either worker's
        assert (await found(client, digits)).outcome == lookup_pb2.LOOKUP_OUTCOME_NOT_FOUND
    answer = await load(client, account(owner, digits))
    for _ in range(4):
        assert (await found(client, digits, answer.consistency_token)).outcome == FOUND


async def test_more_rows_than_a_message_holds_are_counted_over_the_call(client: Client) -> None:
    owner = name()

    def rows() -> Iterable[ImportRecord]:
        yield person(owner)
        yield from (account(owner) for _ in range(5_200))
        yield account(name())

    answer = await client.import_records(rows())
    assert answer.accounts == 5_200
    assert rejects(answer) == [(5_202, "REFERENCE_NOT_FOUND", "account.parties[0].customer")]


@pytest.mark.parametrize(
    ("records", "reason"),
    [([], "EMPTY_BATCH"), ([ImportRecord()] * 5_001, "TOO_LONG")],
)
async def test_a_message_of_no_rows_or_too_many_ends_the_call(
    client: Client, records: list[ImportRecord], reason: str
) -> None:
    with pytest.raises(OpencifError) as refused:
        await client.imports.ImportRecords(iter([ImportRecordsRequest(records=records)]))
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.value.reason, refused.value.fields[0].field) == (reason, "records")
