"""The rules of the decision table, one function for each of its rows, and their order.

Pure. A rule yields a hit for all that it finds wrong; which hit decides is resolution.py's.
"""

from collections.abc import Callable, Iterator
from typing import Final

from opencif.nacha.codes import Ledger, Purpose
from opencif.v1 import account_pb2, ach_pb2
from server.resolution_case import Case, Hit, Outcome

__all__ = ["TABLE"]

_FREEZES: Final = {
    account_pb2.RESTRICTION_TYPE_LEGAL_FREEZE,
    account_pb2.RESTRICTION_TYPE_SANCTIONS_FREEZE,
    account_pb2.RESTRICTION_TYPE_RDFI_FREEZE,
}
_REVIEWS: Final = {
    account_pb2.RESTRICTION_TYPE_FRAUD_FREEZE: "FRAUD_FREEZE",
    account_pb2.RESTRICTION_TYPE_DECEASED_HOLD: "DECEASED_HOLD",
    account_pb2.RESTRICTION_TYPE_KYC_EXPIRED: "KYC_EXPIRED",
}
_NEVER_TRANSACTIONAL: Final = {
    account_pb2.ACCOUNT_TYPE_TIME_DEPOSIT,
    account_pb2.ACCOUNT_TYPE_IRA,
}
_CONVERTED_CHECKS: Final = {"ARC", "BOC", "POP", "RCK"}
_NOT_FORWARD: Final = {Purpose.RETURN, Purpose.ADVICE}


def _forward(case: Case) -> Iterator[Hit]:
    """Returns, notifications of change and advices answer entries of ours: never sent back here."""
    said = case.transaction
    if not case.entry.is_answer and (said is None or said.purpose not in _NOT_FORWARD):
        return
    if case.route.is_known and not case.route.is_ours:
        yield Hit("NOT_OURS", Outcome.NOT_OURS, ends=True)
    else:
        yield Hit("NOT_FORWARD", Outcome.REVIEW, ends=True)


def _routing(case: Case) -> Iterator[Hit]:
    """Rows 1 and 2: the routing number, whose it is, and what has become of it."""
    route = case.route
    if not route.is_well_formed:
        yield Hit("R28", ends=True)
    elif not route.is_known:
        yield Hit("R13", ends=True)
    elif not route.is_ours:
        yield Hit("NOT_OURS", Outcome.NOT_OURS, ends=True)
    else:
        if not route.participates:
            yield Hit("R13")
        if route.is_limited:
            yield Hit("R34")
        if route.is_sold or case.account.sold_to_routing_number:
            yield Hit("R12")
        if case.routing_is_wrong and not case.change_code:
            yield Hit("C02", Outcome.NOC)


def _transaction_code(case: Case) -> Iterator[Hit]:
    """Row 3."""
    if case.transaction is None:
        yield Hit("R26")


def _account_number(case: Case) -> Iterator[Hit]:
    """Row 4: a number that cannot be one is not looked for."""
    if not case.entry.account_number:
        yield Hit("R04", ends=True)


def _account(case: Case) -> Iterator[Hit]:
    """Row 5: no account, one not yet open, or one with another number."""
    if not case.has_account:
        yield Hit("R03", ends=True)
    elif case.account.state == account_pb2.ACCOUNT_STATE_PENDING:
        yield Hit("R03")
    if case.change_code:
        yield Hit(case.change_code, Outcome.NOC)


def _closed(case: Case) -> Iterator[Hit]:
    """Row 6."""
    closed = {account_pb2.ACCOUNT_STATE_CLOSED, account_pb2.ACCOUNT_STATE_ESCHEATED}
    if case.account.state in closed:
        yield Hit("R02")


def _deaths(case: Case) -> Iterator[Hit]:
    """Row 7: the representative payee, the beneficiary or all owners, or one of several owners."""
    payees = [
        party
        for party in case.parties()
        if party.role == account_pb2.PARTY_ROLE_REPRESENTATIVE_PAYEE
    ]
    dead_payees = [party for party in payees if case.is_dead(party)]
    if dead_payees and len(dead_payees) == len(payees):
        yield Hit("R14", date_of_death=dead_payees[0].deceased_date)
    dead = sorted(
        (party for party in case.owners if case.is_dead(party)), key=lambda party: party.role
    )
    if not dead:
        return
    is_beneficiary = bool(payees) and dead[0].role == account_pb2.PARTY_ROLE_PRIMARY_OWNER
    is_benefit = case.is_credit and case.entry.is_federal_benefit
    returns_benefit = is_benefit and case.policy.federal_benefit_survivor_returns
    if len(dead) == len(case.owners) or is_beneficiary or returns_benefit:
        yield Hit("R15", date_of_death=dead[0].deceased_date)
    else:
        yield Hit("JOINT_OWNER_DECEASED", Outcome.ADVISORY)


