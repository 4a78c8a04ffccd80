"""Plain accounts for measuring at size: the same for the same seed, well-formed, nobody else's."""

from itertools import chain

import pytest

from loadtests.sample_bank import SampleBank
from loadtests.sample_numbers import account_number
from loadtests.sample_plain import (
    ACCOUNTS_MAX,
    ROWS_A_MESSAGE,
    PlainBank,
    account_numbers,
    plain_key,
)
from opencif.v1.account_pb2 import Account
from opencif.v1.import_pb2 import ImportRecordsRequest
from server.validation import validate


def accounts(bank: PlainBank, first: int, end: int) -> list[Account]:
    requests = map(ImportRecordsRequest.FromString, bank.messages(first, end))
    return [record.account for record in chain.from_iterable(one.records for one in requests)]


def test_accounts_keep_to_the_contract_and_have_owners() -> None:
    bank = PlainBank(owners=30)
    owners = [record.customer for record in bank.owners()]
    made = accounts(bank, 0, 80)
    for message in [*owners, *made]:
        validate(message, keep_output_only=True)
    assert [account.parties[0].customer for account in made] == [
        owners[place // 2 % 30].name for place in range(80)
    ]
    assert len({account.branch for account in made}) == 24


def test_any_part_is_what_the_whole_has_there() -> None:
    bank, other = PlainBank(owners=30), PlainBank(owners=30)
    assert accounts(bank, 7, 50) == accounts(other, 0, 60)[7:50]
    assert [len(list(bank.messages(0, end))) for end in (0, 1, ROWS_A_MESSAGE, 8_001)] == [
        0, 1, 1, 3,
    ]  # fmt: skip
    assert accounts(bank, 0, 2) != accounts(PlainBank(owners=30, seed=1), 0, 2)


@pytest.mark.parametrize("first", [0, 12_345_678, ACCOUNTS_MAX - 500])
def test_numbers_are_those_of_the_main_routing_number(first: int) -> None:
    digits = account_numbers(first, first + 500)
    numbers = [bytes(row).decode() for row in digits]
    assert numbers == [account_number(100_000_000 + first + place) for place in range(500)]
    assert numbers[3] == plain_key(first + 3).number.account_number


def test_no_number_is_the_sample_banks() -> None:
    taken = {account.account_number for account in SampleBank(500).accounts()}
    assert not taken & {bytes(row).decode() for row in account_numbers(0, 5_000)}


def test_a_working_set_is_the_same_every_time_and_spread_over_all() -> None:
    bank = PlainBank(owners=2)
    keys = bank.working_set(10_000_000, 1_000)
    assert keys == bank.working_set(10_000_000, 1_000)
    assert len({key.number.account_number for key in keys}) == 1_000
    assert keys != PlainBank(owners=2, seed=1).working_set(10_000_000, 1_000)
