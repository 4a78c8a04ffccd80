"""Structured logs through one chain that lets codes and counts pass and nothing else.

A key that is not on the list is dropped, a value that is not a number or a short code is masked,
and whatever is left is searched for digits and addresses: no number or name can pass by accident.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, TextIO

import structlog

__all__ = ["MASK", "configure", "logger", "redact", "where"]

MASK: Final = "[masked]"
KEYS: Final = frozenset(
    {
        "action", "attempts", "backoff_s", "bytes", "cause", "code", "count", "duration_ms",
        "error_type", "event", "exit_code", "fact", "file", "frames", "grace_s", "host", "identity",
        "incident", "items", "kind", "level", "library", "method", "migration", "part",
        "permission", "pid", "port", "ports", "profile", "reason", "rows", "service", "signal",
        "state", "step", "table", "time", "version", "worker", "workers",
    }
)  # fmt: skip
_TEXT_MAX: Final = 200
_CODE: Final = re.compile(r"[\w ./:<>,;()\[\]+@-]*")
_DIGITS: Final = re.compile(r"\d(?:[ .\-]?\d){8,}")
_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXEMPT: Final = frozenset({"time"})  # written by this chain itself
_ROOT: Final = Path(__file__).resolve().parents[1]
_FRAMES_MAX: Final = 12


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The one processor every event goes through."""
    return {
        key: value if key in _EXEMPT else _safe(value)
        for key, value in event.items()
        if key in KEYS
    }


def _safe(value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**9 else MASK  # nine digits could be somebody's
    if isinstance(value, str):
        return _safe_text(str(value))
    if isinstance(value, list | tuple):
        return [_safe(item) for item in value]
    return MASK  # messages, records, bytes, exceptions: whatever has a repr


def _safe_text(text: str) -> str:
    if len(text) > _TEXT_MAX or not _CODE.fullmatch(text):
        return MASK
    if _UUID.fullmatch(text):
        return text
    return _ADDRESS.sub(MASK, _DIGITS.sub(MASK, text))


def where(error: BaseException) -> list[str]:
    """Our own frames of an exception, as file:line function; never its text, never locals."""
    frames = [
        f"{path.relative_to(_ROOT)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if (path := Path(frame.filename)).is_relative_to(_ROOT)
        and "site-packages" not in path.parts
    ]
    return frames[-_FRAMES_MAX:]


def configure(stream: TextIO | None = None) -> None:
    """Send every event as one line of JSON to `stream` (stderr), other libraries' too.

    Of other libraries only level and logger's name are kept: nobody knows what their texts hold.
    """
    out = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(logging.WARNING)


def logger(part: str) -> Any:
    """The logger of a part of the server; events are short codes such as `call_failed`."""
    return structlog.get_logger(part=part)


class _Foreign(logging.Handler):
    """Tells that another library logged something, and of what type its exception was."""

    def emit(self, record: logging.LogRecord) -> None:
        told: Mapping[str, object] = {"library": record.name, "step": record.funcName}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            told = {**told, "error_type": type(error).__name__, "frames": where(error)}
        structlog.get_logger().log(record.levelno, "library_logged", **told)
