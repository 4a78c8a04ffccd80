"""Loads plain accounts by the million through the published client, and goes on where it ended.

    python -m loadtests.sample_plain_load --accounts 10000000 --address 127.0.0.1:PORT,...

A load that leaves out a single account fails; accounts that are there already are left as they are.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from loadtests.sample_load import SOURCE, NotLoaded, load_routing
from loadtests.sample_plain import PlainBank, plain_key
from opencif.client import Client
from opencif.errors import OpencifError
from opencif.v1.import_pb2 import ImportRecordsRequest, ImportRecordsResponse
from opencif.v1.lookup_pb2 import LOOKUP_OUTCOME_FOUND

__all__ = ["Progress", "load_plain"]

BLOCK: Final = 10_000
"""Accounts of one call: what has to be loaded again when one is broken off."""
STREAMS: Final = 4  # calls under way: some wait for their last commit while others send


@dataclass(slots=True)
class Progress:
    """How many accounts there are to be, and how many of them are there."""

    accounts: int
    there: int = 0

    def lines(self) -> Iterator[str]:
        """A line for each time it is asked."""
        began_s = last_s = time.perf_counter()
        last = 0
        while True:
            now_s, there = time.perf_counter(), self.there
            rate = (there - last) / max(now_s - last_s, 1e-9)
            mean = there / max(now_s - began_s, 1e-9)
            yield (
                f"{now_s - began_s:6.1f} s: {there:,} of {self.accounts:,} accounts;"
                f" {rate:,.0f}/s now, {mean:,.0f}/s in all"
            )
            last, last_s = there, now_s


async def load_plain(
    client: Client,
    bank: PlainBank,
    accounts: int,
    *,
    first: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Progress:
    """Load the accounts from `first` to before `accounts`, with their owners and routing numbers.

    `tell` hears a line a second. What an earlier load has brought is not loaded again. Raises
    NotLoaded.
    """
    if not await _found(client, (first,)):  # the owners are there before any account is
        await load_routing(client)
        _require_all(await client.import_records(bank.owners(), source_system=SOURCE))
    progress = Progress(accounts - first)
    blocks = iter(range(first, accounts, BLOCK))
    lines = progress.lines()
    tell(next(lines))
    teller = asyncio.create_task(_tell_each_second(lines, tell))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(STREAMS):
                group.create_task(_load_blocks(client, bank, blocks, accounts, progress))
    except* (NotLoaded, OpencifError) as faults:
        raise faults.exceptions[0] from None
    finally:
        teller.cancel()
    tell(next(lines))
    return progress


async def _load_blocks(
    client: Client, bank: PlainBank, blocks: Iterator[int], accounts: int, progress: Progress
) -> None:
    """Load block after block: others take from them too."""
    for first in blocks:
        end = min(first + BLOCK, accounts)
        if not await _is_there(client, first, end):
            _require_all(await client.imports.ImportRecords(_requests(bank, first, end)))
        progress.there += end - first


async def _is_there(client: Client, first: int, end: int) -> bool:
    """Whether a block is complete: one of which neither end is there is not asked for whole."""
    edges = await _found(client, (first, end - 1))
    return edges > 0 and await _found(client, range(first, end)) == end - first


async def _found(client: Client, accounts: Sequence[int]) -> int:
    answer = await client.lookup_accounts(plain_key(account) for account in accounts)
    return sum(result.outcome == LOOKUP_OUTCOME_FOUND for result in answer.results)


async def _requests(bank: PlainBank, first: int, end: int) -> AsyncIterator[ImportRecordsRequest]:
    for message in bank.messages(first, end):
        request = ImportRecordsRequest.FromString(message)
        request.source_system = SOURCE
        yield request


def _require_all(answer: ImportRecordsResponse) -> None:
    for rejected in answer.rejected:
        if rejected.reason != "ALREADY_EXISTS":
            raise NotLoaded(f"row {rejected.row}: {rejected.reason} {rejected.field}")


async def _tell_each_second(lines: Iterator[str], tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(1)
        tell(next(lines))


async def _load(addresses: str, accounts: int, first: int, owners: int) -> None:
    async with Client(addresses, timeout_s=60) as client:
        await load_plain(client, PlainBank(owners), accounts, first=first, tell=_say)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> None:
    """Load; exits with 1 and one line when something is not there in the end."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.sample_plain_load")
    parser.add_argument("--address", required=True, help="of the workers, with commas between")
    parser.add_argument("--accounts", type=int, required=True, help="how many there are to be")
    parser.add_argument("--first", type=int, default=0, help="begin with this one")
    parser.add_argument("--owners", type=int, default=5_000, help="customers that share them")
    given = parser.parse_args()
    try:
        asyncio.run(_load(given.address, given.accounts, given.first, given.owners))
    except (NotLoaded, OpencifError) as error:
        sys.exit(f"load: {error}")


if __name__ == "__main__":
    main()
