"""Loads a sample bank through the published client, as a bank would: in order, and completely.

A load that leaves out a single row fails.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from loadtests.sample_bank import AS_OF, SampleBank
from loadtests.sample_routing import additions, directory
from opencif.client import Client
from opencif.v1.account_pb2 import RENUMBER_REASON_MERGER, RenumberAccountRequest, Replacement
from opencif.v1.import_pb2 import ImportRecord, ImportRecordsResponse
from opencif.v1.lookup_pb2 import AccountKey, AccountNumber
from opencif.v1.routing_pb2 import ImportRoutingNumbersRequest, RejectedRow

__all__ = ["SOURCE", "Loaded", "NotLoaded", "load", "load_routing"]

SOURCE = "SAMPLE_BANK"
_CHUNK = 1_000


class NotLoaded(Exception):
    """Rows were refused; says how many and why the first was, never what it holds."""


@dataclass(slots=True)
class Loaded:
    """What a load has brought."""

    routing_numbers: int = 0
    customers: int = 0
    accounts: int = 0
    cards: int = 0
    relationships: int = 0


async def load(
    client: Client, bank: SampleBank, tell: Callable[[str], None] = lambda _: None
) -> Loaded:
    """Load all of the bank; `tell` hears a line before each step. Raises: NotLoaded."""
    loaded = Loaded()
    tell("routing numbers")
    loaded.routing_numbers = await load_routing(client, bank.as_of)
    tell("customers, relationships, accounts")
    _count(loaded, await client.import_records(bank.records(), source_system=SOURCE))
    tell("accounts with new numbers")
    await _renumber(client, bank)
    tell("cards")
    _count(loaded, await client.import_records(_cards(client, bank), source_system=SOURCE))
    return loaded


async def load_routing(client: Client, as_of: date = AS_OF) -> int:
    """Load the directory, and which numbers are the bank's; says how many it has.

    Raises: NotLoaded.
    """
    answer = await client.routing.ImportRoutingNumbers(_routing(as_of))
    _require_all(answer.rejected_count, answer.rejected)
    return answer.directory_rows


def _routing(as_of: date) -> Iterator[ImportRoutingNumbersRequest]:
    yield ImportRoutingNumbersRequest(directory=directory(as_of))
    for addition in additions():
        yield ImportRoutingNumbersRequest(addition=addition)


async def _renumber(client: Client, bank: SampleBank) -> None:
    moves = list(bank.renumberings())
    names = await _names(client, [(m.routing_number, m.account_number) for m in moves])
    for move, name in zip(moves, names, strict=True):
        await client.accounts.RenumberAccount(
            RenumberAccountRequest(
                name=name,
                new_routing_number=move.new_routing_number,
                new_account_number=move.new_account_number,
                new_account_type=move.new_account_type or None,
                terms=Replacement(
                    reason=RENUMBER_REASON_MERGER, effective_date=move.effective_date
                ),
                source_system=SOURCE,
            )
        )


async def _cards(client: Client, bank: SampleBank) -> AsyncIterator[ImportRecord]:
    """The cards, each with the name of its account, which only the server can compute."""
    carded = bank.carded()
    while part := list(islice(carded, _CHUNK)):
        names = await _names(client, [(routing, number) for _, routing, number in part])
        for (slot, _, _), name in zip(part, names, strict=True):
            yield ImportRecord(card=bank.card(slot, name))


async def _names(client: Client, numbers: list[tuple[str, str]]) -> list[str]:
    keys = (
        AccountKey(number=AccountNumber(routing_number=routing, account_number=number))
        for routing, number in numbers
    )
    answer = await client.lookup_accounts(keys)
    return [result.account.name for result in answer.results]


def _count(loaded: Loaded, answer: ImportRecordsResponse) -> None:
    _require_all(answer.rejected_count, answer.rejected)
    for kind in ("customers", "accounts", "cards", "relationships"):
        setattr(loaded, kind, getattr(loaded, kind) + getattr(answer, kind))


def _require_all(count: int, rejected: Sequence[RejectedRow]) -> None:
    for first in rejected[:1]:
        raise NotLoaded(f"{count} rows refused; row {first.row}: {first.reason} {first.field}")
