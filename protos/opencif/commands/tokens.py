"""`tokenize` and `detokenize`: numbers to format-preserving tokens and back."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from opencif.client import Client
from opencif.commands.forms import FormError, described, enum_names, masked, setter
from opencif.commands.session import Exit, secret, session_of
from opencif.commands.show import as_dict
from opencif.v1.tokenization_pb2 import Plain, PlainResult, Token, TokenResult, TokenType

_TYPES = ", ".join(enum_names(TokenType.DESCRIPTOR))
KindOption = Annotated[str, typer.Option("--type", help=f"What they are: {_TYPES}.")]
RoutingOption = Annotated[str, typer.Option(help="The routing number, for ACCOUNT.")]


def _values(given: list[str] | None, what: str) -> list[str]:
    """What was given; without anything, or for `-`, the lines of standard input."""
    if given and given != ["-"]:
        return given
    if sys.stdin.isatty():
        return [secret("-", what)]
    values = [line.strip() for line in sys.stdin if line.strip()]
    if not values:
        raise FormError(what, "none was given")
    return values


def _tokenize(
    context: typer.Context,
    values: Annotated[
        list[str] | None, typer.Argument(help="Numbers; standard input, a line each, without any.")
    ] = None,
    *,
    kind: KindOption,
    routing_number: RoutingOption = "",
) -> None:
    """Make tokens for numbers, under the active key. No record needs to exist."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        numbers = _values(values, "number")
        items = [Plain(value=number, routing_number=routing_number) for number in numbers]
        for item in items:
            setter(described(item), "type")(item, kind)
        answer = await client.tokenize(items)
        if session.output.as_json:
            for result in answer.results:
                session.output.message(result)
        else:
            session.output.rows(
                ("number", "token", "#key version", "error"),
                (
                    (masked(number), got.token.value, str(got.token.key_version), got.error_reason)
                    for number, got in zip(numbers, answer.results, strict=True)
                ),
            )
        return _exit(answer.results)

    session.run(action)


def _detokenize(
    context: typer.Context,
    tokens: Annotated[
        list[str] | None, typer.Argument(help="Tokens; standard input, a line each, without any.")
    ] = None,
    *,
    kind: KindOption,
    purpose: Annotated[str, typer.Option(help="Why; kept in the audit record.")],
    key_version: Annotated[int, typer.Option(help="Of the token; a PAN's token names it.")] = 0,
    routing_number: RoutingOption = "",
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Print whole numbers; --json always does.")
    ] = False,
) -> None:
    """Give the numbers back for tokens. Every call is recorded before it is answered."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        given = _values(tokens, "token")
        wanted = [
            Token(value=token, key_version=key_version, routing_number=routing_number)
            for token in given
        ]
        for token in wanted:
            setter(described(token), "type")(token, kind)
        answer = await client.detokenize(wanted, purpose=purpose)
        if session.output.as_json:
            for result in answer.results:
                session.output.line(as_dict(result))
        else:
            session.output.rows(
                ("token", "number", "error"),
                (
                    (token, got.value if reveal else masked(got.value), got.error_reason)
                    for token, got in zip(given, answer.results, strict=True)
                ),
            )
        return _exit(answer.results)

    session.run(action)


def _exit(results: Iterable[TokenResult | PlainResult]) -> Exit:
    failed = any(result.error_reason for result in results)
    return Exit.NEGATIVE if failed else Exit.OK


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("tokenize", epilog="Example: opencif tokenize --type PAN < numbers.txt")(_tokenize)
    app.command(
        "detokenize",
        epilog="Example: opencif detokenize --type SSN --key-version 1 --purpose AUDIT_17 $TOKEN",
    )(_detokenize)
