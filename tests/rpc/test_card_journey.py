"""A card's life as an authorization system sees it: on two workers, with Valkey and without."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from opencif.client import Client
from opencif.v1 import card_pb2 as pb
from opencif.v1.card_pb2 import Card
from opencif.v1.lookup_pb2 import CardKey, CardResult
from tests.conftest import EmbeddedValkey, temporary_directory
from tests.rpc.bank import active_card, customer, new_pan, open_account
from tests.rpc.conftest import PATIENT_S, Launch, Serving

BLOCKED_WITHIN_S = 1.0  # the promise; nothing else here is held to a time
POLL_S = 0.01

ACTIVE, SUSPENDED = pb.CARD_TOKEN_STATE_ACTIVE, pb.CARD_TOKEN_STATE_SUSPENDED


@dataclass(frozen=True)
class Sides:
    """Two workers of one server, each with a client that knows nothing of the other's writes."""

    first: Client
    second: Client


@pytest.fixture(scope="module")
def cache() -> Iterator[EmbeddedValkey]:
    """A Valkey of this module's own, since it is killed."""
    with temporary_directory() as directory, EmbeddedValkey(Path(directory)) as valkey:
        yield valkey


@pytest.fixture(scope="module")
async def served(launch: Launch, cache: EmbeddedValkey) -> Serving:
    return await launch(OPENCIF_WORKERS="2", OPENCIF_CACHE_URL=cache.url)


@pytest.fixture
async def sides(served: Serving, cache: EmbeddedValkey) -> AsyncIterator[Sides]:
    cache.start()
    one, two = served.addresses
    async with (
        Client(one, timeout_s=PATIENT_S, carry_consistency=False) as first,
        Client(two, timeout_s=PATIENT_S, carry_consistency=False) as second,
    ):
        yield Sides(first, second)


async def asked(client: Client, **key: str) -> CardResult:
    """What an authorization system is told of a card."""
    return (await client.lookup_cards([CardKey(**key)])).results[0]


async def told(
    client: Client, response: str, within_s: float = PATIENT_S, **key: str
) -> CardResult:
    """The answer, once it says so."""
    async with asyncio.timeout(within_s):
        result = await asked(client, **key)
        while result.network_response != response:
            await asyncio.sleep(POLL_S)
            result = await asked(client, **key)
    return result


async def provisioned(client: Client, card: Card, dpan: str) -> Card:
    request = pb.ProvisionCardTokenRequest(name=card.name, token={"dpan": dpan}, activate=True)
    return (await client.cards.ProvisionCardToken(request)).card


def token_states(card: Card) -> list[int]:
    return [token.state for token in card.card_tokens]


async def test_a_card_is_blocked_lost_and_replaced_and_both_workers_know(sides: Sides):
    first, second = sides.first, sides.second
    holder = await customer(first)
    account = await open_account(first, holder)
    pan, new, dpan = new_pan(), new_pan(), new_pan()
    card = await active_card(first, account.name, pan=pan, cardholder=holder)
    await provisioned(first, card, dpan)
    for client in (first, second):
        result = await told(client, "00", pan=pan)
        assert (result.card.name, result.card.state) == (card.name, pb.CARD_STATE_ACTIVE)
        assert (await told(client, "00", dpan=dpan)).card.name == card.name

    await first.cards.BlockCard(pb.BlockCardRequest(name=card.name))
    assert (await asked(first, pan=pan)).network_response == "62"  # at once where it was written
    blocked = await told(second, "62", BLOCKED_WITHIN_S, pan=pan)
    assert token_states(blocked.card) == [SUSPENDED]
    assert (await told(second, "62", dpan=dpan)).card.name == card.name

    await second.cards.UnblockCard(pb.UnblockCardRequest(name=card.name))
    assert token_states((await told(first, "00", pan=pan)).card) == [ACTIVE]

    await second.cards.ReportLost(pb.ReportLostRequest(name=card.name))
    for client in (second, first):
        assert (await told(client, "41", pan=pan)).card.state_reason == pb.CARD_STATE_REASON_LOST

    answer = await first.cards.ReplaceCard(
        pb.ReplaceCardRequest(name=card.name, new_pan=new, new_expiry="2036-12")
    )
    successor = answer.card
    assert (successor.replaces, successor.state) == (card.name, pb.CARD_STATE_ISSUED)
    await second.cards.ActivateCard(pb.ActivateCardRequest(name=successor.name))
    for client in (first, second):
        assert (await told(client, "14", pan=pan)).card.replaced_by == successor.name
        found = await told(client, "00", pan=new)
        assert (found.card.name, token_states(found.card)) == (successor.name, [ACTIVE])
        assert (await told(client, "00", dpan=dpan)).card.name == successor.name
        listed = await client.cards.ListCards(pb.ListCardsRequest(customer=holder))
        chain = {each.name: (each.replaces, each.replaced_by) for each in listed.cards}
        assert chain == {card.name: ("", successor.name), successor.name: (card.name, "")}


