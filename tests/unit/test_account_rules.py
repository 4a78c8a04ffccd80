from datetime import UTC, date, datetime, timedelta

import pytest

from opencif.v1 import account_pb2 as pb
from opencif.v1 import customer_pb2
from opencif.v1.account_pb2 import Account, AccountParty, AccountRestriction, Replacement
from opencif.v1.customer_pb2 import Customer
from server import account_rules as rules
from server import restriction_rules as restrictions
from server.errors import FailedPrecondition, InvalidArgument, NotFound

TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PRIMARY, JOINT, GUARDIAN, ATTORNEY = 1, 2, 5, 7

EVERY_STATE = [state for state in pb.AccountState.values() if 0 < state < 99]
PENDING, OPEN, DORMANT, CLOSING, CLOSED, ESCHEATED, CHARGED_OFF = EVERY_STATE


def party(role=PRIMARY, party_id="p", **fields):
    return AccountParty(
        party_id=party_id,
        customer=fields.pop("customer", "customers/c"),
        role=role,
        state=pb.PARTY_STATE_ACTIVE,
        valid_from=fields.pop("valid_from", "2020-01-01"),
        **fields,
    )


def account(state=OPEN, *parties, **fields):
    return Account(name="accounts/a", state=state, parties=parties or [party()], **fields)


def refusal(error, run):
    with pytest.raises(error) as refused:
        run()
    return refused.value.reason


TRANSITIONS = {
    "open": (lambda it: rules.open_account(it, TODAY), {PENDING: OPEN}),
    "close": (
        lambda it: rules.close(it, "ASKED", TODAY),
        dict.fromkeys((OPEN, DORMANT, CLOSING, CHARGED_OFF), CLOSED),
    ),
    "begin_closing": (rules.begin_closing, {OPEN: CLOSING, DORMANT: CLOSING}),
    "reopen": (lambda it: rules.reopen(it, "APPROVAL-1", TODAY), {CLOSED: OPEN}),
    "mark_dormant": (lambda it: rules.mark_dormant(it, TODAY), {OPEN: DORMANT}),
    "reactivate": (lambda it: rules.reactivate(it, TODAY), {DORMANT: OPEN}),
    "escheat": (rules.escheat, {DORMANT: ESCHEATED}),
    "charge_off": (rules.charge_off, {OPEN: CHARGED_OFF}),
    "replace": (
        lambda it: rules.replace(it, Account(name="accounts/b"), Replacement(), TODAY),
        {OPEN: CLOSED, DORMANT: CLOSED},
    ),
}


@pytest.mark.parametrize("state", EVERY_STATE, ids=pb.AccountState.Name)
@pytest.mark.parametrize("name", TRANSITIONS)
def test_only_the_transitions_of_the_state_machine_are_legal(name, state):
    rule, legal = TRANSITIONS[name]
    it = account(state)
    if state in legal:
        rule(it)
        assert it.state == legal[state]
    else:
        assert refusal(FailedPrecondition, lambda: rule(it)) == "ILLEGAL_TRANSITION"


@pytest.mark.parametrize("state", EVERY_STATE, ids=pb.AccountState.Name)
def test_only_pending_and_closed_accounts_are_deleted(state):
    it = account(state)
    if state in (PENDING, CLOSED):
        rules.require_deletable(it)
    else:
        assert (
            refusal(FailedPrecondition, lambda: rules.require_deletable(it)) == "ILLEGAL_TRANSITION"
        )


def test_dates_follow_the_states():
    it = account(PENDING)
    rules.open_account(it, TODAY)
    assert it.open_date == "2026-06-15"
    rules.mark_dormant(it, TODAY)
    assert it.dormant_since == "2026-06-15"
    rules.close(it, "ASKED", TODAY)
    assert (it.close_date, it.close_reason, it.dormant_since) == ("2026-06-15", "ASKED", "")
    rules.reopen(it, "APPROVAL-1", TODAY)
    assert (it.close_date, it.close_reason, it.approval_ref) == ("", "", "APPROVAL-1")


@pytest.mark.parametrize(
    "parties",
    [
        [party(JOINT)],
        [party(), party(party_id="q")],
        [party(valid_to="2026-06-14")],
        [party(valid_from="2026-06-16")],
        [party(minor=True)],
        [party(), party(JOINT, "q", minor=True)],
        [party(minor=True), party(GUARDIAN, "g", valid_to="2026-06-14")],
    ],
    ids=["none", "two", "over", "not yet", "minor", "minor joint owner", "guardian over"],
)
def test_an_account_does_not_open_without_its_owners_in_order(parties):
    it = account(PENDING, *parties)
    assert refusal(FailedPrecondition, lambda: rules.open_account(it, TODAY)) == "INVARIANT"


