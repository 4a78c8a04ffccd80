"""Entry detail records (type 6): one view per layout, and which layout each SEC code uses.

All of them answer to the same names for what every entry has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self, overload

from opencif.nacha.addenda import (
    ChangeAddenda,
    ContestedReturnAddenda,
    DishonoredReturnAddenda,
    IatReceiverName,
    RefusedChangeAddenda,
    ReturnAddenda,
)
from opencif.nacha.codes import TRANSACTION_CODES, TransactionCode
from opencif.nacha.fields import Absent, Card, Digits, DigitsView, Number, Record, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opencif.nacha.addenda import Addenda
    from opencif.nacha.fields import CardNumber
    from opencif.nacha.records import BatchHeader

_RETURNS = (ReturnAddenda, DishonoredReturnAddenda, ContestedReturnAddenda)
_CHANGES = (ChangeAddenda, RefusedChangeAddenda)


class Entry(Record):
    """Record 6 as PPD, CCD, WEB, TEL and most codes have it; amount in cents.

    `batch` is the header of the batch it stands in (None when built alone), `addenda` what follows.
    """

    __slots__ = ("addenda", "batch")
    kind = b"6"
    addenda_count_place: ClassVar[slice | None] = None
    """Where the layout states the number of addenda, if it does."""
    has_trace: ClassVar[bool] = True
    transaction_code = Number(2, 3)
    routing_number = Digits(4, 12)
    account_number = Text(13, 29)
    amount = Number(30, 39, 0)
    individual_id = Text(40, 54)
    individual_name = Text(55, 76)
    discretionary_data = Text(77, 78)
    addenda_indicator = Number(79, 79, 0)
    trace_number = Digits(80, 94)

    def __init__(self, raw: bytes, line: int = 0, batch: BatchHeader | None = None) -> None:
        self.raw = raw
        self.line = line
        self.batch = batch
        self.addenda: Sequence[Addenda] = ()

    @property
    def rdfi(self) -> str:
        """The receiving bank: the first eight digits of the routing number."""
        return self.raw[3:11].decode("latin-1")

    @property
    def sec_code(self) -> str:
        """The SEC code of its batch, empty when built alone."""
        return self.batch.sec_code if self.batch is not None else ""

    @property
    def transaction(self) -> TransactionCode | None:
        """What the transaction code says; None when the rules do not know the code."""
        return TRANSACTION_CODES.get(self.transaction_code)

    @property
    def is_return(self) -> bool:
        """Whether it carries an addenda 99."""
        return any(isinstance(addenda, _RETURNS) for addenda in self.addenda)

    @property
    def is_change(self) -> bool:
        """Whether it carries an addenda 98."""
        return any(isinstance(addenda, _CHANGES) for addenda in self.addenda)

    def replace(self, **values: str | int | CardNumber) -> Self:
        """A copy with these fields changed, in the same batch, with the same addenda.

        Raises: FieldError as `build` does.
        """
        copy = super().replace(**values)
        copy.batch, copy.addenda = self.batch, self.addenda
        return copy

    def with_addenda(self, addenda: Iterable[Addenda]) -> Self:
        """A copy with these addenda, numbered and counted as the rules want.

        Indicator, count of addenda, sequence and trace numbers are set; everything else stays.
        """
        numbered = _numbered(self.raw[79:94].decode("latin-1"), addenda)
        counted = {} if self.addenda_count_place is None else {"addenda_count": len(numbered)}
        copy = self.replace(addenda_indicator=int(bool(numbered)), **counted)
        copy.addenda = numbered
        return copy

    def __repr__(self) -> str:
        return f"<{type(self).__name__} type=6 line={self.line} sec={self.sec_code}>"


class CheckEntry(Entry):
    """ARC, BOC and RCK: a check's serial number in place of an identification."""

    __slots__ = ()
    individual_id = Absent()
    check_serial = Text(40, 54)


class PurchaseEntry(CheckEntry):
    """POP: check serial number, city and state of the terminal."""

    __slots__ = ()
    check_serial = Text(40, 48)
    terminal_city = Text(49, 52)
    terminal_state = Text(53, 54)


class TruncatedEntry(CheckEntry):
    """TRC and XCK: a truncated or destroyed check; no name."""

    __slots__ = ()
    individual_name = Absent()
    process_control = Text(55, 60)
    item_research_number = Text(61, 76)


