"""Which fields of a record's message stand in which sealed segment, read from the contract.

Pure bytes and descriptors; must not know keys or rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from google.api import field_behavior_pb2
from google.protobuf.message import Message

from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.customer_pb2 import Customer
from opencif.v1.relationship_pb2 import CustomerRelationship
from server.contract import behaviors, field_rule, record_kind
from tokenizer.sealing import SealBroken, Segment

__all__ = [
    "BOOKKEEPING",
    "SHAPES",
    "M",
    "Shape",
    "hide_inputs",
    "kind_of",
    "shape_of",
    "wire_fields",
]

M = TypeVar("M", bound=Message)

# Written with every version by Work: never the subject of a change.
BOOKKEEPING: Final = frozenset({"name", "uid", "version", "etag", "create_time", "update_time"})

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of record: its message and the segment of each of its fields, by number."""

    kind: int
    message: type[Message]
    segments: Mapping[int, Segment]

    @property
    def fields(self) -> list[tuple[str, int, Segment]]:
        """(name, number, segment) of every field, in the contract's order."""
        named = sorted((field.number, field.name) for field in self.message.DESCRIPTOR.fields)
        return [(name, number, self.segments[number]) for number, name in named]

    def split(self, message: Message, strays: Mapping[int, Segment]) -> dict[Segment, bytes]:
        """The plaintext of each segment, empty where it has no field set.

        `strays` says where fields unknown to this release were found; an unknown field that was
        found nowhere is not the server's to store.
        """
        data = message.SerializeToString(deterministic=True)
        parts: dict[Segment, list[bytes]] = {segment: [] for segment in Segment}
        for number, start, end in wire_fields(data):
            segment = self.segments.get(number) or strays.get(number)
            if segment is not None:
                parts[segment].append(data[start:end])
        return {segment: b"".join(found) for segment, found in parts.items()}

    def strays(self, plaintexts: Mapping[Segment, bytes]) -> dict[int, Segment]:
        """Numbers of fields this release does not know, with the segment each stands in."""
        return {
            number: segment
            for segment, plaintext in plaintexts.items()
            for number, _, _ in wire_fields(plaintext)
            if number not in self.segments
        }

    def changed_paths(
        self, before: Mapping[Segment, bytes], after: Mapping[Segment, bytes]
    ) -> list[str]:
        """Names of the fields whose bytes differ, in the contract's order.

        Only segments that `before` has are compared: the others were not opened, so not changed.
        """
        old = {segment: _fields(before[segment]) for segment in before}
        new = {segment: _fields(after[segment]) for segment in before}
        return [
            name
            for name, number, segment in self.fields
            if name not in BOOKKEEPING
            and segment in old
            and old[segment].get(number) != new[segment].get(number)
        ]

    def hide_numbers(self, message: Message) -> None:
        """Clear the fields of the number segment: no answer has them."""
        for name, _, segment in self.fields:
            if segment is Segment.NUMBER:
                message.ClearField(name)


def shape_of(of: type[Message]) -> Shape:
    """The shape of a record's message class."""
    return SHAPES[kind_of(of)]


def kind_of(of: type[Message]) -> int:
    """The kind of record a message class is; 0 for one that is none."""
    descriptor: Any = of.DESCRIPTOR  # the stub has two types of descriptor
    return record_kind(descriptor)


def hide_inputs(message: Message) -> None:
    """Clear INPUT_ONLY fields of the messages within: numbers are stored in their own segment."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for child in value if field.is_repeated else [value]:
            for inner, _ in child.ListFields():
                if field_behavior_pb2.INPUT_ONLY in behaviors(inner):
                    child.ClearField(inner.name)
            hide_inputs(child)


def wire_fields(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(field number, start, end) of each field in a serialized message, outermost level.

    Raises SealBroken for anything that is not one: only opened segments are read here.
    """
    position, size = 0, len(data)
    while position < size:
        start = position
        tag, position = _varint(data, position)
        wire_type = tag & 7
        if wire_type == _VARINT:
            _, position = _varint(data, position)
        elif wire_type == _BYTES:
            length, position = _varint(data, position)
            position += length
        elif wire_type == _FIXED_64:
            position += 8
        elif wire_type == _FIXED_32:
            position += 4
        else:
            raise SealBroken
        if position > size:
            raise SealBroken
        yield tag >> 3, start, position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data):
            raise SealBroken
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _fields(plaintext: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for number, start, end in wire_fields(plaintext):
        found[number] = found.get(number, b"") + plaintext[start:end]
    return found


def _segments(descriptor: Any) -> dict[int, Segment]:
    """The segment of every field of a record's message; ValueError for one that has none."""
    return {field.number: Segment(field_rule(field).segment) for field in descriptor.fields}


SHAPES: Final[Mapping[int, Shape]] = {
    kind_of(of): Shape(kind_of(of), of, _segments(of.DESCRIPTOR))
    for of in (Customer, Account, Card, CustomerRelationship)
}
