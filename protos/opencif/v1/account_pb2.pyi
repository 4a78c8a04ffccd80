import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from opencif.v1 import options_pb2 as _options_pb2
from opencif.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_STATE_UNSPECIFIED: _ClassVar[AccountState]
    ACCOUNT_STATE_PENDING: _ClassVar[AccountState]
    ACCOUNT_STATE_OPEN: _ClassVar[AccountState]
    ACCOUNT_STATE_DORMANT: _ClassVar[AccountState]
    ACCOUNT_STATE_CLOSING: _ClassVar[AccountState]
    ACCOUNT_STATE_CLOSED: _ClassVar[AccountState]
    ACCOUNT_STATE_ESCHEATED: _ClassVar[AccountState]
    ACCOUNT_STATE_CHARGED_OFF: _ClassVar[AccountState]
    ACCOUNT_STATE_DELETED: _ClassVar[AccountState]

class AccountType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_TYPE_UNSPECIFIED: _ClassVar[AccountType]
    ACCOUNT_TYPE_CHECKING: _ClassVar[AccountType]
    ACCOUNT_TYPE_SAVINGS: _ClassVar[AccountType]
    ACCOUNT_TYPE_MONEY_MARKET: _ClassVar[AccountType]
    ACCOUNT_TYPE_TIME_DEPOSIT: _ClassVar[AccountType]
    ACCOUNT_TYPE_IRA: _ClassVar[AccountType]
    ACCOUNT_TYPE_LOAN: _ClassVar[AccountType]
    ACCOUNT_TYPE_LINE_OF_CREDIT: _ClassVar[AccountType]
    ACCOUNT_TYPE_CREDIT_CARD: _ClassVar[AccountType]
    ACCOUNT_TYPE_PREPAID: _ClassVar[AccountType]
    ACCOUNT_TYPE_GL: _ClassVar[AccountType]
    ACCOUNT_TYPE_ESCROW: _ClassVar[AccountType]

class HolderClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLDER_CLASS_UNSPECIFIED: _ClassVar[HolderClass]
    HOLDER_CLASS_CONSUMER: _ClassVar[HolderClass]
    HOLDER_CLASS_BUSINESS: _ClassVar[HolderClass]
    HOLDER_CLASS_GOVERNMENT: _ClassVar[HolderClass]
    HOLDER_CLASS_TRUST: _ClassVar[HolderClass]
    HOLDER_CLASS_FI: _ClassVar[HolderClass]

class PartyRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTY_ROLE_UNSPECIFIED: _ClassVar[PartyRole]
    PARTY_ROLE_PRIMARY_OWNER: _ClassVar[PartyRole]
    PARTY_ROLE_JOINT_OWNER: _ClassVar[PartyRole]
    PARTY_ROLE_AUTHORIZED_SIGNER: _ClassVar[PartyRole]
    PARTY_ROLE_BENEFICIAL_OWNER: _ClassVar[PartyRole]
    PARTY_ROLE_GUARDIAN: _ClassVar[PartyRole]
    PARTY_ROLE_CUSTODIAN: _ClassVar[PartyRole]
    PARTY_ROLE_POWER_OF_ATTORNEY: _ClassVar[PartyRole]
    PARTY_ROLE_REPRESENTATIVE_PAYEE: _ClassVar[PartyRole]
    PARTY_ROLE_TRUSTEE: _ClassVar[PartyRole]
    PARTY_ROLE_POD_BENEFICIARY: _ClassVar[PartyRole]
    PARTY_ROLE_EXECUTOR: _ClassVar[PartyRole]
    PARTY_ROLE_GUARANTOR: _ClassVar[PartyRole]
    PARTY_ROLE_VIEW_ONLY: _ClassVar[PartyRole]

class SigningRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGNING_RULE_UNSPECIFIED: _ClassVar[SigningRule]
    SIGNING_RULE_ANY: _ClassVar[SigningRule]
    SIGNING_RULE_ALL: _ClassVar[SigningRule]
    SIGNING_RULE_N_OF: _ClassVar[SigningRule]

class PartyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARTY_STATE_UNSPECIFIED: _ClassVar[PartyState]
    PARTY_STATE_ACTIVE: _ClassVar[PartyState]
    PARTY_STATE_ENDED: _ClassVar[PartyState]

class RestrictionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESTRICTION_TYPE_UNSPECIFIED: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_LEGAL_FREEZE: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_SANCTIONS_FREEZE: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_FRAUD_FREEZE: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_RDFI_FREEZE: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_NO_DEBITS: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_NO_CREDITS: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_ACH_DEBIT_BLOCK: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_ACH_DEBIT_FILTER: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_STOP_PAYMENT: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_AUTH_REVOKED: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_CREDIT_REFUSED: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_DECEASED_HOLD: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_AMOUNT_HOLD: _ClassVar[RestrictionType]
    RESTRICTION_TYPE_KYC_EXPIRED: _ClassVar[RestrictionType]

class RestrictionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESTRICTION_STATE_UNSPECIFIED: _ClassVar[RestrictionState]
    RESTRICTION_STATE_ACTIVE: _ClassVar[RestrictionState]
    RESTRICTION_STATE_RELEASED: _ClassVar[RestrictionState]

class RenumberReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RENUMBER_REASON_UNSPECIFIED: _ClassVar[RenumberReason]
    RENUMBER_REASON_MERGER: _ClassVar[RenumberReason]
    RENUMBER_REASON_RENUMBER: _ClassVar[RenumberReason]
    RENUMBER_REASON_PRODUCT_SWITCH: _ClassVar[RenumberReason]
    RENUMBER_REASON_KNOWN_TYPO: _ClassVar[RenumberReason]
ACCOUNT_STATE_UNSPECIFIED: AccountState
ACCOUNT_STATE_PENDING: AccountState
ACCOUNT_STATE_OPEN: AccountState
ACCOUNT_STATE_DORMANT: AccountState
ACCOUNT_STATE_CLOSING: AccountState
ACCOUNT_STATE_CLOSED: AccountState
ACCOUNT_STATE_ESCHEATED: AccountState
ACCOUNT_STATE_CHARGED_OFF: AccountState
ACCOUNT_STATE_DELETED: AccountState
ACCOUNT_TYPE_UNSPECIFIED: AccountType
ACCOUNT_TYPE_CHECKING: AccountType
ACCOUNT_TYPE_SAVINGS: AccountType
ACCOUNT_TYPE_MONEY_MARKET: AccountType
ACCOUNT_TYPE_TIME_DEPOSIT: AccountType
ACCOUNT_TYPE_IRA: AccountType
ACCOUNT_TYPE_LOAN: AccountType
ACCOUNT_TYPE_LINE_OF_CREDIT: AccountType
ACCOUNT_TYPE_CREDIT_CARD: AccountType
ACCOUNT_TYPE_PREPAID: AccountType
ACCOUNT_TYPE_GL: AccountType
ACCOUNT_TYPE_ESCROW: AccountType
HOLDER_CLASS_UNSPECIFIED: HolderClass
HOLDER_CLASS_CONSUMER: HolderClass
HOLDER_CLASS_BUSINESS: HolderClass
HOLDER_CLASS_GOVERNMENT: HolderClass
HOLDER_CLASS_TRUST: HolderClass
HOLDER_CLASS_FI: HolderClass
PARTY_ROLE_UNSPECIFIED: PartyRole
PARTY_ROLE_PRIMARY_OWNER: PartyRole
PARTY_ROLE_JOINT_OWNER: PartyRole
PARTY_ROLE_AUTHORIZED_SIGNER: PartyRole
PARTY_ROLE_BENEFICIAL_OWNER: PartyRole
PARTY_ROLE_GUARDIAN: PartyRole
PARTY_ROLE_CUSTODIAN: PartyRole
PARTY_ROLE_POWER_OF_ATTORNEY: PartyRole
PARTY_ROLE_REPRESENTATIVE_PAYEE: PartyRole
PARTY_ROLE_TRUSTEE: PartyRole
PARTY_ROLE_POD_BENEFICIARY: PartyRole
PARTY_ROLE_EXECUTOR: PartyRole
PARTY_ROLE_GUARANTOR: PartyRole
PARTY_ROLE_VIEW_ONLY: PartyRole
SIGNING_RULE_UNSPECIFIED: SigningRule
SIGNING_RULE_ANY: SigningRule
SIGNING_RULE_ALL: SigningRule
SIGNING_RULE_N_OF: SigningRule
PARTY_STATE_UNSPECIFIED: PartyState
PARTY_STATE_ACTIVE: PartyState
PARTY_STATE_ENDED: PartyState
RESTRICTION_TYPE_UNSPECIFIED: RestrictionType
RESTRICTION_TYPE_LEGAL_FREEZE: RestrictionType
RESTRICTION_TYPE_SANCTIONS_FREEZE: RestrictionType
RESTRICTION_TYPE_FRAUD_FREEZE: RestrictionType
RESTRICTION_TYPE_RDFI_FREEZE: RestrictionType
RESTRICTION_TYPE_NO_DEBITS: RestrictionType
RESTRICTION_TYPE_NO_CREDITS: RestrictionType
RESTRICTION_TYPE_ACH_DEBIT_BLOCK: RestrictionType
RESTRICTION_TYPE_ACH_DEBIT_FILTER: RestrictionType
RESTRICTION_TYPE_STOP_PAYMENT: RestrictionType
RESTRICTION_TYPE_AUTH_REVOKED: RestrictionType
RESTRICTION_TYPE_CREDIT_REFUSED: RestrictionType
RESTRICTION_TYPE_DECEASED_HOLD: RestrictionType
RESTRICTION_TYPE_AMOUNT_HOLD: RestrictionType
RESTRICTION_TYPE_KYC_EXPIRED: RestrictionType
RESTRICTION_STATE_UNSPECIFIED: RestrictionState
RESTRICTION_STATE_ACTIVE: RestrictionState
RESTRICTION_STATE_RELEASED: RestrictionState
RENUMBER_REASON_UNSPECIFIED: RenumberReason
RENUMBER_REASON_MERGER: RenumberReason
RENUMBER_REASON_RENUMBER: RenumberReason
RENUMBER_REASON_PRODUCT_SWITCH: RenumberReason
RENUMBER_REASON_KNOWN_TYPO: RenumberReason

