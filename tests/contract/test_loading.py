"""Loading: all or a told reason per row, with history and links as any other write."""

import asyncio

import pytest

from repository.errors import OperationInProgress
from repository.link import Link, Relation
from repository.loading import LoadRow, Reject, hold, load, mark, read
from repository.record import Kind, Operation
from tests.contract.stand import ACCOUNT, OPEN, Stand, origin, segment, some_id, some_uid

IDENTIFIER = Relation.IDENTIFIER_CUSTOMER


def row(id_: bytes, *links: Link, number: bytes | None = None) -> LoadRow:
    private = segment(id_, 1, "private")
    uid = some_uid().bytes
    return LoadRow(id_, uid, OPEN, "north", segment(id_, 1), private, number, links)


def identified(id_: bytes, key: bytes) -> LoadRow:
    return row(id_, Link(IDENTIFIER, key, id_, exclusive=True))


async def run(
    stand: Stand, rows: list[LoadRow], *, kind: int = ACCOUNT, asks_first: bool = True
) -> dict[int, Reject]:
    async with stand.writer.begin(origin(source_system="LOADER")) as work:
        rejects = await load(work, kind, rows, asks_first=asks_first)
    assert (work.position.xid > 0) == (len(rejects) < len(rows))
    return rejects


@pytest.mark.parametrize("asks_first", [True, False])
async def test_loaded_records_are_records_like_any_other(
    any_stand: Stand, *, asks_first: bool
) -> None:
    ids = [some_id() for _ in range(500)]
    owner = some_id()
    rows = [row(id_, Link(Relation.CUSTOMER_ACCOUNT, owner, id_), number=b"number") for id_ in ids]
    unknown = await any_stand.reader.get_many(ACCOUNT, ids)
    assert {entry.version for entry in unknown} == {0}
    await any_stand.settle()  # all are tombstones in the cache now, of no use after the load
    await any_stand.halfway()
    assert await run(any_stand, rows, asks_first=asks_first) == {}
    await any_stand.poll.poll()
    entries = await any_stand.reader.get_many(ACCOUNT, ids)
    assert [(e.version, e.operational, e.private) for e in entries] == [
        (1, segment(id_, 1), segment(id_, 1, "private")) for id_ in ids
    ]
    assert await any_stand.store.get_numbers(ACCOUNT, ids[:1]) == {ids[0]: b"number"}
    assert await any_stand.links.get_many(Relation.CUSTOMER_ACCOUNT, [owner]) == {
        owner: sorted(ids)
    }
    revision = await any_stand.store.revision(ACCOUNT, ids[7], version=1)
    assert (revision.operation, revision.source_system) == (Operation.IMPORT, "LOADER")
    await any_stand.update(ids[7], 2)


async def test_rows_that_cannot_be_loaded_are_told_and_left_out(stand: Stand) -> None:
    known, deleted, fresh = some_id(), some_id(), some_id()
    await stand.create(known, deleted)
    await stand.delete(deleted, 2)
    rows = [row(id_) for id_ in (known, fresh, deleted, fresh)]
    assert await run(stand, rows) == {
        0: Reject.EXISTS,
        2: Reject.EXISTS,
        3: Reject.REPEATED,
    }
    await stand.poll.poll()
    versions = [e.version for e in await stand.reader.get_many(ACCOUNT, [known, deleted, fresh])]
    assert versions == [1, 2, 1]
    assert await run(stand, []) == {}


async def test_exclusive_keys_are_kept_exclusive(stand: Stand) -> None:
    held, free, holder = some_id(), some_id(), some_id()
    customer = Kind.CUSTOMER
    assert await run(stand, [identified(holder, held)], kind=customer) == {}
    ids = [some_id() for _ in range(3)]
    rows = [identified(ids[0], held), identified(ids[1], free), identified(ids[2], free)]
    rejects = await run(stand, rows, kind=customer)
    assert rejects == {0: Reject.LINK_TAKEN, 2: Reject.REPEATED}
    links = await stand.links.get_many(IDENTIFIER, [held, free])
    assert links == {held: [holder], free: [ids[1]]}
    await stand.poll.poll()
    entries = await stand.reader.get_many(Kind.CUSTOMER, ids)
    assert [entry.version for entry in entries] == [0, 1, 0]


@pytest.mark.parametrize("again", ["record", "deleted", "repeated", "link", "exclusive"])
async def test_what_was_not_asked_for_and_is_there_ends_the_transaction(
    stand: Stand, again: str
) -> None:
    known, deleted, fresh = (some_id() for _ in range(3))
    await stand.create(known, deleted)
    await stand.delete(deleted, 2)
    await run(stand, [identified(some_id(), b"held")], kind=Kind.CUSTOMER)
    link = Link(Relation.CUSTOMER_ACCOUNT, some_id(), fresh)
    bad = {
        "record": [row(known)],
        "deleted": [row(deleted)],
        "repeated": [row(fresh)],
        "link": [row(some_id(), link, link)],
        "exclusive": [identified(some_id(), b"held")],
    }
    rows = [row(fresh), *bad[again]]
    with pytest.raises(OperationInProgress):
        await run(stand, rows, asks_first=False)
    await stand.poll.poll()
    assert (await stand.get(fresh)).version == 0
    kept = await run(stand, rows)
    assert set(kept) <= {1}
    await stand.poll.poll()
    assert (await stand.get(fresh)).version == 1


async def test_a_connection_loads_again_and_again(stand: Stand) -> None:
    for _ in range(3):
        assert await run(stand, [row(some_id())], asks_first=False) == {}


async def test_what_new_records_refer_to_stays_until_they_are_committed(stand: Stand) -> None:
    there, gone, never = some_id(), some_id(), some_id()
    await stand.create(there, gone)
    await stand.delete(gone, 2)
    async with stand.writer.begin(origin()) as work:
        held = await hold(work, ACCOUNT, [there, gone, never])
        assert {id_: (one.version, one.state) for id_, one in held.items()} == {there: (1, OPEN)}
        entries = await read(work, ACCOUNT, [there, gone, never])
        assert {id_: entry.version for id_, entry in entries.items()} == {there: 1}
        async with stand.writer.begin(origin()) as other:  # another load may hold it too
            assert await hold(other, ACCOUNT, [there]) == held
        change = asyncio.create_task(stand.update(there, 2))
        while not await stand.database.fetch("SELECT 1 FROM pg_locks WHERE NOT granted"):
            assert not change.done()
    assert (await change).entry.version == 2


async def test_a_mark_is_behind_everything_committed_before_it(stand: Stand) -> None:
    position = await stand.create(some_id())
    async with stand.writer.begin(origin()) as work:
        await mark(work)
    assert work.position.xid > position.xid
    await stand.poll.poll()
    assert stand.window.has_seen(work.position.xid)
