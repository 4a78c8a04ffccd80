"""Names, the last day to answer, and the plain path of the decision table against its walk."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencif.nacha.codes import TRANSACTION_CODES
from opencif.v1 import account_pb2 as pb
from opencif.v1 import ach_pb2
from opencif.v1.account_pb2 import Account
from server.resolution import EntryFacts, Found, Judge, Policy, return_by
from tests.unit.resolution_cases import (
    DOE,
    JANE,
    JOHN,
    LIMITED,
    NOW,
    OTHER,
    OURS,
    OUTSIDE,
    RETIRED,
    ROE,
    TABLE,
    account,
    decide,
    entry,
    facts_of,
    party,
)


@pytest.mark.parametrize(
    ("policy", "words", "match", "disposition", "findings"),
    [
        (ach_pb2.NAME_POLICY_IGNORE, {ROE}, "UNSPECIFIED", "POST", ()),
        (ach_pb2.NAME_POLICY_ADVISE, {JANE}, "MATCH", "POST", ()),
        (ach_pb2.NAME_POLICY_ADVISE, {JANE, ROE}, "CLOSE", "POST", ()),
        (ach_pb2.NAME_POLICY_ADVISE, {ROE}, "NO_MATCH", "POST", ("NAME_NO_MATCH",)),
        (ach_pb2.NAME_POLICY_REVIEW, {ROE}, "NO_MATCH", "REVIEW", ("NAME_NO_MATCH",)),
        (ach_pb2.NAME_POLICY_RETURN, {ROE}, "NO_MATCH", "RETURN", ("R03",)),
        (ach_pb2.NAME_POLICY_RETURN, None, "NO_NAME", "POST", ()),
    ],
)
def test_names(
    policy: int,
    words: set[int] | None,
    match: str,
    disposition: str,
    findings: tuple[str, ...],
) -> None:
    digests = () if words is None else (frozenset(words),)
    entered = entry(name_digests=digests, sec_code="ARC")
    decision = decide(entered, account(), policy=Policy(name_policy=policy))
    assert ach_pb2.NameMatch.Name(decision.name_match) == f"NAME_MATCH_{match}"
    assert ach_pb2.Disposition.Name(decision.disposition) == f"DISPOSITION_{disposition}"
    assert decision.findings == findings


def test_a_close_name_earns_a_notification_only_where_the_policy_says_so() -> None:
    entered = entry(name_digests=(frozenset({JANE, ROE}),))
    assert decide(entered, account()).is_plain
    assert decide(entered, account(), policy=Policy(close_match_noc=True)).noc_code == "C04"


def test_a_name_matches_under_the_generation_its_owner_was_written_under() -> None:
    digests = (frozenset({JOHN, ROE}), frozenset({JANE, DOE}))
    assert decide(entry(name_digests=digests), account()).is_plain


@pytest.mark.parametrize(
    ("code", "expected"), [("R03", "2026-11-30"), ("C01", "2026-11-30"), ("R07", "2027-01-22")]
)
def test_the_last_day_to_answer(code: str, expected: str) -> None:
    assert return_by(date(2026, 11, 25), code) == date.fromisoformat(expected)


@pytest.mark.parametrize("code", ["R03", "R07"])
def test_there_is_a_last_day_at_the_calendars_end_too(code: str) -> None:
    assert return_by(date(9999, 12, 31), code) == date.max


def test_nothing_that_holds_a_number_or_a_death_prints_it() -> None:
    decision = decide(entry(), account(parties=[party(deceased_date="2026-10-01")]))
    printed = repr(entry()) + repr(decision) + repr(facts_of(account()))
    assert "123456789" not in printed
    assert "2026-10-01" not in printed


DAYS = st.sampled_from(["", "2026-01-01", "2026-11-23", "2027-01-01"])
DIGESTS = st.lists(st.sampled_from([JANE, DOE, JOHN, ROE]), max_size=3)
PARTIES = st.builds(
    pb.AccountParty,
    role=st.sampled_from([1, 2, 3, 8]),
    state=st.sampled_from([pb.PARTY_STATE_ACTIVE, pb.PARTY_STATE_ENDED]),
    valid_from=DAYS,
    valid_to=DAYS,
    deceased_date=DAYS,
    name_digests=DIGESTS,
)
RESTRICTIONS = st.builds(
    pb.AccountRestriction,
    type=st.integers(1, 14),
    state=st.sampled_from([pb.RESTRICTION_STATE_ACTIVE, pb.RESTRICTION_STATE_RELEASED]),
)
SWITCH = st.none() | st.booleans()
ACCOUNTS = st.builds(
    Account,
    state=st.integers(1, 7),
    account_type=st.integers(0, 11),
    holder_class=st.integers(1, 5),
    routing_number=st.sampled_from([OURS, RETIRED]),
    sold_to_routing_number=st.sampled_from(["", "", OTHER]),
    transactional=SWITCH,
    ach_debit_ok=SWITCH,
    ach_credit_ok=SWITCH,
    individual_ids=st.lists(st.sampled_from(["1", "2"]), unique=True),
    parties=st.lists(PARTIES, max_size=3),
    restrictions=st.lists(RESTRICTIONS, max_size=1),
    replacement=st.none() | st.builds(pb.Replacement, account=st.just("accounts/new")),
)
ENTRIES = st.builds(
    EntryFacts,
    routing_number=st.sampled_from([OURS, RETIRED, LIMITED, OUTSIDE, OTHER]),
    account_number=st.sampled_from(["123", ""]),
    transaction_code=st.sampled_from([*TRANSACTION_CODES, 25]),
    sec_code=st.sampled_from(["PPD", "CIE", "ARC"]),
    individual_id=st.sampled_from(["", "1", "2"]),
    is_federal_benefit=st.booleans(),
    is_answer=st.booleans(),
    name_digests=st.lists(DIGESTS.filter(bool).map(frozenset), max_size=2).map(tuple),
)
POLICIES = st.builds(
    Policy,
    name_policy=st.integers(1, 4),
    federal_benefit_survivor_returns=st.booleans(),
    close_match_noc=st.booleans(),
)


@settings(max_examples=500, deadline=None)
@given(ENTRIES, ACCOUNTS, POLICIES)
def test_the_plain_path_says_nothing_that_the_walk_would_not(
    entered: EntryFacts, found: Account, policy: Policy
) -> None:
    judge = Judge(policy, NOW)
    route = TABLE.route(entered.routing_number, judge.day)
    facts = Found(facts_of(found))
    plain = judge.plain(entered, route, facts)
    assert plain is None or plain == judge.walk(entered, route, facts)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TRANSACTION_CODES)), st.sampled_from([1, 2, 3, 6, 9]), st.booleans())
def test_plain_accounts_take_the_plain_path(code: int, account_type: int, compares: bool) -> None:
    facts = facts_of(account(account_type=account_type))
    policy = Policy(ach_pb2.NAME_POLICY_ADVISE if compares else ach_pb2.NAME_POLICY_IGNORE)
    judge = Judge(policy, NOW)
    route = TABLE.route(OURS, judge.day)
    entered = entry(transaction_code=code)
    walked = judge.walk(entered, route, Found(facts))
    assert (judge.plain(entered, route, Found(facts)) is not None) == walked.is_plain
