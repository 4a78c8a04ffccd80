"""Building records and files: widths, charset, computed controls, masked card numbers, memory."""

import pickle
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencif.nacha import (
    CardNumber,
    Entry,
    FieldError,
    FileControl,
    FileHeader,
    Finding,
    Writer,
    check_digit,
    compose,
    entry_hash,
    is_routing_number,
    make_entry,
    read,
    write,
)
from opencif.nacha.codes import TRANSACTION_CODES, Purpose
from opencif.nacha.entries import SharedNetworkEntry
from opencif.nacha.records import AdvFileControl
from tests.unit.nacha_samples import (
    HEADER,
    PAN,
    ROUTING,
    SEC_CODES,
    batch_header,
    entries,
    findings,
    sample,
)

PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


@pytest.mark.parametrize(
    ("eight", "ninth"), [("07640125", 1), ("01100001", 5), ("02600959", 3), ("23138010", 4)]
)
def test_check_digits(eight: str, ninth: int) -> None:
    assert check_digit(eight) == ninth
    assert is_routing_number(f"{eight}{ninth}")
    assert not is_routing_number(f"{eight}{(ninth + 1) % 10}")


@pytest.mark.parametrize(
    "text",
    ["", "1234567", "1234567a", "\uff11" * 8, "12345678 "],
)
def test_only_ascii_digits_make_a_routing_number(text: str) -> None:
    assert not is_routing_number(text)
    if len(text) < 9:
        with pytest.raises(ValueError, match="eight digits"):
            check_digit(text)


def test_entry_hash_keeps_ten_digits() -> None:
    assert entry_hash(998_877_665_544) == 8_877_665_544


def test_transaction_codes_come_from_the_table() -> None:
    assert {c for c, t in TRANSACTION_CODES.items() if t.is_debit} == {
        *(26, 27, 28, 29, 36, 37, 38, 39, 46, 47, 48, 49, 55, 56),
        *(82, 84, 86, 88),
    }
    assert {c for c, t in TRANSACTION_CODES.items() if not t.is_debit} == {
        *(21, 22, 23, 24, 31, 32, 33, 34, 41, 42, 43, 44, 51, 52, 53, 54),
        *(81, 83, 85, 87),
    }
    assert TRANSACTION_CODES[55].purpose is Purpose.REVERSAL
    assert {TRANSACTION_CODES[c].return_code for c in (22, 27, 38, 44, 53, 55)} == {
        *(21, 26, 36, 41, 51, 56)
    }


@given(st.text(PRINTABLE, max_size=22), st.integers(0, 10**10 - 1))
def test_built_fields_read_back(name: str, amount: int) -> None:
    header = batch_header("PPD")
    fields: dict[str, Any] = {
        "transaction_code": 27,
        "routing_number": ROUTING,
        "account_number": "0012",
    }
    entry = make_entry(header, 1, individual_name=name, amount=amount, **fields)
    assert len(entry.raw) == 94
    assert (entry.individual_name, entry.amount) == (name.strip(" "), amount)
    assert (entry.account_number, entry.trace_number) == ("0012", "121042880000001")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("individual_name", "x" * 23),
        ("individual_name", "Jos\u00e9"),
        ("individual_name", "two\nlines"),
        ("amount", 10**10),
        ("amount", -1),
        ("routing_number", "23138010A"),
        ("routing_number", "\uff12" * 9),
        ("no_such_field", "1"),
    ],
)
def test_what_does_not_fit_is_refused_without_its_value(field: str, value: str | int) -> None:
    with pytest.raises(FieldError) as refused:
        entries(batch_header("PPD"), 1, **{field: value})
    assert refused.value.field == field
    assert str(value) not in str(refused.value)


def test_a_short_batch_control_cannot_hide_an_overflow() -> None:
    header = batch_header("CCD")
    many = (e for n in range(101) for e in entries(header, 1, amount=9_999_999_999))
    with pytest.raises(FieldError, match="debit_total"):
        list(compose(HEADER, [(header, many)]))


