import asyncio
import uuid

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import customer_pb2
from opencif.v1 import relationship_pb2 as pb
from opencif.v1.relationship_pb2 import CustomerRelationship, RelationshipType
from tests.rpc.bank import FAILED, INVALID, MISSING, refused

SPOUSE = pb.RELATIONSHIP_TYPE_SPOUSE
OWNER = pb.RELATIONSHIP_TYPE_BENEFICIAL_OWNER_OF
SUBSIDIARY = pb.RELATIONSHIP_TYPE_SUBSIDIARY_OF
BRANCH = pb.RELATIONSHIP_TYPE_BRANCH_OF
EMPLOYEE = pb.RELATIONSHIP_TYPE_EMPLOYEE_OF


async def company(client: Client) -> str:
    customer = {"kind": "CUSTOMER_KIND_ORGANIZATION", "organization": {"legal_name": "Works Inc"}}
    request = customer_pb2.CreateCustomerRequest(customer=customer)
    return (await client.customers.CreateCustomer(request)).customer.name


async def companies(client: Client, count: int) -> list[str]:
    return [await company(client) for _ in range(count)]


async def relate(
    client: Client,
    from_customer: str,
    type_: RelationshipType,
    to_customer: str,
    *,
    propose=False,
    **fields,
) -> CustomerRelationship:
    relationship = CustomerRelationship(
        from_customer=from_customer, type=type_, to_customer=to_customer, **fields
    )
    request = pb.CreateRelationshipRequest(relationship=relationship, propose=propose)
    return (await client.relationships.CreateRelationship(request)).relationship


async def end(client: Client, name: str, **fields) -> CustomerRelationship:
    request = pb.EndRelationshipRequest(name=name, **fields)
    return (await client.relationships.EndRelationship(request)).relationship


async def confirm(client: Client, name: str) -> CustomerRelationship:
    request = pb.ConfirmRelationshipRequest(name=name)
    return (await client.relationships.ConfirmRelationship(request)).relationship


async def update(client: Client, name: str, *paths: str, **fields) -> CustomerRelationship:
    request = pb.UpdateRelationshipRequest(
        relationship=CustomerRelationship(name=name, **fields), update_mask={"paths": paths}
    )
    return (await client.relationships.UpdateRelationship(request)).relationship


async def related(client: Client, customer: str, **fields) -> set[str]:
    request = pb.ListRelationshipsRequest(customer=customer, **fields)
    answer = await client.relationships.ListRelationships(request)
    return {each.name for each in answer.relationships}


async def hierarchy(client: Client, customer: str, **fields):
    """Each node's customer, depth and effective share, and whether there was more."""
    request = pb.GetHierarchyRequest(customer=customer, **fields)
    answer = await client.relationships.GetHierarchy(request)
    nodes = [(node.customer, node.depth, node.effective_bp) for node in answer.nodes]
    return nodes, answer.truncated


async def test_a_relationship_goes_from_proposed_to_ended(client):
    one, two = await companies(client, 2)
    made = await relate(client, one, SPOUSE, two, propose=True)
    assert (made.state, made.version) == (pb.RELATIONSHIP_STATE_PROPOSED, 1)
    confirmed = await confirm(client, made.name)
    assert confirmed.state == pb.RELATIONSHIP_STATE_ACTIVE
    await refused(confirm(client, made.name), FAILED, "ILLEGAL_TRANSITION")
    ended = await end(client, made.name)
    assert (ended.state, ended.valid_to) == (pb.RELATIONSHIP_STATE_ENDED, ended.valid_from)
    await refused(end(client, made.name), FAILED, "ILLEGAL_TRANSITION")
    await refused(update(client, made.name, "direct", direct=True), FAILED, "ILLEGAL_TRANSITION")
    get = pb.GetRelationshipRequest(name=made.name)
    assert (await client.relationships.GetRelationship(get)).relationship == ended
    get.version = 1
    assert (await client.relationships.GetRelationship(get)).relationship == made
    history = pb.ListRelationshipRevisionsRequest(name=made.name)
    revisions = (await client.relationships.ListRelationshipRevisions(history)).revisions
    assert [each.relationship for each in revisions] == [ended, confirmed, made]
    assert [each.revision.version for each in revisions] == [3, 2, 1]


