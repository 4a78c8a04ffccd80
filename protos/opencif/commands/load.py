"""`load`: records from CSV, or the accounts that a NACHA file needs, in one stream."""

import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from opencif.client import Client
from opencif.commands.files import Advance, PendingFile, chunks, progress
from opencif.commands.forms import FormError, Setter, described, setter
from opencif.commands.from_ach import Plan
from opencif.commands.session import Exit, Session, session_of
from opencif.nacha import read
from opencif.v1.import_pb2 import ImportRecord, ImportRecordsResponse
from opencif.v1.routing_pb2 import ImportRoutingNumbersRequest, RejectedRow, RoutingNumber

_KINDS: Final = ("customer", "account", "card", "relationship")
_REJECTED_SHOWN: Final = 20


class _Rows:
    """A CSV file as records; rows that cannot be read are kept apart.

    Rows are counted from 1, without the header and blank lines.

    A column's name is the path of a field: `routing_number`, `person.given_name`,
    `parties.0.customer`.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.unreadable: list[RejectedRow] = []

    def records(self, path: Path, advance: Advance) -> Iterator[ImportRecord]:
        """The records, in the file's order. Raises: FormError for a column there is not."""
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = (row for row in csv.reader(_counted(file, advance)) if row)
            place = described(getattr(ImportRecord(), self._kind))
            setters = [setter(place, column.strip()) for column in next(rows, [])]
            for number, row in enumerate(rows, 1):
                try:
                    yield self._record(setters, row)
                except FormError as error:
                    self.unreadable.append(
                        RejectedRow(row=number, reason="MALFORMED", field=error.path)
                    )

    def _record(self, setters: list[Setter], row: list[str]) -> ImportRecord:
        if len(row) != len(setters):
            raise FormError("row", "has as many fields as the header")
        record = ImportRecord()
        place = getattr(record, self._kind)
        place.SetInParent()
        for write, text in zip(setters, row, strict=True):
            if text:
                write(place, text)
        return record

    def row_of(self, sent: int) -> int:
        """The file's row of the row that was sent as number `sent`."""
        for unreadable in self.unreadable:
            if unreadable.row > sent:
                break
            sent += 1
        return sent


def _counted(lines: Iterator[str], advance: Advance) -> Iterator[str]:
    for line in lines:
        advance(len(line))
        yield line


def _load(  # noqa: PLR0913  the command's options
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="A CSV file; its first row names the fields.")
    ] = None,
    *,
    kind: Annotated[str, typer.Option(help=f"What the rows are: {', '.join(_KINDS)}.")] = "",
    from_ach: Annotated[
        Path | None, typer.Option(help="Load the accounts that this NACHA file needs, instead.")
    ] = None,
    planted: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of accounts made not to post.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Decides which; the same seed plants the same.")] = 0,
    planted_out: Annotated[
        Path | None, typer.Option(help="Write what was planted here, as JSON.")
    ] = None,
    routing: Annotated[
        bool, typer.Option(help="Define the file's routing numbers as the bank's own.")
    ] = True,
    source_system: Annotated[str, typer.Option(help="Where the rows come from, a code.")] = "",
) -> None:
    """Load customers, accounts, cards or relationships from CSV, or what a NACHA file needs.

    A CSV column is named by its field's path in the contract: routing_number, account_number,
    account_type, parties.0.customer, parties.0.role, person.given_name, identifiers.0.type.
    Enumerated values are written without their prefix (CHECKING), several items with ; between.
    Rejected rows are counted from 1, without the header.
    """
    session = session_of(context)
    if (file is None) == (from_ach is None):
        raise typer.BadParameter("give a CSV file or --from-ach")
    if file is not None and kind not in _KINDS:
        raise typer.BadParameter(f"--kind is one of {', '.join(_KINDS)}")

    async def action(client: Client) -> Exit:
        if file is not None:
            return await _load_csv(client, session, file, _Rows(kind), source_system)
        assert from_ach is not None
        plan = Plan(seed=seed, planted_percent=planted)
        done = await _load_ach(client, session, from_ach, plan, source_system)
        if routing:
            await _own(client, sorted(plan.routing_numbers))
        if planted_out is not None:
            with PendingFile(planted_out) as pending:
                pending.file.write(json.dumps(plan.as_json(), indent=2).encode() + b"\n")
                pending.keep()
        return done

    session.run(action)


async def _load_csv(
    client: Client, session: Session, path: Path, rows: _Rows, source_system: str
) -> Exit:
    begin = time.perf_counter()
    with progress(session, path, "loading") as advance:
        records = rows.records(path, advance)
        answer = await client.import_records(records, source_system=source_system)
    return _show(session, answer, begin, rows.unreadable, rows.row_of)


async def _load_ach(
    client: Client, session: Session, path: Path, plan: Plan, source_system: str
) -> Exit:
    begin = time.perf_counter()
    with progress(session, path, "loading") as advance:
        records = plan.records(read(chunks(path, advance)))
        answer = await client.import_records(records, source_system=source_system)
    if not session.output.as_json:
        session.output.rows(
            ("entries will earn", "#entries"),
            ((code, f"{count:,}") for code, count in sorted(plan.entries.items())),
        )
    done = _show(session, answer, begin, [], lambda sent: sent)
    if any(rejected.reason == "ALREADY_EXISTS" for rejected in answer.rejected):
        session.output.complain(
            "accounts that were there before stay as they were: what is told"
            " above of their entries may not hold"
        )
    return done


async def _own(client: Client, numbers: Sequence[str]) -> None:
    """Makes those the bank's own that are not; what it has defined of the others stays."""
    known = (await client.lookup_routing_numbers(numbers)).results
    additions = [
        ImportRoutingNumbersRequest(
            addition=RoutingNumber(routing_number=number, ours=True, participates=True)
        )
        for number, result in zip(numbers, known, strict=True)
        if not result.routing_number.ours
    ]
    if additions:
        await client.routing.ImportRoutingNumbers(iter(additions))


def _show(
    session: Session,
    answer: ImportRecordsResponse,
    begin: float,
    unreadable: list[RejectedRow],
    row_of: Callable[[int], int],
) -> Exit:
    elapsed_s = time.perf_counter() - begin
    for rejected in answer.rejected:
        rejected.row = row_of(rejected.row)
    answer.rejected.extend(unreadable)
    answer.rejected_count += len(unreadable)
    loaded = answer.customers + answer.accounts + answer.cards + answer.relationships
    if session.output.as_json:
        session.output.message(answer)
    else:
        counts = {f"{kind}s": getattr(answer, f"{kind}s") for kind in _KINDS}
        counts["rejected"] = answer.rejected_count
        session.output.rows(
            ("loaded", "#records"), ((name, f"{count:,}") for name, count in counts.items())
        )
        if shown := answer.rejected[:_REJECTED_SHOWN]:
            session.output.rows(
                ("#row", "reason", "field"),
                ((str(r.row), r.reason, r.field) for r in shown),
                title=f"Rejected: {len(shown)} of {answer.rejected_count:,}",
            )
        rate = loaded / max(elapsed_s, 1e-9)
        session.output.say(f"{loaded:,} records in {elapsed_s:.2f} s: {rate:,.0f} records/s")
    return Exit.NEGATIVE if answer.rejected_count else Exit.OK


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(
        "load",
        epilog="Example: opencif load accounts.csv --kind account"
        "\n\nExample: opencif load --from-ach big.ach --planted 5 --planted-out planted.json",
    )(_load)
