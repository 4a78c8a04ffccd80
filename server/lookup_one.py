"""The key of a lookup of one, found in its request's bytes: a number or a name in its plain form.

Written for speed: no message, no array. What is not exactly plain is left to lookup_keys.py, which
gives the same id.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from google.protobuf.message import Message

from opencif.v1.lookup_pb2 import AccountKey, AccountNumber, CardKey, LookupAccountsRequest
from server.account_numbers import AccountScheme
from tokenizer import normal
from tokenizer.identity import Identity, IdKind, NotAnId, text_to_id

__all__ = ["account_id", "card_id"]

_ROUTINGS_KEPT: Final = 4_096
_ROUTING_DIGITS: Final = 9
_ID_CHARACTERS: Final = 26


def _field(kind: type[Message], name: str) -> int:
    """The tag of a length-delimited field."""
    return kind.DESCRIPTOR.fields_by_name[name].number << 3 | 2


_KEYS: Final = _field(LookupAccountsRequest, "keys")  # as of cards


def _head(size: int, *nested: int) -> bytes:
    """What a request of so many bytes begins with: tag and length of the key and of its fields."""
    head = b""
    for tag in (_KEYS, *nested):
        head += bytes((tag, size - len(head) - 2))
    return head


_ROUTING_AT: Final = 6
_BEHIND: Final = _ROUTING_AT + _ROUTING_DIGITS
_NUMBER_AT: Final = _BEHIND + 2
_NUMBERS: Final = {
    size: _head(size, _field(AccountKey, "number"))
    + bytes((_field(AccountNumber, "routing_number"), _ROUTING_DIGITS))
    + bytes((_field(AccountNumber, "account_number"), size - _NUMBER_AT))
    for size in range(_NUMBER_AT + 1, _NUMBER_AT + 1 + normal.ACCOUNT_NUMBER_MAX)
}
"""What frames an account's number, by the size of the request."""
_TEXT_AT: Final = 4
_PANS: Final = {
    _TEXT_AT + length: _head(_TEXT_AT + length, _field(CardKey, "pan"))
    for length in normal.PAN_LENGTHS
}


def _named(kind: type[Message], collection: bytes) -> bytes:
    """What is before the id's text in a request for one name."""
    size = _TEXT_AT + len(collection) + _ID_CHARACTERS
    return _head(size, _field(kind, "name")) + collection


_ACCOUNT: Final = _named(AccountKey, b"accounts/")
_CARD: Final = _named(CardKey, b"cards/")


def account_id(
    data: bytes, identity: Identity, scheme_of: Callable[[str], AccountScheme]
) -> bytes | None:
    """The id of the account that a request asks for by its one plain key, and nothing else.

    None for any other request, and while numbers have ids under several generations.
    """
    if data[:_ROUTING_AT] + data[_BEHIND:_NUMBER_AT] != _NUMBERS.get(len(data)):
        return _named_id(data, _ACCOUNT)
    routing, number = data[_ROUTING_AT:_BEHIND], data[_NUMBER_AT:]
    if not number.isdigit():
        return None
    try:
        scheme = scheme_of(_routing_number(routing))
    except normal.NotNormal:
        return None
    if scheme.strips_leading_zeros:
        number = number.lstrip(b"0") or b"0"
    return identity.only_id(IdKind.ACCOUNT, routing + number)


def card_id(data: bytes, identity: Identity) -> bytes | None:
    """The same of a card."""
    if data[:_TEXT_AT] != _PANS.get(len(data)):
        return _named_id(data, _CARD)
    number = data[_TEXT_AT:]
    if not number.isdigit():
        return None
    try:
        normal.pan(number.decode("ascii"))
    except normal.NotNormal:
        return None
    return identity.only_id(IdKind.PAN, number)


@lru_cache(_ROUTINGS_KEPT)
def _routing_number(routing: bytes) -> str:
    """Raises NotNormal, and keeps nothing malformed."""
    return normal.routing_number(routing.decode("latin-1"))


def _named_id(data: bytes, head: bytes) -> bytes | None:
    """The id that a request for a name holds behind its head."""
    if len(data) != len(head) + _ID_CHARACTERS or not data.startswith(head):
        return None
    try:
        return text_to_id(data[len(head) :].decode("latin-1"))
    except NotAnId:
        return None
