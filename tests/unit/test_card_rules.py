from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from opencif.v1 import card_pb2 as pb
from opencif.v1.card_pb2 import Card, CardToken
from server import card_rules as rules
from server import card_token_rules as tokens
from server.card_numbers import CardNumbers
from server.errors import FailedPrecondition, InvalidArgument, NotFound
from tests.unit.keyrings import KEK, table
from tokenizer.formats import Tokens, is_pan
from tokenizer.identity import Identity
from tokenizer.keyring import Keyring, Purpose

TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
EVERY_STATE = [state for state in pb.CardState.values() if 0 < state < 99]
(
    ORDERED, ISSUED, ACTIVE, BLOCKED, LOST, STOLEN, COMPROMISED, DAMAGED, EXPIRED, REPLACED, CLOSED,
) = EVERY_STATE  # fmt: skip
IN_HAND = (ISSUED, ACTIVE, BLOCKED)
OUT = (LOST, STOLEN, COMPROMISED, DAMAGED, EXPIRED)

INACTIVE, TOKEN_ACTIVE, SUSPENDED, DEACTIVATED = 1, 2, 3, 4


def card(state=ACTIVE, *token_states, **fields):
    fields.setdefault("expiry", "2026-06")
    made = Card(name="cards/old", state=state, **fields)
    for number, token_state in enumerate(token_states):
        made.card_tokens.add(token_id=f"t{number}", state=token_state)
        if token_state != DEACTIVATED:
            made.dpans.add(token_id=f"t{number}", dpan=f"dpan {number}")
    return made


def states(of):
    return [token.state for token in of.card_tokens]


def refusal(error, run):
    with pytest.raises(error) as refused:
        run()
    return refused.value.reason


def expire_later(it):
    rules.expire(it, 0, date(2026, 7, 1))


TRANSITIONS = {
    "activate": (lambda it: rules.activate(it, 0, NOW), {ORDERED: ACTIVE, ISSUED: ACTIVE}),
    "block": (lambda it: rules.block(it, 0), {ACTIVE: BLOCKED}),
    "unblock": (lambda it: rules.unblock(it, 0), {BLOCKED: ACTIVE}),
    "lost": (lambda it: rules.report(it, LOST, 0), dict.fromkeys(IN_HAND, LOST)),
    "stolen": (lambda it: rules.report(it, STOLEN, 0), dict.fromkeys(IN_HAND, STOLEN)),
    "compromised": (
        lambda it: rules.report(it, COMPROMISED, 0),
        dict.fromkeys(IN_HAND, COMPROMISED),
    ),
    "damaged": (lambda it: rules.report(it, DAMAGED, 0), dict.fromkeys(IN_HAND, DAMAGED)),
    "expire": (expire_later, {ACTIVE: EXPIRED, BLOCKED: EXPIRED}),
    "replace": (lambda it: rules.replace(it, Card(name="cards/new")), dict.fromkeys(OUT, REPLACED)),
    "close": (lambda it: rules.close(it, 0), dict.fromkeys((ORDERED, *IN_HAND, *OUT), CLOSED)),
}


@pytest.mark.parametrize("state", EVERY_STATE, ids=pb.CardState.Name)
@pytest.mark.parametrize("name", TRANSITIONS)
def test_only_the_transitions_of_the_state_machine_are_legal(name, state):
    rule, legal = TRANSITIONS[name]
    it = card(state)
    if state in legal:
        rule(it)
        assert it.state == legal[state]
    else:
        assert refusal(FailedPrecondition, lambda: rule(it)) == "ILLEGAL_TRANSITION"


def test_a_card_expires_when_its_month_is_over_not_before():
    it = card()
    assert refusal(FailedPrecondition, lambda: rules.expire(it, 0, date(2026, 6, 30))) == (
        "ILLEGAL_TRANSITION"
    )
    rules.expire(it, 0, date(2026, 7, 1))
    assert it.state_reason == pb.CARD_STATE_REASON_EXPIRED


def test_a_card_whose_month_is_over_is_not_activated():
    it = card(ISSUED, expiry="2026-05")
    assert refusal(FailedPrecondition, lambda: rules.activate(it, 0, NOW)) == "INVARIANT"


