"""Text to fields and fields to text, by the contract's descriptors: options, CSV columns, tables.

Errors name the field, never the value.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, cast

from google.api import field_behavior_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from opencif.v1.options_pb2 import SENSITIVITY_RESTRICTED, FieldRule, record, rule

Setter = Callable[[Any, str], None]

_TIMESTAMP: Final = Timestamp.DESCRIPTOR.full_name
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LISTED_MAX: Final = 20
_RULE: Final[Any] = rule  # the stubs take extensions for plain field descriptors
_RECORD: Final[Any] = record
_BEHAVIOR: Final[Any] = field_behavior_pb2.field_behavior


class FormError(ValueError):
    """A text that is not what its field holds, or a field that does not exist."""

    def __init__(self, path: str, fact: str) -> None:
        self.path = path
        self.fact = fact
        super().__init__(f"{path}: {fact}")


def rule_of(field: FieldDescriptor) -> FieldRule:
    """What the contract says of a field."""
    return cast("FieldRule", field.GetOptions().Extensions[_RULE])


def is_restricted(field: FieldDescriptor) -> bool:
    """Whether it holds a full number."""
    return rule_of(field).sensitivity == SENSITIVITY_RESTRICTED


def is_record(kind: Descriptor | None) -> bool:
    """Whether a message is a stored record."""
    return kind is not None and bool(kind.GetOptions().Extensions[_RECORD])


def has_behavior(field: FieldDescriptor, behavior: int) -> bool:
    """Whether the field is so annotated (`google.api.field_behavior`)."""
    return behavior in field.GetOptions().Extensions[_BEHAVIOR]


def setter(kind: Descriptor, path: str) -> Setter:
    """What writes a text to the field at a dotted path: `parties.0.customer`, `person.given_name`.

    A list takes its items separated by `;`, a message `field=text,field=text` or JSON, an enum its
    value's name without the prefix. Raises: FormError, now for the path, later for the text.
    """
    write = _setter(kind, path)

    def write_or_say(message: Any, text: str) -> None:
        try:
            write(message, text)
        except FormError as error:
            raise FormError(path, error.fact) from None
        except ValueError:  # protobuf's own, which repeats the value
            raise FormError(path, "does not fit") from None

    return write_or_say


def message_type(field: FieldDescriptor) -> Descriptor:
    """The type of a message field."""
    assert field.message_type is not None
    return field.message_type


def described(message: Message) -> Descriptor:
    """A message's descriptor, whichever of protobuf's implementations made it."""
    return cast("Descriptor", message.DESCRIPTOR)


def _setter(kind: Descriptor, path: str) -> Setter:
    head, goes_on, rest = path.partition(".")
    field = kind.fields_by_name.get(head)
    if field is None:
        raise FormError(path, f"{kind.name} has no such field")
    if not goes_on:
        return _leaf(field)
    if field.message_type is None:
        raise FormError(path, f"{head} has no fields of its own")
    return _item(field, rest) if field.is_repeated else _member(field, rest)


def _member(field: FieldDescriptor, rest: str) -> Setter:
    inner = _setter(message_type(field), rest)
    return lambda message, text: inner(getattr(message, field.name), text)


def _item(field: FieldDescriptor, rest: str) -> Setter:
    index, _, rest = rest.partition(".")
    if not index.isdecimal() or int(index) > _LISTED_MAX:
        raise FormError(field.name, f"its items are numbered 0 to {_LISTED_MAX}")
    position = int(index)
    inner = _setter(message_type(field), rest)

    def write(message: Any, text: str) -> None:
        items = getattr(message, field.name)
        while len(items) <= position:
            items.add()
        inner(items[position], text)

    return write


def _leaf(field: FieldDescriptor) -> Setter:
    name = field.name
    if field.message_type is not None:

        def fill(message: Any, text: str) -> None:
            place = getattr(message, name)
            _fill(place.add() if field.is_repeated else place, text, name)

        return fill
    parse = _parser(field)
    if field.is_repeated:
        return lambda message, text: getattr(message, name).extend(
            parse(part.strip()) for part in text.split(";")
        )
    return lambda message, text: setattr(message, name, parse(text))


def _fill(message: Message, text: str, name: str) -> None:
    try:
        if message.DESCRIPTOR.full_name == _TIMESTAMP:
            json_format.Parse(f'"{text}"', message)
        elif text.lstrip().startswith("{"):
            json_format.Parse(text, message)
        else:
            for pair in text.split(","):
                key, found, value = pair.partition("=")
                if not found:
                    raise FormError(name, "give field=text,field=text or JSON")
                _pair(message, name, key.strip(), value.strip())
    except json_format.ParseError:
        raise FormError(name, f"not a {message.DESCRIPTOR.name}") from None


def _pair(message: Message, name: str, key: str, value: str) -> None:
    try:
        setter(described(message), key)(message, value)
    except FormError as error:
        raise FormError(name, str(error)) from None  # which of its fields it was


def _parser(field: FieldDescriptor) -> Callable[[str], Any]:
    if field.enum_type is not None:
        values = enum_names(field.enum_type)
        return lambda text: _found(values, text.upper(), field.name)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return lambda text: _found(_BOOLEANS, text.lower(), field.name)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return str
    return lambda text: _integer(text, field.name)


def _found(values: dict[str, Any], text: str, name: str) -> Any:
    if text not in values:
        raise FormError(name, f"is one of {', '.join(values)}")
    return values[text]


def _integer(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise FormError(name, "is a whole number") from None


@cache
def enum_names(kind: EnumDescriptor) -> dict[str, int]:
    """The values by their names without the prefix, the unspecified one left out."""
    prefix = _WORD_START.sub("_", kind.name).upper() + "_"
    return {value.name.removeprefix(prefix): value.number for value in kind.values if value.number}


def enum_name(kind: EnumDescriptor, number: int) -> str:
    """A value's name without the prefix; its number when this contract does not know it."""
    for name, value in enum_names(kind).items():
        if value == number:
            return name
    return str(number) if number else ""


def masked(text: str) -> str:
    """A number with all but its last four characters hidden."""
    return "*" * max(len(text) - 4, 0) + text[-4:] if len(text) > 4 else "*" * len(text)


def texts(message: Message, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every field that is set, as a dotted path and a text for people: full numbers masked."""
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if not field.is_repeated:
            yield from _texts_of(field, value, path)
        elif field.message_type is None:
            yield path, ", ".join(text for each in value for _, text in _texts_of(field, each, ""))
        else:
            for index, each in enumerate(value):
                yield from texts(each, f"{path}.{index}.")


def _texts_of(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if field.message_type is None:
        yield path, text_of(field, value)
    elif field.message_type.full_name == _TIMESTAMP:
        yield path, value.ToJsonString()
    else:
        yield from texts(value, f"{path}.")


def text_of(field: FieldDescriptor, value: Any) -> str:
    """One plain value for people."""
    if field.enum_type is not None:
        return enum_name(field.enum_type, value)
    if is_restricted(field):
        return masked(str(value))
    return "yes" if value is True else "no" if value is False else str(value)
