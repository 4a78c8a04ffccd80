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

class CustomerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CUSTOMER_KIND_UNSPECIFIED: _ClassVar[CustomerKind]
    CUSTOMER_KIND_PERSON: _ClassVar[CustomerKind]
    CUSTOMER_KIND_ORGANIZATION: _ClassVar[CustomerKind]

class CustomerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CUSTOMER_STATE_UNSPECIFIED: _ClassVar[CustomerState]
    CUSTOMER_STATE_PROSPECT: _ClassVar[CustomerState]
    CUSTOMER_STATE_ONBOARDING: _ClassVar[CustomerState]
    CUSTOMER_STATE_ACTIVE: _ClassVar[CustomerState]
    CUSTOMER_STATE_DORMANT: _ClassVar[CustomerState]
    CUSTOMER_STATE_RESTRICTED: _ClassVar[CustomerState]
    CUSTOMER_STATE_OFFBOARDING: _ClassVar[CustomerState]
    CUSTOMER_STATE_CLOSED: _ClassVar[CustomerState]
    CUSTOMER_STATE_ERASED: _ClassVar[CustomerState]
    CUSTOMER_STATE_DECEASED: _ClassVar[CustomerState]
    CUSTOMER_STATE_DISSOLVED: _ClassVar[CustomerState]
    CUSTOMER_STATE_MERGED: _ClassVar[CustomerState]
    CUSTOMER_STATE_DELETED: _ClassVar[CustomerState]

class CustomerSegment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CUSTOMER_SEGMENT_UNSPECIFIED: _ClassVar[CustomerSegment]
    CUSTOMER_SEGMENT_MASS_MARKET: _ClassVar[CustomerSegment]
    CUSTOMER_SEGMENT_MASS_AFFLUENT: _ClassVar[CustomerSegment]
    CUSTOMER_SEGMENT_AFFLUENT: _ClassVar[CustomerSegment]
    CUSTOMER_SEGMENT_PRIVATE_BANKING: _ClassVar[CustomerSegment]
    CUSTOMER_SEGMENT_HNW: _ClassVar[CustomerSegment]
    CUSTOMER_SEGMENT_UHNW: _ClassVar[CustomerSegment]

class IdentifierType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDENTIFIER_TYPE_UNSPECIFIED: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_SSN: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_ITIN: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_EIN: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_NATIONAL_ID: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_TAX_ID: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_COMPANY_REGISTRATION: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_LEI: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_PASSPORT: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_DRIVING_LICENCE: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_BIC: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_DUNS: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_CIF: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_CORE_REF: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_EMAIL: _ClassVar[IdentifierType]
    IDENTIFIER_TYPE_PHONE: _ClassVar[IdentifierType]

class IdentifierState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDENTIFIER_STATE_UNSPECIFIED: _ClassVar[IdentifierState]
    IDENTIFIER_STATE_ACTIVE: _ClassVar[IdentifierState]
    IDENTIFIER_STATE_EXPIRED: _ClassVar[IdentifierState]
    IDENTIFIER_STATE_SUPERSEDED: _ClassVar[IdentifierState]
    IDENTIFIER_STATE_REVOKED: _ClassVar[IdentifierState]

