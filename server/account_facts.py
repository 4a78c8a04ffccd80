"""An account as the decision table reads it: its operational message and what follows from it.

Pure; compiled once for each version of an account, whatever the day it is judged on.
"""

from collections.abc import Iterable
from typing import Final

from opencif.nacha.codes import TRANSACTION_CODES, Ledger, Purpose
from opencif.v1 import account_pb2
from opencif.v1.account_pb2 import Account, AccountParty

__all__ = ["OWNERS", "AccountFacts", "ledger_of"]

OWNERS: Final = frozenset(
    {account_pb2.PARTY_ROLE_PRIMARY_OWNER, account_pb2.PARTY_ROLE_JOINT_OWNER}
)
_LEDGERS: Final = {
    account_pb2.ACCOUNT_TYPE_CHECKING: Ledger.CHECKING,
    account_pb2.ACCOUNT_TYPE_SAVINGS: Ledger.SAVINGS,
    account_pb2.ACCOUNT_TYPE_MONEY_MARKET: Ledger.SAVINGS,
    account_pb2.ACCOUNT_TYPE_LOAN: Ledger.LOAN,
    account_pb2.ACCOUNT_TYPE_LINE_OF_CREDIT: Ledger.LOAN,
    account_pb2.ACCOUNT_TYPE_CREDIT_CARD: Ledger.LOAN,
    account_pb2.ACCOUNT_TYPE_PREPAID: Ledger.CHECKING,
    account_pb2.ACCOUNT_TYPE_GL: Ledger.GENERAL,
    account_pb2.ACCOUNT_TYPE_ESCROW: Ledger.CHECKING,
}
_USABLE: Final = frozenset(
    {
        account_pb2.ACCOUNT_STATE_OPEN,
        account_pb2.ACCOUNT_STATE_DORMANT,
        account_pb2.ACCOUNT_STATE_CLOSING,
        account_pb2.ACCOUNT_STATE_CHARGED_OFF,
    }
)
_FORWARD: Final = frozenset({Purpose.LIVE, Purpose.PRENOTE, Purpose.ZERO_DOLLAR, Purpose.REVERSAL})
_PLAIN_CODES: Final = {
    ledger: frozenset(
        code
        for code, said in TRANSACTION_CODES.items()
        if said.ledger is ledger and said.purpose in _FORWARD
    )
    for ledger in Ledger
}
_NO_CODES: Final[frozenset[int]] = frozenset()


def ledger_of(account_type: int) -> Ledger | None:
    """The class of account that transaction codes must name; None where none does."""
    return _LEDGERS.get(account_type)


class AccountFacts:
    """One version of an account.

    `plain_codes` are the transaction codes that post to it from `plain_from` (YYYY-MM-DD) on
    without any rule of the table having something to say, the receiver's name aside; empty when
    the table must be walked.
    """

    __slots__ = (
        "message", "number_version", "owner_words", "plain_codes", "plain_from", "shown",
        "superseded_ids",
    )  # fmt: skip

    def __init__(self, message: Account, number_version: int = 0) -> None:
        self.message = message
        self.shown = b""  # what answers say of it, kept by those who write answers
        self.number_version = number_version
        self.superseded_ids = frozenset(message.individual_ids[1:])
        owners = [
            party
            for party in message.parties
            if party.state == account_pb2.PARTY_STATE_ACTIVE and party.role in OWNERS
        ]
        self.owner_words = words_of(owners)
        self.plain_from = max((party.valid_from for party in owners), default="")
        self.plain_codes = self._plain_codes()

    def __repr__(self) -> str:
        return f"AccountFacts(version={self.message.version})"

    def _plain_codes(self) -> frozenset[int]:
        ledger = ledger_of(self.message.account_type)
        if ledger is None or not _is_plain(self.message):
            return _NO_CODES
        return _PLAIN_CODES[ledger]


def words_of(parties: Iterable[AccountParty]) -> frozenset[int]:
    """The digests of all words of these parties' names."""
    return frozenset(digest for party in parties for digest in party.name_digests)


def _is_plain(account: Account) -> bool:
    return (
        account.state in _USABLE
        and not account.sold_to_routing_number
        and not account.HasField("replacement")
        and _allowed(account)
        and not any(
            restriction.state == account_pb2.RESTRICTION_STATE_ACTIVE
            for restriction in account.restrictions
        )
        and not any(party.deceased_date or party.valid_to for party in account.parties)
    )


def _allowed(account: Account) -> bool:
    """Whether nothing on the account itself keeps payments from it: unset means allowed."""
    switches = ("transactional", "ach_debit_ok", "ach_credit_ok")
    return all(getattr(account, name) or not account.HasField(name) for name in switches)
