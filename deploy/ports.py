"""Where servers of ours listen on this machine."""

import contextlib
import random
import socket
from typing import Final, NamedTuple, Self

__all__ = ["HOST", "Address", "free_port"]

HOST: Final = "127.0.0.1"
# Below those that the kernel gives to whoever asks for any (ip_local_port_range): a server that is
# killed finds its port again.
_PORTS: Final = range(20_000, 32_768)
_TRIED_MAX: Final = 100


class Address(NamedTuple):
    """Where something listens."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Self:
        """The address that is written `host:port`."""
        host, _, port = text.rpartition(":")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def free_port() -> int:
    """A port of loopback that nobody had a moment ago. Raises OSError when none is found."""
    for port in random.SystemRandom().sample(_PORTS, _TRIED_MAX):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port
    raise OSError(f"{_TRIED_MAX} ports of {HOST} were tried, and none could be had")
