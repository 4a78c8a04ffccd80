"""No number, name or message can reach a log through the chain."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from opencif.v1 import customer_pb2
from server import log
from server.log import MASK
from tests.unit import card_numbers


@pytest.fixture
def logged() -> Iterator[StringIO]:
    stream = StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def last(stream: StringIO) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return event


def test_codes_and_counts_pass(logged: StringIO) -> None:
    log.logger("rpc").warning(
        "slow_call", method="opencif.v1.CardService/BlockCard", duration_ms=1234, ports=[7420, 7421]
    )
    event = last(logged)
    assert event["event"] == "slow_call"
    assert event["method"] == "opencif.v1.CardService/BlockCard"
    assert (event["duration_ms"], event["ports"]) == (1234, [7420, 7421])
    assert event["level"] == "warning"
    assert event["time"].endswith("Z")


def test_keys_that_are_not_on_the_list_are_dropped(logged: StringIO) -> None:
    log.logger("rpc").info("found", name="Ann Lee", pan=card_numbers.VISA, count=1)
    assert "Ann" not in logged.getvalue()
    assert card_numbers.VISA not in logged.getvalue()
    assert last(logged)["count"] == 1


def test_a_message_object_is_masked_whatever_its_key(logged: StringIO) -> None:
    person = customer_pb2.Person(given_name="Ann", family_name="Leeuwenhoek")
    log.logger("rpc").info("found", reason=person, items=[person], kind={"a": "Leeuwenhoek"})
    assert "Leeuwenhoek" not in logged.getvalue()
    assert last(logged)["reason"] == MASK
    assert last(logged)["items"] == [MASK]


@pytest.mark.parametrize(
    "value",
    [
        card_numbers.VISA,
        int(card_numbers.VISA),
        "4111 1111 1111 1111",
        "078-05-1120",
        "123456789",
        "ann@example.com",
        b"bytes",
        "x" * 201,
        "a\nb",
        '{"name": "Ann"}',
        ValueError(card_numbers.VISA),
    ],
)
def test_values_that_may_be_somebodys_are_masked(logged: StringIO, value: object) -> None:
    log.logger("rpc").info("found", reason=value)
    assert last(logged)["reason"] == MASK


def test_an_incident_id_passes(logged: StringIO) -> None:
    incident = "12345678-1234-4123-8123-123456789012"
    log.logger("rpc").error("call_failed", incident=incident)
    assert last(logged)["incident"] == incident


def test_of_other_libraries_only_the_place_and_the_type_are_kept(logged: StringIO) -> None:
    try:
        int(f"row {card_numbers.VISA}")
    except ValueError:
        logging.getLogger("asyncpg").exception("bad row %s", card_numbers.VISA)
    event = last(logged)
    assert (event["library"], event["error_type"]) == ("asyncpg", "ValueError")
    assert card_numbers.VISA not in logged.getvalue()
    assert event["frames"][-1].startswith("tests/unit/test_log.py:")


def test_frames_are_ours_only_and_hold_no_text() -> None:
    try:
        json.loads("{" + card_numbers.VISA)
    except ValueError as error:
        frames = log.where(error)
    assert len(frames) == 1
    assert frames[0].startswith("tests/unit/test_log.py:")
