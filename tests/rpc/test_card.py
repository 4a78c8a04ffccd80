import asyncio

import pytest

from opencif.client import Client
from opencif.v1 import account_pb2, lookup_pb2
from opencif.v1 import card_pb2 as pb
from opencif.v1.card_pb2 import Card
from opencif.v1.record_pb2 import OPERATION_RECREATE
from tests.rpc.bank import (
    ABORTED,
    EXISTS,
    FAILED,
    INVALID,
    MISSING,
    active_card,
    card,
    customer,
    new_pan,
    open_account,
    refused,
)

NOBODY = "customers/01a00000-0000-7000-8000-000000000000"
NO_ACCOUNT = "accounts/aeaqcaibaeaqcaibaeaqcaibae"


def token_of(dpan: str, **fields) -> pb.CardToken:
    given = {"token_requestor_id": "50110030273", "tsp": "TOKEN_SERVICE_PROVIDER_VTS"} | fields
    return pb.CardToken(dpan=dpan, **given)


async def provision(client: Client, name: str, dpan: str, activate=True, **fields) -> Card:
    request = pb.ProvisionCardTokenRequest(
        name=name, token=token_of(dpan, **fields), activate=activate
    )
    return (await client.cards.ProvisionCardToken(request)).card


async def found(client: Client, **key) -> str:
    """The name of the card that a number, token or DPAN leads to; empty for none."""
    fresh = {"fully_consistent": True}
    request = lookup_pb2.LookupCardsRequest(keys=[key], consistency=fresh)
    result = (await client.lookup.LookupCards(request)).results[0]
    return result.card.name


def states(of: Card) -> list[str]:
    prefix = "CARD_TOKEN_STATE_"
    return [pb.CardTokenState.Name(token.state).removeprefix(prefix) for token in of.card_tokens]


async def test_a_card_is_shown_by_its_first_and_last_digits_only(client):
    pan = new_pan()
    account = await open_account(client)
    made = await card(client, account.name, pan=f"{pan[:4]} {pan[4:]}")
    assert (made.bin, made.last4, made.pan_length) == (pan[:8], pan[-4:], 16)
    assert made.network == pb.CARD_NETWORK_VISA
    assert made.state == pb.CARD_STATE_ISSUED
    assert made.HasField("issue_time")
    assert made.tokens[0].value[-4:] == pan[-4:]
    token = new_pan()
    await provision(client, made.name, token)
    for answer in (
        made,
        await client.cards.GetCard(pb.GetCardRequest(name=made.name, view="VIEW_FULL")),
        await client.cards.ListCards(pb.ListCardsRequest(account=account.name, view="VIEW_FULL")),
        await client.cards.ListCardRevisions(pb.ListCardRevisionsRequest(name=made.name)),
        await client.cards.BatchGetCards(pb.BatchGetCardsRequest(names=[made.name])),
    ):
        sent = answer.SerializeToString()
        assert pan.encode() not in sent
        assert token.encode() not in sent


async def test_an_ordered_card_is_issued_when_it_is_activated(client):
    request = pb.IssueCardRequest(
        card={
            "pan": new_pan(),
            "card_type": "CARD_TYPE_CREDIT",
            "expiry": "2035-01",
            "cardholder": await customer(client),
        },
        order_only=True,
    )
    made = (await client.cards.IssueCard(request)).card
    assert made.state == pb.CARD_STATE_ORDERED
    assert not made.HasField("issue_time")
    active = (await client.cards.ActivateCard(pb.ActivateCardRequest(name=made.name))).card
    assert active.state == pb.CARD_STATE_ACTIVE
    assert active.HasField("issue_time")
    assert active.HasField("activate_time")


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"pan": "4111111111111112"}, "CHECK_DIGIT", "card.pan"),
        ({"pan": ""}, "REQUIRED", "card.pan"),
        ({"expiry": "2020-01"}, "INVALID_DATE", "card.expiry"),
        ({"expiry": "2035-13"}, "INVALID_DATE", "card.expiry"),
        ({"expiry": ""}, "REQUIRED", "card.expiry"),
        ({"psn": 100}, "MALFORMED", "card.psn"),
        ({"par": "SHORT"}, "MALFORMED", "card.par"),
        ({"card_type": "CARD_TYPE_DEBIT"}, "REQUIRED", "card.accounts"),
        ({"card_type": "CARD_TYPE_UNSPECIFIED"}, "UNKNOWN_ENUM_VALUE", "card.card_type"),
    ],
)
async def test_a_card_is_issued_in_form(client, fields, reason, field):
    await refused(card(client, **fields), INVALID, reason, field)


