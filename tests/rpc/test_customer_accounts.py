import asyncio
import time

from opencif.v1 import account_pb2, card_pb2
from opencif.v1 import customer_pb2 as pb
from opencif.v1.record_pb2 import Consistency
from tests.rpc.bank import FAILED, card, refused
from tests.rpc.people import (
    DIED,
    account,
    active,
    create,
    numbers,
    organization,
    stored,
)


async def test_a_death_is_written_on_the_accounts_and_ends_powers_of_attorney(client):
    principal, attorney = await active(client), await active(client)
    owned = await account(
        client, (principal.name, "PRIMARY_OWNER"), (attorney.name, "POWER_OF_ATTORNEY")
    )
    other = await account(
        client, (attorney.name, "PRIMARY_OWNER"), (principal.name, "REPRESENTATIVE_PAYEE")
    )
    request = pb.MarkDeceasedRequest(name=principal.name, deceased_date=DIED)
    answer = await client.customers.MarkDeceased(request)
    assert (answer.customer.state, answer.customer.deceased_date) == (
        pb.CUSTOMER_STATE_DECEASED,
        DIED,
    )
    owner, power = (await stored(client, owned.name)).parties
    assert (owner.deceased_date, owner.state) == (DIED, account_pb2.PARTY_STATE_ACTIVE)
    assert (power.deceased_date, power.state) == ("", account_pb2.PARTY_STATE_ENDED)
    owner, payee = (await stored(client, other.name)).parties
    assert owner.deceased_date == ""
    assert (payee.deceased_date, payee.state) == (DIED, account_pb2.PARTY_STATE_ACTIVE)


async def test_a_new_name_is_matched_on_the_accounts(client):
    made = await create(client)
    owned = await account(client, (made.name, "PRIMARY_OWNER"))
    before = set(owned.parties[0].name_digests)
    request = pb.UpdateCustomerRequest(
        customer={"name": made.name, "person": {"family_name": "King"}},
        update_mask={"paths": ["person.family_name"]},
    )
    await client.customers.UpdateCustomer(request)
    after = set((await stored(client, owned.name)).parties[0].name_digests)
    assert len(before & after) == 1
    assert len(after - before) == 1
    request = pb.UpdateCustomerRequest(
        customer={"name": made.name, "branch": "SOUTH"}, update_mask={"paths": ["branch"]}
    )
    await client.customers.UpdateCustomer(request)
    assert (await stored(client, owned.name)).version == 2


async def test_more_accounts_than_a_transaction_takes_are_followed_up(client):
    made = await active(client)
    owned = []
    for _ in range(41):  # all at once they are an overload to a machine with much else to do
        owned += await asyncio.gather(
            *(account(client, (made.name, "PRIMARY_OWNER")) for _ in range(5))
        )
    request = pb.MarkDeceasedRequest(name=made.name, deceased_date=DIED, reason="NOTICE")
    await client.customers.MarkDeceased(request)
    wanted = account_pb2.BatchGetAccountsRequest(
        names=[each.name for each in owned], consistency=Consistency(fully_consistent=True)
    )
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        accounts = (await client.accounts.BatchGetAccounts(wanted)).accounts
        if all(each.parties[0].deceased_date == DIED for each in accounts):
            break
        await asyncio.sleep(0.1)
    assert {each.parties[0].deceased_date for each in accounts} == {DIED}
    assert {each.version for each in accounts} == {2}
    history = account_pb2.ListAccountRevisionsRequest(name=owned[-1].name)
    last = (await client.accounts.ListAccountRevisions(history)).revisions[0].revision
    assert last.method == "opencif.v1.CustomerService/MarkDeceased"
    assert (last.reason, list(last.paths)) == ("NOTICE", ["parties"])


async def test_persons_die_and_organizations_dissolve(client):
    made = await create(
        client,
        organization(
            identifiers=[{"type": "IDENTIFIER_TYPE_EIN", "value": f"12{next(numbers):07}"}],
            addresses=[{"type": "ADDRESS_TYPE_BUSINESS", "town_name": "X", "country": "US"}],
        ),
        onboard=True,
    )
    await client.customers.ActivateCustomer(pb.ActivateCustomerRequest(name=made.name))
    dead = pb.MarkDeceasedRequest(name=made.name, deceased_date=DIED)
    await refused(client.customers.MarkDeceased(dead), FAILED, "ILLEGAL_TRANSITION")
    over = pb.MarkDissolvedRequest(name=made.name, dissolved_date=DIED)
    answer = (await client.customers.MarkDissolved(over)).customer
    assert (answer.state, answer.dissolved_date) == (pb.CUSTOMER_STATE_DISSOLVED, DIED)
    over = pb.MarkDissolvedRequest(name=(await active(client)).name, dissolved_date=DIED)
    await refused(client.customers.MarkDissolved(over), FAILED, "ILLEGAL_TRANSITION")


async def test_no_customer_closes_while_owning_an_account(client):
    made = await active(client)
    owned = await account(client, (made.name, "PRIMARY_OWNER"))
    close = pb.CloseCustomerRequest(name=made.name)
    await refused(client.customers.CloseCustomer(close), FAILED, "RECORD_IN_USE")
    await client.accounts.OpenAccount(account_pb2.OpenAccountRequest(name=owned.name))
    await client.accounts.CloseAccount(account_pb2.CloseAccountRequest(name=owned.name))
    close.request_id = ""
    closed = (await client.customers.CloseCustomer(close)).customer
    assert closed.state == pb.CUSTOMER_STATE_CLOSED


async def test_no_customer_closes_while_holding_a_card(client):
    made, other = await active(client), await active(client)
    drawn = await account(client, (other.name, "PRIMARY_OWNER"))
    await client.accounts.OpenAccount(account_pb2.OpenAccountRequest(name=drawn.name))
    issued = await card(client, drawn.name, cardholder=made.name)
    close = pb.CloseCustomerRequest(name=made.name)
    await refused(client.customers.CloseCustomer(close), FAILED, "RECORD_IN_USE")
    await client.cards.CloseCard(card_pb2.CloseCardRequest(name=issued.name))
    close.request_id = ""
    assert (await client.customers.CloseCustomer(close)).customer.state == pb.CUSTOMER_STATE_CLOSED
