"""The errors the server raises on purpose, and the one table that turns any error into a status.

Owns ErrorReason -> (status, words, retry) and exception -> reason. No value of a request and no
text of an exception ever passes through here to a caller.

    RpcError
    ├── InvalidArgument      the request itself is wrong, whatever is stored
    ├── NotFound             no such record, revision, child or token
    ├── AlreadyExists        number, identifier or id is taken
    ├── FailedPrecondition   what is stored does not allow it
    ├── Aborted              it changed meanwhile: read again or repeat
    ├── Unavailable          repeat it later or elsewhere
    ├── ResourceExhausted    too much at once
    ├── PermissionDenied     the caller may not
    ├── Unauthenticated      nobody knows the caller
    └── Unimplemented        no such method
"""

import random
import re
from typing import ClassVar, Final, LiteralString, NamedTuple

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from opencif.v1.error_pb2 import ErrorReason
from repository import errors as stored
from tokenizer import ff1, formats, identity, keyring, normal, sealing

__all__ = [
    "DOMAIN",
    "REASONS",
    "Aborted",
    "AlreadyExists",
    "FailedPrecondition",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "Reason",
    "ResourceExhausted",
    "RpcError",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "reason_of",
    "status_of",
]

DOMAIN: Final = "opencif"
_PREFIX: Final = "ERROR_REASON_"


class Reason(NamedTuple):
    """What a reason is told as: its status, fixed words, and when to repeat (0 = no hint)."""

    code: StatusCode
    words: str
    retry_ms: int = 0


_INVALID = StatusCode.INVALID_ARGUMENT
_FAILED = StatusCode.FAILED_PRECONDITION

REASONS: Final[dict[str, Reason]] = {
    "REQUIRED": Reason(_INVALID, "a required field is missing"),
    "MALFORMED": Reason(_INVALID, "does not have the form its contract asks for"),
    "TOO_LONG": Reason(_INVALID, "is over its limit"),
    "EMPTY_BATCH": Reason(_INVALID, "holds no items"),
    "NUL_IN_TEXT": Reason(_INVALID, "holds a NUL character"),
    "CARD_NUMBER_IN_TEXT": Reason(_INVALID, "holds what looks like card data"),
    "CHECK_DIGIT": Reason(_INVALID, "fails its check digits"),
    "UNKNOWN_ENUM_VALUE": Reason(_INVALID, "is unspecified or has no such value"),
    "INVALID_DATE": Reason(_INVALID, "is no day, or one that is not allowed here"),
    "INVALID_FIELD_MASK": Reason(_INVALID, "names a field that cannot be changed so"),
    "INVALID_PAGE_TOKEN": Reason(_INVALID, "was not made for this caller and request"),
    "INVALID_PAGE_SIZE": Reason(_INVALID, "is negative"),
    "INVALID_CONSISTENCY_TOKEN": Reason(_INVALID, "was not made here"),
    "IS_A_TOKEN": Reason(_INVALID, "is a token where a number is expected"),
    "IS_A_NUMBER": Reason(_INVALID, "is a number where a token is expected"),
    "DOMAIN_TOO_SMALL": Reason(_INVALID, "is too short to be tokenized safely"),
    "IDEMPOTENCY_KEY_REUSED": Reason(_INVALID, "came before with another payload"),
    "INVALID_PERIOD": Reason(_INVALID, "ends before it begins or overlaps another"),
    "INVALID_SHARE": Reason(
        _INVALID, "is no share of its type, or not 0 to 10,000 basis points in all"
    ),
    "INVALID_FILE": Reason(_INVALID, "has a structural fault"),
    "NOT_FOUND": Reason(StatusCode.NOT_FOUND, "does not exist"),
    "ALREADY_EXISTS": Reason(StatusCode.ALREADY_EXISTS, "is taken"),
    "REFERENCE_NOT_FOUND": Reason(_FAILED, "refers to a record that is not there or not fit"),
    "ILLEGAL_TRANSITION": Reason(_FAILED, "the record's state does not allow this"),
    "RECORD_IN_USE": Reason(_FAILED, "other live records depend on it"),
    "LIMIT_REACHED": Reason(_FAILED, "the record has as many as it may have"),
    "INVARIANT": Reason(_FAILED, "the change would break a rule of the record"),
    "CYCLE": Reason(_FAILED, "would close a circle of ownership"),
    "KEY_RETIRED": Reason(_FAILED, "was made under a key that is no longer kept"),
    "HISTORY_REWOUND": Reason(_FAILED, "goes on from what may not have happened: begin again"),
    "INCOMPLETE": Reason(_FAILED, "the record lacks what the new state demands"),
    "ETAG_MISMATCH": Reason(StatusCode.ABORTED, "is no longer current: read again"),
    "OPERATION_IN_PROGRESS": Reason(
        StatusCode.ABORTED, "the same request is still running: repeat it", 200
    ),
    "CONFLICT": Reason(StatusCode.ABORTED, "another change came between: repeat it", 50),
    "COMMIT_UNKNOWN": Reason(
        StatusCode.UNAVAILABLE, "made or not made: repeat with the same request_id", 200
    ),
    "DATABASE_UNAVAILABLE": Reason(StatusCode.UNAVAILABLE, "the database is out of reach", 1000),
    "TOO_STALE": Reason(StatusCode.UNAVAILABLE, "nothing proven current for too long", 1000),
    "SHUTTING_DOWN": Reason(StatusCode.UNAVAILABLE, "this worker is draining", 50),
    "OVERLOADED": Reason(
        StatusCode.RESOURCE_EXHAUSTED, "this worker has more calls than it answers", 200
    ),
    "CALLER_SHARE": Reason(
        StatusCode.RESOURCE_EXHAUSTED, "this caller has its share of calls and others wait", 200
    ),
    "MESSAGE_TOO_LARGE": Reason(StatusCode.RESOURCE_EXHAUSTED, "is over the size limit"),
    "DEADLINE": Reason(StatusCode.DEADLINE_EXCEEDED, "time ran out; nothing was changed"),
    "CANCELLED": Reason(StatusCode.CANCELLED, "the caller went away"),
    "PERMISSION": Reason(StatusCode.PERMISSION_DENIED, "the caller lacks the permission"),
    "UNAUTHENTICATED": Reason(StatusCode.UNAUTHENTICATED, "no valid credential"),
    "SEAL_BROKEN": Reason(StatusCode.DATA_LOSS, "a stored record does not open"),
    "INTERNAL": Reason(StatusCode.INTERNAL, "a fault of ours"),
    "UNIMPLEMENTED": Reason(StatusCode.UNIMPLEMENTED, "no such method"),
}


