import asyncio
import uuid
from datetime import UTC, datetime

import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2 as pb
from opencif.v1 import card_pb2
from opencif.v1.account_pb2 import Account, AccountParty, AccountRestriction
from opencif.v1.record_pb2 import OPERATION_RECREATE, Consistency
from tests.rpc.bank import (
    ABORTED,
    EXISTS,
    FAILED,
    GUARDIAN,
    INVALID,
    JOINT,
    MISSING,
    OTHER_ROUTING,
    PRIMARY,
    account,
    card,
    customer,
    new_number,
    open_account,
    refused,
    terms,
)

NOBODY = "customers/01a00000-0000-7000-8000-000000000000"


async def test_an_account_lives_from_creation_to_deletion(client):
    number = new_number()
    made = await account(client, await customer(client), number=f"{number[:4]}-{number[4:]} ")
    assert made.state == pb.ACCOUNT_STATE_PENDING
    assert (made.version, made.etag, made.number_mask) == (1, "1", f"••••{number[-4:]}")
    assert len(made.tokens) == 1
    assert made.tokens[0].value != number
    assert len(made.tokens[0].value) == len(number)
    steps = [
        (client.accounts.OpenAccount, pb.OpenAccountRequest, "OPEN"),
        (client.accounts.MarkAccountDormant, pb.MarkAccountDormantRequest, "DORMANT"),
        (client.accounts.ReactivateAccount, pb.ReactivateAccountRequest, "OPEN"),
        (client.accounts.CloseAccount, pb.CloseAccountRequest, "CLOSED"),
    ]
    for version, (rpc, request, state) in enumerate(steps, start=2):
        answer = await rpc(request(name=made.name, etag=str(version - 1)))
        assert answer.account.state == pb.AccountState.Value(f"ACCOUNT_STATE_{state}")
        assert answer.account.version == version
    reopened = await client.accounts.ReopenAccount(
        pb.ReopenAccountRequest(name=made.name, approval_ref="CASE-7")
    )
    assert reopened.account.approval_ref == "CASE-7"
    await client.accounts.CloseAccount(pb.CloseAccountRequest(name=made.name))
    await client.accounts.DeleteAccount(pb.DeleteAccountRequest(name=made.name))
    await refused(
        client.accounts.GetAccount(pb.GetAccountRequest(name=made.name)),
        MISSING,
        "NOT_FOUND",
    )
    history = await client.accounts.ListAccountRevisions(
        pb.ListAccountRevisionsRequest(name=made.name, page_size=3)
    )
    assert [each.revision.version for each in history.revisions] == [8, 7, 6]
    assert not history.revisions[0].HasField("account")
    assert history.revisions[2].revision.paths == [
        "state", "close_date", "approval_ref",
    ]  # fmt: skip


async def test_a_number_never_comes_back_in_any_answer(client):
    owner = await customer(client)
    number, second_number = new_number(), new_number()
    made = await account(client, owner, number=number)
    name = made.name
    answers = [
        made,
        await client.accounts.GetAccount(pb.GetAccountRequest(name=name, view="VIEW_FULL")),
        await client.accounts.OpenAccount(pb.OpenAccountRequest(name=name)),
        await client.accounts.ListAccounts(
            pb.ListAccountsRequest(customer=owner, view="VIEW_FULL")
        ),
        await client.accounts.ListAccountRevisions(pb.ListAccountRevisionsRequest(name=name)),
        await client.accounts.RenumberAccount(
            pb.RenumberAccountRequest(name=name, new_account_number=second_number)
        ),
        await client.accounts.BatchGetAccounts(pb.BatchGetAccountsRequest(names=[name])),
    ]
    for answer in answers:
        sent = answer.SerializeToString()
        assert number.encode() not in sent
        assert second_number.encode() not in sent


