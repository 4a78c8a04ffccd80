"""Addresses and TLS: one gRPC channel per address, taken in turn.

Those that fail are left out for a while. Knows nothing of retries or of what a request says.
"""

import asyncio
import contextlib
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from opencif.restraint import Restraint

_ADDRESS: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+):(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?"
)
_PORTS_MAX: Final = 256
_SKIP_FIRST_S: Final = 0.25
_SKIP_MAX_S: Final = 10.0
_CLOSE_MAX_S: Final = 5.0
"""A channel waits for calls that it has cancelled, and gRPC (1.85) may never end some of those."""
_SETTLED: Final = frozenset(
    {
        grpc.ChannelConnectivity.READY,
        grpc.ChannelConnectivity.TRANSIENT_FAILURE,
        grpc.ChannelConnectivity.SHUTDOWN,
    }
)
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),  # shorter than all attempts of a call take
    ("grpc.primary_user_agent", "opencif-python"),
)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Files in PEM form. Without `ca_file` the system's roots are trusted."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    """The client's own certificate; goes with `key_file`."""
    key_file: Path | None = None
    server_name: str = ""
    """The name the server's certificate must bear, where it is not the address's host."""

    def credentials(self) -> grpc.ChannelCredentials:
        """What gRPC wants. Raises: OSError when a file cannot be read."""
        ca, certificate, key = (
            path.read_bytes() if path else None
            for path in (self.ca_file, self.certificate_file, self.key_file)
        )
        return grpc.ssl_channel_credentials(ca, key, certificate)


def parse_addresses(addresses: str | Iterable[str]) -> tuple[str, ...]:
    """`host:port`, a range `host:7420-7423`, several with commas, or a list of such.

    Raises: ValueError for anything else.
    """
    texts = [addresses] if isinstance(addresses, str) else addresses
    found: list[str] = []
    for text in (part.strip() for whole in texts for part in whole.split(",")):
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ValueError(f"not host:port or host:first-last: {text!r}")
        first, last = int(match["first"]), int(match["last"] or match["first"])
        if not 0 < first <= last < 65_536 or last - first >= _PORTS_MAX:
            raise ValueError(f"no such ports: {text!r}")
        found.extend(f"{match['host']}:{port}" for port in range(first, last + 1))
    if not found:
        raise ValueError("no address")
    return tuple(dict.fromkeys(found))


class Endpoint:
    """One address: its channel and, after failures, until when it is left out."""

    def __init__(self, address: str, tls: TlsOptions | None) -> None:
        self.address = address
        self.channel = _open(address, tls)
        self.skipped_until = 0.0
        self._failures = 0
        self._restraints: defaultdict[str, Restraint] = defaultdict(Restraint)
        self._callables: dict[str, Any] = {}

    def callable(self, kind: str, method: str, codec: dict[str, Any]) -> Any:
        """The channel's own callable for a method, made once."""
        found = self._callables.get(method)
        if found is None:
            found = getattr(self.channel, kind)(method, **codec)
            self._callables[method] = found
        return found

    def restraint(self, method: str) -> Restraint:
        """How much of a method's calls to send here: refused changes hold no reads back."""
        return self._restraints[method]

    def failed(self) -> None:
        """Leave it out: a quarter of a second, doubled each time, at most ten.

        Calls that fail together are one time: a restart under load must not cost ten seconds.
        """
        now = time.monotonic()
        if now < self.skipped_until:
            return
        self.skipped_until = now + min(_SKIP_FIRST_S * 2.0**self._failures, _SKIP_MAX_S)
        self._failures = min(self._failures + 1, 16)

    def answered(self) -> None:
        """It is well."""
        self.skipped_until, self._failures = 0.0, 0

    async def close(self) -> None:
        """Ends the channel and the calls on it; those that gRPC does not end are left behind."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_MAX_S):
                await self.channel.close()

    async def is_reached(self, timeout_s: float) -> bool:
        """Whether it is connected, or becomes so within the time, at the first try."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    state = self.channel.get_state(try_to_connect=True)
                    if state in _SETTLED:
                        return state is grpc.ChannelConnectivity.READY
                    await self.channel.wait_for_state_change(state)
        except TimeoutError:
            return False


class Endpoints:
    """All addresses, in turn. Open it inside the event loop that will use it."""

    def __init__(self, addresses: Sequence[str], tls: TlsOptions | None) -> None:
        self._all = [Endpoint(address, tls) for address in addresses]
        self._turns: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    def next(self, kind: str) -> Endpoint:
        """The next that is not left out; when all are, simply the next.

        One that was down for long is left out for longest, and may be the one that is back.

        Calls of one kind (`unary_unary` ...) take turns among themselves: a small question before
        each long stream must not lead all streams to one address.
        """
        now = time.monotonic()
        count, turn = len(self._all), self._turns.get(kind, 0)
        steps = (step for step in range(count) if self._at(turn + step).skipped_until <= now)
        taken = turn + next(steps, 0)
        self._turns[kind] = (taken + 1) % count
        return self._at(taken)

    def _at(self, turn: int) -> Endpoint:
        return self._all[turn % len(self._all)]

    def has_another(self, asked: Endpoint) -> bool:
        """Whether any but this one is not left out."""
        now = time.monotonic()
        return any(each.skipped_until <= now for each in self._all if each is not asked)

    async def close(self) -> None:
        """Ends every channel and the calls on it."""
        await asyncio.gather(*(endpoint.close() for endpoint in self._all))


def _open(address: str, tls: TlsOptions | None) -> grpc.aio.Channel:
    if tls is None:
        return grpc.aio.insecure_channel(address, options=_OPTIONS)
    named = (("grpc.ssl_target_name_override", tls.server_name),) if tls.server_name else ()
    return grpc.aio.secure_channel(address, tls.credentials(), options=(*_OPTIONS, *named))
