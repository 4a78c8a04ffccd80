"""Finds planted values in bytes, however they were written: as text, base64, hexadecimal or BCD.

Pure but for reading files; says which value it found and where, never the value.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LENGTH_MIN = 8
DIGITS_MIN = 9
_CODECS = ("utf-8", "utf-16-le", "utf-16-be")


@dataclass(frozen=True)
class Leak:
    """A planted value, known by its label, found in one encoding at one place."""

    label: str
    encoding: str
    place: str


@dataclass(frozen=True)
class Needle:
    """Bytes that betray a value; `pattern` says what stands around them, where that matters."""

    encoding: str
    literal: bytes
    pattern: re.Pattern[bytes] | None = None

    def is_in(self, data: bytes) -> bool:
        """Whether the data holds it."""
        if self.literal not in data:
            return False
        return self.pattern is None or self.pattern.search(data) is not None


def scan(data: bytes, planted: Mapping[str, str], place: str) -> Iterator[Leak]:
    """Every planted value that the bytes hold, once for each encoding."""
    for label, value in planted.items():
        found = {needle.encoding for needle in needles(value) if needle.is_in(data)}
        yield from (Leak(label, encoding, place) for encoding in sorted(found))


def scan_tree(directory: Path, planted: Mapping[str, str]) -> list[Leak]:
    """The same for every file below a directory; equal files are read once."""
    seen: set[bytes] = set()
    leaks: list[Leak] = []
    for path in sorted(directory.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes().rstrip(b"\0")
        digest = hashlib.blake2b(data).digest()
        if digest not in seen:
            seen.add(digest)
            leaks += scan(data, planted, str(path.relative_to(directory)))
    return leaks


@cache
def needles(value: str) -> Sequence[Needle]:
    """What to look for. Raises ValueError for a value so short that chance would find it."""
    if len(value) < LENGTH_MIN:
        raise ValueError("a planted value is 8 characters or more, so that chance finds none")
    digits = re.sub(r"[ .+-]", "", value)
    made: list[Needle] = []
    for text in {value, value.lower(), value.upper(), digits if digits.isdigit() else value}:
        encoded = text.encode()
        made += (Needle(codec, text.encode(codec)) for codec in _CODECS)
        made += (
            Needle("hexadecimal", written.encode())
            for written in (encoded.hex(), encoded.hex().upper())
        )
        made += (
            Needle("base64", _base64(encoded, alignment, alphabet))
            for alignment in range(3)
            for alphabet in (b"+/", b"-_")
        )
    if digits.isdigit() and len(digits) >= DIGITS_MIN:
        made += (_bcd(digits, starts_low=starts_low) for starts_low in (False, True))
    return made


def _base64(encoded: bytes, alignment: int, alphabet: bytes) -> bytes:
    """The characters that the value makes for certain, `alignment` bytes into a group of three.

    The first and last ones depend on its neighbours too, and are left out.
    """
    whole = base64.b64encode(b"\0" * alignment + encoded, altchars=alphabet)
    first = -(-alignment * 8 // 6)
    last = (alignment + len(encoded)) * 8 // 6
    return whole[first:last]


def _bcd(digits: str, *, starts_low: bool) -> Needle:
    """Packed decimal digits; a first or last one that shares its byte has any neighbour."""
    head = _one_of(f"{n:x}{digits[0]}" for n in range(16)) if starts_low else b""
    rest = digits[1:] if starts_low else digits
    pairs = bytes.fromhex(rest[: len(rest) // 2 * 2])
    tail = _one_of(f"{rest[-1]}{n:x}" for n in range(16)) if len(rest) % 2 else b""
    return Needle("bcd", pairs, re.compile(head + re.escape(pairs) + tail))


def _one_of(hexadecimal: Iterable[str]) -> bytes:
    return b"[%s]" % b"".join(rb"\x%s" % pair.encode() for pair in hexadecimal)