async def test_a_card_is_one_record_by_number_token_and_name_on_both_workers(sides: Sides):
    pan = new_pan()
    card = await active_card(sides.first, pan=pan)
    keys = [{"pan": pan}, {"token": card.tokens[0].value}, {"name": card.name}]
    for client in (sides.first, sides.second):
        await told(client, "00", pan=pan)
        found = [await asked(client, **key) for key in keys]
        assert {result.card.SerializeToString() for result in found} == {card.SerializeToString()}


async def test_killing_valkey_changes_no_answer(sides: Sides, cache: EmbeddedValkey):
    """Cached answers, answers for what was never asked, unknown cards and writes: all the same."""
    first, second = sides.first, sides.second
    pans = [new_pan() for _ in range(6)]
    cards = [await active_card(first, pan=pan) for pan in pans[:5]]
    warm = {pan: (await told(second, "00", pan=pan)).SerializeToString() for pan in pans[:4]}
    cache.kill()
    for client in (first, second):
        for pan, before in warm.items():
            assert (await asked(client, pan=pan)).SerializeToString() == before
        assert (await told(client, "00", pan=pans[4])).card.name == cards[4].name
        assert (await asked(client, pan=pans[5])).network_response == "14"
    await first.cards.BlockCard(pb.BlockCardRequest(name=cards[0].name))
    await told(second, "62", pan=pans[0])
    late = await active_card(second, pan=pans[5])
    for client in (second, first):
        assert (await told(client, "00", pan=pans[5])).card.name == late.name
    cache.start()  # it comes back empty
    await second.cards.UnblockCard(pb.UnblockCardRequest(name=cards[0].name))
    await told(first, "00", pan=pans[0])


async def test_killing_valkey_under_load_is_no_error(sides: Sides, cache: EmbeddedValkey):
    pans = [new_pan() for _ in range(20)]
    names = [(await active_card(sides.first, pan=pan)).name for pan in pans]
    keys = [CardKey(pan=pan) for pan in pans]
    for client in (sides.first, sides.second):
        await told(client, "00", pan=pans[-1])
    killed = asyncio.Event()

    async def ask(client: Client) -> None:
        after = 0
        while after < 20:
            answer = await client.lookup_cards(keys)
            assert [result.card.name for result in answer.results] == names
            after += killed.is_set()

    async with asyncio.TaskGroup() as asking:
        for client in (sides.first, sides.second) * 4:
            asking.create_task(ask(client))
        await asyncio.sleep(0)
        await asyncio.to_thread(cache.kill)
        killed.set()


async def test_a_server_starts_without_valkey(launch: Launch, cache: EmbeddedValkey):
    """A cache that cannot be reached is no reason not to serve."""
    url = cache.url.replace("valkey.sock", "nobody.sock")
    served = await launch(OPENCIF_WORKERS="1", OPENCIF_CACHE_URL=url)
    async with Client(served.addresses, timeout_s=PATIENT_S) as client:
        assert [each.state for each in await client.health()] == ["SERVING"]
        pan = new_pan()
        card = await active_card(client, pan=pan)
        assert (await told(client, "00", pan=pan)).card.name == card.name
    assert await served.stop() == 0


async def test_a_block_is_seen_in_the_other_workers_own_cache_under_load_without_valkey(
    served: Serving, sides: Sides, cache: EmbeddedValkey
):
    first, second = sides.first, sides.second
    pans = [new_pan() for _ in range(20)]
    cards = [await active_card(first, pan=pan) for pan in pans]
    done = asyncio.Event()

    async def load(client: Client) -> None:
        keys = [CardKey(pan=pan) for pan in pans] * 20
        while not done.is_set():
            answer = await client.lookup_cards(keys)
            assert len(answer.results) == len(keys)

    for pan in pans:
        await told(second, "00", pan=pan)
    cache.kill()
    async with asyncio.TaskGroup() as tasks:
        for client in (first, second, second):
            tasks.create_task(load(client))
        before = await served.counted("opencif_cache_hits_total", source="own")
        for card, pan in zip(cards[:5], pans, strict=False):
            await first.cards.BlockCard(pb.BlockCardRequest(name=card.name))
            await told(second, "62", BLOCKED_WITHIN_S, pan=pan)
            assert (await asked(second, pan=pans[-1])).network_response == "00"
        done.set()
    assert await served.counted("opencif_cache_hits_total", source="own") > before