async def test_a_card_has_a_holder_and_accounts_that_are_there(client):
    await refused(card(client, cardholder=NOBODY), FAILED, "REFERENCE_NOT_FOUND")
    await refused(card(client, NO_ACCOUNT), FAILED, "REFERENCE_NOT_FOUND")
    closed = await open_account(client)
    await client.accounts.CloseAccount(account_pb2.CloseAccountRequest(name=closed.name))
    await refused(card(client, closed.name), FAILED, "REFERENCE_NOT_FOUND")


async def test_a_card_number_is_given_once_while_its_card_lives(client):
    pan = new_pan()
    first = await card(client, pan=pan)
    await refused(card(client, pan=pan), EXISTS, "ALREADY_EXISTS")
    await client.cards.CloseCard(pb.CloseCardRequest(name=first.name))
    second = await card(client, pan=pan)
    assert (second.name, second.version) == (first.name, 3)
    assert second.uid != first.uid
    history = await client.cards.ListCardRevisions(pb.ListCardRevisionsRequest(name=first.name))
    assert history.revisions[0].revision.operation == OPERATION_RECREATE
    of_first = await client.cards.ListCards(pb.ListCardsRequest(customer=first.cardholder))
    assert not of_first.cards


async def test_a_blocked_card_suspends_its_tokens_until_it_is_unblocked(client):
    made = await active_card(client)
    for activate in (True, False):
        await provision(client, made.name, new_pan(), activate=activate)
    blocked = (await client.cards.BlockCard(pb.BlockCardRequest(name=made.name))).card
    assert blocked.state == pb.CARD_STATE_BLOCKED
    assert states(blocked) == ["SUSPENDED", "INACTIVE"]
    token_id = blocked.card_tokens[0].token_id
    await refused(
        client.cards.ResumeCardToken(pb.ResumeCardTokenRequest(name=made.name, token_id=token_id)),
        FAILED,
        "ILLEGAL_TRANSITION",
    )
    unblocked = (await client.cards.UnblockCard(pb.UnblockCardRequest(name=made.name))).card
    assert unblocked.state == pb.CARD_STATE_ACTIVE
    assert states(unblocked) == ["ACTIVE", "INACTIVE"]
    await refused(
        client.cards.UnblockCard(pb.UnblockCardRequest(name=made.name)),
        FAILED,
        "ILLEGAL_TRANSITION",
    )


async def test_a_lost_card_is_replaced_and_its_tokens_lead_to_the_new_one(client):
    account = await open_account(client)
    old = await active_card(client, account.name, par="V001" + "A" * 25)
    dpan, pan = new_pan(), new_pan("5111")
    reference = "DNITHE302318312345678901"
    await provision(client, old.name, dpan, token_unique_reference=reference)
    replace = pb.ReplaceCardRequest(name=old.name, new_pan=pan, new_expiry="2036-12")
    await refused(client.cards.ReplaceCard(replace), FAILED, "ILLEGAL_TRANSITION")
    await client.cards.ReportLost(pb.ReportLostRequest(name=old.name))
    assert await found(client, dpan=dpan) == old.name
    new = (await client.cards.ReplaceCard(replace)).card
    assert (new.replaces, new.last4, new.expiry) == (old.name, pan[-4:], "2036-12")
    assert (new.cardholder, new.par) == (old.cardholder, old.par)
    assert [drawn.account for drawn in new.accounts] == [account.name]
    assert new.network == pb.CARD_NETWORK_MASTERCARD
    assert states(new) == ["ACTIVE"]
    assert await found(client, dpan=dpan) == new.name
    assert await found(client, pan=pan) == new.name
    former = (await client.cards.GetCard(pb.GetCardRequest(name=old.name))).card
    assert former.state == pb.CARD_STATE_REPLACED
    assert former.state_reason == pb.CARD_STATE_REASON_LOST
    assert former.replaced_by == new.name
    assert not former.card_tokens
    listed = await client.cards.ListCards(pb.ListCardsRequest(account=account.name))
    assert {each.name for each in listed.cards} == {old.name, new.name}
    again = pb.ReplaceCardRequest(name=old.name, new_pan=new_pan(), new_expiry="2036-12")
    await refused(client.cards.ReplaceCard(again), FAILED, "ILLEGAL_TRANSITION")


async def test_a_replacements_number_must_be_free(client):
    taken, old = await card(client), await active_card(client)
    await client.cards.ReportStolen(pb.ReportStolenRequest(name=old.name))
    pan = new_pan()
    await card(client, pan=pan)
    assert taken.state == pb.CARD_STATE_ISSUED
    request = pb.ReplaceCardRequest(name=old.name, new_pan=pan, new_expiry="2036-12")
    await refused(client.cards.ReplaceCard(request), EXISTS, "ALREADY_EXISTS")
    unchanged = (await client.cards.GetCard(pb.GetCardRequest(name=old.name))).card
    assert unchanged.state == pb.CARD_STATE_STOLEN


