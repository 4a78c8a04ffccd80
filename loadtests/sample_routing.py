"""The sample bank's routing numbers: a directory in FedACH's layout, and what the bank adds to it.

No institution in it exists.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from loadtests.sample_numbers import (
    ABROAD,
    CLEARING,
    FROZEN_OUT,
    LIMITED,
    MAIN,
    OTHERS,
    RETIRED,
    SECOND,
    SOLD,
)
from opencif.v1 import routing_pb2
from opencif.v1.routing_pb2 import AccountScheme, RoutingNumber

__all__ = ["additions", "directory"]

_SEND_HERE, _SEND_TO_NEW = 1, 2
_MERGED_AGO = timedelta(days=200)


def directory(as_of: date) -> bytes:
    """The directory: rows of 155 characters (frbservices.org, FedACH directory file format)."""
    return b"".join(_rows(as_of))


def additions() -> Iterator[RoutingNumber]:
    """What the directory does not say: which numbers are the bank's, and how its accounts look."""
    ten_digits = AccountScheme(
        min_length=10,
        max_length=10,
        digits_only=True,
        check_algorithm=routing_pb2.CHECK_ALGORITHM_LUHN,
    )
    yield _ours(MAIN, account_scheme=ten_digits, participates=True)
    yield _ours(SECOND, participates=True)
    yield _ours(LIMITED, participates=True, limited=True)
    yield _ours(SOLD, participates=True, sold_to_routing_number=OTHERS[0])
    yield _ours(FROZEN_OUT, participates=False)


def _ours(routing_number: str, **facts: Any) -> RoutingNumber:
    return RoutingNumber(
        routing_number=routing_number, record_type=_SEND_HERE, ours=True, **facts
    )  # fmt: skip


def _rows(as_of: date) -> Iterator[bytes]:
    merged = as_of - _MERGED_AGO
    for number, name in ((MAIN, "SAMPLE BANK"), (SECOND, "SAMPLE BANK EAST")):
        yield _row(number, name, merged)
    yield _row(RETIRED, "SAMPLE BANK OLD TOWN", merged, MAIN)
    for number, name in ((SOLD, "SOLD"), (LIMITED, "LIMITED"), (FROZEN_OUT, "CLOSED TO ACH")):
        yield _row(number, f"SAMPLE BANK {name}", merged)
    yield _row(CLEARING, "SAMPLE CLEARING HOUSE", merged)
    for place, number in enumerate(OTHERS):
        name = "GATEWAY BANK" if number == ABROAD else f"EXAMPLE BANK {place:02d}"
        yield _row(number, name, merged)


def _row(number: str, name: str, changed: date, successor: str = "") -> bytes:
    record_type = _SEND_TO_NEW if successor else _SEND_HERE
    return (
        f"{number}O{CLEARING}{record_type}{changed:%m%d%y}{successor or '0' * 9}{name:36}"
        f"{'1 MAIN STREET':36}{'SAMPLETON':20}OH430040000000555010011{'':5}\n"
    ).encode("ascii")
