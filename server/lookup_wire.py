"""Finds the keys of a lookup in its request's bytes: batches of one kind of key in its plain form.

Knows framing only, not what a key leads to. What is not exactly plain is left to the generated
classes: nothing here may read bytes otherwise than they do.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

from opencif.v1.lookup_pb2 import AccountKey, AccountNumber, CardKey, LookupAccountsRequest
from tokenizer.rows import ID_CHARACTERS, ROW_BYTES, TEXT_MAX, Flags, Places

__all__ = ["FRAMES_OF_ACCOUNTS", "FRAMES_OF_CARDS", "PlainKeys", "find"]

KEYS_MAX: Final = 1000
ROUTING_DIGITS: Final = 9
ROUTING_BEFORE: Final = ROUTING_DIGITS + 2  # where a routing number starts, before the number
_TEXT_FROM: Final = ord("0")  # plain texts have no byte below, tags and lengths none above
_NOT_ASCII: Final = 0x80
_PADDING: Final = bytes(2 * ROW_BYTES)
_WORD_BYTES: Final = 8
_KIND_AT: Final = 2  # of a request that begins with a key: the tag of the key's field
BYTES_MIN: Final = 600  # of a request: below, one key at a time is faster


def _tag(kind: type[Message], name: str) -> int:
    """The tag of a length-delimited field."""
    return kind.DESCRIPTOR.fields_by_name[name].number << 3 | 2


_KEYS: Final = _tag(LookupAccountsRequest, "keys")  # as of cards


@dataclass(frozen=True, slots=True)
class PlainKeys:
    """Keys of one kind, in the order of the request that begins with them."""

    kind: str
    """The field of AccountKey or CardKey that they all have."""
    data: bytes = field(repr=False)
    """The request; padded, so that a row can be taken from any text on."""
    starts: Places
    """Of every key in `data`, at its tag."""
    ends: Places
    texts: Places
    """Where the text of every key starts; of a name, behind the collection."""
    lengths: Places
    is_digits: bool
    """Whether no text has a byte above "9"."""

    @property
    def end(self) -> int:
        """Where the request's other fields start."""
        return int(self.ends[-1])

    def message(self, position: int) -> bytes:
        """The bytes of one key's message."""
        return self.data[int(self.starts[position]) + 2 : int(self.ends[position])]


class _TextFrame:
    """Keys that end in a text of 1 to TEXT_MAX bytes behind its tag and length.

    Tags and lengths are below "0" and all of the text is not, so each stands where the control
    bytes are, if they are as many as a plain key has.
    """

    __slots__ = ("_controls", "_heads", "_kept", "_tag", "_text_at", "kind")

    def __init__(
        self, kind: str, heads: list[bytes], *, tag: int, text_at: int, controls: int
    ) -> None:
        """`heads`, by the text's length, are what a key begins with, at most a word.

        `tag` is the text's, two bytes before it; `controls` counts a key's tags and lengths.
        """
        self.kind = kind
        self._controls = controls
        self._text_at = text_at
        self._tag = tag
        self._kept = np.uint64((1 << 8 * len(heads[0])) - 1)
        words = [int.from_bytes(head, "little") for head in heads]
        self._heads = np.array([0, *words[1:], 0], "<u8")  # neither none nor too long

    def find(self, data: bytes) -> PlainKeys | None:
        """The keys that a request begins with."""
        padded = data + _PADDING
        octets = np.frombuffer(padded, np.uint8)
        marks = np.flatnonzero(octets[: len(data) + 1] < _TEXT_FROM)[:: self._controls]
        starts, ends = marks[:-1], marks[1:]
        texts = starts + self._text_at
        lengths = np.minimum(octets[texts - 1], TEXT_MAX + 1).astype(np.intp)
        plain = _words(padded, starts) & self._kept == self._heads[lengths]
        plain &= octets[texts - 2] == self._tag
        plain &= ends - texts == lengths
        return _leading(self.kind, padded, plain, (starts, ends, texts, lengths))


