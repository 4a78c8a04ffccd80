"""The pure NACHA codec: reads, checks, builds and answers ACH files.

Standard library only; it does no I/O, knows no account and logs nothing.
"""

from opencif.nacha.codes import check_digit, entry_hash, is_routing_number
from opencif.nacha.entries import Entry
from opencif.nacha.fields import CardNumber, FieldError
from opencif.nacha.findings import Finding, FindingCode, Severity
from opencif.nacha.reader import Event, Reader, read
from opencif.nacha.records import (
    BatchControl,
    BatchHeader,
    FileControl,
    FileHeader,
    IatBatchHeader,
    Padding,
)

__all__ = [
    "BatchControl",
    "BatchHeader",
    "CardNumber",
    "Entry",
    "Event",
    "FieldError",
    "FileControl",
    "FileHeader",
    "Finding",
    "FindingCode",
    "IatBatchHeader",
    "Padding",
    "Reader",
    "Severity",
    "check_digit",
    "entry_hash",
    "is_routing_number",
    "read",
]
