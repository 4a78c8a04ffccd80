"""Where the embedded stack keeps files: directories that its service account can reach and use.

It must leave nothing behind: what a crash left over is swept at the next start.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.process import Account, DirectoryInUse, DirectoryUnusable

SHORT = Path("/tmp")  # noqa: S108  a socket's path has 107 bytes, and every user can get here
STAND_INS = Path("/var/lib/opencif")  # for a root whose clone nobody else can enter
COPIES = Path("/var/cache/opencif")
PREFIX = "opencif-"


def is_reachable(path: Path, account: Account | None) -> bool:
    """Tell whether the account may read and search `path` and search everything above it."""
    if account is None:
        return os.access(path, os.R_OK | os.X_OK)
    return _permits(path, account, stat.S_IROTH | stat.S_IXOTH) and all(
        _permits(parent, account, stat.S_IXOTH) for parent in path.parents
    )


def _permits(path: Path, account: Account, wanted: int) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        wanted <<= 6
    elif status.st_gid == account.gid:
        wanted <<= 3
    return status.st_mode & wanted == wanted


def settle(directory: Path, account: Account | None) -> Path:
    """Make `directory` and return its real path, which the account can reach.

    Where the account cannot get in (a clone below /root), `directory` becomes a symbolic link to a
    stand-in under /var/lib/opencif, so that its name keeps working for the owner.
    """
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    real = directory.resolve()
    if not os.access(real, os.W_OK | os.X_OK):
        raise DirectoryUnusable(f"{directory} belongs to another user; remove it or use another")
    if is_reachable(real, account):
        return real
    stand_in = STAND_INS / f"{real.name}-{hashlib.sha256(bytes(real)).hexdigest()[:12]}"
    stand_in.mkdir(parents=True, exist_ok=True)
    for parent in (STAND_INS, stand_in):
        parent.chmod(0o755)  # whatever the umask
    for child in real.iterdir():
        shutil.move(child, stand_in / child.name)
    real.rmdir()
    real.symlink_to(stand_in)
    return stand_in


def own(directory: Path, account: Account | None) -> None:
    """Make `directory`, private to the account.

    Raises: DirectoryUnusable when it is somebody else's.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    if account and directory.stat().st_uid == os.geteuid():
        os.chown(directory, account.uid, account.gid)
    check_owner(directory, account)


def check_owner(directory: Path, account: Account | None) -> None:
    """Raise DirectoryUnusable unless the directory is the account's."""
    if directory.stat().st_uid != (account.uid if account else os.geteuid()):
        raise DirectoryUnusable(f"{directory} is another user's; remove it: rm -r {directory}")


@contextlib.contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory with a short path that every account can enter; gone afterwards.

    Its name holds the owner's process id, by which the next call sweeps what a crash left.
    """
    _sweep()
    directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=SHORT))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _sweep() -> None:
    for directory in SHORT.glob(f"{PREFIX}[0-9]*-*"):
        pid = directory.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):  # another user's, or swept by another process just now
            if not Path("/proc", pid).exists() and directory.stat().st_uid == os.geteuid():
                shutil.rmtree(directory)


def await_vacancy(directory: Path, program: str, timeout_s: float = 10) -> None:
    """Wait until no process named `program` works in `directory`.

    The servers of an owner that was killed need a moment to end. The kernel is asked who lives
    there, since a pid file tells of zombies and of strangers that got the number later.

    Raises: DirectoryInUse.
    """
    deadline = time.monotonic() + timeout_s
    while pid := _inhabitant(directory.resolve(), program):
        if time.monotonic() > deadline:
            raise DirectoryInUse(f"{program} (process {pid}) is using {directory}; stop it first")
        time.sleep(0.05)


def _inhabitant(directory: Path, program: str) -> int | None:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, a zombie, or somebody else's
            name = (process / "comm").read_text().strip()
            if name == program and (process / "cwd").readlink() == directory:
                return int(process.name)
    return None


def reachable_copy(
    source: Path, name: str, parts: tuple[str, ...], account: Account | None
) -> Path:
    """`source`, or a copy of its `parts` in /var/cache/opencif/`name` if the account cannot enter.

    The parts keep their places to each other: programs find their libraries by relative paths.
    """
    if all(is_reachable(source / part, account) for part in parts):
        return source
    copy = COPIES / name
    if not copy.exists():
        COPIES.mkdir(parents=True, exist_ok=True)
        COPIES.chmod(0o755)
        fresh = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=COPIES))
        for part in parts:
            shutil.copytree(source / part, fresh / part, symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (path.stat().st_mode & 0o100 and 0o111))
        with contextlib.suppress(OSError):  # another process was first
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return copy