class NumberToken(_message.Message):
    __slots__ = ("key_version", "value")
    KEY_VERSION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key_version: int
    value: str
    def __init__(self, key_version: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...

class AccountParty(_message.Message):
    __slots__ = ("party_id", "customer", "role", "signing_rule", "per_transaction_limit", "valid_from", "valid_to", "state", "deceased_date", "name_digests", "minor")
    PARTY_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    SIGNING_RULE_FIELD_NUMBER: _ClassVar[int]
    PER_TRANSACTION_LIMIT_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DECEASED_DATE_FIELD_NUMBER: _ClassVar[int]
    NAME_DIGESTS_FIELD_NUMBER: _ClassVar[int]
    MINOR_FIELD_NUMBER: _ClassVar[int]
    party_id: str
    customer: str
    role: PartyRole
    signing_rule: SigningRule
    per_transaction_limit: _record_pb2.AmountLimit
    valid_from: str
    valid_to: str
    state: PartyState
    deceased_date: str
    name_digests: _containers.RepeatedScalarFieldContainer[int]
    minor: bool
    def __init__(self, party_id: _Optional[str] = ..., customer: _Optional[str] = ..., role: _Optional[_Union[PartyRole, str]] = ..., signing_rule: _Optional[_Union[SigningRule, str]] = ..., per_transaction_limit: _Optional[_Union[_record_pb2.AmountLimit, _Mapping]] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., state: _Optional[_Union[PartyState, str]] = ..., deceased_date: _Optional[str] = ..., name_digests: _Optional[_Iterable[int]] = ..., minor: _Optional[bool] = ...) -> None: ...

class RestrictionScope(_message.Message):
    __slots__ = ("company_ids", "sec_codes", "amount_min_minor", "amount_max_minor", "trace_number")
    COMPANY_IDS_FIELD_NUMBER: _ClassVar[int]
    SEC_CODES_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MIN_MINOR_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MAX_MINOR_FIELD_NUMBER: _ClassVar[int]
    TRACE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    company_ids: _containers.RepeatedScalarFieldContainer[str]
    sec_codes: _containers.RepeatedScalarFieldContainer[str]
    amount_min_minor: int
    amount_max_minor: int
    trace_number: str
    def __init__(self, company_ids: _Optional[_Iterable[str]] = ..., sec_codes: _Optional[_Iterable[str]] = ..., amount_min_minor: _Optional[int] = ..., amount_max_minor: _Optional[int] = ..., trace_number: _Optional[str] = ...) -> None: ...

class AccountRestriction(_message.Message):
    __slots__ = ("restriction_id", "type", "scope", "authority_ref", "amount", "placed_by", "effective_time", "expire_time", "released_by", "release_time", "state")
    RESTRICTION_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_REF_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PLACED_BY_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    RELEASED_BY_FIELD_NUMBER: _ClassVar[int]
    RELEASE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    restriction_id: str
    type: RestrictionType
    scope: RestrictionScope
    authority_ref: str
    amount: _record_pb2.AmountLimit
    placed_by: str
    effective_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    released_by: str
    release_time: _timestamp_pb2.Timestamp
    state: RestrictionState
    def __init__(self, restriction_id: _Optional[str] = ..., type: _Optional[_Union[RestrictionType, str]] = ..., scope: _Optional[_Union[RestrictionScope, _Mapping]] = ..., authority_ref: _Optional[str] = ..., amount: _Optional[_Union[_record_pb2.AmountLimit, _Mapping]] = ..., placed_by: _Optional[str] = ..., effective_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., released_by: _Optional[str] = ..., release_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[RestrictionState, str]] = ...) -> None: ...