def test_an_entry_of_another_layout_is_refused() -> None:
    writer = Writer(HEADER)
    with pytest.raises(FieldError, match="open batch"):
        writer.entry(entries(batch_header("PPD"), 1)[0])
    writer.batch(batch_header("CTX"))
    with pytest.raises(FieldError, match="open batch"):
        writer.entry(entries(batch_header("PPD"), 1)[0])


def test_an_empty_file_is_one_block() -> None:
    data = Writer(HEADER).close()
    assert len(data.split(b"\n")[:-1]) == 10
    assert findings(data) == []


def test_advices_have_controls_of_their_own() -> None:
    control = next(e for e in read([sample("ADV")]) if isinstance(e, FileControl))
    assert isinstance(control, AdvFileControl)
    assert control.debit_total == 3 * 12_345


random_batches = st.lists(
    st.tuples(st.sampled_from(SEC_CODES), st.integers(1, 6), st.integers(0, 10**9)),
    min_size=1,
    max_size=6,
)


@given(random_batches, st.sampled_from([b"\n", b"\r\n", b""]), st.integers(1, 500))
def test_random_files_round_trip(
    batches: list[tuple[str, int, int]], separator: bytes, step: int
) -> None:
    is_advice = {sec == "ADV" for sec, _, _ in batches}
    if len(is_advice) > 1:  # advices come in files of their own
        batches = [batch for batch in batches if batch[0] != "ADV"]
    headers = [(batch_header(sec, n), size) for n, (sec, size, _) in enumerate(batches, 1)]
    data = b"".join(compose(HEADER, [(h, entries(h, size)) for h, size in headers], separator))
    events = list(read(data[i : i + step] for i in range(0, len(data), step)))
    assert not [event for event in events if isinstance(event, Finding)]
    assert b"".join(write(events, separator)) == data
    assert sum(isinstance(event, Entry) for event in events) == sum(n for _, n in headers)


def test_replacing_fields_keeps_the_rest() -> None:
    entry = entries(batch_header("PPD"), 1)[0]
    other = entry.replace(amount=7)
    assert (other.amount, other.batch, other.addenda) == (7, entry.batch, entry.addenda)
    assert other.raw[:29] + other.raw[39:] == entry.raw[:29] + entry.raw[39:]
    assert entry.amount == 12_345


def test_card_numbers_print_masked_and_rewrite_exactly() -> None:
    data = sample("SHR", count=1)
    entry = next(e for e in read([data]) if isinstance(e, SharedNetworkEntry))
    card = entry.card_number
    assert card.reveal() == PAN
    shown = f"{card} {card!r} {card:>30} {[card]} %s" % card  # old formatting too
    assert PAN not in shown
    assert PAN[:12] not in shown
    assert card == CardNumber(PAN)
    assert hash(card) == hash(CardNumber(PAN))
    assert card != CardNumber("4000000000000002")
    assert b"".join(write(read([data]))) == data
    assert entry.replace(card_number=card).raw == entry.raw
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(card)
    with pytest.raises(FieldError, match="22 digits"):
        entry.replace(card_number="4111-1111")


@pytest.mark.parametrize("digits", ["", "1", "12345678"])
def test_a_short_card_number_shows_nothing(digits: str) -> None:
    assert digits not in repr(CardNumber(digits)) or not digits


def test_a_long_file_streams_through_in_little_memory() -> None:
    header = batch_header("TEL")
    raw = entries(header, 1)[0].raw

    def many() -> Iterator[Entry]:
        for n in range(1, 50_001):
            yield Entry(b"%s%07d" % (raw[:87], n))

    tracemalloc.start()
    count = sum(isinstance(e, Entry) for e in read(compose(HEADER, [(header, many())])))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 50_000  # 4.7 MB of records
    assert peak < 500_000


def test_headers_know_their_constants() -> None:
    raw = FileHeader.build().raw
    assert raw[:3] == b"101"
    assert raw[33:40] == b"A094101"
