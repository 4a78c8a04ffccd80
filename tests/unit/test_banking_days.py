"""Banking days against published Federal Reserve holiday schedules."""

from datetime import date

import pytest

from server.banking_days import add_banking_days, holidays, is_banking_day, on_or_before

PUBLISHED = {  # frbservices.org, holiday schedules; what falls on a Saturday is not kept
    2021: "01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25",
    2022: "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26",
    2026: "01-01 01-19 02-16 05-25 06-19 09-07 10-12 11-11 11-26 12-25",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_holidays_are_the_published_ones(year: int) -> None:
    expected = {date.fromisoformat(f"{year}-{day}") for day in PUBLISHED[year].split()}
    assert {day for day in holidays(year) if day.weekday() < 5} == expected


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-11-23", 2, "2026-11-25"),
        ("2026-11-25", 2, "2026-11-30"),  # Thanksgiving and a weekend between
        ("2026-07-02", 1, "2026-07-03"),  # Saturday's holiday leaves the Friday open
        ("2026-12-31", 2, "2027-01-05"),
        ("2026-11-28", 2, "2026-12-01"),  # from a Saturday
    ],
)
def test_counting_skips_weekends_and_holidays(day: str, count: int, expected: str) -> None:
    assert add_banking_days(date.fromisoformat(day), count) == date.fromisoformat(expected)


def test_a_closed_day_leads_back_to_the_last_open_one() -> None:
    assert not is_banking_day(date(2026, 11, 26))
    assert on_or_before(date(2026, 11, 26)) == date(2026, 11, 25)
    assert on_or_before(date(2026, 11, 29)) == date(2026, 11, 27)
