"""Answers to a file received: returns (addenda 99) and notifications of change (addenda 98).

Says how an answer is written, never whether an entry earns one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from opencif.nacha.addenda import Addenda, ChangeAddenda, IatReturnAddenda, ReturnAddenda
from opencif.nacha.codes import (
    DEATH,
    IAT_MANDATORY,
    SERVICE_CLASS_CREDITS,
    SERVICE_CLASS_DEBITS,
    SERVICE_CLASS_DIRECTIONS,
    SERVICE_CLASS_MIXED,
    TRANSACTION_CODES,
    Ledger,
    TransactionCode,
    check_digit,
)
from opencif.nacha.entries import (
    CheckEntry,
    Entry,
    NameFirstEntry,
    PurchaseEntry,
    SharedNetworkEntry,
    TruncatedEntry,
    entry_class,
)
from opencif.nacha.fields import FieldError
from opencif.nacha.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from opencif.nacha.records import BatchHeader, FileHeader

_SIMPLE: Final = frozenset({Entry, CheckEntry, PurchaseEntry, TruncatedEntry, NameFirstEntry})
"""Layouts whose answers differ from the entry in code, bank, addenda indicator and trace only."""
CORRECTED_WIDTH: Final = 29
CORRECTED_COLUMNS: Final[dict[str, tuple[tuple[str, int, int], ...]]] = {
    "C01": (("account_number", 1, 17),),
    "C02": (("routing_number", 1, 9),),
    "C03": (("routing_number", 1, 9), ("account_number", 13, 29)),
    "C04": (("name", 1, 22),),
    "C05": (("transaction_code", 1, 2),),
    "C06": (("account_number", 1, 17), ("transaction_code", 21, 22)),
    "C07": (("routing_number", 1, 9), ("account_number", 10, 26), ("transaction_code", 27, 28)),
    "C09": (("individual_id", 1, 22),),
}
"""Where each change code keeps its corrections inside the 29 characters of addenda 98."""


@dataclass(frozen=True, slots=True)
class CorrectedData:
    """What a notification of change corrects; personal data, so it prints nothing."""

    account_number: str = field(default="", repr=False)
    routing_number: str = field(default="", repr=False)
    transaction_code: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    individual_id: str = field(default="", repr=False)

    def encode(self, code: str) -> str:
        """The 29 characters for this change code, in its fixed columns.

        Raises: FieldError for an unknown code, a missing correction, one too long or one that is
        not printable ASCII.
        """
        if code not in CORRECTED_COLUMNS:
            raise FieldError("change_code", "has no corrected data of its own")
        data = [" "] * CORRECTED_WIDTH
        for name, first, last in CORRECTED_COLUMNS[code]:
            value = getattr(self, name)
            if not value or len(value) > last - first + 1:
                raise FieldError(name, "is missing or too long for this change code")
            if not (value.isascii() and value.isprintable()):
                raise FieldError(name, "has a character outside printable ASCII")
            data[first - 1 : first - 1 + len(value)] = value
        return "".join(data)


def decode_corrected(code: str, data: str) -> CorrectedData:
    """Reads corrected data leniently: fixed columns, or the right-justified ones others write.

    What cannot be told apart stays empty; nothing is raised.
    """
    columns = CORRECTED_COLUMNS.get(code, ())
    data = data.ljust(CORRECTED_WIDTH)
    found = {name: data[first - 1 : last].strip() for name, first, last in columns}
    if len(columns) > 1 and not _plausible(found):
        words = (f"{data[:9]} {data[9:]}" if code == "C07" else data).split()
        names = [name for name, _, _ in columns]
        found = dict(zip(names, words, strict=True)) if len(words) == len(names) else {}
    return CorrectedData(**found)


def _plausible(found: dict[str, str]) -> bool:
    code = found.get("transaction_code", "22")
    whole = all(value and " " not in value for value in found.values())
    return whole and code.isdigit() and int(code) in TRANSACTION_CODES


@dataclass(frozen=True, slots=True)
class Return:
    """An entry that goes back: reason R01 to R85, date of death with R14 and R15 only."""

    entry: Entry
    code: str
    date_of_death: date | None = field(default=None, repr=False)
    information: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """A correction of a posted entry: code C01 to C09 and what is right."""

    entry: Entry
    code: str
    corrected: CorrectedData


class AnswerFile:
    """Streams a return file or a notification-of-change file; every method returns bytes.

    Batches mirror the original ones as long as answers to one batch come together. The original
    origin becomes the destination. `institution` is the eight digits of the bank that answers
    (the RDFI of each entry when empty). With no answer there is no file: `close` gives nothing.
    """

    def __init__(self, original: FileHeader, created: datetime, institution: str = "") -> None:
        self._institution = institution
        self._writer = Writer(_answered(original, created))
        self._batch: BatchHeader | None = None
        self._origin: _Origin | None = None
        self._kind: tuple[str, int, str] | None = None
        self._sequence = self._batches = 0

    def add(self, answer: Return | Change) -> bytes:
        """The bytes of one answer, with its batch header where a new batch begins.

        Raises: FieldError for an entry without a batch, an accounting advice, a wrong date of
        death, or a field that does not fit.
        """
        entry, origin = answer.entry, self._origin
        if origin is None or origin.batch is not entry.batch:
            origin = _Origin(entry.batch)
        code = origin.code_of(entry)
        sec_code = "COR" if isinstance(answer, Change) else origin.sec_code
        kind = (sec_code, origin.service_class_of(code), self._institution or entry.rdfi)
        written = b""
        if self._batch is None or kind != self._kind or origin is not self._origin:
            self._batches += 1
            self._batch = self._header(origin.batch, *kind)
            self._origin, self._kind = origin, kind
            written = self._writer.batch(self._batch)
        self._sequence += 1
        new = _New(code.code, origin.routing, f"{self._batch.odfi}{self._sequence:07d}")
        answered = _joined(answer, new) or _built(answer, self._batch, new)
        return written + self._writer.record(*answered)

    def close(self) -> bytes:
        """The end of the file, or nothing when no answer was added."""
        return self._writer.close() if self._sequence else b""

    def _header(
        self, batch: BatchHeader, sec_code: str, service_class: int, institution: str
    ) -> BatchHeader:
        changed: dict[str, str | int] = {
            "service_class": service_class,
            "sec_code": sec_code,
            "settlement_date": "",
            "originator_status": "1",
            "odfi": institution,
            "batch_number": self._batches,
        }
        if batch.is_iat and sec_code == "COR":
            changed["iat_indicator"] = "IATCOR"
        return batch.replace(**changed)


def compose_answers(
    original: FileHeader, answers: Iterable[Return | Change], created: datetime
) -> Iterator[bytes]:
    """A whole file of answers, streamed; nothing at all when there are none."""
    file = AnswerFile(original, created)
    for one in answers:
        yield file.add(one)
    yield file.close()


def _answered(original: FileHeader, created: datetime) -> FileHeader:
    return original.replace(
        immediate_destination=original.raw[13:23].decode("latin-1"),
        immediate_origin=original.raw[3:13].decode("latin-1"),
        destination_name=original.origin_name,
        origin_name=original.destination_name,
        creation_date=f"{created:%y%m%d}",
        creation_time=f"{created:%H%M}",
        record_size="094",
        blocking_factor="10",
        format_code="1",
        reference_code="",
    )


class _Origin:
    """What answers to the entries of one batch share.

    Raises: FieldError where there is no batch, or one of accounting advices.
    """

    __slots__ = ("_directions", "_service_class", "batch", "routing", "sec_code")

    def __init__(self, batch: BatchHeader | None) -> None:
        if batch is None or batch.sec_code == "ADV":
            raise FieldError("entry", "cannot be answered: it has no batch or is an advice")
        self.batch = batch
        self.sec_code = batch.sec_code
        self.routing = f"{batch.odfi}{check_digit(batch.odfi)}"
        self._service_class = batch.service_class
        self._directions = SERVICE_CLASS_DIRECTIONS.get(batch.service_class, frozenset())

    def code_of(self, entry: Entry) -> TransactionCode:
        """The transaction code of the answer; for a code the rules do not know, a checking one."""
        known = entry.transaction
        if known is not None and known.ledger is Ledger.OPERATOR:
            raise FieldError("transaction_code", "is an accounting advice's")
        if known is not None:
            return TRANSACTION_CODES[known.return_code or known.code]
        if self._service_class in (SERVICE_CLASS_CREDITS, SERVICE_CLASS_DEBITS):
            is_debit = self._service_class == SERVICE_CLASS_DEBITS
        else:
            is_debit = entry.transaction_code % 10 >= 5
        return TRANSACTION_CODES[26 if is_debit else 21]

    def service_class_of(self, code: TransactionCode) -> int:
        """The service class of a batch with this answer in it."""
        return self._service_class if code.direction in self._directions else SERVICE_CLASS_MIXED


class _New(NamedTuple):
    """What an answer has in place of the entry's own."""

    transaction_code: int
    routing_number: str
    trace_number: str


