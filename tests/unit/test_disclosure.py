"""Every RPC that can show a private field is one that is recorded: the contract says which."""

from google.protobuf.descriptor import Descriptor, MethodDescriptor

from opencif.v1.options_pb2 import SEGMENT_PRIVATE
from server.contract import disclosing_methods, field_rule, is_ours, method_rule, services

# What they show of a customer is no field of the record: the name in a notification of change.
NAMES_IN_CORRECTIONS = {
    "opencif.v1.AchResolutionService/ResolveAchEntries",
    "opencif.v1.AchResolutionService/ResolveAchFile",
}


def reaches_private(message: Descriptor, seen: set[str]) -> bool:
    """Whether a message has a field of a private segment, however deep."""
    if message.full_name in seen or not is_ours(message):
        return False
    seen.add(message.full_name)
    return any(
        field_rule(field).segment == SEGMENT_PRIVATE
        or (field.message_type is not None and reaches_private(field.message_type, seen))
        for field in message.fields
    )


def methods() -> dict[str, MethodDescriptor]:
    return {
        f"{service.full_name}/{method.name}": method
        for service in services()
        for method in service.methods
    }


def test_whoever_can_show_private_fields_changes_them_or_is_recorded() -> None:
    able = {name for name, each in methods().items() if reaches_private(each.output_type, set())}
    reads = {name for name in able if not method_rule(methods()[name]).mutation}
    assert reads, "the walk finds something"
    assert disclosing_methods() == reads | NAMES_IN_CORRECTIONS


def test_no_mutation_and_nothing_audited_is_recorded_twice() -> None:
    rules = [method_rule(methods()[name]) for name in disclosing_methods()]
    assert not any(rule.mutation or rule.audited for rule in rules)
