from google.api import field_behavior_pb2 as _field_behavior_pb2
from opencif.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckAlgorithm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_ALGORITHM_UNSPECIFIED: _ClassVar[CheckAlgorithm]
    CHECK_ALGORITHM_LUHN: _ClassVar[CheckAlgorithm]
    CHECK_ALGORITHM_MOD_10_WEIGHTED_371: _ClassVar[CheckAlgorithm]
CHECK_ALGORITHM_UNSPECIFIED: CheckAlgorithm
CHECK_ALGORITHM_LUHN: CheckAlgorithm
CHECK_ALGORITHM_MOD_10_WEIGHTED_371: CheckAlgorithm

class AccountScheme(_message.Message):
    __slots__ = ("min_length", "max_length", "digits_only", "check_algorithm", "strip_leading_zeros")
    MIN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    DIGITS_ONLY_FIELD_NUMBER: _ClassVar[int]
    CHECK_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    STRIP_LEADING_ZEROS_FIELD_NUMBER: _ClassVar[int]
    min_length: int
    max_length: int
    digits_only: bool
    check_algorithm: CheckAlgorithm
    strip_leading_zeros: bool
    def __init__(self, min_length: _Optional[int] = ..., max_length: _Optional[int] = ..., digits_only: _Optional[bool] = ..., check_algorithm: _Optional[_Union[CheckAlgorithm, str]] = ..., strip_leading_zeros: _Optional[bool] = ...) -> None: ...

class RoutingNumber(_message.Message):
    __slots__ = ("routing_number", "office_code", "servicing_frb", "record_type", "change_date", "new_routing_number", "customer_name", "town", "region", "ours", "participates", "limited", "account_scheme", "sold_to_routing_number")
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    OFFICE_CODE_FIELD_NUMBER: _ClassVar[int]
    SERVICING_FRB_FIELD_NUMBER: _ClassVar[int]
    RECORD_TYPE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_DATE_FIELD_NUMBER: _ClassVar[int]
    NEW_ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_NAME_FIELD_NUMBER: _ClassVar[int]
    TOWN_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    OURS_FIELD_NUMBER: _ClassVar[int]
    PARTICIPATES_FIELD_NUMBER: _ClassVar[int]
    LIMITED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_SCHEME_FIELD_NUMBER: _ClassVar[int]
    SOLD_TO_ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    routing_number: str
    office_code: str
    servicing_frb: str
    record_type: int
    change_date: str
    new_routing_number: str
    customer_name: str
    town: str
    region: str
    ours: bool
    participates: bool
    limited: bool
    account_scheme: AccountScheme
    sold_to_routing_number: str
    def __init__(self, routing_number: _Optional[str] = ..., office_code: _Optional[str] = ..., servicing_frb: _Optional[str] = ..., record_type: _Optional[int] = ..., change_date: _Optional[str] = ..., new_routing_number: _Optional[str] = ..., customer_name: _Optional[str] = ..., town: _Optional[str] = ..., region: _Optional[str] = ..., ours: _Optional[bool] = ..., participates: _Optional[bool] = ..., limited: _Optional[bool] = ..., account_scheme: _Optional[_Union[AccountScheme, _Mapping]] = ..., sold_to_routing_number: _Optional[str] = ...) -> None: ...

class LookupRoutingNumbersRequest(_message.Message):
    __slots__ = ("routing_numbers",)
    ROUTING_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    routing_numbers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, routing_numbers: _Optional[_Iterable[str]] = ...) -> None: ...

class RoutingResult(_message.Message):
    __slots__ = ("found", "routing_number", "error_reason")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    found: bool
    routing_number: RoutingNumber
    error_reason: str
    def __init__(self, found: _Optional[bool] = ..., routing_number: _Optional[_Union[RoutingNumber, _Mapping]] = ..., error_reason: _Optional[str] = ...) -> None: ...

class LookupRoutingNumbersResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[RoutingResult]
    def __init__(self, results: _Optional[_Iterable[_Union[RoutingResult, _Mapping]]] = ...) -> None: ...

class ImportRoutingNumbersRequest(_message.Message):
    __slots__ = ("directory", "addition")
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    ADDITION_FIELD_NUMBER: _ClassVar[int]
    directory: bytes
    addition: RoutingNumber
    def __init__(self, directory: _Optional[bytes] = ..., addition: _Optional[_Union[RoutingNumber, _Mapping]] = ...) -> None: ...

class RejectedRow(_message.Message):
    __slots__ = ("row", "reason", "field")
    ROW_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    row: int
    reason: str
    field: str
    def __init__(self, row: _Optional[int] = ..., reason: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class ImportRoutingNumbersResponse(_message.Message):
    __slots__ = ("directory_rows", "additions", "rejected", "rejected_count")
    DIRECTORY_ROWS_FIELD_NUMBER: _ClassVar[int]
    ADDITIONS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    directory_rows: int
    additions: int
    rejected: _containers.RepeatedCompositeFieldContainer[RejectedRow]
    rejected_count: int
    def __init__(self, directory_rows: _Optional[int] = ..., additions: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[RejectedRow, _Mapping]]] = ..., rejected_count: _Optional[int] = ...) -> None: ...
