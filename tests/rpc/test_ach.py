"""Journey 1: clearing resolves entries and files (DOMAIN, section F)."""

import asyncio
import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from opencif import nacha
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.nacha import BatchHeader, FileHeader, IatBatchHeader, make_entry
from opencif.nacha.addenda import (
    ChangeAddenda,
    IatBank,
    IatOriginatingBank,
    IatOriginatorCity,
    IatOriginatorName,
    IatReceiverCity,
    IatReceiverName,
    IatReceiverStreet,
    IatReceivingBank,
    ReturnAddenda,
    TerminalAddenda,
)
from opencif.v1 import account_pb2, ach_pb2, customer_pb2, routing_pb2
from opencif.v1.ach_pb2 import AchEntry, AchResolution, ResolveAchFileOptions
from tests.rpc.bank import new_number, open_account

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "data" / "ach"
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


@pytest.fixture
async def bank(client: Client, addresses: list[str]) -> Bank:
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
            yield routing_pb2.ImportRoutingNumbersRequest(addition=row)  # type: ignore[arg-type]  # a dict is taken as a message

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
    said = {"transaction_code": 22, "individual_id": "77"} | NAME | fields
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


async def test_entries_earn_what_was_planted_in_their_order(bank: Bank) -> None:
    entries = [ach_entry(bank, case, n, fields) for n, (case, fields, *_) in enumerate(CASES, 1)]
    answer = await bank.client.resolve_entries(entries)
    assert [told(one) for one in answer.resolutions] == [
        (disposition, code) for _, _, disposition, code in CASES
    ]
    assert [one.entry_seq for one in answer.resolutions] == list(range(1, len(CASES) + 1))
    for one in answer.resolutions:
        assert one.noc.corrected_data.rstrip() == corrected(bank, one.noc.code)
        assert one.return_by_date == ("2026-11-25" if one.return_code or one.noc.code else "")
        assert one.date_of_death == ("2026-10-01" if one.return_code == "R15" else "")
    first = answer.resolutions[0]
    assert first.account.startswith("accounts/")
    assert first.account_state == account_pb2.ACCOUNT_STATE_OPEN
    assert first.master_version > 1
    assert first.name_match == ach_pb2.NAME_MATCH_MATCH


async def test_an_entry_without_its_form_is_for_review_and_the_others_are_resolved(
    bank: Bank,
) -> None:
    entries = [ach_entry(bank, "ok", n, {}) for n in range(4)]
    entries[1].settlement_date = "2026-02-30"
    entries[2].ClearField("rdfi_routing")
    answer = await bank.client.resolve_entries(entries)
    assert [told(one) for one in answer.resolutions] == [
        (POST, ""),
        (REVIEW, "INVALID_DATE"),
        (REVIEW, "REQUIRED"),
        (POST, ""),
    ]


@pytest.mark.parametrize(("count", "reason"), [(0, "EMPTY_BATCH"), (1001, "TOO_LONG")])
async def test_a_batch_has_one_to_a_thousand_entries(bank: Bank, count: int, reason: str) -> None:
    request = ach_pb2.ResolveAchEntriesRequest(entries=[ach_entry(bank, "ok", 1, {})] * count)
    with pytest.raises(OpencifError) as refused:
        await bank.client.ach.ResolveAchEntries(request)
    assert refused.value.reason in {reason, "REQUIRED"}


async def test_a_decision_is_judged_as_of_its_time(bank: Bank) -> None:
    request = ach_pb2.ResolveAchEntriesRequest(entries=[ach_entry(bank, "dead", 1, {})])
    request.as_of.FromJsonString("2026-09-30T12:00:00Z")
    answer = await bank.client.ach.ResolveAchEntries(request)
    assert answer.resolutions[0].return_code != "R15"


async def test_a_change_is_seen_by_the_next_call(bank: Bank) -> None:
    name = await bank.account("late")
    assert told(
        (await bank.client.resolve_entries([ach_entry(bank, "late", 1, {})])).resolutions[0]
    ) == (POST, "")
    await bank.client.accounts.CloseAccount(account_pb2.CloseAccountRequest(name=name))
    answer = await bank.client.resolve_entries([ach_entry(bank, "late", 1, {})])
    assert told(answer.resolutions[0]) == (RETURN, "R02")


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


