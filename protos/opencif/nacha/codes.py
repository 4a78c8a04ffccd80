"""The code tables of the Nacha rules and their check sums.

Data and arithmetic only; what a code means for an account is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Direction(IntEnum):
    """Which total an entry's amount is added to."""

    DEBIT = 1
    CREDIT = 2


class Purpose(StrEnum):
    """What a transaction code is for."""

    LIVE = "live"
    PRENOTE = "prenote"
    ZERO_DOLLAR = "zero-dollar"
    RETURN = "return"
    REVERSAL = "reversal"
    ADVICE = "advice"


class Ledger(StrEnum):
    """The class of account a transaction code names."""

    CHECKING = "checking"
    SAVINGS = "savings"
    GENERAL = "general ledger"
    LOAN = "loan"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class TransactionCode:
    """What one two-digit transaction code says."""

    code: int
    ledger: Ledger
    direction: Direction
    purpose: Purpose
    return_code: int | None
    """The code under which such an entry is returned or corrected; None when it cannot be."""

    @property
    def is_debit(self) -> bool:
        """Whether the amount counts as a debit."""
        return self.direction is Direction.DEBIT


def _codes(
    ledger: Ledger, direction: Direction, codes: dict[int, Purpose], back: int | None
) -> dict[int, TransactionCode]:
    return {
        code: TransactionCode(code, ledger, direction, purpose, back)
        for code, purpose in codes.items()
    } | ({} if back is None else {back: TransactionCode(back, ledger, direction, _RETURN, None)})


_RETURN = Purpose.RETURN
_DEBIT, _CREDIT = Direction.DEBIT, Direction.CREDIT
_LIVE, _PRENOTE, _ZERO = Purpose.LIVE, Purpose.PRENOTE, Purpose.ZERO_DOLLAR
_ADVICE = Purpose.ADVICE

TRANSACTION_CODES: Final[dict[int, TransactionCode]] = {
    **_codes(Ledger.CHECKING, _CREDIT, {22: _LIVE, 23: _PRENOTE, 24: _ZERO}, 21),
    **_codes(Ledger.CHECKING, _DEBIT, {27: _LIVE, 28: _PRENOTE, 29: _ZERO}, 26),
    **_codes(Ledger.SAVINGS, _CREDIT, {32: _LIVE, 33: _PRENOTE, 34: _ZERO}, 31),
    **_codes(Ledger.SAVINGS, _DEBIT, {37: _LIVE, 38: _PRENOTE, 39: _ZERO}, 36),
    **_codes(Ledger.GENERAL, _CREDIT, {42: _LIVE, 43: _PRENOTE, 44: _ZERO}, 41),
    **_codes(Ledger.GENERAL, _DEBIT, {47: _LIVE, 48: _PRENOTE, 49: _ZERO}, 46),
    **_codes(Ledger.LOAN, _CREDIT, {52: _LIVE, 53: _PRENOTE, 54: _ZERO}, 51),
    **_codes(Ledger.LOAN, _DEBIT, {55: Purpose.REVERSAL}, 56),
    **_codes(Ledger.OPERATOR, _CREDIT, dict.fromkeys((81, 83, 85, 87), _ADVICE), None),
    **_codes(Ledger.OPERATOR, _DEBIT, dict.fromkeys((82, 84, 86, 88), _ADVICE), None),
}
"""Every transaction code of the rules; anything else is invalid (R26)."""

ZERO_AMOUNT: Final = frozenset({_PRENOTE, _ZERO})
"""Purposes whose amount must be zero."""


@dataclass(frozen=True, slots=True)
class SecRule:
    """What one standard entry class allows behind a forward entry."""

    addenda_type: str
    addenda_min: int
    addenda_max: int


_NONE, _ONE, _MANY = SecRule("", 0, 0), SecRule("05", 0, 1), SecRule("05", 0, 9999)
_TERMINAL = SecRule("02", 1, 1)

SEC_RULES: Final[dict[str, SecRule]] = {
    **dict.fromkeys(("PPD", "CCD", "WEB", "CIE", "ACK", "CBR"), _ONE),
    **dict.fromkeys(("CTX", "ATX", "TRX"), _MANY),
    **dict.fromkeys(("TEL", "ARC", "BOC", "POP", "RCK", "TRC", "XCK", "ADV"), _NONE),
    **dict.fromkeys(("POS", "SHR", "MTE"), _TERMINAL),
    "DNE": SecRule("05", 1, 1),
    "ENR": SecRule("05", 1, 9999),
    "COR": SecRule("98", 1, 1),
    "IAT": SecRule("", 7, 14),  # 10 to 16 in order, then up to two 17 and five 18
}

IAT_MANDATORY: Final = ("10", "11", "12", "13", "14", "15", "16")
IAT_OPTIONAL_MAX: Final = {"17": 2, "18": 5}

DISHONORED: Final = frozenset({"R61", "R62", "R67", "R68", "R69", "R70"})
CONTESTED: Final = frozenset({"R71", "R72", "R73", "R74", "R75", "R76", "R77"})
DEATH: Final = frozenset({"R14", "R15"})
"""Return codes that carry a date of death."""

SERVICE_CLASS_MIXED, SERVICE_CLASS_CREDITS, SERVICE_CLASS_DEBITS = 200, 220, 225
SERVICE_CLASS_ADVICE = 280
SERVICE_CLASS_DIRECTIONS: Final[dict[int, frozenset[Direction]]] = {
    SERVICE_CLASS_MIXED: frozenset({_DEBIT, _CREDIT}),
    SERVICE_CLASS_CREDITS: frozenset({_CREDIT}),
    SERVICE_CLASS_DEBITS: frozenset({_DEBIT}),
    SERVICE_CLASS_ADVICE: frozenset({_DEBIT, _CREDIT}),
}


def check_digit(routing: str) -> int:
    """The ninth digit of a routing number, from its first eight (ABA, weights 3 7 1).

    Raises: ValueError when the first eight characters are not ASCII digits.
    """
    first = routing[:8]
    if len(first) != 8 or not (first.isascii() and first.isdigit()):
        raise ValueError("a routing number begins with eight digits")
    total = sum(int(d) * w for d, w in zip(first, (3, 7, 1, 3, 7, 1, 3, 7), strict=True))
    return -total % 10


def is_routing_number(routing: str) -> bool:
    """Whether this is nine ASCII digits whose last is the right check digit."""
    if len(routing) != 9 or not (routing.isascii() and routing.isdigit()):
        return False
    return int(routing[8]) == check_digit(routing)


def entry_hash(total: int) -> int:
    """The low ten digits of a sum of eight-digit RDFI identifications, as controls carry it."""
    return total % 10_000_000_000
