from datetime import date

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from opencif.v1.relationship_pb2 import CustomerRelationship
from server import relationship_rules as rules
from server.errors import FailedPrecondition, InvalidArgument

TODAY = date(2026, 6, 15)
PROPOSED, ACTIVE, ENDED = 1, 2, 3
SPOUSE, OWNER, SUBSIDIARY, BRANCH = 1, 9, 13, 14


def relationship(type_=OWNER, state=ACTIVE, **fields):
    said = {
        "name": "relationships/r",
        "from_customer": "customers/f",
        "to_customer": "customers/t",
        "valid_from": "2020-01-01",
    }
    return CustomerRelationship(type=type_, state=state, **(said | fields))


def refusal(error, run, *args):
    with pytest.raises(error) as refused:
        run(*args)
    return refused.value.reason, refused.value.field


def begun(propose=False, **fields):
    it = relationship(state=0, **fields)
    rules.begin(it, "CORE", TODAY, propose=propose)
    return it


def test_a_relationship_begins_today_unless_it_says():
    assert begun(valid_from="").valid_from == "2026-06-15"
    assert (begun().state, begun(propose=True).state) == (ACTIVE, PROPOSED)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to_customer": "customers/f"}, ("MALFORMED", "relationship.to_customer")),
        ({"ownership_bp": -1}, ("INVALID_SHARE", "relationship.ownership_bp")),
        ({"ownership_bp": 10_001}, ("INVALID_SHARE", "relationship.ownership_bp")),
        ({"type_": SPOUSE, "ownership_bp": 1}, ("INVALID_SHARE", "relationship.ownership_bp")),
        ({"valid_to": "2019-12-31"}, ("INVALID_PERIOD", "relationship.valid_to")),
    ],
)
def test_relationships_that_make_no_sense_are_refused(fields, said):
    assert refusal(InvalidArgument, lambda: begun(**fields)) == said


@pytest.mark.parametrize("state", [PROPOSED, ACTIVE, ENDED])
def test_the_states_lead_one_way(state):
    it = relationship(state=state)
    if state == PROPOSED:
        rules.confirm(it)
        assert it.state == ACTIVE
    else:
        assert refusal(FailedPrecondition, lambda: rules.confirm(it))[0] == "ILLEGAL_TRANSITION"
    it = relationship(state=state)
    if state == ENDED:
        assert refusal(FailedPrecondition, rules.end, it, "", TODAY)[0] == "ILLEGAL_TRANSITION"
        assert (
            refusal(FailedPrecondition, rules.update, it, it, FieldMask(paths=["direct"]))[0]
            == "ILLEGAL_TRANSITION"
        )
    else:
        rules.end(it, "", TODAY)
        assert it.state == ENDED


def test_what_was_only_proposed_was_in_force_on_no_day():
    it = relationship(state=PROPOSED)
    assert not rules.is_in_force_on(it, "2026-01-01")
    rules.end(it, "", TODAY)
    assert not rules.is_in_force_on(it, "2026-01-01")
    ended = relationship()
    rules.end(ended, "2026-01-01", TODAY)
    assert rules.is_in_force_on(ended, "2026-01-01")
    assert not rules.is_in_force_on(ended, "2026-01-02")


@pytest.mark.parametrize(
    ("end_date", "said"),
    [
        ("2026-06-16", "INVALID_DATE"),
        ("2019-12-31", "INVALID_PERIOD"),
        ("2026-02-01", "INVALID_PERIOD"),
    ],
    ids=["future", "before it began", "after it was to end"],
)
def test_an_end_lies_within_the_period(end_date, said):
    it = relationship(valid_to="2026-01-31")
    assert refusal(InvalidArgument, rules.end, it, end_date, TODAY) == (said, "end_date")


def test_an_update_touches_what_the_mask_names():
    it = relationship(ownership_bp=100, evidence=["A"])
    given = CustomerRelationship(ownership_bp=200, direct=True)
    rules.update(it, given, FieldMask(paths=["ownership_bp", "evidence"]))
    assert (it.ownership_bp, it.direct, list(it.evidence)) == (200, False, [])
    assert refusal(InvalidArgument, rules.update, it, given, FieldMask(paths=["valid_from"])) == (
        "REQUIRED",
        "relationship.valid_from",
    )


@pytest.mark.parametrize(
    ("others", "fits"),
    [
        ([(6000, "2020-01-01", "")], True),
        ([(6001, "2020-01-01", "")], False),
        ([(6001, "2020-01-01", "2023-12-31")], True),
        ([(6001, "2020-01-01", "2024-01-01")], False),
        ([(6000, "2020-01-01", "2024-06-30"), (6000, "2024-07-01", "")], True),
        ([(6000, "2020-01-01", "2024-07-01"), (6000, "2024-07-01", "")], False),
        (
            [(3000, "2020-01-01", ""), (3000, "2025-01-01", ""), (1, "2026-01-01", "2026-01-01")],
            False,
        ),
        ([(10_000, "2027-01-01", "")], True),
    ],
    ids=["room", "too much", "before", "one day", "handed over", "overlap", "three", "later"],
)
def test_shares_add_up_to_the_whole_at_most_on_every_day(others, fits):
    it = relationship(ownership_bp=4000, valid_from="2024-01-01", valid_to="2026-12-31")
    held = [
        relationship(ownership_bp=share_bp, valid_from=first, valid_to=last)
        for share_bp, first, last in others
    ]
    if fits:
        rules.check_shares(it, held)
    else:
        said = refusal(InvalidArgument, lambda: rules.check_shares(it, held))
        assert said == ("INVALID_SHARE", "relationship.ownership_bp")


def test_proposed_shares_do_not_count():
    it = relationship(ownership_bp=4000)
    rules.check_shares(it, [relationship(state=PROPOSED, ownership_bp=9000)])


@pytest.mark.parametrize(
    ("shares_bp", "effective"),
    [([], 10_000), ([2500], 2500), ([5000, 5000], 2500), ([3333, 3333, 3333], 370), ([1, 1], 0)],
)
def test_effective_shares_are_rounded_once(shares_bp, effective):
    assert rules.effective_bp(shares_bp) == effective


def test_who_stands_above_whom():
    owner, subsidiary = relationship(OWNER), relationship(SUBSIDIARY)
    assert (rules.upper(owner), rules.lower(owner)) == ("customers/f", "customers/t")
    assert (rules.upper(subsidiary), rules.lower(subsidiary)) == ("customers/t", "customers/f")
    assert rules.share_bp(relationship(BRANCH)) == 10_000
    assert rules.share_bp(relationship(SUBSIDIARY, ownership_bp=7)) == 7


def test_live_is_proposed_or_in_force_from_today_on():
    assert rules.is_live(relationship(state=PROPOSED), TODAY)
    assert rules.is_live(relationship(), TODAY)
    assert not rules.is_live(relationship(valid_to="2026-06-14"), TODAY)
    assert not rules.is_live(relationship(state=ENDED), TODAY)
