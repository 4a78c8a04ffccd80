"""Periods of days, YYYY-MM-DD, which order as text; a period includes its last day.

Pure; knows the two fields that whatever has a period has, and nothing else of it.
"""

from datetime import date
from typing import Final, NamedTuple, Protocol

from server.errors import InvalidArgument

__all__ = ["LAST_DAY", "Dated", "Period", "check", "end", "is_valid_on", "of"]

LAST_DAY: Final = "9999-12-31"  # of what has no end


class Dated(Protocol):
    """A message with a period; it has no end where `valid_to` is empty."""

    valid_from: str
    valid_to: str


class Period(NamedTuple):
    """From the first day to the last."""

    first: str
    last: str

    def overlap(self, other: "Period") -> "Period | None":
        """The days of both; None when there is none."""
        both = Period(max(self.first, other.first), min(self.last, other.last))
        return both if both.first <= both.last else None


def of(dated: Dated) -> Period:
    """The period of a message."""
    return Period(dated.valid_from, dated.valid_to or LAST_DAY)


def is_valid_on(dated: Dated, day: str) -> bool:
    """Whether a day is within a message's period."""
    return dated.valid_from <= day <= (dated.valid_to or LAST_DAY)


def check(dated: Dated, field: str) -> None:
    """Raise InvalidArgument INVALID_PERIOD naming `field` where it ends before it begins."""
    if dated.valid_to and dated.valid_to < dated.valid_from:
        raise InvalidArgument("INVALID_PERIOD", field)


def end(dated: Dated, end_date: str, today: date) -> None:
    """End a period on a day, today when empty; one that has not begun yet, on its first day.

    Raises InvalidArgument INVALID_PERIOD for a day that is not in the period.
    """
    day = end_date or max(today.isoformat(), dated.valid_from)
    last = dated.valid_to or LAST_DAY
    if day < dated.valid_from or (end_date and day > last):
        raise InvalidArgument("INVALID_PERIOD", "end_date")
    dated.valid_to = min(day, last)
