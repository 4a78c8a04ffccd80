"""Days on which the Federal Reserve Banks settle, computed for any year; knows nothing of payments.

The rule of the Federal Reserve's holiday schedule (frbservices.org): eleven holidays; one that
falls on a Sunday is kept on the Monday after it, one that falls on a Saturday is not kept.
"""

from datetime import date, timedelta
from functools import lru_cache

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
_FIXED = ((1, 1), (7, 4), (11, 11), (12, 25))  # New Year, Independence, Veterans, Christmas
_JUNETEENTH, _JUNETEENTH_SINCE = (6, 19), 2022
_NTH_WEEKDAY = (
    (1, _MONDAY, 3),  # Martin Luther King
    (2, _MONDAY, 3),  # Washington
    (9, _MONDAY, 1),  # Labor Day
    (10, _MONDAY, 2),  # Columbus
    (11, _THURSDAY, 4),  # Thanksgiving
)
_DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def holidays(year: int) -> frozenset[date]:
    """The days of a year on which the Federal Reserve Banks are closed, weekends aside."""
    fixed = [*_FIXED, _JUNETEENTH] if year >= _JUNETEENTH_SINCE else [*_FIXED]
    days = {_observed(date(year, month, day)) for month, day in fixed}
    days |= {_nth(year, month, weekday, nth) for month, weekday, nth in _NTH_WEEKDAY}
    days.add(_nth(year, 6, _MONDAY, 1) - 7 * _DAY)  # Memorial Day: the last Monday of May
    return frozenset(days)


def is_banking_day(day: date) -> bool:
    """Whether the Federal Reserve Banks settle on this day."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year)


def add_banking_days(day: date, count: int) -> date:
    """The `count`th banking day after `day`, which need not be one itself."""
    while count:
        day += _DAY
        count -= is_banking_day(day)
    return day


def on_or_before(day: date) -> date:
    """The last banking day that is not after `day`."""
    while not is_banking_day(day):
        day -= _DAY
    return day


def _observed(day: date) -> date:
    return day + _DAY if day.weekday() == _SUNDAY else day


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
