"""The sample bank and file: the same for the same seed, well-formed, and worth what is planted."""

import hashlib
import itertools
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from loadtests import sample_file, sample_numbers
from loadtests.sample_bank import AS_OF, Renumbering, SampleBank
from loadtests.sample_cases import CASES, Case
from loadtests.sample_file import POLICY, SampleFile, generate
from loadtests.sample_people import fitted
from loadtests.sample_routing import additions, directory
from opencif import nacha
from opencif.v1 import account_pb2, ach_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.customer_pb2 import Customer
from server.account_facts import AccountFacts
from server.ach_batch import OpenBatch
from server.fedach import DirectoryReader
from server.resolution import Decision, Found, Judge, Policy, moved_to
from server.routing_rows import overlaid, to_row
from server.routing_table import RoutingTable
from server.validation import validate
from tokenizer import normal

SMALL = 500
TODAY = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def bank() -> SampleBank:
    return SampleBank(SMALL)


@pytest.fixture(scope="module")
def table(bank: SampleBank) -> RoutingTable:
    reader = DirectoryReader()
    reader.feed(directory(bank.as_of))
    reader.close()
    assert not reader.refused
    return RoutingTable(overlaid([*reader.rows.values(), *map(to_row, additions())]))


def digests(name: str) -> list[int]:
    return [zlib.crc32(word.encode()) for word in normal.name_words(name)]


class Master:
    """The bank as the server would hold it, in memory: accounts by routing and account number."""

    def __init__(self, bank: SampleBank, table: RoutingTable) -> None:
        self.names = {customer.name: customer for customer in bank.customers()}
        self.accounts: dict[tuple[str, str], Account] = {}
        for account in bank.accounts():
            for party in account.parties:
                customer = self.names[party.customer]
                party.deceased_date = customer.deceased_date
                party.name_digests.extend(_words(customer))
            number = table.scheme(account.routing_number).account_number(account.account_number)
            assert self.accounts.setdefault((account.routing_number, number), account) is account
        for move in bank.renumberings():
            self._move(move)

    def _move(self, move: Renumbering) -> None:
        old = self.accounts[move.routing_number, move.account_number]
        new = Account()
        new.CopyFrom(old)
        new.routing_number = move.new_routing_number
        if move.new_account_type:
            new.account_type = getattr(account_pb2, move.new_account_type)
        old.state = account_pb2.ACCOUNT_STATE_CLOSED
        old.replacement.account = "/".join((move.new_routing_number, move.new_account_number))
        old.replacement.effective_date = move.effective_date
        self.accounts[move.new_routing_number, move.new_account_number] = new

    def found(self, routing_number: str, account_number: str, day: str) -> Found:
        account = self.accounts.get((routing_number, account_number))
        if account is None:
            return Found()
        facts = _facts(account)
        if heir := moved_to(facts, day):
            routing, number = heir.split("/")
            return Found(_facts(self.accounts[routing, number]), facts)
        return Found(facts)


def _facts(account: Account) -> AccountFacts:
    return AccountFacts(account.SerializeToString())


def _words(customer: Customer) -> Iterable[int]:
    person = customer.person
    known = (person.given_name, person.family_name, customer.organization.legal_name)
    return itertools.chain.from_iterable(map(digests, known))


def decisions(sample: SampleFile, master: Master, table: RoutingTable) -> Iterator[Decision]:
    """What the server's own decision table says of every entry of a file."""
    judge = Judge(Policy.of(POLICY), TODAY)
    for event in nacha.read(sample.chunks()):
        if isinstance(event, nacha.BatchHeader):
            batch = OpenBatch(event, judge.day)
        elif isinstance(event, nacha.Entry):
            route = table.route(event.raw[3:12].decode(), judge.day)
            facts = batch.facts(event, route)
            if name := batch.name(event).strip():
                facts.name_digests = (frozenset(digests(name)),)
            found = master.found(route.routing_number, facts.account_number, judge.day)
            yield judge.decide(facts, route, found)


def earned(decision: Decision) -> str:
    if decision.disposition == ach_pb2.DISPOSITION_REVIEW:
        return "REVIEW"
    if decision.disposition == ach_pb2.DISPOSITION_NOT_OURS:
        return "NOT_OURS"
    return decision.return_code or decision.noc_code


def test_entries_earn_what_was_planted(table: RoutingTable) -> None:
    bank = SampleBank(3_000)
    sample = SampleFile(bank, 5_000)
    planted: dict[int, Case] = dict(sample.planted())
    wrong = []
    for entry, decision in enumerate(decisions(sample, Master(bank, table), table), 1):
        case = planted.get(entry)
        expected, finding = (case.earns, case.finding) if case else ("", "")
        if earned(decision) != expected or (finding and finding not in decision.findings):
            wrong.append((entry, case.name if case else "ordinary", earned(decision)))
        if not case and decision.findings:
            wrong.append((entry, "ordinary", str(decision.findings)))
    assert not wrong
    assert entry == 5_000


def test_names_are_fitted_by_whole_words() -> None:
    assert fitted("Zoé Núñez-Castillo", 22) == "ZOE NUNEZ-CASTILLO"
    assert fitted("Zoé Núñez-Castillo", 12) == "ZOE NUNEZ"
    assert fitted("Castillo-Hernandez Inc", 16) == "CASTILLO"
    assert fitted("Smith, Jones and Brown", 16) == "SMITH, JONES AND"


def test_every_case_is_planted_in_the_smallest_file(bank: SampleBank) -> None:
    names = Counter(case.name for _, case in SampleFile(bank, 500).planted())
    assert set(names) == {case.name for case in CASES}


