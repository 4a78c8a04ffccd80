"""What a batch and a file must add up to: sums entries as they pass and compares controls.

Reports findings; never changes or drops a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opencif.nacha.codes import (
    IAT_MANDATORY,
    IAT_OPTIONAL_MAX,
    SEC_RULES,
    SERVICE_CLASS_DEBITS,
    SERVICE_CLASS_DIRECTIONS,
    TRANSACTION_CODES,
    ZERO_AMOUNT,
    Direction,
    SecRule,
    entry_hash,
    is_routing_number,
)
from opencif.nacha.entries import entry_class
from opencif.nacha.findings import Finding, FindingCode
from opencif.nacha.records import BLOCKING_FACTOR, batch_control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opencif.nacha.entries import Entry
    from opencif.nacha.records import BatchControl, BatchHeader, FileControl

_ZERO_AMOUNT_BIT: Final = 4
SLOTS: Final[dict[bytes, int]] = {
    b"%02d" % code: t.direction | (_ZERO_AMOUNT_BIT if t.purpose in ZERO_AMOUNT else 0)
    for code, t in TRANSACTION_CODES.items()
}
"""Transaction code to the slot of `totals` its amount goes to; slot 0 takes unknown codes."""
SLOT_LIVE_MAX: Final = int(Direction.CREDIT)
_ROUTING_CACHE_MAX = 65_536
_NO_RULE = SecRule("", 0, 9999)
_DESCRIPTIONS_SINCE = "260320"
_PRESCRIBED = {"RCK": "REDEPCHECK", "ENR": "AUTOENROLL"}

Compared = list[tuple[str, int | str, FindingCode]]


class OpenBatch:
    """Running sums of one batch, and what its entries must look like."""

    __slots__ = (
        "addenda_count", "amount", "entry_class", "entry_count", "header", "last_trace",
        "rdfi_sum", "seen", "strange_odfi", "totals", "trace_max", "wants_addenda",
    )  # fmt: skip

    def __init__(self, header: BatchHeader) -> None:
        self.header = header
        self.entry_class = entry_class(header)
        self.amount = self.entry_class.columns["amount"].place
        self.wants_addenda = self._rule().addenda_min > 0
        self.entry_count = self.addenda_count = self.rdfi_sum = self.seen = 0
        self.totals = [0] * 7
        self.strange_odfi = False
        odfi = header.raw[79:87]
        has_trace = self.entry_class.has_trace
        self.last_trace = odfi if has_trace else b""
        self.trace_max = odfi + b"9999999" if has_trace else b"\xff"

    def add(self, raw: bytes, slot: int, rdfi: int) -> None:
        """Counts one entry: `slot` of its transaction code, `rdfi` its first eight digits."""
        self.last_trace = raw[79:94]
        self.entry_count += 1
        self.rdfi_sum += rdfi
        self.seen |= slot
        self.totals[slot] += int(raw[self.amount])

    def _rule(self) -> SecRule:
        return SEC_RULES.get(self.header.sec_code, _NO_RULE)

    @property
    def debit_total(self) -> int:
        """Cents of all debits so far."""
        return self.totals[Direction.DEBIT] + self.totals[Direction.DEBIT | _ZERO_AMOUNT_BIT]

    @property
    def credit_total(self) -> int:
        """Cents of all credits so far."""
        return self.totals[Direction.CREDIT] + self.totals[Direction.CREDIT | _ZERO_AMOUNT_BIT]

    def doubt(self, raw: bytes, line: int, known: dict[bytes, int]) -> list[Finding]:
        """What is wrong with an entry that did not pass as plain; learns good routing numbers."""
        codes: list[tuple[FindingCode, int]] = []
        slot = SLOTS.get(raw[1:3], 0)
        if not slot:
            codes.append((FindingCode.TRANSACTION_CODE, 2))
        elif slot > SLOT_LIVE_MAX and int(raw[self.amount]):
            codes.append((FindingCode.AMOUNT_NOT_ZERO, self.amount.start + 1))
        routing = raw[3:12]
        if not is_routing_number(routing.decode("latin-1")):
            codes.append((FindingCode.CHECK_DIGIT, 12))
        else:
            if len(known) >= _ROUTING_CACHE_MAX:
                known.clear()
            known[routing] = int(routing[:8])
        if self.entry_class.has_trace:
            codes += ((code, 80) for code in self._trace_doubts(raw[79:94]))
        return [Finding(code, line, column) for code, column in codes]

    def _trace_doubts(self, trace: bytes) -> Iterator[FindingCode]:
        if not trace.startswith(self.header.raw[79:87]) and not self.strange_odfi:
            self.strange_odfi = True  # once a batch is enough
            yield FindingCode.TRACE_ODFI
        if len(self.last_trace) == len(trace) and trace <= self.last_trace:
            yield FindingCode.TRACE_ORDER

    def settle(self, entry: Entry) -> Iterator[Finding]:
        """Findings on an entry whose last addenda has been seen."""
        if (entry.raw[78:79] == b"1") != bool(entry.addenda):
            yield Finding(FindingCode.ADDENDA_INDICATOR, entry.line, 79)
        types = [addenda.raw[1:3].decode("latin-1") for addenda in entry.addenda]
        is_return, is_change = "99" in types, self.header.sec_code == "COR"
        place = entry.addenda_count_place
        may_mirror = is_return or is_change  # the count of the entry that is answered
        if place is not None and not may_mirror and int(entry.raw[place]) != len(types):
            yield Finding(FindingCode.ADDENDA_COUNT, entry.line, place.start + 1)
        if self.header.is_iat and not is_change:
            yield from _iat_addenda(entry, types)
        elif not is_return:
            yield from _plain_addenda(entry, types, self._rule())
        yield from _addenda_numbers(entry)

    def close(self, control: BatchControl) -> Iterator[Finding]:
        """Compares the sums with the batch's control record."""
        header = self.header
        yield from _compare(control, self._expected())
        if not self.entry_count:
            yield Finding(FindingCode.EMPTY_BATCH, header.line)
        allowed = SERVICE_CLASS_DIRECTIONS.get(header.service_class, frozenset())
        if any(self.seen & direction and direction not in allowed for direction in Direction):
            yield Finding(FindingCode.SERVICE_CLASS, header.line, 2)

    def control(self) -> BatchControl:
        """The control record this batch needs. Raises: FieldError when a total does not fit."""
        return batch_control(self.header).build(**{n: value for n, value, _ in self._expected()})

    def _expected(self) -> Compared:
        header = self.header
        expected: Compared = [
            ("service_class", header.service_class, FindingCode.SERVICE_CLASS),
            ("entry_addenda_count", self.entry_count + self.addenda_count, FindingCode.ENTRY_COUNT),
            ("entry_hash", entry_hash(self.rdfi_sum), FindingCode.ENTRY_HASH),
            ("debit_total", self.debit_total, FindingCode.DEBIT_TOTAL),
            ("credit_total", self.credit_total, FindingCode.CREDIT_TOTAL),
            ("odfi", header.odfi, FindingCode.BATCH_MISMATCH),
            ("batch_number", header.batch_number, FindingCode.BATCH_NUMBER),
        ]
        if not header.is_iat and self.entry_class.has_trace:  # IAT and ADV controls may leave it
            expected.append(("company_id", header.company_id, FindingCode.BATCH_MISMATCH))
        return expected


