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

class Disposition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISPOSITION_UNSPECIFIED: _ClassVar[Disposition]
    DISPOSITION_POST: _ClassVar[Disposition]
    DISPOSITION_POST_WITH_NOC: _ClassVar[Disposition]
    DISPOSITION_RETURN: _ClassVar[Disposition]
    DISPOSITION_REVIEW: _ClassVar[Disposition]
    DISPOSITION_NOT_OURS: _ClassVar[Disposition]

class NamePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NAME_POLICY_UNSPECIFIED: _ClassVar[NamePolicy]
    NAME_POLICY_IGNORE: _ClassVar[NamePolicy]
    NAME_POLICY_ADVISE: _ClassVar[NamePolicy]
    NAME_POLICY_REVIEW: _ClassVar[NamePolicy]
    NAME_POLICY_RETURN: _ClassVar[NamePolicy]

class NameMatch(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NAME_MATCH_UNSPECIFIED: _ClassVar[NameMatch]
    NAME_MATCH_MATCH: _ClassVar[NameMatch]
    NAME_MATCH_CLOSE: _ClassVar[NameMatch]
    NAME_MATCH_NO_MATCH: _ClassVar[NameMatch]
    NAME_MATCH_NO_NAME: _ClassVar[NameMatch]

class ResultDetail(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESULT_DETAIL_UNSPECIFIED: _ClassVar[ResultDetail]
    RESULT_DETAIL_ALL: _ClassVar[ResultDetail]
    RESULT_DETAIL_EXCEPTIONS: _ClassVar[ResultDetail]

class FindingSeverity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_SEVERITY_UNSPECIFIED: _ClassVar[FindingSeverity]
    FINDING_SEVERITY_ADVISORY: _ClassVar[FindingSeverity]
    FINDING_SEVERITY_CONTROL: _ClassVar[FindingSeverity]
    FINDING_SEVERITY_STRUCTURAL: _ClassVar[FindingSeverity]
DISPOSITION_UNSPECIFIED: Disposition
DISPOSITION_POST: Disposition
DISPOSITION_POST_WITH_NOC: Disposition
DISPOSITION_RETURN: Disposition
DISPOSITION_REVIEW: Disposition
DISPOSITION_NOT_OURS: Disposition
NAME_POLICY_UNSPECIFIED: NamePolicy
NAME_POLICY_IGNORE: NamePolicy
NAME_POLICY_ADVISE: NamePolicy
NAME_POLICY_REVIEW: NamePolicy
NAME_POLICY_RETURN: NamePolicy
NAME_MATCH_UNSPECIFIED: NameMatch
NAME_MATCH_MATCH: NameMatch
NAME_MATCH_CLOSE: NameMatch
NAME_MATCH_NO_MATCH: NameMatch
NAME_MATCH_NO_NAME: NameMatch
RESULT_DETAIL_UNSPECIFIED: ResultDetail
RESULT_DETAIL_ALL: ResultDetail
RESULT_DETAIL_EXCEPTIONS: ResultDetail
FINDING_SEVERITY_UNSPECIFIED: FindingSeverity
FINDING_SEVERITY_ADVISORY: FindingSeverity
FINDING_SEVERITY_CONTROL: FindingSeverity
FINDING_SEVERITY_STRUCTURAL: FindingSeverity

class AchPolicy(_message.Message):
    __slots__ = ("name_policy", "federal_benefit_survivor_returns", "close_match_noc")
    NAME_POLICY_FIELD_NUMBER: _ClassVar[int]
    FEDERAL_BENEFIT_SURVIVOR_RETURNS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_MATCH_NOC_FIELD_NUMBER: _ClassVar[int]
    name_policy: NamePolicy
    federal_benefit_survivor_returns: bool
    close_match_noc: bool
    def __init__(self, name_policy: _Optional[_Union[NamePolicy, str]] = ..., federal_benefit_survivor_returns: _Optional[bool] = ..., close_match_noc: _Optional[bool] = ...) -> None: ...

class AchEntry(_message.Message):
    __slots__ = ("entry_seq", "rdfi_routing", "dfi_account_number", "transaction_code", "amount_minor", "sec_code", "individual_name", "individual_id", "company_id", "trace_number", "settlement_date", "federal_benefit")
    ENTRY_SEQ_FIELD_NUMBER: _ClassVar[int]
    RDFI_ROUTING_FIELD_NUMBER: _ClassVar[int]
    DFI_ACCOUNT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_CODE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_FIELD_NUMBER: _ClassVar[int]
    SEC_CODE_FIELD_NUMBER: _ClassVar[int]
    INDIVIDUAL_NAME_FIELD_NUMBER: _ClassVar[int]
    INDIVIDUAL_ID_FIELD_NUMBER: _ClassVar[int]
    COMPANY_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_DATE_FIELD_NUMBER: _ClassVar[int]
    FEDERAL_BENEFIT_FIELD_NUMBER: _ClassVar[int]
    entry_seq: int
    rdfi_routing: str
    dfi_account_number: str
    transaction_code: int
    amount_minor: int
    sec_code: str
    individual_name: str
    individual_id: str
    company_id: str
    trace_number: str
    settlement_date: str
    federal_benefit: bool
    def __init__(self, entry_seq: _Optional[int] = ..., rdfi_routing: _Optional[str] = ..., dfi_account_number: _Optional[str] = ..., transaction_code: _Optional[int] = ..., amount_minor: _Optional[int] = ..., sec_code: _Optional[str] = ..., individual_name: _Optional[str] = ..., individual_id: _Optional[str] = ..., company_id: _Optional[str] = ..., trace_number: _Optional[str] = ..., settlement_date: _Optional[str] = ..., federal_benefit: _Optional[bool] = ...) -> None: ...

class AchNoc(_message.Message):
    __slots__ = ("code", "corrected_data")
    CODE_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_DATA_FIELD_NUMBER: _ClassVar[int]
    code: str
    corrected_data: str
    def __init__(self, code: _Optional[str] = ..., corrected_data: _Optional[str] = ...) -> None: ...

class AchResolution(_message.Message):
    __slots__ = ("entry_seq", "disposition", "account", "account_state", "account_type", "return_code", "return_by_date", "date_of_death", "noc", "name_match", "findings", "master_version", "trace_number", "line", "card_token")
    ENTRY_SEQ_FIELD_NUMBER: _ClassVar[int]
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_STATE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_TYPE_FIELD_NUMBER: _ClassVar[int]
    RETURN_CODE_FIELD_NUMBER: _ClassVar[int]
    RETURN_BY_DATE_FIELD_NUMBER: _ClassVar[int]
    DATE_OF_DEATH_FIELD_NUMBER: _ClassVar[int]
    NOC_FIELD_NUMBER: _ClassVar[int]
    NAME_MATCH_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    MASTER_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRACE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    CARD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entry_seq: int
    disposition: Disposition
    account: str
    account_state: _account_pb2.AccountState
    account_type: _account_pb2.AccountType
    return_code: str
    return_by_date: str
    date_of_death: str
    noc: AchNoc
    name_match: NameMatch
    findings: _containers.RepeatedScalarFieldContainer[str]
    master_version: int
    trace_number: str
    line: int
    card_token: str
    def __init__(self, entry_seq: _Optional[int] = ..., disposition: _Optional[_Union[Disposition, str]] = ..., account: _Optional[str] = ..., account_state: _Optional[_Union[_account_pb2.AccountState, str]] = ..., account_type: _Optional[_Union[_account_pb2.AccountType, str]] = ..., return_code: _Optional[str] = ..., return_by_date: _Optional[str] = ..., date_of_death: _Optional[str] = ..., noc: _Optional[_Union[AchNoc, _Mapping]] = ..., name_match: _Optional[_Union[NameMatch, str]] = ..., findings: _Optional[_Iterable[str]] = ..., master_version: _Optional[int] = ..., trace_number: _Optional[str] = ..., line: _Optional[int] = ..., card_token: _Optional[str] = ...) -> None: ...

class ResolveAchEntriesRequest(_message.Message):
    __slots__ = ("entries", "policy", "as_of", "consistency")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AchEntry]
    policy: AchPolicy
    as_of: _timestamp_pb2.Timestamp
    consistency: _record_pb2.Consistency
    def __init__(self, entries: _Optional[_Iterable[_Union[AchEntry, _Mapping]]] = ..., policy: _Optional[_Union[AchPolicy, _Mapping]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., consistency: _Optional[_Union[_record_pb2.Consistency, _Mapping]] = ...) -> None: ...

class ResolveAchEntriesResponse(_message.Message):
    __slots__ = ("resolutions", "stale_since")
    RESOLUTIONS_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_FIELD_NUMBER: _ClassVar[int]
    resolutions: _containers.RepeatedCompositeFieldContainer[AchResolution]
    stale_since: _timestamp_pb2.Timestamp
    def __init__(self, resolutions: _Optional[_Iterable[_Union[AchResolution, _Mapping]]] = ..., stale_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ResolveAchFileOptions(_message.Message):
    __slots__ = ("policy", "as_of", "detail", "request_id", "without_files", "with_stages")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_FILES_FIELD_NUMBER: _ClassVar[int]
    WITH_STAGES_FIELD_NUMBER: _ClassVar[int]
    policy: AchPolicy
    as_of: _timestamp_pb2.Timestamp
    detail: ResultDetail
    request_id: str
    without_files: bool
    with_stages: bool
    def __init__(self, policy: _Optional[_Union[AchPolicy, _Mapping]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., detail: _Optional[_Union[ResultDetail, str]] = ..., request_id: _Optional[str] = ..., without_files: _Optional[bool] = ..., with_stages: _Optional[bool] = ...) -> None: ...

class ResolveAchFileRequest(_message.Message):
    __slots__ = ("options", "data")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    options: ResolveAchFileOptions
    data: bytes
    def __init__(self, options: _Optional[_Union[ResolveAchFileOptions, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class AchFinding(_message.Message):
    __slots__ = ("code", "severity", "line", "column", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    severity: FindingSeverity
    line: int
    column: int
    message: str
    def __init__(self, code: _Optional[str] = ..., severity: _Optional[_Union[FindingSeverity, str]] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class AchBatchResult(_message.Message):
    __slots__ = ("batch_number", "sec_code", "company_id", "resolutions", "more")
    BATCH_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEC_CODE_FIELD_NUMBER: _ClassVar[int]
    COMPANY_ID_FIELD_NUMBER: _ClassVar[int]
    RESOLUTIONS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    batch_number: int
    sec_code: str
    company_id: str
    resolutions: _containers.RepeatedCompositeFieldContainer[AchResolution]
    more: bool
    def __init__(self, batch_number: _Optional[int] = ..., sec_code: _Optional[str] = ..., company_id: _Optional[str] = ..., resolutions: _Optional[_Iterable[_Union[AchResolution, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class CodeCount(_message.Message):
    __slots__ = ("code", "entries")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    code: str
    entries: int
    def __init__(self, code: _Optional[str] = ..., entries: _Optional[int] = ...) -> None: ...

class ControlTotals(_message.Message):
    __slots__ = ("entry_addenda_count_stated", "entry_addenda_count", "entry_hash_stated", "entry_hash", "debit_minor_stated", "debit_minor", "credit_minor_stated", "credit_minor", "batches_stated", "batches")
    ENTRY_ADDENDA_COUNT_STATED_FIELD_NUMBER: _ClassVar[int]
    ENTRY_ADDENDA_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENTRY_HASH_STATED_FIELD_NUMBER: _ClassVar[int]
    ENTRY_HASH_FIELD_NUMBER: _ClassVar[int]
    DEBIT_MINOR_STATED_FIELD_NUMBER: _ClassVar[int]
    DEBIT_MINOR_FIELD_NUMBER: _ClassVar[int]
    CREDIT_MINOR_STATED_FIELD_NUMBER: _ClassVar[int]
    CREDIT_MINOR_FIELD_NUMBER: _ClassVar[int]
    BATCHES_STATED_FIELD_NUMBER: _ClassVar[int]
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    entry_addenda_count_stated: int
    entry_addenda_count: int
    entry_hash_stated: int
    entry_hash: int
    debit_minor_stated: int
    debit_minor: int
    credit_minor_stated: int
    credit_minor: int
    batches_stated: int
    batches: int
    def __init__(self, entry_addenda_count_stated: _Optional[int] = ..., entry_addenda_count: _Optional[int] = ..., entry_hash_stated: _Optional[int] = ..., entry_hash: _Optional[int] = ..., debit_minor_stated: _Optional[int] = ..., debit_minor: _Optional[int] = ..., credit_minor_stated: _Optional[int] = ..., credit_minor: _Optional[int] = ..., batches_stated: _Optional[int] = ..., batches: _Optional[int] = ...) -> None: ...

class StageTime(_message.Message):
    __slots__ = ("stage", "duration_us")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_US_FIELD_NUMBER: _ClassVar[int]
    stage: str
    duration_us: int
    def __init__(self, stage: _Optional[str] = ..., duration_us: _Optional[int] = ...) -> None: ...

class AchFileSummary(_message.Message):
    __slots__ = ("file_hash", "immediate_origin", "immediate_destination", "entries", "posted", "posted_with_noc", "returned", "review", "not_ours", "returns", "nocs", "totals", "findings", "duration_ms", "return_file_bytes", "noc_file_bytes", "duplicate", "stages")
    FILE_HASH_FIELD_NUMBER: _ClassVar[int]
    IMMEDIATE_ORIGIN_FIELD_NUMBER: _ClassVar[int]
    IMMEDIATE_DESTINATION_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    POSTED_FIELD_NUMBER: _ClassVar[int]
    POSTED_WITH_NOC_FIELD_NUMBER: _ClassVar[int]
    RETURNED_FIELD_NUMBER: _ClassVar[int]
    REVIEW_FIELD_NUMBER: _ClassVar[int]
    NOT_OURS_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    NOCS_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    RETURN_FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NOC_FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    file_hash: str
    immediate_origin: str
    immediate_destination: str
    entries: int
    posted: int
    posted_with_noc: int
    returned: int
    review: int
    not_ours: int
    returns: _containers.RepeatedCompositeFieldContainer[CodeCount]
    nocs: _containers.RepeatedCompositeFieldContainer[CodeCount]
    totals: ControlTotals
    findings: int
    duration_ms: int
    return_file_bytes: int
    noc_file_bytes: int
    duplicate: bool
    stages: _containers.RepeatedCompositeFieldContainer[StageTime]
    def __init__(self, file_hash: _Optional[str] = ..., immediate_origin: _Optional[str] = ..., immediate_destination: _Optional[str] = ..., entries: _Optional[int] = ..., posted: _Optional[int] = ..., posted_with_noc: _Optional[int] = ..., returned: _Optional[int] = ..., review: _Optional[int] = ..., not_ours: _Optional[int] = ..., returns: _Optional[_Iterable[_Union[CodeCount, _Mapping]]] = ..., nocs: _Optional[_Iterable[_Union[CodeCount, _Mapping]]] = ..., totals: _Optional[_Union[ControlTotals, _Mapping]] = ..., findings: _Optional[int] = ..., duration_ms: _Optional[int] = ..., return_file_bytes: _Optional[int] = ..., noc_file_bytes: _Optional[int] = ..., duplicate: _Optional[bool] = ..., stages: _Optional[_Iterable[_Union[StageTime, _Mapping]]] = ...) -> None: ...

class ResolveAchFileResponse(_message.Message):
    __slots__ = ("batch", "finding", "return_file", "noc_file", "summary")
    BATCH_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    RETURN_FILE_FIELD_NUMBER: _ClassVar[int]
    NOC_FILE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    batch: AchBatchResult
    finding: AchFinding
    return_file: bytes
    noc_file: bytes
    summary: AchFileSummary
    def __init__(self, batch: _Optional[_Union[AchBatchResult, _Mapping]] = ..., finding: _Optional[_Union[AchFinding, _Mapping]] = ..., return_file: _Optional[bytes] = ..., noc_file: _Optional[bytes] = ..., summary: _Optional[_Union[AchFileSummary, _Mapping]] = ...) -> None: ...