def test_codes_cover_the_decision_table() -> None:
    assert {case.earns for case in CASES} == {
        "", "REVIEW", "NOT_OURS",
        "R02", "R03", "R04", "R07", "R08", "R12", "R13", "R14", "R15", "R16",
        "R20", "R21", "R22", "R23", "R26", "R28", "R29", "R34",
        "C01", "C02", "C03", "C04", "C05", "C06", "C07", "C09",
    }  # fmt: skip


def test_mix_is_mostly_posted(bank: SampleBank) -> None:
    earns = Counter(case.earns for _, case in SampleFile(bank, 10_000).planted())
    share = {code: count / 10_000 for code, count in earns.items()}
    assert sum(share.values()) - share[""] < 0.04
    assert (share["R03"], share["R02"], share["R04"], share["NOT_OURS"]) == (
        0.009, 0.006, 0.002, 0.006,
    )  # fmt: skip
    assert sum(value for code, value in share.items() if code[:1] == "C") == pytest.approx(0.006)


def test_file_reads_clean_but_for_what_was_planted(bank: SampleBank) -> None:
    sample = SampleFile(bank, 1_500)
    codes: Counter[str] = Counter()
    entries: Counter[str] = Counter()
    for event in nacha.read(sample.chunks()):
        if isinstance(event, nacha.Finding):
            codes[event.code] += 1
        elif isinstance(event, nacha.Entry):
            entries[event.sec_code] += 1
    planted = Counter(case.file_finding for _, case in sample.planted())
    assert codes == {code: planted[code] for code in ("CHECK_DIGIT", "TRANSACTION_CODE")}
    assert set(entries) == {"PPD", "CCD", "WEB", "CTX", "IAT", "SHR", "CIE"}
    assert entries.total() == 1_500


def test_same_seed_gives_the_same_bank_and_file() -> None:
    first, second = (_fingerprint(SampleBank(SMALL, seed=7)) for _ in range(2))
    assert first == second
    assert _fingerprint(SampleBank(SMALL, seed=8)) != first
    assert _fingerprint(SampleBank(SMALL, seed=7, as_of=date(2026, 10, 1))) != first


def _fingerprint(bank: SampleBank) -> str:
    digest = hashlib.sha256()
    for record in bank.records():
        digest.update(record.SerializeToString(deterministic=True))
    for slot, _, _ in bank.carded():
        digest.update(bank.card(slot, "accounts/x").SerializeToString(deterministic=True))
    for chunk in SampleFile(bank, 600).chunks():
        digest.update(chunk)
    return digest.hexdigest()


def test_records_keep_to_the_contract(bank: SampleBank) -> None:
    customers = set()
    for record in bank.records():
        message = getattr(record, record.WhichOneof("record"))
        customers.add(message.name)
        for party in record.account.parties:
            assert party.customer in customers
        if record.WhichOneof("record") == "relationship":
            assert {message.from_customer, message.to_customer} <= customers
        validate(message)  # clears what a caller may not say
    for slot, _, _ in bank.carded():
        validate(bank.card(slot, "accounts/aaaaaaaaaaaaaaaaaaaaaaaaaa"))


def test_identifiers_and_numbers_are_given_once(bank: SampleBank) -> None:
    identifiers = Counter(
        (identifier.type, identifier.value)
        for customer in bank.customers()
        for identifier in customer.identifiers
    )
    pans = Counter(bank.card(slot, "accounts/x").pan for slot, _, _ in bank.carded())
    assert max(identifiers.values()) == max(pans.values()) == 1
    assert all(normal.pan(pan) for pan in pans)


def test_routing_numbers_are_nobodys(bank: SampleBank, table: RoutingTable) -> None:
    ours = [value for name, value in vars(sample_numbers).items() if name.isupper() and value]
    texts = [text for value in ours for text in ([value] if isinstance(value, str) else [])]
    assert all(nacha.is_routing_number(text) and text.startswith("99") for text in texts)
    assert len(texts) >= 10
    assert table.get(sample_numbers.UNKNOWN) is None


def test_large_file_takes_every_account_in_turn() -> None:
    bank = SampleBank(2_000)
    sample = SampleFile(bank, 5_000)
    numbers = {
        (entry.raw[3:12].decode(), normal.account_number(entry.account_number))
        for entry in nacha.read(sample.chunks())
        if isinstance(entry, nacha.Entry)
    }
    accounts = itertools.islice(bank.accounts(), 2_000 - 4 * len(CASES) - 9)
    missed = [
        account
        for account in accounts
        if (account.routing_number, account.account_number) not in numbers
    ]
    assert not missed


def test_command_writes_file_and_outcomes(tmp_path: Path, bank: SampleBank) -> None:
    out, expected = tmp_path / "a.ach", tmp_path / "a.csv"
    generate(out, entries=600, accounts=SMALL, expected=expected)
    assert out.read_bytes() == b"".join(SampleFile(bank, 600).chunks())
    rows = expected.read_text().splitlines()
    assert rows[0] == "entry,case,earns,finding"
    assert len(rows) - 1 == len(list(SampleFile(bank, 600).planted()))
    assert bank.as_of == AS_OF


def test_too_small_is_refused(bank: SampleBank) -> None:
    with pytest.raises(ValueError, match="at least 500 accounts"):
        SampleBank(499)
    with pytest.raises(ValueError, match="at least 500 entries"):
        sample_file.SampleFile(bank, 499)
