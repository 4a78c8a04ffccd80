"""Commands made from the contract: a request's fields become arguments and options.

A new mutation needs one line in lifecycle.py and nothing here.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import typer
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from opencif.client import Client
from opencif.commands.forms import described
from opencif.commands.inputs import filled, inputs_of, json_file_parameter, parameter, record_field
from opencif.commands.session import Exit, Session, session_of
from opencif.v1 import (
    account_pb2,
    account_pb2_grpc,
    card_pb2,
    card_pb2_grpc,
    customer_pb2,
    customer_pb2_grpc,
    relationship_pb2,
    relationship_pb2_grpc,
)

Act = Callable[[Client, Session, Message], Awaitable[Exit]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the contract: its attribute of the client and where its texts stand."""

    attribute: str
    file: Any
    servicer: type[Any]

    @property
    def descriptor(self) -> ServiceDescriptor:
        """What the contract says of it."""
        name = self.servicer.__name__.removesuffix("Servicer")
        return cast("ServiceDescriptor", self.file.DESCRIPTOR.services_by_name[name])

    def request(self, name: str) -> Message:
        """An empty request of one of its methods."""
        return GetMessageClass(self.descriptor.methods_by_name[name].input_type)()

    def help(self, name: str) -> str:
        """What the contract says of one of its methods."""
        return " ".join((getattr(self.servicer, name).__doc__ or "").split())

    def of(self, client: Client, name: str) -> Any:
        """The client's callable for one of its methods."""
        return getattr(getattr(client, self.attribute), name)


ACCOUNTS: Final = Service("accounts", account_pb2, account_pb2_grpc.AccountServiceServicer)
CARDS: Final = Service("cards", card_pb2, card_pb2_grpc.CardServiceServicer)
CUSTOMERS: Final = Service("customers", customer_pb2, customer_pb2_grpc.CustomerServiceServicer)
RELATIONSHIPS: Final = Service(
    "relationships", relationship_pb2, relationship_pb2_grpc.RelationshipServiceServicer
)


def command(
    group: typer.Typer, name: str, service: Service, method: str, *, example: str, act: Act
) -> None:
    """Adds the command `name` for a method; `act` makes the call and prints its answer."""
    empty = service.request(method)
    inputs = list(inputs_of(described(empty)))
    parameters = [
        inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        ),
        *(parameter(entry) for entry in sorted(inputs, key=lambda entry: not entry.is_argument)),
    ]
    if record_field(described(empty)) is not None:
        parameters.append(json_file_parameter())

    def run(context: typer.Context, **given: Any) -> None:
        session = session_of(context)

        async def action(client: Client) -> Exit:
            return await act(client, session, filled(service.request(method), inputs, given))

        session.run(action)

    signature = inspect.Signature(parameters)
    run.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    group.command(name, help=service.help(method), epilog=f"Example: {example}")(run)


def mutation(service: Service, method: str) -> Act:
    """What makes a change and prints the record that it left."""

    async def act(client: Client, session: Session, request: Message) -> Exit:
        answer = await service.of(client, method)(request)
        target = record_field(answer.DESCRIPTOR)
        if session.output.as_json or target is None:
            session.output.message(answer)
        else:
            session.output.message(getattr(answer, target.name))
        return Exit.OK

    return act
