"""The decision table, row by row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opencif.v1 import account_pb2 as pb
from opencif.v1 import ach_pb2
from opencif.v1.account_pb2 import Account
from server.resolution import Policy, moved_to
from tests.unit.resolution_cases import (
    ABSENT,
    DAY,
    LIMITED,
    NOW,
    OTHER,
    OURS,
    OUTSIDE,
    RETIRED,
    SOLD,
    account,
    decide,
    entry,
    facts_of,
    party,
    restricted,
)


def test_a_plain_entry_posts_without_findings() -> None:
    decision = decide(entry(), account())
    assert decision.is_plain
    assert decision.name_match == ach_pb2.NAME_MATCH_MATCH


TYPE = {
    name.removeprefix("RESTRICTION_TYPE_"): number for name, number in pb.RestrictionType.items()
}
BUSINESS = pb.HOLDER_CLASS_BUSINESS
RETURNS: list[tuple[str, dict[str, Any], Account | None]] = [
    ("R28", {"routing_number": "076401252"}, None),
    ("R28", {"routing_number": "07640125"}, None),
    ("R13", {"routing_number": ABSENT}, None),
    ("R13", {"routing_number": OUTSIDE}, account()),
    ("R34", {"routing_number": LIMITED}, account(routing_number=LIMITED)),
    ("R12", {"routing_number": SOLD}, account(routing_number=SOLD)),
    ("R12", {}, account(sold_to_routing_number=OTHER)),
    ("R26", {"transaction_code": 25}, account()),
    ("R26", {"transaction_code": 99}, account()),
    ("R04", {"account_number": ""}, None),
    ("R03", {}, None),
    ("R03", {}, account(state=pb.ACCOUNT_STATE_PENDING)),
    ("R02", {}, account(state=pb.ACCOUNT_STATE_CLOSED)),
    ("R02", {}, account(state=pb.ACCOUNT_STATE_ESCHEATED)),
    ("R16", {}, restricted(TYPE["LEGAL_FREEZE"])),
    ("R16", {}, restricted(TYPE["SANCTIONS_FREEZE"])),
    ("R16", {}, restricted(TYPE["RDFI_FREEZE"])),
    ("R16", {"transaction_code": 27}, restricted(TYPE["NO_DEBITS"])),
    ("R23", {}, restricted(TYPE["NO_CREDITS"])),
    ("R23", {}, restricted(TYPE["CREDIT_REFUSED"])),
    ("R20", {}, account(account_type=pb.ACCOUNT_TYPE_TIME_DEPOSIT)),
    ("R20", {}, account(account_type=pb.ACCOUNT_TYPE_IRA)),
    ("R20", {}, account(transactional=False)),
    ("R20", {"transaction_code": 27}, account(ach_debit_ok=False)),
    ("R20", {}, account(ach_credit_ok=False)),
    ("R20", {"transaction_code": 27}, account(account_type=pb.ACCOUNT_TYPE_LOAN)),
    ("R20", {"transaction_code": 37}, account(account_type=pb.ACCOUNT_TYPE_CREDIT_CARD)),
    ("R08", {"transaction_code": 27}, restricted(TYPE["STOP_PAYMENT"])),
    ("R07", {"transaction_code": 27}, restricted(TYPE["AUTH_REVOKED"])),
    (
        "R29",
        {"transaction_code": 27},
        restricted(TYPE["ACH_DEBIT_BLOCK"], holder_class=BUSINESS),
    ),
    (
        "R29",
        {"transaction_code": 27, "company_id": "B"},
        restricted(TYPE["ACH_DEBIT_FILTER"], scope={"company_ids": ["A"]}, holder_class=BUSINESS),
    ),
    (
        "R22",
        {"sec_code": "CIE", "individual_id": "9", "company_id": "A"},
        account(individual_ids=["7"]),
    ),
    ("R21", {"sec_code": "CIE", "individual_id": "7"}, account(individual_ids=["7"])),
]


@pytest.mark.parametrize(("code", "fields", "found"), RETURNS)
def test_return(code: str, fields: dict[str, Any], found: Account | None) -> None:
    decision = decide(entry(**fields), found)
    assert decision.disposition == ach_pb2.DISPOSITION_RETURN
    assert decision.return_code == code
    assert decision.findings[0] == code
    assert not decision.noc_code


POSTS: list[tuple[dict[str, Any], Account]] = [
    ({}, restricted(TYPE["NO_DEBITS"])),
    ({"transaction_code": 27}, restricted(TYPE["NO_CREDITS"])),
    ({"transaction_code": 27}, restricted(TYPE["CREDIT_REFUSED"])),
    ({}, restricted(TYPE["STOP_PAYMENT"])),
    ({}, restricted(TYPE["AMOUNT_HOLD"])),
    ({"transaction_code": 27, "sec_code": "ARC"}, restricted(TYPE["AUTH_REVOKED"])),
    ({"transaction_code": 27}, restricted(TYPE["AUTH_REVOKED"], holder_class=BUSINESS)),
    ({"transaction_code": 27}, restricted(TYPE["ACH_DEBIT_BLOCK"])),
    (
        {"transaction_code": 27, "company_id": "A"},
        restricted(TYPE["ACH_DEBIT_FILTER"], scope={"company_ids": ["A"]}, holder_class=BUSINESS),
    ),
    ({"transaction_code": 55}, account(account_type=pb.ACCOUNT_TYPE_LOAN)),
    ({}, account(transactional=True, ach_debit_ok=False)),
    ({}, account(state=pb.ACCOUNT_STATE_DORMANT)),
    ({}, account(account_type=pb.ACCOUNT_TYPE_PREPAID)),
    ({"sec_code": "CIE", "individual_id": "7", "company_id": "A"}, account(individual_ids=["7"])),
]


@pytest.mark.parametrize(("fields", "found"), POSTS)
def test_post(fields: dict[str, Any], found: Account) -> None:
    assert decide(entry(**fields), found).is_plain


@pytest.mark.parametrize(
    ("scope", "is_covered"),
    [
        ({}, True),
        ({"company_ids": ["A", "B"]}, True),
        ({"company_ids": ["B"]}, False),
        ({"sec_codes": ["WEB"]}, False),
        ({"amount_min_minor": 100, "amount_max_minor": 100}, True),
        ({"amount_min_minor": 101}, False),
        ({"amount_max_minor": 99}, False),
        ({"trace_number": "1"}, True),
        ({"trace_number": "2"}, False),
    ],
)
def test_a_stop_payment_keeps_to_its_scope(scope: dict[str, Any], is_covered: bool) -> None:
    stopped = restricted(TYPE["STOP_PAYMENT"], scope=scope)
    decision = decide(entry(transaction_code=27, company_id="A", trace_number="1"), stopped)
    assert decision.return_code == ("R08" if is_covered else "")


def test_one_of_several_filters_lets_a_company_in() -> None:
    filters = [
        restricted(TYPE["ACH_DEBIT_FILTER"], scope={"company_ids": [company]}).restrictions[0]
        for company in ("A", "B")
    ]
    found = account(restrictions=filters, holder_class=BUSINESS)
    assert decide(entry(transaction_code=27, company_id="B"), found).is_plain
    assert decide(entry(transaction_code=27, company_id="C"), found).return_code == "R29"


@pytest.mark.parametrize(
    ("starts", "ends", "is_in_force"),
    [(0, None, True), (1, None, False), (-2, -1, False), (-2, 0, False), (-2, 1, True)],
)
def test_a_restriction_counts_while_it_is_in_force(
    starts: int, ends: int | None, is_in_force: bool
) -> None:
    found = restricted(TYPE["LEGAL_FREEZE"])
    freeze = found.restrictions[0]
    freeze.effective_time.FromDatetime(NOW + timedelta(seconds=starts))
    if ends is not None:
        freeze.expire_time.FromDatetime(NOW + timedelta(seconds=ends))
    assert decide(entry(), found).return_code == ("R16" if is_in_force else "")


def test_a_released_restriction_does_not_count() -> None:
    found = restricted(TYPE["LEGAL_FREEZE"])
    found.restrictions[0].state = pb.RESTRICTION_STATE_RELEASED
    assert decide(entry(), found).is_plain


@pytest.mark.parametrize("kind", ["FRAUD_FREEZE", "DECEASED_HOLD", "KYC_EXPIRED"])
def test_a_hold_is_for_a_person_to_look_at(kind: str) -> None:
    decision = decide(entry(), restricted(TYPE[kind]))
    assert decision.disposition == ach_pb2.DISPOSITION_REVIEW
    assert decision.findings == (kind,)


def test_an_entry_for_another_bank_is_judged_no_further() -> None:
    decision = decide(entry(routing_number=OTHER, transaction_code=99))
    assert decision.disposition == ach_pb2.DISPOSITION_NOT_OURS
    assert decision.findings == ("NOT_OURS",)


@pytest.mark.parametrize(
    "fields",
    [
        {"transaction_code": 21},
        {"transaction_code": 81},
        {"is_answer": True},
        {"is_answer": True, "routing_number": ABSENT},
        {"is_answer": True, "routing_number": "076401252"},
    ],
)
def test_what_answers_our_own_entries_is_never_returned(fields: dict[str, Any]) -> None:
    decision = decide(entry(**fields), account(state=pb.ACCOUNT_STATE_CLOSED))
    assert decision.disposition == ach_pb2.DISPOSITION_REVIEW
    assert decision.findings == ("NOT_FORWARD",)


def test_every_hit_is_listed_in_the_order_of_the_table_and_the_first_return_wins() -> None:
    found = restricted(
        TYPE["LEGAL_FREEZE"],
        state=pb.ACCOUNT_STATE_CLOSED,
        account_type=pb.ACCOUNT_TYPE_SAVINGS,
        transactional=False,
        parties=[party(deceased_date="2026-10-01")],
    )
    decision = decide(entry(routing_number=RETIRED, transaction_code=27), found)
    assert decision.findings == ("C02", "R02", "R15", "R16", "R20", "C05")
    assert decision.return_code == "R02"
    assert decision.date_of_death == ""


@pytest.mark.parametrize(
    ("parties", "code", "died"),
    [
        ([party(deceased_date="2026-10-01")], "R15", "2026-10-01"),
        ([party(deceased_date="2026-12-01")], "", ""),  # not yet, as of then
        ([party(deceased_date="2026-10-01", valid_to="2026-11-01")], "", ""),
        (
            [
                party(pb.PARTY_ROLE_JOINT_OWNER, deceased_date="2026-09-01"),
                party(deceased_date="2026-10-01"),
            ],
            "R15",
            "2026-10-01",
        ),
        (
            [party(), party(pb.PARTY_ROLE_REPRESENTATIVE_PAYEE, deceased_date="2026-10-02")],
            "R14",
            "2026-10-02",
        ),
        (
            [
                party(deceased_date="2026-10-03"),
                party(pb.PARTY_ROLE_JOINT_OWNER),
                party(pb.PARTY_ROLE_REPRESENTATIVE_PAYEE),
            ],
            "R15",
            "2026-10-03",
        ),
        (
            [
                party(),
                party(pb.PARTY_ROLE_REPRESENTATIVE_PAYEE, deceased_date="2026-10-02"),
                party(pb.PARTY_ROLE_REPRESENTATIVE_PAYEE),
            ],
            "",
            "",
        ),
        ([party(), party(pb.PARTY_ROLE_POWER_OF_ATTORNEY, deceased_date="2026-10-01")], "", ""),
    ],
)
def test_deaths(parties: list[pb.AccountParty], code: str, died: str) -> None:
    decision = decide(entry(), account(parties=parties))
    assert (decision.return_code, decision.date_of_death) == (code, died)


@pytest.mark.parametrize(
    ("is_benefit", "returns", "code"),
    [(False, True, ""), (True, False, ""), (True, True, "R15")],
)
def test_a_surviving_joint_owner(is_benefit: bool, returns: bool, code: str) -> None:
    found = account(parties=[party(deceased_date="2026-10-01"), party(pb.PARTY_ROLE_JOINT_OWNER)])
    policy = Policy(federal_benefit_survivor_returns=returns)
    decision = decide(entry(is_federal_benefit=is_benefit), found, policy=policy)
    assert decision.return_code == code
    assert decision.findings == ((code,) if code else ("JOINT_OWNER_DECEASED",))


def test_what_a_federal_agency_takes_is_no_benefit() -> None:
    found = account(parties=[party(deceased_date="2026-10-01"), party(pb.PARTY_ROLE_JOINT_OWNER)])
    policy = Policy(federal_benefit_survivor_returns=True)
    debit = entry(is_federal_benefit=True, transaction_code=27)
    assert decide(debit, found, policy=policy).findings == ("JOINT_OWNER_DECEASED",)


NEW_TYPE = {"account_type": pb.ACCOUNT_TYPE_SAVINGS}


@pytest.mark.parametrize(
    ("code", "fields", "found", "corrected", "expected"),
    [
        ("C01", {}, {}, 0, OURS),
        ("C03", {"routing_number": RETIRED}, {}, 0, OURS),
        ("C06", {}, NEW_TYPE, 32, OURS),
        ("C07", {"routing_number": RETIRED, "transaction_code": 28}, NEW_TYPE, 38, OURS),
    ],
)
def test_a_renumbered_account(
    code: str, fields: dict[str, Any], found: dict[str, Any], corrected: int, expected: str
) -> None:
    old = account(state=pb.ACCOUNT_STATE_CLOSED)
    old.replacement.account = "accounts/new"
    decision = decide(entry(**fields), account(**found), old)
    assert decision.disposition == ach_pb2.DISPOSITION_POST_WITH_NOC
    assert (decision.noc_code, decision.findings) == (code, (code,))
    assert (decision.corrected_code, decision.expected_routing) == (corrected, expected)


def test_a_renumbering_to_come_posts_without_a_notification() -> None:
    old = account(state=pb.ACCOUNT_STATE_CLOSED)
    old.replacement.account = "accounts/new"
    old.replacement.effective_date = "2026-12-01"
    assert decide(entry(), account(), old).is_plain


def test_a_renumbered_account_is_followed_until_its_last_day() -> None:
    old = account(state=pb.ACCOUNT_STATE_CLOSED)
    assert moved_to(facts_of(old), DAY) == ""
    old.replacement.account = "accounts/new"
    assert moved_to(facts_of(old), DAY) == "accounts/new"
    old.replacement.valid_to = DAY
    assert moved_to(facts_of(old), DAY) == "accounts/new"
    assert moved_to(facts_of(old), "2026-11-24") == ""


@pytest.mark.parametrize(
    ("code", "fields", "found", "corrected"),
    [
        ("C02", {"routing_number": RETIRED}, {}, 0),
        ("C05", {}, {"account_type": pb.ACCOUNT_TYPE_MONEY_MARKET}, 32),
        ("C05", {"transaction_code": 39}, {}, 29),
        ("C05", {"transaction_code": 55}, {}, 27),
        ("C05", {"transaction_code": 23}, {"account_type": pb.ACCOUNT_TYPE_LOAN}, 53),
        ("C05", {"transaction_code": 27}, {"account_type": pb.ACCOUNT_TYPE_GL}, 47),
        ("C09", {"individual_id": "OLD"}, {"individual_ids": ["NEW", "OLD"]}, 0),
    ],
)
def test_a_notification_of_change(
    code: str, fields: dict[str, Any], found: dict[str, Any], corrected: int
) -> None:
    decision = decide(entry(**fields), account(**found))
    assert decision.disposition == ach_pb2.DISPOSITION_POST_WITH_NOC
    assert (decision.noc_code, decision.corrected_code) == (code, corrected)


def test_a_retired_routing_number_serves_until_its_change_date() -> None:
    before = datetime(2026, 5, 31, tzinfo=UTC)
    decision = decide(entry(routing_number=RETIRED), account(routing_number=RETIRED), as_of=before)
    assert decision.is_plain
