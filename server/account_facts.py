"""An account as the decision table reads it: its operational message and what follows from it.

Pure; compiled once for each version of an account, whatever the day it is judged on.
"""

from collections.abc import Iterable
from typing import Final

from opencif.nacha.codes import TRANSACTION_CODES, Ledger, Purpose
from opencif.v1 import account_pb2
from opencif.v1.account_pb2 import Account, AccountParty, AccountType
from server.account_rules import OWNERS

__all__ = ["NO_LEDGER", "PLAIN_LEDGER_OF", "AccountFacts", "ledger_of", "words_of"]

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
NO_LEDGER: Final = 0
_NUMBERS: Final = {ledger: number for number, ledger in enumerate(Ledger, 1)}
PLAIN_LEDGER_OF: Final = {
    code: _NUMBERS[said.ledger]
    for code, said in TRANSACTION_CODES.items()
    if said.purpose in _FORWARD
}
"""Transaction code of a forward entry to its ledger's number, from 1; other codes are not there."""
_PLAIN_CODES: Final = {
    number: frozenset(code for code, its in PLAIN_LEDGER_OF.items() if its == number)
    for number in (NO_LEDGER, *_NUMBERS.values())
}
_NO_WORDS: Final[frozenset[int]] = frozenset()
_NO_IDS: Final[frozenset[str]] = frozenset()


def ledger_of(account_type: AccountType) -> Ledger | None:
    """The class of account that transaction codes must name; None where none does."""
    return _LEDGERS.get(account_type)


class AccountFacts:
    """One version of an account, from the plaintext of its operational segment.

    `plain_ledger` is the number of the ledger whose forward entries post to it from `plain_from`
    (YYYY-MM-DD) on without any rule of the table having something to say, the receiver's name
    aside; NO_LEDGER when the table must be walked. `owner_words` are the digests of the owners'
    names.
    """

    __slots__ = (
        "_plaintext", "account_type", "number_version", "owner_words", "plain_from",
        "plain_ledger", "shown", "state", "superseded_ids", "version",
    )  # fmt: skip

    def __init__(self, plaintext: bytes, number_version: int = 0) -> None:
        message = Account.FromString(plaintext)
        self._plaintext = plaintext  # smaller than the message, which plain entries never ask for
        self.shown = b""  # what answers say of it, kept by those who write answers
        self.number_version = number_version
        self.state = message.state
        self.account_type = message.account_type
        self.version = message.version
        known_ids = message.individual_ids
        self.superseded_ids = frozenset(known_ids[1:]) if known_ids else _NO_IDS
        self.owner_words = _NO_WORDS
        self.plain_from = ""
        self.plain_ledger = _plain_ledger(message)
        for party in message.parties:
            if party.deceased_date or party.valid_to:
                self.plain_ledger = NO_LEDGER
            if party.role in OWNERS and party.state == account_pb2.PARTY_STATE_ACTIVE:
                self.owner_words |= frozenset(party.name_digests)
                self.plain_from = max(self.plain_from, party.valid_from)

    @property
    def plain_codes(self) -> frozenset[int]:
        """The transaction codes of the plain ledger; none where there is none."""
        return _PLAIN_CODES[self.plain_ledger]

    @property
    def message(self) -> Account:
        """The account, read from its bytes each time."""
        return Account.FromString(self._plaintext)

    def __repr__(self) -> str:
        return "AccountFacts(hidden)"


def words_of(parties: Iterable[AccountParty]) -> frozenset[int]:
    """The digests of all words of these parties' names."""
    return frozenset().union(*[party.name_digests for party in parties])


def _plain_ledger(account: Account) -> int:
    """As `AccountFacts.plain_ledger`, its parties aside."""
    ledger = ledger_of(account.account_type)
    if ledger is None or account.state not in _USABLE or _is_barred(account):
        return NO_LEDGER
    if account.sold_to_routing_number or account.HasField("replacement"):
        return NO_LEDGER
    restrictions = account.restrictions
    if restrictions and any(r.state == account_pb2.RESTRICTION_STATE_ACTIVE for r in restrictions):
        return NO_LEDGER
    return _NUMBERS[ledger]


def _is_barred(account: Account) -> bool:
    """Whether the account itself keeps some payments from it: unset means allowed."""
    has = account.HasField
    return (
        (not account.transactional and has("transactional"))
        or (not account.ach_debit_ok and has("ach_debit_ok"))
        or (not account.ach_credit_ok and has("ach_credit_ok"))
    )
