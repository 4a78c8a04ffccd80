"""The cases planted in the sample: what is special about the account and the entry, what it earns.

It states the outcome from the rules of ACH, as data, and shares nothing with the server's table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from loadtests import sample_numbers as numbers
from loadtests.sample_lanes import LANES, Draft

__all__ = ["CASES", "Case", "Restriction"]

_PEOPLE: Final = ("PAYROLL", "BILL", "WEB")
_CREDITS: Final = ("PAYROLL", "VENDOR", "TRADE", "ABROAD")
_DEBITS: Final = ("BILL", "WEB", "TAX", "CARD")
_ALL: Final = ("PAYROLL", "BILL", "WEB", "VENDOR", "TAX", "TRADE", "ABROAD", "CARD")
_REVOKED: Final = (LANES["BILL"].company_id, LANES["WEB"].company_id)
_SOMEBODY_ELSE: Final = ("1999999999",)
_STOPPED_AMOUNT: Final = 77_750
_UNUSED: Final = 500_000_000
"""From here on no account has the number of this index."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """A restriction of the planted account; days count from the sample's `as_of`."""

    type: str
    scope: Mapping[str, Any] = field(default_factory=dict)
    begins_days: int = -60
    ends_days: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One planted case.

    `earns` is the code of a return or of a notification of change, REVIEW, NOT_OURS, or nothing
    for an entry that posts; `finding` is what is said about it besides, `file_finding` what is said
    of its line in the file. `account` are fields of
    opencif.v1.Account instead of an ordinary one's, `parties` are roles beside the primary owner's,
    `deaths` the roles whose customers have died. `moves_to` is the routing number and the type of
    the account that replaces this one.
    """

    name: str
    earns: str
    lanes: tuple[str, ...] = _ALL
    per_10000: int = 2
    finding: str = ""
    file_finding: str = ""
    account: Mapping[str, Any] = field(default_factory=dict)
    restrictions: tuple[Restriction, ...] = ()
    parties: tuple[str, ...] = ()
    deaths: tuple[str, ...] = ()
    moves_to: tuple[str, str] | None = None
    twist: Callable[[Draft], None] | None = None

    def entries(self, total: int) -> int:
        """How many of a file's entries are of this case; at least one."""
        return max(1, total * self.per_10000 // 10_000)


def _state(state: str, **more: str) -> dict[str, str]:
    return {"state": f"ACCOUNT_STATE_{state}", **more}


def _type(account_type: str) -> dict[str, str]:
    return {"account_type": f"ACCOUNT_TYPE_{account_type}"}


def _routed(routing_number: str) -> Callable[[Draft], None]:
    def twist(draft: Draft) -> None:
        draft.routing_number = routing_number

    return twist


def _coded(code: int) -> Callable[[Draft], None]:
    def twist(draft: Draft) -> None:
        draft.transaction_code = code

    return twist


def _identified(individual_id: str) -> Callable[[Draft], None]:
    def twist(draft: Draft) -> None:
        draft.individual_id = individual_id

    return twist


def _to_another_bank(draft: Draft) -> None:
    draft.routing_number = numbers.OTHERS[2 + draft.amount % 20]


def _check_digit_of_routing(draft: Draft) -> None:
    draft.routing_number = _next_digit(draft.routing_number)


def _to_nobody(draft: Draft) -> None:
    draft.account_number = numbers.account_number(_UNUSED + draft.amount)


def _check_digit_of_account(draft: Draft) -> None:
    draft.account_number = _next_digit(draft.account_number)


def _with_letters(draft: Draft) -> None:
    draft.account_number = f"AB{draft.account_number[2:]}"


def _cut_short(draft: Draft) -> None:
    draft.account_number = draft.account_number[:7]


def _as_checking(draft: Draft) -> None:
    draft.transaction_code = 20 + draft.transaction_code % 10


def _as_prenote(draft: Draft) -> None:
    draft.transaction_code += 1
    draft.amount = 0


def _as_zero_dollar(draft: Draft) -> None:
    draft.transaction_code += 2
    draft.amount = 0


def _as_return(draft: Draft) -> None:
    draft.transaction_code -= 1


def _misspelt(draft: Draft) -> None:
    draft.name = draft.name[:-1] + ("Q" if draft.name[-1] != "Q" else "X")


def _for_another(draft: Draft) -> None:
    draft.name = "XYLO QUARTZMANN"


def _for_stopped_amount(draft: Draft) -> None:
    draft.amount = _STOPPED_AMOUNT


def _with_broken_card(draft: Draft) -> None:
    draft.card_number = _next_digit(draft.card_number)


def _next_digit(digits: str) -> str:
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


_STOP: Final = Restriction(
    "STOP_PAYMENT",
    {"amount_min_minor": _STOPPED_AMOUNT - 50, "amount_max_minor": _STOPPED_AMOUNT + 50},
)
_SECOND: Final = {"routing_number": numbers.SECOND}
_NEW_ID, _OLD_ID = "MEMBER-2042", "MEMBER-1042"

CASES: Final = (
    # The routing number.
    Case("routing_check_digit", "R28", file_finding="CHECK_DIGIT", twist=_check_digit_of_routing),
    Case("another_bank", "NOT_OURS", per_10000=60, twist=_to_another_bank),
    Case("unknown_routing", "R13", twist=_routed(numbers.UNKNOWN)),
    Case("takes_no_ach", "R13", twist=_routed(numbers.FROZEN_OUT)),
    Case("limited", "R34", twist=_routed(numbers.LIMITED)),
    Case("branches_sold", "R12", twist=_routed(numbers.SOLD)),
    Case("account_sold", "R12", account={"sold_to_routing_number": numbers.ELSEWHERE}),
    Case("retired_routing", "C02", per_10000=12, twist=_routed(numbers.RETIRED)),
    # The transaction code.
    Case("invalid_code", "R26", file_finding="TRANSACTION_CODE", twist=_coded(25)),
    Case("a_return_itself", "REVIEW", ("PAYROLL", "BILL"), finding="NOT_FORWARD", twist=_as_return),
    # The account number.
    Case("number_check_digit", "R04", per_10000=10, twist=_check_digit_of_account),
    Case("number_with_letters", "R04", per_10000=5, twist=_with_letters),
    Case("number_too_short", "R04", per_10000=5, twist=_cut_short),
    Case("no_account", "R03", per_10000=80, twist=_to_nobody),
    Case("pending", "R03", per_10000=10, account=_state("PENDING")),
    Case("renumbered", "C01", _PEOPLE, per_10000=12, moves_to=(numbers.MAIN, "")),
    Case("moved", "C03", _PEOPLE, 5, account=_SECOND, moves_to=(numbers.MAIN, "")),
    Case("converted", "C06", _PEOPLE, 5, moves_to=(numbers.MAIN, "SAVINGS")),
    Case("moved_converted", "C07", _PEOPLE, 4, account=_SECOND, moves_to=(numbers.MAIN, "SAVINGS")),
    # The account's state.
    Case("closed", "R02", per_10000=50, account=_state("CLOSED", close_reason="CUSTOMER_REQUEST")),
    Case("escheated", "R02", per_10000=10, account=_state("ESCHEATED")),
    Case("dormant", "", account=_state("DORMANT")),
    Case("closing", "", account=_state("CLOSING")),
    Case("charged_off", "", account=_state("CHARGED_OFF")),
    # Deaths.
    Case(
        "payee_died", "R14", _PEOPLE,
        parties=("REPRESENTATIVE_PAYEE",), deaths=("REPRESENTATIVE_PAYEE",),
    ),
    Case("owner_died", "R15", deaths=("PRIMARY_OWNER",)),
    Case(
        "both_owners_died", "R15", _PEOPLE,
        parties=("JOINT_OWNER",), deaths=("PRIMARY_OWNER", "JOINT_OWNER"),
    ),
    Case(
        "beneficiary_died", "R15", _PEOPLE,
        parties=("REPRESENTATIVE_PAYEE",), deaths=("PRIMARY_OWNER",),
    ),
    Case(
        "joint_owner_survives", "", _PEOPLE, finding="JOINT_OWNER_DECEASED",
        parties=("JOINT_OWNER",), deaths=("PRIMARY_OWNER",),
    ),
    # Freezes and holds.
    Case("legal_freeze", "R16", restrictions=(Restriction("LEGAL_FREEZE"),)),
    Case("sanctions_freeze", "R16", restrictions=(Restriction("SANCTIONS_FREEZE"),)),
    Case("bank_freeze", "R16", restrictions=(Restriction("RDFI_FREEZE"),)),
    Case("no_debits", "R16", _DEBITS, restrictions=(Restriction("NO_DEBITS"),)),
    Case("no_debits_on_credit", "", _CREDITS, restrictions=(Restriction("NO_DEBITS"),)),
    Case("freeze_is_over", "", restrictions=(Restriction("LEGAL_FREEZE", {}, -90, -30),)),
    Case("freeze_to_come", "", restrictions=(Restriction("LEGAL_FREEZE", {}, 20_000),)),
    Case(
        "fraud_freeze", "REVIEW", finding="FRAUD_FREEZE",
        restrictions=(Restriction("FRAUD_FREEZE"),),
    ),
    Case(
        "deceased_hold", "REVIEW", finding="DECEASED_HOLD",
        restrictions=(Restriction("DECEASED_HOLD"),),
    ),
    Case(
        "due_diligence_lapsed", "REVIEW", finding="KYC_EXPIRED",
        restrictions=(Restriction("KYC_EXPIRED"),),
    ),
    # What the account is for.
    Case("certificate", "R20", account=_type("TIME_DEPOSIT")),
    Case("retirement", "R20", account=_type("IRA")),
    Case("non_transactional", "R20", account={"transactional": False}),
    Case("credits_only", "R20", _DEBITS, account={"ach_debit_ok": False}),
    Case("debits_only", "R20", _CREDITS, account={"ach_credit_ok": False}),
    Case("debit_to_loan", "R20", ("BILL",), account=_type("LOAN"), twist=_coded(27)),
    Case("loan_reversal", "", ("BILL",), account=_type("LOAN"), twist=_coded(55)),
    Case("loan_payment", "", ("PAYROLL",), account=_type("LOAN")),
    Case("general_ledger", "", ("VENDOR", "TAX"), account=_type("GL")),
    # Standing instructions.
    Case("stop_payment", "R08", _DEBITS, restrictions=(_STOP,), twist=_for_stopped_amount),
    Case("stop_for_another_amount", "", _DEBITS, restrictions=(_STOP,), twist=_as_prenote),
    Case(
        "revoked", "R07", ("BILL", "WEB"),
        restrictions=(Restriction("AUTH_REVOKED", {"company_ids": _REVOKED}),),
    ),
    Case(
        "revoked_for_another", "", ("BILL", "WEB"),
        restrictions=(Restriction("AUTH_REVOKED", {"company_ids": _SOMEBODY_ELSE}),),
    ),
    Case("debits_blocked", "R29", ("TAX",), restrictions=(Restriction("ACH_DEBIT_BLOCK"),)),
    Case(
        "filtered", "R29", ("TAX",),
        restrictions=(Restriction("ACH_DEBIT_FILTER", {"company_ids": _SOMEBODY_ELSE}),),
    ),
    Case(
        "let_in", "", ("TAX",),
        restrictions=(
            Restriction("ACH_DEBIT_FILTER", {"company_ids": (LANES["TAX"].company_id,)}),
        ),
    ),
    Case("refused", "R23", _CREDITS, restrictions=(Restriction("CREDIT_REFUSED"),)),
    Case("no_credits", "R23", _CREDITS, restrictions=(Restriction("NO_CREDITS"),)),
    # Entries that name their payer by number.
    Case("payer_without_company", "R21", ("NAMELESS",)),
    Case(
        "payer_unknown", "R22", ("PAYER",),
        account={"individual_ids": (_NEW_ID,)}, twist=_identified("MEMBER-9999"),
    ),
    Case(
        "payer_known", "", ("PAYER",),
        account={"individual_ids": (_NEW_ID,)}, twist=_identified(_NEW_ID),
    ),
    # Corrections and names.
    Case(
        "savings_as_checking", "C05", ("PAYROLL", "BILL", "WEB", "ABROAD"), 12,
        account=_type("SAVINGS"), twist=_as_checking,
    ),
    Case(
        "old_member", "C09", _PEOPLE, 4,
        account={"individual_ids": (_NEW_ID, _OLD_ID)}, twist=_identified(_OLD_ID),
    ),
    Case("name_misspelt", "C04", _PEOPLE, 6, twist=_misspelt),
    Case("another_name", "", _PEOPLE, finding="NAME_NO_MATCH", twist=_for_another),
    Case(
        "broken_card", "", ("CARD",), file_finding="NUMBER_NOT_LUHN", twist=_with_broken_card,
    ),
    # Other kinds of entries.
    Case("prenote", "", per_10000=10, twist=_as_prenote),
    Case("zero_dollar", "", ("VENDOR", "TRADE"), twist=_as_zero_dollar),
    Case("money_market", "", account=_type("MONEY_MARKET")),
    Case("prepaid", "", _PEOPLE, account=_type("PREPAID")),
)  # fmt: skip
"""All cases, in the order in which an entry is looked at."""
