"""Holds requests to their contract: required fields, forms, lengths, items, enums, masks.

Compiles each message type once, from its descriptor, into closures; knows no entity and no state.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1 import options_pb2
from server.card_data import holds_card_data
from server.contract import behaviors, field_rule, is_ours, record_kind
from server.errors import InvalidArgument
from server.forms import FORMS

__all__ = ["check_mask", "validate"]

BYTES_MAX: Final = 256
ITEMS_MAX: Final = 1000
MASK_PATHS_MAX: Final = 256
ACCEPTED_MAX: Final = 4_096
_FIRST_SECOND: Final = -62_135_596_800  # 0001-01-01T00:00:00Z
_LAST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
_SEARCHED: Final = (options_pb2.SENSITIVITY_INTERNAL, options_pb2.SENSITIVITY_PERSONAL)
# Forms that a card number may have, of fields that are stored, some of them in clear columns.
_SEARCHED_FORMS: Final = frozenset(
    {options_pb2.FORMAT_CODE, options_pb2.FORMAT_LOCALE, options_pb2.FORMAT_TIME_ZONE}
)
# Forms of which the same few texts come again and again, and that what was right stays right under.
_RECURRING: Final = frozenset(
    {
        options_pb2.FORMAT_CODE,
        options_pb2.FORMAT_COUNTRY,
        options_pb2.FORMAT_CURRENCY,
        options_pb2.FORMAT_DATE,
        options_pb2.FORMAT_LOCALE,
        options_pb2.FORMAT_MONTH,
        options_pb2.FORMAT_ROUTING_NUMBER,
        options_pb2.FORMAT_TIME_ZONE,
    }
)
_NOBODYS: Final = (options_pb2.SENSITIVITY_PUBLIC, options_pb2.SENSITIVITY_INTERNAL)
_UNCHANGEABLE: Final = {field_behavior_pb2.OUTPUT_ONLY, field_behavior_pb2.IMMUTABLE}

Check = Callable[[Any], None]  # of a message or a field's value; raises InvalidArgument
Reason = Callable[[Any], str | None]  # of a scalar, a Timestamp


class _Mode(NamedTuple):
    """How a message is held: as a loader gives it, as an update gives it, or in full."""

    keeps_output_only: bool = False
    partial: bool = False


_FULL: Final = _Mode()
_LOADED: Final = _Mode(keeps_output_only=True)
_PARTIAL: Final = _Mode(partial=True)


def validate(message: Message, *, keep_output_only: bool = False) -> None:
    """Raise InvalidArgument, with the path of the first field that breaks its rule.

    Clears output-only fields, which callers may send back (AIP-203), unless a loader gives them.
    Items of a field with item_results are counted, not walked: what is wrong with one is its own
    result, so the servicer calls this for each.
    """
    mode = _LOADED if keep_output_only else _FULL
    _message_check(message.DESCRIPTOR, mode)(message)


def check_mask(record: Descriptor, mask: FieldMask, field: str = "update_mask") -> None:
    """Raise InvalidArgument unless every path names a field of `record` that callers may change."""
    if not mask.paths:
        raise InvalidArgument("REQUIRED", field)
    if len(mask.paths) > MASK_PATHS_MAX:
        raise InvalidArgument("TOO_LONG", field)
    for path in mask.paths:
        steps = _steps(record, path)
        if not steps or any(behaviors(step) & _UNCHANGEABLE for step in steps):
            raise InvalidArgument("INVALID_FIELD_MASK", field)


def _steps(record: Descriptor, path: str) -> list[FieldDescriptor]:
    """The fields that a mask's path leads through; empty when it leads nowhere."""
    steps: list[FieldDescriptor] = []
    owner: Descriptor | None = record
    for name in path.split("."):
        if owner is None or not is_ours(owner) or (field := owner.fields_by_name.get(name)) is None:
            return []
        steps.append(field)
        owner = None if field.is_repeated else field.message_type
    return steps


@cache
def _message_check(descriptor: Descriptor, mode: _Mode) -> Check:
    """The check of one message type; nested types are compiled when they are first met."""
    checks: dict[int, Check] = {}
    cleared: dict[int, str] = {}
    required: dict[int, InvalidArgument] = {}
    accepted: dict[int, set[Any]] = {}
    updated = _updated_field(descriptor)
    for field in descriptor.fields:
        behavior = behaviors(field)
        if field_behavior_pb2.OUTPUT_ONLY in behavior and not mode.keeps_output_only:
            cleared[field.number] = field.name
            continue
        if field_behavior_pb2.REQUIRED in behavior and not mode.partial:
            required[field.number] = _missing(field)
        if check := _field_check(field, _PARTIAL if field is updated else mode):
            checks[field.number] = check
            if (values := _accepted(field)) is not None:
                accepted[field.number] = values
    if mode.partial and record_kind(descriptor):  # an update names its record
        name = descriptor.fields_by_name["name"]
        cleared.pop(name.number, None)
        required[name.number] = _missing(name)
        checks[name.number] = _field_check(name, _FULL) or _pass
    walk = _walk(checks, cleared, required, accepted)
    return walk if updated is None else _with_mask(walk, updated)


def _walk(
    checks: Mapping[int, Check],
    cleared: Mapping[int, str],
    required: Mapping[int, InvalidArgument],
    accepted: Mapping[int, set[Any]],
) -> Check:
    """Written for speed: every row of a load comes this way, and values mostly came before."""
    demanded = frozenset(required)

    def check(message: Message) -> None:
        fields = message.ListFields()
        for field, value in fields:
            number = field.number
            if (known := accepted.get(number)) is not None:
                if value in known:
                    continue
                checks[number](value)
                if len(known) < ACCEPTED_MAX:
                    known.add(value)
            elif number in cleared:
                message.ClearField(cleared[number])
            elif found := checks.get(number):
                found(value)
        if demanded:
            missing = demanded.difference([field.number for field, _ in fields])
            if missing:
                fault = required[min(missing)]
                raise InvalidArgument(fault.reason, fault.field)

    return check


