"""What the decision table is asked and what its rules answer with.

Pure types; they hold full numbers and dates of death, so none of them prints what it holds.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from opencif.nacha.codes import TRANSACTION_CODES, Ledger, Purpose
from opencif.v1 import account_pb2, ach_pb2
from opencif.v1.account_pb2 import Account, AccountParty, AccountRestriction
from server.account_facts import AccountFacts, ledger_of, words_of
from server.account_rules import OWNERS, current_parties
from server.routing_table import Route

__all__ = ["Case", "EntryFacts", "Found", "Hit", "Outcome", "Policy"]

_CHANGE_CODES: Final = {  # (routing number, transaction code) are wrong besides the number
    (False, False): "C01",
    (True, False): "C03",
    (False, True): "C06",
    (True, True): "C07",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The switches of the table; the defaults are the contract's."""

    name_policy: int = ach_pb2.NAME_POLICY_ADVISE
    federal_benefit_survivor_returns: bool = False
    close_match_noc: bool = False

    @classmethod
    def of(cls, policy: ach_pb2.AchPolicy) -> "Policy":
        """The switches in a message."""
        return cls(
            policy.name_policy or ach_pb2.NAME_POLICY_ADVISE,
            policy.federal_benefit_survivor_returns,
            policy.close_match_noc,
        )

    @property
    def compares_names(self) -> bool:
        """Whether the receiver's name is looked at."""
        return self.name_policy != ach_pb2.NAME_POLICY_IGNORE


@dataclass(slots=True, repr=False)
class EntryFacts:
    """What the table reads of an entry.

    `account_number` is in its written form, empty when the routing number's scheme refuses it.
    `name_digests` has one set of keyed word digests for each serving generation of the key,
    none when the entry has no name or names are not compared.
    """

    routing_number: str
    account_number: str
    transaction_code: int
    amount_minor: int = 0
    sec_code: str = ""
    individual_id: str = ""
    company_id: str = ""
    trace_number: str = ""
    is_federal_benefit: bool = False
    is_answer: bool = False
    """Whether it is itself a return, a notification of change or an operator's advice."""
    name_digests: tuple[frozenset[int], ...] = ()


class Found(NamedTuple):
    """What a number led to: the account to judge and, when it was renumbered, the old one."""

    account: AccountFacts | None = None
    moved_from: AccountFacts | None = None


class Outcome(IntEnum):
    """What a hit leads to; the lowest of an entry's hits decides."""

    NOT_OURS = 1
    RETURN = 2
    REVIEW = 3
    NOC = 4
    ADVISORY = 5


class Hit(NamedTuple):
    """A rule that matched. One that `ends` leaves nothing for later rules to judge."""

    code: str
    outcome: Outcome = Outcome.RETURN
    date_of_death: str = ""
    ends: bool = False

    def __repr__(self) -> str:
        return f"Hit({self.code})"


