"""`lookup`: accounts, cards and customers by their numbers, tokens and identifiers."""

from typing import Annotated, Any

import typer

from opencif.client import Client
from opencif.commands.forms import FormError, described, setter
from opencif.commands.reading import ViewOption, warn_if_stale
from opencif.commands.session import Exit, Session, secret, session_of
from opencif.v1.customer_pb2 import CustomerKey
from opencif.v1.lookup_pb2 import (
    LOOKUP_OUTCOME_FOUND,
    AccountKey,
    AccountNumber,
    AccountTokenKey,
    CardKey,
    LookupAccountsRequest,
)
from opencif.v1.record_pb2 import View


def _view(text: str) -> View:
    request = LookupAccountsRequest()
    if text:
        setter(described(request), "view")(request, text)
    return request.view


def _only(keys: list[Any], options: str) -> Any:
    if len(keys) != 1:
        raise FormError("lookup", f"give one of {options}")
    return keys[0]


def _account(
    context: typer.Context,
    *,
    number: Annotated[
        tuple[str, str], typer.Option(metavar="ROUTING NUMBER", help="The number; - reads it.")
    ] = ("", ""),
    token: Annotated[tuple[str, str], typer.Option(metavar="ROUTING TOKEN")] = ("", ""),
    iban: Annotated[str, typer.Option(help="The IBAN; - reads it.")] = "",
    name: Annotated[str, typer.Option(help="accounts/...")] = "",
    with_owners: Annotated[
        bool, typer.Option("--with-owners", help="Add the current owners, in the same view.")
    ] = False,
    view: ViewOption = "",
) -> None:
    """Find an account by number, token, IBAN or name."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        keys = []
        if any(number):
            routing, text = number
            plain = secret(text, "account number") if text == "-" else text
            keys.append(
                AccountKey(number=AccountNumber(routing_number=routing, account_number=plain))
            )
        if any(token):
            keys.append(AccountKey(token=AccountTokenKey(routing_number=token[0], token=token[1])))
        if iban:
            keys.append(AccountKey(iban=secret(iban, "IBAN") if iban == "-" else iban))
        if name:
            keys.append(AccountKey(name=name))
        key = _only(keys, "--number, --token, --iban, --name")
        answer = await client.lookup_accounts([key], view=_view(view), with_owners=with_owners)
        return _show(session, answer)

    session.run(action)


def _card(
    context: typer.Context,
    *,
    pan: Annotated[str, typer.Option(help="The card number: - reads it, unseen.")] = "",
    token: Annotated[str, typer.Option(help="The card number's token.")] = "",
    dpan: Annotated[str, typer.Option(help="A network token's number: - reads it.")] = "",
    name: Annotated[str, typer.Option(help="cards/...")] = "",
    with_accounts: Annotated[
        bool, typer.Option("--with-accounts", help="Add the accounts that it draws on.")
    ] = False,
    view: ViewOption = "",
) -> None:
    """Find a card by number, token, network token or name."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        keys = []
        if pan:
            keys.append(CardKey(pan=secret(pan, "card number")))
        if dpan:
            keys.append(CardKey(dpan=secret(dpan, "network token's number")))
        if token:
            keys.append(CardKey(token=token))
        if name:
            keys.append(CardKey(name=name))
        key = _only(keys, "--pan, --token, --dpan, --name")
        answer = await client.lookup_cards([key], view=_view(view), with_accounts=with_accounts)
        return _show(session, answer)

    session.run(action)


def _customer(
    context: typer.Context,
    identifier: Annotated[
        tuple[str, str],
        typer.Option(metavar="TYPE VALUE", help="Such as CIF, SSN, EIN, LEI, EMAIL; - reads it."),
    ],
    country: Annotated[str, typer.Option(help="That issued it.")] = "",
    view: ViewOption = "",
) -> None:
    """Find the customers that bear an identifier."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        kind, text = identifier
        value = secret(text, kind) if text == "-" else text
        key = CustomerKey(value=value, issuing_country=country)
        setter(described(key), "type")(key, kind)
        answer = await client.lookup_customers([key], view=_view(view))
        warn_if_stale(session, answer)
        (result,) = answer.results
        if result.error_reason:
            session.output.complain(f"{kind}: {result.error_reason}")
        for customer in result.customers:
            session.output.message(customer)
        return Exit.OK if result.customers else Exit.NEGATIVE

    session.run(action)


def _show(session: Session, answer: Any) -> Exit:
    warn_if_stale(session, answer)
    (result,) = answer.results
    is_found = result.outcome == LOOKUP_OUTCOME_FOUND
    if session.output.as_json or is_found:
        session.output.message(result)
    else:
        reason = result.error_reason
        session.output.complain(f"the key is refused: {reason}" if reason else "not found")
    return Exit.OK if is_found else Exit.NEGATIVE


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(no_args_is_help=True, help="Find records by what they are known by.")
    app.add_typer(group, name="lookup")
    group.command(
        "account", epilog="Example: opencif lookup account --number 021000021 - --with-owners"
    )(_account)
    group.command("card", epilog="Example: opencif lookup card --pan - --with-accounts")(_card)
    group.command("customer", epilog="Example: opencif lookup customer --identifier CIF 10042")(
        _customer
    )
