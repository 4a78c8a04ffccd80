"""Plain accounts in any number, for measuring at size: all alike but for number, owner and branch.

It makes messages by copying rows of bytes and loads nothing; memory is that of one message. Its
numbers are none of the sample bank's, so that one database can hold both.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from loadtests.sample_accounts import PlannedAccount, account_message
from loadtests.sample_bank import AS_OF, SEED
from loadtests.sample_numbers import BILLION, MAIN, OFFSET, SCATTER, Dice, account_number
from loadtests.sample_people import People
from opencif.v1.import_pb2 import ImportRecord, ImportRecordsRequest
from opencif.v1.lookup_pb2 import AccountKey, AccountNumber

__all__ = ["ACCOUNTS_MAX", "ROWS_A_MESSAGE", "PlainBank", "account_numbers", "plain_key"]

ACCOUNTS_MAX: Final = 400_000_000
ROWS_A_MESSAGE: Final = 4_000
_FIRST: Final = 100_000_000  # of MAIN's numbers: the sample bank's are below, moved ones above
_OWNER: Final = "shared"
_DIGITS: Final = 10
_BRANCHES: Final = 24

Bytes = npt.NDArray[np.uint8]


def account_numbers(first: int, end: int) -> Bytes:
    """The numbers of accounts, an array of ASCII digits: `sample_numbers.account_number` of each.

    Shape (accounts, 10).
    """
    index = np.arange(first + _FIRST, end + _FIRST, dtype=np.uint64)
    scattered = (index * np.uint64(SCATTER) + np.uint64(OFFSET)) % np.uint64(BILLION)
    digits = np.empty((len(index), _DIGITS), np.uint8)
    for place in range(_DIGITS - 2, -1, -1):
        scattered, digits[:, place] = np.divmod(scattered, np.uint64(10))
    doubled = digits[:, -2::-2] * np.uint8(2)
    doubled -= (doubled > 9) * np.uint8(9)
    total = doubled.sum(axis=1) + digits[:, -3::-2].sum(axis=1)
    digits[:, -1] = -total.astype(np.int64) % 10
    return digits + np.uint8(ord("0"))


def plain_key(account: int) -> AccountKey:
    """What an account, counted from 0, is looked up by."""
    number = AccountNumber(routing_number=MAIN, account_number=account_number(_FIRST + account))
    return AccountKey(number=number)


class PlainBank:
    """Accounts counted from 0, two in a row of one owner, over and over the same owners."""

    def __init__(self, owners: int = 5_000, seed: int = SEED) -> None:
        self._people = People(Dice(seed), seed, AS_OF)
        self.owners_count = owners
        self._seed = seed
        rows = [self._row(owner) for owner in range(owners)]
        self._rows = np.frombuffer(b"".join(rows), np.uint8).reshape(owners, -1)

    def owners(self) -> Iterator[ImportRecord]:
        """The customers; to be loaded before any account."""
        for owner in range(self.owners_count):
            yield ImportRecord(customer=self._people.person(_OWNER, owner))

    def owner_name(self, owner: int) -> str:
        """The name of an owner as payers write it; account n is of owner n // 2 % owners."""
        return self._people.display_name(_OWNER, owner)

    def messages(self, first: int, end: int) -> Iterator[bytes]:
        """The accounts from `first` to before `end`, as serialized ImportRecordsRequests."""
        for start in range(first, end, ROWS_A_MESSAGE):
            stop = min(start + ROWS_A_MESSAGE, end)
            rows = self._rows[np.arange(start, stop) // 2 % self.owners_count]
            rows[:, -_DIGITS:] = account_numbers(start, stop)  # the last field of an account
            yield rows.tobytes()

    def working_set(self, accounts: int, keys: int) -> list[AccountKey]:
        """The same `keys` of so many accounts, always, in no order: what a load asks again."""
        chosen = random.Random(self._seed).sample(range(accounts), keys)
        return [plain_key(account) for account in chosen]

    def _row(self, owner: int) -> bytes:
        """An account of this owner as a field of a message; all have the same length."""
        planned = PlannedAccount(
            account_number=account_number(_FIRST),
            opened=AS_OF - timedelta(days=100 + owner % 5_000),
            branch=f"BRANCH_{1 + owner % _BRANCHES:03d}",
            is_business=False,
            parties=(("PRIMARY_OWNER", self._people.name(_OWNER, owner)),),
        )
        record = ImportRecord(account=account_message(planned, AS_OF))
        return ImportRecordsRequest(records=[record]).SerializeToString()
