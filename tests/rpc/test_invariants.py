"""What one RPC forbids, no other one and no import lets through."""

import pytest

from opencif.client import Client
from opencif.v1 import account_pb2, card_pb2, customer_pb2
from opencif.v1.import_pb2 import ImportRecord
from tests.rpc import people, test_relationship
from tests.rpc.bank import FAILED, INVALID, account, card, customer, new_pan, open_account, refused
from tests.rpc.test_import import account as account_row
from tests.rpc.test_import import card as card_row
from tests.rpc.test_import import found, load, name, person, rejects, relationship
from tests.rpc.test_import import new_number as number

ENDED, CLOSED_CUSTOMER, CLOSED = 3, "CUSTOMER_STATE_CLOSED", "ACCOUNT_STATE_CLOSED"
OLD = {"close_date": "2024-01-01", "state": CLOSED}


async def closed_account(client: Client, owner: str) -> str:
    made = (await open_account(client, owner)).name
    await client.accounts.CloseAccount(account_pb2.CloseAccountRequest(name=made))
    return made


async def close_customer(client: Client, called: str) -> None:
    await client.customers.CloseCustomer(customer_pb2.CloseCustomerRequest(name=called))


async def test_an_account_is_not_reopened_for_owners_who_are_gone(client: Client) -> None:
    owner = (await people.active(client)).name
    closed = await closed_account(client, owner)
    reopen = account_pb2.ReopenAccountRequest(name=closed, approval_ref="A-1")
    await close_customer(client, owner)
    await refused(client.accounts.ReopenAccount(reopen), FAILED, "REFERENCE_NOT_FOUND")
    delete = customer_pb2.DeleteCustomerRequest(name=owner)
    await client.customers.DeleteCustomer(delete)
    await refused(client.accounts.ReopenAccount(reopen), FAILED, "REFERENCE_NOT_FOUND")


async def test_an_account_is_reopened_for_its_owners(client: Client) -> None:
    closed = await closed_account(client, (await people.active(client)).name)
    reopen = account_pb2.ReopenAccountRequest(name=closed, approval_ref="A-1")
    opened = (await client.accounts.ReopenAccount(reopen)).account
    assert (opened.state, opened.approval_ref) == (account_pb2.ACCOUNT_STATE_OPEN, "A-1")


async def test_a_card_is_not_replaced_for_the_dead(client: Client) -> None:
    holder = (await people.active(client)).name
    lost = await card(client, cardholder=holder)
    await client.cards.ReportLost(card_pb2.ReportLostRequest(name=lost.name))
    died = customer_pb2.MarkDeceasedRequest(name=holder, deceased_date=people.DIED)
    await client.customers.MarkDeceased(died)
    replace = card_pb2.ReplaceCardRequest(name=lost.name, new_pan=new_pan(), new_expiry="2035-01")
    await refused(client.cards.ReplaceCard(replace), FAILED, "REFERENCE_NOT_FOUND")


async def test_a_relationship_is_not_confirmed_for_a_customer_who_is_gone(client: Client) -> None:
    one, other = await customer(client), (await people.active(client)).name
    proposed = await test_relationship.relate(
        client, one, test_relationship.SPOUSE, other, propose=True
    )
    await close_customer(client, other)
    await refused(test_relationship.confirm(client, proposed.name), FAILED, "REFERENCE_NOT_FOUND")
    assert (await test_relationship.end(client, proposed.name)).state == ENDED


@pytest.mark.parametrize("bad", ["", " 77", "77 ", "M\u00fcller", "a\tb"])
async def test_an_individual_id_is_what_an_entry_can_carry(client: Client, bad: str) -> None:
    where = "account.individual_ids[1]"
    made = account(client, await customer(client), individual_ids=["1", bad])
    await refused(made, INVALID, "MALFORMED", where)
    owner = name()
    answer = await load(client, person(owner), account_row(owner, individual_ids=["1", bad]))
    assert rejects(answer) == [(2, "MALFORMED", where)]


async def test_an_individual_id_is_no_card_number_by_chance(client: Client) -> None:
    made = await account(client, await customer(client), individual_ids=["4111111111111111"])
    assert list(made.individual_ids) == ["4111111111111111"]


