"""Files of a command: read in chunks with progress, written whole or not at all."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from opencif.commands.session import Session

_CHUNK_BYTES: Final = 256 * 1024
_STANDARD_INPUT: Final = "-"

Advance = Callable[[int], None]


class PendingFile:
    """A file that appears under its name only once it is kept, and for its owner alone.

    Raises: OSError where it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._temporary = Path(name)
        self.file: BinaryIO = os.fdopen(descriptor, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Takes away what was not kept."""
        self.file.close()
        with suppress(FileNotFoundError):
            self._temporary.unlink()

    def keep(self) -> None:
        """Gives it its name, in place of an older file."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self._temporary.replace(self._path)


def chunks(path: Path, advance: Advance) -> Iterator[bytes]:
    """The bytes of a file, or of standard input for `-`."""
    if str(path) == _STANDARD_INPUT:
        yield from _read(sys.stdin.buffer, advance)
        return
    with path.open("rb") as source:
        yield from _read(source, advance)


def _read(source: BinaryIO, advance: Advance) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK_BYTES):
        yield chunk
        advance(len(chunk))


@contextmanager
def progress(session: Session, path: Path, what: str) -> Iterator[Advance]:
    """A bar on standard error while a file is read, when somebody can see it."""
    errors = session.output.errors
    total = path.stat().st_size if str(path) != _STANDARD_INPUT else None
    columns = (
        TextColumn(what),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal
    ) as shown:
        task = shown.add_task(what, total=total)
        yield lambda count: shown.update(task, advance=count)
