"""Which fields of a record's message stand in which sealed segment, read from the contract.

Pure bytes and descriptors; must not know keys or rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from opencif.v1.account_pb2 import Account
from opencif.v1.card_pb2 import Card
from opencif.v1.customer_pb2 import Customer
from opencif.v1.relationship_pb2 import CustomerRelationship
from server.contract import behaviors, field_rule, is_ours, record_kind
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

_VARINT, _BYTES = 0, 2
_FIXED_SIZES = {1: 8, 5: 4}  # wire type -> bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of record: its message and the segment of each of its fields, by number."""

    kind: int
    message: type[Message]
    segments: Mapping[int, Segment]
    tail: Sequence[str] = ()
    """The fields of the number segment, where they come last and all others are operational."""

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
        if self.tail and not len(UnknownFieldSet(message)):  # a third of the time
            number = self._number(message)
            operational = data[: len(data) - len(number)]
            return {Segment.OPERATIONAL: operational, Segment.PRIVATE: b"", Segment.NUMBER: number}
        return self._walked(data, strays)

    def _number(self, message: Message) -> bytes:
        apart: Any = self.message()
        for name in self.tail:
            value = getattr(message, name)
            if isinstance(value, str):
                setattr(apart, name, value)
            else:
                getattr(apart, name).MergeFrom(value)
        plaintext: bytes = apart.SerializeToString(deterministic=True)
        return plaintext

    def _walked(self, data: bytes, strays: Mapping[int, Segment]) -> dict[Segment, bytes]:
        """The fields of each segment, as they come in the bytes."""
        parts: dict[Segment, list[bytes]] = {segment: [] for segment in Segment}
        get = self.segments.get
        former, begin, last = None, 0, 0
        for number, start, end in wire_fields(data):
            segment = get(number) or strays.get(number)
            if segment is not former:  # fields of a segment mostly come in one run
                if former is not None:
                    parts[former].append(data[begin:start])
                former, begin = segment, start
            last = end
        if former is not None:
            parts[former].append(data[begin:last])
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
    descriptor: Any = message.DESCRIPTOR  # the stub has two types of descriptor
    for name, is_repeated, hidden in _inputs_within(descriptor):
        value = getattr(message, name)
        for child in value if is_repeated else [value] if message.HasField(name) else ():
            for inner in hidden:
                child.ClearField(inner)
            hide_inputs(child)


@cache
def _inputs_within(descriptor: Descriptor) -> tuple[tuple[str, bool, tuple[str, ...]], ...]:
    """(name, is repeated, INPUT_ONLY fields) of the fields that have such fields within."""
    found = []
    for field in descriptor.fields:
        child = field.message_type
        if child is None or not is_ours(child):
            continue
        hidden = tuple(
            inner.name
            for inner in child.fields
            if field_behavior_pb2.INPUT_ONLY in behaviors(inner)
        )
        if hidden or _inputs_within(child):
            found.append((field.name, bool(field.is_repeated), hidden))
    return tuple(found)


def wire_fields(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(field number, start, end) of each field in a serialized message, outermost level.

    Written for speed: tags and lengths are mostly one byte. Raises SealBroken for anything that
    is not a message: only opened segments are read here.
    """
    position, size = 0, len(data)
    try:
        while position < size:
            start = position
            tag = data[position]
            position += 1
            if tag > 0x7F:
                tag, position = _varint(data, start)
            wire_type = tag & 7
            if wire_type == _BYTES:
                length = data[position]
                position += 1
                if length > 0x7F:
                    length, position = _varint(data, position - 1)
                position += length
            elif wire_type == _VARINT:
                while data[position] > 0x7F:
                    position += 1
                position += 1
            else:
                position += _FIXED_SIZES[wire_type]
            if position > size:
                raise SealBroken
            yield tag >> 3, start, position
    except (IndexError, KeyError):
        raise SealBroken from None


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
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


def _tail(descriptor: Any, segments: Mapping[int, Segment]) -> list[str]:
    numbers = {number for number in segments if segments[number] is Segment.NUMBER}
    others = {segments[number] for number in segments.keys() - numbers}
    if others != {Segment.OPERATIONAL} or not numbers:
        return []
    is_last = min(numbers) > max(segments.keys() - numbers)
    return [descriptor.fields_by_number[number].name for number in numbers] if is_last else []


def _shape(of: type[Message]) -> Shape:
    segments = _segments(of.DESCRIPTOR)
    return Shape(kind_of(of), of, segments, _tail(of.DESCRIPTOR, segments))


SHAPES: Final[Mapping[int, Shape]] = {
    kind_of(of): _shape(of) for of in (Customer, Account, Card, CustomerRelationship)
}
