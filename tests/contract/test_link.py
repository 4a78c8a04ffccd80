"""Links: paged, read in batches, and exclusive where they say so."""

import pytest

from repository.errors import LinkTaken
from repository.link import Link, Relation
from tests.contract.stand import Stand, origin, some_id, write

OWNS = Relation.CUSTOMER_ACCOUNT
IDENTIFIER = Relation.IDENTIFIER_CUSTOMER


async def link(stand: Stand, *links: Link) -> None:
    async with stand.writer.begin(origin()) as work:
        await work.link(links)


async def test_pages_and_batches(stand: Stand) -> None:
    owner, other = some_id(), some_id()
    ids = sorted(some_id() for _ in range(9))
    await link(stand, *(Link(OWNS, owner, id_) for id_ in ids), Link(OWNS, other, ids[0]))
    await link(stand, Link(Relation.CUSTOMER_CARD, owner, some_id()))
    seen: list[bytes] = []
    while page := await stand.links.page(OWNS, owner, after=seen[-1] if seen else None, limit=4):
        seen += page
    assert seen == ids
    assert await stand.links.get_many(OWNS, [other, owner, some_id()]) == {
        owner: ids,
        other: ids[:1],
    }


async def test_linking_twice_and_unlinking_what_is_not_there_are_no_errors(stand: Stand) -> None:
    one, two = Link(OWNS, some_id(), some_id()), Link(OWNS, some_id(), some_id())
    await link(stand, one)
    await link(stand, one, two)
    async with stand.writer.begin(origin()) as work:
        await work.unlink([one, one, Link(OWNS, some_id(), some_id())])
        await work.link([])
        await work.unlink([])
    assert await stand.links.get_many(OWNS, [one.key, two.key]) == {two.key: [two.id]}


async def test_an_exclusive_key_has_one_holder(stand: Stand) -> None:
    key, holder, other = some_id(), some_id(), some_id()
    await link(stand, Link(IDENTIFIER, key, holder, exclusive=True))
    await link(stand, Link(IDENTIFIER, key, holder, exclusive=True))
    with pytest.raises(LinkTaken) as taken:
        await link(
            stand,
            Link(IDENTIFIER, some_id(), other, exclusive=True),
            Link(IDENTIFIER, key, other, exclusive=True),
        )
    assert (taken.value.relation, taken.value.key, taken.value.id) == (IDENTIFIER, key, holder)
    assert await stand.links.get_many(IDENTIFIER, [key]) == {key: [holder]}
    async with stand.writer.begin(origin()) as work:
        await work.unlink([Link(IDENTIFIER, key, holder)])
        await work.link([Link(IDENTIFIER, key, other, exclusive=True)])
    assert await stand.links.get_many(IDENTIFIER, [key]) == {key: [other]}


async def test_a_shared_key_has_many(stand: Stand) -> None:
    key, ids = some_id(), sorted([some_id(), some_id()])
    await link(stand, *(Link(IDENTIFIER, key, id_) for id_ in ids))
    assert await stand.links.get_many(IDENTIFIER, [key]) == {key: ids}


async def test_a_taken_key_takes_the_record_back_with_it(stand: Stand) -> None:
    key, id_ = some_id(), some_id()
    await link(stand, Link(IDENTIFIER, key, some_id(), exclusive=True))

    async def create() -> None:
        async with stand.writer.begin(origin()) as work:
            await work.insert(write(id_))
            await work.link([Link(IDENTIFIER, key, id_, exclusive=True)])

    with pytest.raises(LinkTaken):
        await create()
    assert (await stand.get(id_)).version == 0
