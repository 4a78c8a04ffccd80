"""Return and notification-of-change files: codes, columns, mirrored batches, clean to read."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.nacha import (
    AnswerFile,
    BatchHeader,
    Change,
    CorrectedData,
    Entry,
    FieldError,
    FileHeader,
    Return,
    compose_answers,
    make_entry,
    read,
)
from opencif.nacha import returns as subject
from opencif.nacha.addenda import ChangeAddenda, IatReturnAddenda, ReturnAddenda
from opencif.nacha.returns import decode_corrected
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

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DEATH = date(2026, 10, 3)
ANSWERABLE = [sec for sec in SEC_CODES if sec not in {"ADV", "COR"}]
CORRECTED = CorrectedData("12345678901234567", "121042882", "37", "New Name", "ID 9")


def taken(data: bytes) -> list[Entry]:
    return [event for event in read([data]) if isinstance(event, Entry)]


def headers(data: bytes) -> list[BatchHeader]:
    return [event for event in read([data]) if isinstance(event, BatchHeader)]


def returned(*entries_: Entry, code: str = "R03") -> bytes:
    return b"".join(compose_answers(HEADER, [Return(e, code) for e in entries_], NOW))


def changed(*entries_: Entry, code: str = "C01") -> bytes:
    return b"".join(compose_answers(HEADER, [Change(e, code, CORRECTED) for e in entries_], NOW))


@pytest.mark.parametrize("sec", ANSWERABLE)
def test_returns_of_every_sec_code_parse_clean(sec: str) -> None:
    originals = taken(sample(sec))
    data = returned(*originals)
    assert findings(data) == []
    assert [header.sec_code for header in headers(data)] == [sec]
    for original, back in zip(originals, taken(data), strict=True):
        assert back.is_return
        assert original.transaction is not None
        assert back.transaction_code == original.transaction.return_code
        assert (back.routing_number, back.amount) == ("121042882", original.amount)
        assert back.account_number == original.account_number
        assert back.trace_number.startswith(original.rdfi)
        addenda = back.addenda[-1]
        assert isinstance(addenda, ReturnAddenda)
        assert (addenda.return_code, addenda.original_trace) == ("R03", original.trace_number)
        assert (addenda.original_rdfi, addenda.trace_number) == ("23138010", back.trace_number)


@pytest.mark.parametrize("sec", ANSWERABLE)
def test_changes_of_every_sec_code_parse_clean(sec: str) -> None:
    originals = taken(sample(sec))
    data = changed(*originals)
    assert findings(data) == []
    assert [header.sec_code for header in headers(data)] == ["COR"]
    for original, back in zip(originals, taken(data), strict=True):
        assert back.is_change
        assert (back.amount, back.account_number) == (0, original.account_number)
        (addenda,) = back.addenda
        assert isinstance(addenda, ChangeAddenda)
        assert (addenda.change_code, addenda.corrected_data) == ("C01", "12345678901234567")
        assert addenda.original_trace == original.trace_number
    assert PAN.encode() not in data


def test_the_file_header_goes_back_where_it_came_from() -> None:
    header = next(e for e in read([returned(*taken(sample("PPD")))]) if isinstance(e, FileHeader))
    assert (header.immediate_destination, header.immediate_origin) == ("121042882", "231380104")
    assert (header.destination_name, header.origin_name) == ("Sending Bank", "Receiving Bank")
    assert (header.creation_date, header.creation_time) == ("261122", "0930")
    assert header.raw[3:4] == b" "


def test_batches_are_mirrored_and_renumbered() -> None:
    first, second = headers(returned(*taken(sample("PPD", "CCD"))))
    assert (first.batch_number, second.batch_number) == (1, 2)
    assert (first.company_id, first.entry_description) == ("1121042882", "PAYMENT")
    assert (first.odfi, first.originator_status, first.settlement_date) == ("23138010", "1", "")


def test_an_iat_return_keeps_the_seven_mandatory_addenda() -> None:
    (back,) = taken(returned(taken(sample("IAT", count=1))[0], code="R02"))
    assert [a.addenda_type for a in back.addenda] == [*map(str, range(10, 17)), "99"]
    last = back.addenda[-1]
    assert isinstance(last, IatReturnAddenda)
    assert last.original_amount == 12_345
    assert back.individual_name == "Jane"
    assert back.raw[12:16] == b"0008"


def test_an_iat_change_keeps_the_iat_form() -> None:
    data = changed(taken(sample("IAT", count=1))[0])
    (header,) = headers(data)
    assert header.is_iat
    assert header.raw[4:10] == b"IATCOR"
    assert taken(data)[0].account_number == "744-5678-99"


def test_dates_of_death_go_with_their_codes_only() -> None:
    entry = taken(sample("PPD", count=1))[0]
    file = AnswerFile(HEADER, NOW)
    data = file.add(Return(entry, "R15", DEATH)) + file.close()
    assert data.split(b"\n")[3][21:27] == b"261003"
    for wrong in (Return(entry, "R15"), Return(entry, "R02", DEATH)):
        with pytest.raises(FieldError, match="date_of_death"):
            AnswerFile(HEADER, NOW).add(wrong)


def test_information_and_columns_of_addenda_99() -> None:
    entry = taken(sample("WEB", count=1))[0]
    row = AnswerFile(HEADER, NOW).add(Return(entry, "R16", information="FROZEN")).split(b"\n")[3]
    assert row[:27] == b"799R16" + b"121042880000001" + b" " * 6
    assert row[27:41] == b"23138010" + b"FROZEN"
    assert row[79:] == b"231380100000001"


def test_no_answers_make_no_file() -> None:
    assert AnswerFile(HEADER, NOW).close() == b""


def test_advices_are_not_answered() -> None:
    with pytest.raises(FieldError, match="advice"):
        AnswerFile(HEADER, NOW).add(Return(taken(sample("ADV", count=1))[0], "R03"))


def test_each_receiving_bank_answers_under_its_own_number() -> None:
    header = batch_header("PPD")
    two = entries(header, 1) + entries(header, 1, routing_number="121042882")
    assert [h.odfi for h in headers(returned(*two))] == ["23138010", "12104288"]
    file = AnswerFile(HEADER, NOW, institution="23138010")
    data = b"".join(file.add(Return(e, "R03")) for e in two) + file.close()
    assert [h.odfi for h in headers(data)] == ["23138010"]
    assert findings(data) == []


@pytest.mark.parametrize(
    ("code", "service_class", "back"), [(25, 220, 21), (25, 225, 26), (99, 200, 26), (11, 200, 21)]
)
def test_an_unknown_transaction_code_still_goes_back(
    code: int, service_class: int, back: int
) -> None:
    header = batch_header("PPD", service_class=service_class)
    data = returned(*entries(header, 1, transaction_code=code), code="R26")
    assert taken(data)[0].transaction_code == back
    assert findings(data) == []


def test_a_service_class_that_lied_is_mixed_in_the_answer() -> None:
    header = batch_header("PPD", service_class=220)
    data = returned(*entries(header, 2))
    assert [h.service_class for h in headers(data)] == [200]
    assert findings(data) == []


@given(st.lists(st.tuples(st.sampled_from(ANSWERABLE), st.booleans()), min_size=1, max_size=8))
def test_any_mixture_of_answers_parses_clean(mixture: list[tuple[str, bool]]) -> None:
    answers = [
        Change(entry, "C05", CORRECTED) if is_change else Return(entry, "R14", DEATH)
        for number, (sec, is_change) in enumerate(mixture, 1)
        for entry in entries(batch_header(sec, number), 2)
    ]
    data = b"".join(compose_answers(HEADER, answers, NOW))
    assert findings(data) == []
    assert len(taken(data)) == len(answers)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("C01", "12345678901234567            "),
        ("C02", "121042882                    "),
        ("C03", "121042882   12345678901234567"),
        ("C04", "New Name                     "),
        ("C05", "37                           "),
        ("C06", "12345678901234567   37       "),
        ("C07", "1210428821234567890123456737 "),
        ("C09", "ID 9                         "),
    ],
)
def test_corrected_data_stands_in_fixed_columns(code: str, expected: str) -> None:
    assert CORRECTED.encode(code) == expected
    read_back = decode_corrected(code, expected)
    assert read_back.encode(code) == expected


@pytest.mark.parametrize(
    ("code", "data", "values"),
    [
        ("C03", "121042882            12345678", ("12345678", "121042882", "")),
        ("C06", "12345678                   37", ("12345678", "", "37")),
        ("C07", "12104288212345678          37", ("12345678", "121042882", "37")),
        ("C06", "12345678", ("", "", "")),
        ("C99", "12345678", ("", "", "")),
    ],
)
def test_right_justified_corrections_of_others_are_understood(
    code: str, data: str, values: tuple[str, str, str]
) -> None:
    found = decode_corrected(code, data)
    assert (found.account_number, found.routing_number, found.transaction_code) == values


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=29))
def test_no_corrected_data_raises(data: str) -> None:
    for code in ("C01", "C03", "C05", "C06", "C07", "C13", ""):
        assert isinstance(decode_corrected(code, data), CorrectedData)


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("C08", CORRECTED),
        ("C01", CorrectedData()),
        ("C01", CorrectedData(account_number="1" * 18)),
        ("C03", CorrectedData(account_number="1")),
        ("C04", CorrectedData(name="M\u00dcLLER")),
        ("C09", CorrectedData(individual_id="7\t7")),
    ],
)
def test_corrections_that_do_not_fit_are_refused(code: str, data: CorrectedData) -> None:
    with pytest.raises(FieldError):
        data.encode(code)


def test_answers_print_nothing_of_their_entries() -> None:
    entry = make_entry(batch_header("IAT"), 1, iat_addenda(), routing_number="231380104")
    shown = f"{Return(entry, 'R15', DEATH, 'secret')!r} {Change(entry, 'C01', CORRECTED)!r}"
    assert not any(word in shown for word in ("secret", "2026", "12345678901234567", "New Name"))
    assert "R15" in shown


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ANSWERABLE),
            st.sampled_from(["R03", "R15", "C01", "C05", "C09"]),
            st.sampled_from([22, 27, 32, 55, 25]),
            st.sampled_from(["", "why"]),
        ),
        max_size=8,
    )
)
def test_answers_joined_from_bytes_are_those_built_field_by_field(
    wanted: list[tuple[str, str, int, str]],
) -> None:
    answers: list[Return | Change] = []
    for number, (sec, code, transaction_code, information) in enumerate(wanted, 1):
        header = batch_header(sec, number)
        [entry] = entries(header, 1, transaction_code=transaction_code, amount=77)
        if code.startswith("C"):
            answers.append(Change(entry, code, CORRECTED))
        else:
            died = DEATH if code == "R15" else None
            answers.append(Return(entry, code, died, information))
    joined = b"".join(compose_answers(HEADER, answers, NOW))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "_SIMPLE", frozenset())
        assert joined == b"".join(compose_answers(HEADER, answers, NOW))
