"""The record of audited calls: written as it happened, without a value, or the call fails."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from opencif.v1.tokenization_pb2 import TOKEN_TYPE_PAN, DetokenizeRequest, Token
from repository.audit import AuditStore
from repository.database import Database as Connected
from server.audit import Audit
from server.errors import Unavailable
from tests.conftest import Database
from tests.contract.stand import Stand
from tests.unit.keyrings import ring
from tokenizer.mac import Macs

METHOD = "opencif.v1.TokenizationService/Detokenize"
REQUEST = DetokenizeRequest(
    tokens=[Token(type=TOKEN_TYPE_PAN, value="4111119999991111")], purpose="DISPUTE"
)


async def test_a_call_is_recorded_without_its_values(stand: Stand) -> None:
    store = AuditStore(stand.database)
    before = datetime.now(UTC)
    await Audit(store, Macs(ring())).record("ann", METHOD, REQUEST, items=1, outcome="OK")
    (event,) = await store.page(before, datetime.now(UTC) + timedelta(seconds=1), 10)
    assert (event.actor, event.method, event.purpose) == ("ann", METHOD, "DISPUTE")
    assert (event.items, event.outcome) == (1, "OK")
    rows = await stand.database.fetch("SELECT audit::text FROM audit")
    assert "9999991111" not in rows[0][0]


async def test_the_digest_tells_requests_apart_and_takes_the_key(stand: Stand) -> None:
    store = AuditStore(stand.database)
    before = datetime.now(UTC)
    audit = Audit(store, Macs(ring()))
    other = DetokenizeRequest(tokens=REQUEST.tokens, purpose="OTHER")
    for request in (REQUEST, REQUEST, other):
        await audit.record("ann", METHOD, request, items=1, outcome="OK")
    events = await store.page(before, datetime.now(UTC) + timedelta(seconds=1), 10)
    assert events[0].request_mac == events[1].request_mac != events[2].request_mac
    assert events[0].request_mac.hex() not in repr(events[0])


@pytest.mark.parametrize(
    "purpose", ["", "Jane's dispute", "X" * 65, "4111111111111111", "078051120"]
)
async def test_what_is_no_code_is_not_kept_as_one(stand: Stand, purpose: str) -> None:
    store = AuditStore(stand.database)
    before = datetime.now(UTC)
    request = DetokenizeRequest(purpose=purpose)
    await Audit(store, Macs(ring())).record("ann", METHOD, request, items=0, outcome="MALFORMED")
    (event,) = await store.page(before, datetime.now(UTC) + timedelta(seconds=1), 10)
    assert (event.purpose, event.outcome) == ("", "MALFORMED")


async def test_a_call_that_was_no_message_is_recorded_too(stand: Stand) -> None:
    store = AuditStore(stand.database)
    before = datetime.now(UTC)
    await Audit(store, Macs(ring())).record("ann", METHOD, None, items=0, outcome="MALFORMED")
    assert len(await store.page(before, datetime.now(UTC) + timedelta(seconds=1), 10)) == 1


async def test_pages_are_in_the_order_of_time(stand: Stand) -> None:
    store = AuditStore(stand.database)
    before = datetime.now(UTC)
    audit = Audit(store, Macs(ring()))
    for outcome in ("OK", "PERMISSION", "NOT_FOUND"):
        await audit.record("ann", METHOD, REQUEST, items=1, outcome=outcome)
    until = datetime.now(UTC) + timedelta(seconds=1)
    assert [each.outcome for each in await store.page(before, until, 2)] == ["OK", "PERMISSION"]
    assert await store.page(before, before, 2) == []


async def test_what_cannot_be_recorded_in_time_is_refused(
    database: Database,
) -> None:
    """A row that waits too long for its table, as behind a migration, is not waited for."""
    dsn = await database("main")
    there = Connected(dsn)
    await there.connect()
    audit = Audit(AuditStore(there), Macs(ring()))
    blocker = await asyncpg.connect(dsn)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE audit")
        with pytest.raises(Unavailable) as refused:
            await audit.record("ann", METHOD, REQUEST, items=1, outcome="OK")
    assert refused.value.reason == "DATABASE_UNAVAILABLE"
    await blocker.close()
    await there.close()
