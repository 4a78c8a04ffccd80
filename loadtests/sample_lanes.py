"""The kinds of batches in a sample file, and how an entry is laid out in each.

It decides neither which entries there are nor what they earn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from loadtests.sample_numbers import ABROAD, CLEARING, OTHERS
from opencif.nacha import BatchHeader, Entry, IatBatchHeader, make_entry
from opencif.nacha.addenda import (
    Addenda,
    IatBank,
    IatOriginatingBank,
    IatOriginatorCity,
    IatOriginatorName,
    IatReceiverCity,
    IatReceiverName,
    IatReceiverStreet,
    IatReceivingBank,
    PaymentAddenda,
    TerminalAddenda,
)

__all__ = ["CARDHOLDERS", "COMPANIES", "LANES", "PEOPLE", "Draft", "Lane", "laid_out"]

CREDITS, DEBITS = 220, 225
PEOPLE, COMPANIES, CARDHOLDERS = "people", "companies", "cardholders"
"""Whose accounts a lane's entries are for."""


@dataclass(slots=True)
class Draft:
    """An entry before it is laid out; amount in cents, the name as it fits the lane."""

    routing_number: str
    account_number: str
    transaction_code: int
    amount: int
    name: str
    individual_id: str
    card_number: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind of batch; `share` is its part of a file's ordinary entries, in percent."""

    name: str
    sec_code: str
    service_class: int
    company_name: str
    company_id: str
    description: str
    share: int
    name_width: int = 22
    audience: str = PEOPLE

    @property
    def is_debit(self) -> bool:
        """Whether its entries take money from the accounts."""
        return self.service_class == DEBITS

    def header(self, as_of: date, batch_number: int) -> BatchHeader:
        """The header of one of its batches, effective the day after `as_of`."""
        shared: dict[str, str | int] = {
            "service_class": self.service_class,
            "company_id": self.company_id,
            "sec_code": self.sec_code,
            "entry_description": self.description,
            "effective_date": f"{as_of + timedelta(days=1):%y%m%d}",
            "odfi": OTHERS[2][:8],
            "batch_number": batch_number,
        }
        if self.sec_code == "IAT":
            return IatBatchHeader.build(**shared | {"odfi": ABROAD[:8]})
        descriptive = f"{as_of:%y%m%d}"
        return BatchHeader.build(
            company_name=self.company_name, descriptive_date=descriptive, **shared
        )


LANES: Final = {
    lane.name: lane
    for lane in (
        Lane("PAYROLL", "PPD", CREDITS, "NORTHWIND WORKS", "1990000001", "PAYROLL", 30),
        Lane("BILL", "PPD", DEBITS, "LAKESIDE POWER", "1990000002", "UTIL BILL", 22),
        Lane("WEB", "WEB", DEBITS, "CORNER SHOP", "1990000003", "PURCHASE", 20),
        Lane("VENDOR", "CCD", CREDITS, "HARBOR SUPPLY", "1990000004", "INVOICES", 7, 22, COMPANIES),
        Lane("TAX", "CCD", DEBITS, "COUNTY TREASURY", "1990000005", "TAX", 5, 22, COMPANIES),
        Lane(
            "TRADE", "CTX", CREDITS, "GRAIN EXCHANGE", "1990000006", "SETTLEMENT", 5, 16, COMPANIES
        ),
        Lane("ABROAD", "IAT", CREDITS, "", "1990000007", "REMITTANCE", 5, 35),
        Lane(
            "CARD", "SHR", DEBITS, "SHARED TERMINALS", "1990000008", "CARD", 5, audience=CARDHOLDERS
        ),
        Lane("PAYER", "CIE", CREDITS, "HOME BANKING", "1990000009", "BILL PAY", 1, 15),
        Lane("NAMELESS", "CIE", CREDITS, "HOME BANKING", "", "BILL PAY", 0, 15),
    )
}
"""Every standard entry class of the sample, in the order of the file."""


def laid_out(lane: Lane, header: BatchHeader, sequence: int, draft: Draft) -> Entry:
    """The entry in its lane's layout, with addenda where the class wants them."""
    fields: dict[str, str | int] = {
        "transaction_code": draft.transaction_code,
        "routing_number": draft.routing_number,
        "account_number": draft.account_number,
        "amount": draft.amount,
    }
    if lane.sec_code == "SHR":
        fields |= {"card_expiration": "1230", "document_reference": f"{sequence:011d}"}
        fields |= {"card_number": draft.card_number}
    elif lane.sec_code != "IAT":
        fields |= {"individual_name": draft.name, "individual_id": draft.individual_id}
    addenda = _ADDENDA[lane.sec_code](draft, sequence) if lane.sec_code in _ADDENDA else ()
    return make_entry(header, sequence, addenda, **fields)


def _remittance(draft: Draft, sequence: int) -> Sequence[Addenda]:
    invoices = (f"RMR*IV*{sequence * 3 + n}**{draft.amount}\\" for n in range(1 + sequence % 3))
    return [PaymentAddenda.build(information=text) for text in invoices]


def _terminal(draft: Draft, sequence: int) -> Sequence[Addenda]:
    return [
        TerminalAddenda.build(
            terminal_id=f"{sequence % 1_000:06d}",
            terminal_serial=f"{sequence % 1_000_000:06d}",
            transaction_date="1101",
            location="MAIN STREET",
            city="SAMPLETON",
            state="OH",
        )
    ]


def _international(draft: Draft, sequence: int) -> Sequence[Addenda]:
    return [
        IatReceiverName.build(
            transaction_type="MIS", foreign_amount=draft.amount, receiver_name=draft.name
        ),
        *_ORIGINATOR,
        IatReceiverStreet.build(
            receiver_id=draft.individual_id, receiver_street=f"{sequence % 900 + 1} MAIN STREET"
        ),
        _RECEIVER_CITY,
    ]


def _bank(layout: type[IatBank], name: str, number: str, country: str) -> IatBank:
    return layout.build(bank_name=name, bank_id=number, branch_country=country)


_ORIGINATOR: Final = (
    IatOriginatorName.build(
        originator_name="NORDIC TIMBER LTD", originator_street="12 HARBOUR ROAD"
    ),
    IatOriginatorCity.build(city_state="OSLO*\\", country_postal_code="NO*0150\\"),
    _bank(IatOriginatingBank, "BANK ABROAD", CLEARING, "NO"),
    _bank(IatReceivingBank, "SAMPLE BANK", ABROAD, "US"),
)
_RECEIVER_CITY: Final = IatReceiverCity.build(
    city_state="SAMPLETON*OH\\", country_postal_code="US*43004\\"
)
_ADDENDA: Final[dict[str, Callable[[Draft, int], Sequence[Addenda]]]] = {
    "CTX": _remittance,
    "SHR": _terminal,
    "IAT": _international,
}
