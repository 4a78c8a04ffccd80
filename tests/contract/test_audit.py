"""The record of audited calls: written as it happened, without a value, or the call fails."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import NoneType

import asyncpg
import pytest

from opencif.v1.tokenization_pb2 import TOKEN_TYPE_PAN, DetokenizeRequest, Token
from repository.audit import AuditEvent, AuditStore
from repository.database import Database as Connected
from server.audit import UNDER_WAY_MAX, Audit
from server.contract import ContractIncomplete
from server.errors import Unavailable
from server.rpc import Call, Caller
from tests.conftest import Database
from tests.contract.stand import Stand, some_id, statements
from tests.unit.keyrings import ring
from tokenizer.mac import Macs

METHOD = "opencif.v1.TokenizationService/Detokenize"
SHOWING = "opencif.v1.CustomerService/GetCustomer"
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
        with pytest.raises(Unavailable):
            await audit.shown(showing(), [some_id()])
    assert refused.value.reason == "DATABASE_UNAVAILABLE"
    assert (audit.stats.recorded, audit.stats.refused) == (0, 2)
    await blocker.close()
    await there.close()


def showing(method: str = SHOWING) -> Call:
    return Call(Caller("ann", frozenset()), method, time.monotonic() + 60)


async def test_whose_private_fields_a_call_shows_is_recorded(stand: Stand) -> None:
    store = AuditStore(stand.database)
    before = datetime.now(UTC)
    ids = [some_id(), some_id()]
    await Audit(store, Macs(ring())).shown(showing(), ids)
    (event,) = await store.page(before, datetime.now(UTC) + timedelta(seconds=1), 10)
    assert (event.actor, event.method, event.items) == ("ann", SHOWING, 2)
    assert (event.customer_ids, event.outcome, event.request_mac) == (b"".join(ids), "OK", b"")


async def test_nobodys_private_fields_leave_no_record(stand: Stand) -> None:
    with statements(stand, 0):
        await Audit(AuditStore(stand.database), Macs(ring())).shown(showing(), [])


async def test_a_method_that_the_contract_does_not_let_disclose_may_not(stand: Stand) -> None:
    audit = Audit(AuditStore(stand.database), Macs(ring()))
    for ids in ([some_id()], []):
        with pytest.raises(ContractIncomplete):
            await audit.shown(showing("opencif.v1.CardService/GetCard"), ids)


async def test_what_is_shown_at_the_same_time_costs_one_commit(stand: Stand) -> None:
    store = AuditStore(stand.database)
    audit = Audit(store, Macs(ring()))
    before = datetime.now(UTC)
    with statements(stand, 1):
        await asyncio.gather(*(audit.shown(showing(), [some_id()]) for _ in range(50)))
    events = await store.page(before, datetime.now(UTC) + timedelta(seconds=1), 100)
    assert len({event.audit_id for event in events}) == 50


async def test_what_comes_while_a_commit_is_under_way_goes_with_the_next(stand: Stand) -> None:
    audit = Audit(AuditStore(stand.database), Macs(ring()))
    with statements(stand, 2):
        first = asyncio.create_task(audit.shown(showing(), [some_id()]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rest = [asyncio.create_task(audit.shown(showing(), [some_id()])) for _ in range(20)]
        await asyncio.gather(first, *rest)


async def test_one_that_cannot_be_written_spoils_no_other(stand: Stand) -> None:
    store = AuditStore(stand.database)
    audit = Audit(store, Macs(ring()))
    before = datetime.now(UTC)
    said = [
        audit.record("ann", METHOD, REQUEST, items=1, outcome=outcome)
        for outcome in ("OK", "no outcome", "PERMISSION")
    ]
    ended = await asyncio.gather(*said, return_exceptions=True)
    assert [type(each) for each in ended] == [NoneType, asyncpg.CheckViolationError, NoneType]
    events = await store.page(before, datetime.now(UTC) + timedelta(seconds=1), 10)
    assert sorted(event.outcome for event in events) == ["OK", "PERMISSION"]


async def test_who_gives_up_leaves_the_others_their_record(stand: Stand) -> None:
    audit = Audit(AuditStore(stand.database), Macs(ring()))
    gone = asyncio.create_task(audit.shown(showing(), [some_id()]))
    stays = asyncio.create_task(audit.shown(showing(), [some_id()]))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert gone.cancelled()


class Slow:
    """A table that takes none of the first events, and then all."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.written: list[int] = []

    async def insert_many(self, events: Sequence[AuditEvent]) -> None:
        await self.may_go_on.wait()
        self.written.append(len(events))


async def test_what_nobody_waits_for_any_more_keeps_nobody_waiting() -> None:
    store = Slow()
    audit = Audit(store, Macs(ring()))  # type: ignore[arg-type]  # all that it asks of a store
    first = asyncio.create_task(audit.shown(showing(), [some_id()]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone = [asyncio.create_task(audit.shown(showing(), [some_id()])) for _ in range(600)]
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    last = asyncio.create_task(audit.shown(showing(), [some_id()]))
    await asyncio.sleep(0)
    store.may_go_on.set()
    await asyncio.gather(first, last)
    assert store.written == [1, 1]


LATE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'INSERT INTO audit'"""


async def test_a_locked_table_takes_few_connections_from_other_writes(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.audit.WRITE_MAX_S", 0.1)
    audit = Audit(AuditStore(stand.database), Macs(ring()))
    lock = await stand.database.acquire()
    try:
        await lock.execute("BEGIN")
        await lock.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")
        for _ in range(3 * UNDER_WAY_MAX):
            with pytest.raises(Unavailable):
                await audit.shown(showing(), [some_id()])
        assert await lock.fetchval(LATE) == UNDER_WAY_MAX
    finally:
        await lock.execute("ROLLBACK")
        await stand.database.release(lock)
    monkeypatch.undo()
    await audit.shown(showing(), [some_id()])
