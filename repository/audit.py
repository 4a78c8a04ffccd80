"""The record of calls that the contract calls audited: appended, never changed, no values."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from repository.database import Database

__all__ = ["AuditEvent", "AuditStore"]

INSERT = """
INSERT INTO audit (audit_id, time, actor, method, purpose, items, outcome, request_mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""

PAGE = """
SELECT audit_id, time, actor, method, purpose, items, outcome, request_mac FROM audit
WHERE time >= $1 AND time < $2 ORDER BY time, audit_id LIMIT $3"""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One call: `outcome` is OK or the reason it was refused for, `items` how many it named."""

    audit_id: UUID
    time: datetime
    actor: str
    method: str
    purpose: str
    items: int
    outcome: str
    request_mac: bytes = field(repr=False)


class AuditStore:
    """Appends events on the primary and reads them back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, event: AuditEvent, *, deadline: float | None = None) -> None:
        """Append an event; it is durable when this returns. Raises CommitUnknown, Unavailable."""
        await self._database.write(
            INSERT,
            event.audit_id,
            event.time,
            event.actor,
            event.method,
            event.purpose,
            event.items,
            event.outcome,
            event.request_mac,
            deadline=deadline,
        )

    async def page(
        self, since: datetime, before: datetime, limit: int, *, deadline: float | None = None
    ) -> list[AuditEvent]:
        """At most `limit` events from `since` up to `before`, oldest first."""
        rows = await self._database.fetch(
            PAGE, since, before, limit, primary=True, deadline=deadline
        )
        return [AuditEvent(*row) for row in rows]