class RpcError(Exception):
    """What every error below is: a reason of the contract, a field path, and fixed words.

    `detail` says which rule, in words written in the source, never made of a value; `retry_s` when
    to come again, where the table's hint is not the one. Raises ValueError for a reason that the
    contract lacks or that has another status.
    """

    code: ClassVar[StatusCode | None] = None

    def __init__(
        self,
        reason: LiteralString,
        field: str = "",
        detail: LiteralString = "",
        *,
        retry_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        known = REASONS.get(reason)
        if known is None or (self.code is not None and known.code is not self.code):
            raise ValueError(f"{reason} is no reason of {type(self).__name__}")
        self.reason: str = reason
        self.field = field
        self.detail: str = detail
        self.retry_s = retry_s


class InvalidArgument(RpcError):
    """The request itself is wrong, whatever is stored."""

    code = StatusCode.INVALID_ARGUMENT


class NotFound(RpcError):
    """No such record, revision, child or token."""

    code = StatusCode.NOT_FOUND

    def __init__(self, field: str = "") -> None:
        super().__init__("NOT_FOUND", field)


class AlreadyExists(RpcError):
    """The number, identifier or id is taken."""

    code = StatusCode.ALREADY_EXISTS

    def __init__(self, field: str = "") -> None:
        super().__init__("ALREADY_EXISTS", field)


class FailedPrecondition(RpcError):
    """What is stored does not allow it."""

    code = StatusCode.FAILED_PRECONDITION


class Aborted(RpcError):
    """It changed meanwhile: read again, or repeat."""

    code = StatusCode.ABORTED


class Unavailable(RpcError):
    """Repeat it later or elsewhere."""

    code = StatusCode.UNAVAILABLE


class ResourceExhausted(RpcError):
    """Too much at once, or too large."""

    code = StatusCode.RESOURCE_EXHAUSTED


class PermissionDenied(RpcError):
    """The caller lacks the method's permission."""

    code = StatusCode.PERMISSION_DENIED

    def __init__(self) -> None:
        super().__init__("PERMISSION")


class Unauthenticated(RpcError):
    """No valid credential."""

    code = StatusCode.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("UNAUTHENTICATED")


class Unimplemented(RpcError):
    """No such method."""

    code = StatusCode.UNIMPLEMENTED

    def __init__(self) -> None:
        super().__init__("UNIMPLEMENTED")


# Errors of the packages below; the nearest class of an exception counts. All else is INTERNAL.
_FOREIGN: Final[dict[type[BaseException], str]] = {
    stored.NotFound: "NOT_FOUND",
    stored.AlreadyExists: "ALREADY_EXISTS",
    stored.VersionMismatch: "ETAG_MISMATCH",
    stored.IdempotencyKeyReused: "IDEMPOTENCY_KEY_REUSED",
    stored.OperationInProgress: "OPERATION_IN_PROGRESS",
    stored.CommitUnknown: "COMMIT_UNKNOWN",
    stored.Busy: "OVERLOADED",
    stored.Stalled: "DATABASE_UNAVAILABLE",
    stored.Unavailable: "DATABASE_UNAVAILABLE",
    stored.TooStale: "TOO_STALE",
    stored.TimedOut: "DEADLINE",
    normal.NotNormal: "MALFORMED",
    identity.NotAnId: "MALFORMED",
    formats.TokenError: "MALFORMED",
    ff1.DomainTooSmall: "DOMAIN_TOO_SMALL",
    keyring.KeyRetired: "KEY_RETIRED",
    keyring.UnknownGeneration: "NOT_FOUND",
    sealing.SealBroken: "SEAL_BROKEN",
    TimeoutError: "DEADLINE",
}
# The field that a reason is always about.
_FIELD_OF: Final = {
    "ETAG_MISMATCH": "etag",
    "IDEMPOTENCY_KEY_REUSED": "request_id",
    "OPERATION_IN_PROGRESS": "request_id",
}
_CHECK_DIGIT: Final = re.compile("CHECK_DIGITS?$")


def reason_of(error: BaseException) -> str:
    """The contract's reason for any exception; INTERNAL for one that nobody foresaw."""
    if isinstance(error, RpcError):
        return error.reason
    if isinstance(error, normal.NotNormal) and _CHECK_DIGIT.search(error.reason):
        return "CHECK_DIGIT"
    for kind in type(error).__mro__:
        if kind in _FOREIGN:
            return _FOREIGN[kind]
    return "INTERNAL"


def status_of(error: BaseException, incident: str = "") -> status_pb2.Status:
    """The status a caller gets: ErrorInfo, the field's path, RetryInfo; never a value.

    `incident` is the opaque id that the log has too, for INTERNAL and DATA_LOSS.
    """
    name = reason_of(error)
    reason = REASONS[name]
    field = error.field if isinstance(error, RpcError) else _FIELD_OF.get(name, "")
    words = (error.detail if isinstance(error, RpcError) else "") or reason.words
    metadata = {"field": field} if field else {}
    if incident:
        metadata["incident"] = incident
    info = error_details_pb2.ErrorInfo(reason=name, domain=DOMAIN, metadata=metadata)
    packed = [_packed(info)]
    if reason.code is _INVALID and field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=field, description=words, reason=name
        )
        packed.append(_packed(error_details_pb2.BadRequest(field_violations=[violation])))
    if reason.retry_ms:
        told_s = error.retry_s if isinstance(error, RpcError) else None
        retry_ms = int(_spread_ms(reason.retry_ms) if told_s is None else told_s * 1000)
        delay = duration_pb2.Duration(seconds=retry_ms // 1000, nanos=retry_ms % 1000 * 1_000_000)
        packed.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    number: int = reason.code.value[0]
    message = f"{field}: {words}" if field else words
    return status_pb2.Status(code=number, message=message, details=packed)


def _spread_ms(hint_ms: int) -> float:
    """About the hint: callers that failed together shall not come again together."""
    return hint_ms * random.uniform(0.75, 1.25)  # noqa: S311  spreads load, hides nothing


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _refuse_an_incomplete_table() -> None:
    """Raise unless every reason of the contract that a call can end with is in the table."""
    of_contract = {name.removeprefix(_PREFIX) for name in ErrorReason.keys()[1:]}
    if of_contract - {"NUMBER_NOT_LUHN"} != set(REASONS):
        raise ValueError("the table of reasons differs from ErrorReason")


_refuse_an_incomplete_table()
