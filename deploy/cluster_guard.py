"""Run as a program: ends what a cluster has started once its owner is gone, however that went.

Most of it ends by itself with its owner; what is frozen, or has lost its own parent, does not. It
must not know what the processes are: each carries the cluster's mark in its environment.
"""

import signal
import subprocess
import sys
import time
from typing import Final

from deploy.process_tree import marked, send

__all__ = ["MARK", "Guard"]

MARK: Final = "OPENCIF_CLUSTER_MARK"
_GRACE_S: Final = 8.0
_LOOK_EVERY_S: Final = 0.2


class Guard:
    """Watches over the processes with a mark until it is dismissed."""

    def __init__(self, mark: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cluster_guard", mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """End it after the cluster has been stopped in order."""
        self._process.kill()
        self._process.communicate()


def main(mark: str) -> None:
    """Wait for the end of the input, which is the owner's; then end all that is marked."""
    while sys.stdin.buffer.read(1):
        pass
    ends = time.monotonic() + _GRACE_S
    while left := marked(MARK, mark):
        send(signal.SIGCONT, left)  # frozen ones hear nothing else; most then end by themselves
        if time.monotonic() > ends:
            send(signal.SIGKILL, left)
        time.sleep(_LOOK_EVERY_S)


if __name__ == "__main__":
    main(sys.argv[1])