class Replacement(_message.Message):
    __slots__ = ("account", "routing_number", "account_type", "reason", "effective_date", "valid_to", "account_uid")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TYPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_DATE_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_UID_FIELD_NUMBER: _ClassVar[int]
    account: str
    routing_number: str
    account_type: AccountType
    reason: RenumberReason
    effective_date: str
    valid_to: str
    account_uid: str
    def __init__(self, account: _Optional[str] = ..., routing_number: _Optional[str] = ..., account_type: _Optional[_Union[AccountType, str]] = ..., reason: _Optional[_Union[RenumberReason, str]] = ..., effective_date: _Optional[str] = ..., valid_to: _Optional[str] = ..., account_uid: _Optional[str] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("name", "uid", "version", "etag", "create_time", "update_time", "state", "routing_number", "number_mask", "tokens", "account_type", "iso_type", "holder_class", "currency", "product", "branch", "open_date", "close_date", "close_reason", "dormant_since", "transactional", "ach_debit_ok", "ach_credit_ok", "sold_to_routing_number", "parties", "restrictions", "replaces", "replacement", "source_system", "external_refs", "individual_ids", "approval_ref", "account_number", "iban")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_MASK_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TYPE_FIELD_NUMBER: _ClassVar[int]
    ISO_TYPE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_CLASS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    OPEN_DATE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_DATE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_REASON_FIELD_NUMBER: _ClassVar[int]
    DORMANT_SINCE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONAL_FIELD_NUMBER: _ClassVar[int]
    ACH_DEBIT_OK_FIELD_NUMBER: _ClassVar[int]
    ACH_CREDIT_OK_FIELD_NUMBER: _ClassVar[int]
    SOLD_TO_ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PARTIES_FIELD_NUMBER: _ClassVar[int]
    RESTRICTIONS_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    REPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REFS_FIELD_NUMBER: _ClassVar[int]
    INDIVIDUAL_IDS_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_REF_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    IBAN_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    version: int
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    state: AccountState
    routing_number: str
    number_mask: str
    tokens: _containers.RepeatedCompositeFieldContainer[NumberToken]
    account_type: AccountType
    iso_type: str
    holder_class: HolderClass
    currency: str
    product: str
    branch: str
    open_date: str
    close_date: str
    close_reason: str
    dormant_since: str
    transactional: bool
    ach_debit_ok: bool
    ach_credit_ok: bool
    sold_to_routing_number: str
    parties: _containers.RepeatedCompositeFieldContainer[AccountParty]
    restrictions: _containers.RepeatedCompositeFieldContainer[AccountRestriction]
    replaces: str
    replacement: Replacement
    source_system: str
    external_refs: _containers.RepeatedCompositeFieldContainer[_record_pb2.ExternalReference]
    individual_ids: _containers.RepeatedScalarFieldContainer[str]
    approval_ref: str
    account_number: str
    iban: str
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., version: _Optional[int] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[AccountState, str]] = ..., routing_number: _Optional[str] = ..., number_mask: _Optional[str] = ..., tokens: _Optional[_Iterable[_Union[NumberToken, _Mapping]]] = ..., account_type: _Optional[_Union[AccountType, str]] = ..., iso_type: _Optional[str] = ..., holder_class: _Optional[_Union[HolderClass, str]] = ..., currency: _Optional[str] = ..., product: _Optional[str] = ..., branch: _Optional[str] = ..., open_date: _Optional[str] = ..., close_date: _Optional[str] = ..., close_reason: _Optional[str] = ..., dormant_since: _Optional[str] = ..., transactional: _Optional[bool] = ..., ach_debit_ok: _Optional[bool] = ..., ach_credit_ok: _Optional[bool] = ..., sold_to_routing_number: _Optional[str] = ..., parties: _Optional[_Iterable[_Union[AccountParty, _Mapping]]] = ..., restrictions: _Optional[_Iterable[_Union[AccountRestriction, _Mapping]]] = ..., replaces: _Optional[str] = ..., replacement: _Optional[_Union[Replacement, _Mapping]] = ..., source_system: _Optional[str] = ..., external_refs: _Optional[_Iterable[_Union[_record_pb2.ExternalReference, _Mapping]]] = ..., individual_ids: _Optional[_Iterable[str]] = ..., approval_ref: _Optional[str] = ..., account_number: _Optional[str] = ..., iban: _Optional[str] = ...) -> None: ...

