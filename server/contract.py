"""The contract as the server reads it: services, method rules, field rules, from descriptors.

Refuses at start a contract whose policy has gaps; must not know what any method does.
"""

from collections.abc import Iterator
from typing import Any, Final

from google.api import field_behavior_pb2
from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)

from opencif.v1 import (
    account_pb2,
    ach_pb2,
    card_pb2,
    customer_pb2,
    error_pb2,
    import_pb2,
    lookup_pb2,
    options_pb2,
    record_pb2,
    relationship_pb2,
    routing_pb2,
    tokenization_pb2,
)

__all__ = [
    "FILES",
    "ContractIncomplete",
    "behaviors",
    "check_contract",
    "disclosing_methods",
    "field_rule",
    "is_ours",
    "messages",
    "method_rule",
    "record_kind",
    "services",
]

FILES: Final[tuple[FileDescriptor, ...]] = tuple(
    module.DESCRIPTOR
    for module in (
        account_pb2,
        ach_pb2,
        card_pb2,
        customer_pb2,
        error_pb2,
        import_pb2,
        lookup_pb2,
        options_pb2,
        record_pb2,
        relationship_pb2,
        routing_pb2,
        tokenization_pb2,
    )
)
# The generated stubs do not know what these extend.
_RULE: Final[Any] = options_pb2.rule
_METHOD_RULE: Final[Any] = options_pb2.method_rule
_RECORD: Final[Any] = options_pb2.record
_PACKAGE: Final = "opencif.v1"
_SENSITIVITIES: Final = frozenset(options_pb2.Sensitivity.values()) - {0}
_SEGMENTS: Final = frozenset(options_pb2.Segment.values()) - {0}


class ContractIncomplete(Exception):
    """A field or method of the contract has no rule, or an RPC has no implementation."""


def services() -> Iterator[ServiceDescriptor]:
    """Every service of the contract."""
    for file in FILES:
        yield from file.services_by_name.values()


def messages() -> Iterator[Descriptor]:
    """Every message of the contract, nested ones included."""
    pending = [message for file in FILES for message in file.message_types_by_name.values()]
    while pending:
        message = pending.pop()
        pending.extend(message.nested_types)
        yield message


def is_ours(message: Descriptor) -> bool:
    """Tell whether a message is of the contract's own package."""
    return message.file.package == _PACKAGE


def field_rule(field: FieldDescriptor) -> options_pb2.FieldRule:
    """The rule of a field; empty when it has none."""
    rule: options_pb2.FieldRule = field.GetOptions().Extensions[_RULE]
    return rule


def method_rule(method: MethodDescriptor) -> options_pb2.MethodRule:
    """The rule of a method; empty when it has none."""
    rule: options_pb2.MethodRule = method.GetOptions().Extensions[_METHOD_RULE]
    return rule


def disclosing_methods() -> frozenset[str]:
    """The methods whose answers can show private fields, as `Call.method` names them."""
    return frozenset(
        f"{service.full_name}/{method.name}"
        for service in services()
        for method in service.methods
        if method_rule(method).discloses
    )


def behaviors(field: FieldDescriptor) -> frozenset[int]:
    """The field's google.api.field_behavior values (AIP-203)."""
    return frozenset(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def record_kind(message: Descriptor) -> int:
    """The kind of stored record a message is; 0 when it is none."""
    kind: int = message.GetOptions().Extensions[_RECORD]
    return kind


def check_contract() -> None:
    """Raise ContractIncomplete unless every field and every method has its rule."""
    for service in services():
        for method in service.methods:
            if not method_rule(method).permission:
                raise ContractIncomplete(f"{method.full_name} has no permission")
    for message in messages():
        if message.file is options_pb2.DESCRIPTOR:  # the rules themselves are on no wire
            continue
        stored = record_kind(message) != 0
        for field in message.fields:
            _check_field(field, stored)


def _check_field(field: FieldDescriptor, stored: bool) -> None:
    rule = field_rule(field)
    if rule.sensitivity not in _SENSITIVITIES:
        raise ContractIncomplete(f"{field.full_name} has no sensitivity")
    if stored and rule.segment not in _SEGMENTS:
        raise ContractIncomplete(f"{field.full_name} has no segment")
    if not stored and rule.segment:
        raise ContractIncomplete(f"{field.full_name} has a segment but is no record's field")
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        raise ContractIncomplete(f"{field.full_name} is a map: validation does not walk maps")
