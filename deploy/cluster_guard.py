"""Run as a program: ends what a cluster has started once its owner is gone, however that went.

Most of it ends by itself with its owner; what is frozen, or has lost its own parent, does not. It
must not know what the processes are: each works in the cluster's directory or carries its mark.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from deploy.process_tree import Process, now, of_place, send

__all__ = ["MARK", "Guard"]

MARK: Final = "OPENCIF_CLUSTER_MARK"
_GRACE_S: Final = 8.0
_LOOK_EVERY_S: Final = 0.2


class Guard:
    """Watches over the processes of a directory, or with a mark, until it is dismissed."""

    def __init__(self, home: Path, mark: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cluster_guard", str(home), mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """End it after the cluster has been stopped in order."""
        self._process.kill()
        self._process.communicate()


def main(home: Path, mark: str) -> None:
    """Wait for the end of the input, which is the owner's; then end all that is the cluster's."""
    while sys.stdin.buffer.read(1):
        pass
    gone_at, ends = now(), time.monotonic() + _GRACE_S
    while left := _left(home, mark, gone_at):
        send(signal.SIGCONT, left)  # frozen ones hear nothing else; most then end by themselves
        if time.monotonic() > ends:
            send(signal.SIGKILL, left)
        time.sleep(_LOOK_EVERY_S)


def _left(home: Path, mark: str, gone_at: int) -> list[Process]:
    """What began while the owner lived: in the directory the next one may have begun already."""
    return [process for process in of_place(home, MARK, mark) if process.began <= gone_at]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