async def test_a_repeated_request_gets_the_first_answer(client):
    request = pb.CreateAccountRequest(request_id=str(uuid.uuid4()), account=terms())
    first = await client.accounts.CreateAccount(request)
    await client.accounts.UpdateAccount(
        pb.UpdateAccountRequest(
            account={"name": first.account.name, "branch": "SOUTH"},
            update_mask={"paths": ["branch"]},
        )
    )
    again = await client.accounts.CreateAccount(request)
    assert again.account == first.account
    request.account.branch = "WEST"
    await refused(
        client.accounts.CreateAccount(request), INVALID, "IDEMPOTENCY_KEY_REUSED", "request_id"
    )


async def test_the_same_number_at_once_makes_one_account(client):
    number = new_number()
    made = await asyncio.gather(
        *(account(client, number=number) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, Account) for one in made) == 1
    others = [one for one in made if isinstance(one, OpencifError)]
    assert {(one.code, one.reason) for one in others} == {(EXISTS, "ALREADY_EXISTS")}


async def test_a_closed_number_is_given_out_again_as_a_new_incarnation(client):
    first_owner, second_owner = await customer(client), await customer(client)
    number = new_number()
    first = await open_account(client, first_owner, number=number)
    await client.accounts.PlaceRestriction(
        pb.PlaceRestrictionRequest(name=first.name, restriction={"type": 1})
    )
    await refused(account(client, number=number), EXISTS, "ALREADY_EXISTS")
    await client.accounts.CloseAccount(pb.CloseAccountRequest(name=first.name))
    second = await account(client, second_owner, number=number)
    assert second.name == first.name
    assert second.uid != first.uid
    assert second.version == 5
    assert not second.restrictions
    assert [party.customer for party in second.parties] == [second_owner]
    listed = await client.accounts.ListAccounts(pb.ListAccountsRequest(customer=first_owner))
    assert not listed.accounts
    history = await client.accounts.ListAccountRevisions(
        pb.ListAccountRevisionsRequest(name=second.name)
    )
    assert history.revisions[0].revision.operation == OPERATION_RECREATE
    assert history.revisions[0].revision.uid == second.uid
    assert history.revisions[1].account.uid == first.uid


async def test_a_deleted_number_is_given_out_again_and_versions_go_on(client):
    number = new_number()
    first = await account(client, number=number)
    await client.accounts.DeleteAccount(pb.DeleteAccountRequest(name=first.name))
    second = await account(client, number=number)
    assert (second.name, second.version) == (first.name, 3)
    assert second.uid != first.uid
    history = await client.accounts.ListAccountRevisions(
        pb.ListAccountRevisionsRequest(name=second.name)
    )
    assert history.revisions[0].revision.operation == OPERATION_RECREATE


async def test_an_account_may_be_named_by_its_iban(client):
    made = await account(client, routing_number="", account_number="", iban=new_iban())
    assert made.number_mask.startswith("••••")
    assert len(made.number_mask) == 8
    assert not made.tokens
    assert not made.routing_number


def new_iban() -> str:
    """A German one: bank code and account number, mod 97 check digits (ISO 13616)."""
    text = f"37040044{new_number()[-10:]}"
    return f"DE{98 - int(text + '131400') % 97:02}{text}"


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"routing_number": ""}, "REQUIRED", "account.routing_number"),
        ({"account_number": ""}, "REQUIRED", "account.account_number"),
        ({"routing_number": "021000022"}, "CHECK_DIGIT", "account.routing_number"),
        ({"account_number": "12345678901234567890"}, "MALFORMED", "account.account_number"),
        ({"iban": "DE89370400440532013000"}, "MALFORMED", "account.iban"),
        ({"iso_type": "cacc"}, "MALFORMED", "account.iso_type"),
        ({"currency": ""}, "REQUIRED", "account.currency"),
    ],
)
async def test_an_account_has_one_natural_key_in_form(client, fields, reason, field):
    request = pb.CreateAccountRequest(account=terms() | fields)
    await refused(client.accounts.CreateAccount(request), INVALID, reason, field)


