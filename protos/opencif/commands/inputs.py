"""A request's fields as arguments and options, and what was given for them as a request."""

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, Final, NamedTuple

import typer
from google.api.field_behavior_pb2 import OUTPUT_ONLY, REQUIRED
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from opencif.commands.forms import (
    FormError,
    described,
    enum_names,
    has_behavior,
    is_record,
    is_restricted,
    message_type,
    rule_of,
    setter,
)
from opencif.commands.session import secret
from opencif.v1.options_pb2 import FORMAT_PAN, Format

_LEFT_OUT: Final = frozenset({"page_token", "update_mask", "consistency"})
_JSON_FILE: Final = "json_file"
_HINTS: Final = {
    Format.FORMAT_DATE: "YYYY-MM-DD",
    Format.FORMAT_PAST_DATE: "YYYY-MM-DD",
    Format.FORMAT_MONTH: "YYYY-MM",
    Format.FORMAT_COUNTRY: "two letters",
    Format.FORMAT_CURRENCY: "three letters",
    Format.FORMAT_ROUTING_NUMBER: "nine digits",
    Format.FORMAT_CODE: "a code: A-Z, 0-9, _",
    Format.FORMAT_UUID: "a UUID",
    Format.FORMAT_CUSTOMER_NAME: "customers/...",
    Format.FORMAT_ACCOUNT_NAME: "accounts/...",
    Format.FORMAT_CARD_NAME: "cards/...",
    Format.FORMAT_RELATIONSHIP_NAME: "relationships/...",
}


class Input(NamedTuple):
    """One argument or option: its name and the field it fills, by a path from the request."""

    name: str
    path: str
    field: FieldDescriptor
    is_required: bool
    is_argument: bool


def inputs_of(kind: Descriptor) -> Iterator[Input]:
    """A required message's own fields stand beside the request's."""
    is_update = "update_mask" in kind.fields_by_name
    for field in kind.fields:
        if field.name in _LEFT_OUT:
            continue
        if field.name == "page_size":
            yield Input("limit", field.name, field, is_required=False, is_argument=False)
            continue
        if field.message_type is None or field.is_repeated or not has_behavior(field, REQUIRED):
            is_required = has_behavior(field, REQUIRED) and field.name != "request_id"
            yield Input(field.name, field.name, field, is_required, field.name == "name")
            continue
        for inner in message_type(field).fields:
            path = f"{field.name}.{inner.name}"
            if is_update and inner.name == "name":
                yield Input("name", path, inner, is_required=True, is_argument=True)
            elif not has_behavior(inner, OUTPUT_ONLY):
                is_required = has_behavior(inner, REQUIRED) and not is_update
                yield Input(inner.name, path, inner, is_required, is_argument=False)


def record_field(kind: Descriptor) -> FieldDescriptor | None:
    """The field of a request or an answer that holds a whole record."""
    return next((f for f in kind.fields if is_record(f.message_type) and not f.is_repeated), None)


def parameter(entry: Input) -> inspect.Parameter:
    """How typer is told of it."""
    field, flag = entry.field, _flag(entry)
    kind: Any = str
    default: Any = ""
    option = typer.Option(flag, help=_hint(entry))
    if entry.is_argument:
        return inspect.Parameter(
            entry.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            annotation=Annotated[str, typer.Argument(help=_hint(entry))],
        )
    if field.is_repeated:
        kind, default = list[str], ()
    elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        kind, default = bool | None, None
        option = typer.Option(f"{flag}/--no-{flag[2:]}", help=_hint(entry), show_default=False)
    return inspect.Parameter(
        entry.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, option],
    )


def _flag(entry: Input) -> str:
    return f"--{entry.name.replace('_', '-')}"


def _hint(entry: Input) -> str:
    field = entry.field
    hint = _HINTS.get(rule_of(field).format, "")
    if entry.name == "limit":
        hint = "The most to show; 100 when not given."
    elif field.enum_type is not None:
        hint = ", ".join(enum_names(field.enum_type))
    elif field.message_type is not None and field.message_type.name == "Timestamp":
        hint = "RFC 3339, such as 2026-01-31T12:00:00Z"
    elif field.message_type is not None:
        hint = f"JSON, or field=text,... of: {', '.join(_fields_to_give(field))}"
    elif is_restricted(field):
        hint = "- reads it from standard input"
    return ("Required. " if entry.is_required and not entry.is_argument else "") + hint


def _fields_to_give(field: FieldDescriptor) -> list[str]:
    return [
        inner.name for inner in message_type(field).fields if not has_behavior(inner, OUTPUT_ONLY)
    ]


def filled(request: Message, inputs: list[Input], given: dict[str, Any]) -> Message:
    """The request with what was given written into it. Raises: FormError."""
    json_file = given.get(_JSON_FILE)
    target = record_field(described(request))
    if json_file and target is not None:
        place = getattr(request, target.name)
        try:
            json_format.Parse(json_file.read(), place)
        except json_format.ParseError:
            raise FormError("--json-file", f"not a {place.DESCRIPTOR.name} as JSON") from None
    mask: list[str] = []
    for entry in inputs:
        value = given[entry.name]
        if value is None or value in ("", (), []):
            continue
        write = setter(described(request), entry.path)
        for text in value if isinstance(value, list | tuple) else [value]:
            try:
                write(request, _text(entry, text))
            except FormError as error:
                raise FormError(_flag(entry), error.fact) from None
        if "." in entry.path and not entry.is_argument:
            mask.append(entry.field.name)
    _check_required(request, inputs)
    _set_mask(request, mask, target)
    return request


def _text(entry: Input, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if is_restricted(entry.field) and (text == "-" or rule_of(entry.field).format == FORMAT_PAN):
        return secret(text, entry.name.replace("_", " "))
    return text


def _check_required(request: Message, inputs: list[Input]) -> None:
    for entry in inputs:
        place: Any = request
        for part in entry.path.split("."):
            place = getattr(place, part)
        if entry.is_required and not place:
            raise FormError(_flag(entry), "is required")


def _set_mask(request: Any, given: list[str], target: FieldDescriptor | None) -> None:
    """An update changes what was given, in options or in the JSON file."""
    if "update_mask" not in request.DESCRIPTOR.fields_by_name or target is None:
        return
    set_fields = (field for field, _ in getattr(request, target.name).ListFields())
    told = {field.name for field in set_fields if not has_behavior(field, OUTPUT_ONLY)}
    request.update_mask.paths.extend(sorted(told | set(given)))
    if not request.update_mask.paths:
        raise FormError("update", "give at least one field to change")


def json_file_parameter() -> inspect.Parameter:
    """The option that takes a whole record."""
    option = typer.Option(help="The record as JSON, as --json prints it; - for standard input.")
    return inspect.Parameter(
        _JSON_FILE,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[typer.FileText | None, option],
    )
