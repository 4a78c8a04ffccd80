"""What an ACH entry earns: the decision table's answer, and by when it must be sent.

Pure: no I/O, no clock, no keys. The rules stand in resolution_rules.py, in the table's order.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from opencif.v1 import ach_pb2
from server.account_facts import AccountFacts
from server.banking_days import add_banking_days, on_or_before
from server.resolution_case import Case, EntryFacts, Found, Hit, Outcome, Policy
from server.resolution_rules import TABLE
from server.routing_table import Route

__all__ = [
    "UNDECIDED",
    "Decision",
    "EntryFacts",
    "Found",
    "Judge",
    "Policy",
    "moved_to",
    "return_by",
]

_WITHIN_BANKING_DAYS: Final = 2
_UNAUTHORIZED_WITHIN_DAYS: Final = 60
_UNAUTHORIZED: Final = frozenset({"R07"})
_DISPOSITIONS: Final = {
    Outcome.NOT_OURS: ach_pb2.DISPOSITION_NOT_OURS,
    Outcome.RETURN: ach_pb2.DISPOSITION_RETURN,
    Outcome.REVIEW: ach_pb2.DISPOSITION_REVIEW,
    Outcome.NOC: ach_pb2.DISPOSITION_POST_WITH_NOC,
    Outcome.ADVISORY: ach_pb2.DISPOSITION_POST,
}
_NOTHING: Final = Hit("", Outcome.ADVISORY)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an entry earns. `findings` are the codes of all hits, in the table's order.

    `corrected_code` and `expected_routing` are what a notification of change may have to say.
    """

    disposition: int = ach_pb2.DISPOSITION_POST
    return_code: str = ""
    noc_code: str = ""
    corrected_code: int = 0
    expected_routing: str = ""
    date_of_death: str = field(default="", repr=False)
    name_match: int = ach_pb2.NAME_MATCH_UNSPECIFIED
    findings: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the entry posts and there is nothing to say about it."""
        return self.disposition == ach_pb2.DISPOSITION_POST and not self.findings


UNDECIDED: Final = Decision(disposition=ach_pb2.DISPOSITION_UNSPECIFIED)
_POSTS: Final = {match: Decision(name_match=match) for match in ach_pb2.NameMatch.values()}


class Judge:
    """Decides entries under one policy as of one time."""

    __slots__ = ("_as_of_ns", "_policy", "compares_names", "day")

    def __init__(self, policy: Policy, as_of: datetime) -> None:
        as_of = as_of.astimezone(UTC)
        self.day = as_of.date().isoformat()
        self._as_of_ns = int(as_of.timestamp()) * 10**9 + as_of.microsecond * 1_000
        self._policy = policy
        self.compares_names = policy.compares_names

    def decide(self, entry: EntryFacts, route: Route, found: Found) -> Decision:
        """What an entry earns; a plain case is decided without walking the table."""
        return self.plain(entry, route, found) or self.walk(entry, route, found)

    def plain(self, entry: EntryFacts, route: Route, found: Found) -> Decision | None:
        """The decision on a plain entry to a plain account; None where `walk` must be asked.

        Written for speed; it says nothing that `walk` would not.
        """
        account, moved_from = found
        if (
            account is None
            or moved_from is not None
            or entry.transaction_code not in account.plain_codes
            or self.day < account.plain_from
            or not route.is_plain
            or not entry.account_number
            or entry.is_answer
            or entry.sec_code == "CIE"
            or entry.individual_id in account.superseded_ids
        ):
            return None
        if not self.compares_names:
            return _POSTS[ach_pb2.NAME_MATCH_UNSPECIFIED]
        if not entry.name_digests or not account.owner_words:
            return _POSTS[ach_pb2.NAME_MATCH_NO_NAME]
        for words in entry.name_digests:
            if words <= account.owner_words:
                return _POSTS[ach_pb2.NAME_MATCH_MATCH]
        return None

    def walk(self, entry: EntryFacts, route: Route, found: Found) -> Decision:
        """What an entry earns by every rule of the table, in its order."""
        case = Case(entry, route, found, self._policy, (self.day, self._as_of_ns))
        hits = _hits(case)
        decisive = min(hits, key=lambda hit: hit.outcome, default=_NOTHING)
        is_return = decisive.outcome is Outcome.RETURN
        is_noc = decisive.outcome is Outcome.NOC
        return Decision(
            disposition=_DISPOSITIONS[decisive.outcome],
            return_code=decisive.code if is_return else "",
            noc_code=decisive.code if is_noc else "",
            corrected_code=case.corrected_code if is_noc else 0,
            expected_routing=case.expected_routing if is_noc else "",
            date_of_death=decisive.date_of_death,
            name_match=case.name_match,
            findings=tuple(hit.code for hit in hits),
        )


def _hits(case: Case) -> list[Hit]:
    hits: list[Hit] = []
    for rule in TABLE:
        hits.extend(rule(case))
        if hits and hits[-1].ends:
            break
    return hits


def moved_to(account: AccountFacts, day: str) -> str:
    """The name of the account that a renumbered one's entries go to on a day, or nothing."""
    replacement = account.message.replacement
    is_over = replacement.valid_to and replacement.valid_to < day
    return "" if is_over else replacement.account


def return_by(settlement: date, code: str) -> date:
    """The last banking day to send an answer with this code.

    Nacha Operating Rules: a return or a notification of change within two banking days of
    settlement, the return of a debit whose authorization was revoked within 60 calendar days.
    Beyond the calendar's end it is the calendar's last day: an entry may state any date.
    """
    try:
        if code in _UNAUTHORIZED:
            return on_or_before(settlement + timedelta(days=_UNAUTHORIZED_WITHIN_DAYS))
        return add_banking_days(settlement, _WITHIN_BANKING_DAYS)
    except OverflowError:
        return date.max
