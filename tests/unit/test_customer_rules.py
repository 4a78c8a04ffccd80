from datetime import date

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from opencif.v1 import customer_pb2 as pb
from opencif.v1.customer_pb2 import Address, ContactPoint, Customer, Identifier
from server import customer_children as children
from server import customer_rules as rules
from server import identifier_rules as identifiers
from server.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound

TODAY = date(2026, 6, 15)
LEI = "5493001KJTIIGC8Y1R12"  # GLEIF's own published example of a right check

EVERY_STATE = [state for state in pb.CustomerState.values() if 0 < state < 99]
(
    PROSPECT,
    ONBOARDING,
    ACTIVE,
    DORMANT,
    RESTRICTED,
    OFFBOARDING,
    CLOSED,
    ERASED,
    DECEASED,
    DISSOLVED,
    MERGED,
) = EVERY_STATE
SERVED = (ACTIVE, DORMANT, RESTRICTED)


def person(state=ACTIVE, **fields):
    it = Customer(name="customers/p", kind=pb.CUSTOMER_KIND_PERSON, state=state, **fields)
    it.person.given_name = "Ada"
    it.person.family_name = "Lovelace"
    it.person.birth_date = "1980-12-10"
    return it


def organization(state=ACTIVE, **fields):
    it = Customer(name="customers/o", kind=pb.CUSTOMER_KIND_ORGANIZATION, state=state, **fields)
    it.organization.legal_name = "Analytical Engines Inc"
    return it


def complete(it, identifier=pb.IDENTIFIER_TYPE_SSN, value="123-45-6789"):
    identifiers.add(it, Identifier(type=identifier, value=value), "identifier")
    home = Address(type=pb.ADDRESS_TYPE_RESIDENTIAL, town_name="Springfield", country="US")
    children.add_address(it, home, TODAY, "address")
    return it


def refusal(error, run, *args):
    with pytest.raises(error) as refused:
        run(*args)
    return refused.value.reason, refused.value.field


TRANSITIONS = {
    "onboard": (lambda it: rules.move(it, rules.ONBOARDING_BEGINS, "R"), {PROSPECT: ONBOARDING}),
    "activate": (lambda it: rules.activate(it, "R", TODAY), {ONBOARDING: ACTIVE}),
    "dormant": (lambda it: rules.move(it, rules.DORMANCY, "R"), {ACTIVE: DORMANT}),
    "restrict": (lambda it: rules.move(it, rules.RESTRICTION, "R"), {ACTIVE: RESTRICTED}),
    "reinstate": (
        lambda it: rules.move(it, rules.REINSTATEMENT, "R"),
        {DORMANT: ACTIVE, RESTRICTED: ACTIVE},
    ),
    "begin_closing": (
        lambda it: rules.close(it, "R", begin_only=True),
        dict.fromkeys(SERVED, OFFBOARDING),
    ),
    "close": (
        lambda it: rules.close(it, "R", begin_only=False),
        dict.fromkeys((*SERVED, OFFBOARDING, DECEASED, DISSOLVED), CLOSED),
    ),
    "die": (
        lambda it: rules.die(it, "2026-06-01", "R"),
        dict.fromkeys((*SERVED, OFFBOARDING), DECEASED),
    ),
}


@pytest.mark.parametrize("state", EVERY_STATE, ids=pb.CustomerState.Name)
@pytest.mark.parametrize("name", TRANSITIONS)
def test_only_the_transitions_of_the_state_machine_are_legal(name, state):
    rule, legal = TRANSITIONS[name]
    it = complete(person(state))
    if state in legal:
        rule(it)
        assert (it.state, it.state_reason) == (legal[state], "R")
    else:
        assert refusal(FailedPrecondition, lambda: rule(it))[0] == "ILLEGAL_TRANSITION"


@pytest.mark.parametrize("state", EVERY_STATE, ids=pb.CustomerState.Name)
def test_only_some_customers_are_deleted(state):
    if state in {PROSPECT, ONBOARDING, CLOSED}:
        rules.require_deletable(person(state))
    else:
        refusal(FailedPrecondition, lambda: rules.require_deletable(person(state)))


