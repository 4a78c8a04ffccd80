"""What a batch header says of its entries, and when it settles."""

from typing import Any

import pytest

from opencif.nacha import make_entry
from server.ach_batch import OpenBatch, settlement_date
from server.routing_table import Route
from tests.unit.nacha_samples import SEC_CODES, batch_header, entries

DAY = "2026-11-23"
OURS = Route("231380104", is_ours=True)


@pytest.mark.parametrize("sec", SEC_CODES)
def test_the_fields_cut_from_an_entry_are_those_of_its_layout(sec: str) -> None:
    header = batch_header(sec)
    batch = OpenBatch(header, DAY)
    [entry] = entries(header, 1, account_number="744567899")
    facts = batch.facts(entry, OURS)
    assert facts.routing_number == entry.routing_number
    assert facts.account_number == entry.account_number == "744567899"
    assert facts.transaction_code == entry.transaction_code
    assert facts.amount_minor == entry.amount
    assert facts.individual_id == entry.individual_id
    assert batch.name(entry).strip() == entry.individual_name
    assert facts.is_answer == (sec in {"COR", "ADV"})
    assert batch.has_cards == (sec == "SHR")


def test_a_number_that_cannot_be_one_is_empty() -> None:
    header = batch_header("IAT")
    [entry] = entries(header, 1, account_number="1" * 18)
    assert OpenBatch(header, DAY).facts(entry, OURS).account_number == ""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"effective_date": "261124"}, "2026-11-24"),
        ({"effective_date": "261124", "settlement_date": "329"}, "2026-11-25"),
        ({"effective_date": "", "settlement_date": "002"}, "2027-01-02"),
        ({"effective_date": "261324"}, DAY),
        ({"effective_date": ""}, DAY),
        ({"effective_date": "", "settlement_date": "000"}, DAY),
    ],
)
def test_the_day_a_batch_settles(fields: dict[str, Any], expected: str) -> None:
    assert settlement_date(batch_header("PPD", **fields), DAY) == expected


@pytest.mark.parametrize(
    ("day", "expected"), [("9999-12-31", "9999-01-01"), ("0001-01-01", "0001-12-31")]
)
def test_a_day_of_the_year_stays_within_the_calendar(day: str, expected: str) -> None:
    stated = "366" if day > "2" else "365"
    assert settlement_date(batch_header("PPD", settlement_date=stated), day) == expected


@pytest.mark.parametrize(
    ("sec", "fields", "is_benefit"),
    [
        ("PPD", {"originator_status": "2", "entry_description": "XXSOC SEC"}, True),
        ("PPD", {"originator_status": "2", "entry_description": "TAX REF"}, False),
        ("PPD", {"originator_status": "1", "entry_description": "XXSOC SEC"}, False),
        ("CCD", {"originator_status": "2"}, False),
    ],
)
def test_a_federal_benefit_is_told_by_who_pays(
    sec: str, fields: dict[str, Any], is_benefit: bool
) -> None:
    header = batch_header(sec, **fields)
    entry = make_entry(header, 1, (), transaction_code=22, routing_number="231380104")
    assert OpenBatch(header, DAY).facts(entry, OURS).is_federal_benefit == is_benefit