@pytest.mark.parametrize(
    "parties",
    [
        [party()],
        [party(valid_to="2026-06-15")],
        [party(valid_to="2026-06-15"), party(party_id="q", valid_from="2026-06-16")],
        [party(minor=True), party(GUARDIAN, "g")],
        [party(minor=True), party(6, "custodian")],
        [party(), party(8, "payee", minor=True)],
    ],
    ids=["one", "last day", "one after the other", "guardian", "custodian", "minor, no owner"],
)
def test_an_account_opens_with_its_owners_in_order(parties):
    it = account(PENDING, *parties)
    rules.open_account(it, TODAY)
    assert it.state == OPEN


def test_a_pending_account_needs_no_owner_yet_but_never_has_two():
    rules.check_parties(Account(state=PENDING), TODAY)
    two = account(PENDING, party(), party(party_id="q", valid_from="2030-01-01"))
    assert refusal(FailedPrecondition, lambda: rules.check_parties(two, TODAY)) == "INVARIANT"


def test_the_primary_owner_changes_in_one_step_only():
    it = account()
    assert (
        refusal(FailedPrecondition, lambda: rules.end_party(it, "p", "", None, TODAY))
        == "INVARIANT"
    )
    it = account()
    rules.end_party(it, "p", "", party(party_id="q", valid_from="2026-06-15"), TODAY)
    assert [each.state for each in it.parties] == [pb.PARTY_STATE_ENDED, pb.PARTY_STATE_ACTIVE]
    assert it.parties[0].valid_to == "2026-06-15"


@pytest.mark.parametrize(
    ("error", "reason", "party_id", "end_date"),
    [
        (NotFound, "NOT_FOUND", "nobody", ""),
        (InvalidArgument, "INVALID_DATE", "j", "2026-06-16"),
        (InvalidArgument, "INVALID_PERIOD", "j", "2019-12-31"),
        (FailedPrecondition, "ILLEGAL_TRANSITION", "ended", ""),
    ],
)
def test_a_party_is_ended_once_and_not_in_the_future(error, reason, party_id, end_date):
    ended = party(JOINT, "ended")
    ended.state = pb.PARTY_STATE_ENDED
    it = account(OPEN, party(), party(JOINT, "j"), ended)
    assert refusal(error, lambda: rules.end_party(it, party_id, end_date, None, TODAY)) == reason


@pytest.mark.parametrize("state", [CLOSED, ESCHEATED])
def test_what_is_over_gets_no_party_and_no_restriction(state):
    added = party(JOINT, "j")
    freeze = AccountRestriction(type=1)
    for run in (
        lambda: rules.add_party(account(state), added, TODAY),
        lambda: rules.end_party(account(state), "p", "", None, TODAY),
        lambda: restrictions.place(account(state), freeze, "ann", NOW),
    ):
        assert refusal(FailedPrecondition, run) == "ILLEGAL_TRANSITION"


def test_ended_parties_make_room_and_current_ones_do_not():
    it = account(OPEN, party(), *(party(JOINT, f"j{n}") for n in range(63)))
    assert (
        refusal(FailedPrecondition, lambda: rules.add_party(it, party(3, "signer"), TODAY))
        == "LIMIT_REACHED"
    )
    it = account(OPEN, party(), *(party(JOINT, f"j{n}") for n in range(63)))
    for number, day in ((7, "2026-01-02"), (9, "2026-01-01")):
        it.parties[number].state = pb.PARTY_STATE_ENDED
        it.parties[number].valid_to = day
    oldest = it.parties[9].party_id
    dropped = rules.add_party(it, party(3, "signer"), TODAY)
    assert [each.party_id for each in dropped] == [oldest]
    assert len(it.parties) == 64


def test_a_party_is_written_with_what_the_account_needs_of_the_customer():
    customer = Customer(state=customer_pb2.CUSTOMER_STATE_DECEASED, deceased_date="2026-05-01")
    customer.person.birth_date = "1960-01-01"
    given = AccountParty(customer="customers/c", role=PRIMARY)
    written = rules.new_party(given, customer, [1, 2], TODAY, field="party")
    assert written.party_id
    assert (written.valid_from, written.deceased_date) == ("2026-06-15", "2026-05-01")
    assert list(written.name_digests) == [1, 2]
    assert written.state == pb.PARTY_STATE_ACTIVE
    assert not written.minor


