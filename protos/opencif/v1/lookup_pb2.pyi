import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from opencif.v1 import account_pb2 as _account_pb2
from opencif.v1 import card_pb2 as _card_pb2
from opencif.v1 import customer_pb2 as _customer_pb2
from opencif.v1 import options_pb2 as _options_pb2
from opencif.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LookupOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOOKUP_OUTCOME_UNSPECIFIED: _ClassVar[LookupOutcome]
    LOOKUP_OUTCOME_FOUND: _ClassVar[LookupOutcome]
    LOOKUP_OUTCOME_NOT_FOUND: _ClassVar[LookupOutcome]
    LOOKUP_OUTCOME_INVALID: _ClassVar[LookupOutcome]
LOOKUP_OUTCOME_UNSPECIFIED: LookupOutcome
LOOKUP_OUTCOME_FOUND: LookupOutcome
LOOKUP_OUTCOME_NOT_FOUND: LookupOutcome
LOOKUP_OUTCOME_INVALID: LookupOutcome

class AccountNumber(_message.Message):
    __slots__ = ("routing_number", "account_number")
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    routing_number: str
    account_number: str
    def __init__(self, routing_number: _Optional[str] = ..., account_number: _Optional[str] = ...) -> None: ...

class AccountTokenKey(_message.Message):
    __slots__ = ("routing_number", "token", "key_version")
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    KEY_VERSION_FIELD_NUMBER: _ClassVar[int]
    routing_number: str
    token: str
    key_version: int
    def __init__(self, routing_number: _Optional[str] = ..., token: _Optional[str] = ..., key_version: _Optional[int] = ...) -> None: ...

class AccountKey(_message.Message):
    __slots__ = ("name", "number", "token", "iban")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    IBAN_FIELD_NUMBER: _ClassVar[int]
    name: str
    number: AccountNumber
    token: AccountTokenKey
    iban: str
    def __init__(self, name: _Optional[str] = ..., number: _Optional[_Union[AccountNumber, _Mapping]] = ..., token: _Optional[_Union[AccountTokenKey, _Mapping]] = ..., iban: _Optional[str] = ...) -> None: ...

class LookupAccountsRequest(_message.Message):
    __slots__ = ("keys", "view", "consistency", "with_owners")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    WITH_OWNERS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[AccountKey]
    view: _record_pb2.View
    consistency: _record_pb2.Consistency
    with_owners: bool
    def __init__(self, keys: _Optional[_Iterable[_Union[AccountKey, _Mapping]]] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ..., with_owners: _Optional[bool] = ...) -> None: ...

class AccountResult(_message.Message):
    __slots__ = ("outcome", "account", "error_reason", "owners")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    outcome: LookupOutcome
    account: _account_pb2.Account
    error_reason: str
    owners: _containers.RepeatedCompositeFieldContainer[_customer_pb2.Customer]
    def __init__(self, outcome: _Optional[_Union[LookupOutcome, str]] = ..., account: _Optional[_Union[_account_pb2.Account, _Mapping]] = ..., error_reason: _Optional[str] = ..., owners: _Optional[_Iterable[_Union[_customer_pb2.Customer, _Mapping]]] = ...) -> None: ...

class LookupAccountsResponse(_message.Message):
    __slots__ = ("results", "stale_since")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[AccountResult]
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, results: _Optional[_Iterable[_Union[AccountResult, _Mapping]]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CardKey(_message.Message):
    __slots__ = ("name", "pan", "token", "dpan")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DPAN_FIELD_NUMBER: _ClassVar[int]
    name: str
    pan: str
    token: str
    dpan: str
    def __init__(self, name: _Optional[str] = ..., pan: _Optional[str] = ..., token: _Optional[str] = ..., dpan: _Optional[str] = ...) -> None: ...

class LookupCardsRequest(_message.Message):
    __slots__ = ("keys", "view", "consistency", "with_accounts")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    WITH_ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[CardKey]
    view: _record_pb2.View
    consistency: _record_pb2.Consistency
    with_accounts: bool
    def __init__(self, keys: _Optional[_Iterable[_Union[CardKey, _Mapping]]] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ..., with_accounts: _Optional[bool] = ...) -> None: ...

class CardResult(_message.Message):
    __slots__ = ("outcome", "card", "error_reason", "accounts", "network_response")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    outcome: LookupOutcome
    card: _card_pb2.Card
    error_reason: str
    accounts: _containers.RepeatedCompositeFieldContainer[_account_pb2.Account]
    network_response: str
    def __init__(self, outcome: _Optional[_Union[LookupOutcome, str]] = ..., card: _Optional[_Union[_card_pb2.Card, _Mapping]] = ..., error_reason: _Optional[str] = ..., accounts: _Optional[_Iterable[_Union[_account_pb2.Account, _Mapping]]] = ..., network_response: _Optional[str] = ...) -> None: ...

class LookupCardsResponse(_message.Message):
    __slots__ = ("results", "stale_since")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[CardResult]
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, results: _Optional[_Iterable[_Union[CardResult, _Mapping]]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StreamLookupAccountsRequest(_message.Message):
    __slots__ = ("lookup",)
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    lookup: LookupAccountsRequest
    def __init__(self, lookup: _Optional[_Union[LookupAccountsRequest, _Mapping]] = ...) -> None: ...

class StreamLookupAccountsResponse(_message.Message):
    __slots__ = ("answer",)
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    answer: LookupAccountsResponse
    def __init__(self, answer: _Optional[_Union[LookupAccountsResponse, _Mapping]] = ...) -> None: ...

class StreamLookupCardsRequest(_message.Message):
    __slots__ = ("lookup",)
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    lookup: LookupCardsRequest
    def __init__(self, lookup: _Optional[_Union[LookupCardsRequest, _Mapping]] = ...) -> None: ...

class StreamLookupCardsResponse(_message.Message):
    __slots__ = ("answer",)
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    answer: LookupCardsResponse
    def __init__(self, answer: _Optional[_Union[LookupCardsResponse, _Mapping]] = ...) -> None: ...
