from google.api import field_behavior_pb2 as _field_behavior_pb2
from opencif.v1 import account_pb2 as _account_pb2
from opencif.v1 import card_pb2 as _card_pb2
from opencif.v1 import customer_pb2 as _customer_pb2
from opencif.v1 import options_pb2 as _options_pb2
from opencif.v1 import relationship_pb2 as _relationship_pb2
from opencif.v1 import routing_pb2 as _routing_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ImportRecord(_message.Message):
    __slots__ = ("customer", "account", "card", "relationship")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    customer: _customer_pb2.Customer
    account: _account_pb2.Account
    card: _card_pb2.Card
    relationship: _relationship_pb2.CustomerRelationship
    def __init__(self, customer: _Optional[_Union[_customer_pb2.Customer, _Mapping]] = ..., account: _Optional[_Union[_account_pb2.Account, _Mapping]] = ..., card: _Optional[_Union[_card_pb2.Card, _Mapping]] = ..., relationship: _Optional[_Union[_relationship_pb2.CustomerRelationship, _Mapping]] = ...) -> None: ...

class ImportRecordsRequest(_message.Message):
    __slots__ = ("records", "source_system")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[ImportRecord]
    source_system: str
    def __init__(self, records: _Optional[_Iterable[_Union[ImportRecord, _Mapping]]] = ..., source_system: _Optional[str] = ...) -> None: ...

class ImportRecordsResponse(_message.Message):
    __slots__ = ("customers", "accounts", "cards", "relationships", "rejected", "rejected_count", "consistency_token")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    CARDS_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIPS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customers: int
    accounts: int
    cards: int
    relationships: int
    rejected: _containers.RepeatedCompositeFieldContainer[_routing_pb2.RejectedRow]
    rejected_count: int
    consistency_token: str
    def __init__(self, customers: _Optional[int] = ..., accounts: _Optional[int] = ..., cards: _Optional[int] = ..., relationships: _Optional[int] = ..., rejected: _Optional[_Iterable[_Union[_routing_pb2.RejectedRow, _Mapping]]] = ..., rejected_count: _Optional[int] = ..., consistency_token: _Optional[str] = ...) -> None: ...
