"""The sample bank: customers, accounts, cards and relationships, the same for the same seed.

It makes records and loads nothing; memory does not grow with the number of accounts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from loadtests.sample_accounts import PlannedAccount, account_message, card_message, pan
from loadtests.sample_cases import CASES, Case
from loadtests.sample_lanes import CARDHOLDERS, COMPANIES, LANES, PEOPLE, Draft, Lane
from loadtests.sample_numbers import MAIN, SECOND, Dice, account_number
from loadtests.sample_people import COMPANY, OTHER, PERSON, People, fitted
from opencif.v1 import relationship_pb2
from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.customer_pb2 import Customer
from opencif.v1.import_pb2 import ImportRecord
from opencif.v1.relationship_pb2 import CustomerRelationship, RelationshipType

__all__ = ["ACCOUNTS_MIN", "AS_OF", "SEED", "Renumbering", "SampleBank"]

SEED: Final = 7420
AS_OF: Final = date(2026, 11, 2)
"""All that the bank tells of has happened by this day, so that any later one gives the same."""
ACCOUNTS_MIN: Final = 500
_PLANTED_EACH: Final = 4  # accounts of each case; a large file uses them again
_MOVED: Final = 600_000_000
"""Added to a slot: the index of the number that a renumbered account moved to."""
_DIED_AGO: Final = timedelta(days=25)
_MOVED_AGO: Final = timedelta(days=20)

# What an ordinary account is, by the last digit of its slot: 4 and 9 are companies', 3 and 8 second
# accounts (savings) of the person before, 1 is shared with the person before.
_BUSINESS: Final = (4, 9)
_SAVINGS: Final = (3, 8)
_CARDED: Final = (0, 2, 5, 7)
_AUDIENCES: Final = {
    PEOPLE: (0, 1, 2, 3, 5, 6, 7, 8),
    COMPANIES: _BUSINESS,
    CARDHOLDERS: _CARDED,
}
_SHARED: Final = 1
_AFTER_MERGER: Final = 9  # numbers with letters, under SECOND
_DECADE: Final = 10
_OWNERS_KNOWN_EVERY: Final = 10 * _DECADE  # owners are checked for circles, one by one
_OWNS: Final = relationship_pb2.RELATIONSHIP_TYPE_BENEFICIAL_OWNER_OF


@dataclass(frozen=True, slots=True, repr=False)
class Renumbering:
    """An account that gets a new number, once the accounts are there; the type may stay."""

    routing_number: str
    account_number: str
    new_routing_number: str
    new_account_number: str
    new_account_type: str
    effective_date: str


class SampleBank:
    """A bank of so many accounts; slots number them, the ordinary ones first, then the planted."""

    def __init__(
        self, accounts: int = 5_000, seed: int = SEED, as_of: date = AS_OF
    ) -> None:  # fmt: skip
        if accounts < ACCOUNTS_MIN:
            raise ValueError(f"a sample bank has at least {ACCOUNTS_MIN} accounts")
        self.as_of = as_of
        self.dice = Dice(seed)
        self.people = People(self.dice, seed, as_of)
        self._accounts = accounts
        self._ordinary = accounts - len(CASES) * _PLANTED_EACH

    def records(self) -> Iterator[ImportRecord]:
        """Everything but the cards, in an order in which every reference is known."""
        for customer in self.customers():
            yield ImportRecord(customer=customer)
        for relationship in self.relationships():
            yield ImportRecord(relationship=relationship)
        for account in self.accounts():
            yield ImportRecord(account=account)

    def customers(self) -> Iterator[Customer]:
        """Everybody who has part in an account."""
        died = (self.as_of - _DIED_AGO).isoformat()
        for slot in range(self._accounts):
            case = self._case(slot)
            label, index = self._owner(slot)
            if label == COMPANY:
                yield self.people.organization(label, index)
            elif index == slot:
                is_dead = case is not None and "PRIMARY_OWNER" in case.deaths
                yield self.people.person(label, index, died if is_dead else "")
            for number, role in enumerate(case.parties if case else ()):
                is_dead = case is not None and role in case.deaths
                other = self._other(slot, number)
                yield self.people.person(OTHER, other, died if is_dead else "")

    def relationships(self) -> Iterator[CustomerRelationship]:
        """Couples who share an account, who directs each company, and who owns some of them."""
        for slot in range(self._ordinary):
            digit = slot % _DECADE
            if digit == _SHARED:
                yield self._related(slot, slot - 1, relationship_pb2.RELATIONSHIP_TYPE_SPOUSE)
            elif digit in _BUSINESS:
                yield self._related(slot - 4, slot, relationship_pb2.RELATIONSHIP_TYPE_DIRECTOR_OF)
                if slot % _OWNERS_KNOWN_EVERY == digit:
                    yield self._related(slot - 4, slot, _OWNS, ownership_bp=6_000, direct=True)
                    yield self._related(slot - 2, slot, _OWNS, ownership_bp=4_000, direct=True)

    def accounts(self) -> Iterator[Account]:
        """All accounts."""
        for slot in range(self._accounts):
            yield account_message(self._planned(slot), self.as_of)

    def carded(self) -> Iterator[tuple[int, str, str]]:
        """Slot, routing number and account number of every account that has a card."""
        for slot in range(self._ordinary):
            if slot % _DECADE in _CARDED:
                yield slot, MAIN, account_number(slot)

    def card(self, slot: int, account: str) -> Card:
        """The card of an account, whose name only the server knows."""
        return card_message(
            self.dice, slot, self.people.name(*self._owner(slot)), account, self.as_of
        )

    def renumberings(self) -> Iterator[Renumbering]:
        """What remains to be done once the accounts are there."""
        for slot in range(self._ordinary, self._accounts):
            case, planned = self._case(slot), self._planned(slot)
            if case is None or case.moves_to is None:
                continue
            routing_number, account_type = case.moves_to
            yield Renumbering(
                planned.special.get("routing_number", planned.routing_number),
                planned.account_number,
                routing_number,
                account_number(_MOVED + slot),
                f"ACCOUNT_TYPE_{account_type}" if account_type else "",
                (self.as_of - _MOVED_AGO).isoformat(),
            )

    def ordinary_entry(self, lane: Lane, number: int) -> Draft:
        """An entry with nothing special about it, to the `number`th account of its audience."""
        digits = _AUDIENCES[lane.audience]
        decades = self._ordinary // _DECADE
        decade, place = divmod(number, len(digits))
        return self._entry(lane, decade % decades * _DECADE + digits[place], number)

    def ordinary_entries(self, lane: Lane) -> Iterator[Draft]:
        """The same, to every account of its audience once."""
        accounts = self._ordinary // _DECADE * len(_AUDIENCES[lane.audience])
        return (self.ordinary_entry(lane, number) for number in range(accounts))

    def planted_entry(self, lane: Lane, case: int, number: int) -> Draft:
        """The `number`th entry of a case, which CASES counts from 0."""
        slot = self._ordinary + case * _PLANTED_EACH + number % _PLANTED_EACH
        draft = self._entry(lane, slot, number)
        if twist := CASES[case].twist:
            twist(draft)
        return draft

    def _entry(self, lane: Lane, slot: int, number: int) -> Draft:
        planned = self._planned(slot)
        account_type = planned.special.get("account_type", f"ACCOUNT_TYPE_{planned.account_type}")
        return Draft(
            routing_number=planned.special.get("routing_number", planned.routing_number),
            account_number=_as_written(planned.account_number),
            transaction_code=_LEDGERS[account_type] + (7 if lane.is_debit else 2),
            amount=1_000 + self.dice.roll(f"amount {lane.name}", number) % 240_000,
            name=fitted(self.people.display_name(*self._owner(slot)), lane.name_width),
            individual_id=f"M{slot:09d}",
            card_number=pan(self.dice, slot) if lane.sec_code == "SHR" else "",
        )

    def _planned(self, slot: int) -> PlannedAccount:
        case, digit = self._case(slot), slot % _DECADE
        owner = self._owner(slot)
        since = self.people.since(*owner)
        parties = [("PRIMARY_OWNER", self.people.name(*owner))]
        if case is not None:
            others = enumerate(case.parties)
            parties += ((role, self._other_name(slot, number)) for number, role in others)
        elif digit == _SHARED:
            parties.append(("JOINT_OWNER", self.people.name(PERSON, slot - 1)))
        is_merged = case is None and digit == _AFTER_MERGER
        number = account_number(slot)
        return PlannedAccount(
            account_number=f"BZ{number[:9]}" if is_merged else number,
            opened=since,
            branch=self.people.branch(*owner),
            is_business=owner[0] == COMPANY,
            parties=tuple(parties),
            account_type="SAVINGS" if case is None and digit in _SAVINGS else "CHECKING",
            routing_number=SECOND if is_merged else MAIN,
            special=case.account if case else {},
            restrictions=case.restrictions if case else (),
        )

    def _case(self, slot: int) -> Case | None:
        planted = slot - self._ordinary
        return CASES[planted // _PLANTED_EACH] if planted >= 0 else None

    def _owner(self, slot: int) -> tuple[str, int]:
        case, digit = self._case(slot), slot % _DECADE
        if case is not None:
            is_business = all(LANES[name].audience == COMPANIES for name in case.lanes)
            return (COMPANY if is_business else PERSON), slot
        if digit in _BUSINESS:
            return COMPANY, slot
        return PERSON, (slot - 1 if digit in _SAVINGS else slot)

    def _other(self, slot: int, number: int) -> int:
        return slot * _PLANTED_EACH + number

    def _other_name(self, slot: int, number: int) -> str:
        return self.people.name(OTHER, self._other(slot, number))

    def _related(
        self, subject: int, object_: int, type_: RelationshipType, **more: Any
    ) -> CustomerRelationship:  # fmt: skip
        subject_owner, object_owner = self._owner(subject), self._owner(object_)
        since = max(self.people.since(*subject_owner), self.people.since(*object_owner))
        return CustomerRelationship(
            from_customer=self.people.name(*subject_owner),
            to_customer=self.people.name(*object_owner),
            type=type_,
            state=relationship_pb2.RELATIONSHIP_STATE_ACTIVE,
            valid_from=since.isoformat(),
            **more,
        )


_LEDGERS: Final = {
    f"ACCOUNT_TYPE_{account_type}": ledger
    for ledger, account_types in {
        20: ("CHECKING", "PREPAID", "ESCROW", "TIME_DEPOSIT", "IRA"),
        30: ("SAVINGS", "MONEY_MARKET"),
        40: ("GL",),
        50: ("LOAN", "LINE_OF_CREDIT", "CREDIT_CARD"),
    }.items()
    for account_type in account_types
}
"""The tens of the transaction codes that a type of account takes."""


def _as_written(number: str) -> str:
    """The number as payers write it: with a hyphen behind letters."""
    return number if number.isdigit() else f"{number[:2]}-{number[2:]}"