class FileTotals:
    """Running sums of the whole file."""

    __slots__ = ("batch_count", "credit_total", "debit_total", "entry_addenda_count", "rdfi_sum")

    def __init__(self) -> None:
        self.batch_count = self.entry_addenda_count = self.rdfi_sum = 0
        self.debit_total = self.credit_total = 0

    def add(self, batch: OpenBatch) -> None:
        """Adds a batch that has ended."""
        self.batch_count += 1
        self.entry_addenda_count += batch.entry_count + batch.addenda_count
        self.rdfi_sum += batch.rdfi_sum
        self.debit_total += batch.debit_total
        self.credit_total += batch.credit_total

    def block_count(self) -> int:
        """Blocks of ten records: header, control, and two records for each batch besides."""
        records = 2 + 2 * self.batch_count + self.entry_addenda_count
        return -(-records // BLOCKING_FACTOR)

    def close(self, control: FileControl) -> Iterator[Finding]:
        """Compares the sums with the file's control record."""
        return _compare(
            control,
            [
                ("batch_count", self.batch_count, FindingCode.BATCH_COUNT),
                ("block_count", self.block_count(), FindingCode.BLOCK_COUNT),
                ("entry_addenda_count", self.entry_addenda_count, FindingCode.ENTRY_COUNT),
                ("entry_hash", entry_hash(self.rdfi_sum), FindingCode.ENTRY_HASH),
                ("debit_total", self.debit_total, FindingCode.DEBIT_TOTAL),
                ("credit_total", self.credit_total, FindingCode.CREDIT_TOTAL),
            ],
        )


def check_header(header: BatchHeader) -> Iterator[Finding]:
    """Findings on a batch header alone."""
    if header.sec_code not in SEC_RULES:
        yield Finding(FindingCode.UNKNOWN_SEC_CODE, header.line, 51)
    if header.service_class not in SERVICE_CLASS_DIRECTIONS:
        yield Finding(FindingCode.SERVICE_CLASS, header.line, 2)
    if not _description_fits(header):
        yield Finding(FindingCode.ENTRY_DESCRIPTION, header.line, 54)


def _description_fits(header: BatchHeader) -> bool:
    sec, words = header.sec_code, header.entry_description.upper()
    if sec in _PRESCRIBED:
        return words == _PRESCRIBED[sec] or words == "REVERSAL"
    if not header.effective_date.isdigit() or header.effective_date < _DESCRIPTIONS_SINCE:
        return True
    if sec == "PPD" and header.service_class != SERVICE_CLASS_DEBITS:
        return words == "PAYROLL" or not any(w in words for w in ("PAYROLL", "SALARY", "WAGE"))
    return sec != "WEB" or words == "PURCHASE" or "PURCH" not in words


def _compare(control: BatchControl | FileControl, expected: Compared) -> Iterator[Finding]:
    for name, value, code in expected:
        if getattr(control, name) != value:
            yield Finding(code, control.line, control.columns[name].first)


def _plain_addenda(entry: Entry, types: list[str], rule: SecRule) -> Iterator[Finding]:
    if rule is not _NO_RULE:
        for addenda, kind in zip(entry.addenda, types, strict=True):
            if kind != rule.addenda_type:
                yield Finding(FindingCode.ADDENDA_TYPE, addenda.line, 2)
    if not rule.addenda_min <= len(types) <= rule.addenda_max:
        yield Finding(FindingCode.ADDENDA_COUNT, entry.line, 79)


def _iat_addenda(entry: Entry, types: list[str]) -> Iterator[Finding]:
    if tuple(types[:7]) != IAT_MANDATORY:
        yield Finding(FindingCode.ADDENDA_COUNT, entry.line, 13)
    limits = {"99": 1} if "99" in types else IAT_OPTIONAL_MAX
    rest = types[7:]
    for addenda, kind in zip(entry.addenda[7:], rest, strict=True):
        if kind not in limits:
            yield Finding(FindingCode.ADDENDA_TYPE, addenda.line, 2)
    if any(rest.count(kind) > most for kind, most in limits.items()):
        yield Finding(FindingCode.ADDENDA_COUNT, entry.line, 13)


def _addenda_numbers(entry: Entry) -> Iterator[Finding]:
    seen: dict[bytes, int] = {}
    for addenda in entry.addenda:
        raw = addenda.raw
        kind = raw[1:3]
        if "sequence" in addenda.columns:
            seen[kind] = seen.get(kind, 0) + 1
            if raw[83:87] != b"%04d" % seen[kind]:
                yield Finding(FindingCode.ADDENDA_SEQUENCE, addenda.line, 84)
        first = 79 if "trace_number" in addenda.columns else 87
        if raw[first:94] != entry.raw[first:94]:
            yield Finding(FindingCode.ADDENDA_TRACE, addenda.line, first + 1)
