"""Two workers at once on what touches more than one record: one wins, and every rule holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, card_pb2, customer_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.lookup_pb2 import CardKey
from tests.rpc.bank import (
    PRIMARY,
    account,
    active_card,
    card,
    customer,
    new_number,
    new_pan,
    open_account,
    terms,
)
from tests.rpc.conftest import PATIENT_S

ROUNDS = 12
NOW = {"fully_consistent": True}
LIVE_CARDS = {card_pb2.CARD_STATE_ISSUED, card_pb2.CARD_STATE_ACTIVE, card_pb2.CARD_STATE_BLOCKED}


@pytest.fixture
async def workers(addresses: list[str]) -> AsyncIterator[list[Client]]:
    """A client of each worker, which tries once and so hears everything."""
    async with (
        Client(addresses[0], timeout_s=PATIENT_S, attempts=1) as first,
        Client(addresses[1], timeout_s=PATIENT_S, attempts=1) as second,
    ):
        yield [first, second]


async def together(*calls: Awaitable[Any]) -> list[str]:
    """How each of the calls, made at once, ends: OK or the reason."""

    async def ending(call: Awaitable[Any]) -> str:
        try:
            await call
        except OpencifError as error:
            return error.reason
        return "OK"

    return await asyncio.gather(*map(ending, calls))


async def card_now(client: Client, name: str) -> Card:
    request = card_pb2.GetCardRequest(name=name, consistency=NOW)
    return (await client.cards.GetCard(request)).card


async def account_now(client: Client, name: str) -> Account:
    request = account_pb2.GetAccountRequest(name=name, consistency=NOW)
    return (await client.accounts.GetAccount(request)).account


async def test_a_number_is_one_cards(workers: list[Client]):
    holder = await customer(workers[0])
    for _ in range(ROUNDS):
        pan = new_pan()
        ends = await together(*(card(each, pan=pan, cardholder=holder) for each in workers * 2))
        assert sorted(ends) == ["ALREADY_EXISTS"] * 3 + ["OK"]


async def test_a_network_tokens_number_is_one_cards(workers: list[Client]):
    cards = [await active_card(workers[0]) for _ in workers]
    for _ in range(ROUNDS):
        dpan = new_pan()
        ends = await together(
            *(
                worker.cards.ProvisionCardToken(
                    card_pb2.ProvisionCardTokenRequest(name=each.name, token={"dpan": dpan})
                )
                for worker, each in zip(workers, cards, strict=True)
            )
        )
        assert sorted(ends) == ["ALREADY_EXISTS", "OK"]
        key = CardKey(dpan=dpan)
        found = (await workers[0].lookup_cards([key])).results[0].card
        assert found.name == cards[ends.index("OK")].name


async def test_a_passport_is_one_customers(workers: list[Client]):
    for _ in range(ROUNDS):
        given = {
            "kind": 1,
            "person": {"given_name": "Ann", "family_name": "Bell"},
            "identifiers": [{"type": 8, "value": new_number(), "issuing_country": "US"}],
        }
        request = customer_pb2.CreateCustomerRequest(customer=given)
        ends = await together(*(each.customers.CreateCustomer(request) for each in workers * 2))
        assert sorted(ends) == ["ALREADY_EXISTS"] * 3 + ["OK"]


async def test_a_card_has_one_successor(workers: list[Client]):
    for _ in range(ROUNDS):
        lost = await active_card(workers[0])
        await workers[0].cards.ReportLost(card_pb2.ReportLostRequest(name=lost.name))
        ends = await together(
            *(
                each.cards.ReplaceCard(
                    card_pb2.ReplaceCardRequest(
                        name=lost.name, new_pan=new_pan(), new_expiry="2036-01"
                    )
                )
                for each in workers
            )
        )
        assert sorted(ends) == ["ILLEGAL_TRANSITION", "OK"]
        successor = await card_now(workers[0], (await card_now(workers[0], lost.name)).replaced_by)
        assert successor.replaces == lost.name
        listed = await workers[0].cards.ListCards(
            card_pb2.ListCardsRequest(customer=lost.cardholder)
        )
        assert len(listed.cards) == 2


async def test_no_live_card_draws_on_a_closed_account(workers: list[Client]):
    holder = await customer(workers[0])
    for turn in range(ROUNDS):
        drawn = await open_account(workers[0], holder)
        pan = new_pan()
        ends = await together(
            *(
                card(workers[turn % 2], drawn.name, pan=pan, cardholder=holder),
                workers[1 - turn % 2].accounts.CloseAccount(
                    account_pb2.CloseAccountRequest(name=drawn.name)
                ),
            )
        )
        assert sorted(ends) in (["OK", "RECORD_IN_USE"], ["OK", "REFERENCE_NOT_FOUND"])
        closed = (
            await account_now(workers[0], drawn.name)
        ).state == account_pb2.ACCOUNT_STATE_CLOSED
        found = (await workers[0].lookup_cards([CardKey(pan=pan)])).results[0].card
        assert not (closed and found.state in LIVE_CARDS)


async def test_no_successor_of_a_card_draws_on_a_closed_account(workers: list[Client]):
    holder = await customer(workers[0])
    for turn in range(ROUNDS):
        drawn = await open_account(workers[0], holder)
        lost = await card(workers[0], drawn.name, cardholder=holder)
        await workers[0].cards.ReportLost(card_pb2.ReportLostRequest(name=lost.name))
        ends = await together(
            workers[turn % 2].cards.ReplaceCard(
                card_pb2.ReplaceCardRequest(name=lost.name, new_pan=new_pan(), new_expiry="2036-01")
            ),
            workers[1 - turn % 2].accounts.CloseAccount(
                account_pb2.CloseAccountRequest(name=drawn.name)
            ),
        )
        assert ends == ["OK", "RECORD_IN_USE"], "a lost card may be replaced yet: it is in use"


async def test_a_card_follows_an_account_that_is_renumbered_meanwhile(workers: list[Client]):
    holder = await customer(workers[0])
    for turn in range(ROUNDS):
        old = await open_account(workers[0], holder)
        pan = new_pan()
        ends = await together(
            card(workers[turn % 2], old.name, pan=pan, cardholder=holder),
            workers[1 - turn % 2].accounts.RenumberAccount(
                account_pb2.RenumberAccountRequest(name=old.name, new_account_number=new_number())
            ),
        )
        assert ends[1] == "OK"
        assert ends[0] in {"OK", "REFERENCE_NOT_FOUND"}
        found = (await workers[0].lookup_cards([CardKey(pan=pan)])).results[0].card
        new = (await account_now(workers[0], old.name)).replacement.account
        assert [each.account for each in found.accounts] == ([new] if ends[0] == "OK" else [])


async def test_two_accounts_are_not_renumbered_to_one_number(workers: list[Client]):
    for _ in range(ROUNDS):
        accounts = [await open_account(workers[0]) for _ in workers]
        number = new_number()
        ends = await together(
            *(
                worker.accounts.RenumberAccount(
                    account_pb2.RenumberAccountRequest(name=each.name, new_account_number=number)
                )
                for worker, each in zip(workers, accounts, strict=True)
            ),
            account(workers[0], number=number),
        )
        assert sorted(ends) == ["ALREADY_EXISTS", "ALREADY_EXISTS", "OK"]


async def test_a_closed_customer_owns_nothing_live(workers: list[Client]):
    for turn in range(ROUNDS):
        request = customer_pb2.CreateCustomerRequest(
            customer={
                "kind": 1,
                "person": {"given_name": "Ann", "family_name": "Bell", "birth_date": "1980-01-01"},
                "identifiers": [{"type": 8, "value": new_number(), "issuing_country": "US"}],
                "addresses": [{"type": 2, "town_name": "Springfield", "country": "US"}],
            },
            onboard=True,
        )
        owner = (await workers[0].customers.CreateCustomer(request)).customer.name
        await workers[0].customers.ActivateCustomer(
            customer_pb2.ActivateCustomerRequest(name=owner)
        )
        created = account_pb2.CreateAccountRequest(
            account=terms(), parties=[{"customer": owner, "role": PRIMARY}]
        )
        ends = await together(
            workers[turn % 2].accounts.CreateAccount(created),
            workers[1 - turn % 2].customers.CloseCustomer(
                customer_pb2.CloseCustomerRequest(name=owner)
            ),
        )
        assert ends in (["OK", "RECORD_IN_USE"], ["REFERENCE_NOT_FOUND", "OK"])


async def test_whatever_happens_to_a_card_its_tokens_fit_its_state(workers: list[Client]):
    first, second = (each.cards for each in workers)
    for _ in range(ROUNDS):
        made = await active_card(workers[0])
        for _ in range(2):
            await first.ProvisionCardToken(
                card_pb2.ProvisionCardTokenRequest(
                    name=made.name, token={"dpan": new_pan()}, activate=True
                )
            )
        before = await card_now(workers[0], made.name)
        token_id = before.card_tokens[0].token_id
        ends = await together(
            first.BlockCard(card_pb2.BlockCardRequest(name=made.name)),
            second.UnblockCard(card_pb2.UnblockCardRequest(name=made.name)),
            second.SuspendCardToken(
                card_pb2.SuspendCardTokenRequest(name=made.name, token_id=token_id)
            ),
            first.ResumeCardToken(
                card_pb2.ResumeCardTokenRequest(name=made.name, token_id=token_id)
            ),
        )
        assert set(ends) <= {"OK", "ILLEGAL_TRANSITION"}
        after = await card_now(workers[0], made.name)
        assert after.version == before.version + ends.count("OK")
        if after.state == card_pb2.CARD_STATE_BLOCKED:
            states = {token.state for token in after.card_tokens}
            assert card_pb2.CARD_TOKEN_STATE_ACTIVE not in states


async def test_owners_of_many_accounts_change_at_once(workers: list[Client]):
    """Records are locked in one order, so that nobody waits for whoever waits for him."""
    owners = [await customer(workers[0]) for _ in range(2)]
    accounts = [await open_account(workers[0], *owners) for _ in range(4)]
    for turn in range(ROUNDS):
        ends = await together(
            *(
                workers[side].customers.UpdateCustomer(
                    customer_pb2.UpdateCustomerRequest(
                        customer={"name": owner, "person": {"given_name": f"Ann {turn}"}},
                        update_mask={"paths": ["person.given_name"]},
                    )
                )
                for side, owner in enumerate(owners)
            ),
            *(
                workers[place % 2].accounts.PlaceRestriction(
                    account_pb2.PlaceRestrictionRequest(name=each.name, restriction={"type": 1})
                )
                for place, each in enumerate(accounts)
            ),
        )
        assert ends == ["OK"] * 6
    for each in accounts:
        assert len((await account_now(workers[0], each.name)).restrictions) == ROUNDS
