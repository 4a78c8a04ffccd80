import asyncio
import itertools
import time
import uuid

import grpc
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, card_pb2, relationship_pb2
from opencif.v1 import customer_pb2 as pb
from opencif.v1.record_pb2 import OPERATION_CREATE, OPERATION_DELETE, VIEW_FULL, Consistency

ROUTING = "021000021"
LEI = "5493001KJTIIGC8Y1R12"
DIED = "2026-01-31"

INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION
TAKEN = grpc.StatusCode.ALREADY_EXISTS
MISSING = grpc.StatusCode.NOT_FOUND

numbers = itertools.count(1)


def ssn() -> str:
    return f"32150{next(numbers):04}"


def email() -> str:
    return f"person{next(numbers)}@example.com"


def person(**fields):
    names = {"given_name": "Ada", "family_name": "Lovelace", "birth_date": "1980-12-10"}
    return {"kind": "CUSTOMER_KIND_PERSON", "person": names | fields.pop("person", {})} | fields


def organization(**fields):
    return {
        "kind": "CUSTOMER_KIND_ORGANIZATION",
        "organization": {"legal_name": "Analytical Engines Inc"},
    } | fields


def identified(number=None):
    """What a person needs to become ACTIVE."""
    return {
        "identifiers": [{"type": "IDENTIFIER_TYPE_SSN", "value": number or ssn()}],
        "addresses": [
            {"type": "ADDRESS_TYPE_RESIDENTIAL", "town_name": "Springfield", "country": "US"}
        ],
    }


async def create(client: Client, customer=None, **fields) -> pb.Customer:
    request = pb.CreateCustomerRequest(customer=customer or person(), **fields)
    return (await client.customers.CreateCustomer(request)).customer


async def active(client: Client, **fields) -> pb.Customer:
    made = await create(client, person(**identified(), **fields), onboard=True)
    return (
        await client.customers.ActivateCustomer(pb.ActivateCustomerRequest(name=made.name))
    ).customer


async def get(client: Client, name: str, **fields) -> pb.Customer:
    request = pb.GetCustomerRequest(name=name, view=VIEW_FULL, **fields)
    return (await client.customers.GetCustomer(request)).customer


async def account(client: Client, owner: str, *more, role="PARTY_ROLE_PRIMARY_OWNER"):
    terms = {
        "routing_number": ROUTING,
        "account_number": f"88{next(numbers):08}",
        "account_type": "ACCOUNT_TYPE_CHECKING",
        "holder_class": "HOLDER_CLASS_CONSUMER",
        "currency": "USD",
    }
    request = account_pb2.CreateAccountRequest(
        account=terms, parties=[{"customer": owner, "role": role}, *more]
    )
    return (await client.accounts.CreateAccount(request)).account


async def stored(client: Client, name: str) -> account_pb2.Account:
    request = account_pb2.GetAccountRequest(name=name, consistency={"fully_consistent": True})
    return (await client.accounts.GetAccount(request)).account


async def lookup(client: Client, *keys):
    given = [pb.CustomerKey(type=type_, value=value) for type_, value in keys]
    answer = await client.lookup_customers(given)
    return [
        result.error_reason or [customer.name for customer in result.customers]
        for result in answer.results
    ]


async def refused(awaitable, code, reason, field=None) -> OpencifError:
    with pytest.raises(OpencifError) as error:
        await awaitable
    assert (error.value.code, error.value.reason) == (code, reason)
    if field is not None:
        assert [violation.field for violation in error.value.fields] == [field]
    return error.value


