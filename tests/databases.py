"""Migrated databases that tests hand on to each other, each as good as new.

To make one is to make 300 files, and a file system asks of each place in its table whether a file
was deleted there just now: half the time of the tests on a database went there.
"""

import itertools
from collections import defaultdict
from dataclasses import dataclass
from io import BytesIO

import asyncpg

from deploy.embedded import EmbeddedPostgres
from repository.migrate import Which

GROWTH_MAX_BYTES = 4 << 20
"""What is left of deleted rows slows the next test; so much of it is not handed on."""

CATALOGS = (
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_db_role_setting"),
    *("pg_extension", "pg_index", "pg_inherits", "pg_namespace", "pg_policy", "pg_proc"),
    *("pg_publication", "pg_rewrite", "pg_statistic", "pg_trigger", "pg_type"),
)
SCHEMA = "SELECT ARRAY[{}]".format(
    ", ".join(f"(SELECT (count(*), max(xmin::text::bigint))::text FROM {c})" for c in CATALOGS)
)
"""Something else once anything was defined, altered, dropped or analyzed: rows came or went."""

SIZE = "SELECT pg_database_size(current_database())"
TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
SEQUENCES = """
SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value),
       last_value IS NOT NULL
FROM pg_sequences"""
RESTART = "SELECT setval($1::regclass, $2, $3)"
END_SESSIONS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Made:
    """What a database is like that nobody has used."""

    schema: list[str]
    size_bytes: int
    tables: list[str]
    rows: dict[str, bytes]  # of those tables that have any, as COPY writes them
    sequences: list[tuple[str, int, bool]]

    @classmethod
    async def of(cls, connection: asyncpg.Connection) -> "Made":
        tables = [row[0] for row in await connection.fetch(TABLES)]
        rows = {}
        for table in tables:
            copied = BytesIO()
            await connection.copy_from_query(f"TABLE {table}", output=copied, format="binary")
            if await connection.fetchval(f"SELECT EXISTS (TABLE {table})"):
                rows[table] = copied.getvalue()
        schema, size_bytes = await connection.fetchval(SCHEMA), await connection.fetchval(SIZE)
        sequences = [tuple(row) for row in await connection.fetch(SEQUENCES)]
        return cls(schema, size_bytes, tables, rows, sequences)

    async def is_again(self, connection: asyncpg.Connection) -> bool:
        """Put the rows back; False if more than rows was changed."""
        await connection.execute(END_SESSIONS)
        if await connection.fetchval(SCHEMA) != self.schema:
            return False
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")  # no triggers
            await connection.execute(";".join(f"DELETE FROM {table}" for table in self.tables))
            for table, rows in self.rows.items():
                await connection.copy_to_table(table, source=BytesIO(rows), format="binary")
            for sequence in self.sequences:
                await connection.execute(RESTART, *sequence)
        size_bytes: int = await connection.fetchval(SIZE)
        return size_bytes - self.size_bytes < GROWTH_MAX_BYTES


class Databases:
    """Databases of both kinds, made when none is free."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._made: dict[Which, Made] = {}
        self._free: defaultdict[Which, list[str]] = defaultdict(list)

    async def take(self, which: Which, template: str) -> str:
        """The name of a database that is as its template is."""
        if which not in self._made:
            self._made[which] = await self._seen(template)
        if self._free[which]:
            return self._free[which].pop()
        name = f"test_{next(_numbers)}"
        await self._server.create_database(name, template)
        return name

    def dsn(self, name: str) -> str:
        """Where a database of this name is."""
        return self._server.dsn(name)

    async def give_back(self, which: Which, name: str) -> None:
        """Keep the database for the next test, unless its schema is another now."""
        connection = await asyncpg.connect(self._server.dsn(name))
        try:
            is_again = await self._made[which].is_again(connection)
        finally:
            await connection.close()
        if is_again:
            self._free[which].append(name)
        else:
            await self._server.drop_database(name)

    async def _seen(self, template: str) -> Made:
        connection = await asyncpg.connect(self._server.dsn(template))
        try:
            return await Made.of(connection)
        finally:
            await connection.close()
