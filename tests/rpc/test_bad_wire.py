"""Bad input below the contract: bytes that are no message, sizes, metadata, methods nobody has."""

import gzip
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from opencif.client import Client
from opencif.errors import error_from
from opencif.v1 import account_pb2, card_pb2, customer_pb2, lookup_pb2
from tests.rpc.bank import new_pan, refused, terms
from tests.rpc.conftest import Serving
from tests.rpc.test_bad_input import assert_silent

INVALID = grpc.StatusCode.INVALID_ARGUMENT
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
ABSENT = grpc.StatusCode.UNIMPLEMENTED

PAN = "4111111111111111"
NO_CARD = "cards/aeaqcaibaeaqcaibaeaqcaibae"
GET = "/opencif.v1.CardService/GetCard"
BLOCK = "/opencif.v1.CardService/BlockCard"
CREATE = "/opencif.v1.CustomerService/CreateCustomer"
LOOKUP = "/opencif.v1.LookupService/LookupCards"
MALFORMED = [
    b"garbage, and a card number: " + PAN.encode(),
    b"\xff" * 64,
    b"\x0a\x7fshort of what it says",
    b"\x0a\x06\xff\xfe\xc0\xaf\xed\xa0",  # a name that is not UTF-8
    b"\x0a\x03\xed\xa0\x80",  # a surrogate, in what is no UTF-8
    b"\x0b" * 200 + b"\x0c" * 200,  # groups nested deeper than a parser follows
    b"\x0b",  # a group without an end
    b"\x00",  # field number 0
    b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # longer than memory
    gzip.compress(PAN.encode()),
]


@dataclass(frozen=True)
class Sent:
    """What goes over the wire, and the answer it must get."""

    number: int
    method: str
    data: bytes
    code: grpc.StatusCode
    reason: str
    field: str = ""
    metadata: tuple[tuple[str, str | bytes], ...] = ()

    def __str__(self) -> str:
        return f"{self.number}-{self.method.rpartition('/')[2]}-{self.reason}-{self.data[:4].hex()}"


def block(**fields: str) -> bytes:
    return card_pb2.BlockCardRequest(name=NO_CARD, **fields).SerializeToString()


ODD_METADATA: list[tuple[str, str | bytes]] = [
    ("x-note", PAN),
    ("x-note", f"pan={PAN[:4]}-{PAN[4:8]}-{PAN[8:12]}-{PAN[12:]}"),
    ("x-note-bin", PAN.encode()),
    ("authorization", f"Bearer {PAN}"),
]
TABLE = [
    Sent(1, GET, b"", INVALID, "REQUIRED", "name"),
    Sent(1, BLOCK, b"", INVALID, "REQUIRED", "name"),
    Sent(1, BLOCK, block(), INVALID, "REQUIRED", "request_id"),
    Sent(1, CREATE, b"", INVALID, "REQUIRED", "customer"),
    Sent(1, LOOKUP, b"", INVALID, "EMPTY_BATCH", "keys"),
    Sent(2, BLOCK, block(request_id="not-a-uuid"), INVALID, "MALFORMED", "request_id"),
    *(
        Sent(12, GET, block(), INVALID, "CARD_NUMBER_IN_TEXT", "metadata", (pair,))
        for pair in ODD_METADATA
    ),
    *(  # ids that others draw at random: some look like a card number
        Sent(12, GET, block(), grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "", ((key, value),))
        for key, value in [
            ("x-b3-spanid", PAN),
            ("x-request-id", f"{PAN[:8]}-{PAN[8:12]}-{PAN[12:]}-8000-000000000000"),
        ]
    ),
    *(
        Sent(33, method, data, INVALID, "MALFORMED")
        for data in MALFORMED
        for method in (GET, BLOCK, LOOKUP)
    ),
    Sent(37, "/opencif.v1.CardService/NoSuchMethod", b"\x0a\x01a", ABSENT, "UNIMPLEMENTED"),
    Sent(37, "/opencif.v1.NoSuchService/GetCard", b"", ABSENT, "UNIMPLEMENTED"),
    Sent(37, "/opencif.v2.CardService/GetCard", b"", ABSENT, "UNIMPLEMENTED"),
    Sent(37, "/", b"", ABSENT, "UNIMPLEMENTED"),
    # gRPC itself refuses these two before a handler could say more.
    Sent(38, GET, block(), EXHAUSTED, "", "", (("x-long", "a" * 20_480),)),
    Sent(35, CREATE, b"\x0a" + b"a" * (4 * 1024 * 1024), EXHAUSTED, ""),
]


