"""The record of calls that showed what is not everybody's: appended, never changed, no values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from repository.database import Database

__all__ = ["AuditEvent", "AuditStore"]

INSERT_MANY = """
INSERT INTO audit
    (audit_id, time, actor, method, purpose, items, outcome, request_mac, customer_ids)
SELECT audit_id, time, actor, method, purpose, items, outcome, request_mac, customer_ids
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::integer[],
            $7::text[], $8::bytea[], $9::bytea[])
     AS given (audit_id, time, actor, method, purpose, items, outcome, request_mac, customer_ids)"""

PAGE = """
SELECT audit_id, time, actor, method, purpose, items, outcome, request_mac, customer_ids FROM audit
WHERE time >= $1 AND time < $2 ORDER BY time, audit_id LIMIT $3"""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One call: `outcome` is OK or the reason it was refused for, `items` how many it named.

    Of a call that showed private fields `customer_ids` says whose, 16 bytes each, and `items` how
    many; its `request_mac` is empty.
    """

    audit_id: UUID
    time: datetime
    actor: str
    method: str
    purpose: str
    items: int
    outcome: str
    request_mac: bytes = field(repr=False)
    customer_ids: bytes = field(default=b"", repr=False)


class AuditStore:
    """Appends events on the primary and reads them back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert_many(self, events: Sequence[AuditEvent]) -> None:
        """Append events, all or none; they are durable when this returns, however late that is.

        Raises CommitUnknown, TimedOut, Unavailable.
        """
        rows = [
            (
                each.audit_id,
                each.time,
                each.actor,
                each.method,
                each.purpose,
                each.items,
                each.outcome,
                each.request_mac,
                each.customer_ids,
            )
            for each in events
        ]
        columns = map(list, zip(*rows, strict=True))
        await self._database.write(INSERT_MANY, *columns)

    async def page(
        self, since: datetime, before: datetime, limit: int, *, deadline: float | None = None
    ) -> list[AuditEvent]:
        """At most `limit` events from `since` up to `before`, oldest first."""
        rows = await self._database.fetch(
            PAGE, since, before, limit, primary=True, deadline=deadline
        )
        return [AuditEvent(*row) for row in rows]