def test_the_reason_is_the_callers_or_the_states_own():
    it = card()
    rules.report(it, STOLEN, 0)
    assert it.state_reason == pb.CARD_STATE_REASON_STOLEN
    it = card()
    rules.report(it, STOLEN, pb.CARD_STATE_REASON_NOT_RECEIVED)
    assert it.state_reason == pb.CARD_STATE_REASON_NOT_RECEIVED
    it = card(BLOCKED, state_reason=pb.CARD_STATE_REASON_SUSPICIOUS_ACTIVITY)
    rules.unblock(it, 0)
    assert it.state_reason == pb.CARD_STATE_REASON_UNSPECIFIED


def test_times_follow_the_states():
    it = Card(expiry="2026-06")
    rules.issue(it, NOW, order_only=True)
    assert not it.HasField("issue_time")
    rules.activate(it, 0, NOW)
    assert it.issue_time == it.activate_time
    assert it.activate_time.ToDatetime(UTC) == NOW


def check(it):
    rules.check_form(it)
    rules.check_expiry(it, TODAY)


def new_card(**fields):
    fields = {"expiry": "2026-06", "card_type": pb.CARD_TYPE_CREDIT} | fields
    return Card(**fields)


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"expiry": "2026-05"}, "INVALID_DATE", "card.expiry"),
        ({"psn": -1}, "MALFORMED", "card.psn"),
        ({"psn": 100}, "MALFORMED", "card.psn"),
        ({"par": "V" * 28}, "MALFORMED", "card.par"),
        ({"par": "v" * 29}, "MALFORMED", "card.par"),
        ({"card_type": pb.CARD_TYPE_DEBIT}, "REQUIRED", "card.accounts"),
        ({"card_type": pb.CARD_TYPE_ATM}, "REQUIRED", "card.accounts"),
        (
            {"accounts": [{"account": "a", "role": 2}, {"account": "a", "role": 3}]},
            "MALFORMED",
            "card.accounts[1].account",
        ),
        (
            {"accounts": [{"account": "a"}, {"account": "b", "role": 1}]},
            "MALFORMED",
            "card.accounts",
        ),
    ],
)
def test_a_card_is_issued_in_form(fields, reason, field):
    with pytest.raises(InvalidArgument) as refused:
        held_to_form(new_card(**fields))
    assert (refused.value.reason, refused.value.field) == (reason, field)


def held_to_form(card):
    rules.check_form(card)
    rules.check_expiry(card, TODAY)


def test_a_card_in_form_passes():
    held_to_form(new_card(psn=99, par="V0010" + "A" * 24))
    held_to_form(new_card(card_type=1, accounts=[{"account": "a"}]))


@pytest.mark.parametrize(
    ("pan", "network"),
    [
        ("4111111111111111", pb.CARD_NETWORK_VISA),
        ("5555555555554444", pb.CARD_NETWORK_MASTERCARD),
        ("2223003122003222", pb.CARD_NETWORK_MASTERCARD),
        ("378282246310005", pb.CARD_NETWORK_AMEX),
        ("6011111111111117", pb.CARD_NETWORK_DISCOVER),
        ("6510000000000000", pb.CARD_NETWORK_DISCOVER),
        ("3530111333300000", pb.CARD_NETWORK_JCB),
        ("6200000000000005", pb.CARD_NETWORK_UNIONPAY),
        ("30569309025904", pb.CARD_NETWORK_DINERS),
        ("6759649826438453", pb.CARD_NETWORK_MAESTRO),
        ("9999999999999995", pb.CARD_NETWORK_OTHER),
        ("2721000000000000", pb.CARD_NETWORK_OTHER),
    ],
)
def test_the_scheme_is_told_from_the_first_digits(pan, network):
    assert rules.network_of(pan) == network


def test_blocking_suspends_active_tokens_and_unblocking_resumes_only_those():
    it = card(ACTIVE, TOKEN_ACTIVE, INACTIVE, SUSPENDED, DEACTIVATED)
    it.card_tokens[2].suspended_by = pb.TOKEN_SUSPENDED_BY_CARDHOLDER
    rules.block(it, 0)
    assert states(it) == [SUSPENDED, INACTIVE, SUSPENDED, DEACTIVATED]
    assert it.card_tokens[0].suspended_by == pb.TOKEN_SUSPENDED_BY_CARD_BLOCKED
    rules.unblock(it, 0)
    assert states(it) == [TOKEN_ACTIVE, INACTIVE, SUSPENDED, DEACTIVATED]
    assert it.card_tokens[0].suspended_by == pb.TOKEN_SUSPENDED_BY_UNSPECIFIED


