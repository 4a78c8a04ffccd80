"""A server as a process: readiness, health, reflection, limits, drain, and workers that die."""

import asyncio
import os
import re
import signal
import socket
import uuid
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from opencif.client import Client
from opencif.v1 import card_pb2, customer_pb2
from tests.rpc.conftest import Launch, Serving, until

UNKNOWN_CARD = "cards/" + "a" * 26
HEALTH = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"
PEOPLE = "opencif.v1.CustomerService/CreateCustomer"
PAN = "4111111111111111"  # from the schemes' public test lists


def person(given_name: str = "Ann") -> customer_pb2.CreateCustomerRequest:
    named = customer_pb2.Person(given_name=given_name, family_name="Lee")
    customer = customer_pb2.Customer(kind=customer_pb2.CUSTOMER_KIND_PERSON, person=named)
    return customer_pb2.CreateCustomerRequest(customer=customer, request_id=str(uuid.uuid4()))


async def reason(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str]:
    """The status and the reason of a call that must fail, on a bare channel."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    for key, value in raised.value.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            info = error_details_pb2.ErrorInfo()
            status_pb2.Status.FromString(value).details[0].Unpack(info)
            return raised.value.code(), info.reason
    return raised.value.code(), ""


async def test_every_service_is_healthy_and_described(serving: Serving) -> None:
    async with grpc.aio.insecure_channel(serving.addresses[0]) as channel:
        check: Any = channel.unary_unary(HEALTH)
        for name in (b"", b"opencif.v1.LookupService", b"opencif.v1.ImportService"):
            assert await check(b"\x0a" + bytes([len(name)]) + name) == SERVING
        describe: Any = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
        )
        listed = [answer async for answer in describe(iter([b"\x3a\x00"]))]
    assert b"opencif.v1.AchResolutionService" in listed[0]


async def test_a_record_comes_back_byte_exact(client: Client) -> None:
    name = "O'); DROP TABLE record;-- {{7*7}} \u202e \U0001f469\U0001f3fd \U00020bb7"
    made = await client.customers.CreateCustomer(person(name))
    wanted = customer_pb2.GetCustomerRequest(name=made.customer.name, view="VIEW_FULL")
    assert (await client.customers.GetCustomer(wanted)).customer.person.given_name == name


async def test_limits_answer_with_a_status_and_never_unknown(serving: Serving) -> None:
    async with grpc.aio.insecure_channel(
        serving.addresses[0], options=[("grpc.max_metadata_size", 1 << 20)]
    ) as channel:
        call: Any = channel.unary_unary(f"/{PEOPLE}")
        exhausted = (grpc.StatusCode.RESOURCE_EXHAUSTED, "")
        assert await reason(call(b"\x0a" * 5_000_000)) == exhausted
        assert await reason(call(b"", metadata=(("x-much", "m" * 20_000),))) == exhausted
        bomb = call(bytes(16_000_000), compression=grpc.Compression.Gzip)
        assert await reason(bomb) == exhausted
        malformed = (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")
        assert await reason(call(b"\xff\xff")) == malformed
        assert await reason(call(b"\x0b" * 400)) == malformed
        in_metadata = call(person().SerializeToString(), metadata=(("x-note", PAN),))
        assert await reason(in_metadata) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "CARD_NUMBER_IN_TEXT",
        )
        unknown: Any = channel.unary_unary("/opencif.v1.CustomerService/Nothing")
        assert (await reason(unknown(b"")))[0] is grpc.StatusCode.UNIMPLEMENTED


async def test_metrics_count_calls_of_all_workers(launch: Launch) -> None:
    serving = await launch(OPENCIF_WORKERS="2")
    assert len(set(serving.addresses)) == 2
    for address in serving.addresses:
        async with Client([address]) as client:
            await client.customers.CreateCustomer(person())
    text = await serving.metrics()
    for worker in (0, 1):
        assert f'opencif_worker_up{{worker="{worker}"}} 1.0' in text
        assert (
            await serving.counted(
                "opencif_rpc_handled_total",
                worker=str(worker),
                method="CustomerService/CreateCustomer",
                code="OK",
            )
            == 1
        )
    assert len(re.findall(r"^# TYPE opencif_rpc_started_total counter$", text, re.MULTILINE)) == 1
    assert await serving.stop() == 0


async def test_a_worker_that_dies_is_started_again_in_its_place(launch: Launch) -> None:
    serving = await launch()
    (address,) = serving.addresses
    os.kill(await serving.worker_pid(), signal.SIGKILL)
    async with Client([address], timeout_s=30, attempts=50) as client:
        await client.customers.CreateCustomer(person())
    assert await serving.counted("opencif_worker_restarts_total") == 1
    assert await serving.stop() == 0


async def test_workers_end_with_a_supervisor_that_was_killed(launch: Launch) -> None:
    serving = await launch()
    pid = await serving.worker_pid()
    await serving.stop(signal.SIGKILL)

    async def is_gone() -> bool:
        return not await asyncio.to_thread(Path(f"/proc/{pid}").exists)

    await until(is_gone)


async def test_draining_lets_running_calls_end_and_says_so(launch: Launch) -> None:
    serving = await launch(OPENCIF_DRAIN_WAIT_S="1")
    async with grpc.aio.insecure_channel(serving.addresses[0]) as channel:
        check: Any = channel.unary_unary(HEALTH)
        assert await check(b"") == SERVING
        upload: Any = channel.stream_unary("/opencif.v1.ImportService/ImportRecords")(timeout=20)
        await upload.wait_for_connection()
        stopped = asyncio.create_task(serving.stop())

        async def is_draining() -> bool:
            return bool(await check(b"") != SERVING)

        await until(is_draining)
        await upload.done_writing()
        await upload
        assert await stopped == 0


def test_a_taken_port_is_told_in_one_line(serving: Serving) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        serving.environment["OPENCIF_PORT"] = port
        try:
            refused = serving.run("serve")
        finally:
            serving.environment["OPENCIF_PORT"] = "0"
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert port in refused.stderr


def test_keys_are_shown_without_secrets_and_made_only_once(serving: Serving) -> None:
    shown = serving.run("keys", "status")
    assert shown.returncode == 0
    assert len(shown.stdout.splitlines()) == 12
    assert not re.search(r"[0-9a-f]{16}", shown.stdout)
    kek = Path(serving.environment["OPENCIF_KEK_FILE"])
    assert kek.stat().st_mode & 0o777 == 0o600
    before = kek.read_text()
    again = serving.run("keys", "init")
    assert again.returncode == 2
    assert kek.read_text() == before


async def test_the_key_that_wraps_all_others_may_come_from_the_environment(launch: Launch) -> None:
    kek = os.urandom(32).hex()
    served = await launch(OPENCIF_KEK_FILE="", OPENCIF_KEK=kek)
    async with Client(served.addresses) as client:
        await client.customers.CreateCustomer(person())
    assert kek not in served.log.read_text()
    served.environment["OPENCIF_KEK"] = os.urandom(32).hex()
    another = served.run("keys", "status")
    assert another.returncode == 2
    assert served.environment["OPENCIF_KEK"] not in another.stderr


async def test_the_log_tells_no_value(serving: Serving, client: Client) -> None:
    secret = "Quetzalcoatlus"
    await client.customers.CreateCustomer(person(secret))
    with pytest.raises(Exception, match="CARD_NUMBER"):
        await client.customers.CreateCustomer(person(f"{secret} {PAN}"))
    log, metrics = serving.log.read_text(), await serving.metrics()
    assert "serving" in log
    for planted in (secret, PAN):
        assert planted not in log
        assert planted not in metrics


async def test_an_unknown_card_is_not_found(client: Client) -> None:
    with pytest.raises(Exception, match="NOT_FOUND"):
        await client.cards.GetCard(card_pb2.GetCardRequest(name=UNKNOWN_CARD))
