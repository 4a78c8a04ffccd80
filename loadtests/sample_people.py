"""Customers of the sample bank: persons and organizations that do not exist.

Names come from Faker's pools, which are drawn once; it knows no account.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from faker import Faker

from loadtests.sample_numbers import Dice, employer_number
from opencif.v1 import customer_pb2
from opencif.v1.customer_pb2 import Address, ContactPoint, Customer, Identifier

__all__ = ["COMPANY", "OTHER", "PERSON", "People", "fitted", "milliseconds"]

PERSON, COMPANY, OTHER = "person", "company", "other"
"""Labels: owners who are persons, owners who are companies, and everybody else on an account."""

Named = Callable[[], str]

_GIVEN, _FAMILY, _COMPANIES, _STREETS, _TOWNS, _JOBS = 400, 800, 400, 300, 200, 120
_GIVEN_WIDTH, _FAMILY_WIDTH = 10, 11  # with a blank between them they fit a payment's 22
_COMPANY_WIDTH = 40
_AREAS: Final = tuple(range(201, 989))
_DAYS: Final = 365 * 50  # birth dates spread over so many days, from 1941 on
_FIRST_BIRTH: Final = date(1941, 1, 1)
_SEGMENTS: Final = (*["MASS_MARKET"] * 5, *["MASS_AFFLUENT"] * 2, "AFFLUENT", "PRIVATE_BANKING")
_BRANCHES: Final = tuple(f"BRANCH_{n:03d}" for n in range(1, 25))
_LAST_WORD: Final = re.compile(r"[^A-Z0-9]*[A-Z0-9]+[^A-Z0-9]*$")
# Numbers in use by nobody: the one of a specimen card sold with wallets from 1938, and the one of
# a pamphlet of 1940; both are listed as void by ssa.gov. Every range that was never given out is
# refused by validation, so that all other persons are known by the bank's own number only.
_VOID_SSNS: Final = ("078051120", "219099999")


class People:
    """Makes the customer of any index; the same index is always the same customer."""

    def __init__(self, dice: Dice, seed: int, as_of: date) -> None:
        self._dice = dice
        self._as_of = as_of
        english, spanish = Faker("en_US"), Faker("es_MX")
        for fake in (english, spanish):
            fake.seed_instance(seed)
        self._given = _pool(_GIVEN, _GIVEN_WIDTH, english.first_name, spanish.first_name)
        self._family = _pool(_FAMILY, _FAMILY_WIDTH, english.last_name, spanish.last_name)
        self._companies = _pool(_COMPANIES, _COMPANY_WIDTH, english.company, english.company)
        self._streets = [english.street_name() for _ in range(_STREETS)]
        self._towns = [
            (english.city(), english.state_abbr(include_territories=False), english.postcode())
            for _ in range(_TOWNS)
        ]
        self._jobs = [english.job() for _ in range(_JOBS)]

    def name(self, label: str, index: int) -> str:
        """The resource name of a customer: a UUIDv7 of the day its relation began."""
        day = self.since(label, index)
        return f"customers/{self._dice.uuid(label, index, milliseconds(day))}"

    def since(self, label: str, index: int) -> date:
        """The day on which the customer came to the bank, in the fifteen years before."""
        days = self._dice.roll(f"since {label}", index) % 5_400
        return self._as_of - timedelta(days=100 + days)

    def person(self, label: str, index: int, died: str = "") -> Customer:
        """A person; `died` is the day of death, empty for the living."""
        given, family, roll = self._names(label, index)
        roll, middle = divmod(roll, 26)
        roll, born = divmod(roll, _DAYS)
        person = customer_pb2.Person(
            given_name=given,
            middle_name=chr(ord("A") + middle),
            family_name=family,
            birth_date=(_FIRST_BIRTH + timedelta(days=born)).isoformat(),
            nationalities=["US"],
            tax_residencies=["US"],
            occupation=self._jobs[roll % _JOBS],
        )
        customer = self._customer(label, index, f"{given} {family}")
        customer.kind = customer_pb2.CUSTOMER_KIND_PERSON
        if died:
            customer.state = customer_pb2.CUSTOMER_STATE_DECEASED
            customer.deceased_date = died
        customer.person.CopyFrom(person)
        if label == PERSON and index < len(_VOID_SSNS):
            ssn = customer_pb2.IDENTIFIER_TYPE_SSN
            customer.identifiers.append(
                Identifier(type=ssn, value=_VOID_SSNS[index], issuing_country="US")
            )
        return customer

    def organization(self, label: str, index: int) -> Customer:
        """A company."""
        company, roll = self._company(label, index)
        began = _FIRST_BIRTH + timedelta(days=roll % _DAYS)
        customer = self._customer(label, index, company)
        customer.kind = customer_pb2.CUSTOMER_KIND_ORGANIZATION
        customer.organization.CopyFrom(
            customer_pb2.Organization(
                legal_name=company,
                incorporation_date=began.isoformat(),
                incorporation_country="US",
            )
        )
        customer.identifiers.append(
            Identifier(
                type=customer_pb2.IDENTIFIER_TYPE_EIN,
                value=employer_number(index),
                issuing_country="US",
            )
        )
        return customer

    def display_name(self, label: str, index: int) -> str:
        """The name of a customer, without making all of it."""
        if label == COMPANY:
            return self._company(label, index)[0]
        given, family, _ = self._names(label, index)
        return f"{given} {family}"

    def branch(self, label: str, index: int) -> str:
        """The branch that a customer is known at."""
        return _BRANCHES[self._dice.roll(f"branch {label}", index) % len(_BRANCHES)]

    def _names(self, label: str, index: int) -> tuple[str, str, int]:
        roll, given = divmod(self._dice.roll(label, index), _GIVEN)
        roll, family = divmod(roll, _FAMILY)
        return self._given[given], self._family[family], roll

    def _company(self, label: str, index: int) -> tuple[str, int]:
        roll, company = divmod(self._dice.roll(label, index), _COMPANIES)
        return self._companies[company], roll

    def _customer(self, label: str, index: int, display_name: str) -> Customer:
        """What persons and companies have in common; e-mail and telephone reach nobody."""
        roll = self._dice.roll(f"reach {label}", index)
        roll, segment = divmod(roll, len(_SEGMENTS))
        roll, area = divmod(roll, len(_AREAS))
        roll, line = divmod(roll, 100)
        return Customer(
            name=self.name(label, index),
            state=customer_pb2.CUSTOMER_STATE_ACTIVE,
            display_name=display_name,
            segment=f"CUSTOMER_SEGMENT_{_SEGMENTS[segment]}",
            branch=self.branch(label, index),
            preferred_locale="en-US",
            time_zone="America/New_York",
            identifiers=[
                Identifier(
                    type=customer_pb2.IDENTIFIER_TYPE_CIF, value=f"C{label[0].upper()}{index:010d}"
                )
            ],
            contact_points=[
                ContactPoint(
                    type=customer_pb2.CONTACT_POINT_TYPE_EMAIL,
                    value=_email(display_name, index),
                    primary=True,
                ),
                ContactPoint(
                    type=customer_pb2.CONTACT_POINT_TYPE_MOBILE,
                    value=f"+1{_AREAS[area]}55501{line:02d}",  # 555-0100 to 0199 are for fiction
                    primary=True,
                ),
            ],
            addresses=[self._address(roll)],
        )

    def _address(self, roll: int) -> Address:
        roll, street = divmod(roll, _STREETS)
        roll, place = divmod(roll, _TOWNS)
        town, state, post_code = self._towns[place]
        return Address(
            type=customer_pb2.ADDRESS_TYPE_LEGAL,
            street_name=self._streets[street],
            building_number=str(1 + roll % 9_000),
            town_name=town,
            country_sub_division=state,
            post_code=post_code,
            country="US",
        )


def _pool(size: int, width: int, english: Named, spanish: Named) -> list[str]:
    """So many different names of at most `width` characters, every fifth one Spanish."""
    pool: dict[str, None] = {}
    while len(pool) < size:
        name = (spanish if len(pool) % 5 == 0 else english)()
        if len(name) <= width:
            pool[name] = None
    return list(pool)


def fitted(name: str, width: int) -> str:
    """A name as payment files write it: capitals without marks, whole words that fit the field."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if c.isascii()).upper()
    while len(bare) > width:
        bare = _LAST_WORD.sub("", bare)
    return bare


def _email(name: str, index: int) -> str:
    words = fitted(name, 40).lower().replace(",", "").split()
    return f"{'.'.join(words)}.{index}@example.com"  # RFC 2606


def milliseconds(day: date) -> int:
    """The day's beginning in UTC, in milliseconds since 1970."""
    return (day - date(1970, 1, 1)).days * 86_400_000