def test_persons_die_and_organizations_dissolve():
    it = organization()
    rules.dissolve(it, "2026-06-01", "")
    assert (it.state, it.dissolved_date, it.deceased_date) == (DISSOLVED, "2026-06-01", "")
    wrong = "ILLEGAL_TRANSITION", "name"
    assert refusal(FailedPrecondition, lambda: rules.die(organization(), "2026-06-01", "")) == wrong
    assert refusal(FailedPrecondition, lambda: rules.dissolve(person(), "2026-06-01", "")) == wrong
    before_birth = refusal(InvalidArgument, lambda: rules.die(person(), "1980-12-09", ""))
    assert before_birth == ("INVALID_DATE", "deceased_date")


def test_activation_names_what_lacks():
    it = person(ONBOARDING)
    it.person.ClearField("birth_date")
    said = refusal(FailedPrecondition, lambda: rules.activate(it, "", TODAY))
    assert said == ("INCOMPLETE", "person.birth_date,addresses,identifiers")
    company = organization(ONBOARDING)
    said = refusal(FailedPrecondition, lambda: rules.activate(company, "", TODAY))
    assert said == ("INCOMPLETE", "addresses,identifiers")


@pytest.mark.parametrize(
    ("spoil", "lacking"),
    [
        (lambda it: setattr(it.addresses[0], "type", pb.ADDRESS_TYPE_MAILING), "addresses"),
        (lambda it: setattr(it.addresses[0], "valid_to", "2026-06-14"), "addresses"),
        (lambda it: setattr(it.identifiers[0], "type", pb.IDENTIFIER_TYPE_CIF), "identifiers"),
        (lambda it: setattr(it.identifiers[0], "expiry_date", "2026-06-14"), "identifiers"),
        (
            lambda it: setattr(it.identifiers[0], "state", pb.IDENTIFIER_STATE_REVOKED),
            "identifiers",
        ),
    ],
    ids=["mail only", "moved away", "bank's own number", "expired", "revoked"],
)
def test_what_is_not_current_or_not_of_the_kind_does_not_count(spoil, lacking):
    it = complete(person(ONBOARDING))
    spoil(it)
    said = refusal(FailedPrecondition, lambda: rules.activate(it, "", TODAY))
    assert said == ("INCOMPLETE", lacking)


def test_an_organization_is_identified_by_its_own_numbers():
    it = complete(organization(ONBOARDING), pb.IDENTIFIER_TYPE_LEI, LEI)
    rules.activate(it, "", TODAY)
    assert it.state == ACTIVE


def test_a_customer_has_its_kind_of_data_only():
    it = person()
    it.organization.legal_name = "X"
    assert refusal(InvalidArgument, lambda: rules.check_kind(it)) == (
        "MALFORMED",
        "customer.organization",
    )
    bare = Customer(kind=pb.CUSTOMER_KIND_ORGANIZATION)
    assert refusal(InvalidArgument, lambda: rules.check_kind(bare)) == (
        "REQUIRED",
        "customer.organization",
    )


def test_the_display_name_is_made_and_made_anew_only_while_it_is_the_made_one():
    it = person()
    rules.begin(it, "CORE", onboard=False)
    assert (it.state, it.display_name, it.source_system) == (PROSPECT, "Ada Lovelace", "CORE")
    given = Customer()
    given.person.family_name = "King"
    rules.update(it, given, FieldMask(paths=["person.family_name"]))
    assert it.display_name == "Ada King"
    rules.update(it, Customer(display_name="Countess"), FieldMask(paths=["display_name"]))
    rules.update(it, given, FieldMask(paths=["person.family_name"]))
    assert it.display_name == "Countess"
    rules.update(it, Customer(), FieldMask(paths=["display_name"]))
    assert it.display_name == "Ada King"


def test_an_update_touches_what_the_mask_names_and_no_children():
    it = person(branch="NORTH", party_roles=["GUARANTOR"])
    given = Customer(branch="SOUTH", vulnerable=True)
    rules.update(it, given, FieldMask(paths=["vulnerable", "person.middle_name", "party_roles"]))
    assert (it.branch, it.vulnerable, list(it.party_roles)) == ("NORTH", True, [])
    assert it.person.given_name == "Ada"
    children_mask = FieldMask(paths=["branch", "identifiers"])
    said = refusal(InvalidArgument, lambda: rules.update(it, given, children_mask))
    assert said == ("INVALID_FIELD_MASK", "update_mask.paths[1]")
    no_person = refusal(
        InvalidArgument, lambda: rules.update(it, Customer(), FieldMask(paths=["person"]))
    )
    assert no_person == ("REQUIRED", "customer.person")


