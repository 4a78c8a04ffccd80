"""Every statement fits the schema, and none that runs while serving reads a table to its end."""

import importlib
import json
import pkgutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import pytest

import repository
from repository.record import GET_ACCOUNTS, GET_CARDS, GET_CUSTOMERS, GET_RELATIONSHIPS
from tests.conftest import Database

ID, KEY, UID, HASH = b"\1" * 16, b"k", UUID(int=7), b"\2" * 32
NOW = datetime.now(UTC)
META = ("actor", "method", "", "", UID)
NEW: tuple[Any, ...] = (2, ID, UID, 1, 2, "north", NOW, b"o", b"p", b"n", [], *META)

# Every statement of these modules that reads or changes rows, with arguments as when serving.
ARGUMENTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "record": {
        "GET_CUSTOMERS": (ID + ID[::-1],),
        "GET_ACCOUNTS": (ID + ID[::-1],),
        "GET_CARDS": (ID + ID[::-1],),
        "GET_RELATIONSHIPS": (ID + ID[::-1],),
        "GET_NUMBERS": (2, [ID]),
        "PAGE": (2, ID, 50),
        "PAGE_BY_BRANCH": (2, ID, 50, "north"),
        "GET_REVISION": (2, ID, 1),
        "GET_REVISION_AS_OF": (2, ID, NOW),
        "PAGE_REVISIONS": (2, ID, 9, 50),
    },
    "link": {"PAGE": (1, KEY, ID, 50), "GET_MANY": (1, [KEY], 50)},
    "work": {
        "CLAIM": (1,),
        "REPLAY": (KEY,),
        "REMEMBER": (KEY, KEY, 2, ID, 1),
        "RESERVE": ([1],),
        "LOCK_MANY": (2, [ID]),
        "INSERT": NEW,
        "UPDATE": (*NEW, 2),
        "GET_VERSION": (2, ID),
        "LINK": ([1], [KEY], [ID], [True]),
        "GET_HOLDERS": ([1], [KEY]),
        "LINKED": (1, KEY, 50, b""),
        "UNLINK": ([1], [KEY], [ID]),
    },
    "sampling": {"GET_NEWEST": ([2, 3], [ID, ID])},
    "writing": {"GET_LIFE": (), "FORGET": (NOW, 100)},
    "changes": {
        "GET_HORIZON": (),
        "POLL": (1_000_000,),
        "BEGIN_INCARNATION": (b"former--", b"present-", 2, 1),
        "GET_SHARED": (b"former--",),
        "GET_STRETCH": (1_000_000,),
        "GET_OLDEST": (1_000_000,),
        "GET_HISTORY": (1_000_000, 1_000_100),
    },
    "heartbeat": {"BEAT": ()},
    "hosts": {"GET_TIMELINE": ()},
    "replicas": {"GET_BEAT": ()},
    "loading": {"HOLD": (2, [ID]), "READ": (2, [ID]), "GET_KNOWN": (2, [ID]), "MARK": ()},
    "ach_run": {
        "BEGIN": ("actor", UID, NOW, "origin", "destination", "261123 0600"),
        "LOCK_FILE": (HASH,),
        "FINISH": ("actor", UID, HASH, 1, 1, 1, "{}", 1, 1),
        "GET_FINISHED": ("actor", UID),
        "FORGET": (NOW, 100),
    },
    "audit": {
        "INSERT_MANY": ([UID], [NOW], ["actor"], ["method"], [""], [1], ["OK"], [KEY], [ID]),
        "PAGE": (NOW, NOW, 50),
    },
    "database": {
        "LEARN_TYPES": ([ID], ["text"], [1], [1], [True], [UID], [NOW], [1]),
        "GET_INCARNATION": (),
        "HAS_COMMIT": (1,),
    },
    "follow_up": {
        "ASK": (ID, "actor", "method", "", "", UID, NOW),
        "PENDING": (16,),
        "ADVANCE": (ID, UID, b"", ID),
        "DONE": (ID, UID, b""),
    },
    "routing": {
        "GET_REVISION": (),
        "BUMP_REVISION": (),
        "DELETE_ADDITIONS": (["021000021"],),
    },
    "keys": {
        "GET_MANY": ([ID],),
        "INSERT_MANY": ([ID], [1], [KEY]),
        "DELETE_MANY": ([ID],),
        "ADD_SEALS": (["operational"], [1], [1]),
    },
}
# Tables that are a few rows, or that a statement is meant to read whole.
SMALL = {
    "routing_revision", "incarnation", "former_incarnation", "heartbeat", "purpose_key",
    "purpose_table_mac",
}  # fmt: skip
SMALL |= {"seal_count"}
WHOLE = {
    ("keys", name)
    for name in ("GET_PURPOSE_KEYS", "CLEAR_PURPOSE_KEYS", "SET_PURPOSE_KEYS", "GET_SEALS")
} | {
    ("keys", "SET_FIRST_MAC"),
    ("keys", "SET_MAC"),
    ("routing", "GET_ALL"),
    ("routing", "DELETE_DIRECTORY"),
}
# Modules whose statements look at catalogs and the ledger of migrations, not at rows.
OPERATORS = {"migrate"}

