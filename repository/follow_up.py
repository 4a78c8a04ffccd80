"""What changes of customers leave to be done on their accounts: rows written with the change.

Knows no account and no customer's content; what a step does is the server's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from repository.database import Database
from repository.work import Origin, Work

__all__ = ["FollowUp", "FollowUpStore"]

# A newer change of the same customer begins again at the first account, under its own name.
ASK = """
INSERT INTO follow_up (id, actor, method, source_system, reason, request_id, create_time)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE SET
    after = '', actor = excluded.actor, method = excluded.method,
    source_system = excluded.source_system, reason = excluded.reason,
    request_id = excluded.request_id, create_time = excluded.create_time"""

PENDING = """
SELECT id, after, actor, method, source_system, reason, request_id
FROM follow_up ORDER BY id LIMIT $1"""

# A step counts only where no newer change and no other worker's step came in between.
ADVANCE = "UPDATE follow_up SET after = $4 WHERE id = $1 AND request_id = $2 AND after = $3"

DONE = "DELETE FROM follow_up WHERE id = $1 AND request_id = $2 AND after = $3"


class FollowUp(NamedTuple):
    """A customer whose accounts behind `after` are yet to be seen to, and who asked for it."""

    id: bytes
    after: bytes
    origin: Origin


class FollowUpStore:
    """Asks for follow-ups and keeps how far they got."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    async def ask(work: Work, id_: bytes) -> None:
        """Have the customer followed up, in the customer's own transaction."""
        said = work.origin
        await work.connection.execute(
            ASK,
            id_,
            said.actor,
            said.method,
            said.source_system,
            said.reason,
            said.request_id,
            said.time,
        )

    async def pending(self, now: datetime, limit: int) -> Sequence[FollowUp]:
        """What is left to do, with the origin its transactions are to have at `now`.

        Raises TimedOut, Unavailable.
        """
        rows = await self._database.fetch(PENDING, limit, primary=True)
        return [
            FollowUp(id_, after, Origin(actor, method, request_id, now, source_system, reason))
            for id_, after, actor, method, source_system, reason, request_id in rows
        ]

    @staticmethod
    async def advance(work: Work, follow_up: FollowUp, after: bytes | None) -> bool:
        """Note how far it got, None for all done; False when somebody else has gone on from here.

        Under the customer's lock, before the accounts of the step are written.
        """
        key = (follow_up.id, follow_up.origin.request_id, follow_up.after)
        if after is None:
            status = await work.connection.execute(DONE, *key)
        else:
            status = await work.connection.execute(ADVANCE, *key, after)
        return status.endswith(" 1")