async def test_a_customer_lives_from_prospect_to_closed(client):
    made = await create(client, person(**identified(), branch="NORTH"), source_system="CORE")
    assert (made.state, made.version) == (pb.CUSTOMER_STATE_PROSPECT, 1)
    assert (made.uid, made.source_system) == (made.name.removeprefix("customers/"), "CORE")
    service = client.customers
    steps = [
        (service.OnboardCustomer, pb.OnboardCustomerRequest, "ONBOARDING"),
        (service.ActivateCustomer, pb.ActivateCustomerRequest, "ACTIVE"),
        (service.MarkCustomerDormant, pb.MarkCustomerDormantRequest, "DORMANT"),
        (service.ReinstateCustomer, pb.ReinstateCustomerRequest, "ACTIVE"),
        (service.RestrictCustomer, pb.RestrictCustomerRequest, "RESTRICTED"),
        (service.ReinstateCustomer, pb.ReinstateCustomerRequest, "ACTIVE"),
    ]
    for version, (rpc, request, state) in enumerate(steps, start=2):
        answer = await rpc(request(name=made.name, etag=str(version - 1), reason=f"R{version}"))
        assert answer.customer.state == pb.CustomerState.Value(f"CUSTOMER_STATE_{state}")
        assert (answer.customer.version, answer.customer.state_reason) == (version, f"R{version}")
    begun = await service.CloseCustomer(pb.CloseCustomerRequest(name=made.name, begin_only=True))
    assert begun.customer.state == pb.CUSTOMER_STATE_OFFBOARDING
    closed = await service.CloseCustomer(pb.CloseCustomerRequest(name=made.name))
    assert closed.customer.state == pb.CUSTOMER_STATE_CLOSED
    assert await get(client, made.name) == closed.customer


async def test_an_illegal_transition_says_so(client):
    made = await create(client)
    for rpc, request in (
        (client.customers.ActivateCustomer, pb.ActivateCustomerRequest),
        (client.customers.MarkCustomerDormant, pb.MarkCustomerDormantRequest),
        (client.customers.RestrictCustomer, pb.RestrictCustomerRequest),
        (client.customers.ReinstateCustomer, pb.ReinstateCustomerRequest),
        (client.customers.CloseCustomer, pb.CloseCustomerRequest),
    ):
        await refused(rpc(request(name=made.name)), FAILED, "ILLEGAL_TRANSITION")
    dead = pb.MarkDeceasedRequest(name=made.name, deceased_date=DIED)
    await refused(client.customers.MarkDeceased(dead), FAILED, "ILLEGAL_TRANSITION")
    assert (await get(client, made.name)).version == 1


async def test_nobody_becomes_active_unidentified(client):
    made = await create(client, person(), onboard=True)
    error = await refused(
        client.customers.ActivateCustomer(pb.ActivateCustomerRequest(name=made.name)),
        FAILED,
        "INCOMPLETE",
    )
    assert error.message.startswith("addresses,identifiers:")


async def test_what_is_private_is_shown_in_full_view_only_and_numbers_in_none(client):
    number = ssn()
    made = await create(client, person(**identified(number)))
    basic = (await client.customers.GetCustomer(pb.GetCustomerRequest(name=made.name))).customer
    assert not basic.HasField("person")
    assert not basic.display_name
    full = await get(client, made.name)
    assert (full.display_name, full.identifiers[0].mask) == ("Ada Lovelace", f"••••{number[-4:]}")
    assert number.encode() not in full.SerializeToString()
    assert number.encode() not in made.SerializeToString()


async def test_kind_and_data_must_agree(client):
    for customer, reason, field in (
        ({"kind": "CUSTOMER_KIND_PERSON"}, "REQUIRED", "customer.person"),
        (person(organization={"legal_name": "X"}), "MALFORMED", "customer.organization"),
        (person(person={"family_name": ""}), "REQUIRED", "customer.person.family_name"),
        (person() | {"kind": 0}, "UNKNOWN_ENUM_VALUE", "customer.kind"),
    ):
        await refused(create(client, customer), INVALID, reason, field)


async def test_many_are_read_at_once_or_none(client):
    one, two = await create(client), await create(client, organization())
    request = pb.BatchGetCustomersRequest(names=[two.name, one.name, two.name], view=VIEW_FULL)
    answer = await client.customers.BatchGetCustomers(request)
    assert list(answer.customers) == [two, one, two]
    request.names.append(f"customers/{uuid.uuid4()}")
    await refused(client.customers.BatchGetCustomers(request), MISSING, "NOT_FOUND")


