from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Segment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEGMENT_UNSPECIFIED: _ClassVar[Segment]
    SEGMENT_OPERATIONAL: _ClassVar[Segment]
    SEGMENT_PRIVATE: _ClassVar[Segment]
    SEGMENT_NUMBER: _ClassVar[Segment]

class Sensitivity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SENSITIVITY_UNSPECIFIED: _ClassVar[Sensitivity]
    SENSITIVITY_PUBLIC: _ClassVar[Sensitivity]
    SENSITIVITY_INTERNAL: _ClassVar[Sensitivity]
    SENSITIVITY_PERSONAL: _ClassVar[Sensitivity]
    SENSITIVITY_RESTRICTED: _ClassVar[Sensitivity]

class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORMAT_UNSPECIFIED: _ClassVar[Format]
    FORMAT_DATE: _ClassVar[Format]
    FORMAT_MONTH: _ClassVar[Format]
    FORMAT_COUNTRY: _ClassVar[Format]
    FORMAT_CURRENCY: _ClassVar[Format]
    FORMAT_ROUTING_NUMBER: _ClassVar[Format]
    FORMAT_CODE: _ClassVar[Format]
    FORMAT_UUID: _ClassVar[Format]
    FORMAT_CUSTOMER_NAME: _ClassVar[Format]
    FORMAT_ACCOUNT_NAME: _ClassVar[Format]
    FORMAT_CARD_NAME: _ClassVar[Format]
    FORMAT_RELATIONSHIP_NAME: _ClassVar[Format]
    FORMAT_ACCOUNT_NUMBER: _ClassVar[Format]
    FORMAT_PAN: _ClassVar[Format]
    FORMAT_IBAN: _ClassVar[Format]
    FORMAT_LOCALE: _ClassVar[Format]
    FORMAT_TIME_ZONE: _ClassVar[Format]
    FORMAT_PAST_DATE: _ClassVar[Format]
    FORMAT_TOKEN: _ClassVar[Format]

class RecordKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORD_KIND_UNSPECIFIED: _ClassVar[RecordKind]
    RECORD_KIND_CUSTOMER: _ClassVar[RecordKind]
    RECORD_KIND_ACCOUNT: _ClassVar[RecordKind]
    RECORD_KIND_CARD: _ClassVar[RecordKind]
    RECORD_KIND_RELATIONSHIP: _ClassVar[RecordKind]
SEGMENT_UNSPECIFIED: Segment
SEGMENT_OPERATIONAL: Segment
SEGMENT_PRIVATE: Segment
SEGMENT_NUMBER: Segment
SENSITIVITY_UNSPECIFIED: Sensitivity
SENSITIVITY_PUBLIC: Sensitivity
SENSITIVITY_INTERNAL: Sensitivity
SENSITIVITY_PERSONAL: Sensitivity
SENSITIVITY_RESTRICTED: Sensitivity
FORMAT_UNSPECIFIED: Format
FORMAT_DATE: Format
FORMAT_MONTH: Format
FORMAT_COUNTRY: Format
FORMAT_CURRENCY: Format
FORMAT_ROUTING_NUMBER: Format
FORMAT_CODE: Format
FORMAT_UUID: Format
FORMAT_CUSTOMER_NAME: Format
FORMAT_ACCOUNT_NAME: Format
FORMAT_CARD_NAME: Format
FORMAT_RELATIONSHIP_NAME: Format
FORMAT_ACCOUNT_NUMBER: Format
FORMAT_PAN: Format
FORMAT_IBAN: Format
FORMAT_LOCALE: Format
FORMAT_TIME_ZONE: Format
FORMAT_PAST_DATE: Format
FORMAT_TOKEN: Format
RECORD_KIND_UNSPECIFIED: RecordKind
RECORD_KIND_CUSTOMER: RecordKind
RECORD_KIND_ACCOUNT: RecordKind
RECORD_KIND_CARD: RecordKind
RECORD_KIND_RELATIONSHIP: RecordKind
RULE_FIELD_NUMBER: _ClassVar[int]
rule: _descriptor.FieldDescriptor
METHOD_RULE_FIELD_NUMBER: _ClassVar[int]
method_rule: _descriptor.FieldDescriptor
RECORD_FIELD_NUMBER: _ClassVar[int]
record: _descriptor.FieldDescriptor

class FieldRule(_message.Message):
    __slots__ = ("segment", "sensitivity", "format", "max_bytes", "max_items", "item_results")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    SENSITIVITY_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    ITEM_RESULTS_FIELD_NUMBER: _ClassVar[int]
    segment: Segment
    sensitivity: Sensitivity
    format: Format
    max_bytes: int
    max_items: int
    item_results: bool
    def __init__(self, segment: _Optional[_Union[Segment, str]] = ..., sensitivity: _Optional[_Union[Sensitivity, str]] = ..., format: _Optional[_Union[Format, str]] = ..., max_bytes: _Optional[int] = ..., max_items: _Optional[int] = ..., item_results: _Optional[bool] = ...) -> None: ...

class MethodRule(_message.Message):
    __slots__ = ("permission", "audited", "hot", "mutation", "discloses")
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    AUDITED_FIELD_NUMBER: _ClassVar[int]
    HOT_FIELD_NUMBER: _ClassVar[int]
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    DISCLOSES_FIELD_NUMBER: _ClassVar[int]
    permission: str
    audited: bool
    hot: bool
    mutation: bool
    discloses: bool
    def __init__(self, permission: _Optional[str] = ..., audited: _Optional[bool] = ..., hot: _Optional[bool] = ..., mutation: _Optional[bool] = ..., discloses: _Optional[bool] = ...) -> None: ...
