"""Answers to a file received: returns (addenda 99) and notifications of change (addenda 98).

Says how an answer is written, never whether an entry earns one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

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
from opencif.nacha.entries import Entry, SharedNetworkEntry, entry_class
from opencif.nacha.fields import FieldError
from opencif.nacha.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from opencif.nacha.records import BatchHeader, FileHeader

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
        self._origin: tuple[BatchHeader, str, int, str] | None = None
        self._sequence = self._batches = 0

    def add(self, answer: Return | Change) -> bytes:
        """The bytes of one answer, with its batch header where a new batch begins.

        Raises: FieldError for an entry without a batch, an accounting advice, a wrong date of
        death, or a field that does not fit.
        """
        entry = answer.entry
        batch = entry.batch
        if batch is None or batch.sec_code == "ADV":
            raise FieldError("entry", "cannot be answered: it has no batch or is an advice")
        code = _answer_code(entry, batch)
        institution = self._institution or entry.rdfi
        sec_code = "COR" if isinstance(answer, Change) else batch.sec_code
        origin = (batch, sec_code, _service_class(batch, code), institution)
        written = b""
        if self._batch is None or origin != self._origin:
            self._batches += 1
            self._batch, self._origin = self._header(*origin), origin
            written = self._writer.batch(self._batch)
        self._sequence += 1
        answered = self._answered_entry(answer, self._batch, code)
        return written + self._writer.entry(answered)

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

    def _answered_entry(
        self, answer: Return | Change, header: BatchHeader, code: TransactionCode
    ) -> Entry:
        entry, origin = answer.entry, answer.entry.batch
        assert origin is not None
        changed: dict[str, str | int] = {
            "transaction_code": code.code,
            "routing_number": f"{origin.odfi}{check_digit(origin.odfi)}",
            "trace_number": f"{header.odfi}{self._sequence:07d}",
        }
        if isinstance(answer, Change):
            mirrored = entry_class(header)(_without_card(entry), 0, header)
            mirrored = mirrored.replace(amount=0, **changed)
            return mirrored.with_addenda([_change_addenda(answer)])
        mirrored = entry.replace(**changed)
        mirrored.batch = header
        kept = [a for a in entry.addenda if a.raw[1:3].decode("latin-1") in IAT_MANDATORY]
        return mirrored.with_addenda([*(kept if header.is_iat else ()), _return_addenda(answer)])


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


def _answer_code(entry: Entry, batch: BatchHeader) -> TransactionCode:
    """The transaction code of the answer; for a code the rules do not know, a checking one."""
    known = entry.transaction
    if known is not None and known.ledger is Ledger.OPERATOR:
        raise FieldError("transaction_code", "is an accounting advice's")
    if known is not None:
        return TRANSACTION_CODES[known.return_code or known.code]
    if batch.service_class in (SERVICE_CLASS_CREDITS, SERVICE_CLASS_DEBITS):
        is_debit = batch.service_class == SERVICE_CLASS_DEBITS
    else:
        is_debit = entry.transaction_code % 10 >= 5
    return TRANSACTION_CODES[26 if is_debit else 21]


def _service_class(batch: BatchHeader, code: TransactionCode) -> int:
    allowed = SERVICE_CLASS_DIRECTIONS.get(batch.service_class, ())
    return batch.service_class if code.direction in allowed else SERVICE_CLASS_MIXED


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


def _return_addenda(answer: Return) -> Addenda:
    entry = answer.entry
    if (answer.date_of_death is not None) != (answer.code in DEATH):
        raise FieldError("date_of_death", "goes with R14 and R15, and only with them")
    fields: dict[str, str | int] = {
        "return_code": answer.code,
        "original_trace": entry.trace_number,
        "date_of_death": f"{answer.date_of_death:%y%m%d}" if answer.date_of_death else "",
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