@pytest.mark.parametrize("state", [LOST, STOLEN])
def test_a_lost_cards_tokens_stay_as_they_are(state):
    it = card(ACTIVE, TOKEN_ACTIVE, INACTIVE)
    rules.report(it, state, 0)
    assert states(it) == [TOKEN_ACTIVE, INACTIVE]
    assert len(it.dpans) == 2


def test_closing_deactivates_every_token_and_forgets_their_numbers():
    it = card(BLOCKED, SUSPENDED, INACTIVE, DEACTIVATED)
    rules.close(it, 0)
    assert states(it) == [DEACTIVATED] * 3
    assert not it.dpans


def test_a_replacement_takes_the_tokens_along():
    old = card(ACTIVE, TOKEN_ACTIVE, DEACTIVATED, cardholder="customers/c", par="P", branch="N")
    old.accounts.add(account="accounts/a")
    rules.block(old, 0)
    rules.report(old, LOST, 0)
    new = rules.successor(old, "2030-01", 0, TODAY)
    assert (new.cardholder, new.par, new.branch, new.replaces) == (
        "customers/c", "P", "N", "cards/old",
    )  # fmt: skip
    blank = Card()
    for field in ("name", "state_reason", "card_tokens", "dpans", "tokens"):
        assert getattr(new, field) == getattr(blank, field)
    new.name = "cards/new"
    rules.replace(old, new)
    assert (old.state, old.replaced_by) == (REPLACED, "cards/new")
    assert states(old) == [DEACTIVATED]
    assert not old.dpans
    assert states(new) == [TOKEN_ACTIVE]  # the new card is not blocked
    assert [value.dpan for value in new.dpans] == ["dpan 0"]


def test_a_replacement_lasts_and_may_be_made_of_something_else():
    old = card(LOST, form=pb.CARD_FORM_PHYSICAL)
    assert rules.successor(old, "2030-01", pb.CARD_FORM_VIRTUAL, TODAY).form == (
        pb.CARD_FORM_VIRTUAL
    )
    assert rules.successor(old, "2030-01", 0, TODAY).form == pb.CARD_FORM_PHYSICAL
    run = lambda: rules.successor(old, "2026-05", 0, TODAY)  # noqa: E731 - one use
    assert refusal(InvalidArgument, run) == "INVALID_DATE"


NOBODY = pb.TOKEN_SUSPENDED_BY_UNSPECIFIED
TOKEN_TRANSITIONS = {
    "activate": (lambda it: tokens.activate(it, "t0"), {INACTIVE: TOKEN_ACTIVE}),
    "suspend": (lambda it: tokens.suspend(it, "t0", NOBODY), {TOKEN_ACTIVE: SUSPENDED}),
    "resume": (lambda it: tokens.resume(it, "t0"), {SUSPENDED: TOKEN_ACTIVE}),
    "deactivate": (
        lambda it: tokens.deactivate(it, "t0"),
        dict.fromkeys((INACTIVE, TOKEN_ACTIVE, SUSPENDED), DEACTIVATED),
    ),
}


@pytest.mark.parametrize("state", [INACTIVE, TOKEN_ACTIVE, SUSPENDED, DEACTIVATED])
@pytest.mark.parametrize("name", TOKEN_TRANSITIONS)
def test_only_the_transitions_of_a_tokens_state_machine_are_legal(name, state):
    rule, legal = TOKEN_TRANSITIONS[name]
    it = card(ACTIVE, state)
    if state in legal:
        rule(it)
        assert states(it) == [legal[state]]
    else:
        assert refusal(FailedPrecondition, lambda: rule(it)) == "ILLEGAL_TRANSITION"
    assert refusal(NotFound, lambda: rule(card(ACTIVE))) == "NOT_FOUND"


def test_a_blocked_cards_tokens_are_not_resumed_one_by_one():
    it = card(BLOCKED, SUSPENDED)
    assert refusal(FailedPrecondition, lambda: tokens.resume(it, "t0")) == "ILLEGAL_TRANSITION"