async def test_an_update_changes_what_its_mask_names(client):
    made = await create(client, person(branch="NORTH", party_roles=["GUARANTOR"]))
    changed = {"name": made.name, "branch": "SOUTH", "person": {"family_name": "King"}}
    request = pb.UpdateCustomerRequest(
        customer=changed,
        update_mask={"paths": ["person.family_name", "party_roles"]},
        etag=made.etag,
    )
    answer = (await client.customers.UpdateCustomer(request)).customer
    assert (answer.branch, list(answer.party_roles)) == ("NORTH", [])
    assert (answer.person.given_name, answer.display_name) == ("Ada", "Ada King")
    request.request_id = ""
    stale = grpc.StatusCode.ABORTED
    await refused(client.customers.UpdateCustomer(request), stale, "ETAG_MISMATCH")
    for paths, reason in (
        (["kind"], "INVALID_FIELD_MASK"),
        (["identifiers"], "INVALID_FIELD_MASK"),
        (["person.nobody"], "INVALID_FIELD_MASK"),
        (["person.given_name"], "REQUIRED"),
    ):
        request = pb.UpdateCustomerRequest(customer=changed, update_mask={"paths": paths})
        await refused(client.customers.UpdateCustomer(request), INVALID, reason)


async def test_a_repeated_request_makes_one_customer(client):
    request = pb.CreateCustomerRequest(
        customer=person(**identified()), request_id=str(uuid.uuid4())
    )
    first = await client.customers.CreateCustomer(request)
    again = await client.customers.CreateCustomer(request)
    assert again.customer == first.customer
    request.customer.branch = "SOUTH"
    await refused(client.customers.CreateCustomer(request), INVALID, "IDEMPOTENCY_KEY_REUSED")


async def test_a_branch_is_listed_in_pages(client):
    branch = f"B{next(numbers)}"
    made = [await create(client, person(branch=branch)) for _ in range(5)]
    pages = [
        [customer.name for customer in page.customers]
        async for page in client.pages(
            client.customers.ListCustomers, pb.ListCustomersRequest(branch=branch, page_size=2)
        )
    ]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [name for page in pages for name in page] == [customer.name for customer in made]


async def test_history_tells_who_did_what_and_what_it_was(client):
    made = await create(client, reason="WALK_IN")
    await client.customers.OnboardCustomer(pb.OnboardCustomerRequest(name=made.name))
    deleted = pb.DeleteCustomerRequest(name=made.name, reason="MISTAKE")
    await client.customers.DeleteCustomer(deleted)
    await refused(get(client, made.name), MISSING, "NOT_FOUND")
    request = pb.ListCustomerRevisionsRequest(name=made.name, view=VIEW_FULL)
    revisions = (await client.customers.ListCustomerRevisions(request)).revisions
    assert [each.revision.version for each in revisions] == [3, 2, 1]
    assert [each.revision.reason for each in revisions] == ["MISTAKE", "", "WALK_IN"]
    assert revisions[0].revision.operation == OPERATION_DELETE
    assert revisions[2].revision.operation == OPERATION_CREATE
    assert list(revisions[1].revision.paths) == ["state"]
    assert revisions[2].customer == made
    assert await get(client, made.name, version=1) == made


async def test_an_exclusive_identifier_is_one_customers(client):
    number = ssn()
    first = await create(client, person(**identified(number)))
    error = await refused(create(client, person(**identified(number))), TAKEN, "ALREADY_EXISTS")
    assert first.name not in str(error)
    second = await create(client)
    same = {"type": "IDENTIFIER_TYPE_SSN", "value": f"{number[:3]}-{number[3:5]} {number[5:]}"}
    add = pb.AddIdentifierRequest(name=second.name, identifier=same)
    await refused(client.customers.AddIdentifier(add), TAKEN, "ALREADY_EXISTS")
    assert await lookup(client, ("IDENTIFIER_TYPE_SSN", number)) == [[first.name]]
    revoke = pb.UpdateIdentifierRequest(
        name=first.name,
        identifier_id=first.identifiers[0].identifier_id,
        state=pb.IDENTIFIER_STATE_REVOKED,
    )
    await client.customers.UpdateIdentifier(revoke)
    assert await lookup(client, ("IDENTIFIER_TYPE_SSN", number)) == [[]]
    add.request_id = ""
    added = (await client.customers.AddIdentifier(add)).customer
    assert [each.state for each in added.identifiers] == [pb.IDENTIFIER_STATE_ACTIVE]
    assert await lookup(client, ("IDENTIFIER_TYPE_SSN", number)) == [[second.name]]


