"""Accounts and cards on a real database while generations of the keys come and go."""

import pytest

from opencif.v1 import card_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.customer_pb2 import Customer, LookupCustomersRequest
from server.errors import AlreadyExists
from server.work import Work
from tests.contract.keyed_bank import (
    OLD,
    ROUTING,
    generation,
    new_person,
    request_id,
    rotated,
)
from tests.unit.keyrings import KEK
from tokenizer.formats import Tokens
from tokenizer.keyring import Keyring, Purpose

ACCOUNT = {"routing_number": ROUTING, "currency": "USD", "account_type": 1, "holder_class": 1}


async def test_a_number_is_known_under_every_generation_that_serves(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    made = await before.create("1234567890")
    with pytest.raises(AlreadyExists):
        await after.create("12-345 67890")
    fresh = await after.create("1234567891")
    assert (generation(made.name), generation(fresh.name)) == (1, 2)


async def test_a_number_given_out_again_keeps_the_name_it_had(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    made = await before.create("1234567890")
    await before.close(made.name)
    again = await after.create("1234567890")
    assert again.name == made.name
    assert again.uid != made.uid


async def test_every_generation_of_tokens_that_serves_is_given(under):
    after = await under(rotated(Purpose.TOKEN_ACCOUNT, Purpose.TOKEN_PAN))
    made = await after.create("1234567890")
    assert [token.key_version for token in made.tokens] == [2, 1]


async def test_a_token_is_given_to_one_account_only(under):
    both = rotated(Purpose.TOKEN_ACCOUNT)
    before, after = await under(OLD), await under(both)
    first = await before.create("1234567890")
    text = first.tokens[0].value
    rival = Tokens(Keyring.open(KEK, both)).account_numbers([ROUTING], [text], 2)[0]
    second = await after.create(rival)
    assert text not in {token.value for token in second.tokens}
    assert [token.key_version for token in second.tokens] == [1]
    await before.delete(first.name)
    await after.delete(second.name)
    assert text in {token.value for token in (await after.create(rival)).tokens}


async def test_a_repeated_request_is_known_under_the_former_key_too(under):
    before, after = await under(OLD), await under(rotated(Purpose.TOKEN_MAC))
    asked = request_id()
    first = await before.create("1234567890", asked)
    assert await after.create("1234567890", asked) == first


async def test_records_sealed_under_the_former_keys_open_and_move_on(under):
    before = await under(OLD)
    after = await under(rotated(Purpose.OPERATIONAL, Purpose.NUMBER, Purpose.CUSTOMER_WRAP))
    made = await before.create("1234567890")
    name = (await before.change(new_person)).name

    async def update(work: Work) -> Account:
        person = await work.numbers(await work.read(Customer, name))
        assert person.person.family_name == "Bell"
        assert person.identifier_values[0].value == "078051120"
        account = await work.numbers(await work.read(Account, made.name))
        assert account.account_number == "1234567890"
        account.branch = "SOUTH"
        return work.put(account)

    assert (await after.change(update)).branch == "SOUTH"


async def test_a_cards_number_and_its_tokens_are_known_under_every_generation(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    holder = (await before.change(new_person)).name
    first = await before.issue(holder, "4111111111111111")
    await before.provision(first, "4242424242424242")
    with pytest.raises(AlreadyExists):
        await after.issue(holder, "4111111111111111")
    second = await after.issue(holder, "5555555555554444")
    with pytest.raises(AlreadyExists):
        await after.provision(second, "4242424242424242")
    request = card_pb2.CloseCardRequest(name=first, request_id=request_id())
    await after.cards.CloseCard(request, after.call("CloseCard"))
    await after.provision(second, "4242424242424242")


async def test_lookups_find_the_records_of_every_generation(under):
    old_keys = rotated(Purpose.TOKEN_ACCOUNT)
    both = old_keys.with_new_generation(Purpose.IDENTITY, KEK)
    before, after = await under(old_keys), await under(both)
    numbers, pans = ("1234567890", "1234567891"), ("4111111111111111", "5555555555554444")
    dpans = ("4242424242424242", "4000056655665556")
    for one, number, pan, dpan in zip((before, after), numbers, pans, dpans, strict=True):
        account = await one.create(number)
        card = await one.issue((await one.change(new_person)).name, pan)
        await one.provision(card, dpan)
        assert generation(account.name) == generation(card) == (1 if one is before else 2)
    keys = [{"number": {"routing_number": ROUTING, "account_number": each}} for each in numbers]
    found = [each.account for each in (await after.find_accounts(*keys)).results]
    assert [generation(each.name) for each in found] == [1, 2]
    for version in (0, 1, 2):
        tokens = [
            {
                "token": {
                    "routing_number": ROUTING,
                    "token": each.tokens[0 if version == 2 else 1].value,
                    "key_version": version,
                }
            }
            for each in found
        ]
        again = await after.find_accounts(*tokens)
        assert [each.account.name for each in again.results] == [each.name for each in found]
    by_pan = [
        each.card for each in (await after.find_cards(keys=[{"pan": p} for p in pans])).results
    ]
    by_dpan = await after.find_cards(keys=[{"dpan": dpan} for dpan in dpans])
    by_token = await after.find_cards(keys=[{"token": each.tokens[0].value} for each in by_pan])
    assert [generation(each.name) for each in by_pan] == [1, 2]
    assert [each.card for each in by_dpan.results] == by_pan
    assert [each.card for each in by_token.results] == by_pan


async def test_an_identifier_is_known_under_every_generation(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    first = await before.load(customer=person("078051120"))
    assert not first.rejected
    again = await after.load(customer=person("078-05-1120"))
    assert [each.reason for each in again.rejected] == ["ALREADY_EXISTS"]
    assert not (await after.load(customer=person("219099999"))).rejected
    await after.poll.poll()
    request = LookupCustomersRequest(
        keys=[{"type": 1, "issuing_country": "US", "value": v} for v in ("078051120", "219099999")]
    )
    found = await after.customers.LookupCustomers(request, after.call("LookupCustomers"))
    assert [len(each.customers) for each in found.results] == [1, 1]


async def test_nothing_that_stands_under_a_former_generation_is_loaded_again(under):
    before, after = await under(OLD), await under(rotated(Purpose.IDENTITY))
    holder = (await before.change(new_person)).name
    await before.create("1234567890")
    await before.provision(await before.issue(holder, "4111111111111111"), "4242424242424242")
    token = {"dpan": "4242424242424242"}
    card = {"card_type": 2, "expiry": "2035-01", "cardholder": holder}
    account = ACCOUNT | {"account_number": "1234567890"}
    for loaded, field in (
        (await after.load(account=account), "account.account_number"),
        (await after.load(card=card | {"pan": "4111111111111111"}), "card.pan"),
        (
            await after.load(card=card | {"pan": "5555555555554444", "card_tokens": [token]}),
            "card.card_tokens",
        ),
    ):
        assert [(each.reason, each.field) for each in loaded.rejected] == [
            ("ALREADY_EXISTS", field)
        ]


async def test_a_loaded_account_gets_no_token_that_another_carries(under):
    both = rotated(Purpose.TOKEN_ACCOUNT)
    before, after = await under(OLD), await under(both)
    text = (await before.create("1234567890")).tokens[0].value
    rival = Tokens(Keyring.open(KEK, both)).account_numbers([ROUTING], [text], 2)[0]
    loaded = await after.load(account=ACCOUNT | {"account_number": rival})
    assert not loaded.rejected
    key = {"routing_number": ROUTING, "account_number": rival}
    [found] = (await after.find_accounts({"number": key})).results
    assert [token.key_version for token in found.account.tokens] == [1]


def person(ssn: str) -> dict[str, object]:
    return {
        "kind": 1,
        "state": 1,
        "person": {"given_name": "Ann", "family_name": "Bell"},
        "identifiers": [{"type": 1, "value": ssn, "issuing_country": "US"}],
    }