FILL_MAIN = """
INSERT INTO record (kind, id, uid, version, state, branch, create_time, update_time, operational)
SELECT kind, substr(sha256((kind || '.' || n)::bytea), 1, 16), gen_random_uuid(), 1, 2,
       CASE WHEN n % 50 = 0 THEN 'north' ELSE 'south' END, now(), now(), 'sealed'
FROM generate_series(1, 3000) AS n, generate_series(1, 4) AS kind;

INSERT INTO change (kind, id, version, time, xid, uid, operation, paths, state, branch, actor,
                    method, source_system, reason, request_id, operational)
SELECT 2, substr(sha256(n::text::bytea), 1, 16), 1,
       now() + ahead * interval '1 month' + n * interval '1 s', (ahead * 1000 + n)::text::xid8,
       gen_random_uuid(), 1, '{}'::text[], 2, 'north', 'a', 'm', '', '', gen_random_uuid(),
       'sealed'::bytea
FROM generate_series(1, 1000) AS n, generate_series(-1, 12) AS ahead WHERE ahead * 1000 + n > 0
UNION ALL
SELECT 2, substr(sha256(n::text::bytea), 1, 16), 2, now() - interval '1 year', n::text::xid8,
       gen_random_uuid(), 1, '{}'::text[], 2, 'north', 'a', 'm', '', '', gen_random_uuid(),
       'sealed'::bytea
FROM generate_series(1, 1000) AS n;

INSERT INTO link (relation, key, id, exclusive)
SELECT 1 + n % 7, sha256((n / 3)::text::bytea), sha256(n::text::bytea), false
FROM generate_series(1, 9000) AS n;
INSERT INTO link (relation, key, id, exclusive)
SELECT 6, sha256((n + 0.5)::text::bytea), sha256(n::text::bytea), true
FROM generate_series(1, 3000) AS n;

INSERT INTO idempotency (key, payload_mac, kind, id, version, time)
SELECT sha256(n::text::bytea), 'mac', 2, 'id', 1, now() + n * interval '1 s'
FROM generate_series(1, 5000) AS n;

INSERT INTO ach_run (actor, run_id, as_of, start_time, immediate_origin, immediate_destination,
                     file_creation, file_hash)
SELECT 'actor', gen_random_uuid(), now(), now() + n * interval '1 s', 'o', 'd', 'c',
       sha256(n::text::bytea)
FROM generate_series(1, 5000) AS n;

INSERT INTO audit (audit_id, time, actor, method, purpose, items, outcome, request_mac)
SELECT gen_random_uuid(), now() - n * interval '1 s', 'actor', 'method', '', 1, 'OK', 'mac'
FROM generate_series(1, 5000) AS n;

INSERT INTO follow_up (id, actor, method, source_system, reason, request_id, create_time)
SELECT substr(sha256(n::text::bytea), 1, 16), 'a', 'm', '', '', gen_random_uuid(), now()
FROM generate_series(1, 5000) AS n;

INSERT INTO routing_number
SELECT lpad(n::text, 9, '0'), false, 'O', '', 1, NULL, '', '', '', '', false, true, false, '',
       0, 0, false, 0, false
FROM generate_series(1, 5000) AS n;
ANALYZE"""

FILL_KEYS = """
INSERT INTO customer_key (customer_id, wrap_generation, wrapped)
SELECT substr(sha256(n::text::bytea), 1, 16), 1, 'wrapped' FROM generate_series(1, 5000) AS n;
ANALYZE"""