class Verification(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERIFICATION_UNSPECIFIED: _ClassVar[Verification]
    VERIFICATION_UNVERIFIED: _ClassVar[Verification]
    VERIFICATION_VERIFIED: _ClassVar[Verification]
    VERIFICATION_FAILED: _ClassVar[Verification]

class ContactPointType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTACT_POINT_TYPE_UNSPECIFIED: _ClassVar[ContactPointType]
    CONTACT_POINT_TYPE_EMAIL: _ClassVar[ContactPointType]
    CONTACT_POINT_TYPE_MOBILE: _ClassVar[ContactPointType]
    CONTACT_POINT_TYPE_PHONE: _ClassVar[ContactPointType]
    CONTACT_POINT_TYPE_PUSH_DEVICE: _ClassVar[ContactPointType]
    CONTACT_POINT_TYPE_SECURE_INBOX: _ClassVar[ContactPointType]
    CONTACT_POINT_TYPE_FAX: _ClassVar[ContactPointType]
    CONTACT_POINT_TYPE_SOCIAL: _ClassVar[ContactPointType]

class ContactPointState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTACT_POINT_STATE_UNSPECIFIED: _ClassVar[ContactPointState]
    CONTACT_POINT_STATE_ACTIVE: _ClassVar[ContactPointState]
    CONTACT_POINT_STATE_UNVERIFIED: _ClassVar[ContactPointState]
    CONTACT_POINT_STATE_BOUNCED: _ClassVar[ContactPointState]
    CONTACT_POINT_STATE_INVALID: _ClassVar[ContactPointState]
    CONTACT_POINT_STATE_RETIRED: _ClassVar[ContactPointState]

class AddressType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADDRESS_TYPE_UNSPECIFIED: _ClassVar[AddressType]
    ADDRESS_TYPE_LEGAL: _ClassVar[AddressType]
    ADDRESS_TYPE_RESIDENTIAL: _ClassVar[AddressType]
    ADDRESS_TYPE_REGISTERED: _ClassVar[AddressType]
    ADDRESS_TYPE_MAILING: _ClassVar[AddressType]
    ADDRESS_TYPE_BUSINESS: _ClassVar[AddressType]
    ADDRESS_TYPE_TEMPORARY: _ClassVar[AddressType]
CUSTOMER_KIND_UNSPECIFIED: CustomerKind
CUSTOMER_KIND_PERSON: CustomerKind
CUSTOMER_KIND_ORGANIZATION: CustomerKind
CUSTOMER_STATE_UNSPECIFIED: CustomerState
CUSTOMER_STATE_PROSPECT: CustomerState
CUSTOMER_STATE_ONBOARDING: CustomerState
CUSTOMER_STATE_ACTIVE: CustomerState
CUSTOMER_STATE_DORMANT: CustomerState
CUSTOMER_STATE_RESTRICTED: CustomerState
CUSTOMER_STATE_OFFBOARDING: CustomerState
CUSTOMER_STATE_CLOSED: CustomerState
CUSTOMER_STATE_ERASED: CustomerState
CUSTOMER_STATE_DECEASED: CustomerState
CUSTOMER_STATE_DISSOLVED: CustomerState
CUSTOMER_STATE_MERGED: CustomerState
CUSTOMER_STATE_DELETED: CustomerState
CUSTOMER_SEGMENT_UNSPECIFIED: CustomerSegment
CUSTOMER_SEGMENT_MASS_MARKET: CustomerSegment
CUSTOMER_SEGMENT_MASS_AFFLUENT: CustomerSegment
CUSTOMER_SEGMENT_AFFLUENT: CustomerSegment
CUSTOMER_SEGMENT_PRIVATE_BANKING: CustomerSegment
CUSTOMER_SEGMENT_HNW: CustomerSegment
CUSTOMER_SEGMENT_UHNW: CustomerSegment
IDENTIFIER_TYPE_UNSPECIFIED: IdentifierType
IDENTIFIER_TYPE_SSN: IdentifierType
IDENTIFIER_TYPE_ITIN: IdentifierType
IDENTIFIER_TYPE_EIN: IdentifierType
IDENTIFIER_TYPE_NATIONAL_ID: IdentifierType
IDENTIFIER_TYPE_TAX_ID: IdentifierType
IDENTIFIER_TYPE_COMPANY_REGISTRATION: IdentifierType
IDENTIFIER_TYPE_LEI: IdentifierType
IDENTIFIER_TYPE_PASSPORT: IdentifierType
IDENTIFIER_TYPE_DRIVING_LICENCE: IdentifierType
IDENTIFIER_TYPE_BIC: IdentifierType
IDENTIFIER_TYPE_DUNS: IdentifierType
IDENTIFIER_TYPE_CIF: IdentifierType
IDENTIFIER_TYPE_CORE_REF: IdentifierType
IDENTIFIER_TYPE_EMAIL: IdentifierType
IDENTIFIER_TYPE_PHONE: IdentifierType
IDENTIFIER_STATE_UNSPECIFIED: IdentifierState
IDENTIFIER_STATE_ACTIVE: IdentifierState
IDENTIFIER_STATE_EXPIRED: IdentifierState
IDENTIFIER_STATE_SUPERSEDED: IdentifierState
IDENTIFIER_STATE_REVOKED: IdentifierState
VERIFICATION_UNSPECIFIED: Verification
VERIFICATION_UNVERIFIED: Verification
VERIFICATION_VERIFIED: Verification
VERIFICATION_FAILED: Verification
CONTACT_POINT_TYPE_UNSPECIFIED: ContactPointType
CONTACT_POINT_TYPE_EMAIL: ContactPointType
CONTACT_POINT_TYPE_MOBILE: ContactPointType
CONTACT_POINT_TYPE_PHONE: ContactPointType
CONTACT_POINT_TYPE_PUSH_DEVICE: ContactPointType
CONTACT_POINT_TYPE_SECURE_INBOX: ContactPointType
CONTACT_POINT_TYPE_FAX: ContactPointType
CONTACT_POINT_TYPE_SOCIAL: ContactPointType
CONTACT_POINT_STATE_UNSPECIFIED: ContactPointState
CONTACT_POINT_STATE_ACTIVE: ContactPointState
CONTACT_POINT_STATE_UNVERIFIED: ContactPointState
CONTACT_POINT_STATE_BOUNCED: ContactPointState
CONTACT_POINT_STATE_INVALID: ContactPointState
CONTACT_POINT_STATE_RETIRED: ContactPointState
ADDRESS_TYPE_UNSPECIFIED: AddressType
ADDRESS_TYPE_LEGAL: AddressType
ADDRESS_TYPE_RESIDENTIAL: AddressType
ADDRESS_TYPE_REGISTERED: AddressType
ADDRESS_TYPE_MAILING: AddressType
ADDRESS_TYPE_BUSINESS: AddressType
ADDRESS_TYPE_TEMPORARY: AddressType

class Person(_message.Message):
    __slots__ = ("title", "given_name", "middle_name", "family_name", "suffix", "former_names", "gender", "birth_date", "birth_place", "nationalities", "tax_residencies", "occupation")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    GIVEN_NAME_FIELD_NUMBER: _ClassVar[int]
    MIDDLE_NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_NAME_FIELD_NUMBER: _ClassVar[int]
    SUFFIX_FIELD_NUMBER: _ClassVar[int]
    FORMER_NAMES_FIELD_NUMBER: _ClassVar[int]
    GENDER_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    BIRTH_PLACE_FIELD_NUMBER: _ClassVar[int]
    NATIONALITIES_FIELD_NUMBER: _ClassVar[int]
    TAX_RESIDENCIES_FIELD_NUMBER: _ClassVar[int]
    OCCUPATION_FIELD_NUMBER: _ClassVar[int]
    title: str
    given_name: str
    middle_name: str
    family_name: str
    suffix: str
    former_names: _containers.RepeatedScalarFieldContainer[str]
    gender: str
    birth_date: str
    birth_place: str
    nationalities: _containers.RepeatedScalarFieldContainer[str]
    tax_residencies: _containers.RepeatedScalarFieldContainer[str]
    occupation: str
    def __init__(self, title: _Optional[str] = ..., given_name: _Optional[str] = ..., middle_name: _Optional[str] = ..., family_name: _Optional[str] = ..., suffix: _Optional[str] = ..., former_names: _Optional[_Iterable[str]] = ..., gender: _Optional[str] = ..., birth_date: _Optional[str] = ..., birth_place: _Optional[str] = ..., nationalities: _Optional[_Iterable[str]] = ..., tax_residencies: _Optional[_Iterable[str]] = ..., occupation: _Optional[str] = ...) -> None: ...

class Organization(_message.Message):
    __slots__ = ("legal_name", "trading_names", "legal_form", "incorporation_date", "incorporation_country", "industry_code", "lei_status")
    LEGAL_NAME_FIELD_NUMBER: _ClassVar[int]
    TRADING_NAMES_FIELD_NUMBER: _ClassVar[int]
    LEGAL_FORM_FIELD_NUMBER: _ClassVar[int]
    INCORPORATION_DATE_FIELD_NUMBER: _ClassVar[int]
    INCORPORATION_COUNTRY_FIELD_NUMBER: _ClassVar[int]
    INDUSTRY_CODE_FIELD_NUMBER: _ClassVar[int]
    LEI_STATUS_FIELD_NUMBER: _ClassVar[int]
    legal_name: str
    trading_names: _containers.RepeatedScalarFieldContainer[str]
    legal_form: str
    incorporation_date: str
    incorporation_country: str
    industry_code: str
    lei_status: str
    def __init__(self, legal_name: _Optional[str] = ..., trading_names: _Optional[_Iterable[str]] = ..., legal_form: _Optional[str] = ..., incorporation_date: _Optional[str] = ..., incorporation_country: _Optional[str] = ..., industry_code: _Optional[str] = ..., lei_status: _Optional[str] = ...) -> None: ...

class Identifier(_message.Message):
    __slots__ = ("identifier_id", "type", "value", "mask", "issuing_country", "issue_date", "expiry_date", "state", "verification")
    IDENTIFIER_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    ISSUING_COUNTRY_FIELD_NUMBER: _ClassVar[int]
    ISSUE_DATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_DATE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    identifier_id: str
    type: IdentifierType
    value: str
    mask: str
    issuing_country: str
    issue_date: str
    expiry_date: str
    state: IdentifierState
    verification: Verification
    def __init__(self, identifier_id: _Optional[str] = ..., type: _Optional[_Union[IdentifierType, str]] = ..., value: _Optional[str] = ..., mask: _Optional[str] = ..., issuing_country: _Optional[str] = ..., issue_date: _Optional[str] = ..., expiry_date: _Optional[str] = ..., state: _Optional[_Union[IdentifierState, str]] = ..., verification: _Optional[_Union[Verification, str]] = ...) -> None: ...

class IdentifierValue(_message.Message):
    __slots__ = ("identifier_id", "value")
    IDENTIFIER_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    identifier_id: str
    value: str
    def __init__(self, identifier_id: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ContactPoint(_message.Message):
    __slots__ = ("contact_point_id", "type", "value", "label", "primary", "verified_time", "valid_from", "valid_to", "state")
    CONTACT_POINT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_TIME_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    contact_point_id: str
    type: ContactPointType
    value: str
    label: str
    primary: bool
    verified_time: _timestamp_pb2.Timestamp
    valid_from: str
    valid_to: str
    state: ContactPointState
    def __init__(self, contact_point_id: _Optional[str] = ..., type: _Optional[_Union[ContactPointType, str]] = ..., value: _Optional[str] = ..., label: _Optional[str] = ..., primary: _Optional[bool] = ..., verified_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., state: _Optional[_Union[ContactPointState, str]] = ...) -> None: ...

class Address(_message.Message):
    __slots__ = ("address_id", "type", "street_name", "building_number", "building_name", "floor", "room", "post_box", "post_code", "town_name", "district", "country_sub_division", "country", "lines", "valid_from", "valid_to")
    ADDRESS_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STREET_NAME_FIELD_NUMBER: _ClassVar[int]
    BUILDING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    BUILDING_NAME_FIELD_NUMBER: _ClassVar[int]
    FLOOR_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    POST_BOX_FIELD_NUMBER: _ClassVar[int]
    POST_CODE_FIELD_NUMBER: _ClassVar[int]
    TOWN_NAME_FIELD_NUMBER: _ClassVar[int]
    DISTRICT_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_SUB_DIVISION_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    address_id: str
    type: AddressType
    street_name: str
    building_number: str
    building_name: str
    floor: str
    room: str
    post_box: str
    post_code: str
    town_name: str
    district: str
    country_sub_division: str
    country: str
    lines: _containers.RepeatedScalarFieldContainer[str]
    valid_from: str
    valid_to: str
    def __init__(self, address_id: _Optional[str] = ..., type: _Optional[_Union[AddressType, str]] = ..., street_name: _Optional[str] = ..., building_number: _Optional[str] = ..., building_name: _Optional[str] = ..., floor: _Optional[str] = ..., room: _Optional[str] = ..., post_box: _Optional[str] = ..., post_code: _Optional[str] = ..., town_name: _Optional[str] = ..., district: _Optional[str] = ..., country_sub_division: _Optional[str] = ..., country: _Optional[str] = ..., lines: _Optional[_Iterable[str]] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ...) -> None: ...

class Customer(_message.Message):
    __slots__ = ("name", "uid", "version", "etag", "create_time", "update_time", "state", "state_reason", "kind", "segment", "sub_segment", "division", "business_line", "branch", "responsible_user", "preferred_locale", "time_zone", "vulnerable", "party_roles", "source_system", "external_refs", "deceased_date", "dissolved_date", "display_name", "person", "organization", "identifiers", "contact_points", "addresses", "identifier_values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    SUB_SEGMENT_FIELD_NUMBER: _ClassVar[int]
    DIVISION_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_LINE_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    RESPONSIBLE_USER_FIELD_NUMBER: _ClassVar[int]
    PREFERRED_LOCALE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    VULNERABLE_FIELD_NUMBER: _ClassVar[int]
    PARTY_ROLES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_REFS_FIELD_NUMBER: _ClassVar[int]
    DECEASED_DATE_FIELD_NUMBER: _ClassVar[int]
    DISSOLVED_DATE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIERS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_POINTS_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    version: int
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    state: CustomerState
    state_reason: str
    kind: CustomerKind
    segment: CustomerSegment
    sub_segment: str
    division: str
    business_line: str
    branch: str
    responsible_user: str
    preferred_locale: str
    time_zone: str
    vulnerable: bool
    party_roles: _containers.RepeatedScalarFieldContainer[str]
    source_system: str
    external_refs: _containers.RepeatedCompositeFieldContainer[_record_pb2.ExternalReference]
    deceased_date: str
    dissolved_date: str
    display_name: str
    person: Person
    organization: Organization
    identifiers: _containers.RepeatedCompositeFieldContainer[Identifier]
    contact_points: _containers.RepeatedCompositeFieldContainer[ContactPoint]
    addresses: _containers.RepeatedCompositeFieldContainer[Address]
    identifier_values: _containers.RepeatedCompositeFieldContainer[IdentifierValue]
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., version: _Optional[int] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[CustomerState, str]] = ..., state_reason: _Optional[str] = ..., kind: _Optional[_Union[CustomerKind, str]] = ..., segment: _Optional[_Union[CustomerSegment, str]] = ..., sub_segment: _Optional[str] = ..., division: _Optional[str] = ..., business_line: _Optional[str] = ..., branch: _Optional[str] = ..., responsible_user: _Optional[str] = ..., preferred_locale: _Optional[str] = ..., time_zone: _Optional[str] = ..., vulnerable: _Optional[bool] = ..., party_roles: _Optional[_Iterable[str]] = ..., source_system: _Optional[str] = ..., external_refs: _Optional[_Iterable[_Union[_record_pb2.ExternalReference, _Mapping]]] = ..., deceased_date: _Optional[str] = ..., dissolved_date: _Optional[str] = ..., display_name: _Optional[str] = ..., person: _Optional[_Union[Person, _Mapping]] = ..., organization: _Optional[_Union[Organization, _Mapping]] = ..., identifiers: _Optional[_Iterable[_Union[Identifier, _Mapping]]] = ..., contact_points: _Optional[_Iterable[_Union[ContactPoint, _Mapping]]] = ..., addresses: _Optional[_Iterable[_Union[Address, _Mapping]]] = ..., identifier_values: _Optional[_Iterable[_Union[IdentifierValue, _Mapping]]] = ...) -> None: ...

class CreateCustomerRequest(_message.Message):
    __slots__ = ("customer", "onboard", "request_id", "source_system", "reason")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    ONBOARD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    onboard: bool
    request_id: str
    source_system: str
    reason: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., onboard: _Optional[bool] = ..., request_id: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CreateCustomerResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class GetCustomerRequest(_message.Message):
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

class GetCustomerResponse(_message.Message):
    __slots__ = ("customer", "stale_since")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchGetCustomersRequest(_message.Message):
    __slots__ = ("names", "view", "consistency")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    view: _record_pb2.View
    consistency: _record_pb2.Consistency
    def __init__(self, names: _Optional[_Iterable[str]] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ...) -> None: ...

class BatchGetCustomersResponse(_message.Message):
    __slots__ = ("customers", "stale_since")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    customers: _containers.RepeatedCompositeFieldContainer[Customer]
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, customers: _Optional[_Iterable[_Union[Customer, _Mapping]]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UpdateCustomerRequest(_message.Message):
    __slots__ = ("customer", "update_mask", "request_id", "etag", "source_system", "reason")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateCustomerResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class DeleteCustomerRequest(_message.Message):
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

class DeleteCustomerResponse(_message.Message):
    __slots__ = ("consistency_token",)
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consistency_token: str
    def __init__(self, consistency_token: _Optional[str] = ...) -> None: ...

class ListCustomersRequest(_message.Message):
    __slots__ = ("branch", "page_size", "page_token", "view")
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    branch: str
    page_size: int
    page_token: str
    view: _record_pb2.View
    def __init__(self, branch: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ...) -> None: ...

class ListCustomersResponse(_message.Message):
    __slots__ = ("customers", "next_page_token")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customers: _containers.RepeatedCompositeFieldContainer[Customer]
    next_page_token: str
    def __init__(self, customers: _Optional[_Iterable[_Union[Customer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CustomerRevision(_message.Message):
    __slots__ = ("revision", "customer")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    revision: _record_pb2.Revision
    customer: Customer
    def __init__(self, revision: _Optional[_Union[_record_pb2.Revision, _Mapping]] = ..., customer: _Optional[_Union[Customer, _Mapping]] = ...) -> None: ...

class ListCustomerRevisionsRequest(_message.Message):
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

class ListCustomerRevisionsResponse(_message.Message):
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[CustomerRevision]
    next_page_token: str
    def __init__(self, revisions: _Optional[_Iterable[_Union[CustomerRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CustomerKey(_message.Message):
    __slots__ = ("type", "value", "issuing_country")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ISSUING_COUNTRY_FIELD_NUMBER: _ClassVar[int]
    type: IdentifierType
    value: str
    issuing_country: str
    def __init__(self, type: _Optional[_Union[IdentifierType, str]] = ..., value: _Optional[str] = ..., issuing_country: _Optional[str] = ...) -> None: ...

class LookupCustomersRequest(_message.Message):
    __slots__ = ("keys", "view")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[CustomerKey]
    view: _record_pb2.View
    def __init__(self, keys: _Optional[_Iterable[_Union[CustomerKey, _Mapping]]] = ..., view: _Optional[_Union[_record_pb2.View, str]] = ...) -> None: ...

class CustomerResult(_message.Message):
    __slots__ = ("customers", "error_reason")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    ERROR_REASON_FIELD_NUMBER: _ClassVar[int]
    customers: _containers.RepeatedCompositeFieldContainer[Customer]
    error_reason: str
    def __init__(self, customers: _Optional[_Iterable[_Union[Customer, _Mapping]]] = ..., error_reason: _Optional[str] = ...) -> None: ...

class LookupCustomersResponse(_message.Message):
    __slots__ = ("results", "stale_since")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[CustomerResult]
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, results: _Optional[_Iterable[_Union[CustomerResult, _Mapping]]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OnboardCustomerRequest(_message.Message):
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

class OnboardCustomerResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ActivateCustomerRequest(_message.Message):
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

class ActivateCustomerResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class MarkCustomerDormantRequest(_message.Message):
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

class MarkCustomerDormantResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class RestrictCustomerRequest(_message.Message):
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

class RestrictCustomerResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ReinstateCustomerRequest(_message.Message):
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

class ReinstateCustomerResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class CloseCustomerRequest(_message.Message):
    __slots__ = ("name", "begin_only", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BEGIN_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    begin_only: bool
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., begin_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseCustomerResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class MarkDeceasedRequest(_message.Message):
    __slots__ = ("name", "deceased_date", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DECEASED_DATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    deceased_date: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., deceased_date: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class MarkDeceasedResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class MarkDissolvedRequest(_message.Message):
    __slots__ = ("name", "dissolved_date", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISSOLVED_DATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    dissolved_date: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., dissolved_date: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class MarkDissolvedResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class AddIdentifierRequest(_message.Message):
    __slots__ = ("name", "identifier", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    identifier: Identifier
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., identifier: _Optional[_Union[Identifier, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AddIdentifierResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class UpdateIdentifierRequest(_message.Message):
    __slots__ = ("name", "identifier_id", "state", "verification", "expiry_date", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_DATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    identifier_id: str
    state: IdentifierState
    verification: Verification
    expiry_date: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., identifier_id: _Optional[str] = ..., state: _Optional[_Union[IdentifierState, str]] = ..., verification: _Optional[_Union[Verification, str]] = ..., expiry_date: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateIdentifierResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class AddContactPointRequest(_message.Message):
    __slots__ = ("name", "contact_point", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTACT_POINT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    contact_point: ContactPoint
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., contact_point: _Optional[_Union[ContactPoint, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AddContactPointResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class EndContactPointRequest(_message.Message):
    __slots__ = ("name", "contact_point_id", "end_date", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTACT_POINT_ID_FIELD_NUMBER: _ClassVar[int]
    END_DATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    contact_point_id: str
    end_date: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., contact_point_id: _Optional[str] = ..., end_date: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EndContactPointResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class AddAddressRequest(_message.Message):
    __slots__ = ("name", "address", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    address: Address
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., address: _Optional[_Union[Address, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AddAddressResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class EndAddressRequest(_message.Message):
    __slots__ = ("name", "address_id", "end_date", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_ID_FIELD_NUMBER: _ClassVar[int]
    END_DATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    address_id: str
    end_date: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., address_id: _Optional[str] = ..., end_date: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EndAddressResponse(_message.Message):
    __slots__ = ("customer", "consistency_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    consistency_token: str
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...