async def test_a_company_id_has_no_blanks_around_it(client: Client) -> None:
    opened = await open_account(client)
    place = account_pb2.PlaceRestrictionRequest(
        name=opened.name,
        restriction={
            "type": "RESTRICTION_TYPE_STOP_PAYMENT",
            "scope": {"company_ids": ["1234567890", "77 "]},
        },
    )
    where = "restriction.scope.company_ids[1]"
    await refused(client.accounts.PlaceRestriction(place), INVALID, "MALFORMED", where)


async def test_a_loaded_chain_of_numbers_leads_to_the_newest(client: Client) -> None:
    owner, newest, middle, oldest = name(), number(), number(), number()
    token = (await load(client, person(owner), account_row(owner, newest))).consistency_token
    heir = (await found(client, newest, token)).account.name
    for old, new in ((middle, heir), (oldest, "")):
        replacement = {"account": new or (await found(client, middle, token)).account.name}
        answer = await load(client, account_row(owner, old, replacement=replacement, **OLD))
        assert rejects(answer) == []
        token = answer.consistency_token
    assert (await found(client, oldest, token)).account.replacement.account == heir


OWNER, GONE = name(), name()
TWICE = {"customer": OWNER, "role": "PARTY_ROLE_JOINT_OWNER", "party_id": "P1"}
PRIMARY = TWICE | {"role": "PARTY_ROLE_PRIMARY_OWNER", "valid_from": "2020-01-02"}
HOLD = {"type": "RESTRICTION_TYPE_AMOUNT_HOLD", "restriction_id": "R1"} | {
    "amount": {"currency_code": "USD", "units": 1}
}
DEVICE = {"tsp": "TOKEN_SERVICE_PROVIDER_VTS", "state": "CARD_TOKEN_STATE_ACTIVE"}
OVER = {"state": "RELATIONSHIP_STATE_ENDED", "valid_from": "2020-01-01"}
DIED_UNBORN = {"deceased_date": "1970-01-01", "state": "CUSTOMER_STATE_DECEASED"}


@pytest.mark.parametrize(
    ("bad", "reason", "field"),
    [
        (person(**DIED_UNBORN), "INVALID_DATE", "customer.deceased_date"),
        (
            account_row(OWNER, parties=[PRIMARY, TWICE]),
            "MALFORMED",
            "account.parties[1].party_id",
        ),
        (
            account_row(OWNER, restrictions=[HOLD, HOLD]),
            "MALFORMED",
            "account.restrictions[1].restriction_id",
        ),
        (
            account_row(OWNER, replacement={"account": "accounts/" + "a" * 26}),
            "MALFORMED",
            "account.replacement",
        ),
        (
            card_row(OWNER, state=11, card_tokens=[DEVICE | {"dpan": new_pan()}]),
            "MALFORMED",
            "card.card_tokens[0].state",
        ),
        (
            card_row(
                OWNER, card_tokens=[DEVICE | {"dpan": new_pan(), "token_id": "T"} for _ in "ab"]
            ),
            "MALFORMED",
            "card.card_tokens[1].token_id",
        ),
        (relationship(OWNER, GONE, **OVER), "REQUIRED", "relationship.valid_to"),
        (relationship(OWNER, GONE), "REFERENCE_NOT_FOUND", "relationship.to_customer"),
    ],
)
async def test_a_bank_that_breaks_its_own_rules_is_not_loaded_so(
    client: Client, bad: ImportRecord, reason: str, field: str
) -> None:
    gone = person(GONE, state=CLOSED_CUSTOMER)
    await load(client, person(OWNER), gone)
    answer = await load(client, bad)
    assert [(row.reason, row.field) for row in answer.rejected] == [(reason, field)]


@pytest.mark.parametrize("type_", ["SPOUSE", "BENEFICIAL_OWNER_OF"])
async def test_what_is_over_may_be_between_customers_who_are_gone(
    client: Client, type_: str
) -> None:
    await load(client, person(OWNER), person(GONE, state=CLOSED_CUSTOMER))
    over = OVER | {"valid_to": "2021-01-01", "type": f"RELATIONSHIP_TYPE_{type_}"}
    assert rejects(await load(client, relationship(GONE, OWNER, **over))) == []
