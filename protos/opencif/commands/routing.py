"""`routing`: the FedACH directory, the bank's own routing numbers, lookups."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from opencif.client import Client
from opencif.commands.forms import FormError, described, setter
from opencif.commands.session import Exit, Session, session_of
from opencif.v1.routing_pb2 import (
    ImportRoutingNumbersRequest,
    ImportRoutingNumbersResponse,
    RoutingNumber,
)

_CHUNK_BYTES = 256 * 1024


def _import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A FedACH directory: rows of 155 characters.")],
) -> None:
    """Load the FedACH participant directory; what the bank added stays."""
    session = session_of(context)

    def pieces() -> Iterator[ImportRoutingNumbersRequest]:
        with file.open("rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield ImportRoutingNumbersRequest(directory=chunk)

    async def action(client: Client) -> Exit:
        return _loaded(session, await client.routing.ImportRoutingNumbers(pieces()))

    session.run(action)


def _add(
    context: typer.Context,
    routing_number: Annotated[str, typer.Argument(help="Nine digits.")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FIELD=TEXT]...", help="Such as account_scheme.digits_only=yes."),
    ] = None,
    *,
    ours: Annotated[bool, typer.Option(help="Entries to it are ours.")] = True,
    participates: Annotated[bool, typer.Option(help="It takes part in ACH.")] = True,
) -> None:
    """Define a routing number of the bank's own, laid over the directory's."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        addition = RoutingNumber(
            routing_number=routing_number, ours=ours, participates=participates
        )
        for pair in fields or ():
            name, found, text = pair.partition("=")
            if not found:
                raise FormError("FIELD=TEXT", "has no =")
            setter(described(addition), name)(addition, text)
        request = ImportRoutingNumbersRequest(addition=addition)
        return _loaded(session, await client.routing.ImportRoutingNumbers(iter([request])))

    session.run(action)


def _lookup(
    context: typer.Context,
    numbers: Annotated[list[str], typer.Argument(help="Nine digits each.")],
) -> None:
    """Show what is known of routing numbers."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        answer = await client.lookup_routing_numbers(numbers)
        for number, result in zip(numbers, answer.results, strict=True):
            if session.output.as_json:
                session.output.message(result)
            elif result.found:
                session.output.message(result.routing_number)
            else:
                session.output.complain(f"{number}: {result.error_reason or 'not found'}")
        return Exit.OK if all(result.found for result in answer.results) else Exit.NEGATIVE

    session.run(action)


def _loaded(session: Session, answer: ImportRoutingNumbersResponse) -> Exit:
    session.output.message(answer)
    return Exit.NEGATIVE if answer.rejected_count else Exit.OK


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Routing numbers: the directory and the bank's own."
    )
    app.add_typer(group, name="routing")
    group.command("import", epilog="Example: opencif routing import FedACHdir.txt")(_import)
    group.command(
        "add", epilog="Example: opencif routing add 021000021 account_scheme.digits_only=yes"
    )(_add)
    group.command("lookup", epilog="Example: opencif routing lookup 021000021 011000015")(_lookup)
