"""What a period of days is, at its edges: the first day and the last one belong to it."""

from datetime import date

import pytest

from opencif.v1.customer_pb2 import Address
from server import periods
from server.errors import InvalidArgument

TODAY = date(2026, 3, 10)


def address(valid_from: str, valid_to: str = "") -> Address:
    return Address(valid_from=valid_from, valid_to=valid_to)


@pytest.mark.parametrize(
    ("day", "valid"),
    [("2026-03-01", False), ("2026-03-02", True), ("2026-03-09", True), ("2026-03-10", False)],
)
def test_both_ends_are_days_of_the_period(day: str, valid: bool) -> None:
    assert periods.is_valid_on(address("2026-03-02", "2026-03-09"), day) is valid


def test_what_has_no_end_is_valid_for_ever() -> None:
    assert periods.is_valid_on(address("2026-03-02"), periods.LAST_DAY)
    assert periods.of(address("2026-03-02")) == ("2026-03-02", periods.LAST_DAY)


def test_periods_that_share_a_day_overlap_on_it() -> None:
    early, late = (
        periods.Period("2026-01-01", "2026-03-02"),
        periods.Period("2026-03-02", "2026-04"),
    )
    assert early.overlap(late) == late.overlap(early) == ("2026-03-02", "2026-03-02")
    assert early.overlap(periods.Period("2026-03-03", periods.LAST_DAY)) is None


def test_a_period_does_not_end_before_it_begins() -> None:
    periods.check(address("2026-03-02", "2026-03-02"), "address.valid_to")
    with pytest.raises(InvalidArgument) as caught:
        periods.check(address("2026-03-02", "2026-03-01"), "address.valid_to")
    assert (caught.value.reason, caught.value.field) == ("INVALID_PERIOD", "address.valid_to")


@pytest.mark.parametrize(
    ("it", "end_date", "last"),
    [
        (address("2026-01-01"), "", "2026-03-10"),  # today
        (address("2026-01-01"), "2026-02-01", "2026-02-01"),
        (address("2026-01-01"), "2026-01-01", "2026-01-01"),
        (address("2026-01-01", "2026-02-01"), "", "2026-02-01"),  # over already: it stays so
        (address("2026-01-01", "2026-02-01"), "2026-02-01", "2026-02-01"),
        (address("2026-04-01"), "", "2026-04-01"),  # not yet begun
    ],
)
def test_a_period_ends_within_itself(it: Address, end_date: str, last: str) -> None:
    ended = Address()
    ended.CopyFrom(it)
    periods.end(ended, end_date, TODAY)
    assert (ended.valid_from, ended.valid_to) == (it.valid_from, last)


@pytest.mark.parametrize(
    ("it", "end_date"),
    [
        (address("2026-01-02"), "2026-01-01"),
        (address("2026-01-01", "2026-02-01"), "2026-02-02"),
    ],
)
def test_a_day_outside_of_the_period_does_not_end_it(it: Address, end_date: str) -> None:
    with pytest.raises(InvalidArgument, match="INVALID_PERIOD"):
        periods.end(it, end_date, TODAY)
