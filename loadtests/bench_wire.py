"""A gRPC connection stripped to its frames (RFC 9113), so that the load costs less than the answer.

It writes request bytes made beforehand and hands on the bytes of answers; it decodes neither
headers nor messages. A published client costs about as much CPU a call as the server does.
"""

import socket
import ssl
from collections import deque
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

__all__ = ["Connection", "ConnectionEnded", "Received", "Tls"]

_FRAME: Final = Struct(">HBBBI")  # length, 24 bits of it; type; flags; stream
_PAIR: Final = Struct(">HI")
_WORD: Final = Struct(">I")
_HEAD: Final = 9
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_INITIAL_WINDOW, _MAX_FRAME = 4, 5  # settings
_WINDOW_MAX: Final = 2**31 - 1
_REFILL: Final = 1 << 29
_BUFFER: Final = 1 << 20
_NOTHING: Final = memoryview(b"")
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_POST, _HTTP, _HTTPS = 0x83, 0x86, 0x87  # HPACK's static table (RFC 7541)
# What the first call put into its dynamic table: path, authority, te, content-type.
_REPEATED: Final = bytes([0xC1, 0xC0, 0xBF, 0xBE])


class ConnectionEnded(Exception):
    """The server closed the connection or reset a call: a measurement cannot go on."""


class Tls(NamedTuple):
    """Files of a connection that is secured both ways, and the name the server is to prove."""

    authority_file: str
    certificate_file: str
    key_file: str
    server: str


class Received(NamedTuple):
    """Bytes of answers with what frames them, to be looked at before the next are received.

    `ended` when nothing more comes on the stream.
    """

    stream: int
    body: memoryview
    ended: bool


class Connection:
    """One HTTP/2 connection that calls one method; for one thread."""

    def __init__(self, address: str, method: str, timeout_s: float, tls: Tls | None = None) -> None:
        host, _, port = address.rpartition(":")
        plain = socket.create_connection((host, int(port)), timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain if tls is None else _secured(plain, tls)
        self._start = bytes([_POST, _HTTP if tls is None else _HTTPS])
        self._headers = _named_headers(tls.server if tls else address, method)
        self._buffer = memoryview(bytearray(_BUFFER))  # a frame is 16 KiB at most: none is longer
        self._rest = self._buffer[:0]
        self._consumed = 0
        self._stream = 1
        self._window = self._initial = 65_535
        self._frame_max = 16_384
        self._windows: dict[int, int] = {}
        self._backlog: deque[tuple[int, memoryview, bool]] = deque()
        settings = _PAIR.pack(_INITIAL_WINDOW, _WINDOW_MAX)
        self._out = [
            _PREFACE,
            _frame(_SETTINGS, 0, 0, settings),
            _frame(_WINDOW, 0, 0, _WORD.pack(_WINDOW_MAX - 65_535)),
        ]

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def open(self, message: bytes, *, ends: bool) -> int:
        """Begin a call with its first framed message, the last one if `ends`; its stream."""
        stream = self._stream
        self._stream += 2
        headers = self._start + self._headers
        self._out.append(_frame(_HEADERS, _END_HEADERS, stream, headers))
        self._headers = _REPEATED
        self._windows[stream] = self._initial
        self.send(stream, message, ends=ends)
        return stream

    def send(self, stream: int, message: bytes, *, ends: bool = False) -> None:
        """Send a framed message, or nothing but the end, on a stream as its windows allow."""
        self._backlog.append((stream, memoryview(message), ends))
        self._release()

    def flush(self) -> None:
        """Write what has gathered."""
        if self._out:
            self._socket.sendall(b"".join(self._out))
            self._out.clear()

    def receive(self) -> list[Received]:
        """Wait for bytes and return what they bring. Raises: ConnectionEnded, TimeoutError."""
        kept = len(self._rest)
        self._buffer[:kept] = bytes(self._rest)
        size = self._socket.recv_into(self._buffer[kept:])
        if not size:
            raise ConnectionEnded("the server closed the connection")
        end, at = kept + size, 0
        found: list[Received] = []
        while end - at >= _HEAD:
            high, low, kind, flags, stream = _FRAME.unpack_from(self._buffer, at)
            length = high << 8 | low
            if end - at < _HEAD + length:
                break
            body = self._buffer[at + _HEAD : at + _HEAD + length]
            if kind == _DATA:
                found.append(Received(stream, body, bool(flags & _END_STREAM)))
                self._consumed += length
            elif kind == _HEADERS:
                if flags & _END_STREAM:
                    found.append(Received(stream, _NOTHING, True))
            else:
                self._control(kind, flags, stream, bytes(body))
            at += _HEAD + length
        self._rest = self._buffer[at:end]
        self._settle(found)
        return found

    def _settle(self, found: list[Received]) -> None:
        """Forget what has ended, give back the window."""
        for received in found:
            if received.ended:
                self._windows.pop(received.stream, None)
        if self._consumed > _REFILL:
            self._out.append(_frame(_WINDOW, 0, 0, _WORD.pack(self._consumed)))
            self._consumed = 0

    def _control(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        if kind == _SETTINGS and not flags & _ACK:
            self._adopt(body)
            self._out.append(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            self._out.append(_frame(_PING, _ACK, 0, body))
        elif kind == _WINDOW:
            (more,) = _WORD.unpack(body)
            if stream == 0:
                self._window += more
            elif stream in self._windows:
                self._windows[stream] += more
            self._release()
        elif kind in {_RESET, _GOAWAY}:
            raise ConnectionEnded("the server reset a call or went away")

    def _adopt(self, body: bytes) -> None:
        for name, value in _PAIR.iter_unpack(body):
            if name == _MAX_FRAME:
                self._frame_max = value
            elif name == _INITIAL_WINDOW:
                grown, self._initial = value - self._initial, value
                for stream in self._windows:
                    self._windows[stream] += grown
        self._release()

    def _release(self) -> None:
        """Send from the backlog what the windows of connection and stream have room for."""
        while self._backlog:
            stream, message, ends = self._backlog[0]
            size = len(message)
            room = min(size, self._window, self._windows[stream])
            if room <= 0 < size:
                return
            if room == size:
                self._backlog.popleft()
            else:
                self._backlog[0] = (stream, message[room:], ends)
            self._window -= room
            self._windows[stream] -= room
            self._out += self._data(stream, message[:room], ends=ends and room == size)

    def _data(self, stream: int, part: memoryview, *, ends: bool) -> Iterator[bytes]:
        size = len(part)
        for at in range(0, max(size, 1), self._frame_max):
            is_last = at + self._frame_max >= size
            piece = part[at : at + self._frame_max]
            yield _frame(_DATA, _END_STREAM if ends and is_last else 0, stream, piece)


def _frame(kind: int, flags: int, stream: int, body: bytes | memoryview) -> bytes:
    length = len(body)
    return _FRAME.pack(length >> 8, length & 255, kind, flags, stream) + body


def _named_headers(authority: str, method: str) -> bytes:
    """Path, authority, te, content-type: put into the dynamic table in this order."""
    named = (
        (b"\x44", method),
        (b"\x41", authority),
        (b"\x40\x02te", "trailers"),
        (b"\x5f", "application/grpc"),
    )
    return b"".join(name + bytes([len(value)]) + value.encode("ascii") for name, value in named)


def _secured(plain: socket.socket, tls: Tls) -> ssl.SSLSocket:
    """The connection with TLS on it, each side proven to the other."""
    context = ssl.create_default_context(cafile=tls.authority_file)
    context.load_cert_chain(tls.certificate_file, tls.key_file)
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(plain, server_hostname=tls.server)
