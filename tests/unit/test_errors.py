"""Every error becomes one status, which tells a reason and a field and never a value."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from opencif.v1.error_pb2 import ErrorReason
from repository import errors as stored
from server.errors import (
    REASONS,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    RpcError,
    reason_of,
    status_of,
)
from tokenizer.keyring import KeyRetired, UnknownGeneration
from tokenizer.normal import NotNormal
from tokenizer.sealing import SealBroken


def subclasses(kind: Any) -> set[Any]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


def test_the_table_holds_every_reason_that_a_call_can_end_with() -> None:
    of_contract = {
        name.removeprefix("ERROR_REASON_") for name in ErrorReason.DESCRIPTOR.values_by_name
    }
    assert of_contract - set(REASONS) == {"UNSPECIFIED", "NUMBER_NOT_LUHN"}
    assert grpc.StatusCode.UNKNOWN not in {reason.code for reason in REASONS.values()}


def test_every_error_of_the_repository_that_a_call_can_meet_has_a_reason() -> None:
    nameless = {
        kind.__name__
        for kind in subclasses(stored.RepositoryError)
        if reason_of(kind.__new__(kind)) == "INTERNAL"
    }
    migrations = {
        "MigrationAltered",
        "MigrationForbidden",
        "MigrationLocked",
        "MigrationOutOfTurn",
    }
    assert nameless == {"RepositoryError"} | migrations


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotNormal("PAN_CHECK_DIGIT"), "CHECK_DIGIT"),
        (NotNormal("IBAN_CHECK_DIGITS"), "CHECK_DIGIT"),
        (NotNormal("PAN_LENGTH"), "MALFORMED"),
        (KeyRetired("x"), "KEY_RETIRED"),
        (UnknownGeneration("x"), "NOT_FOUND"),
        (SealBroken(), "SEAL_BROKEN"),
        (TimeoutError(), "DEADLINE"),
        (ZeroDivisionError("4111111111111111"), "INTERNAL"),
    ],
)
def test_errors_from_elsewhere(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
    assert b"4111" not in status_of(error).SerializeToString()


def test_a_violation_names_its_field_in_every_detail() -> None:
    status = status_of(InvalidArgument("TOO_LONG", "customer.person.given_name"))
    info, violations = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(violations)
    assert dict(info.metadata) == {"field": "customer.person.given_name"}
    assert violations.field_violations[0].field == "customer.person.given_name"
    assert status.message == "customer.person.given_name: is over its limit"


def test_what_is_wrong_with_no_field_violates_none() -> None:
    status = status_of(InvalidArgument("MALFORMED"))
    assert [detail.TypeName() for detail in status.details] == ["google.rpc.ErrorInfo"]


def test_a_detail_takes_the_place_of_the_tables_words() -> None:
    status = status_of(FailedPrecondition("INVARIANT", "parties", "an account has one primary"))
    assert status.message == "parties: an account has one primary"


def test_a_stale_etag_is_told_by_its_field() -> None:
    status = status_of(stored.VersionMismatch(1, b"id", 3, 4))
    assert status.code == grpc.StatusCode.ABORTED.value[0]
    assert status.message.startswith("etag: ")


def test_only_what_is_worth_repeating_says_when() -> None:
    hinted = {name for name, reason in REASONS.items() if reason.retry_ms}
    assert {REASONS[name].code for name in hinted} == {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
    }
    assert "ETAG_MISMATCH" not in hinted


@pytest.mark.parametrize("reason", ["NOT_FOUND", "NONSENSE", ""])
def test_a_reason_of_another_status_is_a_mistake(reason: str) -> None:
    with pytest.raises(ValueError, match="InvalidArgument"):
        InvalidArgument(reason)


def test_every_class_fits_the_table() -> None:
    codes = {kind.code for kind in subclasses(RpcError)} - {None}
    assert codes <= {reason.code for reason in REASONS.values()}
    assert NotFound("name").field == "name"