class Case:
    """One entry before the table, on one day, with all that several rules ask about it."""

    __slots__ = (
        "account", "as_of_ns", "corrected_code", "day", "entry", "expected_routing", "found",
        "name_match", "owners", "policy", "restrictions", "route", "transaction",
    )  # fmt: skip

    def __init__(
        self,
        entry: EntryFacts,
        route: Route,
        found: Found,
        policy: Policy,
        as_of: tuple[str, int],
    ) -> None:
        """`as_of` is the day (YYYY-MM-DD) and the time in nanoseconds since 1970."""
        self.entry = entry
        self.route = route
        self.found = found
        self.policy = policy
        self.day, self.as_of_ns = as_of
        self.account = found.account.message if found.account is not None else Account()
        self.transaction = TRANSACTION_CODES.get(entry.transaction_code)
        self.owners = [party for party in self.parties() if party.role in OWNERS]
        self.restrictions = [r for r in self.account.restrictions if self._applies(r)]
        self.expected_routing = self._expected_routing()
        self.corrected_code = self._corrected_code()
        self.name_match = self._name_match()

    @property
    def has_account(self) -> bool:
        """Whether there is an account to judge."""
        return self.found.account is not None

    @property
    def is_debit(self) -> bool:
        """Whether the entry takes money from the account."""
        return self.transaction is not None and self.transaction.is_debit

    @property
    def is_credit(self) -> bool:
        """Whether the entry brings money to the account."""
        return self.transaction is not None and not self.transaction.is_debit

    @property
    def ledger(self) -> Ledger | None:
        """The class the account belongs to."""
        return ledger_of(self.account.account_type)

    @property
    def number_is_wrong(self) -> bool:
        """Whether the account has been renumbered by now."""
        old = self.found.moved_from
        return old is not None and old.message.replacement.effective_date <= self.day

    @property
    def change_code(self) -> str:
        """The one code for a renumbered account and what else is wrong; empty for another."""
        if not self.number_is_wrong:
            return ""
        return _CHANGE_CODES[self.routing_is_wrong, bool(self.corrected_code)]

    @property
    def routing_is_wrong(self) -> bool:
        """Whether the originator should use another routing number."""
        return self.expected_routing != self.entry.routing_number

    def parties(self) -> list[AccountParty]:
        """The parties that are current on the day."""
        return list(current_parties(self.account.parties, self.day))

    def is_dead(self, party: AccountParty) -> bool:
        """Whether the party's death, on or before the day, is recorded."""
        return bool(party.deceased_date) and party.deceased_date <= self.day

    def restricts(self, *types: int) -> bool:
        """Whether a restriction of one of these types is in force and covers the entry."""
        return any(r.type in types for r in self.restrictions)

    def covers(self, restriction: AccountRestriction) -> bool:
        """Whether the entry lies within the restriction's scope."""
        scope, entry = restriction.scope, self.entry
        return (
            (not scope.company_ids or entry.company_id in scope.company_ids)
            and (not scope.sec_codes or entry.sec_code in scope.sec_codes)
            and scope.amount_min_minor <= entry.amount_minor
            and (not scope.amount_max_minor or entry.amount_minor <= scope.amount_max_minor)
            and (not scope.trace_number or entry.trace_number == scope.trace_number)
        )

    def in_force(self, restriction: AccountRestriction) -> bool:
        """Whether the restriction is in force at the time, whatever its scope."""
        if restriction.state != account_pb2.RESTRICTION_STATE_ACTIVE:
            return False
        if restriction.effective_time.ToNanoseconds() > self.as_of_ns:
            return False
        expires = restriction.HasField("expire_time")
        return not expires or self.as_of_ns < restriction.expire_time.ToNanoseconds()

    def _applies(self, restriction: AccountRestriction) -> bool:
        return self.in_force(restriction) and self.covers(restriction)

    def _expected_routing(self) -> str:
        moved = self.account.routing_number if self.number_is_wrong else ""
        return moved or self.route.routing_number

    def _corrected_code(self) -> int:
        """The transaction code that fits the account's class; 0 when the entry's does."""
        said, ledger = self.transaction, self.ledger
        if said is None or ledger is None or said.ledger is ledger:
            return 0
        purpose = Purpose.LIVE if said.purpose is Purpose.REVERSAL else said.purpose
        wanted = (ledger, said.direction, purpose)
        codes = TRANSACTION_CODES.values()
        return next((c.code for c in codes if (c.ledger, c.direction, c.purpose) == wanted), 0)

    def _name_match(self) -> int:
        if not self.has_account or not self.policy.compares_names:
            return ach_pb2.NAME_MATCH_UNSPECIFIED
        known = words_of(self.owners)
        if not known or not self.entry.name_digests:
            return ach_pb2.NAME_MATCH_NO_NAME
        if any(words <= known for words in self.entry.name_digests):
            return ach_pb2.NAME_MATCH_MATCH
        if any(words & known for words in self.entry.name_digests):
            return ach_pb2.NAME_MATCH_CLOSE
        return ach_pb2.NAME_MATCH_NO_MATCH