async def test_a_file_earns_what_was_planted(bank: Bank) -> None:
    data, expected = planted(bank)
    answer = await resolve(bank.client, data)
    assert [told(one) for one in answer.resolutions] == expected
    assert [one.entry_seq for one in answer.resolutions] == list(range(1, len(expected) + 1))
    assert all(
        data.split(b"\n")[one.line - 1][79:94].decode() == one.trace_number
        for one in answer.resolutions
    )
    assert [(one.sec_code, one.batch_number, one.more) for one in answer.batches] == [
        ("PPD", 1, False), ("CCD", 2, False), ("IAT", 3, False), ("SHR", 4, False),
    ]  # fmt: skip
    summary = answer.summary
    assert summary is not None
    assert summary.file_hash == hashlib.sha256(data).hexdigest()
    assert not summary.duplicate
    by_code = Counter(code for disposition, code in expected if disposition == RETURN)
    assert {one.code: one.entries for one in summary.returns} == by_code
    by_code = Counter(code for disposition, code in expected if disposition == NOC)
    assert {one.code: one.entries for one in summary.nocs} == by_code
    dispositions = Counter(disposition for disposition, _ in expected)
    assert (summary.posted, summary.returned) == (dispositions[POST], dispositions[RETURN])
    assert summary.entries == len(expected)
    totals = summary.totals
    assert totals.entry_hash == totals.entry_hash_stated
    known = sum(
        code != "R26" for _, code in expected
    )  # an unknown code is neither debit nor credit
    assert totals.credit_minor == totals.credit_minor_stated == 100 * known
    assert totals.entry_addenda_count == totals.entry_addenda_count_stated
    assert not any(one.noc.corrected_data for one in answer.resolutions)


async def test_the_files_answer_every_entry_that_earned_one_and_parse_clean(bank: Bank) -> None:
    data, expected = planted(bank)
    answer = await resolve(bank.client, data)
    assert answer.summary is not None
    assert len(answer.returns) == answer.summary.return_file_bytes
    assert len(answer.nocs) == answer.summary.noc_file_bytes
    returned = list(nacha.read([answer.returns]))
    changed = list(nacha.read([answer.nocs]))
    assert not [one for one in returned + changed if isinstance(one, nacha.Finding)]
    returns = [e.addenda[-1] for e in returned if isinstance(e, nacha.Entry)]
    assert [a.return_code for a in returns if isinstance(a, ReturnAddenda)] == [
        code for disposition, code in expected if disposition == RETURN
    ]
    changes = [e.addenda[-1] for e in changed if isinstance(e, nacha.Entry)]
    found = [(a.change_code, a.corrected_data) for a in changes if isinstance(a, ChangeAddenda)]
    assert found == [
        (code, corrected(bank, code)) for disposition, code in expected if disposition == NOC
    ]


async def test_a_card_number_comes_back_as_its_token_and_in_the_return_file_only(
    bank: Bank,
) -> None:
    batch = header("SHR", 1)
    cards = [PAN, "4111111111111112"]
    entries = [
        forward(batch, n, number_of(bank, "closed"), card_number=pan, card_expiration="0728")
        for n, pan in enumerate(cards, 1)
    ]
    answer = await resolve(bank.client, b"".join(nacha.compose(HEADER, [(batch, entries)])))
    good, bad = answer.resolutions
    assert good.card_token.endswith(PAN[-4:])
    assert good.card_token != PAN
    assert bad.card_token == ""
    [finding] = answer.findings
    assert (finding.code, finding.column) == ("NUMBER_NOT_LUHN", 55)
    assert answer.returns.count(PAN.encode()) == 1
    assert b"4111111111111112" not in answer.returns
    assert all(pan not in str(answer.resolutions + answer.findings) for pan in cards)


async def test_parts_of_a_batch_follow_each_other_whatever_the_pieces(bank: Bank) -> None:
    batches = []
    for number, count in enumerate((1, 2_500, 1_000, 3), 1):
        batch = header("PPD", number)
        entry = forward(batch, 1, number_of(bank, "ok"))
        batches.append((batch, [entry] * count))
    data = b"".join(nacha.compose(HEADER, batches))
    answer = await resolve(bank.client, data, piece=77_777)
    assert len(answer.resolutions) == 3_504
    sizes: dict[int, list[int]] = {}
    for one in answer.batches:
        assert len(one.resolutions) <= 1_000
        sizes.setdefault(one.batch_number, []).append(len(one.resolutions))
    assert [sum(sizes[number]) for number in (1, 2, 3, 4)] == [1, 2_500, 1_000, 3]
    last = {one.batch_number: one.more for one in answer.batches}
    assert not any(last.values())
    assert sum(one.more for one in answer.batches) == len(answer.batches) - 4