def test_nobody_but_the_card_suspends_for_the_cards_sake():
    it = card(ACTIVE, TOKEN_ACTIVE)
    run = lambda: tokens.suspend(it, "t0", pb.TOKEN_SUSPENDED_BY_CARD_BLOCKED)  # noqa: E731
    assert refusal(InvalidArgument, run) == "MALFORMED"
    tokens.suspend(it, "t0", 0)
    assert it.card_tokens[0].suspended_by == pb.TOKEN_SUSPENDED_BY_ISSUER


@pytest.mark.parametrize("state", EVERY_STATE, ids=pb.CardState.Name)
def test_tokens_are_provisioned_on_cards_in_use(state):
    it = card(state)

    def add():
        return tokens.provision(it, CardToken(), "4111111111111111", activated=False)

    if state in (ISSUED, ACTIVE):
        token = add()
        assert (token.state, token.dpan_last4, token.dpan) == (INACTIVE, "1111", "")
        assert tokens.dpan_of(it, token.token_id) == "4111111111111111"
    else:
        assert refusal(FailedPrecondition, add) == "ILLEGAL_TRANSITION"


@pytest.mark.parametrize(
    "given_token",
    [CardToken(token_requestor_id="1234567890"), CardToken(token_requestor_id="1234567890x"),
     CardToken(assurance=100), CardToken(assurance=-1)],
)  # fmt: skip
def test_a_token_is_provisioned_in_form(given_token):
    with pytest.raises(InvalidArgument) as refused:
        tokens.provision(card(), given_token, "4111111111111111", activated=True)
    assert refused.value.reason == "MALFORMED"


def test_deactivated_tokens_make_room_and_others_do_not():
    def add(it):
        tokens.provision(it, CardToken(), "4111111111111111", activated=True)

    full = card(ACTIVE, *[TOKEN_ACTIVE] * 64)
    assert refusal(FailedPrecondition, lambda: add(full)) == "LIMIT_REACHED"
    it = card(ACTIVE, *[TOKEN_ACTIVE] * 10, DEACTIVATED, *[TOKEN_ACTIVE] * 52, DEACTIVATED)
    add(it)
    assert len(it.card_tokens) == 64
    assert "t10" not in {token.token_id for token in it.card_tokens}
    assert "t63" in {token.token_id for token in it.card_tokens}


def numbers(*rotated):
    keys = table()
    for purpose in rotated:
        keys = keys.with_new_generation(purpose, KEK)
    keyring = Keyring.open(KEK, keys)
    return CardNumbers(Identity(keyring), Tokens(keyring))


@pytest.mark.parametrize(
    ("pan", "bin_", "length"),
    [("4111 1111-1111 1111", "41111111", 16), ("378282246310005", "378282", 15)],
)
def test_what_is_shown_of_a_number(pan, bin_, length):
    it, made = Card(), numbers()
    made.stamp(it, made.key(pan, "card.pan"))
    assert (it.bin, it.pan_length, it.last4) == (bin_, length, it.pan[-4:])
    assert it.network in (pb.CARD_NETWORK_VISA, pb.CARD_NETWORK_AMEX)


def test_a_network_that_is_given_stays():
    it, made = Card(network=pb.CARD_NETWORK_MAESTRO), numbers()
    made.stamp(it, made.key("4111111111111111", "card.pan"))
    assert it.network == pb.CARD_NETWORK_MAESTRO


def test_every_live_generation_has_an_id_and_a_token():
    it, made = Card(), numbers(Purpose.IDENTITY, Purpose.TOKEN_PAN)
    key = made.key("4111111111111111", "card.pan")
    made.stamp(it, key)
    assert [id_[0] for id_ in key.ids] == [2, 1]
    assert [token.key_version for token in it.tokens] == [2, 1]
    assert len({token.value for token in it.tokens}) == 2
    assert all(token.value.endswith("1111") and not is_pan(token.value) for token in it.tokens)
    assert [lookup[0] for lookup in made.dpan_keys(key.pan)] == [2, 1]
    assert "4111" not in repr(key)


@given(st.text(alphabet="0123456789 -x", max_size=24))
def test_what_is_no_card_number_is_refused_by_its_field(text):
    assume(not is_pan(text.replace(" ", "").replace("-", "")))
    with pytest.raises(InvalidArgument) as refused:
        ONCE.key(text, "new_pan")
    assert refused.value.field == "new_pan"
    assert refused.value.reason in {"REQUIRED", "MALFORMED", "CHECK_DIGIT"}


ONCE = numbers()
