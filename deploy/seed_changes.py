"""The changes a seed asks for: each a request that fits what its caller knows, or nearly.

Chooses; sends nothing.
"""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from deploy.seed_oracle import Known, Oracle
from loadtests.sample_numbers import BRANDS, MAIN, account_number, card_number
from opencif.v1 import account_pb2, card_pb2, customer_pb2, relationship_pb2
from repository.record import DELETED

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAMILY_NAME", "Change", "Chooser"]

FAMILY_NAME: Final = "Quetzalwright"
"""A name that stands nowhere else: where it is found, it has leaked."""

PENDING, OPEN, CLOSED = (
    account_pb2.ACCOUNT_STATE_PENDING,
    account_pb2.ACCOUNT_STATE_OPEN,
    account_pb2.ACCOUNT_STATE_CLOSED,
)
ISSUED, ACTIVE, BLOCKED, LOST = (
    card_pb2.CARD_STATE_ISSUED,
    card_pb2.CARD_STATE_ACTIVE,
    card_pb2.CARD_STATE_BLOCKED,
    card_pb2.CARD_STATE_LOST,
)
_NUMBERS_A_SEED: Final = 1_000
_SUITABLE: Final = 0.75
_SURE: Final = 0.6
_EXPIRY: Final = "2039-01"


class Change(NamedTuple):
    """A method and its request."""

    method: str
    request: Any