async def test_exceptions_leave_plain_posts_out(bank: Bank) -> None:
    data, expected = planted(bank)
    answer = await resolve(
        bank.client, data, detail=ach_pb2.RESULT_DETAIL_EXCEPTIONS, without_files=True
    )
    assert [told(one) for one in answer.resolutions] == [one for one in expected if one[1]]
    assert (answer.returns, answer.nocs) == (b"", b"")
    assert answer.summary is not None
    assert answer.summary.entries == len(expected)


async def test_the_same_file_again_is_a_duplicate_and_the_same_request_is_not(bank: Bank) -> None:
    data, _ = planted(bank)
    request_id = str(uuid.uuid4())
    first = await resolve(bank.client, data, request_id=request_id)
    repeated = await resolve(bank.client, data, request_id=request_id)
    assert repeated == first
    again = await resolve(bank.client, data)
    assert again.codes() == [*first.codes(), "DUPLICATE_FILE"]
    assert again.summary is not None
    assert again.summary.duplicate
    assert await resolve(bank.client, data, request_id=request_id) == first


async def test_another_file_under_the_same_request_id_is_refused(bank: Bank) -> None:
    data, _ = planted(bank)
    request_id = str(uuid.uuid4())
    await resolve(bank.client, data, request_id=request_id)
    with pytest.raises(OpencifError) as refused:
        await resolve(bank.client, data.replace(b"PAYMENT", b"ANOTHER"), request_id=request_id)
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_control_that_does_not_agree_is_a_finding(bank: Bank) -> None:
    data, expected = planted(bank)
    lines = data.split(b"\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(b"9") and line[1:2] != b"9")
    lines[at] = lines[at][:21] + b"0000000001" + lines[at][31:]
    answer = await resolve(bank.client, b"\n".join(lines))
    assert "ENTRY_HASH" in answer.codes()
    found = next(one for one in answer.findings if one.code == "ENTRY_HASH")
    assert (found.line, found.severity) == (at + 1, ach_pb2.FINDING_SEVERITY_CONTROL)
    assert len(answer.resolutions) == len(expected)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: b"", "EMPTY_FILE"),
        (lambda data: data[:1_000], "BAD_LENGTH"),
        (lambda data: data.replace(b"ANN", b"A\x01N", 1), "BAD_CHARACTER"),
        (lambda data: data.replace(b"\n8220", b"\n4220", 1), "UNKNOWN_RECORD_TYPE"),
        (lambda data: data[95:], "OUT_OF_SEQUENCE"),
    ],
)
async def test_a_broken_file_ends_with_where_it_is_broken(
    bank: Bank, spoil: Any, code: str
) -> None:
    data, _ = planted(bank)
    answer = Answer()
    with pytest.raises(OpencifError) as refused:
        await resolve(bank.client, spoil(data), answer=answer)
    assert refused.value.reason == "INVALID_FILE"
    assert "line" in str(refused.value)
    [finding] = [
        one for one in answer.findings if one.severity == ach_pb2.FINDING_SEVERITY_STRUCTURAL
    ]
    assert finding.code == code
    assert answer.summary is None


async def test_options_come_first_or_not_at_all(bank: Bank) -> None:
    data, _ = planted(bank)
    request = ach_pb2.ResolveAchFileRequest

    async def call(*requests: ach_pb2.ResolveAchFileRequest) -> int:
        return len([one async for one in bank.client.ach.ResolveAchFile(iter(requests))])

    assert await call(request(data=data)) > 1
    for requests in ([request(data=data), request(options={})], [request()], []):
        with pytest.raises(OpencifError) as refused:
            await call(*requests)
        assert refused.value.code.name == "INVALID_ARGUMENT"


@pytest.mark.parametrize("detail", [ach_pb2.RESULT_DETAIL_ALL, ach_pb2.RESULT_DETAIL_EXCEPTIONS])
async def test_every_kind_of_file_is_resolved_or_refused_with_a_place(
    bank: Bank, detail: Any
) -> None:
    """The public samples, where they are at hand, and whatever stands in them."""
    for path in sorted(SAMPLES.glob("*.ach")):
        answer = await resolve(bank.client, path.read_bytes(), detail=detail)
        assert answer.summary is not None, path.name
        assert answer.summary.entries == answer.summary.not_ours + answer.summary.returned + (
            answer.summary.review + answer.summary.posted + answer.summary.posted_with_noc
        )
        parsed = list(nacha.read([answer.returns])) if answer.returns else []
        assert not [one for one in parsed if isinstance(one, nacha.Finding)], path.name
