"""What `load --from-ach` makes of a file: accounts once, owners first, outcomes as planted."""

from collections import Counter

import pytest

from opencif.commands.from_ach import Outcome, Plan
from opencif.nacha import BatchHeader, Entry, compose, make_entry, read
from opencif.v1 import account_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.import_pb2 import ImportRecord
from tests.unit.nacha_samples import HEADER, ROUTING, SEC_CODES, batch_header, sample


def payroll(
    numbers: list[str], code: int = 22, names: int = 50, header: BatchHeader | None = None
) -> bytes:
    """A file of one entry for each number, PPD unless the header says."""
    header = header or batch_header("PPD", service_class=220 if code % 10 < 5 else 225)
    entries = (
        make_entry(
            header,
            index,
            transaction_code=code,
            routing_number=ROUTING,
            account_number=number,
            amount=100,
            individual_name=f"JANE EXAMPLE{index % names}",
        )
        for index, number in enumerate(numbers, 1)
    )
    return b"".join(compose(HEADER, [(header, entries)]))


def loaded(plan: Plan, *files: bytes) -> list[ImportRecord]:
    return [record for file in files for record in plan.records(read([file]))]


def accounts(records: list[ImportRecord]) -> list[Account]:
    return [record.account for record in records if record.HasField("account")]


NUMBERS = [f"{10_000_000 + index % 2_000}" for index in range(5_000)]


def test_each_account_is_made_once_after_its_owner() -> None:
    plan = Plan()
    records = loaded(plan, payroll(NUMBERS))
    made = accounts(records)
    assert len(made) == len({account.account_number for account in made}) == 2_000
    known: set[str] = set()
    for record in records:
        known.add(record.customer.name)
        assert {party.customer for party in record.account.parties} <= known
    assert plan.entries == Counter(POST=5_000)
    assert plan.routing_numbers == {ROUTING}


def test_a_seed_decides_everything() -> None:
    def of(seed: int) -> list[bytes]:
        records = loaded(Plan(seed=seed, planted_percent=20), payroll(NUMBERS))
        return [record.SerializeToString(deterministic=True) for record in records]

    assert of(1) == of(1)
    assert of(1) != of(2)


def test_what_is_planted_is_what_is_told() -> None:
    plan = Plan(seed=3, planted_percent=30)
    records = loaded(plan, payroll(NUMBERS))
    by_number = {account.account_number: account for account in accounts(records)}
    earned = Counter(_earned(by_number.get(number)) for number in NUMBERS)
    assert earned == plan.entries
    assert set(plan.accounts) == {outcome.name for outcome in Outcome}
    planted = sum(plan.accounts.values()) - plan.accounts["POST"]
    assert 0.25 < planted / 2_000 < 0.35
    assert sum(plan.accounts.values()) == 2_000


def _earned(account: Account | None) -> str:
    """The decision table's first rows, told from the record alone."""
    if account is None:
        return "R03"
    if account.state == account_pb2.ACCOUNT_STATE_CLOSED:
        return "R02"
    if account.parties[0].deceased_date:
        return "R15"
    if account.account_type == account_pb2.ACCOUNT_TYPE_TIME_DEPOSIT:
        return "R20"
    for restriction in account.restrictions:
        is_fraud = restriction.type == account_pb2.RESTRICTION_TYPE_FRAUD_FREEZE
        return "REVIEW" if is_fraud else "R16"
    return "POST" if account.account_type == account_pb2.ACCOUNT_TYPE_CHECKING else "C05"


def test_a_payment_that_names_no_payee_goes_back_after_the_other_returns() -> None:
    named, nameless = Plan(seed=3, planted_percent=30), Plan(seed=3, planted_percent=30)
    loaded(named, payroll(NUMBERS, header=batch_header("CIE")))
    loaded(nameless, payroll(NUMBERS, header=batch_header("CIE", company_id="")))
    held_back = sum(named.entries.pop(code) for code in ("POST", "C05", "REVIEW"))
    assert nameless.entries == named.entries | {"R21": held_back}


def test_a_planted_death_is_nobody_elses() -> None:
    plan = Plan(seed=3, planted_percent=50)
    records = loaded(plan, payroll(NUMBERS, names=1))
    dead = {r.customer.name for r in records if r.customer.deceased_date}
    held = Counter(account.parties[0].customer for account in accounts(records))
    assert len(dead) == plan.accounts["DECEASED"]
    assert all(held[customer] == 1 for customer in dead)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (22, account_pb2.ACCOUNT_TYPE_CHECKING),
        (37, account_pb2.ACCOUNT_TYPE_SAVINGS),
        (42, account_pb2.ACCOUNT_TYPE_GL),
        (52, account_pb2.ACCOUNT_TYPE_LOAN),
    ],
)
def test_the_transaction_code_says_the_type(code: int, kind: int) -> None:
    (account,) = accounts(loaded(Plan(), payroll(["123"], code)))
    assert account.account_type == kind


def test_an_account_used_as_two_types_earns_a_correction() -> None:
    plan = Plan()
    loaded(plan, payroll(["123"], 22), payroll(["123"], 32))
    assert plan.entries == Counter(POST=1, C05=1)


@pytest.mark.parametrize(
    ("number", "code"), [("12-34 5", "POST"), ("abc", "POST"), ("12/34", "R04"), ("", "R04")]
)
def test_numbers_are_taken_in_their_written_form(number: str, code: str) -> None:
    plan = Plan()
    made = accounts(loaded(plan, payroll([number, number])))
    assert [account.account_number for account in made] == (
        [number.replace("-", "").replace(" ", "").upper()] if code == "POST" else []
    )
    assert plan.entries == Counter({code: 2})


def test_every_sec_code_is_taken() -> None:
    plan = Plan()
    data = sample(*SEC_CODES)
    records = loaded(plan, data)
    entries = [event for event in read([data]) if isinstance(event, Entry)]
    assert sum(plan.entries.values()) == len(entries)
    assert plan.entries["REVIEW"] == 6, "advices and notifications of change answer our own entries"
    assert len(accounts(records)) == 1


def test_what_is_told_holds_no_number() -> None:
    plan = Plan(planted_percent=10)
    loaded(plan, payroll(NUMBERS))
    assert not any(number in str(plan.as_json()) for number in NUMBERS)
