"""A bank with accounts for every planted outcome, and files for them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opencif import nacha
from opencif.client import Client
from opencif.nacha import BatchHeader, FileHeader, IatBatchHeader, make_entry
from opencif.nacha.addenda import (
    IatBank,
    IatOriginatingBank,
    IatOriginatorCity,
    IatOriginatorName,
    IatReceiverCity,
    IatReceiverName,
    IatReceiverStreet,
    IatReceivingBank,
    TerminalAddenda,
)
from opencif.v1 import account_pb2, ach_pb2, customer_pb2, routing_pb2
from opencif.v1.ach_pb2 import AchEntry, AchResolution, ResolveAchFileOptions
from tests.rpc.bank import new_number, open_account

OURS, OTHER, RETIRED = "076401251", "011000015", "026009593"
PATIENT_S = 60.0
NAME = {"individual_name": "ANN BELL"}
POST, NOC, RETURN, REVIEW, NOT_OURS = (
    ach_pb2.DISPOSITION_POST,
    ach_pb2.DISPOSITION_POST_WITH_NOC,
    ach_pb2.DISPOSITION_RETURN,
    ach_pb2.DISPOSITION_REVIEW,
    ach_pb2.DISPOSITION_NOT_OURS,
)
PAN = "4111111111111111"
HEADER = FileHeader.build(
    immediate_destination=f" {OURS}",
    immediate_origin="1234567890",
    creation_date="261123",
    creation_time="0600",
    destination_name="OUR BANK",
    origin_name="SENDING BANK",
)


@dataclass
class Bank:
    """A bank with one account for each case; `numbers` are theirs."""

    client: Client
    numbers: dict[str, str] = field(default_factory=dict)

    async def account(self, case: str, *owners: str, **fields: Any) -> str:
        self.numbers[case] = new_number()
        said = {"number": self.numbers[case], "routing_number": OURS} | fields
        return (await open_account(self.client, *owners, **said)).name

    async def deceased(self) -> str:
        """A customer who is active, so that the death can be recorded once accounts are there."""
        customers = self.client.customers
        request = customer_pb2.CreateCustomerRequest(
            customer={
                "kind": "CUSTOMER_KIND_PERSON",
                "person": {
                    "given_name": "Ann",
                    "family_name": "Bell",
                    "birth_date": "1980-02-29",
                },
                "identifiers": [
                    {
                        "type": "IDENTIFIER_TYPE_PASSPORT",
                        "value": new_number(),
                        "issuing_country": "US",
                    }
                ],
                "addresses": [
                    {"type": "ADDRESS_TYPE_RESIDENTIAL", "town_name": "Troy", "country": "US"}
                ],
            },
            onboard=True,
        )
        name = (await customers.CreateCustomer(request)).customer.name
        await customers.ActivateCustomer(customer_pb2.ActivateCustomerRequest(name=name))
        await self.account("dead", name)
        died = customer_pb2.MarkDeceasedRequest(name=name, deceased_date="2026-10-01")
        await customers.MarkDeceased(died)
        return name

    async def settle(self) -> None:
        """Plants what DOMAIN's journey names, and the routing numbers."""
        accounts = self.client.accounts
        await self.account("ok")
        await self.account("ok too", individual_ids=["77", "76"])
        await self.account("savings", account_type="ACCOUNT_TYPE_SAVINGS")
        await self.account("deposit", account_type="ACCOUNT_TYPE_TIME_DEPOSIT")
        await self.deceased()
        closed = await self.account("closed")
        await accounts.CloseAccount(account_pb2.CloseAccountRequest(name=closed))
        frozen = await self.account("frozen")
        await accounts.PlaceRestriction(
            account_pb2.PlaceRestrictionRequest(
                name=frozen, restriction={"type": "RESTRICTION_TYPE_LEGAL_FREEZE"}
            )
        )
        moved = await self.account("moved")
        self.numbers["new"] = new_number()
        await accounts.RenumberAccount(
            account_pb2.RenumberAccountRequest(
                name=moved,
                new_account_number=self.numbers["new"],
                terms={"reason": "RENUMBER_REASON_RENUMBER"},
            )
        )


