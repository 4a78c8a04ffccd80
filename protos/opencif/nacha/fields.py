"""The columns of a 94-character record: one place from which both reading and building work.

Knows nothing of files, batches or their rules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 94
BLANK = b" " * WIDTH


class FieldError(ValueError):
    """A value does not fit its column; names the field and says why, never the value."""

    def __init__(self, field: str, fact: str) -> None:
        super().__init__(f"{field} {fact}")
        self.field = field


class Column:
    """A field's place, in the 1-based inclusive positions the Nacha rules print."""

    __slots__ = ("default", "first", "last", "name", "place")
    numeric: ClassVar[bool] = False
    """Whether a record with anything but digits here is broken."""
    is_view: ClassVar[bool] = False
    """Whether other columns own the place, so that nothing is built from this one."""

    def __init__(self, first: int, last: int, default: str | int = "") -> None:
        self.first = first
        self.last = last
        self.place = slice(first - 1, last)
        self.default = default
        self.name = ""

    def __set_name__(self, owner: type[Record], name: str) -> None:
        self.name = name

    @property
    def width(self) -> int:
        """Characters the field takes."""
        return self.last - self.first + 1

    def encode(self, value: str | int) -> bytes:
        """The field's bytes: text to the left, filled with blanks.

        Raises: FieldError when the value is too long or not printable ASCII.
        """
        text = str(value)
        if len(text) > self.width:
            raise FieldError(self.name, f"is longer than {self.width} characters")
        if not (text.isascii() and text.isprintable()):
            raise FieldError(self.name, "has a character outside printable ASCII")
        return text.ljust(self.width).encode("ascii")


class Text(Column):
    """An alphanumeric field, read without the blanks around it."""

    __slots__ = ()

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> str: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | str:
        if record is None:
            return self
        return record.raw[self.place].decode("latin-1").strip(" ")


class Absent(Text):
    """A field that other layouts have and this one lacks: always empty."""

    __slots__ = ()
    is_view = True

    def __init__(self) -> None:
        super().__init__(1, 0)


class Numeric(Column):
    """A field of digits, to the right, zeros in front."""

    __slots__ = ()
    numeric = True

    def encode(self, value: str | int) -> bytes:
        """The digits, filled with zeros.

        Raises: FieldError when the value is not ASCII digits or too long.
        """
        text = str(value)
        if len(text) > self.width:
            raise FieldError(self.name, f"is longer than {self.width} digits")
        if text and not (text.isascii() and text.isdigit()):
            raise FieldError(self.name, "has a character that is not a digit")
        return text.zfill(self.width).encode("ascii")


class Digits(Numeric):
    """Digits that are a name, not a quantity: leading zeros belong to it."""

    __slots__ = ()

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> str: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | str:
        if record is None:
            return self
        return record.raw[self.place].decode("latin-1")


class DigitsView(Digits):
    """Several columns read as one name."""

    __slots__ = ()
    is_view = True


class Number(Numeric):
    """A quantity: a count, a code or an amount in minor units (cents)."""

    __slots__ = ()

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> int: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | int:
        if record is None:
            return self
        return int(record.raw[self.place])


class OptionalNumber(Numeric):
    """A quantity that may be left blank; read as None when it is not all digits."""

    __slots__ = ()
    numeric = False

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> int | None: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | int | None:
        if record is None:
            return self
        field = record.raw[self.place]
        return int(field) if field.isdigit() else None

    def encode(self, value: str | int) -> bytes:
        """As any number; an empty value stays blank."""
        return b" " * self.width if value == "" else super().encode(value)


