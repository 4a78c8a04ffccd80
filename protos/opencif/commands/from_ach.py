"""The accounts and owners that a NACHA file needs, with a share of planted outcomes. Pure: no I/O.

Deterministic by its seed. Memory is one small item for each distinct account and name, whatever the
number of entries.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from opencif.nacha import Entry, Event, is_routing_number
from opencif.nacha.codes import Ledger, Purpose
from opencif.v1 import account_pb2, customer_pb2
from opencif.v1.account_pb2 import Account, AccountParty, AccountRestriction
from opencif.v1.customer_pb2 import Customer
from opencif.v1.import_pb2 import ImportRecord

_OPENED: Final = "2020-01-01"
_ENDED: Final = "2025-01-02"
_OPENED_MS: Final = 1_577_836_800_000
_NUMBER_MAX: Final = 17
_NOBODY: Final = "UNNAMED HOLDER"
_CORPORATE: Final = frozenset({"CCD", "CTX", "CBR", "ATX", "ACK", "TRX", "ADV", "ENR", "DNE"})
_NOT_FORWARD: Final = frozenset({Purpose.RETURN, Purpose.ADVICE})
_TYPES: Final = {
    Ledger.CHECKING: account_pb2.ACCOUNT_TYPE_CHECKING,
    Ledger.SAVINGS: account_pb2.ACCOUNT_TYPE_SAVINGS,
    Ledger.GENERAL: account_pb2.ACCOUNT_TYPE_GL,
    Ledger.LOAN: account_pb2.ACCOUNT_TYPE_LOAN,
}


class Outcome(StrEnum):
    """What an account is planted for; the value is what its entries earn."""

    POST = "POST"
    UNKNOWN = "R03"
    CLOSED = "R02"
    DECEASED = "R15"
    FROZEN = "R16"
    TIME_DEPOSIT = "R20"
    SUSPECTED = "REVIEW"
    OTHER_TYPE = "C05"


_PLANTED: Final = tuple(outcome for outcome in Outcome if outcome is not Outcome.POST)
_POSTING: Final = frozenset({Outcome.POST, Outcome.OTHER_TYPE})
_RESTRICTIONS: Final = {
    Outcome.FROZEN: account_pb2.RESTRICTION_TYPE_LEGAL_FREEZE,
    Outcome.SUSPECTED: account_pb2.RESTRICTION_TYPE_FRAUD_FREEZE,
}


class _Made(NamedTuple):
    """What is remembered of an account: shared by all that are alike."""

    outcome: Outcome
    ledger: Ledger


class Plan:
    """Turns a file's events into the records to load, and counts what its entries will earn.

    `planted_percent` of the accounts, chosen by the seed, get an outcome other than POST.
    """

    def __init__(self, *, seed: int = 0, planted_percent: float = 0.0) -> None:
        self.seed = seed
        self.planted_percent = planted_percent
        self.entries: Counter[str] = Counter()
        self.accounts: Counter[str] = Counter()
        self.routing_numbers: set[str] = set()
        self._key = seed.to_bytes(16, "big", signed=True)
        self._made: dict[bytes, _Made] = {}
        self._owners: set[bytes] = set()

    def records(self, events: Iterable[Event]) -> Iterator[ImportRecord]:
        """Owners, each before the first of its accounts, and accounts, each once."""
        for event in events:
            if isinstance(event, Entry):
                yield from self._take(event)

    def as_json(self) -> dict[str, Any]:
        """What was planted and what it leads to under the default policy; no number, no name."""
        return {
            "seed": self.seed,
            "planted_percent": self.planted_percent,
            "routing_numbers": sorted(self.routing_numbers),
            "accounts": dict(sorted(self.accounts.items())),
            "entries": dict(sorted(self.entries.items())),
        }

    def _take(self, entry: Entry) -> Iterator[ImportRecord]:
        routing_number, said = entry.routing_number, entry.transaction
        number = "".join(entry.account_number.replace("-", " ").split()).upper()
        if not is_routing_number(routing_number):
            self.entries["R28"] += 1
            return
        self.routing_numbers.add(routing_number)
        if entry.is_return or entry.is_change or (said and said.purpose in _NOT_FORWARD):
            self.entries["REVIEW"] += 1
        elif said is None:
            self.entries["R26"] += 1
        elif not (number.isascii() and number.isalnum()) or len(number) > _NUMBER_MAX:
            self.entries["R04"] += 1
        else:
            key = f"{routing_number}{number}".encode()
            made = self._made.get(key)
            if made is None:
                made = self._made[key] = _Made(self._outcome_of(key), said.ledger)
                self.accounts[made.outcome.name] += 1
                if made.outcome is not Outcome.UNKNOWN:
                    yield from self._records(entry, number, made)
            self.entries[_earned(made, said.ledger, is_nameless=_is_nameless(entry))] += 1

    def _digest(self, *parts: bytes) -> bytes:
        return blake2b(b"\0".join(parts), key=self._key, digest_size=16).digest()

    def _outcome_of(self, key: bytes) -> Outcome:
        digest = self._digest(b"outcome", key)
        if int.from_bytes(digest[:8], "big") >= self.planted_percent / 100 * 2.0**64:
            return Outcome.POST
        return _PLANTED[int.from_bytes(digest[8:], "big") % len(_PLANTED)]

    def _records(self, entry: Entry, number: str, made: _Made) -> Iterator[ImportRecord]:
        name = " ".join(entry.individual_name.split()) or _NOBODY
        is_corporate = entry.sec_code in _CORPORATE or " " not in name
        own = number.encode() if made.outcome is Outcome.DECEASED else b""  # nobody else dies
        digest = self._digest(b"owner", name.encode(), bytes([is_corporate]), own)
        owner = _owner(_customer_name(digest), name, is_corporate=is_corporate)
        if made.outcome is Outcome.DECEASED:
            _bury(owner)
        if digest not in self._owners:
            self._owners.add(digest)
            yield ImportRecord(customer=owner)
        yield ImportRecord(account=_account(entry.routing_number, number, owner, made))


def _is_nameless(entry: Entry) -> bool:
    """Whether a customer-initiated entry does not say which company it pays."""
    return entry.sec_code == "CIE" and entry.batch is not None and not entry.batch.company_id


def _earned(made: _Made, ledger: Ledger, *, is_nameless: bool) -> str:
    if is_nameless and made.outcome in _POSTING | {Outcome.SUSPECTED}:
        return "R21"  # a return comes before a review, and after the others that are planted
    if made.outcome is Outcome.OTHER_TYPE:
        fits = _other(made.ledger) is ledger
    else:
        fits = made.ledger is ledger
        if made.outcome is not Outcome.POST:
            return made.outcome
    return Outcome.POST if fits else Outcome.OTHER_TYPE


def _other(ledger: Ledger) -> Ledger:
    return Ledger.SAVINGS if ledger is Ledger.CHECKING else Ledger.CHECKING


def _customer_name(digest: bytes) -> str:
    """A name that the seed decides: UUID version 7 in form (RFC 9562), of a day gone by."""
    value = bytearray(_OPENED_MS.to_bytes(6, "big") + digest[:10])
    value[6] = 0x70 | (value[6] & 0x0F)
    value[8] = 0x80 | (value[8] & 0x3F)
    return f"customers/{UUID(bytes=bytes(value))}"


def _owner(customer: str, name: str, *, is_corporate: bool) -> Customer:
    owner = Customer(name=customer, state=customer_pb2.CUSTOMER_STATE_ACTIVE)
    if is_corporate:
        owner.kind = customer_pb2.CUSTOMER_KIND_ORGANIZATION
        owner.organization.legal_name = name
    else:
        owner.kind = customer_pb2.CUSTOMER_KIND_PERSON
        owner.person.given_name, _, owner.person.family_name = name.rpartition(" ")
        owner.person.birth_date = "1980-01-01"
    return owner


def _bury(owner: Customer) -> None:
    """Only persons die; an account planted so has a person of its own."""
    if owner.kind == customer_pb2.CUSTOMER_KIND_ORGANIZATION:
        name = owner.organization.legal_name
        owner.ClearField("organization")
        owner.kind = customer_pb2.CUSTOMER_KIND_PERSON
        owner.person.given_name, owner.person.family_name = "ESTATE", name
        owner.person.birth_date = "1980-01-01"
    owner.state = customer_pb2.CUSTOMER_STATE_DECEASED
    owner.deceased_date = _ENDED


def _account(routing_number: str, number: str, owner: Customer, made: _Made) -> Account:
    is_person = owner.kind == customer_pb2.CUSTOMER_KIND_PERSON
    ledger = _other(made.ledger) if made.outcome is Outcome.OTHER_TYPE else made.ledger
    account = Account(
        routing_number=routing_number,
        account_number=number,
        account_type=_TYPES[ledger],
        holder_class=(
            account_pb2.HOLDER_CLASS_CONSUMER if is_person else account_pb2.HOLDER_CLASS_BUSINESS
        ),
        currency="USD",
        state=account_pb2.ACCOUNT_STATE_OPEN,
        open_date=_OPENED,
    )
    party = AccountParty(
        customer=owner.name,
        role=account_pb2.PARTY_ROLE_PRIMARY_OWNER,
        valid_from=_OPENED,
        state=account_pb2.PARTY_STATE_ACTIVE,
        deceased_date=owner.deceased_date,
    )
    account.parties.append(party)
    if made.outcome is Outcome.CLOSED:
        account.state = account_pb2.ACCOUNT_STATE_CLOSED
        account.close_date = _ENDED
    elif made.outcome is Outcome.TIME_DEPOSIT:
        account.account_type = account_pb2.ACCOUNT_TYPE_TIME_DEPOSIT
    elif made.outcome in _RESTRICTIONS:
        account.restrictions.append(_restriction(_RESTRICTIONS[made.outcome]))
    return account


def _restriction(kind: account_pb2.RestrictionType) -> AccountRestriction:
    return AccountRestriction(
        type=kind,
        effective_time=Timestamp(seconds=_OPENED_MS // 1_000),
        state=account_pb2.RESTRICTION_STATE_ACTIVE,
    )