async def test_parties_are_customers_that_are_there(client):
    await refused(account(client, NOBODY), FAILED, "REFERENCE_NOT_FOUND")
    made = await open_account(client)
    await refused(
        client.accounts.AddParty(
            pb.AddPartyRequest(name=made.name, party={"customer": NOBODY, "role": JOINT})
        ),
        FAILED,
        "REFERENCE_NOT_FOUND",
    )


async def test_a_party_holds_digests_and_no_name(client):
    made = await account(client, await customer(client, given_name="Zenobia"))
    party = made.parties[0]
    assert len(party.name_digests) >= 2
    assert b"Zenobia" not in made.SerializeToString()
    same = await account(client, await customer(client, given_name="ZENOBIA"))
    assert set(same.parties[0].name_digests) == set(party.name_digests)


async def test_a_minors_account_opens_with_a_guardian(client):
    child = await customer(client, birth_date="2020-01-01")
    made = await account(client, child)
    assert made.parties[0].minor
    request = pb.OpenAccountRequest(name=made.name)
    await refused(client.accounts.OpenAccount(request), FAILED, "INVARIANT")
    guardian = {"customer": await customer(client), "role": GUARDIAN}
    await client.accounts.AddParty(pb.AddPartyRequest(name=made.name, party=guardian))
    assert (await client.accounts.OpenAccount(request)).account.state == pb.ACCOUNT_STATE_OPEN


async def test_the_owner_changes_in_one_call(client):
    first, second = await customer(client), await customer(client)
    made = await open_account(client, first)
    party_id = made.parties[0].party_id
    await refused(
        client.accounts.EndParty(pb.EndPartyRequest(name=made.name, party_id=party_id)),
        FAILED,
        "INVARIANT",
    )
    answer = await client.accounts.EndParty(
        pb.EndPartyRequest(
            name=made.name,
            party_id=party_id,
            successor=AccountParty(customer=second, role=PRIMARY),
        )
    )
    assert [party.state for party in answer.account.parties] == [
        pb.PARTY_STATE_ENDED, pb.PARTY_STATE_ACTIVE,
    ]  # fmt: skip
    for owner in (first, second):  # "is or was a party to"
        listed = await client.accounts.ListAccounts(pb.ListAccountsRequest(customer=owner))
        assert [each.name for each in listed.accounts] == [made.name]


async def test_restrictions_are_placed_and_released(client):
    made = await open_account(client)
    freeze = AccountRestriction(type="RESTRICTION_TYPE_LEGAL_FREEZE", authority_ref="COURT 12")
    placed = await client.accounts.PlaceRestriction(
        pb.PlaceRestrictionRequest(name=made.name, restriction=freeze)
    )
    restriction = placed.account.restrictions[0]
    assert restriction.placed_by
    assert restriction.state == pb.RESTRICTION_STATE_ACTIVE
    released = await client.accounts.ReleaseRestriction(
        pb.ReleaseRestrictionRequest(name=made.name, restriction_id=restriction.restriction_id)
    )
    assert released.account.restrictions[0].state == pb.RESTRICTION_STATE_RELEASED
    await refused(
        client.accounts.ReleaseRestriction(
            pb.ReleaseRestrictionRequest(name=made.name, restriction_id="none")
        ),
        MISSING,
        "NOT_FOUND",
    )


async def test_an_update_changes_what_its_mask_names_under_its_etag(client):
    made = await account(client, product="GOLD")
    answer = await client.accounts.UpdateAccount(
        pb.UpdateAccountRequest(
            account={"name": made.name, "branch": "SOUTH", "ach_debit_ok": False},
            update_mask={"paths": ["branch", "ach_debit_ok", "product"]},
            etag="1",
        )
    )
    updated = answer.account
    assert (updated.branch, updated.ach_debit_ok, updated.product) == ("SOUTH", False, "")
    assert updated.HasField("ach_debit_ok")
    stale = pb.UpdateAccountRequest(
        account={"name": made.name}, update_mask={"paths": ["branch"]}, etag="1"
    )
    await refused(client.accounts.UpdateAccount(stale), ABORTED, "ETAG_MISMATCH")


