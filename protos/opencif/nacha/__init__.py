"""The pure NACHA codec: reads, checks, builds and answers ACH files.

Standard library only, but for `blocks`; it does no I/O, knows no account and logs nothing.
"""

from opencif.nacha.codes import (
    SEC_RULES,
    TRANSACTION_CODES,
    Direction,
    Ledger,
    Purpose,
    TransactionCode,
    check_digit,
    entry_hash,
    is_routing_number,
)
from opencif.nacha.entries import Entry, IatEntry, SharedNetworkEntry, entry_class, make_entry
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
from opencif.nacha.returns import (
    AnswerFile,
    Change,
    CorrectedData,
    Return,
    compose_answers,
    decode_corrected,
)
from opencif.nacha.writer import Writer, compose, write

__all__ = [
    "SEC_RULES",
    "TRANSACTION_CODES",
    "AnswerFile",
    "BatchControl",
    "BatchHeader",
    "CardNumber",
    "Change",
    "CorrectedData",
    "Direction",
    "Entry",
    "Event",
    "FieldError",
    "FileControl",
    "FileHeader",
    "Finding",
    "FindingCode",
    "IatBatchHeader",
    "IatEntry",
    "Ledger",
    "Padding",
    "Purpose",
    "Reader",
    "Return",
    "Severity",
    "SharedNetworkEntry",
    "TransactionCode",
    "Writer",
    "check_digit",
    "compose",
    "compose_answers",
    "decode_corrected",
    "entry_class",
    "entry_hash",
    "is_routing_number",
    "make_entry",
    "read",
    "write",
]