def _freezes(case: Case) -> Iterator[Hit]:
    """Row 8, and the holds that a person must look at."""
    no_debits = case.is_debit and case.restricts(account_pb2.RESTRICTION_TYPE_NO_DEBITS)
    if no_debits or case.restricts(*_FREEZES):
        yield Hit("R16")
    for restriction_type, code in _REVIEWS.items():
        if case.restricts(restriction_type):
            yield Hit(code, Outcome.REVIEW)


def _non_transactional(case: Case) -> Iterator[Hit]:
    """Row 9."""
    account = case.account
    ways = ["transactional", "ach_debit_ok" if case.is_debit else "ach_credit_ok"]
    is_barred = any(account.HasField(name) and not getattr(account, name) for name in ways)
    said = case.transaction
    is_loan_debit = case.is_debit and case.ledger is Ledger.LOAN
    is_reversal = said is not None and said.purpose is Purpose.REVERSAL
    if (
        account.account_type in _NEVER_TRANSACTIONAL
        or is_barred
        or (is_loan_debit and not is_reversal)
    ):
        yield Hit("R20")


def _instructions(case: Case) -> Iterator[Hit]:
    """Row 10: what the receiver has told the bank to keep out."""
    is_consumer = case.account.holder_class == account_pb2.HOLDER_CLASS_CONSUMER
    if case.is_debit:
        if case.restricts(account_pb2.RESTRICTION_TYPE_STOP_PAYMENT):
            yield Hit("R08")
        is_revoked = case.restricts(account_pb2.RESTRICTION_TYPE_AUTH_REVOKED)
        if is_revoked and is_consumer and case.entry.sec_code not in _CONVERTED_CHECKS:
            yield Hit("R07")
        is_blocked = case.restricts(account_pb2.RESTRICTION_TYPE_ACH_DEBIT_BLOCK)
        if (is_blocked or _is_filtered(case)) and not is_consumer:
            yield Hit("R29")
    if case.is_credit and case.restricts(
        account_pb2.RESTRICTION_TYPE_CREDIT_REFUSED, account_pb2.RESTRICTION_TYPE_NO_CREDITS
    ):
        yield Hit("R23")


def _is_filtered(case: Case) -> bool:
    """Whether there are filters in force and none lets the entry in."""
    filters = [
        restriction
        for restriction in case.account.restrictions
        if restriction.type == account_pb2.RESTRICTION_TYPE_ACH_DEBIT_FILTER
        and case.in_force(restriction)
    ]
    return bool(filters) and not any(case.covers(restriction) for restriction in filters)


def _customer_initiated(case: Case) -> Iterator[Hit]:
    """Row 11: CIE names its payer to the payee by number; a payee that knows none asks for none."""
    if case.entry.sec_code != "CIE":
        return
    known = case.account.individual_ids
    if known and case.entry.individual_id not in known:
        yield Hit("R22")
    if not case.entry.company_id:
        yield Hit("R21")


def _corrections(case: Case) -> Iterator[Hit]:
    """Row 12: what the originator should change."""
    if case.corrected_code and not case.change_code:
        yield Hit("C05", Outcome.NOC)
    if case.entry.individual_id in case.account.individual_ids[1:]:
        yield Hit("C09", Outcome.NOC)
    if case.policy.close_match_noc and case.name_match == ach_pb2.NAME_MATCH_CLOSE:
        yield Hit("C04", Outcome.NOC)


def _name(case: Case) -> Iterator[Hit]:
    """Row 13: a name that is no owner's. The bank may rely solely on the account number."""
    if case.name_match != ach_pb2.NAME_MATCH_NO_MATCH:
        return
    if case.policy.name_policy == ach_pb2.NAME_POLICY_RETURN:
        yield Hit("R03")
    elif case.policy.name_policy == ach_pb2.NAME_POLICY_REVIEW:
        yield Hit("NAME_NO_MATCH", Outcome.REVIEW)
    else:
        yield Hit("NAME_NO_MATCH", Outcome.ADVISORY)


TABLE: Final[tuple[Callable[[Case], Iterator[Hit]], ...]] = (
    _forward,
    _routing,
    _transaction_code,
    _account_number,
    _account,
    _closed,
    _deaths,
    _freezes,
    _non_transactional,
    _instructions,
    _customer_initiated,
    _corrections,
    _name,
)
"""The rows in the order in which their hits count and are listed."""