async def is_known(address: str) -> None:
    """Wait until a worker knows our routing numbers: it learns of them with its next poll."""
    request = routing_pb2.LookupRoutingNumbersRequest(routing_numbers=[RETIRED])
    async with Client(address, timeout_s=PATIENT_S) as worker, asyncio.timeout(PATIENT_S):
        while True:
            answer = await worker.routing.LookupRoutingNumbers(request)
            if answer.results[0].found:
                break
            await asyncio.sleep(0.05)


async def settled(client: Client, addresses: list[str]) -> Bank:
    """A bank that every worker knows, with new accounts."""

    def additions() -> Iterator[routing_pb2.ImportRoutingNumbersRequest]:
        for row in (
            {
                "routing_number": OURS,
                "ours": True,
                "participates": True,
                "account_scheme": {"min_length": 4, "digits_only": True},
            },
            {"routing_number": OTHER, "participates": True},
            {"routing_number": RETIRED, "record_type": 2, "new_routing_number": OURS},
        ):
            yield routing_pb2.ImportRoutingNumbersRequest(addition=row)

    await client.routing.ImportRoutingNumbers(additions())
    await asyncio.gather(*(is_known(address) for address in addresses))
    made = Bank(client)
    await made.settle()
    return made


CASES: list[tuple[str, dict[str, Any], int, str]] = [
    ("ok", {}, POST, ""),
    ("closed", {}, RETURN, "R02"),
    ("unknown", {}, RETURN, "R03"),
    ("malformed", {}, RETURN, "R04"),
    ("frozen", {}, RETURN, "R16"),
    ("deposit", {}, RETURN, "R20"),
    ("dead", {}, RETURN, "R15"),
    ("moved", {}, NOC, "C01"),
    ("savings", {}, NOC, "C05"),
    ("ok too", {"individual_id": "76"}, NOC, "C09"),
    ("ok", {"routing_number": RETIRED}, NOC, "C02"),
    ("moved", {"routing_number": RETIRED}, NOC, "C03"),
    ("ok", {"routing_number": OTHER}, NOT_OURS, "NOT_OURS"),
    ("ok", {"routing_number": "076401252"}, RETURN, "R28"),
    ("ok", {"transaction_code": 25}, RETURN, "R26"),
    ("ok", {"individual_name": "SOMEBODY ELSE"}, POST, "NAME_NO_MATCH"),
]


def corrected(bank: Bank, code: str) -> str:
    new = bank.numbers["new"]
    said = {"C01": new, "C02": OURS, "C03": f"{OURS}   {new}", "C05": "32", "C09": "77"}
    return said.get(code, "")


def number_of(bank: Bank, case: str) -> str:
    return bank.numbers.get(case) or {"unknown": "5555555555", "malformed": "12A4"}[case]


def ach_entry(bank: Bank, case: str, seq: int, fields: dict[str, Any]) -> AchEntry:
    said: dict[str, Any] = {"transaction_code": 22, "individual_id": "77"} | NAME | fields
    return AchEntry(
        entry_seq=seq,
        rdfi_routing=said.get("routing_number", OURS),
        dfi_account_number=number_of(bank, case),
        transaction_code=said["transaction_code"],
        amount_minor=100,
        sec_code="PPD",
        individual_name=said["individual_name"],
        individual_id=said["individual_id"],
        company_id="1234567890",
        settlement_date="2026-11-23",
        trace_number=f"12345678{seq:07d}",
    )


def told(resolution: AchResolution) -> tuple[int, str]:
    return resolution.disposition, next(iter(resolution.findings), "")


