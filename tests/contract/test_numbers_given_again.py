"""A number given to somebody else is a new account: nothing of the former leads to it."""

import uuid

from opencif.v1 import account_pb2, card_pb2
from tests.contract.conftest import Under
from tests.contract.keyed_bank import OLD, new_person

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
