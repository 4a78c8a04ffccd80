"""Records read as they were written: with the cache, without it, and with it cut off halfway."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repository.errors import AlreadyExists, NotFound, VersionMismatch
from repository.record import DELETED, Kind, Operation
from tests.contract.stand import ACCOUNT, OPEN, Stand, origin, segment, some_id, some_uid, write


async def test_reads_what_was_written(any_stand: Stand) -> None:
    id_ = some_id()
    await any_stand.create(id_)
    for _ in range(2):
        entry = await any_stand.get(id_)
        assert entry.version == 1
        assert entry.exists
        assert entry.operational == segment(id_, 1)
        assert entry.private == segment(id_, 1, "private")
        await any_stand.halfway()


async def test_keeps_order_and_duplicates(any_stand: Stand) -> None:
    ids = [some_id() for _ in range(40)]
    await any_stand.create(*ids)
    wanted = [*ids[::-1], some_id(), *ids[:7]]
    for _ in range(2):
        entries = await any_stand.reader.get_many(ACCOUNT, wanted)
        assert [e.operational for e in entries] == [
            segment(id_, 1) if id_ in ids else b"" for id_ in wanted
        ]
        await any_stand.halfway()


async def test_an_update_is_read_at_once(any_stand: Stand) -> None:
    id_ = some_id()
    await any_stand.create(id_)
    await any_stand.get(id_)
    await any_stand.halfway()
    for version in range(2, 6):
        await any_stand.update(id_, version)
        entry = await any_stand.get(id_)
        assert (entry.version, entry.operational) == (version, segment(id_, version))


async def test_an_update_keeps_what_it_does_not_say(any_stand: Stand) -> None:
    id_ = some_id()
    await any_stand.create(id_)
    await any_stand.halfway()
    async with any_stand.writer.begin(origin()) as work:
        before = (await work.lock_many(ACCOUNT, [id_]))[id_]
        await work.update(write(id_, 2, private=None, number=b"sealed number"))
    entry = await any_stand.get(id_)
    assert entry.private == segment(id_, 1, "private")
    async with any_stand.writer.begin(origin()) as work:
        after = (await work.lock_many(ACCOUNT, [id_]))[id_]
        await work.update(write(id_, 3, private=b"", number=None))
    assert (after.uid, after.create_time) == (before.uid, before.create_time)
    assert after.number == b"sealed number"
    assert (await any_stand.get(id_)).private == b""
    assert await any_stand.store.get_numbers(ACCOUNT, [id_]) == {id_: b"sealed number"}


async def test_a_deleted_record_is_a_versioned_tombstone(any_stand: Stand) -> None:
    id_ = some_id()
    await any_stand.create(id_)
    await any_stand.halfway()
    await any_stand.delete(id_, 2)
    for _ in range(2):
        entry = await any_stand.get(id_)
        assert (entry.version, entry.exists, entry.private) == (2, False, b"")


async def test_an_unknown_id_is_a_tombstone_until_it_is_created(any_stand: Stand) -> None:
    id_ = some_id()
    for _ in range(2):
        entry = await any_stand.get(id_)
        assert (entry.version, entry.exists) == (0, False)
    await any_stand.halfway()
    await any_stand.create(id_)
    assert (await any_stand.get(id_)).version == 1


async def test_a_deleted_id_comes_back_at_the_next_version_as_another(any_stand: Stand) -> None:
    id_ = some_id()
    await any_stand.create(id_)
    await any_stand.delete(id_, 2)
    await any_stand.halfway()
    uid = some_uid()
    async with any_stand.writer.begin(origin()) as work:
        deleted = (await work.lock_many(ACCOUNT, [id_]))[id_]
        await work.insert(write(id_, 3, uid=uid))
    assert (deleted.state, deleted.operational, deleted.number) == (DELETED, None, None)
    assert (await any_stand.get(id_)).version == 3
    history, ceiling = await any_stand.store.revisions(ACCOUNT, id_, limit=10)
    assert 0 < ceiling <= any_stand.window.horizon + 100
    assert [r.operation for r in history] == [
        Operation.RECREATE,
        Operation.DELETE,
        Operation.CREATE,
    ]
    assert {r.branch for r in history} == {"north"}
    assert history[0].uid == uid != history[1].uid == deleted.uid


async def test_a_new_incarnation_of_a_closed_record_starts_its_own_times(any_stand: Stand) -> None:
    id_, uid = some_id(), some_uid()
    await any_stand.create(id_)
    opened = datetime.now(UTC) + timedelta(seconds=5)
    async with any_stand.writer.begin(origin(time=opened)) as work:
        await work.update(write(id_, 2, uid=uid))
    async with any_stand.writer.begin(origin()) as work:
        row = (await work.lock_many(ACCOUNT, [id_]))[id_]
    assert (row.uid, row.create_time, row.update_time) == (uid, opened, opened)


async def test_writes_refuse_what_does_not_fit(stand: Stand) -> None:
    id_, gone = some_id(), some_id()
    await stand.create(id_, gone)
    await stand.delete(gone, 2)
    with pytest.raises(AlreadyExists):
        await stand.create(id_)
    with pytest.raises(AlreadyExists):  # over a deleted row only at the version after its last
        await stand.create(gone)
    with pytest.raises(VersionMismatch) as mismatch:
        await stand.update(id_, 3)
    assert (mismatch.value.expected, mismatch.value.actual) == (2, 1)
    for absent in (gone, some_id()):
        with pytest.raises(NotFound):
            await stand.update(absent, 3)
        with pytest.raises(NotFound):
            await stand.delete(absent, 3)
    assert (await stand.get(id_)).version == 1


async def test_pages_run_through_all_records_once(stand: Stand) -> None:
    north = sorted(some_id() for _ in range(11))
    south = sorted(some_id() for _ in range(5))
    await stand.create(*north)
    await stand.create(*south, branch="south")
    await stand.create(some_id(), kind=Kind.CARD)
    await stand.delete(north[3], 2)
    left = [id_ for id_ in north if id_ != north[3]]
    for branch, expected in ((None, sorted(left + south)), ("north", left), ("south", south)):
        seen: list[bytes] = []
        while page := await stand.store.page(
            ACCOUNT, branch=branch, after=seen[-1] if seen else None, limit=4
        ):
            seen += [record.id for record in page]
            assert {record.number for record in page} == {None}
        assert seen == expected
    assert await stand.store.page(ACCOUNT, branch="west", limit=4) == []


async def test_history_says_who_did_what_when_and_why(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_)
    early = datetime.now(UTC)
    said = origin(
        actor="teller", source_system="BRANCH_12", reason="FRAUD", time=early + timedelta(hours=1)
    )
    async with stand.writer.begin(said) as work:
        await work.update(write(id_, 2), ["restrictions", "state"])
    (newest, first), _ = await stand.store.revisions(ACCOUNT, id_, limit=5)
    assert newest.paths == ("restrictions", "state")
    assert (newest.actor, newest.method, newest.request_id) == (
        "teller",
        said.method,
        said.request_id,
    )
    assert (newest.source_system, newest.reason, newest.time) == (
        "BRANCH_12",
        "FRAUD",
        said.time,
    )
    assert (newest.state, newest.branch, newest.operational) == (OPEN, "north", segment(id_, 2))
    assert first.version == 1
    assert await stand.store.revision(ACCOUNT, id_, version=2) == newest
    assert await stand.store.revision(ACCOUNT, id_, as_of=early) == first
    assert await stand.store.revision(ACCOUNT, id_, as_of=said.time) == newest
    either: list[dict[str, Any]] = [{"version": 3}, {"as_of": early - timedelta(hours=1)}]
    for missing in either:
        with pytest.raises(NotFound):
            await stand.store.revision(ACCOUNT, id_, **missing)


async def test_history_is_paged_newest_first(stand: Stand) -> None:
    id_ = some_id()
    await stand.create(id_)
    for version in range(2, 8):
        await stand.update(id_, version)
    seen: list[int] = []
    while page := (
        await stand.store.revisions(
            ACCOUNT, id_, before_version=seen[-1] if seen else None, limit=3
        )
    )[0]:
        seen += [revision.version for revision in page]
    assert seen == [7, 6, 5, 4, 3, 2, 1]
