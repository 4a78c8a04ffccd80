"""The sampler finds what a broken cache would serve, and nothing where the rule holds."""

import asyncio
import random
from collections.abc import Callable, Sequence
from operator import sub

import pytest

from opencif.v1.account_pb2 import Account
from server.frames import FORMS
from server.opened import OpenedRecords
from server.sampler import Sampler
from tests.contract.stand import ACCOUNT, Stand, key_of, origin, raw, some_id, write
from tests.contract.test_interleavings import without_version_check

Pair = tuple[Stand, Stand]
ROUNDS = 60


class Sampled:
    """A stand whose caches are compared with the primary."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.own = OpenedRecords(stand.poll, 2**20)
        self.sampler = Sampler(stand.database, stand.poll, self.own, stand.cache, count=100)

    async def keep(self, id_: bytes) -> None:
        """Have the record in the own cache as the service would."""
        (entry,) = await self.stand.reader.get_many(ACCOUNT, [id_])
        form = FORMS[ACCOUNT]
        shown = Account(version=entry.version).SerializeToString()
        frame = form.frames([shown])[0] if entry.exists else form.missing
        self.own.put(ACCOUNT, [id_], [frame], [entry])

    async def counts(self, source: str) -> tuple[int, int, int]:
        """Sampled, behind and stale after one look more."""
        stats = self.sampler.stats
        counters = stats.sampled, stats.behind, stats.stale
        before = [counter[source] for counter in counters]
        await self.sampler.look()
        sampled, behind, stale = map(sub, [counter[source] for counter in counters], before)
        return sampled, behind, stale


TakeOut = Callable[[Stand], None] | None


def without_removal(stand: Stand) -> None:
    """What the poll sees leaves the own cache as it is."""
    stand.poll.on_change.clear()


@pytest.mark.parametrize(("take_out", "stale"), [(None, False), (without_version_check, True)])
async def test_an_old_entry_that_would_be_served_is_found(
    pair: Pair, take_out: TakeOut, stale: bool
) -> None:
    """The second run shows that the first would tell."""
    here, there = Sampled(pair[0]), pair[1]
    id_ = some_id()
    await there.create(id_)
    async with raw(there) as behind:
        old = await behind.get(key_of(there, id_))
        assert old is not None
        await there.update(id_, 2)
        await here.stand.poll.poll()
        await behind.set(key_of(there, id_), old)
        if take_out:
            take_out(here.stand)
        sampled, late, found = await here.counts("valkey")
    assert (bool(sampled), late, bool(found)) == (stale, 0, stale)


@pytest.mark.parametrize(("take_out", "stale"), [(None, 0), (without_removal, 50)])
@pytest.mark.parametrize("is_there", [True, False])
async def test_an_old_record_of_the_own_cache_is_found(
    pair: Pair, take_out: TakeOut, stale: int, is_there: bool
) -> None:
    here, there = Sampled(pair[0]), pair[1]
    id_ = some_id()
    if is_there:
        await there.create(id_)
        await here.stand.poll.poll()
    await here.keep(id_)
    if take_out:
        take_out(here.stand)
    assert (await here.counts("own"))[1:] == (0, 0)
    await (there.update(id_, 2) if is_there else there.create(id_))
    assert await here.counts("own") == (50, 50, 0), "the poll has yet to see it"
    await here.stand.poll.poll()
    assert await here.counts("own") == (stale, 0, stale)


async def test_a_record_that_is_gone_is_found_and_what_says_so_is_right(pair: Pair) -> None:
    here, there = Sampled(pair[0]), pair[1]
    id_ = some_id()
    await there.create(id_)
    await here.stand.poll.poll()
    await here.keep(id_)
    without_removal(here.stand)
    await there.delete(id_, 2)
    await here.stand.poll.poll()
    assert await here.counts("own") == (50, 0, 50)
    here.own.drop()
    await here.keep(id_)
    assert await here.counts("own") == (50, 0, 0)
    assert (await here.counts("valkey"))[2] == 0


async def test_a_gap_of_the_poll_in_the_midst_of_a_look_harms_nothing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, id_ = Sampled(stand), some_id()
    await stand.create(id_)
    await stand.poll.poll()
    assert stand.cache is not None
    peek = stand.cache.peek

    async def gap(kind: int, ids: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        found = await peek(kind, ids)
        for drop in stand.poll.on_drop:
            drop()
        return found

    monkeypatch.setattr(stand.cache, "peek", gap)
    assert (await here.counts("valkey"))[0] > 0


async def test_another_life_is_not_compared_with(pair: Pair) -> None:
    """Until it has a name, and the poll knows it: xids mean something else there."""
    here = Sampled(pair[0])
    id_ = some_id()
    await here.stand.create(id_)
    await here.keep(id_)
    assert (await here.counts("own"))[0] == 50
    await here.stand.database.write("UPDATE incarnation SET timeline = timeline + 1")
    assert await here.counts("own") == (0, 0, 0)
    await here.stand.database.write(
        "UPDATE incarnation SET timeline = timeline - 1, id = 'elsewise'"
    )
    assert await here.counts("own") == (0, 0, 0)


async def test_it_is_no_reader_and_knows_its_own_keys(stand: Stand) -> None:
    here = Sampled(stand)
    id_ = some_id()
    await stand.create(id_)
    async with raw(stand) as behind:
        key = key_of(stand, id_)
        for foreign in (b"x", key[:-1], key + b"x", key[:5] + b"8 others" + key[13:], b"{00}" * 9):
            await behind.set(foreign, b"x")
        for _ in range(ROUNDS):
            await here.sampler.look()
    stats = here.sampler.stats
    assert stats.sampled["valkey"] > 1
    assert stand.cache is not None
    assert (stand.cache.stats.hits, stand.cache.stats.misses) == (0, {})
    assert sum(stats.age_s.counts) == stats.sampled["valkey"]
    assert stats.age_s.counts[-1] == 0, "it was filled a moment ago"


async def test_no_primary_or_cache_is_no_failure_of_it(stand: Stand) -> None:
    here = Sampled(stand)
    await stand.create(some_id())
    assert stand.valkey is not None
    stand.valkey.kill()
    await here.sampler.look()
    stand.poll._clock = lambda: 1e12
    await here.sampler.look()
    assert here.sampler.stats.sampled == {"own": 0, "valkey": 0}


@pytest.mark.parametrize(("take_out", "stale"), [(None, False), (without_version_check, True)])
async def test_under_writes_and_slow_fills_there_is_no_alarm(
    pair: Pair, take_out: TakeOut, stale: bool
) -> None:
    """With fills that come late, evictions and polls in between; the control breaks the cache."""
    here, there = Sampled(pair[0]), pair[1]
    ids = [some_id() for _ in range(8)]
    versions = dict.fromkeys(ids, 1)
    await there.create(*ids)
    chance = random.Random(7)
    async with raw(there) as behind:
        for _ in range(ROUNDS):
            id_ = chance.choice(ids)
            late = (await here.stand.store.get_many(ACCOUNT, [id_])).by_id()
            versions[id_] += 1
            async with there.writer.begin(origin()) as work:
                await work.update(write(id_, versions[id_]))
            if chance.random() < 0.5:
                await behind.delete(key_of(there, id_))
            here.stand.cache.put(ACCOUNT, late.items())  # type: ignore[union-attr]  # it has one
            if chance.random() < 0.7:
                await here.stand.poll.poll()
            if take_out:
                take_out(here.stand)
            await asyncio.gather(here.keep(chance.choice(ids)), here.sampler.look())
    stats = here.sampler.stats
    assert min(stats.sampled.values()) > ROUNDS
    assert stats.stale["own"] == 0
    assert bool(stats.stale["valkey"]) is stale
