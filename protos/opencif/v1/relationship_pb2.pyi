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

class RelationshipType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATIONSHIP_TYPE_UNSPECIFIED: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_SPOUSE: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_PARENT_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_GUARDIAN_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_HOUSEHOLD_MEMBER: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_POWER_OF_ATTORNEY_FOR: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_TRUSTEE_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_EXECUTOR_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_DIRECTOR_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_BENEFICIAL_OWNER_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_CONTROL_PERSON_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_AUTHORIZED_SIGNATORY_FOR: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_GUARANTOR_FOR: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_SUBSIDIARY_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_BRANCH_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_EMPLOYEE_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_SUPPLIER_OF: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_CONTACT_FOR: _ClassVar[RelationshipType]
    RELATIONSHIP_TYPE_RELATIONSHIP_MANAGER_FOR: _ClassVar[RelationshipType]

class RelationshipState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATIONSHIP_STATE_UNSPECIFIED: _ClassVar[RelationshipState]
    RELATIONSHIP_STATE_PROPOSED: _ClassVar[RelationshipState]
    RELATIONSHIP_STATE_ACTIVE: _ClassVar[RelationshipState]
    RELATIONSHIP_STATE_ENDED: _ClassVar[RelationshipState]
    RELATIONSHIP_STATE_DELETED: _ClassVar[RelationshipState]

class RelationshipSide(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATIONSHIP_SIDE_UNSPECIFIED: _ClassVar[RelationshipSide]
    RELATIONSHIP_SIDE_FROM: _ClassVar[RelationshipSide]
    RELATIONSHIP_SIDE_TO: _ClassVar[RelationshipSide]

class HierarchyDirection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HIERARCHY_DIRECTION_UNSPECIFIED: _ClassVar[HierarchyDirection]
    HIERARCHY_DIRECTION_DOWN: _ClassVar[HierarchyDirection]
    HIERARCHY_DIRECTION_UP: _ClassVar[HierarchyDirection]
RELATIONSHIP_TYPE_UNSPECIFIED: RelationshipType
RELATIONSHIP_TYPE_SPOUSE: RelationshipType
RELATIONSHIP_TYPE_PARENT_OF: RelationshipType
RELATIONSHIP_TYPE_GUARDIAN_OF: RelationshipType
RELATIONSHIP_TYPE_HOUSEHOLD_MEMBER: RelationshipType
RELATIONSHIP_TYPE_POWER_OF_ATTORNEY_FOR: RelationshipType
RELATIONSHIP_TYPE_TRUSTEE_OF: RelationshipType
RELATIONSHIP_TYPE_EXECUTOR_OF: RelationshipType
RELATIONSHIP_TYPE_DIRECTOR_OF: RelationshipType
RELATIONSHIP_TYPE_BENEFICIAL_OWNER_OF: RelationshipType
RELATIONSHIP_TYPE_CONTROL_PERSON_OF: RelationshipType
RELATIONSHIP_TYPE_AUTHORIZED_SIGNATORY_FOR: RelationshipType
RELATIONSHIP_TYPE_GUARANTOR_FOR: RelationshipType
RELATIONSHIP_TYPE_SUBSIDIARY_OF: RelationshipType
RELATIONSHIP_TYPE_BRANCH_OF: RelationshipType
RELATIONSHIP_TYPE_EMPLOYEE_OF: RelationshipType
RELATIONSHIP_TYPE_SUPPLIER_OF: RelationshipType
RELATIONSHIP_TYPE_CONTACT_FOR: RelationshipType
RELATIONSHIP_TYPE_RELATIONSHIP_MANAGER_FOR: RelationshipType
RELATIONSHIP_STATE_UNSPECIFIED: RelationshipState
RELATIONSHIP_STATE_PROPOSED: RelationshipState
RELATIONSHIP_STATE_ACTIVE: RelationshipState
RELATIONSHIP_STATE_ENDED: RelationshipState
RELATIONSHIP_STATE_DELETED: RelationshipState
RELATIONSHIP_SIDE_UNSPECIFIED: RelationshipSide
RELATIONSHIP_SIDE_FROM: RelationshipSide
RELATIONSHIP_SIDE_TO: RelationshipSide
HIERARCHY_DIRECTION_UNSPECIFIED: HierarchyDirection
HIERARCHY_DIRECTION_DOWN: HierarchyDirection
HIERARCHY_DIRECTION_UP: HierarchyDirection

class CustomerRelationship(_message.Message):
    __slots__ = ("name", "uid", "version", "etag", "create_time", "update_time", "state", "from_customer", "to_customer", "type", "ownership_bp", "direct", "valid_from", "valid_to", "evidence", "source_system")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FROM_CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    TO_CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OWNERSHIP_BP_FIELD_NUMBER: _ClassVar[int]
    DIRECT_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    version: int
    etag: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    state: RelationshipState
    from_customer: str
    to_customer: str
    type: RelationshipType
    ownership_bp: int
    direct: bool
    valid_from: str
    valid_to: str
    evidence: _containers.RepeatedScalarFieldContainer[str]
    source_system: str
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., version: _Optional[int] = ..., etag: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[RelationshipState, str]] = ..., from_customer: _Optional[str] = ..., to_customer: _Optional[str] = ..., type: _Optional[_Union[RelationshipType, str]] = ..., ownership_bp: _Optional[int] = ..., direct: _Optional[bool] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ..., evidence: _Optional[_Iterable[str]] = ..., source_system: _Optional[str] = ...) -> None: ...