@pytest.fixture(scope="session")
async def wire(addresses: list[str]) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(addresses[0]) as channel:
        yield channel


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


@pytest.mark.parametrize("sent", TABLE, ids=str)
async def test_what_is_no_request_is_refused_as_one(wire: Any, sent: Sent):
    failure = await refusal(
        wire.unary_unary(sent.method)(sent.data, metadata=sent.metadata, timeout=60)
    )
    error = error_from(failure, sent.method)
    assert (error.code, error.reason) == (sent.code, sent.reason)
    assert [violation.field for violation in error.fields] == ([sent.field] if sent.field else [])
    assert_silent(failure, [PAN, PAN[-8:]])


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: data[:4].hex())
async def test_a_stream_with_garbage_in_it_is_refused_and_what_came_before_answered(
    wire: Any, data: bytes
):
    good = lookup_pb2.StreamLookupCardsRequest(lookup={"keys": [{"pan": PAN}]})
    stream = wire.stream_stream("/opencif.v1.LookupService/StreamLookupCards")(timeout=60)
    await stream.write(good.SerializeToString())
    answer = lookup_pb2.StreamLookupCardsResponse.FromString(await stream.read())
    assert len(answer.answer.results) == 1
    await stream.write(data)
    failure = await refusal(stream.read())
    error = error_from(failure, "")
    assert (error.code, error.reason) == (INVALID, "MALFORMED")
    assert_silent(failure, [PAN])


async def test_a_compressed_request_larger_than_allowed_is_refused(addresses: list[str]):
    bomb = customer_pb2.CreateCustomerRequest(customer={"display_name": "a" * (16 * 1024 * 1024)})
    async with grpc.aio.insecure_channel(addresses[0], compression=grpc.Compression.Gzip) as wire:
        create: Any = wire.unary_unary(CREATE)
        failure = await refusal(create(bomb.SerializeToString(), timeout=60))
    assert failure.code() is EXHAUSTED


async def test_a_worker_serves_on_after_all_of_this(client: Client, addresses: list[str]):
    assert {worker.state for worker in await client.health()} == {"SERVING"}
    answer = await client.accounts.CreateAccount(account_pb2.CreateAccountRequest(account=terms()))
    assert answer.account.version == 1
    for address in addresses:
        async with Client(address, timeout_s=60.0) as one:
            result = (await one.lookup_cards([lookup_pb2.CardKey(pan=new_pan())])).results[0]
            assert result.network_response == "14"


async def test_nothing_of_what_was_refused_is_logged(
    client: Client, serving: Serving, addresses: list[str]
):
    """Whatever the tests of this session have sent: the log has no card number in it."""
    async with grpc.aio.insecure_channel(addresses[0]) as wire:
        for sent in TABLE:
            call: Any = wire.unary_unary(sent.method)
            await refusal(call(sent.data, metadata=sent.metadata))
    named = {"given_name": PAN, "family_name": f"{PAN[:4]} {PAN[4:8]} {PAN[8:12]} {PAN[12:]}"}
    creation = customer_pb2.CreateCustomerRequest(customer={"kind": 1, "person": named})
    await refused(client.customers.CreateCustomer(creation), INVALID, "CARD_NUMBER_IN_TEXT")
    told = serving.log.read_text() + await serving.metrics()
    assert PAN not in told.replace(" ", "").replace("-", "")
    assert "call_failed" not in told