@pytest.mark.parametrize(
    ("birth_date", "minor"),
    [("2008-06-16", True), ("2008-06-15", False), ("", False), ("2008-02-29", False)],
)
def test_who_is_under_18_is_a_minor(birth_date, minor):
    customer = Customer()
    customer.person.birth_date = birth_date
    assert rules.new_party(AccountParty(), customer, [], TODAY, field="party").minor is minor


def test_a_party_that_ends_before_it_begins_is_refused():
    given = AccountParty(valid_from="2026-02-01", valid_to="2026-01-31")
    with pytest.raises(InvalidArgument) as refused:
        rules.new_party(given, Customer(), [], TODAY, field="parties[3]")
    assert (refused.value.reason, refused.value.field) == ("INVALID_PERIOD", "parties[3].valid_to")


def test_customers_on_the_way_out_become_no_party():
    unfit = {
        customer_pb2.CUSTOMER_STATE_OFFBOARDING,
        customer_pb2.CUSTOMER_STATE_CLOSED,
        customer_pb2.CUSTOMER_STATE_ERASED,
        customer_pb2.CUSTOMER_STATE_DISSOLVED,
        customer_pb2.CUSTOMER_STATE_MERGED,
    }
    for state in customer_pb2.CustomerState.values()[1:-1]:
        assert rules.is_fit_for_party(Customer(state=state)) is (state not in unfit)


def test_a_death_is_written_and_ends_powers_of_attorney():
    it = account(OPEN, party(customer="customers/x"), party(ATTORNEY, "a", customer="customers/y"))
    rules.record_death(it, "customers/x", "2026-06-01")
    assert it.parties[0].deceased_date == "2026-06-01"
    assert (it.parties[1].state, it.parties[1].valid_to) == (pb.PARTY_STATE_ENDED, "2026-06-01")


def test_a_dead_payee_stays_a_party_so_that_entries_are_returned():
    payee = party(pb.PARTY_ROLE_REPRESENTATIVE_PAYEE, "r", customer="customers/x")
    it = account(OPEN, party(), payee)
    rules.record_death(it, "customers/x", "2026-06-01")
    dead = it.parties[1]
    assert (dead.state, dead.deceased_date) == (pb.PARTY_STATE_ACTIVE, "2026-06-01")


def test_a_power_that_was_over_stays_over_since_then():
    it = account(OPEN, party(customer="customers/x"), party(ATTORNEY, "a", valid_to="2026-03-01"))
    rules.record_death(it, "customers/x", "2026-06-01")
    assert it.parties[1].valid_to == "2026-03-01"


def test_another_signers_death_ends_nobody_elses_power():
    it = account(OPEN, party(), party(ATTORNEY, "a"), party(3, "s", customer="customers/z"))
    rules.record_death(it, "customers/z", "2026-06-01")
    assert it.parties[1].state == pb.PARTY_STATE_ACTIVE


def test_names_are_rewritten_for_their_customer_only():
    it = account(OPEN, party(name_digests=[1]), party(JOINT, "j", customer="customers/d"))
    rules.record_names(it, "customers/c", [7, 8])
    assert list(it.parties[0].name_digests) == [7, 8]
    assert not it.parties[1].name_digests


def test_a_renumbered_account_goes_on_without_what_is_over():
    old = account(OPEN, party(), branch="NORTH", open_date="2020-01-01", version=7)
    old.parties.append(party(JOINT, "gone"))
    old.parties[1].state = pb.PARTY_STATE_ENDED
    old.restrictions.add(state=pb.RESTRICTION_STATE_ACTIVE, type=1)
    old.restrictions.add(state=pb.RESTRICTION_STATE_RELEASED, type=2)
    new = rules.successor(old)
    assert (new.name, new.version, new.routing_number) == ("", 0, "")
    assert (new.branch, new.open_date, new.replaces) == ("NORTH", "2020-01-01", "accounts/a")
    assert [each.party_id for each in new.parties] == ["p"]
    assert [each.type for each in new.restrictions] == [1]


