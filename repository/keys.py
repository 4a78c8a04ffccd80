"""The key database: wrapped purpose keys under one MAC, and one wrapped key per customer.

Has a DSN of its own. Wraps and MACs nothing itself; it stores what it is given.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from repository.database import Connection, Database
from repository.errors import Unavailable, VersionMismatch

__all__ = ["CustomerKey", "KeyStore", "PurposeKey"]

# Rows and MAC in one statement: two would see two states.
GET_PURPOSE_KEYS = """
SELECT purpose, generation, state, wrapped, create_time,
       (SELECT mac FROM purpose_table_mac) AS mac
FROM purpose_key ORDER BY purpose, generation"""

# Compare-and-set on the MAC: of two `keys init` at the same time one wins.
SET_FIRST_MAC = "INSERT INTO purpose_table_mac (mac) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1"
SET_MAC = "UPDATE purpose_table_mac SET mac = $1 WHERE mac = $2 RETURNING 1"
CLEAR_PURPOSE_KEYS = "DELETE FROM purpose_key"
SET_PURPOSE_KEYS = """
INSERT INTO purpose_key (purpose, generation, state, wrapped, create_time)
SELECT purpose, generation, state, wrapped, create_time
FROM unnest($1::text[], $2::smallint[], $3::text[], $4::bytea[], $5::timestamptz[])
     AS given (purpose, generation, state, wrapped, create_time)"""

GET_MANY = """
SELECT customer_id, wrap_generation, wrapped FROM customer_key
WHERE customer_id = ANY($1::bytea[])"""

INSERT_MANY = """
INSERT INTO customer_key (customer_id, wrap_generation, wrapped)
SELECT customer_id, wrap_generation, wrapped
FROM unnest($1::bytea[], $2::smallint[], $3::bytea[])
     AS given (customer_id, wrap_generation, wrapped)
ON CONFLICT (customer_id) DO NOTHING RETURNING customer_id"""

# Whose commit is not known is added again: rather twice than never.
ADD_SEALS = """
INSERT INTO seal_count (purpose, generation, seals)
SELECT purpose, generation, seals
FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS given (purpose, generation, seals)
ON CONFLICT (purpose, generation) DO UPDATE SET seals = seal_count.seals + excluded.seals"""

GET_SEALS = "SELECT purpose, generation, seals FROM seal_count"

DELETE_MANY = "DELETE FROM customer_key WHERE customer_id = ANY($1::bytea[])"


class PurposeKey(NamedTuple):
    """One generation of a purpose key, wrapped by the key-encryption key."""

    purpose: str
    generation: int
    state: str
    wrapped: bytes
    create_time: datetime  # under the MAC with the rest

    def __repr__(self) -> str:
        return f"PurposeKey({self.purpose!r}, {self.generation}, {self.state!r}, <wrapped>)"


class CustomerKey(NamedTuple):
    """A customer's own key, wrapped under a generation of `customer-wrap`."""

    wrap_generation: int
    wrapped: bytes

    def __repr__(self) -> str:
        return f"CustomerKey({self.wrap_generation}, <wrapped>)"


class KeyStore:
    """Wrapped keys in the key database; `database` is connected to that one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def leave(self) -> None:
        """Part with a primary that is none any more, as `Database.leave` does."""
        await self._database.leave()

    async def purpose_keys(self) -> tuple[list[PurposeKey], bytes | None]:
        """(all purpose keys, the MAC over their table); ([], None) before the first are made.

        Without a primary a standby's, which a worker that runs has had for longer.
        """
        try:
            rows = await self._database.fetch(GET_PURPOSE_KEYS, primary=True)
        except Unavailable:
            rows = await self._database.fetch(GET_PURPOSE_KEYS)
        return [PurposeKey(*row[:5]) for row in rows], rows[0][5] if rows else None

    async def set_purpose_keys(
        self, keys: Sequence[PurposeKey], mac: bytes, former_mac: bytes | None
    ) -> None:
        """Replace the whole table, provided its MAC still is `former_mac`.

        Raises VersionMismatch when somebody else changed it meanwhile, CommitUnknown, Unavailable.
        """

        async def replace(connection: Connection) -> None:
            if former_mac is None:
                done = await connection.fetchval(SET_FIRST_MAC, mac)
            else:
                done = await connection.fetchval(SET_MAC, mac, former_mac)
            if done is None:
                raise VersionMismatch(0, b"", 0, 0)
            await connection.execute(CLEAR_PURPOSE_KEYS)
            await connection.execute(SET_PURPOSE_KEYS, *map(list, zip(*keys, strict=True)))

        await self._database.transact(replace)

    async def add_seals(self, made: Mapping[tuple[str, int], int]) -> None:
        """Add seals made under each (purpose, generation). Raises CommitUnknown, Unavailable."""
        if made:
            rows = sorted((*key, seals) for key, seals in made.items())
            await self._database.write(ADD_SEALS, *map(list, zip(*rows, strict=True)))

    async def seals(self) -> dict[tuple[str, int], int]:
        """All seals that were added, by (purpose, generation). Raises Unavailable."""
        rows = await self._database.fetch(GET_SEALS, primary=True)
        return {(row[0], row[1]): row[2] for row in rows}

    async def get_many(
        self, customer_ids: Sequence[bytes], *, deadline: float | None = None
    ) -> dict[bytes, CustomerKey]:
        """Customer id -> key, of those that have one: an erased customer has none."""
        rows = await self._database.fetch(GET_MANY, customer_ids, primary=True, deadline=deadline)
        return {row[0]: CustomerKey(row[1], row[2]) for row in rows}

    async def insert_many(
        self, keys: Mapping[bytes, CustomerKey], *, deadline: float | None = None
    ) -> set[bytes]:
        """Store new customers' keys, before their records; the customers whose keys these now are.

        A key that is there already stays: what was sealed under it must open. Durable when this
        returns. Raises CommitUnknown, Unavailable.
        """
        if not keys:
            return set()
        generations = [key.wrap_generation for key in keys.values()]
        wrapped = [key.wrapped for key in keys.values()]
        rows = await self._database.write(
            INSERT_MANY, list(keys), generations, wrapped, deadline=deadline
        )
        return {row[0] for row in rows}

    async def delete_many(
        self, customer_ids: Sequence[bytes], *, deadline: float | None = None
    ) -> None:
        """Delete customers' keys: their private and number segments open no more."""
        await self._database.write(DELETE_MANY, customer_ids, deadline=deadline)