def _joined(answer: Return | Change, new: _New) -> tuple[bytes, list[bytes]] | None:
    """An answer's entry and addenda, cut from the original's bytes: the same as `_built` builds.

    Written for speed. None for a layout in which more than these columns changes, and for text
    that comes from elsewhere.
    """
    raw, trace = answer.entry.raw, new.trace_number
    text = raw.decode("ascii") if type(answer.entry) in _SIMPLE else ""
    if not text or len(answer.code) != 3 or len(trace) != 15:
        return None
    if isinstance(answer, Change):
        kind, amount, died = "98", "0" * 10, ""
        tail = answer.corrected.encode(answer.code)
    elif answer.information:
        return None
    else:
        kind, amount, died, tail = "99", text[29:39], _died(answer), ""
    head = f"6{new.transaction_code:02d}{new.routing_number}{text[12:29]}{amount}{text[39:78]}1"
    addenda = f"7{kind}{answer.code}{text[79:94]}{died:6}{text[3:11]}{tail:44}{trace}"
    return f"{head}{trace}".encode("ascii"), [addenda.encode("ascii")]


def _built(answer: Return | Change, header: BatchHeader, new: _New) -> tuple[bytes, list[bytes]]:
    """An answer's entry and addenda, field by field. Raises: FieldError."""
    entry = answer.entry
    changed = new._asdict()
    if isinstance(answer, Change):
        mirrored = entry_class(header)(_without_card(entry), 0, header)
        mirrored = mirrored.replace(amount=0, **changed)
        mirrored = mirrored.with_addenda([_change_addenda(answer)])
    else:
        mirrored = entry.replace(**changed)
        mirrored.batch = header
        kept = [a for a in entry.addenda if a.raw[1:3].decode("latin-1") in IAT_MANDATORY]
        kept = kept if header.is_iat else []
        mirrored = mirrored.with_addenda([*kept, _return_addenda(answer)])
    return mirrored.raw, [addenda.raw for addenda in mirrored.addenda]


