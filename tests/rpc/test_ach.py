"""Clearing resolves entries: journey 1 (DOMAIN, section F) in one call."""

import asyncpg
import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1 import account_pb2, ach_pb2
from tests.rpc.clearing import (
    CASES,
    NOC,
    POST,
    RETURN,
    REVIEW,
    Bank,
    ach_entry,
    corrected,
    settled,
    told,
)
from tests.rpc.conftest import Serving

NAMES_TOLD = """
SELECT coalesce(sum(items), 0) FROM audit
WHERE method = 'opencif.v1.AchResolutionService/ResolveAchEntries'"""


@pytest.fixture
async def bank(client: Client, addresses: list[str]) -> Bank:
    return await settled(client, addresses)


async def test_entries_earn_what_was_planted_in_their_order(bank: Bank) -> None:
    entries = [ach_entry(bank, case, n, fields) for n, (case, fields, *_) in enumerate(CASES, 1)]
    answer = await bank.client.resolve_entries(entries)
    assert [told(one) for one in answer.resolutions] == [
        (disposition, code) for _, _, disposition, code in CASES
    ]
    assert [one.entry_seq for one in answer.resolutions] == list(range(1, len(CASES) + 1))
    for one in answer.resolutions:
        assert one.noc.corrected_data.rstrip() == corrected(bank, one.noc.code)
        assert one.return_by_date == ("2026-11-25" if one.return_code or one.noc.code else "")
        assert one.date_of_death == ("2026-10-01" if one.return_code == "R15" else "")
    first = answer.resolutions[0]
    assert first.account.startswith("accounts/")
    assert first.account_state == account_pb2.ACCOUNT_STATE_OPEN
    assert first.master_version > 1
    assert first.name_match == ach_pb2.NAME_MATCH_MATCH


async def test_an_entry_without_its_form_is_for_review_and_the_others_are_resolved(
    bank: Bank,
) -> None:
    entries = [ach_entry(bank, "ok", n, {}) for n in range(4)]
    entries[1].settlement_date = "2026-02-30"
    entries[2].ClearField("rdfi_routing")
    answer = await bank.client.resolve_entries(entries)
    assert [told(one) for one in answer.resolutions] == [
        (POST, ""),
        (REVIEW, "INVALID_DATE"),
        (REVIEW, "REQUIRED"),
        (POST, ""),
    ]


@pytest.mark.parametrize(("count", "reason"), [(0, "EMPTY_BATCH"), (1001, "TOO_LONG")])
async def test_a_batch_has_one_to_a_thousand_entries(bank: Bank, count: int, reason: str) -> None:
    request = ach_pb2.ResolveAchEntriesRequest(entries=[ach_entry(bank, "ok", 1, {})] * count)
    with pytest.raises(OpencifError) as refused:
        await bank.client.ach.ResolveAchEntries(request)
    assert refused.value.reason in {reason, "REQUIRED"}


async def test_a_decision_is_judged_as_of_its_time(bank: Bank) -> None:
    request = ach_pb2.ResolveAchEntriesRequest(entries=[ach_entry(bank, "dead", 1, {})])
    request.as_of.FromJsonString("2026-09-30T12:00:00Z")
    answer = await bank.client.ach.ResolveAchEntries(request)
    assert answer.resolutions[0].return_code != "R15"


async def test_a_change_is_seen_by_the_next_call(bank: Bank) -> None:
    name = await bank.account("late")
    assert told(
        (await bank.client.resolve_entries([ach_entry(bank, "late", 1, {})])).resolutions[0]
    ) == (POST, "")
    await bank.client.accounts.CloseAccount(account_pb2.CloseAccountRequest(name=name))
    answer = await bank.client.resolve_entries([ach_entry(bank, "late", 1, {})])
    assert told(answer.resolutions[0]) == (RETURN, "R02")


async def test_a_close_name_earns_the_owners_own_where_the_policy_says_so(bank: Bank) -> None:
    entry = ach_entry(bank, "ok", 1, {"individual_name": "ANN SMITH"})
    answer = await bank.client.resolve_entries([entry])
    assert answer.resolutions[0].name_match == ach_pb2.NAME_MATCH_CLOSE
    assert told(answer.resolutions[0]) == (POST, "")
    policy = ach_pb2.AchPolicy(close_match_noc=True)
    answer = await bank.client.resolve_entries([entry], policy=policy)
    assert told(answer.resolutions[0]) == (NOC, "C04")
    assert answer.resolutions[0].noc.corrected_data.rstrip() == "ANN BELL"


async def test_a_name_that_a_correction_tells_is_on_record(bank: Bank, serving: Serving) -> None:
    behind = await asyncpg.connect(serving.environment["OPENCIF_DATABASE_DSN"])
    entry = ach_entry(bank, "ok", 1, {"individual_name": "ANN SMITH"})
    for close_match_noc in (False, True):
        before = await behind.fetchval(NAMES_TOLD)
        policy = ach_pb2.AchPolicy(close_match_noc=close_match_noc)
        await bank.client.resolve_entries([entry], policy=policy)
        assert await behind.fetchval(NAMES_TOLD) == before + close_match_noc
    await behind.close()


async def test_a_policy_may_return_a_name_that_is_nobodys(bank: Bank) -> None:
    entry = ach_entry(bank, "ok", 1, {"individual_name": "SOMEBODY ELSE"})
    policy = ach_pb2.AchPolicy(name_policy=ach_pb2.NAME_POLICY_RETURN)
    answer = await bank.client.resolve_entries([entry], policy=policy)
    assert answer.resolutions[0].return_code == "R03"