@pytest.mark.parametrize(
    "path", ["account_number", "currency", "state", "parties", "nothing", "version"]
)
async def test_what_is_immutable_is_not_updated(client, path):
    made = await account(client)
    request = pb.UpdateAccountRequest(account={"name": made.name}, update_mask={"paths": [path]})
    await refused(
        client.accounts.UpdateAccount(request), INVALID, "INVALID_FIELD_MASK", "update_mask"
    )


async def test_an_account_with_live_cards_is_not_closed(client):
    made = await open_account(client)
    drawing = await card(client, made.name)
    close = pb.CloseAccountRequest(name=made.name, close_reason="ASKED")
    await refused(client.accounts.CloseAccount(close), FAILED, "RECORD_IN_USE")
    begun = await client.accounts.CloseAccount(
        pb.CloseAccountRequest(name=made.name, begin_only=True)
    )
    assert begun.account.state == pb.ACCOUNT_STATE_CLOSING
    await client.cards.CloseCard(card_pb2.CloseCardRequest(name=drawing.name))
    closed = (await client.accounts.CloseAccount(close)).account
    assert (closed.state, closed.close_reason) == (pb.ACCOUNT_STATE_CLOSED, "ASKED")


async def test_a_renumbered_account_is_found_from_every_earlier_number(client):
    owner = await customer(client)
    first = await open_account(client, owner)
    drawing = await card(client, first.name)
    await client.accounts.PlaceRestriction(
        pb.PlaceRestrictionRequest(name=first.name, restriction={"type": 1})
    )
    second = await renumber(client, first.name, new_account_type="ACCOUNT_TYPE_SAVINGS")
    third = await renumber(client, second.name, new_routing_number=OTHER_ROUTING)
    assert second.replaces == first.name
    assert (second.state, second.version) == (pb.ACCOUNT_STATE_OPEN, 1)
    assert [party.customer for party in second.parties] == [owner]
    assert len(third.restrictions) == 1
    for earlier in (first, second):
        old = await read(client, earlier.name)
        assert old.state == pb.ACCOUNT_STATE_CLOSED
        assert old.replacement.account == third.name
        assert old.replacement.routing_number == OTHER_ROUTING
        assert old.replacement.account_type == pb.ACCOUNT_TYPE_SAVINGS
    moved = await client.cards.GetCard(
        card_pb2.GetCardRequest(name=drawing.name, consistency={"fully_consistent": True})
    )
    assert [drawn.account for drawn in moved.card.accounts] == [third.name]
    listed = await client.cards.ListCards(card_pb2.ListCardsRequest(account=third.name))
    assert [each.name for each in listed.cards] == [drawing.name]
    assert not (await client.cards.ListCards(card_pb2.ListCardsRequest(account=first.name))).cards
    listed = await client.accounts.ListAccounts(pb.ListAccountsRequest(customer=owner))
    assert {each.name for each in listed.accounts} == {first.name, second.name, third.name}


async def renumber(client: Client, name: str, **fields) -> Account:
    answer = await client.accounts.RenumberAccount(
        pb.RenumberAccountRequest(name=name, new_account_number=new_number(), **fields)
    )
    return answer.account


async def read(client: Client, name: str, **fields) -> Account:
    fresh = Consistency(fully_consistent=True)
    answer = await client.accounts.GetAccount(
        pb.GetAccountRequest(name=name, consistency=fresh, **fields)
    )
    return answer.account


async def test_history_answers_what_the_account_said_then(client):
    made = await account(client, await customer(client))
    before = datetime.now(UTC)
    await client.accounts.OpenAccount(pb.OpenAccountRequest(name=made.name))

    async def get(**fields):
        request = pb.GetAccountRequest(name=made.name, **fields)
        return (await client.accounts.GetAccount(request)).account

    assert await get(version=1) == made
    assert await get(as_of=before) == made
    assert (await get(as_of=datetime.now(UTC))).state == pb.ACCOUNT_STATE_OPEN
    for fields in ({"version": 9}, {"as_of": datetime(2020, 1, 1, tzinfo=UTC)}):
        await refused(get(**fields), MISSING, "NOT_FOUND")
    both = {"version": 1, "as_of": before}
    await refused(get(**both), INVALID, "MALFORMED", "version")
    assert await get(version=1, consistency=Consistency(fully_consistent=True)) == made