class CardNumber:
    """A card number that only `reveal` shows; every way of printing it is masked."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def reveal(self) -> str:
        """The digits, without the field's fill; the caller now holds data in PCI scope."""
        return self._digits

    @property
    def masked(self) -> str:
        """All but the last four characters hidden."""
        return "*" * (len(self._digits) - 4) + self._digits[-4:] if len(self._digits) > 8 else "*"

    def __repr__(self) -> str:
        return f"CardNumber({self.masked})"

    def __str__(self) -> str:
        return self.masked

    def __format__(self, spec: str) -> str:
        return format(self.masked, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CardNumber) and self._digits == other._digits

    def __hash__(self) -> int:
        return hash(self._digits)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a card number is not pickled")


class Card(Column):
    """A card number: 22 digits, zeros in front (some senders fill with blanks)."""

    __slots__ = ()

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> CardNumber: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | CardNumber:
        if record is None:
            return self
        field = record.raw[self.place].decode("latin-1")
        return CardNumber(field.strip(" ").lstrip("0"))

    def encode(self, value: str | int | CardNumber) -> bytes:
        """The digits, to the right, filled with zeros.

        Raises: FieldError when the value is not ASCII digits or too long.
        """
        text = value.reveal() if isinstance(value, CardNumber) else str(value)
        if len(text) > self.width or (text and not (text.isascii() and text.isdigit())):
            raise FieldError(self.name, f"is not at most {self.width} digits")
        return text.zfill(self.width).encode("ascii")


class Record:
    """A view over one record's 94 bytes; fields are cut out when they are asked for.

    `raw` is the record as it was read or built, `line` its place in the file (0 when built here).
    """

    __slots__ = ("line", "raw")
    kind: ClassVar[bytes] = b""
    columns: ClassVar[dict[str, Column]] = {}
    pattern: ClassVar[re.Pattern[bytes]] = re.compile(rb"(?!)")
    defaults: ClassVar[bytes] = BLANK
    length_min: ClassVar[int] = WIDTH

    def __init__(self, raw: bytes, line: int = 0) -> None:
        self.raw = raw
        self.line = line

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {name: c for name, c in vars(cls).items() if isinstance(c, Column)}
        cls.columns = {name: c for name, c in (cls.columns | own).items() if not c.is_view}
        if cls.kind:
            cls.pattern = _pattern(cls.kind, list(cls.columns.values()))
            cls.defaults = _filled(
                cls, cls.kind.ljust(WIDTH), {name: c.default for name, c in cls.columns.items()}
            )

    @classmethod
    def build(cls, **values: str | int | CardNumber) -> Self:
        """A new record of these fields; the others take their defaults.

        Raises: FieldError for an unknown field or a value that does not fit.
        """
        return cls(_filled(cls, cls.defaults, values))

    def replace(self, **values: str | int | CardNumber) -> Self:
        """A copy with these fields changed. Raises: FieldError as `build` does."""
        return type(self)(_filled(type(self), self.raw, values), self.line)

    @classmethod
    def fault(cls, raw: bytes) -> int:
        """The 1-based column of the first numeric field that is not digits, 0 when all are."""
        faults = [c.first for c in cls.columns.values() if c.numeric and not raw[c.place].isdigit()]
        return min(faults, default=0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} type={self.raw[:1].decode('latin-1')} line={self.line}>"


def _filled(cls: type[Record], raw: bytes, values: Mapping[str, Any]) -> bytes:
    record = bytearray(raw)
    for name, value in values.items():
        column = cls.columns.get(name)
        if column is None:
            raise FieldError(name, f"is no field of {cls.__name__}")
        record[column.place] = column.encode(value)
    return bytes(record)


def _pattern(kind: bytes, columns: list[Column]) -> re.Pattern[bytes]:
    """One match says: 94 bytes, of this record type, every numeric field all digits."""
    parts = [re.escape(kind)]
    at = len(kind)
    for column in sorted((c for c in columns if c.numeric), key=lambda c: c.first):
        parts.append(b".{%d}[0-9]{%d}" % (column.first - 1 - at, column.width))
        at = column.last
    parts.append(b".{%d}" % (WIDTH - at))
    return re.compile(b"".join(parts), re.DOTALL)
