"""Whatever fits the wire is answered or refused for a reason: no method has an unforeseen fault."""

import random
import uuid
from typing import Any

import grpc
import pytest
from google.api import field_behavior_pb2
from google.protobuf import descriptor as described
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from opencif.client import Client
from opencif.errors import error_from
from opencif.v1 import (
    account_pb2,
    ach_pb2,
    card_pb2,
    customer_pb2,
    import_pb2,
    lookup_pb2,
    options_pb2,
    relationship_pb2,
    routing_pb2,
    tokenization_pb2,
)
from tests.rpc.bank import active_card, customer, new_number, new_pan, open_account
from tests.rpc.conftest import PATIENT_S, Launch

SERVICES = [
    service
    for module in (
        account_pb2,
        ach_pb2,
        card_pb2,
        customer_pb2,
        import_pb2,
        lookup_pb2,
        relationship_pb2,
        routing_pb2,
        tokenization_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
]
RULE: Any = options_pb2.rule
METHODS = [method for service in SERVICES for method in service.methods]
TRIES = 30
DEPTH_MAX = 5
OF_OURS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS,
           grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAVAILABLE}  # fmt: skip

NOBODY = "00000000-0000-7000-8000-000000000000"
ODD_TEXTS = [
    *("", "0", "-1", "x" * 300, "\0", "\u202e", "' OR 1=1", "٣٤٥", "a/b", "null", "9" * 40),
    *("2024-02-30", "2999-01-01", "2001-01", "XX", "021000022", "4111111111111112", "999"),
    *(f"customers/{NOBODY}", f"relationships/{NOBODY}"),
    *(f"cards/{'a' * 26}", f"accounts/{'a' * 26}"),
]  # fmt: skip
ODD_NUMBERS = [-1, 10_001, 2**31 - 1, -(2**31)]
ODD_LARGE = [*ODD_NUMBERS, 2**53, 2**63 - 1, -(2**63)]
ODD_SECONDS = [-62_135_596_800, 253_402_300_799, 2**62, -(2**62)]
HOW_ODD = [0.0, 0.0, 0.02, 0.1]  # the share of odd values in a request


class Sender:
    """Makes requests of a contract's types, right in most fields and odd in some."""

    def __init__(self, seed: str, texts: dict[str, list[Any]]) -> None:
        self._random = random.Random(seed)
        self._texts = texts
        self._odd = 0.0

    def request(self, kind: type[Message]) -> Message:
        """One more, odder or less so."""
        self._odd = self._random.choice(HOW_ODD)
        return self._filled(kind(), 0)

    def _filled(self, message: Any, depth: int) -> Any:
        oneofs = {each.name: self._random.choice(each.fields) for each in message.DESCRIPTOR.oneofs}
        for field in message.DESCRIPTOR.fields:
            chosen = field.containing_oneof is None or oneofs[field.containing_oneof.name] is field
            if chosen and self._is_set(field, depth):
                self._set(message, field, depth)
        return message

    def _is_set(self, field: described.FieldDescriptor, depth: int) -> bool:
        behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
        if field_behavior_pb2.REQUIRED in behaviors or field.name == "pan":
            return not self._is_odd()
        return self._random.random() < (0.4 if depth < DEPTH_MAX else 0.0)

    def _set(self, message: Any, field: described.FieldDescriptor, depth: int) -> None:
        value = getattr(message, field.name)
        if field.message_type is None:
            if field.is_repeated:
                value.extend(self._scalar(field) for _ in range(self._random.choice([1, 1, 3])))
            else:
                setattr(message, field.name, self._scalar(field))
        elif field.is_repeated:
            for _ in range(self._random.choice([1, 1, 2])):
                self._nest(value.add(), depth)
        else:
            self._nest(value, depth)

    def _nest(self, value: Any, depth: int) -> None:
        value.SetInParent()
        if isinstance(value, Timestamp):
            value.seconds = self._pick([1_700_000_000, 4_000_000_000], ODD_SECONDS)
            value.nanos = self._pick([0, 999_999_999], [-1, 2**31 - 1])
        elif isinstance(value, FieldMask):
            value.paths.append(self._pick(self._texts["paths"], ["state", "x", ""]))
        else:
            self._filled(value, depth + 1)

    def _scalar(self, field: described.FieldDescriptor) -> Any:
        if field.enum_type is not None:
            return self._pick(list(field.enum_type.values_by_number)[1:], [0, 77])
        if field.type == field.TYPE_STRING:
            return self._text(field)
        if field.type == field.TYPE_BYTES:
            return self._pick([b"101 " + b"0" * 90, b"5" * 940], [b"", b"\xff\x00"])
        if field.type == field.TYPE_BOOL:
            return self._pick([True, False], [True])
        signed = field.type in {field.TYPE_INT32, field.TYPE_INT64}
        wide = field.type == field.TYPE_INT64
        odd = ODD_LARGE if wide else ODD_NUMBERS if signed else [2**31]
        return self._pick([0, 1, 2, 22, 5000], odd)

    def _text(self, field: described.FieldDescriptor) -> str:
        if field.name == "request_id":
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        form = field.GetOptions().Extensions[RULE].format
        good = self._texts.get(field.name) or self._texts.get(form) or self._texts["text"]
        return str(self._pick([made() if callable(made) else made for made in good], ODD_TEXTS))

    def _pick(self, good: list[Any], odd: list[Any]) -> Any:
        return self._random.choice(odd if self._is_odd() else good)

    def _is_odd(self) -> bool:
        return self._random.random() < self._odd


