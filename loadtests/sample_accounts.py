"""Accounts and cards of the sample bank as messages, from what is planned for them.

It decides neither how many there are nor who owns them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from loadtests.sample_cases import Restriction
from loadtests.sample_numbers import BRANDS, MAIN, Dice, card_number
from opencif.v1 import account_pb2, card_pb2
from opencif.v1.account_pb2 import Account, AccountParty, AccountRestriction, RestrictionScope
from opencif.v1.card_pb2 import Card, CardAccount

__all__ = ["PlannedAccount", "account_message", "card_message", "pan"]

_CARD_STATES: Final = (*["ACTIVE"] * 14, "ISSUED", "BLOCKED", "LOST", "STOLEN", "EXPIRED", "CLOSED")
_CLOSED_AGO: Final = timedelta(days=40)
_STATE_DATES: Final = {
    "ACCOUNT_STATE_CLOSED": "close_date",
    "ACCOUNT_STATE_ESCHEATED": "close_date",
    "ACCOUNT_STATE_DORMANT": "dormant_since",
}


@dataclass(frozen=True, slots=True, repr=False)
class PlannedAccount:
    """An account to be made: its number, its owners' names and roles, and what is special."""

    account_number: str
    opened: date
    branch: str
    is_business: bool
    parties: tuple[tuple[str, str], ...]
    account_type: str = "CHECKING"
    routing_number: str = MAIN
    special: Mapping[str, Any] = field(default_factory=dict)
    restrictions: tuple[Restriction, ...] = ()


def account_message(planned: PlannedAccount, as_of: date) -> Account:
    """The account as it is loaded."""
    opened = planned.opened.isoformat()
    fields: dict[str, Any] = {
        "routing_number": planned.routing_number,
        "account_number": planned.account_number,
        "account_type": f"ACCOUNT_TYPE_{planned.account_type}",
        "holder_class": (
            account_pb2.HOLDER_CLASS_BUSINESS
            if planned.is_business
            else account_pb2.HOLDER_CLASS_CONSUMER
        ),
        "currency": "USD",
        "product": "BUSINESS" if planned.is_business else "EVERYDAY",
        "branch": planned.branch,
        "state": account_pb2.ACCOUNT_STATE_OPEN,
        "open_date": opened,
    }
    fields |= planned.special
    if dated := _STATE_DATES.get(str(fields["state"])):
        fields[dated] = (as_of - _CLOSED_AGO).isoformat()
    if fields["state"] == "ACCOUNT_STATE_PENDING":
        del fields["open_date"]
    return Account(
        parties=(
            AccountParty(
                customer=customer,
                role=f"PARTY_ROLE_{role}",
                state=account_pb2.PARTY_STATE_ACTIVE,
                valid_from=opened,
            )
            for role, customer in planned.parties
        ),
        restrictions=_restrictions(planned.restrictions, as_of),
        **fields,
    )


def card_message(dice: Dice, slot: int, cardholder: str, account: str, as_of: date) -> Card:
    """The card of an account; both are named."""
    roll = dice.roll("card state", slot)
    roll, state = divmod(roll, len(_CARD_STATES))
    roll, months = divmod(roll, 40)
    is_over = _CARD_STATES[state] == "EXPIRED"
    ends = as_of + timedelta(days=-60 if is_over else 60 + 30 * months)
    issued = as_of - timedelta(days=90 + roll % 900)
    card = Card(
        pan=pan(dice, slot),
        state=f"CARD_STATE_{_CARD_STATES[state]}",
        network=f"CARD_NETWORK_{_brand(dice, slot).network}",
        card_type=card_pb2.CARD_TYPE_DEBIT,
        form=card_pb2.CARD_FORM_PHYSICAL,
        expiry=f"{ends:%Y-%m}",
        cardholder=cardholder,
        accounts=[CardAccount(account=account, role=card_pb2.CARD_ACCOUNT_ROLE_PRIMARY)],
        product="EVERYDAY_DEBIT",
        issue_time=_time(issued),
    )
    if _CARD_STATES[state] != "ISSUED":
        card.activate_time.CopyFrom(_time(issued + timedelta(days=5)))
    return card


def pan(dice: Dice, slot: int) -> str:
    """The number of the card of an account."""
    return card_number(_brand(dice, slot), slot)


def _brand(dice: Dice, slot: int) -> Any:
    return BRANDS[dice.roll("brand", slot) % len(BRANDS)]


def _restrictions(planned: Iterable[Restriction], as_of: date) -> list[AccountRestriction]:
    made = []
    for one in planned:
        restriction = AccountRestriction(
            type=f"RESTRICTION_TYPE_{one.type}",
            state=account_pb2.RESTRICTION_STATE_ACTIVE,
            scope=RestrictionScope(**one.scope) if one.scope else None,
            authority_ref="SAMPLE",
            effective_time=_time(as_of + timedelta(days=one.begins_days)),
        )
        if one.ends_days is not None:
            restriction.expire_time.CopyFrom(_time(as_of + timedelta(days=one.ends_days)))
        made.append(restriction)
    return made


def _time(day: date) -> Timestamp:
    time = Timestamp()
    time.FromDatetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return time