def _without_card(entry: Entry) -> bytes:
    """The entry's bytes for a COR batch, whose layout would show a card number as a name."""
    if not isinstance(entry, SharedNetworkEntry):
        return entry.raw
    masked = entry.card_number.masked.replace("*", "X")
    return b"%s    %s%s%s" % (
        entry.raw[:39],
        entry.raw[43:54],
        masked.encode("ascii").ljust(22),
        entry.raw[76:],
    )


def _died(answer: Return) -> str:
    if (answer.date_of_death is not None) != (answer.code in DEATH):
        raise FieldError("date_of_death", "goes with R14 and R15, and only with them")
    return f"{answer.date_of_death:%y%m%d}" if answer.date_of_death else ""


def _return_addenda(answer: Return) -> Addenda:
    entry = answer.entry
    fields: dict[str, str | int] = {
        "return_code": answer.code,
        "original_trace": entry.trace_number,
        "date_of_death": _died(answer),
        "original_rdfi": entry.rdfi,
        "information": answer.information,
    }
    if entry.batch is not None and entry.batch.is_iat:
        return IatReturnAddenda.build(original_amount=entry.amount, **fields)
    return ReturnAddenda.build(**fields)


def _change_addenda(change: Change) -> Addenda:
    return ChangeAddenda.build(
        change_code=change.code,
        original_trace=change.entry.trace_number,
        original_rdfi=change.entry.rdfi,
        corrected_data=change.corrected.encode(change.code),
    )