class Chooser:
    """Chooses changes by chance, of what the oracle knows. Numbers are the seed's own."""

    def __init__(self, oracle: Oracle, chance: random.Random, seed: int, session: int) -> None:
        self._oracle = oracle
        self._chance = chance
        self._first = seed % 900_000 * _NUMBERS_A_SEED + session * 300
        self._made = 0
        self._kinds: list[tuple[Callable[[], Change | None], int]] = [
            (self._create_customer, 1),
            (self._rename, 2),
            (self._die, 1),
            (self._create_account, 5),
            (self._open, 4),
            (self._move, 4),
            (self._restrict, 2),
            (self._close, 2),
            (self._reopen, 2),
            (self._renumber, 2),
            (self._delete, 2),
            (self._issue, 4),
            (self._activate, 3),
            (self._block, 3),
            (self._unblock, 2),
            (self._lose, 2),
            (self._replace, 2),
            (self._close_card, 1),
            (self._relate, 2),
            (self._part, 1),
        ]

    def change(self) -> Change:
        """One that can be asked for now."""
        makers, weights = zip(*self._kinds, strict=True)
        while (made := self._chance.choices(makers, weights)[0]()) is None:
            pass  # what it needs is not there yet
        return self._named(made)

    def founding(self) -> Iterator[Change]:
        """What a bank begins with: two customers, two accounts, a card."""
        for maker in (
            self._create_customer, self._create_customer, self._create_account,
            self._create_account, self._open, self._issue, self._activate,
        ):  # fmt: skip
            if (made := maker()) is not None:
                yield self._named(made)

    def _named(self, change: Change) -> Change:
        change.request.request_id = str(UUID(int=self._chance.getrandbits(128), version=4))
        return change

    def some(self, kind: str, *states: int) -> Known | None:
        """A record of a kind, mostly in one of these states; None when there is none."""
        known = [one for one in self._oracle.known.values() if one.kind == kind]
        fit = [one for one in known if one.state in states]
        if states and fit and self._chance.random() < _SUITABLE:
            known = fit
        return self._chance.choice(known) if known else None

    def _on(self, kind: str, method: str, request: Any, *states: int, **said: Any) -> Change | None:
        """A change of one record by name, often under the version that is known."""
        one = self.some(kind, *states)
        if one is None:
            return None
        etag = str(one.version) if self._chance.random() < _SURE else ""
        return Change(method, request(name=one.name, etag=etag, **said))

    def _create_customer(self) -> Change:
        person = {"given_name": "Ann", "family_name": FAMILY_NAME, "birth_date": "1980-02-29"}
        return Change(
            "CustomerService/CreateCustomer",
            customer_pb2.CreateCustomerRequest(customer={"kind": 1, "person": person}),
        )

    def _rename(self) -> Change | None:
        one = self.some("Customer")
        if one is None:
            return None
        given = {"given_name": self._word(), "family_name": FAMILY_NAME, "birth_date": "1980-02-29"}
        request = customer_pb2.UpdateCustomerRequest(
            customer={"name": one.name, "person": given}, update_mask={"paths": ["person"]}
        )
        if self._chance.random() < _SURE:
            request.etag = str(one.version)
        return Change("CustomerService/UpdateCustomer", request)

    def _die(self) -> Change | None:
        if self._chance.random() < 0.7:  # who is dead can do little more
            return None
        return self._on(
            "Customer", "CustomerService/MarkDeceased", customer_pb2.MarkDeceasedRequest,
            deceased_date="2026-01-31",
        )  # fmt: skip

    def _create_account(self) -> Change | None:
        owner = self.some("Customer")
        if owner is None:
            return None
        terms = {
            "routing_number": MAIN,
            "account_number": self._new_or_known_number(),
            "account_type": "ACCOUNT_TYPE_CHECKING",
            "holder_class": "HOLDER_CLASS_CONSUMER",
            "currency": "USD",
            "branch": self._word(),
        }
        request = account_pb2.CreateAccountRequest(
            account=terms, parties=[{"customer": owner.name, "role": 1}]
        )
        return Change("AccountService/CreateAccount", request)

    def _open(self) -> Change | None:
        return self._account("OpenAccount", account_pb2.OpenAccountRequest, PENDING)

    def _move(self) -> Change | None:
        one = self.some("Account", OPEN, PENDING)
        if one is None:
            return None
        request = account_pb2.UpdateAccountRequest(
            account={"name": one.name, "branch": self._word()}, update_mask={"paths": ["branch"]}
        )
        if self._chance.random() < _SURE:
            request.etag = str(one.version)
        return Change("AccountService/UpdateAccount", request)

    def _restrict(self) -> Change | None:
        request = account_pb2.PlaceRestrictionRequest
        return self._account("PlaceRestriction", request, OPEN, restriction={"type": 1})

    def _close(self) -> Change | None:
        request = account_pb2.CloseAccountRequest
        return self._account("CloseAccount", request, OPEN, close_reason="CUSTOMER_REQUEST")

    def _reopen(self) -> Change | None:
        request = account_pb2.ReopenAccountRequest
        return self._account("ReopenAccount", request, CLOSED, approval_ref="APPROVED")

    def _renumber(self) -> Change | None:
        number = self._new_or_known_number()
        request = account_pb2.RenumberAccountRequest
        return self._account("RenumberAccount", request, OPEN, new_account_number=number)

    def _delete(self) -> Change | None:
        one = self.some("Account", PENDING, CLOSED)
        if one is None or one.state == DELETED:
            return None
        one.may_vanish = True
        request = account_pb2.DeleteAccountRequest(name=one.name, etag=str(one.version))
        return Change("AccountService/DeleteAccount", request)

    def _issue(self) -> Change | None:
        account, holder = self.some("Account", OPEN), self.some("Customer")
        if account is None or holder is None:
            return None
        card = {
            "pan": self._new_pan(),
            "card_type": "CARD_TYPE_DEBIT",
            "expiry": _EXPIRY,
            "cardholder": holder.name,
            "accounts": [{"account": account.name, "role": 1}],
        }
        return Change("CardService/IssueCard", card_pb2.IssueCardRequest(card=card))

    def _activate(self) -> Change | None:
        return self._card("ActivateCard", card_pb2.ActivateCardRequest, ISSUED)

    def _block(self) -> Change | None:
        return self._card("BlockCard", card_pb2.BlockCardRequest, ACTIVE)

    def _unblock(self) -> Change | None:
        return self._card("UnblockCard", card_pb2.UnblockCardRequest, BLOCKED)

    def _lose(self) -> Change | None:
        return self._card("ReportLost", card_pb2.ReportLostRequest, ACTIVE, BLOCKED)

    def _replace(self) -> Change | None:
        said = {"new_pan": self._new_pan(), "new_expiry": _EXPIRY}
        return self._card("ReplaceCard", card_pb2.ReplaceCardRequest, LOST, **said)

    def _close_card(self) -> Change | None:
        return self._card("CloseCard", card_pb2.CloseCardRequest, ISSUED, ACTIVE, BLOCKED, LOST)

    def _relate(self) -> Change | None:
        one, other = self.some("Customer"), self.some("Customer")
        if one is None or other is None or one is other:
            return None
        ends = {"from_customer": one.name, "to_customer": other.name}
        request = relationship_pb2.CreateRelationshipRequest(
            relationship=ends | {"type": "RELATIONSHIP_TYPE_POWER_OF_ATTORNEY_FOR"}
        )
        return Change("RelationshipService/CreateRelationship", request)

    def _part(self) -> Change | None:
        return self._on(
            "CustomerRelationship", "RelationshipService/EndRelationship",
            relationship_pb2.EndRelationshipRequest,
            relationship_pb2.RELATIONSHIP_STATE_ACTIVE,
        )  # fmt: skip

    def _account(self, method: str, request: Any, *states: int, **said: Any) -> Change | None:
        return self._on("Account", f"AccountService/{method}", request, *states, **said)

    def _card(self, method: str, request: Any, *states: int, **said: Any) -> Change | None:
        return self._on("Card", f"CardService/{method}", request, *states, **said)

    def _new_or_known_number(self) -> str:
        """Mostly a new account number; at times one that an account has or had."""
        numbers = sorted(self._oracle.numbers)
        if numbers and self._chance.random() < 0.3:
            return self._chance.choice(numbers)
        self._made += 1
        number = account_number(self._first + self._made)
        self._oracle.numbers[number] = ""
        return number

    def _new_pan(self) -> str:
        self._made += 1
        return card_number(BRANDS[0], self._first + self._made)

    def _word(self) -> str:
        return f"B{self._chance.randrange(10_000)}"
