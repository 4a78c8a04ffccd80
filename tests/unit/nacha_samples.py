"""NACHA files of our own making for the codec's tests: every SEC code, entries of every layout."""

from typing import Any

from opencif.nacha import (
    BatchHeader,
    Entry,
    FileHeader,
    Finding,
    IatBatchHeader,
    compose,
    make_entry,
    read,
)
from opencif.nacha.addenda import (
    ChangeAddenda,
    IatCorrespondentBank,
    IatOriginatingBank,
    IatOriginatorCity,
    IatOriginatorName,
    IatReceiverCity,
    IatReceiverName,
    IatReceiverStreet,
    IatReceivingBank,
    IatRemittance,
    PaymentAddenda,
    TerminalAddenda,
)

HEADER = FileHeader.build(
    immediate_destination=" 231380104",
    immediate_origin=" 121042882",
    creation_date="260508",
    creation_time="1505",
    destination_name="Receiving Bank",
    origin_name="Sending Bank",
)
PAN = "4111111111111111"
ROUTING = "231380104"
PAYMENT, TERMINAL = PaymentAddenda.build(information="RMR*IV*1\\"), TerminalAddenda.build(city="NY")

COMMON = {"individual_id": "ID 1", "individual_name": "Jane Example"}
CHECK = {"check_serial": "123879654"}
EXTRA = {
    **dict.fromkeys(("ARC", "BOC", "RCK"), CHECK | {"individual_name": "Jane Example"}),
    **dict.fromkeys(("TRC", "XCK"), CHECK | {"process_control": "CHECK1"}),
    "POP": {"check_serial": "123456789", "terminal_city": "PHIL", "terminal_state": "PA"},
    "SHR": {
        "card_number": PAN,
        "card_expiration": "0728",
        "document_reference": "12345678910",
        "discretionary_data": "01",
    },
    "IAT": {},
    "ADV": {
        "individual_name": "Correspondent",
        "advice_routing_number": "121042882",
        "operator_routing": "01100001",
    },
}
CREDITS = {"CIE", "ACK", "ATX", "DNE", "ENR", "COR"}
CODES = {"ACK": 24, "ATX": 24, "DNE": 23, "ENR": 23, "COR": 21, "ADV": 82}
NAMED = {"RCK": "REDEPCHECK", "ENR": "AUTOENROLL"}


def iat_addenda(remittances: int = 2, banks: int = 5) -> list:
    """The seven mandatory addenda, then remittances and correspondent banks."""
    place = {"city_state": "LetterTown*AB\\", "country_postal_code": "CA*80014\\"}
    bank: dict = {"bank_name": "Bank", "bank_id": ROUTING, "branch_country": "US"}
    return [
        IatReceiverName.build(transaction_type="BUS", foreign_amount=125, receiver_name="Jane"),
        IatOriginatorName.build(originator_name="Trader", originator_street="1 West"),
        IatOriginatorCity.build(**place),
        IatOriginatingBank.build(**bank),
        IatReceivingBank.build(**bank),
        IatReceiverStreet.build(receiver_id="77", receiver_street="2 East"),
        IatReceiverCity.build(**place),
        *(IatRemittance.build(information="invoice") for _ in range(remittances)),
        *(IatCorrespondentBank.build(**bank) for _ in range(banks)),
    ]


ADDENDA = {
    **dict.fromkeys(("CTX", "ATX", "TRX", "ENR"), (PAYMENT, PAYMENT, PAYMENT)),
    **dict.fromkeys(("PPD", "CCD", "WEB", "CIE", "DNE"), (PAYMENT,)),
    **dict.fromkeys(("POS", "SHR", "MTE"), (TERMINAL,)),
    "COR": (
        ChangeAddenda.build(
            change_code="C01",
            original_trace="121042880000001",
            original_rdfi="23138010",
            corrected_data="1918171614",
        ),
    ),
}
SEC_CODES = (
    *("PPD", "CCD", "CTX", "WEB", "TEL", "ARC", "BOC", "POP", "RCK", "POS", "SHR", "MTE"),
    *("CIE", "IAT", "ADV", "ACK", "ATX", "COR", "DNE", "ENR", "TRC", "TRX", "XCK", "CBR"),
)


def batch_header(sec: str, number: int = 1, **fields: str | int) -> BatchHeader:
    """A header for this SEC code with the service class its sample entries need."""
    service_class = 280 if sec == "ADV" else 220 if sec in CREDITS else 225
    named: dict[str, Any] = {
        "service_class": service_class,
        "sec_code": sec,
        "company_id": "1121042882",
        "entry_description": NAMED.get(sec, "PAYMENT"),
        "effective_date": "260508",
        "odfi": "12104288",
        "batch_number": number,
    }
    if sec == "IAT":
        return IatBatchHeader.build(**(named | fields))
    return BatchHeader.build(company_name="Sample Company", **(named | fields))


def entries(header: BatchHeader, count: int = 3, **fields: str | int) -> list[Entry]:
    """Entries in the header's layout, with the addenda its SEC code asks for."""
    sec = header.sec_code
    code = CODES.get(sec, 22 if sec in CREDITS else 27)
    amount = 12_345 if code in {22, 27, 82} else 0
    named: dict[str, Any] = {
        "transaction_code": code,
        "routing_number": ROUTING,
        "account_number": "744-5678-99",
        "amount": amount,
    }
    addenda = iat_addenda() if sec == "IAT" else ADDENDA.get(sec, ())
    named |= EXTRA.get(sec, COMMON)
    return [make_entry(header, n, addenda, **(named | fields)) for n in range(1, count + 1)]


def sample(*secs: str, count: int = 3, separator: bytes = b"\n") -> bytes:
    """A whole file with one batch for each SEC code."""
    headers = [batch_header(sec, number) for number, sec in enumerate(secs, 1)]
    return b"".join(compose(HEADER, [(h, entries(h, count)) for h in headers], separator))


def findings(data: bytes) -> list:
    """(code, line, column) of every finding in the file."""
    return [(e.code.value, e.line, e.column) for e in read([data]) if isinstance(e, Finding)]
