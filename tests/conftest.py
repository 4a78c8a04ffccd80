"""Real PostgreSQL and Valkey for every test that wants them; a database of its own for each."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis

from deploy.embedded import EmbeddedPostgres, EmbeddedValkey, temporary_directory
from repository.migrate import Which, migrate

Database = Callable[[Which], Awaitable[str]]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def stack_directory() -> Iterator[Path]:
    """A directory outside pytest's own, which the servers' user could not enter under root."""
    with temporary_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def postgres(stack_directory: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(stack_directory, durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def valkey(stack_directory: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(stack_directory) as server:
        yield server


@pytest.fixture
def empty_valkey(valkey: EmbeddedValkey) -> EmbeddedValkey:
    """The session's Valkey, up even if a test has killed it, and empty."""
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey


@pytest.fixture(scope="session")
async def templates(postgres: EmbeddedPostgres) -> dict[Which, str]:
    """One migrated database of either kind, to be cloned."""
    names: dict[Which, str] = {"main": "template_main", "keys": "template_keys"}
    for which, name in names.items():
        await postgres.create_database(name)
        await migrate(postgres.dsn(name), which)
    return names


@pytest.fixture
async def database(
    postgres: EmbeddedPostgres, templates: dict[Which, str]
) -> AsyncIterator[Database]:
    """`await database("main")` is the DSN of a fresh migrated database, dropped after the test."""
    made: list[str] = []

    async def clone(which: Which) -> str:
        made.append(f"test_{next(_numbers)}")
        await postgres.create_database(made[-1], templates[which])
        return postgres.dsn(made[-1])

    yield clone
    for name in made:
        await postgres.drop_database(name)
