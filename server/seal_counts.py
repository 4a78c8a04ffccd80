"""Seals of all workers, added up in the key database: no key seals more than it safely can.

Knows counts and names of keys, never a key.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from repository.errors import RepositoryError
from repository.keys import KeyStore
from server import log
from tokenizer.keyring import KeyRow, KeyState, Purpose
from tokenizer.sealing import SEALS_MAX, SealCounts

__all__ = ["SEALING", "is_due", "settle"]

SEALING: Final = frozenset({Purpose.OPERATIONAL, Purpose.NUMBER})
DUE_SEALS: Final = SEALS_MAX // 2  # leaves time to rotate before sealing is refused
DUE_AGE: Final = timedelta(days=365)

_log = log.logger("seal_counts")


async def settle(counts: SealCounts, store: KeyStore) -> None:
    """Add what this worker sealed to everybody's counts, and take theirs.

    Raises Unavailable, CommitUnknown: the seals are then counted again, rather twice than never.
    """
    made = counts.drain()
    try:
        await store.add_seals(made)
        totals = await store.seals()
    except RepositoryError:
        counts.restore(made)
        raise
    for (purpose, generation), seals in totals.items():
        counts.learn(purpose, generation, seals)
        if seals >= DUE_SEALS:
            _log.warning("key_generation_due", kind=purpose, version=generation)


def is_due(row: KeyRow, seals: int, now: datetime | None = None) -> bool:
    """Whether a generation that seals is to be replaced: after a year, or half of its seals."""
    if row.purpose not in SEALING or row.state is not KeyState.ACTIVE:
        return False
    return seals >= DUE_SEALS or (now or datetime.now(UTC)) - row.create_time >= DUE_AGE
