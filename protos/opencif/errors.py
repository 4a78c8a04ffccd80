"""The errors the client raises, made from a gRPC status and its `google.rpc` details.

They carry codes and field paths, never a value of the request or the answer.
"""

from typing import Final, NamedTuple, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY: Final = "grpc-status-details-bin"
_REPEATABLE_ABORTS: Final = frozenset({"OPERATION_IN_PROGRESS", "CONFLICT"})
_LEAVING: Final = frozenset({"", "SHUTTING_DOWN"})
_LOOKED_AT: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.ABORTED,
    }
)


class FieldViolation(NamedTuple):
    """What is wrong with one field: its path, a reason of the contract, the server's fixed text."""

    field: str
    reason: str
    description: str


class OpencifError(Exception):
    """A call that failed. One subclass per status a caller may want to tell apart.

    OpencifError
    ├── InvalidArgument      the request does not have the form its contract asks for
    ├── Unauthenticated      no valid credential
    ├── PermissionDenied     the caller lacks the method's permission
    ├── NotFound             no such record, token or child
    ├── AlreadyExists        the number, identifier or id is taken
    ├── FailedPrecondition   the record's state or its references do not allow it
    ├── Aborted              the record has changed, or another call is in the way
    ├── ResourceExhausted    too many calls, or too large a message
    ├── DeadlineExceeded     the time ran out
    ├── Unavailable          no server could be reached, or it cannot answer now
    ├── Cancelled            the server ended the call
    ├── DataLoss             a stored record does not open
    └── InternalError        a fault of the server's, or a status outside the contract
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str = "",
        *,
        message: str = "",
        method: str = "",
        fields: tuple[FieldViolation, ...] = (),
        incident: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        self.code = code
        self.reason = reason
        """The `ErrorReason`'s name without its prefix; empty when no OpenCIF server answered."""
        self.message = message
        self.method = method
        self.fields = fields
        self.incident = incident
        """For a fault of the server's: the id under which its log has it."""
        self.retry_after_s = retry_after_s
        places = ", ".join(violation.field for violation in fields)
        super().__init__(
            f"{method.rpartition('/')[2] or 'call'}: {code.name}"
            + (f" {reason}" if reason and reason != code.name else "")
            + (f" at {places}" if places else "")
            + (f" ({message})" if message else "")
            + (f", incident {incident}" if incident else "")
        )

    @property
    def may_be_repeated(self) -> bool:
        """Whether the same request, request_id included, may succeed when it is sent again."""
        match self.code:
            case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
                return True
            case grpc.StatusCode.ABORTED:
                return self.reason in _REPEATABLE_ABORTS
            case grpc.StatusCode.RESOURCE_EXHAUSTED:
                return self.retry_after_s is not None
            case _:
                return False

    @property
    def tells_of_an_overload(self) -> bool:
        """Whether the call was turned away because there were too many, as far as one can tell.

        Whatever the status: a balancer that holds calls back says UNAVAILABLE, and gRPC ends what
        a busy server never came to as CANCELLED.
        """
        if self.reason == "OVERLOADED" or self.code is grpc.StatusCode.CANCELLED:
            return True
        return self.code is grpc.StatusCode.RESOURCE_EXHAUSTED and self.may_be_repeated

    @property
    def tells_of_a_look(self) -> bool:
        """Whether a server had time for the call and refused it for what it asks."""
        return bool(self.reason) and self.code in _LOOKED_AT

    @property
    def speaks_of_the_address(self) -> bool:
        """Whether the address is gone or going, so that another one should be asked."""
        return self.code is grpc.StatusCode.CANCELLED or (
            self.code is grpc.StatusCode.UNAVAILABLE and self.reason in _LEAVING
        )


class InvalidArgument(OpencifError):
    """The request does not have the form its contract asks for: see `fields`."""


class Unauthenticated(OpencifError):
    """No valid credential."""


class PermissionDenied(OpencifError):
    """The caller lacks the method's permission."""


class NotFound(OpencifError):
    """No such record, token or child."""


class AlreadyExists(OpencifError):
    """The number, identifier or id is taken."""


class FailedPrecondition(OpencifError):
    """The record's state or its references do not allow it."""


class Aborted(OpencifError):
    """The record has changed (ETAG_MISMATCH: read it again), or another call is in the way."""


class ResourceExhausted(OpencifError):
    """Too many calls at once, or too large a message."""


class DeadlineExceeded(OpencifError):
    """The time ran out. A mutation may have been made: repeat it with the same request_id."""


class Unavailable(OpencifError):
    """No server could be reached, or none can answer now."""


class Cancelled(OpencifError):
    """The server ended the call."""


class DataLoss(OpencifError):
    """A stored record does not open."""


class InternalError(OpencifError):
    """A fault of the server's, or a status outside the contract."""


_BY_CODE: Final[dict[grpc.StatusCode, type[OpencifError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.DATA_LOSS: DataLoss,
}


def error_from(failure: grpc.aio.AioRpcError, method: str) -> OpencifError:
    """The typed error for what gRPC raised; details that cannot be read are left out."""
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in _status_of(failure).details:
        for message in (info, bad_request, retry):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    code = failure.code()
    return _BY_CODE.get(code, InternalError)(
        code,
        info.reason,
        message=failure.details() or "",
        method=method,
        fields=tuple(
            FieldViolation(violation.field, violation.reason, violation.description)
            for violation in bad_request.field_violations
        ),
        incident=info.metadata.get("incident", ""),
        retry_after_s=(
            retry.retry_delay.ToTimedelta().total_seconds()
            if retry.HasField("retry_delay")
            else None
        ),
    )


def _status_of(failure: grpc.aio.AioRpcError) -> status_pb2.Status:
    status = status_pb2.Status()
    for key, value in failure.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            try:
                status.ParseFromString(cast("bytes", value))
            except DecodeError:
                return status_pb2.Status()
    return status