class CorporateEntry(Entry):
    """CTX, ATX and TRX: a count of addenda and a shorter name."""

    __slots__ = ()
    addenda_count_place = slice(54, 58)
    addenda_count = Number(55, 58, 0)
    individual_name = Text(59, 74)


class NameFirstEntry(Entry):
    """MTE and CIE: the name comes before a longer identification."""

    __slots__ = ()
    individual_name = Text(40, 54)
    individual_id = Text(55, 76)


class SharedNetworkEntry(Entry):
    """SHR: holds a card number, so the record is in PCI scope; the number prints masked."""

    __slots__ = ()
    individual_id = Absent()
    individual_name = Absent()
    card_expiration = Text(40, 43)
    document_reference = Text(44, 54)
    card_number = Card(55, 76)


class ReceiverName(Absent):
    """The name of an IAT entry's receiver, which stands in addenda 10."""

    __slots__ = ()

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> str: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | str:
        if record is None:
            return self
        addenda = record.addenda if isinstance(record, Entry) else ()
        return next((a.receiver_name for a in addenda if isinstance(a, IatReceiverName)), "")


class IatEntry(Entry):
    """IAT: a longer account number, a count of addenda; the names stand in addenda 10 to 16."""

    __slots__ = ()
    addenda_count_place = slice(12, 16)
    addenda_count = Number(13, 16, 0)
    account_number = Text(40, 74)
    individual_id = Absent()  # stands in addenda 15
    discretionary_data = Absent()
    gateway_ofac_indicator = Text(77, 77)
    secondary_ofac_indicator = Text(78, 78)

    individual_name = ReceiverName()


class AdviceEntry(Entry):
    """ADV: an operator's accounting advice; a number of its own in place of a trace number."""

    __slots__ = ()
    has_trace = False
    account_number = Text(13, 27)
    amount = Number(28, 39, 0)
    individual_id = Absent()
    advice_routing_number = Digits(40, 48)
    file_identification = Text(49, 53)
    operator_data = Text(54, 54)
    operator_routing = Digits(80, 87)
    julian_day = Number(88, 90, 1)
    sequence = Number(91, 94, 1)
    trace_number = DigitsView(80, 94)


_BY_SEC: dict[str, type[Entry]] = {
    "ADV": AdviceEntry,
    "ARC": CheckEntry,
    "BOC": CheckEntry,
    "RCK": CheckEntry,
    "POP": PurchaseEntry,
    "TRC": TruncatedEntry,
    "XCK": TruncatedEntry,
    "CTX": CorporateEntry,
    "ATX": CorporateEntry,
    "TRX": CorporateEntry,
    "MTE": NameFirstEntry,
    "CIE": NameFirstEntry,
    "SHR": SharedNetworkEntry,
}


def entry_class(header: BatchHeader) -> type[Entry]:
    """The layout of this batch's entries; unknown SEC codes read as PPD does."""
    return IatEntry if header.is_iat else _BY_SEC.get(header.sec_code, Entry)


def make_entry(
    header: BatchHeader,
    sequence: int,
    addenda: Sequence[Addenda] = (),
    **fields: str | int | CardNumber,
) -> Entry:
    """A new entry in the layout of its batch: trace number, indicator and counts are filled in.

    Fields are those of `entry_class(header)`; amounts in cents. Raises: FieldError.
    """
    layout = entry_class(header)
    numbers: dict[str, str | int | CardNumber] = {"sequence": sequence}
    if layout.has_trace:
        numbers = {"trace_number": f"{header.odfi}{sequence:07d}"}
    entry = layout.build(**(numbers | fields))
    entry.batch = header
    return entry.with_addenda(addenda) if addenda else entry


def _numbered(trace: str, addenda: Iterable[Addenda]) -> list[Addenda]:
    seen: dict[bytes, int] = {}
    numbered = []
    for one in addenda:
        kind = one.raw[1:3]
        seen[kind] = seen.get(kind, 0) + 1
        numbers: dict[str, str | int] = {
            "sequence": seen[kind],
            "entry_sequence": trace[8:],
            "trace_number": trace,
        }
        own = {name: value for name, value in numbers.items() if name in one.columns}
        numbered.append(one.replace(**own))
    return numbered
