"""Large sample files: clean to read, every account in them, as many exceptions as asked for."""

from collections import Counter

import pytest

from loadtests.sample_bank import SampleBank
from loadtests.sample_large import ENTRIES_MIN, LargeFile
from loadtests.sample_numbers import MAIN
from loadtests.sample_plain import account_numbers
from opencif.nacha import Entry, FileControl, Finding, read

ENTRIES, PLAIN = 4_000, 1_500
PLANTED = {"CHECK_DIGIT", "TRANSACTION_CODE"}


@pytest.fixture(scope="module")
def bank() -> SampleBank:
    return SampleBank(600)


@pytest.mark.parametrize("plain_accounts", [0, PLAIN])
def test_a_large_file_reads_clean_but_for_what_was_planted(
    bank: SampleBank, plain_accounts: int
) -> None:
    file = LargeFile(bank, ENTRIES, plain_accounts=plain_accounts)
    events = list(read(file.chunks()))
    assert {e.code.value for e in events if isinstance(e, Finding)} <= PLANTED
    entries = [e for e in events if isinstance(e, Entry)]
    control = next(e for e in events if isinstance(e, FileControl))
    assert len(entries) == control.entry_addenda_count == ENTRIES == file.earned.total()
    assert 0.02 < 1 - file.earned["POST"] / ENTRIES < 0.04
    assert not any(entry.addenda for entry in entries)
    assert len({entry.trace_number for entry in entries}) == ENTRIES


def test_every_account_comes_and_few_come_often(bank: SampleBank) -> None:
    file = LargeFile(bank, ENTRIES, plain_accounts=PLAIN, exceptions_percent=0)
    entries = [e for e in read(file.chunks()) if isinstance(e, Entry)]
    numbers = Counter(e.account_number for e in entries if e.routing_number == MAIN)
    plain = {bytes(row).decode() for row in account_numbers(0, PLAIN)}
    assert plain <= numbers.keys()
    assert max(numbers.values()) > 50
    assert file.earned == {"POST": ENTRIES}


def test_the_same_seed_gives_the_same_file(bank: SampleBank) -> None:
    first, second = (b"".join(LargeFile(bank, ENTRIES_MIN).chunks()) for _ in range(2))
    assert first == second
    assert first != b"".join(LargeFile(bank, ENTRIES_MIN, seed=1).chunks())


def test_too_small_is_refused(bank: SampleBank) -> None:
    with pytest.raises(ValueError, match="at least"):
        LargeFile(bank, ENTRIES_MIN - 1)
