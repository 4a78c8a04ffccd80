"""The ledger of acknowledged writes: a line counts once it is on the disk.

What the service later says is held to it; it must not know what was written.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Ledger", "entries"]


class Ledger:
    """A file of JSON lines, each fsynced before `append` returns; one fsync for all that wait.

    Use it as an asynchronous context.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def append(self, line: Mapping[str, Any]) -> None:
        """Add a line; returns when it would survive the loss of power."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((json.dumps(line).encode() + b"\n", kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await kept

    async def _write(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            await asyncio.to_thread(self._keep, b"".join(line for line, _ in waiting))
            for _, kept in waiting:
                if not kept.cancelled():
                    kept.set_result(None)
        self._writing = None

    def _keep(self, lines: bytes) -> None:
        self._file.write(lines)
        os.fsync(self._file.fileno())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writing is not None:
            await self._writing
        self._file.close()


def entries(path: Path) -> list[dict[str, Any]]:
    """All lines of a ledger, in their order; a last one that was cut off never counted."""
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]
