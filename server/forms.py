"""What a string of each Format looks like: one function a format, which answers a reason or None.

Knows nothing of messages or paths. Digits are ASCII 0-9 only.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from opencif.v1 import options_pb2
from server import names
from server.errors import InvalidArgument, reason_of
from server.iso import COUNTRIES, CURRENCIES
from tokenizer import normal

__all__ = ["FORMS", "Form"]

Form = Callable[[str], str | None]

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EAST: Final = timedelta(hours=14)  # where a day begins first (UTC+14)


def _matching(pattern: str) -> Form:
    matches = re.compile(pattern).fullmatch
    return lambda text: None if matches(text) else "MALFORMED"


def _among(codes: frozenset[str]) -> Form:
    return lambda text: None if text in codes else "MALFORMED"


def _normal(normalize: Callable[[str], str]) -> Form:
    def check(text: str) -> str | None:
        try:
            normalize(text)
        except normal.NotNormal as fault:
            return reason_of(fault)
        return None

    return check


def _name(kind: int) -> Form:
    def check(text: str) -> str | None:
        try:
            names.parse(kind, text)
        except InvalidArgument as fault:
            return fault.reason
        return None

    return check


def _date(text: str) -> str | None:
    if not _DATE.fullmatch(text):
        return "MALFORMED"
    try:
        date.fromisoformat(text)
    except ValueError:
        return "INVALID_DATE"
    return None


def _past_date(text: str) -> str | None:
    """Refuse a day that has begun nowhere on earth."""
    if reason := _date(text):
        return reason
    return "INVALID_DATE" if text > (datetime.now(UTC) + _EAST).date().isoformat() else None


def _month(text: str) -> str | None:
    return _date(f"{text}-01")


def _uuid(text: str) -> str | None:
    return None if names.is_uuid(text.lower()) else "MALFORMED"


FORMS: Final[dict[int, Form]] = {
    options_pb2.FORMAT_DATE: _date,
    options_pb2.FORMAT_MONTH: _month,
    options_pb2.FORMAT_COUNTRY: _among(COUNTRIES),
    options_pb2.FORMAT_CURRENCY: _among(CURRENCIES),
    options_pb2.FORMAT_ROUTING_NUMBER: _normal(normal.routing_number),
    options_pb2.FORMAT_CODE: _matching(r"(?!.*[0-9]{9})[A-Z0-9_]{1,64}"),
    options_pb2.FORMAT_UUID: _uuid,
    options_pb2.FORMAT_CUSTOMER_NAME: _name(options_pb2.RECORD_KIND_CUSTOMER),
    options_pb2.FORMAT_ACCOUNT_NAME: _name(options_pb2.RECORD_KIND_ACCOUNT),
    options_pb2.FORMAT_CARD_NAME: _name(options_pb2.RECORD_KIND_CARD),
    options_pb2.FORMAT_RELATIONSHIP_NAME: _name(options_pb2.RECORD_KIND_RELATIONSHIP),
    options_pb2.FORMAT_ACCOUNT_NUMBER: _normal(normal.account_number),
    options_pb2.FORMAT_PAN: _normal(normal.pan),
    options_pb2.FORMAT_IBAN: _normal(normal.iban),
    options_pb2.FORMAT_LOCALE: _matching(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}"),
    options_pb2.FORMAT_TIME_ZONE: _matching(r"[A-Za-z0-9_+\-]{1,32}(/[A-Za-z0-9_+\-]{1,32}){0,2}"),
    options_pb2.FORMAT_PAST_DATE: _past_date,
    options_pb2.FORMAT_TOKEN: _matching(r"[0-9A-Z]{1,64}"),
}
