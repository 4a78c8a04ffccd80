"""Resource names (AIP-122) to record ids and back; knows no record's content."""

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from opencif.v1.options_pb2 import (
    RECORD_KIND_ACCOUNT,
    RECORD_KIND_CARD,
    RECORD_KIND_CUSTOMER,
    RECORD_KIND_RELATIONSHIP,
)
from server.errors import InvalidArgument
from tokenizer.id_texts import record_texts, uuid_texts
from tokenizer.identity import NotAnId, id_to_text, text_to_id

__all__ = ["format", "format_many", "is_uuid", "parse"]

_COLLECTIONS: Final[dict[int, str]] = {
    RECORD_KIND_CUSTOMER: "customers/",
    RECORD_KIND_ACCOUNT: "accounts/",
    RECORD_KIND_CARD: "cards/",
    RECORD_KIND_RELATIONSHIP: "relationships/",
}
_COMPUTED: Final = frozenset({RECORD_KIND_ACCOUNT, RECORD_KIND_CARD})
_UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def parse(kind: int, name: str, field: str = "name") -> bytes:
    """The 16 bytes a name of this kind stands for.

    Raises InvalidArgument MALFORMED naming `field` for any other spelling than format's.
    """
    collection = _COLLECTIONS[kind]
    text = name[len(collection) :]
    if name.startswith(collection):
        if kind not in _COMPUTED:
            if is_uuid(text):
                return bytes.fromhex(text.replace("-", ""))
        else:
            try:
                return text_to_id(text)
            except NotAnId:
                pass
    raise InvalidArgument("MALFORMED", field)


def format(kind: int, record_id: bytes) -> str:  # noqa: A001  read as names.format
    """The name of a record id of 16 bytes."""
    if kind in _COMPUTED:
        return _COLLECTIONS[kind] + id_to_text(record_id)
    return _COLLECTIONS[kind] + str(UUID(bytes=record_id))


def format_many(kind: int, record_ids: Sequence[bytes]) -> list[str]:
    """The names of many record ids, as `format` has them."""
    texts = (record_texts if kind in _COMPUTED else uuid_texts)(record_ids)
    collection = _COLLECTIONS[kind]
    return [collection + text for text in texts]


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in canonical lower-case form (RFC 9562)."""
    return _UUID.fullmatch(text) is not None