def statements() -> Iterator[tuple[str, str, str]]:
    """(module, constant, SQL) of every statement of the repository that can be prepared."""
    for found in pkgutil.iter_modules(repository.__path__):
        module = importlib.import_module(f"repository.{found.name}")
        for name, value in vars(module).items():
            if not (name.isupper() and isinstance(value, str)):
                continue
            first = value.split(maxsplit=1)[0] if value.strip() else ""
            if first in {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE"}:
                yield found.name, name, value


@pytest.fixture
async def filled(database: Database) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """Sessions on both databases, with rows and statistics."""
    sessions: dict[str, asyncpg.Connection] = {}
    fills: tuple[tuple[Literal["main", "keys"], str], ...]
    fills = ("main", FILL_MAIN), ("keys", FILL_KEYS)
    for which, fill in fills:
        sessions[which] = await asyncpg.connect(await database(which))
        await sessions[which].execute(fill)
    yield sessions
    for session in sessions.values():
        await session.close()


def on(module: str) -> str:
    return "keys" if module == "keys" else "main"


async def test_every_statement_fits_the_schema(filled: dict[str, asyncpg.Connection]) -> None:
    names = set()
    for module, name, sql in statements():
        await filled[on(module)].prepare(sql)
        names.add((module, name))
    assert {("record", "GET_ACCOUNTS"), ("keys", "GET_MANY"), ("loading", "HOLD")} <= names


def test_every_serving_statement_has_its_plan_looked_at() -> None:
    said = {(module, name) for module, names in ARGUMENTS.items() for name in names}
    there = {(module, name) for module, name, _ in statements() if module not in OPERATORS}
    assert there - WHOLE == said


async def test_no_serving_statement_scans_a_table(filled: dict[str, asyncpg.Connection]) -> None:
    scanned = []
    for module, name, sql in statements():
        if name not in ARGUMENTS.get(module, {}):
            continue
        session, arguments = filled[on(module)], ARGUMENTS[module][name]
        [row] = await session.fetch(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
        for node in nodes(json.loads(row[0])[0]["Plan"]):
            table = node.get("Relation Name", "")
            if node["Node Type"] == "Seq Scan" and table not in SMALL:
                scanned.append(f"{module}.{name}: {table}")
    assert scanned == []


async def test_the_look_at_plans_sees_a_scan(filled: dict[str, asyncpg.Connection]) -> None:
    sql = "EXPLAIN (FORMAT JSON) SELECT id FROM record WHERE kind = 2 AND uid = $1"
    plan = json.loads((await filled["main"].fetch(sql, UID))[0][0])[0]["Plan"]
    assert {node["Node Type"] for node in nodes(plan)} == {"Seq Scan"}


LONG_SERIES = """
SELECT array_agg(id) FROM record WHERE kind = 2 AND id = ANY(ARRAY(
    SELECT substr($1::bytea, 16 * place + 1, 16)
    FROM generate_series(0, octet_length($1::bytea) / 16 - 1) AS place))"""


@pytest.mark.parametrize(("sql", "is_planned_once"), [(GET_ACCOUNTS, True), (LONG_SERIES, False)])
async def test_reads_by_id_are_planned_once(
    filled: dict[str, asyncpg.Connection], sql: str, is_planned_once: bool
) -> None:
    session = filled["main"]
    statement = await session.prepare(sql)
    for _ in range(12):
        await statement.fetch(ID)
    [(once, anew)] = await session.fetch(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1", sql
    )
    assert once + anew == 12
    assert (once > 0) == is_planned_once


UNCERTAIN = "CREATE INDEX record_by_branch ON record (kind, branch, id)"


@pytest.mark.parametrize("control", [False, True])
async def test_reads_by_id_take_the_primary_key_before_anything_is_analyzed(
    database: Database, control: bool
) -> None:
    """As after a load: nothing is known of the columns, and any index that has the id may do."""
    session = await asyncpg.connect(await database("main"))
    if control:
        await session.execute(UNCERTAIN)
    await session.execute(FILL_MAIN.removesuffix("ANALYZE"))
    for sql in (GET_CUSTOMERS, GET_ACCOUNTS, GET_CARDS, GET_RELATIONSHIPS):
        [row] = await session.fetch(f"EXPLAIN (FORMAT JSON) {sql}", ID * 100)
        taken = {node.get("Index Name", "") for node in nodes(json.loads(row[0])[0]["Plan"])}
        assert any(name.endswith("_pkey") for name in taken) is not control, taken
    await session.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)