async def test_two_at_once_do_not_get_the_same_identifier(client):
    number = ssn()
    answers = await asyncio.gather(
        *(create(client, person(**identified(number))) for _ in range(4)), return_exceptions=True
    )
    made = [answer for answer in answers if isinstance(answer, pb.Customer)]
    assert len(made) == 1
    reasons = {answer.reason for answer in answers if isinstance(answer, OpencifError)}
    assert reasons == {"ALREADY_EXISTS"}
    assert await lookup(client, ("IDENTIFIER_TYPE_SSN", number)) == [[made[0].name]]


async def test_an_identifier_is_changed_and_held_to_its_form(client):
    made = await create(client, person(**identified()))
    id_ = made.identifiers[0].identifier_id
    request = pb.UpdateIdentifierRequest(
        name=made.name,
        identifier_id=id_,
        verification=pb.VERIFICATION_VERIFIED,
        expiry_date="2030-12-31",
    )
    changed = (await client.customers.UpdateIdentifier(request)).customer.identifiers[0]
    assert (changed.verification, changed.expiry_date) == (
        pb.VERIFICATION_VERIFIED,
        "2030-12-31",
    )
    request = pb.UpdateIdentifierRequest(name=made.name, identifier_id="other")
    await refused(client.customers.UpdateIdentifier(request), MISSING, "NOT_FOUND")
    for identifier, reason, field in (
        ({"type": "IDENTIFIER_TYPE_LEI", "value": LEI[:-1] + "3"}, "CHECK_DIGIT", "value"),
        ({"type": "IDENTIFIER_TYPE_EMAIL", "value": email()}, "UNKNOWN_ENUM_VALUE", "type"),
        ({"type": "IDENTIFIER_TYPE_PASSPORT", "value": "X1"}, "REQUIRED", "issuing_country"),
        ({"type": "IDENTIFIER_TYPE_SSN", "value": "1"}, "MALFORMED", "value"),
    ):
        add = pb.AddIdentifierRequest(name=made.name, identifier=identifier)
        await refused(client.customers.AddIdentifier(add), INVALID, reason, f"identifier.{field}")


async def test_customers_are_found_by_what_they_bear(client):
    mail, number = email(), ssn()
    contact = [{"type": "CONTACT_POINT_TYPE_EMAIL", "value": mail.upper()}]
    one = await create(client, person(contact_points=contact, **identified(number)))
    two = await create(client, person(contact_points=contact))
    phone = f"+1212{next(numbers):07}"
    added = await client.customers.AddContactPoint(
        pb.AddContactPointRequest(
            name=two.name,
            contact_point={"type": "CONTACT_POINT_TYPE_MOBILE", "value": phone, "primary": True},
        )
    )
    assert added.customer.contact_points[1].primary
    found = await lookup(
        client,
        ("IDENTIFIER_TYPE_EMAIL", mail),
        ("IDENTIFIER_TYPE_SSN", number),
        ("IDENTIFIER_TYPE_PHONE", phone),
        ("IDENTIFIER_TYPE_SSN", "1"),
        ("IDENTIFIER_TYPE_UNSPECIFIED", "1"),
        ("IDENTIFIER_TYPE_EIN", "999999999"),
    )
    assert found == [
        [one.name, two.name],
        [one.name],
        [two.name],
        "MALFORMED",
        "UNKNOWN_ENUM_VALUE",
        [],
    ]
    ended = await client.customers.EndContactPoint(
        pb.EndContactPointRequest(
            name=one.name, contact_point_id=one.contact_points[0].contact_point_id
        )
    )
    assert ended.customer.contact_points[0].state == pb.CONTACT_POINT_STATE_RETIRED
    assert await lookup(client, ("IDENTIFIER_TYPE_EMAIL", mail)) == [[two.name]]


async def test_addresses_follow_one_another_and_are_read_as_of_a_day(client):
    made = await create(client)

    def home(town, **period):
        address = {"type": "ADDRESS_TYPE_LEGAL", "town_name": town, "country": "US"} | period
        return pb.AddAddressRequest(name=made.name, address=address)

    await client.customers.AddAddress(home("Here", valid_from="2020-01-01"))
    moved = (await client.customers.AddAddress(home("There"))).customer
    assert [bool(each.valid_to) for each in moved.addresses] == [True, False]
    await refused(
        client.customers.AddAddress(home("Back", valid_from="2019-01-01")),
        INVALID,
        "INVALID_PERIOD",
        "address.valid_from",
    )
    read = await get(client, made.name, as_of=moved.update_time)
    assert [each.town_name for each in read.addresses] == ["There"]
    id_ = moved.addresses[1].address_id
    ended = await client.customers.EndAddress(pb.EndAddressRequest(name=made.name, address_id=id_))
    assert ended.customer.addresses[1].valid_to == ended.customer.addresses[1].valid_from
    unknown = pb.EndAddressRequest(name=made.name, address_id="other")
    await refused(client.customers.EndAddress(unknown), MISSING, "NOT_FOUND")


