"""What can be wrong with a file, how bad it is and in which words. No message holds a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How far a finding reaches."""

    ADVISORY = 1
    """Against a rule of form; nothing depends on it."""
    CONTROL = 2
    """The file reads but contradicts itself, or an entry is wrong in a way that earns a return."""
    STRUCTURAL = 3
    """The file cannot be read: nothing of it may be resolved."""


class FindingCode(StrEnum):
    """Stable names of findings."""

    EMPTY_FILE = "EMPTY_FILE"
    BAD_LENGTH = "BAD_LENGTH"
    BAD_CHARACTER = "BAD_CHARACTER"
    NOT_NUMERIC = "NOT_NUMERIC"
    UNKNOWN_RECORD_TYPE = "UNKNOWN_RECORD_TYPE"
    OUT_OF_SEQUENCE = "OUT_OF_SEQUENCE"
    MISSING_BATCH_CONTROL = "MISSING_BATCH_CONTROL"
    MISSING_FILE_CONTROL = "MISSING_FILE_CONTROL"
    ADDENDA_LIMIT = "ADDENDA_LIMIT"
    FORMAT_CONSTANT = "FORMAT_CONSTANT"
    UNKNOWN_SEC_CODE = "UNKNOWN_SEC_CODE"
    SERVICE_CLASS = "SERVICE_CLASS"
    TRANSACTION_CODE = "TRANSACTION_CODE"
    CHECK_DIGIT = "CHECK_DIGIT"
    AMOUNT_NOT_ZERO = "AMOUNT_NOT_ZERO"
    ADDENDA_TYPE = "ADDENDA_TYPE"
    ADDENDA_COUNT = "ADDENDA_COUNT"
    ADDENDA_INDICATOR = "ADDENDA_INDICATOR"
    ADDENDA_SEQUENCE = "ADDENDA_SEQUENCE"
    EMPTY_BATCH = "EMPTY_BATCH"
    BATCH_NUMBER = "BATCH_NUMBER"
    BATCH_MISMATCH = "BATCH_MISMATCH"
    ENTRY_COUNT = "ENTRY_COUNT"
    ENTRY_HASH = "ENTRY_HASH"
    DEBIT_TOTAL = "DEBIT_TOTAL"
    CREDIT_TOTAL = "CREDIT_TOTAL"
    BATCH_COUNT = "BATCH_COUNT"
    BLOCK_COUNT = "BLOCK_COUNT"
    TRACE_ORDER = "TRACE_ORDER"
    TRACE_ODFI = "TRACE_ODFI"
    ADDENDA_TRACE = "ADDENDA_TRACE"
    BATCH_NUMBER_ORDER = "BATCH_NUMBER_ORDER"
    ENTRY_DESCRIPTION = "ENTRY_DESCRIPTION"
    BLANK_LINE = "BLANK_LINE"


_CODE = FindingCode
_FACTS: dict[FindingCode, tuple[Severity, str]] = {
    _CODE.EMPTY_FILE: (Severity.STRUCTURAL, "the file has no records"),
    _CODE.BAD_LENGTH: (Severity.STRUCTURAL, "the record is not 94 characters long"),
    _CODE.BAD_CHARACTER: (Severity.STRUCTURAL, "a character is outside printable ASCII"),
    _CODE.NOT_NUMERIC: (Severity.STRUCTURAL, "a numeric field holds something else"),
    _CODE.UNKNOWN_RECORD_TYPE: (Severity.STRUCTURAL, "the record type is unknown"),
    _CODE.OUT_OF_SEQUENCE: (Severity.STRUCTURAL, "the record may not stand here"),
    _CODE.MISSING_BATCH_CONTROL: (Severity.STRUCTURAL, "the batch before has no control record"),
    _CODE.MISSING_FILE_CONTROL: (Severity.STRUCTURAL, "the file ends without its control record"),
    _CODE.ADDENDA_LIMIT: (Severity.STRUCTURAL, "the entry has more addenda than can be numbered"),
    _CODE.FORMAT_CONSTANT: (Severity.CONTROL, "record size, blocking factor or format is another"),
    _CODE.UNKNOWN_SEC_CODE: (Severity.CONTROL, "the standard entry class code is unknown"),
    _CODE.SERVICE_CLASS: (Severity.CONTROL, "the service class does not fit the batch"),
    _CODE.TRANSACTION_CODE: (Severity.CONTROL, "the transaction code is unknown"),
    _CODE.CHECK_DIGIT: (Severity.CONTROL, "the routing number's check digit is wrong"),
    _CODE.AMOUNT_NOT_ZERO: (Severity.CONTROL, "a prenote or zero-dollar entry has an amount"),
    _CODE.ADDENDA_TYPE: (Severity.CONTROL, "the addenda type does not fit the entry"),
    _CODE.ADDENDA_COUNT: (Severity.CONTROL, "the number of addenda does not fit the entry"),
    _CODE.ADDENDA_INDICATOR: (Severity.CONTROL, "the addenda indicator contradicts the addenda"),
    _CODE.ADDENDA_SEQUENCE: (Severity.CONTROL, "the addenda sequence number is wrong"),
    _CODE.EMPTY_BATCH: (Severity.CONTROL, "the batch has no entries"),
    _CODE.BATCH_NUMBER: (Severity.CONTROL, "the batch number differs from the batch header's"),
    _CODE.BATCH_MISMATCH: (Severity.CONTROL, "company or ODFI differs from the batch header's"),
    _CODE.ENTRY_COUNT: (Severity.CONTROL, "the count of entries and addenda is wrong"),
    _CODE.ENTRY_HASH: (Severity.CONTROL, "the entry hash is wrong"),
    _CODE.DEBIT_TOTAL: (Severity.CONTROL, "the debit total is wrong"),
    _CODE.CREDIT_TOTAL: (Severity.CONTROL, "the credit total is wrong"),
    _CODE.BATCH_COUNT: (Severity.CONTROL, "the batch count is wrong"),
    _CODE.BLOCK_COUNT: (Severity.CONTROL, "the block count is wrong"),
    _CODE.TRACE_ORDER: (Severity.CONTROL, "the trace number does not ascend"),
    _CODE.TRACE_ODFI: (Severity.ADVISORY, "the trace number does not begin with the batch's ODFI"),
    _CODE.ADDENDA_TRACE: (Severity.ADVISORY, "the addenda's trace number is not its entry's"),
    _CODE.BATCH_NUMBER_ORDER: (Severity.ADVISORY, "batch numbers do not ascend"),
    _CODE.ENTRY_DESCRIPTION: (Severity.ADVISORY, "the rules prescribe another entry description"),
    _CODE.BLANK_LINE: (Severity.ADVISORY, "a line is blank"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: where it is (1-based line and column) and what kind it is."""

    code: FindingCode
    line: int
    column: int = 1

    @property
    def severity(self) -> Severity:
        """How far the fault reaches."""
        return _FACTS[self.code][0]

    @property
    def message(self) -> str:
        """The fault in words, without any value from the file."""
        return _FACTS[self.code][1]

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.code}: {self.message}"