async def test_an_update_changes_what_its_mask_names(client):
    one, two = await companies(client, 2)
    made = await relate(client, one, OWNER, two, ownership_bp=100, evidence=["A"])
    changed = await update(client, made.name, "ownership_bp", "evidence", ownership_bp=200)
    assert (changed.ownership_bp, list(changed.evidence), changed.version) == (200, [], 2)
    await refused(
        update(client, made.name, "to_customer", to_customer=one), INVALID, "INVALID_FIELD_MASK"
    )
    await refused(
        update(client, made.name, "valid_to", valid_to="2000-01-01"),
        INVALID,
        "INVALID_PERIOD",
        "relationship.valid_to",
    )
    unknown = f"relationships/{uuid.uuid4()}"
    await refused(update(client, unknown, "direct"), MISSING, "NOT_FOUND")
    await refused(end(client, unknown), MISSING, "NOT_FOUND")
    get = pb.GetRelationshipRequest(name=unknown)
    await refused(client.relationships.GetRelationship(get), MISSING, "NOT_FOUND")


async def test_both_ends_must_be_there_and_differ(client):
    one, two = await companies(client, 2)
    nobody = f"customers/{uuid.uuid4()}"
    await refused(relate(client, one, SPOUSE, nobody), FAILED, "REFERENCE_NOT_FOUND")
    await refused(relate(client, nobody, SPOUSE, one), FAILED, "REFERENCE_NOT_FOUND")
    field = "relationship.to_customer"
    await refused(relate(client, one, SPOUSE, one), INVALID, "MALFORMED", field)
    await client.customers.DeleteCustomer(customer_pb2.DeleteCustomerRequest(name=two))
    await refused(relate(client, one, SPOUSE, two), FAILED, "REFERENCE_NOT_FOUND")


async def test_relationships_are_listed_from_either_side_and_as_of_a_day(client):
    one, two, three = await companies(client, 3)
    past = await relate(client, one, EMPLOYEE, two, valid_from="2020-01-01", valid_to="2020-12-31")
    to = await relate(client, two, EMPLOYEE, one, valid_from="2020-06-01")
    proposed = await relate(client, three, EMPLOYEE, one, propose=True, valid_from="2020-01-01")
    everything = {past.name, to.name, proposed.name}
    assert await related(client, one) == everything
    assert await related(client, one, side=pb.RELATIONSHIP_SIDE_FROM) == {past.name}
    assert await related(client, one, side=pb.RELATIONSHIP_SIDE_TO) == {to.name, proposed.name}
    assert await related(client, one, as_of="2020-05-31") == {past.name}
    assert await related(client, one, as_of="2020-06-01") == {past.name, to.name}
    assert await related(client, one, as_of="2021-01-01") == {to.name}
    pages = [
        [each.name for each in page.relationships]
        async for page in client.pages(
            client.relationships.ListRelationships,
            pb.ListRelationshipsRequest(customer=one, page_size=2),
        )
    ]
    assert [len(page) for page in pages] == [2, 1]
    assert {name for page in pages for name in page} == everything
    await refused(related(client, f"customers/{uuid.uuid4()}"), MISSING, "NOT_FOUND")


async def test_shares_in_one_organization_add_up_to_the_whole_at_most(client):
    owned, one, two, three = await companies(client, 4)
    share = "relationship.ownership_bp"
    await refused(
        relate(client, one, OWNER, owned, ownership_bp=10_001), INVALID, "INVALID_SHARE", share
    )
    first = await relate(client, one, OWNER, owned, ownership_bp=6000)
    await refused(
        relate(client, two, OWNER, owned, ownership_bp=4001), INVALID, "INVALID_SHARE", share
    )
    offered = await relate(client, two, OWNER, owned, ownership_bp=5000, propose=True)
    await refused(confirm(client, offered.name), INVALID, "INVALID_SHARE", share)
    await update(client, first.name, "ownership_bp", ownership_bp=5000)
    await confirm(client, offered.name)
    await refused(
        update(client, first.name, "ownership_bp", ownership_bp=5001),
        INVALID,
        "INVALID_SHARE",
        share,
    )
    before = await relate(
        client,
        three,
        OWNER,
        owned,
        ownership_bp=10_000,
        valid_from="2010-01-01",
        valid_to="2010-12-31",
    )
    await refused(update(client, before.name, "valid_to"), INVALID, "INVALID_SHARE", share)


async def test_two_at_once_do_not_sell_the_same_share(client):
    owned, *owners = await companies(client, 5)
    answers = await asyncio.gather(
        *(relate(client, owner, OWNER, owned, ownership_bp=6000) for owner in owners),
        return_exceptions=True,
    )
    made = [answer for answer in answers if isinstance(answer, CustomerRelationship)]
    assert len(made) == 1
    reasons = {answer.reason for answer in answers if isinstance(answer, OpencifError)}
    assert reasons == {"INVALID_SHARE"}


