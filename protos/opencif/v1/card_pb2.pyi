import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from opencif.v1 import account_pb2 as _account_pb2
from opencif.v1 import options_pb2 as _options_pb2
from opencif.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CardState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_STATE_UNSPECIFIED: _ClassVar[CardState]
    CARD_STATE_ORDERED: _ClassVar[CardState]
    CARD_STATE_ISSUED: _ClassVar[CardState]
    CARD_STATE_ACTIVE: _ClassVar[CardState]
    CARD_STATE_BLOCKED: _ClassVar[CardState]
    CARD_STATE_LOST: _ClassVar[CardState]
    CARD_STATE_STOLEN: _ClassVar[CardState]
    CARD_STATE_COMPROMISED: _ClassVar[CardState]
    CARD_STATE_DAMAGED: _ClassVar[CardState]
    CARD_STATE_EXPIRED: _ClassVar[CardState]
    CARD_STATE_REPLACED: _ClassVar[CardState]
    CARD_STATE_CLOSED: _ClassVar[CardState]
    CARD_STATE_DELETED: _ClassVar[CardState]

class CardStateReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_STATE_REASON_UNSPECIFIED: _ClassVar[CardStateReason]
    CARD_STATE_REASON_LOST: _ClassVar[CardStateReason]
    CARD_STATE_REASON_STOLEN: _ClassVar[CardStateReason]
    CARD_STATE_REASON_COMPROMISED: _ClassVar[CardStateReason]
    CARD_STATE_REASON_DAMAGED: _ClassVar[CardStateReason]
    CARD_STATE_REASON_NOT_RECEIVED: _ClassVar[CardStateReason]
    CARD_STATE_REASON_UNDELIVERABLE: _ClassVar[CardStateReason]
    CARD_STATE_REASON_EXPIRED: _ClassVar[CardStateReason]
    CARD_STATE_REASON_END_USER_REQUEST: _ClassVar[CardStateReason]
    CARD_STATE_REASON_ISSUER_REQUEST: _ClassVar[CardStateReason]
    CARD_STATE_REASON_SUSPICIOUS_ACTIVITY: _ClassVar[CardStateReason]
    CARD_STATE_REASON_NOT_ACTIVE: _ClassVar[CardStateReason]