def header(sec: str, number: int, **fields: Any) -> BatchHeader:
    said: dict[str, Any] = {
        "service_class": 220,
        "company_id": "1234567890",
        "sec_code": sec,
        "entry_description": "PAYMENT",
        "effective_date": "261123",
        "odfi": "12345678",
        "batch_number": number,
    }
    if sec == "IAT":
        return IatBatchHeader.build(**(said | fields))
    return BatchHeader.build(company_name="ACME", **(said | fields))


def forward(batch: BatchHeader, seq: int, number: str, **fields: Any) -> nacha.Entry:
    said: dict[str, Any] = {
        "transaction_code": 22,
        "routing_number": OURS,
        "account_number": number,
        "amount": 100,
    }
    addenda: Any = ()
    if batch.sec_code == "IAT":
        addenda = iat_addenda()
    elif batch.sec_code == "SHR":
        addenda = [TerminalAddenda.build(city="NY")]
    else:
        said |= NAME
    return make_entry(batch, seq, addenda, **(said | fields))


def iat_addenda() -> list[Any]:
    place = {"city_state": "TOWN*AB\\", "country_postal_code": "CA*80014\\"}
    banks: list[type[IatBank]] = [IatOriginatingBank, IatReceivingBank]
    return [
        IatReceiverName.build(transaction_type="BUS", receiver_name="ANN BELL"),
        IatOriginatorName.build(originator_name="TRADER", originator_street="1 WEST"),
        IatOriginatorCity.build(**place),
        *(kind.build(bank_name="BANK", bank_id=OURS, branch_country="US") for kind in banks),
        IatReceiverStreet.build(receiver_id="77", receiver_street="2 EAST"),
        IatReceiverCity.build(**place),
    ]


def planted(bank: Bank) -> tuple[bytes, list[tuple[int, str]]]:
    """A file with every case in PPD, then CCD, IAT and SHR; and what it is to earn."""
    batches: list[tuple[BatchHeader, list[nacha.Entry]]] = []
    expected: list[tuple[int, str]] = []
    for number, sec in enumerate(("PPD", "CCD"), 1):
        batch = header(sec, number)
        batches.append(
            (
                batch,
                [
                    forward(batch, n, number_of(bank, case), **fields)
                    for n, (case, fields, *_) in enumerate(CASES, 1)
                ],
            )
        )
        expected += [(disposition, code) for *_, disposition, code in CASES]
    for number, sec in enumerate(("IAT", "SHR"), 3):
        batch = header(sec, number)
        cases = ("ok", "closed", "moved")
        cards = {"card_number": PAN, "card_expiration": "0728"} if sec == "SHR" else {}
        batches.append(
            (
                batch,
                [forward(batch, n, number_of(bank, c), **cards) for n, c in enumerate(cases, 1)],
            )
        )
        expected += [(POST, ""), (RETURN, "R02"), (NOC, "C01")]
    return b"".join(nacha.compose(HEADER, batches)), expected


@dataclass
class Answer:
    """The parts of a file's answer, put together."""

    resolutions: list[AchResolution] = field(default_factory=list)
    batches: list[ach_pb2.AchBatchResult] = field(default_factory=list)
    findings: list[ach_pb2.AchFinding] = field(default_factory=list)
    returns: bytes = b""
    nocs: bytes = b""
    summary: ach_pb2.AchFileSummary | None = None

    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]


async def resolve(
    client: Client, data: bytes, piece: int = 100_000, answer: Answer | None = None, **options: Any
) -> Answer:
    answer = Answer() if answer is None else answer
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    async for part in client.resolve_file(pieces, options=ResolveAchFileOptions(**options)):
        assert answer.summary is None, "the summary is the last piece"
        kind = part.WhichOneof("part")
        if kind == "batch":
            answer.batches.append(part.batch)
            answer.resolutions.extend(part.batch.resolutions)
        elif kind == "finding":
            answer.findings.append(part.finding)
        elif kind == "return_file":
            answer.returns += part.return_file
        elif kind == "noc_file":
            answer.nocs += part.noc_file
        else:
            answer.summary = part.summary
    return answer