async def test_a_closed_cards_tokens_find_nobody_and_are_free_again(client):
    made, dpan = await active_card(client), new_pan()
    await provision(client, made.name, dpan)
    assert await found(client, dpan=dpan) == made.name
    closed = (await client.cards.CloseCard(pb.CloseCardRequest(name=made.name))).card
    assert states(closed) == ["DEACTIVATED"]
    assert await found(client, dpan=dpan) == ""
    other = await active_card(client)
    await provision(client, other.name, dpan)
    assert await found(client, dpan=dpan) == other.name


async def test_a_token_number_stands_for_one_card(client):
    first, second, dpan = await active_card(client), await active_card(client), new_pan()
    await provision(client, first.name, dpan)
    for name in (first.name, second.name):
        await refused(provision(client, name, dpan), EXISTS, "ALREADY_EXISTS")


async def test_the_same_token_number_at_once_stands_for_one_card(client):
    cards = [await active_card(client) for _ in range(4)]
    dpan = new_pan()
    answers = await asyncio.gather(
        *(provision(client, each.name, dpan) for each in cards), return_exceptions=True
    )
    assert sum(isinstance(answer, Card) for answer in answers) == 1


async def test_a_token_goes_through_its_states(client):
    made, dpan = await active_card(client), new_pan()
    provisioned = await provision(client, made.name, dpan, activate=False)
    token = provisioned.card_tokens[0]
    assert (token.dpan, token.dpan_last4) == ("", dpan[-4:])
    key = {"name": made.name, "token_id": token.token_id}
    cards = client.cards
    steps = [
        (cards.ActivateCardToken, pb.ActivateCardTokenRequest(**key), "ACTIVE"),
        (
            cards.SuspendCardToken,
            pb.SuspendCardTokenRequest(**key, suspended_by="TOKEN_SUSPENDED_BY_CARDHOLDER"),
            "SUSPENDED",
        ),
        (cards.ResumeCardToken, pb.ResumeCardTokenRequest(**key), "ACTIVE"),
        (cards.DeactivateCardToken, pb.DeactivateCardTokenRequest(**key), "DEACTIVATED"),
    ]
    for rpc, request, state in steps:
        assert states((await rpc(request)).card) == [state]
    assert await found(client, dpan=dpan) == ""
    for rpc, request, _ in steps:
        repeated = type(request)(**key)
        await refused(rpc(repeated), FAILED, "ILLEGAL_TRANSITION")
    nobody = pb.ResumeCardTokenRequest(name=made.name, token_id="none")
    await refused(cards.ResumeCardToken(nobody), MISSING, "NOT_FOUND")


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"dpan": ""}, "REQUIRED", "token.dpan"),
        ({"dpan": "4111111111111112"}, "CHECK_DIGIT", "token.dpan"),
        ({"token_requestor_id": "5011003027"}, "MALFORMED", "token.token_requestor_id"),
        ({"assurance": 100}, "MALFORMED", "token.assurance"),
        ({"expiry": "soon"}, "MALFORMED", "token.expiry"),
    ],
)
async def test_a_token_is_provisioned_in_form(client, fields, reason, field):
    made = await active_card(client)
    given = {"dpan": new_pan()} | fields
    await refused(provision(client, made.name, **given), INVALID, reason, field)


async def test_a_card_does_not_expire_before_its_month_is_over(client):
    made = await active_card(client)
    request = pb.ExpireCardRequest(name=made.name)
    await refused(client.cards.ExpireCard(request), FAILED, "ILLEGAL_TRANSITION")


async def test_an_etag_that_is_no_longer_current_is_told(client):
    made = await active_card(client)
    request = pb.BlockCardRequest(name=made.name, etag="1")
    await refused(client.cards.BlockCard(request), ABORTED, "ETAG_MISMATCH")
    request = pb.BlockCardRequest(name=made.name, etag=made.etag, reason="FRAUD_DESK")
    await client.cards.BlockCard(request)
    history = await client.cards.ListCardRevisions(
        pb.ListCardRevisionsRequest(name=made.name, page_size=1)
    )
    revision = history.revisions[0].revision
    assert (revision.version, revision.reason, revision.paths) == (3, "FRAUD_DESK", ["state"])
    assert revision.method.endswith("CardService/BlockCard")
    assert revision.request_id


async def test_a_customers_cards_are_listed_with_the_chain(client):
    holder = await customer(client)
    made = [(await card(client, cardholder=holder)).name for _ in range(3)]
    listed = await client.cards.ListCards(pb.ListCardsRequest(customer=holder))
    assert {each.name for each in listed.cards} == set(made)
    both = pb.ListCardsRequest(customer=holder, account=NO_ACCOUNT)
    await refused(client.cards.ListCards(both), INVALID, "MALFORMED", "account")
