"""Pages of a history across lives of the database: gone on with only where they are still true."""

import asyncio
from typing import Any

import pytest

from opencif.v1 import account_pb2
from opencif.v1.account_pb2 import Account
from server.errors import FailedPrecondition, InvalidArgument
from server.work import Work
from tests.contract.conftest import Under
from tests.contract.keyed_bank import OLD, Bank

NUMBER = "0011223344"
VERSIONS = 4


async def made(bank: Bank) -> str:
    """An account with a history."""
    name = (await bank.create(NUMBER)).name

    async def change(work: Work) -> Account:
        account = await work.read(Account, name)
        account.branch = f"B{account.version + 1}"
        return work.put(account)

    for _ in range(VERSIONS - 1):
        await bank.change(change)
    await bank.poll.poll()
    return name


async def page(bank: Bank, name: str, token: str = "") -> tuple[list[int], str]:
    """The versions of a page, and the token of the next."""
    request = account_pb2.ListAccountRevisionsRequest(name=name, page_size=2, page_token=token)
    answer = await bank.accounts.ListAccountRevisions(request, bank.call("ListAccountRevisions"))
    return [one.revision.version for one in answer.revisions], answer.next_page_token


async def write(bank: Bank, sql: str, *arguments: Any) -> None:
    await bank.poll._database.write(sql, *arguments)


async def another_life(bank: Bank, beats: int) -> None:
    """The heart beats so many times more, then another server goes on from there."""
    former = bank.poll.window.incarnation
    await write(bank, "UPDATE heartbeat SET beat = beat + $1, time = now()", beats)
    await write(bank, "UPDATE incarnation SET timeline = timeline + 1")
    async with asyncio.timeout(20):
        while bank.poll.window.incarnation == former:  # noqa: ASYNC110  polled, not told
            await asyncio.sleep(0.02)


async def test_what_has_not_been_undone_is_gone_on_with(under: Under) -> None:
    """Through as many lives as it takes."""
    bank = await under(OLD)
    name = await made(bank)
    shown, token = await page(bank, name)
    assert shown == [4, 3]
    for _ in range(2):
        await another_life(bank, beats=2)
        shown, next_token = await page(bank, name, token)
        assert shown == [2, 1]
        assert next_token == ""


@pytest.mark.parametrize("lives", [[1], [0], [2, 0], [0, 2]])
async def test_what_may_have_been_undone_is_refused(under: Under, lives: list[int]) -> None:
    """That the heart beat once more says nothing of what was under way then."""
    bank = await under(OLD)
    name = await made(bank)
    _, token = await page(bank, name)
    for beats in lives:
        await another_life(bank, beats)
    with pytest.raises(FailedPrecondition) as refused:
        await page(bank, name, token)
    assert (refused.value.reason, refused.value.field) == ("HISTORY_REWOUND", "page_token")
    assert (await page(bank, name))[0] == [4, 3], "who begins again is told"


@pytest.mark.parametrize("looks", [True, False])
async def test_two_histories_are_never_told_as_one(
    under: Under, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    """The control goes on where the former pages ended, though they showed what is undone."""
    bank = await under(OLD)
    name = await made(bank)
    shown, token = await page(bank, name)
    await write(bank, "DELETE FROM change WHERE version > 1")
    await another_life(bank, 0)
    if looks:
        with pytest.raises(FailedPrecondition):
            await page(bank, name, token)
        return

    async def all_of_it(*_: object) -> int:
        return 2**62

    monkeypatch.setattr(bank.poll, "shared_below", all_of_it)
    assert shown + (await page(bank, name, token))[0] == [4, 3, 1]


async def test_a_list_goes_on_over_what_there_is(under: Under) -> None:
    """In the order of keys no page depends on another's records."""
    bank = await under(OLD)
    names = sorted([(await bank.create(f"00112233{n}")).name for n in range(10, 16)])
    request = account_pb2.ListAccountsRequest(page_size=3)
    answer = await bank.accounts.ListAccounts(request, bank.call("ListAccounts"))
    await another_life(bank, 0)
    request.page_token = answer.next_page_token
    rest = await bank.accounts.ListAccounts(request, bank.call("ListAccounts"))
    listed = [account.name for account in (*answer.accounts, *rest.accounts)]
    assert sorted(listed) == names


async def test_a_token_of_an_older_release_is_no_token(under: Under) -> None:
    bank = await under(OLD)
    name = await made(bank)
    request = account_pb2.ListAccountRevisionsRequest(name=name, page_size=2)
    call = bank.call("ListAccountRevisions")
    cursors = bank.accounts._reads._cursors
    request.page_token = cursors.page_token(request, call, bytes(8))
    with pytest.raises(InvalidArgument) as refused:
        await bank.accounts.ListAccountRevisions(request, call)
    assert refused.value.reason == "INVALID_PAGE_TOKEN"
