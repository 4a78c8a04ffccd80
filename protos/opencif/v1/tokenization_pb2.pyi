from google.api import field_behavior_pb2 as _field_behavior_pb2
from opencif.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TokenType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_TYPE_UNSPECIFIED: _ClassVar[TokenType]
    TOKEN_TYPE_PAN: _ClassVar[TokenType]
    TOKEN_TYPE_ACCOUNT: _ClassVar[TokenType]
    TOKEN_TYPE_SSN: _ClassVar[TokenType]
    TOKEN_TYPE_EIN: _ClassVar[TokenType]
    TOKEN_TYPE_IDENTIFIER: _ClassVar[TokenType]
TOKEN_TYPE_UNSPECIFIED: TokenType
TOKEN_TYPE_PAN: TokenType
TOKEN_TYPE_ACCOUNT: TokenType
TOKEN_TYPE_SSN: TokenType
TOKEN_TYPE_EIN: TokenType
TOKEN_TYPE_IDENTIFIER: TokenType

class Token(_message.Message):
    __slots__ = ("type", "key_version", "value", "routing_number")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KEY_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    type: TokenType
    key_version: int
    value: str
    routing_number: str
    def __init__(self, type: _Optional[_Union[TokenType, str]] = ..., key_version: _Optional[int] = ..., value: _Optional[str] = ..., routing_number: _Optional[str] = ...) -> None: ...

class Plain(_message.Message):
    __slots__ = ("type", "value", "routing_number")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    type: TokenType
    value: str
    routing_number: str
    def __init__(self, type: _Optional[_Union[TokenType, str]] = ..., value: _Optional[str] = ..., routing_number: _Optional[str] = ...) -> None: ...

class TokenizeRequest(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Plain]
    def __init__(self, items: _Optional[_Iterable[_Union[Plain, _Mapping]]] = ...) -> None: ...

class TokenResult(_message.Message):
    __slots__ = ("token", "error_reason")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    token: Token
    error_reason: str
    def __init__(self, token: _Optional[_Union[Token, _Mapping]] = ..., error_reason: _Optional[str] = ...) -> None: ...

class TokenizeResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[TokenResult]
    def __init__(self, results: _Optional[_Iterable[_Union[TokenResult, _Mapping]]] = ...) -> None: ...

class DetokenizeRequest(_message.Message):
    __slots__ = ("tokens", "purpose")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    purpose: str
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ..., purpose: _Optional[str] = ...) -> None: ...

class PlainResult(_message.Message):
    __slots__ = ("value", "error_reason")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    value: str
    error_reason: str
    def __init__(self, value: _Optional[str] = ..., error_reason: _Optional[str] = ...) -> None: ...

class DetokenizeResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[PlainResult]
    def __init__(self, results: _Optional[_Iterable[_Union[PlainResult, _Mapping]]] = ...) -> None: ...
