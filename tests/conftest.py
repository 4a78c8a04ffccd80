"""Real PostgreSQL and Valkey for every test that wants them; a database for it alone."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis

from deploy.embedded import EmbeddedPostgres, EmbeddedValkey, temporary_directory
from deploy.process import CHILD
from repository.migrate import Which, migrate
from tests.databases import Databases

ENDS_WITH_ITS_OWNER = CHILD
"""A program that starts another and has it end when its owner is gone."""

Database = Callable[[Which], Awaitable[str]]


def pytest_collection_finish() -> None:
    """What thousands of tests are made of is no garbage, and need not be looked at for it."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Databases:
    return Databases(postgres)


@pytest.fixture
async def database(databases: Databases, templates: dict[Which, str]) -> AsyncIterator[Database]:
    """`await database("main")` is the DSN of a migrated database as good as new."""
    taken: list[tuple[Which, str]] = []

    async def take(which: Which) -> str:
        taken.append((which, await databases.take(which, templates[which])))
        return databases.dsn(taken[-1][1])

    yield take
    for each in taken:
        await databases.give_back(*each)