def _accepted(field: FieldDescriptor) -> set[Any] | None:
    """Where values of a field are kept that were checked and found right; None where none are.

    Only of fields that tell nothing about a person or an account.
    """
    if field.is_repeated:
        return None
    if field.enum_type is not None:
        return set(field.enum_type.values_by_number)
    rule = field_rule(field)
    recurs = rule.format in _RECURRING and rule.sensitivity in _NOBODYS
    return set() if recurs else None


def _missing(field: FieldDescriptor) -> InvalidArgument:
    if field.is_repeated:
        return InvalidArgument("EMPTY_BATCH", field.name)
    if field.enum_type is not None:
        return InvalidArgument("UNKNOWN_ENUM_VALUE", field.name)
    return InvalidArgument("REQUIRED", field.name)


def _field_check(field: FieldDescriptor, mode: _Mode) -> Check | None:
    """The check of a field's value, whatever its cardinality; None when there is none to make."""
    rule = field_rule(field)
    if field.message_type is not None and is_ours(field.message_type):
        one = _nested(field.message_type, mode)
    elif reason := _scalar_reason(field, rule):
        one = _refused(reason)
    else:
        one = None
    if not field.is_repeated:
        return one and _at(field.name, one)
    return _items(field.name, rule.max_items or ITEMS_MAX, None if rule.item_results else one)


def _nested(descriptor: Descriptor, mode: _Mode) -> Check:
    compiled: list[Check] = []  # when first met: a message may hold its own kind

    def check(value: Message) -> None:
        if not compiled:
            compiled.append(_message_check(descriptor, mode))
        compiled[0](value)

    return check


def _refused(reason_for: Reason) -> Check:
    def check(value: Any) -> None:
        if reason := reason_for(value):
            raise InvalidArgument(reason)

    return check


def _at(name: str, one: Check) -> Check:
    def check(value: Any) -> None:
        try:
            one(value)
        except InvalidArgument as fault:
            raise InvalidArgument(fault.reason, _joined(name, fault.field)) from None

    return check


def _items(name: str, items_max: int, one: Check | None) -> Check:
    def check(values: Sequence[Any]) -> None:
        if len(values) > items_max:
            raise InvalidArgument("TOO_LONG", name)
        if one is None:
            return
        for position, value in enumerate(values):
            try:
                one(value)
            except InvalidArgument as fault:
                path = _joined(f"{name}[{position}]", fault.field)
                raise InvalidArgument(fault.reason, path) from None

    return check


def _joined(name: str, rest: str) -> str:
    return f"{name}.{rest}" if rest else name


def _pass(_: Any) -> None:
    """Find nothing wrong."""


def _scalar_reason(field: FieldDescriptor, rule: options_pb2.FieldRule) -> Reason | None:
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text_reason(rule)
    if field.enum_type is not None:
        known = frozenset(field.enum_type.values_by_number)
        return lambda value: None if value in known else "UNKNOWN_ENUM_VALUE"
    if field.message_type is not None and field.message_type is Timestamp.DESCRIPTOR:
        return _time_reason
    if field.name == "page_size":
        return lambda value: "INVALID_PAGE_SIZE" if value < 0 else None
    return None


def _text_reason(rule: options_pb2.FieldRule) -> Reason:
    bytes_max = rule.max_bytes or BYTES_MAX
    form = FORMS[rule.format] if rule.format else None
    searched = rule.format in _SEARCHED_FORMS if rule.format else rule.sensitivity in _SEARCHED

    def reason(text: str) -> str | None:
        size = len(text) if text.isascii() else len(text.encode())
        if size > bytes_max:
            return "TOO_LONG"
        if "\0" in text:
            return "NUL_IN_TEXT"
        if searched and holds_card_data(text):
            return "CARD_NUMBER_IN_TEXT"
        return form(text) if form is not None else None

    return reason


def _time_reason(time: Timestamp) -> str | None:
    in_range = _FIRST_SECOND <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < 10**9
    return None if in_range else "INVALID_DATE"


def _updated_field(descriptor: Descriptor) -> FieldDescriptor | None:
    """The record field of an update's request (AIP-134); None for any other message."""
    if "update_mask" not in descriptor.fields_by_name:
        return None
    for field in descriptor.fields:
        if field.message_type is not None and record_kind(field.message_type):
            return field
    return None


def _with_mask(walk: Check, updated: FieldDescriptor) -> Check:
    """Hold the mask to the record's fields, and only what it names to REQUIRED."""
    record_type = updated.message_type
    assert record_type is not None

    def check(message: Any) -> None:
        walk(message)
        check_mask(record_type, message.update_mask)
        record = getattr(message, updated.name)
        for path in message.update_mask.paths:
            _check_named(record, _steps(record_type, path), f"{updated.name}.{path}")

    return check


def _check_named(record: Message, steps: list[FieldDescriptor], path: str) -> None:
    owner: Any = record
    *parents, field = steps
    for parent in parents:
        owner = getattr(owner, parent.name)  # an absent message reads as an empty one
    present = {each.number: value for each, value in owner.ListFields()}
    try:
        if field.number in present:
            if check := _field_check(field, _FULL):
                check(present[field.number])
        elif field_behavior_pb2.REQUIRED in behaviors(field):
            raise _missing(field)
    except InvalidArgument as fault:
        raise InvalidArgument(fault.reason, path + fault.field.removeprefix(field.name)) from None
