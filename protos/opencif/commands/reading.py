"""`get`, `revisions`, `list` and `hierarchy`: records, their history, lists, who owns whom."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, NamedTuple

import typer
from google.protobuf.message import Message

from opencif.client import Client
from opencif.commands.forms import FormError, described, setter
from opencif.commands.session import Exit, Session, session_of
from opencif.commands.verbs import (
    ACCOUNTS,
    CARDS,
    CUSTOMERS,
    RELATIONSHIPS,
    Act,
    Service,
    command,
)

_PAGE_SIZE: Final = 500
_LIMIT: Final = 100


class _Kind(NamedTuple):
    service: Service
    noun: str
    columns: tuple[str, ...]
    example: str = "--customer $CUSTOMER"

    @property
    def plural(self) -> str:
        return f"{self.noun}s"


_KINDS: Final = (
    _Kind(
        ACCOUNTS,
        "Account",
        ("name", "state", "account_type", "holder_class", "routing_number", "number_mask"),
    ),
    _Kind(CARDS, "Card", ("name", "state", "network", "card_type", "last4", "expiry")),
    _Kind(
        CUSTOMERS,
        "Customer",
        ("name", "state", "kind", "segment", "branch", "display_name"),
        example="--branch MAIN",
    ),
    _Kind(
        RELATIONSHIPS,
        "Relationship",
        ("name", "state", "type", "from_customer", "to_customer", "ownership_bp"),
    ),
)
_REVISION_COLUMNS: Final = tuple(
    f"revision.{name}" for name in ("version", "time", "operation", "actor", "method", "reason")
)
_NODE_COLUMNS: Final = ("depth", "customer", "type", "ownership_bp", "effective_bp", "parent")
ViewOption = Annotated[
    str, typer.Option(help="BASIC: all that a decision needs; FULL: names and addresses too.")
]
LimitOption = Annotated[int, typer.Option(min=1, help="The most to show.")]


def _kind_of(name: str) -> _Kind:
    collection = name.partition("/")[0]
    for kind in _KINDS:
        if kind.plural.lower() == collection:
            return kind
    raise FormError("NAME", "is customers/..., accounts/..., cards/... or relationships/...")


def _request(kind: _Kind, method: str, **texts: str) -> Message:
    request = kind.service.request(method)
    for field, text in texts.items():
        if text:
            setter(described(request), field)(request, text)
    return request


def _get(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="customers/..., accounts/..., cards/..., ...")],
    view: ViewOption = "",
    version: Annotated[str, typer.Option(help="The record as of this version.")] = "",
    as_of: Annotated[str, typer.Option(help="The record as of then, in RFC 3339.")] = "",
) -> None:
    """Show one record, as it is or as it was."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        kind = _kind_of(name)
        method = f"Get{kind.noun}"
        request = _request(kind, method, name=name, view=view, version=version, as_of=as_of)
        answer = await kind.service.of(client, method)(request)
        warn_if_stale(session, answer)
        session.output.message(getattr(answer, kind.noun.lower()))
        return Exit.OK

    session.run(action)


def _revisions(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="customers/..., accounts/..., cards/..., ...")],
    view: ViewOption = "",
    limit: LimitOption = _LIMIT,
) -> None:
    """Show who changed a record, when and how, newest first."""
    session = session_of(context)

    async def action(client: Client) -> Exit:
        kind = _kind_of(name)
        method = f"List{kind.noun}Revisions"
        request = _request(kind, method, name=name, view=view)
        found = [each async for each in _items(client, kind.service, method, request, limit)]
        session.output.messages(found, _REVISION_COLUMNS, title=name)
        return Exit.OK

    session.run(action)


def _lister(kind: _Kind) -> Act:
    method = f"List{kind.plural}"

    async def act(client: Client, session: Session, request: Message) -> Exit:
        limit = request.page_size or _LIMIT  # type: ignore[attr-defined]  # --limit stands there
        found = [each async for each in _items(client, kind.service, method, request, limit)]
        session.output.messages(found, kind.columns)
        return Exit.OK

    return act


async def _hierarchy(client: Client, session: Session, request: Message) -> Exit:
    answer = await RELATIONSHIPS.of(client, "GetHierarchy")(request)
    session.output.messages(answer.nodes, _NODE_COLUMNS)
    if answer.truncated:
        session.output.complain("there is more below: give a greater --depth")
    return Exit.OK


async def _items(
    client: Client, service: Service, method: str, request: Any, limit: int
) -> AsyncIterator[Message]:
    """The first `limit` items of a paged list: every page has one repeated field."""
    request.page_size = min(limit, _PAGE_SIZE)
    async for page in client.pages(service.of(client, method), request):
        (items,) = (field for field in described(page).fields if field.is_repeated)
        for item in getattr(page, items.name):
            yield item
            limit -= 1
            if not limit:
                return


def warn_if_stale(session: Session, answer: Any) -> None:
    """Says so when the server could not prove that its answer is current."""
    if answer.HasField("stale_since"):
        session.output.complain(f"not proven current since {answer.stale_since.ToJsonString()}")


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("get", epilog="Example: opencif get $ACCOUNT --as-of 2026-01-31T00:00:00Z")(_get)
    app.command("revisions", epilog="Example: opencif --json revisions $CARD --limit 5")(_revisions)
    example = "opencif hierarchy --customer $CUSTOMER --direction DOWN --depth 3"
    command(app, "hierarchy", RELATIONSHIPS, "GetHierarchy", example=example, act=_hierarchy)
    group = typer.Typer(no_args_is_help=True, help="List records, in the order of their ids.")
    app.add_typer(group, name="list")
    for kind in _KINDS:
        name = kind.plural.lower()
        example = f"opencif list {name} {kind.example}"
        method = f"List{kind.plural}"
        command(group, name, kind.service, method, example=example, act=_lister(kind))