class CreateAccountRequest(_message.Message):
    __slots__ = ("account", "parties", "request_id", "source_system", "reason")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PARTIES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    account: Account
    parties: _containers.RepeatedCompositeFieldContainer[AccountParty]
    request_id: str
    source_system: str
    reason: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., parties: _Optional[_Iterable[_Union[AccountParty, _Mapping]]] = ..., request_id: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CreateAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class GetAccountRequest(_message.Message):
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

class GetAccountResponse(_message.Message):
    __slots__ = ("account", "stale_since")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    account: Account
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchGetAccountsRequest(_message.Message):
    __slots__ = ("names", "view", "consistency")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    view: _record_pb2.View
    consistency: _record_pb2.Consistency
    def __init__(self, names: _Optional[_Iterable[str]] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ...) -> None: ...

class BatchGetAccountsResponse(_message.Message):
    __slots__ = ("accounts", "stale_since")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UpdateAccountRequest(_message.Message):
    __slots__ = ("account", "update_mask", "request_id", "etag", "source_system", "reason")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    account: Account
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class DeleteAccountRequest(_message.Message):
    __slots__ = ("name", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteAccountResponse(_message.Message):
    __slots__ = ("consistency_token",)
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consistency_token: str
    def __init__(self, consistency_token: _Optional[str] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("customer", "branch", "page_size", "page_token", "view")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    customer: str
    branch: str
    page_size: int
    page_token: str
    view: _record_pb2.View
    def __init__(self, customer: _Optional[str] = ..., branch: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AccountRevision(_message.Message):
    __slots__ = ("revision", "account")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    revision: _record_pb2.Revision
    account: Account
    def __init__(self, revision: _Optional[_Union[_record_pb2.Revision, _Mapping]] = ..., account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class ListAccountRevisionsRequest(_message.Message):
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

class ListAccountRevisionsResponse(_message.Message):
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[AccountRevision]
    next_page_token: str
    def __init__(self, revisions: _Optional[_Iterable[_Union[AccountRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class OpenAccountRequest(_message.Message):
    __slots__ = ("name", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class OpenAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class CloseAccountRequest(_message.Message):
    __slots__ = ("name", "close_reason", "begin_only", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_REASON_FIELD_NUMBER: _ClassVar[int]
    BEGIN_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    close_reason: str
    begin_only: bool
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., close_reason: _Optional[str] = ..., begin_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReopenAccountRequest(_message.Message):
    __slots__ = ("name", "approval_ref", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_REF_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    approval_ref: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., approval_ref: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReopenAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class MarkAccountDormantRequest(_message.Message):
    __slots__ = ("name", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class MarkAccountDormantResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReactivateAccountRequest(_message.Message):
    __slots__ = ("name", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReactivateAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class EscheatAccountRequest(_message.Message):
    __slots__ = ("name", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EscheatAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ChargeOffAccountRequest(_message.Message):
    __slots__ = ("name", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ChargeOffAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class RenumberAccountRequest(_message.Message):
    __slots__ = ("name", "new_routing_number", "new_account_number", "new_account_type", "terms", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_ROUTING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    NEW_ACCOUNT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    NEW_ACCOUNT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    new_routing_number: str
    new_account_number: str
    new_account_type: AccountType
    terms: Replacement
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., new_routing_number: _Optional[str] = ..., new_account_number: _Optional[str] = ..., new_account_type: _Optional[_Union[AccountType, str]] = ..., terms: _Optional[_Union[Replacement, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RenumberAccountResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class PlaceRestrictionRequest(_message.Message):
    __slots__ = ("name", "restriction", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESTRICTION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    restriction: AccountRestriction
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., restriction: _Optional[_Union[AccountRestriction, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PlaceRestrictionResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReleaseRestrictionRequest(_message.Message):
    __slots__ = ("name", "restriction_id", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESTRICTION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    restriction_id: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., restriction_id: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReleaseRestrictionResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class AddPartyRequest(_message.Message):
    __slots__ = ("name", "party", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    party: AccountParty
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., party: _Optional[_Union[AccountParty, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AddPartyResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class EndPartyRequest(_message.Message):
    __slots__ = ("name", "party_id", "end_date", "successor", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTY_ID_FIELD_NUMBER: _ClassVar[int]
    END_DATE_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    party_id: str
    end_date: str
    successor: AccountParty
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., party_id: _Optional[str] = ..., end_date: _Optional[str] = ..., successor: _Optional[_Union[AccountParty, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EndPartyResponse(_message.Message):
    __slots__ = ("account", "consistency_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: Account
    consistency_token: str
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...