@pytest.mark.parametrize(
    ("type_", "country", "value", "claim"),
    [
        (pb.IDENTIFIER_TYPE_SSN, "", "123-45-6789", ("US", "123456789")),
        (pb.IDENTIFIER_TYPE_EIN, "US", "12-3456789", ("US", "123456789")),
        (pb.IDENTIFIER_TYPE_ITIN, "", "912-70-1234", ("US", "912701234")),
        (pb.IDENTIFIER_TYPE_LEI, "DE", LEI.lower(), ("", LEI)),
        (pb.IDENTIFIER_TYPE_BIC, "", "deutdeff", ("", "DEUTDEFFXXX")),
        (pb.IDENTIFIER_TYPE_DUNS, "", "15-048-3782", ("", "150483782")),
        (pb.IDENTIFIER_TYPE_PASSPORT, "CH", "x 1234567", ("CH", "X1234567")),
        (pb.IDENTIFIER_TYPE_EMAIL, "", "Ada@Example.COM", ("", "ada@example.com")),
        (pb.IDENTIFIER_TYPE_PHONE, "", "+1 (212) 555-0100", ("", "+12125550100")),
    ],
)
def test_identifiers_have_one_written_form(type_, country, value, claim):
    found = identifiers.claim_of(type_, country, value)
    assert (found.country, found.value) == claim
    assert claim[1] not in repr(found)


@pytest.mark.parametrize(
    ("type_", "country", "value", "said"),
    [
        (pb.IDENTIFIER_TYPE_SSN, "", "12345678", ("MALFORMED", "value")),
        (pb.IDENTIFIER_TYPE_SSN, "CA", "123456789", ("MALFORMED", "issuing_country")),
        (pb.IDENTIFIER_TYPE_LEI, "", LEI[:-1] + "3", ("CHECK_DIGIT", "value")),
        (pb.IDENTIFIER_TYPE_DUNS, "", "15048378A", ("MALFORMED", "value")),
        (pb.IDENTIFIER_TYPE_PASSPORT, "", "X1234567", ("REQUIRED", "issuing_country")),
        (pb.IDENTIFIER_TYPE_PHONE, "", "2125550100", ("MALFORMED", "value")),
    ],
)
def test_identifiers_of_another_form_are_refused(type_, country, value, said):
    assert refusal(InvalidArgument, lambda: identifiers.claim_of(type_, country, value)) == said


def test_an_identifier_is_kept_apart_from_its_number():
    it = complete(person())
    shown, number = it.identifiers[0], it.identifier_values[0]
    assert (shown.value, shown.mask, shown.issuing_country) == ("", "••••6789", "US")
    assert (number.identifier_id, number.value) == (shown.identifier_id, "123456789")
    assert shown.verification == pb.VERIFICATION_UNVERIFIED


def test_a_customer_bears_an_identifier_once():
    it = complete(person())
    same = Identifier(type=pb.IDENTIFIER_TYPE_SSN, value="123456789")
    with pytest.raises(AlreadyExists):
        identifiers.add(it, same, "identifier")
    it.identifiers[0].state = pb.IDENTIFIER_STATE_REVOKED
    identifiers.add(it, same, "identifier")
    assert len(identifiers.claims(it)) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Identifier(type=pb.IDENTIFIER_TYPE_EMAIL, value="a@b.de"), "UNKNOWN_ENUM_VALUE"),
        (Identifier(type=pb.IDENTIFIER_TYPE_CIF), "REQUIRED"),
        (
            Identifier(
                type=pb.IDENTIFIER_TYPE_CIF,
                value="1",
                issue_date="2020-01-02",
                expiry_date="2020-01-01",
            ),
            "INVALID_PERIOD",
        ),
    ],
)
def test_identifiers_that_make_no_sense_are_refused(given, said):
    assert refusal(InvalidArgument, lambda: identifiers.add(person(), given, "it"))[0] == said