async def test_a_batch_is_answered_in_order_or_not_at_all(client):
    made = [await account(client) for _ in range(3)]
    names = [made[position].name for position in (2, 0, 1, 0)]
    answer = await client.accounts.BatchGetAccounts(pb.BatchGetAccountsRequest(names=names))
    assert [each.name for each in answer.accounts] == names
    nobody = "accounts/aeaqcaibaeaqcaibaeaqcaibae"
    await refused(
        client.accounts.BatchGetAccounts(pb.BatchGetAccountsRequest(names=[*names, nobody])),
        MISSING,
        "NOT_FOUND",
    )


@pytest.mark.parametrize("by", ["branch", "customer"])
async def test_a_list_is_paged_without_gap_or_repetition(client, by):
    owner = await customer(client)
    branch = f"B{new_number()[:5]}_{new_number()[-5:]}"
    made = [(await account(client, owner, branch=branch)).name for _ in range(7)]
    request = pb.ListAccountsRequest(page_size=3)
    if by == "branch":
        request.branch = branch
    else:
        request.customer = owner
    seen = []
    while True:
        page = await client.accounts.ListAccounts(request)
        seen += [each.name for each in page.accounts]
        assert len(page.accounts) <= 3
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert len(seen) == 7
    assert set(seen) == set(made)
    request.branch, request.customer = "ELSEWHERE", ""
    await refused(
        client.accounts.ListAccounts(request), INVALID, "INVALID_PAGE_TOKEN", "page_token"
    )


async def test_page_sizes_and_filters_are_held_to_the_contract(client):
    await refused(
        client.accounts.ListAccounts(pb.ListAccountsRequest(page_size=-1)),
        INVALID,
        "INVALID_PAGE_SIZE",
        "page_size",
    )
    both = pb.ListAccountsRequest(branch="NORTH", customer=await customer(client))
    await refused(client.accounts.ListAccounts(both), INVALID, "MALFORMED", "branch")


async def test_a_read_with_the_token_of_a_change_sees_it(client):
    made = await account(client)
    answer = await client.accounts.UpdateAccount(
        pb.UpdateAccountRequest(
            account={"name": made.name, "branch": "EAST"}, update_mask={"paths": ["branch"]}
        )
    )
    fresh = Consistency(at_least_as_fresh=answer.consistency_token)
    seen = await client.accounts.GetAccount(pb.GetAccountRequest(name=made.name, consistency=fresh))
    assert seen.account == answer.account
    token = answer.consistency_token
    forged = Consistency(at_least_as_fresh=("B" if token[0] == "A" else "A") + token[1:])
    await refused(
        client.accounts.GetAccount(pb.GetAccountRequest(name=made.name, consistency=forged)),
        INVALID,
        "INVALID_CONSISTENCY_TOKEN",
        "consistency.at_least_as_fresh",
    )


async def test_two_changes_at_once_are_both_made_or_one_is_told(client):
    made = await open_account(client)
    freeze = pb.PlaceRestrictionRequest(name=made.name, restriction={"type": 1})

    async def place(etag=""):
        request = pb.PlaceRestrictionRequest()
        request.CopyFrom(freeze)
        request.etag = etag
        return await client.accounts.PlaceRestriction(request)

    await asyncio.gather(*(place() for _ in range(5)))
    restricted = await read(client, made.name)
    assert len(restricted.restrictions) == 5
    assert restricted.version == made.version + 5
    answers = await asyncio.gather(
        *(place(restricted.etag) for _ in range(4)), return_exceptions=True
    )
    told = [each for each in answers if isinstance(each, OpencifError)]
    assert len(told) == 3
    assert {each.reason for each in told} == {"ETAG_MISMATCH"}
