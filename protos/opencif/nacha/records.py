"""File and batch records: headers, controls and padding.

Entries and addenda have files of their own.
"""

from __future__ import annotations

from typing import ClassVar

from opencif.nacha.fields import WIDTH, Absent, Digits, Number, Record, Text

NINES = b"9" * WIDTH
BLOCKING_FACTOR = 10


class FileHeader(Record):
    """Record 1: who sent the file to whom, and when."""

    __slots__ = ()
    kind = b"1"
    length_min = 40
    priority_code = Text(2, 3, "01")
    immediate_destination = Text(4, 13)
    immediate_origin = Text(14, 23)
    creation_date = Text(24, 29)
    creation_time = Text(30, 33)
    file_id_modifier = Text(34, 34, "A")
    record_size = Text(35, 37, "094")
    blocking_factor = Text(38, 39, "10")
    format_code = Text(40, 40, "1")
    destination_name = Text(41, 63)
    origin_name = Text(64, 86)
    reference_code = Text(87, 94)


class BatchHeader(Record):
    """Record 5 of every SEC code but IAT."""

    __slots__ = ()
    kind = b"5"
    is_iat: ClassVar[bool] = False
    service_class = Number(2, 4)
    company_name = Text(5, 20)
    company_discretionary_data = Text(21, 40)
    company_id = Text(41, 50)
    sec_code = Text(51, 53)
    entry_description = Text(54, 63)
    descriptive_date = Text(64, 69)
    effective_date = Text(70, 75)
    settlement_date = Text(76, 78)
    originator_status = Text(79, 79, "1")
    odfi = Digits(80, 87)
    batch_number = Number(88, 94, 1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} type=5 line={self.line} sec={self.sec_code}>"


class IatBatchHeader(BatchHeader):
    """Record 5 of SEC IAT, and of COR when it corrects an IAT entry (indicator IATCOR)."""

    __slots__ = ()
    is_iat = True
    company_name = Absent()  # an IAT batch names its originator in addenda 11
    company_discretionary_data = Absent()
    descriptive_date = Absent()
    iat_indicator = Text(5, 20)
    exchange_indicator = Text(21, 22, "FF")
    exchange_reference_indicator = Text(23, 23, "3")
    exchange_reference = Text(24, 38)
    destination_country = Text(39, 40, "US")
    originating_currency = Text(64, 66, "USD")
    destination_currency = Text(67, 69, "USD")


class BatchControl(Record):
    """Record 8: what its batch must add up to. Amounts in cents."""

    __slots__ = ()
    kind = b"8"
    service_class = Number(2, 4)
    entry_addenda_count = Number(5, 10)
    entry_hash = Number(11, 20)
    debit_total = Number(21, 32)
    credit_total = Number(33, 44)
    company_id = Text(45, 54)
    message_authentication_code = Text(55, 73)
    odfi = Digits(80, 87)
    batch_number = Number(88, 94)


class AdvBatchControl(BatchControl):
    """Record 8 of SEC ADV: totals of twenty digits, no company."""

    __slots__ = ()
    debit_total = Number(21, 40)
    credit_total = Number(41, 60)
    company_id = Absent()  # advices have no company
    message_authentication_code = Absent()
    operator_data = Text(61, 79)


class FileControl(Record):
    """Record 9: what all batches add up to. Amounts in cents."""

    __slots__ = ()
    kind = b"9"
    length_min = 55
    batch_count = Number(2, 7)
    block_count = Number(8, 13)
    entry_addenda_count = Number(14, 21)
    entry_hash = Number(22, 31)
    debit_total = Number(32, 43)
    credit_total = Number(44, 55)


class AdvFileControl(FileControl):
    """Record 9 of a file of ADV batches: totals of twenty digits."""

    __slots__ = ()
    debit_total = Number(32, 51)
    credit_total = Number(52, 71)


class Padding(Record):
    """A record of 94 nines that fills the last block."""

    __slots__ = ()

    def __init__(self, raw: bytes = NINES, line: int = 0) -> None:
        super().__init__(raw, line)


def batch_header(raw: bytes, line: int = 0) -> BatchHeader:
    """The view that fits a record 5: IAT batches have columns of their own."""
    is_iat = raw[50:53] == b"IAT" or raw[4:10] == b"IATCOR"
    return IatBatchHeader(raw, line) if is_iat else BatchHeader(raw, line)


def batch_control(header: BatchHeader) -> type[BatchControl]:
    """The control layout that closes this batch."""
    return AdvBatchControl if header.sec_code == "ADV" else BatchControl
