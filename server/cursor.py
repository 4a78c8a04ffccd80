"""Page tokens and consistency tokens: opaque to callers, MACed, useless elsewhere.

Owns their bytes and what each is bound to; must not know what a position in a list means.
"""

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from google.protobuf.message import Message

from repository.database import Position
from server.errors import InvalidArgument
from server.rpc import Call
from tokenizer.mac import Macs

__all__ = ["Cursors"]

PAGE_DOMAIN: Final = "page"
CONSISTENCY_DOMAIN: Final = "consistency"
MAC_BYTES: Final = 16

_POSITION: Final = struct.Struct(">8sQ")  # incarnation, xid
_LENGTH: Final = struct.Struct(">I")


class Cursors:
    """Makes and reads tokens.

    A page token serves the caller, the method and the request it was made for, whatever page_size
    comes with it (AIP-158 lets that change between pages).

    Lists go on behind the last key of a page over what there is now, in another incarnation of the
    database too. Pages of a history and consistency tokens name the incarnation that they are of.
    """

    __slots__ = ("_macs",)

    def __init__(self, macs: Macs) -> None:
        self._macs = macs

    def page_token(self, request: Message, call: Call, position: bytes) -> str:
        """The token of the page behind `position`, the last key that was returned."""
        tag = self._macs.mac(PAGE_DOMAIN, _bound(request, call, position))
        return _text(position + tag)

    def page_position(self, request: Message, call: Call) -> bytes | None:
        """The position in the request's page_token; None for the first page.

        Raises InvalidArgument INVALID_PAGE_TOKEN.
        """
        text: str = request.page_token  # type: ignore[attr-defined]  # every List request has one
        if not text:
            return None
        whole = _bytes(text)
        position, tag = whole[:-MAC_BYTES], whole[-MAC_BYTES:]
        bound = _bound(request, call, position)
        if not position or not self._macs.verify(PAGE_DOMAIN, bound, tag):
            raise InvalidArgument("INVALID_PAGE_TOKEN", "page_token")
        return position

    def consistency_token(self, position: Position) -> str:
        """The token by which a later read includes everything up to `position`."""
        packed = _POSITION.pack(*position)
        return _text(packed + self._macs.mac(CONSISTENCY_DOMAIN, packed))

    def consistency_position(self, token: str) -> Position:
        """The position in a consistency token.

        Raises InvalidArgument INVALID_CONSISTENCY_TOKEN; an older incarnation is the reader's to
        judge.
        """
        whole = _bytes(token)
        packed, tag = whole[:-MAC_BYTES], whole[-MAC_BYTES:]
        if len(packed) != _POSITION.size or not self._macs.verify(CONSISTENCY_DOMAIN, packed, tag):
            raise InvalidArgument("INVALID_CONSISTENCY_TOKEN", "consistency.at_least_as_fresh")
        return Position(*_POSITION.unpack(packed))


def _bound(request: Message, call: Call, position: bytes) -> bytes:
    """What a page token is MACed with: caller, method, the request's filters, position."""
    filters = type(request)()
    filters.CopyFrom(request)
    filters.ClearField("page_token")
    filters.ClearField("page_size")
    parts = (
        call.caller.identity.encode(),
        call.method.encode(),
        filters.SerializeToString(deterministic=True),
        position,
    )
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def _text(whole: bytes) -> str:
    return urlsafe_b64encode(whole).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    """The bytes of a token's text; empty, which no MAC fits, for anything else."""
    try:
        whole = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error):
        return b""
    return whole if _text(whole) == text else b""