async def test_groups_have_no_circles(client):
    a, b, c = await companies(client, 3)
    await relate(client, a, SUBSIDIARY, b)
    await relate(client, b, BRANCH, c)
    await refused(relate(client, c, SUBSIDIARY, a), FAILED, "CYCLE")
    await refused(relate(client, b, SUBSIDIARY, a), FAILED, "CYCLE")
    await relate(client, a, SUBSIDIARY, c)
    proposed = await relate(client, c, SUBSIDIARY, a, propose=True)
    await refused(confirm(client, proposed.name), FAILED, "CYCLE")


async def test_a_group_may_turn_round_over_time(client):
    a, b = await companies(client, 2)
    first = await relate(client, a, SUBSIDIARY, b, valid_from="2010-01-01", valid_to="2019-12-31")
    second = await relate(client, b, SUBSIDIARY, a, valid_from="2020-01-01")
    await refused(update(client, first.name, "valid_to", valid_to="2020-01-01"), FAILED, "CYCLE")
    assert [name for name, *_ in (await hierarchy(client, a))[0]] == [a, b]
    past = await hierarchy(client, a, as_of="2015-01-01", direction=pb.HIERARCHY_DIRECTION_UP)
    assert [name for name, *_ in past[0]] == [a, b]
    await end(client, second.name)
    await update(client, first.name, "valid_to", valid_to="2019-12-31")


async def test_two_at_once_do_not_close_a_circle_together(client):
    ring = await companies(client, 4)
    answers = await asyncio.gather(
        *(
            relate(client, one, SUBSIDIARY, two)
            for one, two in zip(ring, [*ring[1:], ring[0]], strict=True)
        ),
        return_exceptions=True,
    )
    reasons = [answer.reason for answer in answers if isinstance(answer, OpencifError)]
    assert reasons == ["CYCLE"]


async def test_two_at_once_that_share_no_end_do_not_close_a_circle_together(client):
    rings = [await companies(client, 4) for _ in range(8)]
    for a, b, c, d in rings:
        await relate(client, a, SUBSIDIARY, b)
        await relate(client, c, SUBSIDIARY, d)
    for a, b, c, d in rings:
        answers = await asyncio.gather(
            relate(client, b, SUBSIDIARY, c),
            relate(client, d, SUBSIDIARY, a),
            return_exceptions=True,
        )
        reasons = [answer.reason for answer in answers if isinstance(answer, OpencifError)]
        assert reasons == ["CYCLE"]


async def test_a_hierarchy_multiplies_the_shares_of_each_chain(client):
    top, left, right, bottom, branch = await companies(client, 5)
    await relate(client, top, OWNER, left, ownership_bp=6000)
    await relate(client, right, SUBSIDIARY, top, ownership_bp=5000)
    first = await relate(client, left, OWNER, bottom, ownership_bp=3333)
    await relate(client, right, OWNER, bottom, ownership_bp=5000)
    await relate(client, branch, BRANCH, bottom)
    await relate(client, left, EMPLOYEE, bottom)
    nodes, truncated = await hierarchy(client, top)
    assert nodes[0] == (top, 0, 10_000)
    assert sorted(nodes[1:3]) == sorted([(left, 1, 6000), (right, 1, 5000)])
    assert sorted(nodes[3:5]) == sorted([(bottom, 2, 1999), (bottom, 2, 2500)])
    assert sorted(nodes[5:]) == sorted([(branch, 3, 1999), (branch, 3, 2500)])
    assert not truncated
    assert await hierarchy(client, top, depth=2) == (nodes[:5], True)
    up, _ = await hierarchy(client, branch, direction=pb.HIERARCHY_DIRECTION_UP)
    assert up[:2] == [(branch, 0, 10_000), (bottom, 1, 10_000)]
    assert sorted(up[4:]) == sorted([(top, 3, 1999), (top, 3, 2500)])
    request = pb.GetHierarchyRequest(customer=top)
    answer = await client.relationships.GetHierarchy(request)
    step = next(node for node in answer.nodes if node.relationship == first.name)
    assert (step.parent, step.type, step.ownership_bp) == (left, OWNER, 3333)


async def test_a_hierarchy_stands_circles_of_owners(client):
    one, two = await companies(client, 2)
    await relate(client, one, OWNER, two, ownership_bp=5000)
    await relate(client, two, OWNER, one, ownership_bp=5000)
    assert await hierarchy(client, one, depth=10) == ([(one, 0, 10_000), (two, 1, 5000)], False)


async def test_a_hierarchy_has_a_beginning_and_a_bound(client):
    one = await company(client)
    assert await hierarchy(client, one) == ([(one, 0, 10_000)], False)
    for depth in (-1, 11):
        await refused(hierarchy(client, one, depth=depth), INVALID, "MALFORMED", "depth")
    await refused(hierarchy(client, f"customers/{uuid.uuid4()}"), MISSING, "NOT_FOUND")
