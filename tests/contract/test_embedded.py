"""The embedded stack: what a second start, a second owner, a crash and a stale directory do."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from deploy.embedded import DirectoryInUse, EmbeddedPostgres, EmbeddedValkey, Stack
from deploy.embedded import temporary_directory as passing_directory
from deploy.process import DirectoryUnusable, EmbeddedError, NotOurs

OWNER = """
import sys, time
from pathlib import Path
from deploy.embedded import Stack
with Stack(Path(sys.argv[1]), durable=False) as stack:
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    with passing_directory() as directory:
        yield directory


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_clone_holds_what_its_template_holds(postgres: EmbeddedPostgres) -> None:
    await postgres.create_database("original")
    await value(postgres.dsn("original"), "CREATE TABLE kept AS SELECT 42 AS answer")
    await postgres.create_database("copy", "original")
    assert await value(postgres.dsn("copy"), "SELECT answer FROM kept") == 42
    for name in ("original", "copy"):
        await postgres.drop_database(name)
        assert not await postgres.has_database(name)


async def test_drop_ends_open_sessions(postgres: EmbeddedPostgres) -> None:
    await postgres.create_database("busy")
    connection = await asyncpg.connect(postgres.dsn("busy"))
    await postgres.drop_database("busy")
    assert connection.is_closed()
    assert not await postgres.has_database("busy")


@pytest.mark.parametrize("name", ["", "a-b", 'a"; DROP', "A", "x" * 64, "1a"])
async def test_database_names_are_plain(postgres: EmbeddedPostgres, name: str) -> None:
    with pytest.raises(ValueError, match="database name"):
        await postgres.create_database(name)


async def test_cluster_sorts_by_code_point_and_has_checksums(postgres: EmbeddedPostgres) -> None:
    dsn = postgres.dsn("postgres")
    assert await value(dsn, "SHOW data_checksums") == "on"
    assert await value(dsn, "SHOW server_encoding") == "UTF8"
    assert await value(dsn, "SELECT 'B' < 'a'") is True


@pytest.mark.parametrize("over_tcp", [False, True])
async def test_postgres_survives_a_kill_under_the_same_dsn(directory: Path, over_tcp: bool) -> None:
    with EmbeddedPostgres(directory, durable=False, over_tcp=over_tcp) as server:
        await server.create_database("kept")
        dsn = server.dsn("kept")
        server.kill()
        with pytest.raises(OSError, match=r".*"):
            await asyncpg.connect(dsn)
        server.start()
        assert await value(dsn, "SELECT inet_server_addr() IS NOT NULL") is over_tcp
    with EmbeddedPostgres(directory, durable=True) as server:
        assert await server.has_database("kept")
        assert await value(server.dsn("kept"), "SHOW fsync") == "on"


@pytest.mark.parametrize("over_tcp", [False, True])
def test_valkey_comes_back_empty_under_the_same_url(directory: Path, over_tcp: bool) -> None:
    with EmbeddedValkey(directory, over_tcp=over_tcp) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("planted", "plain text " * 20)
        assert b"plain text " * 20 in server.dump()
        url = server.url
        assert url.startswith("redis://" if over_tcp else "unix://")
        server.kill()
        assert not server.is_alive()
        server.start()
        with redis.Redis.from_url(url) as client:
            assert client.dbsize() == 0


def test_servers_ask_for_a_password(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(valkey.url.rpartition("@")[2])
        stranger.sendall(b"PING\r\n")
        assert stranger.recv(64).startswith(b"-NOAUTH")
    lines = (postgres.home / "postgres" / "pg_hba.conf").read_text().splitlines()
    rules = [line.split() for line in lines if line and not line.startswith("#")]
    assert {rule[-1] for rule in rules} == {"scram-sha-256"}


def test_second_instance_is_refused_by_name_of_the_first(directory: Path) -> None:
    with (
        Stack(directory, durable=False),
        pytest.raises(DirectoryInUse, match=f"process {os.getpid()}"),
    ):
        Stack(directory, durable=False).start()


def test_servers_end_with_a_killed_owner_and_leave_the_way_free(directory: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)], stdout=subprocess.PIPE, text=True
    )
    with owner:  # and wait for it
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        servers = psutil.Process(owner.pid).children(recursive=True)
        assert {server.name() for server in servers} >= {"postgres", "valkey-server"}
        owner.send_signal(signal.SIGKILL)
    left = list(Path("/tmp").glob(f"opencif-{owner.pid}-*"))
    with Stack(directory, durable=False) as stack:
        assert stack.valkey.is_alive()
        assert left
        assert not any(path.exists() for path in left)
    assert psutil.wait_procs(servers, timeout=20)[1] == []


async def test_a_pid_file_that_names_a_stranger_does_not_block(directory: Path) -> None:
    with EmbeddedPostgres(directory, durable=False) as server:
        stale = (server.home / "postgres" / "postmaster.pid").read_text().splitlines()
        server.kill()
    stale[0] = str(os.getppid())  # alive, and no postmaster
    (server.home / "postgres" / "postmaster.pid").write_text("\n".join(stale))
    with server:
        assert await value(server.dsn("postgres"), "SELECT 1") == 1


def test_cluster_of_another_version_is_refused_with_the_remedy(directory: Path) -> None:
    with EmbeddedPostgres(directory, durable=False) as server:
        home = server.home
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(DirectoryUnusable, match=r"made by PostgreSQL 9.* rm -r "):
        server.start()
    (home / "postgres.password").unlink()
    with pytest.raises(DirectoryUnusable, match="no cluster that can be used"):
        server.start()


def test_half_made_cluster_is_made_again(directory: Path) -> None:
    (directory / "postgres.new").mkdir()
    (directory / "postgres.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(directory, durable=False) as server:
        assert (server.home / "postgres" / "PG_VERSION").exists()
    assert not (directory / "postgres.new").exists()


async def test_named_external_servers_are_used_and_never_killed(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENCIF_STACK_POSTGRES_DSN", postgres.dsn("postgres"))
    monkeypatch.setenv("OPENCIF_STACK_VALKEY_URL", valkey.url)
    with Stack(directory, durable=False) as stack:
        assert stack.postgres.dsn("a") == postgres.dsn("a")
        assert await stack.postgres.has_database("postgres")
        assert stack.valkey.url == valkey.url
        for server in (stack.postgres, stack.valkey):
            with pytest.raises(NotOurs):
                server.kill()
    assert await value(postgres.dsn("postgres"), "SELECT 1") == 1
    assert valkey.is_alive()


def test_servers_start_from_the_main_thread_only(directory: Path) -> None:
    caught: list[BaseException] = []

    def start() -> None:
        try:
            EmbeddedValkey(directory).start()
        except EmbeddedError as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])