class CardNetwork(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_NETWORK_UNSPECIFIED: _ClassVar[CardNetwork]
    CARD_NETWORK_VISA: _ClassVar[CardNetwork]
    CARD_NETWORK_MASTERCARD: _ClassVar[CardNetwork]
    CARD_NETWORK_AMEX: _ClassVar[CardNetwork]
    CARD_NETWORK_DISCOVER: _ClassVar[CardNetwork]
    CARD_NETWORK_JCB: _ClassVar[CardNetwork]
    CARD_NETWORK_UNIONPAY: _ClassVar[CardNetwork]
    CARD_NETWORK_DINERS: _ClassVar[CardNetwork]
    CARD_NETWORK_MAESTRO: _ClassVar[CardNetwork]
    CARD_NETWORK_OTHER: _ClassVar[CardNetwork]

class CardType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_TYPE_UNSPECIFIED: _ClassVar[CardType]
    CARD_TYPE_DEBIT: _ClassVar[CardType]
    CARD_TYPE_CREDIT: _ClassVar[CardType]
    CARD_TYPE_PREPAID: _ClassVar[CardType]
    CARD_TYPE_CHARGE: _ClassVar[CardType]
    CARD_TYPE_ATM: _ClassVar[CardType]

class CardForm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_FORM_UNSPECIFIED: _ClassVar[CardForm]
    CARD_FORM_PHYSICAL: _ClassVar[CardForm]
    CARD_FORM_VIRTUAL: _ClassVar[CardForm]
    CARD_FORM_SINGLE_USE: _ClassVar[CardForm]

class CardAccountRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_ACCOUNT_ROLE_UNSPECIFIED: _ClassVar[CardAccountRole]
    CARD_ACCOUNT_ROLE_PRIMARY: _ClassVar[CardAccountRole]
    CARD_ACCOUNT_ROLE_CHECKING: _ClassVar[CardAccountRole]
    CARD_ACCOUNT_ROLE_SAVINGS: _ClassVar[CardAccountRole]
    CARD_ACCOUNT_ROLE_CREDIT: _ClassVar[CardAccountRole]

class CardTokenState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_TOKEN_STATE_UNSPECIFIED: _ClassVar[CardTokenState]
    CARD_TOKEN_STATE_INACTIVE: _ClassVar[CardTokenState]
    CARD_TOKEN_STATE_ACTIVE: _ClassVar[CardTokenState]
    CARD_TOKEN_STATE_SUSPENDED: _ClassVar[CardTokenState]
    CARD_TOKEN_STATE_DEACTIVATED: _ClassVar[CardTokenState]

class TokenServiceProvider(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_SERVICE_PROVIDER_UNSPECIFIED: _ClassVar[TokenServiceProvider]
    TOKEN_SERVICE_PROVIDER_MDES: _ClassVar[TokenServiceProvider]
    TOKEN_SERVICE_PROVIDER_VTS: _ClassVar[TokenServiceProvider]
    TOKEN_SERVICE_PROVIDER_OTHER: _ClassVar[TokenServiceProvider]

class TokenStorage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_STORAGE_UNSPECIFIED: _ClassVar[TokenStorage]
    TOKEN_STORAGE_SECURE_ELEMENT: _ClassVar[TokenStorage]
    TOKEN_STORAGE_HCE: _ClassVar[TokenStorage]
    TOKEN_STORAGE_CARD_ON_FILE: _ClassVar[TokenStorage]
    TOKEN_STORAGE_ECOM: _ClassVar[TokenStorage]

class TokenSuspendedBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_SUSPENDED_BY_UNSPECIFIED: _ClassVar[TokenSuspendedBy]
    TOKEN_SUSPENDED_BY_ISSUER: _ClassVar[TokenSuspendedBy]
    TOKEN_SUSPENDED_BY_TOKEN_REQUESTOR: _ClassVar[TokenSuspendedBy]
    TOKEN_SUSPENDED_BY_MOBILE_PIN_LOCKED: _ClassVar[TokenSuspendedBy]
    TOKEN_SUSPENDED_BY_CARDHOLDER: _ClassVar[TokenSuspendedBy]
    TOKEN_SUSPENDED_BY_CARD_BLOCKED: _ClassVar[TokenSuspendedBy]
CARD_STATE_UNSPECIFIED: CardState
CARD_STATE_ORDERED: CardState
CARD_STATE_ISSUED: CardState
CARD_STATE_ACTIVE: CardState
CARD_STATE_BLOCKED: CardState
CARD_STATE_LOST: CardState
CARD_STATE_STOLEN: CardState
CARD_STATE_COMPROMISED: CardState
CARD_STATE_DAMAGED: CardState
CARD_STATE_EXPIRED: CardState
CARD_STATE_REPLACED: CardState
CARD_STATE_CLOSED: CardState
CARD_STATE_DELETED: CardState
CARD_STATE_REASON_UNSPECIFIED: CardStateReason
CARD_STATE_REASON_LOST: CardStateReason
CARD_STATE_REASON_STOLEN: CardStateReason
CARD_STATE_REASON_COMPROMISED: CardStateReason
CARD_STATE_REASON_DAMAGED: CardStateReason
CARD_STATE_REASON_NOT_RECEIVED: CardStateReason
CARD_STATE_REASON_UNDELIVERABLE: CardStateReason
CARD_STATE_REASON_EXPIRED: CardStateReason
CARD_STATE_REASON_END_USER_REQUEST: CardStateReason
CARD_STATE_REASON_ISSUER_REQUEST: CardStateReason
CARD_STATE_REASON_SUSPICIOUS_ACTIVITY: CardStateReason
CARD_STATE_REASON_NOT_ACTIVE: CardStateReason
CARD_NETWORK_UNSPECIFIED: CardNetwork
CARD_NETWORK_VISA: CardNetwork
CARD_NETWORK_MASTERCARD: CardNetwork
CARD_NETWORK_AMEX: CardNetwork
CARD_NETWORK_DISCOVER: CardNetwork
CARD_NETWORK_JCB: CardNetwork
CARD_NETWORK_UNIONPAY: CardNetwork
CARD_NETWORK_DINERS: CardNetwork
CARD_NETWORK_MAESTRO: CardNetwork
CARD_NETWORK_OTHER: CardNetwork
CARD_TYPE_UNSPECIFIED: CardType
CARD_TYPE_DEBIT: CardType
CARD_TYPE_CREDIT: CardType
CARD_TYPE_PREPAID: CardType
CARD_TYPE_CHARGE: CardType
CARD_TYPE_ATM: CardType
CARD_FORM_UNSPECIFIED: CardForm
CARD_FORM_PHYSICAL: CardForm
CARD_FORM_VIRTUAL: CardForm
CARD_FORM_SINGLE_USE: CardForm
CARD_ACCOUNT_ROLE_UNSPECIFIED: CardAccountRole
CARD_ACCOUNT_ROLE_PRIMARY: CardAccountRole
CARD_ACCOUNT_ROLE_CHECKING: CardAccountRole
CARD_ACCOUNT_ROLE_SAVINGS: CardAccountRole
CARD_ACCOUNT_ROLE_CREDIT: CardAccountRole
CARD_TOKEN_STATE_UNSPECIFIED: CardTokenState
CARD_TOKEN_STATE_INACTIVE: CardTokenState
CARD_TOKEN_STATE_ACTIVE: CardTokenState
CARD_TOKEN_STATE_SUSPENDED: CardTokenState
CARD_TOKEN_STATE_DEACTIVATED: CardTokenState
TOKEN_SERVICE_PROVIDER_UNSPECIFIED: TokenServiceProvider
TOKEN_SERVICE_PROVIDER_MDES: TokenServiceProvider
TOKEN_SERVICE_PROVIDER_VTS: TokenServiceProvider
TOKEN_SERVICE_PROVIDER_OTHER: TokenServiceProvider
TOKEN_STORAGE_UNSPECIFIED: TokenStorage
TOKEN_STORAGE_SECURE_ELEMENT: TokenStorage
TOKEN_STORAGE_HCE: TokenStorage
TOKEN_STORAGE_CARD_ON_FILE: TokenStorage
TOKEN_STORAGE_ECOM: TokenStorage
TOKEN_SUSPENDED_BY_UNSPECIFIED: TokenSuspendedBy
TOKEN_SUSPENDED_BY_ISSUER: TokenSuspendedBy
TOKEN_SUSPENDED_BY_TOKEN_REQUESTOR: TokenSuspendedBy
TOKEN_SUSPENDED_BY_MOBILE_PIN_LOCKED: TokenSuspendedBy
TOKEN_SUSPENDED_BY_CARDHOLDER: TokenSuspendedBy
TOKEN_SUSPENDED_BY_CARD_BLOCKED: TokenSuspendedBy

class CardAccount(_message.Message):
    __slots__ = ("account", "role")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    account: str
    role: CardAccountRole
    def __init__(self, account: _Optional[str] = ..., role: _Optional[_Union[CardAccountRole, str]] = ...) -> None: ...

class CardToken(_message.Message):
    __slots__ = ("token_id", "dpan", "dpan_last4", "token_unique_reference", "token_requestor_id", "tsp", "storage", "expiry", "assurance", "state", "suspended_by")
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    DPAN_FIELD_NUMBER: _ClassVar[int]
    DPAN_LAST4_FIELD_NUMBER: _ClassVar[int]
    TOKEN_UNIQUE_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_REQUESTOR_ID_FIELD_NUMBER: _ClassVar[int]
    TSP_FIELD_NUMBER: _ClassVar[int]
    STORAGE_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    ASSURANCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_BY_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    dpan: str
    dpan_last4: str
    token_unique_reference: str
    token_requestor_id: str
    tsp: TokenServiceProvider
    storage: TokenStorage
    expiry: str
    assurance: int
    state: CardTokenState
    suspended_by: TokenSuspendedBy
    def __init__(self, token_id: _Optional[str] = ..., dpan: _Optional[str] = ..., dpan_last4: _Optional[str] = ..., token_unique_reference: _Optional[str] = ..., token_requestor_id: _Optional[str] = ..., tsp: _Optional[_Union[TokenServiceProvider, str]] = ..., storage: _Optional[_Union[TokenStorage, str]] = ..., expiry: _Optional[str] = ..., assurance: _Optional[int] = ..., state: _Optional[_Union[CardTokenState, str]] = ..., suspended_by: _Optional[_Union[TokenSuspendedBy, str]] = ...) -> None: ...

class DpanValue(_message.Message):
    __slots__ = ("token_id", "dpan")
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    DPAN_FIELD_NUMBER: _ClassVar[int]
    token_id: str
    dpan: str
    def __init__(self, token_id: _Optional[str] = ..., dpan: _Optional[str] = ...) -> None: ...

class Card(_message.Message):
    __slots__ = ("name", "uid", "version", "etag", "create_time", "update_time", "state", "state_reason", "bin", "last4", "pan_length", "tokens", "network", "card_type", "form", "expiry", "psn", "cardholder", "accounts", "par", "product", "branch", "replaces", "replaced_by", "issue_time", "activate_time", "card_tokens", "source_system", "external_refs", "pan", "dpans")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    BIN_FIELD_NUMBER: _ClassVar[int]
    LAST4_FIELD_NUMBER: _ClassVar[int]
    PAN_LENGTH_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    CARD_TYPE_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_FIELD_NUMBER: _ClassVar[int]
    PSN_FIELD_NUMBER: _ClassVar[int]
    CARDHOLDER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    PAR_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    REPLACED_BY_FIELD_NUMBER: _ClassVar[int]
    ISSUE_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CARD_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REFS_FIELD_NUMBER: _ClassVar[int]
    PAN_FIELD_NUMBER: _ClassVar[int]
    DPANS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    version: int
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    state: CardState
    state_reason: CardStateReason
    bin: str
    last4: str
    pan_length: int
    tokens: _containers.RepeatedCompositeFieldContainer[_account_pb2.NumberToken]
    network: CardNetwork
    card_type: CardType
    form: CardForm
    expiry: str
    psn: int
    cardholder: str
    accounts: _containers.RepeatedCompositeFieldContainer[CardAccount]
    par: str
    product: str
    branch: str
    replaces: str
    replaced_by: str
    issue_time: _timestamp_pb2.Timestamp
    activate_time: _timestamp_pb2.Timestamp
    card_tokens: _containers.RepeatedCompositeFieldContainer[CardToken]
    source_system: str
    external_refs: _containers.RepeatedCompositeFieldContainer[_record_pb2.ExternalReference]
    pan: str
    dpans: _containers.RepeatedCompositeFieldContainer[DpanValue]
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., version: _Optional[int] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[CardState, str]] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., bin: _Optional[str] = ..., last4: _Optional[str] = ..., pan_length: _Optional[int] = ..., tokens: _Optional[_Iterable[_Union[_account_pb2.NumberToken, _Mapping]]] = ..., network: _Optional[_Union[CardNetwork, str]] = ..., card_type: _Optional[_Union[CardType, str]] = ..., form: _Optional[_Union[CardForm, str]] = ..., expiry: _Optional[str] = ..., psn: _Optional[int] = ..., cardholder: _Optional[str] = ..., accounts: _Optional[_Iterable[_Union[CardAccount, _Mapping]]] = ..., par: _Optional[str] = ..., product: _Optional[str] = ..., branch: _Optional[str] = ..., replaces: _Optional[str] = ..., replaced_by: _Optional[str] = ..., issue_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., activate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., card_tokens: _Optional[_Iterable[_Union[CardToken, _Mapping]]] = ..., source_system: _Optional[str] = ..., external_refs: _Optional[_Iterable[_Union[_record_pb2.ExternalReference, _Mapping]]] = ..., pan: _Optional[str] = ..., dpans: _Optional[_Iterable[_Union[DpanValue, _Mapping]]] = ...) -> None: ...