class CreateRelationshipRequest(_message.Message):
    __slots__ = ("relationship", "propose", "request_id", "source_system", "reason")
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    PROPOSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    relationship: CustomerRelationship
    propose: bool
    request_id: str
    source_system: str
    reason: str
    def __init__(self, relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ..., propose: _Optional[bool] = ..., request_id: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CreateRelationshipResponse(_message.Message):
    __slots__ = ("relationship", "consistency_token")
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    relationship: CustomerRelationship
    consistency_token: str
    def __init__(self, relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class GetRelationshipRequest(_message.Message):
    __slots__ = ("name", "consistency", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    consistency: _record_pb2.Consistency
    version: int
    def __init__(self, name: _Optional[str] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class GetRelationshipResponse(_message.Message):
    __slots__ = ("relationship", "stale_since")
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    relationship: CustomerRelationship
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UpdateRelationshipRequest(_message.Message):
    __slots__ = ("relationship", "update_mask", "request_id", "etag", "source_system", "reason")
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    relationship: CustomerRelationship
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateRelationshipResponse(_message.Message):
    __slots__ = ("relationship", "consistency_token")
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    relationship: CustomerRelationship
    consistency_token: str
    def __init__(self, relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ConfirmRelationshipRequest(_message.Message):
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

class ConfirmRelationshipResponse(_message.Message):
    __slots__ = ("relationship", "consistency_token")
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    relationship: CustomerRelationship
    consistency_token: str
    def __init__(self, relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class EndRelationshipRequest(_message.Message):
    __slots__ = ("name", "end_date", "request_id", "etag", "source_system", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    END_DATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    end_date: str
    request_id: str
    etag: str
    source_system: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., end_date: _Optional[str] = ..., request_id: _Optional[str] = ..., etag: _Optional[str] = ..., source_system: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EndRelationshipResponse(_message.Message):
    __slots__ = ("relationship", "consistency_token")
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    relationship: CustomerRelationship
    consistency_token: str
    def __init__(self, relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ..., consistency_token: _Optional[str] = ...) -> None: ...

class ListRelationshipsRequest(_message.Message):
    __slots__ = ("customer", "side", "as_of", "page_size", "page_token")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customer: str
    side: RelationshipSide
    as_of: str
    page_size: int
    page_token: str
    def __init__(self, customer: _Optional[str] = ..., side: _Optional[_Union[RelationshipSide, str]] = ..., as_of: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRelationshipsResponse(_message.Message):
    __slots__ = ("relationships", "next_page_token")
    RELATIONSHIPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    relationships: _containers.RepeatedCompositeFieldContainer[CustomerRelationship]
    next_page_token: str
    def __init__(self, relationships: _Optional[_Iterable[_Union[CustomerRelationship, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RelationshipRevision(_message.Message):
    __slots__ = ("revision", "relationship")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    revision: _record_pb2.Revision
    relationship: CustomerRelationship
    def __init__(self, revision: _Optional[_Union[_record_pb2.Revision, _Mapping]] = ..., relationship: _Optional[_Union[CustomerRelationship, _Mapping]] = ...) -> None: ...

class ListRelationshipRevisionsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRelationshipRevisionsResponse(_message.Message):
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[RelationshipRevision]
    next_page_token: str
    def __init__(self, revisions: _Optional[_Iterable[_Union[RelationshipRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetHierarchyRequest(_message.Message):
    __slots__ = ("customer", "direction", "depth", "as_of")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    customer: str
    direction: HierarchyDirection
    depth: int
    as_of: str
    def __init__(self, customer: _Optional[str] = ..., direction: _Optional[_Union[HierarchyDirection, str]] = ..., depth: _Optional[int] = ..., as_of: _Optional[str] = ...) -> None: ...

class HierarchyNode(_message.Message):
    __slots__ = ("customer", "depth", "parent", "relationship", "type", "ownership_bp", "effective_bp")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    RELATIONSHIP_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OWNERSHIP_BP_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_BP_FIELD_NUMBER: _ClassVar[int]
    customer: str
    depth: int
    parent: str
    relationship: str
    type: RelationshipType
    ownership_bp: int
    effective_bp: int
    def __init__(self, customer: _Optional[str] = ..., depth: _Optional[int] = ..., parent: _Optional[str] = ..., relationship: _Optional[str] = ..., type: _Optional[_Union[RelationshipType, str]] = ..., ownership_bp: _Optional[int] = ..., effective_bp: _Optional[int] = ...) -> None: ...

class GetHierarchyResponse(_message.Message):
    __slots__ = ("nodes", "truncated")
    NODES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[HierarchyNode]
    truncated: bool
    def __init__(self, nodes: _Optional[_Iterable[_Union[HierarchyNode, _Mapping]]] = ..., truncated: _Optional[bool] = ...) -> None: ...