def test_the_old_number_says_where_its_business_went():
    old, new = account(), Account(name="accounts/b", routing_number="021000021", account_type=2)
    rules.replace(old, new, Replacement(reason=1, valid_to="2027-06-15"), TODAY)
    assert old.replacement == Replacement(
        account="accounts/b",
        routing_number="021000021",
        account_type=2,
        reason=1,
        effective_date="2026-06-15",
        valid_to="2027-06-15",
    )
    assert old.state == CLOSED
    assert refusal(FailedPrecondition, lambda: rules.reopen(old, "X", TODAY)) == "INVARIANT"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (Replacement(effective_date="2026-06-16"), "INVALID_DATE"),
        (Replacement(valid_to="2026-06-14"), "INVALID_PERIOD"),
        (Replacement(effective_date="2026-01-02", valid_to="2026-01-01"), "INVALID_PERIOD"),
    ],
)
def test_terms_of_a_renumbering_have_a_period(terms, reason):
    run = lambda: rules.replace(account(), Account(), terms, TODAY)  # noqa: E731 - one use
    assert refusal(InvalidArgument, run) == reason


def placed(it, given=None, by="ann"):
    restrictions.place(it, given or AccountRestriction(type=1), by, NOW)
    return it.restrictions[-1].restriction_id


def test_who_placed_a_restriction_does_not_release_it():
    it = account()
    id_ = placed(it)

    def release(by, **how):
        restrictions.release(it, id_, by, NOW, **({"override": False} | how))

    assert refusal(FailedPrecondition, lambda: release("ann")) == "INVARIANT"
    release("bob")
    released = it.restrictions[0]
    assert (released.placed_by, released.released_by) == ("ann", "bob")
    assert released.state == pb.RESTRICTION_STATE_RELEASED
    assert released.release_time.ToDatetime(UTC) == NOW
    assert refusal(FailedPrecondition, lambda: release("bob")) == "ILLEGAL_TRANSITION"


def test_an_override_lets_one_identity_play_both_parts():
    it = account()
    restrictions.release(it, placed(it), "ann", NOW, override=True)
    assert it.restrictions[0].state == pb.RESTRICTION_STATE_RELEASED


def test_an_unknown_restriction_is_not_found():
    run = lambda: restrictions.release(account(), "x", "bob", NOW, override=False)  # noqa: E731
    assert refusal(NotFound, run) == "NOT_FOUND"


def restriction(kind=1, scope=None, **fields):
    return AccountRestriction(type=kind, scope=scope, **fields)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (restriction(8), "restriction.scope.company_ids"),
        (restriction(13), "restriction.amount"),
        (restriction(13, amount={"currency_code": "USD", "units": -1}), "restriction.amount.units"),
        (restriction(9, {"sec_codes": ["PPD", "XYZ"]}), "restriction.scope.sec_codes[1]"),
        (restriction(9, {"company_ids": [" "]}), "restriction.scope.company_ids[0]"),
        (restriction(9, {"amount_min_minor": -1}), "restriction.scope.amount_min_minor"),
        (
            restriction(9, {"amount_min_minor": 5, "amount_max_minor": 4}),
            "restriction.scope.amount_max_minor",
        ),
        (restriction(9, {"trace_number": "12"}), "restriction.scope.trace_number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_restriction_says_what_its_type_needs(given, field):
    with pytest.raises(InvalidArgument) as refused:
        restrictions.place(account(), given, "ann", NOW)
    assert refused.value.field == field


def test_a_restriction_in_force_from_now_on_does_not_end_before():
    it = account()
    placed(it)
    assert it.restrictions[0].effective_time.ToDatetime(UTC) == NOW
    late = AccountRestriction(type=1)
    late.expire_time.FromDatetime(NOW - timedelta(microseconds=1))
    assert refusal(InvalidArgument, lambda: placed(it, late)) == "INVALID_PERIOD"


def test_released_restrictions_make_room_and_active_ones_do_not():
    it = account()
    ids = [placed(it) for _ in range(32)]
    assert refusal(FailedPrecondition, lambda: placed(it)) == "LIMIT_REACHED"
    it.restrictions.pop()
    for days, id_ in ((2, ids[4]), (1, ids[8])):
        restrictions.release(it, id_, "bob", NOW + timedelta(days=days), override=False)
    placed(it)
    kept = {one.restriction_id for one in it.restrictions}
    assert len(it.restrictions) == 32
    assert ids[8] not in kept
    assert ids[4] in kept