def test_identifiers_claim_nothing_once_they_are_not_in_force():
    it = complete(person())
    id_ = it.identifiers[0].identifier_id

    def changed(state):
        request = pb.UpdateIdentifierRequest(identifier_id=id_, state=state)
        identifiers.update(it, request)

    changed(pb.IDENTIFIER_STATE_EXPIRED)
    assert identifiers.claims(it) == set()
    changed(pb.IDENTIFIER_STATE_ACTIVE)
    assert len(identifiers.claims(it)) == 1
    changed(pb.IDENTIFIER_STATE_SUPERSEDED)
    again = refusal(FailedPrecondition, lambda: changed(pb.IDENTIFIER_STATE_ACTIVE))
    assert again == ("ILLEGAL_TRANSITION", "state")
    with pytest.raises(NotFound):
        identifiers.update(it, pb.UpdateIdentifierRequest(identifier_id="other"))


def test_sixty_four_of_each_sort_are_kept():
    it = person()
    for number in range(64):
        one = Identifier(type=pb.IDENTIFIER_TYPE_CORE_REF, value=f"REF{number}")
        identifiers.add(it, one, "identifier")
        children.add_contact_point(it, point(f"a{number}@example.com"), TODAY, "contact_point")
        home = Address(type=pb.ADDRESS_TYPE_MAILING, valid_from=f"{1900 + number}-01-01")
        children.add_address(it, home, TODAY, "address")
    for more in (
        lambda: identifiers.add(
            it, Identifier(type=pb.IDENTIFIER_TYPE_CORE_REF, value="REF64"), "identifier"
        ),
        lambda: children.add_contact_point(it, point("x@example.com"), TODAY, "contact_point"),
        lambda: children.add_address(it, Address(type=pb.ADDRESS_TYPE_LEGAL), TODAY, "address"),
    ):
        assert refusal(FailedPrecondition, more)[0] == "LIMIT_REACHED"


def point(value, type_=pb.CONTACT_POINT_TYPE_EMAIL, **fields):
    return ContactPoint(type=type_, value=value, **fields)


def test_a_new_primary_contact_takes_over_its_type_only():
    it = person()
    mobile = point("+12125550100", pb.CONTACT_POINT_TYPE_MOBILE, primary=True)
    for each in (
        point("A@example.com", primary=True),
        mobile,
        point("b@example.com", primary=True),
    ):
        children.add_contact_point(it, each, TODAY, "contact_point")
    assert [(each.value, each.primary) for each in it.contact_points] == [
        ("a@example.com", False),
        ("+12125550100", True),
        ("b@example.com", True),
    ]
    assert {each.valid_from for each in it.contact_points} == {"2026-06-15"}


def test_contacts_are_active_once_confirmed_and_claim_until_retired():
    it = person()
    confirmed = point("a@example.com", primary=True, valid_from="2026-01-01")
    confirmed.verified_time.GetCurrentTime()
    children.add_contact_point(it, confirmed, TODAY, "contact_point")
    children.add_contact_point(
        it, point("@ada", pb.CONTACT_POINT_TYPE_SOCIAL), TODAY, "contact_point"
    )
    first, second = it.contact_points
    assert first.state == pb.CONTACT_POINT_STATE_ACTIVE
    assert second.state == pb.CONTACT_POINT_STATE_UNVERIFIED
    assert {claim.value for claim in children.contact_claims(it)} == {"a@example.com"}
    children.end_contact_point(it, first.contact_point_id, "2026-05-31", TODAY)
    assert (first.valid_to, first.primary) == ("2026-05-31", False)
    assert children.contact_claims(it) == set()
    again = refusal(
        FailedPrecondition,
        lambda: children.end_contact_point(it, first.contact_point_id, "", TODAY),
    )
    assert again[0] == "ILLEGAL_TRANSITION"


@pytest.mark.parametrize(
    ("end_date", "said"),
    [("2025-12-31", "INVALID_PERIOD"), ("2026-06-16", "INVALID_DATE")],
)
def test_a_contact_does_not_end_before_it_began_or_in_the_future(end_date, said):
    it = person()
    children.add_contact_point(
        it, point("a@example.com", valid_from="2026-01-01"), TODAY, "contact_point"
    )
    id_ = it.contact_points[0].contact_point_id
    assert refusal(InvalidArgument, children.end_contact_point, it, id_, end_date, TODAY) == (
        said,
        "end_date",
    )


