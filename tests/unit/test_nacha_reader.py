"""The reader: framing, every SEC code, findings at their places, nothing lost, nothing raised."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.nacha import (
    Entry,
    FileControl,
    Finding,
    FindingCode,
    Padding,
    Reader,
    Severity,
    compose,
    make_entry,
    read,
    write,
)
from opencif.nacha.addenda import (
    ChangeAddenda,
    ContestedReturnAddenda,
    DishonoredReturnAddenda,
    PaymentAddenda,
    RefusedChangeAddenda,
)
from opencif.nacha.findings import _FACTS
from tests.unit.nacha_samples import (
    HEADER,
    PAN,
    SEC_CODES,
    batch_header,
    entries,
    findings,
    iat_addenda,
    sample,
)

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "ach"
PUBLISHED: dict[str, list[str]] = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "ach_samples.json").read_text()
)["files"]
REALLY_WRONG = {  # faults of the published files themselves
    "contested-return.ach": [("ADDENDA_TRACE", line, 80) for line in (4, 5, 6)],
    "cor-read.ach": [("ADDENDA_TRACE", 4, 80)],
    "iat-mixedCreditDebit.ach": [("ADDENDA_COUNT", line, 13) for line in (3, 13)],
}
FILE_OF_ALL = sample(*[sec for sec in SEC_CODES if sec != "ADV"])


def lines(data: bytes) -> list[bytes]:
    return [line.rstrip(b"\r").ljust(94) for line in data.split(b"\n") if line.strip()]


def fields_of(record: object) -> list[object]:
    columns = getattr(type(record), "columns", {})
    return [getattr(record, name) for name in columns]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_read_and_write_back_the_same_records(name: str) -> None:
    data = "\n".join(PUBLISHED[name]).encode()
    events = list(read([data]))
    assert lines(b"".join(write(events))) == lines(data)
    assert findings(data) == REALLY_WRONG.get(name, [])
    assert isinstance(events[-1], FileControl)


def test_the_files_as_published_read_like_our_copies() -> None:
    for path in SHARED.glob("*.ach"):
        data = path.read_bytes()
        assert lines(b"".join(write(read([data])))) == lines(data)
        assert findings(data) == REALLY_WRONG.get(path.name, [])
        bare = [line.decode().rstrip() for line in lines(data) if line != b"9" * 94]
        assert bare == PUBLISHED[path.name]


def test_a_large_file_adds_up() -> None:
    path = SHARED / "PPD-200-batches-100000-entries.ach.gz"
    data = gzip.decompress(path.read_bytes()) if path.exists() else sample("WEB", count=10_000)
    events = list(read([data]))
    assert not [event for event in events if isinstance(event, Finding)]
    control = next(event for event in events if isinstance(event, FileControl))
    taken = [event for event in events if isinstance(event, Entry)]
    assert len(taken) + sum(len(e.addenda) for e in taken) == control.entry_addenda_count
    assert lines(b"".join(write(events))) == lines(data)


@pytest.mark.parametrize("sec", SEC_CODES)
@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\r", b""])
def test_every_sec_code_round_trips_without_findings(sec: str, separator: bytes) -> None:
    data = sample(sec, separator=separator)
    events = list(read([data]))
    assert not [event for event in events if isinstance(event, Finding)]
    assert b"".join(write(events, separator)) == data
    taken = [event for event in events if isinstance(event, Entry)]
    assert [entry.sec_code for entry in taken] == [sec] * 3
    assert taken[0].account_number == "744-5678-99"
    assert taken[0].routing_number == "231380104"
    assert len(data.replace(separator or b"\0", b"")) % 940 == 0


def test_stripped_trailing_blanks_and_missing_padding_read_the_same() -> None:
    data = FILE_OF_ALL
    stripped = b"\n".join(line.rstrip() for line in data.split(b"\n") if line != b"9" * 94)
    assert findings(stripped) == []
    kept = [event for event in read([data]) if not isinstance(event, Padding)]
    assert b"".join(write(read([stripped]))) == b"".join(write(kept))


@given(st.lists(st.integers(1, 400), max_size=40), st.sampled_from([b"\n", b"\r\n", b"\r", b""]))
def test_chunking_changes_nothing(cuts: list[int], separator: bytes) -> None:
    data = sample("PPD", "IAT", "SHR", separator=separator)
    reader, at, events = Reader(), 0, []
    for cut in [*cuts, len(data)]:
        events += reader.feed(data[at : at + cut])
        at += cut
    events += reader.close()
    assert list(map(repr, events)) == list(map(repr, read([data])))
    assert b"".join(write(events, separator)) == data


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\r", b""])
def test_one_byte_at_a_time(separator: bytes) -> None:
    data = sample("CTX", "POP", separator=separator)
    events = list(read(data[i : i + 1] for i in range(len(data))))
    assert b"".join(write(events, separator)) == data


@given(st.data())
def test_mutated_files_give_findings_and_never_raise(data: st.DataObject) -> None:
    separator = data.draw(st.sampled_from([b"\n", b"\r\n", b""]))
    file = bytearray(sample("PPD", "CTX", "IAT", "SHR", "POP", separator=separator))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(file) - 1))
        kind = data.draw(st.sampled_from(["set", "drop", "add", "cut"]))
        if kind == "set":
            file[at] = data.draw(st.integers(0, 255))
        elif kind == "drop":
            del file[at : at + data.draw(st.integers(1, 300))]
        elif kind == "add":
            file[at:at] = data.draw(st.binary(max_size=20))
        else:
            del file[at:]
        if not file:
            break
    events = list(read([bytes(file)]))
    for event in events:
        assert str(event)
        assert repr(event)
        for record in (event, *getattr(event, "addenda", ())):
            fields_of(record)
    assert_nothing_is_dropped(bytes(file), events)


def assert_nothing_is_dropped(file: bytes, events: list) -> None:
    """Every line is given as a record with just these bytes, or named in a finding."""
    if b"\n" in file[:192]:
        rows = [row.removesuffix(b"\r") for row in file.split(b"\n")]
    elif b"\r" in file[:192]:
        rows = file.split(b"\r")
    else:
        rows = re.findall(rb"(?s).{1,94}", file)
    given_rows = {}
    for event in events:
        for record in (event, *getattr(event, "addenda", ())):
            if not isinstance(record, Finding):
                given_rows[record.line] = record.raw
    found = {event.line for event in events if isinstance(event, Finding)}
    for line, row in enumerate(rows, 1):
        assert given_rows.get(line) == row.ljust(94) or line in found or not row.strip(b"\r\n")


@given(st.binary(max_size=2000))
def test_garbage_gives_a_structural_finding(data: bytes) -> None:
    events = list(read([data]))
    assert any(isinstance(e, Finding) and e.severity is Severity.STRUCTURAL for e in events)


def changed(line: int, column: int, text: bytes, data: bytes | None = None) -> bytes:
    rows = (sample("PPD") if data is None else data).split(b"\n")
    row = rows[line - 1]
    rows[line - 1] = row[: column - 1] + text + row[column - 1 + len(text) :]
    return b"\n".join(rows)


# sample("PPD"): 1 header, 2 batch, 3+4 5+6 7+8 entries with addenda, 9 batch control, 10 control
@pytest.mark.parametrize(
    ("line", "column", "text", "code"),
    [
        (1, 35, b"095", "FORMAT_CONSTANT"),
        (2, 51, b"ZZZ", "UNKNOWN_SEC_CODE"),
        (3, 12, b"5", "CHECK_DIGIT"),
        (3, 2, b"25", "TRANSACTION_CODE"),
        (3, 2, b"28", "AMOUNT_NOT_ZERO"),
        (3, 30, b"000001234A", "NOT_NUMERIC"),
        (3, 55, b"\xc3\xa9", "BAD_CHARACTER"),
        (3, 79, b"0", "ADDENDA_INDICATOR"),
        (4, 2, b"02", "ADDENDA_TYPE"),
        (4, 84, b"0002", "ADDENDA_SEQUENCE"),
        (4, 88, b"0000009", "ADDENDA_TRACE"),
        (5, 80, b"121042880000001", "TRACE_ORDER"),
        (5, 80, b"99999999", "TRACE_ODFI"),
        (9, 2, b"200", "SERVICE_CLASS"),
        (9, 5, b"000005", "ENTRY_COUNT"),
        (9, 11, b"0000000001", "ENTRY_HASH"),
        (9, 21, b"000000000001", "DEBIT_TOTAL"),
        (9, 33, b"000000000001", "CREDIT_TOTAL"),
        (9, 45, b"9", "BATCH_MISMATCH"),
        (9, 80, b"23138010", "BATCH_MISMATCH"),
        (9, 88, b"0000002", "BATCH_NUMBER"),
        (10, 2, b"000002", "BATCH_COUNT"),
        (10, 8, b"000002", "BLOCK_COUNT"),
        (10, 14, b"00000007", "ENTRY_COUNT"),
        (10, 22, b"0000000007", "ENTRY_HASH"),
        (10, 32, b"000000000007", "DEBIT_TOTAL"),
        (10, 44, b"000000000007", "CREDIT_TOTAL"),
    ],
)
def test_faults_are_found_at_their_line_and_column(
    line: int, column: int, text: bytes, code: str
) -> None:
    where = {"AMOUNT_NOT_ZERO": 30, "NOT_NUMERIC": 30}.get(code, column)
    found = findings(changed(line, column, text))
    assert (code, line, where) in found
    if line in {9, 10}:
        assert found == [(code, line, where)]


def test_a_service_class_that_excludes_its_entries_is_found_at_the_header() -> None:
    data = changed(9, 2, b"220", changed(2, 2, b"220"))
    assert findings(data) == [("SERVICE_CLASS", 2, 2)]


def test_sequence_faults() -> None:
    rows = sample("PPD").split(b"\n")
    header, batch, entry, addenda, control, end = *rows[:4], rows[8], rows[9]

    def codes(*order: bytes) -> set[tuple[str, int]]:
        return {(code, line) for code, line, _ in findings(b"\n".join(order) + b"\n")}

    assert ("EMPTY_FILE", 1) in codes()
    assert ("OUT_OF_SEQUENCE", 1) in codes(batch, entry, addenda, control, end)
    assert ("OUT_OF_SEQUENCE", 2) in codes(header, entry)
    assert ("OUT_OF_SEQUENCE", 2) in codes(header, control)
    assert ("OUT_OF_SEQUENCE", 2) in codes(header, header, batch)
    assert ("OUT_OF_SEQUENCE", 3) in codes(header, batch, addenda)
    assert ("MISSING_BATCH_CONTROL", 5) in codes(header, batch, entry, addenda, batch)
    assert ("MISSING_BATCH_CONTROL", 5) in codes(header, batch, entry, addenda, end)
    assert ("MISSING_FILE_CONTROL", 5) in codes(header, batch, entry, addenda, control)
    assert ("MISSING_FILE_CONTROL", 6) in codes(header, batch, entry, addenda, control, b"9" * 94)
    assert ("EMPTY_BATCH", 2) in codes(header, batch, control, end)
    assert ("UNKNOWN_RECORD_TYPE", 2) in codes(header, b"4".ljust(94))
    assert ("BLANK_LINE", 2) in codes(header, b"", batch)
    assert codes(*rows[:10], b"   ") == {("BLANK_LINE", 11)}
    assert codes(*rows[:10], b"", b"") == set()
    assert ("OUT_OF_SEQUENCE", 11) in codes(*rows[:10], header)


@pytest.mark.parametrize(("cut", "column"), [(93, 94), (50, 51)])
def test_a_short_record_is_found(cut: int, column: int) -> None:
    rows = sample("PPD").split(b"\n")
    rows[4] = rows[4][:cut]
    assert ("BAD_LENGTH", 5, column) in findings(b"\n".join(rows))


def test_a_long_record_is_found_however_long() -> None:
    rows = sample("PPD").split(b"\n")
    for surplus in (b" ", b"x" * 200_000):
        long = [*rows[:4], rows[4] + surplus, *rows[5:]]
        assert ("BAD_LENGTH", 5, 95) in findings(b"\n".join(long))


def test_addenda_limits_by_sec_code() -> None:
    def found(sec: str, addenda: list) -> list:
        header = batch_header(sec)
        plain = entries(header, 1)[0].with_addenda(addenda)
        return findings(b"".join(compose(HEADER, [(header, [plain])])))

    payment = PaymentAddenda.build()
    assert found("CCD", [payment, payment]) == [("ADDENDA_COUNT", 3, 79)]
    assert found("POS", []) == [("ADDENDA_COUNT", 3, 79)]
    assert ("ADDENDA_TYPE", 4, 2) in found("TEL", [payment])
    assert found("CTX", [payment] * 9999) == []
    assert found("CTX", []) == []
    assert ("ADDENDA_TYPE", 4, 2) in found("PPD", [ChangeAddenda.build()])
    assert found("IAT", iat_addenda(0, 0)) == []
    assert found("IAT", iat_addenda()[1:]) == [("ADDENDA_COUNT", 3, 13)]
    assert found("IAT", iat_addenda(3, 0)) == [("ADDENDA_COUNT", 3, 13)]
    assert found("IAT", iat_addenda(0, 6)) == [("ADDENDA_COUNT", 3, 13)]


def test_more_addenda_than_can_be_numbered_are_structural() -> None:
    rows = sample("PPD", count=1).split(b"\n")
    data = b"\n".join([*rows[:3], *[rows[3]] * 10_001, *rows[4:]])
    found = [f for f in findings(data) if f[0] == "ADDENDA_LIMIT"]
    assert found == [("ADDENDA_LIMIT", 10_003, 1), ("ADDENDA_LIMIT", 10_004, 1)]


@pytest.mark.parametrize(
    ("sec", "words", "date", "service_class", "is_fine"),
    [
        ("PPD", "REG.SALARY", "260320", 220, False),
        ("PPD", "PAYROLL", "260320", 220, True),
        ("PPD", "REG.SALARY", "260319", 220, True),
        ("PPD", "GAS BILL", "260320", 225, True),
        ("WEB", "PURCHASES", "260320", 225, False),
        ("WEB", "PURCHASE", "260320", 225, True),
        ("RCK", "CHECK", "250101", 225, False),
        ("RCK", "REDEPCHECK", "250101", 225, True),
    ],
)
def test_prescribed_entry_descriptions_are_advisory(
    sec: str, words: str, date: str, service_class: int, *, is_fine: bool
) -> None:
    header = batch_header(
        sec, entry_description=words, effective_date=date, service_class=service_class
    )
    code = 22 if service_class == 220 else 27
    data = b"".join(compose(HEADER, [(header, entries(header, transaction_code=code))]))
    assert findings(data) == ([] if is_fine else [("ENTRY_DESCRIPTION", 2, 54)])


def test_a_record_that_is_not_given_is_in_a_finding() -> None:
    rows = sample("PPD").split(b"\n")
    rows[4] = rows[4][:29] + b"AAAAAAAAAA" + rows[4][39:]
    events = list(read([b"\n".join(rows)]))
    given = {e.line for e in events if not isinstance(e, Finding)}
    given |= {a.line for e in events if isinstance(e, Entry) for a in e.addenda}
    found = {e.line for e in events if isinstance(e, Finding)}
    assert given | found == set(range(1, 11))


def test_layouts_read_their_own_columns() -> None:
    taken: dict[str, Any] = {e.sec_code: e for e in read([FILE_OF_ALL]) if isinstance(e, Entry)}
    assert taken["CTX"].addenda_count == 3
    assert taken["CTX"].individual_name == "Jane Example"
    assert (taken["POP"].check_serial, taken["POP"].terminal_city) == ("123456789", "PHIL")
    assert taken["RCK"].check_serial == "123879654"
    assert (taken["CIE"].individual_name, taken["CIE"].individual_id) == ("Jane Example", "ID 1")
    assert taken["CIE"].raw[39:51] == b"Jane Example"
    assert (taken["IAT"].individual_name, taken["IAT"].addenda_count) == ("Jane", 14)
    assert taken["IAT"].raw[39:50] == b"744-5678-99"
    assert taken["SHR"].card_number.reveal() == PAN
    assert (taken["SHR"].individual_name, taken["SHR"].card_expiration) == ("", "0728")
    assert taken["PPD"].amount == 12_345
    assert taken["PPD"].transaction is not None
    assert taken["PPD"].transaction.is_debit


def test_disputed_returns_have_layouts_of_their_own() -> None:
    header = batch_header("PPD")
    dishonored = DishonoredReturnAddenda.build(
        dishonored_code="R68",
        original_trace="121042880000001",
        original_rdfi="12391871",
        return_trace="123918710000001",
        return_settlement_date="179",
        return_code="01",
        information="Untimely Return",
    )
    contested = ContestedReturnAddenda.build(
        contested_code="R73", original_trace="121042880000001", dishonored_code="68"
    )
    fields: dict[str, Any] = {"transaction_code": 26, "routing_number": "231380104", "amount": 5}
    made = [make_entry(header, n, [a], **fields) for n, a in enumerate((dishonored, contested), 1)]
    data = b"".join(compose(HEADER, [(header, made)]))
    assert findings(data) == []
    first, second = (e.addenda[0] for e in read([data]) if isinstance(e, Entry))
    assert isinstance(first, DishonoredReturnAddenda)
    assert isinstance(second, ContestedReturnAddenda)
    assert (first.return_code, first.return_trace) == ("01", "123918710000001")
    assert (second.dishonored_code, second.contested_code) == ("68", "R73")


def test_a_refused_change_has_a_layout_of_its_own() -> None:
    header = batch_header("COR", service_class=225)
    refused = RefusedChangeAddenda.build(
        refused_code="C62",
        original_trace="121042880000001",
        original_rdfi="23138010",
        corrected_data="1918171614",
        change_code="C01",
        trace_sequence="0000088",
    )
    entry = entries(header, 1, transaction_code=26)[0].with_addenda([refused])
    data = b"".join(compose(HEADER, [(header, [entry])]))
    assert findings(data) == []
    (back,) = (e for e in read([data]) if isinstance(e, Entry))
    assert back.is_change
    assert isinstance(back.addenda[0], RefusedChangeAddenda)
    assert (back.addenda[0].refused_code, back.addenda[0].change_code) == ("C62", "C01")
    assert back.addenda[0].raw[64:79] == b"C010000088     "


def test_nothing_prints_what_a_record_holds() -> None:
    data = sample("SHR", "PPD", "IAT")
    for event in read([data]):
        for record in (event, *getattr(event, "addenda", ())):
            shown = f"{record} {record!r}"
            assert not any(secret in shown for secret in (PAN, "744-5678", "Jane", "231380104"))


def test_every_finding_code_has_its_words() -> None:
    assert set(_FACTS) == set(FindingCode)
    assert str(Finding(FindingCode.ENTRY_HASH, 9, 11)).startswith("line 9, column 11: ENTRY_HASH")
