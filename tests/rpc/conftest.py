"""A real server for the tests of its RPCs, which talk to it with the published client only."""

import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from deploy.embedded import EmbeddedPostgres, EmbeddedValkey
from deploy.process import Server, run
from opencif.client import Client
from repository.migrate import Which

START_MAX_S = 60.0
PATIENT_S = 60.0  # a busy machine is no fault of the server's: tests do not measure time


@pytest.fixture(scope="session")
async def addresses(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    templates: dict[Which, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[list[str]]:
    """Where the workers of one server listen, on databases and keys of its own."""
    for which, name in (("main", "rpc_main"), ("keys", "rpc_keys")):
        await postgres.create_database(name, templates[which])
    home = tmp_path_factory.mktemp("rpc")
    environment = {
        "OPENCIF_DATABASE_DSN": postgres.dsn("rpc_main"),
        "OPENCIF_KEY_DATABASE_DSN": postgres.dsn("rpc_keys"),
        "OPENCIF_CACHE_URL": valkey.url,
        "OPENCIF_KEK_FILE": str(home / "kek.hex"),
        "OPENCIF_PORT": "0",
        "OPENCIF_WORKERS": "2",
        "OPENCIF_DRAIN_WAIT_S": "0",
    }
    run([sys.executable, "-m", "server", "keys", "init"], None, environment)
    ports = home / "ports.json"
    server = Server(
        [sys.executable, "-m", "server", "serve", "--ports-file", str(ports)],
        None,
        log=home / "server.log",
        stop_signal=signal.SIGTERM,
        environment=environment,
    )
    try:
        server.wait_until(ports.exists, timeout_s=START_MAX_S)
        yield json.loads(ports.read_text())["addresses"]
    finally:
        server.stop()


@pytest.fixture
async def client(addresses: list[str]) -> AsyncIterator[Client]:
    """A client of all workers, new for each test."""
    async with Client(addresses, timeout_s=PATIENT_S) as made:
        yield made
