"""A number given to somebody else is a new account: nothing of the former leads to it."""

import uuid
from datetime import UTC, datetime

from opencif.v1 import account_pb2, ach_pb2, card_pb2
from repository.reading import Consistency
from server.ach_accounts import Submitted, Terms
from server.resolution import EntryFacts, Judge, Policy
from server.routing_table import Route
from tests.contract.conftest import Under
from tests.contract.keyed_bank import OLD, ROUTING, Bank, new_person

PAN = "4111111111111111"


async def test_a_closed_card_does_not_lead_to_the_next_holders_account(under: Under) -> None:
    bank = await under(OLD)
    holder = (await bank.change(new_person)).name
    account = await bank.create("1234567890")
    card = await bank.issue(holder, PAN, card_type=1, accounts=[{"account": account.name}])
    [found] = (await bank.find_cards(keys=[{"pan": PAN}], with_accounts=True)).results
    assert [each.uid for each in found.accounts] == [account.uid]
    request = card_pb2.CloseCardRequest(name=card, request_id=str(uuid.uuid4()))
    await bank.cards.CloseCard(request, bank.call("CloseCard"))
    await bank.close(account.name)
    again = await bank.create("1234567890")
    assert (again.name, again.state) == (account.name, account_pb2.ACCOUNT_STATE_PENDING)
    assert again.uid != account.uid
    [found] = (await bank.find_cards(keys=[{"pan": PAN}], with_accounts=True)).results
    assert found.card.state == card_pb2.CARD_STATE_CLOSED
    assert not found.accounts


async def test_a_renumbered_account_does_not_lead_to_the_next_holders(under: Under) -> None:
    bank = await under(OLD)
    former = await bank.create("1234567890")
    await bank.move(former.name, account_pb2.ACCOUNT_STATE_OPEN)
    request = account_pb2.RenumberAccountRequest(
        name=former.name, new_account_number="1234567891", request_id=str(uuid.uuid4())
    )
    answer = await bank.accounts.RenumberAccount(request, bank.call("RenumberAccount"))
    assert await decided(bank, "1234567890") == ("", "C01", answer.account.uid)
    await bank.close(answer.account.name)
    again = await bank.create("1234567891")
    await bank.move(again.name, account_pb2.ACCOUNT_STATE_OPEN)
    assert (await decided(bank, "1234567891"))[2] == again.uid
    assert await decided(bank, "1234567890") == ("R02", "", former.uid)


async def decided(bank: Bank, number: str) -> tuple[str, str, str]:
    """Return code, change code and the account's uid, of a credit to a number."""
    await bank.poll.poll()
    entry = EntryFacts(ROUTING, number, 22, 100, "PPD")
    route = Route(ROUTING, is_ours=True)
    policy = Policy(name_policy=ach_pb2.NAME_POLICY_IGNORE)
    [(decision, account)] = await bank.resolver.resolve(
        [Submitted(entry, route)],
        Judge(policy, datetime.now(UTC)),
        Terms(Consistency.FULLY_CONSISTENT),
    )
    return decision.return_code, decision.noc_code, account.message.uid if account else ""