def address(valid_from="", valid_to="", type_=pb.ADDRESS_TYPE_LEGAL):
    return Address(type=type_, valid_from=valid_from, valid_to=valid_to)


def with_addresses(*addresses):
    it = person()
    for each in addresses:
        children.add_address(it, each, TODAY, "address")
    return it


def periods(it):
    return [(each.valid_from, each.valid_to) for each in it.addresses]


@pytest.mark.parametrize(
    ("former", "new", "left"),
    [
        (address("2020-01-01"), address(), "2026-06-14"),
        (address("2020-01-01"), address("2024-03-01"), "2024-02-29"),
        (address("2020-01-01", "2024-12-31"), address("2024-03-01", "2025-01-01"), "2024-02-29"),
        (address("2020-01-01", "2020-12-31"), address("2024-03-01"), "2020-12-31"),
    ],
    ids=["today", "in the past", "both bounded", "apart"],
)
def test_an_address_ends_the_day_before_the_next(former, new, left):
    it = with_addresses(former, new)
    assert periods(it)[0] == (former.valid_from, left)


@pytest.mark.parametrize(
    ("former", "new", "field"),
    [
        (address("2020-01-01"), address("2020-01-01"), "valid_from"),
        (address("2020-01-01"), address("2019-01-01"), "valid_from"),
        (address("2020-01-01"), address("2021-01-01", "2021-12-31"), "valid_to"),
        (address("2020-01-01", "2022-12-31"), address("2021-01-01", "2021-12-31"), "valid_to"),
        (address("2020-01-01"), address("2021-01-02", "2021-01-01"), "valid_to"),
    ],
    ids=["same day", "before", "inside an open one", "inside a bounded one", "backwards"],
)
def test_addresses_of_a_type_never_overlap(former, new, field):
    it = with_addresses(former)
    assert refusal(InvalidArgument, children.add_address, it, new, TODAY, "address") == (
        "INVALID_PERIOD",
        f"address.{field}",
    )
    assert len(it.addresses) == 1


def test_addresses_of_two_types_may_overlap_and_one_may_lie_before():
    it = with_addresses(
        address("2020-01-01"),
        address("2020-01-01", type_=pb.ADDRESS_TYPE_MAILING),
        address("2010-01-01", "2019-12-31"),
    )
    assert periods(it)[0] == ("2020-01-01", "")


def test_an_address_ends_within_its_period():
    it = with_addresses(address("2020-01-01", "2026-12-31"), address("2027-01-01"))
    first, future = it.addresses
    for day in ("2019-12-31", "2027-01-01"):
        assert refusal(InvalidArgument, children.end_address, it, first.address_id, day, TODAY) == (
            "INVALID_PERIOD",
            "end_date",
        )
    children.end_address(it, first.address_id, "", TODAY)
    children.end_address(it, future.address_id, "", TODAY)
    assert periods(it) == [("2020-01-01", "2026-06-15"), ("2027-01-01", "2027-01-01")]
    with pytest.raises(NotFound):
        children.end_address(it, "other", "", TODAY)


def test_only_children_valid_on_the_day_are_kept():
    it = complete(with_addresses(address("2020-01-01"), address("2026-06-01")))
    identifiers.add(
        it,
        Identifier(
            type=pb.IDENTIFIER_TYPE_PASSPORT,
            value="X1",
            issuing_country="CH",
            issue_date="2015-01-01",
            expiry_date="2024-12-31",
        ),
        "identifier",
    )
    children.add_contact_point(
        it, point("a@example.com", valid_from="2026-06-10"), TODAY, "contact_point"
    )
    now, then = Customer(), Customer()
    now.CopyFrom(it)
    then.CopyFrom(it)
    children.keep_valid(now, TODAY)
    assert [each.type for each in now.identifiers] == [pb.IDENTIFIER_TYPE_SSN]
    assert len(now.contact_points) == 1
    assert [each.valid_from for each in now.addresses] == ["2026-06-01", "2026-06-15"]
    children.keep_valid(then, date(2024, 12, 31))
    assert len(then.identifiers) == 2
    assert len(then.contact_points) == 0
    assert [each.valid_to for each in then.addresses] == ["2026-05-31"]
