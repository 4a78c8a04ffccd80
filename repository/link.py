"""Indexes from one record's key to others' ids: reads only, links are written with records."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from repository.database import Database

__all__ = ["Link", "LinkStore", "Relation"]

PAGE = """
SELECT id FROM link WHERE relation = $1 AND key = $2 AND id > $3 ORDER BY id LIMIT $4"""

# Index scans of one key each, cut off: a shared key may have more ids than anybody wants.
GET_MANY = """
SELECT given.key, found.id FROM (SELECT DISTINCT unnest($2::bytea[]) AS key) AS given
CROSS JOIN LATERAL (
    SELECT id FROM link WHERE relation = $1 AND key = given.key ORDER BY id LIMIT $3
) AS found ORDER BY given.key, found.id"""

PER_KEY_MAX: Final = 1_000


class Relation(IntEnum):
    """What a link's key is, and what its id names."""

    CUSTOMER_ACCOUNT = 1
    CUSTOMER_CARD = 2
    ACCOUNT_CARD = 3
    CUSTOMER_RELATIONSHIP = 4
    DPAN_CARD = 5
    IDENTIFIER_CUSTOMER = 6
    TOKEN_REFERENCE_CARD = 7


class Link(NamedTuple):
    """One link. An exclusive key (SSN, LEI, DPAN ...) has one id at most."""

    relation: int
    key: bytes
    id: bytes
    exclusive: bool = False


class LinkStore:
    """Reads of links, keyset-paged or in batches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        relation: int,
        key: bytes,
        *,
        after: bytes | None = None,
        limit: int,
        deadline: float | None = None,
    ) -> list[bytes]:
        """At most `limit` ids behind `after`, in id order."""
        rows = await self._database.fetch(
            PAGE, relation, key, after or b"", limit, deadline=deadline
        )
        return [row[0] for row in rows]

    async def get_many(
        self,
        relation: int,
        keys: Sequence[bytes],
        *,
        limit: int = PER_KEY_MAX,
        primary: bool = False,
        deadline: float | None = None,
    ) -> dict[bytes, list[bytes]]:
        """Key -> its first `limit` ids in order, of those keys that have any; one statement."""
        rows = await self._database.fetch(
            GET_MANY, relation, keys, limit, primary=primary, deadline=deadline
        )
        found: dict[bytes, list[bytes]] = {}
        for key, id_ in rows:
            found.setdefault(key, []).append(id_)
        return found
