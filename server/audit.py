"""Records audited calls before they are answered; a call that cannot be recorded is not answered.

Must not record a value: of a request it keeps the purpose code, a count and a keyed digest.
"""

import time
from datetime import UTC, datetime
from typing import Final

from google.protobuf.message import Message

from opencif.v1 import options_pb2
from repository.audit import AuditEvent, AuditStore
from repository.errors import CommitUnknown, TimedOut
from server.errors import Unavailable
from server.forms import FORMS
from tokenizer.identity import uuid7
from tokenizer.mac import Macs

__all__ = ["Audit"]

WRITE_MAX_S: Final = 1.0
_NO_CODE: Final = FORMS[options_pb2.FORMAT_CODE]


class Audit:
    """Writes the record of audited calls, as rpc.py asks for it."""

    __slots__ = ("_macs", "_store")

    def __init__(self, store: AuditStore, macs: Macs) -> None:
        self._store = store
        self._macs = macs

    async def record(
        self, actor: str, method: str, request: Message | None, *, items: int, outcome: str
    ) -> None:
        """Record a call; `request` is None when it was no message at all.

        `outcome` is OK or the reason it was refused for. Raises Unavailable when it cannot be
        recorded, however late the call itself is.
        """
        purpose = getattr(request, "purpose", "")
        data = b"" if request is None else request.SerializeToString(deterministic=True)
        event = AuditEvent(
            audit_id=uuid7(),
            time=datetime.now(UTC),
            actor=actor,
            method=method,
            purpose="" if _NO_CODE(purpose) else purpose,
            items=items,
            outcome=outcome,
            request_mac=self._macs.audit(data),
        )
        try:
            await self._store.insert(event, deadline=time.monotonic() + WRITE_MAX_S)
        except (CommitUnknown, TimedOut):
            raise Unavailable("DATABASE_UNAVAILABLE") from None