class _NameFrame:
    """Keys that are names whose ids are 26 characters: all of one length."""

    __slots__ = ("_first", "_head_bytes", "_last", "_size", "kind")

    def __init__(self, collection: bytes, tag: int) -> None:
        self.kind = "name"
        length = len(collection) + ID_CHARACTERS
        head = bytes((_KEYS, length + 2, tag, length)) + collection
        self._head_bytes = len(head)
        self._size = len(head) + ID_CHARACTERS
        self._first = int.from_bytes(head[:_WORD_BYTES], "little")
        self._last = int.from_bytes(head[-_WORD_BYTES:], "little")

    def find(self, data: bytes) -> PlainKeys | None:
        padded = data + _PADDING
        starts = np.arange(0, len(data) - self._size + 1, self._size)
        plain = _words(padded, starts) == self._first
        plain &= _words(padded, starts + (self._head_bytes - _WORD_BYTES)) == self._last
        lengths = np.full(len(starts), ID_CHARACTERS)
        places = (starts, starts + self._size, starts + self._head_bytes, lengths)
        return _leading(self.kind, padded, plain, places)


def find(data: bytes, frames: dict[int, "Frame"]) -> PlainKeys | None:
    """The keys that a request begins with, where numpy is worth its while.

    None where they are not plain, too few or too many.
    """
    if len(data) < BYTES_MIN or data[0] != _KEYS:
        return None
    frame = frames.get(data[_KIND_AT])
    return None if frame is None else frame.find(data)


def _words(data: bytes, starts: Places) -> npt.NDArray[np.uint64]:
    """The eight bytes from each start on, the first lowest."""
    every = np.ndarray((len(data) - _WORD_BYTES + 1,), "<u8", data, strides=(1,))
    return every[starts]


def _leading(
    kind: str, data: bytes, plain: Flags, places: tuple[Places, Places, Places, Places]
) -> PlainKeys | None:
    """The keys before the first that is not plain."""
    count = len(plain) if plain.all() else int(plain.argmin())
    if not 0 < count <= KEYS_MAX:
        return None
    starts, ends, texts, lengths = (each[:count] for each in places)
    highest = int(np.frombuffer(data, np.uint8, int(ends[-1])).max())
    if highest >= _NOT_ASCII:
        return None  # generated classes refuse what is not UTF-8
    return PlainKeys(kind, data, starts, ends, texts, lengths, highest <= ord("9"))


def _text_frame(kind: str) -> _TextFrame:
    """Of cards' keys: one field."""
    tag = _tag(CardKey, kind)
    heads = [bytes((_KEYS, 2 + length, tag, length)) for length in range(TEXT_MAX + 1)]
    return _TextFrame(kind, heads, tag=tag, text_at=4, controls=4)


def _number_frame() -> _TextFrame:
    """Of accounts' keys: a message of routing number and account number."""
    number = _tag(AccountKey, "number")
    routing = _tag(AccountNumber, "routing_number")
    before = 2 + ROUTING_DIGITS + 2
    heads = [
        bytes((_KEYS, 2 + before + length, number, before + length, routing, ROUTING_DIGITS))
        for length in range(TEXT_MAX + 1)
    ]
    tag = _tag(AccountNumber, "account_number")
    return _TextFrame("number", heads, tag=tag, text_at=4 + before, controls=8)


Frame = _TextFrame | _NameFrame
FRAMES_OF_ACCOUNTS: Final[dict[int, Frame]] = {
    _tag(AccountKey, "number"): _number_frame(),
    _tag(AccountKey, "name"): _NameFrame(b"accounts/", _tag(AccountKey, "name")),
}
FRAMES_OF_CARDS: Final[dict[int, Frame]] = {
    _tag(CardKey, "pan"): _text_frame("pan"),
    _tag(CardKey, "token"): _text_frame("token"),
    _tag(CardKey, "name"): _NameFrame(b"cards/", _tag(CardKey, "name")),
}