async def test_a_death_is_written_on_the_accounts_and_ends_powers_of_attorney(client):
    principal, attorney = await active(client), await active(client)
    power = {"customer": attorney.name, "role": "PARTY_ROLE_POWER_OF_ATTORNEY"}
    owned = await account(client, principal.name, power)
    other = await account(
        client,
        attorney.name,
        {"customer": principal.name, "role": "PARTY_ROLE_REPRESENTATIVE_PAYEE"},
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
    owned = await account(client, made.name)
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
    owned = await asyncio.gather(*(account(client, made.name) for _ in range(205)))
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
    owned = await account(client, made.name)
    close = pb.CloseCustomerRequest(name=made.name)
    await refused(client.customers.CloseCustomer(close), FAILED, "RECORD_IN_USE")
    await client.accounts.OpenAccount(account_pb2.OpenAccountRequest(name=owned.name))
    await client.accounts.CloseAccount(account_pb2.CloseAccountRequest(name=owned.name))
    close.request_id = ""
    closed = (await client.customers.CloseCustomer(close)).customer
    assert closed.state == pb.CUSTOMER_STATE_CLOSED


async def test_no_customer_closes_while_holding_a_card(client):
    made, other = await active(client), await active(client)
    drawn = await account(client, other.name)
    await client.accounts.OpenAccount(account_pb2.OpenAccountRequest(name=drawn.name))
    card = {
        "pan": "4111111111111111",
        "card_type": "CARD_TYPE_DEBIT",
        "expiry": "2035-12",
        "cardholder": made.name,
        "accounts": [{"account": drawn.name, "role": "CARD_ACCOUNT_ROLE_PRIMARY"}],
    }
    issued = (await client.cards.IssueCard(card_pb2.IssueCardRequest(card=card))).card
    close = pb.CloseCustomerRequest(name=made.name)
    await refused(client.customers.CloseCustomer(close), FAILED, "RECORD_IN_USE")
    await client.cards.CloseCard(card_pb2.CloseCardRequest(name=issued.name))
    close.request_id = ""
    assert (await client.customers.CloseCustomer(close)).customer.state == pb.CUSTOMER_STATE_CLOSED


async def test_a_deleted_customer_frees_its_identifiers(client):
    number, mail = ssn(), email()
    contact = [{"type": "CONTACT_POINT_TYPE_EMAIL", "value": mail}]
    made = await create(client, person(contact_points=contact, **identified(number)))
    await client.customers.DeleteCustomer(pb.DeleteCustomerRequest(name=made.name))
    keys = ("IDENTIFIER_TYPE_SSN", number), ("IDENTIFIER_TYPE_EMAIL", mail)
    assert await lookup(client, *keys) == [[], []]
    again = await create(client, person(contact_points=contact, **identified(number)))
    assert await lookup(client, *keys) == [[again.name], [again.name]]


async def test_no_customer_is_deleted_on_whom_others_depend(client):
    owner, relative = await create(client), await create(client)
    await account(client, owner.name)
    relationship = {
        "from_customer": relative.name,
        "to_customer": owner.name,
        "type": "RELATIONSHIP_TYPE_SPOUSE",
    }
    made = await client.relationships.CreateRelationship(
        relationship_pb2.CreateRelationshipRequest(relationship=relationship)
    )
    for name in (owner.name, relative.name):
        request = pb.DeleteCustomerRequest(name=name)
        await refused(client.customers.DeleteCustomer(request), FAILED, "RECORD_IN_USE")
    await client.relationships.EndRelationship(
        relationship_pb2.EndRelationshipRequest(name=made.relationship.name)
    )
    await client.customers.DeleteCustomer(pb.DeleteCustomerRequest(name=relative.name))
    served = pb.DeleteCustomerRequest(name=(await active(client)).name)
    await refused(client.customers.DeleteCustomer(served), FAILED, "ILLEGAL_TRANSITION")
