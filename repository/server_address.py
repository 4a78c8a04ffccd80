"""Where a cache server is and how to be let in, from a URL as redis-py takes it.

Opens connections and says what greets the server; knows no command beyond the greeting.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

__all__ = ["BadAddress", "Place", "ServerAddress"]

PORT: Final = 6379
HOST: Final = "localhost"
CLIENT_NAME: Final = "opencif"
_OF_ALL: Final = frozenset({"db", "username", "password", "client_name"})
_OF_TLS: Final = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
_DEMANDED: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}
_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class BadAddress(ValueError):
    """A URL that names no cache server; the text holds none of its values."""


class Place(NamedTuple):
    """A host and port, or the path of a Unix socket with port 0."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """One server, with what it takes to be let in.

    It is at `place`, or at one of the `others` when another has become the primary there.
    """

    place: Place
    others: tuple[Place, ...] = ()
    username: str = ""
    password: str = ""
    database: int = 0
    client_name: str = CLIENT_NAME
    tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return "ServerAddress(hidden)"

    @classmethod
    def parse(cls, url: str) -> Self:
        """The server of `redis://[user][:password]@host[:port][/db]`, `rediss://` or `unix://`.

        Hosts with commas between them are a primary and its replicas, whichever is which.
        Options follow as a query: those of redis-py that say who, which database and which
        certificates. Raises BadAddress, ValueError, OSError when a certificate cannot be read.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise BadAddress("a cache URL begins with redis://, rediss:// or unix://")
        options = dict(parse_qsl(parts.query))
        with_tls = parts.scheme == "rediss"
        if unknown := options.keys() - _OF_ALL - (_OF_TLS if with_tls else frozenset()):
            raise BadAddress(f"a cache URL has no option {min(unknown)}")
        database = options.get("db", "0")
        if parts.scheme != "unix" and (path := parts.path.strip("/")):
            database = path
        if not database.isdecimal():
            raise BadAddress("the database of a cache URL is a number")
        first, *others = _places(parts)
        return cls(
            first,
            tuple(others),
            options.get("username", unquote(parts.username or "")),
            options.get("password", unquote(parts.password or "")),
            int(database),
            options.get("client_name", CLIENT_NAME),
            _context(options) if with_tls else None,
        )

    def at(self, place: Place) -> "ServerAddress":
        """Another server of the same cluster, which lets the same caller in."""
        return replace(self, place=place, others=())

    def next(self) -> "ServerAddress":
        """The same where it may be else; itself when it can be at one place only."""
        first, *others = *self.others, self.place
        return replace(self, place=first, others=tuple(others))

    def is_met_by(self, hello: Any) -> bool:
        """Whether what a server answers to HELLO says that it is the one that is looked for."""
        return not self.others or hello.get(b"role") == b"master"

    def greeting(self) -> list[tuple[str, ...]]:
        """The commands with which a connection begins."""
        hello: tuple[str, ...] = ("HELLO", "3")
        if self.password:
            hello += ("AUTH", self.username or "default", self.password)
        commands = [(*hello, "SETNAME", self.client_name)]
        if self.database:
            commands.append(("SELECT", str(self.database)))
        return commands

    async def connect(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Open a connection that `protocol` is to read. Raises OSError."""
        loop = asyncio.get_running_loop()
        host, port = self.place
        if port == 0:
            await loop.create_unix_connection(protocol, host)
        elif self.tls is None:
            await loop.create_connection(protocol, host, port)
        else:
            await loop.create_connection(protocol, host, port, ssl=self.tls, server_hostname=host)


def _places(parts: SplitResult) -> list[Place]:
    if parts.scheme == "unix":
        if not parts.path:
            raise BadAddress("a unix:// URL names the path of a socket")
        return [Place(unquote(parts.path), 0)]
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return [_place(parts._replace(netloc=host)) for host in hosts]


def _place(parts: SplitResult) -> Place:
    try:
        port = PORT if parts.port is None else parts.port
    except ValueError:
        raise BadAddress("the port of a cache URL is a number from 1 to 65535") from None
    if port == 0:
        raise BadAddress("the port of a cache URL is a number from 1 to 65535")
    return Place(unquote(parts.hostname or HOST), port)


def _context(options: Mapping[str, str]) -> ssl.SSLContext:
    """TLS that checks the server's certificate and name unless told otherwise."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    demanded = options.get("ssl_cert_reqs", "required")
    checks_name = options.get("ssl_check_hostname", str(demanded == "required")).lower()
    if demanded not in _DEMANDED or checks_name not in _TRUTH:
        raise BadAddress("ssl_cert_reqs is none, optional or required; ssl_check_hostname a truth")
    context.check_hostname = _TRUTH[checks_name]
    context.verify_mode = _DEMANDED[demanded]
    if "ssl_certfile" in options:
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context