@pytest.fixture(scope="module")
async def alone(launch: Launch) -> str:
    """A worker of these tests' own: they change the routing numbers too."""
    return (await launch(OPENCIF_WORKERS="1")).addresses[0]


@pytest.fixture(scope="module")
async def texts(alone: str) -> dict[Any, list[Any]]:
    """Texts that fit, by a field's name or its form, or what makes them."""
    async with Client(alone, timeout_s=PATIENT_S) as client:
        owner, other = await customer(client), await customer(client)
        number, pan, dpan = new_number(), new_pan(), new_pan()
        account = await open_account(client, owner, number=number)
        card = await active_card(client, account.name, pan=pan, cardholder=owner)
        made = await client.relationships.CreateRelationship(
            relationship_pb2.CreateRelationshipRequest(
                relationship={"from_customer": owner, "to_customer": other, "type": 1}
            )
        )
        relationship, token = made.relationship.name, made.consistency_token
    return {
        options_pb2.FORMAT_DATE: ["2024-02-29", "1980-01-01", "2035-12-31"],
        options_pb2.FORMAT_PAST_DATE: ["1980-01-01", "2024-02-29"],
        options_pb2.FORMAT_MONTH: ["2035-01"],
        options_pb2.FORMAT_COUNTRY: ["US", "DE"],
        options_pb2.FORMAT_CURRENCY: ["USD", "EUR"],
        options_pb2.FORMAT_ROUTING_NUMBER: ["021000021", "011000015"],
        options_pb2.FORMAT_CODE: ["NORTH", "CODE_1"],
        options_pb2.FORMAT_UUID: [NOBODY],
        options_pb2.FORMAT_CUSTOMER_NAME: [owner, other],
        options_pb2.FORMAT_ACCOUNT_NAME: [account.name],
        options_pb2.FORMAT_CARD_NAME: [card.name],
        options_pb2.FORMAT_RELATIONSHIP_NAME: [relationship],
        options_pb2.FORMAT_ACCOUNT_NUMBER: [number, new_number],
        options_pb2.FORMAT_PAN: [pan, dpan, new_pan, new_pan],
        options_pb2.FORMAT_IBAN: ["DE89370400440532013000"],
        options_pb2.FORMAT_LOCALE: ["en-US"],
        options_pb2.FORMAT_TIME_ZONE: ["America/New_York"],
        options_pb2.FORMAT_TOKEN: [card.tokens[0].value, account.tokens[0].value],
        "etag": [""],
        "page_token": [""],
        "at_least_as_fresh": [token],
        "value": ["ann@example.com", "+12125550123", "212345678", "GB82WEST12345698765432"],
        "paths": ["branch", "person.given_name", "organization", "segment", "external_refs"],
        "iso_type": ["CACC"],
        "par": ["Q1HJZ28RKA1EBL470G9XYG90R5D3E"],
        "token_requestor_id": ["50110030273"],
        "text": ["Ann", "Bell", "é", "1234"],
    }


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_any_request_is_answered_or_refused_for_a_reason(
    alone: str, texts: dict[Any, list[Any]], method: described.MethodDescriptor
):
    sender = Sender(method.full_name, texts)
    path = f"/{method.containing_service.full_name}/{method.name}"
    async with grpc.aio.insecure_channel(alone) as wire:
        for _ in range(TRIES):
            request = sender.request(GetMessageClass(method.input_type))
            refusal = await told(wire, path, method, request)
            assert refusal is None or refusal.code() not in OF_OURS, request
            if refusal is not None:
                assert error_from(refusal, path).reason


async def told(
    wire: Any, path: str, method: described.MethodDescriptor, request: Message
) -> grpc.aio.AioRpcError | None:
    """Why a request is refused; None when it is answered."""
    sent = request.SerializeToString()
    try:
        if method.server_streaming:
            async for _ in wire.stream_stream(path)(iter([sent]), timeout=PATIENT_S):
                pass
        elif method.client_streaming:
            await wire.stream_unary(path)(iter([sent]), timeout=PATIENT_S)
        else:
            await wire.unary_unary(path)(sent, timeout=PATIENT_S)
    except grpc.aio.AioRpcError as error:
        return error
    return None
