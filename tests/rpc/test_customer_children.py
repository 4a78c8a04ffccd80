import asyncio

from opencif.errors import OpencifError
from opencif.v1 import customer_pb2 as pb
from tests.rpc.bank import EXISTS, INVALID, MISSING, refused
from tests.rpc.people import (
    LEI,
    create,
    email,
    get,
    identified,
    lookup,
    numbers,
    person,
    ssn,
)


async def test_an_exclusive_identifier_is_one_customers(client):
    number = ssn()
    first = await create(client, person(**identified(number)))
    error = await refused(create(client, person(**identified(number))), EXISTS, "ALREADY_EXISTS")
    assert first.name not in str(error)
    second = await create(client)
    same = {"type": "IDENTIFIER_TYPE_SSN", "value": f"{number[:3]}-{number[3:5]} {number[5:]}"}
    add = pb.AddIdentifierRequest(name=second.name, identifier=same)
    await refused(client.customers.AddIdentifier(add), EXISTS, "ALREADY_EXISTS")
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