class IssueCardRequest(_message.Message):
    __slots__ = ("card", "order_only", "request_id", "source_system", "reason")
    CARD_FIELD_NUMBER: _ClassVar[int]
    ORDER_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    card: Card
    order_only: bool
    request_id: str
    source_system: str
    reason: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., order_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class IssueCardResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class GetCardRequest(_message.Message):
    __slots__ = ("name", "view", "consistency", "version", "as_of")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    name: str
    view: _record_pb2.View
    consistency: _record_pb2.Consistency
    version: int
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ..., version: _Optional[int] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetCardResponse(_message.Message):
    __slots__ = ("card", "stale_since")
    CARD_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    card: Card
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchGetCardsRequest(_message.Message):
    __slots__ = ("names", "view", "consistency")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    view: _record_pb2.View
    consistency: _record_pb2.Consistency
    def __init__(self, names: _Optional[_Iterable[str]] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ...) -> None: ...

class BatchGetCardsResponse(_message.Message):
    __slots__ = ("cards", "stale_since")
    CARDS_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[Card]
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, cards: _Optional[_Iterable[_Union[Card, _Mapping]]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListCardsRequest(_message.Message):
    __slots__ = ("customer", "account", "page_size", "page_token", "view")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    customer: str
    account: str
    page_size: int
    page_token: str
    view: _record_pb2.View
    def __init__(self, customer: _Optional[str] = ..., account: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ...) -> None: ...

class ListCardsResponse(_message.Message):
    __slots__ = ("cards", "next_page_token")
    CARDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[Card]
    next_page_token: str
    def __init__(self, cards: _Optional[_Iterable[_Union[Card, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CardRevision(_message.Message):
    __slots__ = ("revision", "card")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    revision: _record_pb2.Revision
    card: Card
    def __init__(self, revision: _Optional[_Union[_record_pb2.Revision, _Mapping]] = ..., card: _Optional[_Union[Card, _Mapping]] = ...) -> None: ...

class ListCardRevisionsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token", "view")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    view: _record_pb2.View
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ...) -> None: ...

class ListCardRevisionsResponse(_message.Message):
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[CardRevision]
    next_page_token: str
    def __init__(self, revisions: _Optional[_Iterable[_Union[CardRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ActivateCardRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ActivateCardResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class BlockCardRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class BlockCardResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class UnblockCardRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UnblockCardResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReportLostRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReportLostResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReportStolenRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReportStolenResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReportCompromisedRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReportCompromisedResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReportDamagedRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReportDamagedResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ExpireCardRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ExpireCardResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class CloseCardRequest(_message.Message):
    __slots__ = ("name", "state_reason", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    state_reason: CardStateReason
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., state_reason: _Optional[_Union[CardStateReason, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseCardResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReplaceCardRequest(_message.Message):
    __slots__ = ("name", "new_pan", "new_expiry", "form", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_PAN_FIELD_NUMBER: _ClassVar[int]
    NEW_EXPIRY_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    new_pan: str
    new_expiry: str
    form: CardForm
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., new_pan: _Optional[str] = ..., new_expiry: _Optional[str] = ..., form: _Optional[_Union[CardForm, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReplaceCardResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ProvisionCardTokenRequest(_message.Message):
    __slots__ = ("name", "token", "activate", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    token: CardToken
    activate: bool
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., token: _Optional[_Union[CardToken, _Mapping]] = ..., activate: _Optional[bool] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ProvisionCardTokenResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ActivateCardTokenRequest(_message.Message):
    __slots__ = ("name", "token_id", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    token_id: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., token_id: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ActivateCardTokenResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class SuspendCardTokenRequest(_message.Message):
    __slots__ = ("name", "token_id", "suspended_by", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_BY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    token_id: str
    suspended_by: TokenSuspendedBy
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., token_id: _Optional[str] = ..., suspended_by: _Optional[_Union[TokenSuspendedBy, str]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SuspendCardTokenResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ResumeCardTokenRequest(_message.Message):
    __slots__ = ("name", "token_id", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    token_id: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., token_id: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeCardTokenResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class DeactivateCardTokenRequest(_message.Message):
    __slots__ = ("name", "token_id", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    token_id: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., token_id: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeactivateCardTokenResponse(_message.Message):
    __slots__ = ("card", "consistency_token")
    CARD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    card: Card
    consistency_token: str
    def __init__(self, card: _Optional[_Union[Card, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...
