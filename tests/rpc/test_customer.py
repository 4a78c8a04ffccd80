import uuid

from opencif.v1 import customer_pb2 as pb
from opencif.v1 import relationship_pb2
from opencif.v1.record_pb2 import OPERATION_CREATE, OPERATION_DELETE, VIEW_FULL
from tests.rpc.bank import ABORTED, FAILED, INVALID, MISSING, refused
from tests.rpc.people import (
    DIED,
    account,
    active,
    create,
    email,
    get,
    identified,
    lookup,
    numbers,
    organization,
    person,
    ssn,
)


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
    await refused(client.customers.UpdateCustomer(request), ABORTED, "ETAG_MISMATCH")
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
    await account(client, (owner.name, "PRIMARY_OWNER"))
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
    owning = pb.DeleteCustomerRequest(name=owner.name)
    await refused(client.customers.DeleteCustomer(owning), FAILED, "RECORD_IN_USE")
    served = pb.DeleteCustomerRequest(name=(await active(client)).name)
    await refused(client.customers.DeleteCustomer(served), FAILED, "ILLEGAL_TRANSITION")
