"""RoutingService, and the table that every worker keeps in memory and renews with each import."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from opencif.nacha import is_routing_number
from opencif.v1.routing_pb2 import (
    ImportRoutingNumbersRequest,
    ImportRoutingNumbersResponse,
    LookupRoutingNumbersRequest,
    LookupRoutingNumbersResponse,
    RejectedRow,
    RoutingNumber,
    RoutingResult,
)
from repository.errors import Unavailable
from repository.routing import RoutingRow, RoutingStore
from server.errors import InvalidArgument
from server.fedach import DirectoryReader, RowRefused
from server.routing_rows import overlaid, to_row
from server.routing_table import RoutingTable, Scheme
from server.rpc import Call

__all__ = ["RoutingNumbers", "RoutingServicer"]

_RETIRED: Final = 2
_RECORD_TYPES: Final = (0, 1, _RETIRED)
_ROWS_MAX: Final = 200_000  # ten times the directory
_ADDITIONS_MAX: Final = 10_000
_REJECTED_SHOWN: Final = 1_000
_CHUNK_MAX_BYTES: Final = 1 << 20
_RETRY_S: Final = 1.0


class RoutingNumbers:
    """The current table; `revised` goes to the change poll's `on_routing`."""

    def __init__(self, store: RoutingStore) -> None:
        self.table = RoutingTable()
        self._store = store
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def scheme(self, routing_number: str) -> Scheme:
        """The account scheme of a routing number, by the table as it is now."""
        return self.table.scheme(routing_number)

    async def load(self, deadline: float | None = None) -> None:
        """Replace the table by what the database holds now. Raises TimedOut, Unavailable."""
        async with self._loading:
            revision, rows = await self._store.get_all(deadline=deadline)
            self.table = RoutingTable(overlaid(rows), revision)

    def revised(self, revision: int) -> None:
        """Load anew, behind the caller's back, when the table is not of this revision."""
        if revision != self.table.revision:
            task = asyncio.create_task(self._reload())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what loads behind the caller's back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _reload(self) -> None:
        while True:
            try:
                return await self.load()
            except Unavailable:
                await asyncio.sleep(_RETRY_S)


class RoutingServicer:
    """Implements opencif.v1.RoutingService."""

    def __init__(self, numbers: RoutingNumbers, store: RoutingStore) -> None:
        self._numbers = numbers
        self._store = store

    async def LookupRoutingNumbers(
        self, request: LookupRoutingNumbersRequest, call: Call
    ) -> LookupRoutingNumbersResponse:
        """Answer from memory."""
        table = self._numbers.table
        results = [_result(table, number) for number in request.routing_numbers]
        return LookupRoutingNumbersResponse(results=results)

    async def ImportRoutingNumbers(
        self, requests: AsyncIterator[ImportRoutingNumbersRequest], call: Call
    ) -> ImportRoutingNumbersResponse:
        """Take a whole directory, or additions only, or both, in one transaction."""
        imported = _Import(self._numbers.table)
        async for request in requests:
            imported.take(request)
        imported.close()
        directory = list(imported.directory.rows.values()) if imported.has_directory else None
        await self._store.replace(directory, list(imported.additions.values()))
        await self._numbers.load(call.deadline)
        return imported.response()


class _Import:
    """What an import has brought so far. Rows are counted over directory and additions."""

    def __init__(self, table: RoutingTable) -> None:
        self.directory = DirectoryReader()
        self.additions: dict[str, RoutingRow] = {}
        self.has_directory = False
        self._table = table
        self._refused: list[tuple[int, RowRefused]] = []
        self._additions = 0

    def take(self, request: ImportRoutingNumbersRequest) -> None:
        """Take a piece. Raises InvalidArgument."""
        part = request.WhichOneof("part")
        if part == "directory":
            if len(request.directory) > _CHUNK_MAX_BYTES:
                raise InvalidArgument("TOO_LONG", "directory")
            self.has_directory = True
            self.directory.feed(request.directory)
            if len(self.directory.rows) + len(self.directory.refused) > _ROWS_MAX:
                raise InvalidArgument("TOO_LONG", "directory")
        elif part == "addition":
            self._add(request.addition)
        else:
            raise InvalidArgument("REQUIRED", "part")

    def close(self) -> None:
        """No more pieces. Raises InvalidArgument when there was none, or no row in a directory."""
        self.directory.close()
        if not self.has_directory and not self._additions:
            raise InvalidArgument("EMPTY_BATCH", "directory")
        if self.has_directory and not self.directory.rows:
            raise InvalidArgument("MALFORMED", "directory")  # an empty one would wipe the table

    def response(self) -> ImportRoutingNumbersResponse:
        """What was taken and what was not."""
        refused = sorted(self.directory.refused + self._refused, key=lambda one: one[0])
        return ImportRoutingNumbersResponse(
            directory_rows=len(self.directory.rows),
            additions=len(self.additions),
            rejected=[
                RejectedRow(row=row, reason=why.reason, field=why.field)
                for row, why in refused[:_REJECTED_SHOWN]
            ],
            rejected_count=len(refused),
        )

    def _add(self, addition: RoutingNumber) -> None:
        self._additions += 1
        if self._additions > _ADDITIONS_MAX:
            raise InvalidArgument("TOO_LONG", "addition")
        try:
            self.additions[addition.routing_number] = self._row(addition)
        except RowRefused as refused:
            self._refused.append((self._additions, refused))

    def _row(self, addition: RoutingNumber) -> RoutingRow:
        """The row of an addition. Raises: RowRefused."""
        known = self._table.get(addition.routing_number)
        scheme = addition.account_scheme
        strips = known is not None and known.account_scheme.strip_leading_zeros
        if known is not None and known.ours and strips != scheme.strip_leading_zeros:
            raise RowRefused("INVARIANT", "account_scheme.strip_leading_zeros")
        is_retired = addition.record_type == _RETIRED
        if addition.record_type not in _RECORD_TYPES or is_retired != bool(
            addition.new_routing_number
        ):
            raise RowRefused("MALFORMED", "record_type")
        if not 0 <= scheme.min_length <= (scheme.max_length or 17) <= 17:
            raise RowRefused("MALFORMED", "account_scheme.max_length")
        return to_row(addition)


def _result(table: RoutingTable, number: str) -> RoutingResult:
    if not is_routing_number(number):
        is_digits = len(number) == 9 and number.isascii() and number.isdigit()
        return RoutingResult(error_reason="CHECK_DIGIT" if is_digits else "MALFORMED")
    known = table.get(number)
    return RoutingResult(found=known is not None, routing_number=known)
