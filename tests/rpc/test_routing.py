"""Routing numbers over the wire: import, overlay, lookups."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1.routing_pb2 import (
    AccountScheme,
    ImportRoutingNumbersRequest,
    ImportRoutingNumbersResponse,
    LookupRoutingNumbersRequest,
    RoutingNumber,
    RoutingResult,
)

PATIENT_S = 60.0
OURS, OTHER, OLD = "050000005", "050000018", "050000021"  # other tests use none of them


@pytest.fixture
async def client(addresses: list[str]) -> AsyncIterator[Client]:
    """A client of one worker: the others learn of an import when they next poll."""
    async with Client(addresses[:1], timeout_s=PATIENT_S) as made:
        yield made


def directory(*numbers: str, name: str = "FIRST BANK") -> bytes:
    rows = [
        f"{number}O0610001461061526000000000{name:36}{'1 MAIN ST':36}{'SPRINGFIELD':20}IL"
        f"627010000217555010011     "
        for number in numbers
    ]
    return "\r\n".join(rows).encode()


async def load(client: Client, *parts: bytes | RoutingNumber) -> ImportRoutingNumbersResponse:
    def requests() -> Iterator[ImportRoutingNumbersRequest]:
        for part in parts:
            if isinstance(part, bytes):
                yield ImportRoutingNumbersRequest(directory=part)
            else:
                yield ImportRoutingNumbersRequest(addition=part)

    return await client.routing.ImportRoutingNumbers(requests())


async def look_up(client: Client, *numbers: str) -> list[RoutingResult]:
    request = LookupRoutingNumbersRequest(routing_numbers=numbers)
    return list((await client.routing.LookupRoutingNumbers(request)).results)


async def test_a_directory_is_replaced_whole_and_additions_stay(client: Client) -> None:
    scheme = AccountScheme(min_length=6, digits_only=True)
    ours = RoutingNumber(routing_number=OURS, ours=True, participates=True, account_scheme=scheme)
    answer = await load(client, directory(OURS, OTHER), ours)
    assert (answer.directory_rows, answer.additions, answer.rejected_count) == (2, 1, 0)
    answer = await load(client, directory(OURS, OLD, name="SECOND BANK"))
    assert (answer.directory_rows, answer.additions) == (2, 0)
    found, gone, new = await look_up(client, OURS, OTHER, OLD)
    assert found.routing_number.ours
    assert found.routing_number.account_scheme == scheme
    assert found.routing_number.customer_name == "SECOND BANK"
    assert (gone.found, new.found) == (False, True)


async def test_lookups_keep_their_order_and_say_what_is_malformed(client: Client) -> None:
    await load(client, directory(OTHER))
    results = await look_up(client, "050000019", OTHER, "x", OTHER, OLD)
    assert [(one.found, one.error_reason) for one in results] == [
        (False, "CHECK_DIGIT"),
        (True, ""),
        (False, "MALFORMED"),
        (True, ""),
        (False, ""),
    ]


async def test_bad_rows_are_named_and_the_others_taken(client: Client) -> None:
    bad = directory(OLD).replace(OLD.encode(), b"050000022")
    answer = await load(client, directory(OTHER) + b"\r\n" + bad + b"\r\nshort\r\n")
    assert answer.directory_rows == 1
    assert [(one.row, one.reason, one.field) for one in answer.rejected] == [
        (2, "CHECK_DIGIT", "routing_number"),
        (3, "MALFORMED", ""),
    ]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "EMPTY_BATCH"),
        ([b"no rows at all"], "MALFORMED"),
        ([bytes(2**20 + 1)], "TOO_LONG"),
        ([RoutingNumber(routing_number="050000019")], "CHECK_DIGIT"),
    ],
)
async def test_an_import_that_cannot_be_meant(
    client: Client, parts: list[bytes | RoutingNumber], reason: str
) -> None:
    await load(client, directory(OTHER))
    with pytest.raises(OpencifError) as refused:
        await load(client, *parts)
    assert refused.value.reason == reason
    assert [one.found for one in await look_up(client, OTHER)] == [True]


async def test_an_addition_that_is_none_is_rejected_alone(client: Client) -> None:
    strange = RoutingNumber(routing_number=OLD, record_type=70_000)
    answer = await load(client, RoutingNumber(routing_number=OTHER), strange)
    assert answer.additions == 1
    assert [(one.row, one.reason, one.field) for one in answer.rejected] == [
        (2, "MALFORMED", "record_type")
    ]


async def test_whether_zeros_count_does_not_change_under_accounts(client: Client) -> None:
    await load(client, RoutingNumber(routing_number=OURS, ours=True))
    strips = RoutingNumber(
        routing_number=OURS, ours=True, account_scheme=AccountScheme(strip_leading_zeros=True)
    )
    answer = await load(client, strips)
    [rejected] = answer.rejected
    assert (rejected.reason, rejected.field) == (
        "INVARIANT",
        "account_scheme.strip_leading_zeros",
    )


async def test_imports_at_once_leave_one_whole_directory(client: Client) -> None:
    await asyncio.gather(*(load(client, directory(OTHER, OLD, name=f"BANK {n}")) for n in range(4)))
    names = {one.routing_number.customer_name for one in await look_up(client, OTHER, OLD)}
    assert len(names) == 1


async def test_every_worker_learns_of_an_import(client: Client, addresses: list[str]) -> None:
    await load(client, directory(OTHER, name="EVERYWHERE BANK"))
    for address in addresses:
        async with Client(address, timeout_s=PATIENT_S) as worker, asyncio.timeout(PATIENT_S):
            while True:
                [found] = await look_up(worker, OTHER)
                if found.routing_number.customer_name == "EVERYWHERE BANK":
                    break
                await asyncio.sleep(0.05)
