"""Rows of routing numbers to messages and back; the bank's rows over the directory's. Pure."""

from collections.abc import Iterable
from datetime import date

from opencif.v1 import routing_pb2
from opencif.v1.routing_pb2 import AccountScheme, RoutingNumber
from repository.routing import RoutingRow

__all__ = ["overlaid", "to_message", "to_row"]


def overlaid(rows: Iterable[RoutingRow]) -> Iterable[RoutingNumber]:
    """One message for each number: what the bank says, and of the directory what it leaves open."""
    laid: dict[str, RoutingNumber] = {}
    for row in sorted(rows, key=lambda row: row.is_addition):
        over = to_message(row)
        under = laid.get(row.routing_number)
        if under is None:
            laid[row.routing_number] = over
            continue
        for name in ("ours", "participates", "limited", "account_scheme", "sold_to_routing_number"):
            under.ClearField(name)  # the bank's to say, and unset is what it says
        under.MergeFrom(over)
    return laid.values()


def to_message(row: RoutingRow) -> RoutingNumber:
    """The contract's message of a row."""
    message = RoutingNumber(
        change_date=row.change_date.isoformat() if row.change_date else "",
        **{
            name: getattr(row, name)
            for name in RoutingRow._fields
            if name in RoutingNumber.DESCRIPTOR.fields_by_name and name != "change_date"
        },
    )
    scheme = AccountScheme(
        min_length=row.scheme_length_min,
        max_length=row.scheme_length_max,
        digits_only=row.scheme_digits_only,
        check_algorithm=routing_pb2.CheckAlgorithm.Name(row.scheme_check),
        strip_leading_zeros=row.strip_leading_zeros,
    )
    if scheme != AccountScheme():
        message.account_scheme.CopyFrom(scheme)
    return message


def to_row(addition: RoutingNumber) -> RoutingRow:
    """The row of an addition."""
    scheme = addition.account_scheme
    return RoutingRow(
        is_addition=True,
        change_date=date.fromisoformat(addition.change_date) if addition.change_date else None,
        scheme_length_min=scheme.min_length,
        scheme_length_max=scheme.max_length,
        scheme_digits_only=scheme.digits_only,
        scheme_check=scheme.check_algorithm,
        strip_leading_zeros=scheme.strip_leading_zeros,
        **{
            name: getattr(addition, name)
            for name in RoutingRow._fields
            if name in RoutingNumber.DESCRIPTOR.fields_by_name and name != "change_date"
        },
    )
